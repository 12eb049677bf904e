"""recommend on labels, boxes and other roles: its numbers against SciPy and by hand, and how data is recognised."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import losscli
from losscli.recommend.advise import Recommendation
from losscli.recommend.boxes import guess_format, look_like_boxes, measure_overlap
from losscli.recommend.calibration import (
    CalibrationVerdict,
    biased_columns,
    logits_of,
    logs_of,
    recalibrate_classes,
    recalibrate_labels,
)
from losscli.recommend.order import one_peak_share, scale_of
from losscli.recommend.rules.findings import Verdict
from losscli.registry import find
from losscli.statistics.calibration import decompose_rows
from tests.conftest import Cli
from tests.recommend_cases import softmax

Numbers = np.ndarray


def sigmoid(z: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-z))


def labelled(n: int, seed: int, spread: float = 1.2) -> tuple[Numbers, Numbers]:
    """Return labels (n,) and the logits by which they were drawn."""
    rng = np.random.default_rng(seed)
    z = spread * rng.normal(size=n)
    return (rng.random(n) < sigmoid(z)).astype(float), z


# ----------------------------------------------------------------------------------------- recalibration


@pytest.mark.parametrize("is_weighted", [False, True])
def test_slope_is_that_of_a_logistic_regression(is_weighted: bool) -> None:
    """Against SciPy's minimiser, and the sandwich error written down plainly."""
    y, z = labelled(400, 1)
    z = 1.7 * z + 0.3
    w = np.random.default_rng(2).uniform(0.5, 2, size=400) if is_weighted else np.ones(400)
    x = np.column_stack([np.ones(400), z])

    def risk(beta: Numbers) -> float:
        return float(w @ (np.logaddexp(0, x @ beta) - y * (x @ beta)))

    beta = optimize.minimize(risk, np.zeros(2), method="BFGS", tol=1e-10).x
    p = sigmoid(x @ beta)
    bread = np.linalg.inv((x * (w * p * (1 - p))[:, None]).T @ x)
    meat = (x * (w * (y - p))[:, None]).T @ (x * (w * (y - p))[:, None])
    found = recalibrate_labels(y, z, w if is_weighted else None)
    assert found is not None
    assert found.slope.value == pytest.approx(beta[1], abs=1e-5)
    assert found.slope.error == pytest.approx(np.sqrt((bread @ meat @ bread)[1, 1]), rel=1e-4)
    level = optimize.brentq(lambda a: float(w @ (y - sigmoid(a + z))), -5, 5)
    assert found.level.value == pytest.approx(level, abs=1e-8)
    assert found.mean == pytest.approx(np.average(sigmoid(z), weights=w))


def test_miscalibration_is_that_of_the_decomposition() -> None:
    y, z = labelled(300, 3)
    found = recalibrate_labels(y, 2 * z)
    assert found is not None
    parts = decompose_rows(find("brier").bind({}), y, sigmoid(2 * z))
    assert found.miscalibration == pytest.approx(parts.miscalibration, abs=1e-12)


def test_slope_of_classes_minimises_cross_entropy() -> None:
    rng = np.random.default_rng(4)
    s = 2 * rng.normal(size=(500, 4))
    y = np.array([rng.choice(4, p=row) for row in softmax(0.6 * s)])

    def risk(slope: float) -> float:
        p = slope * s
        return float((np.logaddexp.reduce(p, axis=1) - p[np.arange(500), y]).sum())

    best = optimize.minimize_scalar(risk, bracket=(0.1, 2), tol=1e-10).x
    for labels in (y.astype(float), np.eye(4)[y]):
        found = recalibrate_classes(labels, s)
        assert found is not None
        assert found.slope.value == pytest.approx(best, abs=1e-6)
        assert found.verdict is CalibrationVerdict.OVERCONFIDENT


