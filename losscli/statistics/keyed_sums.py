"""Sums over rows by a number of each row: how a loss spreads over residuals, over predictions, or over itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

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
        self.is_weighted = False
        self._own: list[tuple[Array, Sequence[Array], Array | None]] = []  # each keys, columns, weights
        self._merged: list[KeyedSums] = []
        self._sides: tuple[Buckets, Buckets] | None = None
        self._zeros = np.zeros(0)  # of rows whose key is 0: between them and the others are many buckets

    def update(self, key: Array, columns: Sequence[Array], weight: Array | None = None) -> None:
        """Add rows: their keys (N,), which are no NaN, their columns, each (N,), and weights (N,).

        Rows have weights in all streams that are merged, or in none.
        """
        if not key.size:
            return
        self.is_weighted = weight is not None
        if self._sides is None and self.n_kept + key.size > self.max_rows:
            self.to_buckets()
        if self._sides is not None:
            self._add_rows(key, columns, weight)
            return
        copies = [column.copy() for column in columns], None if weight is None else weight.copy()
        self._own.append((key.copy(), *copies))
        self.n_kept += key.size

    def merge(self, other: KeyedSums) -> None:
        """Add the rows of a later stream, which belongs to this one from here on."""
        self.is_weighted |= other.is_weighted
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
            n_sums = 2 + self.n_columns + self.is_weighted  # count, key, columns, weight
            self._sides, self._zeros = (Buckets(n_sums), Buckets(n_sums)), np.zeros(n_sums)
            for rows in self._own:
                self._add_rows(*rows)
            for other in self._merged:
                self._add_buckets(other)
            self._own, self._merged, self.n_kept = [], [], 0
        return self._sides

    def _add_buckets(self, other: KeyedSums) -> None:
        if not other.n_kept and other._sides is None:
            return
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
        n_buckets = int(bucket.max()) + 1 - low
        bucket -= low
        is_negative = key < 0
        n_sides = 1 + bool(is_negative.any())
        if n_sides == 2:  # negative keys are counted beyond the others
            bucket += is_negative * np.int64(n_buckets)
        # the key of infinity times a weight stays infinite; the count alone has no weight
        summed = [column if weight is None else column * weight for column in (key, *columns)]
        added = [None, *summed] if weight is None else [None, *summed, weight]
        sums = [np.bincount(bucket, column, n_sides * n_buckets) for column in added]
        negative, positive = self.to_buckets()
        positive.add(low, [each[:n_buckets] for each in sums])
        if n_sides == 2:
            negative.add(low, [each[n_buckets:] for each in sums])

    def _add_zeros(self, count: int, columns: Sequence[Array], weight: Array | None) -> None:
        """Add rows whose key is 0."""
        self._zeros[0] += count
        for i, column in enumerate(columns):
            self._zeros[2 + i] += (column if weight is None else column * weight).sum()
        if weight is not None:
            self._zeros[-1] += weight.sum()

    def _rows(self) -> Iterator[tuple[Array, Sequence[Array], Array | None]]:
        yield from self._own
        for other in self._merged:
            yield from other._rows()

    def table(self) -> SumsByKey:
        """Return what was added, in ascending order of the keys; rows of one key in the order they came."""
        if self._sides is None:
            return self._table_of_rows()
        negative, positive = (side.used() for side in self._sides)
        zeros = self._zeros[:, None][:, : int(self._zeros[0] > 0)]
        sums = np.concatenate([negative[:, ::-1], zeros, positive], axis=1)
        n_rows, weight = sums[0], sums[-1] if self.is_weighted else sums[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            key = np.where(weight > 0, sums[1] / weight, 0.0)
        return SumsByKey(key, n_rows, weight, sums[2 : 2 + self.n_columns], False)

    def _table_of_rows(self) -> SumsByKey:
        kept = list(self._rows())
        key = np.concatenate([keys for keys, _, _ in kept] or [np.zeros(0)])
        order = np.argsort(key, kind="stable")
        ones = np.ones(len(key))
        weight = np.concatenate([w for _, _, w in kept if w is not None])[order] if self.is_weighted else ones
        sums = np.empty((self.n_columns, len(key)))
        for i in range(self.n_columns):
            sums[i] = np.concatenate([columns[i] for _, columns, _ in kept] or [np.zeros(0)])[order]
        return SumsByKey(key[order], ones, weight, sums * weight if self.is_weighted else sums, True)


class Buckets:
    """Sums (columns, buckets) over rows by the leading bits of the size of a key; the first are the counts."""

    def __init__(self, n_sums: int) -> None:
        self._sums = np.zeros((n_sums, 0))
        self._first = 0

    def add(self, low: int, sums: Sequence[NDArray[Any]]) -> None:
        """Add sums, each (k,), of the buckets from `low` on."""
        high = low + len(sums[0])
        self._make_room(low, high)
        for mine, added in zip(self._sums, sums, strict=True):
            mine[low - self._first : high - self._first] += added

    def merge(self, other: Buckets) -> None:
        used = np.flatnonzero(other._sums[0])
        if used.size:
            start, stop = int(used[0]), int(used[-1]) + 1
            self.add(other._first + start, [*other._sums[:, start:stop]])

    def used(self) -> Array:
        """Return the sums (columns, k) of the buckets with rows, from the smallest keys."""
        return self._sums[:, self._sums[0] > 0]

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
