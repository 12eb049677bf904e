"""Gates: conditions such as `mse>0.5` or `huber.p95>=3` that make a command fail."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from losscli.declaration import grammar
from losscli.declaration.domains import number_text
from losscli.declaration.loss import BoundLoss, checked
from losscli.errors import NoResultError, UsageError

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
VALUE = "value"
_CONDITION = re.compile(rf"([^<>=!]+?(?:[:=][^<>=!]+)*?)\s*({'|'.join(OPERATORS)})\s*([^<>=!\s]+)")


class Gate(NamedTuple):
    """A condition on a statistic of a loss (by its label); the command fails where it is true."""

    text: str
    label: str
    statistic: str
    comparison: str
    limit: float
    percent: bool = False

    def fails(self, value: float | None) -> bool:
        """Whether the condition is true of a value.

        Raises:
            NoResultError: there is no such value on this data.
        """
        if value is None or math.isnan(value):
            raise NoResultError(f"--fail-if {self.text!r} cannot be told: {self.name} has no value on this data")
        return OPERATORS[self.comparison](value, self.limit)

    @property
    def name(self) -> str:
        return self.label if self.statistic == VALUE else f"{self.label}.{self.statistic}"

    def failure(self, value: float | None) -> str:
        """The verdict, in words; in percent where the condition is."""
        if self.percent and value is not None:
            return f"is {100 * value:.4g}%, {self.comparison} {number_text(100 * self.limit)}%"
        return f"is {value!r}, {self.comparison} {number_text(self.limit)}"


def parse(text: str, losses: Sequence[BoundLoss], statistics: Sequence[str]) -> Gate:
    """Read `LOSS[.STATISTIC] OPERATOR NUMBER`, for one of the losses that are evaluated.

    Raises:
        UsageError: it is not of this form, or names a loss or statistic that is not there.
    """
    match = _CONDITION.fullmatch(text.strip())
    limit = _limit(match.group(3)) if match else None
    if match is None or limit is None:
        form = f"LOSS[.STATISTIC] OPERATOR NUMBER, as in 'mse>0.5'; the operators are {', '.join(OPERATORS)}"
        raise UsageError(f"--fail-if {text!r}: must be {form}")
    subject, comparison, _ = match.groups()
    name, dot, statistic = subject.rpartition(".")
    if not (dot and statistic.isidentifier()):
        name, statistic = subject, VALUE
    elif statistic not in statistics:
        raise UsageError(f"--fail-if {text!r}: there is no {statistic!r}; the statistics are {', '.join(statistics)}")
    return Gate(text, _label(text, name, losses), statistic, comparison, limit, match.group(3).endswith("%"))


def _limit(text: str) -> float | None:
    """A number, or a percentage."""
    try:
        limit = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    return None if math.isnan(limit) else limit


def _label(text: str, name: str, losses: Sequence[BoundLoss]) -> str:
    """The label of the loss that is meant: by its whole text, or by its name where that is only one."""
    wanted = grammar.parse(name)[0]
    by_name = [loss for loss in losses if wanted.name in (loss.loss.name, *map(grammar.normal, loss.loss.aliases))]
    found = [loss for loss in by_name if all(_same(loss, key, typed) for key, typed in wanted.params.items())]
    if len(found) == 1:
        return found[0].label
    labels = ", ".join(loss.label for loss in losses)
    problem = "could be several of" if found else "is none of"
    raise UsageError(f"--fail-if {text!r}: {name!r} {problem} the losses here: {labels}")


def _same(loss: BoundLoss, key: str, typed: grammar.RawValue) -> bool:
    parameter = next((p for p in loss.loss.parameters if p.name == key), None)
    return parameter is not None and checked(loss.loss.name, parameter, typed) == loss.params[key]


def verdicts(gates: Sequence[Gate], values: Sequence[tuple[str, str, Mapping[str, float | None]]]) -> list[str]:
    """What failed, in words; `values` are (label, group, statistic -> value) of everything evaluated.

    Raises:
        NoResultError: a statistic has no value, or nothing has that statistic.
    """
    failures = []
    for gate in gates:
        there = [
            (group, v[gate.statistic]) for label, group, v in values if label == gate.label and gate.statistic in v
        ]
        if not there:
            gate.fails(None)
        failures += [f"{gate.name}{group} {gate.failure(value)}" for group, value in there if gate.fails(value)]
    return failures
