"""Rows as lines of text, cell by cell while they are few."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

from losscli.report.formats import WriteRows
from losscli.report.tables import RowBlock, python_rows

CELLS_WORTH_ARROW, CELLS_WORTH_IMPORT = 1 << 17, 1 << 18
"""Cells up to which PyArrow costs more than it saves, because more modules of it or all of them are imported."""


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


def write_rows(blocks: Iterable[RowBlock], syntax: RowSyntax, jobs: int, write: WriteRows) -> None:
    """Write rows in order; once they are many, threads make them into text while the next ones are evaluated."""
    remaining, seen = iter(blocks), 0
    most = CELLS_WORTH_ARROW if "pyarrow" in sys.modules else CELLS_WORTH_IMPORT
    for block in remaining:
        seen += len(block) * len(block[0])
        if seen > most:
            from losscli.report.formats.arrow_rows import write_many_rows

            write_many_rows(chain([block], remaining), syntax, jobs, write)
        else:
            write(text_of_rows(block, syntax))


def text_of_rows(block: RowBlock, syntax: RowSyntax) -> str:
    """Return rows as text."""
    before, cell, end = syntax.before, syntax.cell, syntax.end
    rows = ([text for pair in zip(before, map(cell, row), strict=True) for text in pair] for row in python_rows(block))
    return "".join("".join(row) + end for row in rows)
