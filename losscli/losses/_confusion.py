"""Weights of pairs of labels, counted part by part: a confusion matrix of the pairs that occur."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import FIRST_NAME, Array
from losscli.errors import DataError
from losscli.losses._sums import SumsByIndex, scale_weights, sums_by

MAX_CELLS = 1 << 16
"""Cells of a table that is counted as a whole: more do not stay in cache, and are counted by those that occur."""

MAX_RANGE = 1 << 31
"""How far labels may be apart for a pair of them to be one integer."""

MIN_PENDING = 1 << 17
"""Pairs of other rows, at least, that wait until they are added at once."""


class LabelPairs:
    """The pairs of labels that occur, in ascending order, and the weight of each.

    Attributes:
        true: The labels of the rows (m,).
        predicted: The labels predicted for them (m,).
        weight: The weights of the pairs (m,).
    """

    def __init__(self, true: Array, predicted: Array, weight: SumsByIndex) -> None:
        self.true, self.predicted, self.weight = true, predicted, weight
        self._pending: list[LabelPairs] = []
        self._n_pending = 0

    @classmethod
    def count(cls, true: Array, predicted: Array, weight: Array | None = None) -> LabelPairs:
        """Count the pairs of some rows (N,), by their weights if they have any."""
        if not len(true):
            return cls(np.zeros(0), np.zeros(0), SumsByIndex(np.zeros(0), np.zeros(0)))
        low, k = range_of(true, predicted)
        if k * k <= MAX_CELLS:
            cells: NDArray[np.intp] = ((true - low) * k + (predicted - low)).astype(np.intp)
            counted = SumsByIndex.of(cells, weight, k * k)
            at = np.flatnonzero(counted.value)
            rows, columns = np.divmod(at.astype(np.float64), k)
            return cls(low + rows, low + columns, counted.take(at))
        keys = keys_of(true, predicted)
        if weight is None:
            _, first, counts = np.unique(keys, return_index=True, return_counts=True)
            return cls(true[first], predicted[first], SumsByIndex(counts.astype(np.float64), np.zeros(len(counts))))
        _, first, places = np.unique(keys, return_index=True, return_inverse=True)
        counted = SumsByIndex.of(places, weight, len(first))
        found = np.flatnonzero(counted.value)
        return cls(true[first[found]], predicted[first[found]], counted.take(found))

    def merge(self, other: LabelPairs) -> None:
        """Add the pairs of other rows; where there are many, some time later."""
        parts = [other, *other._pending]
        if np.array_equal(self.true, other.true) and np.array_equal(self.predicted, other.predicted):
            self.weight.merge(other.weight)
            parts = other._pending
        self._pending += [part for part in parts if len(part.true)]
        self._n_pending += sum(len(part.true) for part in parts)
        if self._n_pending > max(MIN_PENDING, 2 * len(self.true)):
            self._add_pending()

    def _add_pending(self) -> None:
        """Add the pairs that wait."""
        if not self._pending:
            return
        parts = [self, *self._pending]
        true, predicted = (np.concatenate([getattr(part, n) for part in parts]) for n in ("true", "predicted"))
        keys = keys_of(true, predicted)
        order = np.argsort(keys, kind="stable")  # the parts are in order
        is_first = np.ones(len(keys), dtype=bool)
        is_first[1:] = np.diff(keys[order]) > 0
        places = np.empty(len(keys), dtype=np.intp)
        places[order] = np.cumsum(is_first) - 1
        first = order[is_first]
        weight = SumsByIndex.of(places, np.concatenate([part.weight.total for part in parts]), len(first))
        weight.carry += sums_by(places, np.concatenate([part.weight.carry for part in parts]), len(first))
        self.true, self.predicted, self.weight = true[first], predicted[first], weight
        self._pending, self._n_pending = [], 0

    def confusion(self) -> Confusion:
        """Return the sums that scores are made of.

        Raises:
            DataError: One role holds names alone, and the other integers alone.
        """
        self._add_pending()
        sides = [labels >= FIRST_NAME for labels in (self.true, self.predicted)]
        if any(a.all() and not b.any() for a, b in (sides, sides[::-1])):
            named, numbered = ("y_true", "y_pred") if sides[0].any() else ("y_pred", "y_true")
            raise DataError(f"{named} holds names of classes and {numbered} integers: give both in one way")
        return Confusion(self)


class Confusion:
    """The sums of a confusion matrix over the classes (K,) that occur, made of its cells, so that nothing cancels.

    All weights are multiples of one power of two, so that no product of two of them is too large or too small.

    Attributes:
        classes: The labels that occur in either role, ascending.
        weight: The weights of the cells (m,); `rows` and `columns` (m,) are their classes.
        right: The weight of each class that is predicted right (K,).
        missed: The weight of each class that is predicted as another (K,).
        taken: The weight that is predicted as each class, and is of another (K,).
        wrong: The weight of all wrong predictions.
        total: The weight of all rows.
    """

    def __init__(self, pairs: LabelPairs) -> None:
        self.weight = scale_weights(pairs.weight.value)
        self.classes, places = np.unique(np.concatenate([pairs.true, pairs.predicted]), return_inverse=True)
        self.rows, self.columns = np.split(places, 2)
        k, is_wrong = len(self.classes), self.rows != self.columns
        wrong = np.where(is_wrong, self.weight, 0.0)
        self.right = sums_by(self.rows, np.where(is_wrong, 0.0, self.weight), k)
        self.missed, self.taken = sums_by(self.rows, wrong, k), sums_by(self.columns, wrong, k)
        self.wrong, self.total = math.fsum(wrong), math.fsum(self.weight)

    @cached_property
    def true(self) -> Array:
        """The weight of each class in y_true (K,)."""
        return self.right + self.missed

    @cached_property
    def predicted(self) -> Array:
        """The weight of each class in y_pred (K,)."""
        return self.right + self.taken


def range_of(true: Array, predicted: Array) -> tuple[float, int]:
    """Return the least label, and how many integers there are from it to the largest."""
    low = min(float(true.min()), float(predicted.min()))
    return low, int(max(float(true.max()), float(predicted.max())) - low) + 1


def keys_of(true: Array, predicted: Array) -> NDArray[np.int64]:
    """Return an integer for each pair of labels, in the order of the pairs."""
    low, k = range_of(true, predicted)
    if k < MAX_RANGE:
        return (true - low).astype(np.int64) * k + (predicted - low).astype(np.int64)
    labels, places = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    rows, columns = np.split(places.astype(np.int64), 2)
    return rows * len(labels) + columns


def sum_of_others(values: Array) -> Array:
    """Return the sum of all values but each one (K,), without subtraction."""
    before = np.concatenate([[0.0], np.cumsum(values[:-1])])
    after = np.concatenate([np.cumsum(values[:0:-1])[::-1], [0.0]])
    return np.asarray(before + after)
