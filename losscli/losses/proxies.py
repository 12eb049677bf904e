"""Losses of embeddings and proxies: one vector a class, which all rows are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import Array, Boolean, Prototypes, ProxyLabel, Vector
from losscli.declaration.domains import FinitePositive as Scale
from losscli.declaration.domains import FiniteReal as Margin
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._classes import Labels
from losscli.losses._embeddings import backprop_unit, norm, unit
from losscli.losses._numerics import sigmoid, softplus
from losscli.losses._tiles import Contrast, LogSumExp, contrast, tile_rows

PROXIES = {
    "x": "a row of embeddings",
    "y": "its class, of labels",
    "j": "a class",
    "d": "d_j, the squared distance of x and the proxy of class j, both divided by their lengths",
    "v": "v_j, the proxy of class j, divided by its length",
    "p": "p_j, the share of class j in the sum",
    "s": "the cosine of x and a proxy",
    "C": "the number of proxies",
    "w": "the weight of a row, 1 without",
}

proxy_loss = partial(loss, family="metric", unit="nat", properties=Property.BOUNDED_VALUE, symbols=PROXIES)


def compare_proxies(
    labels: Labels, embeddings: Array, proxies: Array, scale: float, with_mean: bool = False
) -> Contrast:
    """Compare -scale d of each row's own proxy with those of the others, but for what all have in common."""
    is_zero = norm(proxies) == 0  # its squared distance from a unit vector is 1, as if it had the cosine 1/2
    bias = np.where(is_zero, scale, 0.0) if is_zero.any() else None
    return contrast(2 * scale * unit(embeddings), unit(proxies), labels, bias, with_mean)


@proxy_loss(
    aliases=("代理 NCA 损失",),
    formula="-log(exp(-scale d_y) / sum_{j != y} exp(-scale d_j)), over all j with include_positive",
    references=("Movshovitz-Attias et al. 2017, arXiv:1703.07464", "Teh, DeVries & Taylor 2020, arXiv:2004.01113"),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.ProxyNCALoss(*proxies.shape, "
            "softmax_scale=scale), {'proxies': proxies}, (embeddings, labels))",
            include_positive=True,
        ),
    ),
)
def proxy_nca(
    labels: ProxyLabel,
    embeddings: Vector,
    proxies: Prototypes,
    *,
    scale: Scale = 1.0,
    include_positive: Boolean = False,
) -> Array:
    """Pulls an embedding to the proxy of its class and pushes it from the others, by squared distances of directions.

    Without include_positive the sum is over the other proxies alone, as in the paper, so that the loss can be negative;
    with it, it is a cross-entropy.
    Use: embeddings for retrieval, without mining of pairs.
    Avoid: many rows a class that differ among each other: a class has one proxy.
    Pitfalls: libraries include the positive; the proxies must be those that were learned with the embeddings.
    """
    found = compare_proxies(labels, embeddings, proxies, scale)
    return found.loss() if include_positive else found.others.above(found.own) + 0.0


@proxy_nca.validate
def _(labels: Labels, embeddings: Array, proxies: Array, *, include_positive: bool) -> Iterator[Refusal]:
    only = np.full(proxies.shape, len(proxies) == 1 and not include_positive)
    yield Refusal("proxies", only, "is of the only proxy: there is no other to push a row from")


@proxy_nca.gradient
def _(labels: Labels, embeddings: Array, proxies: Array, *, scale: float, include_positive: bool) -> Array:
    """2 scale/|x| times the part of sum_{j != y} p_j v_j - v_y at a right angle to x; with include_positive that of
    sum_j p_j v_j - v_y"""
    found = compare_proxies(labels, embeddings, proxies, scale, with_mean=True)
    slope = found.mean - unit(proxies)[labels]
    return backprop_unit(found.miss()[:, None] * slope if include_positive else slope, embeddings, 2 * scale)


def log_sums(
    labels: Labels, u: Array, v: Array, alpha: float, margin: float, weight: Array | None
) -> tuple[Array, Array]:
    """Return log sum_x w exp(-alpha (s - margin)) over the rows of each proxy, and that of the others.

    The others have alpha (s + margin) as their exponent.
    """
    near, far = LogSumExp(len(v)), LogSumExp(len(v))
    for j in tile_rows(len(v)):
        for i in tile_rows(len(u)):
            s, own = v[j] @ u[i].T, np.arange(j.start, j.stop)[:, None] == labels[i]
            extra = 0.0 if weight is None else np.log(weight[i])
            near.add(j, np.where(own, -alpha * (s - margin) + extra, -np.inf))
            far.add(j, np.where(own, -np.inf, alpha * (s + margin) + extra))
    return near.above(0.0), far.above(0.0)


@proxy_loss(
    aliases=("代理锚损失",),
    formula="1/|P| sum_{j in P} log(1 + sum_{x of j} w exp(-alpha (s - margin))) + 1/C sum_j log(1 + "
    "sum_{x not of j} w exp(alpha (s + margin)))",
    symbols=PROXIES | {"P": "the classes that have a row"},
    dataset_wide=True,
    references=("Kim et al. 2020, arXiv:2003.13911",),
    equivalents=(
        same(
            "pml",
            "torch.func.functional_call(pytorch_metric_learning.losses.ProxyAnchorLoss(*proxies.shape, "
            "margin=margin, alpha=alpha), {'proxies': proxies}, (embeddings, labels))",
        ),
    ),
)
def proxy_anchor(
    labels: ProxyLabel,
    embeddings: Vector,
    proxies: Prototypes,
    weight: Array | None,
    *,
    alpha: Scale = 32.0,
    margin: Margin = 0.1,
) -> float:
    """Each proxy pulls the rows of its class, the farthest most, and pushes the others, the nearest most, by cosine.

    It is one number for all rows. A row of weight 2 counts as if it were there twice.
    Use: embeddings for retrieval, without mining of pairs.
    Avoid: comparing data of different sizes: every row adds to the sums within the logarithms.
    Pitfalls: it has no loss of a row; the proxies must be those that were learned with the embeddings.
    """
    near, far = log_sums(labels, unit(embeddings), unit(proxies), alpha, margin, weight)
    return float(softplus(near[np.unique(labels)]).mean() + softplus(far).mean())


@proxy_anchor.gradient
def _(labels: Labels, embeddings: Array, proxies: Array, *, alpha: float, margin: float) -> Array:
    """1/|x| times the part of alpha sum_{j != y} exp(alpha (s_j + margin))/(C (1 + its sum)) v_j - alpha
    exp(-alpha (s_y - margin))/(|P| (1 + its sum)) v_y at a right angle to x"""
    u, v = unit(embeddings), unit(proxies)
    near, far = log_sums(labels, u, v, alpha, margin, None)
    rows = len(np.unique(labels))
    pull = np.zeros_like(u)
    for i in tile_rows(len(u)):
        for j in tile_rows(len(v)):
            s, own = u[i] @ v[j].T, labels[i][:, None] == np.arange(j.start, j.stop)
            closer = -sigmoid(near[j]) * np.exp(-alpha * (s - margin) - near[j]) / rows
            away = sigmoid(far[j]) * np.exp(alpha * (s + margin) - far[j]) / len(v)
            pull[i] += np.where(own, closer, away) @ v[j]
    return backprop_unit(alpha * pull, embeddings, 1.0)
