"""Measurement of whole processes: wall time, peak memory and output.

Neither this module nor its callers import anything heavy: on Linux the peak of a new process starts at the memory of
its parent, so that a parent with large arrays would measure its own arrays.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

ROOT = Path(__file__).resolve().parent.parent
BYTES_PER_MEGABYTE = 1_000_000
BYTES_PER_MAXRSS = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss

Name = TypeVar("Name")


class FailedError(Exception):
    """A command failed. The message is the last line that it printed."""


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    peak: float  # MB of the largest process
    output: str


@dataclass(frozen=True)
class Measured:
    """The medians of all runs of a command, and the output of the last run."""

    seconds: float
    peak: float
    output: str


def environment() -> dict[str, str]:
    """Return our environment, except that Python may store compiled modules, as it does for every user."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


def run(command: Sequence[str]) -> Run:
    """Run a command from the root of the checkout, so that `-m losscli` runs the code of this checkout."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environment())
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)  # Popen must not wait for it again
        if child.returncode:
            raise FailedError(_last_line(err) or f"exit status {child.returncode}")
        out.seek(0)
        return Run(seconds, usage.ru_maxrss * BYTES_PER_MAXRSS / BYTES_PER_MEGABYTE, out.read())


def _last_line(file: IO[str]) -> str:
    file.seek(0)
    lines = file.read().strip().splitlines()
    return lines[-1] if lines else ""


def run_in_turn(
    commands: Mapping[Name, Sequence[str]], rounds: int, pause: float = 0.0
) -> dict[Name, Measured | FailedError]:
    """Run all commands round by round, so that all see the same machine. An additional first round warms up.

    With no rounds, the first one counts. A pause (in seconds) precedes each command: a process that starts just after
    another one ends may get the freed memory of that process faster than a user's command would get new memory.

    A command that fails is not run again; the others continue.
    """
    runs: dict[Name, list[Run]] = {name: [] for name in commands}
    failed: dict[Name, Measured | FailedError] = {}
    for _ in range(rounds + 1):
        for name in [name for name in commands if name not in failed]:
            time.sleep(pause)
            try:
                runs[name].append(run(commands[name]))
            except FailedError as error:
                failed[name] = error
    return {name: failed[name] if name in failed else _medians(runs[name][1:] or runs[name]) for name in commands}


def _medians(runs: Sequence[Run]) -> Measured:
    return Measured(
        statistics.median(run.seconds for run in runs), statistics.median(run.peak for run in runs), runs[-1].output
    )
