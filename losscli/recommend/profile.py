"""The profile of the data: its task, and what holds for its targets, predictions and residuals.

Ranges, labels, zeros and sums of rows are those of all rows, in one pass. Quantiles, and what is computed from them,
are those of all rows while these fit a budget, else of a random sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from losscli.data.batch import Batch
from losscli.data.dataset import Dataset
from losscli.data.labels import class_number
from losscli.declaration.domains import Array
from losscli.declaration.properties import Functional
from losscli.errors import DataError, NoResultError
from losscli.evaluation.shapes import check_rows_hold_numbers
from losscli.messages import Hint
from losscli.recommend.aim import SURE_ERRORS, Aim, find_aim
from losscli.recommend.beside import NOTHING_BESIDE, BesideColumns
from losscli.recommend.boxes import BoxOverlap, guess_format, measure_overlap
from losscli.recommend.calibration import (
    Estimate,
    Recalibration,
    biased_columns,
    logits_of,
    logs_of,
    recalibrate_classes,
    recalibrate_labels,
)
from losscli.recommend.dependence import ClusterCorrelation, SerialCorrelation, cluster_correlation, serial_correlation
from losscli.recommend.forecasts import QuantileForecast, SpreadForecast, quantile_forecasts, spread_forecasts
from losscli.recommend.order import (
    ORDERED_SHARE,
    ORDERED_SHARE_OF_RATINGS,
    QUERY_NAMES,
    are_numbered_from_1,
    one_peak_share,
)
from losscli.recommend.residuals import MIN_DISPERSION, Residuals, may_be_skewed
from losscli.recommend.sample import VALUES_PER_SAMPLE, ReservoirSampler, to_matrix
from losscli.recommend.summary import ColumnSummary, reduce_rows
from losscli.recommend.tasks import PADDING_LABELS, Task, are_members, find_task

MAX_FIRST_COUNT = 20
"""Whole numbers that start above it are counts only if their variance is that of counts."""

MAX_COUNTED = 1e6
"""Targets times weights that are whole are counts below it: above, rounding alone makes them nearly so."""

MAX_ROWS_IN_ORDER = 1 << 16
"""Consecutive rows that tell whether errors depend on those before."""


@dataclass
class Profile:
    """What the data is; shares are by weight.

    Of the `n` rows, `zero_probability_rows` have an element with y_true > 0 and y_pred = 0 (or give their label the
    probability 0), `one_probability_rows` one with y_true < 1 and y_pred = 1. `sample` holds the rows for quantiles
    (not all if `is_subsampled`), also as matrices `y_true` and `y_pred`; `extreme_rows` are those with the extremes.
    `are_logits` and `target`, the functional that forecasts shall be, are what the user said; with `is_order_given`
    the classes were named in order. `beside` names columns of the sample that are no role; `first_rows` (2, m) are the
    averages over y_true and y_pred of consecutive rows. `width` is the number of predictions per row, `zero_share` the
    share of targets that are 0. With `has_class_labels`, rows have one label and a prediction per class; with
    `has_queries` a column says which rows are the documents of a query. `names` are those of several columns,
    `named_format` is how boxes are written: empty if their columns do not say how, None if they are none.
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
    class_names: tuple[str, ...]
    are_logits: bool
    is_order_given: bool = False
    has_queries: bool = False
    names: tuple[str, ...] = ()
    named_format: str | None = None
    target: Functional | None = None
    beside: BesideColumns = NOTHING_BESIDE
    first_rows: Array | None = None

    def __post_init__(self) -> None:
        self.y_true, self.y_pred = (to_matrix(self.sample.arrays[role]) for role in ("y_true", "y_pred"))
        self.width = self.y_pred.shape[1]
        self.zero_share = self.true.zero_weight / self.weight
        has_one_target = self.sample.arrays["y_true"].ndim == 1 and self.width > 1
        self.has_members = has_one_target and not self.is_order_given and are_members(self)
        self.has_class_labels = has_one_target and not self.has_members
        self.is_one_hot = self.width > 1 and self.true.has_only(0, 1) and self.true.sums == (1, 1)
        self.has_probabilities = self.pred.is_within(0, 1) and not self.are_logits
        self.has_distributions = self.pred.is_simplex and not self.are_logits
        self.task = find_task(self)

    @cached_property
    def residuals(self) -> Residuals:
        return Residuals(self.y_true, self.y_pred, self.sample.weight)

    @cached_property
    def box_format(self) -> str:
        """How the boxes are written: xyxy, xywh or cxcywh."""
        return guess_format(self.y_true, self.y_pred, "xyxy" if self.named_format is None else self.named_format)

    @property
    def has_unnamed_format(self) -> bool:
        """Whether a column of whole boxes does not say how they are written."""
        return self.named_format == ""

    @cached_property
    def box_overlap(self) -> BoxOverlap:
        return measure_overlap(self.y_true, self.y_pred, self.box_format, self.sample.weight)

    @property
    def is_count_like(self) -> bool:
        """Whether targets are whole numbers from 0 on, and not all of two values."""
        return self.true.is_whole and self.true.low >= 0 and self.true.high > 1

    @property
    def vary_less_than_counts(self) -> bool:
        """Whether e²/y_pred is clearly below 1 on average; of rare counts, from 0 on, it must be surely below."""
        least = 1 - 3 * self.residuals.dispersion_error if self.true.low == 0 else 1.0
        return self.residuals.dispersion < min(MIN_DISPERSION, least)

    @cached_property
    def are_counts_per_weight(self) -> bool:
        """Whether targets are counts divided by the weight, such as claims per year of exposure."""
        weight = self.sample.weight
        if weight is None or not np.ptp(weight) or self.width > 1 or self.true.is_whole or self.true.low < 0:
            return False
        counts = self.y_true[:, 0] * weight
        return bool(np.allclose(counts, np.rint(counts), rtol=0, atol=1e-6) and counts.max() < MAX_COUNTED)

    @cached_property
    def aim(self) -> Aim:
        """What forecasts of numbers are, or shall be."""
        zero_share = self.zero_share if self.true.low >= 0 and self.true.high > 0 else 0.0
        r = self.residuals
        is_skewed = may_be_skewed(self.y_true.ravel(), r.flat_weight)
        are_counts = self.is_count_like and self.true.low <= MAX_FIRST_COUNT and self.pred.low > 0
        are_counts = are_counts and not self.vary_less_than_counts
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
    def are_dependent(self) -> bool:
        """Whether errors surely depend on those of other rows: standard errors of independent rows are too small."""
        return self.clusters is not None or (self.serial is not None and self.serial.is_sure)

    @property
    def is_off_centre(self) -> bool:
        """Whether predictions surely are neither means nor medians, though one of them was assumed."""
        r = self.residuals
        is_sure = abs(r.mean_z) > SURE_ERRORS < abs(r.median_z) and not r.is_slightly_off
        return is_sure and not (self.aim.is_requested or self.are_dependent)

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
    def recalibration(self) -> Recalibration | None:
        """How labels follow probabilities or logits; None if the data cannot tell, or has none."""
        y, p, weight = self.y_true, self.y_pred, self.sample.weight
        if self.task in (Task.CLASSES, Task.CLASS_SCORES, Task.CLASS_LOGS):
            logs = logs_of(p) if self.task is Task.CLASSES else p
            return recalibrate_classes(y[:, 0] if self.has_class_labels else y, logs, weight)
        if self.task in (Task.BINARY, Task.MULTILABEL) and not self.pred.has_only(0, 1):
            return recalibrate_labels((y > 0).astype(np.float64), logits_of(p), weight)
        if self.task in (Task.BINARY_SCORES, Task.MULTILABEL_SCORES) and self.pred.low < 0 < self.pred.high:
            return recalibrate_labels((y > 0).astype(np.float64), p, weight)
        return None

    @cached_property
    def biased_classes(self) -> dict[str, Estimate]:
        """Classes or labels whose probabilities are too high or too low on average, with the gap to their share."""
        if self.task not in (Task.CLASSES, Task.MULTILABEL) or self.recalibration is None:
            return {}
        labels = self.y_true
        if self.has_class_labels:
            labels = np.eye(self.width)[labels[:, 0].astype(np.int64)]
        off = biased_columns(labels, self.y_pred, self.sample.weight)
        names = self.class_names if len(self.class_names) == self.width else [str(k) for k in range(self.width)]
        return {names[k]: gap for k, gap in off.items()}

    @cached_property
    def one_peak_share(self) -> float:
        """The share of the rows of y_pred that rise to one peak and fall from there."""
        return one_peak_share(self.y_pred, self.sample.weight)

    @property
    def has_class_names(self) -> bool:
        """Whether classes have names that are no numbers."""
        return any(class_number(name) is None for name in self.class_names)

    @cached_property
    def has_ordered_classes(self) -> bool:
        """Whether probabilities of classes show that these have an order; three classes hardly can."""
        if are_numbered_from_1(self.class_names):
            return self.one_peak_share >= (ORDERED_SHARE_OF_RATINGS if self.width > 3 else ORDERED_SHARE)
        return self.width > 3 and self.one_peak_share >= ORDERED_SHARE

    @cached_property
    def expected_surprises(self) -> float:
        """The share of the rows whose label the probabilities themselves expect to be one of less than 1 %."""
        p = self.y_pred
        unlikely = np.where(p < 0.01, p, 0.0) if self.has_class_labels or self.is_one_hot else np.minimum(p, 1 - p)
        unlikely = np.where(unlikely < 0.01, unlikely, 0.0).sum(axis=1)
        return float(np.average(unlikely, weights=self.sample.weight))

    @cached_property
    def surprising_share(self) -> float:
        """The share of the rows whose label was given a probability below 1 %."""
        if self.has_class_labels:
            given = np.take_along_axis(self.y_pred, self.y_true.astype(np.int64), axis=1)
        else:
            given = np.where(self.y_true == 1, self.y_pred, 1.0 if self.is_one_hot else 1 - self.y_pred)
        return float(np.average((given < 0.01).any(axis=1), weights=self.sample.weight))


