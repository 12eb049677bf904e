"""Errors in units of the naive error: how far a series is from itself m steps before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import Array, Count, FiniteNonNegative, Mask, Score
from losscli.declaration.domains.arrays import Numbers
from losscli.declaration.domains.intervals import NON_NEGATIVE
from losscli.declaration.domains.series import SeriesNames, TrainingValues
from losscli.declaration.loss import Loss, loss
from losscli.declaration.properties import Claim, Property, Reduction
from losscli.losses._numerics import residual
from losscli.losses.relative_errors import HYNDMAN_KOEHLER
from losscli.messages import Hint

NaiveError = Annotated[Array, Numbers(("N",), NON_NEGATIVE)]
Past = Annotated[Array, TrainingValues()]
Series = Annotated[Array, SeriesNames()]
SeriesOfPast = Annotated[Array, SeriesNames(("T",))]

SCALED = {
    "e": "y_pred - y_true",
    "s": "scale, or what train gives: mean |y_t - y_(t-m)| of mase, the root of mean (y_t - y_(t-m))² of the others",
    "d": "max(s, eps)",
}

MAX_TABLES_KEPT = 16
"""Most tables of training rows whose naive errors are kept."""

CANNOT_DIVIDE = "is a naive error of 0, which cannot be divided by"

scaled_loss = partial(
    loss,
    family="regression",
    symbols=SCALED,
    unit="1",
    properties=Property.CONVEX,
    references=(HYNDMAN_KOEHLER, "Makridakis et al. 2022, doi:10.1016/j.ijforecast.2021.11.013"),
)


class NaiveErrors(NamedTuple):
    """The naive error of each series, by its code in order; NaN where a series has m rows or fewer."""

    codes: Array
    scales: Array

    def _places(self, series: Array) -> NDArray[np.intp]:
        """Return where the code of each row's series would be among the codes (N,)."""
        return np.searchsorted(self.codes, series).clip(0, len(self.codes) - 1)

    def know(self, series: Array) -> Mask:
        """Return a mask of the rows whose series has training rows (N,)."""
        return self.codes[self._places(series)] == series

    def of(self, series: Array) -> Array:
        """Return the naive error of each row's series (N,); NaN where there is none."""
        return np.where(self.know(series), self.scales[self._places(series)], np.nan)


def naive_errors(train: Array, train_series: Array, m: int, squared: bool) -> NaiveErrors:
    """Return the naive errors of series, computed once: the kernel and the checks ask for them with each batch."""
    digests = [blake2b(np.ascontiguousarray(array).data).digest() for array in (train, train_series)]
    key = b"".join(digests), m, squared
    if key not in _computed:
        if len(_computed) >= MAX_TABLES_KEPT:
            _computed.clear()
        _computed[key] = compute_naive_errors(train, train_series, m, squared)
    return _computed[key]


def compute_naive_errors(train: Array, train_series: Array, m: int, squared: bool) -> NaiveErrors:
    """Compute the mean absolute difference of m steps of each series; `squared`: the root of the mean of its square."""
    order: NDArray[np.intp] = np.argsort(train_series, kind="stable")
    values, series = train[order], train_series[order]
    codes, counted = np.unique(series, return_counts=True)
    index = np.repeat(np.arange(len(codes)), counted)
    is_one = series[m:] == series[:-m]
    gaps, of = np.abs(values[m:] - values[:-m])[is_one], index[m:][is_one]
    counts = np.bincount(of, minlength=len(codes)).astype(np.float64)
    counts[counts == 0] = np.nan  # too few rows: there is no naive error
    if not squared:
        return NaiveErrors(codes, np.bincount(of, gaps, len(codes)) / counts)
    largest = np.zeros(len(codes))
    np.maximum.at(largest, of, gaps)
    unit = np.where(largest > 0, largest, 1.0)  # squares neither overflow nor vanish
    return NaiveErrors(codes, unit * np.sqrt(np.bincount(of, np.square(gaps / unit[of]), len(codes)) / counts))


