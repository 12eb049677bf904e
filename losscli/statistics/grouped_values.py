"""Quantiles of many groups: values by group while those of a group fit a budget, a histogram of it after that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.grouped_moments import lengthen
from losscli.statistics.moments import VALUES_PER_PASS
from losscli.statistics.quantiles import LogHistogram, Quantiles, quantiles, quantiles_of_rows


class SortedValues(NamedTuple):
    """Values (n,) with their weights, sorted by group: so many (g,) of each of these groups (g,)."""

    groups: NDArray[np.intp]
    counts: NDArray[np.intp]
    values: Array
    weights: Array | None

    def of_group(self, i: int) -> tuple[Array, Array | None]:
        """Return the values of the group at a place, and their weights."""
        start = int(self.counts[:i].sum())
        part = slice(start, start + int(self.counts[i]))
        return self.values[part], None if self.weights is None else self.weights[part]

    def without(self, groups: Sequence[int]) -> SortedValues:
        """Return the values of all other groups."""
        kept = ~np.isin(self.groups, groups)
        rows = np.repeat(kept, self.counts)
        weights = None if self.weights is None else self.weights[rows]
        return SortedValues(self.groups[kept], self.counts[kept], self.values[rows], weights)


class GroupedValues:
    """Quantiles of streams of weighted values, one for each group: what `Quantiles` is for one.

    Attributes:
        kept: How many values of each group are kept (G,).
        histograms: Group -> its histogram, of those that have too many values.
    """

    def __init__(self, budget: int | None = None) -> None:
        """Start empty; each group may keep as many values as the budget says, by default as `Quantiles` does."""
        self.budget = Quantiles().budget if budget is None else budget
        self.kept: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.histograms: dict[int, LogHistogram] = {}
        self._own: list[SortedValues] = []
        self._merged: list[tuple[NDArray[np.intp], GroupedValues]] = []

    def grow(self, n: int) -> None:
        """Make room for n groups."""
        self.kept = lengthen(self.kept, n)

    def update(self, stretch: SortedValues) -> None:
        """Add values, before any merge."""
        for group in stretch.groups[self.kept[stretch.groups] + stretch.counts > self.budget].tolist():
            self.condense(group)
        if self.histograms:
            for i in np.flatnonzero(np.isin(stretch.groups, list(self.histograms))).tolist():
                self.histograms[int(stretch.groups[i])].update(*stretch.of_group(i))
            stretch = stretch.without(list(self.histograms))
        self.kept[stretch.groups] += stretch.counts
        self._own.append(stretch)

    def merge(self, at: NDArray[np.intp], other: GroupedValues) -> None:
        """Add the values of other streams, whose groups are at these places (G,); they belong to this from here on."""
        is_too_much = self.kept[at] + other.kept > self.budget
        if self.histograms:
            is_too_much |= np.isin(at, list(self.histograms))
        for theirs in np.flatnonzero(is_too_much & (other.kept > 0)).tolist():
            other.condense(theirs)
        for theirs, histogram in other.histograms.items():
            self.condense(int(at[theirs])).merge(histogram)
        other.histograms = {}
        self.kept[at] += other.kept
        if other.kept.any():
            self._merged.append((at, other))

    def condense(self, group: int) -> LogHistogram:
        """Keep counts of a group from here on, no values; return its histogram.

        Each stream is counted first, then the counts are added: the digits do not depend on when this is done.
        """
        if group in self.histograms:
            return self.histograms[group]
        histogram = LogHistogram()
        for n, stretch in enumerate(self._own):
            for i in np.flatnonzero(stretch.groups == group).tolist():
                histogram.update(*stretch.of_group(i))
                self._own[n] = stretch.without([group])
        for at, other in self._merged:
            for theirs in np.flatnonzero((at == group) & (other.kept > 0)).tolist():
                histogram.merge(other.condense(theirs))
                del other.histograms[theirs]
        self.kept[group] = 0
        self.histograms[group] = histogram
        return histogram

    def quantiles(self, probabilities: Sequence[float]) -> Array:
        """Return the quantiles of each group (G, len(probabilities)); NaN if it has no value, or a NaN."""
        found = np.full((len(self.kept), len(probabilities)), np.nan)
        for group, histogram in self.histograms.items():
            found[group] = histogram.quantiles(probabilities)
        _, counts, values, weights = self._arranged()
        starts = np.cumsum(counts) - counts
        by_count = np.argsort(counts, kind="stable")
        ends = np.flatnonzero(np.diff(counts[by_count])) + 1
        for same in np.split(by_count, ends):
            count = int(counts[same[0]]) if len(same) else 0
            if len(same) == 1 and count:
                (group,), part = same, slice(starts[same[0]], starts[same[0]] + count)
                found[group] = quantiles(values[part], None if weights is None else weights[part], probabilities)
                continue
            step = max(1, VALUES_PER_PASS // max(count, 1))
            for some in np.split(same, range(step, len(same), step)) if count else ():
                rows = starts[some, None] + np.arange(count)
                found[some] = quantiles_of_rows(values[rows], None if weights is None else weights[rows], probabilities)
        return found

    def _arranged(self) -> SortedValues:
        """Return the values of all groups, each group's in the order they came."""
        stretches = list(self._stretches(np.arange(len(self.kept))))
        next_place = np.cumsum(self.kept) - self.kept
        values = np.empty(int(self.kept.sum()))
        weights = np.empty(len(values)) if any(s.weights is not None for s in stretches) else None
        for stretch in stretches:
            shift = next_place[stretch.groups] - (np.cumsum(stretch.counts) - stretch.counts)
            places = np.repeat(shift, stretch.counts) + np.arange(len(stretch.values))
            values[places] = stretch.values
            if weights is not None:
                weights[places] = stretch.weights
            next_place[stretch.groups] += stretch.counts
        return SortedValues(np.arange(len(self.kept)), self.kept, values, weights)

    def _stretches(self, at: NDArray[np.intp]) -> Iterator[SortedValues]:
        """Yield all values, with the groups at these places."""
        for stretch in self._own:
            yield stretch._replace(groups=at[stretch.groups])
        for places, other in self._merged:
            yield from other._stretches(at[places])
