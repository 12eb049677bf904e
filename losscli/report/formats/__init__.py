"""Reports as text: one small renderer a format. Each takes a report and a function that writes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from losscli.report.tables import Report

Write = Callable[[str], object]


class Style(NamedTuple):
    """How a table is drawn: significant digits (None: as many as fit), colour, and the width of the terminal."""

    precision: int | None = None
    colour: bool = False
    width: int | None = None


RENDERERS = {
    "table": "table", "tsv": "delimited", "csv": "delimited", "json": "json", "jsonl": "json", "markdown": "markdown",
    "value": "value",
}  # fmt: skip
"""Format -> the module that renders it, by a function of the format's name."""

ENDINGS = {".txt": "table", ".tsv": "tsv", ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".md": "markdown"}


def render(report: Report, format: str, write: Write, style: Style) -> None:
    """Write a report in a format."""
    module = importlib.import_module(f"losscli.report.formats.{RENDERERS[format]}")
    getattr(module, format)(report, write, style)
