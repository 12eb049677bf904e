"""Evaluate parts of a dataset on their own, and merge their results in order.

Results are merged in pairs, these in pairs again, up to PARTS_PER_MERGE parts, which then join the total one after the
other. The pairs are always the same, so that the digits do not depend on who merges them: a worker that merges the
parts of a block leaves less to do for the process that waits for all.

A part knows neither the number of rows before it nor what was seen in them. If that could make a difference (an error
or a note that names a row, labels that depend on all rows), the part is evaluated again after all before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from losscli.data.batch import Batch, RowPolicy
from losscli.data.dataset import Dataset, Part
from losscli.evaluation.run import RunState, SketchedStatistics, Statistic
from losscli.statistics.quantiles import MAX_VALUES_KEPT

PARTS_PER_MERGE = 64
"""Parts that are merged before they join the total: a power of 2."""

CheckMemory = Mapping[str, Mapping[str, Any]]
"""What the checks of each role remember."""

Keep = Callable[[Batch], None]
"""Receives the batches of a dataset, in order."""

Block = tuple[Part, ...]
"""Parts that are merged together: a power of 2 of them, after a multiple of as many."""


class Plan(NamedTuple):
    """The losses, and the dataset that says how a part becomes batches."""

    dataset: Dataset
    run: RunState

    def outline(self) -> Plan:
        """Return the picklable plan for workers."""
        return Plan(self.dataset.outline(), self.run.fresh_copy())


@dataclass(eq=False, repr=False)
class PartResult:
    """Statistics of a part or block, counts of rows, what checks remember, rows of each part, and batches if kept."""

    run: RunState
    policy: RowPolicy
    memory: dict[str, dict[str, Any]]
    sizes: tuple[int, ...]
    batches: list[Batch] = field(default_factory=list)


Done = tuple[Block, PartResult | Exception]
"""Some parts and their result."""


def evaluate_part(
    part: Part, plan: Plan, sketched: SketchedStatistics = frozenset(), keep_batches: bool = False
) -> PartResult:
    """Evaluate a part on its own; the result is the same wherever and whenever that is done.

    The statistics in `sketched` return histograms, as merging would make of them.

    Raises:
        SplitInsideQuotes: The part does not end where a row does.
        LosscliError: Its rows are wrong; their numbers are not known here.
    """
    dataset, run = plan.dataset.standalone(part), plan.run.fresh_copy()
    with np.errstate(all="ignore"):  # infinities are values
        evaluated = run.evaluate(dataset.batches_of_part(), may_be_empty=True)
        batches = [item.batch for item in evaluated if keep_batches]
        run.condense(sketched)
    run.rows_read = dataset.policy.n
    return PartResult(run, dataset.policy, dataset.memory, (dataset.policy.n,), batches)


def evaluate_array_part(part: Part, plan: Plan) -> PartResult:
    """Evaluate a part of arrays in memory, of which values alone are wanted, in blocks that stay in cache.

    Raises:
        LosscliError: Its rows are wrong; the message does not count them all.
    """
    dataset, run = plan.dataset.standalone(part), plan.run.fresh_copy()
    with np.errstate(all="ignore"):  # infinities are values
        n_rows = run.evaluate_in_blocks(dataset.batches_as_read())
    if n_rows is None:
        return evaluate_part(part, plan)
    run.rows_read = dataset.policy.n = n_rows
    return PartResult(run, dataset.policy, dataset.memory, (n_rows,))


def evaluate_block(block: Block, plan: Plan, sketched: SketchedStatistics = frozenset()) -> PartResult | None:
    """Evaluate the parts of a block and merge them; None if one of them may have to be evaluated again.

    Raises:
        SplitInsideQuotes, LosscliError: As `evaluate_part`.
    """
    first, *others = block
    whole = evaluate_part(first, plan, sketched)
    merged = [(1, whole.run)]
    for part in others:
        found = evaluate_part(part, plan, sketched)
        if _has_new_flags(found.memory, whole.memory):
            return None
        _merge_in_pairs(merged, 1, found.run)
        whole.policy.merge(found.policy)
        whole.sizes += found.sizes
    return whole  # its run has all others merged into it


def _merge_in_pairs(blocks: list[tuple[int, RunState]], size: int, run: RunState) -> None:
    """Append the run of the next `size` parts to those of consecutive blocks; merge two of the same size at once."""
    while blocks and blocks[-1][0] == size:
        before = blocks.pop()[1]
        before.merge(run)
        size, run = 2 * size, before
    blocks.append((size, run))


def report_progress(dataset: Dataset, done: Iterable[Done]) -> Iterator[Done]:
    """Pass results on; tell the tables how far they have been read."""
    for parts, found in done:
        yield parts, found
        for table in dataset.row_tables:
            table.fraction_read = parts[-1].pieces[0].fraction_after


class OrderedReducer:
    """Merges results of parts in order into the run of a plan; `sketched` statistics have too many values to keep."""

    def __init__(self, plan: Plan, keep: Keep | None = None) -> None:
        self._dataset, self._run = plan
        self._keep = keep
        self._blocks: list[tuple[int, RunState]] = []
        self._values_kept = [0] * len(self._run.evaluators)
        self._most_of_a_group = 0
        self.sketched: SketchedStatistics = frozenset()

    def reduce(self, evaluated: Iterable[Done]) -> Iterator[int]:
        """Merge the results of all parts; yield the numbers of rows processed.

        Raises:
            LosscliError: The first error, as if all rows had been evaluated in order.
        """
        policy = self._dataset.policy
        for parts, found in evaluated:
            before = policy.n
            if isinstance(found, Exception) or self._depends_on_previous(found):
                for part in parts:
                    self._evaluate_again(part)
            else:
                self._take(parts, found)
            yield policy.n - before
        for _, run in self._blocks:
            self._run.merge(run)
        if not policy.n:
            raise self._dataset.tables[0].empty_error()
        policy.conclude()
        self._run.check_not_empty()

    def _depends_on_previous(self, found: PartResult) -> bool:
        lacking = found.policy.lacking and not self._dataset.policy.lacking
        return bool(lacking) or _has_new_flags(found.memory, self._dataset.memory)

    def _evaluate_again(self, part: Part) -> None:
        """Evaluate a part after all that came before it."""
        self._set_rows_before((part,), (0,))
        run, before = self._run.fresh_copy(), self._dataset.policy.n
        for item in run.evaluate(self._dataset.continuing(part).batches_of_part(), may_be_empty=True):
            if self._keep:
                self._keep(item.batch)
        run.renumber(-before)
        run.rows_read = self._dataset.policy.n - before
        self._join(1, run)

    def _take(self, parts: Block, found: PartResult) -> None:
        before = self._dataset.policy.n
        self._set_rows_before(parts, found.sizes)
        self._dataset.policy.merge(found.policy)
        self._join(len(parts), found.run)
        if self._keep:
            for batch in found.batches:
                self._keep(self._dataset.renumber(batch, before))

    def _set_rows_before(self, parts: Block, sizes: Sequence[int]) -> None:
        """Tell the parts how many rows come before them."""
        before = self._dataset.policy.n
        for part, size in zip(parts, sizes, strict=True):
            for table, piece in zip(self._dataset.row_tables, part.pieces, strict=True):
                table.row_numbers.add_piece(before // self._dataset.samples_per_row, piece)
            before += size

    def _join(self, size: int, run: RunState) -> None:
        self._sketch_if_over_budget(run)
        _merge_in_pairs(self._blocks, size, run)
        if self._blocks[0][0] == PARTS_PER_MERGE:
            self._run.merge(self._blocks.pop()[1])

    def _runs(self) -> list[RunState]:
        """Return the runs that hold all statistics so far."""
        return [self._run, *(run for _, run in self._blocks)]

    def _sketch_if_over_budget(self, run: RunState) -> None:
        """Count the values that a run adds; switch statistics to histograms in all runs once there are too many."""
        sketched: set[Statistic] = set()
        for i, accumulator in enumerate(run.accumulators):
            self._values_kept[i] += accumulator.kept if accumulator.exact else MAX_VALUES_KEPT + 1
            if self._values_kept[i] > MAX_VALUES_KEPT:
                sketched.add((None, i))
        if run.groups is not None:
            self._most_of_a_group += int(run.groups.kept.max(initial=0))
            if self._most_of_a_group > MAX_VALUES_KEPT:
                sketched |= run.groups.find_too_many(r.groups for r in self._runs() if r.groups is not None)
        run.condense(sketched)
        if not sketched <= self.sketched:
            for other in self._runs():
                other.condense(sketched - self.sketched)
            self.sketched |= sketched


def _has_new_flags(memory: CheckMemory, known: CheckMemory) -> bool:
    """Tell whether the checks of a part remember a flag that was not known."""
    return any(
        _is_new(value, known.get(role, {}).get(key))
        for role, remembered in memory.items()
        for key, value in remembered.items()
    )


def _is_new(value: Any, known: Any) -> bool:
    """Tell whether a flag, or one of several, is set and was not before."""
    if isinstance(value, tuple):
        return any(_is_new(item, known[i] if known else False) for i, item in enumerate(value))
    return bool(value) and not known
