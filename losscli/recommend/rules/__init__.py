"""Rules: which losses suit which data, and why. A rule is a `yield` in the function for a task.

If several rules of a task name the same loss, the first one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from losscli.recommend.rules import forecasts, labels, language, masks, metric, survival
from losscli.recommend.rules.binary import binary, binary_scores
from losscli.recommend.rules.boxes import boxes
from losscli.recommend.rules.classes import class_logs, class_scores, classes
from losscli.recommend.rules.distributions import distribution_scores, distributions
from losscli.recommend.rules.findings import Finding
from losscli.recommend.rules.labels import multilabel, multilabel_scores
from losscli.recommend.rules.ordinal import ranking, ratings
from losscli.recommend.rules.regression import constant_targets, regression
from losscli.recommend.tasks import Task

RULES_OF_TASK: Mapping[Task, Callable[[Any], Iterator[Finding]]] = {
    Task.REGRESSION: regression,
    Task.BINARY: binary,
    Task.BINARY_SCORES: binary_scores,
    Task.MULTILABEL: multilabel,
    Task.MULTILABEL_SCORES: multilabel_scores,
    Task.CLASSES: classes,
    Task.CLASS_SCORES: class_scores,
    Task.CLASS_LOGS: class_logs,
    Task.DISTRIBUTIONS: distributions,
    Task.DISTRIBUTION_SCORES: distribution_scores,
    Task.ONE_DISTRIBUTION: distributions,
    Task.UNCLEAR: constant_targets,
    Task.RATINGS: ratings,
    Task.RANKING: ranking,
    Task.BOXES: boxes,
    Task.TRIPLETS: metric.triplets,
    Task.VIEWS: metric.views,
    Task.PAIRS: metric.vector_pairs,
    Task.DISTANCES: metric.distance_pairs,
    Task.RANKED_PAIRS: metric.ranked_pairs,
    Task.EMBEDDINGS: metric.embeddings,
    Task.CENTERS: metric.embeddings,
    Task.PROTOTYPES: metric.prototypes,
    Task.VERIFICATION: metric.verification,
    Task.SEQUENCES: metric.sequences,
    Task.SURVIVAL: survival.times,
    Task.SURVIVAL_CURVES: survival.curves,
    Task.TOKENS: language.occurred_tokens,
    Task.PREFERENCES: language.preferred_answers,
    Task.CHOICES: language.chosen_items,
    Task.TEACHING: language.taught_students,
    Task.PREDICTED_LABELS: labels.predicted_labels,
    Task.ENSEMBLES: forecasts.ensembles,
    Task.MASKS: masks.class_masks,
    Task.BINARY_MASKS: masks.binary_masks,
}
"""Task -> its rules: functions of a Profile, or of a RoleProfile where the data has other roles."""
