"""Count, weight, sum, mean, variance, extremes: in one pass, mergeable, without losing digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from losscli.declaration.domains import Array

BLOCK = 1 << 18
"""Values that are looked at several times in a row: more would not stay in cache, fewer leave threads waiting."""


def blocks(size: int) -> Iterator[slice]:
    """The places of a stream of that many values, a block at a time."""
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))


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

    def add_all(self, values: Array) -> None:
        """Add an array, no digit lost."""
        for part in blocks(values.size):
            block = values[part]
            for piece in split_sum(block, largest(block)):
                self.add(piece)

    def merge(self, other: Sum) -> None:
        self.add(other.total)
        self.add(other.carry)

    @property
    def value(self) -> float:
        return self.total + self.carry if math.isfinite(self.total) else self.total


def largest(values: Array) -> float:
    """The largest size of some values; NaN if one of them is."""
    return max(-float(values.min()), float(values.max()))


def split_sum(values: Array, size: float) -> list[float]:
    """The sum of a block of values, none of them larger than `size`, as numbers that lose no digit.

    The heads of the values, cut off at a digit so high that none is lost in adding them up, and the tails
    (Rump, Ogita & Oishi 2008, doi:10.1137/050645671). The order of the values does not matter.
    """
    if not 0 < size < 1e300:
        return [float(values.sum())]
    cut = math.ldexp(1.0, math.frexp(size)[1] + values.size.bit_length())
    heads = values + cut
    heads -= cut
    total = float(heads.sum())
    tails = np.subtract(values, heads, out=heads)
    if abs(total) < size:  # so much has cancelled that the tails may be all there is
        return [total, *split_sum(tails, math.ldexp(cut, -53))]
    return [total, float(tails.sum())]


class Moments:
    """Weighted moments of a stream of values (Chan, Golub & LeVeque 1983 for the merge).

    The mean is kept as `origin`, a rounded first guess, and `rest`, the weighted sum of what lies beyond it: a
    difference of two means then keeps its digits when the means are large.
    """

    def __init__(self) -> None:
        self.n = 0
        self.weight = Sum()
        self.sum = Sum()
        self.squares = Sum()
        self.origin = self.rest = 0.0
        self.low, self.high = math.inf, -math.inf

    def update_sum(self, values: Array, weights: Array | None, quick: bool = False) -> None:
        """Add values where only count, weight and sum are asked for; if `quick`, the sum's last digit may be lost."""
        self.n += values.size
        heavy = values if weights is None else values * weights
        if quick:
            self.weight.add(float(values.size if weights is None else weights.sum()))
            self.sum.add(float(heavy.sum()))
            return
        if weights is None:
            self.weight.add(float(values.size))
        else:
            self.weight.add_all(weights)
        self.sum.add_all(heavy)

    def update(self, values: Array, weights: Array | None) -> None:
        """Add values, each counted as often as its weight says."""
        for part in blocks(values.size):
            self._add(values[part], None if weights is None else weights[part])

    def _add(self, values: Array, weights: Array | None) -> None:
        n, low, high = values.size, float(values.min()), float(values.max())
        heavy = values if weights is None else values * weights
        pieces = split_sum(heavy, max(-low, high) if weights is None else largest(heavy))
        weight = Sum(float(n))
        if weights is not None:
            weight = Sum()
            weight.add_all(weights)
        origin = _short(sum(pieces) / weight.value)
        gaps = values - origin
        if weights is None:
            rest, squares = sum(pieces, -origin * n), float(np.square(gaps, out=gaps).sum())
        else:
            shares = gaps * weights
            rest, squares = float(shares.sum()), float(np.multiply(gaps, shares, out=gaps).sum())
        self._join(weight, origin, rest, Sum(squares - rest * rest / weight.value))
        self.n += n
        self.weight.merge(weight)
        for piece in pieces:
            self.sum.add(piece)
        self.low, self.high = _extreme(min, self.low, low), _extreme(max, self.high, high)

    def merge(self, other: Moments) -> None:
        if other.n:
            self._join(other.weight, other.origin, other.rest, other.squares)
        self.n += other.n
        self.weight.merge(other.weight)
        self.sum.merge(other.sum)
        self.low, self.high = _extreme(min, self.low, other.low), _extreme(max, self.high, other.high)

    def _join(self, weight: Sum, origin: float, rest: float, squares: Sum) -> None:
        """Bring in the mean and the squares of other values, before their weight is."""
        self.squares.merge(squares)
        if not self.n:
            self.origin, self.rest = origin, rest
            return
        a, b = self.weight.value, weight.value
        shift = origin - self.origin
        gap = shift + rest / b - self.rest / a
        self.squares.add(gap * gap * a * b / (a + b))
        self.rest += rest + shift * b

    @property
    def mean(self) -> float:
        return self.sum.value / self.weight.value if self.weight.value else math.nan

    @property
    def std(self) -> float:
        """Standard deviation, the squares divided by the sum of weights (NumPy's default)."""
        squares = self.squares.value
        return math.sqrt((0.0 if squares < 0 else squares) / self.weight.value) if self.weight.value else math.nan


def _short(value: float) -> float:
    """A number's first 26 binary digits: what it is multiplied with by a count loses none."""
    if not math.isfinite(value):
        return value
    digits, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(digits, 26)), exponent - 26)


def _extreme(choose: Callable[[float, float], float], a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else choose(a, b)
