"""Panels of bars: a table of their bins."""

from __future__ import annotations

import math
from collections.abc import Sequence

from losscli.messages import escape_controls
from losscli.plot.pictures import Axis, Bars, Panel, Rule
from losscli.plot.scales import human_number
from losscli.plot.spans import BOLD, Spans, colour_code
from losscli.plot.text_width import display_width, pad, shorten_name

EIGHTHS = " ▏▎▍▌▋▊▉"
MIN_BAR, MAX_BAR = 8, 30
DIGITS_OF_EDGES = 4

_Series = tuple[Panel, Bars]


def bin_tables(panels: Sequence[Panel], title: str, width: int) -> list[Spans]:
    """Return panels of bars on the same bins as a table, or as several if that is too wide."""
    series = [(panel, mark) for panel in panels for mark in panel.marks if isinstance(mark, Bars)]
    lines: list[Spans] = []
    for part in _parts(series, width):
        lines += _table(part, title, width, len(panels) == 1)
    for panel in panels:
        names = [escape_controls(mark.label) for mark in panel.marks if isinstance(mark, Rule) and mark.label]
        lines += [[(shorten_name(f"┊ {name}", width), "")] for name in names]
    return lines


def _parts(series: list[_Series], width: int) -> list[list[_Series]]:
    """Return the series of each table: all in one, one a panel, or one each."""
    by_panel = [[one for one in series if one[0] is panel] for panel in dict.fromkeys(panel for panel, _ in series)]
    for parts in ([series], by_panel):
        if all(_room_for_bars(part, width) >= MIN_BAR for part in parts):
            return parts
    return [[one] for one in series]


def _bins(axis: Axis, bars: Bars) -> tuple[str, list[str]]:
    """Return the head of the bins, and their text: from where to where, in columns."""
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
    return escape_controls(axis.label), texts


def _details(bars: Bars) -> list[tuple[str, tuple[str, ...]]]:
    found = [(escape_controls(name), tuple(map(escape_controls, cells))) for name, cells in bars.details.items()]
    return found or [("", tuple(human_number(height, 3) for height in bars.heights.tolist()))]


def _widths(bars: Bars) -> list[int]:
    return [max(map(display_width, (name, *cells))) for name, cells in _details(bars)]


def _details_width(bars: Bars) -> int:
    """Return how many columns the details take, with the gaps around each."""
    return sum(width + 2 for width in _widths(bars)) + 2


def _bins_width(series: list[_Series], width: int) -> int:
    head, texts = _bins(series[0][0].x, series[0][1])
    return max(display_width(texts[0]), min(display_width(head), width // 3))


def _room_for_bars(series: list[_Series], width: int) -> int:
    """Return how many columns are left for the bars of each series."""
    taken = _bins_width(series, width) + 2 + sum(_details_width(bars) for _, bars in series)
    return min((width - taken) // len(series), MAX_BAR)


def _table(series: list[_Series], title: str, width: int, is_alone: bool) -> list[Spans]:
    """Return a table: the bins, `*` beside those that stand out, and for each series its details and its bars."""
    head, texts = _bins(series[0][0].x, series[0][1])
    first = _bins_width(series, width)
    room = max(_room_for_bars(series, width), 1)
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
