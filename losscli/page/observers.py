"""What the page observes while losses are evaluated, beside what its pictures do: mergeable, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.errors import LosscliError
from losscli.evaluation.evaluator import Outcome
from losscli.evaluation.run import RunState, counted_rows
from losscli.statistics.moments import Moments, Sum

Columns = dict[str, NDArray[Any]]
"""Columns of rows by name: `row`, `role:NAME`, `extra:NAME`, `loss:INDEX` ..."""


def counted_losses(batch: Batch, outcome: Outcome) -> tuple[Array, Array | None, Array | None, NDArray[np.intp] | None]:
    """Return the per-sample losses of the rows that count, their weights, denominators, and indices (None: all)."""
    losses, weight, denominator = outcome.per_sample, batch.weight, outcome.denominator
    if len(losses) != len(batch):  # one distribution: rows are not samples
        return losses, None, None, None
    counted = counted_rows(batch, outcome)
    if counted is None or counted.all():
        return losses, weight, denominator, None
    indices = np.flatnonzero(counted)
    return (
        losses[indices],
        None if weight is None else weight[indices],
        None if denominator is None else denominator[indices],
        indices,
    )


class WorstRows:
    """The rows with the largest contributions to each loss: its value of a row, times the weight of the row.

    A loss that is NaN counts as infinite: what is not known may be the worst. Of equal rows the first come first.
    """

    def __init__(self, n_losses: int, top: int) -> None:
        self.n_losses, self.top = n_losses, top
        self._contributions = [np.empty(0) for _ in range(n_losses)]
        self._columns: list[Columns] = [{} for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for i, outcome in enumerate(outcomes):
            if len(outcome.per_sample) != len(batch):
                continue
            losses, weight, _, indices = counted_losses(batch, outcome)
            contributions = losses if weight is None else losses * weight
            if np.isnan(contributions.sum()):  # one pass without a temporary
                contributions = np.where(np.isnan(contributions), np.inf, contributions)
            known = self._contributions[i]
            if len(known) == self.top:
                found = np.flatnonzero(contributions > known[-1])
            elif len(contributions) > self.top:
                limit = np.partition(contributions, -self.top)[-self.top]
                found = np.flatnonzero(contributions >= limit)
            else:
                found = np.arange(len(contributions))
            if found.size:
                # of equal rows the first count: no more than `top` of them
                found = np.sort(found[np.argsort(-contributions[found], kind="stable")[: self.top]])
                rows = found if indices is None else indices[found]
                self._insert(i, contributions[found], columns_of(batch, outcomes, rows))

    def _insert(self, i: int, contributions: Array, columns: Columns) -> None:
        """Add rows that come after those known; keep the largest, of equal ones the first."""
        joined = np.concatenate([self._contributions[i], contributions])
        kept = np.argsort(-joined, kind="stable")[: self.top]
        self._contributions[i] = joined[kept]
        mine = self._columns[i]
        names = mine.keys() & columns.keys() if mine else columns.keys()
        self._columns[i] = {
            name: (np.concatenate([mine[name], columns[name]]) if mine else columns[name])[kept]
            for name in columns
            if name in names
        }

    def merge(self, other: WorstRows) -> None:
        for i, contributions in enumerate(other._contributions):
            if contributions.size:
                self._insert(i, contributions, other._columns[i])

    def fresh_copy(self) -> WorstRows:
        return WorstRows(self.n_losses, self.top)

    def renumber(self, rows_before: int) -> None:
        for columns in self._columns:
            if columns:
                columns["row"] = columns["row"] + rows_before

    def of_loss(self, i: int) -> tuple[Array, Columns]:
        """Return the contributions (k,) of the worst rows to a loss, the largest first, and their columns."""
        return self._contributions[i], self._columns[i]


def columns_of(batch: Batch, outcomes: Sequence[Outcome], rows: NDArray[np.intp]) -> Columns:
    """Return what is shown of some rows; of scores per class, the best class and the score of the true one."""
    columns: Columns = {"row": batch.rows[rows]}
    columns |= {f"extra:{name}": column[rows] for name, column in batch.extras.items()}
    for name, array in batch.arrays.items():
        if name in batch.tables or "@" in name:
            continue
        values = array[rows]
        if values.ndim == 1 or values[0].size == 1:
            columns[f"role:{name}"] = values.reshape(-1)
    y_true, y_pred = columns.get("role:y_true"), batch.arrays.get("y_pred")
    if y_true is not None and y_pred is not None and y_pred.ndim == 2 and y_pred.shape[1] > 1:
        scores = y_pred[rows]
        columns["best_class"] = scores.argmax(axis=1).astype(np.float64)
        if y_true.dtype.kind in "fiu" and ((y_true >= 0) & (y_true < scores.shape[1]) & (y_true % 1 == 0)).all():
            columns["true_score"] = scores[np.arange(len(rows)), y_true.astype(np.int64)]
    if batch.weight is not None:
        columns["weight"] = batch.weight[rows]
    for i, outcome in enumerate(outcomes):
        if len(outcome.per_sample) == len(batch):
            columns[f"loss:{i}"] = outcome.per_sample[rows]
    return columns


class LossMoments:
    """Moments of each loss, and the sums that a normal interval of a weighted mean needs."""

    def __init__(self, n_losses: int) -> None:
        self.moments = [Moments() for _ in range(n_losses)]
        self.squares = [[Sum(), Sum(), Sum()] for _ in range(n_losses)]
        self.divisors = [Sum() for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for i, outcome in enumerate(outcomes):
            losses, weight, denominator, _ = counted_losses(batch, outcome)
            if not losses.size:
                continue
            self.moments[i].update(losses, weight)
            numerators = losses if weight is None else losses * weight
            if weight is None and denominator is None:
                self.squares[i][0].add(float(numerators @ numerators))
                continue
            divisors = np.ones(len(losses)) if denominator is None else denominator
            divisors = divisors if weight is None else divisors * weight
            self.divisors[i].add(float(divisors.sum()))
            for total, (a, b) in zip(
                self.squares[i], ((numerators, numerators), (numerators, divisors), (divisors, divisors)), strict=True
            ):
                total.add(float(a @ b))

    def merge(self, other: LossMoments) -> None:
        for i, moments in enumerate(other.moments):
            self.moments[i].merge(moments)
            self.divisors[i].merge(other.divisors[i])
            for mine, theirs in zip(self.squares[i], other.squares[i], strict=True):
                mine.merge(theirs)

    def fresh_copy(self) -> LossMoments:
        return LossMoments(len(self.moments))

    def standard_error(self, i: int) -> float:
        """Return the standard error of the mean of a loss, by the delta method for a ratio of sums."""
        moments = self.moments[i]
        divisor = self.divisors[i].value
        if not divisor:
            return moments.std / np.sqrt(moments.n) if moments.n else float("nan")
        aa, ab, bb = (total.value for total in self.squares[i])
        mean = moments.sum.value / divisor
        return float(np.sqrt(max(0.0, aa - 2 * mean * ab + mean * mean * bb)) / divisor)

    def effective_n(self, i: int) -> float | None:
        """Return Kish's effective number of rows of the shares; None where rows have no shares."""
        moments, squares = self.moments[i], self.squares[i][0].value
        total = moments.sum.value
        if not moments.n or not moments.low >= 0 or not 0 < total < np.inf or not 0 < squares < np.inf:
            return None
        return total * (total / squares)


