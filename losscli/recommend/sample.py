"""Rows of a dataset that are kept: all of them while they fit a budget, else a random sample and the extremes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from losscli.data.batch import Batch
from losscli.data.gather import concat_batches
from losscli.declaration.domains import Array, Mask
from losscli.recommend.summary import by_row

BUDGET = 1 << 18
"""Values of a role that are kept; beyond it rows are drawn at random."""

FEWEST = 1000
"""Rows that are kept however long they are."""


class Rows(NamedTuple):
    """Rows that are kept: arrays (n, ...) and weights (n,), and the keys (n,) by which they were drawn."""

    batch: Batch
    keys: Array


class ReservoirSampler:
    """Keeps rows while they fit the budget, then those with the smallest random keys; and the rows at the edges.

    The rows at the edges hold the extremes of each role: where a loss refuses a value or overflows, it is there.
    """

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._parts: list[Rows] = []
        self._size = 0
        self._edges: Batch | None = None
        self.is_subsampled = False

    def add(self, batch: Batch) -> None:
        self._parts.append(Rows(batch, self._rng.random(len(batch))))
        self._size += len(batch)
        near = batch.take(_at_edges(batch))
        near = near if self._edges is None else concat_batches([self._edges, near])
        self._edges = near.take(_at_edges(near))
        most = self._most(batch)
        if self._size > 2 * most:
            self._thin(most)

    @staticmethod
    def _most(batch: Batch) -> int:
        width = max(array[0].size for array in batch.arrays.values())
        return max(FEWEST, BUDGET // int(width))

    def _thin(self, most: int) -> None:
        keys = np.concatenate([part.keys for part in self._parts])
        limit = np.partition(keys, most)[most]
        kept = [Rows(p.batch.take(p.keys < limit), p.keys[p.keys < limit]) for p in self._parts]
        self._parts = [Rows(concat_batches(p.batch for p in kept), np.concatenate([p.keys for p in kept]))]
        self._size, self.is_subsampled = most, True

    def rows(self) -> tuple[Batch, Batch]:
        """The rows that were kept, and those at the edges."""
        most = self._most(self._parts[0].batch)
        if self._size > most:
            self._thin(most)
        assert self._edges is not None
        return concat_batches(part.batch for part in self._parts), self._edges


def _at_edges(batch: Batch) -> Mask:
    """The rows with the extremes of y_true, y_pred, of their size, of their sum and of their distance."""
    y, p = columns(batch.arrays["y_true"]), columns(batch.arrays["y_pred"])
    with np.errstate(all="ignore"):
        gap = np.abs(p - y) if p.shape == y.shape else p
        measures = [by_row(f, array) for array in (y, p) for f in (np.min, np.max, np.sum)]
        measures += [by_row(np.min, np.abs(array)) for array in (y, p)] + [by_row(f, gap) for f in (np.max, np.min)]
    chosen = np.zeros(len(batch), dtype=bool)
    for measure in measures:
        known = np.nan_to_num(measure, nan=0.0)
        chosen[[int(known.argmin()), int(known.argmax())]] = True
    return chosen


def columns(values: Array) -> Array:
    """Values (n, ...) as (n, k)."""
    return values.reshape(len(values), -1)
