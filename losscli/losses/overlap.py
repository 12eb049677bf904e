"""Losses of masks (overlap) and of sets of labels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from losscli.declaration.checks import Conflict, Refusal
from losscli.declaration.domains import (
    EPS,
    AnyLabel,
    Array,
    Boolean,
    ClassLabel,
    Epsilon,
    Mask,
    NonNegative,
    PredictedLabel,
    Probability,
    Scores,
    SoftLabel,
    UnitInterval,
)
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.losses._masks import (
    MASK_SYMBOLS,
    SMOOTH_WITH_SMOOTH,
    by_prediction,
    dice_slope,
    dice_value,
    overlap,
    tversky_slope,
    tversky_value,
)
from losscli.losses._numerics import CLIPPED, clipped_log, clipped_log_complement, sigmoid, softplus, weigh
from losscli.losses.binary import is_clipped
from losscli.messages import Hint

FEW_ROWS = 1000
"""Rows in which there is a probability that is neither 0 nor 1, if there are any in a batch."""

overlap_loss = partial(loss, family="binary", unit="1", symbols=MASK_SYMBOLS)


@overlap_loss(
    aliases=("Dice 损失", "Dice 系数损失"),
    formula="1 - (2 I + smooth) / (sum y + sum p + smooth)",
    properties=Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    claims=(SMOOTH_WITH_SMOOTH,),
    references=("Milletari, Navab & Ahmadi 2016 (V-Net), arXiv:1606.04797", "Dice 1945, doi:10.2307/1932409"),
    equivalents=(
        same(
            "keras",
            "keras.losses.Dice(axis=1)(y_true, y_pred)",
            unlike("it adds 1e-7 to the divisor alone, as for empty masks", 1.0, y_true=[[0, 0]], y_pred=[[0, 0]]),
            shapes={"y_true": "N,K"},
            rtol=1e-5,
        ),
        same(
            "optax",
            "optax.losses.binary_dice_loss(y_pred, y_true, smooth=smooth / 2)",
            shapes={"y_true": "N,K"},
            from_logits=True,
        ),
        same(
            "sklearn",
            "1 - sklearn.metrics.f1_score(y_true, y_pred, average='samples')",
            shapes={"y_true": "N,K"},
            data="predictions 0 and 1",
            smooth=0.0,
        ),
    ),
)
def dice(y_true: SoftLabel, y_pred: Probability, *, smooth: NonNegative = 1e-7, from_logits: Boolean = False) -> Array:
    """One minus the Dice coefficient: the overlap of two masks relative to their mean size.

    Each row is a mask.
    Use: segmentation of objects that are small relative to the image.
    Avoid: masks that may be empty: the loss is then 0 or nearly 1 for any smooth.
    Pitfalls: the mean over rows is not the Dice loss of all pixels together, which some libraries compute.
    """
    return dice_value(overlap(y_true, y_pred, from_logits), smooth)[:, 0]


@dice.gradient
def _(y_true: Array, y_pred: Array, *, smooth: float, from_logits: bool) -> Array:
    """(2 I + smooth - 2 y (sum y + sum p + smooth)) / (sum y + sum p + smooth)² by p; from logits times p (1-p)"""
    sums = overlap(y_true, y_pred, from_logits)
    return by_prediction(dice_slope(sums, smooth), sums, y_pred, from_logits)


@overlap_loss(
    aliases=("Tversky 损失",),
    formula="1 - (I + smooth) / (I + alpha FP + beta FN + smooth)",
    properties=Property.BOUNDED_VALUE,
    claims=(
        SMOOTH_WITH_SMOOTH,
        given(Property.BOUNDED_GRADIENT, from_logits=True),
        Claim(Property.BOUNDED_GRADIENT, "smooth > 0", lambda *, smooth, **_: smooth > 0),
        Claim(Property.BOUNDED_GRADIENT, "beta > 0", lambda *, beta, **_: beta > 0),
    ),
    references=("Salehi, Erdogmus & Gholipour 2017, arXiv:1706.05721",),
    equivalents=(
        same(
            "keras",
            "keras.losses.Tversky(alpha=beta, beta=alpha, axis=1)(y_true, y_pred)",
            unlike("it adds 1e-7 to the divisor alone, as for empty masks", 1.0, y_true=[[0, 0]], y_pred=[[0, 0]]),
            shapes={"y_true": "N,K"},
            rtol=1e-5,
        ),
        same(
            "optax",
            "optax.losses.dice_loss(y_pred[..., None], y_true[..., None], alpha=alpha, beta=beta, smooth=smooth)",
            shapes={"y_true": "N,K"},
            from_logits=True,
        ),
        same(
            "sklearn",
            "1 - sklearn.metrics.fbeta_score(y_true, y_pred, beta=(beta / alpha) ** 0.5, average='samples')",
            shapes={"y_true": "N,K"},
            data="predictions 0 and 1",
            condition="alpha + beta == 1",
            smooth=0.0,
        ),
    ),
)
def tversky(
    y_true: SoftLabel,
    y_pred: Probability,
    *,
    alpha: NonNegative = 0.5,
    beta: NonNegative = 0.5,
    smooth: NonNegative = 1e-7,
    from_logits: Boolean = False,
) -> Array:
    """Dice with weights alpha for false positives and beta for false negatives.

    Each row is a mask. alpha = beta = 0.5 is dice with twice the smooth.
    Use: segmentation when a missed object is worse than a false one (beta above alpha).
    Avoid: masks that may be empty.
    Pitfalls: Keras exchanges alpha and beta.
    """
    return tversky_value(overlap(y_true, y_pred, from_logits), alpha, beta, smooth)[:, 0]


@tversky.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, beta: float, smooth: float, from_logits: bool) -> Array:
    """(w' (I + smooth) - y w) / (I + w + smooth)², w = alpha FP + beta FN, w' = alpha (1-y) - beta y;
    from logits times p (1-p)"""
    sums = overlap(y_true, y_pred, from_logits)
    return by_prediction(tversky_slope(sums, alpha, beta, smooth), sums, y_pred, from_logits)


@overlap_loss(
    aliases=("hamming_loss", "汉明损失", "海明损失"),
    formula="fraction of labels with [p >= threshold] != y",
    properties=Property.BOUNDED_VALUE,
    elicits="the more likely value of each label",
    references=("Hamming 1950, doi:10.1002/j.1538-7305.1950.tb00463.x",),
    equivalents=(
        same("sklearn", "sklearn.metrics.hamming_loss(y_true, y_pred >= threshold)", shapes={"y_true": "N,K"}),
        same(
            "torchmetrics",
            "torchmetrics.classification.MultilabelHammingDistance(y_pred.shape[1], threshold)(y_pred, y_true.long())",
            unlike("it counts p > threshold as 1", 0.5, y_true=[[1, 0]], y_pred=[[0.5, 0.0]]),
            shapes={"y_true": "N,K"},
        ),
    ),
)
def hamming(y_true: AnyLabel, y_pred: PredictedLabel, *, threshold: UnitInterval = 0.5) -> Array:
    """The share of a row's labels that are wrong after thresholding.

    Predicted labels, integers or names, are compared as they are.
    Use: several labels per row that count separately.
    Avoid: rare labels: never predicting them is nearly perfect.
    Pitfalls: it has no gradient; a probability equal to the threshold counts as 1.
    """
    return wrong_labels(y_true, y_pred, threshold).astype(np.float64)


def wrong_labels(y_true: Array, y_pred: Array, threshold: float) -> Mask:
    """Return a mask of wrong labels: probabilities become the labels 0 and 1, other labels are compared as they are."""
    if is_within_unit(y_true) and is_within_unit(y_pred):
        return np.asarray((y_pred >= threshold) != (y_true == 1))
    predicted = np.where(is_beyond(y_pred), y_pred, y_pred >= threshold)
    observed = np.maximum(y_true, 0.0) if reads_signs(y_true, y_pred) else y_true
    wrong: Mask = predicted != observed
    return wrong


def is_within_unit(values: Array) -> bool:
    """Tell whether all numbers are in [0, 1]."""
    return bool(values.size and values.min() >= 0 and values.max() <= 1)


def is_beyond(values: Array, low: float = 0.0) -> Mask:
    """Return a mask of numbers that are neither probabilities nor the labels 0 and 1."""
    return (values < low) | (values > 1)


def reads_signs(y_true: Array, y_pred: Array) -> bool:
    """Tell whether labels are -1 and 1, and predictions probabilities or labels 0 and 1."""
    is_signed = y_true.size and y_true.min() == -1 and y_true.max() <= 1 and not (y_true == 0).any()
    return bool(is_signed and y_pred.min() >= 0 and y_pred.max() <= 1)


@hamming.validate
def _(y_true: Array, y_pred: Array, *, threshold: float) -> Iterator[Refusal | Conflict]:
    """Check that all predictions are probabilities, or all are labels; labels 0 and 1 may be either."""
    yield from pixels(y_true, y_pred)
    if is_within_unit(y_true) and is_within_unit(y_pred):
        share = (y_pred[:FEW_ROWS] > 0) & (y_pred[:FEW_ROWS] < 1)
        share = share if share.any() else (y_pred > 0) & (y_pred < 1)
        beyond = other = minus = np.zeros(y_true.shape, dtype=bool)
    else:
        share = (y_pred > 0) & (y_pred < 1)
        beyond, other, minus = is_beyond(y_pred), is_beyond(y_true, low=-1.0), y_true == -1
    signs = minus & reads_signs(y_true, y_pred)
    late = "is not a label, though others are integers beyond 0 and 1, or names"
    if beyond.any() and is_within_unit(y_true):
        yield Refusal("y_pred", y_pred < -1, "is neither a probability nor a label", Hint.GIVE_SIGMOIDS)
    if threshold == 0:
        yield Refusal("y_pred", beyond, "is not in [0, 1], and threshold=0 takes no labels")
    yield Conflict("y_pred", beyond, "is not in [0, 1]", "y_pred", share, late, Hint.GIVE_SIGMOIDS)
    yield Conflict(
        "y_true", other, "is not a label 0 or 1, which probabilities go with", "y_pred", share, late, Hint.GIVE_LABELS
    )
    mixed = "stands beside 0: labels are {0, 1} or {-1, 1}, not both"
    yield Conflict("y_true", minus & ~signs, mixed, "y_pred", share, f"is not a label, though a label {mixed}")
    if signs.any() or (y_true == 0).any() or beyond.any():
        signs &= y_pred != 1  # where the reading matters
        yield Conflict("y_true", signs, mixed, "y_true", y_true == 0, mixed.replace("0", "-1", 1))
        yield Conflict("y_true", signs, f"{mixed} (y_pred)", "y_pred", beyond, "stands beside 0 for the label -1")


def pixels(y_true: Array, y_pred: Array) -> Iterator[Refusal]:
    """Yield refusals of masks of 0 and 255 beside masks of 0 and 1."""
    for role, values, others in (("y_true", y_true, y_pred), ("y_pred", y_pred, y_true)):
        if values.max(initial=0.0) == 255 and others.max() <= 1 and np.isin(values, (0, 255)).all():
            yield Refusal(role, values == 255, "is not in [0, 1]", Hint.DIVIDE_BY_255)


@overlap_loss(
    aliases=("error_rate", "misclassification_rate", "0-1 损失", "零一损失", "错误率", "误分类率"),
    formula="1 where [p >= threshold] != y, or where argmax_c s_c != y",
    properties=Property.BOUNDED_VALUE,
    elicits="the most likely value",
    equivalents=(
        same(
            "sklearn",
            "sklearn.metrics.zero_one_loss(y_true, y_pred >= threshold)",
            shapes={"y_true": "N", "y_pred": "N"},
        ),
        same(
            "sklearn",
            "sklearn.metrics.zero_one_loss(y_true, y_pred.argmax(axis=1))",
            shapes={"y_true": "N", "y_pred": "N,C"},
        ),
    ),
    references=("Hastie, Tibshirani & Friedman 2009, doi:10.1007/978-0-387-84858-7, sect. 2.4",),
)
def zero_one(y_true: AnyLabel, y_pred: PredictedLabel, *, threshold: UnitInterval = 0.5) -> Array:
    """The share of wrong rows: 1 minus the accuracy.

    A row of several labels is wrong if any label is. For a class label and a row of C probabilities or scores, the
    class with the highest score counts (the first of equals), without a threshold. Predicted labels, integers or names,
    are compared as they are.
    Use: the error rate of a classifier.
    Avoid: classes of very different size; training (it has no gradient).
    Pitfalls: a probability equal to the threshold counts as 1; the confidence of wrong predictions has no effect.
    """
    wrong = wrong_labels(y_true, y_pred, threshold)
    return np.asarray(wrong.reshape(len(wrong), -1).any(axis=1), dtype=np.float64)


zero_one.share_hooks(hamming, "validate")


@zero_one.form
def _(y_true: ClassLabel, y_pred: Scores) -> Array:
    return np.not_equal(y_pred.argmax(axis=1), y_true).astype(np.float64)


@overlap_loss(
    aliases=("asl", "非对称损失", "不对称损失"),
    formula="-y (1-p)^gamma_pos log p - (1-y) q^gamma_neg log(1-q), q = max(p - clip, 0)",
    unit="nat",
    properties=Property.NONE,
    claims=(
        CLIPPED,
        given(Property.BOUNDED_GRADIENT, from_logits=True),
        Claim(Property.DIFFERENTIABLE, "gamma_neg > 0", lambda *, gamma_neg, **_: gamma_neg > 0),
        given(Property.DIFFERENTIABLE, clip=0),
    ),
    references=("Ridnik et al. 2021, arXiv:2009.14119",),
    equivalents=(("paper", "its code takes logits and sums over labels; here labels are averaged per row"),),
)
def asymmetric(
    y_true: SoftLabel,
    y_pred: Probability,
    *,
    gamma_pos: NonNegative = 1.0,
    gamma_neg: NonNegative = 4.0,
    clip: UnitInterval = 0.05,
    from_logits: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """A focal loss that reduces easy negatives more than positives and ignores those below clip.

    Use: many labels per row, where few are on.
    Avoid: when probabilities must be calibrated: it is not a proper score.
    Pitfalls: negatives below clip have a gradient of 0, so that mislabelled ones have no influence (by design).
    """
    log_p, p, rest, shifted = asymmetric_parts(y_pred, clip, from_logits, eps)
    positive = weigh(rest**gamma_pos, log_p)
    negative = weigh(shifted**gamma_neg, clipped_log_complement(shifted, eps))
    if from_logits and clip == 0:
        negative = weigh(p**gamma_neg, -softplus(y_pred))
    return -(weigh(y_true, positive) + weigh(1 - y_true, negative)) + 0.0


def asymmetric_parts(y_pred: Array, clip: float, from_logits: bool, eps: float) -> tuple[Array, Array, Array, Array]:
    """Return log p, p, 1 - p and max(p - clip, 0)."""
    if from_logits:
        p = sigmoid(y_pred)
        return -softplus(-y_pred), p, sigmoid(-y_pred), np.maximum(p - clip, 0.0)
    return clipped_log(y_pred, eps), y_pred, 1 - y_pred, np.maximum(y_pred - clip, 0.0)


@asymmetric.gradient
def _(
    y_true: Array, y_pred: Array, *, gamma_pos: float, gamma_neg: float, clip: float, from_logits: bool, eps: float
) -> Array:
    """(1-y) q^g (1/(1-q) - g log(1-q)/q) - y (1-p)^h (1/p - h log p/(1-p)), g = gamma_neg, h = gamma_pos;
    from logits times p (1-p)"""
    log_p, p, rest, shifted = asymmetric_parts(y_pred, clip, from_logits, eps)
    scale = p * rest if from_logits else 1.0
    fall = gamma_pos * weigh(rest ** (gamma_pos - 1) * scale, log_p) if gamma_pos else 0.0
    rise = rest**gamma_pos * (rest if from_logits else 1 / p)
    positive = np.where(from_logits | (p >= eps), np.where(rest == 0, 0.0, fall) - rise, 0.0)
    left = 1 - shifted
    log_left = -softplus(y_pred) if from_logits and clip == 0 else clipped_log_complement(shifted, eps)
    slow = gamma_neg * weigh(shifted ** (gamma_neg - 1) * scale, log_left) if gamma_neg else 0.0
    steep = shifted**gamma_neg * (p if from_logits and clip == 0 else scale / left)
    above = (shifted > 0) | (clip == 0)
    negative = np.where(above & (from_logits | (left >= eps)), steep - np.where(shifted == 0, 0.0, slow), 0.0)
    return weigh(y_true, positive) + weigh(1 - y_true, negative)


@asymmetric.clipped
def _(y_true: Array, y_pred: Array, *, clip: float, from_logits: bool, eps: float) -> Mask:
    if from_logits:
        return np.zeros(y_pred.shape, dtype=bool)
    return is_clipped(y_true, y_pred, eps) if clip == 0 else (y_true > 0) & (y_pred < eps)
