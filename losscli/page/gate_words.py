"""The verdicts of gates in words: what a gate is about, its value and its limit as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from losscli.gates import VALUE, Gate, GateVerdict
from losscli.plot.scales import MINUS, human_number, human_percent

DIGITS = 5
"""Significant digits of values; more where fewer would not tell a value from its limit."""

NOT_JUDGED = "cannot be judged"


class VerdictText(NamedTuple):
    """A verdict: what the gate is about, the condition, the value, the operator and the limit."""

    about: str
    condition: str
    value: str
    comparison: str
    limit: str


def verdict_text(verdict: GateVerdict) -> VerdictText:
    """Return a verdict in words."""
    gate = verdict.gate
    value, limit = values_apart(gate, verdict.value)
    typed = f"{100 * gate.limit:.12g}%" if gate.percent else f"{gate.limit:.12g}"
    condition = f"{gate.name} {gate.comparison} {typed}"
    return VerdictText(gate.name, condition, NOT_JUDGED if value is None else value, gate.comparison, limit)


def values_apart(gate: Gate, value: float | None) -> tuple[str | None, str]:
    """Return the value and the limit of a gate as text, with as many digits as it takes to tell them apart."""
    if value is None or math.isnan(value):
        return None, number_writer(gate, DIGITS)(gate.limit).removeprefix("+")
    for digits in range(DIGITS, 18):
        shown = number_writer(gate, digits)
        if value == gate.limit or shown(value).lstrip("+") != shown(gate.limit).lstrip("+"):
            break
    return shown(value), shown(gate.limit).removeprefix("+")


def number_writer(gate: Gate, digits: int) -> Callable[[float], str]:
    """Return what writes a value of a gate: a change with its sign, as a percentage; others as the gate does."""
    if gate.statistic == "change":
        return lambda value: change_text(value, digits - 3)
    return lambda value: human_percent(value, digits - 2) if gate.percent else human_number(value, digits)


def change_text(share: float, digits: int = 2) -> str:
    """Return a change as a percentage with its sign."""
    text = human_percent(share, digits)
    return text if text.startswith(MINUS) or share == 0 or math.isnan(share) else f"+{text}"


def failed_gates(verdicts: Iterable[GateVerdict]) -> tuple[int, int]:
    """Return how many gates failed, at any of the results that they are about, and how many there are."""
    verdicts = list(verdicts)
    failed = {verdict.gate.text for verdict in verdicts if verdict.failed}
    return len(failed), len({verdict.gate.text for verdict in verdicts})


def tally(failed: int, count: int) -> str:
    """Return how many gates failed, or that all passed."""
    gates = "gate" if count == 1 else "gates"
    return f"{failed} of {count} {gates} failed" if failed else f"{count} {gates} passed"


def is_of_value(gate: Gate) -> bool:
    """Return whether a gate is on the value of a loss, or on an end of its interval."""
    return gate.statistic in (VALUE, "ci_low", "ci_high")
