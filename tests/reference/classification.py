"""Losses of labels and classes once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

DIGITS = 400
Roles = dict[str, list]
Params = dict[str, object]
Reference = Callable[[Roles, Params], list]
EPS = mpf(2) ** -52


def by_row(f: Callable[..., mpf], *names: str) -> Reference:
    """A loss of one row: its roles in order, then the parameters."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            return [f(*row, **params) for row in zip(*(roles[name] for name in names), strict=True)]

    return rows


def elements(f: Callable[..., mpf]) -> Reference:
    """A loss of one element, averaged over what a row holds."""

    def row(y: object, p: object, **params: object) -> mpf:
        pairs = list(zip(y, p, strict=True)) if isinstance(y, list) else [(y, p)]
        return mp.fsum(f(a, b, **params) for a, b in pairs) / len(pairs)

    return by_row(row, "y_true", "y_pred")


def log(x: mpf, eps: object) -> mpf:
    floor = mpf(eps)
    return mp.log(max(x, floor)) if max(x, floor) > 0 else -mp.inf


def weigh(weight: mpf, value: mpf) -> mpf:
    return mpf(0) if weight == 0 else weight * value


# ------------------------------------------------------------------------------------------------ two classes


def both_logs(p: mpf, from_logits: bool, eps: object) -> tuple[mpf, mpf]:
    if from_logits:
        minus = lambda s: mpf(0) if s == mp.inf else (-mp.inf if s == -mp.inf else -mp.log1p(mp.exp(-s)))
        return minus(p), minus(-p)
    return log(p, eps), log(1 - p, eps)


def bce(y: mpf, p: mpf, from_logits: bool, label_smoothing: float, pos_weight: float, eps: float) -> mpf:
    y = y * (1 - mpf(label_smoothing)) + mpf(label_smoothing) / 2
    log_p, log_q = both_logs(p, from_logits, eps)
    return -(weigh(mpf(pos_weight) * y, log_p) + weigh(1 - y, log_q))


def focal(y: mpf, p: mpf, alpha: float | None, gamma: float, from_logits: bool, eps: float) -> mpf:
    log_p, log_q = both_logs(p, from_logits, eps)
    if from_logits:
        p = mp.exp(log_p)
        q = mp.exp(log_q)
    else:
        q = 1 - p
    one, zero = (1, 1) if alpha is None else (mpf(alpha), 1 - mpf(alpha))
    return -(weigh(one * y, weigh(q**gamma, log_p)) + weigh(zero * (1 - y), weigh(p**gamma, log_q)))


def signed(f: Callable[..., mpf]) -> Reference:
    """A loss of y s, y being -1 or 1 (or 0 for -1)."""
    return elements(lambda y, s, **params: f((1 if y > 0 else -1) * s, **params))


# --------------------------------------------------------------------------------------------- several classes


def target_row(t: object, classes: int, ignore_index: object = None) -> list:
    if isinstance(t, list):
        return t
    if ignore_index is not None and t == ignore_index:
        return [mpf(0)] * classes
    return [mpf(1) if c == int(t) else mpf(0) for c in range(classes)]


def log_softmax(s: list) -> list:
    top = max(s)
    total = mp.log(mp.fsum(mp.exp(x - top) if x > -mp.inf else 0 for x in s))
    return [x - top - total for x in s]


def cross_entropy(
    t: object,
    p: list,
    from_logits: bool,
    label_smoothing: float,
    class_weight: object,
    ignore_index: object,
    normalize: bool,
    eps: float,
) -> mpf:
    row = target_row(t, len(p), ignore_index)
    if not any(row):
        return mpf(0)
    s = mpf(label_smoothing)
    row = [x * (1 - s) + s / len(p) for x in row]
    weights = class_weight or [1] * len(p)
    total = mp.fsum(p) if normalize else 1
    logs = log_softmax(p) if from_logits else [log(x / total, eps) for x in p]
    return -mp.fsum(weigh(mpf(w) * x, value) for w, x, value in zip(weights, row, logs, strict=True))


def softmax_loss(t: object, s: list, **params: object) -> mpf:
    return cross_entropy(t, s, from_logits=True, normalize=False, eps=0.0, **params)


def nll(t: object, logs: list, class_weight: object, ignore_index: object) -> mpf:
    row = target_row(t, len(logs), ignore_index)
    weights = class_weight or [1] * len(logs)
    return -mp.fsum(weigh(mpf(w) * x, value) for w, x, value in zip(weights, row, logs, strict=True))


