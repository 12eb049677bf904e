"""Which of several models wins under a loss, how sure that is, and on how few rows it rests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.outliers import average_ranks
from losscli.compare.shift import SMALL_STEP
from losscli.compare.subset import ADDITIVE_REDUCTIONS, LossOnRows
from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.declaration.properties import Property, Reduction
from losscli.evaluation.evaluator import Outcome
from losscli.result_base import shown
from losscli.results import finite_or_none
from losscli.statistics.bootstrap.accumulator import CountedRows
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.intervals import median_units, medians
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.bootstrap.units import too_few_units
from losscli.statistics.quantiles import quantiles
from losscli.statistics.ratios import paired

EQUAL_VALUES = 1e-9
"""Relative difference of values below which the rows tell more of it than the values."""

MAX_DECISIVE_ROWS = 100
"""How many of the rows that decide a ranking are kept by name."""

NO_INTERVAL_OF = {
    Reduction.MEDIAN: "of a difference of medians of so many rows",
    Reduction.MAX: "of a difference of maxima",
}
"""Reductions whose differences may have no interval, and what to say of them."""


@dataclass(frozen=True)
class DecisiveRows:
    """The fewest rows without which another model would win: how many, the first of them by weight, and who wins."""

    n: int
    to: str
    rows: tuple[int, ...]
    ids: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the rows as JSON has them."""
        ids = {} if self.ids is None else {"ids": list(self.ids)}
        return {"n": self.n, "to": self.to, "rows": list(self.rows), **ids}


class Difference(NamedTuple):
    """How much worse a model is than the best one: the difference of their values, and its bootstrap interval."""

    difference: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_tie(self) -> bool:
        """Whether the data cannot tell the two apart: the interval holds 0, or the values are equal."""
        return self.difference == 0 or (self.low is not None and self.high is not None and self.low <= 0 <= self.high)


class ModelStanding(NamedTuple):
    """How a model did under a loss: the columns that several models add to a comparison."""

    winner: str | None = None
    difference: float | None = None
    diff_low: float | None = None
    diff_high: float | None = None
    flip: int | None = None


@dataclass(frozen=True, repr=False)
class ModelRanking:
    """Several models under one loss, over `n` rows.

    `values` are theirs, the best first; `gaps` their differences to the best. `no_interval_reason` says why the
    differences have no intervals, if that is so.
    """

    label: str
    group: Mapping[str, str] | None
    values: Mapping[str, float]
    gaps: Mapping[str, Difference]
    flip: DecisiveRows | None
    no_interval_reason: str = ""
    n: int = 0

    def __repr__(self) -> str:
        values = shown([f"{model}={value:.6g}" for model, value in self.values.items()])
        return f"ModelRanking({self.label}: {values}; n={self.n})"

    @property
    def best(self) -> str:
        """The model with the smallest value."""
        return next(iter(self.values))

    @property
    def winners(self) -> list[str]:
        """The best model, and those that tie with it; none where a value is not a finite number."""
        if any(map(math.isnan, self.values.values())) or math.isinf(self.values[self.best]):
            return []
        return [model for model in self.values if model == self.best or self.gaps[model].is_tie]

    @property
    def is_tested(self) -> bool:
        """Whether an interval tells of each model that differs from the best one that this is not chance, or is."""
        return all(gap.low is not None or not gap.difference for gap in self.gaps.values())

    def standing(self, model: str) -> ModelStanding:
        """Return how a model did."""
        gap, winners = self.gaps[model], self.winners
        won = None if not winners else "no" if model not in winners else "tie" if len(winners) > 1 else "yes"
        flip = self.flip.n if self.flip is not None and model == self.best else None
        return ModelStanding(won, gap.difference, gap.low, gap.high, flip)

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as JSON has it."""
        winners = self.winners
        models = [
            {"model": model, "value": finite_or_none(value)}
            | {key: finite_or_none(number) for key, number in self.gaps[model]._asdict().items()}
            for model, value in self.values.items()
        ]
        return {
            **({} if self.group is None else {"group": dict(self.group)}),
            "loss": self.label,
            "winner": winners[0] if len(winners) == 1 else None,
            "tie": winners if len(winners) > 1 else [],
            "models": models,
            "flip": None if self.flip is None else self.flip.to_dict(),
        }


@dataclass(frozen=True)
class Agreement:
    """Whether the losses agree on the models: Kendall's W, from 0 to 1, and whether all have the same winner.

    `same_winner` is False where two losses have no winner in common, None where ties leave it open.
    """

    group: Mapping[str, str] | None
    kendall_w: float | None
    same_winner: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return the agreement as JSON has it."""
        group = {} if self.group is None else {"group": dict(self.group)}
        return {**group, "kendall_w": finite_or_none(self.kendall_w), "same_winner": self.same_winner}


