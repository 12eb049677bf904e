"""Facts about the data: a sentence for people and a number for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from losscli.recommend.profile import Profile, Task
from losscli.recommend.residuals import FEW
from losscli.recommend.summary import short

LABELS = (Task.BINARY, Task.BINARY_SCORES)
LABEL_SETS = (Task.MULTILABEL, Task.MULTILABEL_SCORES)
CLASSES = (Task.CLASSES, Task.CLASS_SCORES, Task.CLASS_LOGS)
NUMBERS = (Task.REGRESSION, Task.UNCLEAR)
DISTRIBUTIONS = (Task.DISTRIBUTIONS, Task.DISTRIBUTION_SCORES, Task.ONE_DISTRIBUTION)

TASK_REASON: dict[Task, str] = {
    Task.REGRESSION: "y_true and y_pred are numbers",
    Task.BINARY: "y_true has two labels, y_pred lies in [0, 1]",
    Task.BINARY_SCORES: "y_true has two labels, y_pred are not probabilities",
    Task.MULTILABEL: "y_true has labels that are each on or off, y_pred lies in [0, 1]",
    Task.MULTILABEL_SCORES: "y_true has labels that are each on or off, y_pred are not probabilities",
    Task.CLASSES: "each row of y_pred is >= 0 and sums to 1",
    Task.CLASS_SCORES: "the rows of y_pred are not probabilities",
    Task.CLASS_LOGS: "each row of exp(y_pred) sums to 1",
    Task.DISTRIBUTIONS: "the rows of y_true and y_pred are >= 0 and sum to 1",
    Task.DISTRIBUTION_SCORES: "the rows of y_true are >= 0 and sum to 1, those of y_pred are not probabilities",
    Task.ONE_DISTRIBUTION: "y_true and y_pred are >= 0 and each sums to 1",
    Task.UNCLEAR: "y_true is the same in every row: a label or a number, that cannot be told",
}


class Fact(NamedTuple):
    """A fact about the data: a key, a value for programs, a text for people."""

    key: str
    value: Any
    text: str


def facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of the data."""
    yield Fact("rows", d.n, f"{d.n}{', weighted' if d.weighted else ''}")
    yield Fact("task", str(d.task), f"{d.task}: {TASK_REASON[d.task]}")
    if d.task in NUMBERS and d.width > 1:
        yield Fact("columns", d.width, f"{d.width} numbers a row")
    if d.task in NUMBERS:
        yield Fact("targets", [d.true.low, d.true.high], describe_targets(d))
    if d.task in NUMBERS + LABELS + LABEL_SETS:
        yield Fact("predictions", [d.pred.low, d.pred.high], d.pred.range)
    if d.task is Task.REGRESSION:
        yield from residual_facts(d)
    if d.task in LABELS:
        yield Fact("labels", d.base_rate, f"1 in {percent(d.base_rate)} of the rows")
    if d.task in LABEL_SETS:
        rates = f"{percent(min(d.class_shares))} to {percent(max(d.class_shares))}"
        yield Fact("labels", d.class_shares, f"{d.width} a row, on in {rates} of the rows")
    if d.task in CLASSES:
        yield Fact("classes", d.class_shares, describe_classes(d))
    if d.task in DISTRIBUTIONS:
        count = d.n if d.width == 1 else d.width
        yield Fact("classes", count, f"{count} a distribution")
    if d.task in (Task.CLASS_SCORES, Task.DISTRIBUTION_SCORES):
        yield Fact("scores", [d.pred.low, d.pred.high], d.pred.range)


def residual_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of residuals."""
    r = d.residuals
    yield Fact("residuals", {"median": r.median, "mean": r.mean}, describe_residuals(d))
    if not r.known:
        return
    yield Fact("scale", r.scale, f"residuals are of the order of 10^{math.floor(math.log10(r.scale))}")
    if d.width > 1:
        scales = f"of the columns {short(min(r.scales))} to {short(max(r.scales))}"
        yield Fact("scales", r.scales, scales)
    share = f"with {percent(r.squares_share)} of the sum of squares"
    yield Fact("outliers", r.outlier_share, f"{outliers(d)} by mad:3.5, {share}")
    if math.isfinite(r.tails):
        yield Fact(
            "tails",
            r.tails,
            f"the middle 98 % of the residuals is {short(r.tails, 2)} times as wide, against the middle half, as a "
            "normal distribution's",
        )
    yield Fact("skew", r.skew, describe_skew(r.skew))
    yield Fact("covered", r.coverage, f"{percent(r.coverage)} of the targets lie below their prediction")
    if r.variance_power is not None:
        yield Fact("growth", r.variance_power.power, f"squared residuals grow as y_pred^{variance_power(d)}")


def percent(share: float) -> str:
    """Return a share in percent: 100 only for all, 0 only for nothing."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"


def outliers(d: Profile) -> str:
    """Say how many rows are outliers."""
    r = d.residuals
    if d.sampled or d.weighted:
        return f"{percent(r.outlier_share)} of the rows{' by weight' if d.weighted else ''}"
    return f"{int(r.outliers.sum())} of {d.n} rows ({percent(r.outlier_share)})"


def magnitudes(d: Profile) -> float:
    """Return the orders of magnitude between the smallest and the largest target, all above 0."""
    return math.log10(d.true.high / d.true.low)


def sign(d: Profile) -> str:
    """Say which sign the targets have."""
    v = d.true
    if v.low > 0:
        return "all above 0"
    if v.low == 0:
        return "none below 0"
    return "none above 0" if v.high <= 0 else "of both signs"


def describe_targets(d: Profile) -> str:
    """Describe the range and the zeros of the targets."""
    v = d.true
    if v.constant:
        return f"{short(v.low)} in every row"
    whole = "whole numbers, " if v.whole else ""
    zeros = f", {percent(v.zero_weight / d.weight)} of them 0" if v.zeros else ""
    span = f", over {magnitudes(d):.1f} orders of magnitude" if v.low > 0 else ""
    return f"{whole}{v.range}, {sign(d)}{zeros}{span}"


def describe_residuals(d: Profile) -> str:
    """Describe centre and scale of the residuals."""
    r = d.residuals
    if r.zero:
        return "0 in every row"
    if r.n < FEW:
        return f"mean {short(r.mean)}; too few to tell a scale by"
    if r.scale == 0:
        return f"median {short(r.median)}, mean {short(r.mean)}; more than half are the same, so the robust scale is 0"
    return (
        f"median {short(r.median)}, mean {short(r.mean)}; robust scale (1.4826 MAD) {short(r.scale)}, "
        f"standard deviation {short(r.std)}"
    )


def describe_skew(skew: float) -> str:
    """Describe the skew of the residuals."""
    if abs(skew) < 0.1:
        return "hardly any"
    return f"{short(skew)}: residuals reach further {'up than down' if skew > 0 else 'down than up'} from their median"


def describe_classes(d: Profile) -> str:
    """Describe the shares of the classes."""
    shares = d.class_shares
    if len(shares) > 6:
        return f"{len(shares)}, from {percent(min(shares))} to {percent(max(shares))} of the rows"
    return f"{len(shares)}, with {', '.join(map(percent, shares))} of the rows"


def variance_power(d: Profile) -> str:
    """Return the power by which squared residuals grow, with twice its standard error."""
    grown = d.residuals.variance_power
    assert grown is not None
    return f"{grown.power:.1f} (± {2 * grown.error:.1f})"
