"""The kinds of pictures of data: which one fits, and what it takes to make one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from losscli.binding import Note
from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.data.dataset import Dataset
from losscli.declaration.properties import Reduction
from losscli.errors import DataError, UsageError
from losscli.evaluation.engines import evaluate_dataset
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.run import RunState
from losscli.options import PICTURE_KINDS, EvaluationOptions
from losscli.plot.pictures import Picture
from losscli.statistics.bootstrap.options import DEFAULT_LEVEL, Resampling

MODULE_OF_KIND = {kind: f"losscli.plot.{kind}" for kind in PICTURE_KINDS}
"""PictureRecipe -> the module that has its `KIND`: only that of the kind asked for is imported, to draw it."""

KINDS_WITH_INTERVALS = ("groups", "models", "reliability")
"""Kinds that have intervals of the level asked for."""

KINDS_THAT_RESAMPLE = ("groups", "models")
"""Kinds whose intervals are by resampling rows, or clusters or blocks of them."""

KINDS_WITH_OUTLIERS = ("rows", "stress")
"""Kinds that flag outlier rows by their residuals."""


class PlotOptions(NamedTuple):
    """What is asked of a picture.

    Attributes:
        kind: One of PICTURE_KINDS; None for the one that fits.
        outliers: The rule for outlier rows.
        range: The ends of the x axis of curves; None for those that fit the parameters.
    """

    kind: str | None = None
    outliers: str | None = None
    range: tuple[float, float] | None = None


class Request(NamedTuple):
    """A picture that is asked for: the data, its losses, and what was asked.

    `resampling` is how rows are resampled for intervals.
    """

    dataset: Dataset
    run: RunState
    options: EvaluationOptions
    plot_options: PlotOptions
    resampling: Resampling

    @property
    def evaluators(self) -> Sequence[Evaluator]:
        return self.run.evaluators


class PictureRecipe(NamedTuple):
    """What it takes to make a kind of picture: what observes the run, and what draws when all rows were seen.

    `draw` gets the request and the observers, with all rows in them.
    """

    observers: Callable[[Request], tuple[Any, ...]]
    draw: Callable[..., Picture]


def kind_of(name: str) -> PictureRecipe:
    """Return a kind by its name."""
    found: PictureRecipe = import_module(MODULE_OF_KIND[name]).KIND
    return found


def options_to_bind(options: EvaluationOptions, plot_options: PlotOptions) -> EvaluationOptions:
    """Return the options by which the losses of a picture are evaluated: no statistic but the value.

    Only groups, clusters and blocks are resampled while they are evaluated, by default for intervals of 95 %.

    Raises:
        UsageError: The kind has no intervals.
    """
    kind = plot_options.kind or ("groups" if options.group_by else None)
    if kind is not None:
        check_intervals(kind, options)
    options = options._replace(value_only=True)
    options = options.with_level_of_units(DEFAULT_LEVEL)
    if kind == "groups" or options.cluster is not None or options.block is not None:
        return options._replace(ci=DEFAULT_LEVEL if options.ci is None else options.ci)
    return options._replace(ci=None, resamples=None, seed=None, ci_method=None, cluster=None, block=None)


def picture_of_data(
    dataset: Dataset,
    run: RunState,
    options: EvaluationOptions,
    plot_options: PlotOptions,
    note: Note,
    track: Callable[[Iterator[int]], Iterator[int]] = iter,
) -> Picture:
    """Evaluate a dataset, observe it, and return the picture; `track` wraps the counts of rows.

    Raises:
        UsageError: The kind does not fit the losses or the data.
        LosscliError: As for `pipeline.compute`.
    """
    request = Request(dataset, run, options, plot_options, options.resampling)
    name = plot_options.kind or fitting_kind(request)
    check_fit(name, request)
    check_intervals(name, options)
    if plot_options.outliers is not None and name not in KINDS_WITH_OUTLIERS:
        problem = f"{name} flags no outlier rows; {' and '.join(KINDS_WITH_OUTLIERS)} do"
        raise UsageError(problem, option=("outliers", plot_options.outliers))
    if options.reference is not None and name != "models":
        problem = f"{name} compares with no reference; models does"
        raise UsageError(problem, option=("reference", options.reference))
    kind = kind_of(name)
    observers = kind.observers(request)
    run.observers = observers
    for _ in track(evaluate_dataset(dataset, run, options, note)):
        pass
    return kind.draw(request, *observers)


def fitting_kind(request: Request) -> str:
    """Return the kind that fits if none is asked for."""
    if request.dataset.models:
        return "models"
    if request.run.group_by:
        return "groups"
    evaluators = request.evaluators
    preferred = ["share", "rows", "stress"]
    if all(map(is_of_probability, evaluators)):
        preferred.insert(0, "reliability")
    elif len(evaluators) == 1:
        preferred.insert(0, "rows")
    return next((kind for kind in preferred if not misfit(kind, request)), "share")


def check_intervals(name: str, options: EvaluationOptions) -> None:
    """Raise a UsageError if intervals are asked for, or how rows are drawn for them, and the kind has none."""
    given = ({} if options.ci is None else {"ci": options.ci}) | options.draw_options
    if given and name not in KINDS_WITH_INTERVALS:
        asked = next(iter(given.items()))
        raise UsageError(f"{name} has no intervals; {', '.join(KINDS_WITH_INTERVALS)} have", option=asked)
    units = [each for each in given.items() if each[0] in ("cluster", "block")]
    if units and name not in KINDS_THAT_RESAMPLE:
        raise UsageError(f"{name} resamples no rows; {' and '.join(KINDS_THAT_RESAMPLE)} do", option=units[0])


def check_fit(name: str, request: Request) -> None:
    """Raise a UsageError if a kind does not fit; it names those that do."""
    reason = misfit(name, request)
    if reason:
        fitting = [kind for kind in PICTURE_KINDS if not misfit(kind, request)]
        what = f"; what fits: {', '.join(fitting)}" if fitting else ""
        raise UsageError(f"{reason}{what}", option=("kind", name))


def no_picture(name: str, request: Request, reason: str) -> DataError:
    """Return the error that the data has no picture of a kind; it names other kinds that may have one."""
    others = [kind for kind in PICTURE_KINDS if kind != name and not misfit(kind, request)]
    return DataError(f"{reason}; other kinds: {', '.join(others)}" if others else reason)


def misfit(name: str, request: Request) -> str:
    """Return why a kind does not fit the losses and the data; empty if it does, as far as can be told before reading.

    A kind fits if it shows one of the losses.
    """
    dataset, evaluators = request.dataset, request.evaluators
    if name == "groups" and not request.run.group_by:
        return "there are no groups: no column to group by is named"
    if name != "groups" and request.run.group_by:
        return f"{name} shows all rows, not groups"
    if name == "models":
        return "" if dataset.models else "there is one model, and models compares several predictions of the same rows"
    if name in ("reliability", "murphy"):
        from losscli.plot.calibration_observers import losses_to_show

        try:
            losses_to_show(evaluators, dataset)
        except UsageError as error:
            return error.message.problem
        return ""
    if dataset.models:
        return f"{name} shows one model, and there are {len(dataset.models)}"
    if name == "share" and all(evaluator.one_distribution(dataset.bound) for evaluator in evaluators):
        return f"{join_labels(evaluators)}: all rows are one distribution, and have no losses of their own"
    if name == "share" and all(evaluator.dataset_wide for evaluator in evaluators):
        return f"{join_labels(evaluators)}: one number for all rows, which have no losses of their own"
    if name == "share" and not any(has_shares(evaluator, request.run.reduction) for evaluator in evaluators):
        return f"{join_labels(evaluators)}: rows have shares of a sum or a mean, not of a median or a maximum"
    if name in ("rows", "stress"):
        if not any(evaluator.bound.loss.of_residual for evaluator in evaluators):
            return f"{join_labels(evaluators)}: no loss of a residual y_pred - y_true"
        shapes = {dataset.bound[role].shape[1:] for role in ("y_true", "y_pred")}
        if any(shape not in ((), (1,), (-1,)) for shape in shapes):
            return f"{name} shows one residual per row, and here a row has several"
    return ""


def has_shares(evaluator: Evaluator, reduction: str) -> bool:
    """Tell whether the value is a sum, of which each row has a share."""
    own = {"median": Reduction.MEDIAN, "sum": Reduction.MEAN}.get(reduction, evaluator.bound.loss.reduction)
    return own in ADDITIVE_REDUCTIONS


def is_of_probability(evaluator: Evaluator) -> bool:
    """Tell whether a loss is of the probability of a binary target, which it elicits."""
    loss = evaluator.bound.loss
    return loss.family == "binary" and loss.elicits == "mean (the probability)"


def join_labels(evaluators: Sequence[Evaluator]) -> str:
    """Return the names of losses."""
    return ", ".join(evaluator.label for evaluator in evaluators)
