"""A batch: some rows of every role as float64 arrays, and where they were read."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import CodedText, find_missing_text, group_rows, text_digests
from losscli.data.model_roles import is_of_model, model_role, split_model_role
from losscli.declaration.domains import Array, Domain, Mask, ValueOrigin
from losscli.declaration.row_lists import QUERY, RowLists
from losscli.errors import DataError, NoResultError
from losscli.messages import Hint, number_text

ROWS_PER_BATCH = 1 << 18
"""Most rows of a batch: more would not stay in cache, fewer would leave threads waiting for Python."""

BYTES_PER_BATCH = 1 << 22
"""Most bytes of a batch, unless one row has more: a kernel holds several times as many, and so does each thread."""

BYTES_PER_FLOAT = 8

LEAST_WEIGHT_SUM = 1e-290
"""The least sum of weights: below it products of a weight and a loss come near the least float, and lose digits."""

MAX_COLUMN_MAJOR_WIDTH = 64
"""Most columns of a matrix that is stored by column: its row sums then add whole columns."""

MODEL_ROLE = model_role("y_pred", "")
"""Prefix of the roles that hold the predictions of one of several models."""


def rows_per_batch(row_bytes: int) -> int:
    """Return how many rows of so many bytes, once they are float64, are a batch: at least one."""
    return max(1, min(ROWS_PER_BATCH, BYTES_PER_BATCH // max(1, row_bytes)))


def bytes_per_row(shapes: Iterable[Sequence[int]]) -> int:
    """Return the bytes of a row of arrays of these shapes (N, ...) as float64."""
    return BYTES_PER_FLOAT * sum(math.prod(shape[1:]) for shape in shapes)


def shift_numbers(numbers: NDArray[np.int64] | range, rows_before: int) -> NDArray[np.int64] | range:
    """Return the numbers of rows with so many rows more before them."""
    if isinstance(numbers, range):
        return range(numbers.start + rows_before, numbers.stop + rows_before)
    return numbers + rows_before


def numbers_array(numbers: NDArray[np.int64] | range) -> NDArray[np.int64]:
    """Return the numbers of rows as an array."""
    return np.arange(numbers.start, numbers.stop) if isinstance(numbers, range) else numbers


def join_numbers(several: Sequence[NDArray[np.int64] | range]) -> NDArray[np.int64] | range:
    """Return the numbers of rows of consecutive batches: one range if they leave out none."""
    ranges = [numbers for numbers in several if isinstance(numbers, range)]
    if len(ranges) == len(several) and all(a.stop == b.start for a, b in pairwise(ranges)):
        return range(ranges[0].start, ranges[-1].stop)
    return np.concatenate([*map(numbers_array, several)])


def at_rows(
    origins: Mapping[str, ValueOrigin], rows: NDArray[np.int64] | range, tables: Container[str]
) -> dict[str, ValueOrigin]:
    """Return the origins of values in these rows; those of `tables` have no rows."""
    return {role: origin if role in tables else origin.at(rows) for role, origin in origins.items()}


@dataclass(eq=False, repr=False)
class Batch:
    """Rows of a dataset.

    Attributes:
        numbers: The rows' numbers in the data, from 1.
        arrays: Role -> array (n, ...); those of `tables` are the same in every batch.
        origins: Role -> where its values were read.
        weight: The rows' weights (n,).
        extras: Columns that are no role, as text: groups by codes, the others (ids) as objects.
        missing: The rows that lack a value, if such rows are kept.
        absent: The rows of weight 0, which no statistic counts.
        tables: The roles whose arrays have no row per sample.
        length: The number of rows of the dataset if known.
        query: The query of each row; in a batch of queries, which are its rows then, the name of each.
    """

    numbers: NDArray[np.int64] | range
    arrays: dict[str, NDArray[Any]]
    origins: dict[str, ValueOrigin]
    weight: Array | None = None
    extras: dict[str, NDArray[Any] | CodedText] = field(default_factory=dict)
    missing: Mask | None = None
    absent: Mask | None = None
    tables: frozenset[str] = frozenset()
    length: int | None = None
    query: CodedText | None = None
    _checked: dict[tuple[str, Domain], NDArray[Any]] = field(default_factory=dict, init=False, repr=False)
    _clusters: dict[str, NDArray[np.uint64]] = field(default_factory=dict, init=False, repr=False)
    _column_major: dict[str, NDArray[Any]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The row numbers as an array, built on demand: most losses do not need it."""
        return numbers_array(self.numbers)

    @property
    def left_out(self) -> Mask | None:
        """The rows that no loss gets: those that are missing or absent; None if there are none."""
        if self.missing is None or self.absent is None:
            return self.absent if self.missing is None else self.missing
        return self.missing | self.absent

    def rows_at(self, kept: Mask | NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the numbers of some of the rows."""
        if not isinstance(self.numbers, range):
            return self.numbers[kept]
        return self.numbers.start + (np.flatnonzero(kept) if kept.dtype == bool else kept)

    def check(
        self, role: str, domain: Domain, array: NDArray[Any], origin: ValueOrigin, dims: Mapping[str, Any]
    ) -> NDArray[Any]:
        """Return a role's values, checked against a domain once for all losses.

        A matrix of few columns is stored by column.
        """
        key = role, domain
        if isinstance(array, RowLists):
            values = self.check(role, domain, array.values, origin.at(array.numbers), dims)
            return array.with_values(values)
        if key not in self._checked:
            is_narrow = array.ndim == 2 and 1 < array.shape[1] <= MAX_COLUMN_MAJOR_WIDTH
            if is_narrow and len(array) > 1 and not array.flags.f_contiguous:
                if role not in self._column_major:
                    self._column_major[role] = np.asfortranarray(array)
                array = self._column_major[role]
            self._checked[key] = domain.check(array, origin, dims)
        return self._checked[key]

    def keys(self, id: str | None) -> NDArray[Any] | CodedText | None:
        """Return the names of the rows (n,): those of queries, or the column `id` if there is one."""
        return self.query if self.query is not None else None if id is None else self.extras[id]

    def clusters(self, name: str | None) -> NDArray[np.uint64] | None:
        """Return the clusters of the rows by a column of the extras (n,), as digests of its text; None without one."""
        if name is None:
            return None
        if name not in self._clusters:
            self._clusters[name] = text_digests(self.extras[name])
        return self._clusters[name]

    def shape_text(self, role: str) -> str:
        """Return the role's shape over the whole dataset, with N for an unknown length."""
        array = self.arrays[role]
        first = array.shape[0] if role in self.tables else self.length
        sizes = ["N" if first is None else str(first), *map(str, array.shape[1:])]
        return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def take(self, kept: Mask | NDArray[np.intp] | slice) -> Batch:
        """Return some of the rows: those of a mask or of indices as a copy, those of a slice as views."""
        rows = self.numbers[kept] if isinstance(kept, slice) else self.rows_at(kept)
        return Batch(
            rows,
            {name: array if name in self.tables else array[kept] for name, array in self.arrays.items()},
            at_rows(self.origins, rows, self.tables),
            None if self.weight is None else self.weight[kept],
            {name: column[kept] for name, column in self.extras.items()},
            None if self.missing is None else self.missing[kept],
            None if self.absent is None else self.absent[kept],
            self.tables,
            self.length,
            None if self.query is None else self.query[kept],
        )

    def changed(self, **arrays: NDArray[Any]) -> Batch:
        """Return the same rows with other values in some roles, of which nothing is remembered."""
        known = {role: replace(self.origins[role], memory=dict(self.origins[role].memory)) for role in arrays}
        return replace(self, arrays=self.arrays | arrays, origins=self.origins | known)

    def predicted_by(self, model: str) -> Batch:
        """Return the same rows with the predictions of one model, and whatever else is its own, and of no other."""
        arrays = {role: array for role, array in self.arrays.items() if not is_of_model(role)}
        origins = {role: origin for role, origin in self.origins.items() if role in arrays}
        for role, array in self.arrays.items():
            base, owner = split_model_role(role)
            if is_of_model(role) and owner == model:
                arrays[base], origins[base] = array, self.origins[role]
        batch = replace(self, arrays=arrays, origins=origins)
        return batch if self.missing is None else replace(batch, missing=find_missing(batch))


@dataclass(eq=False, repr=False)
class RowPolicy:
    """What to do with rows that lack a value or have weight 0, and how many there were.

    Attributes:
        nan: `error` (count all rows that lack a value, then raise), `omit` or `propagate`.
        group_by: The columns whose values make groups.
        cluster: The column whose values are resampled whole, which must have no missing value; None without one.
        n: The number of rows read.
        omitted: The number of rows left out because they lack a value.
        weightless: The number of rows of weight 0.
        lacking: The number of rows that lack a value where that is an error.
        left_out: The number of rows that were left out before: some model has no such row.
        omitted_groups: The groups of the rows left out.
        weight: The sum of the weights, infinity if it is beyond all floats; None without weights.
    """

    nan: str = "error"
    group_by: Sequence[str] = ()
    cluster: str | None = None
    n: int = 0
    omitted: int = 0
    weightless: int = 0
    lacking: int = 0
    left_out: int = 0
    omitted_groups: set[tuple[str, ...]] = field(default_factory=set)
    weight: float | None = None
    _first: str = ""

    @property
    def n_given(self) -> int:
        """The number of rows of the data, those among them that some model lacks."""
        return self.n + self.left_out

    @property
    def n_left_out(self) -> int:
        """The number of rows that were not evaluated because a value or a model's row is not there."""
        return self.omitted + self.left_out

    def fresh_copy(self) -> RowPolicy:
        """Return the same policy before any row."""
        return RowPolicy(self.nan, self.group_by, self.cluster)

    @property
    def repeating(self) -> tuple[str, ...]:
        """The columns of text that repeat."""
        return tuple(self.group_by) if self.cluster is None else (*self.group_by, self.cluster)

    def apply(self, batches: Iterator[Batch], is_part: bool = False) -> Iterator[Batch]:
        """Yield batches of the rows that count, with those of weight 0 marked as absent.

        If it `is_part`, other rows follow: values that are missing then only count.

        Raises:
            DataError: A weight is negative or infinite; a value is missing, if that is an error.
        """
        for given in batches:
            self.n += len(given)
            absent = None if given.weight is None else _find_absent(given, given.weight)
            batch = replace(given, absent=absent)
            missing = find_missing(batch)
            if self.cluster is not None:
                lacks_cluster = find_missing_text(batch.extras[self.cluster])
                missing = lacks_cluster if missing is None else missing | lacks_cluster
            if batch.query is not None and (lacks_query := find_missing_text(batch.query)).any():
                missing = lacks_query if missing is None else missing | lacks_query
            if missing is not None and absent is not None:
                missing &= ~absent
            if missing is not None and missing.any():
                if self.nan == "propagate":
                    batch.missing = missing
                elif self.nan == "omit":
                    self.omitted += int(missing.sum())
                    if self.group_by:
                        columns = [batch.extras[name][missing] for name in self.group_by]
                        self.omitted_groups.update(group_rows(columns)[0])
                    batch = batch.take(~missing)
                else:
                    if not self.lacking:
                        self._first = _describe_first(batch, missing, self.cluster)
                    self.lacking += int(missing.sum())
            if len(batch) and not self.lacking:  # after an error only the counts matter
                self.weightless += 0 if absent is None else int(absent.sum())
                self._add_weight(batch.weight)
                yield batch
        if not is_part:
            self.conclude()

    def _add_weight(self, weight: Array | None) -> None:
        if weight is not None:
            self.weight = (self.weight or 0.0) + sum_of_weights(weight)

    def conclude(self) -> None:
        """Check what can be told once all rows were read.

        Raises:
            NoResultError: There is no row.
            DataError: A value is missing where that is an error, or weights are too large or too small to add up.
        """
        if not self.n:
            raise NoResultError("there are no rows")
        if self.lacking:
            rows = "1 row lacks" if self.lacking == 1 else f"{self.lacking} rows lack"
            raise DataError(f"{self._first}: {rows} a value, of {self.n} (this is the first)", Hint.OMIT_OR_PROPAGATE)
        check_weight_sum(self.weight)

    def merge(self, other: RowPolicy) -> None:
        """Add the counts of another part; keep this one's first row that lacks a value."""
        self.n += other.n
        self.omitted += other.omitted
        self.weightless += other.weightless
        self.lacking += other.lacking
        self._add_weight(None if other.weight is None else np.array([other.weight]))
        self.omitted_groups |= other.omitted_groups


def groups_of(batch: Batch, names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Mask]]:
    """Return the distinct rows of columns of text, each with the mask of its rows; a missing value is empty text."""
    keys, index = group_rows([batch.extras[name] for name in names])
    for i in sorted(range(len(keys)), key=keys.__getitem__):
        yield keys[i], index == i


