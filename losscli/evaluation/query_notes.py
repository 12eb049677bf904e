"""Notes on queries that a loss cannot judge, or whose value depends on the order of their rows."""

from __future__ import annotations

from losscli.data.dataset import Dataset
from losscli.evaluation.run import RunState
from losscli.statistics.summary import Accumulator


def note_queries(dataset: Dataset, run: RunState) -> None:
    """Note, once the data is read, how many queries are left out of the mean, and how many have something odd."""
    for evaluator, accumulator in zip(run.evaluators, run.accumulators, strict=True):
        hooks = evaluator.form.hooks
        if not evaluator.form.by_query or not isinstance(accumulator, Accumulator):
            continue
        total = accumulator.moments.n + accumulator.left_out
        if accumulator.left_out and accumulator.moments.n:
            which = "1 query is" if accumulator.left_out == 1 else f"{accumulator.left_out} queries are"
            counts = f"a query counts only where {hooks['row_mask'].__doc__}"
            dataset.note(f"{evaluator.label}: {which} left out of the mean, of {total}: {counts}")
        if accumulator.tallied:
            which = "1 query" if accumulator.tallied == 1 else f"{accumulator.tallied} queries"
            dataset.note(f"{evaluator.label}: {hooks['tally'].__doc__} in {which} of {total}")
