"""Pictures of results that were computed before: `result.plot()`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from losscli.compare.result import Comparison
from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.errors import UsageError
from losscli.explain import Explanation
from losscli.explanations import Explanations
from losscli.messages import join_names
from losscli.plot.curves import curves_picture
from losscli.plot.figure import check_matplotlib, draw_figure
from losscli.plot.groups import picture_of_groups
from losscli.plot.models import picture_of_rankings
from losscli.plot.pictures import Axis, IntervalMark, Mark, Panel, Picture, Rule
from losscli.plot.scales import human_number
from losscli.plot.share import RowsOfLoss, picture_of_tables
from losscli.results import DataInfo, Evaluation, LossResult
from losscli.signature import NO_WEIGHTS, split_signature
from losscli.statistics.bootstrap.options import DEFAULT_LEVEL
from losscli.statistics.keyed_sums import KeyedSums


class DrawnMeasure(NamedTuple):
    """A column of a comparison that is drawn: its axis, and its value where outliers do nothing."""

    name: str
    label: str
    neutral: float


DRAWN_MEASURES = (
    DrawnMeasure("inflation", "value / value without the outlier rows", 1.0),
    DrawnMeasure("stress", "value / value without, if 1 row in 100 were 10 robust sd off", 1.0),
    DrawnMeasure("pull", "how far outlier rows drag a fit, robust sd", 0.0),
)


def draw_picture_of(result: Any, ax: Any) -> Any:
    """Draw a result with matplotlib, and return the axes, as `draw_figure` does.

    Raises:
        UsageError: matplotlib is not installed, or the result has nothing to draw.
    """
    check_matplotlib()
    return draw_figure(picture_of_result(result), ax)


def picture_of_result(result: Any) -> Picture:
    """Return the picture of a result.

    Raises:
        UsageError: It has nothing to draw.
        DataError: Its numbers cannot be drawn.
    """
    if isinstance(result, Comparison):
        return comparison_picture(result)
    if isinstance(result, LossResult):
        return evaluation_picture([result], None)
    if isinstance(result, Evaluation):
        return evaluation_picture(result.losses, result)
    losses = result.losses if isinstance(result, Explanations) else [result] if isinstance(result, Explanation) else []
    if losses:
        return curves_picture([explanation.bound for explanation in losses])
    raise TypeError(f"there is no picture of {type(result).__name__}")


def evaluation_picture(results: Sequence[LossResult], evaluation: Evaluation | None) -> Picture:
    """Return the picture of groups, or of the share of each loss that the worst rows carry."""
    if evaluation is not None and evaluation.losses and evaluation.losses[0].group is not None:
        labels = list(dict.fromkeys(result.label for result in results))
        levels = [result.ci.level for result in results if result.ci is not None]
        group_by = list(evaluation.losses[0].group)
        overall = dict.fromkeys(labels, math.nan)
        return picture_of_groups(evaluation, overall, levels[0] if levels else None, group_by)
    if any(result.per_sample is None for result in results):
        raise UsageError(
            "there is nothing to draw: per-sample losses, of losses that have them, are kept by compute alone, without "
            "groups and a cluster; "
            "losscli.plot draws losses of data"
        )
    if any(split_signature(result.signature).get("weights") != NO_WEIGHTS for result in results):
        raise UsageError("a result has no weights of rows: losscli.plot(..., kind='share') draws weighted rows")
    data = None if evaluation is None else evaluation.data
    return picture_of_tables([result.label for result in results], [rows_by_loss(result) for result in results], data)


def rows_by_loss(result: LossResult) -> RowsOfLoss | None:
    """Return the rows of a result by the size of their loss; None if the value is no sum over them.

    Raises:
        UsageError: Rows do not count, and the result does not say which.
    """
    reduction = split_signature(result.signature).get("reduction")
    if reduction not in (*ADDITIVE_REDUCTIONS, "sum"):
        return None
    losses = np.asarray(result.per_sample, dtype=float)
    losses = losses[~np.isnan(losses)]
    if len(losses) != result.n and not math.isnan(result.value):
        raise UsageError(
            f"not all rows count in {result.label}, and a result does not say which: "
            "losscli.plot(..., kind='share') draws those that do"
        )
    sums = KeyedSums(0)
    sums.update(losses, ())
    return RowsOfLoss(sums.table(), sums.table())


def comparison_picture(comparison: Comparison) -> Picture:
    """Return the picture of several models, or of what outlier rows do to each loss."""
    if any(loss.result.group is not None for loss in comparison):
        raise UsageError("a comparison of groups has no picture: losscli.plot(..., group_by=...) draws groups")
    if comparison.contests:
        levels = [loss.result.ci.level for loss in comparison if loss.result.ci is not None]
        models = list(dict.fromkeys(str(loss.model) for loss in comparison))
        level = levels[0] if levels else DEFAULT_LEVEL
        return picture_of_rankings(comparison.contests, models, level, True, comparison.evaluation.data)
    return sensitivity_picture(comparison, comparison.evaluation.data)


def sensitivity_picture(comparison: Comparison, data: DataInfo) -> Picture:
    """Return the picture of the measures of sensitivity that have values: a panel for each, a row for each loss.

    Raises:
        UsageError: None has a value.
    """
    labels = tuple(loss.label for loss in comparison)
    found = {
        measure: {loss.label: value for loss in comparison if (value := getattr(loss, measure.name)) is not None}
        for measure in DRAWN_MEASURES
    }
    found = {measure: values for measure, values in found.items() if values}
    if not found:
        raise UsageError("there is nothing to draw: outlier rows have no effect that is a number on these losses")
    panels = tuple(measure_panel(measure, values, labels) for measure, values in found.items())
    facts = {measure.name: values for measure, values in found.items()}
    title = f"What outlier rows do to {join_names(labels)}"
    return Picture("sensitivity", title, panels, sensitivity_sentence(found), labels, facts, data)


def measure_panel(measure: DrawnMeasure, values: dict[str, float], labels: Sequence[str]) -> Panel:
    """Return the panel of a measure."""
    marks: list[Mark] = [Rule("", x=measure.neutral)]
    for i, label in enumerate(labels):
        if label in values:
            marks.append(IntervalMark(label, i, values[label], None, None, human_number(values[label], 3), style=1))
    ends = [measure.neutral, *values.values()]
    room = 0.06 * (max(ends) - min(ends)) or 0.5
    x = Axis(measure.label, min(ends) - room, max(ends) + room)
    return Panel(measure.name, x, Axis("", -0.5, len(labels) - 0.5, categories=tuple(labels)), tuple(marks))


def sensitivity_sentence(found: dict[DrawnMeasure, dict[str, float]]) -> str:
    """Say what outlier rows do to the loss they move most, and to the one they move least."""
    measure, values = next(iter(found.items()))
    worst, least = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    texts = {label: human_number(values[label], 3) for label in (worst, least)}
    if measure.name == "pull":
        text = f"outlier rows drag the fit of {worst} by {texts[worst]} robust sd"
        return text if worst == least else f"{text}, that of {least} by {texts[least]}"
    what = "outlier rows make" if measure.name == "inflation" else "1 row in 100 that is 10 robust sd off makes"
    text = f"{what} {worst} {texts[worst]} times as large"
    return text if worst == least else f"{text}, {least} {texts[least]} times"
