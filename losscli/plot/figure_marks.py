"""Marks of a panel as matplotlib's artists."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Bbox, offset_copy
from numpy.typing import NDArray

from losscli.plot.figure_labels import (
    Candidate,
    Candidates,
    EndLabel,
    LabelPlacer,
    LabelPlan,
    corner_candidates,
    plain,
    wrap,
)
from losscli.plot.pictures import Axis, Band, Bars, Interval, Line, Mark, Panel, Point, Rule
from losscli.plot.scales import MINUS, NO_BREAK_SPACE, human_number, nice_ticks
from losscli.plot.styles import style_of

INK, MUTED, GRID = "#222222", "#767676", "#c4c4c4"
"""Text and axes; notes and references; thin lines."""

MARKERS = "osD^vP>"
LINE_WIDTH = 1.7
LABEL_LENGTH, CATEGORY_LENGTH, NOTE_LENGTH = 32, 28, 36
"""Most characters of a label, of a name beside an axis, and of a line of notes."""

AT_END = 0.9
"""The label of a curve that ends in the last tenth of the panel is outside of it."""


def colour_of(style: int) -> str:
    """Return the colour of a style; the dark one is that of text, which may be light on dark."""
    colour = style_of(style).colour
    return str(matplotlib.rcParams["text.color"]) if colour == INK else colour


def font_size(factor: float = 0.9) -> float:
    """Return a font size in points, relative to the user's."""
    return factor * float(matplotlib.rcParams["font.size"])


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
        rows = interval_places(panel.marks)
        self.has_one_style = len({mark.style for mark in panel.marks if isinstance(mark, Interval)}) < 2
        for mark in panel.marks:
            if isinstance(mark, Line):
                self.draw_line(mark, is_named=not mark.is_reference and mark.style in named)
            elif isinstance(mark, Bars):
                self.draw_bars(mark)
            elif isinstance(mark, Band):
                self.draw_band(mark)
            elif isinstance(mark, Interval):
                self.draw_interval(mark, rows[id(mark)])
            elif isinstance(mark, Point):
                self.draw_point(mark, is_listed=mark in listed)
            elif isinstance(mark, Rule):
                self.draw_rule(mark)
        self.plan.legend = self.make_legend(listed)
        if panel.notes:
            text = "\n".join(wrap(note, NOTE_LENGTH) for note in panel.notes)
            self.plan.floating.append((self.text(text, MUTED, self.gid("notes")), corner_candidates))
        LabelPlacer(axes, self.plan)

    def gid(self, kind: str) -> str:
        """Return the id of the next mark of a kind."""
        self.counts[kind] += 1
        return f"{kind}-{self.counts[kind] - 1}"

    def text(self, text: str, colour: str, gid: str) -> Text:
        """Return a text that is placed later."""
        found = self.axes.text(
            0.5,
            0.5,
            text,
            transform=self.axes.transAxes,
            color=colour,
            fontsize=font_size(),
            parse_math=False,
            linespacing=1.3,
        )
        found.set_in_layout(False)
        found.set_gid(gid)
        return found

    def float_text(self, label: str, colour: str, gid: str, candidates: Candidates) -> None:
        """Add a label that goes to the best of its candidates."""
        self.plan.floating.append((self.text(plain(label, LABEL_LENGTH), colour, f"{gid}-label"), candidates))

    def pixels(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixels of a point of the data."""
        with np.errstate(all="ignore"):
            found = self.axes.transData.transform((x, y))
        return float(found[0]), float(found[1])

    def draw_line(self, mark: Line, is_named: bool) -> None:
        """Draw a curve, and its label at its right end."""
        gid = self.gid("reference" if mark.is_reference else "line")
        colour = GRID if mark.is_reference else colour_of(mark.style)
        dashes = (3.0, 3.0) if mark.is_reference else style_of(mark.style).dashes
        (line,) = self.axes.plot(
            mark.x,
            mark.y,
            color=MUTED if mark.is_reference else colour,
            linewidth=0.8 if mark.is_reference else LINE_WIDTH,
            linestyle=(0, dashes) if dashes else "-",
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
            self.float_text(mark.label, MUTED, gid, lambda panel: self.along(known, panel))
            return
        last = known[np.argmax(known[:, 0])]
        x_axis, y_axis = self.panel.x, self.panel.y
        if fraction_of(x_axis, float(last[0])) < AT_END:
            self.float_text(mark.label, colour, gid, lambda panel: self.around(float(last[0]), float(last[1])))
            return
        low, high = sorted((y_axis.low, y_axis.high))
        height = float(np.interp(x_axis.high, known[:, 0], known[:, 1])) if len(known) > 1 else float(last[1])
        annotation = self.axes.annotate(
            plain(mark.label, LABEL_LENGTH),
            xy=(min(float(last[0]), x_axis.high), min(max(height, low), high)),
            xytext=(1.0, 0.5),
            textcoords=offset_copy(self.axes.transAxes, self.axes.figure, x=9, units="points"),
            annotation_clip=False,
            color=colour,
            fontsize=font_size(),
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 1},
            parse_math=False,
        )
        annotation.set_gid(f"{gid}-label")
        self.plan.ends.append(EndLabel(annotation, height))

    def draw_bars(self, mark: Bars) -> None:
        """Draw bars as one shape, and those that stand out in a second."""
        gid = self.gid("bars")
        colour = colour_of(mark.style)
        edges = np.clip(np.asarray(mark.edges, dtype=float), self.panel.x.low, self.panel.x.high)
        heights = np.asarray(mark.heights, dtype=float)
        base = self.panel.y.low if self.panel.y.is_log else 0.0
        if mark.is_outline:
            shape = self.axes.stairs(heights, edges, baseline=base, color=colour, linewidth=LINE_WIDTH, zorder=2.4)
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
            self.float_text(mark.label, colour, gid, lambda panel: self.beside_bars(edges, heights))

    def draw_band(self, mark: Band) -> None:
        """Draw the area between two curves."""
        gid = self.gid("band")
        area = self.axes.fill_between(
            mark.x, mark.low, mark.high, color=colour_of(mark.style), alpha=0.16, linewidth=0, zorder=1
        )
        area.set_gid(gid)
        if mark.label:
            middle = np.column_stack([mark.x, (np.asarray(mark.low) + np.asarray(mark.high)) / 2]).astype(float)
            text = self.text(wrap(mark.label, 26), MUTED, f"{gid}-label")
            self.plan.floating.append((text, lambda panel: self.inside(middle, panel)))

    def draw_interval(self, mark: Interval, place: float) -> None:
        """Draw a value with its interval on a horizontal line, and its text at the right end."""
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
            marker="o" if self.has_one_style else MARKERS[mark.style % len(MARKERS)],
            color=colour,
            markersize=6,
        )
        point.set_gid(f"{gid}-value")
        self.plan.ink.append(np.array([[x[0], place], [x[1], place]]))
        at_end = {"textcoords": "offset points", "fontsize": font_size(), "annotation_clip": False, "parse_math": False}
        if mark.text:
            x_end = min(x[1], self.panel.x.high)
            text = self.axes.annotate(
                plain(mark.text, 48), (x_end, place), (7, 0), color=colour, va="center_baseline", **at_end
            )
            text.set_gid(f"{gid}-text")
            self.plan.fixed.append(text)
        if mark.remark:
            at_end["fontsize"] = font_size(0.8)
            text = self.axes.annotate(
                plain(mark.remark, 48), (mark.value, place), (0, 6), color=MUTED, ha="center", va="bottom", **at_end
            )
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
            marker=MARKERS[mark.style % len(MARKERS)],
            color=colour,
            markersize=6,
            zorder=3,
        )
        point.set_gid(gid)
        self.plan.ink.append(np.array([[mark.x, mark.y]], dtype=float))
        if mark.label and not is_listed:
            self.float_text(mark.label, colour, gid, lambda panel: self.around(mark.x, mark.y))

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
            self.float_text(mark.label, MUTED, gid, lambda panel: self.along_rule(mark, panel))

    def make_legend(self, listed: Sequence[Point]) -> Legend | None:
        """Return the list of the labels of points, or of several sorts of intervals."""
        lines = {
            mark.style: mark.label for mark in self.panel.marks if isinstance(mark, Line) and not mark.is_reference
        }
        entries: list[tuple[int, str, bool]] = []
        for point in listed:
            name = lines.get(point.style, "")
            entries.append((point.style, f"{name}: {point.label}" if name else point.label, bool(name)))
        intervals = {mark.style: mark.label for mark in self.panel.marks if isinstance(mark, Interval)}
        if len(intervals) > 1 and len(set(intervals.values())) > 1:
            entries += [(style, label, True) for style, label in sorted(intervals.items())]
        if not entries:
            return None
        handles = [
            Line2D(
                [],
                [],
                color=colour_of(style),
                linestyle=(0, style_of(style).dashes) if has_line and listed and style_of(style).dashes else "-",
                linewidth=LINE_WIDTH if has_line else 0,
                marker=MARKERS[style % len(MARKERS)],
                markersize=5,
            )
            for style, _, has_line in entries
        ]
        legend = self.axes.legend(
            handles, [str(i) for i in range(len(entries))], frameon=False, fontsize=font_size(), loc="lower right"
        )
        for text, (style, label, _) in zip(legend.get_texts(), entries, strict=True):
            text.set(text=plain(label, 2 * LABEL_LENGTH), color=colour_of(style))
        legend.set_gid("list")
        return legend

    def around(self, x: float, y: float) -> list[Candidate]:
        """Return the places around a point."""
        at_x, at_y = self.pixels(x, y)
        sides = ((8, 0), (6, 7), (6, -7), (-8, 0), (-6, 7), (-6, -7), (0, 9), (0, -9))
        return [
            Candidate(
                at_x + dx,
                at_y + dy,
                {1: "left", 0: "center", -1: "right"}[int(np.sign(dx))],
                {1: "bottom", 0: "center", -1: "top"}[int(np.sign(dy))],
                0.1 * i,
            )
            for i, (dx, dy) in enumerate(sides)
        ]

    def along(self, points: NDArray[np.float64], panel: Bbox) -> list[Candidate]:
        """Return the places along a curve, on either side of it."""
        found = []
        for i, x in enumerate(np.linspace(panel.x0, panel.x1, 12)[[8, 9, 7, 6, 5, 10, 4, 3, 2, 1]]):
            data_x = float(self.axes.transData.inverted().transform((x, panel.y0))[0])
            order = np.argsort(points[:, 0], kind="stable")
            y = self.pixels(data_x, float(np.interp(data_x, points[order, 0], points[order, 1])))[1]
            found += [Candidate(x + 5, y - 5, "left", "top", 0.1 * i), Candidate(x - 5, y + 5, "right", "bottom", i)]
        return found

    def inside(self, middle: NDArray[np.float64], panel: Bbox) -> list[Candidate]:
        """Return the places inside of a band, and the corners."""
        known = middle[np.isfinite(middle).all(axis=1)]
        if not len(known):
            return corner_candidates(panel)
        places = [self.pixels(*known[int(share * (len(known) - 1))]) for share in np.linspace(0.2, 0.8, 9)]
        found = [Candidate(x, y + dy, "center", "center", 0.1) for x, y in places for dy in (0, -30, 30, -60)]
        return [*found, *(corner._replace(cost=3.0) for corner in corner_candidates(panel))]

    def beside_bars(self, edges: NDArray[np.float64], heights: NDArray[np.float64]) -> list[Candidate]:
        """Return the places beside the tops of the highest bars."""
        found = []
        for rank, i in enumerate(np.argsort(-np.nan_to_num(heights), kind="stable")[:4]):
            right, top = self.pixels(float(edges[i + 1]), float(heights[i]))
            left, _ = self.pixels(float(edges[i]), float(heights[i]))
            for down in (2, 8, 18):
                bias = rank + 0.1 * down
                found += [
                    Candidate(right + 6, top - down, "left", "top", bias),
                    Candidate(left - 6, top - down, "right", "top", bias + 0.05),
                ]
            found.append(Candidate((left + right) / 2, top + 4, "center", "bottom", rank + 0.1))
        return found

    def along_rule(self, mark: Rule, panel: Bbox) -> list[Candidate]:
        """Return the places beside a rule, its ends first."""
        if mark.x is not None:
            x = self.pixels(mark.x, self.panel.y.low)[0]
            heights = ((panel.y1 - 3, "top"), (panel.y0 + 3, "bottom"), ((panel.y0 + panel.y1) / 2, "center"))
            return [
                Candidate(x + side * 4, y, "left" if side > 0 else "right", va, 0.1 * i)
                for i, (side, (y, va)) in enumerate(itertools.product((1, -1), heights))
            ]
        y = self.pixels(self.panel.x.low, float(mark.y or 0.0))[1]
        widths = ((panel.x1 - 4, "right"), (panel.x0 + 4, "left"), ((panel.x0 + panel.x1) / 2, "center"))
        return [
            Candidate(x, y + side * 3, ha, "bottom" if side > 0 else "top", 0.1 * i)
            for i, (side, (x, ha)) in enumerate(itertools.product((1, -1), widths))
        ]


def listed_points(marks: Sequence[Mark]) -> list[Point]:
    """Return the labelled points of a panel if there are several: their labels are listed in a free corner."""
    found = [mark for mark in marks if isinstance(mark, Point) and mark.label]
    return found if len(found) > 1 else []


def interval_places(marks: Sequence[Mark]) -> dict[int, float]:
    """Return where on the axis of categories each interval lies: those of one category beside each other."""
    by_category: dict[int, list[Interval]] = {}
    for mark in marks:
        if isinstance(mark, Interval):
            by_category.setdefault(mark.category, []).append(mark)
    return {
        id(mark): category + (i - (len(members) - 1) / 2) * 0.8 / len(members)
        for category, members in by_category.items()
        for i, mark in enumerate(members)
    }


def fraction_of(axis: Axis, value: float) -> float:
    """Return where on an axis a value lies: 0 at its low end, 1 at its high end."""
    low, high = axis.low, axis.high
    if axis.is_log and min(low, high, value) > 0:
        low, high, value = np.log([low, high, value])
    return float((value - low) / (high - low)) if high != low else 1.0


def draw_axes(axes: Axes, panel: Panel, has_x_label: bool) -> None:
    """Set ranges, scales, ticks and labels; only the left and the bottom axis are drawn."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    is_listing = bool(panel.y.categories)
    axes.spines["left"].set_visible(not is_listing)
    for name, axis in (("x", panel.x), ("y", panel.y)):
        draw_axis(axes, name, axis)
    label = {"color": matplotlib.rcParams["text.color"], "fontsize": font_size(), "parse_math": False}
    axes.set_xlabel(wrap(panel.x.label, 60) if has_x_label else "", **label)
    axes.set_ylabel(wrap(panel.y.label, 44), **label)
    if not has_x_label:
        axes.tick_params(axis="x", labelbottom=False)
    for spine in axes.spines.values():
        spine.set(color=MUTED, linewidth=0.8)
    axes.tick_params(axis="both", color=MUTED, labelsize=font_size(), width=0.8, length=0 if is_listing else 3)
    axes.tick_params(axis="x", length=3)
    axes.tick_params(which="minor", bottom=False, left=False)


def draw_axis(axes: Axes, name: str, axis: Axis) -> None:
    """Set the range, the scale and the ticks of one axis."""
    set_limits = axes.set_xlim if name == "x" else axes.set_ylim
    set_ticks = axes.set_xticks if name == "x" else axes.set_yticks
    low, high = axis.low, axis.high
    if axis.categories:
        ends = (-0.5, len(axis.categories) - 0.5)
        set_limits(*(ends if name == "x" else ends[::-1]))
        names = [plain(category, CATEGORY_LENGTH) for category in axis.categories]
        set_ticks(range(len(names)), names, parse_math=False)
        return
    if not (np.isfinite(low) and np.isfinite(high)) or low == high:
        low, high = (low - 0.5, low + 0.5) if np.isfinite(low) else (0.0, 1.0)
    if axis.is_log and low > 0:
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
    set_limits(low, high)
    ticks = axis_ticks(low, high, axis.is_log and low > 0)
    set_ticks(ticks, tick_texts(ticks), parse_math=False)
    target = axes.xaxis if name == "x" else axes.yaxis
    target.set_minor_locator(NullLocator())


def axis_ticks(low: float, high: float, is_log: bool, at_most: int = 7) -> list[float]:
    """Return the ticks of an axis: round numbers, or powers of 10."""
    low, high = sorted((low, high))
    if is_log:
        first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
        step = max(1, -(-(last - first + 1) // at_most))
        powers = [10.0**power for power in range(first, last + 1, step)]
        if len(powers) > 1:
            return powers
    return nice_ticks(low, high, at_most)


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """Return ticks in human form, with as many digits as it takes to tell them apart."""
    for digits in range(3, 16):
        texts = [human_number(tick, digits) for tick in ticks]
        exact = all(
            abs(float_of(text) - tick) <= 1e-9 * max(map(abs, ticks)) for text, tick in zip(texts, ticks, strict=True)
        )
        if len(set(texts)) == len(texts) and exact:
            break
    return texts


def float_of(text: str) -> float:
    """Return the number that a tick spells."""
    return float(text.replace(MINUS, "-").replace(NO_BREAK_SPACE, ""))
