"""Losses that are consistent for a functional of the targets: its own value is the prediction of least expected loss.

Such a loss can be decomposed, and pictures of calibration are drawn for its functional: a mean, a probability, a
quantile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from losscli.declaration.domains import Array
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Functional, Reduction
from losscli.errors import UsageError
from losscli.losses._numerics import sigmoid, weigh

CONSISTENT_LOSSES = (
    "mse, mae, quantile, bce, brier, cross_entropy of two classes, and poisson, gamma and tweedie deviance"
)

SMALLEST_KEY = 2.0**-54
"""Size of the key of a probability of 1: less than 1 minus any other."""

MAX_LOGIT_OF_KEYS = 1000.0
"""A logit that stands for infinity: its probability is 0 or 1 to the last digit."""

LEAST_MEAN = 1e-12
"""Stands for a mean of 0 or less where a loss takes positive predictions only: its losses have a limit there."""

NEUTRAL = {"label_smoothing": 0.0, "pos_weight": 1.0, "class_weight": None}
"""Values of parameters that leave a loss of probabilities consistent."""

PROBABILITY_SCALE, LOGIT, LOG = "probability", "logit", "log"


@dataclass(frozen=True)
class ConsistentLoss:
    """A loss with the functional that it is consistent for.

    Attributes:
        bound: The loss with its parameters.
        form: The form of the loss.
        functional: `mean` or `quantile`, of a level.
        scale: What predictions are: `""` for values of the functional, `probability`, `logit` for logits, `log` for
            logarithms.
        has_classes: Whether targets are class labels (or rows of class probabilities), and predictions rows of two.
        has_signs: Whether the kernel takes the targets -1 and 1.
    """

    bound: BoundLoss
    form: Form
    functional: Functional
    scale: str = ""
    has_classes: bool = False
    has_signs: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the form as its index among those of the loss."""
        return _restore, (self.bound, self.bound.loss.forms.index(self.form))

    @property
    def label(self) -> str:
        return self.bound.label

    @property
    def is_probability(self) -> bool:
        """Whether the functional is the probability of a label 1, or of the second of two classes."""
        return self.scale in (PROBABILITY_SCALE, LOGIT)

    @property
    def name(self) -> str:
        """The functional in words."""
        if self.is_probability:
            return "probability"
        if self.functional.name == "mean":
            return "mean"
        return "median" if self.functional.level == 0.5 else f"{self.functional.level:g}-quantile"

    def targets(self, y_true: Array) -> Array:
        """Return the targets (N,) or (N, K) as numbers that the functional is of."""
        y = np.asarray(y_true, dtype=np.float64)
        if self.has_classes:
            return np.asarray(y[:, 1] if y.ndim == 2 and y.shape[1] == 2 else y.reshape(len(y)))
        y = y[:, 0] if y.shape[1:] == (1,) else y
        return np.where(y == -1, 0.0, y) if self.is_probability and (y < 0).any() else y

    def keys(self, y_pred: Array) -> Array:
        """Return predictions (N, ...) as keys, from which `predictions` gives values of the functional.

        A probability p of more than a half has the key -(1 - p), so that keys near 0 tell those near 1 apart, too.
        """
        x = np.asarray(y_pred, dtype=np.float64)
        x = x[:, 0] if x.shape[1:] == (1,) else x
        if self.scale == LOG:
            return np.asarray(np.exp(x))
        if not self.is_probability:
            return x
        if self.has_classes:
            _check_two_classes(self.label, x.shape)
            if self.scale == LOGIT:
                x = x[:, 1] - x[:, 0]
            else:
                x = x[:, 1] / x.sum(axis=1) if self.bound.params.get("normalize") else x[:, 1]
        if self.scale == LOGIT:
            return np.where(x > 0, -np.maximum(sigmoid(-x), SMALLEST_KEY), sigmoid(x))
        return keys_of_probabilities(x)

    def keys_of_values(self, values: Array) -> Array:
        """Return values of the functional as keys."""
        return keys_of_probabilities(values) if self.is_probability else values

    def values_of_keys(self, keys: Array) -> Array:
        """Return the values of the functional that have these keys."""
        return np.where(keys < 0, 1 + keys, keys) if self.is_probability else keys

    def losses(self, targets: Array, values: Array) -> Array:
        """Return the losses (N,) of values of the functional (N,) as predictions of targets (N,)."""
        params = self.bound.params | {
            name: False for name in ("from_logits", "log_input", "normalize") if name in self.bound.params
        }
        keywords = {name: params[name] for name in self.form.keywords[self.form.kernel]}
        predicted = np.asarray(values, dtype=np.float64)
        if params.get("power", 0.0) < 0:  # targets may be negative, predictions not
            predicted = np.maximum(predicted, LEAST_MEAN)
        with np.errstate(all="ignore"):
            if self.scale == LOGIT and "from_logits" not in params:
                predicted = np.clip(np.log(predicted) - np.log1p(-predicted), -MAX_LOGIT_OF_KEYS, MAX_LOGIT_OF_KEYS)
            if self.has_signs:
                of_sign = [
                    self.form.kernel(np.full(predicted.shape, sign), predicted, **keywords) for sign in (-1.0, 1.0)
                ]
                return weigh(1 - targets, of_sign[0]) + weigh(targets, of_sign[1])
            if not self.has_classes:
                found = np.asarray(self.form.kernel(targets, predicted, **keywords), dtype=np.float64)
                # a deviance of 0 from a mean of 0
                return np.where(np.isnan(found) & (targets == values), 0.0, found)
            if self.scale == LOGIT and "from_logits" not in params:
                rows = np.stack([np.zeros_like(predicted), predicted], axis=1)
            else:
                rows = np.stack([1 - predicted, predicted], axis=1)
            of_class = [self.form.kernel(np.full(len(rows), c), rows, **keywords) for c in (0, 1)]
            return weigh(1 - targets, of_class[0]) + weigh(targets, of_class[1])

    def curves_in_target(self) -> bool:
        """Tell whether the loss of a target between 0 and 1 is not on the line between the losses of these."""
        ends_and_middle = self.losses(np.array([0.0, 1.0, 0.5]), np.full(3, 0.25))
        return not np.isclose(ends_and_middle[:2].mean(), ends_and_middle[2])


