"""Whether classes or targets have an order: ratings, grades, relevances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from losscli.declaration.domains import Array
from losscli.recommend.summary import ColumnSummary

LEVELS_OF_RATINGS = range(3, 12)
"""How many levels a scale of ratings has, such as 1 to 5 or 0 to 10."""

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


def are_levels(v: ColumnSummary) -> bool:
    """Return whether values are all the whole numbers from 0 or 1 to the last level of a scale."""
    if v.counts is None or not v.is_whole or v.low not in (0, 1):
        return False
    return len(v.counts) in LEVELS_OF_RATINGS and len(v.counts) == v.high - v.low + 1


def are_ratings(true: ColumnSummary, pred: ColumnSummary) -> bool:
    """Return whether targets are ratings and predictions are on their scale.

    Numbers from 0 may be counts: they are ratings if the predictions are levels, too.
    """
    if not are_levels(true) or not pred.is_within(true.low - 1, true.high + 1):
        return False
    return true.low == 1 or (pred.is_whole and pred.is_within(true.low, true.high))


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
