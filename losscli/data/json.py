"""Read JSON (an object of arrays by role, or a list of records) and JSON Lines (a record per line)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS_PER_BATCH
from losscli.data.files import Input
from losscli.data.table import ROWS_SAMPLED, ArraysTable, Chunk, Column, Kind, Table, as_text, convert, shorten
from losscli.errors import DataError

BYTES_PER_JSON_BLOCK = 1 << 20
MAX_KEYS_SHOWN = 8


def read_json(source: Input, role: str | None) -> Table:
    """Return a JSON document as a table; an array on its own is the role that it was given for."""
    data = source.stream.read()
    if not data.strip():
        raise DataError(f"{source.name}: is empty")
    document = _parse_json(data, source.name)
    if isinstance(document, dict):
        arrays = {key: _to_array(v, source.name, key) for key, v in document.items() if isinstance(v, list)}
        if not arrays:
            shown = ", ".join(list(document)[:MAX_KEYS_SHOWN]) or "none"
            raise DataError(f"{source.name}: the object holds no arrays; its keys are {shown}")
        if not any(array.size for array in arrays.values()):
            raise DataError(f"{source.name}: its arrays hold no rows")
    elif isinstance(document, list) and document and all(isinstance(item, dict) for item in document):
        keys = dict.fromkeys(key for record in document for key in record)
        arrays = {key: _to_array([record.get(key) for record in document], source.name, key) for key in keys}
    elif isinstance(document, list) and document and role:
        arrays = {role: _to_array(document, source.name, role)}
    else:
        raise DataError(f"{source.name}: is neither an object of arrays by role nor a list of records")
    return ArraysTable(source.name, "json", arrays)


def _parse_json(data: bytes, name: str, row: str = "") -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        place = row or f"line {error.lineno}, character {error.colno}"
        raise DataError(f"{name}: {place}: is not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: {row + ': ' if row else ''}is not JSON ({error})") from None


def _to_array(values: Sequence[Any], name: str, column: str, start: int = 0) -> NDArray[Any]:
    """Return a list as an array: float64 if all values are numbers, else objects; nested lists as more dimensions.

    Raises:
        DataError: Nested lists differ in length; the message counts rows from `start`.
    """
    if any(isinstance(value, list) for value in values):
        width = next(len(value) for value in values if isinstance(value, list))
        for i, value in enumerate(values):
            if not isinstance(value, list) or len(value) != width:
                found = f"{len(value)} numbers" if isinstance(value, list) else shorten(value)
                raise DataError(f"{name}: column {column!r}, row {start + i + 1}: {found}, the first has {width}")
        inner = _to_array([item for value in values for item in value], name, column, start)
        return inner.reshape(len(values), width, *inner.shape[1:])
    types = set(map(type, values))
    if types <= {int, float, bool}:
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond the range of floats becomes infinite by way of its text
            pass
    if types <= {int, float, bool, type(None)}:
        return np.array([np.nan if value is None else float(str(value)) for value in values])
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


class JsonLinesTable(Table):
    """A record per line, read in blocks of lines."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._n_read = 0
        blocks = self._read_blocks()
        first = next(blocks, None)
        if first is None:
            raise DataError(f"{source.name}: is empty")
        self._blocks = chain([first], blocks)
        sample = first[:ROWS_PER_BATCH]
        columns = []
        for key in dict.fromkeys(key for record in sample for key in record):
            array = _to_array([record.get(key) for record in sample], source.name, key)
            columns.append(Column(key, Kind.NUMBER if array.dtype.kind == "f" else Kind.TEXT, array.shape[1:]))
        super().__init__(source.name, "jsonl", columns)
        first = sample[:ROWS_SAMPLED]
        self.sampler = lambda name: as_text(_to_array([record.get(name) for record in first], source.name, name))

    def _read_blocks(self) -> Iterator[list[dict[str, Any]]]:
        while lines := self._source.stream.readlines(BYTES_PER_JSON_BLOCK):
            filled = [line for line in lines if line.strip()]
            if filled:
                yield self._parse_lines(filled)

    def _parse_lines(self, lines: list[bytes]) -> list[dict[str, Any]]:
        try:
            records = json.loads(b"[" + b",".join(lines) + b"]")
            is_valid = len(records) == len(lines) and all(type(record) is dict for record in records)
        except (ValueError, RecursionError):
            is_valid = False
        if not is_valid:  # find the line
            records = [self._parse_record(line, self._n_read + i + 1) for i, line in enumerate(lines)]
        self._n_read += len(lines)
        return records  # type: ignore[no-any-return]

    def _parse_record(self, line: bytes, row: int) -> dict[str, Any]:
        record = _parse_json(line, self._source.name, f"row {row}")
        if not isinstance(record, dict):
            raise DataError(f"{self._source.name}: row {row}: {shorten(record)} is not a record {{...}}")
        return record

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        start = 0
        for records in self._blocks:
            self.fraction_read = self._source.progress()
            chunk = {}
            for name, kind in wanted.items():
                array = _to_array([record.get(name) for record in records], self.name, name, start)
                chunk[name] = convert(array, kind, self.name, name, start)
            yield chunk
            start += len(records)
