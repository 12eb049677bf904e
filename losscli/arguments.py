"""Arguments of the Python API: keywords, arrays and frames as losses, roles and tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.binding import role_names
from losscli.data.folders import FILE_COLUMN
from losscli.data.frames import as_array, check_index, column_names, frame_columns
from losscli.data.interchange import coded_text_of, import_array, is_arrow, is_row, materialize
from losscli.data.named_columns import NamedColumns, columns_of_records, is_data_array, is_dataset
from losscli.data.sources import ReadOptions, Sources, open_data
from losscli.data.table import ArraysTable, Kind, convert
from losscli.data.values import shorten
from losscli.declaration.domains.parameters import Choice
from losscli.declaration.loss import BoundLoss, Loss
from losscli.declaration.names import names_in_list, normalize_name
from losscli.errors import DataError, UsageError
from losscli.loss_function import LossFunction
from losscli.messages import Hint, warn_caller
from losscli.model_arguments import check_models_apart, models_apart, open_with_tables, table_of_model
from losscli.options import EvaluationOptions, UnknownOptionError

if TYPE_CHECKING:
    from losscli.data.table import Table

LossName = str | LossFunction | Loss
"""What stands for a loss: a name with parameters as typed, a function from `get_loss`, a declared loss."""


def split_losses(losses: Any) -> list[Any]:
    """Return what was given for losses as a list: one loss, or several in any sequence."""
    is_one = isinstance(losses, (str, bytes, LossFunction, Loss, BoundLoss))
    several = None if is_one else list_items(losses)
    return [losses] if several is None else several


def list_items(values: Any) -> list[Any] | None:
    """Return the items of an iterable, None if it is none, as arrays of no axis are not."""
    try:
        return list(values)
    except TypeError:
        return None


def bind_loss_name(loss: Any) -> str | BoundLoss:
    """Return a loss as typed, or with its parameters.

    Raises:
        UsageError: It is nothing that stands for a loss.
    """
    if isinstance(loss, (str, BoundLoss)):
        return loss
    if isinstance(loss, LossFunction):
        return loss.bound
    if isinstance(loss, Loss):
        return loss.bind({})
    raise UsageError(f"a loss is a name or a function from get_loss, not {shorten(loss)}", Hint.LIST_LOSSES)


def split_keywords(
    function: Callable[..., Any], losses: Sequence[LossName], keywords: Mapping[str, Any]
) -> tuple[list[BoundLoss], dict[str, ArrayLike]]:
    """Return the losses with the parameters among the keywords, and the roles among them.

    Raises:
        UsageError: A loss is unknown, or a keyword is neither a role nor a parameter of these losses.
    """
    if not losses:
        raise UsageError("no loss is named", Hint.LIST_LOSSES)
    given = [bind_loss_name(loss) for loss in losses]
    bound = pipeline.resolve_losses(given)
    roles = role_names(bound)
    arrays = {name: value for name, value in keywords.items() if name in roles and value is not None}
    params = {name: value for name, value in keywords.items() if name not in roles}
    known = {parameter.name for loss in bound for parameter in loss.loss.parameters}
    unknown = next((name for name in params if normalize_name(name) not in known), None)
    if unknown is not None:
        raise reject_keyword(function, unknown, [*roles, *sorted(known)])
    if not params:
        return bound, arrays
    named = [loss if isinstance(loss, str) else typed_name(loss) for loss in given]
    return pipeline.resolve_losses(named, plain_parameters(params)), arrays


def split_classes(losses: Sequence[LossName], classes: Any, keywords: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return `classes` as names, and the keywords; with `classes` among these if a loss takes one word for it."""
    if not isinstance(classes, str) or "," in classes:
        return classes, keywords
    bound = pipeline.resolve_losses([bind_loss_name(loss) for loss in losses])
    domains = [p.domain for one in bound for p in one.loss.parameters if p.name == "classes"]
    is_word = any(isinstance(domain, Choice) for domain in domains)
    return (None, keywords | {"classes": classes.lower()}) if is_word else (classes, keywords)


