"""Accumulate the rows of a loss for its bootstrap interval; accumulators merge.

Rows are resampled whole, each with its loss, weight and divisor: a weighted mean is a ratio of two sums over the same
rows. Up to MAX_ROWS_HELD rows are held and resampled as Efron (1979) does. More rows stream through a Poisson
bootstrap, which keeps two sums for each resample (Chamandy et al. 2012).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.properties import Reduction
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD, ROWS_PER_DRAW
from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling
from losscli.statistics.bootstrap.units import UnitTerms
from losscli.statistics.quantiles import ACCURACY, Quantiles
from losscli.statistics.ratios import NOT_FINITE, ONE_ROW, Totals, poisson_interval
from losscli.statistics.tails import TailSums

COUPLED_ROWS = "its rows are coupled: values of resampled rows are not those of new data"
ELEMENTS_NOT_HELD = "the elements of more rows than are held have no interval of their median"

MAX_BLOCKS_TAKEN = 1 << 7
"""Blocks of rows, each of one loss, that are resampled at once: more would be memory that grows with the losses."""


class Estimand(enum.StrEnum):
    """The value that an interval is of."""

    MEAN = "mean"
    ROOT_MEAN = "root_mean"
    EXP_MEAN = "exp_mean"
    SUM = "sum"
    MEDIAN = "median"
    MAX = "max"

    @classmethod
    def of(cls, own: Reduction, asked: str) -> Estimand:
        """Return the reported statistic: by the loss's own reduction, or by another one asked for."""
        return cls(own.value if asked == "mean" else asked)


REFUSALS = {
    Estimand.MAX: "the largest loss has no bootstrap interval: no resample sees beyond it"  # Bickel & Freedman 1981
}


