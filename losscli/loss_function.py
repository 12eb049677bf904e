"""A loss with its parameters, as a function of arrays in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from losscli.data.frames import as_array, check_class_columns, check_column_order, check_index
from losscli.data.labels import number_compared, number_names
from losscli.data.positions import class_label_role, find_positions
from losscli.data.table import Kind, convert
from losscli.declaration.domains import Array
from losscli.declaration.loss import BoundLoss, Form
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator, check_frames, choose_form
from losscli.evaluation.in_memory import BlockEvaluator
from losscli.options import EvaluationOptions


def number_labels(form: Form, values: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a form with names as numbers where any text may be a label, if all such roles hold text.

    Raises:
        DataError: A text is no number where one is needed.
    """
    domains = {role.name: role.domain for role in form.roles}
    free = [name for name, domain in domains.items() if name in values and domain.accepts_any_label]
    is_named = all(values[name].dtype.kind in "OUS" for name in free)
    codes: dict[str, int] = {}
    found = dict(values)
    for name, array in values.items():
        if array.dtype.kind not in "OUS":
            continue
        if is_named and name in free:
            number = number_compared if domains[name].is_compared else number_names
            found[name] = number(convert(array, Kind.TEXT, "", name, 0), codes)
        else:
            found[name] = convert(array, Kind.NUMBER, "", name, 0)
    return found


@dataclass(frozen=True)
class LossFunction:
    """A loss with its parameters, as a function of arrays."""

    bound: BoundLoss

    @property
    def name(self) -> str:
        return self.bound.loss.name

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.bound.params)

    def __call__(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """Return the per-sample values (N,) of arrays given in the order of the loss's roles, or by name.

        Class labels (N, T) with scores (N, T, C) or (N, C, T) are N T samples.
        """
        return self._evaluator(arrays, roles).per_sample()

    def gradient(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """Return d(sum of the per-sample values)/d(prediction), in the shape of the prediction."""
        evaluator = self._evaluator(arrays, roles)
        gradient, positions = evaluator.gradient(), evaluator.positions
        return gradient if positions is None else positions.unflatten(gradient)

    def value(self, *arrays: ArrayLike, reduction: str = "mean", **roles: ArrayLike) -> float:
        """Return the reduced loss (`mean`, `sum`, `median`) without other statistics."""
        EvaluationOptions(reduction=reduction).check()
        return self._evaluator(arrays, roles).value(reduction)

    def _evaluator(self, arrays: Sequence[ArrayLike], roles: Mapping[str, ArrayLike]) -> BlockEvaluator:
        forms = self.bound.loss.forms
        named = next((form for form in forms if len(form.roles) == len(arrays)), forms[0]).roles
        if len(arrays) > len(named):
            raise UsageError(f"{self.bound.label} takes at most {len(named)} arrays, not {len(arrays)}")
        given = {role.name: array for role, array in zip(named, arrays, strict=False)} | dict(roles)
        check_index(given.items())
        check_column_order(given.items())
        values = {name: as_array(array, name) for name, array in given.items()}
        form = choose_form(self.bound, {name: array.shape for name, array in values.items()})
        if form is None:
            wanted = " or ".join("(" + ", ".join(role.name for role in form.roles) + ")" for form in forms)
            raise UsageError(f"{self.bound.label} takes the arrays {wanted}, not ({', '.join(values)})")
        values = number_labels(form, {name: np.atleast_1d(array) for name, array in values.items()})
        check_frames(form, {name: array.shape for name, array in values.items()})
        by_row = [role.name for role in form.roles if role.domain.per_row and role.name in values]
        sizes = {len(values[name]) for name in by_row}
        if len(sizes) > 1:
            raise DataError("shapes differ: " + ", ".join(f"{name} is {values[name].shape}" for name in by_row))
        tables = frozenset(name for name in values if name not in by_row)
        label = class_label_role(form)
        if label is not None and values[label].ndim == 1:
            check_class_columns(given.get("y_pred"))
        positions = find_positions({name: array.shape for name, array in values.items()}, label)
        if positions is not None and label is not None:
            values = positions.flatten(values, label)
        rows = sizes.pop() * (1 if positions is None else positions.per_row)
        return BlockEvaluator(Evaluator(self.bound, form), values, tables, rows, positions)

    def __repr__(self) -> str:
        return f"<loss {self.bound.label}>"
