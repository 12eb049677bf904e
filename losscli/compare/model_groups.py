"""The rows of each group with each model's predictions, and the losses on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from losscli.compare.model_runs import evaluate_models
from losscli.compare.subset import RowSubset
from losscli.data.batch import Batch, groups_of
from losscli.errors import NoResultError
from losscli.evaluation.run import RunState
from losscli.result_names import group_sort_key
from losscli.results import LossResult, results_by_group, results_of

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset


class ModelGroup(NamedTuple):
    """Rows of a group with one model's predictions, compared as if they were alone, and the losses on them."""

    subset: RowSubset
    results: tuple[LossResult, ...]
    model: str | None
    group: dict[str, str] | None


def form_model_groups(dataset: Dataset, run: RunState, batch: Batch) -> list[ModelGroup]:
    """Return the rows of each group with each model, in the order of the groups.

    Raises:
        NoResultError: no group has rows for every loss.
    """
    whole = RowSubset(batch, run)
    model_groups: list[ModelGroup] = []
    runs = evaluate_models(run, batch, dataset.models) if dataset.models else {}
    for model in dataset.models or (None,):
        subset = whole
        if model is not None:  # a row that one model has no prediction for is left out for all
            predicted = (whole.batch if batch.missing is None else batch).predicted_by(model)
            subset = RowSubset(predicted, runs[model])
        if model is not None and run.observers:
            run.runs_by_model[model] = subset.run
        model_groups += _split_by_group(dataset, subset, model)
    if not model_groups:
        raise NoResultError("no group has rows for every loss: all were omitted, ignored or have weight 0")
    if run.group_by:
        model_groups.sort(key=lambda model_group: group_sort_key(tuple((model_group.group or {}).values())))
    return model_groups


def _split_by_group(dataset: Dataset, subset: RowSubset, model: str | None) -> Iterator[ModelGroup]:
    """Yield the rows of each group, or all rows; a group whose rows a loss ignores is left out."""
    run = subset.run
    if not run.group_by:
        results = tuple(result.of_model(model) for result in results_of(dataset, run).losses)
        yield ModelGroup(subset, results, model, None)
        return
    results_of_key: dict[tuple[str, ...], list[LossResult]] = {}
    for result in results_by_group(dataset, run):
        results_of_key.setdefault(tuple((result.group or {}).values()), []).append(result.of_model(model))
    rows_of_key = dict(groups_of(subset.batch, run.group_by))
    no_row = np.zeros(len(subset.batch), dtype=bool)  # of a group in which every row lacks a value, and all is NaN
    for key, of_losses in results_of_key.items():
        if len(of_losses) == len(run.evaluators):
            group = dict(zip(run.group_by, key, strict=True))
            yield ModelGroup(subset.take(rows_of_key.get(key, no_row)), tuple(of_losses), model, group)


def models_by_group(model_groups: Sequence[ModelGroup]) -> list[dict[str, ModelGroup]]:
    """Return the models of each group, by their names."""
    by_group: dict[tuple[str, ...], dict[str, ModelGroup]] = {}
    for model_group in model_groups:
        key = tuple((model_group.group or {}).values())
        by_group.setdefault(key, {})[str(model_group.model)] = model_group
    return list(by_group.values())
