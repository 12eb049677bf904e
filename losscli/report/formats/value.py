"""Only the numbers, one a line (several of one row on one line, with tabs)."""

from __future__ import annotations

from losscli.report.formats import Style, Write
from losscli.report.tables import Report


def value(report: Report, write: Write, style: Style) -> None:
    """The value columns without a header."""
    positions = [i for i, column in enumerate(report.columns) if column.key in report.values]
    for block in report.blocks:
        for row in zip(*(block[i] for i in positions), strict=True):
            write("\t".join(map(_text, row)) + "\n")


def _text(cell: object) -> str:
    return "nan" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)
