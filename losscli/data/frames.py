"""Frames of the Python API: their columns, and the labels of their rows."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.identifiers import has_identifier_name
from losscli.data.interchange import import_array, import_arrow, is_arrow, is_pandas, materialize, side_by_side
from losscli.data.labels import ClassNames, find_endings
from losscli.data.named_columns import NamedColumns, check_dimensions, columns_of_data_array, is_data_array
from losscli.data.role_names import CLASS_PREFIXES
from losscli.errors import DataError


def frame_columns(value: Any, name: str = "data") -> dict[str, Any] | None:
    """Return the columns of a frame by name; None if it is no frame, or has two columns of one name.

    The fields of a structured array are columns, and so are those of what Arrow hands over as structs.
    """
    if isinstance(value, np.ndarray):
        return None if value.dtype.names is None else {field: value[field] for field in value.dtype.names}
    if is_data_array(value):
        return columns_of_data_array(value)
    if is_arrow(value):
        value = import_arrow(value, name)
    labels = column_names(value)
    if labels is None or not hasattr(value, "__getitem__"):
        return None
    try:
        columns = {str(label): value[label] for label in labels}
    except Exception:  # `columns` means something else here, or names are not unique
        return None
    return columns if len(columns) == len(labels) else None


def column_names(value: Any) -> list[Any] | None:
    """Return the names of a frame's columns, None if it has none."""
    for attribute in ("column_names", "columns"):  # PyArrow's columns are not their names
        if hasattr(type(value), attribute):
            names = getattr(value, attribute)
            return list(names) if isinstance(names, Iterable) else None
    return None


def as_array(value: Any, name: str) -> NDArray[Any]:
    """Return an array, or what a frame holds besides identifiers, a column for each of its columns.

    Raises:
        DataError: The value is no array, or rows have other shapes than the first.
    """
    if type(value) is np.ndarray and value.dtype.names is None:
        return import_array(value, name)
    value = materialize(value, name)
    columns = frame_columns(value, name)
    if isinstance(value, NamedColumns):
        return side_by_side([import_array(value[key], name) for key in value.columns if key not in value.hidden], name)
    is_plain = len(columns or ()) > 1 and not any(map(has_identifier_name, columns or ()))
    if columns is None or (is_plain and not isinstance(value, np.ndarray)):
        return import_array(value, name)
    return side_by_side([import_array(v, name) for key, v in columns.items() if not has_identifier_name(key)], name)


def check_index(values: Iterable[tuple[str, Any]], warn: Callable[[str], None]) -> None:
    """Check the labels of the rows of pandas and xarray objects, which are paired in order.

    The same labels in another order are worth a warning, and an error in xarray, which pairs by labels. An index
    0, 1, 2, ... of pandas that has other labels than another one is a default that nobody chose.

    Raises:
        DataError: Two objects have other labels, in an index that somebody chose.
    """
    if "pandas" not in sys.modules:
        return
    given = list(values)
    check_dimensions(given)
    labelled = [(name, v, index_of(v)) for name, v in given]
    several = [(name, index, is_pandas(v)) for name, v, index in labelled if index is not None]
    for i, (name, index, is_frame) in enumerate(several):
        for other, reference, other_is_frame in several[:i]:
            if len(index) != len(reference) or index.equals(reference):
                continue
            mine, theirs = index.tolist(), reference.tolist()
            row = next((k for k, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b), 0)
            found = f"{name}, row {row + 1}: its index has {mine[row]!r}, the index of {other} has {theirs[row]!r}"
            if Counter(mine) == Counter(theirs):
                if not (is_frame and other_is_frame):
                    raise DataError(f"{found}; {name}.reindex_like({other}) pairs them by labels")
                warn(f"{found}; rows are paired in order, and {name}.reindex({other}.index) pairs them by labels")
            elif not (_is_default(index) or _is_default(reference)):
                raise DataError(
                    f"{found}, but rows are paired in order; {name}.to_numpy() pairs them so, and ignores labels"
                )


def index_of(value: Any) -> Any:
    """Return the labels of the rows of an object of pandas or xarray, None if it has none."""
    if isinstance(value, NamedColumns) or (is_pandas(value) and hasattr(value, "index")):
        return value.index
    return value.indexes.get(value.dims[0]) if is_data_array(value) and value.ndim else None


def _is_default(index: Any) -> bool:
    """Return whether an index of pandas is 0, 1, 2, ... and has no name."""
    return index.name is None and index.dtype.kind in "iu" and bool((np.asarray(index) == np.arange(len(index))).all())


def check_column_order(values: Iterable[tuple[str, Any]]) -> None:
    """Raise a DataError if two frames have the same columns in another order, where columns are paired in order."""
    frames = [(name, [*columns]) for name, value in values if (columns := frame_columns(value, name)) is not None]
    for i, (name, mine) in enumerate(frames):
        for other, theirs in frames[:i]:
            if mine != theirs and sorted(mine) == sorted(theirs):
                raise DataError(
                    f"{name} has the columns of {other} in another order: {name}[{other}.columns] pairs them"
                )


def check_identifiers(values: Iterable[tuple[str, Any]]) -> None:
    """Raise a DataError if an identifier that two frames have names other rows, where rows are paired in order."""
    found: dict[str, tuple[str, list[Any]]] = {}
    for name, value in values:
        for column, content in (frame_columns(value, name) or {}).items():
            if not has_identifier_name(column):
                continue
            mine = import_array(content, name).tolist()
            other, theirs = found.setdefault(column, (name, mine))
            if len(mine) == len(theirs) and mine != theirs:
                row = next(k for k, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b)
                problem = f"{name}: column {column!r}, row {row + 1}: {mine[row]!r}, where {other} has {theirs[row]!r}"
                raise DataError(f"{problem}, but rows are paired in order; sort both by it")


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
