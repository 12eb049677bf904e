"""The constant that minimises a loss: added to every prediction, or as the only prediction there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.subset import value_of
from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Interval, Mask
from losscli.declaration.loss import Functional, Property
from losscli.errors import LosscliError
from losscli.evaluation.evaluator import Evaluator
from losscli.statistics.moments import blocks
from losscli.statistics.order_statistics import order_statistics
from losscli.statistics.quantiles import ordered, quantile, quantiles
from losscli.statistics.summary import Accumulator

SAMPLE = 1 << 16
"""Rows on which a minimum is looked for: of more rows as many, evenly spread over the sorted residuals."""

COARSE, GRID = 1 << 12, 129
"""Rows and places of the first look at a loss that may have several minima."""

STEPS = 200
GOLDEN = (math.sqrt(5) - 1) / 2


class ShiftProblem(NamedTuple):
    """A loss of `base + c` as a function of c, between `low` and `high`; base and targets are (N,)."""

    evaluator: Evaluator
    batch: Batch
    base: Array
    low: float
    high: float
    asked: str = "mean"

    def value(self, c: float) -> float:
        """The reduced loss, inf where c leads out of the domain."""
        own = self.evaluator.bound.loss.reduction
        shifted = self.batch.changed(y_pred=self.base + c)
        found = value_of(self.evaluator, shifted, Accumulator(own, self.asked, quick=True))
        return math.inf if found is None or math.isnan(found) else found

    def slope(self, c: float) -> float:
        """The weighted sum of the gradients, of which the sign alone matters."""
        try:
            with np.errstate(all="ignore"):
                outcome = self.evaluator(self.batch.changed(y_pred=self.base + c), gradient=True)
        except LosscliError:
            return math.nan
        assert outcome.gradient is not None
        weight = self.batch.weight
        return float(outcome.gradient.sum() if weight is None else (outcome.gradient * weight).sum())


def minimizer(problem: ShiftProblem) -> float | None:
    """The constant with the least loss; of an interval of them its middle. None where there is none to be told."""
    if not len(problem.base) or not (math.isfinite(problem.low) and math.isfinite(problem.high)):
        return None
    form = problem.evaluator.form
    convex = Property.CONVEX in problem.evaluator.bound.properties and "gradient" in form.hooks
    found = _root(problem) if convex and not form.coupled and problem.asked != "median" else _search(problem)
    return None if found is None or not math.isfinite(found) else found


def of_functional(functional: Functional, values: Array, weight: Array | None, rows: Mask | None = None) -> float:
    """The constant in closed form, of targets `values` (N,) or of those of some rows."""
    if rows is not None and (weight is not None or functional.name == "midrange"):
        values, weight, rows = values[rows], None if weight is None else weight[rows], None
    return FUNCTIONALS[functional.name](values, weight, rows, functional.level)


def negate_functional(functional: Functional) -> Functional:
    """What minus the functional of values is of minus the values."""
    return functional._replace(level=1 - functional.level)


def _mean(values: Array, weight: Array | None, rows: Mask | None, level: float) -> float:
    if weight is not None:
        return float(np.dot(values, weight) / weight.sum())
    if rows is None:
        return float(values.mean())
    sums = [values[part][rows[part]].sum() for part in blocks(values.size)]
    return float(np.sum(sums) / np.count_nonzero(rows))


def _midrange(values: Array, weight: Array | None, rows: Mask | None, level: float) -> float:
    return float(values.min() / 2 + values.max() / 2)


def _quantile(values: Array, weight: Array | None, rows: Mask | None, level: float) -> float:
    """The middle of the constants that minimise the pinball loss: the averaged inverse of the distribution function."""
    if weight is not None and weight.min() < weight.max():
        return quantile(values, weight, level)
    size = values.size if rows is None else int(np.count_nonzero(rows))
    place = level * size
    between = abs(place - round(place)) <= 1e-12 * size  # two rows, and all that is between them
    first = round(place) - 1 if between else math.ceil(place) - 1
    ends = sorted({max(first, 0), min(first + between, size - 1)})
    found = order_statistics(values, ends, rows)
    return found[0] / 2 + found[-1] / 2


FUNCTIONALS: dict[str, Callable[[Array, Array | None, Mask | None, float], float]] = {
    "mean": _mean, "quantile": _quantile, "midrange": _midrange,
}  # fmt: skip


class Sample(NamedTuple):
    """Some rows by their places, and how many each stands for (None: itself)."""

    rows: NDArray[np.intp]
    stands_for: Array | None

    def of(self, batch: Batch) -> Batch:
        """The rows of a batch, weighted by what they stand for."""
        mask = np.zeros(len(batch), dtype=bool)
        mask[self.rows] = True
        part = batch.take(mask) if len(self.rows) < len(batch) else batch
        if self.stands_for is None:
            return part
        return replace(part, weight=self.stands_for if part.weight is None else part.weight * self.stands_for)


def stratified_sample(values: Array, rows: Mask | None = None, store: Array | None = None) -> Sample:
    """Some of the rows that a mask has; of more than a sample takes, every k-th in the order of their values.

    `store` is memory for as many numbers, which is written over.
    """
    count = len(values) if rows is None else int(np.count_nonzero(rows))
    step = max(1, -(-count // SAMPLE))
    if step == 1:
        return Sample(np.arange(count) if rows is None else np.flatnonzero(rows), None)
    if rows is not None and 2 * count < len(values):
        few = np.flatnonzero(rows)
        sample = stratified_sample(values[few])
        return sample._replace(rows=few[sample.rows])
    # sorting numbers whose last bits are replaced by where they stand is several times faster than sorting places
    low, kept = (1 << len(values).bit_length()) - 1, 0
    keys = np.empty(count, dtype=np.int64) if store is None else store.view(np.int64)[:count]
    for part in blocks(len(values)):
        block = ordered(values[part])
        block &= ~low
        block |= np.arange(part.start, part.start + len(block))
        block = block if rows is None else block[rows[part]]
        keys[kept : kept + len(block)] = block
        kept += len(block)
    keys.sort()
    chosen = np.sort(keys[step // 2 :: step] & low)
    return Sample(chosen, np.full(len(chosen), float(step)))


def merge_samples(a: Sample, b: Sample) -> Sample:
    """Two samples of different rows as one."""
    rows = np.concatenate([a.rows, b.rows])
    order = np.argsort(rows)
    if a.stands_for is None and b.stands_for is None:
        return Sample(rows[order], None)
    weights = [np.ones(len(s.rows)) if s.stands_for is None else s.stands_for for s in (a, b)]
    return Sample(rows[order], np.concatenate(weights)[order])


LOGITS = 40.0
"""Scores beyond which a probability is 0 or 1 to all digits."""


def search_bounds(evaluator: Evaluator, own: Array, base: Array) -> tuple[float, float]:
    """Between which constants to look, `own` being what would make each row perfect."""
    if not own.size:
        return math.nan, math.nan
    domain = evaluator.domain("y_pred")
    interval = getattr(domain, "interval", Interval())
    if evaluator.bound.loss.of_residual:
        low = max(float(own.min()), interval.low - float(base.min()))
        return low, max(low, float(own.max()))
    return max(-LOGITS, interval.low), min(LOGITS, interval.high)


def class_shares(evaluator: Evaluator, batch: Batch, counted: Mask | None) -> Array | None:
    """The same prediction for all rows that is best by a loss whose best answer are the shares of the classes."""
    loss, params = evaluator.bound.loss, evaluator.bound.params
    if not loss.elicits.startswith(PROPER) or params.get("class_weight") is not None:
        return None
    truth = batch.arrays["y_true"]
    classes = batch.arrays["y_pred"].shape[-1]
    if truth.ndim == 1:
        kept = np.ones(len(truth), dtype=bool) if counted is None else counted
        weight = np.ones(len(truth)) if batch.weight is None else batch.weight
        totals = np.bincount(truth[kept].astype(np.int64), weights=weight[kept], minlength=classes)
    else:
        totals = truth.sum(axis=0) if batch.weight is None else batch.weight @ truth
    shares = totals / totals.sum()
    smoothing = params.get("label_smoothing", 0.0)
    shares = shares * (1 - smoothing) + smoothing / classes
    with np.errstate(divide="ignore"):
        takes_logs = params.get("from_logits") or loss.elicits.startswith("log")
        return np.asarray(np.log(shares) if takes_logs else shares)


PROPER = ("mean (the", "log", "the distribution", "the most likely value")
"""What losses elicit whose best constant are the shares of the classes, or their logarithms."""


# ------------------------------------------------------------------------------------------ looking for minima


def _root(problem: ShiftProblem) -> float:
    """Where the slope changes its sign; the middle of where it is 0."""
    low, high = problem.low, problem.high
    ends = [problem.slope(low), problem.slope(high)]
    for step in range(STEPS):
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        middle = _between(low, high, ends, step)
        slope = problem.slope(middle)
        if slope == 0:
            return (_edge(problem, low, middle, -1) + _edge(problem, high, middle, 1)) / 2
        if slope > 0:
            high, ends[1] = middle, slope
        else:
            low, ends[0] = middle, slope
    # both are a rounding away from where the slope is 0, if it is: the better one
    return low if problem.value(low) <= problem.value(high) else high


def _between(low: float, high: float, slopes: Sequence[float], step: int) -> float:
    """Where to look next: where a straight line between the slopes is 0, a little off towards the middle.

    Every third step is the middle, so that nothing takes much longer than bisection does; the little is so that both
    ends come near (the idea of Oliveira & Takahashi 2021, doi:10.1145/3423597).
    """
    middle, width, rise = low + (high - low) / 2, high - low, slopes[1] - slopes[0]
    if step % 3 == 2 or not (slopes[0] < 0 < slopes[1] and math.isfinite(rise)):
        return middle
    straight = low - slopes[0] / rise * width
    off = max(0.1 * width * (width / (abs(low) + abs(high) + width)), 2 * math.ulp(max(abs(low), abs(high))))
    found = min(straight + off, middle) if straight < middle else max(straight - off, middle)
    return found if low < found < high else middle


def _edge(problem: ShiftProblem, outside: float, inside: float, sign: int) -> float:
    """Where a slope of that sign, outside, turns 0."""
    for _ in range(STEPS):
        middle = outside + (inside - outside) / 2
        if middle in (outside, inside):
            break
        outside, inside = (middle, inside) if problem.slope(middle) * sign > 0 else (outside, middle)
    return inside


def _search(problem: ShiftProblem) -> float | None:
    """The best of a grid over the quantiles of the rows' own minima, then golden section around it."""
    few = problem
    if len(problem.base) > COARSE and not problem.evaluator.form.coupled:
        step = len(problem.base) // COARSE
        few = problem._replace(batch=_every(problem.batch, step), base=problem.base[::step])
    grid = _grid(problem)
    values = [few.value(c) for c in grid]
    if not np.isfinite(values).any():
        return None
    best = min(local_minima(values), key=lambda i: problem.value(grid[i]))
    return _refined(problem, _golden(problem, grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], grid[best]))


