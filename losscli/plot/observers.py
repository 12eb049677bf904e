"""What pictures of data observe while losses are evaluated: mergeable statistics beside those of the run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from losscli.data.batch import Batch
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Outcome
from losscli.evaluation.run import counted_rows
from losscli.losses._numerics import weigh
from losscli.statistics.keyed_sums import KeyedSums


class LossSpread:
    """The rows by the size of each loss: how few of them carry it.

    Attributes:
        by_loss: The rows by their losses, with their weights.
        by_added: The rows by what they add to the weighted sum of the losses; as `by_loss` where rows have no weights.
    """

    def __init__(self, n_losses: int) -> None:
        self.by_loss = [KeyedSums(0) for _ in range(n_losses)]
        self.by_added = self.by_loss

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if batch.weight is not None:
            self._tell_added_apart()
        for sums, added, outcome in zip(self.by_loss, self.by_added, outcomes, strict=True):
            losses, weight = outcome.per_sample, batch.weight
            counted = counted_rows(batch, outcome) if len(losses) == len(batch) else None
            is_known = ~np.isnan(losses)
            if not is_known.all():
                counted = is_known if counted is None else counted & is_known
            if counted is not None:
                losses, weight = losses[counted], None if weight is None else weight[counted]
            sums.update(losses, (), weight)
            if weight is not None:
                added.update(weigh(weight, losses), ())

    def _tell_added_apart(self) -> None:
        if self.by_added is self.by_loss:
            self.by_added = [KeyedSums(0) for _ in self.by_loss]

    def merge(self, other: LossSpread) -> None:
        if other.by_added is not other.by_loss:
            self._tell_added_apart()
            for mine, theirs in zip(self.by_added, other.by_added, strict=True):
                mine.merge(theirs)
        for mine, theirs in zip(self.by_loss, other.by_loss, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> LossSpread:
        return LossSpread(len(self.by_loss))

    def of_first(self, n_losses: int) -> LossSpread:
        """Return that of the first losses."""
        found = LossSpread(0)
        found.by_loss, found.by_added = self.by_loss[:n_losses], self.by_added[:n_losses]
        return found


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
