"""Which columns name or number rows: identifiers are never data unless they are asked for by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from losscli.data.keys import SharedKey, canonical_key, is_whole_key
from losscli.data.table import Column, Kind, Table

_DEFAULT_INDEX = re.compile(
    r"|index|level_\d+|unnamed: 0(\.\d+)?|__index_level_\d+__|__null_dask_index__", re.IGNORECASE
)
"""Names that pandas and Dask give to an index that has none; the empty one is an unnamed column."""

_ROW_KEY = re.compile(r"ids?", re.IGNORECASE)
_KEY_ENDING = re.compile(
    r"(?:^|[_\-. ])(?:ids?|idx|index|key|uuid|guid|row_?names?)$|(?<=[a-z])(?:I[dD]s?|Idx|Index|Key|UUID)$"
)
"""Endings of names that are likely to be those of keys: PassengerId, row_id, rowname."""

KINDS_ARE_SAMPLED = ("csv", "tsv", "json", "jsonl")
"""Formats of which only the first values say whether a column holds numbers."""

MAX_EXACT_INTEGER = 2.0**53


def _has_name(name: str) -> bool:
    """Tell whether a column is an identifier by its name alone."""
    return bool(_DEFAULT_INDEX.fullmatch(name) or _ROW_KEY.fullmatch(name))


class Identifiers:
    """Tells which columns of tables are identifiers.

    These are the key that was asked for, columns that the format marks as index, those with the name of one, those
    whose name is likely to be that of a key and whose values are distinct, and keys that two tables have.
    """

    def __init__(self, tables: Sequence[Table], key: str | None, is_role_name: Callable[[str], bool]) -> None:
        """Describe tables that hold the roles; columns that have the name of a role are no keys by their values."""
        self._tables, self._key, self._is_role_name = tables, key, is_role_name
        self._sampled: dict[tuple[int, str], list[str] | None] = {}
        self._own = {table: self._find_own(table) for table in tables}
        self._all = {table: set(own) for table, own in self._own.items()}
        for i, table in enumerate(tables):
            for other in tables[:i]:
                shared = self._find_shared(other, table)
                self._all[table] |= shared
                self._all[other] |= shared

    def __contains__(self, column: tuple[Table, str]) -> bool:
        table, name = column
        return name in self._all.get(table, ())

    def data_columns(self, table: Table) -> list[Column]:
        """Return the columns that are no identifiers."""
        return [column for column in table.columns if (table, column.name) not in self]

    def _find_own(self, table: Table) -> set[str]:
        """Return the identifiers that a table has by itself."""
        return {
            column.name
            for column in table.columns
            if column.name == self._key
            or column.name in table.index_columns
            or _has_name(column.name)
            or (self._may_be_key(column) and self._is_key(table, column.name))
        }

    def _may_be_key(self, column: Column) -> bool:
        return bool(_KEY_ENDING.search(column.name)) and not self._is_role_name(column.name)

    def _find_shared(self, first: Table, other: Table) -> set[str]:
        """Return the keys that two tables have, by name or, if that leaves data in both, by distinct values."""
        tables = first, other
        shared = [column for column in first.columns if other.column(column.name) is not None]
        found = {
            column.name
            for column in shared
            if any(column.name in self._own[table] for table in tables)
            or (self._may_be_key(column) and all(self._is_whole(table, column.name) for table in tables))
        }
        known = {table: self._own[table] | found for table in tables}
        if any(len(known[table]) == len(table.columns) for table in tables):
            return found
        unknown = [column.name for column in shared if column.name not in found and not self._is_role_name(column.name)]
        keys = [name for name in unknown if all(self._is_key(table, name) for table in tables)]

        def leaves_data(names: Sequence[str]) -> bool:
            return all(len(known[table] | set(names)) < len(table.columns) for table in tables)

        if leaves_data(keys):
            return found | set(keys)
        if not found:  # whole numbers all through: the key is what both have the same values of
            same = (name for name in keys if leaves_data([name]) and self._has_same_values(tables, name))
            found |= set(list(same)[:1])
        return found

    def _first_values(self, table: Table, name: str) -> list[str] | None:
        """Return the first values in their canonical spelling, None if one is missing or they are not known."""
        at = id(table), name
        if at not in self._sampled:
            column = table.column(name)
            values = None if column is None or column.trailing else table.first_values(name)
            is_complete = values is not None and len(values) > 0 and None not in values.tolist()
            self._sampled[at] = (
                [canonical_key(v) for v in values.tolist()] if values is not None and is_complete else None
            )
        return self._sampled[at]

    def _is_whole(self, table: Table, name: str) -> bool:
        values = self._first_values(table, name)
        return values is not None and all(map(is_whole_key, values))

    def _is_key(self, table: Table, name: str) -> bool:
        values = self._first_values(table, name)
        return values is not None and len(set(values)) == len(values) and self._is_whole(table, name)

    def _has_same_values(self, tables: Sequence[Table], name: str) -> bool:
        mine, theirs = (set(self._first_values(table, name) or ()) for table in tables)
        return mine == theirs

    def shared_keys(self, labels: Mapping[Table, str], bound: set[tuple[Table, str]]) -> list[SharedKey]:
        """Return a key of each two tables whose rows are paired in order, if they have one.

        Args:
            labels: The tables that have rows, and what messages call them.
            bound: Columns that are data because they were asked for.
        """
        keys, tables = [], list(labels)
        for i, table in enumerate(tables):
            for other in tables[:i]:
                shared = [
                    column.name
                    for column in other.columns
                    if (other, column.name) in self
                    and (table, column.name) in self
                    and not column.trailing
                    and not {(table, column.name), (other, column.name)} & bound
                ]
                if shared:  # an index that has no name says less than any other key
                    name = min(shared, key=lambda name: bool(_DEFAULT_INDEX.fullmatch(name)))
                    kind = self._kind((other, table), name)
                    is_default = bool(_DEFAULT_INDEX.fullmatch(name))
                    keys.append(SharedKey(name, kind, (other, table), (labels[other], labels[table]), is_default))
        return keys

    def _kind(self, tables: Sequence[Table], name: str) -> Kind:
        """Return how a key is read: as numbers where that is faster and exact."""
        columns = [column for table in tables if (column := table.column(name))]
        if any(table.format in KINDS_ARE_SAMPLED for table in tables) or any(c.kind is Kind.TEXT for c in columns):
            return Kind.TEXT
        values = [value for table in tables for value in self._first_values(table, name) or ()]
        is_exact = all(value.lstrip("-").isdigit() and abs(int(value)) < MAX_EXACT_INTEGER for value in values)
        return Kind.NUMBER if is_exact else Kind.TEXT
