"""Frames of the Python API: their columns, and the labels of their rows."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.identifiers import has_identifier_name
from losscli.data.ragged import rectangular_array
from losscli.errors import DataError


def frame_columns(value: Any) -> dict[str, Any] | None:
    """Return the columns of a frame by name; None if it is no frame, or has two columns of one name."""
    names = getattr(value, "column_names", getattr(value, "columns", None))  # PyArrow's columns are not their names
    if names is None or not hasattr(value, "__getitem__"):
        return None
    columns = {str(name): value[name] for name in names}
    return columns if len(columns) == len(names) else None


def as_array(value: Any, name: str) -> NDArray[Any]:
    """Return an array, or what a frame holds besides identifiers, a column for each of its columns.

    Raises:
        DataError: Rows have other shapes than the first.
    """
    if isinstance(value, np.ma.MaskedArray):
        value = _without_mask(value)
    columns = frame_columns(value)
    if columns is None or not any(map(has_identifier_name, columns)):
        return rectangular_array(name, value)
    return np.stack([np.asarray(v) for name, v in columns.items() if not has_identifier_name(name)], axis=1)


def _without_mask(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """Return an array with NaN, or None among what is no number, for what is masked."""
    if not np.ma.is_masked(array):
        return np.asarray(array.data)
    is_number = array.dtype.kind in "fiub"
    values: Any = array.astype(np.float64 if array.dtype.kind in "iub" else array.dtype if is_number else object)
    return np.asarray(values.filled(np.nan if is_number else None))


def check_index(values: Iterable[tuple[str, Any]]) -> None:
    """Check that the rows of pandas objects, which are paired in order, have their labels in the same order.

    An index 0, 1, 2, ... that has other labels than another one is a default that nobody chose.

    Raises:
        DataError: Two objects have the same labels in another order, or other labels in an index of the same name.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return
    several = [(name, v.index) for name, v in values if isinstance(v, (pandas.Series, pandas.DataFrame))]
    for i, (name, index) in enumerate(several):
        for other, reference in several[:i]:
            if len(index) != len(reference) or index.equals(reference):
                continue
            is_named = index.names == reference.names and None not in index.names
            if is_named or (index.isin(reference).all() and reference.isin(index).all()):
                row = next(k for k, (a, b) in enumerate(zip(index, reference, strict=True)) if a != b)
                mine, its = (labels[row : row + 1].tolist()[0] for labels in (index, reference))
                raise DataError(
                    f"{name}, row {row + 1}: its index has {mine!r}, where that of {other} has {its!r}, but rows are "
                    f"paired in order; {name}.reindex({other}.index) pairs them by it"
                )


def check_column_order(values: Iterable[tuple[str, Any]]) -> None:
    """Raise a DataError if two frames have the same columns in another order, where columns are paired in order."""
    frames = [(name, [*columns]) for name, value in values if (columns := frame_columns(value)) is not None]
    for i, (name, mine) in enumerate(frames):
        for other, theirs in frames[:i]:
            if mine != theirs and sorted(mine) == sorted(theirs):
                raise DataError(
                    f"{name} has the columns of {other} in another order: {name}[{other}.columns] pairs them"
                )
