"""Scores of predicted distributions that have a location, `y_pred`, and a scale."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.domains import Array, NonNegativeReal, Number, OrNone, PositiveReal, Real
from losscli.declaration.domains.intervals import POSITIVE
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import HUGE, exp_minus_abs, given_one, log1p_square, residual, where_compute
from losscli.losses._references import GNEITING_RAFTERY
from losscli.losses._symbols import STANDARDIZED

CONVEX, SMOOTH, SYMMETRIC = Property.CONVEX, Property.DIFFERENTIABLE, Property.SYMMETRIC
DegreesOfFreedom = Annotated[float | None, OrNone(Number(POSITIVE))]
LOG_2 = math.log(2)
HALF_LOG_2PI = math.log(2 * math.pi) / 2
SQRT_HALF = math.sqrt(0.5)
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
ONE_OVER_SQRT_PI = 1 / math.sqrt(math.pi)

NAN_FOR_SCALE_0 = unlike("a scale of 0 is nan there", math.nan, y_true=[1.0], y_pred=[1.5], scale=[0.0])

crps_loss = partial(
    loss,
    family="regression",
    unit="y",
    symbols=STANDARDIZED,
    properties=CONVEX | SMOOTH | SYMMETRIC | Property.BOUNDED_GRADIENT,
)
density_loss = partial(loss, family="regression", unit="nat", symbols=STANDARDIZED)

MATHESON = "Matheson & Winkler 1976, doi:10.1287/mnsc.22.10.1087"
JORDAN = "Jordan, Krüger & Lerch 2019, doi:10.18637/jss.v090.i12"


def standardize(e: Array, scale: Array) -> Array:
    """Compute e / scale; for a scale of 0 that is 0 where e is 0, else infinite with the sign of e."""
    return np.where(e == 0, 0.0, e / np.abs(scale))  # -0 is a scale of 0, too


def erf(x: Array) -> Array:
    """Compute the error function."""
    from scipy import special  # the import takes longer than most commands

    return np.asarray(special.erf(x))


# ---------------------------------------------------------------------------------------------------------- CRPS


@crps_loss(
    elicits="location and scale of a normal distribution",
    aliases=("crps_gaussian",),
    formula="scale (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))",
    references=("Gneiting et al. 2005, doi:10.1175/MWR2904.1", MATHESON, GNEITING_RAFTERY),
    equivalents=(
        same("scoringrules", "scoringrules.crps_normal(y_true, y_pred, scale)", NAN_FOR_SCALE_0),
        same("properscoring", "properscoring.crps_gaussian(y_true, y_pred, scale)", NAN_FOR_SCALE_0),
    ),
)
def crps_normal(y_true: Real, y_pred: Real, scale: NonNegativeReal) -> Array:
    """Continuous ranked probability score of a normal distribution with mean y_pred and standard deviation scale.

    It generalizes the absolute error to distributions and has the unit of y. The gradient is with respect to the mean.
    Use: comparing forecasts with an uncertainty, and with forecasts that have none: a scale of 0 costs the absolute
    error.
    Avoid: when a rare event that was called impossible must cost without limit (use gaussian_nll).
    Pitfalls: scale is a standard deviation, where gaussian_nll reads a variance; a point forecast, of scale 0, has the
    kink of mae.
    """
    e = residual(y_true, y_pred)
    z = standardize(e, scale)
    return np.abs(e) * np.abs(erf(z * SQRT_HALF)) + scale * (
        SQRT_2_OVER_PI * np.exp(-0.5 * np.square(z)) - ONE_OVER_SQRT_PI
    )


@crps_normal.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """2 Phi(z) - 1"""
    return erf(standardize(residual(y_true, y_pred), scale) * SQRT_HALF)


@crps_loss(
    elicits="location and scale of a Laplace distribution",
    formula="|e| + scale (exp(-|z|) - 3/4)",
    references=(JORDAN, MATHESON, GNEITING_RAFTERY),
    equivalents=(same("scoringrules", "scoringrules.crps_laplace(y_true, y_pred, scale)", NAN_FOR_SCALE_0),),
)
def crps_laplace(y_true: Real, y_pred: Real, scale: NonNegativeReal) -> Array:
    """Continuous ranked probability score of a Laplace distribution with median y_pred and mean deviation scale.

    It has the unit of y. The gradient is with respect to the median.
    Use: forecasts whose errors have heavier tails than normal ones, by a score that every row can move a little only.
    Avoid: when a rare event that was called impossible must cost without limit (use laplace_nll).
    Pitfalls: the standard deviation is sqrt(2) times the scale; a point forecast, of scale 0, has the kink of mae.
    """
    e = residual(y_true, y_pred)
    return np.abs(e) + scale * (exp_minus_abs(standardize(e, scale)) - 0.75)


@crps_laplace.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """sign(e) (1 - exp(-|z|))"""
    e = residual(y_true, y_pred)
    return -np.sign(e) * np.expm1(-np.abs(standardize(e, scale)))


@crps_loss(
    elicits="location and scale of a logistic distribution",
    formula="scale (|z| + 2 log(1 + exp(-|z|)) - 1)",
    references=("Taillardat et al. 2016, doi:10.1175/MWR-D-15-0260.1", JORDAN, MATHESON),
    equivalents=(
        same(
            "scoringrules",
            "scoringrules.crps_logistic(y_true, y_pred, scale)",
            NAN_FOR_SCALE_0,
            unlike("exp(z) overflows there", math.inf, y_true=[0.0], y_pred=[800.0], scale=[1.0]),
        ),
    ),
)
def crps_logistic(y_true: Real, y_pred: Real, scale: NonNegativeReal) -> Array:
    """Continuous ranked probability score of a logistic distribution with mean y_pred and this scale.

    It has the unit of y. The gradient is with respect to the mean.
    Use: forecasts whose errors have somewhat heavier tails than normal ones.
    Avoid: when a rare event that was called impossible must cost without limit (use logistic_nll).
    Pitfalls: the standard deviation is pi / sqrt(3), about 1.81, times the scale; a point forecast, of scale 0, has the
    kink of mae.
    """
    e = residual(y_true, y_pred)
    return np.abs(e) + scale * (2 * np.log1p(exp_minus_abs(standardize(e, scale))) - 1)


@crps_logistic.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """tanh(z / 2)"""
    return np.tanh(0.5 * standardize(residual(y_true, y_pred), scale))


# ----------------------------------------------------------------------------------------------------- likelihoods


@density_loss(
    arbitrary_zero=True,
    formula="|z| + log(2 scale)",
    aliases=("拉普拉斯负对数似然",),
    properties=CONVEX | SYMMETRIC,
    elicits="median",
    references=("Laplace 1774, Mémoire sur la probabilité des causes par les événements", GNEITING_RAFTERY),
    equivalents=(
        same(
            "scipy",
            "-scipy.stats.laplace.logpdf(y_true, y_pred, scale)",
            unlike("the density underflows there", math.inf, y_true=[0.0], y_pred=[800.0], scale=[1.0]),
        ),
        same("torch", "-torch.distributions.Laplace(y_pred, scale).log_prob(y_true)"),
    ),
)
def laplace_nll(y_true: Real, y_pred: Real, scale: PositiveReal) -> Array:
    """Negative log-likelihood of a Laplace distribution with median y_pred and mean deviation scale.

    It is mae in units of the scale, and what a scale costs. The gradient is with respect to the median.
    Use: predictions with an uncertainty, where a few errors are large.
    Avoid: scales that may come close to 0 (use crps_laplace, or a least scale).
    Pitfalls: the value may be negative: densities exceed 1; the standard deviation is sqrt(2) times the scale.
    """
    log_twice_scale = where_compute(np.log(2 * scale), scale > HUGE / 2, lambda large: np.log(large) + LOG_2, scale)
    return np.abs(residual(y_true, y_pred)) / scale + log_twice_scale


@laplace_nll.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """sign(e) / scale"""
    return np.sign(residual(y_true, y_pred)) / scale


@density_loss(
    arbitrary_zero=True,
    formula="|z| + 2 log(1 + exp(-|z|)) + log scale",
    properties=CONVEX | SMOOTH | SYMMETRIC,
    elicits="location and scale of a logistic distribution",
    references=("Balakrishnan 1991, Handbook of the Logistic Distribution, doi:10.1201/9781482277098",),
    equivalents=(same("scipy", "-scipy.stats.logistic.logpdf(y_true, y_pred, scale)"),),
)
def logistic_nll(y_true: Real, y_pred: Real, scale: PositiveReal) -> Array:
    """Negative log-likelihood of a logistic distribution with mean y_pred and this scale.

    The gradient is with respect to the mean.
    Use: predictions with an uncertainty, whose errors have somewhat heavier tails than normal ones.
    Avoid: scales that may come close to 0 (use crps_logistic, or a least scale).
    Pitfalls: the value may be negative: densities exceed 1; the standard deviation is pi / sqrt(3), about 1.81, times
    the scale.
    """
    z = residual(y_true, y_pred) / scale
    return np.abs(z) + 2 * np.log1p(exp_minus_abs(z)) + np.log(scale)


@logistic_nll.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """tanh(z / 2) / scale"""
    return np.tanh(0.5 * (residual(y_true, y_pred) / scale)) / scale


@density_loss(
    arbitrary_zero=True,
    formula="log y_true + log scale + log(2 pi)/2 + z²/2, z = (log y_true - y_pred) / scale",
    aliases=("log_normal_nll", "对数正态负对数似然"),
    properties=CONVEX | SMOOTH,
    elicits="mean of log y",
    references=("Crow & Shimizu 1988, Lognormal Distributions, doi:10.1201/9780203748664",),
    equivalents=(
        same("scipy", "-scipy.stats.lognorm.logpdf(y_true, s=scale, scale=np.exp(y_pred))"),
        same("torch", "-torch.distributions.LogNormal(y_pred, scale).log_prob(y_true)"),
        same("scoringrules", "scoringrules.logs_lognormal(y_true, y_pred, scale)"),
    ),
)
def lognormal_nll(y_true: PositiveReal, y_pred: Real, scale: PositiveReal) -> Array:
    """Negative log-likelihood of positive amounts whose logarithm is normal: y_pred is the mean of log y.

    The scale is the standard deviation of log y. The gradient is with respect to y_pred.
    Use: positive amounts that spread in proportion to their size, such as incomes and durations.
    Avoid: amounts that may be 0.
    Pitfalls: y_pred is a logarithm: exp(y_pred) is the median of y, and its mean is exp(y_pred + scale²/2); the value
    may be negative: densities exceed 1.
    """
    log_y = np.log(y_true)
    return log_y + np.log(scale) + HALF_LOG_2PI + 0.5 * np.square((log_y - y_pred) / scale)


@lognormal_nll.gradient
def _(y_true: Array, y_pred: Array, scale: Array) -> Array:
    """(y_pred - log y_true) / scale²"""
    return (y_pred - np.log(y_true)) / scale / scale


# --------------------------------------------------------------------------------------------------------- Student


HALF_RATIO_SERIES = (1 / 8, -1 / 192, 1 / 640, -17 / 14336, 31 / 18432, -691 / 180224)
"""log(x) / 2 - log(Gamma(x + 1/2) / Gamma(x)) in powers of 1/x: x^-1, x^-3, ..."""

SERIES_START, SERIES_STEPS = 20.0, 10
"""The least degrees of freedom for which that series, at half of them, is exact, and the steps of 2 that lead there."""


def student_constant(nu: Array) -> Array:
    """Compute log(nu pi)/2 + log Gamma(nu/2) - log Gamma((nu + 1)/2), which goes to log(2 pi)/2.

    Differences of log-gammas would cancel: it is a series in 1/nu for many degrees of freedom, to which products of
    (nu + 2 i + 1) / (nu + 2 i) lead from few.
    """
    is_far = nu >= SERIES_START
    x = np.where(is_far, nu, nu + 2 * SERIES_STEPS) / 2
    series = np.polyval(HALF_RATIO_SERIES[::-1], 1 / np.square(x)) / x
    if is_far.all():
        return HALF_LOG_2PI + series
    few = np.where(is_far, 1.0, nu)
    product = np.prod([(few + 2 * i + 1) / (few + 2 * i) for i in range(1, SERIES_STEPS)], axis=0)
    near = np.log1p(few) - 0.5 * (np.log(few) + np.log(few / 2 + SERIES_STEPS) - math.log(math.pi)) + np.log(product)
    return series + np.where(is_far, HALF_LOG_2PI, near)


@density_loss(
    arbitrary_zero=True,
    formula="(df + 1)/2 log(1 + z²/df) + log scale + log(pi df)/2 + log(Gamma(df/2) / Gamma((df + 1)/2))",
    symbols=STANDARDIZED | {"df": "df, or nu", "Gamma": "the gamma function"},
    aliases=("studentt_nll", "学生 t 负对数似然"),
    properties=SMOOTH | SYMMETRIC,
    elicits="the centre, where errors are symmetric and have one peak",
    references=("Lange, Little & Taylor 1989, doi:10.1080/01621459.1989.10478852",),
    equivalents=(
        same("scipy", "-scipy.stats.t.logpdf(y_true, df, y_pred, scale)"),
        same("scipy", "-scipy.stats.t.logpdf(y_true, nu, y_pred, scale)", condition="nu is not None"),
        same("torch", "-torch.distributions.StudentT(df, y_pred, scale).log_prob(y_true)"),
        same("scoringrules", "scoringrules.logs_t(y_true, df, y_pred, scale)"),
    ),
)
def student_t_nll(
    y_true: Real, y_pred: Real, scale: PositiveReal, df: PositiveReal | None = None, *, nu: DegreesOfFreedom = None
) -> Array:
    """Negative log-likelihood of a Student t distribution with this location, scale and degrees of freedom.

    The degrees of freedom are a number a row (df), or one for all (nu): 1 is the Cauchy distribution, inf the normal
    one. The gradient is with respect to the location.
    Use: predictions with an uncertainty, where some errors are far larger than the others.
    Avoid: scales that may come close to 0; fits that must have one minimum: it is not convex.
    Pitfalls: the scale is no standard deviation, which is scale sqrt(df / (df - 2)), or infinite up to df = 2; the
    value may be negative: densities exceed 1.
    """
    of = given_one(df, nu)
    z = residual(y_true, y_pred) / scale
    tails = np.where(np.isinf(of), 0.5 * np.square(z), 0.5 * (of + 1) * log1p_square(z / np.sqrt(of)))
    return tails + np.log(scale) + student_constant(of)


@student_t_nll.gradient
def _(y_true: Array, y_pred: Array, scale: Array, df: Array | None, *, nu: float | None) -> Array:
    """(df + 1) z / (df + z²) / scale"""
    of = given_one(df, nu)
    z = residual(y_true, y_pred) / scale
    return np.where(np.isinf(of), z, (of + 1) / (of / z + z)) / scale


student_t_nll.takes_one_of("df", "nu")
