"""NPY (mapped, or streamed from a pipe) and NPZ. Nothing is ever unpickled."""

from __future__ import annotations

import math
import mmap
import os
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from losscli.data.batch import ROWS, fitting
from losscli.data.files import STDIN, Input
from losscli.data.table import ArraysTable, Chunk, Column, Kind, SliceableTable, Table, convert
from losscli.errors import DataError

MAPPED = 1 << 23
"""Bytes that are mapped at once, if a batch does not need more."""

PAIR = ("y_true", "y_pred")
PARAMETERS = "parameters"
"""The role of what a penalty is on: it has no rows, so that one number will do."""


def read_npy(source: Input, role: str | None) -> Table:
    """An array as a table: its fields, the pair of an `(N, 2)`, or the one role it was named for."""
    shape, fortran, dtype = _header(source)
    if dtype.hasobject:
        raise DataError(f"{source.name}: holds Python objects, which are never unpickled; save it with a numeric dtype")
    if dtype.kind not in "fiubVUS" or (dtype.kind == "V" and dtype.names is None):
        raise DataError(f"{source.name}: holds {dtype}, not numbers")
    if not shape and role != PARAMETERS:
        raise DataError(f"{source.name}: is one number, not an array of rows")
    shape = shape or (1,)
    if shape[0] == 0:
        raise DataError(f"{source.name}: is empty (shape {shape})")
    columns = _columns(source.name, shape, dtype, role)
    if source.path == STDIN or source.remote or source.compression or fortran:
        return StreamedNpy(source, shape, dtype, fortran, columns)
    return MappedNpy(source.name, source.path, _data_start(source, shape, dtype), shape, dtype, columns)


def _header(source: Input) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        return _read_header(source.stream)
    except (ValueError, EOFError, SyntaxError, tokenize.TokenError, TypeError, KeyError) as error:
        raise DataError(f"{source.name}: is not an NPY file, or is cut short ({str(error).splitlines()[0]})") from None


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(stream)
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    return read(stream)


def _columns(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], role: str | None) -> dict[str, Any]:
    """Column name -> what selects it from the array."""
    if dtype.names:
        if len(shape) != 1:
            raise DataError(f"{name}: has fields and shape {shape}; one record a row is needed")
        return {field: field for field in dtype.names}
    if role:
        return {role: ...}
    if len(shape) == 2 and shape[1] == 2:
        return {column: i for i, column in enumerate(PAIR)}
    raise DataError(
        f"{name}: has shape {shape}; on its own it must be (N, 2): y_true and y_pred. Give two files, or ROLE=FILE"
    )


def _select(array: NDArray[Any], key: Any) -> NDArray[Any]:
    return array if key is ... else array[key] if isinstance(key, str) else array[:, key]


