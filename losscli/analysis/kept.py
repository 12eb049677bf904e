"""The rows that a comparison looks at again and again, and the losses on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS, Batch
from losscli.domain import Array, Mask
from losscli.errors import LosscliError
from losscli.evaluate import Evaluator, Outcome, Run, feed
from losscli.statistics.summary import Accumulator


class Kept(NamedTuple):
    """The rows of a run that are neither absent nor incomplete.

    Losses on them are not kept but evaluated again: that takes less time than it takes to store them all. `fixed` are
    the outcomes of losses that couple these rows with others.
    """

    run: Run
    batch: Batch
    fixed: Mapping[int, Outcome] = {}

    @staticmethod
    def of(batches: Sequence[Batch], run: Run) -> Kept:
        """The rows of all batches."""
        batch = Batch.concatenate(batches)
        left_out = _either(batch.absent, batch.missing)
        return Kept(run, batch if left_out is None else replace(batch.take(~left_out), absent=None, missing=None))

    def take(self, rows: Mask) -> Kept:
        """Some of the rows; losses that couple rows have seen them all."""
        coupled = [i for i, evaluator in enumerate(self.run.evaluators) if evaluator.form.whole]
        return Kept(self.run, self.batch.take(rows), {i: self.outcome(i).take(rows) for i in coupled})

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

    def by_row(self, i: int) -> bool:
        """Whether a loss has a value a row: one that takes all rows as one distribution has one for all."""
        return not self.run.evaluators[i].one_distribution(self.batch)

    def outcome(self, i: int) -> Outcome:
        """A loss on all rows."""
        if i in self.fixed:
            return self.fixed[i]
        return _joined([outcome for _, outcome in evaluations(self.run.evaluators[i], self.batch)])

    def value(self, i: int, outcome: Outcome, rows: Mask) -> float:
        """A loss over some of the rows, its outcome on all of them being known."""
        accumulator = self.accumulator(i)
        with np.errstate(all="ignore"):
            feed(accumulator, outcome, self.batch, rows)
        return accumulator.value()

    def accumulator(self, i: int) -> Accumulator:
        """What the value of a loss is accumulated in."""
        return Accumulator(self.run.evaluators[i].bound.loss.reduction, self.run.reduction, value_only=True)

    def value_with(self, i: int, batch: Batch) -> float | None:
        """A loss over a batch that was changed; None where that is outside of its domain."""
        return value_of(self.run.evaluators[i], batch, self.accumulator(i))


def evaluations(evaluator: Evaluator, batch: Batch) -> Iterator[tuple[Batch, Outcome]]:
    """A loss over a batch, by blocks that stay in cache."""
    blocks = [batch] if evaluator.whole(batch) else (batch.slice(i, i + ROWS) for i in range(0, len(batch), ROWS))
    for block in blocks:
        yield block, evaluator(block)


def value_of(evaluator: Evaluator, batch: Batch, accumulator: Accumulator) -> float | None:
    """The value of a loss over a batch; None where the batch is outside of its domain."""
    try:
        with np.errstate(all="ignore"):
            for block, outcome in evaluations(evaluator, batch):
                feed(accumulator, outcome, block)
    except LosscliError:
        return None
    return accumulator.value()


def _either(a: Mask | None, b: Mask | None) -> Mask | None:
    return a if b is None else b if a is None else a | b


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    if len(outcomes) == 1:
        return outcomes[0]
    per_sample = np.concatenate([o.per_sample for o in outcomes])
    plain = all(o.elements is o.per_sample for o in outcomes)
    return Outcome(
        per_sample if plain else np.concatenate([o.elements for o in outcomes]),
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
