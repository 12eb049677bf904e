"""Overlaps of class masks: sums over the pixels of a row, for each class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.losses._classes import Targets, backprop_normalize, backprop_softmax, log_softmax, one_hot, sum_without
from losscli.losses._numerics import cached_per_batch

CLASS_MASK_SYMBOLS = {
    "t": "the class of a pixel",
    "p": "y_pred, or softmax(s)",
    "s": "y_pred, the logits of a pixel",
    "y": "1 for the class of a pixel, else 0, or its target probability",
    "I": "I_c = sum y_c p_c over the pixels",
    "I_c": "sum y_c p_c over the pixels",
    "c": "a class",
    "C": "the number of classes",
    "'": "the derivative by p",
}
"""Symbols of losses of class masks."""


@cached_per_batch
def pixels_as_rows(values: Array) -> Array:
    """Return values (N, P, C) as rows (N P, C), the same array for all losses of a batch."""
    return values.reshape(-1, values.shape[-1])


def pixel_mask(y_true: Targets, ignore_index: int | None) -> Mask | None:
    """Return a mask (N, P) of the pixels whose label is not `ignore_index`; None if all count."""
    return None if y_true.ndim > 2 or ignore_index is None else np.asarray(y_true != ignore_index)


def rows_with_pixels(y_true: Targets, ignore_index: int | None) -> Mask | None:
    """Return a mask of the rows in which a pixel counts; None if all do."""
    counted = pixel_mask(y_true, ignore_index)
    return None if counted is None else np.asarray(counted.any(axis=1))


def class_probabilities(y_pred: Array, from_logits: bool, normalize: bool) -> tuple[Array, Array]:
    """Return p and 1 - p (N, P, C); of logits or sums, 1 - p of the largest p is the sum of the others."""
    if not (from_logits or normalize):
        return y_pred, 1 - y_pred
    rows = pixels_as_rows(y_pred)
    p = np.exp(log_softmax(rows)) if from_logits else rows / rows.sum(axis=-1, keepdims=True)
    q, top = 1 - p, p.argmax(axis=-1, keepdims=True)
    np.put_along_axis(q, top, sum_without(p, top), axis=-1)
    return p.reshape(y_pred.shape), q.reshape(y_pred.shape)


class ClassOverlap(NamedTuple):
    """Class masks (N, P, C), and sums over the pixels of each class (N, C).

    `both` is I_c, `wrong` the sum of (1 - y) p + y (1 - p), `observed` that of y. Pixels that do not count are 0.
    """

    y: Array
    p: Array
    counted: Mask | None
    both: Array
    wrong: Array
    observed: Array


def class_overlap(
    y_true: Targets, y_pred: Array, from_logits: bool, normalize: bool, ignore_index: int | None
) -> ClassOverlap:
    """Return the overlap of the classes of each row."""
    p, q = class_probabilities(y_pred, from_logits, normalize)
    y = y_true
    if y_true.ndim == 2:
        y = one_hot(y_true.ravel(), p.shape[-1], ignore_index).reshape(p.shape)
    counted = pixel_mask(y_true, ignore_index)
    kept = p if counted is None else p * counted[..., None]
    wrong = ((1 - y) * kept).sum(axis=1) + (y * q).sum(axis=1)
    return ClassOverlap(y, p, counted, (y * p).sum(axis=1), wrong, y.sum(axis=1))


def class_shares(observed: Array, classes: str) -> Array:
    """Return the share of each class in the mean of a row (N, C): `all`, or those `present` in its target."""
    if classes == "all":
        return np.full(observed.shape, 1 / observed.shape[1])
    present = observed > 0
    return present / np.maximum(present.sum(axis=1, keepdims=True), 1)


def by_class_prediction(
    slope: Array, p: Array, y_pred: Array, counted: Mask | None, from_logits: bool, normalize: bool
) -> Array:
    """Convert a slope by p (N, P, C) to one by y_pred; that of pixels that do not count is 0."""
    if counted is not None:
        slope = slope * counted[..., None]
    if from_logits:
        return backprop_softmax(slope * p, p)
    return backprop_normalize(slope, p, y_pred.sum(axis=-1, keepdims=True)) if normalize else slope
