"""A missing value in an array of `get_loss`: its row is NaN, and the others are what they are without it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.loss_function import LossFunction
from tests.registry_cases import draw, name_of, settings

IN_MEMORY = [(bound, form) for bound, form in settings() if not form.by_query]
ROW = 2


@pytest.mark.slow
@pytest.mark.parametrize("setting", IN_MEMORY, ids=map(name_of, IN_MEMORY))
def test_a_missing_value_makes_its_row_nan(setting: tuple[BoundLoss, Form]) -> None:
    bound, form = setting
    function, arrays = LossFunction(bound), draw(bound, form, np.random.default_rng(1))
    for role in form.roles:
        if role.name not in arrays or not role.domain.per_row:
            continue
        values = np.array(arrays[role.name], dtype=np.float64)
        values.reshape(len(values), -1)[ROW, 0] = np.nan
        given = arrays | {role.name: values}
        assert math.isnan(function.value(**given))
        if "gradient" in form.hooks:
            assert np.isnan(function.gradient(**given)[ROW]).all()
        if not bound.loss.dataset_wide:
            found = function(**given)
            assert math.isnan(found[ROW])
            if not form.couples(bound.params):
                np.testing.assert_array_equal(np.delete(found, ROW), np.delete(function(**arrays), ROW))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("multiclass_dice", {"y_true": [[0, np.nan], [0, 1]], "y_pred": np.full((2, 2, 2), 0.5)}),
        ("dice_ce", {"y_true": [[0, np.nan], [0, 1]], "y_pred": np.full((2, 2, 2), 0.5)}),
        ("crps_normal", {"y_true": [1, 2], "y_pred": [1, 2], "scale": [np.nan, 1]}),
        ("gaussian_nll", {"y_true": [1, 2], "y_pred": [1, 2], "variance": [np.nan, 1]}),
    ],
)
def test_the_first_row_lacks_a_value(name: str, given: dict[str, Any]) -> None:
    function = losscli.get_loss(name)
    assert np.isnan(function(**given)).tolist() == [True, False]
    assert np.isnan(function.gradient(**given)[0]).all()
    assert np.isfinite(function.gradient(**given)[1]).all()


@pytest.mark.parametrize("name", ["kl", "wasserstein"])
def test_a_column_that_is_one_distribution_lacks_a_value(name: str) -> None:
    function, given = losscli.get_loss(name), {"y_true": [0.5, 0.5], "y_pred": [np.nan, 0.5]}
    assert np.isnan(function(**given)).tolist() == [True]
    assert math.isnan(function.value(**given))
    assert math.isnan(losscli.compute(name, **given, nan="propagate").value)


def test_gradients_of_rows_that_all_lack_a_value() -> None:
    given = {"labels": [np.nan, np.nan], "embeddings": [[1, 2], [2, 3]], "proxies": [[1, 0], [0, 1]]}
    assert np.isnan(losscli.get_loss("proxy_anchor").gradient(**given)).all()
    assert np.isnan(losscli.get_loss("mse").gradient([np.nan, 1], [1, np.nan])).all()


def test_a_masked_label_is_missing() -> None:
    found = losscli.get_loss("cross_entropy")(np.ma.masked_array([0, 1], [0, 1]), np.full((2, 2), 0.5))
    assert np.isnan(found).tolist() == [False, True]
