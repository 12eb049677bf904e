"""A Markdown table."""

from __future__ import annotations

from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import DIGITS, text
from losscli.report.tables import Report


def markdown(report: Report, write: Write, style: Style) -> None:
    """Pipes between cells, numbers to the right; what comes before as a list, a command in a block of code."""
    for term, meaning in report.preface:
        write(f"- {term}: {meaning}\n")
    write("\n" if report.preface else "")
    write("| " + " | ".join(_escaped(column.key) for column in report.columns) + " |\n")
    write("|" + "|".join(" ---: " if column.kind.numeric else " --- " for column in report.columns) + "|\n")
    digits = style.precision or DIGITS
    for block in report.blocks:
        for row in zip(*block, strict=True):
            cells = [_escaped(text(cell, column, digits)) for cell, column in zip(row, report.columns, strict=True)]
            write("| " + " | ".join(cells) + " |\n")
    if report.legend:
        write("\n" + "\n".join(f"- {line}" for line in report.legend) + "\n")
    if report.detail:
        write("\n")
        markdown(report.detail, write, style)
    if report.closing:
        write(f"\n```sh\n{report.closing}\n```\n")


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
