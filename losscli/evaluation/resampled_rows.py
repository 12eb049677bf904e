"""The rows of a dataset-wide loss, of which each resample is evaluated anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.form import WEIGHT
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.inputs import Inputs, join_inputs, take_rows
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, Estimand
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD, Drawn
from losscli.statistics.bootstrap.options import AUTO, FEWER_RESAMPLES, ConfidenceInterval, Resampling, min_resamples
from losscli.statistics.bootstrap.units import cluster_places, rows_of_blocks, too_few_units
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import NO_SPREAD, ONE_ROW

TOO_MANY_ROWS = f"more than {MAX_ROWS_HELD} rows are not evaluated anew for each resample"
NO_LENGTH = "how long blocks must be is found for means alone: give a number of rows"
ONE_NUMBER_HAS_NO_ERROR = "percentile interval: one number for all rows has no standard error"


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

        def numbers_of(drawn: Drawn) -> Array:
            if places is not None:
                drawn = drawn[:, places]
            elif block is not None:
                drawn = rows_of_blocks(drawn, block)
            return np.array([self._number(inputs, counts if order is None else counts[order]) for counts in drawn])

        resamples = resampling.resamples or max(FEWER_RESAMPLES, min_resamples(resampling.level))
        found = draws.over_resamples(draws.multinomial(units, resampling.seed, size), n, resamples, numbers_of)
        if undefined := int(np.count_nonzero(~np.isfinite(found))):
            return ConfidenceInterval.none(resampling, f"{undefined} of {resamples} resamples have no number")
        if found.min() == found.max():
            return ConfidenceInterval.none(resampling, NO_SPREAD)
        low, high = quantiles(found, None, resampling.tails)
        why = "" if resampling.method in ("auto", "percentile") else ONE_NUMBER_HAS_NO_ERROR
        interval = ConfidenceInterval(low, high, resampling.level, "percentile", resamples, resampling.seed, why)
        return interval.of_units(resampling, block, size)

    def _number(self, inputs: Inputs, counts: NDArray[np.int64]) -> float:
        """Return the number of a resample that has each row so many times (n,)."""
        index = np.flatnonzero(counts)
        drawn, times = take_rows(inputs, index, self._tables), counts[index].astype(np.float64)
        weight = times if drawn[WEIGHT] is None else drawn[WEIGHT] * times
        return self._evaluator.number_of(self._evaluator.counts({**drawn, WEIGHT: weight}))
