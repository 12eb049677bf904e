"""Results as tables: columns of a known kind, rows, and the JSON document. Formats print them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.result_names import distinct_names

if TYPE_CHECKING:
    from losscli.compare.result import ComparedLoss, Comparison, OutlierRow
    from losscli.recommend.advise import Recommendation
    from losscli.results import Evaluation, LossResult


class CellKind(enum.StrEnum):
    """What the cells of a column are. A name is text that is not wrapped."""

    TEXT = "text"
    NAME = "name"
    COUNT = "count"
    NUMBER = "number"


NUMERIC_KINDS = (CellKind.COUNT, CellKind.NUMBER)


class ReportColumn(NamedTuple):
    """A column: its key in every format, and the kind of its cells; whether people read it in the legend instead."""

    key: str
    kind: CellKind = CellKind.NUMBER
    in_legend: bool = False


class Approximate(float):
    """An estimated number, shown with ≈ to people."""


class Marked(float):
    """A number that stands out among those of its column: the best, or one that is not told apart from the best."""

    is_best: bool

    def __new__(cls, value: float, is_best: bool) -> Marked:
        found = super().__new__(cls, value)
        found.is_best = is_best
        return found


RowBlock = Sequence[Any]
"""Some rows, as one sequence or array of cells per column."""

ROWS_MADE_AT_ONCE = 1 << 13
"""Rows made into Python's numbers and text at once: these take several times the memory of arrays."""


class Report(NamedTuple):
    """What a command prints.

    Attributes:
        columns: The columns.
        blocks: The rows. With a `rows_key` it may be a generator that still evaluates; it is consumed once.
        document: Returns the JSON document, once the blocks are consumed; without the rows if there is a `rows_key`.
        values: The keys of the columns that the format `value` prints.
        rows_key: The key of the document under which the rows go.
        records: Returns the objects for JSON Lines; by default the rows.
        legend: Lines `key: meaning` below the table.
        preface: Terms and their meaning above the table.
        closing: A command below the table.
        detail: A second table. People see it below this one; formats of one table print it instead.
        title: What the table is, for formats of tables that stand among text.
        jobs: The number of threads that make rows into text.
        is_upright: Whether few rows are not drawn as columns either.
    """

    columns: tuple[ReportColumn, ...]
    blocks: Iterable[RowBlock]
    document: Callable[[], Any]
    values: tuple[str, ...]
    rows_key: str | None = None
    records: Callable[[], Iterable[Any]] | None = None
    legend: tuple[str, ...] = ()
    preface: tuple[tuple[str, str], ...] = ()
    closing: str = ""
    detail: Report | None = None
    title: str = ""
    jobs: int = 1
    is_upright: bool = False

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as Python's objects."""
        return (row for block in self.blocks for row in python_rows(block))


def python_rows(block: RowBlock) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a block as Python's objects, of which few are made at once."""
    for start in range(0, len(block[0]), ROWS_MADE_AT_ONCE):
        some = [cells[start : start + ROWS_MADE_AT_ONCE] for cells in block]
        yield from zip(*(cells.tolist() if hasattr(cells, "tolist") else cells for cells in some), strict=True)


def without_legend_columns(report: Report) -> Report:
    """Return a report without the columns that people read in the legend."""
    keep = [i for i, column in enumerate(report.columns) if not column.in_legend]
    if len(keep) == len(report.columns):
        return report
    columns = tuple(report.columns[i] for i in keep)
    return report._replace(columns=columns, blocks=([block[i] for i in keep] for block in report.blocks))


def count_rows(found: Evaluation) -> str:
    """Return the number of rows that were evaluated, in words."""
    n = found.data.n_used
    return f"{n} row{'s' * (n != 1)}"


def to_blocks(rows: Sequence[Sequence[Any]]) -> list[RowBlock]:
    """Return rows as one block, or as none if there are no rows."""
    return [list(zip(*rows, strict=True))] if rows else []


