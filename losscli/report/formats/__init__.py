"""Formats: a small module each, with a function that takes a report, a function that writes, and a style."""

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


MODULE_OF_FORMAT = {
    "table": "table",
    "tsv": "delimited",
    "csv": "delimited",
    "json": "json",
    "jsonl": "json",
    "markdown": "markdown",
    "value": "value",
}
"""Format -> the module that renders it, by a function of the format's name."""

FORMAT_OF_ENDING = {
    ".txt": "table",
    ".tsv": "tsv",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "markdown",
}


def find_renderer(format: str) -> Callable[[Report, Write, Style], None]:
    """Return the function that renders a report in a format."""
    module = importlib.import_module(f"losscli.report.formats.{MODULE_OF_FORMAT[format]}")
    renderer: Callable[[Report, Write, Style], None] = getattr(module, format)
    return renderer
