"""Only the numbers: one line per row, tabs between several numbers of a row."""

from __future__ import annotations

from typing import Any

from losscli.errors import UsageError
from losscli.report.formats import Style, WriteRows
from losscli.report.formats.rows import RowSyntax, write_rows
from losscli.report.tables import Report


def value(report: Report, write: WriteRows, style: Style) -> None:
    """Write the value columns without a header.

    Raises:
        UsageError: The rows have none: their losses are one number for all rows, of which gradients were asked for.
    """
    indices = [i for i, column in enumerate(report.columns) if column.key in report.values]
    if not indices:
        problem = f"{' and '.join(report.values)} is one number for all rows: no row has a value of its own"
        raise UsageError(problem, option=("format", "value"))
    syntax = RowSyntax(("", *["\t"] * (len(indices) - 1)), "\n", value_cell, "", "\t", "\t")
    write_rows(([block[i] for i in indices] for block in report.blocks), syntax, report.jobs, write)


def value_cell(cell: Any) -> str:
    """Return a cell as text."""
    return "nan" if cell is None else str(cell)
