"""Losses of detectors once more, in mpmath, straight from the papers' formulas."""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import EPS, Reference, both_logs, by_row, elements, log, weigh


def quality_focal(y: mpf, p: mpf, beta: float, from_logits: bool, eps: float) -> mpf:
    log_p, log_q = both_logs(p, from_logits, eps)
    p = mp.exp(log_p) if from_logits else p
    distance = abs(y - p) ** mpf(beta) if beta else mpf(1)
    return weigh(distance, -(weigh(y, log_p) + weigh(1 - y, log_q)))


def varifocal(y: mpf, p: mpf, alpha: float, gamma: float, from_logits: bool, eps: float) -> mpf:
    log_p, log_q = both_logs(p, from_logits, eps)
    p = mp.exp(log_p) if from_logits else p
    if y > 0:
        return -y * (weigh(y, log_p) + weigh(1 - y, log_q))
    return -weigh(mpf(alpha) * (p ** mpf(gamma) if gamma else mpf(1)), log_q)


def distribution(y: mpf, row: list, from_logits: bool, normalize: bool, eps: float) -> mpf:
    below = min(int(mp.floor(y)), len(row) - 2)
    shares = {below: below + 1 - y, below + 1: y - below}
    if from_logits:
        return mp.fsum(weigh(t, mp.log(mp.fsum(mp.exp(s - row[j]) for s in row))) for j, t in shares.items())
    total = mp.fsum(row) if normalize else mpf(1)
    return -mp.fsum(weigh(t, log(row[j] / total, eps)) for j, t in shares.items())


def distribution_focal(y: object, rows: list, **params: object) -> mpf:
    if isinstance(y, list):
        return mp.fsum(distribution(a, row, **params) for a, row in zip(y, rows, strict=True)) / len(y)
    return distribution(y, rows, **params)


def balanced_l1(y: mpf, p: mpf, alpha: float, gamma: float) -> mpf:
    x, a, g = abs(p - y), mpf(alpha), mpf(gamma)
    b = mp.expm1(g / a)
    return a / b * (b * x + 1) * mp.log1p(b * x) - a * x if x < 1 else g * x + g / b - a


REFERENCE: dict[str, Reference] = {
    "quality_focal": elements(quality_focal),
    "varifocal": elements(varifocal),
    "distribution_focal": by_row(distribution_focal, "y_true", "y_pred"),
    "balanced_l1": elements(balanced_l1),
}

SCORES = [0.0, 1.0, 0.5, 1e-300, 1e-17, 1e-9, 1 - 2.0**-53, 1 - 1e-9, 0.5 + 1e-12, 0.25]
LOGITS = [0.0, 1e-20, -1e-9, 3.0, -3.0, 40.0, -40.0, 700.0, -800.0, 1e5]
QUALITIES = [0.0, 1.0, 0.5, 1e-300, 1e-9, 1 - 1e-9, 0.25, 0.75]
PAIRS = {"y_true": [y for y in QUALITIES for _ in SCORES], "y_pred": SCORES * len(QUALITIES)}
PAIRS_OF_LOGITS = {"y_true": [y for y in QUALITIES for _ in LOGITS], "y_pred": LOGITS * len(QUALITIES)}
BINS = {
    "y_true": [0, 2, 1, 1 - 1e-12, 1e-9, 1.5, 2 - 1e-12, 0.25],
    "y_pred": [
        [1, 0, 0], [0, 0, 1], [0, 1, 0], [1e-9, 1 - 1e-9, 0], [1, 0, 0], [0.5, 0.5, 0], [1e-300, 0, 1],
        [0.25, 0.5, 0.25],
    ],
}  # fmt: skip
BINS_OF_LOGITS = {
    "y_true": [0, 2, 1, 1 - 1e-12, 1.5, 0.25],
    "y_pred": [[40, 0, 0], [0, 0, 800], [0, 40, 1e-9], [0, 40, 0], [1e5, 0, 0], [-1e3, 1, 1e-9]],
}
ERRORS = [0.0, 1e-300, 1e-160, 1e-9, 1e-3, 0.05, 0.5, 1 - 1e-12, 1.0, 1 + 1e-12, 3.0, 1e9, 1e300]
RESIDUALS = {"y_true": [0.0] * len(ERRORS), "y_pred": ERRORS}
TWO_SIDES = {"from_logits": False, "eps": float(EPS)}

EXTREMES: dict[str, list[tuple[dict, dict]]] = {
    "quality_focal": [
        *(({"beta": beta} | TWO_SIDES, PAIRS) for beta in (0.0, 0.5, 2.0, 7.5)),
        *(({"beta": beta, "from_logits": True}, PAIRS_OF_LOGITS) for beta in (0.0, 0.5, 2.0)),
        ({"eps": 0.0}, PAIRS),
    ],
    "varifocal": [
        *(({"gamma": gamma} | TWO_SIDES, PAIRS) for gamma in (0.0, 0.5, 2.0)),
        *(({"gamma": gamma, "from_logits": True}, PAIRS_OF_LOGITS) for gamma in (0.0, 0.5, 2.0)),
        ({"eps": 0.0, "alpha": 0.0}, PAIRS),
    ],
    "distribution_focal": [({}, BINS), ({"eps": 0.0}, BINS), ({"from_logits": True}, BINS_OF_LOGITS)],
    "balanced_l1": [
        ({"alpha": alpha, "gamma": gamma}, RESIDUALS)
        for alpha, gamma in ((0.5, 1.5), (1e9, 1.0), (0.01, 1.5), (0.002, 1.5), (1.0, 1e-9), (3.0, 0.1))
    ],
}
