"""Which of two models every loss consistent for a functional prefers: dominance in the sense of Murphy diagrams.

Ehm, Gneiting, Jordan & Krüger 2016 (doi:10.1111/rssb.12154): every consistent loss is a mixture of elementary scores,
one for each threshold t. So a model whose elementary score is nowhere higher, and somewhere lower, is better by all of
them; if the two curves cross, some consistent losses prefer the one model and some the other.

The difference of the curves of two models is far simpler than either: a row adds to it only where t is between its two
predictions. For a mean it adds w (t - y), with the sign of the first prediction minus the second; for a quantile
w (1{y <= t} - level). So it bends and jumps at predictions alone (and at targets, for a quantile), and between them it
is a straight line: its signs are known at all thresholds, not only on a grid.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.declaration.properties import Functional

BITS_PER_CUMULATED_PART = 36
"""Bits of one part of a number: 2**27 of them can be added in 64 bits."""

ROUNDING_OF_DIFFERENCE = 1e-14
"""Rounding of a difference of curves, as a share of what the rows between the predictions add up to."""


class ThresholdRun(NamedTuple):
    """Thresholds from `low` to `high` between which one curve is lower, or as low; `first_is_lower` says which.

    `gain` is the area between the curves there, up to a factor: by how much the squared error (of a mean) or the
    pinball loss (of a quantile) is lower because of these thresholds.
    """

    low: float
    high: float
    first_is_lower: bool
    gain: float


class PairedCurves(NamedTuple):
    """How the curves of two models lie, over all thresholds.

    Attributes:
        runs: Where one curve is lower, in ascending order; each has the other curve lower than the one before it.
    """

    runs: tuple[ThresholdRun, ...]

    @property
    def dominant(self) -> int | None:
        """0 if the first model dominates the second, 1 for the contrary; None if the curves cross or are equal."""
        if len(self.runs) != 1:
            return None
        return 0 if self.runs[0].first_is_lower else 1

    @property
    def n_crossings(self) -> int:
        return max(0, len(self.runs) - 1)

    def main_run(self, first_is_lower: bool) -> ThresholdRun | None:
        """Return the run in which a model gains most; None if it is lower nowhere."""
        own = [run for run in self.runs if run.first_is_lower == first_is_lower]
        return max(own, key=lambda run: run.gain, default=None)


def pair_curves(
    functional: Functional, target: Array, first: Array, second: Array, weight: Array | None = None
) -> PairedCurves | None:
    """Return how the curves of two predictions (N,) of the functional of targets (N,) lie, with weights (N,).

    None where a number is not finite.
    """
    weights = np.ones(target.size) if weight is None else weight
    is_apart = (first != second) & (weights > 0)
    target, first, second, weights = (values[is_apart] for values in (target, first, second, weights))
    if not all(np.isfinite(values).all() for values in (target, first, second)):
        return None
    if not target.size:
        return PairedCurves(())
    low, high = np.minimum(first, second), np.maximum(first, second)
    signed = np.where(first > second, weights, -weights)
    if functional.name == "quantile":
        pieces = _differences_of_quantiles(functional.level, target, low, high, signed)
    else:
        pieces = _differences_of_means(target, low, high, signed)
    return PairedCurves(tuple(_runs(*pieces)))


Pieces = tuple[Array, Array, Array]
"""Thresholds (k + 1,), and the difference at the start and before the end of each piece (k,) between them."""


def _differences_of_means(target: Array, low: Array, high: Array, signed: Array) -> Pieces:
    centre = float(np.median(target))  # the digits of the differences from it count
    moment, size = signed * (target - centre), np.abs(signed)
    thresholds, sums = _sums_from_events(
        np.concatenate([low, high]),
        [np.concatenate([column, -column]) for column in (moment, signed)],
        [np.concatenate([column, -column]) for column in (np.abs(moment), size)],
    )
    moments, weights, moment_sizes, weight_sizes = sums[:, :-1]
    ends = []
    for t in (thresholds[:-1] - centre, thresholds[1:] - centre):
        difference = weights * t - moments
        slack = ROUNDING_OF_DIFFERENCE * (moment_sizes + np.abs(t) * weight_sizes)
        ends.append(np.where(np.abs(difference) <= slack, 0.0, difference))
    start, end = ends
    is_crossed = np.flatnonzero(np.sign(start) * np.sign(end) < 0)
    if is_crossed.size:  # the line passes 0 inside of the piece, which is cut there
        root = centre + moments[is_crossed] / weights[is_crossed]
        root = np.clip(root, thresholds[is_crossed], thresholds[is_crossed + 1])
        thresholds = np.insert(thresholds, is_crossed + 1, root)
        start, end = np.insert(start, is_crossed + 1, 0.0), np.insert(end, is_crossed, 0.0)
    return thresholds, start, end


def _differences_of_quantiles(level: float, target: Array, low: Array, high: Array, signed: Array) -> Pieces:
    is_inside, is_below = (low < target) & (target < high), target < high
    inside = signed[is_inside]
    covered = np.concatenate([np.where(target <= low, signed, 0.0), inside, -np.where(is_below, signed, 0.0)])
    between = np.concatenate([signed, np.zeros(inside.size), -signed])
    size = np.concatenate([np.abs(signed), np.zeros(inside.size), -np.abs(signed)])
    places = np.concatenate([low, target[is_inside], high])
    thresholds, sums = _sums_from_events(places, [covered, between], [size])
    counts, weights, sizes = sums[:, :-1]
    difference = counts - level * weights
    difference = np.where(np.abs(difference) <= ROUNDING_OF_DIFFERENCE * sizes, 0.0, difference)
    return thresholds, difference, difference


def _sums_from_events(places: Array, exact: list[Array], sizes: list[Array]) -> tuple[Array, Array]:
    """Return the distinct places (k,) and the sums of each column of events up to and with each (columns, k).

    What one event adds and another takes away leaves no rounding error in the columns that are `exact`.
    """
    order = np.argsort(places)  # exact sums do not depend on the order of equal places
    ordered = places[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    sums = [exact_cumsum(column[order])[is_last] for column in exact]
    sums += [np.maximum(np.cumsum(column[order])[is_last], 0.0) for column in sizes]
    return ordered[is_last], np.stack(sums)


def exact_cumsum(values: Array) -> Array:
    """Return the cumulated sums of numbers (n,), right to 2**-72 of the largest: as integers in two parts."""
    exponent = math.frexp(float(np.abs(values).max(initial=0.0)))[1]
    scaled = np.ldexp(values, BITS_PER_CUMULATED_PART - exponent)
    high = np.rint(scaled)
    low = np.rint(np.ldexp(scaled - high, BITS_PER_CUMULATED_PART))
    parts = [np.cumsum(part.astype(np.int64)).astype(np.float64) for part in (high, low)]
    return np.asarray(
        np.ldexp(parts[0], exponent - BITS_PER_CUMULATED_PART)
        + np.ldexp(parts[1], exponent - 2 * BITS_PER_CUMULATED_PART)
    )


def _runs(thresholds: Array, start: Array, end: Array) -> list[ThresholdRun]:
    """Return the runs of one sign; a positive difference is that of a first curve which is higher."""
    sign = np.sign(np.where(start != 0, start, end))
    kept = np.flatnonzero(sign)
    kept = kept[thresholds[kept + 1] > thresholds[kept]]
    if not kept.size:
        return []
    is_new = np.append(True, sign[kept][1:] != sign[kept][:-1])
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], kept.size) - 1
    gains = np.add.reduceat(np.abs(start + end)[kept] * np.diff(thresholds)[kept], first)
    return [
        ThresholdRun(float(thresholds[kept[i]]), float(thresholds[kept[j] + 1]), bool(sign[kept[i]] < 0), float(gain))
        for i, j, gain in zip(first, last, gains, strict=True)
    ]
