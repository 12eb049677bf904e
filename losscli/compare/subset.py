"""The rows that a comparison looks at again and again, and the losses on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Mask
from losscli.declaration.loss import Reduction
from losscli.errors import LosscliError
from losscli.evaluation.evaluator import Evaluator, Outcome
from losscli.evaluation.run import RunState, feed
from losscli.statistics.summary import Accumulator

BLOCK = 1 << 16
"""Rows that a loss is evaluated on at once."""


class RowSubset(NamedTuple):
    """The rows of a run that are neither absent nor incomplete.

    Losses on them are not kept but evaluated again: that takes less time than it takes to store them all. `fixed` are
    the outcomes of losses that couple these rows with others.
    """

    run: RunState
    batch: Batch
    coupled_outcomes: Mapping[int, Outcome] = {}

    @staticmethod
    def of(batch: Batch, run: RunState) -> RowSubset:
        """The rows of a batch."""
        left_out = _either(batch.absent, batch.missing)
        return RowSubset(run, batch if left_out is None else replace(batch.take(~left_out), absent=None, missing=None))

    def take(self, rows: Mask) -> RowSubset:
        """Some of the rows; losses that couple rows have seen them all."""
        coupled = [i for i, evaluator in enumerate(self.run.evaluators) if evaluator.form.coupled]
        return RowSubset(self.run, self.batch.take(rows), {i: self.outcome(i).take(rows) for i in coupled})

    @property
    def residual(self) -> Array | None:
        """y_pred - y_true (N, ...), where a loss is of it."""
        if not any(evaluator.bound.loss.of_residual for evaluator in self.run.evaluators):
            return None
        with np.errstate(invalid="ignore"):
            return self.flat("y_pred") - self.flat("y_true")

    def flat(self, role: str) -> Array:
        """A role with (N, 1) as (N,)."""
        array = self.batch.arrays[role]
        return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array

    def reduction(self, i: int) -> Reduction:
        """How a loss becomes a number here."""
        own = self.run.evaluators[i].bound.loss.reduction
        return {"median": Reduction.MEDIAN, "sum": Reduction.MEAN}.get(self.run.reduction, own)

    def is_per_sample(self, i: int) -> bool:
        """Whether a loss has a value a row: one that takes all rows as one distribution has one for all."""
        return not self.run.evaluators[i].one_distribution(self.batch)

    def outcome(self, i: int) -> Outcome:
        """A loss on all rows."""
        return self.outcome_and_value(i, None)[0]

    def outcome_and_value(self, i: int, rows: Mask | None, store: Array | None = None) -> tuple[Outcome, float | None]:
        """A loss on all rows, and its value over some of them; `store` is where the losses of rows may be put."""
        accumulator, store = self.accumulator(i), np.empty(len(self.batch)) if store is None else store
        coupled_outcomes = [(self.batch, self.coupled_outcomes[i])] if i in self.coupled_outcomes else None
        outcomes, start = [], 0
        with np.errstate(all="ignore"):
            for block, outcome in coupled_outcomes or evaluations(self.run.evaluators[i], self.batch):
                if rows is not None:
                    feed(accumulator, outcome, block, rows[start : start + len(block)])
                outcomes.append(_stored(outcome, store[start : start + len(block)]))
                start += len(block)
        return _joined(outcomes, store), None if rows is None else accumulator.value()

    def accumulator(self, i: int) -> Accumulator:
        """What the value of a loss is accumulated in."""
        return Accumulator(self.run.evaluators[i].bound.loss.reduction, self.run.reduction, quick=True)

    def value_if_predicted(self, i: int, predict: PredictionFn, rows: Mask | None = None) -> float | None:
        """A loss over some rows, predicted otherwise; None where that is outside of its domain."""
        return value_of(self.run.evaluators[i], self.batch, self.accumulator(i), predict, rows)


PredictionFn = Callable[[Batch], Array]
"""What is predicted for the rows of a batch."""


def evaluations(
    evaluator: Evaluator, batch: Batch, predict: PredictionFn | None = None, rows: Mask | None = None
) -> Iterator[tuple[Batch, Outcome]]:
    """A loss over a batch or some rows of it, by blocks that stay in cache."""
    step = len(batch) if evaluator.needs_all_rows(batch) else BLOCK
    for start in range(0, len(batch), max(1, step)):
        block = batch if step == len(batch) else batch.take(slice(start, start + step))
        if rows is not None and not (part := rows[start : start + step]).all():
            block = block.take(part)
        if len(block):
            block = block if predict is None else block.changed(y_pred=predict(block))
            yield block, evaluator(block)


def value_of(
    evaluator: Evaluator, batch: Batch, accumulator: Accumulator, predict: PredictionFn | None = None,
    rows: Mask | None = None,
) -> float | None:  # fmt: skip
    """The value of a loss over a batch; None where the batch is outside of its domain."""
    try:
        with np.errstate(all="ignore"):
            for block, outcome in evaluations(evaluator, batch, predict, rows):
                feed(accumulator, outcome, block)
    except LosscliError:
        return None
    return accumulator.value()


def _either(a: Mask | None, b: Mask | None) -> Mask | None:
    return a if b is None else b if a is None else a | b


def _stored(outcome: Outcome, store: Array) -> Outcome:
    """The outcome of a block with its values in their place among those of all rows."""
    if len(outcome.per_sample) != len(store):
        return outcome
    store[:] = outcome.per_sample
    jsonable = outcome.elements is outcome.per_sample
    return outcome._replace(per_sample=store, elements=store if jsonable else outcome.elements)


def _joined(outcomes: Sequence[Outcome], per_sample: Array) -> Outcome:
    """Outcomes of blocks as one, their values being stored."""
    if len(outcomes) == 1:
        return outcomes[0]
    jsonable = all(o.elements is o.per_sample for o in outcomes)
    return Outcome(
        per_sample if jsonable else np.concatenate([o.elements for o in outcomes]),
        per_sample,
        _filled([o.counted for o in outcomes], outcomes, True),
        _filled([o.denominator for o in outcomes], outcomes, 1.0),
    )


def _filled(parts: Sequence[NDArray[Any] | None], outcomes: Sequence[Outcome], fill: Any) -> Any:
    """Parts of a hook joined, `fill` standing for those that are not there."""
    if all(part is None for part in parts):
        return None
    sizes = [len(o.per_sample) for o in outcomes]
    return np.concatenate([np.full(n, fill) if p is None else p for p, n in zip(parts, sizes, strict=True)])
