"""The Murphy diagram: which model is better by which of the losses that are consistent for a functional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.errors import DataError
from losscli.plot.calibration_observers import ElementarySums, ShownLosses
from losscli.plot.kinds import PictureRecipe, Request
from losscli.plot.pictures import Axis, Band, Line, Mark, Panel, Picture
from losscli.plot.reliability import column_name, model_names, model_rows, outputs_remark, shown_range
from losscli.plot.scales import human_number, human_percent
from losscli.results import DataInfo, results_of
from losscli.statistics.elementary import ElementaryMeans, ElementaryQuantiles, bucket_edges

MAX_THRESHOLDS = 401
"""Thresholds of a drawn curve."""

MAX_BREAKS_DRAWN = 100
"""Predictions and targets up to which a curve is drawn with all its jumps."""

THRESHOLDS_PER_SHARE = 2000
"""Thresholds at which models are compared for the share of the axis where each is lower."""

TIMES_FOR_LOGARITHMS = 50
"""How many times its median the largest score is where the axis of the scores is logarithmic."""

MIN_TIED_TOLD = 0.05
"""Share of the thresholds at which models are alike that a sentence tells."""

MAX_MODELS_IN_SENTENCE = 3
"""Models that are named beside the best one."""

LARGEST_RATIO_SHOWN = 1e5
"""Ratio of the ends of a logarithmic axis."""

BEST_CONSTANT = "best constant"

ElementaryScores = ElementaryMeans | ElementaryQuantiles


def murphy_observers(request: Request) -> tuple[ElementarySums]:
    """Return what observes the run for the picture.

    Raises:
        UsageError: No loss is consistent for a functional.
    """
    return (ElementarySums(model_rows(request)),)


def draw_murphy(request: Request, observer: ElementarySums) -> Picture:
    """Return the picture from what was observed of all rows."""
    names = model_names(request.dataset)
    return murphy_picture(
        observer.rows.shown,
        dict(zip(names, observer.scores(), strict=True)),
        target=column_name(request.dataset, "y_true"),
        data=results_of(request.dataset, request.run).data,
        remarks=outputs_remark(request, observer.rows.shown.first),
    )


class ThresholdComparison(NamedTuple):
    """How the scores of models compare along the thresholds.

    Attributes:
        lowest: The share of the axis at which each model is the lowest alone, by its name.
        tied: The share at which several are lowest.
        dominant: The model that is lower at some thresholds and higher at none; None if there is none.
        ranges: The longest range of thresholds at which each is the lowest alone; None if there is none.
        is_one_range: Whether that is more than half of all thresholds at which it is.
        axis: The range of all thresholds.
    """

    lowest: dict[str, float]
    tied: float
    dominant: str | None
    ranges: dict[str, tuple[float, float] | None]
    is_one_range: dict[str, bool]
    axis: tuple[float, float]


def murphy_picture(
    shown: ShownLosses,
    scores: Mapping[str, ElementaryScores],
    *,
    target: str,
    data: DataInfo | None = None,
    remarks: Sequence[str] = (),
) -> Picture:
    """Return the picture of the elementary scores of models; of one model beside its best constant.

    Args:
        shown: The losses, which say what the predictions are of.
        scores: The elementary scores of each model.
        target: The name of the target.
        data: The data.
        remarks: How the rows were taken.

    Raises:
        DataError: A target is infinite or leaves no digits for others, or no row has a weight.
    """
    loss = shown.first
    first = next(iter(scores.values()))
    if not first.by_target.weight[0] > 0:
        raise DataError("no row has a weight")
    if not np.isfinite(first.by_target.value).all():
        raise DataError(f"{target}: a target is infinite, and has no elementary scores")
    constant = best_constant(first)
    if any(map(_lacks_digits, scores.values())) and not first.by_prediction.is_exact:
        largest = human_number(float(np.abs(first.by_target.value).max()), 3)
        raise DataError(f"{target}: beside a target of {largest} no digits are left of the others: leave such rows out")
    low, high = (0.0, 1.0) if loss.is_probability else _threshold_range(scores, constant)
    breaks = _breaks(scores, low, high) if first.by_target.is_exact else None
    curves: dict[str, tuple[Array, Array]] = {
        name: _curve(each, low, high, breaks, loss.is_probability) for name, each in scores.items()
    }
    x = next(iter(curves.values()))[0]
    compared_with: dict[str, Array] = {}
    if len(scores) == 1:
        compared_with[BEST_CONSTANT] = first.scores_of_constant(constant, x)
    comparison = compare_scores(scores, constant, low, high, loss.is_probability)
    marks: list[Mark] = []
    drawn = {name: y for name, (_, y) in curves.items()} | compared_with
    if len(drawn) == 2 and not compared_with:
        marks += _bands(x, drawn)
    for name, y in compared_with.items():
        marks.append(Line(f"{name} ({human_number(constant, 4)})", x, y, is_reference=True))
    marks += [Line(name, curve_x, y, style=i) for i, (name, (curve_x, y)) in enumerate(curves.items())]
    top = max(float(y.max(initial=0.0)) for y in drawn.values())
    bottom = 0.0 if loss.is_probability else _least_shown(x, drawn, top)
    panel = Panel(
        f"Elementary scores of the {loss.name}",
        Axis("threshold" if loss.is_probability else f"threshold, in the unit of {target}", low, high),
        Axis("mean elementary score", bottom, top * 1.05 or 1.0, is_log=bottom > 0),
        tuple(marks),
        ("lower is better",),
    )
    facts = {
        "functional": loss.name,
        "lower": comparison.lowest,
        "tied": comparison.tied,
        "dominant": comparison.dominant,
        "best_constant": constant,
        "range": [low, high],
    }
    said = [*shown.remarks, *remarks]
    said.append("shares are of the thresholds from end to end of the axis, which all count alike")
    if loss.scale in ("logit", "log"):
        turned = "logits are turned into probabilities" if loss.scale == "logit" else "logarithms are turned into means"
        said.append(f"{turned} ({loss.label})")
    if not first.by_target.is_exact or not first.by_prediction.is_exact:
        said.append("evaluated at thresholds that are the edges of buckets of 0.1 %")
    return Picture(
        "murphy",
        panel.title,
        (panel,),
        murphy_sentence(comparison, loss.name, constant),
        tuple(each.label for each in shown.losses),
        facts,
        data,
        remarks=tuple(said),
    )


def _least_shown(x: Array, drawn: Mapping[str, Array], top: float) -> float:
    """Return the least score of a logarithmic axis; 0 for a linear one.

    It is logarithmic where a row far away would hide all others on a linear one.
    """
    evenly = np.linspace(x[0], x[-1], MAX_THRESHOLDS)
    heights = np.concatenate([np.interp(evenly, x, y) for y in drawn.values()])
    positive = heights[heights > 0]
    if not positive.size or top <= TIMES_FOR_LOGARITHMS * float(np.median(positive)):
        return 0.0
    return max(float(positive.min()), top / LARGEST_RATIO_SHOWN)


def best_constant(scores: ElementaryScores) -> float:
    """Return the functional of the targets."""
    target = scores.by_target
    if isinstance(scores, ElementaryMeans):
        return float(target.target[0] / target.weight[0])
    above = target.weight[1:]  # beyond each entry
    wanted = (1 - scores.level) * target.weight[0] * (1 + 1e-12)
    return float(target.value[int(np.argmax(above <= wanted))])


def _lacks_digits(scores: ElementaryScores) -> bool:
    return isinstance(scores, ElementaryMeans) and scores.lacks_digits


def _threshold_range(scores: Mapping[str, ElementaryScores], constant: float) -> tuple[float, float]:
    """Return the range of the predictions, without those that are far away: beyond it, all models score alike.

    The best constant is one of them where it is drawn, beside a single model.
    """
    sums = [each.by_prediction for each in scores.values()]
    values = [each.value for each in sums] + [np.full(int(len(scores) == 1), constant)]
    weights = [-np.diff(each.weight) for each in sums] + [np.ones(int(len(scores) == 1))]
    return shown_range(np.concatenate(values), np.concatenate(weights))


def _breaks(scores: Mapping[str, ElementaryScores], low: float, high: float) -> Array:
    """Return the thresholds at which a curve bends or jumps, in ascending order, with the ends of the axis."""
    sums = [next(iter(scores.values())).by_target, *(each.by_prediction for each in scores.values())]
    values = np.unique(np.concatenate([each.value for each in sums]))
    inside = values[(values >= low) & (values <= high)]
    return np.unique(np.concatenate([[low], inside, [high]]))


def _curve(
    scores: ElementaryScores, low: float, high: float, breaks: Array | None, is_probability: bool
) -> tuple[Array, Array]:
    """Return points of a curve: both ends of all its straight pieces if they are few, else evenly spaced ones."""
    if breaks is not None and breaks.size <= MAX_BREAKS_DRAWN:
        from_left, at = scores.scores(breaks, is_left_limit=True), scores.scores(breaks)
        return np.repeat(breaks, 2), np.stack([from_left, at], axis=1).ravel()
    thresholds = np.linspace(low, high, MAX_THRESHOLDS)
    if breaks is None:
        thresholds = np.unique(bucket_edges(thresholds, is_probability))
        thresholds = thresholds[(thresholds >= low) & (thresholds <= high)]
    return thresholds, scores.scores(thresholds)


def compare_scores(
    scores: Mapping[str, ElementaryScores], constant: float, low: float, high: float, is_probability: bool
) -> ThresholdComparison:
    """Compare models along an axis of thresholds; one model with the best constant.

    Models are compared at the middles of equal parts of the axis, and for dominance at all thresholds where a curve
    bends or jumps, beyond the axis, too.
    """
    first = next(iter(scores.values()))
    is_exact = first.by_target.is_exact and all(each.by_prediction.is_exact for each in scores.values())
    edges = np.linspace(low, high, THRESHOLDS_PER_SHARE + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    points = middles if is_exact else bucket_edges(middles, is_probability)
    names = [*scores] if len(scores) > 1 else [*scores, BEST_CONSTANT]

    def evaluate(thresholds: Array, is_left_limit: bool = False) -> Array:
        rows = [each.scores(thresholds, is_left_limit) for each in scores.values()]
        if len(rows) == 1:
            at = np.nextafter(thresholds, -np.inf) if is_left_limit else thresholds
            rows.append(first.scores_of_constant(constant, at))
        return np.stack(rows)

    values = evaluate(points)
    slack = 1e-9 * float(values.max(initial=0.0))
    is_lowest = values <= values.min(axis=0) + slack
    is_alone = is_lowest & (is_lowest.sum(axis=0) == 1)
    lowest = {name: float(alone.mean()) for name, alone in zip(names, is_alone, strict=True)}
    ranges = {name: _longest_range(alone, edges) for name, alone in zip(names, is_alone, strict=True)}
    half = {name: lowest[name] * (high - low) / 2 for name in names}
    is_one_range = {name: found is not None and found[1] - found[0] > half[name] for name, found in ranges.items()}
    everywhere = np.concatenate([each.by_prediction.value for each in scores.values()])
    everywhere = np.unique(np.append(np.concatenate([everywhere, first.by_target.value]), constant))
    everywhere = everywhere[np.isfinite(everywhere)]
    if any(map(_lacks_digits, scores.values())):  # row by row, which takes its time
        everywhere = points
    both = np.concatenate([evaluate(everywhere), evaluate(everywhere, is_left_limit=True), values], axis=1)
    slack = 1e-9 * float(both.max(initial=0.0))
    dominant = None
    for i, name in enumerate(names):
        others = np.delete(both, i, axis=0)
        if (both[i] <= others + slack).all() and (both[i] < others - slack).any(axis=1).all():
            dominant = name
    return ThresholdComparison(lowest, 1 - sum(lowest.values()), dominant, ranges, is_one_range, (low, high))


def _longest_range(mask: NDArray[np.bool_], edges: Array) -> tuple[float, float] | None:
    """Return the ends of the longest run of a mask (k,), from edges (k + 1,)."""
    if not mask.any():
        return None
    padded = np.concatenate([[False], mask, [False]]).astype(np.int8)
    changes = np.diff(padded)
    start, end = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    longest = int(np.argmax(end - start))
    return float(edges[start[longest]]), float(edges[end[longest]])


def _bands(x: Array, drawn: Mapping[str, Array]) -> list[Mark]:
    """Return the area between two curves, in the style of the one that is lower."""
    (_, a), (_, b) = drawn.items()
    nan = np.full(x.size, np.nan)
    marks: list[Mark] = []
    for style, (lower, upper) in enumerate(((a, b), (b, a))):
        is_lower = lower <= upper
        if (lower < upper).any():
            marks.append(Band("", x, np.where(is_lower, lower, nan), np.where(is_lower, upper, nan), style=style))
    return marks


def murphy_sentence(comparison: ThresholdComparison, functional: str, constant: float) -> str:
    """Say which model is lower at what share of the thresholds, and whether one is better by every loss."""
    names = sorted(comparison.lowest, key=lambda name: -comparison.lowest[name])
    losses = f"losses for {'quantiles' if 'quantile' in functional else plural(functional)}"
    if BEST_CONSTANT in comparison.lowest:
        return _sentence_of_one(comparison, functional, constant, losses)
    if comparison.dominant is not None:
        return f"{comparison.dominant} {_never_higher(comparison, comparison.dominant)}: all {losses} prefer it"
    if comparison.tied == 1 or not comparison.lowest[names[0]]:
        return f"the models are alike at all thresholds: no {losses.replace('losses', 'loss')} tells them apart"
    best, *others = (name for name in names if comparison.lowest[name] > 0)
    share = _percent(comparison.lowest[best])
    if len(names) == 2:
        text = f"{best} is lower at {share} of the thresholds"
        if others:
            share, where = _percent(comparison.lowest[others[0]]), words_of_range(comparison, others[0])
            text += f"; {others[0]} at {share}, {where}: some {losses} prefer it"
    else:
        shown = others[:MAX_MODELS_IN_SENTENCE]
        shares = [
            f"{name} at {_percent(comparison.lowest[name])} ({words_of_range(comparison, name)})" for name in shown
        ]
        text = f"{best} is lowest at {share} of the thresholds, {', '.join(shares)}: no model is best by all {losses}"
    return text + (f"; they are alike at {_percent(comparison.tied)}" if comparison.tied > MIN_TIED_TOLD else "")


def _sentence_of_one(comparison: ThresholdComparison, functional: str, constant: float, losses: str) -> str:
    model = next(iter(comparison.lowest))
    rival = f"the best constant, {human_number(constant, 3)},"
    share, constant_share = comparison.lowest[model], comparison.lowest[BEST_CONSTANT]
    if comparison.dominant == model:
        return f"{model} {_never_higher(comparison, model, f' than {rival}')}: it is better by all {losses}"
    if comparison.dominant == BEST_CONSTANT:
        return f"{model} is lower than {rival} at no threshold: it is worse by all {losses}"
    if not share and not constant_share:
        return f"{model} and {rival} are alike at all thresholds"
    text = f"{model} is lower than {rival} at {_percent(share)} of the thresholds"
    if constant_share:
        where = words_of_range(comparison, BEST_CONSTANT)
        text += f", and higher at {_percent(constant_share)}, {where}: some {losses} prefer the constant"
    return text


def _never_higher(comparison: ThresholdComparison, name: str, than: str = "") -> str:
    """Say at which thresholds a model is lower that is higher at none."""
    share = comparison.lowest[name]
    if share == 1:
        return f"is lower{than} at all thresholds"
    return f"is lower{than} at {_percent(share)} of the thresholds and higher at none"


def _percent(share: float) -> str:
    """Return a share as a percentage that is 100 only for all."""
    return human_percent(share, 2 if share < 0.99 or share == 1 else 4)


def plural(functional: str) -> str:
    """Return the plural of a functional in words."""
    return "probabilities" if functional == "probability" else f"{functional}s"


def words_of_range(comparison: ThresholdComparison, name: str) -> str:
    """Return in words the longest range of thresholds at which a model is lowest."""
    found, (low, high) = comparison.ranges[name], comparison.axis
    assert found is not None
    first, last = (human_number(end, 3) for end in found)
    where = f"from {first} to {last}"
    if found[0] == low:
        where = f"below {last}"
    elif found[1] == high:
        where = f"above {first}"
    return f"{'mostly' if comparison.is_one_range[name] else 'e.g.'} {where}"


KIND = PictureRecipe(murphy_observers, draw_murphy)
