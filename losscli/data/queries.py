"""Batches of queries from batches of rows: the rows of one value of the role `query` become one sample."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.coded_text import CodedText, encode, text_digests
from losscli.data.gather import concat_batches
from losscli.data.keys import AlignedChunks
from losscli.data.model_roles import is_of_model, split_model_role
from losscli.data.role_columns import RoleColumns
from losscli.data.table import Kind, SplitInsideQuotes, SplittableTable, check_one_per_row
from losscli.data.values import parse_number
from losscli.declaration.domains import Array, ValueOrigin
from losscli.declaration.row_lists import QUERY, Offsets, RowLists, offsets_of
from losscli.errors import DataError
from losscli.messages import Hint, number_text

ROWS_PER_PIECE = 1 << 16
"""About how many rows are evaluated at a time: with a kernel's intermediate arrays they stay in cache."""


BYTES_OF_LARGE_FILE = 1 << 24
"""Bytes of a file from which on it pays to read which row is of which query, before anything else."""


def batches_of_queries(
    batches: Iterable[Batch], columns: RoleColumns | None, key: str | None = None
) -> Iterator[Batch]:
    """Yield batches whose rows are queries, in the order of their first rows; rows of weight 0 belong to none.

    `columns` are those of the queries, None if rows have none or are in memory. `key` is a column that names rows, and
    which queries do not have. Of a large file where the rows of each query are adjacent, one query and a batch of rows
    are in memory at a time.

    Raises:
        DataError: Rows of one query differ in their weight, or in a column of groups.
    """
    kept = (_without_absent(batch, key) for batch in batches)
    rows = (batch for batch in kept if len(batch))
    n_before = 0
    for whole in _complete_queries(rows) if are_adjacent_in_large_file(columns) else _rows_at_once(rows):
        for batch in _split_into_queries(whole, n_before):
            n_before += len(batch)
            yield batch


def read_queries(
    bound: Mapping[str, RoleColumns], chunks: AlignedChunks, origins: Mapping[str, ValueOrigin]
) -> CodedText | None:
    """Return the query of each row (N,), None if rows have none.

    Raises:
        DataError: The files of models do not say the same, or a query is a fraction.
    """
    if QUERY not in bound:
        return None
    query = _read_column(bound[QUERY], chunks)
    refuse_fractions(query, origins[QUERY])
    for role in [role for role in bound if split_model_role(role)[0] == QUERY and is_of_model(role)]:
        other = _read_column(bound[role], chunks)
        differ = np.flatnonzero(np.asarray(query) != np.asarray(other))
        if differ.size:
            row = int(differ[0])
            problem = f"{origins[role].where(row)}: query is {other[row]!r}, but {query[row]!r}"
            raise DataError(f"{problem} in {origins[QUERY].source}", Hint.PAIR_IN_ORDER_OR_BY_ID)
    return query


def refuse_fractions(query: CodedText, origin: ValueOrigin) -> None:
    """Refuse a query that is a fraction: it is a measured value, and names nothing.

    Raises:
        DataError: There is one.
    """
    are_fractions = [_is_fraction(name) for name in query.names.tolist()]
    if any(are_fractions):
        wrong = np.array([*are_fractions, False])[query.codes]  # the last one is for code -1
        origin.refuse(wrong, np.asarray(query), "is not the name of a query, or an integer")


def _is_fraction(name: str) -> bool:
    if name.isdigit():
        return False
    number = parse_number(name)
    return number is not None and math.isfinite(number) and not number.is_integer()


def _read_column(columns: RoleColumns, chunks: AlignedChunks) -> CodedText:
    name = columns.columns[0].name
    check_one_per_row(chunks[columns.table][name], columns.table, name)
    return encode(chunks[columns.table][name])


def are_adjacent_in_large_file(columns: RoleColumns | None) -> bool:
    """Tell whether a large file has the rows of each query one after the other: its column is read beforehand."""
    if columns is None or columns.table.path is None or not isinstance(columns.table, SplittableTable):
        return False
    try:
        if os.path.getsize(columns.table.path) < BYTES_OF_LARGE_FILE:
            return False
        chunks = columns.table.chunks_beforehand({columns.columns[0].name: Kind.CODES})
        return chunks is not None and _are_adjacent(encode(chunk[columns.columns[0].name]) for chunk in chunks)
    except (OSError, SplitInsideQuotes):  # no file of this machine, or one that is read as a stream
        return False


def _are_adjacent(parts: Iterable[CodedText]) -> bool:
    """Tell whether equal texts follow each other."""
    last: str | None = None
    seen: list[NDArray[np.uint64]] = []
    for part in parts:
        first_rows = part[runs_of(part.codes)]
        runs = first_rows[1:] if seen and first_rows[0] == last else first_rows
        digests = text_digests(runs)
        if len(np.unique(digests)) < len(digests):
            return False
        seen.append(digests)
        last = first_rows[-1]
    all_seen = np.concatenate(seen) if seen else np.empty(0, dtype=np.uint64)
    return len(np.unique(all_seen)) == len(all_seen)


