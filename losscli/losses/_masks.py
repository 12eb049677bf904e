"""Sums over the pixels of masks, written so that nearly perfect masks keep their digits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Claim, Property
from losscli.losses._numerics import both_probabilities
from losscli.losses._symbols import PROBABILITY

SMOOTH_WITH_SMOOTH = Claim(Property.DIFFERENTIABLE, "smooth > 0", lambda *, smooth, **_: smooth > 0)
"""For smooth=0 the loss of two empty masks is discontinuous."""

COUNTS = {
    "I": "sum y p",
    "FP": "sum (1 - y) p",
    "FN": "sum y (1 - p)",
    "'": "the derivative by p",
    "c": "a class",
    "s": "y_pred, the logit or the scores",
}

MASK_SYMBOLS = PROBABILITY | COUNTS

LOVASZ = {
    "m": "the error of a pixel; m_(k) are those of a row, the largest first",
    "k": "the place of a pixel among them",
    "J": "J_k = k / (pixels of the object + other pixels among the first k), J_0 = 0",
}
"""Symbols of losses of sorted errors."""


class Overlap(NamedTuple):
    """Masks, a row each, and their sums (N, 1): of y p, of (1 - y) p and of y (1 - p)."""

    y: Array
    p: Array
    q: Array
    both: Array
    false_positive: Array
    false_negative: Array


def as_masks(values: Array) -> Array:
    """Return values as rows of pixels (N, P)."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def overlap(y_true: Array, y_pred: Array, from_logits: bool) -> Overlap:
    """Return the overlap of masks; one number per row is a mask of one pixel."""
    y, x = as_masks(y_true), as_masks(y_pred)
    p, q = both_probabilities(x, from_logits)
    sums = ((a * b).sum(axis=1, keepdims=True) for a, b in ((y, p), (1 - y, p), (y, q)))
    return Overlap(y, p, q, *sums)


def ratio_or_zero(wrong: Array, total: Array) -> Array:
    """Compute wrong / total; 0/0 is 0."""
    return np.where(total > 0, wrong / total, 0.0)


def tversky_value(sums: Overlap, alpha: float, beta: float, smooth: float) -> Array:
    """Compute the tversky loss (N, 1)."""
    wrong = alpha * sums.false_positive + beta * sums.false_negative
    return ratio_or_zero(wrong, sums.both + wrong + smooth)


def tversky_slope(sums: Overlap, alpha: float, beta: float, smooth: float) -> Array:
    """Compute the slope (N, P) of the tversky loss by p: (w' (I + smooth) - y w) / (I + w + smooth)²."""
    wrong = alpha * sums.false_positive + beta * sums.false_negative
    total = sums.both + wrong + smooth
    rise = alpha * (1 - sums.y) - beta * sums.y
    return ratio_or_zero((rise * (sums.both + smooth) - sums.y * wrong) / total, total)


def dice_value(sums: Overlap, smooth: float) -> Array:
    """Compute the dice loss (N, 1)."""
    wrong = sums.false_positive + sums.false_negative
    return ratio_or_zero(wrong, 2 * sums.both + wrong + smooth)


def dice_slope(sums: Overlap, smooth: float) -> Array:
    """Compute the slope (N, P) of the dice loss by p."""
    both = 2 * sums.both + smooth
    total = both + sums.false_positive + sums.false_negative
    return ratio_or_zero(both / total - 2 * sums.y, total)


def by_prediction(slope: Array, sums: Overlap, y_pred: Array, from_logits: bool) -> Array:
    """Convert a slope by p to one by y_pred, in the shape of y_pred."""
    return (slope * sums.p * sums.q if from_logits else slope).reshape(y_pred.shape)


def lovasz_weights(errors: Array, in_object: Mask, counted: Mask | None = None) -> Array:
    """Return J_k - J_(k-1) for each pixel (N, P), k its place among the errors of its row, the largest first.

    J_k is the Jaccard loss of the object if the first k pixels are wrong. Pixels that are not counted come last.
    """
    order = np.argsort(-errors if counted is None else np.where(counted, -errors, np.inf), axis=1, kind="stable")
    hit = np.take_along_axis(in_object, order, axis=1)
    found = hit.cumsum(axis=1)
    size = found[:, -1:]
    union = (size + np.arange(1, order.shape[1] + 1) - found).astype(np.float64)
    # the difference of k / (size + others) in closed form: it does not cancel, and no term is negative
    other = np.where(union > 1, (size - found) / (union * (union - 1)), 1.0)
    weights = np.empty(errors.shape)
    np.put_along_axis(weights, order, np.where(hit, 1 / union, other), axis=1)
    return weights
