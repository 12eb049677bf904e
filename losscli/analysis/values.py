"""What is true of all values of a role, in one pass: range, zeros, labels, sums of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from losscli.domain import Array, number_text
from losscli.domain.rows import SUM_WARN

EXACT = 2.0**53
"""Numbers from here on are whole whatever they were meant to be."""

DISTINCT = 1000
"""Distinct values of a role that are counted."""


@dataclass
class Values:
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
            sums = values.sum(axis=1)
            self.total += float(sums.sum())
            self.sums = _widened(self.sums, sums)
            if values.shape[1] > 1 and self.high <= 0:
                self.log_sums = _widened(self.log_sums, np.logaddexp.reduce(values, axis=1))
        zero = values == 0
        self.zeros += int(zero.any(axis=1).sum())
        self.zero_weight += float(zero.mean(axis=1) @ weight) if weight is not None else float(zero.mean(axis=1).sum())
        self.not_positive += int((values <= 0).any(axis=1).sum())
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
        return self.within(0, 1 + SUM_WARN) and abs(self.sums[0] - 1) <= SUM_WARN and abs(self.sums[1] - 1) <= SUM_WARN

    @property
    def range(self) -> str:
        return f"{short(self.low)} to {short(self.high)}"


def _widened(ends: tuple[float, float], values: Array) -> tuple[float, float]:
    return min(ends[0], float(values.min())), max(ends[1], float(values.max()))


def short(value: float, digits: int = 4) -> str:
    """A number for a sentence: four significant digits."""
    return number_text(float(f"{value:.{digits}g}"))
