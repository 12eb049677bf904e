"""Feather of version 1, which another process reads, against PyArrow: fewer inputs a second than the other formats."""

from __future__ import annotations

import pytest

from tests.fuzz import test_feather
from tests.fuzz.check import fuzz

check = test_feather.check


def cases() -> test_feather.Cases:
    """Return files of version 1: plain, of any type, or damaged."""
    return test_feather.cases(["1"])


@pytest.mark.slow
def test_feather_1() -> None:
    fuzz(cases(), check)
