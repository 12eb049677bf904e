"""The spherical score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Boolean, ClassLabel, ClassProbabilities, Label, Probability
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._classes import shift_down
from losscli.losses._references import GNEITING_RAFTERY


@loss(
    family="multiclass",
    aliases=("spherical", "球面评分"),
    formula="1 - p_t / sqrt(sum_c p_c²)",
    symbols={
        "p": "y_pred, or softmax(y_pred); of two classes 1 - y_pred and y_pred",
        "p_t": "the probability of the class of y_true",
        "t": "the class of y_true",
        "c": "a class",
        "q": "the probability of the other of two classes",
        "n": "sqrt(sum_c p_c²)",
    },
    properties=Property.DIFFERENTIABLE | Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    elicits="mean (the class probabilities)",
    references=(GNEITING_RAFTERY,),
    equivalents=(("paper", "the papers' score is to be large: it is 1 minus this loss"),),
)
def spherical_score(y_true: Label, y_pred: Probability, *, from_logits: Boolean = False) -> Array:
    """1 minus the cosine of the probabilities and the observed class: a proper score between 0 and 1.

    For a class label and a row of C probabilities all of them count. For several labels per row, each with its own
    probability, the loss of a row is their mean.
    Use: calibrated probabilities, when a confident mistake should cost at most 1.
    Avoid: where rare events must not be called impossible (bce, cross_entropy).
    Pitfalls: it is nearly flat where the observed class has hardly any probability.
    """
    own, other = both(y_true, y_pred, from_logits)
    norm = np.hypot(own, other)
    return other * other / (norm * (norm + own))


def both(y_true: Array, y_pred: Array, from_logits: bool) -> tuple[Array, Array]:
    """Return the probability of each label and that of the other one, up to a common factor from logits."""
    if from_logits:
        margin = np.where(y_true > 0, y_pred, -y_pred)
        return np.exp(np.minimum(margin, 0.0)), np.exp(-np.maximum(margin, 0.0))
    return np.where(y_true > 0, y_pred, 1 - y_pred), np.where(y_true > 0, 1 - y_pred, y_pred)


@spherical_score.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool) -> Array:
    """-q/n³ for label 1, q/n³ for label 0; by logits times p_t q"""
    own, other = both(y_true, y_pred, from_logits)
    norm, sign = np.hypot(own, other), np.where(y_true > 0, -1.0, 1.0)
    if from_logits:
        return sign * (own / norm) * np.square(other / norm)
    return sign * other / norm**3


@spherical_score.form
def _(y_true: ClassLabel, y_pred: ClassProbabilities, *, from_logits: Boolean = False) -> Array:
    own, others, norm = parts(y_true, y_pred, from_logits)
    return np.asarray(others / (norm * (norm + own)))


def parts(y_true: NDArray[Any], y_pred: Array, from_logits: bool) -> tuple[Array, Array, Array]:
    """Return p_t, the sum of the other squares, and n, up to a common factor from logits."""
    p = np.exp(shift_down(y_pred, y_pred.max(axis=1))) if from_logits else y_pred
    rows = np.arange(len(p))
    own = p[rows, y_true]
    squares = np.square(p)
    squares[rows, y_true] = 0.0
    others = squares.sum(axis=1)
    return own, others, np.sqrt(own * own + others)


@spherical_score.gradient
def _(y_true: NDArray[Any], y_pred: Array, *, from_logits: bool) -> Array:
    """(p_t p_c - [c = t] n²) / n³; by logits p_t (p_c² - [c = t] n²)/n³"""
    own, others, norm = parts(y_true, y_pred, from_logits)
    rows = np.arange(len(own))
    if from_logits:
        p = np.exp(shift_down(y_pred, y_pred.max(axis=1)))
        slope = (own / norm)[:, None] * np.square(p / norm[:, None])
        slope[rows, y_true] = -(own / norm) * (others / norm**2)
        return slope
    slope = (own / norm**3)[:, None] * y_pred
    slope[rows, y_true] = -others / norm**3
    return slope
