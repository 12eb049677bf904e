"""Brier scores of predicted survival, weighted by the inverse probability of censoring."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import (
    Array,
    Event,
    FinitePositive,
    SurvivalCurve,
    SurvivalProbability,
    Time,
    Times,
    expand_per_class,
)
from losscli.declaration.domains.parameters import Choice
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import weigh

Censoring = Annotated[Literal["at", "before"], Choice(("at", "before"))]

SCORED = {
    "S": "y_pred, the probability that the event is later than at",
    "t": "time, of the event or of censoring",
    "G": "the probability of no censoring up to a time: the Kaplan-Meier curve of censoring on these rows",
}


def censoring_curve(time: Array, event: Array, weight: Array | None) -> tuple[Array, NDArray[np.intp], Array]:
    """Return the distinct times, the number of each row's, and G: 1, then that after each time.

    Events come before censorings of the same time. A weight counts as copies of a row.
    """
    times, place = np.unique(time, return_inverse=True)
    weight = np.ones(len(time)) if weight is None else weight
    leaving, censored = (np.bincount(place, w, len(times)) for w in (weight, np.where(event == 1, 0.0, weight)))
    later = np.append(np.cumsum(leaving[:0:-1])[::-1], 0.0)
    kept = np.where(censored > 0, later / (later + censored), 1.0)
    return times, place, np.concatenate([[1.0], np.cumprod(kept)])


def brier_at(
    time: Array, event: Array, survival: Array, weight: Array | None, moments: Array, censoring: str
) -> tuple[Array, Array]:
    """Compute the score (N, M) of the probabilities (N, M) to survive moments (M,), and its slope."""
    times, place, curve = censoring_curve(time, event, weight)
    own = curve[place + (censoring == "at")]
    time, event = time[:, None], event[:, None]
    has_died, lives = (event == 1) & (time <= moments), time > moments
    inverse = np.where(has_died, 1 / own[:, None], 1 / curve[np.searchsorted(times, moments, side="right")])
    error = np.where(has_died, survival, np.where(lives, survival - 1, 0.0))
    return weigh(np.square(error), inverse), 2 * weigh(error, inverse)


brier_loss = partial(
    loss,
    family="survival",
    unit="1",
    coupled=True,
    properties=Property.CONVEX | Property.DIFFERENTIABLE,  # 1/G has no bound, and is inf where G is 0
    references=(
        "Graf et al. 1999, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5",
        "Gerds & Schumacher 2006, doi:10.1002/bimj.200610301",
    ),
)

LIBRARY_ROWS = "np.rec.fromarrays((event == 1, time))"


@brier_loss(
    aliases=("graf_brier", "brier_survival", "生存 Brier 评分"),
    formula="S²/G(t) for an event by at, (1-S)²/G(at) where t > at, else 0; censoring=before: G(t-)",
    symbols=SCORED | {"before": "G is taken just before t"},
    elicits="the probability to survive the time at",
    equivalents=(
        same("sksurv", f"sksurv.metrics.brier_score({LIBRARY_ROWS}, {LIBRARY_ROWS}, y_pred, at)[1][0]", censoring="at"),
        ("others", "pec and riskRegression of R take the censoring curve just before each time: censoring=before"),
    ),
)
def ipcw_brier(
    time: Time,
    event: Event,
    y_pred: SurvivalProbability,
    weight: Array | None,
    *,
    at: FinitePositive,
    censoring: Censoring = "at",
) -> Array:
    """Squared error of a predicted probability to survive a time, weighted by the inverse probability of censoring.

    Rows censored by then cost 0 and stay in the mean; the others stand for them. The censoring curve is that of these
    rows. Where it is 0 the loss is inf. In the gradient it is a constant.
    Use: calibration and discrimination at one time, when some rows are censored.
    Avoid: censoring that depends on what is predicted; times after which few rows are left.
    Pitfalls: y_pred is the probability of no event by then, not of the event; a row's loss depends on all rows, so
    values of parts do not add up to that of the whole. If events and censorings share times, censoring=before is
    unbiased, and censoring=at is not.
    """
    return brier_at(time, event, y_pred[:, None], weight, np.array([at]), censoring)[0][:, 0]


@ipcw_brier.gradient
def _(time: Array, event: Array, y_pred: Array, weight: Array | None, *, at: float, censoring: str) -> Array:
    """2 S/G(t) for an event by at, -2 (1-S)/G(at) where t > at, else 0; censoring=before: G(t-)"""
    return brier_at(time, event, y_pred[:, None], weight, np.array([at]), censoring)[1][:, 0]


def trapezoid_shares(times: tuple[float, ...], columns: int) -> tuple[Array, Array]:
    """Return the times as an array, and the share of each in the mean over the time between the first and the last.

    Raises:
        UsageError: There are not as many columns.
    """
    moments = expand_per_class(times, columns, "times", "columns of y_pred")
    steps = np.diff(moments)
    return moments, (np.append(steps, 0.0) + np.append(0.0, steps)) / (2 * (moments[-1] - moments[0]))


@brier_loss(
    aliases=("ibs", "integrated_graf", "积分 Brier 评分"),
    formula="sum_k a_k B_k",
    symbols={
        "B": "ipcw_brier at one of times",
        "a": "the share of one of times: half of what lies between its neighbours, over the whole span",
        "k": "the place of one of times, and of its column of y_pred",
    },
    elicits="the probabilities to survive the times",
    equivalents=(
        same(
            "sksurv",
            f"sksurv.metrics.integrated_brier_score({LIBRARY_ROWS}, {LIBRARY_ROWS}, y_pred, times)",
            censoring="at",
        ),
    ),
)
def integrated_brier(
    time: Time, event: Event, y_pred: SurvivalCurve, weight: Array | None, *, times: Times, censoring: Censoring = "at"
) -> Array:
    """Mean of ipcw_brier over a span of time, by trapezoids: one number for predicted survival curves.

    Column k of y_pred has the probabilities to survive times[k].
    Use: survival curves as a whole.
    Avoid: times beyond the last of the data: few rows decide.
    Pitfalls: the value depends on the times, whose spacing is a weight. If events and censorings share times,
    censoring=before is unbiased, and censoring=at is not.
    """
    moments, shares = trapezoid_shares(times, y_pred.shape[1])
    return (brier_at(time, event, y_pred, weight, moments, censoring)[0] * shares).sum(axis=1)


@integrated_brier.gradient
def _(
    time: Array, event: Array, y_pred: Array, weight: Array | None, *, times: tuple[float, ...], censoring: str
) -> Array:
    """a_k times that of B_k"""
    moments, shares = trapezoid_shares(times, y_pred.shape[1])
    return brier_at(time, event, y_pred, weight, moments, censoring)[1] * shares
