"""Losses of distances and angles between vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from losscli.declaration.domains import Array, Boolean, Distance, Distances, PairLabel, Score, SignPairLabel, Vector
from losscli.declaration.domains import Cosine as CosineMargin
from losscli.declaration.domains import NonNegative as Margin
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._embeddings import dot, norm, unit
from losscli.losses._symbols import COSINE, TRIPLETS


def cosine(a: Array, b: Array) -> Array:
    """Compute the cosine of the angle between paired rows; 0 with a zero vector."""
    return np.clip(dot(unit(a), unit(b)), -1.0, 1.0)


def cosine_slope(a: Array, b: Array) -> Array:
    """Compute d cosine(a, b) / da."""
    length = norm(a)[:, None]
    u, v = unit(a), unit(b)
    return np.where(length > 0, (v - dot(u, v)[:, None] * u) / np.where(length > 0, length, 1.0), 0.0)


PAIR_DISTANCES: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]] = {
    "sqeuclidean": (lambda a, b: np.square(a - b).sum(axis=1), lambda a, b: 2 * (a - b)),
    "euclidean": (lambda a, b: norm(a - b), lambda a, b: unit(a - b)),
    "cosine": (lambda a, b: 1 - cosine(a, b), lambda a, b: -cosine_slope(a, b)),
}
"""name -> (distance of paired rows, its derivative by the first)"""

PAIRS = COSINE | {
    "y": "y_true, 1 for a pair that belongs together, else 0 or -1",
    "d": "the distance: y_pred, or |x1 - x2|",
}

metric_loss = partial(loss, family="metric", unit="1", symbols=PAIRS)
cosine_loss = partial(
    metric_loss,
    properties=Property.BOUNDED_VALUE | Property.SYMMETRIC,
    elicits="the direction of the mean of the unit vectors",
    references=("Salton, Wong & Yang 1975, doi:10.1145/361219.361220",),
)


@cosine_loss(
    aliases=("余弦相似度", "余弦相似性"),
    formula="-cos(y_true, y_pred)",
    equivalents=(
        same("torch", "-torch.nn.functional.cosine_similarity(y_pred, y_true)"),
        same("keras", "keras.losses.CosineSimilarity()(y_true, y_pred)"),
        same(
            "optax",
            "-optax.losses.cosine_similarity(y_pred, y_true)",
            unlike("zero vectors, unless epsilon is set", math.nan, y_true=[[1, 1]], y_pred=[[0, 0]]),
        ),
    ),
)
def cosine_similarity(y_true: Vector, y_pred: Vector) -> Array:
    """The negative cosine of the angle between two vectors: -1 is best, 1 is worst.

    Lengths have no effect. A zero vector has no direction and gives 0.
    Use: embeddings that are compared by direction.
    Avoid: when lengths matter.
    Pitfalls: the best value is -1, not 0, so ratios of values have no meaning.
    """
    return -cosine(y_true, y_pred) + 0.0  # a zero has no sign


@cosine_similarity.gradient
def negative_cosine_slope(y_true: Array, y_pred: Array) -> Array:
    """-(y_true/|y_true| - cos y_pred/|y_pred|) / |y_pred|"""
    return -cosine_slope(y_pred, y_true)


@metric_loss(
    aliases=("对比损失",),
    formula="y d² + (1-y) max(0, margin - d)²",
    unit="d²",
    properties=Property.NONE,
    references=("Hadsell, Chopra & LeCun 2006, doi:10.1109/CVPR.2006.100",),
    equivalents=(("paper", "Hadsell et al. have half of it"),),
)
def contrastive(y_true: PairLabel, x1: Vector, x2: Vector, *, margin: Margin = 1.0) -> Array:
    """Pulls similar pairs (1) together and pushes dissimilar ones (0) apart, up to a margin.

    d is the Euclidean distance of the pair. Dissimilar pairs beyond the margin cost nothing.
    Use: verification by pairs.
    Avoid: when nearly all dissimilar pairs are easy: most losses are then 0.
    Pitfalls: the paper has half of it; some libraries exchange the meaning of the labels.
    """
    return _contrastive(y_true, norm(x1 - x2), margin=margin)


@contrastive.form
def _contrastive(y_true: PairLabel, distance: Distances, *, margin: Margin = 1.0) -> Array:
    return np.square(np.where(y_true == 1, distance, np.maximum(0.0, margin - distance)))


@contrastive.gradient
def _contrastive_slope(y_true: Array, distance: Array, *, margin: float) -> Array:
    """2 y d - 2 (1-y) max(0, margin - d)"""
    return 2 * np.where(y_true == 1, distance, -np.maximum(0.0, margin - distance))


@contrastive.gradient
def _(y_true: Array, x1: Array, x2: Array, *, margin: float) -> Array:
    """(2 y d - 2 (1-y) max(0, margin - d)) (x1 - x2) / d"""
    apart = x1 - x2
    push = np.maximum(0.0, margin - norm(apart))[:, None] * unit(apart)
    return 2 * np.where((y_true == 1)[:, None], apart, -push)


@metric_loss(
    aliases=("三元组损失", "三元组间隔损失", "三元组边际损失"),
    formula="max(0, d(a, p) - d(a, n) + margin)",
    symbols=TRIPLETS,
    unit="d",
    properties=Property.NONE,
    claims=(
        given(Property.CONVEX, distance="sqeuclidean", swap=False),  # the squares of the anchor cancel
        given(Property.BOUNDED_GRADIENT, distance="euclidean"),
        given(Property.BOUNDED_VALUE, distance="cosine"),
    ),
    references=("Schroff, Kalenichenko & Philbin 2015 (FaceNet), arXiv:1503.03832",),
    equivalents=(
        same(
            "torch",
            "torch.nn.TripletMarginLoss(margin, swap=swap)(anchor, positive, negative)",
            unlike(
                "it adds eps=1e-6 to each difference",
                1e-6,
                anchor=[[0, 0]],
                positive=[[2e-6, 0]],
                negative=[[0, 0]],
                margin=1e-6,
            ),
            rtol=1e-4,
            condition="margin > 0",
            distance="euclidean",
        ),
        same(
            "optax",
            "optax.losses.triplet_margin_loss(anchor, positive, negative, margin=margin)",
            unlike(
                "it adds eps=1e-6 under the root",
                1.001,
                anchor=[[0, 0]],
                positive=[[0, 0]],
                negative=[[0, 1]],
                margin=2.0,
            ),
            rtol=1e-4,
            distance="euclidean",
        ),
    ),
)
def triplet(
    anchor: Vector,
    positive: Vector,
    negative: Vector,
    *,
    margin: Margin = 0.2,
    distance: Distance = "sqeuclidean",
    swap: Boolean = False,
) -> Array:
    """An anchor must be nearer to its positive than to its negative, by a margin.

    With swap, the distance of the negative is measured from the anchor or the positive, whichever is nearer.
    Use: embeddings for retrieval, with mined triplets.
    Avoid: random triplets: nearly all have a loss of 0.
    Pitfalls: FaceNet squares distances, torch does not (distance=euclidean); margins are not comparable between the
    two.
    """
    measure = PAIR_DISTANCES[distance][0]
    far = measure(anchor, negative)
    if swap:
        far = np.minimum(far, measure(positive, negative))
    return np.maximum(0.0, measure(anchor, positive) - far + margin)


@triplet.gradient
def _(anchor: Array, positive: Array, negative: Array, *, margin: float, distance: str, swap: bool) -> Array:
    """d'(a, p) - d'(a, n) where the loss is above 0, else 0; d'(a, x) = 2 (a - x) for sqeuclidean, (a - x)/|a - x| for
    euclidean, (cos a/|a| - x/|x|)/|a| for cosine; with swap, without d'(a, n) where the positive is nearer to n"""
    measure, slope = PAIR_DISTANCES[distance]
    near, far = measure(anchor, positive), measure(anchor, negative)
    pushed = np.ones(len(anchor), dtype=bool)
    if swap:
        other = measure(positive, negative)
        pushed, far = far <= other, np.minimum(far, other)
    push = np.where(pushed[:, None], slope(anchor, negative), 0.0)
    return np.where((near - far + margin > 0)[:, None], slope(anchor, positive) - push, 0.0)


