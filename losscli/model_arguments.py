"""Models of the Python API that are given apart from the data: as paths, frames or arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from losscli.data.frames import as_array, frame_columns
from losscli.data.interchange import is_arrow, materialize
from losscli.data.named_columns import is_dataset
from losscli.data.sources import ReadOptions, Sources
from losscli.data.table import ArraysTable, RowNumbers, Table
from losscli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from losscli.pipeline import OpenSources


def read_models(models: Any) -> Any:
    """Return models as name -> path, frame or array if they are files, a frame or a mapping, else as they are."""
    paths = [models] if isinstance(models, (str, os.PathLike)) else models
    if isinstance(paths, (list, tuple)) and paths and all(map(_is_file, paths)):
        from losscli.data.model_sources import find_model_files

        return find_model_files([*map(os.fspath, paths)])
    models = dict(models.data_vars) if is_dataset(models) else materialize(models, "models")
    models = frame_columns(models) or models
    if not isinstance(models, Mapping):
        return models
    return {str(name): materialize(value, str(name)) for name, value in models.items()}


def _is_file(name: Any) -> bool:
    """Return whether a name is a path, or a pattern of some: one without a folder is that of columns."""
    if not isinstance(name, str):
        return isinstance(name, os.PathLike)
    import glob

    return os.path.isfile(name) or ("/" in name and any(glob.iglob(name)))


def models_apart(models: Any, data: Any) -> dict[str, Any]:
    """Return those models, as they were read, that are no columns of the data and no arrays beside y_true."""
    if not isinstance(models, dict):
        return {}
    is_apart = data is not None or any(_is_path_or_frame(value, name) for name, value in models.items())
    return models if is_apart else {}


def _is_path_or_frame(value: Any, name: str) -> bool:
    """Return whether a value is a path or a frame: a table of more than one array."""
    return isinstance(value, (str, os.PathLike, Mapping)) or frame_columns(value, name) is not None


def check_models_apart(given: Mapping[str, Any], arrays: Mapping[str, Any], model_column: str | None) -> None:
    """Raise a UsageError if models that are given apart are given in another way, too."""
    if given and "y_pred" in arrays:
        raise UsageError("models hold the predictions: leave out y_pred")
    if given and model_column is not None:
        problem = "names the models of one table: leave it out, or leave out models"
        raise UsageError(problem, option=("model_column", model_column))


def table_of_model(name: str, value: Any, table_of: Callable[[Any, Mapping[str, Any]], Table]) -> Table | str:
    """Return the table of a model's predictions, or its path.

    Raises:
        DataError: It is no array.
    """
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    columns = value if isinstance(value, Mapping) else frame_columns(value, name)
    if columns is None and not (is_arrow(value) and hasattr(value, "column_names")):
        table: Table = ArraysTable("", "arrays", {"y_pred": as_array(value, name)})
    else:
        table = table_of(value, columns or {})
    table.name = f"model {name!r}"
    table.row_numbers = RowNumbers(table.name)
    return table


def open_with_tables(
    open_truth: OpenSources | None, given: Mapping[str, Table | str], requested: Mapping[str, str], options: ReadOptions
) -> OpenSources:
    """Return what opens the predictions of models, and the data with the truth; without, each of them holds it."""
    if open_truth is not None and not given:
        return open_truth
    from losscli.data.model_sources import holds_truth, no_truth, open_model

    def open_all(roles: Sequence[str]) -> Sources:
        with ExitStack() as opened:  # closes what was opened if the next one cannot be
            models = {
                name: opened.enter_context(closing(open_model(name, one, options) if isinstance(one, str) else one))
                for name, one in given.items()
            }
            if open_truth is not None:
                sources = open_truth(roles)
                table = sources.common
                if table is not None and "y_true" in roles and "y_true" not in sources.by_role:
                    sources = sources._replace(by_role={**sources.by_role, "y_true": table})
            elif all(holds_truth(table, requested, roles) for table in models.values()):
                sources = Sources(next(iter(models.values())))
            else:
                raise no_truth(models, requested, roles)
            opened.pop_all()
        return sources._replace(models=models)

    return open_all
