"""Losses whose samples are queries, bound to data: which rows are one query."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from losscli.data.role_columns import RoleColumns
from losscli.declaration.row_lists import QUERY
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator


def bind_queries(
    evaluators: Sequence[Evaluator], columns: dict[str, RoleColumns], is_given: bool, note: Callable[[str], None]
) -> bool:
    """Tell whether rows are gathered into queries; where each row is a query, the columns lose the role.

    `is_given` says that the role was named, and not found by a usual name.

    Raises:
        UsageError: Other losses have rows as samples, or rows that are queries are given a query.
        DataError: Rows that are queries stand beside a column that is called `query`.
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
        problem = "each row is a query, as y_pred has several scores a row"
        if is_given:
            raise UsageError(f"{problem}: the role {QUERY} goes without")
        found = columns.pop(QUERY, None)
        name = QUERY if found is None else found.columns[0].name
        if found is not None and name.lower() == QUERY:  # other usual names, as group, may mean something else
            raise DataError(f"{found.table.label}{problem}: leave out the column {name!r}")
        return False
    if QUERY not in columns:
        note(f"no column for {QUERY}: all rows are one query")
    return True
