"""The picture of several models: how much worse each is than the reference, by default the best, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from losscli.compare.models import ModelRanking, intervals_of_models
from losscli.compare.streamed_models import ModelLosses
from losscli.errors import DataError
from losscli.evaluation.row_sample import RowSampler
from losscli.messages import join_names
from losscli.plot.kinds import PictureRecipe, Request
from losscli.plot.pictures import Axis, IntervalMark, Mark, Panel, Picture, Rule
from losscli.plot.scales import MINUS, NO_BREAK_SPACE, human_number, human_percent
from losscli.plot.words import count_text, rows_text, short_name
from losscli.results import DataInfo, results_of
from losscli.statistics.bootstrap.options import FEW_ROWS_WARNING, MIN_ROWS_FOR_LEVEL

MAX_MODELS_SHOWN = 30
"""Most models of a panel: of more, the best."""

STYLE = 1
"""The blue of the intervals of one model."""

MAX_RATIO = 1e100
"""Largest difference to a loss that is drawn as a percentage of it."""

NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Relative(NamedTuple):
    """The difference of a model to the reference, as a share of the reference's loss, and its interval."""

    difference: float
    low: float | None = None
    high: float | None = None

    def text(self) -> str:
        """Return the difference and the interval in per cent, with signs."""
        if self.low is None or self.high is None:
            return signed_share_text(self.difference)
        return f"{signed_share_text(self.difference)} [{signed_share_text(self.low)}, {signed_share_text(self.high)}]"


def observe_models(request: Request) -> tuple[ModelLosses, RowSampler]:
    """Return what evaluates the other models, and what keeps the rows while they are few."""
    all_apart = request.options.nan == "propagate"
    return ModelLosses(request.run, request.dataset.models, all_apart), RowSampler()


def models_picture(request: Request, losses: ModelLosses, sampler: RowSampler) -> Picture:
    """Return the picture of the differences of models in % of the loss of a reference, by default the best model.

    Of two models a row for each loss; of more a panel for each loss, by default with its best model as the reference.

    Raises:
        DataError: No loss has percentages.
    """
    sample = sampler.sample()
    rankings = losses.rank(request.run, sample, request.resampling, None, request.options.reference)
    data = results_of(request.dataset, request.run).data
    resampling = request.resampling
    is_resampled = sample.is_complete or resampling.resamples_units
    picture = picture_of_rankings(rankings, request.dataset.models, resampling.level, is_resampled, data)
    found = intervals_of_models(rankings) or resampling.to_dict([picture.facts["method"]], 0)
    return replace(picture, intervals=found)


def picture_of_rankings(
    rankings: Sequence[ModelRanking], models: Sequence[str], level: float, is_complete: bool, data: DataInfo | None
) -> Picture:
    """Return the picture of models under losses; `is_complete` says that intervals are bootstrapped from all rows.

    Raises:
        DataError: No loss has percentages.
    """
    percent = human_percent(level, 3)
    remarks = [f"{ranking.label} is not shown: {reason}" for ranking in rankings if (reason := no_percentages(ranking))]
    shown = [ranking for ranking in rankings if not no_percentages(ranking)]
    if not shown:
        raise DataError("; ".join(remarks))
    has_two = len(models) == 2
    reference = reference_of(shown, models)
    method = "paired bootstrap" if is_complete else "delta method"
    if has_two:
        panels: tuple[Panel, ...] = (panel_of_two(shown, str(reference), f"{percent}, {method}"),)
        other = next(model for model in models if model != reference)
        title = f"How much worse {short_name(other)} is than {short_name(str(reference))}"
        remarks.insert(0, f"right of 0 {short_name(str(reference))} is better; an interval that holds 0 leaves it open")
    else:
        styles = {model: i for i, model in enumerate(models)}
        panels = tuple(panel_of_several(ranking, styles, f"{percent}, {method}") for ranking in shown)
        title = f"How much worse each model is than {'the best' if reference is None else short_name(reference)}"
        remarks.insert(0, "all intervals of a panel hold at once; one that holds 0 leaves open which model is better")
        if len(styles) > MAX_MODELS_SHOWN:
            remarks.append(f"{count_text(len(styles) - MAX_MODELS_SHOWN)} worse models are not shown")
    remarks += list(model_interval_remarks(shown, is_complete))
    facts = {
        "level": level,
        "method": method,
        "n": max(ranking.n for ranking in shown),
        "reference": reference,
        "losses": {ranking.label: ranking_facts(ranking, reference or ranking.reference) for ranking in shown},
    }
    return Picture(
        "models",
        title,
        panels,
        models_sentence(shown, reference),
        tuple(ranking.label for ranking in shown),
        facts,
        data,
        remarks=tuple(remarks),
    )


