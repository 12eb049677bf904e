"""Reports with one row per sample, or the K worst samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.declaration.domains import Array
from losscli.errors import UsageError
from losscli.evaluation.run import Evaluated, RunState
from losscli.report.tables import Block, Column, Kind, Report
from losscli.results import gradient_columns

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset


def samples(
    dataset: Dataset, run: RunState, evaluated: Iterator[Evaluated], document: Callable[[], Any], top: int | None
) -> Report:
    """A row a sample, while it is evaluated; with `top` only the rows with the largest first loss."""
    tables = (_sample_columns(dataset, run, item) for item in evaluated)
    first = next(tables)
    blocks = one_block_behind(first, tables)
    labels = [evaluator.label for evaluator in run.evaluators]
    if top is not None:
        blocks = iter([_worst(blocks, labels[0], top)])
    texts = {key for key, cells in first.items() if cells.dtype.kind == "O"}
    columns = tuple(Column(key, _kind(key, texts)) for key in first)
    return Report(
        columns, (block for table in blocks for block in _printable(table, columns)), document, tuple(labels),
        rows_key="samples",
    )  # fmt: skip


ROWS_PER_WRITE = 1 << 13
"""Rows whose cells are made at once: as Python's numbers and text they are several times as large."""


def _printable(table: dict[str, Any], columns: Sequence[Column]) -> Iterator[Block]:
    """The cells of a batch, some rows at a time."""
    for start in range(0, len(table[columns[0].key]), ROWS_PER_WRITE):
        yield [_cells(table[column.key][start : start + ROWS_PER_WRITE]) for column in columns]


def _kind(key: str, texts: set[str]) -> Kind:
    return Kind.TEXT if key in texts else Kind.COUNT if key == "row" else Kind.NUMBER


def one_block_behind(first: dict[str, Any], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A block only after the next one is there: what is small is printed whole or, if its end is bad, not at all."""
    held = first
    for table in rest:
        yield held
        held = table
    yield held


def _cells(values: Any) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _sample_columns(dataset: Dataset, run: RunState, item: Evaluated) -> dict[str, Any]:
    """Column -> cells of a batch: its key, the scalar roles, the losses, the gradients."""
    batch = item.batch
    size = len(item.outcomes[0].per_sample)
    if any(len(outcome.per_sample) != size for outcome in item.outcomes):
        raise UsageError("these losses have no samples in common: one of them reads a whole column as one distribution")
    table: dict[str, Any] = {}
    if size != len(batch):
        table["row"] = np.arange(1, size + 1)
    else:
        key = {dataset.id: batch.extras[dataset.id]} if dataset.id in batch.extras else {"row": batch.rows}
        table |= key | {name: cells for name, cells in batch.extras.items() if name != dataset.id}
        table |= {name: _role(dataset, name, values) for name, values in batch.arrays.items()
                  if values.ndim == 1 and name not in batch.tables}  # fmt: skip
        table |= {} if batch.weight is None else {"weight": batch.weight}
    for evaluator, outcome in zip(run.evaluators, item.outcomes, strict=True):
        table[evaluator.label] = outcome.per_sample
        if outcome.gradient is not None:
            table |= gradient_columns(evaluator.label, outcome.gradient.reshape(size, -1))
    return table


def _role(dataset: Dataset, name: str, values: Array) -> Any:
    """A role's values; labels by their class names, or else as integers."""
    names = dataset.classes.names
    domain = dataset.domains[name]
    if not domain.is_label or getattr(domain, "soft", False):
        return values
    if not names:
        whole = values.size and bool((values == np.floor(values)).all()) and bool(np.isfinite(values).all())
        return values.astype(np.int64) if whole else values
    return np.array([names[int(v)] if v == v and 0 <= v < len(names) else v for v in values.tolist()], dtype=object)


def _worst(tables: Iterator[dict[str, Any]], key: str, top: int) -> dict[str, Any]:
    """The rows with the largest values of one column, largest first."""
    best: dict[str, Any] | None = None
    for table in tables:
        if "weight" in table:  # what weighs nothing is absent
            table = {k: np.asarray(v)[table["weight"] != 0] for k, v in table.items()}  # noqa: PLW2901
        joined = table if best is None else {k: np.concatenate([best[k], table[k]]) for k in table}
        worst_first = np.argsort(-np.nan_to_num(joined[key], nan=np.inf, posinf=np.inf), kind="stable")[:top]
        best = {k: np.asarray(v)[worst_first] for k, v in joined.items()}
    assert best is not None
    return best
