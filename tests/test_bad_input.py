"""Every refusal prints one line (what is wrong, where, what to do), the right status, and nothing on stdout."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import losscli
from losscli.data.csv.schema import CsvSchema
from losscli.data.csv.split import BlockPiece, SplittableLines, range_pieces, split_stream
from losscli.data.open_file import OpenFile
from losscli.data.table import Column, Kind
from losscli.errors import DataError
from tests.conftest import Cli, Result, as_bytes, write_feather, write_npy, write_npz, write_parquet

GOOD = b"y_true,y_pred\n1,2\n3,5\n"
CLASSES = b"y,prob_cat,prob_dog\n"
BOXES = b"".join(b"%s_%s," % (role, edge) for role in (b"y_true", b"y_pred") for edge in (b"a", b"b", b"c", b"d"))[:-1]


def npy(array: Any, **options: Any) -> bytes:
    return as_bytes(write_npy, array, **options)


def npz(**arrays: Any) -> bytes:
    return as_bytes(write_npz, arrays)


def parquet(columns: dict[str, Any]) -> bytes:
    return as_bytes(write_parquet, columns)


def feather(columns: dict[str, Any]) -> bytes:
    return as_bytes(write_feather, columns)


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def refused(result: Result, status: int, *fragments: str) -> None:
    assert result.status == status, result.err
    assert result.out == ""
    lines = [line for line in result.err.splitlines() if not line.startswith("losscli: note: ")]
    assert len(lines) == 1, result.err
    assert lines[0].startswith("losscli: error: ")
    assert "bug in losscli" not in lines[0]
    for fragment in fragments:
        assert fragment in lines[0]


OBJECTS = np.array([1, "a", None], dtype=object)

# ------------------------------------------------------------------------------------------ one file of data

DATA = {
    # id: (file name, its bytes, arguments, status, what the message says)
    "empty": ("d.csv", b"", "mse", 3, ["d.csv", "is empty"]),
    "blank": ("d.csv", b" \n\n", "mse", 3, ["d.csv", "is empty"]),
    "header only": ("d.csv", b"y_true,y_pred\n", "mse", 3, ["d.csv", "header but no rows"]),
    "header only, no newline": ("d.csv", b"y_true,y_pred", "mse", 3, ["d.csv", "header but no rows"]),
    "missing column": ("d.csv", b"a,b,c\n1,2,3\n", "mse", 3, ["d.csv", "y_true", "a, b, c", "--true COL"]),
    "wrong name": ("d.csv", GOOD, "mse --pred y_prd", 3, ["d.csv", "'y_prd'", "did you mean 'y_pred'"]),
    "no match": ("d.csv", GOOD, "mse --pred p_*", 3, ["d.csv", "'p_*'", "y_true, y_pred"]),
    "two names": ("d.csv", b"label,target,y_pred\n1,1,2\n", "mse", 3, ["'label' and 'target'", "--true COL"]),
    "text cell": ("d.csv", GOOD + b"4,x\n", "mse", 3, ["d.csv: column 'y_pred', row 3: 'x' is not a number"]),
    "underscore": ("d.csv", GOOD + b"4,1_000\n", "mse", 3, ["row 3", "'1_000' is not a number"]),
    "hexadecimal": ("d.csv", GOOD + b"4,0x10\n", "mse", 3, ["row 3", "'0x10' is not a number"]),
    "empty cell": ("d.csv", GOOD + b"4,\n,6\n", "mse", 3, ["column 'y_pred', row 3", "2 rows lack", "--nan omit"]),
    "short row": ("d.csv", GOOD + b"4\n", "mse", 3, ["d.csv: row 3 has 1 cell, the header 2"]),
    "long row": ("d.csv", GOOD + b"4,5,6\n", "mse", 3, ["d.csv: row 3 has 3 cells, the header 2"]),
    "quote never closed": ("d.csv", b'y_true,y_pred,z\n1,2,a\n3,5,"b\n', "mse", 3, ["d.csv", "never closed"]),
    "decimal comma in quotes": ("d.csv", b'y_true,y_pred\n"1,5",2\n', "mse", 3, ["row 1", "'1,5'", "decimal comma"]),
    "UTF-32": ("d.csv", GOOD.decode().encode("utf-32"), "mse", 3, ["d.csv", "UTF-32"]),
    "no key": ("d.csv", GOOD, "mse --id user", 3, ["d.csv", "'user'"]),
    "two weights": ("d.csv", b"y_true,y_pred,w,v\n1,2,1,1\n", "mse --weight w,v", 3, ["weight", "one number per row"]),
    "JSON without rows": ("d.json", b'{"y_true": [], "y_pred": []}', "mse", 3, ["d.json", "no rows"]),
    "vectors of no numbers": (
        "d.json",
        b'{"y_true": [[], []], "y_pred": [[], []]}',
        "bce",
        3,
        ["d.json: column 'y_true': shape (N, 0): its rows hold no numbers"],
    ),
    "JSON Lines of blanks": ("d.jsonl", b"\n\n", "mse", 3, ["d.jsonl", "is empty"]),
    "open quote": ("d.csv", GOOD + b'4,"5\n6,7\n', "mse", 3, ["d.csv", "row 3"]),
    "numbers as header": ("d.csv", b"1,2\n3,4\n", "mse", 3, ["first line holds numbers", "--no-header"]),
    "two columns alike": ("d.csv", b"y_true,y_pred,y_pred\n1,2,3\n", "mse", 3, ["d.csv", "'y_pred'"]),
    "decimal comma": ("d.csv", b"y_true;y_pred\n1,5;2\n", "mse", 3, ["row 1", "'1,5'", "decimal comma"]),
    "rubbish": ("d.csv", bytes(range(256)) * 20, "mse", 3, ["d.csv", "not text"]),
    "NUL bytes later on": ("d.csv", GOOD + b"1,\0\n", "mse", 3, ["d.csv", "NUL"]),
    "no UTF-8 in a label": ("d.csv", CLASSES + b"c\xe4t,1,0\n", "cross_entropy", 3, ["column 'y', row 1", "UTF-8"]),
    "UTF-16 cut short": ("d.csv", GOOD.decode().encode("utf-16")[:-1], "mse", 3, ["d.csv", "UTF-16"]),
    "box inside out": (
        "d.csv",
        BOXES + b"\n0,0,2,2,1,1,3,3\n0,0,2,2,1,2,3,1\n",
        "giou",
        3,
        ["d.csv: column 'y_pred_d' (y_pred), row 2: 1 comes before y1", "--box-format xywh"],
    ),
    "box of negative size": (
        "d.csv",
        BOXES + b"\n0,0,-2,2,1,1,3,3\n",
        "ciou:box_format=cxcywh",
        3,
        ["d.csv: column 'y_true_c' (y_true), row 1: -2 is a size below 0", "--box-format xyxy"],
    ),
    "box without an end": ("d.csv", BOXES + b"\n0,0,inf,2,1,1,3,3\n", "iou", 3, ["y_true_c", "row 1", "not a finite"]),
    "box of five numbers": (
        "d.json",
        b'{"y_true": [[0, 0, 1, 1, 1]], "y_pred": [[0, 0, 1, 1, 1]]}',
        "iou",
        3,
        ["y_true", "(N, 5)", "(N, 4)"],
    ),
    "prototype without a number": (
        "d.json",
        b'{"labels": [0, 1], "embeddings": [[1, 2], [3, 4]], "weights": [[1, 2], [3, Infinity]]}',
        "arcface",
        3,
        ["weights", "row 2", "not a finite number"],
    ),
    "label without a prototype": (
        "d.json",
        b'{"labels": [0, 2], "embeddings": [[1, 2], [3, 4]], "weights": [[1, 2], [3, 4]]}',
        "arcface",
        3,
        ["labels", "row 2: 2 is not a class label 0..1", "weights has as many rows"],
    ),
    "label that is no group": (
        "d.json",
        b'{"labels": [0, -1], "embeddings": [[1, 2], [3, 4]]}',
        "coco",
        3,
        ["labels", "row 2: -1", "an integer >= 0"],
    ),
    # JSON
    "broken JSON": ("d.json", b'{"y_true": [1, 2', "mse", 3, ["d.json", "line 1, character 17", "not JSON"]),
    "JSON number": ("d.json", b"7", "mse", 3, ["d.json", "neither an object of arrays"]),
    "JSON without arrays": ("d.json", b'{"y_true": 1}', "mse", 3, ["d.json", "no arrays", "y_true"]),
    "JSON text": ("d.json", b'{"y_true": [1, "x"], "y_pred": [1, 2]}', "mse", 3, ["y_true", "row 2", "'x'"]),
    "JSON ragged": ("d.json", b'{"y_true": [0, 1], "y_pred": [[1, 0], [1]]}', "softmax_loss", 3, ["y_pred", "row 2"]),
    "JSON lengths": ("d.json", b'{"y_true": [1, 2, 3], "y_pred": [1, 2]}', "mse", 3, ["d.json", "(3,)", "(2,)"]),
    "JSON null": ("d.json", b'{"y_true": [1, null], "y_pred": [1, 2]}', "mse", 3, ["y_true", "row 2", "--nan"]),
    "JSON NaN": ("d.json", b'{"y_true": [1, NaN], "y_pred": [1, 2]}', "mse", 3, ["y_true", "row 2", "--nan"]),
    "JSON empty": ("d.json", b"", "mse", 3, ["d.json", "empty"]),
    "cut line": ("d.jsonl", b'{"y_true": 1, "y_pred": 2}\n{"y_true": 1,\n', "mse", 3, ["d.jsonl: row 2", "not JSON"]),
    "not a record": ("d.jsonl", b'{"y_true": 1, "y_pred": 2}\n[1, 2]\n', "mse", 3, ["d.jsonl: row 2", "[1, 2]"]),
    "text in a line": ("d.jsonl", b'{"y_true": 1, "y_pred": "x"}\n', "mse", 3, ["d.jsonl", "y_pred", "row 1", "'x'"]),
    "key missing in a line": ("d.jsonl", b'{"y_true": 1, "y_pred": 2}\n{"y_true": 1}\n', "mse", 3, ["y_pred", "row 2"]),
    # NumPy
    "object NPY": ("d.npy", npy(OBJECTS, allow_pickle=True), "mse", 3, ["d.npy", "never unpickled", "numeric dtype"]),
    "NPY header cut": ("d.npy", npy(np.zeros((5, 2)))[:50], "mse", 3, ["d.npy", "cut short"]),
    "NPY header broken": ("d.npy", npy(np.zeros((5, 2))).replace(b"}", b" "), "mse", 3, ["d.npy", "NPY"]),
    "NPY data cut": ("d.npy", npy(np.zeros((5, 2)))[:-8], "mse", 3, ["d.npy", "promises 80 bytes", "72"]),
    "NPY of text": ("d.npy", npy(np.array([["a", "b"]])), "mse", 3, ["d.npy", "'a' is not a number"]),
    "NPY of one column": ("d.npy", npy(np.zeros(5)), "mse", 3, ["d.npy", "(5,)", "(N, 2)"]),
    "NPY of three columns": ("d.npy", npy(np.zeros((5, 3))), "mse", 3, ["d.npy", "(5, 3)", "(N, 2)"]),
    "NPY without rows": ("d.npy", npy(np.zeros((0, 2))), "mse", 3, ["d.npy", "empty"]),
    "no NPY": ("d.npy", b"hello, world", "mse", 3, ["d.npy", "not an NPY file"]),
    "NPZ cut": ("d.npz", npz(y_true=[1.0], y_pred=[2.0])[:-30], "mse", 3, ["d.npz", "damaged"]),
    "NPZ of objects": ("d.npz", npz(y_true=OBJECTS, y_pred=OBJECTS), "mse", 3, ["d.npz", "never unpickled"]),
    "no NPZ": ("d.npz", b"hello", "mse", 3, ["d.npz", "not an NPZ archive"]),
    "NPZ lengths": ("d.npz", npz(y_true=np.zeros(3), y_pred=np.zeros(4)), "mse", 3, ["d.npz", "(3,)", "(4,)"]),
    "NPZ without the role": ("d.npz", npz(a=np.zeros(3), b=np.zeros(3), c=[1]), "mse", 3, ["d.npz", "a, b, c"]),
    "NPZ of one number": ("d.npz", npz(y_true=1.0, y_pred=[1.0]), "mse", 3, ["d.npz", "y_true is one number"]),
    # Arrow
    "Parquet cut": ("d.parquet", parquet({"y_true": [1.0], "y_pred": [1.0]})[:-9], "mse", 3, ["d.parquet", "damaged"]),
    "no Parquet": ("d.parquet", b"hello", "mse", 3, ["d.parquet", "not parquet"]),
    "Parquet without rows": (
        "d.parquet",
        parquet({"y_true": pa.array([], "f8"), "y_pred": pa.array([], "f8")}),
        "mse",
        3,
        ["d.parquet", "no rows"],
    ),
    "text in Parquet": ("d.parquet", parquet({"y_true": ["1", "x"], "y_pred": [1, 2]}), "mse", 3, ["y_true", "row 2"]),
    "null in Parquet": ("d.parquet", parquet({"y_true": [1.0, None], "y_pred": [1, 2]}), "mse", 3, ["row 2", "--nan"]),
    "lists in Parquet": (
        "d.parquet",
        parquet({"y_true": [0, 1], "y_pred": [[1.0, 2], [3.0]]}),
        "softmax_loss",
        3,
        ["d.parquet", "y_pred", "lengths"],
    ),
    "no Feather": ("d.feather", b"ARROW1 and then nothing", "mse", 3, ["d.feather", "damaged"]),
    "Feather cut": ("d.feather", feather({"y_true": [1.0], "y_pred": [1.0]})[:-9], "mse", 3, ["d.feather", "damaged"]),
    # compression
    "gzip cut": ("d.csv.gz", gzip.compress(GOOD * 99)[:-12], "mse", 3, ["d.csv.gz", "gzip", "cut short"]),
    "bzip2 cut": ("d.csv.bz2", bz2.compress(GOOD * 99)[:-12], "mse", 3, ["d.csv.bz2", "bzip2", "cut short"]),
    "xz cut": ("d.csv.xz", lzma.compress(GOOD * 99)[:-12], "mse", 3, ["d.csv.xz", "xz", "cut short"]),
    "zstd cut": ("d.csv.zst", zstd(GOOD * 99)[:-5], "mse", 3, ["d.csv.zst", "zstd"]),
    "no gzip": ("d.csv.gz", GOOD, "mse", 3, ["d.csv.gz", "not gzip-compressed"]),
    # shapes
    "vector and number": ("d.json", b'{"y_true": [1, 2], "y_pred": [[1, 2], [3, 4]]}', "mse", 3, ["(2,)", "(2, 2)"]),
    "one column for classes": ("d.csv", GOOD, "softmax_loss", 3, ["y_pred", "softmax_loss"]),
    "rows where labels are": ("d.npz", npz(y_true=np.eye(3), y_pred=np.eye(3)), "sparse_cross_entropy", 3, ["y_true"]),
    # domains
    "probability above 1": (
        "d.csv",
        b"y_true,y_pred\n1,0.5\n0,1.5\n",
        "bce",
        3,
        ["'y_pred', row 2: 1.5", "[0, 1]", "--from-logits"],
    ),
    "negative probability": ("d.csv", b"y_true,y_pred\n1,-0.5\n0,-1\n", "bce", 3, ["row 1: -0.5", "1 more row"]),
    "label 2": ("d.csv", b"y_true,y_pred\n1,0.5\n2,0.5\n", "bce", 3, ["'y_true', row 2: 2", "0 or 1"]),
    "labels -1, 0 and 1": ("d.csv", b"y_true,y_pred\n1,1\n0,1\n-1,1\n", "hinge", 3, ["row 3: -1", "not both"]),
    "class 3 of 3": ("d.npz", npz(y_true=[0, 3], y_pred=np.eye(3)[:2]), "cross_entropy", 3, ["row 2: 3", "0..2"]),
    "classes from 1": ("d.npz", npz(y_true=[1, 2, 3], y_pred=np.eye(3)), "cross_entropy", 3, ["start at 0"]),
    "half a class": ("d.npz", npz(y_true=[0.5, 1], y_pred=np.eye(2)), "cross_entropy", 3, ["row 1: 0.5"]),
    "unknown class": ("d.csv", CLASSES + b"cat,1,0\ndgo,0,1\n", "cross_entropy", 3, ["row 2: 'dgo'", "'dog'"]),
    "sum": ("d.csv", CLASSES + b"cat,0.5,0.5\ncat,0.5,0.6\n", "cross_entropy", 3, ["row 2: 1.1", "normalize=true"]),
    "logits": ("d.csv", CLASSES + b"cat,5,-3\n", "cross_entropy", 3, ["row 1", "--from-logits"]),
    "text without names": ("d.csv", b"y_true,y_pred\nyes,0.5\n", "bce", 3, ["row 1: 'yes'", "--classes"]),
    "3 classes, 2 columns": ("d.csv", CLASSES + b"cat,1,0\n", "cross_entropy --classes a,b,c", 2, ["y_pred has 2"]),
    # weights
    "negative weight": ("d.csv", b"y_true,y_pred,w\n1,2,1\n1,2,-1\n", "mse --weight w", 3, ["'w' (weight), row 2: -1"]),
    "infinite weight": ("d.csv", b"y_true,y_pred,w\n1,2,inf\n", "mse --weight w", 3, ["row 1: inf"]),
    "missing weight": ("d.csv", b"y_true,y_pred,w\n1,2,1\n1,2,\n", "mse --weight w", 3, ["'w'", "row 2", "lacks"]),
    "weights of zero": ("d.csv", b"y_true,y_pred,w\n1,2,0\n1,2,0\n", "mse --weight w", 4, ["no row", "weight 0"]),
    "all omitted": ("d.csv", b"y_true,y_pred\n1,\n,2\n", "mse --nan omit", 4, ["no row", "omitted"]),
    "all ignored": ("d.npz", npz(y_true=[5, 5], y_pred=np.eye(2)), "softmax_loss:ignore_index=5", 4, ["ignored"]),
}


@pytest.mark.parametrize("case", DATA.values(), ids=DATA)
def test_data(case: tuple[str, bytes, str, int, list[str]], cli: Cli) -> None:
    name, content, arguments, status, fragments = case
    Path(name).write_bytes(content)
    loss, *options = arguments.split()
    refused(cli("compute", loss, name, *options), status, *fragments)
    Path("kept.json").write_text("old")
    refused(cli("compute", loss, name, *options, "-o", "kept.json"), status, *fragments)
    assert Path("kept.json").read_text() == "old"
    assert sorted(path.name for path in Path().iterdir()) == sorted([name, "kept.json"])


STREAMED = {k: v for k, v in DATA.items() if not v[0].endswith((".gz", ".bz2", ".xz", ".zst"))}


@pytest.mark.parametrize("case", STREAMED.values(), ids=STREAMED)
def test_data_through_a_pipe(case: tuple[str, bytes, str, int, list[str]], cli: Cli) -> None:
    name, content, arguments, status, fragments = case
    loss, *options = arguments.split()
    format_ = Path(name).suffix[1:]
    named = [fragment.replace(name, "standard input") for fragment in fragments]
    refused(cli("compute", loss, "-", *options, "--input-format", format_, stdin=content), status, *named)


# ------------------------------------------------------------------------------------------- the command line

COMMANDS = {
    "no such file": ("compute mse dta.csv", 3, ["dta.csv: no such file", "did you mean data.csv?"]),
    "folder": ("compute mse empty_folder", 3, ["empty_folder", "folder"]),
    "no glob": ("compute mse parts/*.csv", 3, ["parts/*.csv", "no file matches"]),
    "no loss": ("compute , data.csv", 2, ["no loss is named", "losscli list"]),
    "unknown losses": ("compute msee,hubr,mae data.csv", 2, ["'msee'", "mse", "'hubr'", "huber"]),
    "unknown parameters": ("compute huber:dleta=1,mse:x=2 data.csv", 2, ["'dleta'", "delta", "'x'"]),
    "out of range": ("compute huber:delta=0 data.csv", 2, ["huber: delta=0", "> 0"]),
    "no number": ("compute huber:delta=big data.csv", 2, ["delta=big", "number"]),
    "no flag": ("compute bce:from_logits=maybe data.csv", 2, ["from_logits=maybe", "true or false"]),
    "no word": ("compute triplet:distance=far data.csv", 2, ["distance=far", "euclidean"]),
    "no value": ("compute huber:delta data.csv", 2, ["'delta'", "param=value"]),
    "list with commas": ("compute softmax_loss:class_weight=1,2,3 data.csv", 2, ["'2'", "2/4/6"]),
    "unused -P": ("compute mse -P delta=1 data.csv", 2, ["'delta'", "mse"]),
    "-P against a loss": (
        "compute huber:delta=1 -P delta=2 data.csv",
        2,
        ["huber: delta is 1 with the loss and 2 for all losses"],
    ),
    "-P twice": (
        "compute huber -P delta=1 -P delta=2 data.csv",
        2,
        ["-P delta=1 and -P delta=2 contradict each other"],
    ),
    "a parameter twice": ("compute huber:delta=1:Delta=2 data.csv", 2, ["huber", "delta is set twice, to 1 and to 2"]),
    "half a -P": ("compute huber -P delta data.csv", 2, ["-P delta"]),
    "logits nowhere": ("compute mse --from-logits data.csv", 2, ["'from_logits'"]),
    "unknown option": ("compute mse --presision 3 data.csv", 2, ["--presision", "--precision"]),
    "unknown command": ("comptue mse data.csv", 2, ["'comptue'", "'compute'"]),
    "compare without losses": ("compare data.csv", 2, ["--losses"]),
    "bad --column": ("compute mse data.csv --column y_pred", 2, ["--column y_pred", "ROLE=COLS"]),
    "unknown role": ("compute mse data.csv --column anchor=a", 2, ["'anchor'", "y_true, y_pred, weight"]),
    "unknown ROLE=": ("compute mse anchor=data.csv", 2, ["'anchor'", "y_true"]),
    "role twice": ("compute mse y_true=data.csv y_true=other.csv", 2, ["y_true", "already"]),
    "two stdins": ("compute mse - -", 2, ["standard input", "once"]),
    "three files": ("compute mse data.csv data.csv data.csv", 2, ["3 files", "ROLE=FILE", "'parts/*.csv'"]),
    "lengths": ("compute mse data.csv other.csv", 3, ["data.csv has 2 rows, other.csv has 3", "--id"]),
    "lengths, CSV and NPY": ("compute mse data.csv five.npy", 3, ["data.csv has 2 rows, five.npy has 5"]),
    "shapes of two files": ("compute mse five.npy wide.npy", 3, ["(5,)", "(5, 3)", "y_true", "y_pred"]),
    "key missing": ("compute mse keys.csv fewer.csv --id id", 3, ["fewer.csv", "'b'", "keys.csv"]),
    "key twice": ("compute mse twice.csv keys.csv --id id", 3, ["twice.csv", "rows 1 and 3", "'a'"]),
    "no key column": ("compute mse keys.csv other.csv --id id", 3, ["other.csv", "'id'"]),
    "no folder for -o": ("compute mse data.csv -o nowhere/out.csv", 2, ["-o nowhere/out.csv", "no folder"]),
    "no format for -o": ("compute mse data.csv -o out.xyz", 2, ["-o out.xyz", ".json", "--format"]),
    "-o is a folder": ("compute mse data.csv -o empty_folder -f csv", 2, ["folder"]),
    "no gradient": ("compute zero_slope data.csv --gradient --plugin flat.py", 2, ["zero_slope", "no gradient"]),
    "bad plugin": ("compute mse data.csv --plugin bad.py", 2, ["--plugin bad.py", "ZeroDivisionError"]),
    "plugin without domains": ("compute bare data.csv --plugin bare.py", 2, ["bare", "annotated with a domain"]),
    "no plugin": ("compute mse data.csv --plugin none.py", 2, ["--plugin none.py", "no such file"]),
    "plugin takes a name": ("compute mse data.csv --plugin clash.py", 2, ["clash.py", "'mse'"]),
    "unknown family": ("list --family robots", 2, ["'robots'", "regression"]),
    "explain what": ("explain hubr", 2, ["'hubr'", "huber"]),
    "explain as tsv": ("explain huber -f tsv", 2, ["markdown"]),
    "no rule": ("compare --losses mse data.csv --outliers sigma:3", 2, ["--outliers sigma:3", "mad"]),
    "no limit": ("compare --losses mse data.csv --outliers mad:x", 2, ["--outliers mad:x", "above 0"]),
    "long delimiter": ("compute mse data.csv --delimiter ab", 2, ["one character"]),
    "no group": ("compute mse data.csv --group-by sitte", 3, ["data.csv", "'sitte'"]),
    "gate without a limit": ("compute mse data.csv --fail-if mse", 2, ["--fail-if mse: ", "mse>0.5"]),
    "gate of text": ("compute mse data.csv --fail-if mse>big", 2, ["'mse>big'", "NUMBER"]),
    "gate of another loss": ("compute mse data.csv --fail-if mae>1", 2, ["'mae' is none of", "mse"]),
    "gate of no statistic": ("compute mse data.csv --fail-if mse.p99>1", 2, ["'p99'", "p95"]),
    "gate of two losses": ("compute huber,huber:delta=2 data.csv --fail-if huber>1", 2, ["could be several"]),
    "class twice": ("compute mse data.csv --classes a,a", 2, ["named twice"]),
}

FLAT = """
from losscli.declaration.domains import Real
from losscli.declaration.loss import loss
@loss(family="regression", formula="0")
def {name}(y_true: Real, y_pred: Real):
    '''Nothing.'''
    return y_true * 0
