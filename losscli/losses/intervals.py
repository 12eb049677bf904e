"""Scores of predicted intervals: two ends, between which the outcome should be."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, Mask, Number, Real, Score
from losscli.declaration.domains.intervals import Interval
from losscli.declaration.domains.levels import IntervalEnd, IntervalEnds
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._references import GNEITING_RAFTERY

Lower = Annotated[Array, IntervalEnd(end="lower")]
Upper = Annotated[Array, IntervalEnd(end="upper")]
Ends = Annotated[Array, IntervalEnds()]
ShareOutside = Annotated[float, Number(Interval(0, 1, low_open=True, high_open=True))]

ENDS = {"l": "lower, or the first number of y_pred", "u": "upper, or the second one", "y": "y_true"}

interval_loss = partial(loss, family="quantiles", symbols=ENDS)


def is_outside(y_true: Array, lower: Array, upper: Array) -> Mask:
    """Tell where the outcome is below the lower end or above the upper one; the ends belong to the interval."""
    return np.asarray((y_true < lower) | (y_true > upper))


def score_ends(y_true: Array, lower: Array, upper: Array, alpha: float) -> Array:
    """Compute the interval score as a sum of four numbers >= 0: what each end costs on either side of the outcome."""
    below, above = y_true - lower, upper - y_true
    miss = 2 / alpha - 1
    return np.maximum(below, 0) + miss * np.maximum(-below, 0) + np.maximum(above, 0) + miss * np.maximum(-above, 0)


def warn_of_empty_intervals(lower: Array, upper: Array, role: str) -> Iterator[Remark]:
    """Yield the rows whose lower end is above the upper one."""
    odd = np.asarray(lower > upper).reshape(len(lower), -1).any(axis=1)
    yield Remark(role, odd, "the lower end is above the upper one: nothing is inside of such an interval")


@interval_loss(
    aliases=("winkler", "winkler_score", "区间评分"),
    formula="(u - l) + 2/alpha max(0, l - y) + 2/alpha max(0, y - u)",
    unit="y",
    properties=Property.NONE,
    elicits="the alpha/2- and (1 - alpha/2)-quantiles",
    references=("Winkler 1972, doi:10.1080/01621459.1972.10481224", GNEITING_RAFTERY),
    equivalents=(
        same("scoringrules", "scoringrules.interval_score(y_true, lower, upper, alpha)"),
        same(
            "scores",
            "scores.continuous.interval_score(xarray.DataArray(lower), xarray.DataArray(upper), "
            "xarray.DataArray(y_true), interval_range=1 - alpha).total.values",
            data="lower ends below the upper ones",
        ),
    ),
)
def interval_score(y_true: Real, lower: Lower, upper: Upper, *, alpha: ShareOutside = 0.1) -> Array:
    """Score of an interval that should leave out a share alpha of the outcomes: its width, plus a fine for each miss.

    Both ends are quantiles, of levels alpha/2 and 1 - alpha/2. The mean rewards narrow intervals that hold enough.
    Use: comparing prediction intervals of one level.
    Avoid: intervals of different levels (use wis); intervals that are no central ones, such as the narrowest.
    Pitfalls: alpha is what the interval leaves out: 0.1 for one of 90 %; with another alpha the best ends are others.
    """
    return score_ends(y_true, lower, upper, alpha)


@interval_score.warn
def _(y_true: Array, lower: Array, upper: Array) -> Iterator[Remark]:
    return warn_of_empty_intervals(lower, upper, "lower")


@interval_score.form
def _(y_true: Score, y_pred: Ends, *, alpha: ShareOutside = 0.1) -> Array:
    return score_ends(y_true, y_pred[:, 0], y_pred[:, 1], alpha)


interval_score.form_properties(Property.CONVEX | Property.BOUNDED_GRADIENT)


@interval_score.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float) -> Array:
    """2/alpha [y < l] - 1 by l, 1 - 2/alpha [y > u] by u"""
    lower, upper = y_pred.T
    return np.stack([2 / alpha * (y_true < lower) - 1, 1 - 2 / alpha * (y_true > upper)], axis=1)


@interval_score.warn
def _(y_true: Array, y_pred: Array) -> Iterator[Remark]:
    return warn_of_empty_intervals(y_pred[:, 0], y_pred[:, 1], "y_pred")


@interval_loss(
    aliases=("miscoverage", "区间未覆盖率"),
    formula="1 where y < l or y > u, else 0",
    unit="1",
    properties=Property.BOUNDED_VALUE,
    references=("Christoffersen 1998, doi:10.2307/2527341",),
    equivalents=(same("numpy", "(y_true < lower) | (y_true > upper)"),),
)
def interval_miss(y_true: Real, lower: Lower, upper: Upper) -> Array:
    """The share of outcomes outside of their interval: 1 - coverage. The ends belong to the interval.

    Use: whether intervals hold what they should: an interval of 90 % has a value of about 0.1.
    Avoid: choosing between intervals: the widest ones have the least value (use interval_score).
    Pitfalls: the right share on the whole may hide intervals that are too wide here and too narrow there: look at
    groups of rows.
    """
    return is_outside(y_true, lower, upper).astype(np.float64)


@interval_miss.warn
def _(y_true: Array, lower: Array, upper: Array) -> Iterator[Remark]:
    return warn_of_empty_intervals(lower, upper, "lower")


@interval_miss.form
def _(y_true: Score, y_pred: Ends) -> Array:
    return is_outside(y_true, y_pred[:, 0], y_pred[:, 1]).astype(np.float64)


@interval_miss.warn
def _(y_true: Array, y_pred: Array) -> Iterator[Remark]:
    return warn_of_empty_intervals(y_pred[:, 0], y_pred[:, 1], "y_pred")
