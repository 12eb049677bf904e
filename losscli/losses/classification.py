"""Scores of predicted labels, made of their confusion matrix: each is one number for all rows."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np

from losscli.declaration.domains import Array, Choice, ClassOrder, FinitePositive, HardLabel, OrderedLabel
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._confusion import LabelPairs, sum_of_others

CONFUSION = {
    "C": "the confusion matrix: C(i, j) is the weight of the rows of class i that are predicted as class j",
    "i": "a class of y_true",
    "j": "a class of y_pred",
    "r": "the weight of the rows of a class that are predicted as that class",
    "t": "the weight of a class in y_true",
    "p": "the weight of a class in y_pred",
    "n": "the weight of all rows",
    "k": "a class that occurs in either role",
}

label_loss = partial(loss, family="multiclass", symbols=CONFUSION, dataset_wide=True, properties=Property.BOUNDED_VALUE)


def ratio_or_nan(numerator: Array, denominator: Array) -> Array:
    """Return the ratio, NaN where the denominator is 0."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)


@label_loss(
    aliases=("balanced_error_rate", "ber", "平衡错误率"),
    formula="1 - mean_i r_i / t_i",
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
    return float(np.nanmean(ratio_or_nan(counts.missed, counts.true)))


Average = Annotated[Literal["macro", "weighted", "micro"], Choice(("macro", "weighted", "micro"))]

Weighting = Annotated[Literal["none", "linear", "quadratic"], Choice(("none", "linear", "quadratic"))]


@label_loss(
    aliases=("macro_f1_loss", "f_beta_loss", "F1 损失"),
    formula="1 - mean_k (1 + beta²) r_k / (beta² t_k + p_k)",
    references=("van Rijsbergen 1979, Information Retrieval, 2nd ed., Butterworths",),
    equivalents=(
        same("sklearn", "1 - sklearn.metrics.fbeta_score(y_true, y_pred, beta=beta, average=average, zero_division=0)"),
    ),
)
def f1_loss(
    y_true: HardLabel,
    y_pred: HardLabel,
    weight: Array | None,
    *,
    average: Average = "macro",
    beta: FinitePositive = 1.0,
) -> LabelPairs:
    """1 minus the F score: the harmonic mean of precision and recall.

    average=macro is the mean over the classes that occur in either role, as in the formula; average=weighted weights it
    by t_k; average=micro takes all classes together, which gives the accuracy. A class that is never predicted right
    has F 0. Recall counts beta² times as much as precision.
    Use: finding rare classes, where the many rows that are rightly not of a class shall not count.
    Avoid: two classes that matter alike (matthews_loss); training (it has no gradient).
    Pitfalls: the F score of two classes that libraries call binary is that of one class alone; macro averages both.
    """
    return LabelPairs.count(y_true, y_pred, weight)


@f1_loss.from_counts
def _(pairs: LabelPairs, *, average: str, beta: float) -> float:
    counts = pairs.confusion()
    if average == "micro":
        return counts.wrong / counts.total
    squared = beta * beta
    missed = squared * counts.missed + counts.taken
    losses = ratio_or_nan(missed, (1 + squared) * counts.right + missed)
    return float(losses.mean() if average == "macro" else losses @ counts.true / counts.true.sum())


@label_loss(
    aliases=("kappa_loss", "科恩卡帕损失"),
    formula="n sum_i sum_j d(i, j) C(i, j) / sum_i sum_j d(i, j) t_i p_j",
    symbols={**CONFUSION, "d": "d(i, j) is [i != j], |i - j| (weighting=linear) or (i - j)² (quadratic)"},
    undefined="all rows are of one class in y_true and in y_pred, so that agreement by chance is certain",
    properties=Property.BOUNDED_VALUE | Property.SYMMETRIC,
    references=("Cohen 1960, doi:10.1177/001316446002000104", "Cohen 1968, doi:10.1037/h0026256"),
    equivalents=(
        same(
            "sklearn",
            "1 - sklearn.metrics.cohen_kappa_score(y_true, y_pred, weights=None if weighting == 'none' else weighting, "
            "labels=np.arange(min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max()) + 1))",
        ),
    ),
)
def cohen_kappa_loss(
    y_true: HardLabel,
    y_pred: HardLabel,
    weight: Array | None,
    *,
    weighting: Weighting = "none",
    classes: ClassOrder = None,
) -> LabelPairs:
    """1 minus Cohen's kappa: the disagreement, as a share of that of chance.

    Chance draws y_pred with its own shares of the classes, without regard to y_true. Integers are as far apart as their
    difference says, also where none between them occurs. Names have an order only if classes says it, as low/mid/high.
    Use: agreement of two raters, or of a model and a rater; weighting=linear or quadratic for grades.
    Avoid: shares of classes that differ from data to data: the same errors then have another kappa.
    Pitfalls: it is above 1 where rows agree less than by chance. scikit-learn counts the classes that occur as
    neighbours: with weighting and a gap it needs labels=.
    """
    return LabelPairs.count(y_true, y_pred, weight)


@cohen_kappa_loss.from_counts
def _(pairs: LabelPairs, *, weighting: str) -> float:
    return disagreement(pairs, weighting)


def disagreement(pairs: LabelPairs, weighting: str) -> float:
    """Return the disagreement as a share of that of chance, NaN if chance has none."""
    counts = pairs.confusion()
    true, predicted, total = counts.true, counts.predicted, counts.total
    if weighting == "none":
        observed, by_chance = counts.wrong, float(true @ sum_of_others(predicted))
    else:
        power = 1 if weighting == "linear" else 2
        gaps = np.abs(counts.classes[counts.rows] - counts.classes[counts.columns])
        observed = float(counts.weight @ gaps**power)
        by_chance = sum(
            float(t * (predicted @ np.abs(counts.classes - label) ** power))
            for t, label in zip(true.tolist(), counts.classes.tolist(), strict=True)
            if t > 0
        )
    return observed * total / by_chance if by_chance > 0 else float("nan")


@label_loss(
    aliases=("qwk", "qwk_loss", "二次加权卡帕损失"),
    formula="n sum_i sum_j (i - j)² C(i, j) / sum_i sum_j (i - j)² t_i p_j",
    undefined="all rows are of one class in y_true and in y_pred, so that agreement by chance is certain",
    properties=Property.BOUNDED_VALUE | Property.SYMMETRIC,
    references=("Cohen 1968, doi:10.1037/h0026256",),
    equivalents=(
        same(
            "sklearn",
            "1 - sklearn.metrics.cohen_kappa_score(y_true, y_pred, weights='quadratic', "
            "labels=np.arange(min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max()) + 1))",
        ),
    ),
)
def quadratic_weighted_kappa_loss(
    y_true: OrderedLabel, y_pred: OrderedLabel, weight: Array | None, *, classes: ClassOrder = None
) -> LabelPairs:
    """1 minus the quadratic weighted kappa of grades: the squared error of the grades, as a share of that of chance.

    It is cohen_kappa_loss with weighting=quadratic. Integers are grades; classes gives the order of names.
    Use: grades of essays, of images, of a disease: a prediction that is two grades off costs four times as much.
    Avoid: classes without an order; comparing data whose grades spread differently.
    Pitfalls: predictions drawn towards the mean have a lower mse and a worse kappa.
    """
    return LabelPairs.count(y_true, y_pred, weight)


@quadratic_weighted_kappa_loss.from_counts
def _(pairs: LabelPairs) -> float:
    return disagreement(pairs, "quadratic")


@label_loss(
    aliases=("mcc_loss", "phi_loss", "马修斯相关系数"),
    formula="1 - (n sum_k r_k - sum_k t_k p_k) / sqrt((n² - sum_k t_k²)(n² - sum_k p_k²))",
    properties=Property.BOUNDED_VALUE | Property.SYMMETRIC,
    references=(
        "Matthews 1975, doi:10.1016/0005-2795(75)90109-9",
        "Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006",
    ),
    equivalents=(same("sklearn", "1 - sklearn.metrics.matthews_corrcoef(y_true, y_pred)"),),
)
def matthews_loss(y_true: HardLabel, y_pred: HardLabel, weight: Array | None) -> LabelPairs:
    """1 minus Matthews' correlation of labels and predicted labels, of two classes or more.

    Where all rows are of one class in y_true, or in y_pred, the correlation is 0 and the loss 1.
    Use: two classes of different size that matter alike.
    Avoid: training (it has no gradient); when one kind of error costs more than the other.
    Pitfalls: it lies between 0 and 2; 1 is what guessing comes to.
    """
    return LabelPairs.count(y_true, y_pred, weight)


@matthews_loss.from_counts
def _(pairs: LabelPairs) -> float:
    """Return 1 - N/D: with D² = (N + a)(N + b), 1 - N/D = (N (a + b) + a b) / (D (D + N)), in which nothing cancels."""
    counts = pairs.confusion()
    true, predicted, missed, taken = counts.true, counts.predicted, counts.missed, counts.taken
    beside_predicted, beside_true = sum_of_others(predicted), sum_of_others(true)
    scale = np.sqrt(float(predicted @ beside_predicted)) * np.sqrt(float(true @ beside_true))
    if not scale > 0:
        return 1.0
    covariance = float(counts.right @ sum_of_others(counts.true)) - float(missed @ taken) - float(counts.right @ taken)
    a = float(taken @ beside_predicted + predicted @ missed)
    b = float(missed @ beside_true + true @ taken)
    if covariance > 0:
        return float((covariance * (a + b) + a * b) / (scale * (scale + covariance)))
    return float(1 - covariance / scale)
