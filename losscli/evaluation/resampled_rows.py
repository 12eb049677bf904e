"""The rows of a dataset-wide loss, of which each resample is evaluated anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.form import WEIGHT
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.inputs import Inputs, join_inputs, take_rows
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, Estimand
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD, Drawn
from losscli.statistics.bootstrap.options import (
    AUTO,
    FEWER_RESAMPLES,
    MIN_ROWS_FOR_LEVEL,
    ConfidenceInterval,
    Resampling,
    min_resamples,
)
from losscli.statistics.bootstrap.units import cluster_places, rows_of_blocks, too_few_units
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import NO_SPREAD, ONE_ROW

TOO_MANY_ROWS = f"more than {MAX_ROWS_HELD} rows are not evaluated anew for each resample"
NO_LENGTH = "how long blocks must be is found for means alone: give a number of rows"
PERCENTILE_ALONE = "percentile interval: dataset-wide losses have no other"

MAX_SHARE_LEFT_OUT = 0.05
"""Share of the resamples that may have no number, or lack a class of the data: with more, the rest is a choice."""

MIN_ROWS_FOR_PERCENTILE = 30
"""Rows (clusters, blocks, rows of a class) below which percentile intervals are too short: of 20 rows, those of
average precision hold the value in 85 % of samples, and those of the area under the curve in 89 %."""


class ClassesOfRows(NamedTuple):
    """The place of each row's label among the classes that occur (n,), None where rows have no classes, and the number
    of rows of each class (c,).
    """

    places: NDArray[np.intp] | None
    counts: NDArray[np.intp]

    def are_all_in(self, drawn: NDArray[np.int64]) -> bool:
        """Return whether a resample that has each row so many times (n,) has all classes."""
        if self.places is None:
            return True
        return bool((np.bincount(self.places, drawn, len(self.counts)) > 0).all())

    def too_few(self, units: int, what: str) -> str:
        """Return what there is too little of for an interval; empty if there is enough."""
        if units < MIN_ROWS_FOR_PERCENTILE:
            return f"{units} {what}"
        least = min(self.counts.tolist(), default=MIN_ROWS_FOR_PERCENTILE)
        return f"{least} row{'' if least == 1 else 's'} of a class" if least < MIN_ROWS_FOR_PERCENTILE else ""


class ResampledRows(Bootstrap):
    """The rows that count, in their order; a row that is drawn twice has twice its weight.

    More than MAX_ROWS_HELD are not kept, and have no interval.
    """

    def __init__(self, resampling: Resampling, evaluator: Evaluator, refusal: str = "") -> None:
        super().__init__(resampling, Estimand.MEAN, refusal)
        self._evaluator = evaluator
        self._parts: list[Inputs] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._clusters: list[NDArray[np.uint64]] = []
        self._tables: frozenset[str] = frozenset()

    def add_inputs(
        self, numbers: NDArray[np.int64], inputs: Inputs, clusters: NDArray[np.uint64] | None, tables: frozenset[str]
    ) -> None:
        """Add rows with these numbers, from 1, which are resampled together where their clusters are equal."""
        self.n += len(numbers)
        if self.refusal:
            return
        self._parts.append(inputs)
        self._numbers.append(numbers)
        self._clusters += [] if clusters is None else [clusters]
        self._tables = tables
        self._drop_if_too_many()

    def merge(self, other: Bootstrap) -> None:
        assert isinstance(other, ResampledRows)
        self.n += other.n
        self._parts += other._parts
        self._numbers += other._numbers
        self._clusters += other._clusters
        self._tables |= other._tables
        self._drop_if_too_many()

    def _drop_if_too_many(self) -> None:
        if self.n > MAX_ROWS_HELD:
            self.refusal = self.refusal or TOO_MANY_ROWS
            self._parts, self._numbers, self._clusters = [], [], []

    def reason_for_none(self) -> str:
        return self.refusal or (NO_LENGTH if self.resampling.block == AUTO else ONE_ROW if self.n < 2 else "")

    def own_interval(self) -> ConfidenceInterval:
        """Return the percentile interval of the number over the resamples, or why there is none."""
        resampling, n = self.resampling, self.n
        block = resampling.block if isinstance(resampling.block, int) and resampling.block > 1 else None
        places, units, size = None, n, n
        if self._clusters:
            places = cluster_places(np.concatenate(self._numbers), np.concatenate(self._clusters))
            units = size = int(places.max()) + 1
        elif block is not None:
            if block > n:
                return ConfidenceInterval.none(resampling, f"a block of {block} rows is longer than its {n}")
            size = -(-n // block)
        if why := too_few_units(size, resampling):
            return ConfidenceInterval.none(resampling, why)
        inputs, order = join_inputs(self._parts, self._tables), None
        scores = inputs.get("y_pred")
        if self._evaluator.coupled and scores is not None and scores.ndim == 1:
            order = np.argsort(scores, kind="stable")  # once, and not in each resample
            inputs = take_rows(inputs, order, self._tables)

        classes = self._classes(inputs)

        def numbers_of(drawn: Drawn) -> Array:
            """Return the number of each resample (m, 2), and whether all classes of the data are in it."""
            if places is not None:
                drawn = drawn[:, places]
            elif block is not None:
                drawn = rows_of_blocks(drawn, block)
            drawn = drawn if order is None else drawn[:, order]
            return np.array([(self._number(inputs, counts), classes.are_all_in(counts)) for counts in drawn])

        resamples = resampling.resamples or max(FEWER_RESAMPLES, min_resamples(resampling.level))
        found = draws.over_resamples(draws.multinomial(units, resampling.seed, size), n, resamples, numbers_of)
        return self._interval_of(found, classes, block, size)

    def _interval_of(self, found: Array, classes: ClassesOfRows, block: int | None, size: int) -> ConfidenceInterval:
        """Return the interval of the numbers of resamples (B, 2) that there are, if enough are of all classes."""
        resampling, (numbers, is_whole) = self.resampling, found.T
        without = 1 - np.isfinite(numbers).mean()
        if without > MAX_SHARE_LEFT_OUT:
            return ConfidenceInterval.none(resampling, f"{percent_text(without)} of the resamples have no number")
        if (lacking := 1 - is_whole.mean()) > MAX_SHARE_LEFT_OUT:
            return ConfidenceInterval.none(resampling, f"{percent_text(lacking)} of the resamples lack a class")
        known = numbers[np.isfinite(numbers)]
        if known.min() == known.max():
            return ConfidenceInterval.none(resampling, NO_SPREAD)
        low, high = quantiles(known, None, resampling.tails)
        why = "" if resampling.method in ("auto", "percentile") else PERCENTILE_ALONE
        interval = ConfidenceInterval(low, high, resampling.level, "percentile", len(found), resampling.seed, why)
        if without:
            interval = interval.warned(f"without the {percent_text(without)} of the resamples that have no number")
        if size >= MIN_ROWS_FOR_LEVEL and (few := classes.too_few(size, self._what(block))):
            interval = interval.warned(f"it is too short with {few}")
        return interval.of_units(resampling, block, size)

    def _what(self, block: int | None) -> str:
        """Return what is resampled."""
        return "rows" if block is None and not self._clusters else "clusters" if self._clusters else "blocks"

    def _classes(self, inputs: Inputs) -> ClassesOfRows:
        """Return the classes of the rows, where the first role is labels."""
        role = self._evaluator.form.names[0]
        array = np.asarray(inputs[role]) if self._evaluator.domain(role).is_label else np.zeros(0)
        if array.ndim != 1 or not len(array):
            return ClassesOfRows(None, np.zeros(0, dtype=np.intp))
        _, places, counts = np.unique(array, return_inverse=True, return_counts=True)
        return ClassesOfRows(places, counts)

    def _number(self, inputs: Inputs, counts: NDArray[np.int64]) -> float:
        """Return the number of a resample that has each row so many times (n,)."""
        index = np.flatnonzero(counts)
        drawn, times = take_rows(inputs, index, self._tables), counts[index].astype(np.float64)
        weight = times if drawn[WEIGHT] is None else drawn[WEIGHT] * times
        return self._evaluator.number_of(self._evaluator.counts({**drawn, WEIGHT: weight}))


def percent_text(share: float) -> str:
    """Return a share as a percentage of two digits."""
    return f"{100 * share:.2g} %"
