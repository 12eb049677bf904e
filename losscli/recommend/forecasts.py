"""Forecasts in columns beside y_pred: quantiles with the targets they cover, and variances with the errors they fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.recommend.beside import USUAL_LEVELS, BesideColumns, numbers_beside


class QuantileForecast(NamedTuple):
    """A column of predicted quantiles: its level, and the share of the targets below it with its standard error.

    `is_assumed` is whether the level is the usual one that is nearest to what an interval covers.
    """

    column: str
    level: float
    below: float
    error: float
    values: Array
    is_assumed: bool = False


class SpreadForecast(NamedTuple):
    """A column of predicted variances or standard deviations, and the mean of e²/variance with its standard error.

    `ratio_of_squares` is that mean if the column holds standard deviations.
    """

    column: str
    is_deviation: bool
    ratio: float
    error: float
    ratio_of_squares: float
    n_lacking: int
    variance: Array


def quantile_forecasts(batch: Batch, beside: BesideColumns) -> list[QuantileForecast]:
    """Return the columns of quantiles of rows with one target each, by level."""
    y, found = batch.arrays["y_true"], []
    weight = np.ones(len(y)) if batch.weight is None else batch.weight
    columns = {q.column: numbers_beside(batch, q.column) for q in beside.quantiles}
    present = np.isfinite(np.stack([*columns.values()])).all(axis=0) if columns else np.zeros(len(y), dtype=bool)
    if y.ndim > 1 or not present.any():
        return []
    weight = weight[present] / weight[present].sum()
    below = {name: covered_share(y[present], values[present], weight) for name, values in columns.items()}
    for quantile in beside.quantiles:
        level = quantile.level
        if level is None:
            tails = sum(abs(below[q.column] - (q.end == "upper")) for q in beside.quantiles if q.level is None)
            level = usual_tail(tails)
            level = 1 - level if quantile.end == "upper" else level
        error = math.sqrt(level * (1 - level) * float(weight @ weight))
        values = columns[quantile.column]
        found.append(
            QuantileForecast(quantile.column, level, below[quantile.column], error, values, quantile.level is None)
        )
    return sorted(found, key=lambda forecast: forecast.level)


def covered_share(y: Array, values: Array, weight: Array) -> float:
    """Return the share of the targets below their quantile; a target equal to it counts half."""
    return float(((y < values) + 0.5 * (y == values)) @ weight)


def usual_tail(outside: float) -> float:
    """Return the share that each tail of the usual interval leaves out which covers nearly what this one does."""
    normal = NormalDist()
    outside = min(max(outside, 1e-4), 1 - 1e-4)
    level = min(USUAL_LEVELS, key=lambda u: abs(normal.inv_cdf((1 - u) / 2) - normal.inv_cdf(outside / 2)))
    return round((1 - level) / 2, 6)


def crossing_share(forecasts: Sequence[QuantileForecast]) -> float:
    """Return the share of the rows in which a quantile is above one of a higher level."""
    if len(forecasts) < 2:
        return 0.0
    values = np.stack([forecast.values for forecast in forecasts])
    return float((np.diff(values, axis=0) < 0).any(axis=0).mean())


def spread_forecasts(batch: Batch, beside: BesideColumns) -> Iterator[SpreadForecast]:
    """Yield the columns of variances and standard deviations of rows with one target each."""
    y, p = batch.arrays["y_true"], batch.arrays["y_pred"]
    for column, is_deviation in ((beside.variance, False), (beside.deviation, True)):
        if column is None or y.ndim > 1 or p.ndim > 1:
            continue
        given = numbers_beside(batch, column)
        variance = np.square(given) if is_deviation else given
        known = variance > 0
        errors = np.square(p[known] - y[known])
        squares = errors / variance[known]
        if squares.size and not (given < 0).any():
            error, lacking = float(squares.std()) / math.sqrt(squares.size), int(np.isnan(given).sum())
            of_squares = float((errors / np.square(given[known])).mean())
            yield SpreadForecast(column, is_deviation, float(squares.mean()), error, of_squares, lacking, given)
