"""Read NPY (by rows of an open file, or streamed from a pipe) and NPZ. Nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import tokenize
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from losscli.data.batch import rows_per_batch
from losscli.data.files import Input
from losscli.data.open_file import FileReader, OpenFile
from losscli.data.table import ArraysTable, Chunk, Column, Kind, SliceableTable, Table, convert
from losscli.errors import DataError

PARAMETERS = "parameters"
"""The role of the parameters to penalize: it has no rows, so that one number will do."""

PYTHON_OBJECTS = "holds Python objects, which are never unpickled; save it with a numeric dtype"


def read_npy(source: Input, role: str | None) -> Table:
    """Return an array as a table: its fields, y_true and y_pred of an `(N, 2)`, or the role that it was given for.

    Raises:
        DataError: The file is damaged or empty, does not hold numbers or text, or has a shape without rows.
    """
    try:
        shape, fortran, dtype = _read_header(source.stream)
    except (ValueError, EOFError, SyntaxError, tokenize.TokenError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{source.name}: is not an NPY file, or is cut short ({reason})") from None
    if dtype.hasobject:
        raise DataError(f"{source.name}: {PYTHON_OBJECTS}")
    if dtype.kind not in "fiubVUS" or (dtype.kind == "V" and dtype.names is None):
        raise DataError(f"{source.name}: holds {dtype}, not numbers")
    if not shape and role != PARAMETERS:
        raise DataError(f"{source.name}: is one number, not an array of rows")
    shape = shape or (1,)
    if shape[0] == 0:
        raise DataError(f"{source.name}: is empty (shape {shape})")
    layout = ArrayLayout(shape, dtype, _select_columns(source.name, shape, dtype, role))
    file = source.open_file
    if file is None or source.seekable_size is None or source.is_remote or fortran:
        return StreamedNpy(source, layout, fortran)
    return NpyRows(file, _data_start(file, layout), layout)


class ArrayLayout(NamedTuple):
    """An array, and what selects each column from it: a field, a column index, or all of it (`...`)."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    selectors: Mapping[str, Any]

    @property
    def row_size(self) -> int:
        """The number of values in a row."""
        return math.prod(self.shape[1:])

    @property
    def row_bytes(self) -> int:
        return self.row_size * self.dtype.itemsize

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
            chunk[name] = convert(values, kind, source, name, before)
        return chunk


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(stream)
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    return read(stream)


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
    raise DataError(
        f"{name}: has shape {shape}; on its own it must be (N, 2): y_true and y_pred. Give two files, or ROLE=FILE"
    )


def _data_start(file: OpenFile, layout: ArrayLayout) -> int:
    """Return the offset of the data; DataError if the file holds fewer bytes than its header promises."""
    reader = io.BufferedReader(FileReader(file))
    _read_header(reader)
    start, needed = reader.tell(), layout.shape[0] * layout.row_bytes
    there = file.state.size - start
    if there < needed:
        raise _cut_short(file.name, there, needed)
    return start


def _cut_short(name: str, there: int, needed: int) -> DataError:
    return DataError(f"{name}: is cut short: its header promises {needed} bytes of data, {there} are there")


class NpyRows(SliceableTable):
    """Rows of an open file, read a batch at a time.

    They are not mapped into memory: a mapped file that another program cuts short kills the process.
    """

    def __init__(self, file: OpenFile, start: int, layout: ArrayLayout) -> None:
        """Describe an array of this layout that begins at byte `start`."""
        self._file, self._start, self._layout = file, start, layout
        self._n_rows = layout.shape[0]
        super().__init__(file.name, "npy", list(layout.columns()), self._n_rows, file.path)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        shape, dtype, _ = self._layout
        step = rows_per_batch(self._layout.row_size)
        for first in range(0, self._n_rows, step):
            count = min(step, self._n_rows - first)
            data = self._file.read_at(self._offset(first), count * self._layout.row_bytes)
            rows = np.frombuffer(data, dtype).reshape((count, *shape[1:]))
            self.fraction_read = first / self._n_rows
            yield self._layout.chunk(rows, wanted, self.name, self.rows_before + first)

    def _offset(self, row: int) -> int:
        return self._start + row * self._layout.row_bytes

    def rows(self, start: int, stop: int) -> Table:
        layout = self._layout._replace(shape=(stop - start, *self._layout.shape[1:]))
        piece = NpyRows(self._file, self._offset(start), layout)
        piece.fraction_after = stop / self._n_rows
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
        step = self._n_rows if is_by_column else rows_per_batch(self._layout.row_size)
        for start in range(0, self._n_rows, step):
            rows = self._read_rows(start, min(step, self._n_rows - start))
            yield self._layout.chunk(rows, wanted, self.name, start)
            self.fraction_read = (start + len(rows)) / self._n_rows
        self._source.check()

    def _read_rows(self, start: int, count: int) -> NDArray[Any]:
        shape, dtype, _ = self._layout
        row_bytes = self._layout.row_bytes
        data = self._source.stream.read(count * row_bytes)
        if len(data) < count * row_bytes:
            raise _cut_short(self.name, start * row_bytes + len(data), shape[0] * row_bytes)
        order = "F" if self._fortran else "C"
        return np.frombuffer(data, dtype).reshape((count, *shape[1:]), order=order)  # type: ignore[call-overload, no-any-return]


def read_npz(source: Input, role: str | None) -> Table:
    """Return the arrays of an archive by name; a lone array is the role that it was given for.

    Raises:
        DataError: The archive is damaged, holds no arrays, or holds Python objects.
    """
    import zipfile
    import zlib

    with source.file() as path:
        try:
            with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
                damaged = archive.testzip()
                read = {} if damaged else {name: arrays[name] for name in arrays.files}
        except ValueError as error:
            if "pickle" in str(error).lower() or "Object arrays" in str(error):
                raise DataError(f"{source.name}: {PYTHON_OBJECTS}") from None
            raise DataError(f"{source.name}: is damaged ({str(error).splitlines()[0]})") from None
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, NotImplementedError) as error:
            raise DataError(f"{source.name}: is not an NPZ archive, or is damaged ({error})") from None
    if damaged:
        raise DataError(f"{source.name}: {damaged} is damaged")
    if not read:
        raise DataError(f"{source.name}: holds no arrays")
    if role == PARAMETERS:
        return ArraysTable(source.name, "npz", {name: np.atleast_1d(array) for name, array in read.items()})
    if role and role not in read and len(read) == 1:
        read = {role: next(iter(read.values()))}
    return ArraysTable(source.name, "npz", read)
