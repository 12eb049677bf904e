"""Negative log-likelihoods of a predicted mean, and deviances (twice their excess over the minimum)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.domains import (
    Array,
    Boolean,
    FiniteNonNegative,
    NonNegativeReal,
    OrNone,
    PositiveReal,
    Power,
    Rate,
    Real,
    TweedieMean,
    TweedieTarget,
)
from losscli.declaration.domains.arrays import Numbers
from losscli.declaration.domains.intervals import FINITE_POSITIVE, Interval
from losscli.declaration.domains.parameters import Number
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Ordering, Property, given
from losscli.losses._numerics import (
    SERIES_RADIUS,
    given_one,
    log_ratio,
    power_remainder,
    relative_difference,
    weigh,
    x_minus_log1p,
)
from losscli.losses._symbols import RESIDUAL

LOG_2PI = float(np.log(2 * np.pi))

STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""log y! - (y + 1/2) log y + y - log(2 pi)/2 in powers of 1/y: y^-1, y^-3, ..."""

STIRLING_START = 10
"""Smallest argument for which Stirling's series is exact to double precision."""

SMALLEST_DISPERSION = float(np.finfo(float).tiny)
"""Dispersions of counts below it are as good as 0: their reciprocals overflow."""

GAMMA_SERIES = (
    -np.euler_gamma,
    np.pi**2 / 12,
    -1.2020569031595942 / 3,
    np.pi**4 / 360,
    -1.0369277551433699 / 5,
    np.pi**6 / 5670,
    -1.0083492773819228 / 7,
)
"""log y! in powers of y: y, y², ... (Euler's gamma, zeta(k)/k)"""


FINITE_NON_NEGATIVE = Interval(0, high_open=True)

Shape = Annotated[Array, Numbers(interval=FINITE_POSITIVE)]
Dispersion = Annotated[Array, Numbers(interval=FINITE_NON_NEGATIVE)]
ShapeOfAll = Annotated[float | None, OrNone(Number(FINITE_POSITIVE))]
DispersionOfAll = Annotated[float | None, OrNone(Number(FINITE_NON_NEGATIVE))]


def half_deviance(y: Array, mean: Array, power: float, log_y_mean: Array | None = None) -> Array:
    """Integrate (y - t) / t^power dt from a positive mean to y, which may be below zero only where power < 0.

    `log_y_mean` is log(y / mean), where it is known better than from these two.
    """
    if power == 0:
        return 0.5 * np.square(y - mean)
    gap = y - mean
    logs = log_ratio(np.maximum(y, 0.0), mean) if log_y_mean is None else log_y_mean
    # (y^k - mean^k) / k for k = 1 - power or 2 - power, whichever is farther from 0
    if power < 1.5:
        far = (weigh(y, _power_gap(logs, 1 - power)) - gap) / (2 - power)
    else:
        far = (mean * _power_gap(logs, 2 - power) - gap) / (1 - power)
    relative = gap / mean
    near = np.abs(relative) * max(1.0, abs(power)) < SERIES_RADIUS
    series = mean * power_remainder(np.where(near, relative, 0.0), power)
    half = mean ** (1 - power) * np.where(near, series, far)
    limit = np.inf if power <= 2 else y ** (2 - power) / ((power - 1) * (power - 2))
    return np.where(np.isinf(mean), limit, half)


def _power_gap(logs: Array, exponent: float) -> Array:
    """Compute (r^exponent - 1) / exponent from log r; log r for exponent 0."""
    return np.expm1(exponent * logs) / exponent if exponent else logs


def log_factorial_excess(y: Array) -> Array:
    """Compute log y! - (y log y - y) >= 0: the difference of full likelihood and half Poisson deviance."""
    tiny = np.minimum(y, 0.01)
    small = tiny * np.polyval(GAMMA_SERIES[::-1], tiny) + tiny - weigh(tiny, np.log(tiny))
    x = np.where(y < STIRLING_START, y + STIRLING_START, y)
    stirling = 0.5 * (LOG_2PI + np.log(x)) + np.polyval(STIRLING[::-1], 1 / np.square(x)) / x
    below = np.clip(y, 0.01, STIRLING_START)
    product = np.prod([below + k for k in range(1, STIRLING_START + 1)], axis=0)
    middle = stirling + x * np.log(x) - x - np.log(product) - below * np.log(below) + below
    return np.where(y < 0.01, small, np.where(y < STIRLING_START, middle, stirling))


likelihood_loss = partial(loss, family="regression", elicits="mean", symbols=RESIDUAL)
deviance_loss = partial(likelihood_loss, references=("Nelder & Wedderburn 1972, doi:10.2307/2344614",))


