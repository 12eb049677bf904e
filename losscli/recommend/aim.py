"""The functional of the targets that forecasts shall be: as requested, or as the residuals show."""

from __future__ import annotations

import math
from typing import NamedTuple

from losscli.declaration.names import half_width
from losscli.declaration.properties import Functional
from losscli.errors import UsageError
from losscli.messages import number_of, number_text, one_line
from losscli.recommend.residuals import STANDARD_ERRORS, Residuals
from losscli.recommend.summary import percent, short

SURE_ERRORS = 2.5
"""Standard errors beyond which predictions surely are no means."""

ALIKE_GAP = 0.1
"""Mean and median of the residuals agree within so many robust scales."""

SYMMETRIC_SKEW = 0.25
"""Kelly's skewness below which a difference of mean and median within noise is taken for none."""

MOSTLY_ZERO = 0.5
"""The share of targets that are 0 from which on their median is."""

EITHER = "mean or median"


class Aim(NamedTuple):
    """What forecasts shall be: `mean`, `quantile` of a level, or EITHER where mean and median cannot be told apart.

    `reason` says why that is assumed, or that it was requested. `is_unclear` is whether nothing speaks for it.
    """

    functional: str
    level: float
    reason: str
    is_requested: bool = False
    is_unclear: bool = False

    @property
    def label(self) -> str:
        """The functional as it is requested."""
        if self.functional != "quantile":
            return self.functional
        return "median" if self.is_median else f"quantile:{number_text(self.level)}"

    @property
    def is_mean(self) -> bool:
        return self.functional == "mean"

    @property
    def is_centre(self) -> bool:
        return self.functional == EITHER

    @property
    def is_median(self) -> bool:
        return self.functional == "quantile" and self.level == 0.5

    @property
    def is_quantile(self) -> bool:
        """Whether it is another quantile than the median."""
        return self.functional == "quantile" and self.level != 0.5


def parse_target(text: str) -> Functional | None:
    """Return the functional that a text names; None for `auto`.

    Raises:
        UsageError: It names none.
    """
    problem = "must be auto, mean, median or quantile:TAU, with TAU above 0 and below 1"
    if not isinstance(text, str):
        raise UsageError(f"target {problem}, unlike {one_line(text)}")
    name, colon, level = half_width(text).strip().lower().partition(":")
    if not colon and name in ("auto", "mean", "median"):
        return None if name == "auto" else Functional("mean" if name == "mean" else "quantile")
    if name == "quantile" and colon:
        try:
            tau = number_of(level.strip().removeprefix("tau="))
        except ValueError:
            tau = math.nan
        if 0 < tau < 1:
            return Functional("quantile", tau)
    raise UsageError(problem, option=("target", text))


def find_aim(r: Residuals, target: Functional | None, zero_share: float, are_amounts: bool) -> Aim:
    """Return what forecasts are, by the identification functions of mean and median and their standard errors.

    Args:
        r: The residuals.
        target: What was requested; None if nothing was.
        zero_share: The share of the targets that are 0, if none is below.
        are_amounts: Whether targets are counts, or >= 0 and skewed or spread more where predictions are large.
    """
    mean = f"mean residual {short(r.mean)} (± {short(STANDARD_ERRORS * r.mean_error, 2)})"
    below = f"{percent(r.coverage)} of the targets below their prediction"
    if target is not None:
        return Aim(target.name, target.level, mean if target.name == "mean" else below, is_requested=True)
    if r.are_zero:
        return Aim(EITHER, 0.5, "every residual is 0: the data cannot tell", is_unclear=True)
    if r.has_few_rows:
        return Aim(EITHER, 0.5, "too few rows to tell", is_unclear=True)
    are_means, are_medians = abs(r.mean_z) <= STANDARD_ERRORS, abs(r.median_z) <= STANDARD_ERRORS
    is_noise = abs(r.mean - r.median) <= STANDARD_ERRORS * r.mean_error
    agree = abs(r.mean_gap) <= ALIKE_GAP or (is_noise and abs(r.skew) < SYMMETRIC_SKEW)
    if zero_share >= MOSTLY_ZERO and (are_means or not are_medians):
        return Aim("mean", 0.5, f"{percent(zero_share)} of the targets are 0, and so is their median; {mean}")
    if are_means and not are_medians and (are_amounts or not is_noise):
        return Aim("mean", 0.5, f"{mean}, within 2 standard errors of 0; no medians: {below}")
    if are_medians and abs(r.mean_z) > SURE_ERRORS and not agree:
        return Aim("quantile", 0.5, f"{below}, within 2 standard errors of a half; no means: {mean}")
    if are_amounts:
        return Aim(
            "mean",
            0.5,
            f"usual for counts and amounts; {mean}, {below}",
            is_unclear=not are_means and not r.is_slightly_off,
        )
    if agree:
        known = "errors are symmetric, so that both agree"
        return Aim(
            EITHER, 0.5, f"{known}; {mean}, {below}", is_unclear=not (are_means or are_medians or r.is_slightly_off)
        )
    if 2 * abs(r.median) < abs(r.mean):
        return Aim("quantile", 0.5, f"nearer to medians than to means: {below}, {mean}", is_unclear=True)
    return Aim("mean", 0.5, f"the usual forecast; the data does not tell: {mean}, {below}", is_unclear=True)
