"""Losses that prefer different models: what each aims at, and whether one model is better by all losses for that.

A loss that is consistent for a functional of the targets (their mean, a quantile) says who predicts that functional
better. Losses for different functionals may well disagree, and both be right. Losses for one functional disagree only
if the curves of the models cross in the Murphy diagram (Ehm et al. 2016, doi:10.1111/rssb.12154): see
`losscli.statistics.dominance`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from losscli.compare.decomposition import counted_mask, rounded
from losscli.compare.models import ModelRanking
from losscli.compare.notes import in_group, room_for_group, short_models
from losscli.compare.subset import RowSubset
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.messages import Hint, Message, join_names
from losscli.registry import find
from losscli.result_base import MAX_NOTE_LENGTH
from losscli.statistics.consistency import ConsistentLoss, check_shapes, consistent_loss
from losscli.statistics.dominance import PairedCurves, pair_curves

MAX_PAIRS = 3
"""Pairs of preferred models whose curves are compared, per group."""

MAX_LABELS = 2
"""Losses that a note names before it counts the others."""

MAYBE = "perhaps by chance"
BY_CHANCE = f"{MAYBE}, the best model differs by the aim"
"""What a note says where the same model may be the best under all losses, for all that the rows tell."""

MAX_GROUPS_TOLD = 3
"""Groups whose disagreeing losses have notes; JSON has all."""


class LossAim(NamedTuple):
    """What a loss aims at: a functional in words, empty if none is known, and a loss that is consistent for it."""

    label: str
    functional: str
    loss: ConsistentLoss | None


@dataclass(frozen=True)
class ModelDominance:
    """Whether one of two models is better by all losses for a functional.

    Attributes:
        functional: The functional in words.
        models: The names of the models.
        dominates: The model whose elementary score is nowhere higher, and somewhere lower; None if there is none.
        n_crossings: How often the curves of the models cross.
        crossing: The thresholds of the first and the last crossing; None without one.
        lower: Model -> the ends of the range of thresholds, from a crossing to the next, where it gains most.
    """

    functional: str
    models: tuple[str, str]
    dominates: str | None
    n_crossings: int
    crossing: tuple[float, float] | None
    lower: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, functional: str, models: tuple[str, str], curves: PairedCurves) -> ModelDominance:
        """Return what the curves of two models say."""
        main_runs = {model: curves.main_run(first) for model, first in zip(models, (True, False), strict=True)}
        runs, dominant = curves.runs, curves.dominant
        return cls(
            functional,
            models,
            None if dominant is None else models[dominant],
            curves.n_crossings,
            (runs[1].low, runs[-1].low) if len(runs) > 1 else None,
            {model: (run.low, run.high) for model, run in main_runs.items() if run is not None},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON has it."""
        return {
            "functional": self.functional,
            "models": list(self.models),
            "dominates": self.dominates,
            "n_crossings": self.n_crossings,
            "crossing": None if self.crossing is None else list(self.crossing),
            "lower": {model: list(ends) for model, ends in self.lower.items()},
        }

    @property
    def words(self) -> str:
        """The comparison in words."""
        plural = purpose_of(self.functional)
        first, second = self.models
        if self.dominates is not None:
            other = second if self.dominates == first else first
            better, worse = short_models((self.dominates, other))
            return f"every loss for {plural} prefers {better} to {worse}"
        if self.crossing is None:
            return f"for {plural} {' and '.join(short_models(self.models))} are alike"
        (low, high), (other_low, other_high) = self.lower[first], self.lower[second]
        if self.n_crossings == 1:
            below, above = (first, second) if low < other_low else (second, first)
            below, above = short_models((below, above))
            return f"for {plural} {below} is better at thresholds below {rounded(self.crossing[0])}, {above} above"
        where = f"{first} is better mostly from {rounded(low)} to {rounded(high)}, {second}"
        where += f" from {rounded(other_low)} to {rounded(other_high)}"
        text = f"for {plural} the curves cross {self.n_crossings} times: {where}"
        if len(text) <= MAX_NOTE_LENGTH - len(Hint.SHOW_MURPHY.value):
            return text
        one, other = short_models(self.models)
        return f"for {plural} the curves of {one} and {other} cross {self.n_crossings} times"


def purpose_of(functional: str) -> str:
    """Return the plural of a functional in words."""
    return "probabilities" if functional == "probability" else f"{functional}s"


def aim_of(evaluator: Evaluator) -> LossAim:
    """Return what a loss aims at; the root or the exponential of a mean aims at what the mean does."""
    bound, form = evaluator.bound, evaluator.form
    if bound.loss.reduction.function and bound.loss.order is not None and "y_pred" in form.names:
        mean = bound.loss.order(**bound.params)
        if mean is not None:
            bound = find(mean[0]).bind(mean[1])
            form = bound.loss.forms[0]
    try:
        loss = consistent_loss(bound, form)
        return LossAim(evaluator.label, loss.name, loss)
    except UsageError:
        elicited = bound.loss.elicits.removeprefix("mean (").removeprefix("the ").rstrip(")")
        return LossAim(evaluator.label, elicited, None)


class Preference(NamedTuple):
    """What a loss aims at, the models that it prefers, all of the smallest value, and those that may be the best."""

    aim: LossAim
    models: tuple[str, ...]
    confidence_set: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        return self.models[0]


