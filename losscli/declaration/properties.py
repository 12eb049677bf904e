"""What is claimed of a loss: properties, its reduction, its best constant, the order that it gives predictions."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Property(enum.Flag):
    """What is true of a loss as a function of its prediction. Tests try each claim, and bounds that are not claimed.

    The prediction is inside its domain. Bounds hold for all rows, whatever their targets, with the clipping of
    probabilities: no row can make the value (the gradient) arbitrarily large. The others hold where nothing is clipped.

    Attributes:
        NONE: Nothing is claimed.
        CONVEX: Convex in the prediction.
        DIFFERENTIABLE: It has a derivative everywhere.
        BOUNDED_VALUE: No row can make the value arbitrarily large.
        BOUNDED_GRADIENT: No row can pull a fit without limit.
        SYMMETRIC: `y_true` and `y_pred` can be swapped.
        TRANSLATION_INVARIANT: Adding a constant to both changes nothing.

    Examples:
        >>> claimed = losscli.get_loss("mae").bound.properties
        >>> losscli.Property.BOUNDED_GRADIENT in claimed, losscli.Property.DIFFERENTIABLE in claimed
        (True, False)
    """

    NONE = 0
    CONVEX = enum.auto()
    DIFFERENTIABLE = enum.auto()
    BOUNDED_VALUE = enum.auto()
    BOUNDED_GRADIENT = enum.auto()
    SYMMETRIC = enum.auto()
    TRANSLATION_INVARIANT = enum.auto()


class Claim(NamedTuple):
    """Properties for some values of the parameters: where `holds(**params)`, in words the `condition`."""

    properties: Property
    condition: str
    holds: Callable[..., bool]


def given(properties: Property, **values: Any) -> Claim:
    """Return the claim of properties where parameters have these values.

    Args:
        properties: What is true then.
        **values: Parameter -> value.

    Examples:
        >>> losscli.given(losscli.Property.CONVEX, power=2).condition
        'power=2'
    """
    texts = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]
    return Claim(properties, " and ".join(texts), lambda **params: all(params[k] == v for k, v in values.items()))


class Reduction(enum.StrEnum):
    """How per-sample losses become one number by default.

    Attributes:
        MEAN: The (weighted) mean.
        ROOT_MEAN: The root of the mean.
        EXP_MEAN: The exponential of the mean.
        MEDIAN: The median.
        MAX: The maximum.

    Examples:
        >>> losscli.get_loss("rmse").bound.loss.reduction is losscli.Reduction.ROOT_MEAN
        True
    """

    MEAN = "mean"
    ROOT_MEAN = "root_mean"
    EXP_MEAN = "exp_mean"
    MEDIAN = "median"
    MAX = "max"

    @property
    def function(self) -> str:
        """What is taken of the mean: `root` or `exponential`; empty if nothing is."""
        return {"root_mean": "root", "exp_mean": "exponential"}.get(self.value, "")

    def of_mean(self, mean: float) -> float:
        """Return the value, given the mean of the losses of rows."""
        if self is Reduction.ROOT_MEAN:
            return math.sqrt(mean) if not mean < 0 else math.nan
        if self is Reduction.EXP_MEAN:
            try:
                return math.exp(mean)
            except OverflowError:
                return math.inf
        return mean

    def of_end(self, end: float) -> float:
        """Return an end of an interval of the value, given that of the mean, which may reach below what is possible."""
        return self.of_mean(max(end, 0.0) if self is Reduction.ROOT_MEAN else end)

    def mean_of(self, value: float) -> float:
        """Return the mean of the losses of rows, given the value."""
        if self is Reduction.ROOT_MEAN:
            return value * value
        if self is Reduction.EXP_MEAN:
            return math.log(value) if value > 0 else -math.inf
        return value

    def slope(self, value: float) -> float:
        """Return by how much the value moves with the mean; 1 at a root of 0, where there is no slope."""
        if self is Reduction.ROOT_MEAN:
            return 1 / (2 * value) if value > 0 else 1.0
        return value if self is Reduction.EXP_MEAN else 1.0

    def difference(self, gap: float, value: float, other: float) -> float:
        """Return how far a value is above another one, given by how much its mean is: nothing cancels."""
        if self is Reduction.ROOT_MEAN:
            return gap / (value + other)
        return other * math.expm1(gap) if self is Reduction.EXP_MEAN else gap


class Functional(NamedTuple):
    """The functional of the targets that minimizes a loss of `y_pred - y_true` as a constant prediction.

    Attributes:
        name: `mean`, `midrange` or `quantile`.
        level: The level of the quantile.

    Examples:
        >>> losscli.get_loss("quantile", tau=0.9).bound.functional
        Functional(name='quantile', level=0.9)
    """

    name: str
    level: float = 0.5


Ordering = tuple[str, Mapping[str, Any]]
"""The name and the parameters of a loss that stands for all losses that order predictions as it does."""
