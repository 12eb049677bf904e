"""Read JSON: objects of arrays, lists of records, what pandas writes."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.files import Input
from losscli.data.stored import StoredArray, StoredArraysTable, read_bytes
from losscli.data.table import MAX_EXACT_INTEGER, Kind, Table
from losscli.data.values import shorten
from losscli.errors import DataError
from losscli.messages import Hint

MAX_BYTES_PER_DOCUMENT = 1 << 28
"""Longest JSON document: it is read as a whole, which takes several times its size."""

MAX_NESTING = 32
"""Most lists within lists."""

MAX_FLOAT = int(np.finfo(np.float64).max)


def read_json(source: Input, role: str | None) -> Table:
    """Return a JSON document as a table; an array on its own is the role that it was given for."""
    from losscli.data.orient import columns_of

    data = read_bytes(source.stream, MAX_BYTES_PER_DOCUMENT + 1)
    if len(data) > MAX_BYTES_PER_DOCUMENT:
        limit = f"{MAX_BYTES_PER_DOCUMENT >> 20} MiB, the most that is read as one JSON document"
        raise DataError(f"{source.name}: is longer than {limit}; JSON Lines or Parquet are read in batches")
    if not data or data.isspace():
        raise DataError(f"{source.name}: is empty")
    try:
        document = parse_json(data, source.name)
    except DataError:
        if data.lstrip()[:1] != b"{" or not _begins_with_record(data):
            raise
        from losscli.data.json_lines import open_json_lines

        return open_json_lines(source, io.BytesIO(data))
    columns, index = columns_of(document, source.name, role)
    arrays = {key: store_list(values, source.name, key) for key, values in columns.items()}
    if not any(array.shape[0] for array in arrays.values()):
        raise DataError(f"{source.name}: its arrays hold no rows")
    table = StoredArraysTable(source.name, "json", arrays, ExitStack())
    table.index_columns = index
    return table


def store_list(values: Sequence[Any], name: str, column: str) -> StoredArray:
    """Return a list as an array; what is wrong with it is only said if it is wanted."""
    try:
        array = to_array(values, name, column)
    except DataError as error:
        problem = error

        def fail(n_rows: int | None) -> NDArray[Any]:
            raise problem

        return StoredArray((len(values), *shape_of_first(values)), "f", fail)
    stored = StoredArray(array.shape, array.dtype.kind, lambda n_rows: array[:n_rows])
    if _keeps_names(array, values):
        return stored
    return stored._replace(load_text=lambda n_rows: to_array(values[:n_rows], name, column, kind=Kind.TEXT))


def _keeps_names(array: NDArray[Any], values: Sequence[Any]) -> bool:
    """Whether text can be made of an array as well as of its values, which take more memory."""
    if array.dtype.kind == "O":
        return False
    types = _types_in(values)
    is_rounded = array.dtype.kind == "f" and int in types and bool((np.abs(array) >= MAX_EXACT_INTEGER).any())
    return bool not in types and not is_rounded


def _types_in(values: Sequence[Any]) -> set[type]:
    """Return the types of values and of those in lists among them."""
    types = set(map(type, values))
    if list in types:
        types |= _types_in([item for value in values if type(value) is list for item in value])
    return types


def _begins_with_record(data: bytes | bytearray) -> bool:
    """Whether the first of several lines is an object: the data is JSON Lines."""
    first, _, rest = data.lstrip().partition(b"\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def parse_json(data: bytes | bytearray, name: str, row: str = "") -> Any:
    """Return what a document holds, or a line, which messages call `row`.

    Raises:
        DataError: It is not JSON, or a key stands twice in an object.
    """
    where = f"{name}: {row + ': ' if row else ''}"
    try:
        return json.loads(data, object_pairs_hook=refuse_repeated_keys)
    except _RepeatedKeyError as error:
        raise DataError(f"{where}an object has two values for the key {error}") from None
    except json.JSONDecodeError as error:
        place = row or f"line {error.lineno}, character {error.colno}"
        problem = f"{name}: {place}: is not JSON: {error.msg}"
        if error.msg == "Extra data" and error.doc[error.pos] in "{[":
            problem = f"{name}: {place}: another value begins: 'jq -c .' writes each on a line, as JSON Lines"
        raise DataError(problem) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{where}is not JSON: byte {error.start + 1} is not {error.encoding.upper()} text") from None
    except RecursionError:
        raise DataError(f"{where}is JSON that cannot be read: lists or objects are nested too deep") from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise DataError(f"{where}is JSON that cannot be read ({error})") from None


class _RepeatedKeyError(ValueError):
    """A key stands twice in one object."""


def refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs; a key that stands twice is a ValueError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(shorten(next(key for key in keys if keys.count(key) > 1)))
    return found


def _finite_or_infinite(value: Any) -> Any:
    """Return an integer beyond the range of floats as infinite, anything else as it is."""
    if type(value) is int and abs(value) > MAX_FLOAT:
        return np.inf if value > 0 else -np.inf
    return value


def to_array(
    values: Sequence[Any],
    name: str,
    column: str,
    start: int = 0,
    per_row: int = 1,
    depth: int = 0,
    kind: Kind = Kind.NUMBER,
) -> NDArray[Any]:
    """Return a list as an array: numbers if all values are, else objects; nested lists as more dimensions.

    For text every value is an object: what `true` or a long number is called does not depend on the values beside it.

    Args:
        values: The values, of which `per_row` belong to a row.
        name: What messages call the data.
        column: What they call the column.
        start: The number of rows before these.
        per_row: The number of values in a row.
        depth: The number of lists around the values.
        kind: What is to be made of the values.

    Raises:
        DataError: Nested lists differ in length, or are nested too deep.
    """
    types = set(map(type, values))
    if dict in types:
        from losscli.data.orient import unpack_vectors

        values = unpack_vectors(values, name, column, start)
        types = set(map(type, values))
    if list in types:
        if depth == MAX_NESTING:
            raise DataError(f"{name}: column {column!r}: lists are nested deeper than {MAX_NESTING}")
        width = next(len(value) for value in values if isinstance(value, list))
        for i, value in enumerate(values):
            if not isinstance(value, list) or len(value) != width:
                found = f"{len(value)} numbers" if isinstance(value, list) else shorten(value)
                row = start + i // per_row + 1
                hint = Hint.PAD_ROWS if isinstance(value, list) else None
                raise DataError(f"{name}: column {column!r}, row {row}: {found}, the first has {width}", hint)
        flat = [item for value in values for item in value]
        inner = to_array(flat, name, column, start, per_row * max(width, 1), depth + 1, kind)
        return inner.reshape(len(values), width, *inner.shape[1:])
    if types <= {int, float, bool} and kind is Kind.NUMBER:
        try:
            array = np.array(values)
            if array.dtype.kind in "iu" and np.abs(array).max(initial=0) > MAX_EXACT_INTEGER:
                return array  # keys of more digits than floats hold
            return array.astype(np.float64)
        except (OverflowError, ValueError):  # integers beyond the range of floats become infinite by way of their text
            pass
    if (
        kind is Kind.NUMBER
        and types <= {int, float, bool, type(None)}
        and not any(type(v) is int and abs(v) > MAX_EXACT_INTEGER for v in values)
    ):
        return np.array([np.nan if value is None else float(value) for value in values])
    objects = np.empty(len(values), dtype=object)
    objects[:] = values if kind is not Kind.NUMBER else [_finite_or_infinite(value) for value in values]
    return objects


def shape_of_first(values: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape that lists would have if all were like the first."""
    shape: tuple[int, ...] = ()
    while values and isinstance(values[0], list) and len(shape) < MAX_NESTING:
        values = values[0]
        shape = (*shape, len(values))
    return shape
