"""Formats: a small module each, with a function that takes a report, a function that writes, and a style."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Write = Callable[[str], object]
WriteRows = Callable[[str | memoryview], object]
"""Writes text, as such or as UTF-8."""


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
    "html": "html",
    "latex": "latex",
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
    ".html": "html",
    ".htm": "html",
    ".tex": "latex",
}
