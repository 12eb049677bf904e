"""Losses whose samples are queries, bound to data: which rows are one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from losscli.data.role_columns import RoleColumns
from losscli.declaration.row_lists import QUERY
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Evaluator


def bind_queries(
    evaluators: Sequence[Evaluator], columns: dict[str, RoleColumns], is_given: bool, note: Callable[[str], None]
) -> bool:
    """Tell whether rows are gathered into queries; where each row is a query, the columns lose the role.

    `is_given` says that the role was named, and not found by a usual name.

    Raises:
        UsageError: Other losses have rows as samples, or rows that are queries have a query.
    """
    by_query = [evaluator for evaluator in evaluators if evaluator.form.by_query]
    if not by_query:
        return False
    other = next((evaluator for evaluator in evaluators if not evaluator.form.by_query), None)
    if other is not None:
        problem = f"{by_query[0].label} is a loss of queries and {other.label} one of rows"
        raise UsageError(f"{problem}: they have no samples in common, evaluate them one after the other")
    shape = columns[by_query[0].form.gradient_role].shape
    if len(shape) > 1 and shape[1] != 1:
        if is_given:
            raise UsageError(f"each row is a query, as y_pred has several scores a row: the role {QUERY} goes without")
        columns.pop(QUERY, None)
        return False
    if QUERY not in columns:
        note(f"no column for {QUERY}: all rows are one query")
    return True