def no_percentages(ranking: ModelRanking) -> str:
    """Return why differences are no percentages of the loss; empty if they are."""
    if ranking.no_ranking:
        return f"it ranks nothing: {ranking.no_ranking}"
    for model, value in ranking.values.items():
        if not math.isfinite(value):
            return f"for {model} it is not a finite number"
        if value <= 0:
            return f"for {model} it is {'0' if value == 0 else 'below 0'}, of which there are no percentages"
    value = ranking.values[ranking.reference]
    ends = [end for gap in ranking.gaps.values() for end in gap[:3] if end is not None]
    if any(abs(end) / value > MAX_RATIO for end in ends):
        return f"its differences are too large to be percentages of {human_number(value)}"
    return ""


def reference_of(rankings: Sequence[ModelRanking], models: Sequence[str]) -> str | None:
    """Return the model that others are compared with: one that was named, or of two the one that is best most often."""
    if any(ranking.reference != ranking.best for ranking in rankings):
        return rankings[0].reference
    return most_often_best(rankings, models) if len(models) == 2 else None


def most_often_best(rankings: Sequence[ModelRanking], models: Sequence[str]) -> str:
    """Return the model that is best under the most losses; the first of equals."""
    wins = {model: sum(ranking.best == model for ranking in rankings) for model in models}
    return max(models, key=wins.__getitem__)


def difference_to(ranking: ModelRanking, model: str, reference: str) -> Relative:
    """Return how much worse a model is than a reference, one of which is that of the ranking."""
    value = ranking.values[reference]
    if reference == ranking.reference:
        gap, sign = ranking.gaps[model], 1.0
    else:
        gap, sign = ranking.gaps[reference], -1.0
    difference = sign * (gap.difference or 0.0) / value + 0.0
    if gap.diff_low is None or gap.diff_high is None:
        return Relative(difference)
    low, high = sorted((sign * gap.diff_low / value + 0.0, sign * gap.diff_high / value + 0.0))
    return Relative(difference, low, high)


def panel_of_two(rankings: Sequence[ModelRanking], reference: str, how: str) -> Panel:
    """Return a panel with a row for each loss."""
    other = next(model for model in rankings[0].values if model != reference)
    marks: list[Mark] = [Rule("", x=0.0)]
    found = []
    for i, ranking in enumerate(rankings):
        relative = difference_to(ranking, other, reference)
        found.append(relative)
        marks.append(interval_mark(ranking.label, i, relative, decision_text(ranking), STYLE))
    worse, better = short_name(other), short_name(reference)
    label = f"{worse} {MINUS} {better}, % of {better}'s loss ({how})"
    return panel_of(f"How much worse {worse} is than {better}", label, [r.label for r in rankings], marks, found)


def panel_of_several(ranking: ModelRanking, styles: Mapping[str, int], how: str) -> Panel:
    """Return the panel of a loss with a row for each model, the best at the top; the reference is among them."""
    reference, names = ranking.reference, list(ranking.values)[:MAX_MODELS_SHOWN]
    names = names if reference in names else [*names[:-1], reference]
    marks: list[Mark] = [Rule("", x=0.0)]
    found = []
    for i, model in enumerate(names):
        relative = Relative(0.0) if model == reference else difference_to(ranking, model, reference)
        found.append(relative)
        decision = decision_text(ranking) if model == ranking.best else ""
        if model == reference:
            text = f"{'best' if model == ranking.best else 'reference'}: {human_number(ranking.values[model])}"
            text += f", {decision}" if decision else ""
            marks.append(IntervalMark(model, i, 0.0, None, None, text, style=styles[model]))
        else:
            marks.append(interval_mark(model, i, relative, decision, styles[model]))
    return panel_of(
        ranking.label, f"% worse than {short_name(reference)} under {ranking.label} ({how})", names, marks, found
    )


