"""What an array may hold: labels of two classes or of C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain, hint_of_pixels
from losscli.declaration.domains.distributions import Simplex
from losscli.declaration.domains.intervals import UNIT, Array, Params
from losscli.declaration.domains.origin import ValueOrigin
from losscli.messages import Hint


@dataclass(eq=False, repr=False)
class BinaryLabels(Domain):
    """Labels of two classes: {0, 1}, {-1, 1} or booleans. The kernel gets 0/1, or -1/+1 with `signs`.

    With `soft`, numbers in [0, 1] are probabilities of the label.
    """

    soft: bool = False
    signs: bool = False

    is_label = True
    class_count = 2

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        plain = low >= 0 if self.soft else low in (-1, 0, 1) and bool(((values == low) | (values == 1)).all())
        if not (plain and high <= 1):
            inside = (values >= 0) & (values <= 1) if self.soft else (values == 0) | (values == 1)
            origin.refuse(~(inside | (values == -1)), values, f"is not {self.describe()}", hint_of_pixels(values))
        has_zero = low == 0 or (not plain and bool((values == 0).any()))
        for seen, key in ((has_zero, "zero"), (low == -1, "minus")):  # two keys: threads may set them at once
            if seen:
                origin.memory[key] = True
        if "zero" in origin.memory and "minus" in origin.memory:
            here, other = (-1, 0) if low == -1 else (0, -1)
            what = f"stands beside {other}: labels are {{0, 1}} or {{-1, 1}}, not both"
            raise origin.error(values == here, values, what)
        if low == -1:
            return values if self.signs else np.where(values == -1, 0.0, values)
        return 2 * values - 1 if self.signs else values

    def describe(self) -> str:
        return "a label 0 or 1 (or -1 and 1)" + (", or a probability in [0, 1]" if self.soft else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, 2, size=self.size(dims)).astype(float)


class Qualities(BinaryLabels):
    """Numbers in [0, 1] that a score is to reach, such as the overlap of a detected box; 0 is the background."""

    is_label = False
    class_count = 0

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = UNIT.outside(values)
        if wrong is not None:
            raise origin.error(wrong, values, f"is not {self.describe()}")
        return values

    def describe(self) -> str:
        return "a number in [0, 1]"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        qualities = rng.uniform(size=self.size(dims))
        return np.where(rng.uniform(size=self.size(dims)) < 1 / 3, 0.0, qualities)


PADDING = -100
"""The label of what does not count, as torch and transformers have it."""

IGNORED_BY_HABIT = (PADDING, -1, 255)
"""Labels that mark what does not count: padding of sequences in torch, pixels between objects."""


@dataclass(eq=False, repr=False)
class ClassTargets(Domain):
    """Class labels 0..C-1, one per row; with the shape `N,C` also one-hot or soft rows that sum to 1.

    `counted_by` names the array and the axis that have one entry per class.
    """

    shapes: tuple[str, ...] = ("N", "N,C")
    ignore_index: int | None = None
    can_ignore: bool = False
    counted_by: tuple[str, str] = ("y_pred", "columns")

    is_label = True

    def with_params(self, params: Params) -> Domain:
        return replace(self, ignore_index=params.get("ignore_index"), can_ignore="ignore_index" in params)

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        return Simplex().check(values, origin, dims) if values.ndim == 2 else self.check_labels(values, origin, dims)

    def check_labels(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        """Return labels as int64.

        Raises:
            DataError: One is no label of a class.
        """
        classes = int(dims["C"])
        with np.errstate(invalid="ignore"):
            labels = values.astype(np.int64)
        if ((labels == values) & (labels >= 0) & (labels < classes)).all():
            return labels
        wrong = (values < 0) | (values >= classes) | (values != np.floor(values))
        if self.ignore_index is not None:
            wrong &= values != self.ignore_index
        if wrong.any():
            starts_at_1 = values.min() == 1 and values.max() == classes
            hint = Hint.LABELS_FROM_0 if starts_at_1 else Hint.CLASS_COUNT
            first = float(values[wrong][0])
            if self.can_ignore and first in IGNORED_BY_HABIT:
                hint = Hint.IGNORE_LABEL
            array, axis = self.counted_by
            fields = {"array": array, "axis": axis, "label": int(first) if np.isfinite(first) else first}
            raise origin.error(wrong, values, f"is not a class label 0..{classes - 1}", hint, **fields)
        return labels

    def describe(self) -> str:
        return "a class label 0..C-1" + (", or a row of C target probabilities" if "N,C" in self.shapes else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, dims["C"], size=dims["N"])


class OneHotTargets(ClassTargets):
    """Class labels 0..C-1, or one-hot rows, which reach the kernel as labels."""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        labels = super().check(values, origin, dims)
        if labels.ndim == 1:
            return labels
        origin.refuse((labels != 0) & (labels != 1), labels, "is neither 0 nor 1, as one-hot rows must be")
        return np.asarray(labels.argmax(axis=1))

    def describe(self) -> str:
        return "a class label 0..C-1, or a one-hot row of C numbers"


class GroupLabels(ClassTargets):
    """Labels that only say which rows belong together."""

    accepts_any_label = True

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = (values < 0) | (values != np.floor(values)) | np.isinf(values)
        origin.refuse(wrong, values, f"is not {self.describe()}")
        refuse_rounded(values, origin)
        return values.astype(np.int64)

    def describe(self) -> str:
        return "a class label: an integer >= 0, or any name"


NAMES = "names"
"""The key by which the memory of a role has the names of labels, by their places: name -> place."""

FIRST_NAME = float(1 << 53)
"""The number that stands for the first name among labels that are compared as they are; no integer label reaches it."""

NAME_STEP = 2.0
"""The step from the number of a name to that of the next: floats of that size are all even."""


def number_of_name(place: int) -> float:
    """Return the number that stands for the name at a place, counted from 0."""
    return FIRST_NAME + NAME_STEP * place


def places_of_names(numbers: Array) -> Array:
    """Return the places, from 0, of the names that numbers stand for."""
    return np.asarray((numbers - FIRST_NAME) / NAME_STEP)


def refuse_rounded(values: Array, origin: ValueOrigin) -> None:
    """Refuse integers that floats do not tell apart, which would be taken for one label.

    Raises:
        DataError: A value of 2^53 or more stands for no name.
    """
    is_rounded = (values <= -FIRST_NAME) if NAMES in origin.memory else (np.abs(values) >= FIRST_NAME)
    what = "is not below 2^53, from where on numbers are rounded and different labels may become the same"
    origin.refuse(is_rounded, values, what, Hint.SPELL_LABELS)


@dataclass(eq=False, repr=False)
class ComparedLabels(Domain):
    """Labels that are compared as they are: integers, or names, which reach the kernel as numbers from FIRST_NAME on.

    With `predicted`, probabilities of the label 1 may stand for labels; the loss tells which they are.
    """

    predicted: bool = False

    is_label = True
    accepts_any_label = True
    is_compared = True

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        if self.predicted and UNIT.outside(values) is None:
            return values
        with np.errstate(invalid="ignore"):
            wrong = (values != np.floor(values)) | np.isinf(values)
        if self.predicted and wrong.any():
            wrong &= ~((values > 0) & (values < 1))
        origin.refuse(values == PADDING, values, "marks what does not count, and would be compared like any label")
        origin.refuse(wrong, values, f"is not {self.describe()}", Hint.GIVE_SIGMOIDS if self.predicted else None)
        refuse_rounded(values, origin)
        return values

    def describe(self) -> str:
        label = "a label 0 or 1 (or -1 and 1), another integer, or a name"
        return f"a probability in [0, 1], or {label}" if self.predicted else label

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        size = self.size(dims)
        return rng.uniform(0.02, 0.98, size=size) if self.predicted else rng.integers(0, 2, size=size).astype(float)


@dataclass(eq=False, repr=False)
class HardLabels(ComparedLabels):
    """Labels of rows or predictions that are compared as they are, and are no probabilities.

    The parameter `classes` names all of them in order: the kernel then gets their places. Integers are places from 0
    themselves, unless names are integers. Labels that are `ordered`, or have a parameter `weighting` other than `none`,
    are integers where there is no such parameter.
    """

    shapes: tuple[str, ...] = ("N",)
    ordered: bool = False
    classes: tuple[str, ...] | None = None

    def with_params(self, params: Params) -> Domain:
        ordered = self.ordered or params.get("weighting", "none") != "none"
        return replace(self, ordered=ordered, classes=params.get("classes"))

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        with np.errstate(invalid="ignore"):
            wrong = (values != np.floor(values)) | np.isinf(values)
        origin.refuse(values == PADDING, values, "marks what does not count, and would be compared like any label")
        origin.refuse(wrong, values, f"is not {self.describe()}", Hint.GIVE_HARD_LABELS)
        refuse_rounded(values, origin)
        is_name = values >= FIRST_NAME
        if self.classes is not None:
            return self._places(values, origin)
        if self.ordered and is_name.any():
            first = int(is_name.argmax())
            names = np.where(is_name, label_texts(values[first : first + 1], origin)[0], "").astype(object)
            raise origin.error(is_name, names, "is a name, and names have no order", Hint.NAME_CLASSES)
        return values

    def _places(self, values: Array, origin: ValueOrigin) -> Array:
        """Return the places of labels among the classes."""
        assert self.classes is not None
        places = {name: float(i) for i, name in enumerate(self.classes)}
        if not any(name.lstrip("-").isdigit() for name in self.classes):
            places |= {str(i): float(i) for i in range(len(self.classes))}
        distinct, index = np.unique(values, return_inverse=True)
        names = label_texts(distinct, origin)
        found = np.array([places.get(name, -1.0) for name in names])[index]
        if (found < 0).any():
            texts = np.array(names, dtype=object)[index]
            raise origin.error(found < 0, texts, f"is not one of the classes: they are {', '.join(self.classes)}")
        return np.asarray(found)

    def describe(self) -> str:
        return "a label: an integer or a name"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, 3, size=self.size(dims)).astype(float)


def label_texts(values: Array, origin: ValueOrigin) -> list[str]:
    """Return labels as text: names as they were given, integers by their digits."""
    names = list(origin.memory.get(NAMES, ()))
    places = places_of_names(values).tolist()
    return [names[int(p)] if p >= 0 else str(int(v)) for p, v in zip(places, values.tolist(), strict=True)]
