"""Columns that hold one part of each row: the numbers of a box, x1, y1, x2, y2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from losscli.data.table import Column, Table
from losscli.errors import DataError
from losscli.messages import Hint

PART_SEPARATORS = ("_", ".", "-", " ")


def group_by_parts(columns: Sequence[Column], parts: Sequence[str]) -> dict[str, tuple[Column, ...]]:
    """Group columns whose names differ only in the part (true_x1, true_y1) by the rest of them, in the parts' order.

    Groups that lack a part are left out.
    """
    found: dict[str, dict[str, Column]] = {}
    for column in columns:
        for part in parts:
            rest = _without_part(column.name.lower(), part)
            if rest is not None and bool(column.trailing) == (len(parts) == 1):
                found.setdefault(rest, {}).setdefault(part, column)
    return {rest: tuple(group[part] for part in parts) for rest, group in found.items() if len(group) == len(parts)}


def _without_part(name: str, part: str) -> str | None:
    """Return `true` for true_x1 and x1_true, "" for x1 itself, None if the name has no such part."""
    if part not in name:
        return None
    if name == part:
        return ""
    for separator in PART_SEPARATORS:
        if name.endswith(separator + part):
            return name[: -len(separator + part)]
        if name.startswith(part + separator):
            return name[len(part + separator) :]
    return None


def choose_group(
    groups: Mapping[str, tuple[Column, ...]], names: Sequence[str], other_names: Sequence[str], is_own_file: bool
) -> tuple[Column, ...] | None:
    """Return the group that has one of the names; else the only one without a name, or of two that at its position.

    The position is that of `y_pred`, after `y_true`, if that is among the names. Beside a group that has one of the
    other role's names, the one without a name is chosen.
    """
    for name in names:
        if name in groups:
            return groups[name]
    unnamed = [columns for rest, columns in groups.items() if not rest or rest.isdigit()]
    if is_own_file:
        return unnamed[0] if len(unnamed) == 1 else next(iter(groups.values())) if len(groups) == 1 else None
    if len(unnamed) == 1 and len(groups) == 2 and any(rest in other_names for rest in groups if rest):
        return unnamed[0]
    return unnamed["y_pred" in names] if len(unnamed) == len(groups) == 2 else None


def unlike_setting(
    role: str, table: Table, columns: Sequence[Column], wanted: str, settings: Sequence[str]
) -> DataError:
    """Return the error that says by which settings the columns of a role are read."""
    named = ", ".join(repr(column.name) for column in columns)
    problem = f"{table.label}the columns of {role}, {named}, are not for {wanted}"
    if len(settings) == 1:
        return DataError(problem, Hint.CHOOSE_PARAMETER, setting=settings[0])
    return DataError(problem, Hint.CHOOSE_PARAMETERS, setting=settings[0], other=settings[1])
