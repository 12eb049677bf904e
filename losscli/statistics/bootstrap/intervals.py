"""Bootstrap intervals of reduced losses: how much the value varies from one sample of rows to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.properties import Reduction
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, CountedRows, Estimand, draw_completed_blocks, merge_rows
from losscli.statistics.bootstrap.draws import Drawn
from losscli.statistics.bootstrap.options import AUTO, ConfidenceInterval, Resampling
from losscli.statistics.bootstrap.units import block_length, cluster_places, rows_of_blocks, too_few_units
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import NO_SPREAD, held_or_streamed

NO_STANDARD_ERROR = "percentile interval: a median has no jackknife, and so no standard error"  # Efron 1982


def intervals(bootstraps: Sequence[Bootstrap]) -> list[ConfidenceInterval]:
    """Return the intervals of losses over all rows or a group; losses over equally many units share their draws."""
    draw_completed_blocks(bootstraps)
    found = {i: _interval_without_ratio(bootstrap) for i, bootstrap in enumerate(bootstraps)}
    held = {i: bootstraps[i].held_units() for i, known in found.items() if known is None}
    sizes = {i: (len(units.terms), units.size) for i, (units, _) in held.items()}
    for _, same_size in groupby(sorted(held, key=sizes.__getitem__), key=sizes.__getitem__):
        indices = list(same_size)
        resampled = held_or_streamed([held[i][0] for i in indices], bootstraps[0].resampling)
        for i, interval in zip(indices, resampled, strict=True):
            block, size = held[i][1], held[i][0].size
            found[i] = bootstraps[i].finish(_map_to_value(interval, bootstraps[i]), block, size)
    return [known for known in found.values() if known is not None]


def _interval_without_ratio(bootstrap: Bootstrap) -> ConfidenceInterval | None:
    """Return the interval of all but ratios of held rows, or why there is none."""
    if why := bootstrap.reason_for_none():
        return ConfidenceInterval.none(bootstrap.resampling, why)
    if (own := bootstrap.own_interval()) is not None:
        return own
    if bootstrap.sketch is not None:
        return bootstrap.finish(bootstrap.sketch.interval(bootstrap.resampling), None, bootstrap.n)
    if bootstrap.totals is not None:
        count, block = bootstrap.streamed_units
        return bootstrap.finish(_map_to_value(bootstrap.streamed_interval(), bootstrap), block, count)
    return _median_interval(bootstrap) if bootstrap.estimand is Estimand.MEDIAN else None


def _map_to_value(mean: ConfidenceInterval, bootstrap: Bootstrap) -> ConfidenceInterval:
    """Return the interval of the value, given that of the mean."""
    if bootstrap.estimand is Estimand.SUM:
        return mean.map_endpoints(lambda end: bootstrap.n * end)
    reduction = Reduction(bootstrap.estimand.value)
    return mean.map_endpoints(reduction.of_end) if reduction.function else mean


def _median_interval(bootstrap: Bootstrap) -> ConfidenceInterval:
    resampling, rows = bootstrap.resampling, merge_rows(bootstrap.pending_rows)
    units = median_units(rows, resampling)
    if why := too_few_units(units.size, resampling):
        return ConfidenceInterval.none(resampling, why)
    replicates = medians(rows, resampling, units)
    if replicates.min() == replicates.max():
        return ConfidenceInterval.none(resampling, NO_SPREAD)
    low, high = quantiles(replicates, None, resampling.tails)
    why = "" if resampling.method in ("auto", "percentile") else NO_STANDARD_ERROR
    found = ConfidenceInterval(low, high, resampling.level, "percentile", len(replicates), resampling.seed, why)
    return bootstrap.finish(found, units.block, units.size)


class MedianUnits(NamedTuple):
    """What is resampled of the rows of medians: `units` of them, of which each resample draws `size`.

    `places` (n,) are the units of rows if these are clusters, `block` is the length of circular blocks.
    """

    units: int
    size: int
    places: NDArray[np.intp] | None = None
    block: int | None = None

    def draws_of_rows(self, drawn: Drawn) -> Drawn:
        """Return how often resamples draw each row (m, n), by how often they draw each unit (m, u)."""
        if self.places is not None:
            return drawn[:, self.places]
        return drawn if self.block is None or self.block == 1 else rows_of_blocks(drawn, self.block)


def median_units(rows: CountedRows, resampling: Resampling, others: Sequence[CountedRows] = ()) -> MedianUnits:
    """Return what is resampled of rows; blocks are as long as one of the losses on these rows needs."""
    n = len(rows.numbers)
    if rows.clusters is not None:
        places = cluster_places(rows.numbers, rows.clusters)
        count = int(places.max()) + 1
        return MedianUnits(count, count, places)
    block = resampling.block
    if block == AUTO:
        block = max(block_length(_median_influence(each)) for each in (rows, *others))
    return MedianUnits(n, -(-n // block), None, block) if isinstance(block, int) else MedianUnits(n, n)


def _median_influence(rows: CountedRows) -> Array:
    """Return by how much each row moves the median (n,), up to a factor: by the side on which its losses lie."""
    n = len(rows.numbers)
    elements = rows.values.reshape(n, -1)
    weights = None if rows.weight is None else np.repeat(rows.weight, elements.shape[1])
    middle = quantiles(elements.ravel(), weights, (0.5,))[0]
    sides: Array = np.sign(elements - middle).mean(axis=1) * rows.weights
    return sides


def medians(rows: CountedRows, resampling: Resampling, units: MedianUnits | None = None) -> Array:
    """Return the weighted median of the losses, or their elements, in each resample (B,), as `quantiles` defines it.

    `units` are what is resampled, by default what suits these rows alone.
    """
    n = len(rows.numbers)
    chosen = median_units(rows, resampling) if units is None else units
    elements = rows.values.reshape(n, -1)
    order = np.argsort(elements, axis=None, kind="stable")
    ordered, owner = elements.ravel()[order], order // elements.shape[1]
    weights = None if rows.weight is None else rows.weight[owner]

    def middle(drawn: Drawn) -> Array:
        """Return, for resamples (m, u), the middle of the first values that reach and that exceed half the weight."""
        drawn = chosen.draws_of_rows(drawn)
        cumulated = np.cumsum(drawn[:, owner] if weights is None else drawn[:, owner] * weights, axis=1)
        half, slack = 0.5 * cumulated[:, -1:], 1e-12 * cumulated[:, -1:]
        first = np.count_nonzero(cumulated < half - slack, axis=1)
        second = np.minimum(np.count_nonzero(cumulated <= half + slack, axis=1), len(ordered) - 1)
        with np.errstate(invalid="ignore", over="ignore"):  # of infinite losses
            middles: Array = ordered[first] + (ordered[second] - ordered[first]) * 0.5
        return middles

    counts = draws.multinomial(chosen.units, resampling.seed, chosen.size)
    return draws.over_resamples(counts, n, resampling.n_resamples_in_memory(n), middle)
