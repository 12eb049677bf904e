"""Tables: named columns in chunks of rows. Readers make them, everything else reads them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import bytes_per_row, rows_per_batch
from losscli.data.coded_text import CodedText, encode
from losscli.data.values import as_text, column_label, one_value_error, to_number
from losscli.errors import DataError
from losscli.messages import Hint

if TYPE_CHECKING:
    from losscli.data.files import Input

Chunk = dict[str, Any]
"""Column name -> values of some rows: float64 for numbers (NaN if missing), text objects (None if missing) or codes."""

ROWS_SAMPLED = 200
"""Rows that tell what a column holds."""


MAX_EXACT_INTEGER = 1 << 53
"""Floats hold all integers up to here."""


class Kind(enum.StrEnum):
    """What a column holds, and what is made of it: codes are text that repeats (`CodedText`)."""

    NUMBER = "number"
    TEXT = "text"
    CODES = "codes"


class Column(NamedTuple):
    """A column: `trailing` is the shape of one row's value, () for a single number."""

    name: str
    kind: Kind
    trailing: tuple[int, ...] = ()


class SplitInsideQuotes(Exception):  # noqa: N818 - nothing is wrong with the data
    """A piece begins or ends inside quotes, which only the pieces before it can tell."""


class RowNumbers:
    """Find the file of a row and its number there, for messages.

    A table owns one and its pieces share it. Rows count from 1 over all files, in the order of reading.
    """

    def __init__(self, name: str) -> None:
        self._files = [(0, name)]  # rows before each file, and its name
        self._order: NDArray[np.intp] | None = None

    def add_file(self, rows_before: int, name: str) -> None:
        """Start a file after so many rows of all files, unless it is the current one."""
        if self._files[-1][1] != name:
            self._files.append((rows_before, name))

    def add_piece(self, rows_before: int, piece: Table) -> None:
        """Set the row numbers of the next piece, which comes after so many rows of all files."""
        for rows, name in piece.files:
            self.add_file(rows_before + rows, name)
        piece.row_numbers = self
        piece.rows_before = max(0, rows_before - self._files[-1][0])

    def reorder(self, order: NDArray[np.intp]) -> None:
        """Set the index, from 0, that each row had before the rows are put in another order."""
        self._order = order if self._order is None else self._order[order]

    def reordered(self, order: NDArray[np.intp], suffix: str = "") -> RowNumbers:
        """Return the numbers of some rows in another order; the names of their files get a suffix."""
        found = RowNumbers("")
        found._files = [(before, name + suffix) for before, name in self._files]
        found.reorder(order if self._order is None else self._order[order])
        return found

    def file_and_row(self, row: int) -> tuple[str, int]:
        """Return the name of the file of a row, and the number of the row in it, from 1."""
        row = row if self._order is None else int(self._order[row - 1]) + 1
        before, name = next((file for file in reversed(self._files) if file[0] < row), self._files[0])
        return name, row - before


