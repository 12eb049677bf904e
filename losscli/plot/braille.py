"""A canvas of braille characters: 2 x 4 dots each, with text on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from losscli.plot.text_width import display_width

_DOTS = np.array([[1, 8], [2, 16], [4, 32], [64, 128]])
"""The bit of each dot of a braille character."""

DOTS_BEYOND = 1e6
"""Dots from the canvas beyond which it makes no difference where a point is."""


class Canvas:
    """Dots in front of each other: a cell shows its text, or its dots, or those behind, or its faint character."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = np.zeros((2, rows * 4, columns * 2), dtype=bool)
        self._colours = np.full((2, rows, columns), -1)
        self._text: dict[tuple[int, int], tuple[str, int]] = {}
        self._faint: dict[tuple[int, int], str] = {}

    def dots_of(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return places in dots from the top left of those in [0, 1] from the bottom left."""
        return np.asarray(x) * (self.columns * 2 - 1), (1 - np.asarray(y)) * (self.rows * 4 - 1)

    def cell_of(self, x: float, y: float) -> tuple[int, int]:
        """Return the row and the column of a place in [0, 1] from the bottom left."""
        across, down = self.dots_of(min(max(0.0, x), 1.0), min(max(0.0, y), 1.0))  # NaN is 0
        return round(float(down)) // 4, round(float(across)) // 2

    def draw_line(self, x: Any, y: Any, colour: int, pattern: Sequence[float] = (), *, is_behind: bool = False) -> None:
        """Draw a line through places in [0, 1], as far as it is inside; `pattern` are lengths of dashes and gaps."""
        across, down = (np.clip(place, -DOTS_BEYOND, DOTS_BEYOND) for place in self.dots_of(x, y))
        starts, ends = np.stack([across[:-1], down[:-1]]), np.stack([across[1:], down[1:]])
        sides = np.array([[self.columns * 2 - 1.0], [self.rows * 4 - 1.0]])
        with np.errstate(all="ignore"):  # Liang & Barsky 1984: where each stretch enters and leaves
            step = ends - starts
            at_low, at_high = (-0.499 - starts) / step, (sides + 0.499 - starts) / step
            is_beside = (step == 0) & ((starts < -0.499) | (starts > sides + 0.499))
            enter = np.where(step == 0, 0.0, np.minimum(at_low, at_high)).max(axis=0, initial=0.0)
            leave = np.where(step == 0, 1.0, np.maximum(at_low, at_high)).min(axis=0, initial=1.0)
        is_seen = (enter <= leave) & ~is_beside.any(axis=0)  # False where an end is NaN
        starts, step = (starts + enter * step)[:, is_seen], ((leave - enter) * step)[:, is_seen]
        counts = np.ceil(np.abs(step).max(axis=0, initial=0.0)).astype(int) + 1
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        along = within / np.maximum(np.repeat(counts, counts) - 1, 1)
        points = np.repeat(starts, counts, axis=1) + along * np.repeat(step, counts, axis=1)
        if len(pattern):
            position = np.cumsum(np.hypot(*np.diff(points, axis=1, prepend=points[:, :1]))) % sum(pattern)
            points = points[:, np.searchsorted(np.cumsum(pattern), position, side="right") % 2 == 0]
        columns, rows = np.floor(points + 0.5).astype(int)  # rint would round 0.5 and 2.5 to even: a gap
        self._mark(rows, columns, colour, 0 if is_behind else 1)

    def fill(self, x: Any, low: Any, high: Any, colour: int, *, is_light: bool) -> None:
        """Fill the area between two curves of places in [0, 1], with all dots or with few."""
        places, below = self.dots_of(x, low)
        above = self.dots_of(x, high)[1]
        order = np.argsort(places, kind="stable")
        columns, rows = np.arange(self.columns * 2), np.arange(self.rows * 4)[:, None]
        top, bottom = (
            np.interp(columns, places[order], np.clip(y, -DOTS_BEYOND, DOTS_BEYOND)[order]) for y in (above, below)
        )
        is_inside = (rows >= np.floor(top + 0.5)) & (rows <= np.floor(bottom + 0.5))
        is_inside &= (columns >= places.min() - 0.5) & (columns <= places.max() + 0.5)
        if is_light:
            is_inside &= (rows % 4 == 2) & ((columns + rows // 2) % 4 == 0)
        filled_rows, filled_columns = np.nonzero(is_inside)
        self._mark(filled_rows, filled_columns, colour, 0 if is_light else 1)

    def _mark(self, rows: Any, columns: Any, colour: int, layer: int) -> None:
        self._dots[layer, rows, columns] = True
        self._colours[layer, rows // 4, columns // 2] = colour

    def cross(self, *, row: int | None = None, column: int | None = None) -> None:
        """Draw a faint line across a row or a column."""
        if row is not None:
            self._faint |= {(row, c): "┈" for c in range(self.columns)}
        if column is not None:
            self._faint |= {(r, column): "┊" for r in range(self.rows)}

    def cost_of_text(self, row: int, column: int, text: str) -> int | None:
        """Return how many cells with dots a text would hide; None if it hides another or has no room."""
        cells = [(row, column + i) for i in range(-1, display_width(text) + 1)]
        if not (0 <= row < self.rows and column >= 0 and column + display_width(text) <= self.columns):
            return None
        if any(cell in self._text for cell in cells):
            return None
        return sum(bool(self._cell_dots(*cell).any()) for cell in cells[1:-1])

    def _cell_dots(self, row: int, column: int) -> Any:
        return self._dots[1, 4 * row : 4 * row + 4, 2 * column : 2 * column + 2]

    def put_text(self, row: int, column: int, text: str, colour: int = -1) -> None:
        """Write text over what is there."""
        for character in text:
            width = display_width(character)
            if width == 0 and (row, column - 1) in self._text:  # an accent belongs to the character before
                before, _ = self._text[row, column - 1]
                self._text[row, column - 1] = (before + character, colour)
                continue
            self._text[row, column] = (character, colour)
            self._text |= {(row, column + i): ("", colour) for i in range(1, width)}
            column += width

    def cells(self) -> list[list[tuple[str, int]]]:
        """Return the rows of characters, each with its colour; -1 is none."""
        grid = self._dots.reshape(2, self.rows, 4, self.columns, 2)
        codes = (grid * _DOTS[:, None, :]).sum(axis=(2, 4))
        shown = np.where(codes[1] > 0, codes[1], codes[0])
        colours = np.where(codes[1] > 0, self._colours[1], self._colours[0])
        return [
            [
                self._text.get((r, c))
                or (
                    (chr(0x2800 + shown[r, c]), int(colours[r, c]))
                    if shown[r, c]
                    else (self._faint.get((r, c), " "), -1)
                )
                for c in range(self.columns)
            ]
            for r in range(self.rows)
        ]
