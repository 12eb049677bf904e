"""Lines of delimited text as columns: parsed by PyArrow if they are many, by the csv module if they are few or PyArrow
refuses them. The csv module decides what counts as correct, and names the faulty cell."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import CodedText, encode
from losscli.data.csv.cells import has_surrogates, not_utf8, parse_cell, parse_vectors
from losscli.data.csv.quotes import Quoting
from losscli.data.table import Chunk, Column, Kind
from losscli.data.values import MISSING, plain_numbers
from losscli.errors import DataError
from losscli.messages import Hint

csv.field_size_limit((1 << 31) - 1)  # PyArrow's limit: which of the two parses a cell must not matter


UTF8 = "utf-8", "surrogateescape"
"""How bytes are decoded: those that are not UTF-8 become surrogates, which can be found later."""


class ByteSlice:
    """Whole lines: the bytes [start, stop) of some data, without a copy."""

    def __init__(self, data: bytes, start: int = 0, stop: int | None = None) -> None:
        self.data, self.start = data, start
        self.stop = len(data) if stop is None else stop
        self.ends_inside_quotes: bool | None = None  # not known yet

    def find(self, text: bytes) -> int:
        return self.data.find(text, self.start, self.stop)

    def bytes(self) -> bytes:
        return self.data[self.start : self.stop]

    def without_last_blank_lines(self) -> ByteSlice:
        """Return the lines without empty ones at the end, which say nothing."""
        tail = self.data[max(self.start, self.stop - 3) : self.stop]
        before = tail.removesuffix(b"\r") if tail.endswith(b"\r") else tail.removesuffix(b"\n").removesuffix(b"\r")
        if before and before[-1:] not in b"\r\n":
            return self
        end = self.start + len(self.bytes().rstrip(b"\r\n"))
        if end > self.start:
            end += 2 if self.data.startswith(b"\r\n", end, self.stop) else int(end < self.stop)
        return ByteSlice(self.data, self.start, end)


class CsvSchema(NamedTuple):
    """All that is needed to parse any lines of a delimited text, known once its header is read.

    `name` is what messages call the text, `booleans` are the names of the columns of true and false. A delimiter that
    is a space stands for any blanks; those around a line are nothing. Lines that start with `comment` are left out.
    `has_carriage_returns` says that these alone end lines, as on old Macs: a newline then is a sign of damage.
    """

    name: str
    columns: tuple[Column, ...]
    delimiter: str
    booleans: frozenset[str] = frozenset()
    decimal: str = "."
    comment: str = ""
    has_carriage_returns: bool = False

    @property
    def quoting(self) -> Quoting:
        return Quoting(self.delimiter, self.comment)

    def ends_inside_quotes(self, lines: ByteSlice) -> bool:
        """Return whether some lines, which begin outside quotes, end inside."""
        if lines.ends_inside_quotes is None:
            lines.ends_inside_quotes = self.quoting.is_inside(lines.data, lines.start, lines.stop)
        return lines.ends_inside_quotes

    def parse(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int, is_large: bool) -> Chunk:
        """Return the wanted columns of some lines; PyArrow parses them if there are enough (`is_large`).

        Raises:
            DataError: bytes that are not text, a row of too few or too many cells, a cell that is not a number.
        """
        if self.ends_inside_quotes(lines):
            row = rows_before + self._rows_before_open_quote(lines, wanted, rows_before) + 1
            raise DataError(f"{self.name}: a quote is opened and never closed, at row {row} or after it")
        if lines.find(b"\0") >= 0:
            raise DataError(f"{self.name}: holds NUL bytes: it is not text", Hint.INPUT_FORMAT_OTHER)
        if self.has_carriage_returns and 0 < self.quoting.find_line_end(lines.data, lines.start)[0] <= lines.stop:
            raise DataError(
                f"{self.name}: the first line ends with a carriage return alone, another with a newline: save it with "
                "one kind of line ends"
            )
        if self.comment:
            lines = ByteSlice(*self.quoting.without_comments(lines.data, lines.start, lines.stop))
        if self.delimiter == " ":
            lines = ByteSlice(merge_blanks(lines.bytes()))
        if lines.start == lines.stop:
            return {name: np.zeros((0, *self._trailing(name))) for name in wanted}
        parsed = self._parse_with_arrow(lines, wanted) if is_large else None
        columns = self._parse_rows(lines, wanted, rows_before) if parsed is None else parsed
        return {
            name: self._parse_vectors(values, name, rows_before) if self._is_vector(name, wanted) else values
            for name, values in columns.items()
        }

    def _trailing(self, name: str) -> tuple[int, ...]:
        return next(column.trailing for column in self.columns if column.name == name)

    def _is_vector(self, name: str, wanted: Mapping[str, Kind]) -> bool:
        return wanted[name] is Kind.NUMBER and self._trailing(name) != ()

    def _parse_vectors(self, cells: NDArray[Any], name: str, rows_before: int) -> NDArray[np.float64]:
        return parse_vectors(cells.tolist(), self._trailing(name)[0], self.decimal, self.name, name, rows_before)

    def refuse_long_line(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int, limit: int) -> None:
        """Raise the error for lines of which the last is longer than the limit."""
        begin = self.quoting.last_line(lines.data, lines.start, lines.stop - 1)
        inside = self.ends_inside_quotes(lines)
        head = self.parse(ByteSlice(lines.data, lines.start, begin), wanted, rows_before, is_large=True)
        row = rows_before + max((len(column) for column in head.values()), default=0) + 1
        what = "a quote is opened and not closed" if inside else "a line goes on"
        raise DataError(f"{self.name}: row {row}: {what} for more than {limit >> 20} MB: is this delimited text?")

    def _rows_before_open_quote(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int) -> int:
        """Return the number of rows before the line of a quote that is never closed."""
        begin = self.quoting.last_line(lines.data, lines.start, lines.stop)
        head = self.parse(ByteSlice(lines.data, lines.start, begin), wanted, rows_before, is_large=False)
        return max((len(column) for column in head.values()), default=0)

    def _parse_with_arrow(self, lines: ByteSlice, wanted: Mapping[str, Kind]) -> Chunk | None:
        """Return the columns, or None if PyArrow refuses the lines or would read them in another way.

        Cells are first read as if none were missing. To look up every cell among the words for missing values takes
        longer than to read again the few lines before the first such word.
        """
        import pyarrow as pa

        if not self.delimiter.isascii() or lines.data.startswith(BOM_UTF8, lines.start):
            return None
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
        number, boolean = pa.float64(), pa.bool_()
        types = {Kind.TEXT: pa.string(), Kind.CODES: pa.dictionary(pa.int32(), pa.string())}
        has_quotes = lines.find(b'"') >= 0
        kinds = self._kinds_of_cells(wanted)
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
                    name: types.get(kind, boolean if name in self.booleans else number) for name, kind in kinds.items()
                },
                decimal_point=self.decimal,
                null_values=missing,
                strings_can_be_null=False,
                check_utf8=True,
            ),
        )
        return {name: to_numpy(table.column(name), kinds[name], self.name, name, 0) for name in wanted}

    def _kinds_of_cells(self, wanted: Mapping[str, Kind]) -> dict[str, Kind]:
        """Return the kinds that cells are first read as; vectors are texts."""
        return {name: Kind.TEXT if self._is_vector(name, wanted) else kind for name, kind in wanted.items()}

    def _parse_rows(self, lines: ByteSlice, wanted: Mapping[str, Kind], rows_before: int) -> Chunk:
        """Return the wanted columns as the csv module reads them, vectors as texts; raise as `parse`."""
        text, names = lines.bytes().decode(*UTF8), [column.name for column in self.columns]
        width = len(names)
        reader = read_rows(text, self.delimiter)
        rows: list[list[str]] = []
        refusal: csv.Error | None = None
        try:  # an empty line is a missing value if there is one column
            rows.extend((row or [""] for row in reader) if width == 1 else filter(None, reader))
        except csv.Error as error:
            refusal = error
        if not {width}.issuperset(map(len, rows)):
            i, cells = next((i, row) for i, row in enumerate(rows) if len(row) != width)
            raise width_error(self.name, rows_before + i + 1, cells, width, self.comment)
        if refusal is not None:
            raise DataError(f"{self.name}: row {rows_before + len(rows) + 1} cannot be read: {refusal}")
        columns = list(zip(*rows, strict=True)) or [()] * width
        kinds = self._kinds_of_cells(wanted)
        return {name: self._convert(columns[names.index(name)], kinds[name], name, rows_before) for name in wanted}

    def _convert(self, cells: Sequence[str], kind: Kind, name: str, rows_before: int) -> NDArray[Any] | CodedText:
        if kind is not Kind.NUMBER:
            for i, cell in enumerate(cells):
                if has_surrogates(cell):
                    raise not_utf8(f"{self.name}: column {name!r}, row {rows_before + i + 1}")
            texts = np.array([cell if cell else None for cell in cells], dtype=object)
            return encode(texts) if kind is Kind.CODES else texts
        plain = plain_numbers(cells) if self.decimal == "." else None
        if plain is not None:
            return plain
        numbers = [parse_cell(cell, self.decimal, self.name, name, rows_before + i) for i, cell in enumerate(cells)]
        return np.array(numbers, dtype=np.float64)


def read_rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Return the cells of each line as the csv module reads them, none of a blank line; it takes twice the time."""
    if not text or '"' in text or "\r" in text:
        return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (line.split(delimiter) if line else [] for line in text.removesuffix("\n").split("\n"))


def width_error(name: str, row_number: int, row: Sequence[str], width: int, comment: str = "") -> DataError:
    """Return the error for a row of too few or too many cells."""
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    problem = f"{name}: row {row_number} has {cells}, the header {width}"
    if comment != "#" and row[0].lstrip().startswith("#"):
        return DataError(problem, Hint.COMMENT, sign="#")
    return DataError(problem)


def merge_blanks(text: bytes) -> bytes:
    """Return lines with one space for the blanks between cells, and none around a line."""
    if b'"' in text:
        text = re.sub(_BLANKS_OR_QUOTED, _one_space, text)
    else:
        text = text.replace(b"\t", b" ")
        while b"  " in text:
            text = text.replace(b"  ", b" ")
        for end in (b"\n", b"\r"):
            text = text.replace(b" " + end, end).replace(end + b" ", end)
    return text.strip(b" ")


_BLANKS_OR_QUOTED = rb'(?:(?<=[ \t\r\n])|\A)"[^"]*(?:""[^"]*)*"|[ \t]*(?P<end>[\r\n])[ \t]*|(?P<blanks>[ \t]+)'


def _one_space(found: re.Match[bytes]) -> bytes:
    return b" " if found["blanks"] else found["end"] or found[0]
