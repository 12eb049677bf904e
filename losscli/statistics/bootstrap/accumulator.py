"""What bootstrap intervals need of a loss's rows, kept while batches go by; mergeable.

Rows are resampled whole, each with its loss, weight and divisor, so that a weighted mean is a ratio of two sums over
the same rows. While the rows of a loss are at most LIMIT they are held, to be resampled as Efron (1979) does; beyond
that they stream through a Poisson bootstrap, which keeps two sums a resample (Chamandy et al. 2012).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.loss import Reduction
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.draws import BLOCK, LIMIT
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.quantiles import Quantiles
from losscli.statistics.ratios import Totals

COUPLED = "its rows are coupled: resampling them one by one would not be evaluating it on other data"


class Estimand(enum.StrEnum):
    """What the interval is of."""

    MEAN = "mean"
    ROOT_MEAN = "root_mean"
    SUM = "sum"
    MEDIAN = "median"
    MAX = "max"

    @classmethod
    def of(cls, own: Reduction, asked: str) -> Estimand:
        """What a loss comes to by its own reduction, or by the one that was asked for instead of it."""
        return cls(own.value if asked == "mean" else asked)


REFUSALS = {
    Estimand.MAX: "the largest loss has no bootstrap interval: no resample sees beyond it"  # Bickel & Freedman 1981
}


class Rows(NamedTuple):
    """Some rows that count: numbers from 1 (n,), losses (n,) or (n, m), weights (n,) and divisors (n,), None for 1."""

    numbers: NDArray[np.int64]
    values: Array
    weight: Array | None
    divisor: Array | None

    @property
    def weights(self) -> Array:
        return np.ones(len(self.numbers)) if self.weight is None else self.weight

    @property
    def blocks(self) -> NDArray[np.int64]:
        return (self.numbers - 1) // BLOCK

    def terms(self, estimand: Estimand) -> Array:
        """What each row adds to numerator and denominator (n, 2)."""
        values = self.values if self.weight is None else self.values * self.weight
        if estimand is Estimand.SUM:  # n times the mean of the rows' weighted losses
            return np.stack([values, np.ones(len(values))], axis=1)
        return np.stack([values, self.weights if self.divisor is None else self.weights * self.divisor], axis=1)

    def where(self, kept: NDArray[Any]) -> Rows:
        return Rows(*(None if column is None else column[kept] for column in self))  # type: ignore[arg-type]


def joined(parts: Sequence[Rows]) -> Rows:
    """Several parts as one, in the order of the row numbers."""
    columns = [None if column[0] is None else np.concatenate(column) for column in zip(*parts, strict=True)]
    rows = Rows(*columns)  # type: ignore[arg-type]
    ordered = bool((np.diff(rows.numbers) > 0).all())
    return rows if ordered else rows.where(np.argsort(rows.numbers, kind="stable"))


class Bootstrap:
    """What is kept of one loss for its interval, while batches go by; those of parts merge.

    Rows are held while there are at most `limit` of them and the method allows it; then they wait only until their
    block is complete, and `settle` adds them to the totals of the resamples.
    """

    def __init__(self, asked: Resampling, estimand: Estimand, refusal: str = "", limit: int = LIMIT) -> None:
        self.asked = asked
        self.estimand = estimand
        self.refusal = refusal or REFUSALS.get(estimand, "")
        self.limit = 0 if asked.method == "poisson" else limit
        self.n = 0
        self.finite = True
        self.pending_rows: list[Rows] = []
        self.totals: Totals | None = None
        self.sketch: Sketch | None = None

    def add(self, numbers: NDArray[np.int64], values: Array, weight: Array | None, divisor: Array | None) -> None:
        """Add rows, all of which count, by what they are made of."""
        self.update(Rows(numbers, values, weight, divisor))

    def update(self, rows: Rows) -> None:
        """Add rows, all of which count."""
        self.n += len(rows.numbers)
        self.finite = self.finite and bool(np.isfinite(rows.values).all())
        if self.refusal or not self.finite:
            self.pending_rows.clear()
            return
        self.pending_rows.append(rows)
        self._spill()

    def merge(self, other: Bootstrap) -> None:
        self.n += other.n
        self.finite = self.finite and other.finite
        self.pending_rows += other.pending_rows
        for mine, theirs in ((self.totals, other.totals), (self.sketch, other.sketch)):
            if mine is not None and theirs is not None:
                mine.merge(theirs)  # type: ignore[arg-type]
        self.totals = self.totals or other.totals
        self.sketch = self.sketch or other.sketch
        self._spill()

    def _spill(self) -> None:
        """Once there are too many rows to hold, let them go."""
        if self.n <= self.limit:
            return
        if self.estimand is Estimand.MEDIAN:
            self.sketch = self.sketch or Sketch()
            for rows in self.pending_rows:
                self.sketch.update(rows)
            self.pending_rows.clear()
        elif self.totals is None:
            self.totals = Totals(self.asked.n_resamples_streaming)

    def take(self, before: float) -> dict[int, Array]:
        """The terms (BLOCK, 2) of the blocks that end at or before a row, by block; those rows wait no longer."""
        if self.totals is None or not self.pending_rows:
            return {}
        rows = joined(self.pending_rows)
        done = (rows.blocks + 1) * BLOCK <= before
        self.pending_rows = [rows.where(~done)] if not done.all() else []
        rows = rows.where(done)
        blocks, starts = np.unique(rows.blocks, return_index=True)
        terms, positions = rows.terms(self.estimand), (rows.numbers - 1) % BLOCK
        taken = {int(block): np.zeros((BLOCK, 2)) for block in blocks}
        for block, some in zip(taken, np.split(np.arange(len(terms)), starts[1:]), strict=False):
            taken[block][positions[some]] = terms[some]
        return taken


class Sketch:
    """What the interval of the median of many rows needs: the quantiles, the sum of weights and that of squares."""

    def __init__(self) -> None:
        self.quantiles = Quantiles()
        self.first = self.second = 0.0
        self.wide = False

    def update(self, rows: Rows) -> None:
        weights = rows.weights
        self.wide = self.wide or rows.values.ndim > 1
        self.first += float(weights.sum())
        self.second += float(weights @ weights)
        if not self.wide:
            self.quantiles.update(rows.values, rows.weight)

    def merge(self, other: Sketch) -> None:
        self.quantiles.merge(other.quantiles)
        self.first += other.first
        self.second += other.second
        self.wide = self.wide or other.wide


def draw_completed_blocks(bootstraps: Sequence[Bootstrap], before: float = math.inf) -> None:
    """Draw for the rows whose blocks end by a row number; all losses and groups share each block's draws."""
    taken = [(bootstrap, bootstrap.take(before)) for bootstrap in bootstraps]
    for block in sorted({block for _, blocks in taken for block in blocks}):
        there = [(bootstrap, blocks[block]) for bootstrap, blocks in taken if block in blocks]
        asked = there[0][0].asked
        columns = np.concatenate([terms for _, terms in there], axis=1)
        drawn = draws.sums(draws.poisson(block, asked.seed), columns, asked.n_resamples_streaming)
        for (bootstrap, _), sums in zip(there, np.split(drawn, len(there), axis=1), strict=True):
            assert bootstrap.totals is not None
            bootstrap.totals.add(sums)
