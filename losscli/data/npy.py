"""Read NPY (by rows of an open file, or streamed from a pipe) and NPZ. Nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from losscli.data.batch import bytes_per_row, rows_per_batch
from losscli.data.files import Input, copy_to_file
from losscli.data.formats import FORMAT_BY_MAGIC
from losscli.data.identifiers import has_identifier_name
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.remote import summarize_error
from losscli.data.stored import (
    BYTES_IN_MEMORY,
    RowReader,
    StoredArray,
    StoredArraysTable,
    check_characters,
    read_bytes,
    reader_of_rows,
)
from losscli.data.table import ROWS_SAMPLED, Chunk, Column, Kind, SliceableTable, Table, convert
from losscli.errors import DataError
from losscli.messages import Hint

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

VERSIONS = ((1, 0), (2, 0), (3, 0))

BYTES_BY_COLUMN = 1 << 24
"""Bytes of rows that are read at once, at most, of an array that is stored by column: each column is a read."""

BYTES_PER_SURPLUS = 1 << 16
"""Most bytes that are read behind an array, to say that they are there."""

PARAMETERS = "parameters"
"""The role of the parameters to penalize: it has no rows, so that one number will do."""

PYTHON_OBJECTS = "holds Python objects, which are never unpickled; save it with a numeric dtype"


def read_npy(source: Input, role: str | None) -> Table:
    """Return an array as a table: its fields, y_true and y_pred of an `(N, 2)`, or the role that it was given for.

    Raises:
        DataError: The file is damaged or empty, does not hold numbers or text, or has a shape without rows.
    """
    shape, fortran, dtype = _check_header(source.stream, source.name)
    _check_dtype(dtype, source.name)
    if not shape and role != PARAMETERS:
        raise DataError(f"{source.name}: is one number, not an array of rows")
    shape = shape or (1,)
    if shape[0] == 0:
        raise DataError(f"{source.name}: is empty (shape {shape})")
    layout = ArrayLayout(shape, dtype, _select_columns(source.name, shape, dtype, role))
    file = source.open_file
    if file is None or source.seekable_size is None or source.is_remote:
        return StreamedNpy(source, layout, fortran)
    return NpyRows(file, _data_start(file, layout), layout, fortran)


class ArrayLayout(NamedTuple):
    """An array, and what selects each column from it: a field, a column index, or all of it (`...`)."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    selectors: Mapping[str, Any]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def batch_rows(self, wanted: Mapping[str, Kind], bytes_beside: int) -> int:
        """Return how many rows are read at once, of all columns as they are stored, to be converted to float64."""
        converted = bytes_per_row((0, *column.trailing) for column in self.columns() if column.name in wanted)
        return rows_per_batch(max(self.row_bytes, converted) + bytes_beside)

    def columns(self) -> Iterator[Column]:
        for name, selector in self.selectors.items():
            type_ = self.dtype[selector] if isinstance(selector, str) else self.dtype
            trailing = self.shape[1:] if selector is ... else type_.shape if isinstance(selector, str) else ()
            yield Column(name, Kind.NUMBER if type_.base.kind in "fiub" else Kind.TEXT, trailing)

    def chunk(self, rows: NDArray[Any], wanted: Mapping[str, Kind], source: str, before: int) -> Chunk:
        """Return the wanted columns of some rows, which have so many rows before them in the source."""
        chunk = {}
        for name, kind in wanted.items():
            selector = self.selectors[name]
            values = rows[:, selector] if isinstance(selector, int) else rows[selector]
            check_characters(values, source, name, before)
            chunk[name] = convert(values, kind, source, name, before)
        return chunk


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(stream)
    if version not in VERSIONS:
        raise ValueError(f"it is of version {version[0]}.{version[1]}")
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if version >= (3, 0) and dtype.names:  # NumPy's public functions take the header of version 3 for Latin-1
        dtype.names = tuple(name.encode("latin-1").decode("utf-8") for name in dtype.names)
    return shape, fortran, dtype


