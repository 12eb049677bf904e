"""Rows as lines of text: by PyArrow and several threads where they are many, cell by cell where they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import CodedText
from losscli.data.prefetch import ordered_map
from losscli.report.formats import Write
from losscli.report.tables import RowBlock, python_rows

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_WORTH_ARROW = 1 << 16
"""Cells up to which importing PyArrow costs more than it saves."""

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
"""Numbers from and below, and what to put where: 1e-7, 0.000001, 0.00001 and 1.55e+10 of Arrow as Python prints them."""


class RowSyntax(NamedTuple):
    """How the rows of a format are written.

    Attributes:
        before: What is before each cell of a row.
        end: What ends a row.
        cell: Returns a cell as text.
        quote: What is on both sides of text.
        special: The pattern of the texts that `cell` writes otherwise than that.
        delimiter: What is between cells, of delimited text: Arrow writes it in a third of the time.
    """

    before: tuple[str, ...]
    end: str
    cell: Callable[[Any], str]
    quote: str
    special: str
    delimiter: str = ""


def write_rows(blocks: Iterable[RowBlock], syntax: RowSyntax, jobs: int, write: Write) -> None:
    """Write rows in order; if they are many, threads make them into text while the next ones are evaluated."""
    remaining = iter(blocks)
    first = next(remaining, None)
    if first is None:
        return
    is_many = len(first) * len(first[0]) > CELLS_WORTH_ARROW
    step = max(MIN_ROWS_BY_ARROW, CELLS_PER_TEXT // len(first))
    pieces = (
        [cells[start : start + step] for cells in block]
        for block in chain([first], remaining)
        for start in range(0, len(block[0]), step)
    )
    with closing(ordered_map(lambda piece: rows_text(piece, syntax, is_many), pieces, jobs if is_many else 1)) as texts:
        for _, text in texts:
            if isinstance(text, Exception):
                raise text
            write(text)


def rows_text(block: RowBlock, syntax: RowSyntax, use_arrow: bool) -> str | memoryview:
    """Return rows as text, or as UTF-8."""
    if use_arrow and len(block[0]) >= MIN_ROWS_BY_ARROW:
        try:
            return rows_by_arrow(block, syntax)
        except UnicodeEncodeError:  # a lone surrogate, which has no place in Arrow's text
            pass
    before, cell, end = syntax.before, syntax.cell, syntax.end
    rows = ([text for pair in zip(before, map(cell, row), strict=True) for text in pair] for row in python_rows(block))
    return "".join("".join(row) + end for row in rows)


def rows_by_arrow(block: RowBlock, syntax: RowSyntax) -> memoryview:
    """Return rows as UTF-8.

    Raises:
        UnicodeEncodeError: UTF-8 has no bytes for a text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [column_texts(cells, syntax) for cells in block]
    if syntax.delimiter:
        from pyarrow import csv as arrow_csv

        out = pa.BufferOutputStream()
        options = arrow_csv.WriteOptions(
            include_header=False, delimiter=syntax.delimiter, quoting_style="none", batch_size=len(block[0])
        )
        try:
            arrow_csv.write_csv(pa.RecordBatch.from_arrays(columns, names=[""] * len(columns)), out, options)
            return memoryview(out.getvalue())
        except pa.ArrowInvalid:  # a cell in quotes
            pass
    *before, end, nothing = strings([*syntax.before, syntax.end, ""])
    parts = [part for pair in zip(before, columns, strict=True) for part in pair]
    rows = pc.binary_join_element_wise(*parts, end, nothing)
    return memoryview(rows.buffers()[2])


def column_texts(cells: Sequence[Any] | NDArray[Any] | CodedText, syntax: RowSyntax) -> pa.Array:
    """Return cells as they are written."""
    if isinstance(cells, CodedText):
        names = other_texts([*cells.names.tolist(), None], syntax)
        return names.take(numbers(np.where(cells.codes < 0, len(cells.names), cells.codes)))
    kind = cells.dtype.kind if isinstance(cells, np.ndarray) else "O"
    if kind == "f":
        return float_texts(np.asarray(cells, dtype=np.float64), syntax.cell)
    if kind == "i":
        import pyarrow as pa

        return numbers(np.asarray(cells)).cast(pa.string())
    return other_texts(cells if kind == "O" else cells.tolist(), syntax)


