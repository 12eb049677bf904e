"""Decompositions of scores and consistency bands, against other libraries, by hand, and by simulation."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

import losscli
from losscli.errors import UsageError
from losscli.pipeline import resolve_losses
from losscli.statistics import calibration
from losscli.statistics.calibration import (
    Decomposition,
    calibrate,
    calibration_table,
    consistency_band,
    decompose,
    decompose_rows,
    leaving,
    summed_columns,
    table_of_rows,
)
from losscli.statistics.consistency import ConsistentLoss, consistent_loss
from losscli.statistics.keyed_sums import KeyedSums

SAMPLES = Path(__file__).parent.parent / "sample_data"


def loss_of(text: str) -> ConsistentLoss:
    return consistent_loss(resolve_losses(text)[0])


def read(name: str) -> dict[str, np.ndarray]:
    table = np.genfromtxt(SAMPLES / name, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return {column: table[column] for column in table.dtype.names}


CANCER, DIABETES = read("breast_cancer.csv"), read("diabetes.csv")

# score, miscalibration, discrimination, uncertainty: model-diagnostics 1.5.0, decompose
BY_MODEL_DIAGNOSTICS = [
    ("brier", CANCER, "y_pred", (0.01969356490020738, 0.003203691270614945, 0.21727515674775383, 0.23376503037734625)),
    ("bce", CANCER, "y_pred", (0.07424416911746422, 0.0168322001884424, 0.6029043802662059, 0.6603163491952276)),
    ("mse", DIABETES, "y_pred", (2987.291736958506, 239.69945113497124, 3182.292611086848, 5929.884896910383)),
    ("mse", DIABETES, "forest", (3399.0505178733033, 243.24646661794577, 2774.0808456550253, 5929.884896910383)),
    (
        "poisson_deviance",
        DIABETES,
        "y_pred",
        (20.599160578028926, 1.8602784592251602, 20.6008385057456, 39.339720624549365),
    ),
    (
        "gamma_deviance",
        DIABETES,
        "y_pred",
        (0.16618784114471433, 0.01945297201421267, 0.1401359240397974, 0.28687079317029907),
    ),
    (
        "tweedie_deviance:power=1.5",
        DIABETES,
        "y_pred",
        (1.811201374084052, 0.18316528663982812, 1.6883248791930512, 3.316360966637275),
    ),
    (
        "quantile:tau=0.9",
        DIABETES,
        "y_pred",
        (22.21959742081448, 13.608963936651586, 5.37285067873303, 13.983484162895925),
    ),
    ("quantile", DIABETES, "forest", (23.549626696832583, 1.3878619909502312, 10.35972850678733, 32.52149321266968)),
]


@pytest.mark.parametrize(("text", "data", "model", "expected"), BY_MODEL_DIAGNOSTICS)
def test_parts_are_those_of_another_library(
    text: str, data: dict[str, np.ndarray], model: str, expected: tuple[float, ...]
) -> None:
    found = decompose_rows(resolve_losses(text)[0], data["y_true"], data[model])
    assert found == pytest.approx(expected, rel=1e-10)


def test_weights_count_everywhere() -> None:
    """The expected numbers are of model-diagnostics 1.5.0."""
    weight = 1.0 + np.arange(442) % 3
    found = decompose_rows(resolve_losses("mse")[0], DIABETES["y_true"], DIABETES["y_pred"], weight)
    assert found == pytest.approx(
        (3004.1113139016425, 261.6773794159235, 3100.4527729065867, 5842.886707392306), rel=1e-10
    )
    rows = np.repeat(np.arange(442), weight.astype(int))
    again = decompose_rows(resolve_losses("mse")[0], DIABETES["y_true"][rows], DIABETES["y_pred"][rows])
    assert found == pytest.approx(again, rel=1e-12)


def test_parts_by_hand() -> None:
    """The fit is 0, 1/2, 1/2, 1: squared errors 0, 1/4, 1/4, 0; those of the constant 1/2 are 1/4."""
    found = decompose_rows(resolve_losses("mse")[0], np.array([0.0, 0, 1, 1]), np.array([-1.0, 1, 1, 2]))
    assert found == (0.75, 0.625, 0.125, 0.25)


def samples(rng: np.random.Generator, n: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return targets and predictions for each loss that is consistent for a functional."""
    p, mean = rng.beta(1, 1, n), rng.gamma(2, 1, n) + 0.01
    label, logit = (rng.random(n) < p**1.3).astype(float), np.log(p) - np.log1p(-p)
    two = np.stack([1 - p, p], axis=1)
    real, count, positive = rng.normal(mean), rng.poisson(mean).astype(float), rng.gamma(2, mean) + 1e-3
    return {
        "mse": (real, mean),
        "half_mse": (real, mean),
        "mae": (real, mean),
        "quantile:tau=0.2": (real, mean),
        "poisson_nll": (count, mean),
        "poisson_nll:log_input=true": (count, np.log(mean)),
        "poisson_deviance": (count, mean),
        "gamma_deviance": (positive, mean),
        "tweedie_deviance:power=1.5": (count, mean),
        "tweedie_deviance:power=-1": (real, mean),
        "tweedie_deviance:power=3": (positive, mean),
        "bce": (label, p),
        "bce:from_logits=true": (label, logit),
        "brier": (label, p),
        "multilabel_soft_margin": (label, logit),
        "soft_margin": (2 * label - 1, logit),
        "cross_entropy": (label.astype(int), two),
        "cross_entropy:from_logits=true": (label.astype(int), np.stack([0 * logit, logit], axis=1)),
        "sparse_cross_entropy": (label.astype(int), two),
        "softmax_loss": (label.astype(int), np.stack([-logit, 0 * logit], axis=1)),
    }


