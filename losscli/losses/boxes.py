"""Losses of axis-aligned boxes: their overlap, and penalties that also apply to disjoint boxes.

Nearly equal numbers are never subtracted: lengths are differences of the given edges, and areas outside the overlap
are computed from lengths outside it, so that similar boxes keep full precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Boolean, Box, BoxFormat, BoxPenalty, FinitePositive, Mask
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Ordering, Property, given
from losscli.losses._numerics import two_sum, weigh

BOUNDED = Property.BOUNDED_VALUE | Property.SYMMETRIC
EDGE_SIGNS = np.array([-1.0, 1.0])[:, None, None]
"""d (length of a box) / d (its low edge, its high edge)"""

Edge = tuple[Array, Array]
"""An unevaluated sum of two floats."""


class BoxPair(NamedTuple):
    """True and predicted boxes of each row, both axes side by side (N, 2); lengths are relative to the enclosing box.

    `around` is the size of the enclosing box; `true`, `pred` and `inside` are the sizes of the boxes and their overlap;
    `low` and `high` are the offsets of the predicted edges from the true ones; `apart` is the gap between the boxes;
    `wider` is how much wider and higher the predicted box is.
    """

    around: Array
    true: Array
    pred: Array
    inside: Array
    low: Array
    high: Array
    apart: Array
    wider: Array


def subtract_edges(a: Edge, b: Edge) -> Array:
    """Compute a - b."""
    high, low = two_sum(a[0], -b[0])
    return high + (low + (a[1] - b[1]))


def edges(boxes: Array, box_format: str) -> tuple[Edge, Edge]:
    """Return the low and high edges of boxes."""
    first, second = boxes[:, :2], boxes[:, 2:]
    exact = np.zeros_like(first)
    if box_format == "xyxy":
        return (first, exact), (second, exact)
    if box_format == "xywh":
        return (first, exact), two_sum(first, second)
    return two_sum(first, -second / 2), two_sum(first, second / 2)


def compare_boxes(y_true: Array, y_pred: Array, box_format: str) -> BoxPair:
    """Compare the boxes of each row."""
    (t0, t1), (p0, p1) = edges(y_true, box_format), edges(y_pred, box_format)
    spans = [subtract_edges(high, low) for high, low in ((t1, t0), (p1, p0), (p1, t0), (t1, p0))]
    around, inside = np.maximum.reduce(spans), np.minimum.reduce(spans)
    offsets = subtract_edges(p0, t0), subtract_edges(p1, t1)
    lengths = (
        *spans[:2],
        np.maximum(inside, 0.0),
        *offsets,
        np.maximum(-inside, 0.0),
        growth(y_true, y_pred, box_format),
    )
    return BoxPair(around, *(divide_or_zero(length, around) for length in lengths))


def growth(y_true: Array, y_pred: Array, box_format: str) -> Array:
    """Compute the width and height of the predicted box minus those of the true one."""
    if box_format != "xyxy":
        return y_pred[:, 2:] - y_true[:, 2:]
    true, pred = (two_sum(boxes[:, 2:], -boxes[:, :2]) for boxes in (y_true, y_pred))
    return subtract_edges(pred, true)


def divide_or_zero(a: Array, b: Array) -> Array:
    """Compute a / b for b >= a, with x/0 = 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)


def lengths_outside(pair: BoxPair) -> tuple[Array, Array]:
    """Return the lengths of the true and the predicted box outside their overlap."""
    true = np.maximum(pair.low, 0) + np.maximum(-pair.high, 0)
    pred = np.maximum(-pair.low, 0) + np.maximum(pair.high, 0)
    return np.minimum(true, pair.true), np.minimum(pred, pair.pred)


def areas(pair: BoxPair) -> tuple[Array, Array]:
    """Return the area of the intersection I and the rest of the union, U - I."""
    lost, added = lengths_outside(pair)
    rest = lost[:, 0] * pair.true[:, 1] + pair.inside[:, 0] * lost[:, 1]
    rest = rest + added[:, 0] * pair.pred[:, 1] + pair.inside[:, 0] * added[:, 1]
    return pair.inside.prod(axis=1), rest


