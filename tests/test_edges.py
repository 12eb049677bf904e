"""Ends of domains that the other tests pass by: clipped probabilities, rows that say nothing, names from elsewhere."""

from __future__ import annotations

import json

import numpy as np
import pytest

import losscli
from tests.conftest import Cli

WITH_EPS = ("bce", "focal", "asymmetric:clip=0")
CLASSES = ("cross_entropy", "categorical_focal", "symmetric_cross_entropy", "poly")


def slope(loss: str, y_true: object, y_pred: object) -> np.ndarray:
    return losscli.compute(loss, y_true=y_true, y_pred=y_pred, gradient=True).gradient


# ------------------------------------------------------------------------------------- clipped probabilities


@pytest.mark.parametrize("loss", WITH_EPS)
def test_a_clipped_probability_of_a_label_has_no_slope(loss: str) -> None:
    assert slope(loss, [1, 0], [0.0, 1.0]).tolist() == [0, 0]
    assert losscli.compute(loss, y_true=[1, 0, 1], y_pred=[0.0, 1.0, 0.5]).summary.clipped == 2


@pytest.mark.parametrize("loss", CLASSES)
def test_a_clipped_probability_of_a_class_has_no_slope(loss: str) -> None:
    assert not slope(loss, [0], [[0.0, 0.4, 0.6]]).any()
    assert slope(loss, [0], [[1e-15, 0.4, 0.6]])[0, 0] < -1e10  # above eps there is one


def test_what_is_never_clipped_keeps_its_slope() -> None:
    assert slope("generalized_cross_entropy:q=1", [0], [[0.0, 0.4, 0.6]])[0, 0] == -1
    assert slope("cross_entropy:eps=0", [0], [[0.0, 0.4, 0.6]])[0, 0] == -np.inf


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_focal_of_certainties_that_are_right_has_its_limit(gamma: float) -> None:
    gradient = slope(f"focal:eps=0:gamma={gamma}", [0, 1], [0.0, 1.0])
    expected = [0.75, -0.25] if gamma == 0 else [0, 0]
    np.testing.assert_allclose(gradient, expected)


# ------------------------------------------------------------------------------- rows that say less than they seem

DISTINCT = {"labels": np.arange(4), "embeddings": np.random.default_rng(1).normal(size=(4, 3))}


@pytest.mark.parametrize("loss", ["circle", "multi_similarity", "center", "coco"])
def test_labels_that_no_two_rows_share_are_noted(cli: Cli, loss: str) -> None:
    np.savez("data.npz", **DISTINCT)
    result = cli("compute", loss, "data.npz")
    assert result.status == 0
    assert "'labels', row 1: no other row has this label" in result.err
    assert "and 3 more rows" in result.err
    np.savez("data.npz", labels=[0, 0, 1, 1], embeddings=DISTINCT["embeddings"])
    assert "note" not in cli("compute", loss, "data.npz").err


def test_one_class_is_noted_by_circle(cli: Cli) -> None:
    np.savez("data.npz", labels=[2, 2, 2, 2], embeddings=DISTINCT["embeddings"])
    assert "or all rows have it" in cli("compute", "circle", "data.npz").err


@pytest.mark.parametrize("loss", ["info_nce", "ntxent", "n_pair"])
def test_a_lone_pair_is_noted(cli: Cli, loss: str) -> None:
    np.savez("data.npz", anchor=[[1.0, 2.0]], positive=[[2.0, 1.0]])
    assert "there is no other row" in cli("compute", loss, "data.npz").err


@pytest.mark.parametrize("loss", ["supcon", "triplet_mined"])
def test_why_no_row_counts(cli: Cli, loss: str) -> None:
    np.savez("data.npz", **DISTINCT)
    result = cli("compute", loss, "data.npz")
    assert result.status == 4
    assert f"{loss} counts a row only where another row has its label" in result.err


def test_why_no_row_counts_where_all_are_ignored_or_absent(cli: Cli) -> None:
    ignored = cli("compute", "softmax_loss:ignore_index=0", "-", stdin=b"y_true,y_pred_0,y_pred_1\n0,1,2\n")
    assert (ignored.status, "its label is not ignore_index" in ignored.err) == (4, True)
    absent = cli("compute", "mse", "--weight", "w", stdin=b"y_true,y_pred,w\n0,1,0\n")
    assert (absent.status, "all were omitted or have weight 0" in absent.err) == (4, True)


