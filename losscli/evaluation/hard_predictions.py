"""Predictions that are all 0 or 1, where a loss reads probabilities: labels by mistake, or rounded."""

from __future__ import annotations

import re
from collections.abc import Container

from losscli.data.dataset import Dataset
from losscli.data.role_columns import RoleColumns
from losscli.data.table import Kind
from losscli.declaration.domains import BETWEEN, Probabilities, Simplex
from losscli.errors import DataError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.query_notes import note_queries
from losscli.evaluation.run import RunState
from losscli.messages import Hint, Message

PROBABILITY_NAME = re.compile("prob|score|logit", re.IGNORECASE)
"""What the name of a column of probabilities has in it."""


def check_hard_predictions(dataset: Dataset, run: RunState, requested: Container[str]) -> None:
    """Note, once the data is read, that all predictions are 0 or 1 and that eps alone sets the loss of wrong ones.

    Queries that a loss of queries leaves out are noted, too.

    `requested` are the roles whose columns were named.

    Raises:
        DataError: There is also a column that is named like probabilities, and neither was named by the user.
    """
    note_queries(dataset, run)
    predicted = dataset.bound.get("y_pred")
    readers = [i for i, evaluator in enumerate(run.evaluators) if reads_probabilities(evaluator)]
    if predicted is None or not readers or dataset.memory.get("y_pred", {}).get(BETWEEN):
        return
    columns, label = predicted.columns, predicted.table.label
    names = " to ".join(repr(columns[i].name) for i in sorted({0, len(columns) - 1}))
    problem = f"{label}column {names} (y_pred) is all 0 or 1" if label else "y_pred is all 0 or 1"
    rival = None if "y_pred" in requested else find_rival(dataset, predicted)
    if rival is not None:
        raise DataError(f"{problem}, and {rival!r} may be the probabilities", Hint.CHOOSE_COLUMN, role="y_pred")
    if not label:  # who gives arrays knows what they hold
        return
    clipped = [run.evaluators[i].label for i in readers if run.accumulators[i].clipped]
    if clipped:
        dataset.note(Message(f"{problem}: {clipped[0]} reads probabilities, and wrong labels cost what eps says"))


def reads_probabilities(evaluator: Evaluator) -> bool:
    """Tell whether a loss reads predictions as probabilities, which need not be 0 or 1."""
    if "y_pred" not in evaluator.form.names:
        return False
    return isinstance(evaluator.domain("y_pred"), (Probabilities, Simplex))


def find_rival(dataset: Dataset, predicted: RoleColumns) -> str | None:
    """Return an unused column of numbers beside the prediction that is named like probabilities."""
    if len(predicted.columns) > 1 or predicted.columns[0].trailing:
        return None
    used = {column.name for columns in dataset.bound.values() for column in columns.columns}
    used |= {*dataset.extras, dataset.id or ""}
    for column in predicted.table.columns:
        is_free = column.name not in used and column.kind is Kind.NUMBER and not column.trailing
        if is_free and PROBABILITY_NAME.search(column.name):
            return column.name
    return None
