"""Labels of figures: where each goes is decided when the figure is drawn, so that none hides another or a curve."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from losscli.messages import escape_controls

INK_SPACING = 3.0
"""Points (1/72 inch) between the dots that stand for what is drawn."""

COST_OF_INK, COST_OF_OVERLAP, COST_OF_LEAVING = 2.0, 1000.0, 300.0
"""What it costs to lie on a dot of ink, on another label, or outside of the panel."""

GAP_BETWEEN_LABELS = 6.0
"""Points (1/72 inch) between labels beside each other."""

LINE_SPACING = 1.12
"""The height of a label at a curve's end, with the room to the next, in heights of the label."""

LEADER_LENGTH = 7.5
LABEL_GAP, SAMPLE_LENGTH = 9.0, 24.0
"""Points (1/72 inch)."""

FREE = 2.0
"""A place that costs as much, or more, is taken only if there is none better anywhere."""

Points = NDArray[np.float64]


def plain(text: str, at_most: int = 0) -> str:
    """Return a text without control characters, of at most so many characters (0: all), cut in the middle."""
    text = escape_controls(text)
    if not at_most or len(text) <= at_most:
        return text
    n_last = (at_most - 1) // 2
    return f"{text[: at_most - 1 - n_last].rstrip()}…{text[len(text) - n_last :].lstrip()}"


def line_variants(texts: Sequence[str], widths: Sequence[int]) -> tuple[str, ...]:
    """Return texts, each on a line of its own, in lines of at most so many characters; the different ones of them."""
    return tuple(dict.fromkeys("\n".join(wrap(text, width) for text in texts) for width in widths))


def wrap(text: str, width: int) -> str:
    """Return a text in lines of at most so many characters."""
    return "\n".join(textwrap.wrap(plain(text), max(width, 12), break_on_hyphens=False))


class Candidate(NamedTuple):
    """A place for a label: a point, in 1/72 inch, which side of the label is there, and what the place costs."""

    x: float
    y: float
    ha: str
    va: str
    cost: float = 0.0

    def box(self, width: float, height: float) -> Bbox:
        left = {"left": self.x, "center": self.x - width / 2, "right": self.x - width}[self.ha]
        bottom = {"bottom": self.y, "center": self.y - height / 2, "top": self.y - height}[self.va]
        return Bbox.from_bounds(left, bottom, width, height)


Candidates = Callable[[Bbox], list[Candidate]]
"""A function of the panel's box, in 1/72 inch."""


class EndLabel(NamedTuple):
    """The label of a curve that ends at the right side of the panel, with a line that leads to it from there.

    `end` is in data coordinates and inside of the panel; `height` may be outside of it. If `is_sample`, the line shows
    the colour and the dashes of the curve, beside the label.
    """

    text: Text
    leader: Line2D
    end: tuple[float, float]
    height: float
    is_sample: bool = False


class FloatingLabel(NamedTuple):
    """A label inside of the panel, with the same words in lines of several lengths, and where it may go."""

    text: Text
    variants: tuple[str, ...]
    candidates: Candidates


@dataclass
class LabelPlan:
    """What there is to place in a panel: labels of curves that end at the right, floating ones, a list.

    `ink` are curves in data coordinates, `fixed` texts that stay where they are.
    """

    ends: list[EndLabel] = field(default_factory=list)
    floating: list[FloatingLabel] = field(default_factory=list)
    legend: Legend | None = None
    ink: list[Points] = field(default_factory=list)
    fixed: list[Text] = field(default_factory=list)


