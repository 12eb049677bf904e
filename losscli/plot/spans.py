"""Lines of text in colours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from losscli.messages import escape_controls
from losscli.plot.pictures import Panel
from losscli.plot.styles import style_of
from losscli.plot.text_width import display_width, wrap_columns

Spans = list[tuple[str, str]]
"""A line: pieces of text, each with its colour, the number of a terminal's attribute; empty for none."""

BOLD, FAINT = "1", "2"


def colour_code(style: int) -> str:
    """Return the attribute for the style of a mark; none for a negative one."""
    return f"38;5;{style_of(style).terminal_colour}" if style >= 0 else ""


def width_of(line: Spans) -> int:
    """Return how many columns a line takes."""
    return sum(display_width(text) for text, _ in line)


def join_blocks(blocks: Sequence[Sequence[Spans]], width: int) -> list[Spans]:
    """Return blocks of lines beside each other, each so many columns wide and two apart; they end on one line."""
    height = max(map(len, blocks))
    filled = [[*[[] for _ in range(height - len(block))], *block] for block in blocks]
    lines: list[Spans] = []
    for row in zip(*filled, strict=True):
        line: Spans = []
        for i, cells in enumerate(row):
            line += [(" " * (i * (width + 2) - width_of(line)), ""), *cells]
        lines.append(line)
    return lines


def text_of(lines: Sequence[Spans], colour: bool) -> str:
    """Return lines as text, with the escape codes of their colours or without."""
    return "".join(_line_text(line, colour) + "\n" for line in lines)


def _line_text(line: Spans, colour: bool) -> str:
    if not colour:
        return "".join(text for text, _ in line).rstrip()
    while line and not line[-1][0].strip():
        line = line[:-1]
    line = [*line[:-1], *((text.rstrip(), code) for text, code in line[-1:])]
    pieces = [("".join(text for text, _ in run), code) for code, run in groupby(line, key=lambda span: span[1])]
    return "".join(f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text for text, code in pieces)


def wrapped(text: str, width: int, code: str = "") -> list[Spans]:
    """Return a text as lines of a width, without control characters; none if it is empty."""
    return [[(line, code)] for line in wrap_columns(escape_controls(text), width)] if text else []


def panel_heading(panel: Panel, title: str, width: int) -> list[Spans]:
    """Return the title of a panel, unless it is that of the picture, and what its y axis shows."""
    lines = wrapped(panel.title, width, BOLD) if panel.title != title else []
    return lines + (wrapped(panel.y.label, width) if panel.y.label not in (title, panel.title) else [])
