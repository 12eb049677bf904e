"""Rows in lists, one a query: the values one after the other, and where each list begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUERY = "query"
"""The role that says which rows are one query."""

Offsets = NDArray[np.int64]
"""Where the lists begin, and the last one ends (Q + 1,): list q is `values[offsets[q]:offsets[q + 1]]`."""


class RowLists:
    """Values of rows (n,) in lists, none of them empty; like an array of lists (Q,) to whoever takes some of them.

    Attributes:
        values: The values, list by list (n,).
        offsets: Where the lists begin (Q + 1,).
        numbers: The rows' numbers in the data (n,).
    """

    ndim = 1

    def __init__(self, values: NDArray[Any], offsets: Offsets, numbers: NDArray[np.int64] | range) -> None:
        self.values, self.offsets, self.numbers = values, offsets, numbers

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def shape(self) -> tuple[int]:
        return (len(self.offsets) - 1,)

    @property
    def size(self) -> int:
        return self.values.size

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, kept: Any) -> RowLists:
        """Return some of the lists: those of a slice as views, those of a mask or of indices as copies."""
        if isinstance(kept, slice):
            start, stop, _ = kept.indices(len(self))
            stop = max(start, stop)
            first, last = int(self.offsets[start]), int(self.offsets[stop])
            return RowLists(self.values[first:last], self.offsets[start : stop + 1] - first, self.numbers[first:last])
        lists = np.flatnonzero(kept) if kept.dtype == bool else kept
        sizes = np.diff(self.offsets)[lists]
        offsets = offsets_of(sizes)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[lists] - offsets[:-1], sizes)
        return RowLists(self.values[rows], offsets, np.asarray(self.numbers)[rows])

    def with_values(self, values: NDArray[Any]) -> RowLists:
        """Return other values of the same rows."""
        return RowLists(values, self.offsets, self.numbers)

    def sum(self) -> Any:
        """Return the sum of all values."""
        return self.values.sum()

    def lacking(self) -> NDArray[np.bool_]:
        """Return which lists have a value that is NaN (Q,)."""
        found: NDArray[np.bool_] = np.logical_or.reduceat(np.isnan(self.values), self.offsets[:-1])
        return found


def offsets_of(sizes: NDArray[Any]) -> Offsets:
    """Return where lists of these sizes begin."""
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def flatten_lists(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays as kernels of queries take them: the values of rows list by list (n,), and the offsets as `query`.

    Matrices (N, K) are N lists; arrays (N,) that are no lists are one list.
    """
    values = {name: array for name, array in arrays.items() if name != QUERY}
    first = next(iter(values.values()))
    if isinstance(first, RowLists):
        flat, offsets = {name: array.values for name, array in values.items()}, first.offsets
    else:
        flat = {name: np.ascontiguousarray(array).reshape(-1) for name, array in values.items()}
        width = first.shape[1] if first.ndim == 2 else len(first)
        offsets = np.arange(0, first.size + 1, max(1, width), dtype=np.int64)
    return {**flat, QUERY: offsets}
