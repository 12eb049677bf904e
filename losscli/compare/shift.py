"""A loss as a function of a constant that is added to the predictions, and the constant that minimises it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from losscli.compare.subset import ADDITIVE_REDUCTIONS, ROWS_PER_EVALUATION, LossOnRows
from losscli.data.batch import Batch
from losscli.declaration.domains import EPS, Array, Interval, Mask
from losscli.declaration.properties import Property
from losscli.errors import LosscliError
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import feed
from losscli.statistics import minimizer
from losscli.statistics.quantiles import quantile
from losscli.statistics.summary import Accumulator

MAX_LOGIT = 40.0
"""The score at which a probability is 1 to all digits."""

MAX_COARSE_ROWS = 1 << 12
"""Rows of the first look at a loss that may have several minima."""

FAR, NEAREST_SHARE = 1e4, 0.1
"""A row is far off if it is so many times as far from the centre as this share of the rows."""

SMALL_STEP = float(np.finfo(float).eps) ** (1 / 3)
"""Steps, in distances of a row, of which its slopes tell the rise of its loss better than the losses themselves."""

NO_ROWS = np.empty(0, dtype=np.intp)


class ShiftedLoss:
    """The reduced loss of `base + c` as a function of the constant c.

    Losses of the residual alone are measured from those at a centre, row by row: next to the loss of one absurd row, a
    sum has no digits left for the others. Where the difference has none left for the absurd row itself, it is the mean
    of its slopes times the step.
    """

    def __init__(self, loss: LossOnRows, batch: Batch, row_minimizers: Array, centre: float) -> None:
        """Read `base` (N,) and the targets (N,) from y_pred and y_true of the batch."""
        self._loss = loss
        self._evaluator = evaluator = loss.evaluator
        is_of_residual_alone = Property.TRANSLATION_INVARIANT in evaluator.bound.properties
        if is_of_residual_alone:  # keeps all digits of the residuals
            batch = batch.changed(y_true=np.zeros(len(batch)), y_pred=-row_minimizers)
        arrays = {name: array for name, array in batch.arrays.items() if name in evaluator.form.names}
        self._batch = batch = replace(batch, arrays=arrays, extras={})
        self._row_minimizers, self._centre = row_minimizers, centre
        is_additive, hooks = loss.reduction in ADDITIVE_REDUCTIONS, evaluator.form.hooks
        self.has_slope = is_additive and "gradient" in hooks and not evaluator.coupled
        self._is_sum = is_additive and "denominator" not in hooks
        self._shifts_at_once = 1 if evaluator.coupled else max(1, ROWS_PER_EVALUATION // len(batch))
        self._tiled = batch
        self._reference: Array | float = 0.0
        self._far, self._distances, self._far_slopes = NO_ROWS, np.empty(0), np.empty(0)
        self._far_batch = batch
        if is_of_residual_alone and self._is_sum:
            self._measure_from_centre()

    def take(self, rows: Mask) -> ShiftedLoss:
        """Return the loss on the rows of a mask."""
        return ShiftedLoss(self._loss, self._batch.take(rows), self._row_minimizers[rows], self._centre)

    def slope(self, shift: float) -> float:
        """Return the weighted sum of the gradients; NaN outside of the loss's domain."""
        slopes, weight = self._slopes(self._batch, np.array([shift])), self._batch.weight
        if slopes is None:
            return math.nan
        return float(slopes.sum() if weight is None else (slopes * weight).sum())

    def excess(self, shifts: Array) -> Array:
        """Return the sum (K,) of the losses at some shifts, above that at the centre, or else their reduced loss.

        It is inf outside of the loss's domain.
        """
        step = self._shifts_at_once
        blocks = [shifts[start : start + step] for start in range(0, len(shifts), step)]
        return np.concatenate([self._excess_of_block(block) for block in blocks])

    def _excess_of_block(self, shifts: Array) -> Array:
        """Return the excess at as many shifts as are evaluated at once."""
        outcome = self._evaluate(self._tile(len(shifts)), shifts)
        if outcome is None and len(shifts) > 1:
            return np.concatenate([self._excess_of_block(shift) for shift in shifts[:, None]])
        if outcome is None:
            return np.full(1, np.inf)
        rows = len(self._batch)
        if not self._is_sum:
            parts = [np.arange(start, start + rows) for start in range(0, len(shifts) * rows, rows)]
            excess = np.array([self._reduce(outcome.take(part)) for part in parts])
        else:
            with np.errstate(all="ignore"):
                rises = outcome.per_sample.reshape(-1, rows) - self._reference
            self._correct_far_rows(rises, shifts)
            if outcome.counted is not None:
                rises = np.where(outcome.counted.reshape(rises.shape), rises, 0.0)
            excess = (rises if self._batch.weight is None else rises * self._batch.weight).sum(axis=1)
        return np.where(np.isnan(excess), np.inf, excess)

    def _evaluate(self, batch: Batch, shifts: Array) -> Outcome | None:
        """Return the outcome of a batch, to whose K blocks of rows K shifts are added; None outside of the domain."""
        try:
            return self._evaluator(add_shifts(batch, shifts))
        except LosscliError:
            return None

    def _slopes(self, batch: Batch, shifts: Array) -> Array | None:
        """Return the gradient by the predictions, with K shifts added to them; None if it fails."""
        try:
            return self._evaluator.slopes(add_shifts(batch, shifts))
        except LosscliError:
            return None

    def _tile(self, times: int) -> Batch:
        """Return the rows so many times, one after the other."""
        rows = len(self._batch)
        if len(self._tiled) < times * rows:
            self._tiled = self._batch.take(np.tile(np.arange(rows), times))
        return self._tiled if len(self._tiled) == times * rows else self._tiled.take(slice(0, times * rows))

    def _reduce(self, outcome: Outcome) -> float:
        accumulator = Accumulator(self._evaluator.bound.loss.reduction, self._loss.asked_reduction, quick=True)
        feed(accumulator, outcome, self._batch)
        return accumulator.value()

    def _measure_from_centre(self) -> None:
        """Keep the losses at the centre, and the slopes there of rows that are far from it."""
        outcome = self._evaluate(self._batch, np.array([self._centre]))
        if outcome is None or not np.isfinite(outcome.per_sample).all():
            return
        self._reference = outcome.per_sample
        distances = np.abs(self._row_minimizers - self._centre)
        far = np.flatnonzero(distances > FAR * quantile(distances, None, NEAREST_SHARE))
        if not far.size or not self.has_slope:
            return
        self._far_batch = self._batch.take(far)
        slopes = self._slopes(self._far_batch, np.array([self._centre]))
        if slopes is not None:
            self._far, self._distances, self._far_slopes = far, distances[far], slopes

    def _correct_far_rows(self, rises: Array, shifts: Array) -> None:
        """Overwrite the rises (K, N) of rows that are far off, compared with the step from the centre."""
        if not self._far.size:
            return
        steps = (shifts - self._centre)[:, None]
        is_small = np.abs(steps) < SMALL_STEP * self._distances
        known = np.flatnonzero(is_small.any(axis=1))
        tiled = self._far_batch.take(np.tile(np.arange(self._far.size), known.size))
        slopes = self._slopes(tiled, shifts[known]) if known.size else None
        if slopes is not None:
            slopes = slopes.reshape(known.size, -1)
            trapezoids = (slopes / 2 + self._far_slopes / 2) * steps[known]
            places = np.ix_(known, self._far)
            rises[places] = np.where(is_small[known], trapezoids, rises[places])


