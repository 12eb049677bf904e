"""Pictures as text, for terminals and pipes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from losscli.plot.pictures import Bars, IntervalMark, Line, Panel, Picture, Rule
from losscli.plot.spans import BOLD, FAINT, Spans, join_blocks, text_of, wrapped
from losscli.plot.text_bars import bin_tables
from losscli.plot.text_intervals import interval_rows
from losscli.plot.text_panels import Margins, panel_margins, panel_rows, rows_of_panel

MIN_WIDTH = 40
MAX_WIDTH_OF_WORDS = 100
MIN_WIDTH_BESIDE, MIN_WIDTH_SMALL = 56, 36
"""Panels of at least so many columns stand side by side."""

MOST_BINS = 40
"""More bins than these are a curve of steps, not a table."""


def draw_text(picture: Picture, width: int = 80, colour: bool = False) -> str:
    """Return a picture as lines of text of at most `width` columns."""
    width = max(width, MIN_WIDTH)
    words = min(width, MAX_WIDTH_OF_WORDS)
    lines: list[Spans] = wrapped(picture.title, width, BOLD)
    groups = list(_groups(picture.panels))
    room = (width - 2 * (len(groups) - 1)) // max(len(groups), 1)
    if len(groups) > 1 and room >= MIN_WIDTH_BESIDE and not picture.is_stacked and not any(map(_is_table, groups)):
        lines += join_blocks([_group_rows(group, picture.title, room) for group in groups], room)
    elif picture.is_stacked or _share_x_axis(groups):
        lines += _stacked_rows(picture.panels, picture.title, width)
    else:
        for group in groups:
            lines += _group_rows(group, picture.title, width)
    lines += wrapped(picture.sentence, words)
    for remark in picture.remarks:
        lines += wrapped(remark, words, FAINT)
    return text_of(lines, colour)


def draw_small(picture: Picture, width: int = 80, colour: bool = False, rows: int = 8) -> str:
    """Return the panels of a picture, of so many rows, side by side where there is room.

    A single line needs no label; where there are several, they have labels and the sentence.
    """
    panels = picture.panels
    is_single = all(sum(isinstance(mark, Line) for mark in panel.marks) < 2 for panel in panels)
    if is_single:
        panels = tuple(replace(panel, marks=tuple(replace(m, label="") for m in panel.marks)) for panel in panels)
    room = (width - 2 * (len(panels) - 1)) // len(panels)
    if len(panels) > 1 and room >= (MIN_WIDTH_SMALL if is_single else MIN_WIDTH_BESIDE):
        lines = join_blocks([panel_rows(panel, "", room, rows) for panel in panels], room)
    else:
        lines = _stacked_rows(panels, "", width, rows)
    return text_of(lines if is_single else lines + wrapped(picture.sentence, width), colour)


def _groups(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    """Yield panels that are drawn together: those whose bars stand on the same bins are one table."""
    group: list[Panel] = []
    for panel in panels:
        if group and not (_is_table(group) and _is_table([panel]) and _edges(group[0]) == _edges(panel)):
            yield group
            group = []
        group.append(panel)
    if group:
        yield group


def _is_table(group: Sequence[Panel]) -> bool:
    """Return whether panels are drawn as a table: bars on few bins, and nothing else."""
    bars = [mark for panel in group for mark in panel.marks if isinstance(mark, Bars)]
    others = {mark.type for panel in group for mark in panel.marks} - {Bars.type, Rule.type}
    is_one_table = len({tuple(mark.edges.tolist()) for mark in bars}) == 1 and not others
    return (
        is_one_table
        and len(bars[0].heights) <= MOST_BINS
        and all(((mark.heights >= 0) & np.isfinite(mark.heights)).all() for mark in bars)
    )


def _edges(panel: Panel) -> list[float]:
    return next(mark.edges.tolist() for mark in panel.marks if isinstance(mark, Bars))


def _share_x_axis(groups: Sequence[Sequence[Panel]]) -> bool:
    """Return whether panels that are below each other, for want of room, have the same x axis."""
    panels = [panel for group in groups for panel in group]
    has_canvas = not any(_is_table([panel]) or _has_intervals(panel) for panel in panels)
    return len(panels) > 1 and has_canvas and len({panel.x for panel in panels}) == 1


def _has_intervals(panel: Panel) -> bool:
    return any(isinstance(mark, IntervalMark) for mark in panel.marks)


def _stacked_rows(panels: Sequence[Panel], title: str, width: int, rows_of_each: int = 0) -> list[Spans]:
    """Return panels below each other, with margins that make their x axes one; the last has its label."""
    tallest = max(panel.height for panel in panels)
    heights = [rows_of_each or rows_of_panel(panel, width, tallest) for panel in panels]
    needed = [panel_margins(panel, width, rows) for panel, rows in zip(panels, heights, strict=True)]
    margins = Margins(*map(max, zip(*needed, strict=True)))
    lines: list[Spans] = []
    for i, (panel, rows) in enumerate(zip(panels, heights, strict=True)):
        has_x_label = i == len(panels) - 1 or panel.x.label != panels[-1].x.label
        lines += panel_rows(panel, title, width, rows, margins, has_x_label=has_x_label)
        lines += [line for note in panel.notes for line in wrapped(note, width)]
    return lines


def _group_rows(group: Sequence[Panel], title: str, width: int) -> list[Spans]:
    """Return panels that are drawn together as lines, with their notes."""
    panel = group[0]
    if _is_table(group):  # the sentence says what notes in a corner of the figure say
        return bin_tables(group, title, width)
    if _has_intervals(panel):
        lines = interval_rows(panel, title, width)
    else:
        lines = panel_rows(panel, title, width, rows_of_panel(panel, width, panel.height))
    return lines + [line for panel in group for note in panel.notes for line in wrapped(note, width)]
