"""Pieces of delimited text: the lines that start in a range of a file's bytes, or blocks of lines of a stream.

Both are cut at the same lines: piece k has the lines that start in the k-th stretch of so many bytes after the header.
A newline inside quotes does not end a line. A stream counts all quotes, and is not cut inside them. A range does not
know the quotes before it. If all ranges before it hold an even number of quotes, it begins outside of quotes; the first
with an odd number raises SplitInsideQuotes, and from there on the file is read as a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from losscli.data.csv.schema import ByteSlice, CsvSchema, find_line_end
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.table import Chunk, Kind, SplitInsideQuotes, Table, in_batches

BYTES_PAST_RANGE = 1 << 12
"""Bytes behind a range that are read with it, to find the end of its last line."""


class BlockPiece(Table):
    """Lines in memory."""

    def __init__(self, schema: CsvSchema, format: str, block: bytes, fraction_after: float | None) -> None:
        super().__init__(schema.name, format, schema.columns)
        self._schema, self._block = schema, block
        self.fraction_after = fraction_after

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        return in_batches(self._schema.parse(ByteSlice(self._block), wanted, self.rows_before, is_large=True))


class RangePiece(Table):
    """The lines of a file that start in the bytes [low, high), of a text in the bytes [first, end)."""

    def __init__(self, schema: CsvSchema, format: str, file: OpenFile, span: tuple[int, int, int, int]) -> None:
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
            SplitInsideQuotes: they begin or end inside quotes.
        """
        lines = self._read()[1]
        if lines.quotes % 2:
            raise SplitInsideQuotes
        return lines

    def _read(self) -> tuple[int, ByteSlice]:
        """Return the position of the bytes that were read, and the lines among them."""
        first, low, high, end = self._span
        at = max(low - 1, first)  # if a line ends just before the range, the next one is in it
        data = self._file.read_at(at, min(high + BYTES_PAST_RANGE, end) - at)
        start = 0 if low == first else data.find(b"\n", 0, high - at - 1) + 1
        if low > first and not start:
            return at, ByteSlice(data, 0, 0)
        while not (stop := data.find(b"\n", high - at - 1) + 1) and at + len(data) < end:
            data += self._file.read_at(at + len(data), min(len(data), end - at - len(data)))
        return at, ByteSlice(data, start, stop or len(data))

    def remaining_pieces(self) -> Iterator[BlockPiece]:
        """Yield the lines from here to the end of the file, read as a stream."""
        _, low, high, _ = self._span
        at, lines = self._read()
        reader = FileReader(self._file)
        reader.seek(at + lines.start)
        for block in split_stream(reader.read, high - at - lines.start, high - low):
            yield BlockPiece(self._schema, self.format, block, self._fraction(reader.tell()))

    def release(self) -> None:
        self._file.release()


def range_pieces(
    schema: CsvSchema, format: str, file: OpenFile, first: int, end: int, bytes_per_piece: int
) -> Iterator[RangePiece]:
    """Yield the lines in the bytes [first, end) of a file as ranges."""
    for low in range(first, end, bytes_per_piece):
        yield RangePiece(schema, format, file, (first, low, min(low + bytes_per_piece, end), end))


def split_stream(read: Callable[[int], bytes], first: int, size: int, head: bytes = b"") -> Iterator[bytes]:
    """Yield blocks of whole lines: those that start in the `first` bytes, then in each stretch of `size` bytes.

    The `head` has been read already.
    """
    rest, due, more = head, first, True
    while rest or more:
        step = due - len(rest)
        while not (cut := find_line_end(rest, due - 1)) and more:
            data = read(max(step, BYTES_PAST_RANGE))
            more = bool(data)
            rest += data
            step = len(rest) if len(rest) > due + BYTES_PAST_RANGE else due - len(rest)
        cut = cut or len(rest)
        if cut:
            yield rest[:cut]
        rest, due = rest[cut:], due - cut
        due += -((due - 1) // size) * size
