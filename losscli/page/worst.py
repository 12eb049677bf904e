"""The table of the worst rows, under the loss that the fewest rows carry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from losscli.data.dataset import Dataset
from losscli.evaluation.evaluator import Evaluator
from losscli.page.content import WorstLine, WorstTable
from losscli.page.findings import Findings
from losscli.page.verdict import LossFacts
from losscli.report.samples import name_labels


def worst_table(findings: Findings, facts: Sequence[LossFacts]) -> WorstTable | None:
    """Return the worst rows under the loss that is not finite, or that the fewest rows carry; None without rows."""
    for i in sorted(range(len(facts)), key=lambda i: concentration_order(facts[i])):
        each = findings.best(facts[i].label)
        contributions, columns = each.worst.of_loss(i)
        if contributions.size:
            break
    else:
        return None
    cells = cells_of(findings.dataset, findings.run.evaluators[i], columns, i)
    total = each.moments.moments[i].sum.value
    has_shares = facts[i].top_share is not None and math.isfinite(total)
    lines = tuple(
        WorstLine(
            {name: values[k] for name, values in cells.items()}, float(contributions[k] / total) if has_shares else None
        )
        for k in range(len(contributions))
    )
    reason = "" if len(facts) == 1 else "the loss that the fewest rows carry" if has_shares else "the first loss"
    if not facts[i].is_finite:
        reason = "a loss that is not finite"
    return WorstTable(facts[i].label, each.model, tuple(cells), lines, reason)


def concentration_order(loss: LossFacts) -> tuple[bool, float, float]:
    """Return what losses are sorted by: those that are not finite, then those that the fewest rows carry."""
    return loss.is_finite, -(loss.top_share or 0.0), -(loss.worst_share or 0.0)


def cells_of(dataset: Dataset, evaluator: Evaluator, columns: Mapping[str, Any], i: int) -> dict[str, list[Any]]:
    """Return the columns of the worst rows of loss `i` under the names that the page has for them."""
    cells: dict[str, list[Any]] = {}
    key = f"extra:{dataset.id}"
    if key in columns:
        cells[str(dataset.id)] = columns[key].tolist()
    cells["row"] = columns["row"].tolist()
    for name, values in columns.items():
        if name.startswith("extra:") and name != key:
            cells[name.removeprefix("extra:")] = values.tolist()
    for name, values in columns.items():
        if name.startswith("role:"):
            role = name.removeprefix("role:")
            cells[role] = name_labels(dataset, role, values).tolist()
    if "best_class" in columns:
        cells["highest class"] = name_labels(dataset, "y_true", columns["best_class"]).tolist()
    if "true_score" in columns:
        cells["score of y_true"] = columns["true_score"].tolist()
    if evaluator.bound.loss.of_residual and "role:y_true" in columns and "role:y_pred" in columns:
        cells["off by"] = (columns["role:y_pred"] - columns["role:y_true"]).tolist()
    if "weight" in columns:
        cells["weight"] = columns["weight"].tolist()
    cells[evaluator.label] = columns[f"loss:{i}"].tolist()
    return cells
