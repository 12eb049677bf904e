"""Losses of object detectors: scores that are to reach the quality of a box, and offsets of its sides."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import (
    EPS,
    Array,
    BinPosition,
    BinPositionRow,
    Boolean,
    ClassProbabilities,
    DistributionRow,
    Epsilon,
    FiniteNonNegative,
    FinitePositive,
    Mask,
    Probability,
    Quality,
    Real,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.losses._classes import backprop_normalize, log_of_shares, log_softmax, softmax_minus
from losscli.losses._numerics import (
    CLIPPED,
    SERIES_RADIUS,
    both_probabilities,
    clipped_log,
    expm1_minus_x,
    residual,
    softplus_pair,
    weigh,
    where_compute,
)
from losscli.losses._symbols import PROBABILITY, RESIDUAL
from losscli.losses.binary import focal_slope, is_clipped, log_likelihoods
from losscli.losses.multiclass import CROSS_ENTROPY_CLAIMS, normalize_rows

SCORES = PROBABILITY | {"y": "y_true, the quality of the box, 0 for the background"}
BINS = {
    "y": "y_true",
    "p": "y_pred, or softmax(s)",
    "s": "y_pred, the logits",
    "i": "the bin below y_true, so that i <= y <= i + 1",
    "j": "any bin",
    "t": "the shares of the two bins: t_i = i + 1 - y, the one above y - i, others 0",
}

detection_loss = partial(loss, family="detection", unit="nat", symbols=SCORES)


def excess(y_true: Array, y_pred: Array, from_logits: bool) -> Array:
    """Compute p - y; near a logit of 0 from p - 1/2, so that it keeps its digits where y is 1/2."""
    if not from_logits:
        return y_pred - y_true
    p, q = both_probabilities(y_pred, from_logits)
    return np.where(np.abs(y_pred) < 1, np.tanh(y_pred / 2) / 2 + (0.5 - y_true), (1 - y_true) * p - y_true * q)


@detection_loss(
    aliases=("qfl", "质量焦点损失"),
    formula="|y-p|^beta (-(1-y) log(1-p) - y log p)",
    properties=Property.NONE,
    claims=(
        Claim(
            Property.BOUNDED_VALUE,
            "from_logits=false and eps > 0",
            lambda *, from_logits, eps, **_: not from_logits and eps > 0,
        ),
        Claim(
            Property.BOUNDED_GRADIENT,
            "beta=0 or beta >= 1, and from_logits=true or eps > 0",
            lambda *, beta, from_logits, eps: (beta == 0 or beta >= 1) and (from_logits or eps > 0),
        ),
        given(Property.CONVEX, beta=0),
        Claim(Property.DIFFERENTIABLE, "beta=0 or beta > 1", lambda *, beta, **_: beta == 0 or beta > 1),
    ),
    references=("Li et al. 2020 (generalized focal loss), arXiv:2006.04388",),
    equivalents=(
        same(
            "mmdet",
            "mmdet.models.losses.gfocal_loss.quality_focal_loss_tensor_target(y_pred, y_true, beta=beta) "
            "/ y_pred.shape[1]",
            shapes={"y_true": "N,K"},
            from_logits=True,
        ),
        same(
            "torch",
            "torch.abs(y_true - y_pred) ** beta * "
            "torch.nn.functional.binary_cross_entropy(y_pred, y_true, reduction='none')",
        ),
    ),
)
def quality_focal(
    y_true: Quality,
    y_pred: Probability,
    *,
    beta: FiniteNonNegative = 2.0,
    from_logits: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """Focal loss of a score that is to reach the quality of a box, such as its IoU.

    y_true is 0 for the background and for other classes. beta=0 is bce. A probability is clipped at eps only where it
    has an effect: a score that is right costs 0.
    Use: one score for class and localisation of a detected box.
    Avoid: labels of 0 and 1 alone (focal); when probabilities must be calibrated.
    Pitfalls: classes of a row are averaged here and added up in detectors.
    """
    distance = np.abs(excess(y_true, y_pred, from_logits)) ** beta
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    entropy = -(weigh(y_true, log_p) + weigh(1 - y_true, log_q))
    return np.where(np.isinf(entropy), entropy, weigh(distance, entropy)) + 0.0  # the distance is not 0 there


@quality_focal.gradient
def _(y_true: Array, y_pred: Array, *, beta: float, from_logits: bool, eps: float) -> Array:
    """beta |p-y|^(beta-1) sign(p-y) (-(1-y) log(1-p) - y log p) + |p-y|^beta ((1-y)/(1-p) - y/p); from logits that
    times p (1-p)"""
    apart = excess(y_true, y_pred, from_logits)
    factor = np.abs(apart) ** beta
    rise = np.where(apart == 0, 0.0, beta * np.sign(apart) * np.abs(apart) ** (beta - 1))
    p, q = both_probabilities(y_pred, from_logits)
    if from_logits:
        minus_log_q, minus_log_p = softplus_pair(y_pred)
        inner = rise * p * q
        zero, one = weigh(inner, minus_log_q) + factor * p, weigh(inner, minus_log_p) - factor * q
        return (1 - y_true) * zero + y_true * one
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    zero = np.where(q >= eps, weigh(1 - y_true, factor / q - weigh(rise, log_q)), 0.0)
    one = np.where(p >= eps, weigh(y_true, -factor / p - weigh(rise, log_p)), 0.0)
    return zero + one


@quality_focal.clipped
def clipped_quality(y_true: Array, y_pred: Array, *, from_logits: bool, eps: float) -> Mask:
    """Return a mask of scores whose logarithm counts and was clipped."""
    return np.zeros(y_pred.shape, dtype=bool) if from_logits else is_clipped(y_true, y_pred, eps)


@detection_loss(
    aliases=("vfl", "变焦点损失"),
    formula="y (-y log p - (1-y) log(1-p)) where y > 0, else -alpha p^gamma log(1-p)",
    properties=Property.DIFFERENTIABLE,
    claims=(CLIPPED, given(Property.BOUNDED_GRADIENT, from_logits=True), given(Property.CONVEX, from_logits=False)),
    references=("Zhang et al. 2021 (VarifocalNet), arXiv:2008.13367",),
    equivalents=(
        same("mmdet", "mmdet.models.losses.VarifocalLoss(alpha=alpha, gamma=gamma)(y_pred, y_true)", from_logits=True),
    ),
)
def varifocal(
    y_true: Quality,
    y_pred: Probability,
    *,
    alpha: FiniteNonNegative = 0.75,
    gamma: FiniteNonNegative = 2.0,
    from_logits: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """Cross-entropy with the quality of a box, weighted by it; background costs less where the score is low.

    y_true is 0 for the background and for other classes. A probability is clipped at eps only where it has an effect.
    Use: one score for class and localisation of a detected box, when good boxes should count most.
    Avoid: labels of 0 and 1 alone (focal).
    Pitfalls: the best value is not 0 where a quality is between 0 and 1: a quality of 1/2 costs at least log(2)/2.
    """
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    p, _ = both_probabilities(y_pred, from_logits)
    known = y_true * (weigh(y_true, log_p) + weigh(1 - y_true, log_q))
    return -np.where(y_true > 0, known, weigh(alpha * p**gamma, log_q)) + 0.0


@varifocal.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, gamma: float, from_logits: bool, eps: float) -> Array:
    """y ((1-y)/(1-p) - y/p) where y > 0, else alpha p^gamma (1/(1-p) - gamma log(1-p) / p); from logits that times
    p (1-p)"""
    log_q = log_likelihoods(y_pred, from_logits, eps)[1]
    p, q = both_probabilities(y_pred, from_logits)
    zero = alpha * focal_slope(q, p, log_q, gamma, from_logits)
    if from_logits:
        return np.where(y_true > 0, y_true * excess(y_true, y_pred, from_logits), zero)
    one = np.where(p >= eps, weigh(y_true, 1 / p), 0.0)
    other = np.where(q >= eps, weigh(1 - y_true, 1 / q), 0.0)
    known = np.where((p >= eps) & (q >= eps), (p - y_true) / (p * q), other - one)  # near y the two would cancel
    return np.where(y_true > 0, y_true * known, np.where(q >= eps, zero, 0.0))


varifocal.clipped(clipped_quality)


def neighbours(y_true: Array, classes: int) -> tuple[NDArray[np.intp], Array]:
    """Return the bins below and above each position, and their shares, both (n, 2)."""
    below = np.minimum(np.floor(y_true), classes - 2)
    return np.stack([below, below + 1], axis=1).astype(np.intp), np.stack([below + 1 - y_true, y_true - below], axis=1)


def rows_of_bins(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return positions (n,) and the rows of bins (n, C) that they are in."""
    return y_true.ravel(), y_pred.reshape(-1, y_pred.shape[-1])


