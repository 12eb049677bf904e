"""Values that the files of several models all hold, such as the targets: they must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.keys import AlignedChunks
from losscli.data.model_roles import SHARED_ROLES, is_of_model, split_model_role
from losscli.data.role_columns import RoleColumns
from losscli.data.values import shorten
from losscli.declaration.domains import ValueOrigin
from losscli.errors import DataError
from losscli.messages import Hint, number_text


def check_shared(
    arrays: dict[str, NDArray[Any]],
    origins: Mapping[str, ValueOrigin],
    bound: Mapping[str, RoleColumns],
    chunks: AlignedChunks,
    key: str | None,
) -> None:
    """Remove the copies of shared roles that the files of models hold, once they are the same in each.

    Args:
        arrays: Role -> values of some rows (n, ...), the copies among them.
        origins: Role -> where its values were read.
        bound: Role -> its columns.
        chunks: The same rows as they were read.
        key: The column that names the rows, if there is one.

    Raises:
        DataError: They differ in a row; the message names it, and both files.
    """
    for role in [role for role in arrays if is_of_model(role) and split_model_role(role)[0] in SHARED_ROLES]:
        base = split_model_role(role)[0]
        first, other = arrays[base], arrays.pop(role)
        mine, theirs = origins[base].source, origins[role].source
        if first.shape != other.shape:
            problem = f"{theirs}: {base} has shape {other.shape}, in {mine} {first.shape}"
            raise DataError(f"{problem}; models are compared on the same values")
        differ = (first != other) & ~(np.isnan(first) & np.isnan(other))
        if not differ.any():
            continue
        row, *place = (int(i) for i in np.argwhere(differ)[0])
        values = [_as_read(bound[name], chunks, row, place) for name in (role, base)]
        where = origins[role].where(row, *place[:1])
        keys = next((chunk[key] for chunk in chunks.values() if key in chunk), None)
        if keys is not None:
            where += f" ({key} {shorten(keys[row])})"
        hint = Hint.PAIR_IN_ORDER_OR_BY_ID if keys is None else None
        raise DataError(f"{where}: {base} is {values[0]}, but {values[1]} in {mine}", hint)


def _as_read(columns: RoleColumns, chunks: AlignedChunks, row: int, place: list[int]) -> str:
    """Return a value of a role as its file has it."""
    chunk, several = chunks[columns.table], len(columns.columns) > 1
    value = chunk[columns.columns[place[0] if several and place else 0].name][row]
    value = value if several or not np.ndim(value) else value[tuple(place)]
    return number_text(float(value)) if isinstance(value, (float, int, np.number)) else shorten(value)
