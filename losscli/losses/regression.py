"""Losses of `e = y_pred - y_true`."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import (
    Array,
    FiniteNonNegative,
    NonNegative,
    NonZeroReal,
    Positive,
    Real,
    RealAboveMinusOne,
    UnitInterval,
)
from losscli.declaration.equivalent import minimised_by, same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Functional, Property, Reduction
from losscli.losses._numerics import HUGE, SMALLEST, log1p_ratio, residual, weigh, where_compute
from losscli.losses._symbols import RESIDUAL

CONVEX, SMOOTH, SYMMETRIC = Property.CONVEX, Property.DIFFERENTIABLE, Property.SYMMETRIC
BOUNDED_VALUE, BOUNDED_GRADIENT = Property.BOUNDED_VALUE, Property.BOUNDED_GRADIENT
SHIFT = Property.TRANSLATION_INVARIANT
CENTRE = "the centre, where errors are symmetric and have one peak"

regression_loss = partial(loss, family="regression", unit="y", symbols=RESIDUAL)
squared_loss = partial(regression_loss, properties=CONVEX | SMOOTH | SYMMETRIC | SHIFT, elicits="mean")
absolute_loss = partial(regression_loss, properties=CONVEX | BOUNDED_GRADIENT | SYMMETRIC | SHIFT)
log_error_loss = partial(
    regression_loss,
    unit="1",
    properties=SMOOTH | SYMMETRIC,
    elicits="exp(mean of log(1 + y)) - 1",
    references=("Tofallis 2015 (without the 1), doi:10.1057/jors.2014.103",),
)


@squared_loss(
    aliases=("l2", "mean_squared_error", "squared_error", "均方误差", "平方误差", "平方损失", "均方损失", "二次损失"),
    formula="e²",
    unit="y²",
    references=("Gauss 1809, Theoria motus corporum coelestium",),
    equivalents=(
        same("torch", "torch.nn.MSELoss()(y_pred, y_true)"),
        same("keras", "keras.losses.MeanSquaredError()(y_true, y_pred)"),
        same("sklearn", "sklearn.metrics.mean_squared_error(y_true, y_pred)"),
        same("optax", "optax.losses.squared_error(y_pred, y_true)"),
    ),
)
def mse(y_true: Real, y_pred: Real) -> Array:
    """Mean squared error.

    Minimising it estimates the mean.
    Use: the default for regression with roughly normal errors, or when the mean is wanted.
    Avoid: when the data have outliers that the model should not learn.
    Pitfalls: one large error weighs as much as many small ones; the unit is squared.
    """
    return np.square(residual(y_true, y_pred))


@mse.gradient
def squared_error_slope(y_true: Array, y_pred: Array) -> Array:
    """2 e"""
    return 2 * residual(y_true, y_pred)


@squared_loss(
    aliases=("root_mean_squared_error", "均方根误差"),
    formula="e², then the root of the mean",
    reduction=Reduction.ROOT_MEAN,
    references=("Chai & Draxler 2014, doi:10.5194/gmd-7-1247-2014",),
    equivalents=(
        same("keras", "keras.metrics.RootMeanSquaredError()(y_true, y_pred)"),
        same("torchmetrics", "torchmetrics.regression.MeanSquaredError(squared=False)(y_pred, y_true)"),
        same(
            "sklearn",
            "sklearn.metrics.root_mean_squared_error(y_true, y_pred)",
            unlike("for several outputs it averages roots", 2.5, y_true=[[0, 0], [0, 0]], y_pred=[[1, 4], [1, 4]]),
            shapes={"y_true": "N"},
        ),
    ),
)
def rmse(y_true: Real, y_pred: Real) -> Array:
    """Root mean squared error.

    The square root of mse, in the unit of the target. Per-sample losses are squared errors; the root is taken of their
    mean.
    Use: to report mse in a readable unit.
    Avoid: where mse is a poor choice: the root changes the number, not its sensitivity.
    Pitfalls: the RMSE of a dataset is not the average of the RMSEs of its halves.
    """
    return np.square(residual(y_true, y_pred))


rmse.gradient(squared_error_slope)


@squared_loss(
    aliases=("l2_loss", "半均方误差"),
    formula="e²/2",
    unit="y²",
    references=("Gauss 1809, Theoria motus corporum coelestium",),
    equivalents=(
        same("optax", "optax.losses.l2_loss(y_pred, y_true)"),
        minimised_by("sklearn", "sklearn.linear_model.SGDRegressor(loss='squared_error')"),
    ),
)
def half_mse(y_true: Real, y_pred: Real) -> Array:
    """Half of the squared error; its gradient is the error itself.

    It has the same minimum as mse.
    Use: to compare with libraries that minimise e²/2, or with huber and the robust losses (e²/2 near zero).
    Avoid: in reports: readers expect mse.
    Pitfalls: training logs often call it "MSE"; it is half of mse.
    """
    return 0.5 * np.square(residual(y_true, y_pred))


@half_mse.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """e"""
    return residual(y_true, y_pred)


@absolute_loss(
    aliases=("l1", "l1_loss", "mean_absolute_error", "平均绝对误差", "绝对误差", "绝对损失", "绝对值损失"),
    formula="|e|",
    elicits="median",
    references=("Laplace 1774, Mémoire sur la probabilité des causes par les événements",),
    equivalents=(
        same("torch", "torch.nn.L1Loss()(y_pred, y_true)"),
        same("keras", "keras.losses.MeanAbsoluteError()(y_true, y_pred)"),
        same("sklearn", "sklearn.metrics.mean_absolute_error(y_true, y_pred)"),
    ),
)
def mae(y_true: Real, y_pred: Real) -> Array:
    """Mean absolute error.

    Minimising it estimates the median.
    Use: errors with heavy tails; a value in the unit of the target.
    Avoid: when large errors cost more than in proportion to their size, or when totals must be right.
    Pitfalls: the gradient does not shrink near zero, so optimisers oscillate there; for skewed targets the median lies
    below the mean.
    """
    return np.abs(residual(y_true, y_pred))


@mae.gradient
def absolute_error_slope(y_true: Array, y_pred: Array) -> Array:
    """sign(e)"""
    return np.sign(residual(y_true, y_pred))


@regression_loss(
    aliases=("median_absolute_error", "中位数绝对误差", "绝对误差中位数", "中值绝对误差"),
    formula="|e|, then the median",
    properties=BOUNDED_VALUE | BOUNDED_GRADIENT | SYMMETRIC | SHIFT,
    reduction=Reduction.MEDIAN,
    elicits="the middle of the shortest half of the targets",
    references=("Rousseeuw 1984, doi:10.1080/01621459.1984.10477105",),
    equivalents=(
        same(
            "sklearn",
            "sklearn.metrics.median_absolute_error(y_true, y_pred)",
            unlike(
                "for several outputs it averages medians",
                2.5,
                y_true=[[0, 0], [0, 0], [0, 0]],
                y_pred=[[1, 4], [1, 4], [1, 1]],
            ),
            shapes={"y_true": "N"},
        ),
    ),
)
def medae(y_true: Real, y_pred: Real) -> Array:
    """Median absolute error: half of the errors are smaller.

    Per-sample losses are absolute errors. With sample weights it is the weighted median.
    Use: the typical error when up to half of the rows may be wrong.
    Avoid: when large errors matter: the worse half of the rows has no effect.
    Pitfalls: it is not a mean: the values of two halves of the data do not determine the value of the whole.
    """
    return np.abs(residual(y_true, y_pred))


medae.gradient(absolute_error_slope)


@absolute_loss(
    aliases=("最大误差", "最大绝对误差"),
    formula="|e|, then the maximum",
    reduction=Reduction.MAX,
    elicits="midrange",
    references=("Chebyshev 1854, Théorie des mécanismes connus sous le nom de parallélogrammes",),
    equivalents=(same("sklearn", "sklearn.metrics.max_error(y_true, y_pred)", shapes={"y_true": "N"}),),
)
def max_error(y_true: Real, y_pred: Real) -> Array:
    """The largest absolute error.

    Per-sample losses are absolute errors. Sample weights have no effect, except that rows of weight 0 are left out.
    Use: when a bound must hold for every row: tables, surrogate models, interpolation.
    Avoid: noisy data: it reports the noise of one row.
    Pitfalls: it grows with the number of rows, so datasets of different sizes are not comparable.
    """
    return np.abs(residual(y_true, y_pred))


max_error.gradient(absolute_error_slope)


@regression_loss(
    aliases=("mean_absolute_percentage_error", "平均绝对百分比误差", "平均绝对百分误差"),
    formula="|e| / max(|y_true|, eps)",
    unit="1",
    properties=CONVEX,
    claims=(Claim(BOUNDED_GRADIENT, "eps > 0", lambda *, eps: eps > 0),),
    elicits="median, rows weighted by 1/|y_true|",
    references=("Hyndman & Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001",),
    equivalents=(
        same(
            "sklearn",
            "sklearn.metrics.mean_absolute_percentage_error(y_true, y_pred)",
            data="targets of 0 too",
            eps=2.220446049250313e-16,
        ),
        same(
            "keras",
            "keras.losses.MeanAbsolutePercentageError()(y_true, y_pred) / 100",
            data="targets of 0 too",
            eps=1e-7,
        ),
        same(
            "torchmetrics",
            "torchmetrics.regression.MeanAbsolutePercentageError()(y_pred, y_true)",
            data="targets of 0 too",
            eps=1.17e-6,
        ),
    ),
)
def mape(y_true: NonZeroReal, y_pred: Real, *, eps: FiniteNonNegative = 0.0) -> Array:
    """Mean absolute percentage error, as a fraction: 0.05 is 5 %.

    With eps=0, a target of zero is an error. eps is the smallest divisor.
    Use: positive targets of very different sizes, well away from zero.
    Avoid: targets near zero and intermittent demand.
    Pitfalls: it favours low forecasts: a prediction that is too small (of the right sign) costs at most 1, one that is
    too large has no limit; with a tiny eps each zero target dominates the mean.
    """
    return np.abs(residual(y_true, y_pred)) / np.maximum(np.abs(y_true), eps)


@mape.gradient
def _(y_true: Array, y_pred: Array, *, eps: float) -> Array:
    """sign(e) / max(|y_true|, eps)"""
    return np.sign(residual(y_true, y_pred)) / np.maximum(np.abs(y_true), eps)


@regression_loss(
    aliases=("symmetric_mape", "对称平均绝对百分比误差"),
    formula="2 |e| / (|y_true| + |y_pred|), 0/0 = 0",
    unit="1",
    properties=BOUNDED_VALUE | SYMMETRIC,
    references=("Makridakis 1993, doi:10.1016/0169-2070(93)90079-3",),
    equivalents=(
        same(
            "torchmetrics",
            "torchmetrics.regression.SymmetricMeanAbsolutePercentageError()(y_pred, y_true)",
            unlike("it divides by at least 1.17e-6", 0.34188, y_true=[1e-7], y_pred=[-1e-7]),
        ),
        ("others", "definitions without the 2 range to 1, in percent to 100 or 200"),
    ),
)
def smape(y_true: Real, y_pred: Real) -> Array:
    """Symmetric percentage error: the error divided by the mean size of target and prediction, from 0 to 2.

    Predictions of the wrong sign cost 2, as do non-zero predictions for a zero target.
    Use: forecasts of series with a few zeros; comparison with forecasting competitions that used it.
    Avoid: training: the gradient is 0 where the sign is wrong.
    Pitfalls: it is symmetric only in its arguments: predicting 50 too low costs more than 50 too high; definitions
    differ by factors of 2 and 100.
    """
    size = np.clip(np.abs(y_true) + np.abs(y_pred), SMALLEST, HUGE)
    return 2 * (np.minimum(np.abs(residual(y_true, y_pred)), HUGE) / size)


@smape.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """4 |y_true| sign(e) / (|y_true| + |y_pred|)² where the signs agree, else 0"""
    size = np.abs(y_true) + np.abs(y_pred)
    size = np.where(size == 0, 1.0, size)
    agree = 1 + np.sign(y_true) * np.sign(y_pred)  # 2 where signs agree, 0 where they differ (constant loss)
    return 2 * np.sign(residual(y_true, y_pred)) * agree * (np.abs(y_true) / size) / size


@regression_loss(
    aliases=("wmape", "加权绝对百分比误差", "加权平均绝对百分比误差"),
    formula="sum |e| / sum |y_true|",
    unit="1",
    properties=CONVEX | BOUNDED_GRADIENT,
    elicits="median",
    references=("Kolassa & Schütz 2007, Advantages of the MAD/mean ratio over the MAPE, Foresight 6, 40-43",),
    equivalents=(
        same(
            "torchmetrics",
            "torchmetrics.regression.WeightedMeanAbsolutePercentageError()(y_pred, y_true)",
            unlike("it divides by at least 1.17e-6", 0.17094, y_true=[1e-7], y_pred=[-1e-7]),
        ),
    ),
)
def wape(y_true: Real, y_pred: Real) -> Array:
    """Weighted absolute percentage error: the sum of errors divided by the sum of targets.

    Per-sample losses are absolute errors. Their mean is divided by the mean absolute target.
    Use: a percentage when some targets are zero, such as demand over many products.
    Avoid: when small series matter as much as large ones: large targets dominate.
    Pitfalls: it is NaN if all targets are zero; it exceeds 1 if errors outweigh targets.
    """
    return np.abs(residual(y_true, y_pred))


wape.gradient(absolute_error_slope)


@wape.denominator
def _(y_true: Array, y_pred: Array) -> Array:
    """the sum of |y_true|, and all targets are 0"""
    return np.abs(y_true).reshape(len(y_true), -1).mean(axis=1)


@log_error_loss(
    aliases=("mean_squared_log_error", "mean_squared_logarithmic_error", "均方对数误差"),
    formula="(log(1 + y_pred) - log(1 + y_true))²",
    equivalents=(
        same("sklearn", "sklearn.metrics.mean_squared_log_error(y_true, y_pred)"),
        same(
            "keras",
            "keras.losses.MeanSquaredLogarithmicError()(y_true, y_pred)",
            unlike("it raises numbers below 1e-7 to that", 0.0, y_true=[-0.5], y_pred=[0]),
            data="numbers >= 0",
        ),
        same("torchmetrics", "torchmetrics.regression.MeanSquaredLogError()(y_pred, y_true)"),
    ),
)
def msle(y_true: RealAboveMinusOne, y_pred: RealAboveMinusOne) -> Array:
    """Mean squared error of log(1 + y): a squared relative error for large targets, a plain one near zero.

    Minimising it estimates a geometric mean.
    Use: positive targets that grow by factors: prices, visits, populations.
    Avoid: when totals must be right: the optimum lies below the mean.
    Pitfalls: predicting too low costs more than too high by the same amount; the added 1 fixes a unit, so rescaling the
    data changes the loss.
    """
    return np.square(log1p_ratio(y_pred, y_true))


@msle.gradient
def squared_log_error_slope(y_true: Array, y_pred: Array) -> Array:
    """2 (log(1 + y_pred) - log(1 + y_true)) / (1 + y_pred)"""
    return weigh(2 / (1 + y_pred), log1p_ratio(y_pred, y_true))


@log_error_loss(
    aliases=("root_mean_squared_log_error", "均方根对数误差"),
    formula="(log(1 + y_pred) - log(1 + y_true))², then the root of the mean",
    reduction=Reduction.ROOT_MEAN,
    equivalents=(
        same(
            "sklearn",
            "sklearn.metrics.root_mean_squared_log_error(y_true, y_pred)",
            unlike("for several outputs it averages roots", 1.03972, y_true=[[0, 0], [0, 0]], y_pred=[[1, 3], [1, 3]]),
            shapes={"y_true": "N"},
        ),
    ),
)
def rmsle(y_true: RealAboveMinusOne, y_pred: RealAboveMinusOne) -> Array:
    """Root of msle: roughly the typical relative error when it is small.

    Per-sample losses are squared differences of logarithms; the root is taken of their mean.
    Use: to report msle as a factor: exp(rmsle) is the typical ratio between prediction and target.
    Avoid: where msle is a poor choice.
    Pitfalls: the RMSLE of a dataset is not the average of the RMSLEs of its halves.
    """
    return np.square(log1p_ratio(y_pred, y_true))


rmsle.gradient(squared_log_error_slope)


@squared_loss(
    aliases=("Huber 损失", "胡贝尔损失", "胡伯损失"),
    formula="e²/2 where |e| <= delta, else delta (|e| - delta/2)",
    unit="y²",
    elicits="Huber mean",
    claims=(Claim(BOUNDED_GRADIENT, "delta is finite", lambda *, delta: delta < np.inf),),
    references=("Huber 1964, doi:10.1214/aoms/1177703732",),
    equivalents=(
        same("torch", "torch.nn.HuberLoss(delta=delta)(y_pred, y_true)"),
        same("torch", "delta * torch.nn.SmoothL1Loss(beta=delta)(y_pred, y_true)", condition="delta < inf"),
        same("keras", "keras.losses.Huber(delta)(y_true, y_pred)", condition="delta < inf"),
        same("optax", "optax.losses.huber_loss(y_pred, y_true, delta=delta)", condition="delta < inf"),
        minimised_by(
            "sklearn", "sklearn.linear_model.SGDRegressor(loss='huber', epsilon=delta)", condition="delta < inf"
        ),
        minimised_by(
            "sklearn",
            "sklearn.linear_model.HuberRegressor(epsilon=delta)",
            condition="1 < delta < inf",
            note="twice the loss of e/sigma, with a scale sigma that it fits",
        ),
        same("statsmodels", "statsmodels.robust.norms.HuberT(delta).rho(y_pred - y_true)", condition="delta < inf"),
    ),
)
def huber(y_true: Real, y_pred: Real, *, delta: Positive = 1.0) -> Array:
    """Squared for small errors, absolute for large ones.

    It is delta times smooth_l1(beta=delta). As delta grows it becomes half of mse.
    Use: regression with outliers: robust, without the kink of mae.
    Avoid: when the scale of the residuals is unknown or differs between groups of rows.
    Pitfalls: delta is in the unit of the target. About 1.345 standard deviations of the good residuals keep 95 % of
    mse's efficiency; the default of 1 acts like mae for targets in the thousands.
    """
    a = np.abs(residual(y_true, y_pred))
    q = np.minimum(a, delta)
    return q * (a - 0.5 * q)


@huber.gradient
def _(y_true: Array, y_pred: Array, *, delta: float) -> Array:
    """e, cut to [-delta, delta]"""
    return np.clip(residual(y_true, y_pred), -delta, delta)


@absolute_loss(
    aliases=("平滑 L1 损失",),
    formula="e²/(2 beta) where |e| < beta, else |e| - beta/2; beta=0 is mae",
    elicits="Huber mean",
    claims=(Claim(SMOOTH, "beta > 0", lambda *, beta: beta > 0),),
    references=("Girshick 2015, Fast R-CNN, arXiv:1504.08083",),
    equivalents=(
        same("torch", "torch.nn.SmoothL1Loss(beta=beta)(y_pred, y_true)"),
        same("torch", "torch.nn.HuberLoss(delta=beta)(y_pred, y_true) / beta", condition="0 < beta < inf"),
        same("keras", "keras.losses.Huber(beta)(y_true, y_pred) / beta", condition="0 < beta < inf"),
        same("optax", "optax.losses.huber_loss(y_pred, y_true, delta=beta) / beta", condition="0 < beta < inf"),
    ),
)
def smooth_l1(y_true: Real, y_pred: Real, *, beta: NonNegative = 1.0) -> Array:
    """Absolute error with a rounded kink, as used in box regression.

    It is huber(delta=beta) / beta. Its slope for large errors is 1 for any beta.
    Use: box regression, as in Fast R-CNN; gradients bounded by 1.
    Avoid: comparing values of different beta: near zero they differ by the factor beta.
    Pitfalls: it equals Huber's loss only for beta=1, although the two names are often confused.
    """
    a = np.abs(residual(y_true, y_pred))
    if beta == 0:
        return a
    q = np.minimum(a, beta)
    return q / beta * (a - 0.5 * q)


@smooth_l1.gradient
def _(y_true: Array, y_pred: Array, *, beta: float) -> Array:
    """e / beta, cut to [-1, 1]"""
    e = residual(y_true, y_pred)
    return np.clip(e, -beta, beta) / beta if beta else np.sign(e)


@regression_loss(
    aliases=("logcosh", "对数双曲余弦损失"),
    formula="log cosh e",
    unit="1",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT | SYMMETRIC | SHIFT,
    elicits=CENTRE,
    references=("Green 1990, doi:10.1109/42.52985",),
    equivalents=(
        same("keras", "keras.losses.LogCosh()(y_true, y_pred)"),
        same("optax", "optax.losses.log_cosh(y_pred, y_true)"),
        same("torchmetrics", "torchmetrics.regression.LogCoshError()(y_pred, y_true)", shapes={"y_true": "N"}),
    ),
)
def log_cosh(y_true: Real, y_pred: Real) -> Array:
    """About e²/2 for small errors and |e| - log 2 for large ones; smooth everywhere.

    Similar to huber(delta=1), with a continuous second derivative.
    Use: methods that need second derivatives, such as boosting.
    Avoid: residuals far from the scale of 1: it has no scale parameter.
    Pitfalls: divide the data by the scale of the residuals first, or it acts like mae minus a constant.
    """
    # cosh a - 1 = (1 - v)² / 2v with v = exp(-a) keeps the digits that a cosh near 1 loses
    a = np.abs(residual(y_true, y_pred))
    v = np.exp(-np.minimum(a, 50.0))
    far = np.log1p(np.square(1 - v) / (2 * v)) + np.maximum(a - 50.0, 0.0)
    return where_compute(far, a < 0.1, lambda a: np.log1p(0.5 * np.square(2 * np.sinh(0.5 * a))), a)


@log_cosh.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """tanh(e)"""
    return np.tanh(residual(y_true, y_pred))


@regression_loss(
    aliases=("pinball", "pinball_loss", "分位数损失", "弹球损失", "分位损失"),
    formula="max(tau (y_true - y_pred), (tau - 1) (y_true - y_pred))",
    properties=CONVEX | BOUNDED_GRADIENT | SHIFT,
    elicits="tau-quantile",
    references=("Koenker & Bassett 1978, doi:10.2307/1913643",),
    equivalents=(same("sklearn", "sklearn.metrics.mean_pinball_loss(y_true, y_pred, alpha=tau)"),),
)
def quantile(y_true: Real, y_pred: Real, *, tau: UnitInterval = 0.5) -> Array:
    """Pinball loss: scores the prediction of a quantile.

    Predictions that are too low cost tau per unit, those too high 1 - tau. tau=0.5 is half of mae.
    Use: quantile forecasts; stock and capacity planning with unequal costs of shortage and surplus.
    Avoid: predictions of the mean.
    Pitfalls: sums of predicted quantiles are not quantiles of sums; high quantiles need many rows.
    """
    d = y_true - y_pred
    return np.where(d >= 0, tau, tau - 1) * d


@quantile.gradient
def _(y_true: Array, y_pred: Array, *, tau: float) -> Array:
    """1 - tau where e > 0, -tau where e < 0"""
    e = residual(y_true, y_pred)
    return np.where(e > 0, 1 - tau, np.where(e < 0, -tau, 0.0))


@regression_loss(
    aliases=("期望分位数损失",),
    formula="|tau - [y_true < y_pred]| e²",
    unit="y²",
    properties=CONVEX | SMOOTH | SHIFT,
    elicits="tau-expectile",
    references=("Newey & Powell 1987, doi:10.2307/1911031",),
    equivalents=(
        same(
            "model-diagnostics",
            "model_diagnostics.scoring.HomogeneousExpectileScore(degree=2, level=tau)(y_true, y_pred) / 2",
            shapes={"y_true": "N"},
            condition="0 < tau < 1",
        ),
    ),
)
def expectile(y_true: Real, y_pred: Real, *, tau: UnitInterval = 0.5) -> Array:
    """Squared error, weighted by tau for low predictions and by 1 - tau for high ones.

    Expectiles generalise the mean as quantiles generalise the median. tau=0.5 is half of mse.
    Use: tail forecasts where the size beyond the tail matters, such as expected shortfall.
    Avoid: when a share of rows below the prediction is wanted (quantile).
    Pitfalls: the 0.9-expectile is not the 0.9-quantile; outliers affect it as they affect the mean.
    """
    e = residual(y_true, y_pred)
    return np.where(e > 0, 1 - tau, tau) * np.square(e)


@expectile.gradient
def _(y_true: Array, y_pred: Array, *, tau: float) -> Array:
    """2 |tau - [y_true < y_pred]| e"""
    e = residual(y_true, y_pred)
    return np.where(e > 0, 1 - tau, tau) * 2 * e


@absolute_loss(
    aliases=("svr", "ε-不敏感损失", "不敏感损失", "epsilon-不敏感损失"),
    formula="max(0, |e| - epsilon)",
    elicits=CENTRE,
    references=("Smola & Schölkopf 2004, doi:10.1023/B:STCO.0000035301.49549.88",),
    equivalents=(
        minimised_by("sklearn", "sklearn.linear_model.SGDRegressor(loss='epsilon_insensitive', epsilon=epsilon)"),
        minimised_by("sklearn", "sklearn.svm.SVR(kernel='linear', epsilon=epsilon)"),
    ),
)
def epsilon_insensitive(y_true: Real, y_pred: Real, *, epsilon: FiniteNonNegative = 0.1) -> Array:
    """The loss of support vector regression: errors up to epsilon cost nothing.

    epsilon=0 is mae.
    Use: small errors that do not matter: tolerances, rounded targets.
    Avoid: ranking models within the tolerance: all have a loss of 0.
    Pitfalls: epsilon is in the unit of the target; the default 0.1 suits standardised targets.
    """
    return np.maximum(0.0, np.abs(residual(y_true, y_pred)) - epsilon)


@epsilon_insensitive.gradient
def _(y_true: Array, y_pred: Array, *, epsilon: float) -> Array:
    """sign(e) where |e| > epsilon, else 0"""
    e = residual(y_true, y_pred)
    return np.where(np.abs(e) > epsilon, np.sign(e), 0.0)


@squared_loss(
    aliases=("平方 ε-不敏感损失", "平方 epsilon-不敏感损失"),
    formula="max(0, |e| - epsilon)²",
    unit="y²",
    elicits=CENTRE,
    references=("Smola & Schölkopf 2004, doi:10.1023/B:STCO.0000035301.49549.88",),
    equivalents=(
        minimised_by(
            "sklearn", "sklearn.linear_model.SGDRegressor(loss='squared_epsilon_insensitive', epsilon=epsilon)"
        ),
        minimised_by("sklearn", "sklearn.svm.LinearSVR(loss='squared_epsilon_insensitive', epsilon=epsilon)"),
    ),
)
def squared_epsilon_insensitive(y_true: Real, y_pred: Real, *, epsilon: FiniteNonNegative = 0.1) -> Array:
    """The squared excess of an error over epsilon.

    epsilon=0 is mse.
    Use: a tolerance, with squared cost beyond it.
    Avoid: data with outliers: they count squared.
    Pitfalls: an error of twice epsilon costs a quarter of its mse, so values are not comparable with mse.
    """
    return np.square(np.maximum(0.0, np.abs(residual(y_true, y_pred)) - epsilon))


@squared_epsilon_insensitive.gradient
def _(y_true: Array, y_pred: Array, *, epsilon: float) -> Array:
    """2 sign(e) max(0, |e| - epsilon)"""
    e = residual(y_true, y_pred)
    return 2 * np.sign(e) * np.maximum(0.0, np.abs(e) - epsilon)


for squared in (rmse, half_mse):
    squared.orders_like(lambda: ("mse", {}))
for tau_weighted, middle in ((quantile, "mae"), (expectile, "mse")):
    tau_weighted.orders_like(lambda *, tau, middle=middle: (middle, {}) if tau == 0.5 else None)
for tolerant, strict in ((epsilon_insensitive, "mae"), (squared_epsilon_insensitive, "mse")):
    tolerant.orders_like(lambda *, epsilon, strict=strict: None if epsilon else (strict, {}))
wape.orders_like(lambda: ("mae", {}))
rmsle.orders_like(lambda: ("msle", {}))
huber.orders_like(lambda *, delta: ("mse", {}) if delta == np.inf else None)
smooth_l1.orders_like(lambda *, beta: ("huber", {"delta": beta}) if beta else ("mae", {}))

for squared in (mse, rmse, half_mse):
    squared.minimized_by(lambda: Functional("mean"))
for absolute in (mae, wape):
    absolute.minimized_by(lambda: Functional("quantile", 0.5))
quantile.minimized_by(lambda *, tau: Functional("quantile", tau))
max_error.minimized_by(lambda: Functional("midrange"))
