"""Lists of lists as arrays; those that differ in length are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from losscli.errors import DataError
from losscli.messages import Hint


def rectangular_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return values as an array.

    Raises:
        DataError: Rows have other shapes than the first; the message names the first of these.
    """
    try:
        array = _plain_array(values)
        holds_objects = array.dtype.kind == "O" and array.ndim == 1 and len(array) > 0
        if holds_objects and isinstance(array[0], (list, tuple, np.ndarray)):
            return np.array(array.tolist())  # a column of a frame that holds lists
        return array
    except ValueError:
        rows: Sequence[Any] = list(values) if np.iterable(values) else []
        shapes = [_shape(row) for row in rows]
        i = next((i for i, shape in enumerate(shapes) if shape is None or shape != shapes[0]), None)
        if i is None:
            raise
        found = "lists of different lengths" if shapes[i] is None else f"shape {shapes[i]}, the first has {shapes[0]}"
        raise DataError(f"{name}, row {i + 1}: {found}", Hint.PAD_ROWS) from None


def _plain_array(values: Any) -> NDArray[Any]:
    """Return values as an array: what a mask hides is missing, and tensors of torch are cut from their graph."""
    if isinstance(values, np.ma.MaskedArray):
        plain = values.data.astype(np.float64 if values.dtype.kind in "fiub" else object)
        plain[np.ma.getmaskarray(values)] = np.nan if plain.dtype.kind == "f" else None
        return plain
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.double() if "bfloat16" in str(values.dtype) else values
    return np.asarray(values)


def _shape(row: Any) -> tuple[int, ...] | None:
    """Return the shape of a row, None if it has none."""
    try:
        return tuple(np.shape(row))
    except ValueError:
        return None
