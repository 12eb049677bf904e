"""What the page observes while losses are evaluated, beside what its pictures do: mergeable, in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.errors import LosscliError
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import counted_rows
from losscli.statistics.moments import Sum
from losscli.statistics.tails import TailSums


def counted_losses(batch: Batch, outcome: Outcome) -> tuple[Array, Array | None, Array | None, NDArray[np.intp] | None]:
    """Return the per-sample losses of the rows that count, their weights, denominators, and indices (None: all)."""
    losses, weight, denominator = outcome.per_sample, batch.weight, outcome.denominator
    if len(losses) != len(batch):  # one distribution: rows are not samples
        return losses, None, None, None
    counted = counted_rows(batch, outcome)
    if counted is None or counted.all():
        return losses, weight, denominator, None
    indices = np.flatnonzero(counted)
    return (
        losses[indices],
        None if weight is None else weight[indices],
        None if denominator is None else denominator[indices],
        indices,
    )


class LossSums:
    """What standard errors, effective numbers of rows and extremes need of one loss.

    Attributes:
        n: The number of rows.
        low: The smallest loss.
        high: The largest loss.
        total: The weighted sum of the losses.
        tail: Whether few rows carry it.
    """

    def __init__(self) -> None:
        self.n, self.low, self.high = 0, math.inf, -math.inf
        self._total, self._divisor = Sum(), Sum()
        self._squares = Sum(), Sum(), Sum()
        self.tail = TailSums()

    @property
    def total(self) -> float:
        return self._total.value

    def update(self, batch: Batch, outcome: Outcome) -> None:
        """Add the rows that count."""
        losses, weight, denominator, _ = counted_losses(batch, outcome)
        if not losses.size:
            return
        self.n += losses.size
        self.low = float(np.minimum(self.low, losses.min()))  # NaN stays
        self.high = float(np.maximum(self.high, losses.max()))
        numerators = losses if weight is None else losses * weight
        self.tail.update(numerators)
        total = float(numerators.sum())
        self._total.add(total)
        self._squares[0].add(float(np.square(numerators).sum()))
        if weight is None and denominator is None:
            self._divisor.add(float(losses.size))
            self._squares[1].add(total)
            self._squares[2].add(float(losses.size))
            return
        divisors = np.ones(len(losses)) if denominator is None else denominator
        divisors = divisors if weight is None else divisors * weight
        self._divisor.add(float(divisors.sum()))
        self._squares[1].add(float((numerators * divisors).sum()))
        self._squares[2].add(float(np.square(divisors).sum()))

    def merge(self, other: LossSums) -> None:
        """Add the rows of later batches."""
        self.n += other.n
        self.low = float(np.minimum(self.low, other.low))
        self.high = float(np.maximum(self.high, other.high))
        self._total.merge(other._total)
        self._divisor.merge(other._divisor)
        self.tail.merge(other.tail)
        for mine, theirs in zip(self._squares, other._squares, strict=True):
            mine.merge(theirs)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean, by the delta method for a ratio of sums."""
        divisor = self._divisor.value
        if not divisor:
            return math.nan
        mean = self.total / divisor
        aa, ab, bb = (total.value for total in self._squares)
        spread = aa - 2 * mean * ab + mean * mean * bb
        return math.sqrt(spread) / divisor if spread > 0 else 0.0 if spread <= 0 else math.nan

    @property
    def effective_n(self) -> float | None:
        """Kish's effective number of rows of the shares; None where rows have no shares."""
        total, squares = self.total, self._squares[0].value
        if not self.n or not self.low >= 0 or not 0 < total < math.inf or not 0 < squares < math.inf:
            return None
        return total * (total / squares)


class LossMoments:
    """The sums of each loss."""

    def __init__(self, n_losses: int) -> None:
        self.by_loss = [LossSums() for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for sums, outcome in zip(self.by_loss, outcomes, strict=True):
            sums.update(batch, outcome)

    def merge(self, other: LossMoments) -> None:
        for mine, theirs in zip(self.by_loss, other.by_loss, strict=True):
            mine.merge(theirs)

    def fresh_copy(self) -> LossMoments:
        return LossMoments(len(self.by_loss))


class Shown:
    """An observer that sees the losses that are drawn, and gives up where the data does not fit its picture."""

    def __init__(self, observer: Any, n_losses: int) -> None:
        self.observer, self.n_losses = observer, n_losses
        self.has_failed = False

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        if not self.has_failed:
            try:
                self.observer.update(batch, outcomes[: self.n_losses])
            except LosscliError:
                self.has_failed = True

    def merge(self, other: Shown) -> None:
        self.has_failed |= other.has_failed
        if not self.has_failed:
            self.observer.merge(other.observer)

    def fresh_copy(self) -> Shown:
        return Shown(self.observer.fresh_copy(), self.n_losses)
