"""Losses of forecasts of demand."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from losscli import Functional, Property, loss, same
from losscli.domains import Array, Interval, NonNegativeReal, Number, Positive, Real

Percent = Annotated[float, Number(Interval(0, 100))]
"""A domain of our own: a number in [0, 100]."""

NUMPY = "np.where(y_true > y_pred, shortage * (y_true - y_pred), surplus * (y_pred - y_true))"
SYMBOLS = {"y": "the true value", "p": "the prediction"}


@loss(
    family="regression",
    formula="shortage max(y - p, 0) + surplus max(p - y, 0)",
    symbols=SYMBOLS,
    aliases=("newsvendor", "报童损失"),
    unit="y",
    properties=Property.CONVEX | Property.BOUNDED_GRADIENT | Property.TRANSLATION_INVARIANT,
    elicits="a quantile",
    references=("Arrow, Harris & Marschak 1951, Econometrica 19(3), doi:10.2307/1906813",),
    equivalents=(
        same("numpy", "np.where(y_true > y_pred, shortage * (y_true - y_pred), surplus * (y_pred - y_true))"),
    ),
)
def stock_cost(y_true: NonNegativeReal, y_pred: Real, *, shortage: Positive = 3.0, surplus: Positive = 1.0) -> Array:
    """What it costs to stock the forecast: too little by the one price, too much by the other.

    Use: the prices of a unit that is missing and of a unit that is left over are known.

    Avoid: when the mean of the demand is wanted; mse has it.

    Pitfalls: the best forecast is the quantile shortage / (shortage + surplus), which is far from the mean if one price
    is much higher.
    """
    error = y_pred - y_true
    return np.where(error < 0, -shortage * error, surplus * error)


@stock_cost.gradient
def _(y_true: Array, y_pred: Array, *, shortage: float, surplus: float) -> Array:
    """-shortage where p < y, surplus where p > y, 0 where they are equal"""
    error = y_pred - y_true
    return np.where(error == 0, 0.0, np.where(error < 0, -shortage, surplus))


@stock_cost.minimized_by
def _(*, shortage: float, surplus: float) -> Functional:
    return Functional("quantile", shortage / (shortage + surplus))


@loss(
    family="regression",
    formula="1 if |p - y| > percent/100 |y| else 0",
    symbols=SYMBOLS,
    properties=Property.BOUNDED_VALUE,
)
def too_far_off(y_true: Real, y_pred: Real, *, percent: Percent = 10.0) -> Array:
    """1 where a forecast is off by more than some percent of the true value: the mean is the share of such rows.

    Use: a customer accepts forecasts within a tolerance.

    Avoid: to train a model; its gradient is 0 almost everywhere.
    """
    return (np.abs(y_pred - y_true) > percent / 100 * np.abs(y_true)).astype(np.float64)
