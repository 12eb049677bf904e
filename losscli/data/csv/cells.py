"""Cells of delimited text as numbers and vectors: decimal commas, lists in brackets, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from losscli.data.values import MISSING, parse_number, plain_numbers, shorten
from losscli.errors import DataError
from losscli.messages import Hint

_DECIMAL_COMMA = r"[+-]?\d*,\d+([eE][+-]?\d+)?"
_THOUSANDS = r"[+-]?[1-9]\d{0,2}([,.' \u00a0\u202f]\d{3})+([,.]\d+)?"
_NUMPY_SCALAR = r"\bnp\.(?:float|int|uint)\d+\(([^()]*)\)"
_BRACKETS = {"[": "]", "(": ")"}


def is_decimal_comma(cell: str) -> bool:
    """Return whether a cell is a number with a comma for the decimal point, or perhaps for thousands."""
    return re.fullmatch(_DECIMAL_COMMA, cell.strip()) is not None


def has_thousands(cell: str) -> bool:
    """Return whether a cell is a number with what may be separators of thousands."""
    return re.fullmatch(_THOUSANDS, cell.strip()) is not None


def with_point(cell: str, decimal: str) -> str:
    """Return a number with a decimal point; what is no number with the given sign becomes text that is none."""
    if decimal == ".":
        return cell
    return cell.replace(decimal, ".") if "." not in cell else cell.replace(".", "'")


def cell_number(cell: str, decimal: str) -> float | None:
    """Return a cell, perhaps in brackets, as a number; NaN if it is missing, None if it is no number."""
    elements = split_vector(cell, decimal) if "[" in cell or "(" in cell else None
    if elements is None:
        return parse_number(with_point(cell, decimal))
    return parse_number(with_point(elements[0], decimal)) if len(elements) == 1 else None


def split_vector(cell: str, decimal: str) -> list[str] | None:
    """Return the elements of a vector in brackets, as texts; None if the cell has no brackets.

    Elements are separated by commas, `[0.7, 0.2]`, or by blanks and line ends, as NumPy prints them; with decimal
    commas by blanks or semicolons. A list of NumPy's numbers is printed as `[np.float64(0.7), np.float64(0.2)]`.
    """
    text = cell.strip()
    if len(text) < 2 or _BRACKETS.get(text[0]) != text[-1]:
        return None
    inner = re.sub(_NUMPY_SCALAR, r"\1", text[1:-1]).strip() if "np." in text else text[1:-1].strip()
    separator = ";" if decimal == "," else ","
    if separator not in inner:
        return inner.split()
    elements = [element.strip() for element in inner.split(separator)]
    return elements[:-1] if len(elements) == 2 and not elements[1] else elements  # (0.9,) is a tuple of one


def vector_length(cells: Sequence[str], decimal: str) -> int:
    """Return how many numbers each cell of a column holds in brackets; 0 if the cells are no vectors."""
    present = [cell for cell in cells if cell.strip() not in MISSING]
    vectors = [split_vector(cell, decimal) for cell in present]
    if not vectors or not all(vectors):
        return 0
    first = next((vector for cell, vector in zip(present, vectors, strict=True) if not _is_cut(cell)), vectors[0])
    assert first is not None
    if not any(parse_number(with_point(element, decimal)) is not None for element in first):
        return 0
    return len(first)


def parse_vectors(
    cells: Sequence[str | None], length: int, decimal: str, source: str, column: str, rows_before: int
) -> NDArray[np.float64]:
    """Return vectors in brackets as rows (N, length); NaN where a cell is missing.

    Raises:
        DataError: a cell is no such vector, has another length, or was cut when it was printed.
    """
    rows: list[list[str]] = []
    for i, cell in enumerate(cells):
        elements = None if cell is None else split_vector(cell, decimal)
        if elements is None and (cell is None or cell.strip() in MISSING):
            rows.append(["nan"] * length)
            continue
        where = f"{source}: column {column!r}, row {rows_before + i + 1}"
        assert cell is not None
        if _is_cut(cell):
            raise DataError(f"{where}: {shorten(cell)} was cut when it was printed: '...' stands for numbers")
        if elements is None:
            raise DataError(f"{where}: {shorten(cell)} is not a list of {length} numbers")
        if len(elements) != length:
            raise DataError(f"{where}: {shorten(cell)} has {len(elements)} numbers, the first rows have {length}")
        rows.append(elements)
    flat = [with_point(element, decimal) for row in rows for element in row]
    numbers = plain_numbers(flat)
    if numbers is None:
        named = f"{source}: column {column!r}"
        numbers = np.array(
            [_element_number(text, f"{named}, row {rows_before + i // length + 1}") for i, text in enumerate(flat)]
        )
    return numbers.reshape(len(rows), length)


def _element_number(element: str, where: str) -> float:
    number = parse_number(element) if element else None
    if number is None:
        problem = f"{shorten(element)} in a list is not a number" if element else "a number is missing in a list"
        raise DataError(f"{where}: {problem}")
    return number


def _is_cut(cell: str) -> bool:
    return "..." in cell or "\u2026" in cell


def parse_cell(cell: str, decimal: str, source: str, column: str, index: int) -> float:
    """Return one cell as a number, NaN if it is missing; `index` counts rows from 0.

    Raises:
        DataError: it is not a number; the message says what could be meant.
    """
    number = cell_number(cell, decimal)
    if number is not None:
        return number
    where = f"{source}: column {column!r}, row {index + 1}"
    raise cell_error(cell, decimal, where)


def cell_error(cell: str, decimal: str, where: str) -> DataError:
    """Return the error for a cell that is not a number."""
    if has_surrogates(cell):
        return not_utf8(where)
    if len(split_vector(cell, decimal) or ()) > 1 or _is_cut(cell):
        return DataError(f"{where}: {shorten(cell)} is not one number")
    problem = f"{where}: {shorten(cell)} is not a number"
    if decimal == "." and is_decimal_comma(cell):
        if has_thousands(cell):
            problem += " (thousands or a decimal comma? thousands are written without separators)"
            return DataError(problem, Hint.DECIMAL_COMMA)
        return DataError(f"{problem} (a decimal comma?)", Hint.DECIMAL_COMMA)
    if has_thousands(cell):
        return DataError(f"{problem} (thousands are written without separators)")
    if decimal == "," and parse_number(cell) is not None:
        return DataError(f"{problem} with a decimal comma", Hint.DECIMAL_POINT)
    if cell.strip().endswith("%") and parse_number(with_point(cell.strip()[:-1], decimal)) is not None:
        return DataError(f"{problem} (write percentages as numbers, without the sign)")
    if re.search(r"\S\s*(#|//|%)", cell):
        return DataError(f"{problem} (a comment is a line of its own)")
    return DataError(problem)


def has_surrogates(text: str) -> bool:
    """Return whether a text has bytes that were not UTF-8."""
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def not_utf8(where: str) -> DataError:
    """Return the error for bytes that are not UTF-8."""
    return DataError(f"{where}: is not UTF-8 text: convert it, as with 'iconv -f GBK -t UTF-8' (or -f LATIN1)")
