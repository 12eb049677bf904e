"""What pictures of calibration observe of a run: sums by the predictions and by the targets of each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.dataset import Dataset
from losscli.declaration.domains import Array
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import counted_rows
from losscli.statistics.calibration import (
    CALIBRATION_COLUMNS,
    CalibrationTable,
    calibration_table,
    sorted_table,
    summed_columns,
)
from losscli.statistics.consistency import ConsistentLoss, check_shapes, consistent_loss
from losscli.statistics.elementary import ElementaryMeans, ElementaryQuantiles, SumsAbove
from losscli.statistics.keyed_sums import MAX_ROWS_KEPT, KeyedSums, SumsByKey
from losscli.statistics.quantiles import BITS_DROPPED

MIN_BUCKETS = 50
"""Buckets that pooled predictions must spread over, unless they are equal or far apart."""


class ShownLosses(NamedTuple):
    """The losses that a picture of calibration shows, which are consistent for one functional.

    Attributes:
        losses: The losses.
        places: Their indices among those of the run.
        remarks: Why others are not shown.
    """

    losses: tuple[ConsistentLoss, ...]
    places: tuple[int, ...]
    remarks: tuple[str, ...]

    @property
    def first(self) -> ConsistentLoss:
        return self.losses[0]


def losses_to_show(evaluators: Sequence[Evaluator], dataset: Dataset) -> ShownLosses:
    """Return the losses that are consistent for the functional of the first that is consistent for one.

    Raises:
        UsageError: None is.
    """
    found: list[tuple[int, ConsistentLoss]] = []
    remarks: list[str] = []
    problem: UsageError | None = None
    for i, evaluator in enumerate(evaluators):
        try:
            loss = consistent_loss(evaluator.bound, evaluator.form)
            check_shapes(loss, dataset.bound["y_pred"].shape)
        except UsageError as error:
            problem = problem or error
            remarks.append(f"not shown: {error.message.problem.partition(';')[0]}")
            continue
        first = found[0][1] if found else loss
        if (loss.functional, loss.scale) == (first.functional, first.scale):
            found.append((i, loss))
        else:
            aims = f"aims at the {loss.name}, {first.label} at the {first.name}"
            remarks.append(f"not shown: {loss.label} {aims}")
    if not found:
        assert problem is not None
        raise problem
    return ShownLosses(tuple(loss for _, loss in found), tuple(i for i, _ in found), tuple(remarks))


class PredictedRows(NamedTuple):
    """The rows of a batch that count for all losses shown, as one model predicts them.

    Attributes:
        targets: The targets (n,).
        keys: The keys of the predictions (n,).
        weight: The weights (n,); None if all are 1.
        losses: The values of each loss, each (n,).
    """

    targets: Array
    keys: Array
    weight: Array | None
    losses: tuple[Array, ...]


class ModelRows:
    """Turns batches into the rows of each model that count."""

    def __init__(self, shown: ShownLosses, evaluators: Sequence[Evaluator], models: Sequence[str]) -> None:
        self.shown, self.models = shown, tuple(models)
        self.evaluators = tuple(evaluators[i] for i in shown.places)

    def __len__(self) -> int:
        return max(1, len(self.models))

    def check_pooled(self, pooled: Sequence[PooledPredictions], tables: Sequence[SumsByKey]) -> None:
        """Raise a DataError if the predictions of a model differ by too little to be pooled."""
        for name, predictions, table in zip(self.models or ("y_pred",), pooled, tables, strict=True):
            predictions.check(table, name)

    def of(self, batch: Batch, outcomes: Sequence[Outcome], needs_losses: bool) -> Iterator[PredictedRows]:
        """Yield the rows of each model, from the outcomes of all losses of the run."""
        return self.predicted(batch, [outcomes[i] for i in self.shown.places], needs_losses)

    def predicted(self, batch: Batch, own: Sequence[Outcome], needs_losses: bool) -> Iterator[PredictedRows]:
        """Yield the rows of each model, from the outcomes of the losses shown; those that one lacks count for none."""
        kept = _rows_that_count(batch, own)
        for i, model in enumerate(self.models or ("",)):
            predicted = batch.predicted_by(model) if i else batch
            targets, y_pred = predicted.arrays["y_true"], predicted.arrays["y_pred"]
            weight = batch.weight
            if kept is not None:
                targets, y_pred = targets[kept], y_pred[kept]
                weight = None if weight is None else weight[kept]
            losses: list[Array] = []
            if i:  # its predictions must be valid, too
                rows = predicted if kept is None else predicted.take(kept)
                losses = [evaluator(rows).elements for evaluator in self.evaluators] if len(rows) else []
            elif needs_losses:
                losses = [outcome.elements if kept is None else outcome.elements[kept] for outcome in own]
            first = self.shown.first
            yield _flatten(first.targets(targets), first.keys(y_pred), weight, losses if needs_losses else [])


def _rows_that_count(batch: Batch, outcomes: Sequence[Outcome]) -> NDArray[np.bool_] | None:
    """Return the rows that count for all losses and lack nothing; None if all do."""
    kept = None if batch.missing is None else ~batch.missing
    for outcome in outcomes:
        counted = counted_rows(batch, outcome, kept)
        is_known = ~np.isnan(outcome.per_sample)
        kept = counted if is_known.all() else is_known if counted is None else counted & is_known
    return kept


def _flatten(targets: Array, keys: Array, weight: Array | None, losses: Sequence[Array]) -> PredictedRows:
    """Return rows of several outputs as a row for each, with its share of the weight."""
    if targets.ndim > 1:
        width = int(np.prod(targets.shape[1:]))
        weights = np.ones(len(targets)) if weight is None else weight
        weight = np.repeat(weights / max(1, width), width)
    return PredictedRows(targets.ravel(), keys.ravel(), weight, tuple(loss.ravel() for loss in losses))


class PooledPredictions:
    """The range of the predictions of a model, by which is told whether sums in buckets show them well enough."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf

    def update(self, keys: Array) -> None:
        if keys.size:
            self.low, self.high = min(self.low, float(keys.min())), max(self.high, float(keys.max()))

    def merge(self, other: PooledPredictions) -> None:
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def check(self, table: SumsByKey, name: str) -> None:
        """Raise a DataError if the predictions differ, but lie in so few buckets that little is left of them."""
        if table.is_exact or table.key.size >= MIN_BUCKETS or self.low == self.high or self.low * self.high < 0:
            return
        ends = np.abs(np.array([self.low, self.high]))
        first, last = ends.view(np.int64) >> BITS_DROPPED
        if abs(int(last - first)) < MIN_BUCKETS:
            problem = f"{name}: the predictions of more than {MAX_ROWS_KEPT} rows are pooled where they differ by less"
            left = f"than 0.1 %, which leaves {table.key.size} of them"
            raise DataError(f"{problem} {left}: subtract a constant from predictions and targets")


