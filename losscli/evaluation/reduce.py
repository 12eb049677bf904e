"""Parts put together: what came of each becomes what comes of all.

They are put together two by two, and so are these pairs, up to sections, which join the whole one after the other. It
is always the same two, so that the digits do not depend on where that is done: what a worker puts together leaves less
to do for the one that waits for all of them.

A part that cannot know whether what came before it makes a difference is evaluated once more, after all of that; what
comes of it then is what counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from losscli.data.batch import Batch
from losscli.data.dataset import Dataset, Part
from losscli.evaluation.part import PartResult, Plan, evaluate
from losscli.evaluation.run import RunState, SketchedStatistics, Statistic
from losscli.statistics.quantiles import BUDGET

Memory = Mapping[str, Mapping[str, Any]]
"""What the checks of each role remember."""

PARTS_PER_MERGE = 64
"""Parts that are put together before what they come to joins the rest: a power of 2."""

Keep = Callable[[Batch], None]
"""What becomes of the batches of a dataset, one after the other."""

Block = tuple[Part, ...]
"""Parts that are put together: a power of 2 of them, so many after a multiple of that."""

Done = tuple[Block, PartResult | Exception]
"""Some parts, and what came of them."""


def evaluate_block(block: Block, plan: Plan, full: SketchedStatistics = frozenset()) -> PartResult | None:
    """Evaluate the parts of a block as one; None where one of them may have to be looked at alone.

    Raises:
        Torn, LosscliError: as `evaluate`.
    """
    first, *others = block
    whole = evaluate(first, plan, full)
    blocks = PairwiseMerger()
    blocks.add(1, whole.run)
    for part in others:
        found = evaluate(part, plan, full)
        if _has_new_flags(found.memory, whole.memory):
            return None
        blocks.add(1, found.run)
        whole.policy.merge(found.policy)
        whole.sizes += found.sizes
    return whole  # the others have been merged into its run


class PairwiseMerger:
    """Runs of blocks that follow each other, two being merged as soon as they are of one size."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, RunState]] = []

    def add(self, size: int, run: RunState) -> None:
        """The run of the next so many parts."""
        while self._blocks and self._blocks[-1][0] == size:
            before = self._blocks.pop()[1]
            before.merge(run)
            size, run = 2 * size, before
        self._blocks.append((size, run))

    @property
    def size(self) -> int:
        """The parts of the first block."""
        return self._blocks[0][0] if self._blocks else 0

    def runs(self) -> list[RunState]:
        """What is there, in order."""
        return [run for _, run in self._blocks]

    def left(self) -> list[RunState]:
        """What is there, in order; nothing is, afterwards."""
        runs, self._blocks = self.runs(), []
        return runs


def report_progress(dataset: Dataset, done: Iterable[Done]) -> Iterator[Done]:
    """Tell the tables how far they have been read."""
    for parts, found in done:
        yield parts, found
        for table in dataset.row_tables:
            table.fraction_read = parts[-1].pieces[0].fraction_after


class OrderedReducer:
    """Parts put together, in their order.

    `full` are the statistics that do not keep values any more: quantiles are of too many.
    """

    def __init__(self, plan: Plan, keep: Keep | None = None) -> None:
        """To be put into the plan's run, each batch being given to `keep`."""
        self._dataset, self._run = plan
        self._keep = keep
        self._blocks = PairwiseMerger()
        self._kept: Counter[Statistic] = Counter()
        self.full: SketchedStatistics = frozenset()

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
        for run in self._blocks.left():
            self._run.merge(run)
        if not policy.n:
            raise self._dataset.tables[0].empty_error()
        policy.conclude()
        self._run.conclude()

    def _depends(self, found: PartResult) -> bool:
        """Whether what came before makes a difference."""
        lacking = found.policy.lacking and not self._dataset.policy.lacking
        return bool(lacking) or _has_new_flags(found.memory, self._dataset.memory)

    def _evaluate(self, part: Part) -> None:
        """Evaluate a part after all that came before it."""
        self._tell((part,), (0,))
        again = self._run.fresh_copy()
        for item in again.iter_batches(self._dataset.continuing(part).iter_without_verdict()):
            if self._keep:
                self._keep(item.batch)
        self._join(1, again)

    def _take(self, parts: Block, found: PartResult) -> None:
        before = self._dataset.policy.n
        self._tell(parts, found.sizes)
        self._dataset.policy.merge(found.policy)
        self._join(len(parts), found.run)
        if self._keep:
            for batch in found.batches:
                self._keep(self._dataset.renumber(batch, before))

    def _tell(self, parts: Block, sizes: Sequence[int]) -> None:
        """Tell the parts how many rows come before them."""
        before = self._dataset.policy.n
        for part, size in zip(parts, sizes, strict=True):
            for table, piece in zip(self._dataset.row_tables, part.pieces, strict=True):
                table.row_numbers.add_piece(before, piece)
            before += size

    def _join(self, size: int, run: RunState) -> None:
        self._spill_if_over_budget(run)
        self._blocks.add(size, run)
        if self._blocks.size == PARTS_PER_MERGE:
            (section,) = self._blocks.left()
            self._run.merge(section)

    def _spill_if_over_budget(self, run: RunState) -> None:
        """Count what a run keeps that is to join; where that is too much for all together, no run keeps it any more."""
        full = set()
        for key, i, accumulator in run.statistics():
            self._kept[key, i] += accumulator.kept if accumulator.exact else BUDGET + 1
            if self._kept[key, i] > BUDGET:
                accumulator.condense()
                full.add((key, i))
        if not full <= self.full:
            for other in (self._run, *self._blocks.runs()):
                other.condense(full - self.full)
            self.full |= full


def _has_new_flags(memory: Memory, known: Memory) -> bool:
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
