"""Losses of rankings: the rows of a query are the documents that scores put in order."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np

from losscli.declaration.domains import Array, Mask, Queries, Relevances, ScoresOfRows
from losscli.declaration.domains.intervals import POSITIVE, Interval
from losscli.declaration.domains.parameters import Choice, Number, OrNone, WordOrInteger
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.declaration.row_lists import Offsets
from losscli.losses._queries import (
    Rows,
    Ties,
    descending,
    discounts,
    gains,
    is_counted,
    max_by_query,
    mean_over_ties,
    places,
    query_of_rows,
    sum_by_query,
    unjudged_as,
)

Cutoff = Annotated[int | None, OrNone(Number(Interval(1), integer=True))]
"""How many documents count, from the first one on, or None for all."""

Gain = Annotated[Literal["exponential", "linear"], Choice(("exponential", "linear"))]
"""The gain of a relevance y: `exponential`, 2^y - 1, or `linear`, y."""

TieRule = Annotated[Literal["average", "order"], Choice(("average", "order"))]
"""Equal scores: the mean over all their orders, or the order of the rows."""

NoRelevant = Annotated[str, WordOrInteger(("skip", "0", "1"))]
"""The loss of a query without a relevant document: `skip` leaves it out of the mean."""

Level = Annotated[float, Number(POSITIVE)]
"""The relevance from which on a document is relevant."""

RANKING = {
    "y": "y_true, the relevance of a document",
    "s": "y_pred, its score",
    "r": "the rank of a document by s in its query: 1 is the highest score",
    "R": "the number of relevant documents of the query, y >= level",
    "P": "P(r), the share of relevant documents among the first r",
    "G": "the gain, 2^y - 1 or y",
    "D": "the discount, 1/log2(1 + r), 0 beyond k",
    "DCG": "sum of G D over the documents of the query",
    "maxDCG": "DCG in the order of y",
    "k": "the number of documents that count",
    "i": "a document",
    "j": "another document of the same query",
    "sigma": "the parameter sigma",
    "margin": "the parameter margin",
    "c": "a document of the query",
}

query_loss = partial(loss, family="ranking", by_query=True, symbols=RANKING)


@query_loss(
    aliases=("ndcg", "one_minus_ndcg", "归一化折损累计增益"),
    formula="1 - DCG / maxDCG",
    properties=Property.BOUNDED_VALUE,
    references=(
        "Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418",
        "Burges et al. 2005, doi:10.1145/1102351.1102363",
        "McSherry & Najork 2008, doi:10.1007/978-3-540-78646-7_38",
    ),
    equivalents=(
        ("scikit-learn", "1 - sklearn.metrics.ndcg_score of the gains, a query at a time; no_relevant=1 there"),
        ("XGBoost, LightGBM", "1 - ndcg: gain=exponential, ties=order; XGBoost has no_relevant=0"),
    ),
)
def ndcg_loss(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    k: Cutoff = None,
    gain: Gain = "exponential",
    ties: TieRule = "average",
    no_relevant: NoRelevant = "skip",
) -> Array:
    """One minus the normalized discounted cumulative gain of a query.

    Use: graded relevances, where the first places matter most.
    Avoid: as an objective: it is a step function of the scores, lambda_rank and listnet have gradients.
    Pitfalls: libraries differ in the gain, in ties and in queries without a relevant document; with ties=order the
    value depends on the order of rows.
    """
    gap, most = dcg_gap(y_true, y_pred, query, k, gain, ties)
    return unjudged_as(gap / most, most > 0, no_relevant)


@ndcg_loss.row_mask
def _(y_true: Array, y_pred: Array, query: Offsets, *, no_relevant: str) -> Mask:
    """it has a document with y_true > 0"""
    return is_counted(max_by_query(y_true, query) > 0, no_relevant)


def dcg_gap(y: Array, s: Array, offsets: Offsets, k: int | None, gain: str, ties: str) -> tuple[Array, Array]:
    """Compute maxDCG - DCG, rank by rank so that it does not cancel, and maxDCG (Q,), with the same factor."""
    gained, discount = gains(y, offsets, gain), discounts(offsets, k)
    order = descending(s, offsets)
    found, ideal = gained[order], gained[descending(y, offsets)]
    if ties == "average":
        found = mean_over_ties(found, s[order], offsets)
    gap = sum_by_query((ideal - found) * discount, offsets)
    return np.maximum(gap, 0.0), sum_by_query(ideal * discount, offsets)


@query_loss(
    aliases=("mrr", "reciprocal_rank", "平均倒数排名"),
    formula="1 - 1/r of the first relevant document, 1 beyond k",
    properties=Property.BOUNDED_VALUE,
    references=("Voorhees 1999, TREC-8 question answering track report",),
    equivalents=(
        (
            "torchmetrics",
            "1 - torchmetrics.functional.retrieval.retrieval_reciprocal_rank of ranks, a query at a time: it drops "
            "documents whose score is not positive",
        ),
    ),
)
def mrr_loss(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    k: Cutoff = None,
    level: Level = 1.0,
    ties: TieRule = "average",
    no_relevant: NoRelevant = "skip",
) -> Array:
    """One minus the reciprocal rank of the first relevant document.

    Use: one right answer is enough, as in search for a known page.
    Avoid: several relevant documents, all of which are wanted: map_loss or ndcg_loss.
    Pitfalls: relevances below the level count as none at all.
    """
    order = descending(y_pred, query)
    relevant, place = (y_true >= level)[order], places(query)
    lost = 1 - 1 / (place + 1.0)
    if k is not None:
        lost = np.where(place < k, lost, 1.0)
    first = first_relevant_chances(relevant, y_pred[order], query) if ties == "average" else is_first(relevant, query)
    return unjudged_as(sum_by_query(first * lost, query), max_by_query(y_true, query) >= level, no_relevant)


def is_first(relevant: Mask, offsets: Offsets) -> Array:
    """Return 1 for the first relevant row of each query, and 0 for all others (n,)."""
    earlier = count_before(relevant, offsets)
    return (relevant & (earlier == 0)).astype(np.float64)


def count_before(relevant: Mask, offsets: Offsets) -> Array:
    """Return how many relevant rows come before each one in its query (n,)."""
    total: Rows = np.cumsum(relevant) - relevant
    return (total - total[offsets[:-1]][query_of_rows(offsets)]).astype(np.float64)


def first_relevant_chances(relevant: Mask, scores: Array, offsets: Offsets) -> Array:
    """Return the chance of each place to hold the first relevant row, over all orders of equal scores (n,)."""
    runs = Ties.of(scores, offsets)
    hits = np.add.reduceat(relevant.astype(np.float64), runs.starts)
    is_reached = count_before(relevant, offsets)[runs.starts] == 0
    decides = is_reached & (hits > 0)
    found = np.zeros(len(scores))
    sure = decides & (runs.sizes == hits)
    found[runs.starts[sure]] = 1.0
    for run in np.flatnonzero(decides & ~sure):  # at most one a query
        start, size, count = int(runs.starts[run]), int(runs.sizes[run]), hits[run]
        left = np.arange(size, count - 1, -1)  # rows of the run that are left at each place that may be the first
        none_before = np.concatenate([[1.0], np.cumprod((left[:-1] - count) / left[:-1])])
        found[start : start + len(left)] = none_before * (count / left)
    return found


@mrr_loss.row_mask
def _(y_true: Array, y_pred: Array, query: Offsets, *, level: float, no_relevant: str) -> Mask:
    """it has a document with y_true >= level"""
    return is_counted(max_by_query(y_true, query) >= level, no_relevant)


@query_loss(
    aliases=("map", "mean_average_precision"),
    formula="1 - sum_{relevant, r <= k} P(r) / min(R, k)",
    properties=Property.BOUNDED_VALUE,
    references=("Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, chapter 8",),
    equivalents=(
        ("trec_eval", "1 - map"),
        ("Kaggle", "1 - MAP@k; XGBoost divides by R instead, torchmetrics by the hits among the first k"),
    ),
)
def map_loss(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    k: Cutoff = None,
    level: Level = 1.0,
    ties: TieRule = "average",
    no_relevant: NoRelevant = "skip",
) -> Array:
    """One minus the average precision at the relevant documents.

    Use: documents are relevant or not, and all of those that are should come early.
    Avoid: graded relevances: ndcg_loss.
    Pitfalls: with a cutoff, libraries divide by different numbers; average_precision_score of scikit-learn puts equal
    scores at one rank.
    """
    order, place = descending(y_pred, query), places(query)
    relevant = (y_true >= level)[order]
    before, share, others = count_before(relevant, query), relevant.astype(np.float64), np.zeros(1)
    if ties == "average":
        runs = Ties.of(y_pred[order], query)
        sizes = runs.sizes[runs.run]
        hits = runs.sums(relevant.astype(np.float64))
        share = hits / sizes
        before = before[runs.starts][runs.run]
        others = runs.place * np.maximum(hits - 1, 0) / np.maximum(sizes - 1, 1)
    precision = (before + 1 + others) / (place + 1.0)
    total = sum_by_query(relevant.astype(np.float64), query)
    most = total if k is None else np.minimum(total, k)
    lost = share * (1 - precision)
    if k is not None:
        has_all = (total <= k)[query_of_rows(query)]
        lost = np.where(place < k, np.where(has_all, lost, 1 - share * precision), np.where(has_all, share, 0.0))
    return unjudged_as(sum_by_query(lost, query) / most, total > 0, no_relevant)


map_loss.share_hooks(mrr_loss, "row_mask")
