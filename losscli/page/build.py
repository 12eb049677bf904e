"""Make the page of a dataset: one pass over the data, then what is said of it."""

from __future__ import annotations

import importlib.util
import math
import numbers
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.binding import Note
from losscli.compare.compare import DEFAULT_LEVEL, CompareOptions, compare_rows
from losscli.compare.result import ComparedLoss, Comparison
from losscli.data.dataset import Dataset
from losscli.errors import LosscliError, UsageError
from losscli.evaluation.engines import evaluate_dataset
from losscli.evaluation.row_sample import RowSample, RowSampler
from losscli.evaluation.run import Observer, RunState
from losscli.messages import Hint, Message, Spelling, word
from losscli.options import EvaluationOptions
from losscli.page.content import DrawnPicture, Fact, GroupLine, LossLine, PageContent, WorstLine, WorstTable
from losscli.page.html import count
from losscli.page.intervals import Ends, normal_interval
from losscli.page.observers import LossMoments, ModelRuns, WorstRows
from losscli.page.verdict import GroupFacts, LossFacts, ModelFacts, most_robust, verdict
from losscli.plot.observers import LossSpread
from losscli.report.samples import name_labels
from losscli.results import Evaluation, LossResult, results_by_group, results_of
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.concentration import Concentration, concentration
from losscli.version import __version__

if TYPE_CHECKING:
    from losscli.baseline import BaselineFile


MAX_TOP = 100
"""Most of the worst rows that a page lists."""


class PageOptions(NamedTuple):
    """What is asked of the page.

    Attributes:
        title: The heading; None for the name of the data.
        top: How many of the worst rows to list.
        command: The command as typed, for the reader; empty if there is none.
        spell: How messages name options.
    """

    title: str | None
    top: int
    command: str
    spell: Spelling

    def check(self) -> None:
        """Check what Python can be given.

        Raises:
            UsageError: A value is of another type, or out of range.
        """
        if not isinstance(self.title, (str, type(None))):
            raise UsageError("must be text", option=("title", self.title))
        if not isinstance(self.top, numbers.Integral) or isinstance(self.top, bool) or not 1 <= self.top <= MAX_TOP:
            raise UsageError(f"must be a whole number from 1 to {MAX_TOP}", option=("top", self.top))


class Observed(NamedTuple):
    """What is observed of the losses by the predictions of one model (None: there is one)."""

    model: str | None
    run: RunState
    moments: LossMoments
    worst: WorstRows
    spread: LossSpread

    def results(self, dataset: Dataset) -> list[LossResult]:
        """Return the results over all rows."""
        return [result.of_model(self.model) for result in results_of(dataset, without_groups(self.run))]

    def concentrations(self) -> list[Concentration | None]:
        """Return how few rows carry each loss."""
        return [concentration(sums.table()) for sums in self.spread.by_loss]


def observe(model: str | None, run: RunState, top: int, more: Sequence[Observer] = ()) -> Observed:
    """Have a run observed."""
    n_losses = len(run.evaluators)
    observed = Observed(model, run, LossMoments(n_losses), WorstRows(n_losses, top), LossSpread(n_losses))
    run.observers = (observed.moments, observed.worst, observed.spread, *more)
    return observed


def without_groups(run: RunState) -> RunState:
    """Return a run over all rows, with the statistics of a finished one."""
    whole = replace(run, group_by=(), observers=())
    whole.accumulators, whole.weight = run.accumulators, run.weight
    return whole


def compare_options_of(options: EvaluationOptions) -> CompareOptions:
    """Return how losses are compared, whose rule may need a column of its own.

    Raises:
        UsageError: The rule is unknown.
    """
    return CompareOptions.of(options.outliers, None, 0, False)


