"""Choose where the parts of a dataset are evaluated: in order, by threads, or by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from losscli.data.dataset import Dataset, Part
from losscli.data.table import ArraysTable, SliceableTable
from losscli.evaluation.run import RunState, keep_freed_memory

if TYPE_CHECKING:
    from losscli.data.batch import Batch
    from losscli.options import EvaluationOptions


MIN_PARTS_IN_MEMORY = 8
"""Parts of arrays in memory, at least, before one holds several batches: so many threads then have work."""

MAX_BATCHES_IN_MEMORY = 4
"""Most batches of such a part."""


def evaluate_dataset(
    dataset: Dataset, run: RunState, options: EvaluationOptions, note: Callable[[str], None]
) -> Iterator[int]:
    """Evaluate a dataset into the run's statistics; yield the numbers of rows processed.

    Parts are evaluated by threads or by the workers of a cluster, if the data and the losses allow it. Otherwise
    batches are evaluated in order, with a note if a cluster was asked for.

    Raises:
        UsageError: Dask was asked for and is not installed.
        ClusterError: The cluster does not answer or goes away.
        LosscliError: The data does not fit a loss, or no row is left.
    """
    keep_freed_memory()
    can_split = run.can_split(dataset)
    parts = dataset.parts(kept=run.keeps_values) if can_split else None
    use_dask = options.engine == "dask"
    if use_dask:
        from losscli.evaluation.dask.cluster import check_installed

        check_installed()
        if reason := _explain_in_order(dataset, run, can_split, parts):
            note(f"evaluated here, not by Dask: {reason}")
            use_dask = False
    if parts is None:
        for item in run.evaluate(dataset.batches()):
            yield len(item.batch)
    elif use_dask:
        from losscli.evaluation.dask.engine import evaluate_on_cluster

        yield from evaluate_on_cluster(dataset, run, parts, options)
    else:
        from losscli.evaluation.threads import evaluate_by_threads

        yield from evaluate_by_threads(dataset, run, parts)


def evaluate_as_read(dataset: Dataset, run: RunState) -> None:
    """Evaluate a dataset in the batches that it is read in, those of arrays in memory by threads.

    Raises:
        LosscliError: The data does not fit a loss, or no row is left.
    """
    keep_freed_memory()
    tables = dataset.row_tables
    steps = {table.rows_per_chunk(dataset.wanted(table)) for table in tables if isinstance(table, ArraysTable)}
    is_cut_alike = len(steps) == 1 and all(isinstance(table, ArraysTable) for table in tables)
    counts_weights = "weight" in dataset.bound and any(a.keeps_values for a in run.accumulators)  # in their order
    can_split = is_cut_alike and run.can_split(dataset) and not counts_weights
    parts = dataset.parts(rows=_rows_per_part(steps.pop(), dataset.length or 0)) if can_split else None
    if parts is None:
        evaluated: Iterator[object] = run.evaluate(dataset.batches())
    else:
        from losscli.evaluation.threads import evaluate_by_threads

        evaluated = evaluate_by_threads(dataset, run, parts, in_blocks=True)
    for _ in evaluated:
        pass


def _rows_per_part(rows_per_batch: int, n_rows: int) -> int:
    """Return how many rows of arrays in memory are a part: the more parts, the longer threads wait for Python."""
    n_batches = -(-n_rows // rows_per_batch)
    return rows_per_batch * max(1, min(n_batches // MIN_PARTS_IN_MEMORY, MAX_BATCHES_IN_MEMORY))


def evaluate_and_keep(dataset: Dataset, run: RunState, keep: Callable[[Batch], None]) -> Iterator[int]:
    """Evaluate a dataset and pass its batches to `keep`, in order; yield the numbers of rows processed.

    Raises:
        LosscliError: The data does not fit a loss, or no row is left.
    """
    keep_freed_memory()
    parts = dataset.parts() if run.can_split(dataset) else None
    if parts is None:
        for item in run.evaluate(dataset.batches()):
            keep(item.batch)
            yield len(item.batch)
        return
    from losscli.evaluation.threads import evaluate_by_threads

    yield from evaluate_by_threads(dataset, run, parts, keep)


def _explain_in_order(dataset: Dataset, run: RunState, can_split: bool, parts: Iterator[Part] | None) -> str:
    """Return why workers cannot evaluate the data; empty if they can."""
    if dataset.by_query:
        return "the rows of a query may be anywhere in the data"
    if not can_split:
        coupled = [e.label for e in run.evaluators if e.coupled]
        what = ", ".join(coupled) or ("a bootstrap" if run.resampling else "one of these losses")
        return f"{what} needs all rows in one place"
    in_memory = [table for table in dataset.row_tables if table.path is None]
    if in_memory:
        return f"{in_memory[0].name or 'arrays'} is read as it comes, in one place"
    if parts is not None:
        return ""
    if dataset.infers_label_codes:
        return "its labels depend on all rows"
    paired = len(dataset.row_tables) > 1 and not all(isinstance(table, SliceableTable) for table in dataset.row_tables)
    return "the rows of its files are paired as they come" if paired else "the data is too small to be divided"
