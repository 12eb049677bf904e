"""Scores of distributions once more, in mpmath: closed forms of the CRPS as integrals give them, log densities.

REFERENCE and EXTREMES are as in `tests/reference/regression.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import mpmath as mp
from mpmath import mpf

from tests.reference.regression import DIGITS, Params, Reference, Roles, flatten


def elements(f: Callable[..., mpf], *names: str) -> Reference:
    """A loss of the numbers of these roles, element by element, averaged over what a row holds."""

    def rows(roles: Roles, params: Params) -> list:
        given = [[flatten(row) for row in roles[name]] for name in names if name in roles]
        with mp.workdps(DIGITS):
            found = [[f(*numbers, **params) for numbers in zip(*row, strict=True)] for row in zip(*given, strict=True)]
            return [mp.fsum(row) / len(row) for row in found]

    return rows


def of_location_and_scale(f: Callable[..., mpf]) -> Reference:
    """A loss of y_true, y_pred and scale."""
    return elements(f, "y_true", "y_pred", "scale")


def crps(f: Callable[[mpf], mpf]) -> Reference:
    """The CRPS of a location and a scale, by that of the standard distribution; that of scale 0 is |e|."""
    return of_location_and_scale(lambda y, p, s: s * f((p - y) / s) if s else abs(p - y))


def crps_normal(z: mpf) -> mpf:
    return z * mp.erf(z / mp.sqrt(2)) + 2 * mp.npdf(z) - 1 / mp.sqrt(mp.pi)


def logistic(z: mpf) -> mpf:
    return abs(z) + 2 * mp.log1p(mp.exp(-abs(z)))


def lognormal(y: mpf, p: mpf, s: mpf) -> mpf:
    return mp.log(y) + mp.log(s) + mp.log(2 * mp.pi) / 2 + ((mp.log(y) - p) / s) ** 2 / 2


def student_t(y: mpf, p: mpf, s: mpf, nu: mpf) -> mpf:
    z = (p - y) / s
    if mp.isinf(nu):
        return z**2 / 2 + mp.log(s) + mp.log(2 * mp.pi) / 2
    gammas = mp.loggamma(nu / 2) - mp.loggamma((nu + 1) / 2)
    return (nu + 1) / 2 * mp.log1p(z**2 / nu) + mp.log(s) + mp.log(nu * mp.pi) / 2 + gammas


def gamma(y: mpf, mean: mpf, k: mpf) -> mpf:
    return -k * mp.log(k / mean) - (k - 1) * mp.log(y) + k * y / mean + mp.loggamma(k)


def negative_binomial(y: mpf, mean: mpf, alpha: mpf) -> mpf:
    if mean == 0:
        return mp.inf if y else mpf(0)
    if alpha == 0:
        return mean - y * mp.log(mean) + mp.loggamma(y + 1)
    n = 1 / alpha
    gammas = mp.loggamma(n) + mp.loggamma(y + 1) - mp.loggamma(y + n)
    return (y + n) * mp.log1p(alpha * mean) - y * mp.log(alpha * mean) + gammas


def with_one_for_all(f: Callable[..., mpf], *names: str, parameter: str) -> Reference:
    """A loss whose last number is that of the row's last role, or a parameter."""

    def rows(roles: Roles, params: Params) -> list:
        given = params[parameter]
        if given is not None:
            roles = roles | {names[-1]: [[mpf(given)] * len(flatten(row)) for row in roles["y_true"]]}
        return elements(lambda *numbers, **_: f(*numbers), *names)(roles, params)

    return rows


Distance = Callable[[object, object], mpf]


def ensemble(distance: Distance) -> Reference:
    """The mean distance of the members from the truth, minus half of the mean difference of members."""

    def row(y: object, members: list, fair: bool) -> mpf:
        m = len(members)
        apart = mp.fsum(distance(a, b) for a in members for b in members)
        return mp.fsum(distance(x, y) for x in members) / m - apart / (2 * m * (m - 1 if fair else m))

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            pairs = zip(roles["y_true"], roles["y_pred"], strict=True)
            return [row(y, members, bool(params["fair"])) for y, members in pairs]

    return rows


def euclidean(a: object, b: object) -> mpf:
    return mp.sqrt(mp.fsum((p - q) ** 2 for p, q in zip(flatten(a), flatten(b), strict=True)))


