"""Masks: a row is an image's pixels, of two classes (N, P) or of several (N, P, C), in the shapes that users have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.errors import DataError
from tests.conftest import Cli, write_json, write_npy, write_npz

rng = np.random.default_rng(3)
N, C, H, W = 5, 3, 4, 6
LABELS, LOGITS = rng.integers(0, C, (N, H, W)), rng.normal(size=(N, C, H, W))
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
P_LAST = np.moveaxis(P, 1, -1)
FLAT = {"y_true": LABELS.reshape(N, -1), "y_pred": P_LAST.reshape(N, -1, C)}
ONE_HOT = np.eye(C)[FLAT["y_true"]]
IGNORED = np.where(rng.random((N, H, W)) < 0.3, 255, LABELS)
IGNORED[2] = 255
OF_CLASSES = ("multiclass_dice", "generalized_dice", "lovasz_softmax", "dice_ce")
OF_TWO = ("dice", "tversky", "jaccard", "focal_tversky", "log_cosh_dice", "lovasz_hinge")
NOTED = "ignore:y_pred is .* and is read as masks"

pytestmark = pytest.mark.filterwarnings(NOTED)


def value(loss: str, **arrays: Any) -> float:
    return losscli.compute(loss, **arrays).value


# ------------------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("loss", OF_CLASSES)
def test_masks_of_several_axes_are_flattened(loss: str) -> None:
    expected = value(loss, **FLAT)
    assert value(loss, y_true=LABELS, y_pred=P) == expected
    assert value(loss, y_true=LABELS, y_pred=P_LAST) == expected
    assert value(loss, y_true=FLAT["y_true"], y_pred=P.reshape(N, C, -1)) == expected
    assert value(loss, y_true=ONE_HOT, y_pred=FLAT["y_pred"]) == pytest.approx(expected, rel=1e-12)
    function = losscli.get_loss(loss)
    assert function.value(LABELS, P) == pytest.approx(expected, rel=1e-12)
    assert function(LABELS, P).shape == (N,)


@pytest.mark.parametrize("loss", OF_TWO)
def test_masks_of_two_classes_are_flattened(loss: str) -> None:
    masks = {"y_true": LABELS == 1, "y_pred": P[:, 1]}
    flat = {name: array.reshape(N, -1) for name, array in masks.items()}
    assert value(loss, **masks) == pytest.approx(value(loss, **flat), rel=1e-14)
    assert losscli.get_loss(loss).gradient(**masks).shape == (N, H, W)


def test_a_gradient_has_the_shape_of_the_prediction() -> None:
    flat = losscli.compute("dice_ce", **FLAT, gradient=True).gradient
    first = losscli.compute("dice_ce", y_true=LABELS, y_pred=P, gradient=True).gradient
    assert flat is not None
    assert first is not None
    assert first.shape == P.shape
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1).reshape(flat.shape), flat)
    np.testing.assert_array_equal(losscli.get_loss("dice_ce").gradient(LABELS, P), first)


def test_as_many_pixels_as_classes_have_the_classes_last() -> None:
    labels, p = FLAT["y_true"][:, :C], FLAT["y_pred"][:, :C]
    expected = np.mean([value("multiclass_dice", y_true=labels[i : i + 1], y_pred=p[i : i + 1]) for i in range(N)])
    assert value("multiclass_dice", y_true=labels, y_pred=p) == pytest.approx(expected)
    assert expected != pytest.approx(
        value("multiclass_dice", y_true=labels, y_pred=p.transpose(0, 2, 1), normalize=True)
    )


def write_files(folder: Path) -> dict[str, str]:
    """Return arguments that give the masks, by format."""
    write_npy(folder / "t.npy", LABELS.astype(np.uint8))
    write_npy(folder / "p.npy", P)
    write_npy(folder / "last.npy", P_LAST.copy(order="F"))
    write_npz(folder / "both.npz", {"y_true": LABELS, "y_pred": P})
    write_json(folder / "both.json", {"y_true": LABELS.tolist(), "y_pred": P.tolist()})
    return {"npy": "t.npy p.npy", "last": "t.npy last.npy", "npz": "both.npz", "json": "both.json"}


def test_files_give_the_same_number(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = repr(value("multiclass_dice", **FLAT))
    for format_, files in write_files(tmp_path).items():
        run = cli("compute", "multiclass_dice", *files.split(), "-f", "value")
        assert run.out.strip() == expected, format_
        which, shape = ("last", "(N, 4, 6, 3)") if format_ == "last" else ("second", "(N, 3, 4, 6)")
        assert f"y_pred is {shape} and is read as masks of 24 pixels: its {which} axis as 3 classes" in run.err


def test_an_array_that_is_flat_has_no_note(recwarn: pytest.WarningsRecorder) -> None:
    value("multiclass_dice", **FLAT)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("loss", "shapes", "message"),
    [
        ("multiclass_dice", ((2, 3, 3), (2, 3, 3, 3)), "shapes are ambiguous: .*; flatten the masks"),
        (
            "multiclass_dice",
            ((2, 3, 4, 4), (2, 3, 4, 4)),
            "have 4 axes, of which the second or the last .*; give labels",
        ),
        ("multiclass_dice", ((2, 4, 5), (2, 3, 5, 4)), r"shapes differ: y_true is \(2, 4, 5\)"),
        ("multiclass_dice", ((2, 4), (2, 4)), r"shape \(N, 4\), but multiclass_dice needs \(N, P, C\)"),
        ("multiclass_dice", ((2, 4, 5), (2, 1, 4, 5)), "one number per pixel, not one per class; dice, jaccard"),
        (
            "dice_ce",
            ((2, 3, 4), (2, 3, 4)),
            r"3 is the sum of the pixel, not 1 .*; dice_ce reads .* flattened to \(N, P\)",
        ),
        (
            "multiclass_dice",
            ((2, 3, 4), (2, 3, 4)),
            "; multiclass_dice reads probabilities of classes .*: dice, jaccard",
        ),
        ("multiclass_dice", ((2, 3, 4, 5), (2, 3, 4, 5)), r"give labels y_true \(N, H, W\), or move the classes last"),
        ("dice", ((2, 4, 5), (2, 2, 4, 5)), "shapes differ"),
        ("mse", ((2, 4, 5), (2, 1, 4, 5)), "shapes differ"),
        ("multiclass_dice", ((2, 4, 3), (2, 5, 3)), r"shapes differ: y_true is \(2, 4, 3\)"),
    ],
)
def test_shapes_that_do_not_fit(loss: str, shapes: tuple[Any, Any], message: str) -> None:
    labels = np.ones(shapes[0])
    labels[..., 0] = 0
    with pytest.raises(DataError, match=message):
        losscli.compute(loss, y_true=labels, y_pred=np.full(shapes[1], 0.5))


@pytest.mark.parametrize("loss", ["dice", "jaccard", "lovasz_hinge", "bce"])
@pytest.mark.parametrize(("role", "axis"), [("y_pred", 1), ("y_pred", -1), ("y_true", 1)])
def test_an_axis_of_one_channel_does_not_matter(loss: str, role: str, axis: int) -> None:
    arrays: dict[str, Any] = {"y_true": LABELS > 0, "y_pred": P[:, 0]}
    plain = losscli.compute(loss, **arrays, gradient=True)
    found = losscli.compute(loss, **(arrays | {role: np.expand_dims(arrays[role], axis)}), gradient=True)
    assert found.value == pytest.approx(plain.value, rel=1e-14)
    assert (found.n, plain.n) == (N, N)
    assert plain.gradient is not None
    assert found.gradient is not None
    assert found.gradient.shape == (np.expand_dims(P[:, 0], axis) if role == "y_pred" else P[:, 0]).shape
    np.testing.assert_allclose(found.gradient.ravel(), plain.gradient.ravel(), rtol=1e-12)


def test_pixels_and_masks_are_no_rows_of_one_table() -> None:
    with pytest.raises(losscli.UsageError, match="of cross_entropy is a pixel, one of dice_ce a mask"):
        losscli.compute(["cross_entropy", "dice_ce"], y_true=LABELS, y_pred=P)


def test_models_have_their_axes_in_one_order() -> None:
    with pytest.raises(DataError, match=r"'a' has rows of shape \(3, 4, 6\), model 'b' has rows of shape \(4, 6, 3\)"):
        losscli.compare("multiclass_dice", y_true=LABELS, models={"a": P, "b": P_LAST})
    found = losscli.compare("multiclass_dice", y_true=LABELS, models={"a": P, "b": P[::-1]})
    expected = [value("multiclass_dice", y_true=LABELS, y_pred=p) for p in (P, P[::-1])]
    assert sorted(loss.value for loss in found) == pytest.approx(sorted(expected))


# ------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("loss", OF_CLASSES)
def test_ignored_pixels_are_absent(loss: str) -> None:
    result = losscli.compute(loss, y_true=IGNORED, y_pred=P, ignore_index=255, gradient=True)
    kept = [i for i in range(N) if i != 2]
    expected = [
        value(loss, y_true=LABELS[i][rest][None], y_pred=P_LAST[i][rest][None])
        for i in kept
        if (rest := IGNORED[i] != 255).any()
    ]
    np.testing.assert_allclose(result.per_sample[kept], expected, rtol=1e-12)
    assert (result.per_sample[2], result.n) == (0, N - 1)
    assert result.value == pytest.approx(np.mean(expected), rel=1e-12)
    assert result.gradient is not None
    assert not np.moveaxis(result.gradient, 1, -1)[IGNORED == 255].any()


@pytest.mark.parametrize("loss", ["dice", "tversky", "jaccard", "focal_tversky", "log_cosh_dice"])
def test_an_empty_mask_that_meets_an_empty_one_costs_nothing(loss: str) -> None:
    found = losscli.compute(loss, smooth=0, y_true=np.zeros((2, 3)), y_pred=np.zeros((2, 3)), gradient=True)
    assert found.per_sample.tolist() == [0, 0]
    assert found.gradient is not None
    assert not found.gradient.any()


@pytest.mark.parametrize("loss", OF_CLASSES)
def test_a_perfect_mask_costs_nothing(loss: str) -> None:
    found = losscli.compute(loss, y_true=FLAT["y_true"], y_pred=ONE_HOT, gradient=True)
    assert np.abs(found.per_sample).max() == 0
    assert np.isfinite(found.gradient).all()


def test_a_nearly_perfect_mask_keeps_its_digits() -> None:
    y_true, y_pred = np.array([[1, 1, 0]]), np.array([[1 - 1e-12, 1.0, 1e-13]])
    wrong = (1 - (1 - 1e-12)) + 1e-13
    assert value("jaccard", y_true=y_true, y_pred=y_pred, smooth=0) == pytest.approx(wrong / (2 + 1e-13), rel=1e-14)
    assert value("log_cosh_dice", y_true=y_true, y_pred=y_pred, smooth=0) == pytest.approx(
        (wrong / 4) ** 2 / 2, rel=1e-9
    )


@pytest.mark.parametrize("loss", OF_TWO[:5])
def test_a_column_is_masks_of_one_pixel(loss: str) -> None:
    y_true, y_pred = np.array([0, 1, 1]), np.array([0.25, 0.5, 1.0])
    as_masks = losscli.get_loss(loss)(y_true[:, None], y_pred[:, None])
    np.testing.assert_array_equal(losscli.get_loss(loss)(y_true, y_pred), as_masks)


def test_dice_ce_is_the_sum_of_its_parts() -> None:
    masks = {"y_true": FLAT["y_true"] == 1, "y_pred": FLAT["y_pred"][..., 1]}
    both = value("dice_ce:dice_weight=0.5:ce_weight=2", **masks)
    assert both == pytest.approx(0.5 * value("dice", **masks) + 2 * value("bce", **masks), rel=1e-12)
    classes = value("multiclass_dice", **FLAT) + value("cross_entropy", y_true=LABELS, y_pred=P)
    assert value("dice_ce", **FLAT) == pytest.approx(classes, rel=1e-12)


def test_classes_are_a_parameter_or_names() -> None:
    assert value("multiclass_dice", **FLAT, classes="present") == value("multiclass_dice:classes=present", **FLAT)
    with pytest.raises(losscli.UsageError, match="classes='some' must be all or present"):
        losscli.compute("multiclass_dice", **FLAT, classes="some")
    with pytest.raises(losscli.UsageError, match="dice_ce: classes is for class masks"):
        losscli.compute("dice_ce", y_true=[[0, 1]], y_pred=[[0.5, 0.5]], classes="present")
    with pytest.raises(losscli.UsageError, match="dice_weight and ce_weight are both 0"):
        losscli.get_loss("dice_ce", dice_weight=0, ce_weight=0)


@pytest.mark.parametrize("loss", OF_CLASSES)
def test_no_mask_has_no_loss(loss: str) -> None:
    function, arrays = losscli.get_loss(loss), (np.zeros((0, H, W)), np.zeros((0, C, H, W)))
    assert function(*arrays).shape == (0,)
    assert function.gradient(*arrays).shape == (0, C, H, W)


# --------------------------------------------------------------------------------------------------------- messages


def changed(array: np.ndarray, index: tuple[int, ...], new: Any) -> np.ndarray:
    other = array.copy()
    other[index] = new
    return other


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_true": changed(LABELS, (3, 1, 2), 7)}, r"y_true, row 4, pixel \[1, 2\]: 7 is not a class label 0..2"),
        ({"y_true": changed(LABELS, (3, 1, 2), 255)}, r"pixel \[1, 2\]: 255 .*ignore_index=255"),
        ({"y_true": changed(LABELS * 1.0, (3, 1, 2), 0.5)}, r"pixel \[1, 2\]: 0.5 is not a class label"),
        ({"y_pred": changed(P, (2, 1, 3, 4), 2)}, r"y_pred, row 3, pixel \[3, 4\], class 1: 2 is not a probability"),
        (
            {"y_pred": changed(P, (2, 1, 3, 4), 0.999)},
            r"y_pred, row 3, pixel \[3, 4\]: .* is the sum of the pixel, not 1",
        ),
        ({"y_pred": LOGITS}, r"row 1, pixel \[0, 0\], class .: .*if these are logits"),
    ],
)
def test_a_message_names_row_and_pixel(arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        losscli.compute("multiclass_dice", **({"y_true": LABELS, "y_pred": P} | arrays))


@pytest.mark.parametrize("loss", ["dice", "jaccard", "lovasz_hinge", "focal"])
def test_255_beside_0_and_1_marks_pixels_that_do_not_count(loss: str, cli: Cli) -> None:
    mask = (LABELS > 0).astype(np.uint8)
    write_npy("p.npy", P[:, 0])
    for marked, hint in ((changed(mask, (3, 1, 2), 255), "-P ignore_index=255"), (mask * 255, "divide by 255")):
        write_npy("t.npy", marked)
        refused = cli("compute", loss, "t.npy", "p.npy")
        assert refused.status == 3
        assert hint in refused.err
        assert ("looks like the label of pixels that do not count" in refused.err) == ("ignore" in hint)
    write_npy("t.npy", changed(mask, (3, 1, 2), 255))
    assert "t.npy: column 'y_true', row 4, element [1, 2]: 255 is not" in cli("compute", loss, "t.npy", "p.npy").err


def test_soft_targets_of_lovasz_softmax_are_refused() -> None:
    with pytest.raises(DataError, match=r"row 2, pixel \[3\], class 0: 0.5 is neither 0 nor 1"):
        losscli.compute("lovasz_softmax", y_true=changed(ONE_HOT, (1, 3), [0.5, 0.5, 0]), y_pred=FLAT["y_pred"])


def test_rows_of_wide_masks_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path) -> None:
    monkeypatch.setattr("losscli.data.batch.BYTES_PER_BATCH", 1)
    monkeypatch.setattr("losscli.data.dataset.ROWS_PER_PART", 2)
    write_npy(tmp_path / "t.npy", LABELS)
    write_npy(tmp_path / "p.npy", P)
    run = cli("compute", "multiclass_dice", tmp_path / "t.npy", tmp_path / "p.npy", "-f", "value")
    assert float(run.out) == pytest.approx(value("multiclass_dice", **FLAT), rel=1e-12)
    assert run.err.count("is read as masks") == 1


@pytest.mark.parametrize("loss", ["lovasz_softmax", "multiclass_dice", "generalized_dice", "dice_ce"])
@pytest.mark.parametrize("classes", ["all", "present"])
def test_ignored_pixels_are_as_if_they_were_not_there(loss: str, classes: str) -> None:
    """Also where the ignored label is that of a class: its pixels are no pixels of the class."""
    params = {} if loss == "generalized_dice" else {"classes": classes}
    evaluate = losscli.get_loss(loss, ignore_index=1, **params)
    p = [[[0.7, 0.3], [0.4, 0.6], [0.2, 0.8]]]
    assert evaluate([[0, 0, 1]], p) == pytest.approx(losscli.get_loss(loss, **params)([[0, 0]], [p[0][:2]]), rel=1e-14)
    assert np.all(evaluate.gradient([[0, 0, 1]], p)[0, 2] == 0)


@pytest.mark.parametrize("loss", ["lovasz_softmax", "multiclass_dice:smooth=0", "generalized_dice", "cross_entropy"])
def test_a_share_next_to_1_keeps_the_digits_of_the_others(loss: str) -> None:
    """1 - 1e6 / (1e6 + 1e-3 + 1e-9) would have 7 digits."""
    name, _, setting = loss.partition(":")
    x = np.array([[1e6, 1e-3, 1e-9]])
    rest = 1.000000999998999e-9
    params = {"smooth": 0, "classes": "present"} if setting else {}
    is_mask = name != "cross_entropy"
    value = losscli.get_loss(name, normalize=True, **params)([[0]] if is_mask else [0], x[None] if is_mask else x)
    expected = {"cross_entropy": -np.log1p(-rest), "multiclass_dice": rest / (2 - rest)}.get(name, rest)
    assert value == pytest.approx(expected, rel=1e-14)
