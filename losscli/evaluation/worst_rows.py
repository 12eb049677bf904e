"""The rows with the largest loss, observed while losses are evaluated: mergeable, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.coded_text import CodedText
from losscli.data.model_roles import is_of_model
from losscli.declaration.domains import Array
from losscli.declaration.row_lists import QUERY, RowLists
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import counted_rows
from losscli.statistics.moments import Sum

ROWS_PER_GUESS = 64
"""One row of so many is looked at first, to guess what is large: sorting all would take longer than the losses."""


class WorstRowsOfLoss:
    """The rows with the largest share of one loss, the largest first: what they add to the weighted sum of the losses.

    A loss that is NaN or infinite is the largest; of equal ones the earlier row comes first.

    Attributes:
        rows: Their numbers, from 1 (k,).
        losses: Their losses (k,).
        added: What each adds to the sum: its loss by its weight (k,).
        weight: Their weights (k,), None if rows have none.
        roles: Role -> values of those with a number per row (k,); labels are the codes of their classes.
        extras: Column -> text of the further columns that were read (k,): the key, the groups.
        scores: Of predictions that are a score per class, `best` (the class with the highest) and, where targets are
            classes, `true` (the score of the true class) (k,).
        total: The sum over all rows that count.
        low: The smallest that any of them adds.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.losses: Array = np.empty(0)
        self.added: Array = np.empty(0)
        self.weight: Array | None = None
        self.roles: Mapping[str, NDArray[Any]] = {}
        self.extras: Mapping[str, NDArray[Any] | CodedText] = {}
        self.scores: Mapping[str, Array] = {}
        self.low = np.inf
        self._total = Sum()

    @property
    def total(self) -> float:
        return self._total.value

    @property
    def shares(self) -> Array | None:
        """The share of the sum that each row carries (k,); None where one is negative or not finite, or all are 0."""
        return self.added / self.total if self.low >= 0 and 0 < self.total < np.inf else None

    def update(self, batch: Batch, outcome: Outcome) -> None:
        """Add a batch; of a loss that reads all rows as one distribution no row is kept."""
        if len(outcome.per_sample) != len(batch):
            return
        added = outcome.per_sample if batch.weight is None else outcome.per_sample * batch.weight
        counted = counted_rows(batch, outcome)
        places = None if counted is None or counted.all() else np.flatnonzero(counted)
        key = added if places is None else added[places]
        if not key.size:
            return
        total = float(key.sum())
        self._total.add(total)
        self.low = min(self.low, float(key.min()))
        key = key if total == total else without_nan(key)
        if len(self.rows) == self._count:
            larger = np.flatnonzero(key > without_nan(self.added[-1:])[0])
            places, key = larger if places is None else places[larger], key[larger]
        found = largest(key, self._count)
        if not found.size:
            return
        found = found if places is None else places[found]
        later = WorstRowsOfLoss(self._count)
        later.rows, later.losses, later.added = batch.rows[found], outcome.per_sample[found], added[found]
        later.weight = None if batch.weight is None else batch.weight[found]
        later.roles = {
            role: array.reshape(-1)[found]
            for role, array in batch.arrays.items()
            if role not in batch.tables and not is_of_model(role) and array.size == len(batch)
            if not isinstance(array, RowLists)
        }
        extras = batch.extras if batch.query is None else {QUERY: batch.query, **batch.extras}
        later.extras = {name: column[found] for name, column in extras.items()}
        later.scores = highest_and_true_scores(batch, found)
        self._add_rows(later)

    def merge(self, other: WorstRowsOfLoss) -> None:
        """Add the rows of later batches."""
        self._total.merge(other._total)
        self.low = min(self.low, other.low)
        self._add_rows(other)

    def _add_rows(self, later: WorstRowsOfLoss) -> None:
        first = self if self.rows.size else later  # before any row nothing says which columns there are
        both = (self, later) if self.rows.size and later.rows.size else (first,)
        kept = largest(without_nan(np.concatenate([one.added for one in both])), self._count)
        weights = [one.weight for one in both if one.weight is not None]
        self.weight = np.concatenate(weights)[kept] if weights else None
        self.roles = {role: np.concatenate([one.roles[role] for one in both])[kept] for role in first.roles}
        self.extras = {name: np.concatenate([one.extras[name] for one in both])[kept] for name in first.extras}
        names = set.intersection(*(set(one.scores) for one in both))
        self.scores = {name: np.concatenate([one.scores[name] for one in both])[kept] for name in sorted(names)}
        self.rows = np.concatenate([one.rows for one in both])[kept]
        self.losses = np.concatenate([one.losses for one in both])[kept]
        self.added = np.concatenate([one.added for one in both])[kept]


class WorstRows:
    """An observer of a run: the `count` rows with the largest share of each loss."""

    def __init__(self, n_losses: int, count: int) -> None:
        self.count = count
        self.by_loss = [WorstRowsOfLoss(count) for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for worst, outcome in zip(self.by_loss, outcomes, strict=True):
            worst.update(batch, outcome)

    def merge(self, other: WorstRows) -> None:
        for mine, theirs in zip(self.by_loss, other.by_loss, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> WorstRows:
        return WorstRows(len(self.by_loss), self.count)

    def renumber(self, rows_before: int) -> None:
        """Count the rows from the start of the data, of which so many come before those seen."""
        for worst in self.by_loss:
            worst.rows = worst.rows + rows_before


def highest_and_true_scores(batch: Batch, rows: NDArray[np.intp]) -> dict[str, Array]:
    """Return the class with the highest score of some rows, and the score of the true one; empty without scores."""
    y_true, y_pred = batch.arrays.get("y_true"), batch.arrays.get("y_pred")
    if (
        y_pred is None
        or isinstance(y_pred, RowLists)
        or y_pred.ndim != 2
        or y_pred.shape[1] < 2
        or "y_pred" in batch.tables
    ):
        return {}
    scores = np.asarray(y_pred[rows], dtype=np.float64)
    found = {"best": np.asarray(scores.argmax(axis=1), dtype=np.float64)}
    if y_true is None or y_true.size != len(batch) or y_true.dtype.kind not in "fiu":
        return {}  # several targets: these are no classes
    classes = y_true.reshape(-1)[rows]
    if ((classes >= 0) & (classes < scores.shape[1]) & (classes % 1 == 0)).all():
        found["true"] = scores[np.arange(len(rows)), classes.astype(np.int64)]
    return found


def without_nan(values: Array) -> Array:
    """Return values with NaN as infinity: what is not known may be the worst."""
    return np.where(np.isnan(values), np.inf, values)


def largest(key: Array, count: int) -> NDArray[np.intp]:
    """Return the indices of the `count` largest values (n,), none of them NaN, the largest first, of equals the first.

    There are fewer if there are not so many values.
    """
    places: NDArray[np.intp] | None = None
    if len(key) > ROWS_PER_GUESS * count:
        guess = np.partition(key[:: ROWS_PER_GUESS // 2], -count)[-count]
        places = np.flatnonzero(key >= guess)
        key = key[places]
    if len(key) > count:
        limit = np.partition(key, -count)[-count]
        above = np.flatnonzero(key > limit)
        equal = np.flatnonzero(key == limit)[: count - len(above)]
        kept = np.sort(np.concatenate([above, equal]))
    else:
        kept = np.arange(len(key))
    kept = kept[np.argsort(-key[kept], kind="stable")]
    return kept if places is None else places[kept]
