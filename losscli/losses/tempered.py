"""Tempered cross-entropies: losses of the probability of the target class only.

Each is a function f of log p with slope df/dp. For soft targets the class terms are weighted by t_c and summed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np

from losscli.declaration.domains import (
    EPS,
    Array,
    Boolean,
    ClassProbabilities,
    ClassTarget,
    Epsilon,
    ExtendedReal,
    Interval,
    Mask,
    NonNegative,
    Number,
    OrNone,
    PerClass,
    expand_per_class,
)
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._classes import (
    Targets,
    backprop_softmax,
    log_softmax,
    one_hot,
    order_of_cross_entropy,
    sum_over_targets,
)
from losscli.losses._numerics import CLIPPED, weigh
from losscli.losses._symbols import CLASSES

Term = Callable[[Array], Array]
BelowZero = Annotated[float, Number(Interval(high=0, high_open=True))]
Exponent = Annotated[float, Number(Interval(0, 1, low_open=True))]
ClassAlpha = Annotated[float | tuple[float, ...] | None, OrNone(PerClass(Number(Interval(0)), single=True))]


def log_probabilities(y_pred: Array, from_logits: bool) -> Array:
    """Compute log p without clipping."""
    return log_softmax(y_pred) if from_logits else np.log(y_pred)


def slope_by_prediction(y_true: Targets, y_pred: Array, from_logits: bool, slope: Term, eps: float = EPS) -> Array:
    """Compute d/d y_pred of sum_c t_c f from df/dp (probabilities) or p df/dp (logits), functions of log p.

    Elements clipped at eps have no slope.
    """
    weighted = weigh(one_hot(y_true, y_pred.shape[1]), slope(log_probabilities(y_pred, from_logits)))
    if from_logits:
        return backprop_softmax(weighted, np.exp(log_softmax(y_pred)))
    return np.where(y_pred >= eps, weighted, 0.0)


def clipped_cross_entropy(log_p: Array, from_logits: bool, eps: float = EPS) -> Array:
    """Compute -log p, clipped at eps unless from logits."""
    return -(log_p if from_logits else np.maximum(log_p, np.log(eps))) + 0.0


def clipped_cross_entropy_slope(log_p: Array, from_logits: bool) -> Array:
    """Compute d(-log p)/dp; from logits multiplied by p."""
    return -np.ones_like(log_p) if from_logits else -np.exp(-log_p)


def is_target_clipped(y_true: Targets, y_pred: Array, from_logits: bool, eps: float = EPS) -> Mask:
    """Return a mask of target classes whose probability was clipped."""
    if from_logits:
        return np.zeros(y_pred.shape, dtype=bool)
    return (one_hot(y_true, y_pred.shape[1]) > 0) & (y_pred < eps)


def logit_factor(log_p: Array, from_logits: bool) -> Array:
    """Return the factor of d/dp: p from logits, else 1."""
    return np.exp(log_p) if from_logits else np.ones_like(log_p)


TEMPERED_CLAIMS = given(Property.CONVEX, from_logits=False), given(Property.BOUNDED_GRADIENT, from_logits=True)
"""Logarithm, power and line are convex in the probability; the slope by a logit has the probability as a factor."""

tempered_loss = partial(
    loss,
    family="multiclass",
    unit="nat",
    properties=Property.DIFFERENTIABLE,
    claims=TEMPERED_CLAIMS,
    symbols=CLASSES | {"CE": "the cross-entropy, -log p_t"},
)


@tempered_loss(
    aliases=("softmax_focal", "多分类焦点损失", "多类焦点损失"),
    formula="-alpha (1-p_t)^gamma log p_t",
    claims=(CLIPPED, given(Property.BOUNDED_GRADIENT, from_logits=True), given(Property.CONVEX, gamma=0)),
    references=("Lin et al. 2017, arXiv:1708.02002",),
    equivalents=(
        same(
            "keras",
            "keras.losses.CategoricalFocalCrossentropy(1.0 if alpha is None else alpha, gamma, "
            "from_logits=from_logits)(y_true, y_pred)",
            unlike("it clips p to [1e-7, 1 - 1e-7]", 4.02952, y_true=[[1, 0]], y_pred=[[0, 1]]),
            shapes={"y_true": "N,C"},
        ),
    ),
)
def categorical_focal(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    *,
    alpha: ClassAlpha = 0.25,
    gamma: NonNegative = 2.0,
    from_logits: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """Cross-entropy of several classes with a reduced weight for easy examples.

    alpha is a number, a list with one number per class, or none.
    Use: many classes, when some are nearly always right.
    Avoid: when probabilities must be calibrated: it is not a proper score.
    Pitfalls: a single alpha only scales the value; the binary focal weights labels by alpha and 1 - alpha.
    """
    weights = expand_per_class(alpha, y_pred.shape[1], "alpha")
    log_p = log_probabilities(y_pred, from_logits)
    terms = weigh((-np.expm1(log_p)) ** gamma, clipped_cross_entropy(log_p, from_logits, eps))
    return weigh(one_hot(y_true, y_pred.shape[1]) * weights, terms).sum(axis=1)


@categorical_focal.gradient
def _(y_true: Targets, y_pred: Array, *, alpha: Any, gamma: float, from_logits: bool, eps: float) -> Array:
    """f = alpha (1-p_t)^(gamma-1) (gamma log p_t - (1-p_t)/p_t) by p_t; from logits p_t f ([c = t] - softmax(s)_c)"""
    weights = expand_per_class(alpha, y_pred.shape[1], "alpha")

    def slope(log_p: Array) -> Array:
        rest = -np.expm1(log_p)
        weight = rest ** (gamma - 1) * logit_factor(log_p, from_logits)
        rise = rest**gamma * clipped_cross_entropy_slope(log_p, from_logits)
        if gamma == 0:
            return weights * (0.0 + rise)
        fall = gamma * weigh(weight, -clipped_cross_entropy(log_p, from_logits, eps))
        return weights * (np.where(rest == 0, 0.0, fall) + rise)

    return slope_by_prediction(y_true, y_pred, from_logits, slope, eps)


@categorical_focal.clipped
def _(y_true: Targets, y_pred: Array, *, from_logits: bool, eps: float) -> Mask:
    return is_target_clipped(y_true, y_pred, from_logits, eps)


@tempered_loss(
    aliases=("gce", "广义交叉熵", "泛化交叉熵"),
    formula="(1 - p_t^q) / q",
    unit="1",
    properties=Property.DIFFERENTIABLE | Property.BOUNDED_VALUE,
    claims=(*TEMPERED_CLAIMS, given(Property.BOUNDED_GRADIENT, q=1)),
    elicits="the class probabilities to the power 1/(1-q), normalised; for q=1 the most likely class",
    references=("Zhang & Sabuncu 2018, arXiv:1805.07836",),
    equivalents=(
        same(
            "keras",
            "keras.losses.CategoricalGeneralizedCrossEntropy(q)(y_true, y_pred)",
            shapes={"y_true": "N"},
            condition="q < 1",
        ),
    ),
)
def generalized_cross_entropy(
    y_true: ClassTarget, y_pred: ClassProbabilities, *, q: Exponent = 0.7, from_logits: Boolean = False
) -> Array:
    """Between cross-entropy (q to 0) and the mean absolute error (q = 1): bounded by 1/q.

    Use: partly wrong labels.
    Avoid: clean labels: training is slower.
    Pitfalls: values of different q are not comparable.
    """
    log_p = log_probabilities(y_pred, from_logits)
    return sum_over_targets(y_true, log_p, lambda log_p: -np.expm1(q * log_p) / q + 0.0)


@generalized_cross_entropy.gradient
def _(y_true: Targets, y_pred: Array, *, q: float, from_logits: bool) -> Array:
    """-p_t^(q-1) by p_t; from logits p_t^q (softmax(s) - t)"""
    power = np.asarray(q if from_logits else q - 1)
    return slope_by_prediction(y_true, y_pred, from_logits, lambda log_p: -np.exp(weigh(power, log_p)), eps=0.0)


@tempered_loss(
    aliases=("sce", "对称交叉熵"),
    formula="alpha CE + beta RCE, RCE = -log_zero (1 - p_t)",
    properties=Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    claims=(given(Property.BOUNDED_VALUE | Property.CONVEX, from_logits=False),),
    references=("Wang et al. 2019, arXiv:1908.06112",),
    equivalents=(("paper", "log 0 is A = -4 there; its code clips labels to [1e-4, 1], which is A = -9.2"),),
)
def symmetric_cross_entropy(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    *,
    alpha: NonNegative = 0.1,
    beta: NonNegative = 1.0,
    log_zero: BelowZero = -4.0,
    from_logits: Boolean = False,
) -> Array:
    """Cross-entropy plus reverse cross-entropy (labels and prediction exchanged).

    The second part takes the logarithm of labels that are 0; log_zero replaces it.
    Use: partly wrong labels.
    Avoid: when the value must have a meaning outside training.
    Pitfalls: the paper tunes alpha and beta to each dataset.
    """

    def term(log_p: Array) -> Array:
        return alpha * clipped_cross_entropy(log_p, from_logits) + beta * log_zero * np.expm1(log_p)

    return sum_over_targets(y_true, log_probabilities(y_pred, from_logits), term)


@symmetric_cross_entropy.gradient
def _(y_true: Targets, y_pred: Array, *, alpha: float, beta: float, log_zero: float, from_logits: bool) -> Array:
    """-alpha/p_t + beta log_zero by p_t; from logits (alpha - beta log_zero p_t) (softmax(s)_c - [c = t])"""

    def slope(log_p: Array) -> Array:
        factor = logit_factor(log_p, from_logits)
        return alpha * clipped_cross_entropy_slope(log_p, from_logits) + beta * log_zero * factor

    return slope_by_prediction(y_true, y_pred, from_logits, slope)


@symmetric_cross_entropy.clipped
def _(y_true: Targets, y_pred: Array, *, from_logits: bool) -> Mask:
    return is_target_clipped(y_true, y_pred, from_logits)


@tempered_loss(
    aliases=("poly_loss", "多项式损失", "Poly 损失"),
    formula="CE + epsilon (1 - p_t)",
    properties=Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    claims=(given(Property.BOUNDED_VALUE | Property.CONVEX, from_logits=False),),
    references=("Leng et al. 2022, arXiv:2204.12511",),
    equivalents=(
        same(
            "optax",
            "optax.losses.poly_loss_cross_entropy(y_pred, y_true, epsilon=epsilon)",
            shapes={"y_true": "N,C"},
            from_logits=True,
        ),
    ),
)
def poly(
    y_true: ClassTarget, y_pred: ClassProbabilities, *, epsilon: ExtendedReal = 2.0, from_logits: Boolean = False
) -> Array:
    """Cross-entropy with another weight for the first term of its expansion in 1 - p_t (Poly-1).

    Use: a one-parameter variation of cross-entropy.
    Avoid: when a proper score is needed: only epsilon = 0 is one.
    Pitfalls: for epsilon below -1 the loss rises as the probability of the right class approaches 1.
    """

    def term(log_p: Array) -> Array:
        return clipped_cross_entropy(log_p, from_logits) - epsilon * np.expm1(log_p)

    return sum_over_targets(y_true, log_probabilities(y_pred, from_logits), term)


@poly.gradient
def _(y_true: Targets, y_pred: Array, *, epsilon: float, from_logits: bool) -> Array:
    """-1/p_t - epsilon by p_t; from logits (1 + epsilon p_t) (softmax(s)_c - [c = t])"""

    def slope(log_p: Array) -> Array:
        return clipped_cross_entropy_slope(log_p, from_logits) - epsilon * logit_factor(log_p, from_logits)

    return slope_by_prediction(y_true, y_pred, from_logits, slope)


poly.share_hooks(symmetric_cross_entropy, "clipped")


categorical_focal.orders_like(
    lambda *, alpha, gamma, from_logits, eps: (
        order_of_cross_entropy(from_logits, eps) if gamma == 0 and not isinstance(alpha, tuple) else None
    )
)
symmetric_cross_entropy.orders_like(
    lambda *, alpha, beta, from_logits, **_: order_of_cross_entropy(from_logits, EPS) if alpha and not beta else None
)
poly.orders_like(lambda *, epsilon, from_logits: None if epsilon else order_of_cross_entropy(from_logits, EPS))
