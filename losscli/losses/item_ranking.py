"""Losses of the order of items or labels that are scored without queries."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, LabelRow, Real, Scores
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import sigmoid, softplus

ranking_loss = partial(loss, family="ranking")


@ranking_loss(
    aliases=("bpr_loss", "bradley_terry", "reward_pairwise", "贝叶斯个性化排序"),
    formula="log(1 + exp(-(positive - negative)))",
    unit="nat",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    references=("Rendle et al. 2009, arXiv:1205.2618", "Bradley & Terry 1952, doi:10.2307/2334029"),
    equivalents=(
        same("torch", "-torch.nn.functional.logsigmoid(positive - negative).mean()"),
        same("numpy", "np.logaddexp(0, negative - positive)"),
        ("others", "the loss of rewards of TRL (RewardTrainer); RecBole adds 1e-10 inside of the logarithm"),
        ("paper", "Rendle et al. add a penalty on the parameters"),
    ),
)
def bpr(positive: Real, negative: Real) -> Array:
    """Bayesian personalized ranking: the scores of what was chosen against those of what was not.

    It is the negative log-likelihood of the choices by the model of Bradley and Terry.
    Use: recommendations from clicks, and reward models from pairs of answers.
    Avoid: grades of relevance (ranking_softmax).
    Pitfalls: it depends on how the negatives were sampled; adding a number to all scores changes nothing, so the scores
    have no zero.
    """
    return softplus(negative - positive)


@bpr.gradient
def _(positive: Array, negative: Array) -> Array:
    """-sigmoid(negative - positive)"""
    return -sigmoid(negative - positive)


LABEL_PAIRS = {"i": "a label of y_true", "j": "any label", "s": "y_pred, the scores"}

label_loss = partial(
    ranking_loss,
    symbols=LABEL_PAIRS,
    properties=Property.BOUNDED_VALUE,
    references=("Tsoumakas, Katakis & Vlahavas 2010, doi:10.1007/978-0-387-09823-4_34",),
)


@label_loss(
    aliases=("ranking_loss", "排序损失"),
    formula="mean_{i in labels, j not} [s_i <= s_j]",
    equivalents=(
        same("sklearn", "sklearn.metrics.label_ranking_loss(y_true, y_pred)"),
        ("others", "torchmetrics: MultilabelRankingLoss counts only some of the pairs whose scores are equal"),
    ),
)
def label_ranking_loss(y_true: LabelRow, y_pred: Scores) -> Array:
    """Share of pairs of labels in the wrong order: a label that the row has should score above one that it has not.

    Equal scores are in the wrong order. A row that has no label, or all of them, has no such pair and a loss of 0,
    which counts.
    Use: several labels for each row, when only their order matters.
    Avoid: to tell how far down a list somebody must read (coverage_error).
    Pitfalls: it is a count, so it has no gradient: train by multilabel_margin or bpr.
    """
    labels = y_true.sum(axis=1)
    pairs = labels * (y_true.shape[1] - labels)
    wrong = (y_true * others_above(y_true, y_pred)).sum(axis=1)
    return np.where(pairs > 0, wrong / np.maximum(pairs, 1), 0.0)


def others_above(y: Array, s: Array) -> Array:
    """Count, for each label, those that the row has not and whose score is not lower: (N, C)."""
    order = np.argsort(-s, axis=1, kind="stable")
    y, s = np.take_along_axis(y, order, axis=1), np.take_along_axis(s, order, axis=1)
    seen = np.cumsum(1 - y, axis=1)
    seen[:, :-1][s[:, :-1] == s[:, 1:]] = np.inf  # the last of equal scores has the count of all of them
    counts = np.empty_like(seen)
    np.put_along_axis(counts, order, np.minimum.accumulate(seen[:, ::-1], axis=1)[:, ::-1], axis=1)
    return counts


@label_loss(
    aliases=("coverage",),
    formula="sum_j [s_j >= min_{i in labels} s_i]",
    unit="label",
    equivalents=(same("sklearn", "sklearn.metrics.coverage_error(y_true, y_pred)"),),
)
def coverage_error(y_true: LabelRow, y_pred: Scores) -> Array:
    """How far down the list of labels, the highest score first, one must go to see all that a row has.

    Labels with equal scores all count. A row without a label has a loss of 0, which counts.
    Use: suggestions of labels that somebody looks through.
    Avoid: to compare data with different numbers of labels.
    Pitfalls: the best value is the mean number of labels of a row, not 0.
    """
    lowest = np.where(y_true == 1, y_pred, np.inf).min(axis=1)
    reached = (y_pred >= lowest[:, None]).sum(axis=1)
    return np.where(y_true.any(axis=1), reached, 0.0)
