"""Where a value was read: what makes an error name file, column and row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.intervals import Mask, number_text
from losscli.errors import DataError

FULL = 1 << 14
"""Rows of a batch that others may follow."""


@dataclass(eq=False, repr=False)
class ValueOrigin:
    """Where the values of one role come from: makes errors that name file, column and row.

    `rows` holds the 1-based row numbers of the values as they stand in the data; where there are `more` than those in
    a batch, a count of them is not over. `memory` lives through all batches of a role, for checks that one batch alone
    cannot make. `spelled` says how messages call a column that has another name in the file; `located` gives the file
    of a row, where the source is of several, and the number of the row in that.
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
        return ValueOrigin(
            self.role, self.source, self.columns, rows, self.memory, self.note, self.count_is_partial, self.quoted_name, self.file_and_row
        )  # fmt: skip

    def name(self, index: Sequence[int] = (), source: str | None = None) -> str:
        """File and column, or role, of a value; the file is the source if it is not given."""
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
        """File, column and row of the value at row `i`."""
        source, row = self.file(i)
        return f"{self.name((i, *column), source)}, row {row}"

    def file(self, i: int) -> tuple[str, int]:
        """The file that row `i` is in, and its number there."""
        if self.rows is None:
            return self.source, i + 1
        row = int(self.rows[i])
        return (self.source, row) if self.file_and_row is None else self.file_and_row(row)

    def note_once(self, odd: Mask, what: str) -> None:
        """Note, once for all batches, the first of some odd rows; `what` says what is odd."""
        if not odd.any() or self.memory.get(what):
            return
        self.memory[what] = True
        count = int(np.count_nonzero(odd))
        least = "at least " if self.count_is_partial else ""
        others = f" (and {least}{count - 1} more row{'s' if count > 2 else ''} like it)" if count > 1 else ""
        self.note(f"{self.where(int(odd.argmax()))}: {what}{others}")

    def error(self, wrong: Mask, values: NDArray[Any], what: str, hint: str = "") -> DataError:
        """The error for the first wrong value; `what` follows the value, `mend` says what to do."""
        index = [int(i) for i in np.argwhere(wrong)[0]]
        rows = int(np.count_nonzero(wrong.reshape(len(wrong), -1).any(axis=1)))
        value = values[tuple(index)] if values.ndim == wrong.ndim else values[index[0]]
        least = (
            "at least " if self.count_is_partial or len(wrong) >= FULL else ""
        )  # there may be more in what has not been read yet
        others = f" (and {least}{rows - 1} more row{'s' if rows > 2 else ''} like it)" if rows > 1 else ""
        tail = f"; {hint}" if hint else ""
        shown = number_text(float(value)) if np.ndim(value) == 0 and not isinstance(value, str) else repr(value)
        return DataError(f"{self.where(*index)}: {shown} {what}{others}{tail}")
