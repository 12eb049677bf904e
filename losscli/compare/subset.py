"""The rows that a comparison evaluates again and again, and each loss on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from losscli.data.batch import Batch
from losscli.data.gather import rows_in_batch
from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Reduction
from losscli.errors import LosscliError
from losscli.evaluation.blocks import JoinedOutcome
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import RunState, feed, new_accumulator

ROWS_PER_EVALUATION = 1 << 16
"""Rows on which a loss is evaluated at once, fewer if they are wide: more would not stay in cache."""

ADDITIVE_REDUCTIONS = (Reduction.MEAN, Reduction.ROOT_MEAN, Reduction.EXP_MEAN)
"""Reductions in which a row has a share of the number."""


@dataclass(eq=False)
class LossOnRows:
    """One loss on the rows of a batch, none of which is absent or incomplete.

    Per-sample losses are not kept but computed again: that takes less time than to store them for all losses.
    `reduction` is how they become the reported number; `coupled_outcome` is the outcome of a loss that couples these
    rows with others.
    """

    evaluator: Evaluator
    batch: Batch
    asked_reduction: str
    coupled_outcome: Outcome | None = None

    def __post_init__(self) -> None:
        own = self.evaluator.bound.loss.reduction
        self.reduction = {"median": Reduction.MEDIAN, "sum": Reduction.MEAN}.get(self.asked_reduction, own)
        self.is_per_sample = not self.evaluator.dataset_wide and not self.evaluator.one_distribution(self.batch.arrays)

    @property
    def couples_values(self) -> bool:
        """Whether each row has a value, which depends on the other rows."""
        return self.evaluator.coupled and self.is_per_sample

    def evaluate(self, rows: Mask | None = None, buffer: Array | None = None) -> tuple[Outcome, float | None]:
        """Return the outcome of all rows, stored in `buffer` (N,), and the reduced loss of those of a mask if given."""
        joined = JoinedOutcome(np.empty(len(self.batch)) if buffer is None else buffer)
        accumulator = new_accumulator(self.evaluator, self.asked_reduction)
        start = 0
        with np.errstate(all="ignore"):
            for block in self.blocks() if self.coupled_outcome is None else (self.batch,):
                outcome = self.evaluator(block) if self.coupled_outcome is None else self.coupled_outcome
                if rows is not None:
                    feed(accumulator, outcome, block, rows[start : start + len(block)])
                if len(outcome.per_sample) != len(block):
                    return outcome, None if rows is None else accumulator.value()
                joined.add(outcome)
                start += len(block)
        return joined.outcome(), None if rows is None else accumulator.value()

    def value_if_predicted(
        self, constant: float | Array, base_role: str | None = None, rows: Mask | None = None
    ) -> float | None:
        """Return the reduced loss, over some rows, if a constant (plus a role) is predicted; None out of its domain."""
        accumulator = new_accumulator(self.evaluator, self.asked_reduction)
        try:
            with np.errstate(all="ignore"):
                for block in self.blocks(rows):
                    shape = block.arrays["y_pred"].shape
                    constants = np.asarray(constant)  # one for each number of a row, whatever its axes
                    constants = constants.reshape(shape[1:]) if constants.size > 1 else constants
                    y_pred = block.arrays[base_role] + constants if base_role else np.broadcast_to(constants, shape)
                    predicted = block.changed(y_pred=np.asarray(y_pred))
                    feed(accumulator, self.evaluator(predicted), predicted)
        except LosscliError:
            return None
        return accumulator.value()

    def blocks(self, rows: Mask | None = None) -> Iterator[Batch]:
        """Yield the rows, or those of a mask, in blocks that stay in cache; all at once if the loss needs that."""
        size = len(self.batch)
        step = min(ROWS_PER_EVALUATION, rows_in_batch(self.batch))
        step = size if self.evaluator.coupled or not self.is_per_sample else step
        for start in range(0, size, max(1, step)):
            block = self.batch if size <= step else self.batch.take(slice(start, start + step))
            if rows is not None and not (kept := rows[start : start + step]).all():
                block = block.take(kept)
            if len(block):
                yield block


class RowSubset:
    """The rows of a batch that are neither absent nor incomplete, and the losses of a run on them."""

    def __init__(self, batch: Batch, run: RunState, coupled_outcomes: Mapping[int, Outcome] | None = None) -> None:
        masks = [mask for mask in (batch.absent, batch.missing) if mask is not None]
        if masks:
            batch = replace(batch.take(~np.logical_or.reduce(masks)), absent=None, missing=None)
        self.batch = batch
        self.run = run
        coupled = coupled_outcomes or {}
        self.losses = [LossOnRows(e, batch, run.reduction, coupled.get(i)) for i, e in enumerate(run.evaluators)]

    def take(self, rows: Mask) -> RowSubset:
        """Return the rows of a mask; a loss that couples rows keeps its values among all of them."""
        coupled = {i: loss.evaluate()[0] for i, loss in enumerate(self.losses) if loss.couples_values}
        return RowSubset(self.batch.take(rows), self.run, {i: outcome.take(rows) for i, outcome in coupled.items()})

    def residual(self) -> Array | None:
        """Return y_pred - y_true (N, ...), (N, 1) as (N,); None where no loss depends on it."""
        if not any(loss.evaluator.bound.loss.of_residual for loss in self.losses):
            return None
        arrays = [self.batch.arrays[role] for role in ("y_pred", "y_true")]
        y_pred, y_true = (array[:, 0] if array.shape[1:] == (1,) else array for array in arrays)
        with np.errstate(invalid="ignore"):
            return np.asarray(y_pred - y_true)
