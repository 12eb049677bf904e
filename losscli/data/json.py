"""JSON (an object of arrays by role, or a list of records) and JSON Lines (a record a line, in blocks)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS
from losscli.data.files import Input
from losscli.data.table import ArraysTable, Chunk, Column, Kind, Table, convert, shorten
from losscli.errors import DataError

LINES = 1 << 14


def read_json(source: Input, role: str | None) -> Table:
    """A JSON document as a table; an array on its own is the role it was named for."""
    data = source.stream.read()
    if not data.strip():
        raise DataError(f"{source.name}: is empty")
    document = _loads(data, source.name, "")
    if isinstance(document, dict):
        arrays = {k: array_of(v, source.name, k) for k, v in document.items() if isinstance(v, list)}
        if arrays and not any(array.size for array in arrays.values()):
            raise DataError(f"{source.name}: its arrays hold no rows")
        if not arrays:
            raise DataError(f"{source.name}: the object holds no arrays; its keys are {_names(document)}")
    elif isinstance(document, list) and document and all(isinstance(item, dict) for item in document):
        arrays = columns_of(document, source.name, 0)
    elif isinstance(document, list) and document and role:
        arrays = {role: array_of(document, source.name, role)}
    else:
        raise DataError(f"{source.name}: is neither an object of arrays by role nor a list of records")
    return ArraysTable(source.name, "json", arrays)


def _loads(data: bytes | str, name: str, where: str) -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        place = where or f"line {error.lineno}, character {error.colno}"
        raise DataError(f"{name}: {place}: is not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: {where + ': ' if where else ''}is not JSON ({error})") from None


def _names(document: Mapping[str, object]) -> str:
    return ", ".join(list(document)[:8]) or "none"


def array_of(values: Sequence[Any], name: str, column: str, start: int = 0) -> NDArray[Any]:
    """A list (of lists) as an array; ragged lists are a DataError that names the row."""
    if not any(isinstance(value, list) for value in values):
        return _flat(values)
    width = next(len(value) for value in values if isinstance(value, list))
    for i, value in enumerate(values):
        if not isinstance(value, list) or len(value) != width:
            found = f"{len(value)} numbers" if isinstance(value, list) else shorten(value)
            raise DataError(f"{name}: column {column!r}, row {start + i + 1}: {found}, the first has {width}")
    inner = array_of([item for value in values for item in value], name, column, start)
    return inner.reshape(len(values), width, *inner.shape[1:])


def _flat(values: Sequence[Any]) -> NDArray[Any]:
    if all(type(value) in (int, float, bool) for value in values):
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:  # integers beyond the range of floats, which as text would be infinite
            return np.array([float(str(value)) for value in values])
    array = np.empty(len(values), dtype=object)
    array[:] = values
    if all(type(value) in (int, float, bool, type(None)) for value in values):
        return np.array([np.nan if value is None else float(str(value)) for value in values])
    return array


def columns_of(records: Sequence[Mapping[str, Any]], name: str, start: int) -> dict[str, NDArray[Any]]:
    """Records as columns; a key that a record lacks is a missing value there."""
    keys = dict.fromkeys(key for record in records for key in record)
    return {key: array_of([record.get(key) for record in records], name, key, start) for key in keys}


class JsonLinesTable(Table):
    """A record a line, some thousand lines at a time."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._read = 0
        self._blocks = self._records()
        first = next(self._blocks, None)
        if first is None:
            raise DataError(f"{source.name}: is empty")
        self._first = first
        arrays = columns_of(first[:ROWS], source.name, 0)
        kinds = [Column(k, Kind.NUMBER if a.dtype.kind == "f" else Kind.TEXT, a.shape[1:]) for k, a in arrays.items()]
        super().__init__(source.name, "jsonl", kinds)

    def _records(self) -> Iterator[list[dict[str, Any]]]:
        while lines := self._source.stream.readlines(LINES * 64):
            filled = [line for line in lines if line.strip()]
            if filled:
                yield self._parse(filled)

    def _parse(self, lines: list[bytes]) -> list[dict[str, Any]]:
        try:
            records = json.loads(b"[" + b",".join(lines) + b"]")
            whole = len(records) == len(lines) and all(type(record) is dict for record in records)
        except (ValueError, RecursionError):
            whole = False
        if not whole:  # line by line, to say which one
            records = [self._record(line, self._read + i) for i, line in enumerate(lines)]
        self._read += len(lines)
        return records  # type: ignore[no-any-return]

    def _record(self, line: bytes, index: int) -> dict[str, Any]:
        record = _loads(line, self._source.name, f"row {index + 1}")
        if not isinstance(record, dict):
            raise DataError(f"{self._source.name}: row {index + 1}: {shorten(record)} is not a record {{...}}")
        return record

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        start = 0
        records: list[dict[str, Any]] | None = self._first
        while records is not None:
            self.fraction_read = self._source.progress()
            yield {
                name: convert(
                    array_of([r.get(name) for r in records], self.name, name, start), kind, self.name, name, start
                )
                for name, kind in wanted.items()
            }
            start += len(records)
            records = next(self._blocks, None)
