"""Losses of the overlap of two masks: further ones beside dice and tversky."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import (
    Array,
    Boolean,
    FinitePositive,
    NonNegative,
    Probability,
    Real,
    SignLabel,
    SoftLabel,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.losses._masks import (
    LOVASZ,
    MASK_SYMBOLS,
    SMOOTH_WITH_SMOOTH,
    as_masks,
    by_prediction,
    dice_slope,
    dice_value,
    lovasz_weights,
    overlap,
    tversky_slope,
    tversky_value,
)
from losscli.losses._numerics import weigh
from losscli.losses._symbols import SIGN

mask_loss = partial(loss, family="binary", unit="1", symbols=MASK_SYMBOLS)


@mask_loss(
    aliases=("soft_jaccard", "soft_iou", "iou_mask", "杰卡德损失"),
    formula="1 - (I + smooth) / (sum y + sum p - I + smooth)",
    properties=Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    claims=(SMOOTH_WITH_SMOOTH,),
    references=(
        "Rahman & Wang 2016, doi:10.1007/978-3-319-50835-1_22",
        "Jaccard 1912, doi:10.1111/j.1469-8137.1912.tb05611.x",
    ),
    equivalents=(
        same(
            "sklearn",
            "1 - sklearn.metrics.jaccard_score(y_true, y_pred, average='samples')",
            shapes={"y_true": "N,K"},
            data="predictions 0 and 1",
            smooth=0.0,
        ),
        same(
            "monai",
            "monai.losses.DiceLoss(sigmoid=from_logits, jaccard=True, smooth_nr=2 * smooth, "
            "smooth_dr=2 * smooth)(y_pred[:, None], y_true[:, None])",
            shapes={"y_true": "N,K"},
        ),
        ("others", "segmentation_models_pytorch: JaccardLoss(mode='binary') of one mask, with eps=0; it pools several"),
    ),
)
def jaccard(
    y_true: SoftLabel, y_pred: Probability, *, smooth: NonNegative = 1e-7, from_logits: Boolean = False
) -> Array:
    """One minus the Jaccard index (IoU) of two masks: their overlap relative to their union.

    Each row is a mask. It is tversky with alpha = beta = 1, and 2 D / (1 + D) of the dice loss D for smooth=0.
    Use: segmentation that is judged by its IoU.
    Avoid: masks that may be empty: the loss is then 0 or nearly 1 for any smooth.
    Pitfalls: the mean over rows is not the loss of all pixels together, which some libraries compute; iou is of boxes.
    """
    return tversky_value(overlap(y_true, y_pred, from_logits), 1.0, 1.0, smooth)[:, 0]


@jaccard.gradient
def _(y_true: Array, y_pred: Array, *, smooth: float, from_logits: bool) -> Array:
    """((1-y) (I + smooth) - y U) / U², U = sum y + sum p - I + smooth; from logits times p (1-p)"""
    sums = overlap(y_true, y_pred, from_logits)
    return by_prediction(tversky_slope(sums, 1.0, 1.0, smooth), sums, y_pred, from_logits)


jaccard.orders_like(lambda **params: ("tversky", {"alpha": 1.0, "beta": 1.0} | params))


@mask_loss(
    aliases=("ftl", "焦点Tversky损失"),
    formula="T^(1/gamma), T = 1 - (I + smooth) / (I + alpha FP + beta FN + smooth)",
    symbols=MASK_SYMBOLS | {"T": "the tversky loss"},
    properties=Property.BOUNDED_VALUE,
    claims=(
        given(Property.BOUNDED_GRADIENT, from_logits=True),
        Claim(
            Property.BOUNDED_GRADIENT,
            "gamma <= 1, and smooth > 0 or beta > 0",
            lambda *, gamma, smooth, beta, **_: gamma <= 1 and max(smooth, beta) > 0,
        ),
    ),
    references=("Abraham & Khan 2019, arXiv:1810.07842",),
    equivalents=(
        ("paper", "it swaps the two: its alpha=0.7 weighs false negatives, which is beta here"),
        (
            "others",
            "segmentation_models_pytorch: TverskyLoss(mode='binary', alpha=alpha, beta=beta, "
            "gamma=1/gamma) of one mask, with eps=0 and the same "
            "smooth: its gamma is the exponent; it pools several masks",
        ),
    ),
)
def focal_tversky(
    y_true: SoftLabel,
    y_pred: Probability,
    *,
    alpha: NonNegative = 0.3,
    beta: NonNegative = 0.7,
    gamma: FinitePositive = 4 / 3,
    smooth: NonNegative = 1e-7,
    from_logits: Boolean = False,
) -> Array:
    """A power of the tversky loss: masks that are nearly right keep a large gradient for gamma above 1.

    Each row is a mask. alpha weighs false positives, beta false negatives. gamma = 1 is tversky.
    Use: small objects, when training stalls on masks that are almost right.
    Avoid: label errors at the borders: the last wrong pixels pull without limit.
    Pitfalls: where the loss is 0 the slope is infinite for gamma above 1; the gradient there is 0.
    """
    return tversky_value(overlap(y_true, y_pred, from_logits), alpha, beta, smooth)[:, 0] ** (1 / gamma)


@focal_tversky.gradient
def _(
    y_true: Array, y_pred: Array, *, alpha: float, beta: float, gamma: float, smooth: float, from_logits: bool
) -> Array:
    """T^(1/gamma - 1) T' / gamma, T' as of tversky; from logits times p (1-p)"""
    sums = overlap(y_true, y_pred, from_logits)
    value = tversky_value(sums, alpha, beta, smooth)
    steep = np.where(value > 0, value ** (1 / gamma - 1), 0.0) / gamma
    return by_prediction(steep * tversky_slope(sums, alpha, beta, smooth), sums, y_pred, from_logits)


focal_tversky.orders_like(lambda *, gamma, **params: ("tversky", params) if gamma == 1 else None)


@mask_loss(
    aliases=("logcosh_dice", "对数双曲余弦Dice损失"),
    formula="log cosh D, D = 1 - (2 I + smooth) / (sum y + sum p + smooth)",
    symbols=MASK_SYMBOLS | {"D": "the dice loss"},
    properties=Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    claims=(SMOOTH_WITH_SMOOTH,),
    references=("Jadon 2020, arXiv:2006.14822",),
    equivalents=(("paper", "its code sets smooth=1 and pools all masks of a batch"),),
)
def log_cosh_dice(
    y_true: SoftLabel, y_pred: Probability, *, smooth: NonNegative = 1e-7, from_logits: Boolean = False
) -> Array:
    """The log cosh of the dice loss: about half its square, so that masks which are nearly right count little.

    Each row is a mask.
    Use: in place of dice, where a smooth minimum helps.
    Avoid: a score to report: its scale, 0 to 0.43, is no share of pixels.
    Pitfalls: the mean is moved by poor masks more than that of dice.
    """
    small = dice_value(overlap(y_true, y_pred, from_logits), smooth)[:, 0]
    return np.log1p(2 * np.square(np.sinh(small / 2)))


@log_cosh_dice.gradient
def _(y_true: Array, y_pred: Array, *, smooth: float, from_logits: bool) -> Array:
    """tanh(D) D', D' as of dice; from logits times p (1-p)"""
    sums = overlap(y_true, y_pred, from_logits)
    slope = np.tanh(dice_value(sums, smooth)) * dice_slope(sums, smooth)
    return by_prediction(slope, sums, y_pred, from_logits)


@mask_loss(
    aliases=("lovasz", "Lovász铰链损失"),
    formula="sum_k m_(k) (J_k - J_(k-1)), m = max(1 - y s, 0)",
    symbols=SIGN | LOVASZ,
    properties=Property.CONVEX | Property.BOUNDED_GRADIENT,
    references=("Berman, Rannen Triki & Blaschko 2018, arXiv:1705.08790",),
    equivalents=(
        (
            "others",
            "segmentation_models_pytorch: LovaszLoss(mode='binary', per_image=True), which rounds labels to single "
            "precision",
        ),
    ),
)
def lovasz_hinge(y_true: SignLabel, y_pred: Real) -> Array:
    """A convex bound of the Jaccard loss of a mask: hinge errors, weighted by what each adds to it.

    Each row is a mask; y_pred holds scores, of which those above 0 are the object. An empty mask costs its largest
    error.
    Use: training for the IoU of each mask, from scores.
    Avoid: probabilities, whose errors all stay near 1.
    Pitfalls: pixels beyond the margin have no gradient; some libraries pool the masks of a batch by default.
    """
    errors, _, weights = hinge_errors(y_true, y_pred)
    return weigh(weights, errors).sum(axis=1)


def hinge_errors(y_true: Array, y_pred: Array) -> tuple[Array, Array, Array]:
    """Return max(1 - y s, 0), y and the weight of each pixel, as rows (N, P)."""
    y, s = as_masks(y_true), as_masks(y_pred)
    errors = np.maximum(1 - y * s, 0)
    return errors, y, lovasz_weights(errors, y > 0)


@lovasz_hinge.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-y (J_k - J_(k-1)) where m > 0"""
    errors, y, weights = hinge_errors(y_true, y_pred)
    return np.where(errors > 0, -y * weights, 0.0).reshape(y_pred.shape)
