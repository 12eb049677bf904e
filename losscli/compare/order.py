"""The order of rows: by a cell of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from losscli.errors import UsageError
from losscli.messages import did_you_mean
from losscli.result_names import group_sort_key

Row = TypeVar("Row")

MAX_NAMES_LISTED = 30
"""Columns and models that an error lists."""


class SortOrder(NamedTuple):
    """A column or model to sort by, and whether from the largest."""

    name: str
    descending: bool

    @classmethod
    def of(cls, text: str, known: Sequence[str], kind: str = "column") -> SortOrder:
        """Return the order that a text asks for: a name, with a minus from the largest; `kind` is what has names.

        Raises:
            UsageError: There is no such name.
        """
        if text in known:  # a name may start with a minus
            return cls(text, False)
        name = text.removeprefix("-")
        if name in known:
            return cls(name, name != text)
        meant = did_you_mean(name, known)
        more = f" and {len(known) - MAX_NAMES_LISTED} more" if len(known) > MAX_NAMES_LISTED else ""
        listed = f"there are {', '.join(known[:MAX_NAMES_LISTED])}{more}"
        advice = f"{meant} {listed[0].upper()}{listed[1:]}" if meant else listed
        raise UsageError(f"there is no {kind} {name!r}; {advice}", option=("sort", text))

    def sort(self, rows: Sequence[Row], cell_of: Callable[[Row], Any]) -> list[Row]:
        """Sort rows by a cell each: numbers by size, before texts; rows without one last, equal ones as they come."""
        keys = [_sort_key(cell_of(row)) for row in rows]
        present = sorted(
            (i for i, key in enumerate(keys) if key is not None), key=keys.__getitem__, reverse=self.descending
        )
        return [rows[i] for i in present] + [row for row, key in zip(rows, keys, strict=True) if key is None]


def _sort_key(cell: Any) -> Any:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    return group_sort_key((cell,)) if isinstance(cell, str) else [(False, float(cell), "")]