class LabelPlacer(Artist):
    """An artist that draws nothing: it is drawn first, and places the labels of its axes."""

    def __init__(self, axes: Axes, plan: LabelPlan) -> None:
        super().__init__()
        self.plan = plan
        self.set_zorder(-100)
        self.set_in_layout(False)
        axes.add_artist(self)

    def draw(self, renderer: Any) -> None:
        """Place the labels for the size that the axes have now."""
        axes = self.axes
        if not isinstance(axes, Axes) or min(axes.get_window_extent(renderer).size) < 1:
            return
        room = Room.of(axes, self.plan.ink, renderer)
        self._place_ends(axes, room, renderer)
        room.taken += [room.in_points(text.get_window_extent(renderer)) for text in self.plan.fixed]
        if self.plan.legend is not None:
            self._place_legend(self.plan.legend, room, renderer)
        to_axes = axes.transAxes.inverted()
        for text, variants, candidates in self.plan.floating:
            places = candidates(room.panel)
            found: list[tuple[float, str, Candidate, Bbox]] = []
            for i, words in enumerate(variants):
                text.set_text(words)
                size = room.in_points(text.get_window_extent(renderer))
                price, best = room.best(places, size.width, size.height)
                found.append((price + i, words, best, best.box(size.width, size.height)))
            _, words, best, box = min(found, key=lambda variant: variant[0])
            room.taken.append(box)
            x, y = to_axes.transform((best.x / room.scale, best.y / room.scale))
            text.set(text=words, ha=best.ha, va=best.va, position=(x, y))

    def _place_ends(self, axes: Axes, room: Room, renderer: Any) -> None:
        """Spread the labels at the right side, in the order of the curves' ends."""
        ends = sorted(self.plan.ends, key=lambda end: end.height)
        panel = room.panel
        starts = [points_of(axes, *end.end) for end in ends]
        heights = np.array([room.in_points(end.text.get_window_extent(renderer)).height for end in ends])
        placed = spread(np.array([y for _, y in starts]), heights * LINE_SPACING, panel.y0, panel.y1)
        for end, (x, y), label_y, height in zip(ends, starts, placed, heights, strict=True):
            up = (label_y - panel.y0) / panel.height
            end.text.set_position((1.0, up))
            if end.is_sample:
                start = 1 + LABEL_GAP / panel.width
                end.leader.set_data((start, start + SAMPLE_LENGTH / panel.width), (up, up))
                continue
            is_inside = panel.y0 < y < panel.y1 or end.height == end.end[1]
            end.leader.set_visible(bool(abs(y - label_y) > 0.75 * height and is_inside))
            ends_at = 1 + LEADER_LENGTH / panel.width, up
            end.leader.set_data(((x - panel.x0) / panel.width, ends_at[0]), ((y - panel.y0) / panel.height, ends_at[1]))

    def _place_legend(self, legend: Legend, room: Room, renderer: Any) -> None:
        size = room.in_points(legend.get_window_extent(renderer))
        _, best = room.best(corner_candidates(room.panel), size.width, size.height)
        box = best.box(size.width, size.height)
        room.taken.append(box)
        legend.set_loc(((box.x0 - room.panel.x0) / room.panel.width, (box.y0 - room.panel.y0) / room.panel.height))


@dataclass
class Room:
    """What there is in a panel, in points (1/72 inch): its box, the ink in it, the labels placed so far.

    `scale` is the size of a pixel in points.
    """

    panel: Bbox
    ink: Points
    scale: float
    taken: list[Bbox] = field(default_factory=list)

    @classmethod
    def of(cls, axes: Axes, curves: Sequence[Points], renderer: Any) -> Room:
        """Return the room in axes with curves in data coordinates."""
        scale = pixel_size(axes)
        panel = Bbox(axes.get_window_extent(renderer).get_points() * scale)
        return cls(panel, visible_ink(axes, curves, panel), scale)

    def in_points(self, box: Bbox) -> Bbox:
        """Return a box of pixels in points."""
        return Bbox(box.get_points() * self.scale)

    def best(self, candidates: Sequence[Candidate], width: float, height: float) -> tuple[float, Candidate]:
        """Return the cheapest place with its cost; where all lie on something, the nearest free one of a grid."""
        prices = self.costs(candidates, width, height)
        i = int(np.argmin(prices))
        if prices[i] - candidates[i].cost < FREE:
            return float(prices[i]), candidates[i]
        panel, near = self.panel, candidates[0].box(width, height)
        grid = [
            Candidate(x, y, "left", "bottom", 10 * math.hypot(x - near.x0, y - near.y0) / panel.width)
            for x in np.linspace(panel.x0 + 3, max(panel.x0 + 3, panel.x1 - 3 - width), 20)
            for y in np.linspace(panel.y0 + 3, max(panel.y0 + 3, panel.y1 - 3 - height), 20)
        ]
        of_grid = self.costs(grid, width, height)
        j = int(np.argmin(of_grid))
        return min((float(prices[i]), candidates[i]), (float(of_grid[j]), grid[j]), key=lambda item: item[0])

    def costs(self, candidates: Sequence[Candidate], width: float, height: float) -> NDArray[np.float64]:
        """Return what places cost (k,): the ink below the label, labels it lies on, and whether it leaves the panel."""
        panel = self.panel
        boxes = [candidate.box(width, height).padded(1.5) for candidate in candidates]
        left, bottom, right, top = np.array([box.extents for box in boxes]).T[:, :, None]
        x, y = self.ink.T
        on_ink = np.count_nonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top), axis=1)
        wide = [Bbox.from_extents(b.x0 - GAP_BETWEEN_LABELS, b.y0, b.x1 + GAP_BETWEEN_LABELS, b.y1) for b in boxes]
        on_labels = np.array([sum(box.overlaps(other) for other in self.taken) for box in wide])
        leaves = (left < panel.x0 - 2) | (right > panel.x1 + 2) | (bottom < panel.y0 - 2) | (top > panel.y1 + 2)
        costs: NDArray[np.float64] = np.array([candidate.cost for candidate in candidates], dtype=float)
        costs += COST_OF_INK * on_ink + COST_OF_OVERLAP * on_labels + COST_OF_LEAVING * leaves[:, 0]
        return costs


