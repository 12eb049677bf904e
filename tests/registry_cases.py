"""Random and golden inputs for every loss of the registry, for the tests that hold for all of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from losscli import registry
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss, Loss
from losscli.declaration.row_lists import flatten_lists
from losscli.errors import UsageError
from losscli.evaluation.evaluator import Evaluator

GOLDEN = Path(__file__).parent / "golden"
DIMS = {"N": 9, "C": 4, "D": 3, "T": 6, "S": 2, "K": 3, "M": 5, "P": 5}

LOSSES = registry.all_losses()


def golden(name: str) -> list[dict[str, Any]]:
    """The golden cases of a loss."""
    path = GOLDEN / f"{name}.json"
    assert path.exists(), f"tests/golden/{name}.json is missing: see 'A new loss' in CONTRIBUTING.md"
    return numbers(json.loads(path.read_text(encoding="utf-8")))["cases"]


def has_golden(name: str) -> bool:
    """Whether there are golden cases: only tests that take parameters of them do without, by taking the defaults."""
    return (GOLDEN / f"{name}.json").exists()


def numbers(value: Any) -> Any:
    """JSON with "inf", "-inf" and "nan" read as those numbers."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if value in ("inf", "-inf", "nan") else value


def variants(loss: Loss) -> list[dict[str, Any]]:
    """Parameters worth testing: the defaults, if they are complete, and each set that a golden case uses."""
    sets: list[dict[str, Any]] = [] if any(parameter.required for parameter in loss.parameters) else [{}]
    for case in golden(loss.name) if has_golden(loss.name) else []:
        if case["params"] not in sets:
            sets.append(case["params"])
    return sets


FURTHER: dict[str, list[dict[str, Any]]] = {
    "huber": [{"delta": math.inf}],
    "mape": [{"eps": 0.1}],
    "smooth_l1": [{"beta": 0}],
    "bce": [{"eps": 0}],
    "focal": [{"gamma": 0}, {"eps": 0}],
    "cross_entropy": [{"eps": 0}],
    "categorical_focal": [{"gamma": 0}, {"eps": 0}],
    "generalized_cross_entropy": [{"q": 1}],
    "multi_margin": [{"p": 2}],
    "iou": [{"log": True}],
    "alpha_iou": [{"alpha": 1}, {"alpha": 0.5, "penalty": "giou"}],
    "siou": [{"theta": 0.5}],
    "quality_focal": [{"beta": 0}, {"eps": 0}],
    "varifocal": [{"gamma": 0}, {"gamma": 0.5}, {"eps": 0}],
    "distribution_focal": [{"eps": 0}],
    "barron": [{"alpha": alpha} for alpha in (-2, 0, 1, 1.5, 2)],
    "tweedie_deviance": [{"power": 0}, {"power": 1}, {"power": 1.5}],
    "asymmetric": [{"eps": 0}, {"gamma_neg": 0}, {"gamma_neg": 0, "clip": 0}, {"gamma_neg": 0.5}],
    "dice": [{"smooth": 0}],
    "tversky": [{"smooth": 0, "beta": 0}],
    "focal_tversky": [{"gamma": 1}, {"gamma": 1, "beta": 0, "smooth": 0}, {"gamma": 0.5}],
    "log_cosh_dice": [{"smooth": 0}],
    "multiclass_dice": [{"smooth": 0}],
    "dice_ce": [{"smooth": 0}, {"eps": 0}, {"ce_weight": 0}],
    "renyi": [{"alpha": 0.5}, {"alpha": 3}],
    "triplet": [{"distance": d, "swap": s} for d in ("euclidean", "cosine", "sqeuclidean") for s in (False, True)],
    "triplet_mined": [{"distance": "euclidean"}, {"distance": "cosine", "margin": 2}],
    "deepid": [{"verification_weight": 0}],
}
"""Parameters for which other things are true of a loss than for its defaults."""


