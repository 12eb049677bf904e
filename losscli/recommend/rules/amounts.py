"""Losses for numbers that are counts or amounts."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.messages import number_text
from losscli.recommend.aim import MOSTLY_ZERO
from losscli.recommend.facts import magnitude_span, variance_power_text
from losscli.recommend.profile import MAX_FIRST_COUNT, Profile
from losscli.recommend.residuals import MIN_DISPERSION, STANDARD_ERRORS
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import percent, short

USUAL_POWER = 1.5
"""The power of a Tweedie deviance for amounts that are often 0, if the data does not tell another one."""

NEAR_POWERS = (0.35, 0.5)
"""A power of the variance so far below or above that of a usual distribution is taken for it."""


def is_power_near(d: Profile, power: float) -> bool | None:
    """Return whether squared residuals may grow as this power of the prediction; None if the data does not tell."""
    grown = d.residuals.variance_power
    if grown is None or grown.error > 0.5:
        return None
    return grown.is_near(power) or -NEAR_POWERS[0] <= grown.power - power <= NEAR_POWERS[1]


def counts(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that could be counts, if forecasts may be means."""
    r = d.residuals
    if d.are_counts_per_weight and d.pred.low > 0 and not r.has_few_rows:
        yield use("poisson_deviance", "y_true times the weight is whole: counts per exposure, such as claims per year")
    if not d.is_count_like:
        return
    if d.pred.low <= 0 and not d.true.is_constant:
        rows = f"in {d.pred.rows_not_above_0} of {d.n} rows the prediction is not above 0"
        yield refuse("poisson_deviance", f"targets could be counts, but {rows}: predict exp of the model's output")
    if d.pred.low <= 0 or r.has_few_rows or r.are_zero:
        return
    dispersion = f"e²/y_pred is {short(r.dispersion, 3)} on average, 1 for a Poisson distribution"
    are_poisson = r.dispersion <= max(1 / MIN_DISPERSION, 1 + STANDARD_ERRORS * r.dispersion_error)
    grown = r.variance_power
    if d.vary_less_than_counts:
        if d.true.low <= MAX_FIRST_COUNT and not d.true.is_constant:
            yield avoid("poisson_deviance", f"targets vary less than counts do; {dispersion}")
    elif grown is not None and grown.power + 2 * grown.error < 0.5:
        yield consider("poisson_deviance", f"errors do not grow with predictions, as errors of counts do; {dispersion}")
    elif are_poisson:
        yield use("poisson_deviance", f"targets are counts by their spread; {dispersion}")
    else:
        weighting = "consistent for the mean all the same (quasi-Poisson)"
        verdict = use if d.true.low <= MAX_FIRST_COUNT else consider
        yield verdict("poisson_deviance", f"whole numbers that spread more than counts; {dispersion}; {weighting}")


def deviances(d: Profile) -> Iterator[Finding]:
    """Yield the deviance whose variance grows as the squared residuals do, if forecasts may be means."""
    r, zeros = d.residuals, d.true.rows_with_0
    if r.has_few_rows or r.are_zero or d.true.low < 0 or d.true.high <= 0:
        return
    grown = r.variance_power
    growth = f"squared residuals grow as y_pred^{variance_power_text(r)}" if grown is not None else ""
    is_gamma, is_poisson = is_power_near(d, 2), is_power_near(d, 1)
    are_counts = d.true.is_whole or d.are_counts_per_weight
    are_often_zero = zeros and d.zero_share >= MOSTLY_ZERO and not are_counts
    if d.pred.low <= 0:
        if are_often_zero:
            rows = f"in {d.pred.rows_not_above_0} of {d.n} rows the prediction is not above 0"
            mend = "a model with a log link, or a floor above 0, mends that"
            yield refuse(tweedie_text(USUAL_POWER), f"{percent(d.zero_share)} of the targets are 0; {rows}: {mend}")
    elif are_often_zero:
        power = round(grown.power, 1) if grown is not None and grown.error <= 0.1 else USUAL_POWER
        power = power if 1 < power < 2 else USUAL_POWER
        known = growth if grown is not None and power != USUAL_POWER else "1.5 is usual, and consistent in any case"
        yield use(tweedie_text(power), f"{percent(d.zero_share)} of the targets are 0, the others amounts; {known}")
    elif grown is not None and r.is_spread_rising:
        power = round(grown.power, 1)
        if is_gamma and not zeros:
            yield use(
                "gamma_deviance", f"targets are above 0, and {growth}, so that errors are proportional to predictions"
            )
        elif zeros and not is_poisson and not are_counts and power >= 2:
            known = f"{growth}; a power below 2 allows for zeros, and 1.5 is usual"
            yield use(tweedie_text(USUAL_POWER), f"targets are >= 0, {percent(d.zero_share)} of them 0; {known}")
        elif is_gamma is False and not is_poisson and not d.is_count_like and 1 < power < (2 if zeros else 3.1):
            targets = f"targets are {f'>= 0, {percent(d.zero_share)} of them 0' if zeros else 'above 0'}"
            yield use(
                tweedie_text(power),
                f"{targets}, and {growth}, so that errors of large predictions should count for less",
            )


def tweedie_text(power: float) -> str:
    """Return a Tweedie deviance as it is typed."""
    return f"tweedie_deviance:power={number_text(power)}"


def percentages(d: Profile) -> Iterator[Finding]:
    """Yield losses of logarithms and percentages."""
    true, r = d.true, d.residuals
    is_wide = true.low >= 0 and true.high >= 100 * max(true.low, 1.0)  # mostly above 1, where log(1 + y) bends
    if is_wide and d.pred.low <= -1:
        least = f"a prediction is {short(d.pred.low)}: log(1 + y) needs y > -1"
        yield refuse("rmsle", f"targets go from {true.range}, but {least}")
    elif is_wide and not d.aim.is_mean and d.zero_share < MOSTLY_ZERO:
        span = f"span {magnitude_span(true):.1f} orders of magnitude" if true.low > 0 else f"go from {true.range}"
        yield consider("rmsle", f"targets {span}, and ratios count; that is the median only if they are symmetric")
    if true.rows_with_0:
        yield refuse("mape", f"in {true.rows_with_0} of {d.n} rows the target is 0, which cannot be divided by")
    elif r.has_scale and true.smallest_size < r.typical_size / 10:
        larger = f"half of the residuals are larger than {short(r.typical_size)}"
        yield avoid("mape", f"it divides by targets as small as {short(true.smallest_size)}; {larger}")
