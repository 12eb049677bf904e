"""Gates: conditions such as `mse>0.5` or `huber.p95>=3` that make a command fail."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from losscli.declaration.grammar import RawValue, normalize_name, parse_specs
from losscli.declaration.loss import BoundLoss, checked
from losscli.errors import NoResultError, UsageError
from losscli.messages import number_of, number_text
from losscli.results import ResultKey, result_name

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
    """A condition on a statistic of a loss, given by its label; the command fails where it is true."""

    text: str
    label: str
    statistic: str
    comparison: str
    limit: float
    percent: bool = False

    def fails(self, value: float | None) -> bool:
        """Return whether the condition is true of a value.

        Raises:
            NoResultError: There is no such value on this data.
        """
        if value is None or math.isnan(value):
            raise NoResultError(f"{self.name} has no value on this data", option=("fail_if", self.text))
        return OPERATORS[self.comparison](value, self.limit)

    @property
    def name(self) -> str:
        return self.label if self.statistic == VALUE else f"{self.label}.{self.statistic}"

    def failure(self, value: float | None) -> str:
        """Return the verdict in words, in percent if the condition is."""
        if self.percent and value is not None:
            return f"is {100 * value:.4g}%, {self.comparison} {number_text(100 * self.limit)}%"
        return f"is {value!r}, {self.comparison} {number_text(self.limit)}"


def parse_gate(text: str, losses: Sequence[BoundLoss], statistics: Sequence[str]) -> Gate:
    """Parse `LOSS[.STATISTIC] OPERATOR NUMBER`, for one of the losses that are evaluated.

    Raises:
        UsageError: It is not of this form, or names a loss or statistic that is not there.
    """
    match = _CONDITION.fullmatch(text.strip())
    limit = _limit(match.group(3)) if match else None
    if match is None or limit is None:
        form = f"LOSS[.STATISTIC] OPERATOR NUMBER, as in 'mse>0.5'; the operators are {', '.join(OPERATORS)}"
        raise UsageError(f"must be {form}", option=("fail_if", text))
    subject, comparison, _ = map(str.strip, match.groups())
    name, dot, statistic = subject.rpartition(".")
    if not (dot and statistic.isidentifier()):
        name, statistic = subject, VALUE
    elif statistic not in statistics:
        problem = f"there is no {statistic!r}; the statistics are {', '.join(statistics)}"
        raise UsageError(problem, option=("fail_if", text))
    return Gate(text, _label(text, name, losses), statistic, comparison, limit, match.group(3).endswith("%"))


def _limit(text: str) -> float | None:
    """Return the number of a text such as `0.5` or `2%`; None if it is none."""
    try:
        limit = number_of(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    return None if math.isnan(limit) else limit


def _label(text: str, name: str, losses: Sequence[BoundLoss]) -> str:
    """Return the label of the loss that is meant: by its whole text, or by its name if only one has it."""
    if "," in name:
        raise UsageError(f"{name!r} is a list, but a condition is of one loss", option=("fail_if", text))
    wanted = parse_specs(name)[0]
    by_name = [loss for loss in losses if wanted.name in (loss.loss.name, *map(normalize_name, loss.loss.aliases))]
    found = [loss for loss in by_name if all(_is_set_to(loss, key, typed) for key, typed in wanted.params.items())]
    if len(found) == 1:
        return found[0].label
    labels = ", ".join(loss.label for loss in losses)
    problem = "could be several of" if found else "is none of"
    raise UsageError(f"{name!r} {problem} the losses here: {labels}", option=("fail_if", text))


def _is_set_to(loss: BoundLoss, key: str, typed: RawValue) -> bool:
    parameter = next((p for p in loss.loss.parameters if p.name == key), None)
    return parameter is not None and checked(loss.loss.name, parameter, typed) == loss.params[key]


def judge(gates: Sequence[Gate], values: Sequence[tuple[ResultKey, Mapping[str, float | None]]]) -> list[str]:
    """Return what failed, in words; `values` are the key and the statistics of everything evaluated.

    Raises:
        NoResultError: A statistic has no value, or nothing has that statistic.
    """
    failures = []
    for gate in gates:
        found = [
            (group, v[gate.statistic]) for (label, group), v in values if label == gate.label and gate.statistic in v
        ]
        if not found:
            gate.fails(None)
        failing = [(group, value) for group, value in found if gate.fails(value)]
        failures += [f"{result_name((gate.name, group))} {gate.failure(value)}" for group, value in failing]
    return failures
