"""Losses for numbers that are counts or amounts."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.messages import number_text
from losscli.recommend.facts import magnitude_span, percent, variance_power_text
from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import short


def is_power_near(d: Profile, power: float) -> bool | None:
    """Return whether squared residuals may grow as this power of the prediction; None if the data does not tell."""
    grown = d.residuals.variance_power
    return None if grown is None or grown.error > 0.5 else grown.is_near(power)


def counts(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that could be counts."""
    r = d.residuals
    if not (d.true.is_whole and d.true.low >= 0 and d.true.high > 1):
        return
    if d.pred.low <= 0 and not d.true.is_constant:
        rows = f"in {d.pred.rows_not_above_0} of {d.n} rows the prediction is not above 0"
        yield refuse("poisson_deviance", f"targets could be counts, but {rows}")
    if d.pred.low <= 0 or not r.has_scale:
        return
    is_near = is_power_near(d, 1)
    if is_near is None:
        unknown = "the data does not tell how their spread grows"
        yield consider("poisson_deviance", f"targets are whole numbers >= 0: suits if they are counts; {unknown}")
        return
    reason = (
        f"targets are whole numbers >= 0, and squared residuals grow as y_pred^{variance_power_text(r)}, with a mean "
        f"of e²/y_pred of {short(r.dispersion)}; those of counts grow as y_pred^1, with a mean of 1"
    )
    is_poisson = r.is_spread_rising and 2 / 3 <= r.dispersion <= 1.5
    verdict = avoid if not is_near else use if is_poisson else consider
    yield verdict("poisson_deviance", reason)


def amounts(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets >= 0: deviances, logarithms, percentages."""
    true, r = d.true, d.residuals
    if true.low >= 0 and true.high > 0 and d.pred.low > 0 and r.is_spread_rising:
        yield from deviances(d)
    if true.low >= 0 and true.high >= 100 * max(true.low, 1.0):  # mostly above 1, where log(1 + y) bends
        if d.pred.low <= -1:
            least = f"a prediction is {short(d.pred.low)}: log(1 + y) needs y > -1"
            yield refuse("rmsle", f"targets go from {true.range}, but {least}")
        else:
            span = f"span {magnitude_span(true):.1f} orders of magnitude" if true.low > 0 else f"go from {true.range}"
            yield consider("rmsle", f"targets {span}: it compares ratios of 1 + y, so small ones count like large ones")
    if true.rows_with_0:
        yield refuse("mape", f"in {true.rows_with_0} of {d.n} rows the target is 0, which cannot be divided by")
    elif r.has_scale and true.smallest_size < r.typical_size / 10:
        larger = f"half of the residuals are larger than {short(r.typical_size)}"
        yield avoid("mape", f"it divides by targets as small as {short(true.smallest_size)}; {larger}")


def deviances(d: Profile) -> Iterator[Finding]:
    """Yield the deviance whose variance grows as the squared residuals do, if that is gamma's or one between."""
    grown, zeros = d.residuals.variance_power, d.true.rows_with_0
    assert grown is not None
    growth = f"squared residuals grow as y_pred^{variance_power_text(d.residuals)}"
    is_gamma = is_power_near(d, 2)
    if is_gamma and not zeros:
        yield use("gamma_deviance", f"targets are above 0, and {growth}: errors are proportional to predictions")
    power = round(grown.power, 1)
    if is_gamma is False and not grown.is_near(1) and 1 < power < (2 if zeros else 3.1):
        targets = f"targets are {f'>= 0, {percent(d.zero_share)} of them 0' if zeros else 'above 0'}"
        reason = f"{targets}, and {growth}, so the errors of large predictions should count for less"
        yield use(f"tweedie_deviance:power={number_text(power)}", reason)
