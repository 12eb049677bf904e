"""A table for a terminal, by Rich."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import DIGITS, text
from losscli.report.tables import Kind, Report

FEWEST_DIGITS = 4
WIDTH = 80

Rows = Sequence[Sequence[object]]


def table(report: Report, write: Write, style: Style) -> None:
    """Numbers to the right, with as many digits as the width leaves room for; on its side where it is too wide."""
    rows = [row for block in report.blocks for row in zip(*block, strict=True)]
    out = io.StringIO()
    console = Console(
        file=out, width=style.width or WIDTH, color_system="standard" if style.colour else None, highlight=False,
        force_terminal=style.colour, legacy_windows=False,
    )  # fmt: skip
    if report.preface:
        console.print(_terms(report.preface))
        console.print()
    _draw(report, rows, style, console)
    if report.legend:
        console.print()
    for line in report.legend:
        key, _, meaning = line.partition(": ")
        console.print(Text.assemble((key, "bold"), ": ", meaning, style="dim"))
    if report.detail:
        console.print()
        _draw(report.detail, [row for b in report.detail.blocks for row in zip(*b, strict=True)], style, console)
    if report.closing:
        console.print()
        console.out(_continued(report.closing, console.width))
    lines = out.getvalue().splitlines()
    write("\n".join(line.rstrip() for line in lines).strip("\n") + "\n")


def _draw(report: Report, rows: Rows, style: Style, console: Console) -> None:
    """The first layout that fits; else with a last column of words wrapped; else some columns at a time."""
    whole = next((t for t in _layouts(report, rows, style) if _fits(t, console)), None)
    if whole is None and report.columns[-1].kind is Kind.TEXT:
        whole = _upright(report, rows, DIGITS)
    if whole is not None:
        console.print(whole)
        return
    for i, part in enumerate(_in_parts(report, rows, style.precision or FEWEST_DIGITS, console)):
        if i:
            console.print()
        console.print(part)


def _in_parts(report: Report, rows: Rows, digits: int, console: Console) -> Iterator[Table]:
    """Tables of as many columns as fit, each with the columns that name the rows in front."""
    start = _naming(report)
    while start < len(report.columns):
        stop = start + 1
        while stop < len(report.columns) and _fits(_upright(*_part(report, rows, start, stop + 1), digits), console):
            stop += 1
        yield _upright(*_part(report, rows, start, stop), digits)
        start = stop


def _part(report: Report, rows: Rows, start: int, stop: int) -> tuple[Report, Rows]:
    naming = _naming(report)
    columns = (*report.columns[:naming], *report.columns[start:stop])
    return report._replace(columns=columns), [[*row[:naming], *row[start:stop]] for row in rows]


def _naming(report: Report) -> int:
    """How many columns in front name the rows."""
    numbers = (i for i, column in enumerate(report.columns) if column.kind.numeric)
    return max(1, next(numbers, 1))


def _terms(rows: Sequence[tuple[str, str]]) -> Table:
    drawn = Table.grid(padding=(0, 2, 0, 0))
    for term, meaning in rows:
        drawn.add_row(Text(term, "bold"), Text(meaning))
    return drawn


def _continued(command: str, width: int) -> str:
    """A command over several lines, where it is too long for one, that a shell reads as one."""
    import shlex

    lines = [""]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if lines[-1] and len(lines[-1]) + len(quoted) + 3 > width:
            lines.append("  " + quoted)
        else:
            lines[-1] += f" {quoted}" if lines[-1] else quoted
    return " \\\n".join(lines)


def _layouts(report: Report, rows: Rows, style: Style) -> Iterable[Table]:
    """Ways to draw it, the best first."""
    for digits in [style.precision] if style.precision else range(DIGITS, FEWEST_DIGITS - 1, -1):
        yield _upright(report, rows, digits)
    if rows and len(rows) < len(report.columns):
        yield _on_its_side(report, rows, style.precision or DIGITS)


def _empty() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)


def _upright(report: Report, rows: Rows, digits: int) -> Table:
    drawn = _empty()
    for column in report.columns:
        right, whole = column.kind.numeric, column.kind is not Kind.TEXT
        drawn.add_column(column.key, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        drawn.add_row(*(Text(text(c, column, digits)) for c, column in zip(row, report.columns, strict=True)))
    return drawn


def _on_its_side(report: Report, rows: Rows, digits: int) -> Table:
    """A column a row, named by its first cell."""
    drawn = _empty()
    drawn.add_column(report.columns[0].key)
    for row in rows:
        drawn.add_column(str(row[0]), justify="right", overflow="fold")
    for i, column in enumerate(report.columns[1:], start=1):
        drawn.add_row(column.key, *(Text(text(row[i], column, digits)) for row in rows))
    return drawn


def _fits(drawn: Table, console: Console) -> bool:
    unbounded = console.options.update(width=100_000)
    return console.measure(drawn, options=unbounded).maximum <= console.width
