"""The kinds of pictures of data: which one fits, and what it takes to make one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from losscli.binding import Note
from losscli.data.dataset import Dataset
from losscli.evaluation.engines import evaluate_dataset
from losscli.evaluation.run import RunState
from losscli.options import EvaluationOptions
from losscli.plot.pictures import Picture
from losscli.results import results_of
from losscli.statistics.bootstrap.options import Resampling, parse_resampling


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


class Kind(NamedTuple):
    """What it takes to make a kind of picture: what observes the run, and what draws when all rows were seen.

    `draw` gets the request and the observers, with all rows in them.
    """

    observers: Callable[[Request], tuple[Any, ...]]
    draw: Callable[..., Picture]


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
    from losscli.plot.observers import LossSpread
    from losscli.plot.share import share_picture

    if plot_options.kind in ("reliability", "murphy"):
        kind: Kind = import_module(f"losscli.plot.{plot_options.kind}").KIND
        resampling = parse_resampling(options.ci or 0.95, options.resamples, options.seed, options.ci_method)
        assert resampling is not None
        request = Request(dataset, run, options, plot_options, resampling)
        run.observers = observers = kind.observers(request)
        for _ in track(evaluate_dataset(dataset, run, options, note)):
            pass
        return kind.draw(request, *observers)
    spread = LossSpread(len(run.evaluators))
    run.observers = (spread,)
    for _ in track(evaluate_dataset(dataset, run, options, note)):
        pass
    return share_picture(results_of(dataset, run), spread)
