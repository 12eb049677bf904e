"""Why a model wins: parts of losses and biases, against SciPy, NumPy and by hand; dominance, against brute force."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

import losscli
from losscli.declaration.properties import Functional
from losscli.errors import UsageError
from losscli.statistics.dominance import exact_cumsum, pair_curves
from tests.conftest import Cli, write_csv

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]
PARTS = ("mcb", "dsc", "unc", "bias", "bias_low", "bias_high")
RNG = np.random.default_rng(8)
N = 120
MEAN = RNG.gamma(2, 1, N) + 0.05
COUNT = RNG.poisson(MEAN).astype(float)
AMOUNT = RNG.gamma(2, MEAN / 2) + 1e-3
PREDICTED = np.round(MEAN * 1.2, 1) + 0.1  # with ties
WEIGHT = RNG.integers(1, 4, N).astype(float)
SITE = RNG.choice(["north", "south"], N)


def compare(losses: Any, **options: Any) -> Any:
    """Return the decomposed losses; intervals are of few resamples unless others are asked for."""
    options = {"ci": 0.9, "resamples": 50} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return losscli.compare(losses, decompose=True, **options)


def deviance(power: float) -> Loss:
    """Return the unit deviance of a Tweedie distribution, as textbooks have it."""

    def loss(y: np.ndarray, m: np.ndarray) -> np.ndarray:
        if power == 1:
            with np.errstate(all="ignore"):
                return 2 * (np.where(y > 0, y * np.log(y / m), 0.0) - y + m)
        if power == 2:
            return 2 * (np.log(m / y) + y / m - 1)
        a, b = 1 - power, 2 - power
        with np.errstate(all="ignore"):
            return 2 * (y**b / (a * b) - np.where(y > 0, y * m**a, 0.0) / a + m**b / b)

    return loss


MEAN_LOSSES: dict[str, tuple[Loss, np.ndarray]] = {
    "mse": (lambda y, m: (y - m) ** 2, AMOUNT),
    "poisson_deviance": (deviance(1), COUNT),
    "gamma_deviance": (deviance(2), AMOUNT),
    "tweedie_deviance:power=1.5": (deviance(1.5), COUNT),
}


# ------------------------------------------------------------------------------------------------------- parts


@pytest.mark.parametrize(("name", "weight"), [*zip(MEAN_LOSSES, [None, WEIGHT, None, WEIGHT], strict=True)])
def test_parts_are_those_of_an_isotonic_regression(name: str, weight: np.ndarray | None) -> None:
    """As model-diagnostics has it: means per distinct prediction, isotonic regression, and scores of the three."""
    loss, y = MEAN_LOSSES[name]
    w = np.ones(N) if weight is None else weight
    distinct, place = np.unique(PREDICTED, return_inverse=True)
    sizes = np.bincount(place, w)
    fit = isotonic_regression(np.bincount(place, w * y) / sizes, weights=sizes).x[place]
    assert distinct.size < N
    marginal = np.average(y, weights=w)
    score, recalibrated, constant = (np.average(loss(y, x), weights=w) for x in (PREDICTED, fit, np.full(N, marginal)))
    found = compare(name, y_true=y, y_pred=PREDICTED, weight=weight)[0]
    assert found.mcb == pytest.approx(score - recalibrated, rel=1e-9)
    assert found.dsc == pytest.approx(constant - recalibrated, rel=1e-9)
    assert found.unc == pytest.approx(constant, rel=1e-9)
    assert found.bias == pytest.approx(np.average(PREDICTED - y, weights=w), rel=1e-9)


@pytest.mark.parametrize("tau", [0.5, 0.9])
def test_parts_of_a_quantile_are_those_of_the_best_isotonic_fit(tau: float) -> None:
    """Of all nondecreasing steps over a few rows, tried one by one."""
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=7).round(1), np.sort(rng.normal(size=7))

    def pinball(q: Any) -> float:
        return float(np.mean(np.where(y > q, tau * (y - q), (1 - tau) * (q - y))))

    best: dict[float, float] = {}  # the least sum up to a row, by the value that the row has at most
    levels = np.sort(y)
    for value in y:
        costs = np.where(value > levels, tau * (value - levels), (1 - tau) * (levels - value))
        reached = np.array([best.get(level, 0.0) for level in levels]) + costs
        best = dict(zip(levels.tolist(), np.minimum.accumulate(reached).tolist(), strict=True))
    recalibrated = min(best.values()) / 7
    constant = min(map(pinball, y))
    found = compare(f"quantile:tau={tau}", y_true=y, y_pred=x)[0]
    assert found.mcb == pytest.approx(pinball(x) - recalibrated, rel=1e-12)
    assert found.dsc == pytest.approx(constant - recalibrated, rel=1e-12)
    assert found.unc == pytest.approx(constant, rel=1e-12)


def test_parts_by_hand() -> None:
    """The fit is 0, 1/2, 1/2, 1: squared errors 0, 1/4, 1/4, 0; those of the constant 1/2 are 1/4."""
    found = compare("mse", y_true=[0.0, 0, 1, 1], y_pred=[-1.0, 1, 1, 2])[0]
    assert (found.value, found.mcb, found.dsc, found.unc, found.bias) == (0.75, 0.625, 0.125, 0.25, 0.25)
    covered = compare("quantile:tau=0.25", y_true=[0.0, 0, 1, 1], y_pred=[-1.0, 1, 1, 2])[0]
    assert covered.bias == 0.5  # three of four are at most the prediction, one of them equals it


LABEL = (RNG.random(N) < MEAN / MEAN.max()).astype(float)
PROBABILITY = np.clip(MEAN / MEAN.max() * 1.2, 0, 1)  # some are 1 and wrong: bce clips them
LOGIT = np.log(0.01 + PROBABILITY) - np.log(1.01 - PROBABILITY)
INPUTS: dict[str, dict[str, Any]] = {
    "mse,half_mse,mae,quantile:tau=0.2": {"y_true": AMOUNT, "y_pred": PREDICTED},
    "mse,mae,quantile": {"y_true": AMOUNT * 1e150, "y_pred": PREDICTED * 1e150},
    "poisson_deviance,poisson_nll,tweedie_deviance:power=1.5": {"y_true": COUNT, "y_pred": PREDICTED},
    "gamma_deviance,mse": {"y_true": AMOUNT, "y_pred": PREDICTED},
    "bce,brier": {"y_true": LABEL, "y_pred": PROBABILITY},
    "bce:from_logits=true": {"y_true": LABEL, "y_pred": 40 * LOGIT},
    "cross_entropy": {"y_true": LABEL.astype(int), "y_pred": np.stack([1 - PROBABILITY, PROBABILITY], axis=1)},
    "mse, mae": {"y_true": np.stack([AMOUNT, COUNT], axis=1), "y_pred": np.stack([PREDICTED, MEAN], axis=1)},
}


@pytest.mark.parametrize("names", INPUTS)
@pytest.mark.parametrize(("weight", "reduction"), [(None, "mean"), (WEIGHT, "sum")], ids=["mean", "weighted sum"])
def test_the_parts_add_up_to_the_value(names: str, weight: np.ndarray | None, reduction: str) -> None:
    """Also where a probability is clipped: what is decomposed is the value that is shown."""
    for found in compare(names, **INPUTS[names], weight=weight, reduction=reduction):
        assert found.mcb - found.dsc + found.unc == pytest.approx(found.value, rel=1e-12)
        assert found.mcb >= 0
        assert found.dsc >= 0
        assert found.bias_low < found.bias < found.bias_high


def test_weights_stand_for_repeated_rows() -> None:
    rows = np.repeat(np.arange(N), WEIGHT.astype(int))
    losses = ["mse", "mae", "poisson_deviance"]
    weighted = compare(losses, y_true=COUNT, y_pred=PREDICTED, weight=WEIGHT)
    repeated = compare(losses, y_true=COUNT[rows], y_pred=PREDICTED[rows])
    for a, b in zip(weighted, repeated, strict=True):
        assert [getattr(a, p) for p in PARTS[:4]] == pytest.approx([getattr(b, p) for p in PARTS[:4]], rel=1e-12)


def test_a_group_has_the_parts_that_it_has_alone() -> None:
    columns = {"y_true": COUNT, "a": PREDICTED, "b": MEAN, "site": SITE}
    whole = compare(["mse", "mae"], data=columns, models=["a", "b"], group_by="site")
    for site in ("north", "south"):
        alone = {name: column[site == SITE] for name, column in columns.items()}
        expected = {(one.label, one.model): one for one in compare(["mse", "mae"], data=alone, models=["a", "b"])}
        for found in whole:
            if found.result.group == {"site": site}:
                assert [getattr(found, p) for p in PARTS] == [
                    getattr(expected[found.label, found.model], p) for p in PARTS
                ]


def test_rows_that_do_not_count_have_no_part_in_it() -> None:
    classes, p = LABEL.astype(int), np.stack([1 - PROBABILITY, PROBABILITY], axis=1)
    ignored = np.where(np.arange(N) % 3, classes, -100)
    found = compare("cross_entropy", y_true=ignored, y_pred=p, ignore_index=-100)[0]
    kept = ignored >= 0
    expected = compare("cross_entropy", y_true=classes[kept], y_pred=p[kept])[0]
    assert [getattr(found, p) for p in PARTS] == pytest.approx([getattr(expected, p) for p in PARTS], rel=1e-12)


def test_losses_for_one_functional_share_the_fit() -> None:
    with patch("losscli.compare.decomposition.calibrate", wraps=losscli.statistics.calibration.calibrate) as fit:
        compare(["mse", "half_mse", "poisson_deviance", "mae", "quantile"], y_true=COUNT, y_pred=PREDICTED)
    assert fit.call_count == 2


# -------------------------------------------------------------------------------------------------------- bias


def studentized(misses: np.ndarray, weight: np.ndarray, level: float) -> np.ndarray:
    """Return the bootstrap-t interval of a weighted mean, resample by resample."""
    rng, n = np.random.default_rng(0), len(misses)

    def mean_and_error(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, w = misses[rows], weight[rows]
        mean = (x * w).sum(-1) / w.sum(-1)
        return mean, np.sqrt((((x - mean[..., None]) * w) ** 2).sum(-1)) / w.sum(-1)

    mean, error = mean_and_error(np.arange(n))
    means, errors = mean_and_error(rng.integers(0, n, (2000, n)))
    t = np.quantile((means - mean) / errors, [(1 + level) / 2, (1 - level) / 2])
    return mean - t * error


@pytest.mark.parametrize(
    ("text", "data", "misses"),
    [
        ("gamma_deviance", {"y_true": AMOUNT, "y_pred": PREDICTED}, PREDICTED - AMOUNT),
        ("quantile:tau=0.9", {"y_true": COUNT, "y_pred": np.ceil(MEAN)}, (np.ceil(MEAN) >= COUNT) - 0.9),
        ("brier", {"y_true": LABEL, "y_pred": PROBABILITY}, PROBABILITY - LABEL),
        ("bce:from_logits=true", {"y_true": LABEL, "y_pred": LOGIT}, 1 / (1 + np.exp(-LOGIT)) - LABEL),
    ],
)
def test_the_bias_is_the_mean_identification_function(text: str, data: dict[str, Any], misses: np.ndarray) -> None:
    found = compare(text, **data, weight=WEIGHT, ci=0.95, resamples=3000)[0]
    assert found.bias == pytest.approx(np.average(misses, weights=WEIGHT), rel=1e-9, abs=1e-12)
    low, high = studentized(misses, WEIGHT, 0.95)
    assert [found.bias_low, found.bias_high] == pytest.approx([low, high], abs=0.1 * (high - low))
    assert compare(text, **data)[0].bias == pytest.approx(np.mean(misses), rel=1e-9, abs=1e-12)
    assert found.to_dict()["bias_ci"]["method"] == "studentized"


def test_rows_of_a_cluster_are_drawn_together() -> None:
    """Rows that are all there twice, as a cluster each, say no more than once; blocks of two rows neither."""
    data = {"y_true": AMOUNT, "y_pred": PREDICTED, "weight": WEIGHT}
    once = compare("gamma_deviance,mae", data=data)
    twice = {name: np.repeat(column, 2) for name, column in data.items()} | {"site": np.repeat(np.arange(N), 2)}
    clustered = compare("gamma_deviance,mae", data=twice, cluster="site")
    for a, b in zip(once, clustered, strict=True):
        assert [getattr(b, part) for part in PARTS] == pytest.approx([getattr(a, part) for part in PARTS], rel=1e-9)
    assert clustered[0].to_dict()["bias_ci"]["cluster"] == "site"
    alone = compare("mae", data=twice, block="auto")[0]
    beside = {one.label: one for one in compare("gamma_deviance,mae", data=twice, block="auto")}
    assert (alone.bias_low, alone.bias_high) == (beside["mae"].bias_low, beside["mae"].bias_high)


@pytest.mark.slow
def test_of_many_rows_the_interval_is_normal_unless_it_is_asked_for() -> None:
    rng = np.random.default_rng(1)
    y, w = rng.normal(size=70_000), rng.uniform(1, 2, 70_000)
    x = y + rng.normal(0.01, 1, 70_000)
    found = compare("mse", y_true=y, y_pred=x, weight=w, ci=None, resamples=None)[0]
    mean = np.average(x - y, weights=w)
    error = np.sqrt(np.sum((w * (x - y - mean)) ** 2)) / w.sum()
    assert [found.bias_low, found.bias_high] == pytest.approx([mean - 1.959964 * error, mean + 1.959964 * error])
    assert found.to_dict()["bias_ci"]["level"] == 0.95
    asked = compare("mse", y_true=y, y_pred=x, weight=w)[0]
    assert asked.to_dict()["bias_ci"]["method"] == "poisson"
    assert asked.to_dict()["bias_ci"]["level"] == 0.9


# ------------------------------------------------------------------------------------------- what has no parts


def test_losses_without_parts_are_named_once_with_the_reason() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = losscli.compare("mse,rmse,huber", y_true=AMOUNT, y_pred=PREDICTED, decompose=True)
    by_label = {one.label: one for one in found}
    assert [getattr(by_label["huber"], part) for part in PARTS] == [None] * 6
    assert by_label["rmse"].to_dict()["mcb"] is None
    text = "not decomposed: rmse is no mean over rows, but the root of one; huber is minimised by Huber mean"
    assert [note for note in found.notes if "decomposed" in note] == [text]
    assert not caught


@pytest.mark.parametrize(
    ("losses", "data", "reason"),
    [
        ("rmse,huber", {"y_true": [1.0, 2], "y_pred": [1.0, 3]}, "decompose=True: rmse is no mean over rows"),
        ("cross_entropy", {"y_true": [0, 1], "y_pred": [[0.5, 0.3, 0.2]] * 2}, "is of 3 classes here"),
    ],
)
def test_nothing_to_decompose_is_refused_with_those_that_have_parts(
    losses: str, data: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        compare(losses, **data)
    if "rmse" in losses:
        with pytest.raises(UsageError, match="consistent for a mean, a quantile or a probability are mse, mae"):
            compare(losses, **data)


def test_medians_and_infinities_have_no_parts() -> None:
    with pytest.raises(UsageError, match="means of losses have parts, medians have none"):
        compare("mse", y_true=AMOUNT, y_pred=PREDICTED, reduction="median")
    found = compare("mse,mae", y_true=[1e200, 2, 3], y_pred=[-1e200, 2, 3])
    assert {one.label: one.mcb for one in found} == {"mse": None, "mae": pytest.approx(1e200 / 3)}


def test_one_row_has_parts_and_no_interval() -> None:
    found = compare("mse", y_true=[1.0], y_pred=[3.0])
    assert found[0].parts == {"mcb": 4.0, "dsc": 0.0, "unc": 0.0, "bias": 2.0, "bias_low": None, "bias_high": None}
    assert "bias of mse has no interval: there is only 1 row to resample" in found.notes


# ------------------------------------------------------------------------------------------------------- notes


def test_a_note_tells_of_miscalibration_that_is_not_chance() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=400) * 2
    y = x + rng.normal(size=400)
    of = [compare("mse", y_true=y, y_pred=slope * x).notes for slope in (1.0, 1.6)]
    assert not any("miscalibration" in note for note in of[0])
    told = [note for note in of[1] if "miscalibration" in note]
    assert len(told) == 1
    assert told[0].startswith("mse: ")
    assert told[0].endswith('recalibrate (isotonic, linear); plot it with kind="reliability"')
    small = compare("mse", y_true=y[:12], y_pred=x[:12])[0]  # chance alone makes it a large share of the value
    assert small.mcb > 0.05 * small.value
    assert not any("miscalibration" in note for note in compare("mse", y_true=y[:12], y_pred=x[:12]).notes)


def test_a_note_tells_how_ties_of_a_quantile_are_counted() -> None:
    found = compare("mae", y_true=[1.0, 2, 2, 5], y_pred=[2.0, 2, 2, 2])
    text = "the bias of mae counts y_true = y_pred as covered (50 % of the rows); without these it is -0.25"
    assert found[0].bias == 0.25
    assert text in found.notes


def disagreeing(losses: str, n: int = 1, **options: Any) -> Any:
    """Compare two models: b is two too high almost everywhere, a hits all targets but the largest."""
    return losscli.compare(
        losses,
        y_true=[1.0, 2, 3, 4, 10] * n,
        models={"a": [1.0, 2, 3, 4, 4] * n, "b": [3.0, 4, 5, 6, 7] * n},
        **options,
    )


def test_losses_that_disagree_are_explained_by_their_aims() -> None:
    found = disagreeing("mse,rmse,mae,huber")
    aims = "for means b (mse and rmse), for medians a (mae), for Huber mean a (huber)"
    assert f"perhaps by chance, the best model differs by the aim: {aims}" in found.notes
    curves = (
        "for means a is better at thresholds below 4, b above; for medians a is better at thresholds below 6, b above"
    )
    assert f'{curves}; plot them with kind="murphy"' in found.notes
    dominance = found.to_dict()["agreement"][0]["dominance"]
    assert [(each["functional"], each["models"], each["dominates"]) for each in dominance] == [
        ("mean", ["b", "a"], None),
        ("median", ["b", "a"], None),
    ]
    assert dominance[0]["crossing"] == [4.0, 4.0]
    assert dominance[0]["lower"] == {"a": [1.0, 4.0], "b": [4.0, 7.0]}
    assert disagreeing("mse,rmse").agreements[0].dominance == ()


def test_a_note_on_aims_tells_whether_rows_tell_the_models_apart() -> None:
    row = np.arange(200)
    models = {"a": np.where(row < 60, 6.0 + 0.01 * (row % 5), 0.0), "b": 2.2 + row / 700}
    sure = "the better model depends on what you predict: for means b (mse), for medians a (mae)"
    for n, text in ((200, sure), (10, "perhaps by chance, the best model differs by the aim")):
        rows = row[::20] if n == 10 else row
        found = losscli.compare(
            "mse,mae", y_true=0.0 * rows, models={name: each[rows] for name, each in models.items()}
        )
        assert [text in note for note in found.notes].count(True) == 1


def test_losses_for_one_aim_that_disagree_tell_that_the_curves_cross() -> None:
    found = disagreeing("mse,gamma_deviance")
    text = "losses for one aim prefer different models, perhaps by chance: for means b (mse) or a (gamma_deviance)"
    assert text in found.notes
    assert found.agreements[0].dominance[0].n_crossings == 1


def test_a_model_may_be_better_by_all_losses_for_one_functional() -> None:
    """The mean of (0, 0, 0, 10) is 2.5, its median 0: each model is exact for one of the two."""
    found = losscli.compare(
        "mse,mae", y_true=[0.0, 0, 0, 10], models={"mean": [2.5] * 4, "median": [0.0] * 4}, group_by=None
    )
    assert [(each.functional, each.dominates) for each in found.agreements[0].dominance] == [
        ("mean", "mean"),
        ("median", "median"),
    ]
    text = "every loss for means prefers mean to median; every loss for medians prefers median to mean"
    assert f'{text}; plot them with kind="murphy"' in found.notes


def test_notes_of_many_groups_are_counted_and_each_fits_two_lines() -> None:
    y, a, b = np.array([1.0, 2, 3, 4, 10]), np.array([1.0, 2, 3, 4, 4]), np.array([3.0, 4, 5, 6, 7])
    data = {"y_true": np.tile(y, 5), "a": np.tile(a, 5), "b": np.tile(b, 5), "g": np.repeat([*"vwxyz"], 5)}
    losses = ["mse", "poisson_deviance", "gamma_deviance", "mae", "quantile:tau=0.9"]
    found = compare(losses, data=data, models=["a", "b"], group_by="g")
    own = [note for note in found.notes if "differs by the aim" in note or "thresholds" in note]
    assert "in 2 more groups losses prefer different models" in found.notes
    assert {note[0] for note in own} == {*"vwx"}
    assert max(map(len, own)) <= 160 - len("losscli: note: ")
    assert all(len(agreement.dominance) == 3 for agreement in found.agreements)


# --------------------------------------------------------------------------------------------------- dominance


def elementary_score(functional: Functional, y: np.ndarray, x: np.ndarray, w: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the elementary scores at thresholds as Ehm et al. (2016) define them."""
    y, x, w = y[:, None], x[:, None], w[:, None]
    if functional.name == "mean":
        return np.sum(w * np.abs(y - t) * ((np.minimum(x, y) <= t) & (t < np.maximum(x, y))), axis=0)
    level = functional.level
    return np.sum(w * (level * ((x <= t) & (t < y)) + (1 - level) * ((y <= t) & (t < x))), axis=0)


