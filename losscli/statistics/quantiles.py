"""Quantiles: exact while the values fit a budget, from logarithmic buckets after that."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.moments import blocks
from losscli.statistics.order_statistics import ElementwiseFn, order_statistics

BUDGET = 1 << 20
"""Values kept exactly for each stream: 8 MB, as much again where there are weights."""

ACCURACY = 1e-3
"""Relative error of a quantile once the budget is passed."""

CUT = 42
"""Bits of a number that its bucket does not tell: 10 of the 52 behind the point do, and 2**-10 is below ACCURACY."""

Weighted = tuple[Array, Array | None]
"""Values (N,) and their weights."""

SIZES = (1 << 63) - 1
"""The bits of a number without its sign."""

INFINITE = 0x7FF << (52 - CUT)
"""The bucket of infinity; beyond it is what is not a number."""

ROOM = 4 << (52 - CUT)
"""Buckets that are kept on either side of those in use: four powers of 2."""


def quantile(values: Array, weights: Array | None, q: float) -> float:
    """The q-quantile, 0 <= q <= 1; see `quantiles`."""
    return quantiles(values, weights, (q,))[0]


def quantiles(values: Array, weights: Array | None, probabilities: Sequence[float]) -> list[float]:
    """Quantiles of values (N,) with weights (N,).

    Unweighted (or weights all alike) they interpolate linearly between order statistics, as NumPy does by default;
    weighted they are the averaged inverse of the distribution function, for which twice the weight is two rows.
    """
    if not values.size or np.isnan(values).any():
        return [math.nan for _ in probabilities]
    if weights is None or weights.min() == weights.max():
        return _linear(values, probabilities)
    order = np.argsort(values, kind="stable")
    fraction_read = np.cumsum(weights[order])
    return [_averaged_inverse(values, order, fraction_read, q * fraction_read[-1]) for q in probabilities]


def deviation(values: Array, weights: Array | None, centre: float) -> float:
    """The median of how far values (N,) are from a number."""

    def distance(some: Array) -> Array:
        gaps = some - centre
        return np.abs(gaps, out=gaps)

    if weights is None and values.size and math.isfinite(centre):
        return _linear(values, (0.5,), distance)[0]
    return quantile(distance(values), weights, 0.5)


def _averaged_inverse(values: Array, order: NDArray[np.intp], fraction_read: Array, target: float) -> float:
    slack = 1e-12 * fraction_read[-1]
    first = int(np.searchsorted(fraction_read, target - slack))
    second = min(int(np.searchsorted(fraction_read, target + slack, side="right")), len(order) - 1)
    return _between(float(values[order[first]]), float(values[order[second]]), 0.5)


def _linear(values: Array, probabilities: Sequence[float], of: ElementwiseFn | None = None) -> list[float]:
    positions = [q * (values.size - 1) for q in probabilities]
    ends = sorted({min(int(p) + i, values.size - 1) for p in positions for i in (0, 1)})
    found = dict(zip(ends, order_statistics(values, ends, of=of), strict=True))
    return [_between(found[int(p)], found[min(int(p) + 1, values.size - 1)], p % 1) for p in positions]


def _between(a: float, b: float, part: float) -> float:
    return a if part == 0 or a == b else a + (b - a) * part


class LogHistogram:
    """Counts in buckets that are each less than a thousandth of what is in them wide.

    The idea is DDSketch's (Masson et al. 2019, arXiv:1908.10693), but a bucket is told by the leading bits of a number,
    which takes no logarithm. What is read from one lies inside of it, so that any quantile is right to ACCURACY;
    numbers that are too small to be normal count as 0. Merging adds counts: order does not matter, nothing is random.
    It takes weights, which the rank sketches of the usual libraries do not.
    """

    def __init__(self) -> None:
        self._counts: Array = np.zeros(0)
        self._first = 0
        self._used = 0, 0
        self._weighted = False

    def __getstate__(self) -> dict[str, Any]:
        """What is sent elsewhere: the buckets that hold something, and counts as short as they can be."""
        used = np.flatnonzero(self._counts).astype(np.int32)
        counts: NDArray[Any] = self._counts[used]
        whole = not self._weighted and counts.max(initial=0.0) < 1 << 32
        sent = used, counts.astype(np.uint32) if whole else counts
        return self.__dict__ | {"_counts": sent, "_size": self._counts.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        used, counts = state["_counts"]
        self.__dict__.update(state, _counts=np.zeros(state["_size"]))
        self._counts[used] = counts
        del self._size  # type: ignore[attr-defined]

    def update(self, values: Array, weights: Array | None) -> None:
        self._weighted = self._weighted or weights is not None
        for part in blocks(values.size):
            keys = ordered(values[part])
            keys >>= CUT
            self._make_room(int(keys.min()), int(keys.max()) + 1)
            keys -= self._first
            np.add.at(self._counts, keys, 1.0 if weights is None else weights[part])

    def _make_room(self, low: int, high: int) -> None:
        """Hold the keys from `low` to below `high`, and some more around them."""
        used = self._used
        self._used = (min(used[0], low), max(used[1], high)) if self._counts.size else (low, high)
        first, end = self._first, self._first + self._counts.size
        if first <= low and high <= end:
            return
        low, high = self._used
        counts = np.zeros(high - low + 2 * ROOM)
        self._first = low - ROOM
        counts[used[0] - self._first : used[1] - self._first] = self._counts[used[0] - first : used[1] - first]
        self._counts = counts

    def merge(self, other: LogHistogram) -> None:
        if other._counts.size:
            low, high = other._used
            self._make_room(low, high)
            self._counts[low - self._first : high - self._first] += other._counts[
                low - other._first : high - other._first
            ]
        self._weighted = self._weighted or other._weighted

    def quantiles(self, probabilities: Sequence[float]) -> list[float]:
        """As `quantiles` of the values, but for the accuracy."""
        used = np.flatnonzero(self._counts)
        if not used.size or self._first + used[-1] > INFINITE or self._first + used[0] < ~INFINITE:
            return [math.nan for _ in probabilities]
        fraction_read = np.cumsum(self._counts)
        total = float(fraction_read[-1])
        if self._weighted:
            ends = [(q * total - 1e-12 * total, q * total + 1e-12 * total, 0.5) for q in probabilities]
        else:  # the middles of the two values around a place
            ends = [(int(p) + 0.5, int(p) + 1.5, p % 1) for p in (q * (total - 1) for q in probabilities)]
        return [_between(self._at(fraction_read, a), self._at(fraction_read, b), part) for a, b, part in ends]

    def _at(self, fraction_read: Array, place: float) -> float:
        """The value up to which so much was counted; inside of a bucket values are taken to be spread evenly."""
        place = min(max(place, sys.float_info.min), float(fraction_read[-1]))
        i = int(np.searchsorted(fraction_read, place))
        low, high = _ends(self._first + i)
        return _between(low, high, 1 - (float(fraction_read[i]) - place) / float(self._counts[i]))


def ordered(values: Array) -> NDArray[np.int64]:
    """The bits of numbers as whole numbers of the same order; those of -x are ~ those of x."""
    bits = np.ascontiguousarray(values).view(np.int64)
    keys = bits >> 63  # -1 where negative: there the other bits run backwards
    keys &= SIZES
    keys ^= bits
    return keys


def _ends(key: int) -> tuple[float, float]:
    """The least and the largest number of a bucket; what is not normal is 0."""
    if key < 0:
        low, high = _ends(~key)
        return -high, -low
    if key >= INFINITE:
        return math.inf, math.inf
    low, high = (float(np.int64(k << CUT).view(np.float64)) for k in (key, key + 1))
    return (0.0, 0.0) if low < sys.float_info.min else (low, min(high, sys.float_info.max))


class Quantiles:
    """Quantiles of a stream of weighted values.

    What was merged stays apart, so that counts are added up in the same way whenever it is that values become counts:
    those of each stream first, then those of the streams.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.kept = 0
        self.buckets: LogHistogram | None = None
        self._own: list[Weighted] = []
        self._merged: list[Quantiles] = []

    def update(self, values: Array, weights: Array | None) -> None:
        """Add values of its own, before anything is merged."""
        self._make_room(values.size)
        if self.buckets is not None:
            self.buckets.update(values, weights)
            return
        self._own.append((values, weights))
        self.kept += values.size

    def merge(self, other: Quantiles) -> None:
        """Add those of another stream, which is this one's from here on."""
        if other.exact and not other.kept:
            return
        self._make_room(other.kept if other.exact else self.budget + 1)
        if self.buckets is not None:
            self.buckets.merge(other.to_histogram())
            return
        self._merged.append(other)
        self.kept += other.kept

    def _make_room(self, more: int) -> None:
        if self.kept + more > self.budget:
            self.to_histogram()

    def to_histogram(self) -> LogHistogram:
        """Keep counts from here on, no values."""
        if self.buckets is None:
            self.buckets = LogHistogram()
            for values, weights in self._own:
                self.buckets.update(values, weights)
            for other in self._merged:
                self.buckets.merge(other.to_histogram())
            self._own, self._merged, self.kept = [], [], 0
        return self.buckets

    def _values(self) -> Iterator[Weighted]:
        yield from self._own
        for other in self._merged:
            yield from other._values()

    @property
    def exact(self) -> bool:
        return self.buckets is None

    def quantiles(self, probabilities: tuple[float, ...]) -> list[float]:
        if self.buckets is not None:
            return self.buckets.quantiles(probabilities)
        kept = list(self._values())
        weights = [w for _, w in kept if w is not None]
        values = np.concatenate([v for v, _ in kept]) if kept else np.zeros(0)
        return quantiles(values, np.concatenate(weights) if weights else None, probabilities)
