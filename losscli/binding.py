"""Bind the roles of losses to columns of data: evaluators over one dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from losscli.data.batch import MODEL_ROLE, RowPolicy
from losscli.data.column_words import suggest_column
from losscli.data.columns import Binder
from losscli.data.dataset import Dataset
from losscli.data.first_values import first_values, holds_fractions, holds_names
from losscli.data.folders import FILE_COLUMN
from losscli.data.labels import ClassNames, Endings, align_columns, find_class_names, order_as_requested
from losscli.data.masks import find_pixel_axes
from losscli.data.model_roles import SHARED_ROLES, model_role
from losscli.data.positions import class_label_role, find_positions
from losscli.data.role_columns import RoleColumns
from losscli.data.role_names import usual_names
from losscli.data.said_columns import said_levels
from losscli.data.sources import FileParts, Sources
from losscli.data.values import one_value_error
from losscli.declaration.domains import Domain, ValueOrigin
from losscli.declaration.domains.members import Members, are_named_members
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.row_lists import QUERY
from losscli.errors import DataError, UsageError
from losscli.evaluation.dataset_wide import check_reduction
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.query_binding import bind_queries
from losscli.evaluation.run import RunState
from losscli.evaluation.shapes import check_frames, check_shape, choose_form, note_frames, sample_shapes
from losscli.messages import MAX_LOSS_LENGTH, Hint, cut_text
from losscli.model_binding import check_reference, find_own_roles, model_columns, names_of_models, separate_models
from losscli.named_parameters import set_by_names
from losscli.options import EvaluationOptions, processors

Note = Callable[[str], None]
"""Receives notes: what a user should know of the data or the numbers."""

OBSERVED_ROLES = ("y_true", "y_pred", "weight")
"""The roles that recommend reads first of all."""


class Target(Domain):
    """Numbers or class names: what y_true may hold before a loss is chosen."""

    is_label = True


def role_names(losses: Sequence[BoundLoss]) -> list[str]:
    """Return every role that one of the losses can read, and `weight`."""
    names = [role.name for bound in losses for form in bound.loss.forms for role in form.roles]
    return list(dict.fromkeys([*names, "weight"]))


def bind(
    losses: Sequence[BoundLoss], sources: Sources, options: EvaluationOptions, note: Note
) -> tuple[Dataset, RunState]:
    """Bind the roles of the losses to columns.

    Raises:
        UsageError: An option is wrong, no loss reads a role that was named, or a loss has no gradient.
        DataError: A column is missing or ambiguous.
    """
    resampling = options.check()
    named = dict.fromkeys((*sources.given, *sources.by_role, *options.columns))
    sources = read_series_beside(sources, losses, options)
    binder = make_binder(sources, options, role_names(losses), note)
    domains = role_domains(losses)
    binder.check_pair(domains)
    found = binder.find_all(domains)
    if options.model_column is None:
        _note_pooled(binder, found)
    own = find_own_roles(losses, binder, found, domains, options)
    found |= {role: next(iter(its.values())) for role, its in own.items() if role not in SHARED_ROLES}
    found |= {MODEL_ROLE + name: its for name, its in own.get("y_pred", {}).items()}
    losses = set_by_names(losses, found, note)
    columns: dict[str, RoleColumns] = {}
    evaluators: list[Evaluator] = []
    read_as: dict[str, Domain] = {}
    for loss in losses:
        evaluator = bind_loss(loss, binder, found, named)
        if options.gradient and "gradient" not in evaluator.form.hooks:
            raise no_gradient_error(evaluator)
        check_reduction(evaluator, options.reduction)
        evaluators.append(evaluator)
        for role in evaluator.form.roles:
            if role.name in found:
                columns[role.name] = found[role.name]
            domain = role.domain.with_params(loss.params)
            # labels that know their classes decide how a column is read
            several = read_as.get(role.name, domain), domain
            read_as[role.name] = max(several, key=lambda d: (d.is_label, not d.accepts_any_label))
    is_given = QUERY in (*sources.given, *sources.by_role, *options.columns)
    by_query = bind_queries(evaluators, columns, is_given, note)
    check_series(found, columns, named, note)
    unread = next((role for role in named if role in domains and role not in columns), None)
    if unread is not None:
        raise UsageError(f"{unread} is not read beside {', '.join(columns)}: the losses take one or the other")
    if options.classes and not any(domain.is_label for domain in read_as.values()):
        raise UsageError("no loss here has classes", option=("classes", ",".join(options.classes)))
    check_samples(evaluators, shapes_of(columns))
    if options.group_by:
        note_rows_at_risk(evaluators, note)
    columns |= model_columns(own, columns, losses)
    label_roles = {class_label_role(evaluator.form) for evaluator in evaluators}
    label_role = label_roles.pop() if len(label_roles) == 1 else None
    models = names_of_models(own) if len(names_of_models(own)) > 1 else ()
    dataset = replace(make_dataset(columns, read_as, binder, options, note, label_role), models=models)
    dataset = replace(dataset, by_query=by_query)
    if options.model_column is not None:
        dataset = separate_models(dataset, options.model_column, losses)
    check_reference(options.reference, dataset.models)
    return dataset, RunState(
        evaluators, options.reduction, options.gradient, options.group_by, resampling, options.value_only
    )


def check_samples(evaluators: Sequence[Evaluator], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise a UsageError if the pixels of masks are samples of one loss, and whole masks those of another."""
    of_masks = next((e.label for e in evaluators if find_pixel_axes(e.form, shapes)), None)
    if of_masks is not None:
        for evaluator in evaluators:
            if find_positions(shapes, class_label_role(evaluator.form)) is not None:
                problem = f"a sample of {evaluator.label} is a pixel, one of {of_masks} a mask"
                raise UsageError(f"{problem}: evaluate them apart")


