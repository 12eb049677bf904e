"""Labels of figures: where each goes is decided when the figure is drawn, so that none hides another or a curve."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from losscli.messages import escape_controls

INK_SPACING = 4.0
"""Pixels between the points that stand for what is drawn."""

COST_OF_OVERLAP, COST_OF_LEAVING = 1000.0, 300.0
"""What it costs to lie on another label, or outside of the panel; a point of ink is 1."""

FREE = 2.0
"""A place that costs as much, or more, is taken only if there is none better anywhere."""

CORNERS = {"upper right": (1.0, 1.0), "upper left": (0.0, 1.0), "lower right": (1.0, 0.0), "lower left": (0.0, 0.0)}

_NOT_IN_XML = re.compile("[\ufffe\uffff]")

Points = NDArray[np.float64]


def plain(text: str, at_most: int = 0) -> str:
    """Return a text without control characters, cut after so many characters (0: not at all)."""
    text = _NOT_IN_XML.sub("", escape_controls(text))
    return text if not at_most or len(text) <= at_most else text[: at_most - 1].rstrip() + "…"


def wrap(text: str, width: int) -> str:
    """Return a text in lines of at most so many characters."""
    return "\n".join(textwrap.wrap(plain(text), max(width, 12), break_on_hyphens=False))


class Candidate(NamedTuple):
    """A place for a label: a point in pixels, which side of the label is there, and what the place costs."""

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
"""A function of the panel's box in pixels."""


class EndLabel(NamedTuple):
    """The label of a curve that ends at the right side of the panel, and the height of that end among the others."""

    text: Annotation
    order: float


@dataclass
class LabelPlan:
    """What there is to place in a panel: curves' ends, floating labels with their candidates, a legend, notes."""

    ends: list[EndLabel] = field(default_factory=list)
    floating: list[tuple[Text, Candidates]] = field(default_factory=list)
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
        assert isinstance(axes, Axes)
        panel = axes.get_window_extent(renderer)
        if panel.width < 1 or panel.height < 1:
            return
        self._place_ends(axes, panel, renderer)
        taken = [text.get_window_extent(renderer) for text in self.plan.fixed]
        ink = visible_ink(axes, self.plan.ink, panel)
        if self.plan.legend is not None:
            taken.append(self._place_legend(self.plan.legend, panel, ink, taken, renderer))
        to_axes = axes.transAxes.inverted()
        for text, candidates in self.plan.floating:
            size = text.get_window_extent(renderer)
            best = best_candidate(candidates(panel), size.width, size.height, panel, ink, taken)
            taken.append(best.box(size.width, size.height))
            text.set(ha=best.ha, va=best.va, position=to_axes.transform((best.x, best.y)))

    def _place_ends(self, axes: Axes, panel: Bbox, renderer: Any) -> None:
        """Spread the labels at the right side, in the order of the curves' ends."""
        ends = sorted(self.plan.ends, key=lambda end: end.order)
        if not ends:
            return
        wanted = np.array([axes.transData.transform(end.text.xy)[1] for end in ends])
        heights = np.array([Text.get_window_extent(end.text, renderer).height for end in ends])  # without arrows
        placed = spread(wanted, heights, panel.y0, panel.y1)
        for end, want, y, height in zip(ends, wanted, placed, heights, strict=True):
            end.text.set_position((1.0, (y - panel.y0) / panel.height))
            arrow = end.text.arrow_patch
            if arrow is not None:
                arrow.set_visible(bool(abs(want - y) > 0.75 * height))

    def _place_legend(self, legend: Legend, panel: Bbox, ink: Points, taken: Sequence[Bbox], renderer: Any) -> Bbox:
        size = legend.get_window_extent(renderer)
        corners = corner_candidates(panel, margin=4)
        best = min(
            zip(CORNERS, corners, strict=True),
            key=lambda item: cost(item[1], size.width, size.height, panel, ink, taken) - (item[0] == "lower right"),
        )
        legend.set_loc(best[0])
        return best[1].box(size.width, size.height)


def corner_candidates(panel: Bbox, margin: float = 6) -> list[Candidate]:
    """Return the four corners of a panel, in the order of CORNERS."""
    found = []
    for right, top in CORNERS.values():
        x = panel.x1 - margin if right else panel.x0 + margin
        y = panel.y1 - margin if top else panel.y0 + margin
        found.append(Candidate(x, y, "right" if right else "left", "top" if top else "bottom"))
    return found


def best_candidate(
    candidates: Sequence[Candidate], width: float, height: float, panel: Bbox, ink: Points, taken: Sequence[Bbox]
) -> Candidate:
    """Return the cheapest place; where all lie on something, the nearest free one of a grid."""
    costs = [cost(candidate, width, height, panel, ink, taken) for candidate in candidates]
    best = int(np.argmin(costs))
    if costs[best] - candidates[best].cost < FREE:
        return candidates[best]
    x, y = (candidates[0].box(width, height).min + candidates[0].box(width, height).max) / 2
    grid = [
        Candidate(
            at_x,
            at_y,
            "left",
            "bottom",
            10 * float(np.hypot(at_x + width / 2 - x, at_y + height / 2 - y) / panel.width),
        )
        for at_x in np.linspace(panel.x0 + 4, max(panel.x0 + 4, panel.x1 - 4 - width), 24)
        for at_y in np.linspace(panel.y0 + 4, max(panel.y0 + 4, panel.y1 - 4 - height), 24)
    ]
    return min([candidates[best], *grid], key=lambda candidate: cost(candidate, width, height, panel, ink, taken))


def cost(candidate: Candidate, width: float, height: float, panel: Bbox, ink: Points, taken: Sequence[Bbox]) -> float:
    """Return what a place costs: the ink below the label, labels it lies on, and whether it leaves the panel."""
    box = candidate.box(width, height).padded(2)
    inside = (ink >= box.min) & (ink <= box.max)
    total = candidate.cost + float(np.count_nonzero(inside.all(axis=1)))
    total += COST_OF_OVERLAP * sum(box.overlaps(other) for other in taken)
    leaves = box.x0 < panel.x0 - 2 or box.x1 > panel.x1 + 2 or box.y0 < panel.y0 - 2 or box.y1 > panel.y1 + 2
    return total + COST_OF_LEAVING * leaves


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
    """Return evenly spaced points (k, 2), in pixels, of the curves (data coordinates) inside of the panel."""
    pieces = [np.empty((0, 2))]
    for curve in curves:
        with np.errstate(all="ignore"):
            points = axes.transData.transform(curve)
        points = points[np.isfinite(points).all(axis=1)]
        points = np.clip(points, panel.min - panel.size, panel.max + panel.size)
        if len(points) < 2:
            pieces.append(points)
            continue
        lengths = np.hypot(*np.diff(points, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        even = np.arange(0.0, along[-1] + INK_SPACING, INK_SPACING)
        pieces.append(np.column_stack([np.interp(even, along, points[:, 0]), np.interp(even, along, points[:, 1])]))
    found = np.concatenate(pieces)
    return found[((found >= panel.min) & (found <= panel.max)).all(axis=1)]
