"""Axes of figures: ranges, scales, ticks in human form."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from losscli.plot.figure_labels import pixel_size, plain, wrap
from losscli.plot.pictures import Axis, Panel
from losscli.plot.scales import MINUS, NO_BREAK_SPACE, human_number, nice_ticks
from losscli.plot.styles import style_of

INK, MUTED, GRID = "#222222", "#767676", "#c4c4c4"
"""Text and axes; notes and references; thin lines."""

MAX_TICKS = 7
MAX_INCHES_OF_TICKS = 4.0
EM_OF_TICKS, CHARACTERS_BETWEEN_TICKS = 0.6, 2
"""The width of a character of a tick, in font sizes, and the least room between two ticks."""
LINES_PER_TICK = 1.6

CATEGORY_LENGTH = 28
"""Most characters of a name beside an axis."""


def colour_of(style: int) -> str:
    """Return the colour of a style; the dark one is that of text, which may be light on dark."""
    colour = style_of(style).colour
    return str(matplotlib.rcParams["text.color"]) if colour == INK else colour


def font_size(factor: float = 0.9) -> float:
    """Return a font size in points, relative to the user's."""
    return factor * float(matplotlib.rcParams["font.size"])


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
    length = min((axes.bbox.width if name == "x" else axes.bbox.height) * pixel_size(axes) / 72, MAX_INCHES_OF_TICKS)
    ticks, texts = ticks_with_texts(low, high, axis.is_log and low > 0, length, is_vertical=name == "y")
    set_ticks(ticks, texts, parse_math=False)
    target = axes.xaxis if name == "x" else axes.yaxis
    target.set_minor_locator(NullLocator())


def ticks_with_texts(
    low: float, high: float, is_log: bool, inches: float, is_vertical: bool
) -> tuple[list[float], list[str]]:
    """Return the ticks of an axis and their texts: round numbers, or powers of 10, as many as there is room for."""
    low, high = sorted((low, high))
    em = font_size() / 72
    for at_most in range(MAX_TICKS, 1, -1):
        ticks = powers_of_ten(low, high, at_most) if is_log else []
        ticks = ticks if len(ticks) > 1 else nice_ticks(low, high, at_most)
        texts = tick_texts(ticks)
        widths = (em * EM_OF_TICKS * (len(text) + CHARACTERS_BETWEEN_TICKS) for text in texts)
        if (em * LINES_PER_TICK * len(texts) if is_vertical else sum(widths)) <= inches:
            break
    return ticks, texts


def powers_of_ten(low: float, high: float, at_most: int) -> list[float]:
    """Return the powers of 10 from `low` to `high`, or every second, third, ... of them."""
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    step = max(1, -(-(last - first + 1) // at_most))
    return [10.0**power for power in range(first, last + 1, step)]


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
