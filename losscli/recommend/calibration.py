"""Whether probabilities are calibrated: logistic recalibration, and miscalibration against what chance gives.

Labels are fitted to the predictions' own logits, label ~ sigmoid(intercept + slope logit(y_pred)) (Cox 1958,
doi:10.1093/biomet/45.3-4.562). A calibrated model has slope 1 and intercept 0. A slope below 1 says that the
predictions are too extreme, one above 1 that they are too timid; 1/slope is the temperature that mends it (Guo et al.
2017, arXiv:1706.04599). Of several classes the slope is that of the softmax of slope times the log-probabilities.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.statistics.isotonic import find_ties, isotonic_means

MIN_LABELS_FOR_CALIBRATION = 20
"""Rows that each of two labels needs, or that labels without the most frequent class need."""

MIN_LOGIT_SPREAD = 0.05
"""Standard deviation of the logits below which a slope cannot be told."""

FARTHEST_LOGIT = 30.0
"""Logits are held within this: beyond it a float64 probability is 0 or 1 to twelve digits."""

MAX_ROWS_FOR_CHANCE, CHANCE_RESAMPLES = 5000, 199
"""Rows whose miscalibration is compared with that of resampled labels, and how many times these are drawn."""

CHANCE_LEVEL = 0.99
"""Miscalibration above this quantile of what chance gives counts, where slope and level show nothing."""


ERRORS_OF_RECALIBRATION = 2.4
"""Standard errors by which slope or level must be off: one of both is in 3 % of calibrated data, the shape in 1 %."""

FAMILY_ERROR = 0.01
"""The probability that any of several classes seems off by chance."""


class CalibrationVerdict(enum.StrEnum):
    """What recalibration says of probabilities."""

    CALIBRATED = "calibrated"
    OVERCONFIDENT = "overconfident"
    UNDERCONFIDENT = "underconfident"
    TOO_HIGH = "too high"
    TOO_LOW = "too low"
    CURVED = "miscalibrated"
    UNRELATED = "unrelated"


class Estimate(NamedTuple):
    """A number with its standard error."""

    value: float
    error: float

    def is_above(self, other: float) -> bool:
        """Return whether it is above another number by more than chance makes it."""
        return self.value - ERRORS_OF_RECALIBRATION * self.error > other

    def is_below(self, other: float) -> bool:
        """Return whether it is below another number by more than chance makes it."""
        return self.value + ERRORS_OF_RECALIBRATION * self.error < other


class Recalibration(NamedTuple):
    """How labels follow probabilities.

    Attributes:
        slope: What the logits must be multiplied by; 1 if calibrated.
        level: What must be added to the logits as they are; 0 if calibrated. Of several classes, the share of the rows
            whose likeliest class is the right one, minus the mean probability of that class.
        mean: The mean probability of label 1, or of the likeliest class.
        rate: The share of label 1, or of the rows whose likeliest class is the right one.
        miscalibration: CORP's miscalibration of the squared error (Dimitriadis et al. 2021); NaN of several classes.
        by_chance: What calibrated predictions exceed with a probability of one minus CHANCE_LEVEL; NaN likewise.
    """

    slope: Estimate
    level: Estimate
    mean: float
    rate: float
    miscalibration: float = math.nan
    by_chance: float = math.nan
    is_of_classes: bool = False

    @property
    def verdict(self) -> CalibrationVerdict:
        """The first of slope, level and shape that is off by more than chance makes it."""
        if self.slope.is_below(1) and not self.slope.is_above(0):
            return CalibrationVerdict.UNRELATED
        if self.slope.is_below(1) or (self.is_of_classes and self.level.is_below(0)):
            return CalibrationVerdict.OVERCONFIDENT
        if self.slope.is_above(1) or (self.is_of_classes and self.level.is_above(0)):
            return CalibrationVerdict.UNDERCONFIDENT
        if self.level.is_below(0):
            return CalibrationVerdict.TOO_HIGH
        if self.level.is_above(0):
            return CalibrationVerdict.TOO_LOW
        return CalibrationVerdict.CURVED if self.miscalibration > self.by_chance else CalibrationVerdict.CALIBRATED

    @property
    def temperature(self) -> float:
        """What logits are divided by to have slope 1."""
        return 1 / self.slope.value


def logits_of(p: Array) -> Array:
    """Return log(p / (1 - p)); 0 and 1, which rounding may have made, as half the least distance of others to them."""
    size = np.minimum(p, 1 - p)
    edge = float(np.min(size, initial=0.5, where=size > 0)) / 2
    inside = np.clip(p, edge, 1 - edge)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def logs_of(p: Array) -> Array:
    """Return log(p); 0, which rounding may have made, as half the least of the others."""
    least = float(np.min(p, initial=1.0, where=p > 0)) / 2
    return np.asarray(np.log(np.maximum(p, least)))


def recalibrate_labels(y: Array, logits: Array, weight: Array | None = None) -> Recalibration | None:
    """Return how labels (n,) or (n, k), 0 or 1, follow logits of the same shape; None if the data cannot tell.

    Labels of one row may depend on each other: errors are those of rows (the sandwich; Liang & Zeger 1986,
    doi:10.1093/biomet/73.1.13). Rows have weights (n,).
    """
    y, z = y.reshape(len(y), -1), np.clip(logits.reshape(len(y), -1), -FARTHEST_LOGIT, FARTHEST_LOGIT)
    w = np.ones(len(y)) if weight is None else weight / weight.mean()
    if min(y.sum(), (1 - y).sum()) < MIN_LABELS_FOR_CALIBRATION or float(z.std()) < MIN_LOGIT_SPREAD:
        return None
    both = np.stack([np.ones_like(z), z])
    fitted = _fit_logistic(y, both, np.zeros_like(z), w)
    moved = _fit_logistic(y, both[:1], z, w)
    if fitted is None or moved is None:
        return None
    p = _sigmoid(z)
    mean, rate = (float(np.average(values.mean(axis=1), weights=w)) for values in (p, y))
    found = Recalibration(fitted[1], moved[0], mean, rate)
    if y.shape[1] > 1:
        return found
    miscalibration, by_chance = _miscalibration(y[:, 0], p[:, 0], w)
    return found._replace(miscalibration=miscalibration, by_chance=by_chance)


def _sigmoid(z: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


def _fit_logistic(y: Array, x: Array, offset: Array, weight: Array) -> list[Estimate] | None:
    """Return the coefficients of x (p, n, k) in a logistic regression; None if the labels are separated."""

    def likelihood(beta: Array) -> tuple[float, Array, Array]:
        z = np.tensordot(beta, x, 1) + offset
        p = _sigmoid(z)
        value = float(weight @ (y * z - np.logaddexp(0.0, z)).sum(axis=1))
        information = np.einsum("pnk,qnk,nk->pq", x, x, p * (1 - p) * weight[:, None])
        return value, np.einsum("pnk,nk->pn", x, y - p) * weight, information

    return _maximise(np.zeros(len(x)), likelihood)


def _maximise(beta: Array, likelihood: Callable[[Array], tuple[float, Array, Array]]) -> list[Estimate] | None:
    """Return the coefficients (p,) of most likelihood, by Newton's method with steps that are halved until they gain.

    `likelihood` returns the logarithm, each row's score (p, n) and the information (p, p). None if there is no maximum.
    """
    value, score, information = likelihood(beta)
    for _ in range(50):
        try:
            bread = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            return None
        step = bread @ score.sum(axis=1)
        if not np.isfinite(step).all() or np.abs(beta).max() > FARTHEST_LOGIT:
            return None
        if float(np.abs(step).max()) < 1e-8:
            errors = np.sqrt(np.diag(bread @ (score @ score.T) @ bread))
            return [Estimate(float(b), float(e)) for b, e in zip(beta, errors, strict=True)]
        for _ in range(30):
            nearer = likelihood(beta + step)
            if nearer[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        beta, (value, score, information) = beta + step, nearer
    return None


def _miscalibration(y: Array, p: Array, weight: Array) -> tuple[float, float]:
    """Return the miscalibration of the squared error of p (n,), and what resampled labels exceed by chance alone."""
    rng = np.random.default_rng(0)
    if len(y) > MAX_ROWS_FOR_CHANCE:
        kept = rng.choice(len(y), MAX_ROWS_FOR_CHANCE, replace=False)
        y, p, weight = y[kept], p[kept], weight[kept]
    order = np.argsort(p, kind="stable")
    y, p, weight = y[order], p[order], weight[order]
    ties = find_ties(p)
    total = np.add.reduceat(weight, ties.start)
    drawn = (rng.random((CHANCE_RESAMPLES, len(p))) < p).astype(np.float64)
    means = np.add.reduceat(np.vstack([y, drawn]) * weight, ties.start, axis=1) / total
    # each resample is lifted above the last one, so that one fit serves them all
    lift = 2.0 * np.arange(len(means))[:, None]
    fits = isotonic_means((means + lift).ravel(), np.tile(total, len(means))).reshape(means.shape) - lift
    gains = (np.square(ties.key - means) - np.square(fits - means)) @ total / total.sum()
    return float(gains[0]), float(np.quantile(gains[1:], CHANCE_LEVEL))


def recalibrate_classes(y: Array, scores: Array, weight: Array | None = None) -> Recalibration | None:
    """Return how classes (n,), or rows of 0 and 1 (n, C), follow logits or log-probabilities (n, C).

    None if the data cannot tell.
    """
    s = np.maximum(scores - scores.max(axis=1, keepdims=True), -FARTHEST_LOGIT)
    target = np.eye(s.shape[1])[y.astype(np.int64)] if y.ndim == 1 else y
    w = np.ones(len(s)) if weight is None else weight / weight.mean()
    counts = target.sum(axis=0)
    if counts.sum() - counts.max() < MIN_LABELS_FOR_CALIBRATION or float(s.std()) < MIN_LOGIT_SPREAD:
        return None

    def likelihood(slope: Array) -> tuple[float, Array, Array]:
        p = _softmax(slope * s)
        centred = s - (p * s).sum(axis=1, keepdims=True)
        value = slope[0] * (target * s).sum(axis=1) - np.log(np.exp(slope * s).sum(axis=1))
        information = w @ (p * np.square(centred)).sum(axis=1)
        return float(w @ value), (w * (target * centred).sum(axis=1))[None], np.array([[information]])

    fitted = _maximise(np.zeros(1), likelihood)
    if fitted is None:
        return None
    p = _softmax(s)
    top = p.argmax(axis=1)
    is_right = target[np.arange(len(s)), top]
    gap = is_right - p[np.arange(len(s)), top]
    level = float(np.average(gap, weights=w))
    error = math.sqrt(float(np.square(w) @ np.square(gap - level))) / float(w.sum())
    mean, rate = float(np.average(p.max(axis=1), weights=w)), float(np.average(is_right, weights=w))
    return Recalibration(fitted[0], Estimate(level, error), mean, rate, is_of_classes=True)


def _softmax(s: Array) -> Array:
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def biased_columns(y: Array, p: Array, weight: Array | None = None) -> dict[int, Estimate]:
    """Return the columns of labels and probabilities (n, C) whose mean probability is off, with the gap to the share.

    A gap counts if chance gives one in one of a hundred such data sets, however many columns there are (Bonferroni).
    """
    w = np.ones(len(y)) if weight is None else weight
    gaps = p - y
    means = w @ gaps / w.sum()
    errors = np.sqrt(np.square(w) @ np.square(gaps - means)) / w.sum()
    limit = NormalDist().inv_cdf(1 - FAMILY_ERROR / (2 * len(means)))
    off = np.flatnonzero(np.abs(means) > limit * errors)
    return {int(k): Estimate(float(means[k]), float(errors[k])) for k in off}
