"""Read safetensors: the length of a header, the header in JSON, and the values of tensors one after the other."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from itertools import pairwise
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.files import Input
from losscli.data.formats import MAX_BYTES_OF_SAFETENSORS_HEADER
from losscli.data.open_file import OpenFile
from losscli.data.stored import BYTES_IN_MEMORY, RowReader, StoredArray, StoredArraysTable, read_bytes, reader_of_rows
from losscli.data.table import Table
from losscli.errors import DataError

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?", "U8": "u1", "I8": "i1"}
DTYPES |= {f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "UI" for bits in (16, 32, 64)}
"""Type in the header -> that of NumPy. BF16 is the upper half of a float32, which NumPy has no type for."""

BYTES_OF_LENGTH = 8


def read_safetensors(source: Input, role: str | None) -> Table:
    """Return tensors by name, each read when it is wanted; a lone tensor is the role that it was given for.

    Raises:
        DataError: The header is damaged, or does not fit the data behind it.
    """
    with ExitStack() as stack:
        path = stack.enter_context(source.file())
        file = stack.enter_context(open(path, "rb"))
        arrays = _parse_header(file, OpenFile(path, source.name))
        if not arrays:
            raise DataError(f"{source.name}: holds no tensors")
        if role and role not in arrays and len(arrays) == 1:
            arrays = {role: next(iter(arrays.values()))}
        return StoredArraysTable(source.name, "safetensors", arrays, stack.pop_all())


def _parse_header(file: IO[bytes], opened: OpenFile) -> dict[str, StoredArray]:
    name = opened.name
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(BYTES_OF_LENGTH), "little")
    start = BYTES_OF_LENGTH + length
    if not 2 <= length <= MAX_BYTES_OF_SAFETENSORS_HEADER or start > size:
        raise DataError(f"{name}: is not a safetensors file, or is cut short")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_refuse_duplicates)
        tensors = [(key, _Tensor(value)) for key, value in header.items() if key != "__metadata__"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(f"{name}: the header of the safetensors file is damaged ({error})") from None
    spans = sorted((tensor.begin, tensor.end) for _, tensor in tensors)
    end = spans[-1][1] if spans else 0
    if spans and (spans[0][0] != 0 or any(before[1] != after[0] for before, after in pairwise(spans))):
        raise DataError(f"{name}: is damaged: the tensors overlap, or have gaps between them")
    if start + end != size:
        problem = "is cut short" if start + end > size else "is damaged"
        raise DataError(f"{name}: {problem}: its header promises {end} bytes of data, {size - start} are there")
    return {key: _describe_tensor(tensor, file, opened, start, f"{name}: {key}") for key, tensor in tensors}


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


class _Tensor:
    """What a header says of a tensor: its type, its shape, and the range of its bytes.

    Raises:
        ValueError, TypeError or KeyError: The header makes no sense.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.type: str = description["dtype"]
        self.shape = tuple(description["shape"])
        self.begin, self.end = description["data_offsets"]
        numbers = (*self.shape, self.begin, self.end)
        if not all(type(number) is int and number >= 0 for number in numbers) or self.begin > self.end:
            raise ValueError(f"sizes {numbers}")
        if not isinstance(self.type, str):
            raise TypeError(f"dtype {self.type}")
        dtype = DTYPES.get(self.type)
        if dtype and math.prod(self.shape) * np.dtype(dtype).itemsize != self.end - self.begin:
            raise ValueError(f"shape {self.shape} of {self.type} does not take {self.end - self.begin} bytes")


def _describe_tensor(tensor: _Tensor, file: IO[bytes], opened: OpenFile, start: int, label: str) -> StoredArray:
    def to_floats(values: NDArray[Any]) -> NDArray[Any]:
        return (values.astype("<u4") << 16).view("<f4") if tensor.type == "BF16" else values

    def open_rows(_: ExitStack) -> RowReader:
        read = reader_of_rows(opened, start + tensor.begin, tensor.shape, np.dtype(DTYPES[tensor.type]))
        return lambda first, stop: to_floats(read(first, stop))

    def load(n_rows: int | None) -> NDArray[Any]:
        dtype = DTYPES.get(tensor.type)
        if dtype is None:
            raise DataError(f"{label} holds {tensor.type}, which is not read; save it as F32")
        shape = (
            tensor.shape if n_rows is None or not tensor.shape else (min(n_rows, tensor.shape[0]), *tensor.shape[1:])
        )
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        file.seek(start + tensor.begin)
        data = read_bytes(file, n_bytes)
        if len(data) < n_bytes:
            raise DataError(f"{label} is cut short")
        return to_floats(np.frombuffer(data, dtype)).reshape(shape)

    kind = np.dtype(DTYPES.get(tensor.type, "O")).kind if tensor.type != "BF16" else "f"
    is_large = kind != "O" and tensor.end - tensor.begin > BYTES_IN_MEMORY
    return StoredArray(tensor.shape, kind, load, open_rows=open_rows if is_large else None)
