"""The table of the worst rows, under the loss that the fewest rows carry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from losscli.data.dataset import Dataset
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.worst_rows import WorstRowsOfLoss
from losscli.page.content import WorstLine, WorstTable
from losscli.page.findings import Findings
from losscli.page.verdict import LossFacts
from losscli.report.samples import name_labels


def worst_table(findings: Findings, facts: Sequence[LossFacts]) -> WorstTable | None:
    """Return the worst rows under the loss that is not finite, or that the fewest rows carry; None without rows."""
    for i in sorted(range(len(facts)), key=lambda i: concentration_order(facts[i])):
        each = findings.best(facts[i].label)
        worst = each.worst.by_loss[i]
        if worst.rows.size:
            break
    else:
        return None
    cells = worst_cells(findings.dataset, findings.run.evaluators[i], worst)
    shares = None if facts[i].top_share is None else worst.shares
    has_shares = shares is not None
    lines = tuple(
        WorstLine({name: values[k] for name, values in cells.items()}, None if shares is None else float(shares[k]))
        for k in range(len(worst.rows))
    )
    reason = "" if len(facts) == 1 else "the loss that the fewest rows carry" if has_shares else "the first loss"
    if not facts[i].is_finite:
        reason = "a loss that is not finite"
    return WorstTable(facts[i].label, each.model, tuple(cells), lines, reason)


def concentration_order(loss: LossFacts) -> tuple[bool, float, float]:
    """Return what losses are sorted by: those that are not finite, then those that the fewest rows carry."""
    return loss.is_finite, -(loss.top_share or 0.0), -(loss.worst_share or 0.0)


def worst_cells(dataset: Dataset, evaluator: Evaluator, worst: WorstRowsOfLoss) -> dict[str, list[Any]]:
    """Return the columns of the worst rows under a loss, by the names that the page has for them."""
    cells: dict[str, list[Any]] = {}
    if dataset.id is not None and dataset.id in worst.extras:
        cells[dataset.id] = worst.extras[dataset.id].tolist()
    cells[own_name("row", cells)] = worst.rows.tolist()
    cells |= {name: column.tolist() for name, column in worst.extras.items() if name != dataset.id}
    columns: dict[str, Any] = {role: name_labels(dataset, role, values) for role, values in worst.roles.items()}
    if "best" in worst.scores:
        columns["highest class"] = name_labels(dataset, "y_true", worst.scores["best"])
    if "true" in worst.scores:
        columns["score of y_true"] = worst.scores["true"]
    if evaluator.bound.loss.of_residual and {"y_true", "y_pred"} <= worst.roles.keys():
        columns["off by"] = worst.roles["y_pred"] - worst.roles["y_true"]
    if worst.weight is not None:
        columns["weight"] = worst.weight
    columns[evaluator.label] = worst.losses
    for name, values in columns.items():
        cells[own_name(name, cells)] = values.tolist()
    return cells


def own_name(name: str, taken: Collection[str]) -> str:
    """Return the heading of a column that the data does not have, where it may have one of that name."""
    while name in taken:
        name = f"losscli.{name}"
    return name
