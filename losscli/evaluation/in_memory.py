"""A loss on arrays that are in memory: in blocks that stay in cache, on as many threads as there are processors."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array, ValueOrigin
from losscli.errors import DataError
from losscli.evaluation.evaluator import Evaluator, Outcome
from losscli.evaluation.run import feed
from losscli.statistics.summary import Accumulator

VALUES_PER_BLOCK = 1 << 16
"""Numbers of a block's widest role: with what a kernel makes of them they fit the cache of one core."""

MIN_BLOCKS_FOR_THREADS = 4
"""Blocks that are not worth a second thread."""


class BlockEvaluator(NamedTuple):
    """A loss and the arrays of its roles, `rows` long; tables are whole and have no rows."""

    evaluator: Evaluator
    arrays: Mapping[str, NDArray[Any]]
    tables: frozenset[str]
    rows: int

    def batch(self, start: int, stop: int, origins: Mapping[str, ValueOrigin]) -> Batch:
        """Some of the rows, as float64."""
        rows = range(start + 1, stop + 1)
        part = slice(start, stop)
        arrays = {
            name: np.asarray(array if name in self.tables else array[part], dtype=np.float64)
            for name, array in self.arrays.items()
        }
        here = {name: place if name in self.tables else place.at(rows) for name, place in origins.items()}
        return Batch(rows, arrays, here, tables=self.tables, length=self.rows)

    def _places(self) -> dict[str, ValueOrigin]:
        return {name: ValueOrigin(name) for name in self.arrays}

    def outcome(self, gradient: bool = False) -> Outcome:
        """The loss on all rows at once."""
        return self.evaluator(self.batch(0, self.rows, self._places()), gradient)

    def per_sample(self) -> Array:
        """The loss of each row."""
        step = self._step()
        if step >= self.rows:
            return self.outcome().per_sample
        out = np.empty(self.rows)

        def work(start: int, batch: Batch) -> None:
            out[start : start + step] = self.evaluator(batch).per_sample

        self._each(step, work)
        return out

    def gradient(self) -> Array:
        """The gradient, of the prediction's shape."""
        step = self._step()
        if step >= self.rows:
            slope = self.outcome(gradient=True).gradient
            assert slope is not None
            return slope
        out = np.empty(self.arrays[self.evaluator.form.gradient_role].shape)

        def work(start: int, batch: Batch) -> None:
            out[start : start + step] = self.evaluator(batch, gradient=True).gradient

        self._each(step, work)
        return out

    def value(self, reduction: str) -> float:
        """The reduced loss; nothing is kept of the rows."""
        parts: deque[Accumulator] = deque()
        own = self.evaluator.bound.loss.reduction

        def work(start: int, batch: Batch) -> None:
            accumulator = parts.pop() if parts else Accumulator(own, reduction, quick=True)
            feed(accumulator, self.evaluator(batch), batch)
            parts.append(accumulator)

        self._each(self._step(), work)
        first, *others = parts
        for other in others:
            first.merge(other)
        return first.value()

    def _step(self) -> int:
        """Rows of a block: all of them, where the loss couples rows."""
        whole = self.evaluator.form.coupled or any(
            role.domain.whole_column_is_one_sample and self.arrays[role.name].ndim == 1
            for role in self.evaluator.form.roles
        )
        widths = [array[:1].size for name, array in self.arrays.items() if name not in self.tables]
        return self.rows if whole else max(1, VALUES_PER_BLOCK // max([1, *widths]))

    def _each(self, step: int, work: Callable[[int, Batch], None]) -> None:
        """Work on every block.

        Raises:
            DataError: of the whole, where a block has a value that is wrong: it tells how many there are.
        """
        origins = self._places()
        starts = deque(range(0, self.rows, step))

        def drain(_: int) -> None:
            with np.errstate(all="ignore"):
                while starts:
                    try:
                        start = starts.popleft()
                    except IndexError:  # another thread has just taken the last one
                        return
                    work(start, self.batch(start, min(start + step, self.rows), origins))

        try:
            _on_threads(drain, 1 if len(starts) < MIN_BLOCKS_FOR_THREADS else processors())
        except DataError:
            starts.clear()
            self.outcome()
            raise


def _on_threads(work: Callable[[int], None], count: int) -> None:
    if count == 1:
        work(0)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
