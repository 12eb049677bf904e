"""Frames of the Python API: their columns, and the labels of their rows."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.identifiers import has_identifier_name
from losscli.data.labels import ClassNames, find_endings
from losscli.data.ragged import rectangular_array
from losscli.data.role_names import CLASS_PREFIXES
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
    columns = frame_columns(value)
    if columns is None or not any(map(has_identifier_name, columns)):
        return rectangular_array(name, value)
    data = [rectangular_array(name, v) for name, v in columns.items() if not has_identifier_name(name)]
    return np.stack(data, axis=1)


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


def check_class_columns(scores: Any) -> None:
    """Raise a DataError if the columns of a frame of scores are not those of the classes 0, 1, 2, ... in order."""
    columns = [name for name in frame_columns(scores) or () if not has_identifier_name(name)]
    if len(columns) < 2:
        return
    classes = ClassNames.of(find_endings(columns, CLASS_PREFIXES).names)
    if classes.names and not classes.are_positions:
        raise DataError(
            f"the columns of y_pred are called {', '.join(columns)}, but labels are numbered from 0 here: "
            "losscli.compute knows classes by their names"
        )
