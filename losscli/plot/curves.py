"""Pictures of losses without data: their curves and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError, LosscliError, UsageError
from losscli.plot.curve_axes import AXES, CurveAxis, Path
from losscli.plot.curve_rules import find_paths, no_curve_reason
from losscli.plot.curve_shape import Tail, find_tail, reach_of, round_up
from losscli.plot.curve_values import PathValues, with_gaps
from losscli.plot.curve_words import and_join, describe_curves, or_join
from losscli.plot.pictures import Axis, Line, Mark, Panel, Picture, Rule
from losscli.plot.scales import MINUS, SMALLEST_STEP

LARGEST_END, SHORTEST_RANGE, RELATIVE_RANGE = 1e150, 1e-100, 1e-9
"""Ends of an x axis: the largest, and how far they are apart, at least, as such and in proportion to their size."""

POINTS = 241
"""Points of a curve; odd, so that the middle of the range is one."""

COUPLED_POINTS = 41
"""Points of a curve each of which takes a data set of its own."""

INSET = 1e-6
"""How far from the ends of an axis a curve begins, as a share of the range: probabilities 0 and 1 have no logarithm."""

INSIDE = 0.98
"""The share of a path that is drawn, if it has an end where its axis has none."""

EXPLODING = 2.2
"""A curve explodes that goes so many times as far as the next one: the panel cuts it off."""

ROOM = 1.4
"""Height of the panel where a curve is cut off, relative to the highest that is not."""

MAX_IN_TITLE = 5
"""Most losses that the title names."""

LOSS_TITLE, PULL_TITLE = "Loss of one row", "Gradient: how hard it pulls"

ROUNDING = 1e-9
"""The share of the height below which a negative loss is one of 0."""

EDGE = 0.06
"""Free height above and below gradients, as a share of the panel."""

USUAL_SHARE = 0.8
TOWERING = 4.0
LOSS_TOWER, PULL_TOWER = 3.0, 1.6
"""A curve that goes so many times as far as the usual share of it is cut off at so many times the height of that."""


class Curve(NamedTuple):
    """Losses along a path: points x (n,), the loss of a row (n,), and its slope (n,), None without a gradient.

    `names` are those of the losses that have the curve. `tails` say how the pull goes on to the left and to the right,
    where the axis goes on.
    """

    names: tuple[str, ...]
    bound: BoundLoss
    values: PathValues
    x: Array
    losses: Array
    slopes: Array | None
    tails: tuple[Tail, Tail] | None
    style: int = 0

    @property
    def label(self) -> str:
        return ", ".join(self.names)


class Curves(NamedTuple):
    """The different curves of losses on an axis, and the ends of the axis."""

    axis: str
    curves: list[Curve]
    ends: tuple[float, float]

    @property
    def n_hidden(self) -> int:
        """How many losses have the same curve as another."""
        return sum(len(curve.names) - 1 for curve in self.curves)


def check_ends(low: float, high: float, given: Any) -> None:
    """Check the ends of an x axis; `given` is what the user named them by.

    Raises:
        UsageError: They are not in order, or so near or so far apart that no curve can be drawn between them.
    """
    size = max(abs(low), abs(high))
    problem = ""
    if not low < high:
        problem = "the first number must be less than the second"
    elif size > LARGEST_END:
        problem = "a number is too large to be drawn"
    elif high - low < max(SHORTEST_RANGE, RELATIVE_RANGE * size):
        problem = "the numbers are too near to each other"
    if problem:
        raise UsageError(problem, option=("range", given))


def curves_picture(losses: Sequence[BoundLoss], x_range: tuple[float, float] | None = None) -> Picture:
    """Return the picture of the curves of losses, and of their gradients.

    The axis is the first that all losses offer, that has the range, and on which they differ.

    Args:
        losses: The losses with their parameters.
        x_range: The ends of the x axis; None for those that fit the parameters.

    Raises:
        UsageError: A loss has no curve, the losses have none in common, or no axis of theirs has the range.
    """
    offers = [find_paths(bound) for bound in losses]
    without = [bound for bound, offered in zip(losses, offers, strict=True) if not offered]
    if without:
        reasons = [f"{b.label} has no curve: {no_curve_reason(b) or unknown_roles(b)}" for b in without]
        raise UsageError("; ".join(reasons))
    found: list[Curves] = []
    refused: list[UsageError] = []
    for key in shared_axes(losses, offers):
        try:
            found.append(curves_on(key, losses, [offered[key] for offered in offers], x_range))
        except UsageError as error:
            refused.append(error)
            continue
        if not found[-1].n_hidden:
            break
    if not found:
        raise refused[0]
    return draw(min(found, key=lambda curves: curves.n_hidden), losses)


def unknown_roles(bound: BoundLoss) -> str:
    """Say that no axis is known for the roles of a loss."""
    return f"no axis is known for a loss of {', '.join(bound.loss.forms[0].names)}"


def shared_axes(losses: Sequence[BoundLoss], offers: Sequence[dict[str, list[Path]]]) -> list[str]:
    """Return the axes that all losses offer, that which suits them best first.

    Raises:
        UsageError: There is none.
    """
    shared = [key for key in offers[0] if all(key in offered for offered in offers)]
    if not shared:
        names = [
            f"{bound.label} has {or_join([AXES[key].name for key in offered])}"
            for bound, offered in zip(losses, offers, strict=True)
        ]
        raise UsageError(f"these losses have no x axis in common: {'; '.join(names)}; plot them apart")
    return sorted(shared, key=lambda key: sum(list(offered).index(key) for offered in offers))


def curves_on(
    key: str, losses: Sequence[BoundLoss], paths: Sequence[Sequence[Path]], x_range: tuple[float, float] | None
) -> Curves:
    """Return the different curves of losses on an axis.

    Raises:
        UsageError: The range is none of the axis, or a loss refuses its values.
    """
    axis = AXES[key]
    pairs = [(b, PathValues(b, path)) for b, offered in zip(losses, paths, strict=True) for path in offered]
    try:
        tails = [find_tails(values) if axis.fits_parameters else None for _, values in pairs]
        ends = fit_range(axis, [values.path for _, values in pairs], tails, x_range)
        curves = [sample(b, values, ends, tail) for (b, values), tail in zip(pairs, tails, strict=True)]
    except DataError as error:
        raise UsageError(f"these losses have no curve here: {error}") from error
    if not any(np.isfinite(curve.losses).any() for curve in curves):
        raise UsageError(f"no loss is finite from {ends[0]:g} to {ends[1]:g}".replace("-", MINUS))
    return Curves(key, merge_equal(curves), ends)


def find_tails(values: PathValues) -> tuple[Tail, Tail] | None:
    """Return how the pull of a loss goes on to the left and to the right; None if it fails on such values."""
    try:
        return find_tail(values, -1), find_tail(values, 1)
    except LosscliError:
        return None


def fit_range(
    axis: CurveAxis,
    paths: Sequence[Path],
    tails: Sequence[tuple[Tail, Tail] | None],
    x_range: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return the ends of the x axis: those that were asked for, or those in which the shapes of all curves show."""
    least = max(axis.interval[0], *(path.interval[0] for path in paths))
    most = min(axis.interval[1], *(path.interval[1] for path in paths))
    if x_range is not None:
        low, high = x_range
        if not low < high or not np.isfinite([low, high]).all():
            raise UsageError("the range must be two finite numbers, the smaller one first")
        if low < least or high > most:
            where = f"from {least:g} to {most:g}" if np.isfinite(most) else f">= {least:g}"
            raise UsageError(f"the range {low:g} to {high:g} does not fit: {axis.name} is {where}".replace("-", MINUS))
        return float(low), float(high)
    low, high = float(axis.usual[0]), float(axis.usual[1])
    if axis.fits_parameters:
        known = [reach_of(tail, high) for both in tails if both for tail in both if tail.kind != "none"]
        reach = max(known, default=high)
        high = round_up(max(reach, high) if axis.worse else reach)
        low = -high if low < 0 else low
        least, most = INSIDE * least, INSIDE * most
    elif least > low:
        low = max(0.0, least)
    return max(low, least), min(high, most)


