"""Likelihoods of times until an event, some of which are censored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import (
    EPS,
    Array,
    Boolean,
    Epsilon,
    Event,
    FinitePositive,
    Hazards,
    LowerTime,
    Mask,
    PositiveNumber,
    Score,
    Time,
    TimeStep,
    UpperTime,
)
from losscli.declaration.domains.parameters import Choice
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._numerics import CLIPPED, log_ratio, sigmoid, softplus, weigh
from losscli.losses.binary import log_likelihoods
from losscli.losses.likelihood import LOG_2PI

SURVIVAL = {
    "t": "time, of the event or of censoring",
    "event": "1 where the event was seen, 0 where the time is censored",
}

survival_loss = partial(loss, family="survival", unit="nat", symbols=SURVIVAL)

# ------------------------------------------------------------------------------------------------- discrete time


def known_intervals(time: NDArray[np.int64], event: Array, steps: int) -> tuple[Mask, Mask]:
    """Return masks (N, M) of the intervals that a row is known to have survived, and of that in which its event was."""
    step, last = np.arange(steps), time[:, None]
    failed = (step == last) & (event[:, None] == 1)
    return (step <= last) & ~failed, failed


@survival_loss(
    aliases=("nnet_survival", "discrete_hazard", "离散时间风险损失"),
    formula="-sum_{j < k} log(1 - h_j) - event log h_k - (1 - event) log(1 - h_k), k = time",
    symbols=SURVIVAL
    | {
        "h": "y_pred, or sigmoid(s)",
        "h_j": "h of interval j: the probability of the event in it for those who are there at its beginning",
        "s": "y_pred, the logits",
        "j": "any interval",
        "k": "time, the interval of the event or of censoring",
    },
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    claims=(CLIPPED, given(Property.BOUNDED_GRADIENT, from_logits=True)),
    elicits="the hazard of each interval",
    references=("Gensheimer & Narasimhan 2019, doi:10.7717/peerj.6257", "Brown 1975, doi:10.2307/2529811"),
    equivalents=(
        same("pycox", "pycox.models.loss.nll_logistic_hazard(y_pred, time, event)", rtol=1e-6, from_logits=True),
    ),
)
def logistic_hazard_nll(
    time: TimeStep, event: Event, y_pred: Hazards, *, from_logits: Boolean = False, eps: Epsilon = EPS
) -> Array:
    """Negative log-likelihood of times on a grid of intervals, from the hazard of each.

    time is the number of the interval, from 0, in which the event was seen or the row was censored. A censored row is
    taken to have survived that interval. Hazards after it do not count. Probabilities of what occurred are clipped at
    eps from below.
    Use: models with one output per interval of time.
    Avoid: times that are not on a grid (aft, cox).
    Pitfalls: values of different grids are not comparable; y_pred are hazards, conditional on being at risk, not
    probabilities of the event in each interval.
    """
    survived, failed = known_intervals(time, event, y_pred.shape[1])
    log_hazard, log_rest = log_likelihoods(y_pred, from_logits, eps)
    return -np.where(failed, log_hazard, np.where(survived, log_rest, 0.0)).sum(axis=1) + 0.0


@logistic_hazard_nll.gradient
def _(time: NDArray[np.int64], event: Array, y_pred: Array, *, from_logits: bool, eps: float) -> Array:
    """1/(1 - h_j) for j < k, -1/h_k for an event, 1/(1 - h_k) if censored, 0 after k; from logits h_j, h_k - 1, h_k"""
    survived, failed = known_intervals(time, event, y_pred.shape[1])
    if from_logits:
        return np.where(failed, -sigmoid(-y_pred), np.where(survived, sigmoid(y_pred), 0.0))
    fall = np.where(y_pred >= eps, -1 / y_pred, 0.0)
    rise = np.where(1 - y_pred >= eps, 1 / (1 - y_pred), 0.0)
    return np.where(failed, fall, np.where(survived, rise, 0.0))


@logistic_hazard_nll.clipped
def _(time: NDArray[np.int64], event: Array, y_pred: Array, *, from_logits: bool, eps: float) -> Mask:
    if from_logits:
        return np.zeros(y_pred.shape, dtype=bool)
    survived, failed = known_intervals(time, event, y_pred.shape[1])
    return (failed & (y_pred < eps)) | (survived & (1 - y_pred < eps))


# ---------------------------------------------------------------------------------------------------- Weibull

WEIBULL = SURVIVAL | {"a": "y_pred, the scale", "b": "shape"}


@survival_loss(
    aliases=("wtte", "weibull_loglik", "威布尔负对数似然"),
    arbitrary_zero=True,
    formula="(t/a)^b - event log((b/a) (t/a)^(b-1))",
    symbols=WEIBULL,
    properties=Property.DIFFERENTIABLE,
    elicits="the scale of a Weibull distribution",
    references=("Martinsson 2016, WTTE-RNN, Chalmers University of Technology, hdl:20.500.12380/253611",),
    equivalents=(
        same(
            "scipy",
            "-np.where(event, scipy.stats.weibull_min.logpdf(time, shape, scale=y_pred), "
            "scipy.stats.weibull_min.logsf(time, shape, scale=y_pred))",
        ),
    ),
)
def weibull_nll(time: Time, event: Event, y_pred: PositiveNumber, shape: PositiveNumber) -> Array:
    """Negative log-likelihood of times under a Weibull distribution with a scale and a shape for each row.

    It is aft:distribution=extreme with scale = 1 / shape and the logarithm of the scale as location. The gradient is
    with respect to the scale.
    Use: predictions of a scale and a shape; hazards that rise (shape > 1) or fall (shape < 1) with time.
    Avoid: hazards that first rise, then fall (aft with another distribution).
    Pitfalls: the loss may be negative, because densities exceed 1; its value depends on the unit of time.
    """
    log_power = shape * log_ratio(time, y_pred)
    seen = np.log(shape) - np.log(time) + log_power
    return np.exp(log_power) - np.where(event == 1, seen, 0.0)


@weibull_nll.gradient
def _(time: Array, event: Array, y_pred: Array, shape: Array) -> Array:
    """(b/a) (event - (t/a)^b)"""
    log_power = shape * log_ratio(time, y_pred)
    return -(shape / y_pred) * np.where(event == 1, np.expm1(log_power), np.exp(log_power))


# ------------------------------------------------------------------------------------- accelerated failure times

ValueAndSlope = tuple[Array, Array]
"""Minus a logarithm of a density or probability, and the mean of the slope of -log density where z can be."""


class LogTimeDistribution(NamedTuple):
    """A distribution of z: `density` of z, `between` of the bounds a < b of z and of b - a, which is exact."""

    density: Callable[[Array], ValueAndSlope]
    between: Callable[[Array, Array, Array], ValueAndSlope]


NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(16)

MAX_NARROW = 2.0
"""An integral over nodes has all digits where width, and width times |z|, are no larger."""


def log1m_exp(x: Array) -> Array:
    """Compute log(1 - e^-x) for x > 0."""
    return np.where(x > 0.7, np.log1p(-np.exp(-x)), np.log(-np.expm1(-x)))


def normal_density(z: Array) -> ValueAndSlope:
    """Compute z²/2 + log(2 pi)/2, and z."""
    return 0.5 * np.square(z) + 0.5 * LOG_2PI, z


def normal_between(a: Array, b: Array, width: Array) -> ValueAndSlope:
    """Integrate over nodes where the interval is narrow, where a difference of probabilities would cancel."""
    middle = np.where(np.isfinite(a) & np.isfinite(b), a + 0.5 * width, np.nan)
    is_narrow = width * np.maximum(1.0, np.abs(middle)) <= MAX_NARROW
    value, slope = normal_between_far(a, b, width)
    if is_narrow.any():
        value[is_narrow], slope[is_narrow] = normal_between_near(middle[is_narrow], width[is_narrow])
    return value, slope


def normal_between_near(middle: Array, width: Array) -> ValueAndSlope:
    """Integrate the density about its value in the middle."""
    step = 0.5 * width[:, None] * NODES
    relative = np.exp(-step * (middle[:, None] + 0.5 * step)) * (0.5 * NODE_WEIGHTS)
    total = relative.sum(axis=1)
    slope = middle + (relative * step).sum(axis=1) / total
    return normal_density(middle)[0] - np.log(width) - np.log(total), slope


def normal_between_far(a: Array, b: Array, width: Array) -> ValueAndSlope:
    """Compute it in the left tail, where probabilities have all digits."""
    from scipy.special import erfcx, log_ndtr

    is_right = a + b > 0
    a, b = np.where(is_right, -b, a), np.where(is_right, -a, b)
    log_b = log_ndtr(b)
    # the second is a lower bound, and the limit far out, where a and b are rounded to the same number
    gap = np.fmax(log_b - log_ndtr(a), -width * (b - 0.5 * width))
    value = -(log_b + log1m_exp(gap))
    at_a, at_b = (np.sqrt(2 / np.pi) / erfcx(-x * np.sqrt(0.5)) for x in (a, b))  # density / probability below
    slope = (weigh(np.exp(-gap), at_a) - at_b) / -np.expm1(-gap)
    return value, np.where(is_right, -slope, slope)


def logistic_density(z: Array) -> ValueAndSlope:
    """Compute |z| + 2 log(1 + exp -|z|), and tanh(z/2)."""
    return np.abs(z) + 2 * np.log1p(np.exp(-np.abs(z))), np.tanh(0.5 * z)


def logistic_between(a: Array, b: Array, width: Array) -> ValueAndSlope:
    """Compute -log of F(b) (1 - F(a)) (1 - e^-width), which is F(b) - F(a)."""
    return softplus(-b) + softplus(a) - log1m_exp(width), sigmoid(a) - sigmoid(-b)


def extreme_density(z: Array) -> ValueAndSlope:
    """Compute e^z - z, and e^z - 1."""
    power = np.exp(z)
    return np.where(np.isinf(power), power, power - z), np.expm1(z)


def extreme_between(a: Array, b: Array, width: Array) -> ValueAndSlope:
    """Compute e^a - log(1 - e^-gap), where gap = e^b - e^a."""
    log_gap = b + log1m_exp(width)
    gap = np.exp(log_gap)
    small = np.minimum(gap, 1.0)
    of_small = np.where(small > 0, np.log(-np.expm1(-small) / small), 0.0)
    rest = np.where(gap > 1, -log1m_exp(gap), -log_gap - of_small)
    share = np.where(gap > 0, np.where(np.isinf(gap), 0.0, gap / np.expm1(gap)), 1.0)
    return np.exp(a) + rest, np.exp(a) - share


LOG_TIME_DISTRIBUTIONS = {
    "normal": LogTimeDistribution(normal_density, normal_between),
    "logistic": LogTimeDistribution(logistic_density, logistic_between),
    "extreme": LogTimeDistribution(extreme_density, extreme_between),
}

DistributionName = Annotated[Literal["normal", "logistic", "extreme"], Choice(tuple(LOG_TIME_DISTRIBUTIONS))]


def aft_value_and_slope(lower: Array, upper: Array, location: Array, distribution: str, scale: float) -> ValueAndSlope:
    """Compute the loss of each row, and its derivative by the location."""
    of_z = LOG_TIME_DISTRIBUTIONS[distribution]
    value, slope = np.empty(len(lower)), np.empty(len(lower))
    is_exact = lower == upper
    time, at = lower[is_exact], location[is_exact]
    value[is_exact], slope[is_exact] = of_z.density((np.log(time) - at) / scale)
    value[is_exact] += np.log(scale) + np.log(time)
    low, high, at = lower[~is_exact], upper[~is_exact], location[~is_exact]
    a = np.where(low == 0, -np.inf, (np.log(low) - at) / scale)
    b = np.where(np.isinf(high), np.inf, (np.log(high) - at) / scale)
    value[~is_exact], slope[~is_exact] = of_z.between(a, b, log_ratio(high, low) / scale)
    return value + 0.0, -slope / scale


@survival_loss(
    aliases=("survival_aft", "aft_nloglik", "加速失效时间损失"),
    arbitrary_zero=True,
    formula="-log(f(z) / (scale t)) where the time t is known, else -log(F(z_upper) - F(z_lower)), "
    "z = (log t - y_pred) / scale",
    symbols=SURVIVAL
    | {
        "z": "(log t - y_pred) / scale",
        "z_lower": "z of lower, -inf for 0",
        "z_upper": "z of upper, inf for inf",
        "f": "the density of the distribution, normal, logistic or extreme",
        "F": "its distribution function; 1 - exp(-exp z) of extreme",
        "'": "the derivative",
    },
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    claims=(given(Property.BOUNDED_GRADIENT, distribution="logistic"),),
    elicits="the location of log t",
    references=("Wei 1992, doi:10.1002/sim.4780111409", "Barnwal, Cho & Hocking 2022, arXiv:2006.04920"),
    equivalents=(
        same(
            "scipy",
            "-np.where(event, scipy.stats.norm.logpdf(np.log(time), y_pred, scale) - np.log(time), "
            "scipy.stats.norm.logsf(np.log(time), y_pred, scale))",
            distribution="normal",
        ),
        same(
            "scipy",
            "-np.where(event, scipy.stats.logistic.logpdf(np.log(time), y_pred, scale) - np.log(time), "
            "scipy.stats.logistic.logsf(np.log(time), y_pred, scale))",
            distribution="logistic",
        ),
        same(
            "scipy",
            "-np.where(event, scipy.stats.gumbel_l.logpdf(np.log(time), y_pred, scale) - np.log(time), "
            "scipy.stats.gumbel_l.logsf(np.log(time), y_pred, scale))",
            distribution="extreme",
        ),
        ("others", "XGBoost: survival:aft, eval_metric='aft-nloglik', in float32; it raises probabilities to 1e-12"),
    ),
)
def aft(
    time: Time, event: Event, y_pred: Score, *, distribution: DistributionName = "normal", scale: FinitePositive = 1.0
) -> Array:
    """Accelerated failure time: the negative log-likelihood of the logarithm of a time, which may be censored.

    y_pred is the location of log t. Rows have a time and an event, or bounds: lower = upper for an event at that time,
    upper = inf for one that was not seen until lower, lower = 0 for one that was before upper. A row of which nothing
    is known, from 0 to inf, costs 0.
    Use: predicted times with censored rows, also those that are known within an interval.
    Avoid: when only the order of risks matters (cox).
    Pitfalls: y_pred is a logarithm, not a time; scale is no result but a setting, and values of different scales are
    comparable only because all terms are kept; the value depends on the unit of time.
    """
    upper = np.where(event == 1, time, np.inf)
    return aft_value_and_slope(time, upper, y_pred, distribution, scale)[0]


@aft.gradient
def _(time: Array, event: Array, y_pred: Array, *, distribution: str, scale: float) -> Array:
    """f'(z) / (scale f(z)) for an event, -f(z) / (scale (1 - F(z))) if censored"""
    upper = np.where(event == 1, time, np.inf)
    return aft_value_and_slope(time, upper, y_pred, distribution, scale)[1]


@aft.form
def _(
    lower: LowerTime, upper: UpperTime, y_pred: Score, *, distribution: DistributionName, scale: FinitePositive
) -> Array:
    return aft_value_and_slope(lower, upper, y_pred, distribution, scale)[0]


@aft.gradient
def _(lower: Array, upper: Array, y_pred: Array, *, distribution: str, scale: float) -> Array:
    """(f(z_upper) - f(z_lower)) / (scale (F(z_upper) - F(z_lower))); f'(z) / (scale f(z)) where lower = upper"""
    return aft_value_and_slope(lower, upper, y_pred, distribution, scale)[1]


@aft.validate
def _(lower: Array, upper: Array, y_pred: Array) -> Iterator[Refusal]:
    """Check that the bounds are in order."""
    yield Refusal("upper", upper < lower, "is below lower")
