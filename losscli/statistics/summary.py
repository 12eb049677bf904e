"""The statistics of one loss over a dataset: its value and those of the per-sample losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Reduction
from losscli.statistics.moments import Moments, Sum
from losscli.statistics.quantiles import Quantiles

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.accumulator import Bootstrap


class Summary(NamedTuple):
    """The statistics of one loss: `value` is the reduced loss, the others are of the per-sample losses."""

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
    def has_samples(self) -> bool:
        """Whether there are per-sample losses, of which these are the statistics."""
        return True

    @property
    def nan_reason(self) -> str:
        """Why the value is NaN though no row is, where that is known."""
        return ""

    @property
    def status(self) -> str:
        return status_of(self.value)


def status_of(value: float) -> str:
    """Return `ok`, `inf` or `nan`."""
    return "nan" if math.isnan(value) else "inf" if math.isinf(value) else "ok"


@dataclass(eq=False, repr=False)
class Accumulator:
    """The running statistics of one loss over batches; accumulators of parts merge.

    `own` is the loss's reduction, `asked` the one to report: `mean` (the loss's own), `sum`, `median`. With
    `value_only` nothing is kept that the value does not need; `quick` implies that, and the last digit may be lost.
    `bootstrap` receives the rows, where an interval is wanted.
    """

    own: Reduction
    asked: str = "mean"
    value_only: bool = False
    bootstrap: Bootstrap | None = None
    quick: bool = False

    def __post_init__(self) -> None:
        value_only = self.value_only or self.quick
        self._sum_only = value_only and self.own is not Reduction.MAX
        self.keeps_values = not value_only or self.asked == "median" or self.own is Reduction.MEDIAN
        self.moments = Moments()
        self.quantiles = Quantiles()
        self.elements = Quantiles()
        self.largest = -math.inf
        self.divisor = Sum()
        self.clipped = self.left_out = self.tallied = 0

    def update(
        self,
        elements: Array,
        per_sample: Array,
        weights: Array | None = None,
        counted: Mask | None = None,
        denominator: Array | None = None,
        rows: NDArray[np.int64] | None = None,
        clusters: NDArray[np.uint64] | None = None,
    ) -> None:
        """Add a batch: the losses (N, ...) and their per-sample means (N,), with more about each row (N,).

        `counted` masks the rows that count, `denominator` is what each adds to the divisor of the mean, 1 by default,
        `rows` are their numbers, from 1, and `clusters` are equal where rows are resampled together. Without
        `rows` each row is a cluster of its own.
        """
        if self.bootstrap is not None and rows is None:
            rows = np.arange(1, len(per_sample) + 1)
            clusters = rows.astype(np.uint64)
        if counted is not None and not counted.all():
            is_scalar = elements is per_sample
            per_sample = per_sample[counted]
            elements = per_sample if is_scalar else elements[counted]
            weights = None if weights is None else weights[counted]
            denominator = None if denominator is None else denominator[counted]
            rows = None if rows is None else rows[counted]
            clusters = None if clusters is None else clusters[counted]
        if self._sum_only:
            self.moments.update_sum(per_sample, weights, self.quick)
        else:
            self.moments.update(per_sample, weights)
        if self.keeps_values:
            self.quantiles.update(per_sample, weights)
        if self.own is Reduction.MEDIAN and elements.ndim > 1:
            per_element = None if weights is None else np.repeat(weights, math.prod(elements.shape[1:]))
            self.elements.update(elements.ravel(), per_element)
        elif self.own is Reduction.MAX:
            self.largest = max(self.largest, float(elements.max(initial=-math.inf)))
        divisors = denominator if weights is None else weights if denominator is None else weights * denominator
        if divisors is None:
            self.divisor.add(float(len(per_sample)))
        else:
            self.divisor.add_all(divisors)
        if self.bootstrap is not None and rows is not None:
            from losscli.statistics.bootstrap.accumulator import CountedRows

            of_elements = self.own is Reduction.MEDIAN and self.asked == "mean" and elements.ndim > 1
            values = elements.reshape(len(elements), -1) if of_elements else per_sample
            self.bootstrap.add(CountedRows(rows, values, weights, denominator, clusters))

    def merge(self, other: Accumulator) -> None:
        self.moments.merge(other.moments)
        self.quantiles.merge(other.quantiles)
        self.elements.merge(other.elements)
        self.largest = max(self.largest, other.largest)
        self.divisor.merge(other.divisor)
        self.clipped += other.clipped
        self.left_out += other.left_out
        self.tallied += other.tallied
        if self.bootstrap is not None and other.bootstrap is not None:
            self.bootstrap.merge(other.bootstrap)

    @property
    def exact(self) -> bool:
        """Whether quantiles are exact: all values are kept."""
        return self.quantiles.histogram is None and self.elements.histogram is None

    @property
    def kept(self) -> int:
        """How many values are kept."""
        return max(self.quantiles.kept, self.elements.kept)

    def condense(self) -> None:
        """Replace values by a histogram."""
        for quantiles in (self.quantiles, self.elements):
            if quantiles.kept:
                quantiles.to_histogram()

    def value(self) -> float:
        """Return the reduced loss."""
        if self.asked == "sum":
            return self.moments.sum.value
        if self.asked == "median":
            return self.quantiles.quantiles((0.5,))[0]
        if self.own is Reduction.MEDIAN:
            has_elements = self.elements.kept or self.elements.histogram is not None
            return (self.elements if has_elements else self.quantiles).quantiles((0.5,))[0]
        if self.own is Reduction.MAX:
            return math.nan if math.isnan(self.moments.high) else self.largest
        divisor = self.divisor.value
        return self.own.of_mean(self.moments.sum.value / divisor if divisor else math.nan)

    def summary(self) -> Summary:
        moments, low, high = self.moments, self.moments.low, self.moments.high
        found = self.quantiles.quantiles((0.5, 0.95))
        # an estimated quantile is never beyond the values seen
        median, p95 = [min(max(q, low), high) for q in found] if low <= high else found
        return Summary(
            value=self.value(),
            n=moments.n,
            weight_sum=moments.weight.value,
            std=moments.std,
            min=low,
            median=median,
            p95=p95,
            max=high,
            sum=moments.sum.value,
            clipped=self.clipped,
            exact=self.quantiles.histogram is None,
        )
