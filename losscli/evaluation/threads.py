"""Parts evaluated by the threads of this process.

Arrow's parsing and NumPy's arithmetic let other threads run; what is left to Python is a few calls a part.
"""

from __future__ import annotations

from collections.abc import Iterator

from losscli.data.dataset import Dataset, Part
from losscli.data.prefetch import ordered_map_with_fallback
from losscli.evaluation.part import PartResult, Plan, evaluate
from losscli.evaluation.reduce import Keep, OrderedReducer, report_progress
from losscli.evaluation.run import RunState


def run_parts(dataset: Dataset, run: RunState, parts: Iterator[Part], keep: Keep | None = None) -> Iterator[int]:
    """Evaluate parts by as many threads as the dataset may use; gives the rows of each part that is done with.

    The digits do not depend on the number of threads: what each part comes to is merged in the order of the parts,
    as are their batches given to `keep`.

    Raises:
        LosscliError: as `Run.over`.
    """
    plan = Plan(dataset, run)
    assembly = OrderedReducer(plan, keep)

    def one(part: Part) -> PartResult:
        return evaluate(part, plan, assembly.full, keep is not None)

    done = ordered_map_with_fallback(one, parts, dataset.jobs, dataset.parts_from)
    try:
        yield from assembly.of(report_progress(dataset, (((part,), found) for part, found in done)))
    finally:
        done.close()
