"""Gates: conditions such as `mse>0.5` or `mae[region=eu].p95>=3` that make a command fail."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from losscli.declaration.domains.levels import ALPHA, TAUS, TIMES
from losscli.declaration.grammar import RawValue, parse_specs
from losscli.declaration.loss import BoundLoss, checked
from losscli.declaration.names import half_width
from losscli.errors import UsageError
from losscli.messages import number_of, number_text
from losscli.registry import losses_called
from losscli.result_names import ResultKey, result_name
from losscli.results import finite_or_none

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
GROUPS_IN_REASON = 10
VALUE = "value"
MODEL = "model"
STATISTICS_OF_BASELINE = ("baseline", "change")
RELATIVE = {"difference": "relative", "diff_low": "relative_low", "diff_high": "relative_high"}
"""Differences of models, in the unit of the loss -> the same as a share of the value of the reference."""

_SUBJECT = r"[^<>=!\[]+?(?:[:=][^<>=!\[]+)*?|[^<>!\[]+\[.+\](?:\.\w+)?"
_CONDITION = re.compile(rf"({_SUBJECT})\s*({'|'.join(OPERATORS)})\s*([^<>=!\s]+)")
_SELECTED = re.compile(r"([^\[]+)\[(.+)\](?:\.(\w+))?")

Group = tuple[tuple[str, str], ...]
"""Column -> value of a group, and the model, as pairs."""

Values = Sequence[tuple[ResultKey, Mapping[str, float | None]]]
"""The key and the statistics of everything evaluated."""


class Gate(NamedTuple):
    """A condition on a statistic of a loss, given by its label; the command fails where it is true.

    Attributes:
        text: The condition as typed.
        label: The loss.
        statistic: The statistic.
        comparison: The operator.
        limit: The number on the right.
        percent: Whether that is in percent.
        selector: The groups and the model that are meant, as pairs of column and value; empty for all.
        other_readings: What else the selector may mean, where names have a = or a | in them.
    """

    text: str
    label: str
    statistic: str
    comparison: str
    limit: float
    percent: bool = False
    selector: Group = ()
    other_readings: tuple[Group, ...] = ()

    @property
    def name(self) -> str:
        return self.label if self.statistic == VALUE else f"{self.label}.{self.statistic}"

    def of_result(self, labels: Collection[str]) -> Gate:
        """Return the gate on the result of its loss that has parameters beside: names of columns may say some."""
        found = [label for label in labels if label.startswith(f"{self.label}:")]
        return self._replace(label=found[0]) if len(found) == 1 else self

    def selects(self, key: ResultKey) -> bool:
        """Return whether a result is one of those that are meant."""
        label, group = key
        return label == self.label and set(self.selector) <= set(group)

    def readings(self, keys: Collection[ResultKey]) -> list[Gate]:
        """Return the gate by each reading of the selector that selects some of the results, and others than before."""
        found: dict[frozenset[ResultKey], Gate] = {}
        for selector in (self.selector, *self.other_readings):
            gate = self._replace(selector=selector)
            found.setdefault(frozenset(key for key in keys if gate.selects(key)), gate)
        found.pop(frozenset(), None)
        return list(found.values())

    def likeliest_reading(self, known: Collection[tuple[str, str]]) -> Gate:
        """Return the gate by the reading of the selector that has the most of the known columns and values."""
        columns = {column for column, _ in known}

        def known_share(selector: Group) -> float:
            return sum((pair in known) + (pair[0] in columns) for pair in selector) / max(1, len(selector))

        return self._replace(selector=max((self.selector, *self.other_readings), key=known_share))


class GateVerdict(NamedTuple):
    """What became of a gate at one result: `reason` says why it failed, and is empty if it passed.

    `warning` says why a gate that passed may well be wrong to.
    """

    gate: Gate
    group: Group
    value: float | None
    reason: str
    warning: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as it is in JSON."""
        reason = {"reason": self.reason} if self.failed else {}
        group = {"group": dict(self.group)} if self.group else {}
        return {
            "condition": self.gate.text,
            **group,
            "value": finite_or_none(self.value),
            "failed": self.failed,
            **reason,
            **({"warning": self.warning} if self.warning else {}),
        }


