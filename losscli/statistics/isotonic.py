"""Isotonic regression: the nondecreasing fit that is nearest to values in a given order, of means or of quantiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array

LEAST_REDUCTION = 0.95
"""Share of the blocks that may be left after a round of pooling in arrays: where few are pooled, a stack is faster."""

MIN_BLOCKS_FOR_ARRAYS = 256


class Ties(NamedTuple):
    """Rows of equal keys, pooled.

    Attributes:
        key: The distinct keys in ascending order (k,).
        start: The first row of each, among rows that are sorted by key (k,).
        of_row: The index of each row's key (N,), in that order.
    """

    key: Array
    start: NDArray[np.intp]
    of_row: NDArray[np.intp]


def find_ties(key: Array) -> Ties:
    """Return the distinct values of ascending keys (N,)."""
    is_new = np.empty(key.size, dtype=bool)
    is_new[:1] = True
    np.not_equal(key[1:], key[:-1], out=is_new[1:])
    start = np.flatnonzero(is_new)
    return Ties(key[start], start, np.cumsum(is_new) - 1)


def isotonic_means(values: Array, weight: Array) -> Array:
    """Return the nondecreasing fit (k,) of least weighted squared error to values (k,) of positive weights (k,).

    Adjacent violators are pooled (Ayer et al. 1955, doi:10.1214/aoms/1177728423): in rounds over arrays while a round
    pools many of them, then with a stack. Every round pools runs of blocks that fall from one to the next; they share a
    block of the fit whatever is pooled first.
    """
    total, size = values * weight, np.asarray(weight, dtype=np.float64)
    means = np.asarray(values, dtype=np.float64)
    start = np.arange(means.size)
    while means.size > 1:
        rises = np.empty(means.size, dtype=bool)
        rises[0] = True
        np.greater(means[1:], means[:-1], out=rises[1:])
        first = np.flatnonzero(rises)
        if first.size == means.size:
            break
        if means.size < MIN_BLOCKS_FOR_ARRAYS or first.size > LEAST_REDUCTION * means.size:
            first = _pool_with_stack(total, size, means)
            is_last = True
        else:
            is_last = False
        total, size, start = np.add.reduceat(total, first), np.add.reduceat(size, first), start[first]
        means = total / size
        if is_last:
            break
    # a sum may round so that a block is below the one before it by its last digit
    return np.repeat(np.maximum.accumulate(means), np.diff(np.append(start, values.size)))


def _pool_with_stack(total: Array, size: Array, means: Array) -> NDArray[np.intp]:
    """Return the first index of each block of the fit to blocks with these sums (k,), weights (k,) and means (k,)."""
    totals, sizes = total.tolist(), size.tolist()
    stack_total: list[float] = []
    stack_size: list[float] = []
    stack_mean: list[float] = []
    first: list[int] = []
    for i, mean_of_entry in enumerate(means.tolist()):
        start, sum_of_block, size_of_block, mean = i, totals[i], sizes[i], mean_of_entry
        while stack_mean and stack_mean[-1] >= mean:
            stack_mean.pop()
            start = first.pop()
            sum_of_block += stack_total.pop()
            size_of_block += stack_size.pop()
            mean = sum_of_block / size_of_block
        first.append(start)
        stack_total.append(sum_of_block)
        stack_size.append(size_of_block)
        stack_mean.append(mean)
    return np.array(first, dtype=np.intp)


def isotonic_quantiles(values: Array, weight: Array, level: float, ties: Ties | None = None) -> Array:
    """Return the nondecreasing fit (N,) of least weighted pinball loss to values (N,) of positive weights (N,).

    Rows of a tie get one value. All rows are split by whether their value of the fit is at most the median of the
    values that it may take, both parts likewise, until one value is left (the partitioning of Stout 2013,
    doi:10.1007/s00453-012-9628-4). Where several fits are as good, it is the lowest.
    """
    if not values.size:
        return np.empty(0)
    candidates, code = np.unique(values, return_inverse=True)
    has_ties = ties is not None and ties.key.size < values.size
    of_row = ties.of_row if ties is not None and has_ties else np.arange(values.size)
    n_keys = int(of_row[-1]) + 1
    # runs of keys that may take the same candidates: the first key of each, and the least and the largest candidate
    start, low, high = (np.array([number], dtype=np.intp) for number in (0, 0, candidates.size - 1))
    while (low < high).any():
        end = np.append(start[1:], n_keys)
        size = end - start
        # of an even number of candidates, the lower one in the middle
        middle = (low + high) // 2
        # what it costs a row, per unit, to be above the candidate in the middle rather than at most at it
        of_key = np.repeat(middle, size)
        cost = np.where(code > (of_key[of_row] if has_ties else of_key), -level, 1 - level)
        cost *= weight
        per_key = np.bincount(of_row, cost, n_keys) if has_ties else cost
        # keys from the cut on are above the candidate: the cost of those, from each key on to the end of its run
        excess = np.cumsum(per_key[::-1])[::-1]
        excess -= np.repeat(np.append(excess, 0.0)[end], size)
        least = np.minimum(np.minimum.reduceat(excess, start), 0.0)
        slack = 1e-12 * float(np.abs(cost).sum())
        # the cut as far to the right as its cost allows: the lowest fit
        bound = np.where(low < high, np.minimum(least + slack, np.nextafter(-slack, -np.inf)), -np.inf)
        places = np.flatnonzero(excess <= np.repeat(bound, size))
        n_before = np.searchsorted(places, end)
        has_cut = n_before > np.searchsorted(places, start)
        cut = np.where(has_cut, places[np.maximum(n_before - 1, 0)] if places.size else 0, end)
        is_open = low < high
        # a run becomes two: the keys up to the cut take at most the candidate, those after it more
        halves_start = np.stack([start, cut], axis=1)
        halves_low = np.stack([low, np.where(is_open, middle + 1, low)], axis=1)
        halves_high = np.stack([np.where(is_open, middle, high), high], axis=1)
        kept = np.stack([cut > start, cut < end], axis=1)
        start, low, high = halves_start[kept], halves_low[kept], halves_high[kept]
    of_key = np.repeat(low, np.diff(np.append(start, n_keys)))
    return np.asarray(candidates[of_key[of_row] if has_ties else of_key])