def interval_mark(label: str, category: int, relative: Relative, remark: str, style: int) -> IntervalMark:
    """Return the mark of a difference."""
    low, high = (None if end is None else 100 * end for end in (relative.low, relative.high))
    return IntervalMark(label, category, 100 * relative.difference, low, high, relative.text(), remark, style)


def panel_of(title: str, label: str, names: Sequence[str], marks: Sequence[Mark], found: Sequence[Relative]) -> Panel:
    """Return a panel of differences, which shows 0."""
    ends = [0.0, *(100 * end for relative in found for end in relative if end is not None)]
    room = 0.06 * (max(ends) - min(ends)) or 1.0
    x = Axis(label, min(ends) - room, max(ends) + room)
    return Panel(title, x, Axis("", -0.5, len(names) - 0.5, categories=tuple(map(short_name, names))), tuple(marks))


def decision_text(ranking: ModelRanking) -> str:
    """Return on how few rows it rests that a model is the best, if that is known."""
    if ranking.flip is None or len(ranking.confidence_set) > 1:
        return ""
    return f"{rows_text(ranking.flip.n)} decide{'s' if ranking.flip.n == 1 else ''}"


def signed_share_text(share: float) -> str:
    """Return a share as a percentage with its sign: one decimal, or two digits of what is below 1 %."""
    sign = "+" if share > 0 else MINUS if share < 0 else ""
    size = abs(100 * share)
    text = f"{size:.1f}" if 1 <= size < 100 else human_number(size, 3 if size >= 100 else 2)
    return f"{sign}{text}{NO_BREAK_SPACE}%"


def model_interval_remarks(rankings: Sequence[ModelRanking], is_complete: bool) -> Iterator[str]:
    """Say how intervals were found, and which losses have none."""
    if not is_complete:
        yield "intervals by the delta method, from sums over all rows"
    reasons = dict.fromkeys(ranking.no_interval_reason for ranking in rankings if ranking.no_interval_reason)
    for reason in reasons:
        labels = join_names([ranking.label for ranking in rankings if ranking.no_interval_reason == reason])
        yield f"{labels}: there is no interval {reason}"
    if any(MIN_ROWS_FOR_LEVEL > ranking.n > 1 for ranking in rankings):
        yield FEW_ROWS_WARNING


def ranking_facts(ranking: ModelRanking, reference: str) -> dict[str, Any]:
    """Return the numbers of a ranking."""
    others = [model for model in ranking.values if model != reference]
    return {
        "values": dict(ranking.values),
        "confidence_set": list(ranking.confidence_set),
        "p": {model: ranking.gaps[model].p for model in ranking.values if model != ranking.reference},
        "relative": {model: difference_to(ranking, model, reference)._asdict() for model in others},
        "decisive_rows": None if ranking.flip is None else ranking.flip.n,
    }


def models_sentence(rankings: Sequence[ModelRanking], reference: str | None) -> str:
    """Say which model is best under which losses."""
    outcomes: dict[str, list[str]] = {}
    for ranking in rankings:
        outcomes.setdefault(outcome_text(ranking), []).append(ranking.label)
    if len(outcomes) == 1 and len(rankings) > 1:
        (outcome,) = outcomes
        count = NUMBER_WORDS[len(rankings)] if len(rankings) < len(NUMBER_WORDS) else str(len(rankings))
        return f"{outcome} under {'both' if len(rankings) == 2 else f'all {count}'} losses"
    text = "; ".join(f"{outcome} under {join_names(labels)}" for outcome, labels in outcomes.items())
    if len(rankings) == 1 and len(rankings[0].values) == 2 and reference is not None:
        other = next(model for model in rankings[0].values if model != reference)
        text += f": {short_name(other)} differs by {difference_to(rankings[0], other, reference).text()}"
    return text


def outcome_text(ranking: ModelRanking) -> str:
    """Return which model is best under a loss, or which may be."""
    models = list(map(short_name, ranking.confidence_set))
    if not models:
        return f"{short_name(ranking.best)} is lowest (no interval)"
    if len(models) == 1:
        return f"{models[0]} is best"
    if len(models) < 4:
        return f"{', '.join(models[:-1])} or {models[-1]} is best"
    count = "all" if len(models) == len(ranking.values) else f"{len(models)} of the"
    return f"{count} {len(ranking.values)} models may be best"


KIND = PictureRecipe(observe_models, models_picture)
