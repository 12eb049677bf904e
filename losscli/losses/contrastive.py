"""Losses of embeddings that compare each row, the anchor, with all others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, CenterLabel, Distance, GroupLabel, Mask, Mining, Prototypes, Vector
from losscli.declaration.domains import Cosine as Similarity
from losscli.declaration.domains import FinitePositive as Scale
from losscli.declaration.domains import NonNegative as Margin
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._classes import Labels
from losscli.losses._distances import DISTANCE_MEASURES
from losscli.losses._embeddings import backprop_unit, class_means, has_positive, norm, unit, warn_of_own_center
from losscli.losses._mining import mine
from losscli.losses._numerics import sigmoid, softplus
from losscli.losses._pairs import IDENTITY, PairExponent, PairLoss
from losscli.losses._symbols import COSINE, TRIPLETS
from losscli.losses._tiles import Contrast, LogSumExp, contrast

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


def own_pairs(a: Array, b: Array, with_mean: bool = False) -> Contrast:
    """Compare a_i·b_i with a_i·b_j of all other rows j."""
    return contrast(a, b, np.arange(len(a)), with_mean=with_mean)


def own_pair_slope(a: Array, b: Array) -> Array:
    """Compute the gradient of -log softmax_j(a_i·b_j)_i by a_i."""
    pairs = own_pairs(a, b, with_mean=True)
    return pairs.miss()[:, None] * (pairs.mean - b)


@contrastive_loss(
    aliases=("信息噪声对比估计", "InfoNCE 损失"),
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
    return own_pairs(unit(anchor) / temperature, unit(positive)).loss()


@info_nce.warn
def warn_of_only_row(anchor: Array, positive: Array) -> Iterator[Remark]:
    """Warn if there is only one row."""
    only = np.full(len(anchor), len(anchor) == 1)
    yield Remark("anchor", only, "there is no other row to compare with, so its loss is always 0")


@info_nce.gradient
def _(anchor: Array, positive: Array, *, temperature: float) -> Array:
    """1/(T |a|) times the part of sum_j (softmax_j - [j = i]) p_j/|p_j| at a right angle to a"""
    return backprop_unit(own_pair_slope(unit(anchor) / temperature, unit(positive)), anchor, 1 / temperature)


@contrastive_loss(
    aliases=("N 对损失", "N-pair 损失", "多类 N 对损失"),
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
    return own_pairs(anchor, positive).loss()


n_pair.warn(warn_of_only_row)


@n_pair.gradient
def _(anchor: Array, positive: Array) -> Array:
    """sum_j (softmax_j(a·p) - [j = i]) p_j"""
    return own_pair_slope(anchor, positive)


def all_positives_loss(temperature: float) -> PairLoss:
    """Return -mean over positives of log softmax(s / T)_p = softplus(O - A) + A - mean s_p / T; 0 without any."""

    def value(alike: LogSumExp, other: LogSumExp) -> Array:
        return np.where(np.isneginf(alike.top), 0.0, softplus(other.above(alike.above(0.0))))

    def rates(alike: LogSumExp, other: LogSumExp) -> tuple[Array, Array]:
        miss = np.where(np.isneginf(alike.top), 0.0, sigmoid(other.above(alike.above(0.0))))
        return -miss, miss

    return PairLoss(IDENTITY, IDENTITY, value, rates, scale=1 / temperature, has_mean=True)


@contrastive_loss(
    aliases=("归一化温度缩放交叉熵", "NT-Xent 损失"),
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
    views, pairs = np.concatenate([anchor, positive]), np.tile(np.arange(len(anchor)), 2)
    return all_positives_loss(temperature).losses(pairs, views).reshape(2, -1).mean(axis=0)


ntxent.warn(warn_of_only_row)


@ntxent.gradient
def _(anchor: Array, positive: Array, *, temperature: float) -> Array:
    """half of that of all 2N views, by the anchors: each as itself and as what others compare with"""
    views, pairs = np.concatenate([anchor, positive]), np.tile(np.arange(len(anchor)), 2)
    return all_positives_loss(temperature).gradient(pairs, views)[: len(anchor)] / 2


@contrastive_loss(
    aliases=("有监督对比损失", "监督对比损失"),
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
    return all_positives_loss(temperature).losses(labels, embeddings)


@supcon.gradient
def _(labels: Labels, embeddings: Array, *, temperature: float) -> Array:
    """by cosines (softmax_j - [j in P]/|P|)/T; each row as anchor and as what others compare with"""
    return all_positives_loss(temperature).gradient(labels, embeddings)


@supcon.row_mask
def _(labels: Labels, embeddings: Array) -> Mask:
    """another row has its label"""
    return has_positive(labels)


def has_positive_and_negative(labels: Labels) -> Mask:
    """Return a mask of the rows whose label another row has and a third has not."""
    return has_positive(labels) & (len(np.unique(labels)) > 1)


def circle_loss(m: float, gamma: float) -> PairLoss:
    """Return softplus(lse_n gamma [s + m]+ (s - m) + lse_p gamma [1 + m - s]+ (1 - m - s))."""
    positive = PairExponent(
        lambda s: gamma * np.maximum(1 + m - s, 0) * (1 - m - s),
        lambda s: np.where(s < 1 + m, 2 * gamma * (s - 1), 0.0),
    )
    negative = PairExponent(
        lambda s: gamma * np.maximum(s + m, 0) * (s - m), lambda s: np.where(s > -m, 2 * gamma * s, 0.0)
    )

    def total(alike: LogSumExp, other: LogSumExp) -> Array:
        return alike.above(0.0) + other.above(0.0)

    return PairLoss(
        positive, negative, lambda *sums: softplus(total(*sums)), lambda *sums: (sigmoid(total(*sums)),) * 2
    )


@contrastive_loss(
    aliases=("Circle 损失", "圆损失"),
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

    An anchor without a positive or a negative has a loss of 0 and stays in the mean. The gradient belongs to the value;
    the paper and frameworks hold the weights in brackets constant in training.
    Use: embeddings from labelled rows, when a plain triplet loss stalls.
    Avoid: interpreting its size: gamma scales it.
    Pitfalls: values of different gamma or margin are not comparable.
    """
    return circle_loss(margin, gamma).losses(labels, embeddings)


