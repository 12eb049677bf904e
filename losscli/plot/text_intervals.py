"""Panels of intervals: a line for each, between its name and its value."""

from __future__ import annotations

from dataclasses import replace

from losscli.messages import escape_controls
from losscli.plot.pictures import IntervalMark, Panel, Point, Rule
from losscli.plot.spans import FAINT, Spans, colour_code, panel_heading
from losscli.plot.text_panels import POINT_SIGNS, axis_lines, canvas_column, is_inside
from losscli.plot.text_width import display_width, pad, shorten_name

MIN_COLUMNS, MIN_NAME = 16, 6
"""Of the part between names and values, and of names."""


def interval_rows(panel: Panel, title: str, width: int) -> list[Spans]:
    """Return a panel of intervals as lines, with the rules across them and an axis below."""
    marks = sorted((m for m in panel.marks if isinstance(m, IntervalMark)), key=lambda mark: mark.category)
    rules = [m for m in panel.marks if isinstance(m, Rule) and m.x is not None and is_inside(panel, m)]
    names = [escape_controls(name) for name in panel.y.categories]
    has_labels = len({mark.category for mark in marks}) < len(marks)
    texts = [escape_controls(mark.text) for mark in marks]
    labels = [escape_controls(mark.label) for mark in marks] if has_labels else []
    room = width - MIN_COLUMNS - 2 - bool(labels)  # names are shortened before numbers are
    right = min(max(map(display_width, texts), default=0), room - MIN_NAME * (1 + bool(labels)))
    second = _names_width(labels, min(width // 4, room - right - MIN_NAME))
    left = _names_width(names, min(width // 3, room - right - second))
    columns = width - left - second - right - 2 - bool(second)
    at = {canvas_column(panel.x, rule.x or 0.0, columns) for rule in rules}
    start = left + second + 1 + bool(second)
    lines = panel_heading(replace(panel, y=panel.y._replace(label="")), title, width)
    for rule in rules:
        if rule.label:
            column = start + canvas_column(panel.x, rule.x or 0.0, columns)
            text = shorten_name(f"┊ {escape_controls(rule.label)}", width)
            if column + display_width(text) > width:
                text = shorten_name(f"{escape_controls(rule.label)} ┊", max(column + 1, 2))
                column -= display_width(text) - 1
            lines.append([(" " * column + text, FAINT)])
    before = None
    for mark, text in zip(marks, texts, strict=True):
        if mark.remark:
            remark = shorten_name(escape_controls(mark.remark), columns)
            column = canvas_column(panel.x, mark.value, columns)
            indent = start + max(0, min(column, columns - display_width(remark)))
            lines.append([(" " * indent + remark, FAINT)])
        known = names[mark.category] if mark.category < len(names) else ""
        name = known if mark.category != before else ""
        line: Spans = [(pad(shorten_name(name, left), left) + " ", "")]
        if second:
            line.append((pad(shorten_name(escape_controls(mark.label), second), second) + " ", colour_code(mark.style)))
        line += _interval_spans(panel, mark, columns, at)
        line.append((" " + shorten_name(text, right), ""))
        lines.append(line)
        before = mark.category
    points = [mark for mark in panel.marks if isinstance(mark, Point)]
    lines += [[(shorten_name(f"{POINT_SIGNS[m.style % 7]} {escape_controls(m.label)}", width), "")] for m in points]
    below = axis_lines(panel.x, start - 1, columns, width, " ")
    return lines + [[(text, "")] for text in below]


def _names_width(names: list[str], at_most: int) -> int:
    return min(max(map(display_width, names), default=0), at_most)


def _interval_spans(panel: Panel, mark: IntervalMark, columns: int, rules: set[int]) -> Spans:
    """Return `├──●──┤` on a line of so many columns; an arrow where an end is outside."""
    cells = ["┊" if column in rules else " " for column in range(columns)]

    value = canvas_column(panel.x, mark.value, columns)
    first, last = value, value
    if mark.low is not None and mark.high is not None:
        first, last = canvas_column(panel.x, mark.low, columns), canvas_column(panel.x, mark.high, columns)
        for column in range(max(first, 0), min(last, columns - 1) + 1):
            cells[column] = "─"
        if 0 <= first < columns:
            cells[first] = "├"
        if 0 <= last < columns:
            cells[last] = "┤"
    if min(first, value) < 0:
        cells[0] = "◂"
    if max(last, value) >= columns:
        cells[-1] = "▸"
    if 0 <= value < columns:
        cells[value] = POINT_SIGNS[mark.style % len(POINT_SIGNS)]
    code = colour_code(mark.style)
    return [(cell, FAINT if cell == "┊" else code) for cell in cells]
