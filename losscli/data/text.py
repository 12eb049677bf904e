"""CSV and TSV: blocks of whole lines, parsed by PyArrow when they are large and by the csv module when they are
small or when PyArrow refuses; the csv module's reading is what counts, and what names the faulty cell."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS
from losscli.data.files import Input
from losscli.data.table import MISSING, Chunk, Column, Kind, Table, parse_number, shorten, to_number
from losscli.errors import DataError

BLOCK = 1 << 22
SMALL = 1 << 17
"""Bytes below which importing PyArrow costs more than it saves."""

DELIMITERS = ",\t;|"


class TextTable(Table):
    """A delimited text file or stream."""

    def __init__(
        self, source: Input, format: str, header: bool | None = None, delimiter: str | None = None
    ) -> None:  # fmt: skip
        self._source = source
        self._stream = _utf8(source)
        first = self._stream.read(SMALL)
        if len(first) == SMALL:
            first += self._stream.read(BLOCK - SMALL)
        if not first.strip():
            raise DataError(f"{source.name}: is empty")
        self._blocks = self._whole_lines(first)
        block = next(self._blocks)
        self._delimiter = delimiter or ("\t" if format == "tsv" else _sniff_delimiter(block))
        given, body = self._header(block, header)
        names = _told_apart(given)
        self._names = names
        self._first = body
        kinds = self._kinds(body)
        super().__init__(source.name, format, [Column(n, k) for n, k in zip(names, kinds, strict=True)])
        self._flags = self._flag_columns(body)
        self.repeated = frozenset(name for name in given if given.count(name) > 1)

    def progress(self) -> float | None:
        return self._source.progress()

    # ------------------------------------------------------------------------------------------- the header

    def _header(self, block: bytes, header: bool | None) -> tuple[list[str], bytes]:
        line, body = _split_line(block)
        cells = next(csv.reader(io.StringIO(_decode(line)), delimiter=self._delimiter), [])
        names_alone = len(cells) > 1 and not any(_is_number(cell) or cell in MISSING for cell in cells)
        if header is False and not names_alone:  # of several files some may have a header all the same
            return [str(i + 1) for i in range(len(cells))], block
        cells = [cell.strip() for cell in cells]
        if header is None and cells and all(_is_number(cell) for cell in cells) and cells != _counting(cells):
            raise DataError(
                f"{self._source.name}: the first line holds numbers ({shorten(', '.join(cells))}), not column "
                "names; --no-header if the data starts there, --header if these are names"
            )
        return cells, body

    def _kinds(self, body: bytes) -> list[Kind]:
        columns = self._sample(body)
        return [Kind.NUMBER if all(_is_number(c) or c in MISSING for c in col) else Kind.TEXT for col in columns]

    def _flag_columns(self, body: bytes) -> set[str]:
        columns = self._sample(body)
        words = {"true", "false"}
        return {n for n, col in zip(self._names, columns, strict=True) if col and {c.lower() for c in col} <= words}

    def _sample(self, body: bytes) -> list[list[str]]:
        text = _decode(body[: 1 << 14].rpartition(b"\n")[0] if len(body) > 1 << 14 else body)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter) if row]
        return [[row[i].strip() for row in rows[:200] if i < len(row)] for i in range(len(self._names))]

    # -------------------------------------------------------------------------------------------- the blocks

    def _whole_lines(self, first: bytes) -> Iterator[bytes]:
        """Blocks that end with a line; a newline inside quotes ends none."""
        rest, more = first, True
        while rest or more:
            at_end = len(rest) < SMALL or not more
            cut = len(rest) if at_end and not more else _last_line_end(rest)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
            if more:
                data = self._stream.read(BLOCK)
                more = bool(data)
                rest += data
            elif not cut:
                break

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        done = 0
        for block in chain([self._first], self._blocks):
            columns = self._parse(block, wanted, done)
            rows = len(next(iter(columns.values()))) if columns else 0
            for start in range(0, rows, ROWS):
                yield {name: values[start : start + ROWS] for name, values in columns.items()}
            done += rows
        if not done:
            raise DataError(f"{self.name}: has a header but no rows")

    def _parse(self, block: bytes, wanted: Mapping[str, Kind], done: int) -> Chunk:
        if not block:
            return {name: np.zeros(0) for name in wanted}
        if block.count(b'"') % 2:
            raise DataError(f"{self.name}: a quote is opened and never closed, at row {done + 1} or after it")
        if b"\0" in block:
            raise DataError(f"{self.name}: holds NUL bytes: it is not text; --input-format names another format")
        if len(block) > SMALL:
            parsed = self._parse_fast(block, wanted)
            if parsed is not None:
                return parsed
        return self._parse_exactly(block, wanted, done)

    def _parse_fast(self, block: bytes, wanted: Mapping[str, Kind]) -> Chunk | None:
        """The block by PyArrow; None where it refuses, so that the exact reading may say why."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        from losscli.data.arrow import to_numpy

        types = {n: pa.string() if k is Kind.TEXT else pa.bool_() if n in self._flags else pa.float64()
                 for n, k in wanted.items()}  # fmt: skip
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(block),
                read_options=arrow_csv.ReadOptions(column_names=self._names, block_size=len(block) + 1),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter, newlines_in_values=b'"' in block,
                    ignore_empty_lines=len(self._names) > 1,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=list(wanted), column_types=types, null_values=list(MISSING),
                    strings_can_be_null=False, check_utf8=True,
                ),
            )  # fmt: skip
        except pa.ArrowInvalid:
            return None
        return {name: to_numpy(table.column(name), wanted[name], self.name, name, 0) for name in wanted}

    def _parse_exactly(self, block: bytes, wanted: Mapping[str, Kind], done: int) -> Chunk:
        text = _decode(block)
        if len(self._names) == 1:
            text = text.rstrip("\r\n") + "\n"
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter)
        rows = [row or [""] for row in self._rows(reader, done) if row or len(self._names) == 1]
        width = len(self._names)
        for i, row in enumerate(rows):
            if len(row) != width:
                cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                raise DataError(f"{self.name}: row {done + i + 1} has {cells}, the header {width}")
        indices = {name: self._names.index(name) for name in wanted}
        return {
            name: self._column([row[indices[name]] for row in rows], kind, name, done) for name, kind in wanted.items()
        }

    def _rows(self, reader: Any, done: int) -> Iterator[list[str]]:
        count = done
        try:
            for row in reader:
                count += bool(row)
                yield row
        except csv.Error as error:
            raise DataError(f"{self.name}: row {count + 1} cannot be read: {error}") from None

    def _column(self, cells: Sequence[str], kind: Kind, name: str, done: int) -> NDArray[Any]:
        if kind is Kind.TEXT:
            for i, cell in enumerate(cells):
                if "\udc80" <= max(cell, default="") <= "\udcff":
                    raise DataError(f"{self.name}: column {name!r}, row {done + i + 1}: is not UTF-8 text")
            return np.array([cell if cell else None for cell in cells], dtype=object)
        try:
            joined = np.array(cells, dtype=np.float64) if not any("_" in cell for cell in cells) else None
        except ValueError:
            joined = None
        if joined is not None:
            return joined
        return np.array([self._number(cell, name, done + i) for i, cell in enumerate(cells)], dtype=np.float64)

    def _number(self, cell: str, name: str, index: int) -> float:
        try:
            return to_number(cell, self.name, name, index)
        except DataError as error:
            if "," in cell:
                raise DataError(f"{error} (a decimal comma? numbers are written with a point)") from None
            raise


