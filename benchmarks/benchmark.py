"""What a benchmark is: our command, a peer's command, and the limits of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from string import Formatter

from measure import Measured
from outputs import Numbers

OUTPUTS = {"ours_csv": "written-by-losscli.csv", "theirs_csv": "written-by-peer.csv"}
"""Files that commands may write, by the fields in their words."""


@dataclass(frozen=True)
class Command:
    """A command line. Its words may hold `{python}`, `{here}` (this folder), names of data.DATASETS and of OUTPUTS.

    The output of a command that writes a file is the summary of that file, by summarize.py.
    """

    label: str
    words: tuple[str, ...]  # empty if our command measures the peer too
    requires: tuple[str, ...] = ()  # distributions or programs

    def fields(self) -> set[str]:
        """Return the names in braces."""
        return {field for word in self.words for _, field, _, _ in Formatter().parse(word) if field}


def losscli(label: str, *words: str) -> Command:
    """Return a losscli command of this checkout."""
    return Command(label, ("{python}", "-m", "losscli", *words))


def losscli_asked_by_shell(label: str, *words: str) -> Command:
    """Return the command by which the script of a shell asks what the last of the words may be."""
    asked = ("env", "_LOSSCLI_COMPLETE=zsh_complete", "{python}", "-m", "losscli", str(len(words) - 1), *words)
    return Command(label, asked)


def losscli_piped(label: str, data: str, *words: str) -> Command:
    """Return a losscli command of this checkout that reads a pipe."""
    line = f"cat '{{{data}}}' | '{{python}}' -m losscli {' '.join(words)}"
    return Command(label, ("sh", "-c", line))


def peer(label: str, script: str, *words: str, requires: tuple[str, ...] = ()) -> Command:
    """Return the command that runs a script of peers/."""
    return Command(label, ("{python}", f"{{here}}/peers/{script}.py", *words), requires)


def in_memory(label: str, script: str, *words: str) -> Command:
    """Return the command that runs a script of this folder, which measures the peer too."""
    return Command(label, ("{python}", f"{{here}}/{script}.py", *words))


@dataclass(frozen=True)
class Comparison:
    """The numbers of a benchmark, ours and theirs: seconds, peaks in MB, and the ratio that is limited."""

    ratio: float
    seconds: tuple[float | None, float | None]
    peaks: tuple[float | None, float | None]


def compare_seconds(ours: Measured, theirs: Measured) -> Comparison:
    """Compare wall times."""
    return Comparison(ours.seconds / theirs.seconds, (ours.seconds, theirs.seconds), (ours.peak, theirs.peak))


def compare_peaks(ours: Measured, theirs: Measured) -> Comparison:
    """Compare peak memory."""
    return replace(compare_seconds(ours, theirs), ratio=ours.peak / theirs.peak)


def from_json_output(ours: Measured, _: Measured) -> Comparison:
    """Read what a script prints in its last line: JSON with `ratio`, and `seconds` of ours and theirs if there are."""
    printed = json.loads(ours.output.strip().splitlines()[-1])
    our_seconds, their_seconds = printed.get("seconds", (None, None))
    return Comparison(float(printed["ratio"]), (our_seconds, their_seconds), (ours.peak, None))


@dataclass(frozen=True)
class Benchmark:
    """Our command against a peer's."""

    name: str  # may hold names of data.DATASETS, which stand for their numbers of rows
    ours: Command
    theirs: Command
    max_ratio: float | None = None
    max_peak: float | None = None  # of our memory, in MB
    compare: Callable[[Measured, Measured], Comparison] = compare_seconds
    parse: Callable[[str], Numbers] | None = None  # reads the numbers on which both must agree
    tolerance: float = 1e-9  # relative; larger for peers that compute in float32
    max_rounds: int | None = None  # for commands that take long, hardly vary, or have rounds of their own
    has_no_pause: bool = False  # commands follow each other immediately, as in the loop of a shell script
