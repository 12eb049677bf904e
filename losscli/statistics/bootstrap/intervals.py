"""Bootstrap intervals of reduced losses: how much the value varies from one sample of rows to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, CountedRows, Estimand, draw_completed_blocks, merge_rows
from losscli.statistics.bootstrap.draws import Drawn
from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import NO_SPREAD, NOT_FINITE, ONE_ROW, interval, ratios

NO_STANDARD_ERROR = "percentile interval: a median has no jackknife, and so no standard error"  # Efron 1982


def intervals(bootstraps: Sequence[Bootstrap]) -> list[ConfidenceInterval]:
    """Return the intervals of losses over all rows or a group; losses over equally many rows share their draws."""
    draw_completed_blocks(bootstraps)
    found = {i: _interval_without_ratio(bootstrap) for i, bootstrap in enumerate(bootstraps)}
    held = sorted((bootstraps[i].n, i) for i, known in found.items() if known is None)
    for _, same_size in groupby(held, key=lambda pair: pair[0]):
        indices = [i for _, i in same_size]
        terms = [merge_rows(bootstraps[i].pending_rows).terms(bootstraps[i].estimand) for i in indices]
        for i, ratio in zip(indices, ratios(terms, bootstraps[0].resampling), strict=True):
            found[i] = _map_to_value(interval(ratio, bootstraps[i].resampling), bootstraps[i])
    return [_with_warnings(known, bootstraps[i]) for i, known in found.items() if known is not None]


def _with_warnings(found: ConfidenceInterval, bootstrap: Bootstrap) -> ConfidenceInterval:
    return found.with_small_n_warning(bootstrap.n).with_tail_warning(bootstrap.tail(), bootstrap.n)


def _interval_without_ratio(bootstrap: Bootstrap) -> ConfidenceInterval | None:
    """Return the interval of all but ratios of held rows, or why there is none."""
    why = bootstrap.refusal or (NOT_FINITE if not bootstrap.is_finite else ONE_ROW if bootstrap.n < 2 else "")
    if why:
        return ConfidenceInterval.none(bootstrap.resampling, why)
    if bootstrap.sketch is not None:
        return bootstrap.sketch.interval(bootstrap.resampling)
    if bootstrap.totals is not None:
        return _map_to_value(bootstrap.totals.intervals(bootstrap.resampling)[0], bootstrap)
    return _median_interval(bootstrap) if bootstrap.estimand is Estimand.MEDIAN else None


def _map_to_value(mean: ConfidenceInterval, bootstrap: Bootstrap) -> ConfidenceInterval:
    """Return the interval of the value, given that of the mean."""
    reduce = {
        Estimand.SUM: lambda end: bootstrap.n * end,
        Estimand.ROOT_MEAN: lambda end: math.sqrt(max(end, 0.0)),
    }.get(bootstrap.estimand)
    return mean if reduce is None else mean.map_endpoints(reduce)


def _median_interval(bootstrap: Bootstrap) -> ConfidenceInterval:
    resampling = bootstrap.resampling
    replicates = medians(merge_rows(bootstrap.pending_rows), resampling)
    if replicates.min() == replicates.max():
        return ConfidenceInterval.none(resampling, NO_SPREAD)
    low, high = quantiles(replicates, None, resampling.tails)
    why = "" if resampling.method in ("auto", "percentile") else NO_STANDARD_ERROR
    return ConfidenceInterval(low, high, resampling.level, "percentile", len(replicates), resampling.seed, why)


def medians(rows: CountedRows, resampling: Resampling) -> Array:
    """Return the weighted median of the losses, or their elements, in each resample (B,), as `quantiles` defines it."""
    n = len(rows.numbers)
    elements = rows.values.reshape(n, -1)
    order = np.argsort(elements, axis=None, kind="stable")
    ordered, owner = elements.ravel()[order], order // elements.shape[1]
    weights = None if rows.weight is None else rows.weight[owner]

    def middle(drawn: Drawn) -> Array:
        """Return, for resamples (m, n), the middle of the first values that reach and that exceed half the weight."""
        cumulated = np.cumsum(drawn[:, owner] if weights is None else drawn[:, owner] * weights, axis=1)
        half, slack = 0.5 * cumulated[:, -1:], 1e-12 * cumulated[:, -1:]
        first = np.count_nonzero(cumulated < half - slack, axis=1)
        second = np.minimum(np.count_nonzero(cumulated <= half + slack, axis=1), len(ordered) - 1)
        with np.errstate(invalid="ignore", over="ignore"):  # of infinite losses
            middles: Array = ordered[first] + (ordered[second] - ordered[first]) * 0.5
        return middles

    return draws.over_resamples(draws.multinomial(n, resampling.seed), n, resampling.n_resamples_in_memory(n), middle)
