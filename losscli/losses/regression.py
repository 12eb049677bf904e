"""Losses of `e = y_pred - y_true`."""

from __future__ import annotations

import numpy as np

from losscli.domain import Array, AtLeastZero, Positive, Real, UnitInterval
from losscli.spec import Property, Reduction, loss

CONVEX, SMOOTH, SYMMETRIC = Property.CONVEX, Property.DIFFERENTIABLE, Property.SYMMETRIC
BOUNDED_GRADIENT = Property.BOUNDED_GRADIENT


@loss(
    family="regression", aliases=("l2", "mean_squared_error", "squared_error"), formula="e²", unit="y²",
    properties=CONVEX | SMOOTH | SYMMETRIC, elicits="mean",
    references=("Gauss 1809, Theoria motus corporum coelestium",),
    equivalents={
        "torch": "torch.nn.MSELoss()", "keras": "keras.losses.MeanSquaredError()",
        "sklearn": "sklearn.metrics.mean_squared_error", "optax": "optax.losses.squared_error",
    },
)  # fmt: skip
def mse(y_true: Real, y_pred: Real) -> Array:
    """Mean squared error.

    A fit by it estimates the mean.

    Use: the default for regression when errors are roughly normal, or when the mean is what is wanted.

    Avoid: where a few rows are far off for reasons the model should not learn.

    Pitfalls: one large error weighs as much as many small ones, in the number and in a fit; its unit is squared.
    """
    return np.square(y_pred - y_true)


@mse.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """2 e"""
    return 2 * (y_pred - y_true)


@loss(
    family="regression", aliases=("root_mean_squared_error",), formula="e², then the root of the mean", unit="y",
    properties=CONVEX | SMOOTH | SYMMETRIC, elicits="mean", reduction=Reduction.ROOT_MEAN,
    equivalents={
        "keras": "keras.metrics.RootMeanSquaredError()",
        "sklearn": "sklearn.metrics.root_mean_squared_error (the same for one output; several outputs: "
                   "it averages roots, losscli takes the root of the average)",
    },
)  # fmt: skip
def rmse(y_true: Real, y_pred: Real) -> Array:
    """Root mean squared error.

    MSE in the unit of the target. The per-sample losses are the squared errors; the root is taken of their mean.

    Use: to report an MSE where people read the number.

    Avoid: where MSE is to be avoided; the root changes the number, not what it listens to.

    Pitfalls: the RMSE of two halves of the data does not average to that of the whole.
    """
    return np.square(y_pred - y_true)


@rmse.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """2 e (of the squared errors, before the root)"""
    return 2 * (y_pred - y_true)


@loss(
    family="regression", aliases=("l1", "l1_loss", "mean_absolute_error"), formula="|e|", unit="y",
    properties=CONVEX | BOUNDED_GRADIENT | SYMMETRIC, elicits="median",
    references=("Laplace 1774, Mémoire sur la probabilité des causes par les événements",),
    equivalents={
        "torch": "torch.nn.L1Loss()", "keras": "keras.losses.MeanAbsoluteError()",
        "sklearn": "sklearn.metrics.mean_absolute_error", "optax": "optax.losses.absolute_error",
    },
)  # fmt: skip
def mae(y_true: Real, y_pred: Real) -> Array:
    """Mean absolute error.

    Errors count by their size; a fit by it estimates the median.

    Use: errors with heavy tails; a number in the unit of the target.

    Avoid: where large errors are worse than their size says, or where totals must come out right.

    Pitfalls: its gradient does not shrink near zero, so optimisers oscillate there; with skewed targets the median
    that it aims at lies below the mean.
    """
    return np.abs(y_pred - y_true)


@mae.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """sign(e)"""
    return np.sign(y_pred - y_true)


@loss(
    family="regression", formula="e²/2 where |e| <= delta, else delta (|e| - delta/2)", unit="y²",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT | SYMMETRIC, elicits="Huber mean",
    references=("Huber 1964, doi:10.1214/aoms/1177703732",),
    equivalents={
        "torch": "torch.nn.HuberLoss(delta)", "keras": "keras.losses.Huber(delta)",
        "sklearn": "HuberRegressor uses 2 huber(e/sigma; epsilon), sigma fitted", "optax": "optax.losses.huber_loss",
    },
)  # fmt: skip
def huber(y_true: Real, y_pred: Real, *, delta: Positive = 1.0) -> Array:
    """Squared near zero, absolute far out.

    It is delta times smooth_l1(beta=delta), and half of mse as delta grows.

    Use: regression with some far-off rows: robust in a fit without MAE's kink.

    Avoid: where the scale of the residuals is unknown or differs between groups of rows.

    Pitfalls: delta is in the unit of the target: about 1.345 times the standard deviation of the good residuals
    keeps 95 % of MSE's efficiency, while the default 1 makes it mae for a target in thousands.
    """
    a = np.abs(y_pred - y_true)
    q = np.minimum(a, delta)
    return q * (a - 0.5 * q)


