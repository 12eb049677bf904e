"""What the fuzzers of binary formats share: a case, and its reading in a child process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.check import REFUSED, UNCLEAR, Case, Failure, Reading, Unclear, check_data, read_in_child
from tests.fuzz.values import text_of


def reader_of(function: str) -> Callable[[Case], Reading | Unclear | None]:
    """Return a reader that calls a function of `readers.py` in a child process."""

    def read(case: Case) -> Reading | Unclear | None:
        found = read_in_child(f"tests.fuzz.readers:{function}", case.files[0][1])
        if found is None:
            return REFUSED
        y, p = found["y_true"], found["y_pred"]
        if y is None or p is None:
            return UNCLEAR
        if not len(y):
            return REFUSED
        if "--group-by" not in case.options:
            return Reading(y, p)
        groups: list[Any] | None = found.get("g")
        if groups is None:
            return REFUSED
        if not all(isinstance(value, str) or value is None for value in groups):
            return UNCLEAR
        return Reading(y, p, [text_of(value) for value in groups])

    return read


def checker(function: str) -> Callable[[Case], tuple[Failure | None, str]]:
    """Return the check of cases that a function of `readers.py` reads."""
    read = reader_of(function)
    return lambda case: check_data(case, read)
