"""Lines of delimited text as columns: by PyArrow where there are many, by the csv module where they are few or PyArrow
refuses. The csv module's reading is what counts, and what names the faulty cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.csv.byte_slice import ByteSlice
from losscli.data.table import MISSING, Chunk, Column, Kind, to_number
from losscli.errors import DataError

csv.field_size_limit((1 << 31) - 1)  # as large a cell as PyArrow takes: which of the two reads it must not matter


class CsvSchema(NamedTuple):
    """What is known of a delimited text once its header is read: all that it takes to read any of its lines.

    `name` is how messages call the text, `flags` are the columns of true and false.
    """

    name: str
    columns: tuple[Column, ...]
    delimiter: str
    flags: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def parse(self, lines: ByteSlice, wanted: Mapping[str, Kind], done: int, many: bool) -> Chunk:
        """The wanted columns of some lines, of which `done` rows come before; `many` are worth PyArrow.

        Raises:
            DataError: what is no text, a row of too few or too many cells, a cell that is no number.
        """
        if not lines.size:
            return {name: np.zeros(0) for name in wanted}
        if lines.open_quote:
            rows = self._rows_before_open_quote(lines, wanted, done)
            raise DataError(f"{self.name}: a quote is opened and never closed, at row {done + rows + 1} or after it")
        parsed = self._by_arrow(lines, wanted) if many else None
        if parsed is None and b"\0" in lines:
            raise DataError(f"{self.name}: holds NUL bytes: it is not text; --input-format names another format")
        return self.parse_with_csv_module(lines, wanted, done) if parsed is None else parsed

    def _rows_before_open_quote(self, lines: ByteSlice, wanted: Mapping[str, Kind], done: int) -> int:
        end, text = lines.stop, lines.data
        while (end := text.rfind(b"\n", lines.start, end)) >= 0 and text.count(b'"', lines.start, end) % 2:
            pass
        head = self.parse_with_csv_module(ByteSlice(text, lines.start, end + 1), wanted, done) if end >= 0 else {}
        return max((len(column) for column in head.values()), default=0)

    # ---------------------------------------------------------------------------------------------- by PyArrow

    def _by_arrow(self, lines: ByteSlice, wanted: Mapping[str, Kind]) -> Chunk | None:
        """The columns by PyArrow; None where it refuses, so that the exact reading may say why.

        Cells are first read as if none were missing: to look every cell up among the words for that takes longer than
        to read the few lines again that come before the first such word.
        """
        import pyarrow as pa

        try:
            plain = self._plain_numbers(lines, wanted)
            return self._arrow_table(lines, wanted, []) if plain is None else plain
        except pa.ArrowInvalid:
            try:
                return self._arrow_table(lines, wanted, list(MISSING))
            except pa.ArrowInvalid:
                return None

    def _plain_numbers(self, lines: ByteSlice, wanted: Mapping[str, Kind]) -> Chunk | None:
        """The columns where all are numbers and the lines plain; None otherwise."""
        if Kind.TEXT in wanted.values() or not self.flags.isdisjoint(wanted):
            return None
        from losscli.data.csv.fast import numbers

        positions = sorted((self.names.index(name), name) for name in wanted)
        columns = numbers(lines, [place for place, _ in positions], len(self.columns), self.delimiter)
        if columns is None:
            return None
        found = {name: column for (_, name), column in zip(positions, columns, strict=True)}
        return {name: found[name] for name in wanted}

    def _arrow_table(self, lines: ByteSlice, wanted: Mapping[str, Kind], missing: Sequence[str]) -> Chunk:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        from losscli.data.arrow import to_numpy

        if b"\0" in lines:
            raise pa.ArrowInvalid("it is not text")
        types = {n: pa.string() if k is Kind.TEXT else pa.bool_() if n in self.flags else pa.float64()
                 for n, k in wanted.items()}  # fmt: skip
        quotes = lines.quotes > 0
        table = arrow_csv.read_csv(
            pa.BufferReader(memoryview(lines.data)[lines.start : lines.stop]),
            read_options=arrow_csv.ReadOptions(
                column_names=self.names, block_size=lines.size + 1, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter, quote_char='"' if quotes else False, newlines_in_values=quotes,
                ignore_empty_lines=len(self.names) > 1,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(wanted), column_types=types, null_values=missing, strings_can_be_null=False,
                check_utf8=True,
            ),
        )  # fmt: skip
        return {name: to_numpy(table.column(name), wanted[name], self.name, name, 0) for name in wanted}

    # ------------------------------------------------------------------------------------------------- exactly

    def parse_with_csv_module(self, lines: ByteSlice, wanted: Mapping[str, Kind], done: int) -> Chunk:
        text, names = lines.text(), self.names
        if len(names) == 1:
            text = text.rstrip("\r\n") + "\n"
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter)
        rows = [row or [""] for row in self._rows(reader, done) if row or len(names) == 1]
        width = len(names)
        for i, row in enumerate(rows):
            if len(row) != width:
                cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                raise DataError(f"{self.name}: row {done + i + 1} has {cells}, the header {width}")
        indices = {name: names.index(name) for name in wanted}
        return {
            name: self._column([row[indices[name]] for row in rows], kind, name, done) for name, kind in wanted.items()
        }

    def _rows(self, reader: Any, done: int) -> Iterator[list[str]]:
        count = done
        try:
            for row in reader:
                count += bool(row)
                yield row
        except csv.Error as error:
            raise DataError(f"{self.name}: row {count + 1} cannot be read: {error}") from None

    def _column(self, cells: Sequence[str], kind: Kind, name: str, done: int) -> NDArray[Any]:
        if kind is Kind.TEXT:
            for i, cell in enumerate(cells):
                if "\udc80" <= max(cell, default="") <= "\udcff":
                    raise DataError(f"{self.name}: column {name!r}, row {done + i + 1}: is not UTF-8 text")
            return np.array([cell if cell else None for cell in cells], dtype=object)
        try:
            joined = np.array(cells, dtype=np.float64) if not any("_" in cell for cell in cells) else None
        except ValueError:
            joined = None
        if joined is not None:
            return joined
        return np.array([self._number(cell, name, done + i) for i, cell in enumerate(cells)], dtype=np.float64)

    def _number(self, cell: str, name: str, index: int) -> float:
        try:
            return to_number(cell, self.name, name, index)
        except DataError as error:
            if "," in cell:
                raise DataError(f"{error} (a decimal comma? numbers are written with a point)") from None
            raise
