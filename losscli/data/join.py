"""Pair the rows of several tables by a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import concat_columns
from losscli.data.column_words import suggest_column
from losscli.data.keys import AlignedChunks, check_same_keys, index_keys
from losscli.data.table import Kind, Table, check_one_per_row
from losscli.errors import DataError
from losscli.messages import Hint


def join_by_key(
    tables: Sequence[Table],
    key: str,
    wanted: Callable[[Table], Mapping[str, Kind]],
    label: Callable[[Table], str],
    leave_out: Callable[[str, int], None] | None = None,
    nan: str = "error",
) -> AlignedChunks:
    """Return all rows of the first table, with the rows of the others that have the same key.

    Args:
        tables: The tables.
        key: The column of the keys, which each table has.
        wanted: Returns the columns to read of a table.
        label: Returns what messages call a table.
        leave_out: Receives a note and the number of keys that some table lacks, if their rows may be left out.
        nan: They are if this is `omit`; else they are an error.

    Raises:
        DataError: A table has no such column, or two rows of the same key; one lacks a key of another.
    """
    joined: AlignedChunks = {}
    indices: dict[Table, dict[str, int]] = {}
    first_keys: NDArray[np.object_] | None = None
    for table in tables:
        if table.column(key) is None:
            raise DataError(f"{table.label}no column {key!r} to join by{suggest_column(key, table)}")
        chunks = list(table.chunks(wanted(table)))
        joined[table] = {name: concat_columns([chunk[name] for chunk in chunks]) for name in chunks[0]}
        keys = joined[table][key]
        check_one_per_row(keys, table, key)
        is_same = first_keys is not None and np.array_equal(keys, first_keys)  # few steps of Python, as it is common
        indices[table] = indices[tables[0]] if is_same else index_keys(table, keys)
        first_keys = keys if first_keys is None else first_keys
        if not is_same and (leave_out is None or nan != "omit"):
            hint = None if leave_out is None else Hint.OMIT_KEYS
            check_same_keys(label(tables[0]), indices[tables[0]], label(table), indices[table], hint)
    order = indices[tables[0]]
    if leave_out is not None and nan == "omit":
        order = _shared_keys(indices, key, label, leave_out)
    for table, own in indices.items():
        rows = np.fromiter(map(own.__getitem__, order), np.intp, len(order))
        table.row_numbers.reorder(rows)
        joined[table] = {name: values[rows] for name, values in joined[table].items()}
    return joined


def _shared_keys(
    indices: Mapping[Table, Mapping[str, int]],
    key: str,
    label: Callable[[Table], str],
    leave_out: Callable[[str, int], None],
) -> dict[str, int]:
    """Return the keys that all tables have, in the order of the first; say which table lacks how many of the others."""
    known = dict.fromkeys(one for own in indices.values() for one in own)
    shared = {one: i for i, one in enumerate(known) if all(one in own for own in indices.values())}
    if not shared:
        raise DataError(f"no {key!r} is in all of {', '.join(map(label, indices))}")
    if len(shared) < len(known):
        lacking = {label(table): len(known) - len(own) for table, own in indices.items() if len(own) < len(known)}
        shown = [f"{name} lacks {count}" for name, count in lacking.items()][:2]
        more = f" and {len(lacking) - 2} more files lack some" if len(lacking) > 2 else ""
        left_out = len(known) - len(shared)
        leave_out(f"{left_out} of {len(known)} keys are left out: {', '.join(shown)}{more}", left_out)
    return shared
