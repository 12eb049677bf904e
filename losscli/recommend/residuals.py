"""Residuals: centre, scale, tails, outliers, spread by prediction, and the variance of their centre."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from losscli.compare.outliers import DEFAULT_RESIDUAL_RULE, MAD_OF_STANDARD_NORMAL, flag_by_residual
from losscli.declaration.domains import Array, Mask
from losscli.statistics.quantiles import quantile, quantiles

MIN_ROWS_FOR_SCALE = 20
"""Rows that scale, tails, outliers and tuning constants need."""

EFFICIENT_DELTA = 1.345
"""Huber's delta in standard deviations, for 95 % of the mean's efficiency on normal residuals (Huber 1964)."""

TRIED_DELTAS = (0.25, 0.5, 0.7, 1.0, EFFICIENT_DELTA, 2.0, 3.0)
"""The deltas that are compared, in robust scales."""

EFFICIENCY = 0.95
"""The mean's variance over that of the centre for EFFICIENT_DELTA, on normal residuals: what it gives up by design."""

MIN_WITHIN = 30
"""Residuals within delta of the centre below which their share, and so the variance, is too uncertain."""

MIN_DISTINCT = 50
"""Distinct residuals within a robust scale of their centre below which they are rounded, if most of them are shared."""

ERRORS_OF_DELTAS = 2.7
"""Standard errors by which a delta must be steadier: the best of six is by these as often as one is by two of them."""

STANDARD_ERRORS = 2.0
"""By how many standard errors numbers must differ to be told apart."""

MIN_DISPERSION = 2 / 3
"""The mean of e²/y_pred below which whole numbers vary less than counts."""

SLIGHT_OFFSET = 0.1
"""Offset in robust scales that matters little: of many rows, any offset is sure."""

SKEWED, WIDE_RATIO = 0.2, 4.0
"""Kelly's skewness above which targets are skewed; the 95 % quantile over the 5 % quantile of a wide range."""

TAIL_RATIO_OF_NORMAL = 2.3263478740408408 / 0.6744897501960817
"""The width of the middle 98 % of a normal distribution divided by that of its middle half."""


class VariancePower(NamedTuple):
    """Squared residuals grow as the prediction to this power; `error` is the standard error of the power."""

    power: float
    error: float

    def is_near(self, power: float) -> bool:
        return abs(self.power - power) <= 2 * self.error

    @property
    def is_positive(self) -> bool:
        """Whether squared residuals surely grow."""
        return self.power > 2 * self.error and self.error < 1


class Centre(NamedTuple):
    """A best constant in robust scales with n times its variance; influences of rows (n,) on it and on log variance."""

    value: float
    variance: float
    influence: Array
    of_log: Array


