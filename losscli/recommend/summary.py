"""What is true of all values of a role, in one pass: range, zeros, labels, sums of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, number_text
from losscli.declaration.domains.distributions import MAX_SUM_ERROR

EXACT = 2.0**53
"""Numbers from here on are whole whatever they were meant to be."""

DISTINCT = 1000
"""Distinct values of a role that are counted."""


@dataclass
class ColumnSummary:
    """What is true of all values of one role; `counts` maps distinct values to what they weigh, while they are few."""

    low: float = math.inf
    high: float = -math.inf
    smallest: float = math.inf
    whole: bool = True
    total: float = 0.0
    zeros: int = 0
    zero_weight: float = 0.0
    not_positive: int = 0
    sums: tuple[float, float] = (math.inf, -math.inf)
    log_sums: tuple[float, float] = (math.inf, -math.inf)
    counts: dict[float, float] | None = field(default_factory=dict)

    def update(self, values: Array, weight: Array | None) -> None:
        """Add values (n, k) of rows that weigh (n,)."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.smallest = min(self.smallest, float(np.abs(values).min()))
        with np.errstate(invalid="ignore", over="ignore"):
            self.whole = self.whole and bool(((values == np.floor(values)) & (np.abs(values) < EXACT)).all())
            sums = reduce_rows(np.sum, values)
            self.total += float(sums.sum())
            self.sums = _widened(self.sums, sums)
            if values.shape[1] > 1 and self.high <= 0:
                self.log_sums = _widened(self.log_sums, np.logaddexp.reduce(values, axis=1))
        zero = values == 0
        self.zeros += int(reduce_rows(np.any, zero).sum())
        share = reduce_rows(np.mean, zero)
        self.zero_weight += float(share.sum() if weight is None else share @ weight)
        self.not_positive += int(reduce_rows(np.any, values <= 0).sum())
        self._count(values, weight)

    def _count(self, values: Array, weight: Array | None) -> None:
        if self.counts is None:
            return
        distinct, inverse = np.unique(values.ravel(), return_inverse=True)
        wide = None if weight is None else np.repeat(weight, values.shape[1])
        for value, weighs in zip(distinct.tolist(), np.bincount(inverse, weights=wide).tolist(), strict=True):
            self.counts[value] = self.counts.get(value, 0.0) + weighs
        if len(self.counts) > DISTINCT:
            self.counts = None

    def only(self, *allowed: float) -> bool:
        """Whether every value is one of these."""
        return self.counts is not None and set(self.counts) <= set(allowed)

    def within(self, low: float, high: float) -> bool:
        return low <= self.low and self.high <= high

    @property
    def constant(self) -> bool:
        return self.low == self.high

    @property
    def simplex(self) -> bool:
        """Whether every row is a distribution."""
        return (
            self.within(0, 1 + MAX_SUM_ERROR)
            and abs(self.sums[0] - 1) <= MAX_SUM_ERROR
            and abs(self.sums[1] - 1) <= MAX_SUM_ERROR
        )

    @property
    def range(self) -> str:
        return _end(self.low) if self.constant else f"{_end(self.low)} to {_end(self.high)}"


def reduce_rows(reduce: Callable[..., Any], values: NDArray[Any]) -> NDArray[Any]:
    """Reduce each row (n, k); one number per row needs no reduction, which NumPy does slowly."""
    return values[:, 0] if values.shape[1] == 1 else np.asarray(reduce(values, axis=1))


def _end(value: float) -> str:
    """Return the end of a range with enough digits that 0.999999 is not 1."""
    for digits in (4, 6, 9, 12):
        rounded = float(f"{value:.{digits}g}")
        if rounded == value or abs(value) > 10 or not rounded.is_integer():
            return number_text(rounded)
    return number_text(value)


def _widened(ends: tuple[float, float], values: Array) -> tuple[float, float]:
    return min(ends[0], float(values.min())), max(ends[1], float(values.max()))


def short(value: float, digits: int = 4) -> str:
    """Return a number with four significant digits for a sentence."""
    return number_text(float(f"{value:.{digits}g}"))
