"""Rows as lines of text: by PyArrow and several threads where they are many, cell by cell where they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.prefetch import ordered_map
from losscli.report.formats import Write
from losscli.report.tables import RowBlock, python_rows

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_WORTH_ARROW = 1 << 16
"""Cells up to which importing PyArrow costs more than it saves."""

CELLS_PER_TEXT = 1 << 18
"""Cells that are made into text at once: some megabytes of text, of which each thread has some."""

_EXPONENTS = (
    (r"^(-?)0\.0000([1-9])(\d*)$", r"\1\2.\3e-05"),
    (r"^(-?)0\.00000([1-9])(\d*)$", r"\1\2.\3e-06"),
    (r"\.e", "e"),
    (r"e-(\d)$", r"e-0\1"),
)
"""Patterns and replacements: small numbers as Arrow prints them -> as Python does."""


class RowSyntax(NamedTuple):
    """How the rows of a format are written.

    Attributes:
        before: What is before each cell of a row.
        end: What ends a row.
        cell: Returns a cell as text.
        quote: What is on both sides of text.
        special: The pattern of the texts that `cell` writes otherwise than that.
    """

    before: tuple[str, ...]
    end: str
    cell: Callable[[Any], str]
    quote: str
    special: str


def write_rows(blocks: Iterable[RowBlock], syntax: RowSyntax, jobs: int, write: Write) -> None:
    """Write rows in order; while they are many, threads make some into text as the next ones are evaluated."""
    pieces = (piece for block in blocks for piece in cut_block(block))
    first = next(pieces, None)
    if first is None:
        return
    if not is_worth_arrow(first):
        jobs = 1
    with closing(ordered_map(lambda piece: rows_text(piece, syntax), chain([first], pieces), jobs)) as texts:
        for _, text in texts:
            if isinstance(text, Exception):
                raise text
            write(text)


def cut_block(block: RowBlock) -> Iterator[RowBlock]:
    """Yield the rows of a block, as many at a time as have CELLS_PER_TEXT cells."""
    step = max(1, CELLS_PER_TEXT // len(block))
    for start in range(0, len(block[0]), step):
        yield [cells[start : start + step] for cells in block]


def is_worth_arrow(block: RowBlock) -> bool:
    """Tell whether a block has so many cells that PyArrow is imported for them."""
    return len(block) * len(block[0]) > CELLS_WORTH_ARROW


def rows_text(block: RowBlock, syntax: RowSyntax) -> str | memoryview:
    """Return rows as text, or as UTF-8."""
    if is_worth_arrow(block):
        try:
            return rows_by_arrow(block, syntax)
        except UnicodeEncodeError:  # a lone surrogate, for which Arrow has no place
            pass
    before, cell, end = syntax.before, syntax.cell, syntax.end
    rows = python_rows(block)
    return "".join(
        "".join([part for pair in zip(before, map(cell, row), strict=True) for part in pair]) + end for row in rows
    )


def rows_by_arrow(block: RowBlock, syntax: RowSyntax) -> memoryview:
    """Return rows as UTF-8.

    Raises:
        UnicodeEncodeError: UTF-8 has no bytes for a text.
    """
    import pyarrow.compute as pc

    size = len(block[0])
    floats = [cells for cells in block if is_of_floats(cells)]
    texts = number_texts(np.concatenate(floats), syntax.cell) if floats else None
    parts: list[Any] = []
    for before, cells in zip(syntax.before, block, strict=True):
        parts += [before] * bool(before)
        if is_of_floats(cells):
            parts.append(texts[:size])
            texts = texts[size:]
        else:
            parts.append(other_texts(cells, syntax))
    rows = pc.binary_join_element_wise(*parts, syntax.end, "")
    return memoryview(rows.buffers()[2])


def is_of_floats(cells: Sequence[Any] | NDArray[Any]) -> bool:
    """Tell whether cells are an array of floats."""
    return isinstance(cells, np.ndarray) and cells.dtype.kind == "f"


def number_texts(values: NDArray[Any], cell: Callable[[Any], str]) -> pa.Array:
    """Return numbers as Python prints them; those that are not finite as `cell` does.

    Arrow prints the same digits, but 1 for 1.0, 0.00001 for 1e-05, 1e-7 for 1e-07 and 1e+15 for 1000000000000000.0.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = np.asarray(values, dtype=np.float64)
    texts = pa.array(values).cast(pa.string())
    sizes = np.abs(values)
    is_whole = (sizes < 1e15) & (np.rint(values) == values)
    if is_whole.any():
        texts = pc.binary_join_element_wise(texts, pc.if_else(pa.array(is_whole), ".0", ""), "")
    is_small = (sizes < 1e-4) & (sizes > 1e-10)
    if is_small.any():
        small = pa.array(is_small)
        found = texts.filter(small)
        for pattern, replacement in _EXPONENTS:
            found = pc.replace_substring_regex(found, pattern=pattern, replacement=replacement)
        texts = pc.replace_with_mask(texts, small, found)
    is_odd = (sizes >= 1e15) & (sizes < 1e16)
    if cell(np.nan) != "nan":
        is_odd |= ~np.isfinite(values)
    if is_odd.any():
        found = pa.array([cell(value) for value in values[is_odd].tolist()], pa.string())
        texts = pc.replace_with_mask(texts, pa.array(is_odd), found)
    return texts


def other_texts(cells: Sequence[Any] | NDArray[Any], syntax: RowSyntax) -> pa.Array:
    """Return cells that are no floats as texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu":
        return pa.array(cells).cast(pa.string())
    try:
        texts = pa.array(cells, pa.string(), from_pandas=False)
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # numbers among names
        return pa.array([syntax.cell(cell) for cell in cells], pa.string())
    is_special = pc.fill_null(pc.match_substring_regex(texts, syntax.special), True)
    quoted = pc.binary_join_element_wise(syntax.quote, texts, syntax.quote, "") if syntax.quote else texts
    if not pc.any(is_special).as_py():
        return quoted
    found = pa.array([syntax.cell(text) for text in texts.filter(is_special).to_pylist()], pa.string())
    return pc.replace_with_mask(quoted, is_special, found)
