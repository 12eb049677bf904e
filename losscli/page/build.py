"""Make the page of a dataset: one pass over the data, then what is said of it."""

from __future__ import annotations

import importlib
import importlib.util
import math
import numbers
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from losscli.binding import Note
from losscli.compare.compare import CompareOptions
from losscli.compare.models import Difference
from losscli.compare.streamed_models import ModelLosses
from losscli.data.dataset import Dataset
from losscli.declaration.properties import Property
from losscli.errors import UsageError
from losscli.evaluation.engines import evaluate_dataset
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.row_sample import RowSampler
from losscli.evaluation.run import RunState
from losscli.evaluation.worst_rows import WorstRows
from losscli.messages import Hint, Message, Spelling, word
from losscli.options import EvaluationOptions
from losscli.page.content import LossLine, PageContent
from losscli.page.drawings import Drawings
from losscli.page.findings import Findings, Observed
from losscli.page.group_rankings import standings_in_groups
from losscli.page.groups import group_facts, group_lines
from losscli.page.method import method_facts
from losscli.page.observers import LossMoments
from losscli.page.verdict import LossFacts, ModelFacts, most_robust, verdict
from losscli.page.worst import worst_table
from losscli.plot.observers import LossSpread
from losscli.statistics.concentration import ROWS_PER_TOP_ROW

if TYPE_CHECKING:
    from losscli.baseline import BaselineFile
    from losscli.page.decomposition import AllRows

MAX_TOP = 100
"""Most of the worst rows that a page lists."""


SECONDS_PER_TURN = 1e-4
"""How long a thread runs Python while others wait."""

DRAWING_MODULES = (
    "losscli.page.decomposition",
    "losscli.plot.figure_marks",
    "losscli.plot.figure_svg",
    "losscli.page.html",
)


class PageOptions(NamedTuple):
    """What is asked of the page.

    Attributes:
        title: The heading; None for the name of the data.
        top: How many of the worst rows to list.
        command: The command as typed, for the reader; empty if there is none.
        spell: How messages name options.
        ranks_groups: Whether gates are on differences of models in groups.
    """

    title: str | None
    top: int
    command: str
    spell: Spelling
    ranks_groups: bool = False

    def check(self) -> None:
        """Check what Python can be given.

        Raises:
            UsageError: A value is of another type, or out of range.
        """
        if not isinstance(self.title, (str, type(None))):
            raise UsageError("must be text", option=("title", self.title))
        if not isinstance(self.top, numbers.Integral) or isinstance(self.top, bool) or not 1 <= self.top <= MAX_TOP:
            raise UsageError(f"must be a whole number from 1 to {MAX_TOP}", option=("top", self.top))


def compare_options_of(options: EvaluationOptions) -> CompareOptions:
    """Return how losses are compared, whose rule may need a column of its own.

    Raises:
        UsageError: The rule is unknown.
    """
    return CompareOptions.of(options._replace(sort=None, show_outliers=0, decompose=False))


def check_can_draw() -> None:
    """Check that matplotlib is there, without importing it: that takes as long as a million rows.

    Raises:
        UsageError: It is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        from losscli.plot.figure import check_matplotlib

        check_matplotlib()


def import_to_draw() -> None:
    """Import what pictures are drawn with."""
    for name in ("matplotlib.figure", "matplotlib.style", "matplotlib.backends.backend_svg", *DRAWING_MODULES):
        importlib.import_module(name)


@contextmanager
def short_turns() -> Iterator[None]:
    """Have threads take turns of 0.1 ms in place of 5: those that evaluate would wait for imports after each array."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS_PER_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


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
    all_rows = None
    if options.decompose:
        from losscli.compare.decomposition import find_consistent
        from losscli.page.decomposition import AllRows

        find_consistent(run, dataset)  # before any row is read
        all_rows = AllRows()
    if run.group_by and run.value_only:  # intervals of groups need their standard deviations
        run = replace(run, value_only=False)
    drawings = Drawings(dataset, run, options)
    sampler = RowSampler()
    models = ModelLosses(run, dataset.models, options.nan == "propagate") if dataset.models else None
    observed = []
    for model in dataset.models or (None,):
        own_run = run if models is None else models.runs.get(str(model), run)
        observed.append(observe_model(model, own_run, drawings, page_options.top, "weight" in dataset.bound))
    others = [observer for observer in (models, all_rows) if observer is not None]
    run.observers = (*run.observers, sampler, *drawings.observers, *others)
    importing = Thread(target=import_to_draw, daemon=True)
    with short_turns():
        importing.start()  # while other threads work
        for _ in track(evaluate_dataset(dataset, run, options, note)):
            pass
    check()
    for each in observed:
        if each.residuals is not None and not each.residuals.has_failed:
            each.spread.take_residuals(each.residuals.observer)
    sample = sampler.sample() if sampler.n else None
    findings = Findings(dataset, run, observed, sample, models, compare_options_of(options))
    if baseline is not None:
        findings.attach(baseline.attach_to(findings.evaluation, note))
    importing.join()
    content = page_of(findings, drawings, page_options)
    return content if all_rows is None else with_decomposition(content, findings, all_rows, page_options.spell)


