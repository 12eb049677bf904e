"""Markdown tables, and where in a document they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

START, END = "<!-- benchmark: written by --write -->", "<!-- end of benchmark -->"


def markdown(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] | set[str] = frozenset()
) -> str:
    """Aligned in the source too; columns named in `right` are numbers."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    sides = ["right" if name in right else "left" for name in header]
    rule = [
        ("-" * (width - 1) + ":") if side == "right" else "-" * width for width, side in zip(widths, sides, strict=True)
    ]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(map(_pad, line, widths, sides)) + " |" for line in lines)


def _pad(text: str, width: int, side: str) -> str:
    return text.rjust(width) if side == "right" else text.ljust(width)


def number(value: float | None, digits: int = 2) -> str:
    """With two significant digits at least, `-` for none."""
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if value < 100 else f"{value:.0f}"


def rows_of(rows: int) -> str:
    """1000000 -> `1 M`."""
    millions = rows / 1_000_000
    return f"{millions:g} M" if millions >= 1 else f"{rows:,}".replace(",", " ")


def write(path: Path, text: str) -> None:
    """Replace what stands between the markers."""
    before, _, rest = path.read_text().partition(START)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path}: has no lines {START!r} and {END!r}")
    path.write_text(f"{before}{START}\n{text}\n{END}{after}")