def sample(bound: BoundLoss, values: PathValues, ends: tuple[float, float], tails: tuple[Tail, Tail] | None) -> Curve:
    """Evaluate a loss along its path between the ends of the axis."""
    (low, high), (least, most) = ends, values.path.interval
    inset = INSET * (high - low)
    x = np.linspace(low, high, COUPLED_POINTS if values.evaluator.coupled else POINTS)
    x[0], x[-1] = max(low, least + inset), min(high, most - inset)
    losses, slopes = values(x)
    name = bound.label + (f" ({values.path.case})" if values.path.case else "")
    return Curve((name,), bound, values, x, losses, slopes, tails)


def merge_equal(curves: Sequence[Curve]) -> list[Curve]:
    """Return the curves that differ: cases of a loss that are alike are one, and so are losses that are alike."""
    found: list[Curve] = []
    for bound in dict.fromkeys(curve.bound.canonical for curve in curves):
        cases: list[Curve] = []
        for curve in curves:
            if curve.bound.canonical == bound and not any(are_equal(curve.losses, c.losses) for c in cases):
                cases.append(curve)
        if len(cases) == 1:
            cases = [cases[0]._replace(names=(cases[0].bound.label,))]
        for curve in cases:
            twin = next((i for i, c in enumerate(found) if are_equal(c.losses, curve.losses)), None)
            if twin is None:
                found.append(curve._replace(style=len(found)))
            else:
                found[twin] = found[twin]._replace(names=found[twin].names + curve.names)
    return found