def corner_candidates(panel: Bbox, margin: float = 4) -> list[Candidate]:
    """Return the four corners of a panel; of equally good ones the first is taken."""
    left, right, bottom, top = panel.x0 + margin, panel.x1 - margin, panel.y0 + margin, panel.y1 - margin
    return [
        Candidate(right, bottom, "right", "bottom"),
        Candidate(right, top, "right", "top"),
        Candidate(left, top, "left", "top"),
        Candidate(left, bottom, "left", "bottom"),
    ]


def pixel_size(axes: Axes) -> float:
    """Return the size of a pixel in points."""
    figure = axes.get_figure()
    return 1.0 if figure is None else 72 / float(figure.dpi)


def points_of(axes: Axes, x: Any, y: Any) -> tuple[float, float]:
    """Return where a point of the data is, in points (1/72 inch)."""
    with np.errstate(all="ignore"):
        found = axes.transData.transform((x, y)) * pixel_size(axes)
    return float(found[0]), float(found[1])


def spread(wanted: NDArray[np.float64], heights: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return places for labels, as near to the wanted ones as can be, in order and without overlap.

    Args:
        wanted: Where the labels should be (k,), ascending.
        heights: Their heights (k,).
        low: The least bottom of a label.
        high: The greatest top; labels that need more room pass it.

    Returns:
        The middles of the labels: the least squares solution, by pooling neighbours that would overlap.
    """
    if len(wanted) == 0:
        return wanted
    below = np.concatenate([[0.0], np.cumsum(heights)[:-1]]) + heights / 2
    blocks: list[list[float]] = []  # the mean of (wanted - below), and how many labels it is of
    for value in wanted - below:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, count = blocks.pop()
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + mean * count) / (blocks[-1][1] + count),
                blocks[-1][1] + count,
            ]
    shifts = np.concatenate([[mean] * int(count) for mean, count in blocks])
    room = high - float(heights.sum())
    return np.clip(shifts, min(low, room), max(low, room)) + below if room >= low else np.full(len(wanted), low) + below


def visible_ink(axes: Axes, curves: Sequence[Points], panel: Bbox) -> Points:
    """Return evenly spaced dots (k, 2), in points, of the curves (data coordinates) inside of the panel."""
    pieces = [np.empty((0, 2))]
    for curve in curves:
        with np.errstate(all="ignore"):
            points = axes.transData.transform(curve) * pixel_size(axes)
        points = points[np.isfinite(points).all(axis=1)]
        points = np.clip(points, np.subtract(panel.min, panel.size), np.add(panel.max, panel.size))
        if len(points) < 2:
            pieces.append(points)
            continue
        lengths = np.hypot(*np.diff(points, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        even = np.arange(0.0, along[-1] + INK_SPACING, INK_SPACING)
        pieces.append(np.column_stack([np.interp(even, along, points[:, 0]), np.interp(even, along, points[:, 1])]))
    found = np.concatenate(pieces)
    return found[((found >= panel.min) & (found <= panel.max)).all(axis=1)]
