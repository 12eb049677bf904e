"""How often each resample draws each row, and sums over resamples that do not depend on the order of addition.

Counts are a function of the seed, the rows and the number of the resample, not of how the work is split. They come from
the raw bits of keyed generators and are therefore the same in every version of NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array

ROWS_PER_DRAW = 1 << 12
"""Rows that share a generator in a Poisson bootstrap; also the rows of a tile."""

MAX_ROWS_HELD = 1 << 16
"""Rows that are resampled in memory: for no more of them sums are exact."""

COUNTS_PER_GENERATOR = 1 << 18
"""Counts that each generator makes: its own cost is that of some thousands of them."""

COLUMNS_PER_TILE = 4

MULTIPLICATIONS_PER_TILE = 1 << 18
"""Multiplications for each tile: from 2**19 on BLAS starts threads of its own, which compete with these."""

BITS_PER_PART = 37
"""Bits of one part of a number: MAX_ROWS_HELD * 2**BITS_PER_PART = 2**53, so that sums of parts are exact."""

POISSON_COUNTS = bytes(count for count, share in enumerate((94, 95, 46, 16, 4, 1)) for _ in range(share))
"""256 equally likely counts: Poisson(1) to 0.005, with its mean and its variance, both exactly 1."""

Drawn = NDArray[Any]
DrawCounts = Callable[[int, int], Drawn]
"""A function of the first resample and how many, to how often each of them draws each row (resamples, rows)."""


def multinomial(n: int, seed: int, size: int | None = None) -> DrawCounts:
    """Return the draws of Efron (1979): `size` of n rows, n by default, with replacement; both <= MAX_ROWS_HELD."""
    size = n if size is None else size

    def counts(first: int, resamples: int) -> Drawn:
        draws = resamples * size
        bits = _raw(-(-draws // 2), seed, 0, first).view(np.uint32)[:draws]
        cell = np.multiply(bits, np.uint64(n), dtype=np.uint64)  # Lemire 2019; its bias is below n / 2**32
        cell >>= np.uint64(32)
        cell.reshape(resamples, size)[...] += np.arange(0, resamples * n, n, dtype=np.uint64)[:, None]
        return np.bincount(cell.view(np.int64), minlength=resamples * n).reshape(resamples, n)

    return counts


def poisson(block: int, seed: int) -> DrawCounts:
    """Return draws in which each of a block's ROWS_PER_DRAW rows has an independent Poisson(1) count."""

    def counts(first: int, size: int) -> Drawn:
        bits = _raw(size * ROWS_PER_DRAW // 8, seed, 1, block, first).tobytes()
        return np.frombuffer(bits.translate(POISSON_COUNTS), dtype=np.uint8).reshape(size, ROWS_PER_DRAW)

    return counts


def _raw(size: int, seed: int, *key: int) -> NDArray[np.uint64]:
    return np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)).random_raw(size)


def over_resamples(counts: DrawCounts, rows: int, resamples: int, statistic: Callable[[Drawn], Array]) -> Array:
    """Return a statistic of every resample, in order; it maps counts (m, rows) to results (m, ...)."""
    from concurrent.futures import ThreadPoolExecutor

    size = max(1, COUNTS_PER_GENERATOR // rows)
    starts = range(0, resamples, size)
    with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
        pieces = pool.map(lambda first: statistic(counts(first, min(size, resamples - first))), starts)
        return np.concatenate(list(pieces))


def sums(counts: DrawCounts, columns: Array, resamples: int) -> Array:
    """Return the sum of each column (rows, k) over each resample: (resamples, k), with the same digits in any order."""
    fixed = FixedPoint.of(columns)
    return fixed.restored(over_resamples(counts, len(columns), resamples, fixed.totals))


class FixedPoint(NamedTuple):
    """Columns (rows, k) as integers in two parts, high and low, whose sums are exact in float64 in any order.

    `parts` (rows, p) are the distinct parts; `positions` (2 k,) index them: first all high parts, then all low ones.
    `exponents` (k,) are those of the largest number of each column. Digits below 2**-74 of the largest are lost.
    """

    parts: Array
    positions: list[int]
    exponents: NDArray[np.intc]

    @classmethod
    def of(cls, columns: Array) -> FixedPoint:
        _, exponents = np.frexp(np.abs(columns).max(axis=0, initial=0.0))
        scaled = np.ldexp(columns, BITS_PER_PART - exponents)
        high = np.rint(scaled)
        low = np.rint(np.ldexp(scaled - high, BITS_PER_PART))
        parts = np.concatenate([high, low], axis=1)
        seen: dict[bytes, int] = {}  # weights are the same for all losses, and whole numbers have no low part
        positions = [seen.setdefault(part.tobytes(), len(seen)) for part in parts.T]
        return cls(parts[:, [positions.index(i) for i in range(len(seen))]], positions, exponents)

    def totals(self, drawn: Drawn) -> Array:
        """Return the sums of the parts (m, p) over resamples (m, rows), tile by tile."""
        rows, columns = self.parts.shape
        size = max(1, MULTIPLICATIONS_PER_TILE // (COLUMNS_PER_TILE * min(rows, ROWS_PER_DRAW)))
        out = np.zeros((len(drawn), columns))
        space = np.empty((size, min(rows, ROWS_PER_DRAW)))  # new memory for each tile would cost more than filling it
        for i in range(0, len(drawn), size):
            for j in range(0, rows, ROWS_PER_DRAW):
                counts = drawn[i : i + size, j : j + ROWS_PER_DRAW]
                tile = space[: counts.shape[0], : counts.shape[1]]
                tile[...] = counts
                for k in range(0, columns, COLUMNS_PER_TILE):
                    out[i : i + size, k : k + COLUMNS_PER_TILE] += (
                        tile @ self.parts[j : j + ROWS_PER_DRAW, k : k + COLUMNS_PER_TILE]
                    )
        return out

    def restored(self, totals: Array) -> Array:
        """Return the sums of the columns (m, k) from the sums of the parts (m, p)."""
        high, low = np.split(totals[:, self.positions], 2, axis=1)
        return np.ldexp(high, self.exponents - BITS_PER_PART) + np.ldexp(low, self.exponents - 2 * BITS_PER_PART)
