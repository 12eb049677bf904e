"""Losses of pairs of embeddings of two kinds, such as images and their captions: all rows meet, tile by tile."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, FiniteReal, Vector
from losscli.declaration.domains import FinitePositive as Scale
from losscli.declaration.equivalent import same
from losscli.losses._embeddings import backprop_unit, unit
from losscli.losses._numerics import sigmoid, softplus
from losscli.losses._tiles import Contrast, contrast, tile_rows
from losscli.losses.contrastive import CONTRASTIVE, contrastive_loss, warn_of_only_row

view_loss = partial(contrastive_loss, symbols=CONTRASTIVE)


def both_ways(anchor: Array, positive: Array, temperature: float) -> tuple[Contrast, Contrast]:
    """Compare each anchor with all positives, and each positive with all anchors, by cosine / temperature."""
    a, p, own = unit(anchor), unit(positive), np.arange(len(anchor))
    return contrast(a / temperature, p, own, with_mean=True), contrast(p / temperature, a, own)


@view_loss(
    aliases=("clip_loss",),
    formula="(-log softmax_j(cos(a_i, p_j)/T)_i - log softmax_j(cos(a_j, p_i)/T)_i)/2",
    symbols=CONTRASTIVE | {"q": "q_j, the share of a_i in the softmax over all anchors of cos(a, p_j)/T"},
    references=("Radford et al. 2021, arXiv:2103.00020",),
    equivalents=(
        same(
            "open_clip",
            "open_clip.loss.ClipLoss()(torch.nn.functional.normalize(anchor), "
            "torch.nn.functional.normalize(positive), 1 / temperature)",
        ),
        same(
            "pml",
            "(pytorch_metric_learning.losses.NTXentLoss(temperature)(anchor, torch.arange(len(anchor)), "
            "ref_emb=positive, ref_labels=torch.arange(len(anchor))) + "
            "pytorch_metric_learning.losses.NTXentLoss(temperature)(positive, torch.arange(len(anchor)), "
            "ref_emb=anchor, ref_labels=torch.arange(len(anchor)))) / 2",
        ),
    ),
)
def clip(anchor: Vector, positive: Vector, *, temperature: Scale = 0.07) -> Array:
    """info_nce both ways: which positive belongs to an anchor, and which anchor to a positive, by cosine.

    Use: two kinds of items that are to be found by each other, such as images and captions.
    Avoid: several rows that belong together, which are negatives of each other here (supcon).
    Pitfalls: it grows with the number of rows N, up to log N for uninformative embeddings, so values of different N are
    not comparable; libraries have logit_scale, which is 1/temperature.
    """
    of_anchor, of_positive = both_ways(anchor, positive, temperature)
    return (of_anchor.loss() + of_positive.loss()) / 2


clip.warn(warn_of_only_row)


@clip.gradient
def _(anchor: Array, positive: Array, *, temperature: float) -> Array:
    """1/(2 T |a|) times the part of sum_j (softmax_j + q_j - 2 [j = i]) p_j/|p_j| at a right angle to a"""
    of_anchor, of_positive = both_ways(anchor, positive, temperature)
    a, p = unit(anchor) / temperature, unit(positive)
    totals = of_positive.own + softplus(of_positive.others.above(of_positive.own))
    pull = of_anchor.miss()[:, None] * (of_anchor.mean - p) - of_positive.miss()[:, None] * p
    for i in tile_rows(len(a)):
        for j in tile_rows(len(p)):
            share = np.exp(a[i] @ p[j].T - totals[j])
            if i == j:
                np.fill_diagonal(share, 0.0)
            pull[i] += share @ p[j]
    return backprop_unit(pull / 2, anchor, 1 / temperature)


@view_loss(
    aliases=("sigmoid_contrastive",),
    formula="sum_j log(1 + exp(-z (scale cos(a_i, p_j) + bias))), z = 1 for j = i, else -1",
    references=("Zhai et al. 2023, arXiv:2303.15343",),
    equivalents=(
        same(
            "open_clip",
            "open_clip.loss.SigLipLoss()(torch.nn.functional.normalize(anchor), "
            "torch.nn.functional.normalize(positive), scale, bias)",
        ),
    ),
)
def siglip(anchor: Vector, positive: Vector, *, scale: Scale = 10.0, bias: FiniteReal = -10.0) -> Array:
    """Binary cross-entropy of whether an anchor and a positive belong together, over all pairs of them.

    The mean over the rows is the loss of the paper. scale and bias are learned in training; the defaults are where they
    begin.
    Use: two kinds of items, such as images and captions, in small or in large batches.
    Avoid: probabilities of a match among the rows at hand (clip).
    Pitfalls: a row has N - 1 negatives for one positive, so it grows with the number of rows N; scale and bias are
    those of the model that made the embeddings.
    """
    a, p = unit(anchor), unit(positive)
    losses = np.zeros(len(a))
    for i in tile_rows(len(a)):
        for j in tile_rows(len(p)):
            z = scale * (a[i] @ p[j].T) + bias
            if i == j:
                np.fill_diagonal(z, -np.diagonal(z))
            losses[i] += softplus(z).sum(axis=1)
    return losses


@siglip.gradient
def _(anchor: Array, positive: Array, *, scale: float, bias: float) -> Array:
    """scale/|a| times the part of sum_j -z sigmoid(-z (scale cos(a_i, p_j) + bias)) p_j/|p_j| at a right angle to a"""
    a, p = unit(anchor), unit(positive)
    pull = np.zeros_like(a)
    for i in tile_rows(len(a)):
        for j in tile_rows(len(p)):
            z = scale * (a[i] @ p[j].T) + bias
            rates = sigmoid(z)
            if i == j:
                np.fill_diagonal(rates, -sigmoid(-np.diagonal(z)))
            pull[i] += rates @ p[j]
    return backprop_unit(pull, anchor, scale)
