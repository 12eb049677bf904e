"""Groups of the files that rows come from: `--group-by @file`, for folders, globs and several files of one role."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.data.small_files import BYTES_OF_SMALL_FILE
from tests.conftest import Cli, write_csv, write_npy, write_parquet

BY_FILE = ("--group-by", "@file")
LOSSES = "mse,mae,huber,rmse,medae,max_error"
ROWS = {"a.csv": 1, "b.csv": 40, "c.csv": 5000, "d.csv": 300}
"""Rows of files, one of which is too large to be read with others."""


@pytest.fixture
def many(tmp_path: Path, cli: Cli) -> Path:
    """A folder of files, in the working folder; their values span many orders of magnitude, so that order tells."""
    rng = np.random.default_rng(4)
    folder = tmp_path / "many"
    folder.mkdir()
    for name, n in ROWS.items():
        scale = 10.0 ** rng.uniform(-6, 6, n)
        columns = {"y_true": rng.normal(size=n) * scale, "y_pred": rng.normal(size=n)}
        write_csv(folder / name, columns | {"city": rng.choice(["x", "y"], n).tolist()})
    assert sum((folder / name).stat().st_size > BYTES_OF_SMALL_FILE for name in ROWS) == 1
    return folder


def by_file(cli: Cli, *arguments: str, status: int = 0, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """Return what JSON has of the losses of each file, without the group."""
    done = cli("compute", LOSSES, *arguments, *BY_FILE, "-f", "json", "-q", **options)
    assert done.status == status, done.err
    found: dict[str, list[dict[str, Any]]] = {}
    for loss in json.loads(done.out)["losses"]:
        found.setdefault(loss.pop("group")["@file"], []).append(loss)
    return found


def alone(cli: Cli, path: str) -> list[dict[str, Any]]:
    done = cli("compute", LOSSES, path, "-f", "json")
    assert done.status == 0, done.err
    return list(json.loads(done.out)["losses"])


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_file_has_the_digits_that_it_has_alone(many: Path, cli: Cli, jobs: str) -> None:
    assert by_file(cli, "many", "-j", jobs) == {name: alone(cli, f"many/{name}") for name in ROWS}


GIVEN = ["many/*.csv"], [f"many/{name}" for name in ROWS], ["many/[ab].csv", "many/[cd].csv"]


@pytest.mark.parametrize("given", GIVEN, ids=["glob", "list", "globs"])
def test_files_of_globs_and_lists_have_the_names_that_a_shell_gives(many: Path, cli: Cli, given: list[str]) -> None:
    assert list(by_file(cli, *given)) == [f"many/{name}" for name in ROWS]


def test_in_a_folder_files_are_called_by_their_path_in_it(tmp_path: Path, cli: Cli) -> None:
    columns = {"y_true": [1.0, 2.0], "y_pred": [1.0, 3.0]}
    for name in ("flat/1.csv", "keys/fold=0/part.csv", "keys/fold=1/part.csv", "more/1.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, columns)
    assert list(by_file(cli, str(tmp_path / "flat"))) == ["1.csv"]
    assert list(by_file(cli, str(tmp_path / "keys") + "/")) == ["fold=0/part.csv", "fold=1/part.csv"]
    assert list(by_file(cli, "keys/*/part.csv")) == ["keys/fold=0/part.csv", "keys/fold=1/part.csv"]
    assert list(by_file(cli, "more", "flat")) == ["flat/1.csv", "more/1.csv"]


def test_other_formats_and_compressed_files(tmp_path: Path, cli: Cli) -> None:
    rng = np.random.default_rng(5)
    for i in range(3):
        columns = {"y_true": rng.normal(size=20), "y_pred": rng.normal(size=20)}
        write_parquet(tmp_path / f"{i}.parquet", columns, rows_per_group=8 if i else None)
        write_npy(tmp_path / f"{i}.npy", np.column_stack(list(columns.values())))
        write_csv(tmp_path / f"{i}.txt", columns)
        (tmp_path / f"{i}.csv.gz").write_bytes(gzip.compress((tmp_path / f"{i}.txt").read_bytes()))
    for ending in ("parquet", "npy", "csv.gz"):
        names = [f"{i}.{ending}" for i in range(3)]
        assert by_file(cli, f"*.{ending}") == {name: alone(cli, name) for name in names}


def test_one_file_and_a_pipe_are_one_group(many: Path, cli: Cli) -> None:
    text = (many / "b.csv").read_bytes()
    assert by_file(cli, stdin=text) == {"standard input": alone(cli, "many/b.csv")}
    assert by_file(cli, "many/b.csv") == {"many/b.csv": alone(cli, "many/b.csv")}


def test_beside_another_column_and_per_sample(many: Path, cli: Cli) -> None:
    done = cli("compute", "mse", "many", "--group-by", "@file,city", "-f", "csv")
    assert done.out.splitlines()[0].startswith("loss,@file,city,n,value")
    assert done.out.count("\n") == 1 + sum(1 + (n > 1) for n in ROWS.values())
    done = cli("compute", "mse", "many/a.csv", "many/b.csv", *BY_FILE, "--per-sample", "-f", "csv")
    rows = [line.split(",")[:2] for line in done.out.splitlines()]
    assert rows[:3] == [["row", "@file"], ["1", "many/a.csv"], ["2", "many/b.csv"]]
    assert len(rows) == 42


def test_roles_in_several_files(tmp_path: Path, cli: Cli) -> None:
    for folder in ("truth", "pred"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        write_csv(tmp_path / "truth" / f"{i}.csv", {"y_true": [0.0, 0.0]})
        write_csv(tmp_path / "pred" / f"p{i}.csv", {"y_pred": [i, i]})
    write_csv(tmp_path / "all.csv", {"y_pred": [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]})
    values = {f"{i}.csv": float(i) ** 2 for i in range(3)}

    def run(*given: str) -> dict[str, float]:
        return {name: losses[0]["value"] for name, losses in by_file(cli, *given).items()}

    assert run("truth", "pred") == values
    assert run("truth", "all.csv") == values  # the single file is not what groups are called by
    assert run("y_pred=pred", "y_true=truth/0.csv", "y_true=truth/1.csv", "y_true=truth/2.csv") == {
        f"truth/{name}": value for name, value in values.items()
    }
    assert run("y_pred=pred", "y_true=all.csv", "--true", "y_pred") == {"p0.csv": 0.0, "p1.csv": 0.0, "p2.csv": 0.0}
    assert run("truth/1.csv", "pred/p1.csv") == {"truth/1.csv": 1.0}  # other columns: a pair, not two parts


def test_a_wrong_cell_is_named_by_its_file_and_row(many: Path, cli: Cli) -> None:
    lines = (many / "d.csv").read_text().splitlines()
    for bad, problem in (("5,x,x", "'x' is not a number"), ("5,,x", "1 row lacks a value, of 5341")):
        (many / "d.csv").write_text("\n".join([*lines[:100], bad, *lines[101:]]) + "\n")
        done = cli("compute", "mse", "many", *BY_FILE)
        assert (done.status, done.out) == (3, "")
        assert f"many/d.csv: column 'y_pred', row 100: {problem}" in done.err
    (many / "d.csv").write_text("y_true,p\n1,2\n")
    done = cli("compute", "mse", "many", *BY_FILE)
    assert "many/d.csv: has no column 'y_pred', which many/a.csv has" in done.err
    write_csv(many / "a.csv", {"y_true": [0.5], "y_pred": [0.5]})
    write_csv(many / "b.csv", {"y_true": [0.5, 1.0], "y_pred": [0.5, 7.0]})
    done = cli("compute", "bce", "many/a.csv", "many/b.csv", *BY_FILE)
    assert "many/b.csv: column 'y_pred', row 2: 7 is not in [0, 1]" in done.err


def test_files_without_rows_are_named_and_fail_a_gate(many: Path, cli: Cli) -> None:
    (many / "b.csv").write_text("y_true,y_pred,city\n")
    write_csv(many / "a.csv", {"y_true": [None], "y_pred": [1.0], "city": ["x"]})
    done = cli("compute", "mse", "many", *BY_FILE, "--nan", "omit", "--fail-if", "mse[@file=b.csv]>0")
    assert done.status == 1
    assert "note: 2 of 4 files have no row that counts: a.csv, b.csv" in done.err
    assert "failed: mse (@file b.csv) has no row that counts and cannot be judged" in done.err
    assert cli("compute", "mse", "many", *BY_FILE, "--nan", "omit", "--fail-if", "mse[@file=d.csv]<0").status == 0


def test_a_baseline_of_a_folder_holds_wherever_it_is(many: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("compute", "mse", str(many), *BY_FILE, "-o", "base.json").status == 0
    shutil.copytree(many, tmp_path / "elsewhere" / "runs")
    gates = ("--baseline", "base.json", "--fail-if", "mse.change!=0")
    assert cli("compute", "mse", "elsewhere/runs", *BY_FILE, *gates).status == 0


def test_what_cannot_be_grouped_by_file(many: Path, cli: Cli) -> None:
    done = cli("compute", "mse", "many/a.csv", "many", *BY_FILE)
    assert (done.status, done.err) == (2, "losscli: error: many/a.csv: is given twice\n")
    several, twice = ["many/a.csv", "many/b.csv", "many/c.csv"], ["y_true=many/a.csv", "y_true=many/b.csv"]
    evaluated = "; --group-by @file evaluates each, compare with --model FILE takes each for a model\n"
    for given, hint in ((several, evaluated), (twice, "; --group-by @file takes several, and evaluates each\n")):
        done = cli("compute", "mse", *given)
        assert done.status == 2
        assert hint in done.err
    with pytest.raises(losscli.UsageError, match='group_by="@file": is the file that a row came from, and no data'):
        losscli.compute("mse", y_true=[1.0], y_pred=[2.0], group_by="@file")


def test_a_column_of_that_name_comes_first(tmp_path: Path, cli: Cli) -> None:
    columns = {"y_true": [0.0, 0.0], "y_pred": [1.0, 2.0], "@file": ["p", "q"]}
    write_csv(tmp_path / "d.csv", columns)
    done = cli("compute", "mse", "d.csv", *BY_FILE, "-f", "csv")
    assert [line.split(",")[1] for line in done.out.splitlines()] == ["@file", "p", "q"]
    assert "note: d.csv: groups are made by its column '@file', not by files" in done.err
    assert losscli.compute(["mse"], data=columns, group_by="@file").to_frame()["@file"].tolist() == ["p", "q"]


def test_in_python(many: Path, cli: Cli) -> None:
    paths = [many / name for name in ROWS]
    found = losscli.compute(["mse"], data=paths, group_by="@file")
    assert found.to_frame()["@file"].tolist() == [*map(str, paths)]
    assert losscli.compute(["mse"], data=many, group_by="@file").to_frame()["@file"].tolist() == [*ROWS]
    assert [loss.value for loss in found] == [losscli.compute("mse", data=path).value for path in paths]
    compared = losscli.compare(["mse"], data=paths[:1], group_by="@file", models=["y_pred", "y_true"])
    assert set(compared.to_frame()["@file"]) == {str(paths[0])}
