"""What a finished run says of the losses: values, intervals, and what outliers do to them; exact where it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from losscli.compare.agreement import measure_agreement
from losscli.compare.compare import CompareOptions, compare_rows
from losscli.compare.dominance import preference_notes, preferences
from losscli.compare.models import ModelRanking
from losscli.compare.notes import merge_notes, model_notes
from losscli.compare.outliers import DEFAULT_LOSS_RULE, DEFAULT_RESIDUAL_RULE
from losscli.compare.result import ComparedLoss, Comparison
from losscli.compare.sensitivity import Sensitivity, rank
from losscli.compare.sorting import sort_losses
from losscli.compare.streamed_models import ModelLosses
from losscli.data.dataset import Dataset
from losscli.errors import LosscliError
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import RunState
from losscli.evaluation.worst_rows import WorstRows
from losscli.messages import Message
from losscli.page.content import LossLine
from losscli.page.intervals import group_interval, normal_interval
from losscli.page.observers import LossMoments, Shown
from losscli.page.residual_sums import ResidualSums
from losscli.plot.observers import LossSpread
from losscli.result_names import ResultKey
from losscli.results import Evaluation, LossResult, finite_or_none, keys_without_rows, results_by_group, results_of
from losscli.statistics.bootstrap.options import ConfidenceInterval
from losscli.statistics.concentration import ROWS_PER_TOP_ROW, concentration, top_share

MAX_GROUPS_RESAMPLED = 50
"""Groups whose intervals are by a bootstrap: those of more are by the normal distribution."""


ESTIMATED = ("inflation", "pull", "stress", "skill", "top_share")
"""Columns that are estimates where not all rows are kept."""


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
    ) -> None:
        self.dataset, self.run, self.observed, self.sample = dataset, run, observed, sample
        self.options, self.level = options, options.resampling.level
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
            ranked = models.rank(without_groups(run), sample, options.resampling, dataset.id, options.reference)
            self._rank(ranked)

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
        resampling = self.options.resampling
        found: dict[ResultKey, ConfidenceInterval] = {}
        many = len(self.run.group_places) > MAX_GROUPS_RESAMPLED
        for group_by in ((), *((self.run.group_by,) if self.run.group_places and not many else ())):
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
        has_many = len(self.run.group_places) > MAX_GROUPS_RESAMPLED
        for result in results:
            i, each, ci = places[result.label], self.of_model(result.model), None
            if result.group is None and not self.is_exact:
                ci = normal_interval(each.run, each.moments, i, self.level)
            elif result.group is not None and (has_many or not self.is_exact):
                ci = group_interval(
                    result, self.run.evaluators[i].bound.loss, "weight" in self.dataset.bound, self.level
                )
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
            if not self.is_exact:
                self._refine(comparison)

    @property
    def unit(self) -> str:
        """What a sample is: `row` or `query`."""
        return self.run.evaluators[0].form.unit_of_samples

    def _rank(self, rankings: Sequence[ModelRanking]) -> None:
        """Take the ranks of models over all rows, in place of those on the sample."""
        self.contests = rankings
        disagreeing = preference_notes(None, preferences(rankings, self.run.evaluators), ())
        self.notes = [*model_notes(rankings, [measure_agreement(rankings)], self.unit), *disagreeing, *self.notes]
        by_label = {ranking.label: ranking for ranking in rankings}
        self.compared = [
            replace(
                one,
                standing=by_label[one.label].standing(str(one.model)),
                is_reference=by_label[one.label].reference == one.model,
                is_ranked=not by_label[one.label].no_ranking,
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
        line = LossLine.of(compared, self.results[compared.result.key])
        if self.is_exact:
            return line
        estimated = {name for name in ESTIMATED if line.cells.get(name) is not None}
        return replace(line, estimated=frozenset(estimated))

    def _refine(self, comparison: Comparison) -> None:
        """Take what sums over all rows say in place of what the sample does, and the ranks and the notes by that."""
        refined: list[ComparedLoss] = []
        notes: list[list[Message]] = []
        places = {evaluator.label: i for i, evaluator in enumerate(self.run.evaluators)}
        for each in self.observed:
            own = [compared for compared in self.compared if compared.model == each.model]
            sums = self._residual_sums(each)
            measured = [self._refined(compared, each, places[compared.label], sums) for compared in own]
            orderings = [self.run.evaluators[places[compared.label]].bound.ordering for compared in own]
            ranks = rank(orderings, measured)
            own = [replace(c, rank=r, sensitivity=m) for c, r, m in zip(own, ranks, measured, strict=True)]
            refined += own
            notes += [] if sums is None else [list(sums.notes(own))]
        order = sorted(refined, key=lambda compared: places[compared.label])  # as they were asked for
        self.compared = sort_losses(order, None)
        if len(notes) == len(self.observed):
            names = [str(each.model) for each in self.observed]
            self.notes = notes[0] if len(notes) == 1 else list(merge_notes(notes, names))
        else:
            of_models = list(model_notes(comparison.contests, comparison.agreements, self.unit))
            if comparison.contests:
                preferred = preferences(comparison.contests, self.run.evaluators)
                of_models += preference_notes(None, preferred, comparison.agreements[0].dominance)
            prefix = "in a sample of the rows: "
            self.notes = [
                note.after(prefix) if isinstance(note, Message) else prefix + note
                for note in comparison.notes[len(of_models) :]
            ]

    def _refined(self, compared: ComparedLoss, each: Observed, i: int, sums: ResidualSums | None) -> Sensitivity:
        value, found = self.results[compared.result.key].value, compared.sensitivity
        if not self.run.evaluators[i].bound.loss.has_ratios:
            return found
        if found.skill is not None and compared.value:  # of the loss over all rows, and the sample's best constant
            found = replace(found, skill=finite_or_none(1 - value * (1 - found.skill) / compared.value))
        if found.effective_n is not None:
            found = replace(found, effective_n=each.moments.by_loss[i].effective_n, top_share=self.top_share(each, i))
            if found.effective_n_normal is not None:  # the sample has fewer rows
                rows = each.moments.by_loss[i].n / compared.result.n
                found = replace(found, effective_n_normal=found.effective_n_normal * rows)
        if sums is None or (inlier_value := sums.inlier_value(i)) is None:
            return found
        if found.inflation is not None:
            found = replace(found, inflation=finite_or_none(value / inlier_value))
        if found.pull is not None and (both := sums.pull_and_stress(i)) is not None:
            found = replace(found, pull=both[0], stress=both[1])
        return found

    def _residual_sums(self, each: Observed) -> ResidualSums | None:
        """Return all rows by their residual under the predictions of a model; None where they have none."""
        rule, spread = self.options.rule or DEFAULT_RESIDUAL_RULE, each.residuals
        if self.sample is None or spread is None or spread.has_failed or rule.name not in ("mad", "iqr"):
            return None
        batch = self.sample.batch if each.model is None else self.sample.batch.predicted_by(each.model)
        return ResidualSums(spread.observer, each.run, rule, batch, "weight" in self.dataset.bound)

    def top_share(self, each: Observed, i: int) -> float | None:
        """Return the share of the loss that the largest 1 % of the rows carry; None where rows have no shares."""
        if concentration(each.spread.table(i)) is None:
            return None
        return top_share(each.spread.table_of_added(i), ROWS_PER_TOP_ROW)

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