def are_same(pair: BoxPair) -> Mask:
    """Return a mask of rows with equal boxes."""
    return (pair.low == 0).all(axis=1) & (pair.high == 0).all(axis=1)


def center_shift(pair: BoxPair) -> tuple[Array, Array]:
    """Return the offset of the centers and the size of the enclosing box, relative to its diagonal: (N, 2)."""
    diagonal = np.hypot(pair.around[:, 0], pair.around[:, 1])[:, None]
    sides = divide_or_zero(pair.around, diagonal)
    return (pair.low + pair.high) / 2 * sides, sides


# Slopes are by the low and high edges of the prediction, (2, N, 2), multiplied by `around`. Where two edges coincide,
# the slope is the mean of both sides, so it is 0 for equal boxes.


def one_minus_iou(pair: BoxPair) -> Array:
    """Compute 1 - IoU."""
    both, rest = areas(pair)
    return np.where(both + rest > 0, divide_or_zero(rest, both + rest), np.where(are_same(pair), 0.0, 1.0))


def overlap_slopes(pair: BoxPair) -> tuple[Array, Array]:
    """Compute the slopes of the intersection and of the union."""
    step = np.stack([-np.heaviside(pair.low, 0.5), np.heaviside(-pair.high, 0.5)])
    both = step * (pair.inside > 0) * pair.inside[:, ::-1]
    return both, EDGE_SIGNS * pair.pred[:, ::-1] - both


def one_minus_iou_slope(pair: BoxPair) -> Array:
    """Compute (I U' - U I') / U²."""
    both, rest = areas(pair)
    union = (both + rest)[:, None]
    more, wider = overlap_slopes(pair)
    return np.where(union > 0, (both[:, None] / union * wider - more) / union, 0.0)


def enclosing_slope(pair: BoxPair) -> Array:
    """Compute Cw', Ch'."""
    return np.stack([-np.heaviside(-pair.low, 0.5), np.heaviside(pair.high, 0.5)])


def empty_share(pair: BoxPair) -> Array:
    """Compute (C - U) / C, the share of the enclosing box that is in neither box."""
    lost, added = lengths_outside(pair)
    corners = (lost * added[:, ::-1]).sum(axis=1)
    gaps = pair.apart[:, 0] + pair.apart[:, 1] * (1 - pair.apart[:, 0])
    return np.where(np.all(pair.around > 0, axis=1), corners + gaps, 0.0)


def empty_share_slope(pair: BoxPair) -> Array:
    """Compute (U C' - C U') / C²."""
    both, rest = areas(pair)
    slope = (both + rest)[:, None] * enclosing_slope(pair) - overlap_slopes(pair)[1]
    return np.where(np.all(pair.around > 0, axis=1, keepdims=True), slope, 0.0)


def center_distance(pair: BoxPair) -> Array:
    """Compute rho² / c²: the squared distance of the centers relative to the squared enclosing diagonal."""
    return np.square(center_shift(pair)[0]).sum(axis=1)


def center_distance_slope(pair: BoxPair) -> Array:
    """Compute ((rho²)' - (rho²/c²) (c²)') / c²."""
    shift, sides = center_shift(pair)
    return shift * sides - 2 * center_distance(pair)[:, None] * np.square(sides) * enclosing_slope(pair)


def size_difference(pair: BoxPair) -> Array:
    """Compute (w - w')² / Cw² + (h - h')² / Ch²."""
    return np.square(pair.high - pair.low).sum(axis=1)


def size_difference_slope(pair: BoxPair) -> Array:
    """Compute 2 q (w' - q Cw') / Cw, q = (w - w')/Cw."""
    growth = pair.high - pair.low
    return 2 * growth * (EDGE_SIGNS - growth * enclosing_slope(pair))


