"""What is true of residuals: centre, scale, tails, outliers, how their spread grows, how steady their centre is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.outliers import DEFAULT_RESIDUAL_RULE, MAD_OF_STANDARD_NORMAL, flag_by_residual
from losscli.declaration.domains import Array, Mask
from losscli.statistics.quantiles import quantile, quantiles

FEW = 20
"""Rows below which tails, outliers and tuning constants are not told."""

EFFICIENT = 1.345
"""Huber's delta in standard deviations, for 95 % of the mean's efficiency on normal residuals (Huber 1964)."""

GRID = (0.25, 0.5, 0.7, 1.0, EFFICIENT, 2.0, 3.0)
"""The deltas that are tried, in robust scales."""

FOLDS = 100
FOLD_ROWS = 1 << 13
"""Rows that folds are made of, at most: a hundred fits of each delta take half a second then."""

BETTER = 0.1
"""A delta must make the centre's variance smaller by this part before it is preferred to EFFICIENT: with 100 folds the
ratio of two such variances is itself only known to some percent."""

NORMAL_WIDTHS = 2.3263478740408408 / 0.6744897501960817
"""The width of the middle 98 % of a normal distribution over that of its middle half."""


class VariancePower(NamedTuple):
    """The squared residual grows as the prediction to this power; `error` is the power's standard error."""

    power: float
    error: float

    def near(self, power: float) -> bool:
        return abs(self.power - power) <= 2 * self.error

    @property
    def rises(self) -> bool:
        """Whether it surely grows."""
        return self.power > 2 * self.error and self.error < 1