def tempered(f: Callable[..., mpf]) -> Reference:
    """sum_c t_c f(p_c, log p_c)"""

    def row(t: object, p: list, from_logits: bool, **params: object) -> mpf:
        logs = log_softmax(p) if from_logits else [mp.log(x) if x else -mp.inf for x in p]
        clipped = logs if from_logits else [log(x, params.get("eps", EPS)) for x in p]
        params.pop("eps", None)
        values = [mp.exp(x) for x in logs] if from_logits else p
        terms = [f(i, x, c, **params) for i, (x, c) in enumerate(zip(values, clipped, strict=True))]
        return mp.fsum(weigh(weight, term) for weight, term in zip(target_row(t, len(p)), terms, strict=True))

    return by_row(row, "y_true", "y_pred")


def categorical_focal(i: int, p: mpf, log_p: mpf, alpha: object, gamma: float) -> mpf:
    a = 1 if alpha is None else mpf(alpha[i]) if isinstance(alpha, tuple) else mpf(alpha)
    return -a * weigh((1 - p) ** mpf(gamma), log_p)


def sce(i: int, p: mpf, log_p: mpf, alpha: float, beta: float, log_zero: float) -> mpf:
    return -mpf(alpha) * log_p - mpf(beta) * mpf(log_zero) * (1 - p)


def margins(f: Callable[..., mpf]) -> Reference:
    return by_row(lambda t, s, **params: f(target_row(t, len(s)), s, **params), "y_true", "y_pred")


def inner(t: list, s: list) -> mpf:
    return mp.fsum(weigh(a, b) for a, b in zip(t, s, strict=True))


def multi_margin(t: list, s: list, p: int, margin: float) -> mpf:
    right = inner(t, s)
    gaps = [max(mpf(0), mpf(margin) - right + x) ** p for x, hit in zip(s, t, strict=True) if not hit]
    return mp.fsum(gaps) / len(s)


REFERENCE: dict[str, Reference] = {
    "bce": elements(bce),
    "focal": elements(focal),
    "multilabel_soft_margin": elements(
        lambda y, s: bce(y, s, from_logits=True, label_smoothing=0.0, pos_weight=1.0, eps=0.0)
    ),
    "hinge": signed(lambda m, margin: max(mpf(0), mpf(margin) - m)),
    "squared_hinge": signed(lambda m, margin: max(mpf(0), mpf(margin) - m) ** 2),
    "perceptron": signed(lambda m: max(mpf(0), -m)),
    "soft_margin": signed(lambda m: mp.log1p(mp.exp(-m))),
    "exponential": signed(lambda m: mp.exp(-m)),
    "modified_huber": signed(lambda m: max(mpf(0), 1 - m) ** 2 if m >= -1 else -4 * m),
    "cross_entropy": by_row(cross_entropy, "y_true", "y_pred"),
    "sparse_cross_entropy": by_row(cross_entropy, "y_true", "y_pred"),
    "softmax_loss": by_row(softmax_loss, "y_true", "y_pred"),
    "nll": by_row(nll, "y_true", "y_pred"),
    "categorical_focal": tempered(categorical_focal),
    "generalized_cross_entropy": tempered(lambda i, p, log_p, q: (1 - p ** mpf(q)) / mpf(q)),
    "symmetric_cross_entropy": tempered(sce),
    "poly": tempered(lambda i, p, log_p, epsilon: -log_p + mpf(epsilon) * (1 - p)),
    "categorical_hinge": margins(
        lambda t, s: max(mpf(0), 1 + max((1 - a) * b for a, b in zip(t, s, strict=True)) - inner(t, s))
    ),
    "multiclass_hinge": margins(lambda t, s: max(b + 1 - a for a, b in zip(t, s, strict=True)) - inner(t, s)),
    "multiclass_perceptron": margins(lambda t, s: max(s) - inner(t, s)),
    "multi_margin": margins(multi_margin),
}

PROBABILITIES = [0.0, 5e-324, 1e-300, 1e-17, 2.3e-16, 1e-9, 0.3, 0.5, 1 - 1e-9, 1 - 2.0**-52, 1 - 2.0**-53, 1.0]
LOGITS = [-mp.inf, -1e4, -745.0, -37.0, -1e-9, 0.0, 1e-300, 1.0, 37.0, 800.0, 1e4, 8e7, float("inf")]
SCORES = [-1e9, -710.0, -1.0 - 1e-12, -1.0, -1e-9, 0.0, 1e-300, 0.999999, 1.0, 37.0, 700.0]


def _cross(labels: list, values: list) -> Roles:
    pairs = list(itertools.product(labels, values))
    return {"y_true": [a for a, _ in pairs], "y_pred": [float(b) for _, b in pairs]}


