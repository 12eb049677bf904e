"""What pictures of data observe while losses are evaluated: mergeable statistics beside those of the run."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from losscli.data.batch import Batch
from losscli.errors import UsageError
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import counted_rows
from losscli.losses._numerics import weigh
from losscli.statistics.keyed_sums import KeyedSums, SumsByKey


class LossSpread:
    """The rows by the size of each loss: how few of them carry it."""

    def __init__(self, n_losses: int, left_out: Collection[int] = ()) -> None:
        """Observe so many losses, but for those at some indices, whose sums by residual will be known."""
        self._by_loss = [KeyedSums(0) for _ in range(n_losses)]
        self._by_added = self._by_loss
        self._left_out = left_out
        self._residuals: ResidualSpread | None = None

    def table(self, i: int) -> SumsByKey:
        """Return the rows by a loss, with their weights."""
        if i in self._left_out and self._residuals is not None:
            return self._residuals.by_loss(i)
        return self._by_loss[i].table()

    def table_of_added(self, i: int) -> SumsByKey:
        """Return the rows by what they add to the weighted sum of a loss; as `table` where rows have no weights."""
        return self.table(i) if self._by_added is self._by_loss else self._by_added[i].table()

    def take_residuals(self, residuals: ResidualSpread) -> None:
        """Take the losses that were left out from sums by residual, of rows without weights."""
        self._residuals = residuals

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if batch.weight is not None:
            self._separate_added()
        for i, (sums, added, outcome) in enumerate(zip(self._by_loss, self._by_added, outcomes, strict=True)):
            if i in self._left_out:
                continue
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

    def _separate_added(self) -> None:
        if self._by_added is self._by_loss:
            self._by_added = [KeyedSums(0) for _ in self._by_loss]

    def merge(self, other: LossSpread) -> None:
        if other._by_added is not other._by_loss:
            self._separate_added()
            for mine, theirs in zip(self._by_added, other._by_added, strict=True):
                mine.merge(theirs)
        for mine, theirs in zip(self._by_loss, other._by_loss, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> LossSpread:
        return LossSpread(len(self._by_loss), self._left_out)


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

    def by_loss(self, i: int) -> SumsByKey:
        """Return the rows by a loss that depends on the residual alone: the mean loss of rows of like residuals."""
        table = self.sums.table()
        losses = table.sums[self.indices.index(i)] / table.weight
        order = np.argsort(losses, kind="stable")
        return SumsByKey(losses[order], table.n_rows[order], table.weight[order], table.sums[:0], table.is_exact)
