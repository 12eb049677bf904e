"""Arguments of the Python API: keywords, arrays and frames as losses, roles and tables."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.binding import role_names
from losscli.data.frames import as_array, check_index, frame_columns
from losscli.data.sources import ReadOptions, Sources, open_data
from losscli.data.table import ArraysTable
from losscli.declaration.grammar import normalize_name
from losscli.declaration.loss import BoundLoss
from losscli.errors import UsageError
from losscli.loss_function import LossFunction
from losscli.options import EvaluationOptions, UnknownOptionError


def split_keywords(
    function: Callable[..., Any], losses: Sequence[str | LossFunction], keywords: Mapping[str, Any]
) -> tuple[list[BoundLoss], dict[str, ArrayLike]]:
    """Return the losses with the parameters among the keywords, and the roles among them.

    Raises:
        UsageError: A loss is unknown, or a keyword is neither a role nor a parameter of these losses.
    """
    wrong = [loss for loss in losses if not isinstance(loss, (str, LossFunction))]
    if wrong or not losses:
        problem = f"a loss is a name or a function from get_loss, not {wrong[0]!r}" if wrong else "no loss is named"
        raise UsageError(problem)
    given = [loss.bound if isinstance(loss, LossFunction) else loss for loss in losses]
    bound = pipeline.resolve_losses(given)
    roles = role_names(bound)
    arrays = {name: value for name, value in keywords.items() if name in roles and value is not None}
    params = {name: value for name, value in keywords.items() if name not in roles}
    known = {parameter.name for loss in bound for parameter in loss.loss.parameters}
    unknown = next((name for name in params if normalize_name(name) not in known), None)
    if unknown is not None:
        raise reject_keyword(function, unknown, [*roles, *sorted(known)])
    return pipeline.resolve_losses(given, params) if params else bound, arrays


def reject_keyword(function: Callable[..., Any], unknown: str, known: Sequence[str] = ()) -> UnknownOptionError:
    """Return the error for a keyword that is neither an option of a function nor known otherwise."""
    import difflib
    import inspect

    parameters = inspect.signature(function).parameters.values()
    options = [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    close = difflib.get_close_matches(unknown, [*known, *options], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join([*known, *options])}"
    return UnknownOptionError(f"{function.__name__}() got an unknown keyword {unknown!r} ({hint})")


def split_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return names given as a sequence or a comma list."""
    if not isinstance(names, (Iterable, type(None))):
        raise UsageError(f"names are text or a list of it, not {names!r}")
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(","))
    return () if names is None else tuple(map(str, names))


def bind_data(
    data: Any, arrays: Mapping[str, ArrayLike], options: EvaluationOptions, read_options: ReadOptions
) -> tuple[pipeline.OpenSources, EvaluationOptions]:
    """Return what opens the data and the arrays, and the options with `weight` taken from its array.

    Raises:
        UsageError: The data is of a kind that cannot be read.
    """
    given = [*(data.items() if isinstance(data, Mapping) else [("data", data)]), *arrays.items()]
    key = options.id
    check_index((name, value) for name, value in given if key is None or key not in (frame_columns(value) or ()))
    frames = {name: frame_columns(array) for name, array in arrays.items() if name not in (options.models or ())}
    by_role = {name: table_of(columns) for name, columns in frames.items() if columns is not None}
    plain = {name: array for name, array in arrays.items() if name not in by_role}
    if "weight" in plain:
        options = options._replace(columns={"weight": "weight", **options.columns})
    if data is None:
        own = table_of(plain) if plain else None
        return lambda roles: Sources(own, by_role), options
    by_role |= {name: table_of({name: array}) for name, array in plain.items()}
    if isinstance(data, (str, os.PathLike)):

        def open_path(roles: Sequence[str]) -> Sources:
            opened = open_data([os.fspath(data)], roles, read_options)
            return Sources(opened.common, {**opened.by_role, **by_role})

        return open_path, options
    columns = data if isinstance(data, Mapping) else frame_columns(data)
    if columns is None:
        raise UsageError(
            f"data is a path, a DataFrame or a mapping of names to arrays, not a {type(data).__name__}; arrays are "
            "given as y_true=, y_pred="
        )
    table = table_of({str(name): values for name, values in columns.items()})
    return lambda roles: Sources(table, by_role), options


def table_of(columns: Mapping[str, ArrayLike]) -> ArraysTable:
    """Return a table of columns of numbers, text or objects."""
    arrays = {name: as_array(values, name) for name, values in columns.items()}
    readable = {name: a if a.dtype.kind in "fiubOUS" else a.astype(object) for name, a in arrays.items()}
    return ArraysTable("", "arrays", readable)


def warn_caller(text: str) -> None:
    """Warn, pointing at the line outside of losscli that called it."""
    package = str(Path(__file__).parent) + os.sep
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)
