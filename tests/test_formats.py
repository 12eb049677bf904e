"""Containers of data: what they hold is read as an independent library reads it, or refused in one line."""

from __future__ import annotations

import decimal
import io
import json
import os
import struct
import sys
import threading
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from losscli.data import json as json_reader
from losscli.data import json_lines
from losscli.data.arrow import to_numpy
from losscli.data.csv import split
from losscli.data.csv import table as csv_table
from losscli.data.sources import open_table
from losscli.data.table import Kind
from losscli.errors import DataError
from tests.conftest import Cli, as_bytes, write_feather, write_npy, write_npz, write_parquet
from tests.input_cases import arrow_stream, feather, parquet, safetensors, xlsx, zipped

TRUE, PRED = [3.0, 5.0, 2.0], [2.5, 5.0, 4.0]
FRAME = pd.DataFrame({"y_true": TRUE, "y_pred": PRED})
TABLE = pa.table({"y_true": TRUE, "y_pred": PRED})
MSE = "1.4166666666666667\n"
CSV = FRAME.to_csv(index=False).encode()


def columns(path: Path, role: str | None = None) -> dict[str, Any]:
    """Return all that a table holds."""
    with closing(open_table(str(path), role)) as table:
        chunks = list(table.chunks({column.name: column.kind for column in table.columns}))
    return {name: np.concatenate([chunk[name] for chunk in chunks]).tolist() for name in chunks[0]}


def refusal(path: Path, data: bytes, role: str | None = None) -> str:
    """Return the message with which data is refused."""
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        columns(path, role)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


# ------------------------------------------------------------------------------------------ content and endings


@pytest.mark.parametrize(
    "name", ["d.csv", "d.json", "d.jsonl", "d.npy", "d.parquet", "d.txt", "d", "d.feather", "d.xlsx"]
)
@pytest.mark.parametrize(
    "data",
    [
        CSV,
        FRAME.to_csv(index=False, sep="\t").encode(),
        FRAME.to_json().encode(),
        FRAME.to_json(orient="records", lines=True).encode(),
        as_bytes(write_npy, FRAME.to_numpy()),
        as_bytes(write_npz, FRAME),
        as_bytes(write_parquet, FRAME),
        as_bytes(write_feather, FRAME),
        arrow_stream(TABLE),
        safetensors(y_true=("F64", TRUE), y_pred=("F64", PRED)),
        zipped(a__csv=CSV),
    ],
    ids=["csv", "tsv", "json", "jsonl", "npy", "npz", "parquet", "feather", "stream", "safetensors", "zip"],
)
def test_content_decides(name: str, data: bytes, cli: Cli) -> None:
    Path(name).write_bytes(data)
    assert cli("compute", "mse", name, "-f", "value").out == MSE


def test_a_column_may_be_called_like_a_format(cli: Cli) -> None:
    for name in ("PAR1", "ORC", "ARROW1", "MATLAB 5.0"):
        Path("d.csv").write_bytes(CSV.replace(b"y_pred", name.encode()))
        assert cli("compute", "mse", "d.csv", "--pred", name, "-f", "value").out == MSE


