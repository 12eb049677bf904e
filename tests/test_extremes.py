"""Test compare where one value is absurd, all values are tiny, or the prediction is perfect."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import losscli
from losscli import registry
from losscli.statistics.minimizer import middle_float
from tests.conftest import Cli
from tests.registry_cases import draw, name_of, settings

RNG = np.random.default_rng(14)
N = 40
Y = RNG.normal(size=N) * 3 + 10
P = Y + RNG.normal(size=N) + 0.2

# ------------------------------------------------------------- the best constant, by trying many: losses as in papers

Rho = Callable[[Any, Any], Any]


class Mp:
    """What NumPy has for arrays, for one number of 150 digits."""

    minimum, maximum, pi = min, max, mpmath.pi
    exp, expm1, sqrt, cos = mpmath.exp, mpmath.expm1, mpmath.sqrt, mpmath.cos

    @staticmethod
    def log1p(x: Any) -> Any:
        return mpmath.log(1 + x)

    @staticmethod
    def where(condition: bool, yes: Any, no: Any) -> Any:
        return yes if condition else no


def barron(alpha: float) -> Rho:
    b = abs(alpha - 2)
    return lambda e, m: b / alpha * m.expm1(alpha / 2 * m.log1p(e * e / b))


def hampel(e: Any, m: Any) -> Any:
    r = abs(e)
    falling = 2 * (4 + 8 - 2) / 2 - 2 * (8 - m.minimum(r, 8.0)) ** 2 / (2 * (8 - 4))
    return m.where(r <= 2, r * r / 2, m.where(r <= 4, 2 * r - 2, falling))


ROBUST: dict[str, Rho] = {
    "tukey": lambda e, m: 4.685**2 / 6 * (1 - (1 - m.minimum(abs(e) / 4.685, 1.0) ** 2) ** 3),
    "cauchy": lambda e, m: 2.3849**2 / 2 * m.log1p((e / 2.3849) * (e / 2.3849)),
    "welsch": lambda e, m: -(2.9846**2) / 2 * m.expm1(-(e / 2.9846) * (e / 2.9846)),
    "hampel": hampel,
    "andrews": lambda e, m: 1.339**2 * (1 - m.cos(m.minimum(abs(e) / 1.339, m.pi))),
    "ramsay": lambda e, m: (1 - m.exp(-0.3 * abs(e)) * (1 + 0.3 * abs(e))) / 0.3**2,
    "geman_mcclure": lambda e, m: 2 * e * e / (e * e + 4),
    "barron:alpha=-2": barron(-2.0),
    "barron:alpha=0.5": barron(0.5),
    "wing": lambda e, m: 10 * m.log1p(m.minimum(abs(e), 10.0) / 2) + m.maximum(abs(e) - 10, 0.0),
}
CONVEX: dict[str, Rho] = {
    "huber": lambda e, m: m.where(abs(e) <= 1, e * e / 2, abs(e) - 0.5),
    "pseudo_huber": lambda e, m: m.sqrt(1 + e * e) - 1,
    "charbonnier": lambda e, m: m.sqrt(e * e + 1e-3 * 1e-3),
    "fair": lambda e, m: 1.3998**2 * (abs(e) / 1.3998 - m.log1p(abs(e) / 1.3998)),
    "log_cosh": lambda e, m: abs(e) + m.log1p(m.exp(-2 * abs(e))) - float(np.log(2)),
    "expectile:tau=0.8": lambda e, m: m.where(e > 0, 1 - 0.8, 0.8) * e * e,
    "barron:alpha=1.5": barron(1.5),
    "mse": lambda e, m: e * e,
}


def rise(rho: Rho, e: np.ndarray, shifts: np.ndarray, centre: float) -> list[Any]:
    """Return how much more the sum of losses is at each shift than at the centre; that of far rows in 150 digits."""
    near = np.abs(e + centre) < 1e5
    moved = e[near].astype(np.longdouble) + shifts.astype(np.longdouble)[:, None]
    here = rho(e[near].astype(np.longdouble) + centre, np)
    with mpmath.workdps(150):
        far = [mpmath.mpf(float(x)) for x in e[~near]]
        there = [rho(x + centre, Mp) for x in far]
        return [
            mpmath.mpf(float((losses - here).sum()))
            + sum(rho(x + mpmath.mpf(float(c)), Mp) - known for x, known in zip(far, there, strict=True))
            for losses, c in zip(rho(moved, np), shifts, strict=True)
        ]


def best_shift(rho: Rho, e: np.ndarray) -> float:
    """Return the constant c of the least sum of rho(e + c): the best of many, with ever finer grids around three."""
    own = np.unique(-e)
    powers = np.logspace(-3, 61, 65)
    linear = np.linspace(*np.quantile(own, (0.05, 0.95)), 41)
    grid = np.unique(np.concatenate([own, own[1:] / 2 + own[:-1] / 2, linear, -powers, powers, [0.0]]))
    grid = grid[(grid >= own[0]) & (grid <= own[-1])]
    centre = float(np.median(own))
    losses = rise(rho, e, grid, centre)
    found = []
    for i in sorted(range(len(grid)), key=losses.__getitem__)[:3]:
        finer, at = grid, i
        for _ in range(30):
            low, high = finer[max(at - 1, 0)], finer[min(at + 1, len(finer) - 1)]
            finer = np.linspace(low, high, 9)
            closer = rise(rho, e, finer, centre)
            at = min(range(len(finer)), key=closer.__getitem__)
            if high - low <= 1e-11 * max(abs(low), abs(high), 1):
                break
        found.append((closer[at], float(finer[at])))
    return min(found)[1]


def mean_loss(rho: Rho, e: np.ndarray, shift: float) -> Any:
    with mpmath.workdps(150):
        return sum(rho(mpmath.mpf(float(x)) + mpmath.mpf(shift), Mp) for x in e) / len(e)


@cache
def best_shift_of_bytes(rho: Rho, e: bytes) -> float:
    return best_shift(rho, np.frombuffer(e))


def check_pull_and_skill(losses: dict[str, Rho], y: np.ndarray, p: np.ndarray) -> None:
    e = p - y
    distance = np.abs(e - np.median(e))
    out, sd = 0.6745 * distance / np.median(distance) > 3.5, 1.4826 * np.median(distance)
    assert out.any()
    for got in losscli.compare(list(losses), y_true=y, y_pred=p):
        rho = losses[got.label if got.label in losses else f"{got.label}:alpha=1"]
        moved = best_shift(rho, e) - best_shift_of_bytes(rho, e[~out].tobytes())
        assert got.pull == pytest.approx(abs(moved) / sd, rel=1e-7, abs=1e-7), got.label
        constant = mean_loss(rho, -y, best_shift(rho, -y))
        skill = float(1 - mean_loss(rho, e, 0.0) / constant)
        assert got.skill == pytest.approx(skill, rel=1e-9, abs=1e-9), got.label


SIZES = (*(10.0**power for power in range(2, 61, 2)), 3.4e38, 9.97e36, -9999e30)


def with_absurd_value(role: str, size: float) -> tuple[np.ndarray, np.ndarray]:
    y, p = Y.copy(), P.copy()
    (y if role == "y_true" else p)[7] = size
    return y, p


@pytest.mark.parametrize("role", ["y_true", "y_pred"])
def test_one_absurd_value(role: str) -> None:
    check_pull_and_skill(ROBUST | CONVEX, *with_absurd_value(role, 9.97e36))


@pytest.mark.slow
@pytest.mark.parametrize("role", ["y_true", "y_pred"])
@pytest.mark.parametrize("size", SIZES)
def test_one_absurd_value_of_any_size(role: str, size: float) -> None:
    check_pull_and_skill(ROBUST | CONVEX, *with_absurd_value(role, size))


@pytest.mark.slow
def test_many_minima_and_several_absurd_values() -> None:
    wide = RNG.normal(size=N) * 50
    wide[:4] = 3.4e38
    check_pull_and_skill(ROBUST, wide, wide[::-1] * 0.1 + RNG.standard_t(2, size=N) * 20)
