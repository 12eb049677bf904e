"""Regression losses (and both GHM losses) once more, in mpmath, straight from the textbook formulas.

REFERENCE: loss name -> f(roles, params) -> a list of mpf, one a row. Roles are nested lists of mpf.
EXTREMES: loss name -> [(params, {role: nested list of floats})], inputs at the edges of the domain.

The formulas cancel where the kernels must not: errors of 1e-100 are right only with hundreds of digits, which are
used whatever precision the caller works in.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

DIGITS = 700

Roles = dict[str, list]
Params = dict[str, object]
Reference = Callable[[Roles, Params], list]


def _mean(values: list) -> mpf:
    return mp.fsum(values) / len(values)


def flatten(row: object) -> list:
    return [number for part in row for number in flatten(part)] if isinstance(row, list) else [row]


def elements(f: Callable[..., mpf]) -> Reference:
    """A loss of y_true and y_pred, element by element, averaged over what a row holds."""

    def rows(roles: Roles, params: Params) -> list:
        given = [[flatten(row) for row in roles[name]] for name in ("y_true", "y_pred", "variance") if name in roles]
        with mp.workdps(DIGITS):
            return [
                _mean([f(*numbers, **params) for numbers in zip(*row, strict=True)]) for row in zip(*given, strict=True)
            ]

    return rows


def residual(f: Callable[..., mpf]) -> Reference:
    """A loss of e = y_pred - y_true."""
    return elements(lambda y, p, **params: f(p - y, **params))


# ------------------------------------------------------------------------------------------------ plain ones


def smape(y: mpf, p: mpf) -> mpf:
    return 2 * abs(p - y) / (abs(y) + abs(p)) if y or p else mpf(0)


def huber(e: mpf, delta: float) -> mpf:
    d = mpf(delta)
    return e**2 / 2 if abs(e) <= d else d * (abs(e) - d / 2)


def expectile(e: mpf, tau: float) -> mpf:
    return abs(mpf(tau) - (1 if e > 0 else 0)) * e**2


# ------------------------------------------------------------------------------------------------ robust ones


def tukey(e: mpf, c: float) -> mpf:
    c = mpf(c)
    return c**2 / 6 * (1 - (1 - (e / c) ** 2) ** 3) if abs(e) <= c else c**2 / 6


def hampel(e: mpf, a: float, b: float, c: float) -> mpf:
    r, a, b, c = abs(e), mpf(a), mpf(b), mpf(c)
    if r <= a:
        return r**2 / 2
    if r <= b:
        return a * r - a**2 / 2
    top = a * (b + c - a) / 2
    return top - a * (c - r) ** 2 / (2 * (c - b)) if r <= c else top


def andrews(e: mpf, a: float) -> mpf:
    a = mpf(a)
    return a**2 * (1 - mp.cos(e / a)) if abs(e) <= a * mp.pi else 2 * a**2


def barron(e: mpf, alpha: float, c: float) -> mpf:
    x = (e / mpf(c)) ** 2
    if alpha == 2:
        return x / 2
    if alpha == 0:
        return mp.log1p(x / 2)
    if mp.isinf(alpha):
        return abs(mp.expm1(x / 2 if alpha > 0 else -x / 2))
    alpha = mpf(alpha)
    gap = abs(alpha - 2)
    return gap / alpha * ((x / gap + 1) ** (alpha / 2) - 1)


def wing(e: mpf, w: float, epsilon: float) -> mpf:
    w, epsilon = mpf(w), mpf(epsilon)
    return w * mp.log1p(abs(e) / epsilon) if abs(e) < w else abs(e) - (w - w * mp.log1p(w / epsilon))


# ------------------------------------------------------------------------------------------------ likelihoods


def poisson_nll(y: mpf, p: mpf, log_input: bool, full: bool) -> mpf:
    rest = mp.loggamma(y + 1) if full else mpf(0)
    if log_input:
        return mp.exp(p) - (y * p if y else 0) + rest
    if p == 0:
        return mpf(0) if y == 0 else mp.inf
    return p - y * mp.log(p) + rest


def gaussian_nll(y: mpf, p: mpf, variance: mpf, eps: float, full: bool) -> mpf:
    v = max(variance, mpf(eps))
    return (mp.log(v) + (p - y) ** 2 / v) / 2 + (mp.log(2 * mp.pi) / 2 if full else 0)


def tweedie(y: mpf, p: mpf, power: float) -> mpf:
    k = mpf(power)
    if k == 0:
        return (y - p) ** 2
    if k == 1:
        return 2 * ((y * mp.log(y / p) if y else 0) - y + p)
    if k == 2:
        return 2 * (mp.log(p / y) + y / p - 1)
    own = (max(y, mpf(0)) ** (2 - k) if y > 0 else mpf(0)) / ((1 - k) * (2 - k))
    return 2 * (own - y * p ** (1 - k) / (1 - k) + p ** (2 - k) / (2 - k))


# ------------------------------------------------------------------------------------------------ GHM


def ghm(norm_and_loss: Callable[..., tuple[mpf, mpf]]) -> Reference:
    def rows(roles: Roles, params: Params) -> list:
        bins = int(params["bins"])
        rest = {name: value for name, value in params.items() if name != "bins"}
        with mp.workdps(DIGITS):
            pairs = [
                [norm_and_loss(y, p, **rest) for y, p in zip(flatten(ys), flatten(ps), strict=True)]
                for ys, ps in zip(roles["y_true"], roles["y_pred"], strict=True)
            ]
        place = lambda norm: min(int(mp.floor(norm * bins)), bins - 1)
        counts = Counter(place(norm) for row in pairs for norm, _ in row)
        total = counts.total()
        return [_mean([total * loss / (counts[place(norm)] * len(counts)) for norm, loss in row]) for row in pairs]

    return rows


def ghm_r(y: mpf, p: mpf, mu: float) -> tuple[mpf, mpf]:
    root = mp.sqrt((p - y) ** 2 + mpf(mu) ** 2)
    return abs(p - y) / root, root - mpf(mu)


def ghm_c(y: mpf, p: mpf, from_logits: bool) -> tuple[mpf, mpf]:
    if from_logits:
        one, zero = mp.log1p(mp.exp(-p)), mp.log1p(mp.exp(p))
        return abs(1 / (1 + mp.exp(-p)) - y), y * one + (1 - y) * zero
    eps = mpf(2) ** -52
    one, zero = -mp.log(max(p, eps)), -mp.log(max(1 - p, eps))
    return abs(p - y), y * one + (1 - y) * zero


sq = lambda x: mpf(x) ** 2
log1p_gap = lambda y, p: (mp.log1p(p) - mp.log1p(y)) ** 2

REFERENCE: dict[str, Reference] = {
    "mse": residual(lambda e: e**2),
    "rmse": residual(lambda e: e**2),
    "mae": residual(abs),
    "huber": residual(huber),
    "smooth_l1": residual(lambda e, beta: huber(e, beta) / mpf(beta) if beta else abs(e)),
    "log_cosh": residual(lambda e: mp.log(mp.cosh(e)) if abs(e) < 1e4 else abs(e) - mp.log(2)),
    "quantile": residual(lambda e, tau: (1 - mpf(tau)) * e if e > 0 else -mpf(tau) * e),
    "half_mse": residual(lambda e: e**2 / 2),
    "medae": residual(abs),
    "max_error": residual(abs),
    "mape": elements(lambda y, p, eps: abs(p - y) / max(abs(y), mpf(eps))),
    "smape": elements(smape),
    "wape": residual(abs),
    "msle": elements(log1p_gap),
    "rmsle": elements(log1p_gap),
    "expectile": residual(expectile),
    "epsilon_insensitive": residual(lambda e, epsilon: max(mpf(0), abs(e) - mpf(epsilon))),
    "squared_epsilon_insensitive": residual(lambda e, epsilon: max(mpf(0), abs(e) - mpf(epsilon)) ** 2),
    "pseudo_huber": residual(lambda e, delta: sq(delta) * (mp.sqrt(1 + sq(e / mpf(delta))) - 1)),
    "charbonnier": residual(lambda e, eps: mp.sqrt(sq(e) + sq(eps))),
    "tukey": residual(tukey),
    "cauchy": residual(lambda e, c: sq(c) / 2 * mp.log1p(sq(e / mpf(c)))),
    "welsch": residual(lambda e, c: sq(c) / 2 * (1 - mp.exp(-sq(e / mpf(c))))),
    "geman_mcclure": residual(lambda e, c: 2 * sq(e / mpf(c)) / (sq(e / mpf(c)) + 4)),
    "fair": residual(lambda e, c: sq(c) * (abs(e) / mpf(c) - mp.log1p(abs(e) / mpf(c)))),
    "hampel": residual(hampel),
    "andrews": residual(andrews),
    "ramsay": residual(lambda e, a: (1 - mp.exp(-mpf(a) * abs(e)) * (1 + mpf(a) * abs(e))) / sq(a)),
    "barron": residual(barron),
    "wing": residual(wing),
    "linex": residual(lambda e, a: mp.exp(mpf(a) * e) - mpf(a) * e - 1),
    "poisson_nll": elements(poisson_nll),
    "gaussian_nll": elements(gaussian_nll),
    "tweedie_deviance": elements(tweedie),
    "poisson_deviance": elements(lambda y, p: tweedie(y, p, 1.0)),
    "gamma_deviance": elements(lambda y, p: tweedie(y, p, 2.0)),
    "ghm_r": ghm(ghm_r),
    "ghm_c": ghm(ghm_c),
}

# ------------------------------------------------------------------------------------------------ edges

SIZES = [0.0, 1e-100, 1e-15, 1e-9, 3e-5, 0.01, 0.049, 0.051, 0.3, 0.9999999, 1.0, 1.0000001, 2.5, 9.0, 37.0, 800.0, 1e6]
SIZES += [1e17, 1e100]
ERRORS = SIZES + [-size for size in SIZES]
HUGE = [1e150, -1e200, 1e300]


def _errors(more: list[float] = []) -> dict:  # noqa: B006
    return {"y_true": [0.0 for _ in ERRORS + more], "y_pred": ERRORS + more}


def _pairs(first: list[float], second: list[float]) -> dict:
    pairs = list(itertools.product(first, second))
    return {"y_true": [a for a, _ in pairs], "y_pred": [b for _, b in pairs]}


def _scales(name: str, values: list[float], more: list[float] = HUGE) -> list[tuple[dict, dict]]:
    return [({name: value}, _errors(more)) for value in values]


AMOUNTS = [1e-300, 1e-20, 1e-9, 0.0099, 0.0101, 0.5, 1.0, 1.0000000001, 1.02, 1.06, 2.0, 1e9, 1e20, 1e300]
MILD = [1e-9, 0.5, 1.0, 1.0000000001, 1.02, 1.06, 2.0, 30.0, 1e9]
COUNTS = [0.0, 1e-12, 0.009, 0.011, 0.5, 1.0, 2.0, 3.0, 9.5, 10.0, 11.0, 170.0, 1e6, 1e6 + 3, 1e12, 1e15]
RATES = [*COUNTS, 1e-300, 1e-9, 1e6 * (1 + 1e-9), 1e300]
NEAR_MINUS_ONE = [-1 + 2.0**-53, -1 + 1e-9, -0.999, -0.5, -1e-9, 0.0, 1e-300, 1e-17, 1e-9, 1.0, 1.5, 1e9, 1e300]
ALPHAS = [
    2.0, 2.0 + 1e-15, 2.0 - 4e-16, 2.0 - 1e-9, 2.0 + 1e-9, 1.999, 1.0, 1.0 + 1e-12, 0.5, 1e-3, 1e-9, 1e-17, 1e-22,
    1e-310, 0.0, -1e-310, -1e-22, -1e-17, -1e-9, -0.5, -2.0, -100.0, -1e8, -1e19, -1e21, float("-inf"), 2.5, 3.0, 10.0,
]  # fmt: skip
STEEP = {"y_true": [0.0] * 7, "y_pred": [0.0, 1e-9, -0.01, 0.5, -2.0, 6.0, -30.0]}

EXTREMES: dict[str, list[tuple[dict, dict]]] = {
    "mse": [({}, _errors())],
    "rmse": [({}, _errors())],
    "mae": [({}, _errors(HUGE))],
    "huber": _scales("delta", [1e-200, 1e-6, 1.0, 1e8, 1e100]),
    "smooth_l1": _scales("beta", [0.0, 1e-200, 1e-6, 1.0, 1e8, 1e100]),
    "log_cosh": [({}, _errors(HUGE))],
    "quantile": _scales("tau", [0.0, 1e-12, 0.3, 1.0]),
    "half_mse": [({}, _errors())],
    "medae": [({}, _errors(HUGE))],
    "max_error": [({}, _errors(HUGE))],
    "mape": [({}, _pairs(AMOUNTS, [0.0, -1.0, 1e-9, 3.0])), ({"eps": 1e-3}, _errors())],
    "smape": [({}, _pairs([0.0, 1e-300, -1e-9, 1.0, 1e300], [0.0, 1e-300, 1e-9, 1 + 1e-12, -1e300]))],
    "wape": [({}, _pairs([0.0, 1.0, -1e9], ERRORS))],
    "msle": [({}, _pairs(NEAR_MINUS_ONE, NEAR_MINUS_ONE))],
    "rmsle": [({}, _pairs(NEAR_MINUS_ONE, NEAR_MINUS_ONE))],
    "expectile": [({"tau": tau}, _errors()) for tau in (0.0, 1e-12, 0.3, 1.0)],
    "epsilon_insensitive": _scales("epsilon", [0.0, 1e-12, 0.1, 1e9]),
    "squared_epsilon_insensitive": _scales("epsilon", [0.0, 1e-12, 0.1, 1e9], []),
    "pseudo_huber": _scales("delta", [1e-200, 1e-6, 1.0, 1e8, 1e100]),
    "charbonnier": _scales("eps", [1e-200, 1e-6, 1e-3, 1.0, 1e100]),
    "tukey": _scales("c", [1e-6, 1.0, 4.685, 1e8, 1e150]),
    "cauchy": _scales("c", [1e-6, 1.0, 2.3849, 1e8, 1e150]),
    "welsch": _scales("c", [1e-6, 1.0, 2.9846, 1e8, 1e150]),
    "geman_mcclure": _scales("c", [1e-6, 1.0, 1e8]),
    "fair": _scales("c", [1e-6, 1.0, 1.3998, 1e8, 1e150]),
    "hampel": [
        ({"a": 2.0, "b": 4.0, "c": 8.0}, _errors(HUGE)),
        ({"a": 1e-9, "b": 0.5, "c": 1e12}, _errors(HUGE)),
        ({"a": 2.0, "b": 2.0000001, "c": 2.0000002}, _errors(HUGE)),
    ],
    "andrews": _scales("a", [1e-6, 1.0, 1.339, 1e8]),
    "ramsay": _scales("a", [1e-8, 1e-3, 0.3, 1.0, 1e6]),
    "barron": [
        ({"alpha": alpha, "c": 0.7}, _errors(HUGE) if alpha <= 1 else _errors()) for alpha in ALPHAS if alpha <= 2
    ]
    + [({"alpha": alpha, "c": 0.7}, STEEP) for alpha in [*ALPHAS, 1e8, 1e21, float("inf")]]
    + [({"alpha": 1.0, "c": c}, _errors(HUGE)) for c in (1e-6, 1e8)],
    "wing": [({"w": 10.0, "epsilon": 2.0}, _errors(HUGE)), ({"w": 1e9, "epsilon": 1e-9}, _errors(HUGE))],
    "linex": [
        ({"a": a}, {"y_true": [0.0] * len(errors), "y_pred": errors})
        for a in (1.0, -1.0, 1e-9, 1e9)
        for errors in [[error for error in ERRORS if a * error < 700]]
    ],
    "poisson_nll": [
        ({"full": True}, _pairs(COUNTS, RATES)),
        ({"log_input": True, "full": True}, _pairs(COUNTS[:-2], [-1000.0, -1.0, 0.0, 1e-9, 1.25, 2.5, 600.0])),
        ({}, _pairs([0.0, 1.0, 4.0, 1e6], [0.0, 1e-300, 0.5, 1.5, 1e300])),
        ({"log_input": True}, _pairs([0.0, 1.0, 4.0, 1e6], [-1e6, -0.5, 1e-9, 1.0, 600.0])),
    ],
    "gaussian_nll": [
        (params, {"y_true": [0.0] * 6, "y_pred": [0.0, 1e-9, 3.0, -1e9, 1e200, 0.5], "variance": variance})
        for params in ({}, {"full": True}, {"eps": 0.0})
        for variance in ([1e-300, 1e-5, 2.0, 1e9, 1e300, 0.3], [2.0, 3.0, 1e6, 1e-6, 1e250, 1e-9])
    ],
    "tweedie_deviance": [
        ({"power": power}, _pairs(MILD if power >= 2 else [0.0, *MILD], MILD))
        for power in (1.0, 1 + 1e-12, 1.001, 1.4999, 1.5, 1.999, 2 - 1e-12, 2.0, 2 + 1e-9, 3.0, 5.5)
    ]
    + [({"power": power}, _pairs([-1e9, -1.0, *MILD], MILD)) for power in (-1e-12, -0.5, -1.0, -4.0)]
    + [({"power": 0.0}, _errors())],
    "poisson_deviance": [({}, _pairs([0.0, *AMOUNTS], AMOUNTS))],
    "gamma_deviance": [({}, _pairs(AMOUNTS, AMOUNTS))],
    "ghm_r": [({"mu": mu, "bins": bins}, _errors(HUGE)) for mu in (0.02, 1e-6, 5.0) for bins in (1, 7, 10)],
    "ghm_c": [
        ({"bins": 10}, {"y_true": [0, 1, 0, 1, 0, 1, 0, 1], "y_pred": [0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 1e-300, 0.35]}),
        (
            {"bins": 7, "from_logits": True},
            {"y_true": [0, 1, 0, 1, 0, 1, 0], "y_pred": [-1e4, 1e4, 1e4, -1e4, 0.0, 40.0, -40.0]},
        ),
    ],
}
