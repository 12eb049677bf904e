"""A case, an independent reading of it, and what is wrong with what losscli makes of it."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from tests.fuzz.worker import MEGABYTES_PER_RUN, SECONDS_PER_RUN, Died, Outcome, Run, Worker

EXAMPLES = int(os.environ.get("LOSSCLI_FUZZ_EXAMPLES", "0"))
"""Inputs per subject; 0: as many as there is time for."""

SECONDS_PER_SUBJECT = 8.0
MAX_EXAMPLES_IN_TIME = 400
TAU = 0.9
LOSSES = f"mse,quantile:tau={TAU}"
RELATIVE_TOLERANCE = 1e-9
HUGE = 1e300
"""Above, an overflow is a matter of the order of operations."""


class Case(NamedTuple):
    """What is typed, and the files that are there.

    Attributes:
        subject: What is fuzzed.
        files: The name and the bytes of each file.
        options: Options of the command besides the files.
        is_valid: Whether the case must be read: it holds nothing but plain, valid data.
        cut: The size of parts, in bytes.
    """

    subject: str
    files: tuple[tuple[str, bytes], ...]
    options: tuple[str, ...] = ()
    is_valid: bool = False
    cut: int = 48

    @property
    def size(self) -> int:
        return sum(len(data) for _, data in self.files) + sum(map(len, self.options))


class Reading(NamedTuple):
    """What an independent reader finds.

    Attributes:
        y_true, y_pred: Arrays (N, ...) of numbers, NaN where one is missing.
        groups: A group per row, empty if it is missing; None if no groups are asked for.
    """

    y_true: NDArray[np.float64]
    y_pred: NDArray[np.float64]
    groups: Sequence[str] | None = None


REFUSED = None
"""A reading of what is not to be read."""


class Unclear:
    """A reading of what may be read in more than one way: any outcome will do that is the same by every route."""


UNCLEAR = Unclear()
Read = Callable[[Case], Reading | Unclear | None]


class Failure(NamedTuple):
    """What is wrong: its kind, and the details."""

    kind: str
    details: str


@cache
def worker(name: str) -> Worker:
    """Return the child process of a name."""
    return Worker()


def read_in_child(function: str, *arguments: Any) -> Any:
    """Return what a reader in a child process returns; None if it raises or dies."""
    answer = worker("reader").ask("call", function, *arguments)
    return None if isinstance(answer, Died) else answer


# ----------------------------------------------------------------------------------------------------- one outcome


def unsound(outcome: Outcome, statuses: Sequence[int] = (0, 2, 3, 4)) -> Failure | None:
    """Return what is wrong with an outcome whatever the input."""
    status, out, err, seconds, megabytes = outcome
    if status == 70:
        words = re.sub(r"\d+", "N", err.partition("losscli: error: ")[2])
        return Failure(f"exit 70: {words[:60].strip()}", err)
    if "Traceback" in err or status >= 1000:
        return Failure("traceback", err)
    if status not in statuses:
        return Failure(f"status {status}", err)
    if seconds > SECONDS_PER_RUN:
        return Failure("takes too long", f"{seconds:.1f} s")
    if megabytes > MEGABYTES_PER_RUN:
        return Failure("takes too much memory", f"{megabytes} MB")
    errors = [line for line in err.split("\n") if line]
    if status in (2, 3) and out:
        return Failure("output beside an error", out)
    if status == 0 and errors:
        return Failure("words beside a result", err)
    if status in (2, 3, 4) and (len(errors) != 1 or not errors[0].startswith("losscli: error: ")):
        return Failure("not one line", err)
    if re.search(r" at 0x[0-9a-f]{6}", err):
        return Failure("memory address in an error", err)
    if any(ord(c) < 32 and c != "\n" for c in err):
        return Failure("control characters in an error", repr(err))
    return None


def without_names(err: str, names: Sequence[str]) -> str:
    """Return an error without the name of its file."""
    for name in (*names, "standard input"):
        err = err.replace(name, "FILE")
    err = re.sub(r"/dev/fd/\d+", "FILE", err)
    err = re.sub(r"is \([\d, ]*\)", "is SHAPE", err)  # of a part or of the whole
    return re.sub(r"is damaged .*", "is damaged", err)


def losses_of(out: str) -> list[dict[str, Any]]:
    """Return the results in a JSON output; none if there is none."""
    return json.loads(out)["losses"] if out else []  # type: ignore[no-any-return]


def group_of(loss: Mapping[str, Any]) -> str | None:
    return next(iter(loss["group"].values())) if loss.get("group") else None


Values = dict[tuple[str | None, str], tuple[int, float]]
"""(group, loss) -> number of rows and value."""


def values_of(outcome: Outcome) -> Values:
    return {
        (group_of(loss), loss["name"]): (loss["n"], math.nan if loss["value"] is None else loss["value"])
        for loss in losses_of(outcome.out)
    }


def expected_values(reading: Reading) -> Values:
    """Return the values of the losses by the plainest arithmetic, of the rows that lack nothing."""
    y, p = reading.y_true, reading.y_pred
    rows = range(len(y))
    groups = reading.groups
    found: Values = {}
    with np.errstate(all="ignore"):
        e = y - p
        squares = e * e
        pinball = np.where(e >= 0, TAU * e, (TAU - 1) * e)
        complete = ~np.isnan(y) & ~np.isnan(p)
        if y.ndim > 1:
            axes = tuple(range(1, y.ndim))
            squares, pinball, complete = squares.mean(axes), pinball.mean(axes), complete.all(axes)
        for group in dict.fromkeys(groups) if groups is not None else (None,):
            kept = [i for i in rows if complete[i] and (groups is None or groups[i] == group)]
            for name, values in (("mse", squares), ("quantile", pinball)):
                if kept:
                    found[group, name] = len(kept), float(values[kept].astype(np.longdouble).mean())
    return found


def is_close(a: float, b: float) -> bool:
    if not math.isfinite(a) or not math.isfinite(b):
        return all(abs(value) > HUGE for value in (a, b) if math.isfinite(value))
    return abs(a - b) <= RELATIVE_TOLERANCE * max(abs(a), abs(b)) or min(abs(a), abs(b)) > HUGE


def differ(found: Values, wanted: Values) -> str:
    """Return in words how values differ; empty if they do not."""
    if found.keys() != wanted.keys():
        return f"results {sorted(map(str, found))}, not {sorted(map(str, wanted))}"
    for key, (n, value) in wanted.items():
        if found[key][0] != n:
            return f"{key}: {found[key][0]} rows, not {n}"
        if not is_close(found[key][1], value):
            return f"{key}: {found[key][1]!r}, not {value!r}"
    return ""


# ------------------------------------------------------------------------------------------------------- one case


def runs_of(case: Case) -> dict[str, Run]:
    """Return the routes by which the data of a case comes in."""
    names = [name for name, _ in case.files]
    options = (*case.options, "--nan", "omit", "-f", "json", "-q")
    command = ("compute", LOSSES, *names)
    runs = {
        "file": Run((*command, "-j", "1", *options)),
        "file in parts, 4 threads": Run((*command, "-j", "4", *options), cut=case.cut),
    }
    is_odd = case.size % 2  # half of the routes for each case: twice as many cases
    if is_odd:
        runs["file in parts"] = Run((*command, "-j", "1", *options), cut=case.cut)
    if len(names) == 1:
        data = case.files[0][1]
        piped = ("compute", LOSSES, "-", "--input-format", format_of(names[0]), *options)
        if is_odd:
            runs["pipe"] = Run((*piped, "-j", "1"), data)
        else:
            runs["pipe in parts, 4 threads"] = Run((*piped, "-j", "4"), data, cut=case.cut)
    return runs


def may_be_refused_in_other_words(case: Case, route: str, other: str) -> bool:
    """Return whether one bad file may be refused in other words by another route.

    Arrow reads damaged metadata of Feather 1 past their end, and finds what memory held. The bytes of a pipe whose
    format is named are not looked at, those of a file are: they may be taken for another format.
    """
    (_, data), *_ = case.files
    is_feather_1 = case.subject == "feather" and data.startswith(b"FEA1")
    return not case.is_valid and (is_feather_1 or are_file_and_pipe(route, other))


def are_file_and_pipe(route: str, other: str) -> bool:
    return {route[:4], other[:4]} == {"file", "pipe"}


def is_other_format(case: Case, outcome: Outcome) -> bool:
    """Return whether a file that is not valid was read as what it looks like, which a pipe of a named format is not."""
    return not case.is_valid and bool(outcome.out) and json.loads(outcome.out)["data"]["format"] != case.subject


def format_of(name: str) -> str:
    ending = name.rpartition(".")[2]
    return "feather" if ending == "arrow" else ending


def check_data(case: Case, read: Read) -> tuple[Failure | None, str]:
    """Return what is wrong with what losscli makes of a case, and the outcome in a word, for counting."""
    runs = runs_of(case)
    answer = worker("losscli").ask("run", dict(case.files), list(runs.values()))
    if isinstance(answer, Died):
        return Failure(str(answer), ""), str(answer)
    outcomes: dict[str, Outcome] = dict(zip(runs, answer, strict=True))
    first = outcomes["file"]
    word = f"status {first.status}"
    for route, outcome in outcomes.items():
        failure = unsound(outcome)
        if failure is not None:
            if failure.kind == "takes too much memory":
                worker("losscli").close()  # the peak is that of a process
            return Failure(failure.kind, f"{route}: {failure.details}"), word
    reading = read(case)
    names = [name for name, _ in case.files]
    in_parts = {route: outcome for route, outcome in outcomes.items() if "parts" in route}
    whole = {route: outcome for route, outcome in outcomes.items() if "parts" not in route}
    for same in (in_parts, whole):
        (route, outcome), *others = same.items()
        for other_route, other in others:
            # a pipe that is no CSV is not cut at the same rows as a file, if parts are smaller than batches
            is_close_enough = same is in_parts and case.subject != "csv" and are_file_and_pipe(route, other_route)
            is_same = (
                not differ(values_of(other), values_of(outcome))
                if is_close_enough
                else losses_of(outcome.out) == losses_of(other.out)
            )
            if are_file_and_pipe(route, other_route) and is_other_format(case, outcome) and other.status == 3:
                continue
            if outcome.status != other.status or not is_same:
                kind = f"{other_route} is unlike {route}: {other.status} {outcome.status}"
                return Failure(kind, f"{other}\n{outcome}"), word
            if is_close_enough or may_be_refused_in_other_words(case, route, other_route):
                continue
            if without_names(outcome.err, names) != without_names(other.err, names):
                return Failure(f"{other_route} is refused in other words than {route}", f"{other}\n{outcome}"), word
    parts = next(iter(in_parts.values()))
    if first.status != parts.status or (problem := differ(values_of(parts), values_of(first))):
        detail = problem if first.status == parts.status else f"{first.err} {parts.err}"
        return Failure(f"parts are unlike the whole: {parts.status} {first.status}", detail), word
    if isinstance(reading, Unclear):
        return None, f"{word}, unclear"
    if reading is REFUSED:
        return (
            Failure("is read, and should not be", first.out) if first.status in (0, 4) and first.out else None
        ), word
    if first.status in (2, 3):
        return (Failure("is refused, and should not be", first.err) if case.is_valid else None), word
    problem = differ(values_of(first), expected_values(reading))
    return (Failure("wrong number", f"{problem} in {first.out}") if problem else None), word


# ------------------------------------------------------------------------------------------------------- all cases

Check = Callable[[Any], tuple[Failure | None, str]]
"""Says what is wrong with a case, and the outcome in a word."""


class Known(NamedTuple):
    """A cause of failures that is known: it has a regression test, and no fuzzer stops for it."""

    cause: str
    matches: Callable[[Any, Failure], bool]


class Tally:
    """Counts of a run."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.failures: dict[str, tuple[int, Any, Failure]] = {}
        self.times: Counter[str] = Counter()

    def add_failure(self, case: Any, failure: Failure) -> None:
        """Keep the smallest case of each kind of failure."""
        size = case.size
        self.times[failure.kind] += 1
        if failure.kind not in self.failures or size < self.failures[failure.kind][0]:
            self.failures[failure.kind] = size, case, failure


