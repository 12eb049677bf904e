"""Role sets: roles other than y_true and y_pred from which losses are computed, and the losses that read them."""

from __future__ import annotations

from typing import NamedTuple

from losscli.binding import OBSERVED_ROLES, Note, bind, make_binder, role_domains
from losscli.data.columns import Binder
from losscli.data.dataset import Dataset
from losscli.data.first_values import holds_names
from losscli.data.role_columns import RoleColumns
from losscli.data.role_names import has_prefix, usual_names
from losscli.data.row_parts import group_by_parts
from losscli.data.sources import Sources
from losscli.data.values import parse_number
from losscli.declaration.domains import Domain
from losscli.declaration.domains.boxes import Boxes
from losscli.declaration.grammar import parse_specs
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError
from losscli.evaluation.evaluator import Evaluator
from losscli.options import EvaluationOptions
from losscli.recommend.tasks import Task
from losscli.registry import resolve

ALL_PAIRS = ("supcon", "multi_similarity", "triplet_mined", "circle")
TWO_VIEWS = ("info_nce", "ntxent", "n_pair")


class RoleSet(NamedTuple):
    """Roles that belong together, `marks` being those that no other data has, and the losses that read them."""

    task: Task
    marks: tuple[str, ...]
    others: tuple[str, ...]
    losses: tuple[str, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        return self.marks + self.others


ROLE_SETS = (
    RoleSet(Task.SEQUENCES, ("log_probs", "targets", "input_lengths", "target_lengths"), (), ("ctc",)),
    RoleSet(Task.VERIFICATION, ("embeddings1", "embeddings2"), ("labels1", "labels2", "weights"), ("deepid",)),
    RoleSet(Task.TRIPLETS, ("anchor", "positive", "negative"), (), ("triplet", *TWO_VIEWS)),
    RoleSet(Task.VIEWS, ("anchor", "positive"), (), TWO_VIEWS),
    RoleSet(
        Task.PROTOTYPES,
        ("embeddings", "weights"),
        ("labels",),
        ("arcface", "cosface", "am_softmax", "normface", "linear_softmax", "sphereface", *ALL_PAIRS),
    ),
    RoleSet(Task.CENTERS, ("embeddings", "centers"), ("labels",), ("center", *ALL_PAIRS)),
    RoleSet(Task.EMBEDDINGS, ("embeddings",), ("labels",), (*ALL_PAIRS, "coco", "center")),
    RoleSet(Task.PAIRS, ("x1", "x2"), ("y_true",), ("contrastive", "cosine_embedding")),
    RoleSet(Task.DISTANCES, ("distance",), ("y_true",), ("contrastive",)),
    RoleSet(Task.SURVIVAL, ("time", "event"), ("y_pred",), ("concordance_loss", "cox", "aft")),
    RoleSet(
        Task.PREFERENCES, ("policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected"), (), ("dpo",)
    ),
    RoleSet(Task.CHOICES, ("positive", "negative"), (), ("bpr",)),
    RoleSet(Task.TEACHING, ("teacher", "student"), (), ("distillation",)),
    RoleSet(Task.TOKENS, ("log_prob",), (), ("perplexity", "bits_per_token")),
)
"""The richest first: the first one whose roles the data has is taken."""

SURVIVAL_CURVES = RoleSet(
    Task.SURVIVAL_CURVES, ("time", "event"), ("y_pred",), ("logistic_hazard_nll:from_logits=true",)
)
"""What survival times are if there are several predictions a row, which may be any numbers."""

RANKED_PAIRS = RoleSet(Task.RANKED_PAIRS, ("x1", "x2"), ("y_true",), ("margin_ranking",))
"""What pairs are if x1 and x2 are single scores."""

ALL_ROLES = tuple(dict.fromkeys([*OBSERVED_ROLES, *(role for one in ROLE_SETS for role in one.roles)]))
"""Every role that recommend reads."""


def bind_role_set(
    sources: Sources, options: EvaluationOptions, note: Note
) -> tuple[RoleSet, Dataset, Evaluator] | None:
    """Return the first role set whose roles the data has, its data and its first loss.

    None if y_true and y_pred are there, or the roles of no set.

    Roles that are named by the user, as files or columns, come before those that are found.

    Raises:
        UsageError: An option is wrong, or names a role that nothing reads.
        DataError: A named role lacks others, or a column is ambiguous.
    """
    binder = make_binder(sources, options, ALL_ROLES, lambda text: None)
    named = {role for role in (*sources.by_role, *options.columns, *sources.given) if role not in OBSERVED_ROLES}
    if not named and not any(_has_mark(binder, one) for one in ROLE_SETS):
        return None
    has_observed = not named and all(_is_found(binder, role) for role in ("y_true", "y_pred"))
    if has_observed:
        return None
    for one in ROLE_SETS:
        if not named <= set(one.roles):
            continue
        losses = _resolve(one)
        found = _find_roles(binder, one, losses)
        if found is None or not (named or _are_pairs(found)):
            continue
        has_scores = one.task is Task.PAIRS and found["x1"].shape[1:] in ((), (1,))
        chosen = RANKED_PAIRS if has_scores else one
        if one.task is Task.SURVIVAL and found["y_pred"].shape[1:] not in ((), (1,)):
            chosen = SURVIVAL_CURVES
        dataset, run = bind(_resolve(chosen), sources, options, note)
        return chosen, dataset, run.evaluators[0]
    if named:
        wanted = next((one for one in ROLE_SETS if named & set(one.roles)), ROLE_SETS[0])
        lacking = [role for role in wanted.roles if binder.find(role, (Domain(), Domain(("N,C",)))) is None]
        raise binder.missing_error(lacking or list(wanted.roles), wanted.losses[0])
    if not _is_found(binder, "y_true"):
        for one in ROLE_SETS:
            lacking = [role for role in one.roles if not _is_found(binder, role)]
            if _has_mark(binder, one) and lacking and "y_true" not in lacking:
                raise binder.missing_error(lacking, one.losses[0])
    return None


PREDICTED_LABELS = RoleSet(Task.PREDICTED_LABELS, ("y_true", "y_pred"), (), ("zero_one",))
CLASS_MASKS = RoleSet(Task.MASKS, ("y_true", "y_pred"), (), ("multiclass_dice:from_logits=true",))
"""Masks whose predictions may be any numbers: whether they are logits is told by the values."""


def bind_observed(
    sources: Sources, options: EvaluationOptions, note: Note
) -> tuple[RoleSet, Dataset, Evaluator] | None:
    """Return the role set of y_true and y_pred if these are labels on both sides or masks of classes; else None.

    Raises:
        UsageError: An option is wrong.
        DataError: A column is ambiguous.
    """
    binder = make_binder(sources, options, ALL_ROLES, lambda text: None)
    try:
        found = {role: binder.find(role, (Domain(), Domain(("N,C",)))) for role in ("y_true", "y_pred")}
    except DataError:  # the search of numbers says what is wrong
        return None
    true, predicted = found["y_true"], found["y_pred"]
    if true is None or predicted is None:
        return None
    if len(predicted.shape) > 3:  # (N, T, C) may be classes of T tokens
        chosen = CLASS_MASKS
    elif holds_names(predicted) and holds_names(true):
        chosen = PREDICTED_LABELS
    else:
        return None
    dataset, run = bind(_resolve(chosen), sources, options, note)
    return chosen, dataset, run.evaluators[0]


def _resolve(one: RoleSet) -> list[BoundLoss]:
    return resolve(parse_specs(",".join(one.losses)))


def _has_mark(binder: Binder, one: RoleSet) -> bool:
    """Tell whether a column is named like the roles that only this set has, or begins so: embedding_0."""
    names = [column.name for table in binder.sources.tables for column in table.columns]
    return all(
        any(name.lower() == usual or has_prefix(name, usual) for name in names for usual in usual_names(role))
        for role in one.marks
    )


def _is_found(binder: Binder, role: str) -> bool:
    """Tell whether a column is named like a role, one or several."""
    try:
        return binder.find(role, (Domain(), Domain(("N,C",)))) is not None
    except DataError:  # more than one
        return True


def _find_roles(binder: Binder, one: RoleSet, losses: list[BoundLoss]) -> dict[str, RoleColumns] | None:
    """Return the columns of the roles of a set, None if one is not there."""
    domains = role_domains(losses)
    if one.task is Task.PAIRS:
        domains |= {role: [Domain(("N",)), *domains[role]] for role in ("x1", "x2")}
    if one.task is Task.SURVIVAL:
        domains["y_pred"] = [*domains["y_pred"], *role_domains(_resolve(SURVIVAL_CURVES))["y_pred"]]
    found: dict[str, RoleColumns] = {}
    for role in one.roles:
        bound = binder.find(role, domains[role])
        if bound is None:
            return None
        found[role] = bound
    return found


def _are_pairs(found: dict[str, RoleColumns]) -> bool:
    """Tell whether y_true may be labels of pairs, and x1 and x2 are no features of which there are more."""
    if "y_true" not in found:
        return True
    table, column = found["y_true"].table, found["y_true"].columns[0]
    values = table.first_values(column.name) if not column.trailing else None
    numbers = [] if values is None else [parse_number(value) for value in values.tolist() if value is not None]
    has_more = any(c.name.lower() in ("x3", "x0") for c in table.columns)
    return not has_more and all(number in (-1, 0, 1) for number in numbers)


def bind_boxes(sources: Sources, options: EvaluationOptions, note: Note) -> tuple[str, Dataset] | None:
    """Return how boxes are written, and their data, if y_true and y_pred have names as boxes have; else None.

    The format is empty if a column holds whole boxes and its name does not say how.
    """
    binder = make_binder(sources, options, ALL_ROLES, lambda text: None)
    for box_format in ("xyxy", "xywh", "cxcywh"):
        domain = Boxes(box_format=box_format, is_stated=True)
        found = [_find_box(binder, role, domain) for role in ("y_true", "y_pred")]
        settings = {setting for setting in found if setting}
        if None in found or len(settings) > 1:
            continue
        setting = settings.pop() if settings else ""
        heard = note if setting else (lambda text: None)  # by values it may be another format than the first
        loss = resolve(parse_specs(f"giou:{setting or 'box_format=xyxy'}"))
        return setting.partition("=")[2], bind(loss, sources, options, heard)[0]
    return None


def _find_box(binder: Binder, role: str, domain: Boxes) -> str | None:
    """Return `box_format=...` of the columns of a role, empty if it is not known; None if they are no boxes."""
    try:
        bound = binder.find(role, (domain,))
    except DataError:  # they are read by another format
        return None
    if bound is None:
        return None
    setting, alternatives = next(iter(domain.parts().items()))
    if not any(group_by_parts(bound.columns, parts) for parts in alternatives):
        return None
    if len(bound.columns) > 1:
        return setting
    return domain.setting_of(bound.columns[0].name.lower(), {c.name.lower() for c in bound.table.columns})
