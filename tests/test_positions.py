"""Class labels of sequences (N, T) and images (N, H, W), with scores for each: every position is a sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import losscli
from losscli.data import batch as batch_module
from losscli.data import dataset as dataset_module
from losscli.data import positions as positions_module
from losscli.errors import DataError
from tests.conftest import Cli, write_json, write_jsonl, write_npy, write_npz

rng = np.random.default_rng(11)
N, T, C = 6, 4, 5
LABELS, SCORES = rng.integers(0, C, (N, T)), rng.normal(size=(N, T, C))
PIXELS, MAPS = rng.integers(0, 3, (2, 4, 5)), rng.normal(size=(2, 3, 4, 5))
WEIGHT, WEIGHTS = rng.random(N), rng.random((N, T))
GROUPS = np.array(list("aabbab"))


def classes_last(scores: Any) -> Any:
    """Return scores (N, C, d1, ...) as (n, C)."""
    return np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1])


def cross_entropies(labels: Any, scores: Any) -> Any:
    """Return -log softmax of the labels, sample by sample, by definition."""
    labels, scores = np.ravel(labels), np.reshape(scores, (-1, np.shape(scores)[-1]))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels])


LOSSES = cross_entropies(LABELS, SCORES)


def values(cli: Cli, *arguments: str) -> list[float]:
    result = cli("compute", *arguments, "-f", "value")
    assert result.status == 0, result.err
    return [float(line) for line in result.out.split()]


def refusal(cli: Cli, *arguments: str) -> str:
    result = cli("compute", *arguments)
    assert (result.status, result.out) == (3, ""), result
    return result.err


@pytest.fixture
def files(cli: Cli) -> dict[str, list[str]]:
    """Write the labels and scores in every format that holds them; return the DATA of each."""
    columns = {"y_true": LABELS, "y_pred": SCORES}
    write_npy("t.npy", LABELS)
    write_npy("p.npy", SCORES)
    write_npy("turned.npy", np.moveaxis(SCORES, -1, 1))
    write_npz("d.npz", columns)
    write_json("d.json", columns)
    write_jsonl("d.jsonl", columns)
    lists = {name: array.tolist() for name, array in columns.items()}
    pq.write_table(pa.table(lists), "d.parquet", row_group_size=2)
    return {
        "npy": ["t.npy", "p.npy"],
        "classes first": ["t.npy", "turned.npy"],
        **{ending: [f"d.{ending}"] for ending in ("npz", "json", "jsonl", "parquet")},
    }


@pytest.mark.parametrize("name", ["npy", "classes first", "npz", "json", "jsonl", "parquet"])
def test_every_format(name: str, files: dict[str, list[str]], cli: Cli) -> None:
    found = values(cli, "softmax_loss,zero_one", *files[name])
    assert found == pytest.approx([LOSSES.mean(), np.mean(SCORES.argmax(-1) != LABELS)], rel=1e-12)
    assert values(cli, "softmax_loss", *files[name], "--jobs", "2") == found[:1]


@pytest.mark.parametrize(
    "loss",
    [
        "softmax_loss:label_smoothing=0.1:class_weight=1/2/3",
        "cross_entropy:from_logits=true",
        "sparse_cross_entropy:from_logits=true",
        "categorical_focal:from_logits=true",
        "generalized_cross_entropy:from_logits=true",
        "symmetric_cross_entropy:from_logits=true",
        "poly:from_logits=true",
        "nll",
        "brier",
        "rps",
        "zero_one",
        "categorical_hinge",
        "multiclass_hinge",
        "multi_margin:p=2",
        "multiclass_perceptron",
        "sparsemax",
    ],
)
def test_every_loss_of_classes(loss: str) -> None:
    scores = MAPS
    if loss in ("brier", "rps", "nll"):
        scores = np.exp(MAPS) / np.exp(MAPS).sum(axis=1, keepdims=True)
        scores = np.log(scores) if loss == "nll" else scores
    flat = losscli.compute(loss, y_true=PIXELS.ravel(), y_pred=classes_last(scores))
    found = losscli.compute(loss, y_true=PIXELS, y_pred=scores)
    assert (found.value, found.n) == (pytest.approx(flat.value, rel=1e-13), 40)
    assert losscli.compute(loss, y_true=PIXELS, y_pred=np.moveaxis(scores, 1, -1)).value == found.value


def test_functions_of_arrays() -> None:
    loss = losscli.get_loss("softmax_loss")
    assert loss(PIXELS, MAPS) == pytest.approx(cross_entropies(PIXELS, classes_last(MAPS)))
    assert loss.value(LABELS, SCORES) == pytest.approx(LOSSES.mean())
    slope = loss.gradient(PIXELS, MAPS)
    assert slope.shape == MAPS.shape
    moved = MAPS.copy()
    moved[1, 2, 3, 4] += 1e-6
    rise = (loss(PIXELS, moved).sum() - loss(PIXELS, MAPS).sum()) / 1e-6
    assert slope[1, 2, 3, 4] == pytest.approx(rise, rel=1e-4)
    with pytest.raises(DataError, match="row 2"):
        loss(np.where(np.arange(2)[:, None, None] == 1, 9, PIXELS), MAPS)


def test_weights_groups_and_ids(cli: Cli) -> None:
    columns = {"y_true": LABELS, "y_pred": SCORES, "w": WEIGHT, "each": WEIGHTS, "g": GROUPS, "id": np.arange(10, 16)}
    write_npz("d.npz", columns)
    by_row = np.average(LOSSES, weights=np.repeat(WEIGHT, T))
    assert values(cli, "softmax_loss", "d.npz", "--weight", "w") == pytest.approx([by_row])
    each = np.average(LOSSES, weights=WEIGHTS.ravel())
    assert values(cli, "softmax_loss", "d.npz", "--weight", "each") == pytest.approx([each])
    means = [LOSSES[np.repeat(GROUPS, T) == g].mean() for g in "ab"]
    assert values(cli, "softmax_loss", "d.npz", "--group-by", "g") == pytest.approx(means)
    rows = [line.split("\t") for line in cli("compute", "softmax_loss", "d.npz", "--per-sample").out.splitlines()]
    assert [row[0] for row in rows] == ["row", *map(str, range(1, N * T + 1))]
    assert [float(row[-1]) for row in rows[1:]] == pytest.approx(LOSSES)
    rows = [
        line.split("\t")
        for line in cli("compute", "softmax_loss", "d.npz", "--per-sample", "--id", "id").out.splitlines()
    ]
    assert [row[0] for row in rows[:6]] == ["id", "10", "10", "10", "10", "11"]


def test_padding_and_gaps(cli: Cli) -> None:
    padded = np.where(np.arange(T) < rng.integers(1, T, (N, 1)), LABELS, -100)
    write_npy("t.npy", padded)
    write_npy("p.npy", SCORES)
    kept = LOSSES[padded.ravel() >= 0]
    assert values(cli, "softmax_loss:ignore_index=-100", "t.npy", "p.npy") == pytest.approx([kept.mean()])
    error = refusal(cli, "softmax_loss", "t.npy", "p.npy")
    assert f"row {1 + int((padded < 0).any(axis=1).argmax())}: -100 is not a class label" in error
    assert "ignore_index=-100" in error
    gaps = LABELS.astype(float)
    gaps[2, 1] = np.nan
    write_npy("t.npy", gaps)
    assert "row 3: 1 row lacks a value" in refusal(cli, "softmax_loss", "t.npy", "p.npy")
    found = values(cli, "softmax_loss", "t.npy", "p.npy", "--nan", "omit")
    assert found == pytest.approx([np.delete(LOSSES, 2 * T + 1).mean()])


def test_weights_of_another_shape() -> None:
    with pytest.raises(DataError, match=r"weight is \(N, 3\), the labels \(N, 4\)"):
        losscli.compute("softmax_loss", y_true=LABELS, y_pred=SCORES, weight=WEIGHTS[:, :3])
    with pytest.raises(DataError, match="one number per row"):  # rows of targets are no samples
        losscli.compute("softmax_loss", y_true=np.eye(4)[:3], y_pred=SCORES[0][:3, :4], weight=WEIGHTS[:3])


@pytest.mark.parametrize("loss", ["softmax_loss", "zero_one", "multi_margin"])
def test_shapes_that_can_be_read_two_ways(loss: str, cli: Cli) -> None:
    write_npy("t.npy", rng.integers(0, 3, (3, 3)))
    write_npy("p.npy", rng.normal(size=(3, 3, 3)))
    error = refusal(cli, loss, "t.npy", "p.npy")
    assert "p.npy: shapes are ambiguous: y_true is (3, 3), y_pred is (3, 3, 3)" in error
    assert "give the labels as one array (N,) and the scores as (N, C)" in error
    with pytest.raises(DataError, match="ambiguous"):
        losscli.get_loss(loss).value(rng.integers(0, 3, (2, 3)), rng.normal(size=(2, 3, 3)))


def test_shapes_that_do_not_fit(cli: Cli) -> None:
    write_npy("t.npy", LABELS[:, :3])
    write_npy("p.npy", SCORES)
    assert "shapes differ: y_true is (6, 3), y_pred is (6, 4, 5)" in refusal(cli, "softmax_loss", "t.npy", "p.npy")
    write_npy("t.npy", LABELS)
    assert "does not broadcast" in refusal(cli, "mse", "t.npy", "p.npy")
    records = [{"y_true": [0, 1], "y_pred": SCORES[0, :2].tolist()}] * 3
    records += [{"y_true": [0, 1, 1], "y_pred": SCORES[0, :3].tolist()}]
    Path("d.json").write_text(json.dumps(records))
    assert "row 4" in refusal(cli, "softmax_loss", "d.json")


def test_names_of_classes(cli: Cli) -> None:
    names, scores = [["a", "b", "b"], ["b", "a", "a"]], rng.normal(size=(2, 3, 2))
    write_json("d.json", {"y_true": names, "y_pred": scores})
    expected = cross_entropies([[0, 1, 1], [1, 0, 0]], scores).mean()
    assert values(cli, "softmax_loss", "d.json", "--classes", "a,b") == pytest.approx([expected])
    assert "row 1: 'b' is not one of the classes" in refusal(cli, "softmax_loss", "d.json", "--classes", "a,c")


def test_parts_have_the_same_digits_and_name_the_row(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores = rng.integers(0, 3, (300, 4)), rng.normal(size=(300, 4, 3))
    write_npy("p.npy", scores)
    for name, cut in (("whole", 1 << 18), ("cut", 100)):
        monkeypatch.setattr(dataset_module, "ROWS_PER_PART", cut)
        write_npy("t.npy", labels)
        found = [values(cli, "softmax_loss", "t.npy", "p.npy", "--jobs", jobs) for jobs in ("1", "3")]
        assert found[0] == found[1], name
        assert found[0] == pytest.approx([cross_entropies(labels, scores).mean()], rel=1e-13)
        wrong = labels.copy()
        wrong[250, 2] = 7
        write_npy("t.npy", wrong)
        for jobs in ("1", "3"):
            assert "row 251: 7 is not a class" in refusal(cli, "softmax_loss", "t.npy", "p.npy", "--jobs", jobs)


def test_long_rows_are_evaluated_in_blocks(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    largest: list[int] = []
    inner = positions_module.split_positions

    def watched(*arguments: Any) -> Any:
        for piece in inner(*arguments):
            largest.append(piece.arrays["y_pred"].size)
            yield piece

    monkeypatch.setattr(dataset_module, "split_positions", watched)
    monkeypatch.setattr(batch_module, "BYTES_PER_BATCH", 8 * 30)
    for scores in (MAPS, np.moveaxis(MAPS, 1, -1)):
        write_npy("t.npy", PIXELS)
        write_npy("p.npy", scores)
        expected = cross_entropies(PIXELS, classes_last(MAPS)).mean()
        assert values(cli, "softmax_loss", "t.npy", "p.npy") == pytest.approx([expected])
    assert max(largest) <= 30
    assert sum(largest) == 2 * MAPS.size


def test_compare_and_recommend(files: dict[str, list[str]], cli: Cli) -> None:
    found = cli("compare", "--losses", "softmax_loss,multi_margin", *files["npz"], "-f", "value")
    assert float(found.out.split()[0]) == pytest.approx(LOSSES.mean())
    assert "softmax_loss" in cli("recommend", *files["npz"]).out