@huber.gradient
def _(y_true: Array, y_pred: Array, *, delta: float) -> Array:
    """e, cut to [-delta, delta]"""
    return np.clip(y_pred - y_true, -delta, delta)


@loss(
    family="regression", formula="e²/(2 beta) where |e| < beta, else |e| - beta/2; beta=0 is mae", unit="y",
    properties=CONVEX | BOUNDED_GRADIENT | SYMMETRIC, elicits="Huber mean",
    references=("Girshick 2015, Fast R-CNN, arXiv:1504.08083",),
    equivalents={"torch": "torch.nn.SmoothL1Loss(beta)", "keras": "keras.losses.Huber(beta) / beta"},
)  # fmt: skip
def smooth_l1(y_true: Real, y_pred: Real, *, beta: AtLeastZero = 1.0) -> Array:
    """Absolute error with its kink rounded off, as box regression uses it.

    It is huber(delta=beta) / beta, so its slope far out is 1 whatever beta is.

    Use: box regression, as in Fast R-CNN; where gradients must stay below 1.

    Avoid: where several betas are to be compared by value: their values near zero differ by the factor beta.

    Pitfalls: it is not Huber's loss unless beta is 1, though both names are used for either.
    """
    a = np.abs(y_pred - y_true)
    if beta == 0:
        return a
    q = np.minimum(a, beta)
    return q / beta * (a - 0.5 * q)


@smooth_l1.gradient
def _(y_true: Array, y_pred: Array, *, beta: float) -> Array:
    """e / beta, cut to [-1, 1]"""
    e = y_pred - y_true
    return np.clip(e, -beta, beta) / beta if beta else np.sign(e)


@loss(
    family="regression", aliases=("logcosh",), formula="log cosh e", unit="1",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT | SYMMETRIC,
    references=("Green 1990, doi:10.1109/42.52985",),
    equivalents={"keras": "keras.losses.LogCosh()", "optax": "optax.losses.log_cosh"},
)  # fmt: skip
def log_cosh(y_true: Real, y_pred: Real) -> Array:
    """Nearly e²/2 for small errors, |e| - log 2 for large ones; smooth everywhere.

    Like huber(delta=1) without a corner in its second derivative.

    Use: where second derivatives are used, as in boosting.

    Avoid: targets whose residuals are not around 1: it has no scale parameter.

    Pitfalls: divide the data by the scale of its residuals first, or it is mae less a constant.
    """
    # below 1, log cosh e = log1p(2 sinh²(e/2)) keeps the digits that a cosh near 1 would lose
    a = np.abs(y_pred - y_true)
    near = np.log1p(2 * np.square(np.sinh(0.5 * np.minimum(a, 1.0))))
    return np.where(a < 1, near, a + (np.log1p(np.exp(-2 * a)) - np.log(2.0)))


@log_cosh.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """tanh(e)"""
    return np.tanh(y_pred - y_true)


@loss(
    family="regression", aliases=("pinball", "pinball_loss"),
    formula="max(tau (y_true - y_pred), (tau - 1) (y_true - y_pred))", unit="y",
    properties=CONVEX | BOUNDED_GRADIENT, elicits="tau-quantile",
    references=("Koenker & Bassett 1978, doi:10.2307/1913643",),
    equivalents={"sklearn": "sklearn.metrics.mean_pinball_loss(alpha=tau)"},
)  # fmt: skip
def quantile(y_true: Real, y_pred: Real, *, tau: UnitInterval = 0.5) -> Array:
    """Pinball loss: scores a predicted quantile.

    Predictions that are too low cost tau a unit, too high ones 1 - tau. tau=0.5 is half of mae.

    Use: quantile forecasts, stock and capacity, where being short and being long cost differently.

    Avoid: for a prediction of the mean.

    Pitfalls: sums of predicted quantiles are not quantiles of sums; high quantiles need many rows.
    """
    d = y_true - y_pred
    return np.where(d >= 0, tau, tau - 1) * d


@quantile.gradient
def _(y_true: Array, y_pred: Array, *, tau: float) -> Array:
    """1 - tau where e > 0, -tau where e < 0"""
    e = y_pred - y_true
    return np.where(e > 0, 1 - tau, np.where(e < 0, -tau, 0.0))
