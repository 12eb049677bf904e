"""What JSON values mean as columns, by the plainest code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.fuzz.check import REFUSED, UNCLEAR, Reading, Unclear
from tests.fuzz.test_csv import number_in


def number_of(value: Any) -> float | None:
    """Return a JSON value as a number: NaN for null, None if it is none."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return number_in(value)
    if isinstance(value, (bool, int, float)):
        return float(str(value)) if isinstance(value, int) and not isinstance(value, bool) else float(value)
    return None


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists; None if they are ragged."""
    if not isinstance(value, list):
        return ()
    shapes = {shape_of(item) for item in value}
    if None in shapes or len(shapes) > 1:
        return None
    return (len(value), *(shapes.pop() or () if shapes else ()))


def array_of(values: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """Return a list, nested or not, as an array of numbers; None if it is none."""
    shape = shape_of(list(values))
    if shape is None:
        return None
    flat: list[Any] = list(values)
    for _ in shape[1:]:
        flat = [item for inner in flat for item in inner]
    numbers = [number_of(value) for value in flat]
    return None if None in numbers else np.array(numbers, dtype=float).reshape(shape)


def one_number(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return rows of one number in a list, (N, 1), as numbers (N,)."""
    return array[:, 0] if array.shape[1:] == (1,) else array


def text_of(value: Any) -> str:
    """Return a group as text, empty if it is missing."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def read_columns(columns: Mapping[str, Sequence[Any]], options: Sequence[str]) -> Reading | Unclear | None:
    """Return the columns y_true, y_pred and g of lists of values."""
    if "y_true" not in columns or "y_pred" not in columns:
        return UNCLEAR
    y, p = array_of(columns["y_true"]), array_of(columns["y_pred"])
    if y is None or p is None or one_number(y).shape != one_number(p).shape or y.size == 0:
        return REFUSED
    y, p = one_number(y), one_number(p)
    if y.ndim > 1 and np.isnan(y).any() | np.isnan(p).any():
        return UNCLEAR  # a list that holds null
    if "--group-by" not in options:
        return Reading(y, p)
    if "g" not in columns or len(columns["g"]) != len(y):
        return REFUSED
    if not all(isinstance(value, str) or value is None for value in columns["g"]):
        return UNCLEAR  # 1 and 1.0 may be one group or two, as may true and "true"
    return Reading(y, p, [text_of(value) for value in columns["g"]])
