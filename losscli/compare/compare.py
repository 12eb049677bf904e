"""compare: what outliers do to each loss, on how many rows each number rests, and which model wins under it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.compare import notes as remarks
from losscli.compare.models import ModelRanking, agreement, rank_models
from losscli.compare.outliers import Rule, default, flag, parse, scale
from losscli.compare.result import COLUMNS, STANDING, ComparedLoss, Comparison, Flagged, OutlierRow
from losscli.compare.sensitivity import ADDITIVE_REDUCTIONS, OutlierContext, Sensitivity, measure_all, shares_of
from losscli.compare.subset import RowSubset
from losscli.data.batch import Batch
from losscli.data.gather import BatchCollector, split_batch
from losscli.declaration.domains import Array
from losscli.errors import NoResultError, UsageError
from losscli.evaluation.engines import evaluate_and_keep
from losscli.evaluation.run import RunState, groups_of
from losscli.results import CI_COLUMNS, Evaluation, LossResult, group_sort_key, results_by_group, results_of
from losscli.statistics.bootstrap.options import Resampling

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset

LEVEL = 0.95
"""That of the intervals of differences, where none is asked for."""


class CompareOptions(NamedTuple):
    """What is asked of a comparison.

    `rule` flags outlier rows (`mad:3.5` by default, `top:1%` where there is no residual); `sort` is a column, with a
    minus from the largest; `show` how many outlier rows to list.
    """

    rule: Rule | None = None
    sort: str | None = None
    show: int = 0

    @classmethod
    def of(cls, rule: str | None, sort: str | None, show: int, intervals: bool) -> CompareOptions:
        """What was typed, checked; with `intervals` their ends are columns, too.

        Raises:
            UsageError: a rule or a column that there is not.
        """
        parse_sort(sort, CI_COLUMNS if intervals else ())
        return cls(parse(rule) if rule else None, sort, show)


class ModelGroup(NamedTuple):
    """Rows with one model's predictions, that are looked at as if they were alone, and the losses on them."""

    kept: RowSubset
    results: tuple[LossResult, ...]
    model: str | None
    group: dict[str, str] | None

    @property
    def group_columns(self) -> dict[str, str]:
        return self.results[0].group_columns

    @property
    def group_json(self) -> dict[str, Any]:
        return self.results[0].group_json


class ModelGroupReport(NamedTuple):
    """A case, looked at."""

    case: ModelGroup
    losses: tuple[ComparedLoss, ...]
    flagged: Flagged
    notes: tuple[str, ...]
    example: OutlierRow | None


