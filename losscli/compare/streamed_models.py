"""Several models under the same losses, compared while their rows stream by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from losscli.compare.models import NO_INTERVAL_OF, Difference, ModelRanking, RatioTerms, rank_models, ratio_terms
from losscli.compare.subset import ADDITIVE_REDUCTIONS, RowSubset
from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.declaration.properties import Reduction
from losscli.evaluation.evaluator import Evaluator, Outcome
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import RunState
from losscli.statistics.bootstrap.options import Resampling


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
        reference = int(np.argmin([np.abs(each.numerator).max() for each in terms]))
        theirs = terms[reference].numerator
        columns = [theirs if i == reference else each.numerator - theirs for i, each in enumerate(terms)]
        columns += [each.denominator for each in (terms if self.has_own_denominators else terms[:1])]
        rows = np.stack(columns)
        self._add(reference, rows.sum(axis=1), rows @ rows.T)

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

    def difference(self, model: int, other: int, is_root: bool) -> tuple[float, float]:
        """Return the difference of two models' means, or of the roots of these, with its standard error."""
        gap, slopes = self._mean_gap(model, other), (1.0, 1.0)
        if is_root:
            roots = math.sqrt(self._mean(model)), math.sqrt(self._mean(other))
            gap /= sum(roots)
            slopes = 1 / (2 * roots[0]), 1 / (2 * roots[1])
        variance = 0.0
        for reference, (_, products) in self._by_reference.items():
            mine, theirs = (self._influence(each, reference) for each in (model, other))
            coefficients = slopes[0] * mine - slopes[1] * theirs
            variance += float(coefficients @ products @ coefficients)
        return gap, math.sqrt(max(0.0, variance))

    def _mean_gap(self, model: int, other: int) -> float:
        if self.has_own_denominators:
            return self._mean(model) - self._mean(other)
        gap = 0.0
        for reference, (sums, _) in self._by_reference.items():
            ends = [0.0 if each == reference else float(sums[each]) for each in (model, other)]
            gap += ends[0] - ends[1]
        return gap / self._total(model)


class ModelLosses:
    """Evaluates the losses of all models batch by batch, beside a run that evaluates those of the first.

    With `all_apart` the first is evaluated here, too: where rows lack only the predictions of other models.
    """

    def __init__(self, run: RunState, models: Sequence[str], all_apart: bool) -> None:
        self.models, self.all_apart = tuple(models), all_apart
        self.runs = {model: run.fresh_copy() for model in models[0 if all_apart else 1 :]}
        self.sums = [PairedSums(len(models), "denominator" in e.form.hooks) for e in run.evaluators]
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
            if len(by_model[0][i].per_sample) != len(batch) or evaluator.form.coupled:
                continue
            found = [each[i] if kept is None else each[i].take(kept) for each in by_model]
            with np.errstate(all="ignore"):
                sums.update([ratio_terms(outcome, rows) for outcome in found])

    def merge(self, other: ModelLosses) -> None:
        for model, run in self.runs.items():
            run.merge(other.runs[model])
        for mine, theirs in zip(self.sums, other.sums, strict=True):
            mine.merge(theirs)

    def renumber(self, rows_before: int) -> None:
        """Tell the observers of each model's run how many rows come before those seen."""
        for run in self.runs.values():
            run.renumber(rows_before)

    def rank(self, run: RunState, sample: RowSample, resampling: Resampling, id: str | None) -> list[ModelRanking]:
        """Rank the models under each loss: as `compare` does if the sample is complete, else by sums over all rows."""
        accumulators = {
            model: self.runs[model].accumulators if model in self.runs else run.accumulators for model in self.models
        }
        values = [{model: its[i].value() for model, its in accumulators.items()} for i in range(len(run.evaluators))]
        if not sample.is_complete:
            return [
                self._rank_by_sums(i, evaluator, values[i], sample.n, resampling)
                for i, evaluator in enumerate(run.evaluators)
            ]
        losses = {model: RowSubset(sample.batch.predicted_by(model), run).losses for model in self.models}
        return [
            rank_models({model: its[i] for model, its in losses.items()}, values[i], None, resampling, id)
            for i in range(len(run.evaluators))
        ]

    def _rank_by_sums(
        self, index: int, evaluator: Evaluator, values: Mapping[str, float], n: int, resampling: Resampling
    ) -> ModelRanking:
        from statistics import NormalDist

        order = sorted(values, key=lambda model: (math.isnan(values[model]), values[model]))
        best, reduction = order[0], evaluator.bound.loss.reduction
        gaps = {model: Difference(difference_or_none(values[model], values[best])) for model in order}
        reason = NO_INTERVAL_OF.get(reduction, "")
        if any(not math.isfinite(value) for value in values.values()):
            reason = "where values are not finite"
        elif evaluator.form.coupled:
            reason = "where rows are coupled"
        if not reason and reduction in ADDITIVE_REDUCTIONS:
            places = {model: i for i, model in enumerate(self.models)}
            z = NormalDist().inv_cdf(resampling.tails[1])
            is_root = reduction is Reduction.ROOT_MEAN
            if is_root and values[best] == 0:
                reason = "where a root has no slope"
            else:
                for model in order[1:]:
                    gap, error = self.sums[index].difference(places[model], places[best], is_root)
                    gaps[model] = Difference(gap, gap - z * error, gap + z * error)
        return ModelRanking(evaluator.label, None, {model: values[model] for model in order}, gaps, None, reason, n)


def difference_or_none(value: float, other: float) -> float | None:
    """Return the difference of two numbers, None if it is not finite."""
    return value - other if math.isfinite(value) and math.isfinite(other) else None
