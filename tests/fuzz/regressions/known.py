"""Causes of failures that are known: their regression tests fail, and no fuzzer stops for them.

When a cause is mended, its test passes, which is an error here: delete its line.
"""

from __future__ import annotations

from typing import Any

from tests.fuzz.check import Failure, Known


def failure_has(*words: str, subject: str = "") -> Any:
    """Return whether the words are all in the failure, of one subject."""
    return lambda case, failure: (
        subject in ("", case.subject) and all(word in f"{failure.kind} {failure.details}" for word in words)
    )


def never(case: Any, failure: Failure) -> bool:
    return False


KNOWN: list[Known] = []
CAUSES = {known.cause for known in KNOWN}
