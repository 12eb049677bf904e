"""Compare losscli with the tools that people would use instead: ratios of medians and peak memory, with limits.

    python benchmarks/run.py [--only PATTERN] [--rounds N] [--rows N] [--pause SECONDS] [--data FOLDER] [--write]
                             [--list]

Every command is a whole process. Commands take turns, so that all see the same machine. Exit status 1: a limit is
exceeded, a command failed, or two outputs differ. A peer that is not installed is skipped: `pip install '.[bench]'`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import machine
import table
from benchmark import OUTPUTS, Benchmark, Command
from data import DATASETS, DEFAULT_ROWS, make_files
from measure import ROOT, FailedError, Measured, run, run_in_turn
from results import Result, document, judge, skip
from suite import BENCHMARKS

HERE = Path(__file__).resolve().parent
DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Settings:
    """The options of a run."""

    folder: Path
    rows: int
    rounds: int
    pause: float

    def fill(self, command: Command) -> list[str]:
        """Return the words of a command, with paths filled in."""
        paths = {name: data.path(self.folder, self.rows) for name, data in DATASETS.items()}
        return [word.format(python=sys.executable, here=HERE, **paths, **self.outputs()) for word in command.words]

    def outputs(self) -> dict[str, Path]:
        """Return the files that commands write, by field."""
        return {field: self.folder / name for field, name in OUTPUTS.items()}


def full_name(benchmark: Benchmark, rows: int) -> str:
    """Return the name with numbers of rows."""
    counts = {name: table.format_rows(data.rows(rows)) for name, data in DATASETS.items()}
    return benchmark.name.format(**counts)


def describe(benchmark: Benchmark, rows: int) -> str:
    """Return the line that `--list` prints and `--only` searches."""
    return " / ".join((full_name(benchmark, rows), benchmark.ours.label, benchmark.theirs.label)).replace("\\|", "|")


def missing_requirements(benchmark: Benchmark) -> list[str]:
    """List what must be installed first."""
    return [name for name in benchmark.theirs.requires if not machine.version(name) and not shutil.which(name)]


def group_by_command(benchmarks: list[Benchmark]) -> Iterator[list[Benchmark]]:
    """Group benchmarks that share our command, which runs once per round for all of them."""
    for _, group in groupby(
        benchmarks, key=lambda benchmark: (benchmark.ours, benchmark.max_rounds, benchmark.has_no_pause)
    ):
        yield list(group)


def summarize(command: Command, measured: Measured | FailedError, settings: Settings) -> Measured | FailedError:
    """Put the summary of the file that a command wrote, if it wrote one, in the place of its output."""
    written = [path for field, path in settings.outputs().items() if field in command.fields()]
    if not written or isinstance(measured, FailedError):
        return measured
    try:
        return replace(measured, output=run([sys.executable, str(HERE / "summarize.py"), str(written[0])]).output)
    except FailedError as error:
        return error
    finally:
        written[0].unlink(missing_ok=True)


def evaluate(group: list[Benchmark], settings: Settings) -> list[Result]:
    """Run the commands of a group in turn."""
    missing = {benchmark: missing_requirements(benchmark) for benchmark in group}
    runnable = [
        command for benchmark in group if not missing[benchmark] for command in (benchmark.ours, benchmark.theirs)
    ]
    commands = {command: settings.fill(command) for command in runnable if command.words}
    fields = {field for command in commands for field in command.fields()}
    make_files(settings.folder, settings.rows, fields & DATASETS.keys())
    max_rounds, pause = group[0].max_rounds, 0.0 if group[0].has_no_pause else settings.pause
    rounds = settings.rounds if max_rounds is None else min(settings.rounds, max_rounds)
    runs = run_in_turn(commands, rounds, pause)
    measured = {command: summarize(command, it, settings) for command, it in runs.items()}
    return [
        skip(benchmark, missing[benchmark]) if missing[benchmark] else judge(benchmark, measured) for benchmark in group
    ]


def evaluate_all(benchmarks: list[Benchmark], settings: Settings) -> list[Result]:
    """Run all benchmarks and print progress."""
    results = []
    for group in group_by_command(benchmarks):
        print(f"... {full_name(group[0], settings.rows)}", file=sys.stderr, flush=True)
        results += evaluate(group, settings)
    return results


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PATTERN", default="", help="benchmarks whose line in --list matches a regex")
    parser.add_argument("--rounds", metavar="N", type=int, default=7, help="rounds after the warm-up (default: 7)")
    parser.add_argument(
        "--rows",
        metavar="N",
        type=int,
        default=DEFAULT_ROWS,
        help="rows of the large data (default: 10 M); other data grows with it",
    )
    parser.add_argument(
        "--pause", metavar="SECONDS", type=float, default=1.0, help="pause before each command (default: 1)"
    )
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, help="where to keep the data (default: a temporary folder)"
    )
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT.relative_to(ROOT)}")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and stop")
    return parser


def parse_arguments() -> argparse.Namespace:
    """Parse the command line and select the benchmarks."""
    parser = make_parser()
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs the whole table: not with --only")
    options.benchmarks = [
        benchmark
        for benchmark in BENCHMARKS
        if re.search(options.only, describe(benchmark, options.rows), re.IGNORECASE)
    ]
    if not options.benchmarks:
        parser.error("no benchmark matches --only: see --list")
    return options


def main() -> int:
    """Run the benchmarks, print the table, and return the exit status."""
    options = parse_arguments()
    if options.list:
        print(*(describe(benchmark, options.rows) for benchmark in options.benchmarks), sep="\n")
        return 0
    about = machine.describe()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings((options.data or Path(temporary)).resolve(), options.rows, options.rounds, options.pause)
        results = evaluate_all(options.benchmarks, settings)
    rounds = f"{options.rounds}, {options.pause:g} s before each command"
    text = document([result.cells(full_name(result.benchmark, options.rows)) for result in results], rounds, about)
    print(text)
    if options.write:
        table.write(DOCUMENT, text)
    for result in results:
        for failure in result.failures:
            print(f"FAIL: {describe(result.benchmark, options.rows)}: {failure}", file=sys.stderr)
    return 1 if any(result.failures for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
