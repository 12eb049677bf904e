"""Whether classes or targets have an order: ratings, grades, relevances."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from losscli.declaration.domains import Array
from losscli.recommend.residuals import MIN_DISPERSION
from losscli.recommend.summary import ColumnSummary

LEVELS_OF_RATINGS = range(3, 12)
"""How many levels a scale of ratings has, such as 1 to 5 or 0 to 10."""

USUAL_LAST_RATINGS = (5, 10)
"""The last level of scales of ratings from 0."""

LEAST_LAST_SHARE = 0.01
"""Share of the rows below which the last level of whole numbers from 0 is rare."""

ORDERED_SHARE, ORDERED_SHARE_OF_RATINGS = 0.8, 0.5
"""Share of the rows with one peak from which classes have an order; of classes that are called 1, 2, 3, ... less is
enough. Of five classes in a random order 13 % of the rows have one peak."""

QUERY_NAMES = {"query", "query_id", "qid", "queryid", "search_id", "srch_id"}
"""Names of columns that say which rows are the documents of one query."""

SCALE_WORDS = (
    ("lowest", "very low", "low", "medium", "moderate", "high", "very high", "highest"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("none", "mild", "moderate", "severe", "critical"),
    ("terrible", "bad", "poor", "fair", "okay", "good", "very good", "excellent"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("small", "medium", "large"),
)
"""Words that are levels of one scale, in order."""


def rating_step(v: ColumnSummary) -> float | None:
    """Return the step between the levels of a scale of ratings, 1 or 1/2; None if values are of no such scale.

    Whole ratings have all levels from 0 or 1 to the last one. Half stars go up to 5, and some may be missing.
    """
    if v.counts is None or len(v.counts) not in LEVELS_OF_RATINGS:
        return None
    if v.is_whole:
        return 1.0 if v.low in (0, 1) and len(v.counts) == v.high - v.low + 1 else None
    return 0.5 if v.low >= 0 and v.high == 5 and all((2 * level).is_integer() for level in v.counts) else None


def are_ratings(true: ColumnSummary, pred: ColumnSummary, spread: Callable[[], float]) -> bool:
    """Return whether targets are ratings and predictions are on their scale.

    Whole numbers from 0 may be counts. They are ratings if the predictions are levels, too, and the last level is not
    rare, as the largest of counts is; or if they go to 5 or 10 and `spread`, the mean squared error over the mean
    target, is below that of counts.
    """
    step = rating_step(true)
    if step is None or not pred.is_within(true.low - 1, true.high + 1):
        return False
    if true.low > 0 or step < 1:
        return True
    is_on_scale = pred.is_within(true.low, true.high)
    counts = true.counts or {}
    is_last_rare = counts.get(true.high, 0.0) < LEAST_LAST_SHARE * sum(counts.values())
    if is_on_scale and true.high in USUAL_LAST_RATINGS and not is_last_rare and spread() < MIN_DISPERSION:
        return True
    return pred.is_whole and is_on_scale and not is_last_rare


def are_relevances(true: ColumnSummary, pred: ColumnSummary) -> bool:
    """Return whether targets are relevances from 0, and predictions are scores on another scale than theirs."""
    is_graded = true.low == 0 and true.is_whole and len(true.counts or ()) in range(2, 7) and true.high <= 10
    return is_graded and not pred.is_whole and (pred.low < -1 or pred.high > 2 * true.high)


def one_peak_share(p: Array, weight: Array | None) -> float:
    """Return the share of rows (n, C) that rise to one peak and fall from there, both as they are and per mean of each.

    The means of the columns may rise and fall themselves, where the classes have no order.
    """
    means = np.average(p, axis=0, weights=weight)
    if not (means > 0).all():
        return 0.0
    both = np.ones(len(p), dtype=bool)
    for values in (p, p / means):
        step = np.diff(values, axis=1)
        has_fallen = np.maximum.accumulate(step < 0, axis=1)
        both &= ~((step[:, 1:] > 0) & has_fallen[:, :-1]).any(axis=1)
    return float(np.average(both, weights=weight))


def scale_of(names: Sequence[str]) -> list[str] | None:
    """Return the names in the order of a known scale, None if they are words of none."""
    words = [" ".join(name.lower().replace("_", " ").split()) for name in names]
    for scale in SCALE_WORDS:
        if len(set(words)) == len(words) >= 3 and set(words) <= set(scale):
            return [names[i] for i in sorted(range(len(words)), key=lambda i: scale.index(words[i]))]
    return None


def are_numbered_from_1(names: Sequence[str]) -> bool:
    """Return whether classes are called 1, 2, 3, ... in order."""
    return len(names) in LEVELS_OF_RATINGS and all(name == str(i) for i, name in enumerate(names, 1))
