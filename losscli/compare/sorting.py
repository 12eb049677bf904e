"""What a comparison can be sorted by, and its rows in that order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from losscli.compare.columns import COMPARISON_COLUMNS, MODEL_COLUMNS
from losscli.compare.decomposition import PART_COLUMNS
from losscli.compare.leaderboard import board_columns
from losscli.compare.order import SortOrder
from losscli.compare.result import ComparedLoss, Comparison
from losscli.errors import UsageError
from losscli.messages import Hint
from losscli.registry import label_of
from losscli.result_names import distinct_names, group_columns, group_sort_key
from losscli.results import CI_COLUMNS

COLUMNS_OF_JSON = ("n", "weight_sum", "status", "clipped")
"""Columns by which a comparison can be sorted though its table may not show them."""

COLUMNS_OF_MODELS = (*MODEL_COLUMNS, "relative_low", "relative_high")
"""The same where there are several models."""

NOT_ASKED_FOR = {
    **dict.fromkeys(PART_COLUMNS, ("nothing is decomposed", Hint.ADD_DECOMPOSITION)),
    **dict.fromkeys(CI_COLUMNS, ("there is no interval", Hint.ADD_INTERVAL)),
}
"""Columns that a comparison has only on request, and what to say where they were not asked for."""


def parse_sort(
    text: str | None,
    labels: Sequence[str],
    group_by: Sequence[str],
    models: Sequence[str],
    more: Sequence[str],
    leaderboard: bool,
) -> SortOrder | None:
    """Return the order that a text asks for, None without a text; `more` are columns that not every table has.

    Raises:
        UsageError: The table has no such column, and there is no such model.
    """
    if text is None:
        return None
    name = text.removeprefix("-")
    if name in NOT_ASKED_FOR and name not in (*group_by, *models, *more):
        raise UsageError(*NOT_ASKED_FOR[name], option=("sort", text))
    if leaderboard:
        board = board_columns(labels, group_by)
        typed = text if text in board or name in board else text.removesuffix(name) + label_of(name)
        return SortOrder.of(typed, board)
    if not models and name in COLUMNS_OF_MODELS:
        raise UsageError("this column compares several models; there is only one", option=("sort", text))
    columns = _columns_of_groups(dict.fromkeys(group_by, ""), models[0] if models else None)
    names = ["loss", *columns, *COMPARISON_COLUMNS, *(COLUMNS_OF_MODELS if models else ()), *COLUMNS_OF_JSON, *more]
    return SortOrder.of(text, list(dict.fromkeys([*names, *models])), "column or model" if models else "column")


def sort_losses(losses: Sequence[ComparedLoss], order: SortOrder | None = None) -> list[ComparedLoss]:
    """Sort by a column, or losses and groups by the value of a model; by default by rank, of models the best first.

    Models that a loss does not rank stay as they come.
    """
    positions = {label: i for i, label in enumerate(dict.fromkeys(loss.label for loss in losses))}

    def default_key(loss: ComparedLoss) -> Any:
        group = group_sort_key(tuple((loss.result.group or {}).values()))
        if loss.model is None:
            return group, math.inf if loss.rank is None else loss.rank, positions[loss.label]
        value = loss.value if loss.is_ranked else 0.0
        return group, positions[loss.label], math.isnan(value), value

    ordered = sorted(losses, key=default_key)
    if order is None:
        return ordered
    if any(order.name in _cells_of(loss) for loss in ordered[:1]):
        return order.sort(ordered, lambda loss: _cells_of(loss)[order.name])
    # the rows of a model decide the order of their loss or group
    values = {(loss.label, str(loss.result.group)): loss.value for loss in ordered if loss.model == order.name}
    return order.sort(ordered, lambda loss: values.get((loss.label, str(loss.result.group))))


def sort_again(compared: Comparison) -> Comparison:
    """Return a comparison whose rows have new columns, in its order."""
    return replace(compared, losses=tuple(sort_losses(compared.losses, compared.order)))


def _cells_of(loss: ComparedLoss) -> Mapping[str, Any]:
    """Return the cells of a row, of its table and of JSON, by column."""
    result = loss.result
    cells: dict[str, Any] = {"n": result.n, "weight_sum": result.summary.weight_sum, "clipped": result.summary.clipped}
    cells |= {"status": result.status, "loss": loss.label, "value": loss.value, **result.extra_columns, **loss.cells}
    return {**loss.group_columns, **cells, **_columns_of_groups(result.group or {}, loss.model)}


def _columns_of_groups(group: Mapping[str, str], model: str | None) -> dict[str, str]:
    """Return group and model by the names that their columns have beside those of a comparison."""
    columns = group_columns(group, model)
    taken = ["loss", *COLUMNS_OF_JSON, *COMPARISON_COLUMNS, *COLUMNS_OF_MODELS, *CI_COLUMNS, "baseline", "change"]
    return dict(zip(distinct_names(columns, "group", taken), columns.values(), strict=True))
