"""A loss on arrays in memory: in blocks that stay in cache, on as many threads as there are processors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, RowPolicy, check_weight_sum, find_missing, sum_of_weights
from losscli.data.positions import Positions
from losscli.declaration.domains import NAMES, Array, ValueOrigin
from losscli.errors import DataError, NoResultError
from losscli.evaluation.blocks import VALUES_PER_BLOCK, rows_per_block
from losscli.evaluation.dataset_wide import check_has_samples, check_reduction
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import evaluate_batch, feed, keep_freed_memory, new_accumulator, no_row_error
from losscli.options import processors

MIN_BLOCKS_FOR_THREADS = 4
"""Blocks from which on threads pay."""


class BlockEvaluator(NamedTuple):
    """A loss and the arrays of its roles, `rows` long; tables are whole and have no rows.

    With `positions` these are samples, several of which are a row of what was given. `weight` (rows,) is for `value`,
    `names` are the numbers of names of labels.
    """

    evaluator: Evaluator
    arrays: Mapping[str, NDArray[Any]]
    tables: frozenset[str]
    rows: int
    positions: Positions | None = None
    weight: Array | None = None
    names: Mapping[str, int] = {}

    def _batch(self, start: int, stop: int, memories: Mapping[str, dict[str, Any]], gradient: bool = False) -> Batch:
        """Return the rows from `start` to below `stop`, as float64; blocks share the memory of each role.

        Rows that lack a value are marked, unless NaN goes its way through the kernel by itself; in a gradient it may
        get lost.
        """
        numbers = range(start + 1, stop + 1)
        arrays, origins = {}, {}
        for name, array in self.arrays.items():
            is_table = name in self.tables
            arrays[name] = np.asarray(array if is_table else array[start:stop], dtype=np.float64)
            origin = ValueOrigin(name, rows=None if is_table else numbers, memory=memories[name])
            origins[name] = origin if self.positions is None else self.positions.origin(origin, origin.rows)
        if self.weight is None:
            batch = Batch(numbers, arrays, origins, tables=self.tables, length=self.rows)
            batch.missing = None if self.evaluator.passes_nan_on and not gradient else find_missing(batch)
            return batch
        origins["weight"] = ValueOrigin("weight", rows=numbers)
        batch = Batch(numbers, arrays, origins, self.weight[start:stop], tables=self.tables, length=self.rows)
        return next(RowPolicy("propagate").apply(iter([batch])))

    def _memories(self) -> dict[str, dict[str, Any]]:
        """Return what the checks of each role know at first."""
        return {name: {NAMES: self.names} if self.names else {} for name in self.arrays}

    def outcome(self, gradient: bool = False) -> Outcome:
        """Evaluate all rows at once."""
        return evaluate_batch(self.evaluator, self._batch(0, self.rows, self._memories(), gradient), gradient)

    def per_sample(self) -> Array:
        """Return the loss of each row.

        Raises:
            UsageError: The loss is one number for all rows.
        """
        check_has_samples(self.evaluator)
        return self._collect("per_sample")

    def gradient(self) -> Array:
        """Return the gradient, of the prediction's shape."""
        return self._collect("gradient")

    def _collect(self, name: str) -> Array:
        """Return a field of the outcome of all rows."""
        gradient, step = name == "gradient", self._rows_per_block()
        if step >= self.rows:
            return np.asarray(getattr(self.outcome(gradient), name))
        found = np.empty(self.arrays[self.evaluator.form.gradient_role].shape if gradient else self.rows)

        def work(start: int, batch: Batch) -> None:
            found[start : start + step] = getattr(evaluate_batch(self.evaluator, batch, gradient), name)

        self._evaluate_blocks(step, work, gradient)
        return found

    def value(self, reduction: str) -> float:
        """Return the reduced loss without keeping the losses of rows."""
        check_reduction(self.evaluator, reduction)
        check_weight_sum(None if self.weight is None else sum_of_weights(self.weight))
        unused = deque([new_accumulator(self.evaluator, reduction)])

        def work(start: int, batch: Batch) -> None:
            try:
                accumulator = unused.pop()
            except IndexError:  # another thread took the last one
                accumulator = new_accumulator(self.evaluator, reduction)
            feed(accumulator, evaluate_batch(self.evaluator, batch), batch)
            unused.append(accumulator)

        self._evaluate_blocks(self._rows_per_block(), work)
        first, *others = unused
        for other in others:
            first.merge(other)  # type: ignore[arg-type]
        if not self.rows:
            raise NoResultError("there are no rows")
        if not first.moments.n:
            raise no_row_error(self.evaluator, self.rows if self.weight is None else int(np.count_nonzero(self.weight)))
        return first.value()

    def _rows_per_block(self) -> int:
        if self.evaluator.needs_all_rows(self.arrays):
            return self.rows
        return rows_per_block(self.arrays, self.tables, VALUES_PER_BLOCK)

    def _evaluate_blocks(self, step: int, work: Callable[[int, Batch], None], gradient: bool = False) -> None:
        """Call `work` on every block with its first row.

        Raises:
            DataError: A value is wrong; the message counts those of all rows.
        """
        keep_freed_memory()
        starts = deque(range(0, self.rows, step))
        memories = self._memories()

        def drain() -> None:
            with np.errstate(all="ignore"):
                while starts:
                    try:
                        start = starts.popleft()
                    except IndexError:  # another thread took the last one
                        return
                    work(start, self._batch(start, min(start + step, self.rows), memories, gradient))

        try:
            threads = 1 if len(starts) < MIN_BLOCKS_FOR_THREADS else processors()
            if threads == 1:
                drain()
                return
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(threads) as pool:
                for future in [pool.submit(drain) for _ in range(threads)]:
                    future.result()
        except DataError:
            starts.clear()
            self.outcome()
            raise
