"""Losses of language models once more, in mpmath, straight from their definitions."""

from __future__ import annotations

import math

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import (
    DIGITS,
    LOGIT,
    ROWS,
    SCORE_ROWS,
    Params,
    Reference,
    Roles,
    by_row,
    cross_entropy,
    log_softmax,
    weigh,
)
from tests.reference.classification import _classes as classes
from tests.reference.classification import _with as with_each


def tokens(unit: mpf) -> Reference:
    """-log p of each token, in a unit: from labels and predictions, or as given."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            if "log_prob" in roles:
                return [-x / unit for x in roles["log_prob"]]
            fixed = {"label_smoothing": 0, "class_weight": None, "normalize": False}
            pairs = zip(roles["y_true"], roles["y_pred"], strict=True)
            return [cross_entropy(t, p, **params, **fixed) / unit for t, p in pairs]

    return rows


def surprise(x: mpf) -> mpf:
    """-log sigmoid x."""
    return mp.log1p(mp.exp(-x)) if x > -mp.inf else mp.inf


def dpo(pc: mpf, pr: mpf, rc: mpf, rr: mpf, beta: float, label_smoothing: float) -> mpf:
    x, s = mpf(beta) * (pc - pr - rc + rr), mpf(label_smoothing)
    return (1 - s) * surprise(x) + s * surprise(-x)


def distillation(teacher: list, student: list, temperature: float) -> mpf:
    t = mpf(temperature)
    p, q = (log_softmax([x / t for x in logits]) for logits in (teacher, student))
    return t**2 * mp.fsum(weigh(mp.exp(a), a - b) for a, b in zip(p, q, strict=True))


with mp.workdps(DIGITS):
    BIT = mp.log(2)

REFERENCE: dict[str, Reference] = {
    "perplexity": tokens(mpf(1)),
    "bits_per_token": tokens(BIT),
    "bits_per_byte": tokens(BIT),
    "dpo": by_row(dpo, "policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected"),
    "distillation": by_row(distillation, "teacher", "student"),
}

LOG_PROBS = [-1e300, -745.2, -1.0, -1e-9, -1e-300, 0.0]
TOKENS = (
    with_each([{}, {"eps": 0.0}], classes(ROWS))
    + with_each([LOGIT], classes([*SCORE_ROWS, [20.723, 0.0, -1e4]]))
    + with_each([LOGIT | {"ignore_index": 1}], classes(SCORE_ROWS, soft=False))
    + [({}, {"log_prob": LOG_PROBS})]
)


def with_bytes(roles: Roles) -> Roles:
    return roles | {"bytes": [3.0] * len(next(iter(roles.values())))}


TEACHER = [
    [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [30.0, 0.0, -5.0], [1e4, -1e4, 0.0], [0.0, 0.0, 0.0],
    [800.0, 0.0, 0.0], [1e9, 1e9, 1e9], [0.0, -math.inf, 1.0], [5.0, 5.0, 5.0 + 2.0**-40],
]  # fmt: skip
STUDENT = [
    [1.0, 2.0, 3.0], [1.0, 2.0 + 2.0**-30, 3.0], [101.0, 102.0, 103.0 + 2.0**-20], [20.0, 0.0, -4.0], [-1e4, 1e4, 0.0],
    [1e-9, -1e-9, 0.0], [0.0, 790.0, 0.0], [1e9, 1e9 + 1, 1e9], [1.0, -math.inf, 0.0], [5.0, 5.0, 5.0],
]  # fmt: skip


EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "perplexity": TOKENS,
    "bits_per_token": TOKENS,
    "bits_per_byte": [(params, with_bytes(roles)) for params, roles in TOKENS],
    "dpo": with_each(
        [{}, {"beta": 2.0, "label_smoothing": 0.25}],
        [
            {
                "policy_chosen": [-8000.0, -1.0, -0.0, -500.0, -1e300],
                "policy_rejected": [-1.0, -8000.0, -1e-9, -0.5, -0.0],
                "reference_chosen": [-3.0, -3.0, 0.0, -1e6, -2.0],
                "reference_rejected": [-3.0, -3.0, 0.0, -1e6, -2.0],
            }
        ],
    ),
    "distillation": with_each(
        [{}, {"temperature": 1.0}, {"temperature": 1e-3}, {"temperature": 1e3}],
        [{"teacher": TEACHER, "student": STUDENT}, {"teacher": STUDENT, "student": TEACHER}],
    ),
}
