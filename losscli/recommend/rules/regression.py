"""Losses for numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.messages import number_text
from losscli.recommend.facts import outliers_text, percent
from losscli.recommend.profile import Profile
from losscli.recommend.residuals import EFFICIENT_DELTA, TRIED_DELTAS, Residuals
from losscli.recommend.rules.amounts import amounts, counts
from losscli.recommend.rules.findings import Finding, avoid, consider, use
from losscli.recommend.summary import short

TUKEY_SCALES, CAUCHY_SCALES = 4.685, 2.3849
"""Tuning constants in standard deviations, for 95 % efficiency on normal residuals (Beaton & Tukey 1974; Holland &
Welsch 1977, doi:10.1080/03610927708827533)."""


def regression(d: Profile) -> Iterator[Finding]:
    """Yield findings for numbers."""
    r = d.residuals
    if r.has_scale and d.zero_share >= 0.5 and d.true.low >= 0 and d.true.high > 0:
        yield from mostly_zero_targets(d)
    elif r.has_scale:
        yield from means_and_medians(d)
        yield from robust_losses(r)
    else:
        yield from unknown_scale(d)
    if r.has_scale:
        yield from off_centre(r)
        yield from unit_scale(r)
    yield from counts(d)
    yield from amounts(d)
    if d.true.is_within(0, 1) and d.pred.is_within(0, 1) and not d.true.is_constant:
        yield consider("bce", "y_true and y_pred lie in [0, 1]: suits if they are probabilities (soft labels)")
    if d.width == 4 and all((corners[:, 2:] > corners[:, :2]).all() for corners in (d.y_true, d.y_pred)):
        order = "of the 4 numbers per row, the last two are above the first two"
        yield consider("giou", f"{order}: suits if they are boxes x1, y1, x2, y2")


def constant_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for targets that are all 0 or all 1: labels or numbers."""
    for loss in ("mse", "mae"):
        yield consider(loss, "suits if y_true are numbers: it is defined for any")
    if d.has_probabilities:
        perfect = f"with one label only, a constant prediction of {short(d.true.low)} is perfect"
        yield consider("bce", f"suits if y_true are labels and y_pred probabilities; {perfect}")


def unknown_scale(d: Profile) -> Iterator[Finding]:
    """Yield findings for residuals that have no scale."""
    r = d.residuals
    if r.are_zero:
        for loss in ("mse", "mae"):
            yield consider(loss, "every residual is 0, and so is every loss: the data cannot tell which one suits")
    elif r.scale == 0 and not r.has_few_rows:
        yield use("mae", "it needs no scale; there is no robust one, as more than half of the residuals are equal")
        mean = f"aims at the mean, which is off by {short(r.mean)}"
        yield consider("mse", f"{mean}; outliers are unknown, as the MAD is 0")
        yield avoid("huber", "no delta can be computed: more than half of the residuals are equal, so their MAD is 0")
    else:
        rows = f"{d.n} row{'s are' if d.n > 1 else ' is'} too few to show tails and outliers"
        yield consider("mse", f"{rows}; suits if there are none")
        yield consider("mae", f"{rows}; suits if there are some")


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
    return share + variance_text("mean", r.variance_ratio(math.inf), "huber's")


def judge_mse(d: Profile, for_heavy_tails: Finding) -> Finding:
    """Return the finding on the squared error by how heavy the tails are."""
    if has_light_tails(d.residuals):
        return use("mse", outlier_reason(d))
    return for_heavy_tails if has_heavy_tails(d.residuals) else consider("mse", outlier_reason(d))


def mostly_zero_targets(d: Profile) -> Iterator[Finding]:
    """Yield findings for amounts more than half of which are 0."""
    reason = outlier_reason(d)
    yield judge_mse(d, consider("mse", f"aims at the mean, to which the targets above 0 contribute; {reason}"))
    zeros = f"{percent(d.zero_share)} of the targets are 0"
    yield avoid("mae", f"{zeros}: so is its best constant, whatever the others are")
    huber = f"huber:delta={short(EFFICIENT_DELTA * d.residuals.scale)}"
    yield avoid(huber, f"{zeros}: it takes many of the others for outliers, and aims below the mean")


def means_and_medians(d: Profile) -> Iterator[Finding]:
    """Yield mse and mae by how heavy the tails are."""
    yield judge_mse(d, avoid("mse", outlier_reason(d)))
    variance = variance_text("median", d.residuals.median_variance_ratio, "mse's")
    verdict = consider if has_light_tails(d.residuals) else use
    yield verdict("mae", f"needs no scale, and no row pulls more than another{variance}")


def robust_losses(r: Residuals) -> Iterator[Finding]:
    """Yield losses with tuning constants."""
    deltas = f"{TRIED_DELTAS[0]} to {TRIED_DELTAS[-1]:g}"
    efficiency = "95 % of mse's efficiency where the good residuals are normal"
    huber = (
        f"delta is 1.345 robust scales of {short(r.scale)}: {efficiency}; "
        f"{percent(r.share_beyond(EFFICIENT_DELTA * r.scale))} of the residuals are beyond it"
    )
    if r.best_delta == EFFICIENT_DELTA:
        huber += f"; no delta from {deltas} scales makes its best constant steadier by over 10 %"
    yield use(f"huber:delta={short(EFFICIENT_DELTA * r.scale)}", huber)
    if r.best_delta != EFFICIENT_DELTA:
        tried = (
            f"delta is {r.best_delta:g} robust scales: of {len(TRIED_DELTAS)} deltas from {deltas} its best constant"
        )
        reduction = f"{percent(1 - r.variance_ratio(r.best_delta))} less variance than at 1.345"
        moves = f"moves least when folds of the rows are left out, with {reduction}"
        yield consider(f"huber:delta={short(r.best_delta * r.scale)}", f"{tried} {moves}")
    smooth_l1 = f"smooth_l1:beta={short(EFFICIENT_DELTA * r.scale)}"
    yield consider(smooth_l1, "this huber divided by its delta: the same minimum, in the unit of y")
    share = r.share_beyond(TUKEY_SCALES * r.scale)
    if share > 0 and not has_light_tails(r):
        beyond = f"the {percent(share)} of the residuals beyond it do not pull at all"
        reason = f"c is 4.685 robust scales: {beyond}; not convex, so a fit starts from huber's"
        yield consider(f"tukey:c={short(TUKEY_SCALES * r.scale)}", reason)
    if r.tail_ratio > 2:
        wide = f"{short(r.tail_ratio, 2)} times as wide as a normal distribution's"
        tails = f"the middle 98 % of the residuals is {wide}, and the pull of a row falls as 1/|e|"
        yield consider(f"cauchy:c={short(CAUCHY_SCALES * r.scale)}", f"c is 2.385 robust scales; {tails}")


def off_centre(r: Residuals) -> Iterator[Finding]:
    """Yield the quantile that predictions seem to be, if the share of targets below them is far from a half."""
    off = abs(r.coverage - 0.5)
    if off > 0.05 and off > 1.5 / math.sqrt(r.effective_n) and 0 < r.coverage < 1:
        tau = number_text(min(max(round(r.coverage, 3), 0.001), 0.999))
        share = f"{percent(r.coverage)} of the targets lie below their prediction"
        reason = (
            f"as a quantile forecast, it is that of tau={tau}; as one of the median, it is off by {short(r.median)}"
        )
        yield consider(f"quantile:tau={tau}", f"{share}: {reason}")


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
