"""Columns as messages list them."""

from __future__ import annotations

from collections.abc import Sequence

from losscli.data.table import Table
from losscli.messages import did_you_mean

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
