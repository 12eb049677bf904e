"""Losses that are other losses under some parameters."""

from __future__ import annotations

import numpy as np
import pytest

from losscli import get_loss

RNG = np.random.default_rng(7)
Y, P = RNG.normal(size=200) * 3, RNG.normal(size=200) * 3
LABELS, PROBABILITIES, LOGITS = RNG.integers(0, 2, 200), RNG.uniform(0.001, 0.999, 200), RNG.normal(size=200) * 5
ROWS, TARGETS = RNG.dirichlet(np.ones(5), 200), RNG.dirichlet(np.ones(5), 200)
CLASSES = RNG.integers(0, 5, 200)


def entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(p)).sum(axis=1)


IDENTITIES = {
    "mse = 2 huber(delta to infinity)": (get_loss("mse")(Y, P), 2 * get_loss("huber", delta=1e9)(Y, P)),
    "mae = 2 quantile(0.5)": (get_loss("mae")(Y, P), 2 * get_loss("quantile", tau=0.5)(Y, P)),
    "huber = delta smooth_l1(delta)": (
        get_loss("huber", delta=1.7)(Y, P),
        1.7 * get_loss("smooth_l1", beta=1.7)(Y, P),
    ),
    "smooth_l1(0) = mae": (get_loss("smooth_l1", beta=0)(Y, P), get_loss("mae")(Y, P)),
    "rmse² = mse": (get_loss("rmse")(Y, P), get_loss("mse")(Y, P)),
    "log_cosh = log(cosh)": (get_loss("log_cosh")(Y, P), np.log(np.cosh(P - Y))),
    "focal(gamma=0, alpha=none) = bce": (
        get_loss("focal", gamma=0, alpha=None)(LABELS, PROBABILITIES),
        get_loss("bce")(LABELS, PROBABILITIES),
    ),
    "bce of logits = bce of their sigmoid": (
        get_loss("bce", from_logits=True)(LABELS, LOGITS),
        get_loss("bce")(LABELS, 1 / (1 + np.exp(-LOGITS))),
    ),
    "bce = cross_entropy of two classes": (
        get_loss("bce")(LABELS, PROBABILITIES),
        get_loss("cross_entropy")(LABELS, np.stack([1 - PROBABILITIES, PROBABILITIES], axis=1)),
    ),
    "softmax_loss = cross_entropy of the softmax": (
        get_loss("softmax_loss")(CLASSES, np.log(ROWS) + 3),
        get_loss("cross_entropy")(CLASSES, ROWS),
    ),
    "one-hot rows = labels": (
        get_loss("cross_entropy", label_smoothing=0.1)(np.eye(5)[CLASSES], ROWS),
        get_loss("sparse_cross_entropy", label_smoothing=0.1)(CLASSES, ROWS),
    ),
    "kl = cross entropy - entropy": (
        get_loss("kl")(TARGETS, ROWS),
        get_loss("cross_entropy")(TARGETS, ROWS) - entropy(TARGETS),
    ),
    "contrastive of vectors = of their distance": (
        get_loss("contrastive")(LABELS, ROWS, TARGETS),
        get_loss("contrastive")(LABELS, np.linalg.norm(ROWS - TARGETS, axis=1)),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity(name: str) -> None:
    left, right = IDENTITIES[name]
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)
