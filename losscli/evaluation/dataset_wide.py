"""Dataset-wide losses: one number for all rows, made of counts that merge or of the rows themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Mask
from losscli.declaration.form import WEIGHT
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.inputs import Inputs, join_inputs, take_rows
from losscli.evaluation.outcome import Outcome
from losscli.statistics.moments import Moments
from losscli.statistics.segments import Segments
from losscli.statistics.summary import Summary

if TYPE_CHECKING:
    from losscli.evaluation.resampled_rows import ResampledRows


class NumberSummary(Summary):
    """The summary of a dataset-wide loss: its number and how many rows it is of."""

    reason = ""

    @property
    def has_samples(self) -> bool:
        return False

    @property
    def nan_reason(self) -> str:
        return self.reason


class WholeRows:
    """All that the number of a dataset-wide loss is made of: what `Accumulator` is for a loss of rows.

    Of a loss that counts it keeps the counts, of any other the arrays of all rows. A row that lacks a value makes the
    number NaN.

    Attributes:
        moments: The number of rows and their weight; there are no others.
        n_lacking: How many of the rows lack a value.
    """

    exact = True
    kept = 0
    clipped = 0
    keeps_values = False

    def __init__(self, evaluator: Evaluator, bootstrap: ResampledRows | None = None) -> None:
        self._evaluator, self.bootstrap = evaluator, bootstrap
        self._counts: Any = None
        self._parts: list[Inputs] = []
        self._tables: frozenset[str] = frozenset()
        self._value: float | None = None
        self.moments = Moments()
        self.n_lacking = 0

    def add(self, batch: Batch, outcome: Outcome, counted: Mask | None = None) -> None:
        """Add the rows of a batch that a mask counts; all of them if it is None."""
        if counted is None and outcome.rows is None and self.bootstrap is None:
            self._add_inputs(outcome.inputs, len(batch), batch.tables)
        else:
            self.add_rows(batch, outcome, np.arange(len(batch)) if counted is None else np.flatnonzero(counted))

    def add_rows(self, batch: Batch, outcome: Outcome, index: NDArray[np.intp]) -> None:
        """Add some rows of a batch."""
        n, places = len(index), index
        if outcome.rows is not None:
            places = index[outcome.rows[index]]
            index = (np.cumsum(outcome.rows) - 1)[places]
        self.n_lacking += n - len(index)
        if outcome.inputs is None or not len(index):
            self._add_inputs(None, n, batch.tables)
            return
        inputs = take_rows(outcome.inputs, index, batch.tables)
        self._add_inputs(inputs, n, batch.tables)
        if self.bootstrap is not None:
            clusters = batch.clusters(self.bootstrap.cluster)
            drawn_together = None if clusters is None else clusters[places]
            self.bootstrap.add_inputs(batch.rows[places], inputs, drawn_together, batch.tables)

    def _add_inputs(self, inputs: Inputs | None, n: int, tables: frozenset[str]) -> None:
        self._value, self._tables = None, tables
        self.moments.n += n
        if inputs is None:
            return
        weight = inputs[WEIGHT]
        if weight is None:
            self.moments.weight.add(float(n))
        else:
            self.moments.weight.add_all(weight)
        if self._evaluator.bound.loss.number_of_counts is None:
            self._parts.append(inputs)
            return
        counts = self._evaluator.counts(inputs)
        if self._counts is None:
            self._counts = counts
        else:
            self._counts.merge(counts)

    def merge(self, other: WholeRows) -> None:
        """Add later rows."""
        self._value = None
        self.moments.n += other.moments.n
        self.moments.weight.merge(other.moments.weight)
        self.n_lacking += other.n_lacking
        self._parts += other._parts
        self._tables |= other._tables
        if self._counts is None:
            self._counts = other._counts
        elif other._counts is not None:
            self._counts.merge(other._counts)
        if self.bootstrap is not None and other.bootstrap is not None:
            self.bootstrap.merge(other.bootstrap)

    def condense(self) -> None:
        """Keep no more than a histogram of values, of which there are none."""

    def value(self) -> float:
        """Return the number; NaN where a row lacks a value, and where it is not defined."""
        if self._value is None:
            self._value = self._compute_value()
        return self._value

    def _compute_value(self) -> float:
        if self._parts:
            self._parts = [join_inputs(self._parts, self._tables)]
            found = self._evaluator.counts(self._parts[0])
        else:
            found = self._counts
        return math.nan if found is None or self.n_lacking else self._evaluator.number_of(found)

    def summary(self) -> Summary:
        """Return the number and the count of rows; there are no statistics of per-sample losses."""
        none = math.nan
        found = NumberSummary(
            self.value(), self.moments.n, self.moments.weight.value, none, none, none, none, none, none, 0, True
        )
        found.reason = "" if self.n_lacking else self._evaluator.bound.loss.undefined
        return found


class GroupedRows:
    """The number of a dataset-wide loss by group: what `GroupedAccumulator` is for a loss of rows."""

    keeps_values = False

    def __init__(self, evaluator: Evaluator, new_bootstrap: Callable[[], ResampledRows] | None = None) -> None:
        self._evaluator, self._new_bootstrap = evaluator, new_bootstrap
        self._groups: list[WholeRows] = []

    @property
    def bootstraps(self) -> list[ResampledRows]:
        """What the intervals of the groups are computed from; empty where none are wanted."""
        return [group.bootstrap for group in self._groups if group.bootstrap is not None]

    def grow(self, n: int) -> None:
        """Make room for n groups."""
        new = self._new_bootstrap
        self._groups += [
            WholeRows(self._evaluator, None if new is None else new()) for _ in range(n - len(self._groups))
        ]

    def add(self, rows: Segments, at: NDArray[np.intp], batch: Batch, outcome: Outcome) -> None:
        """Add the rows of a batch that count, by group; `at` are the places of the groups that have such rows."""
        for place, first, count in zip(at.tolist(), rows.firsts.tolist(), rows.counts.tolist(), strict=True):
            self._groups[place].add_rows(batch, outcome, rows.rows[first : first + count])

    def merge(self, at: NDArray[np.intp], other: GroupedRows) -> None:
        """Add later rows, whose groups are at these places."""
        for place, group in zip(at.tolist(), other._groups, strict=True):
            self._groups[place].merge(group)

    @property
    def kept(self) -> NDArray[np.int64]:
        """How many values of each group are kept: none."""
        return np.zeros(len(self._groups), dtype=np.int64)

    def condense(self, group: int) -> None:
        """Keep no more than a histogram of the values of a group, of which there are none."""

    def reduced(self) -> list[tuple[Summary, ResampledRows | None]]:
        """Return the number of each group, with what its interval is computed from."""
        return [(group.summary(), group.bootstrap) for group in self._groups]


def check_has_samples(evaluator: Evaluator) -> None:
    """Raise a UsageError if a loss has no per-sample values."""
    if evaluator.dataset_wide:
        raise UsageError(f"{evaluator.label} is one number for all rows: there are no per-sample values")


def check_reduction(evaluator: Evaluator, reduction: str) -> None:
    """Raise a UsageError if per-sample values are to be reduced in another way, and a loss has none."""
    if evaluator.dataset_wide and reduction != "mean":
        problem = f"{evaluator.label} is one number for all rows: there are no losses of rows to reduce"
        raise UsageError(problem, option=("reduction", reduction))
