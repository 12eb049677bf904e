"""Boxes: whether four numbers per row are boxes, how they are written, and how predicted ones meet the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.declaration.domains.boxes import BOX_PARTS

MIN_ROWS_OF_BOXES = 10
"""Rows of four numbers without names that are taken for boxes only if all of them are ordered as corners are."""

MIN_MEDIAN_IOU = 0.1
"""Overlap of half of the rows above which such numbers are boxes: other numbers hardly meet."""


class BoxOverlap(NamedTuple):
    """How predicted boxes meet the true ones; `iou` is that of each row (n,), shares are of rows.

    Of `nested` rows one box holds the other, so that nothing between them is empty.
    """

    iou: Array
    disjoint: float
    nested: float
    sides: tuple[float, float]


def corners_of(boxes: Array, box_format: str) -> Array:
    """Return boxes (n, 4) as x1, y1, x2, y2."""
    if box_format == "xyxy":
        return boxes
    first = boxes[:, :2] - (boxes[:, 2:] / 2 if box_format == "cxcywh" else 0.0)
    return np.hstack([first, first + boxes[:, 2:]])


def measure_overlap(y_true: Array, y_pred: Array, box_format: str, weight: Array | None) -> BoxOverlap:
    """Return how boxes (n, 4) of a format meet."""
    true, pred = (corners_of(boxes, box_format) for boxes in (y_true, y_pred))
    sides = np.maximum(np.minimum(true[:, 2:], pred[:, 2:]) - np.maximum(true[:, :2], pred[:, :2]), 0.0)
    shared = sides.prod(axis=1)
    areas = [np.maximum(c[:, 2:] - c[:, :2], 0.0).prod(axis=1) for c in (true, pred)]
    union = areas[0] + areas[1] - shared
    with np.errstate(all="ignore"):
        iou = np.where(union > 0, shared / union, 0.0)
    inside = [
        (outer[:, :2] <= inner[:, :2]).all(axis=1) & (outer[:, 2:] >= inner[:, 2:]).all(axis=1)
        for outer, inner in ((true, pred), (pred, true))
    ]
    size = true[:, 2:] - true[:, :2]
    low, high = np.quantile(size, [0.05, 0.95])
    share = [float(np.average(mask, weights=weight)) for mask in (iou == 0, inside[0] | inside[1])]
    return BoxOverlap(iou, share[0], share[1], (float(low), float(high)))


def are_corners(boxes: Array) -> bool:
    """Return whether the last two of the numbers of each row are above the first two."""
    return bool((boxes[:, 2:] > boxes[:, :2]).all())


def look_like_boxes(y_true: Array, y_pred: Array, names: Sequence[str]) -> bool:
    """Return whether numbers (n, 4) without names of their own must be boxes x1, y1, x2, y2: by order and overlap."""
    known = {part for several in BOX_PARTS.values() for names in several.split() for part in names.split(",")}
    if y_true.shape != y_pred.shape or y_true.shape[1:] != (4,) or len(y_true) < MIN_ROWS_OF_BOXES:
        return False
    if any(not name.isdigit() and name.lower() not in known for name in names):
        return False
    if not (are_corners(y_true) and are_corners(y_pred)):
        return False
    return float(np.median(measure_overlap(y_true, y_pred, "xyxy", None).iou)) > MIN_MEDIAN_IOU


def guess_format(y_true: Array, y_pred: Array, box_format: str) -> str:
    """Return how boxes (n, 4) are written, whose names say so (`box_format`), or leave it open (empty).

    Names such as x, y, w, h leave open whether x, y is a corner or the centre: it is the centre if boxes within [0, 1]
    would leave it otherwise, as those of YOLO would.
    """
    both = np.vstack([y_true, y_pred])
    if not box_format:
        box_format = "xyxy" if are_corners(y_true) and are_corners(y_pred) else "xywh"
    if box_format != "xywh" or both.min() < 0 or both.max() > 1:
        return box_format
    by_centre = corners_of(y_true, "cxcywh")
    is_outside = corners_of(y_true, "xywh").max() > 1
    return "cxcywh" if is_outside and by_centre.min() >= 0 and by_centre.max() <= 1 else "xywh"
