"""Losses for numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.declaration.domains import number_text
from losscli.recommend.facts import magnitudes, outliers, percent, variance_power
from losscli.recommend.profile import Profile
from losscli.recommend.residuals import EFFICIENT, FEW, GRID
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.sample import to_matrix
from losscli.recommend.summary import short

TUKEY_SCALES, CAUCHY_SCALES = 4.685, 2.3849
"""Tuning constants in standard deviations, for 95 % efficiency on normal residuals (Beaton & Tukey 1974; Holland &
Welsch 1977, doi:10.1080/03610927708827533)."""


def regression(d: Profile) -> Iterator[Finding]:
    """Yield findings for numbers."""
    r = d.residuals
    if r.zero:
        yield consider("mse", "every residual is 0, and so is every loss of them: which suits cannot be told")
        yield consider("mae", "every residual is 0, and so is every loss of them: which suits cannot be told")
    elif has_few_rows(d):
        rows = f"of {d.n} row{'s' * (d.n > 1)} tails and outliers cannot be told"
        yield consider("mse", f"{rows}; suits if there are none")
        yield consider("mae", f"{rows}; suits if there are some")
    elif r.scale == 0:
        yield use("mae", "more than half of the residuals are the same: there is no robust scale, and it needs none")
        mean = f"aims at the mean, which is off by {short(r.mean)}"
        yield consider("mse", f"{mean}; outliers cannot be told, the MAD is 0")
        yield avoid(
            "huber", "its delta cannot be worked out: more than half of the residuals are the same, so their MAD is 0"
        )
    elif r.known and is_mostly_zero(d):
        yield from mostly_zero_targets(d)
    elif r.known:
        yield from tails(d)
    if r.known:
        yield from off_centre(d)
        yield from unit_scale(d)
    yield from counts(d)
    yield from amounts(d)
    if d.true.within(0, 1) and d.pred.within(0, 1) and not d.true.constant:
        yield consider("bce", "y_true and y_pred lie in [0, 1]: suits if they are probabilities (soft labels)")
    if are_boxes(d):
        yield consider(
            "giou",
            "of the 4 numbers a row the last two are above the first two: suits if they are boxes x1, y1, x2, y2",
        )


def constant_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that are all 0 or all 1: labels or numbers."""
    yield consider("mse", "suits if y_true are numbers: it is defined for any")
    yield consider("mae", "suits if y_true are numbers: it is defined for any")
    if d.probabilities:
        yield consider(
            "bce",
            "suits if y_true are labels and y_pred probabilities; with one label only, always saying "
            f"{short(d.true.low)} is perfect",
        )


# --------------------------------------------------------------------------------------------------------- tails


def has_few_rows(d: Profile) -> bool:
    """Return whether there are too few rows to tell tails and outliers by."""
    return not d.residuals.zero and d.residuals.n < FEW


def zero_share(d: Profile) -> float:
    """Return the share of the targets that is 0."""
    return d.true.zero_weight / d.weight


def is_mostly_zero(d: Profile) -> bool:
    """Return whether the median of the targets is 0 although they are amounts."""
    return d.true.low >= 0 and d.true.high > 0 and zero_share(d) >= 0.5


def has_heavy_tails(d: Profile) -> bool:
    """Return whether a few rows make the sum of squares, or the mean varies far more than Huber's centre."""
    return d.residuals.squares_share >= 0.5 or d.residuals.variance_ratio(math.inf) > 2


def has_light_tails(d: Profile) -> bool:
    """Return whether outliers carry little of the sum of squares, and the mean varies like Huber's centre."""
    return d.residuals.squares_share < 0.2 and not d.residuals.variance_ratio(math.inf) > 1.25


def variance_text(constant: str, ratio: float, other: str) -> str:
    """Compare the variances of two best constants, if that is known."""
    if not math.isfinite(ratio):
        return ""
    return f"; its best constant, the {constant}, has {short(ratio, 2)} times the variance of {other}"


def outlier_reason(d: Profile) -> str:
    """Say how much of the sum of squares is that of outliers, and how the mean varies."""
    r = d.residuals
    share = f"{outliers(d)} are outliers, with {percent(r.squares_share)} of the sum of squares"
    return share + variance_text("mean", r.variance_ratio(math.inf), "huber's")


