"""Losses that are one number for all rows: counted part by part, by group, by model; what there is none of."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.declaration.domains import Array, Score
from losscli.declaration.loss import Loss, loss, pending
from losscli.evaluation.resampled_rows import TOO_MANY_ROWS
from losscli.loss_function import LossFunction
from losscli.losses import _confusion
from losscli.losses._confusion import LabelPairs
from tests.conftest import Cli, write_csv, write_parquet

COUNTED = ("balanced_error", "f1_loss", "cohen_kappa_loss", "quadratic_weighted_kappa_loss", "matthews_loss")
OF_ALL_ROWS = ("auc_loss", "average_precision_loss")
NAMES = np.array(["bird", "cat", "dog"])


def labels(n: int, seed: int = 0, share: float = 0.7) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    return {"y_true": true, "y_pred": np.where(rng.random(n) < share, true, rng.integers(0, 3, n))}


def scores(n: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, n)
    return {"y_true": true, "y_pred": np.round(true + rng.normal(size=n), 1)}


def data_of(name: str, n: int) -> dict[str, Any]:
    return (labels if name in COUNTED else scores)(n)


@pytest.mark.parametrize("name", [*COUNTED, *OF_ALL_ROWS])
def test_weights_count_repetitions(name: str) -> None:
    data = data_of(name, 50)
    times = np.random.default_rng(1).integers(0, 4, 50)
    repeated = {role: np.repeat(values, times) for role, values in data.items()}
    weighted = losscli.compute(name, weight=times, **data)
    assert weighted.value == pytest.approx(losscli.compute(name, **repeated).value, rel=1e-12)
    assert (weighted.n, weighted.summary.weight_sum) == (np.count_nonzero(times), times.sum())
    assert losscli.get_loss(name).value(**data, weight=times) == pytest.approx(weighted.value, rel=1e-12)


@pytest.mark.parametrize(("scale", "pending"), [(1, 1 << 17), (10**6, 60), (10**10, 0)])
def test_counts_merge_in_any_order_without_losing_digits(
    scale: int, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_confusion, "MIN_PENDING", pending)
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(-3, 4, (2, 4000)) * scale
    weight = rng.uniform(0, 1, 4000) * 10.0 ** rng.integers(-8, 8, 4000)
    cuts = np.sort(rng.integers(0, 4000, 30))
    parts = [
        LabelPairs.count(*each) for each in zip(*(np.split(x, cuts) for x in (true, predicted, weight)), strict=True)
    ]
    for order in (range(len(parts)), rng.permutation(len(parts))):
        merged = LabelPairs.count(np.zeros(0), np.zeros(0))
        for i in order:
            part = parts[i]
            merged.merge(LabelPairs(part.true, part.predicted, part.weight.take(np.arange(len(part.true)))))
        merged.confusion()
        for i, j, found in zip(merged.true, merged.predicted, merged.weight.value, strict=True):
            exact = math.fsum(weight[(true == i) & (predicted == j)])
            assert found == pytest.approx(exact, rel=1e-15)
    assert len(merged.true) == 49


@pytest.mark.parametrize("name", ["cohen_kappa_loss", "expected_calibration_error", "auc_loss"])
def test_parts_and_threads_make_no_difference(name: str, tmp_path: Path) -> None:
    data = data_of(name, 5000)
    if name == "expected_calibration_error":
        data["y_pred"] = np.clip(data["y_pred"], 0, 1)
    write_parquet(tmp_path / "d.parquet", data, rows_per_group=400)
    expected = losscli.compute(name, **data).value
    for jobs in (1, 4):
        found = losscli.compute([name, "zero_one"] if name in COUNTED else [name], tmp_path / "d.parquet", jobs=jobs)
        assert found[0].value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["f1_loss", "auc_loss"])
def test_a_group_is_evaluated_as_if_it_were_alone(name: str) -> None:
    data = data_of(name, 300) | {"site": np.array(list("abc"))[np.random.default_rng(2).integers(0, 3, 300)]}
    weight = np.random.default_rng(3).uniform(0, 2, 300)
    weight[::7] = 0
    found = losscli.compute([name], data | {"weight": weight}, group_by="site", columns={"weight": "weight"})
    assert [result.group for result in found] == [{"site": site} for site in "abc"]
    for result, site in zip(found, "abc", strict=True):
        kept = data["site"] == site
        alone = losscli.compute(name, weight=weight[kept], y_true=data["y_true"][kept], y_pred=data["y_pred"][kept])
        assert (result.value, result.n) == (pytest.approx(alone.value, rel=1e-12), alone.n)


def test_names_are_ordered_by_the_parameter_or_the_option(cli: Cli) -> None:
    data = labels(60)
    named = {role: NAMES[values] for role, values in data.items()}
    expected = losscli.compute("quadratic_weighted_kappa_loss", **data).value
    bound = losscli.get_loss("qwk", classes=["bird", "cat", "dog"])
    assert bound.value(named["y_true"], named["y_pred"]) == expected
    assert losscli.compute("qwk:classes=bird/cat/dog", **named).value == expected
    assert losscli.compute("qwk", classes=["bird", "cat", "dog"], **named).value == expected
    assert losscli.compute("qwk:classes=bird/cat/dog", **data).value == expected  # integers are places
    turned = {role: 2 - values for role, values in data.items()}
    assert losscli.compute("qwk:classes=2/1/0", **turned).value == expected  # or names
    write_csv("d.csv", named)
    assert "names have no order" in (refused := cli("compute", "qwk", "d.csv")).err
    assert (refused.status, refused.err.count("--classes A,B names the classes in order")) == (3, 1)
    found = cli("compute", "qwk:classes=bird/dog", "d.csv")
    assert found.status == 3
    assert "'cat' is not one of the classes: they are bird, dog" in found.err


def test_there_are_no_per_sample_values(cli: Cli) -> None:
    data = labels(40)
    write_csv("d.csv", data)
    none = "balanced_error is one number for all rows: there are no per-sample values"
    for more in (["--per-sample"], ["--top", "3"], ["--reduction", "none"]):
        result = cli("compute", "balanced_error", "d.csv", *more)
        assert (result.status, none in result.err) == (2, True)
    assert "balanced_error has no gradient" in cli("compute", "balanced_error", "d.csv", "--gradient").err
    assert (
        "there are no losses of rows to reduce" in cli("compute", "balanced_error", "d.csv", "--reduction", "sum").err
    )
    assert "which have no losses of their own" in cli("plot", "balanced_error", "d.csv", "--kind", "share").err
    with pytest.raises(losscli.UsageError, match=none):
        losscli.get_loss("balanced_error")(*data.values())
    with pytest.raises(losscli.UsageError, match="no losses of rows to reduce"):
        losscli.get_loss("balanced_error").value(*data.values(), reduction="median")
    assert "one number for all rows, and no per-sample values" in cli("explain", "balanced_error").out
    result = losscli.compute("balanced_error", **data)
    assert result.per_sample is None
    table = cli("compute", "balanced_error", "d.csv").out.splitlines()[-1].split("\t")
    assert table == ["balanced_error", "40", str(result.value), *[""] * 6]
    found = json.loads(cli("compute", "balanced_error", "d.csv", "-f", "json").out)["losses"][0]
    assert (found["value"], found["std"], found["max"], found["status"]) == (result.value, None, None, "ok")


def test_gates_judge_the_number(cli: Cli) -> None:
    write_csv("d.csv", labels(40))
    assert cli("compute", "balanced_error", "d.csv", "--fail-if", "balanced_error>0.01").status == 1
    assert cli("compute", "balanced_error", "d.csv", "--fail-if", "balanced_error>0.99").status == 0


def test_a_number_that_is_not_defined_says_why(cli: Cli) -> None:
    write_csv("d.csv", {"y_true": [1, 1], "y_pred": [1, 1]})
    for name, why in {
        "auc_loss": "all rows have the same label",
        "cohen_kappa_loss": "all rows are of one class in y_true and in y_pred",
    }.items():
        result = cli("compute", name, "d.csv")
        assert (result.status, f"{name} is nan: {why}" in result.err) == (4, True)
    result = cli("compute", "average_precision_loss", stdin=b"y_true,y_pred\n0,0.5\n0,0.25\n")
    assert (result.status, "no row has the label 1" in result.err) == (4, True)


def test_a_number_of_no_rows_names_no_rows_to_look_at(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,y_pred\n1,0.5\n1,\n0,0.1\n")
    err = cli("compute", "auc_loss,mse", "d.csv", "--nan", "propagate").err
    assert "auc_loss is nan: not a finite number; mse is nan: not a finite number; 'losscli compute ... --top 5'" in err


def test_rows_that_lack_a_value(cli: Cli) -> None:
    text = b"y_true,y_pred\n1,1\n0,\n1,0\n"
    assert cli("compute", "balanced_error", "--nan", "omit", "-f", "value", stdin=text).out == "0.5\n"
    result = cli("compute", "balanced_error", "--nan", "propagate", stdin=text)
    assert (result.status, "balanced_error is nan" in result.err) == (4, True)


def test_scores_are_no_labels(cli: Cli) -> None:
    result = cli("compute", "balanced_error", stdin=b"y_true,y_pred\n1,0.7\n0,0.2\n")
    assert result.status == 3
    assert (
        "row 1: 0.7 is not a label: an integer or a name (and 1 more row like it); give predicted labels" in result.err
    )


@pytest.mark.parametrize("more", [{}, {"cluster": "site"}, {"block": 5}])
@pytest.mark.parametrize("name", ["matthews_loss", "auc_loss"])
def test_intervals_evaluate_each_resample(name: str, more: dict[str, Any]) -> None:
    data = data_of(name, 200) | {"site": np.arange(200) // 8}
    found = losscli.compute(name, data, ci=0.9, resamples=200, seed=3, **more)
    again = losscli.compute(name, data, ci=0.9, resamples=200, seed=3, **more)
    assert found.ci is not None
    assert found.ci.low < found.value < found.ci.high  # type: ignore[operator]
    assert (found.ci.method, found.ci) == ("percentile", again.ci)
    assert found.ci.high - found.ci.low < 0.5  # type: ignore[operator]


def test_of_too_many_rows_there_is_no_interval() -> None:
    found = losscli.compute("balanced_error", **labels(70_000), ci=0.9)
    assert found.ci is not None
    assert (found.ci.low, found.ci.why) == (None, f"no interval: {TOO_MANY_ROWS}")


def test_models_are_compared(cli: Cli) -> None:
    a, b = labels(60), labels(60)
    b["y_pred"] = np.roll(b["y_pred"], 1)
    write_csv("a.csv", a)
    write_csv("b.csv", b)
    found = json.loads(
        cli("compare", "--losses", "balanced_error,zero_one", "--model", "a.csv", "--model", "b.csv", "-f", "json").out
    )
    values = {(each["loss"], each["model"]): each["value"] for each in found["losses"]}
    for model, data in {"a": a, "b": b}.items():
        assert values["balanced_error", model] == losscli.compute("balanced_error", **data).value
    alone = cli("compare", "--losses", "balanced_error", "a.csv")
    assert alone.status == 0
    assert "no row has a loss of its own" in alone.err


# ------------------------------------------------------------------------------- a loss that needs all rows


def distance_of_means(y_true: Score, y_pred: Score, weight: Array | None) -> float:
    """The squared distance of the weighted means of the two."""
    return float(np.average(y_pred - y_true, weights=weight) ** 2)


def slope(y_true: Array, y_pred: Array) -> Array:
    """2 (mean p - mean y)/N"""
    return np.full(len(y_pred), 2 * (y_pred - y_true).mean() / len(y_pred))


@pytest.fixture
def of_means() -> Loss:
    declared = loss(family="regression", formula="(mean p - mean y)²", dataset_wide=True)(distance_of_means)
    declared.gradient(slope)
    pending.remove(declared)
    return declared


def test_a_kernel_may_return_the_number(of_means: Loss) -> None:
    function = LossFunction(of_means.bind({}))
    data = {"y_true": [1.0, 2.0, 3.0, 9.0], "y_pred": [2.0, 2.0, 5.0, 9.0]}
    assert function.value(**data) == 0.5625
    assert function.value(**data, weight=[2, 0, 2, 0]) == 2.25
    assert losscli.compute([function], data, columns={"y_true": "y_true"})[0].value == 0.5625
    with pytest.raises(losscli.UsageError, match="there are no per-sample values"):
        function(**data)


def test_its_gradient_is_one_number_a_row(of_means: Loss) -> None:
    function = LossFunction(of_means.bind({}))
    data = {"y_true": [1.0, 2.0, 3.0, 9.0], "y_pred": [2.0, 2.0, 5.0, 9.0]}
    assert function.gradient(**data).tolist() == [0.375] * 4
    (found,) = losscli.compute([function], **data, gradient=True)
    assert found.gradient is not None
    assert (found.gradient.tolist(), found.per_sample) == ([0.375] * 4, None)
    (found,) = losscli.compute([function], **data, weight=[1, 1, 1, 0], gradient=True)
    assert np.nan_to_num(found.gradient, nan=-1).tolist() == [2 / 3, 2 / 3, 2 / 3, -1]


def test_gradients_have_no_values_of_rows_beside_them(cli: Cli) -> None:
    Path("d.json").write_text('{"labels": [0, 1], "embeddings": [[1, 2], [2, 3]]}')
    Path("p.json").write_text("[[1, 0], [0, 1]]")
    command = ("compute", "proxy_anchor", "d.json", "proxies=p.json")
    assert len(cli(*command, "--gradient", "-f", "csv").out.splitlines()) == 3
    result = cli(*command, "--gradient", "-f", "value")
    assert (result.status, result.out) == (2, "")
    assert "--format value: proxy_anchor is one number for all rows: no row has a value of its own" in result.err


@pytest.mark.parametrize("scale", [1e-285, 1e-165, 1e-90, 1e-80, 1e160, 1e306])
@pytest.mark.parametrize(
    "name",
    [
        *COUNTED,
        *OF_ALL_ROWS,
        "cohen_kappa_loss:weighting=linear",
        "concordance_loss",
        *(f"expected_calibration_error:norm={norm}" for norm in ("l1", "l2", "max")),
    ],
)
def test_the_scale_of_weights_does_not_matter(name: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {"y_true": np.array([1, 0, 1, 0, 1, 1]), "y_pred": np.array([1, 1, 0, 0, 1, 1])}
    if name == "concordance_loss":
        data = {"time": rng.integers(1, 4, 6), "event": np.array([1, 0, 1, 1, 0, 1]), "y_pred": rng.random(6)}
    elif name.startswith("expected"):
        data["y_pred"] = rng.random(6)
    weight = np.array([1, 2, 3, 1, 2, 3])
    expected = losscli.compute(name, **data, weight=weight).value
    assert losscli.compute(name, **data, weight=weight * scale).value == pytest.approx(expected, rel=1e-14)
    assert losscli.get_loss(name).value(**data, weight=weight * scale) == pytest.approx(expected, rel=1e-14)


# --------------------------------------------------------------------------------- resamples that say something else


def two_classes(n: int, ones: int, seed: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    true = (np.arange(n) < ones).astype(int)
    return {"y_true": true, "y_pred": true + rng.normal(size=n)}


def predicted(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"y_pred": (data["y_pred"] > 0.7).astype(int)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["auc_loss", "average_precision_loss"])
def test_few_resamples_without_a_number_are_left_out(name: str) -> None:
    for resamples, seed in ((200, 0), (1000, 1), (1000, 2), (4000, 3)):
        found = losscli.compute(name, **two_classes(100, 4), ci=0.9, resamples=resamples, seed=seed).ci
        assert found is not None
        assert found.low is not None
        assert re.search(r"without the [\d.]+ % of the resamples that have no number", found.why)
    none = losscli.compute(name, **two_classes(100, 2), ci=0.9).ci
    assert none is not None
    assert none.low is None
    assert re.fullmatch(r"no interval: 1\d % of the resamples have no number", none.why)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["balanced_error", "f1_loss", "matthews_loss", "cohen_kappa_loss"])
def test_resamples_that_lack_a_class_are_of_another_number(name: str) -> None:
    some = losscli.compute(name, **predicted(two_classes(100, 5)), ci=0.9).ci
    assert some is not None
    assert (some.method, some.why) == ("percentile", "percentile interval: it is too short with 5 rows of a class")
    none = losscli.compute(name, **predicted(two_classes(100, 2)), ci=0.9).ci
    assert none is not None
    assert re.fullmatch(r"no interval: 1\d % of the resamples lack a class", none.why)


def test_few_rows_or_clusters_make_it_too_short(cli: Cli) -> None:
    found = losscli.compute("auc_loss", **two_classes(20, 10), ci=0.95).ci
    assert found is not None
    assert found.why == "percentile interval: it is too short with 20 rows"
    data = two_classes(200, 100) | {"site": np.arange(200) % 20}
    clustered = losscli.compute("auc_loss", data, ci=0.95, cluster="site", ci_method="bca").ci
    assert clustered is not None
    alone = "percentile interval: dataset-wide losses have no other"
    assert clustered.why == f"{alone}; it is too short with 20 clusters"
    many = losscli.compute("auc_loss", **two_classes(200, 100), ci=0.95, ci_method="poisson").ci
    assert many is not None
    assert (many.method, many.why) == ("percentile", alone)
    write_csv("d.csv", two_classes(20, 10))
    result = cli("compute", "auc_loss", "d.csv", "--ci", "0.95")
    assert "auc_loss: percentile interval: it is too short with 20 rows" in result.err
