"""Weights of pairs of labels, counted part by part: a confusion matrix of the pairs that occur."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import FIRST_NAME, Array
from losscli.errors import DataError
from losscli.losses._sums import SumsByIndex, sums_by

MAX_CELLS = 1 << 16
"""Cells of a table that is counted as a whole: more do not stay in cache, and are counted by those that occur."""


class LabelPairs:
    """The pairs of labels that occur, in ascending order, and the weight of each.

    Attributes:
        true: The labels of the rows (m,).
        predicted: The labels predicted for them (m,).
        weight: The weights of the pairs (m,).
    """

    def __init__(self, true: Array, predicted: Array, weight: SumsByIndex) -> None:
        self.true, self.predicted, self.weight = true, predicted, weight

    @classmethod
    def count(cls, true: Array, predicted: Array, weight: Array | None = None) -> LabelPairs:
        """Count the pairs of some rows (N,), by their weights if they have any."""
        if not len(true):
            return cls(np.zeros(0), np.zeros(0), SumsByIndex(np.zeros(0), np.zeros(0)))
        low = min(float(true.min()), float(predicted.min()))
        high = max(float(true.max()), float(predicted.max()))
        if (high - low + 1) ** 2 <= MAX_CELLS:
            labels = np.arange(low, high + 1)
            rows, columns = true - low, predicted - low
        else:
            labels, places = np.unique(np.concatenate([true, predicted]), return_inverse=True)
            rows, columns = np.split(places.astype(np.float64), 2)
        k = len(labels)
        cells: NDArray[np.intp] = (rows * k + columns).astype(np.intp)
        if k * k <= MAX_CELLS:
            occurring = np.arange(k * k)
        else:
            occurring, cells = np.unique(cells, return_inverse=True)
        counted = SumsByIndex.of(cells, weight, len(occurring))
        found = np.flatnonzero(counted.value)
        at = occurring[found]
        return cls(labels[at // k], labels[at % k], counted.take(found))

    def merge(self, other: LabelPairs) -> None:
        """Add the pairs of other rows."""
        if np.array_equal(self.true, other.true) and np.array_equal(self.predicted, other.predicted):
            self.weight.merge(other.weight)
            return
        true, predicted = (np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("true", "predicted"))
        order = np.lexsort((predicted, true))
        true, predicted = true[order], predicted[order]
        is_first = np.ones(len(true), dtype=bool)
        is_first[1:] = (true[1:] != true[:-1]) | (predicted[1:] != predicted[:-1])
        places = np.empty(len(order), dtype=np.intp)
        places[order] = np.cumsum(is_first) - 1
        mine, theirs = np.split(places, [len(self.true)])
        self.true, self.predicted = true[is_first], predicted[is_first]
        self.weight = self.weight.spread(mine, len(self.true))
        self.weight.merge(other.weight.spread(theirs, len(self.true)))

    def confusion(self) -> Confusion:
        """Return the sums that scores are made of.

        Raises:
            DataError: One role holds names alone, and the other integers alone.
        """
        sides = [labels >= FIRST_NAME for labels in (self.true, self.predicted)]
        if any(a.all() and not b.any() for a, b in (sides, sides[::-1])):
            named, numbered = ("y_true", "y_pred") if sides[0].any() else ("y_pred", "y_true")
            raise DataError(f"{named} holds names of classes and {numbered} integers: give both in one way")
        return Confusion(self)


class Confusion:
    """The sums of a confusion matrix over the classes (K,) that occur, made of its cells, so that nothing cancels.

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
        self.weight = pairs.weight.value
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


def sum_of_others(values: Array) -> Array:
    """Return the sum of all values but each one (K,), without subtraction."""
    before = np.concatenate([[0.0], np.cumsum(values[:-1])])
    after = np.concatenate([np.cumsum(values[:0:-1])[::-1], [0.0]])
    return np.asarray(before + after)