def _refined(problem: ShiftProblem, found: float) -> float:
    """A minimum by the values is right to half of their digits; where slopes change their sign around it, by those."""
    form = problem.evaluator.form
    if "gradient" not in form.hooks or form.coupled:
        return found
    width = 1e-9 * (problem.high - problem.low)
    for _ in range(10):
        low, high = max(found - width, problem.low), min(found + width, problem.high)
        if problem.slope(low) < 0 < problem.slope(high):
            return _root(problem._replace(low=low, high=high))
        width *= 4
    return found


def _every(batch: Batch, step: int) -> Batch:
    mask = np.zeros(len(batch), dtype=bool)
    mask[::step] = True
    return batch.take(mask)


def _grid(problem: ShiftProblem) -> list[float]:
    own = np.clip(problem.batch.arrays["y_true"].reshape(-1) - problem.base, problem.low, problem.high)
    levels = tuple(np.linspace(0, 1, GRID))
    return sorted({*np.linspace(problem.low, problem.high, GRID // 4).tolist(), *quantiles(own, None, levels)})


def local_minima(values: list[float]) -> list[int]:
    """Places of the three least values that no neighbour is below."""
    padded = [math.inf, *values, math.inf]
    dips = [i for i, v in enumerate(values) if v <= padded[i] and v <= padded[i + 2] and v < math.inf]
    return sorted(dips, key=lambda i: values[i])[:3]


def _golden(problem: ShiftProblem, low: float, high: float, start: float) -> float:
    """Golden-section search; never worse than where it started (Kiefer 1953)."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    fa, fb = problem.value(a), problem.value(b)
    best = min(((problem.value(start), start), (fa, a), (fb, b)))
    while high - low > 1e-9 * (abs(low) + abs(high)) + 1e-300:
        if fa <= fb:
            high, b, fb = b, a, fa
            a = high - GOLDEN * (high - low)
            fa = problem.value(a)
            best = min(best, (fa, a))
        else:
            low, a, fa = a, b, fb
            b = low + GOLDEN * (high - low)
            fb = problem.value(b)
            best = min(best, (fb, b))
        if not low < a < b < high:
            break
    return best[1]
