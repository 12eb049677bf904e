"""The statistics of one loss over many groups: numbers per group, computed for all groups at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Reduction
from losscli.statistics.grouped_moments import GroupedMoments, Sums, add_exactly, lengthen
from losscli.statistics.grouped_values import GroupedValues, SortedValues
from losscli.statistics.quantiles import MAX_VALUES_KEPT
from losscli.statistics.segments import Segments
from losscli.statistics.summary import Summary

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.accumulator import Bootstrap


class GroupedAccumulator:
    """The running statistics of one loss over the groups of batches: what `Accumulator` is for all rows.

    Each group has the digits that an `Accumulator` gives its rows alone. `new_bootstrap` makes what receives the rows
    of a group, where intervals are wanted.
    """

    def __init__(
        self,
        own: Reduction,
        asked: str = "mean",
        value_only: bool = False,
        new_bootstrap: Callable[[], Bootstrap] | None = None,
    ) -> None:
        self.own, self.asked, self._new_bootstrap = own, asked, new_bootstrap
        self._sum_only = value_only and own is not Reduction.MAX
        self.keeps_values = not value_only or asked == "median" or own is Reduction.MEDIAN
        self.moments = GroupedMoments()
        self.quantiles, self.elements = GroupedValues(), GroupedValues()
        self.largest: Array = np.zeros(0)
        self.divisor = Sums(np.zeros(0))
        self.clipped: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.bootstraps: list[Bootstrap] = []

    def grow(self, n: int) -> None:
        """Make room for n groups."""
        for statistics in (self.moments, self.quantiles, self.elements, self.divisor):
            statistics.grow(n)
        self.largest = lengthen(self.largest, n, -math.inf)
        self.clipped = lengthen(self.clipped, n)
        if self._new_bootstrap is not None:
            self.bootstraps += [self._new_bootstrap() for _ in range(n - len(self.bootstraps))]

    def update(
        self,
        rows: Segments,
        at: NDArray[np.intp],
        elements: Array,
        per_sample: Array,
        weights: Array | None = None,
        denominator: Array | None = None,
        clipped: Mask | None = None,
        numbers: NDArray[np.int64] | None = None,
        clusters: NDArray[np.uint64] | None = None,
    ) -> None:
        """Add the rows of a batch that count, by group; see `Accumulator.update`.

        `at` are the places (g,) of the groups that have such rows, `numbers` those of the rows (N,), from 1.
        """
        if not len(at):
            return
        if self._sum_only:
            self.moments.update_sum(rows, at, per_sample, weights)
        else:
            self.moments.update(rows, at, per_sample, weights)
        if self.keeps_values:
            share = None if weights is None else rows.compact(weights)
            self.quantiles.update(SortedValues(at, rows.counts, rows.compact(per_sample), share))
        if self.own is Reduction.MEDIAN and elements.ndim > 1:
            width = math.prod(elements.shape[1:])
            share = None if weights is None else np.repeat(rows.compact(weights), width)
            self.elements.update(SortedValues(at, rows.counts * width, rows.compact(elements).ravel(), share))
        elif self.own is Reduction.MAX:
            most = elements.reshape(len(elements), -1).max(axis=1, initial=-math.inf)
            self.largest[at] = np.fmax(self.largest[at], rows.extremes(rows.take(most))[1])
        divisors = denominator if weights is None else weights if denominator is None else weights * denominator
        if divisors is None:
            self.divisor.add(at, rows.counts.astype(np.float64))
        else:
            add_exactly(self.divisor, rows, at, divisors)
        if clipped is not None:
            self.clipped[at] += np.add.reduceat(rows.compact(clipped), rows.firsts, dtype=np.int64)
        if self.bootstraps and numbers is not None:
            from losscli.statistics.bootstrap.accumulator import CountedRows

            of_elements = self.own is Reduction.MEDIAN and self.asked == "mean" and elements.ndim > 1
            values = elements.reshape(len(elements), -1) if of_elements else per_sample
            columns = CountedRows(numbers, values, weights, denominator, clusters)
            counted = columns.map(rows.compact)
            for place, start, count in zip(at.tolist(), rows.firsts.tolist(), rows.counts.tolist(), strict=True):
                self.bootstraps[place].add(counted.where(slice(start, start + count)))

    def merge(self, at: NDArray[np.intp], other: GroupedAccumulator) -> None:
        """Add the statistics of later batches, whose groups are at these places (G,)."""
        self.moments.merge(at, other.moments)
        self.quantiles.merge(at, other.quantiles)
        self.elements.merge(at, other.elements)
        self.largest[at] = np.fmax(self.largest[at], other.largest)
        self.divisor.merge(at, other.divisor)
        self.clipped[at] += other.clipped
        for place, bootstrap in zip(at.tolist(), other.bootstraps, strict=False):
            self.bootstraps[place].merge(bootstrap)

    @property
    def kept(self) -> NDArray[np.int64]:
        """How many values of each group are kept (G,); more than may be where there is a histogram."""
        kept = np.maximum(self.quantiles.kept, self.elements.kept)
        kept[[*self.quantiles.histograms, *self.elements.histograms]] = MAX_VALUES_KEPT + 1
        return kept

    def condense(self, group: int) -> None:
        """Replace values of a group by a histogram."""
        for values in (self.quantiles, self.elements):
            if values.kept[group]:
                values.condense(group)

    def summaries(self) -> list[Summary]:
        """Return the statistics of each group."""
        moments = self.moments
        low, high = moments.low, moments.high
        found = self.quantiles.quantiles((0.5, 0.95))
        # an estimated quantile is never beyond the values seen
        median, p95 = np.where((low <= high)[:, None], np.clip(found, low[:, None], high[:, None]), found).T
        exact = np.ones(len(low), dtype=bool)
        exact[list(self.quantiles.histograms)] = False
        columns: list[NDArray[Any]] = [self._values(found), moments.n, moments.weight.value, moments.std]
        columns += [low, median, p95, high, moments.sum.value, self.clipped, exact]
        return [Summary(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def reduced(self) -> list[tuple[Summary, Bootstrap | None]]:
        """Return the statistics of each group, with what its interval is computed from."""
        summaries = self.summaries()
        bootstraps: Sequence[Bootstrap | None] = self.bootstraps or [None] * len(summaries)
        return list(zip(summaries, bootstraps, strict=True))

    def _values(self, quantiles: Array) -> Array:
        """Return the reduced loss of each group, given the median and another quantile of each (G, 2)."""
        if self.asked == "sum":
            return self.moments.sum.value
        if self.asked == "median":
            return quantiles[:, 0]
        if self.own is Reduction.MEDIAN:
            has_elements = self.elements.kept > 0
            has_elements[list(self.elements.histograms)] = True
            return np.where(has_elements, self.elements.quantiles((0.5,))[:, 0], quantiles[:, 0])
        if self.own is Reduction.MAX:
            return np.where(np.isnan(self.moments.high), np.nan, self.largest)
        divisor = self.divisor.value
        mean = np.where(divisor != 0, self.moments.sum.value / divisor, np.nan)
        return np.array([self.own.of_mean(each) for each in mean.tolist()]) if self.own.function else mean
