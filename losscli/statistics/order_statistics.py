"""Order statistics of many values, without sorting or copying them.

A sample tells between which two numbers a place is all but sure to be. One look at all values counts those that are
below and keeps those that are between: what is found is exact, and where the sample misled it is found the long way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.statistics.moments import blocks

MANY = 1 << 18
"""Values from which on a sample is worth taking."""

SAMPLE = 1 << 15

SURE = 4.0
"""Standard deviations of a place among those of a sample that are left on either side of it."""

ElementwiseFn = Callable[[Array], Array]
"""What is made of values, one by one."""


def order_statistics(
    values: Array, positions: Sequence[int], rows: Mask | None = None, of: ElementwiseFn | None = None
) -> list[float]:
    """What is at some places, counted from 0, once the values (N,) are sorted.

    Of the values that the mask `rows` has, if there is one, and of what `of` makes of them, a block at a time.
    """
    among = MaskedValues(values, rows, of)
    if among.count < MANY:
        return _taken(among.all(), 0, positions)
    sample = np.sort(among.sample())
    found: dict[int, float] = {}
    for _, pairs in groupby(enumerate(sorted(set(positions))), lambda pair: pair[1] - pair[0]):  # those side by side
        near = [place for _, place in pairs]
        below, n_resamples_in_memory = among.between(*_bracket(sample, near[0] / among.count, near[-1] / among.count))
        if not below <= near[0] <= near[-1] < below + n_resamples_in_memory.size:
            below, n_resamples_in_memory = 0, among.all()
        found.update(zip(near, _taken(n_resamples_in_memory, below, near), strict=True))
    return [found[place] for place in positions]


def _taken(n_resamples_in_memory: Array, below: int, positions: Sequence[int]) -> list[float]:
    inside = [place - below for place in positions]
    n_resamples_in_memory.partition(sorted(set(inside)))
    return [float(n_resamples_in_memory[i]) for i in inside]


def _bracket(sample: Array, first: float, last: float) -> tuple[float, float]:
    """Between which numbers two places are, told as parts of all, by a sorted sample."""
    n = sample.size
    low, high = (
        part * n + sign * (SURE * math.sqrt(part * (1 - part) * n) + 2) for sign, part in ((-1, first), (1, last))
    )
    return (float(sample[int(low)]) if low >= 0 else -math.inf,
            float(sample[math.ceil(high)]) if high <= n - 1 else math.inf)  # fmt: skip


class MaskedValues:
    """Values to select from."""

    def __init__(self, values: Array, rows: Mask | None, of: ElementwiseFn | None) -> None:
        self._values, self._rows, self._of = values, rows, of
        self.count = values.size if rows is None else int(np.count_nonzero(rows))

    def _made(self, part: slice) -> Array:
        values = self._values[part] if self._rows is None else self._values[part][self._rows[part]]
        return values if self._of is None else self._of(values)

    def _blocks(self) -> Iterator[Array]:
        return (self._made(part) for part in blocks(self._values.size))

    def sample(self) -> Array:
        """Values that are evenly far from each other."""
        return self._made(slice(None, None, -(-self._values.size // SAMPLE)))

    def all(self) -> Array:
        """All of them, as a copy."""
        every = self._made(slice(None))
        return every.copy() if every.base is not None or every is self._values else every

    def between(self, low: float, high: float) -> tuple[int, Array]:
        """How many are below `low`, and those from there to `high`."""
        below, n_resamples_in_memory = 0, []
        for block in self._blocks():
            inside = block >= low
            inside &= block <= high
            below += int(np.count_nonzero(block < low))
            n_resamples_in_memory.append(block[inside])
        return below, np.concatenate(n_resamples_in_memory)