def measure_agreement(rankings: Sequence[ModelRanking]) -> Agreement:
    """Return whether the losses agree that rank the same models."""
    decided = [ranking for ranking in rankings if ranking.winners]
    if len(decided) < 2:
        return Agreement(rankings[0].group, None, None)
    table = np.array([[ranking.values[model] for model in rankings[0].values] for ranking in decided])
    winners = [set(ranking.winners) for ranking in decided]
    same_winner = True if all(len(tied) == 1 for tied in winners) else None
    if any(a.isdisjoint(b) for a, b in combinations(winners, 2)):
        same_winner = False
    return Agreement(rankings[0].group, kendall_w(table), same_winner)


def kendall_w(table: Array) -> float | None:
    """Return Kendall's (1939) coefficient of concordance of judges (rows) over items (columns); None if all items tie.

    Corrected for ties: W = 12 S / (m² (k³ - k) - m sum T), with m judges, k items, T = t³ - t for t tied items.
    """
    judges, items = table.shape
    sums = np.stack([average_ranks(row) for row in table]).sum(axis=0)
    spread = float(((sums - sums.mean()) ** 2).sum())
    tied = [np.unique(row, return_counts=True)[1] for row in table]
    ties = sum(float((counts**3 - counts).sum()) for counts in tied)
    most = judges**2 * (items**3 - items) - judges * ties
    return 12 * spread / most if most else None


def rank_models(
    losses: Mapping[str, LossOnRows],
    values: Mapping[str, float],
    group: Mapping[str, str] | None,
    resampling: Resampling,
    id: str | None,
) -> ModelRanking:
    """Rank several models under one loss, given on the same rows for each of them; `id` is the column of row names."""
    order = sorted(values, key=lambda model: (math.isnan(values[model]), values[model]))
    best = losses[order[0]]
    evaluator, batch = best.evaluator, best.batch
    reduction, ordered = evaluator.bound.loss.reduction, {model: values[model] for model in order}
    finite = [model for model in order if math.isfinite(values[model])]
    gaps = {model: Difference(values[model] - values[order[0]] if model in finite else None) for model in order}
    reason = ""
    if len(finite) < 2 or any(map(math.isnan, values.values())):
        reason = "where values are not finite"
    elif not best.is_per_sample or evaluator.form.coupled:
        reason = "where rows are coupled"
    if reason:
        return ModelRanking(evaluator.label, group, ordered, gaps, None, reason, len(batch))
    outcomes = {model: losses[model].evaluate()[0] for model in finite}
    clusters = batch.clusters(resampling.cluster)
    resampled: dict[str, Difference] = {}
    flips: Iterator[FlipCandidate] = iter(())
    if reduction in ADDITIVE_REDUCTIONS:
        terms = {model: ratio_terms(outcomes[model], batch) for model in finite}
        shifts = {model: values[model] - values[order[0]] for model in finite}
        if max(shifts.values()) <= EQUAL_VALUES * abs(values[order[0]]):
            terms = _excess_terms({model: losses[model] for model in finite}, terms)
            shifts = _paired_differences(terms, ordered, reduction is Reduction.ROOT_MEAN)
            terms = {model: terms[model] for model in sorted(finite, key=shifts.__getitem__)}
            best_model = next(iter(terms))
            shifts = {model: shifts[model] - shifts[best_model] for model in terms}
            ordered = {model: values[model] for model in (*terms, *(model for model in order if model not in terms))}
            gaps = {model: Difference(shifts.get(model)) for model in ordered}
        resampled = _resample_means(terms, ordered, shifts, reduction is Reduction.ROOT_MEAN, resampling, clusters)
        flips = _flip_mean(terms)
    elif reduction is Reduction.MEDIAN:
        resampled = _resample_medians(outcomes, ordered, batch, resampling)
    elif reduction is Reduction.MAX:
        flips = _flip_maximum(outcomes)
    if not resampled:
        reason = NO_INTERVAL_OF.get(reduction, "")
    elif any(gap.low is None and gap.difference for gap in resampled.values()):
        reason = "where there is only one row, or all rows differ by the same"
    flip = min(flips, key=lambda flip: len(flip.indices), default=None)
    decisive = None if flip is None else _name_rows(flip, batch, id)
    return ModelRanking(evaluator.label, group, ordered, gaps | resampled, decisive, reason, len(batch))


