"""Leaderboards as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losscli.compare.leaderboard import RANK_COLUMNS, Leaderboard
from losscli.report.tables import CellKind, Marked, Report, ReportColumn, to_blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


MARKS = {"*": "the smallest value under its loss", "~": "in the confidence set: not told apart from the smallest value"}
"""Sign -> what it says."""


def leaderboard(board: Leaderboard, document: Callable[[], Any] | None = None) -> Report:
    """Report one row per model: in each group where there are groups, by mean rank."""
    first = board.rows[0]
    labels = tuple(first.values)
    names = tuple(first.cells)
    kinds = dict.fromkeys(names[: len(first.group_columns)], CellKind.NAME) | {"n": CellKind.COUNT}
    rows, has_ties = [], False
    for row in board:
        cells = list(row.cells.values())[: -len(labels)]
        for label, value in row.values.items():
            is_best = label in row.best
            is_tied = label in row.in_set and not is_best
            has_ties = has_ties or is_tied
            cells.append(Marked(value, is_best) if is_best or is_tied else value)
        rows.append(cells)
    legend = [f"{key}: {text}" for key, text in RANK_COLUMNS.items() if key in names]
    legend += [f"{sign}: {text}" for sign, text in MARKS.items() if sign == "*" or has_ties]
    return Report(
        tuple(ReportColumn(name, kinds.get(name, CellKind.NUMBER)) for name in names),
        to_blocks(rows),
        document or board.to_dict,
        names[-len(labels) :],
        records=lambda: [row.to_dict() for row in board],
        legend=tuple(legend),
        title=f"Models by mean rank over {board.data.n_used} rows",
    )
