"""Columns by name that other objects hold: lists of records, and Datasets and DataArrays of xarray."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from losscli.errors import DataError


class NamedColumns:
    """Columns by name; `hidden` are those that name rows, `index` their labels if they are unique.

    `dims` are the dimensions that rows were made of, in order.
    """

    def __init__(
        self, columns: Mapping[str, Any], hidden: Iterable[str] = (), index: Any = None, dims: Sequence[Any] = ()
    ) -> None:
        self._columns = dict(columns)
        self.hidden = frozenset(hidden)
        self.index = index
        self.dims = tuple(dims)

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


# ------------------------------------------------------------------------------------------------------- records


def columns_of_records(rows: Any, name: str, *, dicts_only: bool = False) -> NamedColumns | None:
    """Return a list of records as columns, None if it is none.

    Records are dicts and what has `keys()` (rows of SQLite), named tuples and dataclasses. What a record lacks is
    missing.

    Args:
        rows: The list.
        name: What messages call it.
        dicts_only: Whether named tuples and dataclasses are no records, because they may be vectors.

    Raises:
        DataError: One of the rows is no record, and the first one is; two keys have the same text.
    """
    if not isinstance(rows, (list, tuple)) or not rows or hasattr(type(rows), "_fields"):
        return None
    if dicts_only and not isinstance(rows[0], Mapping):
        return None
    read = _reader_of_record(rows[0])
    if read is None:
        return None
    records = []
    for number, row in enumerate(rows, 1):
        if type(row) is not type(rows[0]) and _reader_of_record(row) is None:
            problem = f"{name}, row {number}: of type {type(row).__name__}, and row 1 is a {type(rows[0]).__name__}"
            raise DataError(f"{problem}: all rows must be records")
        records.append(read(row) if type(row) is type(rows[0]) else (_reader_of_record(row) or read)(row))
    keys = dict.fromkeys(key for record in records for key in record)
    columns = {str(key): [record.get(key) for record in records] for key in keys}
    if len(columns) < len(keys):
        raise DataError(f"{name}: two keys of records have the same text, as 1 and '1' have")
    return NamedColumns({key: _fill_numbers(values) for key, values in columns.items()} if dicts_only else columns)


def _fill_numbers(values: list[Any]) -> Any:
    """Return numbers of which some are missing as an array with NaN; anything else as it is."""
    present = [value for value in values if value is not None]
    if not present or len(present) == len(values) or not all(type(value) in (int, float) for value in present):
        return values
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _reader_of_record(row: Any) -> Callable[[Any], Mapping[Any, Any]] | None:
    """Return the function that makes a mapping of records of this kind, None if it is no record."""
    kind = type(row)
    if is_dataset(row) or hasattr(kind, "columns"):  # a frame is no row, though it has keys
        return None
    if isinstance(row, Mapping):
        return lambda record: record
    if isinstance(row, tuple) and hasattr(kind, "_fields"):
        return lambda record: dict(zip(record._fields, record, strict=True))
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return lambda record: {field: getattr(record, field) for field in names}
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        return lambda record: {key: record[key] for key in record.keys()}  # noqa: SIM118 - it need not be iterable
    return None


# -------------------------------------------------------------------------------------------------------- xarray


def is_dataset(value: Any) -> bool:
    """Return whether a value is a Dataset of xarray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(value, xarray.Dataset)


