"""Batches put side by side as they come: none of them stays in memory beside what all of them come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import ROWS, Batch, fitting
from losscli.declaration.domains import Mask

MARGIN = 1.1
"""How many more rows there may be than so far it seems."""


class GrowableArray:
    """An array that gets longer; memory that it has not come to costs nothing yet."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._store, self._size = values, len(values)

    def add(self, values: NDArray[Any], expected: int) -> None:
        """Add values, of which as many are `expected` in the end, as far as can be told."""
        size = self._size + len(values)
        if values.dtype != self._store.dtype or values.shape[1:] != self._store.shape[1:]:
            self._store = np.concatenate([self.values, values])  # of a type that holds both; shapes must be the same
        else:
            if size > len(self._store):
                store = np.empty((max(2 * size, expected), *values.shape[1:]), dtype=values.dtype)
                store[: self._size] = self.values
                self._store = store
            self._store[self._size : size] = values
        self._size = size

    @property
    def values(self) -> NDArray[Any]:
        return self._store[: self._size]


class BatchCollector:
    """Batches, and the one that they come to; `progress` tells which part of the data they are so far."""

    def __init__(self, progress: Callable[[], float | None] = lambda: None) -> None:
        self._progress = progress
        self._first: Batch | None = None
        self._columns: dict[tuple[str, str], GrowableArray] = {}
        self._masks: dict[str, list[Mask | None]] = {"missing": [], "absent": []}
        self._sizes: list[int] = []

    def add(self, batch: Batch) -> None:
        for name, masks in self._masks.items():
            masks.append(getattr(batch, name))
        self._sizes.append(len(batch))
        if self._first is None:
            self._first = batch
            self._columns = {key: GrowableArray(values) for key, values in _columns(batch)}
            return
        expected = self._expected()
        for key, values in _columns(batch):
            self._columns[key].add(values, expected)

    def _expected(self) -> int:
        """How many rows there may be in all: arrays that long need not be copied as they grow."""
        done = self._progress()
        return int(MARGIN * sum(self._sizes) / done) if done else 0

    def batch(self) -> Batch:
        """All rows that there were, of at least one batch."""
        assert self._first is not None
        if len(self._sizes) == 1:
            return self._first
        rows = self._columns["", "rows"].values
        found = {key: column.values for key, column in self._columns.items()}
        first, masks = self._first, {name: self._joined(masks) for name, masks in self._masks.items()}
        return replace(
            first,
            numbers=rows,
            arrays={name: found.get(("arrays", name), array) for name, array in first.arrays.items()},
            origins={name: p if name in first.tables else p.at(rows) for name, p in first.origins.items()},
            weight=found.get(("", "weight")),
            extras={name: found["extras", name] for name in first.extras},
            missing=masks["missing"],
            absent=masks["absent"],
        )

    def _joined(self, masks: Sequence[Mask | None]) -> Mask | None:
        """The masks of all batches as one; one that is not there masks nothing."""
        if all(mask is None for mask in masks):
            return None
        sizes = zip(masks, self._sizes, strict=True)
        return np.concatenate([np.zeros(size, dtype=bool) if mask is None else mask for mask, size in sizes])


def concat_batches(batches: Iterable[Batch]) -> Batch:
    """All rows of at least one batch."""
    gathered = BatchCollector()
    for batch in batches:
        gathered.add(batch)
    return gathered.batch()


def _columns(batch: Batch) -> Iterator[tuple[tuple[str, str], NDArray[Any]]]:
    """What has a value a row, but for the masks."""
    yield ("", "rows"), batch.rows
    if batch.weight is not None:
        yield ("", "weight"), batch.weight
    yield from ((("arrays", name), array) for name, array in batch.arrays.items() if name not in batch.tables)
    yield from ((("extras", name), column) for name, column in batch.extras.items())


def pieces(batch: Batch) -> Iterator[Batch]:
    """A batch in pieces that fit the cache, each with the masks that have something to say of it."""
    step = fitting(ROWS, len(batch.arrays))
    for start in range(0, len(batch), step):
        piece = batch.slice(start, start + step)
        yield replace(piece, missing=none_if_all_false(piece.missing), absent=none_if_all_false(piece.absent))


def none_if_all_false(mask: Mask | None) -> Mask | None:
    return None if mask is None or not mask.any() else mask
