"""Compare losses: what outliers do to each, on how many rows each number rests, and which model wins under it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.compare import outliers, sensitivity
from losscli.compare.models import RESAMPLING_OF_MODELS, Agreement, ModelRanking, measure_agreement, rank_models
from losscli.compare.notes import merge_notes, model_notes, outlier_notes
from losscli.compare.result import COMPARISON_COLUMNS, MODEL_COLUMNS, ComparedLoss, Comparison, Flagged, OutlierRow
from losscli.compare.subset import ADDITIVE_REDUCTIONS, RowSubset
from losscli.data.batch import Batch, groups_of
from losscli.data.gather import BatchCollector, split_batch
from losscli.declaration.domains import Array
from losscli.errors import NoResultError, UsageError
from losscli.evaluation.engines import evaluate_and_keep
from losscli.evaluation.run import RunState
from losscli.messages import Message
from losscli.result_names import group_sort_key
from losscli.results import CI_COLUMNS, LossResult, keys_without_rows, results_by_group, results_of
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.minimizer import ROWS_PER_SAMPLE

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset


class CompareOptions(NamedTuple):
    """What is asked of a comparison.

    `rule` flags outlier rows (None: `mad:3.5`, or `top:1%` where no loss depends on a residual); `sort` is a column,
    with a minus from the largest; `show` is how many outlier rows to list. Minima without a closed form are searched
    for on `rows_per_sample` rows. `reference` is the model that others are compared with; None for the best one.
    """

    rule: outliers.OutlierRule | None = None
    sort: str | None = None
    show: int = 0
    rows_per_sample: int = ROWS_PER_SAMPLE
    reference: str | None = None

    @classmethod
    def of(cls, rule: str | None, sort: str | None, show: int, intervals: bool) -> CompareOptions:
        """Return the options of texts; with `intervals` their ends are columns, too.

        Raises:
            UsageError: an unknown rule or column.
        """
        columns = ("loss", *COMPARISON_COLUMNS, *MODEL_COLUMNS, *(CI_COLUMNS if intervals else ()))
        column = (sort or "rank").removeprefix("-")
        if column not in columns:
            close = get_close_matches(column, columns, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"the columns are {', '.join(columns)}"
            raise UsageError(f"there is no column {column!r}; {advice}", option=("sort", sort))
        return cls(outliers.parse_outlier_rule(rule) if rule else None, sort, show)


class ModelGroup(NamedTuple):
    """Rows of a group with one model's predictions, compared as if they were alone, and the losses on them."""

    subset: RowSubset
    results: tuple[LossResult, ...]
    model: str | None
    group: dict[str, str] | None


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
        UsageError: sorting by a column of models where there is one model.
        NoResultError: no group has rows for every loss.
    """
    if options.sort and options.sort.removeprefix("-") in MODEL_COLUMNS and not dataset.models:
        raise UsageError("this column compares several models; there is only one", option=("sort", options.sort))
    collector = BatchCollector(dataset.progress)
    for _ in track(evaluate_and_keep(dataset, run, collector.add)):
        pass
    rows = [collector.batch()]
    del collector  # where rows were left out it is as long as the data; nothing but the argument holds it now
    return compare_rows(dataset, run, rows.pop(), options)


def compare_rows(dataset: Dataset, run: RunState, batch: Batch, options: CompareOptions) -> Comparison:
    """Compare the losses of a run on the rows of a batch, all that were read, and the models if there are several.

    Raises:
        NoResultError: no group has rows for every loss.
    """
    model_groups = _form_model_groups(dataset, run, batch)
    del batch
    results = tuple(result for model_group in model_groups for result in model_group.results)
    reports: list[ModelGroupReport] = []
    for model_group in model_groups:
        reports.append(_measure_group(model_group, options, dataset.id))
    losses = [loss for report in reports for loss in report.losses]
    rankings: list[ModelRanking] = []
    agreements: list[Agreement] = []
    notes: list[Message] = []
    if dataset.models:
        resampling = run.resampling or RESAMPLING_OF_MODELS
        rankings = _rank_in_groups(model_groups, resampling, dataset.id, options.reference)
        by_loss = {(ranking.label, str(ranking.group)): ranking for ranking in rankings}
        for i, loss in enumerate(losses):
            ranking = by_loss[loss.label, str(loss.result.group)]
            losses[i] = replace(
                loss, standing=ranking.standing(str(loss.model)), is_reference=loss.model == ranking.reference
            )
        n_losses = len(run.evaluators)
        agreements = [measure_agreement(rankings[i : i + n_losses]) for i in range(0, len(rankings), n_losses)]
        notes += model_notes(rankings, agreements)
    if len(reports) == 1:
        notes += reports[0].notes
    else:
        names = [", ".join(report.flagged.group_columns.values()) for report in reports]
        notes += merge_notes([report.notes for report in reports], names)
    return Comparison(
        tuple(sort_losses(losses, options.sort)),
        tuple(report.flagged for report in reports),
        tuple(notes),
        replace(results_of(dataset, run), losses=results, without_rows=keys_without_rows(dataset, run, results)),
        tuple(rankings),
        tuple(agreements),
        reports[0].example,
    )


def _form_model_groups(dataset: Dataset, run: RunState, batch: Batch) -> list[ModelGroup]:
    """Return the rows of each group with each model, in the order of the groups.

    Raises:
        NoResultError: no group has rows for every loss.
    """
    whole = RowSubset(batch, run)
    model_groups: list[ModelGroup] = []
    for model in dataset.models or (None,):
        subset = whole if model is None else _predict_by(model, whole, batch)
        if model is not None and run.observers:
            run.runs_by_model[model] = subset.run
        model_groups += _split_by_group(dataset, subset, model)
    if not model_groups:
        raise NoResultError("no group has rows for every loss: all were omitted, ignored or have weight 0")
    if run.group_by:
        model_groups.sort(key=lambda model_group: group_sort_key(tuple((model_group.group or {}).values())))
    return model_groups


def _predict_by(model: str, whole: RowSubset, batch: Batch) -> RowSubset:
    """Return the rows with the predictions of a model, and the losses evaluated on them."""
    run = whole.run.fresh_copy()
    predicted = batch.predicted_by(model)
    needs_all_rows = any(evaluator.needs_all_rows(predicted.arrays) for evaluator in run.evaluators)
    for _ in run.evaluate(iter((predicted,)) if needs_all_rows else split_batch(predicted)):
        pass
    # a row that one model has no prediction for is left out for all
    return RowSubset(predicted if batch.missing is not None else whole.batch.predicted_by(model), run)


def _split_by_group(dataset: Dataset, subset: RowSubset, model: str | None) -> Iterator[ModelGroup]:
    """Yield the rows of each group, or all rows; a group whose rows a loss ignores is left out."""
    run = subset.run
    if not run.group_by:
        results = tuple(result.of_model(model) for result in results_of(dataset, run).losses)
        yield ModelGroup(subset, results, model, None)
        return
    evaluation = results_by_group(dataset, run)
    for key, rows in groups_of(subset.batch, run.group_by):
        group = dict(zip(run.group_by, key, strict=True))
        results = tuple(result.of_model(model) for result in evaluation if result.group == group)
        if len(results) == len(run.evaluators):
            yield ModelGroup(subset.take(rows), results, model, group)


def _measure_group(model_group: ModelGroup, options: CompareOptions, id: str | None) -> ModelGroupReport:
    """Flag outlier rows, and measure what they do to each loss."""
    subset, results = model_group.subset, model_group.results
    batch, residual = subset.batch, subset.residual()
    rule = options.rule or (outliers.DEFAULT_LOSS_RULE if residual is None else outliers.DEFAULT_RESIDUAL_RULE)
    flags = outliers.flag_outliers(rule, subset, residual)
    scale = outliers.robust_scale(residual, batch.weight, flags.mad)
    context = sensitivity.OutlierContext(subset, residual, scale, flags.rows, options.rows_per_sample)
    values = [result.value for result in results]
    if len(batch) < sensitivity.ROWS_FOR_THREADS:
        measured = list(map(sensitivity.measure, [context] * len(values), subset.losses, values))
    else:
        measured = sensitivity.measure_in_threads(context, values)
    ranks = sensitivity.rank([loss.evaluator.bound.ordering for loss in subset.losses], measured)
    losses = list(map(ComparedLoss, results, ranks, measured))
    worst, example = _list_outlier_rows(context, id, options.show) if options.show else ((), None)
    numbers = None if flags.rows is None else tuple(batch.rows_at(flags.rows).tolist())
    flagged = Flagged(rule.text, numbers, len(batch), worst, results[0].group_json, losses[0].group_columns)
    return ModelGroupReport(losses, flagged, list(outlier_notes(losses, len(batch), flags, context)), example)


def _rank_in_groups(
    model_groups: Sequence[ModelGroup], resampling: Resampling, id: str | None, reference: str | None
) -> list[ModelRanking]:
    """Rank the models under each loss, in each group."""
    by_group: dict[tuple[str, ...], dict[str, ModelGroup]] = {}
    for model_group in model_groups:
        key = tuple((model_group.group or {}).values())
        by_group.setdefault(key, {})[str(model_group.model)] = model_group
    rankings = []
    for models in by_group.values():
        places = range(len(model_groups[0].results))
        losses = [{model: its.subset.losses[i] for model, its in models.items()} for i in places]
        values = [{model: its.results[i].value for model, its in models.items()} for i in places]
        group = next(iter(models.values())).group
        rankings += rank_models(losses, values, group, resampling, id, reference)
    return rankings


def sort_losses(losses: Sequence[ComparedLoss], sort: str | None) -> list[ComparedLoss]:
    """Sort by a column, losses without a value last; without a column by rank, of several models the best first."""
    positions = {label: i for i, label in enumerate(dict.fromkeys(loss.label for loss in losses))}

    def default_key(loss: ComparedLoss) -> Any:
        group = group_sort_key(tuple((loss.result.group or {}).values()))
        if loss.model is None:
            return group, math.inf if loss.rank is None else loss.rank, positions[loss.label]
        return group, positions[loss.label], math.isnan(loss.value), loss.value

    ordered = sorted(losses, key=default_key)
    if sort is None:
        return ordered
    name = sort.removeprefix("-")
    cells: list[Any] = [
        loss.label if name == "loss" else loss.result.extra_columns.get(name, getattr(loss, name, None))
        for loss in ordered
    ]
    present = [i for i, cell in enumerate(cells) if cell is not None]
    present.sort(key=cells.__getitem__, reverse=sort.startswith("-"))
    return [ordered[i] for i in present] + [loss for loss, cell in zip(ordered, cells, strict=True) if cell is None]


def _list_outlier_rows(
    context: sensitivity.OutlierContext, id: str | None, count: int
) -> tuple[tuple[OutlierRow, ...], OutlierRow]:
    """Return the outlier rows with the largest share of any loss, and the first row as an example of what is listed."""
    batch = context.subset.batch
    shares: dict[str, Array | None] = {}
    for loss in context.subset.losses:
        if loss.is_per_sample:
            is_additive = loss.reduction in ADDITIVE_REDUCTIONS
            shares[loss.evaluator.label] = sensitivity.shares_of(loss.evaluate()[0], batch) if is_additive else None
    indices = np.flatnonzero(np.zeros(len(batch)) if context.outliers is None else context.outliers)
    known = [share[indices] for share in shares.values() if share is not None] or [np.zeros(len(indices))]
    worst = indices[np.argsort(-np.max(known, axis=0), kind="stable")[:count]]
    rows = tuple(_describe_row(context, int(index), id, shares) for index in worst)
    return rows, _describe_row(context, 0, id, shares)


def _describe_row(
    context: sensitivity.OutlierContext, index: int, id: str | None, shares: Mapping[str, Array | None]
) -> OutlierRow:
    batch, residual = context.subset.batch, context.residual
    scalars = {
        role: float(array[index])
        for role, array in batch.arrays.items()
        if role not in batch.tables and array[index].size == 1 and array.dtype.kind == "f"
    }
    return OutlierRow(
        int(batch.numbers[index]),
        None if id is None else str(batch.extras[id][index]),
        scalars,
        None if residual is None or residual.ndim > 1 else float(residual[index]),
        {label: None if share is None else float(share[index]) for label, share in shares.items()},
    )