NAMES = list(samples(np.random.default_rng(0), 3))


@pytest.mark.parametrize("text", NAMES)
def test_score_is_the_sum_of_its_parts(text: str) -> None:
    y, x = samples(np.random.default_rng(11), 500)[text]
    weight = np.random.default_rng(12).exponential(size=500)
    bound = resolve_losses(text)[0]
    for weights in (None, weight):
        score, miscalibration, discrimination, uncertainty = decompose_rows(bound, y, x, weights)
        assert score == pytest.approx(miscalibration - discrimination + uncertainty, rel=1e-12)
        assert miscalibration >= 0
        assert discrimination >= 0
    value = losscli.get_loss(bound.loss.name, **bound.params).value(y, x, weight=weight)
    assert score == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", [name for name in NAMES if "cross_entropy" not in name and "softmax" not in name])
def test_recalibrated_predictions_have_no_miscalibration(text: str) -> None:
    y, x = samples(np.random.default_rng(13), 400)[text]
    loss = loss_of(text)
    table = table_of_rows(loss, y, x)
    fit = calibrate(loss, table)
    again = table._replace(prediction=fit.recalibrated[np.searchsorted(fit.prediction, table.prediction)])
    again = again._replace(losses=np.stack([loss.losses(again.target, again.prediction)]))
    parts, recalibrated = decompose(loss, table, fit), decompose(loss, again, calibrate(loss, again))
    assert recalibrated.miscalibration == pytest.approx(0, abs=1e-12)
    assert recalibrated.discrimination == pytest.approx(parts.discrimination, rel=1e-9)


def test_forms_of_a_loss_have_the_same_parts() -> None:
    y, p = CANCER["y_true"], CANCER["y_pred"]
    logit, two = np.log(p) - np.log1p(-p), np.stack([1 - p, p], axis=1)
    bce = decompose_rows(resolve_losses("bce")[0], y, p)
    for text, targets, predicted in (
        ("bce:from_logits=true", y, logit),
        ("soft_margin", 2 * y - 1, logit),
        ("cross_entropy", y, two),
        ("cross_entropy:normalize=true", y, 3 * two),
        ("softmax_loss", y, np.stack([0 * logit, logit], axis=1)),
    ):
        assert decompose_rows(resolve_losses(text)[0], targets, predicted) == pytest.approx(bce, rel=1e-9), text
    brier = decompose_rows(resolve_losses("brier")[0], y, p)
    assert decompose_rows(resolve_losses("brier")[0], y, two) == pytest.approx([2 * part for part in brier], rel=1e-9)


