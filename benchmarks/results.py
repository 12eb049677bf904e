"""Benchmark results as the rows of a table, each judged against its limits."""

from __future__ import annotations

from dataclasses import dataclass

import machine
import table
from benchmark import Benchmark, Command, Comparison
from measure import FailedError, Measured
from outputs import differences

HEADER = (
    "benchmark",
    "ours",
    "theirs",
    "ours, s",
    "theirs, s",
    "ours, MB",
    "theirs, MB",
    "ratio",
    "at most",
    "verdict",
)
NUMERIC_COLUMNS = {"ours, s", "theirs, s", "ours, MB", "theirs, MB", "ratio", "at most"}
NO_NUMBERS = ("-",) * 5
PACKAGES = ("click", "numpy", "pandas", "pyarrow", "duckdb", "polars", "scikit-learn", "torch")


@dataclass(frozen=True)
class Result:
    """A row of the table, and the reasons for a verdict of FAIL."""

    benchmark: Benchmark
    numbers: tuple[str, ...]
    verdict: str
    failures: tuple[str, ...] = ()

    def cells(self, name: str) -> tuple[str, ...]:
        """Return the row's cells, under this name."""
        ours, theirs = self.benchmark.ours, self.benchmark.theirs
        return (name, ours.label, theirs.label, *self.numbers, _limits(self.benchmark), self.verdict)


def skip(benchmark: Benchmark, missing: list[str]) -> Result:
    """Return the result of a benchmark whose peer is not installed."""
    return Result(benchmark, NO_NUMBERS, f"skipped: install {', '.join(missing)}")


def judge(benchmark: Benchmark, measured: dict[Command, Measured | FailedError]) -> Result:
    """Check that both commands ran, that ours kept its limits, and that their numbers agree."""
    ours = measured[benchmark.ours]
    theirs = measured[benchmark.theirs] if benchmark.theirs.words else ours
    if isinstance(ours, FailedError) or isinstance(theirs, FailedError):
        failed = {str(side) for side in (ours, theirs) if isinstance(side, FailedError)}
        return Result(benchmark, NO_NUMBERS, "FAIL", tuple(sorted(failed)))
    try:
        comparison = benchmark.compare(ours, theirs)
        wrong = (*_exceeded_limits(benchmark, comparison), *_disagreement(benchmark, ours, theirs))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        return Result(benchmark, NO_NUMBERS, "FAIL", (f"the output is not what was expected: {error}",))
    passed = "-" if benchmark.max_ratio is None and benchmark.max_peak is None else "pass"
    return Result(benchmark, _numbers(comparison), "FAIL" if wrong else passed, wrong)


def _numbers(comparison: Comparison) -> tuple[str, ...]:
    seconds = (table.format_number(value) for value in comparison.seconds)
    peaks = (table.format_number(value, 0) for value in comparison.peaks)
    return (*seconds, *peaks, table.format_number(comparison.ratio))


def _exceeded_limits(benchmark: Benchmark, comparison: Comparison) -> list[str]:
    """Describe limits that are exceeded."""
    peak = comparison.peaks[0]
    limits = [("ratio", comparison.ratio, benchmark.max_ratio), ("peak in MB", peak, benchmark.max_peak)]
    return [
        f"{what} {table.format_number(value)} is more than {limit:g}"
        for what, value, limit in limits
        if value is not None and limit is not None and not value <= limit
    ]


def _disagreement(benchmark: Benchmark, ours: Measured, theirs: Measured) -> list[str]:
    """Describe how the numbers of the two commands differ."""
    if benchmark.parse is None:
        return []
    found = differences(benchmark.parse(ours.output), benchmark.parse(theirs.output), benchmark.tolerance)
    return [f"ours and theirs differ in {len(found)} of their numbers: {found[0]}"] if found else []


def _limits(benchmark: Benchmark) -> str:
    ratio = [f"{benchmark.max_ratio:g}"] if benchmark.max_ratio is not None else []
    peak = [f"{benchmark.max_peak:g} MB"] if benchmark.max_peak is not None else []
    return ", ".join(ratio + peak) or "-"


def document(rows: list[tuple[str, ...]], rounds: str, about: str) -> str:
    """Return the text that is printed, and written with `--write`."""
    text = table.markdown(HEADER, rows, NUMERIC_COLUMNS)
    return f"{text}\n\nRounds: {rounds}. {about}.\n\n{machine.versions(*PACKAGES)}, awk: {machine.awk()}."
