"""Notes on intervals of losses that few rows carry: what is wrong with them, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from losscli.messages import Hint, Message, in_units
from losscli.result_base import fit_names
from losscli.results import LossResult

if TYPE_CHECKING:
    from losscli.gates import GateVerdict

LENGTH_OF_LABEL = 10
"""How short a label becomes in a note that is longer than two lines of a terminal."""


def tail_notes(results: Sequence[LossResult], hint: Hint = Hint.HEAVY_TAIL) -> Iterator[Message]:
    """Yield notes on the losses whose intervals few rows carry, one on all groups and models of a loss together."""
    by_label: dict[tuple[str, bool], list[LossResult]] = {}
    for result in results:
        by_label.setdefault((result.label, result.group is None), []).append(result)
    labels: dict[str, list[str]] = {}
    for (label, _), its in by_label.items():
        if warned := [result for result in its if result.ci is not None and result.ci.warning]:
            labels.setdefault(_few_rows(warned, its), []).append(label)
    for where, names in labels.items():
        verb = "rests" if len(names) == 1 else "rest"
        intervals = "the interval is" if len(names) == 1 and where.startswith("about") else "the intervals are"
        problem = f" {verb} on {where}: {intervals} too short, and ci_high too low"
        yield _after_labels(names, Message(problem, hint))


def _few_rows(warned: Sequence[LossResult], results: Sequence[LossResult]) -> str:
    """Return on how few rows a value rests, or in how many of its groups and models it does on few."""
    if len(results) == 1:
        n = warned[0].ci.effective_n if warned[0].ci is not None else None
        return in_units(f"about {n:.0f} of {warned[0].n} rows", warned[0].unit)
    kinds = [kind for kind, field in (("groups", "group"), ("models", "model")) if getattr(warned[0], field)]
    return f"few {in_units('rows', warned[0].unit)} in {len(warned)} of {len(results)} {' and '.join(kinds)}"


def _after_labels(labels: Sequence[str], note: Message) -> Message:
    """Return a note after the labels of the losses: two of them, or one and how many more."""
    shown = labels if len(labels) <= 2 else labels[:1]
    more = [f"{len(labels) - 1} more losses"] if len(labels) > 2 else []
    return fit_names(lambda names: note.after(" and ".join([*names, *more])), shown, LENGTH_OF_LABEL)


def optimistic_gates(verdicts: Sequence[GateVerdict]) -> Iterator[str]:
    """Yield what to know of gates that passed by intervals that are too short, once for each condition."""
    by_text: dict[str, list[GateVerdict]] = {}
    for verdict in verdicts:
        by_text.setdefault(verdict.gate.text, []).append(verdict)
    for text, its in by_text.items():
        if count := sum(bool(verdict.warning) for verdict in its):
            where = f" in {count} of {len(its)} groups or models" if len(its) > 1 else ""
            yield f"{text} passed{where} by an interval that is too short: few rows carry the value"