def test_several_outputs_count_as_rows() -> None:
    y, x = np.random.default_rng(1).normal(size=(2, 50, 3))
    whole = decompose_rows(resolve_losses("mse")[0], y, x)
    assert whole == pytest.approx(decompose_rows(resolve_losses("mse")[0], y.ravel(), x.ravel()), rel=1e-12)


def test_edges() -> None:
    mse, bce = resolve_losses("mse")[0], resolve_losses("bce:eps=0")[0]
    constant = decompose_rows(resolve_losses("brier")[0], np.array([0.0, 1, 1]), np.full(3, 0.5))
    assert constant == pytest.approx((1 / 4, 1 / 36, 0, 2 / 9))
    one_class = decompose_rows(bce, np.ones(3), np.array([0.5, 0.2, 0.9]))
    assert one_class.miscalibration == one_class.score
    assert (one_class.discrimination, one_class.uncertainty) == (0, 0)
    refuted = decompose_rows(bce, np.array([1.0, 0, 1]), np.array([0, 0.2, 0.9]))
    assert refuted.score == refuted.miscalibration == np.inf
    assert refuted.uncertainty == pytest.approx(-(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3)
    assert refuted.discrimination == pytest.approx(refuted.uncertainty - 2 / 3 * np.log(2))
    assert decompose_rows(mse, np.array([3.0]), np.array([5.0])) == (4, 4, 0, 0)
    empty_counts = decompose_rows(resolve_losses("poisson_deviance")[0], np.array([0.0, 0, 3]), np.array([0.1, 0.2, 2]))
    assert empty_counts.score == pytest.approx(empty_counts.miscalibration)  # a fit of 0 to counts of 0 costs nothing


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hinge", "hinge is minimised by the more likely label; consistent for a mean"),
        ("rmse", "rmse is no mean over rows"),
        ("wape", "wape is a ratio of sums"),
        ("huber", "huber is minimised by Huber mean"),
        ("msle", "msle is minimised by exp"),
        ("quantile:tau=1", "quantile:tau=1 aims at an end of the targets"),
        ("bce:pos_weight=2", "because of pos_weight"),
        ("cross_entropy:label_smoothing=0.1", "because of label_smoothing"),
        ("gaussian_nll", "is not a loss of y_true and y_pred row by row"),
        ("triplet", "is not a loss of y_true and y_pred row by row"),
        ("focal", "focal is consistent for no functional"),
    ],
)
def test_other_losses_are_refused_with_those_that_fit(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as error:
        loss_of(text)
    assert "mse, mae, quantile, bce, brier" in str(error.value)


def test_more_than_two_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="of 3 classes here"):
        decompose_rows(resolve_losses("cross_entropy")[0], np.array([0, 1]), np.full((2, 3), 1 / 3))


def test_loss_can_be_sent_to_workers() -> None:
    loss = pickle.loads(pickle.dumps(loss_of("quantile:tau=0.2")))
    assert (loss.label, loss.functional.level) == ("quantile:tau=0.2", 0.2)


def streamed(text: str, y: np.ndarray, x: np.ndarray, weight: np.ndarray | None, max_rows: int) -> Decomposition:
    """Decompose a score from sums of parts of the rows that were merged."""
    loss = loss_of(text)
    targets, keys = loss.targets(y), loss.keys(x)
    columns = (*summed_columns(loss, targets, keys, weight), loss.losses(targets, loss.values_of_keys(keys)))
    sums = KeyedSums(3, max_rows)
    for rows in np.array_split(np.arange(len(y)), [7, 3000, 3001]):
        part = KeyedSums(3, max_rows)
        part.update(keys[rows], [column[rows] for column in columns], None if weight is None else weight[rows])
        sums.merge(part)
    t = sums.table()
    is_soft = loss.is_probability and bool(((targets != 0) & (targets != 1)).any())
    table = calibration_table(loss, t.key, t.n_rows, t.weight, t.sums, t.is_exact, is_soft)
    return decompose(loss, table, calibrate(loss, table))


