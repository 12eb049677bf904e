"""JSON Lines: a record per line. The first lines tell which columns there are; the others are read in pieces."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from losscli.data.batch import ROWS_PER_BATCH
from losscli.data.files import Input
from losscli.data.json import parse_json, refuse_repeated_keys, shape_of_first, store_list, to_array
from losscli.data.table import ROWS_SAMPLED, Chunk, Column, Kind, Table, convert, in_batches
from losscli.data.values import as_text, shorten
from losscli.errors import DataError

if TYPE_CHECKING:
    from losscli.data.csv.schema import ByteSlice

BYTES_OF_SAMPLE = 1 << 20
"""Bytes that tell which columns there are."""

BYTES_READ_BY_JSON_MODULE = 1 << 20
"""Size of a text up to which importing PyArrow costs more than it saves."""

MAX_BYTES_PER_RECORD = 1 << 26
"""Longest line of JSON Lines."""

Records = list[dict[str, Any]]


def open_json_lines(source: Input, stream: BinaryIO | None = None) -> Table:
    """Return JSON Lines, of a source or of what was read of it, as a table that can be split unless they are few.

    Raises:
        DataError: There are none, or one of the first is no record.
    """
    read = (stream or source.stream).read
    head = read(BYTES_OF_SAMPLE)
    is_whole = len(head) < BYTES_OF_SAMPLE
    start = len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0
    while not is_whole and not head[start : head.rfind(b"\n") + 1].strip() and len(head) <= MAX_BYTES_PER_RECORD:
        data = read(len(head))
        is_whole = not data
        head += data
    stop = len(head) if is_whole else head.rfind(b"\n") + 1
    schema = JsonLinesSchema(source.name, ())
    if not stop:
        raise schema.long_line_error(1, MAX_BYTES_PER_RECORD)
    records = schema.read_records(head[start:stop], 0)
    if not records:
        raise DataError(f"{source.name}: is empty")
    sample = records[:ROWS_PER_BATCH]
    columns = []
    for key in dict.fromkeys(key for record in sample for key in record):
        array = store_list([record.get(key) for record in sample], source.name, key)
        columns.append(Column(key, Kind.NUMBER if array.kind in "fiu" else Kind.TEXT, array.shape[1:]))
    schema = JsonLinesSchema(source.name, tuple(columns))
    is_short = is_whole and len(head) <= BYTES_READ_BY_JSON_MODULE
    table: Table = ShortJsonLines(schema, records) if is_short else _split(schema, source, stream, start, head)
    first = sample[:ROWS_SAMPLED]
    table.sampler = lambda name: as_text(
        to_array([record.get(name) for record in first], source.name, name, kind=Kind.TEXT)
    )
    return table


def _split(schema: JsonLinesSchema, source: Input, stream: BinaryIO | None, start: int, head: bytes) -> Table:
    """Return lines as ranges of a file, or as blocks of what begins with `head`."""
    from losscli.data.csv import table
    from losscli.data.csv.split import BlockPiece, SplittableLines, range_pieces, split_stream

    size, file, end = table.BYTES_PER_PIECE, source.open_file, source.seekable_size
    if file is not None and end is not None and stream is None:
        return SplittableLines(schema, "jsonl", file.path, range_pieces(schema, "jsonl", file, start, end, size))
    blocks = split_stream((stream or source.stream).read, size, size, head[start:], schema.quoting)
    pieces = (BlockPiece(schema, "jsonl", block, source.progress()) for block in blocks)
    return SplittableLines(schema, "jsonl", None, pieces)


class LineEnds:
    """What ends lines: a newline wherever it is, as strings of JSON have none."""

    def find_line_end(self, data: bytes, start: int, least: int = 0, inside: bool = False) -> tuple[int, int, bool]:
        """Return the position after the first newline at `least` or later, 0 if there is none, and where to go on."""
        end = data.find(b"\n", max(start, least)) + 1
        return end, end or len(data), inside


class JsonLinesSchema(NamedTuple):
    """All that is needed to read any lines of a text.

    Attributes:
        name: What messages call the text.
        columns: What the first lines have.
    """

    name: str
    columns: tuple[Column, ...]

    @property
    def quoting(self) -> LineEnds:
        return LineEnds()

    def ends_inside_quotes(self, lines: ByteSlice) -> bool:
        """Return False: no string goes on over the end of a line."""
        return False

    def parse(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int, is_large: bool) -> Chunk:
        """Return the wanted columns of some lines; PyArrow reads them if there are enough (`is_large`).

        Raises:
            DataError: A line is no record, or a value is not what is wanted.
        """
        if is_large:
            from losscli.data.json_layout import read_alike

            trailing = {column.name: column.trailing for column in self.columns}
            columns = read_alike(lines, wanted, trailing)
            if columns is not None:
                return columns
        return self.convert_records(self.read_records(lines.bytes(), rows_before), wanted, rows_before)

    def refuse_long_line(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int, limit: int) -> None:
        """Raise the error for lines of which the last is longer than the limit."""
        whole = lines.data[lines.start : lines.data.rfind(b"\n", lines.start, lines.stop - 1) + 1]
        raise self.long_line_error(rows_before + len(self.read_records(whole, rows_before)) + 1, limit)

    def long_line_error(self, row: int, limit: int) -> DataError:
        """Return the error that a row is longer than so many bytes."""
        problem = f"a line is longer than {limit >> 20} MiB, the most that is read as one record"
        return DataError(f"{self.name}: row {row}: {problem}")

    def read_records(self, data: bytes, rows_before: int) -> Records:
        """Return the record on each line that is not blank, as the json module reads it.

        Raises:
            DataError: A line is no record; the message counts those from `rows_before`.
        """
        decode = json.JSONDecoder(object_pairs_hook=refuse_repeated_keys).raw_decode
        records: Records = []
        for line in data.split(b"\n"):
            if line and not line.isspace():
                try:
                    text = line.decode()
                    record, end = decode(text)
                    is_clear = end == len(text) or not text[end:].strip(" \t\r")
                except (ValueError, RecursionError):
                    is_clear = False
                if not is_clear:  # it says why, or finds a way
                    record = parse_json(line, self.name, f"row {rows_before + len(records) + 1}")
                if not isinstance(record, dict):
                    row = rows_before + len(records) + 1
                    raise DataError(f"{self.name}: row {row}: {shorten(record)} is not a record {{...}}")
                records.append(record)
        return records

    def convert_records(self, records: Sequence[Mapping[str, Any]], wanted: Mapping[str, Kind], start: int) -> Chunk:
        """Return columns of records that have `start` rows before them.

        Raises:
            DataError: A value is not what is wanted, or lists have another shape than the first.
        """
        shapes = {column.name: column.trailing for column in self.columns}
        chunk = {}
        for name, kind in wanted.items():
            if not records:
                chunk[name] = np.zeros((0, *shapes[name]))
                continue
            values = [record.get(name) for record in records]
            lists = [] if shapes[name] else [i for i, value in enumerate(values) if type(value) is list]
            if lists:
                raise self._shape_error(name, start + lists[0] + 1, shape_of_first(values[lists[0] :]), ())
            array = to_array(values, self.name, name, start, kind=kind)
            if array.shape[1:] != shapes[name]:
                raise self._shape_error(name, start + 1, array.shape[1:], shapes[name])
            chunk[name] = convert(array, kind, self.name, name, start)
        return chunk

    def _shape_error(self, column: str, row: int, shape: tuple[int, ...], first: tuple[int, ...]) -> DataError:
        return DataError(f"{self.name}: column {column!r}, row {row}: has shape {shape}, the first has {first}")


class ShortJsonLines(Table):
    """JSON Lines of which all records are in memory."""

    def __init__(self, schema: JsonLinesSchema, records: Records) -> None:
        super().__init__(schema.name, "jsonl", schema.columns)
        self._schema, self._records = schema, records

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        self.fraction_read = 1.0
        return in_batches(self._schema.convert_records(self._records, wanted, 0))