@pytest.mark.parametrize(
    ("y", "p"),
    [
        (np.zeros(50), np.linspace(0.1, 0.9, 50)),
        (np.arange(50) % 2.0, np.full(50, 0.4)),
        ((np.arange(60) > 29).astype(float), np.linspace(0.1, 0.9, 60)),
    ],
    ids=["one label", "one probability", "separated"],
)
def test_calibration_that_cannot_be_told(y: Numbers, p: Numbers) -> None:
    assert recalibrate_labels(y, logits_of(p)) is None


def test_rounded_probabilities_are_not_infinite_logits() -> None:
    """Probabilities rounded to 0 and 1 would count as if they were meant."""
    y, z = labelled(2000, 5, spread=3)
    rounded, exact = (recalibrate_labels(y, logits_of(p)) for p in (np.round(sigmoid(z), 2), sigmoid(z)))
    assert rounded is not None
    assert exact is not None
    assert rounded.slope.value == pytest.approx(exact.slope.value, abs=0.1)


def test_a_shape_that_slope_and_level_miss() -> None:
    """Slope and mean are right, but the curve has steps: only the isotonic fit shows them."""
    rng = np.random.default_rng(6)
    p = rng.uniform(0.05, 0.95, size=3000)
    truth = np.where(np.abs(p - 0.5) < 0.25, np.where(p < 0.5, 0.2, 0.8), p)
    truth = np.where(p < 0.1, 0.12, np.where(p > 0.9, 0.88, truth))
    y = (rng.random(3000) < truth).astype(float)
    found = recalibrate_labels(y, logits_of(p))
    assert found is not None
    assert found.miscalibration > found.by_chance


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "shift", "verdict", "least"),
    [
        (1, 0, "calibrated", 0.85),
        (2, 0, "overconfident", 0.95),
        (0.6, 0, "underconfident", 0.8),
        (1, 0.5, "too high", 0.8),
    ],
)
def test_how_often_calibration_is_judged_rightly(factor: float, shift: float, verdict: str, least: float) -> None:
    """Of calibrated probabilities at most 15 % are called something else: two tests of two standard errors, and one."""
    found = Counter()
    for seed in range(200):
        y, z = labelled(400, seed)
        judged = recalibrate_labels(y, factor * z + shift)
        found[str(judged.verdict) if judged else ""] += 1
    assert found[verdict] >= least * 200, found


def test_classes_that_are_off() -> None:
    rng = np.random.default_rng(7)
    p = softmax(rng.normal(size=(3000, 3)))
    truth = p * [0.7, 1, 1]
    truth /= truth.sum(axis=1, keepdims=True)
    y = np.eye(3)[[rng.choice(3, p=row) for row in truth]]
    off = biased_columns(y, p)
    assert 0 in off
    assert off[0].value == pytest.approx((p - y)[:, 0].mean())
    assert off[0].error == pytest.approx((p - y)[:, 0].std() / np.sqrt(3000))
    fact = next(f for f in losscli.recommend(y_true=y.argmax(axis=1), y_pred=p).facts if f.key == "biased")
    assert fact.value["0"] == pytest.approx(off[0].value)


# ------------------------------------------------------------------------------------- order and boxes


def test_one_peak() -> None:
    rows = np.array([[1, 2, 3], [3, 2, 1], [1, 3, 2], [2, 1, 3], [2, 2, 2]]) / 6
    means = rows.mean(axis=0)

    def rises_then_falls(row: Numbers) -> bool:
        return any((np.diff(row[: k + 1]) >= 0).all() and (np.diff(row[k:]) <= 0).all() for k in range(3))

    both = [rises_then_falls(row) and rises_then_falls(row / means) for row in rows]
    assert one_peak_share(rows, None) == np.mean(both)


def test_classes_in_order_of_their_share_have_no_order() -> None:
    """Each row falls from the most frequent class to the rarest, whatever they are."""
    p = softmax(0.3 * np.random.default_rng(8).normal(size=(500, 5)) + np.log([0.6, 0.2, 0.1, 0.06, 0.04]))
    assert (np.diff(p, axis=1) < 0).all(axis=1).mean() > 0.4
    assert one_peak_share(p, None) < 0.4