"""


@pytest.mark.parametrize("case", COMMANDS.values(), ids=COMMANDS)
def test_command(case: tuple[str, int, list[str]], cli: Cli) -> None:
    command, status, fragments = case
    Path("data.csv").write_bytes(GOOD)
    Path("other.csv").write_bytes(b"y_pred\n1\n2\n3\n")
    Path("keys.csv").write_text("id,y_true,y_pred\na,1,1\nb,2,2\n")
    Path("fewer.csv").write_text("id,y_pred\na,1\n")
    Path("twice.csv").write_text("id,y_true\na,1\nb,2\na,3\n")
    Path("five.npy").write_bytes(npy(np.zeros(5)))
    Path("wide.npy").write_bytes(npy(np.zeros((5, 3))))
    Path("bad.py").write_text("1 / 0\n")
    Path("bare.py").write_text(FLAT.format(name="bare").replace(": Real", ""))
    Path("flat.py").write_text(FLAT.format(name="zero_slope"))
    Path("clash.py").write_text(FLAT.format(name="mse"))
    Path("empty_folder").mkdir()
    refused(cli(*command.split()), status, *fragments)


# ---------------------------------------------------------------------------------- text that looks wrong but is valid

VALID = {
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "CRLF": GOOD.replace(b"\n", b"\r\n"),
    "old line ends": GOOD.replace(b"\n", b"\r"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + GOOD.decode().encode("utf-16-be"),
    "no newline at the end": GOOD.rstrip(),
    "blank lines": GOOD.replace(b"\n", b"\n\n"),
    "semicolons": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "spaces around": b"y_true, y_pred\n 1 , 2\n3 ,5\n",
    "quotes": b'"y_true","y_pred"\n"1","2"\n3,"5"\n',
    "newline in quotes": b'note,y_true,y_pred\n"a\nb",1,2\n"c,""d""",3,5\n',
    "signs and exponents": b"y_true,y_pred\n+1,2e0\n3.0,.5E1\n",
    "an unused column of rubbish": b"y_true,y_pred,z\n1,2,\xff\xfe\n3,5,x\n",
}


