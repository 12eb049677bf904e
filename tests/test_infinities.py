"""Infinite predictions, where a loss admits them: values and gradients are the limits of those far out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from losscli.declaration.domains import ValueOrigin
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError
from losscli.pipeline import resolve_losses as resolve
from tests.accuracy import as_kernels_want_it
from tests.registry_cases import LOSSES, draw, kernel, name_of, settings

FAR = (1e50, 1e100)
"""Finite stand-ins for infinity: what goes to a limit is there at the second, what grows grows from the first to it."""

MANY_LOGITS = "an infinite embedding makes the logits of several classes infinite: which is largest is lost"
UNDEFINED = {
    "linear_softmax": MANY_LOGITS,
    "l_softmax": MANY_LOGITS,
    "sphereface": MANY_LOGITS,
    "deepid": MANY_LOGITS,
    "center(labels,embeddings)": "the mean of an infinite row's class is infinite, too",
    "adaface": "the mean of the lengths is infinite, too",
    "n_pair": "a difference of infinite products",
    "listmle": "exact at infinity (test_queries.py); logarithms of sums lose digits at scores that are nearly as far",
    "triplet_mined": "distances of infinite rows are infinite, and their differences are asked for",
    "energy_score:fair=true": "a difference of infinite distances",
    "triplet": "both distances of an infinite anchor are infinite, and their difference is asked for",
}
"""What need not be a limit, and why: a loss, one of its forms, or a parameter that is on."""


def admitted(bound: BoundLoss, form: Form) -> Iterator[float]:
    """Which infinities the prediction may be, by its own check."""
    role = next(role for role in form.roles if role.name == form.gradient_role)
    arrays = drawn(bound, form)
    for end in (np.inf, -np.inf):
        values = arrays[role.name].astype(float)
        values.flat[0] = end
        try:
            role.domain.with_params(bound.params).check(values, ValueOrigin(role.name), {})
        except DataError:
            continue
        yield end


def drawn(bound: BoundLoss, form: Form) -> dict[str, np.ndarray]:
    arrays = draw(bound, form, np.random.default_rng(3), rows=5)
    domains = {role.name: role.domain.with_params(bound.params) for role in form.roles}
    return {name: as_kernels_want_it(array, domains[name]) for name, array in arrays.items()}


def reason(bound: BoundLoss, form: Form) -> str:
    names = {
        bound.label,
        bound.loss.name,
        f"{bound.loss.name}({','.join(form.names)})",
        *(k for k, v in bound.params.items() if v),
    }
    return next((why for what, why in UNDEFINED.items() if what in names), "")


CASES = [
    (bound, form, hook, end)
    for bound, form in settings("from_logits", "log_input")
    if form.gradient_role and not reason(bound, form)
    for hook in ("", "gradient")
    if not hook or hook in form.hooks
    for end in admitted(bound, form)
]


USUAL = {loss.bind({}).label for loss in LOSSES}
EACH = [case if case[0].label in USUAL else pytest.param(case, marks=pytest.mark.slow) for case in CASES]


@pytest.mark.parametrize("case", EACH, ids=[f"{name_of(case[:2])}={case[3]},{case[2] or 'value'}" for case in CASES])
def test_an_infinite_prediction_gives_the_limit(case: tuple[BoundLoss, Form, str, float]) -> None:
    bound, form, hook, end = case
    arrays = drawn(bound, form)
    role = form.gradient_role
    size = arrays[role].size
    for place in range(0, size, -(-size // 5)):

        def at(x: float, place: int = place) -> np.ndarray:
            moved = arrays[role].astype(float)
            moved.flat[place] = x
            return kernel(bound, form, arrays | {role: moved}, hook)

        there, near, far = at(end), at(np.copysign(FAR[0], end)), at(np.copysign(FAR[1], end))
        assert not np.isnan(there).any()
        finite = np.isfinite(there)
        np.testing.assert_allclose(there[finite], far[finite], rtol=1e-9, atol=1e-9)
        rising = (np.abs(far) > np.abs(near)) | np.isinf(far)
        assert (rising & (np.sign(far) == np.sign(there)))[~finite].all()


@pytest.mark.parametrize("spec", ["chi2:from_logits=true", "jeffreys:from_logits=true",
                                  "renyi:alpha=2:from_logits=true", "renyi:alpha=0.5:from_logits=true"])  # fmt: skip
@pytest.mark.parametrize("low", [-300.0, -600.0, -900.0])
def test_gradients_by_logits_hold_where_a_probability_underflows(spec: str, low: float) -> None:
    [bound] = resolve(spec)
    form = bound.loss.forms[0]
    p, s = np.array([[0.2, 0.5, 0.3]]), np.array([[low, 0.0, 1.0]])
    declared = kernel(bound, form, {"y_true": p, "y_pred": s}, "gradient")[0]
    step = 1e-5 * np.eye(3)
    above, below = (kernel(bound, form, {"y_true": np.repeat(p, 3, 0), "y_pred": s + h}) for h in (step, -step))
    if np.isinf(above).all():  # chi2 is past 1e308: each class pulls or is pushed without end
        assert declared.tolist() == [-np.inf, np.inf, np.inf]
    else:
        np.testing.assert_allclose(declared, (above - below) / 2e-5, rtol=1e-4, atol=1e-6)
