"""Losses of embeddings that meet each other, once more in mpmath: plain loops over anchors, positives and negatives."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, Params, Reference, Roles
from tests.reference.distances import DISTANCES, cosine, gap, length
from tests.reference.faces import cross_entropy_of_logits, inner, means

Row = list


def two_views(similarity: Callable[[Row, Row], mpf]) -> Reference:
    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            t = mpf(params.get("temperature", 1))
            anchors, positives = roles["anchor"], roles["positive"]
            return [
                cross_entropy_of_logits([similarity(a, p) / t for p in positives], i) for i, a in enumerate(anchors)
            ]

    return rows


def clip(roles: Roles, params: Params) -> list:
    back = {"anchor": roles["positive"], "positive": roles["anchor"]}
    both = two_views(cosine)(roles, params), two_views(cosine)(back, params)
    return [(a + b) / 2 for a, b in zip(*both, strict=True)]


def siglip(roles: Roles, params: Params) -> list:
    def question(i: int, j: int, a: Row, p: Row) -> mpf:
        z = mpf(params["scale"]) * cosine(a, p) + mpf(params["bias"])
        return mp.log1p(mp.exp(-z if i == j else z))

    with mp.workdps(DIGITS):
        positives = list(enumerate(roles["positive"]))
        return [mp.fsum(question(i, j, a, p) for j, p in positives) for i, a in enumerate(roles["anchor"])]


def squared_distance(x: Row, proxy: Row) -> mpf:
    """Of unit vectors; a zero vector has no direction and stays zero."""
    a, b = length(x) or mpf(1), length(proxy) or mpf(1)
    return mp.fsum((u / a - v / b) ** 2 for u, v in zip(x, proxy, strict=True))


def proxy_nca(roles: Roles, params: Params) -> list:
    def row(x: Row, y: int) -> mpf:
        d = [mpf(params["scale"]) * squared_distance(x, proxy) for proxy in roles["proxies"]]
        others = [mp.exp(d[y] - a) for j, a in enumerate(d) if j != y]
        return mp.log1p(mp.fsum(others)) if params["include_positive"] else mp.log(mp.fsum(others))

    with mp.workdps(DIGITS):
        return [row(x, int(y)) for x, y in zip(roles["embeddings"], roles["labels"], strict=True)]


def proxy_anchor(roles: Roles, params: Params) -> list:
    alpha, margin = mpf(params["alpha"]), mpf(params["margin"])
    with mp.workdps(DIGITS):
        rows = [(x, int(y)) for x, y in zip(roles["embeddings"], roles["labels"], strict=True)]
        proxies = list(enumerate(roles["proxies"]))
        near = [[mp.exp(-alpha * (cosine(x, p) - margin)) for x, y in rows if y == j] for j, p in proxies]
        far = [[mp.exp(alpha * (cosine(x, p) + margin)) for x, y in rows if y != j] for j, p in proxies]
        pulled = [mp.log1p(mp.fsum(sums)) for sums in near if sums]
        return [mp.fsum(pulled) / len(pulled) + mp.fsum(mp.log1p(mp.fsum(sums)) for sums in far) / len(proxies)]


def ntxent(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        views, n = roles["anchor"] + roles["positive"], len(roles["anchor"])
        losses = []
        for k, view in enumerate(views):
            others = [j for j in range(2 * n) if j != k]
            logits = [cosine(view, views[j]) / mpf(params["temperature"]) for j in others]
            losses.append(cross_entropy_of_logits(logits, others.index((k + n) % (2 * n))))
        return [(losses[i] + losses[i + n]) / 2 for i in range(n)]


def of_anchors(f: Callable[..., mpf], similarity: Callable[[Row, Row], mpf] = cosine) -> Reference:
    """A loss of an anchor's similarities to its positives and to its negatives."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            labels, x = roles["labels"], roles["embeddings"]
            losses = []
            for i, a in enumerate(x):
                alike = [similarity(a, b) for j, b in enumerate(x) if j != i and labels[j] == labels[i]]
                other = [similarity(a, b) for j, b in enumerate(x) if labels[j] != labels[i]]
                losses.append(f(alike, other, **params))
            return losses

    return rows


def supcon(alike: Row, other: Row, temperature: float) -> mpf:
    if not alike:
        return mpf(0)
    logits = [s / mpf(temperature) for s in alike + other]
    return mp.fsum(cross_entropy_of_logits(logits, p) for p in range(len(alike))) / len(alike)


def circle(alike: Row, other: Row, margin: float, gamma: float) -> mpf:
    m, g = mpf(margin), mpf(gamma)
    positive = mp.fsum(mp.exp(-g * max(1 + m - s, 0) * (s - (1 - m))) for s in alike)
    negative = mp.fsum(mp.exp(g * max(s + m, 0) * (s - m)) for s in other)
    return mp.log1p(positive * negative)


def multi_similarity(alike: Row, other: Row, alpha: float, beta: float, base: float) -> mpf:
    a, b, at = mpf(alpha), mpf(beta), mpf(base)
    positive = mp.log1p(mp.fsum(mp.exp(-a * (s - at)) for s in alike)) / a
    return positive + mp.log1p(mp.fsum(mp.exp(b * (s - at)) for s in other)) / b


