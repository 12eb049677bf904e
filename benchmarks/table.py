"""Markdown tables, and their place in a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

START, END = "<!-- benchmark: written by --write -->", "<!-- end of benchmark -->"


def markdown(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] | set[str] = frozenset()
) -> str:
    """Return a table that is aligned in the source too; columns named in `right` hold numbers."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    sides = ["right" if name in right else "left" for name in header]
    rule = [
        ("-" * (width - 1) + ":") if side == "right" else "-" * width for width, side in zip(widths, sides, strict=True)
    ]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(map(_pad, line, widths, sides)) + " |" for line in lines)


def _pad(text: str, width: int, side: str) -> str:
    return text.rjust(width) if side == "right" else text.ljust(width)


def format_number(value: float | None, digits: int = 2) -> str:
    """Format a number with `digits` decimals, or none from 100 on; `-` for None."""
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if value < 100 else f"{value:.0f}"


def format_rows(rows: int) -> str:
    """Format a number of rows: `1 M` for 1000000."""
    millions = rows / 1_000_000
    return f"{millions:g} M" if millions >= 1 else f"{rows:,}".replace(",", " ")


def write(path: Path, text: str) -> None:
    """Replace the text between the markers."""
    before, _, rest = path.read_text().partition(START)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path} has no lines {START!r} and {END!r}")
    path.write_text(f"{before}{START}\n{text}\n{END}{after}")
