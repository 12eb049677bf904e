"""The kinds of pictures of data: which one fits, and what it takes to make one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from losscli.binding import Note
from losscli.data.dataset import Dataset
from losscli.evaluation.engines import evaluate_dataset
from losscli.evaluation.run import RunState
from losscli.options import EvaluationOptions
from losscli.plot.pictures import Picture
from losscli.results import results_of


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

    spread = LossSpread(len(run.evaluators))
    run.observers = (spread,)
    for _ in track(evaluate_dataset(dataset, run, options, note)):
        pass
    return share_picture(results_of(dataset, run), spread)