def float_texts(values: NDArray[np.float64], cell: Callable[[Any], str]) -> pa.Array:
    """Return numbers as Python prints them; those that are not finite as `cell` does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = numbers(values).cast(pa.string())
    sizes = np.abs(values)
    if (differs := (sizes < SMALL) | (sizes >= LARGE)).any():
        texts = replaced(texts, differs, in_notation(texts.filter(mask_array(differs)), values[differs]))
    with np.errstate(invalid="ignore"):
        is_whole = (sizes < 1e16) & (np.rint(values) == values)
    if is_whole.any():
        point, nothing = strings([".0", ""])
        texts = pc.binary_join_element_wise(texts, pc.if_else(mask_array(is_whole), point, nothing), nothing)
    if cell(np.nan) != "nan" and not (is_finite := np.isfinite(values)).all():
        texts = replaced(texts, ~is_finite, strings(list(map(cell, values[~is_finite].tolist()))))
    return texts


def in_notation(texts: pa.Array, values: NDArray[np.float64]) -> pa.Array:
    """Return numbers that Arrow printed in the notation of Python, whole ones without `.0`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = np.abs(values)
    for low, high, places in NOTATIONS:
        within = (sizes >= low) & (sizes < high)
        for sign in (0, 1) if within.any() else ():
            if not (chosen := within & (np.signbit(values) == sign)).any():
                continue
            found = texts.filter(mask_array(chosen))
            for start, stop, text in places:
                found = pc.binary_replace_slice(found, start + sign * (start >= 0), stop + sign * (stop >= 0), text)
            texts = replaced(texts, chosen, pc.replace_substring(found, ".e", "e"))
    if (is_large := (sizes >= LARGE) & (sizes < 1e16) & (np.rint(values) == values)).any():
        texts = replaced(texts, is_large, numbers(values[is_large].astype(np.int64)).cast(pa.string()))
    return texts


def other_texts(cells: Sequence[Any] | NDArray[Any], syntax: RowSyntax) -> pa.Array:
    """Return cells that are no floats as they are written; None if missing."""
    import pyarrow.compute as pc

    try:
        texts = strings(cells)
    except TypeError:  # missing, or a number among names
        return strings(list(map(syntax.cell, cells)))
    special = pc.match_substring_regex(texts, syntax.special)
    quote, nothing = strings([syntax.quote, ""])
    quoted = pc.binary_join_element_wise(quote, texts, quote, nothing) if syntax.quote else texts
    if not special.true_count:
        return quoted
    distinct = texts.filter(special).dictionary_encode()
    found = strings(list(map(syntax.cell, distinct.dictionary.to_pylist()))).take(distinct.indices)
    return pc.replace_with_mask(quoted, special, found)


def replaced(texts: pa.Array, mask: NDArray[np.bool_], found: pa.Array) -> pa.Array:
    """Return texts with others where a mask is set; less than half the time of `replace_with_mask`."""
    import pyarrow as pa

    rows = np.arange(len(mask))
    rows[mask] = np.arange(len(mask), len(mask) + len(found))
    return pa.concat_arrays([texts, found]).take(numbers(rows))


def strings(texts: Sequence[str]) -> pa.Array:
    """Return texts as an array of Arrow, without the pandas that `pyarrow.array` imports.

    Raises:
        TypeError: One is no text.
        UnicodeEncodeError: UTF-8 has no bytes for one.
    """
    import pyarrow as pa

    whole = "".join(texts)
    lengths = map(len, texts if whole.isascii() else [text.encode() for text in texts])
    offsets = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(lengths, np.int32, len(texts)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(whole.encode()))


def numbers(values: NDArray[Any]) -> pa.Array:
    """Return numbers as an array of Arrow."""
    import pyarrow as pa

    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def mask_array(mask: NDArray[np.bool_]) -> pa.Array:
    """Return a mask as an array of Arrow."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(np.packbits(mask, bitorder="little"))])
