"""What should be known of a comparison, and what to do next: the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from losscli.compare.models import Agreement, ModelRanking
from losscli.compare.outliers import Flags
from losscli.compare.result import ComparedLoss
from losscli.compare.sensitivity import OutlierContext
from losscli.statistics.bootstrap.options import FEW_ROWS_WARNING, MIN_ROWS_FOR_LEVEL

MOST = 6
"""Notes on groups and models beyond which the rest is only counted."""

NONE = "no row is an outlier"

NAMED = 5
"""How many rows a note names."""


def outlier_notes(losses: Sequence[ComparedLoss], n: int, flags: Flags, context: OutlierContext) -> Iterator[str]:
    """What outliers do to the losses on some rows."""
    if flags.rows is None:
        yield f"no outlier rows by {flags.rule}: {flags.why}; rank, inflation, pull and stress are left out"
    else:
        yield from _of_outliers(losses, int(flags.rows.sum()), n, flags.rule)
    yield from _of_few_rows(losses, n)
    if flags.rows is not None and not flags.rows.all():
        yield from _of_what_is_left_out(losses, context)


def _of_what_is_left_out(losses: Sequence[ComparedLoss], context: OutlierContext) -> Iterator[str]:
    """Which columns have no cell, and why."""
    for loss in losses:
        if loss.inflation is None:
            yield f"{loss.label} has no inflation: {_why_none(loss)}"
    there = [loss for loss in losses if loss.inflation is not None]
    if context.residual is not None and context.scale is None:
        why = "their MAD is 0" if context.residual.ndim == 1 else "there are several in a row"
        yield f"pull and stress are left out: the residuals have no robust scale ({why})"
    elif context.residual is None:
        yield "pull and stress are left out: they are of losses of y_pred - y_true"
    else:
        without = [loss.label for loss in there if loss.stress is None and loss.pull is not None]
        if without:
            yield f"stress of {listed(without)} is left out: 10 robust sd away is out of their domain"
    if sums := [loss.label for loss in there if loss.effective_n is None]:
        why = "rows have shares of a sum, not of a median or maximum"
        yield f"effective_n and top_share of {listed(sums)} are left out: {why}"
    if jsonable := [loss.label for loss in there if loss.skill is None]:
        yield f"skill of {listed(jsonable)} is left out: no constant prediction to compare with, or one without loss"


def _of_outliers(losses: Sequence[ComparedLoss], count: int, n: int, rule: str) -> Iterator[str]:
    if count == n:
        yield f"every row is an outlier by {rule}: rank, inflation, pull and stress are left out"
    elif count == 0:
        columns = [f"{key} {value}" for key, value in (("inflation is", 1), ("pull", 0))
                   if any(getattr(loss, key.split()[0]) is not None for loss in losses)]  # fmt: skip
        yield f"{NONE} by {rule}" + (f": {' and '.join(columns)}" if columns else "")
    else:
        share = f"{count} of {n} rows ({100 * count / n:.2g} %)"
        yield f"{share} are outliers by {rule}: see --show-outliers {min(count, 5)}"


def _of_few_rows(losses: Sequence[ComparedLoss], n: int) -> Iterator[str]:
    """Which number rests on few rows: the one that does most."""
    known = [loss for loss in losses if loss.effective_n is not None]
    worst = min(known, key=lambda loss: loss.effective_n, default=None)
    if worst is None or n < 20 or worst.effective_n >= 0.2 * n:
        return
    top = -(-n // 100)
    largest = "its largest row carries" if top == 1 else f"its {top} largest rows carry"
    yield f"{worst.label} rests on about {worst.effective_n:.0f} of {n} rows: {largest} {100 * worst.top_share:.0f} %"


def _why_none(loss: ComparedLoss) -> str:
    if loss.result.summary.min < 0:
        return "some of its values are below 0, of which ratios mean nothing"
    return "its value over the other rows is not a finite number above 0"


def merge_notes(notes: Sequence[Sequence[str]], where: Mapping[int, Mapping[str, str]]) -> Iterator[str]:
    """The notes of each case with the group and model they are of; what is said of all only once."""
    if not where:
        yield from notes[0]
        return
    everywhere = set(notes[0]).intersection(*notes[1:])
    yield from (text for text in notes[0] if text in everywhere)
    own = [f"{', '.join(where[i].values())}: {text}" for i, texts in enumerate(notes) for text in texts
           if text not in everywhere and not text.startswith(NONE)]  # fmt: skip
    yield from own[:MOST]
    if len(own) > MOST:
        yield f"{len(own) - MOST} more notes on groups and models are left out"


# ------------------------------------------------------------------------------------------------------- models


def model_notes(contests: Sequence[ModelRanking], agreements: Sequence[Agreement]) -> Iterator[str]:
    """Who wins under which losses, whether they agree, and on how few rows a win rests."""
    for one in agreements:
        there = [contest for contest in contests if contest.group == one.group]
        group = f"{', '.join(one.group.values())}: " if one.group else ""
        yield group + _of_winners(there, one)
        for contest in there:
            if contest.flip is not None and len(contest.winners) == 1:
                yield group + _of_flip(contest)
        if any(MIN_ROWS_FOR_LEVEL > contest.n > 1 for contest in there):
            yield f"{group}the intervals of the differences are of {there[0].n} rows: {FEW_ROWS_WARNING}"
        for why in dict.fromkeys(contest.why for contest in there if contest.why and contest.winners):
            labels = [contest.label for contest in there if contest.why == why]
            yield f"{group}{listed(labels)}: the winner is by the values alone, as there is no interval {why}"


def _of_winners(contests: Sequence[ModelRanking], agreement: Agreement) -> str:
    by_result: dict[str, list[str]] = {}
    for contest in contests:
        by_result.setdefault(_result(contest.winners), []).append(contest.label)
    results = "; ".join(f"{result} under {listed(labels)}" for result, labels in by_result.items())
    if agreement.kendall_w is None:
        return results
    return f"the losses {AGREE[agreement.same_winner]} (Kendall's W {agreement.kendall_w:.2g}): {results}"


AGREE = {True: "agree", False: "do not agree", None: "do not contradict each other, but there are ties"}


def _result(winners: Sequence[str]) -> str:
    if not winners:
        return "no winner, as a value is not finite,"
    return f"{winners[0]} wins" if len(winners) == 1 else f"{listed(winners)} tie"


def listed(names: Sequence[str]) -> str:
    """a, b and c"""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _of_flip(contest: ModelRanking) -> str:
    flip = contest.flip
    assert flip is not None
    kind = "row" if flip.ids is None else "id"
    shown = ", ".join(map(str, flip.names[:NAMED])) + (", ..." if flip.n > NAMED else "")
    rows = f"{kind} {shown}" if flip.n == 1 else f"{flip.n} rows ({kind}s {shown})"
    return f"{contest.label}: without {rows} {flip.to} would win"
