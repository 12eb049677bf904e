"""A table as a fragment of HTML: it takes the fonts and colours of the page that it is pasted into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from losscli.messages import escape_controls
from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import SIGNIFICANT_DIGITS, cell_text, legend_in_fonts, mark_of
from losscli.report.tables import NUMERIC_KINDS, Report, ReportColumn, without_legend_columns

TO_THE_LEFT, TO_THE_RIGHT = (f' style="text-align:{side}"' for side in ("left", "right"))


def html(report: Report, write: Write, style: Style) -> None:
    """Write a table with a caption, the rows as they come, and lists of what is above and below it elsewhere."""
    report = without_legend_columns(report)
    if report.preface:
        write(term_list(report.preface))
    write("<table>\n")
    write(f"<caption>{escape_html(report.title)}</caption>\n" if report.title else "")
    write(f"<thead>\n{header_row(report.columns)}</thead>\n<tbody>\n")
    digits = style.precision or SIGNIFICANT_DIGITS
    for row in report.rows():
        write(body_row(row, report.columns, digits))
    write("</tbody>\n</table>\n")
    if report.legend:
        write(
            term_list(
                tuple(
                    (key, meaning)
                    for key, _, meaning in (line.partition(": ") for line in legend_in_fonts(report.legend))
                )
            )
        )
    if report.detail:
        html(report.detail, write, style)
    if report.closing:
        write(f"<pre><code>{escape_html(report.closing)}</code></pre>\n")


def header_row(columns: Sequence[ReportColumn]) -> str:
    """Return the names of columns as a row."""
    cells = (f'<th scope="col"{alignment(column)}>{escape_html(column.key)}</th>' for column in columns)
    return f"<tr>{''.join(cells)}</tr>\n"


def body_row(row: Sequence[Any], columns: Sequence[ReportColumn], digits: int) -> str:
    """Return cells as a row, named by the first; a missing one is empty."""
    cells = []
    for i, (cell, column) in enumerate(zip(row, columns, strict=True)):
        text = "" if cell is None else escape_html(cell_text(cell, column, digits))
        tag = {"*": "strong", "~": "em"}.get(mark_of(cell))
        text = f"<{tag}>{text}</{tag}>" if tag else text
        align = alignment(column)
        cells.append(f"<td{align}>{text}</td>" if i else f'<th scope="row"{align}>{text}</th>')
    return f"<tr>{''.join(cells)}</tr>\n"


def alignment(column: ReportColumn) -> str:
    """Return the attribute that puts numbers to the right and text to the left."""
    return TO_THE_RIGHT if column.kind in NUMERIC_KINDS else TO_THE_LEFT


def term_list(rows: Iterable[tuple[str, str]]) -> str:
    """Return terms and their meaning as a list."""
    items = (f"<dt>{escape_html(term)}</dt><dd>{escape_html(meaning)}</dd>\n" for term, meaning in rows)
    return f"<dl>\n{''.join(items)}</dl>\n"


def escape_html(text: str) -> str:
    """Return text in which no character has a meaning in HTML; the ends of lines stay."""
    return escape_controls(re.sub(r"\r\n|[\r\n\u2028\u2029]", "<br>", escape(text)))