def is_data_array(value: Any) -> bool:
    """Return whether a value is a DataArray of xarray."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(value, xarray.DataArray)


def columns_of_dataset(dataset: Any, name: str) -> NamedColumns:
    """Return the variables of a Dataset as columns, and its coordinates as columns that name rows.

    The dimensions that all variables share make rows: each of their combinations is one. With further dimensions a
    variable holds vectors; if their labels are those of classes, which another variable has as text, it becomes a
    column for each class. Variables without the dimensions of rows are left out.

    Raises:
        DataError: No variable has a dimension, or the values cannot be had.
    """
    dims = row_dimensions([variable.dims for variable in dataset.data_vars.values()])
    if not dims:
        raise DataError(f"{name} is a Dataset whose variables have no dimension: there are no rows")
    sizes = {dim: dataset.sizes[dim] for dim in dims}
    arrays = {str(key): v.transpose(*dims, ...) for key, v in dataset.data_vars.items() if set(dims) <= set(v.dims)}
    columns: dict[str, Any] = {}
    for key, array in arrays.items():
        values = _values_of(array, f"{name}[{key!r}]")
        columns[key] = values.reshape(-1, *values.shape[len(dims) :])
    texts = {str(text) for v in columns.values() if v.ndim == 1 and v.dtype.kind in "OUT" for text in v.tolist()}
    for key, values in list(columns.items()):
        labels = labels_of(arrays[key], len(dims)) if values.ndim == 2 and texts else None
        if labels is not None and texts.intersection(labels):
            del columns[key]
            columns |= {f"{key}_{label}": values[:, i] for i, label in enumerate(labels)}
    hidden = {}
    for key, coordinate in dataset.coords.items():
        if set(coordinate.dims) <= set(dims) and str(key) not in columns:
            missing = {dim: size for dim, size in sizes.items() if dim not in coordinate.dims}
            array = coordinate.reset_coords(drop=True).expand_dims(missing).transpose(*dims)
            hidden[str(key)] = _values_of(array, str(key)).reshape(-1)
    index = dataset.indexes.get(dims[0]) if len(dims) == 1 else None
    return NamedColumns({**columns, **hidden}, hidden, index, dims)


def row_dimensions(dims_of_variables: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the dimensions that make rows: those of all variables that have the most frequent one."""
    every = [dim for dims in dims_of_variables for dim in dims]
    if not every:
        return []
    main = max(dict.fromkeys(every), key=every.count)
    having = [dims for dims in dims_of_variables if main in dims]
    return [dim for dim in having[0] if all(dim in dims for dims in having)]


def labels_of(array: Any, axis: int) -> list[str] | None:
    """Return the labels of an axis of a DataArray as text; None if it has none, or if they count 0, 1, 2, ..."""
    index = array.indexes.get(array.dims[axis])
    if index is None or not index.is_unique or index.nlevels > 1:
        return None
    labels = index.tolist()
    return None if labels == list(range(len(labels))) else [str(label) for label in labels]


def columns_of_data_array(array: Any) -> dict[str, Any] | None:
    """Return the columns (N,) of a DataArray (N, C) whose columns have labels, None if it is none."""
    labels = labels_of(array, 1) if array.ndim == 2 else None
    if labels is None:
        return None
    values = _values_of(array, "the array")
    return {label: values[:, i] for i, label in enumerate(labels)}


def _values_of(array: Any, name: str) -> Any:
    """Return the values of a DataArray.

    Raises:
        DataError: They cannot be read or computed.
    """
    try:
        return np.asarray(array.to_numpy())
    except Exception as error:  # what is raised depends on what holds the values
        text = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise DataError(f"{name}: cannot read the values of a {type(array).__name__}: {text}") from error


def check_dimensions(values: Sequence[tuple[str, Any]]) -> None:
    """Check dimensions in xarray, and the labels of those beyond the first, which `check_index` checks.

    Raises:
        DataError: Two arrays have the same dimensions in another order, or other labels.
    """
    arrays = [(name, v) for name, v in values if is_data_array(v) or (isinstance(v, NamedColumns) and v.dims)]
    for i, (name, array) in enumerate(arrays):
        for other, reference in arrays[:i]:
            mine, theirs = array.dims, reference.dims
            if mine != theirs and set(mine) == set(theirs):
                shown = ", ".join(map(repr, theirs))
                raise DataError(
                    f"{name} has the dimensions of {other} in another order: {name}.transpose({shown}) pairs them"
                )
            for dim in () if isinstance(array, NamedColumns) or isinstance(reference, NamedColumns) else mine[1:]:
                index, known = array.indexes.get(dim), reference.indexes.get(dim)
                if index is None or known is None or len(index) != len(known) or index.equals(known):
                    continue
                k = next(k for k, (a, b) in enumerate(zip(index, known, strict=True)) if a != b)
                problem = f"{name} has the label {index[k]!r} of {dim!r} where {other} has {known[k]!r}"
                raise DataError(f"{problem}; {name}.reindex_like({other}) pairs them by labels")