def test_words_of_a_scale() -> None:
    assert scale_of(["high", "low", "medium"]) == ["low", "medium", "high"]
    assert scale_of(["Very_Low", "low", "high"]) == ["Very_Low", "low", "high"]
    assert scale_of(["cat", "low", "high"]) is None


def boxes() -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(9)
    corner = rng.uniform(0, 90, size=(40, 2))
    true = np.hstack([corner, corner + rng.uniform(5, 40, size=(40, 2))])
    return true, true + rng.normal(size=(40, 4))


def test_overlap_is_that_of_iou() -> None:
    true, pred = boxes()
    pred[::4] += 500
    overlap = measure_overlap(true, pred, "xyxy", None)
    expected = 1 - losscli.get_loss("iou")(true, pred)
    np.testing.assert_allclose(overlap.iou, expected, atol=1e-12)
    assert overlap.disjoint == np.mean(expected == 0) == 0.25
    sized = [np.hstack([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]]) for b in (true, pred)]
    np.testing.assert_allclose(measure_overlap(*sized, "cxcywh", None).iou, expected, atol=1e-12)


def test_numbers_that_are_no_boxes() -> None:
    true, pred = boxes()
    assert look_like_boxes(true, pred, ())
    assert not look_like_boxes(true, pred, ("north", "east", "south", "west"))
    assert not look_like_boxes(true, pred + 500, ())
    assert not look_like_boxes(true[:, ::-1], pred[:, ::-1], ())
    assert not look_like_boxes(true[:5], pred[:5], ())


def test_centres_of_boxes_that_would_leave_the_picture() -> None:
    """YOLO's boxes: within [0, 1], with centres that are called x and y."""
    centre = np.array([[0.95, 0.95, 0.1, 0.1], [0.05, 0.2, 0.1, 0.2]])
    assert guess_format(centre, centre, "xywh") == "cxcywh"
    assert guess_format(centre * 100, centre * 100, "xywh") == "xywh"
    assert guess_format(centre, centre, "") == "cxcywh"


def test_whole_boxes_that_do_not_say_how_they_are_written(cli: Cli) -> None:
    true, pred = boxes()
    rows = [{"gt_bbox": t, "pred_bbox": p} for t, p in zip(true.tolist(), pred.tolist(), strict=True)]
    Path("boxes.json").write_text(json.dumps(rows))
    result = cli("recommend", "boxes.json", "-f", "json")
    document = json.loads(result.out)
    assert document["task"] == "boxes"
    assert "--box-format xyxy" in document["command"]
    assert "read as xyxy by their values" in result.err


# ----------------------------------------------------------------------------------------- other roles


def said(found: Recommendation, loss: str) -> Verdict:
    return next(a.verdict for a in found if a.loss == loss)


def embeddings() -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(10)
    return np.repeat(np.arange(8), 5), rng.normal(size=(40, 3))


@pytest.mark.parametrize("form", ["columns", "files", "json", "named"])
def test_embeddings_from_where_they_are(form: str, cli: Cli) -> None:
    labels, x = embeddings()
    words = ["data.csv"]
    if form == "files":
        np.save("l.npy", labels)
        np.save("x.npy", x)
        words = ["labels=l.npy", "embeddings=x.npy"]
    elif form == "json":
        rows = [{"label": f"p{k}", "embedding": v} for k, v in zip(labels.tolist(), x.tolist(), strict=True)]
        Path("data.json").write_text(json.dumps(rows))
        words = ["data.json"]
    else:
        header = "label,embedding_0,embedding_1,embedding_2" if form == "columns" else "person,e0,e1,e2"
        np.savetxt("data.csv", np.column_stack([labels, x]), delimiter=",", header=header, comments="")
        words += ["--column", "labels=person", "--column", "embeddings=e*"] if form == "named" else []
    document = json.loads(cli("recommend", *words, "-f", "json").out)
    assert document["task"] == "embeddings with classes"
    assert document["losses"][0]["loss"] == "supcon"
    assert cli(*document["command"].replace("'", "").split()[1:]).status == 0