@pytest.mark.parametrize("functional", [Functional("mean"), Functional("quantile", 0.5), Functional("quantile", 0.9)])
def test_curves_are_compared_at_all_thresholds(functional: Functional) -> None:
    rng = np.random.default_rng(2)
    seen = set()
    for trial in range(150):
        n = int(rng.integers(1, 7))
        y, a, b = (rng.integers(0, 8, n) / (1 if trial % 2 else 2.7) for _ in range(3))
        w = rng.choice([0.0, 1.0, 1.0, 2.5, 0.3], n) if trial % 3 else np.ones(n)
        kinks = np.unique(np.concatenate([y, a, b]))
        grid = np.sort(np.concatenate([kinks, kinks - 1e-9, np.linspace(kinks[0] - 1, kinks[-1] + 1, 501)]))
        gap = elementary_score(functional, y, a, w, grid) - elementary_score(functional, y, b, w, grid)
        gap[np.abs(gap) < 1e-12] = 0.0
        expected = None
        if gap.any():
            expected = 0 if gap.max() <= 0 else 1 if gap.min() >= 0 else None
        found = pair_curves(functional, y, a, b, w)
        assert found is not None
        assert found.dominant == expected
        seen.add(expected)
        for run in found.runs:
            inside = gap[(grid >= run.low) & (grid < run.high - 1e-8)]
            assert (inside <= 1e-8).all() if run.first_is_lower else (inside >= -1e-8).all()
    assert seen == {None, 0, 1}


