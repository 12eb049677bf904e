"""Small files of one table, read together: to evaluate each apart would take longer than to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from losscli.data.batch import bytes_per_row, rows_per_batch
from losscli.data.coded_text import concat_columns
from losscli.data.folders import KeyedTable
from losscli.data.table import Chunk, Kind, SplittableTable, Table, count_chunk_rows

BYTES_OF_SMALL_FILE = 1 << 17

ROWS_JOINED = 1 << 16
"""Most rows that are read together: enough for a batch, few enough for several threads to have some."""


class SmallFiles(Table):
    """The rows of several small files, in memory."""

    def __init__(self, first: Table) -> None:
        super().__init__(first.name, first.format, first.columns, 0)
        self._chunks: list[Chunk] = []
        self._files: list[tuple[int, str]] = []

    @property
    def files(self) -> Sequence[tuple[int, str]]:
        return self._files

    def add(self, name: str, chunks: Sequence[Chunk]) -> None:
        """Append the rows of a file."""
        self._files.append((self.length or 0, name))
        self._chunks += chunks
        self.length = (self.length or 0) + sum(map(count_chunk_rows, chunks))
        self.fraction_after = len(self._files)

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return iter([self])

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        together: list[Chunk] = []
        room = 0
        for chunk in self._chunks:
            rows = count_chunk_rows(chunk)
            if together and rows > room:
                yield _concat(together)
                together = []
            if not together:
                room = rows_per_batch(bytes_per_row(values.shape for values in chunk.values()))
            together.append(chunk)
            room -= rows
        yield _concat(together)


def join_small(tables: Iterable[Table], wanted: Mapping[str, Kind]) -> Iterator[Table]:
    """Yield tables in order, consecutive small ones as one."""
    joined: SmallFiles | None = None
    for table in tables:
        chunks = list(table.chunks(wanted)) if _is_small(table) else None
        if joined is not None and (
            chunks is None or (joined.length or 0) + sum(map(count_chunk_rows, chunks)) > ROWS_JOINED
        ):
            yield joined
            joined = None
        if chunks is None:
            yield table
            continue
        joined = joined or SmallFiles(table)
        joined.add(table.name, chunks)
    if joined is not None:
        yield joined


def _is_small(table: Table) -> bool:
    inner = table.inner if isinstance(table, KeyedTable) else table
    if isinstance(inner, SplittableTable):  # of several parts, which are evaluated apart whatever is read with them
        return False
    size = None if inner.source is None else inner.source.seekable_size
    return size is not None and size <= BYTES_OF_SMALL_FILE and (inner.length or 0) <= ROWS_JOINED


def _concat(chunks: Sequence[Chunk]) -> Chunk:
    """Return the rows of all chunks, one after the other."""
    return {name: concat_columns([chunk[name] for chunk in chunks]) for name in chunks[0]}