LISTS = {"y_true": [1.0, 2.0], "y_pred": [2.0, 5.0], "g": [[1.0, 2.0], [3.0, 4.0]]}
FILES_OF_LISTS = {
    "d.json": json.dumps(LISTS).encode(),
    "d.jsonl": b'{"y_true": 1, "y_pred": 2, "g": [1, 2]}\n' * 2,
    "d.npz": npz(**LISTS),
    "d.parquet": parquet(LISTS),
    "d.feather": feather(LISTS),
}


@pytest.mark.parametrize("option", ["--group-by", "--id"])
def test_objects_are_no_keys_and_no_groups(option: str, cli: Cli) -> None:
    Path("d.json").write_text('[{"y_true": 1, "y_pred": 2, "g": {"a": 1}}, {"y_true": 1, "y_pred": 2, "g": {"a": 2}}]')
    refused(
        cli("compute", "mse", "d.json", option, "g"), 3, "d.json: column 'g', row 1: holds an object, not one value"
    )


@pytest.mark.parametrize("name", FILES_OF_LISTS)
@pytest.mark.parametrize(
    "arguments",
    [
        "compute mse --group-by g {}",
        "compute mse --id g {}",
        "compute mse --id g --true y_true --pred y_pred y_true={} y_pred={}",
        "compare --losses mse --outliers column:g {}",
        "recommend --id g {}",
    ],
)
def test_lists_are_no_keys_and_no_groups(arguments: str, name: str, cli: Cli) -> None:
    Path(name).write_bytes(FILES_OF_LISTS[name])
    refused(
        cli(*arguments.format(name, name).split()), 3, f"{name}: column 'g': holds lists, where one value is needed"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "compute mse,medae --ci 0.9 --weight w",
        "compute mse --per-sample --weight w",
        "compare --losses mse,huber --weight w",
        "compare --losses mse --outliers iqr:1.5",
        "recommend --weight w",
    ],
)
def test_sums_and_differences_that_overflow_leave_one_line(arguments: str, cli: Cli) -> None:
    huge = [1e308, -1e308] * 10
    Path("d.npz").write_bytes(npz(y_true=huge, y_pred=huge[::-1], w=[1e308] * 20))
    result = cli(*arguments.split(), "d.npz")
    assert result.status in (3, 4)
    refused(result._replace(out=""), result.status)


