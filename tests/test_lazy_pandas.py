"""pandas takes longer to import than most commands take: only frames of it, given or asked for, import it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

import losscli
from losscli.data import coded_text

ROWS = 300  # more than MIN_ROWS_BY_ARROW: PyArrow writes them
COMMANDS = """
compute mse,mae d.csv
compute mse d.csv --group-by g
compute mse d.csv --top 3 --id id
compute mse,mae d.csv --per-sample -f csv
compute mse,mae d.csv --per-sample -f jsonl
compute mse,mae d.csv --per-sample -f json
compute mse,mae d.csv --group-by g -f markdown
compute mse,mae d.csv -f html
compute mse,mae d.csv -f latex
compute mse d.tsv --ci 0.9
compute mse d.jsonl --group-by g
compute mse d.json --group-by g
compute mse d.npz
compute mse d.parquet --group-by g
compute mse d.feather --group-by g --per-sample -f tsv
compute mse coded.parquet --group-by g
compute cross_entropy lists.parquet
compute cross_entropy fixed.feather
compute cross_entropy vectors.parquet
compute mse decimals.parquet
compare --losses mse,mae d.csv
recommend d.csv
plot mse,mae
plot mse d.csv
explain mse
list
"""
SCRIPT = """
import contextlib, io, sys
from losscli.cli import run
for line in sys.stdin.read().split("\\n"):
    if line:
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            status = run(line.split())
        assert not status, (line, status)
        if "pandas" in sys.modules:
            sys.exit(f"{line}: imports pandas")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same rows in many formats."""
    folder = tmp_path_factory.mktemp("lazy")
    rng = np.random.default_rng(1)
    y, p = rng.normal(size=(2, ROWS)).round(3)
    groups = ["ab"[i % 2] for i in range(ROWS)]
    table = pa.table({"id": [f"r{i}" for i in range(ROWS)], "y_true": y, "y_pred": p, "g": groups})
    rows = list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    for ending, comma in ("csv", ","), ("tsv", "\t"):
        lines = [comma.join(map(str, row)) for row in (table.column_names, *rows)]
        (folder / f"d.{ending}").write_text("\n".join(lines) + "\n")
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    (folder / "d.json").write_text(json.dumps(table.to_pydict()))
    np.savez(folder / "d.npz", y_true=y, y_pred=p)
    parquet.write_table(table, folder / "d.parquet")
    feather.write_feather(table, folder / "d.feather")
    parquet.write_table(table.set_column(3, "g", table.column("g").dictionary_encode()), folder / "coded.parquet")
    decimals = pa.array([round(v * 1000) for v in y.tolist()], pa.decimal128(12, 3))
    parquet.write_table(table.set_column(1, "y_true", decimals), folder / "decimals.parquet")
    labels, chances = rng.integers(0, 3, ROWS), rng.dirichlet([1, 1, 1], ROWS)
    parquet.write_table(pa.table({"y_true": labels, "y_pred": chances.tolist()}), folder / "lists.parquet")
    fixed = pa.FixedSizeListArray.from_arrays(chances.ravel(), 3)
    feather.write_feather(pa.table({"y_true": labels, "y_pred": fixed}), folder / "fixed.feather")
    ints = pa.list_(pa.int32())
    kind = pa.struct([("type", pa.int8()), ("size", pa.int32()), ("indices", ints), ("values", pa.list_(pa.float64()))])
    vectors = [{"type": 1, "size": None, "indices": None, "values": row} for row in chances.tolist()]
    vectors[1] = {"type": 0, "size": 3, "indices": [2, 0], "values": [0.75, 0.25]}
    parquet.write_table(pa.table({"y_true": labels, "y_pred": pa.array(vectors, kind)}), folder / "vectors.parquet")
    return folder


def test_no_command_imports_pandas(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, input=COMMANDS, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_python_imports_pandas_for_a_frame_alone(folder: Path) -> None:
    code = (
        "import sys, losscli, numpy as np, pyarrow.csv\n"
        "table = pyarrow.csv.read_csv('d.csv')\n"
        "results = [losscli.compute('mse', y_true=[1, 2], y_pred=np.array([1.0, 3.0])),\n"
        "    losscli.compute('mse', table, group_by='g'), losscli.compute('mse', 'd.csv'),\n"
        "    losscli.compare('mse,mae', table), losscli.recommend('d.csv'), losscli.explain('mse')]\n"
        "for result in results:\n"
        "    result.to_dict(), repr(result), result.to_json() if hasattr(result, 'to_json') else None\n"
        "print('pandas' in sys.modules)\n"
        "results[0].to_frame()\n"
        "print('pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=False, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_many_names_are_joined_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        coded_text.CodedText.of(np.array(codes), names)
        for codes, names in (([0, -1, 1, 0], ["é", "b"]), ([1, 0, -1], ["c", "é"]))
    ]
    few = coded_text.concat_columns(parts)
    monkeypatch.setattr(coded_text, "ROWS_TO_HASH", 1)
    many = coded_text.concat_columns(parts)
    assert many.codes.dtype == np.int32
    assert np.asarray(many).tolist() == np.asarray(few).tolist() == ["é", None, "b", "é", "é", "c", None]


def test_vectors_of_spark_are_read_as_their_numbers(folder: Path) -> None:
    found = losscli.compute("cross_entropy", str(folder / "vectors.parquet"))
    read = parquet.read_table(folder / "lists.parquet").to_pydict()
    read["y_pred"][1] = [0.25, 0.0, 0.75]
    again = losscli.compute("cross_entropy", y_true=read["y_true"], y_pred=read["y_pred"])
    assert found.value == again.value
