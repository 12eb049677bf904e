"""Per-sample losses that are kept in memory, and their statistics once somebody looks at them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, join_numbers, numbers_array, shift_numbers
from losscli.declaration.domains import Array
from losscli.declaration.properties import Reduction
from losscli.declaration.row_lists import RowLists
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import feed
from losscli.statistics.quantiles import MAX_VALUES_KEPT, Quantiles
from losscli.statistics.summary import Accumulator, Summary

MIN_BATCHES_FOR_THREADS = 3
"""Batches from which on threads pay."""


class Arena:
    """Memory for numbers that are kept: one array, as the system takes long to hand out many of a few megabytes."""

    def __init__(self, size: int) -> None:
        self._memory, self._used = np.empty(size), 0
        self._lock = threading.Lock()

    def allocate(self, size: int) -> Array:
        """Return memory for so many numbers, of which nothing else makes use."""
        with self._lock:
            start, self._used = self._used, self._used + size
        return self._memory[start : start + size] if start + size <= len(self._memory) else np.empty(size)


class KeptOutcomes:
    """An observer of a run that keeps the outcomes of all losses, batch by batch."""

    def __init__(self) -> None:
        self._batches: list[tuple[Batch, tuple[Outcome, ...]]] = []

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Add a batch; what is kept shares no memory with its arrays, which may change later."""
        arrays = [array.values if isinstance(array, RowLists) else array for array in batch.arrays.values()]
        given = arrays if batch.weight is None else [*arrays, batch.weight]
        weight = None if batch.weight is None else batch.weight.copy()
        kept = replace(batch, arrays={}, origins={}, extras={}, weight=weight, missing=None)
        self._batches.append((kept, tuple(_without_elements(outcome, given) for outcome in outcomes)))

    def merge(self, other: KeptOutcomes) -> None:
        """Add later batches."""
        self._batches += other._batches

    def fresh_copy(self) -> KeptOutcomes:
        return KeptOutcomes()

    def renumber(self, rows_before: int) -> None:
        """Count the rows from the start of the data, of which so many come before those seen."""
        for batch, _ in self._batches:
            batch.numbers = shift_numbers(batch.numbers, rows_before)

    def gradient(self, i: int, n_rows: int) -> NDArray[Any] | None:
        """Return the gradient of the loss at index i over all rows, if it was asked for; `n_rows` were read."""
        found = [outcomes[i].gradient for _, outcomes in self._batches]
        gradients = [gradient for gradient in found if gradient is not None]
        if any(isinstance(gradient, RowLists) for gradient in gradients):
            from losscli.evaluation.queries_in_memory import in_row_order

            return in_row_order(gradients, n_rows)
        return np.concatenate(gradients) if gradients else None

    def losses(self, i: int, n: int, jobs: int, known: Summary | None) -> KeptLosses:
        """Return the losses of the loss at index i, which counts n rows; its statistics may be known already."""
        return KeptLosses([(batch, o[i]._replace(gradient=None)) for batch, o in self._batches], n, jobs, known)


def _without_elements(outcome: Outcome, given: Sequence[NDArray[Any]]) -> Outcome:
    """Return an outcome without its elements, of copies where a kernel returned what it was given."""

    def own(array: Any) -> Any:
        is_shared = array is not None and any(np.may_share_memory(array, other) for other in given)
        return array.copy() if is_shared else array

    per_sample = own(outcome.per_sample)
    return Outcome(
        per_sample,
        per_sample,
        own(outcome.counted),
        own(outcome.denominator),
        outcome.clipped,
        outcome.gradient,
        frequency=own(outcome.frequency),
    )


class KeptLosses:
    """The per-sample losses of one loss over all rows; what is asked for is computed once, by one thread at a time."""

    def __init__(
        self, batches: Sequence[tuple[Batch, Outcome]], n: int, jobs: int, known: Summary | None = None
    ) -> None:
        self._batches, self._n, self._jobs, self._known = batches, n, jobs, known
        self._numbers = [batch.numbers for batch, _ in batches]
        self._per_sample: Array | None = None
        self._rows: NDArray[np.int64] | None = None
        self._lock = threading.RLock()

    def summary(self) -> Summary:
        """Return the statistics, as of batches that are added in order; the value is the mean in any case."""
        with self._lock:
            if self._known is None:
                self._known = self._summarize()
            return self._known

    def per_sample(self) -> Array:
        """Return the per-sample losses (n,)."""
        with self._lock:
            if self._per_sample is None:
                self.summary()  # before anybody can change the losses
                parts = [outcome.per_sample for _, outcome in self._batches]
                self._per_sample = np.concatenate(parts)
                self._batches = ()
            return self._per_sample

    def rows(self) -> NDArray[np.int64]:
        """Return the numbers of the rows, from 1 (n,); where all rows are one distribution, those of its classes."""
        with self._lock:
            if self._rows is None:
                numbers, size = join_numbers(self._numbers), len(self.per_sample())
                self._rows = numbers_array(numbers if len(numbers) == size else range(1, size + 1))
            return self._rows

    def _summarize(self) -> Summary:
        """Return the statistics; without weights by threads, as merged counts and sums of batches are the same then."""
        is_weighted = any(batch.weight is not None for batch, _ in self._batches)
        if self._jobs == 1 or is_weighted or len(self._batches) < MIN_BATCHES_FOR_THREADS:
            whole = Accumulator(Reduction.MEAN)
            for batch, outcome in self._batches:
                self._feed(whole, batch, outcome)
            return whole.summary()
        from concurrent.futures import ThreadPoolExecutor

        is_sketched, unused = self._n > MAX_VALUES_KEPT, deque[Quantiles]()

        def statistics_of(item: tuple[Batch, Outcome]) -> Accumulator:
            accumulator = Accumulator(Reduction.MEAN)
            if not is_sketched:
                self._feed(accumulator, *item)
                return accumulator
            try:  # a thread counts on where one has counted: a histogram may take more memory than a batch
                counts = unused.pop()
            except IndexError:
                counts = Quantiles(budget=0)
            accumulator.quantiles = counts
            self._feed(accumulator, *item)
            accumulator.quantiles = Quantiles()
            unused.append(counts)
            return accumulator

        with ThreadPoolExecutor(self._jobs) as pool:
            several = pool.map(statistics_of, self._batches)
            whole = next(several)
            for other in several:
                whole.merge(other)
        for counts in unused:
            whole.quantiles.merge(counts)
        return whole.summary()

    def _feed(self, accumulator: Accumulator, batch: Batch, outcome: Outcome) -> None:
        with np.errstate(all="ignore"):
            feed(accumulator, outcome, batch)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.summary(), self.per_sample(), self.rows()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        KeptLosses.__init__(self, (), 0, 1)
        self._known, self._per_sample, self._rows = state
