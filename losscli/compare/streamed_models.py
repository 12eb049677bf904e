"""Several models under the same losses, compared while their rows stream by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from losscli.compare.model_terms import RatioTerms, ratio_terms
from losscli.compare.models import Contest, ModelRanking, judge_contest, order_of_models, rank_models
from losscli.compare.no_interval import NO_INTERVAL_OF, NOT_ALL_FINITE, NOT_OF_ROWS
from losscli.compare.subset import ADDITIVE_REDUCTIONS, RowSubset
from losscli.compare.unit_sums import UnitSums, common_reference
from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.declaration.properties import Reduction
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import RunState
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.bootstrap.units import too_few_units
from losscli.statistics.ratios import RELATIVE_ROUNDING
from losscli.statistics.simultaneous import ModelTerms, draw_normal, pairs_of, resample_pairs


class PairedSums:
    """Sums over rows, and sums of products, of the terms of one loss for each model: a few numbers that merge.

    The losses of all models but a reference are there as differences to those of the reference, row by row. By them the
    difference of two means has a standard error by the delta method. The reference of a batch is the model whose
    largest loss is least: beside one huge loss of it, the differences of the others would have no digits.
    """

    def __init__(self, n_models: int, has_own_denominators: bool) -> None:
        self.n_models, self.has_own_denominators = n_models, has_own_denominators
        self._size = n_models + (n_models if has_own_denominators else 1)
        self._by_reference: dict[int, tuple[Array, Array]] = {}

    def fresh_copy(self) -> PairedSums:
        return PairedSums(self.n_models, self.has_own_denominators)

    def update(self, terms: Sequence[RatioTerms]) -> None:
        """Add rows by the terms of each model."""
        if not terms[0].numerator.size:
            return
        reference = common_reference([each.numerator for each in terms])
        rows = self._columns(terms, reference)
        self._add(reference, rows.sum(axis=1), rows @ rows.T)

    def _columns(self, terms: Sequence[RatioTerms], reference: int) -> Array:
        """Return the columns of rows (columns, n): losses less those of the reference, and denominators."""
        theirs = terms[reference].numerator
        columns = [theirs if i == reference else each.numerator - theirs for i, each in enumerate(terms)]
        columns += [each.denominator for each in (terms if self.has_own_denominators else terms[:1])]
        return np.stack(columns)

    def merge(self, other: PairedSums) -> None:
        for reference, (sums, products) in other._by_reference.items():
            self._add(reference, sums, products)

    def _add(self, reference: int, sums: Array, products: Array) -> None:
        if reference in self._by_reference:
            mine = self._by_reference[reference]
            sums, products = mine[0] + sums, mine[1] + products
        self._by_reference[reference] = sums, products

    def _divisor(self, model: int) -> int:
        """Return the column of the denominators of a model."""
        return self.n_models + (model if self.has_own_denominators else 0)

    def _total(self, model: int) -> float:
        """Return the sum of the denominators of a model."""
        return sum(float(sums[self._divisor(model)]) for sums, _ in self._by_reference.values())

    def _mean(self, model: int) -> float:
        found = 0.0
        for reference, (sums, _) in self._by_reference.items():
            found += float(sums[reference] + (sums[model] if model != reference else 0.0))
        return found / self._total(model)

    def _influence(self, model: int, reference: int) -> Array:
        """Return by how much the columns of a row move the mean of a model (columns,)."""
        total = self._total(model)
        coefficients = np.zeros(self._size)
        coefficients[reference] = coefficients[model] = 1 / total
        coefficients[self._divisor(model)] -= self._mean(model) / total
        return coefficients

    def differences(self, models: Sequence[int], reduction: Reduction) -> Array:
        """Return by how much the values of some models are above that of the first of them."""
        first, *_ = values = [reduction.of_mean(self._mean(model)) for model in models]
        gaps = [self._mean_gap(model, models[0]) for model in models]
        return np.array([reduction.difference(gap, value, first) for gap, value in zip(gaps, values, strict=True)])

    def _slopes(self, models: Sequence[int], reduction: Reduction) -> list[float]:
        """Return by how much the values of models move with their means: the delta method."""
        return [reduction.slope(reduction.of_mean(self._mean(model))) for model in models]

    def covariance(self, models: Sequence[int], reduction: Reduction) -> tuple[Array, Array]:
        """Return the covariance (m, m) of models' differences to the first of them, and the errors of all pairs."""
        slopes = self._slopes(models, reduction)
        first, second = pairs_of(len(models))
        covariance, variances = np.zeros((len(models),) * 2), np.zeros(len(first))
        for reference, (_, products) in self._by_reference.items():
            each = np.stack([s * self._influence(m, reference) for s, m in zip(slopes, models, strict=True)])
            to_first, gaps = each - each[0], each[first] - each[second]
            covariance += to_first @ products @ to_first.T
            variances += ((gaps @ products) * gaps).sum(axis=1)
        return covariance, np.sqrt(np.maximum(variances, 0.0))

    def _mean_gap(self, model: int, other: int) -> float:
        if self.has_own_denominators:
            return self._mean(model) - self._mean(other)
        gap = 0.0
        for reference, (sums, _) in self._by_reference.items():
            ends = [0.0 if each == reference else float(sums[each]) for each in (model, other)]
            gap += ends[0] - ends[1]
        return gap / self._total(model)


