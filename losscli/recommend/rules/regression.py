"""Losses for numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from losscli.recommend.aim import ALIKE_GAP, MOSTLY_ZERO
from losscli.recommend.beside import quantile_text
from losscli.recommend.facts import outliers_text
from losscli.recommend.profile import Profile
from losscli.recommend.residuals import EFFICIENT_DELTA, STANDARD_ERRORS, Residuals
from losscli.recommend.rules.amounts import counts, deviances, percentages
from losscli.recommend.rules.findings import Finding, Verdict, avoid, consider, use
from losscli.recommend.rules.forecasts import one_quantile, predicted_variances
from losscli.recommend.summary import percent, short

TUKEY_SCALES, CAUCHY_SCALES = 4.685, 2.3849
"""Tuning constants in standard deviations, for 95 % efficiency on normal residuals (Beaton & Tukey 1974; Holland &
Welsch 1977, doi:10.1080/03610927708827533)."""


MAX_SHARE_BEYOND = 0.3
"""Most residuals beyond Huber's delta that are said to be nearly normal: of normal ones it is 18 %."""


def regression(d: Profile) -> Iterator[Finding]:
    """Yield findings for numbers: first losses for what forecasts shall be, then others."""
    r = d.residuals
    if d.has_quantiles_only:
        return
    yield from predicted_variances(d)
    if d.aim.is_quantile:
        yield from one_quantile(d)
        return
    if not d.aim.is_median:
        yield from of_amounts(d)
    if r.are_zero or r.has_few_rows or not (r.has_scale or is_mostly_zero(d)):
        yield from unknown_scale(d)
    elif is_mostly_zero(d):
        yield from zero_medians(d) if d.aim.is_median else mostly_zero_targets(d)
    else:
        yield from {"mean": for_means, "quantile": for_medians}.get(d.aim.functional, for_centres)(d)
    if r.has_scale:
        yield from off_centre(d)
        yield from unit_scale(r)
    yield from percentages(d)
    if d.true.is_within(0, 1) and d.pred.is_within(0, 1) and not d.true.is_constant and not d.aim.is_median:
        yield consider("bce", "y_true and y_pred lie in [0, 1]: suits if they are probabilities (soft labels)")
    if d.width == 4 and all((corners[:, 2:] > corners[:, :2]).all() for corners in (d.y_true, d.y_pred)):
        order = "of the 4 numbers per row, the last two are above the first two"
        yield consider("giou", f"{order}: suits if they are boxes x1, y1, x2, y2")


def constant_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that are all 0 or all 1: labels or numbers."""
    wanted = d.target
    losses = ["mse", "mae"]
    if wanted is not None:
        of_quantile = "mae" if wanted.level == 0.5 else quantile_text(wanted.level)
        losses = ["mse" if wanted.name == "mean" else of_quantile]
    for loss in losses:
        yield consider(loss, "suits if y_true are numbers: it is defined for any")
    if d.has_probabilities and "mse" in losses:
        perfect = f"with one label only, a constant prediction of {short(d.true.low)} is perfect"
        yield consider("bce", f"suits if y_true are labels and y_pred probabilities; {perfect}")


def unknown_scale(d: Profile) -> Iterator[Finding]:
    """Yield findings for residuals that have no scale."""
    r = d.residuals
    of_mean, of_median = (use if d.aim.is_mean else consider), (use if d.aim.is_median else consider)
    if r.are_zero:
        perfect = "every residual is 0, and so is every loss: the data cannot show which one suits"
        findings = [of_mean("mse", perfect), of_median("mae", perfect)]
    elif not r.has_few_rows:
        same = "more than half of the residuals are equal"
        of_median = consider if d.aim.is_mean else use
        findings = [of_mean("mse", f"off by {short(r.mean)}; outliers are unknown, as the MAD is 0")]
        findings.append(of_median("mae", f"it needs no scale; there is no robust one, as {same}"))
        yield avoid("huber", f"no delta can be computed: {same}, so their MAD is 0")
    else:
        rows = f"{d.n} row{'s are' if d.n > 1 else ' is'} too few to show tails and outliers"
        findings = [of_mean("mse", f"{rows}; suits if there are none")]
        findings.append(of_median("mae", f"{rows}; suits if there are some"))
    findings = [f for f in findings if f.verdict is Verdict.USE or not d.aim.is_requested]
    yield from sorted(findings, key=lambda finding: finding.verdict is not Verdict.USE)


def of_amounts(d: Profile) -> Iterator[Finding]:
    """Yield deviances, which are consistent for the mean."""
    yield from counts(d)
    yield from deviances(d)


def has_deviance(d: Profile) -> bool:
    """Return whether a deviance suits, which gives large errors of large predictions less weight than mse."""
    return any(finding.verdict is Verdict.USE for finding in of_amounts(d))


def is_mostly_zero(d: Profile) -> bool:
    """Return whether targets are amounts whose median is 0."""
    return d.zero_share >= MOSTLY_ZERO and d.true.low >= 0 and d.true.high > 0 and not d.residuals.has_few_rows


def has_heavy_tails(r: Residuals) -> bool:
    """Return whether a few rows make the sum of squares, or the mean varies far more than Huber's centre."""
    return r.squares_share >= 0.5 or r.variance_ratio(math.inf) > 2