class CalibrationSums:
    """The targets and the losses of each model by its predictions."""

    def __init__(self, rows: ModelRows) -> None:
        self.rows = rows
        self.by_model = [KeyedSums(CALIBRATION_COLUMNS + len(rows.shown.losses)) for _ in range(len(rows))]
        self.pooled = [PooledPredictions() for _ in range(len(rows))]
        self.has_soft_targets = False

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        first = self.rows.shown.first
        counted = self.rows.of(batch, outcomes, needs_losses=True)
        for sums, pooled, rows in zip(self.by_model, self.pooled, counted, strict=True):
            pooled.update(rows.keys)
            sums.update(
                rows.keys, (*summed_columns(first, rows.targets, rows.keys, rows.weight), *rows.losses), rows.weight
            )
            if first.is_probability and not self.has_soft_targets:
                self.has_soft_targets = bool(((rows.targets != 0) & (rows.targets != 1)).any())

    def merge(self, other: Self) -> None:
        for mine, theirs in zip(self.by_model, other.by_model, strict=True):
            mine.merge(theirs)
        for pooled, more in zip(self.pooled, other.pooled, strict=True):
            pooled.merge(more)
        self.has_soft_targets |= other.has_soft_targets

    def fresh_copy(self) -> CalibrationSums:
        return CalibrationSums(self.rows)

    def tables(self) -> list[CalibrationTable]:
        """Return the table of each model.

        Raises:
            DataError: Predictions differ by too little to be pooled.
        """
        first = self.rows.shown.first
        tables = [sums.table() for sums in self.by_model]
        self.rows.check_pooled(self.pooled, tables)
        return [
            calibration_table(first, t.key, t.n_rows, t.weight, t.sums, t.is_exact, self.has_soft_targets)
            for t in tables
        ]