def note_rows_at_risk(evaluators: Sequence[Evaluator], note: Note) -> None:
    """Note that losses of times set the rows of a group beside those of all groups: means by group do not show that."""
    if labels := [
        e.label for e in evaluators if e.coupled and not e.dataset_wide and e.bound.loss.family == "survival"
    ]:
        shown = ", ".join(labels[:2]) + (f" and {len(labels) - 2} more" if len(labels) > 2 else "")
        note(f"{shown}: the rows at risk are those of all groups")


def make_binder(sources: Sources, options: EvaluationOptions, roles: Sequence[str], note: Note) -> Binder:
    """Return a binder for the columns that the options name.

    Raises:
        UsageError: An option names a role that nothing reads, or groups would be clusters.
    """
    if options.cluster is not None and options.cluster in options.group_by:
        raise UsageError("makes the groups: each group would be one cluster", option=("cluster", options.cluster))
    unknown = next((role for role in options.columns if role not in roles), None)
    if unknown is not None:
        raise UsageError(f"no loss here reads {unknown!r}; the roles are {', '.join(roles)}")
    return Binder(sources, options.columns, options.id, note, _beside_roles(options))


def _note_pooled(binder: Binder, found: Mapping[str, RoleColumns]) -> None:
    """Note files that were pooled as one dataset and may be the predictions of several models."""
    if any(isinstance(table, FileParts) for table in binder.sources.tables):
        from losscli.data.pooled import note_pooled

        note_pooled(found, binder.identifiers, binder.note, FILE_COLUMN)


def _beside_roles(options: EvaluationOptions) -> tuple[str, ...]:
    """Return the columns that are carried along, or say which model a row is of."""
    return (*options.extras, *([options.model_column] if options.model_column else []))


def role_domains(losses: Sequence[BoundLoss]) -> dict[str, list[Domain]]:
    """Return role -> the domains by which its columns are searched, the most demanding first."""
    domains: dict[str, list[Domain]] = {}
    for loss in losses:
        for form in loss.loss.forms:
            for role in form.roles:
                domain = role.domain.with_params(loss.params).stating(loss.given)
                one_number = [Domain(("N",))] if domain.is_one_or_more else []
                domains.setdefault(role.name, []).extend([domain, *one_number])
    return {role: sorted(several, key=lambda d: (d.scalar, not d.is_label)) for role, several in domains.items()}


def read_series_beside(sources: Sources, losses: Sequence[BoundLoss], options: EvaluationOptions) -> Sources:
    """Return sources in which a table of other rows, such as train, may say of which series these are."""
    roles = {role.name: role.domain for bound in losses for form in bound.loss.forms for role in form.roles}
    beside = {}
    for role, domain in roles.items():
        of_rows = domain.holds_rows_of  # series, of train_series
        table_role, _, rest = role.partition("_")  # train
        table = sources.by_role.get(table_role) if rest and rest == of_rows else None
        if table is None or role in sources.by_role:
            continue
        names = {*usual_names(role), *usual_names(of_rows)}
        if of_rows in options.columns or any(column.name.lower() in names for column in table.columns):
            beside[role] = table
    return sources._replace(by_role=beside | dict(sources.by_role))


def check_series(
    found: Mapping[str, RoleColumns], columns: Mapping[str, RoleColumns], named: Collection[str], note: Note
) -> None:
    """Note by which column rows are of series if it is not called so.

    Raises:
        DataError: Training rows are of several series, and the data does not say of which its rows are.
    """
    if (
        "series" in columns
        and "series" not in named
        and (name := columns["series"].columns[0].name).lower() != "series"
    ):
        note(f"{columns['series'].table.label}series is column {name!r}: each has the scale of its own training rows")
    series = found.get("train_series")
    if series is not None and "train" in columns and "train_series" not in columns:
        names = dict.fromkeys(first_values(series))
        if len(names) > 1:
            problem = f"{series.table.label}column {series.columns[0].name!r} names several series"
            raise DataError(f"{problem}: say which column of the data does", Hint.CHOOSE_COLUMN, role="series")


