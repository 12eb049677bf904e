"""Independent readings of binary files; they run in a child process, because what they read may kill it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

Columns = Mapping[str, Any]
"""y_true and y_pred as arrays of float64, g as a list of texts."""


def npy(data: bytes) -> Columns | None:
    """Return the columns of an array (N, 2), or the fields of one."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names:
        return {name: as_numbers(array[name]) for name in ("y_true", "y_pred")} if array.ndim == 1 else None
    if array.ndim != 2 or array.shape[1] != 2:
        return None
    numbers = as_numbers(array)
    return {"y_true": numbers[:, 0], "y_pred": numbers[:, 1]}


def npz(data: bytes) -> Columns | None:
    """Return two members of an archive."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        members = archive.zip.namelist()
        if any({name, f"{name}.npy"} <= {*members} for name in ("y_true", "y_pred")):
            return {"y_true": None, "y_pred": None}  # either is meant
        found = {name: as_numbers(archive[name]) for name in ("y_true", "y_pred")}
    return found if found["y_true"].ndim and found["y_true"].shape == found["y_pred"].shape else None


def as_numbers(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array as float64; a text is what Python's float makes of it.

    Raises:
        ValueError: It holds neither numbers nor texts of numbers.
    """
    if array.dtype.kind not in "fiubSU":
        raise ValueError(array.dtype)
    if array.dtype.kind in "SU" and any("_" in str(value) for value in array.ravel()):
        raise ValueError("1_000")
    with np.errstate(all="ignore"):
        return array.astype(np.float64)


def parquet(data: bytes) -> Columns | None:
    with pa.parquet.ParquetFile(io.BytesIO(data)) as file:
        found = columns(file.read(columns=["y_true", "y_pred"], use_threads=False))
        try:  # a column that is not asked for may be damaged
            texts = file.read(columns=["g"], use_threads=False).column("g")
            texts.validate(full=True)
            return found and {**found, "g": texts.to_pylist()}
        except Exception:
            return found


def feather(data: bytes) -> Columns | None:
    """Return the columns of a Feather file of either version, or of an IPC stream."""
    if data.startswith(b"FEA1"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return columns(pa.feather.read_table(io.BytesIO(data)))
    read: Callable[..., Any] = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
    try:
        return columns(read(pa.BufferReader(data)).read_all())
    except (pa.ArrowInvalid, OSError):  # it may be a column that nobody asks for
        names = read(pa.BufferReader(data)).schema.names
        wanted = pa.ipc.IpcReadOptions(included_fields=[names.index(name) for name in ("y_true", "y_pred")])
        return columns(read(pa.BufferReader(data), options=wanted).read_all())


def columns(table: Any) -> Columns | None:
    """Return the columns that are asked for, if they are what their types say; texts only where they are."""
    found: dict[str, Any] = {}
    for name in ("y_true", "y_pred", "g"):
        if table.schema.names.count(name) != 1:
            if name == "g":
                continue
            return None
        column = table.column(name)
        try:
            column.validate(full=True)
            values = column.to_pylist()
        except Exception:
            if name == "g":
                continue
            return None
        if name == "g":
            found[name] = values
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            found[name] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            found[name] = None  # lists, texts, decimals: whatever they are, by every route the same
    return found
