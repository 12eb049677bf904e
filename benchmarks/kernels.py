"""Time losses on arrays in memory, against torch and scikit-learn on the same arrays: ratios of medians.

    python benchmarks/kernels.py [--through kernel|compute|statistics] [--rows N] [--rounds R]

All compute the mean in float64: losscli by `get_loss(...).value` (`kernel`), by `compute(...).value` (`compute`), or by
`compute` with all statistics (`statistics`). torch and losscli use one thread per processor. Requires torch and
scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics
import table
import torch
import torch.nn.functional as f
from in_turn import time_in_turn

import losscli

N_CLASSES = 10


class Case(NamedTuple):
    """A loss, its arrays, the function of torch, and that of scikit-learn if it has one."""

    loss: str
    arrays: tuple[Any, ...]
    torch: Callable[..., Any]
    sklearn: Callable[..., Any] | None = None


def cases(n: int) -> list[Case]:
    """Return common losses of n numbers; losses of several classes have n / N_CLASSES rows."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=n)
    p = y + rng.standard_t(3, size=n)
    label, chance, score = (rng.random(n) < 0.4).astype(float), rng.uniform(0.001, 0.999, n), rng.normal(size=n) * 2
    rate = rng.gamma(2, 1, n) + 0.01
    rows = n // N_CLASSES
    classes, logits = rng.integers(0, N_CLASSES, rows), rng.normal(size=(rows, N_CLASSES)) * 2
    one, other = (rng.dirichlet(np.full(N_CLASSES, 2.0), rows) for _ in range(2))
    metrics = sklearn.metrics
    return [
        Case("mse", (y, p), lambda y, p: f.mse_loss(p, y), metrics.mean_squared_error),
        Case("mae", (y, p), lambda y, p: f.l1_loss(p, y), metrics.mean_absolute_error),
        Case("huber", (y, p), lambda y, p: f.huber_loss(p, y)),
        Case("smooth_l1", (y, p), lambda y, p: f.smooth_l1_loss(p, y)),
        Case("log_cosh", (y, p), torch_log_cosh),
        Case("bce", (label, chance), lambda y, p: f.binary_cross_entropy(p, y), metrics.log_loss),
        Case("bce:from_logits=true", (label, score), lambda y, s: f.binary_cross_entropy_with_logits(s, y)),
        Case("softmax_loss", (classes, logits), lambda y, s: f.cross_entropy(s, y)),
        Case("kl", (one, other), lambda p, q: f.kl_div(q.log(), p, reduction="batchmean")),
        Case("poisson_nll", (rng.poisson(rate).astype(float), rate),
             lambda y, r: f.poisson_nll_loss(r, y, log_input=False, eps=0)),
        Case("hinge", (2 * label - 1, score), lambda y, s: torch.clamp(1 - y * s, min=0).mean(), metrics.hinge_loss),
    ]  # fmt: skip


def torch_log_cosh(y: Any, p: Any) -> Any:
    """Compute log cosh, for which torch has no function, as its users write it."""
    e = p - y
    return (e + f.softplus(-2 * e) - math.log(2)).mean()


def compute_value(loss: str, *arrays: Any) -> float:
    """Compute as users of the Python API do, and look at the value only."""
    y_true, y_pred = arrays
    return losscli.compute(loss, y_true=y_true, y_pred=y_pred).value


def compute_statistics(loss: str, *arrays: Any) -> float:
    """Compute and look at every statistic."""
    y_true, y_pred = arrays
    result = losscli.compute(loss, y_true=y_true, y_pred=y_pred)
    for name in ("n", "std", "min", "median", "p95", "max", "sum"):
        getattr(result, name)
    return result.value


THROUGH: dict[str, Callable[..., float]] = {
    "kernel": lambda loss, *arrays: losscli.get_loss(loss).value(*arrays),
    "compute": compute_value,
    "statistics": compute_statistics,
}


def measure(case: Case, ours: Callable[..., float], rounds: int) -> tuple[float, float, float | None]:
    """Return the median seconds of losscli, torch and scikit-learn, after a check that their values agree."""
    tensors = [torch.from_numpy(array) for array in case.arrays]
    calls: list[Callable[[], Any]] = [lambda: ours(case.loss, *case.arrays), lambda: case.torch(*tensors)]
    if case.sklearn is not None:
        theirs = case.sklearn
        calls.append(lambda: theirs(*case.arrays))
    values = [float(call()) for call in calls]
    assert all(math.isclose(value, values[0], rel_tol=1e-9) for value in values), (case.loss, values)
    medians = time_in_turn(calls, rounds)
    return medians[0], medians[1], medians[2] if len(medians) > 2 else None


def main() -> None:
    """Measure all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--through", choices=list(THROUGH), default="kernel")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    header = ("loss", "losscli ms", "torch ms", "scikit-learn ms", "to torch", "to scikit-learn")
    lines, ratios, sklearn_ratios = [], [], []
    for case in cases(args.rows):
        ours, torchs, sklearns = measure(case, THROUGH[args.through], args.rounds)
        ratios.append(ours / torchs)
        shown = ("-", "-")
        if sklearns is not None:
            sklearn_ratios.append(ours / sklearns)
            shown = (f"{1e3 * sklearns:.1f}", f"{sklearn_ratios[-1]:.2f}")
        lines.append((case.loss, f"{1e3 * ours:.1f}", f"{1e3 * torchs:.1f}", shown[0], f"{ratios[-1]:.2f}", shown[1]))
    mean = statistics.geometric_mean(ratios)
    lines.append(("geometric mean", "", "", "", f"{mean:.2f}", f"{statistics.geometric_mean(sklearn_ratios):.2f}"))
    print(table.markdown(header, lines, set(header[1:])))
    versions = f"torch {torch.__version__}, scikit-learn {sklearn.__version__}"
    print(f"{args.through}: {mean:.2f} of torch's time, {args.rows} numbers, {versions}")
    print(json.dumps({"ratio": mean}))  # benchmarks/run.py reads and judges it


if __name__ == "__main__":
    main()
