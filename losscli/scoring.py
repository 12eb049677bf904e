"""The Python API for scikit-learn: scorer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.arguments import LossName, split_names, typed_name
from losscli.data.frames import as_array
from losscli.errors import DataError, UsageError
from losscli.estimators import check_scorable, predict_for
from losscli.lookup import get_loss
from losscli.loss_function import LossFunction, ReductionName
from losscli.options import EvaluationOptions


def scorer(loss: LossName, /, *, classes: Any = None, reduction: ReductionName = "mean", **params: Any) -> Scorer:
    """Return a loss as a scorer of scikit-learn: the larger the score, the better, so it is the negative loss.

    It goes wherever scikit-learn takes `scoring=`: `cross_val_score`, `cross_validate`, `GridSearchCV`,
    `learning_curve`, `permutation_importance`. The loss says which method of the estimator is asked:

    | the loss reads | the estimator is asked for |
    | --- | --- |
    | numbers (`mse`, `quantile`) or labels (`zero_one`) | `predict` |
    | probabilities (`bce`, `brier`, `cross_entropy`, `rps`; `zero_one` with a threshold) | `predict_proba` |
    | logits or margins (`hinge`, `softmax_loss`; any loss with `from_logits=true`) | `decision_function` |
    | log-probabilities (`nll`) | `predict_log_proba` |
    | a mean and a variance (`gaussian_nll`) | `predict(X, return_std=True)` |

    Labels may be numbers, booleans or text. They are numbered in the order of `estimator.classes_`, so the positive one
    of two classes is the second, as in scikit-learn. scikit-learn is imported only to route metadata.

    Args:
        loss: A loss as typed on the command line (`"huber:delta=2"`), a function from `get_loss`, or a declared loss.
        classes: All classes in order, as `y` has them. It is needed where the order matters and is not that of the
            alphabet (`rps`), and where a fold may lack a class: its probability is then 0.
        reduction: How per-sample losses become one number, as for `compute`.
        **params: Parameters of the loss (`delta=2`).

    Returns:
        A function of a fitted estimator and data.

    Raises:
        UsageError: The loss or a parameter is unknown, or the loss reads more than targets and predictions.

    Examples:
        >>> class Doubling:
        ...     def predict(self, X):
        ...         return [2 * x for (x,) in X]
        >>> score = losscli.scorer("huber:delta=2")
        >>> score(Doubling(), [[1.0], [2.0]], [2.0, 9.0])
        -4.0
        >>> score(Doubling(), [[1.0], [2.0]], [2.0, 9.0], sample_weight=[3, 1])
        -2.0

        With scikit-learn installed:

        >>> from sklearn.model_selection import cross_val_score  # doctest: +SKIP
        >>> cross_val_score(model, X, y, scoring=losscli.scorer("huber:delta=2")).mean()  # doctest: +SKIP
        -0.4321
    """
    function = get_loss(loss, **params)
    check_scorable(function.bound)
    EvaluationOptions(reduction=reduction).check()
    return Scorer(function, _class_list(classes), reduction)


def _class_list(classes: Any) -> tuple[Any, ...]:
    """Return classes as they are in the data, in order; empty if none are given.

    Raises:
        UsageError: They are no sequence, fewer than two, or one is given twice.
    """
    if classes is None:
        return ()
    names = split_names("classes", classes)
    if len(names) < 2:
        raise UsageError("must be two classes or more", option=("classes", ",".join(names)))
    return names if isinstance(classes, str) else tuple(as_array(classes, "classes").tolist())


class Scorer:
    """A loss as a function of a fitted estimator and data: `-loss`, as scikit-learn's scorers return it.

    `losscli.scorer` makes it. It can be pickled, copied and compared.

    Attributes:
        loss: The loss with its parameters, as `get_loss` returns it.
        classes: The classes in order; empty if they are those of the estimator.
        reduction: How per-sample losses become one number.

    Examples:
        >>> losscli.scorer("rps", classes=["low", "medium", "high"])
        losscli.scorer('rps', classes=['low', 'medium', 'high'])
    """

    def __init__(self, loss: LossFunction, classes: tuple[Any, ...] = (), reduction: ReductionName = "mean") -> None:
        self.loss = loss
        self.classes = classes
        self.reduction = reduction
        self.__name__ = loss.name
        self._weight_request: Any = None

    def __call__(self, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: N803
        """Return the negative loss of an estimator's predictions.

        Args:
            estimator: A fitted estimator: an object with the method that the loss needs.
            X: What the estimator predicts from.
            y: Targets or labels (N,), or (N, D).
            sample_weight: Weights (N,).

        Raises:
            UsageError: The estimator lacks the method that the loss needs, or was fitted on other classes.
            DataError: Predictions do not fit `y`, a value is outside of its domain, or a value is missing.
            NoResultError: No row counts: there is none, or all have weight 0.
        """
        if y is None:
            raise UsageError(f"{self.loss.bound.label} compares predictions with targets: a scorer needs y")
        found = predict_for(self.loss.bound, estimator, X, y, self.classes)
        _check_present([("y", found.y_true), (found.method, found.y_pred)])
        roles: dict[str, Any] = {} if found.variance is None else {"variance": found.variance}
        weight = None if sample_weight is None else as_array(sample_weight, "sample_weight")
        _check_present([("sample_weight", weight)])
        loss = self.loss.value(
            y_true=found.y_true, y_pred=found.y_pred, weight=weight, reduction=self.reduction, **roles
        )
        return 0.0 - loss

    def set_score_request(self, *, sample_weight: bool | str | None = None) -> Scorer:
        """Ask for weights where scikit-learn routes metadata, and return the scorer.

        Args:
            sample_weight: True to be given the weights that are passed as `sample_weight`, False to go without, or the
                name that they are passed by; None: that they are passed is an error.

        Raises:
            UsageError: Metadata routing is off in scikit-learn, or the name is no name.
        """
        if not _is_routing_enabled():
            raise UsageError(
                "scikit-learn passes no metadata on: sklearn.set_config(enable_metadata_routing=True) turns that on"
            )
        is_name = isinstance(sample_weight, str) and sample_weight.isidentifier()
        if not (sample_weight is None or isinstance(sample_weight, bool) or is_name):
            raise UsageError("must be True, False, None or a name", option=("sample_weight", sample_weight))
        self._weight_request = sample_weight
        return self

    def get_metadata_routing(self) -> Any:
        """Return what scikit-learn asks of whatever may be routed: a `MetadataRequest`."""
        from sklearn.utils.metadata_routing import MetadataRequest

        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._weight_request)
        return request

    def _accept_sample_weight(self) -> bool:
        """Return that weights are accepted: `GridSearchCV.score` and several scorers at once ask so."""
        return True

    def _routing_repr(self) -> str:
        """Return what messages of scikit-learn call the scorer."""
        return repr(self)

    def _identity(self) -> tuple[Any, ...]:
        return self.loss, self.classes, self.reduction, self._weight_request

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, Scorer) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        classes = f", classes={list(self.classes)!r}" if self.classes else ""
        reduction = f", reduction={self.reduction!r}" if self.reduction != "mean" else ""
        return f"losscli.scorer({typed_name(self.loss.bound)!r}{classes}{reduction})"


def _is_routing_enabled() -> bool:
    """Return whether scikit-learn is there, and routes metadata."""
    try:
        from sklearn import get_config
    except ImportError:
        return False
    return bool(get_config().get("enable_metadata_routing"))


def _check_present(arrays: Sequence[tuple[str, NDArray[Any] | None]]) -> None:
    """Raise a DataError if a value is missing: a mean without it would be of other rows."""
    for name, values in arrays:
        if values is not None and values.dtype.kind == "f" and np.isnan(values).any():
            row = int(np.isnan(values).reshape(len(values), -1).any(axis=1).argmax()) + 1
            raise DataError(f"{name}, row {row}: a value is missing; a scorer needs a number in each row")