def test_equal_rows_and_rows_far_away_leave_no_rounding_error() -> None:
    rng = np.random.default_rng(4)
    y, a = rng.normal(size=2000), rng.normal(size=2000)
    y[0], a[0] = 1e12, 3.0
    b = np.where(np.arange(2000) == 0, 2.0, a)  # nearer by less in this row, and the same elsewhere
    assert pair_curves(Functional("mean"), y, a, b).dominant == 0  # type: ignore[union-attr]
    c = a.copy()
    c[1:] = y[1:]  # exact in all rows but that one
    assert pair_curves(Functional("mean"), y, a, c).dominant == 1  # type: ignore[union-attr]
    assert pair_curves(Functional("mean"), y, a, a).runs == ()  # type: ignore[union-attr]
    assert pair_curves(Functional("mean"), y, a, np.where(a > 0, np.inf, a)) is None
    events = np.array([1e16, 1.0, -1e16, -1.0])
    assert exact_cumsum(events).tolist() == [1e16, 1e16, 1.0, 0.0]


def test_the_main_run_is_where_most_is_gained() -> None:
    """Twice the area between the curves of means is the difference of the squared errors."""
    rng = np.random.default_rng(6)
    y = rng.normal(size=50)
    a, b = y + rng.normal(size=50), y + rng.normal(size=50)
    found = pair_curves(Functional("mean"), y, a, b)
    assert found is not None
    assert found.n_crossings > 1
    net = sum(run.gain if run.first_is_lower else -run.gain for run in found.runs)
    assert net == pytest.approx(np.sum((b - y) ** 2 - (a - y) ** 2), rel=1e-9)
    main = found.main_run(True)
    assert main is not None
    assert main.gain == max(run.gain for run in found.runs if run.first_is_lower)