def tables_of_sample(rows: ModelRows, sample: RowSample, has_weights: bool) -> list[CalibrationTable]:
    """Return the table of each model, of rows that were sampled: sums do not tell quantiles.

    Where rows have no weights of their own, those of a sample are how many rows each stands for.
    """
    outcomes = [evaluator(sample.batch) for evaluator in rows.evaluators]
    tables = []
    for predicted in rows.predicted(sample.batch, outcomes, needs_losses=True):
        weight = np.ones(predicted.keys.size) if predicted.weight is None else predicted.weight
        columns = predicted.targets, predicted.keys, weight, predicted.losses
        tables.append(sorted_table(rows.shown.first, *columns, None if has_weights else weight))
    return tables


class ElementarySums:
    """Sums by the target and by the predictions of each model, of which elementary scores are made."""

    def __init__(self, rows: ModelRows) -> None:
        self.rows = rows
        self.is_mean = rows.shown.first.functional.name == "mean"
        self.pooled = [PooledPredictions() for _ in range(len(rows))]
        self.by_target = KeyedSums(0)
        self.by_prediction = [KeyedSums(1 if self.is_mean else 0) for _ in range(len(rows))]
        self.by_larger = [KeyedSums(0) for _ in range(0 if self.is_mean else len(rows))]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        first = self.rows.shown.first
        for i, rows in enumerate(self.rows.of(batch, outcomes, needs_losses=False)):
            if i == 0:
                self.by_target.update(first.keys_of_values(rows.targets), (), rows.weight)
            self.pooled[i].update(rows.keys)
            self.by_prediction[i].update(rows.keys, (rows.targets,) if self.is_mean else (), rows.weight)
            if not self.is_mean:
                self.by_larger[i].update(np.maximum(rows.keys, rows.targets), (), rows.weight)

    def merge(self, other: Self) -> None:
        self.by_target.merge(other.by_target)
        for pooled, more in zip(self.pooled, other.pooled, strict=True):
            pooled.merge(more)
        for mine, theirs in zip(self.by_prediction, other.by_prediction, strict=True):
            mine.merge(theirs)
        for mine, theirs in zip(self.by_larger, other.by_larger, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> ElementarySums:
        return ElementarySums(self.rows)

    def scores(self) -> list[ElementaryMeans | ElementaryQuantiles]:
        """Return what gives the elementary scores of each model.

        Raises:
            DataError: Predictions differ by too little to be pooled.
        """
        first = self.rows.shown.first
        predictions = [sums.table() for sums in self.by_prediction]
        self.rows.check_pooled(self.pooled, predictions)

        def above(table: SumsByKey) -> SumsAbove:
            return SumsAbove.of(table, first.is_probability)

        by_target = above(self.by_target.table())
        if self.is_mean:
            return [ElementaryMeans(by_target, above(table)) for table in predictions]
        pairs = zip(predictions, self.by_larger, strict=True)
        level = first.functional.level
        return [ElementaryQuantiles(by_target, above(x), above(m.table()), level) for x, m in pairs]
