"""Rows of many queries at once: their order by score, ties, gains and discounts, and all pairs of a query.

`offsets` (Q + 1,) say where each query begins; its rows follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.row_lists import Offsets
from losscli.losses._numerics import cached_per_batch

Rows = NDArray[np.int64]
"""Indices of rows."""

LN2 = float(np.log(2))

LARGE_RELEVANCE = 512.0
"""Relevances from which on gains are divided by the largest of their query, for they overflow at 1024."""

PAIRS_PER_BLOCK = 1 << 17
"""About how many pairs are computed at a time."""


def sum_by_query(values: Array, offsets: Offsets) -> Array:
    """Return the sum of the values of each query (Q,)."""
    return np.asarray(np.add.reduceat(values, offsets[:-1]))


def max_by_query(values: Array, offsets: Offsets) -> Array:
    """Return the largest value of each query (Q,)."""
    return np.asarray(np.maximum.reduceat(values, offsets[:-1]))


@cached_per_batch
def query_of_rows(offsets: Offsets) -> Rows:
    """Return the query of each row (n,)."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


@cached_per_batch
def descending(values: Array, offsets: Offsets) -> Rows:
    """Return the order that sorts the rows of each query by a value, the largest first, equal ones in row order."""
    return np.asarray(np.lexsort((-values, query_of_rows(offsets))), dtype=np.int64)


@cached_per_batch
def places(offsets: Offsets) -> Rows:
    """Return 0, 1, 2, ... within each query (n,)."""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


class Gains(NamedTuple):
    """The gains of relevances (n,), up to a factor of each query where they would overflow.

    Attributes:
        values: The gains.
        relevance: The relevances.
        powers: 2 to the relevance with the same factor; None if differences of the values lose no digits.
    """

    values: Array
    relevance: Array
    powers: Array | None

    @classmethod
    def of(cls, relevance: Array, offsets: Offsets, gain: str) -> Gains:
        """Compute the gains."""
        if gain == "linear":
            return cls(relevance, relevance, None)
        values = np.where(relevance >= 1, np.exp2(relevance) - 1, np.expm1(relevance * LN2))
        powers = None if (relevance == np.floor(relevance)).all() else np.exp2(relevance)
        if (relevance >= LARGE_RELEVANCE).any():
            top = max_by_query(relevance, offsets)[query_of_rows(offsets)]
            below, is_scaled = np.exp2(relevance - top), top >= LARGE_RELEVANCE
            scaled = np.where(relevance >= LARGE_RELEVANCE, below, values * np.exp2(-top))
            values = np.where(is_scaled, scaled, values)
            powers = None if powers is None else np.where(is_scaled, below, powers)
        return cls(values, relevance, powers)

    def gaps(self, rows: Rows, others: Rows) -> Array:
        """Return the gains of rows less those of others, without cancelling where they are nearly equal."""
        if self.powers is None:
            return np.asarray(self.values[rows] - self.values[others])
        apart = self.relevance[rows] - self.relevance[others]
        shares = -np.expm1(-np.abs(apart) * LN2)
        return np.copysign(np.maximum(self.powers[rows], self.powers[others]) * shares, apart)


def discounts(offsets: Offsets, k: int | None) -> Array:
    """Return 1/log2(1 + rank) of the ranks within each query (n,), 0 beyond the first k."""
    place = places(offsets)
    found = 1 / np.log2(place + 2.0)
    return found if k is None else np.where(place < k, found, 0.0)


class TiedScores(NamedTuple):
    """Runs of equal scores in rows sorted by score: where each begins, and of each row its run and its place there."""

    starts: Rows
    sizes: Rows
    run: Rows
    place: Rows

    @classmethod
    def of(cls, scores: Array, offsets: Offsets) -> TiedScores:
        """Find the runs among scores (n,) that are sorted within each query."""
        is_first = np.ones(len(scores), dtype=bool)
        np.not_equal(scores[1:], scores[:-1], out=is_first[1:])
        is_first[offsets[:-1]] = True
        starts = np.flatnonzero(is_first)
        sizes = np.diff(starts, append=len(scores))
        run = np.repeat(np.arange(len(starts)), sizes)
        return cls(starts, sizes, run, np.arange(len(scores)) - starts[run])

    def sums(self, values: Array) -> Array:
        """Return the sum of the values of each run, by row (n,)."""
        return np.asarray(np.add.reduceat(values, self.starts)[self.run])


def has_equal_neighbours(scores: Array, offsets: Offsets) -> bool:
    """Tell whether scores that are sorted within each query have equal ones."""
    return len(scores) > 1 and bool(((scores[1:] == scores[:-1]) & (places(offsets)[1:] > 0)).any())