def _told_apart(names: Sequence[str]) -> list[str]:
    """Column names as pandas tells equal ones apart: x, x.1, x.2."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        told.append(f"{name}.{count}" if count else name)
    return told


def _is_number(cell: str) -> bool:
    return cell != "" and cell not in MISSING and parse_number(cell) is not None


def _counting(cells: Sequence[str]) -> list[str]:
    return [str(i) for i in range(len(cells))]


def _sniff_delimiter(block: bytes) -> str:
    line = _decode(_split_line(block)[0])
    best = max(DELIMITERS, key=line.count)
    return best if line.count(best) else ","


def _split_line(block: bytes) -> tuple[bytes, bytes]:
    """The first line (quotes may span newlines) and the rest."""
    end = block.find(b"\n")
    while end >= 0 and block.count(b'"', 0, end) % 2:
        end = block.find(b"\n", end + 1)
    if end < 0:
        carriage = block.find(b"\r")  # the line ends of old Macs
        end = carriage if carriage >= 0 else len(block)
    return block[: end + 1], block[end + 1 :]


def _last_line_end(block: bytes) -> int:
    """How many bytes make whole lines: up to the last newline that is not inside quotes."""
    end = block.rfind(b"\n")
    if b'"' in block:
        while end >= 0 and block.count(b'"', 0, end) % 2:
            end = block.rfind(b"\n", 0, end)
    return end + 1


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _utf8(source: Input) -> Any:
    """The stream without its byte order mark, recoded where the mark says UTF-16."""
    head = source.head()
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{source.name}: is UTF-32 and not text that can be read: save it as UTF-8")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _Recoded(source)
    if head.startswith(codecs.BOM_UTF8):
        source.stream.read(len(codecs.BOM_UTF8))
    elif b"\0" in head:
        raise DataError(f"{source.name}: is not text (it holds NUL bytes); --input-format names another format")
    return source.stream


class _Recoded:
    """UTF-16 with a byte order mark, read as UTF-8."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")()

    def read(self, size: int) -> bytes:
        data = self._source.stream.read(size)
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise DataError(f"{self._source.name}: is not the UTF-16 that its first bytes announce ({error})") from None
        return text.encode("utf-8", "surrogatepass") if text or not data else self.read(size)
