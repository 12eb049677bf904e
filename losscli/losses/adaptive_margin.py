"""Losses of face recognition whose margin combines several, has sub-centers, or depends on the row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import (
    Angle,
    Array,
    Boolean,
    ClassLabel,
    Cosine,
    CosineRow,
    CosineTable,
    FiniteNonNegative,
    FinitePositive,
    PositiveOrNone,
    PrototypeLabel,
    Prototypes,
    SubPrototypes,
    Vector,
)
from losscli.declaration.equivalent import same
from losscli.losses._classes import Labels
from losscli.losses._embeddings import exact_norm, unit
from losscli.losses._margin_softmax import CosineHead, MarginFunction, OthersFunction, add_margin, arc, keeps_angle
from losscli.losses._numerics import two_sum
from losscli.losses._symbols import PROTOTYPES
from losscli.losses.angular_margin import face_loss
from losscli.messages import Hint

Scale = FinitePositive
Margin = FiniteNonNegative

ARC = PROTOTYPES | {
    "arc": "cos(theta_y + margin), past pi cos_y - margin sin margin; easy_margin: where cos_y <= 0 cos_y",
    "arc'": "sin(theta_y + margin), where no margin is added sin theta_y",
    "t": "the direction from x to the prototype of its class, at a right angle to x",
}


def combine_margins(m1: float, m2: float, m3: float) -> MarginFunction:
    """Return the margin function cos(m1 theta + m2) - m3."""
    return lambda theta: (np.cos(m1 * theta + m2) - m3, m1 * np.sin(m1 * theta + m2))


@face_loss(
    aliases=("combined", "组合间隔损失"),
    formula="-log softmax(z)_y, z_j = scale cos_j, z_y = scale (cos(m1 theta_y + m2) - m3)",
    symbols=PROTOTYPES | {"t": ARC["t"]},
    references=("Deng et al. 2019, arXiv:1801.07698",),
    equivalents=(
        ("insightface", "arcface_torch's CombinedMarginLoss, without its filter of other classes"),
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.CosFaceLoss(*weights.shape, "
            "margin=m3, scale=scale), {'W': weights.T}, (embeddings, labels))",
            m1=1.0,
            m2=0.0,
        ),
    ),
)
def combined_margin(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: Prototypes,
    *,
    scale: Scale = 64.0,
    m1: FinitePositive = 1.0,
    m2: Margin = 0.3,
    m3: Margin = 0.2,
) -> Array:
    """The margins of sphereface, arcface and cosface in one: they multiply the angle, add to it, and are subtracted.

    m1=1, m3=0 is arcface as long as angle plus margin are below pi, m1=1, m2=0 is cosface. The changed angle is
    not cut at pi. With y_pred, the cosines themselves, no other role is needed.
    Use: face verification, when one kind of margin is not enough.
    Avoid: few or hardly separable classes: an unreachable margin only adds to the loss.
    Pitfalls: beyond an angle of pi the cosine rises again, so that hopeless rows are pushed the wrong way.
    """
    return CosineHead(scale, combine_margins(m1, m2, m3)).losses(labels, embeddings, weights)


@combined_margin.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, scale: float, m1: float, m2: float, m3: float) -> Array:
    """scale/|x| (sum_{j != y} p_j W_j/|W_j| at a right angle to x, + (p_y - 1) m1 sin(m1 theta + m2) t)"""
    return CosineHead(scale, combine_margins(m1, m2, m3)).slopes(labels, embeddings, weights)


@combined_margin.form
def _(labels: ClassLabel, y_pred: CosineRow, *, scale: Scale, m1: FinitePositive, m2: Margin, m3: Margin) -> Array:
    return CosineHead(scale, combine_margins(m1, m2, m3)).losses_of_cosines(labels, y_pred)


@combined_margin.gradient
def _(labels: Labels, y_pred: Array, *, scale: float, m1: float, m2: float, m3: float) -> Array:
    """scale (p_j - [j = y]), that of the target times m1 sin(m1 theta + m2)/sin theta"""
    return CosineHead(scale, combine_margins(m1, m2, m3)).slopes_of_cosines(labels, y_pred)


def raise_hard(margin: float, t: float) -> OthersFunction:
    """Return c (t + c) for cosines c of other classes above cos(theta + margin), else c, and the derivative."""

    def replace_others(cosines: Array, theta: Array) -> tuple[Array, Array]:
        hard = cosines > np.cos(theta + margin)[:, None]
        return np.where(hard, cosines * (t + cosines), cosines), np.where(hard, t + 2 * cosines, 1.0)

    return replace_others


def curricular_head(scale: float, margin: float, t: float) -> CosineHead:
    """Return the head of curricularface."""
    return CosineHead(scale, add_margin(margin), others=raise_hard(margin, t))


@face_loss(
    formula="-log softmax(z)_y, z_y = scale arc, z_j = scale cos_j, or scale cos_j (t + cos_j) where "
    "cos_j > cos(theta_y + margin)",
    symbols=PROTOTYPES
    | {
        "arc": "cos(theta_y + margin), past pi cos_y - margin sin margin",
        "arc'": "sin(theta_y + margin), past pi sin theta_y",
        "d": "1, or t + 2 cos_j where cos_j > cos(theta_y + margin)",
        "u": ARC["t"],
    },
    references=("Huang et al. 2020, arXiv:2004.00288",),
    equivalents=(("paper", "the same, but t is a running mean of cos_y there"),),
)
def curricularface(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: Prototypes,
    *,
    scale: Scale = 64.0,
    margin: Angle = 0.5,
    t: Cosine = 0.0,
) -> Array:
    """arcface in which a hard class, one above the target's logit, is weighted by t + its cosine.

    Training moves t from 0 to 1, as a running mean of the target's cosine; here it is given. With y_pred, the cosines
    themselves, no other role is needed.
    Use: face verification, when hard classes should count more the better the model gets.
    Avoid: frequent label errors, which are hard classes.
    Pitfalls: values of different t are not comparable; a small t makes hard classes count less than in arcface.
    """
    return curricular_head(scale, margin, t).losses(labels, embeddings, weights)


@curricularface.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, scale: float, margin: float, t: float) -> Array:
    """scale/|x| (sum_{j != y} d_j p_j W_j/|W_j| at a right angle to x, + (p_y - 1) arc' u)"""
    return curricular_head(scale, margin, t).slopes(labels, embeddings, weights)


@curricularface.form
def _(labels: ClassLabel, y_pred: CosineRow, *, scale: Scale, margin: Angle, t: Cosine) -> Array:
    return curricular_head(scale, margin, t).losses_of_cosines(labels, y_pred)


@curricularface.gradient
def _(labels: Labels, y_pred: Array, *, scale: float, margin: float, t: float) -> Array:
    """scale d_j (p_j - [j = y]), that of the target scale (p_y - 1) arc'/sin theta_y"""
    return curricular_head(scale, margin, t).slopes_of_cosines(labels, y_pred)


@face_loss(
    aliases=("sub_center_arcface", "子中心 ArcFace"),
    formula="-log softmax(z)_y, z_j = scale cos_j, z_y = scale arc, cos_j the largest of class j",
    symbols=ARC
    | {
        "cos": "the cosine of x and W, or y_pred, the largest of a class",
        "W": "weights; W_j is the sub-center of class j with the largest cosine",
    },
    references=("Deng et al. 2020, doi:10.1007/978-3-030-58621-8_43",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.SubCenterArcFaceLoss("
            "num_classes=weights.shape[0], embedding_size=weights.shape[2], margin=np.degrees(margin), scale=scale, "
            "sub_centers=weights.shape[1]), {'W': weights.reshape(-1, weights.shape[2]).T}, (embeddings, labels))",
            easy_margin=False,
        ),
    ),
)
def subcenter_arcface(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: SubPrototypes,
    *,
    scale: Scale = 64.0,
    margin: Angle = 0.5,
    easy_margin: Boolean = False,
) -> Array:
    """arcface with several prototypes of a class, of which the nearest counts.

    With y_pred, the cosines themselves (N, C, K), no other role is needed. weights are (C, K, D).
    Use: face verification with label errors: rows of another person gather at a sub-center of their own.
    Avoid: clean data: a class may split among its sub-centers.
    Pitfalls: libraries that keep weights as one matrix have the K rows of a class side by side.
    """
    return CosineHead(scale, add_margin(margin, easy_margin)).losses(labels, embeddings, weights)


@subcenter_arcface.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, scale: float, margin: float, easy_margin: bool) -> Array:
    """scale/|x| (sum_{j != y} p_j W_j/|W_j| at a right angle to x, + (p_y - 1) arc' t)"""
    return CosineHead(scale, add_margin(margin, easy_margin)).slopes(labels, embeddings, weights)


