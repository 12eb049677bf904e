"""Data behind a URI: the numbers and messages are those of the same local files."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv, feather

from losscli.data import remote
from losscli.data.csv import table as csv_table
from losscli.data.open_file import OpenFile
from tests.conftest import Cli

ROWS = 70_000
rng = np.random.default_rng(5)
Y, P = rng.normal(size=ROWS).round(3), rng.normal(size=ROWS).round(3)
TEXT = ("y_true,y_pred\n" + "".join(f"{a},{b}\n" for a, b in zip(Y.tolist(), P.tolist(), strict=True))).encode()
FOLDER = "losscli-tests"


@pytest.fixture
def store() -> Iterator[Any]:
    """Yield a file system in memory, which stands in for a remote one."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    yield system
    if system.exists(f"/{FOLDER}"):
        system.rm(f"/{FOLDER}", recursive=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file of every format, and folders of parts."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "d.csv").write_bytes(TEXT)
    columns = pa.table({"y_true": Y, "y_pred": P})
    pq.write_table(columns, folder / "d.parquet", row_group_size=20_000)
    pq.write_table(columns, folder / "one.parquet")
    feather.write_feather(columns, folder / "d.feather")
    np.save(folder / "d.npy", np.stack([Y, P], axis=1))
    np.savez(folder / "d.npz", y_true=Y, y_pred=P)
    (folder / "d.json").write_text(f'{{"y_true": {Y.tolist()}, "y_pred": {P.tolist()}}}')
    with pa.CompressedOutputStream(str(folder / "d.csv.gz"), "gzip") as file:
        file.write(TEXT)
    for kind in ("csv", "parquet"):
        (folder / kind).mkdir()
        for i in range(3):
            part = columns.slice(i * 25_000, 25_000)
            if kind == "csv":
                csv.write_csv(part, folder / kind / f"{i}.csv")
            else:
                pq.write_table(part, folder / kind / f"{i}.parquet")
        (folder / kind / "_SUCCESS").write_text("")
    return folder


DATA = [
    *("d.csv", "d.parquet", "one.parquet", "d.feather", "d.npy", "d.npz", "d.json", "d.csv.gz"),
    *("csv", "parquet", "csv/*.csv", "*/*.parquet"),
]


def test_remote_files_give_the_numbers_of_local_files(
    cli: Cli, store: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    store.put(str(files), f"/{FOLDER}", recursive=True)
    for name in DATA:
        local = cli("compute", "mse,mae", name)
        assert local.status == 0, local.err
        assert cli("compute", "mse,mae", f"memory://{FOLDER}/{name}") == local
        assert cli("compute", "mse,mae", f"file://{files}/{name}") == local


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("change", ["replace", "shorten", "delete"])
@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.npy", "d.csv.gz", "d.feather"])
def test_a_remote_file_changes(
    name: str, change: str, jobs: str, cli: Cli, store: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as large as it was, but its store says that it is another one."""
    monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", 1 << 16)
    path, data = f"/{FOLDER}/{name}", (files / name).read_bytes()
    store.pipe_file(path, data)
    checks: list[int] = []
    inner = OpenFile.check

    def check(self: OpenFile) -> None:
        checks.append(1)
        if len(checks) == 1:  # something has been read, and is checked
            if change == "delete":
                store.rm(path)
            else:
                store.pipe_file(path, data if change == "replace" else data[:-1000])
        inner(self)

    monkeypatch.setattr(OpenFile, "check", check)
    result = cli("compute", "mae", f"memory://{FOLDER}/{name}", "--jobs", jobs)
    assert (result.status, result.out) == (3, "")
    assert result.err == (
        f"losscli: error: memory://{FOLDER}/{name}: changed while it was read: run it again when nothing writes to it\n"
    )


def test_folders_of_keys(cli: Cli, store: Any) -> None:
    for fold in ("0", "a%20b"):
        Path(f"hive/fold={fold}").mkdir(parents=True)
        Path(f"hive/fold={fold}/p.csv").write_bytes(TEXT[: 1000 + TEXT[1000:].index(b"\n")])
        Path(f"hive/fold={fold}/_SUCCESS").touch()
    store.put("hive", f"/{FOLDER}/hive", recursive=True)
    for pattern in ("hive", "hive/fold=*/*.csv"):
        local = cli("compute", "mse", pattern, "--group-by", "fold")
        assert [line.split("\t")[1] for line in local.out.splitlines()] == ["fold", "0", "a b"]
        assert cli("compute", "mse", f"memory://{FOLDER}/{pattern}", "--group-by", "fold") == local


def test_a_file_per_role(cli: Cli, store: Any) -> None:
    np.save("y.npy", Y)
    np.save("p.npy", P)
    for name in ("y.npy", "p.npy"):
        store.put(name, f"/{FOLDER}/{name}")
    local = cli("compute", "mse", "y.npy", "p.npy")
    assert cli("compute", "mse", f"memory://{FOLDER}/y.npy", f"memory://{FOLDER}/p.npy").out == local.out
    assert cli("compute", "mse", f"y_true=memory://{FOLDER}/y.npy", "y_pred=p.npy").out == local.out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("d.csv", "column 'y_pred', row 60001: 'oops' is not a number"),
        ("nothing.csv", "no such file"),
        ("*.tsv", "no file matches"),
        ("empty", "is a folder without any CSV or Parquet file in it"),
    ],
)
def test_errors_name_the_uri(name: str, message: str, cli: Cli, store: Any) -> None:
    lines = TEXT.splitlines(keepends=True)
    lines[60_001] = b"0.5,oops\n"
    store.pipe_file(f"/{FOLDER}/d.csv", b"".join(lines))
    store.pipe_file(f"/{FOLDER}/empty/notes.md", b"")
    result = cli("compute", "mse", f"memory://{FOLDER}/{name}")
    assert result.status == 3
    assert result.err == f"losscli: error: memory://{FOLDER}/{name}: {message}\n"


def test_an_unknown_scheme(cli: Cli) -> None:
    result = cli("compute", "mse", "gopher://user:secret@host/d.csv?key=secret")
    assert result.status == 3
    assert result.err == (
        "losscli: error: gopher://host/d.csv: cannot be read: Unrecognized filesystem type in URI: gopher://host/d.csv\n"
    )


def test_a_file_that_cannot_be_opened_is_finalized_quietly(
    cli: Cli, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 prints what a finalizer raises beside the error."""
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    assert cli("compute", "mse", f"memory://{FOLDER}/nothing.csv").status == 3
    gc.collect()
    assert raised == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("s3://bucket/a.csv", "s3://bucket/a.csv"),
        ("s3://key:secret@bucket/a.csv?region=x", "s3://bucket/a.csv"),
        ("abfs://container@account/a.csv", "abfs://container@account/a.csv"),
        ("a@b?.csv", "a@b?.csv"),
    ],
)
def test_credentials_are_not_shown(path: str, name: str) -> None:
    assert remote.hide_credentials(path) == name
