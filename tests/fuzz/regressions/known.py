"""Causes of failures that are known."""

from tests.fuzz.check import Known

KNOWN: list[Known] = []
