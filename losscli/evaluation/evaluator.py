"""A loss on one batch: shapes, domains, kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Domain, Mask, ValueOrigin
from losscli.declaration.loss import BoundLoss, Form, Hook
from losscli.errors import DataError, LosscliError, UsageError

if TYPE_CHECKING:
    pass


LAYOUTS = 16
"""Combinations of shapes that an evaluator remembers: batches have the same but for the last one."""


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
    whole_column_is_one_sample: bool


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
        return declared.with_params(self.bound.params)

    def needs_all_rows(self, batch: Batch) -> bool:
        """Whether the loss needs all rows at once."""
        return self.form.coupled or self.one_distribution(batch)

    def one_distribution(self, batch: Batch) -> bool:
        """Whether all rows together are one sample: the classes of one distribution."""
        arrays = [batch.arrays[role.name] for role in self.form.roles if role.domain.whole_column_is_one_sample]
        return any(array.ndim == 1 for array in arrays)

    def __call__(self, batch: Batch, gradient: bool = False) -> Outcome:
        """Evaluate a batch whose rows are complete (none of them missing).

        Raises:
            DataError: shapes that do not fit, a value outside its domain.
        """
        layout = self._layout(batch)
        arrays = {
            name: batch.check(name, domain, batch.arrays[name] if index is None else batch.arrays[name][index],
                              batch.origins[name], layout.dims)
            for name, domain, index in layout.roles
        }  # fmt: skip
        for role, wrong, what in self._hook("validate", arrays) or ():
            if wrong.any():
                raise batch.origins[role].error(wrong, arrays[role], what)
        for role, odd, what in self._hook("warn", arrays) or ():
            batch.origins[role].note_once(odd, what)
        with np.errstate(all="ignore"):
            elements = self._elements(arrays)
            rows = len(elements)
            if not layout.whole_column_is_one_sample and rows != len(batch):
                raise UsageError(f"{self.label}: its kernel gave {rows} values for {len(batch)} rows")
            per_sample = elements if elements.ndim == 1 else elements.reshape(rows, -1).mean(axis=1)
            clipped = self._hook("clipped", arrays)
            return Outcome(
                elements,
                per_sample,
                self._hook("row_mask", arrays),
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
        form, params = self.form, self.bound.params
        keywords = {name: params[name] for name in form.keywords[kernel]}
        return kernel(*[arrays.get(name) for name in form.names], **keywords)

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
            layout = self._build_layout(batch)
            if len(self._layouts) >= LAYOUTS:
                self._layouts.clear()
            self._layouts[shapes] = layout
        return layout

    def _build_layout(self, batch: Batch) -> Layout:
        dims: dict[str, Any] = {}
        owners: dict[str, str] = {}
        roles = []
        for role in self.form.roles:
            if role.name in batch.arrays:
                array, domain = batch.arrays[role.name], role.domain.with_params(self.bound.params)
                index = _conform(array, domain, batch.origins[role.name], self.label)
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
                    f"{batch.origins[name].source + ': ' if batch.origins[name].source else ''}"
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


def _conform(array: NDArray[Any], domain: Domain, origin: ValueOrigin, label: str) -> Any:
    """The index that gives an array one of the domain's shapes, None where it has one.

    `(N,)` and `(N, 1)` are the same, nothing else is.
    """
    if array.ndim == 1 and domain.whole_column_is_one_sample:
        return (None, slice(None))
    if array.ndim == 2 and array.shape[1] == 1 and domain.scalar and not domain.whole_column_is_one_sample:
        return (slice(None), 0)
    if array.ndim == 1 and domain.shapes in (("N,D",), ("C,D",)):
        return (slice(None), None)
    shape = next((s for s in domain.shapes if _fits(s, array.shape)), None)
    if (shape is None and array.ndim == 1 and "N,C" in domain.shapes) or (shape == "N,C" and array.shape[1] < 2):
        raise DataError(
            f"{origin.name()}: one number a row, but {label} needs one a class: columns such as "
            f"{origin.role}_0, {origin.role}_1, or --column '{origin.role}=prob_*'"
        )
    if shape is None:
        given = _per_row(array.shape) if domain.per_row else array.shape
        raise DataError(f"{origin.name()}: shape {given}, but {label} needs {domain.shape_text()}")
    return None


def check_shape(shape: tuple[int, ...], domain: Domain, origin: ValueOrigin, label: str) -> None:
    """A DataError where arrays of this shape are none of the domain's; rows that are not counted yet are -1."""
    _conform(np.broadcast_to(0.0, (max(shape[0], 1), *shape[1:])), domain, origin, label)


def _fits(shape: str, sizes: Sequence[int]) -> bool:
    """Whether an array of these sizes has as many axes, and those of a fixed size that size."""
    letters = shape.split(",")
    return shape == "N*" or (
        len(letters) == len(sizes)
        and all(not letter.isdigit() or int(letter) == n for letter, n in zip(letters, sizes, strict=True))
    )


def _per_row(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(str(size) for size in shape[1:])})" if len(shape) > 1 else "(N,)"


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
        if shape is None or not role.domain.per_row:
            continue
        shape = shape[:1] if shape[1:] == (1,) and role.domain.scalar else shape
        if not any(_fits(option, shape) for option in role.domain.shapes):
            return False
        if any(sizes.setdefault(letter, size) != size for letter, size in _letters(role.domain, shape)):
            return False
    return True
