"""Losses of a row as a whole once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

import itertools

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import (
    PROBABILITIES,
    ROWS,
    SCORE_ROWS,
    SOFT,
    Reference,
    Roles,
    both_logs,
    by_row,
    elements,
    log_softmax,
    target_row,
    weigh,
)


def as_mask(y: object, p: object, from_logits: bool) -> tuple[list, list]:
    y, p = (x if isinstance(x, list) else [x] for x in (y, p))
    return y, [1 / (1 + mp.exp(-x)) for x in p] if from_logits else p


def dice(y: object, p: object, smooth: float, from_logits: bool) -> mpf:
    y, p = as_mask(y, p, from_logits)
    both = mp.fsum(a * b for a, b in zip(y, p, strict=True))
    total = mp.fsum(y) + mp.fsum(p) + mpf(smooth)
    return 1 - (2 * both + mpf(smooth)) / total if total else mpf(0)


def tversky(y: object, p: object, alpha: float, beta: float, smooth: float, from_logits: bool) -> mpf:
    y, p = as_mask(y, p, from_logits)
    both = mp.fsum(a * b for a, b in zip(y, p, strict=True))
    false_positive = mp.fsum((1 - a) * b for a, b in zip(y, p, strict=True))
    false_negative = mp.fsum(a * (1 - b) for a, b in zip(y, p, strict=True))
    total = both + mpf(alpha) * false_positive + mpf(beta) * false_negative + mpf(smooth)
    return 1 - (both + mpf(smooth)) / total if total else mpf(0)


def asymmetric(y: mpf, p: mpf, gamma_pos: float, gamma_neg: float, clip: float, from_logits: bool, eps: float) -> mpf:
    log_p, log_rest = both_logs(p, from_logits, eps)
    p = mp.exp(log_p) if from_logits else p
    rest = mp.exp(log_rest) if from_logits else 1 - p
    q = max(p - mpf(clip), mpf(0))
    log_left = log_rest if clip == 0 else mp.log(max(1 - q, mpf(eps)))
    return -(weigh(y, weigh(rest ** mpf(gamma_pos), log_p)) + weigh(1 - y, weigh(q ** mpf(gamma_neg), log_left)))


def multilabel_margin(y: list, s: list) -> mpf:
    on, off = ([x for x, hit in zip(s, y, strict=True) if bool(hit) is kind] for kind in (True, False))
    return mp.fsum(max(mpf(0), 1 - a + b) for a, b in itertools.product(on, off)) / len(s)


def rps(t: object, p: list) -> mpf:
    gaps = [a - b for a, b in zip(p, target_row(t, len(p)), strict=True)]
    return mp.fsum(mp.fsum(gaps[: k + 1]) ** 2 for k in range(len(gaps)))


def brier(y: object, p: object) -> mpf:
    if isinstance(p, list) and not isinstance(y, list):
        return mp.fsum((a - b) ** 2 for a, b in zip(p, target_row(y, len(p)), strict=True))
    pairs = list(zip(y, p, strict=True)) if isinstance(y, list) else [(y, p)]
    return mp.fsum((a - b) ** 2 for a, b in pairs) / len(pairs)


def zero_one(y: object, p: object, threshold: float) -> mpf:
    if isinstance(p, list) and not isinstance(y, list):
        return mpf(p.index(max(p)) != y)
    pairs = list(zip(y, p, strict=True)) if isinstance(y, list) else [(y, p)]
    return mpf(any((b >= mpf(threshold)) != (a == 1) for a, b in pairs))


def sparsemax(t: object, s: list) -> mpf:
    """As the paper has it: sum over the support (s² - tau²)/2 + 1/2 - s_t."""
    falling = sorted(s, reverse=True)
    size = max(k for k in range(1, len(s) + 1) if 1 + k * falling[k - 1] > mp.fsum(falling[:k]))
    tau = (mp.fsum(falling[:size]) - 1) / size
    row = target_row(t, len(s))
    spread = mp.fsum(x * x for x in row) / 2
    return mp.fsum(x * x - tau * tau for x in falling[:size]) / 2 + spread - mp.fsum(map(mp.fmul, row, s))


REFERENCE: dict[str, Reference] = {
    "brier": by_row(brier, "y_true", "y_pred"),
    "zero_one": by_row(zero_one, "y_true", "y_pred"),
    "multiclass_sparsemax": by_row(sparsemax, "y_true", "y_pred"),
    "dice": by_row(dice, "y_true", "y_pred"),
    "tversky": by_row(tversky, "y_true", "y_pred"),
    "hamming": elements(lambda y, p, threshold: mpf(int((p >= mpf(threshold)) != (y == 1)))),
    "asymmetric": elements(asymmetric),
    "multilabel_margin": by_row(multilabel_margin, "y_true", "y_pred"),
    "rps": by_row(rps, "y_true", "y_pred"),
    "ranking_softmax": by_row(
        lambda y, s: -mp.fsum(weigh(a, b) for a, b in zip(y, log_softmax(s), strict=True)), "y_true", "y_pred"
    ),
}

MASKS: Roles = {
    "y_true": [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]],
    "y_pred": [[1.0, 1.0, 0.0, 0.0], [0.0] * 4, [1 - 1e-12] * 4, [1e-300, 0.0, 0.0, 0.0], [0.9, 0.8, 0.1, 1e-17]],
}
MASK_LOGITS: Roles = {"y_true": MASKS["y_true"][3:], "y_pred": [[40.0, -40.0, -700.0, -1.0], [0.0, 1e-9, 3.0, -30.0]]}
PAIRS: Roles = {"y_true": [0] * len(PROBABILITIES) + [1] * len(PROBABILITIES), "y_pred": PROBABILITIES * 2}
LOGITS: Roles = {"y_true": [0, 0, 0, 0, 1, 1, 1, 1], "y_pred": [-1e4, -3.0, 37.0, 1e4, -1e4, -37.0, 3.0, 1e4]}

NEAR_SUPPORT = [[2.0, 1.0, 0.0], [2.0, 1.0 + 1e-9, 0.0], [2.0, 1.0 - 1e-9, 0.0], [0.5, 0.25, 0.125], [1.0, 1.0, 0.0]]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "brier": [({}, PAIRS), ({}, MASKS)] + [({}, {"y_true": [y] * len(ROWS), "y_pred": ROWS}) for y in (0, 1, 2)],
    "zero_one": [(p, roles) for p in ({}, {"threshold": 0.0}, {"threshold": 1.0}) for roles in (PAIRS, MASKS)]
    + [({}, {"y_true": [y] * len(SCORE_ROWS), "y_pred": SCORE_ROWS}) for y in (0, 1, 2)],
    "multiclass_sparsemax": [
        ({}, {"y_true": [y] * len(rows), "y_pred": rows})
        for y in (0, 1, 2, SOFT)
        for rows in (SCORE_ROWS, NEAR_SUPPORT)
    ],
    "dice": [(p, MASKS) for p in ({}, {"smooth": 0.0}, {"smooth": 1.0})] + [({"from_logits": True}, MASK_LOGITS)],
    "tversky": [(p, MASKS) for p in ({}, {"smooth": 0.0}, {"alpha": 0.9, "beta": 0.1})]
    + [({"from_logits": True}, MASK_LOGITS)],
    "hamming": [(p, PAIRS) for p in ({}, {"threshold": 0.0}, {"threshold": 1.0})],
    "asymmetric": [(p, PAIRS) for p in ({}, {"clip": 0.0}, {"gamma_pos": 0.0, "gamma_neg": 0.0, "clip": 0.0})]
    + [(p | {"from_logits": True}, LOGITS) for p in ({}, {"clip": 0.0})],
    "multilabel_margin": [
        ({}, {"y_true": [y] * len(SCORE_ROWS), "y_pred": SCORE_ROWS})
        for y in ([1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1])
    ],
    "rps": [({}, {"y_true": [y] * len(ROWS), "y_pred": ROWS}) for y in (0, 1, 2, SOFT)],
    "ranking_softmax": [
        ({}, {"y_true": [y] * len(SCORE_ROWS), "y_pred": SCORE_ROWS})
        for y in ([3.0, 0.0, 0.5], [0.0, 0.0, 0.0], [1e-9, 5.0, 1e9])
    ],
}
