"""Losses of ordered classes and of rankings."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, ClassProbabilities, ClassTarget, LabelRow, Relevance, Scores
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._classes import Targets, log_softmax, one_hot
from losscli.losses._numerics import weigh

CONVEX, SMOOTH, BOUNDED_GRADIENT = Property.CONVEX, Property.DIFFERENTIABLE, Property.BOUNDED_GRADIENT

RANKS = {
    "t": "the class of y_true",
    "y": "y_true, the relevance",
    "s": "y_pred, the scores",
    "F": "F_k, the probability of the classes up to k: the cumulative sum of y_pred",
    "c": "a class",
    "i": "a class",
    "j": "any class",
    "k": "any class",
    "C": "the number of classes",
}

ranking_loss = partial(loss, family="multiclass", symbols=RANKS)


@ranking_loss(
    aliases=("多标签间隔损失",),
    formula="sum_{i in labels, j not} max(0, 1 - s_i + s_j) / C",
    unit="score",
    properties=CONVEX | BOUNDED_GRADIENT,
    references=("Elisseeff & Weston 2001, NIPS 14",),
    equivalents=(
        same(
            "torch",
            "torch.nn.MultiLabelMarginLoss()(y_pred, torch.where(y_true.sort(1, True).values > 0, "
            "y_true.argsort(1, True), -1))",
        ),
    ),
)
def multilabel_margin(y_true: LabelRow, y_pred: Scores) -> Array:
    """Every positive label must exceed every negative one by 1.

    Use: several labels per row, when only the ranking of scores matters.
    Avoid: many labels: the number of pairs grows quadratically.
    Pitfalls: a row with no positive label, or only positive labels, has a loss of 0.
    """
    return label_gaps(y_true, y_pred).sum(axis=(1, 2)) / y_pred.shape[1]


def label_gaps(y: Array, s: Array) -> Array:
    """Compute max(0, 1 - s_i + s_j) for positive labels i and negative labels j: (N, C, C)."""
    pairs = (y[:, :, None] == 1) & (y[:, None, :] == 0)
    return np.where(pairs, np.maximum(0.0, 1 + (s[:, None, :] - s[:, :, None])), 0.0)


@multilabel_margin.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """1/C for j and -1/C for i, of every pair whose margin is below 1"""
    active = label_gaps(y_true, y_pred) > 0
    return (active.sum(axis=1) - active.sum(axis=2)) / y_pred.shape[1]


@ranking_loss(
    aliases=("ranked_probability_score", "排序概率评分", "排名概率评分", "等级概率评分"),
    formula="sum_k (F_k - [t <= k])²",
    properties=CONVEX | SMOOTH | Property.BOUNDED_VALUE | BOUNDED_GRADIENT,
    elicits="the distribution",
    references=("Epstein 1969, doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2",),
    equivalents=(same("scoringrules", "scoringrules.rps_score(y_true + 1, y_pred)", shapes={"y_true": "N"}),),
)
def rps(y_true: ClassTarget, y_pred: ClassProbabilities) -> Array:
    """Ranked probability score: squared differences of the cumulative probabilities.

    Classes are ordered: distant errors cost more.
    Use: probabilities of grades, stages or bins.
    Avoid: unordered classes: the value depends on their order.
    Pitfalls: some texts divide by C - 1.
    """
    return np.square(cumulative_gap(y_true, y_pred)).sum(axis=1)


def cumulative_gap(y_true: Targets, p: Array) -> Array:
    """Compute F_k - [t <= k]."""
    return np.cumsum(p - one_hot(y_true, p.shape[1]), axis=1)


@rps.gradient
def _(y_true: Targets, y_pred: Array) -> Array:
    """2 sum_{k >= c} (F_k - [t <= k])"""
    return 2 * np.cumsum(cumulative_gap(y_true, y_pred)[:, ::-1], axis=1)[:, ::-1]


@ranking_loss(
    aliases=("listnet_top1", "排序 softmax 损失"),
    formula="-sum_c y_c log softmax(s)_c",
    unit="nat",
    properties=CONVEX | SMOOTH,
    elicits="scores whose softmax has the shares of the mean relevances",
    references=("Cao et al. 2007, doi:10.1145/1273496.1273513",),
    equivalents=(same("optax", "optax.losses.ranking_softmax_loss(y_pred, y_true)"),),
)
def ranking_softmax(y_true: Relevance, y_pred: Scores) -> Array:
    """Cross-entropy of a list: relevances against the softmax of scores.

    Use: learning to rank; each row is a query with C documents.
    Avoid: lists of different lengths in one table: padding counts.
    Pitfalls: relevances need not sum to 1, so queries with more relevant documents have more weight.
    """
    return -weigh(y_true, log_softmax(y_pred)).sum(axis=1) + 0.0


@ranking_softmax.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """softmax(s) sum_c y_c - y"""
    return np.exp(log_softmax(y_pred)) * y_true.sum(axis=1, keepdims=True) - y_true
