"""Where a value was read: what makes an error name file, column and row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.intervals import Mask
from losscli.errors import DataError
from losscli.messages import Hint, number_text

NAMES_BY_NUMBER = "names by number"
"""The key by which the names are remembered that numbers of labels stand for."""

MIN_ROWS_OF_FULL_BATCH = 1 << 14
"""After a batch of so many rows others may follow, which may hold more wrong values."""


@dataclass(eq=False, repr=False)
class ValueOrigin:
    """Where the values of one role come from: makes errors that name file, column and row.

    `rows` are the 1-based row numbers of the values in the data. `memory` lives through all batches of a role, for
    checks that need more than one. `count_is_partial` says that a batch does not hold all rows. `quoted_name` maps a
    column to its name in messages, if the file has another one. `file_and_row` returns the file of a row and its number
    there, if the data is of several files.
    """

    role: str
    source: str = ""
    columns: tuple[str, ...] = ()
    rows: NDArray[np.int64] | range | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    note: Callable[[str], None] = lambda text: None
    count_is_partial: bool = False
    quoted_name: Mapping[str, str] = field(default_factory=dict)
    file_and_row: Callable[[int], tuple[str, int]] | None = None

    def at(self, rows: NDArray[np.int64] | range) -> ValueOrigin:
        """Return the origin of values in these rows, with the same memory."""
        return ValueOrigin(
            self.role,
            self.source,
            self.columns,
            rows,
            self.memory,
            self.note,
            self.count_is_partial,
            self.quoted_name,
            self.file_and_row,
        )

    def name(self, index: Sequence[int] = (), source: str | None = None) -> str:
        """Return file and column, or role, of a value; the file is the source if it is not given."""
        source = self.source if source is None else source
        column = self.columns[index[1]] if len(index) > 1 and len(self.columns) > index[1] else None
        column = column or (self.columns[0] if len(self.columns) == 1 else None)
        text = f"column {self.quoted_name.get(column, repr(column))}" if column else self.role
        if column and self.role != column:
            text += f" ({self.role})"
        if not column and len(index) > 1:
            text += f"[{', '.join(str(int(i)) for i in index[1:])}]"
        return f"{source}: {text}" if source else text

    def where(self, i: int, *column: int) -> str:
        """Return file, column and row of the value at row `i`."""
        source, row = self.file(i)
        is_of_image = len(column) > 1 and len(self.columns) == 1
        element = f", element [{', '.join(map(str, column))}]" if is_of_image else ""
        return f"{self.name((i, *column), source)}, row {row}{element}"

    def file(self, i: int) -> tuple[str, int]:
        """Return the file of row `i`, and its number there."""
        if self.rows is None:
            return self.source, i + 1
        row = int(self.rows[i])
        return (self.source, row) if self.file_and_row is None else self.file_and_row(row)

    def note_once(self, odd: Mask, what: str) -> None:
        """Note the first of some odd rows, once for all batches; `what` says what is odd."""
        if not odd.any() or self.memory.get(what):
            return
        self.memory[what] = True
        others = _count_others(int(np.count_nonzero(odd)), self.count_is_partial)
        self.note(f"{self.where(int(odd.argmax()))}: {what}{others}")

    def refuse(self, wrong: Mask, values: NDArray[Any], what: str, hint: Hint | None = None) -> None:
        """Raise the error for the first wrong value, if there is one."""
        if wrong.any():
            raise self.error(wrong, values, what, hint)

    def refuse_empty(self) -> NoReturn:
        """Raise the error for a table without rows."""
        raise DataError(f"{self.name()}: has no rows")

    def error(self, wrong: Mask, values: NDArray[Any], what: str, hint: Hint | None = None, **fields: Any) -> DataError:
        """Return the error for the first wrong value; `what` follows the value, and the hint has the field `role`."""
        index = [int(i) for i in np.argwhere(wrong)[0]]
        count = int(np.count_nonzero(wrong.reshape(len(wrong), -1).any(axis=1)))
        value = values[tuple(index)] if values.ndim == wrong.ndim else values[index[0]]
        others = _count_others(count, self.count_is_partial or len(wrong) >= MIN_ROWS_OF_FULL_BATCH)
        value = self.memory.get(NAMES_BY_NUMBER, {}).get(value, value) if np.ndim(value) == 0 else value
        shown = number_text(float(value)) if np.ndim(value) == 0 and not isinstance(value, str) else repr(value)
        return DataError(f"{self.where(*index)}: {shown} {what}{others}", hint, role=self.role, **fields)


def _count_others(count: int, is_partial: bool) -> str:
    if count < 2:
        return ""
    return f" (and {'at least ' if is_partial else ''}{count - 1} more row{'s' if count > 2 else ''} like it)"
