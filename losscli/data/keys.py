"""Keys of rows: pair the rows of several files by them, and check that rows paired in order have the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.table import Chunk, Kind, Table, count_chunk_rows
from losscli.data.values import parse_number, shorten
from losscli.errors import DataError
from losscli.messages import Hint, number_text

AlignedChunks = dict[Table, Chunk]
"""Chunks of the same rows, by table."""

MAX_KEY_EXPONENT = 400
"""Largest exponent of a number that is written out as a key: no float is larger."""

_NUMBER = r"-?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d+)?"
"""A number without leading zeros, which would belong to a name: 007 is not 7."""

_MIDNIGHT = r"(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0+)?)?"


def canonical_key(text: str) -> str:
    """Return the spelling by which keys are compared: ` 1461`, `1461.0`, `1.461e3` are 1461, midnight is the date."""
    if text.isdigit():
        return text
    text = text.strip()
    if re.fullmatch(_NUMBER, text):
        from decimal import Decimal

        number = Decimal(text)
        if abs(number.adjusted()) < MAX_KEY_EXPONENT:
            whole = int(number)
            return str(whole) if whole == number else format(number, "f").rstrip("0")
    midnight = re.fullmatch(_MIDNIGHT, text)
    return midnight.group(1) if midnight else text


def is_whole_key(text: str) -> bool:
    """Tell whether a key is a text or a whole number, unlike a measured value such as 2.5."""
    number = parse_number(text)
    return number is None or number.is_integer()


def index_keys(table: Table, keys: NDArray[Any]) -> dict[str, int]:
    """Return the index of each key (N,) in its canonical spelling.

    Raises:
        DataError: A row has no key, or two rows have the same.
    """
    indices: dict[str, int] = {}
    for i, given in enumerate(keys.tolist()):
        if given is None:
            raise DataError(f"{table.label}row {i + 1} has no key")
        key = canonical_key(given)
        if key in indices:
            first = keys[indices[key]]
            spelled = f" {given!r}" if first == given else f", {first!r} and {given!r}"
            raise DataError(f"{table.label}rows {indices[key] + 1} and {i + 1} have the same key{spelled}")
        indices[key] = i
    return indices


def check_same_keys(
    first: str, order: Mapping[str, int], other: str, indices: Mapping[str, int], hint: Hint | None = None
) -> None:
    """Raise a DataError, with a hint, if one of two tables, which messages call so, lacks a key of the other."""
    for a, mine, b, theirs in ((first, order, other, indices), (other, indices, first, order)):
        lacking = [key for key in mine if key not in theirs]
        if lacking:
            count = len(lacking) - 1
            more = f" (and {count} more {'key' if count == 1 else 'keys'})" if count else ""
            raise DataError(f"{b}: has no row with the key {lacking[0]!r}, which {a} has{more}", hint)


class SharedKey(NamedTuple):
    """A key column of two tables whose rows are paired in order.

    `labels` are what messages call the tables. If it `is_default_index`, a table may hold 0, 1, 2, ... because nobody
    gave its rows keys, which contradicts nothing.
    """

    name: str
    kind: Kind
    tables: tuple[Table, Table]
    labels: tuple[str, str]
    is_default_index: bool


def check_order(chunks: Iterable[AlignedChunks], keys: Sequence[SharedKey]) -> Iterator[AlignedChunks]:
    """Pass aligned chunks on, and check that both tables of each key have the same one in every row.

    Raises:
        DataError: They differ in a row; the message names the first one.
    """
    checks = [_OrderCheck(key) for key in keys]
    rows = 0
    for aligned in chunks:
        size = count_chunk_rows(next(iter(aligned.values())))
        for check in checks:
            check.compare(aligned, rows)
        rows += size
        yield aligned
    for check in checks:
        check.conclude()


class _OrderCheck:
    """Compares the two columns of a key chunk by chunk."""

    def __init__(self, key: SharedKey) -> None:
        self._key = key
        self._error: DataError | None = None
        # a default index can be told from the whole column alone
        self._are_default = [key.is_default_index] * 2
        self._moments = [np.zeros(3, dtype=np.uint64)] * 2

    def compare(self, aligned: AlignedChunks, rows_before: int) -> None:
        """Compare the keys of some rows.

        Raises:
            DataError: They differ, and neither column can be a default index.
        """
        mine, theirs = (aligned[table][self._key.name] for table in self._key.tables)
        differ = _differing(mine, theirs)
        if differ.size and self._error is None:
            self._error = self._describe(mine, theirs, int(differ[0]), rows_before)
        if not any(self._are_default):
            if self._error is not None:
                raise self._error
            return
        first = _as_numbers(mine)
        for i, numbers in enumerate((first, _as_numbers(theirs) if differ.size else first)):
            self._are_default[i] &= bool((numbers == np.arange(rows_before, rows_before + len(numbers))).all())
            if self._error is not None:  # what comes before is the same in both
                self._moments[i] = self._moments[i] + _moments(numbers)
        if self._error is not None and not any(self._are_default):
            raise self._error

    def conclude(self) -> None:
        """Raise the error for keys that differ, unless one column is a default index and the other no order of it."""
        if self._error is not None and (self._moments[0] == self._moments[1]).all():
            raise self._error

    def _describe(self, mine: NDArray[Any], theirs: NDArray[Any], i: int, rows_before: int) -> DataError:
        (first, other), name = self._key.labels, self._key.name
        file, row = self._key.tables[1].row_numbers.file_and_row(rows_before + i + 1)
        contradiction = f"{_shown(theirs[i])}, where {first} has {_shown(mine[i])}, but rows are paired in order"
        problem = f"{file or other}: column {name!r}, row {row}: {contradiction}"
        return DataError(problem, Hint.PAIR_BY_ID if name else Hint.PAIR_BY_NAME, column=name)


def _shown(key: Any) -> str:
    return number_text(key) if isinstance(key, float) else "nothing" if key is None else shorten(key)


def _differing(mine: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.intp]:
    """Return the indices at which two columns of keys differ."""
    if mine.dtype.kind == "f":
        return np.flatnonzero((mine != theirs) & ~(np.isnan(mine) & np.isnan(theirs)))
    indices = np.flatnonzero(mine != theirs)
    return np.array([i for i in indices if _canonical(mine[i]) != _canonical(theirs[i])], dtype=np.intp)


def _canonical(key: str | None) -> str | None:
    return None if key is None else canonical_key(key)


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return keys as numbers, NaN where they are none."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return np.array([float(v) if v is not None and re.fullmatch(_NUMBER, v) else np.nan for v in values.tolist()])


def _moments(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the sums of the first three powers modulo 2^64: equal if the same whole numbers come in any order."""
    with np.errstate(invalid="ignore"):
        is_whole = (np.abs(numbers) < 2**53) & (numbers == np.floor(numbers))
        whole = np.where(is_whole, numbers, -1).astype(np.int64).view(np.uint64)
        return np.array([whole.sum(), (whole * whole).sum(), (whole * whole * whole).sum()], dtype=np.uint64)
