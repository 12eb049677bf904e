"""A table for a terminal, by Rich."""

from __future__ import annotations

import io

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from losscli.render import Style, Write
from losscli.render.numbers import DIGITS, text
from losscli.report import Kind, Report

FEWEST_DIGITS = 4


def table(report: Report, write: Write, style: Style) -> None:
    """Columns as wide as they need, numbers to the right, with as many digits as the width leaves room for."""
    rows = [row for block in report.blocks for row in zip(*block, strict=True)]
    out = io.StringIO()
    console = Console(
        file=out, width=style.width or 80, color_system="standard" if style.colour else None, highlight=False,
        force_terminal=style.colour, legacy_windows=False,
    )  # fmt: skip
    drawn = None
    for digits in [style.precision] if style.precision else range(DIGITS, FEWEST_DIGITS - 1, -1):
        drawn = _drawn(report, rows, digits)
        if console.measure(drawn).maximum <= console.width and _width(drawn, console) <= console.width:
            break
    assert drawn is not None
    console.print(drawn)
    for line in report.legend:
        key, _, meaning = line.partition(": ")
        console.print(Text.assemble((key, "bold"), ": ", meaning, style="dim"))
    lines = out.getvalue().splitlines()
    write("\n".join(line.rstrip() for line in lines).strip("\n") + "\n")


def _drawn(report: Report, rows: list[tuple[object, ...]], digits: int) -> Table:
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for column in report.columns:
        right = column.kind is not Kind.TEXT
        drawn.add_column(column.key, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        drawn.add_row(*(Text(text(c, column, digits)) for c, column in zip(row, report.columns, strict=True)))
    return drawn


def _width(drawn: Table, console: Console) -> int:
    """How wide the table wants to be."""
    from rich.measure import Measurement

    wide = console.options.update(width=10_000, max_width=10_000) if hasattr(console.options, "update") else None
    return Measurement.get(console, wide or console.options, drawn).maximum
