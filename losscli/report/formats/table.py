"""A table for a terminal, by Rich."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement, measure_renderables
from rich.table import Column, Table
from rich.text import Text

from losscli.messages import escape_controls
from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import SIGNIFICANT_DIGITS, cell_text, mark_of
from losscli.report.tables import NUMERIC_KINDS, CellKind, Report, without_legend_columns

MIN_DIGITS = 4
DEFAULT_WIDTH = 80

FIXED_SPACE = "\ue000"
"""Stands for the space before a Chinese word, as in `KL 散度`, at which no line ends."""

TableRows = Sequence[Sequence[object]]


def table(report: Report, write: Write, style: Style) -> None:
    """Write a table with as many digits as the width has room for, transposed if it is too wide."""
    report, rows = escape_report(report)
    out = io.StringIO()
    console = Console(
        file=out,
        width=style.width or DEFAULT_WIDTH,
        color_system="standard" if style.colour else None,
        highlight=False,
        force_terminal=style.colour,
        legacy_windows=False,
    )
    if report.preface:
        console.print(preface_grid(report.preface))
        console.print()
    draw_report(report, rows, style, console)
    if report.legend:
        console.print()
    for line in report.legend:
        key, _, meaning = line.partition(": ")
        console.print(Text.assemble((key, "bold"), ": ", meaning, style="dim"))
    if report.detail:
        console.print()
        draw_report(*escape_report(report.detail), style, console)
    if report.closing:
        console.print()
        for line in report.closing.split("\n"):
            console.out(escape_controls(wrap_command(line, console.width), keep="\n"))
    lines = out.getvalue().splitlines()
    write("\n".join(line.rstrip() for line in lines).strip("\n").replace(FIXED_SPACE, " ") + "\n")


def escape_report(report: Report) -> tuple[Report, TableRows]:
    """Return a report and its rows without control characters in names and cells."""
    report = without_legend_columns(report)
    columns = tuple(column._replace(key=escape_controls(column.key)) for column in report.columns)
    preface = tuple((term, escape_controls(meaning)) for term, meaning in report.preface)
    rows = [[escape_controls(cell) if isinstance(cell, str) else cell for cell in row] for row in report.rows()]
    return report._replace(columns=columns, preface=preface), rows


def draw_report(report: Report, rows: TableRows, style: Style, console: Console) -> None:
    """Print the first layout that fits; else wrap a last column of text; else print some columns at a time."""
    whole = next((t for t in table_layouts(report, rows, style) if fits_width(t, console)), None)
    if whole is None and report.columns[-1].kind is CellKind.TEXT:
        whole = folded_table(report, rows, console)
    if whole is not None:
        console.print(whole)
        return
    for i, part in enumerate(split_columns(report, rows, style.precision or MIN_DIGITS, console)):
        if i:
            console.print()
        console.print(part)


def folded_table(report: Report, rows: TableRows, console: Console) -> Table:
    """Return a table whose texts are wrapped; where their words do not fit side by side, the last goes below the other.

    Names are whole if they take at most half of the width.
    """
    drawn = upright_table(report, rows, SIGNIFICANT_DIGITS, console.width // 2)
    kinds = [column.kind for column in report.columns]
    if kinds[-2:] == [CellKind.TEXT] * 2 and room_of(drawn, console).minimum > console.width:
        key = f"{report.columns[-2].key}, {report.columns[-1].key}"
        columns = (*report.columns[:-2], report.columns[-2]._replace(key=key))
        stacked = [[*row[:-2], "\n".join(filter(None, map(str, row[-2:])))] for row in rows]
        return upright_table(report._replace(columns=columns), stacked, SIGNIFICANT_DIGITS, console.width // 2)
    share_width([drawn.columns[i] for i, kind in enumerate(kinds) if kind is CellKind.TEXT], drawn, console)
    return drawn


def share_width(columns: Sequence[Column], drawn: Table, console: Console) -> None:
    """Give each column of text the room of its longest word, and a share of what is left; Rich would break words."""
    options = console.options.update(width=100_000)
    ranges = [measure_renderables(console, options, [column.header, *column.cells]) for column in columns]
    left, wanted = console.width - room_of(drawn, console).minimum, sum(range.span for range in ranges)
    for column, range in zip(columns, ranges, strict=True):
        if left >= 0 and wanted:
            share = min(range.span, left * range.span // wanted)
            column.width, left, wanted = range.minimum + share, left - share, wanted - range.span


def split_columns(report: Report, rows: TableRows, digits: int, console: Console) -> Iterator[Table]:
    """Yield tables of as many columns as fit, each after the columns that name the rows."""
    start = count_naming_columns(report)
    while start < len(report.columns):
        stop = start + 1
        while stop < len(report.columns) and fits_width(
            upright_table(*select_columns(report, rows, start, stop + 1), digits), console
        ):
            stop += 1
        yield upright_table(*select_columns(report, rows, start, stop), digits)
        start = stop


def select_columns(report: Report, rows: TableRows, start: int, stop: int) -> tuple[Report, TableRows]:
    """Return a report and its rows with the naming columns and those from `start` to `stop`."""
    naming = count_naming_columns(report)
    columns = (*report.columns[:naming], *report.columns[start:stop])
    return report._replace(columns=columns), [[*row[:naming], *row[start:stop]] for row in rows]


def count_naming_columns(report: Report) -> int:
    """Return how many leading columns name the rows."""
    numbers = (i for i, column in enumerate(report.columns) if column.kind in NUMERIC_KINDS)
    return max(1, next(numbers, 1))


def preface_grid(rows: Sequence[tuple[str, str]]) -> Table:
    """Return terms and their meaning as a grid."""
    drawn = Table.grid(padding=(0, 2, 0, 0))
    for term, meaning in rows:
        drawn.add_row(Text(term, "bold"), Text(meaning))
    return drawn


def wrap_command(command: str, width: int) -> str:
    """Return a command, broken over several lines for a shell if it is too long."""
    import shlex

    lines = [""]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if lines[-1] and len(lines[-1]) + len(quoted) + 3 > width:
            lines.append("  " + quoted)
        else:
            lines[-1] += f" {quoted}" if lines[-1] else quoted
    return " \\\n".join(lines)


def table_layouts(report: Report, rows: TableRows, style: Style) -> Iterable[Table]:
    """Yield the layouts of a table, the best first."""
    has_numbers = any(column.kind is CellKind.NUMBER for column in report.columns)
    fewest = MIN_DIGITS if has_numbers else SIGNIFICANT_DIGITS
    for digits in [style.precision] if style.precision else range(SIGNIFICANT_DIGITS, fewest - 1, -1):
        yield upright_table(report, rows, digits)
    if rows and len(rows) < len(report.columns) and not report.is_upright:
        yield transposed_table(report, rows, style.precision or SIGNIFICANT_DIGITS)


def empty_table() -> Table:
    """Return a table without columns."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)


