"""How much a loss depends on a few rows: on the number that is reported, and on what a fit would follow."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from losscli.compare.stress import stress
from losscli.compare.subset import RowSubset
from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Mask
from losscli.declaration.loss import Functional, Property, Reduction
from losscli.errors import LosscliError
from losscli.evaluation.evaluator import Outcome
from losscli.statistics import minimizer as location
from losscli.statistics.minimizer import Sample
from losscli.statistics.moments import blocks

if TYPE_CHECKING:
    from concurrent.futures import Executor

RESOLVED = 1e-9
"""How many standard deviations apart two constants must be to be told apart: they are searched for."""

TOP = 100
"""`top_share` is of one in so many rows."""


@dataclass(frozen=True)
class Sensitivity:
    """What outliers do to a loss; what means nothing on this data is None."""

    inflation: float | None
    pull: float | None
    stress: float | None
    effective_n: float | None
    top_share: float | None
    skill: float | None
    bounded_value: bool | None
    bounded_gradient: bool | None


@dataclass(frozen=True, eq=False)
class OutlierContext:
    """What all losses of a comparison share: the rows, the residual (N, ...), its robust scale, the outliers."""

    kept: RowSubset
    residual: Array | None
    scale: float | None
    outliers: Mask | None

    @cached_property
    def _of_thread(self) -> threading.local:
        return threading.local()

    def thread_buffer(self) -> Array:
        """Memory for a number a row, which each thread writes over: to ask for it anew takes longer than most losses.

        None of what is put there may be looked at once the same thread asks again.
        """
        mine = self._of_thread
        if not hasattr(mine, "store"):
            mine.store = np.empty(len(self.kept.batch))
        return np.asarray(mine.store)

    @cached_property
    def inliers(self) -> Mask | None:
        """The rows that are no outliers, where there are any."""
        return None if self.outliers is None or self.outliers.all() else ~self.outliers

    @cached_property
    def samples(self) -> tuple[Sample, Sample]:
        """Rows to look for minima on: of all rows, and of those that are no outliers."""
        assert self.inliers is not None
        assert self.residual is not None
        others = location.stratified_sample(self.residual, self.inliers, self.thread_buffer())
        return location.merge_samples(others, location.stratified_sample(self.residual, ~self.inliers)), others

    def prepare(self, pool: Executor) -> None:
        """Work out what losses share, before they ask for it all at once."""
        if self.residual is not None and self.residual.ndim == 1 and self.inliers is not None:
            list(pool.map(lambda name: getattr(self, name), ("samples", "by_target")))

    @cached_property
    def by_target(self) -> Sample:
        """Rows to look for the best constant prediction on."""
        return location.stratified_sample(self.kept.flat("y_true"), store=self.thread_buffer())


def shares_of(outcome: Outcome, batch: Batch, in_place: bool = False) -> Array | None:
    """Each row's share of the sum of losses, weights taken in, 0 for rows that do not count.

    None where a loss is negative, or the sum is nothing or infinite.
    """
    values = outcome.per_sample if outcome.counted is None else np.where(outcome.counted, outcome.per_sample, 0.0)
    top = float(values.max(initial=0.0))
    if not values.size or not 0 < top < math.inf or values.min() < 0:
        return None
    shares = np.divide(values, top, out=values if in_place else None)  # scaled, so that no sum overflows
    if batch.weight is not None and len(batch) == len(values):
        shares *= batch.weight / batch.weight.max()
    shares *= 1 / shares.sum()
    return shares


def measure_all(context: OutlierContext, values: Sequence[float]) -> list[Sensitivity]:
    """Everything of each loss, in the order of their values; where there are many rows, several losses at once."""
    if len(context.kept.batch) < MANY:
        return [measure(context, i, value) for i, value in enumerate(values)]
    import os
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(os.cpu_count() or 1, AT_ONCE)) as pool:
        context.prepare(pool)
        # what takes longest is begun first
        numbers = pool.map(lambda i: measure(context, i, values[i], with_pull=False), range(len(values)))
        pulls = [pool.submit(_pull, context, i) if math.isfinite(v) else None for i, v in enumerate(values)]
        return [n if pull is None else replace(n, pull=pull.result()) for n, pull in zip(numbers, pulls, strict=True)]


MANY, AT_ONCE = 1 << 18, 4
"""Rows from which losses are measured at once, and how many of them: each takes some arrays of that length."""


def measure(context: OutlierContext, i: int, value: float, with_pull: bool = True) -> Sensitivity:
    """Everything of one loss, whose value over all rows is `value`; or everything but its pull."""
    inliers = context.inliers if context.kept.is_per_sample(i) and math.isfinite(value) else None
    some = inliers is not None and not inliers.all()
    outcome, inlier_value = context.kept.outcome_and_value(i, inliers if some else None, context.thread_buffer())
    shares = shares_of(outcome, context.kept.batch, in_place=True)  # its values are not looked at again
    n = outcome.per_sample.size if outcome.counted is None else int(outcome.counted.sum())
    if inliers is None or shares is None:
        inlier_value = None
    elif not some:
        inlier_value = value
    carried = shares if math.isfinite(value) and context.kept.reduction(i) in ADDITIVE_REDUCTIONS else None
    effective, top = _effective_n(carried), _top_share(carried, n)
    skill = _skill(context, i, value, outcome) if shares is not None else None
    del shares, carried, outcome  # as long as the data
    pull = _pull(context, i) if with_pull and math.isfinite(value) else None
    return Sensitivity(
        _inflation(value, inlier_value), pull, stress(context.kept, i, context.inliers, context.scale, inlier_value),
        effective, top, skill,
        _bounded(context, i, ""), _bounded(context, i, "gradient"),
    )  # fmt: skip


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# ----------------------------------------------------------------------------------------- the reported number


def _effective_n(shares: Array | None) -> float | None:
    """1 / sum share²"""
    return None if shares is None else 1 / sum(float(np.square(shares[part]).sum()) for part in blocks(shares.size))


def _top_share(shares: Array | None, n: int) -> float | None:
    """The share of the ceil(n/100) largest; the shares are put in another order."""
    if shares is None:
        return None
    count = -(-n // TOP)
    shares.partition(len(shares) - count)
    return float(shares[len(shares) - count :].sum())


def _inflation(value: float, inlier_value: float | None) -> float | None:
    """Value over all rows / value over the others."""
    return _finite(value / inlier_value) if inlier_value is not None and inlier_value > 0 else None


ADDITIVE_REDUCTIONS = (Reduction.MEAN, Reduction.ROOT_MEAN)
"""Reductions in which a row has a share of the number."""


# ------------------------------------------------------------------------------------------------------ a fit


def _pull(context: OutlierContext, i: int) -> float | None:
    """|c - c'| / sd, the constants that minimise the loss of y_pred + c with and without the outliers."""
    inliers, residual = context.inliers, context.residual
    if inliers is None or context.scale is None or residual is None or not _shiftable(context, i):
        return None
    if inliers.all():
        return 0.0
    everything = _shift(context, i, None, 0)
    others = _shift(context, i, inliers, 1)
    if everything is None or others is None:
        return None
    distance = abs(everything - others) / context.scale
    return 0.0 if distance < RESOLVED else _finite(distance)


