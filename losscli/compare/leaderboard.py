"""Several models under several losses: a row a model, a column a loss, sorted by the mean of the ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.compare.across_groups import GroupWins, rank_values
from losscli.compare.models import ModelRanking
from losscli.compare.order import SortOrder
from losscli.errors import UsageError
from losscli.result_base import Result, ResultSequence, short_text, shown
from losscli.result_names import distinct_names, group_columns
from losscli.results import DataInfo, finite_or_none, json_header

if TYPE_CHECKING:
    import pandas as pd

RANK_COLUMNS = {
    "mean_rank": "mean over the losses of the model's rank, 1 = the smallest value; ties share theirs",
    "overall_rank": "mean of that over the groups, each of the same weight",
}
"""Column -> what it says."""

ONE_MODEL = "has a row per model and a column per loss, but there is only one model: name the predictions of several"


def board_columns(labels: Sequence[str], group_by: Sequence[str]) -> list[str]:
    """Return the columns of a leaderboard: groups, the model, ranks, a loss each."""
    own = ["model", "n", *RANK_COLUMNS] if group_by else ["model", "mean_rank"]
    return [*distinct_names(group_by, "group", [*own, *labels]), *own, *distinct_names(labels, "loss", own)]


@dataclass(frozen=True, eq=False, repr=False)
class LeaderboardRow(Result):
    """A model in a group (None where there are no groups), of `n` rows.

    `values` and `ranks` are by loss. `best` are the losses under which its value is the smallest of all, `in_set` those
    under which it is in the model confidence set. `mean_rank` is over the losses, `overall_rank` over the groups, too.
    A loss that ranks nothing has no rank (None), and counts in neither.
    """

    model: str
    group: Mapping[str, str] | None
    n: int
    mean_rank: float | None
    overall_rank: float | None
    values: Mapping[str, float]
    ranks: Mapping[str, float | None]
    best: tuple[str, ...]
    in_set: tuple[str, ...]
    tested: tuple[str, ...] = field(default=(), repr=False)

    @property
    def label(self) -> str:
        """The model."""
        return self.model

    @property
    def group_columns(self) -> dict[str, str]:
        """The group and the model, as columns."""
        return group_columns(self.group or {}, self.model)

    def __repr__(self) -> str:
        return f"LeaderboardRow({short_text(self.model)}: mean_rank={_rank_text(self.mean_rank)})"

    @property
    def cells(self) -> dict[str, Any]:
        """Column -> cell: the group, the model, its ranks and values."""
        group = self.group or {}
        numbers = [self.mean_rank] if self.group is None else [self.n, self.mean_rank, self.overall_rank]
        cells = [*group.values(), self.model, *numbers, *self.values.values()]
        return dict(zip(board_columns(tuple(self.values), tuple(group)), cells, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON has it; `in_set` is None where there is no interval, `best` where it ranks nothing."""
        losses = {
            label: {
                "value": finite_or_none(value),
                "rank": self.ranks[label],
                "best": None if self.ranks[label] is None else label in self.best,
                "in_set": (label in self.in_set) if label in self.tested else None,
            }
            for label, value in self.values.items()
        }
        group = {} if self.group is None else {"group": dict(self.group)}
        overall = {} if self.group is None else {"overall_rank": self.overall_rank}
        return {**group, "model": self.model, "n": self.n, "mean_rank": self.mean_rank, **overall, "losses": losses}


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard(ResultSequence[LeaderboardRow]):
    """The models of a comparison, sorted by mean rank in each group; a sequence of rows, which a model indexes, too.

    `wins` say in how many groups each model is the best, and test its ranks; `notes` what to do next.
    """

    _field_of_items = "rows"
    rows: tuple[LeaderboardRow, ...]
    wins: tuple[GroupWins, ...]
    data: DataInfo
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        first = [f"{' '.join(row.group_columns.values())}={_rank_text(row.mean_rank)}" for row in self.rows]
        return f"Leaderboard({shown(first)}; n={self.data.n_used})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        wins = {"wins": [found.to_dict() for found in self.wins]} if self.wins else {}
        return json_header(self.data) | {"leaderboard": [row.to_dict() for row in self.rows]} | wins

    def to_frame(self) -> pd.DataFrame:
        """Return a row per model, or per group and model: groups, ranks, and the value under each loss."""
        import pandas as pd

        rows = [{key: cell for key, cell in row.cells.items() if key != "model"} for row in self.rows]
        return pd.DataFrame(rows, index=pd.Index([row.model for row in self.rows], name="model"))


def make_leaderboard(
    rankings: Sequence[ModelRanking],
    models: Sequence[str],
    wins: tuple[GroupWins, ...],
    data: DataInfo,
    notes: tuple[str, ...] = (),
    order: SortOrder | None = None,
) -> Leaderboard:
    """Return the leaderboard of rankings, which are a group after the other and in each a loss after the other.

    The rows are sorted by group and mean rank unless another order is asked for.

    Raises:
        UsageError: There is one model only.
    """
    if not rankings:
        raise UsageError(f"a leaderboard {ONE_MODEL}")
    n_losses = len({ranking.label for ranking in rankings})
    rows: list[LeaderboardRow] = []
    for start in range(0, len(rankings), n_losses):
        rows += _rows_of_group(rankings[start : start + n_losses], models)
    if rows[0].group is not None:
        overall = {model: _mean(row.mean_rank for row in rows if row.model == model) for model in models}
        rows = [replace(row, overall_rank=overall[row.model]) for row in rows]
    if order is not None:
        rows = order.sort(rows, lambda row: row.cells[order.name])
    return Leaderboard(tuple(rows), wins, data, notes)


def _rank_text(rank: float | None) -> str:
    return "none" if rank is None else f"{rank:.4g}"


def _mean(ranks: Iterable[float | None]) -> float | None:
    """Return the mean of the ranks that there are; None if there are none."""
    known = [rank for rank in ranks if rank is not None]
    return fmean(known) if known else None


def _rows_of_group(rankings: Sequence[ModelRanking], models: Sequence[str]) -> Iterator[LeaderboardRow]:
    """Yield the rows of models under the losses of a group, by mean rank."""
    ranks: dict[str, list[float | None]] = {
        each.label: [None] * len(models)
        if each.no_ranking
        else [*map(float, rank_values(np.array([each.values[model] for model in models])))]
        for each in rankings
    }
    tested = tuple(ranking.label for ranking in rankings if ranking.confidence_set)
    mean_ranks = [_mean(each[i] for each in ranks.values()) for i in range(len(models))]
    for i in sorted(range(len(models)), key=lambda i: mean_ranks[i] or 0.0):
        model = models[i]
        yield LeaderboardRow(
            model,
            rankings[0].group,
            rankings[0].n,
            mean_ranks[i],
            None,
            {ranking.label: ranking.values[model] for ranking in rankings},
            {label: each[i] for label, each in ranks.items()},
            tuple(r.label for r in rankings if not r.no_ranking and r.values[model] == min(r.values.values())),
            tuple(r.label for r in rankings if model in r.confidence_set),
            tested,
        )