@pytest.mark.parametrize("rows", ["1,,0", "1,,0\n0,0.5,0"])
def test_a_row_of_weight_0_may_lack_a_value(rows: str, cli: Cli) -> None:
    data = f"y_true,y_pred,w\n1,0.5,1\n{rows}\n".encode()
    assert cli("compute", "bce", "--weight", "w", "-f", "value", stdin=data).out == "0.6931471805599453\n"
    per_sample = cli("compute", "bce", "--weight", "w", "--per-sample", "--gradient", "-f", "value", stdin=data)
    assert (per_sample.status, per_sample.out.count("nan")) == (0, 1)


# ---------------------------------------------------------------------------------------- log-probabilities


def test_log_probabilities_that_do_not_sum_to_one_are_noted(cli: Cli) -> None:
    good = np.log(np.full((3, 4), 0.25))
    bad = good.copy()
    bad[1] = -5.0
    np.savez("data.npz", y_true=[0, 1, 2], y_pred=bad)
    result = cli("compute", "nll", "data.npz")
    assert (result.status, "row 2: the probabilities do not sum to 1; log_softmax" in result.err) == (0, True)
    assert "note" not in cli("compute", "nll:ignore_index=1", "data.npz").err
    np.savez("data.npz", y_true=[0, 1, 2], y_pred=good.astype(np.float32))
    assert "note" not in cli("compute", "nll", "data.npz").err


def test_frames_beyond_their_length_are_not_looked_at(cli: Cli) -> None:
    frames = np.log(np.full((2, 3, 4), 0.25))
    frames[0, 2] = 0.0
    given = {"log_probs": frames, "targets": [[1], [2]], "target_lengths": [1, 1]}
    np.savez("data.npz", **given, input_lengths=[2, 3])
    assert "note" not in cli("compute", "ctc", "data.npz").err
    np.savez("data.npz", **given, input_lengths=[3, 3])
    assert "'log_probs', row 1: the probabilities do not sum to 1" in cli("compute", "ctc", "data.npz").err


# ----------------------------------------------------------------------------------------- names and shapes


def test_a_role_of_the_wrong_shape_is_not_said_to_be_missing(cli: Cli) -> None:
    np.savez("flat.npz", labels=[0, 1, 0, 1], embeddings=np.ones(4), weights=np.ones((2, 3)))
    result = cli("compute", "arcface", "flat.npz")
    assert (result.status, "embeddings: shape (N,), one number per row, but arcface needs several" in result.err) == (
        3,
        True,
    )
    lengths = {"input_lengths": [3, 3], "target_lengths": [1, 1]}
    np.savez("flat.npz", log_probs=-np.ones((3, 3)), targets=np.ones((2, 1)), **lengths)
    result = cli("compute", "ctc", "flat.npz")
    assert (result.status, "log_probs: shape (N, 3), but ctc needs (N, T, C)" in result.err) == (3, True)


def test_one_number_is_a_parameter_and_no_data(cli: Cli) -> None:
    np.save("one.npy", np.float64(3.0))
    np.savez("one.npz", w=np.float64(3.0))
    for path in ("one.npy", "one.npz"):
        options = ("--penalty", "l2:lambda=1", "--parameters", path, "-f", "value")
        assert cli("compute", "mse", *options, stdin=b"y_true,y_pred\n1,1\n").out.strip() == "9.0"
    result = cli("compute", "mse", "one.npy", "one.npy")
    assert (result.status, "one.npy: is one number, not an array of rows" in result.err) == (3, True)


# --------------------------------------------------------------------------------------------- large scores

ALIKE = {"multiclass_hinge": 1.0, "categorical_hinge": 1.0, "multi_margin": 0.5, "multiclass_perceptron": 0.0}


@pytest.mark.parametrize("loss", ALIKE)
@pytest.mark.parametrize("score", [1.0, 1e16, np.inf])
def test_scores_that_are_equal_miss_the_margin_however_large(loss: str, score: float) -> None:
    assert losscli.compute(loss, y_true=[0], y_pred=[[score, score]]).value == ALIKE[loss]


