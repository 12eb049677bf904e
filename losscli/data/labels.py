"""Class names: labels as text, or as numbers that are names, become the positions of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.columns import RoleColumns
from losscli.data.table import parse_number, shorten
from losscli.declaration.domains import Array, ValueOrigin
from losscli.errors import DataError, UsageError


class ClassNames(NamedTuple):
    """The classes in order, where they have names."""

    names: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether the names are numbers: a label 3 is then the class called 3, not the fourth."""
        return bool(self.names) and all(name.isdigit() for name in self.names)

    def codes(self, values: NDArray[Any], origin: ValueOrigin) -> Array:
        """Labels (N,) as numbers, NaN where missing.

        Raises:
            DataError: a label that is no class.
        """
        if values.dtype.kind == "f" and not self.numeric:
            return values
        texts = values if values.dtype.kind != "f" else np.array([_plain(v) for v in values.tolist()], dtype=object)
        codes = np.full(len(texts), np.nan)
        present = texts != None  # noqa: E711 - element by element
        distinct, inverse = np.unique(texts[present].astype(str), return_inverse=True)
        lookup = np.array([self._code(str(text)) for text in distinct])
        codes[present] = lookup[inverse]
        wrong = np.isneginf(codes)
        if wrong.any():
            raise self._unknown(str(texts[wrong][0]), int(np.flatnonzero(wrong)[0]), origin)
        return codes

    def _code(self, text: str) -> float:
        """The label's number, or -inf."""
        if text in self.names:
            return float(self.names.index(text))
        if not self.names and text.lower() in ("true", "false"):
            return float(text.lower() == "true")
        number = parse_number(text)
        if number is None or number != number or self.numeric:
            return -np.inf
        return number

    def _unknown(self, text: str, index: int, origin: ValueOrigin) -> DataError:
        import difflib

        at = f"{origin.where(index)}: {shorten(text)}"
        if not self.names:
            return DataError(f"{at} is not a number; --classes A,B names the classes in order")
        close = difflib.get_close_matches(text, self.names, n=1)
        known = f" (did you mean {close[0]!r}?)" if close else f": they are {', '.join(self.names[:12])}"
        return DataError(f"{at} is not one of the classes{known}")


class AnyNames:
    """Names that need not be known: each new one becomes the next number."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def codes(self, values: NDArray[Any]) -> Array:
        """Labels (N,) as numbers, NaN where missing."""
        numbers = [np.nan if v is None else self._codes.setdefault(v, len(self._codes)) for v in values.tolist()]
        return np.array(numbers, dtype=np.float64)


def _plain(value: float) -> str | None:
    if value != value:
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def class_names(bound: Mapping[str, RoleColumns], asked: tuple[str, ...]) -> ClassNames:
    """The names that were asked for, else the tails of the prediction's columns unless they count 0, 1, 2, ..."""
    predicted = bound.get("y_pred")
    several = predicted is not None and predicted.several
    if asked and predicted is not None and several and set(asked) & set(predicted.names):
        if set(asked) != set(predicted.names):
            raise UsageError(f"--classes names {', '.join(asked)}, y_pred's columns {', '.join(predicted.names)}")
        return ClassNames(predicted.names)  # the columns know their names better than any order
    if asked:
        if predicted is not None and several and len(predicted.columns) != len(asked):
            raise UsageError(f"--classes names {len(asked)} classes, y_pred has {len(predicted.columns)} columns")
        return ClassNames(asked)
    if predicted is None or not several or list(predicted.names) == [str(i) for i in range(len(predicted.names))]:
        return ClassNames()
    return ClassNames(predicted.names)


def in_order_of(predicted: RoleColumns, true: RoleColumns) -> RoleColumns:
    """The target's columns in the order of the prediction's, where both have the same names."""
    if not (true.several and sorted(true.names) == sorted(predicted.names)):
        return true
    columns = dict(zip(true.names, true.columns, strict=True))
    return true._replace(columns=tuple(columns[name] for name in predicted.names), names=predicted.names)
