"""Losses of boxes once more, in mpmath, straight from the papers' formulas: corners, areas, quotients."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import Reference, by_row

Box = list


def corners(box: Box, box_format: str) -> Box:
    a, b, c, d = box
    if box_format == "xyxy":
        return box
    if box_format == "xywh":
        return [a, b, a + c, b + d]
    return [a - c / 2, b - d / 2, a + c / 2, b + d / 2]


def ratio(a: mpf, b: mpf) -> mpf:
    """a / b, 0 where that is 0/0"""
    return mpf(0) if a == 0 else mp.inf if b == 0 else a / b


def overlap(t: Box, p: Box) -> tuple[mpf, mpf]:
    """Intersection and union."""
    both = max(mpf(0), min(t[2], p[2]) - max(t[0], p[0])) * max(mpf(0), min(t[3], p[3]) - max(t[1], p[1]))
    area = [(b[2] - b[0]) * (b[3] - b[1]) for b in (t, p)]
    return both, area[0] + area[1] - both


def iou(t: Box, p: Box) -> mpf:
    both, union = overlap(t, p)
    return both / union if union else mpf(t == p)


def around(t: Box, p: Box) -> tuple[mpf, mpf]:
    return max(t[2], p[2]) - min(t[0], p[0]), max(t[3], p[3]) - min(t[1], p[1])


def diou(t: Box, p: Box) -> mpf:
    w, h = around(t, p)
    shift = [(p[i] + p[i + 2] - t[i] - t[i + 2]) / 2 for i in (0, 1)]
    return 1 - iou(t, p) + ratio(shift[0] ** 2 + shift[1] ** 2, w**2 + h**2)


def giou(t: Box, p: Box) -> mpf:
    w, h = around(t, p)
    return 1 - iou(t, p) + ratio(w * h - overlap(t, p)[1], w * h)


def ciou(t: Box, p: Box) -> mpf:
    angles = [mp.atan(ratio(b[2] - b[0], b[3] - b[1])) for b in (t, p)]
    v = 4 / mp.pi**2 * (angles[0] - angles[1]) ** 2
    return diou(t, p) + (v / (1 - iou(t, p) + v) * v if v else 0)


def eiou(t: Box, p: Box) -> mpf:
    w, h = around(t, p)
    wider, higher = (t[2] - t[0] - p[2] + p[0], t[3] - t[1] - p[3] + p[1])
    return diou(t, p) + ratio(wider, w) ** 2 + ratio(higher, h) ** 2


def power(base: mpf, exponent: float) -> mpf:
    return base ** mpf(exponent) if base else mpf(0)


def alpha_iou(t: Box, p: Box, alpha: float, penalty: str | None) -> mpf:
    loss, overlapping = 1 - power(iou(t, p), alpha), 1 - iou(t, p)
    if penalty == "giou":
        loss += power(giou(t, p) - overlapping, alpha)
    if penalty in ("diou", "ciou"):
        loss += power(diou(t, p) - overlapping, alpha)
    return loss + power(ciou(t, p) - diou(t, p), alpha) if penalty == "ciou" else loss


def siou(t: Box, p: Box, theta: float) -> mpf:
    d = [(p[i] + p[i + 2] - t[i] - t[i + 2]) / 2 for i in (0, 1)]
    angle = ratio(2 * abs(d[0] * d[1]), d[0] ** 2 + d[1] ** 2)
    distance = mp.fsum(-mp.expm1(-(2 - angle) * ratio(x, c) ** 2) for x, c in zip(d, around(t, p), strict=True))
    sides = [(t[i + 2] - t[i], p[i + 2] - p[i]) for i in (0, 1)]
    shape = mp.fsum(power(-mp.expm1(-ratio(abs(a - b), max(a, b))), theta) for a, b in sides)
    return 1 - iou(t, p) + (distance + shape) / 2


def boxes(f: Callable[..., mpf]) -> Reference:
    def row(t: Box, p: Box, box_format: str, log: bool = False, **params: object) -> mpf:
        t, p = corners(t, box_format), corners(p, box_format)
        if not log:
            return 1 - iou(t, p) if f is iou else f(t, p, **params)
        return mp.inf if iou(t, p) == 0 else -mp.log(iou(t, p))

    return by_row(row, "y_true", "y_pred")


REFERENCE: dict[str, Reference] = {
    "iou": boxes(iou),
    "giou": boxes(giou),
    "diou": boxes(diou),
    "ciou": boxes(ciou),
    "eiou": boxes(eiou),
    "alpha_iou": boxes(alpha_iou),
    "siou": boxes(siou),
}

CORNERS = {
    "y_true": [
        [0, 0, 2, 3], [0, 0, 2, 3], [0, 0, 2, 3], [0, 0, 2, 3], [0, 0, 2, 3], [0, 0, 2, 3], [0, 0, 2, 3],
        [1000, 1000, 1001, 1001.5], [-1e6, 5, 1e6, 6], [1e-9, 2e-9, 3e-9, 5e-9], [1e9, 1e9, 1e9 + 1, 1e9 + 3],
        [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 3], [1, 1, 1, 3], [1, 1, 4, 1], [1, 1, 1, 1], [0, 0, 4, 4], [0, 0, 4, 4],
        [0, 0, 1e-200, 2e-200], [0, 0, 1e200, 3e200], [0, 0, 1, 1], [0, 0, 4, 4], [1, 1, 3, 1],
    ],
    "y_pred": [
        [0, 0, 2, 3], [1e-9, 0, 2 + 1e-9, 3], [-1e-9, -2e-9, 2, 3], [1e-12, 1e-12, 2, 3 - 1e-12], [2, 3, 4, 5],
        [2 - 1e-12, 3 - 1e-12, 4, 5], [1e9, 1e9, 1e9 + 1, 1e9 + 1],
        [1000 + 1e-9, 1000, 1001, 1001.5 - 1e-9], [-1e6, 5, 1e6 - 1e-6, 6], [2e-9, 2e-9, 3e-9, 6e-9],
        [1e9 + 0.5, 1e9, 1e9 + 1, 1e9 + 2],
        [1, 1, 1, 1], [2, 2, 2, 2], [1, 1, 1, 3], [1, 2, 1, 5], [1, 3, 4, 3], [0, 0, 2, 2], [1, 1, 2, 3], [2, 2, 2, 2],
        [0, 0, 2e-200, 2e-200], [0, 1e200, 1e200, 3e200], [1e8, 1e8, 2e8, 3e8], [1, 1, 1, 2], [3, 1, 6, 1],
    ],
}  # fmt: skip
SIZES = {
    "y_true": [[1000, 1000, 0.5, 0.7], [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [1e6, -1e6, 3, 3], [5, 5, 0, 0]],
    "y_pred": [
        [1000, 1000, 0.5 + 1e-9, 0.7], [1e-9, 0, 1, 1 + 1e-12], [0.4 - 1e-12, 0.2, 0.3, 0.4],
        [1e6, -1e6 + 1e-6, 3, 3 + 1e-9], [5, 5, 0, 0],
    ],
}  # fmt: skip
EXTREMES = {
    name: [({}, CORNERS), ({"box_format": "xywh"}, SIZES), ({"box_format": "cxcywh"}, SIZES)] for name in REFERENCE
}
EXTREMES["iou"].append(({"log": True}, CORNERS))
EXTREMES["iou"] += [({"log": True, "box_format": style}, SIZES) for style in ("xywh", "cxcywh")]
PENALTIES = (None, "giou", "diou", "ciou")
EXTREMES["alpha_iou"] = [
    ({"alpha": a, "penalty": penalty}, CORNERS) for penalty in PENALTIES for a in (0.1, 1.0, 3.0, 40.0)
] + [({"penalty": penalty, "box_format": "cxcywh"}, SIZES) for penalty in PENALTIES]
EXTREMES["siou"] += [({"theta": theta}, CORNERS) for theta in (0.1, 1.0, 2.0)]
EXTREMES["siou"] += [({"theta": 0.1, "box_format": style}, SIZES) for style in ("xywh", "cxcywh")]
