"""Breakdown points, by adding bad rows until the best constant follows them; and the effective n of normal errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import losscli
from losscli.declaration.breakdown import REDESCENDS, breakdown_of
from losscli.declaration.grammar import parse_specs
from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Property, Reduction
from losscli.registry import resolve
from tests.conftest import Cli
from tests.registry_cases import kernel, settings

MARGIN = 0.03


def residual_losses() -> Iterator[BoundLoss]:
    """Every loss of the residual alone, under every set of parameters worth testing."""
    seen = set()
    for bound, form in settings(further=True):
        is_of_residual = bound.loss.of_residual and form.names == ["y_true", "y_pred"]
        if is_of_residual and bound.label not in seen and not form.coupled and not bound.loss.no_ranking:
            seen.add(bound.label)
            if Property.TRANSLATION_INVARIANT in bound.properties:
                yield bound


def test_what_has_no_minimum_has_no_breakdown_point() -> None:
    assert breakdown_of(resolve(parse_specs("bias"))[0]) is None


def losses_of(bound: BoundLoss, errors: np.ndarray) -> np.ndarray:
    arrays = {"y_true": np.zeros_like(errors), "y_pred": errors}
    return kernel(bound, bound.loss.forms[0], arrays)


def best_constant(bound: BoundLoss, bad: float, distance: float) -> float:
    """The constant that minimises the loss of rows at 0, of which a share `bad` is at a distance."""
    steps = np.geomspace(1e-6, 1.5, 3000) * abs(distance)
    constants = np.concatenate([[0.0, -distance], steps, -steps])
    here, there = losses_of(bound, constants), losses_of(bound, constants + distance)
    if bound.loss.reduction is Reduction.MEDIAN:
        total = here if bad < 0.5 else there
    elif bound.loss.reduction is Reduction.MAX:
        total = np.maximum(here, there)
    else:
        with np.errstate(over="ignore"):
            total = (1 - bad) * here + bad * there
    return abs(float(constants[np.argmin(total)]))


def breaks(bound: BoundLoss, bad: float) -> bool:
    """Whether the constant follows bad rows, however far off they are, on either side."""
    near, far = (7.0, 700.0) if bound.loss.name == "linex" else (1e3, 1e5)
    scale = 1.0 / max(1.0, abs(bound.params.get("a", 1.0))) if bound.loss.name == "linex" else 1.0
    return any(
        best_constant(bound, bad, side * far * scale) > 10 * max(1.0, best_constant(bound, bad, side * near * scale))
        for side in (-1, 1)
    )


@pytest.mark.parametrize("bound", list(residual_losses()), ids=lambda bound: bound.label)
def test_the_breakdown_point_is_where_the_constant_follows_bad_rows(bound: BoundLoss) -> None:
    found = breakdown_of(bound)
    assert found is not None
    assert breaks(bound, found.point + MARGIN)
    assert found.point == 0 or not breaks(bound, found.point - MARGIN)


def test_a_redescender_breaks_earlier_where_the_good_rows_lie_far_apart() -> None:
    """Huber (1984): at (1 - a) / (2 - a), if the good rows lose a times the largest loss on average."""
    bound = resolve(parse_specs("tukey"))[0]
    z = np.linspace(-8, 8, 20001)
    density = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    largest = float(losses_of(bound, np.array([1e6]))[0])
    mean = float(density @ losses_of(bound, z)) / largest
    at = (1 - mean) / (2 - mean)
    assert 0.45 < at < 0.47
    for bad in (at - 0.01, at + 0.01):
        stays, follows = (1 - bad) * mean + bad, (1 - bad) * 1.0
        assert (follows < stays) is (bad > at)
    assert breakdown_of(bound).condition == REDESCENDS  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("loss", "point"),
    [("rmsle", 0.0), ("poisson_deviance", 0.0), ("gamma_deviance", 0.0), ("mape", 0.0), ("wape", 0.5), ("medae", 0.5),
     ("quantile:tau=0.9", 0.1), ("huber:delta=inf", 0.0), ("max_error", 0.0)],
)  # fmt: skip
def test_breakdown_points_by_name(loss: str, point: float) -> None:
    assert losscli.explain(loss).to_dict()["breakdown_point"] == point


@pytest.mark.parametrize("loss", ["bce", "smape", "ghm_r", "triplet", "cross_entropy", "laplace_nll", "mase"])
def test_where_it_has_no_meaning_there_is_none(loss: str, cli: Cli) -> None:
    assert losscli.explain(loss).to_dict()["breakdown_point"] is None
    assert "breakdown" not in cli("explain", loss).out


def test_explain_says_it_in_every_format(cli: Cli) -> None:
    assert "  breakdown point        0.5 (known scale)\n" in cli("explain", "huber").out
    assert "| breakdown point | 0.5 |" in cli("explain", "mae", "-f", "markdown").out
    assert "breakdown point" in cli("explain", "mae,tukey").out
    document = json.loads(cli("explain", "tukey", "-f", "json").out)
    assert (document["breakdown_point"], document["breakdown_note"]) == (0.5, REDESCENDS)


# ------------------------------------------------------------------------------------------------ normal errors


REFERENCES: dict[str, Callable[[float], float]] = {"mse": lambda sd: 1 / 3, "mae": lambda sd: 2 / math.pi}


@pytest.mark.parametrize("weighted", [False, True])
def test_effective_n_of_normal_errors(weighted: bool) -> None:
    integrate = pytest.importorskip("scipy.integrate")
    rng = np.random.default_rng(0)
    y, e = rng.normal(size=500), rng.normal(0, 3, size=500)
    weight = rng.uniform(0.5, 2, size=500) if weighted else np.ones(500)
    losses = ["mse", "mae", "huber", "quantile:tau=0.9", "rmsle", "medae"]
    more = {"weight": weight} if weighted else {}
    found = losscli.compare(losses, y_true=np.abs(y), y_pred=np.abs(y) + e + 20, **more)
    by_label, sd = {loss.label: loss for loss in found}, robust_sd(e, weight)
    n = weight.sum() ** 2 / (weight**2).sum()
    for label in losses[:4]:
        bound = resolve(parse_specs(label))[0]
        moments = [
            integrate.quad(
                lambda z, k=k, b=bound: float(losses_of(b, np.array([sd * z]))[0]) ** k * math.exp(-z * z / 2),
                -10, 10, points=[0, 1 / sd, -1 / sd, 2 / sd, -2 / sd], limit=200,
            )[0] / math.sqrt(2 * math.pi)
            for k in (1, 2)
        ]  # fmt: skip
        share = moments[0] ** 2 / moments[1]
        assert by_label[label].effective_n_normal == pytest.approx(n * share, rel=1e-4), label
        if label in REFERENCES:
            assert share == pytest.approx(REFERENCES[label](sd), rel=1e-6)
    assert [by_label[label].effective_n_normal for label in losses[4:]] == [None, None]
    assert by_label["mse"].to_dict()["effective_n_normal"] == by_label["mse"].effective_n_normal
    assert "effective_n_normal" not in found.to_frame()


def robust_sd(e: np.ndarray, weight: np.ndarray) -> float:
    """1.4826 MAD, with weighted medians."""

    def median(values: np.ndarray) -> float:
        order = np.argsort(values)
        below = np.cumsum(weight[order]) / weight.sum()
        i = int(np.searchsorted(below, 0.5))
        exact = abs(below[i] - 0.5) < 1e-12
        return float((values[order][i] + values[order][i + 1]) / 2 if exact else values[order][i])

    return 1.4826 * median(np.abs(e - median(e)))
