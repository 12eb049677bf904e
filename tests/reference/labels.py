"""Losses that are one number for all rows once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, Params, Reference, Roles, by_row

PAIRS_OF_LABELS: Roles = {
    "y_true": [0, 0, 1, 1, 2, 2, 2, 5] + [1] * 4000,
    "y_pred": [0, 1, 1, 1, 2, 2, 0, 5] + [1] * 4000,
}
"""Nearly all right: differences of whole matrices would cancel."""

FAR_APART: Roles = {"y_true": [-7, 3, 3, 10**9, -7], "y_pred": [3, 3, -7, 10**9, -7]}

BAD: Roles = {"y_true": [0, 1, 2, 0, 1], "y_pred": [1, 2, 0, 2, 0]}

SCORED: Roles = {
    "y_true": [0, 0, 1, 1, 1, 0, 1, 0],
    "y_pred": [-1e300, 0.5, 0.5, 0.5 + 1e-16, 1e300, 0.5 - 1e-15, 0.25, -0.0],
}
PERFECT: Roles = {"y_true": [0, 0, 1], "y_pred": [1e-300, 2e-300, 3e-300]}


def at_once(f: Callable[..., mpf], *names: str) -> Reference:
    """A loss of all rows: its roles in order, then the parameters."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS // 8):
            return [f(*(roles[name] for name in names), **params)]

    return rows


def counts(true: list, predicted: list) -> tuple[list, dict, dict, dict]:
    """The classes, the cells of the confusion matrix, its row sums and its column sums."""
    classes = sorted({*true, *predicted})
    cells = {(i, j): 0 for i in classes for j in classes}
    for pair in zip(true, predicted, strict=True):
        cells[pair] += 1
    rows = {i: mpf(sum(cells[i, j] for j in classes)) for i in classes}
    columns = {j: mpf(sum(cells[i, j] for i in classes)) for j in classes}
    return classes, cells, rows, columns


def balanced_error(true: list, predicted: list) -> mpf:
    classes, cells, rows, _ = counts(true, predicted)
    recalls = [cells[i, i] / rows[i] for i in classes if rows[i]]
    return 1 - mp.fsum(recalls) / len(recalls)


def f1_loss(true: list, predicted: list, average: str, beta: float) -> mpf:
    classes, cells, rows, columns = counts(true, predicted)
    square = mpf(beta) ** 2
    if average == "micro":
        return 1 - mp.fsum(cells[k, k] for k in classes) / len(true)
    scores = {k: (1 + square) * cells[k, k] / (square * rows[k] + columns[k]) for k in classes}
    if average == "macro":
        return 1 - mp.fsum(scores.values()) / len(classes)
    return 1 - mp.fsum(rows[k] * scores[k] for k in classes) / len(true)


def kappa(true: list, predicted: list, weighting: str, **_: object) -> mpf:
    classes, cells, rows, columns = counts(true, predicted)
    power = {"none": 0, "linear": 1, "quadratic": 2}[weighting]
    apart = {(i, j): abs(i - j) ** power if i != j else mpf(0) for i in classes for j in classes}
    by_chance = mp.fsum(apart[i, j] * rows[i] * columns[j] for i, j in apart) / len(true)
    return mp.fsum(apart[pair] * cells[pair] for pair in apart) / by_chance if by_chance else mp.nan


def matthews(true: list, predicted: list) -> mpf:
    classes, cells, rows, columns = counts(true, predicted)
    n = mpf(len(true))
    covariance = n * sum(cells[k, k] for k in classes) - mp.fsum(rows[k] * columns[k] for k in classes)
    spreads = [n**2 - mp.fsum(side[k] ** 2 for k in classes) for side in (rows, columns)]
    return 1 - covariance / mp.sqrt(spreads[0] * spreads[1]) if all(spreads) else mpf(1)


def auc(true: list, scores: list) -> mpf:
    ones = [s for t, s in zip(true, scores, strict=True) if t == 1]
    zeros = [s for t, s in zip(true, scores, strict=True) if t != 1]
    if not ones or not zeros:
        return mp.nan
    return mp.fsum((mpf(a < b) + mpf(a == b) / 2) for a in ones for b in zeros) / (len(ones) * len(zeros))


def average_precision(true: list, scores: list) -> mpf:
    total, steps, before = sum(t == 1 for t in true), [], mpf(0)
    if not total:
        return mp.nan
    for score in sorted(set(scores), reverse=True):
        above = [t == 1 for t, s in zip(true, scores, strict=True) if s >= score]
        recall = mpf(sum(above)) / total
        steps.append((recall - before) * sum(above) / len(above))
        before = recall
    return 1 - mp.fsum(steps)


