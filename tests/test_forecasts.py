"""Losses of forecasts, of their quantiles and their intervals: their columns, notes and refusals."""

from __future__ import annotations

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