@detection_loss(
    aliases=("dfl", "分布焦点损失"),
    formula="-((i+1-y) log p_i + (y-i) log p_(i+1))",
    symbols=BINS,
    properties=Property.DIFFERENTIABLE,
    claims=CROSS_ENTROPY_CLAIMS,
    references=("Li et al. 2020 (generalized focal loss), arXiv:2006.04388",),
    equivalents=(
        same(
            "mmdet",
            "mmdet.models.losses.DistributionFocalLoss()(y_pred, y_true)",
            shapes={"y_true": "N"},
            from_logits=True,
        ),
    ),
)
def distribution_focal(
    y_true: BinPosition,
    y_pred: ClassProbabilities,
    *,
    from_logits: Boolean = False,
    normalize: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """Cross-entropy with the two whole numbers next to a position, by how near they are.

    y_pred is a distribution over the whole numbers 0..C-1; a whole y_true asks for its own bin alone. Of several
    positions in a row, such as the four sides of a box, the loss is the mean.
    Use: offsets of boxes that are predicted as distributions.
    Avoid: classes without an order (cross_entropy); when the mean of the distribution is all that counts (mse).
    Pitfalls: between two whole numbers the best value is above 0, up to log 2 half-way; positions are in units of
    bins, so offsets must be divided by the stride first.
    """
    position, rows = rows_of_bins(y_true, y_pred)
    bins, shares = neighbours(position, rows.shape[1])
    if from_logits:
        logs = np.take_along_axis(log_softmax(rows), bins, axis=1)
    else:
        logs = np.take_along_axis(log_of_shares(rows, eps) if normalize else clipped_log(rows, eps), bins, axis=1)
    return (-weigh(shares, logs).sum(axis=1) + 0.0).reshape(y_true.shape)


@distribution_focal.gradient
def distribution_focal_slope(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool, eps: float) -> Array:
    """-t_j / p_j; from logits softmax(s)_j - t_j"""
    position, rows = rows_of_bins(y_true, y_pred)
    bins, shares = neighbours(position, rows.shape[1])
    slope = np.zeros_like(rows)
    if from_logits:
        np.put_along_axis(slope, bins, shares, axis=1)
        return softmax_minus(np.exp(log_softmax(rows)), slope).reshape(y_pred.shape)
    p = normalize_rows(rows, normalize)
    own = np.take_along_axis(p, bins, axis=1)
    np.put_along_axis(slope, bins, np.where(own >= eps, -weigh(shares, 1 / own), 0.0) + 0.0, axis=1)
    slope = backprop_normalize(slope, p, rows.sum(axis=1, keepdims=True)) if normalize else slope
    return slope.reshape(y_pred.shape)


@distribution_focal.clipped
def clipped_bins(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool, eps: float) -> Mask:
    """Return a mask of positions next to a bin that counts and whose probability was clipped."""
    if from_logits:
        return np.zeros(len(y_true), dtype=bool)
    position, rows = rows_of_bins(y_true, y_pred)
    bins, shares = neighbours(position, rows.shape[1])
    own = np.take_along_axis(normalize_rows(rows, normalize), bins, axis=1)
    return ((shares > 0) & (own < eps)).reshape(len(y_true), -1)


@distribution_focal.form
def _(
    y_true: BinPositionRow, y_pred: DistributionRow, *, from_logits: Boolean, normalize: Boolean, eps: Epsilon
) -> Array:
    position = distribution_focal.forms[0].kernel
    return np.asarray(position(y_true, y_pred, from_logits=from_logits, normalize=normalize, eps=eps))


distribution_focal.gradient(distribution_focal_slope)
distribution_focal.clipped(clipped_bins)


def steepness(alpha: float, gamma: float) -> float:
    """Compute b = exp(gamma/alpha) - 1, which may be infinite."""
    return float(np.expm1(gamma / alpha))


def near_balanced(x: Array, alpha: float, b: float) -> Array:
    """Compute alpha/b ((b x + 1) log(b x + 1) - b x), without cancellation for small b x."""

    def series(x: Array) -> Array:
        total = np.zeros_like(x)
        for n in range(13, 0, -1):
            total = 1 / (n * (n + 1)) - b * x * total
        return alpha * b * x * x * total

    return where_compute(alpha * ((x + 1 / b) * np.log1p(b * x) - x), b * x < SERIES_RADIUS, series, x)


@loss(
    family="regression",
    aliases=("libra_l1", "平衡 L1 损失"),
    formula="alpha/b (b|e| + 1) log(b|e| + 1) - alpha |e| where |e| < 1, else gamma |e| + gamma/b - alpha",
    symbols=RESIDUAL | {"b": "exp(gamma/alpha) - 1"},
    properties=Property.CONVEX
    | Property.DIFFERENTIABLE
    | Property.BOUNDED_GRADIENT
    | Property.SYMMETRIC
    | Property.TRANSLATION_INVARIANT,
    elicits="a functional between the median and the mean",
    references=("Pang et al. 2019 (Libra R-CNN), arXiv:1904.02701",),
    equivalents=(same("mmdet", "mmdet.models.losses.BalancedL1Loss(alpha=alpha, gamma=gamma)(y_pred, y_true)"),),
)
def balanced_l1(y_true: Real, y_pred: Real, *, alpha: FinitePositive = 0.5, gamma: FinitePositive = 1.5) -> Array:
    """Huber-like, with a slope that rises faster for small errors: gamma from an error of 1 on.

    The slope is alpha log(b|e| + 1), which is gamma at 1. The smaller alpha, the more small errors count.
    Use: offsets of boxes, when inliers should pull more than in smooth_l1.
    Avoid: errors that are all far above 1, where it is gamma times the absolute error.
    Pitfalls: it is not scale-free: 1 is the error from which on the slope is constant.
    """
    x, ratio, b = np.abs(residual(y_true, y_pred)), gamma / alpha, steepness(alpha, gamma)
    inner = np.minimum(x, 1.0)
    if math.isinf(b):  # log(b x + 1) is ratio + log x
        near, offset = inner * (gamma - alpha) + alpha * weigh(inner, np.log(inner)), -alpha
    else:
        near, offset = near_balanced(inner, alpha, b), -alpha * float(expm1_minus_x(np.array([ratio]))[0]) / b
    return np.where(x < 1, near, gamma * x + offset)


@balanced_l1.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, gamma: float) -> Array:
    """sign(e) alpha log(b|e| + 1) where |e| < 1, else gamma sign(e)"""
    e, b = residual(y_true, y_pred), steepness(alpha, gamma)
    x = np.minimum(np.abs(e), 1.0)
    rise = np.maximum(gamma + alpha * np.log(x), 0.0) if math.isinf(b) else alpha * np.log1p(b * x)
    return np.sign(e) * np.where(x < 1, rise, gamma)
