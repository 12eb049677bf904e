"""Accumulate rows that depend on each other for bootstrap intervals: by clusters, or by blocks of a time series.

Of clusters a loss keeps two sums each, however many rows they have. Blocks are of the rows that count, in their order.
Rows of a series are held as independent ones are; of more than MAX_ROWS_HELD only the sums of blocks are, which then
do not overlap. Batches come in the order of the data, and sums do not depend on where one ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.errors import DataError, UsageError
from losscli.statistics.bootstrap.accumulator import Bootstrap, CountedRows, Estimand, merge_rows
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD, ROWS_PER_DRAW
from losscli.statistics.bootstrap.options import MIN_ROWS_FOR_LEVEL, ConfidenceInterval, Resampling
from losscli.statistics.bootstrap.units import UnitTerms, too_few_units
from losscli.statistics.ratios import Totals, units_of
from losscli.statistics.tails import TailSums

MOST_CLUSTERS_PER_ROW = 0.9
"""With more clusters for each row, hardly a row has others that depend on it."""

FIXED_BLOCKS = f"poisson interval: of more than {MAX_ROWS_HELD} rows the blocks do not overlap"


def new_bootstrap(resampling: Resampling, estimand: Estimand, refusal: str = "", has_tail: bool = True) -> Bootstrap:
    """Return what accumulates the rows of a loss for its interval; `has_tail` as in `Bootstrap`."""
    kind = Bootstrap
    if resampling.cluster is not None:
        kind = ClusterBootstrap
    elif resampling.block is not None:
        kind = BlockBootstrap
    return kind(resampling, estimand, refusal, has_tail=has_tail)


class HeldMedian(Bootstrap):
    """Rows that depend on each other: those of a median are held, and more than may be held are not resampled."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.limit = MAX_ROWS_HELD

    def _stream_if_too_many(self) -> None:
        if self.estimand is not Estimand.MEDIAN:
            self._keep_sums()
        elif self.n > self.limit:
            self.refusal = self.refusal or f"the median of more than {self.limit} rows is not resampled by {self._what}"
            self.pending_rows.clear()

    _what = "clusters"

    def _keep_sums(self) -> None:
        """Replace rows by the sums of what is resampled."""
        raise NotImplementedError


