"""Losses of forecasts, of their quantiles and their intervals once more, in mpmath.

REFERENCE and EXTREMES are as in `tests/reference/regression.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import mpmath as mp
from mpmath import mpf

from tests.reference.distributions import elements
from tests.reference.regression import DIGITS, Params, Reference, Roles, flatten


def of_ends(f: Callable[..., mpf]) -> Reference:
    """A loss of an outcome and the two ends of an interval, in two roles or in one of two columns."""

    def rows(roles: Roles, params: Params) -> list:
        if "lower" in roles:
            return elements(f, "y_true", "lower", "upper")(roles, params)
        with mp.workdps(DIGITS):
            return [f(y, *ends, **params) for y, ends in zip(roles["y_true"], roles["y_pred"], strict=True)]

    return rows


def interval_score(y: mpf, low: mpf, high: mpf, alpha: float) -> mpf:
    return high - low + 2 / mpf(alpha) * (max(low - y, mpf(0)) + max(y - high, mpf(0)))


def relative(y: mpf, p: mpf, baseline: mpf, eps: float) -> mpf:
    return abs(p - y) / max(abs(baseline - y), mpf(eps))


def of_quantiles(times: int) -> Reference:
    """So many times the mean pinball loss of a row's quantiles."""

    def rows(roles: Roles, params: Params) -> list:
        taus = [mpf(tau) for tau in params["taus"]]  # type: ignore[attr-defined]
        with mp.workdps(DIGITS):
            pairs = [(y, flatten(row)) for y, row in zip(roles["y_true"], roles["y_pred"], strict=True)]
            costs = [[max(t * (y - q), (t - 1) * (y - q)) for t, q in zip(taus, qs, strict=True)] for y, qs in pairs]
            return [times * mp.fsum(row) / len(row) for row in costs]

    return rows


REFERENCE: dict[str, Reference] = {
    "bias": elements(lambda y, p: p - y, "y_true", "y_pred"),
    "mrae": elements(relative, "y_true", "y_pred", "baseline"),
    "rmae": elements(lambda y, p: abs(p - y), "y_true", "y_pred"),
    "mdape": elements(lambda y, p, eps: abs(p - y) / max(abs(y), mpf(eps)), "y_true", "y_pred"),
    "interval_score": of_ends(interval_score),
    "multi_quantile": of_quantiles(1),
    "crps_quantile": of_quantiles(2),
    "wql": of_quantiles(2),
    "wis": of_quantiles(2),
    "interval_miss": of_ends(lambda y, low, high: mpf(not low <= y <= high)),
}


def _grid(**roles: Sequence[float]) -> dict[str, list[float]]:
    """Every combination of the values of roles."""
    rows = list(itertools.product(*roles.values()))
    return {name: [row[i] for row in rows] for i, name in enumerate(roles)}


NUMBERS = [0.0, 1e-300, -1e-9, 0.3, 1.0, 1.0 + 1e-12, -7.0, 1e9, -1e200]
AMOUNTS = [1e-300, -1e-9, 0.3, 1.0, 1.0 + 1e-12, -7.0, 1e9]
ENDS = [-1e9, -1.0, 0.0, 1e-300, 0.3, 0.3 + 1e-12, 1e9]
INTERVALS = _grid(y_true=[-2.0, 0.0, 0.3, 1e9], lower=ENDS, upper=ENDS)

QUANTILES = {
    "y_true": [0.0, 1e-300, -1e9, 0.3, 1e200],
    "y_pred": [
        [-1e-300, 0.0, 1e9],
        [0.0, 1e-300, -1e-9],
        [-1e9, -7.0, 0.3],
        [0.3, 0.3 + 1e-12, 0.2],
        [1e9, 1e200, -1e9],
    ],
}
LEVELS = (1e-9, 0.5, 1 - 1e-9)

EXTREMES: dict[str, list[tuple[dict, dict]]] = {
    "bias": [({}, _grid(y_true=NUMBERS, y_pred=NUMBERS))],
    "mrae": [
        ({}, _grid(y_true=[0.0], y_pred=NUMBERS, baseline=AMOUNTS)),
        ({"eps": 1e-3}, _grid(y_true=[1.0], y_pred=NUMBERS, baseline=NUMBERS)),
    ],
    "rmae": [({}, _grid(y_true=NUMBERS, y_pred=NUMBERS, baseline=[2.0]))],
    "mdape": [({}, _grid(y_true=AMOUNTS, y_pred=NUMBERS)), ({"eps": 1e-3}, _grid(y_true=NUMBERS, y_pred=NUMBERS))],
    "interval_score": [({"alpha": alpha}, INTERVALS) for alpha in (1e-9, 0.1, 0.5, 1 - 1e-9)],
    **{name: [({"taus": LEVELS}, QUANTILES)] for name in ("multi_quantile", "crps_quantile", "wql", "wis")},
    "interval_miss": [({}, INTERVALS)],
}