def test_vectors_of_no_numbers_are_of_no_task(cli: Cli) -> None:
    Path("d.npz").write_bytes(npz(y_true=np.zeros((2, 0)), y_pred=np.zeros((2, 0))))
    refused(cli("recommend", "d.npz"), 3, "d.npz: column 'y_true': shape (N, 0): its rows hold no numbers")


@pytest.mark.parametrize("content", VALID.values(), ids=VALID)
def test_unusual_but_valid_text(content: bytes, cli: Cli) -> None:
    Path("d.csv").write_bytes(content)
    for result in (cli("compute", "mse", "d.csv", "-f", "value"), cli("compute", "mse", "-f", "value", stdin=content)):
        assert (result.status, result.out, result.err) == (0, "2.5\n", "")


def test_a_header_of_numbers_on_request(cli: Cli) -> None:
    assert cli("compute", "mse", "--no-header", "-f", "value", stdin=b"1,2\n3,5\n").out == "2.5\n"
    assert cli("compute", "mse", "--header", "-f", "value", stdin=b"7,8\n1,2\n3,5\n").out == "2.5\n"


def test_NA_is_a_class(cli: Cli) -> None:
    data = b"y,prob_NA,prob_EU\nNA,0.5,0.5\nEU,0.5,0.5\n"
    assert cli("compute", "cross_entropy", "-f", "value", stdin=data).out == f"{math.log(2)}\n"


