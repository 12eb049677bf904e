"""Time a loss of embeddings on arrays in memory, against torch on the same arrays: the ratio of medians.

    python benchmarks/coupled.py NAME [--rounds R]

Both compute in float64 on all processors. Requires torch.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as f
from in_turn import time_in_turn

import losscli

TEMPERATURE, SCALE, ANGLE, MARGIN = 0.1, 64, 0.5, 0.2
N_CLASSES = 1_000


class Case(NamedTuple):
    """What losscli and torch compute from the same arrays. Both return a number or an array."""

    arrays: tuple[Any, ...]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]


def rows_near_classes(rows: int, dimensions: int, classes: int) -> tuple[Any, Any, Any]:
    """Return class numbers, embeddings around the centre of their class, and the centres."""
    rng = np.random.default_rng(0)
    labels, centers = rng.integers(0, classes, rows), rng.normal(size=(classes, dimensions))
    return labels, centers[labels] + rng.normal(size=(rows, dimensions)), centers


def two_views(rows: int, dimensions: int) -> tuple[Any, Any]:
    """Return two noisy copies of embeddings."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(rows, dimensions))
    return shared, shared + rng.normal(size=shared.shape)


def info_nce_gradient(anchor: Any, positive: Any) -> Any:
    """Go forward and backward, as in training; by the anchors, as losscli."""
    anchor = anchor.clone().requires_grad_()
    cosines = f.normalize(anchor) @ f.normalize(positive).T
    f.cross_entropy(cosines / TEMPERATURE, torch.arange(len(anchor)), reduction="sum").backward()
    return anchor.grad


def arcface(labels: Any, embeddings: Any, weights: Any) -> Any:
    """Add the margin to the angle of the target, where the sum stays below pi."""
    cosines = f.normalize(embeddings) @ f.normalize(weights).T
    target = cosines.gather(1, labels[:, None])
    shifted = torch.where(
        target > math.cos(math.pi - ANGLE), torch.cos(torch.acos(target) + ANGLE), target - ANGLE * math.sin(ANGLE)
    )
    return f.cross_entropy(SCALE * cosines.scatter(1, labels[:, None], shifted), labels)


def hard_triplets(labels: Any, embeddings: Any) -> Any:
    """Pair the farthest row of the class with the nearest of another."""
    distances, is_same = torch.cdist(embeddings, embeddings).square(), labels[:, None] == labels
    farthest = torch.where(is_same, distances, -math.inf).amax(1)
    nearest = torch.where(is_same, math.inf, distances).amin(1)
    return (farthest - nearest + MARGIN).clamp(min=0).mean()


def supcon(labels: Any, embeddings: Any) -> Any:
    """Compare each row with all others, as the paper's code does with masks."""
    unit = f.normalize(embeddings)
    own = torch.eye(len(unit), dtype=torch.bool)
    log_p = (unit @ unit.T / TEMPERATURE).masked_fill(own, -math.inf).log_softmax(1)
    is_positive = (labels[:, None] == labels) & ~own
    return -(log_p.masked_fill(~is_positive, 0).sum(1) / is_positive.sum(1)).mean()


CASES: dict[str, Callable[[], Case]] = {
    "info_nce-gradient": lambda: Case(
        two_views(5_000, 128), losscli.get_loss(f"info_nce:temperature={TEMPERATURE}").gradient, info_nce_gradient
    ),
    "arcface": lambda: Case(
        rows_near_classes(5_000, 512, N_CLASSES),
        losscli.get_loss(f"arcface:scale={SCALE}:margin={ANGLE}").value,
        arcface,
    ),
    "hard-triplets": lambda: Case(
        rows_near_classes(3_000, 128, 100)[:2],
        losscli.get_loss(f"triplet_mined:mining=hard:margin={MARGIN}").value,
        hard_triplets,
    ),
    "supcon": lambda: Case(
        rows_near_classes(5_000, 128, 100)[:2], losscli.get_loss(f"supcon:temperature={TEMPERATURE}").value, supcon
    ),
}


def main() -> None:
    """Check that both agree, measure, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    case = CASES[args.name]()
    tensors = [torch.from_numpy(array) for array in case.arrays]
    calls: list[Callable[[], Any]] = [lambda: case.ours(*case.arrays), lambda: case.theirs(*tensors)]
    ours, theirs = (np.asarray(call()) for call in calls)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * np.abs(theirs).max())
    seconds = time_in_turn(calls, args.rounds)
    print(json.dumps({"ratio": seconds[0] / seconds[1], "seconds": seconds}))  # run.py reads and judges it


if __name__ == "__main__":
    main()
