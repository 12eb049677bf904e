"""The files of the predictions of several models: which they are, what the models are called, and the truth for all.

A model is typed as NAME=FILE, as a file alone, or as a pattern whose `*` is the name of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing

from losscli.data import remote
from losscli.data.data_arguments import check_text_options, split_role
from losscli.data.files import ENDINGS_OF_PACKED_FILES, FORMAT_BY_ENDING, STDIN
from losscli.data.folders import FILE_COLUMN, find_files
from losscli.data.prefetch import ordered_map
from losscli.data.role_names import has_prefix, usual_names
from losscli.data.sources import REMOTE_FILES_AHEAD, ReadOptions, Sources, open_data, open_table
from losscli.data.table import Table
from losscli.errors import DataError, UsageError
from losscli.messages import Hint

_NAME_AND_FILE = re.compile(r"([^=＝/\\]+)[=＝](.+)", re.DOTALL)

TRUTHS = {"y_true": ("log_prob",), "time": ("lower",)}
"""The role of the targets, and those that hold targets or need none: log-probabilities, bounds of a time."""

_STARS = re.compile(r"\*\*/|\*+|\?|\[[^\]]+\]")
"""The marks of a pattern."""


def find_model_files(given: Sequence[str]) -> dict[str, str]:
    """Return the name of each model and its file.

    Args:
        given: NAME=FILE, where FILE may be a folder or a pattern of parts of one table; a file, which is called by its
            name without the ending, or by the part of the path that differs; a pattern of one file a model.

    Raises:
        UsageError: Two models have the same name.
        DataError: No file matches a pattern.
    """
    found: list[tuple[str, str, str]] = []  # name, file, as typed
    for text in given:
        name, path = _split_name(text)
        if name is not None:
            found.append((name, path, text))
        elif _is_pattern(path):
            paths = [file.path for file in find_files(_local(path))]
            found += [
                (called, file, text) for called, file in zip(names_by_pattern(_local(path), paths), paths, strict=True)
            ]
        else:
            found.append(("", path, text))
    bare = [path for name, path, _ in found if not name]
    names = iter(names_by_path(bare))
    models: dict[str, str] = {}
    for name, path, text in found:
        called = name or next(names)
        if called in models:
            both = " and ".join(map(remote.hide_credentials, (models[called], path)))
            raise UsageError(f"two models are called {called!r}: {both}", Hint.NAME_MODEL, option=("model", text))
        models[called] = path
    return models


def names_by_pattern(pattern: str, paths: Sequence[str]) -> list[str]:
    """Return what the marks of a pattern stand for in each path; of several marks those that differ, joined by `/`."""
    expression, at = "", 0
    for mark in _STARS.finditer(pattern):
        expression += re.escape(pattern[at : mark.start()])
        known = {"**/": "((?:.*/)?)", "**": "(.*)", "*": "([^/]*)"}
        expression += known.get(mark[0], "([^/])")  # ? or a class such as [ab]: the files match already
        at = mark.end()
    compiled = re.compile(expression + re.escape(pattern[at:]), re.DOTALL)
    matches = [compiled.fullmatch(path) for path in paths]
    parts = [match.groups() for match in matches if match is not None]
    if len(parts) < len(paths):  # the paths are spelled in another way than the pattern
        return names_by_path(paths)
    differing = [i for i, values in enumerate(zip(*parts, strict=True)) if len(set(values)) > 1]
    chosen = differing or range(len(parts[0]))
    return [_stem("/".join(filter(None, (own[i].strip("/") for i in chosen)))) for own in parts]


def names_by_path(paths: Sequence[str]) -> list[str]:
    """Return the name of each file without its ending; if some are the same, the parts of the paths that differ."""
    stems = [_stem(os.path.basename(path.rstrip("/"))) for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    parts = [[*filter(None, os.path.dirname(path).split("/")), stem] for path, stem in zip(paths, stems, strict=True)]
    fewest = min(map(len, parts))
    start = next((i for i in range(fewest) if len({own[i] for own in parts}) > 1), fewest)
    ends = (i for i in range(fewest - start) if len({own[-1 - i] for own in parts}) > 1)
    end = next(ends, fewest - start)
    return ["/".join(own[start : len(own) - end]) or stem for own, stem in zip(parts, stems, strict=True)]


def _stem(name: str) -> str:
    """Return a name without the endings of formats and of compression."""
    stem, ending = os.path.splitext(name)
    if stem and ending.lower() in ENDINGS_OF_PACKED_FILES:
        name, (stem, ending) = stem, os.path.splitext(stem)
    return stem if stem and ending.lower() in FORMAT_BY_ENDING else name


def _split_name(text: str) -> tuple[str | None, str]:
    """Return the name and the file of NAME=FILE, or None and what is a file or a pattern as a whole.

    Raises:
        UsageError: It is both, or one of the two is empty.
    """
    match = _NAME_AND_FILE.fullmatch(text)
    if match is None:
        if not _is_there(text) and (text.startswith("=") or text.endswith("=")):
            problem = f"has no {'name before' if text.startswith('=') else 'file after'} the ="
            raise UsageError(problem, option=("model", text))
        return None, text
    name, path = match.groups()
    if not _is_there(text):
        return name, path
    if os.path.exists(path):
        problem = f"is a file, and could mean {path} for {name!r}: type ./{text} or {name}=./{path}"
        raise UsageError(problem, option=("model", text))
    return None, text


def _is_there(path: str) -> bool:
    """Return whether there is a file at a path, or a pattern has one."""
    import glob

    return os.path.exists(path) or ("*" in path and "://" not in path and any(glob.iglob(path)))


def _is_pattern(path: str) -> bool:
    """Return whether a path is a pattern, and no file."""
    if "://" in path and remote.is_uri(path):
        return "*" in path
    return not os.path.exists(path) and any(mark in path for mark in "*?[")


def _local(path: str) -> str:
    return remote.strip_file_scheme(path) if "://" in path else path


def open_model(name: str, path: str, options: ReadOptions) -> Table:
    """Open the predictions of a model.

    Raises:
        DataError: The file cannot be read; the message names the model.
    """
    try:
        return open_table(path, "y_pred", options, name)
    except DataError as error:
        known = f"model {name!r}"
        raise error if known in str(error) else DataError(error.message.after(f"{known}: ")) from None


def open_with_models(
    data: Sequence[str] | None,
    given: Sequence[str],
    roles: Sequence[str],
    options: ReadOptions,
    groups: Sequence[str],
    requested: Mapping[str, str],
) -> Sources:
    """Open the files of models, and DATA with the truth: without DATA, that is in each of them or comes through a pipe.

    Args:
        data: DATA as typed; None if there is none, and none can be read from standard input.
        given: The files of models as typed.
        roles: The roles that losses read.
        options: How to read.
        groups: The columns that make groups.
        requested: Role -> columns.

    Raises:
        UsageError: Two models have the same name, or DATA has predictions as well.
        DataError: A file cannot be read, or nothing holds the truth.
    """
    files = find_model_files(given)
    n_piped = [*files.values(), *(data or ())].count(STDIN)
    if n_piped > 1:
        raise UsageError("standard input can be read only once")
    with ExitStack() as opened:  # closes what was opened if the next one cannot be
        models: dict[str, Table] = {}
        jobs = REMOTE_FILES_AHEAD if any(map(remote.is_uri, files.values())) else 1
        for (name, _), table in ordered_map(lambda model: open_model(*model, options), [*files.items()], jobs):
            if isinstance(table, Exception):
                raise table
            models[name] = opened.enter_context(closing(table))
        if data or not all(holds_truth(table, requested, roles) for table in models.values()):
            if not data and (data is None or n_piped):
                raise no_truth(models, requested, roles)
            sources = open_truth(data or (STDIN,), models, roles, options, groups, requested)
        else:
            check_text_options([*models.values()], options)
            sources = Sources(next(iter(models.values())))
        opened.pop_all()
    return sources._replace(models=models)


def open_truth(
    data: Sequence[str],
    models: Mapping[str, Table],
    roles: Sequence[str],
    options: ReadOptions,
    groups: Sequence[str],
    requested: Mapping[str, str],
) -> Sources:
    """Open DATA, a table of the truth with what else belongs to the rows, or ROLE=FILE."""
    bare = [argument for argument in data if split_role(argument, roles)[0] is None]
    named = [argument for argument in data if argument not in bare]
    by_file = FILE_COLUMN in groups
    if len(bare) > 1 and not by_file:
        problem = f"{len(bare)} files without a role: one holds the truth, and the models have files of their own"
        raise UsageError(problem, Hint.QUOTE_PATTERN, option=("model", ""))
    as_truth = bool(bare) and "y_true" in roles and not any(text.startswith("y_true=") for text in named)
    given = [*named, *(f"y_true={path}" if as_truth else path for path in bare)]
    try:
        sources = open_data(given, roles, options, by_file, others=[*models.values()])
    except DataError as error:
        is_nothing = data == (STDIN,) and str(error).endswith("is empty")
        raise no_truth(models, requested, roles) if is_nothing else error from None
    if "y_pred" in sources.by_role:
        sources.close()
        raise UsageError("y_pred is read from the files of the models: leave out one of the two", option=("model", ""))
    return sources._replace(common=sources.by_role["y_true"]) if as_truth else sources


def truth_of(roles: Sequence[str]) -> tuple[str, ...]:
    """Return the role of the targets and those that losses read in its place; none if they read no targets."""
    first = next((role for role in TRUTHS if role in roles), None)
    return () if first is None else (first, *(role for role in TRUTHS[first] if role in roles))


def holds_truth(table: Table, requested: Mapping[str, str], roles: Sequence[str]) -> bool:
    """Tell whether a table of predictions holds the targets of losses as well, by the names of its columns."""
    truth = truth_of(roles)
    return not truth or any(_holds(role, table, requested) for role in truth)


def _holds(role: str, table: Table, requested: Mapping[str, str]) -> bool:
    """Tell whether a table has a column that is called like a role, or that was requested for it."""
    named = requested.get(role)
    if named is not None:
        import fnmatch

        pieces = [named, *named.replace("，", ",").split(",")]
        return any(fnmatch.fnmatchcase(column.name, piece) for column in table.columns for piece in pieces)
    names = [column.name.lower() for column in table.columns]
    several = ("y_true", "true", "target", "truth", "actual", "gt", "ground_truth") if role == "y_true" else ()
    return any(name in usual_names(role) or any(has_prefix(name, one) for one in several) for name in names)


def no_truth(models: Mapping[str, Table], requested: Mapping[str, str], roles: Sequence[str]) -> DataError:
    """Return the error that neither DATA nor all files of models hold the targets."""
    table = next((table for table in models.values() if not holds_truth(table, requested, roles)), None)
    label = table.label if table is not None else ""
    truth = truth_of(roles)
    return DataError(f"{label}holds no {' or '.join(truth)}, and no data does", Hint.GIVE_DATA, role=truth[0])
