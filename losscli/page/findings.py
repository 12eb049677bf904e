"""What a finished run says of the losses: values, intervals, and what outliers do to them; exact where it can be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from losscli.compare.compare import CompareOptions, compare_rows
from losscli.compare.models import ModelRanking
from losscli.compare.outliers import DEFAULT_LOSS_RULE, DEFAULT_RESIDUAL_RULE
from losscli.compare.result import ComparedLoss, Comparison
from losscli.compare.sensitivity import Sensitivity
from losscli.compare.streamed_models import ModelLosses
from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.data.dataset import Dataset
from losscli.declaration.properties import Reduction
from losscli.errors import LosscliError
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import RunState
from losscli.evaluation.worst_rows import WorstRows
from losscli.page.content import LossLine
from losscli.page.intervals import group_interval, normal_interval
from losscli.page.observers import LossMoments, Shown
from losscli.plot.observers import LossSpread
from losscli.plot.residual_bins import flag_entries
from losscli.result_names import ResultKey
from losscli.results import Evaluation, LossResult, finite_or_none, keys_without_rows, results_by_group, results_of
from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling
from losscli.statistics.concentration import ROWS_PER_TOP_ROW, concentration, top_share

MAX_GROUPS_RESAMPLED = 50
"""Groups whose intervals are by a bootstrap: those of more are by the normal distribution."""


class Observed(NamedTuple):
    """What was observed of the losses by the predictions of one model (None: there is one).

    `residuals` is None where no loss is of a residual of one number per row.
    """

    model: str | None
    run: RunState
    moments: LossMoments
    worst: WorstRows
    spread: LossSpread
    residuals: Shown | None


def without_groups(run: RunState) -> RunState:
    """Return a run over all rows, with the statistics of a finished one."""
    whole = replace(run, group_by=(), observers=())
    whole.accumulators, whole.weight = run.accumulators, run.weight
    return whole


class Findings:
    """What a finished run found.

    Attributes:
        results: Key -> result, with its interval: over all rows of each model, and of each group.
        compared: What outliers do to each loss: on all rows, or on the sample of them.
        contests: How several models stand under each loss.
        rule: The rule that flagged outlier rows.
        notes: What the comparison says.
    """

    def __init__(
        self,
        dataset: Dataset,
        run: RunState,
        observed: Sequence[Observed],
        sample: RowSample | None,
        models: ModelLosses | None,
        options: CompareOptions,
        level: float,
    ) -> None:
        self.dataset, self.run, self.observed, self.sample, self.level = dataset, run, observed, sample, level
        self._options = options
        self.is_exact = sample is None or sample.is_complete
        results: list[LossResult] = []
        for each in observed:
            found = results_of(dataset, without_groups(each.run)).losses
            found += results_by_group(dataset, each.run).losses if run.group_by else ()
            results += [result.of_model(each.model) for result in found]
        intervals = self._resampled_intervals() | self._normal_intervals(results)
        results = [replace(result, ci=result.ci or intervals.get(result.key)) for result in results]
        self.results = {result.key: result for result in results}
        whole = results_of(dataset, without_groups(run))
        without_rows = keys_without_rows(dataset, run, results) if run.group_by else ()
        self.evaluation = replace(whole, losses=tuple(results), without_rows=without_rows)
        self._compare(options)
        if models is not None and sample is not None and not self.is_exact:
            self._rank(models.rank(without_groups(run), sample, run.resampling or Resampling(level), dataset.id))

    def attach(self, evaluation: Evaluation) -> None:
        """Take the same results with a baseline."""
        self.evaluation = evaluation
        self.results = {result.key: result for result in evaluation}

    def groups(self, label: str) -> list[LossResult]:
        """Return the results of groups by the predictions of the best model under a loss."""
        model = self.best(label).model
        return [result for result in self.evaluation if result.group is not None and result.model == model]

    def _resampled_intervals(self) -> dict[ResultKey, ConfidenceInterval]:
        """Return the intervals by a bootstrap, of the rows if all are here."""
        if self.sample is None or not self.is_exact or self.run.reduction != "mean":
            return {}
        resampling = self.run.resampling or Resampling(self.level)
        found: dict[ResultKey, ConfidenceInterval] = {}
        many = len(self.run.groups) > MAX_GROUPS_RESAMPLED
        for group_by in ((), *((self.run.group_by,) if self.run.groups and not many else ())):
            for each in self.observed:
                batch = self.sample.batch if each.model is None else self.sample.batch.predicted_by(each.model)
                run = replace(self.run, group_by=group_by, observers=(), resampling=resampling, value_only=True)
                for _ in run.evaluate(iter((batch,))):
                    pass
                for result in (results_by_group if group_by else results_of)(self.dataset, run):
                    if result.ci is not None:
                        found[result.of_model(each.model).key] = result.ci
        return found

    def _normal_intervals(self, results: Sequence[LossResult]) -> dict[ResultKey, ConfidenceInterval]:
        """Return the intervals by the normal distribution, where there is no other."""
        found: dict[ResultKey, ConfidenceInterval] = {}
        places = {evaluator.label: i for i, evaluator in enumerate(self.run.evaluators)}
        has_many = len(self.run.groups) > MAX_GROUPS_RESAMPLED
        for result in results:
            i, each, ci = places[result.label], self.of_model(result.model), None
            if result.group is None and not self.is_exact:
                ci = normal_interval(each.run, each.moments, i, self.level)
            elif result.group is not None and (has_many or not self.is_exact):
                reduction = self.run.evaluators[i].bound.loss.reduction
                ci = group_interval(result, reduction, "weight" in self.dataset.bound, self.level)
            if ci is not None:
                found[result.key] = ci
        return found

    def _compare(self, options: CompareOptions) -> None:
        """Compare the losses on all rows if they are here, else on the sample of them; or not, if they refuse that."""
        self.compared: Sequence[ComparedLoss] = [
            ComparedLoss(result, None, Sensitivity(*[None] * 8)) for result in self.results.values() if not result.group
        ]
        self.contests: Sequence[ModelRanking] = ()
        self.rule = (options.rule or DEFAULT_LOSS_RULE).text
        self.notes: Sequence[str] = ()
        comparison = self._comparison(options)
        if comparison is not None:
            self.compared, self.contests = comparison.losses, comparison.contests
            self.rule, self.notes = comparison.rule, comparison.notes

    def _rank(self, rankings: Sequence[ModelRanking]) -> None:
        """Take the ranks of models over all rows, in place of those on the sample."""
        self.contests = rankings
        by_label = {ranking.label: ranking for ranking in rankings}
        self.compared = [
            replace(
                one,
                standing=by_label[one.label].standing(str(one.model)),
                is_best=by_label[one.label].best == one.model,
            )
            for one in self.compared
        ]

    def _comparison(self, options: CompareOptions) -> Comparison | None:
        if self.sample is None:
            return None
        batch = self.sample.batch
        if self.is_exact:
            return compare_rows(self.dataset, without_groups(self.run), batch, options)
        run = replace(self.run, group_by=(), observers=(), resampling=None, value_only=True)
        try:
            for _ in run.evaluate(iter((batch,))):
                pass
            return compare_rows(self.dataset, run, batch, options)
        except LosscliError:  # a loss of all rows together, which takes no weights
            return None

    def lines(self) -> list[LossLine]:
        """Return the lines of the table, the least sensitive loss first; of several models the best first."""
        return [self._line(compared) for compared in self.compared]

    def _line(self, compared: ComparedLoss) -> LossLine:
        result = self.results[compared.result.key]
        line = LossLine.of(compared, result)
        if self.is_exact:
            return line
        skill, each = line.cells["skill"], self.of_model(result.model)
        i = [evaluator.label for evaluator in self.run.evaluators].index(result.label)
        cells = dict(line.cells)
        if isinstance(skill, float) and compared.value:  # of the loss over all rows, and the sample's best constant
            cells["skill"] = finite_or_none(1 - result.value * (1 - skill) / compared.value)
        if cells["inflation"] is not None and (inlier_value := self._inlier_value(each, i)) is not None:
            cells["inflation"] = finite_or_none(result.value / inlier_value)
        estimated = {name for name in ("inflation", "pull", "stress", "skill") if cells.get(name) is not None}
        if cells["effective_n"] is not None:
            cells["effective_n"] = each.moments.by_loss[i].effective_n
            cells["top_share"] = self.top_share(each, i)
            estimated.add("top_share")
        return replace(line, cells=cells, estimated=frozenset(estimated))

    def _inlier_value(self, each: Observed, i: int) -> float | None:
        """Return the value of a mean over the rows that are no outliers, from sums by residual; None if it has none."""
        evaluator, rule = self.run.evaluators[i], self._options.rule or DEFAULT_RESIDUAL_RULE
        reduction, spread = evaluator.bound.loss.reduction, each.residuals
        if spread is None or spread.has_failed or i not in spread.observer.indices or rule.name not in ("mad", "iqr"):
            return None
        if (
            reduction not in ADDITIVE_REDUCTIONS
            or "denominator" in evaluator.form.hooks
            or self.run.reduction != "mean"
        ):
            return None
        table = spread.observer.sums.table()
        flags = flag_entries(rule, table, "weight" in self.dataset.bound)
        if flags.rows is None or flags.rows.all():
            return None
        kept = ~flags.rows
        mean = float(table.sums[spread.observer.indices.index(i)][kept].sum() / table.weight[kept].sum())
        value = math.sqrt(mean) if reduction is Reduction.ROOT_MEAN and mean >= 0 else mean
        return value if value > 0 else None

    def top_share(self, each: Observed, i: int) -> float | None:
        """Return the share of the loss that the largest 1 % of the rows carry; None where rows have no shares."""
        table = each.spread.by_loss[i].table()
        return None if concentration(table) is None else top_share(table, ROWS_PER_TOP_ROW)

    def of_model(self, model: str | None) -> Observed:
        """Return what was observed of a model."""
        return next((each for each in self.observed if each.model == model), self.observed[0])

    def best(self, label: str) -> Observed:
        """Return what was observed of the best model under a loss."""
        return self.of_model(next((ranking.best for ranking in self.contests if ranking.label == label), None))

    @property
    def statistics(self) -> Mapping[ResultKey, Mapping[str, float | None]]:
        """Key -> what a gate can test of a result beside its own statistics."""
        return {compared.result.key: compared.statistics for compared in self.compared}
