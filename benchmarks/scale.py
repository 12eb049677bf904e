"""Measure how the cost of a loss grows with rows and workers: wall time, rows per second, memory.

    python benchmarks/scale.py [--rows N,...] [--formats csv,parquet] [--losses LOSSES] [--rounds N] [--data FOLDER]
                               [--write]

Every command is a whole process. The configurations take turns on each file. One that does not work here, because of
a missing package for example, is left out, with the reason on stderr. 100 million rows are 4 GB of CSV and 1.7 GB of
Parquet.
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
from data import DATASETS, make_files
from measure import ROOT, FailedError, Measured, run, run_in_turn

DOCUMENT = ROOT / "docs" / "scale.md"
HEADER = ("rows", "format", "workers", "seconds", "M rows/s", "peak MB", "speed-up")
PACKAGES = ("click", "numpy", "pyarrow", "dask", "distributed")
NUMERIC_COLUMNS = {"rows", "seconds", "M rows/s", "peak MB", "speed-up"}


@dataclass(frozen=True)
class Configuration:
    """Options of `losscli compute` for threads and workers. Speed-ups are relative to the first that works."""

    label: str
    options: tuple[str, ...]


CONFIGURATIONS = [
    Configuration("1 thread", ("-j", "1")),
    Configuration("2 threads", ("-j", "2")),
    Configuration("1 of Dask", ("--engine", "dask", "--workers", "1")),
    Configuration("2 of Dask", ("--engine", "dask", "--workers", "2")),
    Configuration("4 of Dask", ("--engine", "dask", "--workers", "4")),
]


def make_command(losses: str, path: Path, configuration: Configuration) -> list[str]:
    """Return the command line of this checkout."""
    words = [sys.executable, "-m", "losscli", "compute", losses, str(path), "-q", "-f", "tsv"]
    return [*words, *configuration.options]


def find_configurations(losses: str, folder: Path) -> list[Configuration]:
    """Return the configurations that work on a small file."""
    make_files(folder, 0, {"small_csv"})
    path = DATASETS["small_csv"].path(folder, 0)
    return [it for it in CONFIGURATIONS if _runs_here(it, make_command(losses, path, it))]


def _runs_here(configuration: Configuration, words: Sequence[str]) -> bool:
    try:
        run(words)
    except FailedError as error:
        print(f"left out: {configuration.label}: {error}", file=sys.stderr)
        return False
    return True


def table_rows(kind: str, rows: int, measured: dict[Configuration, Measured | FailedError]) -> list[tuple[str, ...]]:
    """Return the rows of the table for one file."""
    first = next((it.seconds for it in measured.values() if isinstance(it, Measured)), 0.0)
    return [
        _table_row((table.format_rows(rows), kind, config.label), it, rows, first) for config, it in measured.items()
    ]


def _table_row(labels: tuple[str, ...], it: Measured | FailedError, rows: int, first: float) -> tuple[str, ...]:
    if isinstance(it, FailedError):
        print(f"FAIL: {', '.join(labels)}: {it}", file=sys.stderr)
        return (*labels, "FAIL", "-", "-", "-")
    speed, gain = rows / it.seconds / 1e6, first / it.seconds
    return (
        *labels,
        table.format_number(it.seconds),
        table.format_number(speed),
        table.format_number(it.peak, 0),
        table.format_number(gain),
    )


def measure(options: argparse.Namespace, folder: Path) -> list[tuple[str, ...]]:
    """Measure all files, the smallest first."""
    configurations = find_configurations(options.losses, folder)
    table_lines = []
    for rows in sorted(options.rows):
        for kind in options.formats:
            print(f"... {table.format_rows(rows)} rows, {kind}", file=sys.stderr, flush=True)
            make_files(folder, rows, {kind})
            path = DATASETS[kind].path(folder, rows)
            commands = {it: make_command(options.losses, path, it) for it in configurations}
            table_lines += table_rows(kind, rows, run_in_turn(commands, options.rounds))
    return table_lines


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", metavar="N,...", type=_parse_counts, default=[10**6, 10**7, 10**8])
    parser.add_argument("--formats", metavar="A,B", type=lambda text: text.split(","), default=["csv", "parquet"])
    parser.add_argument("--losses", default="mse")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="rounds after the warm-up (default: 3)")
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, help="where to keep the data (default: a temporary folder)"
    )
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT.relative_to(ROOT)}")
    return parser.parse_args()


def _parse_counts(text: str) -> list[int]:
    """Parse numbers such as `1e6,10000000`."""
    return [int(float(count)) for count in text.split(",")]


def main() -> int:
    """Measure, print the table, and return the exit status."""
    options, about = parse_arguments(), machine.describe()
    with tempfile.TemporaryDirectory() as temporary:
        rows = measure(options, (options.data or Path(temporary)).resolve())
    markdown = table.markdown(HEADER, rows, NUMERIC_COLUMNS)
    versions = machine.versions(*PACKAGES)
    text = f"{markdown}\n\nLosses: `{options.losses}`; rounds: {options.rounds}. {about}.\n\n{versions}."
    print(text)
    if options.write:
        table.write(DOCUMENT, text)
    return 1 if any("FAIL" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
