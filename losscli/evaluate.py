"""The only caller of kernels: checks a batch, evaluates losses on it, feeds the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.domain import Array, Domain, Mask, Place
from losscli.errors import DataError, LosscliError, NoResultError, UsageError
from losscli.sharing import sharing
from losscli.spec import BoundLoss, Form, Hook
from losscli.statistics.moments import Sum
from losscli.statistics.summary import Accumulator

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset
    from losscli.statistics.bootstrap import Bootstrap
    from losscli.statistics.resampling import Resampling

LAYOUTS = 16
"""Combinations of shapes that an evaluator remembers: batches have the same but for the last one."""

np.empty(1 << 20)
"""Freed at once: the C library of Linux takes it for a sign that arrays of up to 8 MB come and go, and keeps memory.

Otherwise it gives that of a block back each time and has it cleared anew, which takes longer than most kernels.
"""


class Outcome(NamedTuple):
    """A loss on a batch: elements (N, ...), their per-sample means (N,), and what the declaration says of rows."""

    elements: Array
    per_sample: Array
    counted: Mask | None = None
    denominator: Array | None = None
    clipped: int = 0
    gradient: Array | None = None

    def take(self, rows: Mask) -> Outcome:
        """The outcome of some rows, without its gradient and what was clipped."""
        per_sample = self.per_sample[rows]
        return Outcome(
            per_sample if self.elements is self.per_sample else self.elements[rows], per_sample,
            None if self.counted is None else self.counted[rows],
            None if self.denominator is None else self.denominator[rows],
        )  # fmt: skip


class Layout(NamedTuple):
    """What the shapes of a batch say: each role's domain, and how its array is indexed to be in one of its shapes."""

    roles: tuple[tuple[str, Domain, Any], ...]
    dims: Mapping[str, Any]
    one_row: bool


