"""Scores of distributions and ensembles: their columns, refusals, and what they share with other losses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import losscli
from tests.conftest import Cli

CRPS = ("crps_normal", "crps_laplace", "crps_logistic")
DENSITIES = ("laplace_nll", "logistic_nll", "lognormal_nll")


@pytest.mark.parametrize("name", ["scale", "sigma", "SD", "std", "stddev"])
def test_the_scale_is_found_by_its_usual_names(name: str, cli: Cli) -> None:
    rows = f"y_true,y_pred,{name}\n3,2.5,1\n-0.5,0,0.5\n".encode()
    found = cli("compute", "crps_laplace", "--per-sample", "-f", "csv", stdin=rows)
    assert found.status == 0, found.err
    expected = losscli.get_loss("crps_laplace")([3, -0.5], [2.5, 0], [1, 0.5])
    assert [float(line.split(",")[-1]) for line in found.out.splitlines()[1:]] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("loss", "scale", "rule"), [
    *((loss, "-0.5", ">= 0") for loss in CRPS),
    *((loss, scale, "> 0") for loss in DENSITIES for scale in ("0", "-0.5")),
])  # fmt: skip
def test_a_scale_that_is_none_is_refused_by_row(loss: str, scale: str, rule: str, cli: Cli) -> None:
    found = cli("compute", loss, stdin=f"y_true,y_pred,sigma\n1,2,1\n3,5,{scale}\n".encode())
    assert found.status == 3
    assert found.err == f"losscli: error: standard input: column 'sigma' (scale), row 2: {scale} is not {rule}\n"


def test_two_scales_are_ambiguous(cli: Cli) -> None:
    found = cli("compute", "crps_normal", stdin=b"y_true,y_pred,sd,sigma\n1,2,1,1\n")
    assert found.status == 3
    assert "columns 'sd' and 'sigma' could both be scale" in found.err


@pytest.mark.parametrize("loss", CRPS)
def test_a_scale_of_zero_is_a_point_forecast(loss: str) -> None:
    y_true, y_pred = [1.0, 2.0, 3.0, 4.0], [1.5, 2.0, 1.0, 3.0]
    got = losscli.compute(loss, y_true=y_true, y_pred=y_pred, scale=[0.0, 0.0, -0.0, 1e-320], gradient=True)
    assert got.per_sample.tolist() == [0.5, 0.0, 2.0, 1.0]
    assert got.gradient.tolist() == [1.0, 0.0, -1.0, -1.0]


@pytest.mark.parametrize("loss", CRPS)
def test_a_crps_is_the_integral_of_squared_differences_of_distribution_functions(loss: str) -> None:
    from scipy import integrate, stats

    distribution = getattr(stats, {"normal": "norm"}.get(loss[5:], loss[5:]))
    for y, mean, scale in ((0.3, 1.1, 0.7), (-4.0, 0.0, 2.5)):
        frozen = distribution(mean, scale)
        below, _ = integrate.quad(lambda x, d=frozen: d.cdf(x) ** 2, -math.inf, y)
        above, _ = integrate.quad(lambda x, d=frozen: d.sf(x) ** 2, y, math.inf)
        assert losscli.get_loss(loss)([y], [mean], [scale])[0] == pytest.approx(below + above, rel=1e-7)


def test_gradients_keep_their_digits_near_the_truth() -> None:
    e = np.array([1e-12, -1e-17, 1e-300])
    for loss, factor in (("crps_laplace", 1.0), ("crps_logistic", 0.5), ("crps_normal", math.sqrt(2 / math.pi))):
        gradient = losscli.get_loss(loss).gradient(np.zeros(3), e, np.ones(3))
        np.testing.assert_allclose(gradient, factor * e, rtol=1e-11)
