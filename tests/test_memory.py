"""Memory does not grow with the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_csv, write_jsonl, write_npy, write_parquet

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")]

PEAK = """
import sys
from losscli.cli import run
status = run(sys.argv[1:])
# not ru_maxrss: that starts at what the parent had when it forked
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(status)
"""
KB_FOR_QUANTILES = 24_000  # a million losses are kept for exact quantiles, and copied to find them
SMALL, LARGE = 300_000, 1_200_000
"""Numbers of rows."""


Writer = Callable[[Path, dict[str, np.ndarray]], None]


def write_two_columns(path: Path, columns: dict[str, np.ndarray]) -> None:
    write_npy(path, np.stack(list(columns.values()), axis=1))


def write_row_groups(path: Path, columns: dict[str, np.ndarray]) -> None:
    write_parquet(path, columns, rows_per_group=1 << 16)


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "npy": write_two_columns,
    "parquet": write_row_groups,
}


def draw(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"y_true": rng.normal(size=rows), "y_pred": rng.normal(size=rows)}


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
def test_four_times_the_rows_take_no_more_memory(kind: str, piped: bool, tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        path = tmp_path / f"{rows}.{kind}"
        WRITERS[kind](path, draw(rows))
        peaks.append(peak(path, piped))
    assert peaks[1] < 1.3 * peaks[0] + KB_FOR_QUANTILES


def test_intervals_take_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        write_two_columns(tmp_path / "d.npy", draw(rows))
        peaks.append(peak(tmp_path / "d.npy", False, "--ci", "0.95", "--resamples", "200"))
    assert peaks[1] < 1.3 * peaks[0] + KB_FOR_QUANTILES


def test_per_sample_output_streams(tmp_path: Path) -> None:
    peaks = []
    for rows in (LARGE, 3 * LARGE):
        write_csv(tmp_path / "d.csv", draw(rows))
        peaks.append(peak(tmp_path / "d.csv", False, "--per-sample"))
    assert peaks[1] < 1.1 * peaks[0] + KB_FOR_QUANTILES


def test_parquet_by_row_groups(tmp_path: Path) -> None:
    peaks = []
    for rows in (SMALL, LARGE):
        write_row_groups(tmp_path / "d.parquet", draw(rows))
        peaks.append(peak(tmp_path / "d.parquet", False))
    assert peaks[1] < 1.3 * peaks[0] + KB_FOR_QUANTILES


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_parts_take_no_more_memory_for_more_rows(piped: bool, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    write_csv(path, draw(LARGE))  # more parts than two threads hold at a time, also of the smaller file
    rows = path.read_bytes().partition(b"\n")[2]
    small = peak(path, piped, "-f", "value", "-j", "2")
    with path.open("ab") as file:
        for _ in range(3):
            file.write(rows)
    assert peak(path, piped, "-f", "value", "-j", "2") < 1.3 * small
