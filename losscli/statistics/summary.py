"""What one loss comes to over a dataset: its value and the statistics beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.loss import Reduction
from losscli.statistics.moments import Moments, Sum
from losscli.statistics.quantiles import Quantiles

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.accumulator import Bootstrap


class Summary(NamedTuple):
    """The statistics of one loss. `value` is reduced, the others are of the per-sample losses."""

    value: float
    n: int
    weight_sum: float
    std: float
    min: float
    median: float
    p95: float
    max: float
    sum: float
    clipped: int
    exact: bool

    @property
    def status(self) -> str:
        if math.isnan(self.value):
            return "nan"
        return "inf" if math.isinf(self.value) else "ok"


class Accumulator:
    """Everything that is kept of one loss while batches go by; accumulators of parts merge.

    `own` is the loss's reduction; `asked` is what `--reduction` says: `mean` (the loss's own), `sum`, `median`. With
    `value_only` what the value does not need is not kept, and if `quick` its last digit may be lost. `bootstrap` gets
    the rows, too, where an interval is asked for.
    """

    def __init__(
        self,
        own: Reduction,
        asked: str = "mean",
        value_only: bool = False,
        bootstrap: Bootstrap | None = None,
        quick: bool = False,
    ) -> None:
        self.own = own
        self.asked = asked
        value_only = value_only or quick
        self._value_only, self._quick = value_only and own is not Reduction.MAX, quick
        self.ordered = not value_only or asked == "median" or own is Reduction.MEDIAN
        self.moments = Moments()
        self.quantiles = Quantiles()
        self.elements = Quantiles()
        self.largest = -math.inf
        self.divisor = Sum()
        self.clipped = 0
        self.bootstrap = bootstrap

    def update(
        self,
        elements: Array,
        per_sample: Array,
        weights: Array | None = None,
        counted: Mask | None = None,
        denominator: Array | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Add a batch: elements (N, ...), their per-sample means (N,), what each row weighs, and the rows' numbers."""
        if self.bootstrap is not None and rows is None:
            rows = np.arange(1, len(per_sample) + 1)
        if counted is not None and not counted.all():
            alone = elements is per_sample
            per_sample = per_sample[counted]
            elements = per_sample if alone else elements[counted]
            weights = None if weights is None else weights[counted]
            denominator = None if denominator is None else denominator[counted]
            rows = None if rows is None else rows[counted]
        if self._value_only:
            self.moments.update_sum(per_sample, weights, self._quick)
        else:
            self.moments.update(per_sample, weights)
        if self.ordered:
            self.quantiles.update(per_sample, weights)
        if self.own is Reduction.MEDIAN and elements.ndim > 1:
            wide = None if weights is None else np.repeat(weights, elements[0].size)
            self.elements.update(elements.ravel(), wide)
        if self.own is Reduction.MAX:
            self.largest = max(self.largest, float(elements.max(initial=-math.inf)))
        self._divide_by(len(per_sample), weights, denominator)
        if self.bootstrap is not None and rows is not None:
            of_elements = self.own is Reduction.MEDIAN and self.asked == "mean"
            resampled = elements.reshape(len(elements), -1) if of_elements and elements.ndim > 1 else per_sample
            self.bootstrap.add(rows, resampled, weights, denominator)

    def _divide_by(self, n: int, weights: Array | None, denominator: Array | None) -> None:
        """Add what the sum of some rows is divided by in a mean."""
        if denominator is None and weights is None:
            self.divisor.add(float(n))
        elif denominator is None or weights is None:
            self.divisor.add_all(cast("Array", weights if denominator is None else denominator))
        else:
            self.divisor.add_all(weights * denominator)

    def merge(self, other: Accumulator) -> None:
        self.moments.merge(other.moments)
        self.quantiles.merge(other.quantiles)
        self.elements.merge(other.elements)
        self.largest = max(self.largest, other.largest)
        self.divisor.merge(other.divisor)
        self.clipped += other.clipped
        if self.bootstrap is not None and other.bootstrap is not None:
            self.bootstrap.merge(other.bootstrap)

    @property
    def exact(self) -> bool:
        """Whether all values are kept that quantiles are of."""
        return self.quantiles.exact and self.elements.exact

    @property
    def kept(self) -> int:
        """How many values are kept."""
        return max(self.quantiles.kept, self.elements.kept)

    def condense(self) -> None:
        """Keep no values, only their counts."""
        for quantiles in (self.quantiles, self.elements):
            if quantiles.exact and quantiles.kept:
                quantiles.to_histogram()

    def value(self) -> float:
        if self.asked == "sum":
            return self.moments.sum.value
        if self.asked == "median":
            return self.quantiles.quantiles((0.5,))[0]
        if self.own is Reduction.MEDIAN:
            return (self.elements if self.elements.kept or not self.elements.exact else self.quantiles).quantiles(
                (0.5,)
            )[0]
        if self.own is Reduction.MAX:
            return math.nan if math.isnan(self.moments.high) else self.largest
        mean = _ratio(self.moments.sum.value, self.divisor.value)
        return math.sqrt(mean) if self.own is Reduction.ROOT_MEAN else mean

    def summary(self) -> Summary:
        moments = self.moments
        median, p95 = (_within(q, moments.low, moments.high) for q in self.quantiles.quantiles((0.5, 0.95)))
        return Summary(
            self.value(), moments.n, moments.weight.value, moments.std, moments.low, median, p95, moments.high,
            moments.sum.value, self.clipped, self.quantiles.exact,
        )  # fmt: skip


def _within(value: float, low: float, high: float) -> float:
    """A quantile that was estimated, no further out than what was seen."""
    return min(max(value, low), high) if low <= high else value


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
