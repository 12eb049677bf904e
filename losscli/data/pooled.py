"""Files that were pooled as one dataset, and look like the predictions of several models of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

from losscli.data.identifiers import Identifiers, is_default_index
from losscli.data.role_columns import RoleColumns
from losscli.data.sources import FileParts
from losscli.data.table import ROWS_SAMPLED, Table
from losscli.errors import LosscliError
from losscli.messages import Hint, Message


def note_pooled(
    found: Mapping[str, RoleColumns], identifiers: Identifiers, note: Callable[[str], None], beside: str
) -> None:
    """Note files that were pooled although they have the same rows, by the first rows of the first two of them.

    They have if they have as many rows and the same targets, or the same keys and no other targets. Folders of keys say
    themselves that their files are parts.

    Args:
        found: Role -> columns.
        identifiers: Tells which columns are keys.
        note: Takes the note.
        beside: A column that tells the files apart already, if the groups have it.
    """
    tables = dict.fromkeys(columns.table for role, columns in found.items() if role in ("y_true", "y_pred"))
    for table in tables:
        if not isinstance(table, FileParts) or table.n_files < 2 or table.column(beside) is not None or table.has_keys:
            continue
        try:
            second = table.open_second()
            with closing(second):
                what = _what_is_same(table, second, found.get("y_true"), identifiers)
        except LosscliError:  # reading all files says what is wrong
            continue
        if what:
            problem = f"{table.name}: {table.n_files} files of the same {what} were pooled as one dataset"
            note(Message(problem, Hint.MODEL_FILES, pattern=table.pattern))


def _what_is_same(first: Table, second: Table, truth: RoleColumns | None, identifiers: Identifiers) -> str:
    """Return what two files have in common: y_true, or a key; empty if they have other rows."""
    if None not in (first.length, second.length) and first.length != second.length:
        return ""
    keys = {
        column.name: values
        for column in first.columns
        if (first, column.name) in identifiers and not is_default_index(column.name) and not column.trailing
        if (values := _first_values(first, second, column.name)) is not None
    }
    for mine, theirs in keys.values():
        is_all = len(mine) < ROWS_SAMPLED and len(theirs) < ROWS_SAMPLED
        if set(mine) != set(theirs) if is_all else set(mine).isdisjoint(theirs):
            return ""
    if truth is not None and truth.table is first:
        several = [_first_values(first, second, column.name) for column in truth.columns]
        if any(values is None or values[0] != values[1] for values in several):
            return ""
        if any(values is not None and len(set(values[0])) > 1 for values in several):
            return "y_true"
    same = (name for name, (mine, theirs) in keys.items() if mine == theirs and len(set(mine)) == len(mine))
    return next(map(repr, same), "")


def _first_values(first: Table, second: Table, name: str) -> tuple[list[str | None], list[str | None]] | None:
    """Return the first values of a column in both tables, None if these are not known."""
    if second.column(name) is None:
        return None
    mine, theirs = first.first_values(name), second.first_values(name)
    return None if mine is None or theirs is None else (mine.tolist(), theirs.tolist())
