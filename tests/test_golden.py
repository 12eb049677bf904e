"""Values and gradients of other libraries, at their tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import losscli
from tests.registry_cases import LOSSES, golden, has_golden

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*no other row:UserWarning"),  # what cases of one row are noted for
    pytest.mark.filterwarnings("ignore:.*(left out of the mean|in row order|all rows are one query):UserWarning"),
    pytest.mark.filterwarnings("ignore:.*lower end is above:UserWarning", "ignore:.*quantiles cross:UserWarning"),
]

WITH_CASES = [loss.name for loss in LOSSES if has_golden(loss.name)]
CASES = [pytest.param(case, id=case["id"]) for name in WITH_CASES for case in golden(name)]


def evaluate(case: dict[str, Any]) -> losscli.LossResult:
    return losscli.compute(
        losscli.get_loss(case["loss"], **case["params"]),  # penalty= of compute is that of a model
        weight=case["weight"],
        gradient=case["gradient"] is not None,
        **case["inputs"],
    )


@pytest.mark.parametrize("name", [loss.name for loss in LOSSES])
def test_there_are_golden_cases(name: str) -> None:
    cases = golden(name)
    assert all(case["loss"].partition(":")[0] == name and case["source"] for case in cases)


@pytest.mark.parametrize("case", CASES)
def test_value(case: dict[str, Any]) -> None:
    result = evaluate(case)
    np.testing.assert_allclose(result.value, case["mean"], rtol=case["rtol"], atol=0)
    if case["per_sample"] is not None:
        np.testing.assert_allclose(result.per_sample, case["per_sample"], rtol=case["rtol"], atol=1e-15)


@pytest.mark.parametrize("case", [p for p in CASES if p.values[0]["gradient"] is not None])
def test_gradient(case: dict[str, Any]) -> None:
    gradient = evaluate(case).gradient
    expected = np.array(case["gradient"], dtype=float)
    assert gradient is not None
    assert gradient.shape == expected.shape
    # frameworks round p - 1 before a scale of 64 multiplies it
    np.testing.assert_allclose(gradient, expected, rtol=case["rtol"], atol=1e-14 * max(1.0, np.abs(expected).max()))


def test_get_loss_gives_the_per_sample_values() -> None:
    case = golden("huber")[4]
    loss = losscli.get_loss("huber", **case["params"])
    np.testing.assert_allclose(loss(*case["inputs"].values()), case["per_sample"], rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(*case["inputs"].values()), case["gradient"], rtol=1e-12)
