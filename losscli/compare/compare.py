"""Compare losses: what outliers do to each, on how many rows each number rests, and which model is best under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from losscli.compare import outliers, sensitivity
from losscli.compare.across_groups import GroupWins, count_wins, notes_on_groups, notes_without_blocks
from losscli.compare.agreement import Agreement, measure_agreement
from losscli.compare.decomposition import PART_COLUMNS, find_consistent
from losscli.compare.leaderboard import ONE_MODEL
from losscli.compare.model_groups import ModelGroup, form_model_groups, models_by_group
from losscli.compare.models import ModelRanking, rank_models
from losscli.compare.notes import MAX_GROUPS_NOTED, merge_notes, model_notes, outlier_notes, unranked_notes
from losscli.compare.reasons import decompose_groups, explain_preferences
from losscli.compare.result import ComparedLoss, Comparison, Flagged, OutlierRow
from losscli.compare.sorting import parse_sort, sort_again, sort_losses
from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.data.batch import Batch
from losscli.data.gather import BatchCollector
from losscli.declaration.domains import Array
from losscli.declaration.row_lists import RowLists
from losscli.errors import UsageError
from losscli.evaluation.engines import evaluate_and_keep
from losscli.evaluation.run import RunState
from losscli.messages import Message
from losscli.options import EvaluationOptions, processors
from losscli.results import CI_COLUMNS, Evaluation, data_info, keys_without_rows
from losscli.statistics.bootstrap.options import DEFAULT_LEVEL, Resampling
from losscli.statistics.minimizer import ROWS_PER_SAMPLE

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset


class CompareOptions(NamedTuple):
    """What is asked of a comparison.

    `rule` flags outlier rows (None: `mad:3.5`, or `top:1%` where no loss depends on a residual); `sort` is a column,
    with a minus from the largest, or a model; `show` is how many outlier rows to list. Minima without a closed form are
    searched for on `rows_per_sample` rows. `leaderboard` is a row a model; `sortable` are columns of an interval, a
    baseline or a decomposition, which not every table has. `reference` is the model that others are compared with; None
    for the best one. With `decompose` the values are shown in parts, with the bias of the predictions.
    `resampling` is how rows are drawn for the intervals of differences. With `is_brief` of what outliers do to the
    losses of several models only what their table shows is measured.
    """

    rule: outliers.OutlierRule | None = None
    sort: str | None = None
    show: int = 0
    rows_per_sample: int = ROWS_PER_SAMPLE
    leaderboard: bool = False
    sortable: tuple[str, ...] = ()
    reference: str | None = None
    decompose: bool = False
    resampling: Resampling = Resampling(DEFAULT_LEVEL)
    is_brief: bool = False

    @classmethod
    def of(cls, options: EvaluationOptions) -> CompareOptions:
        """Return what an evaluation's options ask of the comparison.

        Raises:
            UsageError: an unknown rule.
        """
        rule = outliers.parse_outlier_rule(options.outliers) if options.outliers else None
        baseline = ("baseline", "change") if options.baseline else ()
        parts = PART_COLUMNS if options.decompose else ()
        more = (*(CI_COLUMNS if options.ci is not None else ()), *baseline, *parts)
        return cls(
            rule,
            options.sort,
            options.show_outliers,
            leaderboard=options.leaderboard,
            sortable=more,
            reference=options.reference,
            decompose=options.decompose,
            resampling=options.resampling,
            is_brief=options.table_only,
        )


MIN_ROWS_FOR_THREADS = 1 << 13
"""Rows from which several models are measured at once; of fewer, threads would wait for Python."""


class ModelGroupReport(NamedTuple):
    """What a comparison says of one group and model."""

    losses: list[ComparedLoss]
    flagged: Flagged
    notes: list[Message]
    example: OutlierRow | None


def compare_run(
    dataset: Dataset, run: RunState, options: CompareOptions, track: Callable[[Iterator[int]], Iterator[int]] = iter
) -> Comparison:
    """Evaluate a dataset and compare the losses, and the models if there are several.

    `track` wraps the counts of rows that are evaluated, to show progress.

    Raises:
        UsageError: sorting by something else than a column or model; a leaderboard of one model.
        NoResultError: no group has rows for every loss.
    """
    if options.leaderboard and not dataset.models:
        raise UsageError(ONE_MODEL, option=("leaderboard", "true"))
    labels = [evaluator.label for evaluator in run.evaluators]
    groups, models = run.group_by, dataset.models
    if options.decompose:
        find_consistent(run, dataset)  # before any row is read
    order = parse_sort(options.sort, labels, groups, models, options.sortable, options.leaderboard)
    collector = BatchCollector(dataset.progress)
    # each model has a run of its own later
    reading = replace(run, resampling=None, observers=(), value_only=True) if models else run
    for _ in track(evaluate_and_keep(dataset, reading, collector.add)):
        pass
    rows = [collector.batch()]
    del collector  # where rows were left out it is as long as the data; nothing but the argument holds it now
    compared = compare_rows(dataset, run, rows.pop(), options, reading)
    return compared if order is None else sort_again(replace(compared, order=order))


def compare_rows(
    dataset: Dataset, run: RunState, batch: Batch, options: CompareOptions, reading: RunState | None = None
) -> Comparison:
    """Compare the losses of a run on the rows of a batch, all that were read, and the models if there are several.

    `reading` is the run that read them, if it is another.

    Raises:
        NoResultError: no group has rows for every loss.
    """
    read_by = run if reading is None else reading
    model_groups = form_model_groups(dataset, run, batch)
    del batch
    results = tuple(result for model_group in model_groups for result in model_group.results)

    reports, rankings = _measure_and_rank(model_groups, options, dataset)
    losses = [loss for report in reports for loss in report.losses]
    agreements: list[Agreement] = []
    notes: list[Message] = []
    wins: tuple[GroupWins, ...] = ()
    if dataset.models:
        losses = list(_with_standings(losses, rankings))
        n_losses = len(run.evaluators)
        agreements = [measure_agreement(rankings[i : i + n_losses]) for i in range(0, len(rankings), n_losses)]
        wins = count_wins(rankings, dataset.models, options.resampling.level)
        notes += notes_on_groups(wins)
        if len(agreements) <= MAX_GROUPS_NOTED:
            notes += model_notes(rankings, agreements, run.evaluators[0].form.unit_of_samples)
        else:
            notes.append(Message(f"JSON says of each of the {len(agreements)} groups which models may be the best"))
        notes += explain_preferences(model_groups, run, rankings, agreements)
    if options.decompose:
        parts, notes_on_parts = decompose_groups(dataset, run, model_groups, options.resampling)
        losses = [replace(loss, decomposition=parts[loss.result.key]) for loss in losses]
        notes += notes_on_parts
    if options.leaderboard:
        notes += unranked_notes({ranking.label: ranking.no_ranking for ranking in rankings})
        if any(not ranking.no_ranking for ranking in rankings):
            notes += notes_without_blocks(wins)
    elif len(reports) == 1:
        notes += reports[0].notes
    else:
        names = [", ".join(report.flagged.group_columns.values()) for report in reports]
        notes += merge_notes([report.notes for report in reports], names)
    return Comparison(
        tuple(sort_losses(losses)),
        tuple(report.flagged for report in reports),
        tuple(notes),
        Evaluation(
            data_info(dataset, read_by.weight.value),
            results,
            without_rows=keys_without_rows(dataset, read_by, results),
            resampling=run.resampling,
        ),
        tuple(rankings),
        tuple(agreements),
        next((report.example for report in reports if report.example), None),
        wins,
        shows_leaderboard=options.leaderboard,
    )


def _measure_and_rank(
    model_groups: Sequence[ModelGroup], options: CompareOptions, dataset: Dataset
) -> tuple[list[ModelGroupReport], list[ModelRanking]]:
    """Measure each group and model, and rank the models if there are several: both at once if there are many rows."""
    if not dataset.models:
        return _measure_groups(model_groups, options, dataset.id), []

    def rank_all() -> list[ModelRanking]:
        with np.errstate(all="ignore"):
            return _rank_in_groups(model_groups, options.resampling, dataset.id, options.reference)

    if sum(len(model_group.subset.batch) for model_group in model_groups) < MIN_ROWS_FOR_THREADS:
        return _measure_groups(model_groups, options, dataset.id), rank_all()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        ranked = pool.submit(rank_all)
        return _measure_groups(model_groups, options, dataset.id), ranked.result()


def _with_standings(losses: Sequence[ComparedLoss], rankings: Sequence[ModelRanking]) -> Iterator[ComparedLoss]:
    """Yield the losses with how their models stand."""
    by_loss = {(ranking.label, str(ranking.group)): ranking for ranking in rankings}
    for loss in losses:
        ranking = by_loss[loss.label, str(loss.result.group)]
        standing = ranking.standing(str(loss.model))
        is_reference = loss.model == ranking.reference
        yield replace(loss, standing=standing, is_reference=is_reference, is_ranked=not ranking.no_ranking)


def _measure_groups(
    model_groups: Sequence[ModelGroup], options: CompareOptions, id: str | None
) -> list[ModelGroupReport]:
    """Measure each group and model, several models at once by threads where their rows are some but not many."""
    firsts: dict[tuple[str, ...], tuple[ModelGroup, ModelGroupReport, dict[str, float | None]]] = {}
    keys = [tuple((model_group.group or {}).values()) for model_group in model_groups]
    for key, model_group in zip(keys, model_groups, strict=True):
        if key not in firsts:
            constant_losses: dict[str, float | None] = {}
            report = _measure_group(model_group, options, id, constant_losses)
            shared = {
                one.evaluator.label for one in model_group.subset.losses if sensitivity.depends_on_targets_alone(one)
            }
            firsts[key] = model_group, report, {label: constant_losses.get(label) for label in shared}

    def measure(key: tuple[str, ...], model_group: ModelGroup) -> ModelGroupReport:
        first, report, constant_losses = firsts[key]
        if model_group is first:
            return report
        is_alike = np.array_equal(model_group.subset.batch.rows, first.subset.batch.rows)
        with np.errstate(all="ignore"):
            return _measure_group(model_group, options, id, dict(constant_losses) if is_alike else {})

    n_rows = max(len(model_group.subset.batch) for model_group in model_groups)
    if not MIN_ROWS_FOR_THREADS <= n_rows < sensitivity.ROWS_FOR_THREADS:
        return list(map(measure, keys, model_groups))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(processors(), sensitivity.MAX_THREADS)) as pool:
        return list(pool.map(measure, keys, model_groups))


def _measure_group(
    model_group: ModelGroup, options: CompareOptions, id: str | None, constant_losses: dict[str, float | None]
) -> ModelGroupReport:
    """Flag outlier rows, and measure what they do to each loss."""
    subset, results = model_group.subset, model_group.results
    batch, residual = subset.batch, subset.residual()
    rule = options.rule or (outliers.DEFAULT_LOSS_RULE if residual is None else outliers.DEFAULT_RESIDUAL_RULE)
    flags = outliers.flag_outliers(rule, subset, residual)
    scale = outliers.robust_scale(residual, batch.weight, flags.mad)
    size = options.rows_per_sample
    is_brief = options.is_brief and model_group.model is not None
    context = sensitivity.OutlierContext(subset, residual, scale, flags.rows, size, constant_losses, is_brief)
    values = [result.value for result in results]
    if len(batch) < sensitivity.ROWS_FOR_THREADS:
        measured = list(map(sensitivity.measure, [context] * len(values), subset.losses, values))
    else:
        measured = sensitivity.measure_in_threads(context, values)
    ranks = (
        [None] * len(values)
        if is_brief
        else sensitivity.rank([loss.evaluator.bound.ordering for loss in subset.losses], measured)
    )
    losses = list(map(ComparedLoss, results, ranks, measured))
    worst, example = _list_outlier_rows(context, id, options.show) if options.show and len(batch) else ((), None)
    numbers = None if flags.rows is None else tuple(batch.rows_at(flags.rows).tolist())
    flagged = Flagged(rule.text, numbers, len(batch), worst, results[0].group_json, losses[0].group_columns)
    return ModelGroupReport(losses, flagged, list(outlier_notes(losses, len(batch), flags, context)), example)


def _rank_in_groups(
    model_groups: Sequence[ModelGroup], resampling: Resampling, id: str | None, reference: str | None
) -> list[ModelRanking]:
    """Rank the models under each loss, in each group."""
    rankings = []
    for models in models_by_group(model_groups):
        places = range(len(model_groups[0].results))
        losses = [{model: its.subset.losses[i] for model, its in models.items()} for i in places]
        values = [{model: its.results[i].value for model, its in models.items()} for i in places]
        group = next(iter(models.values())).group
        rankings += rank_models(losses, values, group, resampling, id, reference)
    return rankings


def _list_outlier_rows(
    context: sensitivity.OutlierContext, id: str | None, count: int
) -> tuple[tuple[OutlierRow, ...], OutlierRow]:
    """Return the outlier rows with the largest share of any loss, and the first row as an example of what is listed."""
    batch = context.subset.batch
    shares: dict[str, Array | None] = {}
    for loss in context.subset.losses:
        if loss.is_per_sample:
            has_shares = loss.reduction in ADDITIVE_REDUCTIONS and loss.evaluator.bound.loss.has_ratios
            shares[loss.evaluator.label] = sensitivity.shares_of(loss.evaluate()[0], batch) if has_shares else None
    indices = np.flatnonzero(np.zeros(len(batch)) if context.outliers is None else context.outliers)
    known = [share[indices] for share in shares.values() if share is not None] or [np.zeros(len(indices))]
    worst = indices[np.argsort(-np.max(known, axis=0), kind="stable")[:count]]
    rows = tuple(_describe_row(context, int(index), id, shares) for index in worst)
    return rows, _describe_row(context, 0, id, shares)


def _describe_row(
    context: sensitivity.OutlierContext, index: int, id: str | None, shares: Mapping[str, Array | None]
) -> OutlierRow:
    batch, residual = context.subset.batch, context.residual
    keys = batch.keys(id)
    scalars = {
        role: float(array[index])
        for role, array in batch.arrays.items()
        if role not in batch.tables and not isinstance(array, RowLists) and array[index].size == 1
        if array.dtype.kind == "f"
    }
    return OutlierRow(
        int(batch.numbers[index]),
        None if keys is None else str(keys[index]),
        scalars,
        None if residual is None or residual.ndim > 1 else float(residual[index]),
        {label: None if share is None else float(share[index]) for label, share in shares.items()},
    )