@pytest.mark.parametrize(
    ("names", "task"), [("y_true,y_pred,x1,x2", "regression"), ("label,score,features_0,features_1", "regression")]
)
def test_features_beside_predictions_are_no_vectors(names: str, task: str) -> None:
    rng = np.random.default_rng(11)
    y = rng.normal(size=60)
    columns = dict(zip(names.split(","), [y, y + rng.normal(size=60), *rng.normal(size=(2, 60))], strict=True))
    assert losscli.recommend(columns).task == task


@pytest.mark.parametrize("names", ["y,x1,x2", "y,x1,x2,x3"])
def test_features_without_predictions_are_no_pairs(names: str) -> None:
    """Features called x1 and x2 are no pairs if their target is a number, or if there are more of them."""
    rng = np.random.default_rng(12)
    width = names.count(",")
    target = rng.normal(size=40) if width == 2 else np.arange(40) % 2
    columns = dict(zip(names.split(","), [target, *rng.normal(size=(width, 40))], strict=True))
    with pytest.raises(losscli.DataError, match="no column for y_pred"):
        losscli.recommend(columns)


def test_rows_of_weight_0_do_not_count() -> None:
    labels, x = embeddings()
    weight = (np.arange(40) < 35).astype(float)
    found = losscli.recommend(labels=labels, embeddings=x, weight=weight)
    assert found.data.n_used == 35
    assert next(f.value for f in found.facts if f.key == "classes") == 7


def test_facts_of_embeddings_by_brute_force() -> None:
    labels, x = embeddings()
    found = {f.key: f.value for f in losscli.recommend(labels=labels, embeddings=x).facts}
    cosine = (x @ x.T) / np.linalg.norm(x, axis=1) / np.linalg.norm(x, axis=1)[:, None]
    pairs = [(i, j) for i in range(40) for j in range(40) if i != j]
    assert found["equal pairs"] == pytest.approx(np.mean([labels[i] == labels[j] for i, j in pairs]))
    nearest = [max((j for j in range(40) if j != i), key=lambda j, i=i: cosine[i, j]) for i in range(40)]
    assert found["nearest"] == pytest.approx(np.mean(labels[nearest] == labels))


def test_a_target_of_what_is_no_forecast(cli: Cli) -> None:
    labels, x = embeddings()
    np.savez("data.npz", labels=labels, embeddings=x)
    result = cli("recommend", "data.npz", "--target", "median")
    assert (result.status, result.out) == (2, "")
    assert "not forecasts of numbers" in result.err


def test_many_rows_are_sampled() -> None:
    """Rows that are compared with each other are sampled; classes are those of all rows."""
    rng = np.random.default_rng(13)
    labels, x = np.arange(5000) // 2, rng.normal(size=(5000, 4))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = losscli.recommend(labels=labels, embeddings=x)
    assert found.data.n_used == 5000
    assert any("random sample of 1000 of 5000" in note for note in found.notes)
    facts = {f.key: f.value for f in found.facts}
    assert facts["classes"] == 2500
    assert facts["equal pairs"] == pytest.approx(1 / 4999)
    assert said(found, "supcon") is Verdict.USE  # each row has another of its class, though hardly one in the sample
    assert heard == []


def test_scores_of_another_kind_than_logits() -> None:
    y, z = labelled(500, 14)
    found = losscli.recommend(y_true=y, y_pred=20 * z)
    assert any("hinge" in note for note in found.notes)
    assert next(a.verdict for a in found if a.name == "hinge") is Verdict.CONSIDER


