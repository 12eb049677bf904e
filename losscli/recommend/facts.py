"""What the data is, in sentences: a fact each, with its number for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
    """Something that is true of the data: a key, what programs read, and what people read."""

    key: str
    value: Any
    text: str


class FactRule(NamedTuple):
    """How a fact is told; `when` says whether it means anything here."""

    key: str
    tasks: tuple[Task, ...]
    when: Callable[[Profile], bool]
    value: Callable[[Profile], Any]
    text: Callable[[Profile], str]


def facts(d: Profile) -> Iterator[Fact]:
    """Everything that is known of the data."""
    for kind in KINDS:
        if (not kind.tasks or d.task in kind.tasks) and kind.when(d):
            yield Fact(kind.key, kind.value(d), kind.text(d))


def percent(share: float) -> str:
    """A share in percent; 100 only where it is all, 0 only where it is nothing."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"


def outliers(d: Profile) -> str:
    """How many rows are outliers."""
    r = d.residuals
    if d.sampled or d.weighted:
        return f"{percent(r.outlier_share)} of the rows{' by weight' if d.weighted else ''}"
    return f"{int(r.outliers.sum())} of {d.n} rows ({percent(r.outlier_share)})"


def magnitudes(d: Profile) -> float:
    """The orders of magnitude between the smallest and the largest of targets above 0."""
    return math.log10(d.true.high / d.true.low)


def sign(d: Profile) -> str:
    """What sign the targets have."""
    v = d.true
    if v.low > 0:
        return "all above 0"
    if v.low == 0:
        return "none below 0"
    return "none above 0" if v.high <= 0 else "of both signs"


def _targets(d: Profile) -> str:
    v = d.true
    if v.constant:
        return f"{short(v.low)} in every row"
    whole = "whole numbers, " if v.whole else ""
    zeros = f", {percent(v.zero_weight / d.weight)} of them 0" if v.zeros else ""
    span = f", over {magnitudes(d):.1f} orders of magnitude" if v.low > 0 else ""
    return f"{whole}{v.range}, {sign(d)}{zeros}{span}"


def _residuals(d: Profile) -> str:
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


def _skewed(skew: float) -> str:
    if abs(skew) < 0.1:
        return "hardly any"
    return f"{short(skew)}: residuals reach further {'up than down' if skew > 0 else 'down than up'} from their median"


def _shares(d: Profile) -> str:
    shares = d.class_shares
    if len(shares) > 6:
        return f"{len(shares)}, from {percent(min(shares))} to {percent(max(shares))} of the rows"
    return f"{len(shares)}, with {', '.join(map(percent, shares))} of the rows"


def _known(d: Profile) -> bool:
    return d.residuals.known


def _always(d: Profile) -> bool:
    return True


KINDS: tuple[FactRule, ...] = (
    FactRule("rows", (), _always, lambda d: d.n, lambda d: f"{d.n}{', weighted' if d.weighted else ''}"),
    FactRule("task", (), _always, lambda d: str(d.task), lambda d: f"{d.task}: {TASK_REASON[d.task]}"),
    FactRule("columns", NUMBERS, lambda d: d.width > 1, lambda d: d.width, lambda d: f"{d.width} numbers a row"),
    FactRule("targets", NUMBERS, _always, lambda d: [d.true.low, d.true.high], _targets),
    FactRule("predictions", NUMBERS + LABELS + LABEL_SETS, _always, lambda d: [d.pred.low, d.pred.high],
          lambda d: d.pred.range),
    FactRule("residuals", (Task.REGRESSION,), _always, lambda d: {"median": d.residuals.median, "mean": d.residuals.mean},
          _residuals),
    FactRule("scale", (Task.REGRESSION,), _known, lambda d: d.residuals.scale,
          lambda d: f"residuals are of the order of 10^{math.floor(math.log10(d.residuals.scale))}"),
    FactRule("scales", (Task.REGRESSION,), lambda d: d.width > 1 and _known(d), lambda d: d.residuals.scales,
          lambda d: f"of the columns {short(min(d.residuals.scales))} to {short(max(d.residuals.scales))}"),
    FactRule("outliers", (Task.REGRESSION,), _known, lambda d: d.residuals.outlier_share,
          lambda d: f"{outliers(d)} by mad:3.5, with {percent(d.residuals.squares_share)} of the sum of squares"),
    FactRule("tails", (Task.REGRESSION,), lambda d: _known(d) and math.isfinite(d.residuals.tails),
          lambda d: d.residuals.tails,
          lambda d: f"the middle 98 % of the residuals is {short(d.residuals.tails, 2)} times as wide, against the "
                    "middle half, as a normal distribution's"),
    FactRule("skew", (Task.REGRESSION,), _known, lambda d: d.residuals.skew, lambda d: _skewed(d.residuals.skew)),
    FactRule("covered", (Task.REGRESSION,), _known, lambda d: d.residuals.coverage,
          lambda d: f"{percent(d.residuals.coverage)} of the targets lie below their prediction"),
    FactRule("growth", (Task.REGRESSION,), lambda d: _known(d) and d.residuals.variance_power is not None,
          lambda d: d.residuals.variance_power and d.residuals.variance_power.power,
          lambda d: f"squared residuals grow as y_pred^{variance_power(d)}"),
    FactRule("labels", LABELS, _always, lambda d: d.base_rate, lambda d: f"1 in {percent(d.base_rate)} of the rows"),
    FactRule("labels", LABEL_SETS, _always, lambda d: d.class_shares,
          lambda d: f"{d.width} a row, on in {percent(min(d.class_shares))} to {percent(max(d.class_shares))} of the "
                    "rows"),
    FactRule("classes", CLASSES, _always, lambda d: d.class_shares, _shares),
    FactRule("classes", DISTRIBUTIONS, _always, lambda d: d.n if d.width == 1 else d.width,
          lambda d: f"{d.n if d.width == 1 else d.width} a distribution"),
    FactRule("scores", (Task.CLASS_SCORES, Task.DISTRIBUTION_SCORES), _always, lambda d: [d.pred.low, d.pred.high],
          lambda d: d.pred.range),
)  # fmt: skip


def variance_power(d: Profile) -> str:
    """The power by which squared residuals grow, with its error."""
    grown = d.residuals.variance_power
    assert grown is not None
    return f"{grown.power:.1f} (± {2 * grown.error:.1f})"
