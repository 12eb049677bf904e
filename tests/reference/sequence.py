"""CTC once more in mpmath: every path of classes is written down, and those that give the target are added up."""

from __future__ import annotations

import itertools

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, Params, Reference, Roles

Row = list


def collapsed(path: tuple[int, ...], blank: int) -> list[int]:
    return [c for c, _ in itertools.groupby(path) if c != blank]


def ctc(log_probs: Row, target: Row, frames: mpf, symbols: mpf, blank: int) -> mpf:
    wanted = [int(c) for c in target[: int(symbols)]]
    probabilities = [[mp.exp(x) for x in row] for row in log_probs[: int(frames)]]
    paths = itertools.product(range(len(log_probs[0])), repeat=int(frames))
    likely = mp.fsum(
        mp.fprod(p[c] for p, c in zip(probabilities, path, strict=True))
        for path in paths
        if collapsed(path, blank) == wanted
    )
    return -mp.log(likely) if likely else mp.inf


def rows(roles: Roles, params: Params) -> list:
    names = ("log_probs", "targets", "input_lengths", "target_lengths")
    with mp.workdps(DIGITS):
        return [ctc(*row, **params) for row in zip(*(roles[name] for name in names), strict=True)]


REFERENCE: dict[str, Reference] = {"ctc": rows}

EVEN = [[-1.0, -1.2, -1.1]] * 4
SURE = [[-800.0, -1e-3, -7.0], [-1e-3, -800.0, -7.0], [-7.0, -900.0, -1e-3], [float("-inf"), -0.5, -1.0]]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "ctc": [
        (
            {},
            {
                "log_probs": [EVEN, SURE] * 4,
                "targets": [[1, 2], [1, 2], [1, 1], [1, 1], [2, 0], [2, 9], [0, 0], [0, 0]],
                "input_lengths": [4, 4, 3, 2, 1, 4, 4, 0],
                "target_lengths": [2, 2, 2, 2, 1, 1, 0, 0],
            },
        ),
        (
            {"blank": 2},
            {"log_probs": [EVEN, SURE], "targets": [[0, 1], [1, 0]], "input_lengths": [4, 4], "target_lengths": [2, 2]},
        ),
    ]
}
