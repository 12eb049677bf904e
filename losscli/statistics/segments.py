"""Rows sorted by group: sums, exact sums and extremes of all groups at once, with the digits of each group alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.statistics.moments import VALUES_PER_PASS


class Segments:
    """Rows sorted by group, those of a group in their order.

    Values of the rows are taken with a spare place before each group's. A 0 there lets `np.add.reduceat`, which adds
    all other values to the first one, add the values of a group in the order in which `np.sum` adds them alone.

    Attributes:
        groups: The groups that have rows (g,), ascending.
        counts: How many rows each has (g,).
        rows: The rows (n,), by group.
    """

    def __init__(self, groups: NDArray[np.intp], counts: NDArray[np.intp], rows: NDArray[np.intp]) -> None:
        self.groups, self.counts, self.rows = groups, counts, rows
        self.firsts = np.cumsum(counts) - counts
        self._spare = self.firsts + np.arange(len(groups))
        self._places = np.insert(rows, self.firsts, rows[self.firsts])

    @classmethod
    def of(cls, index: NDArray[np.int32], n_groups: int) -> Segments:
        """Sort all rows by the index of their group (N,)."""
        narrow = index.astype(np.min_scalar_type(max(n_groups - 1, 0)))  # of 16 bits are sorted by digits
        counts = np.bincount(index, minlength=n_groups)
        groups = np.flatnonzero(counts)
        return cls(groups, counts[groups], np.argsort(narrow, kind="stable"))

    def where(self, kept: Mask | None) -> Segments:
        """Return the rows that a mask (N,) keeps."""
        if kept is None:
            return self
        is_kept = kept[self.rows]
        counts = np.add.reduceat(is_kept, self.firsts, dtype=np.intp) if len(self.groups) else self.counts
        some = counts > 0
        return Segments(self.groups[some], counts[some], self.rows[is_kept])

    def blocks(self, most: int = VALUES_PER_PASS) -> Iterator[Segments]:
        """Yield the rows in blocks, each of at most so many rows of every group."""
        largest = int(self.counts.max(initial=0))
        if largest <= most:
            yield self
            return
        for start in range(0, largest, most):
            counts = np.clip(self.counts - start, 0, most)
            some = np.flatnonzero(counts)
            stretches = [self.rows[self.firsts[i] + start :][: counts[i]] for i in some]
            yield Segments(self.groups[some], counts[some], np.concatenate(stretches))

    def take(self, values: Array) -> Array:
        """Return values (N,) by group, each group's first value in its spare place, too."""
        return values[self._places]

    def compact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (N, ...) by group."""
        return values[self.rows]

    def extremes(self, taken: Array) -> tuple[Array, Array]:
        """Return the least and the largest of the values that were taken, by group (g,); NaN if there is a NaN."""
        return np.minimum.reduceat(taken, self._spare), np.maximum.reduceat(taken, self._spare)

    def clear(self, taken: Array) -> Array:
        """Set the spare places to 0, which sums need; return the array."""
        taken[self._spare] = 0.0
        return taken

    def spread(self, by_group: Array) -> Array:
        """Return a number per group (g,) for each of the values that were taken."""
        return np.repeat(by_group, self.counts + 1)

    def sums(self, taken: Array) -> Array:
        """Return the sums of values whose spare places are 0, by group (g,)."""
        return np.asarray(np.add.reduceat(taken, self._spare))

    def split_sums(self, taken: Array, sizes: Array) -> list[Array]:
        """Return the sums as several numbers per group, (g,) each, that lose no digit: as `split_sum` does for one.

        `sizes` (g,) bound the absolute values; the spare places are 0.
        """
        pieces = []
        while (can_split := (sizes > 0) & (sizes < 1e300)).any():
            exponents = np.frexp(np.where(can_split, sizes, 1.0))[1] + np.frexp(self.counts.astype(np.float64))[1]
            cuts = np.where(can_split, np.ldexp(1.0, exponents), 0.0)
            spread = self.spread(cuts)
            heads = taken + spread
            heads -= spread
            pieces.append(self.sums(heads))
            taken = np.subtract(taken, heads, out=heads)
            if not np.isfinite(pieces[-1]).all():  # infinities have no tails
                taken[self.spread(~np.isfinite(pieces[-1]))] = 0.0
            sizes = np.where(can_split & (np.abs(pieces[-1]) < sizes), np.ldexp(cuts, -53), 0.0)
        return [*pieces, self.sums(taken)]


def largest_magnitudes(low: Array, high: Array) -> Array:
    """Return the largest absolute values between extremes (g,); NaN if one is."""
    return np.maximum(-low, high)
