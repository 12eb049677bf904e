"""Losses of language models once more, in mpmath, straight from their definitions."""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, LOGIT, ROWS, SCORE_ROWS, Params, Reference, Roles, cross_entropy
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


with mp.workdps(DIGITS):
    BIT = mp.log(2)

REFERENCE: dict[str, Reference] = {
    "perplexity": tokens(mpf(1)),
    "bits_per_token": tokens(BIT),
    "bits_per_byte": tokens(BIT),
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


EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "perplexity": TOKENS,
    "bits_per_token": TOKENS,
    "bits_per_byte": [(params, with_bytes(roles)) for params, roles in TOKENS],
}
