"""TSV and CSV: a header, then rows with full precision as they come."""

from __future__ import annotations

import csv as csv_module
from functools import partial
from types import SimpleNamespace
from typing import Any

from losscli.report.formats import Style, WriteRows
from losscli.report.formats.rows import RowSyntax, write_rows
from losscli.report.tables import Report


def write_delimited(report: Report, write: WriteRows, style: Style, *, delimiter: str) -> None:
    """Write a header and rows with a delimiter between cells."""
    report = report.detail or report
    syntax = delimited_syntax(len(report.columns), delimiter)
    write(delimiter.join(syntax.cell(column.key) for column in report.columns) + "\n")
    write_rows(report.blocks, syntax, report.jobs, write)


def delimited_syntax(width: int, delimiter: str) -> RowSyntax:
    """Return the syntax of rows of so many cells."""
    before, cell = ("", *[delimiter] * (width - 1)), partial(delimited_cell, delimiter=delimiter)
    return RowSyntax(before, "\n", cell, "", f'[{delimiter}"\r\n]', delimiter)


def delimited_cell(cell: Any, delimiter: str) -> str:
    """Return a cell as text, in quotes where the csv module puts it in quotes."""
    if isinstance(cell, (float, int)):
        return repr(cell)
    parts: list[str] = []
    csv_module.writer(SimpleNamespace(write=parts.append), delimiter=delimiter, lineterminator="\n").writerow((cell, 0))
    return parts[0].removesuffix(f"{delimiter}0\n")


tsv = partial(write_delimited, delimiter="\t")
csv = partial(write_delimited, delimiter=",")
