"""The only caller of kernels: checks a batch, evaluates losses on it, feeds the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Mask
from losscli.declaration.memo import batch_cache
from losscli.errors import DataError, NoResultError, UsageError
from losscli.evaluation.evaluator import Evaluator, Outcome
from losscli.statistics.moments import Sum
from losscli.statistics.summary import Accumulator

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset
    from losscli.statistics.bootstrap.accumulator import Bootstrap
    from losscli.statistics.bootstrap.options import Resampling


np.empty(1 << 20)
"""Freed at once: the C library of Linux takes it for a sign that arrays of up to 8 MB come and go, and keeps memory.

Otherwise it gives that of a block back each time and has it cleared anew, which takes longer than most kernels.
"""


# ------------------------------------------------------------------------------------------------ a dataset


Statistic = tuple[tuple[str, ...] | None, int]
"""A statistic by its group (None for all rows) and the place of its loss."""

SketchedStatistics = frozenset[Statistic]
"""Statistics of too many values to keep them."""


class Evaluated(NamedTuple):
    """A batch and every loss on it; outcomes have a value for each row of `batch`."""

    batch: Batch
    outcomes: tuple[Outcome, ...]


class RunState:
    """Losses over the batches of a dataset, with the statistics kept so far: of all rows, and of each group.

    Groups are the distinct values of extra columns; a loss that couples rows couples those of all groups. With
    `resampling` what is reported, all rows or each group, is resampled for its interval.
    """

    def __init__(
        self,
        evaluators: Sequence[Evaluator],
        reduction: str = "mean",
        gradient: bool = False,
        group_by: Sequence[str] = (),
        resampling: Resampling | None = None,
        value_only: bool = False,
    ) -> None:
        self.evaluators = evaluators
        self.reduction = reduction
        self.gradient = gradient
        self.group_by = group_by
        self.resampling = resampling
        self.value_only = value_only
        self.accumulators = self._accumulators(resampled=not group_by)
        self.groups: dict[tuple[str, ...], list[Accumulator]] = {}
        self.weight = Sum()
        self._there = 0

    def fresh_copy(self) -> RunState:
        """The same before any batch, without gradients."""
        return RunState(self.evaluators, self.reduction, False, self.group_by, self.resampling, self.value_only)

    def condense(self, statistics: AbstractSet[Statistic]) -> None:
        """Keep no values of these, only their counts."""
        for key, i in statistics:
            accumulators = self.accumulators if key is None else self.groups.get(key)
            if accumulators:
                accumulators[i].condense()

    def statistics(self) -> Iterator[tuple[tuple[str, ...] | None, int, Accumulator]]:
        """What is kept of each group (of all rows: None) and loss, by the place of the loss."""
        for key, accumulators in ((None, self.accumulators), *self.groups.items()):
            for i, accumulator in enumerate(accumulators):
                yield key, i, accumulator

    def state(self) -> dict[str, Any]:
        """What is kept of the batches so far, to be put into an empty one elsewhere."""
        return {name: value for name, value in vars(self).items() if name != "evaluators"}

    def set_state(self, state: Mapping[str, Any]) -> RunState:
        """This one, with the `state` of another one of the same losses."""
        vars(self).update(state)
        return self

    def merge(self, other: RunState) -> None:
        """Add the statistics of other batches; those that come later are merged later."""
        merge_all(self.accumulators, other.accumulators)
        for key, theirs in other.groups.items():
            merge_all(self.groups.setdefault(key, self._accumulators(resampled=True)), theirs)
        self.weight.merge(other.weight)
        self._there += other._there

    def splits(self, dataset: Dataset) -> bool:
        """Whether the statistics of some rows can be known without the others, and without their numbers."""
        if self.gradient or self.resampling is not None:
            return False
        return not any(e.form.coupled or _of_one_column(e, dataset) for e in self.evaluators)

    @property
    def ordered(self) -> bool:
        """Whether values are kept, to be put in order."""
        return any(accumulator.ordered for accumulator in self.accumulators)

    def _accumulators(self, resampled: bool) -> list[Accumulator]:
        return [
            Accumulator(
                e.bound.loss.reduction, self.reduction, self.value_only, self._bootstrap(e) if resampled else None
            )
            for e in self.evaluators
        ]

    def _bootstrap(self, evaluator: Evaluator) -> Bootstrap | None:
        if self.resampling is None:
            return None
        from losscli.statistics.bootstrap.accumulator import COUPLED, Bootstrap, Estimand

        estimand = Estimand.of(evaluator.bound.loss.reduction, self.reduction)
        return Bootstrap(self.resampling, estimand, COUPLED if evaluator.form.coupled else "")

    def flush_bootstrap(self, batch: Batch) -> None:
        """Let the resamples have the rows of the blocks that this batch was the last of."""
        if self.resampling is None:
            return
        from losscli.statistics.bootstrap.accumulator import draw_completed_blocks

        accumulators = chain(self.accumulators, *self.groups.values())
        draw_completed_blocks(
            [a.bootstrap for a in accumulators if a.bootstrap is not None], before=float(batch.rows[-1])
        )

    def evaluate(self, batches: Iterable[Batch]) -> Iterator[Evaluated]:
        """Evaluate batch by batch; the statistics have each batch by the time it is yielded.

        Raises:
            NoResultError: there was no row left to evaluate.
        """
        yield from self.iter_batches(batches)
        self.conclude()

    def iter_batches(self, batches: Iterable[Batch]) -> Iterator[Evaluated]:
        """As `over`, though there may be no row."""
        for batch in self._gathered(iter(batches)):
            with batch_cache():
                outcomes = tuple(self._evaluate(evaluator, batch) for evaluator in self.evaluators)
            left_out = _either(batch.missing, batch.absent)
            self._there += len(batch) if left_out is None else int((~left_out).sum())
            if batch.weight is not None:
                self.weight.add(float(batch.weight.sum()))
            with np.errstate(all="ignore"):
                for accumulator, outcome in zip(self.accumulators, outcomes, strict=True):
                    feed(accumulator, outcome, batch)
                self._feed_groups(batch, outcomes)
            self.flush_bootstrap(batch)
            yield Evaluated(batch, outcomes)

    def conclude(self) -> None:
        """Once all is evaluated: raise a NoResultError if that is nothing."""
        for accumulator, evaluator in zip(self.accumulators, self.evaluators, strict=True):
            if not accumulator.moments.n:
                raise NoResultError(f"no row is left to evaluate: {self._why_none(evaluator)}")

    def _why_none(self, evaluator: Evaluator) -> str:
        """Why a loss counts none of the rows: those that it was given have a reason of its own not to count."""
        counted = evaluator.form.hooks.get("row_mask")
        if not self._there or counted is None or not counted.__doc__:
            return "all were omitted or have weight 0"
        return f"all were ignored, because {evaluator.label} counts a row only where {counted.__doc__}"

    def _feed_groups(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        for key, rows in groups_of([batch.extras[name] for name in self.group_by]):
            accumulators = self.groups.setdefault(key, self._accumulators(resampled=True))
            for accumulator, outcome, evaluator in zip(accumulators, outcomes, self.evaluators, strict=True):
                if len(outcome.per_sample) != len(batch):
                    raise UsageError(f"{evaluator.label} reads all rows as one distribution: there are no groups of it")
                feed(accumulator, outcome, batch, rows)

    def _gathered(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        first = next(batches, None)
        if first is None:
            return
        if any(evaluator.needs_all_rows(first) for evaluator in self.evaluators):
            from losscli.data.gather import concat_batches

            yield concat_batches(chain([first], batches))
            return
        yield first
        yield from batches

    def _evaluate(self, evaluator: Evaluator, batch: Batch) -> Outcome:
        """Every row's outcome: NaN where a value is missing; where a row is absent, if the loss knows rows alone."""
        left_out = _either(batch.missing, batch.absent)
        if left_out is None or evaluator.one_distribution(batch):
            return evaluator(batch, self.gradient)
        if left_out.all():
            outcome = _nan_outcome(evaluator, batch, self.gradient)
        else:
            outcome = _spread(evaluator(batch.take(~left_out), self.gradient), left_out)
        if batch.absent is not None and not evaluator.form.coupled:
            alone = batch.absent if batch.missing is None else batch.absent & ~batch.missing
            _fill_absent(outcome, evaluator, batch, alone, self.gradient)
        return outcome


