"""How well scores order rows of two classes: each is one number for all rows."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, PairLabel, Score
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._sums import cumulated, scale_weights

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


class Steps(NamedTuple):
    """The weight of the rows of either label at some distinct scores, the highest first, and above them (k,).

    Scores that no row of label 1 has may be left out.
    """

    ones: Array
    ones_so_far: Array
    zeros_above: Array
    zeros_so_far: Array

    @property
    def all_ones(self) -> float:
        return float(self.ones_so_far[-1]) if len(self.ones) else 0.0


def steps(y_true: Array, y_pred: Array, weight: Array | None) -> tuple[Steps, float]:
    """Return the weights by score, and the weight of all rows of label 0."""
    if weight is None:  # to sort values takes a tenth of the time that their order takes
        is_one = y_true == 1
        ones, zeros = np.sort(y_pred[is_one]), np.sort(y_pred[~is_one])
        starts = np.flatnonzero(np.append(True, ones[1:] != ones[:-1])) if len(ones) else np.zeros(0, dtype=np.intp)
        distinct, reached = ones[starts][::-1], (len(ones) - starts)[::-1].astype(np.float64)
        above = len(zeros) - np.searchsorted(zeros, distinct[::-1], "right")[::-1].astype(np.float64)
        so_far = len(zeros) - np.searchsorted(zeros, distinct[::-1], "left")[::-1].astype(np.float64)
        return Steps(np.diff(reached, prepend=0.0), reached, above, so_far), float(len(zeros))
    is_sorted = bool((y_pred[1:] >= y_pred[:-1]).all())
    order = slice(None, None, -1) if is_sorted else np.argsort(y_pred)[::-1]
    ordered, positive, weight = y_pred[order], y_true[order], scale_weights(weight)[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    reached, zeros_so_far = (cumulated(weight * share)[ends] for share in (positive, 1 - positive))
    above = np.concatenate([[0.0], zeros_so_far[:-1]])
    return Steps(np.diff(reached, prepend=0.0), reached, above, zeros_so_far), float(zeros_so_far[-1])


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
    Use: scores that rank rows, when neither the share of the labels nor a threshold should matter.
    Avoid: probabilities that are used as such (bce, brier); rare labels, of which the first rows matter
    (average_precision_loss); training (it has no gradient).
    Pitfalls: it is 1/2 for scores that say nothing; many easy rows of label 0 make it small.
    """
    found, all_zeros = steps(y_true, y_pred, weight)
    pairs = found.all_ones * all_zeros
    before = (found.zeros_above + found.zeros_so_far) / 2
    return float(found.ones @ before) / pairs if pairs > 0 else math.nan


@order_loss(
    aliases=("auprc_loss", "aucpr"),
    formula="1 - sum_n (R_n - R_(n-1)) P_n",
    undefined="no row has the label 1",
    references=("Davis & Goadrich 2006, doi:10.1145/1143844.1143874",),
    equivalents=(
        same("sklearn", "1 - sklearn.metrics.average_precision_score(y_true, y_pred)"),
        ("others", "XGBoost: its aucpr interpolates between the points of the curve"),
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
    found, _ = steps(y_true, y_pred, weight)
    if not found.all_ones > 0:
        return math.nan
    wrong = found.zeros_so_far / (found.ones_so_far + found.zeros_so_far)
    return float(found.ones @ wrong) / found.all_ones
