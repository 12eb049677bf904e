"""Losses of masks once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import Reference, Roles, by_row
from tests.reference.sets import MASK_LOGITS, MASKS, dice, tversky


def jaccard(y: object, p: object, smooth: float, from_logits: bool) -> mpf:
    return tversky(y, p, 1.0, 1.0, smooth, from_logits)


def focal_tversky(
    y: object, p: object, alpha: float, beta: float, gamma: float, smooth: float, from_logits: bool
) -> mpf:
    return tversky(y, p, alpha, beta, smooth, from_logits) ** (1 / mpf(gamma))


def log_cosh_dice(y: object, p: object, smooth: float, from_logits: bool) -> mpf:
    return mp.log(mp.cosh(dice(y, p, smooth, from_logits)))


def lovasz(errors: list, in_object: list) -> mpf:
    """The sum over the sorted errors of the Jaccard loss of the first k pixels less that of one pixel fewer."""
    total, before = mpf(0), mpf(0)
    order = sorted(range(len(errors)), key=lambda i: -errors[i])
    for k in range(1, len(order) + 1):
        union = mp.fsum(in_object) + sum(not in_object[i] for i in order[:k])
        total += errors[order[k - 1]] * (k / mpf(union) - before) if errors[order[k - 1]] else mpf(0)
        before = k / mpf(union)
    return total


def lovasz_hinge(y: object, s: object) -> mpf:
    y, s = (x if isinstance(x, list) else [x] for x in (y, s))
    signs = [1 if a == 1 else -1 for a in y]
    return lovasz([max(mpf(0), 1 - a * b) for a, b in zip(signs, s, strict=True)], [a > 0 for a in signs])


REFERENCE: dict[str, Reference] = {
    "jaccard": by_row(jaccard, "y_true", "y_pred"),
    "focal_tversky": by_row(focal_tversky, "y_true", "y_pred"),
    "log_cosh_dice": by_row(log_cosh_dice, "y_true", "y_pred"),
    "lovasz_hinge": by_row(lovasz_hinge, "y_true", "y_pred"),
}

LOGITS: Roles = {"y_true": [[1, 0], [1, 1], [0, 0]], "y_pred": [[40.0, -40.0], [38.0, 700.0], [-30.0, -700.0]]}
HINGE: Roles = {
    "y_true": [[1, -1, 1, -1]] * 5 + [[-1, -1, -1, -1], [1, 1, 1, 1]],
    "y_pred": [
        [2.0, -2.0, 1.0, -1.0],
        [1 - 1e-12, -1.0, 1.0, -1.0],
        [0.5, 0.5, 0.5, 0.5],
        [1e300, 1e300, -1e300, 0.0],
        [-1e-9, 1e-9, 3.0, -4.0],
        [-1.0, -2.0, -3.0, 0.25],
        [1.0, 2.0, -1e8, 0.25],
    ],
}
ONE_PIXEL: Roles = {"y_true": [0, 1, 1, 0], "y_pred": [0.0, 1.0, 1e-300, 1 - 1e-12]}
OVERLAPS: list[tuple[dict, Roles]] = [
    *((params, roles) for params in ({}, {"smooth": 0.0}, {"smooth": 1.0}) for roles in (MASKS, ONE_PIXEL)),
    *(({"from_logits": True}, roles) for roles in (MASK_LOGITS, LOGITS)),
]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "jaccard": OVERLAPS,
    "focal_tversky": [(params | gamma, roles) for gamma in ({}, {"gamma": 0.5}) for params, roles in OVERLAPS],
    "log_cosh_dice": OVERLAPS,
    "lovasz_hinge": [({}, HINGE)],
}