def test_labels_that_fall_with_the_predictions() -> None:
    y, z = labelled(500, 15)
    found = losscli.recommend({"y_true": 1 - y, "y_pred": sigmoid(z)})
    assert next(f.value for f in found.facts if f.key == "calibration")["verdict"] == "unrelated"


@pytest.mark.parametrize(("target", "loss"), [("mean", "mse"), ("median", "mae"), ("quantile:0.9", "quantile:tau=0.9")])
def test_ratings_for_what_is_wanted(target: str, loss: str) -> None:
    rng = np.random.default_rng(16)
    y = rng.integers(1, 6, size=200).astype(float)
    found = losscli.recommend(y_true=y, y_pred=np.clip(y + rng.normal(size=200), 1, 5), target=target)
    assert [a.loss for a in found if a.verdict is Verdict.USE] == [loss]


def test_classes_that_were_rounded_to_0() -> None:
    rng = np.random.default_rng(17)
    p = softmax(3 * rng.normal(size=(800, 4)))
    y = np.array([rng.choice(4, p=row) for row in p])
    rounded = np.round(p, 2)
    slopes = [recalibrate_classes(y.astype(float), logs_of(q)) for q in (p, rounded)]
    assert slopes[0] is not None
    assert slopes[1] is not None
    assert slopes[1].slope.value == pytest.approx(slopes[0].slope.value, abs=0.15)


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"anchor": (9, 3), "positive": (9, 4), "negative": (9, 3)}, r"shapes differ: anchor is \(9, 3\), positive is"),
        ({"labels": (9,), "embeddings": (9, 3), "weights": (4, 3)}, "4 is not a class label 0..3"),
        ({"anchor": (9, 3)}, "no column for positive or negative, which triplet needs"),
    ],
    ids=["shapes", "labels", "lacking"],
)
def test_bad_roles(roles: dict[str, tuple[int, ...]], message: str) -> None:
    rng = np.random.default_rng(18)
    arrays = {role: np.arange(9) if role == "labels" else rng.normal(size=shape) for role, shape in roles.items()}
    with pytest.raises(losscli.DataError, match=message):
        losscli.recommend(**arrays)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- scales and chance


@pytest.mark.parametrize(("low", "high", "step"), [(1, 5, 1), (0, 10, 1), (0.5, 5, 0.5), (0, 5, 1)])
def test_ratings_have_several_scales(low: float, high: float, step: float) -> None:
    rng = np.random.default_rng(0)
    taste = rng.normal((low + high) / 2, (high - low) / 4, size=300)
    noise = rng.normal(0, (high - low) / 10, size=300)
    y = np.clip(np.rint((taste + noise) / step) * step, low, high)
    pred = np.clip(taste, low, high)
    found = losscli.recommend(y_true=y, y_pred=pred)
    assert found.task == "ratings"
    shares = next(fact.value for fact in found.facts if fact.key == "steps")
    assert shares == pytest.approx([np.mean(np.abs(pred - y) <= limit * step) for limit in (0.5, 1.0)])
    assert losscli.recommend(y_true=y, y_pred=pred, target="mean").losses == ["mse"]
    assert losscli.recommend(y_true=y, y_pred=pred, target="median").losses == ["mae"]


def test_counts_are_no_ratings() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(2, size=1000) * 1.0
    assert (
        losscli.recommend(y_true=counts, y_pred=np.maximum(np.rint(counts + rng.normal(size=1000)), 0)).task
        != "ratings"
    )
    small = rng.poisson(1.5, size=300) * 1.0
    assert losscli.recommend(y_true=small, y_pred=np.full(300, 1.5)).task == "regression"


def test_calibrated_probabilities_are_seldom_called_off() -> None:
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        z = 1.5 * rng.normal(size=200)
        found = recalibrate_labels((rng.random(200) < 1 / (1 + np.exp(-z))) * 1.0, z)
        assert found is not None
        alarms += found.verdict is not CalibrationVerdict.CALIBRATED
    assert alarms <= 3
