"""recommend: the functional that forecasts shall be comes first, and losses are consistent for it."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import losscli
from losscli.data.said_columns import find_quantiles, level_in_name
from losscli.recommend.advise import TO_TRY, Recommendation
from losscli.recommend.dependence import autocorrelations, cluster_correlation, serial_correlation
from losscli.recommend.residuals import EFFICIENT_DELTA, Residuals, huber_centre
from losscli.recommend.rules.findings import Verdict
from tests.conftest import Cli
from tests.recommend_cases import BESIDE, CASES

OF_MEANS = {"mse", "poisson_deviance", "gamma_deviance", "tweedie_deviance", "gaussian_nll", "bce", "brier"}


def verdicts(found: Recommendation) -> dict[str, Verdict]:
    return {a.loss: a.verdict for a in found}


def used(found: Recommendation) -> set[str]:
    return {a.name for a in found if a.verdict is Verdict.USE}


def tried(found: Recommendation) -> set[str]:
    return {a.name for a in found if a.verdict in TO_TRY}


def value_of(found: Recommendation, key: str) -> object:
    return next((f.value for f in found.facts if f.key == key), None)


def noise(draw: str, n: int, seed: int, **more: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) * 10
    return {"y_true": y, "y_pred": y + getattr(rng, draw)(size=n, **more)}


# ------------------------------------------------------------------------------------- what was asked for


@pytest.mark.parametrize("name", ["normal", "skewed", "amounts", "counts", "mostly zeros", "soft labels"])
def test_losses_fit_what_was_asked_for(name: str) -> None:
    arrays = CASES[name]()
    mean, median, upper = (losscli.recommend(arrays, target=t) for t in ("mean", "median", "quantile:0.9"))
    assert used(mean)
    assert used(mean) <= OF_MEANS
    assert not {"mae", "rmsle", "quantile"} & tried(mean)
    assert used(median) == {"mae"}
    assert not OF_MEANS & tried(median)
    assert upper.losses == ["quantile:tau=0.9"]
    assert [value_of(found, "target") for found in (mean, median, upper)] == ["mean", "median", "quantile:0.9"]


@pytest.mark.parametrize("target", ["quantile:0.5", "quantile:tau=0.5", " Median "])
def test_the_median_has_several_names(target: str) -> None:
    assert value_of(losscli.recommend(CASES["normal"](), target=target), "target") == "median"


@pytest.mark.parametrize("target", ["quantile:1.5", "quantile:0", "quantile:nan", "quantile", "quantile:", "mode"])
def test_what_is_no_target(target: str, cli: Cli) -> None:
    with pytest.raises(losscli.UsageError, match="quantile:TAU, with TAU above 0 and below 1"):
        losscli.recommend(CASES["normal"](), target=target)
    result = cli("recommend", "--target", target, stdin=b"y_true,y_pred\n1,2\n2,2\n")
    assert (result.status, result.out) == (2, "")
    assert "auto, mean, median" in result.err


@pytest.mark.parametrize("target", [None, 0.9, ["mean"]])
def test_what_is_no_text_is_no_target(target: object) -> None:
    with pytest.raises(losscli.UsageError, match="must be auto, mean, median"):
        losscli.recommend(CASES["normal"](), target=target)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["binary", "binary, logits", "multi-label", "classes", "distributions"])
def test_labels_have_no_median(name: str) -> None:
    assert losscli.recommend(CASES[name](), target="mean").losses
    for target in ("median", "quantile:0.9"):
        with pytest.raises(losscli.UsageError, match="forecasts of them are probabilities, which are means"):
            losscli.recommend(CASES[name](), target=target)


# ------------------------------------------------------------------------------------- what forecasts seem to be


def test_means_are_told_from_medians() -> None:
    rng = np.random.default_rng(0)
    centre = rng.normal(3, 0.6, size=1000)
    y = np.exp(centre + rng.normal(0, 0.8, size=1000))
    means, medians = (losscli.recommend(y_true=y, y_pred=np.exp(centre + shift)) for shift in (0.32, 0.0))
    assert value_of(means, "target") == "mean"
    assert used(means) & {"gamma_deviance", "mse"}
    assert not {"mae", "rmsle"} & tried(means)
    assert value_of(medians, "target") == "median"
    assert used(medians) == {"mae"}
    assert verdicts(medians)["mse"] is Verdict.AVOID


def test_symmetric_errors_tell_nothing() -> None:
    found = losscli.recommend(CASES["normal"]())
    assert value_of(found, "target") == "mean or median"
    assert used(found) == {"mse"}
    assert "mae" in tried(losscli.recommend(CASES["heavy tails"]()))


@pytest.mark.parametrize(("n", "seed"), [(60, 0), (60, 1), (300, 2), (1500, 3)])
def test_skewed_amounts_that_are_means_never_get_mae(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(3, 0.6, size=n))
    found = losscli.recommend(y_true=rng.gamma(2, mean / 2), y_pred=mean)
    assert used(found)
    assert used(found) <= {"mse", "gamma_deviance"}


def test_the_standard_errors_are_those_of_the_mean_and_of_a_share() -> None:
    arrays = noise("exponential", 500, 3)
    e = arrays["y_pred"] - arrays["y_true"]
    weight = np.random.default_rng(4).integers(1, 4, size=500).astype(float)
    r = Residuals(arrays["y_true"][:, None], arrays["y_pred"][:, None], None)
    assert r.mean_error == pytest.approx(stats.sem(e, ddof=0))
    assert r.quantile_z(0.8) == pytest.approx(((e > 0).mean() - 0.8) / math.sqrt(0.16 / 500))
    weighted = Residuals(arrays["y_true"][:, None], arrays["y_pred"][:, None], weight)
    draws = np.random.default_rng(5).multinomial(500, np.full(500, 1 / 500), size=2000) * weight
    assert weighted.mean_error == pytest.approx((draws @ e / draws.sum(axis=1)).std(), rel=0.05)
    tied = Residuals(np.array([[0.0], [1], [1], [1], [2]]), np.ones((5, 1)), None)
    assert tied.median_z == 0  # P(y < 1) = 0.2 and P(y <= 1) = 0.8: 1 is a median


# ------------------------------------------------------------------------------------- amounts and counts


def test_claims_that_are_mostly_zero() -> None:
    found = losscli.recommend(BESIDE["claims of which 95 % are 0"]())
    assert verdicts(found)["tweedie_deviance:power=1.5"] is Verdict.USE
    assert not {"mae", "huber", "rmsle", "quantile"} & tried(found)
    assert {a.name for a in found if a.verdict is Verdict.AVOID} >= {"mae", "huber"}


def test_claims_with_one_prediction_for_all() -> None:
    found = losscli.recommend(BESIDE["claims with one prediction"]())  # most residuals are the same: they have no scale
    assert verdicts(found)["tweedie_deviance:power=1.5"] is Verdict.USE
    assert "mae" not in tried(found)


def test_claims_with_predictions_not_above_0() -> None:
    found = losscli.recommend(BESIDE["claims of which 95 % are 0, predictions not above 0"]())
    assert verdicts(found)["tweedie_deviance:power=1.5"] is Verdict.REFUSED
    assert used(found) == {"mse"}


@pytest.mark.parametrize(("shape", "rate"), [(math.inf, 1.0), (1.5, 1.0), (math.inf, -1.5), (3, 3.0)])
def test_counts_of_any_dispersion(shape: float, rate: float) -> None:
    rng = np.random.default_rng(6)
    mean = np.exp(rng.normal(rate, 0.6, size=800))
    given = mean if math.isinf(shape) else rng.gamma(shape, mean / shape)
    found = losscli.recommend(y_true=rng.poisson(given).astype(float), y_pred=mean)
    assert verdicts(found)["poisson_deviance"] is Verdict.USE
    assert "mae" not in used(found)


def test_whole_numbers_that_are_no_counts() -> None:
    rng = np.random.default_rng(7)
    years = rng.integers(1950, 2020, size=300).astype(float)
    found = losscli.recommend(y_true=years, y_pred=years + rng.normal(size=300) * 9)
    assert "poisson_deviance" not in used(found)


# ------------------------------------------------------------------------------------- tuning constants


def suggests_another_delta(arrays: dict[str, np.ndarray]) -> bool:
    r = Residuals(arrays["y_true"][:, None], arrays["y_pred"][:, None], None)
    return r.best_delta != EFFICIENT_DELTA


def test_noise_suggests_no_other_delta() -> None:
    assert sum(suggests_another_delta(noise("normal", 50, seed)) for seed in range(40)) <= 2
    assert not suggests_another_delta(noise("normal", 20000, 0))


def test_heavy_tails_suggest_another_delta() -> None:
    assert suggests_another_delta(noise("laplace", 2000, 0))
    arrays = noise("normal", 2000, 1)
    far = np.random.default_rng(2).random(2000) < 0.3
    arrays["y_pred"] = np.where(far, arrays["y_true"] + 10 * (arrays["y_pred"] - arrays["y_true"]), arrays["y_pred"])
    assert suggests_another_delta(arrays)


@pytest.mark.parametrize("delta", [0.5, EFFICIENT_DELTA, math.inf])
def test_the_sandwich_is_the_variance_over_resamples(delta: float) -> None:
    e = np.random.default_rng(8).standard_t(4, size=(400, 1))
    r = Residuals(np.zeros_like(e), e, None)
    values, rng = e[:, 0] / r.scale, np.random.default_rng(9)
    centres = [huber_centre(rng.choice(values, 400), np.ones(400), delta) for _ in range(300)]
    assert r.centre(delta).variance / 400 == pytest.approx(np.var(centres), rel=0.2)
    if math.isfinite(delta):
        c = optimize.brentq(lambda c: np.clip(values - c, -delta, delta).sum(), -3, 3)
        share = (np.abs(values - c) <= delta).mean()
        sandwich = np.square(np.clip(values - c, -delta, delta)).mean() / share**2
        assert r.centre(delta).variance == pytest.approx(sandwich, rel=1e-6)


def test_the_standard_error_of_a_ratio_of_variances() -> None:
    """Over many samples, the logarithm of the ratio of two variances spreads as each sample says."""
    ratios, errors = [], []
    for seed in range(60):
        e = np.random.default_rng(seed).normal(size=(300, 1))
        r = Residuals(np.zeros_like(e), e, None)
        ratios.append(math.log(r.variance_ratio(0.5)))
        errors.append(r.standard_error_of_rows(r.centre(0.5).of_log - r.centre(EFFICIENT_DELTA).of_log))
    assert np.mean(errors) == pytest.approx(np.std(ratios), rel=0.2)


def test_huber_is_judged_about_the_centre() -> None:
    found = losscli.recommend(CASES["off centre"]())
    huber = next(a for a in found if a.name == "huber")
    assert huber.verdict is Verdict.AVOID
    assert not any("efficiency" in a.reason for a in found)


def test_medians_of_discrete_residuals_have_no_density() -> None:
    e = np.round(np.random.default_rng(10).normal(size=(2000, 1)) * 3)
    assert math.isnan(Residuals(np.zeros_like(e), e, None).median_variance_ratio)
    rng = np.random.default_rng(11)
    y = rng.normal(size=2000) * 3
    found = losscli.recommend(y_true=np.round(y), y_pred=np.round(y) + e[:, 0])
    assert not any(" 0 times" in a.reason for a in found)


# ------------------------------------------------------------------------------------- columns beside y_pred


def test_a_variance_suggests_its_likelihood() -> None:
    arrays = BESIDE["variance"]()
    found = losscli.recommend(arrays)
    assert verdicts(found)["gaussian_nll"] is Verdict.USE
    ratio = np.mean((arrays["y_true"] - arrays["y_pred"]) ** 2 / arrays["y_var"])
    assert value_of(found, "spread") == pytest.approx(ratio)
    assert math.isfinite(losscli.compute("gaussian_nll", arrays, columns={"variance": "y_var"}).value)


def test_a_standard_deviation_suggests_its_crps(cli: Cli) -> None:
    arrays = BESIDE["deviation"]()
    found = losscli.recommend(arrays)
    assert verdicts(found)["crps_normal"] is Verdict.USE
    assert "gaussian_nll" not in verdicts(found)
    ratio = np.mean(((arrays["y_true"] - arrays["y_pred"]) / arrays["sigma"]) ** 2)
    assert value_of(found, "spread") == pytest.approx(ratio)
    pd.DataFrame(arrays).rename(columns={"sigma": "s"}).to_csv("data.csv", index=False)
    assert "crps_normal" not in cli("recommend", "data.csv").out
    document = json.loads(cli("recommend", "data.csv", "--column", "scale=s", "-f", "json").out)
    assert "--column scale=s" in document["command"]
    assert "crps_normal" in [one["loss"] for one in document["losses"]]
    assert "no column 't' of numbers" in cli("recommend", "data.csv", "--column", "scale=t").err


def test_what_the_likelihood_cannot_read_is_said() -> None:
    assert verdicts(losscli.recommend(BESIDE["variance with gaps"]()))["gaussian_nll"] is Verdict.REFUSED


def test_a_variance_that_is_a_standard_deviation() -> None:
    arrays = BESIDE["deviation"]()
    found = losscli.recommend({"y_true": arrays["y_true"], "y_pred": arrays["y_pred"], "variance": arrays["sigma"] / 4})
    assert verdicts(found)["gaussian_nll"] is Verdict.USE  # too small, but no nearer to 1 if squared
    found = losscli.recommend(BESIDE["variance that is a deviation"]())
    assert verdicts(found)["gaussian_nll"] is Verdict.CONSIDER
    feature = {"y_true": arrays["y_true"], "y_pred": arrays["y_pred"], "variance": arrays["y_true"]}
    assert "gaussian_nll" not in verdicts(losscli.recommend(feature))  # of both signs


def test_a_variance_that_is_named(cli: Cli) -> None:
    pd.DataFrame(BESIDE["variance"]()).rename(columns={"y_var": "s"}).to_csv("data.csv", index=False)
    assert "gaussian_nll" not in cli("recommend", "data.csv").out
    document = json.loads(cli("recommend", "data.csv", "--column", "variance=s", "-f", "json").out)
    assert "--column variance=s" in document["command"]
    assert document["losses"][0]["loss"] == "gaussian_nll"
    assert "no column 't' of numbers" in cli("recommend", "data.csv", "--column", "variance=t").err


def test_quantiles_have_a_loss_each() -> None:
    arrays = BESIDE["quantiles"]()
    found = losscli.recommend(arrays)
    levels = {a.bound.params["tau"]: a.column for a in found}
    assert levels == {0.1: "p10", 0.5: "p50", 0.9: "p90"}
    assert used(found) == {"quantile"}
    below = (arrays["y_true"] < arrays["p10"]).mean()
    assert value_of(found, "quantiles")["p10"]["below"] == pytest.approx(below)  # type: ignore[index]
    assert value_of(found, "crossing") == pytest.approx((arrays["p10"] > arrays["p90"]).mean())


def test_quantiles_that_cross() -> None:
    arrays = BESIDE["quantiles"]()
    arrays["p10"][:60] = arrays["p90"][:60] + 1
    assert value_of(losscli.recommend(arrays), "crossing") == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "low"), [("interval", 0.1), ("interval of no level", 0.05)])
def test_an_interval_has_a_loss_at_each_end(name: str, low: float) -> None:
    found = losscli.recommend(BESIDE[name]())
    ends = [a for a in found if a.name == "quantile" and a.verdict is Verdict.USE]
    assert [a.bound.params["tau"] for a in ends] == pytest.approx([low, 1 - low])
    assert "mse" in found.losses  # those of y_pred
    assert "quantile" not in " ".join(found.losses)


def test_the_column_that_was_asked_for() -> None:
    arrays = BESIDE["quantiles"]()
    found = losscli.recommend(arrays, target="quantile:0.9")
    assert found.losses == ["quantile:tau=0.9"]
    assert found.data.n_used == 600
    with pytest.raises(losscli.DataError, match="none is the mean that was asked for"):
        losscli.recommend(arrays, target="mean")
    assert "mse" in losscli.recommend(arrays, target="mean", columns={"y_pred": "p50"}).losses
    assert losscli.recommend(arrays, columns={"y_pred": "p90"}).losses == ["quantile:tau=0.9"]


LEVELS = {
    0.05: ["y_pred_q05", "q05", "quantile_0.05"],
    0.1: ["q0.1", "p10", "pred_0.1", "q0_1", "10th", "quantile(0.1)", "y_pred_0.1", "0.1", "10%", "percentile_10"],
    0.025: ["P2.5", "q_0.025", "2.5%"],
    None: ["x0.5", "p", "10", "1.5", "q100", "price10", "q0", "v2.0", "y_pred_1", "prob_0"],
}


@pytest.mark.parametrize(("level", "names"), LEVELS.items())
def test_levels_in_names(level: float | None, names: list[str]) -> None:
    assert {name: level_in_name(name) for name in names} == dict.fromkeys(names, level)


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        (["lower_95", "upper_95"], [0.025, 0.975]),
        (["model-lo-80", "model-hi-80"], [0.1, 0.9]),
        (["yhat_lower", "yhat_upper"], [None, None]),
        (["ci_lower", "ci_upper"], [None, None]),
        (["lower_bound", "upper_bound"], [None, None]),
        (["low", "high"], []),
        (["mean_ci_lower", "mean_ci_upper"], []),
        (["lower"], []),
        (["q1", "q2", "q3"], []),
        ([f"p{k}" for k in range(16)], []),
        ([f"p{k}" for k in range(1, 100)], [k / 100 for k in range(1, 100)]),
        (["slower", "supper"], []),
    ],
)
def test_ends_of_intervals_in_names(names: list[str], levels: list[float | None]) -> None:
    assert [q.level for q in find_quantiles(names)] == levels


@pytest.mark.parametrize(
    "name", [name if name in ("interval", "series") else pytest.param(name, marks=pytest.mark.slow) for name in BESIDE]
)
def test_the_printed_commands_run(name: str, cli: Cli) -> None:
    pd.DataFrame(BESIDE[name]()).to_csv("data.csv", index=False)
    document = json.loads(cli("recommend", "data.csv", "--nan", "omit", "-f", "json").out)
    assert document["command"] == document["commands"][0]
    for command in document["commands"]:
        result = cli(*shlex.split(command)[1:])
        assert (result.status, result.out != "") == (0, True), result.err


def test_several_commands_are_lines_of_their_own(cli: Cli) -> None:
    pd.DataFrame(BESIDE["interval"]()).to_csv("data.csv", index=False)
    for format, start in (("table", ""), ("markdown", ""), ("latex", "% ")):
        lines = cli("recommend", "data.csv", "-f", format).out.splitlines()
        assert sum(line.startswith(f"{start}losscli compare") for line in lines) == 3, format


def test_a_file_of_quantiles_alone(cli: Cli) -> None:
    frame = pd.DataFrame(BESIDE["quantiles"]())
    frame[["y_true"]].to_csv("true.csv", index=False)
    frame[["p10", "p50", "p90"]].to_csv("pred.csv", index=False)
    document = json.loads(cli("recommend", "true.csv", "pred.csv", "-f", "json").out)
    assert [entry["column"] for entry in document["losses"]] == ["p10", "p50", "p90"]
    assert cli(*shlex.split(document["command"])[1:]).status == 0


def test_columns_beside_may_lack_values(cli: Cli) -> None:
    Path("data.csv").write_text("y_true,y_pred,sigma\n" + "1,2,\n2,2,0.5\n3,2,x\n" * 10)
    assert cli("recommend", "data.csv").status == 0


# ------------------------------------------------------------------------------------- errors that depend


def test_series_suggest_blocks() -> None:
    found = losscli.recommend(BESIDE["series"]())
    assert value_of(found, "autocorrelation")["by_lag"][0] == pytest.approx(0.7, abs=0.1)  # type: ignore[index]
    assert any("block=" in note for note in found.notes)
    assert value_of(losscli.recommend(CASES["normal"]()), "autocorrelation") is None


def test_sorted_rows_are_no_series() -> None:
    arrays = pd.DataFrame(CASES["normal"]()).sort_values("y_true")
    arrays["y_pred"] *= 0.5  # the residual is half of the target
    found = losscli.recommend(arrays)
    assert value_of(found, "autocorrelation") is None


def test_the_test_is_that_of_ljung_and_box() -> None:
    e = np.random.default_rng(12).normal(size=5000)
    e = np.sign(e - np.median(e)) + 0.0  # errors of one size, for which the standard errors are 1/sqrt(n)
    found = autocorrelations(e - e.mean())
    assert found is not None
    r = [np.sum((e[k:] - e.mean()) * (e[:-k] - e.mean())) / np.sum((e - e.mean()) ** 2) for k in range(1, 11)]
    assert found.by_lag == pytest.approx(r)
    assert found.errors == pytest.approx([1 / math.sqrt(5000)] * 10, rel=2e-3)
    statistic = 5000 * 5002 * sum(r[k - 1] ** 2 / (5000 - k) for k in range(1, 11))
    assert found.statistic == pytest.approx(statistic, rel=3e-3)
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, 10))
    assert found.first_p == pytest.approx(2 * stats.norm.sf(abs(found.by_lag[0]) / found.errors[0]))


@pytest.mark.parametrize("kind", ["normal", "growing"])
def test_independent_errors_rarely_look_dependent(kind: str) -> None:
    sizes = np.exp(np.linspace(0, 3, 200)) if kind == "growing" else np.ones(200)
    found = [serial_correlation(y, y + sizes * e) for y, e in np.random.default_rng(13).normal(size=(200, 2, 200))]
    assert sum(one is not None and one.is_sure for one in found) <= 6


def test_clusters_suggest_themselves(cli: Cli) -> None:
    arrays = BESIDE["clusters"]()
    found = losscli.recommend(arrays)
    fact = value_of(found, "clusters")
    assert isinstance(fact, dict)
    assert (fact["column"], fact["count"]) == ("patient_id", 40)
    # one-way analysis of variance, of which SciPy knows the F: with 8 rows in each cluster, (F - 1) / (F + 7)
    e = pd.Series(arrays["y_pred"] - arrays["y_true"])
    f = stats.f_oneway(*[group for _, group in e.groupby(arrays["patient_id"])]).statistic
    assert fact["correlation"] == pytest.approx((f - 1) / (f + 7))
    pd.DataFrame(arrays).to_csv("data.csv", index=False)
    document = json.loads(cli("recommend", "data.csv", "-f", "json").out)
    assert "--cluster patient_id" in document["command"]


def test_clusters_of_independent_errors_are_none() -> None:
    rng = np.random.default_rng(14)
    names = [str(k) for k in rng.integers(40, size=300)]
    found = [cluster_correlation(e, names, "site") for e in rng.normal(size=(200, 300))]
    assert sum(one is not None and one.is_sure for one in found) <= 2
    assert cluster_correlation(rng.normal(size=30), [str(k) for k in range(30)], "id") is None
    assert cluster_correlation(rng.normal(size=30), ["a", "b"] * 15, "id") is None


# ------------------------------------------------------------------------------------- what is printed


@pytest.mark.parametrize("name", ["normal", "amounts", "contaminated", "counts"])
def test_advice_says_what_it_aims_at(name: str) -> None:
    for advice in losscli.recommend(CASES[name]()):
        if advice.verdict is not Verdict.REFUSED:
            assert advice.aims_at
            assert advice.reason.startswith(f"aims at {advice.aims_at}: ")
        assert advice.to_dict()["aims_at"] == advice.aims_at


@pytest.mark.parametrize("name", ["contaminated", "vectors", "off centre", "counts", "series", "clusters"])
def test_notes_fit_two_lines(name: str) -> None:
    arrays = (CASES | BESIDE)[name]()
    for note in losscli.recommend(arrays, columns={"weight": "weight"} if "weight" in arrays else None).notes:
        assert len(note) <= 160, note


# ------------------------------------------------------------------------------------- what chance and rounding make


def test_rounded_errors_suggest_no_other_delta() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(1950, 2021, size=1000) * 1.0
    assert not suggests_another_delta({"y_true": y, "y_pred": np.rint(y + 3 * rng.normal(size=1000))})


def test_rare_counts_are_no_less_spread_than_counts_by_chance() -> None:
    rng = np.random.default_rng(100)
    exposure = rng.uniform(0.1, 1, size=1000)
    mean = exposure * np.exp(rng.normal(-2.3, 0.5, size=1000))
    counts = rng.poisson(mean) * 1.0
    assert np.mean((counts - mean) ** 2 / mean) < 0.6
    assert verdicts(losscli.recommend(y_true=counts, y_pred=mean))["poisson_deviance"] is Verdict.USE


@pytest.mark.parametrize("is_exposure", [True, False])
def test_counts_per_exposure_are_told_from_amounts(is_exposure: bool) -> None:
    rng = np.random.default_rng(1)
    exposure, mean = rng.uniform(0.1, 1, size=400), np.exp(rng.normal(-2, 0.5, size=400))
    claims = rng.poisson(mean * exposure) * (1.0 if is_exposure else rng.gamma(2, 0.5, size=400))
    arrays = {"y_true": claims / exposure, "y_pred": mean, "exposure": exposure}
    found = losscli.recommend(arrays, columns={"weight": "exposure"})
    loss = "poisson_deviance" if is_exposure else "tweedie_deviance:power=1.5"
    assert [a.loss for a in found if a.verdict is Verdict.USE] == [loss]


def test_amounts_that_are_sometimes_0_get_a_power_below_2() -> None:
    rng = np.random.default_rng(2)
    mean = rng.gamma(1, 3, size=1000) + 0.05
    rain = np.where(rng.random(1000) < 0.7, rng.gamma(0.8, mean / 0.56), 0)
    assert verdicts(losscli.recommend(y_true=rain, y_pred=mean))["tweedie_deviance:power=1.5"] is Verdict.USE


def test_medians_of_claims_get_no_loss_of_ratios_or_of_a_centre() -> None:
    rng = np.random.default_rng(3)
    mean = np.exp(rng.normal(5, 0.7, size=500))
    claims = (rng.random(500) < 0.06) * rng.gamma(1.2, mean / 0.072)
    assert tried(losscli.recommend(y_true=claims, y_pred=mean, target="median")) == {"mae"}


def test_dependent_errors_are_no_other_quantile() -> None:
    rng = np.random.default_rng(104)
    errors = np.zeros(1000)
    for i, shock in enumerate(rng.normal(size=1000)):
        errors[i] = 0.8 * errors[i - 1] + shock
    errors += 0.6
    centre = 50 + 15 * np.sin(np.arange(1000) * 2 * np.pi / 24)
    arrays = {"y_true": centre, "y_pred": centre + errors}
    shuffled = rng.permutation(1000)
    assert "quantile" not in tried(losscli.recommend(arrays))
    assert "quantile" in tried(losscli.recommend({k: v[shuffled] for k, v in arrays.items()}))


def test_a_quantile_is_rounded_to_what_the_rows_tell() -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(size=500)
    found = losscli.recommend(y_true=y + rng.normal(size=500), y_pred=y + stats.norm.ppf(0.9))
    assert "quantile:tau=0.9" in found.losses
    assert any("too high" in note for note in found.notes)


def test_a_little_more_spread_is_no_alarm() -> None:
    rng = np.random.default_rng(5)
    p = rng.uniform(0.03, 0.95, size=3000)
    found = losscli.recommend(y_true=rng.beta(6 * p, 6 * (1 - p)), y_pred=p)
    assert "huber" in tried(found)
    assert not any("spread more" in note for note in found.notes)


def test_scores_that_are_never_below_0_are_hardly_logits() -> None:
    rng = np.random.default_rng(6)
    percent = np.rint(rng.uniform(0, 100, size=200))
    found = losscli.recommend(y_true=(rng.random(200) < percent / 100) * 1.0, y_pred=percent)
    assert used(found) == set()
    assert verdicts(losscli.recommend(CASES["binary, logits"]()))["bce:from_logits=true"] is Verdict.USE


@pytest.mark.parametrize(
    ("centre", "ends"),
    [
        ("mean", ("std",)),
        ("mu", ("sigma",)),
        ("pred_mean", ("pred_var",)),
        ("forecast", ("lo_95", "hi_95")),
        ("fit", ("lwr", "upr")),
        ("ets", ("ets-lo-80", "ets-hi-80")),
        ("mean", ("q10", "q90")),
    ],
)
def test_a_forecast_is_known_by_what_stands_beside_it(centre: str, ends: tuple[str, ...]) -> None:
    rng = np.random.default_rng(7)
    mean = rng.normal(size=100)
    beside = dict(zip(ends, (mean - 1.28, mean + 1.28), strict=False)) if len(ends) > 1 else {ends[0]: np.ones(100)}
    table = pd.DataFrame({"y": mean + rng.normal(size=100), centre: mean, **beside})
    found = losscli.recommend(table)
    assert "mse" in found.losses
    assert {a.column for a in found} == ({None, *ends} if len(ends) > 1 else {None})


def test_a_quantile_that_was_asked_for_goes_before_the_mean() -> None:
    rng = np.random.default_rng(8)
    mean = rng.normal(size=200)
    y = mean + rng.normal(size=200)
    found = losscli.recommend(
        pd.DataFrame({"y": y, "mean": mean, "q90": mean + 1.28, "q10": mean}), target="quantile:0.9"
    )
    assert value_of(found, "covered") == pytest.approx(np.mean(y < mean + 1.28))


@pytest.mark.parametrize(
    ("name", "level"), [("q025", 0.025), ("q975", 0.975), ("5th percentile", 0.05), ("q100", None)]
)
def test_levels_in_thousandths_and_words(name: str, level: float | None) -> None:
    assert level_in_name(name) == level


def test_a_slight_offset_is_no_other_quantile_however_sure() -> None:
    rng = np.random.default_rng(9)
    mean = np.exp(rng.normal(3, 0.4, size=20000))
    arrays = {"y_true": rng.gamma(2, mean / 2), "y_pred": 1.03 * mean}
    found = losscli.recommend(arrays)
    assert "quantile" not in tried(found)
    assert found.notes == ()
    arrays["y_pred"] = 1.3 * mean
    found = losscli.recommend(arrays)
    assert "quantile" in tried(found)
    assert any("too high" in note for note in found.notes)
