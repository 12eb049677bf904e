"""Class masks as users have them: labels (N, H, W), with scores (N, H, W, C) or (N, C, H, W).

A loss of class masks gets them flattened: labels (N, P), and scores (N, P, C) with the classes as the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.positions import find_positions
from losscli.declaration.domains import Mask, ValueOrigin
from losscli.declaration.domains.masks import PixelProbabilities, PixelTargets
from losscli.declaration.form import Form, unwrap
from losscli.errors import DataError
from losscli.messages import Hint

AXES_OF_LABELS = 2
"""Axes of flattened labels: rows and pixels."""

AXES_OF_IMAGES = 3
"""Axes of images without channels: rows, height and width."""


@dataclass(eq=False, repr=False)
class PixelOrigin(ValueOrigin):
    """The origin of flattened masks, whose messages name the pixel by its index in the data."""

    axes: tuple[int, ...] = field(default=())
    loss: str = ""

    def error(self, wrong: Mask, values: NDArray[Any], what: str, hint: Hint | None = None, **fields: Any) -> DataError:
        """Return the error for the first wrong value; hints may name the loss."""
        return super().error(wrong, values, what, hint, **({"reader": self.loss} | fields))

    def where(self, i: int, *column: int) -> str:
        """Return file, row, pixel and class of a value."""
        if not column or len(self.columns) > 1:
            return super().where(i, *column)
        pixel = ", ".join(str(int(index)) for index in np.unravel_index(column[0], self.axes))
        of_class = f", class {column[1]}" if len(column) > 1 else ""
        return f"{super().where(i)}, pixel [{pixel}]{of_class}"


class PixelAxes(NamedTuple):
    """The axes of the pixels of a role, and where the axis of the classes is: 1, -1, or None without one.

    `loss` is what messages call the loss.
    """

    axes: tuple[int, ...]
    class_axis: int | None = None
    loss: str = ""

    def flatten(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array with one axis of pixels, and the classes after it."""
        if self.class_axis is None:
            return array.reshape(len(array), math.prod(self.axes))
        last = np.moveaxis(array, self.class_axis, -1)
        return last.reshape(len(array), math.prod(self.axes), last.shape[-1])

    def unflatten(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a flattened array in its own shape."""
        if self.class_axis is None:
            return array.reshape(len(array), *self.axes)
        return np.moveaxis(array.reshape(len(array), *self.axes, array.shape[-1]), -1, self.class_axis)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the flattened shape."""
        pixels = (shape[0], math.prod(self.axes))
        return pixels if self.class_axis is None else (*pixels, shape[self.class_axis])

    def note(self, name: str, shape: tuple[int, ...]) -> str:
        """Return how an array of this shape is read; empty if it is flat already, or has no classes."""
        if self.class_axis is None or (self.class_axis == -1 and len(self.axes) == 1):
            return ""
        which = "second" if self.class_axis == 1 else "last"
        given = ", ".join(map(str, shape[1:]))
        pixels, classes = math.prod(self.axes), shape[self.class_axis]
        return f"{name} is (N, {given}) and is read as masks of {pixels} pixels: its {which} axis as {classes} classes"

    def origin(self, origin: ValueOrigin) -> ValueOrigin:
        """Return the origin of flattened values."""
        known = {item.name: getattr(origin, item.name) for item in fields(ValueOrigin)}
        return PixelOrigin(**known, axes=self.axes, loss=self.loss)


def find_pixel_axes(form: Form, shapes: Mapping[str, tuple[int, ...]], source: str = "") -> dict[str, PixelAxes]:
    """Return role -> how its masks are flattened; empty if the form reads no class masks, or the shapes are no masks.

    Masks of two classes are flattened if one of them has an axis of one channel. Messages begin with the `source`.

    Raises:
        DataError: The classes may be on either of two axes, or on none.
    """
    axes = _axes_of_one_channel(form, shapes) or _pixel_axes(form, shapes, source)
    for name, found in axes.items():
        if found.class_axis is not None and shapes[name][found.class_axis] == 1:
            raise DataError(f"{source}{name} has one number per pixel, not one per class", Hint.MASK_OF_TWO_CLASSES)
    return axes


def _axes_of_one_channel(form: Form, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, PixelAxes]:
    """Return the axes of images of two classes of which one has an axis of one channel; empty if they are others."""
    domains = {role.name: role.domain for role in form.roles}
    if set(domains) != {"y_true", "y_pred"} or not set(domains) <= set(shapes):
        return {}
    reads_images = domains["y_true"].class_count == 2 and all("N*" in domain.shapes for domain in domains.values())
    short, long = sorted((shapes[name] for name in ("y_true", "y_pred")), key=len)
    if not reads_images or len(short) != AXES_OF_IMAGES or long not in {(*short[:1], 1, *short[1:]), (*short, 1)}:
        return {}
    return {name: PixelAxes(shapes[name][1:]) for name in ("y_true", "y_pred")}


def _pixel_axes(form: Form, shapes: Mapping[str, tuple[int, ...]], source: str) -> dict[str, PixelAxes]:
    domains = {role.name: role.domain for role in form.roles}
    target = next((name for name, domain in domains.items() if isinstance(domain, PixelTargets)), None)
    scores = next((name for name, domain in domains.items() if isinstance(domain, PixelProbabilities)), None)
    if target is None or scores is None or target not in shapes or scores not in shapes:
        return {}
    labels, predicted = shapes[target], shapes[scores]
    if len(labels) == len(predicted) > AXES_OF_LABELS + 1:
        problem = f"{source}{target} and {scores} have {len(labels)} axes, of which the second or the last may be"
        raise DataError(f"{problem} the classes", Hint.FLATTEN_ONE_HOT)
    if len(labels) == len(predicted) == AXES_OF_LABELS + 1:
        loss = unwrap(form.kernel).__name__
        return {name: PixelAxes(shapes[name][1:2], -1, loss) for name in (target, scores)}
    if len(labels) < AXES_OF_LABELS or len(predicted) != len(labels) + 1:
        return {}
    if len(labels) == AXES_OF_LABELS and labels[1] == predicted[1]:
        # the classes are last, even if there are as many as pixels
        return {target: PixelAxes(labels[1:]), scores: PixelAxes(labels[1:], -1)}
    positions = find_positions({target: labels, "y_pred": predicted}, target, source, Hint.FLATTEN_MASKS)
    if positions is None:
        return {}
    class_axis = 1 if positions.classes_first else -1
    return {target: PixelAxes(positions.axes), scores: PixelAxes(positions.axes, class_axis)}


def note_masks(batch: Batch, role: str, axes: PixelAxes) -> None:
    """Note, once for all batches, how masks are read that are not flat."""
    origin, shape = batch.origins[role], batch.arrays[role].shape
    text = axes.note(role, shape)
    if text and not origin.memory.get("masks"):
        origin.memory["masks"] = True
        origin.note(text)