class ModelRuns:
    """The losses on the predictions of each model but the first, which the run itself evaluates."""

    def __init__(self, runs: dict[str, RunState]) -> None:
        self.runs = runs

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for model, run in self.runs.items():
            for _ in run.evaluate(iter((batch.predicted_by(model),)), may_be_empty=True):
                pass

    def merge(self, other: ModelRuns) -> None:
        for model, run in self.runs.items():
            run.merge(other.runs[model])

    def fresh_copy(self) -> ModelRuns:
        return ModelRuns({model: run.fresh_copy() for model, run in self.runs.items()})

    def renumber(self, rows_before: int) -> None:
        for run in self.runs.values():
            run.renumber(rows_before)


class Shown:
    """An observer that sees the losses that are drawn, and gives up where the data does not fit its picture."""

    def __init__(self, observer: Any, n_losses: int) -> None:
        self.observer, self.n_losses = observer, n_losses
        self.has_failed = False

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if not self.has_failed:
            try:
                self.observer.update(batch, outcomes[: self.n_losses])
            except LosscliError:
                self.has_failed = True

    def merge(self, other: Shown) -> None:
        self.has_failed |= other.has_failed
        if not self.has_failed:
            self.observer.merge(other.observer)

    def fresh_copy(self) -> Shown:
        return Shown(self.observer.fresh_copy(), self.n_losses)
