"""Losses of censored times: what they refuse, ties, weights, the order of rows, and gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.data.role_names import is_role_name
from tests.conftest import Cli

RNG = np.random.default_rng(17)
N = 60
TIME = np.ceil(RNG.exponential(4, size=N))  # many ties
EVENT = RNG.integers(0, 2, size=N)
SCORE = RNG.normal(size=N) * 2
CURVES = np.sort(RNG.uniform(size=(N, 3)), axis=1)[:, ::-1]
COUPLED: dict[str, np.ndarray] = {
    "cox": SCORE,
    "cox:ties=efron": SCORE,
    "ipcw_brier:at=3.5": CURVES[:, 1],
    "ipcw_brier:at=4:censoring=before": CURVES[:, 1],
    "integrated_brier:times=1/3.5/6": CURVES,
}
"""Losses that need all rows -> predictions."""


def compute(loss: str, rows: Any = slice(None), **more: Any) -> losscli.LossResult:
    arrays = {"time": TIME[rows], "event": EVENT[rows], "y_pred": COUPLED[loss][rows]}
    return losscli.compute(loss, **arrays, **more)


@pytest.mark.parametrize("loss", COUPLED)
def test_the_order_of_rows_changes_nothing_beside_ties_and_weights(loss: str) -> None:
    order, weight = RNG.permutation(N), RNG.uniform(0.1, 3, size=N)
    weight[:5] = 0
    here, there = (compute(loss, rows, weight=weight[rows], gradient=True) for rows in (np.arange(N), order))
    np.testing.assert_allclose(here.value, there.value, rtol=1e-12)
    present = weight[order] > 0
    np.testing.assert_allclose(here.per_sample[order][present], there.per_sample[present], rtol=1e-12)
    np.testing.assert_allclose(here.gradient[order][present], there.gradient[present], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("loss", [loss for loss in COUPLED if "efron" not in loss])
def test_weights_are_copies_of_rows(loss: str) -> None:
    weight = RNG.integers(0, 4, size=N)
    copies = np.repeat(np.arange(N), weight)
    weighted, repeated = compute(loss, weight=weight, gradient=True), compute(loss, copies, gradient=True)
    np.testing.assert_allclose(weighted.value, repeated.value, rtol=1e-12)
    first = np.flatnonzero(np.diff(copies, prepend=-1))
    present = weight > 0
    np.testing.assert_allclose(weighted.per_sample[present], repeated.per_sample[first], rtol=1e-12)


ORDERS = {"risk": SCORE, "risk with ties": np.round(SCORE), "time": -SCORE}


def discordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray, weight: np.ndarray) -> float:
    """The share of discordant pairs, pair by pair."""
    first, later = (event == 1)[:, None], (time > time[:, None]) | ((time == time[:, None]) & (event == 0))
    pairs = (first & later) * weight * weight[:, None]
    return float((pairs * ((risk > risk[:, None]) + (risk == risk[:, None]) / 2)).sum() / pairs.sum())


@pytest.mark.parametrize("name", ORDERS)
def test_concordance_is_that_of_all_pairs(name: str) -> None:
    predicts, weight = name.partition(" ")[0], RNG.uniform(0.1, 3, size=N)
    roles = {"time": TIME, "event": EVENT, "y_pred": ORDERS[name]}
    risk = -ORDERS[name] if predicts == "time" else ORDERS[name]
    for w in (np.ones(N), weight, RNG.integers(0, 3, size=N)):
        found = losscli.compute("concordance_loss", predicts=predicts, weight=w, **roles).value
        np.testing.assert_allclose(found, discordance(TIME, EVENT, risk, w), rtol=1e-12)
    order = RNG.permutation(N)
    shuffled = {role: values[order] for role, values in roles.items()}
    found = losscli.compute("concordance_loss", predicts=predicts, weight=weight[order], **shuffled).value
    np.testing.assert_allclose(found, discordance(TIME, EVENT, risk, weight), rtol=1e-12)


def test_a_perfect_order_has_a_loss_of_zero_whatever_the_weights() -> None:
    weight = RNG.uniform(1e-3, 1e3, size=N)
    assert losscli.compute("concordance_loss", time=TIME, event=EVENT, y_pred=-TIME, weight=weight).value > 0  # ties
    time = np.arange(1.0, N + 1)
    assert losscli.compute("concordance_loss", time=time, event=EVENT, y_pred=-time, weight=weight).value == 0


def test_without_a_pair_there_is_no_concordance(cli: Cli) -> None:
    found = cli("compute", "concordance_loss", "-f", "value", stdin=b"time,event,y_pred\n1,0,0.5\n2,1,0.1\n")
    assert (found.status, found.out) == (4, "nan\n")
    assert "no two rows can be compared" in found.err


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_without_an_event_there_is_no_partial_likelihood(ties: str, cli: Cli) -> None:
    found = cli("compute", f"cox:ties={ties}", "-f", "value", stdin=b"time,event,y_pred\n1,0,0.5\n2,0,0.1\n")
    assert (found.status, found.out) == (4, "nan\n")
    assert "'event', row 1: no row has an event, so there is no loss" in found.err
    quiet = cli("compute", f"cox:ties={ties}", "-q", stdin=b"time,event,y_pred\n1,0,0.5\n2,0,0.1\n")
    name = f"cox:ties={ties}".removesuffix(":ties=breslow")
    assert (quiet.status, quiet.err) == (
        4,
        f"losscli: error: {name} is nan: no row has an event, so there is no loss\n",
    )
    lacking = b"time,event,y_pred\n1,0,0.5\n2,1,\n3,1,1\n"  # here it is a row without a value
    assert "no row has an event" not in cli("compute", "cox", "--nan", "propagate", stdin=lacking).err
    with pytest.warns(UserWarning, match="no row has an event"):
        result = losscli.compute("cox", ties=ties, time=[1, 2, 3], event=[0, 0, 1], y_pred=[1, 2, 3], weight=[1, 1, 0])
    assert np.isnan(result.value)


def test_groups_of_coupled_losses_have_a_note(cli: Cli) -> None:
    rows = b"time,event,y_pred,g\n1,1,0.5,a\n2,1,0.2,b\n3,1,0.1,a\n3,0,0.1,b\n"
    found = cli("compute", "cox,ipcw_brier:at=2,concordance_loss", "--group-by", "g", stdin=rows)
    assert found.status == 0
    assert found.err.count("note: cox, ipcw_brier:at=2: the rows at risk are those of all groups\n") == 1
    whole = losscli.compute("cox", time=[1, 2, 3, 3], event=[1, 1, 1, 0], y_pred=[0.5, 0.2, 0.1, 0.1])
    assert float(found.out.splitlines()[1].split("\t")[3]) == pytest.approx(whole.per_sample[[0, 2]].mean(), rel=1e-12)
    for other in (["cox"], ["concordance_loss", "--group-by", "g"]):
        assert "at risk" not in cli("compute", *other, stdin=rows).err


# ------------------------------------------------------------------------------------------------- gradients


def log_sum_exp(x: np.ndarray) -> float:
    return float(x.max() + np.log(np.exp(x - x.max()).sum()))


def cox_by_events(
    time: np.ndarray, event: np.ndarray, score: np.ndarray, weight: np.ndarray, efron: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The losses and the gradient, event by event."""
    logs, losses, slope = score + np.log(weight), np.zeros(len(time)), np.zeros(len(time))
    for i in np.flatnonzero(event):
        at_risk, tied = time >= time[i], (time == time[i]) & (event == 1)
        for k in range(tied.sum() if efron else 1):
            left = np.log(np.where(tied, 1 - k / tied.sum(), 1.0))
            total = log_sum_exp((logs + left)[at_risk])
            part = 1 / tied.sum() if efron else 1.0
            losses[i] += part * (total - score[i])
            slope[at_risk] += part * np.exp((logs + left)[at_risk] - total)
        slope[i] -= 1
    return losses, slope


