"""Scores of several predicted quantiles, a row of levels `taus` for each outcome."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, Score
from losscli.declaration.domains.intervals import Interval
from losscli.declaration.domains.levels import Levels, QuantileRows, order_of_levels
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import weigh

RowOfQuantiles = Annotated[Array, QuantileRows()]
Taus = Annotated[tuple[float, ...], Levels()]
SymmetricTaus = Annotated[tuple[float, ...], Levels(Interval(0, 1, low_open=True, high_open=True), symmetric=True)]

QUANTILES = {
    "q": "a row of y_pred",
    "q_k": "the quantile of level tau_k",
    "k": "a level",
    "tau_k": "a level of taus",
    "y": "y_true",
    "Q": "the number of levels",
    "K": "the number of intervals: pairs of levels alpha_k/2 and 1 - alpha_k/2",
    "alpha_k": "2 tau_k",
    "m": "the median, of level 1/2",
    "IS_k": "the interval_score of the k-th interval",
}

quantiles_loss = partial(
    loss,
    family="quantiles",
    unit="y",
    symbols=QUANTILES,
    properties=Property.CONVEX | Property.BOUNDED_GRADIENT,
    elicits="the taus-quantiles",
)

KOENKER_BASSETT = "Koenker & Bassett 1978, doi:10.2307/1913643"


def mean_pinball(y_true: Array, y_pred: Array, taus: tuple[float, ...]) -> Array:
    """Compute the mean of the pinball losses of a row's quantiles."""
    levels, gap = np.asarray(taus), y_true[:, None] - y_pred
    return np.asarray(weigh(np.where(gap >= 0, levels, levels - 1), gap).mean(axis=1))


def mean_pinball_slope(y_true: Array, y_pred: Array, taus: tuple[float, ...]) -> Array:
    """Compute ([y < q_k] - tau_k) / Q."""
    return ((y_true[:, None] < y_pred) - np.asarray(taus)) / len(taus)


def crossing_rows(y_true: Array, y_pred: Array, *, taus: tuple[float, ...]) -> Iterator[Remark]:
    """Yield the rows in which a higher level has a lower number."""
    ordered = y_pred[:, order_of_levels(taus)]
    odd = (ordered[:, 1:] < ordered[:, :-1]).any(axis=1)
    yield Remark("y_pred", odd, "quantiles cross: one of a higher level is lower; they are read as they are")


@quantiles_loss(
    aliases=("quantile_set", "mqloss", "multi_quantile_loss", "多分位数损失"),
    formula="mean_k max(tau_k (y - q_k), (tau_k - 1) (y - q_k))",
    references=(KOENKER_BASSETT,),
    equivalents=(
        same(
            "sklearn",
            "np.mean([sklearn.metrics.mean_pinball_loss(y_true, q, alpha=tau) for q, tau in zip(y_pred.T, taus)])",
        ),
        ("others", "scoringrules: crps_quantile / 2, for levels inside of (0, 1)"),
    ),
)
def multi_quantile(y_true: Score, y_pred: RowOfQuantiles, *, taus: Taus) -> Array:
    """The mean of the pinball losses of several predicted quantiles.

    Column k of y_pred is the quantile of level taus[k]. One level is quantile(tau).
    Use: a model that predicts several quantiles; a distribution that is given by its quantiles.
    Avoid: comparing values of different taus: each level has a size of its own.
    Pitfalls: levels in another order than the columns give a number all the same; the mean says nothing of quantiles
    that cross, which a note counts.
    """
    return mean_pinball(y_true, y_pred, taus)


@multi_quantile.gradient
def _(y_true: Array, y_pred: Array, *, taus: tuple[float, ...]) -> Array:
    """([y < q_k] - tau_k) / Q"""
    return mean_pinball_slope(y_true, y_pred, taus)


multi_quantile.warn(crossing_rows)