def mostly_zero_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for amounts more than half of which are 0."""
    if has_light_tails(d):
        yield use("mse", outlier_reason(d))
    elif has_heavy_tails(d):
        yield consider("mse", f"aims at the mean, to which the targets that are not 0 count too; {outlier_reason(d)}")
    else:
        yield consider("mse", outlier_reason(d))
    zeros = f"{percent(zero_share(d))} of the targets are 0"
    yield avoid("mae", f"{zeros}: so is its best constant, whatever the others are")
    huber = f"huber:delta={short(EFFICIENT * d.residuals.scale)}"
    yield avoid(huber, f"{zeros}: it takes many of the others for outliers, and aims below the mean")


def tails(d: Profile) -> Iterator[Finding]:
    """Yield findings by how heavy the tails of the residuals are."""
    r, is_light = d.residuals, has_light_tails(d)
    if is_light:
        yield use("mse", outlier_reason(d))
    elif has_heavy_tails(d):
        yield avoid("mse", outlier_reason(d))
    else:
        yield consider("mse", outlier_reason(d))
    steady = variance_text("median", r.median_against_mean, "mse's")
    median = f"needs no scale, and no row pulls more than another{steady}"
    yield consider("mae", median) if is_light else use("mae", median)
    beyond = f"{percent(r.beyond(EFFICIENT * r.scale))} of the residuals are beyond it"
    huber = (
        f"delta is 1.345 robust scales of {short(r.scale)}: 95 % of mse's efficiency where the good residuals are "
        f"normal; {beyond}"
    )
    if r.steadiest == EFFICIENT:
        huber += f"; no delta from {GRID[0]} to {GRID[-1]:g} scales makes its best constant steadier by over 10 %"
    yield use(f"huber:delta={short(EFFICIENT * r.scale)}", huber)
    if r.steadiest != EFFICIENT:
        yield consider(
            f"huber:delta={short(r.steadiest * r.scale)}",
            f"delta is {r.steadiest:g} robust scales: of {len(GRID)} deltas from {GRID[0]} to {GRID[-1]:g} its best "
            "constant moves least when folds of the rows are left out, with "
            f"{percent(1 - r.variance_ratio(r.steadiest))} less variance than at 1.345",
        )
    yield consider(
        f"smooth_l1:beta={short(EFFICIENT * r.scale)}",
        "this huber divided by its delta: the same minimum, in the unit of y",
    )
    if not is_light and (share := r.beyond(TUKEY_SCALES * r.scale)) > 0:
        yield consider(
            f"tukey:c={short(TUKEY_SCALES * r.scale)}",
            f"c is 4.685 robust scales: the {percent(share)} of the residuals beyond it do not pull at all; not "
            "convex, so a fit starts from huber's",
        )
    if r.tails > 2:
        yield consider(
            f"cauchy:c={short(CAUCHY_SCALES * r.scale)}",
            f"c is 2.385 robust scales; the middle 98 % of the residuals is {short(r.tails, 2)} times as wide as a "
            "normal distribution's, and the pull of a row falls as 1/|e|",
        )


def off_centre(d: Profile) -> Iterator[Finding]:
    """Yield the quantile that predictions seem to be, if far from half of the targets lie below them."""
    r = d.residuals
    off = abs(r.coverage - 0.5)
    if off > 0.05 and off > 1.5 / math.sqrt(r.rows) and 0 < r.coverage < 1:
        tau = number_text(min(max(round(r.coverage, 3), 0.001), 0.999))
        yield consider(
            f"quantile:tau={tau}",
            f"{percent(r.coverage)} of the targets lie below their prediction: as a forecast of a quantile it is that "
            f"of tau={tau}; as one of the median it is off by {short(r.median)}",
        )


def unit_scale(d: Profile) -> Iterator[Finding]:
    """Yield losses whose scale is 1, if the residuals have another scale."""
    r = d.residuals
    share = r.beyond(1)
    if (r.scale >= 10 and share > 0.5) or (r.scale <= 0.1 and share < 0.5):
        scale = f"its scale is 1, but the residuals' is {short(r.scale)}"
        for loss, small, large in (
            ("huber", "half of mse", "mae less a half"),
            ("log_cosh", "nearly half of mse", "nearly mae less 0.69"),
        ):
            if r.scale > 1:
                yield avoid(loss, f"{scale}: {percent(share)} of them are beyond 1, where it is {large}")
            else:
                yield avoid(loss, f"{scale}: {percent(1 - share)} of them are within 1, where it is {small}")


# -------------------------------------------------------------------------------------------- counts and amounts


def is_power_near(d: Profile, power: float) -> bool | None:
    """Return whether squared residuals may grow as this power of the prediction; None if that cannot be told."""
    grown = d.residuals.variance_power
    return None if grown is None or grown.error > 0.5 else grown.near(power)


def is_spread_rising(d: Profile) -> bool:
    """Return whether residuals surely spread more where the prediction is large."""
    grown = d.residuals.variance_power
    return d.residuals.known and grown is not None and grown.rises


def counts(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that could be counts."""
    if not (d.true.whole and d.true.low >= 0 and d.true.high > 1):
        return
    if d.residuals.known and d.pred.low > 0:
        is_near = is_power_near(d, 1)
        if is_near is None:
            yield consider(
                "poisson_deviance",
                "targets are whole numbers >= 0: suits if they are counts; how their spread grows cannot be told",
            )
            return
        reason = (
            f"targets are whole numbers >= 0, and squared residuals grow as y_pred^{variance_power(d)}, with a mean of "
            f"e²/y_pred of {short(d.residuals.dispersion)}; those of counts grow as y_pred^1, with a mean of 1"
        )
        if is_near and is_spread_rising(d) and 2 / 3 <= d.residuals.dispersion <= 1.5:
            yield use("poisson_deviance", reason)
        elif is_near:
            yield consider("poisson_deviance", reason)
        else:
            yield avoid("poisson_deviance", reason)
    elif not d.true.constant and d.pred.low <= 0:
        count = f"in {d.pred.not_positive} of {d.n} rows"
        yield refuse("poisson_deviance", f"targets could be counts, but {count} the prediction is not above 0")


