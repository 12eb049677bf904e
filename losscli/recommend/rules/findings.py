"""What a rule says of a loss, and what the rules of several tasks share."""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

from losscli.declaration.domains import EPS
from losscli.recommend.facts import percent
from losscli.recommend.profile import Profile
from losscli.recommend.summary import short

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


def use(loss: str, reason: str) -> Finding:
    """Return the finding that a loss suits the data."""
    return Finding(Verdict.USE, loss, reason)


def consider(loss: str, reason: str) -> Finding:
    """Return the finding that a loss may suit the data."""
    return Finding(Verdict.CONSIDER, loss, reason)


def avoid(loss: str, reason: str) -> Finding:
    """Return the finding that a loss does not suit the data."""
    return Finding(Verdict.AVOID, loss, reason)


def refuse(loss: str, reason: str) -> Finding:
    """Return the finding that a loss refuses the data."""
    return Finding(Verdict.REFUSED, loss, reason)


def count_ruled_out(d: Profile) -> int:
    """Return the number of rows whose label was given the probability 0."""
    if d.classes or d.one_hot:
        return d.zero_probability_rows
    return d.zero_probability_rows + d.one_probability_rows


def are_labels(d: Profile) -> bool:
    """Return whether the predictions are labels."""
    return d.pred.only(0, 1)


def clipping_reason(d: Profile) -> str:
    """Say in how many rows eps decides the loss."""
    return (
        f"in {count_ruled_out(d)} of {d.n} rows what happened was given the probability 0: each costs -log(eps) = "
        f"{short(-math.log(EPS))}, so eps sets the number, not the data"
    )


def range_reason(d: Profile) -> str:
    """Say that the predictions are no probabilities."""
    return f"y_pred goes from {d.pred.range}; it reads probabilities in [0, 1] unless from_logits=true"


def rates_reason(d: Profile) -> str:
    """Say how often labels are on."""
    return f"labels are on in {percent(min(d.class_shares))} to {percent(max(d.class_shares))} of the rows"
