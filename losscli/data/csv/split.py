"""Pieces of a text, delimited or JSON Lines: the lines that start in a range of a file's bytes, or blocks of a stream.

Both are cut at the same lines: piece k has the lines that start in the k-th stretch of so many bytes after the header.
A newline inside quotes does not end a line. A stream knows all quotes, and is not cut inside them. A range does not
know the quotes before it. If all ranges before it end outside quotes, it begins outside quotes; the first that ends
inside raises SplitInsideQuotes, and from there on the file is read as a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from losscli.data.csv.quotes import Quoting
from losscli.data.csv.schema import ByteSlice, CsvSchema
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.prefetch import read_pieces
from losscli.data.table import Chunk, Kind, SplitInsideQuotes, SplittableTable, Table, in_batches

if TYPE_CHECKING:
    from losscli.data.json_lines import JsonLinesSchema, LineEnds

    LineSchema: TypeAlias = CsvSchema | JsonLinesSchema

BYTES_PAST_RANGE = 1 << 12
"""Bytes behind a range that are read with it, to find the end of its last line."""

BYTES_PER_LINE = 1 << 26
"""Size above which a line is refused, so that a file without line ends does not fill the memory."""


COMMAS = Quoting()


MAX_BYTES_PER_READ = 1 << 22
"""Bytes that are read at once at most to find the end of a line."""


class BlockPiece(Table):
    """Lines in memory."""

    def __init__(self, schema: LineSchema, format: str, block: bytes, fraction_after: float | None) -> None:
        super().__init__(schema.name, format, schema.columns)
        self._schema, self._block = schema, block
        self.fraction_after = fraction_after

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        lines = ByteSlice(self._block)
        if len(self._block) > BYTES_PER_LINE:
            self._schema.refuse_long_line(lines, wanted, self.rows_before, BYTES_PER_LINE)
        return in_batches(self._schema.parse(lines, wanted, self.rows_before, is_large=True))


class RangePiece(Table):
    """The lines of a file that start in the bytes [low, high), of a text in the bytes [first, end)."""

    def __init__(self, schema: LineSchema, format: str, file: OpenFile, span: tuple[int, int, int, int]) -> None:
        """Make a piece; `span` is (first, low, high, end)."""
        super().__init__(schema.name, format, schema.columns, path=file.path)
        self._schema, self._file, self._span = schema, file, span
        self.fraction_after = self._fraction(span[2])

    def _fraction(self, position: int) -> float:
        first, _, _, end = self._span
        return min(1.0, (position - first) / (end - first))

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        return in_batches(self._schema.parse(self.lines(), wanted, self.rows_before, is_large=True))

    def lines(self) -> ByteSlice:
        """Return the lines.

        Raises:
            SplitInsideQuotes: they begin or end inside quotes, or one is very long.
        """
        lines = self._read()[1]
        if lines.stop - lines.start >= BYTES_PER_LINE or self._schema.ends_inside_quotes(lines):
            raise SplitInsideQuotes
        _, _, high, end = self._span
        return lines if high < end else lines.without_last_blank_lines()

    def _read(self) -> tuple[int, ByteSlice]:
        """Return the position of the bytes that were read, and the lines among them."""
        first, low, high, end = self._span
        at = max(low - 1, first)  # if a line ends just before the range, the next one is in it
        data = self._file.read_at(at, min(high + BYTES_PAST_RANGE, end) - at)
        start = 0 if low == first else data.find(b"\n", 0, high - at - 1) + 1
        if low > first and not start:
            return at, ByteSlice(data, 0, 0)
        while not (stop := data.find(b"\n", high - at - 1) + 1) and at + len(data) < end:
            if len(data) > BYTES_PER_LINE:
                break
            data += self._file.read_at(at + len(data), min(len(data), end - at - len(data)))
        return at, ByteSlice(data, start, stop or len(data))

    def remaining_pieces(self) -> Iterator[BlockPiece]:
        """Yield the lines from here to the end of the file, read as a stream."""
        _, low, high, _ = self._span
        at, lines = self._read()
        reader = FileReader(self._file)
        reader.seek(at + lines.start)
        for block in split_stream(reader.read, high - at - lines.start, high - low, quoting=self._schema.quoting):
            yield BlockPiece(self._schema, self.format, block, self._fraction(reader.tell()))

    def release(self) -> None:
        self._file.release()


class SplittableLines(SplittableTable):
    """A text in pieces: ranges of a file, or blocks of a stream."""

    def __init__(self, schema: LineSchema, format: str, path: str | None, pieces: Iterator[Table]) -> None:
        super().__init__(schema.name, format, schema.columns, path=path)
        self._pieces = pieces

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self._pieces

    def chunks_beforehand(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk] | None:
        pieces = list(self._pieces)
        self._pieces = iter(pieces)
        are_ranges = all(isinstance(piece, RangePiece) for piece in pieces)
        return (chunk for piece in pieces for chunk in piece.chunks(wanted)) if are_ranges else None

    def pieces_from(self, piece: Table, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        assert isinstance(piece, RangePiece)
        return piece.remaining_pieces()

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        return read_pieces(self, self._pieces, wanted, 1)

    def chunks_by_threads(self, wanted: Mapping[str, Kind], jobs: int) -> Iterator[Chunk]:
        return read_pieces(self, self._pieces, wanted, jobs)


def range_pieces(
    schema: LineSchema, format: str, file: OpenFile, first: int, end: int, bytes_per_piece: int
) -> Iterator[RangePiece]:
    """Yield the lines in the bytes [first, end) of a file as ranges."""
    for low in range(first, end, bytes_per_piece):
        yield RangePiece(schema, format, file, (first, low, min(low + bytes_per_piece, end), end))


def split_stream(
    read: Callable[[int], bytes], first: int, size: int, head: bytes = b"", quoting: Quoting | LineEnds = COMMAS
) -> Iterator[bytes]:
    """Yield blocks of whole lines: those that start in the `first` bytes, then in each stretch of `size` bytes.

    The `head` has been read already. A block is empty where no line starts, as ranges are, so that both are merged in
    the same pairs. Blank lines at the end are left out. A line that is too long is yielded as far as it was read, as
    the last block.
    """
    rest, due, more = head, first, True
    while True:
        step, cut, searched, inside = due - len(rest), 0, 0, False
        while True:
            cut, searched, inside = quoting.find_line_end(rest, searched, due - 1, inside)
            if cut or not more or len(rest) - due > BYTES_PER_LINE:
                break
            data = read(max(step, BYTES_PAST_RANGE))
            more = bool(data)
            rest += data
            step = min(len(rest), MAX_BYTES_PER_READ) if len(rest) > due + BYTES_PAST_RANGE else due - len(rest)
        is_last = not cut or (cut == len(rest) and not more)
        cut = cut or len(rest)
        if cut or due < size:
            yield ByteSlice(rest[:cut]).without_last_blank_lines().bytes() if is_last else rest[:cut]
        n_empty, past = divmod(max(0, cut - due), size)
        yield from [b""] * (n_empty + (is_last and past > 0))
        if is_last:
            return
        rest, due = rest[cut:], size - past
