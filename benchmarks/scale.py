"""What a loss costs as rows and workers grow: wall time, rows a second, memory.

    python benchmarks/scale.py [--rows N,...] [--formats csv,parquet] [--losses LOSSES] [--rounds N] [--data FOLDER]
                               [--write]

Every command is a whole process; the configurations take turns on each file. One that this losscli does not know, or
that lacks a package, is left out and told on stderr. 100 million rows are 4 GB of CSV and 1.7 GB of Parquet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import machine
import table
from data import DATA, make
from measure import ROOT, FailedError, Measured, in_turn, run

DOCUMENT = ROOT / "docs" / "scale.md"
HEADER = ("rows", "format", "workers", "seconds", "M rows/s", "peak MB", "speed-up")
PACKAGES = ("click", "numpy", "pyarrow", "dask", "distributed")
NUMBERS = {"rows", "seconds", "M rows/s", "peak MB", "speed-up"}


@dataclass(frozen=True)
class Configuration:
    """How the work is spread: options of `losscli compute`. The first that works is what speed-ups are against."""

    label: str
    options: tuple[str, ...]


CONFIGURATIONS = [
    Configuration("1 thread", ("-j", "1")),
    Configuration("2 threads", ("-j", "2")),
    Configuration("1 of Dask", ("--engine", "dask", "--workers", "1")),
    Configuration("2 of Dask", ("--engine", "dask", "--workers", "2")),
    Configuration("4 of Dask", ("--engine", "dask", "--workers", "4")),
]


def command(losses: str, path: Path, configuration: Configuration) -> list[str]:
    """Of this checkout."""
    words = [sys.executable, "-m", "losscli", "compute", losses, str(path), "-q", "-f", "tsv"]
    return [*words, *configuration.options]


def available(losses: str, folder: Path) -> list[Configuration]:
    """The configurations that work on a small file."""
    make(folder, 0, {"small_csv"})
    path = DATA["small_csv"].path(folder, 0)
    return [it for it in CONFIGURATIONS if _works(it, command(losses, path, it))]


def _works(configuration: Configuration, words: Sequence[str]) -> bool:
    try:
        run(words)
    except FailedError as error:
        print(f"left out: {configuration.label}: {error}", file=sys.stderr)
        return False
    return True


def lines(kind: str, rows: int, measured: dict[Configuration, Measured | FailedError]) -> list[tuple[str, ...]]:
    """Of the table, for one file."""
    alone = next((it.seconds for it in measured.values() if isinstance(it, Measured)), 0.0)
    return [_line((table.rows_of(rows), kind, config.label), it, rows, alone) for config, it in measured.items()]


def _line(labels: tuple[str, ...], it: Measured | FailedError, rows: int, alone: float) -> tuple[str, ...]:
    if isinstance(it, FailedError):
        print(f"FAIL: {', '.join(labels)}: {it}", file=sys.stderr)
        return (*labels, "FAIL", "-", "-", "-")
    speed, gain = rows / it.seconds / 1e6, alone / it.seconds
    return (*labels, table.number(it.seconds), table.number(speed), table.number(it.peak, 0), table.number(gain))


def measure(options: argparse.Namespace, folder: Path) -> list[tuple[str, ...]]:
    """All files, the smallest first."""
    configurations = available(options.losses, folder)
    found = []
    for rows in sorted(options.rows):
        for kind in options.formats:
            print(f"... {table.rows_of(rows)} rows, {kind}", file=sys.stderr, flush=True)
            make(folder, rows, {kind})
            path = DATA[kind].path(folder, rows)
            commands = {it: command(options.losses, path, it) for it in configurations}
            found += lines(kind, rows, in_turn(commands, options.rounds))
    return found


def arguments() -> argparse.Namespace:
    """As typed."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rows", metavar="N,...", type=_counts, default=[10**6, 10**7, 10**8])
    made.add_argument("--formats", metavar="A,B", type=lambda text: text.split(","), default=["csv", "parquet"])
    made.add_argument("--losses", default="mse")
    made.add_argument("--rounds", metavar="N", type=int, default=3, help="after one that warms up (default: 3)")
    made.add_argument("--data", metavar="FOLDER", type=Path, help="where data is kept (default: made anew)")
    made.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT.relative_to(ROOT)}")
    return made.parse_args()


def _counts(text: str) -> list[int]:
    """`1e6,10000000` as numbers."""
    return [int(float(count)) for count in text.split(",")]


def main() -> int:
    """Run and print."""
    options, about = arguments(), machine.describe()
    with tempfile.TemporaryDirectory() as temporary:
        found = measure(options, (options.data or Path(temporary)).resolve())
    made = table.markdown(HEADER, found, NUMBERS)
    text = f"{made}\n\nLosses: `{options.losses}`; rounds: {options.rounds}. {about}.\n\n{machine.versions(*PACKAGES)}."
    print(text)
    if options.write:
        table.write(DOCUMENT, text)
    return 1 if any("FAIL" in line for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
