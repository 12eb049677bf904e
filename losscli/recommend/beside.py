"""Columns beside the targets that say more of a forecast: its variance, its quantiles, and which rows belong together.

Names say what they are: `y_var`, `sigma`, `q0.9`, `p90`, `lower_95`, `patient_id`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from losscli.data.batch import Batch
from losscli.data.column_words import suggest_column
from losscli.data.dataset import Dataset
from losscli.data.identifiers import has_identifier_name
from losscli.data.role_columns import RoleColumns
from losscli.data.role_names import usual_names
from losscli.data.said_columns import LEVEL_OF_END, NAME_OF_END, PredictedQuantile, find_quantiles
from losscli.data.sources import Sources
from losscli.data.table import Column, Kind, Table
from losscli.declaration.domains import Array, ValueOrigin
from losscli.errors import DataError
from losscli.messages import number_text

USUAL_LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Levels of intervals whose names do not say it."""

_PREDICTED = r"(?:(?:y|pred\w*|y_?hat|y_?pred\w*|forecast\w*|estimated|model|fitted)[_\-. ])?"
_VARIANCE = rf"(?i){_PREDICTED}(?:variance|var|sigma2|sigma_?sq(?:uared)?)(?:[_\-. ](?:pred|hat))?"
_DEVIATION = rf"(?i){_PREDICTED}(?:sigma|std|stdev|stddev|std_dev|sd)(?:[_\-. ](?:pred|hat))?"
_CENTRE = rf"(?i){_PREDICTED}(?:mean|mu|loc|expected|fit(?:ted)?|point|point[_\-. ]?forecast|forecast|estimate)"
_CLUSTER = (
    r"(?i)(?:.*[_\-. ])?(?:patient|subject|person|user|customer|client|participant|animal|site|hospital|clinic|centre"
    r"|center|school|student|store|shop|station|sensor|device|machine|video|session|series|item|product|sku|household"
    r"|family|cluster|group|speaker|document|scene|batch|lot|plot|well|id)s?(?:[_\-. ]?(?:id|no|nr|num|name))?"
)
_DATA_FILE_NAMES = ("y_true", "y_pred", "weight")