def aspect_penalty(pair: BoxPair) -> Array:
    """Compute v = 4/pi² (atan(w/h) - atan(w'/h'))²; a point has the ratio 0."""
    return np.square(angle_difference(pair) * 2 / np.pi)


def angle_difference(pair: BoxPair) -> Array:
    """Compute atan(w/h) - atan(w'/h'), of boxes that are nearly of one shape from the differences of their sides."""
    true, pred, wider = (side * center_shift(pair)[1] for side in (pair.true, pair.pred, pair.wider))
    far = np.arctan2(true[:, 0], true[:, 1]) - np.arctan2(pred[:, 0], pred[:, 1])
    size = np.hypot(true[:, 0], true[:, 1])[:, None]
    true, pred, wider = (divide_or_zero(side, size) for side in (true, pred, wider))
    near = np.arctan2(true[:, 0] * wider[:, 1] - true[:, 1] * wider[:, 0], (true * pred).sum(axis=1))
    return np.where((np.abs(wider) < 0.5).all(axis=1) & (size[:, 0] > 0), near, far)


def aspect_penalty_slope(pair: BoxPair) -> Array:
    """Compute -8/pi² turn (h' dw' - w' dh') / (w'² + h'²)."""
    sides = center_shift(pair)[1]
    pred = pair.pred * sides
    diagonal = np.hypot(pred[:, 0], pred[:, 1])[:, None]
    falling = np.array([-1.0, 1.0]) * divide_or_zero(divide_or_zero(pred[:, ::-1], diagonal) * sides, diagonal)
    return 8 / np.pi**2 * angle_difference(pair)[:, None] * falling * EDGE_SIGNS


def aspect_weight(pair: BoxPair) -> Array:
    """Compute v / (1 - IoU + v)."""
    v = aspect_penalty(pair)
    return divide_or_zero(v, one_minus_iou(pair) + v)


def gradient_by_format(slope: Array, pair: BoxPair, box_format: str) -> Array:
    """Convert a gradient by edges to one by the numbers of the box format."""
    low, high = divide_or_zero(slope, np.broadcast_to(pair.around, slope.shape))
    if box_format == "xyxy":
        return np.hstack([low, high])
    return np.hstack([low + high, high if box_format == "xywh" else (high - low) / 2])


BOXES = {
    "I": "the area of the intersection",
    "U": "the area of the union",
    "IoU": "I/U",
    "C": "the area of the box around both",
    "rho": "the distance of the centers",
    "c": "the diagonal of the box around both",
    "w": "the width of a box",
    "h": "the height of a box",
    "Cw": "the width of the box around both",
    "Ch": "the height of the box around both",
    "iou": "the loss of this name",
    "diou": "the loss of this name",
    "'": "the derivative by a coordinate of y_pred",
}

box_loss = partial(loss, family="boxes", unit="1", properties=BOUNDED, symbols=BOXES)


