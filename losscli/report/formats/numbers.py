"""Numbers for people: significant digits, counts in full."""

from __future__ import annotations

from typing import Any

from losscli.report.tables import Approximate, CellKind, ReportColumn

SIGNIFICANT_DIGITS = 6


def cell_text(cell: Any, column: ReportColumn, digits: int) -> str:
    """Return a cell as text, `-` if it is missing."""
    if cell is None:
        return "-"
    if column.kind is CellKind.NUMBER and isinstance(cell, float):
        return f"{'≈' if isinstance(cell, Approximate) else ''}{round_number(cell, digits)}"
    return str(cell)


def round_number(value: float, digits: int) -> str:
    """Return a number with significant digits, without trailing zeros; large ones in full if that is shorter."""
    shown = f"{value:.{digits}g}"
    if "e+" in shown and abs(value) < 10.0 ** (digits + 3):
        return f"{value:.0f}"
    return shown.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