def test_rows_that_nearly_sum_to_1_are_noted(cli: Cli) -> None:
    result = cli("compute", "cross_entropy", stdin=CLASSES + b"cat,0.5,0.5004\n")
    assert result.status == 0
    assert "row 1 to 1.0004" in result.err
    assert "normalize=true" in result.err


@pytest.mark.parametrize(("policy", "value"), [("omit", "2.5"), ("propagate", "nan")])
def test_missing_values(policy: str, value: str, cli: Cli) -> None:
    result = cli("compute", "mse", "--nan", policy, "-f", "value", stdin=GOOD + b"NA,6\n7,\n")
    assert result.out == f"{value}\n"
    if policy == "omit":
        assert result.status == 0
        assert "2 of 4 rows lack a value" in result.err
    else:
        assert result.status == 4
        assert "mse is nan" in result.err


def test_an_infinite_result_is_printed_and_is_status_4(cli: Cli) -> None:
    result = cli("compute", "bce:eps=0", "-f", "json", stdin=b"y_true,y_pred\n1,0\n")
    document = json.loads(result.out, parse_constant=pytest.fail)
    assert result.status == 4
    assert document["losses"][0]["value"] is None
    assert document["losses"][0]["status"] == "inf"
    assert "bce:eps=0 is inf" in result.err


