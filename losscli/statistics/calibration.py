"""Calibration: how targets follow predictions, what miscalibration costs, and how far chance alone would go.

The CORP approach (Dimitriadis, Gneiting & Jordan 2021, doi:10.1073/pnas.2016191118; for means and quantiles Gneiting &
Resin 2023, doi:10.1214/23-EJS2180): predictions are recalibrated by isotonic regression, and

    score = miscalibration - discrimination + uncertainty

where miscalibration is the score minus that of the recalibrated predictions, uncertainty the score of the best
constant, and discrimination what the recalibrated predictions gain on it. Each is a mean of the loss's own values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.declaration.loss import BoundLoss
from losscli.losses._numerics import weigh
from losscli.statistics.consistency import ConsistentLoss, consistent_loss
from losscli.statistics.isotonic import Ties, find_ties, isotonic_means, isotonic_quantiles

LEVEL = 0.95
"""The level of consistency bands."""

MAX_POOLED_GROUPS = 1000
"""About how many groups predictions are pooled into for a consistency band."""

MAX_BAND_RESAMPLES, VALUES_RESAMPLED = 1000, 400_000
"""Most resamples, and how many values they may have together."""

MAX_ROWS_FOR_QUANTILES = 4000
"""Rows of which quantiles are resampled: they cannot be pooled, and fewer of many would be less certain."""

MAX_ERROR_OF_BAND = 1e-6
"""Error of a band, in interquartile ranges of the targets, up to which all resamples are fitted at once."""

CALIBRATION_COLUMNS = 2
"""Columns of a table by prediction before those of the losses: the target, and the variance by weight."""


class CalibrationTable(NamedTuple):
    """Rows, or pooled rows, in ascending order of their predictions.

    Attributes:
        prediction: The predictions as values of the functional (k,).
        target: The mean of the targets (k,).
        n_rows: How many rows each entry stands for (k,).
        weight: The sum of their weights (k,).
        variance: The sum of the squared weights by the variance of the target (k,): p (1 - p) of a probability,
            otherwise the squared residual.
        losses: The weighted sum of each loss (losses, k).
        is_exact: Whether each entry is one row.
        has_soft_targets: Whether some targets are probabilities, neither 0 nor 1.
    """

    prediction: Array
    target: Array
    n_rows: Array
    weight: Array
    variance: Array
    losses: Array
    is_exact: bool
    has_soft_targets: bool = False


class Decomposition(NamedTuple):
    """A score in three parts: `score = miscalibration - discrimination + uncertainty`."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


class Calibration(NamedTuple):
    """The isotonic fit of targets to predictions.

    Attributes:
        prediction: The distinct predictions in ascending order (k,).
        recalibrated: The fit at each (k,).
        weight: The sum of the weights at each (k,).
        n_rows: The number of rows at each (k,).
        best_constant: The functional of all targets.
    """

    prediction: Array
    recalibrated: Array
    weight: Array
    n_rows: Array
    best_constant: float


