"""The sentence that says what to see in curves, made from their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.errors import LosscliError
from losscli.plot.scales import MINUS, human_number

if TYPE_CHECKING:
    from losscli.plot.curve_axes import CurveAxis
    from losscli.plot.curve_shape import Tail
    from losscli.plot.curve_values import PathValues
    from losscli.plot.curves import Curve

MAX_NAMED = 7
"""Most losses that one clause names."""

DIGITS_OF_PLACE = 4
"""Digits of where a pull changes, which may be a parameter: 4.685."""

FLAT = 1e-9
"""A slope that is so small a share of the largest is 0."""

MIN_FLAT_SHARE = 0.05
"""Share of the range from which on a flat end is worth a word."""

MAX_VALUES_OF_STEPS = 5
"""Most values of a loss that is said to have steps."""

CONFIDENT = 0.9
"""A probability at which a row is all but learned."""

NEAR_END = np.array([1e-4, 1e-6, 1e-8])
"""Distances from the end of an axis at which a loss is looked at."""


class Clause(NamedTuple):
    """What is said of a loss: `subject`, its name, and `predicate`.

    Losses of which the same is said share a clause. Others of the same key follow as `further`, their name and `short`,
    which leaves out what the first predicate said already.
    """

    key: str
    name: str
    subject: str
    predicate: str
    short: str
    further: str = "that of"


def describe_curves(
    curves: Sequence[Curve], axis: CurveAxis, ends: tuple[float, float]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the sentence, and by curve the facts that it is made from."""
    clauses = [clause for curve in curves for clause in clauses_of(curve, axis, ends)]
    return "; ".join(join_alike(clauses)), {curve.label: facts_of(curve) for curve in curves}


def facts_of(curve: Curve) -> dict[str, Any]:
    """Return what is known of a curve: its losses at the ends, its largest pull, and how the pull goes on."""
    found: dict[str, Any] = {"loss_at_ends": [float(curve.losses[0]), float(curve.losses[-1])]}
    if curve.slopes is not None and np.isfinite(curve.slopes).any():
        size = np.where(np.isfinite(curve.slopes), np.abs(curve.slopes), -1.0)
        i = int(size.argmax())
        found |= {"largest_pull": float(size[i]), "largest_pull_at": float(curve.x[i])}
    if curve.tails is not None:
        for side, tail in zip(("left", "right"), curve.tails, strict=True):
            found[side] = {"pull": tail.kind, "from": tail.start, "size": tail.size}
    return found


def clauses_of(curve: Curve, axis: CurveAxis, ends: tuple[float, float]) -> Iterator[Clause]:
    """Yield what there is to say of a curve."""
    if curve.slopes is None and len(set(curve.losses.tolist())) <= MAX_VALUES_OF_STEPS:
        yield say("steps", curve, "the loss of", "has steps and no gradient")
    elif curve.slopes is None:
        most = number(float(np.nanmax(curve.losses)))
        yield say(
            "no gradient", curve, "the loss of", f"has no gradient to show and goes up to {most}", f"up to {most}"
        )
    elif axis.fits_parameters and curve.tails is None:
        yield say("range", curve, "the loss of", f"is at most {number(float(np.nanmax(curve.losses)))} here")
    elif curve.tails is not None and axis.worse:
        yield from bad_side_clauses(curve, axis, ends)
    elif curve.tails is not None:
        yield from two_sided_clauses(curve, axis, ends)
    elif axis.interval == (0, 1):
        yield from probability_clauses(curve, axis)
    elif axis.worse:
        yield from one_sided_clauses(curve, axis)
    else:
        yield from ratio_clauses(curve, axis)


def say(key: str, curve: Curve, subject: str, predicate: str, short: str = "") -> Clause:
    """Return a clause about a curve."""
    return Clause(key, and_join(curve.names), subject, predicate, short)


def number(value: float, digits: int = 3) -> str:
    """Return a number as it is read."""
    return human_number(float(value), digits)


def bad_side_clauses(curve: Curve, axis: CurveAxis, ends: tuple[float, float]) -> Iterator[Clause]:
    """Yield how the pull goes on where predictions get worse, and whether it ends where they are good."""
    assert curve.tails is not None
    bad, good = curve.tails if axis.worse < 0 else curve.tails[::-1]
    is_over = good.kind == "ends" or (good.kind == "none" and bad.kind != "none")
    end, side = number(-axis.worse * good.start, DIGITS_OF_PLACE), "above" if axis.worse < 0 else "below"
    if bad.kind == "constant" and is_over:
        other = "below" if axis.worse < 0 else "above"
        size = number(bad.size)
        predicate = f"is {size} {other} {end} and 0 {side}"
        yield say("hinge", curve, "the pull of", predicate, f"{size} {other} {end}")
        return
    yield tail_clause(curve, bad, axis.worse, ends, "")
    if is_over:
        yield say(f"over {side}", curve, "the pull of", f"is 0 {side} {end}", f"{side} {end}")


