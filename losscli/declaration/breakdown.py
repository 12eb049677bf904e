"""The breakdown point of a loss of a residual: the share of bad rows that can take its best constant anywhere."""

from __future__ import annotations

from typing import NamedTuple

from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Property, Reduction


class Breakdown(NamedTuple):
    """The asymptotic breakdown point of the location M-estimator of a loss, its scale being known; and where it holds.

    Huber & Ronchetti 2009, Robust Statistics, 3.2.
    """

    point: float
    condition: str = ""


NONE_BAD = "one row is enough"
KNOWN_SCALE = "known scale"
HAS_LOCAL_MINIMA = f"{KNOWN_SCALE}; a fit may stop at a local minimum"
REDESCENDS = f"{KNOWN_SCALE}; less if good rows lie far apart; a fit may stop at a local minimum"
"""Huber 1984, doi:10.1214/aos/1176346588: (1 - a) / (2 - a), a the mean loss of the others in units of the largest."""


def breakdown_of(bound: BoundLoss) -> Breakdown | None:
    """Return the breakdown point of the constant that minimises a loss of `y_pred + c`; None where it has no meaning.

    Nor has it one where rows have more than a target and a prediction: a scale of its own, say, is a weight of the row.
    It is 1/2 where one row has a bounded gradient and both sides weigh the same: of a convex loss because so many rows
    balance the others (Huber 1964, doi:10.1214/aoms/1177703732), of one that grows less than in proportion because
    its sum is smaller near the many (Mizera & Müller 1999, doi:10.1214/aos/1017938926).
    """
    loss, properties, functional = bound.loss, bound.properties, bound.functional
    if not loss.of_residual or not loss.declares_properties or any(form.coupled for form in loss.forms):
        return None
    if loss.no_ranking or loss.forms[0].names != ["y_true", "y_pred"]:
        return None
    if loss.reduction is Reduction.MAX:
        return Breakdown(0.0, NONE_BAD)
    if functional is not None:
        point = min(functional.level, round(1 - functional.level, 15)) if functional.name == "quantile" else 0.0
        return Breakdown(point, "" if point else NONE_BAD)
    if Property.BOUNDED_GRADIENT not in properties:
        is_open = Property.BOUNDED_VALUE in properties  # an absurd row costs no more than another
        return None if is_open else Breakdown(0.0, NONE_BAD)
    if Property.SYMMETRIC not in properties or Property.TRANSLATION_INVARIANT not in properties:
        return None
    if loss.reduction is Reduction.MEDIAN:
        return Breakdown(0.5)
    if Property.CONVEX in properties:
        return Breakdown(0.5, KNOWN_SCALE)
    return Breakdown(0.5, REDESCENDS if Property.BOUNDED_VALUE in properties else HAS_LOCAL_MINIMA)
