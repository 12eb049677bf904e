"""Losses of distances and angles between vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from losscli.domain import Array, AtLeastZero, Boolean, Distance, Distances, PairLabel, Vector
from losscli.losses._numerics import dot, norm, unit
from losscli.spec import Property, loss


def cosine(a: Array, b: Array) -> Array:
    """Cosine of the angle between paired rows; 0 where one is a zero vector."""
    return np.clip(dot(unit(a), unit(b)), -1.0, 1.0)


def cosine_slope(a: Array, b: Array) -> Array:
    """d cosine(a, b) / da"""
    length = norm(a)[:, None]
    u, v = unit(a), unit(b)
    return np.where(length > 0, (v - dot(u, v)[:, None] * u) / np.where(length > 0, length, 1.0), 0.0)


DISTANCES: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]] = {
    "sqeuclidean": (lambda a, b: np.square(a - b).sum(axis=1), lambda a, b: 2 * (a - b)),
    "euclidean": (lambda a, b: norm(a - b), lambda a, b: unit(a - b)),
    "cosine": (lambda a, b: 1 - cosine(a, b), lambda a, b: -cosine_slope(a, b)),
}
"""name -> (distance of paired rows, its derivative by the first)"""


@loss(
    family="metric", formula="-cos(y_true, y_pred)", unit="1",
    properties=Property.BOUNDED_VALUE | Property.SYMMETRIC,
    equivalents={
        "torch": "-torch.nn.functional.cosine_similarity", "keras": "keras.losses.CosineSimilarity()",
        "optax": "-optax.losses.cosine_similarity (its epsilon=0 gives nan for zero vectors)",
    },
)  # fmt: skip
def cosine_similarity(y_true: Vector, y_pred: Vector) -> Array:
    """Minus the cosine of the angle between two vectors: -1 is the best, 1 the worst.

    The length of a vector does not matter. A zero vector has no direction and gives 0.

    Use: embeddings whose direction carries the meaning.

    Avoid: where lengths matter.

    Pitfalls: the best value is -1, not 0: shares and ratios of it mean nothing.
    """
    return -cosine(y_true, y_pred)


@cosine_similarity.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """-(y_true/|y_true| - cos y_pred/|y_pred|) / |y_pred|"""
    return -cosine_slope(y_pred, y_true)


@loss(
    family="metric", formula="y d² + (1-y) max(0, margin - d)²", unit="d²",
    references=("Hadsell, Chopra & LeCun 2006, doi:10.1109/CVPR.2006.100",),
    equivalents={"paper": "Hadsell et al. have half of it"},
)  # fmt: skip
def contrastive(y_true: PairLabel, x1: Vector, x2: Vector, *, margin: AtLeastZero = 1.0) -> Array:
    """Pulls similar pairs (1) together and pushes others (0) apart up to a margin.

    d is the Euclidean distance of the pair. A pair of different things beyond the margin costs nothing.

    Use: verification by pairs.

    Avoid: where pairs of different things are nearly all easy: most of the mean is then zeros.

    Pitfalls: the paper has half of it, and some libraries swap the meaning of the label.
    """
    return _contrastive(y_true, norm(x1 - x2), margin=margin)


@contrastive.form
def _contrastive(y_true: PairLabel, distance: Distances, *, margin: AtLeastZero = 1.0) -> Array:
    return y_true * np.square(distance) + (1 - y_true) * np.square(np.maximum(0.0, margin - distance))


@contrastive.gradient
def _contrastive_slope(y_true: Array, distance: Array, *, margin: float) -> Array:
    """2 y d - 2 (1-y) max(0, margin - d)"""
    return 2 * y_true * distance - 2 * (1 - y_true) * np.maximum(0.0, margin - distance)


@contrastive.gradient
def _(y_true: Array, x1: Array, x2: Array, *, margin: float) -> Array:
    """(2 y d - 2 (1-y) max(0, margin - d)) (x1 - x2) / d"""
    return _contrastive_slope(y_true, norm(x1 - x2), margin=margin)[:, None] * unit(x1 - x2)


@loss(
    family="metric", formula="max(0, d(a, p) - d(a, n) + margin)", unit="d",
    references=("Schroff, Kalenichenko & Philbin 2015 (FaceNet), arXiv:1503.03832",),
    equivalents={
        "torch": "torch.nn.TripletMarginLoss with distance=euclidean (it adds eps=1e-6 to each difference)",
        "optax": "optax.losses.triplet_margin_loss with distance=euclidean (it adds eps=1e-6 under the root)",
    },
)  # fmt: skip
def triplet(
    anchor: Vector, positive: Vector, negative: Vector, *, margin: AtLeastZero = 0.2,
    distance: Distance = "sqeuclidean", swap: Boolean = False,
) -> Array:  # fmt: skip
    """Wants an anchor nearer to its positive than to its negative, by a margin.

    With swap, the nearer of anchor and positive is what the negative is measured from.

    Use: embeddings for retrieval, from triplets that were mined.

    Avoid: random triplets: nearly all of them are at 0.

    Pitfalls: FaceNet squares the distance, torch does not (distance=euclidean); a margin means different things for
    either.
    """
    measure = DISTANCES[distance][0]
    far = measure(anchor, negative)
    if swap:
        far = np.minimum(far, measure(positive, negative))
    return np.maximum(0.0, measure(anchor, positive) - far + margin)


@triplet.gradient
def _(anchor: Array, positive: Array, negative: Array, *, margin: float, distance: str, swap: bool) -> Array:
    """d'(a, p) - d'(a, n) where the loss is above 0 (2 (n - p) for sqeuclidean)"""
    measure, slope = DISTANCES[distance]
    near, far = measure(anchor, positive), measure(anchor, negative)
    pushed = np.ones(len(anchor), dtype=bool)
    if swap:
        other = measure(positive, negative)
        pushed, far = far <= other, np.minimum(far, other)
    push = np.where(pushed[:, None], slope(anchor, negative), 0.0)
    return np.where((near - far + margin > 0)[:, None], slope(anchor, positive) - push, 0.0)