@box_loss(
    aliases=("交并比损失", "IoU 损失"),
    formula="1 - IoU, IoU = I/U; log: -log IoU",
    properties=Property.SYMMETRIC,
    claims=(given(Property.BOUNDED_VALUE, log=False),),
    references=("Yu et al. 2016 (UnitBox), arXiv:1608.01471", "Jaccard 1912, doi:10.1111/j.1469-8137.1912.tb05611.x"),
    equivalents=(
        same(
            "torch",
            "1 - torchvision.ops.box_iou(y_pred, y_true).diag()",
            unlike("boxes of no area", math.nan, y_true=[[1, 1, 1, 1]], y_pred=[[1, 1, 1, 1]]),
        ),
    ),
)
def iou(y_true: Box, y_pred: Box, *, box_format: BoxFormat = "xyxy", log: Boolean = False) -> Array:
    """One minus the intersection over union of two boxes; with log, the negative logarithm of it.

    Equal boxes give exactly 0, disjoint boxes 1 (with log: inf).
    Use: reporting box quality in the terms used for matching detections.
    Avoid: training with disjoint boxes: there is no gradient (giou, diou).
    Pitfalls: four numbers look the same in every format: sizes read as corners may give a value without an error.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    if not log:
        return one_minus_iou(pair)
    both, rest = areas(pair)
    return np.where(both > 0, np.log1p(rest / both), np.where(are_same(pair), 0.0, np.inf))


@iou.gradient
def _(y_true: Array, y_pred: Array, *, box_format: str, log: bool) -> Array:
    """(I U' - U I') / U² by the edges, through box_format; log: U'/U - I'/I"""
    pair = compare_boxes(y_true, y_pred, box_format)
    if not log:
        return gradient_by_format(one_minus_iou_slope(pair), pair, box_format)
    both, rest = (area[:, None] for area in areas(pair))
    more, wider = overlap_slopes(pair)
    return gradient_by_format(np.where(both > 0, wider / (both + rest) - more / both, 0.0), pair, box_format)


@box_loss(
    aliases=("广义交并比损失", "GIoU 损失"),
    formula="1 - IoU + (C - U)/C",
    references=("Rezatofighi et al. 2019, arXiv:1902.09630",),
    equivalents=(
        same("torch", "torchvision.ops.generalized_box_iou_loss(y_pred, y_true, eps=0)"),
        same(
            "torch",
            "torchvision.ops.generalized_box_iou_loss(y_pred, y_true)",
            unlike(
                "it adds eps=1e-7 to both divisors, which matters for boxes of 1e-3 units",
                0.52381,
                y_true=[[0, 0, 0.001, 0.001]],
                y_pred=[[0, 0, 0.001, 0.002]],
            ),
            rtol=1e-5,
        ),
    ),
)
def giou(y_true: Box, y_pred: Box, *, box_format: BoxFormat = "xyxy") -> Array:
    """Generalised IoU: 1 - IoU plus the empty share of the enclosing box.

    From 0 to 2; above 1 for disjoint boxes.
    Use: box regression with boxes that may be disjoint.
    Avoid: boxes inside one another: nothing is empty, so it equals iou.
    Pitfalls: disjoint boxes first grow towards each other before they move.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    return one_minus_iou(pair) + empty_share(pair)


@giou.gradient
def _(y_true: Array, y_pred: Array, *, box_format: str) -> Array:
    """that of iou, and (U C' - C U') / C²"""
    pair = compare_boxes(y_true, y_pred, box_format)
    return gradient_by_format(one_minus_iou_slope(pair) + empty_share_slope(pair), pair, box_format)