def two_sided_clauses(curve: Curve, axis: CurveAxis, ends: tuple[float, float]) -> Iterator[Clause]:
    """Yield how the pull of a curve goes on to both sides of 0."""
    assert curve.tails is not None
    left, right = curve.tails
    if left.kind == right.kind and np.isclose(left.start, right.start, rtol=1e-3):
        if np.isclose(left.size, right.size, rtol=1e-6) or left.kind == "grows":
            yield tail_clause(curve, right, 0, ends, "")
            return
        if left.kind in ("constant", "stays", "approaches"):
            words = f"{number(left.size)} below 0 and {number(right.size)} above"
            verb = "is" if left.kind == "constant" else "goes to"
            yield say(f"{verb} apart", curve, "the pull of", f"{verb} {words}", words)
            return
    for tail, side, where in ((left, -1, " below 0"), (right, 1, " above 0")):
        if tail.kind != "none":
            yield tail_clause(curve, tail, side, ends, "" if axis.interval[0] == 0 else where)


def tail_clause(curve: Curve, tail: Tail, side: int, ends: tuple[float, float], where: str) -> Clause:
    """Return how the pull goes on in one direction, or in both (side 0); `where` names the direction."""
    sign = {0: "±", -1: MINUS, 1: ""}[side]
    beyond = {0: "beyond", -1: "below", 1: "above"}[side] + f" {sign}{number(tail.start, DIGITS_OF_PLACE)}"
    size, key = number(tail.size), tail.kind + where
    if tail.kind == "grows":
        found = say(key, curve, "the loss of", f"goes on growing{where}, and so does the pull")
        return found._replace(name=found.name + shown_ends(curve, side, ends))
    if tail.kind == "constant":
        return say(key, curve, "the pull of", f"is {size} everywhere{where}", size)
    if tail.kind == "stays":
        return say("stays", curve, "the pull of", f"stays at {size} {beyond}", f"at {size} {beyond}")
    if tail.kind == "approaches":
        return say(key, curve, "the pull of", f"levels off at {size}{where}", f"at {size}")
    if tail.kind == "ends":
        most = curve.values.losses(np.full(2, (side or 1) * tail.start))[0]
        stop = f"at {sign}{number(tail.start, DIGITS_OF_PLACE)}, at a loss of {number(most)}"
        return say("ends", curve, "the pull of", f"ends {stop}", stop)
    if tail.kind == "fades" and tail.start:
        words = f"{beyond} ({size} there)"
        return say("fades", curve, "the pull of", f"fades {words}", words)
    if tail.kind == "fades":
        return say(f"fades from 0{where}", curve, "the pull of", f"is {size} at 0 and fades from there{where}", size)
    return say("none", curve, "the pull of", "is 0 everywhere")


def shown_ends(curve: Curve, side: int, ends: tuple[float, float]) -> str:
    """Return the losses at the ends of the range on this side of 0, in brackets; "" if they are none to show."""
    low, high = float(curve.losses[0]), float(curve.losses[-1])
    if not np.isfinite([low, high]).all():
        return ""
    if side == 0 and ends[0] == -ends[1] and np.isclose(low, high, rtol=1e-6):
        return f" ({number(high)} at ±{number(ends[1])})"
    shown = [f"{number(low)} at {number(ends[0])}"] if side <= 0 and ends[0] < 0 else []
    shown += [f"{number(high)} at {number(ends[1])}"] if side >= 0 and ends[1] > 0 else []
    return f" ({', '.join(shown)})" if shown else ""


def probability_clauses(curve: Curve, axis: CurveAxis) -> Iterator[Clause]:
    """Yield whether a curve grows without end where a probability goes to 0 or 1, and its pull on sure rows."""
    sides = {0.0: NEAR_END} if axis.worse else {0.0: NEAR_END, 1.0: 1 - NEAR_END}
    growing = [end for end, x in sides.items() if grows_along(curve.values.losses, x, curve.losses)]
    limits = {end: loss_at(curve.values, end) for end in growing}
    endless = " or ".join(f"{end:g}" for end, limit in limits.items() if not np.isfinite(limit))
    if endless:
        words = f"grows without end as {axis.name} goes to {endless}"
        yield say(f"endless {endless}", curve, "the loss of", words)
    for end, limit in limits.items():
        if np.isfinite(limit):  # probabilities are clipped
            words = f"rises to {number(limit)} as {axis.name} goes to {end:g}"
            yield say(f"rises {end:g}", curve, "the loss of", words, f"to {number(limit)}")
    if not growing:
        most = number(float(np.nanmax(curve.losses)))
        yield say("bounded", curve, "the loss of", f"is at most {most}", f"at most {most}")
    if axis.worse:
        pull = number(curve.values.pulls(np.full(2, CONFIDENT))[0])
        yield say("confident", curve, f"at {CONFIDENT} the pull of", f"is {pull}", pull)


