"""Quantiles: exact while the values fit a budget, from a logarithmic histogram after that."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.statistics.moments import blocks

MAX_VALUES_KEPT = 1 << 20
"""Values that each stream keeps for exact quantiles: 8 MB, as much again where there are weights."""

ACCURACY = 1e-3
"""Relative error of a quantile once there are more values than that."""

BITS_DROPPED = 42
"""Bits of a float that its bucket leaves out: it keeps 10 of the 52 of the mantissa, and 2**-10 is below ACCURACY."""

BITS_WITHOUT_SIGN = (1 << 63) - 1
"""Mask of the bits of a float without its sign."""

BUCKET_OF_INFINITY = 0x7FF << (52 - BITS_DROPPED)
"""The bucket of infinity; those beyond it hold NaN."""

SPARE_BUCKETS = 4 << (52 - BITS_DROPPED)
"""Unused buckets on either side of those in use: four powers of 2."""

MIN_VALUES_TO_SAMPLE = 1 << 18
"""Values from which on a sample that narrows the search is faster than partitioning all of them."""

VALUES_PER_BRACKET_SAMPLE = 1 << 15

BRACKET_STANDARD_DEVIATIONS = 4.0
"""Standard deviations of a rank in the sample that a bracket leaves on either side of it."""


def quantile(values: Array, weights: Array | None, q: float) -> float:
    """Return the q-quantile, 0 <= q <= 1; see `quantiles`."""
    return quantiles(values, weights, (q,))[0]


def quantiles(values: Array, weights: Array | None, probabilities: Sequence[float]) -> list[float]:
    """Return quantiles of values (N,) with weights (N,); NaN if there is no value, or a NaN.

    Without weights (or with equal ones) they interpolate linearly between order statistics, NumPy's default. With
    weights they are the averaged inverse of the distribution function: a row of weight 2 counts as two rows.
    """
    if not values.size or np.isnan(values).any():
        return [math.nan for _ in probabilities]
    if weights is None or weights.min() == weights.max():
        return _unweighted_quantiles(values, probabilities)
    found: list[float] = _weighted_quantiles(values[None], weights[None], probabilities)[0].tolist()
    return found


def quantiles_of_rows(values: Array, weights: Array | None, probabilities: Sequence[float]) -> Array:
    """Return the quantiles of each row of values (m, n) with weights (m, n); see `quantiles`."""
    ranks = [q * (values.shape[1] - 1) for q in probabilities]
    needed = sorted({min(int(rank) + i, values.shape[1] - 1) for rank in ranks for i in (0, 1)})
    parted = np.partition(values, needed, axis=1)
    found = np.empty((len(values), len(ranks)))
    for i, rank in enumerate(ranks):
        a, b = parted[:, int(rank)], parted[:, min(int(rank) + 1, values.shape[1] - 1)]
        found[:, i] = _interpolate_all(a, b, rank % 1)
    if weights is not None:
        differ = weights.min(axis=1) != weights.max(axis=1)
        found[differ] = _weighted_quantiles(values[differ], weights[differ], probabilities)
    found[np.isnan(values).any(axis=1)] = np.nan
    return found


def _weighted_quantiles(values: Array, weights: Array, probabilities: Sequence[float]) -> Array:
    """Return the quantiles of each row of values (m, n), none of them NaN, by the averaged inverse."""
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    cumulated = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    total = cumulated[:, -1:]
    found = np.empty((len(values), len(probabilities)))
    for i, q in enumerate(probabilities):
        first = np.count_nonzero(cumulated < q * total - 1e-12 * total, axis=1)
        second = np.minimum(np.count_nonzero(cumulated <= q * total + 1e-12 * total, axis=1), values.shape[1] - 1)
        rows = np.arange(len(values))
        found[:, i] = _interpolate_all(values[rows, first], values[rows, second], 0.5)
    return found


def _interpolate_all(a: Array, b: Array, fraction: float) -> Array:
    """Return the numbers at a fraction of the way from each of a to that of b; see `interpolate`."""
    if fraction == 0:
        return a
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(a == b, a, a + (b - a) * fraction)


def deviation(values: Array, weights: Array | None, centre: float) -> float:
    """Return the median distance of values (N,) from a number."""
    if weights is None and values.size and math.isfinite(centre):
        return _unweighted_quantiles(values, (0.5,), centre)[0]
    distances = values - centre
    return quantile(np.abs(distances, out=distances), weights, 0.5)


def _unweighted_quantiles(values: Array, probabilities: Sequence[float], centre: float | None = None) -> list[float]:
    ranks = [q * (values.size - 1) for q in probabilities]
    needed = sorted({min(int(rank) + i, values.size - 1) for rank in ranks for i in (0, 1)})
    at = dict(zip(needed, order_statistics(values, needed, centre=centre), strict=True))
    return [interpolate(at[int(rank)], at[min(int(rank) + 1, values.size - 1)], rank % 1) for rank in ranks]


def interpolate(a: float, b: float, fraction: float) -> float:
    """Return the number at a fraction of the way from a to b, which may be infinite."""
    return a if fraction == 0 or a == b else a + (b - a) * fraction


class MaskedValues(NamedTuple):
    """The values (N,) that a mask keeps, as they are or as distances from a centre."""

    values: Array
    rows: Mask | None
    centre: float | None

    def read(self, part: slice) -> Array:
        values = self.values[part] if self.rows is None else self.values[part][self.rows[part]]
        if self.centre is None:
            return values
        distances = values - self.centre
        return np.abs(distances, out=distances)

    def copy_all(self) -> Array:
        every = self.read(slice(None))
        return every.copy() if every.base is not None or every is self.values else every

    def between(self, low: float, high: float) -> tuple[int, Array]:
        """Return how many values are below `low`, and those from `low` to `high`."""
        below, inside = 0, []
        for part in blocks(self.values.size):
            block = self.read(part)
            is_inside = block >= low
            is_inside &= block <= high
            below += int(np.count_nonzero(block < low))
            inside.append(block[is_inside])
        return below, np.concatenate(inside)


def order_statistics(
    values: Array, ranks: Sequence[int], rows: Mask | None = None, centre: float | None = None
) -> list[float]:
    """Return the values (N,) that `rows` keeps (or their distances from a centre) at some ranks, counted from 0."""
    masked = MaskedValues(values, rows, centre)
    count = values.size if rows is None else int(np.count_nonzero(rows))
    if count < MIN_VALUES_TO_SAMPLE:
        return _pick_ranks(masked.copy_all(), 0, ranks)
    sample = np.sort(masked.read(slice(None, None, -(-values.size // VALUES_PER_BRACKET_SAMPLE))))
    found: dict[int, float] = {}
    for _, pairs in groupby(enumerate(sorted(set(ranks))), lambda pair: pair[1] - pair[0]):
        adjacent = [rank for _, rank in pairs]
        below, inside = masked.between(*_bracket(sample, adjacent[0] / count, adjacent[-1] / count))
        if not below <= adjacent[0] <= adjacent[-1] < below + inside.size:
            below, inside = 0, masked.copy_all()
        found.update(zip(adjacent, _pick_ranks(inside, below, adjacent), strict=True))
    return [found[rank] for rank in ranks]


def _pick_ranks(values: Array, below: int, ranks: Sequence[int]) -> list[float]:
    """Return the values at some ranks, of which so many are below all of `values`; reorders `values`."""
    places = [rank - below for rank in ranks]
    values.partition(sorted(set(places)))
    return [float(values[i]) for i in places]


def _bracket(sample: Array, first: float, last: float) -> tuple[float, float]:
    """Return bounds for two ranks, given as fractions of the count, from a sorted sample."""
    n = sample.size
    low, high = (
        part * n + sign * (BRACKET_STANDARD_DEVIATIONS * math.sqrt(part * (1 - part) * n) + 2)
        for sign, part in ((-1, first), (1, last))
    )
    return (
        float(sample[int(low)]) if low >= 0 else -math.inf,
        float(sample[math.ceil(high)]) if high <= n - 1 else math.inf,
    )


class LogHistogram:
    """Counts in buckets whose width is less than a thousandth of the values in them.

    The idea is DDSketch's (Masson et al. 2019, arXiv:1908.10693), but the bucket of a number is its leading bits, which
    takes no logarithm. A quantile lies inside its bucket and is therefore right to ACCURACY; subnormal numbers count as
    0. Merging adds counts: the order does not matter, and nothing is random. Weights are supported, unlike in the rank
    sketches of the usual libraries.
    """

    def __init__(self) -> None:
        self._counts: Array = np.zeros(0)
        self._first = 0
        self._used = 0, 0
        self._is_weighted = False

    def __getstate__(self) -> dict[str, Any]:
        """Return the nonempty buckets, with counts as short as they can be."""
        used = np.flatnonzero(self._counts).astype(np.int32)
        counts: NDArray[Any] = self._counts[used]
        is_short = not self._is_weighted and counts.max(initial=0.0) < 1 << 32
        sent = used, counts.astype(np.uint32) if is_short else counts
        return self.__dict__ | {"_counts": sent, "_size": self._counts.size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        used, counts = state["_counts"]
        self.__dict__.update(state, _counts=np.zeros(state["_size"]))
        self._counts[used] = counts
        del self._size  # type: ignore[attr-defined]

    def update(self, values: Array, weights: Array | None) -> None:
        self._is_weighted = self._is_weighted or weights is not None
        for part in blocks(values.size):
            keys, low, high = _bucket_keys(values[part])
            self._make_room(low, high)
            if weights is None and high - low <= keys.size:  # while it counts, other threads can run
                keys -= low
                self._counts[low - self._first : high - self._first] += np.bincount(keys)
            else:
                keys -= self._first
                np.add.at(self._counts, keys, 1.0 if weights is None else weights[part])

    def _make_room(self, low: int, high: int) -> None:
        """Make buckets for the keys from `low` to below `high`, and some more around them."""
        used = self._used
        self._used = (min(used[0], low), max(used[1], high)) if self._counts.size else (low, high)
        first, end = self._first, self._first + self._counts.size
        if first <= low and high <= end:
            return
        low, high = self._used
        counts = np.zeros(high - low + 2 * SPARE_BUCKETS)
        self._first = low - SPARE_BUCKETS
        counts[used[0] - self._first : used[1] - self._first] = self._counts[used[0] - first : used[1] - first]
        self._counts = counts

    def merge(self, other: LogHistogram) -> None:
        if other._counts.size:
            low, high = other._used
            self._make_room(low, high)
            counts = other._counts[low - other._first : high - other._first]
            self._counts[low - self._first : high - self._first] += counts
        self._is_weighted = self._is_weighted or other._is_weighted

    def quantiles(self, probabilities: Sequence[float]) -> list[float]:
        """Return approximate quantiles of the values; see the function `quantiles`."""
        used = np.flatnonzero(self._counts)
        if not used.size or self._first + used[-1] > BUCKET_OF_INFINITY or self._first + used[0] < ~BUCKET_OF_INFINITY:
            return [math.nan for _ in probabilities]
        cumulated = np.cumsum(self._counts)
        total = float(cumulated[-1])
        if self._is_weighted:
            ends = [(q * total - 1e-12 * total, q * total + 1e-12 * total, 0.5) for q in probabilities]
        else:  # the middles of the two values around a rank
            ends = [(int(p) + 0.5, int(p) + 1.5, p % 1) for p in (q * (total - 1) for q in probabilities)]
        return [interpolate(self._at(cumulated, a), self._at(cumulated, b), part) for a, b, part in ends]

    def _at(self, cumulated: Array, rank: float) -> float:
        """Return the value at a rank, as if the values of a bucket were evenly spread."""
        rank = min(max(rank, sys.float_info.min), float(cumulated[-1]))
        i = int(np.searchsorted(cumulated, rank))
        low, high = _bucket_bounds(self._first + i)
        return interpolate(low, high, 1 - (float(cumulated[i]) - rank) / float(self._counts[i]))


def ordered(values: Array) -> NDArray[np.int64]:
    """Return the bits of floats as integers of the same order; those of -x are ~ those of x."""
    bits = np.ascontiguousarray(values).view(np.int64)
    keys = bits >> 63  # -1 where negative: there the other bits run backwards
    keys &= BITS_WITHOUT_SIGN
    keys ^= bits
    return keys


def _bucket_keys(values: Array) -> tuple[NDArray[np.int64], int, int]:
    """Return the bucket of each value, the lowest of them, and the highest plus 1."""
    bits = np.ascontiguousarray(values).view(np.int64)
    low, high = int(bits.min()), int(bits.max())
    if low < 0:
        keys = ordered(values)
        low, high = int(keys.min()), int(keys.max())
        keys >>= BITS_DROPPED
    else:  # no sign bit: the bits have the order of the numbers
        keys = bits >> BITS_DROPPED
    return keys, low >> BITS_DROPPED, (high >> BITS_DROPPED) + 1


def _bucket_bounds(key: int) -> tuple[float, float]:
    """Return the least and the largest number of a bucket, 0 for subnormal numbers."""
    if key < 0:
        low, high = _bucket_bounds(~key)
        return -high, -low
    if key >= BUCKET_OF_INFINITY:
        return math.inf, math.inf
    low, high = (float(np.int64(k << BITS_DROPPED).view(np.float64)) for k in (key, key + 1))
    return (0.0, 0.0) if low < sys.float_info.min else (low, min(high, sys.float_info.max))


class Quantiles:
    """Quantiles of a stream of weighted values.

    Merged streams stay apart, so that a histogram has the same digits whenever values become counts: each stream is
    counted first, then the counts are added.
    """

    def __init__(self, budget: int = MAX_VALUES_KEPT) -> None:
        self.budget = budget
        self.kept = 0
        self.histogram: LogHistogram | None = None
        self._own: list[tuple[Array, Array | None]] = []
        self._merged: list[Quantiles] = []

    def update(self, values: Array, weights: Array | None) -> None:
        """Add values (N,) with their weights, before any merge."""
        if self.kept + values.size > self.budget:
            self.to_histogram()
        if self.histogram is not None:
            self.histogram.update(values, weights)
            return
        self._own.append((values, weights))
        self.kept += values.size

    def merge(self, other: Quantiles) -> None:
        """Add the values of another stream, which belongs to this one from here on."""
        if other.histogram is None and not other.kept:
            return
        if other.histogram is not None or self.kept + other.kept > self.budget:
            self.to_histogram()
        if self.histogram is not None:
            self.histogram.merge(other.to_histogram())
            return
        self._merged.append(other)
        self.kept += other.kept

    def to_histogram(self) -> LogHistogram:
        """Keep counts from here on, no values."""
        if self.histogram is None:
            self.histogram = LogHistogram()
            for values, weights in self._own:
                self.histogram.update(values, weights)
            for other in self._merged:
                self.histogram.merge(other.to_histogram())
            self._own, self._merged, self.kept = [], [], 0
        return self.histogram

    def _values(self) -> Iterator[tuple[Array, Array | None]]:
        yield from self._own
        for other in self._merged:
            yield from other._values()

    def quantiles(self, probabilities: Sequence[float]) -> list[float]:
        if self.histogram is not None:
            return self.histogram.quantiles(probabilities)
        kept = list(self._values())
        weights = [w for _, w in kept if w is not None]
        values = np.concatenate([v for v, _ in kept]) if kept else np.zeros(0)
        return quantiles(values, np.concatenate(weights) if weights else None, probabilities)
