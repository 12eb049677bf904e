"""Losses of one class out of C by the margins between class scores, from labels or rows of target probabilities.

For rows of targets, the score of the target is the weighted mean of the scores.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.domains import Array, ClassTarget, Interval, LabelOrOneHot, Number, Positive, Scores
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._classes import Targets, one_hot, sum_over_targets
from losscli.losses._numerics import weigh
from losscli.losses._symbols import CLASSES

OneOrTwo = Annotated[int, Number(Interval(1, 2), integer=True)]
CONVEX, BOUNDED_GRADIENT = Property.CONVEX, Property.BOUNDED_GRADIENT


def subtract_scores(s: Array, target: Array) -> Array:
    """Compute s - target; 0 where both are the same infinity."""
    return np.subtract(s, target, out=np.zeros(np.broadcast(s, target).shape), where=s != target)


def one_hot_argmax(s: Array) -> Array:
    """Return one-hot rows of the largest score of each row (the first of equals)."""
    return one_hot(s.argmax(axis=1), s.shape[1])


def best_rival(y_true: Targets, s: Array) -> tuple[Array, Array]:
    """Return max_c (1 - t_c) s_c and its position, one-hot (zero if it is the target's 0)."""
    others = weigh(1 - one_hot(y_true, s.shape[1]), s)
    return others.max(axis=1), one_hot_argmax(others) * (1 - one_hot(y_true, s.shape[1]))


multiclass_margin_loss = partial(
    loss, family="multiclass", unit="score", properties=CONVEX | BOUNDED_GRADIENT, symbols=CLASSES
)


@multiclass_margin_loss(
    aliases=("分类铰链损失", "分类合页损失"),
    formula="max(0, 1 + max(0, max_{j != t} s_j) - s_t)",
    references=("Crammer & Singer 2001 (without the 0 as a rival), JMLR 2, 265-292",),
    equivalents=(
        same("keras", "keras.losses.CategoricalHinge()(y_true, y_pred)", shapes={"y_true": "N,C"}, data="one-hot rows"),
    ),
)
def categorical_hinge(y_true: ClassTarget, y_pred: Scores) -> Array:
    """Keras's multi-class hinge: the best wrong score (at least 0) against the right one.

    Use: comparison with Keras.
    Avoid: scores that are all negative: the 0 then counts as the best wrong score (multiclass_hinge).
    Pitfalls: it changes if a constant is added to all scores of a row.
    """
    # the difference first: 1 is lost next to large scores
    return np.maximum(0.0, 1 + hinge_gap(y_true, y_pred)[0])


def hinge_gap(y_true: Targets, s: Array) -> tuple[Array, Array]:
    """Return max(0, max_{j != t} s_j) - s_t, and the best wrong class, one-hot, where its score is above 0."""
    wrong, where = best_rival(y_true, s)
    return subtract_scores(np.maximum(0.0, wrong), sum_over_targets(y_true, s)), where * (wrong > 0)[:, None]


@categorical_hinge.gradient
def _(y_true: Targets, y_pred: Array) -> Array:
    """1 for the best wrong class if its score is above 0, -1 for the right one, where the loss is above 0"""
    gap, where = hinge_gap(y_true, y_pred)
    return (1 + gap > 0)[:, None] * (where - one_hot(y_true, y_pred.shape[1])) + 0.0


@multiclass_margin_loss(
    aliases=("crammer_singer", "多分类铰链损失", "多类铰链损失", "多分类合页损失", "多类合页损失"),
    formula="max_j (s_j + [j != t]) - s_t",
    elicits="the most likely class, where it is likelier than all others together",
    references=("Crammer & Singer 2001, JMLR 2, 265-292",),
    equivalents=(
        same("optax", "optax.losses.multiclass_hinge_loss(y_pred, y_true)", shapes={"y_true": "N"}),
        same(
            "sklearn",
            "sklearn.metrics.hinge_loss(y_true, y_pred, labels=range(y_pred.shape[1]))",
            shapes={"y_true": "N"},
        ),
    ),
)
def multiclass_hinge(y_true: ClassTarget, y_pred: Scores) -> Array:
    """The right class must exceed the best wrong one by 1.

    Use: multi-class support vector machines.
    Avoid: when probabilities are wanted.
    Pitfalls: only the best wrong class counts; multi_margin adds all of them.
    """
    return margin_violations(y_true, y_pred).max(axis=1)


def margin_violations(y_true: Targets, s: Array) -> Array:
    """Compute (s_j - s_t) + [j != t]; the difference first, because 1 is lost next to large scores."""
    return subtract_scores(s, sum_over_targets(y_true, s)[:, None]) + (1 - one_hot(y_true, s.shape[1]))


@multiclass_hinge.gradient
def _(y_true: Targets, y_pred: Array) -> Array:
    """one-hot of the largest j, minus that of the target"""
    return one_hot_argmax(margin_violations(y_true, y_pred)) - one_hot(y_true, y_pred.shape[1])


@multiclass_margin_loss(
    aliases=("多类感知机损失", "多分类感知机损失"),
    formula="max_j s_j - s_t",
    references=("Collins 2002, doi:10.3115/1118693.1118694", "Crammer & Singer 2003, JMLR 3, 951-991"),
    equivalents=(same("optax", "optax.losses.multiclass_perceptron_loss(y_pred, y_true)", shapes={"y_true": "N"}),),
)
def multiclass_perceptron(y_true: ClassTarget, y_pred: Scores) -> Array:
    """The margin by which the right class loses.

    Use: to see how wrong the errors are, and nothing else.
    Avoid: models that are nearly always right: their loss is 0.
    Pitfalls: equal scores everywhere have a loss of 0.
    """
    return subtract_scores(y_pred, sum_over_targets(y_true, y_pred)[:, None]).max(axis=1)


@multiclass_perceptron.gradient
def _(y_true: Targets, y_pred: Array) -> Array:
    """one-hot of the largest score, minus that of the target"""
    return one_hot_argmax(y_pred) - one_hot(y_true, y_pred.shape[1])


@multiclass_margin_loss(
    aliases=("多分类间隔损失", "多类间隔损失"),
    formula="sum_{j != t} max(0, margin - s_t + s_j)^p / C",
    unit="score^p",
    properties=CONVEX,
    claims=(given(BOUNDED_GRADIENT, p=1), given(Property.DIFFERENTIABLE, p=2)),
    references=("Weston & Watkins 1999, ESANN",),
    equivalents=(same("torch", "torch.nn.MultiMarginLoss(p, margin)(y_pred, y_true)", shapes={"y_true": "N"}),),
)
def multi_margin(y_true: LabelOrOneHot, y_pred: Scores, *, p: OneOrTwo = 1, margin: Positive = 1.0) -> Array:
    """Every wrong class must stay below the right one by a margin.

    Targets are labels 0..C-1 or one-hot rows.
    Use: scores of many classes, when all wrong classes matter.
    Avoid: datasets with different numbers of classes: the sum is divided by C.
    Pitfalls: multiclass_hinge counts only the best wrong class and does not divide.
    """
    return np.power(margin_shortfalls(y_true, y_pred, margin), p).sum(axis=1) / y_pred.shape[1]


def margin_shortfalls(y_true: Targets, s: Array, margin: float) -> Array:
    """Compute max(0, margin - s_t + s_j); 0 for the target."""
    gaps = np.maximum(0.0, margin + subtract_scores(s, sum_over_targets(y_true, s)[:, None]))
    np.put_along_axis(gaps, y_true[:, None], 0.0, axis=1)
    return gaps


@multi_margin.gradient
def _(y_true: Targets, y_pred: Array, *, p: int, margin: float) -> Array:
    """p max(0, margin - s_t + s_j)^(p-1) / C for each wrong class, minus their sum for the target"""
    gaps = margin_shortfalls(y_true, y_pred, margin)
    slope = (gaps > 0) * (1.0 if p == 1 else 2 * gaps) / y_pred.shape[1]
    return slope - weigh(one_hot(y_true, y_pred.shape[1]), slope.sum(axis=1, keepdims=True))


def sparsemax(s: Array) -> tuple[Array, Array]:
    """Project each row to the simplex, max(0, s - tau); return also the shortfalls max(0, tau - s)."""
    largest = s.max(axis=1, keepdims=True)
    gaps = np.subtract(s, largest, out=np.zeros_like(s), where=s != largest)  # avoids inf - inf
    falling = -np.sort(-gaps, axis=1)
    sums = np.cumsum(falling, axis=1) - 1
    count = np.arange(1, s.shape[1] + 1)
    size = (count * falling > sums).sum(axis=1, keepdims=True)
    tau = np.take_along_axis(sums, size - 1, axis=1) / size
    return np.maximum(0.0, gaps - tau), np.maximum(0.0, tau - gaps)


@multiclass_margin_loss(
    aliases=("sparsemax", "Sparsemax 损失"),
    formula="|p - t|²/2 + sum_c t_c max(0, tau - s_c)",
    symbols=CLASSES | {"tau": "the threshold for which p sums to 1", "p": "max(0, s - tau)"},
    properties=CONVEX | Property.DIFFERENTIABLE | BOUNDED_GRADIENT,
    elicits="scores whose sparsemax is the class probabilities",
    references=("Martins & Astudillo 2016, arXiv:1602.02068",),
    equivalents=(same("optax", "optax.losses.multiclass_sparsemax_loss(y_pred, y_true)", shapes={"y_true": "N"}),),
)
def multiclass_sparsemax(y_true: ClassTarget, y_pred: Scores) -> Array:
    """The counterpart of the logistic loss for the sparsemax, which gives unlikely classes exactly 0.

    It is 0 where the target score leads by 1.
    Use: many classes, where few are plausible in each row.
    Avoid: when every class needs a probability above 0 (cross_entropy).
    Pitfalls: its probabilities are the sparsemax of the scores, not the softmax.
    """
    p, below = sparsemax(y_pred)
    t = one_hot(y_true, y_pred.shape[1])
    # the textbook's sum_S (s² - tau²)/2 + 1/2 - s_t without its cancellation
    return np.square(p - t).sum(axis=1) / 2 + weigh(t, below).sum(axis=1)


@multiclass_sparsemax.gradient
def _(y_true: Targets, y_pred: Array) -> Array:
    """p - t"""
    return sparsemax(y_pred)[0] - one_hot(y_true, y_pred.shape[1])
