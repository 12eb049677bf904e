"""Text by the columns that it takes on a terminal: a Chinese character takes two, an accent none."""

from __future__ import annotations

import unicodedata
from itertools import accumulate


def display_width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, columns: int, *, is_right: bool = False) -> str:
    """Return a text filled up with spaces, behind it, or before it if it stands to the right."""
    spaces = " " * (columns - display_width(text))
    return spaces + text if is_right else text + spaces


def shorten_name(name: str, columns: int) -> str:
    """Return a name in at most so many columns, with … for its middle: its end has what tells it from others."""
    if display_width(name) <= columns:
        return name
    if columns < 2:
        return "…"[:columns]
    tail = _start_of(name[::-1], (columns - 1) // 2)[::-1]
    return _start_of(name, columns - 1 - display_width(tail)) + "…" + tail


def _start_of(text: str, columns: int) -> str:
    ends = list(accumulate(map(_columns_of, text)))
    return text[: next((i for i, end in enumerate(ends) if end > columns), len(text))]


def wrap_columns(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many columns, broken at spaces, or inside of words that are longer."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if display_width(joined) <= columns:
            lines[-1] = joined
            continue
        rest = word
        while rest:
            piece = _start_of(rest, columns)
            lines.append(piece)
            rest = rest[len(piece) :]
    return [line for line in lines if line] or [""]