def summary(evaluation: Evaluation) -> Report:
    """Report one row per loss, or per group and loss."""
    from losscli.results import STATISTICS

    first = evaluation.losses[0]
    has_weights = bool(first.group and evaluation.data.weighted)
    numbers = (*(["weight"] if has_weights else []), "value", *first.extra_columns, *STATISTICS)
    texts = ("loss", *distinct_names(first.group_columns, "group", ["loss", "n", *numbers]))
    columns = (
        *(ReportColumn(key, CellKind.TEXT) for key in texts),
        ReportColumn("n", CellKind.COUNT),
        *map(ReportColumn, numbers),
    )
    rows = []
    for result in evaluation.losses:
        found = result.summary
        statistics = {key: getattr(found, key) for key in STATISTICS}
        if not found.has_samples:
            statistics = dict.fromkeys(STATISTICS)
        elif not found.exact:
            statistics |= {key: Approximate(statistics[key]) for key in ("median", "p95")}
        weight = [found.weight_sum] if has_weights else []
        counts = [result.label, *result.group_columns.values(), found.n, *weight]
        rows.append([*counts, found.value, *result.extra_columns.values(), *statistics.values()])
    records = lambda: [result.to_dict() for result in evaluation]  # noqa: E731
    title = f"{'Losses' if len(rows) > 1 else 'Loss'} over {count_rows(evaluation)}"
    return Report(columns, to_blocks(rows), evaluation.to_dict, ("value",), records=records, title=title)


KIND_OF_COLUMN = dict.fromkeys(("rank", "n", "flip"), CellKind.COUNT)
KIND_OF_COLUMN |= dict.fromkeys(("verdict", "bounded_value", "bounded_gradient"), CellKind.NAME)

COLUMNS_BESIDE_MODELS = ("inflation", "effective_n")
"""Columns shown beside those of several models. The others do not fit on a terminal; JSON has them."""


def comparison(compared: Comparison) -> Report:
    """Report one row per loss, least sensitive first; for several models per loss and model, the best first."""
    from losscli.compare.columns import COMPARISON_COLUMNS, MODEL_COLUMNS

    first = compared[0]
    columns = COMPARISON_COLUMNS
    if first.model is not None:
        beside = {key: COMPARISON_COLUMNS[key] for key in COLUMNS_BESIDE_MODELS}
        columns = {"value": COMPARISON_COLUMNS["value"], **MODEL_COLUMNS, **beside}
    shown: dict[str, str] = {}
    if first.result.group:
        shown = dict.fromkeys(("n", *(["weight"] if compared.evaluation.data.weighted else [])), "")
    for key, text in columns.items():
        shown |= {key: text} | (column_help(first.result) if key == "value" else {})
        if key == "value" and first.decomposition is not None:
            shown |= help_on_parts(compared)
    groups = distinct_names(first.group_columns, "group", ["loss", *shown])
    rows = [[one.label, *one.group_columns.values(), *(compared_cell(one, key) for key in shown)] for one in compared]
    return Report(
        (
            ReportColumn("loss", CellKind.TEXT),
            *(ReportColumn(key, CellKind.NAME) for key in groups),
            *(ReportColumn(key, KIND_OF_COLUMN.get(key, CellKind.NUMBER)) for key in shown),
        ),
        to_blocks(rows),
        compared.to_dict,
        ("value",),
        records=lambda: [loss.to_dict() for loss in compared],
        legend=tuple(f"{key}: {text}" for key, text in shown.items() if text),
        detail=outlier_rows(compared, compared.example) if compared.example else None,
        title=f"{'Losses' if first.model is None else 'Models'} compared over {count_rows(compared.evaluation)}",
    )


def help_on_parts(compared: Comparison) -> dict[str, str]:
    """Return key -> meaning of the columns of a decomposition, with the level of the interval of the bias."""
    from losscli.compare.decomposition import PART_COLUMNS

    intervals = [one.decomposition.interval for one in compared if one.decomposition is not None]
    level = next((f"{100 * interval.level:g} % " for interval in intervals if interval is not None), "")
    return {key: text.replace("the interval", f"the {level}interval") for key, text in PART_COLUMNS.items()}


def column_help(result: LossResult) -> dict[str, str]:
    """Return key -> meaning of the columns that follow the value."""
    level = "" if result.ci is None else f"{100 * result.ci.level:g} % interval"
    texts = {
        "ci_low": f"lower end of the value's {level}",
        "ci_high": f"upper end of the value's {level}",
        "baseline": "value in the baseline file",
        "change": "relative change since then",
    }
    return {key: texts[key] for key in result.extra_columns}


