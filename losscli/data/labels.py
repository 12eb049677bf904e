"""Class names: turn labels that are names into the positions of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.columns import RoleColumns
from losscli.data.table import parse_number, shorten
from losscli.declaration.domains import FIRST_NAME, Array, ValueOrigin
from losscli.errors import DataError, UsageError
from losscli.messages import Hint

MAX_NAMES_SHOWN = 12


class ClassNames(NamedTuple):
    """The names of the classes in order, empty if unknown."""

    names: tuple[str, ...] = ()

    @property
    def has_numeric_names(self) -> bool:
        """Whether the names are numbers: a label 3 is then the class called 3, not the fourth."""
        return bool(self.names) and all(name.isdigit() for name in self.names)

    def codes(self, values: NDArray[Any], origin: ValueOrigin) -> Array:
        """Return labels (N,) as class numbers, NaN where missing.

        Raises:
            DataError: A label is not one of the classes.
        """
        if values.dtype.kind == "f":
            if not self.has_numeric_names:
                return values
            names = [None if v != v else str(int(v)) if v.is_integer() else repr(v) for v in values.tolist()]
            values = np.array(names, dtype=object)
        codes = np.full(len(values), np.nan)
        is_present = values != None  # noqa: E711 - element by element
        distinct, inverse = np.unique(values[is_present].astype(str), return_inverse=True)
        codes[is_present] = np.array([self._code(str(text)) for text in distinct])[inverse]
        unknown = np.flatnonzero(np.isneginf(codes))
        if unknown.size:
            raise self._unknown_label(str(values[unknown[0]]), origin.where(int(unknown[0])))
        return codes

    def codes_or_probabilities(self, values: NDArray[Any], origin: ValueOrigin) -> Array:
        """Return predicted labels (N,) as class numbers, probabilities as they are.

        Raises:
            DataError: A label is not one of the classes, or the values may be either.
        """
        if values.dtype.kind != "f" or not self.has_numeric_names:
            return self.codes(values, origin)
        beyond, share = values > 1, (values > 0) & (values < 1)
        either = np.zeros_like(beyond)
        if not (beyond | share).any():
            either = ((values == 0) & ("0" in self.names)) | ((values == 1) & ("1" in self.names))
        memory = origin.memory
        for key, found in (("labels", beyond), ("probabilities", share), ("either", either)):
            if found.any():
                memory[key] = True
        if "either" in memory or {"labels", "probabilities"} <= memory.keys():
            i = int((either | share | beyond).argmax())
            problem = f"{origin.where(i)}: {values[i]:g} is one of the classes, or a probability"
            raise DataError(problem, Hint.GIVE_NAMES)
        return values if "labels" not in origin.memory else self.codes(values, origin)

    def _code(self, text: str) -> float:
        """Return the label's class number, -inf if it is not one of the classes."""
        if text in self.names:
            return float(self.names.index(text))
        if not self.names and text.lower() in ("true", "false"):
            return float(text.lower() == "true")
        number = parse_number(text)
        return -np.inf if number is None or number != number or self.has_numeric_names else number

    def _unknown_label(self, text: str, where: str) -> DataError:
        import difflib

        label = f"{where}: {shorten(text)}"
        if not self.names:
            return DataError(f"{label} is not a number", Hint.NAME_CLASSES)
        close = difflib.get_close_matches(text, self.names, n=1)
        known = f" (did you mean {close[0]!r}?)" if close else f": they are {', '.join(self.names[:MAX_NAMES_SHOWN])}"
        return DataError(f"{label} is not one of the classes{known}")


def number_names(values: NDArray[Any], codes: dict[str, int]) -> Array:
    """Return labels (N,) as numbers, NaN where missing; each name that has none in `codes` gets the next."""
    numbers = [np.nan if v is None else codes.setdefault(v, len(codes)) for v in values.tolist()]
    return np.array(numbers, dtype=np.float64)


def number_compared(values: NDArray[Any], codes: dict[str, int]) -> Array:
    """Return labels (N, ...) as numbers, NaN where missing: those that are numbers as they are, names from FIRST_NAME.

    A number with a leading zero is a name, as 02 is.
    """

    def number(text: str | None) -> float:
        if text is None:
            return np.nan
        value = parse_number(text)
        if value is None or not np.isfinite(value) or (text[0] == "0" and text.isdigit() and text != "0"):
            return FIRST_NAME + codes.setdefault(text, len(codes))
        return value

    numbers: Array = np.array([number(text) for text in values.ravel().tolist()], dtype=np.float64)
    return numbers.reshape(values.shape)


def find_class_names(bound: Mapping[str, RoleColumns], requested: tuple[str, ...]) -> ClassNames:
    """Return the requested names, else the endings of the prediction's columns unless these count 0, 1, 2, ...

    Raises:
        UsageError: The prediction's columns have other names, or there are more or fewer of them.
    """
    predicted = bound.get("y_pred")
    names = predicted.names if predicted is not None and len(predicted.columns) > 1 else ()
    if requested and names:
        option = "classes", ",".join(requested)
        if set(requested) & set(names):
            if set(requested) != set(names):
                raise UsageError(f"y_pred's columns are {', '.join(names)}", option=option)
            return ClassNames(names)  # the names of the columns say more than any order
        if len(names) != len(requested):
            raise UsageError(f"{len(requested)} classes, but y_pred has {len(names)} columns", option=option)
    if requested or names == tuple(map(str, range(len(names)))):
        return ClassNames(requested)
    return ClassNames(names)


def align_columns(predicted: RoleColumns, true: RoleColumns) -> RoleColumns:
    """Return the target's columns in the order of the prediction's if both have the same names."""
    if len(true.columns) < 2 or sorted(true.names) != sorted(predicted.names):
        return true
    columns = dict(zip(true.names, true.columns, strict=True))
    return true._replace(columns=tuple(columns[name] for name in predicted.names), names=predicted.names)
