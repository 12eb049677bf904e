"""Losses of detectors: what is refused, and the values that their conventions fix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import losscli
from losscli.errors import DataError, UsageError

BINS = np.full((2, 2, 4), 0.25)


@pytest.mark.parametrize(
    ("loss", "roles", "message"),
    [
        ("quality_focal", {"y_true": [0, 1.5], "y_pred": [0.1, 0.2]}, r"row 2: 1.5 is not a number in \[0, 1\]$"),
        ("varifocal", {"y_true": [-1, 1], "y_pred": [0.1, 0.2]}, r"row 1: -1 is not a number in \[0, 1\]$"),
        (
            "distribution_focal",
            {"y_true": [1, 3.5], "y_pred": BINS[0]},
            "row 2: 3.5 is not from 0 to 3: the bins of y_pred are 0..3$",
        ),
        (
            "distribution_focal",
            {"y_true": [[1, 2], [-0.5, 1]], "y_pred": BINS},
            r"y_true\[0\], row 2: -0.5 is not from 0 to 3: the bins of y_pred are 0..3$",
        ),
        (
            "distribution_focal",
            {"y_true": [[0], [0]], "y_pred": np.ones((2, 1, 1))},
            "row 1: 0 lies between no two bins: y_pred has one",
        ),
    ],
)
def test_values_out_of_range_are_named(loss: str, roles: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        losscli.compute(loss, **roles)


def test_a_penalty_of_boxes_is_set_in_the_name() -> None:
    boxes = {"y_true": [[0, 0, 2, 2]], "y_pred": [[1, 0, 3, 2]]}
    assert losscli.compute("alpha_iou:penalty=diou:alpha=1", **boxes).value == losscli.compute("diou", **boxes).value
    with pytest.raises(UsageError, match=r"penalty=eiou must be giou, diou or ciou"):
        losscli.compute("alpha_iou:penalty=eiou", **boxes)


@pytest.mark.parametrize("loss", ["quality_focal", "varifocal"])
def test_a_score_that_is_right_is_not_clipped(loss: str) -> None:
    assert losscli.get_loss(loss)([0, 1], [0.0, 1.0]).tolist() == [0, 0]
    assert losscli.compute(loss, y_true=[0, 1], y_pred=[0.0, 1.0]).summary.clipped == 0
    wrong = losscli.compute(loss, y_true=[0, 1], y_pred=[0.0, 0.0])
    assert wrong.summary.clipped == 1
    assert wrong.value > 18


@pytest.mark.parametrize("params", [{}, {"normalize": True}, {"from_logits": True}])
def test_several_positions_in_a_row_are_averaged(params: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    y_true, y_pred = rng.uniform(0, 3, size=(5, 2)), rng.dirichlet(np.ones(4), size=(5, 2))
    loss = losscli.get_loss("distribution_focal", **params)
    each = loss(y_true.ravel(), y_pred.reshape(-1, 4)).reshape(5, 2)
    np.testing.assert_allclose(loss(y_true, y_pred), each.mean(axis=1), rtol=1e-14)
    slopes = loss.gradient(y_true.ravel(), y_pred.reshape(-1, 4)).reshape(5, 2, 4)
    np.testing.assert_allclose(loss.gradient(y_true, y_pred), slopes / 2, rtol=1e-14)


def test_boxes_of_equal_size_far_apart_have_no_cost_of_shape() -> None:
    """The difference of the sizes is exact, whatever the difference of the places."""
    y_true, y_pred = [[0.1, 0.2, 0.4, 0.7]], [[1e6 + 0.1, 0.2, 1e6 + 0.4, 0.7]]
    high = losscli.get_loss("siou", theta=50)(y_true, y_pred)
    low = losscli.get_loss("siou", theta=1e-3)(y_true, [[1e6, 0.2, 1e6 + (0.4 - 0.1), 0.7]])
    assert low - high > 0.4  # the far corners are rounded, so the widths are not equal
    exact = losscli.get_loss("siou", theta=1e-3)([[0.0, 0.25, 0.5, 0.75]], [[1e6, 0.25, 1e6 + 0.5, 0.75]])
    assert exact[0] == losscli.get_loss("siou", theta=50)([[0.0, 0.25, 0.5, 0.75]], [[1e6, 0.25, 1e6 + 0.5, 0.75]])[0]