@box_loss(
    aliases=("距离交并比损失", "DIoU 损失"),
    formula="1 - IoU + rho²/c²",
    references=("Zheng et al. 2020, arXiv:1911.08287",),
    equivalents=(
        same("torch", "torchvision.ops.distance_box_iou_loss(y_pred, y_true, eps=0)"),
        same(
            "torch",
            "torchvision.ops.distance_box_iou_loss(y_pred, y_true)",
            unlike(
                "it adds eps=1e-7 to both divisors, which matters for boxes of 1e-3 units",
                0.572829,
                y_true=[[0, 0, 0.001, 0.001]],
                y_pred=[[0, 0, 0.001, 0.002]],
            ),
            rtol=1e-5,
        ),
    ),
)
def diou(y_true: Box, y_pred: Box, *, box_format: BoxFormat = "xyxy") -> Array:
    """Distance IoU: 1 - IoU plus the normalised distance of the centers.

    From 0 to 2.
    Use: box regression; disjoint boxes move straight towards each other.
    Avoid: when shape matters once the centers agree (ciou, eiou).
    Pitfalls: the diagonal grows with the distance, so the slope goes to 0 for distant boxes.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    return one_minus_iou(pair) + center_distance(pair)


@diou.gradient
def _(y_true: Array, y_pred: Array, *, box_format: str) -> Array:
    """that of iou, and ((rho²)' - (rho²/c²) (c²)') / c²"""
    pair = compare_boxes(y_true, y_pred, box_format)
    return gradient_by_format(one_minus_iou_slope(pair) + center_distance_slope(pair), pair, box_format)


@box_loss(
    aliases=("完全交并比损失", "完整交并比损失", "CIoU 损失"),
    formula="diou + alpha v, v = 4/pi² (atan(w_true/h_true) - atan(w_pred/h_pred))², alpha = v/(1 - IoU + v)",
    references=("Zheng et al. 2020, arXiv:1911.08287",),
    equivalents=(
        same(
            "torch",
            "torchvision.ops.complete_box_iou_loss(y_pred, y_true)",
            unlike(
                "its gradient holds alpha constant",
                [[0.0550952, 0.124905, -0.610095, -0.124905]],
                gradient=True,
                y_true=[[0, 0, 2, 1]],
                y_pred=[[0, 0, 1, 1]],
            ),
            unlike(
                "it adds eps=1e-7 to divisors, which matters for boxes of 1e-3 units",
                0.575941,
                y_true=[[0, 0, 0.001, 0.001]],
                y_pred=[[0, 0, 0.001, 0.002]],
            ),
            rtol=1e-5,
        ),
    ),
)
def ciou(y_true: Box, y_pred: Box, *, box_format: BoxFormat = "xyxy") -> Array:
    """Complete IoU: diou plus a penalty on the difference of aspect ratios.

    A box without extent has the ratio 0. The gradient belongs to the value: alpha is not held constant.
    Use: box regression when shape matters.
    Avoid: when size matters: a box of twice the width and height has the same ratio (eiou).
    Pitfalls: frameworks hold alpha constant in training, so their gradient is not the derivative of the value.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    return one_minus_iou(pair) + center_distance(pair) + aspect_weight(pair) * aspect_penalty(pair)


@ciou.gradient
def _(y_true: Array, y_pred: Array, *, box_format: str) -> Array:
    """that of diou, and alpha (2 - alpha) v' - alpha² (1 - IoU)'"""
    pair = compare_boxes(y_true, y_pred, box_format)
    a, overlap = aspect_weight(pair)[:, None], one_minus_iou_slope(pair)
    slope = (1 - np.square(a)) * overlap + center_distance_slope(pair) + a * (2 - a) * aspect_penalty_slope(pair)
    return gradient_by_format(slope, pair, box_format)


