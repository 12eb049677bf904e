"""Which of several models may be the best, and by how much others differ, with one error for all of them together.

The intervals of a family of differences are d ± c * error. c is the quantile of the largest |t*| of the family in each
resample, so that all hold their differences at once in a share `level` of samples. The model confidence set (Hansen,
Lunde & Nason 2011, doi:10.3982/ECTA5771) holds the best models in a share `level` of samples. It tests whether all
models are equal, by the largest |t| of all pairs (the range statistic). If they are not, the model that is furthest
behind another is left out, and the others are tested again, by the largest |t*| of their own pairs.

All rest on the same |t*|, and so fit together. A model whose interval to another leaves out 0, all pairs being the
family, is never in the set; of two models one is left out only then. Of more models one can be left out although its
interval to the best holds 0: later tests are of fewer pairs, and it may be behind another model for sure. That is where
the set has more power. Holm's (1979) p allow for any dependence of the pairs, and so are a little larger.

The other statistic of the paper, the largest t of a model against the average of all, does not fit to intervals of
pairs. In simulations its set also had less power (docs/concepts/statistics.md), as had fixed standard errors.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.simultaneous import MULTIPLIER, PairDraws, pairs_of


class ReferenceDifferences(NamedTuple):
    """How m models differ from the reference among them: the reference by 0.

    `low`, `high` and `p` (m,) are nan for models that were not tested against it, and for the reference `p` is nan.
    `critical_value` is by how many standard errors the intervals reach to each side, nan where no pair was tested;
    `least_p` is the least that so few resamples can give for so many pairs, 0 where p are not counted.
    """

    low: Array
    high: Array
    p: Array
    critical_value: float
    least_p: float


def differences_to(reference: int, pairs: PairDraws, models: int, level: float, is_named: bool) -> ReferenceDifferences:
    """Return how the models differ from a reference, over a family of pairs: those with it if it was named, else all.

    A reference that the data chose, as the best, takes the choice into the family.
    """
    first, second = pairs_of(models)
    with_reference = (first == reference) | (second == reference)
    family = with_reference if is_named else np.ones(len(first), dtype=bool)
    critical = math.nan
    if pairs.is_tested[family].any():
        critical = critical_value(pairs.resampled[:, family].max(axis=1), level)
    adjusted = np.full(len(first), math.nan)
    adjusted[family] = holm(pairs.p[family])
    low, high, p = np.full((3, models), math.nan)
    for k in np.flatnonzero(with_reference):
        other, sign = (first[k], 1.0) if second[k] == reference else (second[k], -1.0)
        difference, p[other] = sign * pairs.differences[k], adjusted[k]
        if pairs.is_tested[k]:
            low[other], high[other] = difference - critical * pairs.errors[k], difference + critical * pairs.errors[k]
        elif pairs.p[k] == 1:  # alike in every row
            low[other] = high[other] = 0.0
    low[reference] = high[reference] = 0.0
    counted = 0 if pairs.method == MULTIPLIER else np.count_nonzero(~np.isnan(adjusted))
    return ReferenceDifferences(low, high, p, critical, min(counted / (len(pairs.resampled) + 1), 1.0))


def critical_value(largest: Array, level: float) -> float:
    """Return what the largest |t*| (B,) exceed in no more than a share 1 - level of B + 1 draws.

    It is an order statistic: |t| is above it exactly if (1 + the number of t* that reach it) / (B + 1) <= 1 - level.
    """
    place = math.ceil(level * (len(largest) + 1) - 1e-9)
    return float(np.partition(largest, place - 1)[place - 1]) if place <= len(largest) else math.inf


def holm(p: Array) -> Array:
    """Return p adjusted for their number by Holm's (1979) step-down; nan stays, and does not count."""
    adjusted = np.full(len(p), math.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted


def confidence_set(pairs: PairDraws, models: int, level: float) -> NDArray[np.bool_]:
    """Return which models (m,) are in the model confidence set."""
    first, second = pairs_of(models)
    t = np.zeros((models, models))
    t[first, second], t[second, first] = pairs.t, -pairs.t
    left, step_of = list(range(models)), np.full(models, models - 1)
    ranges: list[float] = []
    while len(left) > 1:  # the order in which models would be left out, whatever the tests say
        behind = t[np.ix_(left, left)].max(axis=1)
        worst = int(behind.argmax())
        step_of[left[worst]] = len(ranges)
        ranges.append(float(behind[worst]))
        del left[worst]
    last_step = np.minimum(step_of[first], step_of[second])  # a pair is in all tests up to this one
    largest = np.zeros(len(pairs.resampled))
    reached = np.zeros(len(ranges), dtype=np.int64)
    for step in range(len(ranges) - 1, -1, -1):
        largest = np.maximum(largest, pairs.resampled[:, last_step == step].max(axis=1))
        reached[step] = np.count_nonzero(largest >= ranges[step])
    is_rejected = 1 + reached <= (1 - level) * (len(largest) + 1) + 1e-9
    n_left_out = int(np.argmin(is_rejected)) if not is_rejected.all() else len(ranges)
    return step_of >= n_left_out
