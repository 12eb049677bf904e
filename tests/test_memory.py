"""Memory does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")]

PEAK = """
import sys
from losscli.cli import run
status = run(sys.argv[1:])
# not ru_maxrss: that starts at what the parent had when it forked
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(status)
"""
QUANTILES = 24_000  # kB: a million losses are kept for exact quantiles, and copied to find them
SMALL, LARGE = 300_000, 1_200_000


def write_csv(path: Path, y: np.ndarray, p: np.ndarray) -> None:
    csv.write_csv(pa.table({"y_true": y, "y_pred": p}), path)


def write_jsonl(path: Path, y: np.ndarray, p: np.ndarray) -> None:
    with path.open("w") as file:
        for a, b in zip(y.tolist(), p.tolist(), strict=True):
            file.write(json.dumps({"y_true": a, "y_pred": b}) + "\n")


def write_npy(path: Path, y: np.ndarray, p: np.ndarray) -> None:
    np.save(path, np.stack([y, p], axis=1))


def write_parquet(path: Path, y: np.ndarray, p: np.ndarray) -> None:
    pq.write_table(pa.table({"y_true": y, "y_pred": p}), path, row_group_size=1 << 16)


WRITERS: dict[str, Callable[[Path, np.ndarray, np.ndarray], None]] = {
    "csv": write_csv, "jsonl": write_jsonl, "npy": write_npy, "parquet": write_parquet,
}  # fmt: skip


def peak(path: Path, piped: bool, *options: str) -> int:
    """Peak memory in kB of evaluating a file."""
    command = [sys.executable, "-c", PEAK, "compute", "mse", "-q", *options]
    if piped:
        with path.open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=True)
    else:
        done = subprocess.run([*command, str(path)], capture_output=True, check=True)
    return int(done.stderr.split()[-1])


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "npy"])
def test_five_times_the_rows_take_no_more_memory(kind: str, piped: bool, tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        rng = np.random.default_rng(0)
        path = tmp_path / f"{rows}.{kind}"
        WRITERS[kind](path, rng.normal(size=rows), rng.normal(size=rows))
        peaks.append(peak(path, piped))
    assert peaks[1] < 1.3 * peaks[0] + QUANTILES


def test_intervals_take_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        rng = np.random.default_rng(0)
        write_npy(tmp_path / "d.npy", rng.normal(size=rows), rng.normal(size=rows))
        peaks.append(peak(tmp_path / "d.npy", False, "--ci", "0.95", "--resamples", "200"))
    assert peaks[1] < 1.3 * peaks[0] + QUANTILES


def test_per_sample_output_streams(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "d.csv"
    write_csv(path, rng.normal(size=LARGE), rng.normal(size=LARGE))
    assert peak(path, False, "--per-sample") < 1.3 * peak(path, False)


def test_parquet_by_row_groups(tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        rng = np.random.default_rng(0)
        write_parquet(tmp_path / "d.parquet", rng.normal(size=rows), rng.normal(size=rows))
        peaks.append(peak(tmp_path / "d.parquet", False))
    assert peaks[1] < 1.3 * peaks[0] + QUANTILES


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_parts_take_no_more_memory_for_more_rows(piped: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = write_rows(tmp_path / "d.csv", rng.normal(size=SMALL), rng.normal(size=SMALL))
    small = peak(tmp_path / "d.csv", piped, "-f", "value", "-j", "2")
    with (tmp_path / "d.csv").open("ab") as file:
        for _ in range(9):
            file.write(rows)
    assert peak(tmp_path / "d.csv", piped, "-f", "value", "-j", "2") < 1.3 * small


def write_rows(path: Path, y: np.ndarray, p: np.ndarray) -> bytes:
    """Write a table; gives its rows, to be written again."""
    write_csv(path, y, p)
    return path.read_bytes().partition(b"\n")[2]