def settings(*flags: str, further: bool = False) -> Iterator[tuple[BoundLoss, Form]]:
    """Every loss, in every form, under every set of parameters worth testing; and again with each of these flags on."""
    for loss in LOSSES:
        known = {parameter.name for parameter in loss.parameters}
        sets = variants(loss)
        sets += [params for params in FURTHER.get(loss.name, []) if further and params not in sets]
        for flag in sorted(known.intersection(flags)):
            sets += [turned for params in sets if (turned := params | {flag: True}) not in sets]
        for params in sets:
            bound = loss.bind(read_tuples(params))
            for form in loss.forms:
                if takes_what_is_set(bound, form):
                    yield bound, form


def takes_what_is_set(bound: BoundLoss, form: Form) -> bool:
    """Whether a form takes the parameters that are not at their defaults: it reads them, and does not refuse them."""
    try:
        bound.check_form(form)
    except UsageError:
        return False
    defaults = {parameter.name: parameter.default for parameter in bound.loss.parameters}
    refused = form.keywords[form.hooks["validate"]] if "validate" in form.hooks else ()
    known = form.keywords[form.kernel]
    return all(name in known or bound.params[name] == defaults[name] for name in refused)


def read_tuples(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of JSON, whose lists are tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in params.items()}


def name_of(setting: tuple[BoundLoss, Form]) -> str:
    """A test id."""
    bound, form = setting
    return f"{bound.label}({','.join(form.names)})"


def classes(bound: BoundLoss) -> int:
    """How many classes the parameters speak of."""
    sizes = [len(value) for value in bound.params.values() if isinstance(value, tuple)]
    return sizes[0] if sizes else DIMS["C"]


def draw(bound: BoundLoss, form: Form, rng: np.random.Generator, rows: int = DIMS["N"]) -> dict[str, Any]:
    """Random arrays for the roles of a form, inside their domains and away from kinks."""
    dims = DIMS | {"N": rows, "C": classes(bound), "M": classes(bound), "Q": classes(bound)}
    without = {role for role, parameter in bound.loss.alternatives if bound.params[parameter] is not None}
    domains = {role.name: role.domain.with_params(bound.params) for role in form.roles if role.name not in without}
    return {name: domain.sample(rng, dims) for name, domain in domains.items()}


def kernel(bound: BoundLoss, form: Form, arrays: dict[str, Any], hook: str = "") -> np.ndarray:
    """The kernel (or a hook) on arrays, unchecked."""
    function = form.hooks[hook] if hook else form.kernel  # type: ignore[index]
    weight = [None] if function in form.weighted else []
    wanted = form.keywords[function]
    if form.by_query:
        return kernel_of_queries(function, arrays, {name: bound.params[name] for name in wanted})
    arguments = [*(arrays.get(name) for name in form.names), *weight]
    with np.errstate(all="ignore"):
        found = function(*arguments, **{name: bound.params[name] for name in wanted})
        if bound.loss.dataset_wide and not hook:
            return np.array([Evaluator(bound, form).number_of(found)])
        return np.asarray(found)


def kernel_of_queries(function: Any, arrays: dict[str, Any], params: dict[str, Any]) -> np.ndarray:
    """The kernel or a hook on the rows of queries, which are in the order of their keys."""
    if "query" not in arrays:  # all rows are one query, or each row is one
        with np.errstate(all="ignore"):
            return np.asarray(function(*flatten_lists(arrays).values(), **params))
    keys, index = np.unique(arrays["query"], return_inverse=True)
    order = index.argsort(kind="stable")
    lists = {name: np.asarray(array)[order] for name, array in arrays.items() if name != "query"}
    offsets = np.append(0, np.cumsum(np.bincount(index, minlength=len(keys))))
    with np.errstate(all="ignore"):
        found = np.asarray(function(*lists.values(), offsets, **params))
    return found[order.argsort()] if len(found) == len(order) and len(keys) < len(order) else found


def per_sample(bound: BoundLoss, form: Form, arrays: dict[str, Any]) -> np.ndarray:
    """Per-sample values of unchecked arrays."""
    values = kernel(bound, form, arrays)
    return values if values.ndim == 1 else values.reshape(len(values), -1).mean(axis=1)
