"""Reports with one row per sample, or the K worst samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.data.coded_text import CodedText
from losscli.declaration.domains import FIRST_NAME, Array, places_of_names
from losscli.declaration.row_lists import QUERY, RowLists
from losscli.errors import UsageError
from losscli.evaluation.dataset_wide import check_has_samples
from losscli.report.tables import CellKind, Report, ReportColumn
from losscli.result_names import distinct_names, gradient_columns

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset
    from losscli.evaluation.run import Evaluated
    from losscli.results import SampleStream

SampleColumns = dict[str, Any]
"""Column -> cells of a batch (n,)."""


def samples(stream: SampleStream, top: int | None) -> Report:
    """Report one row per sample while it is evaluated; with `top` the rows with the largest first loss."""
    if top is not None:
        check_has_samples(stream.run.evaluators[0])
    batches = (sample_columns(stream, item) for item in stream.batches)
    first = next(batches)
    labels = tuple(evaluator.label for evaluator in stream.run.evaluators)
    blocks = one_block_behind(first, batches)
    if top is not None:
        blocks = iter([select_worst(blocks, labels[0], top)])
    columns = []
    for key, cells in first.items():
        kind = CellKind.COUNT if key == "row" else CellKind.NUMBER
        columns.append(ReportColumn(key, CellKind.TEXT if cells.dtype.kind == "O" else kind))
    rows = (list(block.values()) for block in blocks)
    title = "Losses of each row" if top is None else f"Rows with the largest {labels[0]}"
    document, jobs = (lambda: stream.evaluate().to_dict()), stream.dataset.jobs
    return Report(tuple(columns), rows, document, labels, rows_key="samples", title=title, jobs=jobs)


def one_block_behind(first: SampleColumns, others: Iterator[SampleColumns]) -> Iterator[SampleColumns]:
    """Yield a block once the next one is there: small data is printed whole, or not at all if its end is wrong."""
    held = first
    for block in others:
        yield held
        held = block
    yield held


def sample_columns(stream: SampleStream, item: Evaluated) -> SampleColumns:
    """Return the columns of a batch: its key, the scalar roles, the losses, the gradients."""
    dataset, batch = stream.dataset, item.batch
    for evaluator, outcome in zip(stream.run.evaluators, item.outcomes, strict=True):
        if outcome.gradient is None:
            check_has_samples(evaluator)
    sizes = {
        len(batch) if evaluator.dataset_wide else len(outcome.per_sample)
        for evaluator, outcome in zip(stream.run.evaluators, item.outcomes, strict=True)
    }
    size = sizes.pop()
    if sizes:
        raise UsageError("these losses have no samples in common: one of them reads a whole column as one distribution")
    numbers: SampleColumns = {}
    for evaluator, outcome in zip(stream.run.evaluators, item.outcomes, strict=True):
        if not evaluator.dataset_wide:
            numbers[evaluator.label] = outcome.per_sample
        if isinstance(outcome.gradient, RowLists):
            problem = "a gradient has a number per row, and the samples here are queries"
            raise UsageError(f"{problem}: losscli.compute(..., gradient=True) in Python returns it")
        if outcome.gradient is not None:
            numbers |= gradient_columns(evaluator.label, outcome.gradient.reshape(size, -1))
    if size != len(batch):
        return {"row": np.arange(1, size + 1), **numbers}
    roles: SampleColumns = {}
    for name, values in batch.arrays.items():
        if values.ndim == 1 and name not in batch.tables and not isinstance(values, RowLists):
            roles[name] = name_labels(dataset, name, values)
    if batch.weight is not None:
        roles["weight"] = batch.weight
    key = dataset.id if dataset.id is not None and dataset.id in batch.extras else None
    carried = [name for name in batch.extras if name != key]
    if batch.query is not None:
        roles = {QUERY: batch.query, **roles}
    ids = distinct_names(["row" if key is None else key], "id", [*roles, *numbers, "weight"])
    others = distinct_names(carried, "data", [*ids, *roles, *numbers, "weight"])
    columns: SampleColumns = {ids[0]: batch.rows if key is None else batch.extras[key]}
    columns |= {name: batch.extras[carried[i]] for i, name in enumerate(others)}
    return {**columns, **roles, **numbers}


def name_labels(dataset: Dataset, role: str, values: Array) -> Any:
    """Return the values of a role; labels as class names, or as integers if classes have no names."""
    names, domain = dataset.classes.names, dataset.domains[role]
    if compared := dataset.labels.compared_names:
        if (values >= FIRST_NAME).all():
            return CodedText.of(places_of_names(values), compared)
        places = places_of_names(values).tolist()
        as_read = (int(v) if float(v).is_integer() else v for v in values.tolist())
        texts = [compared[int(p)] if p >= 0 else v for p, v in zip(places, as_read, strict=True)]
        return np.array(texts, dtype=object)
    if not domain.is_label or getattr(domain, "soft", False):
        return values
    if not names:
        is_whole = values.size and bool(((values == np.floor(values)) & (np.abs(values) < 2**53)).all())
        return values.astype(np.int64) if is_whole else values
    if ((values >= 0) & (values < len(names))).all():
        return CodedText.of(values, names)
    return np.array([names[int(v)] if v == v and 0 <= v < len(names) else v for v in values.tolist()], dtype=object)


def select_worst(batches: Iterator[SampleColumns], key: str, top: int) -> SampleColumns:
    """Return the rows with the largest values of a column, largest first."""
    best: SampleColumns | None = None
    for columns in batches:
        losses = np.nan_to_num(columns[key], nan=np.inf, posinf=np.inf)
        # rows of weight 0 count nowhere
        rows = np.flatnonzero(columns["weight"]) if "weight" in columns else np.arange(len(losses))
        if len(rows) > top:
            rows = rows[losses[rows] >= np.partition(losses[rows], -top)[-top]]
        batch = {name: cells[rows] for name, cells in columns.items()}
        joined = batch if best is None else {name: np.concatenate([best[name], batch[name]]) for name in batch}
        order = np.argsort(-np.nan_to_num(joined[key], nan=np.inf, posinf=np.inf), kind="stable")[:top]
        best = {name: cells[order] for name, cells in joined.items()}
    assert best is not None
    return best