class Table:
    """Named columns that are read once, in chunks of rows.

    Attributes:
        name: what messages call it; empty for arrays without a name.
        format: the format of the file.
        columns: what it holds.
        length: the number of rows, if known before the end.
        path: where other processes can read the same rows; None if they are in memory or come through a pipe.
        inputs: what was given for it: files, folders or globs.
        file_names: what its files are called in its column of files, if it has that.
        repeated: names of several columns; all of them but the first have a number behind the name.
        index_columns: columns that the format marks as keys of the rows.
        sampler: returns the first values of a column, for `sample`; None if they cannot be read twice.
        has_names: whether its columns have names; if not, they are called by their places, from 1.
        row_numbers: the files and numbers of its rows, for messages.
        rows_before: of a piece, the number of rows before it in its file.
        bytes_per_piece: about how many bytes are held while a piece is read, if these may be many.
        bytes_beside: the bytes of a row of the tables that are read with it, as float64, if their rows are wide.
        fraction_read: the fraction that has been read, 0 to 1, if known.
        fraction_after: of a piece, the fraction of the whole table that has been read after it, 0 to 1, if known.
        n_files: of how many files its rows are.
        pattern: a pattern that names these files, if there are several.
        paired_with: the table whose rows it has, in the same order, if that is known.
        source: the input to close.
    """

    def __init__(
        self, name: str, format: str, columns: Sequence[Column], length: int | None = None, path: str | None = None
    ) -> None:
        self.name, self.format, self.columns = name, format, list(columns)
        self.length, self.path = length, path
        self.inputs = [name] if name else []
        self.file_names: Sequence[str] = ()
        self.repeated: frozenset[str] = frozenset()
        self.index_columns: frozenset[str] = frozenset()
        self.sampler: Callable[[str], NDArray[Any]] | None = None
        self.has_names = True
        self.has_rows = True  # or it is not known yet
        self.row_numbers = RowNumbers(name)
        self.rows_before = 0
        self.bytes_beside = self.bytes_per_piece = 0
        self.fraction_read: float | None = None
        self.fraction_after: float | None = None
        self.n_files, self.pattern = 1, ""
        self.paired_with: Table | None = None
        self.source: Input | None = None

    @property
    def label(self) -> str:
        """The table's name as the start of a message; arrays have none."""
        return f"{self.name}: " if self.name else ""

    def close(self) -> None:
        if self.source is not None:
            self.source.close()

    def release(self) -> None:
        """Close the file of a piece until it is read again."""

    @property
    def files(self) -> Sequence[tuple[int, str]]:
        """The number of rows before each file in it, and the file's name for messages."""
        return [(0, self.name)]

    def column(self, name: str) -> Column | None:
        """Return the column of a name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)

    def quoted_name(self, name: str) -> str:
        """Return a column's name in quotes; of several columns of one name, that name and which of them it is."""
        base, _, count = name.rpartition(".")
        return f"{base!r} no. {int(count) + 1}" if base in self.repeated and count.isdigit() else repr(name)

    def first_values(self, name: str) -> NDArray[Any] | None:
        """Return the first values of a column as text, None if they are not known before the table is read."""
        try:
            return self.sample(name)
        except DataError:  # reading the table says what is wrong
            return None

    def sample(self, name: str) -> NDArray[Any] | None:
        """Return the first values of a column as text, at most ROWS_SAMPLED; None if they cannot be read twice."""
        return None if self.sampler is None else self.sampler(name)[:ROWS_SAMPLED]

    def empty_error(self) -> DataError:
        """Return the error that there are no rows."""
        what = "a header" if self.format in ("csv", "tsv") else "columns"
        return DataError(f"{self.name}: has {what} but no rows")

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        """Yield the wanted columns, some rows at a time. May be called once."""
        raise NotImplementedError

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield consecutive pieces of the table that can be read after it is closed. May be called once."""
        return (ArraysTable(self.name, self.format, chunk) for chunk in self.chunks(wanted))


class SplittableTable(Table):
    """A table that can be read piece by piece, by several threads or processes."""

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield consecutive pieces of the table; the data alone decides where it is cut. May be called once.

        A piece with a path can be pickled; another process then opens the file when it reads the piece.
        """
        raise NotImplementedError

    def pieces_from(self, piece: Table, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield pieces in place of one that raised SplitInsideQuotes, and of all after it."""
        raise NotImplementedError

    def chunks_beforehand(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk] | None:
        """Return chunks of some columns before the table is read, None if it can be read only once."""
        return None

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self.pieces(wanted)

    def chunks_by_threads(self, wanted: Mapping[str, Kind], jobs: int) -> Iterator[Chunk]:
        """Yield the chunks of the table, read by several threads if that is faster."""
        return self.chunks(wanted)


class SliceableTable(Table):
    """A table of which any rows can be read."""

    def load(self, wanted: Mapping[str, Kind]) -> None:
        """Load these columns before rows are taken, if they are not in memory and have to be."""

    def rows(self, start: int, stop: int) -> Table:
        """Return the rows from `start` up to `stop`, counted from 0."""
        raise NotImplementedError


class ArraysTable(SliceableTable):
    """Columns in memory."""

    def __init__(
        self,
        name: str,
        format: str,
        arrays: Mapping[str, NDArray[Any] | CodedText],
        unreadable: Mapping[str, DataError] | None = None,
    ) -> None:
        """Make a table of arrays, and of columns that are `unreadable`: their errors are raised if they are wanted."""
        self._arrays = {key: a if isinstance(a, CodedText) else np.asarray(a) for key, a in arrays.items()}
        self._unreadable = unreadable or {}
        columns = [
            Column(key, Kind.NUMBER if array.dtype.kind in "fiub" else Kind.TEXT, array.shape[1:])
            for key, array in self._arrays.items()
        ]
        columns += [Column(key, Kind.TEXT) for key in self._unreadable]
        lengths = {len(array) for array in self._arrays.values() if array.ndim}
        super().__init__(name, format, columns, lengths.pop() if len(lengths) == 1 else None)

    def sample(self, name: str) -> NDArray[Any] | None:
        self.check_readable([name])
        array = self._arrays[name]
        return as_text(np.asarray(array[:ROWS_SAMPLED]) if array.ndim else np.atleast_1d(array))

    def check_readable(self, names: Iterable[str]) -> None:
        """Raise the error of the first of these columns that is unreadable."""
        for name in names:
            if name in self._unreadable:
                raise self._unreadable[name]

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        self.check_readable(wanted)
        arrays = {name: self._arrays[name] for name in wanted}
        for name, array in arrays.items():
            if array.ndim == 0:
                raise DataError(f"{self.label}{name} is one number, not an array of rows")
        first = next(iter(arrays), "")
        total = len(arrays[first]) if arrays else 0
        other = next((name for name, array in arrays.items() if len(array) != total), None)
        if other is not None:
            problem = f"{self.label}shapes differ: {first} is {arrays[first].shape}, {other} is {arrays[other].shape}"
            frames = next((name for name in (first, other) if arrays[name].ndim == 3), None)
            is_swapped = frames is not None and {arrays[name].shape[name == frames] for name in (first, other)} == {
                arrays[frames].shape[1]
            }
            hint = Hint.SWAP_AXES if is_swapped else None
            raise DataError(f"{problem}; they need the same number of rows", hint, role=frames)
        step = self.rows_per_chunk(wanted)
        for start in range(0, total, step):
            self.fraction_read = min(1.0, (start + step) / total)
            yield {
                name: convert(array[start : start + step], wanted[name], self.name, name, self.rows_before + start)
                for name, array in arrays.items()
            }

    def rows_per_chunk(self, wanted: Iterable[str]) -> int:
        """Return how many rows a chunk of these columns has."""
        shapes = (self._arrays[name].shape for name in wanted if name in self._arrays)  # others are unreadable
        return rows_per_batch(bytes_per_row(shapes) + self.bytes_beside)

    def rows(self, start: int, stop: int) -> Table:
        arrays = {name: array[start:stop] if array.ndim else array for name, array in self._arrays.items()}
        piece = ArraysTable(self.name, self.format, arrays, self._unreadable)
        piece.fraction_after = stop / (self.length or 1)
        return piece


def count_chunk_rows(chunk: Chunk) -> int:
    """Return the number of rows of a chunk, which has a column."""
    return len(next(iter(chunk.values())))


def in_batches(columns: Chunk) -> Iterator[Chunk]:
    """Yield columns (N,) in chunks of at most a batch."""
    rows = count_chunk_rows(columns) if columns else 0
    step = rows_per_batch(bytes_per_row(values.shape for values in columns.values()))
    for start in range(0, rows, step):
        yield {name: values[start : start + step] for name, values in columns.items()}


def convert(values: NDArray[Any] | CodedText, kind: Kind, source: str, column: str, start: int) -> Any:
    """Return values as float64, text or codes; numbers of three axes or more keep their type.

    For messages, `start` is the number of rows before them.

    Raises:
        DataError: a value that is not a number; the message names the first.
    """
    if kind is Kind.CODES and values.ndim == 1:
        return encode(values, source, column, start)
    if isinstance(values, CodedText):
        values = np.asarray(values)
    if kind is not Kind.NUMBER:
        return as_text(values.ravel(), source, column, start).reshape(values.shape)
    if values.dtype.kind in "fiub":
        if values.ndim > 2:  # of as many numbers as that, the reader converts some at a time
            return np.array(values, dtype=values.dtype.newbyteorder("="))
        # some patterns of bits are NaN, and warn when they are copied; long doubles overflow
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(values, dtype=np.float64)
    if values.dtype.kind not in "OUST":
        raise DataError(f"{column_label(source, column)}: values of type {values.dtype} are not numbers")
    flat = values.ravel()
    width = max(1, flat.size // max(1, len(values)))
    numbers = [to_number(value, source, column, start + i // width) for i, value in enumerate(flat)]
    return np.array(numbers, dtype=np.float64).reshape(values.shape)


def check_one_per_row(values: NDArray[Any] | CodedText, table: Table, name: str) -> None:
    """Raise a DataError if a column holds lists where a row is to have one value: a key, a group."""
    if values.ndim > 1:
        raise one_value_error(f"{table.label}column {name!r}")