def triplets(near: Row, far: Row, mining: str) -> list[tuple[mpf, mpf]]:
    if not (near and far):
        return []
    if mining == "hard":
        return [(max(near), min(far))]
    if mining == "all":
        return [(p, n) for p in near for n in far]
    return [(p, min((n for n in far if n > p), default=max(far))) for p in near]


def triplet_mined(roles: Roles, params: Params) -> list:
    def of_anchor(near: Row, far: Row) -> mpf:
        found = triplets(near, far, params["mining"])
        losses = [max(mpf(0), p - n + mpf(params["margin"])) for p, n in found]
        return mp.fsum(losses) / len(losses) if losses else mpf(0)

    return of_anchors(of_anchor, DISTANCES[params["distance"]])(roles, {})


def center(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        labels = [int(y) for y in roles["labels"]]
        centers = roles.get("centers") or means(roles["embeddings"], labels)
        origins = labels if "centers" in roles else [sorted(set(labels)).index(y) for y in labels]
        pairs = zip(roles["embeddings"], origins, strict=True)
        return [length(gap(x, centers[y])) ** 2 / 2 for x, y in pairs]


REFERENCE: dict[str, Reference] = {
    "info_nce": two_views(cosine),
    "n_pair": two_views(inner),
    "ntxent": ntxent,
    "supcon": of_anchors(supcon),
    "circle": of_anchors(circle),
    "multi_similarity": of_anchors(multi_similarity),
    "triplet_mined": triplet_mined,
    "center": center,
    "clip": clip,
    "siglip": siglip,
    "proxy_nca": proxy_nca,
    "proxy_anchor": proxy_anchor,
}

LEFT = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-3.0, 1.0, 0.5], [1e-200, 2e-200, 0.0], [1e150, 0.0, -1e150]]
RIGHT = [[1.0, 2.0, 3.0 + 1e-9], [1.0, 0.0, 0.0], [3.0, -1.0, -0.5], [2.0, 4.0, 0.0], [1.0, 1.0, -1.0]]
VIEWS = {"anchor": LEFT, "positive": RIGHT}
PRODUCTS = {
    "anchor": [[1.0, 2.0], [0.0, 0.0], [30.0, -40.0], [1e-9, 1.0]],
    "positive": [[2.0, 1.0], [1.0, 5.0], [3.0, 4.0], [1e-9, -1.0]],
}
GROUPS = {"labels": [0, 0, 1, 1, 2, 0, 1], "embeddings": [*LEFT, [1.0, 2.0, 3.0 + 1e-9], [3.0, -1.0, -0.5]]}
ALONE = {"labels": [0, 1, 2], "embeddings": LEFT[:3]}
ONE_CLASS = {"labels": [5, 5, 5], "embeddings": [LEFT[0], LEFT[2], RIGHT[1]]}
PLAIN = {"labels": [0, 0, 1, 1, 2, 0, 0], "embeddings": [[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [1e-9, 1.0], [6.0, 8.0],
                                                        [1e-9, 0.0], [0.0, 0.0]]}  # fmt: skip
FAR_FROM_ZERO = {"labels": [0, 0, 1, 0, 1], "embeddings": [[1e9, 1.0], [1e9 + 1, 2.0], [1e9, 0.0], [1e9 - 1, 0.5],
                                                          [1e9 + 2, 3.0]]}  # fmt: skip

PROXY_ROWS = {"labels": [0, 1, 2, 0, 3], "embeddings": LEFT, "proxies": [*RIGHT[:3], [0.0, 0.0, 0.0], RIGHT[4]]}

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "info_nce": [({"temperature": t}, VIEWS) for t in (0.01, 0.07, 1.0, 1e6)],
    "ntxent": [({"temperature": t}, VIEWS) for t in (0.01, 0.07, 1.0, 1e6)],
    "n_pair": [({}, PRODUCTS)],
    "clip": [({"temperature": t}, VIEWS) for t in (0.01, 0.07, 1.0, 1e6)],
    "siglip": [
        ({"scale": s, "bias": b}, VIEWS) for s, b in ((10.0, -10.0), (1e-6, 0.0), (100.0, 50.0), (200.0, -200.0))
    ],
    "proxy_nca": [
        ({"scale": s, "include_positive": positive}, PROXY_ROWS)
        for s in (1e-3, 1.0, 50.0)
        for positive in (False, True)
    ],
    "proxy_anchor": [({"alpha": a, "margin": m}, PROXY_ROWS) for a in (1e-3, 32.0, 500.0) for m in (-1.0, 0.0, 0.1)],
    "supcon": [({"temperature": t}, roles) for t in (0.01, 0.1, 10.0) for roles in (GROUPS, ALONE, ONE_CLASS)],
    "circle": [
        ({"gamma": g, "margin": m}, roles)
        for g in (1.0, 256.0)
        for m in (0.0, 0.25, 2.0)
        for roles in (GROUPS, ALONE, ONE_CLASS)
    ],
    "multi_similarity": [({"base": b}, roles) for b in (-1.0, 0.5, 1.0) for roles in (GROUPS, ALONE, ONE_CLASS)],
    "triplet_mined": [
        ({"mining": m, "distance": d, "margin": 0.5}, roles)
        for m in ("semihard", "hard", "all")
        for d in DISTANCES
        for roles in (ALONE, ONE_CLASS, PLAIN)
    ],
    "center": [({}, FAR_FROM_ZERO), ({}, ALONE), ({}, FAR_FROM_ZERO | {"centers": [[1e9, 1.0], [0.0, -1e9]]})],
}
