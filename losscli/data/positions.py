"""Rows that hold several samples: class labels of tokens (N, T) or pixels (N, H, W), with scores for each.

The scores have an axis more, of the classes: the last one, or the second as in torch's (N, C, H, W). Each position of a
row is a sample of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import MODEL_ROLE, Batch, bytes_per_row, rows_per_batch
from losscli.declaration.domains import ClassTargets, ValueOrigin
from losscli.declaration.form import Form
from losscli.errors import DataError
from losscli.messages import Hint

UNKNOWN = (0, -1)
"""Sizes of axes that are not known before the data is read."""


class Positions(NamedTuple):
    """The axes of the positions in a row, `(T,)` or `(H, W)`; whether the axis of the classes comes before them."""

    axes: tuple[int, ...]
    classes_first: bool

    @property
    def per_row(self) -> int:
        """The number of samples in a row."""
        return math.prod(self.axes)

    def sample_shapes(self, shapes: Mapping[str, tuple[int, ...]], label: str) -> dict[str, tuple[int, ...]]:
        """Return the shapes of arrays whose rows are samples."""
        found = dict(shapes)
        rows = shapes[label][0]
        samples = rows if rows in UNKNOWN or any(axis in UNKNOWN for axis in self.axes) else rows * self.per_row
        found[label] = (samples,)
        for role in filter(is_scores, shapes):
            found[role] = (samples, shapes[role][1 if self.classes_first else -1])
        for role in self.beside(shapes, label):
            found[role] = (samples,)
        return found

    def beside(self, shapes: Mapping[str, tuple[int, ...]], label: str) -> list[str]:
        """Return the roles, by their shapes, that have one value for each position, as the labels do."""
        return [r for r, shape in shapes.items() if r != label and not is_scores(r) and shape[1:] == self.axes]

    def flatten(self, arrays: Mapping[str, NDArray[Any]], label: str) -> dict[str, NDArray[Any]]:
        """Return arrays whose rows are samples."""
        found = dict(arrays) | {label: arrays[label].ravel()}
        for role in filter(is_scores, arrays):
            scores = self.scores_by_position(arrays[role])
            found[role] = scores.reshape(-1, scores.shape[-1])
        for role in self.beside({role: array.shape for role, array in arrays.items()}, label):
            found[role] = arrays[role].ravel()
        return found

    def unflatten(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return values of samples (n, C) in the shape of the scores."""
        shaped = scores.reshape(-1, *self.axes, scores.shape[-1])
        return np.moveaxis(shaped, -1, 1) if self.classes_first else shaped

    def scores_by_position(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return scores with the axis of the classes as the last, as a view."""
        return np.moveaxis(scores, 1, -1) if self.classes_first else scores

    def origin(self, origin: ValueOrigin, samples: NDArray[np.int64] | range | None) -> ValueOrigin:
        """Return the origin of values of these samples, whose messages name the row of the data."""
        if samples is None:
            return origin
        file_and_row = partial(_file_and_row_of_sample, origin=origin, per_row=self.per_row)
        return replace(origin, rows=samples, file_and_row=file_and_row)


def _file_and_row_of_sample(sample: int, origin: ValueOrigin, per_row: int) -> tuple[str, int]:
    row = (sample - 1) // per_row + 1
    return (origin.source, row) if origin.file_and_row is None else origin.file_and_row(row)


def is_scores(role: str) -> bool:
    """Tell whether a role holds predictions: those of the only model, or of one of several."""
    """Tell whether a role holds predictions: those of the only model, or of one of several."""
    return role == "y_pred" or role.startswith(MODEL_ROLE)


def class_label_role(form: Form) -> str | None:
    """Return the role of a form's class labels, one per row, which `y_pred` has scores for; None if there is none."""
    if "y_pred" not in form.names:
        return None
    for role in form.roles:
        is_one_per_row = isinstance(role.domain, ClassTargets) and {"N", "N,C"}.issuperset(role.domain.shapes)
        if is_one_per_row and not role.domain.accepts_any_label:
            return role.name
    return None


def find_positions(
    shapes: Mapping[str, tuple[int, ...]], label: str | None, source: str = "", hint: Hint = Hint.RESHAPE
) -> Positions | None:
    """Return the positions in a row by the shapes of the arrays; None if rows are samples themselves.

    Messages begin with the `source`; `hint` says how to mend shapes that can be read two ways.

    Raises:
        DataError: The classes may be on either of two axes, or on none.
    """
    if label is None or label not in shapes or "y_pred" not in shapes:
        return None
    labels, scores = shapes[label], shapes["y_pred"]
    if len(labels) < 2 or len(scores) != len(labels) + 1:
        return None
    last, first = _match(labels[1:], scores[1:-1]), _match(labels[1:], scores[2:])
    found = f"{source}shapes differ: {label} is {_text(labels)}, y_pred is {_text(scores)}"
    if not (last or first):
        raise DataError(f"{found}; labels (N, T) go with scores (N, T, C) or (N, C, T)")
    if last and first:
        if any(size in UNKNOWN for size in (*labels[1:], *scores[1:])):
            return Positions(labels[1:], classes_first=False)
        found = found.replace("shapes differ", "shapes are ambiguous")
        raise DataError(f"{found}: the classes may be the second or the last axis of y_pred", hint)
    return Positions(labels[1:], classes_first=not last)


def _match(sizes: Sequence[int], others: Sequence[int]) -> bool:
    return all(a == b or a in UNKNOWN or b in UNKNOWN for a, b in zip(sizes, others, strict=True))


def _text(shape: Sequence[int]) -> str:
    return f"({', '.join('N' if i == 0 and size < 0 else str(size) for i, size in enumerate(shape))})"


def split_positions(batch: Batch, positions: Positions, label: str) -> Iterator[Batch]:
    """Yield the samples of a batch of rows, as many at a time as are a batch.

    Raises:
        DataError: Another role has no value per position, or weights have another shape.
    """
    if not positions.per_row:
        raise DataError(f"{label} has no labels: it is {_text(batch.arrays[label].shape)}")
    axes, length = positions.axes, None if batch.length is None else batch.length * positions.per_row
    scores = {role: positions.scores_by_position(a) for role, a in batch.arrays.items() if is_scores(role)}
    rows = {role: array.shape for role, array in batch.arrays.items() if role not in batch.tables}
    beside = positions.beside(rows, label)
    others = [role for role in rows if role not in (label, *scores, *beside)]
    if others:
        raise DataError(f"{others[0]} has no value for each of the labels {label}, which are {_text((-1, *axes))}")
    for role, array in scores.items():
        if array.shape[1:-1] != axes:
            raise DataError(f"shapes differ: {label} has {_text((-1, *axes))} labels, {role} {_text(array.shape)}")
    weight = None if batch.weight is None else weights_of_samples(batch.weight, axes)
    extras = {name: values.repeat(positions.per_row) for name, values in batch.extras.items()}
    first = (batch.numbers[0] - 1) * positions.per_row + 1
    row_bytes = bytes_per_row(array.shape for array in scores.values())
    step, inner = rows_per_batch(row_bytes), axes[0]
    if step == 1:
        inner = min(inner, rows_per_batch(row_bytes // inner))
    per_inner = positions.per_row // axes[0]
    for row in range(0, len(batch.arrays[label]), step):
        for start in range(0, axes[0], inner):
            part = slice(row, row + step), slice(start, start + inner)
            labels = batch.arrays[label][part].ravel()
            begin = row * positions.per_row + start * per_inner
            samples = slice(begin, begin + len(labels))
            numbers = range(first + begin, first + begin + len(labels))
            origins = {
                role: positions.origin(origin, None if role in batch.tables else numbers)
                for role, origin in batch.origins.items()
            }
            arrays = dict(batch.arrays) | {role: batch.arrays[role][part].ravel() for role in (label, *beside)}
            for role, array in scores.items():
                arrays[role] = np.asarray(array[part], dtype=np.float64).reshape(len(labels), array.shape[-1])
            yield replace(
                batch,
                numbers=numbers,
                arrays=arrays,
                origins=origins,
                weight=None if weight is None else weight[samples],
                extras={name: values[samples] for name, values in extras.items()},
                length=length,
            )


def weights_of_samples(weight: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """Return the weights of samples (n,), from one per row or one per position."""
    if weight.ndim == 1:
        return np.repeat(weight, math.prod(axes))
    if weight.shape[1:] != axes:
        raise DataError(f"shapes differ: weight is {_text((-1, *weight.shape[1:]))}, the labels {_text((-1, *axes))}")
    return weight.ravel()
