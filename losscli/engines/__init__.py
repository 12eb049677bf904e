"""Where the parts of a dataset are evaluated, and how what comes of them becomes one."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.data.dataset import Dataset
from losscli.evaluate import Run


def reduced(dataset: Dataset, run: Run) -> Iterator[int]:
    """Evaluate a dataset of which only the statistics are asked for; gives the rows of what is done with, bit by bit.

    By parts, and by several threads, where the data and the losses allow it; in order otherwise.

    Raises:
        LosscliError: as `Run.over`.
    """
    parts = dataset.parts() if run.splits(dataset) else None
    if parts is None:
        yield from (len(item.batch) for item in run.over(dataset.batches()))
        return
    from losscli.engines.local import run_parts

    yield from run_parts(dataset, run, parts)