class RatioTerms(NamedTuple):
    """A loss of one model as a ratio of sums over rows: numerators (N,) and denominators (N,), weighted."""

    numerator: Array
    denominator: Array


def ratio_terms(outcome: Outcome, batch: Batch) -> RatioTerms:
    """Return what each row adds to the two sums."""
    weight = np.ones(len(batch)) if outcome.counted is None else outcome.counted.astype(np.float64)
    weight = weight if batch.weight is None else weight * batch.weight
    values = outcome.counted_losses()
    return RatioTerms(values * weight, weight if outcome.denominator is None else weight * outcome.denominator)


def _excess_terms(losses: Mapping[str, LossOnRows], terms: Mapping[str, RatioTerms]) -> dict[str, RatioTerms]:
    """Return the terms of models with the first one's losses subtracted row by row.

    Next to the loss of one absurd target a mean has no digits left for the other rows. Where the difference has none
    left for that row either, it is the mean of the slopes times the difference of the predictions.
    """
    first, *others = terms
    found = {first: terms[first]._replace(numerator=np.zeros_like(terms[first].numerator))}
    evaluator, batch = losses[first].evaluator, losses[first].batch
    y_true, y_pred = batch.arrays["y_true"], batch.arrays["y_pred"]
    is_straight = Property.TRANSLATION_INVARIANT in evaluator.bound.properties and "gradient" in evaluator.form.hooks
    for model in others:
        rises = terms[model].numerator - terms[first].numerator
        if is_straight and y_pred.size == len(batch):
            step = (losses[model].batch.arrays["y_pred"] - y_pred).reshape(-1)
            far = np.flatnonzero(np.abs(step) < SMALL_STEP * np.abs(y_pred - y_true).reshape(-1))
            slopes = [evaluator(losses[m].batch.take(far), gradient=True).gradient for m in (first, model) if far.size]
            for slope in slopes:
                assert slope is not None
                weight = 1.0 if batch.weight is None else batch.weight[far]
                rises[far] = (0.0 if slope is slopes[0] else rises[far]) + slope.reshape(-1) / 2 * step[far] * weight
        found[model] = terms[model]._replace(numerator=rises)
    return found


def _paired_differences(
    terms: Mapping[str, RatioTerms], values: Mapping[str, float], is_root: bool
) -> dict[str, float]:
    """Return the differences of equal values, of models whose terms are above those of one of them."""
    factors = {model: 1 / (2 * values[model]) if is_root and values[model] > 0 else 1.0 for model in terms}
    return {
        model: float(term.numerator.sum() / term.denominator.sum() * factors[model]) for model, term in terms.items()
    }


