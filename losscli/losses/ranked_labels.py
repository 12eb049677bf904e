"""How well scores order rows of two classes: each is one number for all rows."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, PairLabel, Score
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._sums import cumulated

SCORES = {
    "s": "y_pred, the scores",
    "i": "a row of label 1",
    "j": "a row of label 0",
    "w": "the weights of rows, 1 without",
    "n": "a distinct score, counted from the highest",
    "R": "R_n, the share of the rows of label 1 that have this score or a higher one",
    "P": "P_n, the share of label 1 among the rows that have this score or a higher one",
}

order_loss = partial(loss, family="binary", symbols=SCORES, dataset_wide=True, properties=Property.BOUNDED_VALUE)


def weights_by_score(y_true: Array, y_pred: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return the weight of the rows of label 1, and of label 0, that have each distinct score or a higher one (k,)."""
    order = np.argsort(y_pred)[::-1]
    ordered = y_pred[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    positive = y_true[order]
    if weight is None:
        above = np.cumsum(positive)[ends]
        return above, ends + 1.0 - above
    weight = weight[order]
    return cumulated(weight * positive)[ends], cumulated(weight * (1 - positive))[ends]


@order_loss(
    aliases=("one_minus_auc", "roc_auc"),
    formula="sum_i sum_j w_i w_j ([s_i < s_j] + [s_i = s_j]/2) / sum_i sum_j w_i w_j",
    undefined="all rows have the same label",
    references=("Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747",),
    equivalents=(same("sklearn", "1 - sklearn.metrics.roc_auc_score(y_true, y_pred)"),),
)
def auc_loss(y_true: PairLabel, y_pred: Score, weight: Array | None) -> float:
    """1 minus the area under the ROC curve: how often a row of label 0 scores higher than one of label 1.

    Equal scores count half. It depends on the order of the scores alone.
    Use: scores that are to rank, whatever the share of the labels is and wherever a threshold will lie.
    Avoid: probabilities that are used as such (bce, brier); rare labels, of which the first rows matter
    (average_precision_loss); training (it has no gradient).
    Pitfalls: it is 1/2 for scores that say nothing; many easy rows of label 0 make it small.
    """
    ones, zeros = weights_by_score(y_true, y_pred, weight)
    beside = zeros - np.diff(zeros, prepend=0.0) / 2
    return float(np.diff(ones, prepend=0.0) @ beside / (ones[-1] * zeros[-1]))


@order_loss(
    aliases=("auprc_loss", "aucpr"),
    formula="1 - sum_n (R_n - R_(n-1)) P_n",
    undefined="no row has the label 1",
    references=("Davis & Goadrich 2006, doi:10.1145/1143844.1143874",),
    equivalents=(
        same("sklearn", "1 - sklearn.metrics.average_precision_score(y_true, y_pred)"),
        ("xgboost", "its aucpr interpolates between the points of the curve"),
    ),
)
def average_precision_loss(y_true: PairLabel, y_pred: Score, weight: Array | None) -> float:
    """1 minus the average precision: the area above the curve of precision against recall, in steps.

    Rows of equal scores are taken together. It depends on the order of the scores alone.
    Use: finding the rows of a rare label 1 among many others, by their scores.
    Avoid: labels that matter alike (auc_loss); training (it has no gradient).
    Pitfalls: scores that say nothing come to the share of label 0, so that data with other shares do not compare.
    scikit-learn gives 1 where no row has the label 1; here there is no number.
    """
    ones, zeros = weights_by_score(y_true, y_pred, weight)
    if not ones[-1] > 0:
        return float("nan")
    return float(np.diff(ones, prepend=0.0) @ (zeros / (ones + zeros)) / ones[-1])
