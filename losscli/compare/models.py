"""Which of several models is best under a loss, how sure that is, and on how few rows it rests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from losscli.compare.decisive_rows import DecisiveRows, FlipCandidate, flip_maximum, flip_mean, name_rows
from losscli.compare.model_terms import excess_terms, excess_values, ratio_terms, terms_to_resample
from losscli.compare.no_interval import NO_INTERVAL_OF, NOT_ALL_FINITE, NOT_OF_ROWS, TOO_FEW_FOR_MEDIANS, TOO_FEW_ROWS
from losscli.compare.subset import ADDITIVE_REDUCTIONS, LossOnRows
from losscli.data.batch import Batch
from losscli.declaration.properties import Reduction
from losscli.evaluation.outcome import Outcome
from losscli.result_base import shown
from losscli.results import finite_or_none
from losscli.statistics.bootstrap.accumulator import CountedRows
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.intervals import median_units, medians
from losscli.statistics.bootstrap.options import DEFAULT_LEVEL, MIN_ROWS_FOR_LEVEL, Resampling
from losscli.statistics.bootstrap.units import too_few_units
from losscli.statistics.confidence_set import confidence_set, differences_to
from losscli.statistics.simultaneous import (
    MAX_ROWS_STUDENTIZED,
    ModelTerms,
    PairDraws,
    pairs_of,
    pairs_of_draws,
    resample_pairs,
)

EQUAL_VALUES = 1e-9
"""Relative difference of values below which the rows tell more of it than the values."""

RESAMPLING_OF_MODELS = Resampling(DEFAULT_LEVEL)
"""How rows are drawn for models, if nothing else is asked for."""

BEST, WORSE, UNDECIDED = "best", "worse", "undecided"
"""Verdicts on a model: the only one in the model confidence set, not in it, in it together with others."""


class Difference(NamedTuple):
    """How a model differs from the reference: its value less the reference's, and as a share of that.

    The intervals hold for all models of the family at once; `p` is adjusted for their number.
    """

    difference: float | None
    diff_low: float | None = None
    diff_high: float | None = None
    relative: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    p: float | None = None


class ModelStanding(NamedTuple):
    """How a model did under a loss: the columns that several models add to a comparison, and the relative interval."""

    difference: float | None = None
    diff_low: float | None = None
    diff_high: float | None = None
    relative: float | None = None
    p: float | None = None
    verdict: str | None = None
    flip: int | None = None
    relative_low: float | None = None
    relative_high: float | None = None


@dataclass(frozen=True, repr=False)
class ModelRanking:
    """Several models under one loss, over `n` rows.

    `values` are theirs, the best first; `gaps` their differences to the `reference`, whose intervals reach
    `critical_value` standard errors to each side; no p can be below `least_p`. `confidence_set`
    are the models that may be the best, none where that cannot be said; `left_out` are those that are worse. `method`
    and `resampling` say how rows were drawn, and `units` how many of the clusters or blocks are in each resample.
    `no_interval_reason` says why differences have no intervals, if that is so. `no_ranking` says why no model is better
    than another; `values` are then in the order of the models, and `best` is the first of them.
    """

    label: str
    group: Mapping[str, str] | None
    values: Mapping[str, float]
    gaps: Mapping[str, Difference]
    flip: DecisiveRows | None
    no_interval_reason: str = ""
    n: int = 0
    reference: str = ""
    confidence_set: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    critical_value: float | None = None
    least_p: float = 0.0
    method: str | None = None
    resampling: Resampling = RESAMPLING_OF_MODELS
    units: int | None = None
    no_ranking: str = ""

    def __repr__(self) -> str:
        values = shown([f"{model}={value:.6g}" for model, value in self.values.items()])
        return f"ModelRanking({self.label}: {values}; n={self.n})"

    @property
    def best(self) -> str:
        """The model with the smallest value."""
        return next(iter(self.values))

    @property
    def cluster(self) -> str | None:
        """The column of the clusters that are resampled."""
        return self.resampling.cluster

    @property
    def block(self) -> int | None:
        """How many rows the blocks have that are resampled."""
        return self.resampling.block if isinstance(self.resampling.block, int) else None

    def verdict(self, model: str) -> str | None:
        """Return what can be said of a model; None where nothing can."""
        if model in self.left_out:
            return WORSE
        if model not in self.confidence_set:
            return None
        return BEST if len(self.confidence_set) == 1 else UNDECIDED

    def standing(self, model: str) -> ModelStanding:
        """Return how a model did."""
        flip = self.flip.n if self.flip is not None and model == self.best else None
        return ModelStanding(verdict=self.verdict(model), flip=flip, **self.gaps[model]._asdict())

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as JSON has it."""
        models = [
            {"model": model, "value": finite_or_none(value)}
            | {key: finite_or_none(number) for key, number in self.gaps[model]._asdict().items()}
            | {"verdict": self.verdict(model)}
            for model, value in self.values.items()
        ]
        drawn = {"cluster": self.cluster, "block": self.block, "units": self.units}
        return {
            **({} if self.group is None else {"group": dict(self.group)}),
            "loss": self.label,
            "best": None if self.no_ranking else self.best,
            "reference": self.reference,
            "confidence_set": list(self.confidence_set),
            "level": self.resampling.level,
            "method": self.method,
            "resamples": self.resampling.resamples,
            "seed": self.resampling.seed,
            **({key: known for key, known in drawn.items() if known is not None} if self.units else {}),
            "critical_value": finite_or_none(self.critical_value),
            "models": models,
            "flip": None if self.flip is None else self.flip.to_dict(),
        }