@box_loss(
    aliases=("EIoU 损失",),
    formula="diou + (w_pred - w_true)²/Cw² + (h_pred - h_true)²/Ch²",
    references=("Zhang et al. 2021, arXiv:2101.08158",),
    equivalents=(("paper", "the same; its Focal-EIoU weighs it by a power of IoU"),),
)
def eiou(y_true: Box, y_pred: Box, *, box_format: BoxFormat = "xyxy") -> Array:
    """Efficient IoU: diou plus penalties on the differences of width and height.

    From 0 to 4.
    Use: box regression when width and height must both be right.
    Avoid: reporting: it adds four terms of different kinds.
    Pitfalls: the paper trains with Focal-EIoU, which weights this by a power of IoU.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    return one_minus_iou(pair) + center_distance(pair) + size_difference(pair)


@eiou.gradient
def _(y_true: Array, y_pred: Array, *, box_format: str) -> Array:
    """that of diou, and 2 q (w' - q Cw') / Cw by width and by height, q = (w_pred - w_true)/Cw"""
    pair = compare_boxes(y_true, y_pred, box_format)
    return gradient_by_format(
        one_minus_iou_slope(pair) + center_distance_slope(pair) + size_difference_slope(pair), pair, box_format
    )


def one_minus_power_of_iou(pair: BoxPair, alpha: float) -> Array:
    """Compute 1 - IoU^alpha."""
    both, rest = areas(pair)
    return np.where(both > 0, -np.expm1(-alpha * np.log1p(rest / both)), np.where(are_same(pair), 0.0, 1.0))


def power_slope(base: Array, slope: Array, alpha: float) -> Array:
    """Compute the slope of base^alpha; 0 where the base is 0, unless it is the base itself."""
    rate = np.where((base > 0) | (alpha == 1), alpha * base ** (alpha - 1), 0.0)
    return weigh(slope, np.broadcast_to(rate[:, None], slope.shape))


def aspect_trade_off(pair: BoxPair) -> Array:
    """Compute v² / (1 - IoU + v), what ciou adds to diou."""
    return aspect_weight(pair) * aspect_penalty(pair)


def aspect_trade_off_slope(pair: BoxPair) -> Array:
    """Compute a (2 - a) v' - a² (1 - IoU)', a = v / (1 - IoU + v)."""
    a = aspect_weight(pair)[:, None]
    return a * (2 - a) * aspect_penalty_slope(pair) - np.square(a) * one_minus_iou_slope(pair)


BoxTerm = tuple[Callable[[BoxPair], Array], Callable[[BoxPair], Array]]
"""A term of a loss, and its slope."""

PENALTY_TERMS: dict[str | None, tuple[BoxTerm, ...]] = {
    None: (),
    "giou": ((empty_share, empty_share_slope),),
    "diou": ((center_distance, center_distance_slope),),
    "ciou": ((center_distance, center_distance_slope), (aspect_trade_off, aspect_trade_off_slope)),
}
"""penalty of alpha_iou -> the terms that are added to 1 - IoU, each to the power of alpha."""


@box_loss(
    aliases=("α-IoU 损失",),
    formula="1 - IoU^alpha; penalty=giou: + ((C - U)/C)^alpha; diou: + (rho²/c²)^alpha; ciou: that of diou and "
    "+ (beta v)^alpha, beta = v/(1 - IoU + v)",
    symbols=BOXES
    | {
        "giou": "the loss of this name",
        "ciou": "the loss of this name",
        "v": "4/pi² (atan(w_true/h_true) - atan(w_pred/h_pred))²",
        "P": "a term of the penalty, before its power",
    },
    references=("He et al. 2021, arXiv:2110.13675",),
    equivalents=(
        same("torch", "1 - torchvision.ops.box_iou(y_pred, y_true).diag() ** alpha"),
        ("paper", "the same; its code adds 1e-7 or 1e-9 to divisors and powers, and holds beta constant in training"),
    ),
)
def alpha_iou(
    y_true: Box, y_pred: Box, *, alpha: FinitePositive = 3.0, penalty: BoxPenalty = None, box_format: BoxFormat = "xyxy"
) -> Array:
    """One minus a power of the IoU, and powers of the penalties of giou, diou or ciou.

    alpha=1 is iou, giou, diou or ciou. The gradient belongs to the value: beta is not held constant.
    Use: box regression that is judged at high IoU; alpha above 1 gives good boxes steeper slopes.
    Avoid: reporting: values of different alpha are not comparable.
    Pitfalls: with alpha above 1 boxes that hardly overlap have hardly any gradient.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    return sum((term(pair) ** alpha for term, _ in PENALTY_TERMS[penalty]), one_minus_power_of_iou(pair, alpha))


@alpha_iou.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, penalty: str | None, box_format: str) -> Array:
    """-alpha IoU^(alpha-1) IoU', and alpha P^(alpha-1) P' of each penalty P"""
    pair = compare_boxes(y_true, y_pred, box_format)
    both, rest = areas(pair)
    total = power_slope(divide_or_zero(both, both + rest), one_minus_iou_slope(pair), alpha)
    for term, slope in PENALTY_TERMS[penalty]:
        total = total + power_slope(term(pair), slope(pair), alpha)
    return gradient_by_format(total, pair, box_format)


@alpha_iou.orders_like
def _(*, alpha: float, penalty: str | None, box_format: str) -> Ordering | None:
    if alpha != 1:
        return None
    return (penalty, {"box_format": box_format}) if penalty else ("iou", {"box_format": box_format, "log": False})