@deviance_loss(
    aliases=("poisson", "泊松损失", "泊松负对数似然"),
    arbitrary_zero=True,
    formula="rate - y_true log rate; log_input: exp(y_pred) - y_true y_pred; full: + log(y_true!)",
    symbols={"rate": "y_pred, or exp(y_pred) with log_input"},
    unit="nat",
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    equivalents=(
        same(
            "torch",
            "torch.nn.PoissonNLLLoss(log_input=log_input, full=full)(y_pred, y_true)",
            unlike("without log_input it takes the log of rate + 1e-8", 18.4207, y_true=[1.0], y_pred=[0.0]),
            unlike(
                "its log(y!) is Stirling's approximation, 0 up to 1", 1.65181, y_true=[2.0], y_pred=[1.0], full=True
            ),
            rtol=1e-5,
            full=False,
        ),
        same(
            "keras",
            "keras.losses.Poisson()(y_true, y_pred)",
            unlike("it takes the log of rate + 1e-7", 16.1181, y_true=[1.0], y_pred=[0.0]),
            rtol=1e-5,
        ),
        same(
            "sklearn",
            "sklearn.metrics.mean_poisson_deviance(y_true, y_pred) / 2 + np.mean(y_true - "
            "scipy.special.xlogy(y_true, y_true))",
            shapes={"y_true": "N"},
        ),
        same("scipy", "-scipy.stats.poisson.logpmf(y_true, y_pred)", data="counts", full=True),
    ),
)
def poisson_nll(y_true: NonNegativeReal, y_pred: Rate, *, log_input: Boolean = False, full: Boolean = False) -> Array:
    """Negative log-likelihood of counts, given the expected count.

    Without full, terms that do not depend on the prediction are omitted, so the value can be negative. Nothing is
    clipped: a rate of 0 costs 0 for a count of 0 and inf for any other count.
    Use: unbounded counts, from a model that predicts a rate or its logarithm.
    Avoid: counts with a variance far above their mean; shares and rates that are not counts.
    Pitfalls: a log rate read as a rate gives a value without any warning, and the reverse; without full a perfect
    prediction is not 0 (use poisson_deviance).
    """
    rate = np.exp(y_pred) if log_input else y_pred
    if full:
        logs = np.where(y_true > 0, np.log(y_true) - y_pred, -np.inf) if log_input else None
        return half_deviance(y_true, rate, 1.0, logs) + log_factorial_excess(y_true)
    return np.where(np.isinf(rate), np.inf, rate - weigh(y_true, y_pred if log_input else np.log(rate)))


@poisson_nll.gradient
def _(y_true: Array, y_pred: Array, *, log_input: bool) -> Array:
    """1 - y_true / rate; log_input: exp(y_pred) - y_true"""
    if log_input:
        return np.exp(y_pred) - y_true
    return np.where(y_true == 0, 1.0, relative_difference(y_true, y_pred))


@likelihood_loss(
    aliases=("高斯负对数似然",),
    arbitrary_zero=True,
    formula="(log v + e²/v) / 2, v = max(variance, eps); full: + log(2 pi)/2",
    unit="nat",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.SYMMETRIC,
    references=("Nix & Weigend 1994, doi:10.1109/ICNN.1994.374138",),
    equivalents=(
        same("torch", "torch.nn.GaussianNLLLoss(full=full, eps=eps)(y_pred, y_true, variance)"),
        same("scipy", "-scipy.stats.norm.logpdf(y_true, y_pred, np.sqrt(variance))", full=True),
    ),
)
def gaussian_nll(
    y_true: Real, y_pred: Real, variance: NonNegativeReal, *, eps: FiniteNonNegative = 1e-6, full: Boolean = False
) -> Array:
    """Negative log-likelihood of a predicted mean and variance.

    It rewards a small variance where the mean is right and a large one where it is wrong. The gradient is with respect
    to the mean.
    Use: predictions with an uncertainty.
    Avoid: heavy tails: a row many standard deviations away dominates the mean.
    Pitfalls: the role is a variance, not a standard deviation; the loss may be negative, and has no lower bound as eps
    goes to 0.
    """
    v = np.maximum(variance, eps)
    e = y_pred - y_true
    scaled_square = weigh(e, e / v)
    total = np.where(np.isinf(scaled_square), np.inf, np.log(v) + scaled_square)  # avoids inf - inf for v = 0
    return 0.5 * (total + (LOG_2PI if full else 0.0))


@gaussian_nll.gradient
def _(y_true: Array, y_pred: Array, variance: Array, *, eps: float) -> Array:
    """e / v, v = max(variance, eps)"""
    e = y_pred - y_true
    return weigh(e, 1 / np.maximum(variance, eps))


