"""A Markdown table."""

from __future__ import annotations

import re
from typing import Any

from losscli.messages import escape_controls
from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import SIGNIFICANT_DIGITS, cell_text, legend_in_fonts, mark_of
from losscli.report.tables import NUMERIC_KINDS, Report, ReportColumn, without_legend_columns


def markdown(report: Report, write: Write, style: Style) -> None:
    """Write a table with numbers to the right, the preface as a list, and the closing command as a block of code."""
    report = without_legend_columns(report)
    for term, meaning in report.preface:
        write(f"- {term}: {escape_markdown(meaning)}\n")
    write("\n" if report.preface else "")
    write("| " + " | ".join(escape_markdown(column.key) for column in report.columns) + " |\n")
    write("|" + "|".join(" ---: " if column.kind in NUMERIC_KINDS else " --- " for column in report.columns) + "|\n")
    digits = style.precision or SIGNIFICANT_DIGITS
    for row in report.rows():
        cells = (markdown_cell(cell, column, digits) for cell, column in zip(row, report.columns, strict=True))
        write("| " + " | ".join(cells) + " |\n")
    if report.legend:
        write("\n" + "\n".join(f"- {escape_markdown(line)}" for line in legend_in_fonts(report.legend)) + "\n")
    if report.detail:
        write("\n")
        markdown(report.detail, write, style)
    if report.closing:
        write(f"\n```sh\n{report.closing}\n```\n")


def markdown_cell(cell: Any, column: ReportColumn, digits: int) -> str:
    """Return a cell; the best number in bold, one that is not told apart from it in italics."""
    around = {"*": "**", "~": "*", "": ""}[mark_of(cell)]
    return f"{around}{escape_markdown(cell_text(cell, column, digits))}{around}"


def escape_markdown(text: str) -> str:
    """Return text on one line in which no character has a meaning in Markdown or HTML, nor in GitHub's formulas.

    Underscores stay inside of a word, where they mean nothing.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")
    text = re.sub(r"([\\`*|\[\]~]|(?<!\w)_|_(?!\w))", r"\\\1", text)
    return escape_controls(re.sub(r"\r\n|[\r\n\u2028\u2029]", "<br>", text))
