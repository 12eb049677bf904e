"""Facts about the data: a sentence for people and a number for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.recommend.forecasts import crossing_share
from losscli.recommend.label_facts import Fact, calibration_fact, list_box_facts, list_rating_facts
from losscli.recommend.profile import Profile
from losscli.recommend.residuals import Residuals
from losscli.recommend.summary import ColumnSummary, percent, short
from losscli.recommend.tasks import Task

MAX_BIASED_SHOWN = 3
"""Classes shown whose probabilities are off on average."""

LABELS = (Task.BINARY, Task.BINARY_SCORES)
LABEL_SETS = (Task.MULTILABEL, Task.MULTILABEL_SCORES)
CLASSES = (Task.CLASSES, Task.CLASS_SCORES, Task.CLASS_LOGS)
NUMBERS = (Task.REGRESSION, Task.UNCLEAR, Task.RATINGS, Task.RANKING)
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
    Task.DISTRIBUTION_SCORES: "the rows of y_true are >= 0 and sum to 1; the rows of y_pred are not probabilities",
    Task.ONE_DISTRIBUTION: "y_true and y_pred are >= 0 and each sums to 1",
    Task.RATINGS: "y_true are a few levels of a scale, and y_pred is on it",
    Task.RANKING: "y_true are relevances, y_pred are scores on another scale",
    Task.ENSEMBLES: "y_true is a number, y_pred has the members of an ensemble",
    Task.BINARY_MASKS: "each row of y_true is a mask of several axes, 0 or 1 in each pixel",
    Task.BOXES: "y_true and y_pred are boxes of four numbers",
    Task.UNCLEAR: "y_true is the same in every row: the data does not tell whether it is a label or a number",
}


def list_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of the data."""
    yield Fact("rows", d.n, f"{d.n}{', weighted' if d.is_weighted else ''}")
    yield Fact("task", str(d.task), f"{d.task}: {TASK_REASON[d.task]}")
    if d.task in NUMBERS and d.width > 1:
        yield Fact("columns", d.width, f"{d.width} numbers per row")
    if d.task in NUMBERS:
        yield Fact("targets", [d.true.low, d.true.high], describe_targets(d))
    if d.task is Task.ENSEMBLES:
        yield Fact("members", d.width, f"{d.width} a row")
        yield Fact("targets", [d.true.low, d.true.high], d.true.range)
    if d.task is Task.BINARY_MASKS:
        yield Fact("pixels", d.width, f"{d.width} a row")
    if d.task in (*NUMBERS, *LABELS, *LABEL_SETS, Task.ENSEMBLES, Task.BINARY_MASKS):
        yield Fact("predictions", [d.pred.low, d.pred.high], d.pred.range)
    if d.task is Task.REGRESSION and not d.has_quantiles_only:
        aim = d.aim
        known = f"{aim.label}, as requested" if aim.is_requested else f"assumes {aim.label}"
        yield Fact("target", aim.label, f"{known}: {aim.reason}")
        yield from list_residual_facts(d)
    if d.task is Task.REGRESSION:
        yield from list_column_facts(d)
    if d.task is Task.RATINGS:
        yield from list_rating_facts(d)
    if d.task is Task.BOXES:
        yield from list_box_facts(d)
    yield from list_label_facts(d)
    if d.recalibration is not None:
        yield calibration_fact(d.recalibration)
    if d.biased_classes:
        gaps = {name: gap.value for name, gap in d.biased_classes.items()}
        worst = sorted(gaps, key=lambda name: -abs(gaps[name]))[:MAX_BIASED_SHOWN]
        named = ", ".join(
            f"{name} too {'high' if gaps[name] > 0 else 'low'} by {percent(abs(gaps[name]))}" for name in worst
        )
        more = f" and {len(gaps) - len(worst)} more" if len(gaps) > len(worst) else ""
        yield Fact("biased", gaps, f"on average {named}{more}")


def list_label_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of labels, classes and distributions."""
    if d.task in LABELS:
        yield Fact("labels", d.base_rate, f"1 in {percent(d.base_rate)} of the rows")
    if d.task in LABEL_SETS:
        yield Fact("labels", d.class_shares, f"{d.width} per row, on in {rates_text(d)} of the rows")
    if d.task in CLASSES:
        shares = d.class_shares
        several = f"from {rates_text(d)}" if len(shares) > 6 else f"with {', '.join(map(percent, shares))}"
        yield Fact("classes", shares, f"{len(shares)}, {several} of the rows")
    if d.task in DISTRIBUTIONS:
        count = d.n if d.width == 1 else d.width
        yield Fact("classes", count, f"{count} per distribution")
    if d.task in (Task.CLASS_SCORES, Task.DISTRIBUTION_SCORES):
        yield Fact("scores", [d.pred.low, d.pred.high], d.pred.range)
    if d.task is Task.CLASSES and d.width > 2 and d.has_ordered_classes:
        text = f"{percent(d.one_peak_share)} of the rows rise to one peak and fall from there, as for ordered classes"
        yield Fact("order", d.one_peak_share, text)


def list_residual_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of residuals."""
    r = d.residuals
    yield Fact("residuals", {"median": r.median, "mean": r.mean}, describe_residuals(r))
    if not r.has_scale:
        return
    yield Fact("scale", r.scale, f"residuals are of the order of 10^{math.floor(math.log10(r.scale))}")
    if d.width > 1:
        yield Fact("scales", r.scales, f"of the columns {short(min(r.scales))} to {short(max(r.scales))}")
    share = f"with {percent(r.squares_share)} of the sum of squares"
    yield Fact("outliers", r.outlier_share, f"{outliers_text(d)} by mad:3.5, {share}")
    if math.isfinite(r.tail_ratio):
        wide = f"{short(r.tail_ratio, 2)} times as wide, against the middle half, as a normal distribution's"
        yield Fact("tails", r.tail_ratio, f"the middle 98 % of the residuals is {wide}")
    farther = "up than down" if r.skew > 0 else "down than up"
    skew = f"{short(r.skew)}: residuals reach farther {farther} from their median"
    yield Fact("skew", r.skew, "hardly any" if abs(r.skew) < 0.1 else skew)
    yield Fact("covered", r.coverage, f"{percent(r.coverage)} of the targets lie below their prediction")
    if r.variance_power is not None:
        yield Fact("growth", r.variance_power.power, f"squared residuals grow as y_pred^{variance_power_text(r)}")


