"""Results as columns of a known kind, rows, and a document: everything that renderers need, and no formatting."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.domain import Array
from losscli.errors import UsageError
from losscli.evaluate import Evaluated, Run
from losscli.results import STATISTICS, Evaluation, LossResult, gradient_columns, number

if TYPE_CHECKING:
    from losscli.analysis.comparison import ComparedLoss, Comparison, OutlierRow
    from losscli.analysis.recommend import Recommendation
    from losscli.data.dataset import Dataset
    from losscli.spec import Loss
    from losscli.statistics.summary import Summary


class Kind(enum.StrEnum):
    """What a column's cells are; a name is text that is not broken over lines."""

    TEXT = "text"
    NAME = "name"
    COUNT = "count"
    NUMBER = "number"

    @property
    def numeric(self) -> bool:
        return self in (Kind.COUNT, Kind.NUMBER)


class Column(NamedTuple):
    """A column: its key in every format, its kind, and a line of help for legends."""

    key: str
    kind: Kind = Kind.NUMBER
    help: str = ""


class About(float):
    """A number that was estimated: people see ≈ before it."""


Block = Sequence[Sequence[Any]]
"""Some rows, as one sequence of cells a column."""


class Report(NamedTuple):
    """What a command has to say.

    `blocks` may be a generator that is still evaluating: it is consumed once. `document` is called after it, and
    gives the JSON without the rows where `rows_key` says under which key those go. `values` are the columns that
    the format `value` prints. Tables have `preface`, terms and what they mean, before the rows, and `closing`, a
    command, after them. `detail` is a second table that was asked for: for people it comes after this one, formats that
    hold one table have it instead.
    """

    columns: tuple[Column, ...]
    blocks: Iterable[Block]
    document: Callable[[], Any]
    values: tuple[str, ...]
    rows_key: str | None = None
    records: Callable[[], Iterable[Any]] | None = None
    title: str = ""
    legend: tuple[str, ...] = ()
    preface: tuple[tuple[str, str], ...] = ()
    closing: str = ""
    detail: Report | None = None


def summary(evaluation: Evaluation) -> Report:
    """A row a loss, or a row a group and loss."""
    groups = tuple(evaluation[0].group or ())
    named = (Column("loss", Kind.TEXT), *(Column(name, Kind.TEXT) for name in groups))
    weighted = groups and evaluation.data.weighted
    counts = (Column("n", Kind.COUNT), *([Column("weight")] if weighted else []))
    columns = (*named, *counts, *map(Column, ("value", *evaluation[0].beside, *STATISTICS)))
    rows = [
        [r.label, *(r.group or {}).values(), r.n, *([r.summary.weight_sum] if weighted else []), r.value,
         *r.beside.values(), *(_statistic(r.summary, key) for key in STATISTICS)]
        for r in evaluation
    ]  # fmt: skip
    block = list(zip(*rows, strict=True))
    return Report(
        columns, [block], evaluation.to_dict, ("value",), records=lambda: [r.to_dict() for r in evaluation]
    )  # fmt: skip


def _statistic(summary: Summary, key: str) -> float:
    value: float = getattr(summary, key)
    return value if summary.exact or key not in ("median", "p95") else About(value)


def comparison(compared: Comparison) -> Report:
    """A row a loss, least sensitive first; of several models a row a loss and model, the best first."""
    from losscli.analysis.comparison import COLUMNS, STANDING

    first = compared[0]
    where = tuple(Column(key, Kind.NAME) for key in first.where)
    counts = ("n", *(["weight"] if compared.evaluation.data.weighted else [])) if first.result.group else ()
    keys = _of_models(COLUMNS, STANDING) if first.model is not None else COLUMNS
    shown = {**dict.fromkeys(counts, ""), **_after_value(keys, _said_of(first.result))}
    columns = (Column("loss", Kind.TEXT), *where, *(Column(key, _KINDS.get(key, Kind.NUMBER)) for key in shown))
    rows = [[one.label, *one.where.values(), *(_spoken(_cell_of(one, key)) for key in shown)] for one in compared]
    return Report(
        columns,
        [list(zip(*rows, strict=True))],
        compared.to_dict,
        ("value",),
        records=lambda: [loss.to_dict() for loss in compared],
        legend=tuple(f"{key}: {text}" for key, text in shown.items() if text),
        detail=outlier_rows(compared, compared.example) if compared.example else None,
    )


_KINDS = {"rank": Kind.COUNT, "n": Kind.COUNT, "flip": Kind.COUNT, "winner": Kind.NAME, "bounded_value": Kind.NAME,
          "bounded_gradient": Kind.NAME}  # fmt: skip

OF_MODELS = ("value", "inflation", "pull", "effective_n")
"""The columns of a comparison that are shown beside those of several models; the others do not fit, JSON has them."""


def _of_models(columns: Mapping[str, str], standing: Mapping[str, str]) -> dict[str, str]:
    """What is shown of several models."""
    return {"value": columns["value"], **standing, **{key: columns[key] for key in OF_MODELS[1:]}}


def _said_of(result: LossResult) -> dict[str, str]:
    """The columns that stand beside the value, and what they are."""
    level = "" if result.ci is None else f"{100 * result.ci.level:g} % interval"
    said = {"ci_low": f"lower end of the value's {level}", "ci_high": f"upper end of the value's {level}",
            "baseline": "the earlier value", "change": "since then, relative to it"}  # fmt: skip
    return {key: said[key] for key in result.beside}