def runs_of(codes: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return where equal codes that follow each other begin."""
    is_first = np.ones(len(codes), dtype=bool)
    np.not_equal(codes[1:], codes[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def _without_absent(batch: Batch, key: str | None) -> Batch:
    extras = {name: column for name, column in batch.extras.items() if name != key}
    batch = replace(batch, extras=extras)
    return batch if batch.absent is None else replace(batch.take(~batch.absent), absent=None)


def _rows_at_once(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield all rows at once, if there are any."""
    for first in batches:
        yield concat_batches([first, *batches])


def _complete_queries(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the rows of all queries that are complete, batch by batch."""
    held: list[Batch] = []
    for batch in batches:
        query = batch.query
        assert query is not None
        last = int(runs_of(query.codes)[-1])
        if last or not held or held[-1].query is None or held[-1].query[-1] != query[0]:
            complete = [*held, batch.take(slice(0, last))] if last else held
            if complete:
                yield concat_batches(complete)
            held = []
        held.append(batch.take(slice(last, len(batch))))
    if held:
        yield concat_batches(held)


def _split_into_queries(rows: Batch, n_before: int) -> Iterator[Batch]:
    """Yield the queries of rows, of which none has rows elsewhere."""
    order, offsets = group_by_query(rows)
    first = 0
    while first < len(offsets) - 1:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + ROWS_PER_PIECE, side="right")) - 1)
        start, stop = int(offsets[first]), int(offsets[last])
        its = rows.take(slice(start, stop) if order is None else order[start:stop])
        yield _as_queries(its, offsets[first : last + 1] - start, range(n_before + first + 1, n_before + last + 1))
        first = last


def group_by_query(rows: Batch) -> tuple[NDArray[np.intp] | None, Offsets]:
    """Return the order that puts the rows of each query together, None if they are, and where each query begins.

    Queries are in the order of their first rows, and so are the rows of a query.
    """
    if rows.query is None:
        return None, np.array([0, len(rows)])
    codes = rows.query.codes
    starts = runs_of(codes)
    place = np.empty(len(rows.query.names) + 1, dtype=np.int64)  # the last one is for code -1
    place[codes[starts[::-1]]] = np.arange(len(starts))[::-1]  # that of the first run is written last
    first_runs = np.unique(place[codes[starts]])
    if len(first_runs) == len(starts):
        return None, np.append(starts, len(rows)).astype(np.int64)
    index = np.searchsorted(first_runs, place[codes])
    return index.argsort(kind="stable"), offsets_of(np.bincount(index))


def _as_queries(rows: Batch, offsets: Offsets, numbers: range) -> Batch:
    """Return rows in the order of their queries as a batch of queries."""
    starts = offsets[:-1]
    arrays: dict[str, Any] = dict(rows.arrays)
    for name in arrays.keys() - rows.tables:
        arrays[name] = RowLists(arrays[name].reshape(len(rows)), offsets, rows.numbers)
    return replace(
        rows,
        numbers=numbers,
        arrays=arrays,
        weight=None if rows.weight is None else _weights_of_queries(rows, rows.weight, offsets),
        extras={name: _column_of_queries(rows, name, offsets) for name in rows.extras},
        missing=None if rows.missing is None else np.logical_or.reduceat(rows.missing, starts),
        length=None,
        query=None if rows.query is None else rows.query[starts],
    )


def _weights_of_queries(rows: Batch, weight: Array, offsets: Offsets) -> Array:
    """Return the weight of each query.

    Raises:
        DataError: Rows of one query have several.
    """
    starts = offsets[:-1]
    low, high = np.fmin.reduceat(weight, starts), np.fmax.reduceat(weight, starts)
    wrong = np.flatnonzero(low < high)
    if wrong.size:
        q = int(wrong[0])
        weights = f"{number_text(float(low[q]))} and {number_text(float(high[q]))}"
        where = rows.origins["weight"].name()
        raise DataError(
            f"{where}: {_query_text(rows, starts[q])} has rows of weight {weights}: give its rows one weight"
        )
    return np.asarray(low)


def _column_of_queries(rows: Batch, name: str, offsets: Offsets) -> CodedText:
    """Return the text of each query in a column that is carried along.

    Raises:
        DataError: Rows of one query have several.
    """
    column, starts = encode(rows.extras[name]), offsets[:-1]
    low, high = np.minimum.reduceat(column.codes, starts), np.maximum.reduceat(column.codes, starts)
    wrong = np.flatnonzero(low < high)
    if wrong.size:
        q = int(wrong[0])
        texts = " and ".join(repr("" if code < 0 else column.names[code]) for code in (low[q], high[q]))
        raise DataError(f"column {name!r}: {_query_text(rows, starts[q])} has {texts}: the rows of a query go together")
    return column[starts]


def _query_text(rows: Batch, row: int) -> str:
    """Return what messages call the query of a row."""
    return "the only query" if rows.query is None else f"query {rows.query[row]!r}"
