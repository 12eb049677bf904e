"""What pictures of data observe while losses are evaluated: mergeable statistics beside those of the run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from losscli.data.batch import Batch
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Outcome
from losscli.evaluation.run import counted_rows
from losscli.statistics.keyed_sums import KeyedSums


class LossSpread:
    """The rows by the size of each loss: how few of them carry it."""

    def __init__(self, n_losses: int) -> None:
        self.by_loss = [KeyedSums(0) for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for sums, outcome in zip(self.by_loss, outcomes, strict=True):
            losses, weight = outcome.per_sample, batch.weight
            counted = counted_rows(batch, outcome) if len(losses) == len(batch) else None
            is_known = ~np.isnan(losses)
            if not is_known.all():
                counted = is_known if counted is None else counted & is_known
            if counted is not None:
                losses, weight = losses[counted], None if weight is None else weight[counted]
            sums.update(losses, (), weight)

    def merge(self, other: LossSpread) -> None:
        for mine, theirs in zip(self.by_loss, other.by_loss, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> LossSpread:
        return LossSpread(len(self.by_loss))


class ResidualSpread:
    """The rows by their residual y_pred - y_true, with the sums of some losses: where each loss comes from."""

    def __init__(self, indices: Sequence[int]) -> None:
        """Sum the losses at these indices of a run."""
        self.indices = tuple(indices)
        self.sums = KeyedSums(len(self.indices))

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if batch.arrays["y_pred"].size != len(batch):
            raise UsageError("this picture shows one residual per row, and here a row has several")
        with np.errstate(invalid="ignore"):
            residual = batch.arrays["y_pred"].reshape(-1) - batch.arrays["y_true"].reshape(-1)
        losses = [outcomes[i].counted_losses() for i in self.indices]
        weight, counted = batch.weight, None if batch.absent is None else ~batch.absent
        is_known = ~np.isnan(residual)
        if not is_known.all():
            counted = is_known if counted is None else counted & is_known
        if counted is not None:
            residual, weight = residual[counted], None if weight is None else weight[counted]
            losses = [values[counted] for values in losses]
        self.sums.update(residual, losses, weight)

    def merge(self, other: ResidualSpread) -> None:
        self.sums.merge(other.sums)

    def fresh_copy(self) -> ResidualSpread:
        return ResidualSpread(self.indices)