@pytest.mark.parametrize(
    "text",
    [name for name in NAMES if name not in ("mae", "quantile:tau=0.2") and "soft" not in name and "cross" not in name],
)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_streamed_parts_are_within_a_bucket(text: str, is_weighted: bool) -> None:
    y, x = samples(np.random.default_rng(17), 20_000)[text]
    weight = np.random.default_rng(18).exponential(size=20_000) if is_weighted else None
    exact = decompose_rows(resolve_losses(text)[0], y, x, weight)
    assert streamed(text, y, x, weight, 1 << 16) == pytest.approx(exact, rel=1e-12)
    found = streamed(text, y, x, weight, 100)
    assert found.score == pytest.approx(exact.score, rel=1e-12)
    assert found == pytest.approx(exact, abs=2e-3 * abs(exact.score) + 1e-3 * exact.uncertainty)


def test_streamed_probabilities_near_1_are_told_apart() -> None:
    """Buckets of p itself would have all above 0.9995 in one."""
    rng = np.random.default_rng(19)
    logit = rng.normal(12, 2, 100_000)
    label = (rng.random(100_000) < 1 / (1 + np.exp(-logit / 2))).astype(float)
    p = 1 / (1 + np.exp(-logit))
    exact = decompose_rows(resolve_losses("bce")[0], label, p)
    assert streamed("bce", label, p, None, 100) == pytest.approx(exact, rel=0.01)


def test_soft_targets_are_streamed() -> None:
    rng = np.random.default_rng(23)
    p = rng.random(20_000)
    soft = np.clip(p + rng.normal(0, 0.1, 20_000), 0, 1)
    for text in ("brier", "bce"):
        exact = decompose_rows(resolve_losses(text)[0], soft, p)
        assert streamed(text, soft, p, None, 100) == pytest.approx(exact, abs=1e-3 * exact.score + 1e-4)


