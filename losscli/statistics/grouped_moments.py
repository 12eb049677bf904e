"""Count, weight, sum, mean, variance and extremes of many groups: `Moments` and `Sum` with a number per group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.segments import Segments, largest_magnitudes


def lengthen(values: NDArray[Any], n: int, fill: float = 0.0) -> NDArray[Any]:
    """Return values with more behind them, n in all."""
    return np.concatenate([values, np.full(n - len(values), fill, dtype=values.dtype)])


class Sums:
    """Running sums (G,), each of which carries its rounding error along as `Sum` does."""

    def __init__(self, total: Array) -> None:
        self.total = total
        self.carry: Array = np.zeros(len(total))

    def grow(self, n: int) -> None:
        self.total, self.carry = lengthen(self.total, n), lengthen(self.carry, n)

    def add(self, at: NDArray[np.intp], values: Array) -> None:
        """Add a number to each of some sums (g,), all different."""
        total = self.total[at]
        raised = total + values
        is_larger = np.abs(total) >= np.abs(values)
        error = np.where(is_larger, (total - raised) + values, (values - raised) + total)
        self.carry[at] += np.where(np.isfinite(raised), error, 0.0)
        self.total[at] = raised

    def merge(self, at: NDArray[np.intp], other: Sums) -> None:
        self.add(at, other.total)
        self.add(at, other.carry)

    def take(self, at: NDArray[np.intp]) -> Sums:
        found = Sums(self.total[at])
        found.carry = self.carry[at]
        return found

    @property
    def value(self) -> Array:
        return np.where(np.isfinite(self.total), self.total + self.carry, self.total)


class GroupedMoments:
    """The moments of many groups, each with the digits that `Moments` gives it alone."""

    def __init__(self) -> None:
        self.n: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.weight, self.sum, self.squares = Sums(np.zeros(0)), Sums(np.zeros(0)), Sums(np.zeros(0))
        self.origin: Array = np.zeros(0)
        self.rest: Array = np.zeros(0)
        self.low: Array = np.zeros(0)
        self.high: Array = np.zeros(0)

    def grow(self, n: int) -> None:
        """Make room for n groups."""
        for sums in (self.weight, self.sum, self.squares):
            sums.grow(n)
        self.n, self.origin, self.rest = lengthen(self.n, n), lengthen(self.origin, n), lengthen(self.rest, n)
        self.low, self.high = lengthen(self.low, n, np.inf), lengthen(self.high, n, -np.inf)

    def update_sum(self, rows: Segments, at: NDArray[np.intp], values: Array, weights: Array | None) -> None:
        """Add values (N,) to count, weight and sum alone; `at` are the places (g,) of the groups that have rows."""
        self.n[at] += rows.counts
        if weights is None:
            self.weight.add(at, rows.counts.astype(np.float64))
        else:
            add_exactly(self.weight, rows, at, weights)
        add_exactly(self.sum, rows, at, values if weights is None else values * weights)

    def update(self, rows: Segments, at: NDArray[np.intp], values: Array, weights: Array | None) -> None:
        """Add values (N,), each counted as often as its weight says."""
        for block in rows.blocks():
            self._update_block(block, at[np.searchsorted(rows.groups, block.groups)], values, weights)

    def _update_block(self, rows: Segments, at: NDArray[np.intp], values: Array, weights: Array | None) -> None:
        taken = rows.take(values)
        low, high = rows.extremes(taken)
        rows.clear(taken)
        if weights is None:
            share, weighted, sizes = None, taken, largest_magnitudes(low, high)
            weight = Sums(rows.counts.astype(np.float64))
        else:
            share, weight = rows.take(weights), Sums(np.zeros(len(at)))
            every = np.arange(len(at))
            for piece in rows.split_sums(rows.clear(share), largest_magnitudes(*rows.extremes(rows.take(weights)))):
                weight.add(every, piece)
            weighted = taken * share
            sizes = largest_magnitudes(*rows.extremes(rows.take(values * weights)))
        pieces = rows.split_sums(weighted, sizes)
        mean = np.sum(pieces, axis=0) / weight.value
        digits, exponents = np.frexp(mean)  # its first 26 bits: a product with a count is exact
        rounded = np.ldexp(np.rint(np.ldexp(digits, 26)), exponents - 26)
        origin = np.where(np.abs(mean) < 1e300, rounded, mean)
        gaps = rows.clear(taken - rows.spread(origin))
        if share is None:
            rest = np.sum([-origin * rows.counts, *pieces], axis=0)
            squares = rows.sums(np.square(gaps, out=gaps))
        else:
            weighted_gaps = gaps * share
            rest, squares = rows.sums(weighted_gaps), rows.sums(np.multiply(gaps, weighted_gaps, out=gaps))
        self._merge_squares(at, weight, origin, rest, Sums(squares - rest * (rest / weight.value)))
        self.n[at] += rows.counts
        self.weight.merge(at, weight)
        for piece in pieces:
            self.sum.add(at, piece)
        self.low[at], self.high[at] = np.minimum(self.low[at], low), np.maximum(self.high[at], high)

    def merge(self, at: NDArray[np.intp], other: GroupedMoments) -> None:
        """Add the moments of other values, whose groups are at these places (G,)."""
        some = np.flatnonzero(other.n)
        squares = other.squares.take(some)
        self._merge_squares(at[some], other.weight.take(some), other.origin[some], other.rest[some], squares)
        self.n[at] += other.n
        self.weight.merge(at, other.weight)
        self.sum.merge(at, other.sum)
        self.low[at], self.high[at] = np.minimum(self.low[at], other.low), np.maximum(self.high[at], other.high)

    def _merge_squares(self, at: NDArray[np.intp], weight: Sums, origin: Array, rest: Array, squares: Sums) -> None:
        """Merge the mean and the squares of other values, before their weight is added."""
        self.squares.merge(at, squares)
        is_first = self.n[at] == 0
        a, b = np.where(is_first, 1.0, self.weight.value[at]), weight.value
        shift = origin - self.origin[at]
        gap = shift + rest / b - self.rest[at] / a
        self.squares.add(at, np.where(is_first, 0.0, gap * gap * a * (b / (a + b))))
        self.rest[at] = np.where(is_first, rest, self.rest[at] + (rest + shift * b))
        self.origin[at] = np.where(is_first, origin, self.origin[at])

    @property
    def std(self) -> Array:
        """Standard deviations, the squares divided by the sums of weights."""
        squares = self.squares.value
        return np.sqrt(np.where(squares < 0, 0.0, squares) / self.weight.value)


def add_exactly(sums: Sums, rows: Segments, at: NDArray[np.intp], values: Array) -> None:
    """Add values (N,) to the sums of groups at these places (g,) without losing a digit."""
    for block in rows.blocks():
        taken = block.take(values)
        sizes = largest_magnitudes(*block.extremes(taken))
        here = at[np.searchsorted(rows.groups, block.groups)]
        for piece in block.split_sums(block.clear(taken), sizes):
            sums.add(here, piece)
