"""A batch: some rows of every role, as float64 arrays, with where they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Domain, Mask, ValueOrigin
from losscli.errors import DataError

ROWS = 1 << 18
"""Rows of a batch at most: more would not stay in cache, fewer would leave threads waiting for Python."""

FEWEST = 1 << 14
"""Rows of a batch at least, however wide they are."""

CELLS = 1 << 19
"""Numbers of a batch that may be of more rows than that."""


def fitting(rows: int, width: int) -> int:
    """At most so many rows, as many as fit in cache where each has `width` numbers."""
    return min(rows, max(FEWEST, CELLS // max(1, width)))


NARROW = 64
"""Columns of a table that is better looked at by column."""

MODEL = "y_pred@"
"""What the role of the predictions of one model of several starts with."""


@dataclass(eq=False, repr=False)
class Batch:
    """Rows of a dataset.

    `numbers` are those that the rows have in the data, from 1. `arrays` maps roles to arrays (n, ...); table roles are
    whole and the same in every batch. `extras` carries columns that are no role (ids, groups) as they are. `missing`
    masks the rows that lack a value, where the policy is to propagate them; `absent` those of weight 0, which no
    statistic counts.
    """

    numbers: NDArray[np.int64] | range
    arrays: dict[str, NDArray[Any]]
    origins: dict[str, ValueOrigin]
    weight: Array | None = None
    extras: dict[str, NDArray[Any]] = field(default_factory=dict)
    missing: Mask | None = None
    absent: Mask | None = None
    tables: frozenset[str] = frozenset()
    length: int | None = None
    _checked: dict[tuple[str, Domain], NDArray[Any]] = field(default_factory=dict, init=False, repr=False)
    _columns: dict[str, NDArray[Any]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The numbers of the rows, as an array: most losses never ask."""
        numbers = self.numbers
        return np.arange(numbers.start, numbers.stop) if isinstance(numbers, range) else numbers

    def check(
        self, role: str, domain: Domain, array: NDArray[Any], origin: ValueOrigin, dims: Mapping[str, Any]
    ) -> NDArray[Any]:
        """The role's values checked against a domain: once, however many losses ask."""
        key = role, domain
        if key not in self._checked:
            self._checked[key] = domain.check(self._by_column(role, array), origin, dims)
        return self._checked[key]

    def _by_column(self, role: str, array: NDArray[Any]) -> NDArray[Any]:
        """A table of few columns with each of them in one piece: sums of rows then take whole columns at once."""
        if array.ndim != 2 or not 1 < array.shape[1] <= NARROW or len(array) < 2 or array.flags.f_contiguous:
            return array
        if role not in self._columns:
            self._columns[role] = np.asfortranarray(array)
        return self._columns[role]

    def shape_text(self, role: str) -> str:
        """The role's shape over the whole dataset, with N where its length is not known yet."""
        array = self.arrays[role]
        first = array.shape[0] if role in self.tables else self.length
        sizes = ["N" if first is None else str(first), *map(str, array.shape[1:])]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def take(self, kept: Mask) -> Batch:
        """The rows that a mask keeps."""
        rows = self.rows[kept]
        by_row = {
            name: array if name in self.tables else array[kept] for name, array in self.arrays.items()
        }  # fmt: skip
        return replace(
            self,
            numbers=rows,
            arrays=by_row,
            origins={name: p if name in self.tables else p.at(rows) for name, p in self.origins.items()},
            weight=None if self.weight is None else self.weight[kept],
            extras={name: column[kept] for name, column in self.extras.items()},
            missing=None if self.missing is None else self.missing[kept],
            absent=None if self.absent is None else self.absent[kept],
        )

    def slice(self, start: int, stop: int) -> Batch:
        """Rows by their places, without a copy."""
        part = slice(start, stop)
        rows = self.numbers[part]
        return replace(
            self,
            numbers=rows,
            arrays={name: array if name in self.tables else array[part] for name, array in self.arrays.items()},
            origins={name: p if name in self.tables else p.at(rows) for name, p in self.origins.items()},
            weight=None if self.weight is None else self.weight[part],
            extras={name: column[part] for name, column in self.extras.items()},
            missing=None if self.missing is None else self.missing[part],
            absent=None if self.absent is None else self.absent[part],
        )

    def changed(self, **arrays: NDArray[Any]) -> Batch:
        """The same rows with other values in some roles."""
        return replace(self, arrays={**self.arrays, **arrays})

    def predicted_by(self, model: str) -> Batch:
        """The same rows with the predictions of one model, and of no other."""
        others = {role for role in self.arrays if role.startswith(MODEL)}
        arrays = {role: array for role, array in self.arrays.items() if role not in others}
        origins = {role: origin for role, origin in self.origins.items() if role not in others}
        own = MODEL + model
        moved = replace(self, arrays=arrays | {"y_pred": self.arrays[own]},
                        origins=origins | {"y_pred": self.origins[own]})  # fmt: skip
        return moved if self.missing is None else replace(moved, missing=RowPolicy.missing_of(moved))


