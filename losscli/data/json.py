"""Read JSON (objects of arrays, lists of records, what pandas writes) and JSON Lines (a record per line)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS_PER_BATCH
from losscli.data.files import Input
from losscli.data.stored import StoredArray, StoredArraysTable, read_bytes
from losscli.data.table import MAX_EXACT_INTEGER, ROWS_SAMPLED, Chunk, Column, Kind, Table, convert
from losscli.data.values import as_text, shorten
from losscli.errors import DataError
from losscli.messages import Hint

BYTES_PER_JSON_BLOCK = 1 << 20
BYTES_OF_SAMPLE = 1 << 20
"""Bytes of JSON Lines that tell which columns there are."""

MAX_BYTES_PER_DOCUMENT = 1 << 28
"""Longest JSON document: it is read as a whole, which takes several times its size."""

MAX_BYTES_PER_RECORD = 1 << 26
"""Longest line of JSON Lines."""

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
        document = _parse_json(data, source.name)
    except DataError:
        if data.lstrip()[:1] != b"{" or not _begins_with_record(data):
            raise
        return JsonLinesTable(source, io.BytesIO(data))
    columns, index = columns_of(document, source.name, role)
    arrays = {key: _stored(values, source.name, key) for key, values in columns.items()}
    if not any(array.shape[0] for array in arrays.values()):
        raise DataError(f"{source.name}: its arrays hold no rows")
    table = StoredArraysTable(source.name, "json", arrays, ExitStack())
    table.index_columns = index
    return table


def _stored(values: Sequence[Any], name: str, column: str) -> StoredArray:
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


def _parse_json(data: bytes | bytearray, name: str, row: str = "") -> Any:
    where = f"{name}: {row + ': ' if row else ''}"
    try:
        return json.loads(data, object_pairs_hook=_to_object)
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
        raise DataError(f"{where}is not JSON that is read: lists or objects are nested too deep") from None
    except ValueError as error:  # an integer of more digits than Python converts
        raise DataError(f"{where}is not JSON that is read ({error})") from None


class _RepeatedKeyError(ValueError):
    """A key stands twice in one object."""


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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


class JsonLinesTable(Table):
    """A record per line, read in blocks of lines."""

    def __init__(self, source: Input, stream: BinaryIO | None = None) -> None:
        """Read the first lines of a source, or of what was read of it."""
        self._source = source
        self._stream: Any = stream or source.stream
        self._n_read = self._n_bytes = 0
        blocks = self._read_blocks()
        sampled: list[list[dict[str, Any]]] = []
        while self._n_bytes < BYTES_OF_SAMPLE and (block := next(blocks, None)):
            sampled.append(block)
        if not sampled:
            raise DataError(f"{source.name}: is empty")
        self._blocks = chain(sampled, blocks)
        sample = list(chain.from_iterable(sampled))[:ROWS_PER_BATCH]
        columns = []
        for key in dict.fromkeys(key for record in sample for key in record):
            array = _stored([record.get(key) for record in sample], source.name, key)
            columns.append(Column(key, Kind.NUMBER if array.kind in "fiu" else Kind.TEXT, array.shape[1:]))
        super().__init__(source.name, "jsonl", columns)
        first = sample[:ROWS_SAMPLED]
        self.sampler = lambda name: as_text(
            to_array([record.get(name) for record in first], source.name, name, kind=Kind.TEXT)
        )

    def _read_blocks(self) -> Iterator[list[dict[str, Any]]]:
        for lines in self._read_lines():
            filled = [line for line in lines if line.strip()]
            if filled:
                yield self._parse_lines(filled)

    def _read_lines(self) -> Iterator[list[bytes]]:
        """Yield lines, some at a time.

        Raises:
            DataError: A line is longer than the limit.
        """
        start = [self._stream.read(BYTES_PER_JSON_BLOCK).removeprefix(b"\xef\xbb\xbf")]
        self._n_bytes = size = len(start[0])
        block = start[0]
        while block:
            whole, newline, rest = block.rpartition(b"\n")
            if newline:
                yield b"".join([*start[:-1], whole]).split(b"\n")
                start, size = [rest], len(rest)
            if size > MAX_BYTES_PER_RECORD:
                row = self._n_read + 1
                limit = f"a line is longer than {MAX_BYTES_PER_RECORD >> 20} MiB, the most that is read as one record"
                raise DataError(f"{self._source.name}: row {row}: {limit}")
            block = self._stream.read(BYTES_PER_JSON_BLOCK)
            self._n_bytes += len(block)
            start.append(block)
            size += len(block)
        yield [b"".join(start)]

    def _parse_lines(self, lines: list[bytes]) -> list[dict[str, Any]]:
        records = _parse_all(lines)
        if records is None:  # find the line
            records = [self._parse_record(line, self._n_read + i + 1) for i, line in enumerate(lines)]
        self._n_read += len(lines)
        return records

    def _parse_record(self, line: bytes, row: int) -> dict[str, Any]:
        record = _parse_json(line, self._source.name, f"row {row}")
        if not isinstance(record, dict):
            raise DataError(f"{self._source.name}: row {row}: {shorten(record)} is not a record {{...}}")
        return record

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        start = 0
        shapes = {name: column.trailing for name in wanted if (column := self.column(name)) is not None}
        for records in self._blocks:
            self.fraction_read = self._source.progress()
            chunk = {}
            for name, kind in wanted.items():
                array = to_array([record.get(name) for record in records], self.name, name, start, kind=kind)
                if array.shape[1:] != shapes[name]:
                    shown = f"has shape {array.shape[1:]}, the first has {shapes[name]}"
                    raise DataError(f"{self.name}: column {name!r}, row {start + 1}: {shown}")
                chunk[name] = convert(array, kind, self.name, name, start)
            yield chunk
            start += len(records)


_END_OF_LINE = object()


def _parse_constant(text: str) -> Any:
    return _END_OF_LINE if text == "-Infinity" else float(text)


def _parse_all(lines: list[bytes]) -> list[dict[str, Any]] | None:
    """Return the records of lines, parsed at once; None if a line is not exactly one record, or may not be.

    A constant that is in none of the lines stands between them. If it comes back after each element, no record goes on
    over the end of a line, and no line has two.
    """
    text = b",null,".join(lines)
    end: object = None
    parse_constant: Any = None  # `null` needs no call of a function
    if text.count(b"null") >= len(lines):
        text, end, parse_constant = b",-Infinity,".join(lines), _END_OF_LINE, _parse_constant
        if text.count(b"-Infinity") >= len(lines):
            return None
    try:
        values = json.loads(b"[" + text + b"]", parse_constant=parse_constant)
        records = values[::2]
        if (
            len(values) != 2 * len(lines) - 1
            or values[1::2].count(end) < len(lines) - 1
            or {*map(type, records)} != {dict}
        ):
            return None
        # each key is followed by a colon: as many as there are keys, and no key stands twice
        has_blanks = any(blank in text for blank in (b" :", b"\t:", b"\r:"))
        if has_blanks or text.count(b'":') != sum(map(len, records)):
            json.loads(b"[" + text + b"]", object_pairs_hook=_to_object)
    except (ValueError, RecursionError):
        return None
    return records  # type: ignore[no-any-return]
