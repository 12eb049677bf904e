"""Read record batches of Parquet files: pages of the wanted columns at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from losscli.data.arrow_values import rows_per_read
from losscli.data.batch import BYTES_PER_BATCH, BYTES_PER_FLOAT
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.table import Kind
from losscli.errors import DataError

BYTES_PER_PAGE = 1 << 20
"""Bytes of a page of a Parquet column, as most writers cut them."""

MIN_BYTES_BUFFERED = 1 << 14
"""Fewest bytes of each column that are read at once."""


def check_list_lengths(metadata: Any, wanted: Mapping[str, Kind], source: str) -> None:
    """Refuse lists that are longer in one row group than in another, which no row group could tell alone.

    Raises:
        DataError: The message names the first row of the other group.
    """
    groups = [group for i in range(metadata.num_row_groups) if (group := metadata.row_group(i)).num_rows]
    for j in range(metadata.num_columns):
        column = metadata.schema.column(j)
        name = column.path.partition(".")[0]
        if column.max_repetition_level != 1 or name not in wanted:
            continue
        before = 0
        for group in groups:
            if group.column(j).num_values * groups[0].num_rows != groups[0].column(j).num_values * group.num_rows:
                raise DataError(f"{source}: column {name!r}: the lists from row {before + 1} on have another length")
            before += group.num_rows


def _bytes_per_row(group: Any, columns: Sequence[int]) -> int:
    """Return the bytes of a row of a row group, of which these columns are read, as float64."""
    values = sum(group.column(i).num_values for i in columns)
    return -int(-BYTES_PER_FLOAT * values // group.num_rows)


class ParquetReader:
    """Reads record batches of a Parquet file."""

    def __init__(self, file: OpenFile, metadata: Any = None, coded: Sequence[str] = ()) -> None:
        """Open a file, of which the texts in the columns `coded` come as dictionaries."""
        from pyarrow import parquet

        self.file = file
        source = file.handle() if file.is_remote else pa.PythonFile(FileReader(file), "r")
        self._open = partial(parquet.ParquetFile, source, read_dictionary=list(coded), pre_buffer=file.is_remote)
        self._file = self._open(metadata=metadata)
        self.metadata = self._file.metadata
        self.schema = self._file.schema_arrow
        self._names = frozenset(self.schema.names)
        self.length = self.metadata.num_rows
        self.groups = self.metadata.num_row_groups
        self.close = self._file.close

    def coded(self, wanted: Mapping[str, Kind]) -> ParquetReader:
        """Return a reader of the same file that does not make a text of each code that is wanted."""
        codes = [f.name for f in self.schema if wanted.get(f.name) is Kind.CODES and pa.types.is_string(f.type)]
        return ParquetReader(self.file, self.metadata, codes) if codes else self

    def batches(self, columns: list[str], groups: list[int] | None = None) -> Iterator[Any]:
        found = [self.metadata.row_group(i) for i in (range(self.groups) if groups is None else groups)]
        places = self._places(columns)
        row_bytes = max((_bytes_per_row(group, places) for group in found if group.num_rows), default=0)
        # without a buffer all pages of a column are read at once
        buffer_size = 0 if self.file.is_remote else max(MIN_BYTES_BUFFERED, BYTES_PER_BATCH // max(4, len(places)))
        file = self._open(metadata=self.metadata, buffer_size=buffer_size)
        size, threads = rows_per_read(row_bytes), groups is None
        return iter(file.iter_batches(batch_size=size, row_groups=groups, columns=columns, use_threads=threads))

    def bytes_of_pages(self, columns: Collection[str]) -> int:
        """Return about how many bytes are held while rows of the largest row group are read: pages of each column."""
        group = max(map(self.metadata.row_group, range(self.groups)), key=lambda group: group.num_rows)
        sizes = (group.column(i).total_uncompressed_size for i in self._places(columns))
        return sum(min(size, BYTES_PER_PAGE) for size in sizes)

    def _places(self, columns: Collection[str]) -> list[int]:
        return [i for i in range(self.metadata.num_columns) if self._name(i) in columns]

    def _name(self, column: int) -> str:
        """Return the name of the column whose values, or lists of them, are stored as this one."""
        path: str = self.metadata.schema.column(column).path
        return path if path in self._names else path.partition(".")[0]

    def first_batch(self, columns: list[str]) -> Any:
        """Return a batch of the first rows, None if there are none."""
        return next(self.batches(columns), None)