def _after_value(columns: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, str]:
    """The columns with those that stand beside the value."""
    place = list(columns).index("value") + 1
    items = list(columns.items())
    return dict([*items[:place], *beside.items(), *items[place:]])


def _cell_of(loss: ComparedLoss, key: str) -> Any:
    result = loss.result
    counts = {"n": result.n, "weight": result.summary.weight_sum, **result.beside}
    return counts[key] if key in counts else getattr(loss, key)


def _spoken(cell: Any) -> Any:
    return {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else cell


def outlier_rows(compared: Comparison, first: OutlierRow) -> Report:
    """A row an outlier row: its number or name, what it holds, and its share of each loss; `first` is such a row."""
    where = tuple(Column(key, Kind.NAME) for key in compared.flagged[0].where)
    named = Column("row", Kind.COUNT) if first.id is None else Column("id", Kind.NAME)
    residual = () if first.residual is None else ("residual",)
    shares = [f"share of {label}" for label in first.shares]
    columns = (*where, named, *map(Column, (*first.values, *residual, *shares)))
    rows = [
        [*flagged.where.values(), row.row if row.id is None else row.id, *row.values.values(),
         *([row.residual] if residual else []), *row.shares.values()]
        for flagged in compared.flagged for row in flagged.worst
    ]  # fmt: skip
    return Report(
        columns, [list(zip(*rows, strict=True))] if rows else [], compared.to_dict, (named.key,),
        records=lambda: [{**flagged.located, **row.to_dict()} for flagged in compared.flagged for row in flagged.worst],
    )  # fmt: skip


def recommendation(found: Recommendation, only_losses: bool = False) -> Report:
    """A row a loss, the best first; or only those worth comparing, for the format that prints nothing else."""
    shown = [advice for advice in found if not only_losses or advice.loss in found.losses]
    rows = [[str(advice.verdict), advice.loss, advice.reason] for advice in shown]
    return Report(
        (Column("verdict", Kind.NAME), Column("loss", Kind.NAME), Column("reason", Kind.TEXT)),
        [list(zip(*rows, strict=True))] if rows else [],
        found.to_dict,
        ("loss",),
        records=lambda: [advice.to_dict() for advice in found],
        preface=tuple((fact.key, fact.text) for fact in found.facts),
        closing=found.command or "",
    )


def catalogue(losses: Sequence[Loss]) -> Report:
    """A row a loss of the registry."""
    columns = (Column("loss", Kind.TEXT), Column("family", Kind.TEXT), Column("formula", Kind.TEXT))
    rows = [[loss.name, loss.family, loss.formula] for loss in losses]
    entries = [catalogue_entry(loss) for loss in losses]
    return Report(columns, [list(zip(*rows, strict=True))], lambda: entries, ("loss",), records=lambda: entries)


def catalogue_entry(loss: Loss) -> dict[str, Any]:
    """A loss as `list --format json` has it."""
    return {
        "name": loss.name,
        "aliases": list(loss.aliases),
        "family": loss.family,
        "roles": [[role.name for role in form.roles] for form in loss.forms],
        "params": [
            {"name": p.name, "default": _plain(p.default), "range": p.domain.describe()} for p in loss.parameters
        ],
        "formula": loss.formula,
        "properties": [flag.name.lower() for flag in loss.properties if flag.name],
        "elicits": loss.elicits or None,
        "unit": loss.unit,
        "references": list(loss.references),
        "equivalents": loss.equivalents,
        "summary": loss.summary,
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# ---------------------------------------------------------------------------------------------- per sample


def samples(
    dataset: Dataset, run: Run, evaluated: Iterator[Evaluated], document: Callable[[], Any], top: int | None
) -> Report:
    """A row a sample, while it is evaluated; with `top` only the rows with the largest first loss."""
    tables = (_sample_columns(dataset, run, item) for item in evaluated)
    first = next(tables)
    blocks = _chain(first, tables)
    labels = [evaluator.label for evaluator in run.evaluators]
    if top is not None:
        blocks = iter([_worst(blocks, labels[0], top)])
    texts = {key for key, cells in first.items() if cells.dtype.kind == "O"}
    columns = tuple(Column(key, _kind(key, texts)) for key in first)
    return Report(
        columns, (block for table in blocks for block in _printable(table, columns)), document, tuple(labels),
        rows_key="samples",
    )  # fmt: skip


PRINTED = 1 << 13
"""Rows whose cells are made at once: as Python's numbers and text they are several times as large."""


def _printable(table: dict[str, Any], columns: Sequence[Column]) -> Iterator[Block]:
    """The cells of a batch, some rows at a time."""
    for start in range(0, len(table[columns[0].key]), PRINTED):
        yield [_cells(table[column.key][start : start + PRINTED]) for column in columns]


def _kind(key: str, texts: set[str]) -> Kind:
    return Kind.TEXT if key in texts else Kind.COUNT if key == "row" else Kind.NUMBER


def _chain(first: dict[str, Any], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A block only after the next one is there: what is small is printed whole or, if its end is bad, not at all."""
    held = first
    for table in rest:
        yield held
        held = table
    yield held


def _cells(values: Any) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _sample_columns(dataset: Dataset, run: Run, item: Evaluated) -> dict[str, Any]:
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


def json_cell(value: Any) -> Any:
    """A cell as JSON can hold it."""
    return number(value) if isinstance(value, float) else value