class Residuals:
    """Residuals `values` (n, k), with their `median` and robust `scale`.

    The scale is 1.4826 MAD: the standard deviation, if residuals are normal; outliers do not change it much.
    `has_scale` says whether it is above 0 and there are enough rows for it.
    """

    def __init__(self, y_true: Array, y_pred: Array, weight: Array | None) -> None:
        """Subtract targets (n, k) from predictions (n, k) of rows with weights (n,)."""
        self.values, self.y_pred, self.weight = y_pred - y_true, y_pred, weight
        self.n, self.width = self.values.shape
        self.flat = self.values.ravel()
        self.flat_weight = None if weight is None else np.repeat(weight, self.width)
        self._centres: dict[float, Centre] = {}
        self.are_zero = not self.flat.any()
        self.median = quantile(self.flat, self.flat_weight, 0.5)
        self.scale = quantile(np.abs(self.flat - self.median), self.flat_weight, 0.5) / MAD_OF_STANDARD_NORMAL
        self.has_few_rows = self.n < MIN_ROWS_FOR_SCALE
        self.has_scale = self.scale > 0 and not self.has_few_rows

    def average(self, values: Array | Mask) -> float:
        """Return the weighted mean of one value per element."""
        return float(np.average(values, weights=self.flat_weight))

    @cached_property
    def mean(self) -> float:
        return self.average(self.flat)

    @cached_property
    def std(self) -> float:
        top = float(np.abs(self.flat).max()) or 1.0  # scaled, so that no square overflows
        scaled = self.flat / top
        return top * math.sqrt(self.average(np.square(scaled - self.average(scaled))))

    @cached_property
    def typical_size(self) -> float:
        """The median of the absolute residuals."""
        return quantile(np.abs(self.flat), self.flat_weight, 0.5)

    @cached_property
    def scales(self) -> list[float]:
        """The robust scale of each column."""
        columns = [np.ascontiguousarray(column) for column in self.values.T]
        gaps = [np.abs(column - quantile(column, self.weight, 0.5)) for column in columns]
        return [quantile(gap, self.weight, 0.5) / MAD_OF_STANDARD_NORMAL for gap in gaps]

    def share_beyond(self, limit: float) -> float:
        """Return the share of the residuals that are farther than this from 0."""
        return self.average(np.abs(self.flat) > limit)

    @cached_property
    def coverage(self) -> float:
        """The share of the targets below the prediction; a target equal to it counts half."""
        return self.average((self.flat > 0) + 0.5 * (self.flat == 0))

    @cached_property
    def effective_n(self) -> float:
        """The number of rows of equal weight that give the same precision (Kish 1965)."""
        if self.weight is None:
            return float(self.n)
        scaled = self.weight / self.weight.max()
        return float(scaled.sum() ** 2 / np.square(scaled).sum())

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
        """The share of the sum of squares that outlier rows have."""
        squares = np.square(self.values / (np.abs(self.values).max() or 1.0)).sum(axis=1)
        squares = squares if self.weight is None else squares * self.weight
        return float(squares[self.outliers].sum() / squares.sum()) if squares.any() else 0.0

    @cached_property
    def tail_ratio(self) -> float:
        """The width of the middle 98 % divided by that of the middle half, 1 for a normal distribution."""
        low, first, third, high = quantiles(self.flat, self.flat_weight, (0.01, 0.25, 0.75, 0.99))
        return (high - low) / (third - first) / TAIL_RATIO_OF_NORMAL if third > first else math.nan

    @cached_property
    def skew(self) -> float:
        return kelly_skewness(self.flat, self.flat_weight)

    @cached_property
    def variance_power(self) -> VariancePower | None:
        """The power of the prediction by which squared residuals grow; None if the data does not tell.

        The power p minimises log mean(e² m^-p) + p mean(log m), the normal pseudo-likelihood of a variance phi m^p
        (Davidian & Carroll 1987, JASA 82). Its error is the sandwich estimate for that score, which assumes no shape.
        """
        mean = self.y_pred.ravel()
        squares = np.square(self.flat / (np.abs(self.flat).max() or 1.0))
        if self.n < 5 * MIN_ROWS_FOR_SCALE or not mean.min() > 0 or not squares.any():
            return None
        logs = np.log(mean)
        gaps = logs - self.average(logs)
        if float(np.ptp(logs)) < 0.5:  # too small a range to show a growth
            return None
        low, high = -4.0, 6.0
        for _ in range(60):  # bisection: the derivative rises with p
            power = (low + high) / 2
            exponent = -power * gaps
            ratio = squares * np.exp(exponent - exponent.max())
            low, high = (low, power) if self.average(ratio * gaps) < 0 else (power, high)
        ratio /= self.average(ratio)
        spread = self.average(ratio * np.square(gaps)) - self.average(ratio * gaps) ** 2
        if not spread > 0:
            return None
        noise = math.sqrt(self.average(np.square((ratio - 1) * gaps)) / (self.effective_n * self.width))
        return VariancePower(power, noise / spread)

    @property
    def is_spread_rising(self) -> bool:
        """Whether residuals surely spread more where the prediction is large."""
        return self.has_scale and self.variance_power is not None and self.variance_power.is_positive

    @property
    def is_spread_clearly_rising(self) -> bool:
        """Whether it rises so much that no one scale suits all rows."""
        return self.is_spread_rising and self.variance_power is not None and self.variance_power.power >= 0.5

    @cached_property
    def dispersion(self) -> float:
        """The mean of e²/y_pred: 1 for counts of a Poisson distribution."""
        return self.average(np.square(self.flat) / self.y_pred.ravel())

    @cached_property
    def dispersion_error(self) -> float:
        """The standard error of the dispersion of counts: e²/m has the variance 2 + 1/m, if a row's mean is m."""
        return math.sqrt(self.average(2 + 1 / self.y_pred.ravel()) / (self.effective_n * self.width))

    @cached_property
    def row_weight(self) -> Array:
        """The weights of the rows (n,), which sum to 1."""
        return np.full(self.n, 1 / self.n) if self.weight is None else self.weight / self.weight.sum()

    def standard_error(self, values: Array | Mask) -> float:
        """Return the standard error of the mean of one value per element; rows are independent, elements are not."""
        return self.standard_error_of_rows(np.asarray(values, np.float64).reshape(self.n, self.width).mean(axis=1))

    @cached_property
    def mean_error(self) -> float:
        """The standard error of the mean residual."""
        top = float(np.abs(self.flat).max()) or 1.0  # scaled, so that no square overflows
        return top * self.standard_error(self.flat / top)

    @cached_property
    def mean_z(self) -> float:
        """The mean residual in standard errors, within 2 of 0 if predictions may be means of the targets."""
        return self.mean / self.mean_error if self.mean_error > 0 else (math.inf if self.mean else 0.0)

    @cached_property
    def median_z(self) -> float:
        """How far predictions are from medians of the targets in standard errors, 0 if they may be."""
        return self.quantile_z(0.5)

    def quantile_z(self, level: float) -> float:
        """Return how far predictions are from quantiles of the targets in standard errors.

        It is 0 where P(y < p) <= level <= P(y <= p), which allows for values that many targets share.
        """
        below, not_above = self.average(self.flat > 0), self.average(self.flat >= 0)
        gap = max(below - level, 0.0) + min(not_above - level, 0.0)
        return gap * math.sqrt(self.effective_n / (level * (1 - level)))

    @cached_property
    def mean_gap(self) -> float:
        """The mean of the residuals minus their median, in robust scales (standard deviations where that is 0)."""
        scale = self.scale or self.std
        return (self.mean - self.median) / scale if scale > 0 else 0.0

    @property
    def is_slightly_off(self) -> bool:
        """Whether mean or median is within a tenth of a robust scale of 0, however surely it is not 0."""
        return min(abs(self.mean), abs(self.median)) <= SLIGHT_OFFSET * self.scale

    @cached_property
    def mean_centre_gap(self) -> float:
        """The mean minus the centre for EFFICIENT_DELTA in robust scales; 0 within two standard errors of that."""
        mean, centre = self.centre(math.inf), self.centre(EFFICIENT_DELTA)
        gap = mean.value - centre.value
        return (
            gap if abs(gap) > STANDARD_ERRORS * self.standard_error_of_rows(mean.influence - centre.influence) else 0.0
        )

    def centre(self, delta: float) -> Centre:
        """Return the Huber centre for a delta in robust scales, inf for the mean."""
        if delta not in self._centres:
            self._centres[delta] = self._fit_centre(delta)
        return self._centres[delta]

    def _fit_centre(self, delta: float) -> Centre:
        """Return the constant c with a mean of 0 of psi(values - c), and its influence function by row.

        psi clips at delta. A row moves c by psi / mean(psi'), so that the variance of c is the sandwich
        mean(psi²) / mean(psi')² / n (Huber 1964, doi:10.1214/aoms/1177703732).
        """
        values = self.flat / self.scale
        weight = np.repeat(self.row_weight, self.width) / self.width
        c = huber_centre(values, weight, delta)
        gaps = values - c
        pull = np.clip(gaps, -delta, delta).reshape(self.n, self.width).mean(axis=1)
        slope = (np.abs(gaps) <= delta).reshape(self.n, self.width).mean(axis=1)
        share = float(self.row_weight @ slope)
        influence = pull / share if share > 0 else np.full(self.n, math.nan)
        variance = float(self.row_weight @ np.square(influence))
        # of log variance = log mean(psi²) - 2 log mean(psi')
        of_log = np.square(influence) / variance - 1 - 2 * (slope / share - 1) if variance > 0 else influence * 0
        return Centre(c, variance, influence, of_log)

    @cached_property
    def are_rounded(self) -> bool:
        """Whether most residuals near the centre share a few values, as those of rounded targets do."""
        near = self.flat[np.abs(self.flat - self.median) <= self.scale]
        return 2 * (distinct := np.unique(near).size) < near.size and distinct < MIN_DISTINCT

    @cached_property
    def best_delta(self) -> float:
        """The delta of least centre variance, if that is surely less than at EFFICIENT_DELTA, which it is otherwise.

        A held-out loss is no criterion: it would prefer the delta that resembles it. The variance of the centre is in
        the unit of y for every delta (Wang et al. 2007, doi:10.1198/106186007X180156, choose delta by it as well).
        Of rounded residuals it depends on which values a delta just reaches, and says nothing.
        """
        if self.are_rounded:
            return EFFICIENT_DELTA
        best = min(TRIED_DELTAS, key=lambda delta: self.centre(delta).variance)
        return best if self.is_surely_steadier(best) else EFFICIENT_DELTA

    def is_surely_steadier(self, delta: float) -> bool:
        """Return whether a centre has less variance than that for EFFICIENT_DELTA, surely, though six were tried.

        A larger delta must gain more than the 5 % that EFFICIENT_DELTA gives up on normal residuals. The standard error
        is that of the difference of the logarithms, from the influence functions of both variances on the same rows.
        """
        ratio = self.variance_ratio(delta)
        within = np.abs(self.flat / self.scale - self.centre(delta).value) <= delta
        if not 0 < ratio < EFFICIENCY or np.count_nonzero(within) < MIN_WITHIN:
            return False
        error = self.standard_error_of_rows(self.centre(delta).of_log - self.centre(EFFICIENT_DELTA).of_log)
        expected = EFFICIENCY if delta > EFFICIENT_DELTA else 1.0
        return math.log(ratio / expected) < -ERRORS_OF_DELTAS * error

    def standard_error_of_rows(self, values: Array) -> float:
        """Return the standard error of the mean of one value per row."""
        return float(np.sqrt(np.square(self.row_weight * (values - self.row_weight @ values)).sum()))

    def variance_ratio(self, delta: float) -> float:
        """Return the variance of a centre divided by that of the centre for EFFICIENT_DELTA."""
        variance = self.centre(EFFICIENT_DELTA).variance
        return self.centre(delta).variance / variance if variance > 0 else math.nan

    @property
    def median_variance_ratio(self) -> float:
        """The variance of the median divided by that of the mean, std²/n; NaN if residuals have too many ties.

        The variance of the median is s²/(4n), where s is the slope of the quantile function there over the bandwidth of
        Hall & Sheather 1988. Values that many residuals share have no such slope.
        """
        half = min(0.972 * (self.effective_n * self.width) ** (-1 / 3), 0.25)
        low, high = quantiles(self.flat, self.flat_weight, (0.5 - half, 0.5 + half))
        near = self.flat[(self.flat >= low) & (self.flat <= high)]
        if not self.std > 0 or 2 * np.unique(near).size < near.size:
            return math.nan
        return float((high - low) / (4 * half * self.std)) ** 2


def kelly_skewness(values: Array, weight: Array | None) -> float:
    """Return how much farther the 90 % quantile is from the median than the 10 % quantile, -1 to 1."""
    low, middle, high = quantiles(values, weight, (0.1, 0.5, 0.9))
    return (high + low - 2 * middle) / (high - low) if high > low else 0.0


def may_be_skewed(values: Array, weight: Array | None) -> bool:
    """Return whether targets are skewed as amounts are; few that span a wide range may look less so by chance.

    The standard error of Kelly's skewness is about 1/sqrt(n).
    """
    low, high = quantiles(values, weight, (0.05, 0.95))
    by_chance = 1 / math.sqrt(len(values)) if high >= WIDE_RATIO * low >= 0 else 0.0
    return kelly_skewness(values, weight) > SKEWED - by_chance


def huber_centre(values: Array, weight: Array, delta: float) -> float:
    """Return the constant c that minimises the sum of w huber(values - c; delta): the mean if delta is inf.

    Newton's method on the sum of clipped residuals, which falls as c rises; a step out of the bracket becomes a
    bisection.
    """
    if math.isinf(delta):
        return float(np.average(values, weights=weight))
    low, high = float(values.min()), float(values.max())
    c = quantile(values, weight, 0.5)
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
