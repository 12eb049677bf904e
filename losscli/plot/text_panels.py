"""Panels of curves, bands, points and rules, drawn with braille characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from losscli.messages import escape_controls
from losscli.plot.braille import Canvas
from losscli.plot.line_ends import named_lines, needs_samples, points_apart
from losscli.plot.pictures import Axis, Band, Bars, Line, Mark, Panel, Point, Rule
from losscli.plot.scales import human_number, nice_ticks, place_on
from losscli.plot.spans import Spans, colour_code, panel_heading
from losscli.plot.text_width import display_width, pad, shorten_name, wrap_columns

MIN_CANVAS_ROWS, MAX_CANVAS_ROWS = 9, 20
COLUMNS_PER_ROW = 6.5
"""Of the width, so that a picture is neither flat nor tall."""

COLUMNS_PER_TICK, ROWS_PER_TICK = 8, 3
MIN_SHARE_OF_HEIGHT = 0.4
MAX_ROWS_PER_LABEL = 2
DOTTED = (1.0, 5.0)
EDGE_OF_BAND = (1.0, 2.0)
POINT_SIGNS = "●○◆◇■□▲△▼▽★☆"
NO_STYLE = -1


class Margins(NamedTuple):
    """How many columns are left of a canvas, for ticks and the axis, and right of it, for labels."""

    left: int
    right: int


def rows_of_panel(panel: Panel, width: int, tallest: float) -> int:
    """Return how many rows a panel has beside, or below, one of the height `tallest`."""
    share = max(panel.height / tallest, MIN_SHARE_OF_HEIGHT)
    rows = round(min(max(width / COLUMNS_PER_ROW, MIN_CANVAS_ROWS), MAX_CANVAS_ROWS) * share)
    return max(rows, len(_beside(panel)))


def panel_margins(panel: Panel, width: int, rows: int) -> Margins:
    """Return the margins that a panel needs."""
    panel = with_signs(panel)
    ticks = max((display_width(text) for _, text in text_ticks(panel.y, _y_ticks_at_most(rows))), default=0)
    labels = max((display_width(escape_controls(mark.label)) for mark in _beside(panel)), default=-1)
    return Margins(ticks + 2, min(labels + 1, width // 3))


def panel_rows(
    panel: Panel, title: str, width: int, rows: int, margins: Margins | None = None, *, has_x_label: bool = True
) -> list[Spans]:
    """Return a panel as lines: its heading, the canvas between its ticks and the labels of its lines, the x axis."""
    left, right = margins or panel_margins(panel, width, rows)
    panel = with_signs(replace(panel, marks=tuple(mark for mark in panel.marks if is_inside(panel, mark))))
    y_ticks = text_ticks(panel.y, _y_ticks_at_most(rows))
    canvas = Canvas(width - left - right, rows)
    for mark in sorted(panel.marks, key=_depth):
        _draw(canvas, panel, mark)
    unplaced = [text for mark in panel.marks if (text := _label_inside(canvas, panel, mark))]
    labels = _margin_labels(canvas, panel, right - 1)
    ticks = {canvas.cell_of(0.0, place)[0]: text for place, text in reversed(y_ticks)}
    lines = panel_heading(panel, title, width)
    for row, cells in enumerate(canvas.cells()):
        axis = (pad(ticks[row], left - 2, is_right=True) + " ┤") if row in ticks else " " * (left - 1) + "│"
        line: Spans = [(axis, "")] + [(text, colour_code(style)) for text, style in cells]
        if row in labels:
            text, style = labels[row]
            line.append((" " + text, colour_code(style)))
        lines.append(line)
    x_axis = panel.x if has_x_label else panel.x._replace(label="")
    lines += [[(text, "")] for text in axis_lines(x_axis, left - 1, canvas.columns, width, "└")]
    return lines + [[(shorten_name(text, width), "")] for text in unplaced]


def with_signs(panel: Panel) -> Panel:
    """Return a panel whose curves have a sign each, on the curve and before its label, if their right ends meet."""
    if not needs_samples(panel):
        return panel
    lines = named_lines(panel)
    signed = {id(line): replace(line, label=f"{sign_of(line.style)} {line.label}") for line in lines}
    has_point = {mark.style for mark in panel.marks if isinstance(mark, Point)}
    points = [point for point in points_apart(panel, lines) if point.style not in has_point]
    return replace(panel, marks=(*(signed.get(id(mark), mark) for mark in panel.marks), *points))


def sign_of(style: int) -> str:
    """Return the sign of the points of a style."""
    return POINT_SIGNS[style % len(POINT_SIGNS)]


def _y_ticks_at_most(rows: int) -> int:
    return max(2, rows // ROWS_PER_TICK + 1)


def text_ticks(axis: Axis, at_most: int) -> list[tuple[float, str]]:
    """Return the ticks of an axis: their place in [0, 1], and their text."""
    if axis.categories:
        step = math.ceil(len(axis.categories) / max(at_most, 1))
        names = list(enumerate(axis.categories))[::step]
        return _finite([(float(place_on(axis, i)), shorten_name(escape_controls(name), 16)) for i, name in names])
    if axis.is_log and 0 < axis.low < axis.high:
        first, last = math.log10(axis.low), math.log10(axis.high)
        if last - first < 1:
            values = [tick for tick in nice_ticks(axis.low, axis.high, at_most) if tick > 0]
        else:
            powers = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
            values = [10.0**power for power in powers[:: math.ceil(len(powers) / at_most)]]
    else:
        values = nice_ticks(axis.low, axis.high, at_most)
    return _finite([(float(place_on(axis, value)), human_number(value)) for value in values])


def _finite(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return [(place, text) for place, text in ticks if math.isfinite(place)]


def axis_lines(axis: Axis, left: int, columns: int, width: int, corner: str) -> list[str]:
    """Return an x axis: its line with ticks, their texts, and its label."""
    line, texts = ["─"] * columns, ""
    for place, text in text_ticks(axis, max(2, columns // COLUMNS_PER_TICK + 1)):
        column = round(place * (columns * 2 - 1)) // 2
        start = min(left + 1 + column - (display_width(text) - 1) // 2, width - display_width(text))
        if 0 <= column < columns and (not texts or start > display_width(texts)) and start >= 0:
            line[column] = "┴"
            texts = pad(texts, start) + text
    lines = [" " * left + corner + "".join(line), texts]
    if axis.label:
        label = shorten_name(escape_controls(axis.label), width)
        start = left + 1 + (columns - display_width(label)) // 2
        lines.append(" " * max(0, min(start, width - display_width(label))) + label)
    return lines


def is_inside(panel: Panel, mark: Mark) -> bool:
    """Return whether a mark is where the axes reach; lines are cut where they leave."""
    if not isinstance(mark, (Point, Rule)):
        return True
    places = [(panel.x, mark.x), (panel.y, mark.y)]
    return all(value is None or abs(float(place_on(axis, value)) - 0.5) < 0.5 + 1e-6 for axis, value in places)


def canvas_column(axis: Axis, value: float, columns: int) -> int:
    """Return the column of a value; -1 before the first, the number of columns behind the last."""
    place = float(place_on(axis, value))
    if math.isnan(place):
        return -1
    return min(max(round(min(max(place, -1.0), 2.0) * (2 * columns - 1)) // 2, -1), columns)


def _beside(panel: Panel) -> list[Mark]:
    """Return the marks whose label stands to the right of the canvas."""
    marks = [mark for mark in panel.marks if mark.label]
    return [m for m in marks if isinstance(m, (Line, Band)) or (isinstance(m, Rule) and m.y is not None)]


def _depth(mark: Mark) -> int:
    """Return how far in front a mark is; the first lines are in front of later ones."""
    return (Rule, Band, Bars, Line, Point).index(type(mark)) if type(mark) in (Rule, Band, Bars, Line, Point) else 0


def _style(mark: Mark) -> int:
    return (
        NO_STYLE if isinstance(mark, Rule) or getattr(mark, "is_reference", False) else getattr(mark, "style", NO_STYLE)
    )


def _draw(canvas: Canvas, panel: Panel, mark: Mark) -> None:
    """Draw a mark without its label."""
    style = _style(mark)
    if isinstance(mark, Line):
        x, y = place_on(panel.x, mark.x), place_on(panel.y, mark.y)
        canvas.draw_line(x, y, style, DOTTED if mark.is_reference else (), is_behind=mark.is_reference)
    elif isinstance(mark, Band):
        x, low, high = place_on(panel.x, mark.x), place_on(panel.y, mark.low), place_on(panel.y, mark.high)
        is_known = np.isfinite(x) & ~np.isnan(low) & ~np.isnan(high)
        if is_known.any():
            canvas.fill(x[is_known], low[is_known], high[is_known], style, is_light=True)
        for edge in (low, high):
            canvas.draw_line(x, edge, style, EDGE_OF_BAND, is_behind=True)
    elif isinstance(mark, Bars):
        edges = np.clip(place_on(panel.x, mark.edges), -1, 2)
        floor, tops = (
            np.clip(place_on(panel.y, 0.0 if not panel.y.is_log else panel.y.low), 0, 1),
            place_on(panel.y, mark.heights),
        )
        outline = np.concatenate([[floor], np.repeat(tops, 2), [floor]])
        canvas.draw_line(np.repeat(edges, 2), outline, style)
        if not mark.is_outline:
            for start, end, top in zip(edges[:-1], edges[1:], tops, strict=True):
                ends = np.array([start, end])
                canvas.fill(ends, np.full(2, min(floor, top)), np.full(2, max(floor, top)), style, is_light=False)
        for middle, top, is_marked in zip((edges[:-1] + edges[1:]) / 2, tops, mark.is_marked, strict=False):
            if is_marked and 0 <= middle <= 1:
                row, column = canvas.cell_of(middle, top)
                canvas.put_text(max(row - 1, 0), column, "*", style)
    elif isinstance(mark, Point):
        row, column = canvas.cell_of(float(place_on(panel.x, mark.x)), float(place_on(panel.y, mark.y)))
        canvas.put_text(row, column, sign_of(mark.style), style)
    elif isinstance(mark, Rule):
        row, column = canvas.cell_of(float(place_on(panel.x, mark.x or 0.0)), float(place_on(panel.y, mark.y or 0.0)))
        canvas.cross(row=None if mark.y is None else row, column=None if mark.x is None else column)


def _label_inside(canvas: Canvas, panel: Panel, mark: Mark) -> str:
    """Write the label of a point or an upright rule where it hides least; return it if there is no room."""
    if not (label := escape_controls(mark.label)):
        return ""
    width = display_width(label)
    if isinstance(mark, Point):
        row, column = canvas.cell_of(float(place_on(panel.x, mark.x)), float(place_on(panel.y, mark.y)))
        aside = [(row, column + 2), (row, column - 1 - width)]
        around = [(row + up, at) for up in (1, -1, 2, -2) for at in (column + 1, column - width, column - width // 2)]
        places, sign = aside + around, sign_of(mark.style)
    elif isinstance(mark, Rule) and mark.x is not None:
        column = canvas.cell_of(float(place_on(panel.x, mark.x)), 0.0)[1]
        places, sign = [(row, at) for row in range(canvas.rows) for at in (column + 2, column - 1 - width)], "┊"
    else:
        return ""
    costs = [(cost, i) for i, place in enumerate(places) if (cost := canvas.cost_of_text(*place, label)) is not None]
    if not costs:
        return f"{sign} {label}"
    canvas.put_text(*places[min(costs)[1]], label, _style(mark))
    return ""


def _margin_labels(canvas: Canvas, panel: Panel, columns: int) -> dict[int, tuple[str, int]]:
    """Return the row of each label to the right of the canvas, near the end of its line, with its text and style.

    A label of words that is too long is on two rows, if there are enough.
    """
    marks = _beside(panel)[: canvas.rows]
    texts = [_label_lines(escape_controls(mark.label), columns) for mark in marks]
    if sum(map(len, texts)) > canvas.rows:
        texts = [[shorten_name(escape_controls(mark.label), columns)] for mark in marks]
    ends = sorted(((_end_of(panel, mark), i) for i, mark in enumerate(marks)), reverse=True)
    lines = [(canvas.cell_of(1.0, height)[0], text, _style(marks[i])) for (height, _), i in ends for text in texts[i]]
    rows = separate_rows([wanted for wanted, _, _ in lines], canvas.rows)
    return {row: (text, style) for row, (_, text, style) in zip(rows, lines, strict=True)}


def _label_lines(label: str, columns: int) -> list[str]:
    lines = wrap_columns(label, columns)
    fits = len(lines) <= MAX_ROWS_PER_LABEL and all(display_width(word) <= columns for word in label.split(" "))
    return lines if fits else [shorten_name(label, columns)]


def _end_of(panel: Panel, mark: Mark) -> tuple[float, float]:
    """Return the height in [0, 1] at which a line leaves the panel, and its mean height."""
    if isinstance(mark, Rule):
        return float(place_on(panel.y, mark.y)), 0.0
    if isinstance(mark, Band):
        ends = np.clip(place_on(panel.y, np.stack([mark.low, mark.high])), 0, 1)
        across, height = place_on(panel.x, mark.x), ends.mean(axis=0)
    else:
        assert isinstance(mark, Line)
        across, height = place_on(panel.x, mark.x), place_on(panel.y, mark.y)
    edge = 1 + 1e-9
    seen = np.nonzero((across >= 1 - edge) & (across <= edge) & (height >= 1 - edge) & (height <= edge))[0]
    if not len(seen):
        return 0.0, 0.0
    last, mean = int(seen[-1]), float(np.nanmean(np.clip(height, 0, 1)))
    end = float(height[last])
    if last + 1 < len(height) and across[last] < 1 - 1e-9 and not math.isnan(height[last + 1]):
        end = float(height[last + 1] > height[last])  # it leaves by the top or by the bottom
    return end, mean


def separate_rows(wanted: Sequence[int], rows: int) -> list[int]:
    """Return different rows for labels, in order and near those wanted, which ascend."""
    blocks: list[list[float]] = []  # of labels that touch: the sum of their wishes for the first of all, and how many
    for i, row in enumerate(wanted):
        blocks.append([row - i, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    firsts = [round(total / count) for total, count in blocks for _ in range(int(count))]
    return [min(max(first, 0), max(rows - len(wanted), 0)) + i for i, first in enumerate(firsts)]
