"""Constants that minimise a loss: in closed form, or by search over a sample of the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.loss import Functional
from losscli.statistics.moments import blocks
from losscli.statistics.quantiles import order_statistics, ordered, quantile, quantiles

ROWS_PER_SAMPLE = 1 << 16
"""Rows on which a minimum is searched for, evenly spread over the sorted values."""

GRID_POINTS = 129
"""Constants at which a loss that may have several minima is evaluated first."""

MAX_BISECTIONS = 200
GOLDEN_SECTION = (math.sqrt(5) - 1) / 2

LossOfConstant = Callable[[float], float]
"""The reduced loss, or its slope, as a function of a constant; inf or NaN outside of the domain."""


def minimize_in_closed_form(
    functional: Functional, values: Array, weight: Array | None, rows: Mask | None = None
) -> float:
    """Return the constant nearest to the values (N,) or to those of some rows: mean, midrange or quantile."""
    if rows is not None and (weight is not None or functional.name == "midrange"):
        values, weight, rows = values[rows], None if weight is None else weight[rows], None
    if functional.name == "midrange":
        return float(values.min() / 2 + values.max() / 2)
    if functional.name == "quantile":
        return _quantile_midpoint(values, weight, rows, functional.level)
    if weight is not None:
        return float(np.dot(values, weight) / weight.sum())
    if rows is None:
        return float(values.mean())
    sums = [values[part][rows[part]].sum() for part in blocks(values.size)]
    return float(np.sum(sums) / np.count_nonzero(rows))


def _quantile_midpoint(values: Array, weight: Array | None, rows: Mask | None, level: float) -> float:
    """Return the midpoint of the minimizers of the pinball loss: the averaged inverse of the distribution function."""
    if weight is not None and weight.min() < weight.max():
        return quantile(values, weight, level)
    size = values.size if rows is None else int(np.count_nonzero(rows))
    position = level * size
    is_between = abs(position - round(position)) <= 1e-12 * size  # every constant between two values is a minimizer
    first = round(position) - 1 if is_between else math.ceil(position) - 1
    ends = sorted({max(first, 0), min(first + is_between, size - 1)})
    found = order_statistics(values, ends, rows)
    return found[0] / 2 + found[-1] / 2


class StratifiedSample(NamedTuple):
    """Row indices, and how many rows each stands for (None: itself)."""

    rows: NDArray[np.intp]
    multiplicity: Array | None


def draw_stratified_sample(
    values: Array, rows: Mask | None = None, buffer: Array | None = None, size: int = ROWS_PER_SAMPLE
) -> StratifiedSample:
    """Return all rows (of a mask) if at most `size`, else every k-th by their values (N,); `buffer` (N,) is memory."""
    count = len(values) if rows is None else int(np.count_nonzero(rows))
    step = max(1, -(-count // size))
    if step == 1:
        return StratifiedSample(np.arange(count) if rows is None else np.flatnonzero(rows), None)
    if rows is not None and 2 * count < len(values):
        indices = np.flatnonzero(rows)
        sample = draw_stratified_sample(values[indices], size=size)
        return sample._replace(rows=indices[sample.rows])
    # sorting numbers whose last bits are replaced by their index is several times faster than sorting indices
    low_bits, filled = (1 << len(values).bit_length()) - 1, 0
    keys = np.empty(count, dtype=np.int64) if buffer is None else buffer.view(np.int64)[:count]
    for part in blocks(len(values)):
        block = ordered(values[part])
        block &= ~low_bits
        block |= np.arange(part.start, part.start + len(block))
        block = block if rows is None else block[rows[part]]
        keys[filled : filled + len(block)] = block
        filled += len(block)
    keys.sort()
    chosen = np.sort(keys[step // 2 :: step] & low_bits)
    return StratifiedSample(chosen, np.full(len(chosen), float(step)))


def merge_samples(a: StratifiedSample, b: StratifiedSample) -> StratifiedSample:
    """Merge samples of different rows, in the order of the rows."""
    rows = np.concatenate([a.rows, b.rows])
    order = np.argsort(rows)
    if a.multiplicity is None and b.multiplicity is None:
        return StratifiedSample(rows[order], None)
    multiplicities = [np.ones(len(s.rows)) if s.multiplicity is None else s.multiplicity for s in (a, b)]
    return StratifiedSample(rows[order], np.concatenate(multiplicities)[order])


def minimize_by_slope(value: LossOfConstant, slope: LossOfConstant, low: float, high: float) -> float:
    """Return the constant at which the slope of a convex loss changes its sign; the midpoint of where it is 0."""
    ends = [slope(low), slope(high)]
    for step in range(MAX_BISECTIONS):
        if not low < low + (high - low) / 2 < high:
            break
        middle = _next_constant(low, high, ends, step)
        middle_slope = slope(middle)
        if middle_slope == 0:
            return (_find_edge(slope, low, middle, -1) + _find_edge(slope, high, middle, 1)) / 2
        if middle_slope > 0:
            high, ends[1] = middle, middle_slope
        else:
            low, ends[0] = middle, middle_slope
    # the root, if any, is within rounding of both ends: return the better one
    return low if value(low) <= value(high) else high


def _next_constant(low: float, high: float, slopes: Sequence[float], step: int) -> float:
    """Return the next constant to try: the root of the straight line between the slopes, moved towards the middle.

    Every third step is a bisection, so that the search never takes much longer than bisection. The move lets both ends
    approach the root (the idea of Oliveira & Takahashi 2021, doi:10.1145/3423597).
    """
    middle, width, rise = low + (high - low) / 2, high - low, slopes[1] - slopes[0]
    if step % 3 == 2 or not (slopes[0] < 0 < slopes[1] and math.isfinite(rise)):
        return middle
    root = low - slopes[0] / rise * width
    move = max(0.1 * width * (width / (abs(low) + abs(high) + width)), 2 * math.ulp(max(abs(low), abs(high))))
    found = min(root + move, middle) if root < middle else max(root - move, middle)
    return found if low < found < high else middle


def _find_edge(slope: LossOfConstant, outside: float, inside: float, sign: int) -> float:
    """Return the constant at which a slope of that sign, outside, becomes 0."""
    for _ in range(MAX_BISECTIONS):
        middle = outside + (inside - outside) / 2
        if middle in (outside, inside):
            break
        outside, inside = (middle, inside) if slope(middle) * sign > 0 else (outside, middle)
    return inside


def minimize_by_value(
    value: LossOfConstant,
    coarse_value: LossOfConstant,
    slope: LossOfConstant | None,
    row_minimizers: Array,
    low: float,
    high: float,
) -> float | None:
    """Return the best constant of a grid, improved by golden-section search; None if no value is finite.

    The loss may have several minima between `low` and `high`. `coarse_value` is the loss on fewer rows, for a first
    look at a grid that has the quantiles of `row_minimizers` (N,), the best constant of each row. The slope, if known,
    finds all digits of a minimum; values find only half of them.
    """
    levels = tuple(np.linspace(0, 1, GRID_POINTS))
    evenly_spaced = np.linspace(low, high, GRID_POINTS // 4).tolist()
    grid = sorted({*evenly_spaced, *quantiles(np.clip(row_minimizers, low, high), None, levels)})
    values = [math.inf, *map(coarse_value, grid), math.inf]
    if not np.isfinite(values).any():
        return None
    dips = [i for i in range(len(grid)) if values[i + 1] < math.inf and values[i + 1] <= min(values[i], values[i + 2])]
    best = min(sorted(dips, key=lambda i: values[i + 1])[:3], key=lambda i: value(grid[i]))
    found = _search_golden_section(value, grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], grid[best])
    width = 1e-9 * (high - low)
    for _ in range(10 if slope else 0):
        near_low, near_high = max(found - width, low), min(found + width, high)
        if slope is not None and slope(near_low) < 0 < slope(near_high):
            return minimize_by_slope(value, slope, near_low, near_high)
        width *= 4
    return found


def _search_golden_section(value: LossOfConstant, low: float, high: float, start: float) -> float:
    """Return the best constant that golden-section search visits, `start` among them (Kiefer 1953)."""
    a, b = high - GOLDEN_SECTION * (high - low), low + GOLDEN_SECTION * (high - low)
    value_a, value_b = value(a), value(b)
    best = min(((value(start), start), (value_a, a), (value_b, b)))
    while high - low > 1e-9 * (abs(low) + abs(high)) + 1e-300:
        if value_a <= value_b:
            high, b, value_b = b, a, value_a
            a = high - GOLDEN_SECTION * (high - low)
            value_a = value(a)
            best = min(best, (value_a, a))
        else:
            low, a, value_a = a, b, value_b
            b = low + GOLDEN_SECTION * (high - low)
            value_b = value(b)
            best = min(best, (value_b, b))
        if not low < a < b < high:
            break
    return best[1]
