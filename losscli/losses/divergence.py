"""Divergences between a true distribution P (`y_true`) and a predicted one Q (`y_pred`)."""

from __future__ import annotations

import numpy as np

from losscli.domain import Array, Boolean, PredictedDistribution, TrueDistribution
from losscli.losses._numerics import log_ratio, log_softmax, through_softmax, through_sum, times
from losscli.losses.multiclass import share
from losscli.spec import Property, loss


@loss(
    family="divergence", aliases=("kl_divergence", "kullback_leibler"), formula="sum_c p_c log(p_c / q_c)", unit="nat",
    properties=Property.CONVEX | Property.DIFFERENTIABLE, elicits="the distribution",
    references=("Kullback & Leibler 1951, doi:10.1214/aoms/1177729694",),
    equivalents={
        "torch": "torch.nn.KLDivLoss(reduction='batchmean') with the arguments the other way round and log Q as "
                 "input; its reduction='mean' divides by C too",
        "keras": "keras.losses.KLDivergence() (it clips both to [1e-7, 1])",
        "scipy": "scipy.stats.entropy(p, q)", "optax": "optax.losses.kl_divergence(log_q, p)",
    },
)  # fmt: skip
def kl(
    y_true: TrueDistribution, y_pred: PredictedDistribution, *, from_logits: Boolean = False,
    normalize: Boolean = False,
) -> Array:  # fmt: skip
    """Kullback-Leibler divergence: the nats lost by believing Q where P is true.

    It is cross-entropy less the entropy of P.

    Use: predicted distributions against true ones, as in distillation.

    Avoid: distributions that may not overlap (js, wasserstein).

    Pitfalls: not symmetric, and libraries disagree on the order of the arguments; infinite where Q gives no chance to
    what P allows: nothing is clipped.
    """
    p = share(y_true, normalize)
    if from_logits:
        return (times(p, np.log(p)) - times(p, log_softmax(y_pred))).sum(axis=1)
    return times(p, log_ratio(p, share(y_pred, normalize))).sum(axis=1)


@kl.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """-p_c / q_c; from logits softmax(s) - p"""
    p = share(y_true, normalize)
    if from_logits:
        return through_softmax(-p, np.exp(log_softmax(y_pred)))
    q = share(y_pred, normalize)
    slope = -times(p, 1 / q) + 0.0
    return through_sum(slope, q, y_pred.sum(axis=1, keepdims=True)) if normalize else slope
