"""The first lines of delimited text: their cells, and which option would help where they make no sense."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice

from losscli.data.csv.cells import cell_error, cell_number, has_thousands, is_decimal_comma
from losscli.data.csv.schema import UTF8, merge_blanks, read_rows, width_error
from losscli.data.table import ROWS_SAMPLED
from losscli.data.values import plain_numbers, shorten
from losscli.errors import DataError
from losscli.messages import Hint

DELIMITERS = ",\t;|"
BLANKS = " "
"""The delimiter that stands for any spaces and tabs."""

RARE_DELIMITERS = "~^:!@$&*+=\\/"
"""Delimiters that are suggested where one fits, but never assumed."""

_RULE = r"[|+:\s]*[-=]{3}[-=|+:\s]*|[\s\u2500-\u257f]*\u2500{2}[\s\u2500-\u257f]*"
"""A line of dashes or of a box."""

BYTES_OF_RULE = 1 << 12
"""Bytes in which a rule is looked for."""

_COMMENT_SIGN = r"//|--|[#%!;*@&>$]+"


def split_cells(text: bytes, delimiter: str) -> list[list[str]]:
    """Return the cells of lines that are not blank."""
    text = merge_blanks(text) if delimiter == BLANKS else text
    reader = read_rows(text.decode(*UTF8), delimiter)
    rows: list[list[str]] = []
    with suppress(csv.Error):  # what is wrong is said when the rows are read
        rows.extend(islice(filter(None, reader), ROWS_SAMPLED + 1))
    return rows


def cells_by_column(rows: Sequence[Sequence[str]], count: int) -> list[tuple[str, ...]]:
    """Return the cells of the first columns, of those rows that have them."""
    if rows and {count}.issuperset(map(len, rows)):
        return list(zip(*rows, strict=True))
    return [tuple(row[i] for row in rows if i < len(row)) for i in range(count)]


@lru_cache(maxsize=16)  # several rules ask it of each column
def are_plain_numbers(cells: tuple[str, ...]) -> bool:
    """Return whether all cells are numbers as Python writes them."""
    return plain_numbers(cells) is not None


def are_all_numbers(cells: Sequence[str], decimal: str = ".") -> bool:
    """Return whether there are cells, and all of them are numbers."""
    if decimal == "." and are_plain_numbers(tuple(cells)):
        return bool(cells)
    return bool(cells) and all(cell_number(cell, decimal) is not None for cell in cells)


def check_lines(
    name: str,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    sample: bytes,
    delimiter: str,
    comment: str | None,
    decimal: str | None,
) -> None:
    """Check that the first row has as many cells as the header, and that one column is not several.

    Raises:
        DataError: it is not so; the message names the option that would help, if there is one.
    """
    if not rows or len(rows[0]) == len(names) > 1:
        return
    sign = re.match(_COMMENT_SIGN, names[0]) if names else None
    by_tabs = split_cells(sample, "\t")
    if not sign and len(by_tabs[0]) == 1 and len({len(row) for row in by_tabs[1:]} - {1}) == 1 == len(names):
        raise DataError(f"{name}: the first line has 1 cell, the others more: is it a title? Remove it")
    for other in (*DELIMITERS, BLANKS, *RARE_DELIMITERS):
        lines = split_cells(sample, other) if other != delimiter else [list(names), *map(list, rows)]
        widths = {len(row) for row in lines[1:]}
        n_numeric = 1 if len(names) > 1 or other in DELIMITERS else 2
        if len(widths) != 1 or min(widths) < 2 or not has_numbers(lines[2:] or lines[1:], n_numeric):
            continue
        fits_header = len(lines[0]) in widths
        if fits_header and other == delimiter:
            return
        if fits_header:
            problem = f"{name}: the cells seem to be separated by {other!r}"
            if other == decimal:
                raise DataError(f"{problem}, which cannot be the decimal sign, too")
            raise DataError(problem, Hint.DELIMITER, delimiter_name="tab" if other == "\t" else other)
        if sign and not comment and len(names) == 1 and other not in RARE_DELIMITERS:
            problem = f"{name}: row 1 has {min(widths)} cells, the header {len(lines[0])}"
            raise DataError(problem, Hint.COMMENT, sign=sign[0])
    if len(rows[0]) != len(names):
        error = width_error(name, 1, rows[0], len(names))
        is_title = len(names) == 1 and {len(row) for row in rows} == {len(rows[0])}
        raise DataError(f"{error.message.problem}: is the first line a title? Remove it") if is_title else error


def check_rules(name: str, sample: bytes) -> None:
    """Raise a DataError if one of the first lines is a rule, as in tables that are printed for people."""
    first = [line.decode(*UTF8).strip() for line in sample[:BYTES_OF_RULE].split(b"\n", 2)[:2]]
    rule = next((line for line in first if re.fullmatch(_RULE, line) and (len(line) > 3 or len(set(line)) > 1)), None)
    if rule is not None:
        raise DataError(
            f"{name}: the line {shorten(rule)} is a rule of a printed table: write CSV instead, as with 'psql --csv', "
            "'sqlite3 -header -csv', 'duckdb -csv' or pandas' to_csv"
        )


def has_numbers(rows: Sequence[Sequence[str]], n_columns: int = 1) -> bool:
    """Return whether there are so many columns of numbers, whatever the decimal sign, in rows of one width."""
    columns = zip(*rows, strict=True)
    return (
        sum(all(cell_number(cell, ".") is not None or is_decimal_comma(cell) for cell in column) for column in columns)
        >= n_columns
    )


def check_decimals(name: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Check that no column is of numbers with decimal commas, or with commas for thousands.

    Raises:
        DataError: one is; the message names the option that reads the former.
    """
    for column, cells in zip(names, cells_by_column(rows, len(names)), strict=True):
        if are_plain_numbers(cells):
            continue
        odd = [j for j, cell in enumerate(cells) if cell_number(cell, ".") is None]
        if odd and all(is_decimal_comma(cells[j]) or ("," in cells[j] and has_thousands(cells[j])) for j in odd):
            error = cell_error(cells[odd[0]], ".", f"{name}: column {column!r}, row {odd[0] + 1}")
            hint = Hint.DECIMAL_OR_TEXT if error.message.hint is Hint.DECIMAL_COMMA else Hint.TEXT_WITH_COMMAS
            raise DataError(error.message.problem, hint)
