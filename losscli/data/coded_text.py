"""Columns of text that repeat, such as groups: a code per row, and the text that each code stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import add
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from losscli.data.values import as_text
from losscli.declaration.domains import Mask

MISSING_CODE = -1
"""The code of a missing value."""

MAX_CODES_PER_ROW = 4
"""Codes for which a table is made, per row: of more of them the codes in use are sorted."""

ROWS_TO_HASH = 1 << 16
"""Rows from which on PyArrow finds distinct values: it hashes them, where NumPy sorts, but takes time to import."""


class CodedText:
    """Texts (N,) as codes: `names[codes]`, None where the code is MISSING_CODE.

    NumPy takes it for an array of objects, and makes one of it where it has to; `np.asarray` does that, too.

    Attributes:
        codes: The code of each row (N,), an index of `names`.
        names: The texts (k,), all different; a row need not have each.
    """

    ndim = 1
    dtype = np.dtype(object)

    def __init__(self, codes: NDArray[np.int32], names: NDArray[Any]) -> None:
        self.codes, self.names = codes, names

    @classmethod
    def of(cls, codes: NDArray[Any], names: Sequence[str | None]) -> CodedText:
        """Return texts by codes into names (k,), some of which may be equal or None; negative codes are missing."""
        codes = np.asarray(codes, dtype=np.int32)
        if len(set(names)) == len(names) and None not in names:
            return cls(codes, _objects(names))
        distinct: dict[str, int] = {}
        found = [MISSING_CODE if name is None else distinct.setdefault(name, len(distinct)) for name in names]
        table = np.array([*found, MISSING_CODE], dtype=np.int32)  # the last one is for negative codes
        return cls(table[np.maximum(codes, MISSING_CODE)], _objects(list(distinct)))

    @property
    def shape(self) -> tuple[int]:
        return (len(self.codes),)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, rows: int | np.integer[Any]) -> str | None: ...
    @overload
    def __getitem__(self, rows: slice | Mask | NDArray[np.intp]) -> CodedText: ...
    def __getitem__(self, rows: Any) -> Any:
        """Return the text of a row, or those of several rows."""
        codes = self.codes[rows]
        if np.ndim(codes):
            return CodedText(codes, self.names)
        return None if codes == MISSING_CODE else self.names[codes]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the texts as objects (N,), None where they are missing."""
        return np.append(self.names, [None])[self.codes]

    def __iter__(self) -> Iterator[str | None]:
        return iter(self.tolist())

    def tolist(self) -> list[str | None]:
        found: list[str | None] = np.asarray(self).tolist()
        return found

    def repeat(self, times: int) -> CodedText:
        """Return each text so many times."""
        return CodedText(np.repeat(self.codes, times), self.names)


def encode(values: NDArray[Any] | CodedText, source: str = "", column: str = "", start: int = 0) -> CodedText:
    """Return values (N,) as texts by codes; see `as_text`."""
    if isinstance(values, CodedText):
        return values
    if values.dtype.kind in "iufU":
        distinct, codes = _distinct(values)
        return CodedText.of(codes, as_text(distinct).tolist())
    cells = values.tolist()
    if values.dtype.kind != "O" or not {str, type(None)}.issuperset(map(type, cells)):
        cells = as_text(values, source, column, start).tolist()
    indices = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    names = [cell or None for cell in indices]
    return CodedText.of(np.fromiter(map(indices.__getitem__, cells), np.int32, len(cells)), names)


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the distinct values, and the index of each row's (N,): of many values by their bytes."""
    if len(values) < ROWS_TO_HASH:
        return np.unique(values, return_inverse=True)
    import pyarrow as pa

    data, type_ = np.ascontiguousarray(values), pa.binary(values.itemsize)
    found = pa.Array.from_buffers(type_, len(data), [None, pa.py_buffer(data)]).dictionary_encode()
    distinct = np.frombuffer(found.dictionary.buffers()[1], values.dtype, len(found.dictionary))
    return distinct, np.frombuffer(found.indices.buffers()[1], np.int32, len(data))


