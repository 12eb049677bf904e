"""Concatenate batches as they come, and split a batch into pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, at_rows, bytes_per_row, join_numbers, rows_per_batch
from losscli.data.coded_text import CodedText, concat_columns
from losscli.declaration.domains import Mask
from losscli.declaration.row_lists import RowLists, offsets_of

ROOM_FACTOR = 1.1
"""Rows to make room for, per row expected."""


class GrowableArray:
    """An array that grows in place; the system commits the memory of rows that are not written yet only then."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._store, self._n_rows = values, len(values)

    def add(self, values: NDArray[Any], n_expected: int) -> None:
        """Append values; if they do not fit, make room for twice as many rows, or `n_expected` in all if more."""
        size = self._n_rows + len(values)
        if values.dtype != self._store.dtype or values.shape[1:] != self._store.shape[1:]:
            self._store = np.concatenate([self.values, values])  # finds a type for both; refuses different shapes
        else:
            if size > len(self._store):
                store = np.empty((max(2 * size, n_expected), *values.shape[1:]), dtype=values.dtype)
                store[: self._n_rows] = self.values
                self._store = store
            self._store[self._n_rows : size] = values
        self._n_rows = size

    @property
    def values(self) -> NDArray[Any]:
        """The values so far, as a view."""
        return self._store[: self._n_rows]


class GrowableLists:
    """Lists of rows that others are appended to."""

    def __init__(self, lists: RowLists) -> None:
        self._parts = [lists]

    def add(self, lists: Any, n_expected: int) -> None:
        """Append lists."""
        self._parts.append(lists)

    @property
    def values(self) -> Any:
        """The lists so far."""
        offsets = offsets_of(np.concatenate([np.diff(part.offsets) for part in self._parts]))
        numbers = join_numbers([part.numbers for part in self._parts])
        return RowLists(np.concatenate([part.values for part in self._parts]), offsets, numbers)


class BatchCollector:
    """Concatenates batches, none of which it keeps but the first."""

    def __init__(self, progress: Callable[[], float | None] = lambda: None) -> None:
        """Start empty; `progress` returns the fraction of the data that has been added, or None."""
        self._progress = progress
        self._first: Batch | None = None
        self._arrays: dict[tuple[str, str], GrowableArray | GrowableLists] = {}
        self._coded: dict[str, list[CodedText]] = {}
        self._queries: list[CodedText] = []
        self._numbers: list[NDArray[np.int64] | range] = []
        self._n_rows = 0

    def add(self, batch: Batch, n_expected: int = 0) -> None:
        """Add a batch, of so many rows in all if that is known."""
        self._n_rows += len(batch)
        for name, column in batch.extras.items():
            if isinstance(column, CodedText):
                self._coded.setdefault(name, []).append(column)
        if batch.query is not None:
            self._queries.append(batch.query)
        self._numbers.append(batch.numbers)
        if self._first is None:
            self._first = batch
            return
        if not self._arrays:
            self._arrays = {
                key: GrowableLists(values) if isinstance(values, RowLists) else GrowableArray(values)
                for key, values in _arrays_by_row(self._first)
            }
        done = self._progress()
        n_expected = n_expected or (int(ROOM_FACTOR * self._n_rows / done) if done else 0)
        for key, values in _arrays_by_row(batch):
            self._arrays[key].add(values, n_expected)

    def batch(self) -> Batch:
        """Return all rows of the batches, of which there was at least one."""
        first = self._first
        assert first is not None
        if not self._arrays:
            return first
        found = {key: array.values for key, array in self._arrays.items()}
        rows = join_numbers(self._numbers)
        return replace(
            first,
            numbers=rows,
            arrays={name: found.get(("arrays", name), array) for name, array in first.arrays.items()},
            origins=at_rows(first.origins, rows, first.tables),
            weight=found.get(("", "weight")),
            extras={
                name: concat_columns(self._coded[name]) if name in self._coded else found["extras", name]
                for name in first.extras
            },
            missing=_none_if_all_false(found["", "missing"]),
            absent=_none_if_all_false(found["", "absent"]),
            query=concat_columns(self._queries) if self._queries else None,
        )


def concat_batches(batches: Iterable[Batch]) -> Batch:
    """Return all rows of at least one batch; those of a list are copied once."""
    total = sum(map(len, batches)) if isinstance(batches, list) else 0
    collector = BatchCollector()
    for batch in batches:
        collector.add(batch, total)
    return collector.batch()


def _arrays_by_row(batch: Batch) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield (field, name) and array, for all arrays that have a value per row."""
    for name, mask in (("missing", batch.missing), ("absent", batch.absent)):
        yield ("", name), np.zeros(len(batch), dtype=bool) if mask is None else mask
    if batch.weight is not None:
        yield ("", "weight"), batch.weight
    yield from ((("arrays", name), array) for name, array in batch.arrays.items() if name not in batch.tables)
    yield from ((("extras", name), c) for name, c in batch.extras.items() if not isinstance(c, CodedText))


def rows_in_batch(rows: Batch) -> int:
    """Return how many of some rows are a batch."""
    return rows_per_batch(bytes_per_row(a.shape for role, a in rows.arrays.items() if role not in rows.tables))


def split_batch(batch: Batch, rows: int | None = None) -> Iterator[Batch]:
    """Yield pieces of some rows, by default as many as are a batch; a mask that is all False becomes None."""
    rows = rows or rows_in_batch(batch)
    for start in range(0, len(batch), rows):
        piece = batch.take(slice(start, start + rows))
        yield replace(piece, missing=_none_if_all_false(piece.missing), absent=_none_if_all_false(piece.absent))


def _none_if_all_false(mask: Mask | None) -> Mask | None:
    return None if mask is None or not mask.any() else mask
