"""Data in long form, a row for each model of each id, as a row for each id and roles for each model.

All rows are held in memory, as arrays: nothing is done row by row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.coded_text import MISSING_CODE, CodedText, concat_columns, encode
from losscli.data.column_words import suggest_column
from losscli.data.dataset import Dataset
from losscli.data.keys import canonical_key
from losscli.data.model_roles import SHARED_ROLES, model_role
from losscli.data.table import ArraysTable, Chunk, Kind, SplittableTable, Table, check_one_per_row
from losscli.data.values import shorten
from losscli.errors import DataError, NoResultError, UsageError
from losscli.messages import Hint, Message, number_text

MAX_MODELS = 1000
"""Most models: a column of more names is none of models."""

MAX_MODELS_COUNTED = 2
"""Most models that a message names."""


class LongRows(NamedTuple):
    """The rows of a table in long form.

    Attributes:
        table: The table.
        columns: Its columns, by name (N, ...).
        models: The names of the models (M,), in the order of their first rows.
        rows: The rows of each model, M arrays: once they are paired, all of one length and in the order of the ids.
        id: The column of the ids; None if rows are paired in order.
        names: What the ids are (K,), in the order of their first rows; empty if rows are paired in order.
    """

    table: Table
    columns: Chunk
    models: list[str]
    rows: list[NDArray[np.intp]]
    id: str | None
    names: list[str]

    @property
    def label(self) -> str:
        """The start of messages about the table."""
        return self.table.label

    def name_place(self, place: int) -> str:
        """Return what messages call the rows of one id."""
        return f"row {place + 1} of each model" if self.id is None else f"{self.id} {shorten(self.names[place])}"


def pivot(dataset: Dataset, model_column: str) -> Dataset:
    """Return a dataset whose predictions are in long form as one of several models, paired by its id or in order.

    Raises:
        UsageError: The models are groups, too.
        DataError: A model lacks an id or has one twice, or models differ in what must be the same for all.
    """
    if model_column in (*dataset.policy.group_by, dataset.id):
        raise UsageError("is the id or a group, too", option=("model_column", model_column))
    roles = [role for role in dataset.bound if role not in SHARED_ROLES]
    table = dataset.bound["y_pred" if "y_pred" in roles else roles[0]].table
    key = next((key for key in dataset.shared_keys if table in key.tables and not key.is_default_index), None)
    if key is not None:
        problem = f"{table.label}has several rows for each of {key.labels[key.tables.index(table) - 1]}"
        raise DataError(problem, Hint.PAIR_BY_ID, column=key.name)
    long = _pair(_read_long(dataset, table, model_column), dataset)
    of_rows = {
        role: columns
        for role, columns in dataset.bound.items()
        if columns.table is table and (role not in dataset.domains or dataset.domains[role].per_row)
    }
    shared = [column.name for role in SHARED_ROLES if role in of_rows for column in of_rows[role].columns]
    shared += [name for name in dataset.extras if name in long.columns]
    for name in dict.fromkeys(shared):
        _check_agreement(long, name)
    own = [column.name for role, columns in of_rows.items() if role not in SHARED_ROLES for column in columns.columns]
    ids = [dataset.id] if dataset.id in long.columns else []
    is_joined = len(dataset.row_tables) > 1
    tables: list[ArraysTable] = []
    for model, rows in zip(long.models, long.rows, strict=True):
        names = [*ids, *own] if tables and is_joined else own if tables else [*ids, *shared, *own]
        name = f"{table.name} (model {model!r})" if table.name else f"model {model!r}"
        arrays = {each: long.columns[each][rows] for each in dict.fromkeys(names)}
        found = ArraysTable(name, table.format, arrays)
        found.inputs = [] if tables else table.inputs
        found.row_numbers = table.row_numbers.reordered(rows, f" (model {model!r})" if table.name else name)
        found.paired_with = tables[0] if tables else None
        tables.append(found)
    bound = {role: c._replace(table=tables[0]) if role in of_rows else c for role, c in dataset.bound.items()}
    for role, columns in of_rows.items() if len(tables) > 1 else ():
        if role not in SHARED_ROLES:
            several = zip(long.models, tables, strict=True)
            bound |= {model_role(role, model): columns._replace(table=its) for model, its in several}
    models = tuple(long.models) if len(tables) > 1 else ()
    return replace(dataset, bound=bound, models=models, shared_keys=())


def _read_long(dataset: Dataset, table: Table, model_column: str) -> LongRows:
    """Read the columns of the roles, the ids and the models; the rows of a model are in the order of the table."""
    wanted = dataset.wanted(table) | {model_column: Kind.CODES}
    for name in wanted:
        if table.column(name) is None:
            raise DataError(f"{table.label}no column {name!r}{suggest_column(name, table)}")
    if dataset.id in wanted:
        wanted[dataset.id] = Kind.CODES
    if isinstance(table, SplittableTable) and dataset.jobs > 1:
        chunks = list(table.chunks_by_threads(wanted, dataset.jobs))
    else:
        chunks = list(table.chunks(wanted))
    columns: Chunk = {name: concat_columns([chunk[name] for chunk in chunks]) for name in wanted} if chunks else {}
    if not chunks or not len(columns[model_column]):
        raise NoResultError("there are no rows")
    codes, models = _code_values(columns.pop(model_column), table, model_column)
    if len(models) > MAX_MODELS:
        problem = f"column {model_column!r} holds {len(models)} names, the first {shorten(models[0])}"
        raise DataError(f"{table.label}{problem}: at most {MAX_MODELS} models are compared")
    is_small = len(models) <= np.iinfo(np.uint16).max  # NumPy sorts such numbers by radix
    order = np.argsort(codes.astype(np.uint16) if is_small else codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(models)))
    return LongRows(table, columns, models, np.split(order, ends[:-1]), None, [])


def _code_values(values: Any, table: Table, name: str, canonical: bool = False) -> tuple[NDArray[np.intp], list[str]]:
    """Return values (N,) as indices of the distinct ones, and these in the order of their first rows.

    Raises:
        DataError: A row has none.
    """
    check_one_per_row(values, table, name)
    coded = encode(values)
    lacking = coded.codes == MISSING_CODE
    if lacking.any():
        file, row = table.row_numbers.file_and_row(int(lacking.argmax()) + 1)
        count = int(lacking.sum())
        more = f" ({count} such rows)" if count > 1 else ""
        raise DataError(f"{file + ': ' if file else ''}column {name!r}, row {row}: is missing{more}")
    names = coded.names.tolist()
    if canonical:
        coded = CodedText.of(coded.codes, list(map(canonical_key, names)))
        names = coded.names.tolist()
    first = np.full(len(names), len(coded), dtype=np.intp)
    first[coded.codes[::-1]] = np.arange(len(coded) - 1, -1, -1)  # of several assignments the last one holds
    order = np.argsort(first)[: int((first < len(coded)).sum())]
    places = np.empty(len(names), dtype=np.intp)
    places[order] = np.arange(len(order))
    return places[coded.codes], [names[i] for i in order.tolist()]


def _pair(long: LongRows, dataset: Dataset) -> LongRows:
    """Return the rows of each model in one order: that of the ids, or the own one.

    Raises:
        DataError: A model has an id twice or lacks one that another has, or without ids has more rows than another.
    """
    if dataset.id is None:
        sizes = [len(rows) for rows in long.rows]
        other = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
        if other is not None:
            words = [f"model {long.models[i]!r} has {sizes[i]} rows" for i in (0, other)]
            raise DataError(f"{long.label}lengths differ: {', '.join(words)}", Hint.PAIR_IN_ORDER_OR_BY_ID)
        return long
    places, names = _code_values(long.columns[dataset.id], long.table, dataset.id, canonical=True)
    long = long._replace(id=dataset.id, names=names)
    holders = np.zeros(len(names), dtype=np.intp)  # how many models have each id
    for model, rows in zip(long.models, long.rows, strict=True):
        counts = np.bincount(places[rows], minlength=len(names))
        if (counts > 1).any():
            raise _twice(long, model, rows[places[rows] == int((counts > 1).argmax())], counts, places)
        holders += counts
    keep = holders == len(long.models)
    if not keep.all():
        if dataset.policy.nan != "omit":
            raise _lacking(long, places)
        if not keep.any():
            raise DataError(f"{long.label}no {dataset.id!r} has a row of each of the {len(long.models)} models")
        dataset.policy.left_out = int((~keep).sum())
        dataset.note(Message(f"{long.label}{dataset.policy.left_out} ids are left out: {_lacks(long)}"))
    paired = []
    for rows in long.rows:
        its = np.full(len(names), -1, dtype=np.intp)
        its[places[rows]] = rows
        paired.append(its[keep])
    return long._replace(rows=paired, names=[names[i] for i in np.flatnonzero(keep).tolist()])


def _twice(
    long: LongRows, model: str, rows: NDArray[np.intp], counts: NDArray[np.intp], places: NDArray[np.intp]
) -> DataError:
    """Return the error for a model that has the same id in several rows, the first of which are given."""
    count = int((counts > 1).sum())
    more = f" ({count} such ids)" if count > 1 else ""
    places_of_rows = [long.table.row_numbers.file_and_row(int(row) + 1) for row in rows[:2]]
    (file, first), (other, second) = places_of_rows
    shown = f"rows {first} and {second}" if file == other else f"row {first} of {file} and row {second} of {other}"
    return DataError(f"{long.label}model {model!r} has {long.name_place(int(places[rows[0]]))} twice: {shown}{more}")


def _lacking(long: LongRows, places: NDArray[np.intp]) -> DataError:
    """Return the error for the first model that lacks an id, by the places (N,) of the ids of all rows."""
    several = zip(long.models, long.rows, strict=True)
    model, rows = next((model, rows) for model, rows in several if len(rows) < len(long.names))
    place = int((np.bincount(places[rows], minlength=len(long.names)) == 0).argmax())
    other = next(m for m, its in zip(long.models, long.rows, strict=True) if (places[its] == place).any())
    problem = f"model {model!r} has no row with {long.name_place(place)}, which model {other!r} has"
    return DataError(f"{long.label}{problem} ({_lacks(long)})", Hint.OMIT_MISSING)


def _lacks(long: LongRows) -> str:
    """Return which models lack how many ids; none has one twice."""
    total = len(long.names)
    some = [(model, total - len(rows)) for model, rows in zip(long.models, long.rows, strict=True) if len(rows) < total]
    shown = [f"model {model!r} lacks {count}" for model, count in some[:MAX_MODELS_COUNTED]]
    more = f" and {len(some) - len(shown)} more models lack some" if len(some) > len(shown) else ""
    return f"{', '.join(shown)} of {total}{more}"


def _check_agreement(long: LongRows, name: str) -> None:
    """Raise a DataError if models differ in a column that must be the same for all."""
    values = long.columns[name]
    comparable = values.codes if isinstance(values, CodedText) else values
    first = comparable[long.rows[0]]
    for model, rows in zip(long.models[1:], long.rows[1:], strict=True):
        other = comparable[rows]
        differ = first != other
        if comparable.dtype.kind == "f":
            differ &= ~(np.isnan(first) & np.isnan(other))
        differ = differ.reshape(len(differ), -1).any(axis=1)
        if differ.any():
            place, count = int(differ.argmax()), int(differ.sum())
            shown = [_cell_text(values[each[place]]) for each in (rows, long.rows[0])]
            both = f"model {model!r} has {shown[0]}, model {long.models[0]!r} {shown[1]}"
            more = f" ({count} such ids)" if count > 1 and long.id else f" ({count} such rows)" if count > 1 else ""
            hint = Hint.PAIR_IN_ORDER_OR_BY_ID if long.id is None else None
            raise DataError(f"{long.label}column {name!r}, {long.name_place(place)}: {both}{more}", hint)


def _cell_text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return shorten(value.tolist())
    return number_text(value) if isinstance(value, float) else "nothing" if value is None else shorten(value)
