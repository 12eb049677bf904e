"""A loss of queries on arrays in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, RowPolicy, check_weight_sum, sum_of_weights
from losscli.data.coded_text import CodedText
from losscli.data.queries import batches_of_queries
from losscli.declaration.domains import Array, ValueOrigin
from losscli.declaration.row_lists import RowLists
from losscli.errors import NoResultError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import evaluate_batch, feed, keep_freed_memory, no_row_error
from losscli.statistics.summary import Accumulator


class QueryEvaluator(NamedTuple):
    """A loss of queries and the arrays of its roles, `rows` long; without `query` all rows are one query.

    `weight` (rows,) is for `value`.
    """

    evaluator: Evaluator
    arrays: Mapping[str, NDArray[Any]]
    query: CodedText | None
    rows: int
    weight: Array | None = None
    positions: None = None

    def _outcomes(self, gradient: bool = False) -> Iterator[tuple[Batch, Outcome]]:
        """Yield batches of queries and the outcome on each."""
        keep_freed_memory()
        numbers = range(1, self.rows + 1)
        arrays = {name: np.asarray(array, dtype=np.float64) for name, array in self.arrays.items()}
        names = [*arrays, "query"] if self.weight is None else [*arrays, "query", "weight"]
        origins = {name: ValueOrigin(name, rows=numbers) for name in names}
        rows = Batch(numbers, arrays, origins, self.weight, length=self.rows, query=self.query)
        complete = RowPolicy("propagate").apply(iter([rows]))
        with np.errstate(all="ignore"):
            for batch in batches_of_queries(complete, None):
                yield batch, evaluate_batch(self.evaluator, batch, gradient)

    def per_sample(self) -> Array:
        """Return the loss of each query."""
        return np.concatenate([outcome.per_sample for _, outcome in self._outcomes()])

    def gradient(self) -> Array:
        """Return the gradient, in the order of the rows."""
        found = [outcome.gradient for _, outcome in self._outcomes(gradient=True)]
        return in_row_order(found, self.rows)

    def value(self, reduction: str) -> float:
        """Return the reduced loss without keeping the losses of queries."""
        check_weight_sum(None if self.weight is None else sum_of_weights(self.weight))
        accumulator = Accumulator(self.evaluator.bound.loss.reduction, reduction, quick=True)
        for batch, outcome in self._outcomes():
            feed(accumulator, outcome, batch)
        if not self.rows:
            raise NoResultError("there are no rows")
        if not accumulator.moments.n:
            raise no_row_error(self.evaluator, accumulator.left_out)
        return accumulator.value()


def in_row_order(gradients: list[Any], n_rows: int) -> Array:
    """Return gradients of queries by row (n_rows,), NaN where a row was left out."""
    found = np.full(n_rows, np.nan)
    for lists in gradients:
        if isinstance(lists, RowLists):
            found[np.asarray(lists.numbers) - 1] = lists.values
    return found
