"""NPY against NumPy: every type, order and version of the format, and damaged bytes."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.fuzz.binary import checker
from tests.fuzz.check import Case, fuzz
from tests.fuzz.mutate import damaged

NUMBERS = [
    *("?", "i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "u1", "<u2", ">u2", "<u4", "<u8", ">u8"),
    *("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "g"),
]
OTHERS = ["c8", "c16", "S3", "U3", ">U3", "M8[s]", "m8[D]", "V4", "O", "S0", "U0"]
FIELDS: list[Any] = [
    [("y_true", "<f8"), ("y_pred", ">f4")], [("y_pred", "i1"), ("x", "S2"), ("y_true", "<u8")],
    [("y_true", "f8"), ("y_pred", "U4")], [("y_true", "f8", (2,)), ("y_pred", "f8", (2,))], [("a", "f8")],
    {"names": ["y_true", "y_pred"], "formats": ["f8", "f4"], "offsets": [0, 12], "itemsize": 24},
]  # fmt: skip
SHAPES = [(5, 2), (1, 2), (12, 2), (2, 2), (0, 2), (4,), (), (3, 2, 2), (2, 5), (5, 1), (0,), (4, 2, 0)]
TOKENS = [b"{", b"'", b"(", b"-1", b"9" * 19, b"9" * 40, b"True", b"|O", b"\n", b"\0", b"1" * 5000, b"L", b"None", b"#"]


def draw_array(draw: st.DrawFn, dtype: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Draw an array; the values are small, or the bytes of anything."""
    count = int(np.prod(shape))
    small = np.arange(count) * 7 % 11 - (0 if np.dtype(dtype).kind in "u?" else 3)
    array = small.reshape(shape).astype(dtype) if not isinstance(dtype, (list, dict)) else np.zeros(shape, dtype)
    if isinstance(dtype, (list, dict)):
        for name in np.dtype(dtype).names or ():
            array[name] = (np.arange(array[name].size) % 7).reshape(array[name].shape)
    if np.dtype(dtype).char == "g" and array.size:  # its padding is whatever memory held, and must not vary
        raw = np.frombuffer(array.tobytes(), np.uint8).reshape(count, -1).copy()
        raw[:, 10:] = 0
        array = raw.reshape(-1).view(dtype).reshape(shape)
    if np.dtype(dtype).kind in "fiu" and array.size and draw(st.integers(0, 3)) == 0:
        data = bytearray(array.tobytes())
        for _ in range(draw(st.integers(1, 6))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.sampled_from([0, 0x7F, 0x80, 0xFF, 0xF0, 1]))
        array = np.frombuffer(bytes(data), dtype=dtype).reshape(shape)
    is_fortran = draw(st.integers(0, 3)) == 0 and not isinstance(dtype, dict)  # a copy leaves gaps between fields open
    return np.asfortranarray(array) if is_fortran else array


@st.composite
def npy_bytes(draw: st.DrawFn, is_plain: bool, shapes: Any = SHAPES) -> bytes:
    """Draw an NPY file."""
    kinds: list[Any] = NUMBERS if is_plain else [*NUMBERS, *OTHERS, *FIELDS]
    array = draw_array(draw, draw(st.sampled_from(kinds)), draw(st.sampled_from(shapes)))
    version = draw(st.sampled_from([None, None, (1, 0), (2, 0), (3, 0)]))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # not every NumPy reads every version
        np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an array: plain, of any type and shape, or damaged."""
    style = draw(st.sampled_from(["plain", "odd", "damaged", "damaged"]))
    data = draw(npy_bytes(style == "plain", SHAPES[:4] if style in ("plain", "damaged") else SHAPES))
    if style == "damaged":
        data = draw(damaged(data, TOKENS))
    return Case("npy", (("data.npy", data),), is_valid=style == "plain", cut=draw(st.integers(8, 64)))


check = checker("npy")


@pytest.mark.slow
def test_npy() -> None:
    fuzz(cases(), check)