def text_of_column(values: NDArray[Any] | CodedText, repeats: bool) -> NDArray[Any] | CodedText:
    """Return values (N,), which are numbers or text, as text: by codes if it repeats."""
    if repeats or isinstance(values, CodedText):
        return encode(values)
    return as_text(values) if values.dtype.kind == "f" else values


def concat_columns(parts: Sequence[NDArray[Any] | CodedText]) -> Any:
    """Return the rows of at least one part of a column, one after the other: by codes if all parts are."""
    if len(parts) == 1:
        return parts[0]
    coded = [part for part in parts if isinstance(part, CodedText)]
    return _concat_coded(coded) if len(coded) == len(parts) else np.concatenate([*map(np.asarray, parts)])


def _concat_coded(parts: Sequence[CodedText]) -> CodedText:
    if sum(len(part.names) for part in parts) > ROWS_TO_HASH:
        with suppress(UnicodeEncodeError):  # half of a surrogate pair, as JSON may have it
            return _unify(parts)
    distinct: dict[str, int] = {}
    codes = []
    for part in parts:
        table = [distinct.setdefault(name, len(distinct)) for name in part.names.tolist()]
        codes.append(np.array([*table, MISSING_CODE], dtype=np.int32)[part.codes])
    return CodedText(np.concatenate(codes), _objects(list(distinct)))


def _unify(parts: Sequence[CodedText]) -> CodedText:
    """Return parts with many names, one after the other."""
    import pyarrow as pa

    from losscli.data.arrow_values import number_array, primitives_to_floats, string_array

    chunks = [
        pa.DictionaryArray.from_arrays(
            number_array(part.codes, part.codes == MISSING_CODE), string_array(part.names.tolist(), large=True)
        )
        for part in parts
    ]
    found = pa.chunked_array(chunks).unify_dictionaries()
    codes = np.concatenate([primitives_to_floats(chunk.indices) for chunk in found.chunks])
    codes[np.isnan(codes)] = MISSING_CODE
    return CodedText(codes.astype(np.int32), _objects(found.chunk(0).dictionary.to_pylist()))


def group_rows(columns: Sequence[NDArray[Any] | CodedText]) -> tuple[list[tuple[str, ...]], NDArray[np.int32]]:
    """Return the distinct rows of columns of text (N,), and for each row the index of its own (N,).

    A missing value is empty text. The distinct rows are in no order that means something.
    """
    keys: list[tuple[str, ...]] = [()]
    index: NDArray[Any] = np.zeros(len(columns[0]), dtype=np.int32)
    for column in map(encode, columns):
        names = ["", *column.names.tolist()]
        width = len(names)
        first = column.codes - MISSING_CODE  # the code of a missing value is 0
        combined = first if len(keys) == 1 else index * np.int64(width) + first
        used, index = _used(combined, len(keys) * width)
        several, at = np.divmod(used, width)
        ends = zip(map(names.__getitem__, at.tolist()))
        keys = list(ends if keys == [()] else map(add, map(keys.__getitem__, several.tolist()), ends))
    return keys, index.astype(np.int32, copy=False)


def find_missing_text(column: NDArray[Any] | CodedText) -> Mask:
    """Return which rows of a column of text (N,) lack a value."""
    is_missing: Mask = encode(column).codes == MISSING_CODE
    return is_missing


def text_digests(column: NDArray[Any] | CodedText) -> NDArray[np.uint64]:
    """Return a number for each row of a column of text (N,), the same for the same text in every process."""
    from hashlib import blake2b

    coded = encode(column)
    texts = [*coded.names.tolist(), ""]  # the last one is for missing values
    numbers = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts]
    return np.array(numbers, dtype=np.uint64)[coded.codes]


def _used(codes: NDArray[Any], size: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the distinct codes, all less than `size` and not negative, and the index of each row's (N,)."""
    if size > MAX_CODES_PER_ROW * len(codes):
        return np.unique(codes, return_inverse=True)
    used = np.flatnonzero(np.bincount(codes, minlength=size))
    index = np.empty(size, dtype=np.int32)
    index[used] = np.arange(len(used))
    return used, index[codes]


def _objects(texts: Sequence[str | None]) -> NDArray[Any]:
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found
