"""Losses meet data: which form of each loss the data has the roles for, as evaluators over one dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from losscli.data.batch import MODEL, RowPolicy
from losscli.data.columns import Binder, RoleColumns, label_of, suggest
from losscli.data.dataset import Dataset
from losscli.data.labels import class_names, in_order_of
from losscli.data.sources import Sources
from losscli.declaration.domains import Domain, ValueOrigin
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator, check_shape, choose_form, takes
from losscli.evaluation.run import RunState
from losscli.options import EvaluationOptions, check_choices, processors

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.options import Resampling


OBSERVED = ("y_true", "y_pred", "weight")
"""The roles that are looked at where no loss says what it reads."""


OTHER_ROLES = {"x1", "anchor", "embeddings", "distance"}
"""Roles of which nothing can be said by looking at y_true and y_pred."""


class _Target(Domain):
    """Numbers, or the names of classes: what y_true may be before anything is known of it."""

    is_label = True


def role_names(losses: Sequence[BoundLoss]) -> list[str]:
    """Every role that one of the losses can read, and `weight`."""
    names = [role.name for bound in losses for form in bound.loss.forms for role in form.roles]
    return list(dict.fromkeys([*names, "weight"]))


def bind(
    losses: Sequence[BoundLoss], sources: Sources, request: EvaluationOptions, note: Callable[[str], None]
) -> tuple[Dataset, RunState]:
    """Bind the roles of the losses to columns.

    Raises:
        UsageError: a role that was named is none of these losses; a gradient that a loss does not have.
        DataError: a column that is not there, or could be several.
    """
    check_choices(request)
    _check_roles(request, role_names(losses))
    resampling = _resampling(request)
    binder = Binder(sources, request.columns, request.id, note)
    domains = _domains(losses)
    found = {role: binder.find_one(role, several) for role, several in domains.items()}
    models = models_of(losses, binder, found, domains, request)
    if models:
        found["y_pred"] = next(iter(models.values()))
    bound: dict[str, RoleColumns] = {}
    evaluators = []
    for loss in losses:
        evaluator = _evaluator(loss, binder, found)
        evaluators.append(evaluator)
        names = [role.name for role in evaluator.form.roles]
        bound |= {name: b for name in names if (b := found[name]) is not None}
        if request.gradient and "gradient" not in evaluator.form.hooks:
            raise UsageError(f"{loss.label} has no gradient")
    if models and "y_pred" not in bound:
        raise UsageError(f"{evaluators[0].label} reads no y_pred: there are no models to compare by it")
    bound |= {MODEL + name: in_order_of(bound["y_pred"], model) for name, model in models.items()}
    dataset = replace(_dataset(bound, read_domains(evaluators), binder, request, note), models=tuple(models))
    return dataset, RunState(
        evaluators, request.reduction, request.gradient, request.group_by, resampling, request.value_only
    )  # fmt: skip


def _resampling(request: EvaluationOptions) -> Resampling | None:
    """How values are resampled, where an interval is asked for."""
    if {request.ci, request.resamples, request.seed, request.ci_method} == {None}:
        return None
    from losscli.statistics.bootstrap.options import parse_resampling

    return parse_resampling(request.ci, request.resamples, request.seed, request.ci_method)


def models_of(losses: Sequence[BoundLoss], binder: Binder, found: Mapping[str, RoleColumns | None],
              domains: Mapping[str, Sequence[Domain]], request: EvaluationOptions) -> dict[str, RoleColumns]:  # fmt: skip
    """Name -> predictions of several models: what was asked for, or each column where no loss takes them together.

    Raises:
        UsageError: one is named twice.
        DataError: a column that is not there; models that predict different classes.
    """
    if request.models is None or "y_pred" not in domains:
        return {}
    if len(request.models) > 1:
        named = [(_model_name(text), text) for text in request.models]
        twice = next((name for name, count in Counter(name for name, _ in named).items() if count > 1), None)
        if twice:
            raise UsageError(f"--pred: two models are called {twice!r}")
        return _same_shape({name: _predictions(binder, text, domains["y_pred"]) for name, text in named})
    predicted, true = found["y_pred"], found.get("y_true")
    if predicted is None or true is None or not predicted.several:
        return {}
    shapes = {role: b.shape for role, b in found.items() if b}
    if any(takes(form, shapes) for loss in losses for form in loss.loss.forms):
        return {}
    return {column.name: predicted._replace(columns=(column,), names=()) for column in predicted.columns}


def _model_name(text: str) -> str:
    """What a model is called: by its column, or by what its columns start with."""
    first, comma, _ = text.partition(",")
    start = text.partition("*")[0] if "*" in text else first.rpartition("_")[0] if comma else ""
    return start.rstrip("_[") or text


def _predictions(binder: Binder, text: str, domains: Sequence[Domain]) -> RoleColumns:
    bound = binder.asked("y_pred", text, domains)
    assert bound is not None
    return bound


def _same_shape(models: dict[str, RoleColumns]) -> dict[str, RoleColumns]:
    """The models, if all predict the same classes."""
    (first, expected), *others = models.items()
    for name, bound in others:
        if len(bound.columns) != len(expected.columns):
            raise DataError(f"{label_of(bound.table)}model {first!r} has {len(expected.columns)} columns, "
                            f"model {name!r} has {len(bound.columns)}")  # fmt: skip
        if sorted(bound.names) != sorted(expected.names):
            classes = f"{first!r} {', '.join(expected.names)}; {name!r} {', '.join(bound.names)}"
            raise DataError(f"{label_of(bound.table)}the models predict different classes: {classes}")
    return models


def _check_roles(request: EvaluationOptions, known: Sequence[str]) -> None:
    for role in request.columns:
        if role not in known:
            raise UsageError(f"no loss here reads {role!r}; the roles are {', '.join(known)}")


def _dataset(
    bound: dict[str, RoleColumns],
    domains: Mapping[str, Domain],
    binder: Binder,
    request: EvaluationOptions,
    note: Callable[[str], None],
) -> Dataset:
    """The dataset of roles that were found, with the weights that were asked for."""
    weight = binder.weight()
    if weight is not None and (weight.several or weight.columns[0].trailing not in ((), (1,))):
        raise DataError(f"{label_of(weight.table)}weight: one number a row is needed, not several columns")
    classes = class_names(bound, request.classes)
    if "y_true" in bound and "y_pred" in bound:
        bound["y_true"] = in_order_of(bound["y_pred"], bound["y_true"])
    dataset = Dataset(
        bound | ({"weight": weight} if weight else {}), domains, RowPolicy(request.nan), note, classes, request.id,
        (*request.group_by, *request.carry), jobs=request.jobs or processors(),
    )  # fmt: skip
    for name in (*request.group_by, *request.carry, *([request.id] if request.id else [])):
        if not any(table.column(name) for table in dataset.tables):
            raise DataError(f"{label_of(dataset.tables[0])}no column {name!r}{suggest(name, dataset.tables[0])}")
        if (table := next((t for t in dataset.tables if name in t.repeated), None)) is not None:
            raise DataError(f"{label_of(table)}two columns are called {name!r}")
    _note_shared(dataset, note)
    return dataset


def bind_for_recommend(sources: Sources, request: EvaluationOptions, note: Callable[[str], None]) -> Dataset:
    """Bind y_true and y_pred to columns, whatever they hold: numbers or labels, one or several a row.

    Raises:
        UsageError: a role that was named is none of these; a policy that there is not.
        DataError: a column that is not there, or could be several.
    """
    check_choices(request)
    _check_roles(request, OBSERVED)
    binder = Binder(sources, request.columns, request.id, note)
    found = {role: binder.find(role, one) or binder.find(role, several)
             for role, one, several in (("y_true", _Target(), _Target(("N,C",))),
                                        ("y_pred", Domain(), Domain(("N,C",))))}  # fmt: skip
    found |= binder.positional_pair(("y_true", "y_pred"), found)
    lacking = [role for role, b in found.items() if b is None]
    if lacking:
        error = binder.missing(lacking, "a recommendation")
        names = {column.name.lower() for table in sources.tables for column in table.columns}
        if names & OTHER_ROLES:
            raise DataError(f"{error}; losses of pairs, triplets and embeddings: 'losscli list --family metric'")
        raise error
    bound = {role: b for role, b in found.items() if b is not None}
    return _dataset(bound, {"y_true": _Target(), "y_pred": Domain()}, binder, request, note)


def columns_to_spell_out(
    losses: Sequence[BoundLoss], dataset: Dataset, sources: Sources, request: EvaluationOptions
) -> dict[str, str]:
    """The roles for which these losses would find other columns than the dataset has, and a comma list of its own."""
    binder = Binder(sources, request.columns, request.id, lambda text: None)
    domains = _domains(losses)
    theirs = {role: binder.find_one(role, several) for role, several in domains.items()}
    theirs |= binder.positional_pair(("y_true", "y_pred"), theirs)
    return {
        role: ",".join(column.name for column in mine.columns)
        for role, mine in dataset.bound.items()
        if role in domains and ((other := theirs.get(role)) is None or other.columns != mine.columns)
    }


def _note_shared(dataset: Dataset, note: Callable[[str], None]) -> None:
    """Files that are paired in order though they share a column: it may be a key, or they may be parts."""
    named = [table for table in dataset.tables if table.name and len(table.columns) > 1]
    if dataset.id or len(named) < 2:
        return
    first, second = named[:2]
    shared = [c.name for c in first.columns if second.column(c.name)]
    if {"y_true", "y_pred"} <= set(shared):
        note(f"{first.name} and {second.name} both hold y_true and y_pred: one is read from each; parts of one dataset "
             "are named by a folder or a quoted glob")  # fmt: skip
    elif shared:
        note(f"{first.name} and {second.name} both have a column {shared[0]!r}, but rows are paired in order; "
             f"--id {shared[0]} pairs them by it")  # fmt: skip


def _domains(losses: Sequence[BoundLoss]) -> dict[str, list[Domain]]:
    """Role -> the domains that its columns are looked for by, those that ask for most first."""
    domains: dict[str, list[Domain]] = {}
    for loss in losses:
        for form in loss.loss.forms:
            for role in form.roles:
                domains.setdefault(role.name, []).append(role.domain.with_params(loss.params))
    return {role: sorted(several, key=lambda d: (d.scalar, not d.is_label)) for role, several in domains.items()}


def read_domains(evaluators: Sequence[Evaluator]) -> dict[str, Domain]:
    """Role -> the domain that says how its columns are read: of several, labels that know their classes first."""
    domains: dict[str, Domain] = {}
    for evaluator in evaluators:
        for role in evaluator.form.roles:
            domain, other = role.domain.with_params(evaluator.bound.params), domains.get(role.name)
            if other is None or (domain.is_label, not domain.accepts_any_label) > (
                other.is_label,
                not other.accepts_any_label,
            ):
                domains[role.name] = domain
    return domains


def _evaluator(loss: BoundLoss, binder: Binder, found: dict[str, RoleColumns | None]) -> Evaluator:
    form = choose_form(loss, {role: b.shape for role, b in found.items() if b})
    if form is None:
        first = [role.name for role in loss.loss.forms[0].roles if not role.optional]
        if all(role.domain.scalar for role in loss.loss.forms[0].roles):
            found.update(binder.positional_pair(first, found))
        form = choose_form(loss, {role: b.shape for role, b in found.items() if b})
        if form is None:
            raise binder.missing([role for role in first if not found.get(role)], loss.label)
    for role in form.roles:
        bound = found.get(role.name)
        if bound is not None and min(bound.shape[1:], default=0) > 1:  # that of a list is not known yet
            check_shape(
                bound.shape, role.domain.with_params(loss.params), ValueOrigin(role.name, bound.table.name), loss.label
            )
    return Evaluator(loss, form)
