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

    The losses of all models but the first are there as differences to those of the first, row by row. By them the
    difference of two means has a standard error by the delta method.
    """

    def __init__(self, n_models: int, has_own_denominators: bool) -> None:
        self.n_models, self.has_own_denominators = n_models, has_own_denominators
        size = n_models + (n_models if has_own_denominators else 1)
        self._sums, self._products = np.zeros(size), np.zeros((size, size))

    def fresh_copy(self) -> PairedSums:
        return PairedSums(self.n_models, self.has_own_denominators)

    def update(self, terms: Sequence[RatioTerms]) -> None:
        """Add rows by the terms of each model."""
        first, *others = terms
        columns = [first.numerator, *(other.numerator - first.numerator for other in others)]
        columns += [each.denominator for each in (terms if self.has_own_denominators else terms[:1])]
        rows = np.stack(columns)
        self._sums += rows.sum(axis=1)
        self._products += rows @ rows.T

    def merge(self, other: PairedSums) -> None:
        self._sums += other._sums
        self._products += other._products

    def _influence(self, model: int) -> tuple[Array, float]:
        """Return the mean of a model, and by how much the columns of a row move it: coefficients (columns,)."""
        divisor = self.n_models + (model if self.has_own_denominators else 0)
        total = self._sums[divisor]
        mean = (self._sums[0] + (self._sums[model] if model else 0.0)) / total
        coefficients = np.zeros(len(self._sums))
        coefficients[0] = coefficients[model] = 1 / total
        coefficients[divisor] -= mean / total
        return coefficients, float(mean)

    def difference(self, model: int, reference: int, is_root: bool) -> tuple[float, float]:
        """Return the difference of two models' means, or of the roots of these, with its standard error."""
        (mine, mean), (theirs, other) = self._influence(model), self._influence(reference)
        gap = self._mean_gap(model, reference)
        if is_root:
            mine, theirs = mine / (2 * math.sqrt(mean)), theirs / (2 * math.sqrt(other))
            gap /= math.sqrt(mean) + math.sqrt(other)
        coefficients = mine - theirs
        return gap, math.sqrt(max(0.0, float(coefficients @ self._products @ coefficients)))

    def _mean_gap(self, model: int, reference: int) -> float:
        if self.has_own_denominators:
            return self._influence(model)[1] - self._influence(reference)[1]
        gaps = [self._sums[i] if i else 0.0 for i in (model, reference)]
        return float((gaps[0] - gaps[1]) / self._sums[self.n_models])


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