FOREIGN = {
    "a page to log in": ("d.csv", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", ["HTML"]),
    "pointer": ("d.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", ["git lfs pull"]),
    "sqlite": ("d.csv", b"SQLite format 3\x00" + bytes(84), ["SQLite", "sqlite3 -header -csv"]),
    "pdf": ("d.pdf", b"%PDF-1.7\n%\xe2\xe3\n", ["PDF"]),
    "pickle of protocol 0": ("d.pkl", b"(lp0\nF3.0\naF5.0\na.", ["pickle", "npz"]),
    "joblib": ("d.joblib", b"\x78\x9c" + bytes(range(200, 240)), ["pickle"]),
    "orc": ("d.orc", b"ORC\n\x0b\n\x03\x00\x00", ["ORC", "read_orc"]),
    "tar": ("d.tar", b"a.csv".ljust(257, b"\x00") + b"ustar\x00" + bytes(250), ["tar archive"]),
    "lz4": ("d.csv.lz4", b"\x04\x22\x4d\x18" + bytes(9), ["compress"]),
    "stata": ("d.dta", b"<stata_dta><header>\x01", ["Stata", "read_stata"]),
    "tfrecord": ("d.tfrecord", b"\x12\x00\x00\x00\x00\x00\x00\x00\xaa\xbb\xcc\xdd", ["TFRecord"]),
    "word": ("d.csv", zipped(word__x=b"", **{"word/document__xml": b"<w/>"}), ["Word"]),
    "damaged workbook": ("d.xlsx", b"PK\x03\x04" + bytes(90), ["damaged"]),
}


@pytest.mark.parametrize(("name", "data", "words"), FOREIGN.values(), ids=FOREIGN)
def test_other_formats_are_named(name: str, data: bytes, words: list[str], tmp_path: Path) -> None:
    text = refusal(tmp_path / name, data)
    assert all(word in text for word in words), text


# --------------------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("index", [[7, 8, 9], ["a", "b", "c"], pd.date_range("2024-01-01", periods=3)], ids=str)
@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_the_index_is_a_column_of_its_own(orient: str, index: Any, tmp_path: Path) -> None:
    frame = FRAME.set_axis(pd.Index(index, name="key" if orient == "table" else None))
    path = tmp_path / "d.json"
    frame.to_json(path, orient=orient, date_format="iso", date_unit="s")
    key = "key" if orient == "table" else "index"
    with closing(open_table(str(path))) as table:
        assert table.index_columns == {key}
    found = columns(path)
    assert (found.pop("y_true"), found.pop("y_pred")) == (TRUE, PRED)
    assert [str(label).removesuffix(".0")[:10] for label in found[key]] == [str(label)[:10] for label in index]


@pytest.mark.parametrize("orient", ["split", "index", "table", "records"])
def test_series(orient: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    pd.Series(TRUE, index=["c", "a", "b"]).to_json(path, orient=orient)
    assert columns(path, "y_true")["y_true"] == TRUE


def test_to_dict_tight(tmp_path: Path) -> None:
    frame = FRAME.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["site", None]))
    (tmp_path / "d.json").write_text(json.dumps(frame.to_dict("tight")))
    expected = {"site": ["a", "a", "b"], "level_1": [1, 2, 1], "y_true": TRUE, "y_pred": PRED}
    assert columns(tmp_path / "d.json") == expected


AMBIGUOUS = {
    "two by two": {"a": {"r": 1, "s": 2}, "b": {"r": 3, "s": 4}},
    "two by three names": {"a": {"id": 7, "obs": 1, "fc": 2}, "b": {"id": 8, "obs": 3, "fc": 4}},
    "square of numbers": {"0": {"0": 1, "1": 2}, "1": {"0": 3, "1": 4}},
    "roles on both sides": {"y_true": {"y_true": 1, "y_pred": 2}, "y_pred": {"y_true": 3, "y_pred": 4}},
}


