"""Which axes a loss offers, chosen from what it declares: the domains of its roles, its parameters, its unit."""

from __future__ import annotations

from losscli.declaration.domains.arrays import LabelSequences
from losscli.declaration.domains.censoring import TimeSteps
from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Reduction
from losscli.plot.curve_axes import Path, PathRule
from losscli.plot.curve_rows import (
    binary_paths,
    class_paths,
    divergence_paths,
    mask_paths,
    residual_paths,
    teacher_paths,
    time_paths,
)
from losscli.plot.curve_vectors import (
    batch_paths,
    box_paths,
    ensemble_paths,
    interval_paths,
    pair_paths,
    preference_paths,
    prototype_paths,
    query_paths,
    ranking_paths,
    triplet_paths,
)

RULES: tuple[PathRule, ...] = (
    query_paths,
    residual_paths,
    time_paths,
    ensemble_paths,
    interval_paths,
    binary_paths,
    class_paths,
    mask_paths,
    divergence_paths,
    teacher_paths,
    box_paths,
    ranking_paths,
    preference_paths,
    triplet_paths,
    prototype_paths,
    pair_paths,
    batch_paths,
)
"""What is tried in turn for a form."""


def find_paths(bound: BoundLoss) -> dict[str, list[Path]]:
    """Return the paths of a loss by axis, the most usual axis first; several paths of an axis are its cases."""
    found: dict[str, list[Path]] = {}
    wanted = {role for role, parameter in bound.loss.alternatives if bound.params[parameter] is None}
    for form in bound.loss.forms:
        domains = {
            role.name: role.domain.with_params(bound.params)
            for role in form.roles
            if not role.optional or role.name in wanted
        }
        offered: dict[str, list[Path]] = {}
        for rule in RULES:
            for path in rule(bound, form, domains):
                offered.setdefault(path.axis, []).append(path)
            if offered:
                break
        found = offered | found if not found else found | {k: v for k, v in offered.items() if k not in found}
    return {} if no_curve_reason(bound) else found


def no_curve_reason(bound: BoundLoss) -> str:
    """Return why a loss has no curve, in words that follow its name; "" if it is not known to have none."""
    loss, form = bound.loss, bound.loss.forms[0]
    needed = next((p.name for p in loss.parameters if p.required and p.name not in bound.given), "")
    formula = f" ({loss.formula})"
    if loss.dataset_wide:
        return f"it is one number for all rows{formula}, none of which has a loss"
    if loss.reduction in (Reduction.MEDIAN, Reduction.MAX):
        word = "median" if loss.reduction is Reduction.MEDIAN else "largest"
        return f"it is the {word} of all rows{formula}, not a loss of one row"
    if "denominator" in form.hooks and (loss.of_residual or loss.family == "quantiles" or len(form.names) > 2):
        return f"it is a ratio of sums over all rows{formula}, not a loss of one row"
    if "mining" in bound.params:
        return "which rows count is mined from all of them; triplet has the curve of one triplet"
    if all(form.coupled for form in loss.forms) and "y_pred" in form.names:
        return f"how much a row counts depends on all others{formula}"
    if any(isinstance(role.domain, TimeSteps) for role in form.roles):
        return "it is a loss of the hazards of all intervals until the event, and no single number sums them up"
    if callable(form.coupling) and form.couples(bound.params):
        return f"with these parameters what a row costs depends on all others{formula}"
    if needed:
        return f"it needs its parameter {needed}"
    if not any(form.hooks.keys() & {"gradient"} for form in loss.forms) and {"lower", "upper"} <= set(form.names):
        return "it is 1 outside of the interval and 0 inside: it has no slope"
    if any(isinstance(role.domain, LabelSequences) for role in form.roles):
        return "it is a loss of whole sequences, and no single number says how right one is"
    return ""
