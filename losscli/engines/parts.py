"""A part of a dataset evaluated on its own, and what came of the parts put together.

A part knows of no other: not how many rows come before it, nor what was seen in them. Where that could make a
difference (an error or a note that names a row, labels that are told by all of them) the part is evaluated once more,
after all that come before it, by whoever puts the parts together; what comes of that is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from losscli.data.batch import Batch, RowPolicy
from losscli.data.dataset import Dataset, Part
from losscli.data.table import Numbering
from losscli.evaluate import Run

Full = frozenset[tuple[tuple[str, ...] | None, int]]
"""Statistics by their group (None for all rows) and the place of their loss."""


class Plan(NamedTuple):
    """What is evaluated: the losses, and a dataset that says how a part becomes batches."""

    dataset: Dataset
    run: Run

    @property
    def full(self) -> Full:
        """The statistics that do not keep values any more: quantiles are of too many."""
        return frozenset((key, i) for key, i, accumulator in self.run.statistics() if not accumulator.exact)

    def outline(self) -> Plan:
        """What it takes to evaluate parts elsewhere."""
        return Plan(self.dataset.outline(), self.run.again())


@dataclass(eq=False, repr=False)
class Partial:
    """What a part comes to: statistics, counts of rows, what the checks remember (and wrote a note of).

    And its batches, where they are to be kept.
    """

    run: Run
    policy: RowPolicy
    memory: dict[str, dict[str, Any]]
    batches: list[Batch] = field(default_factory=list)


Keep = Callable[[Batch], None]
"""What becomes of the batches of a dataset, one after the other."""

Done = tuple[Part, Partial | Exception]
"""A part, and what came of it."""


def evaluate(part: Part, plan: Plan, full: Full = frozenset(), kept: bool = False) -> Partial:
    """Evaluate a part by itself; it is the same wherever and whenever that is done.

    For what is `full` values are counted and not kept, which would be done as soon as they are merged.

    Raises:
        Torn: it does not end where a row does.
        LosscliError: something is wrong with its rows, whose numbers are not known here.
    """
    dataset, run = plan.dataset.alone(part), plan.run.again()
    batches = []
    for item in run.each(dataset.counted()):
        if kept:
            batches.append(item.batch)
    for key, i, accumulator in run.statistics() if full else ():
        if (key, i) in full:
            accumulator.condense()
    return Partial(run, dataset.policy, dataset.memory, batches)


def watched(dataset: Dataset, done: Iterable[Done]) -> Iterator[Done]:
    """Tell the tables how far they have been read."""
    for part, found in done:
        yield part, found
        for table in dataset.row_tables:
            table.reached = part.pieces[0].reached


def put_together(plan: Plan, evaluated: Iterable[Done], keep: Keep | None = None) -> Iterator[int]:
    """Merge what came of the parts, in their order; gives the number of rows of each, and their batches to `keep`.

    Raises:
        LosscliError: the first error there is, as if all rows had been evaluated in order.
    """
    dataset, run = plan
    numbering = Numbering()
    for part, found in evaluated:
        before = dataset.policy.n
        for piece in part.pieces:
            numbering.tell(piece, before)
        if isinstance(found, Exception) or _depends(found, dataset):
            again = run.again()
            for item in again.each(dataset.following(part).counted()):
                if keep:
                    keep(item.batch)
            run.merge(again)
        else:
            dataset.policy.merge(found.policy)
            run.merge(found.run)
            if keep:
                for batch in found.batches:
                    keep(dataset.after(batch, before))
        yield dataset.policy.n - before


def conclude(plan: Plan) -> None:
    """Once all parts are there: raise the error that only all of them tell."""
    if not plan.dataset.policy.n:
        raise plan.dataset.tables[0].nothing()
    plan.dataset.policy.conclude()
    plan.run.conclude()


def _depends(found: Partial, dataset: Dataset) -> bool:
    """Whether what came before makes a difference to a part."""
    if found.policy.lacking and not dataset.policy.lacking:
        return True
    return any(
        _adds(value, dataset.memory.get(role, {}).get(key))
        for role, remembered in found.memory.items()
        for key, value in remembered.items()
    )


def _adds(value: Any, known: Any) -> bool:
    """Whether a flag is up, or one of several, that was not before."""
    if isinstance(value, tuple):
        return any(_adds(item, known[i] if known else False) for i, item in enumerate(value))
    return bool(value) and not known
