"""A part of a dataset evaluated on its own, and what came of the parts put together.

A part knows of no other: not how many rows come before it, nor what was seen in them. Where that could make a
difference (an error or a note that names a row, labels that are told by all of them) the part is evaluated once more,
after all that come before it, by whoever puts the parts together; what comes of that is what counts.

Parts are put together in sections, and these into the whole. The digits are the same whether a section is put together
here or by one of many workers, which leaves less to do for the one that waits for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from losscli.data.batch import Batch, RowPolicy
from losscli.data.dataset import Dataset, Part
from losscli.data.table import Numbering
from losscli.evaluate import Run

Memory = Mapping[str, Mapping[str, Any]]
"""What the checks of each role remember."""

SECTION = 16
"""Parts that are put together before what they come to joins the rest."""

Full = frozenset[tuple[tuple[str, ...] | None, int]]
"""Statistics by their group (None for all rows) and the place of their loss."""


class Plan(NamedTuple):
    """What is evaluated: the losses, and a dataset that says how a part becomes batches."""

    dataset: Dataset
    run: Run

    def outline(self) -> Plan:
        """What it takes to evaluate parts elsewhere."""
        return Plan(self.dataset.outline(), self.run.again())


@dataclass(eq=False, repr=False)
class Partial:
    """What a part or a section comes to: statistics, counts of rows, what the checks remember (and wrote a note of).

    `sizes` are the rows of each part. And its batches, where they are to be kept.
    """

    run: Run
    policy: RowPolicy
    memory: dict[str, dict[str, Any]]
    sizes: tuple[int, ...]
    batches: list[Batch] = field(default_factory=list)


Keep = Callable[[Batch], None]
"""What becomes of the batches of a dataset, one after the other."""

Done = tuple[tuple[Part, ...], Partial | Exception]
"""A part, or all of a section, and what came of it."""


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
    return Partial(run, dataset.policy, dataset.memory, (dataset.policy.n,), batches)


def section_of(found: Sequence[Partial | Exception], plan: Plan) -> Partial | None:
    """All parts of a section as one; None where one of them may have to be looked at alone."""
    parts = [part for part in found if isinstance(part, Partial)]
    if len(parts) < SECTION or any(_tells_more(part.memory, parts[0].memory) for part in parts):
        return None
    whole = Partial(plan.run.again(), RowPolicy(), parts[0].memory, tuple(part.policy.n for part in parts))
    for part in parts:
        whole.run.merge(part.run)
        whole.policy.merge(part.policy)
    return whole


def watched(dataset: Dataset, done: Iterable[Done]) -> Iterator[Done]:
    """Tell the tables how far they have been read."""
    for parts, found in done:
        yield parts, found
        for table in dataset.row_tables:
            table.reached = parts[-1].pieces[0].reached


class Assembly:
    """Parts put together, in their order."""

    def __init__(self, plan: Plan, keep: Keep | None = None) -> None:
        """To be put into the plan's run, each batch being given to `keep`."""
        self._dataset, self._run = plan
        self._keep = keep
        self._section, self._parts = self._run.again(), 0
        self._numbering = [Numbering(table) for table in self._dataset.row_tables]

    @property
    def full(self) -> Full:
        """The statistics that do not keep values any more: quantiles are of too many."""
        there = chain(self._run.statistics(), self._section.statistics())
        return frozenset((key, i) for key, i, accumulator in there if not accumulator.exact)

    def of(self, evaluated: Iterable[Done]) -> Iterator[int]:
        """Put together what came of all parts; gives the rows of what is done with, bit by bit.

        Raises:
            LosscliError: the first error there is, as if all rows had been evaluated in order.
        """
        policy = self._dataset.policy
        for parts, found in evaluated:
            before = policy.n
            if isinstance(found, Exception) or self._depends(found):
                for part in parts:
                    self._evaluate(part)
            else:
                self._take(parts, found)
            yield policy.n - before
        self._end_section()
        if not policy.n:
            raise self._dataset.tables[0].nothing()
        policy.conclude()
        self._run.conclude()

    def _depends(self, found: Partial) -> bool:
        """Whether what came before makes a difference."""
        lacking = found.policy.lacking and not self._dataset.policy.lacking
        return bool(lacking) or _tells_more(found.memory, self._dataset.memory)

    def _evaluate(self, part: Part) -> None:
        """Evaluate a part after all that came before it."""
        self._tell((part,), (0,))
        again = self._run.again()
        for item in again.each(self._dataset.following(part).counted()):
            if self._keep:
                self._keep(item.batch)
        self._join(again)

    def _take(self, parts: Sequence[Part], found: Partial) -> None:
        before = self._dataset.policy.n
        self._tell(parts, found.sizes)
        self._dataset.policy.merge(found.policy)
        if len(parts) == SECTION:
            self._run.merge(found.run)
        else:
            self._join(found.run)
        if self._keep:
            for batch in found.batches:
                self._keep(self._dataset.after(batch, before))

    def _tell(self, parts: Sequence[Part], sizes: Sequence[int]) -> None:
        """Tell the parts how many rows come before them."""
        before = self._dataset.policy.n
        for part, size in zip(parts, sizes, strict=True):
            for numbering, piece in zip(self._numbering, part.pieces, strict=True):
                numbering.tell(piece, before)
            before += size

    def _join(self, run: Run) -> None:
        self._section.merge(run)
        self._parts += 1
        if self._parts == SECTION:
            self._end_section()

    def _end_section(self) -> None:
        if self._parts:
            self._run.merge(self._section)
            self._section, self._parts = self._run.again(), 0


def _tells_more(memory: Memory, known: Memory) -> bool:
    """Whether something is remembered that was not known."""
    return any(
        _adds(value, known.get(role, {}).get(key))
        for role, remembered in memory.items()
        for key, value in remembered.items()
    )


def _adds(value: Any, known: Any) -> bool:
    """Whether a flag is up, or one of several, that was not before."""
    if isinstance(value, tuple):
        return any(_adds(item, known[i] if known else False) for i, item in enumerate(value))
    return bool(value) and not known
