"""Losses of forecasts, of their quantiles and their intervals: their columns, notes and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import losscli
from losscli.errors import DataError
from tests.conftest import Cli

Y, P, BASELINE = [3.0, 5.0, 2.5, 7.0], [2.5, 5.0, 4.0, 8.0], [4.0, 4.0, 3.0, 10.0]


# -------------------------------------------------------------------------------------------- relative errors


def test_a_baseline_is_a_column_an_array_or_an_earlier_result(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{y},{p},{b}\n" for y, p, b in zip(Y, P, BASELINE, strict=True))
    found = cli("compute", "rmae", "-f", "json", stdin=f"y_true,y_pred,naive\n{rows}".encode())
    (tmp_path / "earlier.json").write_text(found.out, encoding="utf-8")
    result = losscli.compute("rmae", y_true=Y, y_pred=P, baseline=BASELINE)
    assert result.value == pytest.approx(3 / 5.5, rel=1e-15)
    data = {"y_true": Y, "y_pred": P, "baseline": BASELINE}
    assert losscli.compute("rmae", data, baseline=tmp_path / "earlier.json").baseline.change == 0
    assert losscli.compare("rmae", y_true=Y, y_pred=P, baseline=BASELINE)[0].value == result.value


def test_a_baseline_that_is_right_is_refused_unless_eps_is_set() -> None:
    with pytest.raises(DataError, match=r"baseline, row 2: 5 is y_true itself: .* set eps=\.\.\."):
        losscli.compute("mrae", y_true=Y, y_pred=P, baseline=[4.0, 5.0, 3.0, 10.0])
    assert losscli.compute("mrae:eps=0.5", y_true=[1.0], y_pred=[2.0], baseline=[1.0]).value == 2


def test_a_baseline_that_is_right_in_all_rows_leaves_no_ratio() -> None:
    with pytest.warns(UserWarning, match=r"rmae is nan: .*baseline is right in all rows"):
        assert np.isnan(losscli.compute("rmae", y_true=Y, y_pred=P, baseline=Y).value)


# -------------------------------------------------------------------------------------------------- intervals


@pytest.mark.parametrize("names", ["lower,upper", "lwr,upr", "yhat_lower,yhat_upper"])
def test_the_ends_of_an_interval_are_found_by_their_usual_names(names: str, cli: Cli) -> None:
    found = cli("compute", "interval_score", "-f", "value", stdin=f"y_true,y_pred,{names}\n3,2,1,4\n0,5,1,2\n".encode())
    assert (found.status, found.out) == (0, "12.0\n")


def test_intervals_that_hold_nothing_are_counted() -> None:
    with pytest.warns(UserWarning, match=r"lower, row 1: the lower end is above .* \(and 1 more row like it\)"):
        result = losscli.compute("interval_miss", y_true=[1, 2, 3], lower=[3, 1, 4], upper=[0, 4, 3])
    assert result.per_sample.tolist() == [1, 0, 1]


def test_an_end_that_is_missing_is_named() -> None:
    with pytest.raises(DataError, match="no column for upper"):
        losscli.compute("interval_score", y_true=[1, 2], lower=[0, 1])


# -------------------------------------------------------------------------------------------------- quantiles

QUANTILES = "3,1,2.5,4\n-0.5,-1,0,1\n2,2.5,3,3.5\n7,2,4,6\n"


@pytest.mark.parametrize("names", ["q0.1,q0.5,q0.9", "0.1,0.5,0.9", "p10,p50,p90", "y_pred_q10,y_pred_q50,y_pred_q90"])
def test_names_of_columns_say_the_levels(names: str, cli: Cli) -> None:
    found = cli("compute", "wis", "-f", "csv", stdin=f"y_true,{names}\n{QUANTILES}".encode())
    assert found.status == 0, found.err
    assert found.out.splitlines()[1].startswith("wis:taus=0.1/0.5/0.9,4,0.83333333333333")
    first, _, last = names.split(",")
    assert f"taus=0.1/0.5/0.9, as the names of the columns {first!r} to {last!r} say" in found.err


def test_levels_that_are_typed_choose_columns_by_their_names(cli: Cli) -> None:
    rows = f"y_true,q0.1,q0.5,q0.9\n{QUANTILES}".encode()
    by_names = cli("compute", "multi_quantile:taus=0.9/0.1", "-f", "value", stdin=rows)
    assert (by_names.out, by_names.err) == ("0.3125\n", "")
    typed = cli("compute", "multi_quantile:taus=0.9/0.1", "--pred", "q0.9,q0.1", "-f", "value", stdin=rows)
    assert (typed.out, typed.err) == (by_names.out, "")
    other = cli("compute", "multi_quantile:taus=0.9/0.1", "--pred", "q0.1,q0.9", "-f", "value", stdin=rows)
    assert "column 'q0.1' is read as the quantile of level 0.9, as taus says" in other.err
    assert "y_pred, row 1: quantiles cross" in other.err


def test_a_gate_is_on_the_loss_whose_levels_names_say(cli: Cli) -> None:
    rows = f"y_true,q0.1,q0.5,q0.9\n{QUANTILES}".encode()
    assert cli("compute", "wis", "--fail-if", "wis>0.5", stdin=rows).status == 1
    assert cli("compute", "wis", "--fail-if", "wis>0.9", stdin=rows).status == 0


def test_ends_of_an_interval_say_what_it_leaves_out(cli: Cli) -> None:
    rows = b"y,ets,ets-lo-80,ets-hi-80,ets-lo-95,ets-hi-95\n3,2,1,4,0,5\n0,1,1,2,-1,3\n"
    both = cli("compute", "interval_score", stdin=rows)
    assert both.status == 3
    assert "columns 'ets-lo-95' and 'ets-lo-80' could both be lower" in both.err
    one = cli("compute", "interval_score:alpha=0.2", "-f", "value", stdin=rows)
    assert (one.status, one.out) == (0, "7.0\n")
    chosen = cli("compute", "interval_score", "--column", "lower=ets-lo-80", "--column", "upper=ets-hi-80", stdin=rows)
    assert chosen.out.splitlines()[1].startswith("interval_score:alpha=0.2\t2\t7.0")
    assert "alpha=0.2, as the names of the columns 'ets-lo-80' and 'ets-hi-80' say" in chosen.err


@pytest.mark.parametrize(("loss", "status", "says"), [
    ("multi_quantile:taus=0.1/0.9", 3, "3 quantiles a row, but taus names 2 levels"),
    ("multi_quantile:taus=0.1/0.5/0.5", 2, "taus=0.1/0.5/0.5 has the level 0.5 twice"),
    ("wis:taus=0/0.5/1", 2, "taus=0/0.5/1 must be in (0, 1)"),
    ("wis:taus=0.1/0.5/0.8", 2, "has 0.1 without 0.9: intervals need both of their levels"),
    ("wis", 2, "wis needs its parameter taus, a list of levels in (0, 1), each t beside 1 - t, as 0.1/0.5/0.9"),
])  # fmt: skip
def test_levels_that_do_not_fit_are_refused(loss: str, status: int, says: str, cli: Cli) -> None:
    found = cli("compute", loss, "--pred", "a,b,c", stdin=f"y_true,a,b,c\n{QUANTILES}".encode())
    assert (found.status, says in found.err) == (status, True), found.err


# ----------------------------------------------------------------------------------------------- scaled errors

TRAIN = "unique_id,ds,y\nA,1,1\nA,2,2\nB,1,3\nB,2,5\nD,1,7\n"
FORECASTS = "unique_id,ds,y,ets,naive\nA,3,3,2.5,2\nB,3,6,5,5\nB,4,7,5,5\n"
OF_SERIES = ("--true", "y", "--column", "series=unique_id", "--column", "train=y", "--column", "train_series=unique_id")


def test_series_are_scaled_by_their_own_past(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "forecasts.csv").write_text(FORECASTS, encoding="utf-8")
    files = [str(tmp_path / "forecasts.csv"), *(f"{role}={tmp_path}/train.csv" for role in ("train", "train_series"))]
    found = cli("compute", "mase,msse", *files, *OF_SERIES, "--pred", "ets", "--per-sample", "-f", "csv")
    assert found.status == 0, found.err
    assert [line.split(",")[-2:] for line in found.out.splitlines()[1:]] == [["0.5", "0.25"]] * 2 + [["1.0", "1.0"]]
    both = cli("compare", "--losses", "mase", *files, *OF_SERIES, "--pred", "ets", "--pred", "naive", "-f", "csv")
    assert [line.split(",")[2] for line in both.out.splitlines()[1:]] == [repr(2 / 3), repr(5 / 6)]
    alike = cli("compute", "mase", *files[:2], "--true", "y", "--pred", "ets", "--column", "train=y", "-f", "value")
    assert float(alike.out) == pytest.approx(2 / 3, rel=1e-12)
    assert "series is column 'unique_id'" in alike.err
    values = "\n".join(line.split(",")[TRAIN.splitlines()[0].split(",").index("y")] for line in TRAIN.splitlines())
    (tmp_path / "train.csv").write_text(values)
    one = cli("compute", "mase", *files[:2], "--true", "y", "--pred", "ets", "--column", "train=y", "-f", "value")
    assert float(one.out) == pytest.approx((0.5 + 1 + 2) / 3 / 1.5, rel=1e-12)


SERIES = {"y_true": [1, 2, 3], "y_pred": [1.5, 2, 2], "train": [1, 2, 3, 3], "train_series": ["A", "A", "B", "B"]}


@pytest.mark.parametrize(("changed", "says"), [
    ({"series": ["A", "A", "C"]}, "series, row 3: 'C' is not among the series of train_series"),
    ({"series": ["A", "B", "A"]}, "series, row 2: 'B' is a series that repeats itself"),
    ({"series": ["A"] * 3, "train": [1, 2, 3]}, r"train is \(3,\), train_series is \(4,\)"),
    ({"series": ["A"] * 3, "train": [1, np.nan, 3, 3]}, "train, row 2: nan is not a finite number"),
])  # fmt: skip
def test_series_without_a_scale_are_named(changed: dict[str, list[object]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        losscli.compute("rmsse", **SERIES | changed, nan="omit")


@pytest.mark.parametrize(("roles", "says"), [
    ({"scale": [1, 0, 2]}, "scale, row 2: 0 is a naive error of 0"),
    ({"train": [4, 4, 4]}, "train, row 1: 4 begins a series that repeats itself"),
    ({"train": [4]}, "train, row 1: 4 begins a series that is too short: m=1 needs 2 training rows or more"),
])  # fmt: skip
def test_a_scale_of_zero_is_refused_unless_eps_is_set(roles: dict[str, list[float]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        losscli.compute("mase", y_true=[1, 2, 3], y_pred=[1.5, 2, 2], **roles)


def test_a_row_of_weight_zero_needs_no_series() -> None:
    result = losscli.compute("mase", **SERIES, series=["A", "A", "C"], weight=[1, 1, 0])
    assert result.value == 0.25


def test_one_option_names_the_series_of_both_files(cli: Cli, tmp_path: Path) -> None:
    """Files in the long form of forecasting libraries: the training file has the columns of the forecasts."""
    (tmp_path / "train.csv").write_text("unique_id,ds,y\nA,1,1\nA,2,3\nB,1,10\nB,2,20\n")
    (tmp_path / "test.csv").write_text("unique_id,ds,y,ets\nA,3,4,6\nB,3,30,50\n")
    data = ("test.csv", "train=train.csv", "--true", "y", "--pred", "ets", "-f", "value")
    result = cli("compute", "mase", *data, "--series", "unique_id")
    assert (result.out, result.err) == ("1.5\n", "")
    alike = cli("compute", "mase", *data)  # both files have a column that is usually called so
    assert (alike.out, alike.err.count("series is column 'unique_id'")) == ("1.5\n", 1)
    (tmp_path / "test.csv").write_text("ds,y,ets\n3,4,6\n3,30,50\n")
    assert "train.csv: column 'unique_id' names several series: say which" in cli("compute", "mase", *data).err
    (tmp_path / "train.csv").write_text("ds,y\n1,1\n2,3\n1,10\n2,20\n")
    assert cli("compute", "mase", *data).out == f"{11 / (19 / 3)!r}\n"  # y of train, not ds, as one series
    assert "no loss here reads 'series'" in cli("compute", "mae", "test.csv", *data[2:], "--series", "unique_id").err


@pytest.mark.parametrize(("loss", "rows", "typed", "value"), [
    ("mase", "y_true,y_pred,scale,train\n1,2,1,5\n2,4,1,9\n", ["--column", "train=train"], 0.375),
    ("perplexity", "y_true,p_0,p_1,log_prob\n0,0.9,0.1,-1\n1,0.2,0.8,-1\n", ["--column", "log_prob=log_prob"], np.e),
    ("interval_score", "y_true,lower,upper,a,b\n3,1,2,2,4\n", ["--pred", "a,b"], 2.0),
])  # fmt: skip
def test_the_form_is_that_of_the_roles_that_are_named(
    loss: str, rows: str, typed: list[str], value: float, cli: Cli
) -> None:
    assert float(cli("compute", loss, *typed, "-f", "value", stdin=rows.encode()).out) == pytest.approx(value)


def test_a_file_of_training_rows_comes_before_a_scale(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("train\n1\n2\n4\n")
    (tmp_path / "data.csv").write_text("y_true,y_pred,scale\n1,2,1\n2,4,1\n")
    files = str(tmp_path / "data.csv"), f"train={tmp_path}/train.csv"
    assert cli("compute", "mase", *files, "-f", "value").out == "1.0\n"


@pytest.mark.parametrize("evaluate", [lambda **roles: losscli.get_loss("mase").value(**roles), lambda **roles: (
    losscli.compute("mase", **roles).value
)])  # fmt: skip
def test_series_may_be_integers_in_one_file_and_text_in_the_other(evaluate: Callable[..., float]) -> None:
    """What is no series of the data may have any name."""
    roles = {"y_true": [1, 2, 3], "y_pred": [1.5, 2, 2], "train": [1, 2, 3, 5, 8]}
    assert evaluate(**roles, series=[1, 2, 1], train_series=["1", "1", "2", "2", "C"]) == 0.5
    with pytest.raises(DataError, match="'C' is not among the series"):
        evaluate(**roles, series=["1", "2", "C"], train_series=[1, 1, 2, 2, 2])


def test_a_role_that_is_named_is_read(cli: Cli, tmp_path: Path) -> None:
    """The gradient of an interval is by its two ends as one role, also where columns are called like two."""
    (tmp_path / "ends.csv").write_text("y_true,lower,upper\n3,1,2\n")
    file = str(tmp_path / "ends.csv")
    result = cli("compute", "interval_score", file, "--gradient")
    assert "has no gradient by y_true, lower, upper; it has one by y_true, y_pred" in result.err
    result = cli("compute", "interval_score", file, "--column", "y_pred=lower,upper", "--gradient", "-f", "csv")
    assert result.out.splitlines()[1] == "1,3.0,21.0,-1.0,-19.0"
    result = cli("compute", "interval_score", file, "--column", "y_pred=lower,upper", "--column", "upper=upper")
    assert (result.status, result.err.count("y_pred is not read beside y_true, lower, upper")) == (2, 1)


def test_what_would_give_a_scale_is_listed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("y_true,y_pred\n3,1\n")
    result = cli("compute", "mase", str(tmp_path / "p.csv"))
    assert "no column for scale, which mase needs (or else train=FILE)" in result.err


def test_quantiles_are_no_members(cli: Cli) -> None:
    rows = b"y_true,q0.1,q0.5,q0.9\n1,0,1,2\n"
    result = cli("compute", "wis,crps_ensemble", stdin=rows)
    assert (result.status, result.out) == (3, "")
    assert "columns 'q0.1' to 'q0.9' are quantiles, and crps_ensemble reads members" in result.err
    assert cli("compute", "crps_ensemble", "--pred", "q0.1,q0.5,q0.9", stdin=rows).status == 0


def test_a_median_beside_intervals_is_a_level(cli: Cli) -> None:
    rows = b"y,net-median,net-lo-80,net-hi-80\n1,1.5,0,2\n"
    result = cli("compute", "wis", "--true", "y", "-f", "csv", stdin=rows)
    assert result.out.splitlines()[1].startswith("wis:taus=0.1/0.5/0.9,1,0.3")


def test_a_gate_may_name_what_columns_say(cli: Cli) -> None:
    rows = b"y_true,q0.1,q0.5,q0.9\n1,0,1.5,2\n"
    status = {limit: cli("compute", "wis", "--fail-if", f"wis:taus={limit}", stdin=rows) for limit in (
        "0.1/0.5/0.9>0.1", "0.1/0.5/0.9>9", "0.2/0.5/0.8>9")}  # fmt: skip
    assert [result.status for result in status.values()] == [1, 0, 1]
    assert "cannot be judged: the losses here are wis:taus=0.1/0.5/0.9" in status["0.2/0.5/0.8>9"].err


def test_the_least_mrae_is_that_of_the_baseline() -> None:
    """Its weights depend on the target, and have no bound near the baseline: it is not least at the median."""
    y, zero = np.random.default_rng(0).exponential(size=20_000), np.zeros(20_000)
    values = {at: losscli.compute("mrae", y_true=y, y_pred=zero + at, baseline=zero + 0.2).value for at in (0.2, 0.69)}
    assert values[0.2] == 1
    assert values[0.69] > 2
    assert losscli.explain("mrae").to_dict()["elicits"] is None
