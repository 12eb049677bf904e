"""Losses of embeddings that compare each row, the anchor, with all others.

A loss combines a measure (similarity or distance) with a loss of an anchor's row of measures. Anchors are processed in
blocks, so that memory grows linearly with the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, CenterLabel, Distance, GroupLabel, Mask, Mining, Prototypes, Vector
from losscli.declaration.domains import Cosine as Similarity
from losscli.declaration.domains import FinitePositive as Scale
from losscli.declaration.domains import NonNegative as Margin
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._classes import Labels, cross_entropy_of_logits, cross_entropy_slope, log_softmax, log_sum_exp
from losscli.losses._embeddings import backprop_unit, class_means, has_positive, norm, unit, warn_of_own_center
from losscli.losses._numerics import sigmoid, softplus, weigh
from losscli.losses._symbols import COSINE, TRIPLETS

Index = NDArray[np.intp]
Slopes = Callable[[], Array]
AnchorLoss = Callable[..., tuple[Array, Slopes]]
"""anchors (B,), measures to all rows (B, N), settings -> losses (B,), and a function that gives their slopes (B, N)"""

MEASURES_PER_BLOCK = 1 << 17
"""Number of measures per block: few enough to stay in cache."""


class Measure(NamedTuple):
    """A similarity or distance between rows, or between rows of length 1 if they are `normalized`.

    `between` measures (B, D) against (N, D); `pull` converts slopes by the measures to gradients by both sides.
    """

    between: Callable[[Array, Array], Array]
    pull: Callable[[Array, Array, Array], tuple[Array, Array]]
    normalized: bool = False

    def prepare(self, x: Array, y: Array) -> tuple[Array, Array]:
        return (unit(x), unit(y)) if self.normalized else (x, y)


def inner_products(a: Array, b: Array) -> Array:
    """Compute a_i · b_j."""
    return a @ b.T


def pull_inner_products(slopes: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return sum_j G_ij b_j and sum_i G_ij a_i."""
    return slopes @ b, slopes.T @ a


def squared_distances(a: Array, b: Array) -> Array:
    """Compute |a_i - b_j|² from differences, which is symmetric and does not cancel for near rows."""
    total, gap = np.zeros((len(a), len(b))), np.empty((len(a), len(b)))
    for left, right in zip(a.T, np.ascontiguousarray(b.T), strict=True):
        np.subtract(left[:, None], right, out=gap)
        np.multiply(gap, gap, out=gap)
        total += gap
    return total


