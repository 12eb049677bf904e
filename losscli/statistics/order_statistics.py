"""Order statistics of many values, without sorting or copying all of them.

A sorted sample bounds each order statistic: with near certainty it lies between two of its values. One pass counts the
values below and keeps those between. The result is exact; where the sample misled, all values are partitioned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.statistics.moments import blocks

MIN_VALUES_TO_SAMPLE = 1 << 18
"""Values from which on sampling is faster than partitioning all of them."""

VALUES_PER_BRACKET_SAMPLE = 1 << 15

BRACKET_STANDARD_DEVIATIONS = 4.0
"""Standard deviations of a rank in the sample that a bracket leaves on either side of it."""


class MaskedValues(NamedTuple):
    """The values (N,) that a mask keeps, as they are or as distances from a centre."""

    values: Array
    rows: Mask | None
    centre: float | None

    def read(self, part: slice) -> Array:
        values = self.values[part] if self.rows is None else self.values[part][self.rows[part]]
        if self.centre is None:
            return values
        distances = values - self.centre
        return np.abs(distances, out=distances)

    def copy_all(self) -> Array:
        every = self.read(slice(None))
        return every.copy() if every.base is not None or every is self.values else every

    def between(self, low: float, high: float) -> tuple[int, Array]:
        """Return how many values are below `low`, and those from `low` to `high`."""
        below, inside = 0, []
        for part in blocks(self.values.size):
            block = self.read(part)
            is_inside = block >= low
            is_inside &= block <= high
            below += int(np.count_nonzero(block < low))
            inside.append(block[is_inside])
        return below, np.concatenate(inside)


def order_statistics(
    values: Array,
    ranks: Sequence[int],
    rows: Mask | None = None,
    centre: float | None = None,
    sample_from: int = MIN_VALUES_TO_SAMPLE,
    sample_size: int = VALUES_PER_BRACKET_SAMPLE,
) -> list[float]:
    """Return the values (N,) at some ranks, counted from 0, of those that `rows` keeps.

    With a `centre`, the ranks are those of the distances from it. From `sample_from` values on, a sample of
    `sample_size` narrows the search.
    """
    masked = MaskedValues(values, rows, centre)
    count = values.size if rows is None else int(np.count_nonzero(rows))
    if count < sample_from:
        return _pick_ranks(masked.copy_all(), 0, ranks)
    sample = np.sort(masked.read(slice(None, None, -(-values.size // sample_size))))
    found: dict[int, float] = {}
    for _, pairs in groupby(enumerate(sorted(set(ranks))), lambda pair: pair[1] - pair[0]):
        adjacent = [rank for _, rank in pairs]
        below, inside = masked.between(*_bracket(sample, adjacent[0] / count, adjacent[-1] / count))
        if not below <= adjacent[0] <= adjacent[-1] < below + inside.size:
            below, inside = 0, masked.copy_all()
        found.update(zip(adjacent, _pick_ranks(inside, below, adjacent), strict=True))
    return [found[rank] for rank in ranks]


def _pick_ranks(values: Array, below: int, ranks: Sequence[int]) -> list[float]:
    """Return the values at some ranks, of which so many are below all of `values`; reorders `values`."""
    places = [rank - below for rank in ranks]
    values.partition(sorted(set(places)))
    return [float(values[i]) for i in places]


def _bracket(sample: Array, first: float, last: float) -> tuple[float, float]:
    """Return bounds for two ranks, given as fractions of the count, from a sorted sample."""
    n = sample.size
    low, high = (
        part * n + sign * (BRACKET_STANDARD_DEVIATIONS * math.sqrt(part * (1 - part) * n) + 2)
        for sign, part in ((-1, first), (1, last))
    )
    return (
        float(sample[int(low)]) if low >= 0 else -math.inf,
        float(sample[math.ceil(high)]) if high <= n - 1 else math.inf,
    )