@dataclass(eq=False, repr=False)
class RowPolicy:
    """What becomes of rows that lack a value or weigh nothing; keeps count of them.

    `nan` is `error` (count them all, then raise), `omit` or `propagate`.
    """

    nan: str = "error"
    n: int = 0
    omitted: int = 0
    weightless: int = 0
    lacking: int = 0
    _first: str = ""

    def apply(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Batches of the rows that count, and of those of weight 0, marked as absent.

        Raises:
            DataError: a weight that is negative or not finite; a missing value, when that is an error.
        """
        yield from self.each(batches)
        self.conclude()

    def each(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """As `apply`, without the verdict."""
        for given in batches:
            batch = given
            self.n += len(batch)
            absent = self._absent(batch)
            missing = self.missing_of(batch)
            if missing is not None and absent is not None:
                missing &= ~absent  # what is absent lacks nothing
            if missing is not None and missing.any():
                batch = self._apply_nan(batch, missing)
                absent = self._absent(batch)
            if len(batch) and not self.lacking:  # where something lacks and must not, read on only to count
                self.weightless += 0 if absent is None else int(absent.sum())
                yield replace(batch, absent=absent)

    def conclude(self) -> None:
        """Once all is read: raise a DataError if something lacks that must not."""
        if self.lacking:
            rows = "1 row lacks" if self.lacking == 1 else f"{self.lacking} rows lack"
            raise DataError(
                f"{self._first}: {rows} a value, of {self.n}, this one first; --nan omit leaves them out, "
                "--nan propagate keeps them as NaN"
            )

    def merge(self, other: RowPolicy) -> None:
        """Count what another one has counted; where the first row is that lacks a value, only this one knows."""
        self.n += other.n
        self.omitted += other.omitted
        self.weightless += other.weightless
        self.lacking += other.lacking

    def _apply_nan(self, batch: Batch, missing: Mask) -> Batch:
        if self.nan == "propagate":
            return replace(batch, missing=missing)
        if self.nan == "omit":
            self.omitted += int(missing.sum())
            return batch.take(~missing)
        self._remember(batch, missing)
        return batch

    @staticmethod
    def _absent(batch: Batch) -> Mask | None:
        """Rows of weight 0, after a look at the weights."""
        weight = batch.weight
        if weight is None:
            return None
        wrong = ~np.isnan(weight) & ((weight < 0) | np.isinf(weight))
        if wrong.any():
            raise batch.origins["weight"].error(wrong, weight, "is not a weight: weights are >= 0 and finite")
        absent = weight == 0
        return absent if absent.any() else None

    @staticmethod
    def missing_of(batch: Batch) -> Mask | None:
        """The rows that lack a value."""
        mask: Mask | None = None
        columns = [array for name, array in batch.arrays.items() if name not in batch.tables]
        for array in columns + ([batch.weight] if batch.weight is not None else []):
            with np.errstate(invalid="ignore"):
                total = array.sum()  # one pass without a temporary; inf - inf only costs a closer look
            if not np.isnan(total):
                continue
            lacking = np.isnan(array).reshape(len(array), -1).any(axis=1)
            if lacking.any():
                mask = lacking if mask is None else mask | lacking
        return mask

    def _remember(self, batch: Batch, missing: Mask) -> None:
        """Count the rows; keep where the first one is."""
        if not self.lacking:
            row = int(np.flatnonzero(missing)[0])
            for name, array in [*batch.arrays.items(), ("weight", batch.weight)]:
                if array is not None and name not in batch.tables and np.isnan(array[row]).any():
                    column = [int(i) for i in np.flatnonzero(np.isnan(array[row]))[:1]] if array.ndim > 1 else []
                    self._first = batch.origins[name].where(row, *column)
                    break
        self.lacking += int(missing.sum())
