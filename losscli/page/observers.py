"""What the page observes while losses are evaluated, beside what its pictures do: mergeable, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.errors import LosscliError
from losscli.evaluation.evaluator import Outcome
from losscli.evaluation.run import counted_rows
from losscli.statistics.moments import Moments, Sum


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


class LossMoments:
    """Moments of each loss, and the sums that a normal interval of a weighted mean needs."""

    def __init__(self, n_losses: int) -> None:
        self.moments = [Moments() for _ in range(n_losses)]
        self.squares = [[Sum(), Sum(), Sum()] for _ in range(n_losses)]
        self.divisors = [Sum() for _ in range(n_losses)]

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for i, outcome in enumerate(outcomes):
            losses, weight, denominator, _ = counted_losses(batch, outcome)
            if not losses.size:
                continue
            self.moments[i].update(losses, weight)
            numerators = losses if weight is None else losses * weight
            if weight is None and denominator is None:
                self.squares[i][0].add(float(numerators @ numerators))
                continue
            divisors = np.ones(len(losses)) if denominator is None else denominator
            divisors = divisors if weight is None else divisors * weight
            self.divisors[i].add(float(divisors.sum()))
            for total, (a, b) in zip(
                self.squares[i], ((numerators, numerators), (numerators, divisors), (divisors, divisors)), strict=True
            ):
                total.add(float(a @ b))

    def merge(self, other: LossMoments) -> None:
        for i, moments in enumerate(other.moments):
            self.moments[i].merge(moments)
            self.divisors[i].merge(other.divisors[i])
            for mine, theirs in zip(self.squares[i], other.squares[i], strict=True):
                mine.merge(theirs)

    def fresh_copy(self) -> LossMoments:
        return LossMoments(len(self.moments))

    def standard_error(self, i: int) -> float:
        """Return the standard error of the mean of a loss, by the delta method for a ratio of sums."""
        moments = self.moments[i]
        divisor = self.divisors[i].value
        if not divisor:
            return moments.std / np.sqrt(moments.n) if moments.n else float("nan")
        aa, ab, bb = (total.value for total in self.squares[i])
        mean = moments.sum.value / divisor
        return float(np.sqrt(max(0.0, aa - 2 * mean * ab + mean * mean * bb)) / divisor)

    def effective_n(self, i: int) -> float | None:
        """Return Kish's effective number of rows of the shares; None where rows have no shares."""
        moments, squares = self.moments[i], self.squares[i][0].value
        total = moments.sum.value
        if not moments.n or not moments.low >= 0 or not 0 < total < np.inf or not 0 < squares < np.inf:
            return None
        return total * (total / squares)


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
