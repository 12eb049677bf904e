"""How well predictions order times until an event: one number for all rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Event, Mask, Score, Time
from losscli.declaration.domains.parameters import Choice
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._sums import cumulated, scale_weights

Integers = NDArray[np.intp]
Predicted = Annotated[Literal["risk", "time"], Choice(("risk", "time"))]


class Runs:
    """Runs of rows by the mask of their first rows: `start` and `stop`, and a value of each run for its rows."""

    def __init__(self, is_first: Mask) -> None:
        self.start = np.flatnonzero(is_first)
        self.stop = np.append(self.start[1:], len(is_first))

    def to_rows(self, of_runs: Array) -> Array:
        """Repeat the value of each run for its rows."""
        return of_runs if len(self.start) == self.stop[-1] else np.repeat(of_runs, self.stop - self.start)


def differs_from_last(values: NDArray[Any]) -> Mask:
    """Mark the rows whose value is not that of the row before; the first one is."""
    return np.append(True, values[1:] != values[:-1])


def sum_of_inversions(place: Integers, score: Array, weight: Array | None) -> float:
    """Add up w_i w_j over pairs with place_i < place_j, place_i even, and score_i < score_j; half of it where equal.

    Each pair is met once: at the highest bit in which the places differ, among rows whose higher bits are the same.
    These are sorted by score; then the bit parts them, zeros first. That takes N operations a bit.
    """
    sorted_place, order = np.sort(place), np.argsort(score, kind="stable")
    by_score, place = score[order], place[order]
    rank = np.cumsum(differs_from_last(by_score))
    has_ties = rank[-1] < len(rank)
    weight = None if weight is None else weight[order]
    total = 0.0
    for bit in reversed(range(int(sorted_place[-1]).bit_length())):
        opens_group, is_later = differs_from_last(sorted_place >> (bit + 1)), (place >> bit) & 1 == 1
        groups = Runs(opens_group)
        equals = Runs(opens_group | differs_from_last(rank) if has_ties else np.ones(len(place), dtype=bool))
        sums = np.cumsum(is_later) if weight is None else cumulated(np.where(is_later, weight, 0.0))
        sums = np.append(0.0, sums)
        above = groups.to_rows(sums[groups.stop]) - equals.to_rows((sums[equals.start] + sums[equals.stop]) / 2)
        is_event = ~is_later & (place & 1 == 0)
        total += float(above[is_event].sum() if weight is None else above[is_event] @ weight[is_event])
        becomes_later = (sorted_place >> bit) & 1 == 1
        place = part(place, is_later, becomes_later)
        rank = part(rank, is_later, becomes_later) if has_ties else rank
        weight = None if weight is None else part(weight, is_later, becomes_later)
    return total


def part(values: NDArray[Any], is_later: Mask, becomes_later: Mask) -> NDArray[Any]:
    """Return values in another order: those that are later in the places that become so, the others in the others."""
    parted = np.empty_like(values)
    parted[becomes_later], parted[~becomes_later] = values[is_later], values[~is_later]
    return parted


@loss(
    aliases=("c_index", "cindex", "harrell_c", "一致性指数", "C 指数"),
    family="survival",
    formula="sum_i sum_j w_i w_j ([s_i < s_j] + [s_i = s_j]/2) / sum_i sum_j w_i w_j",
    symbols={
        "i": "a row with an event",
        "j": "a row whose time is later, or the same and censored",
        "s": "y_pred, the risk; minus y_pred with predicts=time",
        "w": "the weights of rows, 1 without",
    },
    dataset_wide=True,
    undefined="no two rows can be compared: no event is known to come before that of another row",
    properties=Property.BOUNDED_VALUE,
    references=("Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030",),
    equivalents=(
        same(
            "sksurv",
            "1 - sksurv.metrics.concordance_index_censored(event == 1, time, y_pred, tied_tol=0)[0]",
            predicts="risk",
        ),
        same("lifelines", "1 - lifelines.utils.concordance_index(time, y_pred, event)", predicts="time"),
    ),
)
def concordance_loss(
    time: Time, event: Event, y_pred: Score, weight: Array | None, *, predicts: Predicted = "risk"
) -> float:
    """1 minus the concordance index of Harrell: how often the row whose event comes first has the lower risk.

    Pairs count if it is known whose event comes first. Equal risks count half. It depends on the order of the
    predictions alone.
    Use: the ranking of risks or of predicted times, which everybody understands.
    Avoid: training (it has no gradient; cox); choosing between models that differ little, which it hardly tells apart.
    Pitfalls: higher predictions mean earlier events unless predicts=time: the wrong way round gives 1 minus the loss;
    predictions that say nothing give 1/2; it depends on who is censored, so data with other censoring do not compare.
    """
    score = y_pred if predicts == "risk" else -y_pred
    _, rank = np.unique(time, return_inverse=True)
    place = 2 * rank + (event == 0)  # of one time events come first, and are not compared with each other
    weight = None if weight is None else scale_weights(weight)
    at_place = np.bincount(place, weight).astype(np.float64)
    later = np.append(cumulated(at_place[:0:-1])[::-1], 0.0)
    comparable = float(at_place[::2] @ later[::2])
    return sum_of_inversions(place, score, weight) / comparable if comparable > 0 else float("nan")