def no_gradient_error(evaluator: Evaluator) -> UsageError:
    """Return the error that a loss has no gradient, or has it by other roles than those of its form."""
    other = next((form for form in evaluator.bound.loss.forms if "gradient" in form.hooks), None)
    beside = "" if other is None else f" by {', '.join(evaluator.form.names)}; it has one by {', '.join(other.names)}"
    return UsageError(f"{evaluator.label} has no gradient{beside}")


def bind_loss(loss: BoundLoss, binder: Binder, found: dict[str, RoleColumns], named: Collection[str] = ()) -> Evaluator:
    """Choose the form of a loss whose roles the data has; two unnamed numeric columns may be y_true and y_pred.

    Of several forms that fit, the one with the most of the `named` roles is chosen.

    Raises:
        UsageError: A parameter was set that the form does not read.
        DataError: A role has no column, or the wrong shape.
    """
    source = found["y_pred"].table.label if "y_pred" in found else ""
    loss.check_complete()
    form = choose_form(loss, shapes_of(found), source, named)
    if form is None:
        first = [role.name for role in loss.loss.forms[0].roles if not role.optional]
        if all(role.domain.scalar for role in loss.loss.forms[0].roles):
            found.update(binder.positional_pair(first, found))
        form = choose_form(loss, shapes_of(found))
        if form is None:
            files = {role.name for each in loss.loss.forms for role in each.roles if not role.domain.per_row}
            needed = [[role.name for role in each.roles if not role.optional] for each in loss.loss.forms]
            lacking = [[role for role in roles if role not in found] for roles in needed]
            lacking[1:] = [[f"{role}=FILE" if role in files else role for role in roles] for roles in lacking[1:]]
            fewest, *others = sorted(lacking, key=len)
            raise binder.missing_error(fewest, cut_text(loss.label, MAX_LOSS_LENGTH), others=others)
    if "y_pred" not in named and (refusal := members_error(loss, form, found)) is not None:
        raise refusal
    loss.check_alternatives(found)
    loss.check_form(form)
    check_frames(form, shapes_of(found), next((c.table.label for r, c in found.items() if r in form.names), ""))
    if text := note_frames(form, shapes_of(found)):
        binder.note(text)
    shapes = sample_shapes(form, shapes_of(found), source)
    for role in form.roles:
        bound = found.get(role.name)
        if bound is not None and min(shapes[role.name][1:], default=0) > 1:  # that of a list column is not known yet
            origin = ValueOrigin(role.name, bound.table.name)
            check_shape(
                shapes[role.name], role.domain.with_params(loss.params), origin, cut_text(loss.label, MAX_LOSS_LENGTH)
            )
    return Evaluator(loss, form)


def members_error(loss: BoundLoss, form: Form, found: Mapping[str, RoleColumns]) -> DataError | None:
    """Return the error that what a loss reads as members are quantiles by the names of their columns, if they are."""
    members = next((role.name for role in form.roles if isinstance(role.domain, Members)), None)
    columns = found.get(members or "")
    names = [] if columns is None else [column.name for column in columns.columns]
    if columns is None or len(names) < 2 or said_levels(names) is None:
        return None
    problem = (
        f"{columns.table.label}columns {names[0]!r} to {names[-1]!r} are quantiles, and {loss.label} reads members"
    )
    return DataError(f"{problem}: crps_quantile and wis read quantiles", Hint.CHOOSE_COLUMN, role="y_pred")


def shapes_of(found: Mapping[str, RoleColumns]) -> dict[str, tuple[int, ...]]:
    """Return role -> the shape of its array."""
    return {role: columns.shape for role, columns in found.items()}