class ClusterBootstrap(HeldMedian):
    """The sums of each cluster. They are kept by the clusters' numbers, and resampled in the order of first rows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.clusters: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self.first_rows: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.sums: Array = np.zeros((0, 2))

    def add(self, rows: CountedRows) -> None:
        assert rows.clusters is not None
        distinct, index = np.unique(rows.clusters, return_inverse=True)
        first = np.full(len(distinct), np.iinfo(np.int64).max)
        np.minimum.at(first, index, rows.numbers)
        self._make_room(distinct, first)
        super().add(rows)

    def _make_room(self, clusters: NDArray[np.uint64], first_rows: NDArray[np.int64]) -> None:
        """Make room for clusters, which are distinct and ascend."""
        at = np.searchsorted(self.clusters, clusters)
        is_new = np.ones(len(clusters), dtype=bool)
        inside = at < len(self.clusters)
        is_new[inside] = self.clusters[at[inside]] != clusters[inside]
        known = at[~is_new]
        self.first_rows[known] = np.minimum(self.first_rows[known], first_rows[~is_new])
        self.first_rows = np.insert(self.first_rows, at[is_new], first_rows[is_new])
        self.sums = np.insert(self.sums, at[is_new], 0.0, axis=0)
        self.clusters = np.insert(self.clusters, at[is_new], clusters[is_new])

    def _keep_sums(self) -> None:
        for rows in self.pending_rows:
            assert rows.clusters is not None
            # row after row: the digits are those of any other batches
            np.add.at(self.sums, np.searchsorted(self.clusters, rows.clusters), rows.terms(self.estimand))
        self.pending_rows.clear()

    def merge(self, other: Bootstrap) -> None:
        assert isinstance(other, ClusterBootstrap)
        self._make_room(other.clusters, other.first_rows)
        self.sums[np.searchsorted(self.clusters, other.clusters)] += other.sums
        super().merge(other)

    def check(self) -> None:
        if self.n > 1 and len(self.clusters) == 1:
            problem = f"is the same in all {self.n} rows, and there is nothing to resample: name one that differs"
            raise DataError(f"column {self.resampling.cluster!r} of clusters {problem}")

    def reason_for_none(self) -> str:
        return super().reason_for_none() or too_few_units(len(self.clusters), self.resampling)

    @property
    def carriers(self) -> int:
        return len(self.clusters)

    def tail(self) -> TailSums:
        return TailSums.of(self.sums[:, 0])

    def held_units(self) -> tuple[UnitTerms, int | None]:
        return UnitTerms(self.sums[np.argsort(self.first_rows)], len(self.sums)), None

    def finish(self, found: ConfidenceInterval, block: int | None, units: int) -> ConfidenceInterval:
        finished = super().finish(found, block, units)
        if finished.method is None or self.n < MIN_ROWS_FOR_LEVEL or units < MOST_CLUSTERS_PER_ROW * self.n:
            return finished
        return finished.warned(f"there are {units} clusters in {self.n} rows: name a column whose values repeat")


class BlockBootstrap(HeldMedian):
    """The rows of a series while they are few, and beyond that the sums of blocks: `length` rows each, one by one."""

    _what = "blocks"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.length: int | None = None
        self._n_summed = 0
        self._sums: Array = np.zeros((ROWS_PER_DRAW, 2))  # of the blocks that share the next draws

    def _keep_sums(self) -> None:
        if self.n <= self.limit:
            return
        rows = merge_rows(self.pending_rows)
        terms = rows.terms(self.estimand)
        self.streamed_tail.update(terms[:, 0])
        self.pending_rows.clear()
        if self.totals is None:
            self.totals = Totals(self.resampling.n_resamples_streaming)
            _, self.length = units_of([terms[: self.limit]], rows.numbers[: self.limit], None, self.resampling)
        assert self.length is not None
        while len(terms):
            rows_at_once = ROWS_PER_DRAW * self.length
            start = self._n_summed % rows_at_once
            part, terms = terms[: rows_at_once - start], terms[rows_at_once - start :]
            # row after row: the digits are those of any other batches
            np.add.at(self._sums, (start + np.arange(len(part))) // self.length, part)
            self._n_summed += len(part)
            if start + len(part) == rows_at_once:
                self._draw(self._n_summed - rows_at_once)

    def _draw(self, first_row: int) -> None:
        """Resample the blocks that are summed, of which the first starts at a row."""
        assert self.totals is not None
        assert self.length is not None
        self.totals.draw(first_row // self.length, self._sums, self.resampling)
        self._sums = np.zeros((ROWS_PER_DRAW, 2))

    def merge(self, other: Bootstrap) -> None:
        assert isinstance(other, BlockBootstrap)
        assert other.totals is None  # rows of a series are added in order, not merged part by part
        super().merge(other)

    def check(self) -> None:
        if isinstance(block := self.resampling.block, int) and block > self.n > 1:
            raise UsageError(f"a block of so many rows is longer than the data, {self.n} rows", option=("block", block))

    def reason_for_none(self) -> str:
        if (why := super().reason_for_none()) or not isinstance(block := self.resampling.block, int):
            return why
        if block > self.n:
            return f"a block of {block} rows is longer than its {self.n}"
        return too_few_units(-(-self.n // block), self.resampling)

    def held_units(self) -> tuple[UnitTerms, int | None]:
        rows = merge_rows(self.pending_rows)
        units, length = units_of([rows.terms(self.estimand)], rows.numbers, None, self.resampling)
        return units[0], length

    def streamed_interval(self) -> ConfidenceInterval:
        assert self.totals is not None
        assert self.length is not None
        if (start := self._n_summed % (ROWS_PER_DRAW * self.length)) and self._sums.any():
            self._draw(self._n_summed - start)
        found = super().streamed_interval()
        return found if found.method is None else found._replace(why=found.why or FIXED_BLOCKS)

    @property
    def streamed_units(self) -> tuple[int, int | None]:
        return -(-self.n // (self.length or 1)), self.length