class Contest(NamedTuple):
    """What is known of several models under one loss before it is tested.

    `values` are theirs, the best first; `differences` are values less any common number, of those that are tested.
    `pairs` came of these, or will come of the `terms`. `units` and `block` say what is resampled. `no_ranking` says why
    none is better than another: the values are then in the order of the models.
    """

    label: str
    group: Mapping[str, str] | None
    values: Mapping[str, float]
    differences: Mapping[str, float]
    n: int
    no_interval_reason: str = ""
    flip: DecisiveRows | None = None
    terms: ModelTerms | None = None
    pairs: PairDraws | None = None
    units: int | None = None
    block: int | None = None
    no_ranking: str = ""


def order_of_models(values: Mapping[str, float], no_ranking: str) -> list[str]:
    """Return the models, the one with the smallest value first; as they are given where that is not the best."""
    return list(values) if no_ranking else sorted(values, key=lambda model: (math.isnan(values[model]), values[model]))


def rank_models(
    losses: Sequence[Mapping[str, LossOnRows]],
    values: Sequence[Mapping[str, float]],
    group: Mapping[str, str] | None,
    resampling: Resampling,
    id: str | None,
    reference: str | None,
) -> list[ModelRanking]:
    """Rank several models under each loss, given on the same rows for each of them.

    Args:
        losses: Model -> a loss on its predictions, for each loss.
        values: Model -> the value, for each loss.
        group: The group that the rows are.
        resampling: How rows are drawn: all losses share the draws.
        id: The column of row names.
        reference: The model that the others are compared with; None for the best under each loss.
    """
    contests = []
    for of_models, their_values in zip(losses, values, strict=True):
        contest = prepare_contest(of_models, their_values, group, resampling, id)
        if contest.terms is not None and len(contest.terms.numerators) > MAX_ROWS_STUDENTIZED:  # too large to wait
            contest = contest._replace(pairs=resample_pairs([contest.terms], resampling)[0], terms=None)
        contests.append(contest)
    drawn = iter(resample_pairs([each.terms for each in contests if each.terms is not None], resampling))
    tested = [each if each.terms is None else each._replace(pairs=next(drawn)) for each in contests]
    return [judge_contest(each, resampling, reference) for each in tested]


def intervals_of_models(rankings: Sequence[ModelRanking]) -> dict[str, Any]:
    """Return how the intervals of differences were found, as JSON has it; empty where there are none."""
    drawn = [ranking for ranking in rankings if ranking.method is not None]
    if not drawn:
        return {}
    resamples = max(ranking.resampling.resamples or 0 for ranking in drawn)
    return drawn[0].resampling.to_dict([ranking.method for ranking in drawn], resamples)


def judge_contest(contest: Contest, resampling: Resampling, reference: str | None) -> ModelRanking:
    """Return the ranking of the models: their differences to the reference, and which of them may be the best."""
    judged = _judge_as_ranked(contest, resampling, reference)
    if not contest.no_ranking:
        return judged
    gaps = {
        model: gap._replace(relative=None, relative_low=None, relative_high=None, p=None)
        for model, gap in judged.gaps.items()
    }
    return replace(judged, gaps=gaps, flip=None, least_p=0.0, confidence_set=(), left_out=())


def _judge_as_ranked(contest: Contest, resampling: Resampling, reference: str | None) -> ModelRanking:
    values = contest.values
    named, reference, reason = reference is not None, reference or next(iter(values)), contest.no_interval_reason
    of_reference = contest.differences.get(reference)
    gaps: dict[str, Difference] = {}
    for model in values:
        mine = contest.differences.get(model)
        difference = None if mine is None or of_reference is None else mine - of_reference
        gaps[model] = Difference(difference, relative=_share(difference, values[reference]))
    if of_reference is not None:
        gaps[reference] = Difference(*[0.0] * 6)
    if len(contest.differences) < len(values):
        reason = reason or NOT_ALL_FINITE
    ranking = ModelRanking(
        contest.label,
        contest.group,
        values,
        gaps,
        contest.flip,
        reason,
        contest.n,
        reference,
        resampling=resampling,
        no_ranking=contest.no_ranking,
    )
    pairs, tested = contest.pairs, list(contest.differences)
    if pairs is None or reference not in tested:
        return ranking
    found = differences_to(tested.index(reference), pairs, len(tested), resampling.level, named)
    for j, model in enumerate(tested):
        if model != reference:
            low, high = finite_or_none(found.low[j]), finite_or_none(found.high[j])
            gaps[model] = gaps[model]._replace(
                diff_low=low,
                diff_high=high,
                relative_low=_share(low, values[reference]),
                relative_high=_share(high, values[reference]),
                p=finite_or_none(found.p[j]),
            )
    is_left = confidence_set(pairs, len(tested), resampling.level)
    first, second = pairs_of(len(tested))
    is_open = np.isnan(pairs.p)
    is_constant = is_open & (pairs.errors == 0) & is_left[first] & is_left[second]
    has_set = not is_constant.any() and (pairs.is_tested.any() or not is_open.any())
    if any(gap.diff_low is None for gap in gaps.values()):
        reason = reason or TOO_FEW_ROWS
    return replace(
        ranking,
        no_interval_reason=reason,
        critical_value=finite_or_none(found.critical_value),
        least_p=found.least_p,
        method=pairs.method,
        resampling=resampling._replace(resamples=len(pairs.resampled), block=contest.block),
        units=contest.units if resampling.resamples_units else None,
        confidence_set=tuple(m for m, kept in zip(tested, is_left, strict=True) if kept) if has_set else (),
        left_out=tuple(m for m, kept in zip(tested, is_left, strict=True) if not kept),
    )


