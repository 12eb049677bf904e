"""Only the numbers: one line per row, tabs between several numbers of a row."""

from __future__ import annotations

from losscli.report.formats import Style, Write
from losscli.report.tables import Report


def value(report: Report, write: Write, style: Style) -> None:
    """Write the value columns without a header."""
    indices = [i for i, column in enumerate(report.columns) if column.key in report.values]
    for row in report.rows():
        write("\t".join("nan" if row[i] is None else str(row[i]) for i in indices) + "\n")
