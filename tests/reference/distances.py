"""Divergences and losses of distances once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import Reference, Roles, by_row, log_softmax

Row = list


def quotient_log(p: mpf, q: mpf) -> mpf:
    """p log(p/q) with 0 log 0 = 0"""
    return mpf(0) if p == 0 else mp.inf if q == 0 else p * mp.log(p / q)


def divergence(f: Callable[..., mpf]) -> Reference:
    """A divergence of P and Q, the second given as logits or both as what is to be divided by its sum."""

    def rows(roles: Roles, params: dict) -> list:
        given, predicted = roles["y_true"], roles["y_pred"]
        one = not isinstance(given[0], list)
        with mp.workdps(400):
            return [
                of_rows(p, q, **params)
                for p, q in zip([given] if one else given, [predicted] if one else predicted, strict=True)
            ]

    def of_rows(p: Row, q: Row, from_logits: bool = False, normalize: bool = False, **params: object) -> mpf:
        if normalize:
            p = [x / mp.fsum(p) for x in p]
        if from_logits:
            q = [mp.exp(x) for x in log_softmax(q)]
        elif normalize:
            q = [x / mp.fsum(q) for x in q]
        return f(p, q, **params)

    return rows


def summed(f: Callable[[mpf, mpf], mpf]) -> Reference:
    return divergence(lambda p, q: mp.fsum(f(a, b) for a, b in zip(p, q, strict=True)))


def js(p: Row, q: Row) -> mpf:
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return mp.fsum(quotient_log(a, m) for x in (p, q) for a, m in zip(x, middle, strict=True)) / 2


def affinity(p: Row, q: Row) -> mpf:
    return mp.fsum(mp.sqrt(a * b) for a, b in zip(p, q, strict=True))


def hellinger(p: Row, q: Row) -> mpf:
    return mp.sqrt(mp.fsum((mp.sqrt(a) - mp.sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)) / 2)


def renyi(p: Row, q: Row, alpha: float) -> mpf:
    a = mpf(alpha)
    terms = [
        mpf(0) if x == 0 else (mp.inf if a > 1 else mpf(0)) if y == 0 else x**a * y ** (1 - a)
        for x, y in zip(p, q, strict=True)
    ]
    total = mp.fsum(terms)
    return mp.inf if total in (0, mp.inf) else mp.log(total) / (a - 1)


def wasserstein(p: Row, q: Row) -> mpf:
    gaps = [a - b for a, b in zip(p, q, strict=True)]
    return mp.fsum(abs(mp.fsum(gaps[: k + 1])) for k in range(len(gaps) - 1))


# ------------------------------------------------------------------------------------------------ of vectors


def length(x: Row) -> mpf:
    return mp.sqrt(mp.fsum(a * a for a in x))


def cosine(a: Row, b: Row) -> mpf:
    size = length(a) * length(b)
    return mp.fsum(x * y for x, y in zip(a, b, strict=True)) / size if size else mpf(0)


def gap(a: Row, b: Row) -> Row:
    return [x - y for x, y in zip(a, b, strict=True)]


DISTANCES = {
    "euclidean": lambda a, b: length(gap(a, b)),
    "sqeuclidean": lambda a, b: length(gap(a, b)) ** 2,
    "cosine": lambda a, b: 1 - cosine(a, b),
}


def triplet(a: Row, p: Row, n: Row, margin: float, distance: str, swap: bool) -> mpf:
    d = DISTANCES[distance]
    far = min(d(a, n), d(p, n)) if swap else d(a, n)
    return max(mpf(0), d(a, p) - far + mpf(margin))


def pull(y: mpf, d: mpf, margin: float) -> mpf:
    return y * d**2 + (1 - y) * max(mpf(0), mpf(margin) - d) ** 2


def contrastive(roles: Roles, params: dict) -> list:
    names = ("y_true", "distance") if "distance" in roles else ("y_true", "x1", "x2")
    f = pull if "distance" in roles else lambda y, a, b, margin: pull(y, length(gap(a, b)), margin)
    return by_row(f, *names)(roles, params)


def cosine_embedding(y: mpf, a: Row, b: Row, margin: float) -> mpf:
    return 1 - cosine(a, b) if y > 0 else max(mpf(0), cosine(a, b) - mpf(margin))


REFERENCE: dict[str, Reference] = {
    "kl": summed(quotient_log),
    "reverse_kl": summed(lambda p, q: quotient_log(q, p)),
    "generalized_kl": summed(lambda p, q: quotient_log(p, q) - p + q),
    "jeffreys": summed(lambda p, q: quotient_log(p, q) + quotient_log(q, p)),
    "js": divergence(js),
    "hellinger": divergence(hellinger),
    "bhattacharyya": divergence(lambda p, q: -mp.log(affinity(p, q)) if affinity(p, q) else mp.inf),
    "total_variation": summed(lambda p, q: abs(p - q) / 2),
    "chi2": summed(lambda p, q: mpf(0) if p == q else mp.inf if q == 0 else (p - q) ** 2 / q),
    "renyi": divergence(renyi),
    "wasserstein": divergence(wasserstein),
    "itakura_saito": summed(lambda p, q: p / q - mp.log(p / q) - 1),
    "cosine_similarity": by_row(lambda a, b: -cosine(a, b), "y_true", "y_pred"),
    "cosine_distance": by_row(lambda a, b: 1 - cosine(a, b), "y_true", "y_pred"),
    "cosine_embedding": by_row(cosine_embedding, "y_true", "x1", "x2"),
    "contrastive": contrastive,
    "triplet": by_row(triplet, "anchor", "positive", "negative"),
    "hinge_embedding": by_row(lambda y, d, margin: d if y > 0 else max(mpf(0), mpf(margin) - d), "y_true", "y_pred"),
    "margin_ranking": by_row(
        lambda y, a, b, margin: max(mpf(0), mpf(margin) - (1 if y > 0 else -1) * (a - b)), "y_true", "x1", "x2"
    ),
}

EQUAL = [0.1, 0.2, 0.3, 0.4]
NEAR = [0.1 + 1e-9, 0.2 - 1e-9, 0.3 + 2e-12, 0.4 - 2e-12]
APART = [1.0, 0.0, 0.0, 0.0]
TINY = [1e-300, 1e-17, 0.5, 0.5]
EDGES = {"y_true": [EQUAL, EQUAL, TINY, EQUAL, NEAR, APART], "y_pred": [EQUAL, NEAR, EQUAL, TINY, EQUAL, EQUAL]}
ZEROS = {"y_true": [EQUAL, APART, APART], "y_pred": [APART, [0.0, 1.0, 0.0, 0.0], APART]}
FLAT = {"y_true": EQUAL, "y_pred": NEAR}
FAR_LOGITS = {
    "y_true": [EQUAL, APART, TINY],
    "y_pred": [[0.0, 1.0, -2.0, 700.0], [-40.0, 1e-9, 0.0, 3.0], [1e3, 0, 0, 0]],
}
SUMS = {"y_true": [[1e-9, 2e-9, 3.0, 0.0]], "y_pred": [[5.0, 1e9, 2.0, 1.0]]}
LEFT_OUT = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5], [0.0, 1e-30, 1.0]]
FEW = (0.0, 1e-10, 1e-16, 1e-20, 1e-32, 1e-100, 1e-300, 0.3)
LITTLE_OVERLAP = {"y_true": LEFT_OUT[:1] * len(FEW), "y_pred": [[(1 - q) / 2, (1 - q) / 2, q] for q in FEW]}
OTHER_WAY = {"y_true": LITTLE_OVERLAP["y_pred"], "y_pred": LITTLE_OVERLAP["y_true"]}
LOW_LOGITS = {
    "y_true": LEFT_OUT,
    "y_pred": [[0.0, 0.0, -100.0], [-400.0, 0.0, 0.0], [0.0, 0.0, -2e3], [0.0, 1.0, -1e3]],
}
AMOUNTS = {
    "y_true": [[1e-300, 1.0, 3.0, 1e9], [1.0, 1.0, 2.0, 5.0]],
    "y_pred": [[1.0, 1e-9, 3 + 1e-12, 1.0], [1 + 1e-9, 1, 2, 5]],
}
DISTRIBUTIONS = [
    ({}, EDGES),
    ({}, ZEROS),
    ({}, FLAT),
    ({"normalize": True}, SUMS),
    ({}, LITTLE_OVERLAP),
    ({}, OTHER_WAY),
    ({"from_logits": True}, LOW_LOGITS),
]
LONG, SHORT = [1e200, -1e200, 3e199], [1e-200, 2e-200, 1e-201]
LEFT = [[1.0, 0.0, 0.0], LONG, SHORT, [0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]
RIGHT = [[1.0, 1e-9, 0.0], SHORT, LONG, [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -1.0, -1.0 + 1e-9]]
PLAIN = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], [[1.0, 1e-9, 0.0], [3.0, 4.0, 0.0], [1.0, 2.0, 3.0]]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    **{
        name: list(DISTRIBUTIONS)
        for name in (
            "kl",
            "reverse_kl",
            "jeffreys",
            "js",
            "hellinger",
            "bhattacharyya",
            "total_variation",
            "chi2",
            "wasserstein",
        )
    },
    "generalized_kl": [({}, AMOUNTS), ({}, ZEROS), ({}, FLAT)],
    "itakura_saito": [({}, AMOUNTS)],
    "renyi": [
        ({"alpha": alpha}, roles)
        for alpha in (1e-9, 0.3, 0.5, 1 - 1e-9, 1 + 1e-9, 2.0, 30.0)
        for roles in (EDGES, ZEROS, FLAT, LITTLE_OVERLAP, OTHER_WAY)
    ]
    + [({"alpha": alpha, "from_logits": True}, LOW_LOGITS) for alpha in (0.3, 0.5, 2.0, 30.0)],
    "cosine_similarity": [({}, {"y_true": LEFT, "y_pred": RIGHT})],
    "cosine_distance": [({}, {"y_true": LEFT[:1] + LEFT[3:], "y_pred": RIGHT[:1] + RIGHT[3:]})],
    "cosine_embedding": [({"margin": 0.1}, {"y_true": [y] * 3, "x1": PLAIN[0], "x2": PLAIN[1]}) for y in (0, 1)],
    "contrastive": [({"margin": 2.0}, {"y_true": [y] * 3, "x1": PLAIN[0], "x2": PLAIN[1]}) for y in (0, 1)],
    "triplet": [
        (
            {"distance": d, "margin": 0.5, "swap": swap},
            {"anchor": PLAIN[0], "positive": PLAIN[1], "negative": [[0.0, 1.0, 0.0]] * 3},
        )
        for d in DISTANCES
        for swap in (False, True)
    ],
    "hinge_embedding": [({}, {"y_true": [0, 1, 0, 1], "y_pred": [0.0, 1e-300, 0.999999, 1e9]})],
    "margin_ranking": [({"margin": 0.5}, {"y_true": [0, 1, 0], "x1": [1.0, 1e9, 0.1], "x2": [1.0, 1e9 + 1, -0.3]})],
}
for _name in ("kl", "total_variation", "hellinger", "wasserstein"):
    EXTREMES[_name].append(({"from_logits": True}, FAR_LOGITS))
