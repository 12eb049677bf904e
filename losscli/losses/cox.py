"""The partial likelihood of Cox: each event against all rows that were at risk at its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, Event, Mask, Score, Time
from losscli.declaration.domains.parameters import Choice
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._exp_sums import above, accumulate_exp, scale_exp, sum_of_later
from losscli.losses._numerics import weigh

TieHandling = Annotated[Literal["breslow", "efron"], Choice(("breslow", "efron"))]

NO_EVENT = "no row has an event, so there is no loss"


class RiskSets(NamedTuple):
    """The rows by falling time, and the sums over all that are at risk at each of the distinct times.

    Of rows: `order`, `seen` (whether the event was), `score`, `weight` (None for 1) and `term` (weight times exp score,
    relative to the `level` of its time), `group` (the number of its time). Of times: where their rows `start`, how many
    events there are (`n_events`), and the sums of the terms of these `events`, of the `others` at risk, of both
    (`total`), all relative to exp `level`.
    """

    order: NDArray[np.intp]
    seen: Mask
    score: Array
    weight: Array | None
    term: Array
    group: NDArray[np.intp]
    start: NDArray[np.intp]
    level: Array
    n_events: Array
    events: Array
    others: Array
    total: Array

    @property
    def log_weight(self) -> Array | None:
        """The logarithms of the weights; None for 0."""
        return None if self.weight is None else np.log(self.weight)

    def sum_by_time(self, of_rows: Array) -> Array:
        """Add up what rows of the same time have."""
        return np.add.reduceat(of_rows, self.start)

    def loss_of_largest(self) -> tuple[Mask, Array]:
        """Mark events that make up more than half of their sum, with their loss, which would cancel."""
        is_largest = self.seen & (self.term > 0.5 * self.total[self.group])
        base = np.full(len(self.start), -np.inf)
        base[self.group[is_largest]] = self.score[is_largest]
        own = 1.0 if self.weight is None else self.weight[is_largest]
        terms = np.where(is_largest, 0.0, scale_exp(self.score, base[self.group], self.log_weight))
        at_risk = self.sum_by_time(terms)
        later = self.total[:-1] * scale_exp(self.level[:-1], base[1:])
        at_risk[1:] += later
        ratio = at_risk[self.group[is_largest]]
        near = np.log1p((own - 1) + ratio)
        return is_largest, np.where(own + ratio < 0.5, np.log(own + ratio), near)

    def left_of_ties(self) -> tuple[Array, Array]:
        """Return what Efron leaves of tied events, for each event of a time one share less, and the sum with it."""
        earlier: NDArray[np.int64] = np.cumsum(self.seen) - self.seen
        earlier -= earlier[self.start][self.group]
        left = 1 - earlier / np.maximum(self.n_events, 1)[self.group]
        return left, self.others[self.group] + left * self.events[self.group]

    def excess_of_ties(self) -> Array:
        """Return how much the d-fold term of an event is above the sum of the d events of its time, without cancelling.

        So shares less 1 are of what is left: 0 for an event that is alone at its time.
        """
        found = np.zeros(len(self.term))
        tied = np.flatnonzero(self.seen & (self.n_events > 1)[self.group])
        if not len(tied):
            return found
        group, term = self.group[tied], self.term[tied]
        start = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
        size = np.diff(start, append=len(tied))
        largest = np.repeat(np.maximum.reduceat(term, start), size)
        places = np.where(term == largest, np.arange(len(tied)), len(tied))
        base = np.repeat(tied[np.minimum.reduceat(places, start)], size)
        beyond = above(self.score[tied], self.score[base])
        log_weight = self.log_weight
        beyond += 0.0 if log_weight is None else log_weight[tied] - log_weight[base]
        more = np.expm1(beyond)
        found[tied] = weigh(largest, np.repeat(size, size) * more - np.repeat(np.add.reduceat(more, start), size))
        return found


def find_risk_sets(time: Array, event: Array, score: Array, weight: Array | None) -> RiskSets:
    """Sort the rows by time, the last first, and add up who is at risk."""
    order = np.argsort(-time, kind="stable")
    time, seen, score = time[order], event[order] == 1, score[order]
    weight = None if weight is None else weight[order]
    log_weight = None if weight is None else np.log(weight)
    is_first = np.concatenate([[True], time[1:] != time[:-1]])
    start, group = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    stop = np.append(start[1:], len(time))
    levels, totals = accumulate_exp(score, log_weight)
    level, total = levels[stop - 1], totals[stop - 1]
    term = scale_exp(score, level[group], log_weight)
    n_events, events = (np.add.reduceat(np.where(seen, x, 0.0), start) for x in (1.0, term))
    others = np.add.reduceat(np.where(seen, 0.0, term), start)
    others[1:] += total[:-1] * scale_exp(level[:-1], level[1:])
    return RiskSets(order, seen, score, weight, term, group, start, level, n_events, events, others, total)


@loss(
    aliases=("cox_ph", "cox_nloglik", "partial_likelihood", "偏似然", "Cox 偏似然"),
    family="survival",
    formula="log sum_{j: t_j >= t_i} w_j exp s_j - s_i of each event i; ties=efron: the mean over l = 0..d-1 of "
    "log(that sum - l/d sum_k w_k exp s_k) - s_i",
    symbols={
        "t": "time, of the event or of censoring",
        "s": "y_pred, the logarithm of the hazard up to a constant",
        "w": "the weight of a row, 1 without weights",
        "i": "the row, one with an event",
        "j": "any row",
        "k": "any of the events at the time t_i",
        "efron": "the way of Efron to share out events at the same time",
        "d": "how many events there are at the time t_i",
        "l": "a number from 0 to d-1",
        "h_i": "the share that a row has in the sum of event i; with ties=efron the mean of its shares",
    },
    unit="nat",
    coupled=True,
    undefined=NO_EVENT,
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    elicits="the logarithm of the hazard, up to a constant",
    references=(
        "Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x",
        "Breslow 1974, doi:10.2307/2529620",
        "Efron 1977, doi:10.1080/01621459.1977.10480613",
    ),
    equivalents=(
        (
            "others",
            "XGBoost: survival:cox with eval_metric='cox-nloglik', whose labels are -time where the event is not seen",
        ),
        (
            "others",
            "scikit-survival: minus the log-likelihood that CoxPHSurvivalAnalysis(ties=ties) "
            "maximises, over the number of events",
        ),
        ("others", "lifelines: minus CoxPHFitter.log_likelihood_ (efron), over the weight of the events"),
        same("pycox", "pycox.models.loss.CoxPHLoss()(y_pred, time, event)", rtol=1e-6, ties="breslow"),
    ),
)
def cox(time: Time, event: Event, y_pred: Score, weight: Array | None, *, ties: TieHandling = "breslow") -> Array:
    """Negative partial log-likelihood: the event of a row among all rows at risk at its time.

    Rows with an event are compared with those whose time is no earlier. Censored rows have a loss of 0 and are left out
    of the mean, but count among those at risk. Without any event the loss is nan. Weights count in the sums, as
    repeated rows do with ties=breslow.
    Use: models of the log-hazard, whose constant does not matter; time itself does not enter, only its order.
    Avoid: batches of a few rows; predicted times (aft).
    Pitfalls: it grows with the number of rows, up to log N for uninformative scores, so values of different N are not
    comparable; higher scores mean earlier events.
    """
    if not event.any():
        return np.full(len(time), np.nan)
    sets = find_risk_sets(time, event, y_pred, weight)
    logs = np.log(sets.total)
    if ties == "efron":
        _, sums = sets.left_of_ties()
        logs = sets.sum_by_time(np.where(sets.seen, np.log(sums), 0.0)) / np.maximum(sets.n_events, 1)
    found = np.where(sets.seen, logs[sets.group] + (sets.level[sets.group] - sets.score), 0.0)
    is_largest, exact = sets.loss_of_largest()
    if ties == "efron":
        is_alone = sets.n_events[sets.group] == 1
        exact, is_largest = exact[is_alone[is_largest]], is_largest & is_alone
    found[is_largest] = exact
    losses = np.empty(len(time))
    losses[sets.order] = found
    return losses


@cox.gradient
def _(time: Array, event: Array, y_pred: Array, weight: Array | None, *, ties: str) -> Array:
    """sum_i h_i over all i up to the time of the row; minus 1 where it has an event"""
    sets = find_risk_sets(time, event, y_pred, weight)
    of_events = of_others = sets.n_events / sets.total
    if ties == "efron":
        left, sums = sets.left_of_ties()
        of_others, of_events = (sets.sum_by_time(np.where(sets.seen, x / sums, 0.0)) for x in (1.0, left))
    earlier = sum_of_later(of_others, sets.level)
    gaps = sets.excess_of_ties() * of_events[sets.group] - (sets.others * of_others)[sets.group]
    own = np.where(sets.seen, gaps / np.maximum(sets.n_events, 1)[sets.group], sets.term * of_others[sets.group])
    slope = np.empty(len(time))
    slope[sets.order] = own + weigh(sets.term, earlier[sets.group])
    return slope


@cox.row_mask
def _(time: Array, event: Array, y_pred: Array) -> Mask:
    """its event was seen"""
    return event == 1 if event.any() else np.ones(len(event), dtype=bool)  # without events the loss of all is nan


@cox.warn
def _(time: Array, event: Array, y_pred: Array) -> Iterator[Remark]:
    """Say why the loss is nan if there is no event."""
    yield Remark("event", (np.arange(len(event)) == 0) & ~event.any(), NO_EVENT)
