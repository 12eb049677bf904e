"""How often each row is drawn in each resample, and sums over resamples that no order of addition changes.

Counts are a function of the seed, the rows and the number of the resample, never of how the work is split: they come
from raw bits of generators that are keyed, so that they stay the same in every version of NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array

BLOCK = 1 << 12
"""Rows that share a generator in a Poisson bootstrap, and rows that are multiplied at a time."""

LIMIT = 1 << 16
"""Rows that can be resampled at once: as many as sums are exact for."""

CELLS = 1 << 18
"""Counts made at a time: making a generator costs as much as some thousands of them."""

COLUMNS = 4
"""Columns multiplied at a time."""

PRODUCTS = 1 << 18
"""Products at a time: from 2**19 on BLAS starts threads of its own, which fight with ours."""

BITS = 37
"""Bits of a number's part: LIMIT * 2**BITS = 2**53, so that sums of parts are exact."""

POISSON = bytes(count for count, share in enumerate((94, 95, 46, 16, 4, 1)) for _ in range(share))
"""2**8 equally likely counts: Poisson(1) to 0.005, with its mean and variance, both exactly 1."""

Drawn = NDArray[Any]
Counts = Callable[[int, int], Drawn]
"""number of the first resample, how many -> how often each row is drawn in each of them (resamples, rows)"""


def multinomial(n: int, seed: int) -> Counts:
    """Efron's (1979) resamples of n rows, n <= LIMIT: n draws with replacement each."""

    def counts(first: int, size: int) -> Drawn:
        draws = size * n
        bits = _raw(-(-draws // 2), seed, 0, first).view(np.uint32)[:draws]
        cell = np.multiply(bits, np.uint64(n), dtype=np.uint64)  # Lemire 2019; its bias is below n / 2**32
        cell >>= np.uint64(32)
        cell.reshape(size, n)[...] += np.arange(0, draws, n, dtype=np.uint64)[:, None]
        return np.bincount(cell.view(np.int64), minlength=draws).reshape(size, n)

    return counts


def poisson(block: int, seed: int) -> Counts:
    """Resamples in which each of a block's BLOCK rows is drawn Poisson(1) times, whatever becomes of the others."""

    def counts(first: int, size: int) -> Drawn:
        bits = _raw(size * BLOCK // 8, seed, 1, block, first).tobytes()
        return np.frombuffer(bits.translate(POISSON), dtype=np.uint8).reshape(size, BLOCK)

    return counts


def _raw(size: int, seed: int, *key: int) -> NDArray[np.uint64]:
    return np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)).random_raw(size)


def over_resamples(counts: Counts, rows: int, resamples: int, statistic: Callable[[Drawn], Array]) -> Array:
    """A statistic of every resample: it maps counts (m, rows) to results (m, ...), here put together in order."""
    from concurrent.futures import ThreadPoolExecutor

    size = max(1, CELLS // rows)
    starts = range(0, resamples, size)
    with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
        pieces = pool.map(lambda first: statistic(counts(first, min(size, resamples - first))), starts)
        return np.concatenate(list(pieces))


def sums(counts: Counts, columns: Array, resamples: int) -> Array:
    """The sum of each column (rows, k) over each resample: (resamples, k), the same digits whatever adds them up."""
    fixed = FixedPoint.of(columns)
    return fixed.restored(over_resamples(counts, len(columns), resamples, fixed.totals))


class FixedPoint(NamedTuple):
    """Columns (rows, k) as integers of two parts, high and low: sums of those are exact in float64, and need no order.

    `parts` (rows, p) are the distinct ones, at `places` (2 k,): first all high parts, then all low ones. `exponents`
    (k,) are those of the columns' largest numbers. What is below 2**-74 of the largest is lost.
    """

    parts: Array
    positions: list[int]
    exponents: NDArray[np.intc]

    @classmethod
    def of(cls, columns: Array) -> FixedPoint:
        _, exponents = np.frexp(np.abs(columns).max(axis=0, initial=0.0))
        scaled = np.ldexp(columns, BITS - exponents)
        high = np.rint(scaled)
        low = np.rint(np.ldexp(scaled - high, BITS))
        parts = np.concatenate([high, low], axis=1)
        seen: dict[bytes, int] = {}  # weights are the same for all losses, and whole numbers have no low part
        positions = [seen.setdefault(part.tobytes(), len(seen)) for part in parts.T]
        return cls(parts[:, [positions.index(i) for i in range(len(seen))]], positions, exponents)

    def totals(self, drawn: Drawn) -> Array:
        """The sums of the parts over resamples (m, rows): (m, p), tile by tile."""
        rows, columns = self.parts.shape
        size = max(1, PRODUCTS // (COLUMNS * min(rows, BLOCK)))
        out = np.zeros((len(drawn), columns))
        space = np.empty((size, min(rows, BLOCK)))  # fresh memory for each tile would cost more than to fill it
        for i in range(0, len(drawn), size):
            for j in range(0, rows, BLOCK):
                counts = drawn[i : i + size, j : j + BLOCK]
                tile = space[: counts.shape[0], : counts.shape[1]]
                tile[...] = counts
                for k in range(0, columns, COLUMNS):
                    out[i : i + size, k : k + COLUMNS] += tile @ self.parts[j : j + BLOCK, k : k + COLUMNS]
        return out

    def restored(self, totals: Array) -> Array:
        """Sums of the parts (m, p) as sums of the columns (m, k)."""
        high, low = np.split(totals[:, self.positions], 2, axis=1)
        return np.ldexp(high, self.exponents - BITS) + np.ldexp(low, self.exponents - 2 * BITS)