def _shiftable(context: OutlierContext, i: int) -> bool:
    """Whether a constant may be added to the predictions: one number a row, of a residual."""
    loss = context.kept.run.evaluators[i].bound.loss
    return loss.of_residual and context.kept.batch.arrays["y_pred"].size == len(context.kept.batch)


def _shift(context: OutlierContext, i: int, rows: Mask | None, which: int) -> float | None:
    """The constant that minimises the loss of y_pred + c over some rows (None: all), or over the sample of them."""
    kept, residual = context.kept, context.residual
    assert residual is not None
    functional, weight = _functional(kept, i), kept.batch.weight
    if functional is not None:
        return -location.of_functional(location.negate_functional(functional), residual, weight, rows)
    return _minimizer(kept, i, context.samples[which], kept.flat("y_pred"))


def _functional(kept: RowSubset, i: int) -> Functional | None:
    """The loss's minimising constant in closed form, where the reduction is its own or keeps that minimum."""
    return None if kept.run.reduction == "median" else kept.run.evaluators[i].bound.functional


def _minimizer(kept: RowSubset, i: int, sample: Sample, base: Array) -> float | None:
    """The constant c that minimises the loss of `base + c`, from a sample of the rows."""
    evaluator = kept.run.evaluators[i]
    batch = sample.of(kept.batch)
    truth, base = batch.arrays["y_true"].reshape(-1), base[sample.rows]
    low, high = location.search_bounds(evaluator, truth - base, base)
    batch = batch.changed(y_true=truth)
    return location.minimizer(location.ShiftProblem(evaluator, batch, base, low, high, kept.run.reduction))


# -------------------------------------------------------------------------------- the best constant prediction


def _skill(context: OutlierContext, i: int, value: float, outcome: Outcome) -> float | None:
    """1 - L / L0, L0 the loss of its own best constant prediction."""
    kept = context.kept
    constant = (
        _constant(context, i, outcome) if kept.is_per_sample(i) and not kept.run.evaluators[i].form.coupled else None
    )
    if constant is None:
        return None
    shape = kept.batch.arrays["y_pred"].shape
    baseline = kept.value_if_predicted(i, lambda rows: np.broadcast_to(constant, (len(rows), *shape[1:])))
    if baseline is None or not (baseline > 0 and math.isfinite(baseline)):
        return None
    return _finite(1 - value / baseline)


