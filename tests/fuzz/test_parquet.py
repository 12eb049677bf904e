"""Parquet against PyArrow's plainest reader: every type, several row groups and codecs, and damaged bytes."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from tests.fuzz.binary import checker
from tests.fuzz.check import Case, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.tables import NUMBER_TYPES, OTHER_TYPES, tables

CODECS = ["none", "snappy", "zstd", "gzip", "lz4", "brotli"]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a Parquet file: plain, of any type, or damaged."""
    style = draw(st.sampled_from(["plain", "odd", "damaged", "damaged", "damaged"]))
    types = NUMBER_TYPES if style == "plain" else [*NUMBER_TYPES, *NUMBER_TYPES, *OTHER_TYPES]
    file = io.BytesIO()
    pq.write_table(
        draw(tables(types, style == "plain")),
        file,
        row_group_size=draw(st.sampled_from([None, 1, 3, 7])),
        compression=draw(st.sampled_from(CODECS)),
        use_dictionary=draw(st.booleans()),
        data_page_version=draw(st.sampled_from(["1.0", "2.0"])),
        store_schema=draw(st.booleans()),
        write_page_checksum=draw(st.integers(0, 5)) == 0,
    )
    data = file.getvalue()
    if style == "damaged":
        data = draw(damaged(data, [b"PAR1", b"\x15", b"\x19", b"\xff\xff\xff\xff\x0f"]))
    group = ("--group-by", "g") if draw(st.booleans()) else ()
    options = ("--true", "y_true", "--pred", "y_pred", *group)
    cut = draw(st.integers(8, 64))
    return Case("parquet", (("data.parquet", data),), options, is_valid=style == "plain", cut=cut)


check = checker("parquet")


@pytest.mark.slow
def test_parquet() -> None:
    fuzz(cases(), check)
