"""Time losses of rankings, ensembles and labels on arrays in memory, against a library of each: the ratio of medians.

    python benchmarks/tasks.py NAME [--rounds R]

Requires scikit-learn, and scoringrules with numba for `crps_ensemble`.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from in_turn import time_in_turn

import losscli

QUERIES, DOCUMENTS = 50_000, 20
MEMBERS = 50


class Case(NamedTuple):
    """What losscli and a library compute from the same arrays."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]


def ndcg() -> Case:
    """Rank 1 M documents of 50 000 queries: losscli finds the queries by their keys, scikit-learn has a matrix."""
    metrics = importlib.import_module("sklearn.metrics")
    rng = np.random.default_rng(0)
    relevance = rng.integers(0, 5, (QUERIES, DOCUMENTS)).astype(float)
    relevance[:, 0] = 1.0  # no query without a relevant document
    score = relevance + 3 * rng.normal(size=relevance.shape)
    query = np.repeat(np.arange(QUERIES), DOCUMENTS)
    return Case(
        lambda: losscli.get_loss("ndcg_loss").value(relevance.ravel(), score.ravel(), query),
        lambda: 1 - metrics.ndcg_score(2**relevance - 1, score),
    )


def crps_ensemble() -> Case:
    """Score 1 M ensembles of 50 members."""
    scoringrules = importlib.import_module("scoringrules")
    rng = np.random.default_rng(0)
    y = rng.normal(size=1_000_000)
    members = y[:, None] + rng.normal(size=(len(y), MEMBERS))
    return Case(
        lambda: losscli.get_loss("crps_ensemble").value(y, members),
        lambda: scoringrules.crps_ensemble(y, members).mean(),
    )


def labels() -> Case:
    """Score 10 M labels of 10 classes by macro F1."""
    metrics = importlib.import_module("sklearn.metrics")
    rng = np.random.default_rng(0)
    true = rng.integers(0, 10, 10_000_000)
    predicted = np.where(rng.random(len(true)) < 0.7, true, rng.integers(0, 10, len(true)))
    return Case(
        lambda: losscli.get_loss("f1_loss").value(true, predicted),
        lambda: 1 - metrics.f1_score(true, predicted, average="macro"),
    )


CASES: dict[str, Callable[[], Case]] = {"ndcg": ndcg, "crps_ensemble": crps_ensemble, "labels": labels}


def main() -> None:
    """Check that both agree, measure, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    case = CASES[args.name]()
    np.testing.assert_allclose(case.ours(), case.theirs(), rtol=1e-9)
    seconds = time_in_turn(list(case), args.rounds)
    print(json.dumps({"ratio": seconds[0] / seconds[1], "seconds": seconds}))  # run.py reads and judges it


if __name__ == "__main__":
    main()