def test_an_infinite_number_in_JSON_is_a_number(cli: Cli) -> None:
    result = cli("compute", "mae", "-f", "value", stdin=b'{"y_true": [Infinity], "y_pred": [1]}')
    assert (result.status, result.out) == (4, "inf\n")


def test_clipped_rows_are_counted(cli: Cli) -> None:
    result = cli("compute", "bce", "-f", "json", stdin=b"y_true,y_pred\n1,0\n0,0\n1,0.5\n")
    assert json.loads(result.out)["losses"][0]["clipped"] == 1
    assert "1 of 3 rows" in result.err


# ------------------------------------------------------------------------------------------ large text files


def large(bad: bytes, rows: int = 40_000) -> bytes:
    lines = [b"%d.5,%d.25,note" % (i, i) for i in range(rows)]
    lines[rows - 10] = bad
    return b"y_true,y_pred,text\n" + b"\n".join(lines) + b"\n"


@pytest.mark.parametrize(
    ("bad", "fragments"),
    [
        (b"1,x,note", ["column 'y_pred', row 39991: 'x' is not a number"]),
        (b"1,,note", ["column 'y_pred', row 39991: 1 row lacks"]),
        (b"1,2", ["row 39991 has 2 cells, the header 3"]),
        (b"1,2,3,4", ["row 39991 has 4 cells, the header 3"]),
    ],
)
def test_row_numbers_far_down(bad: bytes, fragments: list[str], cli: Cli) -> None:
    Path("d.csv").write_bytes(large(bad))
    refused(cli("compute", "mse", "d.csv"), 3, *fragments)


