"""Marks of a panel as matplotlib's artists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from losscli.plot.figure_axes import GRID, MUTED, colour_of, draw_axes, font_size, fraction_of
from losscli.plot.figure_labels import (
    LABEL_GAP,
    LEADER_LENGTH,
    SAMPLE_LENGTH,
    Candidates,
    EndLabel,
    FloatingLabel,
    LabelPlacer,
    LabelPlan,
    corner_candidates,
    line_variants,
    plain,
    wrap,
)
from losscli.plot.figure_places import along, along_rule, around, at_end, beside_bars, inside
from losscli.plot.line_ends import AT_END, needs_samples
from losscli.plot.pictures import Band, Bars, IntervalMark, Line, Mark, Panel, Point, Rule
from losscli.plot.styles import style_of

MARKER_SHAPES = "osD^vP>"
LINE_WIDTH = 1.7
LABEL_LENGTH, NOTE_LENGTHS = 32, (44, 32, 24)
"""Most characters of a label, and of a line of notes."""


class PanelArtist:
    """Draws one panel into axes. `counts` numbers the marks of a picture by type, for their ids."""

    def __init__(self, axes: Axes, panel: Panel, counts: Counter[str]) -> None:
        self.axes, self.panel, self.counts = axes, panel, counts
        self.plan = LabelPlan()

    def draw(self, has_x_label: bool, title_width: int) -> None:
        """Draw axes, marks and notes, and the title in lines of so many characters (0: no title)."""
        axes, panel = self.axes, self.panel
        number = self.counts["panel"]
        self.counts["panel"] += 1
        axes.set_gid(f"panel-{number}")
        if title_width and panel.title:
            axes.set_title(
                wrap(panel.title, title_width), loc="left", fontweight="bold", fontsize=font_size(1.1), parse_math=False
            )
        draw_axes(axes, panel, has_x_label)
        listed = listed_points(panel.marks)
        named = {mark.style for mark in listed}
        rows, texts = interval_places(panel.marks), texts_at_ends(panel.marks)
        self.has_samples = needs_samples(panel)
        self.has_one_style = len({mark.style for mark in panel.marks if isinstance(mark, IntervalMark)}) < 2
        for mark in panel.marks:
            if isinstance(mark, Line):
                self.draw_line(mark, is_named=not mark.is_reference and mark.style in named)
            elif isinstance(mark, Bars):
                self.draw_bars(mark)
            elif isinstance(mark, Band):
                self.draw_band(mark)
            elif isinstance(mark, IntervalMark):
                self.draw_interval(mark, rows[id(mark)], texts[id(mark)])
            elif isinstance(mark, Point):
                self.draw_point(mark, is_listed=mark in listed)
            elif isinstance(mark, Rule):
                self.draw_rule(mark)
        self.plan.legend = self.make_legend(listed)
        if panel.notes:
            self.float_text(panel.notes, MUTED, self.gid("notes"), corner_candidates, NOTE_LENGTHS)
        LabelPlacer(axes, self.plan)

    def gid(self, kind: str) -> str:
        """Return the id of the next mark of a kind."""
        self.counts[kind] += 1
        return f"{kind}-{self.counts[kind] - 1}"

    def float_text(
        self,
        texts: Sequence[str],
        colour: str,
        gid: str,
        candidates: Candidates,
        lengths: Sequence[int] = (LABEL_LENGTH, LABEL_LENGTH // 2),
    ) -> None:
        """Add lines of text that go to the best of their candidates."""
        text = self.axes.text(
            0.5,
            0.5,
            "",
            transform=self.axes.transAxes,
            color=colour,
            fontsize=font_size(),
            linespacing=1.3,
            multialignment="left",
            parse_math=False,
        )
        text.set_in_layout(False)
        text.set_gid(gid)
        self.plan.floating.append(FloatingLabel(text, line_variants(texts, lengths), candidates))

    def float_label(self, label: str, colour: str, gid: str, candidates: Candidates) -> None:
        """Add the label of a mark."""
        self.float_text([plain(label, 2 * LABEL_LENGTH)], colour, f"{gid}-label", candidates)

    def draw_line(self, mark: Line, is_named: bool) -> None:
        """Draw a curve, and its label at its right end."""
        gid = self.gid("reference" if mark.is_reference else "line")
        colour = GRID if mark.is_reference else colour_of(mark.style)
        (line,) = self.axes.plot(
            mark.x,
            mark.y,
            color=MUTED if mark.is_reference else colour,
            linewidth=0.8 if mark.is_reference else LINE_WIDTH,
            linestyle=(0, (3.0, 3.0)) if mark.is_reference else line_style(mark.style),
            marker="None",
            zorder=1.5 if mark.is_reference else 2.5,
            label="_",
        )
        line.set_gid(gid)
        points = np.column_stack([mark.x, mark.y]).astype(float)
        known = points[np.isfinite(points).all(axis=1)]
        self.plan.ink.append(known)
        if not mark.label or not len(known) or is_named:
            return
        if mark.is_reference:
            self.float_label(mark.label, MUTED, gid, lambda panel: along(self.axes, known, panel))
            return
        last = known[np.argmax(known[:, 0])]
        x_axis, y_axis = self.panel.x, self.panel.y
        if fraction_of(x_axis, float(last[0])) < AT_END and not self.has_samples:
            self.float_label(mark.label, colour, gid, lambda panel: at_end(self.axes, known, panel))
            return
        low, high = sorted((y_axis.low, y_axis.high))
        height = float(np.interp(x_axis.high, known[:, 0], known[:, 1])) if len(known) > 1 else float(last[1])
        offset = LABEL_GAP + (SAMPLE_LENGTH + LEADER_LENGTH if self.has_samples else 0)
        text = self.axes.text(
            1.0,
            0.5,
            plain(mark.label, LABEL_LENGTH),
            transform=offset_copy(self.axes.transAxes, cast(Any, self.axes.get_figure()), x=offset, units="points"),
            color=colour,
            fontsize=font_size(),
            va="center",
            gid=f"{gid}-label",
            parse_math=False,
        )
        leader = Line2D([], [], color=colour, linewidth=0.6, transform=self.axes.transAxes, clip_on=False)
        if self.has_samples:
            leader.set(linewidth=LINE_WIDTH, gid=f"{gid}-sample")
            leader.set_linestyle(line_style(mark.style))
        leader.set_in_layout(False)
        self.axes.add_artist(leader)
        end = min(float(last[0]), x_axis.high), min(max(height, low), high)
        self.plan.ends.append(EndLabel(text, leader, end, height, self.has_samples))

    def draw_bars(self, mark: Bars) -> None:
        """Draw bars as one shape, and those that stand out in a second."""
        gid = self.gid("bars")
        colour = colour_of(mark.style)
        edges = np.clip(np.asarray(mark.edges, dtype=float), self.panel.x.low, self.panel.x.high)
        heights = np.asarray(mark.heights, dtype=float)
        base = self.panel.y.low if self.panel.y.is_log else 0.0
        if mark.is_outline:
            shape = self.axes.stairs(heights, edges, baseline=base, color=colour, linewidth=LINE_WIDTH, zorder=2.4)
            shape.set_linestyle(line_style(mark.style))
        else:
            shape = self.axes.stairs(heights, edges, baseline=base, fill=True, color=colour, alpha=0.35, lw=0, zorder=2)
        shape.set_gid(gid)
        if any(mark.is_marked):
            marked = np.where(np.asarray(mark.is_marked), heights, np.nan)
            over = self.axes.stairs(
                marked, edges, baseline=base, fill=True, color=colour, alpha=0.18 if mark.is_outline else 0.45, lw=0
            )
            over.set_gid(f"{gid}-marked")
        steps = np.column_stack([np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)])
        self.plan.ink.append(steps)
        if not mark.is_outline:
            low = np.column_stack([np.repeat(edges, 2)[1:-1], np.full(2 * len(heights), base)])
            self.plan.ink += [low + share * (steps - low) for share in (0.25, 0.5, 0.75)]
        if mark.label and len(heights):
            self.float_label(mark.label, colour, gid, lambda panel: beside_bars(self.axes, edges, heights))

    def draw_band(self, mark: Band) -> None:
        """Draw the area between two curves."""
        gid = self.gid("band")
        area = self.axes.fill_between(
            mark.x, mark.low, mark.high, color=colour_of(mark.style), alpha=0.16, linewidth=0, zorder=1
        )
        area.set_gid(gid)
        x = np.asarray(mark.x, dtype=float)
        outline = np.column_stack([np.append(x, x[::-1]), np.append(mark.low, np.asarray(mark.high)[::-1])])
        self.plan.ink.append(np.append(outline, outline[:1], axis=0).astype(float))
        if mark.label:
            middle = np.column_stack([mark.x, (np.asarray(mark.low) + np.asarray(mark.high)) / 2]).astype(float)
            self.float_label(mark.label, MUTED, gid, lambda panel: inside(self.axes, middle, panel))

    def draw_interval(self, mark: IntervalMark, place: float, words: str) -> None:
        """Draw a value with its interval on a horizontal line, and words at the right of the panel."""
        gid = self.gid("interval")
        colour = colour_of(mark.style)
        ends = [end for end in (mark.low, mark.high) if end is not None and np.isfinite(end)]
        if not np.isfinite(mark.value):
            return
        x = [min([*ends, mark.value]), max([*ends, mark.value])]
        (line,) = self.axes.plot(x, [place, place], color=colour, linewidth=LINE_WIDTH, solid_capstyle="butt")
        line.set_gid(gid)
        (point,) = self.axes.plot(
            [mark.value],
            [place],
            linestyle="None",
            marker="o" if self.has_one_style else MARKER_SHAPES[mark.style % len(MARKER_SHAPES)],
            color=colour,
            markersize=6,
        )
        point.set_gid(f"{gid}-value")
        self.plan.ink.append(np.array([[x[0], place], [x[1], place]]))
        near: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "parse_math": False}
        if words:  # a column at the right
            transform = self.axes.get_yaxis_transform()
            near |= {"xycoords": transform, "color": colour, "fontsize": font_size(), "va": "center_baseline"}
            text = self.axes.annotate(words, (1, place), (9, 0), **near)
            text.set_gid(f"{gid}-text")
            self.plan.fixed.append(text)
        if mark.remark:
            near |= {"xycoords": "data", "color": MUTED, "fontsize": font_size(0.8), "ha": "center", "va": "bottom"}
            text = self.axes.annotate(plain(mark.remark, 48), (mark.value, place), (0, 6), **near)
            text.set_gid(f"{gid}-remark")
            self.plan.fixed.append(text)

    def draw_point(self, mark: Point, is_listed: bool) -> None:
        """Draw a point that stands out."""
        gid = self.gid("point")
        colour = colour_of(mark.style)
        (point,) = self.axes.plot(
            [mark.x],
            [mark.y],
            linestyle="None",
            marker=MARKER_SHAPES[mark.style % len(MARKER_SHAPES)],
            color=colour,
            markersize=6,
            zorder=3,
        )
        point.set_gid(gid)
        self.plan.ink.append(np.array([[mark.x, mark.y]], dtype=float))
        if mark.label and not is_listed:
            self.float_label(mark.label, colour, gid, lambda panel: around(self.axes, mark.x, mark.y))

    def draw_rule(self, mark: Rule) -> None:
        """Draw a thin line across the panel."""
        gid = self.gid("rule")
        x, y = self.panel.x, self.panel.y
        at, line = mark.x, None
        if at is not None:
            line = self.axes.axvline(at, color=GRID, linewidth=0.8, zorder=1.2)
            self.plan.ink.append(np.array([[at, y.low], [at, y.high]]))
        elif mark.y is not None:
            at = mark.y
            line = self.axes.axhline(at, color=GRID, linewidth=0.8, zorder=1.2)
            self.plan.ink.append(np.array([[x.low, at], [x.high, at]]))
        if line is None or at is None:
            return
        line.set_gid(gid)
        if mark.label:
            self.float_label(mark.label, MUTED, gid, lambda panel: along_rule(self.axes, mark, panel))

    def make_legend(self, listed: Sequence[Point]) -> Legend | None:
        """Return the list of the labels of points, each with the name of its curve."""
        lines = {
            mark.style: mark.label for mark in self.panel.marks if isinstance(mark, Line) and not mark.is_reference
        }
        if not listed:
            return None
        entries = [(point.style, lines.get(point.style, ""), point.label) for point in listed]
        handles = [
            Line2D(
                [],
                [],
                color=colour_of(style),
                linestyle=line_style(style) if name else "None",
                linewidth=LINE_WIDTH,
                marker=MARKER_SHAPES[style % len(MARKER_SHAPES)],
                markersize=5,
            )
            for style, name, _ in entries
        ]
        places = [str(i) for i in range(len(entries))]  # a label that starts with _ would be left out
        legend = self.axes.legend(
            handles, places, frameon=False, fontsize=font_size(), loc="lower right", borderaxespad=0, borderpad=0.2
        )
        for text, (style, name, label) in zip(legend.get_texts(), entries, strict=True):
            words = f"{plain(name, LABEL_LENGTH)}: {plain(label, LABEL_LENGTH)}" if name else plain(label, LABEL_LENGTH)
            text.set(text=words, color=colour_of(style))
        legend.set_gid("list")
        return legend


def line_style(style: int) -> Any:
    """Return the dashes of a style as matplotlib takes them."""
    dashes = style_of(style).dashes
    return (0, dashes) if dashes else "-"


def listed_points(marks: Sequence[Mark]) -> list[Point]:
    """Return the labelled points of a panel if there are several: their labels are listed in a free corner."""
    found = [mark for mark in marks if isinstance(mark, Point) and mark.label]
    return found if len(found) > 1 else []


def interval_places(marks: Sequence[Mark]) -> dict[int, float]:
    """Return where on the axis of categories each interval lies: those of one category beside each other."""
    by_category: dict[int, list[IntervalMark]] = {}
    for mark in marks:
        if isinstance(mark, IntervalMark):
            by_category.setdefault(mark.category, []).append(mark)
    return {
        id(mark): category + (i - (len(members) - 1) / 2) * 0.8 / len(members)
        for category, members in by_category.items()
        for i, mark in enumerate(members)
    }


def texts_at_ends(marks: Sequence[Mark]) -> dict[int, str]:
    """Return what is written at the end of each interval: its text, after its label if its category has several."""
    intervals = [mark for mark in marks if isinstance(mark, IntervalMark)]
    count = Counter(mark.category for mark in intervals)
    found = {}
    for mark in intervals:
        label = plain(mark.label, LABEL_LENGTH) if count[mark.category] > 1 else ""
        text = plain(mark.text, 48)
        found[id(mark)] = f"{label}: {text}" if label and text else label or text
    return found
