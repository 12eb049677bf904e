"""What holds for all values of a role, in one pass: range, zeros, labels, sums of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.domains.distributions import MAX_SUM_ERROR
from losscli.messages import number_text

MIN_ALWAYS_WHOLE = 2.0**53
"""Float64 numbers from here on are all whole, whatever they stand for."""

MAX_DISTINCT_VALUES = 1000
"""Distinct values of a role that are counted."""


@dataclass
class ColumnSummary:
    """Summary of all values of one role.

    `smallest_size` is the least absolute value, `zero_weight` the weight of the values that are 0; `sums` and
    `log_sums` are the least and largest sum and logsumexp of a row. `counts` maps distinct values to their weights; it
    is None if they are too many.
    """

    low: float = math.inf
    high: float = -math.inf
    smallest_size: float = math.inf
    is_whole: bool = True
    total: float = 0.0
    rows_with_0: int = 0
    zero_weight: float = 0.0
    rows_not_above_0: int = 0
    sums: tuple[float, float] = (math.inf, -math.inf)
    log_sums: tuple[float, float] = (math.inf, -math.inf)
    counts: dict[float, float] | None = field(default_factory=dict)

    def update(self, values: Array, weight: Array | None) -> None:
        """Add values (n, k) of rows with weights (n,)."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.smallest_size = min(self.smallest_size, float(np.abs(values).min()))
        with np.errstate(invalid="ignore", over="ignore"):
            self.is_whole &= bool(((values == np.floor(values)) & (np.abs(values) < MIN_ALWAYS_WHOLE)).all())
            sums = reduce_rows(np.sum, values)
            self.total += float(sums.sum())
            self.sums = widen_range(self.sums, sums)
            if values.shape[1] > 1 and self.high <= 0:
                self.log_sums = widen_range(self.log_sums, np.logaddexp.reduce(values, axis=1))
        zero = values == 0
        self.rows_with_0 += int(reduce_rows(np.any, zero).sum())
        share = reduce_rows(np.mean, zero)
        self.zero_weight += float(share.sum() if weight is None else share @ weight)
        self.rows_not_above_0 += int(reduce_rows(np.any, values <= 0).sum())
        if self.counts is None:
            return
        distinct, inverse = np.unique(values.ravel(), return_inverse=True)
        flat_weight = None if weight is None else np.repeat(weight, values.shape[1])
        for value, count in zip(distinct.tolist(), np.bincount(inverse, weights=flat_weight).tolist(), strict=True):
            self.counts[value] = self.counts.get(value, 0.0) + count
        if len(self.counts) > MAX_DISTINCT_VALUES:
            self.counts = None

    def has_only(self, *allowed: float) -> bool:
        """Return whether every value is one of these."""
        return self.counts is not None and set(self.counts) <= set(allowed)

    def is_within(self, low: float, high: float) -> bool:
        return low <= self.low and self.high <= high

    @property
    def is_constant(self) -> bool:
        return self.low == self.high

    @property
    def is_simplex(self) -> bool:
        """Whether every row is a distribution."""
        return self.is_within(0, 1 + MAX_SUM_ERROR) and all(abs(total - 1) <= MAX_SUM_ERROR for total in self.sums)

    @property
    def range(self) -> str:
        low = endpoint_text(self.low)
        return low if self.is_constant else f"{low} to {endpoint_text(self.high)}"


def reduce_rows(reduce: Callable[..., Any], values: NDArray[Any]) -> NDArray[Any]:
    """Reduce each row of (n, k); a single number per row is returned as it is, which NumPy does slowly."""
    return values[:, 0] if values.shape[1] == 1 else np.asarray(reduce(values, axis=1))


def endpoint_text(value: float) -> str:
    """Return the end of a range with enough digits that 0.999999 is not 1."""
    for digits in (4, 6, 9, 12):
        rounded = float(f"{value:.{digits}g}")
        if rounded == value or abs(value) > 10 or not rounded.is_integer():
            return number_text(rounded)
    return number_text(value)


def widen_range(ends: tuple[float, float], values: Array) -> tuple[float, float]:
    """Return the least and largest of a range and values."""
    return min(ends[0], float(values.min())), max(ends[1], float(values.max()))


def short(value: float, digits: int = 4) -> str:
    """Return a number with four significant digits for a sentence."""
    return number_text(float(f"{value:.{digits}g}"))


def percent(share: float) -> str:
    """Return a share in percent: 100 only for all, 0 only for nothing."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"