@subcenter_arcface.form
def _(labels: ClassLabel, y_pred: CosineTable, *, scale: Scale, margin: Angle, easy_margin: Boolean) -> Array:
    return CosineHead(scale, add_margin(margin, easy_margin)).losses_of_cosines(labels, y_pred.max(axis=2))


@subcenter_arcface.gradient
def _(labels: Labels, y_pred: Array, *, scale: float, margin: float, easy_margin: bool) -> Array:
    """scale (p_j - [j = y]), that of the target times arc'/sin theta_y, by the largest cosine of a class, else 0"""
    head, slope = CosineHead(scale, add_margin(margin, easy_margin)), np.zeros_like(y_pred)
    nearest = y_pred.argmax(axis=2)[:, :, None]
    np.put_along_axis(slope, nearest, head.slopes_of_cosines(labels, y_pred.max(axis=2))[:, :, None], axis=2)
    return slope


def above(length: Array, rest: Array, level: float, level_rest: float = 0.0) -> Array:
    """Compute lengths minus a level, to the last digit; both have a rest that they lack."""
    gap, error = two_sum(length, np.full(len(length), -level))
    return np.where(np.isinf(length), length, gap + (error + (rest - level_rest)))


def place_between(x: Array, low: float, high: float) -> Array:
    """Compute (|x| - low) / (high - low) of each row, from 0 to 1."""
    return np.clip(above(*exact_norm(x), low) / (high - low), 0.0, 1.0)