def _of_one_column(evaluator: Evaluator, dataset: Dataset) -> bool:
    """Whether all rows together are one sample, as far as the shapes tell."""
    roles = [
        role for role in evaluator.form.roles if role.domain.whole_column_is_one_sample and role.name in dataset.bound
    ]
    return any(len(dataset.bound[role.name].shape) == 1 for role in roles)


def merge_all(mine: Sequence[Accumulator], theirs: Sequence[Accumulator]) -> None:
    """Merge accumulators one by one."""
    for ours, other in zip(mine, theirs, strict=True):
        ours.merge(other)


def feed(accumulator: Accumulator, outcome: Outcome, batch: Batch, kept: Mask | None = None) -> None:
    """Add an outcome's rows to the statistics, all that are not absent or those of a mask."""
    if len(outcome.per_sample) != len(batch):  # one distribution: rows are not samples
        accumulator.update(outcome.elements, outcome.per_sample)
        accumulator.clipped += outcome.clipped
        return
    counted = outcome.counted
    for mask in (None if batch.absent is None else ~batch.absent, kept):
        counted = mask if counted is None else counted if mask is None else counted & mask
    rows = None if accumulator.bootstrap is None else batch.rows
    accumulator.update(outcome.elements, outcome.per_sample, batch.weight, counted, outcome.denominator, rows)
    accumulator.clipped += outcome.clipped


