"""A random sample of the rows that merges: all rows while they are few, and the extreme rows in any case."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.gather import concat_batches
from losscli.declaration.domains import Array
from losscli.declaration.row_lists import RowLists
from losscli.errors import NoResultError
from losscli.evaluation.outcome import Outcome

MAX_SAMPLE_ROWS = 1 << 16
"""Rows that are kept as they are."""

MAX_SAMPLE_VALUES = 1 << 21
"""Values that are kept: fewer rows if they are wide."""

MIN_SAMPLE_ROWS = 128
"""Rows kept however wide they are."""

SHARE_DRAWN = 0.5
"""The size of the sample of more rows than are kept, as a share of these."""

MAX_EXTREME_ROWS = 16
"""Rows at each end of a measure that are kept beside the random ones."""

LIKELY_EXCESS = 1.1
"""A priority below which more rows are than fit, as a multiple of that below which as many are expected."""

SEEDING_ROWS = 64
"""First rows of a part, by whose values its priorities are seeded."""


class RowSample(NamedTuple):
    """Rows of a dataset that count, in its order.

    Attributes:
        batch: The rows. Their weights make them stand for all `n` rows; None where all are here and have no weights.
            They are numbered among the rows that are neither omitted nor of weight 0.
        n: The number of rows sampled from.
        is_complete: Whether all rows are here.
    """

    batch: Batch
    n: int
    is_complete: bool


class SampledRows(NamedTuple):
    """Rows with their positions in the stream (n,), and numbers (n,) or (n, measures) that say which are kept."""

    batch: Batch
    position: NDArray[np.int64]
    numbers: Array

    def take(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> SampledRows:
        kept = np.flatnonzero(kept) if kept.dtype == bool else kept
        return SampledRows(self.batch.take(kept), self.position[kept], self.numbers[kept])

    def moved(self, distance: int) -> SampledRows:
        return self._replace(position=self.position + distance)


class SharedLimit:
    """A priority that no row of the sample is above, known to all samplers of the parts of a dataset.

    As many rows as the sample holds are below it, so that what a sampler leaves out because of it would be left out in
    the end: the sample does not depend on when a sampler learns of it.
    """

    def __init__(self) -> None:
        self.value = np.inf

    def lower(self, value: float) -> None:
        self.value = min(self.value, value)


class RowSampler:
    """Samples rows while losses are evaluated: those with the smallest priorities, as many as fit.

    Priorities are random numbers, seeded by the first rows of each part of the data: the sample is the same whoever
    evaluates the parts. The extreme rows of each batch, by each loss, role and residual, are kept beside it: one huge
    outlier is never lost, and does not stand for others.
    """

    def __init__(self, max_rows: int = MAX_SAMPLE_ROWS, shared: SharedLimit | None = None) -> None:
        self.max_rows = max_rows
        self._shared = shared or SharedLimit()
        self.n = 0
        self._rows: list[SampledRows] = []
        self._n_kept = 0
        self._limit = np.inf
        self._extremes: list[SampledRows] = []
        self._generator: np.random.Generator | None = None

    def fresh_copy(self) -> RowSampler:
        return RowSampler(self.max_rows, self._shared)

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        left_out = [mask for mask in (batch.absent, batch.missing) if mask is not None]
        losses = [outcome.per_sample for outcome in outcomes if len(outcome.per_sample) == len(batch)]
        if left_out:
            kept = ~np.logical_or.reduce(left_out)
            batch = replace(batch.take(kept), absent=None, missing=None)
            losses = [values[kept] for values in losses]
        if not len(batch):
            return
        batch = replace(batch)  # what its checks made of it is not kept
        position = np.arange(self.n, self.n + len(batch))
        if self._generator is None:
            self._generator = part_generator(batch)
        priority = self._generator.random(len(batch))
        self.n += len(batch)
        measures = [*losses, *measure_roles(batch)]
        ends = np.array(sorted({int(end) for measure in measures for end in (measure.argmax(), measure.argmin())}))
        numbers = np.stack([measure[ends] for measure in measures], axis=1)
        self._extremes.append(SampledRows(batch.take(ends), position[ends], numbers))
        size = self._size(batch)
        self._limit = min(self._limit, self._shared.value)
        if self._limit == np.inf and len(batch) > size:  # what is certainly too much need not be copied
            likely = LIKELY_EXCESS * SHARE_DRAWN * size / len(batch)
            if np.count_nonzero(priority < likely) >= SHARE_DRAWN * size:
                self._limit = likely
        rows = SampledRows(batch, position, priority)
        self._add([rows if self._limit == np.inf else rows.take(priority < self._limit)])

    def merge(self, other: RowSampler) -> None:
        self._extremes += [rows.moved(self.n) for rows in other._extremes]
        later = [rows.moved(self.n) for rows in other._rows]
        self.n += other.n
        self._limit = min(self._limit, other._limit)
        self._add(later)

    def _add(self, rows: Sequence[SampledRows]) -> None:
        self._rows += rows
        self._n_kept += sum(len(each.position) for each in rows)
        size = self._size()
        if self.n > size and (self._limit == np.inf or self._n_kept > size):
            self._shrink(int(SHARE_DRAWN * size))
        if len(self._extremes) > MAX_EXTREME_ROWS or 2 * sum(len(each.position) for each in self._extremes) > size:
            self._extremes = [self._most_extreme()]

    def _size(self, batch: Batch | None = None) -> int:
        """Return how many rows fit."""
        batch = self._rows[0].batch if batch is None and self._rows else batch
        if batch is None:
            return self.max_rows
        width = sum(array[:1].size for role, array in batch.arrays.items() if role not in batch.tables)
        return min(self.max_rows, max(MIN_SAMPLE_ROWS, MAX_SAMPLE_VALUES // max(1, width)))

    def _shrink(self, size: int) -> None:
        """Keep the rows of the smallest priorities, `size` of them."""
        priority = np.concatenate([rows.numbers for rows in self._rows])
        if len(priority) > size:
            self._limit = min(self._limit, float(np.partition(priority, size)[size]))
        self._rows = [join_sampled([rows.take(rows.numbers < self._limit) for rows in self._rows])]
        self._n_kept = len(self._rows[0].position)
        self._shared.lower(self._limit)

    def _most_extreme(self) -> SampledRows:
        """Return the rows at the ends of each measure."""
        rows = join_sampled(self._extremes)
        order = np.argsort(rows.numbers, axis=0, kind="stable")
        return rows.take(np.unique(np.concatenate([order[:MAX_EXTREME_ROWS], order[-MAX_EXTREME_ROWS:]])))

    def sample(self) -> RowSample:
        """Return the sample of the rows so far.

        Raises:
            NoResultError: There were none.
        """
        if not self.n:
            raise NoResultError("no row has all its values")
        size = self._size()
        if self.n > size:
            self._shrink(int(SHARE_DRAWN * size))
        drawn = join_sampled(self._rows)
        if len(drawn.position) == self.n:
            return RowSample(replace(drawn.batch, numbers=drawn.position + 1), self.n, True)
        extremes = self._most_extreme()
        drawn = drawn.take(~np.isin(drawn.position, extremes.position))
        rows = join_sampled([drawn, extremes._replace(numbers=np.zeros(len(extremes.position)))])
        stands_for = (self.n - len(extremes.position)) / max(1, len(drawn.position))
        weight = np.where(np.arange(len(rows.position)) < len(drawn.position), stands_for, 1.0)
        batch = replace(
            rows.batch,
            numbers=rows.position + 1,
            weight=weight if rows.batch.weight is None else weight * rows.batch.weight,
        )
        return RowSample(batch.take(np.argsort(rows.position)), self.n, False)


def join_sampled(parts: Sequence[SampledRows]) -> SampledRows:
    """Return the rows of several parts."""
    if len(parts) == 1:
        return parts[0]
    filled = [rows for rows in parts if len(rows.position)] or parts[:1]
    return SampledRows(
        concat_batches([rows.batch for rows in filled]),
        np.concatenate([rows.position for rows in filled]),
        np.concatenate([rows.numbers for rows in filled]),
    )


def measure_roles(batch: Batch) -> list[Array]:
    """Return numbers of each row (n,): of roles that have one number per row, and of y_pred - y_true."""
    found = {
        role: array.reshape(-1)
        for role, array in batch.arrays.items()
        if role not in batch.tables and array.size == len(batch) and array.dtype == np.float64
    }
    if "y_true" in found and "y_pred" in found:
        with np.errstate(invalid="ignore"):
            found["residual"] = found["y_pred"] - found["y_true"]
    return list(found.values()) or [np.zeros(len(batch))]


def part_generator(batch: Batch) -> np.random.Generator:
    """Return the generator of the priorities of a part, seeded by the first rows of its first batch."""
    arrays = [array for role, array in sorted(batch.arrays.items()) if role not in batch.tables]
    seed = 0
    for given in arrays:
        array = given.values if isinstance(given, RowLists) else given
        seed = zlib.crc32(np.ascontiguousarray(array[:SEEDING_ROWS]).tobytes(), seed)
    return np.random.default_rng(seed)