@quantiles_loss(
    aliases=("quantile_crps", "qcrps"),
    formula="2 mean_k max(tau_k (y - q_k), (tau_k - 1) (y - q_k))",
    references=("Laio & Tamea 2007, doi:10.5194/hess-11-1267-2007", KOENKER_BASSETT),
    equivalents=(same("scoringrules", "scoringrules.crps_quantile(y_true, y_pred, taus)"),),
)
def crps_quantile(y_true: Score, y_pred: RowOfQuantiles, *, taus: Taus) -> Array:
    """The CRPS of a distribution that is given by its quantiles, approximated: twice multi_quantile.

    The approximation is good for many levels, evenly spaced: 1/(2Q), 3/(2Q), ...
    Use: quantiles of a whole distribution beside scores of other distributions, such as crps_ensemble.
    Avoid: a few levels, or levels of the tails alone: it is then no CRPS (use wis or multi_quantile).
    Pitfalls: values of different taus do not compare.
    """
    return 2 * mean_pinball(y_true, y_pred, taus)


@crps_quantile.gradient
def twice_the_slope(y_true: Array, y_pred: Array, *, taus: tuple[float, ...]) -> Array:
    """2 ([y < q_k] - tau_k) / Q"""
    return 2 * mean_pinball_slope(y_true, y_pred, taus)


crps_quantile.warn(crossing_rows)


@quantiles_loss(
    aliases=("weighted_quantile_loss", "mean_weighted_quantile_loss", "scaled_crps", "加权分位数损失"),
    formula="sum 2 mean_k max(tau_k (y - q_k), (tau_k - 1) (y - q_k)) / sum |y|",
    unit="1",
    references=("Park et al. 2022, arXiv:2111.06581", KOENKER_BASSETT),
    equivalents=(
        same("scoringrules", "scoringrules.crps_quantile(y_true, y_pred, taus).sum() / np.abs(y_true).sum()"),
        ("others", "utilsforecast scaled_crps adds 2.2e-16 to the divisor; GluonTS calls it mean_wQuantileLoss"),
    ),
)
def wql(y_true: Score, y_pred: RowOfQuantiles, *, taus: Taus) -> Array:
    """Weighted quantile loss: crps_quantile of all rows, divided by the sum of the targets.

    Per-sample losses are those of crps_quantile.
    Use: a share that compares across datasets of different sizes, as for many series of demand.
    Avoid: when small series matter as much as large ones: large targets dominate.
    Pitfalls: it is NaN if all targets are zero; the value of a dataset is not the mean of its series' values.
    """
    return 2 * mean_pinball(y_true, y_pred, taus)


wql.gradient(twice_the_slope)
wql.warn(crossing_rows)


@wql.denominator
def _(y_true: Array, y_pred: Array) -> Array:
    """the sum of |y_true|, and all targets are 0"""
    return np.abs(y_true)


@quantiles_loss(
    aliases=("weighted_interval_score", "加权区间评分"),
    formula="(|y - m|/2 + sum_k alpha_k/2 IS_k) / (K + 1/2); without a median sum_k alpha_k/2 IS_k / K",
    references=("Bracher et al. 2021, doi:10.1371/journal.pcbi.1008618",),
    equivalents=(
        same("scoringrules", "scoringrules.crps_quantile(y_true, y_pred, taus)"),
        ("others", "scoringrules 0.10.0 without numba adds median/2 for |y - median|/2"),
    ),
)
def wis(y_true: Score, y_pred: RowOfQuantiles, *, taus: SymmetricTaus) -> Array:
    """Weighted interval score of central prediction intervals and the median, given as quantiles.

    It is crps_quantile for levels that are symmetric: t beside 1 - t. The median may be missing.
    Use: epidemic and other forecasts that are submitted as quantiles; one number for several intervals.
    Avoid: comparing values of different taus.
    Pitfalls: it is in the unit of y, so that rows with large numbers decide; some programs weigh the median otherwise.
    """
    return 2 * mean_pinball(y_true, y_pred, taus)


wis.gradient(twice_the_slope)
wis.warn(crossing_rows)

for twice in (crps_quantile, wis):
    twice.orders_like(lambda *, taus: ("multi_quantile", {"taus": taus}))
wql.orders_like(lambda *, taus: ("multi_quantile", {"taus": taus}))