def calibration(true: list, p: list, bins: int, norm: str) -> mpf:
    rows: dict[int, list] = {}
    for t, row in zip(true, p, strict=True):
        best = row.index(max(row)) if isinstance(row, list) else 1
        confidence = row[best] if isinstance(row, list) else row
        place = next(m for m in range(1, bins + 1) if m == bins or confidence <= mpf(m / bins))
        rows.setdefault(place, []).append((mpf(t == best), confidence))
    gaps = [(len(its), abs(mp.fsum(a - c for a, c in its)) / len(its)) for its in rows.values()]
    n = len(true)
    if norm == "max":
        return max(gap for _, gap in gaps)
    if norm == "l2":
        return mp.sqrt(mp.fsum(size * gap**2 for size, gap in gaps) / n)
    return mp.fsum(size * gap for size, gap in gaps) / n


def spherical(t: mpf, p: object, from_logits: bool) -> mpf:
    if not isinstance(p, list):
        p = [0, p] if from_logits else [1 - p, p]
    if from_logits:
        p = [mp.exp(s - max(p)) for s in p]
    norm = mp.sqrt(mp.fsum(x * x for x in p))
    return 1 - p[int(t)] / norm


REFERENCE: dict[str, Reference] = {
    "balanced_error": at_once(balanced_error, "y_true", "y_pred"),
    "f1_loss": at_once(f1_loss, "y_true", "y_pred"),
    "cohen_kappa_loss": at_once(kappa, "y_true", "y_pred"),
    "quadratic_weighted_kappa_loss": at_once(
        lambda true, predicted, **_: kappa(true, predicted, "quadratic"), "y_true", "y_pred"
    ),
    "matthews_loss": at_once(matthews, "y_true", "y_pred"),
    "auc_loss": at_once(auc, "y_true", "y_pred"),
    "average_precision_loss": at_once(average_precision, "y_true", "y_pred"),
    "expected_calibration_error": at_once(calibration, "y_true", "y_pred"),
    "spherical_score": by_row(spherical, "y_true", "y_pred"),
}

LABELS = (PAIRS_OF_LABELS, FAR_APART, BAD)

ROWS_OF_P = [[1 - 1e-9, 4e-10, 6e-10], [1 / 3] * 3, [1.0, 0.0, 0.0], [1e-300, 1.0, 0.0]]
LOGIT_ROWS = [[30.0, -3.0, 0.0], [0.1, 0.2, 0.3], [-300.0, 300.0, 0.0], [1e4, 0.0, 1.0]]
BINARY = [0.0, 1e-300, 1e-9, 0.5, 1 - 2**-53, 1.0]
BINARY_LOGITS = [-1e3, -40.0, -1e-9, 0.0, 30.0, 300.0]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "balanced_error": [({}, roles) for roles in LABELS],
    "f1_loss": [
        (p, roles)
        for p in ({}, {"average": "weighted"}, {"average": "micro"}, {"beta": 1e-3}, {"beta": 30.0})
        for roles in LABELS
    ],
    "cohen_kappa_loss": [
        (p, roles) for p in ({}, {"weighting": "linear"}, {"weighting": "quadratic"}) for roles in LABELS
    ],
    "quadratic_weighted_kappa_loss": [({}, roles) for roles in LABELS],
    "matthews_loss": [({}, roles) for roles in (*LABELS, {"y_true": [1, 1], "y_pred": [0, 1]})],
    "auc_loss": [({}, SCORED), ({}, PERFECT)],
    "average_precision_loss": [({}, SCORED), ({}, PERFECT)],
    "expected_calibration_error": [
        (p, {"y_true": [0, 1, 1, 0, 1, 0], "y_pred": [0.0, 1.0, 0.2, 0.6, 1 - 1e-12, 1e-300]})
        for p in ({}, {"norm": "l2"}, {"norm": "max"}, {"bins": 1}, {"bins": 5})
    ]
    + [({"bins": 4}, {"y_true": [0, 1, 2, 1], "y_pred": ROWS_OF_P})],
    "spherical_score": [({}, {"y_true": [y] * len(ROWS_OF_P), "y_pred": ROWS_OF_P}) for y in (0, 1, 2)]
    + [({"from_logits": True}, {"y_true": [y] * len(LOGIT_ROWS), "y_pred": LOGIT_ROWS}) for y in (0, 1, 2)]
    + [({}, {"y_true": [y] * len(BINARY), "y_pred": BINARY}) for y in (0, 1)]
    + [({"from_logits": True}, {"y_true": [y] * len(BINARY_LOGITS), "y_pred": BINARY_LOGITS}) for y in (0, 1)],
}
