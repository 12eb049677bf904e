"""Colours and dashes of marks: safe for colour-blind readers, and different in grey."""

from __future__ import annotations

from typing import NamedTuple


class MarkStyle(NamedTuple):
    """A colour (`#rrggbb`, and its number among the 256 of a terminal) and the dashes of a line, in points."""

    colour: str
    terminal_colour: int
    dashes: tuple[float, ...]


STYLES = (
    MarkStyle("#d55e00", 166, ()),
    MarkStyle("#0072b2", 32, (6.0, 2.0)),
    MarkStyle("#222222", 244, (1.5, 1.5)),
    MarkStyle("#009e73", 36, (7.0, 2.0, 1.5, 2.0)),
    MarkStyle("#cc79a7", 175, (3.0, 1.5)),
    MarkStyle("#56b4e9", 74, (9.0, 3.0)),
    MarkStyle("#e69f00", 178, (5.0, 1.5, 1.5, 1.5, 1.5, 1.5)),
)
"""The palette of Okabe & Ito (2008), with a dark grey for black; further marks have the dashes of another colour."""

SHIFT_OF_DASHES = 3


def style_of(index: int) -> MarkStyle:
    """Return the style of a mark: of marks with one colour the dashes differ."""
    cycle, i = divmod(index, len(STYLES))
    return STYLES[i]._replace(dashes=STYLES[(i + SHIFT_OF_DASHES * cycle) % len(STYLES)].dashes)
