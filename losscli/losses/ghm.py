"""Gradient harmonizing: elements are weighted by the inverse density of their gradient norm."""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import (
    EPS,
    Array,
    BinCount,
    Boolean,
    FinitePositive,
    Mask,
    Probability,
    Real,
    SoftLabel,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, given
from losscli.losses._numerics import hypot_excess, hypot_slope, sigmoid
from losscli.losses._symbols import PROBABILITY, RESIDUAL
from losscli.losses.binary import bce

BCE_DEFAULTS = {"label_smoothing": 0.0, "pos_weight": 1.0, "eps": EPS}


def density_weights(norm: Array, bins: int) -> Array:
    """Return the number of elements / (elements in the bin of the gradient norm * non-empty bins)."""
    inner_edges = np.arange(1, bins) / bins
    place = np.searchsorted(inner_edges, norm, side="right")
    counts = np.bincount(place.ravel(), minlength=bins)
    return norm.size / (counts[place] * np.count_nonzero(counts))


def gradient_norm(y_true: Array, y_pred: Array, from_logits: bool) -> Array:
    """Compute |p - y|; from logits without cancellation of 1 - p."""
    if not from_logits:
        return np.abs(y_pred - y_true)
    return np.abs((1 - y_true) * sigmoid(y_pred) - y_true * sigmoid(-y_pred))


ghm_loss = partial(loss, coupled=True, references=("Li et al. 2019, arXiv:1811.05181",))


@ghm_loss(
    family="binary",
    aliases=("ghm", "GHM-C 损失"),
    formula="w_i bce_i, w_i = N / (count in the bin of |p - y| * non-empty bins)",
    symbols=PROBABILITY | {"i": "a row", "N": "the number of rows", "bce": "the loss of this name"},
    unit="nat",
    properties=Property.BOUNDED_GRADIENT,
    claims=(given(Property.BOUNDED_VALUE, from_logits=False),),
    equivalents=(
        same(
            "mmdet",
            "mmdet.models.losses.GHMC(bins=bins, momentum=0)(y_pred, y_true, torch.ones_like(y_pred))",
            shapes={"y_true": "N,K"},
            from_logits=True,
        ),
    ),
)
def ghm_c(y_true: SoftLabel, y_pred: Probability, *, bins: BinCount = 10, from_logits: Boolean = False) -> Array:
    """Binary cross-entropy that balances all levels of difficulty: many easy examples and a few hopeless ones.

    The gradient norm |p - y| of each element falls into one of `bins` equal bins. The weight of an element is inverse
    to the number of elements in its bin. Counts are over the whole dataset and ignore sample weights.
    Use: dense detection, as in the paper, with many very easy and many mislabelled rows.
    Avoid: few rows: most bins hold one or two, so weights are noise.
    Pitfalls: a row's loss depends on all rows, so subsets and batches are not comparable with the whole; the paper's
    moving average over batches does not apply to an evaluation.
    """
    weight = density_weights(gradient_norm(y_true, y_pred, from_logits), bins)
    return weight * bce.forms[0].kernel(y_true, y_pred, from_logits=from_logits, **BCE_DEFAULTS)


@ghm_c.gradient
def _(y_true: Array, y_pred: Array, *, bins: int, from_logits: bool) -> Array:
    """w_i (p - y) / (p (1-p)); from logits w_i (sigmoid(s) - y)"""
    weight = density_weights(gradient_norm(y_true, y_pred, from_logits), bins)
    return weight * bce.forms[0].hooks["gradient"](y_true, y_pred, from_logits=from_logits, **BCE_DEFAULTS)


@ghm_c.clipped
def _(y_true: Array, y_pred: Array, *, from_logits: bool) -> Mask:
    return bce.forms[0].hooks["clipped"](y_true, y_pred, from_logits=from_logits, label_smoothing=0.0, eps=EPS)


@ghm_loss(
    aliases=("GHM-R 损失",),
    family="regression",
    formula="w_i (sqrt(e² + mu²) - mu), w_i = N / (count in the bin of |e|/sqrt(e² + mu²) * non-empty bins)",
    symbols=RESIDUAL | {"i": "a row", "N": "the number of rows"},
    unit="y",
    properties=Property.SYMMETRIC | Property.BOUNDED_GRADIENT,
    equivalents=(
        same(
            "mmdet",
            "mmdet.models.losses.GHMR(mu=mu, bins=bins, momentum=0)(y_pred, y_true, torch.ones_like(y_pred))",
            shapes={"y_true": "N,K"},
        ),
    ),
)
def ghm_r(y_true: Real, y_pred: Real, *, mu: FinitePositive = 0.02, bins: BinCount = 10) -> Array:
    """Smooth absolute error that balances all levels of difficulty: box regression with many outliers.

    The gradient norm |e|/sqrt(e² + mu²) of each element falls into one of `bins` equal bins. The weight of an element
    is inverse to the number of elements in its bin. Counts are over the whole dataset and ignore sample weights.
    Use: regression with many very small and many very large errors.
    Avoid: few rows: most bins hold one or two, so weights are noise.
    Pitfalls: a row's loss depends on all rows; mu is in the unit of the target, and if it is far below the errors all
    of them share the last bin.
    """
    e = y_pred - y_true
    return density_weights(np.abs(hypot_slope(e, mu)), bins) * hypot_excess(np.abs(e), mu)


@ghm_r.gradient
def _(y_true: Array, y_pred: Array, *, mu: float, bins: int) -> Array:
    """w_i e / sqrt(e² + mu²)"""
    slope = hypot_slope(y_pred - y_true, mu)
    return density_weights(np.abs(slope), bins) * slope
