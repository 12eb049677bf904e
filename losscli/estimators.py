"""What a loss needs of a fitted estimator: which method is asked, and labels numbered as the estimator has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.frames import as_array, check_column_order, frame_columns
from losscli.data.interchange import materialize, side_by_side
from losscli.data.values import shorten
from losscli.declaration.domains import Probabilities, Simplex
from losscli.declaration.domains.arrays import LogProbabilityRows
from losscli.declaration.domains.distributions import Distribution
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError, UsageError

SCORED_ROLES = frozenset({"y_true", "y_pred", "variance"})
"""What an estimator and its targets can give."""

PROBABILITY_METHODS = ("predict_proba", "predict_log_proba")

WHAT_IS_READ = {
    "predict": "predictions",
    "predict_proba": "probabilities",
    "decision_function": "logits or margins",
    "predict_log_proba": "log-probabilities",
}
"""Method of an estimator -> what it gives."""


class Prediction(NamedTuple):
    """Targets and predictions as a loss reads them; `method` is the one that the estimator was asked for."""

    method: str
    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    variance: NDArray[Any] | None = None


def scorable_forms(bound: BoundLoss) -> list[Form]:
    """Return the forms of a loss that an estimator and its targets are enough for."""
    replaced = {role for role, parameter in bound.loss.alternatives if bound.params[parameter] is not None}
    return [form for form in bound.loss.forms if {"y_true", "y_pred"} <= {*form.names} - replaced <= SCORED_ROLES]


def check_scorable(bound: BoundLoss) -> None:
    """Raise a UsageError if a loss reads more than targets and predictions."""
    if not scorable_forms(bound):
        names = ", ".join(bound.loss.forms[0].names)
        raise UsageError(f"{bound.label} reads {names}; a scorer has targets and the predictions of an estimator alone")


def method_for(bound: BoundLoss, form: Form) -> str:
    """Return the method of an estimator that gives what a form of a loss reads as `y_pred`."""
    domains = {role.name: role.domain for role in form.roles}
    predicted = domains["y_pred"]
    from_logits = bool(bound.params.get("from_logits"))
    if predicted.is_compared:
        return "predict_proba" if "threshold" in bound.given else "predict"
    if isinstance(predicted, Distribution):
        return "predict"  # of rows of targets that are distributions; labels have probabilities
    if isinstance(predicted, (Probabilities, Simplex)):
        return "decision_function" if from_logits else "predict_proba"
    if isinstance(predicted, LogProbabilityRows):
        return "predict_log_proba"
    return "decision_function" if domains["y_true"].is_label else "predict"


def predict_for(bound: BoundLoss, estimator: Any, inputs: Any, y: Any, classes: Sequence[Any]) -> Prediction:
    """Return what a loss reads of an estimator, and of its targets `y` (N,) or (N, D).

    Raises:
        UsageError: The estimator lacks a method, or the loss is not for the classes that it was fitted on.
        DataError: A target is of no known class, or predictions have another shape than the classes.
    """
    form = scorable_forms(bound)[0]
    y_true = _all_columns(y, "y")
    if y_true.ndim == 2 and y_true.shape[1] == 1:
        y_true = y_true[:, 0]
    method = method_for(bound, form)
    known = fitted_classes(estimator)
    domain = next(role.domain for role in form.roles if role.name == "y_pred")
    if method == "predict" and isinstance(domain, Distribution) and y_true.ndim == 1 and known:
        method = "decision_function" if bound.params.get("from_logits") else "predict_proba"
    if "variance" in form.names:
        return _predict_with_variance(bound, estimator, inputs, y_true)
    if method == "predict":
        if not domain.is_compared and y_true.dtype.kind in "OUST" and any(isinstance(v, str) for v in y_true[:1].flat):
            problem = f"{bound.label} is a loss of numbers, and y holds labels such as {shorten(y_true.flat[0])}"
            raise UsageError(f"{problem}; zero_one, bce and cross_entropy are for these")
        predicted = _ask(bound, estimator, method)(inputs)
        check_column_order([("y", y), (method, predicted)])
        return Prediction(method, y_true, _all_columns(predicted, method))
    given = _ask(bound, estimator, method)(inputs)
    if y_true.ndim > 1:
        return Prediction(method, y_true, _label_columns(given, estimator, method))
    if isinstance(given, list) and len(given) == 1:  # of one output
        given = given[0]
    values = as_array(given, method)
    codes, values = _by_class(estimator, y_true, values, known, list(classes), method)
    return _in_form_of_loss(bound, estimator, Prediction(method, codes, values))


def _all_columns(value: Any, name: str) -> NDArray[Any]:
    """Return an array, or all columns of a frame: scikit-learn takes each of them for an output, whatever its name."""
    columns = frame_columns(materialize(value, name), name)
    if not columns:
        return as_array(value, name)
    return side_by_side([as_array(column, name) for column in columns.values()], name)


def fitted_classes(estimator: Any) -> list[Any] | None:
    """Return the classes that an estimator was fitted on, None if it does not say or has several outputs."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or (isinstance(classes, list) and any(isinstance(one, np.ndarray) for one in classes)):
        return None
    found = as_array(classes, "classes_")
    return found.tolist() if found.ndim == 1 else None