def has_light_tails(r: Residuals) -> bool:
    """Return whether outliers carry little of the sum of squares, and the mean varies like Huber's centre."""
    return r.squares_share < 0.2 and not r.variance_ratio(math.inf) > 1.25


def variance_text(constant: str, ratio: float, other: str) -> str:
    """Compare the variances of two best constants, if that is known."""
    variance = f"; its best constant, the {constant}, has {short(ratio, 2)} times the variance of {other}"
    return variance if math.isfinite(ratio) else ""


def outlier_reason(d: Profile) -> str:
    """Say how much of the sum of squares is that of outliers, and how the mean varies."""
    r = d.residuals
    share = f"{outliers_text(d)} are outliers, with {percent(r.squares_share)} of the sum of squares"
    if not r.outliers.any():
        share = "no row is an outlier"
    return share + variance_text("mean", r.variance_ratio(math.inf), "huber's")


def mostly_zero_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for forecasts of means of amounts more than half of which are 0."""
    r = d.residuals
    is_heavy = r.has_scale and has_heavy_tails(r) and has_deviance(d)
    squares = f"; outliers make {percent(r.squares_share)} of the sum of squares" if r.has_scale else ""
    verdict = consider if is_heavy else use
    yield verdict("mse", f"the targets above 0 count, too{squares}")
    zeros = f"{percent(d.zero_share)} of the targets are 0"
    yield avoid("mae", f"{zeros}, and so is its best constant: the other targets do not change it")
    huber = f"huber:delta={short(EFFICIENT_DELTA * r.scale)}" if r.has_scale else "huber"
    yield avoid(huber, f"{zeros}, the others are outliers to it, and its best constant is near 0")


def zero_medians(d: Profile) -> Iterator[Finding]:
    """Yield findings for forecasts of medians of amounts more than half of which are 0."""
    yield use("mae", f"{percent(d.zero_share)} of the targets are 0, and so is their median")
    yield avoid("mse", f"off by {short(d.residuals.mean)} as forecasts of the mean")


def for_means(d: Profile) -> Iterator[Finding]:
    """Yield losses for forecasts of means."""
    r = d.residuals
    verdict = consider if has_heavy_tails(r) and has_deviance(d) else use
    yield verdict("mse", outlier_reason(d))
    away = f"the median of the residuals is {short(r.median)}, their mean {short(r.mean)}"
    is_away = abs(r.mean_gap) > ALIKE_GAP and abs(r.median_z) > STANDARD_ERRORS
    yield (avoid if is_away or d.aim.is_requested else consider)("mae", away)
    yield from huber_between(r, r.mean_centre_gap)


def for_medians(d: Profile) -> Iterator[Finding]:
    """Yield losses for forecasts of medians."""
    r = d.residuals
    steady = variance_text("median", r.median_variance_ratio, "mse's").removeprefix("; ")
    yield use("mae", f"no row pulls more than another; {steady}" if steady else "no row pulls more than another")
    yield from huber_between(r, 0.0)
    is_away = abs(r.mean_gap) > ALIKE_GAP
    away = f"the mean of the residuals is {short(r.mean)}, their median {short(r.median)}"
    away = outlier_reason(d) if has_heavy_tails(r) else away
    yield (avoid if is_away or d.aim.is_requested else consider)("mse", away)
    yield from redescending(r)


def huber_between(r: Residuals, gap: float) -> Iterator[Finding]:
    """Yield huber as a compromise between median and mean, `gap` robust scales off what is wanted."""
    finding = huber_as_is(r)
    if finding.verdict is Verdict.AVOID:
        yield finding
        return
    constant = f"its best constant is {short(r.scale * r.centre(EFFICIENT_DELTA).value)}"
    between = f"{constant}; the mean of the residuals is {short(r.mean)}, their median {short(r.median)}"
    is_off = abs(gap) > ALIKE_GAP / 2
    yield finding._replace(verdict=Verdict.AVOID if is_off else Verdict.CONSIDER, reason=f"a compromise; {between}")
    if not is_off:
        yield smooth_l1_alike(r)


def smooth_l1_alike(r: Residuals) -> Finding:
    """Return the finding on the same loss in the unit of y."""
    loss = f"smooth_l1:beta={short(EFFICIENT_DELTA * r.scale)}"
    return consider(loss, "this huber divided by its delta has the same minimum, in the unit of y")


def for_centres(d: Profile) -> Iterator[Finding]:
    """Yield losses where mean and median of the errors agree: the steadier one suits."""
    r = d.residuals
    if has_light_tails(r):
        yield use("mse", outlier_reason(d))
    else:
        yield (avoid if has_heavy_tails(r) else consider)("mse", outlier_reason(d))
    variance = variance_text("median", r.median_variance_ratio, "mse's")
    yield (consider if has_light_tails(r) else use)("mae", f"no row pulls more than another{variance}")
    yield from robust_losses(r)


def huber_as_is(r: Residuals) -> Finding:
    """Return the finding on huber with the usual delta, judged about the centre of the residuals."""
    delta = EFFICIENT_DELTA * r.scale
    loss = f"huber:delta={short(delta)}"
    if abs(r.median) > r.scale / 2:
        off = (
            f"predictions are off by {short(r.median)} in the median, so that {percent(r.share_beyond(delta))} of the "
        )
        return avoid(loss, f"{off}residuals are beyond delta, 1.345 robust scales; correct that first")
    beyond = r.average(np.abs(r.flat - r.median) > delta)
    is_normal = beyond <= MAX_SHARE_BEYOND
    efficiency = ", for 95 % of mse's efficiency on normal errors" if is_normal else ""
    farther = f"{percent(beyond)} of the residuals are farther from the centre"
    verdict = consider if has_light_tails(r) else use
    return verdict(loss, f"delta is 1.345 robust scales of {short(r.scale)}{efficiency}; {farther}")


def robust_losses(r: Residuals) -> Iterator[Finding]:
    """Yield losses with tuning constants."""
    huber = huber_as_is(r)
    yield huber
    if huber.verdict is not Verdict.AVOID:
        if r.best_delta != EFFICIENT_DELTA:
            reduction = f"{percent(1 - r.variance_ratio(r.best_delta))} less variance than at 1.345"
            sure = f"delta is {r.best_delta:g} robust scales; its best constant has {reduction}"
            yield consider(f"huber:delta={short(r.best_delta * r.scale)}", f"{sure}, by over two standard errors")
        yield smooth_l1_alike(r)
    yield from redescending(r)


def redescending(r: Residuals) -> Iterator[Finding]:
    """Yield losses for which far rows pull less, if there are such rows."""
    share = r.share_beyond(TUKEY_SCALES * r.scale)
    if share > 0 and not has_light_tails(r):
        beyond = f"the {percent(share)} of the residuals beyond c, 4.685 robust scales, do not pull at all"
        reason = f"{beyond}; not convex, so a fit starts from huber's"
        yield consider(f"tukey:c={short(TUKEY_SCALES * r.scale)}", reason)
    if r.tail_ratio > 2:
        wide = f"{short(r.tail_ratio, 2)} times as wide as a normal distribution's"
        tails = f"the middle 98 % of the residuals is {wide}, and the pull of a row falls as 1/|e|"
        yield consider(f"cauchy:c={short(CAUCHY_SCALES * r.scale)}", f"c is 2.385 robust scales; {tails}")


def round_level(share: float, error: float) -> float:
    """Return the level with the fewest digits, three at most, that is within an error of a share."""
    levels = [round(share, digits) for digits in (1, 2, 3)]
    near = [level for level in levels if abs(level - share) <= error and 0 < level < 1]
    return near[0] if near else min(max(levels[-1], 0.001), 0.999)


def off_centre(d: Profile) -> Iterator[Finding]:
    """Yield the quantile that predictions seem to be, if they are no means, and surely no medians."""
    r = d.residuals
    if d.is_off_centre and abs(r.coverage - 0.5) > 0.05 and 0 < r.coverage < 1 and not is_mostly_zero(d):
        tau = round_level(r.coverage, STANDARD_ERRORS * math.sqrt(r.coverage * (1 - r.coverage) / r.effective_n))
        share = f"{percent(r.coverage)} of the targets lie below their prediction"
        off = f"as one of the mean it is off by {short(r.mean)}, as one of the median by {short(r.median)}"
        yield consider(quantile_text(tau), f"suits quantile forecasts; {share}; {off}")


def unit_scale(r: Residuals) -> Iterator[Finding]:
    """Yield losses whose scale is 1, if the residuals have another scale."""
    share = r.share_beyond(1)
    if not ((r.scale >= 10 and share > 0.5) or (r.scale <= 0.1 and share < 0.5)):
        return
    if r.scale > 1:
        others = f"{percent(share)} of them are beyond 1"
        huber, log_cosh = "mae minus 0.5", "nearly mae minus 0.69"
    else:
        others = f"{percent(1 - share)} of them are within 1"
        huber, log_cosh = "half of mse", "nearly half of mse"
    for loss, like in (("huber", huber), ("log_cosh", log_cosh)):
        yield avoid(loss, f"its scale is 1, but the residuals' is {short(r.scale)}: {others}, where it is {like}")
