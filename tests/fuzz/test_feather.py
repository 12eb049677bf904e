"""Feather and Arrow IPC streams against PyArrow with full validation, and damaged bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pytest
from hypothesis import strategies as st

from tests.fuzz.binary import checker
from tests.fuzz.check import Case, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.tables import FEATHER_1_TYPES, NUMBER_TYPES, OTHER_TYPES, tables

Cases = st.SearchStrategy[Case]


@st.composite
def cases(draw: st.DrawFn, forms: Sequence[str] = ("2", "2", "stream")) -> Case:
    """Draw a Feather file of version 1 or 2 or an IPC stream: plain, of any type, or damaged."""
    style = draw(st.sampled_from(["plain", "odd", "damaged", "damaged", "damaged"]))
    form = draw(st.sampled_from(forms))
    types = NUMBER_TYPES if style == "plain" else FEATHER_1_TYPES if form == "1" else [*NUMBER_TYPES, *OTHER_TYPES]
    table = draw(tables(types, style == "plain", form != "1"))
    file = io.BytesIO()
    if form == "1":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pa.feather.write_feather(table, file, version=1)
    else:
        codec = draw(st.sampled_from([None, None, "lz4", "zstd"]))
        options = pa.ipc.IpcWriteOptions(compression=codec)
        new = pa.ipc.new_file if form == "2" else pa.ipc.new_stream
        with new(file, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=draw(st.sampled_from([None, 1, 4])))
    data = file.getvalue()
    if style == "damaged":
        data = draw(damaged(data, [b"ARROW1", b"FEA1", b"\xff\xff\xff\xff", b"\0" * 8]))
    group = ("--group-by", "g") if draw(st.booleans()) else ()
    options_typed = ("--true", "y_true", "--pred", "y_pred", *group)
    name = "data.arrow" if form == "stream" else "data.feather"
    cut = draw(st.integers(8, 64))
    # a stream may be refused: not every version reads it
    return Case("feather", ((name, data),), options_typed, is_valid=style == "plain" and form != "stream", cut=cut)


check = checker("feather")


@pytest.mark.slow
def test_feather() -> None:
    fuzz(cases(), check)
