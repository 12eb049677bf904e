"""What the data is: the task, and what is true of its targets, predictions and residuals.

Ranges, labels, zeros and sums of rows are of all rows, in one pass. Quantiles, and all that is made of them, are of the
rows themselves while those fit a budget, else of a random sample of them.
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
from losscli.errors import DataError, NoResultError
from losscli.messages import Hint
from losscli.recommend.residuals import Residuals
from losscli.recommend.sample import ReservoirSampler, to_matrix
from losscli.recommend.summary import ColumnSummary, reduce_rows


class Task(enum.StrEnum):
    """What the predictions are of; `unclear` where the data does not say."""

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


@dataclass(frozen=True)
class Profile:
    """What the data is.

    `n` rows weigh `weight`. `never` counts the rows with an element that has y_true > 0 and y_pred = 0, `wrong` those
    whose label was given the probability 0. `sample` are the rows that quantiles are of, `edges` those with the
    extremes; `sampled` says that the sample is not all rows.
    """

    n: int
    weight: float
    weighted: bool
    true: ColumnSummary
    pred: ColumnSummary
    zero_probability_rows: int
    one_probability_rows: int
    sample: Batch
    extreme_rows: Batch
    sampled: bool
    n_class_names: int
    logits: bool

    @cached_property
    def task(self) -> Task:
        return find_task(self)

    @cached_property
    def residuals(self) -> Residuals:
        """What is true of y_pred - y_true, where both are numbers."""
        y, p = to_matrix(self.sample.arrays["y_true"]), to_matrix(self.sample.arrays["y_pred"])
        return Residuals.of(y, p, self.sample.weight)

    @property
    def width(self) -> int:
        """How many numbers y_pred has a row."""
        return int(to_matrix(self.sample.arrays["y_pred"]).shape[1])

    @property
    def classes(self) -> bool:
        """Whether there is one label a row, and a number a class."""
        return self.sample.arrays["y_true"].ndim == 1 and self.width > 1

    @property
    def one_hot(self) -> bool:
        return self.width > 1 and self.true.only(0, 1) and self.true.sums == (1, 1)

    @property
    def binary(self) -> bool:
        """Whether the targets are labels of two classes, and both are there."""
        counts = self.true.counts or {}
        return len(counts) == 2 and (self.true.only(0, 1) or self.true.only(-1, 1))

    @property
    def probabilities(self) -> bool:
        return self.pred.within(0, 1) and not self.logits

    @property
    def simplexes(self) -> bool:
        return self.pred.simplex and not self.logits

    @property
    def base_rate(self) -> float:
        """The share of the label 1, by weight."""
        counts = self.true.counts or {}
        return counts.get(1.0, 0.0) / sum(counts.values())

    @cached_property
    def class_shares(self) -> list[float]:
        """The share of each class or label, by weight."""
        y = self.sample.arrays["y_true"]
        if y.ndim == 1:
            counts = self.true.counts or {}
            return [counts.get(float(k), 0.0) / self.weight for k in range(self.width)]
        return [float(share) for share in np.average(to_matrix(y) == 1, axis=0, weights=self.sample.weight)]

    @cached_property
    def surprised(self) -> float:
        """The share of the rows whose label was given a probability below 1 %."""
        y, p = self.sample.arrays["y_true"], to_matrix(self.sample.arrays["y_pred"])
        if y.ndim == 1 and self.width > 1:
            given = np.take_along_axis(p, y[:, None].astype(np.int64), axis=1)
        else:
            given = np.where(to_matrix(y) == 1, p, 1.0 if self.one_hot else 1 - p)
        return float(np.average((given < 0.01).any(axis=1), weights=self.sample.weight))


def find_task(d: Profile) -> Task:
    """Return what the predictions are of."""
    if d.classes:
        if d.simplexes:
            return Task.CLASSES
        is_log = d.pred.high <= 0 and max(map(abs, d.pred.log_sums)) <= MAX_SUM_ERROR
        return Task.CLASS_LOGS if is_log else Task.CLASS_SCORES
    if d.one_hot and d.simplexes:
        return Task.CLASSES
    if d.one_hot and not d.probabilities:
        return Task.CLASS_SCORES
    if d.width > 1 and d.true.simplex and d.simplexes:
        return Task.DISTRIBUTIONS
    if d.width > 1 and d.true.simplex and not d.one_hot and not d.probabilities:
        return Task.DISTRIBUTION_SCORES
    if d.binary:
        several = d.width > 1
        if d.probabilities:
            return Task.MULTILABEL if several else Task.BINARY
        return Task.MULTILABEL_SCORES if several else Task.BINARY_SCORES
    if d.true.only(0) or d.true.only(1):
        return Task.UNCLEAR
    sums_to_1 = all(v.within(0, 1) and abs(v.total - 1) <= MAX_SUM_ERROR for v in (d.true, d.pred))
    if d.n > 1 and d.width == 1 and not d.weighted and sums_to_1:
        return Task.ONE_DISTRIBUTION
    return Task.REGRESSION


def profile_of(
    dataset: Dataset, logits: bool = False, track: Callable[[Iterator[Batch]], Iterable[Batch]] = iter
) -> Profile:
    """Read a dataset of y_true and y_pred and say what it is.

    Args:
        dataset: where the rows come from; it is read once.
        logits: predictions are logits, whatever they look like.
        track: wraps the batches, to show progress.

    Raises:
        DataError: shapes that do not fit each other; labels that are no class; values that are infinite or missing.
        NoResultError: no row is left.
    """
    true, pred, sampler = ColumnSummary(), ColumnSummary(), ReservoirSampler()
    n, weight, zero_probability_rows, one_probability_rows = 0, 0.0, 0, 0
    for given in track(dataset.batches()):
        batch = select_present(given)
        if not len(batch):
            continue
        y, p = to_matrix(batch.arrays["y_true"]), to_matrix(batch.arrays["y_pred"])
        check_same_shape(batch, y, p)
        true.update(y, batch.weight)
        pred.update(p, batch.weight)
        if y.shape == p.shape:
            zero_probability_rows += int(reduce_rows(np.any, (y > 0) & (p == 0)).sum())
            one_probability_rows += int(reduce_rows(np.any, (y < 1) & (p == 1)).sum())
        else:
            zero_probability_rows += count_zero_probabilities(y[:, 0], p)
        n += len(batch)
        weight += float(len(batch) if batch.weight is None else batch.weight.sum())
        sampler.add(batch)
    if not n:
        raise NoResultError("no row is left: all were omitted or have weight 0")
    sample, extreme_rows = sampler.rows()
    found = Profile(
        n=n,
        weight=weight,
        weighted=sample.weight is not None,
        true=true,
        pred=pred,
        zero_probability_rows=zero_probability_rows,
        one_probability_rows=one_probability_rows,
        sample=sample,
        extreme_rows=extreme_rows,
        sampled=sampler.is_subsampled,
        n_class_names=len(dataset.classes.names),
        logits=logits,
    )
    check_profile(found)
    return found


def select_present(batch: Batch) -> Batch:
    """Return the rows of weight above 0, one column as (n,); none may lack a value."""
    if batch.missing is not None and batch.missing.any():
        row = int(batch.rows[batch.missing][0])
        raise NoResultError(f"row {row} lacks a value, so every loss is NaN", Hint.OMIT_MISSING)
    kept = batch if batch.absent is None else batch.take(~batch.absent)
    for name, array in kept.arrays.items():
        if array.ndim == 2 and array.shape[1] == 1:
            kept.arrays[name] = array[:, 0]
    return kept


def check_same_shape(batch: Batch, y: Array, p: Array) -> None:
    """Raise a DataError if y_true and y_pred cannot belong together."""
    if y.shape != p.shape and y.shape[1] > 1:
        first, second = batch.shape_text("y_true"), batch.shape_text("y_pred")
        raise DataError(f"{source_prefix(batch)}shapes differ: y_true is {first}, y_pred is {second}")


def source_prefix(batch: Batch) -> str:
    """Return the file name for a message."""
    source = batch.origins["y_pred"].source
    return f"{source}: " if source else ""


def count_zero_probabilities(labels: Array, p: Array) -> int:
    """Return the number of rows whose label has the probability 0."""
    known = (labels >= 0) & (labels < p.shape[1]) & (labels == np.floor(labels))
    return int((p[known, labels[known].astype(np.int64)] == 0).sum())


def check_profile(d: Profile) -> None:
    """Raise a DataError if no loss fits the data."""
    true = d.true
    if d.classes and not (true.whole and true.within(0, d.width - 1)):
        start = "; labels start at 0: subtract 1" if true.whole and true.within(1, d.width) else ""
        raise DataError(
            f"{source_prefix(d.sample)}y_pred has {d.width} numbers a row, so y_true must hold class labels "
            f"0..{d.width - 1}, but goes from {true.range}{'' if true.whole else ' with fractions'}{start}"
        )
    if d.n_class_names > 2 and d.width == 1:
        raise DataError(
            f"{source_prefix(d.sample)}there are {d.n_class_names} classes, but y_pred is one number per row: one per "
            "class is needed",
            Hint.PER_CLASS_COLUMNS,
            role="y_pred",
        )
    for role, values in (("y_true", d.true), ("y_pred", d.pred)):
        if d.task is Task.REGRESSION and not (math.isfinite(values.low) and math.isfinite(values.high)):
            raise infinite_error(d, role)
    with np.errstate(over="ignore"):
        apart = d.pred.high - d.true.low, d.true.high - d.pred.low
    if d.task is Task.REGRESSION and not all(map(math.isfinite, apart)):
        raise DataError(
            f"{source_prefix(d.sample)}y_pred - y_true overflows: y_true is {d.true.range}, y_pred {d.pred.range}"
        )


def infinite_error(d: Profile, role: str) -> DataError:
    """Return the error for the first infinite value of a role."""
    infinite = ~np.isfinite(to_matrix(d.extreme_rows.arrays[role])).all(axis=1)
    row = d.extreme_rows.take(np.arange(len(d.extreme_rows)) == int(np.argmax(infinite)))
    values = row.arrays[role]
    return row.origins[role].error(
        ~np.isfinite(values), values, "is not a finite number: which losses suit cannot be told"
    )
