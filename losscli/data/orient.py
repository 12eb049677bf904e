"""Which columns a JSON document holds: arrays by name, records, every `orient` of pandas, vectors of Spark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from losscli.data.values import shorten
from losscli.errors import DataError
from losscli.messages import Hint

Columns = dict[str, list[Any]]
"""Column name -> values, a row each."""

Found = tuple[Columns, frozenset[str]]
"""Columns, and the names of those that are the index of a frame."""

MAX_KEYS_SHOWN = 8
NO_INDEX: frozenset[str] = frozenset()
MAX_SIZE_OF_VECTOR = 1 << 24
"""Largest sparse vector."""

RECORDS_OR_SPLIT = "write it with orient='records' or orient='split'"

_KEYS_OF_SPLIT = {"index", "columns", "data", "name", "index_names", "column_names"}

_NUMBER_OR_DATE = re.compile(r"-?\d+|\d{4}-\d\d-\d\d([T ].*)?")
"""How pandas writes the labels of rows that have no names."""


def columns_of(document: Any, name: str, role: str | None) -> Found:
    """Return the columns of a JSON document, and which are an index; an array alone is the role it was given for.

    Raises:
        DataError: It holds no columns, or could be read in two ways.
    """
    if isinstance(document, dict):
        if set(document) == {"schema", "data"} and isinstance(document["schema"], dict):
            return _of_table(document["schema"], document["data"], name, role)
        is_split = {"index", "data"} <= set(document) <= _KEYS_OF_SPLIT and not {"columns", "name"}.isdisjoint(document)
        if is_split or set(document) == {"columns", "data"}:
            return _of_split(document, name, role)
        if document and all(isinstance(value, dict) for value in document.values()):
            return _of_nested(document, name, role)
        return _of_object(document, name, role)
    if isinstance(document, list) and document:
        if all(isinstance(item, dict) for item in document):
            return _of_records(document), NO_INDEX
        if role:
            return {role: document}, NO_INDEX
        if all(isinstance(item, list) for item in document):
            widths = {len(item) for item in document}
            if widths == {2}:
                return {"y_true": [item[0] for item in document], "y_pred": [item[1] for item in document]}, NO_INDEX
            shown = f"rows of {min(widths)} values" if len(widths) == 1 else "rows of different lengths"
            problem = f"is a list of {shown} without names; of two values they would be y_true and y_pred"
            raise DataError(f"{name}: {problem}", Hint.NAME_ROLES)
    raise DataError(f"{name}: is neither an object of arrays by role nor a list of records")


def _of_records(records: Sequence[Mapping[str, Any]]) -> Columns:
    keys = dict.fromkeys(key for record in records for key in record)
    return {key: [record.get(key) for record in records] for key in keys}


def _of_object(document: Mapping[str, Any], name: str, role: str | None) -> Found:
    """Return the arrays of an object; of an object of single values, a series or one record."""
    arrays = {key: value for key, value in document.items() if isinstance(value, list)}
    if arrays:
        _check_objects(document, arrays, name)
        return arrays, NO_INDEX
    values = list(document.values())
    if values and not any(isinstance(value, dict) for value in values):
        if sum(map(_names_role, document)) > 1:
            return {key: [value] for key, value in document.items()}, NO_INDEX
        if role:
            return _with_index({role: values}, {None: list(document)})
    shown = ", ".join(list(document)[:MAX_KEYS_SHOWN]) or "none"
    raise DataError(f"{name}: the object holds no arrays; its keys are {shown}")


def _check_objects(document: Mapping[str, Any], arrays: Columns, name: str) -> None:
    """Raise a DataError if an object beside arrays has the name of a role, or the only array is of records."""
    from losscli.data.role_names import WEIGHT_NAMES

    have_roles = {"y_true", "y_pred"} <= {key.lower() for key in arrays}
    for key, value in document.items():
        is_role = key.lower() in ("y_true", "y_pred", *WEIGHT_NAMES) or (_names_role(key) and not have_roles)
        if isinstance(value, dict) and is_role:
            raise DataError(f"{name}: {key!r} is an object, the others are arrays: give it as an array, too")
    for key, values in arrays.items():
        if (
            len(arrays) == 1
            and values
            and all(isinstance(value, dict) and any(map(_names_role, value)) for value in values)
        ):
            raise DataError(f"{name}: holds records under the key {key!r}: give these alone, as 'jq .{key}' does")


def _of_table(schema: Mapping[str, Any], records: Any, name: str, role: str | None) -> Found:
    """Return the columns of pandas' `orient='table'`, those of the index first."""
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{name}: has a schema, but its data is not a list of records")
    columns = _of_records(records)
    keys = schema.get("primaryKey", [])
    keys = [keys] if isinstance(keys, str) else keys if isinstance(keys, list) else []
    if role and [key for key in columns if key not in keys] == ["values"]:  # of a series without a name
        columns = {role if key == "values" else key: values for key, values in columns.items()}
    return columns, frozenset(map(str, keys)) & columns.keys()


def _of_split(document: Mapping[str, Any], name: str, role: str | None) -> Found:
    """Return the columns of pandas' `orient='split'` and `to_dict('tight')`, the index before the others."""
    data = document["data"]
    index = document.get("index", data)
    if not isinstance(index, list) or not isinstance(data, list) or len(index) != len(data):
        raise DataError(f"{name}: 'index' and 'data' are not lists of one length")
    if "columns" not in document:  # a series
        title = document["name"]
        return _with_index(
            {role or "values" if title is None else str(title): data}, _index_columns(document, index, name)
        )
    names = document["columns"]
    if not isinstance(names, list):
        raise DataError(f"{name}: 'columns' is not a list")
    titles = ["_".join(map(str, title)) if isinstance(title, list) else str(title) for title in names]
    if len(set(titles)) < len(titles):
        raise DataError(f"{name}: two columns are called {next(t for t in titles if titles.count(t) > 1)!r}")
    for i, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(titles):
            found = f"{len(row)} values" if isinstance(row, list) else shorten(row)
            raise DataError(f"{name}: row {i + 1}: {found}, there are {len(titles)} columns")
    columns = {title: [row[j] for row in data] for j, title in enumerate(titles)}
    if "index" not in document:
        return columns, NO_INDEX
    return _with_index(columns, _index_columns(document, index, name))


