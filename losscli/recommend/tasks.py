"""Tasks: what the predictions are of."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import numpy as np

from losscli.declaration.domains.distributions import MAX_SUM_ERROR
from losscli.declaration.domains.members import are_named_members
from losscli.recommend.boxes import look_like_boxes
from losscli.recommend.order import are_ratings, are_relevances

if TYPE_CHECKING:
    from losscli.recommend.profile import Profile

MIN_ROWS_OF_RATINGS = 20
"""Rows from which a few whole numbers are taken for ratings."""


PADDING_LABELS = (-100, -1)
"""Labels that mark what does not count, beside those of classes."""


class Task(enum.StrEnum):
    """What the predictions are of; `unclear` if the data does not tell."""

    REGRESSION = "regression"
    BINARY = "binary"
    BINARY_SCORES = "binary from logits"
    MULTILABEL = "multi-label"
    MULTILABEL_SCORES = "multi-label from logits"
    CLASSES = "multi-class"
    CLASS_SCORES = "multi-class from logits"
    CLASS_LOGS = "multi-class from log-probabilities"
    DISTRIBUTIONS = "distributions"
    DISTRIBUTION_SCORES = "distributions from logits"
    ONE_DISTRIBUTION = "one distribution"
    UNCLEAR = "unclear"
    RATINGS = "ratings"
    RANKING = "ranking"
    BOXES = "boxes"
    EMBEDDINGS = "embeddings with classes"
    PROTOTYPES = "embeddings with prototypes"
    CENTERS = "embeddings with centers"
    PAIRS = "pairs of vectors"
    DISTANCES = "distances of pairs"
    TRIPLETS = "triplets"
    VIEWS = "pairs of views"
    RANKED_PAIRS = "ranked pairs"
    VERIFICATION = "pairs of embeddings with classes"
    SEQUENCES = "sequences"
    SURVIVAL = "survival times"
    SURVIVAL_CURVES = "survival curves"
    TOKENS = "tokens"
    PREFERENCES = "preferences"
    CHOICES = "chosen items"
    TEACHING = "a teacher and a student"
    PREDICTED_LABELS = "predicted labels"
    ENSEMBLES = "ensembles"
    MASKS = "masks with classes"
    BINARY_MASKS = "masks of two classes"


def spread_of_counts(d: Profile) -> float:
    """Return the mean squared error over the mean target, which is 1 for counts of a Poisson distribution."""
    return float(np.average(np.square(d.y_pred - d.y_true), axis=0, weights=d.sample.weight)[0]) / (
        d.true.total / d.n or 1.0
    )


def are_members(d: Profile) -> bool:
    """Return whether several predictions a row are members of an ensemble: the target is a number, and no class."""
    if d.pred.is_simplex:
        return False
    if are_named_members(d.sample.origins["y_pred"].columns):
        return True
    if d.true.is_whole and d.true.low in PADDING_LABELS and d.true.high < d.width:
        return False
    return not d.true.is_whole or d.true.low < 0 or (d.true.high > 2 * d.width and d.pred.high > d.width)


def find_task(d: Profile) -> Task:
    """Return what the predictions are of."""
    has_several = d.width > 1
    if d.has_members:
        return Task.ENSEMBLES
    has_two_labels = len(d.true.counts or ()) == 2 and (d.true.has_only(0, 1) or d.true.has_only(-1, 1))
    if d.named_format is not None or look_like_boxes(d.y_true, d.y_pred, d.names):
        return Task.BOXES
    if (d.has_class_labels or d.is_one_hot) and d.has_distributions:
        return Task.CLASSES
    if d.has_class_labels and d.pred.high <= 0 and max(map(abs, d.pred.log_sums)) <= MAX_SUM_ERROR:
        return Task.CLASS_LOGS
    if d.has_class_labels or (d.is_one_hot and not d.has_probabilities):
        return Task.CLASS_SCORES
    if has_several and d.true.is_simplex and d.has_distributions:
        return Task.DISTRIBUTIONS
    if has_several and d.true.is_simplex and not d.is_one_hot and not d.has_probabilities:
        return Task.DISTRIBUTION_SCORES
    if has_several and not has_two_labels and are_relevances(d.true, d.pred):
        return Task.RANKING
    if has_two_labels and d.sample.arrays["y_true"].ndim > 2:
        return Task.BINARY_MASKS
    if has_two_labels and d.has_probabilities:
        return Task.MULTILABEL if has_several else Task.BINARY
    if has_two_labels:
        return Task.MULTILABEL_SCORES if has_several else Task.BINARY_SCORES
    if d.true.has_only(0) or d.true.has_only(1):
        return Task.UNCLEAR
    return find_task_of_numbers(d)


def find_task_of_numbers(d: Profile) -> Task:
    """Return what predictions of numbers are of."""
    has_one = d.width == 1
    if has_one and d.has_queries and are_relevances(d.true, d.pred):
        return Task.RANKING
    if has_one and d.n >= MIN_ROWS_OF_RATINGS and are_ratings(d.true, d.pred, lambda: spread_of_counts(d)):
        return Task.RATINGS
    sums_are_1 = all(v.is_within(0, 1) and abs(v.total - 1) <= MAX_SUM_ERROR for v in (d.true, d.pred))
    return Task.ONE_DISTRIBUTION if d.n > 1 and has_one and not d.is_weighted and sums_are_1 else Task.REGRESSION
