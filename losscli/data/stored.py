"""Arrays that are stored under names: their shapes are known, and only those that are wanted are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.table import ROWS_SAMPLED, ArraysTable, Chunk, Column, Kind, SliceableTable, Table
from losscli.data.values import as_text
from losscli.errors import DataError

BYTES_PER_LOAD = 1 << 22
HIGHEST_CODE_POINT = 0x10FFFF


class StoredArray(NamedTuple):
    """An array that `load` reads, all of it or so many of its first rows; its kind is NumPy's, `f` or `i` or `U`.

    `load_text` reads the values from which text is made, if these are not the same.
    """

    shape: tuple[int, ...]
    kind: str
    load: Callable[[int | None], NDArray[Any]]
    load_text: Callable[[int | None], NDArray[Any]] | None = None

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

    def load(self, wanted: Mapping[str, Kind]) -> None:
        for name, kind in wanted.items():
            if name not in self._loaded:
                array = self._arrays[name]
                values = array.load_as(kind)
                self._loaded[name] = values.reshape(array.shape) if values.shape != array.shape else values
        if self.source is not None:
            self.source.check()

    def sample(self, name: str) -> NDArray[Any] | None:
        array = self._arrays[name]
        return as_text(array.load_as(Kind.TEXT, ROWS_SAMPLED)) if len(array.shape) == 1 else None

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        self.load(wanted)
        table = self._table()
        for chunk in table.chunks(wanted):
            self.fraction_read = table.fraction_read
            yield chunk

    def rows(self, start: int, stop: int) -> Table:
        """Return these rows of the arrays that are loaded."""
        return self._table().rows(start, stop)

    def _table(self) -> ArraysTable:
        table = ArraysTable(self.name, self.format, self._loaded)
        table.length = self.length
        return table

    def close(self) -> None:
        self._stack.close()
        super().close()


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