@pytest.mark.parametrize("efron", [False, True])
@pytest.mark.parametrize("spread", [1.0, 700.0], ids=["usual scores", "scores beyond the range of exp"])
def test_cox_and_its_gradient_with_ties_and_weights(efron: bool, spread: float) -> None:
    weight, score = RNG.uniform(0.1, 3, size=N), SCORE * spread
    losses, slope = cox_by_events(TIME, EVENT, score, weight, efron)
    ties = "efron" if efron else "breslow"
    found = losscli.compute("cox", ties=ties, time=TIME, event=EVENT, y_pred=score, weight=weight, gradient=True)
    np.testing.assert_allclose(found.per_sample, losses, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-9, atol=1e-9)


def test_cox_of_an_event_that_outweighs_all_others_keeps_its_digits() -> None:
    found = losscli.compute("cox", time=[1, 2, 3], event=[1, 0, 1], y_pred=[25.0, 0.0, 0.0])
    np.testing.assert_allclose(found.per_sample, [np.log1p(2 * np.exp(-25)), 0, 0], rtol=1e-14)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cox_with_weights_keeps_its_digits_beside_a_common_offset(ties: str) -> None:
    rows = {"time": [1, 2, 3], "event": [1, 1, 1], "y_pred": [1000000.2, 999999.7, 1000001.25], "weight": [1, 2, 0.25]}
    found = losscli.compute("cox", ties=ties, gradient=True, **rows)
    assert found.value == pytest.approx(0.93538066343309929709, rel=1e-14)
    expected = [-0.658408591778707218, 0.0437241753649498472, 0.614684416413757371]
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("ties", "time", "score", "expected"),
    [
        ("breslow", [1, 2], [30.0, 0.0], [-9.35762296883929895e-14, 9.35762296883929895e-14]),
        ("efron", [1, 2], [30.0, 0.0], [-9.35762296883929895e-14, 9.35762296883929895e-14]),
        ("breslow", [1, 1, 2], [30.0, 30.0, 0.0], [-4.67881148441986839e-14] * 2 + [9.35762296883973678e-14]),
        ("efron", [1, 1, 2], [30.0, 30.0, 0.0], [-7.01821722662958367e-14] * 2 + [1.40364344532591673e-13]),
        (
            "efron",
            [1, 1, 1, 2],
            [30.0, 30.0, 29.5, 0.0],
            [0.1509551935715763266, 0.1509551935715763266, -0.30191038714335010695, 1.97453753850303859e-13],
        ),
    ],
)
def test_the_gradient_of_cox_for_scores_far_apart_keeps_its_digits(
    ties: str, time: list[int], score: list[float], expected: list[float]
) -> None:
    found = losscli.compute("cox", ties=ties, time=time, event=[1] * len(time), y_pred=score, gradient=True)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-13)


