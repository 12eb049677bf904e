"""Notes on a comparison: what the reader should know of it, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from losscli.compare.agreement import Agreement
from losscli.compare.decisive_rows import DecisiveRows
from losscli.compare.models import ModelRanking
from losscli.compare.outliers import SECOND_POPULATION, OutlierFlags, is_second_population
from losscli.compare.result import ComparedLoss
from losscli.compare.sensitivity import OutlierContext
from losscli.messages import Hint, Message, in_units, join_names
from losscli.result_base import MAX_NOTE_LENGTH, fit_names, short_text
from losscli.statistics.bootstrap.options import FEW_ROWS_WARNING, MIN_ROWS_FOR_LEVEL, resampled_text

MAX_GROUP_NOTES = 6
"""Notes on groups and models beyond which the others are only counted."""

MAX_GROUPS_NOTED = 3
"""Groups each of which gets notes on the models; of more of them their winners are counted."""

MAX_SUGGESTED_ROWS = 5
"""How many outlier rows a note suggests to list."""

ROW_NAMES_PER_NOTE = 5

MAX_MODELS_PER_NOTE = 3
"""Models that a note names; of more it says how many."""

NAMES_PER_NOTE, LENGTH_OF_NAME, LENGTH_OF_GROUP = 2, 16, 12
"""How many losses a note names, and how short the names of losses and groups become in a note that is too long."""

MIN_ROWS, MAX_EFFECTIVE_SHARE = 20, 0.2
"""A number rests on few rows if its effective_n is below this share of at least so many rows."""

MAX_SHARE_OF_NORMAL = 0.5
"""An effective_n below this share of that of normal errors is far below it."""

NO_OUTLIER = "no row is an outlier"

NO_SHARES = "no row has a share of a median or maximum"

AGREEMENTS = {True: "agree", False: "do not agree", None: "leave it open"}


def outlier_notes(
    losses: Sequence[ComparedLoss], n: int, flags: OutlierFlags, context: OutlierContext, n_outliers: int | None = None
) -> Iterator[Message]:
    """Yield what outliers do to the losses on n rows, and which columns are left out.

    `n_outliers` is how many rows the flagged ones stand for; None where each is one row.
    """
    declared = {one.evaluator.label: one.evaluator.bound.loss for one in context.subset.losses}
    yield from unranked_notes({loss.label: declared[loss.label].no_ranking for loss in losses})
    losses = [loss for loss in losses if not declared[loss.label].no_ranking]
    if flags.rows is None:
        assert flags.reason is not None
        yield flags.reason.after(f"no rank, inflation, pull, stress by {flags.rule}: ")
    else:
        count = int(flags.rows.sum()) if n_outliers is None else n_outliers
        yield _count_outliers(losses, count, n, flags.rule)
    known = [(loss.effective_n, loss) for loss in losses if loss.effective_n is not None]
    if known and n >= MIN_ROWS:
        effective_n, loss = min(known, key=lambda item: item[0])
        if effective_n < MAX_EFFECTIVE_SHARE * n:
            top = -(-n // 100)
            unit = loss.result.unit
            carried = "its largest row carries" if top == 1 else f"its {top} largest rows carry"
            share = 100 * (loss.top_share or 0.0)
            normal = loss.effective_n_normal
            is_far_below = normal is not None and effective_n < MAX_SHARE_OF_NORMAL * normal
            beside = f" (normal errors: {normal:.0f})" if is_far_below else ""
            rests = f" rests on about {effective_n:.0f} of {n} rows{beside}: {carried} {share:.0f} %"
            rests = in_units(rests, unit)
            yield _after_name(loss.label, Message(rests, Hint.HEAVY_TAIL), LENGTH_OF_NAME)
    if context.inliers is not None and not context.is_brief:
        without = [loss.label for loss in losses if loss.inflation is not None and loss.pull is None]
        if without and any(loss.pull is not None for loss in losses):
            yield _name_some("rank is by inflation: {} cannot be ranked by pull", without)
    if context.inliers is not None:
        yield from _explain_empty_columns(losses, context)


def unranked_notes(reasons: Mapping[str, str]) -> Iterator[Message]:
    """Yield which losses rank nothing, given for each label why that is so, or ''."""
    for reason in dict.fromkeys(filter(None, reasons.values())):
        labels = [label for label, why in reasons.items() if why == reason]
        yield _name_some(f"{{}} {'ranks' if len(labels) == 1 else 'rank'} nothing: {reason}", labels)


def _count_outliers(losses: Sequence[ComparedLoss], count: int, n: int, rule: str) -> Message:
    unit = losses[0].result.unit if losses else "row"
    if count == n:
        return Message(f"every {unit} is an outlier by {rule}: no rank, inflation, pull, stress", Hint.TOP_BY_LOSS)
    if count:
        flagged, shown = (
            f"{count} of {n} {in_units('rows', unit)} ({100 * count / n:.2g} %) are",
            min(count, MAX_SUGGESTED_ROWS),
        )
        if is_second_population(count, n):
            problem = f"{flagged} flagged by {rule}: {SECOND_POPULATION}"
            return Message(problem, Hint.SECOND_POPULATION, count=shown)
        return Message(f"{flagged} outliers by {rule}", Hint.SHOW_OUTLIERS, count=shown)
    columns = ["inflation is 1"] if any(loss.inflation is not None for loss in losses) else []
    columns += ["pull 0"] if any(loss.pull is not None for loss in losses) else []
    return Message(f"{in_units(NO_OUTLIER, unit)} by {rule}" + (f": {' and '.join(columns)}" if columns else ""))


def _explain_empty_columns(losses: Sequence[ComparedLoss], context: OutlierContext) -> Iterator[Message]:
    """Yield which columns have no cell, and why."""
    arbitrary = {one.evaluator.label for one in context.subset.losses if one.evaluator.bound.loss.arbitrary_zero}
    reasons: dict[str, list[str]] = {}
    for loss in losses:
        if loss.inflation is None:
            reason = _why_no_inflation(loss, loss.label in arbitrary)
            reasons.setdefault(reason, []).append(loss.label)
    for reason, labels in reasons.items():
        yield _name_some(f"{{}} {'has' if len(labels) == 1 else 'have'} no inflation: {reason}", labels)
    present = [loss for loss in losses if loss.inflation is not None]
    if context.is_brief:
        if without := [loss.label for loss in present if loss.effective_n is None]:
            yield _name_some(f"{{}} {'has' if len(without) == 1 else 'have'} no effective_n: {NO_SHARES}", without)
        return
    if context.residual is None:
        yield Message("pull and stress are left out: only losses of y_pred - y_true have them")
    elif context.scale is None:
        reason = "their MAD is 0" if context.residual.ndim == 1 else "there are several per row"
        yield Message(f"pull and stress are left out: the residuals have no robust scale ({reason})")
    elif without := [loss.label for loss in present if loss.stress is None and loss.pull is not None]:
        its = "its" if len(without) == 1 else "their"
        yield _name_some(f"stress of {{}} is left out: 10 robust sd away is outside of {its} domain", without)
    if without := [loss.label for loss in present if loss.effective_n is None]:
        yield _name_some(f"effective_n and top_share of {{}} are left out: {NO_SHARES}", without)
    if without := [loss.label for loss in present if loss.skill is None]:
        reason = "no constant prediction to compare with, or its loss is 0"
        yield _name_some(f"skill of {{}} is left out: {reason}", without)


def _why_no_inflation(loss: ComparedLoss, has_arbitrary_zero: bool) -> str:
    if has_arbitrary_zero:
        return "the zero of such a loss is arbitrary, so ratios and shares mean nothing"
    if loss.result.summary.min < 0:
        return "some of its values are below 0, so a ratio means nothing"
    if not loss.result.summary.has_samples:
        return "it is one number for all rows, none of which has a loss"
    return loss.result.nan_reason or "its value over the other rows is not a finite number above 0"


def _some(labels: Sequence[str]) -> str:
    """Join the first names of losses and count the others."""
    more = len(labels) - NAMES_PER_NOTE
    return join_names([*labels[:NAMES_PER_NOTE], f"{more} more"] if more > 0 else labels)


def _some_short(labels: Sequence[str]) -> str:
    return _some([short_text(label, LENGTH_OF_NAME) for label in labels])


def _name_some(text: str, labels: Sequence[str], room: int = 0) -> Message:
    """Return a note with the first names of losses where its text has `{}`, with room for what comes before it."""
    before, _, after = text.partition("{}")
    return fit_names(
        lambda names: Message(f"{before}{_some(names)}{after}"), labels, LENGTH_OF_NAME, MAX_NOTE_LENGTH - room
    )


def _after_name(name: str, note: Message, least: int = LENGTH_OF_GROUP) -> Message:
    """Return a note after a name, which is cut to no fewer than `least` characters."""
    return fit_names(lambda names: note.after(names[0]), [name], least)


def in_group(group: Mapping[str, str] | None, note: Message) -> Message:
    """Return a note after the name of a group; as it is where there is none."""
    return _after_name(", ".join(group.values()), note.after(": ")) if group else note


def merge_notes(notes: Sequence[Sequence[Message]], names: Sequence[str]) -> Iterator[Message]:
    """Yield the notes on groups and models after their names; notes on all of them once, without a name."""
    everywhere = set(notes[0]).intersection(*notes[1:])
    yield from (note for note in notes[0] if note in everywhere)
    own = [
        _after_name(name, note.after(": "))
        for name, its_notes in zip(names, notes, strict=True)
        for note in its_notes
        if note not in everywhere and not note.startswith((NO_OUTLIER, in_units(NO_OUTLIER, "query")))
    ]
    if len(own) <= MAX_GROUP_NOTES + 1:  # to say that one note is left out takes as much room as the note
        yield from own
        return
    yield from own[:MAX_GROUP_NOTES]
    yield Message(f"{len(own) - MAX_GROUP_NOTES} more notes on groups and models are left out")


def model_notes(
    rankings: Sequence[ModelRanking], agreements: Sequence[Agreement], unit: str = "row"
) -> Iterator[Message]:
    """Yield which model is best under which losses, whether the losses agree, and on how few rows that rests.

    `unit` is what a sample is: `row` or `query`.
    """
    for agreement in agreements:
        of_group = [ranking for ranking in rankings if ranking.group == agreement.group]
        for note in _group_notes(of_group, agreement, unit):
            yield in_group(agreement.group, note)


def _group_notes(rankings: Sequence[ModelRanking], agreement: Agreement, unit: str) -> Iterator[Message]:
    """Yield what there is to say of the models in one group."""
    room = room_for_group(agreement.group)
    if ranked := [ranking for ranking in rankings if not ranking.no_ranking]:
        yield Message(_describe_outcomes(ranked, agreement, MAX_NOTE_LENGTH - room, unit))
    for ranking in rankings:
        if ranking.flip is not None and len(ranking.confidence_set) < 2:
            yield _flip_note(ranking.label, ranking.flip, room, unit)
    by_units = [ranking for ranking in rankings if ranking.units is not None]
    if by_units:
        few = min(ranking.units or 0 for ranking in by_units) < MIN_ROWS_FOR_LEVEL
        level = f", and fewer than {MIN_ROWS_FOR_LEVEL} of them keep no level" if few else ""
        yield Message(f"the intervals of the differences are{resampled_text(by_units, unit)}{level}")
    elif any(ranking.n < MIN_ROWS_FOR_LEVEL and ranking.critical_value is not None for ranking in rankings):
        few_rows = f"the intervals of the differences are of {rankings[0].n} rows: {FEW_ROWS_WARNING}"
        yield Message(in_units(few_rows, unit))
    if low := [each for each in rankings if each.least_p > 1 - each.resampling.level]:
        most = max(low, key=lambda each: each.least_p)
        draws = most.resampling.resamples or 0
        enough = math.ceil(most.least_p * (draws + 1) / (1 - most.resampling.level) - 1e-9)
        least = f"so few resamples ({draws}) of so many pairs of models cannot give a p below"
        yield Message(f"{least} {most.least_p:.2g}", Hint.MORE_RESAMPLES, count=enough)
    by_reason: dict[tuple[bool, str], list[str]] = {}
    for ranking in rankings:
        if ranking.no_interval_reason:
            key = bool(ranking.confidence_set or ranking.no_ranking), ranking.no_interval_reason
            by_reason.setdefault(key, []).append(ranking.label)
    for (has_verdict, reason), labels in by_reason.items():
        what = "a difference has no interval" if has_verdict else "no verdict, as there is no interval"
        yield _name_some(f"{{}}: {what} {reason}", labels, room)


def room_for_group(group: Mapping[str, str] | None) -> int:
    """Return how many characters of a note its group takes at least."""
    return min(len(", ".join(group.values())), LENGTH_OF_GROUP) + 2 if group else 0


def short_models(models: Sequence[str]) -> list[str]:
    """Return the names of models without the middle of long ones, where that tells them apart."""
    short = [short_text(model, LENGTH_OF_NAME) for model in models]
    return short if len(set(short)) == len(set(models)) else [*models]


def _describe_outcomes(rankings: Sequence[ModelRanking], agreement: Agreement, most: int, unit: str) -> str:
    """Say which model is best under which losses, with fewer names if more than `most` characters say it."""
    verdict = ""
    if agreement.kendall_w is not None:
        verdict = f"the losses {AGREEMENTS[agreement.same_winner]} (Kendall's W {agreement.kendall_w:.2g}): "
    models = list(rankings[0].values)
    short = dict(zip(models, short_models(models), strict=True))
    text = ""
    for n_models, names, join in (
        (MAX_MODELS_PER_NOTE, dict(zip(models, models, strict=True)), join_names),
        (MAX_MODELS_PER_NOTE, dict(zip(models, models, strict=True)), _some),
        (MAX_MODELS_PER_NOTE, short, _some_short),
        (1, short, _some_short),
    ):
        by_outcome: dict[str, list[str]] = {}
        for ranking in rankings:
            by_outcome.setdefault(_describe_outcome(ranking, names, n_models, unit), []).append(ranking.label)
        outcomes = [f"{outcome} under {join(labels)}" for outcome, labels in by_outcome.items()]
        text = verdict + "; ".join(outcomes)
        if len(text) <= most:
            return text
    text = verdict + outcomes[0]
    for i, outcome in enumerate(outcomes[1:], 1):
        rest = f"; {len(outcomes) - i} more in the table"
        if len(text) + len(outcome) + len(rest) + 2 > most:
            return text + rest
        text += f"; {outcome}"
    return text


def _describe_outcome(ranking: ModelRanking, names: Mapping[str, str], most: int, unit: str) -> str:
    """Return the outcome under a loss in words, which name at most so many models."""
    models, n_models = [names[model] for model in ranking.confidence_set], len(ranking.values)
    if not models:
        is_known = math.isfinite(ranking.values[ranking.best])
        return f"{names[ranking.best]} has the smallest value" if is_known else "none is best"
    if len(models) == 1:
        return f"{models[0]} is best"
    if len({ranking.gaps[model][:3] for model in ranking.confidence_set}) == 1:  # also the ends of their intervals
        return f"{join_names(models) if len(models) <= most else f'{len(models)} models'} are alike"
    if len(models) <= most:
        return (
            f"it takes more {in_units('rows', unit)} to tell whether {', '.join(models[:-1])} or {models[-1]} is best"
        )
    count = "all" if len(models) == n_models else f"{len(models)} of"
    return f"{count} {n_models} models may be the best"


def _flip_note(label: str, flip: DecisiveRows, room: int, unit: str) -> Message:
    def write(names: Sequence[str]) -> Message:
        return Message(f"{names[0]}: {_describe_flip(flip, names[1], unit)}")

    return fit_names(write, [label, flip.to], LENGTH_OF_NAME, MAX_NOTE_LENGTH - room)


def _describe_flip(flip: DecisiveRows, other: str, unit: str) -> str:
    kind, names = (unit, flip.rows) if flip.ids is None else ("id", flip.ids)
    shown = ", ".join(map(str, names[:ROW_NAMES_PER_NOTE])) + (", ..." if flip.n > ROW_NAMES_PER_NOTE else "")
    kinds = in_units("rows", unit) if flip.ids is None else "ids"
    rows = f"{kind} {shown}" if flip.n == 1 else f"{flip.n} {in_units('rows', unit)} ({kinds} {shown})"
    return f"without {rows} {other} would be the best"
