"""What was measured as lines of a table, each judged against its limits."""

from __future__ import annotations

from dataclasses import dataclass

import machine
import table
from measure import FailedError, Measured
from works import Command, Compared, Work, differences

HEADER = ("work", "ours", "theirs", "ours, s", "theirs, s", "ours, MB", "theirs, MB", "ratio", "at most", "verdict")
NUMBERS = {"ours, s", "theirs, s", "ours, MB", "theirs, MB", "ratio", "at most"}
EMPTY = ("-",) * 5
PACKAGES = ("click", "numpy", "pandas", "pyarrow", "duckdb", "polars", "scikit-learn", "torch")


@dataclass(frozen=True)
class Result:
    """A line of the table, and what is wrong with it."""

    work: Work
    numbers: tuple[str, ...]
    verdict: str
    wrong: tuple[str, ...] = ()

    def cells(self, name: str) -> tuple[str, ...]:
        """Of the line, under this name."""
        work = self.work
        return (name, work.ours.label, work.theirs.label, *self.numbers, _limits(work), self.verdict)


def skipped(work: Work, missing: list[str]) -> Result:
    """A peer is not there."""
    return Result(work, EMPTY, f"skipped: install {', '.join(missing)}")


def judge(work: Work, measured: dict[Command, Measured | FailedError]) -> Result:
    """Did it run, is it within its limits, and do the two agree."""
    ours = measured[work.ours]
    theirs = measured[work.theirs] if work.theirs.words else ours
    if isinstance(ours, FailedError) or isinstance(theirs, FailedError):
        failed = {str(side) for side in (ours, theirs) if isinstance(side, FailedError)}
        return Result(work, EMPTY, "FAIL", tuple(sorted(failed)))
    try:
        compared = work.by(ours, theirs)
        wrong = (*_beyond(work, compared), *_disagreement(work, ours, theirs))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        return Result(work, EMPTY, "FAIL", (f"the output is not what was expected: {error}",))
    good = "-" if work.limit is None and work.peak is None else "pass"
    return Result(work, _numbers(compared), "FAIL" if wrong else good, wrong)


def _numbers(compared: Compared) -> tuple[str, ...]:
    seconds = (table.number(value) for value in compared.seconds)
    peaks = (table.number(value, 0) for value in compared.peaks)
    return (*seconds, *peaks, table.number(compared.ratio))


def _beyond(work: Work, compared: Compared) -> list[str]:
    """Limits that are passed."""
    peak = compared.peaks[0]
    found = [("ratio", compared.ratio, work.limit), ("peak in MB", peak, work.peak)]
    return [
        f"{what} {table.number(value)} is more than {limit:g}"
        for what, value, limit in found
        if value is not None and limit is not None and not value <= limit
    ]


def _disagreement(work: Work, ours: Measured, theirs: Measured) -> list[str]:
    """Whether the two commands say different numbers."""
    if work.read is None:
        return []
    found = differences(work.read(ours.output), work.read(theirs.output))
    return [f"ours and theirs differ in {len(found)} of their numbers: {found[0]}"] if found else []


def _limits(work: Work) -> str:
    ratio = [f"{work.limit:g}"] if work.limit is not None else []
    peak = [f"{work.peak:g} MB"] if work.peak is not None else []
    return ", ".join(ratio + peak) or "-"


def document(lines: list[tuple[str, ...]], rounds: str, about: str) -> str:
    """What is printed, and written with `--write`."""
    made = table.markdown(HEADER, lines, NUMBERS)
    return f"{made}\n\nRounds: {rounds}. {about}.\n\n{machine.versions(*PACKAGES)}, awk: {machine.awk()}."