ROWS = [
    [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.25, 0.25, 0.5], [1e-300, 1.0, 0.0], [2.3e-16, 0.5, 0.5],
    [1e-9, 1 - 1e-9, 0.0], [0.3, 0.3, 0.4],
]  # fmt: skip
SCORE_ROWS = [
    [1e4, -1e4, 0.0], [0.0, 0.0, 0.0], [1e-9, -1e-9, 0.0], [800.0, 799.0, -800.0], [-1e4, -1e4 - 1, -1e4],
    [1e9, 1e9, 1e9], [37.0, 0.0, -5.0],
]  # fmt: skip
INFINITE_ROWS = [[float("-inf"), 0.0, 1.0], [0.0, float("-inf"), float("-inf")]]
SOFT = [0.2, 0.5, 0.3]


def _classes(rows: list, soft: bool = True) -> list[Roles]:
    found = [{"y_true": [c] * len(rows), "y_pred": rows} for c in range(3)]
    return [*found, {"y_true": [SOFT] * len(rows), "y_pred": rows}] if soft else found


def _with(params: list[dict], inputs: list[Roles]) -> list[tuple[dict, Roles]]:
    return [(p, i) for p in params for i in inputs]


LOGIT = {"from_logits": True}
EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "bce": _with(
        [{}, {"eps": 0.0}, {"label_smoothing": 0.1}, {"pos_weight": 7.0}], [_cross([0, 1, 0.3], PROBABILITIES)]
    )
    + _with([LOGIT], [_cross([0, 1], LOGITS), _cross([0.3], LOGITS[1:-1])]),
    "focal": _with([{}, {"gamma": 0.5}, {"gamma": 0.0, "alpha": None}, {"eps": 0.0}], [_cross([0, 1], PROBABILITIES)])
    + _with([LOGIT, LOGIT | {"gamma": 0.0}], [_cross([0, 1], LOGITS[1:-1])]),
    "multilabel_soft_margin": [({}, _cross([0, 1], LOGITS))],
    "hinge": _with([{}, {"margin": 1e-9}, {"margin": 1e9}], [_cross([0, 1], SCORES)]),
    "squared_hinge": _with([{}, {"margin": 1e9}], [_cross([0, 1], SCORES)]),
    "perceptron": [({}, _cross([0, 1], SCORES))],
    "soft_margin": [({}, _cross([0, 1], SCORES))],
    "exponential": [({}, _cross([1], SCORES[1:]) | {})],
    "modified_huber": [({}, _cross([0, 1], SCORES))],
    "cross_entropy": _with(
        [{}, {"eps": 0.0}, {"label_smoothing": 0.1}, {"class_weight": (2.0, 0.5, 0.0)}], _classes(ROWS)
    )
    + _with([LOGIT, LOGIT | {"label_smoothing": 0.1}], _classes(SCORE_ROWS))
    + _with([LOGIT], _classes(INFINITE_ROWS, soft=False)),
    "sparse_cross_entropy": _with([{}, {"eps": 0.0}], _classes(ROWS, soft=False)),
    "softmax_loss": _with([{}, {"label_smoothing": 0.1}], _classes(SCORE_ROWS))
    + _with([{}], _classes(INFINITE_ROWS, soft=False)),
    "nll": _with([{}, {"class_weight": (2.0, 0.5, 0.0)}], _classes([[-1e300, -1e-300, 0.0]], soft=False)),
    "categorical_focal": _with([{}, {"alpha": (0.2, 0.5, 0.9)}, {"gamma": 0.0, "alpha": None}], _classes(ROWS))
    + _with([LOGIT], _classes(SCORE_ROWS)),
    "generalized_cross_entropy": _with([{}, {"q": 1e-6}, {"q": 1.0}], _classes(ROWS))
    + _with([LOGIT, LOGIT | {"q": 1e-6}], _classes(SCORE_ROWS)),
    "symmetric_cross_entropy": _with([{}, {"alpha": 6.0, "beta": 0.1}], _classes(ROWS))
    + _with([LOGIT], _classes(SCORE_ROWS)),
    "poly": _with([{}, {"epsilon": 0.0}], _classes(ROWS)) + _with([LOGIT], _classes(SCORE_ROWS)),
    "categorical_hinge": [({}, roles) for roles in _classes(SCORE_ROWS, soft=False)],
    "multiclass_hinge": [({}, roles) for roles in _classes(SCORE_ROWS, soft=False)],
    "multiclass_perceptron": [({}, roles) for roles in _classes(SCORE_ROWS, soft=False)],
    "multi_margin": _with([{}, {"p": 2}, {"margin": 1e-9}], _classes(SCORE_ROWS, soft=False)),
}
