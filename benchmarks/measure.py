"""A whole process, measured: its wall time, its peak memory and what it printed.

Nothing heavy is imported here or by whoever calls this: on Linux the peak of a new process starts at the memory of the
one that started it, so that a benchmark with arrays of its own would report those.
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
MEGABYTE = 1_000_000
RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes

Name = TypeVar("Name")


class FailedError(Exception):
    """A command that did not exit with 0: the last line that it said."""


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    peak: float  # MB of the largest process
    output: str


@dataclass(frozen=True)
class Measured:
    """What is kept of all runs of a command: medians, and the output of the last run."""

    seconds: float
    peak: float
    output: str


def environment() -> dict[str, str]:
    """Ours, but for what keeps Python from storing compiled modules: nobody works without them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


def run(command: Sequence[str]) -> Run:
    """Run it from the root of the checkout, so that `-m losscli` is the code beside this file."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environment())
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)  # Popen must not wait for it again
        if child.returncode:
            raise FailedError(_last_line(err) or f"exit status {child.returncode}")
        out.seek(0)
        return Run(seconds, usage.ru_maxrss * RUSAGE_UNIT / MEGABYTE, out.read())


def _last_line(file: IO[str]) -> str:
    file.seek(0)
    lines = file.read().strip().splitlines()
    return lines[-1] if lines else ""


def in_turn(
    commands: Mapping[Name, Sequence[str]], rounds: int, pause: float = 0.0
) -> dict[Name, Measured | FailedError]:
    """Run all commands once, then again, and so on: all see the same machine. One round more, the first, warms up.

    No rounds: that first one counts. Before each of them is a `pause`, in seconds: a process that starts as another one
    ends may be given the memory of that, at once and for little, where one that somebody starts has to wait for it.

    A command that fails takes no further turn, and the others go on.
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
