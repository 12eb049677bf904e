"""Columns that are the parts of one thing, told by their names: true_x1, true_y1, true_x2, true_y2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from losscli.data.table import Column

JOINS = ("_", ".", "-", " ")


def groups(columns: Sequence[Column], parts: Sequence[str]) -> dict[str, tuple[Column, ...]]:
    """What is written before or after the parts' names -> the columns, in the order of the parts; whole ones only."""
    found: dict[str, dict[str, Column]] = {}
    for column in columns:
        for part in parts:
            affix = _affix(column.name.lower(), part)
            if affix is not None and not column.trailing:
                found.setdefault(affix, {}).setdefault(part, column)
    whole = {affix: by_part for affix, by_part in found.items() if len(by_part) == len(parts)}
    return {affix: tuple(by_part[part] for part in parts) for affix, by_part in whole.items()}


def _affix(name: str, part: str) -> str | None:
    """`true` for true_x1 and x1_true, nothing for x1 itself, None where the part is not in the name."""
    if name == part:
        return ""
    for join in JOINS:
        if name.endswith(join + part):
            return name[: -len(join + part)]
        if name.startswith(part + join):
            return name[len(part + join) :]
    return None


def of_role(
    found: Mapping[str, tuple[Column, ...]], names: Sequence[str], place: int, alone: bool
) -> tuple[Column, ...] | None:
    """The group that goes by one of the names; else, of unnamed groups, the only one or that at the role's place."""
    for name in names:
        if name in found:
            return found[name]
    unnamed = [columns for affix, columns in found.items() if not affix or affix.isdigit()]
    if alone:
        return unnamed[0] if len(unnamed) == 1 else next(iter(found.values())) if len(found) == 1 else None
    return unnamed[place] if len(unnamed) == len(found) == 2 else None
