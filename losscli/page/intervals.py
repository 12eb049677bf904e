"""Intervals of the values on the page: of a bootstrap where the rows are few, else by the normal distribution."""

from __future__ import annotations

import math
from statistics import NormalDist

from losscli.declaration.properties import Reduction
from losscli.evaluation.run import RunState
from losscli.page.observers import LossMoments

Ends = tuple[float, float] | None


def normal_interval(run: RunState, moments: LossMoments, i: int, level: float) -> Ends:
    """Return the interval of the value of a loss over many rows; None where there is none.

    Of a mean it is the mean and standard errors, of its root the roots of the ends; of a median it has the order
    statistics as its ends, which hold the median of any distribution (Conover 1999, Practical Nonparametric
    Statistics, 3.2).
    """
    accumulator, bound = run.accumulators[i], run.evaluators[i].bound
    z = NormalDist().inv_cdf((1 + level) / 2)
    value, n = accumulator.value(), moments.moments[i].n
    if run.evaluators[i].form.coupled or run.reduction != "mean" or n < 2 or not math.isfinite(value):
        return None
    if bound.loss.reduction is Reduction.MEDIAN:
        reach = z / (2 * math.sqrt(n))
        if reach >= 0.5:
            return None
        has_elements = accumulator.elements.kept or accumulator.elements.histogram is not None
        found = (accumulator.elements if has_elements else accumulator.quantiles).quantiles((0.5 - reach, 0.5 + reach))
        return float(found[0]), float(found[1])
    if bound.loss.reduction is Reduction.MAX:
        return None
    reach = z * moments.standard_error(i)
    if not math.isfinite(reach):
        return None
    if bound.loss.reduction is Reduction.ROOT_MEAN:
        square = value * value
        return math.sqrt(max(0.0, square - reach)), math.sqrt(square + reach)
    return value - reach, value + reach
