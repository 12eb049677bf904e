"""Constants that minimise a loss: in closed form, or by search over a sample of the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Functional
from losscli.statistics.moments import blocks
from losscli.statistics.quantiles import order_statistics, ordered, quantile, quantiles

ROWS_PER_SAMPLE = 1 << 16
"""Rows on which a minimum is searched for, evenly spread over the sorted values."""

MIN_GRID_POINTS, MAX_GRID_POINTS = 129, 1025
"""Constants at which a loss that may have several minima is evaluated first."""

VALUES_PER_GRID = 1 << 19
"""Losses of rows that are evaluated for a grid, if that leaves MIN_GRID_POINTS."""

EVENLY_SPACED_POINTS = 17
"""Constants of a grid at even distances, and as many that are even in the order of floats."""

MAX_DIPS, MAX_REFINED_DIPS = 4, 3
"""Local minima of a grid whose neighbourhoods get more points, and those that are searched to the last digit."""

POINTS_PER_DIP = 33

MAX_STEPS = 200
GOLDEN_SECTION = (math.sqrt(5) - 1) / 2
GOLDEN_STEPS = 60
"""Steps that narrow all floats down to a relative width of about 1e-9: values at a minimum tell no more digits."""

FunctionOfConstant = Callable[[float], float]
"""The slope of the reduced loss as a function of a constant; NaN outside of the domain."""

Excess = Callable[[Array], Array]
"""How far the reduced loss of constants (K,) is above that of one of them, or of any other; inf outside the domain."""


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


def minimize_by_slope(excess: Excess, slope: FunctionOfConstant, low: float, high: float) -> float:
    """Return the constant at which the slope of a convex loss changes its sign; the midpoint of where it is 0."""
    slopes = slope(low), slope(high)
    bisect = False
    for _ in range(MAX_STEPS):
        middle = _next_constant(low, high, slopes, bisect)
        if not low < middle < high:
            break
        middle_slope = slope(middle)
        if middle_slope == 0:
            return _find_edge(slope, low, middle, -1) / 2 + _find_edge(slope, high, middle, 1) / 2
        width = _floats_between(low, high)
        if middle_slope > 0:
            high, slopes = middle, (slopes[0], middle_slope)
        else:
            low, slopes = middle, (middle_slope, slopes[1])
        bisect = _floats_between(low, high) > width / 2
    # the root, if any, is within rounding of both ends: return the better one
    return best_of(excess, (low, high))


def _next_constant(low: float, high: float, slopes: tuple[float, float], bisect: bool) -> float:
    """Return the next constant to try: the root of the straight line between the slopes, moved towards the middle.

    The move lets both ends approach the root (the idea of Oliveira & Takahashi 2021, doi:10.1145/3423597). Bisection is
    in the order of floats, so that it takes as many steps from 1e60 to 1 as from 1 to its last digit.
    """
    width, rise = high - low, slopes[1] - slopes[0]
    if bisect or not (slopes[0] < 0 < slopes[1] and math.isfinite(rise) and math.isfinite(width)):
        return middle_float(low, high)
    middle, root = low + width / 2, low - slopes[0] / rise * width
    move = max(0.1 * width * (width / (abs(low) + abs(high) + width)), 2 * math.ulp(max(abs(low), abs(high))))
    found = min(root + move, middle) if root < middle else max(root - move, middle)
    return found if low < found < high else middle_float(low, high)


def _find_edge(slope: FunctionOfConstant, outside: float, inside: float, sign: int) -> float:
    """Return the constant at which a slope of that sign, outside, becomes 0."""
    while (middle := middle_float(outside, inside)) not in (outside, inside):
        outside, inside = (middle, inside) if slope(middle) * sign > 0 else (outside, middle)
    return inside


def middle_float(a: float, b: float) -> float:
    """Return the float half way between two in the order of floats: as many floats are on either side."""
    return _float_of((_key_of(a) + _key_of(b)) // 2)


def _floats_between(low: float, high: float) -> int:
    return _key_of(high) - _key_of(low)


def _key_of(value: float) -> int:
    return int(ordered(np.array([value]))[0])


def _float_of(key: int) -> float:
    return float(ordered(np.array([key]).view(np.float64)).view(np.float64)[0])  # its own inverse


def best_of(excess: Excess, constants: Sequence[float]) -> float:
    """Return the constant of the least loss."""
    return constants[int(np.argmin(excess(np.array(constants))))]


def minimize_by_value(
    excess: Excess,
    coarse_excess: Excess | None,
    slope: FunctionOfConstant | None,
    row_minimizers: Array,
    low: float,
    high: float,
) -> float | None:
    """Return the constant of the least loss between `low` and `high`; None if no loss is finite, or all are equal.

    The loss may have several minima. It is evaluated on a grid of `row_minimizers` (N,), the best constant of each row,
    or of their quantiles. The best dips of the grid get more points, and the best of those are searched between their
    neighbours. `coarse_excess` is the loss on fewer rows, for a first look at many rows. The slope, if known, finds all
    digits of a minimum; values find only half of them.
    """
    is_coarse = coarse_excess is not None
    row_minimizers = np.clip(row_minimizers, low, high)
    grid = _first_grid(row_minimizers, low, high)
    losses = (coarse_excess or excess)(grid)
    if not np.isfinite(losses).any() or (len(grid) > 1 and losses.min() == losses.max()):
        return None
    if not is_coarse:
        more = [_points_between(row_minimizers, *_neighbours(grid, i)) for i in _find_dips(losses, MAX_DIPS)]
        added = np.setdiff1d(np.concatenate(more), grid)
        if added.size:
            grid, losses = np.concatenate([grid, added]), np.concatenate([losses, excess(added)])
            order = np.argsort(grid)
            grid, losses = grid[order], losses[order]
    dips = _find_dips(losses, MAX_REFINED_DIPS)
    if is_coarse:
        dips = dips[np.argmin(excess(grid[dips]))][None]
    found = []
    for i in dips:
        if not _may_be_deepest(losses, i, dips[0]):
            continue
        below, above = _neighbours(grid, i)
        if slope is None:
            found.append(_search_golden_section(excess, below, above))
        else:
            found.append(_descend(excess, slope, float(grid[i]), below, above))
    return best_of(excess, [*map(float, grid[dips]), *found])


def _first_grid(row_minimizers: Array, low: float, high: float) -> Array:
    size = min(max(VALUES_PER_GRID // len(row_minimizers), MIN_GRID_POINTS), MAX_GRID_POINTS)
    keys = np.linspace(_key_of(low), _key_of(high), EVENLY_SPACED_POINTS).astype(np.int64)
    grids = [
        np.linspace(low / 2, high / 2, EVENLY_SPACED_POINTS) * 2,
        np.clip(ordered(keys.view(np.float64)).view(np.float64), low, high),
    ]
    own = np.unique(row_minimizers)
    if len(own) < MIN_GRID_POINTS:
        grids.append(np.array(quantiles(own, None, tuple(np.linspace(0, 1, MIN_GRID_POINTS)))))
    grids.append(own if len(own) <= size else own[np.linspace(0, len(own) - 1, size).astype(np.intp)])
    return np.unique(np.concatenate(grids))


def _find_dips(losses: Array, count: int) -> NDArray[np.intp]:
    """Return the indices of the deepest local minima (K,) of losses along a grid, the deepest first."""
    padded = np.concatenate([[np.inf], losses, [np.inf]])
    dips = np.flatnonzero((losses < np.inf) & (losses <= padded[:-2]) & (losses <= padded[2:]))
    return dips[np.argsort(losses[dips], kind="stable")[:count]]


def _may_be_deepest(losses: Array, index: int, deepest: int) -> bool:
    """Tell whether a dip may reach below the deepest one: by less than its neighbours are above it."""
    walls = losses[max(index - 1, 0)], losses[min(index + 1, len(losses) - 1)]
    return index == deepest or bool(2 * losses[index] - max(walls) <= losses[deepest])


def _neighbours(grid: Array, index: int) -> tuple[float, float]:
    return float(grid[max(index - 1, 0)]), float(grid[min(index + 1, len(grid) - 1)])


def _points_between(row_minimizers: Array, low: float, high: float) -> Array:
    """Return the best constants of rows in an interval; where there are many, some of them, evenly chosen."""
    inside = np.unique(row_minimizers[(row_minimizers >= low) & (row_minimizers <= high)])
    if len(inside) > POINTS_PER_DIP:
        inside = inside[np.linspace(0, len(inside) - 1, POINTS_PER_DIP).astype(np.intp)]
    return inside


def _descend(excess: Excess, slope: FunctionOfConstant, start: float, below: float, above: float) -> float:
    """Return a local minimum between two constants whose loss is not less than that of the start between them.

    The search leaves `inner` only for a constant of less loss from which the loss falls towards `outer`, where it is
    greater or rises: so there is always a minimum between these two.
    """
    inner_slope = slope(start)
    if not inner_slope:
        return start
    inner, outer, sign = start, below if inner_slope > 0 else above, -1 if inner_slope > 0 else 1
    inner_loss, outer_slope, bisect = float(excess(np.array([start]))[0]), math.nan, False
    for _ in range(MAX_STEPS):
        ends = ((inner, inner_slope), (outer, outer_slope))[::sign]
        (low, low_slope), (high, high_slope) = ends
        middle = _next_constant(low, high, (low_slope, high_slope), bisect)
        if not low < middle < high:
            break
        middle_slope = slope(middle)
        is_falling = middle_slope * sign <= 0
        if is_falling and not outer_slope * sign > 0:
            middle_loss = float(excess(np.array([middle]))[0])
            is_falling = middle_loss < inner_loss
            inner_loss = min(middle_loss, inner_loss)
        if is_falling and middle_slope == 0:
            return middle
        if is_falling:
            inner, inner_slope = middle, middle_slope
        else:
            outer, outer_slope = middle, middle_slope
        bisect = 2 * abs(_key_of(outer) - _key_of(inner)) > _floats_between(low, high)
    return best_of(excess, (inner, outer))


def _search_golden_section(excess: Excess, low: float, high: float) -> float:
    """Return the best constant that golden-section search in the order of floats visits (Kiefer 1953)."""
    first, last = _key_of(low), _key_of(high)
    visited: dict[int, float] = {}

    def loss_at(key: int) -> float:
        if key not in visited:
            visited[key] = float(excess(np.array([_float_of(key)]))[0])
        return visited[key]

    for _ in range(GOLDEN_STEPS):
        step = int(GOLDEN_SECTION * (last - first))
        a, b = last - step, first + step
        if not first < a < b < last:
            break
        if loss_at(a) <= loss_at(b):
            last = b
        else:
            first = a
    return _float_of(min(visited, key=visited.__getitem__)) if visited else low