def known_cause(case: Any, failure: Failure) -> str | None:
    from tests.fuzz.regressions.known import KNOWN

    return next((known.cause for known in KNOWN if known.matches(case, failure)), None)


def fuzz(cases: SearchStrategy[Any], check: Check, tally: Tally | None = None, examples: int = EXAMPLES) -> Tally:
    """Check cases until there are enough, or time is up.

    Args:
        cases: What to draw cases from.
        check: Says what is wrong with a case.
        tally: Where failures are counted; without it the first one is raised, with the smallest case.
        examples: How many cases; 0 for as many as there is time for.

    Raises:
        AssertionError: A case fails for a reason that is not known.
    """
    counts = tally or Tally()
    worker("losscli").close()  # the peak of memory is that of a process, which another subject may have raised
    end = math.inf if examples else time.monotonic() + SECONDS_PER_SUBJECT
    has_failed = False

    @settings(max_examples=examples or MAX_EXAMPLES_IN_TIME, database=None)
    @given(cases)
    def try_one(case: Any) -> None:
        nonlocal has_failed
        if not has_failed and time.monotonic() > end:
            return
        failure, word = check(case)
        counts.outcomes[word] += 1
        if failure is None:
            return
        if cause := known_cause(case, failure):
            counts.known[cause] += 1
        elif tally is not None:
            tally.add_failure(case, failure)
        else:
            has_failed = True
            raise AssertionError(f"{failure.kind}: {failure.details}\n{case!r}")

    try_one()
    return counts
