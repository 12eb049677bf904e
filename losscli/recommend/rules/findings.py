"""Findings: what a rule says of a loss, and what the rules of several tasks share."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from losscli.declaration.domains import EPS
from losscli.recommend.calibration import CalibrationVerdict
from losscli.recommend.facts import rates_text
from losscli.recommend.label_facts import slope_text
from losscli.recommend.profile import Profile
from losscli.recommend.summary import percent, short

RARE_SHARE = 0.1
"""A class or label is rare below this share of the rows."""


class Verdict(enum.StrEnum):
    """The verdict on a loss, the best first."""

    USE = "use"
    CONSIDER = "consider"
    AVOID = "avoid"
    REFUSED = "refused"


class Finding(NamedTuple):
    """A verdict on a loss as typed, with the reason."""

    verdict: Verdict
    loss: str
    reason: str


use = partial(Finding, Verdict.USE)
consider = partial(Finding, Verdict.CONSIDER)
avoid = partial(Finding, Verdict.AVOID)
refuse = partial(Finding, Verdict.REFUSED)


def count_ruled_out(d: Profile) -> int:
    """Return the number of rows whose label was given the probability 0."""
    has_one_label = d.has_class_labels or d.is_one_hot
    return d.zero_probability_rows + (0 if has_one_label else d.one_probability_rows)


def clipping_reason(d: Profile) -> str:
    """Say in how many rows eps decides the loss."""
    rows = f"in {count_ruled_out(d)} of {d.n} rows, the true label was given the probability 0"
    return f"{rows}: each costs -log(eps) = {short(-math.log(EPS))}, so eps sets the number, not the data"


def judge_bce(d: Profile, proper: str) -> Finding:
    """Return the finding on cross-entropy of probabilities; `proper` is the reason if no label was given 0."""
    if not count_ruled_out(d):
        return use("bce", with_calibration(d, proper))
    verdict = avoid if d.pred.has_only(0, 1) else consider
    return verdict("bce", clipping_reason(d))


PROBABILITIES_ARE: dict[CalibrationVerdict, str] = {
    CalibrationVerdict.CALIBRATED: "calibrated as far as the rows tell",
    CalibrationVerdict.OVERCONFIDENT: "overconfident",
    CalibrationVerdict.UNDERCONFIDENT: "underconfident",
    CalibrationVerdict.TOO_HIGH: "too high on average",
    CalibrationVerdict.TOO_LOW: "too low on average",
    CalibrationVerdict.CURVED: "miscalibrated, though slope and mean are right",
    CalibrationVerdict.UNRELATED: "unrelated to the labels",
}


def with_calibration(d: Profile, reason: str) -> str:
    """Return a reason, and whether the probabilities are calibrated, if the data tells."""
    r = d.recalibration
    if r is None:
        return reason
    numbers = f": {slope_text(r)}"
    if r.verdict is CalibrationVerdict.CALIBRATED:
        numbers = ""
    elif r.verdict in (CalibrationVerdict.TOO_HIGH, CalibrationVerdict.TOO_LOW):
        numbers = f": {percent(r.mean)}, with label 1 in {percent(r.rate)} of the rows"
    return f"{reason}; y_pred is {PROBABILITIES_ARE[r.verdict]}{numbers}"


def is_miscalibrated(d: Profile) -> bool:
    """Return whether recalibration would change the probabilities."""
    return d.recalibration is not None and d.recalibration.verdict is not CalibrationVerdict.CALIBRATED


def judge_accuracy(d: Profile, frequent_share: float) -> Iterator[Finding]:
    """Yield why the share of wrong labels is not enough, if a constant does well or probabilities are miscalibrated."""
    if is_miscalibrated(d) and d.recalibration is not None:
        what = PROBABILITIES_ARE[d.recalibration.verdict]
        yield avoid("zero_one", f"sees only which label is likelier, not that y_pred is {what}")
    elif 1 - frequent_share < RARE_SHARE:
        yield avoid("zero_one", f"predicting the frequent label in every row gets {percent(1 - frequent_share)}")
    else:
        yield consider("zero_one", "the share of wrong labels: suits if only decisions count, not the probabilities")


def range_reason(d: Profile) -> str:
    """Say that the predictions are no probabilities."""
    return f"y_pred goes from {d.pred.range}; it reads probabilities in [0, 1] unless from_logits=true"


def row_sum_reason(d: Profile, name: str) -> str:
    """Say that the rows of the predictions are none of what `name` names."""
    low, high = map(short, d.pred.sums)
    return f"y_pred goes from {d.pred.range} and its rows sum to {low} to {high}: {name} sum to 1"


def rare_labels_reason(d: Profile) -> str:
    """Say how often labels are on, and what the asymmetric loss does about it."""
    return f"labels are on in {rates_text(d)} of the rows: labels that are off and predicted to be off count for less"
