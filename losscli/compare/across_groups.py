"""What groups say of models together: in how many each is the best, and whether their ranks differ by more than chance.

Groups are the independent blocks of Demšar (2006, Statistical comparisons of classifiers over multiple data sets):
Friedman's test by ranks as Iman & Davenport (1980) corrected it, and the critical difference of Nemenyi.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from losscli.compare.agreement import kendall_w
from losscli.compare.models import ModelRanking
from losscli.compare.outliers import average_ranks
from losscli.declaration.domains import Array
from losscli.messages import Hint, Message
from losscli.result_base import Result, short_text
from losscli.results import finite_or_none
from losscli.statistics.distributions import f_tail, studentized_range_quantile

MIN_BLOCKS = 5
"""Groups below which ranks say little: three models in four groups have the same order in all by chance too often."""

MAX_LOSSES_NOTED = 2
"""Losses of which notes tell how groups rank the models; JSON has all."""

MODELS_NAMED = 3
"""Models that a note names."""


@dataclass(frozen=True, eq=False)
class RankTest(Result):
    """Mean ranks of models over groups under a loss, the best first, and whether they differ by more than chance.

    `mean_ranks` differ at the level if they are `critical_difference` apart (Nemenyi). `kendall_w` is 1 if all groups
    rank the models alike; `f` is Friedman's statistic as Iman & Davenport corrected it, infinite if W is 1, and `p` its
    tail, or exactly how likely W of 1 is by chance. These three are None where all models tie in every group.
    """

    n_groups: int
    mean_ranks: Mapping[str, float]
    level: float
    critical_difference: float
    kendall_w: float | None
    f: float | None
    p: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the test as JSON has it; an infinite `f` is None."""
        return {
            "groups": self.n_groups,
            "mean_ranks": dict(self.mean_ranks),
            "level": self.level,
            "critical_difference": self.critical_difference,
            "kendall_w": finite_or_none(self.kendall_w),
            "f": finite_or_none(self.f),
            "p": finite_or_none(self.p),
        }


