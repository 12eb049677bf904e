"""Chunks of several tables, cut to the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from losscli.data.keys import AlignedChunks, SharedKey, check_order
from losscli.data.table import Chunk, SliceableTable, Table, count_chunk_rows
from losscli.errors import DataError
from losscli.messages import Hint


class ChunkStream:
    """The chunks of a table, taken in any sizes."""

    def __init__(self, table: Table, label: str, chunks: Iterator[Chunk]) -> None:
        self.table, self.label = table, label
        self._chunks = chunks
        self._chunk: Chunk = {}
        self._size = self._at = self._taken = 0

    def ready(self) -> int:
        """Return how many rows can be taken at once; 0 at the end."""
        while self._at == self._size:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk, self._at, self._size = chunk, 0, count_chunk_rows(chunk)
        return self._size - self._at

    def take(self, size: int) -> Chunk:
        """Return the next rows, at most as many as are ready."""
        low, self._at = self._at, self._at + size
        self._taken += size
        return {name: values[low : self._at] for name, values in self._chunk.items()}

    def count(self) -> int:
        """Read the table to its end; return the number of its rows."""
        while size := self.ready():
            self.take(size)
        return self._taken


def align(streams: Sequence[ChunkStream]) -> Iterator[AlignedChunks]:
    """Yield the same rows of all tables, as many as are ready in each.

    Raises:
        DataError: Their lengths differ.
    """
    while any(sizes := [stream.ready() for stream in streams]):
        if not all(sizes):
            raise _lengths_differ(streams)
        yield {stream.table: stream.take(min(sizes)) for stream in streams}


def _lengths_differ(streams: Sequence[ChunkStream]) -> DataError:
    (first, rows, _), *others = [(stream.label, stream.count(), stream.table) for stream in streams]
    name, count, table = next(other for other in others if other[1] != rows)
    problem = f"lengths differ: {first} has {rows} rows, {name} has {count}"
    if table.n_files > 1 and count == rows * table.n_files:
        return DataError(f"{problem} in {table.n_files} files", Hint.MODEL_FILES, pattern=table.pattern)
    return DataError(problem, Hint.PAIR_IN_ORDER_OR_BY_ID)


def check_keys_before_parts(keys: Sequence[SharedKey], length: int) -> None:
    """Check the keys of tables of which any rows can be read, before their parts are."""
    for key in keys:
        first, other = (table.rows(0, length) for table in key.tables if isinstance(table, SliceableTable))
        other.row_numbers = key.tables[1].row_numbers
        streams = [ChunkStream(table, "", table.chunks({key.name: key.kind})) for table in (first, other)]
        for _ in check_order(align(streams), [key._replace(tables=(first, other))]):
            pass
