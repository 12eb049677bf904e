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


def scaled(squared: bool) -> Reference:
    """An error in units of the naive error, which is given or that of the training rows of the row's series."""

    def naive(past: list, m: int) -> mpf:
        gaps = [abs(b - a) for a, b in zip(past, past[m:], strict=False)]
        return mp.sqrt(mp.fsum(g**2 for g in gaps) / len(gaps)) if squared else mp.fsum(gaps) / len(gaps)

    def rows(roles: Roles, params: Params) -> list:
        m = int(str(params["m"]))
        with mp.workdps(DIGITS):
            scales = roles.get("scale")
            if scales is None:
                series = roles.get("series", [0] * len(roles["y_true"]))
                of_past = roles.get("train_series", [0] * len(roles["train"]))
                pairs = [*zip(roles["train"], of_past, strict=True)]
                known = {name: naive([v for v, s in pairs if s == name], m) for name in series}
                scales = [known[name] for name in series]
            found = zip(roles["y_true"], roles["y_pred"], scales, strict=True)
            ratios = [abs(p - y) / max(s, mpf(params["eps"])) for y, p, s in found]  # type: ignore[arg-type]
            return [ratio**2 if squared else ratio for ratio in ratios]

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
    "mase": scaled(False),
    "msse": scaled(True),
    "rmsse": scaled(True),
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

PAST = [0.0, 1e-9, 3.0, 3.0 + 1e-12, -7.0, 1e9, 2.0, 0.1, 0.3, 0.7]
SCALED: list[tuple[dict, dict]] = [
    ({}, _grid(y_true=[0.0], y_pred=[1e-9, -0.3, 1e9], scale=[1e-100, 1e-9, 0.37, 1e100])),
    ({"eps": 1e-3}, _grid(y_true=[1.0], y_pred=[1.0 + 1e-12, 3.0], scale=[0.0, 1e-9, 2.0])),
    ({"m": 3}, {"y_true": [0.0, 1.0], "y_pred": [0.5, 1e9], "train": PAST}),
    (
        {"m": 2},
        {
            "y_true": [0.0, 1.0, 2.0],
            "y_pred": [0.5, 1e9, 2.0 + 1e-12],
            "series": [0, 1, 0],
            "train": [v * 1e-100 if i % 2 else v for i, v in enumerate(PAST)],
            "train_series": [i % 2 for i in range(10)],
        },
    ),
]

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
    "mase": SCALED,
    "msse": SCALED,
    "rmsse": SCALED,
    "interval_miss": [({}, INTERVALS)],
}
