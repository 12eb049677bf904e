"""Inputs that once failed, each by every route; those of a known cause still fail."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.conftest import as_bytes, write_npy, write_npz, write_parquet
from tests.fuzz.check import Case, unsound, worker
from tests.fuzz.regressions.cases import NUMBERS, REGRESSIONS
from tests.fuzz.regressions.known import CAUSES
from tests.fuzz.worker import Died, Run


def marked(cause: str, *values: Any) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=cause)] if cause in CAUSES else []
    return pytest.param(*values, marks=marks, id=cause)


@pytest.mark.parametrize("case", [marked(cause, case) for cause, case in REGRESSIONS])
def test_input(case: Case) -> None:
    failure, _ = importlib.import_module(f"tests.fuzz.test_{case.subject}").check(case)
    assert failure is None


PIPED = {
    "npy": as_bytes(write_npy, [[1.0, 2.0], [3.0, 5.0]]),
    "npz": as_bytes(write_npz, NUMBERS),
    "parquet": as_bytes(write_parquet, NUMBERS),
}


@pytest.mark.parametrize("format", [marked(f"{format}: named pipe", format) for format in PIPED])
def test_named_pipe(format: str) -> None:
    arguments = ("compute", "mse", "-", "--input-format", format, "-f", "value")
    answer = worker("losscli").ask("run", {}, [Run(arguments, PIPED[format], fifo=True), Run(arguments, PIPED[format])])
    assert not isinstance(answer, Died)
    named, standard = answer
    assert unsound(named) is None
    assert (named.status, named.out) == (0, standard.out)
