"""Losses of items and labels in order once more: bpr in mpmath, pairs and positions of labels counted one by one."""

from __future__ import annotations

import itertools

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import Reference, Roles, by_row


def bpr(positive: object, negative: object) -> mpf:
    pairs = zip(positive, negative, strict=True) if isinstance(positive, list) else [(positive, negative)]
    losses = [mp.log1p(mp.exp(b - a)) for a, b in pairs]
    return mp.fsum(losses) / len(losses)


def label_ranking_loss(y: list, s: list) -> mpf:
    pairs = [(a, b) for (t, a), (u, b) in itertools.product(zip(y, s, strict=True), repeat=2) if t == 1 and u == 0]
    return mpf(sum(a <= b for a, b in pairs)) / len(pairs) if pairs else mpf(0)


def coverage_error(y: list, s: list) -> mpf:
    held = [a for t, a in zip(y, s, strict=True) if t == 1]
    return mpf(sum(a >= min(held) for a in s)) if held else mpf(0)


REFERENCE: dict[str, Reference] = {
    "bpr": by_row(bpr, "positive", "negative"),
    "label_ranking_loss": by_row(label_ranking_loss, "y_true", "y_pred"),
    "coverage_error": by_row(coverage_error, "y_true", "y_pred"),
}

SCORES = [
    [1.0, 1.0, 1.0, 1.0, 1.0], [3.0, 2.0, 1.0, 0.0, -1.0],
    [0.0, 1.0, 1.0, 0.0, 1.0], [1e300, -1e300, 1e-300, 0.0, -0.0],
    [float("inf"), float("inf"), 0.0, float("-inf"), float("-inf")],
]  # fmt: skip
LABELS = [[1, 0, 0, 1, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 1]]
ALL_LABELS: list[Roles] = [{"y_true": [row] * len(SCORES), "y_pred": SCORES} for row in LABELS]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "bpr": [
        ({}, {"positive": [700.0, -700.0, 0.0, 1e-9, 1e300, 37.0], "negative": [-700.0, 700.0, 0.0, 0.0, 0.0, 0.0]}),
        ({}, {"positive": [[1e4, 0.0]], "negative": [[0.0, 0.0]]}),
    ],
    "label_ranking_loss": [({}, roles) for roles in ALL_LABELS],
    "coverage_error": [({}, roles) for roles in ALL_LABELS],
}
