"""A part of a dataset, evaluated on its own.

A part knows of no other: not how many rows come before it, nor what was seen in them. Where that could make a
difference (an error or a note that names a row, labels that are told by all of them) it is evaluated once more when the
parts are put together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from losscli.data.batch import Batch, RowPolicy
from losscli.data.dataset import Dataset, Part
from losscli.evaluation.run import RunState, SketchedStatistics


class Plan(NamedTuple):
    """What is evaluated: the losses, and a dataset that says how a part becomes batches."""

    dataset: Dataset
    run: RunState

    def outline(self) -> Plan:
        """What it takes to evaluate parts elsewhere."""
        return Plan(self.dataset.outline(), self.run.fresh_copy())


@dataclass(eq=False, repr=False)
class PartResult:
    """What a part or a block comes to: statistics, counts of rows, what the checks remember (and wrote a note of).

    `sizes` are the rows of each part. And its batches, where they are to be kept.
    """

    run: RunState
    policy: RowPolicy
    memory: dict[str, dict[str, Any]]
    sizes: tuple[int, ...]
    batches: list[Batch] = field(default_factory=list)


def evaluate(part: Part, plan: Plan, full: SketchedStatistics = frozenset(), kept: bool = False) -> PartResult:
    """Evaluate a part by itself; it is the same wherever and whenever that is done.

    For what is `full` values are counted and not kept, which would be done as soon as they are merged.

    Raises:
        Torn: it does not end where a row does.
        LosscliError: something is wrong with its rows, whose numbers are not known here.
    """
    dataset, run = plan.dataset.standalone(part), plan.run.fresh_copy()
    batches = []
    for item in run.iter_batches(dataset.iter_without_verdict()):
        if kept:
            batches.append(item.batch)
    run.condense(full)
    return PartResult(run, dataset.policy, dataset.memory, (dataset.policy.n,), batches)
