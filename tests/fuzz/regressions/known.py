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


DAMAGE = (
    "dies of",
    "exit 70",
    "hangs",
    "is read, and should not be",
    "in other words",
    "takes too",
    "wrong number",
    "unlike",
)


def is_of_damaged_feather(case: Any, failure: Failure) -> bool:
    return case.subject == "feather" and not case.is_valid and any(word in failure.kind for word in DAMAGE)


def never(case: Any, failure: Failure) -> bool:
    return False


KNOWN: list[Known] = [
    Known("json: true beside null", failure_has("exit 70", "could not convert string to float")),
    Known("jsonl: records joined over two lines", failure_has("should not be", subject="jsonl")),
    Known("jsonl: a later block has other shapes", failure_has("parts are unlike the whole: 0 3", subject="jsonl")),
    Known("jsonl: a column begins after the first block", failure_has("parts are unlike the whole", subject="jsonl")),
    Known("npz: damaged LZMA", failure_has("LZMAError", subject="npz")),
    Known("npy: memory address in an error", failure_has("memory address in an error", subject="npy")),
    Known("npy: text that is no Unicode", failure_has("exit 70", "PyUnicode", subject="npy")),
    Known("npy: unknown version", failure_has("is read, and should not be", subject="npy")),
    Known("npy: named pipe", never),
    Known("npz: named pipe", never),
    Known("parquet: named pipe", never),
    Known("parquet: row groups change the last digits", failure_has("is unlike file", subject="parquet")),
    Known("feather 1: damaged bytes kill the process", is_of_damaged_feather),
]
CAUSES = {known.cause for known in KNOWN}
