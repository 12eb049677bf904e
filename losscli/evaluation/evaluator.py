"""A loss on one batch: shapes, domains, kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.masks import PixelAxes, find_pixel_axes, note_masks
from losscli.data.positions import class_label_role, find_positions
from losscli.declaration.checks import Conflict
from losscli.declaration.domains import Array, Domain, Mask, ValueOrigin
from losscli.declaration.form import WEIGHT, Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.row_lists import RowLists, flatten_lists
from losscli.errors import DataError, LosscliError, UsageError
from losscli.evaluation.outcome import NO_VALUES, Outcome
from losscli.messages import Hint

MAX_LAYOUTS_KEPT = 16
"""Layouts that an evaluator remembers: all batches but the last have the same one."""


FRAMES = ("N,T,C",)
"""Shapes of log-probabilities of C classes in T frames."""


class Layout(NamedTuple):
    """The shapes of a batch: each role's domain, and the index that gives its array one of the domain's shapes."""

    roles: tuple[tuple[str, Domain, Any], ...]
    dims: Mapping[str, Any]
    is_one_distribution: bool


class Evaluator:
    """A loss with its parameters, in the form that the data has the roles for."""

    def __init__(self, bound: BoundLoss, form: Form) -> None:
        self.bound, self.form = bound, form
        self._layouts: dict[Any, Layout] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the form as its index among those of the loss."""
        return _restore_evaluator, (self.bound, self.bound.loss.forms.index(self.form))

    @property
    def label(self) -> str:
        return self.bound.label

    @property
    def dataset_wide(self) -> bool:
        """Whether the loss is one number for all rows, and there are no per-sample values."""
        return self.bound.loss.dataset_wide

    @property
    def coupled(self) -> bool:
        """Whether the loss couples rows, with its parameters."""
        return self.form.couples(self.bound.params)

    def domain(self, role: str) -> Domain:
        declared = next(r.domain for r in self.form.roles if r.name == role)
        return declared.with_params(self.bound.params)

    def needs_all_rows(self, arrays: Mapping[str, Any]) -> bool:
        """Tell whether the loss needs all rows at once, by the shapes of arrays or columns."""
        return self.coupled or self.one_distribution(arrays)

    def one_distribution(self, arrays: Mapping[str, Any]) -> bool:
        """Tell whether all rows together are one sample: the classes of one distribution."""
        names = [role.name for role in self.form.roles if role.domain.whole_column_is_one_sample]
        return any(name in arrays and len(arrays[name].shape) == 1 for name in names)

    def check_weight(self, batch: Batch) -> None:
        """Raise a UsageError if rows have weights and are one distribution."""
        if batch.weight is not None and self.one_distribution(batch.arrays):
            raise UsageError(f"{self.label} reads all rows as one distribution: rows have no weights")

    def __call__(self, batch: Batch, gradient: bool = False) -> Outcome:
        """Evaluate a batch whose rows are complete (none of them missing).

        Raises:
            DataError: The shapes do not fit, or a value is outside its domain.
            UsageError: The kernel of a plugin fails, or there is no gradient.
        """
        arrays, layout = self._check(batch)
        hooks = self.form.hooks
        with np.errstate(all="ignore"):
            if self.dataset_wide:
                slope = self._gradient(batch, arrays, NO_VALUES) if gradient else None
                return Outcome(NO_VALUES, NO_VALUES, gradient=slope, inputs={**arrays, WEIGHT: batch.weight})
            elements = self._elements(arrays)
            if len(elements) != len(batch) and not layout.is_one_distribution:
                raise UsageError(f"{self.label}: its kernel gave {len(elements)} values for {len(batch)} rows")
            per_sample = elements if elements.ndim == 1 else elements.reshape(len(elements), -1).mean(axis=1)
            clipped = self._call(hooks["clipped"], arrays) if "clipped" in hooks else None
            return Outcome(
                elements,
                per_sample,
                self._call(hooks["row_mask"], arrays) if "row_mask" in hooks else None,
                self._call(hooks["denominator"], arrays) if "denominator" in hooks else None,
                None if clipped is None else _rows_with(clipped),
                self._gradient(batch, arrays, elements) if gradient else None,
                frequency=self._call(hooks["frequency"], arrays) if "frequency" in hooks else None,
                tallied=self._call(hooks["tally"], arrays) if "tally" in hooks else None,
            )

    def counts(self, inputs: Mapping[str, Any]) -> Any:
        """Return what the kernel of a dataset-wide loss makes of some rows: counts that merge, or a number."""
        with np.errstate(all="ignore"):
            return self._call(self.form.kernel, inputs)

    def number_of(self, counts: Any) -> float:
        """Return the number of counts that were merged, or of a kernel that returned it."""
        number = self.bound.loss.number_of_counts
        if number is None:
            return float(counts)
        with np.errstate(all="ignore"), self._failures_of_plugin("from_counts"):
            return float(number(counts, **{name: self.bound.params[name] for name in self.form.keywords[number]}))

    def slopes(self, batch: Batch) -> Array:
        """Return the gradient (N,) by one prediction per row, without the losses; errors are as above."""
        arrays, _ = self._check(batch)
        with np.errstate(all="ignore"):
            return self._gradient(batch, arrays, np.empty(0))

    def _check(self, batch: Batch) -> tuple[dict[str, Any], Layout]:
        """Return the arrays of the roles as kernels take them, and their layout."""
        shapes = tuple((name, array.shape) for name, array in batch.arrays.items())
        layout = self._layouts.get(shapes)
        if layout is None:
            layout = self._layouts[shapes] = self._build_layout(batch)
        arrays: dict[str, Any] = {}
        for name, domain, index in layout.roles:
            array, origin = batch.arrays[name], batch.origins[name]
            if isinstance(index, PixelAxes):
                note_masks(batch, name, index)
                array, origin = index.flatten(array), index.origin(origin)
            elif index is not None:
                array = array[index]
            arrays[name] = batch.check(name, domain, array, origin, layout.dims)
        if self.form.by_query:
            arrays = flatten_lists(arrays)
        if self.form.weighted:
            arrays[WEIGHT] = batch.weight
        hooks = self.form.hooks
        if "validate" in hooks:
            for problem in self._call(hooks["validate"], arrays):
                if isinstance(problem, Conflict):
                    _check_conflict(problem, batch, arrays)
                elif problem.wrong.any():
                    raise batch.origins[problem.role].error(
                        problem.wrong, arrays[problem.role], problem.what, problem.hint
                    )
        if "warn" in hooks:
            for role, odd, what in self._call(hooks["warn"], arrays):
                batch.origins[role].note_once(odd, what)
        return arrays, layout

    def _elements(self, arrays: Mapping[str, Any]) -> Array:
        with self._failures_of_plugin("kernel"):
            return np.atleast_1d(np.asarray(self._call(self.form.kernel, arrays), dtype=np.float64))

    @contextmanager
    def _failures_of_plugin(self, part: str) -> Iterator[None]:
        """Raise what a part of a plugin raises as a UsageError."""
        try:
            yield
        except Exception as error:
            if isinstance(error, LosscliError) or self.bound.loss.in_catalogue:
                raise
            raise UsageError(f"{self.label}: its {part} failed: {type(error).__name__}: {error}") from error

    def _call(self, kernel: Any, arrays: Mapping[str, Any]) -> Any:
        form, params = self.form, self.bound.params
        keywords = {name: params[name] for name in form.keywords[kernel]}
        part = next((name for name, hook in form.hooks.items() if hook is kernel), "kernel")
        with self._failures_of_plugin(part):
            weights = [arrays[WEIGHT]] if kernel in form.weighted else []
            return kernel(*[arrays.get(name) for name in form.names], *weights, **keywords)

    def _gradient(self, batch: Batch, arrays: Mapping[str, Any], elements: Array) -> Array:
        slope = self._call(self.form.hooks["gradient"], arrays) if "gradient" in self.form.hooks else None
        if slope is None:
            raise UsageError(f"{self.label} has no gradient")
        per_row = elements[0].size if elements.ndim > 1 and len(elements) else 1
        with self._failures_of_plugin("gradient"):
            slope = np.asarray(slope / per_row, dtype=np.float64)
            role, shapes = self.form.gradient_role, {name: array.shape for name, array in batch.arrays.items()}
            if isinstance(given := batch.arrays[role], RowLists):
                return given.with_values(slope)
            axes = find_pixel_axes(self.form, shapes).get(role)
            return slope.reshape(shapes[role]) if axes is None else axes.unflatten(slope)

    def _build_layout(self, batch: Batch) -> Layout:
        """Match arrays and domains; the letters of the domains' shapes must mean the same size for all roles."""
        label = self.bound.label
        dims: dict[str, Any] = {}
        owners: dict[str, str] = {}
        roles = []
        pixel_axes = find_pixel_axes(self.form, {name: array.shape for name, array in batch.arrays.items()})
        for role in self.form.roles:
            name = role.name
            if name not in batch.arrays:
                continue
            array, origin, domain = batch.arrays[name], batch.origins[name], role.domain.with_params(self.bound.params)
            index = pixel_axes.get(name) or _find_index(array, domain, origin, label)
            check_rows_hold_numbers(array, domain, origin)
            shape = array.shape if index is None else index_shape(array, index)
            for letter, size in _letters(domain, shape):
                owner = owners.setdefault(letter, name)
                if dims.setdefault(letter, size) != size:
                    source = f"{origin.source}: " if origin.source else ""
                    first, second = batch.shape_text(owner), batch.shape_text(name)
                    is_of_two = array.shape[1:] == (2,) and batch.arrays[owner].ndim == 1
                    hint = Hint.SECOND_COLUMN if is_of_two and self.bound.loss.family == "binary" else None
                    problem = f"{source}shapes differ: {owner} is {first}, {name} is {second}"
                    raise DataError(f"{problem}; {label} does not broadcast", hint, role=name)
            roles.append((name, domain, index))
        if len(self._layouts) >= MAX_LAYOUTS_KEPT:
            self._layouts.clear()
        return Layout(tuple(roles), dims, self.one_distribution(batch.arrays))


