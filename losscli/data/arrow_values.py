"""Arrow values to NumPy and back without pandas, which PyArrow's `to_numpy`, `array` and `scalar` import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from losscli.data.batch import rows_per_batch
from losscli.data.table import MAX_EXACT_INTEGER
from losscli.data.values import column_label
from losscli.errors import DataError

MAX_EXACT_POWER_OF_TEN = 22
"""The largest power of ten that a float holds exactly."""

BATCHES_PER_READ = 2
"""How many batches of rows are decoded at once: pages are then cut less often."""

MAX_BYTES_OF_STRINGS = (1 << 31) - 2
"""Bytes that fit in an array of strings of Arrow, unless it is a large one."""

NAMES_OF_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Types of Arrow whose names are not those of NumPy."""

VALUES_OF_VECTOR = ("type", "size", "indices", "values")
SPARSE, DENSE = 0, 1


def rows_per_read(row_bytes: int) -> int:
    """Return how many rows are decoded at once, which are more than a batch where rows are wide."""
    return rows_per_batch(row_bytes // BATCHES_PER_READ)


def unpack_bits(buffer: Any, low: int, high: int) -> NDArray[np.bool_]:
    """Return the bits from `low` up to `high` of a buffer."""
    packed = np.frombuffer(buffer, dtype=np.uint8, count=(high + 7) // 8)
    return np.unpackbits(packed, count=high, bitorder="little")[low:].astype(bool)


def is_primitive(type_: Any) -> bool:
    """Return whether values are integers, floats or booleans."""
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_))


def stored_numbers(array: pa.Array) -> NDArray[Any]:
    """Return integers or floats (N,) in their own type; what stands for a missing one means nothing."""
    name = str(array.type)  # `to_pandas_dtype` of PyArrow 17 imports pandas
    dtype = np.dtype(NAMES_OF_FLOATS.get(name, name))
    data, high = array.buffers()[1], array.offset + len(array)
    return np.frombuffer(data, dtype, high)[array.offset :] if high else np.zeros(0, dtype)


def primitives_to_floats(array: pa.Array) -> NDArray[np.float64]:
    """Return integers, floats or booleans (N,) as floats, NaN where null."""
    valid, data = array.buffers()[:2]
    low, high = array.offset, array.offset + len(array)
    if pa.types.is_boolean(array.type):
        values = unpack_bits(data, low, high).astype(np.float64)
    else:
        with np.errstate(invalid="ignore"):  # some patterns of bits are NaN, and warn when they are copied
            values = stored_numbers(array).astype(np.float64, copy=False)
    return np.where(unpack_bits(valid, low, high), values, np.nan) if array.null_count else values