@cosine_loss(
    aliases=("余弦距离",),
    formula="1 - cos(y_true, y_pred)",
    equivalents=(
        same("optax", "optax.losses.cosine_distance(y_pred, y_true)"),
        same("scipy", "scipy.spatial.distance.cdist(y_true, y_pred, 'cosine').diagonal()"),
    ),
)
def cosine_distance(y_true: Vector, y_pred: Vector) -> Array:
    """One minus the cosine of the angle between two vectors: 0 is best, 2 is worst.

    Lengths have no effect. A zero vector has no direction and gives 1.
    Use: embeddings that are compared by direction, with a best value of 0.
    Avoid: when lengths matter.
    Pitfalls: it is half the squared distance of the unit vectors, so it is not a metric.
    """
    # half the squared distance of unit vectors does not cancel for similar vectors
    u, v = unit(y_true), unit(y_pred)
    zero = (norm(y_true) == 0) | (norm(y_pred) == 0)
    return np.where(zero, 1.0, np.square(u - v).sum(axis=1) / 2)


cosine_distance.gradient(negative_cosine_slope)


@metric_loss(
    aliases=("余弦嵌入损失",),
    formula="1 - cos(x1, x2) for y = 1, max(0, cos(x1, x2) - margin) for y = -1",
    properties=Property.BOUNDED_VALUE,
    references=("Bromley et al. 1993, Signature verification using a 'Siamese' time delay neural network, NIPS 6",),
    equivalents=(
        same(
            "torch",
            "torch.nn.CosineEmbeddingLoss(margin)(x1, x2, 2 * y_true - 1)",
            unlike("it adds 1e-12 to squared lengths", 0.5, y_true=[1], x1=[[1e-6, 0]], x2=[[1e-6, 0]]),
            data="labels 0 and 1",
        ),
    ),
)
def cosine_embedding(y_true: SignPairLabel, x1: Vector, x2: Vector, *, margin: CosineMargin = 0.0) -> Array:
    """Aligns similar pairs (1) and separates others (-1 or 0) until their cosine is below the margin.

    Use: pairs of texts or sentences, similar or not.
    Avoid: when lengths matter (contrastive).
    Pitfalls: with margin 0, dissimilar pairs at a right angle cost nothing.
    """
    return np.where(y_true > 0, cosine_distance.forms[0].kernel(x1, x2), np.maximum(0.0, cosine(x1, x2) - margin))


