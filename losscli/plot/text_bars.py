"""Panels of bars: a table of their bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from losscli.messages import escape_controls
from losscli.plot.pictures import Bars, Panel, Rule
from losscli.plot.scales import human_number
from losscli.plot.spans import BOLD, Spans, colour_code, wrapped
from losscli.plot.text_width import display_width, pad, shorten_name

EIGHTHS = " ▏▎▍▌▋▊▉"
MIN_BAR, MAX_BAR = 8, 30
MAX_LABEL = 16
DIGITS_OF_EDGES = 4

_Series = tuple[Panel, Bars]


class _Bins(NamedTuple):
    """The first column of a table: what its bins are of, and from where to where each is."""

    head: str
    texts: tuple[str, ...]
    width: int


def bin_tables(panels: Sequence[Panel], title: str, width: int) -> list[Spans]:
    """Return panels of bars on the same bins as a table, or as several if that is too wide.

    The bins are named by the details that are called as the x axis, if there are any, else by their edges.
    """
    series = [(panel, mark) for panel in panels for mark in panel.marks if isinstance(mark, Bars)]
    bins = _bins(series, width)
    series = [(panel, replace(bars, details=_other_details(panel, bars))) for panel, bars in series]
    lines: list[Spans] = []
    for part in _parts(series, bins, width):
        lines += _table(part, bins, title, width, len(panels) == 1)
    if any(any(bars.is_marked) for _, bars in series):
        lines.append([("* outlier rows", "")])
    for panel in panels:
        names = [mark.label for mark in panel.marks if isinstance(mark, Rule) and mark.label]
        lines += [line for name in names for line in wrapped(f"┊ {name}", width)]
    return lines


def _parts(series: list[_Series], bins: _Bins, width: int) -> list[list[_Series]]:
    """Return the series of each table: all in one, or as many of each panel as there is room for."""
    if _has_room(series, bins, width):
        return [series]
    parts: list[list[_Series]] = []
    for one in series:
        if parts and parts[-1][0][0] is one[0] and _has_room([*parts[-1], one], bins, width):
            parts[-1].append(one)
        else:
            parts.append([one])
    return parts


def _has_room(series: list[_Series], bins: _Bins, width: int) -> bool:
    """Return whether bars are long enough to be seen, and for their labels."""
    longest = max(display_width(bars.label) for _, bars in series)
    return _room_for_bars(series, bins, width) >= max(MIN_BAR, min(longest, MAX_LABEL))


def _names_bins(panel: Panel, name: str) -> bool:
    return bool(name) and panel.x.label.startswith(name)


def _other_details(panel: Panel, bars: Bars) -> dict[str, tuple[str, ...]]:
    return {name: cells for name, cells in bars.details.items() if not _names_bins(panel, name)}


def _bins(series: list[_Series], width: int) -> _Bins:
    named = [
        (name, cells) for panel, bars in series for name, cells in bars.details.items() if _names_bins(panel, name)
    ]
    panel, bars = series[0]
    head, texts = named[0] if named else (panel.x.label, _edge_texts(bars))
    head, texts = escape_controls(head), tuple(map(escape_controls, texts))
    longest = max(map(display_width, texts), default=0)
    columns = max(longest, min(display_width(head), width // 3))
    return _Bins(head, tuple(pad(text, longest, is_right=bool(named)) for text in texts), columns)


def _edge_texts(bars: Bars) -> tuple[str, ...]:
    """Return from where to where each bin is, in columns."""
    shown = [human_number(edge, DIGITS_OF_EDGES) if math.isfinite(edge) else "" for edge in bars.edges.tolist()]
    low = ["below" if edge == -math.inf else text for edge, text in zip(bars.edges, shown, strict=True)]
    ends = max(map(display_width, shown))
    starts = max(map(display_width, [*low[:-1], "above" if bars.edges[-1] == math.inf else ""]))
    texts = []
    for i in range(len(bars.heights)):
        first, last = bars.edges[i], bars.edges[i + 1]
        word = "to" if math.isfinite(first) and math.isfinite(last) else "  "
        start, end = (low[i], shown[i + 1]) if last != math.inf else ("above", shown[i])
        texts.append(f"{pad(start, starts, is_right=True)} {word} {pad(end, ends, is_right=True)}")
    return tuple(texts)


def _details(bars: Bars) -> list[tuple[str, tuple[str, ...]]]:
    found = [(escape_controls(name), tuple(map(escape_controls, cells))) for name, cells in bars.details.items()]
    return found or [("", tuple(human_number(height, 3) for height in bars.heights.tolist()))]


def _widths(bars: Bars) -> list[int]:
    return [max(map(display_width, (name, *cells))) for name, cells in _details(bars)]


def _details_width(bars: Bars) -> int:
    """Return how many columns the details take, with the gaps around each."""
    return sum(width + 2 for width in _widths(bars)) + 2


def _room_for_bars(series: list[_Series], bins: _Bins, width: int) -> int:
    """Return how many columns are left for the bars of each series."""
    taken = bins.width + 2 + sum(_details_width(bars) for _, bars in series)
    return min((width - taken) // len(series), MAX_BAR)


def _table(series: list[_Series], bins: _Bins, title: str, width: int, is_alone: bool) -> list[Spans]:
    """Return a table: the bins, `*` beside those that stand out, and for each series its details and its bars."""
    head, texts, first = bins
    room = max(_room_for_bars(series, bins, width), 1)
    marked = next((bars.is_marked for _, bars in series if bars.is_marked), ())
    tallest = {
        id(panel): max((max(bars.heights.tolist(), default=0.0) for other, bars in series if other is panel))
        for panel, _ in series
    }
    titles, heads = [(pad("", first + 2), "")], [(pad(shorten_name(head, first), first + 2), "")]
    rows: list[Spans] = [
        [(pad(text, first) + (" *" if i < len(marked) and marked[i] else "  "), "")] for i, text in enumerate(texts)
    ]
    for panel in dict.fromkeys(panel for panel, _ in series):
        block = sum(_details_width(bars) + room for other, bars in series if other is panel)
        name = "" if is_alone and panel.title == title else escape_controls(panel.title)
        titles.append((pad("  " + shorten_name(name, block - 2), block), BOLD))
    for panel, bars in series:
        code = colour_code(bars.style)
        details, widths = _details(bars), _widths(bars)
        columns = [pad(name, column, is_right=True) for (name, _), column in zip(details, widths, strict=True)]
        label = "" if bars.label in bars.details else shorten_name(escape_controls(bars.label), room)
        heads += [("  " + "  ".join(columns) + "  ", ""), (pad(label, room), code)]
        for i, row in enumerate(rows):
            columns = [pad(cells[i], column, is_right=True) for (_, cells), column in zip(details, widths, strict=True)]
            row.append(("  " + "  ".join(columns) + "  ", ""))
            row.append((pad(bar_text(float(bars.heights[i]), tallest[id(panel)], room), room), code))
    lines = [titles, heads, *rows]
    return [_cut(line, width) for line in lines if any(text.strip() for text, _ in line)]


def bar_text(height: float, tallest: float, columns: int) -> str:
    """Return a bar in eighths of a column; what is more than nothing has one at least."""
    eighths = round(height / tallest * columns * 8) if tallest > 0 and height > 0 else 0
    eighths = max(eighths, 1) if height > 0 else 0
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _cut(line: Spans, width: int) -> Spans:
    """Return a line without what is beyond the width, marked by …: details of very many columns."""
    kept: Spans = []
    for text, code in line:
        room = width - sum(display_width(part) for part, _ in kept)
        if display_width(text.rstrip()) > room:
            cut = text
            while display_width(cut) > max(room - 1, 0):
                cut = cut[:-1]
            return [*kept, (cut + "…"[: max(room, 0)], code)]
        kept.append((text if display_width(text) <= room else text.rstrip(), code))
    return kept