@likelihood_loss(
    aliases=("Tweedie 偏差", "特威迪偏差"),
    formula="2 integral of (y_true - t) / t^power dt, t from y_pred to y_true",
    unit="y^(2 - power)",
    properties=Property.DIFFERENTIABLE,
    claims=(given(Property.CONVEX, power=0), given(Property.CONVEX, power=1), given(Property.SYMMETRIC, power=0)),
    references=("Jørgensen 1987, doi:10.1111/j.2517-6161.1987.tb01685.x",),
    equivalents=(
        same("sklearn", "sklearn.metrics.mean_tweedie_deviance(y_true, y_pred, power=power)", shapes={"y_true": "N"}),
        same("torchmetrics", "torchmetrics.regression.TweedieDevianceScore(power)(y_pred, y_true)"),
    ),
)
def tweedie_deviance(y_true: TweedieTarget, y_pred: TweedieMean, *, power: Power = 0.0) -> Array:
    """Deviance of the Tweedie family: normal (power 0), Poisson (1), gamma (2), inverse Gaussian (3).

    The variance of y is assumed to grow as its mean to this power. 0 is mse; the higher the power, the more relative
    errors count. Powers between 1 and 2 suit amounts with exact zeros, such as insurance claims.

    For power < 0, y_true may be negative; y_true^(2-power) is then taken as 0, as scikit-learn does.
    Use: positive targets whose spread grows with their level.
    Avoid: choosing the power by this value: values of different powers are not comparable.
    Pitfalls: y_pred must be positive unless power=0, and y_true too for power >= 2; the optimum is the mean for any
    power, which only changes the relative weight of rows.
    """
    return 2 * half_deviance(y_true, y_pred, power)


@tweedie_deviance.gradient
def _(y_true: Array, y_pred: Array, *, power: float) -> Array:
    """2 e / y_pred^power"""
    if power == 0:
        return 2 * (y_pred - y_true)
    return 2 * relative_difference(y_true, y_pred) * y_pred ** (1 - power)


@deviance_loss(
    aliases=("泊松偏差",),
    formula="2 (y_true log(y_true / y_pred) - y_true + y_pred)",
    unit="y",
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    equivalents=(
        same("sklearn", "sklearn.metrics.mean_poisson_deviance(y_true, y_pred)", shapes={"y_true": "N"}),
        same(
            "torch",
            "2 * (torch.nn.PoissonNLLLoss(log_input=False)(y_pred, y_true) + (torch.xlogy(y_true, y_true) - "
            "y_true).mean())",
            rtol=1e-5,
        ),
    ),
)
def poisson_deviance(y_true: NonNegativeReal, y_pred: PositiveReal) -> Array:
    """Tweedie deviance of power 1, for counts.

    Twice the excess of poisson_nll over its minimum, so a perfect prediction costs 0.
    Use: reporting count models; about 1 per row if counts are Poisson and not too small.
    Avoid: amounts with a unit: the value depends on the unit.
    Pitfalls: y_pred must be positive, even where the count is 0.
    """
    return 2 * half_deviance(y_true, y_pred, 1.0)


@poisson_deviance.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """2 e / y_pred"""
    return 2 * relative_difference(y_true, y_pred)


@deviance_loss(
    aliases=("伽马偏差", "Gamma 偏差", "伽玛偏差"),
    formula="2 (log(y_pred / y_true) + y_true / y_pred - 1)",
    unit="1",
    properties=Property.DIFFERENTIABLE,
    equivalents=(same("sklearn", "sklearn.metrics.mean_gamma_deviance(y_true, y_pred)", shapes={"y_true": "N"}),),
)
def gamma_deviance(y_true: PositiveReal, y_pred: PositiveReal) -> Array:
    """Tweedie deviance of power 2: ratio errors of positive amounts.

    It does not change if targets and predictions are scaled by the same factor.
    Use: positive, skewed targets such as durations and claim sizes.
    Avoid: targets that may be 0.
    Pitfalls: predicting half of a target costs more than twice the target; it is not convex in the prediction.
    """
    return 2 * half_deviance(y_true, y_pred, 2.0)


@gamma_deviance.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """2 e / y_pred²"""
    return 2 * relative_difference(y_true, y_pred) / y_pred


