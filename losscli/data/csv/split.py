"""Pieces of delimited text: the lines that start in a range of a file's bytes, or blocks of lines out of a stream.

Both are cut at the same lines: piece k has those that start in the k-th stretch of so many bytes after the header. A
newline inside quotes ends no line. In a stream, where all quotes before are known, none is cut there; a range cannot
know, but tells afterwards: as long as every range before has an even number of quotes, so has what comes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from losscli.data import remote
from losscli.data.csv.byte_slice import ByteSlice
from losscli.data.csv.schema import CsvSchema
from losscli.data.table import Chunk, Kind, SplitInsideQuotes, Table, in_batches
from losscli.errors import DataError

TAIL = 1 << 12
"""Bytes beyond a range in which its last line is expected to end."""


class _Piece(Table):
    """Some lines of a text."""

    def __init__(self, layout: CsvSchema, format: str) -> None:
        super().__init__(layout.name, format, layout.columns)
        self.layout = layout

    def lines(self) -> ByteSlice:
        """The lines.

        Raises:
            Torn: they begin or end inside quotes.
        """
        raise NotImplementedError

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        return in_batches(self.layout.parse(self.lines(), wanted, self.before, many=True))


class BlockPiece(_Piece):
    """Lines that are in memory."""

    in_memory = True

    def __init__(self, layout: CsvSchema, format: str, block: bytes) -> None:
        super().__init__(layout, format)
        self._block = block

    def lines(self) -> ByteSlice:
        return ByteSlice(self._block)


class RangePiece(_Piece):
    """The lines of a file that start in [low, high), of a text from `first` to `end`."""

    def __init__(self, layout: CsvSchema, format: str, path: str, span: tuple[int, int, int, int]) -> None:
        super().__init__(layout, format)
        self._path, self._span = path, span
        first, _, high, end = span
        self.fraction_read = (high - first) / (end - first)

    def lines(self) -> ByteSlice:
        lines = self._cut()[1]
        if lines.open_quote:
            raise SplitInsideQuotes
        return lines

    def _cut(self) -> tuple[int, ByteSlice]:
        """Where the bytes begin that were read, and the lines among them."""
        first, low, high, end = self._span
        at = max(low - 1, first)  # if a line ends just before, the next one is ours
        try:
            with remote.open_file(self._path) as file:
                file.seek(at)
                data = file.read(min(high + TAIL, end) - at) or b""
                start = 0 if low == first else data.find(b"\n", 0, high - at - 1) + 1
                if low > first and not start:
                    return at, ByteSlice(data, 0, 0)
                while not (stop := data.find(b"\n", high - at - 1) + 1) and at + len(data) < end:
                    more = file.read(min(len(data), end - at - len(data)))
                    if not more:
                        break
                    data += more
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read: {remote.reason(error)}") from None
        return at, ByteSlice(data, start, stop or len(data))

    def remaining_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        first, low, high, end = self._span
        at, lines = self._cut()
        with remote.open_file(self._path) as file:
            file.seek(at + lines.start)
            for block, position in _positions(file, blocks_of(file.read, high - at - lines.start, high - low)):
                piece = BlockPiece(self.layout, self.format, block)
                piece.file, piece.fraction_read = self.file, min(1.0, (position - first) / (end - first))
                yield piece
        if self.following is not None:
            yield from self.following.pieces(wanted)


def _positions(file: BinaryIO, blocks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    return ((block, file.tell()) for block in blocks)


def range_pieces(layout: CsvSchema, format: str, path: str, first: int, end: int, size: int) -> Iterator[Table]:
    """The lines of a file between two places, by ranges of so many bytes."""
    for low in range(first, end, size):
        yield RangePiece(layout, format, path, (first, low, min(low + size, end), end))


def block_pieces(layout: CsvSchema, format: str, read: Callable[[int], bytes], size: int) -> Iterator[Table]:
    """The lines of a stream, by blocks of about so many bytes."""
    return (BlockPiece(layout, format, block) for block in blocks_of(read, size, size))


def blocks_of(read: Callable[[int], bytes], first: int, size: int) -> Iterator[bytes]:
    """Blocks of whole lines: those that start in the `first` bytes, then in each stretch of `size` bytes."""
    rest, due, more = b"", first, True
    while rest or more:
        step = due - len(rest)
        while not (cut := end_of_lines(rest, due - 1)) and more:
            data = read(max(step, TAIL))
            more = bool(data)
            rest += data
            step = len(rest) if len(rest) > due + TAIL else due - len(rest)
        cut = cut or len(rest)
        if cut:
            yield rest[:cut]
        rest, due = rest[cut:], due - cut
        due += -((due - 1) // size) * size


def end_of_lines(data: bytes, least: int) -> int:
    """Where the first line ends that ends at `least` or behind: a newline that is not inside quotes; 0 if none does."""
    end = data.find(b"\n", max(least, 0))
    if end < 0 or data.find(b'"') < 0:
        return end + 1
    start, quotes = 0, 0
    while end >= 0:
        quotes += data.count(b'"', start, end)
        if quotes % 2 == 0:
            return end + 1
        start, end = end, data.find(b"\n", end + 1)
    return 0
