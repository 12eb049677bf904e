"""CSV and TSV files and streams: the header, what the columns hold, and the lines below it."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO

from losscli.data.csv.schema import UTF8, ByteSlice, CsvSchema, find_line_end
from losscli.data.csv.split import BlockPiece, RangePiece, range_pieces, split_stream
from losscli.data.files import Input
from losscli.data.prefetch import read_pieces
from losscli.data.table import MISSING, Chunk, Column, Kind, SplittableTable, Table, in_batches, parse_number, shorten
from losscli.errors import DataError
from losscli.messages import Hint

BYTES_PARSED_BY_CSV_MODULE = 1 << 17
"""Size of a text up to which importing PyArrow costs more than it saves."""

BYTES_PER_PIECE = 1 << 22
"""Size of a piece: enough to make the calls for it cheap, little enough to keep what is made of it in cache."""

BYTES_SAMPLED = 1 << 14
"""Bytes that tell what the columns hold."""

ROWS_SAMPLED = 200
"""Rows that tell what the columns hold."""

DELIMITERS = ",\t;|"


def open_csv(source: Input, format: str, header: bool | None = None, delimiter: str | None = None) -> Table:
    """Return delimited text as a table that can be split, unless it is short.

    A `header` or `delimiter` that is None is found out from the first lines.

    Raises:
        DataError: it is empty, is not text, or has no header where one is needed.
    """
    read, start = _skip_byte_order_mark(source)
    head, is_whole = _read_head(read)
    if not head.strip():
        raise DataError(f"{source.name}: is empty")
    size = find_line_end(head, 0) or head.find(b"\r") + 1 or len(head)  # old Macs end lines with a carriage return
    line = head[:size].decode(*UTF8)
    if not delimiter:
        most = max(DELIMITERS, key=line.count)
        delimiter = "\t" if format == "tsv" else most if line.count(most) else ","
    names, has_header = _parse_header(source.name, line, header, delimiter)
    body = head[size:] if has_header else head
    sample = body if is_whole and len(body) <= BYTES_SAMPLED else body[:BYTES_SAMPLED].rpartition(b"\n")[0]
    schema = _infer_schema(source.name, names, delimiter, sample.decode(*UTF8))
    end = source.seekable_size
    file = None if start is None or end is None else source.open_file
    path = file.path if file else None
    table: Table
    if is_whole:
        table = ShortCsv(schema, format, path, body)
    elif file is None or start is None or end is None:
        blocks = split_stream(read, BYTES_PER_PIECE, BYTES_PER_PIECE, body)
        pieces = (BlockPiece(schema, format, block, source.progress()) for block in blocks)
        table = SplittableCsv(schema, format, None, pieces)
    else:
        start += len(head) - len(body)
        table = SplittableCsv(schema, format, path, range_pieces(schema, format, file, start, end, BYTES_PER_PIECE))
    table.repeated = frozenset(name for name, count in Counter(names).items() if count > 1)
    return table


class ShortCsv(Table):
    """Delimited text that is short enough to be parsed at once."""

    def __init__(self, schema: CsvSchema, format: str, path: str | None, body: bytes) -> None:
        super().__init__(schema.name, format, schema.columns, path=path)
        self._schema, self._body = schema, body

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        is_large = len(self._body) > BYTES_PARSED_BY_CSV_MODULE
        self.fraction_read = 1.0
        batches = list(in_batches(self._schema.parse(ByteSlice(self._body), wanted, 0, is_large)))
        if not batches:
            raise self.empty_error()
        yield from batches


class SplittableCsv(SplittableTable):
    """Delimited text in pieces: ranges of a file, or blocks of a stream."""

    def __init__(self, schema: CsvSchema, format: str, path: str | None, pieces: Iterator[Table]) -> None:
        super().__init__(schema.name, format, schema.columns, path=path)
        self._pieces = pieces

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self._pieces

    def pieces_from(self, piece: Table, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        assert isinstance(piece, RangePiece)
        return piece.remaining_pieces()

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        return read_pieces(self, self._pieces, wanted, 1)

    def chunks_by_threads(self, wanted: Mapping[str, Kind], jobs: int) -> Iterator[Chunk]:
        return read_pieces(self, self._pieces, wanted, jobs)


def _read_head(read: Callable[[int], bytes]) -> tuple[bytes, bool]:
    """Return the first bytes, with at least one line if they are not the whole text, and whether they are."""
    head = read(BYTES_PARSED_BY_CSV_MODULE)
    is_whole = len(head) < BYTES_PARSED_BY_CSV_MODULE
    while not is_whole:
        data = read(max(len(head), BYTES_PER_PIECE - len(head)))
        is_whole = not data
        head += data
        if len(head) >= BYTES_PER_PIECE and find_line_end(head, 0):
            break
    return head, is_whole


def _parse_header(name: str, line: str, header: bool | None, delimiter: str) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether the first line holds them.

    Raises:
        DataError: it may be a row of numbers.
    """
    cells = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    are_names = len(cells) > 1 and all(parse_number(cell) is None for cell in cells)
    counted = [str(i) for i in range(len(cells))]
    if header is False and not are_names:  # of several files some may have a header all the same
        return [str(i + 1) for i in range(len(cells))], False
    cells = [cell.strip() for cell in cells]
    are_numbers = all(cell not in MISSING and parse_number(cell) is not None for cell in cells)
    if header is None and cells and are_numbers and cells != counted:
        raise DataError(
            f"{name}: the first line holds numbers ({shorten(', '.join(cells))}), not column names", Hint.HAS_HEADER
        )
    return cells, True


def _infer_schema(name: str, names: Sequence[str], delimiter: str, sample: str) -> CsvSchema:
    """Return what the columns hold by the first rows; equal names are numbered as pandas does: x, x.1, x.2."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    rows = [row for row in reader if row][:ROWS_SAMPLED]
    seen: Counter[str] = Counter()
    columns, booleans = [], set()
    for i, given in enumerate(names):
        column = f"{given}.{seen[given]}" if seen[given] else given
        seen[given] += 1
        cells = [row[i].strip() for row in rows if i < len(row)]
        has_text = any(parse_number(cell) is None for cell in cells)
        columns.append(Column(column, Kind.TEXT if has_text else Kind.NUMBER))
        if cells and {cell.lower() for cell in cells} <= {"true", "false"}:
            booleans.add(column)
    return CsvSchema(name, tuple(columns), delimiter, frozenset(booleans))


def _skip_byte_order_mark(source: Input) -> tuple[Callable[[int], bytes], int | None]:
    """Return what reads the text as UTF-8, and its position in the file; None if it is recoded."""
    head = source.head()
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{source.name}: is UTF-32 and not text that can be read: save it as UTF-8")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Utf16Stream(source.name, source.stream).read, None
    if head.startswith(codecs.BOM_UTF8):
        source.stream.read(len(codecs.BOM_UTF8))
        return source.stream.read, len(codecs.BOM_UTF8)
    if b"\0" in head:
        raise DataError(f"{source.name}: is not text (it holds NUL bytes)", Hint.INPUT_FORMAT_OTHER)
    return source.stream.read, 0


class Utf16Stream:
    """UTF-16 with a byte order mark, read as UTF-8."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name, self._stream = name, stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, or all there are.

        Raises:
            DataError: it is not UTF-16.
        """
        while len(self._left) < size:
            data = self._stream.read(size)
            try:
                self._left += self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise DataError(f"{self._name}: is not the UTF-16 that its first bytes announce ({error})") from None
            if not data:
                break
        data, self._left = self._left[:size], self._left[size:]
        return data
