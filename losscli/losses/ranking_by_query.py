"""Losses of rankings: the rows of a query are the documents that scores put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Literal

import numpy as np

from losscli.declaration.domains import (
    Array,
    FiniteNonNegative,
    FinitePositive,
    Mask,
    Queries,
    Relevances,
    ScoresOfRows,
)
from losscli.declaration.domains.intervals import POSITIVE, Interval
from losscli.declaration.domains.parameters import Choice, Number, OrNone, WordOrInteger
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.declaration.row_lists import Offsets
from losscli.losses._exp_sums import above, accumulate_exp, scale_exp, sum_of_later
from losscli.losses._numerics import sigmoid, softplus, weigh
from losscli.losses._queries import (
    Gains,
    PairBlock,
    PairTotals,
    Rows,
    TiedScores,
    count_pairs,
    descending,
    discounts,
    has_equal_neighbours,
    is_counted,
    lists_of_one_size,
    log_softmax_by_query,
    max_by_query,
    pairs_of_rows,
    places,
    query_of_rows,
    softmax_by_query,
    sum_by_query,
    unjudged_as,
)
from losscli.losses._sums import cumulated

MAX_SHORT_RUN = 64
"""Rows of a run of equal scores that is computed together with others."""

CONVEX, SMOOTH, BOUNDED_GRADIENT = Property.CONVEX, Property.DIFFERENTIABLE, Property.BOUNDED_GRADIENT

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
    "P": "the share of relevant documents among the first r",
    "level": "the parameter level",
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

BY_RELEVANCE = {
    "i": "the place of a document by y in its query: 1 is the most relevant",
    "j": "the same of a document that is not more relevant",
    "c": "the place of the document that the gradient is by",
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
        same(
            "sklearn",
            "1 - sklearn.metrics.ndcg_score(2.0**y_true - 1, y_pred, k=k)",
            shapes={"y_true": "N,K", "y_pred": "N,K"},
            no_relevant="1",
        ),
        ("others", "XGBoost, LightGBM and Kaggle: ties=order, no_relevant=0"),
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
    gains, discount = Gains.of(y, offsets, gain), discounts(offsets, k)
    found, ideal = descending(s, offsets), descending(y, offsets)
    if ties == "average" and has_equal_neighbours(scores := s[found], offsets):
        runs = TiedScores.of(scores, offsets)
        first = found[runs.starts][runs.run]  # each row of a run has the mean gain of the run
        lost = gains.gaps(ideal, first) - runs.sums(gains.gaps(found, first)) / runs.sizes[runs.run]
    else:
        lost = gains.gaps(ideal, found)
    gap = sum_by_query(lost * discount, offsets)
    return np.maximum(gap, 0.0), sum_by_query(gains.values[ideal] * discount, offsets)


@query_loss(
    aliases=("mrr", "reciprocal_rank", "平均倒数排名"),
    formula="1 - 1/min_{y >= level} r, 1 where r > k",
    properties=Property.BOUNDED_VALUE,
    references=("Voorhees 1999, TREC-8 question answering track report",),
    equivalents=(
        ("others", "torchmetrics retrieval_reciprocal_rank drops documents whose score is not positive: give it ranks"),
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
    runs = TiedScores.of(scores, offsets)
    hits = np.add.reduceat(relevant.astype(np.float64), runs.starts)
    is_reached = count_before(relevant, offsets)[runs.starts] == 0
    decides = is_reached & (hits > 0)
    found = np.zeros(len(scores))
    sure = decides & (runs.sizes == hits)
    found[runs.starts[sure]] = 1.0
    unsure = decides & ~sure
    is_short = runs.sizes <= MAX_SHORT_RUN
    for run in np.flatnonzero(unsure & ~is_short):
        start, size, count = int(runs.starts[run]), int(runs.sizes[run]), hits[run]
        left = np.arange(size, count - 1, -1)  # rows of the run that are left at each place that may be the first
        none_before = np.exp(np.append(0.0, cumulated(np.log1p(-count / left[:-1]))))
        found[start : start + len(left)] = none_before * (count / left)
    short = np.flatnonzero(unsure & is_short)
    rows, left_over, relevant_ones, none_before = (
        runs.starts[short],
        runs.sizes[short],
        hits[short],
        np.ones(len(short)),
    )
    while len(rows):  # place by place, of all short runs at once
        found[rows] = none_before * (relevant_ones / left_over)
        goes_on = left_over > relevant_ones
        none_before = (none_before * ((left_over - relevant_ones) / left_over))[goes_on]
        rows, left_over, relevant_ones = rows[goes_on] + 1, left_over[goes_on] - 1, relevant_ones[goes_on]
    return found


@mrr_loss.row_mask
def _(y_true: Array, y_pred: Array, query: Offsets, *, level: float, no_relevant: str) -> Mask:
    """it has a document with y_true >= level"""
    return is_counted(max_by_query(y_true, query) >= level, no_relevant)


@query_loss(
    aliases=("map", "mean_average_precision"),
    formula="1 - sum_{y >= level, r <= k} P / min(R, k)",
    properties=Property.BOUNDED_VALUE,
    references=("Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, chapter 8",),
    equivalents=(
        ("others", "trec_eval map, Kaggle MAP@k; XGBoost 3 map@k: ties=order, no_relevant=0"),
        ("others", "torchmetrics divides by the hits among the first k"),
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
        runs = TiedScores.of(y_pred[order], query)
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


def equal_scores(y_true: Array, y_pred: Array, query: Offsets) -> Mask:
    """equal scores are taken in row order"""
    scores = y_pred[descending(y_pred, query)]
    return is_equal_to_next(scores, query)


def is_equal_to_next(values: Array, offsets: Offsets) -> Mask:
    """Return which queries have two equal values, of values that are sorted within each query (Q,)."""
    is_equal = np.append(values[1:] == values[:-1], False) & (np.append(places(offsets)[1:], 0) > 0)
    return np.asarray(np.logical_or.reduceat(is_equal, offsets[:-1]))


def tally_equal_scores(y_true: Array, y_pred: Array, query: Offsets, *, ties: str) -> Mask | None:
    """equal scores are taken in row order"""
    return equal_scores(y_true, y_pred, query) if ties == "order" else None


for _loss in (ndcg_loss, mrr_loss, map_loss):
    _loss.tally(tally_equal_scores)


PairAverage = Annotated[Literal["query", "pair"], Choice(("query", "pair"))]
"""How the mean is taken: each query counts once, or as often as it has pairs."""


def has_pairs(y_true: Array, y_pred: Array, query: Offsets) -> Mask:
    """it has two documents of different relevance"""
    return np.asarray(max_by_query(y_true, query) > -max_by_query(-y_true, query))


def pairs_if_they_count(y_true: Array, y_pred: Array, query: Offsets, *, average: str) -> Array | None:
    """Return the number of pairs of each query, if it counts as often."""
    return count_pairs(y_true, query) if average == "pair" else None


def mean_over_pairs(y: Array, s: Array, offsets: Offsets, of_gaps: Callable[[Array], Array]) -> Array:
    """Compute the mean of a function of s_i - s_j over the pairs of each query with y_i > y_j, 0 without any (Q,)."""
    totals = PairTotals(offsets)
    for block in pairs_of_rows(offsets):
        totals.add(block, np.where(block.are_ordered(y), of_gaps(block.gaps(s)), 0.0))
    return totals.by_query / np.maximum(count_pairs(y, offsets), 1.0)


def mean_slopes(y: Array, s: Array, offsets: Offsets, of_gaps: Callable[[Array], Array]) -> Array:
    """Compute the gradient of that mean by s, from the derivative of the function (n,)."""
    totals = PairTotals(offsets)
    for block in pairs_of_rows(offsets):
        totals.add_slopes(block, np.where(block.are_ordered(y), of_gaps(block.gaps(s)), 0.0))
    return totals.by_row / np.maximum(count_pairs(y, offsets), 1.0)[query_of_rows(offsets)]


@query_loss(
    aliases=("ranknet", "pair_logit"),
    formula="mean_{y_i > y_j} log(1 + exp(-sigma (s_i - s_j)))",
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    references=("Burges et al. 2005, doi:10.1145/1102351.1102363",),
    equivalents=(
        ("others", "rax pairwise_logistic_loss by query; CatBoost PairLogit: average=pair; Burges 2005: sum"),
    ),
)
def pairwise_logistic(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    sigma: FinitePositive = 1.0,
    average: PairAverage = "query",
) -> Array:
    """Logistic loss of the pairs of a query: the more relevant document should have the higher score.

    Use: learning to rank, where every pair in the wrong order is as bad.
    Avoid: only the first places matter: lambda_rank.
    Pitfalls: the number of pairs grows with the square of the length of a query; libraries differ in whether each
    query or each pair counts once.
    """
    return mean_over_pairs(y_true, y_pred, query, lambda gaps: softplus(-sigma * gaps))


@pairwise_logistic.gradient
def _(y_true: Array, y_pred: Array, query: Offsets, *, sigma: float) -> Array:
    """mean_{y_i > y_j} -sigma / (1 + exp(sigma (s_i - s_j))) for i, minus that for j"""
    return mean_slopes(y_true, y_pred, query, lambda gaps: -sigma * sigmoid(-sigma * gaps))


@query_loss(
    aliases=("ranksvm", "pair_hinge"),
    formula="mean_{y_i > y_j} max(0, margin - (s_i - s_j))",
    unit="score",
    properties=CONVEX | BOUNDED_GRADIENT,
    references=("Joachims 2002, doi:10.1145/775047.775067",),
    equivalents=(("others", "rax pairwise_hinge_loss with margin=1, a query at a time"),),
)
def pairwise_hinge(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    margin: FiniteNonNegative = 1.0,
    average: PairAverage = "query",
) -> Array:
    """Hinge loss of the pairs of a query: the score of the more relevant document should be higher by a margin.

    Use: ranking by a support vector machine.
    Avoid: scores that are probabilities: a margin of 1 is out of reach.
    Pitfalls: the scale of the scores matters, as the margin is in their unit.
    """
    return mean_over_pairs(y_true, y_pred, query, lambda gaps: np.maximum(0.0, margin - gaps))


@pairwise_hinge.gradient
def _(y_true: Array, y_pred: Array, query: Offsets, *, margin: float) -> Array:
    """mean_{y_i > y_j} -[s_i - s_j < margin] for i, minus that for j"""
    return mean_slopes(y_true, y_pred, query, lambda gaps: -(gaps < margin).astype(np.float64))


for _loss in (pairwise_logistic, pairwise_hinge):
    _loss.row_mask(has_pairs)
    _loss.frequency(pairs_if_they_count)


@query_loss(
    aliases=("lambdarank", "lambdamart"),
    formula="sum_{y_i > y_j} |G_i - G_j| |D_i - D_j| log(1 + exp(-sigma (s_i - s_j))) / maxDCG",
    unit="nat",
    properties=BOUNDED_GRADIENT,
    references=("Burges 2010, MSR-TR-2010-82", "Wang et al. 2018, doi:10.1145/3269206.3271784"),
    equivalents=(
        (
            "others",
            "rax pairwise_logistic_loss with dcg_lambdaweight(normalize=True), its sum over the rows of a query; "
            "LightGBM lambdarank without its normalisation and truncation",
        ),
    ),
)
def lambda_rank(
    y_true: Relevances,
    y_pred: ScoresOfRows,
    query: Queries = None,
    *,
    k: Cutoff = None,
    gain: Gain = "exponential",
    sigma: FinitePositive = 1.0,
) -> Array:
    """Logistic loss of the pairs of a query, each weighed by what swapping the two would change in ndcg.

    Use: learning to rank by ndcg.
    Avoid: comparing models: ndcg_loss is what it stands for.
    Pitfalls: it is a sum over pairs, so that long queries have large losses; ranks are held constant in the gradient.
    """
    totals = PairTotals(query)
    for block, weight in swap_weights(y_true, y_pred, query, k, gain):
        totals.add(block, weigh(weight, softplus(-sigma * block.gaps(y_pred))))
    return totals.by_query


def swap_weights(y: Array, s: Array, offsets: Offsets, k: int | None, gain: str) -> Iterator[tuple[PairBlock, Array]]:
    """Yield pairs and |G_i - G_j| |D_i - D_j| / maxDCG of those with y_i > y_j, 0 of the others (L, m, K)."""
    gains, discount = Gains.of(y, offsets, gain), discounts(offsets, k)
    most = sum_by_query(gains.values[descending(y, offsets)] * discount, offsets)
    most = np.where(most > 0, most, 1.0)
    of_rows = np.empty_like(discount)
    of_rows[descending(s, offsets)] = discount
    for block in pairs_of_rows(offsets):
        gaps = gains.gaps(block.first[:, :, None], block.second[:, None, :])
        weight = np.abs(gaps) / most[block.queries, None, None] * np.abs(block.gaps(of_rows))
        yield block, np.where(block.are_ordered(y), weight, 0.0)


@lambda_rank.gradient
def _(y_true: Array, y_pred: Array, query: Offsets, *, k: int | None, gain: str, sigma: float) -> Array:
    """sum_{y_i > y_j} -sigma |G_i - G_j| |D_i - D_j| / maxDCG / (1 + exp(sigma (s_i - s_j))) for i, minus that for j"""
    totals = PairTotals(query)
    for block, weight in swap_weights(y_true, y_pred, query, k, gain):
        totals.add_slopes(block, weigh(weight, -sigma * sigmoid(-sigma * block.gaps(y_pred))))
    return totals.by_row


lambda_rank.row_mask(has_pairs)
lambda_rank.tally(equal_scores)


@query_loss(
    aliases=("list_mle", "plackett_luce"),
    formula="sum_i (log sum_{j >= i} exp s_j - s_i)",
    symbols=RANKING | BY_RELEVANCE,
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    references=("Xia et al. 2008, doi:10.1145/1390156.1390306",),
    equivalents=(("others", "rax listmle_loss without equal relevances, a query at a time"),),
)
def listmle(y_true: Relevances, y_pred: ScoresOfRows, query: Queries = None) -> Array:
    """Negative log likelihood of the order by relevance under the Plackett-Luce model of the scores.

    Use: the whole order of a list is known.
    Avoid: few grades of relevance: equal ones are taken in row order, so that the value depends on it.
    Pitfalls: all places count alike, the last as the first; long queries have large losses.
    """
    found = np.zeros(len(query) - 1)
    for queries, _, s, level, total in scores_from_the_last(y_true, y_pred, query):
        found[queries] = softplus(above(level[:, :-1], s[:, 1:]) + np.log(total[:, :-1])).sum(axis=1)
    return found


def scores_from_the_last(y: Array, s: Array, offsets: Offsets) -> Iterator[tuple[Rows, Rows, Array, Array, Array]]:
    """Yield queries (L,) of one size, their rows and scores by y, the last place first, and sums of exp (L, K).

    These are over the scores up to each one, that is of its place and all after it, relative to exp of a level.
    """
    order = descending(y, offsets)
    for queries, place in lists_of_one_size(offsets):
        rows = order[place][:, ::-1]
        scores = s[rows]
        yield queries, rows, scores, *accumulate_exp(scores)


@listmle.gradient
def _(y_true: Array, y_pred: Array, query: Offsets) -> Array:
    """sum_{i <= c} exp(s_c) / sum_{j >= i} exp s_j - 1"""
    found = np.zeros(len(y_pred))
    for _, rows, s, level, total in scores_from_the_last(y_true, y_pred, query):
        found[rows] = scale_exp(s, level) * sum_of_later(1 / total, level)
        found[rows[:, 1:]] -= sigmoid(above(level[:, :-1], s[:, 1:]) + np.log(total[:, :-1]))
    return found


@listmle.tally
def _(y_true: Array, y_pred: Array, query: Offsets) -> Mask:
    """equal relevances are taken in row order"""
    return is_equal_to_next(y_true[descending(y_true, query)], query)


@query_loss(
    aliases=("list_net",),
    formula="-sum_c softmax(y)_c log softmax(s)_c",
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    references=("Cao et al. 2007, doi:10.1145/1273496.1273513",),
    equivalents=(("others", "allRank listNet adds 1e-10 to each share of the scores"),),
)
def listnet(y_true: Relevances, y_pred: ScoresOfRows, query: Queries = None) -> Array:
    """Cross-entropy of the softmax of the scores of a query against the softmax of its relevances.

    Use: learning to rank by a convex loss of whole lists.
    Avoid: relevances whose differences mean nothing: their softmax is the target.
    Pitfalls: its minimum is not 0 but the entropy of the targets; ranking_softmax takes relevances as they are.
    """
    logs = log_softmax_by_query(y_pred, query)
    return 0.0 - sum_by_query(weigh(softmax_by_query(y_true, query), logs), query)  # 0, and not -0, of one document


@listnet.gradient
def _(y_true: Array, y_pred: Array, query: Offsets) -> Array:
    """softmax(s)_c - softmax(y)_c"""
    return softmax_by_query(y_pred, query) - softmax_by_query(y_true, query)
