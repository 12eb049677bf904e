"""Class names: endings of columns, the classes that labels mean by them, and names that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import losscli
from losscli.data.labels import find_endings, order_by_number
from losscli.errors import DataError, UsageError
from tests.conftest import Cli, write_csv, write_npy, write_parquet


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("p1 p10 p11", "1 10 11"),
        ("p10 p11 p12", "10 11 12"),
        ("score_cat score_car", "cat car"),
        ("car carp cat", "car carp cat"),
        ("probcat probdog", "cat dog"),
        ("p_-1 p_0 p_1", "-1 0 1"),
        ("class-1 class-2", "1 2"),
        ("q0.05 q0.5 q0.95", "0.05 0.5 0.95"),
        ("y_pred[0] y_pred[1]", "0 1"),
        ("Probability:Class=cat Probability:Class=dog", "cat dog"),
        ("prob.cat prob.dog", "cat dog"),
        ("prob_01 prob_02", "01 02"),
        ("a_b a_b_c", "b b_c"),
        ("p p_1", "p p_1"),
        ("10 11", "10 11"),
        ("prob_1.0 prob_2.0", "1.0 2.0"),
        ("prob_big_cat prob_big_dog", "cat dog"),
        ("cat_prob dog_prob", "cat dog"),
        ("1_prob 2_prob", "1 2"),
        ("P(cat) P(dog)", "cat dog"),
        ("P(1) P(2)", "1 2"),
        ("q0.5 q1.5", "0.5 1.5"),
    ],
)
def test_endings(columns: str, names: str) -> None:
    prefixes = ("prob", "score")
    assert find_endings(columns.split(), prefixes).names == tuple(names.split())
    # the order of the columns changes nothing but the order of the endings
    assert find_endings(columns.split()[::-1], prefixes).names == tuple(names.split()[::-1])


@given(st.lists(st.integers(-50, 150), min_size=2, max_size=8, unique=True), st.sampled_from(["p_", "prob", "c ", ""]))
def test_numbers_at_the_end_order_columns(numbers: list[int], prefix: str) -> None:
    if prefix == "prob":  # a dash after a letter is a separator
        numbers = sorted({abs(number) for number in numbers})
    names = find_endings([f"{prefix}{number}" for number in numbers]).names
    if len(numbers) > 1:
        assert [numbers[i] for i in order_by_number(names)] == sorted(numbers)


P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
CROSS_ENTROPY = -np.log([0.7, 0.8, 0.6]).mean()


def write_labels(labels: list[object], names: str, path: str = "d.csv") -> None:
    """Write labels of the classes 0, 1, 2 beside their probabilities, the columns in reverse order."""
    columns = dict(zip(names.split(), P.T, strict=True))
    (write_parquet if path.endswith("parquet") else write_csv)(
        path, {"label": labels, **dict([*columns.items()][::-1])}
    )


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2, 3], "prob_class_1 prob_class_2 prob_class_3"),
        (["class_1", "class_2", "class_3"], "prob_class_1 prob_class_2 prob_class_3"),
        (["big_cat", "big_dog", "big_owl"], "prob_big_cat prob_big_dog prob_big_owl"),
        (["dog", "cat", "owl"], "prob_big_dog prob_big_cat prob_big_owl"),
        (["prob_dog", "prob_cat", "prob_owl"], "prob_dog prob_cat prob_owl"),
        ([2.0, 1.0, 10.0], "prob2 prob1 prob10"),
        (["02", "1", "10.0"], "prob_02 prob_01 prob_10"),
        ([0.5, 0.05, 7], "p_0.5 p_0.05 p_7"),
        (["None", "NA", "nan"], "prob_None prob_NA prob_nan"),
    ],
)
@pytest.mark.parametrize("path", ["d.csv", "d.parquet"])
def test_labels_by_every_way_of_naming_columns(path: str, labels: list[object], names: str, cli: Cli) -> None:
    write_labels(labels if path == "d.csv" else [str(label) for label in labels], names, path)
    start = names.split(maxsplit=1)[0].rstrip("0123456789.")[:2]
    for pred in (names.replace(" ", ","), f"{start}*"):
        result = cli("compute", "cross_entropy", path, "--pred", pred, "-f", "value")
        assert result.status == 0, result.err
        assert float(result.out) == pytest.approx(CROSS_ENTROPY), pred


@pytest.mark.parametrize("labels", [["True", "False"], [1, 0], ["true", "false"]])
def test_classes_called_true_and_false(labels: list[object], cli: Cli) -> None:
    """The number 1 is true, not the second column."""
    write_csv("d.csv", {"y": labels, "prob_True": [0.7, 0.4], "prob_False": [0.3, 0.6]})
    result = cli("compute", "cross_entropy", "d.csv", "-f", "value")
    assert float(result.out) == pytest.approx(-np.log([0.7, 0.6]).mean())


def test_a_label_of_no_class_is_refused(cli: Cli) -> None:
    write_labels([0, 1, 2], "p1 p2 p3")
    result = cli("compute", "cross_entropy", "d.csv", "--pred", "p1,p2,p3")
    assert (result.status, result.out) == (3, "")
    assert "row 1: '0' is not one of the classes: they are 1, 2, 3" in result.err
    write_labels(["cat", "dog", "cow"], "prob_cat prob_dog prob_owl")
    assert (
        "'cow' is not one of the classes: they are owl, dog, cat (did you mean"
        in cli("compute", "zero_one", "d.csv").err
    )


def test_a_number_is_no_position_beside_classes_called_by_numbers(cli: Cli) -> None:
    data = b"y,prob_other,prob_1,prob_2\n1,0.5,0.2,0.3\n2,0.1,0.2,0.7\n"
    result = cli("compute", "cross_entropy", "-f", "value", stdin=data)
    assert float(result.out) == pytest.approx(-np.log([0.2, 0.7]).mean())
    assert cli("compute", "cross_entropy", stdin=data.replace(b"\n2,", b"\n0,")).status == 3


def test_a_number_is_no_position_in_columns_that_are_counted_otherwise(cli: Cli) -> None:
    data = b"y,c1x,c0x\n1,0.6,0.4\n0,0.2,0.8\n"
    result = cli("compute", "cross_entropy", "--pred", "c1x,c0x", stdin=data)
    assert (result.status, result.out) == (3, "")
    assert "'1' is not one of the classes: they are c1x, c0x" in result.err


@pytest.mark.parametrize("path", ["d.csv", "d.parquet"])
def test_na_is_missing_if_no_class_is_called_so(path: str, cli: Cli) -> None:
    write_labels(["cat", "dog", "NA"], "prob_cat prob_dog prob_owl", path)
    assert "column 'label' (y_true), row 3: 1 row lacks a value" in cli("compute", "cross_entropy", path).err
    result = cli("compute", "cross_entropy", path, "--nan", "omit", "-f", "value")
    assert float(result.out) == pytest.approx(-np.log([0.7, 0.8]).mean())


def test_targets_and_predictions_of_other_classes_are_refused(cli: Cli) -> None:
    write_csv("t.csv", {"cat": [1, 0], "dog": [0, 1]})
    write_csv("p.csv", {"p_dog": [0.3, 0.8], "p_emu": [0.7, 0.2]})
    result = cli("compute", "cross_entropy", "t.csv", "p.csv")
    assert (result.status, result.out) == (3, "")
    assert "the columns of y_true are called cat, dog, those of y_pred dog, emu" in result.err


def test_columns_of_two_files_are_aligned_whatever_their_prefix(cli: Cli) -> None:
    write_csv("t.csv", {"big_cat": [1, 0], "big_dog": [0, 1]})
    write_csv("p.csv", {"prob_big_dog": [0.3, 0.8], "prob_big_cat": [0.7, 0.2]})
    result = cli("compute", "cross_entropy", "t.csv", "p.csv", "-f", "value")
    assert float(result.out) == pytest.approx(-np.log([0.7, 0.8]).mean())


def test_parts_of_boxes_found_by_a_pattern_stay_in_their_order(cli: Cli) -> None:
    data = b"true_x1,true_y1,true_x2,true_y2,pred_y1,pred_x1,pred_y2,pred_x2\n0,1,2,4,1,0,4,2\n0,1,3,4,1,0,4,3\n"
    for options in ((), ("--true", "true_*", "--pred", "pred_*")):
        assert cli("compute", "iou", "-f", "value", *options, stdin=data) == (0, "0.0\n", "")


def test_names_from_a_file(cli: Cli) -> None:
    write_npy("p.npy", P)
    write_csv("t.csv", {"label": ["a, b", "dog", "owl"]})
    Path("names.txt").write_bytes(b"\xef\xbb\xbfa, b\r\ndog\r\nowl\r\n\r\n")
    result = cli("compute", "cross_entropy", "t.csv", "p.npy", "--classes", "@names.txt", "-f", "value")
    assert float(result.out) == pytest.approx(CROSS_ENTROPY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["names.txt: No such file"]),
        (b"\n", ["names.txt: is empty"]),
        (b"a\n\nb\n", ["a name is empty"]),
        (b"\xff\xfea\n", ["names.txt: is not UTF-8 text"]),
        (b"a\nb\n", ["2 classes, but p.npy: y_pred has 3 columns"]),
    ],
)
def test_files_of_names_that_do_not_do(text: bytes | None, words: list[str], cli: Cli) -> None:
    write_npy("p.npy", P)
    write_npy("t.npy", np.array([0, 1, 1]))
    if text is not None:
        Path("names.txt").write_bytes(text)
    result = cli("compute", "cross_entropy", "t.npy", "p.npy", "--classes", "@names.txt")
    assert (result.status, result.out) == (2, "")
    assert all(word in result.err for word in words), result.err


@pytest.mark.parametrize(
    ("loss", "arrays", "what"),
    [
        ("cross_entropy", {"y_true": [0, 1, 0], "y_pred": P}, "y_pred has 3 columns"),
        ("zero_one", {"y_true": [0, 1, 0], "y_pred": P}, "y_pred has 3 columns"),
        ("arcface", {"labels": [0, 1], "embeddings": P[:2], "weights": P}, "weights has 3 rows"),
        ("center", {"labels": [0, 1], "embeddings": P[:2], "centers": P}, "centers has 3 rows"),
    ],
)
def test_a_count_that_does_not_fit_is_an_error(loss: str, arrays: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=f"2 classes, but {what}"):
        losscli.compute(loss, classes=["a", "b"], **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "classes", "value"),
    [
        ([0, 1, 2], ["cat", "dog", "owl"], CROSS_ENTROPY),
        ([0, 1, 2], ["class_0", "class_1", "class_2"], CROSS_ENTROPY),
        ([1, 2, 3], ["class_1", "class_2", "class_3"], CROSS_ENTROPY),
        (["2", "1", "x"], ["2", "1", "x"], CROSS_ENTROPY),
        ([0, 1, 2], ["class_1", "class_2", "class_3"], None),
        ([0, 1, 1], ["2", "1", "x"], None),
    ],
)
def test_numbers_as_labels_of_names_that_are_given(
    labels: list[object], classes: list[str], value: float | None
) -> None:
    if value is not None:
        found = losscli.compute("cross_entropy", y_true=labels, y_pred=P, classes=classes).value
        assert found == pytest.approx(value)
        return
    with pytest.raises(DataError, match="'0' is not one of the classes"):
        losscli.compute("cross_entropy", y_true=labels, y_pred=P, classes=classes)


@pytest.mark.parametrize("names", ["prob_yes prob_no", "prob_low prob_mid prob_high", "prob_owl prob_cat prob_dog"])
def test_numbers_are_no_positions_in_columns_out_of_order(names: str, cli: Cli) -> None:
    """An encoder of labels would have numbered the sorted names."""
    columns = names.split()
    p = P[:2, : len(columns)] / P[:2, : len(columns)].sum(1, keepdims=True)
    write_csv("d.csv", {"label": [0, 1], **dict(zip(columns, p.T, strict=True))})
    result = cli("compute", "cross_entropy", "d.csv")
    assert (result.status, result.out) == (3, "")
    assert "'0' is not one of the classes" in result.err
    assert "--classes A,B names the classes in order" in result.err
    classes = ",".join(name.removeprefix("prob_") for name in columns)
    result = cli("compute", "cross_entropy", "d.csv", "--classes", classes, "-f", "value")
    assert float(result.out) == pytest.approx(-np.log(p[[0, 1], [0, 1]]).mean())


def test_the_order_of_names_that_are_given_is_that_of_the_classes(cli: Cli) -> None:
    """Labels, weights of classes and ordered classes go by it, whatever the order of the columns."""
    names = {"prob_mid": P[:, 1], "prob_low": P[:, 0], "prob_high": P[:, 2]}
    weights = np.array([1, 2, 5])
    weighted = weights @ -np.log(P.diagonal()) / weights.sum()
    cumulated = P.cumsum(1) - (np.arange(3) >= np.arange(3)[:, None])
    expected = [CROSS_ENTROPY, weighted, (cumulated**2).sum(1).mean()]
    for labels in ([0, 1, 2], ["low", "mid", "high"]):
        write_csv("d.csv", {"label": labels, **names})
        losses = "cross_entropy,cross_entropy:class_weight=1/2/5,rps"
        result = cli("compute", losses, "d.csv", "--classes", "low,mid,high", "-f", "value")
        assert [float(line) for line in result.out.split()] == pytest.approx(expected)
    models = {
        f"{model}_{name[5:]}": column for model in "ab" for name, column in [*names.items()][:: 1 - 2 * (model == "b")]
    }
    write_csv("d.csv", {"label": [0, 1, 2], **models})
    typed = ["compare", "--losses", "rps", "d.csv", "--pred", "a_*", "--pred", "b_*", "--classes", "low,mid,high"]
    result = cli(*typed, "-f", "value")
    assert [float(line) for line in result.out.split()] == pytest.approx(expected[2:] * 2)


def test_numbers_that_differ_as_text_are_names(cli: Cli) -> None:
    for labels in (["1.1", "1.2", "1.10"], ["1", "2", "01"]):
        write_csv("d.csv", {"label": labels, **dict(zip([f"prob_{label}" for label in labels], P.T, strict=True))})
        result = cli("compute", "cross_entropy", "d.csv", "-f", "value")
        assert float(result.out) == pytest.approx(CROSS_ENTROPY), result.err


def test_names_for_columns_without_a_header(cli: Cli) -> None:
    Path("t.csv").write_text("dog\ncat\nowl\n")
    write_csv("p.csv", {str(i): column for i, column in enumerate(P.T)})
    Path("p.csv").write_text(Path("p.csv").read_text().partition("\n")[2])
    typed = ["compute", "cross_entropy", "t.csv", "p.csv", "--no-header", "-q", "-f", "value", "--classes"]
    assert float(cli(*typed, "dog,cat,owl").out) == pytest.approx(CROSS_ENTROPY)
    result = cli(*typed, "dog,cat")
    assert (result.status, result.out) == (2, "")
    assert "2 classes, but p.csv: y_pred has 3 columns" in result.err


def test_numbers_that_are_positions_are_noted(cli: Cli) -> None:
    """Two models of labels would pass for two classes."""
    write_csv("d.csv", {"y_true": [1, 1, 0], "pred_rf": [1, 1, 0], "pred_xgb": [0, 1, 1]})
    note = "d.csv: column 'y_true': labels are numbers: 0 is 'rf', 1 is 'xgb'"
    assert note in cli("compute", "zero_one", "d.csv").err
    assert note in cli("compare", "--losses", "zero_one", "d.csv").err
    assert "labels are" not in cli("compute", "zero_one", "d.csv", "--classes", "rf,xgb").err
    assert "labels are" not in cli("compare", "--losses", "zero_one", "d.csv", "--pred", "pred_rf").err


@pytest.mark.parametrize("classes", ["a", "a,b,c"])
def test_labels_of_two_classes_have_two_names(classes: str, cli: Cli) -> None:
    write_csv("d.csv", {"y_true": ["a", "a"], "y_pred": [0.9, 0.2]})
    for loss in ("bce", "hinge", "brier"):
        result = cli("compute", loss, "d.csv", "--classes", classes)
        assert (result.status, result.out) == (2, "")
        assert "but d.csv: y_true has 2 classes" in result.err


@pytest.mark.parametrize("prefix", ["pred_", ".pred_", "y_pred_", "prediction_"])
def test_labels_beside_scores_are_no_class(prefix: str, cli: Cli) -> None:
    """As tidymodels and PyCaret write them."""
    scores = {f"{prefix}{i}": column for i, column in enumerate(P.T)}
    for label in ("class", "label"):
        for columns in ({f"{prefix}{label}": [2, 2, 2]} | scores, scores | {f"{prefix}{label}": [2, 2, 2]}):
            write_csv("d.csv", {"y": [0, 1, 2], **columns})
            pred = ["--pred", f"{prefix}*"] if prefix[0] == "." else []
            result = cli("compute", "zero_one,cross_entropy", "d.csv", *pred, "-f", "value")
            assert [float(line) for line in result.out.split()] == pytest.approx([0, CROSS_ENTROPY])
        write_csv("d.csv", {"y": [0, 1], f"{prefix}{label}": [0, 1], f"{prefix}score": [0.9, 0.6]})
        assert cli("compute", "zero_one", "d.csv").status == 3
        found = cli("compute", "zero_one", "d.csv", "--pred", f"{prefix}{label}", "-f", "value")
        assert found.out == "0.0\n"


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["first_class", "third_class", "no_class"], "prob_first_class prob_third_class prob_no_class"),
        (["label", "none", "other"], "Probability:Class=label Probability:Class=none Probability:Class=other"),
        (["a", "b", "c"], "a_class b_class c_class"),
    ],
)
def test_classes_that_are_called_like_labels(labels: list[str], names: str, cli: Cli) -> None:
    write_csv("t.csv", {"y": labels})
    write_csv("p.csv", dict(zip(names.split(), P.T, strict=True)))
    result = cli("compute", "cross_entropy", "t.csv", "p.csv", "-f", "value")
    assert float(result.out) == pytest.approx(CROSS_ENTROPY), result.err


def test_frames_name_classes() -> None:
    frame = pd.DataFrame(P[:, ::-1], columns=[3, 2, 1])
    assert losscli.compute("cross_entropy", y_true=[1, 2, 3], y_pred=frame).value == pytest.approx(CROSS_ENTROPY)
    with pytest.raises(DataError, match="'0' is not one of the classes: they are 1, 2, 3"):
        losscli.compute("cross_entropy", y_true=[0, 1, 2], y_pred=frame)


@pytest.mark.parametrize("ending", ["class", "label", "max"])
@pytest.mark.parametrize("options", [[], ["--pred", "y_pred_*"]])
def test_a_column_beside_the_classes_is_none_of_them(options: list[str], ending: str, cli: Cli) -> None:
    rows = f"y_true,y_pred_{ending},y_pred_0,y_pred_1\n0,0,.7,.3\n1,1,.2,.8\n"
    result = cli("compute", "softmax_loss", *options, "-f", "value", stdin=rows.encode())
    found = cli("compute", "softmax_loss", "--pred", "y_pred_0,y_pred_1", "-f", "value", stdin=rows.encode())
    assert float(found.out) == pytest.approx(np.log1p(np.exp([-0.4, -0.6])).mean())
    if ending == "max":  # it may be a class
        assert (result.status, result.out) == (3, "")
        assert "column 'y_pred_max' stands beside 'y_pred_0' and 'y_pred_1'; --pred A,B names them" in result.err
    else:
        assert result.out == found.out
    named = f"y_true,y_pred_{ending},y_pred_cat,y_pred_dog\ncat,dog,.7,.3\ndog,cat,.2,.8\n"
    assert cli("compute", "softmax_loss", *options, "-f", "value", stdin=named.encode()).out == found.out


def test_probabilities_of_tidymodels(cli: Cli) -> None:
    rows = b"truth,.pred_class,.pred_cat,.pred_dog\ncat,cat,.7,.3\ndog,cat,.2,.8\n"
    found = cli("compute", "cross_entropy", "-f", "value", stdin=rows)
    assert float(found.out) == pytest.approx(-np.log([0.7, 0.8]).mean())