@dataclass(frozen=True, eq=False, repr=False)
class Evaluator:
    """A loss with its parameters, in the form that the data has the roles for."""

    bound: BoundLoss
    form: Form
    _layouts: dict[Any, Layout] = field(default_factory=dict, init=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """The form is sent as its place among those of the loss."""
        return _evaluator, (self.bound, self.bound.loss.forms.index(self.form))

    @property
    def label(self) -> str:
        return self.bound.label

    def domain(self, role: str) -> Domain:
        declared = next(r.domain for r in self.form.roles if r.name == role)
        return declared.given(self.bound.params)

    def whole(self, batch: Batch) -> bool:
        """Whether the loss needs all rows at once."""
        return self.form.whole or self.one_distribution(batch)

    def one_distribution(self, batch: Batch) -> bool:
        """Whether all rows together are one sample: the classes of one distribution."""
        arrays = [batch.arrays[role.name] for role in self.form.roles if role.domain.one_row]
        return any(array.ndim == 1 for array in arrays)

    def __call__(self, batch: Batch, gradient: bool = False) -> Outcome:
        """Evaluate a batch whose rows are complete (none of them missing).

        Raises:
            DataError: shapes that do not fit, a value outside its domain.
        """
        layout = self._layout(batch)
        arrays = {
            name: batch.check(name, domain, batch.arrays[name] if index is None else batch.arrays[name][index],
                              batch.places[name], layout.dims)
            for name, domain, index in layout.roles
        }  # fmt: skip
        for role, wrong, what in self._hook("refused", arrays) or ():
            if wrong.any():
                raise batch.places[role].fail(wrong, arrays[role], what)
        for role, odd, what in self._hook("noted", arrays) or ():
            batch.places[role].remark(odd, what)
        with np.errstate(all="ignore"):
            elements = self._elements(arrays)
            rows = len(elements)
            if not layout.one_row and rows != len(batch):
                raise UsageError(f"{self.label}: its kernel gave {rows} values for {len(batch)} rows")
            per_sample = elements if elements.ndim == 1 else elements.reshape(rows, -1).mean(axis=1)
            clipped = self._hook("clipped", arrays)
            return Outcome(
                elements,
                per_sample,
                self._hook("counted", arrays),
                self._hook("denominator", arrays),
                0 if clipped is None else _rows_with(clipped),
                self._gradient(batch, arrays, elements) if gradient else None,
            )

    def _elements(self, arrays: Mapping[str, Any]) -> Array:
        """What the kernel gives; a loss from elsewhere that fails is not a bug of ours."""
        try:
            return np.atleast_1d(np.asarray(self._call(self.form.kernel, arrays), dtype=np.float64))
        except Exception as error:
            if isinstance(error, LosscliError) or self.bound.loss.in_catalogue:
                raise
            raise UsageError(f"{self.label}: its kernel failed: {type(error).__name__}: {error}") from error

    def _call(self, kernel: Any, arrays: Mapping[str, Any]) -> Any:
        code = kernel.__code__
        wanted = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        params = self.bound.params
        return kernel(*[arrays.get(role.name) for role in self.form.roles], **{name: params[name] for name in wanted})

    def _hook(self, hook: Hook, arrays: Mapping[str, Any]) -> Any:
        kernel = self.form.hooks.get(hook)
        return None if kernel is None else self._call(kernel, arrays)

    def _gradient(self, batch: Batch, arrays: Mapping[str, Any], elements: Array) -> Array:
        slope = self._hook("gradient", arrays)
        if slope is None:
            raise UsageError(f"{self.label} has no gradient")
        per_row = elements[0].size if elements.ndim > 1 and len(elements) else 1
        return np.asarray(slope / per_row, dtype=np.float64).reshape(batch.arrays[self.form.gradient_role].shape)

    # -------------------------------------------------------------------------------- shapes and domains

    def _layout(self, batch: Batch) -> Layout:
        """The layout of arrays of these shapes, worked out once."""
        shapes = tuple((name, array.shape) for name, array in batch.arrays.items())
        layout = self._layouts.get(shapes)
        if layout is None:  # other threads may be here as well
            layout = self._laid_out(batch)
            if len(self._layouts) >= LAYOUTS:
                self._layouts.clear()
            self._layouts[shapes] = layout
        return layout

    def _laid_out(self, batch: Batch) -> Layout:
        dims: dict[str, Any] = {}
        owners: dict[str, str] = {}
        roles = []
        for role in self.form.roles:
            if role.name in batch.arrays:
                array, domain = batch.arrays[role.name], role.domain.given(self.bound.params)
                index = _conform(array, domain, batch.places[role.name], self.label)
                self._agree(batch, role.name, domain, array if index is None else array[index], dims, owners)
                roles.append((role.name, domain, index))
        return Layout(tuple(roles), dims, self.one_distribution(batch))

    def _agree(
        self, batch: Batch, name: str, domain: Domain, array: NDArray[Any], dims: dict[str, Any], owners: dict[str, str]
    ) -> None:
        """Bind the letters of the role's shape, or say which two shapes differ."""
        for letter, size in _letters(domain, array.shape):
            owner = owners.setdefault(letter, name)
            if dims.setdefault(letter, size) != size:
                first, second = batch.shape_text(owner), batch.shape_text(name)
                raise DataError(
                    f"{batch.places[name].source + ': ' if batch.places[name].source else ''}"
                    f"shapes differ: {owner} is {first}, {name} is {second}; {self.label} does not broadcast"
                )


def _rows_with(mask: Mask) -> int:
    """In how many rows a mask is set anywhere."""
    if mask.ndim == 1 or not mask.any():
        return int(np.count_nonzero(mask))
    return int(mask.reshape(len(mask), -1).any(axis=1).sum())


def _evaluator(bound: BoundLoss, form: int) -> Evaluator:
    return Evaluator(bound, bound.loss.forms[form])


def _letters(domain: Domain, sizes: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """What each letter of the domain's shape is for an array of these sizes."""
    shape = next(s for s in domain.shapes if _fits(s, sizes))
    if shape == "N*":
        yield from (("N", sizes[0]), ("*", tuple(sizes[1:])))
    else:
        yield from zip(shape.split(","), sizes, strict=True)


def _conform(array: NDArray[Any], domain: Domain, place: Place, label: str) -> Any:
    """The index that gives an array one of the domain's shapes, None where it has one.

    `(N,)` and `(N, 1)` are the same, nothing else is.
    """
    if array.ndim == 1 and domain.one_row:
        return (None, slice(None))
    if array.ndim == 2 and array.shape[1] == 1 and domain.scalar and not domain.one_row:
        return (slice(None), 0)
    if array.ndim == 1 and domain.shapes in (("N,D",), ("C,D",)):
        return (slice(None), None)
    shape = next((s for s in domain.shapes if _fits(s, array.shape)), None)
    if (shape is None and array.ndim == 1 and "N,C" in domain.shapes) or (shape == "N,C" and array.shape[1] < 2):
        raise DataError(
            f"{place.name()}: one number a row, but {label} needs one a class: columns such as "
            f"{place.role}_0, {place.role}_1, or --column '{place.role}=prob_*'"
        )
    if shape is None:
        given = _per_row(array.shape) if domain.by_row else array.shape
        raise DataError(f"{place.name()}: shape {given}, but {label} needs {domain.shape_text()}")
    return None


def check_shape(shape: tuple[int, ...], domain: Domain, place: Place, label: str) -> None:
    """A DataError where arrays of this shape are none of the domain's; rows that are not counted yet are -1."""
    _conform(np.broadcast_to(0.0, (max(shape[0], 1), *shape[1:])), domain, place, label)


def _fits(shape: str, sizes: Sequence[int]) -> bool:
    """Whether an array of these sizes has as many axes, and those of a fixed size that size."""
    letters = shape.split(",")
    return shape == "N*" or (
        len(letters) == len(sizes)
        and all(not letter.isdigit() or int(letter) == n for letter, n in zip(letters, sizes, strict=True))
    )


def _per_row(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(str(size) for size in shape[1:])})" if len(shape) > 1 else "(N,)"


# ------------------------------------------------------------------------------------------------ a dataset


Statistic = tuple[tuple[str, ...] | None, int]
"""A statistic by its group (None for all rows) and the place of its loss."""

Full = frozenset[Statistic]
"""Statistics of too many values to keep them."""


class Evaluated(NamedTuple):
    """A batch and every loss on it; outcomes have a value for each row of `batch`."""

    batch: Batch
    outcomes: tuple[Outcome, ...]


class Run:
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

    def again(self) -> Run:
        """The same before any batch, without gradients."""
        return Run(self.evaluators, self.reduction, False, self.group_by, self.resampling, self.value_only)

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

    def put(self, state: Mapping[str, Any]) -> Run:
        """This one, with the `state` of another one of the same losses."""
        vars(self).update(state)
        return self

    def merge(self, other: Run) -> None:
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
        return not any(e.form.whole or _of_one_column(e, dataset) for e in self.evaluators)

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
        from losscli.statistics.bootstrap import COUPLED, Bootstrap, Estimand

        estimand = Estimand.of(evaluator.bound.loss.reduction, self.reduction)
        return Bootstrap(self.resampling, estimand, COUPLED if evaluator.form.whole else "")

    def _settle(self, batch: Batch) -> None:
        """Let the resamples have the rows of the blocks that this batch was the last of."""
        if self.resampling is None:
            return
        from losscli.statistics.bootstrap import settle

        accumulators = chain(self.accumulators, *self.groups.values())
        settle([a.bootstrap for a in accumulators if a.bootstrap is not None], before=float(batch.rows[-1]))

    def over(self, batches: Iterable[Batch]) -> Iterator[Evaluated]:
        """Evaluate batch by batch; the statistics have each batch by the time it is yielded.

        Raises:
            NoResultError: there was no row left to evaluate.
        """
        yield from self.each(batches)
        self.conclude()

    def each(self, batches: Iterable[Batch]) -> Iterator[Evaluated]:
        """As `over`, though there may be no row."""
        for batch in self._gathered(iter(batches)):
            with sharing():
                outcomes = tuple(self._evaluate(evaluator, batch) for evaluator in self.evaluators)
            left_out = _either(batch.missing, batch.absent)
            self._there += len(batch) if left_out is None else int((~left_out).sum())
            if batch.weight is not None:
                self.weight.add(float(batch.weight.sum()))
            with np.errstate(all="ignore"):
                for accumulator, outcome in zip(self.accumulators, outcomes, strict=True):
                    feed(accumulator, outcome, batch)
                self._feed_groups(batch, outcomes)
            self._settle(batch)
            yield Evaluated(batch, outcomes)

    def conclude(self) -> None:
        """Once all is evaluated: raise a NoResultError if that is nothing."""
        for accumulator, evaluator in zip(self.accumulators, self.evaluators, strict=True):
            if not accumulator.moments.n:
                raise NoResultError(f"no row is left to evaluate: {self._why_none(evaluator)}")

    def _why_none(self, evaluator: Evaluator) -> str:
        """Why a loss counts none of the rows: those that it was given have a reason of its own not to count."""
        counted = evaluator.form.hooks.get("counted")
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
        if any(evaluator.whole(first) for evaluator in self.evaluators):
            from losscli.data.gather import side_by_side

            yield side_by_side(chain([first], batches))
            return
        yield first
        yield from batches

    def _evaluate(self, evaluator: Evaluator, batch: Batch) -> Outcome:
        """Every row's outcome: NaN where a value is missing; where a row is absent, if the loss knows rows alone."""
        left_out = _either(batch.missing, batch.absent)
        if left_out is None or evaluator.one_distribution(batch):
            return evaluator(batch, self.gradient)
        if left_out.all():
            outcome = _nothing(evaluator, batch, self.gradient)
        else:
            outcome = _spread(evaluator(batch.take(~left_out), self.gradient), left_out)
        if batch.absent is not None and not evaluator.form.whole:
            alone = batch.absent if batch.missing is None else batch.absent & ~batch.missing
            _fill(outcome, evaluator, batch, alone, self.gradient)
        return outcome


def _of_one_column(evaluator: Evaluator, dataset: Dataset) -> bool:
    """Whether all rows together are one sample, as far as the shapes tell."""
    roles = [role for role in evaluator.form.roles if role.domain.one_row and role.name in dataset.bound]
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


def _nothing(evaluator: Evaluator, batch: Batch, gradient: bool) -> Outcome:
    """The outcome of a batch none of whose rows can be evaluated: others may have some that can."""
    nothing = np.full(len(batch), np.nan)
    slope = np.full(batch.arrays[evaluator.form.gradient_role].shape, np.nan) if gradient else None
    return Outcome(nothing, nothing.copy(), gradient=slope)


def _fill(outcome: Outcome, evaluator: Evaluator, batch: Batch, absent: Mask, gradient: bool) -> None:
    """Put in what the loss is of absent rows, to be seen though it counts nowhere."""
    try:
        there = evaluator(batch.take(absent), gradient)
    except DataError:
        return
    outcome.per_sample[absent] = there.per_sample  # elements of absent rows are asked for by nothing
    if outcome.gradient is not None and there.gradient is not None:
        outcome.gradient[absent] = there.gradient


def choose_form(bound: BoundLoss, shapes: Mapping[str, tuple[int, ...]]) -> Form | None:
    """The form whose roles are all there: of several the first that takes arrays of these shapes, or else the first."""
    forms = [f for f in bound.loss.forms if all(role.name in shapes or role.optional for role in f.roles)]
    if len(forms) < 2:
        return forms[0] if forms else None
    return next((form for form in forms if takes(form, shapes)), forms[0])


def takes(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether the shapes fit the roles, and each other."""
    sizes: dict[str, Any] = {}
    for role in form.roles:
        shape = shapes.get(role.name)
        if shape is None or not role.domain.by_row:
            continue
        shape = shape[:1] if shape[1:] == (1,) and role.domain.scalar else shape
        if not any(_fits(option, shape) for option in role.domain.shapes):
            return False
        if any(sizes.setdefault(letter, size) != size for letter, size in _letters(role.domain, shape)):
            return False
    return True
