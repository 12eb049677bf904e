"""Compute, compare and recommend, each once: options -> bind -> evaluate -> results.

The command line and the Python API parse what they are given, call these functions and format what comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from losscli.binding import Note, bind, role_names
from losscli.data.sources import ReadOptions, Sources
from losscli.declaration.grammar import parse_specs
from losscli.declaration.loss import BoundLoss
from losscli.options import EvaluationOptions
from losscli.registry import resolve

if TYPE_CHECKING:
    from losscli.baseline import BaselineFile
    from losscli.compare.result import Comparison
    from losscli.data.dataset import Dataset
    from losscli.evaluation.run import Evaluated, RunState
    from losscli.page.build import PageOptions
    from losscli.page.content import PageContent
    from losscli.penalty import AddedPenalty
    from losscli.plot.kinds import PlotOptions
    from losscli.plot.pictures import Picture
    from losscli.recommend.advise import Recommendation
    from losscli.results import Evaluation, SampleStream

Item = TypeVar("Item")
OpenSources = Callable[[Sequence[str]], Sources]
"""Opens the data for roles of these names."""
Observe = Callable[["Dataset", "RunState"], object]
"""Adds observers to a run before any row is evaluated."""


class Track(Protocol):
    """Passes items on and shows the progress: the fraction read (0 to 1, None if unknown) and the rows of an item."""

    def __call__(
        self, items: Iterator[Item], fraction_read: Callable[[], float | None], count_rows: Callable[[Item], int], /
    ) -> Iterator[Item]: ...


def resolve_losses(losses: str | Sequence[str | BoundLoss], params: Mapping[str, Any] | None = None) -> list[BoundLoss]:
    """Look up losses as typed, and set their parameters.

    Raises:
        UsageError: Losses or parameters are unknown, all of which it names, or a value is out of range.
    """
    if isinstance(losses, str):
        return resolve(parse_specs(losses), params)
    found: list[BoundLoss] = []
    for loss in losses:
        found += resolve(parse_specs(loss), params) if isinstance(loss, str) else [loss]
    return found


def compute(
    losses: Sequence[BoundLoss],
    open_sources: OpenSources,
    options: EvaluationOptions,
    note: Note,
    track: Track | None = None,
    read_options: ReadOptions | None = None,
    observe: Observe | None = None,
) -> Evaluation:
    """Reduce losses over a dataset or its groups.

    Args:
        losses: The losses with their parameters.
        open_sources: Opens the tables that hold the roles.
        options: What to evaluate and how.
        note: Receives notes.
        track: Shows progress.
        read_options: How to read the parameters of a penalty.
        observe: Adds observers to the run.

    Raises:
        LosscliError: The options, the data or the cluster are wrong, or no row is left.
    """
    from losscli.evaluation.engines import evaluate_dataset
    from losscli.evaluation.hard_predictions import check_hard_predictions

    options.check()
    additions = read_additions(options, read_options)
    with closing(open_sources(role_names(losses))) as sources, np.errstate(all="ignore"):  # infinities are values
        dataset, run = bind(losses, sources, options, note)
        run = replace(run, groups_only=bool(options.group_by))
        if observe is not None:
            observe(dataset, run)
        counts = evaluate_dataset(dataset, run, options, note)
        for _ in counts if track is None else track(counts, dataset.progress, int):
            from losscli.results import results_by_group, results_of  # while other threads work
        check_hard_predictions(dataset, run, options.columns)
        evaluation = results_by_group(dataset, run) if options.group_by else results_of(dataset, run)
    return additions.add_to(evaluation, note)


def stream_samples(
    losses: Sequence[BoundLoss],
    open_sources: OpenSources,
    options: EvaluationOptions,
    note: Note,
    track: Track | None = None,
    observe: Observe | None = None,
) -> SampleStream:
    """Evaluate losses batch by batch, in order; arguments and errors are those of `compute`."""
    from losscli.evaluation.hard_predictions import check_hard_predictions
    from losscli.results import SampleStream, results_of

    options.check()
    additions = read_additions(options, None)
    sources = open_sources(role_names(losses))
    try:
        dataset, run = bind(losses, sources, options, note)
    except BaseException:
        sources.close()
        raise
    if observe is not None:
        observe(dataset, run)
    if options.engine != "local":
        note(f"evaluated here, not by {options.engine.capitalize()}: rows are printed in order, from one place")

    def batches() -> Iterator[Evaluated]:
        with closing(sources):
            items = run.evaluate(dataset.batches())
            items = items if track is None else track(items, dataset.progress, lambda item: len(item.batch))
            last = next(items)
            for item in items:
                yield last
                last = item
            check_hard_predictions(dataset, run, options.columns)
            yield last  # nothing is printed of small data that is refused

    def evaluate() -> Evaluation:
        return additions.add_to(results_of(dataset, run), note)

    return SampleStream(dataset, run, batches(), evaluate)


def compute_samples(
    losses: Sequence[BoundLoss], open_sources: OpenSources, options: EvaluationOptions, note: Note
) -> Evaluation:
    """Reduce losses and keep their per-sample values in memory; arguments and errors are those of `compute`.

    Statistics other than the value are computed when they are first looked at, unless they are resampled.
    """
    from losscli.evaluation.engines import evaluate_as_read
    from losscli.evaluation.hard_predictions import check_hard_predictions
    from losscli.evaluation.kept_losses import Arena, KeptOutcomes
    from losscli.results import results_of

    options = options._replace(value_only=options.check() is None)
    additions, kept = read_additions(options, None), KeptOutcomes()
    with closing(open_sources(role_names(losses))) as sources, np.errstate(all="ignore"):  # infinities are values
        dataset, run = bind(losses, sources, options, note)
        run.observers = (kept,)
        if dataset.length is not None:
            run.allocate = Arena(len(losses) * dataset.length * dataset.samples_per_row).allocate
        evaluate_as_read(dataset, run)
        check_hard_predictions(dataset, run, options.columns)
        evaluation = results_of(dataset, run)
    results = []
    for i, result in enumerate(evaluation):
        gradient, positions = kept.gradient(i, dataset.policy.n), dataset.positions
        if gradient is not None and positions is not None and not dataset.policy.omitted:
            gradient = positions.unflatten(gradient)
        known = None if options.value_only else result.summary
        has_samples = not run.evaluators[i].dataset_wide
        statistics = kept.losses(i, result.n, dataset.jobs, known) if has_samples else result.statistics
        results.append(replace(result, statistics=statistics, gradient=gradient))
    return additions.add_to(replace(evaluation, losses=tuple(results)), note)


class Additions(NamedTuple):
    """What is added to the values once they are known: a penalty, and the values of a baseline."""

    penalty: AddedPenalty | None
    baseline: BaselineFile | None

    def add_to(self, evaluation: Evaluation, note: Note) -> Evaluation:
        """Return the evaluation with the penalty added and the baseline attached."""
        if self.penalty is not None:
            evaluation = evaluation.with_penalty(self.penalty)
        return evaluation if self.baseline is None else self.baseline.attach_to(evaluation, note)


def read_additions(options: EvaluationOptions, read_options: ReadOptions | None) -> Additions:
    """Read the parameters of the penalty and the baseline that the options name, before any data is read.

    Raises:
        UsageError: The penalty is unknown or out of range.
        DataError: A file cannot be read, or holds something else.
    """
    added, earlier = None, None
    if options.penalty:
        from losscli import penalty

        bound, parameters = penalty.parse_penalty(options.penalty), options.parameters
        if isinstance(parameters, (str, os.PathLike)):
            added = penalty.penalize_file(bound, os.fspath(parameters), read_options)
        else:
            has_several = isinstance(parameters, Sequence) and any(np.ndim(item) for item in parameters)
            added = penalty.penalize(bound, list(parameters) if has_several else [parameters], "")
    if options.baseline:
        from losscli import baseline

        earlier = baseline.read(options.baseline)
    return Additions(added, earlier)


def compare(
    losses: Sequence[BoundLoss],
    open_sources: OpenSources,
    options: EvaluationOptions,
    note: Note,
    track: Track | None = None,
    observe: Observe | None = None,
) -> Comparison:
    """Rank losses by their sensitivity to outliers, and models under each loss; arguments are those of `compute`."""
    from losscli.compare.compare import CompareOptions, compare_run
    from losscli.compare.sorting import sort_again
    from losscli.evaluation.hard_predictions import check_hard_predictions
    from losscli.statistics.bootstrap.options import check_no_draws

    options = options._replace(draws=True)
    options.check()
    compare_options = CompareOptions.of(options)
    column = compare_options.rule.column if compare_options.rule else ""
    options = options._replace(carry=(column,) if column else ())
    additions = read_additions(options, None)
    with closing(open_sources(role_names(losses))) as sources, np.errstate(all="ignore"):  # infinities are values
        dataset, run = bind(losses, sources, options, note)
        if not dataset.models and options.ci is None:
            check_no_draws(options.draw_options, ", or differences of models")
        if observe is not None:
            observe(dataset, run)
        track_counts = iter if track is None else (lambda counts: track(counts, dataset.progress, int))
        compared = compare_run(dataset, run, compare_options, track_counts)
        check_hard_predictions(dataset, run, options.columns)
    if additions.baseline is None:
        return compared
    return sort_again(compared.with_baseline(additions.baseline, note))


def plot(
    losses: Sequence[BoundLoss],
    open_sources: OpenSources | None,
    options: EvaluationOptions,
    plot_options: PlotOptions,
    note: Note,
    track: Track | None = None,
) -> Picture:
    """Return the picture of losses on a dataset, with the results, or of their curves without (`open_sources` is None).

    The other arguments and the errors are those of `compute`.
    """
    if open_sources is None:
        from losscli.plot.curves import curves_picture

        return curves_picture(losses, plot_options.range)
    from losscli.evaluation.hard_predictions import check_hard_predictions
    from losscli.plot.kinds import options_to_bind, picture_of_data
    from losscli.results import results_by_group, results_of

    options = options._replace(draws=True)
    options.check()
    to_bind = options_to_bind(options, plot_options)
    with closing(open_sources(role_names(losses))) as sources, np.errstate(all="ignore"):  # infinities are values
        dataset, run = bind(losses, sources, to_bind, note)
        track_counts = iter if track is None else (lambda counts: track(counts, dataset.progress, int))
        picture = picture_of_data(dataset, run, options, plot_options, note, track_counts)
        check_hard_predictions(dataset, run, options.columns)
        if picture.evaluation is None:
            evaluation = results_by_group(dataset, run) if options.group_by else results_of(dataset, run)
            picture = replace(picture, evaluation=evaluation)
        return picture


def report(
    losses: Sequence[BoundLoss],
    open_sources: OpenSources,
    options: EvaluationOptions,
    page_options: PageOptions,
    note: Note,
    track: Track | None = None,
) -> PageContent:
    """Return what the page of losses on a dataset says; `page.html.render` makes HTML of it.

    The other arguments and the errors are those of `compare`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    from losscli.evaluation.hard_predictions import check_hard_predictions
    from losscli.page.build import build_page, check_can_draw, compare_options_of
    from losscli.statistics.bootstrap.options import DEFAULT_LEVEL

    options = options._replace(draws=True)
    options.check()
    if options.draw_options:
        options = options._replace(ci=options.resampling.level)
    page_options.check()
    check_can_draw()
    options = options.with_level_of_units(DEFAULT_LEVEL)
    rule = compare_options_of(options).rule
    options = options._replace(carry=(rule.column,) if rule and rule.column else ())
    additions = read_additions(options, None)
    with closing(open_sources(role_names(losses))) as sources, np.errstate(all="ignore"):  # infinities are values
        dataset, run = bind(losses, sources, options, note)
        track_counts = iter if track is None else (lambda counts: track(counts, dataset.progress, int))
        check = lambda: check_hard_predictions(dataset, run, options.columns)  # noqa: E731
        return build_page(dataset, run, options, page_options, note, track_counts, check, additions.baseline)