def _constant(context: OutlierContext, i: int, outcome: Outcome) -> Array | None:
    """The constant prediction, a number a column of y_pred."""
    kept = context.kept
    form = kept.run.evaluators[i].form
    if form.names[:2] != ["y_true", "y_pred"]:
        return None
    truth = kept.batch.arrays["y_true"]
    if truth.shape != kept.batch.arrays["y_pred"].shape or kept.run.evaluators[i].bound.loss.family in CLASS_FAMILIES:
        return location.class_shares(kept.run.evaluators[i], kept.batch, outcome.counted)
    columns = truth.reshape(len(truth), -1)
    if columns.shape[1] > COLUMNS or outcome.elements.size != truth.size:
        return None
    if columns.shape[1] == 1:
        found = [_constant_of(kept, i, columns[:, 0], context.by_target)]
    else:
        rows = np.ones(len(truth), dtype=bool)
        found = [
            _constant_of(kept, i, c, location.stratified_sample(c, rows)) for c in map(np.ascontiguousarray, columns.T)
        ]
    if any(c is None for c in found):
        return None
    return np.array(found, dtype=np.float64) if truth.ndim > 1 else np.array(found[0], dtype=np.float64)


CLASS_FAMILIES = ("multiclass", "divergence")
"""Families whose columns are classes, which share one prediction."""

COLUMNS = 64
"""Columns of y_true beyond which no constants are looked for."""


def _constant_of(kept: RowSubset, i: int, truth: Array, sample: Sample) -> float | None:
    """The constant prediction of one column of targets."""
    functional = _functional(kept, i)
    if functional is not None:
        return location.of_functional(functional, truth, kept.batch.weight)
    alone = kept._replace(batch=kept.batch.changed(y_true=truth))
    return _minimizer(alone, i, sample, np.zeros(len(truth)))


# ----------------------------------------------------------------------------------------------------- bounds

PROBES = (1e9, 1e12)
"""How many standard deviations away rows are put, to see whether they still grow."""


def _bounded(context: OutlierContext, i: int, hook: str) -> bool | None:
    """Whether no row can make the number (or the gradient) as large as it likes.

    It is what the loss declares for its parameters; of one that declares nothing it is tried, where there is a
    residual, and else not known.
    """
    evaluator = context.kept.run.evaluators[i]
    if hook and hook not in evaluator.form.hooks:
        return None
    if not hook and (middle := _median(context, i)) is not None:
        return middle
    if not evaluator.bound.loss.declares_properties:
        return _tried(context, i, hook)
    claim = Property.BOUNDED_GRADIENT if hook else Property.BOUNDED_VALUE
    return claim in evaluator.bound.properties | evaluator.form.properties


def _median(context: OutlierContext, i: int) -> bool | None:
    """Whether a median is out of a single row's reach; None where the number is no median."""
    kept = context.kept
    own, asked, weight = kept.run.evaluators[i].bound.loss.reduction, kept.run.reduction, kept.batch.weight
    if asked != "median" and own is not Reduction.MEDIAN:
        return None
    if asked == "sum":
        return False
    heaviest = 1 / len(kept.batch) if weight is None else float(weight.max() / weight.sum())
    return heaviest < 0.5


def _tried(context: OutlierContext, i: int, hook: str) -> bool | None:
    """Whether rows that are put farther and farther away do not count for more."""
    evaluator = context.kept.run.evaluators[i]
    if evaluator.bound.loss.of_residual and not evaluator.form.coupled:
        sizes = [_largest(context, i, hook, probe * (context.scale or 1.0)) for probe in PROBES]
        if None not in sizes:
            near, far = (float(size) for size in sizes if size is not None)
            return far <= near * (1 + 1e-6) and math.isfinite(far)
    return None


def _largest(context: OutlierContext, i: int, hook: str, distance: float) -> float | None:
    """The largest value or gradient of some rows that far off, on whichever side may be."""
    kept = context.kept
    rows = kept.batch.take(slice(0, 8))
    largest = []
    for side in (-1, 1):
        try:
            with np.errstate(all="ignore"):
                moved = rows.changed(y_pred=rows.arrays["y_true"] + side * distance)
                outcome = kept.run.evaluators[i](moved, gradient=bool(hook))
        except LosscliError:
            continue
        values = outcome.gradient if hook else outcome.per_sample
        assert values is not None
        largest.append(float(np.abs(values).max()))
    return max(largest) if largest else None
