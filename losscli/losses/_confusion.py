"""Weights of pairs of labels, counted part by part: a confusion matrix of the pairs that occur."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import FIRST_NAME, Array
from losscli.errors import DataError

MAX_CELLS = 1 << 16
"""Cells of a table that is counted as a whole: more do not stay in cache, and are counted by those that occur."""


def exact_sums(index: NDArray[np.intp], values: Array, size: int) -> tuple[Array, Array]:
    """Return the sums of values by their index as two parts, (size,) each, the first exact in any order.

    The first part is of the heads of the values, cut off at a digit so high that adding them is exact (Rump, Ogita &
    Oishi 2008, doi:10.1137/050645671), the second of the tails.
    """
    largest = float(np.abs(values).max(initial=0.0))
    if not 0 < largest < 1e300:
        return np.bincount(index, values, size), np.zeros(size)
    cut = math.ldexp(1.0, math.frexp(largest)[1] + len(values).bit_length())
    heads = values + cut
    heads -= cut
    return np.bincount(index, heads, size), np.bincount(index, values - heads, size)


def add_exactly(total: Array, carry: Array, other: Array) -> tuple[Array, Array]:
    """Return sums and their rounding errors with other numbers added (Neumaier 1974)."""
    raised = total + other
    is_larger = np.abs(total) >= np.abs(other)
    return raised, carry + np.where(is_larger, (total - raised) + other, (other - raised) + total)


class LabelPairs:
    """The pairs of labels that occur, in ascending order, and the weight of each.

    Attributes:
        true: The labels of the rows (m,).
        predicted: The labels predicted for them (m,).
        total: The weights of the pairs (m,), which `carry` (m,) corrects.
    """

    def __init__(self, true: Array, predicted: Array, total: Array, carry: Array) -> None:
        self.true, self.predicted, self.total, self.carry = true, predicted, total, carry

    @classmethod
    def count(cls, true: Array, predicted: Array, weight: Array | None = None) -> LabelPairs:
        """Count the pairs of some rows (N,), by their weights if they have any."""
        low = min(float(true.min(initial=math.inf)), float(predicted.min(initial=math.inf)))
        high = max(float(true.max(initial=-math.inf)), float(predicted.max(initial=-math.inf)))
        if high < low:
            return cls(*[np.zeros(0)] * 4)
        if (high - low + 1) ** 2 <= MAX_CELLS:
            labels = np.arange(low, high + 1)
            rows, columns = true - low, predicted - low
        else:
            labels, places = np.unique(np.concatenate([true, predicted]), return_inverse=True)
            rows, columns = np.split(places.astype(np.float64), 2)
        k = len(labels)
        rows = rows * k
        rows += columns
        cells: NDArray[np.intp] = rows.astype(np.intp)
        occurring: NDArray[Any] | None = None
        if k * k > MAX_CELLS:
            occurring, cells = np.unique(cells, return_inverse=True)
        size = k * k if occurring is None else len(occurring)
        if weight is None:
            total, carry = np.bincount(cells, minlength=size).astype(np.float64), np.zeros(size)
        else:
            total, carry = exact_sums(cells, weight, size)
        found = np.flatnonzero(total + carry)
        at = found if occurring is None else occurring[found]
        return cls(labels[at // k], labels[at % k], total[found], carry[found])

    def merge(self, other: LabelPairs) -> None:
        """Add the pairs of other rows."""
        if np.array_equal(self.true, other.true) and np.array_equal(self.predicted, other.predicted):
            self.total, carry = add_exactly(self.total, self.carry, other.total)
            self.carry = carry + other.carry
            return
        true, predicted = (np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("true", "predicted"))
        order = np.lexsort((predicted, true))
        true, predicted = true[order], predicted[order]
        is_first = np.ones(len(true), dtype=bool)
        is_first[1:] = (true[1:] != true[:-1]) | (predicted[1:] != predicted[:-1])
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.cumsum(is_first) - 1
        self.true, self.predicted = true[is_first], predicted[is_first]
        mine, theirs = np.split(place, [len(self.total)])
        total, carry, added = np.zeros((3, len(self.true)))
        total[mine], carry[mine], added[theirs] = self.total, self.carry, other.total
        self.total, self.carry = add_exactly(total, carry, added)
        self.carry[theirs] += other.carry

    def confusion(self) -> Confusion:
        """Return the sums that scores are made of.

        Raises:
            DataError: One role holds names alone, and the other integers alone.
        """
        sides = [(labels >= FIRST_NAME) for labels in (self.true, self.predicted)]
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
        self.weight = pairs.total + pairs.carry
        self.classes, places = np.unique(np.concatenate([pairs.true, pairs.predicted]), return_inverse=True)
        self.rows, self.columns = np.split(places, 2)
        k, is_wrong = len(self.classes), self.rows != self.columns
        wrong = np.where(is_wrong, self.weight, 0.0)
        self.right = np.bincount(self.rows, np.where(is_wrong, 0.0, self.weight), k)
        self.missed, self.taken = np.bincount(self.rows, wrong, k), np.bincount(self.columns, wrong, k)
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
    return before + after