def upright_table(report: Report, rows: TableRows, digits: int, longest_name: int | None = None) -> Table:
    """Return a table with one row per row; names longer than the `longest_name` are folded."""
    drawn = empty_table()
    cells_of_columns = drawn_cells(report, rows, digits)
    for column, cells in zip(report.columns, cells_of_columns, strict=True):
        right, whole = column.kind in NUMERIC_KINDS, column.kind is not CellKind.TEXT
        most = longest_name if column.kind is CellKind.NAME else None
        least = min(most, max((cell.cell_len for cell in cells), default=0)) if most else None
        justify: Literal["left", "right"] = "right" if right else "left"
        drawn.add_column(
            column.key, justify=justify, overflow="fold", no_wrap=whole and not most, min_width=least, max_width=most
        )
    for row in zip(*cells_of_columns, strict=True):
        drawn.add_row(*row)
    return drawn


def drawn_cells(report: Report, rows: TableRows, digits: int) -> list[list[Text]]:
    """Return the cells of each column; a sign and bold print mark numbers, and a blank keeps the others in line."""
    found = []
    for i, column in enumerate(report.columns):
        marks = [mark_of(row[i]) for row in rows]
        ends = [mark or " " for mark in marks] if any(marks) else marks
        texts = [cell_text(row[i], column, digits) + end for row, end in zip(rows, ends, strict=True)]
        if column.kind is CellKind.TEXT:
            texts = [re.sub("(?<=[^, ]) (?=[\u4e00-\u9fff])", FIXED_SPACE, text) for text in texts]
        found.append([Text(text, "bold" if mark == "*" else "") for text, mark in zip(texts, marks, strict=True)])
    return found


def transposed_table(report: Report, rows: TableRows, digits: int) -> Table:
    """Return a table with one column per row, named by the first cell."""
    drawn = empty_table()
    drawn.add_column(report.columns[0].key)
    for row in rows:
        drawn.add_column(str(row[0]), justify="right", overflow="fold")
    for column, cells in zip(report.columns[1:], drawn_cells(report, rows, digits)[1:], strict=True):
        drawn.add_row(column.key, *cells)
    return drawn


def fits_width(drawn: Table, console: Console) -> bool:
    """Return whether a table fits the width of the console."""
    return room_of(drawn, console).maximum <= console.width


def room_of(drawn: Table, console: Console) -> Measurement:
    """Return how wide a table is with its texts wrapped at every word, and without."""
    return console.measure(drawn, options=console.options.update(width=100_000))
