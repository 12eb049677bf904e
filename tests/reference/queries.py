"""Losses of queries once more, in mpmath, straight from the textbook formulas: over all orders of equal scores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
from mpmath import mpf

Documents = list[tuple[Any, Any]]
"""Relevances and scores of the documents of a query."""


def queries(roles: dict[str, Any]) -> list[Documents]:
    """The documents of each query, by the keys of the queries; rows that are queries have none."""
    if isinstance(roles["y_true"][0], list):
        return [list(zip(y, s, strict=True)) for y, s in zip(roles["y_true"], roles["y_pred"], strict=True)]
    keys = roles.get("query") or [0] * len(roles["y_true"])
    rows = list(zip(keys, roles["y_true"], roles["y_pred"], strict=True))
    return [[(y, s) for key, y, s in rows if key == one] for one in sorted(set(keys))]


def by_query(loss: Callable[..., Any]) -> Callable[[dict[str, Any], dict[str, Any]], list[Any]]:
    return lambda roles, params: [loss(documents, **params) for documents in queries(roles)]


def orders(documents: Documents, ties: str) -> Iterator[list[Any]]:
    """The relevances in every order by score, or in the one that keeps the order of equal scores."""
    ranked = sorted(documents, key=lambda d: -d[1])
    runs = [[y for y, _ in run] for _, run in itertools.groupby(ranked, key=lambda d: d[1])]
    choices = [itertools.permutations(run) if ties == "average" else [run] for run in runs]
    return ([y for run in chosen for y in run] for chosen in itertools.product(*choices))


def mean(values: Iterator[Any]) -> Any:
    found = list(values)
    return mp.fsum(found) / len(found)


def gain_of(y: Any, gain: str) -> Any:
    return y if gain == "linear" else mpf(2) ** y - 1


def dcg(relevances: list[Any], k: int | None, gain: str) -> Any:
    return mp.fsum(gain_of(y, gain) / mp.log(r + 2, 2) for r, y in enumerate(relevances[:k]))


def ndcg_loss(documents: Documents, k: int | None, gain: str, ties: str, no_relevant: str) -> Any:
    most = dcg(sorted((y for y, _ in documents), reverse=True), k, gain)
    if not most:
        return mpf(no_relevant == "1")
    return 1 - mean(dcg(relevances, k, gain) for relevances in orders(documents, ties)) / most


def reciprocal_rank(relevances: list[Any], k: int | None, level: float) -> Any:
    ranks = [r for r, y in enumerate(relevances[:k], 1) if y >= level]
    return 1 / mpf(ranks[0]) if ranks else mpf(0)


def mrr_loss(documents: Documents, k: int | None, level: float, ties: str, no_relevant: str) -> Any:
    if all(y < level for y, _ in documents):
        return mpf(no_relevant == "1")
    return 1 - mean(reciprocal_rank(relevances, k, level) for relevances in orders(documents, ties))


def average_precision(relevances: list[Any], k: int | None, level: float) -> Any:
    hits = [y >= level for y in relevances]
    precisions = [mpf(sum(hits[:r])) / r for r, hit in enumerate(hits[:k], 1) if hit]
    return mp.fsum(precisions) / min(sum(hits), k or len(hits))


def map_loss(documents: Documents, k: int | None, level: float, ties: str, no_relevant: str) -> Any:
    if all(y < level for y, _ in documents):
        return mpf(no_relevant == "1")
    return 1 - mean(average_precision(relevances, k, level) for relevances in orders(documents, ties))


def pairs(documents: Documents) -> list[tuple[Any, Any]]:
    """The scores of the pairs whose first document is the more relevant."""
    return [(s, t) for (y, s), (z, t) in itertools.product(documents, repeat=2) if y > z]


def mean_of_pairs(documents: Documents, function: Callable[[Any], Any]) -> Any:
    found = pairs(documents)
    return mp.fsum(function(s - t) for s, t in found) / len(found) if found else mpf(0)


def pairwise_logistic(documents: Documents, sigma: float, average: str) -> Any:
    return mean_of_pairs(documents, lambda gap: mp.log1p(mp.exp(-mpf(sigma) * gap)))


def pairwise_hinge(documents: Documents, margin: float, average: str) -> Any:
    return mean_of_pairs(documents, lambda gap: max(mpf(0), mpf(margin) - gap))


def lambda_rank(documents: Documents, k: int | None, gain: str, sigma: float) -> Any:
    most = dcg(sorted((y for y, _ in documents), reverse=True), k, gain)
    ranked = sorted(documents, key=lambda d: -d[1])
    places = [(y, s, 1 / mp.log(r + 2, 2) if k is None or r < k else mpf(0)) for r, (y, s) in enumerate(ranked)]
    terms = [
        abs(gain_of(y, gain) - gain_of(z, gain)) * abs(d - e) / most * mp.log1p(mp.exp(-mpf(sigma) * (s - t)))
        for (y, s, d), (z, t, e) in itertools.product(places, repeat=2)
        if y > z
    ]
    return mp.fsum(terms)


def listmle(documents: Documents) -> Any:
    scores = [s for _, s in sorted(documents, key=lambda d: -d[0])]
    return mp.fsum(mp.log(mp.fsum(map(mp.exp, scores[i:]))) - s for i, s in enumerate(scores))


def listnet(documents: Documents) -> Any:
    of_y, of_s = (mp.fsum(mp.exp(d[i]) for d in documents) for i in (0, 1))
    return mp.fsum(mp.exp(y) / of_y * (mp.log(of_s) - s) for y, s in documents)


REFERENCE = {
    loss.__name__: by_query(loss)
    for loss in (ndcg_loss, mrr_loss, map_loss, pairwise_logistic, pairwise_hinge, lambda_rank, listmle, listnet)
}

NEARLY_SORTED = {"y_true": [float(y) for y in [*range(80, 1, -1), 0, 1]], "y_pred": [float(-i) for i in range(81)]}
TIED = {
    "y_true": [2.0, 0.0, 1.0, 0.0, 3.0, 1.0, 0.0, 0.0, 1.0, 1e-9, 0.0],
    "y_pred": [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 9.0, 9.0, 0.0, 1.0],
    "query": [1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3],
}
FAR = {
    "y_true": [[3.0, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]],
    "y_pred": [[800.0, 1e-9, 0.0, -3e-9], [1e8, 1e8 + 0.5, -700.0, 40.0]],
}
SURE = {"y_true": [[3.0, 2.0, 1.0, 0.0]], "y_pred": [[120.0, 80.0, 40.0, 0.0]]}
HUGE = {"y_true": [[1000.0, 600.0, 5.0, 0.0], [2000.0, 0.0, 1.0, 1999.0]], "y_pred": [[0.0, 1.0, 2.0, 3.0]] * 2}
ALL = [NEARLY_SORTED, TIED, FAR, SURE]


def with_each(*params: dict[str, Any], data: list[dict[str, Any]] = ALL) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(chosen, roles) for chosen in params for roles in data]


EXTREMES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "ndcg_loss": [*with_each({}, {"k": 2}, {"gain": "linear"}, {"ties": "order", "no_relevant": "1"}), ({}, HUGE)],
    "mrr_loss": with_each({}, {"k": 1}, {"level": 2.0}, {"ties": "order"}),
    "map_loss": with_each({}, {"k": 2}, {"level": 2.0}, {"k": 60}, {"ties": "order"}),
    "pairwise_logistic": with_each({}, {"sigma": 1e-3}),
    "pairwise_hinge": with_each({}, {"margin": 0.0}),
    "lambda_rank": [*with_each({}, {"k": 2}, {"gain": "linear", "sigma": 2.0}), ({}, HUGE)],
    "listmle": with_each({}),
    "listnet": with_each({}),
}