class BesideColumns(NamedTuple):
    """Names of columns beside a forecast.

    Attributes:
        variance: Predicted variances.
        deviation: Predicted standard deviations.
        quantiles: Predicted quantiles, by level.
        clusters: What rows may belong to.
        point: One of the quantiles, which stands for y_pred where no other column does.
        centre: The column that is y_pred by what stands beside it, where none has a usual name of that.
    """

    variance: str | None = None
    deviation: str | None = None
    quantiles: tuple[PredictedQuantile, ...] = ()
    clusters: tuple[str, ...] = ()
    point: str | None = None
    centre: str | None = None

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers."""
        spread = [name for name in (self.variance, self.deviation) if name is not None]
        return [*spread, *(quantile.column for quantile in self.quantiles)]


BESIDE_ROLE = "beside:"
"""The start of the roles of numbers beside a forecast."""

NOTHING_BESIDE = BesideColumns()


def find_beside(sources: Sources, columns: Mapping[str, str], level: float | None) -> BesideColumns:
    """Return the columns beside a forecast, by their names.

    Args:
        sources: The tables.
        columns: Role -> what was requested for it.
        level: The level of the quantile that is wanted as y_pred; None for any.

    Raises:
        DataError: The column that was requested for the variance or the scale does not exist.
    """
    table = sources.table("y_pred")
    if table is None or not table.has_names:
        return NOTHING_BESIDE
    numbers = [c.name for c in table.columns if is_plain(table, c) and c.kind is Kind.NUMBER]
    requested, named = columns.get("y_pred"), [c for role, c in columns.items() if role != "y_pred"]
    free = [name for name in numbers if name not in named and name.lower() not in _DATA_FILE_NAMES]
    quantiles = find_quantiles(free)
    variance = columns.get("variance", first_match(_VARIANCE, free))
    deviation = columns.get("scale", first_match(_DEVIATION, free))
    point = centre = None
    if requested is not None:
        chosen = [name for name in free if any(fnmatch.fnmatchcase(name, piece) for piece in requested.split(","))]
        of_chosen = find_quantiles(chosen)
        if len(chosen) > 1 and len(of_chosen) == len(chosen):
            quantiles, point = of_chosen, nearest_to(of_chosen, level)
        elif len(chosen) == 1 and of_chosen:
            quantiles, point = of_chosen, chosen[0]
    elif not any(name.lower() in usual_names("y_pred") for name in numbers):
        taken = {variance, deviation, *(quantile.column for quantile in quantiles)}
        is_there = level is not None and any(quantile.level == level for quantile in quantiles)
        if not is_there and (len(quantiles) > 1 or {variance, deviation} != {None}):
            centre = find_centre([name for name in free if name not in taken], quantiles)
        point = nearest_to(quantiles, level) if centre is None and len(quantiles) > 1 else None
    for spread in (variance, deviation):
        if spread is not None and spread not in numbers:
            raise DataError(f"{table.label}no column {spread!r} of numbers{suggest_column(spread, table)}")
    return BesideColumns(variance, deviation, quantiles, tuple(find_clusters(table)), point, centre)


def find_centre(names: Sequence[str], quantiles: Iterable[PredictedQuantile]) -> str | None:
    """Return the column that is called a mean or forecast, or as an interval without its end (`ets`, `ets-lo-80`)."""
    matches = [re.fullmatch(NAME_OF_END + LEVEL_OF_END, q.column.strip()) for q in quantiles if q.end]
    starts = {match["start"].rstrip("_-. ") for match in matches if match is not None}
    return first_match(_CENTRE, names) or next((name for name in names if name in starts), None)


def nearest_to(quantiles: Sequence[PredictedQuantile], level: float | None) -> str:
    """Return the column whose level is nearest to one, to 1/2 if none is wanted."""
    wanted = 0.5 if level is None else level
    return min(quantiles, key=lambda q: abs((q.level if q.level is not None else 0.25) - wanted)).column


def first_match(pattern: str, names: Iterable[str]) -> str | None:
    """Return the first of the names that matches a pattern."""
    return next((name for name in names if re.fullmatch(pattern, name.strip())), None)


def is_plain(table: Table, column: Column) -> bool:
    """Tell whether a column holds one value per row, under a name of its own."""
    return not column.trailing and bool(column.name) and column.name not in table.repeated


def find_clusters(table: Table) -> list[str]:
    """Return at most four columns by whose names rows may belong together."""
    named = [c.name for c in table.columns if is_plain(table, c) and re.fullmatch(_CLUSTER, c.name.strip())]
    return [name for name in named if not has_identifier_name(name) or repeats(table, name)][:4]


def repeats(table: Table, name: str) -> bool:
    """Tell whether values of a column are known to repeat: mostly, those of an identifier do not."""
    values = table.first_values(name)
    return values is not None and len({*values.tolist()}) < len(values)


class BesideDataset(Dataset):
    """A dataset that carries numbers beside its roles: one that is missing there matters to no row."""

    def batches_as_read(self) -> Iterator[Batch]:
        """Yield all rows in order, with the columns beside as floats among those that are carried."""
        for batch in super().batches_as_read():
            roles = [role for role in batch.arrays if role.startswith(BESIDE_ROLE)]
            batch.extras.update({role.removeprefix(BESIDE_ROLE): batch.arrays.pop(role) for role in roles})
            yield batch


def carry_beside(dataset: Dataset, beside: BesideColumns) -> tuple[Dataset, BesideColumns]:
    """Return the dataset with these columns carried along, and those of them that are no role or key of it.

    There are none beside several numbers per row.
    """
    if any(len(dataset.bound[role].shape) > 1 for role in ("y_true", "y_pred")):
        return dataset, NOTHING_BESIDE
    table = dataset.bound["y_pred"].table
    taken = {column.name for role, bound in dataset.bound.items() if role != "y_pred" for column in bound.columns}
    predicted = {column.name for column in dataset.bound["y_pred"].columns}
    spread = (beside.variance, beside.deviation)
    variance, deviation = (None if name in taken | predicted else name for name in spread)
    quantiles = tuple(q for q in beside.quantiles if q.column not in taken)
    point = beside.point or next((q.column for q in quantiles if predicted == {q.column}), None)
    clusters = tuple(c for c in beside.clusters if c not in taken | predicted and c != dataset.id)
    kept = BesideColumns(variance, deviation, quantiles, clusters, point)
    columns = {name: column for name in kept.numbers if (column := table.column(name)) is not None}
    bound = {BESIDE_ROLE + name: RoleColumns(BESIDE_ROLE + name, table, (column,)) for name, column in columns.items()}
    given = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
    given["bound"] = {**dataset.bound, **bound}
    given["extras"] = tuple(dict.fromkeys([*dataset.extras, *clusters]))
    given["policy"] = replace(dataset.policy, group_by=clusters)  # read by codes, as they repeat
    return BesideDataset(**given), kept


def numbers_beside(batch: Batch, column: str) -> Array:
    """Return a column that is carried as numbers (n,), NaN where one is missing."""
    return np.asarray(batch.extras[column], dtype=np.float64)


def with_numbers(batch: Batch, role: str, column: str) -> Batch:
    """Return a batch with a carried column as the values of a role; rows where it holds no number are left out."""
    known = batch.take(~np.isnan(numbers_beside(batch, column)))
    origin = ValueOrigin(role, batch.origins["y_true"].source, (column,), known.rows)
    arrays = known.arrays | {role: numbers_beside(known, column)}
    return replace(known, arrays=arrays, origins=known.origins | {role: origin})


def quantile_text(level: float) -> str:
    """Return a quantile loss as it is typed."""
    return f"quantile:tau={number_text(level)}"
