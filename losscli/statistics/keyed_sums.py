"""Sums over rows by a number of each row: how a loss spreads over residuals, over predictions, or over itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.quantiles import BITS_DROPPED, SPARE_BUCKETS

MAX_ROWS_KEPT = 1 << 16
"""Rows that are kept as they are; more are summed in buckets."""


FIRST_NORMAL_BUCKET = 1 << (52 - BITS_DROPPED)
"""The bucket of the smallest number that is not subnormal."""


class SumsByKey(NamedTuple):
    """Rows, or buckets of rows, in ascending order of their keys.

    Attributes:
        key: The weighted mean of the keys in a bucket (k,).
        n_rows: How many rows each entry stands for (k,).
        weight: The sum of their weights (k,); the counts if rows have no weights.
        sums: The weighted sum of each column (columns, k).
        is_exact: Whether each entry is one row.
    """

    key: Array
    n_rows: Array
    weight: Array
    sums: Array
    is_exact: bool


class KeyedSums:
    """Sums of columns over rows by a key: rows in order while they are few, sums per bucket after that.

    A bucket is the leading bits of a key, as in `LogHistogram`; buckets of either sign have an array each, so that
    the small keys between them take no room. Streams that are merged stay apart until they become buckets, and are
    added in the order of the merges: the digits depend on the parts of the data, not on who merges them.
    """

    def __init__(self, n_columns: int, max_rows: int = MAX_ROWS_KEPT) -> None:
        self.n_columns, self.max_rows = n_columns, max_rows
        self.n_kept = 0
        self._own: list[Array] = []  # each (columns + 3, rows): key, count, weight, columns
        self._merged: list[KeyedSums] = []
        self._sides: tuple[Buckets, Buckets] | None = None
        self._zeros = np.zeros(n_columns + 3)  # of rows whose key is 0: between them and the others are many buckets

    def update(self, key: Array, columns: Sequence[Array], weight: Array | None = None) -> None:
        """Add rows: their keys (N,), which are no NaN, their columns, each (N,), and weights (N,)."""
        if not key.size:
            return
        if self._sides is None and self.n_kept + key.size > self.max_rows:
            self.to_buckets()
        if self._sides is not None:
            self._add_rows(key, columns, weight)
            return
        rows = np.empty((self.n_columns + 3, key.size))
        rows[0], rows[1], rows[2] = key, 1.0, 1.0 if weight is None else weight
        for place, column in zip(rows[3:], columns, strict=True):
            place[:] = column
        self._own.append(rows)
        self.n_kept += key.size

    def merge(self, other: KeyedSums) -> None:
        """Add the rows of a later stream, which belongs to this one from here on."""
        if other._sides is not None or self.n_kept + other.n_kept > self.max_rows:
            self.to_buckets()
        if self._sides is None:
            self._merged.append(other)
            self.n_kept += other.n_kept
            return
        self._add_buckets(other)

    def to_buckets(self) -> tuple[Buckets, Buckets]:
        """Return the sums in buckets, of the negative keys by their size and of the others; keep no rows from now."""
        if self._sides is None:
            self._sides = Buckets(self.n_columns + 3), Buckets(self.n_columns + 3)
            for rows in self._own:
                self._add_rows(rows[0], [*rows[3:]], rows[2])
            for other in self._merged:
                self._add_buckets(other)
            self._own, self._merged, self.n_kept = [], [], 0
        return self._sides

    def _add_buckets(self, other: KeyedSums) -> None:
        for mine, theirs in zip(self.to_buckets(), other.to_buckets(), strict=True):
            mine.merge(theirs)
        self._zeros += other._zeros

    def _add_rows(self, key: Array, columns: Sequence[Array], weight: Array | None) -> None:
        """Add rows to the buckets; weights that are None are 1."""
        bucket: NDArray[np.int64] = np.abs(key).view(np.int64)
        bucket >>= BITS_DROPPED
        if (low := int(bucket.min())) < FIRST_NORMAL_BUCKET:
            is_zero = bucket < FIRST_NORMAL_BUCKET
            zeros = np.flatnonzero(is_zero)
            self._add_zeros(
                zeros.size, [column[zeros] for column in columns], None if weight is None else weight[zeros]
            )
            if zeros.size == key.size:
                return
            kept = ~is_zero
            key, bucket, columns = key[kept], bucket[kept], [column[kept] for column in columns]
            weight, low = None if weight is None else weight[kept], int(bucket.min())
        high = int(bucket.max()) + 1
        bucket -= low
        is_negative = key < 0
        n_sides = 1 + bool(is_negative.any())
        if n_sides == 2:  # negative keys are counted beyond the others
            bucket += is_negative * np.int64(high - low)
        n_buckets = n_sides * (high - low)
        sums = np.empty((self.n_columns + 3, n_buckets))
        sums[1] = np.bincount(bucket, minlength=n_buckets)
        sums[2] = sums[1] if weight is None else np.bincount(bucket, weight, n_buckets)
        for place, column in zip((sums[0], *sums[3:]), (key, *columns), strict=True):
            # the key of infinity times a weight stays infinite; the count alone has no weight
            place[:] = np.bincount(bucket, column if weight is None else column * weight, n_buckets)
        negative, positive = self.to_buckets()
        positive.add(low, sums[:, : high - low])
        if n_sides == 2:
            negative.add(low, sums[:, high - low :])

    def _add_zeros(self, count: int, columns: Sequence[Array], weight: Array | None) -> None:
        """Add rows whose key is 0."""
        self._zeros[1] += count
        self._zeros[2] += count if weight is None else weight.sum()
        for i, column in enumerate(columns):
            self._zeros[i + 3] += (column if weight is None else column * weight).sum()

    def _rows(self) -> Iterator[Array]:
        yield from self._own
        for other in self._merged:
            yield from other._rows()

    def table(self) -> SumsByKey:
        """Return what was added, in ascending order of the keys; rows of one key in the order they came."""
        if self._sides is None:
            kept = list(self._rows())
            rows = np.concatenate(kept, axis=1) if kept else np.empty((self.n_columns + 3, 0))
            rows = rows[:, np.argsort(rows[0], kind="stable")]
            return SumsByKey(rows[0], rows[1], rows[2], rows[3:] * rows[2], True)
        negative, positive = (side.used() for side in self._sides)
        zeros = self._zeros[:, None][:, : int(self._zeros[1] > 0)]
        sums = np.concatenate([negative[:, ::-1], zeros, positive], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            key = np.where(sums[2] > 0, sums[0] / sums[2], 0.0)
        return SumsByKey(key, sums[1], sums[2], sums[3:], False)


class Buckets:
    """Sums (columns, buckets) over rows by the leading bits of the size of a key; subnormal keys count as 0."""

    def __init__(self, n_columns: int) -> None:
        self._sums = np.zeros((n_columns, 0))
        self._first = 0

    def add(self, low: int, sums: Array) -> None:
        """Add sums (columns, k): the key, the count, the weight, and what is summed, of the buckets from `low` on."""
        self._make_room(low, low + sums.shape[1])
        self._sums[:, low - self._first : low - self._first + sums.shape[1]] += sums

    def merge(self, other: Buckets) -> None:
        used = np.flatnonzero(other._sums[1])
        if used.size:
            low, high = other._first + int(used[0]), other._first + int(used[-1]) + 1
            self._make_room(low, high)
            theirs = other._sums[:, low - other._first : high - other._first]
            self._sums[:, low - self._first : high - self._first] += theirs

    def used(self) -> Array:
        """Return the sums (columns, k) of the buckets with rows, from the smallest keys."""
        return self._sums[:, self._sums[1] > 0]

    def _make_room(self, low: int, high: int) -> None:
        """Make buckets from `low` to below `high`, and some more around them."""
        first, end = self._first, self._first + self._sums.shape[1]
        if end > first and first <= low and high <= end:
            return
        if end > first:
            low, high = min(low, first + SPARE_BUCKETS), max(high, end - SPARE_BUCKETS)
        sums = np.zeros((len(self._sums), high - low + 2 * SPARE_BUCKETS))
        start = first - (low - SPARE_BUCKETS) if end > first else 0
        sums[:, start : start + end - first] = self._sums
        self._sums, self._first = sums, low - SPARE_BUCKETS
