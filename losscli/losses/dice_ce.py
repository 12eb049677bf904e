"""The sum of a loss of overlap and the cross-entropy of the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import (
    EPS,
    Array,
    Boolean,
    ClassesCounted,
    Epsilon,
    FiniteNonNegative,
    IgnoreIndex,
    Mask,
    MaskProbability,
    NonNegative,
    PixelClasses,
    PixelTarget,
    SoftMask,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.errors import UsageError
from losscli.losses._class_masks import CLASS_MASK_SYMBOLS, pixel_mask, pixels_as_rows, rows_with_pixels
from losscli.losses._classes import Targets
from losscli.losses._masks import SMOOTH_WITH_SMOOTH, as_masks
from losscli.losses._numerics import weigh
from losscli.losses.binary import PLAIN, bce
from losscli.losses.class_masks import multiclass_dice
from losscli.losses.multiclass import cross_entropy
from losscli.losses.overlap import dice

ENTROPY = cross_entropy.forms[0]
UNWEIGHTED = {"label_smoothing": 0.0, "class_weight": None}
"""What cross_entropy is without its options."""


@loss(
    family="multiclass",
    aliases=("dice_bce", "bce_dice"),
    formula="dice_weight D + ce_weight H",
    unit="1",
    symbols=CLASS_MASK_SYMBOLS
    | {
        "D": "the loss dice, of class masks multiclass_dice",
        "H": "the mean of bce over the pixels, of class masks of cross_entropy",
    },
    properties=Property.NONE,
    claims=(
        SMOOTH_WITH_SMOOTH,
        given(Property.BOUNDED_VALUE, ce_weight=0),
        Claim(
            Property.BOUNDED_VALUE,
            "from_logits=false and eps > 0",
            lambda *, from_logits, eps, **_: not from_logits and eps > 0,
        ),
        given(Property.BOUNDED_GRADIENT, from_logits=True),
        Claim(
            Property.BOUNDED_GRADIENT,
            "normalize=false, and eps > 0 or ce_weight=0",
            lambda *, normalize, eps, ce_weight, **_: not normalize and (eps > 0 or ce_weight == 0),
        ),
    ),
    references=("Isensee et al. 2021 (nnU-Net), doi:10.1038/s41592-020-01008-z",),
    equivalents=(
        same(
            "monai",
            "monai.losses.DiceCELoss(softmax=True, smooth_nr=smooth, smooth_dr=smooth, lambda_dice=dice_weight, "
            "lambda_ce=ce_weight)(y_pred.transpose(1, 2), y_true.transpose(1, 2))",
            shapes={"y_true": "N,P,C"},
            from_logits=True,
        ),
        same(
            "monai",
            "monai.losses.DiceCELoss(sigmoid=True, smooth_nr=smooth, smooth_dr=smooth, lambda_dice=dice_weight, "
            "lambda_ce=ce_weight)(y_pred[:, None], y_true[:, None])",
            shapes={"y_true": "N,P", "y_pred": "N,P"},
            from_logits=True,
        ),
    ),
)
def dice_ce(
    y_true: PixelTarget,
    y_pred: PixelClasses,
    *,
    dice_weight: FiniteNonNegative = 1.0,
    ce_weight: FiniteNonNegative = 1.0,
    smooth: NonNegative = 1e-7,
    classes: ClassesCounted = "all",
    from_logits: Boolean = False,
    normalize: Boolean = False,
    ignore_index: IgnoreIndex = None,
    eps: Epsilon = EPS,
) -> Array:
    """The dice loss of a mask plus the mean cross-entropy of its pixels.

    Each row is a mask of P pixels, flattened. y_pred decides how it is read: (N, P) is a mask of two
    classes (dice and bce), (N, P, C) a class mask (multiclass_dice and cross_entropy). classes, normalize and
    ignore_index are for class masks.
    Use: training of segmentation, the usual choice: dice for the overlap, cross-entropy for steady gradients.
    Avoid: a score to report: it mixes a share with nats.
    Pitfalls: the weights are no shares: dice is at most 1, cross-entropy has no bound.
    """
    parts = {"smooth": smooth, "classes": classes}
    how = {"from_logits": from_logits, "normalize": normalize, "ignore_index": ignore_index}
    overlap = multiclass_dice.forms[0].kernel(y_true, y_pred, **parts, **how)
    entropy = ENTROPY.kernel(labels_as_rows(y_true), pixels_as_rows(y_pred), eps=eps, **how, **UNWEIGHTED)
    share = pixel_shares(y_true, y_pred, ignore_index)
    return mixed(dice_weight, overlap, ce_weight, (share * entropy.reshape(share.shape)).sum(axis=1))


def labels_as_rows(y_true: Targets) -> Targets:
    """Return the targets of pixels as rows: labels (N P,), or (N P, C)."""
    return y_true.ravel() if y_true.ndim == 2 else pixels_as_rows(y_true)


def pixel_shares(y_true: Targets, y_pred: Array, ignore_index: int | None) -> Array:
    """Return the share of each pixel in the mean of its row (N, P)."""
    counted = pixel_mask(y_true, ignore_index)
    if counted is None:
        return np.full(y_pred.shape[:2], 1 / y_pred.shape[1])
    return counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)


def mixed(dice_weight: float, overlap: Array, ce_weight: float, entropy: Array) -> Array:
    """Compute the weighted sum of both losses, or of their gradients."""
    return dice_weight * overlap + weigh(np.asarray(ce_weight), entropy)


@dice_ce.gradient
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    dice_weight: float,
    ce_weight: float,
    smooth: float,
    classes: str,
    from_logits: bool,
    normalize: bool,
    ignore_index: int | None,
    eps: float,
) -> Array:
    """dice_weight D' + ce_weight H'; from logits by s"""
    how = {"from_logits": from_logits, "normalize": normalize, "ignore_index": ignore_index}
    overlap = multiclass_dice.forms[0].hooks["gradient"](y_true, y_pred, smooth=smooth, classes=classes, **how)
    slope_of_entropy = ENTROPY.hooks["gradient"]
    entropy = slope_of_entropy(labels_as_rows(y_true), pixels_as_rows(y_pred), eps=eps, **how, **UNWEIGHTED)
    share = pixel_shares(y_true, y_pred, ignore_index)[..., None]
    return mixed(dice_weight, overlap, ce_weight, share * entropy.reshape(y_pred.shape))


@dice_ce.row_mask
def _(y_true: Targets, y_pred: Array, *, ignore_index: int | None) -> Mask | None:
    """a pixel of it is not ignore_index"""
    return rows_with_pixels(y_true, ignore_index)


@dice_ce.clipped
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    ce_weight: float,
    from_logits: bool,
    normalize: bool,
    ignore_index: int | None,
    eps: float,
) -> Mask:
    if from_logits or ce_weight == 0:
        return np.zeros(len(y_pred), dtype=bool)
    how: dict[str, Any] = {"from_logits": False, "normalize": normalize, "ignore_index": ignore_index, "eps": eps}
    clipped = ENTROPY.hooks["clipped"](labels_as_rows(y_true), pixels_as_rows(y_pred), label_smoothing=0.0, **how)
    return np.asarray(clipped.reshape(y_pred.shape).any(axis=(1, 2)))


@dice_ce.form
def _(
    y_true: SoftMask,
    y_pred: MaskProbability,
    *,
    dice_weight: FiniteNonNegative,
    ce_weight: FiniteNonNegative,
    smooth: NonNegative,
    from_logits: Boolean,
    eps: Epsilon,
) -> Array:
    overlap = dice.forms[0].kernel(y_true, y_pred, smooth=smooth, from_logits=from_logits)
    entropy = bce.forms[0].kernel(y_true, y_pred, from_logits=from_logits, eps=eps, **PLAIN)
    return mixed(dice_weight, overlap, ce_weight, as_masks(entropy).mean(axis=1))


@dice_ce.gradient
def _(
    y_true: Array, y_pred: Array, *, dice_weight: float, ce_weight: float, smooth: float, from_logits: bool, eps: float
) -> Array:
    """dice_weight D' + ce_weight H'; from logits by s"""
    overlap = dice.forms[0].hooks["gradient"](y_true, y_pred, smooth=smooth, from_logits=from_logits)
    entropy = bce.forms[0].hooks["gradient"](y_true, y_pred, from_logits=from_logits, eps=eps, **PLAIN)
    return mixed(dice_weight, overlap, ce_weight, entropy * (len(y_pred) / max(1, y_pred.size)))


@dice_ce.clipped
def _(y_true: Array, y_pred: Array, *, ce_weight: float, from_logits: bool, eps: float) -> Mask:
    how = {"from_logits": from_logits or ce_weight == 0, "label_smoothing": 0.0, "eps": eps}
    clipped: Mask = bce.forms[0].hooks["clipped"](y_true, y_pred, **how)
    return clipped


@dice_ce.validate
def _(y_true: Array, y_pred: Array, *, classes: str, normalize: bool, ignore_index: int | None) -> Iterator[Refusal]:
    """Check that no setting of class masks was given."""
    given_settings = {"classes": classes != "all", "normalize": normalize, "ignore_index": ignore_index is not None}
    for name in (name for name, is_given in given_settings.items() if is_given):
        raise UsageError(f"dice_ce: {name} is for class masks, y_pred (N, P, C)")
    yield from ()


@dice_ce.requires
def _(*, dice_weight: float, ce_weight: float, **_: Any) -> str:
    """dice_weight or ce_weight is above 0"""
    return "dice_weight and ce_weight are both 0" if dice_weight == ce_weight == 0 else ""
