"""Losses for forecasts in columns beside y_pred: quantiles, intervals, variances."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from losscli.recommend.beside import BesideColumns, quantile_text
from losscli.recommend.forecasts import QuantileForecast, SpreadForecast
from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import percent, short
from losscli.recommend.tasks import Task

VARIANCE_LOSS = "gaussian_nll"
"""The loss of a predicted mean and variance."""

DEVIATION_LOSS = "crps_normal"
"""The loss of a predicted mean and standard deviation."""

SPREAD_ROLES = ("variance", "scale")
"""What these losses read beside the mean."""


def quantile_columns(d: Profile) -> Iterator[tuple[Finding, str]]:
    """Yield the loss of each column of quantiles, with the column."""
    for forecast in d.forecasts:
        yield use(quantile_text(forecast.level), coverage_reason(forecast)), forecast.column


def quantile_set(d: Profile) -> list[QuantileForecast]:
    """Return the columns of quantiles whose names say their levels, by level, if there are several."""
    if d.task is not Task.REGRESSION:
        return []
    known = [forecast for forecast in d.forecasts if not forecast.is_assumed]
    return known if len({forecast.level for forecast in known}) == len(known) > 1 else []


def are_symmetric(forecasts: Sequence[QuantileForecast]) -> bool:
    """Return whether levels are those of intervals: 1 minus each is one of them, too."""
    levels = [round(forecast.level, 9) for forecast in forecasts]
    return sorted(round(1 - level, 9) for level in levels) == sorted(levels)


def coverage_reason(forecast: QuantileForecast) -> str:
    """Say how many targets lie below a predicted quantile, and how many should."""
    expected = f"{percent(forecast.level)} (± {percent(2 * forecast.error)})"
    assumed = "; its name does not say the level" if forecast.is_assumed else ""
    return f"column {forecast.column!r} is above {percent(forecast.below)} of the targets, {expected} expected{assumed}"


def predicted_variances(d: Profile) -> Iterator[Finding]:
    """Yield what a predicted spread beside y_pred is for, unless medians or quantiles were asked for."""
    for spread in () if d.aim.is_requested and not d.aim.is_mean else d.spreads:
        if spread.ratio > 0:
            yield judge_spread(d, spread)


def judge_spread(d: Profile, spread: SpreadForecast) -> Finding:
    """Return the finding on the loss of a mean and a variance, or a standard deviation."""
    loss, column = DEVIATION_LOSS if spread.is_deviation else VARIANCE_LOSS, f"column {spread.column!r}"
    ratio = f"the mean of e²/variance is {short(spread.ratio, 3)} (± {short(2 * spread.error, 1)}), 1 if they fit"
    if spread.n_lacking:
        return refuse(loss, f"{column} holds no number in {spread.n_lacking} of {len(spread.variance)} rows")
    verdict = use if d.aim.is_mean or d.aim.is_centre else consider
    if spread.is_deviation:
        return verdict(loss, f"{column} holds predicted standard deviations; {ratio}")
    if (
        abs(math.log(spread.ratio_of_squares)) < abs(math.log(spread.ratio))
        and abs(spread.ratio - 1) > 2 * spread.error
    ):
        squares = f"{short(spread.ratio_of_squares, 3)} if they are squared: are they standard deviations?"
        return consider(loss, f"{column} is called a variance, but {ratio}, and {squares}")
    return verdict(loss, f"{column} holds predicted variances; {ratio}")


def ensembles(d: Profile) -> Iterator[Finding]:
    """Yield findings for the members of an ensemble beside a number."""
    spread, target = f"{d.width} members a row from {d.pred.range}", f"y_true from {d.true.range}"
    yield use("crps_ensemble", f"{spread}, {target}: the absolute error of a distribution, in the unit of y")
    reason = "suits if members are random draws of a distribution: their number then does not count"
    yield consider("crps_ensemble:fair=true", reason)
    yield consider("dss", "sees mean and variance of the members alone; suits if these are nearly normal")
    yield avoid("mse", "reads one prediction a row: give it the mean of the members in a column")


def spread_column(loss: str, beside: BesideColumns) -> dict[str, str]:
    """Return the role of a loss that a column of predicted variances or standard deviations is read as, if one is."""
    columns = {VARIANCE_LOSS: ("variance", beside.variance), DEVIATION_LOSS: ("scale", beside.deviation)}
    role, column = columns.get(loss, ("", None))
    return {} if column is None else {role: column}


def one_quantile(d: Profile) -> Iterator[Finding]:
    """Yield losses for forecasts of another quantile than the median."""
    r, level = d.residuals, d.aim.level
    error = (level * (1 - level) / r.effective_n) ** 0.5
    covered = f"{percent(r.coverage)} of the targets lie below their prediction, {percent(level)} (± "
    yield use(quantile_text(level), f"{covered}{percent(2 * error)}) do if it is that quantile")
    yield avoid("mse", f"off by {short(r.mean)} as forecasts of the mean")
    yield avoid("mae", f"off by {short(r.median)} as forecasts of the median")