def _share(part: float | None, whole: float) -> float | None:
    """Return a part as a share of the reference's value; None where that is not above 0."""
    return None if part is None or not 0 < whole < math.inf else finite_or_none(part / whole)


def prepare_contest(
    losses: Mapping[str, LossOnRows],
    values: Mapping[str, float],
    group: Mapping[str, str] | None,
    resampling: Resampling,
    id: str | None,
) -> Contest:
    """Return what the tests of several models need, which are given on the same rows, and the rows that decide."""
    first = next(iter(losses.values()))
    evaluator, batch, loss = first.evaluator, first.batch, first.evaluator.bound.loss
    order = order_of_models(values, loss.no_ranking)
    reduction, ordered = loss.reduction, {model: values[model] for model in order}
    differences = {model: values[model] for model in order if math.isfinite(values[model])}
    contest = Contest(evaluator.label, group, ordered, differences, len(batch), no_ranking=loss.no_ranking)
    if len(differences) < 2 or any(map(math.isnan, values.values())):
        return contest._replace(no_interval_reason=NOT_ALL_FINITE)
    if evaluator.dataset_wide:
        return contest._replace(no_interval_reason=NOT_OF_ROWS)
    if not first.is_per_sample or evaluator.coupled:
        return contest._replace(no_interval_reason="where rows are coupled")
    outcomes = {model: losses[model].evaluate()[0] for model in differences}
    flips: Iterator[FlipCandidate] = iter(())
    if reduction in ADDITIVE_REDUCTIONS:
        terms = {model: ratio_terms(outcomes[model], batch) for model in differences}
        del outcomes
        least, most = min(differences.values()), max(differences.values())
        if most - least <= EQUAL_VALUES * abs(least) and not loss.no_ranking:
            terms = excess_terms({model: losses[model] for model in differences}, terms)
            excess = excess_values(terms, ordered, reduction)
            terms = {model: terms[model] for model in sorted(terms, key=excess.__getitem__)}
            differences = {model: excess[model] for model in terms}
            ordered = {model: values[model] for model in (*terms, *(model for model in order if model not in terms))}
        contest = contest._replace(values=ordered, differences=differences)
        resampled = terms_to_resample(terms, ordered, differences, reduction, batch, resampling)
        if why := too_few_units(resampled.size, resampling):
            contest = contest._replace(no_interval_reason=f"where {why}")
        else:
            contest = contest._replace(terms=resampled, units=resampled.size, block=resampled.block)
        flips = flip_mean(terms)
    elif reduction is Reduction.MEDIAN:
        contest = _resample_medians(contest, outcomes, batch, resampling)
    elif reduction is Reduction.MAX:
        flips = flip_maximum(outcomes)
    flip = min(flips, key=lambda flip: len(flip.indices), default=None)
    reason = contest.no_interval_reason
    if contest.terms is None and contest.pairs is None:
        reason = reason or NO_INTERVAL_OF.get(reduction, "")
    return contest._replace(no_interval_reason=reason, flip=None if flip is None else name_rows(flip, batch, id))


def _resample_medians(
    contest: Contest, outcomes: Mapping[str, Outcome], batch: Batch, resampling: Resampling
) -> Contest:
    """Return the contest with the pairs of medians, or why there are none."""
    if len(batch) > MAX_ROWS_HELD:
        return contest
    clusters = batch.clusters(resampling.cluster)
    rows = [CountedRows(batch.rows, each.elements, batch.weight, None, clusters) for each in outcomes.values()]
    units = median_units(rows[0], resampling, rows[1:])
    if why := too_few_units(units.size, resampling):
        return contest._replace(no_interval_reason=f"where {why}")
    if units.size < MIN_ROWS_FOR_LEVEL:
        what = "clusters" if clusters is not None else "rows" if units.size == len(batch) else "blocks"
        return contest._replace(no_interval_reason=f"{TOO_FEW_FOR_MEDIANS} {what}")
    drawn = [medians(each, resampling, units) for each in rows]
    pairs = pairs_of_draws(np.array(list(contest.differences.values())), np.stack(drawn, axis=1))
    return contest._replace(pairs=pairs, units=units.size, block=units.block)
