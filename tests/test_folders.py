"""Folders, folders of keys and globs: which files they are, and what the folders say of the rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from losscli.data import dataset
from losscli.data.csv import table as csv_table
from losscli.data.folders import find_files
from tests.conftest import Cli, write_csv, write_parquet

rng = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "y_true": rng.normal(size=60).round(3),
        "y_pred": rng.normal(size=60).round(3),
        "fold": np.repeat([0, 2, 10], 20),
        "site": np.tile(["a b", "c/d=é", None], 20),
    }
)


def write_partitioned(folder: str, format: str, keys: list[str]) -> None:
    """Write FRAME as PyArrow partitions it."""
    fields = pa.schema([(key, pa.table(FRAME).schema.field(key).type) for key in keys])
    data, parts = pa.Table.from_pandas(FRAME, preserve_index=False), ds.partitioning(fields, flavor="hive")
    ds.write_dataset(data, folder, format=format, partitioning=parts, basename_template=f"part-{{i}}.{format}")


def expected(keys: list[str]) -> dict[tuple[str, ...], float]:
    """Return the mean squared error of each group as pandas has it; a missing key is empty."""
    errors = (FRAME.y_pred - FRAME.y_true) ** 2
    groups = [FRAME[key].astype(object).where(FRAME[key].notna(), "") for key in keys]
    means = errors.groupby(groups).mean()
    return {
        tuple(str(part) for part in (key if isinstance(key, tuple) else (key,))): float(value)
        for key, value in means.items()
    }


def grouped(out: str, keys: list[str]) -> dict[tuple[str, ...], float]:
    header, *lines = [line.split("\t") for line in out.splitlines()]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    return {tuple(row[key].removesuffix("-") for key in keys): float(row["value"]) for row in rows}


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("keys", [["fold"], ["fold", "site"]])
def test_keys_of_folders_make_groups(
    keys: list[str], format: str, jobs: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_table, "BYTES_PARSED_BY_CSV_MODULE", 64)
    monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", 100)
    monkeypatch.setattr(dataset, "ROWS_PER_PART", 7)
    write_partitioned("d", format, keys)
    for path in ("d", f"d/**/*.{format}"):
        result = cli("compute", "mse", path, "--group-by", ",".join(keys), "--jobs", jobs, "-q")
        assert result.status == 0, result.err
        assert grouped(result.out, keys) == pytest.approx(expected(keys), rel=1e-12)


def test_a_key_is_text_as_the_folder_has_it_and_a_number_as_a_weight(cli: Cli) -> None:
    for month in ("01", "02"):
        os.makedirs(f"d/month={month}")
        write_csv(f"d/month={month}/p.csv", {"y_true": [0, 0], "y_pred": [1, int(month)]})
    result = cli("compute", "mae", "d", "--group-by", "month", "-q")
    assert [line.split("\t")[1] for line in result.out.splitlines()] == ["month", "01", "02"]
    result = cli("compute", "mae", "d", "--weight", "month", "-f", "value", "-q")
    assert float(result.out) == pytest.approx((1 + 1 + 2 * 1 + 2 * 2) / 6)


def test_a_label_that_is_a_key(cli: Cli) -> None:
    """10 comes before 2 in the order of the folders, not in that of the classes."""
    for label in (0, 1, 2, 10):
        os.makedirs(f"d/y_true={label}")
        scores = {f"y_pred_{i}": [0.9 if i == label else 0.01] for i in range(11)}
        write_csv(f"d/y_true={label}/p.csv", scores)
    result = cli("compute", "zero_one", "d", "-f", "value", "-q")
    assert (result.status, result.out) == (0, "0.0\n"), result.err


@pytest.mark.parametrize(("value", "status"), [(0, 0), (1, 3)])
def test_a_column_in_the_file_must_be_what_its_folder_says(value: int, status: int, cli: Cli) -> None:
    for fold in (0, 1):
        os.makedirs(f"d/fold={fold}")
        write_parquet(f"d/fold={fold}/p.parquet", {"y_true": [0.0, 0], "y_pred": [1.0, 1], "fold": [fold, fold]})
    write_parquet("d/fold=0/p.parquet", {"y_true": [0.0, 0], "y_pred": [1.0, 1], "fold": [0, value]})
    result = cli("compute", "mae", "d", "--group-by", "fold", "-q")
    assert result.status == status
    if status:
        assert result.out == ""
        assert result.err == (
            "losscli: error: d/fold=0/p.parquet: column 'fold', row 2: is 1, but its folder is fold=0\n"
        )


def test_folders_of_different_keys(cli: Cli) -> None:
    os.makedirs("d/fold=0")
    for path in ("d/p.csv", "d/fold=0/q.csv"):
        write_csv(path, {"y_true": [0], "y_pred": [1]})
    result = cli("compute", "mae", "d")
    assert (result.status, result.out) == (3, "")
    assert result.err == (
        "losscli: error: d: the folders of d/fold=0/q.csv have the keys fold, those of d/p.csv no keys: name the files "
        "of one kind by a quoted glob\n"
    )


def test_what_writers_leave_beside_the_data(cli: Cli) -> None:
    os.makedirs("d/fold=0")
    write_csv("d/fold=0/p.csv", {"y_true": [0], "y_pred": [1]})
    for name in ("_SUCCESS", ".p.csv.crc", "p.csv.crc", "_metadata", "_temporary.csv"):
        Path("d", name).write_bytes(b"crc\0")
        Path("d/fold=0", name).write_bytes(b"crc\0")
    for path in ("d", "d/**", "d/fold=0", "d/fold=0/*", "fold=*/p*"):
        result = cli("compute", "mae", path if path[0] == "d" else f"d/{path}", "-f", "value", "-q")
        assert (result.status, result.out) == (0, "1.0\n"), (path, result.err)
    os.chdir("d")
    assert cli("compute", "mae", "fold=*/p*", "-f", "value", "-q").out == "1.0\n"


@pytest.mark.parametrize("names", ["abc", "bac", "bca"])
def test_parts_that_hold_a_header_only(names: str, cli: Cli) -> None:
    """Writers that cut data into parts leave them."""
    for name, rows in zip(names, ("", "1,2,x\n3,5,y\n", ""), strict=True):
        Path(f"parts/k={name}").mkdir(parents=True)
        Path(f"parts/k={name}/part.csv").write_text(f"y_true,y_pred,g\n{rows}")
    for threads in ("1", "4"):
        assert cli("compute", "mse", "parts", "-j", threads, "-f", "value").out == "2.5\n"
        assert cli("compute", "mse", "parts", "-j", threads, "--group-by", "g,k", "-f", "value").out == "1.0\n4.0\n"
    for path in Path("parts").glob("*/part.csv"):
        path.write_text("y_true,y_pred,g\n")
    result = cli("compute", "mse", "parts")
    assert (result.status, "has a header but no rows" in result.err) == (3, True)


def test_links_to_folders_above(tmp_path: Path, cli: Cli) -> None:
    """Two links to the folder itself make 2 to the power of 40 paths."""
    os.makedirs("loop/z")
    for path in ("loop/b.csv", "loop/z/c.csv"):
        write_csv(path, {"y_true": [0], "y_pred": [1]})
    for link in ("loop/a", "loop/z/up"):
        os.symlink(tmp_path / "loop", link)
    os.makedirs("elsewhere")
    write_csv("elsewhere/d.csv", {"y_true": [0], "y_pred": [3]})
    os.symlink(tmp_path / "elsewhere", "loop/linked")
    os.symlink(tmp_path / "loop" / "b.csv", "loop/z/same.csv")
    files = ["loop/b.csv", "loop/linked/d.csv", "loop/z/c.csv"]
    for pattern in ("loop/**/*.csv", "./loop/**/*.csv", "**/*.csv", "loop/**", str(tmp_path / "loop/**/*.csv")):
        found = [os.path.relpath(file.path) for file in find_files(pattern)]
        assert found == files if pattern != "**/*.csv" else ["elsewhere/d.csv", "loop/b.csv", "loop/z/c.csv"], pattern
    result = cli("compute", "mae", "loop/**/*.csv")
    assert result.out.splitlines()[1].split("\t")[1:3] == ["3", str(5 / 3)]


@pytest.mark.parametrize("pattern", ["*.csv", "?/*.csv", "**/*.csv", "**/a*.csv", "[ab]/**/*.csv", "a/**/*.csv"])
def test_globs_are_those_of_glob(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import glob

    monkeypatch.chdir(tmp_path)
    for path in ("a.csv", "x/a.csv", "a/a.csv", "a/b/c/d.csv", "b/e.csv", ".h/a.csv", "a/[x]/a.csv", "a/.i.csv"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    assert [file.path for file in find_files(pattern)] == sorted(glob.glob(pattern, recursive=True))


def test_a_file_changes_before_its_turn(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    os.makedirs("d")
    for i in range(3):
        write_csv(f"d/{i}.csv", {"y_true": [0], "y_pred": [1]})
    inner = csv_table.open_csv

    def change(*arguments: Any) -> Any:
        write_csv("d/2.csv", {"y_true": [0], "y_pred": [7.5]})
        return inner(*arguments)

    monkeypatch.setattr(csv_table, "open_csv", change)
    result = cli("compute", "mae", "d")
    assert (result.status, result.out) == (3, "")
    assert result.err == (
        "losscli: error: d/2.csv: changed while it was read: run it again when nothing writes to it\n"
    )


# ----------------------------------------------------------------------- files with names of something else


@pytest.mark.parametrize("arguments", [("compute", "mse", "d.csv"), ("compare", "--losses", "mse", "d.csv")])
def test_a_file_called_like_a_loss(arguments: tuple[str, ...], cli: Cli) -> None:
    write_csv("d.csv", {"y_true": [0, 0], "y_pred": [1, 3]})
    here = cli(*arguments)
    Path("mse").write_text("not data")
    assert cli(*arguments) == here
    assert here.status == 0
    assert cli("compute", "d.csv").err.startswith("losscli: error: d.csv is a file, not a loss")


def test_a_file_called_like_a_role(cli: Cli) -> None:
    write_csv("y_true=x.csv", {"y_true": [0, 0], "y_pred": [1, 3]})
    for path in ("y_true=x.csv", "./y_true=x.csv"):
        assert cli("compute", "mae", path, "-f", "value").out == "2.0\n"
    write_csv("x.csv", {"a": [1, 1]})
    assert cli("compute", "mae", "./y_true=x.csv", "-f", "value").out == "2.0\n"
    write_csv("p.csv", {"b": [5, 5]})
    assert cli("compute", "mae", "y_true=./x.csv", "y_pred=p.csv", "-f", "value", "-q").out == "4.0\n"
    result = cli("compute", "mae", "y_true=x.csv", "y_pred=p.csv")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "losscli: error: y_true=x.csv: is a file, and could mean x.csv for y_true: type ./y_true=x.csv or "
        "y_true=./x.csv\n"
    )