@pytest.mark.parametrize("kind", ["labels", "weighted labels", "counts"])
def test_band_covers_calibrated_models(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At five predictions of each of 60 samples; 300 trials have a standard error of 1.3 %."""
    monkeypatch.setattr(calibration, "MAX_BAND_RESAMPLES", 200)
    rng = np.random.default_rng(29)
    covered = []
    for _ in range(60):
        x = rng.beta(1, 2, 150) if "labels" in kind else rng.uniform(1, 10, 150)
        y = (rng.random(150) < x).astype(float) if "labels" in kind else rng.poisson(x).astype(float)
        weight = rng.exponential(size=150) if "weighted" in kind else None
        loss = loss_of("brier" if "labels" in kind else "mse")
        table = table_of_rows(loss, y, x, weight)
        fit, band = calibrate(loss, table), consistency_band(loss, table)
        assert band is not None
        covered.append(leaving(fit, band)[[15, 45, 75, 105, 135]] == 0)
    assert 0.91 < np.mean(covered) < 0.99


def test_band_tells_overconfident_models() -> None:
    rng = np.random.default_rng(31)
    logit = rng.normal(0, 2, 3000)
    label = (rng.random(3000) < 1 / (1 + np.exp(-logit / 2))).astype(float)
    loss = loss_of("brier")
    table = table_of_rows(loss, label, 1 / (1 + np.exp(-logit)))
    band = consistency_band(loss, table)
    assert band is not None
    side = leaving(calibrate(loss, table), band)
    assert np.mean(side != 0) > 0.6
    assert side[: len(side) // 4].max() >= 0 >= side[-len(side) // 4 :].min()


def test_band_of_pooled_rows_is_that_of_rows() -> None:
    rng = np.random.default_rng(37)
    x = rng.random(50_000)
    loss = loss_of("brier")
    table = table_of_rows(loss, (rng.random(50_000) < x).astype(float), x)
    band = consistency_band(loss, table)
    assert band is not None
    assert band.prediction.size <= 1001
    assert np.allclose(band.prediction, np.sort(band.prediction))
    # less certain than a mean of all rows, and far more than a row
    width = np.median(band.high - band.low)
    assert 0.01 < width < 0.1
    again = consistency_band(loss, table)
    assert again is not None
    assert np.array_equal(again.low, band.low)
    other = consistency_band(loss, table, seed=1)
    assert other is not None
    assert not np.array_equal(other.low, band.low)


def test_band_of_quantiles_covers_calibrated_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same spread for all rows, as the resampling takes it to be."""
    monkeypatch.setattr(calibration, "MAX_BAND_RESAMPLES", 100)
    rng = np.random.default_rng(73)
    loss = loss_of("quantile:tau=0.8")
    covered, wrong = [], []
    for _ in range(40):
        x = rng.uniform(0, 10, 150)
        y = x + rng.exponential(size=150) - np.log(5)
        for found, shift in ((covered, 0.0), (wrong, 1.0)):
            table = table_of_rows(loss, y + shift * x, x)
            band = consistency_band(loss, table)
            assert band is not None
            found.append(leaving(calibrate(loss, table), band)[[15, 45, 75, 105, 135]] == 0)
    assert 0.89 < np.mean(covered) < 0.99
    assert np.mean(wrong) < 0.8


def test_outlier_costs_the_band_no_digits() -> None:
    """Resamples that are fitted at once lie far above each other if one residual is huge."""
    rng = np.random.default_rng(83)
    x = np.sort(rng.normal(100, 10, 200))
    y = x + rng.normal(size=200)
    loss = loss_of("mse")
    plain = consistency_band(loss, table_of_rows(loss, y, x))
    y[-1] += 1e13  # of the largest prediction: its draws above pool nothing, those below all
    band = consistency_band(loss, table_of_rows(loss, y, x))
    assert plain is not None
    assert band is not None
    assert np.allclose(band.high[:-1], plain.high[:-1], atol=0.5)
    assert band.high[-1] > 1e12


def test_band_is_none_where_it_cannot_be_had() -> None:
    quantile, mean = loss_of("mae"), loss_of("mse")
    many = np.arange(5000.0)
    assert consistency_band(quantile, table_of_rows(quantile, many, many)) is None
    assert consistency_band(mean, table_of_rows(mean, np.arange(3.0), np.array([0, 1, np.inf]))) is None


def test_fit_is_that_of_scipy() -> None:
    loss = loss_of("mse")
    table = table_of_rows(loss, DIABETES["y_true"], DIABETES["forest"])
    fit = calibrate(loss, table)
    _, pooled = np.unique(DIABETES["forest"], return_inverse=True)
    counts = np.bincount(pooled)
    expected = isotonic_regression(np.bincount(pooled, DIABETES["y_true"]) / counts, weights=counts).x
    assert np.allclose(fit.recalibrated, expected, rtol=1e-12)


@pytest.mark.parametrize("bins", [0, 1_000_001, 1e12, 1e200])
@pytest.mark.parametrize("loss", ["expected_calibration_error", "ghm_c", "ghm_r"])
def test_bins_are_as_many_as_memory_holds(loss: str, bins: float) -> None:
    with pytest.raises(losscli.UsageError, match=r"bins.* must be an integer in \[1, 1000000\]"):
        losscli.compute(loss, y_true=[0, 1], y_pred=[0.2, 0.7], bins=bins)
    assert losscli.compute(loss, y_true=[0, 1], y_pred=[0.2, 0.7], bins=1_000_000).value > 0