def parse_gate(text: str, losses: Sequence[BoundLoss], statistics: Collection[str]) -> Gate:
    """Parse `LOSS[SELECTOR].STATISTIC OPERATOR NUMBER`, for one of the losses that are evaluated.

    The selector, in brackets, and the statistic may be left out.

    Raises:
        UsageError: It is not of this form, names a loss or statistic that is not there, or can never be judged.
    """
    match = _CONDITION.fullmatch(_half_width_condition(text).strip())
    limit = _limit(match.group(3)) if match else None
    if match is None or limit is None:
        form = f"LOSS[.STATISTIC] OPERATOR NUMBER, as in 'mse>0.5'; the operators are {', '.join(OPERATORS)}"
        raise UsageError(f"must be {form}", option=("fail_if", text))
    if math.isinf(limit):
        problem = "the limit must be a finite number; a value that is not finite has an exit status of its own"
        raise UsageError(problem, option=("fail_if", text))
    subject, comparison, _ = map(str.strip, match.groups())
    readings: list[Group] = [()]
    if selected := _SELECTED.fullmatch(subject):
        name, readings, statistic = selected[1].strip(), _parse_selector(selected[2]), selected[3] or VALUE
    else:
        name, dot, statistic = subject.rpartition(".")
        if not (dot and statistic.isidentifier()):
            name, statistic = subject, VALUE
    if statistic not in statistics:
        problem = f"there is no {statistic!r}; the statistics are {', '.join(statistics)}"
        raise UsageError(problem, option=("fail_if", text))
    is_percent = match.group(3).endswith("%")
    if is_percent and statistic in RELATIVE:  # a share of 1 % would be 0.01 of whatever the unit is
        problem = f"{statistic} is in the unit of the loss; {RELATIVE[statistic]} is in % of the reference"
        raise UsageError(problem, option=("fail_if", text))
    label, (selector, *others) = _label(text, name, losses), readings
    return Gate(text, label, statistic, comparison, limit, is_percent, selector, tuple(others))


def _half_width_condition(text: str) -> str:
    """Return a condition with what was typed as `≥` or `＞` in ASCII, but for the names between its brackets."""
    if text.isascii():
        return text
    if "[" not in text:
        text = text.translate(str.maketrans("［］【】", "[][]"))
    loss, opening, rest = text.partition("[")
    selector, closing, comparison = rest.rpartition("]")
    outside = (half_width(part).replace("≥", ">=").replace("≤", "<=") for part in (loss, comparison))
    return f"{next(outside)}{opening}{selector}{closing}{next(outside)}"


def _parse_selector(text: str) -> list[Group]:
    """Return what `region=eu,size=small`, `candidate` or both with a | between them may mean; the likeliest first.

    A name alone is that of a model, also as in `candidate,region=eu`. Names may have a = or a | in them: which reading
    it is, the results tell, and whether `，` and `＝` stand for their like in ASCII.
    """
    if text.isascii():
        return _readings(text)
    found = [*_readings(text), *_readings(text.translate(str.maketrans("＝，｜", "=,|"))), *_readings(half_width(text))]
    return list(dict.fromkeys([*found, *(tuple((key, half_width(value)) for key, value in pairs) for pairs in found)]))


def _readings(text: str) -> list[Group]:
    """Return what a selector may mean with these commas and equals signs; the likeliest first."""
    readings = [_parse_pairs(text)]
    for i in (match.start() for match in re.finditer(r"\|", text)):
        left, right = text[:i], text[i + 1 :]
        readings += [_parse_pairs(left) + _parse_pairs(right)] if "=" in text else []
        readings += [((MODEL, left.strip()), *_parse_pairs(right))] if "=" in left and "=" in right else []
        readings += [(*_parse_pairs(left), (MODEL, right.strip()))] if "=" in left and "=" in right else []
    return list(dict.fromkeys([*readings, ((MODEL, text.strip()),)]))


def _parse_pairs(text: str) -> Group:
    """Return the pairs of `region=eu,size=small`; a name alone is that of a model."""
    if "=" not in text:
        return ((MODEL, text.strip()),)
    parts = [part if "=" in part else f"{MODEL}={part}" for part in re.split(r",(?=[^,=]+=)", text)]
    return tuple((column.strip(), value.strip()) for column, _, value in (part.partition("=") for part in parts))


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
    names = {loss.name for loss in losses_called(wanted.name)}
    by_name = [loss for loss in losses if loss.loss.name in names]
    found = [loss for loss in by_name if all(_is_set_to(loss, key, typed) for key, typed in wanted.params.items())]
    if len(found) == 1:
        return found[0].label
    said = {key: typed for key, typed in wanted.params.items() if key in (TAUS, ALPHA, TIMES)}
    if len(by_name) == 1 and said and not said.keys() & by_name[0].given:  # names of columns may come to say so
        given = {key: by_name[0].params[key] for key in by_name[0].given}
        return by_name[0].loss.bind(given | dict(wanted.params)).label
    labels = ", ".join(loss.label for loss in losses)
    problem = "could be several of" if found else "is none of"
    raise UsageError(f"{name!r} {problem} the losses here: {labels}", option=("fail_if", text))


