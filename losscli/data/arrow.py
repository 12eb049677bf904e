"""Read Parquet, Feather and Arrow streams; convert columns to NumPy without the pandas that `to_numpy` imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from losscli.data import remote
from losscli.data.arrow_ipc import open_ipc
from losscli.data.arrow_values import (
    decimals_to_floats,
    is_primitive,
    is_vector,
    number_array,
    primitives_to_floats,
    stored_numbers,
    vector_size,
    vectors_to_matrix,
)
from losscli.data.batch import BYTES_PER_FLOAT, rows_per_batch
from losscli.data.coded_text import MISSING_CODE, CodedText, concat_columns
from losscli.data.files import Input
from losscli.data.formats import FORMAT_BY_MAGIC
from losscli.data.open_file import OpenFile
from losscli.data.parquet import ParquetReader, check_list_lengths
from losscli.data.table import ROWS_SAMPLED, Chunk, Column, Kind, SplittableTable, Table, convert, count_chunk_rows
from losscli.data.values import column_label, one_value_error
from losscli.errors import DataError
from losscli.messages import Hint

MAX_FOOTER_BYTES = 1 << 16
"""Most bytes of a file's metadata that are pickled along with each of its row groups."""


def to_numpy(column: Any, kind: Kind, source: str, name: str, start: int) -> Any:
    """Return an Arrow column as float64 (NaN where null), text or codes; lists of one length as a matrix.

    Raises:
        DataError: A value is not a number, or lists differ in length; the message counts rows from `start`.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = []
    for chunk in chunks:
        parts.append(_convert_array(chunk, kind, source, name, start))
        start += len(chunk)
    return concat_columns(parts or [convert(np.zeros(0), kind, source, name, start)])


def _convert_array(array: Any, kind: Kind, source: str, name: str, start: int) -> Any:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return _convert_dictionary(array, kind, source, name, start)
    if pa.types.is_run_end_encoded(type_):
        import pyarrow.compute

        return _convert_array(pyarrow.compute.run_end_decode(array), kind, source, name, start)
    if is_vector(type_) and kind is Kind.NUMBER:
        return vectors_to_matrix(array, source, name, start)
    if _is_list(type_):
        return _convert_lists(array, kind, source, name, start)
    if kind is Kind.NUMBER:
        if is_primitive(type_):
            return primitives_to_floats(array)
        if pa.types.is_decimal(type_):
            return decimals_to_floats(array)
        if pa.types.is_temporal(type_):
            raise DataError(f"{column_label(source, name)}: holds dates or times ({type_}), not numbers")
    if pa.types.is_nested(type_):
        raise one_value_error(column_label(source, name), str(type_))
    if pa.types.is_float16(type_):  # PyArrow below 18 has neither codes nor Python's floats of these
        array = number_array(primitives_to_floats(array), np.array(array.is_null().to_pylist(), dtype=bool))
    if kind is Kind.CODES and not pa.types.is_null(type_):
        return _convert_array(array.dictionary_encode(), kind, source, name, start)
    return convert(np.array(array.to_pylist(), dtype=object), kind, source, name, start)


def _convert_dictionary(array: Any, kind: Kind, source: str, name: str, start: int) -> Any:
    if kind is Kind.CODES:
        names = _convert_array(array.dictionary, Kind.TEXT, source, name, start)
        codes = primitives_to_floats(array.indices)
        codes[np.isnan(codes)] = MISSING_CODE
        return CodedText.of(codes, names.tolist())
    if kind is Kind.TEXT and not array.null_count and not array.dictionary.null_count:
        words = _convert_array(array.dictionary, kind, source, name, start)
        return words[stored_numbers(array.indices)]
    return _convert_array(array.dictionary_decode(), kind, source, name, start)


def row_bytes_of(batch: Any) -> int:
    """Return the bytes of a row of a record batch as float64."""
    return BYTES_PER_FLOAT * sum(map(_values_per_row, batch.columns))


def _values_per_row(column: Any) -> int:
    values = column.storage if isinstance(column, pa.ExtensionArray) else column
    while _is_list(values.type):
        values = values.flatten()
    if is_vector(values.type):
        return vector_size(values)
    return -(-len(values) // max(1, len(column)))


def _is_list(type_: Any) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _convert_lists(array: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    if kind is not Kind.NUMBER:
        raise one_value_error(column_label(source, name))
    if array.null_count:
        row = start + array.is_null().to_pylist().index(True) + 1
        raise DataError(f"{column_label(source, name)}, row {row}: a list is missing")
    is_fixed = pa.types.is_fixed_size_list(array.type)
    widths = np.full(len(array), array.type.list_size) if is_fixed else stored_numbers(array.value_lengths())
    width = int(widths[0]) if len(widths) else 0
    if (widths != width).any():
        other = int((widths != width).argmax())
        problem = f"a list of {widths[other]} values, the first has {width}: lists of different lengths"
        raise DataError(f"{column_label(source, name)}, row {start + other + 1}: {problem}", Hint.PAD_ROWS)
    inner: NDArray[Any] = to_numpy(array.flatten(), kind, source, name, start)
    return inner.reshape(len(array), width, *inner.shape[1:])


def column_of(field: Any) -> Column:
    """Return the column that a field of an Arrow schema describes; lists of any length have width 0."""
    type_, trailing = field.type, []
    if isinstance(type_, pa.ExtensionType):
        type_ = type_.storage_type
    while _is_list(type_):
        trailing.append(type_.list_size if pa.types.is_fixed_size_list(type_) else 0)
        type_ = type_.value_type
    if is_vector(type_):
        return Column(field.name, Kind.NUMBER, (*trailing, 0))
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        type_ = type_.value_type
    number = is_primitive(type_) or pa.types.is_decimal(type_)
    return Column(field.name, Kind.NUMBER if number else Kind.TEXT, tuple(trailing))


class IndexRange(NamedTuple):
    """The index of a frame that pandas describes in the metadata instead of writing it: start, start + step, ..."""

    name: str
    start: int
    step: int

    def values(self, rows_before: int, count: int, kind: Kind) -> Any:
        """Return the values of some rows."""
        values = self.start + self.step * np.arange(rows_before, rows_before + count)
        return convert(values, kind, "", self.name, rows_before)


def read_index(schema: Any) -> tuple[frozenset[str], tuple[IndexRange, ...]]:
    """Return the columns that pandas wrote for the index of a frame, and the index that has a name but no column."""
    try:
        described = schema.pandas_metadata
    except ValueError:  # not JSON
        described = None
    entries = described.get("index_columns") if isinstance(described, dict) else None
    columns, ranges = set(), []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            columns.add(entry)
        elif isinstance(entry, dict) and entry.get("kind") == "range":
            name, start, step = (entry.get(key) for key in ("name", "start", "step"))
            if isinstance(name, str) and name not in schema.names and isinstance(start, int) and isinstance(step, int):
                ranges.append(IndexRange(name, start, step))
    return frozenset(columns), tuple(ranges)


def open_arrow(source: Input, format: str) -> Table:
    """Open a Parquet or Feather file, or a stream of Arrow; Parquet of several row groups can be split.

    It is split at the same rows where it is a temporary copy of a pipe, so that the digits are the same.

    Raises:
        DataError: The file is damaged, or of another format.
    """
    stack = ExitStack()
    opened = source.open_file if source.seekable_size is not None else None
    try:
        file: Any
        if format == "parquet":
            if FORMAT_BY_MAGIC.get(source.head()[:4]) != "parquet":
                raise DataError(f"{source.name}: is not parquet, or is damaged (it does not begin like it)")
            file = ParquetReader(opened or OpenFile(stack.enter_context(source.file()), source.name))
        else:
            file = open_ipc(source, stack)
        columns = [column_of(field) for field in file.schema]
    except DataError:
        stack.close()
        raise
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError, MemoryError) as error:
        stack.close()
        raise DataError(f"{source.name}: is not {format}, or is damaged ({remote.summarize_error(error)})") from None
    can_reopen = format == "parquet" and opened is not None and file.groups > 0
    table_class = SplittableParquet if format == "parquet" and file.groups > 1 else ArrowTable
    table = table_class(source.name, format, columns, file, stack, source.path if can_reopen else None)
    table.repeated = frozenset(name for name, count in Counter(file.schema.names).items() if count > 1)
    return table


class ArrowTable(Table):
    """A Parquet or Feather file, or a stream, of which only the wanted columns are converted, by record batches."""

    def __init__(
        self, name: str, format: str, columns: Sequence[Column], file: Any, stack: ExitStack, path: str | None
    ) -> None:
        """Make a table of an open file; `stack` holds what to close after it."""
        stored, self.ranges = read_index(file.schema)
        columns = [*columns, *(Column(index.name, Kind.NUMBER) for index in self.ranges)]
        super().__init__(name, format, columns, file.length, path)
        self._file, self._stack = file, stack
        self.index_columns = stored | {index.name for index in self.ranges}

    def sample(self, name: str) -> NDArray[Any] | None:
        for index in self.ranges:
            if index.name == name:
                computed: NDArray[Any] = index.values(0, min(ROWS_SAMPLED, self.length or 0), Kind.TEXT)
                return computed
        try:
            batch = self._file.first_batch([name])
        except (pa.ArrowException, OSError, ValueError, TypeError):  # reading the table says what is wrong
            batch = None
        if batch is None:
            return None
        read: NDArray[Any] = to_numpy(batch.slice(0, ROWS_SAMPLED).column(name), Kind.TEXT, self.name, name, 0)
        return read

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield row groups of a Parquet file that can be opened anew."""
        return super().detached_pieces(wanted) if self.path is None else self.row_groups(wanted)

    def row_groups(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield the row groups of a Parquet file."""
        check_list_lengths(self._file.metadata, wanted, self.name)
        done = 0
        for i in range(self._file.groups):
            piece = RowGroup(self, self._file, i)
            done += piece.length or 0
            piece.fraction_after = done / (self.length or 1)
            yield piece

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        done = 0
        file = self._file.coded(wanted) if isinstance(self._file, ParquetReader) else self._file
        for columns in split_batches(file.batches, wanted, self.name, done, self.ranges):
            done += count_chunk_rows(columns)
            if self.source is not None:
                self.source.check(is_last=self.length is None or done >= self.length)
            yield columns
            self.fraction_read = done / self.length if self.length else None
        check_row_count(self, done)
        if not done:
            raise self.empty_error()

    def close(self) -> None:
        self._file.close()
        self._stack.close()
        super().close()


class SplittableParquet(ArrowTable, SplittableTable):
    """A Parquet file of several row groups."""

    def chunks_beforehand(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk] | None:
        return (chunk for group in self.row_groups(wanted) for chunk in group.chunks(wanted))

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        self.bytes_per_piece = self._file.bytes_of_pages(wanted)
        return self.row_groups(wanted)


class RowGroup(Table):
    """A row group of a Parquet file, which is opened when the rows are read."""

    def __init__(self, whole: ArrowTable, file: ParquetReader, group: int) -> None:
        length = file.metadata.row_group(group).num_rows
        super().__init__(whole.name, whole.format, whole.columns, length, whole.path)
        self._file, self._metadata, self._group = file.file, file.metadata, group
        self._ranges = whole.ranges

    def __getstate__(self) -> dict[str, Any]:
        """Leave out large metadata: the worker reads them again."""
        return self.__dict__ | ({"_metadata": None} if self._metadata.serialized_size > MAX_FOOTER_BYTES else {})

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        done = 0
        read = partial(self._read_batches, wanted)
        for columns in split_batches(read, wanted, self.name, self.rows_before, self._ranges):
            done += count_chunk_rows(columns)
            yield columns
        self._file.check()
        check_row_count(self, done)

    def _read_batches(self, wanted: Mapping[str, Kind], columns: list[str]) -> Iterator[Any]:
        yield from ParquetReader(self._file, self._metadata).coded(wanted).batches(columns, [self._group])

    def release(self) -> None:
        self._file.release()


def check_row_count(table: Table, done: int) -> None:
    """Raise a DataError if fewer rows were read than there are: Arrow ends where the pages of one column do."""
    if table.length is not None and done != table.length:
        raise DataError(f"{table.name}: is damaged: {done} rows were read where {table.length} were written")


def split_batches(
    read: Callable[[list[str]], Iterator[Any]],
    wanted: Mapping[str, Kind],
    source: str,
    done: int,
    ranges: Sequence[IndexRange],
) -> Iterator[Chunk]:
    """Yield chunks of record batches that have `done` rows before them."""
    computed = [index for index in ranges if index.name in wanted]
    stored = {name: kind for name, kind in wanted.items() if name not in [index.name for index in computed]}
    shapes: dict[str, tuple[int, ...]] = {}
    no_chunk: Any = {}
    try:
        batches = read(list(stored))
        while (batch := next(batches, None)) is not None:
            step = rows_per_batch(row_bytes_of(batch) + BYTES_PER_FLOAT * len(computed))
            for start in range(0, batch.num_rows, step):
                part = batch.slice(start, step)
                chunk = {n: to_numpy(part.column(n), k, source, n, done) for n, k in stored.items()}
                for name, values in chunk.items():
                    if values.shape[1:] != shapes.setdefault(name, values.shape[1:]):
                        shown = f"lists of {values.shape[1:]}, the first have {shapes[name]}"
                        raise DataError(f"{column_label(source, name)}, row {done + 1}: {shown}")
                yield chunk | {i.name: i.values(done, part.num_rows, wanted[i.name]) for i in computed}
                done += part.num_rows
            batch = part = chunk = no_chunk  # not held while the next one is read
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError) as error:
        where = f"{source}: " if source else ""
        raise DataError(f"{where}is damaged after row {done} ({remote.summarize_error(error)})") from None