def list_column_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of columns beside y_pred, and of rows that depend on each other."""
    if d.forecasts:
        covered = [f"{percent(f.below)} below {f.column!r} ({percent(f.level)})" for f in d.forecasts]
        several = covered if len(covered) <= 5 else [*covered[:2], "...", *covered[-2:]]
        values = {f.column: {"level": f.level, "below": f.below, "error": f.error} for f in d.forecasts}
        yield Fact("quantiles", values, f"of the targets (expected), {', '.join(several)}")
    if len(d.forecasts) > 1:
        crossing = crossing_share(d.forecasts)
        text = f"in {percent(crossing)} of the rows a quantile is above one of a higher level"
        yield Fact("crossing", crossing, text)
    for spread in d.spreads:
        kind = "standard deviations" if spread.is_deviation else "variances"
        fit = f"the mean of e²/variance is {short(spread.ratio, 3)}, 1 if they fit"
        yield Fact("spread", spread.ratio, f"column {spread.column!r} holds predicted {kind}: {fit}")
    if d.clusters is not None:
        c = d.clusters
        alike = f"errors have a correlation of {short(c.correlation, 2)} within the {c.clusters} values of {c.column!r}"
        yield Fact("clusters", {"column": c.column, "correlation": c.correlation, "count": c.clusters}, alike)
    if d.serial is not None and d.serial.is_sure:
        s = d.serial
        p = f"p = {short(s.p, 1)}" if s.p >= 0.001 else "p < 0.001"
        value = {"by_lag": list(s.by_lag), "errors": list(s.errors), "statistic": s.statistic, "p": s.p}
        largest = f"{short(s.largest, 2)} (± {short(2 * s.errors[s.lag - 1], 1)}) at lag {s.lag}"
        text = f"errors of neighbouring rows are correlated, {largest}; {p} over {len(s.by_lag)} lags (Ljung-Box)"
        yield Fact("autocorrelation", value, text)


def rates_text(d: Profile) -> str:
    """Return the range of the shares of labels or classes."""
    return f"{percent(min(d.class_shares))} to {percent(max(d.class_shares))}"


def outliers_text(d: Profile) -> str:
    """Return the number or share of outlier rows."""
    r = d.residuals
    if d.is_subsampled or d.is_weighted:
        return f"{percent(r.outlier_share)} of the rows{' by weight' if d.is_weighted else ''}"
    return f"{int(r.outliers.sum())} of {d.n} rows ({percent(r.outlier_share)})"


def magnitude_span(summary: ColumnSummary) -> float:
    """Return the orders of magnitude between the smallest and the largest value, all above 0."""
    return math.log10(summary.high / summary.low)


def describe_targets(d: Profile) -> str:
    """Describe the range, the sign and the zeros of the targets."""
    v = d.true
    if v.is_constant:
        return f"{short(v.low)} in every row"
    whole = "whole numbers, " if v.is_whole else ""
    below = "none above 0" if v.high <= 0 else "of both signs"
    sign = "all above 0" if v.low > 0 else "none below 0" if v.low == 0 else below
    zeros = f", {percent(d.zero_share)} of them 0" if v.rows_with_0 else ""
    span = f", over {magnitude_span(v):.1f} orders of magnitude" if v.low > 0 else ""
    return f"{whole}{v.range}, {sign}{zeros}{span}"


def describe_residuals(r: Residuals) -> str:
    """Describe centre and scale of the residuals."""
    if r.are_zero:
        return "0 in every row"
    if r.has_few_rows:
        return f"mean {short(r.mean)}; too few rows for a scale"
    centre = f"median {short(r.median)}, mean {short(r.mean)}"
    if r.scale == 0:
        return f"{centre}; more than half are the same, so the robust scale is 0"
    return f"{centre}; robust scale (1.4826 MAD) {short(r.scale)}, standard deviation {short(r.std)}"


def variance_power_text(r: Residuals) -> str:
    """Return the power by which squared residuals grow, with twice its standard error."""
    grown = r.variance_power
    assert grown is not None
    return f"{grown.power:.1f} (± {2 * grown.error:.1f})"
