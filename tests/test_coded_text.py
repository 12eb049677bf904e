"""Columns of text by codes hold the same text as columns of objects, however they are read and cut."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from losscli.data.arrow import to_numpy
from losscli.data.coded_text import CodedText, concat_columns, encode, group_rows
from losscli.data.csv.schema import ByteSlice, CsvSchema
from losscli.data.table import Column, Kind
from losscli.data.values import as_text

VALUES = {
    "integers": np.array([3, -1, 3, 0]),
    "floats": np.array([1.0, 2.5, np.nan, -0.0, 0.0, 1e300, np.inf]),
    "text": np.array(["b", "", "a", "b"]),
    "objects": np.array(["1", 1, 1.0, None, "", b"x", True, float("nan")], dtype=object),
    "times": np.array(["2024-01-01", "NaT", "2024-01-01"], dtype="datetime64[s]"),
    "nothing": np.zeros(0),
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_encoding_is_the_text(values):
    coded = encode(values)
    assert coded.tolist() == as_text(values).tolist()
    assert len(set(coded.names.tolist())) == len(coded.names)
    assert None not in coded.names.tolist()


@pytest.mark.parametrize("dtype", ["i8", ">i2", "u1", "f4", ">f8", "U3", "S2", "bool"])
def test_encoding_many_values_is_the_text(dtype):
    some = np.array(["0", "7", "", "12", "é"]) if dtype[0] == "U" else np.array([0, 7, -0.0, 12, 1])
    values = np.tile(some.astype(dtype), 1 << 14)
    if values.dtype.kind == "f":
        values[:3] = np.nan, -np.nan, 0.5
    strided = np.repeat(values, 2)[::2]
    assert encode(strided).tolist() == as_text(values).tolist()


def test_rows_of_coded_text():
    coded = encode(np.array(["a", None, "b", "a"], dtype=object))
    assert (coded[0], coded[1], coded[np.int64(2)]) == ("a", None, "b")
    assert coded[1:].tolist() == [None, "b", "a"]
    assert coded[np.array([True, False, False, True])].tolist() == ["a", "a"]
    assert coded[np.array([2, 1])].tolist() == coded[2:0:-1].tolist() == ["b", None]
    assert coded.repeat(2).tolist() == ["a", "a", None, None, "b", "b", "a", "a"]
    assert np.concatenate([coded, coded[:1]]).tolist() == ["a", None, "b", "a", "a"]
    assert (len(coded), coded.shape) == (4, (4,))


def test_parts_share_their_names():
    parts = [encode(np.array(texts, dtype=object)) for texts in (["a", "b"], ["c", None, "a"], ["b"])]
    whole = concat_columns(parts)
    assert whole.tolist() == ["a", "b", "c", None, "a", "b"]
    assert sorted(whole.names) == ["a", "b", "c"]


ARRAYS = {
    "text": pa.array(["b", None, "", "a", "b"]),
    "large": pa.array(["b", None, "b"], pa.large_string()),
    "views": pa.array(["b", None, "b"], pa.string_view()),
    "dictionary": pa.array(["b", None, "", "a", "b"]).dictionary_encode(),
    "dictionary with a null": pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["x", None])),
    "bytes": pa.array([b"b", b"\xff", b"b"]),
    "integers": pa.array([3, None, 3, -1]),
    "floats": pa.array([1.0, None, -0.0, 0.0, float("nan"), 0.1]),
    "float16": pa.array(np.array([0.5, 2, 0.5], dtype=np.float16)),
    "booleans": pa.array([True, None, False]),
    "decimals": pa.array([Decimal("1.50"), None]),
    "dates": pa.array([datetime.date(2024, 1, 2), None]),
    "times": pa.array([datetime.datetime(2024, 1, 2, 3), None], pa.timestamp("us", "Europe/Berlin")),
    "durations": pa.array([datetime.timedelta(seconds=3)] * 2),
    "nulls": pa.nulls(3),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["x", None])),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_codes_of_arrow_are_the_text(array):
    chunked = pa.chunked_array([array, array.slice(1), array.slice(0, 0)])
    text = to_numpy(chunked, Kind.TEXT, "", "group", 0)
    coded = to_numpy(chunked, Kind.CODES, "", "group", 0)
    assert isinstance(coded, CodedText)
    assert coded.tolist() == text.tolist()


@pytest.mark.parametrize("missing", [b"", b"5,NA\n"])
@pytest.mark.parametrize("is_large", [True, False])
def test_codes_of_cells_are_the_text(missing, is_large):
    lines = b'1,a\n2,"a"\n3,\n4,1.50\n5,NA\n6," a"\n7,"b,""c"\n8,true\n9,\xc3\xa4\n' + missing
    lines = lines if not missing else lines + b"nan,z\n"
    schema = CsvSchema("f", (Column("x", Kind.NUMBER), Column("g", Kind.TEXT)), ",")
    text, coded = (
        schema.parse(ByteSlice(lines), {"x": Kind.NUMBER, "g": kind}, 0, is_large)["g"]
        for kind in (Kind.TEXT, Kind.CODES)
    )
    assert isinstance(coded, CodedText)
    assert coded.tolist() == text.tolist()
    assert coded.tolist()[:7] == ["a", "a", None, "1.50", "NA", " a", 'b,"c']


@pytest.mark.parametrize("n_names", [3, 50])
def test_distinct_rows_of_several_columns(n_names):
    rng = np.random.default_rng(5)
    columns = [np.array(["abcdefgh"[i % 8] * (1 + i // 8) for i in rng.integers(n_names, size=200)]) for _ in range(3)]
    given = [columns[0], encode(columns[1]), encode(np.where(columns[2] == "a", "", columns[2]))]
    keys, index = group_rows(given)
    expected = [(a, b, "" if c == "a" else c) for a, b, c in zip(*map(np.ndarray.tolist, columns), strict=True)]
    assert [keys[i] for i in index.tolist()] == expected
    assert len(set(keys)) == len(keys) == len(set(expected))


SERIES = {
    "text": pd.Series(["b", None, "a", "b", ""]),
    "categories": pd.Series(["b", None, "a", "b"], dtype="category"),
    "objects": pd.Series(["1", 1, True, None], dtype=object),
    "numbers as categories": pd.Series([2, 1, 2], dtype="category"),
}


@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_groups_of_pandas_are_the_text(series):
    frame = pd.DataFrame({"y_true": np.arange(len(series)), "y_pred": 0.0, "g": series})
    text = ["" if t is None else t for t in as_text(np.asarray(series, dtype=object)).tolist()]
    found = {result.group["g"]: result.sum for result in losscli.compute("mse", data=frame, group_by="g")}
    assert found == {t: sum(float(i * i) for i, other in enumerate(text) if other == t) for t in text}
