"""The end of an evaluation: what should be known of the numbers, the gates, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from losscli.cli.options import Notes
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.baseline import BaselineFile
    from losscli.declaration.loss import BoundLoss
    from losscli.gates import Gate
    from losscli.results import Evaluation, LossResult

SMALL_GROUP = 30
"""Rows below which a group's number says little."""

FAILED = 1


def gates_from(
    texts: Sequence[str], losses: Sequence[BoundLoss], more: Sequence[str] = (), *, intervals: bool, baseline: bool
) -> list[Gate]:
    """The gates that were typed; `more` are statistics that only this command has.

    Raises:
        UsageError: a condition that is none, or of a change or an interval that was not asked for.
    """
    if not texts:
        return []
    from losscli import gates
    from losscli.results import CI_COLUMNS, STATISTICS

    statistics = ["value", "n", *STATISTICS, "clipped", *more, *CI_COLUMNS, "baseline", "change"]
    found = [gates.parse(text, losses, statistics) for text in texts]
    for gate in found:
        if gate.statistic in ("baseline", "change") and not baseline:
            raise UsageError(f"--fail-if {gate.text!r}: needs --baseline FILE.json, an earlier result")
        if gate.statistic in CI_COLUMNS and not intervals:
            raise UsageError(f"--fail-if {gate.text!r}: there is no interval; --ci 0.95 asks for one")
    return found


def baseline_from(path: str | None) -> BaselineFile | None:
    """The earlier result, where one is named."""
    if path is None:
        return None
    from losscli import baseline

    return baseline.read(path)


def report_and_exit_status(
    evaluation: Evaluation,
    note: Notes,
    gates: Sequence[Gate] = (),
    more: Mapping[Any, Mapping[str, float | None]] | None = None,
) -> int:
    """Say what should be known, then the verdict of the gates.

    `more` maps the key of a result to statistics that it does not have itself.

    Returns:
        1 where a gate's condition is true, else 0.

    Raises:
        NoResultError: a number is not finite, and no gate failed.
    """
    from losscli.errors import NoResultError

    for text in result_notes(evaluation):
        note(text)
    if gates and _failed(evaluation, gates, more or {}, note):
        return FAILED
    bad = [f"{result.label}{_where(result)} is {result.value}" for result in evaluation if result.status != "ok"]
    if bad:
        raise NoResultError(f"{', '.join(bad)}: not a finite number; 'losscli compute ... --top 5' shows the rows")
    return 0


def _failed(
    evaluation: Evaluation, gates: Sequence[Gate], more: Mapping[Any, Mapping[str, float | None]], note: Notes
) -> bool:
    from losscli.gates import verdicts

    values = [(r.label, _where(r), _statistics(r) | dict(more.get(r.key, {}))) for r in evaluation]
    failures = verdicts(gates, values)
    for failure in failures:
        sys.stderr.write(f"losscli: failed: {failure}\n")
    if not failures:
        note(f"passed: {', '.join(gate.text for gate in gates)} {'is' if len(gates) == 1 else 'are'} not true")
    return bool(failures)


def _statistics(result: LossResult) -> dict[str, float | None]:
    return result.summary._asdict() | result.extra_columns


def _where(result: LossResult) -> str:
    return "".join(f" ({column} {value})" for column, value in result.group_columns.items())


def result_notes(evaluation: Evaluation) -> list[str]:
    """What should be known of the numbers."""
    info = evaluation.data
    lack = "lacks a value and was" if info.n_omitted == 1 else "lack a value and were"
    texts = [f"{info.n_omitted} of {info.n} rows {lack} left out"] if info.n_omitted else []
    for result in evaluation:
        name = f"{result.label}{_where(result)}"
        if result.summary.clipped:
            texts.append(f"{name}: in {result.summary.clipped} of {result.n} rows a probability was below eps and was "
                         "clipped: eps sets their loss, not the data")  # fmt: skip
        if not result.summary.exact:
            texts.append(f"{name}: median and p95 are ≈, right to 0.1 %")
    texts += _of_intervals(evaluation)
    small = sorted((r.n, " ".join(r.group.values())) for r in evaluation if r.group is not None and r.n < SMALL_GROUP)
    if small:
        count = len({name for _, name in small})
        groups = "1 group has" if count == 1 else f"{count} groups have"
        texts.append(f"{groups} fewer than {SMALL_GROUP} rows, the smallest, {small[0][1]!r}, "
            f"only {small[0][0]}: their numbers say little")  # fmt: skip
    return texts


def _of_intervals(evaluation: Evaluation) -> list[str]:
    """How the intervals were found, and where that was otherwise than was asked or there is none."""
    there = [(f"{result.label}{_where(result)}", result.ci) for result in evaluation if result.ci is not None]
    found: dict[tuple[Any, ...], list[str]] = {}
    for result in evaluation:
        if (ci := result.ci) is not None and ci.method is not None:
            found.setdefault((ci.level, ci.method, ci.resamples, ci.seed), []).append(result.label)
    texts = [
        f"{100 * level:g} % intervals{_of(labels) if len(found) > 1 else ''}: {method} bootstrap, "
        + (f"{resamples} resamples, seed {seed}" if resamples else "in closed form")
        for (level, method, resamples, seed), labels in found.items()
    ]
    names: dict[str, list[str]] = {}
    for name, ci in there:
        names.setdefault(ci.why, []).append(name)
    return texts + [f"{_first(several)}: {why}" for why, several in names.items() if why]


def _of(labels: Sequence[str]) -> str:
    return f" of {_first(list(dict.fromkeys(labels)))}"


def _first(names: Sequence[str], count: int = 3) -> str:
    more = [f"and {len(names) - count} more"] if len(names) > count else []
    return ", ".join([*names[:count], *more])
