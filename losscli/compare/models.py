"""Which of several models wins under a loss, how sure that is, and on how few rows it rests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.subset import RowSubset
from losscli.declaration.domains import Array
from losscli.declaration.loss import Reduction
from losscli.evaluation.evaluator import Outcome
from losscli.results import finite_or_none
from losscli.statistics.bootstrap.accumulator import CountedRows
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.intervals import medians
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import paired

NAMED = 100
"""How many of the rows that decide a contest are named."""

YES, NO, TIE = "yes", "no", "tie"


@dataclass(frozen=True)
class DecisiveRows:
    """The fewest rows without which another model would win: how many, the first of them by weight, and who wins."""

    n: int
    to: str
    rows: tuple[int, ...]
    ids: tuple[str, ...] | None = None

    @property
    def names(self) -> Sequence[object]:
        return self.rows if self.ids is None else self.ids

    def to_dict(self) -> dict[str, Any]:
        ids = {} if self.ids is None else {"ids": list(self.ids)}
        return {"n": self.n, "to": self.to, "rows": list(self.rows), **ids}


class Difference(NamedTuple):
    """How much worse a model is than the best one: the difference of their values, and where it is by resampling."""

    difference: float | None
    low: float | None
    high: float | None

    @property
    def tied(self) -> bool:
        """Whether the two cannot be told apart: the interval holds 0, or there is nothing between them."""
        return self.difference == 0 or (self.low is not None and self.high is not None and self.low <= 0 <= self.high)


@dataclass(frozen=True)
class ModelRanking:
    """Several models under one loss; `values` are theirs, the best first, `gaps` their differences to the best.

    `why` says where there are no intervals, if there are none; `n` is the number of rows.
    """

    label: str
    group: Mapping[str, str] | None
    values: Mapping[str, float]
    gaps: Mapping[str, Difference]
    flip: DecisiveRows | None
    why: str = ""
    n: int = 0

    @property
    def best(self) -> str:
        """The model with the smallest value."""
        return next(iter(self.values))

    @property
    def winners(self) -> list[str]:
        """The best model, and those that tie with it; none where a value is not a finite number."""
        if any(map(math.isnan, self.values.values())) or math.isinf(self.values[self.best]):
            return []
        return [model for model in self.values if model == self.best or self.gaps[model].tied]

    def rank_row(self, model: str) -> dict[str, Any]:
        """A model's cells of the table."""
        gap, tie = self.gaps[model], len(self.winners) > 1
        won = None if not self.winners else (TIE if tie else YES) if model in self.winners else NO
        flip = self.flip.n if self.flip is not None and model == self.best else None
        return {"winner": won, "difference": gap.difference, "diff_low": gap.low, "diff_high": gap.high, "flip": flip}

    def to_dict(self) -> dict[str, Any]:
        winners = self.winners
        return {
            **({} if self.group is None else {"group": dict(self.group)}), "loss": self.label,
            "winner": winners[0] if len(winners) == 1 else None, "tie": winners if len(winners) > 1 else [],
            "models": [
                {"model": model, "value": finite_or_none(value), "difference": finite_or_none(self.gaps[model].difference),
                 "low": finite_or_none(self.gaps[model].low), "high": finite_or_none(self.gaps[model].high)}
                for model, value in self.values.items()
            ],
            "flip": None if self.flip is None else self.flip.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """Whether the losses agree on the models: Kendall's W, from 0 to 1, and whether all have the same winner.

    `same_winner` is False where two losses have no winner in common, None where ties leave it open.
    """

    group: Mapping[str, str] | None
    kendall_w: float | None
    same_winner: bool | None

    def to_dict(self) -> dict[str, Any]:
        group = {} if self.group is None else {"group": dict(self.group)}
        return {**group, "kendall_w": finite_or_none(self.kendall_w), "same_winner": self.same_winner}


def agreement(contests: Sequence[ModelRanking]) -> Agreement:
    """Whether the losses of some contests of the same models agree."""
    decided = [rank_models for rank_models in contests if rank_models.winners]
    table = np.array([[c.values[model] for model in contests[0].values] for c in decided])
    if len(decided) < 2:
        return Agreement(contests[0].group, None, None)
    return Agreement(contests[0].group, kendall_w(table), _same_winner([set(c.winners) for c in decided]))


def _same_winner(winners: Sequence[set[str]]) -> bool | None:
    if any(a.isdisjoint(b) for a, b in combinations(winners, 2)):
        return False
    return True if all(len(several) == 1 for several in winners) else None


def kendall_w(table: Array) -> float | None:
    """Kendall's (1939) coefficient of concordance of judges (rows) over items (columns); None where all items tie.

    Corrected for ties: W = 12 S / (m² (k³ - k) - m sum T), with m judges, k items, T = t³ - t for t tied items.
    """
    from losscli.compare.outliers import ranked

    judges, items = table.shape
    ranks = np.stack([ranked(row) for row in table])
    sums = ranks.sum(axis=0)
    spread = float(((sums - sums.mean()) ** 2).sum())
    ties = sum(float((counts**3 - counts).sum()) for row in table for counts in [np.unique(row, return_counts=True)[1]])
    most = judges**2 * (items**3 - items) - judges * ties
    return 12 * spread / most if most else None


# -------------------------------------------------------------------------------------------------- one contest


class RatioTerms(NamedTuple):
    """A loss as a ratio of sums over rows, of one model: `l` (n,) over `d` (n,), each times its weight."""

    numerator: Array
    denominator: Array


def rank_models(i: int, kept: Mapping[str, RowSubset], values: Mapping[str, float], group: Mapping[str, str] | None,
            resampling: Resampling, id: str | None) -> ModelRanking:  # fmt: skip
    """Several models under the i-th loss.

    Args:
        i: which loss.
        kept: the rows, with the predictions of each model.
        values: the value of each model.
        group: the group that the rows are.
        resampling: how the differences are resampled.
        id: the column that names rows.
    """
    order = sorted(values, key=lambda model: (math.isnan(values[model]), values[model]))
    ordered, first = {model: values[model] for model in order}, kept[order[0]]
    evaluator = first.run.evaluators[i]
    reduction, n = evaluator.bound.loss.reduction, len(first.batch)
    finite = [model for model in order if math.isfinite(values[model])]
    gaps = {
        model: Difference(values[model] - values[order[0]] if model in finite else None, None, None) for model in order
    }
    if len(finite) < 2 or any(map(math.isnan, values.values())):
        return ModelRanking(evaluator.label, group, ordered, gaps, None, "where values are not finite", n)
    if not first.is_per_sample(i) or evaluator.form.coupled:
        return ModelRanking(evaluator.label, group, ordered, gaps, None, "where rows are coupled", n)
    outcomes = {model: kept[model].outcome(i) for model in finite}
    resampled = RESAMPLED[reduction](finite, outcomes, ordered, first, resampling) if reduction in RESAMPLED else {}
    flip = FLIPS[reduction](finite, outcomes, first) if reduction in FLIPS else None
    unsure = any(gap.low is None and gap.difference for gap in resampled.values())
    why = WITHOUT.get(reduction, "") if not resampled else ALIKE if unsure else ""
    return ModelRanking(evaluator.label, group, ordered, gaps | resampled, _named(flip, first, id), why, n)


def _terms(outcome: Outcome, kept: RowSubset) -> RatioTerms:
    counted = np.ones(len(kept.batch)) if outcome.counted is None else outcome.counted.astype(np.float64)
    weight = counted if kept.batch.weight is None else counted * kept.batch.weight
    values = outcome.per_sample if outcome.counted is None else np.where(outcome.counted, outcome.per_sample, 0.0)
    return RatioTerms(values * weight, weight if outcome.denominator is None else weight * outcome.denominator)


def _resampled_means(order: Sequence[str], outcomes: Mapping[str, Outcome], values: Mapping[str, float], kept: RowSubset,
                     resampling: Resampling, slopes: Callable[[RatioTerms, float], Array]) -> dict[str, Difference]:  # fmt: skip
    """The differences to the best model, with their intervals; `slopes` is what each row adds to the value."""
    terms = {model: _terms(outcomes[model], kept) for model in order}
    weight = terms[order[0]].denominator
    rows = weight > 0
    columns = {
        model: slopes(term, values[model])[rows] / weight[rows] for model, term in terms.items()
    }  # fmt: skip
    gaps = np.stack([columns[model] - columns[order[0]] for model in order[1:]], axis=1)
    shifts = np.array([values[model] - values[order[0]] for model in order[1:]])
    same = weight[rows].min() == weight[rows].max()
    found = paired(gaps + (shifts - np.average(gaps, axis=0, weights=weight[rows])), None if same else weight[rows],
                   resampling)  # fmt: skip
    return {
        model: Difference(float(shift), interval.low, interval.high)
        for model, shift, interval in zip(order[1:], shifts, found, strict=True)
    }


def _of_mean(terms: RatioTerms, value: float) -> Array:
    return terms.numerator


def _of_root(terms: RatioTerms, value: float) -> Array:
    """To first order: the infinitesimal jackknife."""
    return terms.numerator / (2 * value) if value > 0 else terms.numerator


def _resampled_medians(order: Sequence[str], outcomes: Mapping[str, Outcome], values: Mapping[str, float], kept: RowSubset,
                       resampling: Resampling) -> dict[str, Difference]:  # fmt: skip
    """The differences to the best model, with percentile intervals; none where the rows are too many to be drawn."""
    if not 2 <= len(kept.batch) <= MAX_ROWS_HELD:
        return {}
    drawn = {model: medians(CountedRows(kept.batch.rows, outcomes[model].elements, kept.batch.weight, None), resampling)
             for model in order}  # fmt: skip
    ends = {model: quantiles(drawn[model] - drawn[order[0]], None, resampling.tails) for model in order[1:]}
    return {model: Difference(values[model] - values[order[0]], *map(float, pair)) for model, pair in ends.items()}


RESAMPLED: Mapping[Reduction, Callable[..., dict[str, Difference]]] = {
    Reduction.MEAN: partial(_resampled_means, slopes=_of_mean),
    Reduction.ROOT_MEAN: partial(_resampled_means, slopes=_of_root),
    Reduction.MEDIAN: _resampled_medians,
}


# ------------------------------------------------------------------------------------------------ who would win


class _Flip(NamedTuple):
    positions: NDArray[np.intp]
    to: str


def _flip_of_means(order: Sequence[str], outcomes: Mapping[str, Outcome], kept: RowSubset) -> _Flip | None:
    """Leave out the rows that favour the best model most, until another's sum is smaller."""
    sums = {model: _terms(outcomes[model], kept).numerator for model in order}
    found = [(_fewest(sums[model] - sums[order[0]]), model) for model in order[1:]]
    return min(
        (_Flip(positions, model) for positions, model in found if positions is not None),
        key=lambda flip: len(flip.positions), default=None,
    )  # fmt: skip


def _fewest(favour: Array) -> NDArray[np.intp] | None:
    """The places of the fewest numbers without which the sum of the others is below 0; None where there are none."""
    order = np.argsort(favour, kind="stable")
    below = np.flatnonzero(np.cumsum(favour[order]) < 0)
    return None if not below.size else order[below[-1] + 1 :][::-1]


def _flip_of_largest(order: Sequence[str], outcomes: Mapping[str, Outcome], kept: RowSubset) -> _Flip | None:
    """Leave out the rows where another model is worse than the best one is somewhere else."""
    mine = _largest(outcomes[order[0]])
    found = []
    for model in order[1:]:
        theirs = _largest(outcomes[model])
        there = np.flatnonzero(theirs < mine)
        if there.size:
            limit = mine[there].max()
            found.append(_Flip(np.flatnonzero(theirs >= limit), model))
    return min(found, key=lambda flip: len(flip.positions), default=None)


def _largest(outcome: Outcome) -> Array:
    return np.asarray(outcome.elements.reshape(len(outcome.elements), -1).max(axis=1), dtype=np.float64)


FLIPS = {Reduction.MEAN: _flip_of_means, Reduction.ROOT_MEAN: _flip_of_means, Reduction.MAX: _flip_of_largest}

ALIKE = "where there is but one row, or all rows differ by the same"

WITHOUT = {Reduction.MEDIAN: "of a difference of medians of so many rows", Reduction.MAX: "of a difference of maxima"}
"""Reductions whose differences have no interval here."""


def _named(flip: _Flip | None, kept: RowSubset, id: str | None) -> DecisiveRows | None:
    if flip is None:
        return None
    first = flip.positions[:NAMED]
    ids = None if id is None else tuple(str(kept.batch.extras[id][place]) for place in first)
    return DecisiveRows(len(flip.positions), flip.to, tuple(kept.batch.rows[first].tolist()), ids)