@pytest.mark.parametrize("loss", ALIKE)
def test_infinite_scores_decide(loss: str) -> None:
    value = losscli.compute(loss, y_true=[0, 0, 0], y_pred=[[np.inf, 0], [0, np.inf], [-np.inf, 0]]).per_sample
    assert value.tolist() == [0, np.inf, np.inf]


def test_a_cosine_of_zero_has_no_sign(cli: Cli) -> None:
    data = b"y_true_0,y_true_1,y_pred_0,y_pred_1\n1,0,0,1\n"
    assert cli("compute", "cosine_similarity", "-f", "value", stdin=data).out == "0.0\n"


# ---------------------------------------------------------------------------------------------- explanations


def test_explain_says_for_which_parameters(cli: Cli) -> None:
    assert "where from_logits=true" in cli("explain", "bce").out
    assert "not for all parameters" not in cli("explain", "mse").out
    kl = json.loads(cli("explain", "kl", "-f", "json").out)
    assert (kl["properties"]["convex"], kl["properties_where"]["convex"]) == (
        False,
        ["normalize=false", "from_logits=true"],
    )
    assert "a < b < c" in cli("explain", "hampel").out
    assert "-inf or inf" in cli("explain", "barron").out
    assert "y_pred is given" in cli("explain", "normface").out


def test_explain_says_what_a_loss_aims_at_or_that_none_knows(cli: Cli) -> None:
    assert "midrange" in cli("explain", "max_error").out
    assert "none known" in cli("explain", "focal").out


def test_names_keep_their_case_at_the_start_of_advice(cli: Cli) -> None:
    assert "y_pred must be positive" in cli("explain", "poisson_deviance").out
    for loss in losscli.list_losses():
        assert "Y_pred" not in cli("explain", loss.name if hasattr(loss, "name") else loss).out


def test_markdown_has_an_empty_line_before_tables(cli: Cli) -> None:
    lines = cli("explain", "huber", "-f", "markdown").out.split("\n")
    assert all(lines[i - 1] == "" for i, line in enumerate(lines) if line == "| | |")


# ------------------------------------------------------------------------------------------------- messages


def test_a_bad_box_names_columns_as_the_file_does(cli: Cli) -> None:
    result = cli("compute", "iou", stdin=b"x1,y1,x2,y2,x1,y1,x2,y2\n0,0,1,1,3,0,0,1\n")
    assert (result.status, "'x2.1'" in result.err) == (3, False)
    assert "column 'x2' no. 2 (y_pred), row 1: 0 comes before x1=3: boxes are" in result.err


def test_class_labels_are_printed_as_integers(cli: Cli) -> None:
    data = b"y_true,y_pred_0,y_pred_1\n0,0.2,0.8\n1,0.5,0.5\n"
    lines = cli("compute", "cross_entropy", "--per-sample", stdin=data).out.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["y_true", "0", "1"]
    document = json.loads(cli("compute", "zero_one", "--per-sample", "-f", "json", stdin=data).out)
    assert [type(sample["y_true"]) for sample in document["samples"]] == [int, int]


def test_logits_for_a_loss_of_probabilities_alone(cli: Cli) -> None:
    result = cli("compute", "rps", stdin=b"y_true,y_pred_0,y_pred_1\n0,2,-1\n")
    assert "if these are logits, give their softmax instead" in result.err


# --------------------------------------------------------------------------------------------- little overlap

OVERLAPS = {0.0: np.inf, 1e-10: 11.512925464970229, 1e-16: 18.420680743952367, 1e-100: 115.12925464970229}


def test_bhattacharyya_of_distributions_that_hardly_overlap() -> None:
    for q, expected in OVERLAPS.items():
        got = losscli.compute("bhattacharyya", y_true=[[0, 0, 1]], y_pred=[[0.5, 0.5, q]]).value
        assert got == pytest.approx(expected, rel=1e-9)
    far = losscli.compute("bhattacharyya:from_logits=true", y_true=[[1, 0, 0]], y_pred=[[-400, 0, 0]], gradient=True)
    assert far.value == pytest.approx(200.34657359027997, rel=1e-12)
    np.testing.assert_allclose(far.gradient[0], [-0.5, 0.25, 0.25])