BOUNDS = {
    "lower": np.array([1.0, 2.0, 0.0, 0.0, 1.5, 2.0, 0.1, 3.0]),
    "upper": np.array([1.0, np.inf, 4.0, np.inf, 3.0, 2.0001, 50.0, 1e6]),
    "y_pred": np.array([0.5, -3.0, 4.0, 1.0, 0.9, 0.4, 1.0, -6.0]),
}


@pytest.mark.parametrize("distribution", ["normal", "logistic", "extreme"])
def test_the_gradient_of_aft_for_each_kind_of_censoring(distribution: str) -> None:
    loss = losscli.get_loss("aft", distribution=distribution, scale=0.7)
    step = 1e-5
    above, below = (loss(**(BOUNDS | {"y_pred": BOUNDS["y_pred"] + move})) for move in (step, -step))
    np.testing.assert_allclose(loss.gradient(**BOUNDS), (above - below) / (2 * step), rtol=1e-6, atol=1e-9)
    assert loss(**BOUNDS)[3] == 0  # nothing is known


def test_a_time_with_its_event_is_a_pair_of_bounds() -> None:
    upper = np.where(EVENT == 1, TIME, np.inf)
    for loss in (losscli.get_loss("aft"), losscli.get_loss("aft", distribution="extreme", scale=0.5)):
        assert (loss(TIME, EVENT, SCORE) == loss(lower=TIME, upper=upper, y_pred=SCORE)).all()


def test_weibull_is_aft_of_the_extreme_distribution() -> None:
    weibull = losscli.get_loss("weibull_nll")(TIME, EVENT, np.exp(SCORE), np.full(N, 2.0))
    extreme = losscli.get_loss("aft", distribution="extreme", scale=0.5)(TIME, EVENT, SCORE)
    np.testing.assert_allclose(weibull, extreme, rtol=1e-12)


# ---------------------------------------------------------------------------------------------- what is refused

ROWS = b"time,event,y_pred,lower,upper\n1,1,0.5,1,2\n3,0,0.2,2,inf\n"