def preferences(rankings: Sequence[ModelRanking], evaluators: Sequence[Evaluator]) -> list[Preference]:
    """Return what each loss prefers; those that rank nothing or have no finite values are left out."""
    found = []
    for ranking, evaluator in zip(rankings, evaluators, strict=True):
        least = ranking.values[ranking.best]
        if not ranking.no_ranking and math.isfinite(least) and not any(map(math.isnan, ranking.values.values())):
            others = [model for model, value in ranking.values.items() if value == least and model != ranking.best]
            found.append(Preference(aim_of(evaluator), (ranking.best, *others), ranking.confidence_set))
    return found


def compare_preferred(preferred: Sequence[Preference], subsets: Mapping[str, RowSubset]) -> tuple[ModelDominance, ...]:
    """Compare the curves of the models that losses disagree on, for the functionals of these losses."""
    pairs: dict[tuple[str, str], dict[str, ConsistentLoss]] = {}
    for one, other in combinations(preferred, 2):
        if not set(one.models).isdisjoint(other.models):
            continue
        pair = (one.model, other.model)
        known = pairs.setdefault(pair[::-1] if pair[::-1] in pairs else pair, {})
        known |= {each.aim.functional: each.aim.loss for each in (one, other) if each.aim.loss is not None}
    found = []
    for models, losses in list(pairs.items())[:MAX_PAIRS]:
        for functional, loss in losses.items():
            curves = curves_of(loss, *(subsets[model] for model in models))
            if curves is not None:
                found.append(ModelDominance.of(functional, models, curves))
    return tuple(found)


def curves_of(loss: ConsistentLoss, first: RowSubset, second: RowSubset) -> PairedCurves | None:
    """Return how the curves of two models lie on the same rows; None where a number is not finite."""
    y_true, weight = first.batch.arrays["y_true"], first.batch.weight
    predicted = [subset.batch.arrays["y_pred"] for subset in (first, second)]
    try:
        for array in predicted:
            check_shapes(loss, array.shape)
    except UsageError:
        return None
    on_rows = next((each for each in first.losses if each.evaluator.label == loss.label), None)
    counted = None if on_rows is None else counted_mask(on_rows)
    if counted is not None:
        y_true, weight = y_true[counted], None if weight is None else weight[counted]
        predicted = [array[counted] for array in predicted]
    targets = loss.targets(y_true)
    values = [loss.values_of_keys(loss.keys(array)) for array in predicted]
    if targets.ndim > 1 and weight is not None:
        weight = weight.repeat(targets[0].size)
    return pair_curves(loss.functional, targets.ravel(), values[0].ravel(), values[1].ravel(), weight)


def preference_notes(
    group: Mapping[str, str] | None, preferred: Sequence[Preference], dominance: Sequence[ModelDominance]
) -> Iterator[Message]:
    """Yield what losses that prefer different models aim at, and whether one model is better by all losses for that."""
    if not any(set(a.models).isdisjoint(b.models) for a, b in combinations(preferred, 2)):
        return
    room = room_for_group(group)
    yield in_group(group, Message(_describe_preferences(preferred, MAX_NOTE_LENGTH - room)))
    texts: list[str] = []
    for each in dominance:
        if texts and room + len(texts[-1]) + len(each.words) < MAX_NOTE_LENGTH - len(Hint.SHOW_MURPHY.value):
            texts[-1] += f"; {each.words}"
        else:
            texts.append(each.words)
    yield from (in_group(group, Message(text, Hint.SHOW_MURPHY)) for text in texts)


def _describe_preferences(preferred: Sequence[Preference], most_of_text: int) -> str:
    """Say which model is better for what by which losses: for each functional the models, the losses in brackets."""
    by_aim: dict[str, dict[str, list[str]]] = {}
    preferred_models = [each.model for each in preferred]
    names_of = dict(zip(preferred_models, short_models(preferred_models), strict=True))
    for each in preferred:
        aim = purpose_of(each.aim.functional) if each.aim.loss else each.aim.functional or "an aim of its own"
        by_aim.setdefault(aim, {}).setdefault(each.model, []).append(each.aim.label)
    start, text, sets = "", "", [set(each.confidence_set) for each in preferred if each.confidence_set]
    is_sure = any(a.isdisjoint(b) for a, b in combinations(sets, 2))
    for most in (MAX_LABELS, 1, 0):  # with 0 only those of losses for one aim that disagree
        told = []
        for aim, models in by_aim.items():
            those = []
            for model, labels in models.items():
                names = labels if len(labels) <= max(most, 1) else [labels[0], f"{len(labels) - 1} more"]
                those.append(f"{names_of[model]} ({join_names(names)})" if most or len(models) > 1 else names_of[model])
            told.append(f"for {aim} {' or '.join(those)}")
        start = "the better model depends on what you predict" if is_sure else BY_CHANCE
        if len(by_aim) == 1:
            start = f"losses for one aim prefer different models, {'so none is better by all' if is_sure else MAYBE}"
        text = f"{start}: {', '.join(told)}"
        if len(text) <= most_of_text:
            return text
    shown: list[str] = []
    for i, part in enumerate(told):
        rest = f", {len(told) - i} more aims"
        if shown and len(f"{start}: {', '.join([*shown, part])}{rest}") > most_of_text:
            return f"{start}: {', '.join(shown)}{rest if len(told) - i > 1 else ', 1 more aim'}"
        shown.append(part)
    return text