def pull_squared_distances(slopes: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return 2 sum_j G_ij (a_i - b_j) and its counterpart for b."""
    return 2 * (slopes.sum(axis=1)[:, None] * a - slopes @ b), 2 * (slopes.sum(axis=0)[:, None] * b - slopes.T @ a)


def euclidean_distances(a: Array, b: Array) -> Array:
    """Compute |a_i - b_j| without overflow."""
    big = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)) or 1.0
    return big * np.sqrt(squared_distances(a / big, b / big))


def pull_euclidean_distances(slopes: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return sum_j G_ij (a_i - b_j)/|a_i - b_j| and its counterpart for b."""
    distance = euclidean_distances(a, b)
    return pull_squared_distances(np.divide(slopes, 2 * distance, out=np.zeros_like(slopes), where=distance > 0), a, b)


def cosine_distances(a: Array, b: Array) -> Array:
    """Compute 1 - a_i · b_j of unit vectors as |a_i - b_j|²/2, which does not cancel; 1 with a zero vector."""
    there = (np.abs(a).max(axis=1) > 0)[:, None] & (np.abs(b).max(axis=1) > 0)
    return np.where(there, squared_distances(a, b) / 2, 1.0)


def pull_cosine_distances(slopes: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return -sum_j G_ij b_j and its counterpart for b."""
    return pull_inner_products(-slopes, a, b)


COSINES = Measure(inner_products, pull_inner_products, normalized=True)
INNER_PRODUCTS = Measure(inner_products, pull_inner_products)
DISTANCE_MEASURES = {
    "sqeuclidean": Measure(squared_distances, pull_squared_distances),
    "euclidean": Measure(euclidean_distances, pull_euclidean_distances),
    "cosine": Measure(cosine_distances, pull_cosine_distances, normalized=True),
}


def anchor_blocks(anchors: int, rows: int) -> Iterator[Index]:
    """Yield blocks of anchors whose measures to all rows fit in MEASURES_PER_BLOCK."""
    step = max(1, MEASURES_PER_BLOCK // max(1, rows))
    for start in range(0, anchors, step):
        yield np.arange(start, min(start + step, anchors))


def anchor_losses(x: Array, y: Array, measure: Measure, anchor_loss: AnchorLoss, *settings: Any) -> Array:
    """Compute the loss of each row of x among the rows of y."""
    a, b = measure.prepare(x, y)
    blocks = anchor_blocks(len(a), len(b))
    return np.concatenate([anchor_loss(i, measure.between(a[i], b), *settings)[0] for i in blocks]) + 0.0


def gradients_by_sides(
    x: Array, y: Array, measure: Measure, anchor_loss: AnchorLoss, *settings: Any
) -> tuple[Array, Array]:
    """Compute the gradients of the summed losses by x and by y, each with the other held constant."""
    a, b = measure.prepare(x, y)
    by_a, by_b = np.zeros_like(a), np.zeros_like(b)
    for i in anchor_blocks(len(a), len(b)):
        left, right = measure.pull(anchor_loss(i, measure.between(a[i], b), *settings)[1](), a[i], b)
        by_a[i] = left
        by_b += right
    if measure.normalized:
        return backprop_unit(by_a, x, 1.0), backprop_unit(by_b, y, 1.0)
    return by_a, by_b


def gradient_by_rows(x: Array, measure: Measure, anchor_loss: AnchorLoss, *settings: Any) -> Array:
    """Compute the gradient where anchors and other rows are the same array."""
    as_anchors, as_others = gradients_by_sides(x, x, measure, anchor_loss, *settings)
    return as_anchors + as_others


def pair_masks(labels: Labels, anchors: Index) -> tuple[Mask, Mask]:
    """Return masks of the positives (other rows of the same class) and negatives of each anchor."""
    alike = labels[anchors][:, None] == labels
    negative = ~alike
    alike[np.arange(len(anchors)), anchors] = False
    return alike, negative


def own_pair_loss(anchors: Index, s: Array, temperature: float) -> tuple[Array, Slopes]:
    """Compute -log softmax(s / T)_i."""
    logits = s / temperature
    return cross_entropy_of_logits(anchors, logits), lambda: cross_entropy_slope(anchors, logits) / temperature


CONTRASTIVE = COSINE | {
    "T": "temperature",
    "a": "anchor, a row",
    "p": "positive, a row",
    "v": "a view: a row of anchor or of positive",
    "v'": "any other view",
    "x": "a row of embeddings",
    "i": "the row",
    "j": "any row",
    "N": "the number of rows",
}
SIMILARITIES = {
    "s": "the cosine of the row and another: s_p of one of its class, s_n of one of another class",
    "p": "any other row of its class",
    "n": "any row of another class",
}

contrastive_loss = partial(
    loss, family="metric", unit="nat", coupled=True, properties=Property.BOUNDED_VALUE, symbols=CONTRASTIVE
)


@contrastive_loss(
    formula="-log softmax_j(cos(a_i, p_j)/T)_i",
    references=("van den Oord, Li & Vinyals 2018, arXiv:1807.03748",),
    equivalents=(
        same(
            "pml",
            "pytorch_metric_learning.losses.NTXentLoss(temperature)(anchor, torch.arange(len(anchor)), "
            "ref_emb=positive, ref_labels=torch.arange(len(anchor)))",
        ),
        same(
            "torch",
            "torch.nn.CrossEntropyLoss()(torch.nn.functional.normalize(anchor) @ "
            "torch.nn.functional.normalize(positive).T / temperature, torch.arange(len(anchor)))",
        ),
    ),
)
def info_nce(anchor: Vector, positive: Vector, *, temperature: Scale = 0.1) -> Array:
    """Cross-entropy over rows: which positive belongs to an anchor, by cosine.

    Use: two views of the same items, such as images and captions; all other rows are negatives.
    Avoid: several rows that belong together (supcon).
    Pitfalls: it grows with the number of rows N, up to log N for uninformative embeddings, so values of different N are
    not comparable; it compares anchors with positives only, while CLIP averages both directions.
    """
    return anchor_losses(anchor, positive, COSINES, own_pair_loss, temperature)


@info_nce.warn
def warn_of_only_row(anchor: Array, positive: Array) -> Iterator[Remark]:
    """Warn if there is only one row."""
    only = np.full(len(anchor), len(anchor) == 1)
    yield Remark("anchor", only, "there is no other row to compare with, so its loss is always 0")


@info_nce.gradient
def _(anchor: Array, positive: Array, *, temperature: float) -> Array:
    """1/(T |a|) times the part of sum_j (softmax_j - [j = i]) p_j/|p_j| at a right angle to a"""
    return gradients_by_sides(anchor, positive, COSINES, own_pair_loss, temperature)[0]


@contrastive_loss(
    formula="log(1 + sum_{j != i} exp(a_i·p_j - a_i·p_i))",
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    references=("Sohn 2016, NeurIPS 29, 1857-1865",),
    equivalents=(
        same(
            "pml",
            "pytorch_metric_learning.losses.NPairsLoss("
            "distance=pytorch_metric_learning.distances.DotProductSimilarity(normalize_embeddings=False))("
            "torch.cat((anchor, positive)), "
            "torch.arange(len(anchor)).repeat(2))",
        ),
    ),
)
def n_pair(anchor: Vector, positive: Vector) -> Array:
    """Cross-entropy over rows: which positive belongs to an anchor, by inner product.

    Use: pairs of classes, when lengths may matter.
    Avoid: embeddings of unlimited length: the paper adds a penalty on the length.
    Pitfalls: embeddings are not normalised; the value grows with the number of rows.
    """
    return anchor_losses(anchor, positive, INNER_PRODUCTS, own_pair_loss, 1.0)


n_pair.warn(warn_of_only_row)


@n_pair.gradient
def _(anchor: Array, positive: Array) -> Array:
    """sum_j (softmax_j(a·p) - [j = i]) p_j"""
    return gradients_by_sides(anchor, positive, INNER_PRODUCTS, own_pair_loss, 1.0)[0]


def logits_of_others(anchors: Index, s: Array, temperature: float) -> Array:
    """Return s / T, with -inf for the anchor itself."""
    logits = s / temperature
    logits[np.arange(len(anchors)), anchors] = -np.inf
    return logits


def other_view_loss(anchors: Index, s: Array, temperature: float) -> tuple[Array, Slopes]:
    """Compute -log softmax(s / T) of the other view, with the anchor itself excluded."""
    count = s.shape[1] // 2
    logits = logits_of_others(anchors, s, temperature)
    partner = (anchors + count) % (2 * count)
    return cross_entropy_of_logits(partner, logits), lambda: cross_entropy_slope(partner, logits) / temperature


@contrastive_loss(
    formula="mean of -log softmax(cos(v, v')/T)_partner for both views v of a row, v' any other view",
    references=("Chen et al. 2020 (SimCLR), arXiv:2002.05709",),
    equivalents=(
        same(
            "optax",
            "optax.losses.ntxent(jax.numpy.concatenate((anchor, positive)), "
            "jax.numpy.tile(jax.numpy.arange(len(anchor)), 2), temperature)",
        ),
        same(
            "pml",
            "pytorch_metric_learning.losses.NTXentLoss(temperature)(torch.cat((anchor, positive)), "
            "torch.arange(len(anchor)).repeat(2))",
        ),
    ),
)
def ntxent(anchor: Vector, positive: Vector, *, temperature: Scale = 0.1) -> Array:
    """SimCLR's loss: each of the 2N views must match its partner among all others.

    A row's loss is the mean over its two views.
    Use: self-supervised embeddings from two augmentations per row.
    Avoid: two kinds of items that do not compete within a kind (info_nce).
    Pitfalls: it grows with the number of rows; the temperature largely determines its size.
    """
    views = np.concatenate([anchor, positive])
    return anchor_losses(views, views, COSINES, other_view_loss, temperature).reshape(2, -1).mean(axis=0)


ntxent.warn(warn_of_only_row)


@ntxent.gradient
def _(anchor: Array, positive: Array, *, temperature: float) -> Array:
    """half of that of all 2N views, by the anchors: each as itself and as what others compare with"""
    views = np.concatenate([anchor, positive])
    return gradient_by_rows(views, COSINES, other_view_loss, temperature)[: len(anchor)] / 2


def all_positives_loss(anchors: Index, s: Array, labels: Labels, temperature: float) -> tuple[Array, Slopes]:
    """Compute -mean over positives of log softmax(s / T), with the anchor itself excluded."""
    logits = logits_of_others(anchors, s, temperature)
    positive, _ = pair_masks(labels, anchors)
    count = positive.sum(axis=1, keepdims=True)
    share = positive / np.maximum(count, 1)
    log_p = log_softmax(logits)
    return -weigh(share, log_p).sum(axis=1), lambda: (np.exp(log_p) * (count > 0) - share) / temperature


@contrastive_loss(
    formula="-1/|P| sum_{p in P} log(exp(cos(x, p)/T) / sum_{a != x} exp(cos(x, a)/T))",
    symbols=CONTRASTIVE | {"P": "the other rows of its class", "p": "one of those rows", "a": "any row"},
    references=("Khosla et al. 2020, arXiv:2004.11362, eq. 2",),
    equivalents=(
        same(
            "pml",
            "pytorch_metric_learning.losses.SupConLoss(temperature)(embeddings, labels)",
            unlike("it gives 0 without negatives", 0.0, labels=[0, 0, 0], embeddings=[[1, 0], [0, 1], [1, 1]]),
        ),
    ),
)
def supcon(labels: GroupLabel, embeddings: Vector, *, temperature: Scale = 0.1) -> Array:
    """Supervised contrastive: an anchor must match all rows of its class among all others, by cosine.

    P are the other rows of the anchor's class. An anchor without any has a loss of 0 and is left out of the mean.
    Use: embeddings from labelled rows.
    Avoid: batches in which most classes have one row.
    Pitfalls: with several positives the best value is log |P|, not 0.
    """
    return anchor_losses(embeddings, embeddings, COSINES, all_positives_loss, labels, temperature)


@supcon.gradient
def _(labels: Labels, embeddings: Array, *, temperature: float) -> Array:
    """by cosines (softmax_j - [j in P]/|P|)/T; each row as anchor and as what others compare with"""
    return gradient_by_rows(embeddings, COSINES, all_positives_loss, labels, temperature)


@supcon.row_mask
def _(labels: Labels, embeddings: Array) -> Mask:
    """another row has its label"""
    return has_positive(labels)


def has_positive_and_negative(labels: Labels) -> Mask:
    """Return a mask of the rows whose label another row has and a third has not."""
    return has_positive(labels) & (len(np.unique(labels)) > 1)


def masked_log_sum_exp(x: Array, kept: Mask) -> tuple[Array, Array]:
    """Compute log sum exp of the masked elements per row (-inf if there are none), and their shares of it."""
    x = np.where(kept, x, -np.inf)
    total = log_sum_exp(x)
    safe = np.where(np.isneginf(total), 0.0, total)
    return total, np.exp(x - safe[:, None])


def circle_anchor_loss(anchors: Index, s: Array, labels: Labels, margin: float, gamma: float) -> tuple[Array, Slopes]:
    """Compute softplus(lse_n gamma (s² - m²) + lse_p gamma ((1-s)² - m²)), where s < -m has no effect."""
    positive, negative = pair_masks(labels, anchors)
    near, far = np.maximum(1 + margin - s, 0), np.maximum(s + margin, 0)
    alike, share_alike = masked_log_sum_exp(gamma * near * (1 - margin - s), positive)
    other, share_other = masked_log_sum_exp(gamma * far * (s - margin), negative)
    total = alike + other

    def slopes() -> Array:
        by_alike = share_alike * np.where(near > 0, 2 * (s - 1), 0.0)
        by_other = share_other * np.where(far > 0, 2 * s, 0.0)
        return gamma * sigmoid(total)[:, None] * (by_alike + by_other)

    return softplus(total), slopes


@contrastive_loss(
    formula="log(1 + sum_n exp(gamma [s_n + m]+ (s_n - m)) sum_p exp(gamma [1 + m - s_p]+ (1 - m - s_p))), s cosines",
    symbols=SIMILARITIES | {"m": "margin"},
    references=("Sun et al. 2020, arXiv:2002.10857",),
    equivalents=(
        same(
            "pml",
            "pytorch_metric_learning.losses.CircleLoss(margin, gamma, "
            "reducer=pytorch_metric_learning.reducers.MeanReducer())(embeddings, labels)",
            unlike(
                "its gradient holds [s_n + m]+ and [1 + m - s_p]+ constant",
                [[0.0, 6.34161], [-109.424, 145.899], [145.899, -109.424], [6.34161, 0.0]],
                gradient=True,
                labels=[0, 0, 1, 1],
                embeddings=[[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]],
            ),
        ),
    ),
)
def circle(labels: GroupLabel, embeddings: Vector, *, margin: Margin = 0.4, gamma: Scale = 80.0) -> Array:
    """Pulls positives and pushes negatives with a strength that grows with their error.

    An anchor without a positive or a negative has a loss of 0 and stays in the mean. The gradient is that of the value;
    the paper and frameworks hold the weights in brackets constant in training.
    Use: embeddings from labelled rows, when a plain triplet loss stalls.
    Avoid: interpreting its size: gamma scales it.
    Pitfalls: values of different gamma or margin are not comparable.
    """
    return anchor_losses(embeddings, embeddings, COSINES, circle_anchor_loss, labels, margin, gamma)


@circle.warn
def _(labels: Labels, embeddings: Array) -> Iterator[Remark]:
    lacking = ~has_positive_and_negative(labels)
    yield Remark("labels", lacking, "no other row has this label, or all rows have it, so its loss is always 0")


@circle.gradient
def _(labels: Labels, embeddings: Array, *, margin: float, gamma: float) -> Array:
    """by cosines sigmoid(total) gamma times the share of each in its sum times 2 (s - 1) of positives, 2 s of
    negatives, and 0 where its bracket is 0; total is the log of the product of the sums"""
    return gradient_by_rows(embeddings, COSINES, circle_anchor_loss, labels, margin, gamma)


def multi_similarity_anchor_loss(
    anchors: Index, s: Array, labels: Labels, alpha: float, beta: float, base: float
) -> tuple[Array, Slopes]:
    """Compute softplus(lse_p -alpha (s - base))/alpha + softplus(lse_n beta (s - base))/beta."""
    positive, negative = pair_masks(labels, anchors)
    alike, share_alike = masked_log_sum_exp(alpha * (base - s), positive)
    other, share_other = masked_log_sum_exp(beta * (s - base), negative)
    value = softplus(alike) / alpha + softplus(other) / beta
    return value, lambda: sigmoid(other)[:, None] * share_other - sigmoid(alike)[:, None] * share_alike


@contrastive_loss(
    formula="log(1 + sum_p exp(-alpha (s_p - base)))/alpha + log(1 + sum_n exp(beta (s_n - base)))/beta, s cosines",
    symbols=SIMILARITIES,
    unit="1",
    references=("Wang et al. 2019, arXiv:1904.06627",),
    equivalents=(
        same("pml", "pytorch_metric_learning.losses.MultiSimilarityLoss(alpha, beta, base)(embeddings, labels)"),
    ),
)
def multi_similarity(
    labels: GroupLabel, embeddings: Vector, *, alpha: Scale = 2.0, beta: Scale = 50.0, base: Similarity = 0.5
) -> Array:
    """Penalises positives below and negatives above a base similarity, the worst most.

    There is no mining: all pairs take part.
    Use: embeddings from labelled rows with many easy pairs.
    Avoid: interpreting its size: it depends on alpha and beta.
    Pitfalls: the paper trains on mined pairs, so its values are lower.
    """
    return anchor_losses(embeddings, embeddings, COSINES, multi_similarity_anchor_loss, labels, alpha, beta, base)


@multi_similarity.warn
def _(labels: Labels, embeddings: Array) -> Iterator[Remark]:
    none_repeats = np.full(len(labels), not has_positive(labels).any())
    yield Remark("labels", none_repeats, "no other row has this label, so it has no positive")


@multi_similarity.gradient
def _(labels: Labels, embeddings: Array, *, alpha: float, beta: float, base: float) -> Array:
    """by cosines -e_p/(1 + sum e_p) of positives and e_n/(1 + sum e_n) of negatives, e their exponentials"""
    return gradient_by_rows(embeddings, COSINES, multi_similarity_anchor_loss, labels, alpha, beta, base)


def mine_hard(near: Array, far: Array) -> tuple[Index, Index]:
    """Select the farthest positive and the nearest negative."""
    return np.array([near.argmax()]), np.array([far.argmin()])


def mine_semihard(near: Array, far: Array) -> tuple[Index, Index]:
    """Select for each positive the nearest negative beyond it, or the farthest if there is none."""
    order = far.argsort()
    after = np.searchsorted(far[order], near, side="right")
    return np.arange(len(near)), order[np.minimum(after, len(far) - 1)]


def mine_all(near: Array, far: Array) -> tuple[Index, Index]:
    """Select each positive with every negative."""
    return np.repeat(np.arange(len(near)), len(far)), np.tile(np.arange(len(far)), len(near))


MINING = {"semihard": mine_semihard, "hard": mine_hard, "all": mine_all}


def mined_triplets(anchors: Index, d: Array, labels: Labels, mining: str) -> Iterator[tuple[int, Index, Index]]:
    """Yield the place of each anchor in its block, and its mined positives and negatives, triplet by triplet."""
    for row, (alike, other) in enumerate(zip(*pair_masks(labels, anchors), strict=True)):
        near, far = np.flatnonzero(alike), np.flatnonzero(other)
        if not (len(near) and len(far)):
            yield row, near[:0], far[:0]
            continue
        p, n = MINING[mining](d[row, near], d[row, far])
        yield row, near[p], far[n]


def mined_triplets_loss(anchors: Index, d: Array, labels: Labels, margin: float, mining: str) -> tuple[Array, Slopes]:
    """Compute the mean of max(0, d_p - d_n + margin) over an anchor's mined triplets."""
    triplets = list(mined_triplets(anchors, d, labels, mining))
    gaps = [d[row, p] - d[row, n] + margin for row, p, n in triplets]
    values = np.array([np.maximum(gap, 0.0).mean() if len(gap) else 0.0 for gap in gaps])

    def slopes() -> Array:
        slope = np.zeros_like(d)
        for (row, p, n), gap in zip(triplets, gaps, strict=True):
            active = (gap > 0) / max(1, len(gap))
            np.add.at(slope[row], p, active)
            np.subtract.at(slope[row], n, active)
        return slope

    return values, slopes


@contrastive_loss(
    formula="mean over the mined (p, n) of an anchor a of max(0, d(a, p) - d(a, n) + margin)",
    symbols=TRIPLETS | {"x": "positive or negative"},
    unit="d",
    properties=Property.NONE,
    claims=(given(Property.BOUNDED_GRADIENT, distance="euclidean"), given(Property.BOUNDED_VALUE, distance="cosine")),
    references=(
        "Schroff, Kalenichenko & Philbin 2015 (FaceNet), arXiv:1503.03832",
        "Hermans, Beyer & Leibe 2017 (hard mining), arXiv:1703.07737",
    ),
    equivalents=(
        same(
            "pml",
            "pytorch_metric_learning.losses.TripletMarginLoss(margin, "
            "distance=pytorch_metric_learning.distances.LpDistance(normalize_embeddings=False, power=2), "
            "reducer=pytorch_metric_learning.reducers.MeanReducer())(embeddings, labels, "
            "pytorch_metric_learning.miners.BatchHardMiner("
            "distance=pytorch_metric_learning.distances.LpDistance(normalize_embeddings=False, power=2))"
            "(embeddings, labels))",
            distance="sqeuclidean",
            mining="hard",
        ),
    ),
)
def triplet_mined(
    labels: GroupLabel,
    embeddings: Vector,
    *,
    margin: Margin = 0.2,
    distance: Distance = "sqeuclidean",
    mining: Mining = "semihard",
) -> Array:
    """triplet on triplets mined from labelled rows: positives share the class of the anchor, negatives do not.

    Mining for an anchor: semihard pairs each positive p with the nearest negative farther than p (or the farthest
    negative if there is none); hard pairs the farthest positive with the nearest negative; all takes every pair. The
    loss of a row is the mean over its triplets. A row without a positive or a negative has a loss of 0 and is left out
    of the mean.
    Use: embeddings from labelled rows, without given triplets.
    Avoid: hard mining with frequent label errors: it selects the mislabelled rows.
    Pitfalls: values of different mining or different numbers of rows are not comparable.
    """
    return anchor_losses(
        embeddings, embeddings, DISTANCE_MEASURES[distance], mined_triplets_loss, labels, margin, mining
    )


@triplet_mined.gradient
def _(labels: Labels, embeddings: Array, *, margin: float, distance: str, mining: str) -> Array:
    """d'(a, p) - d'(a, n) of the triplets above 0, over how many the anchor has; of each row as anchor, positive and
    negative; d' = 2 (a - x) for sqeuclidean, (a - x)/|a - x| for euclidean, (cos a/|a| - x/|x|)/|a| for cosine"""
    return gradient_by_rows(embeddings, DISTANCE_MEASURES[distance], mined_triplets_loss, labels, margin, mining)


@triplet_mined.row_mask
def _(labels: Labels, embeddings: Array) -> Mask:
    """another row has its label and a third has not"""
    return has_positive_and_negative(labels)


@contrastive_loss(
    formula="|x - c_y|²/2",
    symbols={"x": "a row of embeddings", "c": "centers, or the means of the classes", "y": "its class, of labels"},
    unit="d²",
    coupled=False,
    properties=Property.CONVEX | Property.DIFFERENTIABLE,
    elicits="the mean of the rows of a class",
    references=("Wen et al. 2016, doi:10.1007/978-3-319-46478-7_31",),
    equivalents=(("paper", "the same; its centers move with the batches"),),
)
def center(labels: CenterLabel, embeddings: Vector, centers: Prototypes) -> Array:
    """Half the squared distance of an embedding to its class center.

    Without centers, the mean of the rows of each class is used, regardless of sample weights.
    Use: next to a softmax loss, to measure how compact classes are.
    Avoid: as the only loss: equal embeddings everywhere are optimal.
    Pitfalls: without centers a row's loss depends on the other rows; a class with one row has a loss of 0.
    """
    return np.square(norm(embeddings - centers[labels])) / 2


@center.gradient
def _(labels: Labels, embeddings: Array, centers: Array) -> Array:
    """x - c_y"""
    return embeddings - centers[labels]


def deviation_from_class_mean(labels: Labels, x: Array) -> Array:
    """Subtract the class mean from x, via the first row of the class, so that a common offset does not cancel."""
    _, first, own = np.unique(labels, return_index=True, return_inverse=True)
    apart = x - x[first][own]
    return apart - class_means(labels, apart)[1][own]


@center.coupled_form
def _(labels: GroupLabel, embeddings: Vector) -> Array:
    return np.square(norm(deviation_from_class_mean(labels, embeddings))) / 2


center.warn(warn_of_own_center)


@center.gradient
def _(labels: Labels, embeddings: Array) -> Array:
    """x - mean of its class (the slopes of the mean add up to 0)"""
    return deviation_from_class_mean(labels, embeddings)
