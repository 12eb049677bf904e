"""Shapes and values that are common in practice: read as the catalogue says, or refused in words that mend them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.errors import DataError, UsageError
from tests.conftest import Cli, write_csv, write_json, write_npy, write_npz

rng = np.random.default_rng(5)
LABELS2, PROBABILITIES2 = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.9, 0.2], [0.3, 0.6], [0.7, 0.8]])


def refusal(cli: Cli, *arguments: str) -> str:
    result = cli("compute", *arguments)
    assert (result.status, result.out) == (3, ""), result
    assert result.err.count("losscli: error: ") == 1
    return result.err


# ------------------------------------------------------------------------------------------ distributions and one-hot


@pytest.mark.parametrize(
    "loss",
    ["kl", "reverse_kl", "jeffreys", "js", "hellinger", "bhattacharyya", "total_variation", "chi2", "renyi", "emd"],
)
def test_logits_of_one_distribution(loss: str, cli: Cli) -> None:
    p, logits = rng.dirichlet(np.ones(5)), rng.normal(size=5)
    q = np.exp(logits) / np.exp(logits).sum()
    write_csv("d.csv", {"y_true": p, "y_pred": logits})
    found = cli("compute", f"{loss}:from_logits=true", "d.csv", "-f", "value")
    assert float(found.out) == pytest.approx(losscli.compute(loss, y_true=p, y_pred=q).value, rel=1e-9)
    assert losscli.get_loss(loss, from_logits=True).gradient(p, logits).shape == (5,)


def test_one_hot_rows(cli: Cli) -> None:
    labels, scores = np.array([0, 2, 1, 1]), rng.normal(size=(4, 3))
    for loss in ("multi_margin", "multi_margin:p=2:margin=0.5"):
        by_label = losscli.compute(loss, y_true=labels, y_pred=scores).value
        assert losscli.compute(loss, y_true=np.eye(3)[labels], y_pred=scores).value == by_label
    log_p = np.log(rng.dirichlet(np.ones(3), size=4))
    expected = -log_p[np.arange(4), labels].mean()
    assert losscli.compute("nll", y_true=np.eye(3)[labels], y_pred=log_p).value == pytest.approx(expected)
    soft = np.array([[0.5, 0.5, 0], *np.eye(3)])
    with pytest.raises(DataError, match=r"row 1: 0\.5 is neither 0 nor 1, as one-hot rows must be"):
        losscli.compute("multi_margin", y_true=soft, y_pred=scores)


# --------------------------------------------------------------------------------------------------- weights of labels


@pytest.mark.parametrize("from_logits", [False, True])
def test_a_weight_per_label(from_logits: bool) -> None:
    weight, y = np.array([2.0, 3.0]), LABELS2
    p = 1 / (1 + np.exp(-PROBABILITIES2)) if from_logits else PROBABILITIES2
    expected = -(weight * y * np.log(p) + (1 - y) * np.log(1 - p))
    params: dict[str, Any] = {"pos_weight": [2, 3], "from_logits": from_logits}
    found = losscli.compute("bce", y_true=y, y_pred=PROBABILITIES2, **params)
    assert found.value == pytest.approx(expected.mean())
    assert "pos_weight=2/3" in found.signature
    slope = losscli.get_loss("bce", **params).gradient(y, PROBABILITIES2)
    by_p = (1 - y) / (1 - p) - weight * y / p
    assert slope == pytest.approx((by_p * p * (1 - p) if from_logits else by_p) / 2)


def test_a_weight_per_label_is_that_of_torch() -> None:
    # torch 2.13.0: binary_cross_entropy_with_logits(scores, y, pos_weight=[2, 3], reduction="none").mean(1)
    scores = [[0.5, -1.25], [-2.0, 0.75], [1.5, -0.5]]
    found = losscli.get_loss("bce", from_logits=True, pos_weight=(2, 3))(LABELS2, scores)
    assert found == pytest.approx([0.6000415248527932, 0.6437705146938363, 1.6625287542529126], rel=1e-12)


def test_weights_that_do_not_fit_the_labels(cli: Cli) -> None:
    for weight, width in (([2, 3, 4], 2), ([2, 3], 1)):
        with pytest.raises(UsageError, match=f"pos_weight has {len(weight)} numbers, the data {width} labels"):
            losscli.compute("bce", y_true=LABELS2[:, :width], y_pred=PROBABILITIES2[:, :width], pos_weight=weight)
    assert "a list, one number > 0 a label" in cli("explain", "bce").out


# ------------------------------------------------------------------------------------------------------- pixels, labels


@pytest.mark.parametrize("loss", ["dice", "tversky", "bce", "focal", "brier", "asymmetric", "ghm_c", "hamming"])
def test_pixels_of_8_bits(loss: str, cli: Cli) -> None:
    mask, soft = np.array([[0, 255], [255, 255]], dtype=np.uint8), np.array([[0.2, 0.9], [0.8, 0.6]])
    for true, pred in ((mask, soft), (mask // 255, mask)):
        write_npy("t.npy", true)
        write_npy("p.npy", pred)
        error = refusal(cli, loss, "t.npy", "p.npy")
        assert "row 1: 255" in error
        assert "divide by 255" in error
    percent = [[0, 1], [1, 1]], [[20, 90], [80, 60]]
    with pytest.raises(DataError) as caught:
        losscli.compute("brier", y_true=percent[0], y_pred=percent[1])
    assert "255" not in str(caught.value)


@pytest.mark.parametrize("label", [-100, -1, 255])
def test_labels_that_are_ignored_by_habit(label: int) -> None:
    scores = rng.normal(size=(3, 2))
    with pytest.raises(DataError, match=f"row 2: {label} is not a class label 0..1; .* ignore_index={label}"):
        losscli.compute("softmax_loss", y_true=[0, label, 1], y_pred=scores)
    with pytest.raises(DataError, match="as many columns as there are classes"):
        losscli.compute("multi_margin", y_true=[0, label, 1], y_pred=scores)


HARD = {"label": [1, 0, 1], "pred": [1, 0, 0]}


@pytest.mark.parametrize("loss", ["bce", "focal", "brier", "ghm_c"])
def test_labels_beside_probabilities(loss: str, cli: Cli) -> None:
    write_csv("d.csv", HARD | {"pred_proba": [0.9, 0.2, 0.4]})
    words = "d.csv: column 'pred' (y_pred) is all 0 or 1, and 'pred_proba' may be the probabilities; --pred COL says"
    assert words in refusal(cli, loss, "d.csv")
    assert words in refusal(cli, loss, "d.csv", "--per-sample")
    assert words in cli("compare", "--losses", loss, "d.csv").err
    for column in ("pred", "pred_proba"):
        assert cli("compute", loss, "d.csv", "--pred", column).status == 0


def test_labels_where_probabilities_are_read(cli: Cli) -> None:
    write_csv("d.csv", HARD)
    found = cli("compute", "bce", "d.csv", "-f", "value")
    assert float(found.out) == pytest.approx(-np.log(np.finfo(float).eps) / 3)
    assert "column 'pred' (y_pred) is all 0 or 1" in found.err
    for pred in ([1, 0, 1], [1, 0, 0.01], [0.5, 0, 0]):  # all right, or not all 0 or 1
        write_csv("d.csv", HARD | {"pred": pred})
        assert "all 0 or 1" not in cli("compute", "bce", "d.csv").err
    write_csv("d.csv", {"y_true": [1, 0], "p_0": [1, 0], "p_1": [0, 1]})
    assert "is all 0 or 1" in cli("compute", "cross_entropy", "d.csv", "--pred", "p_0,p_1").err
    losscli.compute("bce", y_true=[1, 0], y_pred=[0, 0])  # arrays are taken as they are
    with pytest.warns(UserWarning, match="is all 0 or 1"):
        losscli.compute("cross_entropy", "d.csv", columns={"y_pred": "p_0,p_1"})


def test_late_probabilities_are_seen(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from losscli.data import dataset

    monkeypatch.setattr(dataset, "ROWS_PER_PART", 50)
    y = rng.integers(0, 2, 300).astype(float)
    p = y.copy()
    p[7], p[290] = 1 - p[7], 0.5
    write_npy("t.npy", y)
    for last, is_hard in ((0.5, False), (y[290], True)):
        p[290] = last
        write_npy("p.npy", p)
        for jobs in ("1", "3"):
            assert ("all 0 or 1" in cli("compute", "bce", "t.npy", "p.npy", "--jobs", jobs).err) == is_hard


@pytest.mark.parametrize("loss", ["bce", "focal", "hinge", "dice", "soft_margin"])
def test_probabilities_of_both_classes(loss: str, cli: Cli) -> None:
    write_npy("t.npy", [1, 0, 1])
    write_npy("p.npy", [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    error = refusal(cli, loss, "t.npy", "p.npy")
    assert "shapes differ: y_true is (3,), y_pred is (3, 2)" in error
    assert "give the second column" in error


# ------------------------------------------------------------------------------------------------------------------ ctc

FRAMES = np.log(rng.dirichlet(np.ones(4), size=(6, 2)))
CTC = {"targets": [[1, 2], [3, 1]], "input_lengths": [6, 6], "target_lengths": [2, 2]}


def test_frames_before_rows(cli: Cli) -> None:
    write_npz("d.npz", {"log_probs": FRAMES, **CTC})
    for name, array in {"log_probs": FRAMES, **CTC}.items():
        write_npy(f"{name}.npy", array)
    data = [f"{name}={name}.npy" for name in ("log_probs", *CTC)]
    words = "log_probs must be (N, T, C): swap the first two axes of (T, N, C), as torch has it"
    for arguments in (["d.npz"], data):
        error = refusal(cli, "ctc", *arguments)
        assert "shapes differ: log_probs is (6, 2, 4)" in error
        assert words in error
    with pytest.raises(DataError, match="swap the first two axes"):
        losscli.get_loss("ctc")(FRAMES, *CTC.values())
    with pytest.raises(DataError) as caught:
        losscli.compute("ctc", log_probs=FRAMES[:, :1], **CTC)
    assert "swap" not in str(caught.value)


def test_frames_that_may_be_swapped_are_told(cli: Cli) -> None:
    """As many frames as rows: either axis may be that of the rows."""
    logs = np.log(np.full((2, 2, 3), 1 / 3))
    targets, lengths = np.array([[1], [2]]), np.array([2, 2])
    np.savez("d.npz", log_probs=logs, targets=targets, input_lengths=lengths, target_lengths=lengths // 2)
    assert (
        "log_probs is (2, 2, 3) and is read as (N, T, C): swap the first two axes" in cli("compute", "ctc", "d.npz").err
    )
    np.savez("d.npz", log_probs=logs[:, :1], targets=targets, input_lengths=lengths // 2, target_lengths=lengths // 2)
    assert cli("compute", "ctc", "d.npz").err == ""


def test_ragged_lists() -> None:
    ragged = [FRAMES[:, 0].tolist(), FRAMES[:4, 1].tolist()]
    words = r"log_probs, row 2: shape \(4, 4\), the first has \(6, 4\); pad all rows to one length"
    with pytest.raises(DataError, match=words):
        losscli.compute("ctc", log_probs=ragged, **CTC)
    with pytest.raises(DataError, match=words):
        losscli.get_loss("ctc")(ragged, *CTC.values())
    with pytest.raises(DataError, match=r"y_true, row 1: lists of different lengths"):
        losscli.compute("mse", y_true=[[[1], [2, 3]], [[1], [2]]], y_pred=[[1, 2], [3, 4]])


# ---------------------------------------------------------------------------------------------------------------- boxes

BOXES, GUESSED = np.array([[0, 0, 4, 4], [1, 1, 3, 5.0]]), np.array([[1, 0, 4, 5], [1, 2, 4, 5.0]])
IOU = 1 - np.mean([12 / 19, 6 / 11])


def columns_of(names: str, boxes: Any) -> dict[str, Any]:
    return dict(zip(names.split(","), boxes.T, strict=True))


@pytest.mark.parametrize(
    ("true", "pred"),
    [
        ("xmin,ymin,xmax,ymax", "pred_xmin,pred_ymin,pred_xmax,pred_ymax"),
        ("xmin,ymin,xmax,ymax", "xmin_pred,ymin_pred,xmax_pred,ymax_pred"),
        ("gt_xmin,gt_ymin,gt_xmax,gt_ymax", "xmin,ymin,xmax,ymax"),
        ("x_min,y_min,x_max,y_max", "pred_x_min,pred_y_min,pred_x_max,pred_y_max"),
        ("left,top,right,bottom", "pred_left,pred_top,pred_right,pred_bottom"),
        ("x1,y1,x2,y2", "det_x1,det_y1,det_x2,det_y2"),
        ("bbox_x1,bbox_y1,bbox_x2,bbox_y2", "pred_bbox_x1,pred_bbox_y1,pred_bbox_x2,pred_bbox_y2"),
    ],
)
def test_boxes_beside_predicted_ones(true: str, pred: str, cli: Cli) -> None:
    for columns in (columns_of(true, BOXES) | columns_of(pred, GUESSED),
                    columns_of(pred, GUESSED) | columns_of(true, BOXES)):  # fmt: skip
        write_csv("d.csv", columns)
        assert float(cli("compute", "iou", "d.csv", "-f", "value").out) == pytest.approx(IOU)
        error = refusal(cli, "iou", "d.csv", "--box-format", "xywh")
        assert "are not for box_format=xywh" in error
        assert "box_format=xyxy" in error


def test_boxes_beside_others_of_unknown_names(cli: Cli) -> None:
    write_csv("d.csv", columns_of("x1,y1,x2,y2", BOXES) | columns_of("a_x1,a_y1,a_x2,a_y2", GUESSED))
    assert "no column for y_true" in refusal(cli, "iou", "d.csv")


def sizes_of(boxes: Any) -> Any:
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def test_lists_of_coco(cli: Cli) -> None:
    for name, boxes, order in (("t.json", BOXES, [0, 1]), ("p.json", GUESSED, [1, 0])):
        records = [{"image_id": i, "category_id": 1, "bbox": sizes_of(boxes)[i].tolist(), "score": 1} for i in order]
        Path(name).write_text(json.dumps(records))
    typed = ["iou", "t.json", "p.json", "--id", "image_id"]
    found = cli("compute", *typed, "--box-format", "xywh", "-f", "value")
    assert float(found.out) == pytest.approx(IOU)
    assert "set -P box_format=xywh" in refusal(cli, *typed)  # these would pass for corners


def test_lists_of_boxes_in_one_file(cli: Cli) -> None:
    for true, pred in (("bbox", "pred_bbox"), ("gt_boxes", "boxes"), ("box_true", "box_pred")):
        write_json("d.json", {true: BOXES, pred: GUESSED})
        found = cli("compute", "iou", "d.json", "--box-format", "xyxy", "-f", "value")
        assert float(found.out) == pytest.approx(IOU)
        assert f"y_true is column {true!r}, read as box_format=xyxy" in found.err
    frame = pd.DataFrame({"bbox": BOXES.tolist(), "pred_bbox": GUESSED.tolist()})
    frame.to_parquet("d.parquet")
    assert float(cli("compute", "iou:box_format=xyxy", "d.parquet", "-f", "value").out) == pytest.approx(IOU)
    assert losscli.compute("iou", data=frame, box_format="xyxy").value == pytest.approx(IOU)
    write_json("d.json", {"bbox": np.hstack([BOXES, BOXES[:, :1]]), "pred_bbox": GUESSED})
    assert "iou needs (N, 4)" in refusal(cli, "iou:box_format=xyxy", "d.json")


def test_lists_of_boxes_do_not_say_their_format(cli: Cli) -> None:
    """COCO's are sizes, torchvision's are corners: sizes may pass for corners."""
    write_json("d.json", {"bbox": sizes_of(BOXES), "pred_bbox": sizes_of(GUESSED)})
    for typed in (["d.json"], ["d.json", "--true", "bbox", "--pred", "pred_bbox"]):
        error = refusal(cli, "iou", *typed)
        assert "column 'bbox' (y_true) does not say what its numbers are" in error
        assert "--box-format xyxy" in error
        assert "--box-format xywh" in error
        found = cli("compute", "iou", *typed, "--box-format", "xywh", "-f", "value")
        assert float(found.out) == pytest.approx(IOU)


def test_coco_named_by_options(cli: Cli) -> None:
    write_json("d.json", {"image_id": [1, 2], "bbox": sizes_of(BOXES), "pred_bbox": sizes_of(GUESSED)})
    typed = ["iou", "d.json", "--true", "bbox", "--pred", "pred_bbox"]
    assert "set -P box_format=xywh" in refusal(cli, *typed)
    write_json("d.json", {"image_id": [1, 2], "bbox": BOXES, "pred_bbox": GUESSED})
    found = cli("compute", *typed, "--box-format", "xyxy", "-f", "value")  # what is stated is no guess
    assert float(found.out) == pytest.approx(IOU)


def test_each_format_that_names_fit_is_a_remedy_of_its_own(cli: Cli) -> None:
    boxes = sizes_of(BOXES)
    write_csv("d.csv", columns_of("x,y,w,h", boxes) | columns_of("pred_x,pred_y,pred_w,pred_h", sizes_of(GUESSED)))
    assert "set -P box_format=xywh or -P box_format=cxcywh" in refusal(cli, "iou", "d.csv")
    found = cli("compute", "iou", "d.csv", "-P", "box_format=xywh", "-f", "value")
    assert float(found.out) == pytest.approx(IOU)