def _check_conflict(conflict: Conflict, batch: Batch, arrays: Mapping[str, Any]) -> None:
    """Raise a DataError if both kinds of values have been seen, in this batch or earlier ones."""
    memory = batch.origins[conflict.role].memory
    sides = (conflict.role, conflict.kind, conflict.what), (conflict.other_role, conflict.other, conflict.other_what)
    keys = [f"{conflict.what} / {conflict.other_what} / {side}" for side in ("kind", "other")]
    for key, (_, mask, _) in zip(keys, sides, strict=True):
        if mask.any():
            memory[key] = True
    if all(key in memory for key in keys):
        role, mask, what = next(side for side in sides if side[1].any())
        raise batch.origins[role].error(mask, arrays[role], what, conflict.hint)


def _rows_with(mask: Mask) -> Mask | None:
    """Return the rows in which a mask is set anywhere, None if there are none."""
    if not mask.any():
        return None
    rows: Mask = np.logical_or.reduce(mask.reshape(len(mask), -1), axis=1)
    return rows


def _restore_evaluator(bound: BoundLoss, form: int) -> Evaluator:
    return Evaluator(bound, bound.loss.forms[form])


def _letters(domain: Domain, sizes: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Return the letters of the shape of the domain that fits, each with its size."""
    shape = next(s for s in domain.shapes if _fits(s, sizes))
    if shape == "N*":
        return iter((("N", sizes[0]), ("*", tuple(sizes[1:]))))
    return zip(shape.split(","), sizes, strict=True)


def _find_index(array: NDArray[Any], domain: Domain, origin: ValueOrigin, label: str) -> Any:
    """Return the index that gives an array one of the domain's shapes, None if it has one.

    `(N,)` and `(N, 1)` are the same, nothing else is.

    Raises:
        DataError: The array has none of the shapes.
    """
    if array.ndim == 1 and domain.whole_column_is_one_sample:
        return (None, slice(None))
    if array.ndim == 2 and array.shape[1] == 1 and domain.scalar and not domain.whole_column_is_one_sample:
        return (slice(None), 0)
    if array.ndim == 1 and (domain.is_one_or_more or domain.shapes in (("N,D",), ("C,D",))):
        return (slice(None), None)
    shape = next((s for s in domain.shapes if _fits(s, array.shape)), None)
    if (shape is None and array.ndim == 1 and "N,C" in domain.shapes) or (shape == "N,C" and array.shape[1] < 2):
        raise DataError(
            f"{origin.name()}: one number per row, but {label} needs one per class",
            Hint.PER_CLASS_COLUMNS,
            role=origin.role,
        )
    if shape is None:
        given = _shape_text(array.shape, domain)
        raise DataError(f"{origin.name()}: shape {given}, but {label} needs {domain.shape_text()}")
    return None


def index_shape(array: NDArray[Any], index: Any) -> tuple[int, ...]:
    """Return the shape of an array in the layout that a loss reads."""
    shape: tuple[int, ...] = index.shape(array.shape) if isinstance(index, PixelAxes) else array[index].shape
    return shape


def check_rows_hold_numbers(array: NDArray[Any], domain: Domain, origin: ValueOrigin) -> None:
    """Raise a DataError if the rows of an array have no values, and the domain does not say that they may be empty."""
    if 0 in array.shape[1:] and not domain.may_be_empty:
        raise DataError(f"{origin.name()}: shape {_shape_text(array.shape, domain)}: its rows hold no numbers")


def _shape_text(shape: Sequence[int], domain: Domain) -> str:
    """Return a shape for people, with N for the number of rows."""
    sizes = ["N" if domain.per_row else str(shape[0]), *map(str, shape[1:])]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def check_shape(shape: tuple[int, ...], domain: Domain, origin: ValueOrigin, label: str) -> None:
    """Check the shape of an array that is not read yet; rows that are not counted yet are -1.

    Raises:
        DataError: It is none of the domain's shapes.
    """
    _find_index(np.broadcast_to(0.0, (max(shape[0], 1), *shape[1:])), domain, origin, label)


def _fits(shape: str, sizes: Sequence[int]) -> bool:
    """Tell whether an array of these sizes has as many axes as the shape, and its fixed sizes."""
    letters = shape.split(",")
    return shape == "N*" or (
        len(letters) == len(sizes)
        and all(not letter.isdigit() or int(letter) == n for letter, n in zip(letters, sizes, strict=True))
    )


def choose_form(bound: BoundLoss, shapes: Mapping[str, tuple[int, ...]], source: str = "") -> Form | None:
    """Return the first form whose roles are present and take these shapes, or else the first with its roles present.

    Raises:
        DataError: Shapes can be read two ways; the message begins with the `source`.
    """
    forms = [f for f in bound.loss.forms if all(role.name in shapes or role.optional for role in f.roles)]
    if len(forms) < 2:
        return forms[0] if forms else None
    return next((form for form in forms if takes(form, shapes, source)), forms[0])


def sample_shapes(form: Form, shapes: Mapping[str, tuple[int, ...]], source: str = "") -> Mapping[str, tuple[int, ...]]:
    """Return the shapes of arrays as the form gets them: samples of rows that hold several are rows of their own.

    Masks are flattened.
    """
    pixel_axes = find_pixel_axes(form, shapes, source)
    if pixel_axes:
        return dict(shapes) | {name: axes.shape(shapes[name]) for name, axes in pixel_axes.items()}
    label = class_label_role(form)
    positions = find_positions(shapes, label, source)
    return shapes if positions is None or label is None else positions.sample_shapes(shapes, label)


def check_frames(form: Form, shapes: Mapping[str, tuple[int, ...]], source: str = "") -> None:
    """Check that frames (N, T, C) are not (T, N, C), as torch has them.

    Raises:
        DataError: The second axis is as long as all other roles, and the first is not.
    """
    rows = {shapes[role.name][0] for role in form.roles if role.name in shapes and role.domain.shapes != FRAMES}
    for role in form.roles:
        shape = shapes.get(role.name, ())
        if role.domain.shapes == FRAMES and len(shape) == 3 and shape[0] not in rows and {shape[1]} == rows:
            problem = f"{source}shapes differ: {role.name} is {shape}, but there are {shape[1]} rows"
            raise DataError(problem, Hint.SWAP_AXES, role=role.name)


def note_frames(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return how frames are read that may be (N, T, C) or (T, N, C), because N is T; empty if there are none."""
    for role in form.roles:
        shape = shapes.get(role.name, ())
        if role.domain.shapes == FRAMES and len(shape) == 3 and shape[0] == shape[1] > 1:
            return f"{role.name} is {shape} and is read as (N, T, C): swap the first two axes if it is (T, N, C)"
    return ""


def takes(form: Form, shapes: Mapping[str, tuple[int, ...]], source: str = "") -> bool:
    """Tell whether the shapes fit the roles of a form, and each other."""
    sizes: dict[str, Any] = {}
    shapes = sample_shapes(form, shapes, source)
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