def with_decomposition(content: PageContent, findings: Findings, rows: AllRows, spell: Spelling) -> PageContent:
    """Return what the page says with the parts of the losses on all rows, for gates, too."""
    from losscli.page.decomposition import decomposition_lines, whole_decompositions

    parts, notes = whole_decompositions(findings, rows)
    statistics = {key: dict(cells) for key, cells in content.statistics.items()}
    for key, its in parts.items():
        statistics.setdefault(key, {}).update(its.cells)
    return replace(
        content,
        statistics=statistics,
        decompositions=decomposition_lines(parts),
        is_estimated=False,
        notes=[*content.notes, *(note_text(note, spell) for note in notes)],
    )


def observe_model(model: str | None, run: RunState, drawings: Drawings, top: int, is_weighted: bool) -> Observed:
    """Have a run observed. Where sums by residual tell how a loss spreads, its rows are not sorted a second time."""
    n_losses = len(run.evaluators)
    residuals = drawings.residuals(run)
    known = [] if residuals is None or is_weighted else residuals.observer.indices
    of_residual_alone = {i for i in known if depends_on_residual_alone(run.evaluators[i])}
    moments, worst, spread = LossMoments(n_losses), WorstRows(n_losses, top), LossSpread(n_losses, of_residual_alone)
    run.observers = (moments, worst, spread, *([] if residuals is None else [residuals]))
    return Observed(model, run, moments, worst, spread, residuals)


def depends_on_residual_alone(evaluator: Evaluator) -> bool:
    """Tell whether rows of the same y_pred - y_true have the same loss, and all rows count."""
    return Property.TRANSLATION_INVARIANT in evaluator.bound.properties and "row_mask" not in evaluator.form.hooks


def _name_of_data(paths: Sequence[str]) -> str:
    """Return the names of the first files; of several of the same name, such as those of models, one."""
    return ", ".join([*dict.fromkeys(map(os.path.basename, paths))][:3]) or "data"


def page_of(findings: Findings, drawings: Drawings, page_options: PageOptions) -> PageContent:
    """Return what the page says."""
    from losscli.page.decomposition import sample_decompositions

    lines = findings.lines()
    facts = loss_facts(findings, lines)
    labels = [loss.label for loss in facts]
    found = most_robust(facts)
    robust = labels[0] if found is None else found.label
    evaluation, group_by = findings.evaluation, findings.run.group_by
    groups = findings.groups(robust)
    return PageContent(
        title=page_options.title or _name_of_data(evaluation.data.paths),
        evaluation=evaluation,
        statistics={**findings.statistics, **(standings_in_groups(findings) if page_options.ranks_groups else {})},
        verdict=verdict(facts, evaluation.data.n_used, group_facts(groups, robust), group_by, model_facts(findings)),
        lines=lines,
        level=findings.level,
        group_by=group_by,
        groups=group_lines(groups, labels, robust),
        group_losses=labels,
        groups_sorted_by=robust,
        groups_model=findings.best(robust).model,
        pictures=list(drawings.draw(findings, robust)),
        worst=worst_table(findings, facts),
        decompositions=sample_decompositions(findings),
        is_estimated=not findings.is_exact,
        facts=list(method_facts(findings, page_options.command)),
        notes=[note_text(text, page_options.spell) for text in findings.notes],
    )


def note_text(text: str, spell: Spelling) -> str:
    """Return a note without the advice to list outliers, which the page has no option for."""
    if isinstance(text, Message) and text.hint in (Hint.SHOW_OUTLIERS, Hint.SECOND_POPULATION):
        return text.problem
    return word(text, spell)


def loss_facts(findings: Findings, lines: Sequence[LossLine]) -> list[LossFacts]:
    """Return what the verdict needs of each loss, by the best model."""
    ranks = {compared.result.key: compared.rank for compared in findings.compared}
    by_key = {(line.result.label, line.result.model): line for line in lines}
    facts = []
    for i, evaluator in enumerate(findings.run.evaluators):
        each = findings.best(evaluator.label)
        line = by_key[evaluator.label, each.model]
        result, moments = line.result, each.moments.by_loss[i]
        worst = each.worst.by_loss[i]
        top_share, effective_n, shares = line.cells["top_share"], line.cells["effective_n"], worst.shares
        ci = result.ci
        facts.append(
            LossFacts(
                result.label,
                result.name,
                result.value,
                result.n,
                None if ci is None else ci.low,
                None if ci is None else ci.high,
                findings.level,
                math.ceil(result.n / ROWS_PER_TOP_ROW),
                top_share if isinstance(top_share, float) else None,
                float(shares[0]) if top_share is not None and shares is not None and shares.size else None,
                effective_n if isinstance(effective_n, float) else None,
                ranks[result.key],
                moments.low,
                moments.high,
                "weight" in findings.dataset.bound,
            )
        )
    return facts


def model_facts(findings: Findings) -> list[ModelFacts]:
    """Return how several models stand under each loss."""
    facts = []
    for ranking in findings.contests:
        if ranking.no_ranking:
            continue
        models = tuple(ranking.values)
        gap, other = ranking.gaps[models[1]], ""
        if ranking.reference != ranking.best:
            gap, other = reverse_difference(ranking.gaps[ranking.best]), ranking.reference
        is_finite = all(map(math.isfinite, ranking.values.values()))
        ends = gap.difference, gap.diff_low, gap.diff_high
        facts.append(ModelFacts(ranking.label, models, ranking.confidence_set, *ends, findings.level, other, is_finite))
    return facts


def reverse_difference(gap: Difference) -> Difference:
    """Return the difference the other way round."""
    difference, high, low = (None if end is None else -end for end in gap[:3])
    return Difference(difference, low, high)