class PairedUnits(PairedSums):
    """The same sums over clusters or blocks of rows, which are resampled whole. Batches come in order.

    All have the reference of the first batch.
    """

    def __init__(self, n_models: int, has_own_denominators: bool, resampling: Resampling) -> None:
        super().__init__(n_models, has_own_denominators)
        self._resampling, self._units = resampling, UnitSums(resampling)
        self._reference: int | None = None

    def fresh_copy(self) -> PairedUnits:
        return PairedUnits(self.n_models, self.has_own_denominators, self._resampling)

    def update(self, terms: Sequence[RatioTerms], clusters: NDArray[np.uint64] | None = None) -> None:
        counted = np.any([(each.numerator != 0) | (each.denominator != 0) for each in terms], axis=0)
        if not counted.any():
            return
        if self._reference is None:
            self._reference = common_reference([each.numerator for each in terms])
        rows = self._columns(terms, self._reference)
        self._add(self._reference, rows.sum(axis=1), np.zeros((self._size, self._size)))
        self._units.add(rows[:, counted].T, None if clusters is None else clusters[counted])

    def model_terms(self, models: Sequence[int], differences: Array, reduction: Reduction) -> ModelTerms:
        """Return what each unit moves some models' values by, less what it moves that of the first of them."""
        assert self._reference is not None
        units, total = self._units.sums(), self._total(models[0])
        slopes = self._slopes(models, reduction)
        moves = np.stack([s * self._influence(m, self._reference) for s, m in zip(slopes, models, strict=True)])
        numerators = units @ (moves - moves[0]).T * total
        denominators = units[:, self._divisor(models[0])]
        return ModelTerms(differences, numerators, denominators, len(units), block=self._units.length)