@likelihood_loss(
    aliases=("gamma_nloglik", "伽马负对数似然"),
    arbitrary_zero=True,
    formula="shape (r - 1 - log r) + log y + (log Gamma(shape) - shape log shape + shape), r = y / y_pred",
    symbols={"y": "y_true", "r": "y / y_pred", "shape": "shape, or k", "Gamma": "the gamma function"},
    unit="nat",
    properties=Property.DIFFERENTIABLE,
    references=("McCullagh & Nelder 1989, Generalized Linear Models, doi:10.1201/9780203753736",),
    equivalents=(
        same("scipy", "-scipy.stats.gamma.logpdf(y_true, a=shape, scale=y_pred / shape)"),
        same("scipy", "-scipy.stats.gamma.logpdf(y_true, a=k, scale=y_pred / k)", condition="k is not None"),
        same("torch", "-torch.distributions.Gamma(shape, shape / y_pred).log_prob(y_true)"),
        same("scoringrules", "scoringrules.logs_gamma(y_true, shape, rate=shape / y_pred)"),
    ),
)
def gamma_nll(y_true: PositiveReal, y_pred: PositiveReal, shape: Shape | None = None, *, k: ShapeOfAll = None) -> Array:
    """Negative log-likelihood of a gamma distribution with mean y_pred, whose variance is the mean² / shape.

    The shape is a number a row, or k for all; 1 is the exponential distribution and XGBoost's gamma-nloglik. The
    gradient is with respect to the mean.
    Use: positive amounts with a constant relative spread, as claim sizes and durations, and a model of that spread.
    Avoid: amounts that may be 0; ranking means alone, which gamma_deviance does for any shape.
    Pitfalls: the value may be negative, since densities exceed 1, and it depends on the unit of y; it is not convex in
    the prediction.
    """
    of = given_one(shape, k)
    return weigh(of, half_deviance(y_true, y_pred, 2.0)) + np.log(y_true) + (log_factorial_excess(of) - np.log(of))


@gamma_nll.gradient
def _(y_true: Array, y_pred: Array, shape: Array | None, *, k: float | None) -> Array:
    """shape (y_pred - y) / y_pred²"""
    return given_one(shape, k) * relative_difference(y_true, y_pred) / y_pred


gamma_nll.takes_one_of("shape", "k")
gamma_nll.orders_like(lambda *, k: None if k is None else ("gamma_deviance", {}))


def log_factorial_excess_loss(n: Array, y: Array) -> Array:
    """Compute by how much log_factorial_excess is larger at n than at n + y, to the digits of y.

    Below STIRLING_START, log (n + y)! - log n! is made of the same at n + STIRLING_START.
    """
    is_far = n >= STIRLING_START
    start = np.where(is_far, n, n + STIRLING_START)
    found = -0.5 * np.log1p(y / start)
    fall = y / (start + y)  # 1 - start / (start + y), and then 1 less the third, fifth ... power of that quotient
    power, twice, fallen = 1 - fall, fall * (2 - fall), fall
    scale, per_step = 1 / start, 1 / np.square(start)
    for coefficient in STIRLING:
        found = found + coefficient * scale * fallen
        fallen = fallen + power * twice
        power, scale = power * np.square(1 - fall), scale * per_step
    if is_far.all():
        return found
    near = np.where(is_far, 1.0, n)
    product = np.zeros_like(found)  # of 1 + y / (near + i), less 1
    for i in range(1, STIRLING_START + 1):
        step = y / (near + i)
        product += step + product * step
    moved = near * np.log1p(y / near) - start * np.log1p(y / start) - y * np.log1p(STIRLING_START / (near + y))
    return np.where(is_far, found, found + np.log1p(product) + moved)


def negative_binomial_half_deviance(y: Array, mean: Array, alpha: Array) -> Array:
    """Integrate (y - t) / (t (1 + alpha t)) dt from the mean to y, for alpha > 0."""
    gap, scale_y, scale_mean = y - mean, 1 + alpha * y, 1 + alpha * mean
    relative = -relative_difference(y, mean) / scale_y  # y scale_mean / (mean scale_y) - 1
    by_scale = alpha * gap / scale_mean  # scale_y / scale_mean - 1
    log_scales = np.where(np.abs(by_scale) < 0.5, np.log1p(by_scale), np.log1p(alpha * y) - np.log1p(alpha * mean))
    is_plain = ((relative > -0.5) | (y == 0) | np.isinf(mean)) & (relative < np.inf)
    logs = np.log1p(relative)
    if not is_plain.all():
        logs = np.where(is_plain, logs, log_ratio(y, mean) - log_scales)
    # a tiny product of alpha would lose digits to division by alpha
    far = weigh(y, logs) - np.where(np.abs(by_scale) < 1e-17, gap / scale_mean, log_scales / alpha)
    is_near = (np.abs(relative) < SERIES_RADIUS) & (np.abs(by_scale) < SERIES_RADIUS)
    u, v = np.where(is_near, relative, 0.0), np.where(is_near, by_scale, 0.0)
    near = u * np.where(is_near, gap, 0.0) / scale_mean - y * x_minus_log1p(u) + x_minus_log1p(v) / alpha
    return np.where(is_near, near, far)


