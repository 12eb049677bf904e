"""Damage to bytes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

EDGE = 64
"""Bytes at both ends that are damaged more often: headers and footers."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes, tokens: Sequence[bytes] = (), most: int = 3) -> bytes:
    """Draw some bytes with up to so many changes: bits flipped, bytes set, cut off, left out, repeated, inserted."""
    for _ in range(draw(st.integers(1, most))):
        if not data:
            break
        last = len(data) - 1
        near_end = st.integers(max(0, last - EDGE), last)
        at = draw(st.one_of(st.integers(0, min(EDGE, last)), near_end, st.integers(0, last), st.integers(0, last)))
        kind = draw(st.sampled_from(["flip", "flip", "flip", "set", "set", "word", "cut", "out", "twice", "insert"]))
        if kind == "flip":
            data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
        elif kind == "set":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif kind == "word":
            word = draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\xff" * 8, b"\0\0\0\x80"]))
            data = data[:at] + word + data[at + len(word) :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "out":
            data = data[:at] + data[at + draw(st.integers(1, 16)) :]
        elif kind == "twice":
            data = data[:at] + data[at : at + draw(st.integers(1, 64))] + data[at:]
        elif tokens:
            data = data[:at] + draw(st.sampled_from(list(tokens))) + data[at:]
    return data
