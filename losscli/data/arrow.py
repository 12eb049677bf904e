"""Parquet and Feather, and Arrow columns as NumPy arrays (without the pandas that PyArrow's own way imports)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from losscli.data import remote
from losscli.data.batch import ROWS, fitting
from losscli.data.files import Input
from losscli.data.table import Chunk, Column, Kind, SplittableTable, Table, convert
from losscli.errors import DataError

FOOTER = 1 << 16
"""Bytes of metadata that are sent along with a row group."""


def to_numpy(column: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    """An Arrow column as float64 (NaN where null) or text; lists of one length as a matrix."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = []
    for chunk in chunks:
        parts.append(_chunk(chunk, kind, source, name, start))
        start += len(chunk)
    if not parts:
        return np.zeros(0) if kind is Kind.NUMBER else np.zeros(0, dtype=object)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _chunk(array: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        return _lists(array, kind, source, name, start)
    if kind is Kind.NUMBER and _is_primitive(array.type):
        return _numbers(array)
    return convert(np.array(array.to_pylist(), dtype=object), kind, source, name, start)


def _is_primitive(type_: Any) -> bool:
    floating = pa.types.is_floating(type_)
    return bool(pa.types.is_integer(type_) or floating or pa.types.is_boolean(type_))


def _numbers(array: Any) -> NDArray[Any]:
    valid, data = array.buffers()[:2]
    low, high = array.offset, array.offset + len(array)
    if pa.types.is_boolean(array.type):
        values = _bits(data, low, high).astype(np.float64)
    else:
        dtype = np.dtype(array.type.to_pandas_dtype()) if not pa.types.is_float16(array.type) else np.dtype("f2")
        values = np.frombuffer(data, dtype=dtype, count=high)[low:].astype(np.float64, copy=False)
    if array.null_count:
        values = np.where(_bits(valid, low, high), values, np.nan)
    return values


def _bits(buffer: Any, low: int, high: int) -> NDArray[Any]:
    packed = np.frombuffer(buffer, dtype=np.uint8, count=(high + 7) // 8)
    return np.unpackbits(packed, count=high, bitorder="little")[low:].astype(bool)


def _lists(array: Any, kind: Kind, source: str, name: str, start: int) -> NDArray[Any]:
    if array.null_count or kind is Kind.TEXT:
        raise DataError(f"{source}: column {name!r}: a list is missing, or stands where one value is needed")
    widths = np.unique(array.value_lengths().to_pylist() if not pa.types.is_fixed_size_list(array.type)
                       else [array.type.list_size])  # fmt: skip
    if len(widths) != 1:
        raise DataError(f"{source}: column {name!r}: lists of different lengths ({widths[0]} and {widths[-1]})")
    inner = to_numpy(array.flatten(), kind, source, name, start)
    return inner.reshape(len(array), int(widths[0]), *inner.shape[1:])


def column_of(field: Any) -> Column:
    """What a field of an Arrow schema holds."""
    type_, trailing = field.type, []
    while pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        trailing.append(type_.list_size if pa.types.is_fixed_size_list(type_) else 0)
        type_ = type_.value_type
    number = _is_primitive(type_) or pa.types.is_decimal(type_)
    return Column(field.name, Kind.NUMBER if number else Kind.TEXT, tuple(trailing))


def open_arrow(source: Input, format: str) -> Table:
    """Open a Parquet or Feather file; one of several row groups can be split.

    Raises:
        DataError: it is not of the format.
    """
    stack = ExitStack()
    direct = source.remote and not source.compression and format == "parquet"
    path = source.path if direct else stack.enter_context(source.file())
    try:
        file = _OPENERS[format](path)
    except (pa.ArrowException, OSError, ValueError) as error:
        stack.close()
        raise DataError(f"{source.name}: is not {format}, or is damaged ({_line(error)})") from None
    is_shared = format == "parquet" and path == source.path and file.groups > 0
    made = SplittableParquet if is_shared and file.groups > 1 else ArrowTable
    return made(source.name, format, file, stack, path if is_shared else None)


class ArrowTable(Table):
    """Parquet or Feather, by record batches, only the columns that are wanted."""

    def __init__(self, name: str, format: str, file: Any, stack: ExitStack, path: str | None) -> None:
        """Make a table of an open file; `stack` holds what to close after it."""
        super().__init__(name, format, [column_of(field) for field in file.schema], file.length, path)
        self._file, self._stack = file, stack
        self._done = 0

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
        batches = self._file.batches(list(wanted))
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{self.name}: is damaged after row {self._done} ({_line(error)})") from None
            if batch is None:
                return
            for columns in _cut(batch, wanted, self.name, self._done):
                yield columns
                self._done += len(next(iter(columns.values())))
                self.fraction_read = self._done / self.length

    def close(self) -> None:
        self._file.close()
        self._stack.close()
        super().close()


class SplittableParquet(ArrowTable, SplittableTable):
    """A Parquet file of several row groups."""

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self.detached_pieces(wanted)


class RowGroup(Table):
    """A row group of a Parquet file, which is opened when it is read."""

    def __init__(self, whole: ArrowTable, file: _Parquet, group: int) -> None:
        super().__init__(whole.name, whole.format, whole.columns, file.metadata.row_group(group).num_rows, file.path)
        self._path, self._metadata, self._group = file.path, file.metadata, group

    def __getstate__(self) -> dict[str, Any]:
        """Where the file says much about itself, it is to be asked again."""
        return self.__dict__ | ({"_metadata": None} if self._metadata.serialized_size > FOOTER else {})

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        done = self.rows_before
        try:
            for batch in _Parquet(self._path, self._metadata).batches(list(wanted), [self._group]):
                for columns in _cut(batch, wanted, self.name, done):
                    yield columns
                    done += len(next(iter(columns.values())))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.name}: is damaged after row {done} ({_line(error)})") from None


def _cut(batch: Any, wanted: Mapping[str, Kind], source: str, done: int) -> Iterator[Chunk]:
    """A record batch as chunks of some rows, of which so many come before."""
    step = fitting(ROWS, len(wanted))
    for start in range(0, batch.num_rows, step):
        part = batch.slice(start, step)
        try:
            columns = {n: to_numpy(part.column(n), k, source, n, done + start) for n, k in wanted.items()}
        except DataError:
            raise
        except (ValueError, TypeError) as error:  # buffers that are not what the schema says
            raise DataError(f"{source}: is damaged after row {done + start} ({_line(error)})") from None
        yield columns


class _Parquet:
    def __init__(self, path: str, metadata: Any = None) -> None:
        from pyarrow import parquet

        self.path = path
        source = remote.open_file(path) if remote.is_uri(path) else path
        self._file = parquet.ParquetFile(source, memory_map=True, metadata=metadata, pre_buffer=source is not path)
        self.metadata = self._file.metadata
        self.schema = self._file.schema_arrow
        self.length = self.metadata.num_rows
        self.groups = self.metadata.num_row_groups

    def close(self) -> None:
        self._file.close()

    def batches(self, columns: list[str], groups: list[int] | None = None) -> Iterator[Any]:
        threads = groups is None
        return iter(self._file.iter_batches(batch_size=ROWS, row_groups=groups, columns=columns, use_threads=threads))


class _Feather:
    groups = 1

    def __init__(self, path: str) -> None:
        from pyarrow import feather, ipc

        with open(path, "rb") as file:
            magic = file.read(4)
        if magic == b"FEA1":  # version 1 has no record batches
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # PyArrow would rather that nobody wrote them
                table = feather.read_table(path)
            self.schema, self.length = table.schema, table.num_rows
            self.batches = lambda columns: iter(table.select(columns).to_batches())
            self.close = lambda: None
            return
        mapped = pa.memory_map(path)
        self.close = mapped.close
        self._reader = ipc.open_file(mapped)
        self.schema = self._reader.schema
        self.length = sum(self._reader.get_batch(i).num_rows for i in range(self._reader.num_record_batches))
        self.batches = self._stream

    def _stream(self, columns: list[str]) -> Iterator[Any]:
        for i in range(self._reader.num_record_batches):
            yield self._reader.get_batch(i).select(columns)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


_OPENERS: dict[str, Any] = {"parquet": _Parquet, "feather": _Feather}
