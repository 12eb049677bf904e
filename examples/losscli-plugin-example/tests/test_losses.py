"""The losses by hand, and as losscli finds them."""

import numpy as np
import pytest

import losscli

DEMAND, FORECAST = [10.0, 20.0, 30.0], [8.0, 25.0, 30.0]


def test_a_missing_unit_costs_three_times_as_much_as_one_left_over():
    result = losscli.compute("stock_cost", y_true=DEMAND, y_pred=FORECAST)
    assert result.value == pytest.approx((3 * 2 + 5 + 0) / 3)


def test_the_gradient_is_the_slope_of_the_loss():
    cost = losscli.get_loss("stock_cost:shortage=2")
    slope = cost.gradient(DEMAND, FORECAST)
    step = np.array([1e-6, 1e-6, 0])
    change = cost(DEMAND, FORECAST + step) - cost(DEMAND, FORECAST - step)
    np.testing.assert_allclose(slope[:2], change[:2] / 2e-6, rtol=1e-6)


def test_a_share_of_rows_is_too_far_off():
    assert losscli.compute("too_far_off:percent=20", y_true=DEMAND, y_pred=FORECAST).value == pytest.approx(1 / 3)


def test_wrong_values_are_refused():
    with pytest.raises(losscli.DataError, match=">= 0"):
        losscli.compute("stock_cost", y_true=[-1.0], y_pred=[1.0])
    with pytest.raises(losscli.UsageError, match=r"in \[0, 100\]"):
        losscli.compute("too_far_off:percent=120", y_true=DEMAND, y_pred=FORECAST)
