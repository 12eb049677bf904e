"""Count, weight, sum, mean, variance, extremes: in one pass, mergeable, without losing digits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from losscli.domain import Array


class Sum:
    """A running sum that carries its rounding error along (Neumaier 1974)."""

    def __init__(self, total: float = 0.0) -> None:
        self.total = total
        self.carry = 0.0

    def add(self, value: float) -> None:
        raised = self.total + value
        if math.isfinite(raised):
            big, small = (self.total, value) if abs(self.total) >= abs(value) else (value, self.total)
            self.carry += (big - raised) + small
        self.total = raised

    def merge(self, other: Sum) -> None:
        self.add(other.total)
        self.add(other.carry)

    @property
    def value(self) -> float:
        return self.total + self.carry if math.isfinite(self.total) else self.total


class Moments:
    """Weighted moments of a stream of values (Chan, Golub & LeVeque 1983 for the merge).

    The mean is kept as `origin`, a rounded first guess, and `rest`, the weighted sum of what lies beyond it: a
    difference of two means then keeps its digits when the means are large.
    """

    def __init__(self) -> None:
        self.n = 0
        self.weight = Sum()
        self.sum = Sum()
        self.squares = 0.0
        self.origin = self.rest = 0.0
        self.low, self.high = math.inf, -math.inf

    def update_sum(self, values: Array, weights: Array | None) -> None:
        """Add values where only count, weight and sum are asked for."""
        self.n += values.size
        self.weight.add(float(values.size) if weights is None else float(weights.sum()))
        self.sum.add(float(values.sum() if weights is None else np.dot(values, weights)))

    def update(self, values: Array, weights: Array | None) -> None:
        """Add values, each counted as often as its weight says."""
        if not values.size:
            return
        w = float(values.size) if weights is None else float(weights.sum())
        s = float(values.sum() if weights is None else np.dot(values, weights))
        batch = Moments()
        batch.n, batch.weight, batch.sum, batch.origin = values.size, Sum(w), Sum(s), s / w
        gaps = values - batch.origin
        batch.rest = float(gaps.sum() if weights is None else np.dot(gaps, weights))
        batch.squares = float(np.dot(gaps, gaps) if weights is None else np.dot(gaps * gaps, weights))
        batch.squares -= batch.rest * batch.rest / w
        batch.low, batch.high = float(values.min()), float(values.max())
        self.merge(batch)

    def merge(self, other: Moments) -> None:
        if not self.n:
            self.origin, self.rest, self.squares = other.origin, other.rest, other.squares
        elif other.n:
            a, b = self.weight.value, other.weight.value
            shift = other.origin - self.origin
            gap = shift + other.rest / b - self.rest / a
            self.squares += other.squares + gap * gap * a * b / (a + b)
            self.rest += other.rest + shift * b
        self.n += other.n
        self.weight.merge(other.weight)
        self.sum.merge(other.sum)
        self.low, self.high = _extreme(min, self.low, other.low), _extreme(max, self.high, other.high)

    @property
    def mean(self) -> float:
        return self.sum.value / self.weight.value if self.weight.value else math.nan

    @property
    def std(self) -> float:
        """Standard deviation, the squares divided by the sum of weights (NumPy's default)."""
        return (
            math.sqrt((0.0 if self.squares < 0 else self.squares) / self.weight.value)
            if self.weight.value
            else math.nan
        )


def _extreme(choose: Callable[[float, float], float], a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else choose(a, b)