def _find_absent(batch: Batch, weight: Array) -> Mask | None:
    """Return the rows of weight 0, None if there are none; check all weights."""
    wrong = ~np.isnan(weight) & ((weight < 0) | np.isinf(weight))
    batch.origins["weight"].refuse(wrong, weight, "is not a weight: weights are >= 0 and finite")
    absent = weight == 0
    return absent if absent.any() else None


def sum_of_weights(weight: Array) -> float:
    """Return the sum of weights that are not missing, infinity if it is beyond all floats."""
    with np.errstate(over="ignore"):
        return float(np.nansum(weight))


def check_weight_sum(total: float | None) -> None:
    """Check the sum of all weights, None without weights.

    Raises:
        DataError: Nothing can be divided by it, or products of the weights have lost their digits.
    """
    if total is not None and math.isinf(total):
        raise DataError("the sum of the weights is not finite: divide them by the largest")
    if total and total < LEAST_WEIGHT_SUM:
        raise DataError(f"the weights add up to {number_text(total)}, too little for exact products: multiply them")


def find_missing(batch: Batch) -> Mask | None:
    """Return the rows that lack a value, None if there are none."""
    mask: Mask | None = None
    columns = [array for name, array in batch.arrays.items() if name not in batch.tables]
    columns += [] if batch.weight is None else [batch.weight]
    with np.errstate(invalid="ignore", over="ignore"):
        totals = [float(array.sum()) for array in columns]  # a pass without temporaries; inf - inf costs a closer look
    for array, total in zip(columns, totals, strict=True):
        if not math.isnan(total):
            continue
        if isinstance(array, RowLists):
            lacking = array.lacking()
        else:
            lacking = np.isnan(array).reshape(len(array), -1).any(axis=1)
        if lacking.any():
            mask = lacking if mask is None else mask | lacking
    return mask


def _describe_first(batch: Batch, missing: Mask, cluster: str | None) -> str:
    """Return file, column and row of the first missing value."""
    row = int(np.flatnonzero(missing)[0])
    for name, array in [*batch.arrays.items(), ("weight", batch.weight)]:
        if array is not None and name not in batch.tables and np.isnan(array[row]).any():
            return batch.origins[name].where(row, *([int(np.isnan(array[row]).argmax())] if array.ndim > 1 else []))
    if batch.query is not None and batch.query[row] is None:
        return batch.origins[QUERY].where(row)
    source, number = next(iter(batch.origins.values())).file(row)
    return f"{source}{': ' if source else ''}column {cluster!r} (cluster), row {number}"
