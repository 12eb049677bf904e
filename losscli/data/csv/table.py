"""CSV and TSV: the header, what the columns hold, and the lines below it, by pieces where they are many."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from losscli.data.csv.byte_slice import ByteSlice, decode
from losscli.data.csv.schema import CsvSchema
from losscli.data.csv.split import block_pieces, end_of_lines, range_pieces
from losscli.data.files import Input
from losscli.data.table import MISSING, Chunk, Column, Kind, Table, in_batches, parse_number, shorten
from losscli.errors import DataError

SMALL = 1 << 17
"""Bytes below which importing PyArrow costs more than it saves."""

BLOCK = 1 << 22
"""Bytes of a piece: enough that a call for each costs nothing, few enough that what is made of them stays in cache."""

SAMPLE = 1 << 14
"""Bytes that tell what the columns hold."""

DELIMITERS = ",\t;|"


class TextTable(Table):
    """A delimited text file or stream."""

    small_pieces = True

    def __init__(
        self, source: Input, format: str, header: bool | None = None, delimiter: str | None = None
    ) -> None:  # fmt: skip
        self._source = source
        self._stream, mark = _utf8(source)
        first = self._first_lines()
        if not first.strip():
            raise DataError(f"{source.name}: is empty")
        self._delimiter = delimiter or ("\t" if format == "tsv" else _sniff_delimiter(first))
        given, self._body = self._header(first, header)
        self.can_split = self._more
        self._start = None if mark is None else mark + len(first) - len(self._body)
        self._size = source.size_of_file()
        self.is_file_backed = self._start is not None and self._size is not None
        self._names = _told_apart(given)
        sample = self._sample(self._body)
        columns = [Column(n, _kind(cells)) for n, cells in zip(self._names, sample, strict=True)]
        super().__init__(source.name, format, columns)
        flags = frozenset(n for n, cells in zip(self._names, sample, strict=True) if _are_flags(cells))
        self.layout = CsvSchema(source.name, tuple(columns), self._delimiter, flags)
        self.repeated = frozenset(name for name in given if given.count(name) > 1)

    def _first_lines(self) -> bytes:
        """The first lines, more than one where there are; the whole text if it is small."""
        first: bytes = self._stream.read(SMALL)
        self._more = len(first) == SMALL
        while self._more:
            data = self._stream.read(max(len(first), BLOCK - len(first)))
            self._more = bool(data)
            first += data
            if len(first) >= BLOCK and end_of_lines(first, 0):
                break
        return first

    def progress(self) -> float | None:
        return self._source.progress()

    # ------------------------------------------------------------------------------------------- the header

    def _header(self, block: bytes, header: bool | None) -> tuple[list[str], bytes]:
        line, body = _split_line(block)
        cells = next(csv.reader(io.StringIO(decode(line)), delimiter=self._delimiter), [])
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

    def _sample(self, body: bytes) -> list[list[str]]:
        cut = self._more or len(body) > SAMPLE
        text = decode(body[:SAMPLE].rpartition(b"\n")[0] if cut else body)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter) if row]
        return [[row[i].strip() for row in rows[:200] if i < len(row)] for i in range(len(self._names))]

    # -------------------------------------------------------------------------------------------- the pieces

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        if self._start is None or self._size is None:
            return block_pieces(self.layout, self.format, _Rejoined(self._body, self._stream).read, BLOCK)
        return range_pieces(self.layout, self.format, self._source.path, self._start, self._size, BLOCK)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        if self.can_split:
            from losscli.data.prefetch import chunks_of

            yield from chunks_of(self, wanted, 1)
            return
        batches = list(in_batches(self.layout.parse(ByteSlice(self._body), wanted, 0, many=len(self._body) > SMALL)))
        if not batches:
            raise self.empty_error()
        yield from batches

    def empty_error(self) -> DataError:
        return DataError(f"{self.name}: has a header but no rows")


class _Rejoined:
    """A stream, some bytes of which have been read already."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int) -> bytes:
        if not self._head:
            return bytes(self._stream.read(size))
        data, self._head = self._head[:size], self._head[size:]
        return data


def _told_apart(names: Sequence[str]) -> list[str]:
    """Column names as pandas tells equal ones apart: x, x.1, x.2."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        told.append(f"{name}.{count}" if count else name)
    return told


def _kind(cells: Sequence[str]) -> Kind:
    return Kind.NUMBER if all(_is_number(cell) or cell in MISSING for cell in cells) else Kind.TEXT


def _are_flags(cells: Sequence[str]) -> bool:
    """Whether a column is of true and false."""
    return bool(cells) and {cell.lower() for cell in cells} <= {"true", "false"}


def _is_number(cell: str) -> bool:
    return cell != "" and cell not in MISSING and parse_number(cell) is not None


def _counting(cells: Sequence[str]) -> list[str]:
    return [str(i) for i in range(len(cells))]


def _sniff_delimiter(block: bytes) -> str:
    line = decode(_split_line(block)[0])
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


def _utf8(source: Input) -> tuple[Any, int | None]:
    """The stream without its byte order mark, recoded where the mark says UTF-16; and where its text begins."""
    head = source.head()
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{source.name}: is UTF-32 and not text that can be read: save it as UTF-8")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _Recoded(source), None
    if head.startswith(codecs.BOM_UTF8):
        source.stream.read(len(codecs.BOM_UTF8))
        return source.stream, len(codecs.BOM_UTF8)
    if b"\0" in head:
        raise DataError(f"{source.name}: is not text (it holds NUL bytes); --input-format names another format")
    return source.stream, 0


class _Recoded:
    """UTF-16 with a byte order mark, read as UTF-8."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._left = b""

    def read(self, size: int) -> bytes:
        """So many bytes, or all there are."""
        while len(self._left) < size:
            data = self._source.stream.read(size)
            self._left += self._decode(data)
            if not data:
                break
        data, self._left = self._left[:size], self._left[size:]
        return data

    def _decode(self, data: bytes) -> bytes:
        try:
            return self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise DataError(f"{self._source.name}: is not the UTF-16 that its first bytes announce ({error})") from None
