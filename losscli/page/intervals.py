"""Intervals by the normal distribution: of values over more rows than are resampled unasked."""

from __future__ import annotations

import math
from statistics import NormalDist

from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.declaration.loss import Loss
from losscli.declaration.properties import Reduction
from losscli.evaluation.dataset_wide import WholeRows
from losscli.evaluation.run import RunState
from losscli.page.observers import LossMoments
from losscli.results import LossResult
from losscli.statistics.bootstrap.options import HEAVY_TAIL_WARNING, MIN_ROWS_FOR_LEVEL, ConfidenceInterval
from losscli.statistics.tails import FEW_OF_ROWS

NORMAL = "normal"


def normal_interval(run: RunState, moments: LossMoments, i: int, level: float) -> ConfidenceInterval | None:
    """Return the interval of the value of a loss over many rows; None where there is none.

    Of a mean it is the mean and standard errors, of its root or exponential those of the ends; of a median it has the
    order statistics as its ends, which hold the median of any distribution (Conover 1999, Practical Nonparametric
    Statistics, 3.2).
    """
    accumulator, bound = run.accumulators[i], run.evaluators[i].bound
    n = moments.by_loss[i].n
    if isinstance(accumulator, WholeRows) or bound.loss.no_interval or run.evaluators[i].coupled:
        return None
    if run.reduction != "mean":
        return None
    if bound.loss.reduction is Reduction.MEDIAN:
        reach = z_score(level) / (2 * math.sqrt(n)) if n else math.inf
        if reach >= 0.5:
            return None
        has_elements = accumulator.elements.kept or accumulator.elements.histogram is not None
        quantiles = accumulator.elements if has_elements else accumulator.quantiles
        low, high = quantiles.quantiles((0.5 - reach, 0.5 + reach))
        return ConfidenceInterval(float(low), float(high), level, NORMAL, 0, 0)
    sums = moments.by_loss[i]
    found = interval_of_mean(accumulator.value(), sums.standard_error, n, bound.loss.reduction, level)
    return found if found is None or not bound.loss.has_ratios else found.with_tail_warning(sums.tail, n)


def group_interval(result: LossResult, loss: Loss, is_weighted: bool, level: float) -> ConfidenceInterval | None:
    """Return the interval of the value of a group, from its standard deviation; None where there is none."""
    if is_weighted or result.n < 2 or loss.no_interval:
        return None
    found = interval_of_mean(result.value, result.std / math.sqrt(result.n), result.n, loss.reduction, level)
    mean_square, spread = (result.sum / result.n) ** 2, result.std**2
    if found is None or result.min < 0 or not mean_square > 0 or not loss.has_ratios:
        return found
    # cubes, which would tell a heavy tail from many zeros, are not summed by group; this interval allows for no skew
    effective_n = result.n * mean_square / (mean_square + spread)
    is_few = effective_n < FEW_OF_ROWS * result.n
    return found._replace(warning=HEAVY_TAIL_WARNING, effective_n=effective_n) if is_few else found


def interval_of_mean(
    value: float, standard_error: float, n: int, reduction: Reduction, level: float
) -> ConfidenceInterval | None:
    """Return the interval of a mean over n rows, or of its root or exponential."""
    reach = z_score(level) * standard_error
    if n < MIN_ROWS_FOR_LEVEL or not (math.isfinite(value) and math.isfinite(reach)):
        return None
    if reduction not in ADDITIVE_REDUCTIONS:
        return None
    mean = reduction.mean_of(value)
    low, high = reduction.of_end(mean - reach), reduction.of_end(mean + reach)
    return ConfidenceInterval(low, high, level, NORMAL, 0, 0)


def z_score(level: float) -> float:
    """Return how many standard deviations an interval of the normal distribution reaches on either side."""
    return NormalDist().inv_cdf((1 + level) / 2)