_computed: dict[tuple[bytes, int, bool], NaiveErrors] = {}


def naive_error(train: Array, m: int, squared: bool) -> float:
    """Compute the naive error of one series; NaN if it has m rows or fewer."""
    return float(naive_errors(train, np.zeros(len(train)), m, squared).scales[0]) if len(train) else np.nan


def first_of(train: Array) -> Mask:
    """Return a mask of the first training value."""
    return np.arange(len(train)) == 0


def declare_forms(scaled: Loss, squared: bool) -> None:
    """Declare the forms of a loss that take the scale from training rows, and the hooks of all forms."""

    of_training_rows = Property.NONE if squared else Property.BOUNDED_GRADIENT  # no row changes them

    def divide(e: Array, scale: Array | float, eps: float) -> Array:
        ratio = e / np.maximum(scale, eps)
        return np.square(ratio) if squared else np.abs(ratio)

    def slope(e: Array, scale: Array | float, eps: float) -> Array:
        size = np.maximum(scale, eps)
        return 2 * (e / size) / size if squared else np.sign(e) / size

    @scaled.gradient
    def _(y_true: Array, y_pred: Array, scale: Array, *, eps: float) -> Array:
        return slope(residual(y_true, y_pred), scale, eps)

    @scaled.validate
    def _(y_true: Array, y_pred: Array, scale: Array, *, eps: float) -> Iterator[Refusal]:
        if eps == 0:
            yield Refusal("scale", scale == 0, CANNOT_DIVIDE, Hint.SET_EPS_ALONE)

    @scaled.form
    def of_series(
        y_true: Score,
        y_pred: Score,
        series: Series,
        train: Past,
        train_series: SeriesOfPast,
        *,
        m: Count = 1,
        eps: FiniteNonNegative = 0.0,
    ) -> Array:
        return divide(residual(y_true, y_pred), naive_errors(train, train_series, m, squared).of(series), eps)

    scaled.form_properties(of_training_rows)

    @scaled.gradient
    def _(
        y_true: Array, y_pred: Array, series: Array, train: Array, train_series: Array, *, m: int, eps: float
    ) -> Array:
        return slope(residual(y_true, y_pred), naive_errors(train, train_series, m, squared).of(series), eps)

    @scaled.validate
    def _(
        y_true: Array, y_pred: Array, series: Array, train: Array, train_series: Array, *, m: int, eps: float
    ) -> Iterator[Refusal]:
        errors = naive_errors(train, train_series, m, squared)
        scale = errors.of(series)
        yield Refusal("series", ~errors.know(series), "is not among the series of train_series")
        yield Refusal("series", np.isnan(scale), f"has too few training rows: m={m} needs {m + 1} or more")
        if eps == 0:
            what = "is a series that repeats itself in its training rows: it has a naive error of 0"
            yield Refusal("series", scale == 0, what, Hint.SET_EPS_ALONE)

    @scaled.form
    def of_one_series(
        y_true: Score, y_pred: Score, train: Past, *, m: Count = 1, eps: FiniteNonNegative = 0.0
    ) -> Array:
        return divide(residual(y_true, y_pred), naive_error(train, m, squared), eps)

    scaled.form_properties(of_training_rows)

    @scaled.gradient
    def _(y_true: Array, y_pred: Array, train: Array, *, m: int, eps: float) -> Array:
        return slope(residual(y_true, y_pred), naive_error(train, m, squared), eps)

    @scaled.validate
    def _(y_true: Array, y_pred: Array, train: Array, *, m: int, eps: float) -> Iterator[Refusal]:
        scale = naive_error(train, m, squared)
        few = f"begins a series that is too short: m={m} needs {m + 1} training rows or more"
        yield Refusal("train", first_of(train) & np.isnan(scale), few)
        if eps == 0:
            what = "begins a series that repeats itself: it has a naive error of 0, which cannot be divided by"
            yield Refusal("train", first_of(train) & (scale == 0), what, Hint.SET_EPS_ALONE)

    for form in scaled.forms:
        form.hooks["gradient"].__doc__ = "2 e / d²" if squared else "sign(e) / d"


