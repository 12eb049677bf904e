"""Results as columns of a known kind, rows, and a document: everything that renderers need, and no formatting."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.results import STATISTICS, Evaluation, LossResult, finite_or_none

if TYPE_CHECKING:
    from losscli.compare.result import ComparedLoss, Comparison, OutlierRow
    from losscli.declaration.loss import Loss
    from losscli.recommend.advise import Recommendation
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


class Approximate(float):
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
    columns = (*named, *counts, *map(Column, ("value", *evaluation[0].extra_columns, *STATISTICS)))
    rows = [
        [r.label, *(r.group or {}).values(), r.n, *([r.summary.weight_sum] if weighted else []), r.value,
         *r.extra_columns.values(), *(_statistic(r.summary, key) for key in STATISTICS)]
        for r in evaluation
    ]  # fmt: skip
    block = list(zip(*rows, strict=True))
    return Report(
        columns, [block], evaluation.to_dict, ("value",), records=lambda: [r.to_dict() for r in evaluation]
    )  # fmt: skip


def _statistic(summary: Summary, key: str) -> float:
    value: float = getattr(summary, key)
    return value if summary.exact or key not in ("median", "p95") else Approximate(value)


def comparison(compared: Comparison) -> Report:
    """A row a loss, least sensitive first; of several models a row a loss and model, the best first."""
    from losscli.compare.result import COLUMNS, STANDING

    first = compared[0]
    where = tuple(Column(key, Kind.NAME) for key in first.group_columns)
    counts = ("n", *(["weight"] if compared.evaluation.data.weighted else [])) if first.result.group else ()
    keys = _of_models(COLUMNS, STANDING) if first.model is not None else COLUMNS
    shown = {**dict.fromkeys(counts, ""), **_after_value(keys, column_help(first.result))}
    columns = (Column("loss", Kind.TEXT), *where, *(Column(key, _KINDS.get(key, Kind.NUMBER)) for key in shown))
    rows = [
        [one.label, *one.group_columns.values(), *(yes_no(_cell_of(one, key)) for key in shown)] for one in compared
    ]
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


def column_help(result: LossResult) -> dict[str, str]:
    """The columns that stand beside the value, and what they are."""
    level = "" if result.ci is None else f"{100 * result.ci.level:g} % interval"
    said = {"ci_low": f"lower end of the value's {level}", "ci_high": f"upper end of the value's {level}",
            "baseline": "the earlier value", "change": "since then, relative to it"}  # fmt: skip
    return {key: said[key] for key in result.extra_columns}


def _after_value(columns: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, str]:
    """The columns with those that stand beside the value."""
    place = list(columns).index("value") + 1
    items = list(columns.items())
    return dict([*items[:place], *beside.items(), *items[place:]])


def _cell_of(loss: ComparedLoss, key: str) -> Any:
    result = loss.result
    counts = {"n": result.n, "weight": result.summary.weight_sum, **result.extra_columns}
    return counts[key] if key in counts else getattr(loss, key)


def yes_no(cell: Any) -> Any:
    return {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else cell


def outlier_rows(compared: Comparison, first: OutlierRow) -> Report:
    """A row an outlier row: its number or name, what it holds, and its share of each loss; `first` is such a row."""
    where = tuple(Column(key, Kind.NAME) for key in compared.flagged[0].group_columns)
    named = Column("row", Kind.COUNT) if first.id is None else Column("id", Kind.NAME)
    residual = () if first.residual is None else ("residual",)
    shares = [f"share of {label}" for label in first.shares]
    columns = (*where, named, *map(Column, (*first.values, *residual, *shares)))
    rows = [
        [*flagged.group_columns.values(), row.row if row.id is None else row.id, *row.values.values(),
         *([row.residual] if residual else []), *row.shares.values()]
        for flagged in compared.flagged for row in flagged.worst
    ]  # fmt: skip
    return Report(
        columns, [list(zip(*rows, strict=True))] if rows else [], compared.to_dict, (named.key,),
        records=lambda: [{**flagged.group_json, **row.to_dict()} for flagged in compared.flagged for row in flagged.worst],
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


def json_cell(value: Any) -> Any:
    """A cell as JSON can hold it."""
    return finite_or_none(value) if isinstance(value, float) else value