def keys_of_probabilities(p: Array) -> Array:
    """Return p up to a half, and -(1 - p) above; of a size that is 0 or at least SMALLEST_KEY."""
    low = np.where(p < SMALLEST_KEY, 0.0, p)
    return np.where(p > 0.5, -np.maximum(1 - p, SMALLEST_KEY), low)


def consistent_loss(bound: BoundLoss, form: Form | None = None) -> ConsistentLoss:
    """Return a loss with the functional that it is consistent for, by what it declares.

    Raises:
        UsageError: It is consistent for none that a decomposition is known for.
    """
    loss, form = bound.loss, form or bound.loss.forms[0]
    label, elicited = bound.label, bound.loss.elicits
    if form.coupled or set(form.names) != {"y_true", "y_pred"}:
        raise _refusal(f"{label} is not a loss of y_true and y_pred row by row")
    if loss.reduction is not Reduction.MEAN:
        function = loss.reduction.function
        raise _refusal(f"{label} is no mean over rows" + (f", but the {function} of one" if function else ""))
    changed = [name for name, value in NEUTRAL.items() if name in bound.params and not _is(bound.params[name], value)]
    if loss.family == "regression":
        if "denominator" in form.hooks:
            raise _refusal(f"{label} is a ratio of sums, no mean over rows")
        functional = bound.functional or (Functional("mean") if elicited == "mean" else None)
        if functional is not None and functional.name == "quantile" and not 0 < functional.level < 1:
            raise _refusal(f"{label} aims at an end of the targets, not at a quantile")
        if functional is not None and functional.name in ("mean", "quantile"):
            return ConsistentLoss(bound, form, functional, LOG if bound.params.get("log_input") else "")
    is_of_classes = any(shape == "N,C" for shape in _shapes(form)) and not any(s == "N*" for s in _shapes(form))
    is_of_probabilities = elicited.startswith("mean (the ")
    is_of_log_odds = elicited.startswith("log-odds") and loss.family in ("binary", "multiclass")
    if is_of_probabilities or is_of_log_odds:
        if changed:
            raise _refusal(f"{label} has its minimum elsewhere than at the probability, because of {changed[0]}")
        scale = LOGIT if is_of_log_odds or bound.params.get("from_logits") else PROBABILITY_SCALE
        has_signs = any(getattr(role.domain, "signs", False) for role in form.roles)
        return ConsistentLoss(bound, form, Functional("mean"), scale, is_of_classes, has_signs)
    aim = f"is minimised by {elicited}" if elicited else "is consistent for no functional of the targets"
    raise _refusal(f"{label} {aim}")


def _restore(bound: BoundLoss, form: int) -> ConsistentLoss:
    return consistent_loss(bound, bound.loss.forms[form])


def check_shapes(loss: ConsistentLoss, shape: tuple[int, ...]) -> None:
    """Check the shape of predictions (N, ...), in which unknown sizes are -1.

    Raises:
        UsageError: They are of more than two classes.
    """
    if loss.has_classes and len(shape) == 2 and shape[1] > 0:
        _check_two_classes(loss.label, shape)


def _check_two_classes(label: str, shape: tuple[int, ...]) -> None:
    if shape[1] != 2:
        problem = f"{label} is of {shape[1]} classes here, which have no order to be isotonic in"
        raise UsageError(f"{problem}: calibration is shown of one probability, by brier or bce of one class")


def _shapes(form: Form) -> tuple[str, ...]:
    return next((role.domain.shapes for role in form.roles if role.name == "y_pred"), ())


def _is(value: Any, neutral: float | None) -> bool:
    return value is None if neutral is None else bool(np.all(np.asarray(value) == neutral))


def _refusal(problem: str) -> UsageError:
    return UsageError(f"{problem}; consistent for a mean, a quantile or a probability are {CONSISTENT_LOSSES}")
