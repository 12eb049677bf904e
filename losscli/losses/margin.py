"""Losses of the margin y s: a label of -1 or 1 times a score."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, Positive, Real, SignLabel
from losscli.declaration.equivalent import minimised_by, same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import sigmoid, softplus
from losscli.losses._symbols import SIGN

CONVEX, SMOOTH, BOUNDED_GRADIENT = Property.CONVEX, Property.DIFFERENTIABLE, Property.BOUNDED_GRADIENT

margin_loss = partial(loss, family="binary", symbols=SIGN)


@margin_loss(
    aliases=("铰链损失", "合页损失", "折页损失"),
    formula="max(0, margin - y s), y in {-1, 1}",
    unit="score",
    properties=CONVEX | BOUNDED_GRADIENT,
    elicits="the more likely label",
    references=("Cortes & Vapnik 1995, doi:10.1007/BF00994018",),
    equivalents=(
        same("keras", "keras.losses.Hinge()(y_true, y_pred)"),
        same("sklearn", "sklearn.metrics.hinge_loss(y_true, y_pred)", shapes={"y_true": "N"}),
        same("optax", "optax.losses.hinge_loss(y_pred, 2 * y_true - 1)", data="labels 0 and 1"),
        same(
            "torch",
            "torch.nn.MarginRankingLoss(margin)(y_pred, torch.zeros_like(y_pred), 2 * y_true - 1)",
            data="labels 0 and 1",
        ),
    ),
)
def hinge(y_true: SignLabel, y_pred: Real, *, margin: Positive = 1.0) -> Array:
    """The loss of support vector machines: zero once a score has the right sign by the margin.

    y_pred is a score (decision function), not a probability; 0 is undecided.
    Use: scores of a margin classifier.
    Avoid: when probabilities are wanted: minimising hinge does not estimate them.
    Pitfalls: with probabilities as input, every row is inside the margin.
    """
    return np.maximum(0.0, margin - y_true * y_pred)


@hinge.gradient
def _(y_true: Array, y_pred: Array, *, margin: float) -> Array:
    """-y where y s < margin, else 0"""
    return np.where(y_true * y_pred < margin, -y_true, 0.0)


@margin_loss(
    aliases=("平方铰链损失", "平方合页损失"),
    formula="max(0, margin - y s)²",
    unit="score²",
    properties=CONVEX | SMOOTH,
    elicits="margin (2 P(y = 1) - 1)",
    references=("Lee & Mangasarian 2001, doi:10.1023/A:1011215321374",),
    equivalents=(
        same("keras", "keras.losses.SquaredHinge()(y_true, y_pred)"),
        minimised_by("sklearn", "sklearn.svm.LinearSVC(loss='squared_hinge')"),
    ),
)
def squared_hinge(y_true: SignLabel, y_pred: Real, *, margin: Positive = 1.0) -> Array:
    """The squared hinge: smooth, with a higher cost for scores far on the wrong side.

    Use: linear classifiers whose solver needs a gradient everywhere.
    Avoid: frequent label errors: they count squared.
    Pitfalls: values are not comparable with hinge; a score that is 3 short costs 9.
    """
    return np.square(np.maximum(0.0, margin - y_true * y_pred))


@squared_hinge.gradient
def _(y_true: Array, y_pred: Array, *, margin: float) -> Array:
    """-2 y max(0, margin - y s)"""
    return -2 * y_true * np.maximum(0.0, margin - y_true * y_pred)


@margin_loss(
    aliases=("感知机损失", "感知器损失"),
    formula="max(0, -y s)",
    unit="score",
    properties=CONVEX | BOUNDED_GRADIENT,
    elicits="a score of 0",
    references=("Rosenblatt 1958, doi:10.1037/h0042519",),
    equivalents=(
        same("optax", "optax.losses.perceptron_loss(y_pred, 2 * y_true - 1)", data="labels 0 and 1"),
        minimised_by("sklearn", "sklearn.linear_model.SGDClassifier(loss='perceptron')"),
        same(
            "torch",
            "torch.nn.MarginRankingLoss()(y_pred, torch.zeros_like(y_pred), 2 * y_true - 1)",
            data="labels 0 and 1",
        ),
    ),
)
def perceptron(y_true: SignLabel, y_pred: Real) -> Array:
    """The distance of a score from 0 on the wrong side.

    Use: to see how wrong the errors are, and nothing else.
    Avoid: models that are nearly always right: their loss is 0.
    Pitfalls: scores of 0 everywhere have a loss of 0.
    """
    return np.maximum(0.0, -y_true * y_pred)


@perceptron.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-y where y s < 0, else 0"""
    return np.where(y_true * y_pred < 0, -y_true, 0.0)