def _ask(bound: BoundLoss, estimator: Any, method: str) -> Any:
    """Return a method of an estimator.

    Raises:
        UsageError: It has none.
    """
    found = getattr(estimator, method, None)
    if found is None and method == "predict_log_proba" and hasattr(estimator, "predict_proba"):
        return lambda inputs: _log(estimator.predict_proba(inputs))
    if found is not None:
        return found
    kind = type(estimator).__name__
    problem = f"{bound.label} reads {WHAT_IS_READ[method]}, and {kind} has no {method}"
    if method in PROBABILITY_METHODS and hasattr(estimator, "decision_function"):
        can = "from_logits=true reads its decision_function" if "from_logits" in bound.params else "hinge reads margins"
        raise UsageError(f"{problem}; {can}, or sklearn.calibration.CalibratedClassifierCV gives it probabilities")
    if method in PROBABILITY_METHODS:
        raise UsageError(f"{problem}; zero_one, mse and others read its predict")
    if method == "decision_function" and hasattr(estimator, "predict_proba"):
        raise UsageError(f"{problem}; bce and cross_entropy read its predict_proba")
    raise UsageError(f"{problem}; a scorer is given a fitted estimator, with the method that the loss needs")


def _log(values: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(as_array(values, "predict_proba"))


def _predict_with_variance(bound: BoundLoss, estimator: Any, inputs: Any, y_true: NDArray[Any]) -> Prediction:
    """Return predictions with the squares of their standard deviations.

    Raises:
        UsageError: The estimator gives none.
    """
    predict = _ask(bound, estimator, "predict")
    try:
        mean, deviation = predict(inputs, return_std=True)
    except TypeError as error:
        kind = type(estimator).__name__
        problem = f"{bound.label} reads a variance, and {kind}.predict takes no return_std=True"
        raise UsageError(f"{problem}; mse reads its predictions alone") from error
    return Prediction("predict", y_true, as_array(mean, "predict"), as_array(deviation, "predict") ** 2)


def _label_columns(given: Any, estimator: Any, method: str) -> NDArray[Any]:
    """Return predictions of several labels per row as (N, L); a list has (N, 2) for each label.

    Raises:
        UsageError: A label has more than two classes.
    """
    if not isinstance(given, list) or not all(getattr(one, "ndim", 0) == 2 for one in given):
        return as_array(given, method)
    classes = getattr(estimator, "classes_", None)
    columns = []
    for i, one in enumerate(given):
        if one.shape[1] == 2:
            columns.append(one[:, 1])
        elif one.shape[1] == 1 and method == "predict_proba" and isinstance(classes, list):  # one class was seen
            columns.append(one[:, 0] if classes[i][0] == 1 else 1 - one[:, 0])
        else:
            problem = f"{type(estimator).__name__} was fitted on several outputs of {one.shape[1]} classes"
            raise UsageError(f"{problem}; a loss is for one output, or for labels 0 and 1")
    return np.stack(columns, axis=1)


def _by_class(
    estimator: Any, y: NDArray[Any], values: NDArray[Any], fitted: list[Any] | None, given: list[Any], method: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels (N,) as class numbers, and predictions (N, C) with a column for each class, or as they are.

    Raises:
        UsageError: The classes that are given lack one that the estimator was fitted on, or were not all seen.
        DataError: A label is none of the classes, or there is another number of columns.
    """
    kind = type(estimator).__name__
    seen = fitted or given
    if not seen:
        if y.dtype.kind not in "fiub":
            raise UsageError(f"{kind} does not say its classes_, and y holds names: classes=[...] gives their order")
        return y, values
    classes = given or seen
    unknown = next((label for label in seen if label not in classes), None)
    if unknown is not None:
        shown = ", ".join(map(repr, classes))
        raise UsageError(f"{kind} was fitted on the class {unknown!r}, and classes are {shown}")
    if values.ndim == 1 and len(seen) == 2 and method != "predict_log_proba":  # of the second class
        values = np.stack([1 - values if method == "predict_proba" else np.zeros(len(values)), values], axis=1)
    if values.ndim != 2 or values.shape[1] != len(seen):
        problem = f"{kind}.{method} gives the shape {values.shape} for {len(seen)} classes"
        ovr = "; SVC needs decision_function_shape='ovr'" if method == "decision_function" else ""
        raise DataError(f"{problem}: one column a class is needed{ovr}")
    if classes != seen:
        if len(classes) > len(seen) and method == "decision_function":
            lacking = next(label for label in classes if label not in seen)
            raise UsageError(f"{kind} was fitted without the class {shorten(lacking)}, and has no score for it")
        columns = np.full((len(values), len(classes)), -np.inf if method == "predict_log_proba" else 0.0)
        columns[:, [classes.index(label) for label in seen]] = values
        values = columns
    number = {label: i for i, label in enumerate(classes)}
    labels = y.tolist()
    codes = [number.get(label, -1) for label in labels]
    if -1 in codes:
        row = codes.index(-1)
        shown = ", ".join(map(str, classes))
        problem = f"y, row {row + 1}: {shorten(labels[row])} is not one of the classes that {kind} was fitted on"
        raise DataError(f"{problem} ({shown}); classes=[...] gives them all, and those not seen the probability 0")
    return np.array(codes), values


def _in_form_of_loss(bound: BoundLoss, estimator: Any, found: Prediction) -> Prediction:
    """Return predictions of classes in the form that the loss reads: one number for two classes, or one a class.

    Raises:
        UsageError: The loss is for two classes, and there is another number of them.
    """
    method, y_true, y_pred, _ = found
    forms = scorable_forms(bound)
    scalar = [form for form in forms if all(role.domain.scalar for role in form.roles)]
    rows = [form for form in forms if form not in scalar]
    if any(role.domain.whole_column_is_one_sample for form in forms for role in form.roles):
        columns = y_pred.shape[1] if y_pred.ndim == 2 else 2
        return found._replace(y_true=np.eye(columns)[y_true.astype(int)])
    if scalar and (y_pred.ndim == 1 or y_pred.shape[1] == 2):
        if y_pred.ndim == 2:
            y_pred = y_pred[:, 1] - (y_pred[:, 0] if method == "decision_function" else 0)
        return Prediction(method, y_true, y_pred)
    if not rows:
        kind, count = type(estimator).__name__, y_pred.shape[1] if y_pred.ndim == 2 else 1
        raise UsageError(
            f"{bound.label} is for two classes, and {kind} was fitted on {count}; cross_entropy and softmax_loss are "
            "for any number, and classes=[...] gives those that a fold lacks"
        )
    return found
