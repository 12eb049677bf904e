"""Numbers of plain lines: NumPy finds where the cells end, PyArrow reads the digits between.

Plain lines have no quotes and all the same number of separators: nearly all large files are made of them. PyArrow's CSV
reader copies every byte to find that out, which takes as long as to read the digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from losscli.data.csv.byte_slice import ByteSlice

NEWLINE, RETURN, MINUS = b"\n\r-"
LONGEST = 1 << 31
"""Bytes that Arrow's offsets can tell apart."""


def numbers(lines: ByteSlice, wanted: Sequence[int], width: int, delimiter: str) -> list[NDArray[np.float64]] | None:
    """The columns at the `wanted` places, in the order of the places, of lines of `width` cells; None of lines that are
    not plain.

    Raises:
        pyarrow.ArrowInvalid: a cell is no number, or empty.
    """
    if lines.quotes or lines.size >= LONGEST or len(delimiter.encode()) > 1:
        return None
    text = np.frombuffer(lines.data, np.uint8, lines.size, lines.start)
    ends = _ends(text, width, ord(delimiter))
    if ends is None:
        return None
    offsets = _offsets(text, ends, wanted)
    found = _read(memoryview(lines.data)[lines.start : lines.stop], offsets).reshape(len(ends), -1)
    return [np.ascontiguousarray(found[:, 2 * i]) for i in range(len(wanted))]


def _ends(text: NDArray[np.uint8], width: int, delimiter: int) -> NDArray[Any] | None:
    """Where each cell ends, (N, width); None if lines differ, or the last one does not end."""
    if RETURN < delimiter < MINUS:  # one look will do where no sign is a plus, and no line ends in a carriage return
        ends = _of_lines(text, _places(text <= delimiter), width, delimiter)
        if ends is not None:
            return ends
    if _odd(text):
        return None
    separators = text == NEWLINE
    return _of_lines(text, _places(np.logical_or(separators, text == delimiter, out=separators)), width, delimiter)


def _odd(text: NDArray[np.uint8]) -> bool:
    """Whether there is what the csv module would stumble over: a NUL, a carriage return that ends no line."""
    returns = np.flatnonzero(text[:-1] == RETURN)
    return not text.all() or bool((text[returns + 1] != NEWLINE).any())


def _places(marks: NDArray[np.bool_]) -> NDArray[Any]:
    """As np.flatnonzero, which takes longer where there are some marks, but seldom two among eight."""
    whole = marks.size - marks.size % 8
    words = marks[:whole].view("<i8")
    positions = np.flatnonzero(words != 0)
    if positions.size != np.count_nonzero(marks[:whole]):
        return np.flatnonzero(marks)
    lone = words[positions].astype(np.float64)  # 2 to the power of 8 times the place among eight: its exponent
    among = lone.view(np.int64) >> (52 + 3)
    among -= 1023 >> 3
    positions *= 8
    positions += among
    return np.concatenate([positions, np.flatnonzero(marks[whole:]) + whole])


def _of_lines(text: NDArray[np.uint8], ends: NDArray[Any], width: int, delimiter: int) -> NDArray[Any] | None:
    """Places of separators by line; None if they do not stand where they do in all lines."""
    if ends.size % width or text[-1] != NEWLINE:
        return None
    by_line = ends.reshape(-1, width)
    found = text.take(ends).reshape(-1, width)
    fits = (found[:, -1] == NEWLINE).all() and (found[:, :-1] == delimiter).all()
    return by_line if fits else None


def _offsets(text: NDArray[np.uint8], ends: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.int32]:
    """Where the wanted cells begin and end, one after the other, and the text's end."""
    rows, width = ends.shape
    offsets = np.empty(2 * len(wanted) * rows + 1, dtype=np.int32)
    cells = offsets[:-1].reshape(rows, -1)
    for i, place in enumerate(wanted):
        if place:
            np.add(ends[:, place - 1], 1, out=cells[:, 2 * i], casting="same_kind")
        else:
            cells[0, 2 * i] = 0
            np.add(ends[:-1, -1], 1, out=cells[1:, 2 * i], casting="same_kind")
        cells[:, 2 * i + 1] = ends[:, place]
    if wanted[-1] == width - 1 and cells[0, -1] and text[cells[0, -1] - 1] == RETURN:
        cells[:, -1] -= text[cells[:, -1] - 1] == RETURN
    offsets[-1] = text.size
    return offsets


def _read(text: memoryview, offsets: NDArray[np.int32]) -> NDArray[np.float64]:
    """Every other stretch of the text as a number; what stands for those between means nothing."""
    import pyarrow as pa

    # these two are pyarrow.compute's, which takes 40 ms to be imported, for all the functions that it makes
    from pyarrow._compute import CastOptions, call_function

    count = offsets.size - 1
    every_other = np.full(-(-count // 8), 0b01010101, dtype=np.uint8)
    buffers = [pa.py_buffer(every_other), pa.py_buffer(offsets), pa.py_buffer(text)]
    cells = pa.Array.from_buffers(pa.string(), count, buffers, null_count=count // 2)
    values = call_function("cast", [cells], CastOptions.safe(pa.float64()))
    return np.frombuffer(values.buffers()[1], dtype=np.float64, count=count)
