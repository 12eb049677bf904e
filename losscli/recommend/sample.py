"""A sample of the rows: all of them while they fit a budget, else a random sample; and the extreme rows."""

from __future__ import annotations

import numpy as np

from losscli.data.batch import Batch
from losscli.data.gather import concat_batches
from losscli.declaration.domains import Array, Mask
from losscli.recommend.summary import reduce_rows

VALUES_PER_SAMPLE = 1 << 18
"""Values of a role that are kept; beyond it rows are sampled at random."""

MIN_SAMPLED_ROWS = 1000
"""Rows kept however wide they are."""


class ReservoirSampler:
    """Keeps rows while they fit the budget, then those with the smallest random keys; and the extreme rows.

    The extreme rows hold the extremes of each role that has rows: if a loss refuses a value or overflows, it does
    so there.
    """

    def __init__(self, values_per_sample: int = VALUES_PER_SAMPLE) -> None:
        self._values_per_sample = values_per_sample
        self._rng = np.random.default_rng(0)
        self._parts: list[tuple[Batch, Array]] = []  # each with a key per row
        self._size = 0
        self._extremes: Batch | None = None
        self.is_subsampled = False

    def add(self, batch: Batch) -> None:
        self._parts.append((batch, self._rng.random(len(batch))))
        self._size += len(batch)
        near = batch.take(select_extremes(batch))
        near = near if self._extremes is None else concat_batches([self._extremes, near])
        self._extremes = near.take(select_extremes(near))
        self._shrink(max_excess=2)

    def _shrink(self, max_excess: int = 1) -> None:
        """Keep the rows with the smallest keys, if the sample is this many times too large."""
        first = self._parts[0][0]
        width = max(array[0].size for role, array in first.arrays.items() if role not in first.tables)
        size = max(MIN_SAMPLED_ROWS, self._values_per_sample // int(width))
        if self._size <= max_excess * size:
            return
        limit = np.partition(np.concatenate([keys for _, keys in self._parts]), size)[size]
        kept = [(batch.take(keys < limit), keys[keys < limit]) for batch, keys in self._parts]
        self._parts = [(concat_batches([batch for batch, _ in kept]), np.concatenate([keys for _, keys in kept]))]
        self._size, self.is_subsampled = size, True

    def finish(self) -> tuple[Batch, Batch]:
        """Return the sample, and the extreme rows."""
        self._shrink()
        assert self._extremes is not None
        return concat_batches([batch for batch, _ in self._parts]), self._extremes


def select_extremes(batch: Batch) -> Mask:
    """Return the rows with the extremes of each role, of their size, sum and distance of y_true and y_pred."""
    several = {role: to_matrix(array) for role, array in batch.arrays.items() if role not in batch.tables}
    y, p = several.get("y_true"), several.get("y_pred")
    with np.errstate(all="ignore"):
        measures = [reduce_rows(f, array) for array in several.values() for f in (np.min, np.max, np.sum)]
        measures += [reduce_rows(np.min, np.abs(array)) for array in several.values()]
        if p is not None:
            gap = np.abs(p - y) if y is not None and p.shape == y.shape else p
            measures += [reduce_rows(f, gap) for f in (np.max, np.min)]
    chosen = np.zeros(len(batch), dtype=bool)
    for measure in measures:
        known = np.nan_to_num(measure, nan=0.0)
        chosen[[int(known.argmin()), int(known.argmax())]] = True
    return chosen


def to_matrix(values: Array) -> Array:
    """Return values (n, ...) as (n, k)."""
    return values.reshape(len(values), -1)
