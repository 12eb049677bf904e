"""Losses of detectors, boxes, faces, proxies and two views: what is refused, and values that conventions fix."""

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
    assert (
        losscli.compute("alpha_iou", penalty="diou", alpha=1, **boxes).value == losscli.compute("diou", **boxes).value
    )
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


W, X, CLASSES = (
    np.array([[1.0, 0.5], [0.0, 1.0], [-1.0, 0.2]]),
    np.array([[3.0, 4.0], [4.0, -3.0], [1.0, 7.0]]),
    [0, 1, 2],
)
FACES = {"labels": CLASSES, "embeddings": X, "weights": W}


@pytest.mark.parametrize(
    ("loss", "roles", "message"),
    [
        ("adaface", {"labels": [0], "embeddings": X[:1], "weights": W}, "only row: .* not known; set norm_std=...$"),
        ("subcenter_arcface", FACES, r"weights: shape \(3, 2\), but subcenter_arcface needs \(C, K, D\)$"),
        ("proxy_nca", {"labels": [0, 3], "embeddings": X[:2], "proxies": W}, "row 2: 3 is not a class label 0..2; "),
        ("proxy_nca", {"labels": [0], "embeddings": X[:1], "proxies": W[:1]}, "only proxy: there is no other"),
        ("proxy_anchor", {"labels": [0, 3], "embeddings": X[:2], "proxies": W}, "row 2: 3 is not a class label 0..2; "),
    ],
)
def test_rows_that_cannot_be_compared_are_named(loss: str, roles: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        losscli.compute(loss, **roles)


def test_the_least_length_is_below_the_largest() -> None:
    with pytest.raises(UsageError, match=r"^magface: l_a=110 must be below u_a=110$"):
        losscli.get_loss("magface", l_a=110)


@pytest.mark.parametrize(
    ("loss", "other"),
    [
        ("combined_margin:m2=0.5:m3=0", "arcface"),
        ("combined_margin:m2=0:m3=0.35", "cosface"),
        ("subcenter_arcface", "arcface"),
        ("magface:l_margin=0.5:u_margin=0.5:lambda_g=0", "arcface"),
        ("adaface:margin=0:norm_mean=1:norm_std=1", "normface:scale=64"),
        ("subcenter_arcface:easy_margin=true", "arcface:easy_margin=true"),
    ],
)
def test_margins_that_come_to_another_loss(loss: str, other: str) -> None:
    roles = {"labels": CLASSES, "embeddings": X}
    found = losscli.get_loss(loss)(**roles, weights=W[:, None] if loss.startswith("subcenter") else W)
    np.testing.assert_allclose(found, losscli.get_loss(other)(**roles, weights=W), rtol=1e-12)


def test_the_nearest_sub_center_counts() -> None:
    far = np.stack([W, -W], axis=1)
    cosines = np.abs(X @ W.T) / np.linalg.norm(X, axis=1)[:, None] / np.linalg.norm(W, axis=1)
    found = losscli.get_loss("subcenter_arcface")(labels=CLASSES, embeddings=X, weights=far)
    np.testing.assert_allclose(found, losscli.get_loss("arcface")(labels=CLASSES, y_pred=cosines), rtol=1e-12)


@pytest.mark.parametrize("length", [1.0, 3.0, 1e-9])
def test_equal_lengths_have_no_quality(length: float) -> None:
    x = length * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])
    given = losscli.get_loss("adaface", norm_mean=length, norm_std=1.0)
    roles = {"labels": [0, 1, 2, 0, 1], "embeddings": x, "weights": W}
    np.testing.assert_array_equal(losscli.get_loss("adaface")(**roles), given(**roles))


@pytest.mark.parametrize("norm_mean", [None, 4.0])
def test_lengths_of_rows_of_weight_0_do_not_count(norm_mean: float | None) -> None:
    loss = losscli.get_loss("adaface", norm_mean=norm_mean)
    few = losscli.compute(loss, labels=CLASSES[:2], embeddings=X[:2] * [[1], [2]], weights=W)
    all_rows = losscli.compute(loss, labels=CLASSES, embeddings=X * [[1], [2], [9]], weights=W, weight=[1, 1, 0])
    assert all_rows.value == few.value


def test_views_of_one_row_and_of_many_tiles() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="no other row to compare with"):
        assert losscli.compute("clip", anchor=[[1.0, 2.0]], positive=[[2.0, 1.0]]).value == 0
    a, p = rng.normal(size=(2, 600, 3))
    u, v = (x / np.linalg.norm(x, axis=1)[:, None] for x in (a, p))
    z = 10 * (u @ v.T) - 10
    z[np.diag_indices(600)] *= -1
    np.testing.assert_allclose(losscli.get_loss("siglip")(a, p), np.logaddexp(0, z).sum(axis=1), rtol=1e-11)
    both = (losscli.get_loss("info_nce", temperature=0.07)(*pair) for pair in ((a, p), (p, a)))
    np.testing.assert_allclose(losscli.get_loss("clip")(a, p), sum(both) / 2, rtol=1e-13)


def test_a_weight_of_2_is_a_row_twice() -> None:
    x, labels = np.array([[3.0, 4.0], [4.0, -3.0], [1.0, 7.0], [0.5, 0.2]]), np.array([0, 1, 0, 1])
    times = [2, 1, 0, 3]
    twice = losscli.compute("proxy_anchor", labels=labels.repeat(times), embeddings=x.repeat(times, axis=0), proxies=W)
    once = losscli.compute("proxy_anchor", labels=labels, embeddings=x, proxies=W, weight=times)
    assert once.value == pytest.approx(twice.value, rel=1e-14)