def _is_set_to(loss: BoundLoss, key: str, typed: RawValue) -> bool:
    parameter = next((p for p in loss.loss.parameters if p.name == key), None)
    return parameter is not None and checked(loss.loss.name, parameter, typed) == loss.params[key]


def judge(gates: Sequence[Gate], values: Values, lacking: Mapping[ResultKey, str] | None = None) -> list[GateVerdict]:
    """Judge every gate at every result that it is about. What cannot be judged has failed.

    Args:
        gates: The conditions.
        values: Everything evaluated.
        lacking: What should have been evaluated and was not -> why.
    """
    return [verdict for gate in gates for verdict in _judge(gate, values, lacking or {})]


def _judge(gate: Gate, values: Values, lacking: Mapping[ResultKey, str]) -> list[GateVerdict]:
    if all(label != gate.label for label, _ in (*(key for key, _ in values), *lacking)):
        gate = gate.of_result({label for (label, _), _ in values})
    there = [(key, statistics) for key, statistics in values if key[0] == gate.label]
    readings = gate.readings([*(key for key, _ in there), *lacking])
    if len(readings) > 1:
        meant = " or ".join(",".join(map("=".join, reading.selector)) for reading in readings)
        return [GateVerdict(gate, (), None, f"cannot be judged: [{gate.text.partition('[')[2]} may mean {meant}")]
    gate = readings[0] if readings else gate.likeliest_reading({pair for key, _ in there for pair in key[1]})
    selected = [(key[1], statistics) for key, statistics in there if gate.selects(key)]
    verdicts = [GateVerdict(gate, key[1], None, reason) for key, reason in lacking.items() if gate.selects(key)]
    if not there and not verdicts and values:
        labels = ", ".join(dict.fromkeys(label for (label, _), _ in values))
        return [GateVerdict(gate, gate.selector, None, f"cannot be judged: the losses here are {labels}")]
    if not selected and not verdicts:
        return [GateVerdict(gate, gate.selector, None, f"cannot be judged: {_what_there_is(gate, there)}")]
    having = [(group, statistics) for group, statistics in selected if gate.statistic in statistics]
    if selected and not having:
        having = [(group, {gate.statistic: None}) for group, _ in selected]
    return verdicts + [
        GateVerdict(gate, group, v[gate.statistic], _reason(gate, v[gate.statistic])) for group, v in having
    ]


def _what_there_is(gate: Gate, there: Values) -> str:
    """Return which groups and models there are, in words; first a column that makes no groups."""
    found = [key[1] for key, _ in there]
    columns = {column for group in found for column, _ in group}
    without = [column for column, _ in gate.selector if column not in columns]
    groups = list(_known_groups(gate.selector, found))
    if not groups:
        return "there are no groups and no models"
    more = f" and {len(groups) - GROUPS_IN_REASON} more" if len(groups) > GROUPS_IN_REASON else ""
    listed = f"there are {', '.join(groups[:GROUPS_IN_REASON])}{more}"
    if not without:
        return listed
    return f"there are no {'models' if without[0] == MODEL else f'groups by {without[0]}'}; {listed}"


def _known_groups(selector: Group, groups: Sequence[Group]) -> Iterator[str]:
    """Yield the groups and models that could have been selected: of a column whose value is unknown its values."""
    pairs = dict.fromkeys(pair for group in groups for pair in group)
    unknown = {column for column, value in selector if (column, value) not in pairs}
    named = [pair for pair in pairs if pair[0] in unknown]
    shown: Sequence[Group] = [(pair,) for pair in named] if named else groups
    yield from (" ".join(map("=".join, group)) for group in shown if group)


def _reason(gate: Gate, value: float | None) -> str:
    """Return why a condition fails at a value; empty if it does not."""
    if value is None or math.isnan(value):
        of_baseline = "; the baseline has none, or it is 0" if gate.statistic in STATISTICS_OF_BASELINE else ""
        return f"has no value on this data and cannot be judged{of_baseline}"
    if not OPERATORS[gate.comparison](value, gate.limit):
        return ""
    if gate.percent:
        return f"is {100 * value:.4g}%, {gate.comparison} {number_text(100 * gate.limit)}%"
    return f"is {value!r}, {gate.comparison} {number_text(gate.limit)}"


def failures(verdicts: Sequence[GateVerdict]) -> list[str]:
    """Return what failed, in words."""
    return [f"{result_name((v.gate.name, v.group))} {v.reason}" for v in verdicts if v.failed]