def are_equal(first: Array, second: Array) -> bool:
    """Tell whether two curves are one, apart from rounding and from a point at a jump."""
    if first.shape != second.shape:
        return False
    height = float(np.nanmax(np.abs(first[np.isfinite(first)]), initial=0.0))
    same = np.isclose(first, second, rtol=1e-9, atol=1e-12 * height, equal_nan=True)
    return int(np.count_nonzero(~same)) <= 1


def draw(found: Curves, losses: Sequence[BoundLoss]) -> Picture:
    """Return the picture of curves on an axis."""
    key, curves, ends = found
    axis = AXES[key]
    own_labels = {curve.values.path.label or axis.label for curve in curves}
    x_axis = Axis(own_labels.pop() if len(own_labels) == 1 else axis.label, *ends)
    units = {bound.loss.unit for bound in losses}
    unit = units.pop() if len(units) == 1 else ""
    is_centred = ends[0] < 0 < ends[1]
    loss_panel = make_panel(
        LOSS_TITLE,
        x_axis,
        f"loss, {unit}" if unit not in ("", "1") else "loss",
        [(c, c.values.losses, c.losses) for c in curves],
        [Rule("", x=0.0)] if is_centred else [],
    )
    panels = [loss_panel]
    slopes = [(c, c.values.slopes, c.slopes) for c in curves if c.slopes is not None]
    if slopes:
        rules: list[Mark] = [Rule("", y=0.0), *([Rule("", x=0.0)] if is_centred else [])]
        label = f"gradient {axis.gradient}"
        panels.append(make_panel(PULL_TITLE, x_axis, label, slopes, rules))
    remarks = list(dict.fromkeys(remark for curve in curves for remark in curve.values.path.remarks))
    for bound in losses:
        if function := bound.loss.reduction.function:
            remarks.append(f"{bound.label} is the {function} of the mean of these losses of rows")
    sentence, facts_by_curve = describe_curves(curves, axis, ends)
    labels = tuple(bound.label for bound in losses)
    title = f"{and_join(labels, at_most=MAX_IN_TITLE)}: loss{' and gradient' if slopes else ''}"
    facts = {"x": key, "range": list(ends), "curves": facts_by_curve}
    return Picture("curves", title, tuple(panels), sentence, labels, facts, remarks=tuple(remarks))


