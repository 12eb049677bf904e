"""The decomposition of the losses that are consistent for a functional, as `compare` makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

from losscli.compare.decomposition import Decomposer, RowsOfModel, ScoreParts, find_consistent, refusal_notes
from losscli.compare.subset import RowSubset
from losscli.data.batch import Batch, groups_of
from losscli.data.gather import concat_batches
from losscli.errors import LosscliError
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.run import RunState
from losscli.messages import Message
from losscli.page.findings import Findings
from losscli.result_names import ResultKey, group_columns, result_name

PART_WORDS = {"mcb": "miscalibration", "dsc": "discrimination", "unc": "uncertainty"}
"""The parts as the page words them."""


class AllRows:
    """Keeps all rows, of which a decomposition of the whole is made: sums in buckets would be right to 0.1 %."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []

    def fresh_copy(self) -> AllRows:
        return AllRows()

    def update(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self._batches.append(replace(batch))  # without what its checks made of it

    def merge(self, other: Self) -> None:
        self._batches += other._batches

    def batch(self) -> Batch:
        """Return the rows so far, of which there was at least one."""
        self._batches = [concat_batches(self._batches)]
        return self._batches[0]


def sample_decompositions(findings: Findings) -> Mapping[str, Mapping[str, float | None]]:
    """Return loss (and model) -> its parts, on all rows if they are here, else on the sample of them."""
    found: dict[str, Mapping[str, float | None]] = {}
    run, sample = findings.run, findings.sample
    if sample is None or run.reduction != "mean":
        return found
    for each in findings.observed:
        batch = sample.batch if each.model is None else sample.batch.predicted_by(each.model)
        if "y_true" not in batch.arrays or "y_pred" not in batch.arrays:
            continue
        try:
            losses, _ = find_consistent(run, findings.dataset, batch.arrays["y_pred"].shape)
        except LosscliError:  # none is consistent for a functional of one number per row
            continue
        rows = RowsOfModel(RowSubset(batch, run), [None] * len(losses), "")
        for loss, parts in zip(
            losses,
            Decomposer(losses, run, findings.options.resampling).decompose([rows], with_bias=False)[0],
            strict=True,
        ):
            if loss is not None and parts.mcb is not None:
                name = loss.label if each.model is None else f"{loss.label} ({each.model})"
                found[name] = {word: getattr(parts, part) for part, word in PART_WORDS.items()}
    return found


def whole_decompositions(findings: Findings, rows: AllRows) -> tuple[dict[ResultKey, ScoreParts], list[Message]]:
    """Return the parts of each loss by model and group, on all rows, with the biases; and notes on them."""
    run, dataset, batch = findings.run, findings.dataset, rows.batch()
    losses, reasons = find_consistent(run, dataset, batch.arrays["y_pred"].shape)
    models = dataset.models or (None,)
    decomposer = Decomposer(losses, run, findings.options.resampling)
    found: dict[ResultKey, ScoreParts] = {}
    for group, of_group in _rows_of_groups(batch, run):
        named, names = [], []
        for model in models:
            predicted = of_group if model is None else of_group.predicted_by(model)
            columns = group_columns(group, model)
            keys = [(evaluator.label, tuple(columns.items())) for evaluator in run.evaluators]
            values = [findings.results[key].value if key in findings.results else None for key in keys]
            named.append(RowsOfModel(RowSubset(predicted, run), values, ", ".join(columns.values()), model is not None))
            names.append(keys)
        for keys, parts in zip(names, decomposer.decompose(named), strict=True):
            found |= dict(zip(keys, parts, strict=True))
    return found, [*decomposer.notes, *refusal_notes(reasons)]


def _rows_of_groups(batch: Batch, run: RunState) -> list[tuple[dict[str, str], Batch]]:
    """Return all rows, and those of each group that has rows which count."""
    found: list[tuple[dict[str, str], Batch]] = [({}, batch)]
    for key, rows in groups_of(batch, run.group_by) if run.group_by else ():
        left_out = batch.left_out
        if (rows if left_out is None else rows & ~left_out).any():
            found.append((dict(zip(run.group_by, key, strict=True)), batch.take(rows)))
    return found


def decomposition_lines(parts: Mapping[ResultKey, ScoreParts]) -> Mapping[str, Mapping[str, float | None]]:
    """Return the name of each result -> its parts and its bias, of those that have any."""
    return {
        result_name(key): {PART_WORDS.get(name, name): cell for name, cell in its.cells.items()}
        for key, its in parts.items()
        if its.mcb is not None
    }
