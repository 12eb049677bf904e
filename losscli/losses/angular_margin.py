"""Losses of face recognition: softmax cross-entropy over class prototypes, with a margin on the target's logit."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import (
    Angle,
    Array,
    Bias,
    Boolean,
    ClassLabel,
    CosineRow,
    Count,
    FiniteNonNegative,
    FinitePositive,
    GroupLabel,
    PrototypeLabel,
    Prototypes,
    Vector,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._classes import Labels
from losscli.losses._embeddings import backprop_unit, class_means, norm, unit, warn_of_own_center
from losscli.losses._margin_softmax import CosineHead, SoftmaxHead, add_margin, large_margin_head, subtract_margin
from losscli.losses._symbols import PROTOTYPES

Scale = FinitePositive
Margin = FiniteNonNegative
Annealing = FiniteNonNegative

MULTIPLE_ANGLE = PROTOTYPES | {
    "L": "annealing",
    "psi": "(-1)^k cos(margin theta_y) - 2k, where theta_y is in [k pi/margin, (k+1) pi/margin]",
    "k": "0, 1, ... margin - 1",
    "'": "the derivative",
}

face_loss = partial(loss, family="faces", unit="nat", properties=Property.BOUNDED_VALUE, symbols=PROTOTYPES)


@face_loss(
    aliases=("线性 softmax 损失",),
    formula="-log softmax(W x + b)_y",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    elicits="log-odds",
    references=("Bridle 1990, doi:10.1007/978-3-642-76153-9_28",),
    equivalents=(
        same("torch", "torch.nn.CrossEntropyLoss()(torch.nn.functional.linear(embeddings, weights, bias), labels)"),
    ),
)
def linear_softmax(labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, bias: Bias | None = None) -> Array:
    """Cross-entropy of a linear classifier on embeddings.

    weights has one row per class, bias one number per class.
    Use: the baseline for losses with a margin.
    Avoid: embeddings that are later compared by angle (normface, arcface).
    Pitfalls: the loss depends on the length of an embedding: the longer, the more confident.
    """
    return SoftmaxHead(embeddings, weights, bias).loss(labels)


@linear_softmax.gradient
def _(labels: Labels, embeddings: Array, weights: Array, bias: Array | None) -> Array:
    """sum_j (p_j - [j = y]) W_j"""
    return SoftmaxHead(embeddings, weights, bias).slope(labels)


@face_loss(
    aliases=("L2 约束 softmax 损失",),
    formula="-log softmax(W (scale x/|x|) + b)_y",
    references=("Ranjan, Castillo & Chellappa 2017, arXiv:1703.09507",),
    equivalents=(
        same(
            "torch",
            "torch.nn.CrossEntropyLoss()(torch.nn.functional.linear(scale * "
            "torch.nn.functional.normalize(embeddings), weights, bias), labels)",
        ),
    ),
)
def l2_softmax(
    labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, bias: Bias | None = None, *, scale: Scale = 16.0
) -> Array:
    """linear_softmax of embeddings that are normalised to one length, scale.

    Use: verification by cosine, so that poor images cannot use short embeddings.
    Avoid: when the length of an embedding carries image quality.
    Pitfalls: prototypes keep their lengths: classes with long ones are predicted more often (normface).
    """
    return SoftmaxHead(scale * unit(embeddings), weights, bias).loss(labels)


@l2_softmax.gradient
def _(labels: Labels, embeddings: Array, weights: Array, bias: Array | None, *, scale: float) -> Array:
    """scale/|x| times the part of sum_j (p_j - [j = y]) W_j at a right angle to x"""
    return backprop_unit(SoftmaxHead(scale * unit(embeddings), weights, bias).slope(labels), embeddings, scale)


@face_loss(
    aliases=("normalized_softmax", "归一化 softmax 损失"),
    formula="-log softmax(scale cos)_y",
    references=("Wang et al. 2017 (NormFace), arXiv:1704.06369",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.NormalizedSoftmaxLoss(*weights.shape, "
            "temperature=1 / scale), {'W': weights.T}, (embeddings, labels))",
        ),
    ),
)
def normface(labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, scale: Scale = 20.0) -> Array:
    """Softmax cross-entropy of scaled cosines.

    With y_pred, the cosines themselves, no other role is needed.
    Use: embeddings that are compared by angle.
    Avoid: when classes must be separated: it has no margin (cosface, arcface).
    Pitfalls: a small scale keeps the mean away from 0 for any embeddings: for C classes of equal size it is at least
    log(1 + (C-1) exp(-scale C/(C-1))).
    """
    return CosineHead(scale).losses(labels, embeddings, weights)


@normface.gradient
def _normface_slope(labels: Labels, embeddings: Array, weights: Array, *, scale: float) -> Array:
    """scale/|x| times the part of sum_j (p_j - [j = y]) W_j/|W_j| at a right angle to x"""
    return CosineHead(scale).slopes(labels, embeddings, weights)


@normface.form
def _normface_of_cosines(labels: ClassLabel, y_pred: CosineRow, *, scale: Scale) -> Array:
    return CosineHead(scale).losses_of_cosines(labels, y_pred)


normface.form_properties(Property.BOUNDED_GRADIENT)


@normface.gradient
def _normface_of_cosines_slope(labels: Labels, y_pred: Array, *, scale: float) -> Array:
    """scale (p_j - [j = y])"""
    return CosineHead(scale).slopes_of_cosines(labels, y_pred)


@face_loss(
    aliases=("congenerous_cosine",),
    formula="-log softmax(scale cos(x, c))_y",
    symbols=PROTOTYPES | {"c": "the rows of weights, or the means of the classes", "cos": "the cosine, or y_pred"},
    references=("Liu, Li & Wang 2017, arXiv:1710.00870",),
    equivalents=(
        ("paper", "the same; its scale depends on the number of classes, and its centroids are of one batch"),
    ),
)
def coco(labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, scale: Scale = 10.0) -> Array:
    """normface with class centers as prototypes.

    Without weights, the centers are the means of the rows of each class, regardless of sample weights; the gradient
    holds them constant.
    Use: classes without prototypes, or with means kept elsewhere.
    Avoid: classes with few rows: a single row is its own center, with a loss of nearly 0.
    Pitfalls: without weights a row's loss depends on the other rows.
    """
    return CosineHead(scale).losses(labels, embeddings, weights)


coco.gradient(_normface_slope)


@coco.coupled_form
def _coco_of_means(labels: GroupLabel, embeddings: Vector, *, scale: Scale = 10.0) -> Array:
    own, means = class_means(labels, embeddings)
    return CosineHead(scale).losses(own, embeddings, means)


coco.warn(warn_of_own_center)


@coco.gradient
def _(labels: Labels, embeddings: Array, *, scale: float) -> Array:
    """scale/|x| times the part of sum_j (p_j - [j = y]) W_j/|W_j| at a right angle to x, class means held constant"""
    own, means = class_means(labels, embeddings)
    return CosineHead(scale).slopes(own, embeddings, means)


coco.form(_normface_of_cosines)
coco.form_properties(Property.BOUNDED_GRADIENT)
coco.gradient(_normface_of_cosines_slope)


@face_loss(
    aliases=("large_margin_softmax", "大间隔 softmax 损失"),
    formula="-log softmax(z)_y, z_j = |W_j| |x| cos_j, z_y = |W_y| |x| (L cos_y + psi)/(1 + L)",
    symbols=MULTIPLE_ANGLE,
    properties=Property.BOUNDED_GRADIENT,
    references=("Liu et al. 2016, arXiv:1612.02295",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.LargeMarginSoftmaxLoss(*weights.shape,"
            " margin=margin, scale=1), {'W': weights.T}, (embeddings, labels))",
        ),
    ),
)
def l_softmax(
    labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, margin: Count = 4, annealing: Annealing = 0.0
) -> Array:
    """linear_softmax with the target's angle multiplied by margin.

    psi(theta) = (-1)^k cos(margin theta) - 2k on the k-th of margin equal pieces of [0, pi]: a monotonically falling
    cos(margin theta). margin=1 is linear_softmax. L, the annealing, interpolates between linear_softmax and psi.
    Use: comparison with the paper, or when lengths of embeddings and prototypes matter.
    Avoid: new work: additive margins train more easily (cosface, arcface).
    Pitfalls: with a large margin, training without annealing may not converge; lengths affect the loss.
    """
    return large_margin_head(labels, embeddings, weights, norm(weights), margin, annealing).loss(labels)


@l_softmax.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, margin: int, annealing: float) -> Array:
    """sum_j (p_j - [j = y]) z_j', z_j' = W_j, z_y' = |W_y| (f x/|x| - f' t), f = (L cos + psi)/(1+L), t towards W_y"""
    return large_margin_head(labels, embeddings, weights, norm(weights), margin, annealing).slope(labels)


@face_loss(
    aliases=("a_softmax", "角度间隔 softmax 损失"),
    formula="-log softmax(z)_y, z_j = |x| cos_j, z_y = |x| (L cos_y + psi)/(1 + L)",
    symbols=MULTIPLE_ANGLE,
    properties=Property.BOUNDED_GRADIENT,
    references=("Liu et al. 2017, arXiv:1704.08063",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.SphereFaceLoss(*weights.shape, "
            "margin=margin, scale=1), {'W': weights.T}, (embeddings, labels))",
        ),
    ),
)
def sphereface(
    labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, margin: Count = 4, annealing: Annealing = 0.0
) -> Array:
    """l_softmax with prototypes of length 1: only angles decide between classes.

    psi(theta) = (-1)^k cos(margin theta) - 2k on the k-th of margin equal pieces of [0, pi]: a monotonically falling
    cos(margin theta). L is the annealing; theta is the angle between x and W_y, cos_y its cosine.
    Use: comparison with the paper.
    Avoid: new work (cosface, arcface).
    Pitfalls: the length of an embedding still scales its logits; with a large margin, training without annealing may
    not converge.
    """
    return large_margin_head(labels, embeddings, unit(weights), np.ones(len(weights)), margin, annealing).loss(labels)


@sphereface.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, margin: int, annealing: float) -> Array:
    """sum_j (p_j - [j = y]) z_j', z_j' = W_j/|W_j|, z_y' = f x/|x| - f' t, f = (L cos + psi)/(1+L), t towards W_y"""
    return large_margin_head(labels, embeddings, unit(weights), np.ones(len(weights)), margin, annealing).slope(labels)


@face_loss(
    aliases=("additive_margin_softmax", "加性间隔 softmax 损失"),
    formula="-log softmax(z)_y, z_j = scale cos_j, z_y = scale (cos_y - margin)",
    references=("Wang et al. 2018, arXiv:1801.05599",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.CosFaceLoss(*weights.shape, "
            "margin=margin, scale=scale), {'W': weights.T}, (embeddings, labels))",
        ),
    ),
)
def am_softmax(
    labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, scale: Scale = 30.0, margin: Margin = 0.35
) -> Array:
    """normface with a margin subtracted from the target's cosine.

    It is cosface with another default scale. With y_pred, the cosines themselves, no other role is needed.
    Use: face and speaker verification.
    Avoid: few or hardly separable classes: an unreachable margin only adds to the loss.
    Pitfalls: values of different margins or scales are not comparable.
    """
    return CosineHead(scale, subtract_margin(margin)).losses(labels, embeddings, weights)


@am_softmax.gradient
def _am_slope(labels: Labels, embeddings: Array, weights: Array, *, scale: float, margin: float) -> Array:
    """scale/|x| times the part of sum_j (p_j - [j = y]) W_j/|W_j| at a right angle to x"""
    return CosineHead(scale, subtract_margin(margin)).slopes(labels, embeddings, weights)


@am_softmax.form
def _am_of_cosines(labels: ClassLabel, y_pred: CosineRow, *, scale: Scale, margin: Margin) -> Array:
    return CosineHead(scale, subtract_margin(margin)).losses_of_cosines(labels, y_pred)


am_softmax.form_properties(Property.BOUNDED_GRADIENT)


@am_softmax.gradient
def _am_of_cosines_slope(labels: Labels, y_pred: Array, *, scale: float, margin: float) -> Array:
    """scale (p_j - [j = y])"""
    return CosineHead(scale, subtract_margin(margin)).slopes_of_cosines(labels, y_pred)


@face_loss(
    aliases=("lmcl", "大间隔余弦损失"),
    formula="-log softmax(z)_y, z_j = scale cos_j, z_y = scale (cos_y - margin)",
    references=("Wang et al. 2018, arXiv:1801.09414",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.CosFaceLoss(*weights.shape, "
            "margin=margin, scale=scale), {'W': weights.T}, (embeddings, labels))",
        ),
    ),
)
def cosface(
    labels: PrototypeLabel, embeddings: Vector, weights: Prototypes, *, scale: Scale = 64.0, margin: Margin = 0.35
) -> Array:
    """Large margin cosine loss: normface with a margin subtracted from the target's cosine.

    It is am_softmax with another default scale. With y_pred, the cosines themselves, no other role is needed.
    Use: face verification with many identities.
    Avoid: few or hardly separable classes: an unreachable margin only adds to the loss.
    Pitfalls: values of different margins or scales are not comparable.
    """
    return CosineHead(scale, subtract_margin(margin)).losses(labels, embeddings, weights)


cosface.gradient(_am_slope)
cosface.form(_am_of_cosines)
cosface.form_properties(Property.BOUNDED_GRADIENT)
cosface.gradient(_am_of_cosines_slope)


@face_loss(
    aliases=("加性角度间隔损失", "加性角间隔损失"),
    formula="-log softmax(z)_y, z_j = scale cos_j, z_y = scale cos(theta_y + margin); past pi scale "
    "(cos_y - margin sin margin); easy_margin: scale cos(theta_y + margin) where cos_y > 0, else scale cos_y",
    references=("Deng et al. 2019, arXiv:1801.07698",),
    equivalents=(
        (
            "insightface",
            "arcface_torch with the same easy_margin; its newest code ignores easy_margin: past pi too it has "
            "scale cos(theta_y + margin)",
        ),
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.ArcFaceLoss(*weights.shape, "
            "margin=np.degrees(margin), scale=scale), {'W': weights.T}, (embeddings, labels))",
            easy_margin=False,
        ),
    ),
)
def arcface(
    labels: PrototypeLabel,
    embeddings: Vector,
    weights: Prototypes,
    *,
    scale: Scale = 64.0,
    margin: Angle = 0.5,
    easy_margin: Boolean = False,
) -> Array:
    """normface with a margin, in radians, added to the target's angle.

    Where angle plus margin exceed pi, the cosine would rise again; a constant is subtracted from the cosine instead.
    With easy_margin it is left as it is where the target's angle is a right one or more.
    With y_pred, the cosines themselves, no other role is needed.
    Use: face verification with many identities.
    Avoid: frequent label errors: at scale 64 a row far from its class costs tens of nats.
    Pitfalls: the margin is in radians here, in degrees elsewhere; the value jumps where angle plus margin equal pi,
    or with easy_margin at a right angle.
    """
    return CosineHead(scale, add_margin(margin, easy_margin)).losses(labels, embeddings, weights)


@arcface.gradient
def _(labels: Labels, embeddings: Array, weights: Array, *, scale: float, margin: float, easy_margin: bool) -> Array:
    """scale/|x| (sum_{j != y} p_j W_j/|W_j| at a right angle to x, + (p_y - 1) f t), t from x towards W_y,
    f = sin(theta + margin), past pi (easy_margin: where cos_y <= 0) sin theta"""
    return CosineHead(scale, add_margin(margin, easy_margin)).slopes(labels, embeddings, weights)


@arcface.form
def _(labels: ClassLabel, y_pred: CosineRow, *, scale: Scale, margin: Angle, easy_margin: Boolean) -> Array:
    return CosineHead(scale, add_margin(margin, easy_margin)).losses_of_cosines(labels, y_pred)


@arcface.gradient
def _(labels: Labels, y_pred: Array, *, scale: float, margin: float, easy_margin: bool) -> Array:
    """scale (p_j - [j = y]), that of the target times sin(theta + margin)/sin theta (1 past pi, or with
    easy_margin where cos_y <= 0)"""
    return CosineHead(scale, add_margin(margin, easy_margin)).slopes_of_cosines(labels, y_pred)


@face_loss(
    aliases=("deepid2",),
    formula="-log softmax(W f1 + b)_y1 - log softmax(W f2 + b)_y2 + verification_weight (d²/2 if y1 = y2, else "
    "max(0, margin - d)²/2), d = |f1 - f2|",
    symbols=PROTOTYPES | {"f1": "embeddings1, a row", "f2": "embeddings2, a row", "y1": "labels1", "y2": "labels2"},
    properties=Property.NONE,
    claims=(given(Property.BOUNDED_GRADIENT, verification_weight=0),),
    references=("Sun, Wang & Tang 2014, arXiv:1406.4773",),
    equivalents=(("paper", "the same; there the verification signal has the factor lambda, 0.05"),),
)
def deepid(
    labels1: PrototypeLabel,
    labels2: PrototypeLabel,
    embeddings1: Vector,
    embeddings2: Vector,
    weights: Prototypes,
    bias: Bias | None = None,
    *,
    margin: Margin = 1.0,
    verification_weight: FiniteNonNegative = 0.05,
) -> Array:
    """Identification and verification: the identities of both faces of a pair, and whether they match.

    Use: comparison with DeepID2, or when pairs and identities are both given.
    Avoid: when only identities are given (cosface, arcface).
    Pitfalls: the margin is a distance of embeddings and depends on their scale; the gradient is with respect to the
    first face.
    """
    first, second = SoftmaxHead(embeddings1, weights, bias), SoftmaxHead(embeddings2, weights, bias)
    d = norm(embeddings1 - embeddings2)
    verification = np.square(np.where(labels1 == labels2, d, np.maximum(0.0, margin - d))) / 2
    return first.loss(labels1) + second.loss(labels2) + verification_weight * verification


@deepid.gradient
def _(
    labels1: Labels,
    labels2: Labels,
    embeddings1: Array,
    embeddings2: Array,
    weights: Array,
    bias: Array | None,
    *,
    margin: float,
    verification_weight: float,
) -> Array:
    """sum_j (p_j - [j = y1]) W_j, + verification_weight (f1 - f2) if y1 = y2, else - that times max(0, margin/d - 1)"""
    difference = embeddings1 - embeddings2
    push = np.maximum(0.0, margin - norm(difference))[:, None] * unit(difference)
    verification = np.where((labels1 == labels2)[:, None], difference, -push)
    return SoftmaxHead(embeddings1, weights, bias).slope(labels1) + verification_weight * verification


am_softmax.orders_like(lambda **params: ("cosface", params))
