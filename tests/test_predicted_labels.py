"""zero_one and hamming on predicted labels, integers or names; what is a label and what a probability."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import losscli
from losscli.data import dataset as dataset_module
from losscli.errors import DataError
from tests.conftest import Cli, write_csv, write_json, write_jsonl, write_npy, write_npz, write_parquet

NAMES = (["cat", "dog", "owl", "dog"], ["cat", "cat", "owl", "dog"])

WRITERS = {"csv": write_csv, "json": write_json, "jsonl": write_jsonl, "npz": write_npz, "parquet": write_parquet}


def value(cli: Cli, *arguments: str) -> float:
    result = cli("compute", *arguments, "-f", "value")
    assert result.status == 0, result.err
    return float(result.out)


def refusal(cli: Cli, *arguments: str) -> str:
    result = cli("compute", *arguments)
    assert (result.status, result.out) == (3, ""), result
    return result.err


@pytest.mark.parametrize("options", [(), ("--classes", "cat,dog,owl")])
@pytest.mark.parametrize("loss", ["zero_one", "hamming"])
@pytest.mark.parametrize("ending", WRITERS)
def test_names_in_every_format(ending: str, loss: str, options: Sequence[str], cli: Cli) -> None:
    WRITERS[ending](f"d.{ending}", {"y_true": np.array(NAMES[0]), "y_pred": np.array(NAMES[1])})
    assert value(cli, loss, f"d.{ending}", *options) == 0.25


@pytest.mark.parametrize(
    ("y_true", "y_pred", "wrong"),
    [
        ([3, 1, 2, 2], [3, 2, 2, 2], [0, 1, 0, 0]),
        ([0, 1, 2], [0, 1, 1], [0, 0, 1]),  # no prediction beyond 1
        ([-1, 0, 1, 0], [-1, -1, 1, 0], [0, 1, 0, 0]),  # three classes
        ([-1, 0, 1], [0, 0, 1], [1, 0, 0]),  # the third is never predicted
        ([-1, 1, 1], [-1, -1, 1], [0, 1, 0]),  # signs, predicted as signs
        ([-1, 1, 1], [0, 0, 1], [0, 1, 0]),  # signs, predicted as 0 and 1
        ([-1, 1, -1, 1], [0.2, 0.7, 0, 0.4], [0, 0, 0, 1]),  # signs, predicted by probabilities
        ([0, 1, 1], [0.5, 0.5, 0.4], [1, 0, 1]),
        (["1", "0"], ["0.7", "0.6"], [0, 1]),  # texts of numbers are numbers
        (["02", "2", "10"], ["2", "2", "10"], [1, 0, 0]),  # but for leading zeros
        (["a", "2"], ["a", "2.0"], [0, 0]),
        (["True", "False"], ["True", "True"], [0, 1]),
        ([True, False], [True, True], [0, 1]),
    ],
)
def test_labels_are_compared_as_they_are(y_true: Any, y_pred: Any, wrong: Any, cli: Cli) -> None:
    assert losscli.compute("zero_one", y_true=y_true, y_pred=y_pred).value == pytest.approx(np.mean(wrong))
    assert losscli.get_loss("hamming")(y_true, y_pred).tolist() == wrong
    Path("d.json").write_text(json.dumps({"y_true": y_true, "y_pred": y_pred}))
    assert value(cli, "hamming", "d.json") == pytest.approx(np.mean(wrong))


def test_several_labels_per_row(cli: Cli) -> None:
    true, pred = [["r", "s"], ["g", "m"], ["b", "l"]], [["r", "s"], ["g", "l"], ["g", "l"]]
    columns = {f"{part}_{k}": np.array(rows)[:, i] for part, rows in (("t", true), ("p", pred))
               for i, k in enumerate(("color", "size"))}  # fmt: skip
    write_csv("d.csv", columns)
    found = cli("compute", "zero_one,hamming", "d.csv", "--true", "t_*", "--pred", "p_size,p_color", "-f", "value")
    assert [float(x) for x in found.out.split()] == pytest.approx([2 / 3, 1 / 3])
    assert losscli.compute("hamming", y_true=true, y_pred=pred).value == pytest.approx(1 / 3)
    assert losscli.compute("zero_one", y_true=[[3, 1], [2, 2]], y_pred=[[3, 1], [2, 5]]).value == 0.5


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([0, 1, 2], [0.1, 0.8, 0.9], ["'y_true'", "row 3: 2 is not a label 0 or 1"]),
        ([0, 1, 1], [0.1, 0.8, 2], ["'y_pred'", "row 3: 2 is not in [0, 1]", "sigmoids"]),
        ([0, 1, 1], [-3, 2, 1], ["'y_pred'", "row 1: -3", "sigmoids"]),
        ([0, 1, 1], [0.5, 1.5, 1], ["'y_pred'", "row 2: 1.5"]),
        ([0, 1.5, 1], [0, 1, 1], ["'y_true'", "row 2: 1.5"]),
        ([-1, 0, 1], [0.1, 0.2, 0.9], ["'y_true'", "row 1: -1 stands beside 0"]),
        ([0, 1, 1], [0, 255, 255], ["'y_pred'", "row 2: 255", "divide by 255"]),
        ([0, 255, 255], [0, 1, 1], ["'y_true'", "row 2: 255", "divide by 255"]),
        (["a", "b", "a"], [0.1, 0.2, 0.9], ["'y_true'", "row 1", "--classes"]),
        ([0, 1, 1], ["a", "b", "b"], ["'y_pred'", "row 1", "--classes"]),
    ],
)
def test_what_could_be_either_is_refused(y_true: Any, y_pred: Any, words: list[str], cli: Cli) -> None:
    write_csv("d.csv", {"y_true": y_true, "y_pred": y_pred})
    error = refusal(cli, "zero_one", "d.csv")
    assert all(word in error for word in words), error


def test_labels_take_no_threshold_of_0() -> None:
    assert losscli.compute("zero_one", y_true=[0, 1], y_pred=[0, 1], threshold=0).value == 0.5  # as probabilities
    with pytest.raises(DataError, match="threshold=0"):
        losscli.compute("zero_one", y_true=[0, 1, 2], y_pred=[0, 1, 2], threshold=0)


@pytest.mark.parametrize(
    ("pred", "expected"), [([1, 2, 1], 1 / 3), ([0.2, 1.0, 0.9], 0.0), ([1, 1, 1], None), ([0.2, 2, 1], None)]
)
def test_classes_that_are_numbers(pred: list[float], expected: float | None, cli: Cli) -> None:
    write_csv("d.csv", {"y_true": [1, 2, 2], "y_pred": pred})
    if expected is not None:
        assert value(cli, "zero_one", "d.csv", "--classes", "1,2") == pytest.approx(expected)
    else:
        assert "or a probability" in refusal(cli, "zero_one", "d.csv", "--classes", "1,2")


LATE = {
    "label of y_true": (2, 0.3, "is not a label 0 or 1"),
    "label of y_pred": (1, 3.0, "3 is not in [0, 1]"),
    "sign": (-1, 0.2, "stands beside 0"),
}


@pytest.mark.parametrize("jobs", ["1", "3"])
@pytest.mark.parametrize("case", LATE)
def test_a_late_value_decides_for_all(case: str, jobs: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "ROWS_PER_PART", 50)
    rng = np.random.default_rng(3)
    true, pred = rng.integers(0, 2, 400).astype(float), rng.random(400)
    true[333], pred[333], words = LATE[case]
    write_npy("t.npy", true)
    write_npy("p.npy", pred)
    error = refusal(cli, "zero_one", "t.npy", "p.npy", "--jobs", jobs)
    assert "row 334" in error
    assert words in error


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_late_probability_is_refused(jobs: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "ROWS_PER_PART", 50)
    true = np.arange(400.0) % 3
    pred = np.roll(true, 1)
    write_npy("t.npy", true)
    write_npy("p.npy", pred)
    assert value(cli, "zero_one", "t.npy", "p.npy", "--jobs", jobs) == 1 - np.mean(true == pred)
    true[300:] = 1
    pred[300:] = 0.5
    write_npy("t.npy", true)
    write_npy("p.npy", pred)
    error = refusal(cli, "zero_one", "t.npy", "p.npy", "--jobs", jobs)
    assert "row 301: 0.5 is not a label" in error


def test_samples_have_the_names(cli: Cli) -> None:
    write_csv("d.csv", {"y_true": NAMES[0], "y_pred": NAMES[1]})
    rows = cli("compute", "zero_one", "d.csv", "--per-sample").out.splitlines()
    assert rows[:3] == ["row\ty_true\ty_pred\tzero_one", "1\tcat\tcat\t0.0", "2\tdog\tcat\t1.0"]


def test_a_missing_name_is_a_gap_and_NA_a_name(cli: Cli) -> None:
    write_csv("d.csv", {"y_true": ["EU", "NA", ""], "y_pred": ["EU", "EU", "NA"]})
    assert "row 3" in refusal(cli, "zero_one", "d.csv")
    assert value(cli, "zero_one", "d.csv", "--nan", "omit") == 0.5


def test_skill_is_over_the_most_frequent_label(cli: Cli) -> None:
    for true, pred in ((NAMES[0], NAMES[1]), ([0, 1, 2, 1], [0, 0, 2, 1]), ([-1, 1, -1, 1], [0.1, 0.9, 0.8, 0.7])):
        found = losscli.compare(["zero_one", "hamming"], y_true=true, y_pred=pred).to_frame()
        assert found["skill"].tolist() == [0.5, 0.5]


def test_models_that_predict_names(cli: Cli) -> None:
    write_csv("d.csv", {"y_true": NAMES[0], "a": NAMES[1], "b": NAMES[0]})
    found = cli("compare", "--losses", "zero_one", "d.csv", "--pred", "a", "--pred", "b", "-f", "json")
    values = {item["model"]: item["value"] for item in json.loads(found.out)["losses"]}
    assert values == {"a": 0.25, "b": 0.0}


def test_row_groups_of_names(cli: Cli) -> None:
    true, pred = NAMES[0] * 50, NAMES[1] * 50
    pq.write_table(pa.table({"y_true": true, "y_pred": pred}), "d.parquet", row_group_size=30)
    assert value(cli, "zero_one", "d.parquet", "--jobs", "2") == 0.25


def test_blanks_around_labels_say_nothing(cli: Cli) -> None:
    Path("d.csv").write_text("y_true, y_pred\ncat, cat\n dog, cat\n1 , 1\n")
    assert value(cli, "zero_one", "d.csv") == pytest.approx(1 / 3)
    assert value(cli, "zero_one", "d.csv", "--classes", "cat,dog,1") == pytest.approx(1 / 3)
    assert losscli.compute("zero_one", y_true=["a ", "b"], y_pred=["a", "a"]).value == 0.5
    assert losscli.get_loss("zero_one").value(["a ", "b"], ["a", "a"]) == 0.5
    Path("d.csv").write_text("y_true,y_pred\n ,cat\ndog,cat\n")
    assert "column 'y_true', row 1: 1 row lacks a value" in refusal(cli, "zero_one", "d.csv")


def test_labels_between_blanks(cli: Cli) -> None:
    Path("d.txt").write_text("y_true y_pred\ncat cat\ndog cat\n")
    assert "--delimiter ' ' splits them" in refusal(cli, "zero_one", "d.txt")
    assert value(cli, "zero_one", "d.txt", "--delimiter", " ") == 0.5


def test_names_beside_numbers(cli: Cli) -> None:
    """Numbers in one column may be labels or scores, unless the classes are named."""
    write_csv("d.csv", {"y_true": ["a", 1, 1], "y_pred": [1, 1, 1]})
    assert "'a' is not a number; --classes A,B names the classes" in refusal(cli, "zero_one", "d.csv")
    assert value(cli, "zero_one", "d.csv", "--classes", "a,1") == pytest.approx(1 / 3)
    write_json("d.json", {"y_true": ["a", 1, 2], "y_pred": ["a", "1", 3.0]})
    assert value(cli, "zero_one", "d.json") == pytest.approx(1 / 3)


def test_losses_of_labels_are_recommended_for_predicted_names(cli: Cli) -> None:
    write_csv("d.csv", {"y_true": NAMES[0], "y_pred": NAMES[1]})
    result = cli("recommend", "d.csv", "-f", "json")
    assert json.loads(result.out)["task"] == "predicted labels"
    write_csv("d.csv", {"y_true": NAMES[0], "y_pred": [1, 2, "-", 4]})
    assert "column 'y_pred', row 3: '-' is not a number" in cli("recommend", "d.csv").err


@pytest.mark.parametrize("loss", ["zero_one", "hamming"])
def test_padding_is_no_label_to_compare(loss: str, cli: Cli) -> None:
    """The Trainer pads the labels of tokens with it, and predictions with nothing."""
    write_npz(
        "d.npz", {"label_ids": np.array([[1, 2, -100], [0, -100, -100]]), "predictions": np.array([[1, 2, 0]] * 2)}
    )
    result = cli("compute", loss, "d.npz")
    assert (result.status, result.out) == (3, "")
    assert "'label_ids' (y_true), row 1: -100 marks what does not count" in result.err


LARGE = 9007199254740992
"""2^53: floats do not tell this integer from the next."""


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("zero_one", 0.5),
        ("balanced_error", 0.5),
        ("f1_loss", 2 / 3),
        ("matthews_loss", 0.5),
        ("cohen_kappa_loss", 2 / 3),
        ("cohen_kappa_loss:weighting=linear", 1 / 1.7e12),
        ("quadratic_weighted_kappa_loss", 1 / 1.7e12**2),
    ],
)
@pytest.mark.parametrize("spell", [list, np.array])
def test_large_integers_are_numbers_and_no_names(loss: str, expected: float, spell: Any) -> None:
    found = losscli.compute(loss, y_true=spell([1700000000000, 5]), y_pred=spell([1700000000001, 5])).value
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("loss", ["zero_one", "balanced_error", "f1_loss", "quadratic_weighted_kappa_loss"])
@pytest.mark.parametrize("ending", ["csv", "json", "npz", "parquet"])
def test_integers_that_floats_round_are_refused(ending: str, loss: str, cli: Cli) -> None:
    WRITERS[ending](f"d.{ending}", {"y_true": np.array([3, LARGE]), "y_pred": np.array([3, LARGE + 1])})
    err = refusal(cli, loss, f"d.{ending}")
    assert "(y_true), row 2" in err or "'y_true', row 2" in err
    assert "is not below 2^53" in err
    assert "give such labels as names" in err
    WRITERS[ending](f"d.{ending}", {"y_true": np.array([1, 2]), "y_pred": np.array([1, -(10**16)])})
    assert "'y_pred', row 2: -1e+16 is not below 2^53" in refusal(cli, loss, f"d.{ending}")


@pytest.mark.parametrize("loss", ["zero_one", "balanced_error", "matthews_loss"])
def test_integers_given_as_texts_keep_all_digits(loss: str) -> None:
    true, predicted = [str(LARGE), "3"], [str(LARGE + 1), "3"]
    assert losscli.compute(loss, y_true=true, y_pred=predicted).value == pytest.approx(0.5)
    assert losscli.get_loss(loss).value(true, predicted) == pytest.approx(0.5)
    assert losscli.compute(loss, y_true=true, y_pred=[f"{LARGE}.0", "3"]).value == 0


@pytest.mark.parametrize("loss", ["supcon", "circle", "multi_similarity", "triplet_mined"])
def test_labels_of_embeddings_are_told_apart_or_refused(loss: str) -> None:
    embeddings = np.random.default_rng(0).normal(size=(6, 3))
    labels = [LARGE, LARGE + 1, LARGE, LARGE + 1, 3, 3]
    with pytest.raises(DataError, match=r"labels, row 1: .* is not below 2\^53"):
        losscli.compute(loss, labels=labels, embeddings=embeddings)
    named = losscli.compute(loss, labels=[str(label) for label in labels], embeddings=embeddings).value
    assert named == losscli.compute(loss, labels=[0, 1, 0, 1, 2, 2], embeddings=embeddings).value


def test_names_of_series_are_told_apart_or_refused() -> None:
    series, past = [LARGE, LARGE + 1], [LARGE, LARGE, LARGE + 1, LARGE + 1]
    data: dict[str, Any] = {"y_true": [1, 3], "y_pred": [2, 5], "train": [1, 2, 3, 7]}
    with pytest.raises(DataError, match=r"series, row 1: .* is not below 2\^53"):
        losscli.compute("mase", **data, series=series, train_series=past)
    texts = {"series": [str(name) for name in series], "train_series": [str(name) for name in past]}
    assert losscli.compute("mase", **data, **texts).value == 0.75