@cosine_embedding.gradient
def _(y_true: Array, x1: Array, x2: Array, *, margin: float) -> Array:
    """-c for y = 1; c where cos > margin for y = -1, else 0; c = (x2/|x2| - cos x1/|x1|)/|x1|"""
    side = np.where(y_true > 0, -1.0, np.where(cosine(x1, x2) > margin, 1.0, 0.0))
    return side[:, None] * cosine_slope(x1, x2)


@metric_loss(
    aliases=("铰链嵌入损失", "合页嵌入损失"),
    formula="d for y = 1, max(0, margin - d) for y = -1",
    unit="d",
    properties=Property.CONVEX | Property.BOUNDED_GRADIENT,
    references=("Hadsell, Chopra & LeCun 2006 (with squares), doi:10.1109/CVPR.2006.100",),
    equivalents=(same("torch", "torch.nn.HingeEmbeddingLoss(margin)(y_pred, 2 * y_true - 1)", data="labels 0 and 1"),),
)
def hinge_embedding(y_true: SignPairLabel, y_pred: Score, *, margin: Margin = 1.0) -> Array:
    """A distance that must be small for similar pairs (1) and beyond the margin for others (-1 or 0).

    y_pred is a measured distance; it is not squared.
    Use: pairs with known distances.
    Avoid: when only vectors are known (contrastive).
    Pitfalls: a negative y_pred gives similar pairs a loss below 0.
    """
    return np.where(y_true > 0, y_pred, np.maximum(0.0, margin - y_pred))


@hinge_embedding.gradient
def _(y_true: Array, y_pred: Array, *, margin: float) -> Array:
    """1 for y = 1; -1 where d < margin for y = -1"""
    return np.where(y_true > 0, 1.0, np.where(y_pred < margin, -1.0, 0.0))


@metric_loss(
    aliases=("间隔排序损失", "边际排序损失"),
    formula="max(0, -y (x1 - x2) + margin)",
    symbols={"y": "y_true, 1 where x1 should be the larger one, else -1"},
    unit="score",
    properties=Property.CONVEX | Property.BOUNDED_GRADIENT,
    references=("Herbrich, Graepel & Obermayer 1999, doi:10.1049/cp:19991091",),
    equivalents=(same("torch", "torch.nn.MarginRankingLoss(margin)(x1, x2, 2 * y_true - 1)", data="labels 0 and 1"),),
)
def margin_ranking(y_true: SignPairLabel, x1: Score, x2: Score, *, margin: Margin = 0.0) -> Array:
    """The first score must exceed the second (y = 1), or the reverse (y = -1 or 0), by a margin.

    Use: learning to rank from pairs.
    Avoid: when single scores must have a meaning: only differences count.
    Pitfalls: with margin 0, equal scores everywhere have a loss of 0.
    """
    return np.maximum(0.0, margin - y_true * (x1 - x2))


@margin_ranking.gradient
def _(y_true: Array, x1: Array, x2: Array, *, margin: float) -> Array:
    """-y where y (x1 - x2) < margin, else 0"""
    return np.where(y_true * (x1 - x2) < margin, -y_true, 0.0)


cosine_distance.orders_like(lambda: ("cosine_similarity", {}))