def test_an_incomplete_count_says_at_least(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,y_pred\n" + "1,1.5\n" * 70_000)
    refused(cli("compute", "bce", "d.csv"), 3, "row 1: 1.5", "(and at least 69999 more rows like it)")


@pytest.mark.parametrize("bytes_per_piece", [40, 64, 1000, 1 << 20])
@pytest.mark.parametrize("kind", ["file", "stream"])
def test_pieces_of_any_size_give_the_same(kind: str, bytes_per_piece: int, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(size=(300, 2))
    texts = [f"a\n,{i}" for i in range(len(rows))]
    lines = [f'"{text}",{a!r},{b!r}\n' for text, (a, b) in zip(texts, rows.tolist(), strict=True)]
    body, path = "".join(lines).encode(), str(tmp_path / "d.csv")
    Path(path).write_bytes(body)
    columns = (Column("text", Kind.TEXT), Column("y_true", Kind.NUMBER), Column("y_pred", Kind.NUMBER))
    schema = CsvSchema("d.csv", columns, ",")
    if kind == "file":
        pieces = range_pieces(schema, "csv", OpenFile(path, "d.csv"), 0, len(body), bytes_per_piece)
        table = SplittableLines(schema, "csv", path, pieces)
    else:
        blocks = split_stream(io.BytesIO(body[100:]).read, bytes_per_piece, bytes_per_piece, body[:100])
        table = SplittableLines(schema, "csv", None, (BlockPiece(schema, "csv", block, None) for block in blocks))
    chunks = list(table.chunks({column.name: column.kind for column in columns}))
    read = {column.name: np.concatenate([chunk[column.name] for chunk in chunks]) for column in columns}
    assert read["text"].tolist() == texts
    np.testing.assert_array_equal(np.stack([read["y_true"], read["y_pred"]], axis=1), rows)
    assert (len(chunks) == 1) is (bytes_per_piece > len(body))


@pytest.mark.parametrize(
    "options", ["huber:delta=1_0", "huber -P delta=1_0", "mse --fail-if mse>1_0", "mse --penalty l2:lambda=1_0"]
)
def test_numbers_with_underscores_are_refused(cli: Cli, options: str) -> None:
    assert cli("compute", *options.split(), "-", stdin=GOOD).status == 2


def test_outlier_rules_with_underscores_are_refused(cli: Cli) -> None:
    assert cli("compare", "--losses", "mse", "--outliers", "mad:1_0", "-", stdin=GOOD).status == 2


@pytest.mark.parametrize(
    "arguments",
    [
        "compute mse,medae d.csv",
        "compute balanced_error d.csv",
        "compute mse d.csv --ci 0.9",
        "compute mse d.csv --group-by g",
        "compare d.csv --losses mse,mae",
        "compare d.csv --losses mse --model a=d.csv --model b=e.csv",
        "recommend d.csv",
    ],
)
@pytest.mark.parametrize(
    ("weight", "problem"),
    [("1e308", "the sum of the weights is not finite"), ("1e-310", "the weights add up to 3e-310, too little")],
)
def test_weights_that_cannot_be_added_up(weight: str, problem: str, arguments: str, cli: Cli) -> None:
    text = "y_true,y_pred,g,w\n1,2,a,W\n0,0,b,W\n1,1,a,W\n".replace("W", weight)
    Path("d.csv").write_text(text)
    Path("e.csv").write_text(text)
    refused(cli(*arguments.split(), "--weight", "w"), 3, problem)


@pytest.mark.parametrize(("loss", "more"), [("mse", {}), ("ndcg_loss", {"query": [1, 1, 2]})])
def test_weights_in_memory_that_cannot_be_added_up(loss: str, more: dict[str, Any]) -> None:
    function = losscli.get_loss(loss)
    with pytest.raises(DataError, match="the sum of the weights is not finite"):
        function.value([1, 0, 1], [2, 0, 1], weight=[1e308] * 3, **more)
    with pytest.raises(DataError, match="the weights add up to 3e-310"):
        function.value([1, 0, 1], [2, 0, 1], weight=[1e-310] * 3, **more)


SERIES = {"y_true": [1, 2], "y_pred": [1, 2]}
FACES = {"labels": [0, 1], "embeddings": [[1, 2], [2, 3]]}


@pytest.mark.parametrize(
    ("loss", "data", "table"),
    [
        ("mase", {**SERIES, "train": np.zeros(0)}, "train"),
        ("mase", {**SERIES, "series": [1, 2], "train": np.zeros(0), "train_series": np.zeros(0)}, "train"),
        ("proxy_anchor", {**FACES, "proxies": np.zeros((0, 2))}, "proxies"),
        ("subcenter_arcface", {**FACES, "weights": np.zeros((0, 3, 2))}, "weights"),
    ],
)
def test_a_table_without_rows(loss: str, data: dict[str, Any], table: str, cli: Cli) -> None:
    Path("d.npz").write_bytes(npz(**data))
    refused(cli("compute", loss, "d.npz"), 3, f"d.npz: column '{table}'", "has no rows")
    if table == "train":
        Path("d.json").write_text(json.dumps({name: np.asarray(values).tolist() for name, values in data.items()}))
        refused(cli("compute", loss, "d.json"), 3, "d.json: column 'train': has no rows")
    with pytest.raises(DataError, match=f"{table}: has no rows"):
        losscli.compute(loss, **data)
    with pytest.raises(DataError, match=f"{table}: has no rows"):
        losscli.get_loss(loss).value(**data)


LEVELS = "/".join(str(i / 6000) for i in range(1, 5001))


@pytest.mark.parametrize(
    "loss",
    ["wis:taus=V", "multi_quantile:taus=V/x", "huber:delta=V", "mse:V", "qwk:classes=V", "huber:delta=V:delta=1", "V"],
)
def test_long_values_of_parameters_are_cut(loss: str, cli: Cli) -> None:
    Path("d.csv").write_bytes(b"y_true,y_pred_0,y_pred_1\n1,2,3\n")
    result = cli("compute", loss.replace("V", LEVELS), "d.csv")
    assert result.status in (2, 3)
    refused(result, result.status, "...")
    assert len(result.err) < 400