def split_baseline(losses: Sequence[LossName], baseline: Any, keywords: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the path of an earlier result, and the keywords; with `baseline` among these if it is an array."""
    if baseline is None or isinstance(baseline, (str, os.PathLike)):
        return baseline, keywords
    roles = role_names(pipeline.resolve_losses([bind_loss_name(loss) for loss in losses]))
    return (None, keywords | {"baseline": baseline}) if "baseline" in roles else (baseline, keywords)


def split_penalty(
    losses: Sequence[LossName], penalty: Any, parameters: Any, keywords: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return a penalty on parameters, and the keywords; with `penalty` among these if it is one of a loss."""
    if penalty is None or parameters is not None:
        return penalty, keywords
    bound = pipeline.resolve_losses([bind_loss_name(loss) for loss in losses])
    is_of_loss = any(parameter.name == "penalty" for loss in bound for parameter in loss.loss.parameters)
    return (None, keywords | {"penalty": penalty}) if is_of_loss else (penalty, keywords)


def typed_name(bound: BoundLoss) -> str:
    """Return a loss as it is typed, with all parameters that were set."""
    domains = {parameter.name: parameter.domain for parameter in bound.loss.parameters}
    settings = [f":{key}={domains[key].text(bound.params[key])}" for key in domains if key in bound.given]
    return bound.loss.name + "".join(settings)


def plain_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by name, with arrays and tensors as lists, or as a number if they hold one alone."""
    found = {}
    for name, value in params.items():
        is_array = hasattr(type(value), "__array__") and not isinstance(value, np.generic)
        found[normalize_name(name)] = import_array(value, name).tolist() if is_array else value
    return found


def reject_keyword(function: Callable[..., Any], unknown: str, known: Sequence[str] = ()) -> UnknownOptionError:
    """Return the error for a keyword that is neither an option of a function nor known otherwise."""
    import inspect

    if unknown in ("models", "model_column"):
        name = function.__name__
        return UnknownOptionError(f"{name}() takes one model, not {unknown}=: several are compared by losscli.compare")
    parameters = inspect.signature(function).parameters.values()
    options = [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    return UnknownOptionError.of_keyword(function.__name__, unknown, [*known, *options])


def split_names(option: str, names: Any) -> tuple[str, ...]:
    """Return names given as a sequence or a comma list.

    Raises:
        UsageError: They are neither, or one is named twice, as where values are given for names.
    """
    if names is None:
        return ()
    if isinstance(names, str):
        return tuple(names_in_list(names))
    given = None if isinstance(names, (bytes, Mapping)) else list_items(names)
    if given is None:
        raise UsageError(f"{option}: names are text or a list of it, not {shorten(names)}")
    wrong = next((name for name in given if is_row(name)), None)
    if wrong is not None:
        raise UsageError(f"{option}: names are text or a list of it, not {shorten(wrong)}")
    found = tuple(map(str, given))
    twice = next((name for i, name in enumerate(found) if name in found[:i]), None)
    if twice is not None:
        raise UsageError(f"{option}: {twice!r} is named twice; it takes names, not a value for each row")
    return found


def split_models(
    models: Any, data: Any, arrays: Mapping[str, Any], columns: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, Any], Mapping[str, str]]:
    """Return the names of models, the arrays with their predictions, and role -> columns.

    The only model is y_pred itself. Models that are given apart from the data have no names here.

    Raises:
        UsageError: Models are neither names nor a mapping, or they contradict other arguments.
    """
    found = dict(arrays)
    if not isinstance(models, Mapping):
        names = (models,) if isinstance(models, str) else split_names("models", models)
        if len(names) == 1 and isinstance(columns, Mapping):
            if "y_pred" in columns or "y_pred" in arrays:
                raise UsageError("models name the predictions: leave out y_pred")
            return (), found, {**columns, "y_pred": names[0]}
        return names, found, columns
    if models_apart(models, data):
        return (), found, columns
    predictions = {str(name): array for name, array in models.items()}
    twice = next((name for name in (*predictions, *(["y_pred"] if predictions else [])) if name in arrays), None)
    if twice is not None:
        raise UsageError(f"models hold the predictions: {twice} is given twice")
    if len(predictions) == 1:
        return (), found | {"y_pred": next(iter(predictions.values()))}, columns
    return tuple(predictions), found | predictions, columns


def split_cluster(cluster: Any, data: Any, arrays: Mapping[str, ArrayLike]) -> tuple[str | None, dict[str, ArrayLike]]:
    """Return the column of clusters, and the arrays with theirs if they are given as one.

    Raises:
        UsageError: They are an array, and the rows are not.
    """
    if cluster is None or isinstance(cluster, str):
        return cluster, dict(arrays)
    if not (is_row(cluster) or hasattr(cluster, "__array__") or is_arrow(cluster)):
        raise UsageError("is the name of a column, or an array", option=("cluster", cluster))
    if data is not None or not arrays:
        raise UsageError("an array of clusters needs y_true as an array; with data, cluster is the name of a column")
    if frame_columns(materialize(cluster, "cluster"), "cluster") is not None:
        raise UsageError("cluster is one column, not a frame: name it, or give its values")
    if "cluster" in arrays:
        raise UsageError("cluster is given twice: as clusters, and as predictions of a model")
    return "cluster", {**arrays, "cluster": cluster}


def path_or_none(option: str, path: Any) -> str | None:
    """Return a path as text.

    Raises:
        UsageError: It is no path.
    """
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)) or not isinstance(text := os.fspath(path), str):
        raise UsageError(f"{option}: must be a path, not {shorten(path)}")
    return text


def penalty_arrays(parameters: Any) -> Any:
    """Return the parameters of a penalty: a path as it is, or else a list of arrays.

    Raises:
        DataError: One is no array of numbers.
    """
    if parameters is None or isinstance(parameters, (str, os.PathLike)):
        return parameters
    if isinstance(parameters, Mapping):
        several = list(parameters.values())
    elif isinstance(parameters, Iterator):
        several = list(parameters)  # as `model.parameters()`
    elif isinstance(parameters, (list, tuple)) and any(is_row(item) for item in parameters):
        several = list(parameters)
    else:
        several = [parameters]
    arrays = [as_array(item, "parameters") for item in several]
    return [a if a.dtype.kind in "fiub" else convert(a, Kind.NUMBER, "", "parameters", 0) for a in arrays]


def bind_data(
    data: Any, arrays: Mapping[str, Any], options: EvaluationOptions, read_options: ReadOptions
) -> tuple[pipeline.OpenSources, EvaluationOptions]:
    """Return what opens the data and the arrays, and the options with `weight` taken from its array.

    Raises:
        UsageError: The data is of a kind that cannot be read.
        DataError: What is given for a role is no array.
    """
    options.check()
    apart = options.model_files if isinstance(options.model_files, Mapping) else {}
    check_models_apart(apart, arrays, options.model_column)
    if isinstance(data, Mapping) and not is_dataset(data):
        data, arrays, options = _split_frames(data, arrays, options)
    else:
        records = columns_of_records(data, "data")
        data = materialize(data, "data") if records is None else records
    arrays = {name: materialize(array, name) for name, array in arrays.items()}
    for role, array in arrays.items():
        if isinstance(array, (str, os.PathLike)):
            problem = f"{role} is the text {shorten(array)}, not an array of rows"
            raise UsageError(problem, Hint.COLUMN_OF_DATA, role=role, column=os.fspath(array))
    given = [*(data.items() if isinstance(data, Mapping) else [("data", data)]), *arrays.items(), *apart.items()]
    key = options.id
    check_index(
        ((name, value) for name, value in given if key is None or key not in (frame_columns(value, name) or ())),
        warn_caller,
    )
    by_name = {name: frame_columns(array, name) for name, array in arrays.items() if name not in (options.models or ())}
    by_role: dict[str, Table] = {}
    for name, columns in by_name.items():
        if columns is not None:
            by_role[name] = table_of(arrays[name], columns)
    plain = {name: array for name, array in arrays.items() if name not in by_role}
    twice = next((name for name in plain if name in options.columns), None)
    if twice is not None:
        raise UsageError(f"{twice} is given as an array, and as a column", option=("columns", dict(options.columns)))
    if [*plain] == [options.cluster]:
        raise UsageError("roles are frames, of which cluster is the name of a column, not an array")
    if "weight" in plain:
        options = options._replace(columns={"weight": "weight", **options.columns})
    tables = {name: table_of_model(name, value, table_of) for name, value in apart.items()}

    def beside_models(opener: pipeline.OpenSources | None) -> pipeline.OpenSources:
        return open_with_tables(opener, tables, options.columns, read_options)

    if data is None:
        own = ArraysTable("", "arrays", {n: as_array(a, n) for n, a in plain.items()}) if plain else None
        has_truth = bool(arrays) or not tables
        return beside_models((lambda roles: Sources(own, by_role, given=(*arrays,))) if has_truth else None), options
    by_role |= {name: ArraysTable("", "arrays", {name: as_array(array, name)}) for name, array in plain.items()}
    several = data if isinstance(data, (list, tuple)) else [data]
    if several and all(isinstance(path, (str, os.PathLike)) for path in several):
        paths = [path_or_none("data", path) or "" for path in several]

        def open_path(roles: Sequence[str]) -> Sources:
            if tables:
                from losscli.data.model_sources import open_truth

                opened = open_truth(paths, {}, roles, read_options, options.extras, options.columns)
            else:
                opened = open_data(paths, roles, read_options, FILE_COLUMN in options.extras)
            return opened._replace(by_role={**opened.by_role, **by_role}, given=(*arrays,))

        return beside_models(open_path), options
    found = data if isinstance(data, Mapping) else frame_columns(data)
    if found is None and not (is_arrow(data) and column_names(data) is not None):
        raise UsageError(_explain_data(data))
    table = table_of(data, found or {})

    def open_table(roles: Sequence[str]) -> Sources:
        if isinstance(table, ArraysTable):
            table.check_readable([role for role in roles if role not in by_role])
        return Sources(table, by_role, given=(*arrays,))

    return beside_models(open_table), options


def _split_frames(
    data: Mapping[str, Any], arrays: Mapping[str, Any], options: EvaluationOptions
) -> tuple[dict[str, Any] | None, dict[str, Any], EvaluationOptions]:
    """Return a mapping without the frames of several columns that it holds for a role, which become arrays of roles.

    The names of their columns then say what is paired, and which class is which.
    """
    data = {str(name): materialize(value, str(name)) for name, value in data.items()}
    role_of = {"y_true": "y_true", "y_pred": "y_pred", **{name: role for role, name in options.columns.items()}}
    frames = {}
    for name, role in role_of.items():
        is_free = (
            role not in arrays and (name not in (options.models or ())) and options.columns.get(role, name) == name
        )
        if name in data and is_free and len(frame_columns(data[name], name) or ()) > 1:
            frames[name] = role
    rest = {name: value for name, value in data.items() if name not in frames}
    columns = {role: name for role, name in options.columns.items() if frames.get(name) != role}
    moved = {role: data[name] for name, role in frames.items()}
    return rest or (None if frames else {}), {**moved, **arrays}, options._replace(columns=columns)


def _explain_data(data: Any) -> str:
    """Return why something is no data."""
    names, kind = column_names(data) or [], type(data).__name__
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        return f"data: two columns are called {twice!r}"
    remedy = "arrays are given as y_true=, y_pred="
    if hasattr(type(data), "read"):
        remedy = "give the path of an open file, or pandas.read_csv(data)"
    elif isinstance(data, bytes):
        remedy = "os.fsdecode(data) is a path"
    elif isinstance(data, Iterator):
        remedy = "list(data) can be read more than once"
    elif is_data_array(data):
        remedy = "data.to_dataset(dim=...) has a column for each label of a dimension"
    elif hasattr(type(data), "get_group") or hasattr(type(data), "agg"):
        remedy = "give the frame itself, and group_by= the columns of the groups"
    elif hasattr(type(data), "to_table"):
        remedy = "data.to_table() reads it"
    elif isinstance(data, (list, tuple)) and data and hasattr(type(data[0]), "columns"):
        remedy = "pandas.concat(data), polars.concat(data) or pyarrow.Table.from_batches(data) is one frame"
    elif isinstance(data, (list, tuple)):
        remedy = "records are a list of dicts, named tuples or dataclasses; arrays are given as y_true=, y_pred="
    return f"data is a path, a frame or a mapping of names to arrays, not of type {kind}; {remedy}"


def table_of(value: Any, columns: Mapping[str, Any]) -> Table:
    """Return a table of the columns of a frame or a mapping; columns that cannot be read matter only if wanted."""
    if is_arrow(value):
        from losscli.data.arrow_frame import ArrowFrame

        return ArrowFrame(value)
    arrays, unreadable = {}, {}
    for name, column in columns.items():
        try:
            coded = coded_text_of(column)
            arrays[name] = as_array(column, name) if coded is None else coded
        except DataError as error:
            unreadable[name] = error
    table = ArraysTable("", "arrays", arrays, unreadable)
    if isinstance(value, NamedColumns):
        table.index_columns = value.hidden
    return table