def profile_of(
    dataset: Dataset,
    are_logits: bool = False,
    track: Callable[[Iterator[Batch]], Iterable[Batch]] = iter,
    values_per_sample: int = VALUES_PER_SAMPLE,
    named_format: str | None = None,
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
        class_names=dataset.classes.names,
        are_logits=are_logits,
        is_order_given=dataset.classes.requested > 0,
        has_queries=any(column.name.lower() in QUERY_NAMES for t in dataset.tables for column in t.columns),
        names=dataset.bound["y_true"].names,
        named_format=named_format,
        target=target,
        beside=beside,
        first_rows=np.concatenate(in_order, axis=1) if in_order else None,
    )
    check_labels(profile)
    if profile.task in (Task.REGRESSION, Task.BOXES, Task.RATINGS, Task.RANKING):
        check_finite(profile)
    return profile


def refuse_missing(batch: Batch) -> None:
    """Raise a NoResultError if a row lacks a value."""
    if batch.missing is not None and batch.missing.any():
        row = int(batch.rows[batch.missing][0])
        raise NoResultError(f"row {row} lacks a value, so every loss is NaN", Hint.OMIT_MISSING)


def select_present(batch: Batch) -> Batch:
    """Return the rows of weight above 0, with a single column as (n,); no value may be missing."""
    refuse_missing(batch)
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
        if true.is_whole and true.low in PADDING_LABELS and true.high < d.width:
            start = f"; leave out the rows of {true.low:g}, which marks what does not count"
        raise DataError(
            f"{source}y_pred has {d.width} numbers per row, so y_true must hold class labels 0..{d.width - 1}, but "
            f"goes from {true.range}{'' if true.is_whole else ' with fractions'}{start}"
        )
    if len(d.class_names) > 2 and d.width == 1:
        problem = f"there are {len(d.class_names)} classes, but y_pred is one number per row: one per class is needed"
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
