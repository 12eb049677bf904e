"""Why models differ, group by group: the parts of their values, and what losses that disagree aim at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from losscli.compare.agreement import Agreement
from losscli.compare.decomposition import Decomposer, RowsOfModel, ScoreParts, find_consistent, refusal_notes
from losscli.compare.dominance import MAX_GROUPS_TOLD, compare_preferred, preference_notes, preferences
from losscli.compare.model_groups import ModelGroup, models_by_group
from losscli.compare.models import ModelRanking
from losscli.evaluation.run import RunState
from losscli.messages import Message
from losscli.result_names import ResultKey
from losscli.statistics.bootstrap.options import Resampling

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset


def explain_preferences(
    model_groups: Sequence[ModelGroup], run: RunState, rankings: Sequence[ModelRanking], agreements: list[Agreement]
) -> list[Message]:
    """Add to the agreement of each group which models dominate others, and return notes on losses that disagree."""
    notes: list[Message] = []
    n_losses, n_told = len(run.evaluators), 0
    for i, (models, agreement) in enumerate(zip(models_by_group(model_groups), agreements, strict=True)):
        preferred = preferences(rankings[i * n_losses : (i + 1) * n_losses], run.evaluators)
        dominance = compare_preferred(preferred, {model: each.subset for model, each in models.items()})
        agreements[i] = replace(agreement, dominance=dominance)
        own = list(preference_notes(agreement.group, preferred, dominance))
        n_told += bool(own)
        notes += own if n_told <= MAX_GROUPS_TOLD else []
    if n_told > MAX_GROUPS_TOLD:
        notes.append(Message(f"in {n_told - MAX_GROUPS_TOLD} more groups losses prefer different models"))
    return notes


def decompose_groups(
    dataset: Dataset, run: RunState, model_groups: Sequence[ModelGroup], resampling: Resampling
) -> tuple[dict[ResultKey, ScoreParts], list[Message]]:
    """Return the parts of each value, and notes on them; `resampling` is for the intervals of biases."""
    y_pred = model_groups[0].subset.batch.arrays.get("y_pred")
    consistent, reasons = find_consistent(run, dataset, None if y_pred is None else y_pred.shape)
    decomposer = Decomposer(consistent, run, resampling)
    found: dict[ResultKey, ScoreParts] = {}
    for models in models_by_group(model_groups):
        rows = []
        for each in models.values():
            name = ", ".join(each.results[0].group_columns.values())
            rows.append(RowsOfModel(each.subset, [one.value for one in each.results], name, each.model is not None))
        for each, parts in zip(models.values(), decomposer.decompose(rows), strict=True):
            found |= {result.key: of_loss for result, of_loss in zip(each.results, parts, strict=True)}
    return found, [*decomposer.notes, *refusal_notes(reasons)]
