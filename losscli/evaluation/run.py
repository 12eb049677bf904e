"""Evaluate losses batch by batch and accumulate their statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, find_missing
from losscli.declaration.domains import Array, Mask
from losscli.declaration.memo import BATCH_CACHE
from losscli.declaration.row_lists import RowLists
from losscli.errors import DataError, NoResultError
from losscli.evaluation.blocks import JoinedOutcome, blocks_of
from losscli.evaluation.dataset_wide import GroupedRows, WholeRows
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import NO_VALUES, Outcome
from losscli.statistics.moments import Sum
from losscli.statistics.summary import Accumulator

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset
    from losscli.evaluation.groups import Groups
    from losscli.statistics.bootstrap.accumulator import Bootstrap
    from losscli.statistics.bootstrap.options import Resampling

Statistic = tuple[tuple[str, ...] | None, int]
"""A statistic by its group (None for all rows) and the index of its loss."""

SketchedStatistics = frozenset[Statistic]
"""Statistics that keep a histogram, because they have too many values."""


class Evaluated(NamedTuple):
    """A batch and the outcomes of all losses on it, with a value for each row of the batch."""

    batch: Batch
    outcomes: tuple[Outcome, ...]


class Observer(Protocol):
    """Statistics beside those of the run: of its batches with their outcomes, mergeable as the run is."""

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Add a batch; rows that do not count are in it (`counted_rows`)."""

    def merge(self, other: Self) -> None:
        """Add the statistics of later batches."""

    def fresh_copy(self) -> Self:
        """Return the same statistics before any batch."""


@runtime_checkable
class RowNames(Protocol):
    """An observer that remembers the numbers of rows."""

    def renumber(self, rows_before: int) -> None:
        """Add the number of rows that come before those seen so far."""


def keep_freed_memory() -> None:
    """Make the C library of Linux keep freed arrays of up to 8 MB, by freeing one; call it before threads start.

    Otherwise it returns the arrays of each block to the system, and clears new ones. Five losses on 10 M values in
    memory take 25 % less processor time with this, eight losses on a CSV file of 10 M rows 3 % less.
    """
    np.empty(1 << 20)