def parse_sort(text: str | None, more: Sequence[str] = ()) -> tuple[str, bool]:
    """The column to sort by, and whether from the largest: `pull`, `-effective_n`; `more` columns were asked for.

    Raises:
        UsageError: there is no such column.
    """
    column, falling = (text or "rank").removeprefix("-"), bool(text) and str(text).startswith("-")
    known = ("loss", *COLUMNS, *STANDING, *more)
    if column not in known:
        close = get_close_matches(column, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the columns are {', '.join(known)}"
        raise UsageError(f"--sort {text}: there is no column {column!r}; {hint}")
    return column, falling


Track = Callable[[Iterator[int]], Iterator[int]]


def compare_run(dataset: Dataset, run: RunState, asked: CompareOptions, track: Track = iter) -> Comparison:
    """Evaluate a dataset and compare the losses, and the models if there are several.

    Args:
        dataset: where the rows come from, and the predictions of each model.
        run: the losses, and the groups.
        asked: what flags outlier rows, and what is to be shown.
        track: wraps the counts of the rows that are done with, to show progress.
    """
    if asked.sort and asked.sort.removeprefix("-") in STANDING and not dataset.models:
        raise UsageError(f"--sort {asked.sort}: is a column where several models are compared; there is one")
    evaluation, cases = _cases(dataset, run, track)
    looked = [measure_group(case, asked, dataset.id) for case in cases]
    contests = _contests(cases, run.resampling or Resampling(LEVEL), dataset.id) if dataset.models else []
    losses = [with_standing(loss, contests) for one in looked for loss in one.losses]
    by_group = [[c for c in contests if c.group == group] for group in _distinct([c.group for c in contests])]
    agreements = tuple(agreement(several) for several in by_group)
    several = {} if len(cases) == 1 else {i: one.case.group_columns for i, one in enumerate(looked)}
    notes = [*remarks.model_notes(contests, agreements), *remarks.merge_notes([one.notes for one in looked], several)]
    return Comparison(
        tuple(_sorted(losses, asked.sort)),
        tuple(one.flagged for one in looked), tuple(notes), evaluation, tuple(contests), agreements,
        looked[0].example,
    )  # fmt: skip


def _distinct(groups: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for group in groups:
        if group not in found:
            found.append(group)
    return found


# ------------------------------------------------------------------------------------------------------- cases


def _cases(dataset: Dataset, run: RunState, track: Track) -> tuple[Evaluation, list[ModelGroup]]:
    """Everything that is looked at as if it were alone: each group with each model, or all rows."""
    gathered = BatchCollector(dataset.progress)
    for _ in track(evaluate_and_keep(dataset, run, gathered.add)):
        pass
    every = gathered.batch()
    whole = RowSubset.of(every, run)
    cases: list[ModelGroup] = []
    for model in dataset.models or (None,):
        kept = whole if model is None else _predicted(model, whole, every)
        cases += _by_group(dataset, kept, model)
    cases.sort(key=lambda case: group_sort_key(tuple((case.group or {}).values())))
    if not cases:
        raise NoResultError("no group has rows for every loss: all were omitted, ignored or have weight 0")
    return replace(results_of(dataset, run), losses=tuple(r for case in cases for r in case.results)), cases


def _predicted(model: str, whole: RowSubset, every: Batch) -> RowSubset:
    """The same rows, with the predictions of a model."""
    run = whole.run.fresh_copy()
    predicted = every.predicted_by(model)
    at_once = any(evaluator.needs_all_rows(predicted) for evaluator in run.evaluators)
    for _ in run.evaluate(iter((predicted,)) if at_once else split_batch(predicted)):
        pass
    if every.missing is not None:  # a model lacks what another has
        return RowSubset.of(predicted, run)
    return RowSubset(run, whole.batch.predicted_by(model))


def _by_group(dataset: Dataset, kept: RowSubset, model: str | None) -> Iterator[ModelGroup]:
    run = kept.run
    if not run.group_by:
        results = tuple(replace(result, model=model) for result in results_of(dataset, run))
        yield ModelGroup(kept, results, model, None)
        return
    evaluation = results_by_group(dataset, run)
    for key, rows in groups_of([kept.batch.extras[name] for name in run.group_by]):
        group = dict(zip(run.group_by, key, strict=True))
        results = tuple(replace(result, model=model) for result in evaluation if result.group == group)
        if len(results) == len(run.evaluators):  # else a loss ignores all of its rows
            yield ModelGroup(kept.take(rows), results, model, group)


def measure_group(case: ModelGroup, asked: CompareOptions, id: str | None) -> ModelGroupReport:
    """Flag outlier rows, and measure what they do to each loss."""
    kept, residual = case.kept, case.kept.residual
    rule = asked.rule or default(residual)
    flags = flag(rule, kept, residual)
    context = OutlierContext(kept, residual, scale(residual, kept.batch.weight, flags.mad), flags.rows)
    measured = measure_all(context, [result.value for result in case.results])
    losses = tuple(map(ComparedLoss, case.results, _ranks(measured), measured))
    numbers = None if flags.rows is None else tuple(kept.batch.rows[flags.rows].tolist())
    flagged = Flagged(
        rule.text, numbers, len(kept.batch), _worst(context, id, asked.show), case.group_json, case.group_columns
    )
    notes = tuple(remarks.outlier_notes(losses, len(kept.batch), flags, context))
    return ModelGroupReport(case, losses, flagged, notes, _row(context, 0, id, _shares(kept)) if asked.show else None)


def _ranks(measured: Sequence[Sensitivity]) -> list[int | None]:
    """1 for the smallest inflation, ties by stress; losses that are equal in both share a rank."""
    keys = [None if m.inflation is None else (m.inflation, m.stress or math.inf) for m in measured]
    known = sorted(key for key in keys if key is not None)
    return [None if key is None else known.index(key) + 1 for key in keys]


def _sorted(losses: Sequence[ComparedLoss], sort: str | None) -> list[ComparedLoss]:
    """By a column, what has no value there last; else by rank, and where there are models, the best first."""
    column, falling = parse_sort(sort, CI_COLUMNS)
    positions = {label: i for i, label in enumerate(dict.fromkeys(loss.label for loss in losses))}

    def natural(loss: ComparedLoss) -> Any:
        group = group_sort_key(tuple((loss.result.group or {}).values()))
        if loss.model is None:
            return group, math.inf if loss.rank is None else loss.rank, positions[loss.label]
        return group, positions[loss.label], math.isnan(loss.value), loss.value

    def key(loss: ComparedLoss) -> Any:
        return loss.label if column == "loss" else loss.result.extra_columns.get(column, getattr(loss, column, None))

    ordered = sorted(losses, key=natural)
    if sort is None:
        return ordered
    there = [loss for loss in ordered if key(loss) is not None]
    return [*sorted(there, key=key, reverse=falling), *(loss for loss in ordered if key(loss) is None)]


# ------------------------------------------------------------------------------------------------------ models


def _contests(cases: Sequence[ModelGroup], resampling: Resampling, id: str | None) -> list[ModelRanking]:
    """The models under each loss, in each group that all of them have."""
    found = []
    for group in _distinct([case.group for case in cases]):
        there = {case.model: case for case in cases if case.group == group and case.model is not None}
        for i in range(len(cases[0].results)):
            values = {model: case.results[i].value for model, case in there.items()}
            kept = {model: case.kept for model, case in there.items()}
            found.append(rank_models(i, kept, values, group, resampling, id))
    return found


def with_standing(loss: ComparedLoss, contests: Sequence[ModelRanking]) -> ComparedLoss:
    """The loss with how its model did, where there are several."""
    for one in contests:
        if one.label == loss.label and one.group == loss.result.group and loss.model is not None:
            return replace(loss, standing=one.rank_row(loss.model))
    return loss


# ----------------------------------------------------------------------------------------------- the worst rows


def _worst(context: OutlierContext, id: str | None, count: int) -> tuple[OutlierRow, ...]:
    """The outlier rows that have the largest share of any loss."""
    kept, flagged = context.kept, context.outliers
    if flagged is None or not count:
        return ()
    positions = np.flatnonzero(flagged)
    shares = _shares(kept)
    largest = np.max([s[positions] for s in shares.values() if s is not None] or [np.zeros(len(positions))], axis=0)
    worst = positions[np.argsort(-largest, kind="stable")[:count]]
    return tuple(_row(context, int(place), id, shares) for place in worst)


def _shares(kept: RowSubset) -> dict[str, Array | None]:
    """Each row's share of every loss that is of sums over rows."""
    by_row = [i for i in range(len(kept.run.evaluators)) if kept.is_per_sample(i)]
    sums = [i for i in by_row if kept.reduction(i) in ADDITIVE_REDUCTIONS]
    found = {kept.run.evaluators[i].label: shares_of(kept.outcome(i), kept.batch) for i in sums}
    return {kept.run.evaluators[i].label: found.get(kept.run.evaluators[i].label) for i in by_row}


def _row(context: OutlierContext, place: int, id: str | None, shares: Mapping[str, Any]) -> OutlierRow:
    batch, residual = context.kept.batch, context.residual
    scalars = {role: float(array[place]) for role, array in batch.arrays.items()
               if role not in batch.tables and array[place].size == 1 and array.dtype.kind == "f"}  # fmt: skip
    return OutlierRow(
        int(batch.rows[place]),
        None if id is None else str(batch.extras[id][place]),
        scalars,
        None if residual is None or residual.ndim > 1 else float(residual[place]),
        {label: None if share is None else float(share[place]) for label, share in shares.items()},
    )
