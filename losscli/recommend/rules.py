"""Which losses suit which data, and why: a rule is a row of a table."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import NamedTuple

from losscli.declaration.domains import EPS, number_text
from losscli.recommend.facts import magnitudes, outliers, percent, variance_power
from losscli.recommend.profile import Profile, Task
from losscli.recommend.residuals import EFFICIENT, FEW, GRID, Residuals
from losscli.recommend.summary import short

TUKEY, CAUCHY = 4.685, 2.3849
"""Tuning constants in standard deviations, for 95 % efficiency on normal residuals (Beaton & Tukey 1974; Holland &
Welsch 1977, doi:10.1080/03610927708827533)."""

RARE = 0.1
"""A class or label is rare below this share."""

UNEVEN = 5.0
"""Classes are uneven where the largest is so many times the smallest."""


class Verdict(enum.StrEnum):
    """What is said of a loss, the best first."""

    USE = "use"
    CONSIDER = "consider"
    AVOID = "avoid"
    REFUSED = "refused"


class Rule(NamedTuple):
    """On data of one of the tasks and `when` that holds, `loss` has this verdict because of `reason`."""

    tasks: tuple[Task, ...]
    when: Callable[[Profile], bool]
    verdict: Verdict
    loss: Callable[[Profile], str]
    reason: Callable[[Profile], str]


def named(loss: str) -> Callable[[Profile], str]:
    """A loss whose parameters do not depend on the data."""
    return lambda d: loss


def always(d: Profile) -> bool:
    """On all data of the task."""
    return True


# ------------------------------------------------------------------------------------------------ of residuals


def few(d: Profile) -> bool:
    """Whether there are too few rows to tell tails and outliers by."""
    return not d.residuals.zero and d.residuals.n < FEW


def stuck(d: Profile) -> bool:
    """Whether more than half of the residuals are the same."""
    return not d.residuals.zero and not few(d) and d.residuals.scale == 0


def known(d: Profile) -> bool:
    """Whether scale, tails and outliers can be told."""
    return d.residuals.known


def heavy(r: Residuals) -> bool:
    """Whether a few rows make the sum of squares, or the mean is far less steady than Huber's centre."""
    return r.squares_share >= 0.5 or r.variance_ratio(math.inf) > 2


def light(r: Residuals) -> bool:
    """Whether outliers carry little of the sum of squares, and the mean is about as steady as Huber's centre."""
    return r.squares_share < 0.2 and not r.variance_ratio(math.inf) > 1.25


def scaled(loss: str, parameter: str, constant: float) -> Callable[[Profile], str]:
    """A loss whose parameter is so many robust scales."""
    return lambda d: f"{loss}:{parameter}={short(constant * d.residuals.scale)}"


def _variance(constant: str, ratio: float, other: str) -> str:
    """How steady one best constant is against another, where that can be told."""
    if not math.isfinite(ratio):
        return ""
    return f"; its best constant, the {constant}, has {short(ratio, 2)} times the variance of {other}"


def _mean_against_huber(d: Profile) -> str:
    r = d.residuals
    return f"{outliers(d)} are outliers, with {percent(r.squares_share)} of the sum of squares" + _variance(
        "mean", r.variance_ratio(math.inf), "huber's"
    )


def zeros(d: Profile) -> float:
    """The share of the targets that is 0."""
    return d.true.zero_weight / d.weight


def mostly_zero(d: Profile) -> bool:
    """Whether the median of the targets is 0 though they are amounts."""
    return d.true.low >= 0 and d.true.high > 0 and zeros(d) >= 0.5


def _median(d: Profile) -> str:
    r = d.residuals
    steady = _variance("median", r.median_against_mean, "mse's")
    return f"needs no scale, and no row pulls more than another{steady}"


def _huber(d: Profile) -> str:
    r = d.residuals
    text = (
        f"delta is 1.345 robust scales of {short(r.scale)}: 95 % of mse's efficiency where the good residuals are "
        f"normal; {percent(r.beyond(EFFICIENT * r.scale))} of the residuals are beyond it"
    )
    if r.steadiest == EFFICIENT:
        text += f"; no delta from {GRID[0]} to {GRID[-1]:g} scales makes its best constant steadier by over 10 %"
    return text