class ModelLosses:
    """Evaluates the losses of all models batch by batch, beside a run that evaluates those of the first.

    With `all_apart` the first is evaluated here, too: where rows lack only the predictions of other models.
    """

    def __init__(self, run: RunState, models: Sequence[str], all_apart: bool) -> None:
        self.models, self.all_apart = tuple(models), all_apart
        self.runs = {model: run.fresh_copy() for model in models[0 if all_apart else 1 :]}
        self.sums: list[PairedSums] = []
        self._cluster: str | None = None
        for evaluator in run.evaluators:
            shape = len(models), "denominator" in evaluator.form.hooks
            if run.resampling is not None and run.resampling.resamples_units:
                self._cluster = run.resampling.cluster
                self.sums.append(PairedUnits(*shape, run.resampling))
            else:
                self.sums.append(PairedSums(*shape))
        self._evaluators = run.evaluators

    def fresh_copy(self) -> ModelLosses:
        return ModelLosses(next(iter(self.runs.values())), self.models, self.all_apart)

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        by_model = [outcomes]
        for model, run in self.runs.items():
            evaluated = list(run.evaluate(iter((batch.predicted_by(model),)), may_be_empty=True))
            by_model.append(evaluated[0].outcomes)
        by_model = by_model[1:] if self.all_apart else by_model
        kept = None if batch.absent is None else ~batch.absent
        rows = batch if kept is None else batch.take(kept)
        for i, (sums, evaluator) in enumerate(zip(self.sums, self._evaluators, strict=True)):
            if len(by_model[0][i].per_sample) != len(batch) or evaluator.coupled or evaluator.dataset_wide:
                continue
            found = [each[i] if kept is None else each[i].take(kept) for each in by_model]
            with np.errstate(all="ignore"):
                terms = [ratio_terms(outcome, rows) for outcome in found]
                if isinstance(sums, PairedUnits):
                    sums.update(terms, rows.clusters(self._cluster))
                else:
                    sums.update(terms)

    def merge(self, other: ModelLosses) -> None:
        for model, run in self.runs.items():
            run.merge(other.runs[model])
        for mine, theirs in zip(self.sums, other.sums, strict=True):
            mine.merge(theirs)

    def renumber(self, rows_before: int) -> None:
        """Tell the observers of each model's run how many rows come before those seen."""
        for run in self.runs.values():
            run.renumber(rows_before)

    def rank(
        self, run: RunState, sample: RowSample, resampling: Resampling, id: str | None, reference: str | None
    ) -> list[ModelRanking]:
        """Rank the models under each loss: as `compare` does if the sample is complete, else by sums over all rows."""
        accumulators = {
            model: self.runs[model].accumulators if model in self.runs else run.accumulators for model in self.models
        }
        values = [{model: its[i].value() for model, its in accumulators.items()} for i in range(len(run.evaluators))]
        if not sample.is_complete:
            contests = [
                self._contest_of_sums(i, evaluator, values[i], sample.n, resampling)
                for i, evaluator in enumerate(run.evaluators)
            ]
            return [judge_contest(contest, resampling, reference) for contest in contests]
        subsets = {model: RowSubset(sample.batch.predicted_by(model), run).losses for model in self.models}
        losses = [{model: its[i] for model, its in subsets.items()} for i in range(len(run.evaluators))]
        return rank_models(losses, values, None, resampling, id, reference)

    def _contest_of_sums(
        self, index: int, evaluator: Evaluator, values: Mapping[str, float], n: int, resampling: Resampling
    ) -> Contest:
        loss = evaluator.bound.loss
        order, reduction = order_of_models(values, loss.no_ranking), loss.reduction
        ordered = {model: values[model] for model in order}
        differences = {model: values[model] for model in order if math.isfinite(values[model])}
        reason = NO_INTERVAL_OF.get(reduction, "")
        if len(differences) < len(values):
            reason = NOT_ALL_FINITE
        elif evaluator.dataset_wide:
            reason = NOT_OF_ROWS
        elif evaluator.coupled:
            reason = "where rows are coupled"
        elif reduction is Reduction.ROOT_MEAN and values[order[0]] == 0:
            reason = "where a root has no slope"
        contest = Contest(evaluator.label, None, ordered, differences, n, reason, no_ranking=loss.no_ranking)
        if reason or reduction not in ADDITIVE_REDUCTIONS:
            return contest
        sums, places = self.sums[index], [self.models.index(model) for model in order]
        gaps = sums.differences(places, reduction)
        if isinstance(sums, PairedUnits):
            terms = sums.model_terms(places, gaps, reduction)
            contest = contest._replace(differences=dict(zip(order, gaps.tolist(), strict=True)))
            if why := too_few_units(terms.size, resampling):
                return contest._replace(no_interval_reason=f"where {why}")
            return contest._replace(pairs=resample_pairs([terms], resampling)[0], units=terms.size, block=terms.block)
        covariance, errors = sums.covariance(places, reduction)
        first, second = pairs_of(len(gaps))
        errors[errors <= math.sqrt(RELATIVE_ROUNDING / n) * np.abs(gaps[first] - gaps[second])] = 0.0
        pairs = draw_normal(gaps, errors, covariance, errors > 0, resampling)
        return contest._replace(differences=dict(zip(order, gaps.tolist(), strict=True)), pairs=pairs)
