"""Quantiles: exact while the values fit a budget, from logarithmic buckets after that."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from losscli.domain import Array

BUDGET = 1 << 20
"""Values kept exactly for each stream: 8 MB, as much again where there are weights."""

ACCURACY = 1e-3
"""Relative error of a quantile once the budget is passed."""


def quantile(values: Array, weights: Array | None, q: float) -> float:
    """The q-quantile, 0 <= q <= 1; see `quantiles`."""
    return quantiles(values, weights, (q,))[0]


def quantiles(values: Array, weights: Array | None, probabilities: Sequence[float]) -> list[float]:
    """Quantiles of values (N,) with weights (N,).

    Unweighted (or weights all alike) they interpolate linearly between order statistics, as NumPy does by default;
    weighted they are the averaged inverse of the distribution function, for which twice the weight is two rows.
    """
    if not values.size or np.isnan(values).any():
        return [math.nan for _ in probabilities]
    if weights is None or weights.min() == weights.max():
        return _linear(values, probabilities)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return [_averaged_inverse(values, order, reached, q * reached[-1]) for q in probabilities]


def _averaged_inverse(values: Array, order: NDArray[np.intp], reached: Array, target: float) -> float:
    slack = 1e-12 * reached[-1]
    first = int(np.searchsorted(reached, target - slack))
    second = min(int(np.searchsorted(reached, target + slack, side="right")), len(order) - 1)
    return _between(float(values[order[first]]), float(values[order[second]]), 0.5)


def _linear(values: Array, probabilities: Sequence[float]) -> list[float]:
    positions = [q * (values.size - 1) for q in probabilities]
    ends = sorted({min(int(p) + i, values.size - 1) for p in positions for i in (0, 1)})
    placed = np.partition(values, ends)
    return [_between(float(placed[int(p)]), float(placed[min(int(p) + 1, values.size - 1)]), p % 1) for p in positions]


def _between(a: float, b: float, part: float) -> float:
    return a if part == 0 or a == b else a + (b - a) * part


class Buckets:
    """Counts in buckets whose ends grow by a constant factor (DDSketch: Masson et al. 2019, arXiv:1908.10693).

    Any quantile is right to a relative error of ACCURACY; merging adds counts, so order does not matter. It takes
    weights, which the rank sketches of the usual libraries do not.
    """

    def __init__(self) -> None:
        self._log_base = math.log((1 + ACCURACY) / (1 - ACCURACY))
        self._lowest = math.floor(math.log(5e-324) / self._log_base) - 1
        size = math.ceil(math.log(sys.float_info.max) / self._log_base) - self._lowest + 3
        self._counts: dict[int, Array] = {-1: np.zeros(0), 1: np.zeros(0)}
        self._size = size
        self.zero = 0.0
        self.nan = False

    def update(self, values: Array, weights: Array | None) -> None:
        w = np.ones(values.size) if weights is None else weights
        self.nan = self.nan or bool(np.isnan(values).any())
        self.zero += float(w[values == 0].sum())
        for sign in (1, -1):
            side = values * sign > 0
            if side.any():
                self._add(sign, np.abs(values[side]), w[side])

    def _add(self, sign: int, sizes: Array, weights: Array) -> None:
        finite = np.minimum(sizes, sys.float_info.max)
        keys = np.ceil(np.log(finite) / self._log_base).astype(np.int64) - self._lowest
        keys[np.isinf(sizes)] = self._size - 1
        if not self._counts[sign].size:
            self._counts[sign] = np.zeros(self._size)
        low = int(keys.min())
        counts = np.bincount(keys - low, weights=weights)
        self._counts[sign][low : low + len(counts)] += counts

    def merge(self, other: Buckets) -> None:
        self.zero += other.zero
        self.nan = self.nan or other.nan
        for sign, counts in other._counts.items():
            mine = self._counts[sign]
            self._counts[sign] = mine + counts if mine.size and counts.size else (mine if mine.size else counts.copy())

    def quantile(self, q: float) -> float:
        if self.nan:
            return math.nan
        counts = np.concatenate([self._counts[-1][::-1], [self.zero], self._counts[1]])
        reached = np.cumsum(counts)
        place = int(np.searchsorted(reached, q * reached[-1])) if reached[-1] else 0
        negative = self._counts[-1].size
        if place < negative:
            return -self._middle(negative - 1 - place)
        return 0.0 if place == negative else self._middle(place - negative - 1)

    def _middle(self, key: int) -> float:
        if key == self._size - 1:
            return math.inf
        return 2 * math.exp(self._log_base * (key + self._lowest)) / (1 + math.exp(self._log_base))


class Quantiles:
    """Quantiles of a stream of weighted values."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.values: list[Array] = []
        self.weights: list[Array | None] = []
        self.kept = 0
        self.buckets: Buckets | None = None

    def update(self, values: Array, weights: Array | None) -> None:
        if self.buckets is None and self.kept + values.size > self.budget:
            self._spill()
        if self.buckets is not None:
            self.buckets.update(values, weights)
            return
        self.values.append(values)
        self.weights.append(weights)
        self.kept += values.size

    def _spill(self) -> None:
        self.buckets = Buckets()
        for values, weights in zip(self.values, self.weights, strict=True):
            self.buckets.update(values, weights)
        self.values, self.weights = [], []

    def merge(self, other: Quantiles) -> None:
        for values, weights in zip(other.values, other.weights, strict=True):
            self.update(values, weights)
        if other.buckets is not None:
            if self.buckets is None:
                self._spill()
            assert self.buckets is not None
            self.buckets.merge(other.buckets)

    @property
    def exact(self) -> bool:
        return self.buckets is None

    def quantiles(self, probabilities: tuple[float, ...]) -> list[float]:
        if self.buckets is not None:
            return [self.buckets.quantile(q) for q in probabilities]
        values = np.concatenate(self.values) if self.values else np.zeros(0)
        weighted = bool(self.weights) and self.weights[0] is not None
        weights = np.concatenate([w for w in self.weights if w is not None]) if weighted else None
        return quantiles(values, weights, probabilities)