def loss_at(values: PathValues, end: float) -> float:
    """Return the loss at the very end of an axis, infinity if it takes no such value."""
    try:
        return float(values.losses(np.full(2, end))[0])
    except LosscliError:
        return np.inf


def grows_along(losses: Callable[[Array], Array], x: Array, shown: Array) -> bool:
    """Tell whether a loss grows on and on along values that come ever nearer to the end of an axis."""
    values = losses(x)
    if not np.isfinite(values).all():
        return True
    height = float(np.ptp(shown[np.isfinite(shown)])) or 1.0
    first, second = np.diff(values)
    return bool(first > 1e-3 * height and second > first / 2)


def one_sided_clauses(curve: Curve, axis: CurveAxis) -> Iterator[Clause]:
    """Yield where a curve stops to pull, or from where on it pulls at least half as hard as it ever does."""
    assert curve.slopes is not None
    order = slice(None) if axis.worse > 0 else slice(None, None, -1)  # from good to bad predictions
    x = curve.x[order]
    size = np.where(np.isfinite(curve.slopes), np.abs(curve.slopes), 0.0)[order]
    largest = float(size.max())
    if largest == 0:
        yield say("none", curve, "the pull of", "is 0 everywhere")
        return
    unit = "°" if axis.interval == (0, 180) else ""
    side = "above" if axis.worse > 0 else "below"
    n_flat = int((size[::-1] > FLAT * largest).argmax())
    half = int((size >= largest / 2).argmax())
    if n_flat >= MIN_FLAT_SHARE * len(x):
        words = f"{side} {number(round(float(x[-n_flat]), 2))}{unit}"
        yield say("flat", curve, "the pull of", f"is 0 {words}", words)
    elif float(size.min()) > (1 - 1e-6) * largest:
        yield say("constant", curve, "the pull of", f"is {number(largest)} everywhere", number(largest))
    elif half <= 1:
        end = f"{number(round(float(x[-1]), 2))}{unit}"
        yield say("goes on", curve, "the pull of", f"is still {number(size[-1])} at {end}", number(size[-1]))
    else:
        words = f"{side} {number(round(float(x[half]), 0 if unit else 2))}{unit}"
        yield say("half", curve, "the pull of", f"is more than half of its largest {words}", words)


def ratio_clauses(curve: Curve, axis: CurveAxis) -> Iterator[Clause]:
    """Yield what half and twice the right value cost; where 1 is not the best prediction, which one is."""
    half, right, twice = (float(value) for value in curve.values.losses(np.array([0.5, 1.0, 2.0])))
    if min(half, twice) < right:
        best = number(round(float(curve.x[np.nanargmin(curve.losses)]), 2))
        yield say("best", curve, "the loss of", f"is least at {best}", f"at {best}")
        return
    what = "y_true" if axis.name == "y_pred" else "the true width"
    low, high = number(half - right), number(twice - right)
    found = say("ratio", curve, "under", f"half of {what} costs {low}, twice of it {high}", f"{low} and {high}")
    yield found._replace(further="under")


def join_alike(clauses: Sequence[Clause]) -> Iterator[str]:
    """Yield texts, each of which says the same of one loss or of several."""
    for key in dict.fromkeys(clause.key for clause in clauses):
        names: dict[Clause, list[str]] = {}
        for clause in clauses:
            if clause.key == key:
                names.setdefault(clause._replace(name=""), []).append(clause.name)
        texts: list[str] = []
        for clause, named in names.items():
            who = and_join(named)
            if texts:
                verb = "is " if clause.further == "that of" and clause.short[:1].isdigit() else ""
                texts.append(f"{clause.further} {who} {verb}{clause.short}")
            else:
                texts.append(f"{clause.subject} {who} {clause.predicate}")
        if len(texts) > MAX_NAMED:
            texts = [*texts[: MAX_NAMED - 1], f"and {len(texts) - MAX_NAMED + 1} more"]
        yield ", ".join(text for text in texts)


def and_join(parts: Sequence[str], word: str = "and", at_most: int = MAX_NAMED) -> str:
    """Join parts as in a sentence; of very many, the first ones."""
    if len(parts) > at_most:
        parts = [*parts[: at_most - 1], f"{len(parts) - at_most + 1} more"]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def or_join(parts: Sequence[str]) -> str:
    """Join parts that are alternatives."""
    return and_join(parts, "or")
