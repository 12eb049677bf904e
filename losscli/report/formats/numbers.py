"""Numbers for people: significant digits, counts in full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from losscli.report.tables import Approximate, CellKind, Marked, ReportColumn

SIGNIFICANT_DIGITS = 6


def cell_text(cell: Any, column: ReportColumn, digits: int) -> str:
    """Return a cell as text, `-` if it is missing."""
    if cell is None:
        return "-"
    if column.kind is CellKind.NUMBER and isinstance(cell, float):
        return f"{'≈' if isinstance(cell, Approximate) else ''}{round_number(cell, digits)}"
    return str(cell)


def mark_of(cell: Any) -> str:
    """Return the sign after a number that stands out: a star for the best, a tilde for one not told apart from it."""
    return ("*" if cell.is_best else "~") if isinstance(cell, Marked) else ""


def legend_in_fonts(legend: Sequence[str]) -> list[str]:
    """Return the lines of a legend that name signs with the fonts that stand for these."""
    return [re.sub("^([*~]): ", lambda sign: {"*": "bold: ", "~": "italic: "}[sign[1]], line) for line in legend]


def round_number(value: float, digits: int) -> str:
    """Return a number with significant digits, without trailing zeros; large ones in full if that is shorter."""
    shown = f"{value:.{digits}g}"
    if "e+" in shown and abs(value) < 10.0 ** (digits + 3):
        return f"{value:.0f}"
    return shown.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
