"""Elementary scores, which every consistent loss is a mixture of: the lines of Murphy diagrams.

Ehm, Gneiting, Jordan & Krüger 2016 (doi:10.1111/rssb.12154): at a threshold t the elementary score of a prediction x of
a mean is |y - t| where t separates x from the target y (min(x, y) <= t < max(x, y)), else 0; that of a prediction of a
quantile is `level` where x <= t < y, and 1 - level where y <= t < x. A model whose score is lower at all thresholds is
better by every consistent loss. Twice the integral over t of the score of a mean is the squared error; the integral of
that of a quantile is the pinball loss.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.statistics.keyed_sums import SumsByKey
from losscli.statistics.quantiles import BITS_DROPPED

MAX_ROUNDING = 1e-9
"""Rounding of a mean of targets, in their median distance from the middle one, up to which sums are used."""


class SumsAbove(NamedTuple):
    """Sums over the rows whose key is above a threshold.

    Attributes:
        value: The values of the keys, in ascending order (k,).
        weight: The sum of the weights of the entries from each on (k + 1,).
        target: The weighted sum of their targets (k + 1,).
        own_weight: The weight of each entry (k,).
        own_target: The weighted sum of the targets of each entry (k,).
        is_exact: Whether each entry is one row.
    """

    value: Array
    weight: Array
    target: Array
    own_weight: Array
    own_target: Array
    is_exact: bool

    @classmethod
    def of(cls, table: SumsByKey, is_probability: bool) -> SumsAbove:
        """Return the sums of a table by x, of which the first column is the target; without a column it is the key."""
        order = np.arange(table.key.size)
        if is_probability:  # negative keys are those of probabilities above a half
            n_negative = int(np.searchsorted(table.key, 0.0))
            order = np.concatenate([order[n_negative:], order[:n_negative]])
        key, weight = table.key[order], table.weight[order]
        value = np.where(key < 0, 1 + key, key) if is_probability else key
        target = table.sums[0][order] if len(table.sums) else value * weight
        return cls(value, _sum_from_here(weight), _sum_from_here(target), weight, target, table.is_exact)

    def above(self, thresholds: Array, is_left_limit: bool = False) -> tuple[Array, Array]:
        """Return the weight and the sum of the targets of the rows above thresholds (k,).

        In the limit from the left, a row at a threshold is above it.
        """
        places = np.searchsorted(self.value, thresholds, side="left" if is_left_limit else "right")
        return self.weight[places], self.target[places]


def _sum_from_here(values: Array) -> Array:
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


class ElementaryMeans(NamedTuple):
    """What the elementary scores of a model are made of, for a mean: sums by the target, and by the prediction."""

    by_target: SumsAbove
    by_prediction: SumsAbove

    @property
    def lacks_digits(self) -> bool:
        """Whether one target is so large that sums with it have no digits for the others."""
        values, total = self.by_target.value, self.by_target.weight[0]
        median = values[min(int(np.searchsorted(-self.by_target.weight[:-1], -total / 2)), values.size - 1)]
        sizes = np.abs(values - median)
        sizes = sizes[sizes > 0]
        rounding = np.finfo(float).eps * float(np.abs(self.by_target.own_target).max())
        return bool(sizes.size and rounding > MAX_ROUNDING * float(np.median(sizes)) * total)

    def _scores_by_rows(self, predictions: Array, thresholds: Array, is_left_limit: bool) -> Array:
        """Return the scores at thresholds (k,) row by row, for rows that are kept as they are."""
        rows = self.by_prediction
        with np.errstate(invalid="ignore", divide="ignore"):
            y = np.where(rows.own_weight > 0, rows.own_target / rows.own_weight, 0.0)
        found = np.empty(thresholds.size)
        for i, t in enumerate(thresholds.tolist()):
            is_above = predictions >= t if is_left_limit else predictions > t
            found[i] = np.dot(np.abs(y - t) * (is_above != (y > t)), rows.own_weight)
        return np.asarray(found / self.by_target.weight[0])

    def scores(self, thresholds: Array, is_left_limit: bool = False) -> Array:
        """Return the mean elementary score at thresholds (k,).

        It is (y - t)+ - (y - t) [x > t], summed over the rows.
        """
        if self.by_prediction.is_exact and self.lacks_digits:
            return self._scores_by_rows(self.by_prediction.value, thresholds, is_left_limit)
        total = self.by_target.weight[0]
        weight, target = self.by_target.above(thresholds)
        weight_predicted, target_predicted = self.by_prediction.above(thresholds, is_left_limit)
        sums = (target - thresholds * weight) - (target_predicted - thresholds * weight_predicted)
        return np.asarray(np.maximum(sums, 0.0) / total)

    def scores_of_constant(self, constant: float, thresholds: Array) -> Array:
        """Return the mean elementary score of a constant prediction at thresholds (k,)."""
        if self.by_prediction.is_exact and self.lacks_digits:
            constants = np.full(self.by_prediction.value.size, constant)
            return self._scores_by_rows(constants, thresholds, False)
        weight, target = self.by_target.above(thresholds)
        is_above = constant > thresholds
        sums = target - thresholds * weight
        sums -= np.where(is_above, self.by_target.target[0] - thresholds * self.by_target.weight[0], 0.0)
        return np.asarray(np.maximum(sums, 0.0) / self.by_target.weight[0])


class ElementaryQuantiles(NamedTuple):
    """What the scores of a model are made of, for a quantile: counts by the target, the prediction and the larger."""

    by_target: SumsAbove
    by_prediction: SumsAbove
    by_larger: SumsAbove
    level: float

    def scores(self, thresholds: Array, is_left_limit: bool = False) -> Array:
        """Return the mean elementary score at thresholds (k,)."""
        target, predicted, larger = (
            sums.above(thresholds, is_left_limit)[0] for sums in (self.by_target, self.by_prediction, self.by_larger)
        )
        too_high, too_low = larger - target, larger - predicted
        return np.asarray(((1 - self.level) * too_high + self.level * too_low) / self.by_target.weight[0])

    def scores_of_constant(self, constant: float, thresholds: Array) -> Array:
        """Return the mean elementary score of a constant prediction at thresholds (k,)."""
        total = self.by_target.weight[0]
        above = self.by_target.above(thresholds)[0]
        sums = np.where(constant > thresholds, (1 - self.level) * (total - above), self.level * above)
        return np.asarray(sums / total)


def bucket_edges(values: Array, is_probability: bool) -> Array:
    """Return the edge, towards 0 (or towards 0 and 1 for probabilities), of the bucket that each value (k,) is in.

    Sums in buckets are those of all rows above an edge: there the scores are exact.
    """
    is_high = (values > 0.5) if is_probability else np.zeros(values.shape, dtype=bool)
    size = np.where(is_high, 1 - values, values)
    bits = np.ascontiguousarray(size, dtype=np.float64).view(np.int64)
    edges = (bits >> BITS_DROPPED << BITS_DROPPED).view(np.float64)
    return np.where(is_high, 1 - edges, edges)