def decimals_to_floats(array: pa.Array) -> NDArray[np.float64]:
    """Return decimals as the nearest floats, NaN where null. Arrow's own cast is off by one digit in some."""
    low, high = array.offset, array.offset + len(array)
    scale = array.type.scale
    valid, data = array.buffers()
    words_per_value = max(array.type.byte_width // 8, 1)
    words = np.frombuffer(data, "<i8" if array.type.byte_width >= 8 else "<i4")[: high * words_per_value]
    words = words.reshape(high, words_per_value)[low:]
    first = words[:, 0].astype(np.int64)
    is_short = (np.abs(first) <= MAX_EXACT_INTEGER) & (words[:, 1:] == (first >> 63)[:, None]).all(axis=1)
    power = 10.0 ** min(abs(scale), MAX_EXACT_POWER_OF_TEN)
    values = first / power if scale >= 0 else first * power
    present = unpack_bits(valid, low, high) if array.null_count else np.ones(len(array), dtype=bool)
    exact = is_short if 0 <= scale <= MAX_EXACT_POWER_OF_TEN else np.zeros(len(array), dtype=bool)
    for i in np.flatnonzero(present & ~exact):
        whole = int.from_bytes(words[i].tobytes(), "little", signed=True)
        values[i] = whole / 10**scale if scale >= 0 else float(whole * 10**-scale)  # integers divide correctly rounded
    values[~present] = np.nan
    return np.asarray(values, dtype=np.float64)


def is_vector(type_: Any) -> bool:
    """Return whether a type is that of Spark's vectors: `struct<type, size, indices, values>`."""
    if not pa.types.is_struct(type_) or type_.num_fields != len(VALUES_OF_VECTOR):
        return False
    fields = [type_.field(i) for i in range(type_.num_fields)]
    kinds = [pa.types.is_integer, pa.types.is_integer, pa.types.is_list, pa.types.is_list]
    if tuple(field.name for field in fields) != VALUES_OF_VECTOR:
        return False
    are_kinds = all(is_kind(field.type) for is_kind, field in zip(kinds, fields, strict=True))
    return are_kinds and all(is_primitive(field.type.value_type) for field in fields[2:])


def vector_size(array: pa.Array) -> int:
    """Return the size of the longest of Spark's vectors, which are dense or sparse."""
    sizes = [size for size in array.field("size").to_pylist() if size is not None]
    values = array.field("values").value_lengths().to_pylist()
    return int(max([1, *sizes, *(size for size in values if size is not None)]))


def vectors_to_matrix(array: pa.Array, source: str, name: str, start: int) -> NDArray[np.float64]:
    """Return Spark's vectors, dense or sparse, as a matrix.

    Raises:
        DataError: One is missing, is no vector, or has another size than the first; the message counts rows from
            `start`.
    """
    fields = array.flatten()
    kinds, sizes = (field.to_pylist() for field in fields[:2])
    indices, values = map(_lists, fields[2:])
    matrix: NDArray[np.float64] | None = None
    for i in range(len(array)):
        problem = None
        if array.null_count and not array[i].is_valid:
            problem = "a vector is missing"
        elif values[i] is None or kinds[i] not in (SPARSE, DENSE):
            problem = "is not a vector of Spark"
        elif kinds[i] == SPARSE and (indices[i] is None or not _is_size(sizes[i]) or len(indices[i]) != len(values[i])):
            problem = "is not a sparse vector: it lacks its size, or an index for each value"
        else:
            size = len(values[i]) if kinds[i] == DENSE else int(sizes[i])
            if matrix is None:
                matrix = np.zeros((len(array), size))
            if size != matrix.shape[1]:
                problem = f"a vector of size {size}, the first has {matrix.shape[1]}"
            elif kinds[i] == DENSE:
                matrix[i] = values[i]
            elif len(np.unique(indices[i])) < len(indices[i]) or not ((indices[i] >= 0) & (indices[i] < size)).all():
                problem = f"the indices of a sparse vector of size {size} are not different ones below it"
            else:
                matrix[i, indices[i].astype(np.int64)] = values[i]
        if problem:
            raise DataError(f"{column_label(source, name)}, row {start + i + 1}: {problem}")
    return np.zeros((0, 0)) if matrix is None else matrix


def _is_size(size: int | None) -> bool:
    return size is not None and size >= 0


def _lists(array: pa.Array) -> list[Any]:
    """Return lists of numbers (N,) as arrays of floats, None where one is missing."""
    numbers, ends = primitives_to_floats(array.values), stored_numbers(array.offsets).tolist()
    spans = zip(ends, ends[1:], array.is_valid().to_pylist(), strict=False)
    return [numbers[low:high] if is_valid else None for low, high, is_valid in spans]


def number_array(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers (N,) as an array of Arrow; null where `missing`."""
    valid = None if missing is None else _bits(~missing)
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [valid, data])


def string_array(texts: Sequence[str], large: bool = False) -> pa.Array:
    """Return texts as an array of Arrow, a `large` one if asked.

    Raises:
        TypeError: One is no text.
        UnicodeEncodeError: UTF-8 has no bytes for one.
        OverflowError: They have more bytes than such an array can.
    """
    whole = "".join(texts)
    lengths = map(len, texts if whole.isascii() else [text.encode() for text in texts])
    data = whole.encode()
    if not large and len(data) > MAX_BYTES_OF_STRINGS:
        raise OverflowError
    offsets = np.zeros(len(texts) + 1, dtype=np.int64 if large else np.int32)
    np.cumsum(np.fromiter(lengths, offsets.dtype, len(texts)), out=offsets[1:])
    kind = pa.LargeStringArray if large else pa.StringArray
    return kind.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(data))


def mask_array(mask: NDArray[np.bool_]) -> pa.Array:
    """Return a mask as an array of Arrow."""
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, _bits(mask)])


def _bits(mask: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(mask, bitorder="little"))