def groups_of(columns: Sequence[NDArray[Any]]) -> Iterator[tuple[tuple[str, ...], Mask]]:
    """The distinct rows of columns of text, each with the mask of the rows that have it; missing is empty text."""
    if not columns:
        return
    texts = [np.where(column == None, "", column).astype(str) for column in columns]  # noqa: E711 - by element
    coded = [np.unique(text, return_inverse=True) for text in texts]
    codes = np.stack([inverse for _, inverse in coded], axis=1)
    for code in np.unique(codes, axis=0):
        yield tuple(str(v[i]) for (v, _), i in zip(coded, code, strict=True)), (codes == code).all(axis=1)


def _either(a: Mask | None, b: Mask | None) -> Mask | None:
    return a if b is None else b if a is None else a | b


def _spread(outcome: Outcome, left_out: Mask) -> Outcome:
    """The outcome of the other rows among all rows, NaN in those that were left out."""

    def spread(values: NDArray[Any] | None, fill: Any) -> Any:
        if values is None:
            return None
        full = np.full((len(left_out), *values.shape[1:]), fill, dtype=values.dtype)
        full[~left_out] = values
        return full

    per_sample = spread(outcome.per_sample, np.nan)
    return outcome._replace(
        elements=per_sample if outcome.elements is outcome.per_sample else spread(outcome.elements, np.nan),
        per_sample=per_sample,
        counted=spread(outcome.counted, True),
        denominator=spread(outcome.denominator, 1.0),
        gradient=spread(outcome.gradient, np.nan),
    )


def _nan_outcome(evaluator: Evaluator, batch: Batch, gradient: bool) -> Outcome:
    """The outcome of a batch none of whose rows can be evaluated: others may have some that can."""
    nothing = np.full(len(batch), np.nan)
    slope = np.full(batch.arrays[evaluator.form.gradient_role].shape, np.nan) if gradient else None
    return Outcome(nothing, nothing.copy(), gradient=slope)


def _fill_absent(outcome: Outcome, evaluator: Evaluator, batch: Batch, absent: Mask, gradient: bool) -> None:
    """Put in what the loss is of absent rows, to be seen though it counts nowhere."""
    try:
        there = evaluator(batch.take(absent), gradient)
    except DataError:
        return
    outcome.per_sample[absent] = there.per_sample  # elements of absent rows are asked for by nothing
    if outcome.gradient is not None and there.gradient is not None:
        outcome.gradient[absent] = there.gradient
