"""The command line as tests drive it, builders of data files, and the settings of Hypothesis."""

from __future__ import annotations

import csv
import gc
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

from losscli import registry
from losscli.cli import run

# a slow or busy machine fails no test, and every run draws the same examples
settings.register_profile("losscli", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("losscli")

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_DATA = ROOT / "sample_data"
LOSSCLI = [sys.executable, "-m", "losscli"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")} | {"PYTHONPATH": str(ROOT)}
"""Environment of a subprocess that runs this checkout."""


# --------------------------------------------------------------------------------------------- the command line


class Result(NamedTuple):
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


Cli = Callable[..., Result]


class Pipe(io.TextIOWrapper):
    """Standard input that is no terminal."""

    def isatty(self) -> bool:
        return False


def pytest_collection_finish() -> None:
    """Leave thousands of tests out of every search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the plugins that a test loads when it ends."""
    registry.all_losses()
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plugins: None) -> Cli:
    """Run a command line in an empty folder, in this process, with stdin as bytes."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(stdin)))
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Result(status, *capsys.readouterr())

    return call


def interruptible() -> None:
    """Restore signals in a child process: shells start background processes, and `nohup` all, with some ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


# ------------------------------------------------------------------------------------------------- files of data

Columns = Mapping[str, Any]
Target = Path | str | IO[bytes]
"""A path, or an open binary file."""


def as_bytes(write: Callable[..., None], *arguments: Any, **options: Any) -> bytes:
    """Return what a builder writes."""
    buffer = io.BytesIO()
    write(buffer, *arguments, **options)
    return buffer.getvalue()


def write_bytes(target: Target, data: bytes) -> None:
    """Write bytes to a path or a file."""
    if isinstance(target, (str, Path)):
        Path(target).write_bytes(data)
    else:
        target.write(data)


def write_csv(target: Target, columns: Columns, delimiter: str = ",") -> None:
    """Write columns (N,) with a header; floats with all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True))
    write_bytes(target, text.getvalue().encode())


def records(columns: Columns) -> list[dict[str, Any]]:
    """Return one mapping of names to values per row."""
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def write_json(target: Target, columns: Columns) -> None:
    """Write one object of arrays."""
    arrays = {name: np.asarray(column).tolist() for name, column in columns.items()}
    write_bytes(target, json.dumps(arrays).encode())


def write_jsonl(target: Target, columns: Columns) -> None:
    """Write one object per row and line."""
    write_bytes(target, "".join(json.dumps(record) + "\n" for record in records(columns)).encode())


def write_npy(target: Target, array: Any, **options: Any) -> None:
    """Write one array."""
    np.save(target, array, **options)


def write_npz(target: Target, columns: Columns, compressed: bool = False) -> None:
    """Write an archive of arrays."""
    (np.savez_compressed if compressed else np.savez)(target, **columns)


def write_parquet(target: Target, columns: Columns, rows_per_group: int | None = None) -> None:
    """Write a Parquet file."""
    pq.write_table(pa.table(dict(columns)), target, row_group_size=rows_per_group)


def write_feather(target: Target, columns: Columns, version: int = 2) -> None:
    """Write a Feather file; version 2 is the Arrow IPC format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # files of version 1 still exist
        pyarrow.feather.write_feather(pa.table(dict(columns)), target, version=version)
