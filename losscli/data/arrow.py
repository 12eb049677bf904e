"""Read Parquet and Feather; convert Arrow columns to NumPy arrays without the pandas that `to_numpy` imports."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from losscli.data import remote
from losscli.data.batch import ROWS_PER_BATCH, rows_per_batch
from losscli.data.files import Input
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.table import Chunk, Column, Kind, SplittableTable, Table, convert
from losscli.errors import DataError

MAX_FOOTER_BYTES = 1 << 16
"""Most bytes of a file's metadata that are pickled along with each of its row groups."""


def to_numpy(column: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    """Return an Arrow column as float64 (NaN where null) or text; lists of one length as a matrix.

    Raises:
        DataError: A value is not a number, or lists differ in length; the message counts rows from `start`.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = []
    for chunk in chunks:
        parts.append(_convert_array(chunk, kind, source, name, start))
        start += len(chunk)
    if not parts:
        return np.zeros(0) if kind is Kind.NUMBER else np.zeros(0, dtype=object)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _convert_array(array: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if _is_list(array.type):
        return _convert_lists(array, kind, source, name, start)
    if kind is Kind.NUMBER and _is_primitive(array.type):
        return _convert_primitive(array)
    return convert(np.array(array.to_pylist(), dtype=object), kind, source, name, start)


def _is_list(type_: Any) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _is_primitive(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_))


def _convert_primitive(array: Any) -> NDArray[Any]:
    valid, data = array.buffers()[:2]
    low, high = array.offset, array.offset + len(array)
    if pa.types.is_boolean(array.type):
        values = _unpack_bits(data, low, high).astype(np.float64)
    else:
        dtype = np.dtype(array.type.to_pandas_dtype()) if not pa.types.is_float16(array.type) else np.dtype("f2")
        values = np.frombuffer(data, dtype=dtype, count=high)[low:].astype(np.float64, copy=False)
    if array.null_count:
        values = np.where(_unpack_bits(valid, low, high), values, np.nan)
    return values


def _unpack_bits(buffer: Any, low: int, high: int) -> NDArray[Any]:
    packed = np.frombuffer(buffer, dtype=np.uint8, count=(high + 7) // 8)
    return np.unpackbits(packed, count=high, bitorder="little")[low:].astype(bool)


def _convert_lists(array: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    if array.null_count or kind is Kind.TEXT:
        raise DataError(f"{source}: column {name!r}: a list is missing, or stands where one value is needed")
    is_fixed = pa.types.is_fixed_size_list(array.type)
    widths = np.unique([array.type.list_size] if is_fixed else array.value_lengths().to_pylist())
    if len(widths) != 1:
        raise DataError(f"{source}: column {name!r}: lists of different lengths ({widths[0]} and {widths[-1]})")
    inner = to_numpy(array.flatten(), kind, source, name, start)
    return inner.reshape(len(array), int(widths[0]), *inner.shape[1:])


def column_of(field: Any) -> Column:
    """Return the column that a field of an Arrow schema describes."""
    type_, trailing = field.type, []
    while _is_list(type_):
        trailing.append(type_.list_size if pa.types.is_fixed_size_list(type_) else 0)
        type_ = type_.value_type
    number = _is_primitive(type_) or pa.types.is_decimal(type_)
    return Column(field.name, Kind.NUMBER if number else Kind.TEXT, tuple(trailing))


def open_arrow(source: Input, format: str) -> Table:
    """Open a Parquet or Feather file; Parquet of several row groups can be split.

    Raises:
        DataError: The file is damaged, or of another format.
    """
    stack = ExitStack()
    is_parquet, opened = format == "parquet", source.open_file if source.seekable_size is not None else None
    try:
        if is_parquet:
            file: Any = ParquetReader(opened or OpenFile(stack.enter_context(source.file()), source.name))
        else:
            file = FeatherReader(stack.enter_context(source.file()))
    except DataError:
        stack.close()
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        stack.close()
        raise DataError(f"{source.name}: is not {format}, or is damaged ({remote.summarize_error(error)})") from None
    can_reopen = is_parquet and opened is not None and file.groups > 0
    table_class = SplittableParquet if can_reopen and file.groups > 1 else ArrowTable
    return table_class(source.name, format, file, stack, source.path if can_reopen else None)


class ArrowTable(Table):
    """A Parquet or Feather file, of which only the wanted columns are read, by record batches."""

    def __init__(self, name: str, format: str, file: Any, stack: ExitStack, path: str | None) -> None:
        """Make a table of an open file; `stack` holds what to close after it."""
        super().__init__(name, format, [column_of(field) for field in file.schema], file.length, path)
        self._file, self._stack = file, stack

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield row groups of a Parquet file that can be opened anew."""
        if self.path is None:
            yield from super().detached_pieces(wanted)
            return
        done = 0
        for i in range(self._file.groups):
            piece = RowGroup(self, self._file, i)
            done += piece.length or 0
            piece.fraction_after = done / (self.length or 1)
            yield piece

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        if not self.length:
            raise self.empty_error()
        done = 0
        for columns in _split_batches(self._file.batches(list(wanted)), wanted, self.name, done):
            done += len(next(iter(columns.values())))
            if self.source is not None:
                self.source.check(is_last=done >= self.length)
            yield columns
            self.fraction_read = done / self.length

    def close(self) -> None:
        self._file.close()
        self._stack.close()
        super().close()


class SplittableParquet(ArrowTable, SplittableTable):
    """A Parquet file of several row groups."""

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self.detached_pieces(wanted)


class RowGroup(Table):
    """A row group of a Parquet file, which is opened when the rows are read."""

    def __init__(self, whole: ArrowTable, file: ParquetReader, group: int) -> None:
        length = file.metadata.row_group(group).num_rows
        super().__init__(whole.name, whole.format, whole.columns, length, file.file.path)
        self._file, self._metadata, self._group = file.file, file.metadata, group

    def __getstate__(self) -> dict[str, Any]:
        """Leave out large metadata: the worker reads them again."""
        return self.__dict__ | ({"_metadata": None} if self._metadata.serialized_size > MAX_FOOTER_BYTES else {})

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        yield from _split_batches(self._read_batches(list(wanted)), wanted, self.name, self.rows_before)
        self._file.check()

    def _read_batches(self, columns: list[str]) -> Iterator[Any]:
        yield from ParquetReader(self._file, self._metadata).batches(columns, [self._group])

    def release(self) -> None:
        self._file.release()


def _split_batches(batches: Iterator[Any], wanted: Mapping[str, Kind], source: str, done: int) -> Iterator[Chunk]:
    """Yield chunks of record batches that have `done` rows before them."""
    step = rows_per_batch(len(wanted))
    try:
        for batch in batches:
            for start in range(0, batch.num_rows, step):
                part = batch.slice(start, step)
                yield {n: to_numpy(part.column(n), k, source, n, done) for n, k in wanted.items()}
                done += part.num_rows
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:  # also buffers that the schema does not fit
        raise DataError(f"{source}: is damaged after row {done} ({remote.summarize_error(error)})") from None


class ParquetReader:
    """Reads record batches of a Parquet file."""

    def __init__(self, file: OpenFile, metadata: Any = None) -> None:
        from pyarrow import parquet

        self.file = file
        source = file.handle() if file.is_remote else pa.PythonFile(FileReader(file), "r")
        self._file = parquet.ParquetFile(source, metadata=metadata, pre_buffer=file.is_remote)
        self.metadata = self._file.metadata
        self.schema = self._file.schema_arrow
        self.length = self.metadata.num_rows
        self.groups = self.metadata.num_row_groups
        self.close = self._file.close

    def batches(self, columns: list[str], groups: list[int] | None = None) -> Iterator[Any]:
        size, threads = ROWS_PER_BATCH, groups is None
        return iter(self._file.iter_batches(batch_size=size, row_groups=groups, columns=columns, use_threads=threads))


class FeatherReader:
    """Reads record batches of a Feather or Arrow IPC file."""

    groups = 1

    def __init__(self, path: str) -> None:
        from pyarrow import feather, ipc

        with open(path, "rb") as file:
            magic = file.read(4)
        if magic == b"FEA1":  # version 1 has no record batches
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # it is about writing them
                table = feather.read_table(path)
            self.schema, self.length = table.schema, table.num_rows
            self.batches = lambda columns: iter(table.select(columns).to_batches())
            self.close = lambda: None
            return
        file = pa.OSFile(path)  # not mapped: a mapped file that another program cuts short kills the process
        self.close = file.close
        self._reader = ipc.open_file(file)
        self.schema = self._reader.schema
        self.length = sum(self._reader.get_batch(i).num_rows for i in range(self._reader.num_record_batches))
        self.batches = self._read_batches

    def _read_batches(self, columns: list[str]) -> Iterator[Any]:
        for i in range(self._reader.num_record_batches):
            yield self._reader.get_batch(i).select(columns)
