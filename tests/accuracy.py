"""The error of each loss against mpmath, at the edges of its domain and at random points.

The references are in `tests/reference/`, a module per family: `REFERENCE` maps a loss to its formula, `EXTREMES` to
parameters and arrays at the edges. A loss without a reference is measured by those of its golden cases that are exact.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

import tests.reference
from losscli.declaration.domains import ClassTargets, Domain
from losscli.declaration.domains.arrays import WholeNumbers
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.evaluation.shapes import choose_form
from tests.registry_cases import LOSSES, draw, golden, per_sample, read_tuples, variants

TOLERANCE = 1e-12
REFERENCE: dict[str, Any] = {}
EXTREMES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
for module in pkgutil.iter_modules(tests.reference.__path__):
    family = importlib.import_module(f"tests.reference.{module.name}")
    REFERENCE |= family.REFERENCE
    EXTREMES |= family.EXTREMES


class Measured(NamedTuple):
    """The largest relative error of a call, and the row that has it."""

    error: float
    where: str


def high_precision(values: Any) -> Any:
    return [high_precision(value) for value in values] if isinstance(values, list) else mp.mpf(values)


def form_of(bound: BoundLoss, roles: dict[str, Any]) -> Form:
    form = choose_form(bound, {role: np.shape(values) for role, values in roles.items()})
    assert form is not None
    return form


def calls(name: str) -> Iterator[tuple[BoundLoss, dict[str, Any], list[Any]]]:
    """Yield a loss with parameters, its arrays, and the exact value of each row."""
    loss = next(loss for loss in LOSSES if loss.name == name)
    if name not in REFERENCE:
        for case in exact_cases(name):
            yield loss.bind(read_tuples(case["params"])), case["inputs"], case["per_sample"]
        return
    for params, roles in EXTREMES[name]:
        bound = loss.bind(read_tuples(params))
        yield bound, roles, expected(bound, roles)
    for seed, params in enumerate(variants(loss)):
        bound = loss.bind(read_tuples(params))
        for form in loss.forms:
            drawn = draw(bound, form, np.random.default_rng(seed))
            roles = {role: values.tolist() for role, values in drawn.items()}
            yield bound, roles, expected(bound, roles)


def exact_cases(name: str) -> list[dict[str, Any]]:
    """Return the golden cases that hold values of each row to all digits."""
    cases = [case for case in golden(name) if case["per_sample"] is not None and case["rtol"] <= TOLERANCE]
    assert cases, f"{name} needs a reference in tests/reference/, or a golden case with per_sample and rtol 1e-12"
    return cases


def expected(bound: BoundLoss, roles: dict[str, Any]) -> list[Any]:
    """Return the values of the reference."""
    reference = REFERENCE[bound.loss.name]
    with mp.workdps(50):
        return list(reference({role: high_precision(values) for role, values in roles.items()}, bound.params))


def as_kernels_want_it(array: np.ndarray, domain: Domain) -> np.ndarray:
    """What the domain's check would have made of the values."""
    if domain.whole_column_is_one_sample and array.ndim == 1:
        return array[None, :]
    axes_of_labels = domain.shapes[0].count(",") + 1
    if isinstance(domain, WholeNumbers) or (isinstance(domain, ClassTargets) and array.ndim == axes_of_labels):
        return array.astype(int)
    if getattr(domain, "signs", False):
        return np.where(array > 0, 1.0, -1.0)
    return array


def errors(bound: BoundLoss, roles: dict[str, Any], exact: list[Any]) -> np.ndarray:
    """Return the relative error of each row."""
    form = form_of(bound, roles)
    arrays = {role: np.array(values, dtype=float) for role, values in roles.items()}
    for role in (role for role in form.roles if role.name in roles):
        arrays[role.name] = as_kernels_want_it(arrays[role.name], role.domain.with_params(bound.params))
    ours = per_sample(bound, form, arrays)
    with mp.workdps(50):
        return np.array([float(relative(mp.mpf(float(a)), mp.mpf(b))) for a, b in zip(ours, exact, strict=True)])


def relative(ours: mp.mpf, theirs: mp.mpf) -> mp.mpf:
    if ours == theirs or (mp.isnan(ours) and mp.isnan(theirs)):
        return mp.mpf(0)
    if mp.isinf(ours) and abs(theirs) > mp.mpf(2) ** 1023:
        return mp.mpf(0)  # too large for a float
    if abs(theirs) < mp.mpf(2) ** -1022 and abs(ours - theirs) <= mp.mpf(2) ** -1070:
        return mp.mpf(0)  # below the normal floats digits run out
    return abs(ours - theirs) / abs(theirs) if theirs else mp.inf


@functools.cache
def measure(name: str) -> tuple[Measured, ...]:
    """Return the error of each call."""
    found = []
    for bound, roles, exact in calls(name):
        gaps = errors(bound, roles, exact)
        row = int(gaps.argmax())
        arrays = {role: values[row] for role, values in roles.items() if row < len(values)}
        found.append(Measured(float(gaps.max()), f"{bound.canonical}, row {row}: {arrays}"))
    return tuple(found)


def worst_error(name: str) -> float:
    """Return the largest relative error of a loss."""
    return max(measured.error for measured in measure(name))