def make_panel(
    title: str,
    x_axis: Axis,
    y_label: str,
    series: Sequence[tuple[Curve, Callable[[Array], Array], Array]],
    rules: Sequence[Mark],
) -> Panel:
    """Return a panel of curves, cut off where one explodes."""
    low, high = fit_height([y for _, _, y in series], LOSS_TOWER if title == LOSS_TITLE else PULL_TOWER)
    lines: list[Line] = []
    for curve, function, y in series:
        x, drawn = curve.x, np.where(np.isfinite(y), y, np.nan)
        if not curve.values.evaluator.coupled:
            x, drawn = with_gaps(function, x, drawn, low, high)
        twin = next((i for i, line in enumerate(lines) if are_equal(line.y, drawn)), None)
        if twin is None:
            lines.append(Line(curve.label, x, drawn, curve.style))
        else:
            lines[twin] = Line(f"{lines[twin].label}, {curve.label}", lines[twin].x, lines[twin].y, lines[twin].style)
    return Panel(title, x_axis, Axis(y_label, low, high), (*rules, *lines))


def fit_height(series: Sequence[Array], tower: float) -> tuple[float, float]:
    """Return the ends of the y axis: those of the curves, without what explodes; they include 0."""
    above, below = ([robust_height(sign * y, tower) for y in series] for sign in (1, -1))
    is_cut = find_exploding([max(heights) for heights in zip(above, below, strict=True)])
    top, bottom = fit_side(series, above, is_cut), fit_side([-y for y in series], below, is_cut)
    if not top and not bottom:
        return (0.0 if tower == LOSS_TOWER else -1.0), 1.0
    if tower == PULL_TOWER:  # a pull that ends, or is the same everywhere, lies at the edge
        edge = EDGE * (top + bottom)
        top, bottom = top + edge, bottom + edge
    size = max(top, bottom)
    bottom = 0.0 if bottom < ROUNDING * top else bottom
    return 0.0 - round_height(bottom, size), round_height(top, size)


def fit_side(series: Sequence[Array], heights: Sequence[float], is_cut: Sequence[bool]) -> float:
    """Return how far the panel goes above 0: not to the top of what explodes, but so far that each curve is in it."""
    nearest = max((float(np.nanmin(np.where(np.isfinite(y), y, np.inf), initial=np.inf)) for y in series), default=0.0)
    height = max(heights)
    kept = max((one for one, is_off in zip(heights, is_cut, strict=True) if not is_off), default=0.0)
    if kept > 0:
        height = min(height, ROOM * kept) if height > kept else kept
    return height if not 0 < nearest < np.inf else max(height, ROOM * nearest)


def robust_height(y: Array, tower: float) -> float:
    """Return the highest value of a curve, at least 0, or less if little of the curve towers above the rest."""
    y = y[np.isfinite(y)]
    if not len(y):
        return 0.0
    most = max(0.0, float(y.max()))
    usual = float(np.sort(np.abs(y))[int(USUAL_SHARE * (len(y) - 1))])  # np.quantile imports numpy.ma: 15 ms
    return tower * usual if most > TOWERING * usual > 0 else most


def find_exploding(heights: Sequence[float]) -> list[bool]:
    """Return which of the curves are cut off, by how far each goes to either side: few, and far above the others."""
    ordered = sorted(heights, reverse=True)
    for n_cut in range(min(max(1, len(ordered) // 3), len(ordered) - 1), 0, -1):
        if 0 < EXPLODING * ordered[n_cut] < ordered[n_cut - 1]:
            return [height >= ordered[n_cut - 1] for height in heights]
    return [False] * len(heights)


def round_height(value: float, size: float) -> float:
    """Return a height rounded up to two digits of the panel's size."""
    step = 10.0 ** math.floor(math.log10(size)) / 10
    rounded = math.ceil(value / step * (1 - 1e-9)) * step if step > SMALLEST_STEP else value
    return rounded if math.isfinite(rounded) else value