def test_recalibrated_predictions_of_a_distortion_dominate_it() -> None:
    """The probabilities themselves against the same ones pulled to the middle: each loss for probabilities agrees."""
    p = np.repeat([0.1, 0.3, 0.6, 0.9], 10)
    label = np.concatenate([np.arange(10) < 10 * each for each in (0.1, 0.3, 0.6, 0.9)]).astype(float)
    found = pair_curves(Functional("mean"), label, 0.25 + p / 2, p)
    assert found is not None
    assert found.dominant == 1


# ------------------------------------------------------------------------------------------------ command line


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "d.csv"
    write_csv(path, {"y_true": COUNT, "a": PREDICTED, "b": np.round(MEAN, 2), "site": SITE})
    return str(path)


def test_columns_are_there_in_every_format(cli: Cli, data: str) -> None:
    models = ("--losses", "mse,huber", "--pred", "a", "--pred", "b", "--decompose")
    typed = ("compare", data, *models, "--ci", "0.9", "--resamples", "50", "-q", "-f")
    document = json.loads(cli(*typed, "json").out)
    mse = next(one for one in document["losses"] if one["loss"] == "mse" and one["model"] == "a")
    assert mse["mcb"] - mse["dsc"] + mse["unc"] == pytest.approx(mse["value"], rel=1e-12)
    for name, delimiter in (("csv", ","), ("tsv", "\t")):
        rows = list(csv.DictReader(io.StringIO(cli(*typed, name).out), delimiter=delimiter))
        row = next(one for one in rows if one["loss"] == "mse" and one["model"] == "a")
        assert [float(row[part]) for part in PARTS] == [mse[part] for part in PARTS]
        assert [next(one for one in rows if one["loss"] == "huber")[part] for part in PARTS] == [""] * 6
    lines = [json.loads(line) for line in cli(*typed, "jsonl").out.splitlines()]
    assert next(one for one in lines if one["loss"] == "mse" and one["model"] == "a")["mcb"] == mse["mcb"]
    for name in ("table", "html", "latex"):
        out = cli(*typed, name).out.replace("\\_", "_")
        assert all(part in out for part in PARTS), name
        assert name == "latex" or "lower end of the 90 % interval of the bias" in out, name
    frame = compare("mse", y_true=COUNT, y_pred=PREDICTED).to_frame()
    assert {*PARTS} <= {*frame.columns}
    assert frame["mcb"].iloc[0] == pytest.approx(mse["mcb"])
    assert "mcb" not in cli(*(word for word in typed if word != "--decompose"), "json").out