@dataclass(frozen=True)
class Residuals:
    """Residuals `values` (n, k) of predictions (n, k), of rows that weigh (n,)."""

    values: Array
    pred: Array
    weight: Array | None

    @classmethod
    def of(cls, y: Array, p: Array, weight: Array | None) -> Residuals:
        """Residuals of targets and predictions (n, k)."""
        return cls(p - y, p, weight)

    @property
    def n(self) -> int:
        return len(self.values)

    @cached_property
    def flat(self) -> Array:
        return np.ascontiguousarray(self.values.ravel())

    @cached_property
    def wide(self) -> Array | None:
        """The weights of the elements."""
        return None if self.weight is None else np.repeat(self.weight, self.values.shape[1])

    def mean_of(self, values: Array | Mask) -> float:
        """Return the weighted mean of one value per element."""
        return float(np.average(values, weights=self.wide))

    # ------------------------------------------------------------------------------------ centre and scale

    @cached_property
    def zero(self) -> bool:
        return not self.values.any()

    @cached_property
    def median(self) -> float:
        return quantile(self.flat, self.wide, 0.5)

    @cached_property
    def mean(self) -> float:
        return self.mean_of(self.flat)

    @cached_property
    def scale(self) -> float:
        """1.4826 MAD: the standard deviation, where the residuals are normal; outliers do not move it."""
        return quantile(np.abs(self.flat - self.median), self.wide, 0.5) / MAD_OF_STANDARD_NORMAL

    @cached_property
    def std(self) -> float:
        top = float(np.abs(self.flat).max()) or 1.0  # scaled, so that no square overflows
        scaled = self.flat / top
        return top * math.sqrt(self.mean_of(np.square(scaled - self.mean_of(scaled))))

    @cached_property
    def typical(self) -> float:
        return quantile(np.abs(self.flat), self.wide, 0.5)

    @property
    def known(self) -> bool:
        """Whether there are rows enough, and a scale, to tell tails and tuning constants by."""
        return self.n >= FEW and self.scale > 0

    @cached_property
    def scales(self) -> list[float]:
        """The robust scale of each column."""
        columns = [np.ascontiguousarray(column) for column in self.values.T]
        centres = [quantile(column, self.weight, 0.5) for column in columns]
        gaps = [np.abs(column - centre) for column, centre in zip(columns, centres, strict=True)]
        return [quantile(gap, self.weight, 0.5) / MAD_OF_STANDARD_NORMAL for gap in gaps]

    def beyond(self, limit: float) -> float:
        """Return the share of the residuals that are farther than this from 0."""
        return self.mean_of(np.abs(self.flat) > limit)

    @cached_property
    def coverage(self) -> float:
        """The share of the targets that lie below the prediction; those that are on it count half."""
        return self.mean_of((self.flat > 0) + 0.5 * (self.flat == 0))

    @cached_property
    def rows(self) -> float:
        """How many rows of equal weight these are worth (Kish 1965)."""
        if self.weight is None:
            return float(self.n)
        scaled = self.weight / self.weight.max()
        return float(scaled.sum() ** 2 / np.square(scaled).sum())

    # --------------------------------------------------------------------------------- outliers, tails, skew

    @cached_property
    def outliers(self) -> Mask:
        """The rows that compare flags."""
        rows = flag_by_residual(DEFAULT_RESIDUAL_RULE, self.values, self.weight).rows
        return np.zeros(self.n, dtype=bool) if rows is None else rows

    @cached_property
    def outlier_share(self) -> float:
        return float(np.average(self.outliers, weights=self.weight))

    @cached_property
    def squares_share(self) -> float:
        """The part of the sum of squares that is the outlier rows'."""
        squares = np.square(self.values / (np.abs(self.values).max() or 1.0)).sum(axis=1)
        squares = squares if self.weight is None else squares * self.weight
        return float(squares[self.outliers].sum() / squares.sum()) if squares.any() else 0.0

    @cached_property
    def tails(self) -> float:
        """The width of the middle 98 % over that of the middle half, 1 for a normal distribution."""
        low, first, third, high = quantiles(self.flat, self.wide, (0.01, 0.25, 0.75, 0.99))
        return (high - low) / (third - first) / NORMAL_WIDTHS if third > first else math.nan

    @cached_property
    def skew(self) -> float:
        """How much further the 90 % quantile is from the median than the 10 %, from -1 to 1 (Kelly's)."""
        low, middle, high = quantiles(self.flat, self.wide, (0.1, 0.5, 0.9))
        return (high + low - 2 * middle) / (high - low) if high > low else 0.0

    # ------------------------------------------------------------------------------- spread, by the prediction

    @cached_property
    def variance_power(self) -> VariancePower | None:
        """By what power of the prediction the squared residual grows; None where that cannot be told.

        The power p minimises log mean(e² m^-p) + p mean(log m), the normal pseudo-likelihood of a variance phi m^p
        (Davidian & Carroll 1987, JASA 82). Its error is by the sandwich of that score: no shape is assumed.
        """
        mean = self.pred.ravel()
        squares = np.square(self.flat / (np.abs(self.flat).max() or 1.0))
        if self.n < 5 * FEW or not mean.min() > 0 or not squares.any():
            return None
        logs = np.log(mean)
        gaps = logs - self.mean_of(logs)
        if float(np.ptp(logs)) < 0.5:  # hardly any range to see a growth over
            return None
        low, high = -4.0, 6.0
        for _ in range(60):  # the derivative rises with p
            power = (low + high) / 2
            exponent = -power * gaps
            ratio = squares * np.exp(exponent - exponent.max())
            low, high = (low, power) if self.mean_of(ratio * gaps) < 0 else (power, high)
        ratio /= self.mean_of(ratio)
        spread = self.mean_of(ratio * np.square(gaps)) - self.mean_of(ratio * gaps) ** 2
        if not spread > 0:
            return None
        noise = math.sqrt(self.mean_of(np.square((ratio - 1) * gaps)) / (self.rows * self.values.shape[1]))
        return VariancePower(power, noise / spread)

    # --------------------------------------------------------------------------------- how steady the centre is

    @cached_property
    def centre_variance(self) -> dict[float, float]:
        """Delta -> the variance of the Huber centre, both in robust scales; inf is the mean.

        Each loss has a best constant c, the one that minimises the loss of y_pred + c; it is fitted on all folds but
        one, and its variance is the grouped jackknife's (Miller 1974, doi:10.1093/biomet/61.1.1). A held-out loss would
        not do: it has to be some loss, and prefers the delta that resembles it. How far the constant moves when rows
        change is in the unit of y for every delta, and prefers none; Wang et al. 2007, doi:10.1198/106186007X180156,
        choose delta by it too.
        """
        rng = np.random.default_rng(0)
        order = rng.permutation(self.n)[: max(FEW, FOLD_ROWS // self.values.shape[1])]
        folds = np.repeat(np.arange(len(order)) % min(FOLDS, len(order)), self.values.shape[1])
        values = self.values[order].ravel() / self.scale  # ratios of variances are all that is asked for
        weight = np.ones(values.size) if self.weight is None else np.repeat(self.weight[order], self.values.shape[1])
        return {delta: _jackknife(values, weight, folds, delta) for delta in (*GRID, math.inf)}

    @cached_property
    def steadiest(self) -> float:
        """The delta of GRID whose centre varies least; EFFICIENT unless another one is better by BETTER."""
        best = min(GRID, key=lambda delta: self.centre_variance[delta])
        return best if self.variance_ratio(best) < 1 - BETTER else EFFICIENT

    @property
    def median_against_mean(self) -> float:
        """The variance of the median over that of the mean, std²/n.

        The median's is s²/(4n), s the slope of the quantile function there, over the bandwidth of Hall & Sheather 1988;
        a jackknife that leaves few rows out does not hold for it.
        """
        half = min(0.972 * (self.rows * self.values.shape[1]) ** (-1 / 3), 0.25)
        low, high = quantiles(self.flat, self.wide, (0.5 - half, 0.5 + half))
        return ((high - low) / (4 * half * self.std)) ** 2 if self.std > 0 else math.nan

    @cached_property
    def dispersion(self) -> float:
        """The mean of e²/y_pred: 1 for counts of a Poisson distribution."""
        return self.mean_of(np.square(self.flat) / self.pred.ravel())

    def variance_ratio(self, delta: float, other: float = EFFICIENT) -> float:
        """Return the variance of one centre divided by that of another."""
        return (
            self.centre_variance[delta] / self.centre_variance[other] if self.centre_variance[other] > 0 else math.nan
        )


def _jackknife(values: Array, weight: Array, folds: NDArray[np.int64], delta: float) -> float:
    """Return the variance of the centre by the grouped jackknife."""
    start = centre(values, weight, delta)
    count = int(folds.max()) + 1
    kept = [folds != fold for fold in range(count)]
    centres = np.array([centre(values[k], weight[k], delta, start) for k in kept])
    return float((count - 1) / count * np.square(centres - centres.mean()).sum())


def centre(values: Array, weight: Array, delta: float, start: float | None = None) -> float:
    """Return the constant that minimises the sum of w huber(values - c; delta): the mean for inf.

    Newton's method on the sum of clipped residuals, which falls as c rises; a step that leaves the bracket halves it.
    """
    if math.isinf(delta):
        return float(np.average(values, weights=weight))
    low, high = float(values.min()), float(values.max())
    c = quantile(values, weight, 0.5) if start is None else start
    for _ in range(100):
        gaps = values - c
        pull = float(np.clip(gaps, -delta, delta) @ weight)
        low, high = (c, high) if pull > 0 else (low, c)
        inside = float(weight[np.abs(gaps) <= delta].sum())
        step = pull / inside if inside else 0.0
        nearer = c + step if low <= c + step <= high and inside else (low + high) / 2
        if abs(nearer - c) <= 1e-12 * (abs(c) + delta):
            return nearer
        c = nearer
    return c