def _data_start(source: Input, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Where the data begins, once the file is seen to hold as many bytes as its header promises."""
    needed = math.prod(shape) * dtype.itemsize
    with open(source.path, "rb") as file:
        _read_header(file)
        start = file.tell()
        there = file.seek(0, os.SEEK_END) - start
    if there < needed:
        raise _cut_short(source.name, there, needed)
    return start


def _cut_short(name: str, there: int, needed: int) -> DataError:
    return DataError(f"{name}: is cut short: its header promises {needed} bytes of data, {there} are there")


class MappedNpy(SliceableTable):
    """Rows of a file, mapped some at a time, so that the file does not end up in memory whole."""

    def __init__(
        self, name: str, path: str, start: int, shape: tuple[int, ...], dtype: np.dtype[Any], columns: Mapping[str, Any]
    ) -> None:
        """The array of this shape and type that begins at byte `start`."""
        self._path, self._start, self._shape, self._dtype, self._keys = path, start, shape, dtype, columns
        described = [_column(column, shape, dtype, key) for column, key in columns.items()]
        super().__init__(name, "npy", described, shape[0], path)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        width = math.prod(self._shape[1:])
        size = fitting(ROWS, width)
        step = max(1, MAPPED // (size * self._dtype.itemsize * width)) * size
        for first in range(0, self._shape[0], step):
            rows = self._map(first, min(step, self._shape[0] - first))
            for start in range(0, len(rows), size):
                at = first + start
                self.fraction_read = at / self._shape[0]
                yield {
                    name: convert(_select(rows[start : start + size], self._keys[name]), kind, self.name, name,
                                  self.rows_before + at)
                    for name, kind in wanted.items()
                }  # fmt: skip

    def _map(self, first: int, count: int) -> NDArray[Any]:
        width = self._dtype.itemsize * math.prod(self._shape[1:])
        offset = self._start + first * width
        before = offset % mmap.ALLOCATIONGRANULARITY
        try:
            file = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                mapped = mmap.mmap(file, before + count * width, access=mmap.ACCESS_READ, offset=offset - before)
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.name}: cannot be read: {error}") from None
        return np.ndarray((count, *self._shape[1:]), self._dtype, mapped, before)

    def rows(self, start: int, stop: int) -> Table:
        offset = self._start + start * self._dtype.itemsize * math.prod(self._shape[1:])
        shape = (stop - start, *self._shape[1:])
        piece = MappedNpy(self.name, self._path, offset, shape, self._dtype, self._keys)
        piece.fraction_after = stop / self._shape[0]
        return piece


def _column(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], key: Any) -> Column:
    kind = (dtype[key] if isinstance(key, str) else dtype).base.kind
    trailing = shape[1:] if key is ... else dtype[key].shape if isinstance(key, str) else ()
    return Column(name, Kind.NUMBER if kind in "fiub" else Kind.TEXT, trailing)


class StreamedNpy(Table):
    """An array that comes through a pipe or out of a compressed file, by rows."""

    def __init__(
        self, source: Input, shape: tuple[int, ...], dtype: np.dtype[Any], fortran: bool, columns: Mapping[str, Any]
    ) -> None:
        self._source, self._shape, self._dtype, self._fortran = source, shape, dtype, fortran
        self._keys = columns
        described = [Column(name, Kind.NUMBER, shape[1:] if key is ... else ()) for name, key in columns.items()]
        super().__init__(source.name, "npy", described, shape[0])
        self._done = 0

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        # columns first (Fortran order) cannot be cut into rows before the end is there
        whole = self._fortran and len(self._shape) > 1
        rows = self._shape[0] if whole else fitting(ROWS, math.prod(self._shape[1:]))
        while self._done < self._shape[0]:
            part = self._read(min(rows, self._shape[0] - self._done))
            yield {
                name: convert(_select(part, self._keys[name]), kind, self.name, name, self._done)
                for name, kind in wanted.items()
            }
            self._done += len(part)
            self.fraction_read = self._done / self._shape[0]

    def _read(self, rows: int) -> NDArray[Any]:
        count = rows * math.prod(self._shape[1:])
        data = self._source.stream.read(count * self._dtype.itemsize)
        if len(data) < count * self._dtype.itemsize:
            before = self._done * math.prod(self._shape[1:]) * self._dtype.itemsize
            raise _cut_short(self.name, before + len(data), math.prod(self._shape) * self._dtype.itemsize)
        order = "F" if self._fortran else "C"
        return np.frombuffer(data, dtype=self._dtype).reshape((rows, *self._shape[1:]), order=order)  # type: ignore[call-overload, no-any-return]


def read_npz(source: Input, role: str | None) -> Table:
    """The arrays of an archive by their names; a lone array is the role it was named for."""
    import zipfile
    import zlib

    stack = ExitStack()
    path = stack.enter_context(source.file())
    try:
        with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
            damaged = archive.testzip()
            if damaged:
                raise DataError(f"{source.name}: {damaged} is damaged")
            read = {name: arrays[name] for name in arrays.files}
    except ValueError as error:
        if "pickle" in str(error).lower() or "Object arrays" in str(error):
            raise DataError(f"{source.name}: holds Python objects, which are never unpickled; "
                            "save it with a numeric dtype") from None  # fmt: skip
        raise DataError(f"{source.name}: is damaged ({str(error).splitlines()[0]})") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, NotImplementedError) as error:
        raise DataError(f"{source.name}: is not an NPZ archive, or is damaged ({error})") from None
    finally:
        stack.close()
    if not read:
        raise DataError(f"{source.name}: holds no arrays")
    if role == PARAMETERS:
        return ArraysTable(source.name, "npz", {name: np.atleast_1d(array) for name, array in read.items()})
    if role and role not in read and len(read) == 1:
        read = {role: next(iter(read.values()))}
    return ArraysTable(source.name, "npz", read)
