"""Shapes of the arrays of a loss: which of its forms they fit, and how each array is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.masks import PixelAxes, find_pixel_axes
from losscli.data.positions import class_label_role, find_positions
from losscli.declaration.domains import Domain, ValueOrigin
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError
from losscli.messages import Hint

FRAMES = ("N,T,C",)
"""Shapes of log-probabilities of C classes in T frames."""


def letters_of(domain: Domain, sizes: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Return the letters of the shape of the domain that fits, each with its size."""
    shape = next(s for s in domain.shapes if fits(s, sizes))
    if shape == "N*":
        return iter((("N", sizes[0]), ("*", tuple(sizes[1:]))))
    return zip(shape.split(","), sizes, strict=True)


def find_index(array: NDArray[Any], domain: Domain, origin: ValueOrigin, label: str) -> Any:
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
    shape = next((s for s in domain.shapes if fits(s, array.shape)), None)
    if (shape is None and array.ndim == 1 and "N,C" in domain.shapes) or (shape == "N,C" and array.shape[1] < 2):
        raise DataError(
            f"{origin.name()}: one number per row, but {label} needs one per class",
            Hint.PER_CLASS_COLUMNS,
            role=origin.role,
        )
    if shape is None:
        given = shape_text_of(array.shape, domain)
        raise DataError(f"{origin.name()}: shape {given}, but {label} needs {domain.shape_text()}")
    return None


def index_shape(array: NDArray[Any], index: Any) -> tuple[int, ...]:
    """Return the shape of an array in the layout that a loss reads."""
    shape: tuple[int, ...] = index.shape(array.shape) if isinstance(index, PixelAxes) else array[index].shape
    return shape


def check_rows_hold_numbers(array: NDArray[Any], domain: Domain, origin: ValueOrigin) -> None:
    """Raise a DataError if the rows of an array have no values, and the domain does not say that they may be empty."""
    if 0 in array.shape[1:] and not domain.may_be_empty:
        raise DataError(f"{origin.name()}: shape {shape_text_of(array.shape, domain)}: its rows hold no numbers")


def shape_text_of(shape: Sequence[int], domain: Domain) -> str:
    """Return a shape for people, with N for the number of rows."""
    sizes = ["N" if domain.per_row else str(shape[0]), *map(str, shape[1:])]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def check_shape(shape: tuple[int, ...], domain: Domain, origin: ValueOrigin, label: str) -> None:
    """Check the shape of an array that is not read yet; rows that are not counted yet are -1.

    Raises:
        DataError: It is none of the domain's shapes.
    """
    find_index(np.broadcast_to(0.0, (max(shape[0], 1), *shape[1:])), domain, origin, label)


def fits(shape: str, sizes: Sequence[int]) -> bool:
    """Tell whether an array of these sizes has as many axes as the shape, and its fixed sizes."""
    letters = shape.split(",")
    return shape == "N*" or (
        len(letters) == len(sizes)
        and all(not letter.isdigit() or int(letter) == n for letter, n in zip(letters, sizes, strict=True))
    )


def choose_form(
    bound: BoundLoss, shapes: Mapping[str, tuple[int, ...]], source: str = "", named: Collection[str] = ()
) -> Form | None:
    """Return the first form whose roles are present and take these shapes, or else the first with its roles present.

    Forms that read more of the roles that were `named` come first.

    Raises:
        DataError: Shapes can be read two ways; the message begins with the `source`.
    """
    forms = [f for f in bound.loss.forms if all(role.name in shapes or role.optional for role in f.roles)]
    forms.sort(key=lambda form: -sum(role in form.names for role in named))
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
        if not any(fits(option, shape) for option in role.domain.shapes):
            return False
        if any(sizes.setdefault(letter, size) != size for letter, size in letters_of(role.domain, shape)):
            return False
    return True
