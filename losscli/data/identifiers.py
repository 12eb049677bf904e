"""Which columns name or number rows: identifiers are never data unless they are asked for by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from losscli.data.keys import SharedKey, canonical_key, is_whole_key
from losscli.data.table import MAX_EXACT_INTEGER, Column, Kind, Table
from losscli.data.values import parse_number

_DEFAULT_INDEX = r"(?i)|index|level_\d+|unnamed: 0(\.\d+)?|__index_level_\d+__|__null_dask_index__"
"""Names that pandas and Dask give to an index that has none; the empty one is an unnamed column."""

_KEY_NAME = (
    r"(?:^|[_\-. ])(?:ids?|idx|index|key|uuid|guid)$|(?<=[a-z])(?:I[dD]s?|Idx|Index|Key|UUID)$"
    r"|^(?i:row_?(?:id|no|num|number|names?)?)$"
)
"""Names that are likely to be those of keys: PassengerId, sample_id, rowname."""

KINDS_ARE_SAMPLED = ("csv", "tsv", "json", "jsonl")
"""Formats of which only the first values say whether a column holds numbers."""

COLUMNS_TRIED = 4
"""How many columns at each end of those that two files share may be keys by their values alone."""

MANY_VALUES = 50
"""How many numbers, all distinct, are those of a key rather than counts."""


def is_default_index(name: str) -> bool:
    """Tell whether a column has the name of an index that nobody named."""
    return re.fullmatch(_DEFAULT_INDEX, name) is not None


def has_identifier_name(name: str) -> bool:
    """Tell whether a column is an identifier by its name alone."""
    return is_default_index(name) or name.lower() in ("id", "ids")


class Identifiers:
    """Tells which columns of tables are identifiers.

    These are the columns that were named as the key or as groups, those that the format marks as index, those with the
    name of one, those whose name is likely to be that of a key and whose values are distinct, and keys that two tables
    have.
    """

    def __init__(
        self, tables: Sequence[Table], key: str | None, groups: Sequence[str], is_role_name: Callable[[str], bool]
    ) -> None:
        """Describe tables that hold the roles; columns that have the name of a role are no keys by their values."""
        self._groups, self._is_role_name = groups, is_role_name
        self._named = {*groups, *([] if key is None else [key])}
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

    def may_be_key(self, table: Table, name: str) -> bool:
        """Tell whether a column has the name of a key and holds whole numbers, which several rows may share."""
        return re.search(_KEY_NAME, name) is not None and self._is_whole(table, name)

    def _find_own(self, table: Table) -> set[str]:
        """Return the identifiers that a table has by itself."""
        return {
            column.name
            for column in table.columns
            if column.name in self._named
            or column.name in table.index_columns
            or has_identifier_name(column.name)
            or (self._may_be_key(column) and self._is_key(table, column.name))
        }

    def _may_be_key(self, column: Column) -> bool:
        return bool(re.search(_KEY_NAME, column.name)) and not self._is_role_name(column.name)

    def _find_shared(self, first: Table, other: Table) -> set[str]:
        """Return the keys that two tables have, by name or, if that leaves data in both, by distinct values."""
        tables = first, other
        theirs = {column.name for column in other.columns}
        shared = [column for column in first.columns if column.name in theirs]
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
        at_ends = dict.fromkeys([*unknown[:COLUMNS_TRIED], *unknown[-COLUMNS_TRIED:]])
        keys = [name for name in at_ends if self._is_shared_key(tables, name)]

        def leaves_data(names: Sequence[str]) -> bool:
            return all(len(known[table] | set(names)) < len(table.columns) for table in tables)

        if leaves_data(keys):
            return found | set(keys)
        return found or set(next(([name] for name in keys if leaves_data([name])), []))

    def _is_shared_key(self, tables: Sequence[Table], name: str) -> bool:
        """Tell whether a column that says nothing by its name is a key of two tables: distinct texts or numbers.

        Numbers may also be data: they are a key if they are the same in both tables, or are many in the first column.
        """
        if not all(self._is_key(table, name) for table in tables):
            return False
        mine, theirs = (self._first_values(table, name) or [] for table in tables)
        if {*mine, *theirs} <= {"0", "1"}:  # labels of a class, in two rows
            return False
        if set(mine) == set(theirs) or any(parse_number(value) is None for value in mine + theirs):
            return True
        is_first = all(table.columns[0].name == name for table in tables)
        return is_first and min(len(mine), len(theirs)) >= MANY_VALUES

    def _first_values(self, table: Table, name: str) -> list[str] | None:
        """Return the first values in their canonical spelling, None if one is missing or they are not known."""
        at = id(table), name
        if at not in self._sampled:
            column = table.column(name)
            values = None if column is None or column.trailing else table.first_values(name)
            texts = [] if values is None else values.tolist()
            self._sampled[at] = [canonical_key(text) for text in texts] if texts and None not in texts else None
        return self._sampled[at]

    def _is_whole(self, table: Table, name: str) -> bool:
        values = self._first_values(table, name)
        return values is not None and all(map(is_whole_key, values))

    def _is_key(self, table: Table, name: str) -> bool:
        values = self._first_values(table, name)
        return values is not None and len(set(values)) == len(values) and self._is_whole(table, name)

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
                    and column.name not in self._groups
                    and not {(table, column.name), (other, column.name)} & bound
                ]
                if shared:  # an index that has no name says less than any other key
                    name = min(shared, key=is_default_index)
                    kind = self._kind((other, table), name)
                    is_default = is_default_index(name)
                    keys.append(SharedKey(name, kind, (other, table), (labels[other], labels[table]), is_default))
                    if not is_default:  # what agrees with one of the others agrees with all that it agrees with
                        break
        return keys

    def _kind(self, tables: Sequence[Table], name: str) -> Kind:
        """Return how a key is read: as numbers where that is faster and exact."""
        columns = [column for table in tables if (column := table.column(name))]
        if any(table.format in KINDS_ARE_SAMPLED for table in tables) or any(c.kind is Kind.TEXT for c in columns):
            return Kind.TEXT
        values = [value for table in tables for value in self._first_values(table, name) or ()]
        is_exact = all(value.lstrip("-").isdigit() and abs(int(value)) < MAX_EXACT_INTEGER for value in values)
        return Kind.NUMBER if is_exact else Kind.TEXT
