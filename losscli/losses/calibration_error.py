"""How far the confidence of a classifier is from how often it is right: one number for all rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import (
    Array,
    BinCount,
    Choice,
    ClassLabel,
    ClassProbabilities,
    PairLabel,
    Probabilities,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._sums import SumsByIndex, scale_weights

Norm = Annotated[Literal["l1", "l2", "max"], Choice(("l1", "l2", "max"))]

PairProbability = Annotated[Array, Probabilities(("N",))]
"""Probabilities of the label 1, shape (N,)."""


class Bins:
    """The weight of the rows in each bin of confidence (M,), and the sum of right minus confidence."""

    def __init__(self, confidence: Array, right: Array, weight: Array | None, bins: int) -> None:
        edges = np.arange(1, bins + 1) / bins
        index = np.minimum(np.searchsorted(edges, confidence), bins - 1)
        self.weight = SumsByIndex.of(index, weight, bins)
        gap = right - confidence
        self.gap = SumsByIndex.of(index, gap if weight is None else gap * weight, bins)

    def merge(self, other: Bins) -> None:
        """Add the rows of another part."""
        self.weight.merge(other.weight)
        self.gap.merge(other.gap)


@loss(
    family="multiclass",
    aliases=("ece", "期望校准误差"),
    formula="sum_b W_b |acc_b - conf_b| / W",
    symbols={
        "b": "a bin of the confidence: ((m-1)/M, m/M] with M = bins, 0 in the first",
        "W": "the weight of all rows; W_b is that of the rows in the bin",
        "acc": "acc_b, the share of the rows in the bin whose class is right",
        "conf": "conf_b, their mean confidence",
    },
    dataset_wide=True,
    no_interval="it is biased upwards, and resamples are more so; see the reliability diagram of brier",
    properties=Property.BOUNDED_VALUE,
    references=("Guo et al. 2017, arXiv:1706.04599", "Naeini, Cooper & Hauskrecht 2015, doi:10.1609/aaai.v29i1.9602"),
    equivalents=(
        same(
            "torchmetrics",
            "torchmetrics.functional.classification.binary_calibration_error("
            "torch.tensor(y_pred), torch.tensor(y_true), n_bins=bins, norm=norm)",
            shapes={"y_true": "N", "y_pred": "N"},
            rtol=1e-5,
        ),
        ("others", "torchmetrics: its bins hold their lower end, not the upper one; it has single precision"),
    ),
)
def expected_calibration_error(
    y_true: PairLabel, y_pred: PairProbability, weight: Array | None, *, bins: BinCount = 15, norm: Norm = "l1"
) -> Bins:
    """The mean distance of confidence and accuracy, over bins of equal width.

    For a class label and a row of C probabilities the confidence is the largest of them, and the accuracy is how often
    that class (the first of equals) is right. A probability of the label 1 is compared with how often the label is 1.
    norm=l2 is the root of the weighted mean square of the distances, max the largest of them.
    Use: to check that confidences match how often predictions are right.
    Avoid: choosing between models by it alone: a constant can be calibrated (bce, brier); training.
    Pitfalls: it depends on the number of bins; few rows in a bin make it too large, in resamples even more so, so that
    it has no interval.
    """
    return Bins(y_pred, y_true, weight, bins)


@expected_calibration_error.form
def _(
    y_true: ClassLabel, y_pred: ClassProbabilities, weight: Array | None, *, bins: BinCount = 15, norm: Norm = "l1"
) -> Bins:
    best: NDArray[Any] = y_pred.argmax(axis=1)
    return Bins(y_pred[np.arange(len(y_pred)), best], (best == y_true).astype(np.float64), weight, bins)


@expected_calibration_error.from_counts
def _(counts: Bins, *, norm: str) -> float:
    weight = counts.weight.value
    used = weight > 0
    weight, gaps = weight[used], np.abs(counts.gap.value[used])
    if norm == "max":
        return float((gaps / weight).max())
    if norm == "l2":
        shares = scale_weights(weight)
        return float(np.sqrt((np.square(gaps / weight) * shares).sum() / shares.sum()))
    return float(gaps.sum() / weight.sum())
