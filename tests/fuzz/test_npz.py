"""NPZ against NumPy: archives of any arrays, with any compression and flags, and damaged bytes."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import strategies as st

from tests.fuzz.binary import checker
from tests.fuzz.check import Case, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.test_npy import SHAPES, npy_bytes

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
TOKENS = [b"PK\3\4", b"PK\1\2", b"PK\5\6", b"\0\0", b".npy", b"\x93NUMPY", b"\xff\xff\xff\xff"]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an archive: of plain arrays, with other members, or damaged."""
    style = draw(st.sampled_from(["plain", "odd", "damaged", "damaged"]))
    shapes = [draw(st.sampled_from([(5,), (12,), (3, 2)]))] if style != "odd" else SHAPES
    members = {name: draw(npy_bytes(style == "plain", shapes)) for name in ("y_true.npy", "y_pred.npy")}
    if style == "odd":
        names = st.sampled_from(["x.npy", "y_true", "y_true.npy", "note.txt", ".npy", "../a.npy", "d/", "é.npy"])
        for name in draw(st.lists(names, max_size=2)):
            members[name] = draw(st.one_of(npy_bytes(False), st.sampled_from([b"", b"text", b"\x93NUMPY"])))
        if draw(st.integers(0, 4)) == 0:
            members.pop(draw(st.sampled_from(sorted(members))))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)  # of a fixed date
            archive.writestr(member, data, draw(st.sampled_from(METHODS)))
    packed = file.getvalue()
    if style == "damaged":
        packed = draw(damaged(packed, TOKENS))
    return Case("npz", (("data.npz", packed),), is_valid=style == "plain", cut=draw(st.integers(8, 64)))


check = checker("npz")


@pytest.mark.slow
def test_npz() -> None:
    fuzz(cases(), check)