@dataclass(frozen=True, eq=False)
class GroupWins(Result):
    """In how many groups each model does best under a loss; a model that does so in none is left out.

    `best` counts the groups in which a model is alone in the confidence set, `undecided` those in which several are,
    `untested` those without an interval. `smallest` counts the smallest values, whatever chance says of them: groups
    where several models have it, or where a value is not a number, count for none. `ranks` tests the ranks of all
    groups where a number is there for each model, and is None for fewer than MIN_BLOCKS of them.
    """

    loss: str
    n_groups: int
    best: Mapping[str, int]
    undecided: int
    untested: int
    smallest: Mapping[str, int]
    ranks: RankTest | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON has them."""
        return {
            "loss": self.loss,
            "groups": self.n_groups,
            "best": dict(self.best),
            "undecided": self.undecided,
            "untested": self.untested,
            "smallest": dict(self.smallest),
            "ranks": None if self.ranks is None else self.ranks.to_dict(),
        }


def rank_values(values: Array) -> Array:
    """Return the ranks (k,) of values, 1 for the smallest; ties share the mean of theirs, and NaN is the largest."""
    return average_ranks(np.where(np.isnan(values), np.inf, values))


def count_wins(rankings: Sequence[ModelRanking], models: Sequence[str], level: float) -> tuple[GroupWins, ...]:
    """Return what the groups of rankings say of models, a loss that ranks them after the other.

    Nothing where there are no groups.
    """
    found = []
    rankings = [ranking for ranking in rankings if ranking.group is not None and not ranking.no_ranking]
    for label in dict.fromkeys(ranking.label for ranking in rankings):
        of_loss = [ranking for ranking in rankings if ranking.label == label]
        sets = [ranking.confidence_set for ranking in of_loss]
        alone = Counter(models_in[0] for models_in in sets if len(models_in) == 1)
        undecided = sum(len(models_in) > 1 for models_in in sets)
        n = len(of_loss)
        smallest = Counter(model for ranking in of_loss for model in best_by_value(ranking))
        best, first = ({model: each[model] for model in models if each[model]} for each in (alone, smallest))
        untested = n - undecided - alone.total()
        found.append(GroupWins(label, n, best, undecided, untested, first, rank_in_groups(of_loss, models, level)))
    return tuple(found)


def best_by_value(ranking: ModelRanking) -> list[str]:
    """Return the model whose value is the smallest; none if several have it, or if a value is not a number."""
    values = ranking.values
    least = min(values.values())
    models = [model for model, value in values.items() if value == least]
    return models if len(models) == 1 and not any(map(math.isnan, values.values())) else []


def rank_in_groups(rankings: Sequence[ModelRanking], models: Sequence[str], level: float) -> RankTest | None:
    """Test the ranks of models under one loss over groups; None for too few groups whose values are numbers."""
    values = np.array([[ranking.values[model] for model in models] for ranking in rankings])
    values = values[~np.isnan(values).any(axis=1)]
    n, k = values.shape
    if n < MIN_BLOCKS or k < 2:
        return None
    means = np.stack([rank_values(row) for row in values]).mean(axis=0)
    w = kendall_w(values)
    f = None if w is None else math.inf if w >= 1 else (n - 1) * w / (1 - w)
    p = None if f is None else _p_of_agreement(values) if f == math.inf else f_tail(f, k - 1, (k - 1) * (n - 1))
    apart = studentized_range_quantile(level, k) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    ordered = {models[i]: float(means[i]) for i in np.argsort(means, kind="stable")}
    return RankTest(n, ordered, level, apart, w, f, p)


def _p_of_agreement(values: Array) -> float:
    """Return how often chance alone makes all groups (n, k) rank alike: all but the first would have to follow it."""
    n, k = values.shape
    alike = [math.factorial(count) for count in np.unique(values[0], return_counts=True)[1].tolist()]
    return float((math.prod(alike) / math.factorial(k)) ** (n - 1))


def notes_on_groups(wins: Sequence[GroupWins]) -> Iterator[Message]:
    """Yield in how many groups models are the best, and how far apart their mean ranks must be."""
    for found in wins[:MAX_LOSSES_NOTED]:
        yield Message(f"{found.loss}: {_describe_wins(found)}")
        if found.ranks is not None:
            yield Message(f"{found.loss}: {_describe_ranks(found.ranks)}")
    if len(wins) > MAX_LOSSES_NOTED:
        more = len(wins) - MAX_LOSSES_NOTED
        yield Message(f"JSON has the same of the other {f'{more} losses' if more > 1 else 'loss'} (wins)")


def notes_without_blocks(wins: Sequence[GroupWins]) -> Iterator[Message]:
    """Yield why the mean ranks of a leaderboard have no critical difference, where they have none."""
    if not wins:
        problem = "mean_rank has no critical difference: losses on the same rows are not independent blocks"
        yield Message(problem, Hint.GROUPS_AS_BLOCKS)
    elif wins[0].n_groups < MIN_BLOCKS:
        yield Message(f"mean ranks over fewer than {MIN_BLOCKS} groups have no critical difference: they say little")


def _describe_wins(found: GroupWins) -> str:
    counts, does = (
        (found.best, "is best") if found.untested < found.n_groups else (found.smallest, "has the best value")
    )
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    parts = [f"{short_text(model)} {f'{does} ' if not i else ''}in {count}" for i, (model, count) in enumerate(ordered)]
    more = [f"{len(parts) - MODELS_NAMED} more in {sum(count for _, count in ordered[MODELS_NAMED:])}"]
    parts = parts[:MODELS_NAMED] + (more if len(parts) > MODELS_NAMED else [])
    if parts:
        parts[0] += f" of {found.n_groups} groups"
    else:
        parts = [f"no model {does} in any of {found.n_groups} groups"]
    if found.untested == found.n_groups:
        return ", ".join([*parts, "by the values alone"])
    parts += [f"undecided in {found.undecided}"] if found.undecided else []
    return ", ".join([*parts, *([f"no interval in {found.untested}"] if found.untested else [])])


def _describe_ranks(test: RankTest) -> str:
    named = [f"{short_text(model)} {rank:.1f}" for model, rank in list(test.mean_ranks.items())[:MODELS_NAMED]]
    more = [f"... ({len(test.mean_ranks)} models)"] if len(test.mean_ranks) > MODELS_NAMED else []
    means = f"mean ranks over {test.n_groups} groups: {', '.join([*named, *more])}"
    chance = f"they differ by more than chance if {test.critical_difference:.2g} apart"
    return f"{means}; {chance} (Nemenyi, {100 * test.level:g} %)"
