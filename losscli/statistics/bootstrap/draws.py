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
"""Rows that share a generator in a Poisson bootstrap."""

MAX_ROWS_HELD = 1 << 16
"""Rows that are resampled in memory: for no more of them sums are exact."""

COUNTS_PER_GENERATOR = 1 << 18
"""Counts that each generator makes: its own cost is that of some thousands of them."""

RESAMPLES_PER_TILE, COLUMNS_PER_TILE = 64, 104
"""The size of a tile of resamples, and the most columns of one."""

MULTIPLICATIONS_PER_TILE = (1 << 19) - 1
"""Multiplications of a tile, which give its rows: of more BLAS starts threads of its own, which compete with these."""

NUMBERS_PER_HASHED = 64

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


def normal(rows: int, columns: int, seed: int) -> Array:
    """Return independent standard normal numbers (rows, columns), by Box & Muller (1958)."""
    size = -(-rows * columns // 2)
    bits = _raw(2 * size, seed, 2) >> np.uint64(11)
    radius, turn = (bits.reshape(2, size) + 0.5) * 2.0**-53
    radius = np.sqrt(-2 * np.log(radius))
    both = np.concatenate([radius * np.cos(2 * np.pi * turn), radius * np.sin(2 * np.pi * turn)])
    found: Array = both[: rows * columns].reshape(rows, columns)
    return found


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


def distinct_rows(rows: Array) -> tuple[Array, list[int]]:
    """Return the distinct rows of an array (k, n), and the place of each row among them."""
    first: list[int] = []
    places: list[int] = []
    alike: dict[bytes, list[int]] = {}  # distinct rows by some of their numbers: all of them take long to hash
    for i, row in enumerate(rows):
        candidates = alike.setdefault(row[::NUMBERS_PER_HASHED].tobytes(), [])
        place = next((j for j in candidates if np.array_equal(rows[first[j]], row)), len(first))
        if place == len(first):
            candidates.append(place)
            first.append(i)
        places.append(place)
    return rows[first], places


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
        given, places = distinct_rows(np.ascontiguousarray(columns.T))  # weights are the same for all losses
        _, exponents = np.frexp(np.abs(given).max(axis=1, initial=0.0))
        scaled = np.ldexp(given, BITS_PER_PART - exponents[:, None])
        high = np.rint(scaled)
        scaled -= high
        low = np.rint(np.ldexp(scaled, BITS_PER_PART))
        parts, positions = distinct_rows(np.concatenate([high, low]))  # whole numbers have no low part
        of_columns = [positions[place] for place in places] + [positions[len(given) + place] for place in places]
        return cls(np.ascontiguousarray(parts.T), of_columns, exponents[places])

    def totals(self, drawn: Drawn) -> Array:
        """Return the sums of the parts (m, p) over resamples (m, rows), tile by tile."""
        rows, columns = self.parts.shape
        size, width = RESAMPLES_PER_TILE, max(1, columns)
        width = -(-width // -(-width // COLUMNS_PER_TILE))  # tiles of equal width
        step = max(1, min(rows, MULTIPLICATIONS_PER_TILE // (size * width)))
        out = np.zeros((len(drawn), columns))
        space = np.empty((size, step))  # new memory for each tile would cost more than filling it
        for i in range(0, len(drawn), size):
            for j in range(0, rows, step):
                counts = drawn[i : i + size, j : j + step]
                tile = space[: counts.shape[0], : counts.shape[1]]
                tile[...] = counts
                for k in range(0, columns, width):
                    out[i : i + size, k : k + width] += tile @ self.parts[j : j + step, k : k + width]
        return out

    def restored(self, totals: Array) -> Array:
        """Return the sums of the columns (m, k) from the sums of the parts (m, p)."""
        high, low = np.split(totals[:, self.positions], 2, axis=1)
        return np.ldexp(high, self.exponents - BITS_PER_PART) + np.ldexp(low, self.exponents - 2 * BITS_PER_PART)
