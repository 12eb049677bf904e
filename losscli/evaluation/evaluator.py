"""A loss on one batch: shapes, domains, kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from losscli.data.batch import Batch
from losscli.data.masks import PixelAxes, find_pixel_axes, note_masks
from losscli.declaration.checks import Conflict
from losscli.declaration.domains import Array, Domain, Mask
from losscli.declaration.form import WEIGHT, Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.row_lists import RowLists, flatten_lists
from losscli.errors import DataError, LosscliError, UsageError
from losscli.evaluation.outcome import NO_VALUES, Outcome
from losscli.evaluation.shapes import check_rows_hold_numbers, find_index, index_shape, letters_of
from losscli.messages import Hint

MAX_LAYOUTS_KEPT = 16
"""Layouts that an evaluator remembers: all batches but the last have the same one."""


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

    @property
    def passes_nan_on(self) -> bool:
        """Whether a missing value makes its row NaN by itself: all roles hold any number and make the row's loss."""
        any_numbers = all(type(self.domain(role.name)) is Domain for role in self.form.roles)
        counts_otherwise = self.form.hooks.keys() & {"denominator", "frequency", "row_mask"}
        return any_numbers and not (counts_otherwise or self.coupled or self.dataset_wide)

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
            if name in batch.tables and not len(array):
                origin.refuse_empty()
            index = pixel_axes.get(name) or find_index(array, domain, origin, label)
            check_rows_hold_numbers(array, domain, origin)
            shape = array.shape if index is None else index_shape(array, index)
            for letter, size in letters_of(domain, shape):
                owner = owners.setdefault(letter, name)
                if dims.setdefault(letter, size) != size:
                    source = f"{origin.source}: " if origin.source else ""
                    first, second = batch.shape_text(owner), batch.shape_text(name)
                    is_of_two = array.shape[1:] == (2,) and batch.arrays[owner].ndim == 1
                    is_of_several = array.ndim == 2 and batch.arrays[owner].ndim == 1
                    hint = Hint.ONE_OF_COLUMNS if is_of_several else None
                    hint = Hint.SECOND_COLUMN if is_of_two and self.bound.loss.family == "binary" else hint
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
