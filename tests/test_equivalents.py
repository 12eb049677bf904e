"""What losses state of other libraries is true: each statement is run, as `explain` prints it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

import losscli
from losscli.declaration.equivalent import Equivalent, StatedDifference, same
from losscli.declaration.loss import Loss
from losscli.explain import explain, to_dict
from tests import equivalents
from tests.equivalents import STATEMENTS
from tests.registry_cases import LOSSES

SINGLE_PRECISION = {"keras": 2e-6, "torchmetrics": 2e-6, "mmdet": 1e-6, "xgboost": 1e-5, "lightgbm": 1e-5}
"""Relative errors of libraries that compute partly in float32."""

PROSE = {"paper", "others", "matlab", "insightface"}
"""What statements in prose may be about: papers, and code that no package index has."""


@pytest.fixture(scope="module", autouse=True)
def double_precision() -> Iterator[None]:
    """Let the libraries compute in float64, as far as they do."""
    before = {key: os.environ.get(key) for key in ("KERAS_BACKEND", "JAX_ENABLE_X64")}
    if before["KERAS_BACKEND"] is None:
        os.environ["KERAS_BACKEND"] = "torch" if not equivalents.is_missing("torch") else "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    if not equivalents.is_missing("keras"):
        import keras

        keras.config.set_floatx("float64")
    yield
    if not equivalents.is_missing("keras"):
        keras.config.set_floatx("float32")
    for key, value in before.items():
        os.environ.pop(key) if value is None else os.environ.update({key: value})


def label(case: tuple[Loss, Equivalent]) -> str:
    return f"{case[0].name}-{case[1].library}"


def skip_if_missing(loss: Loss, statement: Equivalent) -> None:
    if library := equivalents.missing(equivalents.parse(loss, statement)):
        pytest.skip(f"{library} is not installed")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries
@pytest.mark.parametrize("case", [case for case in STATEMENTS if not case[1].minimised_by], ids=label)
def test_library_gives_the_same_number(case: tuple[Loss, Equivalent]) -> None:
    loss, statement = case
    skip_if_missing(loss, statement)
    settings = equivalents.settings_of(loss, statement)
    assert settings
    rtol = max(statement.rtol, SINGLE_PRECISION.get(statement.library, 0.0))
    for bound in settings:
        for seed in (1, 2):
            for arrays in equivalents.draws(loss, statement, bound, seed):
                there = equivalents.to_numpy(equivalents.evaluate(loss, statement, {**bound.params, **arrays}))
                here = losscli.compute(loss.name, **arrays, **bound.params)
                expected = here.value if there.ndim == 0 else here.per_sample
                np.testing.assert_allclose(there, expected, rtol=rtol, atol=max(1e-12, rtol / 10), err_msg=bound.label)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries
@pytest.mark.parametrize("case", [case for case in STATEMENTS if case[1].minimised_by], ids=label)
def test_estimator_minimises_the_loss(case: tuple[Loss, Equivalent]) -> None:
    loss, statement = case
    skip_if_missing(loss, statement)
    for bound in equivalents.settings_of(loss, statement):
        estimator = equivalents.evaluate(loss, statement, bound.params)
        there, here = equivalents.objectives(loss, bound, estimator)
        np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries, and of losscli: examples are degenerate
@pytest.mark.parametrize(
    ("case", "difference"),
    [
        pytest.param(case, difference, id=f"{label(case)}-{i}")
        for case in STATEMENTS
        for i, difference in enumerate(case[1].differences)
    ],
)
def test_library_differs_as_stated(case: tuple[Loss, Equivalent], difference: StatedDifference) -> None:
    loss, statement = case
    skip_if_missing(loss, statement)
    there = equivalents.library_at(loss, statement, difference)
    np.testing.assert_allclose(there, difference.there, rtol=1e-5, atol=1e-12)
    here = equivalents.losscli_at(loss, statement, difference)
    assert not np.allclose(here, there, rtol=1e-4, atol=1e-12), "losscli gives the same"


def test_prose_names_nothing_that_can_be_installed() -> None:
    prose = {library for loss in LOSSES for library, _ in _prose_of(loss)}
    assert prose <= PROSE


def _prose_of(loss: Loss) -> list[tuple[str, str]]:
    return [statement for statement in loss.statements if not isinstance(statement, Equivalent)]


@pytest.mark.filterwarnings("ignore::UserWarning")  # examples are degenerate
def test_every_statement_can_be_run() -> None:
    for loss, statement in STATEMENTS:
        call = equivalents.parse(loss, statement)
        assert call.modules or statement.library == "numpy", statement
        assert equivalents.settings_of(loss, statement), statement
        assert len(equivalents.forms_of(loss, statement)) == 1, statement
        for difference in statement.differences:
            equivalents.losscli_at(loss, statement, difference)


def test_explain_and_json_have_the_text_that_is_run() -> None:
    for loss, statement in STATEMENTS:
        rows = next(section.rows for section in explain(loss).sections if section.title == "Elsewhere")
        assert any(statement.call in text for _, text in rows)
        assert statement.call in to_dict(explain(loss))["equivalents"][statement.library]
        for difference in statement.differences:
            assert difference.text in [text for _, text in rows]
            assert difference.text in loss.equivalents[statement.library]


def test_equivalents_of_a_plugin_may_be_prose() -> None:
    kernel = LOSSES[0].forms[0].kernel
    declared = {"name": "", "family": "f", "formula": "e", "aliases": (), "unit": "1", "properties": None, "claims": ()}
    declared |= {"elicits": "", "references": (), "reduction": "mean", "coupled": False, "symbols": {}}
    declared |= {"dataset_wide": False, "undefined": "", "by_query": False}
    declared |= {"no_ranking": "", "no_interval": "", "arbitrary_zero": False}
    assert Loss(kernel, declared | {"equivalents": {"scipy": "none"}}).equivalents == {"scipy": "none"}
    several = (("paper", "one"), same("numpy", "np.abs(y_pred)"), ("paper", "two"))
    assert Loss(kernel, declared | {"equivalents": several}).equivalents == {
        "paper": "one; two",
        "numpy": "np.abs(y_pred)",
    }
