"""CSV and TSV files and streams: the header, what the columns hold, and the lines below it."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from losscli.data.csv.cells import vector_length
from losscli.data.csv.header import Header, TextOptions, has_first_lines, read_header
from losscli.data.csv.lines import are_all_numbers, cells_by_column
from losscli.data.csv.schema import ByteSlice, CsvSchema
from losscli.data.csv.split import BYTES_PER_LINE, BlockPiece, SplittableLines, range_pieces, split_stream
from losscli.data.files import Input
from losscli.data.table import Chunk, Column, Kind, Table, in_batches
from losscli.errors import DataError
from losscli.messages import Hint

BYTES_PARSED_BY_CSV_MODULE = 1 << 17
"""Size of a text up to which importing PyArrow costs more than it saves."""

BYTES_PER_PIECE = 1 << 22
"""Size of a piece: enough to make the calls for it cheap, little enough to keep what is made of it in cache."""


def open_csv(source: Input, format: str, options: TextOptions) -> Table:
    """Return delimited text as a table that can be split, unless it is short.

    Raises:
        DataError: it is empty, is not text, or has no header where one is needed.
    """
    read, start = _skip_byte_order_mark(source)
    head, is_whole = _read_head(source.name, read, options)
    if not head.strip():
        raise DataError(f"{source.name}: is empty")
    header = read_header(source.name, head, is_whole, format, options)
    body = head[header.start :]
    schema = _infer_schema(source.name, header, options.decimal or ".")
    end = source.seekable_size
    file = None if start is None or end is None else source.open_file
    path = file.path if file else None
    table: Table
    if is_whole:
        table = ShortCsv(schema, format, path, body)
    elif file is None or start is None or end is None:
        blocks = split_stream(read, BYTES_PER_PIECE, BYTES_PER_PIECE, body, schema.quoting)
        pieces = (BlockPiece(schema, format, block, source.progress()) for block in blocks)
        table = SplittableLines(schema, format, None, pieces)
    else:
        start += len(head) - len(body)
        table = SplittableLines(schema, format, path, range_pieces(schema, format, file, start, end, BYTES_PER_PIECE))
    table.sampler = partial(_first_cells, [column.name for column in schema.columns], header.rows)
    table.has_names = header.has_names
    table.has_rows = bool(header.rows) or not is_whole
    table.repeated = frozenset(name for name, count in Counter(header.names).items() if count > 1)
    return table


def _first_cells(names: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> NDArray[Any]:
    """Return the cells of a column in the first rows, None where they are empty."""
    i = names.index(name)
    return np.array([row[i] or None for row in rows if i < len(row)], dtype=object)


class ShortCsv(Table):
    """Delimited text that is short enough to be parsed at once."""

    def __init__(self, schema: CsvSchema, format: str, path: str | None, body: bytes) -> None:
        super().__init__(schema.name, format, schema.columns, path=path)
        self._schema, self._body = schema, body

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        is_large = len(self._body) > BYTES_PARSED_BY_CSV_MODULE
        self.fraction_read = 1.0
        batches = list(
            in_batches(self._schema.parse(ByteSlice(self._body).without_last_blank_lines(), wanted, 0, is_large))
        )
        if not batches:
            raise self.empty_error()
        yield from batches


def _read_head(name: str, read: Callable[[int], bytes], options: TextOptions) -> tuple[bytes, bool]:
    """Return the first bytes, with two lines that are no comments if they are not all, and whether they are.

    Raises:
        DataError: such a line is too long.
    """
    head = read(BYTES_PARSED_BY_CSV_MODULE)
    is_whole = len(head) < BYTES_PARSED_BY_CSV_MODULE
    while not is_whole:
        data = read(max(len(head), BYTES_PER_PIECE - len(head)))
        is_whole = not data
        head += data
        if len(head) >= BYTES_PER_PIECE and has_first_lines(head, options):
            break
        if len(head) > BYTES_PER_LINE:
            limit = f"{BYTES_PER_LINE >> 20} MB"
            raise DataError(f"{name}: one of the first lines goes on for more than {limit}: is this delimited text?")
    return head, is_whole


def _infer_schema(name: str, header: Header, decimal: str) -> CsvSchema:
    """Return what the columns hold by the first rows; equal names are numbered as pandas does: x, x.1, x.2."""
    seen: Counter[str] = Counter()
    columns, booleans = [], set()
    for given, below in zip(header.names, cells_by_column(header.rows, len(header.names)), strict=True):
        column = f"{given}.{seen[given]}" if seen[given] else given
        seen[given] += 1
        cells = list(map(str.strip, below))
        has_text = bool(cells) and not are_all_numbers(cells, decimal)
        length = vector_length(cells, decimal) if has_text else 0
        kind = Kind.TEXT if has_text and not length else Kind.NUMBER
        columns.append(Column(column, kind, (length,) if length > 1 else ()))
        if cells and cells[0].lower() in ("true", "false") and {cell.lower() for cell in cells} <= {"true", "false"}:
            booleans.add(column)
    found = header.delimiter, frozenset(booleans), decimal, header.comment, header.has_carriage_returns
    return CsvSchema(name, tuple(columns), *found)


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
