"""Scores of predicted labels, made of their confusion matrix: each is one number for all rows."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np

from losscli.declaration.domains import Array, Choice, ClassOrder, FinitePositive, HardLabel, OrderedLabel
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._confusion import Confusion, LabelPairs, sum_of_others

CONFUSION = {
    "C": "the confusion matrix: the weight of the rows of class i that are predicted as class j",
    "i": "a class of y_true",
    "j": "a class of y_pred",
    "t": "the weight of a class in y_true",
    "p": "the weight of a class in y_pred",
    "n": "the weight of all rows",
    "k": "a class that occurs in either role",
}

label_loss = partial(
    loss, family="multiclass", symbols=CONFUSION, dataset_wide=True, properties=Property.BOUNDED_VALUE
)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return the ratio, NaN where the denominator is 0."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)


@label_loss(
    aliases=("balanced_error_rate", "ber", "平衡错误率"),
    formula="1 - mean_i C_ii / t_i",
    references=("Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",),
    equivalents=(same("sklearn", "1 - sklearn.metrics.balanced_accuracy_score(y_true, y_pred)"),),
)
def balanced_error(y_true: HardLabel, y_pred: HardLabel, weight: Array | None) -> LabelPairs:
    """The error rate averaged over classes: 1 minus the mean recall.

    The mean is over the classes that occur in y_true. A class that is only predicted counts as an error of the others.
    Use: classes of very different size, of which each shall count alike.
    Avoid: when each row shall count alike (zero_one); training (it has no gradient).
    Pitfalls: a class of few rows has a share of the number as large as any other, and makes it vary from sample to
    sample.
    """
    return LabelPairs.count(y_true, y_pred, weight)


@balanced_error.from_counts
def _(pairs: LabelPairs) -> float:
    counts = pairs.confusion()
    return float(np.nanmean(ratio(counts.missed, counts.true)))
