"""Every kernel against mpmath, at the edges of its domain and at random points: 1e-12, relative.

The references are in `tests/reference/`, a module a family. `docs/accuracy.md` lists the worst error of each loss;
`LOSSCLI_UPDATE_ACCURACY=1 python -m pytest -n0 tests/test_reference.py` writes it anew.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import tests.reference
from losscli.declaration.domains import ClassTargets, Domain
from losscli.declaration.domains.arrays import WholeNumbers
from losscli.declaration.loss import BoundLoss, Form
from losscli.evaluation.evaluator import choose_form
from tests.registry_cases import LOSSES, draw, per_sample, variants

TABLE = Path(__file__).parent.parent / "docs" / "accuracy.md"
TOLERANCE = 1e-12
REFERENCE: dict[str, Any] = {}
EXTREMES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
for module in pkgutil.iter_modules(tests.reference.__path__):
    family = importlib.import_module(f"tests.reference.{module.name}")
    REFERENCE |= family.REFERENCE
    EXTREMES |= family.EXTREMES
worst: dict[str, float] = {}


def high_precision(values: Any) -> Any:
    return [high_precision(value) for value in values] if isinstance(values, list) else mp.mpf(values)


def form_of(bound: BoundLoss, roles: dict[str, Any]) -> Form:
    form = choose_form(bound, {role: np.shape(values) for role, values in roles.items()})
    assert form is not None
    return form


def inputs(name: str) -> Iterator[tuple[BoundLoss, dict[str, Any]]]:
    loss = next(loss for loss in LOSSES if loss.name == name)
    for params, roles in EXTREMES[name]:
        yield loss.bind({k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}), roles
    for seed, params in enumerate(variants(loss)):
        bound = loss.bind({k: tuple(v) if isinstance(v, list) else v for k, v in params.items()})
        for form in loss.forms:
            drawn = draw(bound, form, np.random.default_rng(seed))
            yield bound, {role: values.tolist() for role, values in drawn.items()}


def as_kernels_want_it(array: np.ndarray, domain: Domain) -> np.ndarray:
    """What the domain's check would have made of the values."""
    if domain.whole_column_is_one_sample and array.ndim == 1:
        return array[None, :]
    if isinstance(domain, WholeNumbers) or (isinstance(domain, ClassTargets) and array.ndim == 1):
        return array.astype(int)
    if getattr(domain, "signs", False):
        return np.where(array > 0, 1.0, -1.0)
    return array


def errors(bound: BoundLoss, roles: dict[str, Any]) -> np.ndarray:
    """Relative error of each row."""
    form = form_of(bound, roles)
    arrays = {role: np.array(values, dtype=float) for role, values in roles.items()}
    for role in (role for role in form.roles if role.name in roles):
        arrays[role.name] = as_kernels_want_it(arrays[role.name], role.domain.with_params(bound.params))
    ours = per_sample(bound, form, arrays)
    with mp.workdps(50):
        theirs = [mp.mpf(value) for value in given(bound, roles)]
        gaps = [relative(mp.mpf(float(a)), b) for a, b in zip(ours, theirs, strict=True)]
    return np.array([float(gap) for gap in gaps])


def given(bound: BoundLoss, roles: dict[str, Any]) -> list[Any]:
    """What the reference gives."""
    return list(
        REFERENCE[bound.loss.name]({role: high_precision(values) for role, values in roles.items()}, bound.params)
    )


def relative(ours: mp.mpf, theirs: mp.mpf) -> mp.mpf:
    if ours == theirs or (mp.isnan(ours) and mp.isnan(theirs)):
        return mp.mpf(0)
    if mp.isinf(ours) and abs(theirs) > mp.mpf(2) ** 1023:
        return mp.mpf(0)  # too large for a float
    if abs(theirs) < mp.mpf(2) ** -1022 and abs(ours - theirs) <= mp.mpf(2) ** -1070:
        return mp.mpf(0)  # below the normal floats digits run out
    return abs(ours - theirs) / abs(theirs) if theirs else mp.inf


@pytest.mark.parametrize("name", [loss.name for loss in LOSSES])
def test_against_mpmath(name: str) -> None:
    worst[name] = 0.0
    for bound, roles in inputs(name):
        gaps = errors(bound, roles)
        worst[name] = max(worst[name], float(gaps.max()))
        row = int(gaps.argmax())
        where = {role: values[row] for role, values in roles.items() if row < len(values)}
        assert gaps.max() <= TOLERANCE, f"{bound.canonical}, row {row}: {where}"


def test_every_loss_has_a_reference_and_edges() -> None:
    assert set(REFERENCE) == {loss.name for loss in LOSSES}
    assert set(EXTREMES) == set(REFERENCE)


ROW = re.compile(r"^\| (\w+) \| \d", re.MULTILINE)
HEAD = """# Accuracy

Largest relative error of each loss against mpmath, over the edges of its domain and random points
(`tests/test_reference.py`). The limit is 1e-12; 2.2e-16 is one unit in the last place.

| loss | largest relative error |
| --- | ---: |
"""


def test_the_table_is_of_these_losses() -> None:
    names = sorted(loss.name for loss in LOSSES)
    if os.environ.get("LOSSCLI_UPDATE_ACCURACY"):
        TABLE.write_text(HEAD + "".join(f"| {name} | {worst[name]:.1e} |\n" for name in names), encoding="utf-8")
    assert ROW.findall(TABLE.read_text(encoding="utf-8")) == names
