"""Losses that equal other losses for some parameters."""

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


X, W = RNG.normal(size=(200, 3)) * 3, RNG.normal(size=(5, 3))
UNIT = W / np.linalg.norm(W, axis=1, keepdims=True)
COSINES = X @ UNIT.T / np.linalg.norm(X, axis=1, keepdims=True)
MEANS = np.stack([X[CLASSES == c].mean(axis=0) for c in range(5)])
BOXES, OTHERS = (np.hstack([RNG.normal(size=(200, 2)), RNG.uniform(0.1, 3, size=(200, 2))]) for _ in "ab")


def corners(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def centred(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]])


def by_prototypes(name: str, weights: np.ndarray = W, **params: float) -> np.ndarray:
    return get_loss(name, **params)(CLASSES, X, weights)


def by_cosines(name: str, **params: float) -> np.ndarray:
    return get_loss(name, **params)(labels=CLASSES, y_pred=COSINES)


IDENTITIES = {
    "mse = 2 huber(delta to infinity)": (get_loss("mse")(Y, P), 2 * get_loss("huber", delta=1e9)(Y, P)),
    "mae = 2 quantile(0.5)": (get_loss("mae")(Y, P), 2 * get_loss("quantile", tau=0.5)(Y, P)),
    "huber = delta smooth_l1(delta)": (get_loss("huber", delta=1.7)(Y, P), 1.7 * get_loss("smooth_l1", beta=1.7)(Y, P)),
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
    "linear_softmax = softmax_loss of W x": (
        by_prototypes("linear_softmax"),
        get_loss("softmax_loss")(CLASSES, X @ W.T),
    ),
    "l_softmax(margin=1) = linear_softmax": (by_prototypes("l_softmax", margin=1), by_prototypes("linear_softmax")),
    "l_softmax annealed to the end = linear_softmax": (
        by_prototypes("l_softmax", annealing=1e15),
        by_prototypes("linear_softmax"),
    ),
    "sphereface = l_softmax of prototypes of length 1": (by_prototypes("sphereface"), by_prototypes("l_softmax", UNIT)),
    "am_softmax = cosface": (by_prototypes("am_softmax", scale=9), by_prototypes("cosface", scale=9)),
    "cosface(margin=0) = normface": (by_prototypes("cosface", scale=9, margin=0), by_prototypes("normface", scale=9)),
    "arcface(margin=0) = normface": (by_prototypes("arcface", scale=9, margin=0), by_prototypes("normface", scale=9)),
    "normface of prototypes = l2_softmax of those of length 1": (
        by_prototypes("normface", scale=9),
        by_prototypes("l2_softmax", UNIT, scale=9),
    ),
    **{
        f"{name} of vectors = of their cosines": (by_prototypes(name), by_cosines(name))
        for name in ("normface", "coco", "am_softmax", "cosface", "arcface")
    },
    "coco without prototypes = with the class means": (get_loss("coco")(CLASSES, X), by_prototypes("coco", MEANS)),
    "its gradient holds them constant": (
        get_loss("coco").gradient(CLASSES, X),
        get_loss("coco").gradient(CLASSES, X, MEANS),
    ),
    "deepid without verification = both identities": (
        get_loss("deepid", verification_weight=0)(CLASSES, CLASSES, X, -X, W),
        get_loss("linear_softmax")(CLASSES, X, W) + get_loss("linear_softmax")(CLASSES, -X, W),
    ),
    **{
        f"{name} in all formats": (
            np.stack([get_loss(name)(corners(BOXES), corners(OTHERS))] * 2),
            np.stack(
                [
                    get_loss(name, box_format="xywh")(BOXES, OTHERS),
                    get_loss(name, box_format="cxcywh")(centred(BOXES), centred(OTHERS)),
                ]
            ),
        )
        for name in ("iou", "giou", "diou", "ciou", "eiou")
    },
    "iou with log": (
        np.exp(-get_loss("iou", log=True)(corners(BOXES), corners(BOXES * 1.1))),
        1 - get_loss("iou")(corners(BOXES), corners(BOXES * 1.1)),
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity(name: str) -> None:
    left, right = IDENTITIES[name]
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)