def check_can_draw() -> None:
    """Check that matplotlib is there, without importing it: that takes as long as a million rows.

    Raises:
        UsageError: It is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        from losscli.plot.figure import check_matplotlib

        check_matplotlib()


def build_page(
    dataset: Dataset,
    run: RunState,
    options: EvaluationOptions,
    page_options: PageOptions,
    note: Note,
    track: Callable[[Iterator[int]], Iterator[int]] = iter,
    check: Callable[[], None] = lambda: None,
    baseline: BaselineFile | None = None,
) -> PageContent:
    """Evaluate a dataset once, and return what its page says.

    `track` wraps the counts of rows, `check` is called once all rows were read.

    Raises:
        LosscliError: As for `pipeline.compare`.
    """
    compare_options = compare_options_of(options)
    run.value_only = run.value_only and not run.group_by  # intervals of groups need their standard deviations
    run.__post_init__()
    sampler = RowSampler()
    first, *others = dataset.models or (None,)
    runs = {str(model): replace(run, group_by=(), resampling=None, observers=()) for model in others}
    observed = [observe(model, runs[str(model)], page_options.top) for model in others]
    more = [sampler, *([ModelRuns(runs)] if runs else [])]
    observed.insert(0, observe(first, run, page_options.top, more))
    importing = Thread(target=importlib.import_module, args=("matplotlib.figure",), daemon=True)
    importing.start()  # while other threads work
    for _ in track(evaluate_dataset(dataset, run, options, note)):
        pass
    check()
    sample = sampler.sample()
    builder = PageBuilder(dataset, run, options, page_options, observed, sample, compare_options, baseline, note)
    importing.join()
    return builder.page()


class PageBuilder:
    """Says what there is to say of a finished run."""

    def __init__(
        self,
        dataset: Dataset,
        run: RunState,
        options: EvaluationOptions,
        page_options: PageOptions,
        observed: Sequence[Observed],
        sample: RowSample,
        compare_options: CompareOptions,
        baseline: BaselineFile | None,
        note: Note,
    ) -> None:
        self.dataset, self.run, self.options, self.page_options = dataset, run, options, page_options
        self.observed, self.sample = observed, sample
        self.level = float(options.ci or DEFAULT_LEVEL)
        self.comparison = self._compare(compare_options)
        results = [result for each in observed for result in each.results(dataset)]
        if run.group_by:
            results += results_by_group(dataset, run)
        self.evaluation = replace(results_of(dataset, without_groups(run)), losses=tuple(results))
        if baseline is not None:
            self.evaluation = baseline.attach_to(self.evaluation, note)
        self.results = {result.key: result for result in self.evaluation}
        self.ends = self._intervals()
        self.concentrations = {
            (evaluator.label, each.model): curve
            for each in observed
            for evaluator, curve in zip(run.evaluators, each.concentrations(), strict=True)
        }
        self.effective_n = {
            (evaluator.label, each.model): each.moments.effective_n(i)
            for each in observed
            for i, evaluator in enumerate(run.evaluators)
        }

    def _compare(self, options: CompareOptions) -> Comparison:
        """Compare the losses on all rows if they are here, else on the sample of them."""
        batch = self.sample.batch
        if self.sample.is_complete:
            return compare_rows(self.dataset, without_groups(self.run), batch, options)
        run = replace(self.run, group_by=(), observers=(), resampling=None, value_only=True)
        for _ in run.evaluate(iter((batch,))):
            pass
        return compare_rows(self.dataset, run, batch, options)

    def _intervals(self) -> dict[Any, Ends]:
        """Return the interval of each result."""
        ends: dict[Any, Ends] = {}
        resampled: dict[Any, LossResult] = {}
        if self.sample.is_complete:
            resampling = self.run.resampling or Resampling(self.level)
            for each in self.observed:
                batch = self.sample.batch if each.model is None else self.sample.batch.predicted_by(each.model)
                run = replace(self.run, group_by=(), observers=(), resampling=resampling, value_only=True)
                for _ in run.evaluate(iter((batch,))):
                    pass
                results = [result.of_model(each.model) for result in results_of(self.dataset, run)]
                resampled |= {result.key: result for result in results}
        for each in self.observed:
            for i, result in enumerate(each.results(self.dataset)):
                ci = result.ci or (resampled[result.key].ci if resampled else None)
                if ci is None:
                    ends[result.key] = normal_interval(each.run, each.moments, i, self.level)
                else:
                    ends[result.key] = None if ci.low is None or ci.high is None else (ci.low, ci.high)
        return ends

    def page(self) -> PageContent:
        """Return what the page says."""
        lines = [self._line(compared) for compared in self.comparison]
        facts = self._loss_facts(lines)
        robust = most_robust(facts)
        groups = [result for result in self.evaluation if result.group is not None]
        group_facts = [] if robust is None else self._group_facts(groups, robust.label)
        sentences = verdict(facts, self.evaluation.data.n_used, group_facts, self.run.group_by, self._model_facts())
        return PageContent(
            title=self.page_options.title or ", ".join(map(os.path.basename, self.evaluation.data.paths)) or "data",
            evaluation=self.evaluation,
            statistics={compared.result.key: compared.statistics for compared in self.comparison},
            verdict=sentences,
            lines=lines,
            level=self.level,
            group_by=self.run.group_by,
            groups=self._group_lines(groups, robust.label if robust else ""),
            group_losses=[evaluator.label for evaluator in self.run.evaluators],
            groups_sorted_by=robust.label if robust else self.run.evaluators[0].label,
            pictures=self._pictures(),
            worst=self._worst_table(facts),
            facts=self._facts(),
            notes=[self._note(text) for text in self.comparison.notes],
        )

    def _note(self, text: str) -> str:
        """Return a note without the advice to list outliers, which the page has no option for."""
        if isinstance(text, Message) and text.hint is Hint.SHOW_OUTLIERS:
            return text.problem
        return word(text, self.page_options.spell)

    def _line(self, compared: ComparedLoss) -> LossLine:
        result = self.results[compared.result.key]
        line = LossLine.of(compared, result, *(self.ends[result.key] or (None, None)))
        if self.sample.is_complete:
            return line
        key = result.label, result.model
        curve, cells = self.concentrations[key], dict(line.cells)
        estimated = {name for name in ("inflation", "pull", "stress", "skill") if cells[name] is not None}
        if cells["effective_n"] is not None:
            cells["effective_n"] = self.effective_n[key]
            cells["top_share"] = None if curve is None else curve.share_of(math.ceil(curve.n / 100) / curve.n)
            estimated.add("top_share")
        return replace(line, cells=cells, estimated=frozenset(estimated))

    def _loss_facts(self, lines: Sequence[LossLine]) -> list[LossFacts]:
        """Return what the verdict needs of each loss, by the best model."""
        ranks = {compared.result.key: compared.rank for compared in self.comparison}
        by_key = {line.result.key: line for line in lines}
        facts = []
        for i, evaluator in enumerate(self.run.evaluators):
            each = self._shown(evaluator.label)
            result = each.results(self.dataset)[i]
            line, moments = by_key[result.key], each.moments.moments[i]
            contributions, _ = each.worst.of_loss(i)
            top_share, total = line.cells["top_share"], moments.sum.value
            facts.append(
                LossFacts(
                    result.label,
                    result.name,
                    result.value,
                    result.n,
                    line.low,
                    line.high,
                    self.level,
                    math.ceil(result.n / 100),
                    top_share if isinstance(top_share, float) else None,
                    float(contributions[0] / total) if top_share is not None and contributions.size else None,
                    line.cells["effective_n"],  # type: ignore[arg-type]
                    ranks[result.key],
                    moments.low,
                    moments.high,
                )
            )
        return facts

    def _shown(self, label: str) -> Observed:
        """Return what was observed of the best model under a loss."""
        best = next((ranking.best for ranking in self.comparison.contests if ranking.label == label), None)
        return next((each for each in self.observed if each.model == best), self.observed[0])

    def _model_facts(self) -> list[ModelFacts]:
        facts = []
        for ranking in self.comparison.contests:
            models = tuple(ranking.values)
            second = ranking.gaps[models[1]] if len(models) > 1 else None
            ends = (None, None, None) if second is None else (second.difference, second.low, second.high)
            facts.append(ModelFacts(ranking.label, models, tuple(ranking.winners), *ends))
        return facts

    def _group_facts(self, groups: Sequence[LossResult], label: str) -> list[GroupFacts]:
        return [
            GroupFacts(", ".join((result.group or {}).values()), result.value, result.n, result.summary.weight_sum)
            for result in groups
            if result.label == label
        ]

    def _group_lines(self, groups: Sequence[LossResult], label: str) -> list[GroupLine]:
        """Return the groups, the worst by a loss first."""
        labels = [evaluator.label for evaluator in self.run.evaluators]
        by_group: dict[tuple[str, ...], dict[str, LossResult]] = {}
        for result in groups:
            by_group.setdefault(tuple((result.group or {}).values()), {})[result.label] = result
        lines = [
            GroupLine(
                group,
                max(result.n for result in found.values()),
                tuple(found[name].value if name in found else None for name in labels),
            )
            for group, found in by_group.items()
        ]
        place = labels.index(label) if label in labels else 0

        def from_worst(line: GroupLine) -> float:
            value = line.values[place]
            return math.inf if value is None else -math.inf if math.isnan(value) else -value

        return sorted(lines, key=from_worst)

    def _worst_table(self, facts: Sequence[LossFacts]) -> WorstTable | None:
        """Return the worst rows under the loss that the fewest rows carry, or that is not finite."""
        order = sorted(
            range(len(facts)),
            key=lambda i: (facts[i].is_finite, -(facts[i].top_share or 0.0), -(facts[i].worst_share or 0)),
        )
        for i in order:
            each = self._shown(facts[i].label)
            contributions, columns = each.worst.of_loss(i)
            if contributions.size:
                break
        else:
            return None
        cells = self._worst_cells(columns, i)
        total = each.moments.moments[i].sum.value
        has_shares = facts[i].top_share is not None and math.isfinite(total)
        lines = tuple(
            WorstLine(
                {name: values[k] for name, values in cells.items()},
                float(contributions[k] / total) if has_shares else None,
            )
            for k in range(len(contributions))
        )
        reason = "" if len(facts) == 1 else "the loss that the fewest rows carry" if has_shares else "the first loss"
        if not facts[i].is_finite:
            reason = "a loss that is not finite"
        return WorstTable(facts[i].label, each.model, tuple(cells), lines, reason)

    def _worst_cells(self, columns: Mapping[str, Any], i: int) -> dict[str, list[Any]]:
        """Return the columns of the worst rows under the names that the page has for them."""
        dataset, cells = self.dataset, {}
        key = f"extra:{dataset.id}"
        if key in columns:
            cells[str(dataset.id)] = columns[key].tolist()
        cells["row"] = columns["row"].tolist()
        for name, values in columns.items():
            if name.startswith("extra:") and name != key:
                cells[name.removeprefix("extra:")] = values.tolist()
        for name, values in columns.items():
            if name.startswith("role:"):
                role = name.removeprefix("role:")
                cells[role] = name_labels(dataset, role, values).tolist()
        if "best_class" in columns:
            cells["highest class"] = name_labels(dataset, "y_true", columns["best_class"]).tolist()
        if "true_score" in columns:
            cells["score of y_true"] = columns["true_score"].tolist()
        bound = self.run.evaluators[i].bound.loss
        if bound.of_residual and "role:y_true" in columns and "role:y_pred" in columns:
            cells["off by"] = (columns["role:y_pred"] - columns["role:y_true"]).tolist()
        if "weight" in columns:
            cells["weight"] = columns["weight"].tolist()
        cells[self.run.evaluators[i].label] = columns[f"loss:{i}"].tolist()
        return cells

    def _pictures(self) -> list[DrawnPicture]:
        """Return what is drawn."""
        from losscli.plot.figure import inline_svg
        from losscli.plot.share import share_picture

        pictures = []
        with suppress(LosscliError):
            pictures.append(share_picture(results_of(self.dataset, without_groups(self.run)), self.observed[0].spread))
        return [DrawnPicture(picture, inline_svg(picture, f"p{i}-")) for i, picture in enumerate(pictures)]

    def _facts(self) -> list[Fact]:
        """Return how the page was computed."""
        data = self.evaluation.data
        files = [f"{path} ({data.format})" for path in data.paths] or ["given as arrays"]
        rows = f"{count(data.n)} rows"
        if data.n_omitted:
            rows += f", of which {count(data.n_omitted)} lack a value and were left out"
        facts = [Fact("Command", [self.page_options.command], True)] if self.page_options.command else []
        facts += [Fact("Data", [*files, rows])]
        facts.append(
            Fact("Signatures", [result.signature for result in self.results.values() if result.group is None], True)
        )
        facts.append(Fact("Outliers", [self.comparison.rule]))
        facts.append(Fact("Intervals", [self._interval_text()]))
        if not self.sample.is_complete:
            sampled = count(len(self.sample.batch))
            facts.append(
                Fact(
                    "Estimated",
                    [
                        f"inflation, pull, stress and skill (≈): on {sampled} of {count(self.sample.n)} rows, drawn at "
                        "random, and the extreme ones, weighted",
                        "the worst 1\u00a0% (≈): right to 0.1\u00a0%",
                    ],
                )
            )
        import platform

        versions = f"losscli {__version__}, Python {platform.python_version()}, NumPy {np.__version__}"
        facts.append(Fact("Versions", [versions]))
        return facts

    def _interval_text(self) -> str:
        level = f"{100 * self.level:g}\u00a0%"
        if self.run.resampling is not None or self.sample.is_complete:
            return f"{level}, by a bootstrap; seed {(self.run.resampling or Resampling(self.level)).seed}"
        return f"{level}, by the normal distribution (of medians by order statistics); --ci asks for a bootstrap"