def _steadiest(d: Profile) -> str:
    r = d.residuals
    return (
        f"delta is {r.steadiest:g} robust scales: of {len(GRID)} deltas from {GRID[0]} to {GRID[-1]:g} its best "
        f"constant moves least when folds of the rows are left out, with {percent(1 - r.variance_ratio(r.steadiest))} less "
        "variance than at 1.345"
    )


def _off_centre(d: Profile) -> bool:
    """Whether surely not half of the targets lie below the prediction, and by far."""
    off = abs(d.residuals.coverage - 0.5)
    return known(d) and off > 0.05 and off > 1.5 / math.sqrt(d.residuals.rows) and 0 < d.residuals.coverage < 1


def tau(d: Profile) -> float:
    """The share of the targets below their prediction, as a tau between 0 and 1."""
    return min(max(round(d.residuals.coverage, 3), 0.001), 0.999)


def _tau(d: Profile) -> str:
    r = d.residuals
    return (
        f"{percent(r.coverage)} of the targets lie below their prediction: as a forecast of a quantile it is that of "
        f"tau={number_text(tau(d))}; as one of the median it is off by {short(r.median)}"
    )


def _of_unit_scale(small: str, large: str) -> Callable[[Profile], str]:
    """Why a loss whose scale is 1 does not suit."""

    def reason(d: Profile) -> str:
        r = d.residuals
        scale = f"its scale is 1, but the residuals' is {short(r.scale)}"
        if r.scale > 1:
            return f"{scale}: {percent(r.beyond(1))} of them are beyond 1, where it is {large}"
        return f"{scale}: {percent(1 - r.beyond(1))} of them are within 1, where it is {small}"

    return reason


def _other_scale(d: Profile) -> bool:
    r = d.residuals
    return r.known and ((r.scale >= 10 and r.beyond(1) > 0.5) or (r.scale <= 0.1 and r.beyond(1) < 0.5))


# ----------------------------------------------------------------------------------- of targets that are amounts


def counts(d: Profile) -> bool:
    """Whether the targets could be counts."""
    return d.true.whole and d.true.low >= 0 and d.true.high > 1


def _counted(d: Profile) -> bool:
    return known(d) and counts(d) and d.pred.low > 0


def spread_like_counts(d: Profile) -> bool:
    """Whether squared residuals are about as large as the predictions and grow with them, as those of counts do."""
    return power_near(d, 1) is True and rises(d) and 2 / 3 <= d.residuals.dispersion <= 1.5


def _growth_of_counts(d: Profile) -> str:
    return (
        f"targets are whole numbers >= 0, and squared residuals grow as y_pred^{variance_power(d)}, with a mean of e²/y_pred "
        f"of {short(d.residuals.dispersion)}; those of counts grow as y_pred^1, with a mean of 1"
    )


def power_near(d: Profile, power: float) -> bool | None:
    """Whether squared residuals may grow as this power of the prediction; None where that cannot be told."""
    grown = d.residuals.variance_power
    return None if grown is None or grown.error > 0.5 else grown.near(power)


def rises(d: Profile) -> bool:
    """Whether residuals surely spread more where the prediction is large."""
    return known(d) and d.residuals.variance_power is not None and d.residuals.variance_power.rises


def amounts(d: Profile) -> bool:
    """Whether targets are >= 0 and predictions above 0."""
    return d.true.low >= 0 and d.pred.low > 0 and d.true.high > 0


def tweedie_power(d: Profile) -> float:
    """The power by which squared residuals grow, to one digit after the point."""
    return round(d.residuals.variance_power.power, 1) if d.residuals.variance_power else math.nan


def _tweedie(d: Profile) -> bool:
    """Whether the spread grows by a power that is surely neither that of counts nor that of gamma."""
    most = 2 if d.true.zeros else 3.1
    neither = power_near(d, 1) is False and power_near(d, 2) is False
    return rises(d) and amounts(d) and neither and 1 < tweedie_power(d) < most


def _how_low(d: Profile) -> str:
    return f">= 0, {percent(d.true.zero_weight / d.weight)} of them 0" if d.true.zeros else "above 0"


def _wide(d: Profile) -> bool:
    """Whether targets span orders of magnitude, mostly above 1, where log(1 + y) bends."""
    return d.true.low >= 0 and d.true.high >= 100 * max(d.true.low, 1.0)