@likelihood_loss(
    aliases=("nb_nll", "negbin_nll", "负二项负对数似然"),
    formula="(y + n) log(1 + y_pred/n) - y log(y_pred/n) + log(Gamma(n) Gamma(y + 1) / Gamma(y + n)), n = 1/dispersion",
    symbols={"y": "y_true", "n": "1/dispersion", "dispersion": "dispersion, or alpha", "Gamma": "the gamma function"},
    unit="nat",
    properties=Property.DIFFERENTIABLE,
    references=(
        "Lawless 1987, doi:10.2307/3314912",
        "Hilbe 2011, Negative Binomial Regression, doi:10.1017/CBO9780511973420",
    ),
    equivalents=(
        same(
            "scipy", "-scipy.stats.nbinom.logpmf(y_true, 1 / dispersion, 1 / (1 + dispersion * y_pred))", data="counts"
        ),
        same(
            "scipy",
            "-scipy.stats.nbinom.logpmf(y_true, 1 / alpha, 1 / (1 + alpha * y_pred))",
            data="counts",
            condition="alpha is not None and alpha > 0",
        ),
        same(
            "torch",
            "-torch.distributions.NegativeBinomial(1 / dispersion, logits=torch.log(dispersion * y_pred))"
            ".log_prob(y_true)",
            data="counts",
        ),
        same(
            "statsmodels",
            "-statsmodels.discrete.discrete_model.NegativeBinomial(y_true, np.ones_like(y_true), "
            "offset=np.log(y_pred)).loglikeobs([0.0, np.log(alpha)])",
            shapes={"y_true": "N"},
            data="counts",
            condition="alpha is not None and alpha > 0",
        ),
    ),
)
def negative_binomial_nll(
    y_true: NonNegativeReal,
    y_pred: NonNegativeReal,
    dispersion: Dispersion | None = None,
    *,
    alpha: DispersionOfAll = None,
) -> Array:
    """Negative log-likelihood of counts whose variance is mean + dispersion mean² (NB2), with mean y_pred.

    The dispersion is a number a row, or alpha for all; 0 is the Poisson distribution: poisson_nll with full. Nothing
    is clipped: a mean of 0 costs 0 for a count of 0 and inf for any other. The gradient is with respect to the mean.
    Use: counts that vary more than Poisson counts do, and a model of how much more.
    Avoid: counts with a known upper bound, and amounts that are no counts.
    Pitfalls: other libraries are given n = 1/dispersion and a probability; it is not convex in the prediction; a count
    need not be a whole number, the value of one that is not is no probability.
    """
    of = given_one(dispersion, alpha)
    is_poisson = of < SMALLEST_DISPERSION
    poisson = half_deviance(y_true, y_pred, 1.0) if is_poisson.any() else np.zeros_like(y_true)
    excess = log_factorial_excess(y_true)
    if is_poisson.all():
        return poisson + excess
    some = np.where(is_poisson, 1.0, of)
    rest = np.log1p(some * y_true) + log_factorial_excess_loss(1 / some, y_true)
    return excess + np.where(is_poisson, poisson, negative_binomial_half_deviance(y_true, y_pred, some) + rest)


@negative_binomial_nll.gradient
def _(y_true: Array, y_pred: Array, dispersion: Array | None, *, alpha: float | None) -> Array:
    """(y_pred - y) / (y_pred (1 + dispersion y_pred))"""
    of = given_one(dispersion, alpha)
    slope = np.where(y_true == 0, 1.0, relative_difference(y_true, y_pred))
    return slope / (1 + weigh(of, y_pred))


negative_binomial_nll.takes_one_of("dispersion", "alpha")
negative_binomial_nll.orders_like(lambda *, alpha: ("poisson_deviance", {}) if alpha == 0 else None)


TWEEDIE_ORDERS: dict[float, Ordering] = {0.0: ("mse", {}), 1.0: ("poisson_deviance", {}), 2.0: ("gamma_deviance", {})}
"""power -> the loss that has the same values."""

tweedie_deviance.orders_like(lambda *, power: TWEEDIE_ORDERS.get(power))
poisson_nll.orders_like(
    lambda *, log_input, **_: ("poisson_nll", {"log_input": True}) if log_input else ("poisson_deviance", {})
)
gaussian_nll.orders_like(lambda *, eps, full: ("gaussian_nll", {"eps": eps}))
