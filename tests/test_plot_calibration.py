"""Pictures of calibration: reliability and Murphy diagrams, against brute force, whatever the parts of the data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from losscli import pipeline
from losscli.data.sources import ReadOptions, open_data
from losscli.errors import DataError, UsageError
from losscli.options import EvaluationOptions
from losscli.plot.kinds import PlotOptions
from losscli.plot.pictures import Band, Bars, Line, Picture, Point
from losscli.plot.reliability import shown_range
from losscli.plot.reliability_words import ModelCalibration, reliability_sentence
from losscli.statistics.calibration import Decomposition
from losscli.statistics.elementary import ElementaryMeans, ElementaryQuantiles, SumsAbove, bucket_edges
from losscli.statistics.keyed_sums import KeyedSums

SAMPLES = Path(__file__).parent.parent / "sample_data"


def draw(losses: str, kind: str, path: Path, notes: list[str] | None = None, **options: Any) -> Picture:
    """Return the picture of a file, which must be JSON without NaN."""
    picture = pipeline.plot(
        pipeline.resolve_losses(losses),
        lambda roles: open_data([str(path)], roles, ReadOptions()),
        EvaluationOptions(**options),
        PlotOptions(kind),
        (notes if notes is not None else []).append,
    )
    json.dumps(picture.to_dict(), allow_nan=False)
    return picture


def write(path: Path, columns: Mapping[str, Any]) -> Path:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def line(picture: Picture, label: str, panel: int = 0) -> Line:
    found = next(mark for mark in picture.panels[panel].marks if mark.label == label)
    assert isinstance(found, Line)
    return found


def elementary(x: Any, y: Any, thresholds: Any, level: float | None = None, weight: Any = None) -> np.ndarray:
    """Return mean elementary scores by their definition."""
    x, y, t = np.asarray(x), np.asarray(y), np.asarray(thresholds)[:, None]
    is_between = (np.minimum(x, y) <= t) & (t < np.maximum(x, y))
    size = np.abs(y - t) if level is None else np.where(x <= t, level, 1 - level)
    return np.average(is_between * size, axis=1, weights=weight)


# --- Elementary scores


def above(keys: np.ndarray, columns: list[np.ndarray], weight: np.ndarray, max_rows: int) -> SumsAbove:
    sums = KeyedSums(len(columns), max_rows)
    for rows in np.array_split(np.arange(len(keys)), [10, 300, 2500]):
        part = KeyedSums(len(columns), max_rows)
        part.update(keys[rows], [column[rows] for column in columns], weight[rows])
        sums.merge(part)
    return SumsAbove.of(sums.table(), False)


@pytest.mark.parametrize("max_rows", [1 << 16, 50])
@pytest.mark.parametrize("level", [None, 0.5, 0.1])
def test_scores_are_those_of_the_definition(level: float | None, max_rows: int) -> None:
    """In buckets, too, at the edges of these."""
    rng = np.random.default_rng(41)
    y = rng.normal(3, 10, 5000)
    x, weight = y + rng.normal(0, 5, 5000), rng.exponential(size=5000)
    scores: ElementaryMeans | ElementaryQuantiles
    by_target = above(y, [], weight, max_rows)
    if level is None:
        scores = ElementaryMeans(by_target, above(x, [y], weight, max_rows))
    else:
        by_larger = above(np.maximum(x, y), [], weight, max_rows)
        scores = ElementaryQuantiles(by_target, above(x, [], weight, max_rows), by_larger, level)
    thresholds = np.linspace(-25, 30, 101)
    if max_rows == 50:
        thresholds = bucket_edges(thresholds, False)
    assert np.allclose(scores.scores(thresholds), elementary(x, y, thresholds, level, weight), rtol=0, atol=1e-12)
    constant = scores.scores_of_constant(2.5, thresholds)
    assert np.allclose(constant, elementary(0 * x + 2.5, y, thresholds, level, weight), rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", [None, 0.5, 0.1])
def test_scores_at_ties_jump_where_the_definition_does(level: float | None) -> None:
    rng = np.random.default_rng(43)
    x, y = rng.integers(0, 6, (2, 60)).astype(float)
    weight = np.ones(60)
    by_target = above(y, [], weight, 1000)
    scores: ElementaryMeans | ElementaryQuantiles = ElementaryMeans(by_target, above(x, [y], weight, 1000))
    if level is not None:
        larger = above(np.maximum(x, y), [], weight, 1000)
        scores = ElementaryQuantiles(by_target, above(x, [], weight, 1000), larger, level)
    at = np.arange(7.0)
    assert np.allclose(scores.scores(at), elementary(x, y, at, level))
    assert np.allclose(scores.scores(at, is_left_limit=True), elementary(x, y, np.nextafter(at, -1), level))


@pytest.mark.parametrize("level", [None, 0.5, 0.1])
def test_integral_is_the_loss(level: float | None) -> None:
    """Twice the integral for a mean is the squared error, that for a quantile the pinball loss (Ehm et al. 2016)."""
    rng = np.random.default_rng(47)
    y, x = rng.normal(size=(2, 200))
    weight = np.ones(200)
    by_target = above(y, [], weight, 1000)
    breaks = np.unique(np.concatenate([x, y]))
    middles, widths = (breaks[:-1] + breaks[1:]) / 2, np.diff(breaks)  # straight lines between breaks
    if level is None:
        means = ElementaryMeans(by_target, above(x, [y], weight, 1000))
        assert 2 * np.dot(means.scores(middles), widths) == pytest.approx(np.mean((x - y) ** 2))
        return
    larger = above(np.maximum(x, y), [], weight, 1000)
    quantiles = ElementaryQuantiles(by_target, above(x, [], weight, 1000), larger, level)
    pinball = np.mean(np.where(y >= x, level, level - 1) * (y - x))
    assert np.dot(quantiles.scores(middles), widths) == pytest.approx(pinball)


# --- Murphy diagrams


def test_murphy_diagram_of_two_models() -> None:
    picture = draw("mse", "murphy", SAMPLES / "diabetes.csv", models=("y_pred", "forest"))
    data = np.genfromtxt(SAMPLES / "diabetes.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    for name in ("y_pred", "forest"):
        curve = line(picture, name)
        assert np.allclose(curve.y, elementary(data[name], data["y_true"], curve.x))
    low, high = picture.facts["range"]
    assert (low, high) == (35.4875, 292.139)  # of all predictions
    edges = np.linspace(low, high, 2001)
    middles = (edges[:-1] + edges[1:]) / 2
    gap = elementary(data["y_pred"], data["y_true"], middles) - elementary(data["forest"], data["y_true"], middles)
    assert picture.facts["lower"]["y_pred"] == pytest.approx(np.mean(gap < -1e-9))
    assert picture.facts["lower"]["forest"] == pytest.approx(np.mean(gap > 1e-9))
    assert picture.facts["dominant"] is None
    text = "y_pred is lower at 72 % of the thresholds; forest at 28 %, e.g. below 69.6: some losses for means prefer it"
    assert picture.sentence.replace("\u00a0", " ") == text
    bands = [mark for mark in picture.panels[0].marks if isinstance(mark, Band)]
    assert [band.style for band in bands] == [0, 1]
    for band in bands:
        assert np.array_equal(np.isnan(band.low), np.isnan(band.high))
        assert (band.low <= band.high)[~np.isnan(band.low)].all()


def test_murphy_diagram_of_one_model_has_the_best_constant() -> None:
    picture = draw("mae", "murphy", SAMPLES / "diabetes.csv")
    data = np.genfromtxt(SAMPLES / "diabetes.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    reference = line(picture, "best constant (140)")
    assert reference.is_reference
    assert picture.facts["best_constant"] == 140
    assert np.allclose(reference.y, elementary(0 * data["y_true"] + 140, data["y_true"], reference.x, 0.5))
    assert "the best constant, 140," in picture.sentence


def test_model_that_dominates_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(53)
    y = rng.normal(size=300)
    path = write(tmp_path / "a.csv", {"y_true": y, "near": y + rng.normal(0, 0.01, 300), "far": 0 * y + y.mean()})
    for loss in ("mse", "mae"):
        picture = draw(loss, "murphy", path, models=("far", "near"))
        assert picture.facts["dominant"] == "near"
        assert "prefer it" in picture.sentence
    same = write(tmp_path / "b.csv", {"y_true": y, "a": y, "b": y})
    picture = draw("mse", "murphy", same, models=("a", "b"))
    assert picture.facts["dominant"] is None
    assert picture.sentence == "the models are alike at all thresholds: no loss for means tells them apart"


def test_curves_of_few_rows_have_all_their_jumps(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"y_true": [3, 5, 2, 8], "a": [2.5, 5, 3, 7], "b": [3, 4, 2.5, 9]})
    picture = draw("mse", "murphy", path, models=("a", "b"))
    curve = line(picture, "a")
    assert np.allclose(curve.y[1::2], elementary([2.5, 5, 3, 7], [3, 5, 2, 8], curve.x[1::2]))
    before = np.nextafter(curve.x[::2], -np.inf)
    assert np.allclose(curve.y[::2], elementary([2.5, 5, 3, 7], [3, 5, 2, 8], before))
    assert picture.facts["lower"]["a"] + picture.facts["lower"]["b"] + picture.facts["tied"] == pytest.approx(1)


def test_outlier_does_not_hide_the_other_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(59)
    y = rng.normal(100, 10, 400)
    x = y + rng.normal(0, 5, 400)
    y[7] = 1e6
    path = write(tmp_path / "a.csv", {"y_true": y, "y_pred": x})
    murphy = draw("mse", "murphy", path).panels[0]
    assert murphy.y.is_log
    assert 0 < murphy.y.low < 0.1
    assert murphy.x.high < 200
    reliability = draw("mse", "reliability", path)
    main = reliability.panels[0]
    assert main.y.high < 250
    assert any("beyond the axis" in remark for remark in reliability.remarks)
    for mark in main.marks:
        if isinstance(mark, Line):
            assert mark.y.max() <= main.y.high


def test_fill_value_costs_the_other_rows_no_digits(tmp_path: Path) -> None:
    """Sums over all rows above a threshold would have no digits left of the others."""
    rng = np.random.default_rng(89)
    y = rng.normal(100, 10, 300)
    x = y + rng.normal(0, 5, 300)
    y[5] = 9.96921e36
    picture = draw("mse", "murphy", write(tmp_path / "a.csv", {"y_true": y, "y_pred": x}))
    curve = line(picture, "y_pred")
    assert np.allclose(curve.y, elementary(x, y, curve.x), rtol=1e-12)
    assert 0 < curve.y[curve.x < x[5]].max() < 10
    many = np.tile(np.stack([y, x], axis=1), (300, 1))
    np.save(tmp_path / "b.npy", many)
    with pytest.raises(DataError, match=r"y_true: beside a target of 9\.97e36 no digits are left of the others"):
        draw("mse", "murphy", tmp_path / "b.npy")


def test_targets_that_are_mostly_0_have_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(97)
    x = rng.exponential(size=70_000)
    y = np.where(rng.random(x.size) < 0.1, 1e4 * x, 0.0)
    for name, targets, loss in (("a.npy", y, "mse"), ("b.npy", (y > 0).astype(float), "brier")):
        predictions = np.clip(x / 10, 0, 1) if loss == "brier" else 1000 * x
        np.save(tmp_path / name, np.stack([targets, predictions], axis=1))
        curve = line(draw(loss, "murphy", tmp_path / name), "y_pred")
        some = slice(None, None, 50)
        expected = elementary(predictions, targets, curve.x[some])
        assert np.allclose(curve.y[some], expected, rtol=1e-9, atol=1e-9 * expected.max())


# --- Reliability


def test_reliability_of_probabilities() -> None:
    picture = draw("brier,bce", "reliability", SAMPLES / "breast_cancer.csv")
    assert picture.is_stacked
    main, histogram = picture.panels
    assert main.notes == ("brier 0.0197", "= miscalibration 0.0032", "− discrimination 0.2173", "+ uncertainty 0.2338")
    assert "bce 0.0742 = miscalibration 0.0168 − discrimination 0.6029 + uncertainty 0.6603" in picture.remarks
    bars = histogram.marks[0]
    assert isinstance(bars, Bars)
    assert bars.heights.sum() == 569
    assert histogram.y.is_log
    assert (main.x.low, main.x.high, main.y.low, main.y.high) == (0, 1, 0, 1)
    band = next(mark for mark in main.marks if isinstance(mark, Band))
    assert "95" in band.label
    curve = line(picture, "y_pred")
    assert (np.diff(curve.x) >= 0).all()
    assert (np.diff(curve.y) >= 0).all()
    assert picture.facts["outside_band"] == {"y_pred": 0.0}
    assert picture.sentence.startswith("y_pred is calibrated as far as 569 rows can tell")


def test_calibrated_predictions_are_said_to_be(tmp_path: Path) -> None:
    """At one prediction or another most curves leave a band that holds at each: that alone says nothing."""
    verdicts, shares = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        p = rng.random(300)
        columns = {"y_true": (rng.random(300) < p).astype(int), "y_pred": p}
        picture = draw("brier", "reliability", write(tmp_path / f"{seed}.csv", columns))
        verdicts.append("y_pred is calibrated as far as 300 rows can tell" in picture.sentence)
        shares.append(picture.facts["outside_band"]["y_pred"])
        assert 0.1 < picture.facts["outside_by_chance"]["y_pred"] < 0.5
        assert ("by chance up to" in picture.sentence) == (verdicts[-1] and shares[-1] > 0)
    assert sum(verdicts) >= 10
    assert sum(share > 0 for share in shares) >= 6


def test_level_of_the_band_is_that_of_ci() -> None:
    wide, narrow = (
        next(mark for mark in draw("brier", "reliability", SAMPLES / "breast_cancer.csv", ci=level).panels[0].marks)
        for level in (0.99, 0.5)
    )
    assert isinstance(wide, Band)
    assert isinstance(narrow, Band)
    assert "99" in wide.label
    assert (wide.high - wide.low).mean() > 1.5 * (narrow.high - narrow.low).mean()


def test_reliability_of_several_models_has_no_bands() -> None:
    picture = draw("mse", "reliability", SAMPLES / "diabetes.csv", models=("y_pred", "forest"))
    assert not any(isinstance(mark, Band) for mark in picture.panels[0].marks)
    assert [mark.label for mark in picture.panels[0].marks] == ["as predicted", "y_pred", "forest"]
    assert [mark.style for mark in picture.panels[1].marks if isinstance(mark, Bars)] == [0, 1]
    parts = picture.facts["decomposition"]
    assert parts["forest"]["mse"]["miscalibration"] == pytest.approx(243.24646661794577)
    assert parts["y_pred"]["mse"]["discrimination"] == pytest.approx(3182.292611086848)


def test_models_with_equal_digits_are_said_to_be_alike() -> None:
    parts = {
        "a": Decomposition(0.30, 0.05, 0.15, 0.40),
        "b": Decomposition(0.39, 0.14, 0.1500001, 0.40),
        "c": Decomposition(0.35, 0.0500001, 0.10, 0.40),
    }
    models = {name: ModelCalibration(name, Mock(), Mock(), {"brier": part}, None) for name, part in parts.items()}

    def sentence(*names: str) -> str:
        return reliability_sentence(Mock(first=Mock(label="brier")), [models[name] for name in names])

    assert sentence("a", "b") == (
        "a has the least miscalibration of brier, 0.050 (b 0.140); a and b tell rows apart equally well, 0.150"
    )
    assert sentence("a", "c") == (
        "a and c have the same miscalibration of brier, 0.050; a tells rows apart best, 0.150 (c 0.100)"
    )
    assert sentence("c", "b", "a") == (
        "c and a have the least miscalibration of brier, 0.050 (b 0.140); b and a tell rows apart best, 0.150 (c 0.100)"
    )


def test_many_models_are_counted_in_the_title_and_named_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(size=40)
    models = {f"model {i}": y + rng.normal(size=40) for i in range(5)}
    path = write(tmp_path / "a.csv", {"y_true": y, **models})
    picture = draw("mse", "reliability", path, models=tuple(models))
    assert picture.title == "Reliability of 5 models"
    assert picture.panels[0].notes == ()
    assert {mark.label for mark in picture.panels[1].marks} == {""}
    assert [text.partition(":")[0] for text in picture.remarks[:5]] == list(models)


def test_small_scores_are_powers_of_ten(tmp_path: Path) -> None:
    rows = {"y_true": [0.0001, 0.0003, 0.0002], "y_pred": [0.0002, 0.00031, 0.0004]}
    picture = draw("mse", "reliability", write(tmp_path / "a.csv", rows))
    assert picture.panels[0].notes[0] == "mse 1.67e-8"
    assert picture.sentence.endswith("miscalibration is 1.5e-8 of mse 1.67e-8")


def test_without_a_band_none_is_spoken_of(tmp_path: Path) -> None:
    picture = draw("brier", "reliability", write(tmp_path / "a.csv", {"y_true": [0, 1, 1], "y_pred": [0.5] * 3}))
    assert not any(isinstance(mark, Band) for mark in picture.panels[0].marks)
    assert "band" not in " ".join([picture.sentence, *picture.remarks])


def test_what_miscalibrated_predictions_do_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(61)
    p = rng.random(4000)
    label = (rng.random(4000) < p / 2).astype(int)
    picture = draw("brier", "reliability", write(tmp_path / "a.csv", {"y_true": label, "y_pred": p}))
    assert "too high" in picture.sentence
    assert picture.facts["outside_band"]["y_pred"] > 0.8
    quantiles = draw("quantile:tau=0.9", "reliability", SAMPLES / "diabetes.csv")
    assert "50.2 % of the targets are at most the prediction, and 90 % should be" in quantiles.sentence.replace(
        "\u00a0", " "
    )


def test_logits_are_turned_into_probabilities(tmp_path: Path) -> None:
    data = np.genfromtxt(SAMPLES / "breast_cancer.csv", delimiter=",", names=True, usecols=(1, 2))
    p = data["y_pred"]
    path = write(tmp_path / "a.csv", {"y_true": data["y_true"], "y_pred": np.log(p) - np.log1p(-p)})
    picture = draw("bce:from_logits=true", "reliability", path)
    plain = draw("bce", "reliability", SAMPLES / "breast_cancer.csv")
    assert np.allclose(line(picture, "y_pred").x, line(plain, "y_pred").x)
    assert "logits are turned into probabilities (bce:from_logits=true)" in picture.remarks
    assert (
        "logits are turned into probabilities (bce:from_logits=true)"
        in draw("bce:from_logits=true", "murphy", path).remarks
    )


def test_probability_is_that_of_the_second_class(tmp_path: Path) -> None:
    columns = {"y_true": ["cat", "dog", "dog"], "p_cat": [0.8, 0.3, 0.4], "p_dog": [0.2, 0.7, 0.6]}
    picture = draw("cross_entropy", "reliability", write(tmp_path / "a.csv", columns), columns={"y_pred": "p_*"})
    assert picture.panels[0].x.label == "predicted probability of dog"
    assert np.array_equal(line(picture, "y_pred").x, [0.2, 0.6, 0.7])
    assert np.array_equal(line(picture, "y_pred").y, [0, 1, 1])


def test_equal_predictions_are_a_point(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"y_true": [0, 1, 1, 0], "y_pred": [0.3] * 4})
    picture = draw("brier", "reliability", path)
    point = picture.panels[0].marks[-1]
    assert isinstance(point, Point)
    assert (point.x, point.y) == (0.3, 0.5)
    assert picture.sentence.startswith("all predictions are 0.3, and the probability is 0.5")


def test_losses_that_do_not_fit() -> None:
    cancer, diabetes = SAMPLES / "breast_cancer.csv", SAMPLES / "diabetes.csv"
    for kind in ("reliability", "murphy"):
        with pytest.raises(UsageError, match="hinge is minimised by the more likely label; consistent for"):
            draw("hinge", kind, cancer)
        with pytest.raises(UsageError, match="of 3 classes here"):
            draw("cross_entropy", kind, SAMPLES / "wine.csv")
        with pytest.raises(UsageError, match="calibration is measured by means of losses"):
            draw("mse", kind, diabetes, reduction="median")
        picture = draw("rmse,mse,mae", kind, diabetes)
        assert picture.losses == ("mse",)
        assert "not shown: rmse is no mean over rows, but the root of one" in picture.remarks
        assert "not shown: mae aims at the median, mse at the mean" in picture.remarks


def test_bad_values_are_named(tmp_path: Path) -> None:
    infinite = write(tmp_path / "a.csv", {"y_true": [1, "inf", 3], "y_pred": [1, 2, 3]})
    outside = write(tmp_path / "b.csv", {"y_true": [1, 0], "a": [0.1, 0.2], "b": [0.1, 3]})
    for kind in ("reliability", "murphy"):
        with pytest.raises(DataError, match="y_true: a target is infinite"):
            draw("mse", kind, infinite)
        with pytest.raises(DataError, match=r"column 'b'.*row 2: 3 is not in"):
            draw("brier", kind, outside, models=("a", "b"))


def test_rows_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    """Rows of weight 0, rows that lack a value of one model, and labels that are ignored."""
    full = write(tmp_path / "a.csv", {"y_true": [1, 2, 3], "a": [2, 1, 4], "b": [1, 3, 3], "w": [1, 2, 3]})
    rows = {"y_true": [1, 9, 2, 9, 3], "a": [2, 9, 1, 9, 4], "b": [1, "", 3, 9, 3], "w": [1, 5, 2, 0, 3]}
    more = write(tmp_path / "b.csv", rows)
    for kind in ("reliability", "murphy"):
        options: dict[str, Any] = {"models": ("a", "b"), "columns": {"weight": "w"}}
        expected = draw("mse", kind, full, **options)
        found = draw("mse", kind, more, **options, nan="propagate")
        for mine, theirs in zip(found.panels[0].marks, expected.panels[0].marks, strict=True):
            if isinstance(mine, Line) and isinstance(theirs, Line):
                assert np.allclose(mine.y, theirs.y)
    classes = {"y_true": [0, 1, -100, 1], "y_pred_0": [0.8, 0.3, 0.5, 0.4], "y_pred_1": [0.2, 0.7, 0.5, 0.6]}
    path = write(tmp_path / "c.csv", classes)
    picture = draw("cross_entropy:ignore_index=-100", "reliability", path)
    assert sum(mark.heights.sum() for mark in picture.panels[1].marks if isinstance(mark, Bars)) == 3


def test_outputs_of_a_row_are_taken_together(tmp_path: Path) -> None:
    y, x = np.random.default_rng(79).normal(size=(2, 20, 2))
    names = ["y_true_0", "y_true_1", "y_pred_0", "y_pred_1"]
    columns = dict(zip(names, np.concatenate([y, x], axis=1).T, strict=True))
    two = write(tmp_path / "a.csv", columns)
    one = write(tmp_path / "b.csv", {"y_true": y.ravel(), "y_pred": x.ravel()})
    murphy, long = draw("mse", "murphy", two), draw("mse", "murphy", one)
    assert np.allclose(line(murphy, "y_pred").y, line(long, "y_pred").y)
    reliability, long = draw("mse", "reliability", two), draw("mse", "reliability", one)
    parts = reliability.facts["decomposition"]["y_pred"]["mse"]
    assert parts == pytest.approx(long.facts["decomposition"]["y_pred"]["mse"])
    for picture in (murphy, reliability):
        assert "the 2 outputs of a row are taken together" in picture.remarks


# --- Streams


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A file of more rows than a part has."""
    rng = np.random.default_rng(67)
    y = rng.gamma(2, 50, 600_000)
    data = np.stack([y, 0.9 * y + rng.normal(10, 20, y.size)], axis=1)
    path = tmp_path_factory.mktemp("large") / "a.npy"
    np.save(path, data)
    return path, data


