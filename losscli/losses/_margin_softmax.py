"""Softmax cross-entropy over class prototypes, with a margin on the target's logit: what losses of faces share.

Logits are inner products of embeddings and prototypes, either of which may be normalised. A margin replaces the cosine
of the target's angle by a smaller function; the cosines of other classes may be replaced, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.losses._classes import Labels, cross_entropy_of_logits, cross_entropy_slope
from losscli.losses._embeddings import backprop_unit, norm, unit
from losscli.losses._tiles import Contrast, contrast, tile_rows

MarginFunction = Callable[..., tuple[Array, Array]]
"""angle of the target, numbers of its row -> what replaces its cosine, and the negative derivative of that by the angle
"""

OthersFunction = Callable[[Array, Array], tuple[Array, Array]]
"""cosines of other classes (n, m), angle of the target (n,) -> what replaces the cosines, and its derivative by them"""

SMALLEST_ANGLE = np.sqrt(np.finfo(float).eps)
"""The angle of the last cosine before 1."""


def angles(u: Array, v: Array) -> Array:
    """Compute angles between paired unit vectors, exact near 0 and pi; pi/2 if one is a zero vector."""
    apart, together = (np.sqrt(np.square(x).sum(axis=1)) for x in (u - v, u + v))
    return np.where(together + apart > 0, 2 * np.arctan2(apart, together), np.pi / 2)


def tangents(theta: Array, u: Array, v: Array) -> Array:
    """Compute the directions from unit vectors u to unit vectors v; zero at angles of 0 and pi."""
    near, far = 2 * np.square(np.sin(theta / 2))[:, None], 2 * np.square(np.cos(theta / 2))[:, None]
    return unit(np.where(near < far, (v - u) + near * u, (v + u) - far * u))


def subtract_margin(margin: float) -> MarginFunction:
    """Return the margin function cos theta - margin."""
    return lambda theta: (np.cos(theta) - margin, np.sin(theta))


NO_MARGIN = subtract_margin(0.0)


def keeps_angle(theta: Array, margin: Array | float, easy_margin: bool) -> Mask:
    """Tell where no margin is added: beyond pi, or with an easy margin where the cosine is not above 0."""
    return theta >= np.pi / 2 if easy_margin else theta + margin > np.pi


def arc(theta: Array, margin: Array | float, easy_margin: bool) -> tuple[Array, Array]:
    """Return cos(theta + margin); beyond pi cos theta - margin sin margin, or cos theta where it is easy."""
    past = keeps_angle(theta, margin, easy_margin)
    kept = np.cos(theta) - (0.0 if easy_margin else margin * np.sin(margin))
    return np.where(past, kept, np.cos(theta + margin)), np.sin(np.where(past, theta, theta + margin))


def add_margin(margin: float, easy_margin: bool = False) -> MarginFunction:
    """Return the margin function `arc`."""
    return lambda theta: arc(theta, margin, easy_margin)


def multiply_margin(margin: int, annealing: float) -> MarginFunction:
    """Return (L cos theta + psi) / (1 + L), psi = (-1)^k cos(margin theta) - 2k, k = floor(margin theta / pi)."""

    def margin_of(theta: Array) -> tuple[Array, Array]:
        k = np.floor(margin * theta / np.pi)  # at the seams both pieces agree, so rounding does not matter
        sign = np.where(k % 2 == 0, 1.0, -1.0)
        psi, fall = sign * np.cos(margin * theta) - 2 * k, margin * sign * np.sin(margin * theta)
        value, slope = annealing * np.cos(theta) + psi, annealing * np.sin(theta) + fall
        return value / (1 + annealing), slope / (1 + annealing)

    return margin_of


class TargetLogit(NamedTuple):
    """Logit of a row's own class: |x| |w| times the margin function of their angle.

    `u` and `v` are the unit vectors of rows and of their own classes, `rows` and `classes` the intended lengths: a zero
    vector may represent one of length 1. `by_row` are numbers of each row that the margin function takes. With `others`
    the logits of other classes, which must be `scale` times their cosines, are replaced.
    """

    margin: MarginFunction
    u: Array
    v: Array
    rows: Array
    classes: Array
    by_row: tuple[Array, ...] = ()
    others: OthersFunction | None = None
    scale: float = 1.0

    @property
    def theta(self) -> Array:
        return angles(self.u, self.v)

    def bend(self, rows: slice, z: Array) -> tuple[Array, Array]:
        """Replace the logits of other classes, and return the derivative by them."""
        assert self.others is not None
        cosines, slope = self.others(z / self.scale, angles(self.u[rows], self.v[rows]))
        return self.scale * cosines, slope


class SoftmaxHead(NamedTuple):
    """Logits x·w_j + b_j of rows x and prototypes w_j; `target` replaces the logit of a row's own class.

    Of several prototypes of a class (C, K, D) the one with the largest product counts.
    """

    x: Array
    w: Array
    bias: Array | None = None
    target: TargetLogit | None = None

    def contrast(self, labels: Labels, with_mean: bool = False) -> Contrast:
        """Compare the logit of each row's own class with those of the others."""
        target = self.target
        bend = None if target is None or target.others is None else target.bend
        found = contrast(self.x, self.w, labels, self.bias, with_mean, bend)
        if target is None:
            return found
        own = target.rows * target.classes * target.margin(target.theta, *target.by_row)[0]
        return found._replace(own=own if self.bias is None else own + self.bias[labels])

    def loss(self, labels: Labels) -> Array:
        """Compute the softmax cross-entropy of the logits."""
        return self.contrast(labels).loss()

    def slope(self, labels: Labels) -> Array:
        """Compute the gradient of the loss by x."""
        return self.slope_and_miss(labels)[0]

    def slope_and_miss(self, labels: Labels) -> tuple[Array, Array]:
        """Compute the gradient of the loss by x, and 1 - softmax of the own class."""
        found, target = self.contrast(labels, with_mean=True), self.target
        if target is None:
            own = self.w[labels]
        else:
            theta = target.theta
            value, fall = target.margin(theta, *target.by_row)
            turned = value[:, None] * target.u + fall[:, None] * tangents(theta, target.u, target.v)
            own = target.classes[:, None] * turned
        miss = found.miss()
        return miss[:, None] * (found.mean - own), miss


