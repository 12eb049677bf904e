"""Test compare against straightforward NumPy, on data with known contamination."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import losscli
from losscli import binding, registry
from losscli.compare.compare import CompareOptions, compare_run
from losscli.compare.notes import MAX_GROUP_NOTES, merge_notes
from losscli.data.sources import Sources
from losscli.data.table import ArraysTable
from losscli.declaration import grammar
from losscli.declaration.properties import Functional
from losscli.messages import Message
from losscli.options import EvaluationOptions
from losscli.statistics.minimizer import minimize_in_closed_form
from tests.conftest import Cli

RNG = np.random.default_rng(5)
N = 1000
Y = RNG.normal(size=N) * 3 + 10
E = RNG.normal(size=N) + 0.2
E[:60] += 25  # contamination
P = Y + E
W = RNG.uniform(0.2, 3, size=N)

LOSSES = {
    "mse": lambda e: e**2,
    "mae": np.abs,
    "quantile:tau=0.9": lambda e: np.where(e < 0, -0.9 * e, 0.1 * e),
    "huber": lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5),
    "log_cosh": lambda e: np.abs(e) + np.log1p(np.exp(-2 * np.abs(e))) - np.log(2),
    "expectile:tau=0.8": lambda e: np.where(e > 0, 0.2, 0.8) * e**2,
    "tukey": lambda e: 4.685**2 / 6 * (1 - (1 - np.minimum(np.abs(e) / 4.685, 1) ** 2) ** 3),
    "linex:a=0.1": lambda e: np.exp(0.1 * e) - 0.1 * e - 1,
}


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the value at which half of the weight is reached."""
    order = np.argsort(values)
    cumulated = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(cumulated, cumulated[-1] / 2)])


def flag_by_mad(e: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, float]:
    """Return the rows whose modified z-score is above 3.5, and the robust standard deviation."""
    median = (lambda v: float(np.median(v))) if weight is None else (lambda v: weighted_median(v, weight))
    distance = np.abs(e - median(e))
    return 0.6745 * distance / median(distance) > 3.5, 1.4826 * median(distance)


def search_grids(loss: Any, e: np.ndarray, weight: np.ndarray) -> float:
    """Return the shift with the least loss, by finer and finer grids."""
    low, high = -e.max(), -e.min()
    for _ in range(12):
        grid = np.linspace(low, high, 401)
        totals = [(weight * loss(e + c)).sum() for c in grid]
        best = int(np.argmin(totals))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 400)]
    return float(grid[best])


@pytest.mark.parametrize("weight", [pytest.param(None, marks=pytest.mark.slow), W], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_column_against_numpy(name: str, weight: np.ndarray | None) -> None:
    loss, w = LOSSES[name], np.ones(N) if weight is None else weight
    (got,) = losscli.compare([name], y_true=Y, y_pred=P, weight=weight)
    out, sd = flag_by_mad(E, weight)
    assert 60 <= out.sum() < 75

    def mean(e: np.ndarray, rows: np.ndarray) -> float:
        return float(np.average(loss(e), weights=w[rows]))

    every = np.ones(N, dtype=bool)
    value, inner = mean(E, every), mean(E[~out], ~out)
    far = (mean(np.full((~out).sum(), 10 * sd), ~out) + mean(np.full((~out).sum(), -10 * sd), ~out)) / 2
    share = w * loss(E) / (w * loss(E)).sum()
    assert got.value == pytest.approx(value, rel=1e-12)
    assert got.inflation == pytest.approx(value / inner, rel=1e-12)
    assert got.stress == pytest.approx((0.99 * inner + 0.01 * far) / inner, rel=1e-9)
    assert got.effective_n == pytest.approx(1 / (share**2).sum(), rel=1e-12)
    assert got.top_share == pytest.approx(np.sort(share)[-10:].sum(), rel=1e-12)
    moved = abs(search_grids(loss, E, w) - search_grids(loss, E[~out], w[~out])) / sd
    tolerance = 1e-2 if name[:3] in ("mae", "qua") else 2e-5  # every constant between two middle rows minimises those
    assert got.pull == pytest.approx(moved, abs=tolerance)
    constant = search_grids(loss, -Y, w)
    assert got.skill == pytest.approx(1 - value / mean(constant - Y, every), rel=1e-6)


def test_pull_in_closed_form() -> None:
    def lower_quartile(values: np.ndarray) -> float:  # the midpoint of the minimizers of the pinball loss
        return float(np.quantile(values, 0.25, method="averaged_inverted_cdf"))

    out, sd = flag_by_mad(E, None)
    compared = {c.label: c for c in losscli.compare(["mse", "rmse", "mae", "quantile:tau=0.25"], y_true=Y, y_pred=P)}
    assert compared["mse"].pull == pytest.approx(abs(E.mean() - E[~out].mean()) / sd, rel=1e-12)
    assert compared["rmse"].pull == compared["mse"].pull
    assert compared["mae"].pull == pytest.approx(abs(np.median(E) - np.median(E[~out])) / sd, rel=1e-12)
    moved = abs(lower_quartile(-E) - lower_quartile(-E[~out])) / sd
    assert compared["quantile:tau=0.25"].pull == pytest.approx(moved, rel=1e-12)


OPTIMIZED = {
    "huber": lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5),
    "log_cosh": lambda e: np.logaddexp(e, -e) - np.log(2),
    "cauchy": lambda e: 2.3849**2 / 2 * np.log1p((e / 2.3849) ** 2),
    "linex:a=0.1": lambda e: np.exp(0.1 * e) - 0.1 * e - 1,
    "welsch": lambda e: 2.9846**2 / 2 * -np.expm1(-((e / 2.9846) ** 2)),
    "expectile:tau=0.8": lambda e: np.where(e > 0, 0.2, 0.8) * e**2,
}


