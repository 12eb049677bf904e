"""How the pull of a loss goes on: where it stops, fades or grows, and over which range that can be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.plot.curve_values import PathValues

POINTS_PER_DECADE = 12
DISTANCES = np.logspace(-9, 12, 21 * POINTS_PER_DECADE + 1)
"""Distances from 0 at which a pull is looked at."""

MIN_STEP = 1e-4
"""A pull that comes nearer to its limit than this share before it is there approaches it, and does not stop at it."""

NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Ends of ranges, times a power of 10."""


class Tail(NamedTuple):
    """How the size of a gradient goes on with the distance from 0, in one direction.

    Attributes:
        kind: `constant` everywhere; `stays` the same beyond `start`; `approaches` a limit; `ends`: is 0 beyond `start`;
            `fades` beyond its peak at `start`; `grows` without end; `none`: 0 everywhere.
        start: The distance from which that holds.
        size: The size of the gradient there: its limit, or its peak.
        scale: The distance at which its shape changes; None if it looks alike at all distances.
    """

    kind: str
    start: float = 0.0
    size: float = 0.0
    scale: float | None = None


def find_tail(values: PathValues, side: int) -> Tail:
    """Return how the gradient of a loss goes on to the right (side 1) or to the left (-1) of 0."""
    low, high = values.path.interval
    most = high if side > 0 else -low
    t = DISTANCES[: int(DISTANCES.searchsorted(most))]

    if len(t) <= POINTS_PER_DECADE:
        return Tail("none")

    def pull(distances: Array) -> Array:
        return values.pulls(side * distances)

    a = pull(t)
    is_finite = np.isfinite(a)
    n = len(a) if is_finite.all() else int(is_finite.argmin())
    explodes, a, t = n < len(a), a[:n], t[:n]
    if len(a) <= POINTS_PER_DECADE or not a.any():
        return Tail("none")
    largest = float(a.max())
    if a[-1] == 0:
        last = int(np.flatnonzero(a)[-1])
        if a[last] > 1e-6 * largest:
            start = find_change(lambda x: pull(x) == 0, float(t[last]), float(t[last + 1]))
            return Tail("ends", start, 0.0, start)
        return fading(pull, a, t)
    exponents = np.diff(np.log(np.maximum(a, 1e-300))) / np.diff(np.log(t))
    outer = float(np.mean(exponents[-POINTS_PER_DECADE // 2 :]))
    if explodes or outer > 0.01:
        odd = np.abs(exponents - exponents[0]) > 1 if explodes else np.abs(exponents - outer) > 0.5
        where = np.flatnonzero(odd)
        scale = None if not len(where) else float(t[where[0] if explodes else where[-1] + 1])
        return Tail("grows", 0.0, largest, scale)
    if outer < -0.01:
        return fading(pull, a, t)
    limit = float(a[-1])
    is_there = np.abs(a - limit) <= 1e-9 * limit
    if is_there.all():
        return Tail("constant", 0.0, limit)
    first = int(np.flatnonzero(~is_there)[-1]) + 1
    if abs(a[first - 1] - limit) > MIN_STEP * limit:
        start = find_change(
            lambda x: np.abs(pull(x) - limit) <= 1e-9 * limit, float(t[first - 1]), float(t[first])
        )  # fmt: skip
        return Tail("stays", start, limit, start)
    far = np.flatnonzero(np.abs(a - limit) > 0.3 * limit)
    return Tail("approaches", 0.0, limit, float(t[far[-1]]) if len(far) else None)


def fading(pull: Callable[[Array], Array], a: Array, t: Array) -> Tail:
    """Return the tail of a pull that is hardest somewhere and then gets ever less."""
    i = int(a.argmax())
    if i == 0:
        half = np.flatnonzero(a < a[0] / 2)
        return Tail("fades", 0.0, float(a[0]), float(t[half[0]]) if len(half) else None)
    low, high = float(t[i - 1]), float(t[min(i + 1, len(t) - 1)])
    for _ in range(3):
        near = np.linspace(low, high, 101)
        sizes = pull(near)
        peak = int(sizes.argmax())
        low, high = near[max(peak - 1, 0)], near[min(peak + 1, 100)]
    start = float(near[peak])
    return Tail("fades", start, float(sizes.max()), start)


def find_change(holds: Callable[[Array], Mask], low: float, high: float) -> float:
    """Return the distance from which on something holds that does not hold at `low`, and does at `high`."""
    for _ in range(4):
        x = np.linspace(low, high, 257)
        i = max(1, int(holds(x).argmax()))
        low, high = float(x[i - 1]), float(x[i])
    return float(f"{high:.9g}")


def reach_of(tail: Tail, scale_free: float) -> float:
    """Return how far to look to see a tail: `scale_free` if it looks alike at all distances."""
    if tail.scale is None:
        return scale_free
    return (1.5 if tail.kind == "ends" else 2.5) * tail.scale


def round_up(value: float) -> float:
    """Return the next number that is nice as the end of a range."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(nice for nice in (*NICE, 15.0) if nice * power >= value * (1 - 1e-9)) * power)