@pytest.mark.parametrize(
    ("loss", "old", "new", "status", "fragments"),
    [
        ("cox", b"\n1,1", b"\n1,2", 3, ["'event', row 1: 2 is not 1 (the event was seen) or 0 (censored)"]),
        ("cox", b"3,0,", b"3,2,", 3, ["row 2: 2 is not 1", "subtract 1 from codes 1 and 2"]),
        ("cox", b"3,0,", b"3,-1,", 3, ["row 2: -1 is not 1"]),
        ("cox", b"3,0,", b"0,0,", 3, ["'time', row 2: 0 is not > 0 and finite, as times must be"]),
        ("cox", b"3,0,", b"inf,0,", 3, ["'time', row 2: inf is not > 0 and finite"]),
        ("aft:scale=0", b"", b"", 2, ["scale=0 must be > 0 and finite"]),
        ("ipcw_brier", b"", b"", 2, ["ipcw_brier needs its parameter at, > 0 and finite"]),
        ("ipcw_brier:at=1", b",0.2,", b",1.2,", 3, ["'y_pred', row 2: 1.2 is not in [0, 1]"]),
        ("integrated_brier:times=3/1", b"", b"", 2, ["integrated_brier: times=3/1 must increase"]),
        ("integrated_brier:times=3", b"", b"", 2, ["two or more numbers > 0 and finite that increase, as 2/4/6"]),
    ],
)
def test_what_is_refused(loss: str, old: bytes, new: bytes, status: int, fragments: list[str], cli: Cli) -> None:
    found = cli("compute", loss, "-", stdin=ROWS.replace(old, new, 1))
    assert (found.status, found.out) == (status, "")
    assert found.err.count("\n") == 1
    for fragment in fragments:
        assert fragment in found.err


def test_bounds_out_of_order_and_columns_that_are_not_the_times_are_refused(cli: Cli) -> None:
    bounds = b"lower,upper,y_pred\n1,2,0\n3,2,0\n"
    assert "column 'upper', row 2: 2 is below lower" in cli("compute", "aft", stdin=bounds).err
    assert "row 2: 0 is not > 0" in cli("compute", "aft", stdin=b"lower,upper,y_pred\n1,2,0\n0,0,0\n").err
    with pytest.raises(losscli.UsageError, match="times has 2 numbers, the data 3 columns of y_pred"):
        losscli.compute("integrated_brier", times=[1, 2], time=TIME, event=EVENT, y_pred=CURVES)
    with pytest.raises(losscli.DataError, match=r"3 is not an interval of time 0\.\.2: y_pred has 3 of them"):
        losscli.compute("logistic_hazard_nll", time=[0, 3], event=[1, 1], y_pred=CURVES[:2])


def test_a_curve_of_censoring_that_reaches_zero_gives_inf() -> None:
    assert losscli.compute("ipcw_brier:at=2", time=[1, 2, 2], event=[1, 1, 0], y_pred=[0.1, 0.2, 0.3]).value == np.inf
    before = losscli.compute("ipcw_brier:at=2:censoring=before", time=[1, 2, 2], event=[1, 1, 0], y_pred=[0.1, 0.2, 1])
    np.testing.assert_allclose(before.per_sample, [0.01, 0.04, 0.0], rtol=1e-12)


def test_usual_names_of_columns_and_events_that_are_words(cli: Cli, tmp_path: Path) -> None:
    rows = b"duration,status,score\n5,True,0.5\n8,False,-0.2\n2,true,1.1\n"
    expected = losscli.compute("cox", time=[5, 8, 2], event=[1, 0, 1], y_pred=[0.5, -0.2, 1.1]).value
    (tmp_path / "d.csv").write_bytes(rows)
    for data in ([str(tmp_path / "d.csv")], []):
        assert float(cli("compute", "cox", *data, "-f", "value", stdin=rows).out) == expected
    assert not is_role_name("event_id")  # it remains a key
    assert not is_role_name("status")


def test_names_of_columns_say_the_times(cli: Cli) -> None:
    """Listed columns are in the order of the times, whatever they are called."""
    rows = b"time,event,surv_6,surv_12,surv_3\n4,1,0.7,0.2,0.9\n9,0,0.8,0.5,0.95\n13,1,0.9,0.6,0.97\n"
    found = cli("compute", "integrated_brier", "-f", "value", stdin=rows)
    typed = ("integrated_brier:times=3/6/12", "--pred", "surv_3,surv_6,surv_12", "-f", "value")
    assert (found.out, cli("compute", *typed, stdin=rows).err) == (cli("compute", *typed, stdin=rows).out, "")
    assert "times=3/6/12, as the names of the columns 'surv_3' to 'surv_12' say" in found.err
    other = cli("compute", *typed[:2], "surv_6,surv_3,surv_12", "-f", "value", stdin=rows)
    assert other.out != found.out
    assert "column 'surv_6' is read as the probability to survive 3, as times says" in other.err
    advice = cli("recommend", "--pred", "surv_*", stdin=rows).out
    assert "use\tintegrated_brier:times=3/6/12\t" in advice


def test_survival_data_without_predictions_lacks_these_alone(cli: Cli) -> None:
    error = cli("recommend", stdin=b"time,event,risk\n1,1,2\n2,0,3\n").err
    assert "no column for y_pred, which concordance_loss needs" in error
