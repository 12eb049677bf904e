"""Embeddings, boxes and sequences, from files as people store them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import losscli
from tests.conftest import Cli

RNG = np.random.default_rng(11)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])
X = RNG.normal(size=(8, 3))
W = RNG.normal(size=(3, 3))
NAMES = np.array(["ann", "bob", "eve"])[LABELS]

CORNERS = np.hstack([RNG.uniform(0, 5, size=(6, 2)), RNG.uniform(6, 9, size=(6, 2))])
OTHERS = CORNERS + RNG.uniform(-0.5, 0.5, size=(6, 4))
GIOU = losscli.get_loss("giou")(CORNERS, OTHERS).mean()


def compute_value(cli: Cli, *arguments: str) -> float:
    result = cli("compute", *arguments, "-f", "value")
    assert result.status == 0, result.err
    return float(result.out)


def write_table(path: str, header: str, *blocks: np.ndarray) -> None:
    rows = np.column_stack([block.astype(str) for block in blocks])
    Path(path).write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")


# --------------------------------------------------------------------------------------------- embeddings


@pytest.mark.parametrize("name", ["arcface", "linear_softmax", "l_softmax"])
def test_prototypes_from_files_of_their_own(cli: Cli, name: str) -> None:
    np.save("l.npy", LABELS)
    np.save("e.npy", X)
    np.save("w.npy", W)
    np.savetxt("w.csv", W, delimiter=",")
    np.savez("all.npz", labels=LABELS, embeddings=X, weights=W)
    Path("all.json").write_text(
        json.dumps({"labels": LABELS.tolist(), "embeddings": X.tolist(), "weights": W.tolist()})
    )
    write_table("e.csv", "label,emb_0,emb_1,emb_2", LABELS, X)
    expected = losscli.get_loss(name)(LABELS, X, W).mean()
    for data in (
        ("labels=l.npy", "embeddings=e.npy", "weights=w.npy"),
        ("all.npz",),
        ("all.json",),
        ("e.csv", "weights=w.npy"),
        ("e.csv", "weights=w.csv", "--no-header"),
        ("e.csv", "weights=w.npy", "--column", "embeddings=emb_*"),
    ):
        assert compute_value(cli, name, *data) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", ["supcon", "triplet_mined", "center", "coco"])
def test_any_label_names_are_accepted_if_only_equality_counts(cli: Cli, name: str) -> None:
    np.save("names.npy", NAMES)
    np.save("e.npy", X)
    write_table("e.csv", "id,label,emb_0,emb_1,emb_2", np.arange(8), NAMES, X)
    expected = losscli.get_loss(name)(LABELS, X).mean()
    assert compute_value(cli, name, "labels=names.npy", "embeddings=e.npy") == pytest.approx(expected, rel=1e-14)
    assert compute_value(cli, name, "e.csv") == pytest.approx(expected, rel=1e-14)
    assert losscli.compute(name, labels=NAMES, embeddings=X).value == pytest.approx(expected, rel=1e-14)


def test_the_class_names_of_prototypes_must_be_given(cli: Cli) -> None:
    write_table("e.csv", "label,emb_0,emb_1,emb_2", NAMES, X)
    np.save("w.npy", W)
    refused = cli("compute", "arcface", "e.csv", "weights=w.npy")
    assert (refused.status, "'ann'" in refused.err, "--classes" in refused.err) == (3, True, True)
    expected = losscli.get_loss("arcface")(LABELS, X, W).mean()
    given = compute_value(cli, "arcface", "e.csv", "weights=w.npy", "--classes", "ann,bob,eve")
    assert given == pytest.approx(expected, rel=1e-14)


def test_class_names_survive_batches(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losscli.data.batch, "ROWS_PER_BATCH", 3)
    write_table("e.csv", "label,emb_0,emb_1,emb_2", NAMES, X)
    np.savez("e.npz", labels=NAMES, embeddings=X)
    expected = losscli.get_loss("supcon")(LABELS, X).mean()
    assert compute_value(cli, "supcon", "e.csv") == pytest.approx(expected, rel=1e-14)
    assert compute_value(cli, "supcon", "e.npz") == pytest.approx(expected, rel=1e-14)


def test_a_row_of_weight_zero_is_no_negative(cli: Cli) -> None:
    write_table("e.csv", "label,emb_0,emb_1,emb_2,w", LABELS, X, np.array([0, *[1] * 7]))
    expected = losscli.compute("supcon", labels=LABELS[1:], embeddings=X[1:]).value
    assert compute_value(cli, "supcon", "e.csv", "--weight", "w") == pytest.approx(expected, rel=1e-12)


# --------------------------------------------------------------------------------------------------- boxes


def part_names(pattern: str, sides: tuple[str, str], parts: str = "x1 y1 x2 y2") -> str:
    return ",".join(pattern.format(side=side, part=part) for side in sides for part in parts.split())


BOXES = {
    "prefix": part_names("{side}_{part}", ("true", "pred")),
    "suffix": part_names("{part}_{side}", ("gt", "pred")),
    "role": part_names("{side}_{part}", ("y_true", "y_pred")),
    "dots": part_names("{side}.{part}", ("target", "prediction"), "xmin ymin xmax ymax"),
    "twice": "x1,y1,x2,y2,x1,y1,x2,y2",
    "twice as pandas writes it": "x1,y1,x2,y2,x1.1,y1.1,x2.1,y2.1",
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes_by_the_names_of_their_columns(cli: Cli, name: str) -> None:
    write_table("b.csv", BOXES[name] + ",score", CORNERS, OTHERS, np.ones(6))
    assert compute_value(cli, "giou", "b.csv") == pytest.approx(GIOU, rel=1e-12)


def test_parts_of_a_box_in_any_order(cli: Cli) -> None:
    header = part_names("{side}_{part}", ("true", "pred"), "x1 x2 y1 y2")
    write_table("b.csv", header, CORNERS[:, [0, 2, 1, 3]], OTHERS[:, [0, 2, 1, 3]])
    assert compute_value(cli, "giou", "b.csv") == pytest.approx(GIOU, rel=1e-12)
    patterns = ("--true", "true_*", "--pred", "pred_*")
    assert compute_value(cli, "giou", "b.csv", *patterns) == pytest.approx(GIOU, rel=1e-12)


def test_boxes_of_two_files(cli: Cli) -> None:
    write_table("t.csv", "image,x1,y1,x2,y2", np.arange(6), CORNERS)
    write_table("p.csv", "image,score,x1,y1,x2,y2", np.arange(6)[::-1], np.ones(6), OTHERS[::-1])
    assert compute_value(cli, "giou", "t.csv", "p.csv", "--id", "image") == pytest.approx(GIOU, rel=1e-12)


def test_names_of_another_box_format(cli: Cli) -> None:
    sized = [np.hstack([box[:, :2], box[:, 2:] - box[:, :2]]) for box in (CORNERS, OTHERS)]
    write_table("b.csv", part_names("{side}_{part}", ("true", "pred"), "x y w h"), *sized)
    refused = cli("compute", "giou", "b.csv")
    assert (refused.status, refused.out) == (3, "")
    for fragment in ("b.csv", "'true_w'", "box_format=xyxy", "box_format=xywh"):
        assert fragment in refused.err
    assert compute_value(cli, "giou", "b.csv", "--box-format", "xywh") == pytest.approx(GIOU, rel=1e-12)
    assert compute_value(cli, "giou:box_format=xywh", "b.csv") == pytest.approx(GIOU, rel=1e-12)


def test_a_repeated_name_is_only_for_boxes(cli: Cli) -> None:
    write_table("d.csv", "y_true,y_pred,y_pred", np.ones(2), np.ones(2), np.zeros(2))
    refused = cli("compute", "mse", "d.csv")
    assert (refused.status, "two columns are called 'y_pred'" in refused.err) == (3, True)


# ------------------------------------------------------------------------------- one loss, two kinds of data


def test_brier_and_zero_one_of_labels_and_of_classes(cli: Cli) -> None:
    write_table("two.csv", "y_true,y_pred", np.array([0, 1, 1]), np.array([0.2, 0.9, 0.4]))
    assert compute_value(cli, "brier", "two.csv") == pytest.approx((0.04 + 0.01 + 0.36) / 3)
    assert compute_value(cli, "zero_one", "two.csv") == pytest.approx(1 / 3)
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]])
    write_table("classes.csv", "label,prob_ann,prob_bob,prob_eve", np.array(["ann", "eve"]), p)
    assert compute_value(cli, "brier", "classes.csv") == pytest.approx((0.09 + 0.04 + 0.01 + 0.09 + 0.16 + 0.49) / 2)
    assert compute_value(cli, "zero_one", "classes.csv") == pytest.approx(1 / 2)
    several = losscli.compute("zero_one", y_true=[[1, 0], [1, 1]], y_pred=[[0.9, 0.1], [0.9, 0.1]])
    np.testing.assert_array_equal(several.per_sample, [0, 1])


def test_hints_name_only_parameters_of_the_loss(cli: Cli) -> None:
    write_table("logits.csv", "y_true,y_pred", np.array([0, 1]), np.array([-2.0, 3.0]))
    assert "--from-logits" not in cli("compute", "brier", "logits.csv").err
    assert "--from-logits" in cli("compute", "bce", "logits.csv").err
    write_table("counts.csv", "y_true,prob_a,prob_b", np.array([0, 1]), np.array([[0.2, 0.2], [0.5, 0.4]]))
    assert "normalize" not in cli("compute", "brier", "counts.csv").err
    assert "normalize" in cli("compute", "cross_entropy", "counts.csv").err


# ----------------------------------------------------------------------------------------------- sequences

FRAMES = np.log(np.full((2, 4, 3), 1 / 3))
CTC = {"log_probs": FRAMES, "targets": [[1, 2], [2, -1]], "input_lengths": [4, 3], "target_lengths": [2, 1]}


def test_ctc_from_an_archive_and_from_json(cli: Cli) -> None:
    np.savez("c.npz", **CTC)
    Path("c.json").write_text(json.dumps({key: np.asarray(item).tolist() for key, item in CTC.items()}))
    # of 3^4 paths 15 collapse to (1, 2); of 3^3 paths 6 to (2): runs of one symbol among blanks
    expected = (np.log(81 / 15) + np.log(27 / 6)) / 2
    assert compute_value(cli, "ctc", "c.npz") == pytest.approx(expected, rel=1e-12)
    assert compute_value(cli, "ctc", "c.json") == pytest.approx(expected, rel=1e-12)


WRONG = {
    "a class that is none": ({"targets": [[1, 3], [2, 0]]}, 3, ["targets", "row 1", "3 is not a class 0..2"]),
    "the blank": ({"targets": [[1, 0], [2, 0]]}, 3, ["targets", "row 1", "0 is the blank"]),
    "half a class": ({"targets": [[1, 1.5], [2, 0]]}, 3, ["targets", "row 1", "1.5 is not an integer"]),
    "more frames than there are": ({"input_lengths": [4, 5]}, 3, ["input_lengths", "row 2", "5", "0..4"]),
    "a target that is too long": ({"target_lengths": [3, 1]}, 3, ["target_lengths", "row 1", "3", "0..2"]),
    "logits": ({"log_probs": -FRAMES}, 3, ["log_probs", "row 1", "log_softmax"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_ctc_refuses(cli: Cli, name: str) -> None:
    changed, status, fragments = WRONG[name]
    np.savez("c.npz", **(CTC | changed))
    result = cli("compute", "ctc", "c.npz")
    assert (result.status, result.out) == (status, "")
    assert all(fragment in result.err for fragment in fragments), result.err


def test_ctc_blank_beyond_the_classes(cli: Cli) -> None:
    np.savez("c.npz", **CTC)
    result = cli("compute", "ctc:blank=3", "c.npz")
    assert (result.status, "0..2" in result.err) == (2, True)
