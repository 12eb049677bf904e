"""Arrays that are stored under names: their shapes are known, and only those that are wanted are loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import bytes_per_row, rows_per_batch
from losscli.data.open_file import OpenFile
from losscli.data.table import ROWS_SAMPLED, ArraysTable, Chunk, Column, Kind, SliceableTable, Table, convert
from losscli.data.values import as_text
from losscli.errors import DataError

BYTES_PER_LOAD = 1 << 22
HIGHEST_CODE_POINT = 0x10FFFF

BYTES_IN_MEMORY = 1 << 25
"""Size of arrays up to which they are loaded whole; of larger ones rows are read where that can be done."""

RowReader = Callable[[int, int], NDArray[Any]]
"""Returns the rows of an array from one up to another, counted from 0."""


class StoredArray(NamedTuple):
    """An array that `load` reads, all of it or so many of its first rows; its kind is NumPy's, `f` or `i` or `U`.

    `load_text` reads the values from which text is made, if these are not the same. `open_rows` returns what reads rows
    of a large array; the stack it is given closes what that takes.
    """

    shape: tuple[int, ...]
    kind: str
    load: Callable[[int | None], NDArray[Any]]
    load_text: Callable[[int | None], NDArray[Any]] | None = None
    open_rows: Callable[[ExitStack], RowReader] | None = None

    def load_as(self, kind: Kind, n_rows: int | None = None) -> NDArray[Any]:
        """Return the values from which numbers or text are made."""
        return (self.load_text if kind is not Kind.NUMBER and self.load_text else self.load)(n_rows)


class StoredArraysTable(SliceableTable):
    """Arrays by name, each loaded when it is wanted."""

    def __init__(self, name: str, format: str, arrays: Mapping[str, StoredArray], stack: ExitStack) -> None:
        """Make a table of arrays; `stack` holds what to close after it."""
        columns = [
            Column(key, Kind.NUMBER if array.kind in "fiub" else Kind.TEXT, array.shape[1:])
            for key, array in arrays.items()
        ]
        lengths = {array.shape[0] for array in arrays.values() if array.shape}
        super().__init__(name, format, columns, lengths.pop() if len(lengths) == 1 else None)
        self._arrays, self._stack = arrays, stack
        self._loaded: dict[str, NDArray[Any]] = {}
        self._readers: dict[str, RowReader] = {}

    def load(self, wanted: Mapping[str, Kind]) -> None:
        for name, kind in wanted.items():
            array = self._arrays[name]
            if name in self._loaded or name in self._readers:
                continue
            if array.open_rows is not None and self.length is not None and kind is Kind.NUMBER:
                self._readers[name] = array.open_rows(self._stack)
            else:
                values = array.load_as(kind)
                self._loaded[name] = values.reshape(array.shape) if values.shape != array.shape else values
        if self.source is not None:
            self.source.check()

    def sample(self, name: str) -> NDArray[Any] | None:
        array = self._arrays[name]
        return as_text(array.load_as(Kind.TEXT, ROWS_SAMPLED)) if len(array.shape) == 1 else None

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        self.load(wanted)
        table = self.rows(0, self.length or 0) if self._readers else self._table()
        table.bytes_beside = self.bytes_beside
        for chunk in table.chunks(wanted):
            self.fraction_read = table.fraction_read
            yield chunk

    def rows(self, start: int, stop: int) -> Table:
        """Return these rows of the arrays that are loaded, or of which rows are read."""
        if not self._readers:
            return self._table().rows(start, stop)
        piece = StoredRows(self.name, self.format, self.columns, stop - start)
        piece.readers = {**self._readers, **{name: _read_from(array) for name, array in self._loaded.items()}}
        piece.start, piece.fraction_after = start, stop / (self.length or 1)
        return piece

    def _table(self) -> ArraysTable:
        table = ArraysTable(self.name, self.format, self._loaded)
        table.length = self.length
        return table

    def close(self) -> None:
        self._stack.close()
        super().close()


class StoredRows(Table):
    """Rows of several arrays, read a batch at a time.

    Attributes:
        readers: Column -> what reads rows of it.
        start: The number of rows before these in the arrays.
    """

    readers: Mapping[str, RowReader]
    start: int

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        shapes = [(0, *column.trailing) for column in self.columns if column.name in wanted]
        total, step = self.length or 0, rows_per_batch(bytes_per_row(shapes) + self.bytes_beside)
        for done in range(0, total, step):
            first, stop = self.start + done, self.start + min(done + step, total)
            self.fraction_read = done / total
            yield {
                name: convert(self.readers[name](first, stop), kind, self.name, name, self.rows_before + done)
                for name, kind in wanted.items()
            }


def _read_from(array: NDArray[Any]) -> RowReader:
    return lambda start, stop: array[start:stop]


def reader_of_rows(file: OpenFile, begin: int, shape: Sequence[int], dtype: np.dtype[Any]) -> RowReader:
    """Return what reads rows of an array of this shape and type, in C order, that begins at a byte of a file."""
    row_bytes = math.prod(shape[1:]) * dtype.itemsize

    def read(start: int, stop: int) -> NDArray[Any]:
        data = file.read_at(begin + start * row_bytes, (stop - start) * row_bytes)
        return np.frombuffer(data, dtype).reshape(stop - start, *shape[1:])

    return read


def read_bytes(stream: IO[bytes], count: int) -> bytearray:
    """Read so many bytes, fewer at the end of the stream; a count that is not true takes no memory."""
    data = bytearray()
    while len(data) < count:
        block = stream.read(min(BYTES_PER_LOAD, count - len(data)))
        if not block:
            break
        data += block
    return data


def check_characters(values: NDArray[Any], source: str, column: str, start: int) -> None:
    """Refuse text whose code points are none: NumPy stores them as they are, Python cannot hold them.

    Raises:
        DataError: The message counts rows from `start`.
    """
    if values.dtype.kind != "U" or not values.size:
        return
    points = np.ascontiguousarray(values).view(values.dtype.byteorder.replace("|", "=") + "u4")
    wrong = points.reshape(len(values), -1).max(axis=1) > HIGHEST_CODE_POINT
    if wrong.any():
        row = start + int(wrong.argmax()) + 1
        raise DataError(f"{source}: column {column!r}, row {row}: is not text: the file is damaged")
