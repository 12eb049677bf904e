"""Losses of the overlap of class masks: a class for each pixel of a row."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import (
    Array,
    Boolean,
    ClassesCounted,
    IgnoreIndex,
    Mask,
    NonNegative,
    OverlapWeighting,
    PixelClasses,
    PixelLabel,
    PixelTarget,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._class_masks import (
    CLASS_MASK_SYMBOLS,
    ClassOverlap,
    by_class_prediction,
    class_overlap,
    class_probabilities,
    class_shares,
    pixel_mask,
    rows_with_pixels,
)
from losscli.losses._classes import Targets
from losscli.losses._masks import LOVASZ, SMOOTH_WITH_SMOOTH, lovasz_weights, ratio_or_zero

NOT_NORMALIZED = (given(Property.BOUNDED_GRADIENT, normalize=False), given(Property.BOUNDED_GRADIENT, from_logits=True))
"""The slope of numbers that are divided by their sum is divided, too, and a sum may be close to 0."""

class_mask_loss = partial(loss, family="multiclass", unit="1", symbols=CLASS_MASK_SYMBOLS)


@class_mask_loss(
    aliases=("mc_dice", "多类Dice损失"),
    formula="mean over classes of 1 - (2 I_c + smooth) / (sum y_c + sum p_c + smooth)",
    properties=Property.BOUNDED_VALUE,
    claims=(SMOOTH_WITH_SMOOTH, *NOT_NORMALIZED),
    references=("Milletari, Navab & Ahmadi 2016 (V-Net), arXiv:1606.04797",),
    equivalents=(
        same(
            "monai",
            "monai.losses.DiceLoss(softmax=from_logits, smooth_nr=smooth, smooth_dr=smooth)"
            "(y_pred.transpose(1, 2), y_true.transpose(1, 2))",
            shapes={"y_true": "N,P,C"},
        ),
        (
            "others",
            "segmentation_models_pytorch: DiceLoss(mode='multiclass') counts 0 for a class that "
            "no target of the batch has, and pools the batch",
        ),
    ),
)
def multiclass_dice(
    y_true: PixelTarget,
    y_pred: PixelClasses,
    *,
    smooth: NonNegative = 1e-7,
    classes: ClassesCounted = "all",
    from_logits: Boolean = False,
    normalize: Boolean = False,
    ignore_index: IgnoreIndex = None,
) -> Array:
    """The dice loss of each class of a mask, averaged over the classes.

    Each row is a mask of P pixels, flattened; y_pred has C probabilities for each. With classes=present only classes
    that have a true pixel in the row count.
    Use: segmentation into classes that count alike, however small.
    Avoid: classes that most masks lack, with classes=all: a trace of one costs nearly 1/C.
    Pitfalls: the mean is over the rows' losses; libraries that pool the pixels of a batch give another number.
    """
    sums = class_overlap(y_true, y_pred, from_logits, normalize, ignore_index)
    return (class_shares(sums.observed, classes) * ratio_or_zero(sums.wrong, total_of(sums, smooth))).sum(axis=1)


def total_of(sums: ClassOverlap, smooth: float) -> Array:
    """Compute sum y_c + sum p_c + smooth."""
    return 2 * sums.both + sums.wrong + smooth


@multiclass_dice.gradient
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    smooth: float,
    classes: str,
    from_logits: bool,
    normalize: bool,
    ignore_index: int | None,
) -> Array:
    """((2 I_c + smooth) / T_c - 2 y_c) / T_c over C, T_c = sum y_c + sum p_c + smooth; from logits by s"""
    sums = class_overlap(y_true, y_pred, from_logits, normalize, ignore_index)
    total = total_of(sums, smooth)
    share = class_shares(sums.observed, classes)
    fall = ratio_or_zero(2 * share, total)[:, None]
    slope = ratio_or_zero(share * (2 * sums.both + smooth) / total, total)[:, None] - fall * sums.y
    return by_class_prediction(slope, sums.p, y_pred, sums.counted, from_logits, normalize)


@multiclass_dice.row_mask
def _(y_true: Targets, y_pred: Array, *, ignore_index: int | None) -> Mask | None:
    """a pixel of it is not ignore_index"""
    return rows_with_pixels(y_true, ignore_index)


@class_mask_loss(
    aliases=("gdl", "广义Dice损失"),
    formula="1 - (2 sum_c w_c I_c + smooth) / (sum_c w_c (sum y_c + sum p_c) + smooth)",
    symbols=CLASS_MASK_SYMBOLS
    | {"w": "1/(sum y_c)², 1/sum y_c (weighting=simple) or 1 (uniform); the largest of a row for classes it lacks"},
    properties=Property.BOUNDED_VALUE | Property.DIFFERENTIABLE,
    claims=NOT_NORMALIZED,
    references=("Sudre et al. 2017, arXiv:1707.03237",),
    equivalents=(
        same(
            "monai",
            "monai.losses.GeneralizedDiceLoss(softmax=from_logits, w_type=weighting, smooth_nr=smooth, "
            "smooth_dr=smooth)(y_pred.transpose(1, 2), y_true.transpose(1, 2))",
            shapes={"y_true": "N,P,C"},
            rtol=1e-6,
        ),
    ),
)
def generalized_dice(
    y_true: PixelTarget,
    y_pred: PixelClasses,
    *,
    weighting: OverlapWeighting = "square",
    smooth: NonNegative = 0.0,
    from_logits: Boolean = False,
    normalize: Boolean = False,
    ignore_index: IgnoreIndex = None,
) -> Array:
    """The dice loss of all classes together, in which small classes have larger weights.

    Each row is a mask of P pixels, flattened; y_pred has C probabilities for each. The weight of a class is one over
    the square of its true pixels in the row.
    Use: segmentation of classes of very different size.
    Avoid: masks with classes of a few pixels: these alone make the loss.
    Pitfalls: a class that a mask lacks has the weight of the smallest that it has; smooth is added to sums with
    weights, next to which 1e-5 is not small.
    """
    sums = class_overlap(y_true, y_pred, from_logits, normalize, ignore_index)
    weights, added = overlap_weights(sums.observed, weighting, smooth)
    wrong = (weights * sums.wrong).sum(axis=1)
    return ratio_or_zero(wrong, 2 * (weights * sums.both).sum(axis=1) + wrong + added)


def overlap_weights(observed: Array, weighting: str, smooth: float) -> tuple[Array, Array]:
    """Return the weights of classes (N, C), divided by the largest of the row, and smooth divided by it (N,)."""
    if weighting == "uniform":
        return np.ones(observed.shape), np.full(len(observed), smooth)
    power = 2 if weighting == "square" else 1
    least = np.where(observed > 0, observed, np.inf).min(axis=1)
    least = np.where(np.isinf(least), 1.0, least)
    weights = np.where(observed > 0, least[:, None] / observed, 1.0)
    return weights**power, smooth * least**power


@generalized_dice.gradient
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    weighting: str,
    smooth: float,
    from_logits: bool,
    normalize: bool,
    ignore_index: int | None,
) -> Array:
    """w_c (B / T - 2 y_c) / T, B = 2 sum_c w_c I_c + smooth, T = sum_c w_c (sum y_c + sum p_c) + smooth;
    from logits by s"""
    sums = class_overlap(y_true, y_pred, from_logits, normalize, ignore_index)
    weights, added = overlap_weights(sums.observed, weighting, smooth)
    both = 2 * (weights * sums.both).sum(axis=1) + added
    total = both + (weights * sums.wrong).sum(axis=1)
    scale = ratio_or_zero(weights, total[:, None])[:, None]
    slope = scale * (ratio_or_zero(both, total)[:, None, None] - 2 * sums.y)
    return by_class_prediction(slope, sums.p, y_pred, sums.counted, from_logits, normalize)


generalized_dice.share_hooks(multiclass_dice, "row_mask")


@class_mask_loss(
    aliases=("Lovász-Softmax损失",),
    formula="mean over classes of sum_k m_(k) (J_k - J_(k-1)), m = 1 - p_t where t = c, else p_c",
    symbols=CLASS_MASK_SYMBOLS | LOVASZ | {"p_t": "the probability of the class of a pixel"},
    properties=Property.BOUNDED_VALUE,
    claims=(given(Property.CONVEX, from_logits=False, normalize=False), *NOT_NORMALIZED),
    references=("Berman, Rannen Triki & Blaschko 2018, arXiv:1705.08790",),
    equivalents=(
        (
            "others",
            "segmentation_models_pytorch: LovaszLoss(mode='multiclass', per_image=True, ignore_index=ignore_index) of "
            "classes=present, from logits: "
            "it takes the softmax itself",
        ),
    ),
)
def lovasz_softmax(
    y_true: PixelLabel,
    y_pred: PixelClasses,
    *,
    classes: ClassesCounted = "present",
    from_logits: Boolean = False,
    normalize: Boolean = False,
    ignore_index: IgnoreIndex = None,
) -> Array:
    """The Jaccard loss of each class of a mask, extended to probabilities and averaged over the classes.

    Each row is a mask of P pixels, flattened; y_pred has C probabilities for each. Targets are labels or one-hot. With
    classes=present only classes that have a true pixel in the row count.
    Use: training for the mean IoU of each mask.
    Avoid: soft targets; calibrated probabilities: it is no proper score.
    Pitfalls: the mean of masks is not the loss of all pixels together, which the paper's code computes by default.
    """
    values = np.zeros((len(y_true), y_pred.shape[-1]))
    p, q = class_probabilities(y_pred, from_logits, normalize)
    labels, counted = labels_that_count(y_true, ignore_index)
    share = label_shares(labels, y_pred.shape[-1], classes)
    for c in range(values.shape[1]):
        errors, weights = class_errors(labels, p, q, c, counted)
        values[:, c] = (weights * errors).sum(axis=1)
    return (share * values).sum(axis=1)


def labels_that_count(labels: Targets, ignore_index: int | None) -> tuple[Targets, Mask | None]:
    """Return labels (N, P), -1 where a pixel does not count, and the mask of those that do; None if all do."""
    counted = pixel_mask(labels, ignore_index)
    return (labels, None) if counted is None else (np.where(counted, labels, -1), counted)


def label_shares(labels: Targets, n_classes: int, classes: str) -> Array:
    """Return the share of each class in the mean of a row, by its labels."""
    observed = np.stack([(labels == c).any(axis=1) for c in range(n_classes)], axis=1)
    return class_shares(observed, classes)


def class_errors(labels: Targets, p: Array, q: Array, c: int, counted: Mask | None) -> tuple[Array, Array]:
    """Return the errors of the pixels for a class, and the weight of each (N, P)."""
    is_class = labels == c
    errors = np.where(is_class, q[..., c], p[..., c])
    if counted is not None:
        errors = errors * counted
    return errors, lovasz_weights(errors, is_class, counted)


@lovasz_softmax.gradient
def _(
    y_true: Targets, y_pred: Array, *, classes: str, from_logits: bool, normalize: bool, ignore_index: int | None
) -> Array:
    """J_k - J_(k-1) over the number of classes, with a minus where t = c, k the place of m; from logits by s"""
    p, q = class_probabilities(y_pred, from_logits, normalize)
    labels, counted = labels_that_count(y_true, ignore_index)
    share = label_shares(labels, y_pred.shape[-1], classes)
    slope = np.empty(p.shape)
    for c in range(p.shape[-1]):
        _, weights = class_errors(labels, p, q, c, counted)
        slope[..., c] = np.where(labels == c, -weights, weights) * share[:, c, None]
    return by_class_prediction(slope, p, y_pred, counted, from_logits, normalize)


lovasz_softmax.share_hooks(multiclass_dice, "row_mask")
