"""The picture of what a few rows would do to a loss, the further off they were."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from losscli.compare.outliers import (
    SECOND_POPULATION,
    OutlierRule,
    flag_by_residual,
    is_second_population,
    robust_scale,
)
from losscli.compare.stress import CONTAMINATION, STRESS_DISTANCE, stress_at
from losscli.compare.subset import ADDITIVE_REDUCTIONS, LossOnRows, RowSubset
from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Property
from losscli.evaluation.row_sample import RowSample, RowSampler
from losscli.plot.kinds import PictureRecipe, Request, no_picture
from losscli.plot.observers import ResidualSpread
from losscli.plot.pictures import Axis, Line, Mark, Panel, Picture, Rule
from losscli.plot.residual_bins import flag_entries, key_and_weight, residual_rule
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text
from losscli.results import results_of

FARTHEST, STEP = 15.0, 0.5
"""How far off the rows are put, in robust standard deviations."""

ONE_ROW_IN = round(1 / CONTAMINATION)


class StressedRows:
    """The rows that losses are evaluated on: all while they are few, else a sample; their robust sd and the inliers.

    Raises:
        DataError: The residuals have no robust standard deviation, or all rows are outliers.
    """

    def __init__(self, request: Request, spread: ResidualSpread, sample: RowSample, rule: OutlierRule) -> None:
        self.subset, self._spread = RowSubset(sample.batch, request.run), spread
        self.is_complete, residual = sample.is_complete, self.subset.residual()
        assert residual is not None
        self._table, is_weighted = spread.sums.table(), "weight" in request.dataset.bound
        flags = flag_entries(rule, self._table, is_weighted)
        if flags.rows is None or flags.bounds is None:
            assert flags.reason is not None
            raise no_picture("stress", request, f"no outlier rows by {rule.text}: {flags.reason.problem}")
        scale = robust_scale(*key_and_weight(self._table, is_weighted), flags.mad)
        if scale is None:
            raise no_picture(
                "stress", request, "the residuals have no robust standard deviation to be off by: their MAD is 0"
            )
        self.scale, self._inlier_entries = scale, ~flags.rows
        self.n, self.n_flagged = int(self._table.n_rows.sum()), int(self._table.n_rows[flags.rows].sum())
        rows = flag_by_residual(rule, residual, self.subset.batch.weight).rows if self.is_complete else None
        self.inliers: Mask = ~rows if rows is not None else between(residual, flags.bounds)
        if not self.inliers.any():
            raise no_picture(
                "stress", request, f"every row is an outlier by {rule.text}: there is no value without them"
            )

    def curve(self, index: int, distances: list[float]) -> list[float | None]:
        """Return what multiplies the value of the loss at this index of the run."""
        loss = self.subset.losses[index]
        return stress_at(distances, loss, self.inliers, self.scale, self._inlier_value(index, loss))

    def _inlier_value(self, index: int, loss: LossOnRows) -> float | None:
        """Return the value over the rows that are no outliers: over all of them where only that depends on rows.

        Where the value far off is that of a sample, too, the ratio of two values of the same rows varies less.
        """
        if self.is_complete or needs_rows(loss):
            return loss.evaluate(self.inliers)[1]
        total = float(self._table.sums[self._spread.indices.index(index)][self._inlier_entries].sum())
        if loss.asked_reduction == "sum":
            return total
        return loss.reduction.of_mean(total / float(self._table.weight[self._inlier_entries].sum()))


def observe_stress(request: Request) -> tuple[ResidualSpread, RowSampler]:
    """Return what sums the losses by residual, and what samples rows."""
    residual_rule(request.plot_options.outliers)
    of_residual = [i for i, evaluator in enumerate(request.evaluators) if evaluator.bound.loss.of_residual]
    return ResidualSpread(of_residual), RowSampler()


def stress_picture(request: Request, spread: ResidualSpread, sampler: RowSampler) -> Picture:
    """Return the picture of the stress of each loss: value / value without them, were 1 row in 100 so far off.

    Raises:
        DataError: No loss has a stress.
    """
    rule = residual_rule(request.plot_options.outliers)
    rows = StressedRows(request, spread, sampler.sample(), rule)
    distances = np.arange(0.0, FARTHEST + STEP / 2, STEP)
    at = int(np.flatnonzero(distances == STRESS_DISTANCE)[0])
    marks: list[Mark] = [Rule("", x=STRESS_DISTANCE), Rule("", y=1.0)]
    found: dict[str, float | None] = {}
    remarks: list[str] = []
    is_sampled = False
    for i, evaluator in enumerate(request.evaluators):
        label = evaluator.label
        if i not in spread.indices:
            remarks.append(f"{label} is left out: it is not a loss of a residual y_pred − y_true")
            continue
        curve = [math.nan if value is None else value for value in rows.curve(i, distances.tolist())]
        if all(map(math.isnan, curve)):
            remarks.append(f"{label} is left out: without outliers it is not a finite number above 0")
            continue
        if math.isnan(curve[-1]):
            reach = max(k for k, value in zip(distances, curve, strict=True) if not math.isnan(value))
            remarks.append(f"{label} ends at {human_number(reach)} robust sd: beyond that is outside of its domain")
        marks.append(Line(label, distances, np.array(curve), style=i))
        found[label] = None if math.isnan(curve[at]) else curve[at]
        is_sampled |= not rows.is_complete and needs_rows(rows.subset.losses[i])
    if not found:
        raise no_picture("stress", request, "; ".join(remarks))
    if is_second_population(rows.n_flagged, rows.n):
        share = human_percent(rows.n_flagged / rows.n)
        remarks.append(f"{share} of the rows are flagged by {rule.text}: {SECOND_POPULATION}")
    if is_sampled:
        n = len(rows.subset.batch)
        remarks.append(f"losses that differ from row to row are evaluated on a random sample of {count_text(n)} rows")
    values = [value for mark in marks if isinstance(mark, Line) for value in mark.y.tolist() if math.isfinite(value)]
    low, high = min([*values, 1.0]), max([*values, 1.0])
    room = 0.06 * ((high - low) or 1.0)
    panel = Panel(
        f"Stress: were 1 row in {ONE_ROW_IN} this far off",
        Axis(f"how far off, robust standard deviations (1 is {human_number(rows.scale, 3)})", 0.0, FARTHEST),
        Axis("value / value without them", low - room, high + room),
        tuple(marks),
    )
    facts = {
        "rule": rule.text,
        "robust_sd": rows.scale,
        "stress": found,
        "distance": STRESS_DISTANCE,
        "is_sample": is_sampled,
    }
    evaluation = results_of(request.dataset, request.run)
    return Picture(
        "stress",
        panel.title,
        (panel,),
        stress_sentence(found),
        tuple(found),
        facts,
        evaluation.data,
        remarks=tuple(remarks),
    )


def needs_rows(loss: LossOnRows) -> bool:
    """Tell whether the value far off differs from row to row, or is no mean over rows."""
    is_mean = loss.reduction in ADDITIVE_REDUCTIONS and "denominator" not in loss.evaluator.form.hooks
    return not is_mean or Property.TRANSLATION_INVARIANT not in loss.evaluator.bound.properties


def between(residual: Array, bounds: tuple[float, float]) -> Mask:
    """Return which residuals (N,) are not beyond the bounds."""
    return np.asarray((residual >= bounds[0]) & (residual <= bounds[1]))


def stress_sentence(found: Mapping[str, float | None]) -> str:
    """Say what 1 row in 100 would do to the losses, the most affected first."""
    known = sorted(((v, label) for label, v in found.items() if v is not None), reverse=True)
    start = f"were 1 row in {ONE_ROW_IN} off by {human_number(STRESS_DISTANCE)} robust sd, "
    if not known:
        return f"{start}no loss could be evaluated"
    (most, label), (least, last) = known[0], known[-1]
    text = f"{start}{label} would be {factor_text(most)}"
    return text if last == label else f"{text}, {last} {factor_text(least)}"


def factor_text(factor: float) -> str:
    """Return `1.83 times as large`."""
    text = human_number(factor, 3)
    return "the same" if text == "1" else f"{text} times as large"


KIND = PictureRecipe(observe_stress, stress_picture)
