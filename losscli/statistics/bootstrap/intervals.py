"""Bootstrap intervals of reduced losses: how far the number could have come out elsewhere, on other rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, Estimand, Rows, Sketch, draw_completed_blocks, joined
from losscli.statistics.bootstrap.draws import Drawn
from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling
from losscli.statistics.quantiles import ACCURACY, quantiles
from losscli.statistics.ratios import ALIKE, INFINITE, ONE, interval, poisson_interval, ratios

WIDE = "the elements of more rows than are held have no interval of their median"
NO_ERROR = "percentile interval: a median has no jackknife, and so no standard error"  # Efron 1982


def intervals(bootstraps: Sequence[Bootstrap]) -> list[ConfidenceInterval]:
    """The intervals of losses over one set of rows, or of a group; losses of as many rows share their draws."""
    draw_completed_blocks(bootstraps)
    found = {i: _direct(bootstrap) for i, bootstrap in enumerate(bootstraps)}
    n_resamples_in_memory = sorted((bootstraps[i].n, i) for i, there in found.items() if there is None)
    for _, same in groupby(n_resamples_in_memory, key=lambda pair: pair[0]):
        positions = [i for _, i in same]
        terms = [joined(bootstraps[i].pending_rows).terms(bootstraps[i].estimand) for i in positions]
        for i, ratio in zip(positions, ratios(terms, bootstraps[0].asked), strict=True):
            found[i] = _reduced(interval(ratio, bootstraps[i].asked), bootstraps[i])
    return [there.with_small_n_warning(bootstraps[i].n) for i, there in found.items() if there is not None]


def _direct(bootstrap: Bootstrap) -> ConfidenceInterval | None:
    """The interval of what is no ratio of held rows, or why there is none."""
    refusals = ((bootstrap.refusal, bool(bootstrap.refusal)), (INFINITE, not bootstrap.finite), (ONE, bootstrap.n < 2))
    why = next((text for text, applies in refusals if applies), "")
    if why:
        return ConfidenceInterval.none(bootstrap.asked, why)
    if bootstrap.sketch is not None:
        return _of_sketch(bootstrap.sketch, bootstrap.asked)
    if bootstrap.totals is not None:
        return _reduced(bootstrap.totals.intervals(bootstrap.asked)[0], bootstrap)
    return _of_median(bootstrap) if bootstrap.estimand is Estimand.MEDIAN else None


def _reduced(mean: ConfidenceInterval, bootstrap: Bootstrap) -> ConfidenceInterval:
    """The interval of the value, given that of a mean."""
    reduce = {
        Estimand.SUM: lambda end: bootstrap.n * end,
        Estimand.ROOT_MEAN: lambda end: math.sqrt(max(end, 0.0)),
    }.get(bootstrap.estimand)
    return mean if reduce is None else mean.map_endpoints(reduce)


# ----------------------------------------------------------------------------------------------------- medians


def _of_sketch(sketch: Sketch, asked: Resampling) -> ConfidenceInterval:
    """The Poisson bootstrap of a median without drawing: P(median* <= x) in closed form.

    median* <= x where the drawn weights up to x exceed those beyond, and their difference is normal for so many rows,
    with variance sum(w²) wherever x lies: the ends are the quantiles at 1/2 ± z sqrt(sum w²) / (2 sum w). Where those
    are only known to ACCURACY, the ends are moved outwards by it.
    """
    from statistics import NormalDist

    if sketch.wide:
        return ConfidenceInterval.none(asked, WIDE)
    reach = NormalDist().inv_cdf(asked.tails[1]) * math.sqrt(sketch.second) / (2 * sketch.first)
    low, high = sketch.quantiles.quantiles((max(0.5 - reach, 0.0), min(0.5 + reach, 1.0)))
    if not sketch.quantiles.exact:
        low, high = low - ACCURACY * abs(low), high + ACCURACY * abs(high)
    return poisson_interval((low, high), 0, asked)


def _of_median(bootstrap: Bootstrap) -> ConfidenceInterval:
    asked = bootstrap.asked
    replicates = medians(joined(bootstrap.pending_rows), asked)
    if replicates.min() == replicates.max():
        return ConfidenceInterval.none(asked, ALIKE)
    low, high = quantiles(replicates, None, asked.tails)
    why = "" if asked.method in ("auto", "percentile") else NO_ERROR
    return ConfidenceInterval(low, high, asked.level, "percentile", len(replicates), asked.seed, why)


def medians(rows: Rows, asked: Resampling) -> Array:
    """The weighted median of each resample's losses, or elements of losses: (B,), by the definition of `quantiles`."""
    n = len(rows.numbers)
    elements = rows.values.reshape(n, -1)
    order = np.argsort(elements, axis=None, kind="stable")
    ordered, owner = elements.ravel()[order], order // elements.shape[1]
    weights = None if rows.weight is None else rows.weight[owner]

    def middle(drawn: Drawn) -> Array:
        """Of each resample (m, n), halfway between the first values that half the weight reaches and exceeds."""
        fraction_read = np.cumsum(drawn[:, owner] if weights is None else drawn[:, owner] * weights, axis=1)
        half, slack = 0.5 * fraction_read[:, -1:], 1e-12 * fraction_read[:, -1:]
        first = np.count_nonzero(fraction_read < half - slack, axis=1)
        second = np.minimum(np.count_nonzero(fraction_read <= half + slack, axis=1), len(ordered) - 1)
        middles: Array = ordered[first] + (ordered[second] - ordered[first]) * 0.5
        return middles

    return draws.over_resamples(draws.multinomial(n, asked.seed), n, asked.n_resamples_in_memory(n), middle)
