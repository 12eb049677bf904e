"""Lines of delimited text as columns: parsed by PyArrow if they are many, by the csv module if they are few or PyArrow
refuses them. The csv module decides what counts as correct, and names the faulty cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.table import MISSING, Chunk, Column, Kind, to_number
from losscli.errors import DataError
from losscli.messages import Hint

csv.field_size_limit((1 << 31) - 1)  # PyArrow's limit: which of the two parses a cell must not matter


UTF8 = "utf-8", "surrogateescape"
"""How bytes are decoded: those that are not UTF-8 become surrogates, which can be found later."""


def find_line_end(data: bytes, least: int) -> int:
    """Return the position after the first newline at `least` or later that is not inside quotes; 0 if there is none."""
    end = data.find(b"\n", max(least, 0))
    if end < 0 or data.find(b'"') < 0:
        return end + 1
    start, quotes = 0, 0
    while end >= 0:
        quotes += data.count(b'"', start, end)
        if quotes % 2 == 0:
            return end + 1
        start, end = end, data.find(b"\n", end + 1)
    return 0


class ByteSlice:
    """Whole lines: the bytes [start, stop) of some data, without a copy."""

    def __init__(self, data: bytes, start: int = 0, stop: int | None = None) -> None:
        self.data, self.start = data, start
        self.stop = len(data) if stop is None else stop
        # to find a quote is several times faster than to count them
        has_quotes = data.find(b'"', start, self.stop) >= 0
        self.quotes = data.count(b'"', start, self.stop) if has_quotes else 0


class CsvSchema(NamedTuple):
    """All that is needed to parse any lines of a delimited text, known once its header is read.

    `name` is what messages call the text, `booleans` are the names of the columns of true and false.
    """

    name: str
    columns: tuple[Column, ...]
    delimiter: str
    booleans: frozenset[str] = frozenset()

    def parse(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int, is_large: bool) -> Chunk:
        """Return the wanted columns of some lines; PyArrow parses them if there are enough (`is_large`).

        Raises:
            DataError: bytes that are not text, a row of too few or too many cells, a cell that is not a number.
        """
        if lines.start == lines.stop:
            return {name: np.zeros(0) for name in wanted}
        if lines.quotes % 2:
            row = rows_before + self._rows_before_open_quote(lines, wanted, rows_before) + 1
            raise DataError(f"{self.name}: a quote is opened and never closed, at row {row} or after it")
        if lines.data.find(b"\0", lines.start, lines.stop) >= 0:
            raise DataError(f"{self.name}: holds NUL bytes: it is not text", Hint.INPUT_FORMAT_OTHER)
        parsed = self._parse_with_arrow(lines, wanted) if is_large else None
        return self.parse_with_csv_module(lines, wanted, rows_before) if parsed is None else parsed

    def _rows_before_open_quote(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int) -> int:
        """Return the number of rows before the line of a quote that is never closed."""
        end, text = lines.stop, lines.data
        while (end := text.rfind(b"\n", lines.start, end)) >= 0 and text.count(b'"', lines.start, end) % 2:
            pass
        if end < 0:
            return 0
        head = self.parse_with_csv_module(ByteSlice(text, lines.start, end + 1), wanted, rows_before)
        return max((len(column) for column in head.values()), default=0)

    def _parse_with_arrow(self, lines: ByteSlice, wanted: Mapping[str, Kind]) -> Chunk | None:
        """Return the columns, or None if PyArrow refuses the lines: the csv module then says why.

        Cells are first read as if none were missing. To look up every cell among the words for missing values takes
        longer than to read again the few lines before the first such word.
        """
        import pyarrow as pa

        for missing in ([], list(MISSING)):
            try:
                return self.read_with_arrow(lines, wanted, missing)
            except pa.ArrowInvalid:
                pass
        return None

    def read_with_arrow(self, lines: ByteSlice, wanted: Mapping[str, Kind], missing: Sequence[str]) -> Chunk:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        from losscli.data.arrow import to_numpy

        names = [column.name for column in self.columns]
        text, number, boolean = pa.string(), pa.float64(), pa.bool_()
        has_quotes = lines.quotes > 0
        table = arrow_csv.read_csv(
            pa.BufferReader(memoryview(lines.data)[lines.start : lines.stop]),
            read_options=arrow_csv.ReadOptions(
                column_names=names, block_size=lines.stop - lines.start + 1, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter,
                quote_char='"' if has_quotes else False,
                newlines_in_values=has_quotes,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(wanted),
                column_types={
                    name: text if kind is Kind.TEXT else boolean if name in self.booleans else number
                    for name, kind in wanted.items()
                },
                null_values=missing,
                strings_can_be_null=False,
                check_utf8=True,
            ),
        )
        return {name: to_numpy(table.column(name), wanted[name], self.name, name, 0) for name in wanted}

    def parse_with_csv_module(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int) -> Chunk:
        """Return the wanted columns as the csv module reads them; raise as `parse`."""
        text, names = lines.data[lines.start : lines.stop].decode(*UTF8), [column.name for column in self.columns]
        width = len(names)
        if width == 1:
            text = text.rstrip("\r\n") + "\n"
        rows: list[list[str]] = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter):
                if row or width == 1:  # an empty line is a missing value if there is one column
                    rows.append(row or [""])
        except csv.Error as error:
            raise DataError(f"{self.name}: row {rows_before + len(rows) + 1} cannot be read: {error}") from None
        for i, row in enumerate(rows):
            if len(row) != width:
                cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                raise DataError(f"{self.name}: row {rows_before + i + 1} has {cells}, the header {width}")
        indices = {name: names.index(name) for name in wanted}
        return {
            name: self._convert([row[i] for row in rows], wanted[name], name, rows_before)
            for name, i in indices.items()
        }

    def _convert(self, cells: Sequence[str], kind: Kind, name: str, rows_before: int) -> NDArray[Any]:
        if kind is Kind.TEXT:
            for i, cell in enumerate(cells):
                if "\udc80" <= max(cell, default="") <= "\udcff":
                    raise DataError(f"{self.name}: column {name!r}, row {rows_before + i + 1}: is not UTF-8 text")
            return np.array([cell if cell else None for cell in cells], dtype=object)
        if not any("_" in cell for cell in cells):  # Python reads 1_000 as a number
            try:
                return np.array(cells, dtype=np.float64)
            except ValueError:
                pass
        return np.array([self._number(cell, name, rows_before + i) for i, cell in enumerate(cells)], dtype=np.float64)

    def _number(self, cell: str, name: str, index: int) -> float:
        try:
            return to_number(cell, self.name, name, index)
        except DataError as error:
            if "," in cell:
                raise DataError(f"{error} (a decimal comma? numbers are written with a point)") from None
            raise