@margin_loss(
    aliases=("logistic", "对率损失", "逻辑损失", "逻辑斯谛损失", "软间隔损失", "对数几率损失"),
    formula="log(1 + exp(-y s))",
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    elicits="log-odds",
    references=("Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x",),
    equivalents=(
        same("torch", "torch.nn.SoftMarginLoss()(y_pred, 2 * y_true - 1)", data="labels 0 and 1"),
        minimised_by("sklearn", "sklearn.linear_model.SGDClassifier(loss='log_loss')"),
        same("keras", "keras.losses.BinaryCrossentropy(from_logits=True)(y_true, y_pred)", data="labels 0 and 1"),
        same("optax", "optax.losses.sigmoid_binary_cross_entropy(y_pred, y_true)", data="labels 0 and 1"),
    ),
)
def soft_margin(y_true: SignLabel, y_pred: Real) -> Array:
    """The logistic loss: binary cross-entropy of a logit, for labels of -1 and 1.

    It is bce with from_logits=true.
    Use: logits with labels of -1 and 1; boosting and linear models.
    Avoid: frequent label errors, although it is less sensitive than exponential.
    Pitfalls: with probabilities as input it is nearly the same for all rows.
    """
    return softplus(-y_true * y_pred)


@soft_margin.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-y / (1 + exp(y s))"""
    return -y_true * sigmoid(-y_true * y_pred)


@margin_loss(
    aliases=("adaboost", "指数损失"),
    formula="exp(-y s)",
    unit="1",
    properties=CONVEX | SMOOTH,
    elicits="half the log-odds",
    references=(
        "Freund & Schapire 1997, doi:10.1006/jcss.1997.1504",
        "Friedman, Hastie & Tibshirani 2000, doi:10.1214/aos/1016218223",
    ),
    equivalents=(minimised_by("sklearn", "sklearn.ensemble.GradientBoostingClassifier(loss='exponential')"),),
)
def exponential(y_true: SignLabel, y_pred: Real) -> Array:
    """AdaBoost's loss: each unit of score on the wrong side multiplies it by e.

    Use: studies of AdaBoost; clean labels.
    Avoid: noisy labels: a few rows with large wrong scores dominate the mean.
    Pitfalls: it overflows to infinity for margins below about -709.
    """
    return np.exp(-y_true * y_pred)


@exponential.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-y exp(-y s)"""
    return -y_true * np.exp(-y_true * y_pred)


@margin_loss(
    aliases=("修正 Huber 损失",),
    formula="max(0, 1 - y s)² where y s >= -1, else -4 y s",
    unit="score²",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    elicits="2 P(y = 1) - 1",
    references=("Zhang 2004, doi:10.1145/1015330.1015332",),
    equivalents=(minimised_by("sklearn", "sklearn.linear_model.SGDClassifier(loss='modified_huber')"),),
)
def modified_huber(y_true: SignLabel, y_pred: Real) -> Array:
    """The squared hinge, linear for scores far on the wrong side.

    Use: classification with outliers and probabilities: (s + 1) / 2, clipped to [0, 1].
    Avoid: when nearly all margins exceed 1: the loss is 0 there.
    Pitfalls: only the linear part resembles Huber's loss; the margin is fixed at 1.
    """
    m = y_true * y_pred
    return np.where(m >= -1, np.square(np.maximum(0.0, 1 - m)), -4 * m)


@modified_huber.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-2 y max(0, 1 - y s) where y s >= -1, else -4 y"""
    m = y_true * y_pred
    return -y_true * np.where(m >= -1, 2 * np.maximum(0.0, 1 - m), 4.0)


soft_margin.orders_like(lambda: ("bce", {"from_logits": True, "label_smoothing": 0.0, "pos_weight": 1.0}))