@cached_per_batch
def log_sum_exp_by_query(values: Array, offsets: Offsets) -> tuple[Array, Array]:
    """Return the largest value of each query, and how much log sum exp is above it: without cancelling (Q,)."""
    top, at = max_by_query(values, offsets), query_of_rows(offsets)
    rows = np.arange(len(values))
    first = np.minimum.reduceat(np.where(values == top[at], rows, len(values)), offsets[:-1])
    power = np.exp(below_top(values, top[at]))
    power[first[first < len(values)]] = 0.0  # a query that has a NaN has no largest value
    return top, np.log1p(sum_by_query(power, offsets))


def softmax_by_query(values: Array, offsets: Offsets) -> Array:
    """Return the softmax of the values of each query (n,)."""
    return np.exp(log_softmax_by_query(values, offsets))


def log_softmax_by_query(values: Array, offsets: Offsets) -> Array:
    """Return the logarithm of the softmax of the values of each query (n,)."""
    (top, rest), at = log_sum_exp_by_query(values, offsets), query_of_rows(offsets)
    return below_top(values, top[at]) - rest[at]


def below_top(values: Array, top: Array) -> Array:
    """Return values less the largest of their query, 0 for that one, also where it is infinite (n,)."""
    return np.where(values == top, 0.0, values - top)


class PairBlock(NamedTuple):
    """Some queries with as many rows each, or some rows of one query, beside all rows of theirs.

    Attributes:
        queries: The queries (L,).
        first: The rows that the pairs begin with (L, m).
        second: The rows that they end with (L, K).
    """

    queries: Rows
    first: Rows
    second: Rows

    def gaps(self, values: Array) -> Array:
        """Return the value of the first row less that of the second, of all pairs (L, m, K)."""
        return np.asarray(values[self.first][:, :, None] - values[self.second][:, None, :])

    def are_ordered(self, relevance: Array) -> Mask:
        """Return the pairs whose first row is more relevant than the second (L, m, K)."""
        return np.asarray(relevance[self.first][:, :, None] > relevance[self.second][:, None, :])


def lists_of_one_size(offsets: Offsets) -> Iterator[tuple[Rows, Rows]]:
    """Yield queries (L,) that have as many rows each, and these (L, K)."""
    sizes = np.diff(offsets)
    by_size = sizes.argsort(kind="stable")
    cuts = np.flatnonzero(np.diff(sizes[by_size])) + 1
    for queries in np.split(by_size, cuts):
        yield queries, offsets[queries][:, None] + np.arange(sizes[queries[0]])


def pairs_of_rows(offsets: Offsets) -> Iterator[PairBlock]:
    """Yield all pairs of two rows of one query, block by block."""
    for queries, rows in lists_of_one_size(offsets):
        width = rows.shape[1]
        if width < 2:
            continue
        lists = max(1, PAIRS_PER_BLOCK // width**2)
        step = width if lists > 1 else max(1, PAIRS_PER_BLOCK // width)
        for i in range(0, len(queries), lists):
            part = slice(i, i + lists)
            for j in range(0, width, step):
                yield PairBlock(queries[part], rows[part, j : j + step], rows[part])


@cached_per_batch
def count_pairs(relevance: Array, offsets: Offsets) -> Array:
    """Return how many pairs of rows of each query differ in relevance (Q,)."""
    order = descending(relevance, offsets)
    ties = TiedScores.of(relevance[order], offsets)
    sizes = np.diff(offsets).astype(np.float64)
    equal = sum_by_query(ties.sizes[ties.run].astype(np.float64), offsets)  # the sum of squares of the runs
    return np.asarray((sizes**2 - equal) / 2)


class PairTotals:
    """Sums over the pairs of each query, and by row, added up block by block."""

    def __init__(self, offsets: Offsets) -> None:
        self.by_query = np.zeros(len(offsets) - 1)
        self.by_row = np.zeros(int(offsets[-1]))

    def add(self, block: PairBlock, values: Array) -> None:
        """Add the values of pairs (L, m, K) to their queries."""
        self.by_query[block.queries] += values.reshape(len(block.queries), -1).sum(axis=1)

    def add_slopes(self, block: PairBlock, slopes: Array) -> None:
        """Add the slopes of pairs by the score of their first row (L, m, K), of which the second has the opposite."""
        self.by_row[block.first] += slopes.sum(axis=2)
        self.by_row[block.second] -= slopes.sum(axis=1)


def unjudged_as(values: Array, is_judged: Mask, no_relevant: Any) -> Array:
    """Return values of queries (Q,), and what `no_relevant` says of those that cannot be judged."""
    return np.where(is_judged, values, 1.0 if no_relevant == "1" else 0.0)


def is_counted(is_judged: Mask, no_relevant: Any) -> Mask:
    """Return which queries count (Q,): those that cannot be judged do if `no_relevant` gives them a loss."""
    return is_judged if no_relevant == "skip" else np.ones_like(is_judged)