@pytest.mark.parametrize("document", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_rows_or_columns_is_not_guessed(document: Any, tmp_path: Path) -> None:
    assert "columns or rows" in refusal(tmp_path / "d.json", json.dumps(document).encode())


JSON_REFUSED = {
    "arrays in several objects": (
        {"train": {"y_true": [1, 2], "y_pred": [1, 2]}, "val": {"y_true": [1], "y_pred": [3]}},
        "give one",
    ),
    "widths of 3": ([[1, 2, 3], [4, 5, 6]], "rows of 3 values"),
    "ragged rows": ([[1, 2], [4]], "different lengths"),
    "split of another width": ({"columns": ["y_true", "y_pred"], "index": [0], "data": [[1, 2, 3]]}, "row 1: 3 values"),
    "columns of one name": ({"columns": ["y_true", "y_true"], "index": [0], "data": [[1, 2]]}, "two columns"),
    "sparse vector beyond its size": (
        [{"y_pred": {"type": 0, "size": 2, "indices": [2], "values": [1]}}],
        "row 1: index 2",
    ),
    "ragged vectors": ([{"y_pred": [1, 2]}, {"y_pred": [1]}], "row 2"),
    "an object of weights": (
        {"y_true": [1, 2], "y_pred": [2, 4], "weight": {"0": 1, "1": 3}},
        "'weight' is an object, the others are arrays",
    ),
    "an object of predictions": ({"y_true": [1, 2], "score": {"0": 1, "1": 3}}, "'score' is an object"),
    "records under a key": ({"n": 1, "data": [{"y_true": 1, "y_pred": 2}]}, "under the key 'data': give these alone"),
}


@pytest.mark.parametrize(("document", "words"), JSON_REFUSED.values(), ids=JSON_REFUSED)
def test_json_refused(document: Any, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "d.json", json.dumps(document).encode())


def test_split_without_its_index(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    FRAME.to_json(path, orient="split", index=False)
    assert columns(path) == {"y_true": TRUE, "y_pred": PRED}


def test_objects_that_describe_the_data_are_left_out(tmp_path: Path) -> None:
    document = {"y_true": TRUE, "y_pred": PRED, "labels": {"0": "cat"}, "config": {"lr": 0.1}, "weight": 2}
    (tmp_path / "d.json").write_text(json.dumps(document))
    assert columns(tmp_path / "d.json") == {"y_true": TRUE, "y_pred": PRED}


TEXT_REFUSED = {
    "values below each other": (
        "d.json",
        b'{\n"y_true": 1\n}\n{\n"y_true": 2\n}\n',
        "line 4, character 1: another value",
    ),
    "values beside each other": ("d.jsonl", b'{"y_true": 1} {"y_true": 2}\n', "row 1: another value begins: 'jq -c .'"),
    "joined lines": ("d.jsonl", b'{"y_true": 1, "y_pred": 2}, {"y_true": 5\n"y_pred": 9}\n', "row 1"),
    "joined through a constant": ("d.jsonl", b'{"a": 1},-Infinity,{"b": [1\n2]}\n', "row 1"),
    "two records in a line": ("d.jsonl", b'{"y_true": 1}, {"y_true": 2}\n', "row 1"),
    "a key twice": ("d.json", b'{"y_true": [1], "y_true": [2]}', "two values for the key 'y_true'"),
    "a key twice in a line": ("d.jsonl", b'{"a": 1}\n{"a": 1, "a": 2}\n', "row 2: an object has two values"),
    "deep": ("d.json", b'{"y_true": ' + b"[" * 100 + b"1" + b"]" * 100 + b"}", "deeper than 32"),
    "too deep to parse": ("d.json", b'{"y_true": ' + b"[" * 99_999, "nested too deep"),
    "digits": ("d.json", b'{"y_true": [' + b"9" * 5000 + b"]}", "digits"),
    "not UTF-8": ("d.json", b'{"y_true": ["\xb1\xb1"]}', "not UTF-8"),
}


@pytest.mark.parametrize(("name", "data", "words"), TEXT_REFUSED.values(), ids=TEXT_REFUSED)
def test_json_text_refused(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / name, data)


def test_integers_keep_their_digits_as_keys(tmp_path: Path) -> None:
    keys = [2**53 + 1, 2**53, 2**63, 10**30, None]
    (tmp_path / "d.json").write_text(json.dumps({"key": keys, "y": [10**400, -(10**400), 1, True, None]}))
    with closing(open_table(str(tmp_path / "d.json"))) as table:
        (chunk,) = table.chunks({"key": Kind.TEXT, "y": Kind.NUMBER})
    assert chunk["key"].tolist() == [*map(str, keys[:4]), None]
    np.testing.assert_array_equal(chunk["y"], [np.inf, -np.inf, 1, 1, np.nan])


def test_what_is_not_wanted_may_be_ragged(cli: Cli) -> None:
    rows = [{"y_true": 1, "y_pred": 2, "tokens": ["a"]}, {"y_true": 3, "y_pred": 5, "tokens": ["a", "b"]}]
    Path("d.json").write_text(json.dumps(rows))
    Path("d.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("d.json", "d.jsonl"):
        assert cli("compute", "mse", name, "-f", "value").out == "2.5\n"


def test_limits_of_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "MAX_BYTES_PER_DOCUMENT", 1 << 12)
    assert "is longer than" in refusal(tmp_path / "d.json", b'{"y_true": [' + b"1," * 5000 + b"1]}")
    for module, name in ((json_lines, "MAX_BYTES_PER_RECORD"), (split, "BYTES_PER_LINE")):
        monkeypatch.setattr(module, name, 1 << 12)
    for name in ("BYTES_OF_SAMPLE", "BYTES_READ_BY_JSON_MODULE"):
        monkeypatch.setattr(json_lines, name, 1 << 10)
    monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", 1 << 10)
    rows, long = b'{"y_true": 1}\n' * 500, b'{"y_true": "' + b"x" * 9000
    assert "row 501: a line is longer" in refusal(tmp_path / "d.jsonl", rows + long)
    assert "row 1: a line is longer" in refusal(tmp_path / "d.jsonl", long)
    (tmp_path / "d.jsonl").write_bytes(b"\xef\xbb\xbf" + rows + b'{"y_true": 1' + b" " * 3000 + b"}")
    assert columns(tmp_path / "d.jsonl")["y_true"] == [1.0] * 501


def test_lines_are_read_as_each_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        b'{"a": [1, NaN, -Infinity]}',
        b"",
        b'  {"a": [-1e999, 2, 3]}  ',
        b'{"a": [1, 2, 3], "b": "-Infinity"}',
    ] * 9
    (tmp_path / "d.jsonl").write_bytes(b"\r\n".join(lines))
    for size in (64, 1 << 10, 1 << 20):
        monkeypatch.setattr(json_lines, "BYTES_READ_BY_JSON_MODULE", size)
        monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", size)
        found = columns(tmp_path / "d.jsonl")["a"]
        np.testing.assert_array_equal(found, [json.loads(line)["a"] for line in lines if line])


# ----------------------------------------------------------------------------------------------------- NPY, NPZ


def test_only_wanted_members_are_loaded(cli: Cli) -> None:
    with zipfile.ZipFile("d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in (("y_true", TRUE), ("y_pred", PRED), ("objects", np.array([{}], dtype=object))):
            archive.writestr(f"{name}.npy", as_bytes(write_npy, np.array(values), allow_pickle=True))
        with archive.open("logits.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (1 << 23,)})
            for _ in range(64):
                member.write(bytes(1 << 20))
    tracemalloc.start()
    assert cli("compute", "mse", "d.npz", "-f", "value").out == MSE
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()
    assert "never unpickled" in cli("compute", "mse", "d.npz", "--pred", "objects").err


def with_member(change: Callable[[bytearray], None], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name in ("y_true", "y_pred"):
            data = bytearray(as_bytes(write_npy, np.arange(200.0)))
            if name == "y_pred":
                change(data)
            archive.writestr(f"{name}.npy", bytes(data))
    return buffer.getvalue()


def corrupt(method: int) -> bytes:
    data = bytearray(with_member(lambda data: None, compression=method))
    middle = data.rindex(b"y_pred.npy", 0, data.index(b"PK\x01\x02")) + 150
    data[middle : middle + 9] = bytes(9) if any(data[middle : middle + 9]) else b"\xff" * 9
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(with_member(lambda data: None))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark)
        data[at + offset] |= 1
    return bytes(data)


def set_shape(data: bytearray, shape: bytes) -> None:
    data[:] = data.replace(b"(200,), }" + b" " * (len(shape) - 6), shape + b", }")


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("y_true.npy", "y_pred.npy", "y_pred"):
            archive.writestr(name, as_bytes(write_npy, np.zeros(3)))
    return buffer.getvalue()


NPZ_REFUSED = {
    **{f"corrupt, method {method}": (corrupt(method), "damaged") for method in (0, 8, 12, 14)},
    "encrypted": (encrypted(), "encrypted"),
    "member promises more": (with_member(lambda data: set_shape(data, b"(99999999999,)")), "cut short"),
    "member holds more": (with_member(lambda data: data.extend(bytes(64))), "more than one array"),
    "member is no array": (with_member(lambda data: data.__setitem__(slice(0, 6), b"NUMPY!")), "not an NPY file"),
    "two of one name": (twice(), "two arrays called 'y_pred'"),
}


@pytest.mark.parametrize(("data", "words"), NPZ_REFUSED.values(), ids=NPZ_REFUSED)
def test_npz_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "d.npz", data)


PAIRS = as_bytes(write_npy, np.zeros((4, 2)))
NPY_REFUSED = {
    "two arrays": (PAIRS + PAIRS, "more than one array"),
    "empty text": (as_bytes(write_npy, np.zeros(3, "S1")).replace(b"|S1", b"|S0"), "values of no bytes"),
    "no characters": (as_bytes(write_npy, np.array(["abc"] * 3))[:-4] + b"\xff\xff\xff\x7f", "row 3: is not text"),
    "negative shape": (PAIRS.replace(b"(4, 2)", b"(-4,2)"), "not an NPY file"),
    "huge shape": (PAIRS.replace(b"(4, 2), }  ", b"(1<<60, 2)}"), "not an NPY file"),
    "more rows": (PAIRS.replace(b"(4, 2), }          ", b"(4000000000000,2)} "), "cut short"),
    "unknown version": (PAIRS[:6] + b"\x09" + PAIRS[7:], "not an NPY file"),
    "complex": (as_bytes(write_npy, np.zeros((4, 2), complex)), "holds complex128"),
}


@pytest.mark.parametrize(("data", "words"), NPY_REFUSED.values(), ids=NPY_REFUSED)
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
def test_npy_refused(data: bytes, words: str, is_piped: bool, cli: Cli) -> None:
    Path("d.npy").write_bytes(data)
    result = cli("compute", "mse", "y_true=d.npy", f"y_pred={'-' if is_piped else 'd.npy'}", stdin=data)
    assert result.status == 3
    assert words in result.err


def test_field_names_beyond_latin_1(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about NumPy before 1.17
        np.save(tmp_path / "d.npy", np.array([(1, 2)], dtype=[("真", "f8"), ("é", "i4")]))
    assert columns(tmp_path / "d.npy") == {"真": [1], "é": [2]}


# -------------------------------------------------------------------------------------------------------- Arrow

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "type_", [pa.decimal128(38, 20), pa.decimal128(18, 2), pa.decimal256(76, 30), pa.decimal128(9, -3)], ids=str
)
def test_decimals_are_correctly_rounded(type_: Any) -> None:
    digits = [int(d) for d in 10.0 ** RNG.uniform(0, type_.precision, 3000)]
    values = [decimal.Decimal(sign * d).scaleb(-type_.scale) for d, sign in zip(digits, [1, -1] * 1500, strict=True)]
    with decimal.localcontext(prec=80):
        array = pa.array([None, *values, None], type_)
    for given in (
        array,
        array.slice(1, 77),
        array.dictionary_encode(),
        pa.ListArray.from_arrays([0, 1502, 3002][::2], array[:3002]),
    ):
        found = to_numpy(given, Kind.NUMBER, "d", "x", 0)
        flat = given.flatten() if pa.types.is_list(given.type) else given
        expected = [np.nan if v is None else float(v) for v in flat.to_pylist()]
        np.testing.assert_array_equal(found.ravel(), expected)


def test_dictionaries(tmp_path: Path) -> None:
    table = pa.table(
        {
            "word": pa.array(["b", None, "a", "b"]).dictionary_encode(),
            "full": pa.array(["b", "a", "a", "b"]).dictionary_encode(),
            "number": pa.array([1.5, 2, None, 1.5]).dictionary_encode(),
        }
    )
    (tmp_path / "d.feather").write_bytes(feather(table))
    found = columns(tmp_path / "d.feather")
    assert found["word"] == ["b", None, "a", "b"]
    assert found["full"] == ["b", "a", "a", "b"]
    np.testing.assert_array_equal(found["number"], [1.5, 2, np.nan, 1.5])


def test_times_are_groups_and_no_numbers(cli: Cli) -> None:
    times = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"])
    Path("d.parquet").write_bytes(parquet({"y_true": TRUE, "y_pred": PRED, "day": times}))
    assert "2024-01-02" in cli("compute", "mse", "d.parquet", "--group-by", "day").out
    result = cli("compute", "mse", "d.parquet", "--pred", "day")
    assert result.status == 3
    assert "dates or times" in result.err


BATCHES = arrow_stream(pa.concat_tables([TABLE, TABLE]))
END = b"\xff\xff\xff\xff" + bytes(4)
STREAMS_REFUSED = {
    "without its end": (BATCHES.removesuffix(END), "cut short"),
    "within a batch": (BATCHES[:-40], "damaged"),
    "followed by another": (BATCHES + BATCHES, "more data follows"),
}


@pytest.mark.parametrize(("data", "words"), STREAMS_REFUSED.values(), ids=STREAMS_REFUSED)
def test_streams_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert BATCHES.endswith(END)
    assert words in refusal(tmp_path / "d.arrows", data)


def ragged(**options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"y_true": [[1.0, 2.0], [3.0, 4.0], [1.0], [2.0]]}), buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("rows", [2, 4], ids=["between row groups", "within one"])
def test_ragged_lists_are_refused(rows: int, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "d.parquet"
    path.write_bytes(ragged(row_group_size=rows))
    for jobs in ("1", "2"):
        result = cli("compute", "mse", f"y_true={path}", f"y_pred={path}", "-j", jobs)
        assert result.status == 3
        assert "row 3" in result.err or "different lengths" in result.err or "another length" in result.err
        assert cli("compute", "mse", str(path), "--pred", "y_true", "-j", jobs).status == 3


VECTOR = pa.struct(
    [("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))]
)
VECTORS_REFUSED = {
    "missing": ([None], "row 2: a vector is missing"),
    "of another size": ([{"type": 1, "values": [1.0]}], "row 2: a vector of size 1, the first has 2"),
    "index twice": ([{"type": 0, "size": 2, "indices": [1, 1], "values": [1.0, 2.0]}], "row 2: the indices"),
    "index too large": ([{"type": 0, "size": 2, "indices": [2], "values": [1.0]}], "row 2: the indices"),
    "without a size": ([{"type": 0, "indices": [1], "values": [1.0]}], "row 2: is not a sparse vector"),
    "of another type": ([{"type": 7, "values": [1.0, 2.0]}], "row 2: is not a vector"),
}


@pytest.mark.parametrize(("rows", "words"), VECTORS_REFUSED.values(), ids=VECTORS_REFUSED)
def test_vectors_refused(rows: list[Any], words: str, tmp_path: Path) -> None:
    given = pa.array([{"type": 1, "values": [1.0, 2.0]}, *rows], VECTOR)
    assert words in refusal(tmp_path / "d.parquet", parquet({"y_pred": given}))


# ------------------------------------------------------------------------------------------------- safetensors


def header(text: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + data


PAIR = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
SAFETENSORS_REFUSED = {
    "not JSON": (header(b"{]"), "damaged"),
    "gap": (header(PAIR + b',"b":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}', bytes(10)), "gaps"),
    "overlap": (header(PAIR + b',"b":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}}', bytes(8)), "overlap"),
    "another size": (header(b'{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', bytes(8)), "damaged"),
    "negative": (header(b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', bytes(8)), "damaged"),
    "more behind": (header(PAIR + b"}", bytes(9)), "damaged"),
    "a name twice": (header(PAIR + b',"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)), "twice"),
    "F8": (header(b'{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}', bytes(8)), "F8_E4M3"),
    "empty": (header(b"{}"), "no tensors"),
}


@pytest.mark.parametrize(("data", "words"), SAFETENSORS_REFUSED.values(), ids=SAFETENSORS_REFUSED)
def test_safetensors_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path / "d.safetensors", data)


def test_bfloat16_is_the_upper_half_of_a_float(tmp_path: Path) -> None:
    values = np.array([1.0, -0.0, np.inf, 3.140625, 1e-40], "<f4")
    (tmp_path / "d.safetensors").write_bytes(safetensors(a=("BF16", values), b=("BOOL", [1, 0, 1, 1, 0])))
    found = columns(tmp_path / "d.safetensors")
    np.testing.assert_array_equal(found["a"], (values.view("<u4") & 0xFFFF0000).view("<f4"))
    assert found["b"] == [1, 0, 1, 1, 0]


# -------------------------------------------------------------------------------------------------------- Excel


def test_excel_cells(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    (tmp_path / "d.xlsx").write_bytes(xlsx([["y_true", "y_pred", "g"], [1, 2.5, "a"], [3, "4", "NA"]]))
    assert columns(tmp_path / "d.xlsx") == {"y_true": [1, 3], "y_pred": ["2.5", "4"], "g": ["a", "NA"]}
    assert "no header" in refusal(tmp_path / "n.xlsx", xlsx([[1, 2], [3, 4]]))
    assert "no rows" in refusal(tmp_path / "n.xlsx", xlsx([["y_true", "y_pred"]]))
    assert "damaged" in refusal(tmp_path / "n.xlsx", xlsx([["y_true"], [1]])[:-90])


def test_excel_is_named_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    assert "losscli[excel]" in refusal(tmp_path / "d.xlsx", xlsx([["y_true"], [1]]))


# -------------------------------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize(
    "data",
    [
        as_bytes(write_npy, FRAME.to_numpy()),
        as_bytes(write_npz, FRAME),
        as_bytes(write_parquet, FRAME),
        as_bytes(write_feather, FRAME),
        arrow_stream(TABLE),
        zipped(a__csv=CSV),
        FRAME.to_json().encode(),
    ],
    ids=["npy", "npz", "parquet", "feather", "stream", "zip", "json"],
)
def test_named_pipes(data: bytes, cli: Cli) -> None:
    os.mkfifo("fifo")

    def write() -> None:
        with open("fifo", "wb", buffering=0) as pipe:
            for part in (data[:3], data[3:9], data[9:]):  # a slow writer
                pipe.write(part)
                threading.Event().wait(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    result = cli("compute", "mse", "fifo", "-f", "value")
    writer.join()
    assert result.out == MSE, result.err


@pytest.mark.parametrize("ending", ["npy", "parquet", "npz", "safetensors"])
@pytest.mark.filterwarnings("error")
def test_signalling_nan_is_a_missing_value(cli: Cli, ending: str) -> None:
    values = np.array([[0x7F800080, 0x40000000], [0x3F800000, 0x40400000]], dtype="<u4").view("<f4")
    path = Path(f"d.{ending}")
    if ending == "npy":
        np.save(path, values)
    elif ending == "npz":
        np.savez(path, y_true=values[:, 0], y_pred=values[:, 1])
    elif ending == "parquet":
        pq.write_table(pa.table({"y_true": values[:, 0], "y_pred": values[:, 1]}), path)
    else:
        spans = {"y_true": [0, 8], "y_pred": [8, 16]}
        header = json.dumps({k: {"dtype": "F32", "shape": [2], "data_offsets": v} for k, v in spans.items()}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + values.T.tobytes())
    done = cli("compute", "mse", path, "-f", "value", "--nan", "omit")
    assert (done.out, done.err) == ("4.0\n", "losscli: note: 1 of 2 rows lacks a value and was left out\n")


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ([True, False, True], ["False", "True"]),
        ([True, None, 0.5], ["", "0.5", "True"]),
        ([2**53 + 1, 2**53, 0.5], ["0.5", "9007199254740992", "9007199254740993"]),
        ([1, 1.0, "1"], ["1"]),
    ],
)
def test_a_group_has_one_name_in_JSON_and_JSON_Lines(groups: list[object], names: list[str], cli: Cli) -> None:
    records = [{"y_true": 1, "y_pred": 2, "g": group} for group in groups]
    Path("d.json").write_text(json.dumps(records))
    Path("d.jsonl").write_text("\n".join(map(json.dumps, records)))
    for name in ("d.json", "d.jsonl"):
        found = json.loads(cli("compute", "mse", "--group-by", "g", "-f", "json", "-q", name).out)["losses"]
        assert sorted(loss["group"]["g"] for loss in found) == names
