"""Curves that meet at the right end of a panel, where the place of a label does not tell whose it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from losscli.declaration.domains import Array
from losscli.plot.pictures import Line, Panel, Point
from losscli.plot.scales import place_on, value_at

SAMPLES = 101
"""Places along the x axis at which curves are compared."""

MEET, APART = 0.03, 0.06
"""Curves meet that end so near to each other, and go apart so far elsewhere: shares of the height of the panel."""

AT_END, MOST_FLOATING = 0.9, 3
"""Lines that end in the last tenth of the panel have labels outside of it; of the others so many have them inside."""

MARGIN_OF_SAMPLES, SAMPLES_AROUND, FAR_ENOUGH = 6, 2, 0.25
"""Samples at the ends of a panel without a point; those around a point where other lines must be far; how far is far.
"""


def named_lines(panel: Panel) -> list[Line]:
    """Return the lines of a panel that have a label, without references."""
    return [mark for mark in panel.marks if isinstance(mark, Line) and mark.label and not mark.is_reference]


def needs_samples(panel: Panel) -> bool:
    """Tell whether labels need a sample of their lines: the ends meet, or many lines end inside of the panel."""
    lines = named_lines(panel)
    ends = [float(np.nanmax(place_on(panel.x, line.x), initial=0.0)) for line in lines]
    return do_ends_meet(panel) or (len(lines) > MOST_FLOATING and min(ends) < AT_END)


def do_ends_meet(panel: Panel) -> bool:
    """Tell whether lines that are apart elsewhere end at one place."""
    lines = named_lines(panel)
    if len(lines) < 2:
        return False
    heights = np.array([heights_along(panel, line) for line in lines])
    gaps = np.abs(heights[:, None] - heights)
    return bool((np.nan_to_num(gaps[gaps[:, :, -1] < MEET]) > APART).any())


def heights_along(panel: Panel, line: Line) -> Array:
    """Return the heights of a line (SAMPLES,) from the left end of a panel to the right one, NaN where it has none.

    A line that leaves the panel ends at its top or its bottom.
    """
    x, y = place_on(panel.x, line.x), place_on(panel.y, line.y)
    is_known = np.isfinite(x) & np.isfinite(y)
    if not is_known.any():
        return np.full(SAMPLES, np.nan)
    order = np.argsort(x[is_known], kind="stable")
    x, y = x[is_known][order], y[is_known][order]
    across = np.linspace(0.0, 1.0, SAMPLES)
    heights = np.interp(across, x, y)
    is_inside = (across > x[0] - 1 / SAMPLES) & (across < x[-1] + 1 / SAMPLES) & (np.abs(heights - 0.5) < 0.5 + MEET)
    shown = np.where(is_inside, heights, np.nan)
    if x[-1] > 1 - 1 / SAMPLES:
        shown[-1] = min(max(heights[-1], 0.0), 1.0)
    return shown


def points_apart(panel: Panel, lines: Sequence[Line]) -> list[Point]:
    """Return a point on each line, where the others are far from it."""
    found = []
    heights = np.array([heights_along(panel, line) for line in lines])
    for i, line in enumerate(lines):
        others = np.delete(heights, i, axis=0)
        gaps = [
            np.abs(np.roll(others, shift, axis=1) - heights[i]) for shift in range(-SAMPLES_AROUND, SAMPLES_AROUND + 1)
        ]
        nearest = np.minimum(np.nan_to_num(np.concatenate(gaps), nan=FAR_ENOUGH).min(axis=0), FAR_ENOUGH)
        nearest[np.isnan(heights[i])] = -1.0
        k = MARGIN_OF_SAMPLES + int(nearest[MARGIN_OF_SAMPLES:-MARGIN_OF_SAMPLES].argmax())
        if nearest[k] >= 0:
            x, y = value_at(panel.x, k / (SAMPLES - 1)), value_at(panel.y, float(heights[i, k]))
            found.append(Point("", x, y, line.style))
    return found
