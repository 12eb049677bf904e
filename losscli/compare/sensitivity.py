"""How much a loss depends on a few rows: the reported number, and the constant that a fit would find."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from losscli.compare.normal_errors import effective_share_if_normal
from losscli.compare.shift import minimize_shifted
from losscli.compare.stress import is_bounded, stress
from losscli.compare.subset import ADDITIVE_REDUCTIONS, LossOnRows, RowSubset
from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Functional, Reduction
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.options import processors
from losscli.results import finite_or_none
from losscli.statistics import minimizer
from losscli.statistics.concentration import ROWS_PER_TOP_ROW
from losscli.statistics.moments import blocks

LEAST_PULL = 1e-9
"""Robust standard deviations below which two constants that were searched for are the same."""

ROWS_FOR_THREADS, MAX_THREADS = 1 << 18, 4
"""Rows from which losses are measured in threads, and how many threads: each takes some arrays of that length."""

CLASS_FAMILIES = ("multiclass", "divergence")
"""Families whose columns are classes: their best constant prediction is one distribution."""

ELICITS_CLASS_SHARES = ("mean (the", "log", "the distribution", "the most likely value")
"""How the `elicits` of losses begins whose best constants are the shares of the classes, or their logarithms."""

MAX_TARGET_COLUMNS = 64
"""Columns of y_true beyond which no constants are searched for."""


@dataclass(frozen=True)
class Sensitivity:
    """What outliers do to a loss; what means nothing on this data is None.

    `effective_n_normal` is what `effective_n` would be about if errors were normal.
    """

    inflation: float | None
    pull: float | None
    stress: float | None
    effective_n: float | None
    top_share: float | None
    skill: float | None
    bounded_value: bool | None
    bounded_gradient: bool | None
    effective_n_normal: float | None = None


@dataclass(eq=False)
class OutlierContext:
    """What all losses of a comparison share: the rows, residuals (N, ...), their robust scale, the outliers (N,).

    `inliers` are the other rows; None where all rows are outliers, or none can be told. `constant_losses` has the value
    that the best constant prediction comes to under a loss, by its label: models of the same targets share it. With
    `is_brief` only inflation, effective_n and top_share are measured: what takes longer is not.
    """

    subset: RowSubset
    residual: Array | None
    scale: float | None
    outliers: Mask | None
    rows_per_sample: int = minimizer.ROWS_PER_SAMPLE
    constant_losses: dict[str, float | None] = field(default_factory=dict)
    is_brief: bool = False

    def __post_init__(self) -> None:
        self.inliers = None if self.outliers is None or self.outliers.all() else ~self.outliers
        self.has_outliers = self.outliers is not None and bool(self.outliers.any())
        self._buffers = threading.local()

    def thread_buffer(self) -> Array:
        """Return memory for a number per row, which a thread gets again: new memory takes longer than most losses."""
        if not hasattr(self._buffers, "array"):
            self._buffers.array = np.empty(len(self.subset.batch))
        return np.asarray(self._buffers.array)

    @cached_property
    def residual_samples(self) -> tuple[minimizer.StratifiedSample, minimizer.StratifiedSample]:
        """Samples to search for the shift of the predictions: of all rows, and of the inliers."""
        assert self.residual is not None
        assert self.inliers is not None
        size = self.rows_per_sample
        inliers = minimizer.draw_stratified_sample(self.residual, self.inliers, self.thread_buffer(), size)
        return minimizer.merge_samples(
            inliers, minimizer.draw_stratified_sample(self.residual, ~self.inliers, size=size)
        ), inliers

    @cached_property
    def target_sample(self) -> minimizer.StratifiedSample:
        """A sample to search for the best constant prediction of one column of targets."""
        targets = self.subset.batch.arrays["y_true"].reshape(-1)
        return minimizer.draw_stratified_sample(targets, None, self.thread_buffer(), self.rows_per_sample)


def rank(orderings: Sequence[str], measured: Sequence[Sensitivity]) -> list[int | None]:
    """Return the ranks of losses, 1 for the least sensitive; None for those of which neither measure is known.

    They are by pull, ties by inflation; by inflation alone if a loss that has one has no pull. Losses of the same
    `ordering` share the first of their ranks: their fits are the same.
    """
    if not is_ranked_by_pull(measured):
        keys = [None if m.inflation is None else (m.inflation, 0.0) for m in measured]
    else:
        inflations = [math.inf if m.inflation is None else m.inflation for m in measured]
        keys = [None if m.pull is None else (m.pull, i) for m, i in zip(measured, inflations, strict=True)]
    best: dict[str, tuple[float, float]] = {}
    for ordering, key in zip(orderings, keys, strict=True):
        if key is not None:
            best[ordering] = min(key, best.get(ordering, key))
    shared = [None if key is None else best[ordering] for ordering, key in zip(orderings, keys, strict=True)]
    known = sorted(key for key in shared if key is not None)
    return [None if key is None else known.index(key) + 1 for key in shared]


def is_ranked_by_pull(measured: Sequence[Sensitivity]) -> bool:
    """Tell whether ranks are by pull: no loss is without it that could be ranked by inflation."""
    return all(m.pull is not None for m in measured if m.inflation is not None)


def measure_in_threads(context: OutlierContext, values: Sequence[float]) -> list[Sensitivity]:
    """Measure several losses at once, in the order of their values over all rows."""
    from concurrent.futures import ThreadPoolExecutor

    losses = context.subset.losses
    with ThreadPoolExecutor(min(processors(), MAX_THREADS)) as pool:
        has_minima = context.residual is not None and context.residual.ndim == 1 and context.inliers is not None
        if has_minima and not context.is_brief:
            list(pool.map(lambda name: getattr(context, name), ("residual_samples", "target_sample")))
        # what takes longest starts first
        measured = pool.map(lambda loss, value: measure(context, loss, value, with_pull=False), losses, values)
        pulls = [
            pool.submit(measure_pull, context, loss) if math.isfinite(value) and not context.is_brief else None
            for loss, value in zip(losses, values, strict=True)
        ]
        return [
            sensitivity if pull is None else replace(sensitivity, pull=pull.result())
            for sensitivity, pull in zip(measured, pulls, strict=True)
        ]


def measure(context: OutlierContext, loss: LossOnRows, value: float, with_pull: bool = True) -> Sensitivity:
    """Measure one loss, whose value over all rows is known; its pull only if that is asked for."""
    is_finite = math.isfinite(value)
    inliers = context.inliers if loss.is_per_sample and is_finite else None
    masked = inliers if context.has_outliers else None
    outcome, inlier_value = loss.evaluate(masked, context.thread_buffer())
    has_ratios = loss.evaluator.bound.loss.has_ratios
    # in place: nothing reads the per-sample losses after this
    shares = shares_of(outcome, loss.batch, in_place=True) if has_ratios else None
    if inliers is None or shares is None:
        inlier_value = None
    elif masked is None:
        inlier_value = value
    effective_n = top_share = skill = None
    if shares is not None and is_finite and loss.reduction in ADDITIVE_REDUCTIONS:
        effective_n = 1 / sum(float(np.square(shares[part]).sum()) for part in blocks(shares.size))
        counted = outcome.per_sample.size if outcome.counted is None else int(outcome.counted.sum())
        first = len(shares) - math.ceil(counted / ROWS_PER_TOP_ROW)
        shares.partition(first)
        top_share = float(shares[first:].sum())
    inflation = finite_or_none(value / inlier_value) if inlier_value is not None and inlier_value > 0 else None
    normal = None if effective_n is None else _effective_n_if_normal(loss, context.scale)
    if context.is_brief:
        return Sensitivity(inflation, None, None, effective_n, top_share, None, None, None, normal)
    # without shares all rows may be perfect, or some infinite next to a finite median
    if has_ratios and (
        shares is not None or (is_finite and outcome.per_sample.size and outcome.counted_losses().min() >= 0)
    ):
        skill = _measure_skill(context, loss, value, outcome)
    del shares, outcome  # as long as the data
    return Sensitivity(
        inflation,
        measure_pull(context, loss) if with_pull and is_finite else None,
        stress(loss, context.inliers, context.scale, inlier_value),
        effective_n,
        top_share,
        skill,
        is_bounded(loss, context.scale, ""),
        is_bounded(loss, context.scale, "gradient"),
        normal,
    )


def depends_on_targets_alone(loss: LossOnRows) -> bool:
    """Return whether models that predict the same rows have the same best constant prediction."""
    evaluator = loss.evaluator
    is_compared = "y_pred" in evaluator.form.names and evaluator.domain("y_pred").is_compared
    return not is_compared and evaluator.bound.loss.family not in CLASS_FAMILIES


def _effective_n_if_normal(loss: LossOnRows, scale: float | None) -> float | None:
    share, weight = effective_share_if_normal(loss, scale), loss.batch.weight
    if share is None:
        return None
    return share * (len(loss.batch) if weight is None else float(weight.sum() ** 2 / (weight @ weight)))


def shares_of(outcome: Outcome, batch: Batch, in_place: bool = False) -> Array | None:
    """Return each row's share (N,) of the weighted sum of losses, 0 for rows that do not count.

    None where a loss is negative, or the sum is 0 or infinite.
    """
    values = outcome.counted_losses()
    top = float(values.max(initial=0.0))
    if not values.size or not 0 < top < math.inf or values.min() < 0:
        return None
    shares = np.divide(values, top, out=values if in_place else None)  # scaled, so that no sum overflows
    if batch.weight is not None and len(batch) == len(values):
        shares *= batch.weight / batch.weight.max()
    shares *= 1 / shares.sum()
    return shares


def measure_pull(context: OutlierContext, loss: LossOnRows) -> float | None:
    """Return |c - c'| in robust standard deviations: c minimises the loss of y_pred + c over all rows, c' over inliers.

    None where a constant cannot be added to the predictions (it must be one number per row, of a residual), or where
    the loss ranks none.
    """
    batch, residual, scale, inliers = loss.batch, context.residual, context.scale, context.inliers
    declared = loss.evaluator.bound.loss
    is_shiftable = declared.of_residual and not declared.no_ranking and batch.arrays["y_pred"].size == len(batch)
    if inliers is None or scale is None or residual is None or not is_shiftable:
        return None
    if not context.has_outliers:
        return 0.0
    functional = _functional_of(loss)
    if functional is not None:
        # the functional of y_true - y_pred is minus this one of y_pred - y_true
        negated = functional._replace(level=1 - functional.level)
        overall: float | None = minimizer.minimize_in_closed_form(negated, residual, batch.weight)
        inner: float | None = minimizer.minimize_in_closed_form(negated, residual, batch.weight, inliers)
    else:
        base = batch.arrays["y_pred"].reshape(-1)
        overall, inner = (minimize_shifted(loss, batch, base, sample) for sample in context.residual_samples)
    if overall is None or inner is None:
        return None
    pull = finite_or_none(abs(overall - inner) / scale)
    return 0.0 if pull is not None and pull < LEAST_PULL else pull


def _functional_of(loss: LossOnRows) -> Functional | None:
    """Return the loss's minimizer in closed form, where the reduction is its own or keeps that minimizer."""
    is_sum_of_maximum = loss.asked_reduction == "sum" and loss.evaluator.bound.loss.reduction is Reduction.MAX
    return None if loss.asked_reduction == "median" or is_sum_of_maximum else loss.evaluator.bound.functional


