"""Bind the roles that each of several models has for itself to columns: of one table, or of the models' files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from losscli.data.columns import Binder
from losscli.data.dataset import Dataset
from losscli.data.labels import Endings, align_columns
from losscli.data.model_roles import SHARED_ROLES, model_role
from losscli.data.role_columns import RoleColumns
from losscli.declaration.domains import Domain
from losscli.declaration.loss import BoundLoss
from losscli.declaration.row_lists import QUERY
from losscli.errors import DataError, UsageError
from losscli.evaluation.shapes import takes
from losscli.messages import Hint, Message, did_you_mean, join_names
from losscli.options import EvaluationOptions


def find_own_roles(
    losses: Sequence[BoundLoss],
    binder: Binder,
    found: Mapping[str, RoleColumns],
    domains: Mapping[str, Sequence[Domain]],
    options: EvaluationOptions,
) -> dict[str, dict[str, RoleColumns]]:
    """Return role -> model -> its columns, of the roles that models have for themselves; empty if none are named.

    Raises:
        UsageError: A model is named twice, or the losses read no predictions.
        DataError: A column is missing, or models predict different classes.
    """
    if binder.sources.models:
        predicted = find_predicted_roles(losses, binder, found, domains)
        if not predicted:
            raise no_models_error(losses)
        return find_in_model_files(binder, found, domains, predicted)
    models = {} if options.models is None else find_models(losses, binder, found, domains, options)
    return {"y_pred": models} if models else {}


def find_predicted_roles(
    losses: Sequence[BoundLoss],
    binder: Binder,
    found: Mapping[str, RoleColumns],
    domains: Mapping[str, Sequence[Domain]],
) -> list[str]:
    """Return what the files of models predict: y_pred, or the roles of a form without it that the first one names."""
    table = next(iter(binder.sources.models.values()))
    if "y_pred" in domains and ("y_pred" in binder.requested or binder.holds("y_pred", domains["y_pred"], table)):
        return ["y_pred"]
    for form in (form for loss in losses for form in loss.loss.forms if "y_pred" not in form.names):
        needed = [role.name for role in form.roles if not role.optional and role.name not in SHARED_ROLES]
        theirs = [role for role in needed if binder.find(role, domains[role], of_model=table)]
        if theirs and all(role in theirs or role in found for role in needed):
            return theirs
    return ["y_pred"] if "y_pred" in domains else []


def find_models(
    losses: Sequence[BoundLoss],
    binder: Binder,
    found: Mapping[str, RoleColumns],
    domains: Mapping[str, Sequence[Domain]],
    options: EvaluationOptions,
) -> dict[str, RoleColumns]:
    """Return model -> its predictions: as named, or each column of y_pred if no loss takes them together.

    Raises:
        UsageError: A model is named twice.
        DataError: A column is missing, or models predict different classes.
    """
    named_models = options.models or ()
    if "y_pred" not in domains:
        return {}
    if len(named_models) > 1:
        named = [(name_model(text), text) for text in named_models]
        twice = next((name for name, count in Counter(name for name, _ in named).items() if count > 1), None)
        if twice:
            raise UsageError(f"two models are called {twice!r}", option=("models", ",".join(named_models)))
        models = {name: bound for name, text in named if (bound := binder.find("y_pred", domains["y_pred"], text))}
        check_same_classes(models)
        return models
    predicted = found.get("y_pred")
    if predicted is None or "y_true" not in found or len(predicted.columns) < 2:
        return {}
    shapes = {role: columns.shape for role, columns in found.items()}
    if any(takes(form, shapes) for loss in losses for form in loss.loss.forms):
        return {}
    return {column.name: predicted._replace(columns=(column,), endings=Endings(())) for column in predicted.columns}


def check_reference(reference: str | None, models: Sequence[str]) -> None:
    """Check that the model named as the reference is there.

    Raises:
        UsageError: It is not, or there is only one model.
    """
    if reference is None or reference in models:
        return
    if not models:
        raise UsageError("is for several models, and there is only one", option=("reference", reference))
    meant = f"{did_you_mean(reference, models)} the models are".lstrip()
    raise UsageError(f"there is no such model; {meant} {', '.join(models)}", option=("reference", reference))


def name_model(text: str) -> str:
    """Return the name of a model: its column, or the common prefix of its columns."""
    first, comma, _ = text.partition(",")
    start = text.partition("*")[0] if "*" in text else first.rpartition("_")[0] if comma else ""
    return start.rstrip("_[-. ") or text


def check_same_classes(models: Mapping[str, RoleColumns]) -> None:
    """Raise a DataError if models predict different classes, or other numbers of values a row."""
    (first, expected), *others = models.items()
    for name, bound in others:
        label = bound.table.label
        mine, theirs = expected.shape[1:], bound.shape[1:]
        is_known = 0 not in (*mine, *theirs)  # lists whose length is not known yet
        if is_known and (mine or (1,)) != (theirs or (1,)):
            counts = [math.prod(shape) for shape in (mine, theirs)]
            words = [f"{count} column{'s' if count > 1 else ''}" for count in counts]
            if counts[0] == counts[1]:  # the axes are in another order
                words = [f"rows of shape {shape}" for shape in (mine, theirs)]
            raise DataError(f"{label}model {first!r} has {words[0]}, model {name!r} has {words[1]}")
        if expected.names and bound.names and sorted(bound.names) != sorted(expected.names):
            classes = f"{first!r} {', '.join(expected.names)}; {name!r} {', '.join(bound.names)}"
            raise DataError(f"{label}the models predict different classes: {classes}")


def find_in_model_files(
    binder: Binder, found: Mapping[str, RoleColumns], domains: Mapping[str, Sequence[Domain]], predicted: Sequence[str]
) -> dict[str, dict[str, RoleColumns]]:
    """Return role -> model -> its columns, of roles that models have in files of their own.

    These are what is `predicted`, and others such as a variance where the files have them: a model whose file has none
    takes that of the data. Shared roles, such as y_true, are there for models but the first if no other data has them.

    Raises:
        DataError: A model lacks a role, or predicts other classes than the first.
    """
    sources = binder.sources
    data = None if sources.models_hold_all else sources.common
    unused = None if data is None else next((c.name for c in data.columns if c.name.lower() == "y_pred"), None)
    if (
        data is not None
        and unused is not None
        and not any(data.inputs == its.inputs for its in sources.models.values())
    ):
        problem = f"{data.label}column {unused!r} is not used: the models have files of their own"
        binder.note(Message(problem, Hint.FILE_AS_MODEL, path=data.name))
    own: dict[str, dict[str, RoleColumns]] = {}
    for role in predicted:
        its = {name: binder.find(role, domains[role], of_model=table) for name, table in sources.models.items()}
        own[role] = {name: columns for name, columns in its.items() if columns is not None}
        lacking = next((name for name in its if name not in own[role]), None)
        if lacking is not None:
            raise binder.missing_error([role], f"model {lacking!r}", sources.models[lacking])
        check_same_classes(own[role])
    for role, several in domains.items():
        if role in ("y_pred", *predicted, *SHARED_ROLES) or not all(domain.per_row for domain in several):
            continue
        theirs = {
            name: columns
            for name, table in sources.models.items()
            if binder.has_requested(role, table) and (columns := binder.find(role, several, of_model=table))
        }
        common = None if sources.models_hold_all else found.get(role)
        lacking = next((name for name in sources.models if theirs and name not in theirs), None)
        if lacking is not None and common is None:
            raise binder.missing_error([role], f"model {lacking!r}", sources.models[lacking])
        if theirs:
            own[role] = {name: theirs.get(name) or found[role] for name in sources.models}
    if sources.models_hold_all:
        for role in SHARED_ROLES:
            own[role] = dict(_find_shared_copies(binder, role, domains, role in found))
    return own


def _find_shared_copies(
    binder: Binder, role: str, domains: Mapping[str, Sequence[Domain]], is_in_first: bool
) -> list[tuple[str, RoleColumns]]:
    """Return each model but the first with the columns of a shared role in its file.

    Raises:
        DataError: A file lacks the targets that the first one has.
    """
    if role == "weight" and role not in binder.requested:
        return []
    copies = []
    for name, table in [*binder.sources.models.items()][1:]:
        if role == "weight":
            several: Sequence[Domain] = (Domain(("N",)),)
            columns = binder.find(role, several, of_model=table) if binder.has_requested(role, table) else None
        else:
            several = domains.get(role, ())
            columns = binder.find(role, several, of_model=table)
            if columns is None and is_in_first and role != QUERY:
                raise binder.missing_error([role], f"model {name!r}", table)
        if columns is not None:
            copies.append((name, columns))
    return copies


def names_of_models(own: Mapping[str, Mapping[str, RoleColumns]]) -> tuple[str, ...]:
    """Return the names of models, given the roles that they have for themselves."""
    return next((tuple(its) for role, its in own.items() if role not in SHARED_ROLES), ())


def model_columns(
    own: Mapping[str, Mapping[str, RoleColumns]], columns: Mapping[str, RoleColumns], losses: Sequence[BoundLoss]
) -> dict[str, RoleColumns]:
    """Return the columns of several models by the names of their roles; none if there is one model.

    Args:
        own: Role -> model -> its columns.
        columns: The columns of the roles that the losses read; models have their classes in the order of these.
        losses: The losses.

    Raises:
        UsageError: The losses read no predictions.
    """
    models = names_of_models(own)
    if models and not any(role in columns for role in own if role not in SHARED_ROLES):
        raise no_models_error(losses)
    return {
        model_role(role, name): align_columns(columns["y_pred"], its) if role == "y_pred" else its
        for role, several in own.items()
        for name, its in several.items()
        if len(models) > 1 and (role in columns or role in SHARED_ROLES)
    }


def separate_models(dataset: Dataset, model_column: str, losses: Sequence[BoundLoss]) -> Dataset:
    """Return a dataset of predictions in long form as one of several models.

    Raises:
        UsageError: Models are named in another way, too, or the losses read no predictions.
        DataError: The rows of models cannot be paired.
    """
    if dataset.models:
        problem = f"models are {join_names(dataset.models)} already: leave one out"
        raise UsageError(problem, option=("model_column", model_column))
    if all(role in SHARED_ROLES for role in dataset.bound):
        raise no_models_error(losses)
    from losscli.data.pivot import pivot

    return pivot(dataset, model_column)


def no_models_error(losses: Sequence[BoundLoss]) -> UsageError:
    """Return the error that a loss has no predictions by which models could be compared."""
    return UsageError(f"{losses[0].label} reads nothing that models predict: there are no models to compare by it")
