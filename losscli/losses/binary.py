"""Losses of two classes, and of several on/off labels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import (
    EPS,
    Alpha,
    Array,
    Boolean,
    ClassLabel,
    ClassProbabilities,
    Epsilon,
    Label,
    Mask,
    NonNegative,
    PositiveWeight,
    Probability,
    Real,
    SoftLabel,
    UnitInterval,
    expand_per_class,
)
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Ordering, Property, given
from losscli.losses._classes import one_hot
from losscli.losses._numerics import (
    CLIPPED,
    both_probabilities,
    clipped_log,
    clipped_log_complement,
    sigmoid,
    softplus_pair,
    weigh,
)
from losscli.losses._symbols import PROBABILITY


def log_likelihoods(y_pred: Array, from_logits: bool, eps: float) -> tuple[Array, Array]:
    """Compute log p and log(1 - p) from probabilities (clipped) or logits (not clipped)."""
    if from_logits:
        more, less = softplus_pair(y_pred)
        return -less, -more
    return clipped_log(y_pred, eps), clipped_log_complement(y_pred, eps)


def smooth_labels(y_true: Array, label_smoothing: float) -> Array:
    """Move labels towards 1/2."""
    return y_true * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else y_true


def weights_of_positives(pos_weight: Any, y_pred: Array) -> Any:
    """Return the weight of a label of 1: a number, or one per label of a row, along the last axis."""
    if np.ndim(pos_weight) == 0:
        return pos_weight
    return expand_per_class(pos_weight, y_pred.shape[-1] if y_pred.ndim > 1 else 1, "pos_weight", "labels")


def is_clipped(y_true: Array, y_pred: Array, eps: float) -> Mask:
    """Return a mask of elements whose observed label has a probability below eps."""
    if y_pred.min(initial=1.0) >= eps and 1 - y_pred.max(initial=0.0) >= eps:
        return np.zeros(y_pred.shape, dtype=bool)
    return ((y_true > 0) & (y_pred < eps)) | ((y_true < 1) & (1 - y_pred < eps))


binary_loss = partial(loss, family="binary", unit="nat", symbols=PROBABILITY)

PLAIN = {"label_smoothing": 0.0, "pos_weight": 1.0}
"""What bce is without its options."""


@binary_loss(
    aliases=(
        "binary_cross_entropy",
        "binary_crossentropy",
        "log_loss",
        "二元交叉熵",
        "二分类交叉熵",
        "二值交叉熵",
        "对数损失",
    ),
    formula="-(pos_weight y log p + (1-y) log(1-p)); y (1 - label_smoothing) + label_smoothing/2 in place of y",
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    claims=(CLIPPED, given(Property.BOUNDED_GRADIENT, from_logits=True)),
    elicits="mean (the probability)",
    references=("Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",),
    equivalents=(
        same(
            "torch",
            "torch.nn.BCELoss(weight=1 + (pos_weight - 1) * y_true)(y_pred, y_true)",
            unlike("it clamps log p at -100", 100.0, y_true=[1.0], y_pred=[0.0]),
            unlike(
                "for labels between 0 and 1 this weighs both terms", 1.83258, y_true=[0.5], y_pred=[0.8], pos_weight=3.0
            ),
        ),
        same(
            "torch",
            "torch.nn.BCEWithLogitsLoss(pos_weight=torch.as_tensor(pos_weight))(y_pred, y_true)",
            from_logits=True,
        ),
        same(
            "keras",
            "keras.losses.BinaryCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing)(y_true, y_pred)",
            unlike("it clips p to [1e-7, 1 - 1e-7]", 16.1181, y_true=[1.0], y_pred=[0.0]),
        ),
        same(
            "sklearn", "sklearn.metrics.log_loss(y_true, y_pred)", shapes={"y_true": "N"}, data="probabilities of 0 too"
        ),
        same("optax", "optax.losses.sigmoid_binary_cross_entropy(y_pred, y_true)", from_logits=True),
    ),
)
def bce(
    y_true: SoftLabel,
    y_pred: Probability,
    *,
    from_logits: Boolean = False,
    label_smoothing: UnitInterval = 0.0,
    pos_weight: PositiveWeight = 1.0,
    eps: Epsilon = EPS,
) -> Array:
    """Binary cross-entropy: the negative log-likelihood, in nats, of the observed label.

    Probabilities of observed labels are clipped at eps from below. Clipped rows are reported, because eps determines
    their loss. pos_weight is a number, or one per label of a row.
    Use: predicted probabilities of two classes, or of several on/off labels.
    Avoid: frequent label errors; scores that are not probabilities.
    Pitfalls: one confident mistake can outweigh thousands of good predictions; most libraries accept logits as
    probabilities (or the reverse) without an error.
    """
    y = smooth_labels(y_true, label_smoothing)
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    weight = weights_of_positives(pos_weight, y_pred)
    return -(weigh(weight * y, log_p) + weigh(1 - y, log_q)) + 0.0  # + 0.0: a loss of zero has no sign


@bce.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, label_smoothing: float, pos_weight: Any, eps: float) -> Array:
    """(1-y)/(1-p) - pos_weight y/p; from logits (1-y) sigmoid(s) - pos_weight y sigmoid(-s)"""
    y, weight = smooth_labels(y_true, label_smoothing), weights_of_positives(pos_weight, y_pred)
    if from_logits:
        return (1 - y) * sigmoid(y_pred) - weight * y * sigmoid(-y_pred)
    one = np.where(y_pred >= eps, weigh(weight * y, 1 / y_pred), 0.0)
    zero = np.where(1 - y_pred >= eps, weigh(1 - y, 1 / (1 - y_pred)), 0.0)
    return zero - one


@bce.clipped
def _(y_true: Array, y_pred: Array, *, from_logits: bool, label_smoothing: float, eps: float) -> Mask:
    if from_logits:
        return np.zeros(y_pred.shape, dtype=bool)
    return is_clipped(smooth_labels(y_true, label_smoothing), y_pred, eps)


ONE_FACTOR_FOR_BOTH_TERMS = unlike(
    "for soft labels it multiplies both terms by one (1 - p_t)^gamma",
    0.140866,
    y_true=[0.5],
    y_pred=[2.0],
    from_logits=True,
)
"""Where focal losses of other libraries differ from focal."""


@binary_loss(
    aliases=("binary_focal", "sigmoid_focal", "焦点损失", "聚焦损失"),
    formula="-a_t (1-p_t)^gamma log p_t",
    symbols=PROBABILITY | {"a_t": "alpha for label 1, 1 - alpha for label 0; 1 with alpha=none"},
    properties=Property.DIFFERENTIABLE,
    claims=(CLIPPED, given(Property.BOUNDED_GRADIENT, from_logits=True), given(Property.CONVEX, gamma=0)),
    references=("Lin et al. 2017, arXiv:1708.02002",),
    equivalents=(
        same(
            "torch",
            "torchvision.ops.sigmoid_focal_loss(y_pred, y_true, -1 if alpha is None else alpha, gamma, 'mean')",
            ONE_FACTOR_FOR_BOTH_TERMS,
            from_logits=True,
        ),
        same(
            "keras",
            "keras.losses.BinaryFocalCrossentropy(alpha is not None, alpha, gamma, "
            "from_logits=from_logits)(y_true, y_pred)",
            unlike("it clips p to [1e-7, 1 - 1e-7]", 4.02952, y_true=[1.0], y_pred=[0.0]),
        ),
        same(
            "optax",
            "optax.losses.sigmoid_focal_loss(y_pred, y_true, alpha=alpha, gamma=gamma)",
            ONE_FACTOR_FOR_BOTH_TERMS,
            from_logits=True,
        ),
    ),
)
def focal(
    y_true: SoftLabel,
    y_pred: Probability,
    *,
    alpha: Alpha = 0.25,
    gamma: NonNegative = 2.0,
    from_logits: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """Cross-entropy with a reduced weight for easy examples, for rare positives.

    gamma=0 and alpha=none is bce.
    Use: dense detection and other tasks with thousands of easy negatives per positive.
    Avoid: when probabilities must be calibrated: it is not a proper score.
    Pitfalls: alpha is the weight of label 1. The paper's 0.25 reduces the weight of positives, because gamma already
    removes most of the weight of negatives. Libraries differ in whether alpha applies by default.
    """
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    p, q = both_probabilities(y_pred, from_logits)
    positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    one, zero = weigh(q**gamma, log_p), weigh(p**gamma, log_q)
    return -(weigh(positive * y_true, one) + weigh(negative * (1 - y_true), zero)) + 0.0


@focal.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float | None, gamma: float, from_logits: bool, eps: float) -> Array:
    """-a_t (1-p_t)^gamma (1/p_t - gamma log p_t / (1-p_t)) by p_t; from logits that times p_t (1-p_t)"""
    log_p, log_q = log_likelihoods(y_pred, from_logits, eps)
    p, q = both_probabilities(y_pred, from_logits)
    positive, negative = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    one = weigh(positive * y_true, focal_slope(p, q, log_p, gamma, from_logits))
    zero = weigh(negative * (1 - y_true), focal_slope(q, p, log_q, gamma, from_logits))
    if from_logits:
        return zero - one
    return np.where(q >= eps, zero, 0.0) - np.where(p >= eps, one, 0.0)


def focal_slope(p: Array, q: Array, log_p: Array, gamma: float, from_logits: bool) -> Array:
    """Compute the derivative of q^gamma log p by p, or by the logit."""
    if from_logits:
        return q**gamma * (q - gamma * weigh(p, log_p))
    fall = gamma * weigh(q ** (gamma - 1), log_p) if gamma else np.zeros_like(p)
    return np.where(p > 0, q**gamma / p, 0.0) - np.where(log_p == 0, 0.0, fall)


@focal.clipped
def _(y_true: Array, y_pred: Array, *, from_logits: bool, eps: float) -> Mask:
    return np.zeros(y_pred.shape, dtype=bool) if from_logits else is_clipped(y_true, y_pred, eps)


@binary_loss(
    aliases=("多标签软间隔损失",),
    formula="mean over labels of -(y log sigmoid(s) + (1-y) log sigmoid(-s))",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    elicits="log-odds of each label",
    references=("Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",),
    equivalents=(
        same("torch", "torch.nn.MultiLabelSoftMarginLoss()(y_pred, y_true)"),
        same("keras", "keras.losses.BinaryCrossentropy(from_logits=True)(y_true, y_pred)"),
        same(
            "optax", "optax.losses.sigmoid_binary_cross_entropy(y_pred, y_true).mean(axis=-1)", shapes={"y_true": "N,K"}
        ),
    ),
)
def multilabel_soft_margin(y_true: Label, y_pred: Real) -> Array:
    """Binary cross-entropy of logits, averaged over the labels of a row.

    It is bce with from_logits=true under torch's name.
    Use: several on/off labels per row, predicted by logits.
    Avoid: one class out of several (softmax_loss).
    Pitfalls: all labels have the same weight, so rare labels hardly affect the mean.
    """
    more, less = softplus_pair(y_pred)
    return weigh(y_true, less) + weigh(1 - y_true, more)


@multilabel_soft_margin.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """sigmoid(s) - y, over the number of labels"""
    return (1 - y_true) * sigmoid(y_pred) - y_true * sigmoid(-y_pred)


@binary_loss(
    aliases=("brier_score", "布里尔分数", "Brier 分数", "布里尔评分", "Brier 评分"),
    formula="(p - y)²; of class labels and a row of probabilities sum_c (p_c - [c = y])²",
    symbols=PROBABILITY | {"c": "a class"},
    unit="1",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    elicits="mean (the probability)",
    references=("Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",),
    equivalents=(
        same("sklearn", "sklearn.metrics.brier_score_loss(y_true, y_pred)", shapes={"y_true": "N", "y_pred": "N"}),
        same(
            "sklearn",
            "sklearn.metrics.brier_score_loss(y_true, y_pred, labels=range(y_pred.shape[1]), scale_by_half=False)",
            shapes={"y_true": "N", "y_pred": "N,C"},
        ),
        same("torch", "torch.nn.MSELoss()(y_pred, y_true)"),
    ),
)
def brier(y_true: SoftLabel, y_pred: Probability) -> Array:
    """The squared error of a probability.

    For several labels per row, each with its own probability, the loss of a row is their mean. For a class label and a
    row of C probabilities that sum to 1, squared errors are added: 0 to 2.
    Use: calibrated probabilities, when a confident mistake should cost at most 1 (2 in the class form).
    Avoid: rare events: never predicting them is nearly perfect.
    Pitfalls: with two classes the class form is twice the error of one class; scikit-learn halves it by default.
    One-hot rows are read as several labels and averaged.
    """
    return np.square(y_pred - y_true)


@brier.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """2 (p - y)"""
    return 2 * (y_pred - y_true)


@brier.form
def _(y_true: ClassLabel, y_pred: ClassProbabilities) -> Array:
    return np.square(y_pred - one_hot(y_true, y_pred.shape[1])).sum(axis=1)


@brier.gradient
def _(y_true: NDArray[Any], y_pred: Array) -> Array:
    """2 (p_c - [c = y])"""
    return 2 * (y_pred - one_hot(y_true, y_pred.shape[1]))


def order_of_binary_cross_entropy(from_logits: bool, eps: float, **params: Any) -> Ordering:
    """Return what bce of these parameters orders alike: of logits nothing is clipped."""
    return ("bce", {"from_logits": True, **params}) if from_logits else ("bce", {"eps": eps, **params})


bce.orders_like(order_of_binary_cross_entropy)
focal.orders_like(
    lambda *, alpha, gamma, from_logits, eps: (
        order_of_binary_cross_entropy(from_logits, eps, **PLAIN) if gamma == 0 and alpha in (None, 0.5) else None
    )
)
multilabel_soft_margin.orders_like(lambda: order_of_binary_cross_entropy(True, 0.0, **PLAIN))