def compared_cell(loss: ComparedLoss, key: str) -> Any:
    """Return the cell of a column; booleans as words."""
    result = loss.result
    counts = {"n": result.n, "weight": result.summary.weight_sum, **result.extra_columns}
    cell = counts[key] if key in counts else getattr(loss, key)
    return ("yes" if cell else "no") if isinstance(cell, bool) else cell


def outlier_rows(compared: Comparison, first: OutlierRow) -> Report:
    """Report one row per outlier row: its number or id, its values, its share of each loss; `first` is an example."""
    name = ReportColumn("row", CellKind.COUNT) if first.id is None else ReportColumn("id", CellKind.NAME)
    numbers = [*first.values, *(["residual"] if first.residual is not None else [])]
    shares = [f"share of {label}" for label in first.shares]
    groups = distinct_names(compared.flagged[0].group_columns, "group", [name.key, *numbers, *shares])
    columns = (*(ReportColumn(key, CellKind.NAME) for key in groups), name, *map(ReportColumn, [*numbers, *shares]))
    rows, records = [], []
    for flagged in compared.flagged:
        for row in flagged.worst:
            residual = [] if first.residual is None else [row.residual]
            cells = [row.row if row.id is None else row.id, *row.values.values(), *residual, *row.shares.values()]
            rows.append([*flagged.group_columns.values(), *cells])
            records.append({**flagged.group_json, **row.to_dict()})
    title = "Outlier rows, and their share of each loss"
    return Report(columns, to_blocks(rows), compared.to_dict, (name.key,), records=lambda: records, title=title)


def recommendation(found: Recommendation, only_losses: bool = False) -> Report:
    """Report one row per loss, the best first; with `only_losses` those worth comparing."""
    shown = [advice for advice in found if not only_losses or advice.loss in found.losses]
    return Report(
        (*(ReportColumn(key, CellKind.NAME) for key in ("verdict", "loss")), ReportColumn("reason", CellKind.TEXT)),
        to_blocks([[str(advice.verdict), advice.loss, str(advice.reason)] for advice in shown]),
        found.to_dict,
        ("loss",),
        records=lambda: [advice.to_dict() for advice in found],
        preface=tuple((fact.key, fact.text) for fact in found.facts),
        closing="\n".join(found.commands),
        title=f"Losses for this data ({found.task})",
    )


def catalogue(entries: Sequence[Mapping[str, Any]], shows_aliases: bool = True) -> Report:
    """Report one row per loss of the catalogue; people see the aliases if there is room for them."""
    from losscli.declaration.symbols import symbols_in

    used = {}
    for entry in entries:  # the symbols of the formula, without those of the gradient
        names = {name for role in entry["roles"] for name in role} | {param["name"] for param in entry["params"]}
        used[entry["name"]] = symbols_in(entry["formula"], names, entry["symbols"])
    hidden = {"symbols": True, "aliases": not shows_aliases}
    columns = tuple(
        ReportColumn(key, CellKind.NAME if key == "loss" else CellKind.TEXT, hidden.get(key, False))
        for key in ("loss", "family", "formula", "symbols", "aliases")
    )
    rows = [
        [
            name,
            entry["family"],
            entry["formula"],
            "; ".join(f"{k} = {v}" for k, v in symbols.items()),
            ", ".join(entry["aliases"]),
        ]
        for entry, (name, symbols) in zip(entries, used.items(), strict=True)
    ]
    legend = symbol_legend({entry["name"]: entry["family"] for entry in entries}, used)
    document, title = (lambda: list(entries)), f"{len(entries)} loss{'es' * (len(entries) != 1)}"
    return Report(
        columns, to_blocks(rows), document, ("loss",), records=document, legend=legend, title=title, is_upright=True
    )


def symbol_legend(families: Mapping[str, str], used: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return a line for each meaning of a symbol; if it has several, with the families or losses where it has it."""
    losses: dict[str, dict[str, list[str]]] = {}
    for name, symbols in used.items():
        for symbol, meaning in symbols.items():
            losses.setdefault(symbol, {}).setdefault(meaning, []).append(name)
    lines = []
    for symbol, meanings in losses.items():
        for meaning, names in meanings.items():
            others = {families[name] for other, of in meanings.items() if other != meaning for name in of}
            alone = others.isdisjoint(families[name] for name in names)
            where = dict.fromkeys(families[name] for name in names) if alone else names
            lines.append(f"{symbol} ({', '.join(where)}): {meaning}" if others else f"{symbol}: {meaning}")
    return tuple(lines)
