"""Errors relative to those of another forecast or to the target, and errors with their sign."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import Array, FiniteNonNegative, Real, Score
from losscli.declaration.domains.arrays import NonZeroNumbers
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, Reduction
from losscli.losses._numerics import residual
from losscli.losses._symbols import RESIDUAL
from losscli.messages import Hint

NonZeroTarget = Annotated[Array, NonZeroNumbers(("N",))]

CONVEX, SMOOTH, BOUNDED_GRADIENT = Property.CONVEX, Property.DIFFERENTIABLE, Property.BOUNDED_GRADIENT
WITH_EPS = Claim(BOUNDED_GRADIENT, "eps > 0", lambda *, eps: eps > 0)
HYNDMAN_KOEHLER = "Hyndman & Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001"

relative_loss = partial(
    loss, family="regression", unit="1", symbols=RESIDUAL, references=(HYNDMAN_KOEHLER,), properties=CONVEX
)


@loss(
    family="regression",
    aliases=("mean_error", "mean_bias_error", "mbe", "平均偏差"),
    formula="e",
    symbols=RESIDUAL,
    unit="y",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT | Property.TRANSLATION_INVARIANT,
    no_ranking="it tells a direction",
    references=("Willmott & Matsuura 2005, doi:10.3354/cr030079",),
    equivalents=(
        same("scores", "scores.continuous.mean_error(xarray.DataArray(y_pred), xarray.DataArray(y_true)).values"),
        ("others", "the forecast package of R has the other sign: its ME is y_true - y_pred"),
    ),
)
def bias(y_true: Real, y_pred: Real) -> Array:
    """The mean error: above 0 where predictions are too high.

    Errors of both signs cancel. It has no minimum, and ranks nothing.
    Use: beside a loss, to tell in which direction the predictions are off.
    Avoid: choosing or training a model: a constant far too low has the least bias of all.
    Pitfalls: 0 says that the errors cancel, not that they are small; other programs take the error with the other sign.
    """
    return residual(y_true, y_pred)


@bias.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """1"""
    return np.ones_like(y_pred)


# ------------------------------------------------------------------------------------------- of another forecast


@relative_loss(
    aliases=("mean_relative_absolute_error", "平均相对绝对误差"),
    formula="|e| / max(|baseline - y_true|, eps)",
    claims=(WITH_EPS,),
    equivalents=(
        same(
            "sktime",
            "sktime.performance_metrics.forecasting.mean_relative_absolute_error(y_true, y_pred, "
            "y_pred_benchmark=baseline)",
        ),
    ),
)
def mrae(y_true: Score, y_pred: Score, baseline: Score, *, eps: FiniteNonNegative = 0.0) -> Array:
    """Mean relative absolute error: each error divided by that of another forecast of the same row.

    With eps=0, a row in which the other forecast is right is an error. eps is the smallest divisor.
    Use: rows of very different sizes, of which each has a simple forecast to be measured against.
    Avoid: when the other forecast is often nearly right: such rows dominate the mean (use rmae or mase).
    Pitfalls: below 1 does not mean better than the other forecast on the whole: a mean of ratios is no ratio of means;
    the weight of a row depends on its target, and is largest near the other forecast: to repeat that is the safest.
    """
    return np.abs(residual(y_true, y_pred)) / np.maximum(np.abs(residual(y_true, baseline)), eps)


@mrae.gradient
def _(y_true: Array, y_pred: Array, baseline: Array, *, eps: float) -> Array:
    """sign(e) / max(|baseline - y_true|, eps)"""
    return np.sign(residual(y_true, y_pred)) / np.maximum(np.abs(residual(y_true, baseline)), eps)


@mrae.validate
def _(y_true: Array, y_pred: Array, baseline: Array, *, eps: float) -> Iterator[Refusal]:
    if eps == 0:
        what = "is y_true itself: an error of 0, which cannot be divided by"
        yield Refusal("baseline", baseline == y_true, what, Hint.SET_EPS_ALONE)


@relative_loss(
    aliases=("relative_mae", "relative_mean_absolute_error", "相对平均绝对误差"),
    formula="sum |e| / sum |baseline - y_true|",
    properties=CONVEX | BOUNDED_GRADIENT,
    elicits="median",
    equivalents=(
        same(
            "sklearn",
            "sklearn.metrics.mean_absolute_error(y_true, y_pred) / "
            "sklearn.metrics.mean_absolute_error(y_true, baseline)",
        ),
    ),
)
def rmae(y_true: Score, y_pred: Score, baseline: Score) -> Array:
    """Relative MAE: the mean absolute error divided by that of another forecast of the same rows.

    Per-sample losses are absolute errors.
    Use: whether a forecast beats a simple one, such as the last value: it does below 1.
    Avoid: rows of very different sizes, of which the large ones decide (use mase, or mrae).
    Pitfalls: it is NaN if the other forecast is right in all rows; values against different baselines do not compare.
    """
    return np.abs(residual(y_true, y_pred))


@rmae.gradient
def _(y_true: Array, y_pred: Array, baseline: Array) -> Array:
    """sign(e)"""
    return np.sign(residual(y_true, y_pred))


@rmae.denominator
def _(y_true: Array, y_pred: Array, baseline: Array) -> Array:
    """the sum of |baseline - y_true|, and the baseline is right in all rows"""
    return np.abs(residual(y_true, baseline))


# ------------------------------------------------------------------------------------------------ of the target


@relative_loss(
    aliases=("median_absolute_percentage_error", "中位数绝对百分比误差"),
    formula="|e| / max(|y_true|, eps), then the median",
    properties=Property.BOUNDED_VALUE,
    claims=(WITH_EPS,),
    reduction=Reduction.MEDIAN,
    elicits="the middle of the shortest half of the targets, for targets of one size",
    equivalents=(
        same(
            "sktime",
            "sktime.performance_metrics.forecasting.median_absolute_percentage_error(y_true, y_pred, symmetric=False)",
        ),
    ),
)
def mdape(y_true: NonZeroTarget, y_pred: Score, *, eps: FiniteNonNegative = 0.0) -> Array:
    """Median absolute percentage error, as a fraction: half of the rows are off by less; 0.05 is 5 %.

    Per-sample losses are those of mape. With eps=0, a target of zero is an error. eps is the smallest divisor. With
    sample weights it is the weighted median.
    Use: the typical percentage error, where a few rows have tiny targets or large errors.
    Avoid: when large errors matter: the worse half of the rows has no effect.
    Pitfalls: the values of two halves of the data do not determine the value of the whole; it favours low forecasts,
    as mape does.
    """
    return np.abs(residual(y_true, y_pred)) / np.maximum(np.abs(y_true), eps)


@mdape.gradient
def _(y_true: Array, y_pred: Array, *, eps: float) -> Array:
    """sign(e) / max(|y_true|, eps)"""
    return np.sign(residual(y_true, y_pred)) / np.maximum(np.abs(y_true), eps)


rmae.orders_like(lambda: ("mae", {}))
