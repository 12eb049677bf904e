"""A loss on blocks of rows, one after the other: with a kernel's intermediate arrays a block stays in cache."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.evaluation.outcome import Outcome

VALUES_PER_BLOCK = 1 << 16
"""Numbers of a block's widest role: with a kernel's intermediate arrays they fit the cache of one core."""

VALUES_PER_TABLE_VALUE = 8
"""Numbers of a block's widest role per number of its tables, at least."""


def rows_per_block(arrays: Mapping[str, NDArray[Any]], tables: Container[str], values: int = VALUES_PER_BLOCK) -> int:
    """Return how many rows of the arrays of some roles are a block of so many values; `tables` have no rows."""
    widths = [array[:1].size for name, array in arrays.items() if name not in tables]
    of_tables = sum(array.size for name, array in arrays.items() if name in tables)  # each block prepares them again
    return max(1, max(values, VALUES_PER_TABLE_VALUE * of_tables) // max([1, *widths]))


def blocks_of(batch: Batch) -> Iterator[Batch]:
    """Yield the rows of a batch in blocks that stay in cache."""
    step = rows_per_block(batch.arrays, batch.tables)
    if step >= len(batch):
        yield batch
        return
    for start in range(0, len(batch), step):
        yield batch.take(slice(start, start + step))


class JoinedOutcome:
    """The outcomes of consecutive blocks as one, without gradients: per-sample losses go to `memory` (N,) at once."""

    def __init__(self, memory: Array) -> None:
        self._memory, self._size = memory, 0
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Add the outcome of the next block."""
        if outcome.inputs is not None:  # dataset-wide: there is nothing to join
            self._outcomes.append(Outcome(outcome.elements, outcome.per_sample))
            return
        start, self._size = self._size, self._size + len(outcome.per_sample)
        stored = self._memory[start : self._size]
        stored[:] = outcome.per_sample
        elements = stored if outcome.elements is outcome.per_sample else outcome.elements
        self._outcomes.append(outcome._replace(per_sample=stored, elements=elements))

    def outcome(self) -> Outcome:
        """Return the outcome of all blocks."""
        outcomes = self._outcomes
        if len(outcomes) == 1 or (outcomes and not self._size):
            return outcomes[0]
        is_flat = all(outcome.elements is outcome.per_sample for outcome in outcomes)
        return Outcome(
            self._memory if is_flat else np.concatenate([outcome.elements for outcome in outcomes]),
            self._memory,
            self._join([outcome.counted for outcome in outcomes], True),
            self._join([outcome.denominator for outcome in outcomes], 1.0),
            self._join([outcome.clipped for outcome in outcomes], False),
            frequency=self._join([outcome.frequency for outcome in outcomes], 1.0),
        )

    def _join(self, parts: Sequence[NDArray[Any] | None], fill: Any) -> Any:
        """Return one array of a value per row, `fill` where a part is None; None if all parts are."""
        if all(part is None for part in parts):
            return None
        sizes = [len(outcome.per_sample) for outcome in self._outcomes]
        return np.concatenate([np.full(n, fill) if p is None else p for p, n in zip(parts, sizes, strict=True)])
