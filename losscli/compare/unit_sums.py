"""The terms of several models, summed by clusters or blocks of rows while these stream by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.bootstrap.units import block_length


class UnitSums:
    """The sums of columns (units, k) over each cluster, or over each block of consecutive rows; batches come in order.

    Clusters are in the order in which they come. Blocks do not overlap; the length of `auto` is that of the longest of
    some columns, over the first MAX_ROWS_HELD rows.
    """

    def __init__(self, resampling: Resampling) -> None:
        self.by_cluster = resampling.cluster is not None
        self._length = resampling.block if isinstance(resampling.block, int) else None
        self._places: dict[int, int] = {}
        self._n_rows = 0
        self._sums: Array = np.zeros((0, 0))
        self._waiting: list[Array] = []

    def add(self, columns: Array, clusters: NDArray[np.uint64] | None) -> None:
        """Add rows (n, k), by the clusters that they are of (n,)."""
        if self.by_cluster:
            assert clusters is not None
            distinct, first, index = np.unique(clusters, return_index=True, return_inverse=True)
            for cluster in distinct[np.argsort(first)].tolist():
                self._places.setdefault(cluster, len(self._places))
            self._add_at(np.array([self._places[cluster] for cluster in distinct.tolist()])[index], columns)
            return
        self._waiting.append(columns)
        if self._length is not None or self._n_rows + sum(map(len, self._waiting)) >= MAX_ROWS_HELD:
            self._add_blocks()

    def _add_blocks(self) -> None:
        if not self._waiting:
            return
        columns, self._waiting = np.concatenate(self._waiting), []
        if self._length is None:
            first = columns[:MAX_ROWS_HELD]
            self._length = block_length(first - first.mean(axis=0))
        self._add_at((self._n_rows + np.arange(len(columns))) // self._length, columns)
        self._n_rows += len(columns)

    def _add_at(self, places: NDArray[np.intp], columns: Array) -> None:
        missing = int(places.max(initial=-1)) + 1 - len(self._sums)
        if missing > 0:
            more = np.zeros((max(missing, len(self._sums)), columns.shape[1]))
            self._sums = np.concatenate([self._sums.reshape(-1, columns.shape[1]), more])
        np.add.at(self._sums, places, columns)

    def sums(self) -> Array:
        """Return the sums of the units so far."""
        self._add_blocks()
        count = len(self._places) if self.by_cluster else -(-self._n_rows // (self._length or 1))
        return self._sums[:count]


def common_reference(numerators: Sequence[Array]) -> int:
    """Return the model whose largest loss is least: beside one huge loss, differences to it would have no digits."""
    return int(np.argmin([np.abs(each).max(initial=0.0) for each in numerators]))
