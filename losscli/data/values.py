"""One value: the rule for numbers and text, and what is missing."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.times import time_objects
from losscli.errors import DataError
from losscli.messages import one_line

_MISSING_WORDS = "NA N/A n/a #N/A nan NaN NAN -nan -NaN null NULL Null None none <NA>"
MISSING = frozenset(["", *_MISSING_WORDS.split()])
"""Texts that mean a missing number. As class names all but the empty one are names."""


def to_number(value: Any, source: str, column: str, index: int) -> float:
    """Return one cell as a number, NaN if it is missing; `index` counts rows from 0.

    Raises:
        DataError: it is not a number.
    """
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, np.bytes_)):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        number = parse_number(value)
        if number is not None:
            return number
    elif is_null(value):
        return float("nan")
    elif isinstance(value, int):
        return int_to_float(value)
    elif hasattr(value, "__float__") and not isinstance(value, (np.complexfloating, np.timedelta64, np.ndarray)):
        try:
            return float(value.detach() if hasattr(value, "detach") else value)  # a tensor with a gradient warns
        except (TypeError, ValueError, ArithmeticError, RuntimeError):  # a signalling NaN, say
            pass
    raise DataError(f"{column_label(source, column)}, row {index + 1}: {shorten(value)} is not a number")


_BOOLEANS = {"true": 1.0, "false": 0.0}

_C_NAN = r"[+-]?nan\(\w*\)"
"""NaN as C libraries write it, `-nan(ind)`; PyArrow reads it, too."""


def parse_number(text: str) -> float | None:
    """Return a text as a number: NaN if it means a missing one, 1 and 0 for true and false, None if it is no number."""
    stripped = text.strip()
    if stripped in MISSING:
        return float("nan")
    try:
        if "_" not in stripped:  # Python reads 1_000 as a number
            return float(stripped)
    except ValueError:
        pass
    return float("nan") if re.fullmatch(_C_NAN, stripped, re.IGNORECASE) else _BOOLEANS.get(stripped.lower())


def plain_numbers(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Return texts as numbers, as `parse_number` does but quickly; None if Python itself does not read all of them."""
    if "_" in "".join(texts):  # Python reads 1_000 as a number
        return None
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        return None


def as_text(values: NDArray[Any], source: str = "", column: str = "", start: int = 0) -> NDArray[Any]:
    """Return values as text objects, None if missing or empty; integers without a decimal point.

    Raises:
        DataError: A value is a list; the message counts rows from `start`.
    """
    if values.dtype.kind in "iu":
        return values.astype(str).astype(object)
    text = np.empty(len(values), dtype=object)
    given = time_objects(values) if values.dtype.kind in "mM" else values.tolist()
    if set(map(type, given)) == {str}:
        text[:] = given
        text[text == ""] = None
        return text
    for i, value in enumerate(given):
        if isinstance(value, bytes):
            text[i] = value.decode("utf-8", "replace")
        elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            text[i] = str(int(value))
        elif isinstance(value, (list, dict, np.ndarray)):
            kind = "an object" if isinstance(value, dict) else "a list"
            raise DataError(f"{column_label(source, column)}, row {start + i + 1}: holds {kind}, not one value")
        else:
            is_missing = is_null(value) or (isinstance(value, float) and value != value)
            text[i] = None if is_missing else str(value) or None
    return text


def int_to_float(value: int) -> float:
    """Return an integer as a float, infinity if it is beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)


def is_null(value: object) -> bool:
    """Whether a value is None, a masked one, NaT or, if pandas is loaded, its NA."""
    if value is None:
        return True
    if isinstance(value, (str, float, int)):
        return False
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    pandas, masked = sys.modules.get("pandas"), sys.modules.get("numpy.ma")
    if masked is not None and value is masked.masked:
        return True
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def column_label(source: str, column: str) -> str:
    """Return a column's name as the start of a message: that of arrays without a name stands alone."""
    return f"{source}: column {column!r}" if source else column


def one_value_error(label: str, holds: str = "lists") -> DataError:
    """Return the error for a column of lists or objects where a row is to have one value: a key, a group."""
    return DataError(f"{label}: holds {holds}, where one value is needed")


def shorten(value: object, limit: int = 40) -> str:
    """Return a value in quotes, with an ellipsis if it is long."""
    text = repr(str(value)) if isinstance(value, str) else one_line(value)
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"