def _near_zero(d: Profile) -> bool:
    return known(d) and not d.true.zeros and d.true.smallest < d.residuals.typical / 10


def _boxes(d: Profile) -> bool:
    """Whether the four columns could be corners, of y_true and of y_pred."""
    from losscli.recommend.sample import columns

    pairs = [columns(d.sample.arrays[role]) for role in ("y_true", "y_pred")]
    return d.width == 4 and all(bool((a[:, 2:] > a[:, :2]).all()) for a in pairs)


# -------------------------------------------------------------------------------------------- of labels, classes


def rare(d: Profile) -> bool:
    """Whether one of two labels is rare."""
    return min(d.base_rate, 1 - d.base_rate) < RARE


def certain(d: Profile) -> int:
    """Rows whose label was given the probability 0."""
    return d.zero_probability_rows if d.classes or d.one_hot else d.zero_probability_rows + d.one_probability_rows


def hard(d: Profile) -> bool:
    """Whether predictions are labels."""
    return d.pred.only(0, 1)


def uneven(d: Profile) -> bool:
    """Whether classes differ much in size, none is empty, and a list of weights can still be read."""
    return min(d.class_shares) > 0 and max(d.class_shares) >= UNEVEN * min(d.class_shares) and d.width <= 20


def _inverse(shares: list[float], total: float) -> str:
    raw = [1 / share for share in shares]
    return "/".join(short(total * value / sum(raw)) for value in raw)


def class_weighted(loss: str) -> Callable[[Profile], str]:
    """The loss with weights n / (C n_c), so that every class weighs the same."""
    return lambda d: f"{loss}:class_weight={'/'.join(short(1 / (d.width * share)) for share in d.class_shares)}"


def class_focal(logits: str) -> Callable[[Profile], str]:
    """Focal loss with an alpha a class, in proportion to 1/n_c."""
    return lambda d: f"categorical_focal:alpha={_inverse(d.class_shares, 1.0)}{logits}"


def _uneven(d: Profile) -> str:
    shares = d.class_shares
    return f"the largest class has {short(round(max(shares) / min(shares), 1))} times the rows of the smallest"


def binary_focal(logits: str) -> Callable[[Profile], str]:
    """Focal loss with the alpha that gives both labels the same total weight."""
    return lambda d: f"focal:alpha={short(1 - d.base_rate)}{logits}"


def weighted_bce(logits: str) -> Callable[[Profile], str]:
    """Cross-entropy with the weight of label 1 that makes up for its share."""
    return lambda d: f"bce:pos_weight={short((1 - d.base_rate) / d.base_rate)}{logits}"


def _focal(d: Profile) -> str:
    return (
        f"label 1 is in {percent(d.base_rate)} of the rows; alpha = 1 - {short(d.base_rate)} gives both labels the "
        "same total weight before gamma turns easy rows down; not a proper score, so not for probabilities that must "
        "be right"
    )


def _pos_weight(d: Profile) -> str:
    return (
        f"label 1 is in {percent(d.base_rate)} of the rows; pos_weight = {short(1 - d.base_rate)}/{short(d.base_rate)} "
        "makes both labels weigh the same; the odds of a model fitted by it are too high by that factor"
    )


def _not_probabilities(d: Profile) -> bool:
    return not d.pred.within(0, 1)


def _range(d: Profile) -> str:
    return f"y_pred goes from {d.pred.range}; it reads probabilities in [0, 1] unless from_logits=true"


def _clipped(d: Profile) -> str:
    return (
        f"in {certain(d)} of {d.n} rows what happened was given the probability 0: each costs -log(eps) = "
        f"{short(-math.log(EPS))}, so eps sets the number, not the data"
    )


def _softmax_floor(d: Profile) -> str:
    return (
        "it takes the softmax of what are probabilities already: even a row that is certain and right costs "
        f"{short(math.log1p((d.width - 1) / math.e))}"
    )


def _rates(d: Profile) -> str:
    return f"labels are on in {percent(min(d.class_shares))} to {percent(max(d.class_shares))} of the rows"