def dss(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        if "scale" in roles:
            rows = zip(roles["y_true"], roles["y_pred"], roles["scale"], strict=True)
            return [((y - p) / s) ** 2 + 2 * mp.log(s) for y, p, s in rows]
        found = []
        for y, members in zip(roles["y_true"], roles["y_pred"], strict=True):
            mean = mp.fsum(members) / len(members)
            variance = mp.fsum((x - mean) ** 2 for x in members) / (len(members) - int(str(params["ddof"])))
            found.append((y - mean) ** 2 / variance + mp.log(variance))
        return found


REFERENCE: dict[str, Reference] = {
    "crps_normal": crps(crps_normal),
    "crps_laplace": crps(lambda z: abs(z) + mp.exp(-abs(z)) - mpf(3) / 4),
    "crps_logistic": crps(lambda z: logistic(z) - 1),
    "laplace_nll": of_location_and_scale(lambda y, p, s: abs(p - y) / s + mp.log(2 * s)),
    "logistic_nll": of_location_and_scale(lambda y, p, s: logistic((p - y) / s) + mp.log(s)),
    "lognormal_nll": of_location_and_scale(lognormal),
    "student_t_nll": with_one_for_all(student_t, "y_true", "y_pred", "scale", "df", parameter="nu"),
    "gamma_nll": with_one_for_all(gamma, "y_true", "y_pred", "shape", parameter="k"),
    "negative_binomial_nll": with_one_for_all(negative_binomial, "y_true", "y_pred", "dispersion", parameter="alpha"),
    "crps_ensemble": ensemble(lambda a, b: abs(a - b)),
    "energy_score": ensemble(euclidean),
    "dss": dss,
}

ERRORS = [0.0, 1e-300, 1e-20, -1e-9, 1e-3, -0.3, 1.0, 1.7, -5.0, 12.0, 38.0, -750.0, 1e9, 1e300]
SCALES = [0.0, 5e-324, 1e-300, 1e-9, 0.37, 1.0, 3.0, 1e9, 1e300]


AMOUNTS = [5e-324, 1e-9, 1.0, 1.0 + 1e-12, 7.0, 1e300]


DEGREES = [1e-9, 0.3, 1.0, 2.5, 19.9, 20.1, 1e3, 1e9, 1e15, float("inf")]
MEANS = [1e-100, 0.5, 1.0, 1.0 + 1e-12, 1.03, 7.0, 1e6, 1e15]
SHAPES = [3e-90, 1e-9, 0.3, 1.0, 9.9, 10.1, 1e8, 1e15]
DISPERSIONS = [0.0, 5e-324, 1e-299, 1e-17, 1e-8, 0.09, 0.11, 1.0, 50.0, 1e8]
COUNTS = [0.0, 1e-12, 0.009, 1.0, 7.0, 1e6 + 3, 1e15]


def _grid(**roles: Sequence[float]) -> dict[str, list[float]]:
    """Every combination of the values of roles."""
    rows = list(itertools.product(*roles.values()))
    return {name: [row[i] for row in rows] for i, name in enumerate(roles)}


def _scaled(scales: Sequence[float]) -> list[tuple[dict, dict]]:
    return [
        ({}, _grid(y_true=[0.0], y_pred=ERRORS, scale=scales)),
        ({}, _grid(y_true=[-3.0, 1e9], y_pred=[1.5], scale=scales)),
    ]


ENSEMBLES = {
    "y_true": [1e8, 1e8 + 0.1, 0.0, 1e-300, 3.0, -1e300, 0.3, 0.3],
    "y_pred": [
        [1e8 - 0.1, 1e8 + 0.1, 1e8, 1e8 + 1e-7],
        [1e8 - 0.1, 1e8 + 0.1, 1e8 + 0.1, 1e8 - 0.1],
        [1e9, 1e9 + 1e-6, -1e-9, 0.0],
        [2e-300, 1e-300, -3e-300, 1e-301],
        [3.0, 3.0, 3.0, 3.0 + 1e-15],
        [1e300, -1e300, 5e299, -1e300],
        [0.1, 0.5, 0.9, -1.0],
        [1e15, 1e15, 1e15 + 1.0, 1e15],
    ],
}
VECTORS = {
    "y_true": [[1e8, -1e8], [0.0, 0.0], [1e200, 0.0], [1e-200, 0.0], [3.0, 4.0]],
    "y_pred": [
        [[1e8 + 0.1, -1e8], [1e8, -1e8 - 0.1], [1e8 - 1e-7, -1e8]],
        [[1e9, 1e-9], [1e9, -1e-9], [1e-9, 0.0]],
        [[-1e200, 1e200], [3e200, 1e199], [1e200, 0.0]],
        [[-1e-200, 1e-200], [3e-200, 1e-201], [1e-200, 0.0]],
        [[3.0, 4.0], [3.0, 4.0], [1e-9, 0.0]],
    ],
}

EXTREMES: dict[str, list[tuple[dict, dict]]] = {
    "crps_normal": _scaled(SCALES),
    "crps_laplace": _scaled(SCALES),
    "crps_logistic": _scaled(SCALES),
    "laplace_nll": _scaled([*SCALES[1:], 1.7e308]),
    "logistic_nll": _scaled([*SCALES[1:], 1.7e308]),
    "lognormal_nll": [
        (
            {},
            _grid(
                y_true=[5e-324, 1e-9, 1.0, 1.0 + 1e-12, 7.0, 1e300],
                y_pred=[-700.0, -1.0, 1e-9, 2.0, 600.0],
                scale=SCALES[2:],
            ),
        )
    ],
    "student_t_nll": [
        ({}, _grid(y_true=[0.0], y_pred=ERRORS, scale=[0.37], df=DEGREES)),
        ({}, _grid(y_true=[0.0], y_pred=[1e-3, -7.0], scale=[1e-300, 1e300], df=[0.3, 30.0])),
        *(({"nu": nu}, _grid(y_true=[0.0], y_pred=ERRORS, scale=[0.37])) for nu in (1.0, 1e9)),
    ],
    "gamma_nll": [
        ({}, _grid(y_true=MEANS[1:], y_pred=MEANS, shape=SHAPES)),
        ({"k": 1e8}, _grid(y_true=[0.5, 1.0, 1.03], y_pred=MEANS)),
    ],
    "negative_binomial_nll": [
        ({}, _grid(y_true=COUNTS, y_pred=[0.0, 1e-300, *MEANS, 1e300], dispersion=DISPERSIONS)),
        *(({"alpha": alpha}, _grid(y_true=COUNTS, y_pred=MEANS)) for alpha in (0.0, 1e-8, 2.0)),
    ],
    "crps_ensemble": [({}, ENSEMBLES), ({"fair": True}, ENSEMBLES)],
    "energy_score": [({}, VECTORS), ({"fair": True}, VECTORS)],
    "dss": [
        ({}, _grid(y_true=[0.0], y_pred=[0.0, 1e-9, -3.0, 1e100], scale=[1e-150, 0.37, 3.0, 1e150, 1e300])),
        *(({"ddof": ddof}, ENSEMBLES) for ddof in (0, 1)),
    ],
}
