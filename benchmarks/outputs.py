"""The numbers that commands print, and whether two outputs agree."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator

STATISTICS = {"n", "value", "std", "min", "median", "p95", "max", "sum"}
"""Columns that hold numbers; the others label the row."""

SKETCHED_STATISTICS = {"median", "p95"}
"""Statistics that losscli estimates to 0.1 % beyond a million rows, and says so."""

Numbers = dict[str, float]


def parse_values(output: str) -> Numbers:
    """Parse one number per line."""
    return {f"line {i}": float(line) for i, line in enumerate(output.split(), 1)}


def parse_statistics(output: str) -> Numbers:
    """Parse all numbers of a TSV with one row per loss, or per loss and group."""
    return {
        f"{label} {name}": float(text)
        for label, row in _labelled_rows(output)
        for name, text in row.items()
        if name in STATISTICS
    }


def parse_losses(output: str) -> Numbers:
    """Parse the values alone of a TSV with one row per loss."""
    return {row["loss"]: float(row["value"]) for row in csv.DictReader(output.splitlines(), delimiter="\t")}


def parse_column(output: str) -> Numbers:
    """Parse the values alone of a TSV, row by row, whatever their labels."""
    rows = csv.DictReader(output.splitlines(), delimiter="\t")
    return {f"row {i}": float(row["value"]) for i, row in enumerate(rows, 1)}


def _labelled_rows(output: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row in csv.DictReader(output.splitlines(), delimiter="\t"):
        yield " ".join(text for name, text in row.items() if name not in STATISTICS), row


def differences(one: Numbers, other: Numbers, tolerance: float = 1e-9) -> list[str]:
    """Describe numbers that differ between two outputs by more than this part of them."""
    if one.keys() != other.keys():
        return [f"{name} is missing" for name in sorted(one.keys() ^ other.keys())]
    return [
        f"{name}: {one[name]!r} and {other[name]!r}"
        for name in one
        if not _agree(name, one[name], other[name], tolerance)
    ]


def _agree(name: str, one: float, other: float, tolerance: float) -> bool:
    is_sketched = name.rsplit(maxsplit=1)[-1] in SKETCHED_STATISTICS
    return math.isclose(one, other, rel_tol=max(tolerance, 1e-3 if is_sketched else 0.0), abs_tol=1e-12)
