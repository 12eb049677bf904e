"""Many rows as lines of text: by PyArrow on several threads, with the bytes that Python would write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from losscli.data.arrow_values import mask_array, number_array, string_array
from losscli.data.coded_text import CodedText
from losscli.data.prefetch import ordered_map
from losscli.report.formats import WriteRows
from losscli.report.formats.rows import RowSyntax, text_of_rows
from losscli.report.tables import RowBlock

CELLS_PER_TEXT = 1 << 18
"""Cells that are made into text at once: some megabytes of text, of which each thread has a few."""

MIN_ROWS_BY_ARROW = 64
"""Rows below which calls of PyArrow for each column cost more than they save."""

SMALL, LARGE = 1e-4, 1e10
"""Below and from here on Arrow prints the digits that Python prints in another notation."""

END = 99
"""A place behind all digits of a number."""

NOTATIONS = (
    (1e-9, 1e-6, ((-1, -1, "0"),)),
    (1e-6, 1e-5, ((0, 7, ""), (1, 1, "."), (END, END, "e-06"))),
    (1e-5, SMALL, ((0, 6, ""), (1, 1, "."), (END, END, "e-05"))),
    *((10.0**i, 10.0 ** (i + 1), ((-4, END, ""), (1, 2, ""), (i + 1, i + 1, "."))) for i in range(10, 16)),
)
"""Numbers from and below, and what to put where, to make what Python prints of 1e-7, 0.000001, 0.00001 and 1.55e+10."""


def write_many_rows(blocks: Iterable[RowBlock], syntax: RowSyntax, jobs: int, write: WriteRows) -> None:
    """Write rows in order. What evaluating them raises is raised once the rows before are written."""
    failures = []

    def pieces() -> Iterator[RowBlock]:
        try:
            for block in blocks:
                step = max(MIN_ROWS_BY_ARROW, CELLS_PER_TEXT // len(block))
                for start in range(0, len(block[0]), step):
                    yield [cells[start : start + step] for cells in block]
        except Exception as error:
            failures.append(error)

    with closing(ordered_map(lambda piece: utf8_of_rows(piece, syntax), pieces(), jobs)) as texts:
        for _, text in texts:
            if isinstance(text, Exception):
                raise text
            write(text)
    if failures:
        raise failures[0]


def utf8_of_rows(block: RowBlock, syntax: RowSyntax) -> str | memoryview:
    """Return rows as UTF-8; as text where they are very few, very long, or have a lone surrogate."""
    if len(block[0]) >= MIN_ROWS_BY_ARROW:
        try:
            return rows_by_arrow(block, syntax)
        except (UnicodeEncodeError, OverflowError, pa.ArrowCapacityError):
            pass
    return text_of_rows(block, syntax)


def rows_by_arrow(block: RowBlock, syntax: RowSyntax) -> memoryview:
    """Return rows as UTF-8.

    Raises:
        UnicodeEncodeError: UTF-8 has no bytes for a text.
    """
    columns = [column_texts(cells, syntax) for cells in block]
    if syntax.delimiter:
        out = pa.BufferOutputStream()
        options = arrow_csv.WriteOptions(
            include_header=False, delimiter=syntax.delimiter, quoting_style="none", batch_size=len(block[0])
        )
        try:
            arrow_csv.write_csv(pa.RecordBatch.from_arrays(columns, names=[""] * len(columns)), out, options)
            return memoryview(out.getvalue())
        except pa.ArrowInvalid:  # a cell in quotes
            pass
    *before, end, nothing = string_array([*syntax.before, syntax.end, ""])
    parts = [part for pair in zip(before, columns, strict=True) for part in pair]
    rows = pc.binary_join_element_wise(*parts, end, nothing)
    return memoryview(rows.buffers()[2])


def column_texts(cells: Sequence[Any] | NDArray[Any] | CodedText, syntax: RowSyntax) -> pa.Array:
    """Return cells as they are written."""
    if isinstance(cells, CodedText):
        names = other_texts([*cells.names.tolist(), None], syntax)
        return names.take(number_array(np.where(cells.codes < 0, len(cells.names), cells.codes)))
    kind = cells.dtype.kind if isinstance(cells, np.ndarray) else "O"
    if kind == "f":
        return float_texts(np.asarray(cells, dtype=np.float64), syntax.cell)
    if kind == "i":
        return number_array(np.asarray(cells)).cast(pa.string())
    return other_texts(list(cells) if kind == "O" else np.asarray(cells).tolist(), syntax)


def float_texts(values: NDArray[np.float64], cell: Callable[[Any], str]) -> pa.Array:
    """Return numbers as Python prints them; those that are not finite as `cell` does."""
    texts = number_array(values).cast(pa.string())
    sizes = np.abs(values)
    if (differs := (sizes < SMALL) | (sizes >= LARGE)).any():
        texts = replace_where(texts, differs, in_notation(texts.filter(mask_array(differs)), values[differs]))
    with np.errstate(invalid="ignore"):
        is_whole = (sizes < 1e16) & (np.rint(values) == values)
    if is_whole.any():
        point, nothing = string_array([".0", ""])
        texts = pc.binary_join_element_wise(texts, pc.if_else(mask_array(is_whole), point, nothing), nothing)
    if cell(np.nan) != "nan" and not (is_finite := np.isfinite(values)).all():
        texts = replace_where(texts, ~is_finite, string_array(list(map(cell, values[~is_finite].tolist()))))
    return texts


def in_notation(texts: pa.Array, values: NDArray[np.float64]) -> pa.Array:
    """Return numbers that Arrow printed in the notation of Python, whole ones without `.0`."""
    sizes = np.abs(values)
    for low, high, places in NOTATIONS:
        within = (sizes >= low) & (sizes < high)
        for sign in (0, 1) if within.any() else ():
            if not (chosen := within & (np.signbit(values) == sign)).any():
                continue
            found = texts.filter(mask_array(chosen))
            for start, stop, text in places:
                found = pc.binary_replace_slice(found, start + sign * (start >= 0), stop + sign * (stop >= 0), text)
            texts = replace_where(texts, chosen, pc.replace_substring(found, ".e", "e"))
    if (is_large := (sizes >= LARGE) & (sizes < 1e16) & (np.rint(values) == values)).any():
        texts = replace_where(texts, is_large, number_array(values[is_large].astype(np.int64)).cast(pa.string()))
    return texts


def other_texts(cells: list[Any], syntax: RowSyntax) -> pa.Array:
    """Return cells that are no floats as they are written; None if missing."""
    missing = np.fromiter((cell is None for cell in cells), bool, len(cells))
    try:
        texts = string_array(["" if cell is None else cell for cell in cells] if missing.any() else cells)
    except TypeError:  # a number among names
        return string_array(list(map(syntax.cell, cells)))
    special = pc.match_substring_regex(texts, syntax.special)
    quote, nothing = string_array([syntax.quote, ""])
    quoted = pc.binary_join_element_wise(quote, texts, quote, nothing) if syntax.quote else texts
    if special.true_count:
        distinct = texts.filter(special).dictionary_encode()
        found = string_array(list(map(syntax.cell, distinct.dictionary.to_pylist()))).take(distinct.indices)
        quoted = pc.replace_with_mask(quoted, special, found)
    if missing.any():
        quoted = replace_where(quoted, missing, string_array([syntax.cell(None)] * np.count_nonzero(missing)))
    return quoted


def replace_where(texts: pa.Array, mask: NDArray[np.bool_], found: pa.Array) -> pa.Array:
    """Return texts, with others where a mask is set, in less than half the time of `replace_with_mask`."""
    rows = np.arange(len(mask))
    rows[mask] = np.arange(len(mask), len(mask) + len(found))
    return pa.concat_arrays([texts, found]).take(number_array(rows))