@dataclass(eq=False, repr=False)
class RunState:
    """The statistics of losses over the batches so far: of all rows, and of each group.

    Groups are the distinct values of extra columns; a loss that couples rows couples those of all groups. With
    `resampling`, the reported statistics (of all rows, or of each group) are resampled for their intervals. Observers
    see every batch with its outcomes; `runs_by_model` are those over the predictions of each of several models.
    `allocate` returns memory for the losses of so many rows. If `groups_only`, nobody asks for more than the number of
    all rows. If `draws_apart`, `draw_completed_blocks` is called by others, for several runs at once.
    """

    evaluators: Sequence[Evaluator]
    reduction: str = "mean"
    gradient: bool = False
    group_by: Sequence[str] = ()
    resampling: Resampling | None = None
    value_only: bool = False
    allocate: Callable[[int], Array] = np.empty
    observers: Sequence[Observer] = ()
    groups_only: bool = False
    draws_apart: bool = False
    runs_by_model: dict[str, RunState] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.accumulators: list[Accumulator | WholeRows] = []
        for evaluator in self.evaluators:
            own, new_bootstrap = evaluator.bound.loss.reduction, self._bootstraps_of(evaluator)
            bootstrap = new_bootstrap() if new_bootstrap is not None and not self.group_by else None
            value_only = self.value_only or self.groups_only
            if evaluator.dataset_wide:
                self.accumulators.append(WholeRows(evaluator, bootstrap))  # type: ignore[arg-type]
            else:
                self.accumulators.append(Accumulator(own, self.reduction, value_only, bootstrap))
        self.groups = self._make_groups() if self.group_by else None
        self.weight = Sum()
        self.rows_read = 0  # of a part, rows that are left out included; set once they are read
        self._n_rows = 0

    def _make_groups(self) -> Groups:
        from losscli.evaluation.groups import Groups
        from losscli.statistics.grouped import GroupedAccumulator

        return Groups(
            [
                GroupedRows(e, self._bootstraps_of(e))  # type: ignore[arg-type]
                if e.dataset_wide
                else GroupedAccumulator(e.bound.loss.reduction, self.reduction, self.value_only, self._bootstraps_of(e))
                for e in self.evaluators
            ]
        )

    @property
    def group_places(self) -> Mapping[tuple[str, ...], int]:
        """The groups seen so far, each with its place among the statistics of groups."""
        return {} if self.groups is None else self.groups.places

    def _bootstraps_of(self, evaluator: Evaluator) -> Callable[[], Bootstrap] | None:
        """Return what makes a bootstrap of a loss, None if there are no intervals."""
        if self.resampling is None:
            return None
        declared = evaluator.bound.loss.no_interval
        if evaluator.dataset_wide:
            from losscli.evaluation.resampled_rows import ResampledRows

            return partial(ResampledRows, self.resampling, evaluator, declared)
        from losscli.statistics.bootstrap.accumulator import COUPLED_ROWS, Estimand
        from losscli.statistics.bootstrap.dependent import new_bootstrap

        refusal = declared or (COUPLED_ROWS if evaluator.coupled else "")
        estimand = Estimand.of(evaluator.bound.loss.reduction, self.reduction)
        return partial(new_bootstrap, self.resampling, estimand, refusal, evaluator.bound.loss.has_ratios)

    @property
    def bootstraps(self) -> list[Bootstrap]:
        """The rows to resample, of all losses and groups."""
        found = [a.bootstrap for a in self.accumulators if a.bootstrap is not None]
        for by_group in () if self.groups is None else self.groups.accumulators:
            found += by_group.bootstraps
        return found

    @property
    def keeps_values(self) -> bool:
        """Whether values are kept, of all rows or by group."""
        by_group = () if self.groups is None else self.groups.accumulators
        return any(a.keeps_values for a in self.accumulators) or any(a.keeps_values for a in by_group)

    def fresh_copy(self) -> RunState:
        """Return the same run before any batch, without gradients."""
        return replace(self, gradient=False, observers=tuple(observer.fresh_copy() for observer in self.observers))

    def condense(self, statistics: AbstractSet[Statistic]) -> None:
        """Replace the values of some statistics by a histogram."""
        for key, i in statistics:
            if key is None:
                self.accumulators[i].condense()
            elif self.groups is not None and key in self.groups.places:
                self.groups.accumulators[i].condense(self.groups.places[key])

    def merge(self, other: RunState) -> None:
        """Add the statistics of later batches."""
        for mine, theirs in zip(self.accumulators, other.accumulators, strict=True):
            mine.merge(theirs)  # type: ignore[arg-type]
        if self.groups is not None and other.groups is not None:
            self.groups.merge(other.groups)
        other.renumber(self.rows_read)
        for observer, later in zip(self.observers, other.observers, strict=True):
            observer.merge(later)
        self.weight.merge(other.weight)
        self._n_rows += other._n_rows
        self.rows_read += other.rows_read

    def renumber(self, rows_before: int) -> None:
        """Tell the observers that remember row numbers how many rows come before those of the run."""
        for observer in self.observers:
            if isinstance(observer, RowNames):
                observer.renumber(rows_before)

    def can_split(self, dataset: Dataset) -> bool:
        """Tell whether parts of the data can be evaluated without the others, and without their row numbers."""
        if self.gradient or self.resampling is not None or dataset.by_query:
            return False
        return not any(evaluator.needs_all_rows(dataset.bound) for evaluator in self.evaluators)

    def evaluate(self, batches: Iterable[Batch], may_be_empty: bool = False) -> Iterator[Evaluated]:
        """Evaluate batch by batch; the statistics include each batch by the time it is yielded.

        Raises:
            NoResultError: No row counts, and the run may not be empty.
            LosscliError: The data does not fit a loss.
        """
        remaining = iter(batches)
        for first in remaining:
            batch = first
            if any(evaluator.needs_all_rows(first.arrays) for evaluator in self.evaluators):
                from losscli.data.gather import concat_batches

                batch = concat_batches(chain([first], remaining))
            left_out = batch.left_out
            outcomes = self._outcomes(batch)
            self._n_rows += len(batch) if left_out is None else int((~left_out).sum())
            with np.errstate(all="ignore"):
                self._add(batch, outcomes)
                self._observe(batch, outcomes)
            yield Evaluated(batch, tuple(outcomes))
        if not may_be_empty:
            self.check_not_empty()

    def evaluate_in_blocks(self, batches: Iterable[Batch]) -> int | None:
        """Evaluate batches as they are read, in blocks that stay in cache; return how many rows they have.

        The value is that of `evaluate`, and so is what observers see. Return None, and be of no more use, where rows
        lack a value or have weight 0.

        Raises:
            LosscliError: The data does not fit a loss; the message counts the rows of a block.
        """
        for batch in batches:
            joined = [JoinedOutcome(self.allocate(len(batch))) for _ in self.evaluators]
            for block in blocks_of(batch):
                has_weights = block.weight is None or bool(((block.weight > 0) & (block.weight < np.inf)).all())
                if not has_weights or find_missing(block) is not None:
                    return None
                outcomes = self._outcomes(block)
                self._add(block, outcomes)
                for one, outcome in zip(joined, outcomes, strict=True):
                    one.add(outcome)
            self._n_rows += len(batch)
            self._observe(batch, [one.outcome() for one in joined])
        return self._n_rows

    def _outcomes(self, batch: Batch) -> list[Outcome]:
        """Evaluate all losses on a batch."""
        token = BATCH_CACHE.set({} if len(self.evaluators) > 1 else None)
        try:
            return [evaluate_batch(evaluator, batch, self.gradient) for evaluator in self.evaluators]
        finally:
            BATCH_CACHE.reset(token)

    def _add(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Add a batch to the statistics."""
        for accumulator, outcome in zip(self.accumulators, outcomes, strict=True):
            feed(accumulator, outcome, batch)
        if self.groups is not None:
            self.groups.update(batch, self.group_by, self.evaluators, outcomes, counted_rows)

    def _observe(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Add a batch to what is kept beside the statistics of losses."""
        if batch.weight is not None:
            self.weight.add(float(batch.weight.sum()))
        for observer in self.observers:
            observer.update(batch, outcomes)
        if self.resampling is not None and not self.draws_apart:
            from losscli.statistics.bootstrap.accumulator import draw_completed_blocks

            draw_completed_blocks(self.bootstraps, before=float(batch.rows[-1]))

    def check_not_empty(self) -> None:
        """Check that every loss counts at least one row, and that there is something to resample.

        Raises:
            NoResultError: A loss counts none; the message gives the reason.
            UsageError: A block is longer than the data.
            DataError: All rows are one cluster.
        """
        for accumulator, evaluator in zip(self.accumulators, self.evaluators, strict=True):
            if not accumulator.moments.n:
                raise no_row_error(evaluator, self._n_rows)
            if accumulator.bootstrap is not None:
                accumulator.bootstrap.check()


def no_row_error(evaluator: Evaluator, n_rows: int) -> NoResultError:
    """Return the error that a loss counts none of `n_rows` rows that are complete and have a weight."""
    counts, unit = evaluator.form.hooks.get("row_mask"), evaluator.form.unit_of_samples
    why = "all were omitted or have weight 0"
    if n_rows and counts is not None and counts.__doc__:
        why = f"all were ignored, because {evaluator.label} counts a {unit} only where {counts.__doc__}"
    return NoResultError(f"no {unit} is left to evaluate: {why}")


def new_accumulator(evaluator: Evaluator, reduction: str) -> Accumulator | WholeRows:
    """Return what accumulates the value of a loss alone."""
    if evaluator.dataset_wide:
        return WholeRows(evaluator)
    return Accumulator(evaluator.bound.loss.reduction, reduction, quick=True)


def feed(accumulator: Accumulator | WholeRows, outcome: Outcome, batch: Batch, kept: Mask | None = None) -> None:
    """Add the rows of an outcome to the statistics, except absent ones and those that a mask leaves out."""
    if isinstance(accumulator, WholeRows):
        accumulator.add(batch, outcome, counted_rows(batch, outcome, kept))
        return
    if len(outcome.per_sample) != len(batch):  # one distribution: rows are not samples
        accumulator.update(outcome.elements, outcome.per_sample)
        return
    counted = counted_rows(batch, outcome, kept)
    if outcome.clipped is not None:
        clipped = outcome.clipped if counted is None else outcome.clipped & counted
        accumulator.clipped += int(np.count_nonzero(clipped))
    resampled = () if accumulator.bootstrap is None else (batch.rows, batch.clusters(accumulator.bootstrap.cluster))
    if outcome.counted is not None:
        accumulator.left_out += int(np.count_nonzero(~outcome.counted))
    if outcome.tallied is not None:
        accumulator.tallied += int(np.count_nonzero(outcome.tallied))
    more = outcome.weights(batch.weight), counted, outcome.denominator
    accumulator.update(outcome.elements, outcome.per_sample, *more, *resampled)


def counted_rows(batch: Batch, outcome: Outcome, kept: Mask | None = None) -> Mask | None:
    """Return the rows that count in statistics of a loss, and are in a mask; None if all rows do."""
    counted = outcome.counted
    for mask in (None if batch.absent is None else ~batch.absent, kept):
        counted = mask if counted is None else counted if mask is None else counted & mask
    return counted


def evaluate_batch(evaluator: Evaluator, batch: Batch, gradient: bool = False) -> Outcome:
    """Evaluate a loss on a batch, without the rows that are left out: these are NaN.

    So is a whole column that is one distribution, where a value is missing.
    """
    evaluator.check_weight(batch)
    left_out = batch.left_out
    if left_out is None:
        return evaluator(batch, gradient)
    if evaluator.one_distribution(batch.arrays):
        return Outcome.of_missing(1, batch.arrays[evaluator.form.gradient_role].shape if gradient else None)
    return evaluate_incomplete(evaluator, batch, left_out, gradient)


def evaluate_incomplete(evaluator: Evaluator, batch: Batch, left_out: Mask, gradient: bool) -> Outcome:
    """Evaluate the rows that are not left out; the others are NaN.

    Absent rows count in no statistic, but those that are complete get their values if the loss is per row and their
    values are valid.
    """
    if left_out.all():
        shape = batch.arrays[evaluator.form.gradient_role].shape if gradient else None
        outcome = Outcome.of_missing(len(batch), shape)
        if evaluator.dataset_wide:
            outcome = Outcome(NO_VALUES, NO_VALUES, gradient=outcome.gradient, rows=~left_out)
    else:
        outcome = _scatter(evaluator(batch.take(~left_out), gradient), left_out)
    if batch.absent is None or evaluator.coupled or evaluator.dataset_wide:
        return outcome
    lacking = find_missing(batch)
    absent = batch.absent if lacking is None else batch.absent & ~lacking
    if not absent.any():
        return outcome
    try:
        found = evaluator(batch.take(absent), gradient)
    except DataError:
        return outcome
    outcome.per_sample[absent] = found.per_sample  # nothing reads elements of absent rows
    if outcome.gradient is not None and found.gradient is not None:
        outcome.gradient[absent] = found.gradient
    return outcome


def _scatter(outcome: Outcome, left_out: Mask) -> Outcome:
    """Return the outcome over all rows, from that of the rows that were not left out."""

    def scatter(values: NDArray[Any] | None, fill: Any) -> Any:
        if values is None:
            return None
        full = np.full((len(left_out), *values.shape[1:]), fill, dtype=values.dtype)
        full[~left_out] = values
        return full

    if outcome.inputs is not None:
        return outcome._replace(gradient=scatter(outcome.gradient, np.nan), rows=~left_out)
    per_sample = scatter(outcome.per_sample, np.nan)
    return outcome._replace(
        elements=per_sample if outcome.elements is outcome.per_sample else scatter(outcome.elements, np.nan),
        per_sample=per_sample,
        counted=scatter(outcome.counted, True),
        clipped=scatter(outcome.clipped, False),
        denominator=scatter(outcome.denominator, 1.0),
        gradient=outcome.gradient if isinstance(outcome.gradient, RowLists) else scatter(outcome.gradient, np.nan),
        frequency=scatter(outcome.frequency, 1.0),
        tallied=scatter(outcome.tallied, False),
    )
