"""A table: named columns that come in chunks of rows. What every reader makes and the rest reads."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS, fitting
from losscli.errors import DataError

Chunk = dict[str, NDArray[Any]]
"""Column -> values of some rows: float64 for numbers (NaN where missing), text (None where missing) otherwise."""

MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "-nan", "-NaN", "null", "NULL", "Null",
                     "None", "none", "<NA>"})  # fmt: skip
"""Texts that stand for no number. As a class name each of them but the empty one is a name."""


class Kind(enum.StrEnum):
    """What a column holds."""

    NUMBER = "number"
    TEXT = "text"


class Column(NamedTuple):
    """A column: `trailing` is the shape of one row's value, () for one number."""

    name: str
    kind: Kind
    trailing: tuple[int, ...] = ()


class RowOffsets:
    """Tells the pieces of a table, as they come, which rows are before them: errors name rows by their own file."""

    def __init__(self, table: Table) -> None:
        self._table, self._file = table, -1

    def tell(self, piece: Table, rows: int) -> None:
        """The next piece, before which there are so many rows in all files."""
        if piece.file != self._file:
            self._file = piece.file
            self._table.file_offsets.append((rows, piece.name))
        piece.file_offsets = self._table.file_offsets[-1:]
        piece.before = rows - piece.file_offsets[0][0]


class Divisible(Protocol):
    """Something to be read by pieces."""

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]: ...


class Closable(Protocol):
    """Something to be closed."""

    def close(self) -> None: ...


class SplitInsideQuotes(Exception):  # noqa: N818 - nothing is wrong with the data
    """A piece does not end where a row does, which only those before it could tell."""


class Table:
    """Base of what readers return.

    `name` is how messages call it, `length` its rows where known beforehand, `repeated` the names that several columns
    had; all but the first of these have a number behind theirs. One that is `divisible` can be read by pieces (where
    these are `small_pieces` their columns can be held), one that is `sliceable` by ranges of rows.

    Of a piece, `before` is how many rows come before it in its file, `file` which one that is of several, and `then`
    what comes after it that it knows nothing of. `reached` is the part of the whole that has been read by pieces. The
    rows of a piece that is `loaded` are in memory; those of one that is not can be read by whoever has the file, as can
    all pieces of a table that is `lasting`, even once it is closed.

    `starts` are the names of several files, each with the rows that come before it, as far as they are known; `order`
    are the places that rows were taken from where they were put in the order of another table.
    """

    can_split = False
    small_pieces = False
    can_slice = False
    is_file_backed = False
    in_memory = False

    def __init__(self, name: str, format: str, columns: Sequence[Column], length: int | None = None) -> None:
        self.name = name
        self.format = format
        self.columns = list(columns)
        self.length = length
        self.source: Closable | None = None
        self.repeated: frozenset[str] = frozenset()
        self.before = 0
        self.file = 0
        self.file_offsets: list[tuple[int, str]] = []
        self.order: NDArray[np.intp] | None = None
        self.following: Divisible | None = None
        self.fraction_read: float | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to where it is read: that need not know what comes after, nor what is open here."""
        return self.__dict__ | {"source": None, "then": None}

    def outline(self) -> Table:
        """What it is called and what its columns are, without any rows."""
        return Table(self.name, self.format, self.columns, self.length)

    def file_and_row(self, row: int) -> tuple[str, int]:
        """The file of a row, which is counted from 1 over all files, and its number there."""
        row = row if self.order is None else int(self.order[row - 1]) + 1
        before, name = next((start for start in reversed(self.file_offsets) if start[0] < row), (0, self.name))
        return name, row - before

    def close(self) -> None:
        """Let go of what is read from."""
        if self.source is not None:
            self.source.close()

    def quoted_name(self, name: str) -> str:
        """A column's name, quoted; of several columns of one name, that and which of them it is."""
        base, _, count = name.rpartition(".")
        return f"{base!r} no. {int(count) + 1}" if base in self.repeated and count.isdigit() else repr(name)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        """The wanted columns, some rows at a time. May be called once."""
        raise NotImplementedError

    def progress(self) -> float | None:
        """The part that has been read, 0 to 1, where it can be told."""
        return None

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Tables that are this one when read one after the other; where they are cut, the data alone decides.

        A piece of a file can be pickled, and opens the file when it is read. May be called once.
        """
        return iter([self])

    def remaining_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Pieces in place of this one, which is torn, and of all that follow it."""
        raise NotImplementedError

    def rows(self, start: int, stop: int) -> Table:
        """A range of rows, of a table that is sliceable."""
        raise NotImplementedError

    def empty_error(self) -> DataError:
        """The error that there are no rows."""
        return DataError(f"{self.name}: has columns but no rows")


