"""Files that change while they are read: the number of what they were, the number of what they are, or status 3.

`RUNS=20 python -m pytest -m slow tests/test_changing_files.py` changes each at so many moments.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from losscli.data import dataset
from losscli.data.csv import table as text
from losscli.data.files import Input
from losscli.data.open_file import OpenFile
from tests.conftest import ENVIRONMENT, LOSSCLI, Cli

RUNS = int(os.environ.get("RUNS", "6"))
"""Moments at which each file is changed by the slow tests."""

OLD, NEW = 1.0, 3.0
"""The mean absolute error of what the file was, and of what it is. Anything between is a mixture."""


def write(path: Path, value: float, rows: int) -> None:
    """Write rows whose absolute error is a value, in the format that the name says; the size depends on the rows."""
    columns = {"y_true": np.zeros(rows), "y_pred": np.full(rows, value)}
    lines = b"y_true,y_pred\n" + b"0.0000000,%.7f\n" % value * rows
    match path.suffix:
        case ".csv":
            path.write_bytes(lines)
        case ".gz":
            path.write_bytes(gzip.compress(lines, 0))
        case ".npy":
            np.save(path, np.stack(list(columns.values()), axis=1))
        case ".npz":
            np.savez(path, **columns)
        case ".parquet":
            pq.write_table(
                pa.table(columns), path, row_group_size=max(1, rows // 8), use_dictionary=False, compression="none"
            )
        case ".feather":
            pyarrow.feather.write_feather(pa.table(columns), path, "uncompressed", chunksize=max(1, rows // 8))
        case ".jsonl":
            path.write_bytes(b'{"y_true": 0.0000000, "y_pred": %.7f}\n' % value * rows)


def rename(path: Path, new: Path) -> None:
    os.replace(new, path)


def overwrite(path: Path, new: Path) -> None:
    """Write over it, of the same size."""
    with path.open("r+b") as file:
        file.write(new.read_bytes())


def rewrite(path: Path, new: Path) -> None:
    """Truncate and write it, as `cp` does."""
    path.write_bytes(new.read_bytes())


def truncate(path: Path, new: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def append(path: Path, new: Path) -> None:
    with path.open("ab") as file:
        file.write(new.read_bytes()[-4000:])


def delete(path: Path, new: Path) -> None:
    path.unlink()


CHANGES = (rename, overwrite, rewrite, truncate, append, delete)
SUFFIXES = (".csv", ".npy", ".parquet", ".csv.gz", ".npz", ".feather", ".jsonl")


@pytest.fixture
def change_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str, int, Callable[[], None]], None]:
    """Have small files read in parts, and call something before a method is called for the so-manieth time."""

    def apply(owner: type, method: str, count: int, change: Callable[[], None]) -> None:
        inner, seen = getattr(owner, method), []

        def call(*arguments: Any, **options: Any) -> Any:
            seen.append(1)
            if len(seen) == count:
                change()
            return inner(*arguments, **options)

        monkeypatch.setattr(owner, method, call)

    monkeypatch.setattr(text, "BYTES_PARSED_BY_CSV_MODULE", 64)
    monkeypatch.setattr(text, "BYTES_PER_PIECE", 1 << 15)
    monkeypatch.setattr(dataset, "ROWS_PER_PART", 4000)
    return apply


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_changes_between_two_parts(
    suffix: str,
    change: Callable[[Path, Path], None],
    jobs: str,
    cli: Cli,
    change_before: Callable[[type, str, int, Callable[[], None]], None],
) -> None:
    path, new = Path(f"d{suffix}"), Path(f"new{suffix}")
    write(path, OLD, 40_000)
    write(new, NEW, 40_000)
    if suffix in (".npz", ".feather"):  # read by libraries
        change_before(Input, "check", 2, lambda: change(path, new))
    else:
        change_before(OpenFile, "read_unchecked", 5 if suffix != ".csv.gz" else 3, lambda: change(path, new))
    result = cli("compute", "mae", str(path), "--jobs", jobs, "-f", "value")
    if change in (rename, delete):  # the open file is as it was
        assert (result.status, result.out, result.err) == (0, "1.0\n", "")
    else:
        assert (result.status, result.out) == (3, "")
        assert result.err == (
            f"losscli: error: d{suffix}: changed while it was read: run it again when nothing writes to it\n"
        )


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two worker processes."""
    pytest.importorskip("distributed")
    from losscli.evaluation.dask.cluster import local_cluster

    with local_cluster(2, 1) as cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("place", ["here", "cluster"])
@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet", ".csv.gz", ".feather"])
def test_a_file_changes_at_any_moment(suffix: str, place: str, tmp_path: Path, request: Any) -> None:
    if place == "cluster" and suffix in (".csv.gz", ".feather"):
        pytest.skip("is read in one place")
    chance = random.Random(f"{suffix} {place}")
    rows = {".csv": 1_500_000, ".csv.gz": 500_000}.get(suffix, 4_000_000)
    path, new, other = tmp_path / f"d{suffix}", tmp_path / f"new{suffix}", tmp_path / f"other{suffix}"
    command = [*LOSSCLI, "compute", "mae", str(path), "-f", "value", "-q"]
    if place == "cluster":
        command += ["--engine", "dask", "--scheduler", request.getfixturevalue("scheduler")]
    write(path, OLD, rows)
    write(new, NEW, rows)
    seconds = min(_run(command, None, 0)[3] for _ in range(2))
    seen: Counter[str] = Counter()
    for i in range(RUNS):
        change = CHANGES[i % len(CHANGES)]
        write(path, OLD, rows)
        shutil.copy(new, other)
        status, out, err, _ = _run(command, partial(change, path, other), chance.uniform(0.3, 1) * seconds)
        seen[f"{change.__name__}: {out.strip() or status}"] += 1
        if status == 0:  # what it was, what it is, or what it is since something was appended
            assert float(out) in (OLD, NEW) or out == _run(command, None, 0)[1], (change, out)
        else:
            assert (status, out, err.count("\n")) == (3, "", 1), (change, status, out, err)
            assert err.startswith(f"losscli: error: {path}: "), err
    print(suffix, place, dict(seen))  # with -s: how often each outcome was seen


def _run(command: list[str], change: Callable[[], None] | None, delay: float) -> tuple[int, str, str, float]:
    """Run a command, change something after a delay in seconds; return status, stdout, stderr and seconds."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        time.sleep(delay)
        if change:
            change()
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err, time.perf_counter() - start