R, B, BS = (Task.REGRESSION,), (Task.BINARY,), (Task.BINARY_SCORES,)
M, MS = (Task.MULTILABEL,), (Task.MULTILABEL_SCORES,)
C, CS, CL = (Task.CLASSES,), (Task.CLASS_SCORES,), (Task.CLASS_LOGS,)
D, DS, D1 = (Task.DISTRIBUTIONS,), (Task.DISTRIBUTION_SCORES,), (Task.ONE_DISTRIBUTION,)
UNCLEAR = (Task.UNCLEAR,)
USE, CONSIDER, AVOID, REFUSED = Verdict.USE, Verdict.CONSIDER, Verdict.AVOID, Verdict.REFUSED

RULES: tuple[Rule, ...] = (
    # residuals of which little is known
    Rule(R, lambda d: d.residuals.zero, CONSIDER, named("mse"),
         lambda d: "every residual is 0, and so is every loss of them: which suits cannot be told"),
    Rule(R, lambda d: d.residuals.zero, CONSIDER, named("mae"),
         lambda d: "every residual is 0, and so is every loss of them: which suits cannot be told"),
    Rule(R, few, CONSIDER, named("mse"),
         lambda d: f"of {d.n} row{'s' * (d.n > 1)} tails and outliers cannot be told; suits if there are none"),
    Rule(R, few, CONSIDER, named("mae"),
         lambda d: f"of {d.n} row{'s' * (d.n > 1)} tails and outliers cannot be told; suits if there are some"),
    Rule(R, stuck, USE, named("mae"),
         lambda d: "more than half of the residuals are the same: there is no robust scale, and it needs none"),
    Rule(R, stuck, CONSIDER, named("mse"),
         lambda d: f"aims at the mean, which is off by {short(d.residuals.mean)}; outliers cannot be told, the MAD is "
                   "0"),
    Rule(R, stuck, AVOID, named("huber"),
         lambda d: "its delta cannot be worked out: more than half of the residuals are the same, so their MAD is 0"),
    # how heavy the tails are
    Rule(R, lambda d: known(d) and light(d.residuals), USE, named("mse"), _mean_against_huber),
    Rule(R, lambda d: known(d) and not light(d.residuals) and not heavy(d.residuals), CONSIDER, named("mse"),
         _mean_against_huber),
    Rule(R, lambda d: known(d) and heavy(d.residuals) and not mostly_zero(d), AVOID, named("mse"), _mean_against_huber),
    Rule(R, lambda d: known(d) and heavy(d.residuals) and mostly_zero(d), CONSIDER, named("mse"),
         lambda d: f"aims at the mean, to which the targets that are not 0 count too; {_mean_against_huber(d)}"),
    Rule(R, lambda d: known(d) and mostly_zero(d), AVOID, named("mae"),
         lambda d: f"{percent(zeros(d))} of the targets are 0: so is its best constant, whatever the others are"),
    Rule(R, lambda d: known(d) and not light(d.residuals) and not mostly_zero(d), USE, named("mae"), _median),
    Rule(R, lambda d: known(d) and light(d.residuals) and not mostly_zero(d), CONSIDER, named("mae"), _median),
    Rule(R, lambda d: known(d) and not mostly_zero(d), USE, scaled("huber", "delta", EFFICIENT), _huber),
    Rule(R, lambda d: known(d) and mostly_zero(d), AVOID, scaled("huber", "delta", EFFICIENT),
         lambda d: f"{percent(zeros(d))} of the targets are 0: it takes many of the others for outliers, and aims "
                   "below the mean"),
    Rule(R, lambda d: known(d) and d.residuals.steadiest != EFFICIENT and not mostly_zero(d), CONSIDER,
         lambda d: scaled("huber", "delta", d.residuals.steadiest)(d), _steadiest),
    Rule(R, lambda d: known(d) and not mostly_zero(d), CONSIDER, scaled("smooth_l1", "beta", EFFICIENT),
         lambda d: "this huber divided by its delta: the same minimum, in the unit of y"),
    Rule(R, lambda d: known(d) and not light(d.residuals) and not mostly_zero(d)
         and d.residuals.beyond(TUKEY * d.residuals.scale) > 0,
         CONSIDER, scaled("tukey", "c", TUKEY),
         lambda d: f"c is 4.685 robust scales: the {percent(d.residuals.beyond(TUKEY * d.residuals.scale))} of the "
                   "residuals beyond it do not pull at all; not convex, so a fit starts from huber's"),
    Rule(R, lambda d: known(d) and d.residuals.tails > 2 and not mostly_zero(d), CONSIDER,
         scaled("cauchy", "c", CAUCHY),
         lambda d: f"c is 2.385 robust scales; the middle 98 % of the residuals is {short(d.residuals.tails, 2)} times "
                   "as wide as a normal distribution's, and the pull of a row falls as 1/|e|"),
    Rule(R, _off_centre, CONSIDER, lambda d: f"quantile:tau={number_text(tau(d))}", _tau),
    Rule(R, _other_scale, AVOID, named("huber"), _of_unit_scale("half of mse", "mae less a half")),
    Rule(R, _other_scale, AVOID, named("log_cosh"), _of_unit_scale("nearly half of mse", "nearly mae less 0.69")),
    # amounts and counts
    Rule(R, lambda d: _counted(d) and spread_like_counts(d), USE, named("poisson_deviance"), _growth_of_counts),
    Rule(R, lambda d: _counted(d) and power_near(d, 1) is None, CONSIDER, named("poisson_deviance"),
         lambda d: "targets are whole numbers >= 0: suits if they are counts; how their spread grows cannot be told"),
    Rule(R, lambda d: _counted(d) and power_near(d, 1) is True, CONSIDER, named("poisson_deviance"),
         _growth_of_counts),
    Rule(R, lambda d: _counted(d) and power_near(d, 1) is False, AVOID, named("poisson_deviance"), _growth_of_counts),
    Rule(R, lambda d: counts(d) and not d.true.constant and d.pred.low <= 0, REFUSED, named("poisson_deviance"),
         lambda d: f"targets could be counts, but in {d.pred.not_positive} of {d.n} rows the prediction is not above "
                   "0"),
    Rule(R, lambda d: rises(d) and amounts(d) and not d.true.zeros and power_near(d, 2) is True, USE,
         named("gamma_deviance"),
         lambda d: f"targets are above 0, and squared residuals grow as y_pred^{variance_power(d)}: errors are in proportion"),
    Rule(R, _tweedie, USE, lambda d: f"tweedie_deviance:power={number_text(tweedie_power(d))}",
         lambda d: f"targets are {_how_low(d)}, and squared residuals grow "
                   f"as y_pred^{variance_power(d)}, so the errors of large predictions should count for less"),
    Rule(R, lambda d: _wide(d) and d.pred.low > -1, CONSIDER, named("rmsle"),
         lambda d: f"targets go from {d.true.range}: it is of ratios of 1 + y, so small ones count as large ones do"
         if not d.true.low > 0 else f"targets span {magnitudes(d):.1f} orders of magnitude: it is of ratios of 1 + y, "
                                    "so small ones count as large ones do"),
    Rule(R, lambda d: _wide(d) and d.pred.low <= -1, REFUSED, named("rmsle"),
         lambda d: f"targets go from {d.true.range}, but a prediction is {short(d.pred.low)}: log(1 + y) is of y > -1"),
    Rule(R, lambda d: d.true.zeros > 0, REFUSED, named("mape"),
         lambda d: f"in {d.true.zeros} of {d.n} rows the target is 0, which cannot be divided by"),
    Rule(R, _near_zero, AVOID, named("mape"),
         lambda d: f"it divides by targets as small as {short(d.true.smallest)}; half of the residuals are larger than "
                   f"{short(d.residuals.typical)}"),
    Rule(R, lambda d: d.true.within(0, 1) and d.pred.within(0, 1) and not d.true.constant, CONSIDER, named("bce"),
         lambda d: "y_true and y_pred lie in [0, 1]: suits if they are probabilities (soft labels)"),
    Rule(R, _boxes, CONSIDER, named("giou"),
         lambda d: "of the 4 numbers a row the last two are above the first two: suits if they are boxes x1, y1, x2, "
                   "y2"),
    # constant targets of 0 or 1
    Rule(UNCLEAR, always, CONSIDER, named("mse"), lambda d: "suits if y_true are numbers: it is defined for any"),
    Rule(UNCLEAR, always, CONSIDER, named("mae"), lambda d: "suits if y_true are numbers: it is defined for any"),
    Rule(UNCLEAR, lambda d: d.probabilities, CONSIDER, named("bce"),
         lambda d: f"suits if y_true are labels and y_pred probabilities; with one label only, always saying "
                   f"{short(d.true.low)} is perfect"),
    # two classes
    Rule(B, lambda d: not certain(d), USE, named("bce"),
         lambda d: "a proper score: least where y_pred is the true probability; no row that happened was given 0"),
    Rule(B, lambda d: certain(d) > 0 and not hard(d), CONSIDER, named("bce"), _clipped),
    Rule(B, hard, USE, named("zero_one"),
         lambda d: "y_pred is 0 or 1 only: labels, not probabilities, of which it gives the share that is wrong"),
    Rule(B, lambda d: hard(d) and certain(d) > 0, AVOID, named("bce"), _clipped),
    Rule(B, lambda d: not hard(d), USE, named("brier"),
         lambda d: f"the squared error of the probability: a proper score, and no row costs more than 1; "
                   f"{percent(d.surprised)} of the labels were given less than 1 %"),
    Rule(B, lambda d: rare(d) and not hard(d), CONSIDER, binary_focal(""), _focal),
    Rule(B, lambda d: rare(d) and not hard(d), CONSIDER, weighted_bce(""), _pos_weight),
    Rule(B, lambda d: not hard(d), AVOID, named("mae"),
         lambda d: "not a proper score: its best answer to any probability but 1/2 is 0 or 1"),
    Rule(B, lambda d: d.pred.low >= 0, AVOID, named("hinge"),
         lambda d: f"it reads scores whose sign is the class, and no y_pred is below 0 (the least is "
                   f"{short(d.pred.low)}): it takes every row for a 1"),
    Rule(BS, always, USE, named("bce:from_logits=true"),
         lambda d: f"y_pred goes from {d.pred.range}, not within [0, 1]: as logits (--from-logits) it is a proper score"
         if _not_probabilities(d) else "y_pred are logits, as --from-logits says: a proper score"),
    Rule(BS, always, CONSIDER, named("hinge"),
         lambda d: "of scores whose sign is the class: suits if only the class counts, not its probability"),
    Rule(BS, rare, CONSIDER, binary_focal(":from_logits=true"), _focal),
    Rule(BS, rare, CONSIDER, weighted_bce(":from_logits=true"), _pos_weight),
    Rule(BS, _not_probabilities, REFUSED, named("bce"), _range),
    # several labels
    Rule(M, lambda d: not certain(d), USE, named("bce"),
         lambda d: "a proper score of each label, averaged over them; no label that happened was given 0"),
    Rule(M, lambda d: certain(d) > 0 and not hard(d), CONSIDER, named("bce"), _clipped),
    Rule(M, lambda d: certain(d) > 0 and hard(d), AVOID, named("bce"), _clipped),
    Rule(M, always, USE, named("hamming"), lambda d: f"the share of the {d.width} labels that are wrong at 0.5"),
    Rule(M, lambda d: min(d.class_shares) < RARE and not hard(d), CONSIDER, named("asymmetric"),
         lambda d: f"{_rates(d)}: it turns down the many labels that are off and were seen to be"),
    Rule(MS, always, USE, named("multilabel_soft_margin"),
         lambda d: f"y_pred goes from {d.pred.range}: bce of logits, averaged over the {d.width} labels"),
    Rule(MS, lambda d: min(d.class_shares) < RARE, CONSIDER, named("asymmetric:from_logits=true"),
         lambda d: f"{_rates(d)}: it turns down the many labels that are off and were seen to be"),
    Rule(MS, lambda d: d.width <= 50, CONSIDER, named("multilabel_margin"),
         lambda d: "suits if the labels of a row are only to be ranked: those on above those off, by 1"),
    Rule(MS, _not_probabilities, REFUSED, named("bce"), _range),
    # several classes
    Rule(C, lambda d: not certain(d), USE, named("cross_entropy"),
         lambda d: "a proper score: least where y_pred are the true probabilities; no class that happened was given "
                   "0"),
    Rule(C, lambda d: certain(d) > 0, CONSIDER, named("cross_entropy"), _clipped),
    Rule(C, lambda d: d.surprised >= 0.01, CONSIDER, named("generalized_cross_entropy"),
         lambda d: f"{percent(d.surprised)} of the rows gave their class less than 1 %: if those labels are wrong, "
                   "here none of them costs more than 1/q = 1.43"),
    Rule(C, uneven, CONSIDER, class_weighted("cross_entropy"),
         lambda d: f"{_uneven(d)}: with class_weight = n/(C n_c) every class weighs the same"),
    Rule(C, uneven, CONSIDER, class_focal(""),
         lambda d: f"{_uneven(d)}: alpha is in proportion to 1/n_c; not a proper score"),
    Rule(C, lambda d: d.width > 2, CONSIDER, named("rps"),
         lambda d: f"suits if the {d.width} classes are in an order: being far off then costs more"),
    Rule(C, always, AVOID, named("softmax_loss"), _softmax_floor),
    Rule(C, always, AVOID, named("categorical_hinge"),
         lambda d: "it wants scores that win by 1, and probabilities win by 1 only where they are certain"),
    Rule(CS, always, USE, named("softmax_loss"),
         lambda d: "cross-entropy of logits, a proper score; nothing is clipped"),
    Rule(CS, uneven, CONSIDER, class_weighted("softmax_loss"),
         lambda d: f"{_uneven(d)}: with class_weight = n/(C n_c) every class weighs the same"),
    Rule(CS, uneven, CONSIDER, class_focal(":from_logits=true"),
         lambda d: f"{_uneven(d)}: alpha is in proportion to 1/n_c; not a proper score"),
    Rule(CS, always, CONSIDER, named("multiclass_hinge"),
         lambda d: "suits if only the class counts, not its probability: the right score must win by 1"),
    Rule(CS, lambda d: not d.pred.simplex, REFUSED, named("cross_entropy"),
         lambda d: f"y_pred goes from {d.pred.range} and its rows sum to {short(d.pred.sums[0])} to "
                   f"{short(d.pred.sums[1])}: probabilities sum to 1"),
    Rule(CL, lambda d: d.sample.arrays["y_true"].ndim == 1, USE, named("nll"),
         lambda d: "exp(y_pred) sums to 1 in every row: these are log-probabilities, and it reads those"),
    Rule(CL, always, CONSIDER, named("softmax_loss"),
         lambda d: "the same number: the softmax of log-probabilities gives the probabilities back"),
    Rule(CL, uneven, CONSIDER, class_weighted("nll"),
         lambda d: f"{_uneven(d)}: with class_weight = n/(C n_c) every class weighs the same"),
    Rule(CL, lambda d: d.pred.low < 0, REFUSED, named("cross_entropy"),
         lambda d: f"y_pred goes from {d.pred.range}: it reads probabilities unless from_logits=true"),
    # distributions
    Rule(D + D1, lambda d: not d.zero_probability_rows, USE, named("kl"),
         lambda d: "nats lost by taking y_pred for y_true; y_pred is above 0 wherever y_true is, so it is finite"),
    Rule(D + D1, lambda d: d.zero_probability_rows > 0, AVOID, named("kl"),
         lambda d: f"in {d.zero_probability_rows} of {d.n} rows y_pred is 0 where y_true is not: it is infinite there"),
    Rule(D + D1, always, USE, named("js"), lambda d: "symmetric, and at most log 2 = 0.69 even where y_pred is 0"),
    Rule(D + D1, always, CONSIDER, named("hellinger"), lambda d: "a distance, between 0 and 1"),
    Rule(D + D1, always, CONSIDER, named("wasserstein"),
         lambda d: "suits if the classes are in an order, one step apart: it is how far the mass must move"),
    Rule(D, lambda d: not d.zero_probability_rows, CONSIDER, named("cross_entropy"),
         lambda d: "kl plus the entropy of y_true: the same minimum, but not 0 there"),
    Rule(DS, always, USE, named("kl:from_logits=true"),
         lambda d: "y_true are distributions, y_pred is not: as logits, their softmax is compared"),
    Rule(DS, always, CONSIDER, named("softmax_loss"),
         lambda d: "kl plus the entropy of y_true: the same minimum, but not 0 there"),
    Rule(DS, always, CONSIDER, named("js:from_logits=true"), lambda d: "symmetric, and at most log 2 = 0.69"),
    Rule(DS, always, REFUSED, named("kl"),
         lambda d: f"y_pred goes from {d.pred.range} and its rows sum to {short(d.pred.sums[0])} to "
                   f"{short(d.pred.sums[1])}: distributions are >= 0 and sum to 1"),
)  # fmt: skip
"""What is said of losses; where two rules name one loss, the first speaks."""
