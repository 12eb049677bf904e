"""Where the parts of a dataset are evaluated, and how what comes of them becomes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from losscli.data.dataset import Dataset, Part
from losscli.data.table import SliceableTable
from losscli.evaluation.run import RunState

if TYPE_CHECKING:
    from losscli.data.batch import Batch
    from losscli.options import EvaluationOptions


def reduced(dataset: Dataset, run: RunState, request: EvaluationOptions, note: Callable[[str], None]) -> Iterator[int]:
    """Evaluate a dataset of which only the statistics are asked for; gives the rows of what is done with, bit by bit.

    By parts, and by several threads or the workers of a cluster, where the data and the losses allow it; in order
    otherwise, with a note if a cluster was asked for.

    Raises:
        UsageError: Dask was asked for and is not installed.
        ClusterError: the cluster is not there, or goes away.
        LosscliError: as `Run.over`.
    """
    parts = dataset.parts(kept=run.ordered) if run.splits(dataset) else None
    if request.engine == "dask":
        from losscli.evaluation.dask.cluster import check_installed

        check_installed()
        if reason := _not_apart(dataset, run, parts):
            note(f"evaluated here, not by Dask: {reason}")
    if parts is None:
        yield from (len(item.batch) for item in run.evaluate(dataset.batches()))
    elif request.engine == "dask" and not reason:
        from losscli.evaluation.dask.engine import run_parts as run_on_cluster

        yield from run_on_cluster(dataset, run, parts, request)
    else:
        from losscli.evaluation.threads import run_parts

        yield from run_parts(dataset, run, parts)


def kept(dataset: Dataset, run: RunState, keep: Callable[[Batch], None]) -> Iterator[int]:
    """Evaluate a dataset whose batches are to be kept, in order; gives the rows of what is done with, bit by bit.

    Raises:
        LosscliError: as `Run.over`.
    """
    parts = dataset.parts() if run.splits(dataset) else None
    if parts is None:
        for item in run.evaluate(dataset.batches()):
            keep(item.batch)
            yield len(item.batch)
        return
    from losscli.evaluation.threads import run_parts

    yield from run_parts(dataset, run, parts, keep)


def _not_apart(dataset: Dataset, run: RunState, parts: Iterator[Part] | None) -> str:
    """Why the data is not evaluated by others; empty where it can be."""
    if not run.splits(dataset):
        coupled = [e.label for e in run.evaluators if e.form.coupled]
        what = ", ".join(coupled) or ("a bootstrap" if run.resampling else "one of these losses")
        return f"{what} needs all rows in one place"
    in_memory = [table for table in dataset.row_tables if table.path is None]
    if in_memory:
        return f"{in_memory[0].name or 'arrays'} is read as it comes, in one place"
    if parts is not None:
        return ""
    if dataset.infers_label_codes:
        return "its labels are told by all rows"
    paired = len(dataset.row_tables) > 1 and not all(isinstance(table, SliceableTable) for table in dataset.row_tables)
    return "the rows of its files are paired as they come" if paired else "the data is too small to be divided"
