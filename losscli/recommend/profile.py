"""The profile of the data: its task, and what holds for its targets, predictions and residuals.

Ranges, labels, zeros and sums of rows are those of all rows, in one pass. Quantiles, and what is computed from them,
are those of all rows while these fit a budget, else of a random sample.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from losscli.data.batch import Batch
from losscli.data.dataset import Dataset
from losscli.declaration.domains import Array
from losscli.declaration.domains.distributions import MAX_SUM_ERROR
from losscli.declaration.properties import Functional
from losscli.errors import DataError, NoResultError
from losscli.evaluation.evaluator import check_rows_hold_numbers
from losscli.messages import Hint
from losscli.recommend.aim import Aim, find_aim
from losscli.recommend.beside import NOTHING_BESIDE, BesideColumns
from losscli.recommend.dependence import ClusterCorrelation, SerialCorrelation, cluster_correlation, serial_correlation
from losscli.recommend.forecasts import QuantileForecast, SpreadForecast, quantile_forecasts, spread_forecasts
from losscli.recommend.residuals import Residuals, kelly_skewness
from losscli.recommend.sample import VALUES_PER_SAMPLE, ReservoirSampler, to_matrix
from losscli.recommend.summary import ColumnSummary, reduce_rows

MAX_FIRST_COUNT = 20
"""Whole numbers that start above it are counts only if their variance is that of counts."""

MIN_DISPERSION = 2 / 3
"""The mean of e²/y_pred below which whole numbers vary less than counts."""

MAX_ROWS_IN_ORDER = 1 << 16
"""Consecutive rows that tell whether errors depend on those before."""


class Task(enum.StrEnum):
    """What the predictions are of; `unclear` if the data does not tell."""

    REGRESSION = "regression"
    BINARY = "binary"
    BINARY_SCORES = "binary from logits"
    MULTILABEL = "multi-label"
    MULTILABEL_SCORES = "multi-label from logits"
    CLASSES = "multi-class"
    CLASS_SCORES = "multi-class from logits"
    CLASS_LOGS = "multi-class from log-probabilities"
    DISTRIBUTIONS = "distributions"
    DISTRIBUTION_SCORES = "distributions from logits"
    ONE_DISTRIBUTION = "one distribution"
    UNCLEAR = "unclear"


@dataclass
class Profile:
    """What the data is; shares are by weight.

    Of the `n` rows, `zero_probability_rows` have an element with y_true > 0 and y_pred = 0 (or give their label the
    probability 0), `one_probability_rows` one with y_true < 1 and y_pred = 1. `sample` holds the rows for quantiles
    (not all if `is_subsampled`), also as matrices `y_true` and `y_pred`; `extreme_rows` are those with the extremes;
    `first_rows` (2, m) are the averages over y_true and over y_pred of consecutive rows. `are_logits` and `target`, the
    functional that forecasts shall be, are what the user said. `beside` names columns of the sample that are no role.
    `width` is the number of predictions per row, `zero_share` the share of targets that are 0. With
    `has_class_labels`, rows have one label and a prediction per class.
    """

    n: int
    weight: float
    is_weighted: bool
    true: ColumnSummary
    pred: ColumnSummary
    zero_probability_rows: int
    one_probability_rows: int
    sample: Batch
    extreme_rows: Batch
    is_subsampled: bool
    n_class_names: int
    are_logits: bool
    target: Functional | None = None
    beside: BesideColumns = NOTHING_BESIDE
    first_rows: Array | None = None

    def __post_init__(self) -> None:
        self.y_true, self.y_pred = (to_matrix(self.sample.arrays[role]) for role in ("y_true", "y_pred"))
        self.width = self.y_pred.shape[1]
        self.zero_share = self.true.zero_weight / self.weight
        self.has_class_labels = self.sample.arrays["y_true"].ndim == 1 and self.width > 1
        self.is_one_hot = self.width > 1 and self.true.has_only(0, 1) and self.true.sums == (1, 1)
        self.has_probabilities = self.pred.is_within(0, 1) and not self.are_logits
        self.has_distributions = self.pred.is_simplex and not self.are_logits
        self.task = find_task(self)

    @cached_property
    def residuals(self) -> Residuals:
        return Residuals(self.y_true, self.y_pred, self.sample.weight)

    @property
    def is_count_like(self) -> bool:
        """Whether targets are whole numbers from 0 on, and not all of two values."""
        return self.true.is_whole and self.true.low >= 0 and self.true.high > 1

    @cached_property
    def aim(self) -> Aim:
        """What forecasts of numbers are, or shall be."""
        zero_share = self.zero_share if self.true.low >= 0 and self.true.high > 0 else 0.0
        r = self.residuals
        is_skewed = kelly_skewness(self.y_true.ravel(), r.flat_weight) > 0.2
        are_counts = self.is_count_like and self.true.low <= MAX_FIRST_COUNT and self.pred.low > 0
        are_counts = are_counts and r.dispersion >= MIN_DISPERSION
        are_amounts = self.true.low >= 0 and (are_counts or is_skewed or r.is_spread_rising)
        return find_aim(r, self.target, zero_share, are_amounts)

    @cached_property
    def forecasts(self) -> list[QuantileForecast]:
        """The columns of quantiles."""
        return quantile_forecasts(self.sample, self.beside)

    @cached_property
    def spreads(self) -> list[SpreadForecast]:
        """The columns of predicted variances and standard deviations."""
        return list(spread_forecasts(self.sample, self.beside))

    @property
    def has_quantiles_only(self) -> bool:
        """Whether y_pred is one of the columns of quantiles, and nothing else is wanted of it."""
        return self.beside.point is not None and self.target is None and bool(self.forecasts)

    @cached_property
    def serial(self) -> SerialCorrelation | None:
        """The correlation of the errors of neighbouring rows; None if it says nothing."""
        return None if self.first_rows is None else serial_correlation(*self.first_rows)

    @cached_property
    def clusters(self) -> ClusterCorrelation | None:
        """The column within whose values errors are surely correlated, the most if there are several."""
        errors = self.residuals.values.mean(axis=1)
        columns = {name: np.asarray(self.sample.extras[name]).tolist() for name in self.beside.clusters}
        found = [c for name, texts in columns.items() if (c := cluster_correlation(errors, texts, name)) and c.is_sure]
        return max(found, key=lambda c: (c.rows - 1) * c.correlation, default=None)

    @property
    def base_rate(self) -> float:
        """The share of the label 1."""
        counts = self.true.counts or {}
        return counts.get(1.0, 0.0) / sum(counts.values())

    @cached_property
    def class_shares(self) -> list[float]:
        """The share of each class or label."""
        if self.sample.arrays["y_true"].ndim == 1:
            counts = self.true.counts or {}
            return [counts.get(float(k), 0.0) / self.weight for k in range(self.width)]
        return [float(share) for share in np.average(self.y_true == 1, axis=0, weights=self.sample.weight)]

    @cached_property
    def surprising_share(self) -> float:
        """The share of the rows whose label was given a probability below 1 %."""
        if self.has_class_labels:
            given = np.take_along_axis(self.y_pred, self.y_true.astype(np.int64), axis=1)
        else:
            given = np.where(self.y_true == 1, self.y_pred, 1.0 if self.is_one_hot else 1 - self.y_pred)
        return float(np.average((given < 0.01).any(axis=1), weights=self.sample.weight))


def find_task(d: Profile) -> Task:
    """Return what the predictions are of."""
    has_one, has_several = d.width == 1, d.width > 1
    has_two_labels = len(d.true.counts or ()) == 2 and (d.true.has_only(0, 1) or d.true.has_only(-1, 1))
    if (d.has_class_labels or d.is_one_hot) and d.has_distributions:
        return Task.CLASSES
    if d.has_class_labels and d.pred.high <= 0 and max(map(abs, d.pred.log_sums)) <= MAX_SUM_ERROR:
        return Task.CLASS_LOGS
    if d.has_class_labels or (d.is_one_hot and not d.has_probabilities):
        return Task.CLASS_SCORES
    if has_several and d.true.is_simplex and d.has_distributions:
        return Task.DISTRIBUTIONS
    if has_several and d.true.is_simplex and not d.is_one_hot and not d.has_probabilities:
        return Task.DISTRIBUTION_SCORES
    if has_two_labels and has_several:
        return Task.MULTILABEL if d.has_probabilities else Task.MULTILABEL_SCORES
    if has_two_labels:
        return Task.BINARY if d.has_probabilities else Task.BINARY_SCORES
    if d.true.has_only(0) or d.true.has_only(1):
        return Task.UNCLEAR
    sums_are_1 = all(v.is_within(0, 1) and abs(v.total - 1) <= MAX_SUM_ERROR for v in (d.true, d.pred))
    return Task.ONE_DISTRIBUTION if d.n > 1 and has_one and not d.is_weighted and sums_are_1 else Task.REGRESSION


def profile_of(
    dataset: Dataset,
    are_logits: bool = False,
    track: Callable[[Iterator[Batch]], Iterable[Batch]] = iter,
    values_per_sample: int = VALUES_PER_SAMPLE,
    target: Functional | None = None,
    beside: BesideColumns = NOTHING_BESIDE,
) -> Profile:
    """Read y_true and y_pred once and return their profile; quantiles are of `values_per_sample` values at most.

    `target` is the functional that forecasts shall be, if the user said so; `beside` are columns that are carried.

    Raises:
        DataError: Shapes differ, labels are no class, or values are infinite or missing.
        NoResultError: No row is left.
    """
    true, pred, sampler = ColumnSummary(), ColumnSummary(), ReservoirSampler(values_per_sample)
    n, weight, zero_probability_rows, one_probability_rows = 0, 0.0, 0, 0
    in_order: list[Array] = []
    for given in track(dataset.batches()):
        batch = select_present(given)
        if not len(batch):
            continue
        for role, domain in dataset.domains.items():
            check_rows_hold_numbers(batch.arrays[role], domain, batch.origins[role])
        y, p = to_matrix(batch.arrays["y_true"]), to_matrix(batch.arrays["y_pred"])
        if y.shape != p.shape and y.shape[1] > 1:
            first, second = batch.shape_text("y_true"), batch.shape_text("y_pred")
            raise DataError(f"{source_prefix(batch)}shapes differ: y_true is {first}, y_pred is {second}")
        true.update(y, batch.weight)
        pred.update(p, batch.weight)
        if y.shape == p.shape:
            zero_probability_rows += int(reduce_rows(np.any, (y > 0) & (p == 0)).sum())
            one_probability_rows += int(reduce_rows(np.any, (y < 1) & (p == 1)).sum())
        else:
            zero_probability_rows += count_zero_probabilities(y[:, 0], p)
        if n < MAX_ROWS_IN_ORDER and y.shape == p.shape:
            in_order.append(np.stack([values[: MAX_ROWS_IN_ORDER - n].mean(axis=1) for values in (y, p)]))
        n += len(batch)
        weight += float(len(batch) if batch.weight is None else batch.weight.sum())
        sampler.add(batch)
    if not n:
        raise NoResultError("no row is left: all were omitted or have weight 0")
    sample, extreme_rows = sampler.finish()
    profile = Profile(
        n=n,
        weight=weight,
        is_weighted=sample.weight is not None,
        true=true,
        pred=pred,
        zero_probability_rows=zero_probability_rows,
        one_probability_rows=one_probability_rows,
        sample=sample,
        extreme_rows=extreme_rows,
        is_subsampled=sampler.is_subsampled,
        n_class_names=len(dataset.classes.names),
        are_logits=are_logits,
        target=target,
        beside=beside,
        first_rows=np.concatenate(in_order, axis=1) if in_order else None,
    )
    check_labels(profile)
    if profile.task is Task.REGRESSION:
        check_finite(profile)
    return profile


def select_present(batch: Batch) -> Batch:
    """Return the rows of weight above 0, with a single column as (n,); no value may be missing."""
    if batch.missing is not None and batch.missing.any():
        row = int(batch.rows[batch.missing][0])
        raise NoResultError(f"row {row} lacks a value, so every loss is NaN", Hint.OMIT_MISSING)
    kept = batch if batch.absent is None else batch.take(~batch.absent)
    for name, array in kept.arrays.items():
        if array.ndim == 2 and array.shape[1] == 1:
            kept.arrays[name] = array[:, 0]
    return kept


def source_prefix(batch: Batch) -> str:
    """Return the file name for a message."""
    source = batch.origins["y_pred"].source
    return f"{source}: " if source else ""


def count_zero_probabilities(labels: Array, p: Array) -> int:
    """Return the number of rows whose label has the probability 0."""
    known = (labels >= 0) & (labels < p.shape[1]) & (labels == np.floor(labels))
    return int((p[known, labels[known].astype(np.int64)] == 0).sum())


def check_labels(d: Profile) -> None:
    """Raise a DataError if labels are no classes, or their number is not that of the predictions."""
    true, source = d.true, source_prefix(d.sample)
    if d.has_class_labels and not (true.is_whole and true.is_within(0, d.width - 1)):
        start = "; labels start at 0: subtract 1" if true.is_whole and true.is_within(1, d.width) else ""
        raise DataError(
            f"{source}y_pred has {d.width} numbers per row, so y_true must hold class labels 0..{d.width - 1}, but "
            f"goes from {true.range}{'' if true.is_whole else ' with fractions'}{start}"
        )
    if d.n_class_names > 2 and d.width == 1:
        problem = f"there are {d.n_class_names} classes, but y_pred is one number per row: one per class is needed"
        raise DataError(source + problem, Hint.PER_CLASS_COLUMNS, role="y_pred")


def check_finite(d: Profile) -> None:
    """Raise a DataError if targets, predictions or residuals are infinite."""
    for role, summary in (("y_true", d.true), ("y_pred", d.pred)):
        if not (math.isfinite(summary.low) and math.isfinite(summary.high)):
            infinite = ~np.isfinite(to_matrix(d.extreme_rows.arrays[role])).all(axis=1)
            row = d.extreme_rows.take(np.arange(len(d.extreme_rows)) == int(np.argmax(infinite)))
            values = row.arrays[role]
            problem = "is not a finite number, so no losses can be recommended"
            raise row.origins[role].error(~np.isfinite(values), values, problem)
    with np.errstate(over="ignore"):
        apart = d.pred.high - d.true.low, d.true.high - d.pred.low
    if not all(map(math.isfinite, apart)):
        prefix = source_prefix(d.sample)
        raise DataError(f"{prefix}y_pred - y_true overflows: y_true is {d.true.range}, y_pred {d.pred.range}")