def _resample_means(
    terms: Mapping[str, RatioTerms],
    values: Mapping[str, float],
    differences: Mapping[str, float],
    is_root: bool,
    resampling: Resampling,
    clusters: NDArray[np.uint64] | None,
) -> dict[str, Difference]:
    """Return the differences to the first model, with intervals; a root of a mean by the infinitesimal jackknife."""
    best, *others = terms
    weight = terms[best].denominator
    rows = weight > 0
    columns = {
        model: (term.numerator / (2 * values[model]) if is_root and values[model] > 0 else term.numerator)[rows]
        / weight[rows]
        for model, term in terms.items()
    }
    gaps = np.stack([columns[model] - columns[best] for model in others], axis=1)
    shifts = np.array([differences[model] for model in others])
    is_constant = weight[rows].min() == weight[rows].max()
    offsets = shifts - np.average(gaps, axis=0, weights=weight[rows])
    is_rounding = np.abs(offsets) <= 4 * np.finfo(float).eps * np.abs(gaps).max(axis=0)  # it would move all other rows
    centred = gaps + np.where(is_rounding, 0.0, offsets)
    units = None if clusters is None else clusters[rows]
    intervals = paired(centred, None if is_constant else weight[rows], resampling, clusters=units)
    found = {
        model: Difference(float(shift), _without_rounding(interval.low, interval.high), interval.high)
        for model, shift, interval in zip(others, shifts, intervals, strict=True)
    }
    # models whose losses are the same in every row differ by exactly 0 in every sample, too
    same = {
        model: Difference(0.0, 0.0, 0.0) for j, model in enumerate(others) if shifts[j] == 0 and not gaps[:, j].any()
    }
    return found | same


def _without_rounding(low: float | None, high: float | None) -> float | None:
    """Return the lower end of an interval, 0 where it is a rounding error of the upper one."""
    is_rounding = low is not None and high is not None and abs(low) <= float(np.finfo(float).eps) * abs(high)
    return 0.0 if is_rounding else low


def _resample_medians(
    outcomes: Mapping[str, Outcome], values: Mapping[str, float], batch: Batch, resampling: Resampling
) -> dict[str, Difference]:
    """Return the differences to the first model, with percentile intervals; empty if there are too many rows."""
    if not 2 <= len(batch) <= MAX_ROWS_HELD:
        return {}
    best, *others = outcomes
    clusters = batch.clusters(resampling.cluster)
    rows = {
        model: CountedRows(batch.rows, outcome.elements, batch.weight, None, clusters)
        for model, outcome in outcomes.items()
    }
    units = median_units(rows[best], resampling, [rows[model] for model in others])
    if too_few_units(units.size, resampling):
        return {}
    drawn = {model: medians(of_model, resampling, units) for model, of_model in rows.items()}
    ends = {model: quantiles(drawn[model] - drawn[best], None, resampling.tails) for model in others}
    return {model: Difference(values[model] - values[best], *map(float, pair)) for model, pair in ends.items()}


class FlipCandidate(NamedTuple):
    """Indices of rows without which another model would win, and that model."""

    indices: NDArray[np.intp]
    to: str


def _flip_mean(terms: Mapping[str, RatioTerms]) -> Iterator[FlipCandidate]:
    """Leave out the rows that favour the first model most, until the sum of another model is smaller."""
    best, *others = terms
    for model in others:
        favour = terms[model].numerator - terms[best].numerator
        order = np.argsort(favour, kind="stable")
        below = np.flatnonzero(np.cumsum(favour[order]) < 0)
        if below.size:
            yield FlipCandidate(order[below[-1] + 1 :][::-1], model)


def _flip_maximum(outcomes: Mapping[str, Outcome]) -> Iterator[FlipCandidate]:
    """Leave out the rows where another model is worse than the first one is in some other row."""
    best, *others = (
        np.asarray(outcome.elements.reshape(len(outcome.elements), -1).max(axis=1), dtype=np.float64)
        for outcome in outcomes.values()
    )
    for model, largest in zip(list(outcomes)[1:], others, strict=True):
        better = np.flatnonzero(largest < best)
        if better.size:
            yield FlipCandidate(np.flatnonzero(largest >= best[better].max()), model)


def _name_rows(flip: FlipCandidate, batch: Batch, id: str | None) -> DecisiveRows:
    first = flip.indices[:MAX_DECISIVE_ROWS]
    ids = None if id is None else tuple(str(batch.extras[id][index]) for index in first)
    return DecisiveRows(len(flip.indices), flip.to, tuple(batch.rows_at(first).tolist()), ids)
