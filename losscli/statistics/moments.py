"""Count, weight, sum, mean, variance and extremes: in one pass, mergeable, without losing digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from losscli.declaration.domains import Array

MODERATE = 1e140
"""Weights between its inverse and this have products that are neither 0 nor infinite."""

VALUES_PER_PASS = 1 << 18
"""Values that are read several times in a row: more do not stay in cache, fewer leave threads waiting for Python."""


def blocks(size: int) -> Iterator[slice]:
    """Return the slices that cut so many values into blocks."""
    return (slice(start, start + VALUES_PER_PASS) for start in range(0, size, VALUES_PER_PASS))


class Sum:
    """A running sum that carries its rounding error along (Neumaier 1974)."""

    def __init__(self, total: float = 0.0) -> None:
        self.total, self.carry = total, 0.0

    def add(self, value: float) -> None:
        raised = self.total + value
        if math.isfinite(raised):
            big, small = (self.total, value) if abs(self.total) >= abs(value) else (value, self.total)
            self.carry += (big - raised) + small
        self.total = raised

    def add_all(self, values: Array) -> None:
        """Add an array without losing a digit."""
        for part in blocks(values.size):
            block = values[part]
            for piece in split_sum(block, largest_magnitude(block)):
                self.add(piece)

    def merge(self, other: Sum) -> None:
        self.add(other.total)
        self.add(other.carry)

    @property
    def value(self) -> float:
        return self.total + self.carry if math.isfinite(self.total) else self.total


def largest_magnitude(values: Array) -> float:
    """Return the largest absolute value; NaN if there is a NaN."""
    return max(-float(values.min()), float(values.max()))


def split_sum(values: Array, size: float) -> list[float]:
    """Return the sum of a block as several numbers that lose no digit; `size` bounds the absolute values.

    One is the sum of the heads of the values, cut off at a digit so high that adding them is exact, the other that of
    the tails (Rump, Ogita & Oishi 2008, doi:10.1137/050645671). The order of the values does not matter.
    """
    if not 0 < size < 1e300:
        return [float(values.sum())]
    cut = math.ldexp(1.0, math.frexp(size)[1] + values.size.bit_length())
    heads = values + cut
    heads -= cut
    total = float(heads.sum())
    tails = np.subtract(values, heads, out=heads)
    if abs(total) < size:  # after so much cancellation the tails may be all there is
        return [total, *split_sum(tails, math.ldexp(cut, -53))]
    return [total, float(tails.sum())]


@dataclass(eq=False, repr=False)
class Moments:
    """Weighted moments of a stream of values (Chan, Golub & LeVeque 1983 for the merge).

    The mean is kept as `origin`, a rounded first guess, and `rest`, the weighted sum of the differences from it: the
    difference of two means then keeps its digits when the means are large.
    """

    n: int = 0
    weight: Sum = field(default_factory=Sum)
    sum: Sum = field(default_factory=Sum)
    squares: Sum = field(default_factory=Sum)
    origin: float = 0.0
    rest: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def update_sum(self, values: Array, weights: Array | None, quick: bool = False) -> None:
        """Add values to count, weight and sum alone; if `quick`, the last digit of the sum may be lost."""
        self.n += values.size
        weighted = values if weights is None else values * weights
        if quick:
            self.weight.add(float(values.size if weights is None else weights.sum()))
            self.sum.add(float(weighted.sum()))
            return
        if weights is None:
            self.weight.add(float(values.size))
        else:
            self.weight.add_all(weights)
        self.sum.add_all(weighted)

    def update(self, values: Array, weights: Array | None) -> None:
        """Add values (N,), each counted as often as its weight says."""
        for part in blocks(values.size):
            block, share = values[part], None if weights is None else weights[part]
            n, low, high = block.size, float(block.min()), float(block.max())
            weighted, weight = block, Sum(float(n))
            if share is not None:
                weighted, weight = block * share, Sum()
                weight.add_all(share)
            pieces = split_sum(weighted, max(-low, high) if share is None else largest_magnitude(weighted))
            origin = sum(pieces) / weight.value
            if abs(origin) < 1e300:  # its first 26 bits: a product with a count is exact
                digits, exponent = math.frexp(origin)
                origin = math.ldexp(round(math.ldexp(digits, 26)), exponent - 26)
            gaps = block - origin
            if share is None:
                rest, squares = sum(pieces, -origin * n), float(np.square(gaps, out=gaps).sum())
            else:
                weighted_gaps = gaps * share
                rest, squares = float(weighted_gaps.sum()), float(np.multiply(gaps, weighted_gaps, out=gaps).sum())
            self._merge_squares(weight, origin, rest, Sum(squares - rest * (rest / weight.value)))
            self.n += n
            self.weight.merge(weight)
            for piece in pieces:
                self.sum.add(piece)
            self.low, self.high = _extreme(min, self.low, low), _extreme(max, self.high, high)

    def merge(self, other: Moments) -> None:
        if other.n:
            self._merge_squares(other.weight, other.origin, other.rest, other.squares)
        self.n += other.n
        self.weight.merge(other.weight)
        self.sum.merge(other.sum)
        self.low, self.high = _extreme(min, self.low, other.low), _extreme(max, self.high, other.high)

    def _merge_squares(self, weight: Sum, origin: float, rest: float, squares: Sum) -> None:
        """Merge the mean and the squares of other values, before their weight is added."""
        self.squares.merge(squares)
        if not self.n:
            self.origin, self.rest = origin, rest
            return
        a, b = self.weight.value, weight.value
        shift = origin - self.origin
        gap = shift + rest / b - self.rest / a
        is_moderate = max(a, b) < MODERATE and min(a, b) > 1 / MODERATE
        self.squares.add(gap * gap * a * b / (a + b) if is_moderate else gap * gap * a * (b / (a + b)))
        self.rest += rest + shift * b

    @property
    def mean(self) -> float:
        return self.sum.value / self.weight.value if self.weight.value else math.nan

    @property
    def std(self) -> float:
        """Standard deviation, the squares divided by the sum of weights (NumPy's default)."""
        squares = self.squares.value
        return math.sqrt((0.0 if squares < 0 else squares) / self.weight.value) if self.weight.value else math.nan


def _extreme(choose: Callable[[float, float], float], a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else choose(a, b)