class ArraysTable(Table):
    """Columns that are in memory already."""

    can_slice = True
    in_memory = True

    def __init__(self, name: str, format: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = {key: np.asarray(array) for key, array in arrays.items()}
        columns = [Column(key, _kind(array), array.shape[1:]) for key, array in self._arrays.items()]
        lengths = {len(array) for array in self._arrays.values() if array.ndim}
        super().__init__(name, format, columns, lengths.pop() if len(lengths) == 1 else None)
        self._done = 0.0

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        arrays = {name: self._usable(name, kind) for name, kind in wanted.items()}
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            first, other = next((a, b) for a in lengths for b in lengths if lengths[a] != lengths[b])
            raise DataError(
                f"{self.name + ': ' if self.name else ''}shapes differ: {first} is {_shape(arrays[first])}, "
                f"{other} is {_shape(arrays[other])}; they need the same number of rows"
            )
        total = next(iter(lengths.values()), 0)
        step = fitting(ROWS, sum(math.prod(array.shape[1:]) for array in arrays.values()))
        for start in range(0, total, step):
            self._done = start / total
            yield {
                name: convert(array[start : start + step], wanted[name], self.name, name, self.before + start)
                for name, array in arrays.items()
            }

    def rows(self, start: int, stop: int) -> Table:
        arrays = {name: array[start:stop] if array.ndim else array for name, array in self._arrays.items()}
        piece = ArraysTable(self.name, self.format, arrays)
        piece.fraction_read = stop / (self.length or 1)
        return piece

    def _usable(self, name: str, kind: Kind) -> NDArray[Any]:
        array = self._arrays[name]
        if array.ndim == 0:
            raise DataError(f"{self.name + ': ' if self.name else ''}{name} is one number, not an array of rows")
        return array

    def progress(self) -> float | None:
        return self._done


def in_batches(columns: Chunk) -> Iterator[Chunk]:
    """Columns (N,), a batch of their rows at a time."""
    rows = len(next(iter(columns.values()))) if columns else 0
    step = fitting(ROWS, len(columns))
    for start in range(0, rows, step):
        yield {name: values[start : start + step] for name, values in columns.items()}


def _shape(array: NDArray[Any]) -> str:
    return str(tuple(array.shape))


def _kind(array: NDArray[Any]) -> Kind:
    return Kind.NUMBER if array.dtype.kind in "fiub" else Kind.TEXT


def convert(values: NDArray[Any], kind: Kind, source: str, column: str, start: int) -> NDArray[Any]:
    """Values as float64 or as text; a DataError names the first that is not a number."""
    if kind is Kind.TEXT:
        return as_text(values)
    if values.dtype.kind in "fiub":
        return np.asarray(values, dtype=np.float64)
    if values.dtype.kind not in "OUST":
        raise DataError(f"{_at(source, column)}: values of type {values.dtype} are not numbers")
    flat = values.ravel()
    numbers = np.empty(flat.size)
    width = max(1, flat.size // max(1, len(values)))
    for i, value in enumerate(flat):
        numbers[i] = to_number(value, source, column, start + i // width)
    return numbers.reshape(values.shape)


def to_number(value: Any, source: str, column: str, index: int) -> float:
    """One cell as a number, NaN where it is missing; `index` counts rows from 0."""
    if isinstance(value, (bytes, np.bytes_)):
        value = value.decode("utf-8", "replace")
    if value is None or value in MISSING if isinstance(value, str) or value is None else value is _pandas_na():
        return float("nan")
    if isinstance(value, (bool, np.bool_, int, float, np.number)):
        return float(value)
    if isinstance(value, str):
        number = parse_number(value)
        if number is not None:
            return number
    raise DataError(f"{_at(source, column)}, row {index + 1}: {shorten(value)} is not a number")


_FLAGS = {"true": 1.0, "false": 0.0}

_NAN = r"[+-]?nan\(\w*\)"
"""As C libraries write it, `-nan(ind)`: PyArrow reads that, too."""


def parse_number(text: str) -> float | None:
    """A text as a number: NaN where it stands for a missing one, 1 and 0 for true and false, None otherwise."""
    stripped = text.strip()
    if stripped in MISSING:
        return float("nan")
    try:
        if "_" not in stripped:  # Python reads 1_000 as a number
            return float(stripped)
    except ValueError:
        pass
    return float("nan") if re.fullmatch(_NAN, stripped, re.IGNORECASE) else _FLAGS.get(stripped.lower())


def _pandas_na() -> object:
    import sys

    pandas = sys.modules.get("pandas")
    return pandas.NA if pandas is not None else None


def as_text(values: NDArray[Any]) -> NDArray[Any]:
    """Values as text objects, None where missing; whole numbers without a point."""
    if values.dtype.kind in "iu":
        return values.astype(str).astype(object)
    text = np.empty(len(values), dtype=object)
    for i, value in enumerate(values.tolist()):
        text[i] = _text(value)
    return text


def _text(value: Any) -> str | None:
    if value is None or value is _pandas_na() or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _at(source: str, column: str) -> str:
    return f"{source}: column {column!r}" if source else column


def shorten(value: object, limit: int = 40) -> str:
    """A value quoted for a message, cut where it is long."""
    text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"