@pytest.mark.parametrize("weight", [None, W], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", OPTIMIZED)
def test_pull_against_scipy(name: str, weight: np.ndarray | None) -> None:
    loss, w = OPTIMIZED[name], np.ones(N) if weight is None else weight
    out, sd = flag_by_mad(E, weight)

    def best(rows: np.ndarray) -> float:
        def risk(c: float) -> float:
            return float(np.average(loss(E[rows] + c), weights=w[rows]))

        middle = -float(np.median(E[rows]))
        reach = 3 if name in ("cauchy", "welsch") else 20  # not convex: the global minimum is where most rows are
        return float(minimize_scalar(risk, bounds=(middle - reach, middle + reach), options={"xatol": 1e-10}).x)

    (got,) = losscli.compare([name], y_true=Y, y_pred=P, weight=weight)
    assert got.pull == pytest.approx(abs(best(np.ones(N, dtype=bool)) - best(~out)) / sd, abs=1e-6)


def test_a_sample_finds_the_same_minimum() -> None:
    exact = [c.pull for c in losscli.compare(["huber", "log_cosh", "tukey"], y_true=Y, y_pred=P, sort="loss")]
    losses = registry.resolve(grammar.parse_specs("huber,log_cosh,tukey"))
    sources = Sources(ArraysTable("", "arrays", {"y_true": Y, "y_pred": P}))
    dataset, run = binding.bind(losses, sources, EvaluationOptions(), pytest.fail)
    options = CompareOptions(sort="loss", rows_per_sample=100)
    near = [c.pull for c in compare_run(dataset, run, options)]
    np.testing.assert_allclose(near, exact, atol=2e-3)
    assert near != exact


# ------------------------------------------------------------------------------------------------- outlier rules


def test_each_rule_flags_its_rows() -> None:
    first, third = np.quantile(E, (0.25, 0.75))
    beyond = (E < first - 1.5 * (third - first)) | (E > third + 1.5 * (third - first))
    ruled = losscli.compare(["mse"], y_true=Y, y_pred=P, outliers="iqr:1.5")
    assert ruled.outliers == tuple(np.flatnonzero(beyond) + 1)
    top = losscli.compare(["mse", "mae"], y_true=Y, y_pred=P, outliers="top:2%")
    assert top.outliers == tuple(sorted(np.argsort(-np.abs(E))[:20] + 1))
    column = losscli.compare(["mse"], data={"y_true": Y, "y_pred": P, "bad": E > 10}, outliers="column:bad")
    assert column.outliers == tuple(range(1, 61))
    assert column[0].inflation == pytest.approx((E**2).mean() / (E[60:] ** 2).mean(), rel=1e-12)


def test_top_is_by_the_mean_of_ranks() -> None:
    y, p = np.array([0, 1, 1, 0, 1.0]), np.array([0.1, 0.8, 0.2, 0.45, 0.5])
    compared = losscli.compare(["bce", "brier"], y_true=y, y_pred=p, outliers="top:40%")
    assert compared.rule == "top:40%"
    assert compared.outliers == (3, 5)
    default = losscli.compare(["bce"], y_true=y, y_pred=p)
    assert (default.rule, default.outliers) == ("top:1%", (3,))


@pytest.mark.parametrize("rule", ["mad", "mad:0", "mad:x", "top:5", "top:0%", "top:100%", "iqr:-1", "none", "column:"])
def test_wrong_rules_are_refused(cli: Cli, rule: str) -> None:
    result = cli("compare", "--losses", "mse", "--outliers", rule, stdin=b"y_true,y_pred\n1,2\n")
    assert (result.status, result.out) == (2, "")
    assert f"--outliers {rule}" in result.err
    assert result.err.count("\n") == 1


def test_a_column_of_flags_must_hold_flags(cli: Cli) -> None:
    data = b"y_true,y_pred,bad\n1,2,0\n3,4,1\n5,6,maybe\n"
    result = cli("compare", "--losses", "mse", "--outliers", "column:bad", stdin=data)
    assert (result.status, result.out) == (3, "")
    assert "'bad', row 3: 'maybe'" in result.err
    lacking = cli("compare", "--losses", "mse", "--outliers", "column:worse", stdin=data)
    assert (lacking.status, "'worse'" in lacking.err, "bad" in lacking.err) == (3, True, True)


# -------------------------------------------------------------------------------------- losses without a residual


def test_skill_of_classifiers() -> None:
    y, p = RNG.integers(0, 2, size=400), RNG.uniform(0.05, 0.95, size=400)
    rate = y.mean()
    compared = {
        c.label: c for c in losscli.compare(["bce", "brier", "zero_one", "bce:from_logits=true"], y_true=y, y_pred=p)
    }
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert compared["bce"].skill == pytest.approx(1 - compared["bce"].value / entropy, rel=1e-9)
    assert compared["brier"].skill == pytest.approx(1 - compared["brier"].value / (rate * (1 - rate)), rel=1e-9)
    worst = min(rate, 1 - rate)
    assert compared["zero_one"].skill == pytest.approx(1 - compared["zero_one"].value / worst, rel=1e-9)
    logits = compared["bce:from_logits=true"]
    assert logits.skill == pytest.approx(1 - logits.value / entropy, rel=1e-9)
    assert compared["bce"].pull is None
    assert compared["bce"].stress is None


def test_skill_of_classes() -> None:
    y, p = RNG.integers(0, 3, size=300), RNG.dirichlet((2, 2, 2), size=300)
    shares = np.bincount(y) / 300
    compared = {c.label: c for c in losscli.compare(["cross_entropy", "brier", "zero_one"], y_true=y, y_pred=p)}
    entropy = -(shares * np.log(shares)).sum()
    assert compared["cross_entropy"].skill == pytest.approx(1 - compared["cross_entropy"].value / entropy, rel=1e-9)
    gini = 1 - (shares**2).sum()
    assert compared["brier"].skill == pytest.approx(1 - compared["brier"].value / gini, rel=1e-9)
    assert compared["zero_one"].skill == pytest.approx(1 - compared["zero_one"].value / (1 - shares.max()), rel=1e-9)


def test_bounds_are_those_of_the_parameters() -> None:
    names = ["mse", "mae", "tukey", "barron:alpha=1", "barron:alpha=-2", "cauchy", "linex:a=1", "smape"]
    compared = {c.label: c for c in losscli.compare(names, y_true=Y, y_pred=P)}
    found = {label: (c.bounded_value, c.bounded_gradient) for label, c in compared.items()}
    assert found == {
        "mse": (False, False),
        "mae": (False, True),
        "tukey": (True, True),
        "barron": (False, True),
        "barron:alpha=-2": (True, True),
        "cauchy": (False, True),
        "linex": (False, False),
        "smape": (True, False),
    }


def bounds_of(names: list[str], **arrays: Any) -> dict[str, tuple[bool | None, bool | None]]:
    return {c.label: (c.bounded_value, c.bounded_gradient) for c in losscli.compare(names, **arrays)}


def test_the_same_function_has_the_same_bounds() -> None:
    y, logits = [0, 1, 1, 0], [0.2, -1.0, 3.0, 0.5]
    binary = ["bce:from_logits=true", "soft_margin", "focal:from_logits=true", "asymmetric:from_logits=true"]
    assert set(bounds_of(binary, y_true=y, y_pred=logits).values()) == {(False, True)}
    scores = np.arange(12.0).reshape(4, 3)
    several = ["cross_entropy:from_logits=true", "softmax_loss", "poly:from_logits=true", "multi_margin"]
    assert set(bounds_of(several, y_true=[0, 1, 2, 0], y_pred=scores).values()) == {(False, True)}
    assert bounds_of(["multi_margin:p=2"], y_true=[0, 1, 2, 0], y_pred=scores)["multi_margin:p=2"] == (False, False)


@pytest.mark.slow
def test_bounds_depend_on_the_targets_and_the_reduction() -> None:
    assert bounds_of(["mape", "mape:eps=0.1"], y_true=Y, y_pred=P) == {
        "mape": (False, False),
        "mape:eps=0.1": (False, True),
    }
    assert bounds_of(["medae", "max_error"], y_true=Y, y_pred=P) == {"medae": (True, True), "max_error": (False, True)}
    assert bounds_of(["mse"], y_true=Y, y_pred=P, reduction="median")["mse"] == (True, False)
    assert bounds_of(["medae"], y_true=Y, y_pred=P, reduction="sum")["medae"] == (False, True)
    assert bounds_of(["medae"], y_true=[1.0, 2.0], y_pred=[2.0, 4.0])["medae"] == (False, True)  # a mean of the two
    heavy = np.where(np.arange(len(Y)) == 0, 2.0 * len(Y), 1.0)
    assert bounds_of(["medae"], y_true=Y, y_pred=P, weight=heavy)["medae"] == (False, True)


SQUARES = """
import losscli
import numpy as np
from losscli.declaration.domains import Array, Real

def declare(family: str, name: str) -> None:
    @losscli.loss(family=family, formula="e²", name=name)
    def kernel(y_true: Real, y_pred: Real) -> Array:
        return np.square(y_pred - y_true)

declare("regression", "plain_square")
declare("own", "other_square")
"""


def test_bounds_that_a_loss_does_not_declare_are_tried_or_unknown(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "squares.py").write_text(SQUARES)
    names = "plain_square,other_square"
    data = b"y_true,y_pred\n1,2\n3,4\n5,6.5\n7,8.5\n"
    result = cli("compare", "--plugin", "squares.py", "--losses", names, "-f", "json", stdin=data)
    found = {loss["name"]: loss["bounded_value"] for loss in json.loads(result.out)["losses"]}
    assert found == {"plain_square": False, "other_square": None}
    assert "not declared" in cli("explain", "--plugin", "squares.py", "other_square").out


# ------------------------------------------------------------------------------------------ degenerate data


def compare_mse(**arrays: Any) -> Any:
    return losscli.compare(["mse"], **arrays)[0]


def test_one_row() -> None:
    loss = compare_mse(y_true=[1.0], y_pred=[3.0])
    assert (loss.value, loss.effective_n, loss.top_share) == (4.0, 1.0, 1.0)
    assert (loss.inflation, loss.pull, loss.stress, loss.skill) == (1.0, None, None, None)


def test_perfect_predictions() -> None:
    loss = compare_mse(y_true=[1.0, 2.0, 4.0], y_pred=[1.0, 2.0, 4.0])
    assert loss.value == 0
    assert (loss.inflation, loss.pull, loss.stress, loss.effective_n, loss.top_share) == (None,) * 5


def test_all_rows_equal() -> None:
    loss = compare_mse(y_true=[1.0] * 5, y_pred=[2.0] * 5)
    assert (loss.inflation, loss.pull, loss.stress, loss.skill) == (1.0, None, None, None)
    assert loss.effective_n == pytest.approx(5)


def test_mad_of_zero() -> None:
    compared = losscli.compare(["mse"], y_true=[0.0] * 5, y_pred=[1.0, 1.0, 1.0, 1.0, 9.0])
    assert compared.outliers is None
    assert (compared[0].rank, compared[0].inflation, compared[0].pull, compared[0].stress) == (None,) * 4
    assert "MAD" in compared.notes[0]


def test_all_outliers() -> None:
    compared = losscli.compare(["mse"], data={"y_true": [1, 2], "y_pred": [2, 4], "bad": [1, 1]}, outliers="column:bad")
    assert (compared[0].rank, compared[0].inflation, compared[0].pull, compared[0].stress) == (None,) * 4
    assert "every row is an outlier" in compared.notes[0]


def test_losses_below_zero() -> None:
    compared = losscli.compare(["cosine_similarity"], y_true=[[1, 0], [0, 1.0]], y_pred=[[1, 0], [1, 0.0]])
    loss = compared[0]
    assert (loss.inflation, loss.effective_n, loss.top_share, loss.skill) == (None,) * 4


def test_out_of_domain_is_no_answer() -> None:
    loss = losscli.compare(["msle"], y_true=np.arange(1.0, 30), y_pred=np.arange(1.0, 30) ** 1.2)[0]
    assert loss.stress is None  # 10 standard deviations below is below -1
    assert loss.pull is not None


# ---------------------------------------------------------------------------------------------- what is printed


def test_show_outliers_and_sort(cli: Cli) -> None:
    rows = "\n".join(f"r{i},{a!r},{b!r}" for i, (a, b) in enumerate(zip(Y.tolist(), P.tolist(), strict=True)))
    data = f"id,y_true,y_pred\n{rows}\n".encode()
    listed = cli("compare", "--losses", "mse,mae", "--show-outliers", "3", "--id", "id", stdin=data)
    lines = [line.split("\t") for line in listed.out.splitlines()]
    assert lines[0] == ["id", "y_true", "y_pred", "residual", "share of mse", "share of mae"]
    worst = np.argsort(-np.abs(E))[:3]
    assert [line[0] for line in lines[1:]] == [f"r{i}" for i in worst]
    assert float(lines[1][4]) == pytest.approx((E**2 / (E**2).sum())[worst[0]])
    document = json.loads(cli("compare", "--losses", "mse,mae", "--show-outliers", "2", "-f", "json", stdin=data).out)
    assert [row["row"] for row in document["outliers"]["rows"]] == (worst[:2] + 1).tolist()
    falling = cli("compare", "--losses", "mse,mae,huber", "--sort=-effective_n", stdin=data).out.splitlines()[1:]
    numbers = [float(line.split("\t")[6]) for line in falling]
    assert numbers == sorted(numbers, reverse=True)
    refused = cli("compare", "--losses", "mse", "--sort", "best", stdin=data)
    assert (refused.status, "'best'" in refused.err) == (2, True)


def test_gates_on_what_compare_measures(cli: Cli) -> None:
    data = b"y_true,y_pred\n1,2\n3,4\n5,6.5\n7,8.5\n9,30\n"
    assert cli("compare", "--losses", "mse", "--fail-if", "mse.pull>0.1", stdin=data).status == 1
    assert cli("compare", "--losses", "mse", "--fail-if", "mse.top_share>0.99", stdin=data).status == 0


def test_json_holds_every_column(cli: Cli) -> None:
    data = b"y_true,y_pred\n1,2\n3,4\n5,6.5\n7,8.5\n9,30\n"
    (loss,) = json.loads(cli("compare", "--losses", "mse", "-f", "json", stdin=data).out)["losses"]
    for key in ("rank", "value", "inflation", "pull", "stress", "effective_n", "top_share", "skill"):
        assert math.isfinite(loss[key])
    assert (loss["bounded_value"], loss["bounded_gradient"]) == (False, False)


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("level", [0.1, 0.25, 0.5, 0.9])
def test_the_closed_form_of_a_quantile_is_the_midpoint_of_its_minimizers(n: int, level: float) -> None:
    values = np.random.default_rng(n).normal(size=n)
    found = minimize_in_closed_form(Functional("quantile", level), values, None)
    distances = values[None, :] - np.array([found, *values])[:, None]
    losses = np.maximum(level * distances, (level - 1) * distances).sum(axis=1)
    best = [value for value, loss in zip(values, losses[1:], strict=True) if loss <= losses[1:].min() + 1e-12]
    assert losses[0] <= losses[1:].min() + 1e-12
    assert found == pytest.approx((min(best) + max(best)) / 2, abs=1e-15)


@pytest.mark.parametrize(
    ("beyond", "left_out"), [(0, None), (1, None), (2, "2 more notes on groups and models are left out")]
)
def test_notes_on_groups_are_counted_where_several_are_left_out(beyond: int, left_out: str | None) -> None:
    n = MAX_GROUP_NOTES + beyond
    notes = list(merge_notes([[Message(str(i))] for i in range(n)], [f"g{i}" for i in range(n)]))
    shown = [f"g{i}: {i}" for i in range(n if left_out is None else MAX_GROUP_NOTES)]
    assert notes == [*shown, *([left_out] if left_out else [])]
