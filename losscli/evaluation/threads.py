"""Evaluate parts by the threads of this process: parsing and arithmetic release the interpreter lock."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.data.dataset import Dataset, Part
from losscli.data.prefetch import ordered_map_with_fallback
from losscli.evaluation.reduce import (
    Keep,
    OrderedReducer,
    PartResult,
    Plan,
    evaluate_array_part,
    evaluate_part,
    report_progress,
)
from losscli.evaluation.run import RunState


def evaluate_by_threads(
    dataset: Dataset, run: RunState, parts: Iterator[Part], keep: Keep | None = None, in_blocks: bool = False
) -> Iterator[int]:
    """Evaluate parts by the dataset's threads, pass batches to `keep` in order; yield the numbers of rows processed.

    Parts of arrays may be evaluated `in_blocks`, where the value alone is wanted.

    Raises:
        LosscliError: The data does not fit a loss, or no row is left.
    """
    plan = Plan(dataset, run)
    reducer = OrderedReducer(plan, keep)

    def evaluate(part: Part) -> PartResult:
        if in_blocks:
            return evaluate_array_part(part, plan)
        return evaluate_part(part, plan, reducer.sketched, keep is not None)

    done = ordered_map_with_fallback(evaluate, parts, dataset.threads, dataset.parts_from)
    try:
        yield from reducer.reduce(report_progress(dataset, (((part,), found) for part, found in done)))
    finally:
        done.close()