def _index_columns(document: Mapping[str, Any], index: Sequence[Any], name: str) -> dict[str | None, list[Any]]:
    """Return the labels of rows by the name of their level, None if there is one without a name.

    Raises:
        DataError: Rows have other numbers of levels than the first.
    """
    names = document.get("index_names")
    titles = [None if title is None else str(title) for title in names] if isinstance(names, list) else []
    levels = {len(labels) if isinstance(labels, list) else None for labels in index}
    if len(levels) > 1:
        raise DataError(f"{name}: 'index' has rows of different lengths")
    n_levels = levels.pop() if levels else None
    if n_levels is None:
        return {titles[0] if titles else None: list(index)}
    titles += [None] * (n_levels - len(titles))
    return {titles[j] or f"level_{j}": [labels[j] for labels in index] for j in range(n_levels)}


def _with_index(columns: Columns, index: Mapping[Any, list[Any]]) -> Found:
    """Return columns with those of the index before them; one without a name is `index`, as in pandas."""
    found: Columns = {}
    for title, labels in index.items():
        default = "level_0" if "index" in columns else "index"
        key = default if title is None or str(title) in columns else str(title)
        if key not in columns:
            found[key] = labels
    return found | columns, frozenset(found)


def _of_nested(document: Mapping[str, Mapping[str, Any]], name: str, role: str | None) -> Found:
    """Return the columns of pandas' `orient='columns'` or `orient='index'`, whichever the names of roles tell.

    Raises:
        DataError: Nothing tells which of the two it is.
    """
    inner = dict.fromkeys(key for values in document.values() for key in values)
    if not inner:
        raise DataError(f"{name}: its objects are empty")
    by_column = _are_columns(document, inner, role)
    if by_column is None:
        known = ", ".join(map(repr, [*list(document)[:2], *list(inner)[:2]]))
        problem = f"its objects could be columns or rows: none of {known} is the name of a role alone"
        raise DataError(f"{name}: {problem}; {RECORDS_OR_SPLIT}")
    if by_column:
        columns = {key: [values.get(label) for label in inner] for key, values in document.items()}
        return _with_index(columns, {None: list(inner)})
    if all(isinstance(value, list) for values in document.values() for value in values.values()) and not all(
        _NUMBER_OR_DATE.fullmatch(key) for key in document
    ):
        shown = ", ".join(list(document)[:MAX_KEYS_SHOWN])
        raise DataError(f"{name}: holds arrays in several objects ({shown}); give one of them")
    return _with_index(_of_records(list(document.values())), {None: list(document)})


def _are_columns(outer: Mapping[str, Any], inner: Mapping[str, Any], role: str | None) -> bool | None:
    """Whether the outer names are those of columns; None if nothing tells."""
    named = [any(_names_role(key) for key in keys) for keys in (outer, inner)]
    if named[0] != named[1]:
        return named[0]
    labels = [all(_NUMBER_OR_DATE.fullmatch(key) for key in keys) for keys in (outer, inner)]
    if labels[0] != labels[1]:
        return labels[1]
    # pandas' default; but if the other reading would serve as well, there is no telling
    would_serve = len(outer) == len(inner) or (role is None and 2 in (len(outer), len(inner)) and not labels[1])
    return None if would_serve or named[0] else True


def _names_role(key: str) -> bool:
    """Whether a column of this name is found by it: a role or one of its usual names, or one of them and an ending."""
    from losscli.data.role_names import OTHER_NAMES

    names = {*OTHER_NAMES, *(name for others in OTHER_NAMES.values() for name in others if len(name) > 1)}
    lower = key.lower()
    return lower in names or lower == "y" or any(lower.startswith((f"{name}_", f"{name}[")) for name in names)


def unpack_vectors(values: Sequence[Any], name: str, column: str, start: int) -> Sequence[Any]:
    """Return Spark's vectors, `{"type": 1, "values": [...]}` or sparse, as lists; other values as they are.

    Raises:
        DataError: A vector's indices do not fit its size; the message counts rows from `start`.
    """
    return [
        _dense(value, f"{name}: column {column!r}, row {start + i + 1}") if _is_vector(value) else value
        for i, value in enumerate(values)
    ]


def _is_vector(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in (0, 1) and isinstance(value.get("values"), list)


def _dense(vector: Mapping[str, Any], where: str) -> list[Any]:
    values: list[Any] = vector["values"]
    if vector["type"] == 1:
        return values
    size, indices = vector.get("size"), vector.get("indices")
    if type(size) is not int or size < 0 or not isinstance(indices, list) or len(indices) != len(values):
        raise DataError(f"{where}: is not a sparse vector: it lacks its size, or an index for each value")
    wrong = next((index for index in indices if type(index) is not int or not 0 <= index < size), None)
    if wrong is not None:
        raise DataError(f"{where}: index {shorten(wrong)} of a sparse vector of size {size}")
    if size > MAX_SIZE_OF_VECTOR or len(set(indices)) < len(indices):
        raise DataError(f"{where}: is not a sparse vector: its size is {size}, its indices are {shorten(indices)}")
    dense: list[Any] = [0.0] * size
    for index, value in zip(indices, values, strict=True):
        dense[index] = value
    return dense