def amounts(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets >= 0: deviances, logarithms, percentages."""
    true, r = d.true, d.residuals
    if true.low >= 0 and d.pred.low > 0 and true.high > 0 and is_spread_rising(d):
        if not true.zeros and is_power_near(d, 2):
            growth = f"squared residuals grow as y_pred^{variance_power(d)}"
            yield use("gamma_deviance", f"targets are above 0, and {growth}: errors are in proportion")
        yield from tweedie(d)
    if true.low >= 0 and true.high >= 100 * max(true.low, 1.0):  # mostly above 1, where log(1 + y) bends
        if d.pred.low <= -1:
            least = f"a prediction is {short(d.pred.low)}: log(1 + y) is of y > -1"
            yield refuse("rmsle", f"targets go from {true.range}, but {least}")
        else:
            span = f"span {magnitudes(d):.1f} orders of magnitude" if true.low > 0 else f"go from {true.range}"
            yield consider("rmsle", f"targets {span}: it is of ratios of 1 + y, so small ones count as large ones do")
    if true.zeros:
        yield refuse("mape", f"in {true.zeros} of {d.n} rows the target is 0, which cannot be divided by")
    elif r.known and true.smallest < r.typical / 10:
        yield avoid(
            "mape",
            f"it divides by targets as small as {short(true.smallest)}; half of the residuals are larger than "
            f"{short(r.typical)}",
        )


def tweedie(d: Profile) -> Iterator[Finding]:
    """Yield a Tweedie deviance, if the spread grows by a power that is surely neither that of counts nor of gamma."""
    grown = d.residuals.variance_power
    assert grown is not None
    power = round(grown.power, 1)
    if is_power_near(d, 1) is False and is_power_near(d, 2) is False and 1 < power < (2 if d.true.zeros else 3.1):
        low = f">= 0, {percent(zero_share(d))} of them 0" if d.true.zeros else "above 0"
        yield use(
            f"tweedie_deviance:power={number_text(power)}",
            f"targets are {low}, and squared residuals grow as y_pred^{variance_power(d)}, so the errors of large "
            "predictions should count for less",
        )


def are_boxes(d: Profile) -> bool:
    """Return whether the four columns could be corners, of y_true and of y_pred."""
    pairs = [to_matrix(d.sample.arrays[role]) for role in ("y_true", "y_pred")]
    return d.width == 4 and all(bool((a[:, 2:] > a[:, :2]).all()) for a in pairs)