@pytest.mark.parametrize("losses", ["mse", "mae"])
@pytest.mark.parametrize("kind", ["reliability", "murphy"])
def test_digits_do_not_depend_on_threads(large: tuple[Path, np.ndarray], losses: str, kind: str) -> None:
    path, data = large
    one, two = (draw(losses, kind, path, jobs=jobs) for jobs in (1, 2))
    assert one.to_dict() == two.to_dict()
    if kind == "murphy":
        curve = line(one, "y_pred")
        some = slice(None, None, 40)
        level = 0.5 if losses == "mae" else None
        assert np.allclose(
            curve.y[some], elementary(data[:, 1], data[:, 0], curve.x[some], level), rtol=1e-9, atol=1e-9
        )
    elif losses == "mse":
        score = one.facts["decomposition"]["y_pred"]["mse"]["score"]
        assert score == pytest.approx(np.mean((data[:, 0] - data[:, 1]) ** 2), rel=1e-12)
        assert any("pooled" in remark for remark in one.remarks)
    else:
        parts = one.facts["decomposition"]["y_pred"]["mae"]
        assert parts["score"] == pytest.approx(np.mean(np.abs(data[:, 0] - data[:, 1])), rel=0.02)
        assert any("random sample" in remark for remark in one.remarks)


def test_predictions_far_from_0_that_hardly_differ_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(71)
    x = rng.normal(1e6, 100, 70_000)
    path = tmp_path / "a.npy"
    np.save(path, np.stack([x + rng.normal(size=x.size), x], axis=1))
    for kind in ("reliability", "murphy"):
        with pytest.raises(DataError, match="subtract a constant from predictions and targets"):
            draw("mse", kind, path)
    np.save(path, np.stack([rng.normal(size=x.size), np.full(x.size, 7.3)], axis=1))
    assert draw("mse", "reliability", path).sentence.startswith("all predictions are 7.3")


def test_range_of_an_axis() -> None:
    assert shown_range(np.array([1.0, 2.0, 3.0]), np.ones(3)) == (1, 3)
    assert shown_range(np.array([5.0]), np.ones(1)) == (2.5, 7.5)
    assert shown_range(np.array([0.0]), np.ones(1)) == (-1, 1)
    values = np.append(np.linspace(0, 1, 999), 1e6)
    low, high = shown_range(values, np.ones(1000))
    assert low == 0
    assert 1 < high < 2
    assert shown_range(np.append(np.arange(9.0), np.inf), np.ones(10)) == (0, 8)