def magnitude_head(
    x: Array, scale: float, l_a: float, u_a: float, l_margin: float, u_margin: float, easy_margin: bool
) -> CosineHead:
    """Return the head of magface, whose margin grows with the length of the embedding."""
    margins = l_margin + (u_margin - l_margin) * place_between(x, l_a, u_a)
    return CosineHead(scale, lambda theta, margin: arc(theta, margin, easy_margin), (margins,))


@face_loss(
    formula="-log softmax(z)_y + lambda_g (a/u_a² + 1/a), z_j = scale cos_j, z_y = scale arc, a = |x| cut to "
    "[l_a, u_a], margin = l_margin + (u_margin - l_margin)(a - l_a)/(u_a - l_a)",
    symbols=ARC | {"margin": "that of the row", "a": "the length of x, cut to [l_a, u_a]", "f": "arc'"},
    references=("Meng et al. 2021, arXiv:2103.06627",),
    equivalents=(("paper", "the same; its code trains with easy_margin=true"),),
)
def magface(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: Prototypes,
    *,
    scale: Scale = 64.0,
    l_a: FinitePositive = 10.0,
    u_a: FinitePositive = 110.0,
    l_margin: Angle = 0.45,
    u_margin: Angle = 0.8,
    lambda_g: FiniteNonNegative = 35.0,
    easy_margin: Boolean = False,
) -> Array:
    """arcface with a margin that grows with the length of the embedding, and a reward for length.

    Lengths below l_a and above u_a count as these. The length then says how good an image is.
    Use: face verification with images of mixed quality, when the quality should be read off the embedding.
    Avoid: embeddings that were normalised: all lengths are then the same.
    Pitfalls: the loss depends on the scale of the embeddings, by l_a and u_a; it is above 0 even for perfect rows, at
    least lambda_g 2/u_a.
    """
    head = magnitude_head(embeddings, scale, l_a, u_a, l_margin, u_margin, easy_margin)
    a = np.clip(exact_norm(embeddings)[0], l_a, u_a)
    return head.losses(labels, embeddings, weights) + lambda_g * (a / u_a / u_a + 1 / a)


@magface.gradient
def _(
    labels: Labels,
    embeddings: Array,
    weights: Array,
    *,
    scale: float,
    l_a: float,
    u_a: float,
    l_margin: float,
    u_margin: float,
    lambda_g: float,
    easy_margin: bool,
) -> Array:
    """scale/|x| (sum_{j != y} p_j W_j/|W_j| at a right angle to x, + (p_y - 1) arc' t); where l_a < |x| < u_a, + x/|x|
    times (1 - p_y) scale f (u_margin - l_margin)/(u_a - l_a) + lambda_g (1/u_a² - 1/a²), f = sin(theta + margin), past
    pi sin margin + margin cos margin, or 0 with easy_margin where cos_y <= 0"""
    head = magnitude_head(embeddings, scale, l_a, u_a, l_margin, u_margin, easy_margin)
    slopes, miss, theta = head.slopes_and_misses(labels, embeddings, weights)
    (margin,), place = head.by_row, place_between(embeddings, l_a, u_a)
    kept = 0.0 if easy_margin else np.sin(margin) + margin * np.cos(margin)
    fall = np.where(keeps_angle(theta, margin, easy_margin), kept, np.sin(theta + margin))
    a = np.clip(exact_norm(embeddings)[0], l_a, u_a)
    below = (1 - place) * (u_a - l_a)
    reward = -lambda_g * (below / a) * ((a + u_a) / a) / u_a / u_a
    along = miss * scale * fall * ((u_margin - l_margin) / (u_a - l_a)) + reward
    return slopes + np.where((place > 0) & (place < 1), along, 0.0)[:, None] * unit(embeddings)


