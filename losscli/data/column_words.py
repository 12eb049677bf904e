"""Columns as messages list them."""

from __future__ import annotations

from collections.abc import Sequence

from losscli.data.role_names import is_role_name
from losscli.data.table import Table
from losscli.errors import DataError
from losscli.messages import Hint, did_you_mean, join_names

MAX_NAME_SHOWN = 80
MAX_COLUMNS_SHOWN = 12


def suggest_column(name: str, table: Table) -> str:
    """Return the end of a message on an unknown column: the name that is close to it, or the columns that exist."""
    names = [c.name for c in table.columns]
    if meant := did_you_mean(name, names):
        return f" ({meant})"
    more = "..." if len(names) > MAX_COLUMNS_SHOWN else ""
    return f"; the columns are {list_columns(names)}{more}"


def list_columns(names: Sequence[str]) -> str:
    """Return the first names as a list, cut if they are long: what is no table may be read as one of a long name."""
    shown = names[:MAX_COLUMNS_SHOWN]
    return ", ".join(name if len(name) <= MAX_NAME_SHOWN else f"{name[:MAX_NAME_SHOWN]}..." for name in shown)


def missing_columns_error(
    table: Table, roles: Sequence[str], label: str, others: Sequence[Sequence[str]] = ()
) -> DataError:
    """Return the error that a table has no columns for roles, and which it has.

    Args:
        table: The table.
        roles: The roles.
        label: What needs them.
        others: Lists of roles that would do instead.
    """
    role = roles[0]
    column = next((c for c in table.columns if c.name.lower() == role), None)
    if column is not None:
        problem = f"{table.label}{column.name}: shape (N,), one number per row, but {label} needs several"
        return DataError(problem, Hint.VECTOR_COLUMNS, role=role)
    only = table.columns[0].name if len(table.columns) == 1 and table.format in ("csv", "tsv") else ""
    if " " in only and any(map(is_role_name, only.split())):
        problem = f"{table.label}no column for {role}; the cells of {only!r} may be separated by ' '"
        return DataError(problem, Hint.DELIMITER, delimiter_name=" ")
    names = [c.name or "''" for c in table.columns] or ["none"]
    n_hidden = len(names) - MAX_COLUMNS_SHOWN
    shown = list_columns(names) + (f" and {n_hidden} more" if n_hidden > 0 else "")
    fewer = [each for each in others if each and not any({*other} < {*each} for other in (roles, *others))]
    instead = "; or ".join(map(join_names, dict.fromkeys(map(tuple, fewer))))
    needs = f"{label} needs" + (f" (or else {instead})" if instead else "")
    problem = f"{table.label}no column for {' or '.join(roles)}, which {needs}; the columns are {shown}"
    hint = Hint.CHOOSE_COLUMNS if len(roles) == 2 else Hint.CHOOSE_COLUMN
    return DataError(problem, hint, role=role, other=roles[-1])