def summed_columns(loss: ConsistentLoss, targets: Array, keys: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return what is summed of rows (N,) by their predictions: targets, and the variance times the weight."""
    values = loss.values_of_keys(keys)
    if loss.is_probability:
        size = np.abs(keys)  # of p or 1 - p, whichever is smaller
        variance = size * (1 - size)
    else:
        variance = np.square(targets - values)
    return targets, variance if weight is None else variance * weight


def calibration_table(
    loss: ConsistentLoss,
    key: Array,
    n_rows: Array,
    weight: Array,
    sums: Array,
    is_exact: bool,
    has_soft_targets: bool = False,
) -> CalibrationTable:
    """Return a table by keys (k,) in ascending order, with sums (2 + losses, k), as one by predictions.

    Rows of weight 0 are left out.
    """
    n_negative = int(np.searchsorted(key, 0.0)) if loss.is_probability else 0
    if n_negative or not weight.min(initial=1.0) > 0:
        order = np.arange(key.size)  # negative keys are those of probabilities above a half
        order = np.concatenate([order[n_negative:], order[:n_negative]])
        order = order[weight[order] > 0]
        key, n_rows, weight, sums = key[order], n_rows[order], weight[order], sums[:, order]
    return CalibrationTable(
        loss.values_of_keys(key),
        sums[0] / weight,
        n_rows,
        weight,
        sums[1],
        sums[CALIBRATION_COLUMNS:],
        is_exact,
        has_soft_targets,
    )


def table_of_rows(loss: ConsistentLoss, y_true: Array, y_pred: Array, weight: Array | None = None) -> CalibrationTable:
    """Return the table of rows in memory: targets and predictions as the loss takes them, weights (N,)."""
    targets, keys = loss.targets(y_true), loss.keys(y_pred)
    weights = np.ones(targets.shape[0]) if weight is None else np.asarray(weight, dtype=np.float64)
    if targets.ndim > 1:  # every output counts as a row
        weights = np.repeat(weights / targets.shape[1], targets.shape[1])
        targets, keys = targets.ravel(), keys.ravel()
    return sorted_table(loss, targets, keys, weights, [loss.losses(targets, loss.values_of_keys(keys))])


def sorted_table(
    loss: ConsistentLoss,
    targets: Array,
    keys: Array,
    weight: Array,
    losses: Sequence[Array],
    n_rows: Array | None = None,
) -> CalibrationTable:
    """Return the table of rows (N,) by the keys of their predictions, with the values of losses, each (N,).

    `n_rows` is how many rows each stands for (N,); None for itself.
    """
    order = np.argsort(keys, kind="stable")
    n_rows, weights = np.ones(order.size) if n_rows is None else n_rows[order], weight[order]
    columns = (*summed_columns(loss, targets, keys, weight), *losses)
    sums = np.empty((len(columns), order.size))
    for row, column in zip(sums, columns, strict=True):
        np.multiply(column[order], weights, out=row)
    return calibration_table(loss, keys[order], n_rows, weights, sums, True)


def calibrate(loss: ConsistentLoss, table: CalibrationTable) -> Calibration:
    """Return the isotonic fit of the targets to the predictions; rows of one prediction are pooled first."""
    ties = find_ties(table.prediction)
    weight, n_rows = np.add.reduceat(table.weight, ties.start), np.add.reduceat(table.n_rows, ties.start)
    if loss.functional.name == "quantile":
        fit = isotonic_quantiles(table.target, table.weight, loss.functional.level, ties)[ties.start]
    else:
        fit = isotonic_means(np.add.reduceat(table.target * table.weight, ties.start) / weight, weight)
    return Calibration(ties.key, fit, weight, n_rows, _best_constant(loss, table))


def _best_constant(loss: ConsistentLoss, table: CalibrationTable) -> float:
    if loss.functional.name == "mean":
        return float(np.dot(table.target, table.weight) / table.weight.sum())
    return lower_quantile(table.target, table.weight, loss.functional.level)


def lower_quantile(values: Array, weight: Array, level: float) -> float:
    """Return the lowest constant of least pinball loss for values (N,) with weights (N,)."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    wanted = level * cumulated[-1] - 2e-12 * level * (1 - level) * cumulated[-1]
    return float(values[order[np.searchsorted(cumulated, wanted)]])


def decompose(loss: ConsistentLoss, table: CalibrationTable, calibration: Calibration, index: int = 0) -> Decomposition:
    """Decompose the score of a loss, the `index`-th of a table, whose fit is known.

    Of pooled rows whose targets are 0 or 1 the losses of both are added. Of others the loss of a recalibrated
    prediction is that of their own predictions, less the difference for the mean of their targets: exact where the
    predictions that are pooled are equal.
    """
    score = float(table.losses[index].sum()) / float(table.weight.sum())
    return decompose_score(score, loss, table, calibration, index)


def decompose_score(
    score: float, loss: ConsistentLoss, table: CalibrationTable, calibration: Calibration, index: int = 0
) -> Decomposition:
    """Decompose a score that is known; without pooled rows the table needs no losses."""
    total = float(table.weight.sum())
    fit = calibration.recalibrated[find_ties(table.prediction).of_row]
    constant = np.full(fit.size, calibration.best_constant)
    recalibrated, uncertainty = (
        float(_losses_if_predicted(loss, table, values, index).sum()) / total for values in (fit, constant)
    )
    return Decomposition(score, score - recalibrated, uncertainty - recalibrated, uncertainty)


def _losses_if_predicted(loss: ConsistentLoss, table: CalibrationTable, values: Array, index: int) -> Array:
    """Return the weighted sum of the losses of each entry (k,) if its rows had other predictions (k,)."""
    with np.errstate(all="ignore"):
        if table.is_exact:
            return table.weight * loss.losses(table.target, values)
        if loss.is_probability and not (table.has_soft_targets and loss.curves_in_target()):
            ends = [loss.losses(np.full(values.size, label), values) for label in (0.0, 1.0)]
            return table.weight * (weigh(1 - table.target, ends[0]) + weigh(table.target, ends[1]))
        gain = loss.losses(table.target, table.prediction) - loss.losses(table.target, values)
        return np.asarray(table.losses[index] - table.weight * gain)


def decompose_rows(bound: BoundLoss, y_true: Array, y_pred: Array, weight: Array | None = None) -> Decomposition:
    """Decompose the mean of a loss over rows (N,) or (N, K) in memory, with weights (N,).

    Raises:
        UsageError: The loss is consistent for no functional that is known here.
    """
    is_of_classes = np.ndim(y_true) == 1 and np.ndim(y_pred) == 2 and np.shape(y_pred)[1] > 1
    loss = consistent_loss(bound, bound.loss.forms[-1 if is_of_classes else 0])
    table = table_of_rows(loss, np.asarray(y_true), np.asarray(y_pred), weight)
    return decompose(loss, table, calibrate(loss, table))


class ConsistencyBand(NamedTuple):
    """Where the fit of a calibrated model lies, at each prediction (k,), with a probability of LEVEL.

    `outside_by_chance` is the share of the weight at which such a fit is outside, exceeded with a probability of
    1 - LEVEL: at one prediction or another most fits leave a band that holds at each.
    """

    prediction: Array
    low: Array
    high: Array
    resamples: int
    outside_by_chance: float = 0.0


def consistency_band(
    loss: ConsistentLoss, table: CalibrationTable, level: float = LEVEL, seed: int = 0, resamples: int | None = None
) -> ConsistencyBand | None:
    """Return the band by resampling targets under the hypothesis that the predictions are right.

    None where a prediction or a squared residual is infinite, and for quantiles of more rows than
    MAX_ROWS_FOR_QUANTILES.

    The predictions stay. The targets of a probability p are drawn with it (Dimitriadis et al. 2021; of pooled rows from
    the binomial distribution, of rows with unequal weights from one of as many rows as have that variance). Those of a
    mean are the prediction plus the residual with a random sign, so that their spread may differ from row to row (the
    wild bootstrap under the hypothesis: Liu 1988, doi:10.1214/aos/1176351062; Davidson & Flachaire 2008,
    doi:10.1016/j.jeconom.2008.08.003); of pooled rows it is a normal variable of the same variance. Predictions are
    pooled into at most about a thousand groups first. The targets of a quantile are the prediction plus a residual of
    any row, less the quantile of all residuals: their spread is taken to be the same for all rows (Gneiting et al.
    2023, doi:10.1146/annurev-statistics-032921-020240).
    """
    if not (np.isfinite(table.prediction).all() and np.isfinite(table.variance).all()):
        return None
    rng = np.random.Generator(np.random.PCG64(seed))
    if loss.functional.name == "quantile":
        if table.target.size > MAX_ROWS_FOR_QUANTILES:
            return None
        prediction, weight, fits = _resample_quantiles(loss, table, rng, resamples)
    else:
        prediction, weight, fits = _resample_group_means(loss, table, rng, resamples)
    low, high = np.quantile(fits, [(1 - level) / 2, (1 + level) / 2], axis=0)
    slack = MAX_ERROR_OF_BAND * float(fits.max() - fits.min())
    outside = ((fits < low - slack) | (fits > high + slack)) @ weight / weight.sum()
    by_chance = float(np.quantile(outside, level))
    if table.target.min() >= 0:  # nor are means of such targets negative
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    return ConsistencyBand(prediction, low, high, len(fits), by_chance)


def _resample_group_means(
    loss: ConsistentLoss, table: CalibrationTable, rng: np.random.Generator, resamples: int | None
) -> tuple[Array, Array, Array]:
    """Return groups of predictions (k,), their weights (k,), and the fits to their resampled targets (resamples, k)."""
    first = _group_starts(table)
    weight, n_rows = np.add.reduceat(table.weight, first), np.add.reduceat(table.n_rows, first)
    centre = np.add.reduceat(table.prediction * table.weight, first) / weight
    variance = np.add.reduceat(table.variance, first) / np.square(weight)
    shape = resamples or min(MAX_BAND_RESAMPLES, max(1, VALUES_RESAMPLED // centre.size)), centre.size
    if loss.is_probability:
        p = np.clip(centre, 0.0, 1.0)
        with np.errstate(all="ignore"):
            rows = np.where(variance > 0, p * (1 - p) / variance, n_rows)
        rows = np.clip(np.rint(rows), 1, n_rows)
        drawn = rng.binomial(rows.astype(np.int64), p, shape) / rows
    else:
        noise = np.where(n_rows == 1, 2.0 * rng.integers(0, 2, shape) - 1, rng.standard_normal(shape))
        drawn = centre + np.sqrt(variance) * noise
    fits = _fit_each(drawn, lambda rows: isotonic_means(rows.ravel(), np.tile(weight, len(rows))).reshape(rows.shape))
    return centre, weight, fits


def _resample_quantiles(
    loss: ConsistentLoss, table: CalibrationTable, rng: np.random.Generator, resamples: int | None
) -> tuple[Array, Array, Array]:
    """Return the distinct predictions (k,), their weights (k,), and the fits to resampled targets (resamples, k)."""
    quantile, n = loss.functional.level, table.target.size
    residual = table.target - table.prediction
    residual -= lower_quantile(residual, table.weight, quantile)
    shape = resamples or min(MAX_BAND_RESAMPLES, max(1, VALUES_RESAMPLED // (2 * n))), n
    drawn = table.prediction + rng.choice(residual, shape, p=table.weight / table.weight.sum())
    ties = find_ties(table.prediction)

    def fit(rows: Array) -> Array:
        of_row = (ties.of_row + ties.key.size * np.arange(len(rows))[:, None]).ravel()
        several = Ties(ties.key, ties.start, of_row)
        return isotonic_quantiles(rows.ravel(), np.tile(table.weight, len(rows)), quantile, several).reshape(rows.shape)

    return ties.key, np.add.reduceat(table.weight, ties.start), _fit_each(drawn, fit)[:, ties.start]


def _fit_each(drawn: Array, fit: Callable[[Array], Array]) -> Array:
    """Return the fits (R, k) to resamples (R, k): all at once, each moved above the last one, if digits allow that."""
    reach = float(drawn.max() - drawn.min())
    lift = np.asarray((reach + reach / 2) * np.arange(len(drawn))[:, None])
    spread = float(np.subtract(*np.quantile(drawn[0], [0.75, 0.25])))
    if lift[-1, 0] * np.finfo(float).eps > MAX_ERROR_OF_BAND * spread:
        return np.concatenate([fit(row[None]) for row in drawn])
    return fit(drawn + lift) - lift


def _group_starts(table: CalibrationTable) -> NDArray[np.intp]:
    """Return the first entry of each group of entries: of about as many rows, and of a small range of predictions."""
    ties = find_ties(table.prediction)
    if ties.key.size <= MAX_POOLED_GROUPS:
        return ties.start
    rank = np.cumsum(np.add.reduceat(table.n_rows, ties.start))
    half = MAX_POOLED_GROUPS // 2
    by_rows = np.ceil(rank / rank[-1] * half)
    low, high = np.quantile(ties.key, [0.0, 1.0])
    by_range = np.floor((ties.key - low) / (high - low) * half)
    is_first = np.ones(ties.key.size, dtype=bool)
    is_first[1:] = (np.diff(by_rows) > 0) | (np.diff(by_range) > 0)
    return ties.start[is_first]


def leaving(calibration: Calibration, band: ConsistencyBand) -> NDArray[np.int64]:
    """Return on which side of the band the fit lies at each prediction (k,): -1 below, 0 inside, 1 above."""
    low = np.interp(calibration.prediction, band.prediction, band.low)
    high = np.interp(calibration.prediction, band.prediction, band.high)
    slack = 1e-12 * max(1.0, float(np.abs(calibration.recalibrated).max(initial=0.0)))
    above = calibration.recalibrated > high + slack
    below = calibration.recalibrated < low - slack
    return above.astype(np.int64) - below.astype(np.int64)