@magface.requires
def _(*, l_a: float, u_a: float, **_: object) -> str:
    return "" if l_a < u_a else f"l_a={l_a:g} must be below u_a={u_a:g}"


def normalised_lengths(x: Array, h: float, norm_mean: float | None, norm_std: float | None) -> Array:
    """Compute h (|x| - mean) / deviation of each row, from -1 to 1; lengths that are all equal give 0."""
    length, rest = exact_norm(x)
    gaps = above(length, rest, length[0], rest[0])  # of nearly equal lengths only the differences have digits
    deviation = float(np.std(gaps, ddof=1)) if norm_std is None else norm_std
    if deviation == 0:
        return np.zeros(len(x))
    excess = gaps - gaps.mean() if norm_mean is None else above(length, rest, norm_mean)
    return np.clip(h * excess / deviation, -1.0, 1.0)


def quality_head(
    x: Array, scale: float, margin: float, h: float, norm_mean: float | None, norm_std: float | None
) -> CosineHead:
    """Return the head of adaface, whose margin depends on the normalised length z of the embedding."""

    def adapt(theta: Array, z: Array) -> tuple[Array, Array]:
        moved = theta - margin * z
        inside = (moved >= 0) & (moved <= np.pi)
        held = np.clip(moved, 0.0, np.pi)
        return np.cos(held) - margin - margin * z, np.where(inside, np.sin(held), 0.0)

    return CosineHead(scale, adapt, (normalised_lengths(x, h, norm_mean, norm_std),))


@face_loss(
    formula="-log softmax(s)_y, s_j = scale cos_j, s_y = scale (cos(theta_y - margin z) - margin - margin z), "
    "z = h (|x| - norm_mean)/norm_std cut to [-1, 1], theta_y - margin z cut to [0, pi]",
    symbols=PROTOTYPES | {"z": "how long x is for this data", "s": "the logits", "t": ARC["t"]},
    coupled=lambda *, norm_mean, norm_std: norm_mean is None or norm_std is None,
    references=("Kim, Jain & Liu 2022, arXiv:2204.00964",),
    equivalents=(
        (
            "paper",
            "the same; its code adds 1e-3 to norm_std, keeps cosines and angles 1e-3 off their ends and lengths within "
            "[0.001, 100], and has running values of norm_mean and norm_std, which begin at 20 and 100",
        ),
    ),
)
def adaface(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: Prototypes,
    *,
    scale: Scale = 64.0,
    margin: Margin = 0.4,
    h: FinitePositive = 0.333,
    norm_mean: PositiveOrNone = None,
    norm_std: PositiveOrNone = None,
) -> Array:
    """A margin that depends on the length of the embedding: long ones, of good images, get more of it where it is hard.

    norm_mean and norm_std are the mean and the standard deviation of the lengths. What is not given is that of all
    rows, regardless of their weights (of weight 0: absent). The gradient holds lengths constant.
    Use: face verification with images of mixed quality.
    Avoid: embeddings that were normalised: their lengths tell nothing.
    Pitfalls: without norm_mean and norm_std a row's loss depends on the other rows; they are those of a whole data set
    here, and running means of batches in training.
    """
    return quality_head(embeddings, scale, margin, h, norm_mean, norm_std).losses(labels, embeddings, weights)


@adaface.validate
def _(labels: Labels, embeddings: Array, weights: Array, *, norm_std: float | None) -> Iterator[Refusal]:
    only = np.full(embeddings.shape, norm_std is None and len(embeddings) == 1)
    yield Refusal("embeddings", only, "is of the only row: the deviation of one length is not known", Hint.SET_NORM_STD)


@adaface.gradient
def _(
    labels: Labels,
    embeddings: Array,
    weights: Array,
    *,
    scale: float,
    margin: float,
    h: float,
    norm_mean: float | None,
    norm_std: float | None,
) -> Array:
    """scale/|x| (sum_{j != y} p_j W_j/|W_j| at a right angle to x, + (p_y - 1) sin(theta_y - margin z) t), 0 for
    sin where the angle is held; z is constant"""
    return quality_head(embeddings, scale, margin, h, norm_mean, norm_std).slopes(labels, embeddings, weights)
