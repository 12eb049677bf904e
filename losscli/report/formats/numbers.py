"""How people read numbers: significant digits, counts in full."""

from __future__ import annotations

from typing import Any

from losscli.report.tables import Approximate, Column, Kind

DIGITS = 6


def text(cell: Any, column: Column, digits: int) -> str:
    """A cell for people: `-` where it means nothing."""
    if cell is None:
        return "-"
    if column.kind is Kind.NUMBER and isinstance(cell, float):
        return f"{'≈' if isinstance(cell, Approximate) else ''}{significant(cell, digits)}"
    return str(cell)


def significant(value: float, digits: int) -> str:
    """A number with so many significant digits, trailing zeros dropped; large ones in full while that is shorter."""
    shown = f"{value:.{digits}g}"
    if "e+" in shown and abs(value) < 10.0 ** (digits + 3):
        return f"{value:.0f}"
    return shown.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
