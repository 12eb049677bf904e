"""Whether losses agree on which of several models is best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.compare.models import ModelRanking
from losscli.compare.outliers import average_ranks
from losscli.declaration.domains import Array
from losscli.results import finite_or_none

if TYPE_CHECKING:
    from losscli.compare.dominance import ModelDominance


@dataclass(frozen=True)
class Agreement:
    """Whether the losses agree on the models: Kendall's W, from 0 to 1, and whether all have the same best model.

    `same_winner` is False where no model may be the best under two losses, None where the data leave it open.
    `dominance` compares the models that losses disagree on.
    """

    group: Mapping[str, str] | None
    kendall_w: float | None
    same_winner: bool | None
    dominance: tuple[ModelDominance, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the agreement as JSON has it."""
        group = {} if self.group is None else {"group": dict(self.group)}
        dominance = [each.to_dict() for each in self.dominance]
        w = finite_or_none(self.kendall_w)
        return {**group, "kendall_w": w, "same_winner": self.same_winner, "dominance": dominance}


def measure_agreement(rankings: Sequence[ModelRanking]) -> Agreement:
    """Return whether the losses agree that rank the same models."""
    ordered = [each for each in rankings if not each.no_ranking and all(map(math.isfinite, each.values.values()))]
    if len(ordered) < 2:
        return Agreement(rankings[0].group, None, None)
    table = np.array([[ranking.values[model] for model in rankings[0].values] for ranking in ordered])
    sets = [set(ranking.confidence_set) for ranking in ordered if ranking.confidence_set]
    same_winner = True if len(sets) == len(ordered) and all(len(models) == 1 for models in sets) else None
    if any(a.isdisjoint(b) for a, b in combinations(sets, 2)):
        same_winner = False
    return Agreement(rankings[0].group, kendall_w(table), same_winner)


def kendall_w(table: Array) -> float | None:
    """Return Kendall's (1939) coefficient of concordance of judges (rows) over items (columns); None if all items tie.

    Corrected for ties: W = 12 S / (m² (k³ - k) - m sum T), with m judges, k items, T = t³ - t for t tied items.
    """
    judges, items = table.shape
    sums = np.stack([average_ranks(row) for row in table]).sum(axis=0)
    spread = float(((sums - sums.mean()) ** 2).sum())
    tied = [np.unique(row, return_counts=True)[1] for row in table]
    ties = sum(float((counts**3 - counts).sum()) for counts in tied)
    most = judges**2 * (items**3 - items) - judges * ties
    return 12 * spread / most if most else None
