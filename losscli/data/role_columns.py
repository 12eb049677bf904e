"""The columns of a role in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from losscli.data.labels import Endings
from losscli.data.table import Column, Table


class RoleColumns(NamedTuple):
    """The columns of a role in a table; of several, `endings` are what their names differ in."""

    role: str
    table: Table
    columns: tuple[Column, ...]
    endings: Endings = Endings(())

    @property
    def names(self) -> tuple[str, ...]:
        """The endings of the columns' names: those of classes are the names of these."""
        return self.endings.names

    def take(self, order: Sequence[int]) -> RoleColumns:
        """Return the columns in another order."""
        return self._replace(columns=tuple(self.columns[i] for i in order), endings=self.endings.take(order))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the role's array, with -1 for a length that is not known yet."""
        length = -1 if self.table.length is None else self.table.length
        n_columns = len(self.columns)
        return (length, n_columns) if n_columns > 1 else (length, *self.columns[0].trailing)
