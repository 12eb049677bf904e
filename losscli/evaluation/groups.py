"""The statistics of a run by group: groups are the distinct values of extra columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.coded_text import group_rows
from losscli.declaration.domains import Mask
from losscli.errors import UsageError
from losscli.evaluation.dataset_wide import GroupedRows
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.statistics.grouped import GroupedAccumulator
from losscli.statistics.quantiles import MAX_VALUES_KEPT
from losscli.statistics.segments import Segments

GroupKey = tuple[str, ...]
"""A group: its value in each of the columns."""


class Groups:
    """The statistics of each loss by group.

    Attributes:
        places: Group -> its place in the arrays of the accumulators.
        accumulators: The statistics of each loss.
    """

    def __init__(self, accumulators: Sequence[GroupedAccumulator | GroupedRows]) -> None:
        self.places: dict[GroupKey, int] = {}
        self.accumulators = accumulators

    def __len__(self) -> int:
        return len(self.places)

    def update(
        self,
        batch: Batch,
        names: Sequence[str],
        evaluators: Sequence[Evaluator],
        outcomes: Sequence[Outcome],
        counted: Callable[[Batch, Outcome], Mask | None],
    ) -> None:
        """Add a batch, whose groups are in the columns of these names; `counted` masks the rows that count.

        Raises:
            UsageError: A loss reads all rows as one distribution.
        """
        keys, index = group_rows([batch.extras[name] for name in names])
        at, rows = self.find_places(keys), Segments.of(index, len(keys))
        for evaluator, accumulator, outcome in zip(evaluators, self.accumulators, outcomes, strict=True):
            if isinstance(accumulator, GroupedRows):
                its_rows = rows.where(counted(batch, outcome))
                accumulator.add(its_rows, at[its_rows.groups], batch, outcome)
                continue
            if len(outcome.per_sample) != len(batch):
                raise UsageError(f"{evaluator.label} reads all rows as one distribution: there are no groups of it")
            its_rows = rows.where(counted(batch, outcome))
            elements, numbers = outcome.elements, batch.rows if accumulator.bootstraps else None
            clusters = batch.clusters(accumulator.bootstraps[0].cluster) if accumulator.bootstraps else None
            more = outcome.weights(batch.weight), outcome.denominator, outcome.clipped, numbers, clusters
            accumulator.update(its_rows, at[its_rows.groups], elements, outcome.per_sample, *more)

    def merge(self, other: Groups) -> None:
        """Add the statistics of later batches."""
        at = self.find_places(other.places)
        for mine, theirs in zip(self.accumulators, other.accumulators, strict=True):
            mine.merge(at, theirs)  # type: ignore[arg-type]

    @property
    def kept(self) -> NDArray[np.int64]:
        """How many values are kept by loss and group (losses, G); more than may be where there is a histogram."""
        return np.stack([accumulator.kept for accumulator in self.accumulators])

    def find_too_many(self, earlier: Iterable[Groups]) -> set[tuple[GroupKey, int]]:
        """Return the groups that have too many values with those of earlier runs, and the indices of their losses."""
        keys, counts = list(self.places), self.kept
        for other in earlier:
            at = np.array([other.places.get(key, -1) for key in keys])
            is_known = at >= 0
            counts[:, is_known] += other.kept[:, at[is_known]]
        return {(keys[j], i) for i, j in np.argwhere(counts > MAX_VALUES_KEPT).tolist()}

    def find_places(self, groups: Iterable[GroupKey]) -> NDArray[np.intp]:
        """Return the places of groups, all different; new ones at the end."""
        places, keys = self.places, list(groups)
        found = np.fromiter(map(places.get, keys, repeat(-1)), np.intp, len(keys))
        new = np.flatnonzero(found < 0)
        found[new] = np.arange(len(places), len(places) + len(new))
        places.update(zip(map(keys.__getitem__, new.tolist()), found[new].tolist(), strict=True))
        for accumulator in self.accumulators:
            accumulator.grow(len(places))
        return found