def add_shifts(batch: Batch, shifts: Array) -> Batch:
    """Return a batch with K shifts added to the predictions of its K blocks of rows."""
    with np.errstate(all="ignore"):
        y_pred = (batch.arrays["y_pred"].reshape(len(shifts), -1) + shifts[:, None]).reshape(-1)
    return batch.changed(y_pred=y_pred)


def minimize_shifted(
    loss: LossOnRows, batch: Batch, base: Array | None, sample: minimizer.StratifiedSample
) -> float | None:
    """Return the constant c that minimises the loss of `base + c` over a sample of rows; None if there is none.

    `base` (N,) is 0 if it is None; the targets of the batch are (N,) or (N, 1).
    """
    evaluator = loss.evaluator
    if len(sample.rows) < len(batch):
        mask = np.zeros(len(batch), dtype=bool)
        mask[sample.rows] = True
        batch = batch.take(mask)
    if sample.multiplicity is not None:
        weight = sample.multiplicity if batch.weight is None else batch.weight * sample.multiplicity
        batch = replace(batch, weight=weight)
    targets = batch.arrays["y_true"].reshape(-1)
    base = np.zeros(len(targets)) if base is None else base[sample.rows]
    if not targets.size:
        return None
    with np.errstate(all="ignore"):
        row_minimizers = targets - base
    interval = getattr(evaluator.domain("y_pred"), "interval", Interval())
    if evaluator.bound.loss.of_residual:
        low = max(float(row_minimizers.min()), interval.low - float(base.min()))
        high = max(low, float(row_minimizers.max()))
    else:
        low, high = max(-MAX_LOGIT, interval.low), min(MAX_LOGIT, interval.high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    centre = min(max(quantile(row_minimizers, None, 0.5), low), high)
    function = ShiftedLoss(loss, batch.changed(y_true=targets, y_pred=base), row_minimizers, centre)
    slope = function.slope if function.has_slope else None
    if slope and Property.CONVEX in evaluator.bound.properties:
        ends = low, high
        if "clipped" in evaluator.form.hooks and interval.high == 1:  # it is convex where nothing is clipped
            eps = evaluator.bound.params.get("eps", EPS)
            low, high = max(low, eps), min(high, 1 - eps)
        found: float | None = minimizer.minimize_by_slope(function.excess, slope, low, high)
        if found is not None and (low, high) != ends:
            found = minimizer.best_of(function.excess, (found, *ends))
    else:
        coarse = None
        if len(batch) > MAX_COARSE_ROWS and not evaluator.coupled:
            every = np.zeros(len(batch), dtype=bool)
            every[:: len(batch) // MAX_COARSE_ROWS] = True
            coarse = function.take(every).excess
        found = minimizer.minimize_by_value(function.excess, coarse, slope, row_minimizers, low, high)
    return None if found is None or not math.isfinite(found) else found