def angle_term(pair: BoxPair) -> tuple[Array, Array]:
    """Return Lambda = 2 |dx dy| / (dx² + dy²), and its slope (N, 2) by dx and dy; 0 for equal centers."""
    shift, sides = center_shift(pair)
    distance = np.hypot(shift[:, 0], shift[:, 1])[:, None]
    x = divide_or_zero(np.abs(shift), distance)
    rise = np.sign(shift) * 2 * x[:, ::-1] * (np.square(x[:, ::-1]) - np.square(x))
    return 2 * x.prod(axis=1), np.divide(rise * sides, distance, out=np.zeros_like(rise), where=distance > 0)


def relative_growth(pair: BoxPair) -> Array:
    """Compute omega = |w - w'| / max(w, w') of both sides."""
    return divide_or_zero(np.abs(pair.wider), np.maximum(pair.true, pair.pred))


@box_loss(
    aliases=("scylla_iou", "SIoU 损失"),
    formula="1 - IoU + (Delta + Omega)/2; Delta = sum over x and y of 1 - exp(-(2 - Lambda) q²), q = dx/Cw or dy/Ch, "
    "Lambda = 2 |dx dy|/(dx² + dy²); Omega = sum over w and h of (1 - exp(-omega))^theta, "
    "omega = |w_true - w_pred|/max(w_true, w_pred)",
    symbols=BOXES
    | {
        "x": "the horizontal axis",
        "y": "the vertical axis",
        "dx": "the distance of the centers along x",
        "dy": "their distance along y",
    },
    references=("Gevorgyan 2022, arXiv:2205.12740",),
    equivalents=(
        same(
            "mmdet",
            "mmdet.models.losses.SIoULoss(eps=1e-7, neg_gamma=True)(y_pred, y_true)",
            unlike("it cuts a loss at 2", 2.0, y_true=[[0, 0, 0.001, 0.0001]], y_pred=[[100, 1, 100.1, 1.01]]),
            rtol=1e-5,
        ),
    ),
)
def siou(y_true: Box, y_pred: Box, *, theta: FinitePositive = 4.0, box_format: BoxFormat = "xyxy") -> Array:
    """SCYLLA-IoU: 1 - IoU plus penalties on the direction and distance of the centers and on the shape.

    From 0 to 3. A distance costs most along an axis, and half as much in its exponent along a diagonal.
    Use: box regression in which centers should first move onto an axis of the true box.
    Avoid: reporting: it adds four terms of different kinds.
    Pitfalls: implementations differ in the angle term; theta is between 2 and 6 in the paper.
    """
    pair = compare_boxes(y_true, y_pred, box_format)
    apart = np.square((pair.low + pair.high) / 2)
    pull = 2 - angle_term(pair)[0][:, None]
    distance = -np.expm1(-pull * apart)
    shape = (-np.expm1(-relative_growth(pair))) ** theta
    return one_minus_iou(pair) + (distance + shape).sum(axis=1) / 2


@siou.gradient
def _(y_true: Array, y_pred: Array, *, theta: float, box_format: str) -> Array:
    """that of iou, and half of sum exp(-(2 - Lambda) q²) ((2 - Lambda) 2 q q' - Lambda' q²) and of
    sum theta (1 - exp(-omega))^(theta-1) exp(-omega) omega'"""
    pair = compare_boxes(y_true, y_pred, box_format)
    q = (pair.low + pair.high) / 2
    angle, turn = angle_term(pair)
    pull = 2 - angle[:, None]
    fall = np.exp(-pull * np.square(q))
    distance = fall * pull * 2 * q * (0.5 - q * enclosing_slope(pair))
    distance = distance - turn / 2 * (fall * np.square(q)).sum(axis=1, keepdims=True)
    omega = relative_growth(pair)
    base = -np.expm1(-omega)
    rise = np.where(pair.wider > 0, pair.true / np.square(pair.pred), np.where(pair.wider < 0, -1 / pair.true, 0.0))
    rate = np.where(base > 0, theta * base ** (theta - 1) * np.exp(-omega), 0.0)
    slope = one_minus_iou_slope(pair) + (distance + EDGE_SIGNS * weigh(rate, rise)) / 2
    return gradient_by_format(slope, pair, box_format)
