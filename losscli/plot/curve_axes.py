"""What the x axis of a curve stands for: the axes that curves can share, and the paths of data along them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Domain, Probabilities
from losscli.declaration.domains.labels import BinaryLabels
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss

TRUE_PROBABILITY = 0.3
"""The true probability of the first of two classes, where two distributions are compared."""


class CurveAxis(NamedTuple):
    """An axis that curves can share.

    Attributes:
        label: What is printed below it.
        name: What it is called in a sentence.
        gradient: By what the slope is taken, as the label of the other panel's y axis.
        interval: The least and the largest value that it can have.
        usual: The range to draw; where it `fits_parameters`, the least one.
        worse: In which direction a prediction gets worse: -1, 1, or 0 for both.
        fits_parameters: Whether the range grows and shrinks with the parameters of the losses, around 0.
    """

    label: str
    name: str
    gradient: str
    interval: tuple[float, float]
    usual: tuple[float, float]
    worse: int
    fits_parameters: bool = False


ANYWHERE = (-math.inf, math.inf)
AXES = {
    "residual": CurveAxis("y_pred − y_true", "the residual", "by y_pred", ANYWHERE, (-3, 3), 0, True),
    "prediction": CurveAxis("y_pred, where y_true = 1", "y_pred", "by y_pred", ANYWHERE, (-2, 4), 0),
    "time": CurveAxis("y_pred, where time = 1", "y_pred beside a time", "by y_pred", ANYWHERE, (-2, 4), 0),
    "probability": CurveAxis(
        "probability of the true class", "the probability of the true class", "by the probability", (0, 1), (0, 1), -1
    ),
    "logit": CurveAxis(
        "logit of the true class", "the logit of the true class", "by the logit", ANYWHERE, (-5, 5), -1, True
    ),
    "margin": CurveAxis("margin: y · score", "the margin", "by the margin", ANYWHERE, (-3, 3), -1, True),
    "distance": CurveAxis("distance of the pair", "the distance", "by the distance", (0, math.inf), (0, 2), 0, True),
    "distance_gap": CurveAxis(
        "d(anchor, positive) − d(anchor, negative)",
        "the difference of the distances",
        "by the difference",
        ANYWHERE,
        (-1, 1),
        1,
        True,
    ),
    "shift": CurveAxis(
        "shift of the box, in widths: IoU 1 at 0, 0 from 1 on", "the shift", "by the shift", ANYWHERE, (0, 2), 1
    ),
    "width": CurveAxis("width of the box; the true one is 1", "the width", "by the width", (0, math.inf), (0, 3), 0),
    "cosine": CurveAxis("cosine", "the cosine", "by the cosine", (-1, 1), (-1, 1), -1),
    "angle": CurveAxis(
        "angle to the class centre, degrees", "the angle", "by the angle, per degree", (0, 180), (0, 180), 1
    ),
    "q": CurveAxis(f"q of a class, whose true probability is {TRUE_PROBABILITY}", "q", "by q", (0, 1), (0, 1), 0),
}
"""Axes by their names in JSON; curves on the same one can be compared."""


class Path(NamedTuple):
    """The rows of data along an axis.

    Attributes:
        axis: The key of the axis.
        form: The form of the loss that reads the rows.
        arrays: From values x (n,) of the axis to the arrays of the roles, n rows each; where rows are coupled, from one
            value to a whole data set, all rows of which have the same loss.
        tangent: From x to the derivative of the array that the gradient is taken by, of the same shape.
        case: What else the curve stands for, if there is a curve for other cases: `y = 0`.
        interval: Where x must be.
        label: The label of the axis, if this loss has a better one.
        remarks: What is held constant.
    """

    axis: str
    form: Form
    arrays: Callable[[Array], dict[str, Array]]
    tangent: Callable[[Array], Array]
    case: str = ""
    interval: tuple[float, float] = ANYWHERE
    label: str = ""
    remarks: tuple[str, ...] = ()


PathRule = Callable[[BoundLoss, Form, Mapping[str, Domain]], Iterator[Path]]


def constant(x: Array, *row: float) -> Array:
    """Return the same row for each x: (n,) of one number, else (n, k)."""
    return np.full(len(x), row[0]) if len(row) == 1 else np.tile(np.array(row), (len(x), 1))


def stack_columns(x: Array, *entries: Array | float) -> Array:
    """Return rows whose entries are functions of x, or constant."""
    return np.stack([np.broadcast_to(np.asarray(entry, dtype=np.float64), x.shape) for entry in entries], axis=1)


def is_real(domain: Domain) -> bool:
    """Tell whether a role is numbers that stand each for themselves, and no probabilities or labels."""
    is_number = domain.shapes[0] in ("N*", "N") and not domain.whole_column_is_one_sample
    return is_number and not domain.is_label and not isinstance(domain, (Probabilities, BinaryLabels))