def recommend(
    open_sources: OpenSources,
    options: EvaluationOptions,
    note: Note,
    track: Track | None = None,
    *,
    from_logits: bool,
    target: str,
    paths: Sequence[str] | None,
    read_options: ReadOptions,
) -> Recommendation:
    """Recommend losses for the data.

    Args:
        open_sources: Opens the tables that hold y_true, y_pred and weight, or other roles.
        options: Columns, classes, key and the policy for missing values.
        note: Receives notes.
        track: Shows progress.
        from_logits: Whether predictions are logits, even if they all lie in [0, 1].
        target: What forecasts shall be: `mean`, `median`, `quantile:0.9`, or `auto`.
        paths: DATA as typed, for the command that compares the losses; None if it is not from files.
        read_options: How the data is read, for that command.

    Raises:
        LosscliError: The options or the data are wrong, or no row is left.
    """
    from losscli.recommend.advise import recommend_from
    from losscli.recommend.role_sets import ALL_ROLES

    options.check()
    with closing(open_sources(ALL_ROLES)) as sources, np.errstate(all="ignore"):  # infinities are values
        return recommend_from(
            sources,
            options,
            note,
            lambda dataset, batches: batches if track is None else track(batches, dataset.progress, len),
            from_logits=from_logits,
            target=target,
            paths=paths,
            read_options=read_options,
        )