def _measure_skill(context: OutlierContext, loss: LossOnRows, value: float, outcome: Outcome) -> float | None:
    """Return 1 - L / L0, where L0 is the loss of its own best constant prediction; None where L0 is 0."""
    if not loss.is_per_sample or loss.evaluator.coupled or loss.evaluator.form.by_query:
        return None
    label = loss.evaluator.label
    if label not in context.constant_losses:
        constant = _best_constant_prediction(context, loss, outcome)
        context.constant_losses[label] = None if constant is None else loss.value_if_predicted(constant)
    baseline = context.constant_losses[label]
    if baseline is None or not 0 < baseline < math.inf:
        return None
    ratio = finite_or_none(value / baseline)
    return None if ratio is None else 1 - ratio


def _best_constant_prediction(context: OutlierContext, loss: LossOnRows, outcome: Outcome) -> Array | None:
    """Return the constant that minimises the loss, a number per column of y_pred; None if there is none."""
    evaluator, batch = loss.evaluator, loss.batch
    if evaluator.form.names[:2] != ["y_true", "y_pred"]:
        return None
    truth = batch.arrays["y_true"]
    if truth.shape != batch.arrays["y_pred"].shape or evaluator.bound.loss.family in CLASS_FAMILIES:
        return _class_shares(evaluator, batch, outcome.counted)
    columns = truth.reshape(len(truth), -1)
    width = columns.shape[1]
    if width > MAX_TARGET_COLUMNS or outcome.elements.size != truth.size:
        return None
    functional, constants = _functional_of(loss), []
    for i in range(width):
        targets = np.ascontiguousarray(columns[:, i]) if width > 1 else columns[:, 0]
        if evaluator.domain("y_pred").is_compared:
            constant: float | None = _most_frequent_label(targets, batch.arrays["y_pred"], batch.weight)
        elif functional is not None:
            constant = minimizer.minimize_in_closed_form(functional, targets, batch.weight)
        else:
            sample = context.target_sample
            if width > 1:
                sample = minimizer.draw_stratified_sample(targets, size=context.rows_per_sample)
            constant = minimize_shifted(loss, batch.changed(y_true=targets), None, sample)
        if constant is None:
            return None
        constants.append(constant)
    return np.array(constants if truth.ndim > 1 else constants[0], dtype=np.float64)


