"""An Arrow table in memory as a table: PyArrow's, or what Polars, DuckDB and others hand over by Arrow's interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from losscli.data.arrow import column_of, read_index, row_bytes_of, split_batches, to_numpy
from losscli.data.arrow_values import rows_per_read
from losscli.data.table import ROWS_SAMPLED, Chunk, Kind, SliceableTable, Table, count_chunk_rows
from losscli.errors import DataError


class ArrowFrame(SliceableTable):
    """An Arrow table, of which the wanted columns are converted."""

    def __init__(self, table: pa.Table) -> None:
        stored, ranges = read_index(table.schema)
        for index in ranges:  # pandas describes it in place of storing it
            table = table.append_column(index.name, [index.values(0, table.num_rows, Kind.NUMBER)])
        super().__init__("", "arrays", [column_of(field) for field in table.schema], table.num_rows)
        self.index_columns = stored | {index.name for index in ranges}
        self.repeated = frozenset(name for name, count in Counter(table.column_names).items() if count > 1)
        self._table = table

    def sample(self, name: str) -> NDArray[Any] | None:
        if name in self.repeated:
            return None
        first = self._table.slice(0, ROWS_SAMPLED).column(name)
        values: NDArray[Any] = to_numpy(first, Kind.TEXT, self.name, name, 0)
        return values

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        done, total = 0, self._table.num_rows
        for chunk in split_batches(self._batches, wanted, self.name, self.rows_before, ()):
            done += count_chunk_rows(chunk)
            self.fraction_read = done / total
            yield chunk

    def _batches(self, names: list[str]) -> Iterator[Any]:
        """Yield batches that are cut at the same rows however the table is chunked."""
        twice = next((name for name in names if name in self.repeated), None)
        if twice is not None:
            raise DataError(f"two columns are called {twice!r}")
        selected = self._table.select(names)
        step = rows_per_read(sum(map(row_bytes_of, selected.slice(0, 1).combine_chunks().to_batches())))
        for start in range(0, selected.num_rows, step):
            yield from selected.slice(start, step).combine_chunks().to_batches()

    def rows(self, start: int, stop: int) -> Table:
        piece = ArrowFrame(self._table.slice(start, stop - start).replace_schema_metadata(None))
        piece.fraction_after = stop / (self.length or 1)
        return piece
