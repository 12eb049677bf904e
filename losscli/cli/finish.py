"""The end of a command: notes on the results, the verdicts of the gates, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from losscli.cli.options import NoteWriter
from losscli.errors import NoResultError, UsageError
from losscli.messages import Hint, escape_controls, in_units, word
from losscli.result_base import short_text
from losscli.shell import option

if TYPE_CHECKING:
    from losscli.cli.output import Output
    from losscli.cli.summary import SummaryFile
    from losscli.compare.result import ComparedLoss
    from losscli.declaration.loss import BoundLoss
    from losscli.gates import Gate, GateVerdict
    from losscli.page.content import WorstTable
    from losscli.report.tables import Report
    from losscli.results import Evaluation, LossResult
    from losscli.statistics.bootstrap.options import ConfidenceInterval

MIN_ROWS_PER_GROUP = 30
"""Groups of fewer rows get a note."""

LENGTH_OF_RESULT = 30
"""Characters of the name of a result in a note, which is to fit two lines."""

STATUS_GATE_FAILED = 1


def parse_gates(values: Mapping[str, Any], losses: Sequence[BoundLoss], more: Sequence[str] = ()) -> list[Gate]:
    """Return the gates typed; `more` are statistics that only this command has.

    Raises:
        UsageError: A condition is not understood, or is on a change or an interval that is not computed.
    """
    from losscli import gates
    from losscli.cli.mistaken_options import refuse_unquoted
    from losscli.results import CI_COLUMNS, STATISTICS

    statistics = ["value", "n", *STATISTICS, "clipped", *more, *CI_COLUMNS, "baseline", "change"]
    for text in values["gates"]:
        refuse_unquoted(text)
    found = [gates.parse_gate(text, losses, statistics) for text in values["gates"]]
    for gate in found:
        if gate.statistic in ("baseline", "change") and values["baseline"] is None:
            raise UsageError(f"--fail-if {gate.text!r}: needs --baseline FILE.json, an earlier result")
        if gate.statistic in CI_COLUMNS and values["ci"] is None:
            raise UsageError(f"--fail-if {gate.text!r}: there is no interval; --ci 0.95 asks for one")
        if gate.statistic in more and not values.get("decompose"):
            from losscli.compare.decomposition import PART_COLUMNS

            if gate.statistic in PART_COLUMNS:
                raise UsageError(f"--fail-if {gate.text!r}: nothing is decomposed; --decompose asks for it")
    return found


def judge_gates(
    evaluation: Evaluation, gates: Sequence[Gate], more: Mapping[Any, Mapping[str, float | None]] | None = None
) -> list[GateVerdict]:
    """Judge the gates; `more` maps the key of a result to statistics that the result does not hold."""
    if not gates:
        return []
    from losscli.gates import judge

    extra = more or {}
    values = [(r.key, r.summary._asdict() | r.extra_columns | dict(extra.get(r.key, {}))) for r in evaluation]
    lacking = dict.fromkeys(evaluation.only_in_baseline, "is in the baseline only")
    lacking |= dict.fromkeys(evaluation.without_rows, "has no row that counts and cannot be judged")
    tails = {result.key: result.ci.warning for result in evaluation if result.ci is not None}
    return [
        verdict._replace(warning=tails.get((verdict.gate.label, verdict.group), ""))
        if verdict.gate.statistic == "ci_high" and not verdict.failed
        else verdict
        for verdict in judge(gates, values, lacking)
    ]


def with_verdicts(report: Report, judge: Callable[[], Sequence[GateVerdict]]) -> Report:
    """Return a report whose JSON document has the verdicts of the gates; `judge` is called when it is written."""
    document = report.document
    return report._replace(document=lambda: {**document(), "gates": [verdict.to_dict() for verdict in judge()]})


@contextmanager
def appended(
    summary: SummaryFile | None,
    evaluation: Evaluation,
    verdicts: Sequence[GateVerdict],
    compared: Sequence[ComparedLoss] = (),
    notes: Sequence[str] = (),
    worst: WorstTable | None = None,
) -> Iterator[None]:
    """Append the summary, if one was asked for, after all else was written; also of values that are not finite.

    `worst` are the worst rows of a run that the summary did not observe.

    Raises:
        OutputError: It cannot be written.
    """
    failure: NoResultError | None = None
    try:
        yield
    except NoResultError as error:
        failure = error
    if summary is not None:
        texts = [word(note, option) for note in (*notes, *result_notes(evaluation))]
        summary.append(evaluation, verdicts, compared, texts, worst)
    if failure is not None:
        raise failure


def write_and_finish(
    report: Report,
    evaluation: Evaluation,
    output: Output,
    note: NoteWriter,
    verdicts: Sequence[GateVerdict],
    baseline: str | None,
    notes: Sequence[str] = (),
) -> int:
    """Write the report, then notes and verdicts, and return the exit status.

    An output that is the baseline file is written last, and only if the status is 0: a result that a gate refuses must
    not be the measure of the next.

    Raises:
        NoResultError: A value is not finite, and no gate failed.
    """
    if verdicts:
        report = with_verdicts(report, lambda: verdicts)
    if output.is_badge:
        from losscli.page.badge import badge_of, badge_svg

        with output.open() as write:
            write(badge_svg(badge_of(verdicts, evaluation.losses)))
        return finish(evaluation, note, verdicts, notes)
    if not output.replaces(baseline):
        output.emit(report)
        return finish(evaluation, note, verdicts, notes)
    status: int | None = None
    try:
        status = finish(evaluation, note, verdicts, notes)
    finally:
        if status != 0:
            note(f"{output.path}: the baseline is kept, and this result is not written")
    if status == 0:
        output.emit(report)
    return status


def finish(
    evaluation: Evaluation,
    note: NoteWriter,
    verdicts: Sequence[GateVerdict] = (),
    notes: Sequence[str] = (),
    shown: Sequence[str] = (),
) -> int:
    """Write `notes`, those on the results and the verdicts, and return the exit status.

    `shown` are texts that the reader has seen in a picture: notes that say the same are left out.

    Raises:
        NoResultError: A value is not finite, and no gate failed.
    """
    note.release()
    for text in (*notes, *result_notes(evaluation)):
        if getattr(text, "problem", text) not in shown:
            note(text)
    if verdicts and is_gate_failed(verdicts, note):
        return STATUS_GATE_FAILED
    bad = [one for one in evaluation.losses if one.summary.status != "ok"]
    if bad:
        raise NoResultError(explain_not_finite(bad))
    return 0


def explain_not_finite(results: Sequence[LossResult]) -> str:
    """Say which values are not finite, and why, or how to find out."""
    texts = [f"{one.full_name} is {one.value}: {one.nan_reason}" for one in results if one.nan_reason]
    others = [one for one in results if not one.nan_reason]
    if of_all := [f"{one.full_name} is {one.value}" for one in others if not one.summary.has_samples]:
        texts.append(f"{', '.join(of_all)}: not a finite number")
    if of_rows := [f"{one.full_name} is {one.value}" for one in others if one.summary.has_samples]:
        texts.append(f"{', '.join(of_rows)}: not a finite number; 'losscli compute ... --top 5' shows the rows")
    return "; ".join(texts)


def is_gate_failed(verdicts: Sequence[GateVerdict], note: NoteWriter) -> bool:
    """Write the verdicts and return whether a gate failed."""
    from losscli.gates import failures
    from losscli.tail_notes import optimistic_gates

    failed = failures(verdicts)
    for failure in failed:
        sys.stderr.write(f"losscli: failed: {escape_controls(failure)}\n")
    if not failed:
        texts = list(dict.fromkeys(verdict.gate.text for verdict in verdicts))
        note(f"passed: {', '.join(texts)} {'is' if len(texts) == 1 else 'are'} not true")
    for text in optimistic_gates(verdicts):
        note(text)
    return bool(failed)


def result_notes(evaluation: Evaluation) -> Iterator[str]:
    """Yield warnings about the results."""
    info = evaluation.data
    if info.n_omitted:
        lack = "lacks a value and was" if info.n_omitted == 1 else "lack a value and were"
        yield f"{info.n_omitted} of {info.n} rows {lack} left out"
    for result in evaluation.losses:
        name = short_text(result.full_name, LENGTH_OF_RESULT)
        if result.summary.clipped:
            yield (
                f"{name}: in {result.summary.clipped} of {result.n} rows a probability was below eps "
                "and was clipped: eps sets their loss, not the data"
            )
        if not result.summary.exact:
            yield f"{name}: median and p95 are ≈, right to 0.1 %"
    if any(result.ci is not None for result in evaluation.losses):
        yield from interval_notes(evaluation)
    small = sorted(
        (r.n, " ".join(r.group.values())) for r in evaluation.losses if r.group is not None and r.n < MIN_ROWS_PER_GROUP
    )
    if small:
        count = len({name for _, name in small})
        groups = "1 group has" if count == 1 else f"{count} groups have"
        samples = in_units("rows", evaluation.losses[0].unit)
        smallest = f"the smallest, {small[0][1]!r}, has {small[0][0]}"
        yield f"{groups} fewer than {MIN_ROWS_PER_GROUP} {samples} ({smallest}): their numbers say little"


def interval_notes(evaluation: Evaluation) -> Iterator[str]:
    """Yield how the intervals were computed, and why some are missing."""
    from losscli.tail_notes import tail_notes

    methods: dict[tuple[Any, ...], list[tuple[str, ConfidenceInterval]]] = {}
    reasons: dict[str, list[str]] = {}
    for result in evaluation:
        if (ci := result.ci) is None:
            continue
        if ci.method is not None:
            methods.setdefault((ci.level, ci.method, ci.resamples, ci.seed), []).append((result.label, ci))
        if ci.why:
            reasons.setdefault(ci.why, []).append(result.full_name)
    if methods:
        from losscli.statistics.bootstrap.options import resampled_text
    for (level, method, resamples, seed), found in methods.items():
        losses = f" of {first_names(list(dict.fromkeys(label for label, _ in found)))}" if len(methods) > 1 else ""
        how = f"{resamples} resamples, seed {seed}" if resamples else "in closed form"
        drawn = resampled_text([ci for _, ci in found], evaluation.losses[0].unit)
        yield f"{100 * level:g} % intervals{losses}: {method} bootstrap{drawn}, {how}"
    for reason, names in reasons.items():
        yield f"{first_names(names)}: {reason}"
    has_top = any(parameter.name == "top" for parameter in click.get_current_context().command.params)
    yield from tail_notes(evaluation.losses, Hint.HEAVY_TAIL_ROWS if has_top else Hint.HEAVY_TAIL)


def first_names(names: Sequence[str], count: int = 3) -> str:
    """Join the first names, shortened where they are long, and count the others."""
    more = [f"and {len(names) - count} more"] if len(names) > count else []
    return ", ".join([*(short_text(name, LENGTH_OF_RESULT) for name in names[:count]), *more])