def own_prototypes(labels: Labels, u: Array, v: Array) -> Array:
    """Return the prototype of each row's class; of several the one at the smallest angle."""
    own = v[labels]
    if own.ndim == 2:
        return own
    nearest = np.einsum("nd,nkd->nk", u, own).argmax(axis=1)
    return np.asarray(own[np.arange(len(own)), nearest])


class CosineHead(NamedTuple):
    """A head that depends on angles only: logits are scaled cosines, changed by a margin.

    Prototypes (C, D), or several of each class (C, K, D), need not have length 1. `by_row` are numbers of each row (N,)
    that the margin function takes.
    """

    scale: float
    margin: MarginFunction = NO_MARGIN
    by_row: tuple[Array, ...] = ()
    others: OthersFunction | None = None

    def head(self, labels: Labels, x: Array, v: Array, rows: slice) -> SoftmaxHead:
        """Return the head of some rows; `v` are prototypes of length 1."""
        u, n = unit(x), len(x)
        by_row = tuple(numbers[rows] for numbers in self.by_row)
        target = TargetLogit(
            self.margin,
            u,
            own_prototypes(labels, u, v),
            np.full(n, self.scale),
            np.ones(n),
            by_row,
            self.others,
            self.scale,
        )
        return SoftmaxHead(self.scale * u, v, target=target)

    def losses(self, labels: Labels, x: Array, w: Array) -> Array:
        """Compute the loss of each row."""
        v = unit_prototypes(w)
        return np.concatenate([self.head(labels[i], x[i], v, i).loss(labels[i]) for i in tile_rows(len(x))])

    def slopes(self, labels: Labels, x: Array, w: Array) -> Array:
        """Compute the gradient by the embeddings, whose length has no effect."""
        return self.slopes_and_misses(labels, x, w)[0]

    def slopes_and_misses(self, labels: Labels, x: Array, w: Array) -> tuple[Array, Array, Array]:
        """Compute the gradient by the embeddings, 1 - softmax of the own class, and the angle to it."""
        v = unit_prototypes(w)
        slopes, misses, theta = np.empty_like(x), np.empty(len(x)), np.empty(len(x))
        for i in tile_rows(len(x)):
            head = self.head(labels[i], x[i], v, i)
            slopes[i], misses[i] = head.slope_and_miss(labels[i])
            theta[i] = np.pi / 2 if head.target is None else head.target.theta
        return backprop_unit(slopes, x, self.scale), misses, theta

    def logits(self, labels: Labels, y_pred: Array) -> tuple[Array, Array]:
        """Return logits from cosines (N, C), and their derivatives by the cosines."""
        cosines, own = np.clip(y_pred, -1.0, 1.0), labels[:, None]
        target = np.take_along_axis(cosines, own, axis=1)
        theta = 2 * np.arctan2(np.sqrt(1 - target), np.sqrt(1 + target))
        theta = np.where(target > 0, np.minimum(theta, np.nextafter(np.pi / 2, 0)), theta)  # which side is known
        # An added margin makes the slope infinite at cosines of 1 and -1: that of the last cosine between is used.
        away = np.clip(theta, SMALLEST_ANGLE, np.pi - SMALLEST_ANGLE)
        replaced, rise = (cosines, 1.0) if self.others is None else self.others(cosines, theta[:, 0])
        logits, slopes = self.scale * replaced, self.scale * rise * (cosines == y_pred)
        np.put_along_axis(logits, own, self.scale * self.margin(theta)[0], axis=1)
        steep = self.scale * self.margin(away)[1] / np.sin(away)
        kept = np.take_along_axis(cosines == y_pred, own, axis=1)
        np.put_along_axis(slopes, own, steep * kept, axis=1)
        return logits, slopes

    def losses_of_cosines(self, labels: Labels, y_pred: Array) -> Array:
        """Compute the loss from cosines."""
        return cross_entropy_of_logits(labels, self.logits(labels, y_pred)[0])

    def slopes_of_cosines(self, labels: Labels, y_pred: Array) -> Array:
        """Compute the gradient of the loss by the cosines."""
        logits, slopes = self.logits(labels, y_pred)
        return cross_entropy_slope(labels, logits) * slopes


def unit_prototypes(w: Array) -> Array:
    """Divide each prototype by its length."""
    return unit(w.reshape(-1, w.shape[-1])).reshape(w.shape)


def large_margin_head(labels: Labels, x: Array, w: Array, lengths: Array, margin: int, annealing: float) -> SoftmaxHead:
    """Return a head that multiplies the angle; rows keep their lengths, prototypes have the given lengths."""
    own = unit(w)[labels]
    return SoftmaxHead(
        x, w, target=TargetLogit(multiply_margin(margin, annealing), unit(x), own, norm(x), lengths[labels])
    )
