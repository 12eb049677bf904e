"""What a loss declares that no statistic of it may claim: a ranking, an interval, ratios of its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import losscli
from losscli import compare
from losscli.declaration.domains import Array, Real
from losscli.registry import all_losses
from tests.conftest import Cli, write_csv

RNG = np.random.default_rng(5)
TRUTH = RNG.normal(size=40)
GOOD, LOW = TRUTH + RNG.normal(size=40) / 10, TRUTH - 1 + RNG.normal(size=40) / 10

# ------------------------------------------------------------------------------------------------- it ranks nothing


def test_a_loss_that_ranks_nothing_has_differences_and_no_verdict() -> None:
    found = compare("bias,mae", y_true=TRUTH, models={"good": GOOD, "low": LOW})
    rows, (bias, mae) = {(row.label, row.model): row for row in found}, found.contests
    assert (list(bias.values), bias.reference, bias.to_dict()["best"]) == (["good", "low"], "good", None)
    low = rows["bias", "low"]
    assert low.value == pytest.approx((LOW - TRUTH).mean())
    assert low.difference == pytest.approx((LOW - GOOD).mean())
    assert low.diff_low is not None
    assert low.diff_high is not None
    assert low.diff_low < (LOW - GOOD).mean() < low.diff_high < 0
    for model in ("good", "low"):
        row = rows["bias", model]
        assert [row.rank, row.verdict, row.p, row.flip, row.pull, row.relative, row.skill] == [None] * 7
    assert (mae.verdict("good"), mae.verdict("low")) == ("best", "worse")
    assert [note for note in found.notes if "bias" in note] == ["bias ranks nothing: it tells a direction"]


def test_a_loss_that_ranks_nothing_has_no_place_on_the_leaderboard() -> None:
    models: dict[str, Any] = {"good": GOOD, "low": LOW}
    board = compare("bias,mae", y_true=TRUTH, models=models).leaderboard
    assert [(row.model, row.mean_rank) for row in board] == [("good", 1.0), ("low", 2.0)]
    of_bias = board[1].to_dict()["losses"]["bias"]
    assert of_bias == {"value": pytest.approx((LOW - TRUTH).mean()), "rank": None, "best": None, "in_set": None}
    alone = compare("bias", y_true=TRUTH, models=models).leaderboard
    assert [row.mean_rank for row in alone] == [None, None]


def test_one_model_has_no_rank_or_pull_under_a_loss_that_ranks_nothing() -> None:
    found = compare("bias,mae", y_true=np.append(TRUTH, 0.0), y_pred=np.append(GOOD, 9.0))
    assert (found["bias"].rank, found["bias"].pull, found["bias"].inflation) == (None, None, None)
    assert (found["mae"].rank, found["mae"].pull is None) == (1, False)
    assert "bias ranks nothing: it tells a direction" in found.notes


# ----------------------------------------------------------------------------------------------- it has no interval


def calibrated(n: int = 300) -> dict[str, Any]:
    """Probabilities that are right, labels drawn by them, and groups."""
    rng = np.random.default_rng(1)
    p = rng.uniform(size=n)
    return {"y_true": (rng.uniform(size=n) < p).astype(int), "y_pred": p, "site": np.arange(n) % 2}


def test_a_loss_that_declares_so_has_no_interval(cli: Cli) -> None:
    write_csv("d.csv", calibrated())
    name, why = "expected_calibration_error", "no interval: it is biased upwards, and resamples are more so"
    for found in (
        losscli.compute(name, "d.csv", ci=0.95),
        *losscli.compute([name], "d.csv", ci=0.95, group_by="site"),
        losscli.compute(name, "d.csv", ci=0.95, block="auto"),
    ):
        assert found.ci is not None
        assert (found.ci.low, found.ci.method, found.ci.why.startswith(why)) == (None, None, True)
        assert found.value > 0
    assert why in cli("compare", "--losses", name, "d.csv", "--ci", "0.95").err
    assert why in cli("report", "--losses", name, "d.csv", "-o", "page.html").err
    gated = cli("compute", name, "d.csv", "--ci", "0.95", "--fail-if", f"{name}.ci_low>0.9")
    assert (gated.status, "cannot be judged" in gated.err) == (1, True)


def test_a_loss_of_rows_may_declare_that_it_has_no_interval() -> None:
    @losscli.loss(family="regression", formula="e²", no_interval="its rows are no sample")
    def squared_of_all(y_true: Real, y_pred: Real) -> Array:
        return np.square(y_pred - y_true)

    found = losscli.compute(squared_of_all, y_true=TRUTH, y_pred=GOOD, ci=0.9)
    assert found.ci is not None
    assert (found.ci.low, found.ci.why) == (None, "no interval: its rows are no sample")


# ------------------------------------------------------------------------------------------- its zero is arbitrary

RATIOS = ("inflation", "stress", "effective_n", "top_share", "skill")


@pytest.mark.parametrize("unit", [1.0, 1000.0])
@pytest.mark.parametrize("name", ["gaussian_nll", "laplace_nll", "dss"])
def test_ratios_of_a_likelihood_are_empty_in_every_unit(name: str, unit: float) -> None:
    rng = np.random.default_rng(3)
    y, error = rng.normal(size=60), rng.standard_t(2, size=60)
    role = "variance" if name == "gaussian_nll" else "scale"
    data = {"y_true": unit * y, "y_pred": unit * (y + error), role: np.full(60, 2 * unit)}
    found = compare(name, **data)
    assert [getattr(found[0], column) for column in RATIOS] == [None] * 5
    assert (
        f"{name} has no inflation: the zero of such a loss is arbitrary, so ratios and shares mean nothing"
        in found.notes
    )
    assert all(each.ci is None or not each.ci.warning for each in (losscli.compute(name, **data, ci=0.95),))


def test_losses_of_an_arbitrary_zero_are_those_that_logs_shift() -> None:
    declared = {loss.name for loss in all_losses() if loss.arbitrary_zero}
    assert {"gaussian_nll", "dss", "aft", "weibull_nll", "lognormal_nll"} <= declared
    assert not {"crps_ensemble", "mse", "negative_binomial_nll", "bce"} & declared