def test_gates_and_sorting_by_parts(cli: Cli, data: str) -> None:
    few = ("--ci", "0.9", "--resamples", "50")
    typed = ("compare", data, "--losses", "mse,mae", "--pred", "a", "--pred", "b", *few)
    grouped = (*typed, "--group-by", "site", "--decompose")
    failing = cli(*grouped, "--fail-if", "mse[model=a,site=north].mcb>0", "--fail-if", "mae[b].bias_low>0.9")
    assert failing.status == 1
    assert failing.err.count("failed: ") == 1
    assert "failed: mse.mcb (site north) (model a) is " in failing.err
    ordered = json.loads(cli(*typed, "--decompose", "--sort", "-mcb", "-f", "json").out)["losses"]
    assert [one["mcb"] for one in ordered] == sorted((one["mcb"] for one in ordered), reverse=True)
    without = cli(*typed, "--fail-if", "mse.mcb>0")
    assert (without.status, without.out) == (2, "")
    assert without.err.endswith("--fail-if 'mse.mcb>0': nothing is decomposed; --decompose asks for it\n")
    unsorted = cli(*typed, "--sort", "bias")
    assert unsorted.status == 2
    assert "--sort bias: nothing is decomposed; --decompose asks for it" in unsorted.err
    refused = cli("compare", data, "--losses", "huber", "--pred", "a", "--decompose")
    assert (refused.status, refused.out) == (2, "")
    assert "--decompose: huber is minimised by Huber mean; consistent for a mean" in refused.err