class CountedRows(NamedTuple):
    """Rows that count: numbers from 1 (n,), losses (n,) or (n, m), weights (n,) and divisors (n,), None for 1.

    `clusters` (n,) are equal where rows are resampled together; None where each is alone.
    """

    numbers: NDArray[np.int64]
    values: Array
    weight: Array | None
    divisor: Array | None
    clusters: NDArray[np.uint64] | None = None

    @property
    def weights(self) -> Array:
        return np.ones(len(self.numbers)) if self.weight is None else self.weight

    def terms(self, estimand: Estimand) -> Array:
        """Return what each row adds to numerator and denominator (n, 2)."""
        values = self.values if self.weight is None else self.values * self.weight
        if estimand is Estimand.SUM:  # n times the mean of the rows' weighted losses
            return np.stack([values, np.ones(len(values))], axis=1)
        return np.stack([values, self.weights if self.divisor is None else self.weights * self.divisor], axis=1)

    def where(self, kept: NDArray[Any] | slice) -> CountedRows:
        return self.map(lambda column: column[kept])

    def map(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> CountedRows:
        """Return the rows with each column changed."""
        return CountedRows(*(None if column is None else change(column) for column in self))  # type: ignore[arg-type]


def merge_rows(parts: Sequence[CountedRows]) -> CountedRows:
    """Concatenate rows, in the order of their numbers."""
    columns = [None if column[0] is None else np.concatenate(column) for column in zip(*parts, strict=True)]
    rows = CountedRows(*columns)  # type: ignore[arg-type]
    is_sorted = bool((np.diff(rows.numbers) > 0).all())
    return rows if is_sorted else rows.where(np.argsort(rows.numbers, kind="stable"))


@dataclass(eq=False, repr=False)
class Bootstrap:
    """The rows of one loss that its interval needs.

    They are held while there are at most `limit` of them and the method allows it. More rows wait only until their
    block is complete; `draw_completed_blocks` then adds them to the totals of the resamples. Without `has_tail` shares
    of the value mean nothing, and so there is no warning that few rows carry it.
    """

    resampling: Resampling
    estimand: Estimand
    refusal: str = ""
    limit: int = MAX_ROWS_HELD
    has_tail: bool = True

    def __post_init__(self) -> None:
        self.refusal = self.refusal or REFUSALS.get(self.estimand, "")
        self.limit = 0 if self.resampling.method == "poisson" else self.limit
        self.n = 0
        self.is_finite = True
        self.pending_rows: list[CountedRows] = []
        self.totals: Totals | None = None
        self.sketch: MedianSketch | None = None
        self.streamed_tail = TailSums()

    def add(self, rows: CountedRows) -> None:
        """Add rows, all of which count."""
        self.n += len(rows.numbers)
        self.is_finite = self.is_finite and bool(np.isfinite(rows.values).all())
        if self.refusal or not self.is_finite:
            self.pending_rows.clear()
            return
        self.pending_rows.append(rows)
        self._stream_if_too_many()

    def merge(self, other: Bootstrap) -> None:
        self.n += other.n
        self.is_finite = self.is_finite and other.is_finite
        self.pending_rows += other.pending_rows
        for mine, theirs in ((self.totals, other.totals), (self.sketch, other.sketch)):
            if mine is not None and theirs is not None:
                mine.merge(theirs)  # type: ignore[arg-type]
        self.totals = self.totals or other.totals
        self.sketch = self.sketch or other.sketch
        self.streamed_tail.merge(other.streamed_tail)
        self._stream_if_too_many()

    def _stream_if_too_many(self) -> None:
        if self.n <= self.limit:
            return
        if self.estimand is Estimand.MEDIAN:
            self.sketch = self.sketch or MedianSketch()
            for rows in self.pending_rows:
                self.sketch.update(rows)
            self.pending_rows.clear()
        elif self.totals is None:
            self.totals = Totals(self.resampling.n_resamples_streaming)

    @property
    def cluster(self) -> str | None:
        """The column of the clusters, if rows are resampled by these."""
        return self.resampling.cluster

    def check(self) -> None:
        """Raise an error if all rows were seen and there is nothing to resample as it was asked for."""

    def reason_for_none(self) -> str:
        """Return why there is no interval; empty if there may be one."""
        return self.refusal or (NOT_FINITE if not self.is_finite else ONE_ROW if self.n < 2 else "")

    def own_interval(self) -> ConfidenceInterval | None:
        """Return the interval of what is neither a ratio nor a median; None for these."""
        return None

    def streamed_interval(self) -> ConfidenceInterval:
        """Return the interval of a ratio whose rows are not held."""
        assert self.totals is not None
        return self.totals.intervals(self.resampling)[0]

    @property
    def streamed_units(self) -> tuple[int, int | None]:
        """How many units there are that are not held, and the length of the blocks if they are such."""
        return self.n, None

    def finish(self, found: ConfidenceInterval, block: int | None, units: int) -> ConfidenceInterval:
        """Return the interval with what was resampled, and with warnings."""
        found = found.of_units(self.resampling, block, units)
        return found.with_tail_warning(self.tail(), self.carriers) if self.has_tail else found

    @property
    def carriers(self) -> int:
        """How many rows, or clusters of them, there are to carry the value."""
        return self.n

    def held_units(self) -> tuple[UnitTerms, int | None]:
        """Return the units of a ratio whose rows are held, and the length of the blocks if they are such."""
        terms = merge_rows(self.pending_rows).terms(self.estimand)
        return UnitTerms(terms, len(terms)), None

    @property
    def first_pending(self) -> int:
        """The first of the rows that wait for their block."""
        return min(int(rows.numbers.min()) for rows in self.pending_rows)

    def take_blocks(self, before: float) -> dict[int, Array]:
        """Remove the blocks that end at or before a row; return their terms (ROWS_PER_DRAW, 2) by block."""
        if self.totals is None or not self.pending_rows:
            return {}
        rows = merge_rows(self.pending_rows)
        is_sequence = int(rows.numbers[-1] - rows.numbers[0]) + 1 == len(rows.numbers)
        taken = (self._take_from_sequence if is_sequence else self._take_rows)(rows, before)
        for terms in taken.values():
            self.streamed_tail.update(terms[:, 0])
        return taken

    def _take_rows(self, rows: CountedRows, before: float) -> dict[int, Array]:
        block_of = (rows.numbers - 1) // ROWS_PER_DRAW
        is_complete = (block_of + 1) * ROWS_PER_DRAW <= before
        self.pending_rows = [rows.where(~is_complete)] if not is_complete.all() else []
        rows = rows.where(is_complete)
        blocks, starts = np.unique(block_of[is_complete], return_index=True)
        terms, positions = rows.terms(self.estimand), (rows.numbers - 1) % ROWS_PER_DRAW
        taken = {int(block): np.zeros((ROWS_PER_DRAW, 2)) for block in blocks}
        for block, indices in zip(taken, np.split(np.arange(len(terms)), starts[1:]), strict=False):
            taken[block][positions[indices]] = terms[indices]
        return taken

    def tail(self) -> TailSums:
        """Return whether few rows carry the value; nothing is known of a median, or where rows were not kept."""
        if self.totals is not None or self.estimand is Estimand.MEDIAN or not self.pending_rows:
            return self.streamed_tail
        return TailSums.of(merge_rows(self.pending_rows).terms(self.estimand)[:, 0])

    def _take_from_sequence(self, rows: CountedRows, before: float) -> dict[int, Array]:
        """Do what `take_blocks` does where no row is left out."""
        start = int(rows.numbers[0]) - 1
        stop = start + len(rows.numbers)
        first, last = start // ROWS_PER_DRAW, -(-stop // ROWS_PER_DRAW)
        end = last if last * ROWS_PER_DRAW <= before else int(before // ROWS_PER_DRAW)
        kept = max(min(end * ROWS_PER_DRAW, stop) - start, 0)
        self.pending_rows = [rows.where(slice(kept, None))] if kept < len(rows.numbers) else []
        terms = rows.where(slice(0, kept)).terms(self.estimand)
        padded = np.zeros((max(end - first, 0) * ROWS_PER_DRAW, 2))
        padded[start - first * ROWS_PER_DRAW :][:kept] = terms
        return {first + i: each for i, each in enumerate(padded.reshape(-1, ROWS_PER_DRAW, 2))}


@dataclass(eq=False, repr=False)
class MedianSketch:
    """Quantiles, sum of weights and sum of squared weights: they give the interval of the median of many rows."""

    quantiles: Quantiles = field(default_factory=Quantiles)
    weight_sum: float = 0.0
    squared_weight_sum: float = 0.0
    has_elements: bool = False

    def update(self, rows: CountedRows) -> None:
        weights = rows.weights
        self.has_elements = self.has_elements or rows.values.ndim > 1
        self.weight_sum += float(weights.sum())
        self.squared_weight_sum += float(weights @ weights)
        if not self.has_elements:
            self.quantiles.update(rows.values, rows.weight)

    def merge(self, other: MedianSketch) -> None:
        self.quantiles.merge(other.quantiles)
        self.weight_sum += other.weight_sum
        self.squared_weight_sum += other.squared_weight_sum
        self.has_elements = self.has_elements or other.has_elements

    def interval(self, resampling: Resampling) -> ConfidenceInterval:
        """Return the Poisson bootstrap of the median without drawing: P(median* <= x) has a closed form.

        median* <= x if the drawn weights up to x exceed those beyond. For so many rows their difference is normal with
        variance sum(w²), whatever x is: the ends are the quantiles at 1/2 ± z sqrt(sum w²) / (2 sum w). If quantiles
        are only accurate to ACCURACY, the ends move outwards by it.
        """
        from statistics import NormalDist

        if self.has_elements:
            return ConfidenceInterval.none(resampling, ELEMENTS_NOT_HELD)
        reach = NormalDist().inv_cdf(resampling.tails[1]) * math.sqrt(self.squared_weight_sum) / (2 * self.weight_sum)
        low, high = self.quantiles.quantiles((max(0.5 - reach, 0.0), min(0.5 + reach, 1.0)))
        if self.quantiles.histogram is not None:
            low, high = low - ACCURACY * abs(low), high + ACCURACY * abs(high)
        return poisson_interval((low, high), 0, resampling)


def draw_completed_blocks(bootstraps: Sequence[Bootstrap], before: float = math.inf) -> None:
    """Resample the blocks that end at or before a row; all losses and groups share the draws of a block."""
    step = ROWS_PER_DRAW * max(1, MAX_BLOCKS_TAKEN // max(1, len(bootstraps)))
    while pending := [each.first_pending for each in bootstraps if each.totals is not None and each.pending_rows]:
        stop = (min(pending) - 1) // ROWS_PER_DRAW * ROWS_PER_DRAW + step
        _draw_blocks(bootstraps, min(stop, before))
        if stop >= before:
            return


def _draw_blocks(bootstraps: Sequence[Bootstrap], before: float) -> None:
    """Resample the blocks that end at or before a row, all at once."""
    taken = [(bootstrap, bootstrap.take_blocks(before)) for bootstrap in bootstraps]
    for block in sorted({block for _, blocks in taken for block in blocks}):
        present = [(bootstrap, blocks[block]) for bootstrap, blocks in taken if block in blocks]
        resampling = present[0][0].resampling
        columns = np.concatenate([terms.T for _, terms in present]).T
        drawn = draws.sums(draws.poisson(block, resampling.seed), columns, resampling.n_resamples_streaming)
        for (bootstrap, _), sums in zip(present, np.split(drawn, len(present), axis=1), strict=True):
            assert bootstrap.totals is not None
            bootstrap.totals.add(sums)
