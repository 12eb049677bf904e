"""Where the label of a mark may go: candidates, the best first."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from losscli.plot.figure_labels import Candidate, corner_candidates, points_of
from losscli.plot.pictures import Rule


def around(axes: Axes, x: float, y: float) -> list[Candidate]:
    """Return the places around a point."""
    at_x, at_y = points_of(axes, x, y)
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


def at_end(axes: Axes, points: NDArray[np.float64], panel: Bbox) -> list[Candidate]:
    """Return the places around the end of a curve that ends inside of the panel, then those along it."""
    x, y = points[int(points[:, 0].argmax())]
    further = [candidate._replace(cost=1 + candidate.cost / 4) for candidate in along(axes, points, panel)]
    return [*around(axes, float(x), float(y)), *further]


def along(axes: Axes, points: NDArray[np.float64], panel: Bbox) -> list[Candidate]:
    """Return the places along a curve, on either side of it; around its end, if it is too short."""
    found = []
    curve = np.array([points_of(axes, x, y) for x, y in points[np.argsort(points[:, 0], kind="stable")]])
    for i, share in enumerate((0.72, 0.8, 0.64, 0.56, 0.48, 0.88, 0.4, 0.32, 0.24, 0.12)):
        x = panel.x0 + share * panel.width
        if not curve[0, 0] <= x <= curve[-1, 0]:
            continue
        y = float(np.interp(x, curve[:, 0], curve[:, 1]))
        found += [Candidate(x + 5, y - 5, "left", "top", 0.1 * i), Candidate(x - 5, y + 5, "right", "bottom", i)]
    return found or around(axes, *(float(value) for value in points[-1]))


def inside(axes: Axes, middle: NDArray[np.float64], panel: Bbox) -> list[Candidate]:
    """Return the places inside of a band, and the corners."""
    known = middle[np.isfinite(middle).all(axis=1)]
    if not len(known):
        return corner_candidates(panel)
    places = [points_of(axes, *known[int(share * (len(known) - 1))]) for share in np.linspace(0.2, 0.8, 9)]
    found = [Candidate(x, y + dy, "center", "center", 0.1) for x, y in places for dy in (0, -30, 30, -60)]
    return [*found, *(corner._replace(cost=3.0) for corner in corner_candidates(panel))]


def beside_bars(axes: Axes, edges: NDArray[np.float64], heights: NDArray[np.float64]) -> list[Candidate]:
    """Return the places beside the tops of the highest bars."""
    found = []
    for rank, i in enumerate(np.argsort(-np.nan_to_num(heights), kind="stable")[:4]):
        right, top = points_of(axes, float(edges[i + 1]), float(heights[i]))
        left, _ = points_of(axes, float(edges[i]), float(heights[i]))
        for down in (2, 8, 18):
            bias = rank + 0.1 * down
            found += [
                Candidate(right + 6, top - down, "left", "top", bias),
                Candidate(left - 6, top - down, "right", "top", bias + 0.05),
            ]
        found.append(Candidate((left + right) / 2, top + 4, "center", "bottom", rank + 0.1))
    return found


def along_rule(axes: Axes, mark: Rule, panel: Bbox) -> list[Candidate]:
    """Return the places beside a rule, its ends first."""
    if mark.x is not None:
        x = points_of(axes, mark.x, axes.get_ylim()[0])[0]
        heights = ((panel.y1 - 3, "top"), (panel.y0 + 3, "bottom"), ((panel.y0 + panel.y1) / 2, "center"))
        return [
            Candidate(x + side * 4, y, "left" if side > 0 else "right", va, 0.1 * i)
            for i, (side, (y, va)) in enumerate(itertools.product((1, -1), heights))
        ]
    y = points_of(axes, axes.get_xlim()[0], mark.y or 0.0)[1]
    widths = ((panel.x1 - 4, "right"), (panel.x0 + 4, "left"), ((panel.x0 + panel.x1) / 2, "center"))
    return [
        Candidate(x, y + side * 3, ha, "bottom" if side > 0 else "top", 0.1 * i)
        for i, (side, (x, ha)) in enumerate(itertools.product((1, -1), widths))
    ]