@circle.warn
def _(labels: Labels, embeddings: Array) -> Iterator[Remark]:
    lacking = ~has_positive_and_negative(labels)
    yield Remark("labels", lacking, "no other row has this label, or all rows have it, so its loss is always 0")


@circle.gradient
def _(labels: Labels, embeddings: Array, *, margin: float, gamma: float) -> Array:
    """by cosines sigmoid(total) gamma times the share of each in its sum times 2 (s - 1) of positives, 2 s of
    negatives, and 0 where its bracket is 0; total is the log of the product of the sums"""
    return circle_loss(margin, gamma).gradient(labels, embeddings)


def multi_similarity_loss(alpha: float, beta: float, base: float) -> PairLoss:
    """Return softplus(lse_p -alpha (s - base))/alpha + softplus(lse_n beta (s - base))/beta."""
    return PairLoss(
        PairExponent(lambda s: alpha * (base - s), lambda s: np.array(-alpha)),
        PairExponent(lambda s: beta * (s - base), lambda s: np.array(beta)),
        lambda alike, other: softplus(alike.above(0.0)) / alpha + softplus(other.above(0.0)) / beta,
        lambda alike, other: (sigmoid(alike.above(0.0)) / alpha, sigmoid(other.above(0.0)) / beta),
    )


@contrastive_loss(
    aliases=("多重相似性损失", "多相似性损失"),
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
    return multi_similarity_loss(alpha, beta, base).losses(labels, embeddings)


@multi_similarity.warn
def _(labels: Labels, embeddings: Array) -> Iterator[Remark]:
    none_repeats = np.full(len(labels), not has_positive(labels).any())
    yield Remark("labels", none_repeats, "no other row has this label, so it has no positive")


@multi_similarity.gradient
def _(labels: Labels, embeddings: Array, *, alpha: float, beta: float, base: float) -> Array:
    """by cosines -e_p/(1 + sum e_p) of positives and e_n/(1 + sum e_n) of negatives, e their exponentials"""
    return multi_similarity_loss(alpha, beta, base).gradient(labels, embeddings)


@contrastive_loss(
    aliases=("难样本三元组损失",),
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
    return mine(labels, embeddings, DISTANCE_MEASURES[distance], mining, margin)[0]


@triplet_mined.gradient
def _(labels: Labels, embeddings: Array, *, margin: float, distance: str, mining: str) -> Array:
    """d'(a, p) - d'(a, n) of the triplets above 0, over how many the anchor has; of each row as anchor, positive and
    negative; d' = 2 (a - x) for sqeuclidean, (a - x)/|a - x| for euclidean, (cos a/|a| - x/|x|)/|a| for cosine"""
    return mine(labels, embeddings, DISTANCE_MEASURES[distance], mining, margin, with_gradient=True)[1]


@triplet_mined.row_mask
def _(labels: Labels, embeddings: Array) -> Mask:
    """another row has its label and a third has not"""
    return has_positive_and_negative(labels)


@contrastive_loss(
    aliases=("中心损失",),
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