def make_dataset(
    columns: dict[str, RoleColumns],
    domains: Mapping[str, Domain],
    binder: Binder,
    options: EvaluationOptions,
    note: Note,
    label_role: str | None = None,
) -> Dataset:
    """Return the dataset of the roles found, with weights, classes and the columns to carry.

    `label_role` is that of the class labels which all losses read.
    """
    weight = binder.find_weight()
    if weight is not None:
        is_by_position = find_positions(shapes_of(columns), label_role) is not None
        if len(weight.columns) > 1 or (weight.columns[0].trailing not in ((), (1,)) and not is_by_position):
            raise DataError(f"{weight.table.label}weight: one number per row is needed, not several columns")
        columns["weight"] = weight
    for role in (
        [role for role in columns if role == "y_pred" or role.startswith(MODEL_ROLE)] if options.classes else ()
    ):
        columns[role] = order_as_requested(columns[role], options.classes)
    predicted = columns.get("y_pred")
    has_classes = bool(options.classes) or (predicted is not None and len(predicted.columns) > 1)
    classes = find_class_names(columns, options.classes) if has_classes else ClassNames()
    if "y_true" in columns and predicted is not None and has_classes:
        columns["y_true"] = align_columns(predicted, columns["y_true"])
        if domains["y_pred"].is_compared and len(columns["y_true"].columns) > 1:
            classes = ClassNames()  # each column has labels of its own
    for role in [role for role in columns if role.startswith(model_role("y_true", ""))]:
        columns[role] = align_columns(columns["y_true"], columns[role])
    for role, domain in domains.items():
        if domain.class_count and math.prod(columns[role].shape[1:]) == 1:
            classes.check_count(role, domain.class_count, "classes", columns[role].table.label)
    extras = options.extras
    jobs = options.jobs or processors()
    policy = RowPolicy(options.nan, options.group_by, options.cluster)
    dataset = Dataset(columns, domains, policy, note, classes, options.id, extras, jobs=jobs, label_role=label_role)
    check_extras(dataset, extras if options.id is None else (*extras, options.id))
    if len(dataset.row_tables) < 2 or options.id is not None:
        return dataset
    labels = {c.table: c.table.name or role for role, c in columns.items() if c.table in dataset.row_tables}
    bound = {(c.table, column.name) for c in columns.values() for column in c.columns}
    return replace(dataset, shared_keys=binder.identifiers.shared_keys(labels, bound))


def check_extras(dataset: Dataset, names: Iterable[str]) -> None:
    """Raise a DataError if no table has a column, or one has it twice."""
    tables = dataset.tables
    for name in names:
        table = next((table for table in tables if table.column(name)), None)
        if name == FILE_COLUMN and table is None:
            option = "cluster" if name == dataset.policy.cluster else "group_by"
            raise UsageError("is the file that a row came from, and no data here is a file", option=(option, name))
        if name == FILE_COLUMN and table is not None and table.path and name not in table.index_columns:
            dataset.note(f"{table.label}groups are made by its column {name!r}, not by files")
        if table is None:
            raise DataError(f"{tables[0].label}no column {name!r}{suggest_column(name, tables[0])}")
        column = table.column(name)
        if column is not None and column.trailing and table.format not in ("csv", "tsv"):  # in text it is a text, too
            raise one_value_error(f"{table.label}column {name!r}")
        if (table := next((t for t in tables if name in t.repeated), None)) is not None:
            raise DataError(f"{table.label}two columns are called {name!r}")


def bind_for_recommend(sources: Sources, options: EvaluationOptions, note: Note) -> Dataset:
    """Bind y_true and y_pred, which may hold numbers or labels, one or several per row.

    Raises:
        UsageError: An option is wrong, or names another role.
        DataError: A column is missing or ambiguous.
    """
    options.check()
    binder = make_binder(sources, options, OBSERVED_ROLES, note)
    domains = {"y_true": (Target(), Target(("N,C",))), "y_pred": (Domain(), Domain(("N,C",)), Members())}
    binder.check_pair(domains)
    columns = binder.find_all(domains)
    columns |= binder.positional_pair(("y_true", "y_pred"), columns)
    lacking = [role for role in domains if role not in columns]
    if lacking:
        raise binder.missing_error(lacking, "a recommendation")
    check_no_labels(columns["y_pred"])
    _note_pooled(binder, columns)
    names = [column.name for column in columns["y_pred"].columns]
    if len(columns["y_true"].columns) == 1 and (are_named_members(names) or holds_fractions(columns["y_true"])):
        columns["y_pred"] = columns["y_pred"]._replace(endings=Endings(()))  # they are members, no classes
    return make_dataset(columns, {"y_true": Target(), "y_pred": Domain()}, binder, options, note, "y_true")


def check_no_labels(predicted: RoleColumns) -> None:
    """Raise a DataError if predictions are names of classes: there is nothing to choose for these."""
    column, table = predicted.columns[0], predicted.table
    if holds_names(predicted):
        problem = f"{table.label}column {column.name!r} holds names of classes, and y_true does not"
        raise DataError(f"{problem}: y_pred must hold numbers then, such as a score per class")


def columns_to_spell_out(
    losses: Sequence[BoundLoss], dataset: Dataset, sources: Sources, options: EvaluationOptions
) -> dict[str, str]:
    """Return role -> columns for which these losses would find other columns than the dataset has."""
    binder = make_binder(sources, options, [*options.columns], lambda text: None)
    domains = role_domains(losses)
    theirs = binder.find_all(domains)
    theirs |= binder.positional_pair(("y_true", "y_pred"), theirs)
    return {
        role: ",".join(column.name for column in mine.columns)
        for role, mine in dataset.bound.items()
        if role in domains and ((other := theirs.get(role)) is None or other.columns != mine.columns)
    }