@pytest.mark.slow
def test_a_page_has_the_parts_of_all_rows(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    n = 70_000  # more than a page keeps as they are
    rng = np.random.default_rng(0)
    y, site = rng.normal(size=n), np.tile(["x", "y"], n // 2)
    columns = {"y_true": y.round(3), "y_pred": (1.5 * y + rng.normal(size=n)).round(3), "site": site}
    path = tmp_path / "d.csv"
    write_csv(path, columns)
    parts = compare("mse", data=str(path), group_by="site")
    typed = ("report", str(path), "--losses", "mse,huber", "--group-by", "site", "-o", "r.html")
    gates = [f"mse[site={one.result.group['site']}].mcb>{one.mcb * (1 - 1e-9)!r}" for one in parts]
    found = cli(*typed, "--decompose", *(word for gate in gates for word in ("--fail-if", gate)))
    assert found.status == 1
    assert found.err.count("failed: ") == 2
    assert "not decomposed: huber is minimised by Huber mean" in found.err
    page = Path("r.html").read_text()
    assert "bias with its 95 % interval" in page
    assert f'data-value="{parts[0].mcb!r}"' in page
    assert "≈" not in page[page.index("isotonic regression") :].partition("</table>")[0]
    refused = cli("report", str(path), "--losses", "huber", "--decompose", "-o", "no.html")
    assert (refused.status, Path("no.html").exists()) == (2, False)