@scaled_loss(
    aliases=("mean_absolute_scaled_error", "平均绝对标度误差"),
    formula="|e| / d",
    elicits="median, rows weighted by 1/d",
    claims=(Claim(Property.BOUNDED_GRADIENT, "eps > 0", lambda *, m, eps: eps > 0),),
    equivalents=(
        ("paper", "Hyndman & Koehler 2006"),
        ("others", "sktime mean_absolute_scaled_error(sp=m) and utilsforecast mase(seasonality=m), for one series"),
    ),
)
def mase(y_true: Score, y_pred: Score, scale: NaiveError, *, m: Count = 1, eps: FiniteNonNegative = 0.0) -> Array:
    """Mean absolute scaled error: errors in units of the naive error, how far the series is from itself m steps before.

    The scale is a number a row, or is computed from training rows: `train` of one series in the order of time, or of
    several with their names in train_series, which the series of each row names. m is the length of a season, and has
    no effect beside scale. eps is the smallest divisor.
    Use: forecasts of series in different units and sizes; series with zeros, for which percentages fail.
    Avoid: series that hardly change in training: tiny naive errors dominate the mean.
    Pitfalls: below 1 is better than the naive forecast in training, the value m steps before (with m > 1 the seasonal
    naive one), even for forecasts of many steps; the mean is over rows: long series count more.
    """
    return np.abs(residual(y_true, y_pred) / np.maximum(scale, eps))


@scaled_loss(
    aliases=("mean_squared_scaled_error", "均方标度误差"),
    formula="(e / d)²",
    elicits="mean, rows weighted by 1/d²",
    equivalents=(
        ("paper", "Hyndman & Koehler 2006"),
        ("others", "sktime mean_squared_scaled_error(sp=m) and utilsforecast msse(seasonality=m), for one series"),
    ),
)
def msse(y_true: Score, y_pred: Score, scale: NaiveError, *, m: Count = 1, eps: FiniteNonNegative = 0.0) -> Array:
    """Mean squared scaled error: squared errors in units of the mean squared naive error.

    The scale is as in mase, but the root of a mean of squares. m has no effect beside it. eps is the smallest divisor.
    Use: forecasts of means of series in different units and sizes.
    Avoid: data with outliers: they count squared.
    Pitfalls: a scale of mase is no scale of msse; the mean is over rows: long series count more.
    """
    return np.square(residual(y_true, y_pred) / np.maximum(scale, eps))


@scaled_loss(
    aliases=("root_mean_squared_scaled_error", "均方根标度误差"),
    formula="(e / d)², then the root of the mean",
    reduction=Reduction.ROOT_MEAN,
    elicits="mean, rows weighted by 1/d²",
    equivalents=(
        ("paper", "Makridakis et al. 2022 (M5), where leading zeros of a series are dropped"),
        ("others", "sktime mean_squared_scaled_error(square_root=True), utilsforecast rmsse, for one series"),
    ),
)
def rmsse(y_true: Score, y_pred: Score, scale: NaiveError, *, m: Count = 1, eps: FiniteNonNegative = 0.0) -> Array:
    """Root of msse, the loss of the M5 competition for one series.

    Per-sample losses are squares; the root is taken of their mean. m has no effect beside scale. eps is the smallest
    divisor.
    Use: intermittent demand, whose zeros make percentages useless.
    Avoid: data with outliers: they count squared.
    Pitfalls: over several series it is not the mean of their roots, which M5 weighs: group by series for these.
    """
    return np.square(residual(y_true, y_pred) / np.maximum(scale, eps))


declare_forms(mase, squared=False)
for of_squares in (msse, rmsse):
    declare_forms(of_squares, squared=True)
rmsse.orders_like(lambda *, m, eps: ("msse", {"m": m, "eps": eps}))