def _check_header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and dtype of the array that begins here.

    Raises:
        DataError: No array does, or its header is damaged.
    """
    try:
        shape, fortran, dtype = _read_header(stream)
        if any(isinstance(size, bool) or size < 0 for size in shape):
            raise ValueError(f"its shape is {shape}")
    except DataError:
        raise
    except Exception as error:  # the header is Python text, and NumPy lets through whatever reading it raises
        reason = re.sub(r" at 0x[0-9a-fA-F]+", "", summarize_error(error))
        raise DataError(f"{name}: is not an NPY file, or is cut short ({reason})") from None
    return shape, fortran, dtype


def _check_dtype(dtype: np.dtype[Any], name: str) -> None:
    """Refuse Python objects, and what is neither numbers nor text."""
    if dtype.hasobject:
        raise DataError(f"{name}: {PYTHON_OBJECTS}")
    if dtype.kind not in "fiubVUS" or (dtype.kind == "V" and dtype.names is None):
        raise DataError(f"{name}: holds {dtype}, not numbers")
    if dtype.itemsize == 0:
        raise DataError(f"{name}: holds {dtype}: values of no bytes")


def _select_columns(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], role: str | None) -> dict[str, Any]:
    """Return column name -> what selects it from the array."""
    if dtype.names:
        if len(shape) != 1:
            raise DataError(f"{name}: has fields and shape {shape}; one record per row is needed")
        return {field: field for field in dtype.names}
    if role:
        return {role: ...}
    if len(shape) == 2 and shape[1] == 2:
        return {"y_true": 0, "y_pred": 1}
    problem = f"{name}: has shape {shape}; on its own it must be (N, 2): y_true and y_pred"
    raise DataError(problem, Hint.NAME_ROLES)


def _data_start(file: OpenFile, layout: ArrayLayout) -> int:
    """Return the offset of the data; DataError if the file holds fewer bytes than its header promises."""
    reader = io.BufferedReader(FileReader(file))
    _read_header(reader)
    start, needed = reader.tell(), layout.shape[0] * layout.row_bytes
    there = file.state.size - start
    if there != needed:
        raise _wrong_size(file.name, there, needed)
    return start


def _wrong_size(name: str, there: int, needed: int) -> DataError:
    problem = "is cut short" if there < needed else "holds more than one array, or is damaged"
    return DataError(f"{name}: {problem}: its header promises {needed} bytes of data, {there} are there")


class NpyRows(SliceableTable):
    """Rows of an open file, read a batch at a time.

    They are not mapped into memory: a mapped file that another program cuts short kills the process.
    """

    def __init__(
        self,
        file: OpenFile,
        begin: int,
        layout: ArrayLayout,
        is_by_column: bool = False,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Describe the rows of a `span`, or all, of an array of this layout that begins at a byte of a file."""
        self._file, self._begin, self._layout, self._is_by_column = file, begin, layout, is_by_column
        self._span = span or (0, layout.shape[0])
        super().__init__(file.name, "npy", list(layout.columns()), self._span[1] - self._span[0], file.path)

    def sample(self, name: str) -> NDArray[Any] | None:
        rows = self._read(0, min(ROWS_SAMPLED, self._count))
        values: NDArray[Any] = self._layout.chunk(rows, {name: Kind.TEXT}, self.name, 0)[name]
        return values

    @property
    def _count(self) -> int:
        return self._span[1] - self._span[0]

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        step = self._layout.batch_rows(wanted, self.bytes_beside)
        per_read = max(step, BYTES_BY_COLUMN // self._layout.row_bytes // step * step) if self._is_by_column else step
        for done in range(0, self._count, per_read):
            rows = self._read(done, min(per_read, self._count - done))
            self.fraction_read = done / self._count
            for start in range(0, len(rows), step):
                before = self.rows_before + done + start
                yield self._layout.chunk(rows[start : start + step], wanted, self.name, before)

    def _read(self, first: int, count: int) -> NDArray[Any]:
        """Return some rows."""
        shape, dtype, _ = self._layout
        first += self._span[0]
        if not self._is_by_column:
            return reader_of_rows(self._file, self._begin, shape, dtype)(first, first + count)
        size, data = dtype.itemsize, bytearray()
        for column in range(math.prod(shape[1:])):
            data += self._file.read_unchecked(self._begin + (column * shape[0] + first) * size, count * size)
        self._file.check()
        return np.frombuffer(data, dtype).reshape((count, *shape[1:]), order="F")

    def rows(self, start: int, stop: int) -> Table:
        first = self._span[0]
        piece = NpyRows(self._file, self._begin, self._layout, self._is_by_column, (first + start, first + stop))
        piece.fraction_after = stop / self._count
        return piece

    def release(self) -> None:
        self._file.release()


class StreamedNpy(Table):
    """Rows of an array that is read from a pipe or a compressed file."""

    def __init__(self, source: Input, layout: ArrayLayout, fortran: bool) -> None:
        self._source, self._layout, self._fortran = source, layout, fortran
        self._n_rows = layout.shape[0]
        super().__init__(source.name, "npy", list(layout.columns()), self._n_rows)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        # an array that is stored by column has no complete row before its end
        is_by_column = self._fortran and len(self._layout.shape) > 1
        step = self._n_rows if is_by_column else self._layout.batch_rows(wanted, self.bytes_beside)
        for start in range(0, self._n_rows, step):
            rows = self._read_rows(start, min(step, self._n_rows - start))
            if start + len(rows) == self._n_rows:
                self._check_end()
            yield self._layout.chunk(rows, wanted, self.name, start)
            self.fraction_read = (start + len(rows)) / self._n_rows
        self._source.check()

    def _check_end(self) -> None:
        surplus = len(self._source.stream.read(BYTES_PER_SURPLUS))
        if surplus:
            needed = self._n_rows * self._layout.row_bytes
            raise _wrong_size(self.name, needed + surplus, needed)

    def _read_rows(self, start: int, count: int) -> NDArray[Any]:
        shape, dtype, _ = self._layout
        row_bytes = self._layout.row_bytes
        data = read_bytes(self._source.stream, count * row_bytes)
        if len(data) < count * row_bytes:
            raise _wrong_size(self.name, start * row_bytes + len(data), shape[0] * row_bytes)
        order = "F" if self._fortran else "C"
        return np.frombuffer(data, dtype).reshape((count, *shape[1:]), order=order)  # type: ignore[call-overload, no-any-return]


def read_npz(source: Input, role: str | None) -> Table:
    """Return the arrays of an archive by name; a lone array is the role that it was given for.

    Raises:
        DataError: The archive is damaged or encrypted, holds no arrays, or two of one name.
    """
    import zipfile

    if FORMAT_BY_MAGIC.get(source.head()[:4]) != "npz":  # zipfile finds an archive behind other bytes, NumPy does not
        raise DataError(f"{source.name}: is not an NPZ archive: it does not begin like one")
    with ExitStack() as stack:
        path = stack.enter_context(source.file())
        arrays: dict[str, StoredArray] = {}
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            for member in archive.infolist():
                if member.is_dir():
                    continue
                array = _describe_member(archive, member, source.name)
                key = member.filename.removesuffix(".npy")
                if array is not None and key in arrays:
                    raise DataError(f"{source.name}: holds two arrays called {key!r}")
                if array is not None:
                    arrays[key] = array
        except DataError:
            raise
        except Exception as error:  # zipfile lets through whatever its decoders raise
            problem = f"is not an NPZ archive, or is damaged ({summarize_error(error)})"
            raise DataError(f"{source.name}: {problem}") from None
        if not arrays:
            raise DataError(f"{source.name}: holds no arrays")
        if role == PARAMETERS:
            arrays = {name: array._replace(shape=array.shape or (1,)) for name, array in arrays.items()}
        elif role and role not in arrays and len(arrays) == 1 and not has_identifier_name(next(iter(arrays))):
            arrays = {role: next(iter(arrays.values()))}
        return StoredArraysTable(source.name, "npz", arrays, stack.pop_all())


def _describe_member(archive: ZipFile, member: ZipInfo, name: str) -> StoredArray | None:
    """Return the array in a member, of which only the header is read; None if it holds none.

    A large one is unpacked to a temporary file once its rows are read.

    Raises:
        DataError: The header is damaged, or does not fit the size of the member.
    """
    label = f"{name}: {member.filename}"
    if member.flag_bits & 1:
        raise DataError(f"{label}: is encrypted; unpack the archive, and give the arrays")
    with archive.open(member) as stream:
        if stream.read(len(npy_format.MAGIC_PREFIX)) != npy_format.MAGIC_PREFIX:
            if member.filename.endswith(".npy"):
                raise DataError(f"{label}: is not an NPY file, or is damaged")
            return None
    with archive.open(member) as stream:
        shape, fortran, dtype = _check_header(stream, label)
        n_bytes = member.file_size - stream.tell()
    needed = math.prod(shape) * dtype.itemsize
    if n_bytes != needed and not dtype.hasobject:
        raise _wrong_size(label, n_bytes, needed)

    def load(n_rows: int | None) -> NDArray[Any]:
        _check_dtype(dtype, label)
        is_sample = n_rows is not None and len(shape) == 1
        wanted = (min(n_rows, *shape),) if n_rows is not None and is_sample else shape
        n_wanted = math.prod(wanted) * dtype.itemsize
        try:
            with archive.open(member) as stream:
                _read_header(stream)
                data = read_bytes(stream, n_wanted)
                surplus = 0 if is_sample else len(stream.read(BYTES_PER_SURPLUS))  # compares the checksum at the end
        except Exception as error:
            raise DataError(f"{label}: is damaged ({summarize_error(error)})") from None
        if len(data) + surplus != n_wanted:
            raise _wrong_size(label, len(data) + surplus, n_wanted)
        array = np.frombuffer(data, dtype).reshape(wanted, order="F" if fortran else "C")
        if array.ndim:
            check_characters(array, name, member.filename.removesuffix(".npy"), 0)
        return array

    def open_rows(stack: ExitStack) -> RowReader:
        _check_dtype(dtype, label)
        try:
            with archive.open(member) as stream:
                _read_header(stream)
                copy = stack.enter_context(copy_to_file(cast(BinaryIO, stream)))  # compares the checksum at the end
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{label}: is damaged ({summarize_error(error)})") from None
        file = OpenFile(copy.name, label)
        if file.state.size != needed:
            raise _wrong_size(label, file.state.size, needed)
        return reader_of_rows(file, 0, shape, dtype)

    is_large = needed > BYTES_IN_MEMORY and not fortran and dtype.kind in "fiub"
    return StoredArray(shape, "O" if dtype.hasobject else dtype.kind, load, open_rows=open_rows if is_large else None)