def _most_frequent_label(targets: Array, predicted: Array, weight: Array | None) -> float:
    """Return the label of the most rows, by weight; 0 for -1 where predictions are probabilities."""
    labels, index = np.unique(targets, return_inverse=True)
    label = float(labels[np.bincount(index, weights=weight).argmax()])
    return 0.0 if label == -1 and predicted.min() >= 0 and predicted.max() <= 1 else label


def _class_shares(evaluator: Evaluator, batch: Batch, counted: Mask | None) -> Array | None:
    """Return the best constant prediction (C,) of losses that elicit the shares of the classes; None for others."""
    loss, params = evaluator.bound.loss, evaluator.bound.params
    if not loss.elicits.startswith(ELICITS_CLASS_SHARES) or params.get("class_weight") is not None:
        return None
    truth = batch.arrays["y_true"]
    classes = batch.arrays["y_pred"].shape[-1]
    if truth.ndim == 1:
        rows = np.ones(len(truth), dtype=bool) if counted is None else counted
        weight = np.ones(len(truth)) if batch.weight is None else batch.weight
        totals = np.bincount(truth[rows].astype(np.int64), weights=weight[rows], minlength=classes)
    else:
        totals = truth.sum(axis=0) if batch.weight is None else batch.weight @ truth
    smoothing = params.get("label_smoothing", 0.0)
    shares = (totals / totals.sum()) * (1 - smoothing) + smoothing / classes
    with np.errstate(divide="ignore"):
        takes_logs = params.get("from_logits") or loss.elicits.startswith("log")
        return np.asarray(np.log(shares) if takes_logs else shares)
