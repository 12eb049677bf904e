"""Paths of losses of numbers, of classes and of distributions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from losscli.declaration.domains import Array, Domain, Probabilities, Simplex
from losscli.declaration.domains.arrays import BinPositions, LogProbabilityRows, Numbers
from losscli.declaration.domains.censoring import Events, SurvivalTimes
from losscli.declaration.domains.distributions import ClassScores
from losscli.declaration.domains.intervals import REALS
from losscli.declaration.domains.labels import BinaryLabels, ClassTargets, ComparedLabels
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.plot.curve_axes import ANYWHERE, AXES, TRUE_PROBABILITY, Path, constant, is_real, stack_columns
from losscli.plot.curve_values import evaluate_rows

MASK = np.array([1.0, 0.0, 0.0, 0.0])
"""A row of pixels, for losses of overlapping masks."""

SCORE_MARGIN = "margin: score of the true class − the other's"
"""The label of the margin where there are several classes."""

BESIDE = {"baseline": 0.0}
"""What a role is beside a prediction whose curve is drawn, if it is not 1: a baseline that is right has no error."""

LARGEST_LOGIT = 30.0
"""The largest logit whose probability differs from 1 by some digits."""


def residual_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of regression: the residual, if all depends on that; else y_pred beside a fixed y_true."""
    if not {"y_true", "y_pred"} <= set(domains) or not all(map(is_real, domains.values())) or form.coupled:
        return
    others = {name: BESIDE.get(name, 1.0) for name in domains if name not in ("y_true", "y_pred")}
    said = " and ".join(dict.fromkeys(f"{value:g}" for value in others.values()))
    remarks = (f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} {said}",) if others else ()

    def path(axis: str, y_true: float, interval: tuple[float, float]) -> Path:
        def arrays(x: Array) -> dict[str, Array]:
            fixed = {name: constant(x, value) for name, value in others.items()}
            return {"y_true": constant(x, y_true), "y_pred": x + 0.0, **fixed}

        return Path(axis, form, arrays, np.ones_like, "", interval, remarks=remarks)

    target, predicted = (getattr(domains[name], "interval", None) for name in ("y_true", "y_pred"))
    low = -math.inf if predicted is None else predicted.low
    if (target is None or 0.0 in target) and low == -math.inf:
        residuals = np.array([-2.0, -0.4, 0.3, 0.9, 5.0])
        values = [
            evaluate_rows(bound, form, {"y_true": c + 0 * residuals, "y_pred": c + residuals} | {
                name: constant(residuals, value) for name, value in others.items()
            })
            for c in (1.0, 2.5)
        ]  # fmt: skip
        if values[0] is not None and values[1] is not None and np.allclose(values[0], values[1], rtol=1e-9, atol=0):
            yield path("residual", 0.0, ANYWHERE)
    yield path("prediction", 1.0, (low, math.inf))


def time_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of a time that was predicted: that of an event, and that of censoring."""
    predicted = domains.get("y_pred")
    if form.coupled or predicted is None or not is_real(predicted):
        return
    if not (isinstance(domains.get("time"), SurvivalTimes) and isinstance(domains.get("event"), Events)):
        return
    others = [name for name in domains if name not in ("time", "event", "y_pred")]
    for event, case in ((1.0, "event"), (0.0, "censored")):

        def arrays(x: Array, event: float = event) -> dict[str, Array]:
            fixed = {name: constant(x, 1.0) for name in ("time", *others)}
            return fixed | {"event": constant(x, event), "y_pred": x + 0.0}

        low = getattr(predicted, "interval", REALS).low
        remarks = (f"{' and '.join(others)} is 1",) if others else ()
        yield Path("time", form, arrays, np.ones_like, case, (low, math.inf), remarks=remarks)


def probability_of(x: Array) -> Array:
    """Return the probability of a logit."""
    return 1 / (1 + np.exp(-x))


def usual_axes(bound: BoundLoss, domain: Domain, is_sign: bool) -> tuple[str, ...]:
    """Return the axes of a loss of a class, by what it reads: probabilities, logits, or scores with a margin."""
    if isinstance(domain, (Probabilities, Simplex, ComparedLabels, LogProbabilityRows)):
        return "probability", "logit", "margin"
    if bound.params.get("from_logits") or (bound.loss.unit == "nat" and not is_sign):
        return "logit", "margin", "probability"
    return ("margin", "logit", "probability") if bound.loss.unit == "nat" else ("margin", "logit")


def binary_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of two classes: the probability of the true one, its logit or margin; both labels are cases."""
    target, predicted = domains.get("y_true"), domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or not isinstance(target, (BinaryLabels, ComparedLabels)) or form.coupled:
        return
    if target.shapes[0] not in ("N*", "N") or predicted is None:
        return
    if not (is_real(predicted) or isinstance(predicted, (Probabilities, ComparedLabels))):
        return
    low_label = -1.0 if getattr(target, "signs", False) else 0.0
    if bound.loss.family == "metric":
        for y in (1.0, low_label):

            def arrays(x: Array, label: float = y) -> dict[str, Array]:
                return {"y_true": constant(x, label), "y_pred": x + 0.0}

            yield Path("distance", form, arrays, np.ones_like, case_of(y), AXES["distance"].interval)
        return
    takes_logits = not isinstance(predicted, (Probabilities, ComparedLabels))
    n_labels = max([1, *(len(value) for value in bound.params.values() if isinstance(value, tuple))])
    labels = [np.ones(n_labels), np.zeros(n_labels)]
    if n_labels == 1 and "gradient" in form.hooks and is_loss_of_set(bound, form, takes_logits):
        labels = [MASK]
    for axis in usual_axes(bound, predicted, low_label < 0):
        for row in labels:
            yield binary_path(form, axis, row, low_label, takes_logits)


def interval_of(axis: str, takes_logits: bool) -> tuple[float, float]:
    """Return where x must be: a logit whose probability is rounded to 1 is none."""
    return AXES[axis].interval if takes_logits or axis == "probability" else (-LARGEST_LOGIT, LARGEST_LOGIT)


def case_of(y: float) -> str:
    """Return the name of the case of a label."""
    return f"y = {int(y)}".replace("-", "−")


def binary_path(form: Form, axis: str, y: Array, low_label: float, takes_logits: bool) -> Path:
    """Return the path of a row of labels, each of which has its true class predicted equally well."""
    sign = 2 * y - 1

    def shaped(values: Array) -> Array:
        return values[:, 0] if len(y) == 1 else values

    def logit_and_slope(x: Array) -> tuple[Array, Array]:
        return (np.log(x) - np.log1p(-x), 1 / (x * (1 - x))) if axis == "probability" else (x, np.ones_like(x))

    def predicted(x: Array) -> Array:
        x = x[:, None]
        if axis == "probability" and not takes_logits:
            return shaped(np.where(y == 1, x, 1 - x))
        logit = sign * logit_and_slope(x)[0]
        return shaped(logit if takes_logits else probability_of(logit))

    def tangent(x: Array) -> Array:
        x = x[:, None]
        if axis == "probability" and not takes_logits:
            return shaped(sign + 0 * x)
        logit, slope = logit_and_slope(x)
        return shaped(sign * slope if takes_logits else sign * slope * probability_of(logit) * probability_of(-logit))

    def arrays(x: Array) -> dict[str, Array]:
        truth = np.where(y == 1, 1.0, low_label) + 0 * x[:, None]
        return {"y_true": shaped(truth), "y_pred": predicted(x)}

    remarks = ("a row is a mask of 4 pixels, 1 of them in the object",) if y is MASK else ()
    case = "" if y is MASK else case_of(1.0 if y[0] else low_label)
    return Path(axis, form, arrays, tangent, case, interval_of(axis, takes_logits), remarks=remarks)


def is_loss_of_set(bound: BoundLoss, form: Form, takes_logits: bool) -> bool:
    """Tell whether a row of labels is more than the mean of its labels: the overlap of masks."""
    y, p = np.array([[1.0, 0.0, 0.0]]), np.array([[0.7, 0.2, 0.4]])
    p = np.log(p / (1 - p)) if takes_logits else p
    both = evaluate_rows(bound, form, {"y_true": y, "y_pred": p})
    each = evaluate_rows(bound, form, {"y_true": y[0], "y_pred": p[0]})
    return both is not None and each is not None and not np.isclose(both[0], each.mean())


def class_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of one class of several: its probability or score; the others share the rest."""
    target, predicted = domains.get("y_true"), domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or form.coupled or predicted is None or "N,C" not in predicted.shapes:
        return
    is_label = isinstance(target, (BinPositions, ClassTargets))
    if not is_label and not (target is not None and target.shapes == ("N,C",)):
        return
    if not isinstance(predicted, (Simplex, ClassScores, Numbers)):
        return
    sizes = [len(value) for value in bound.params.values() if isinstance(value, tuple)]
    n_classes = max(2, *sizes) if sizes else 2
    is_log = isinstance(predicted, LogProbabilityRows)
    takes_probabilities = isinstance(predicted, Simplex)
    for axis in usual_axes(bound, predicted, False):
        for k in range(n_classes if is_label else 1):
            if is_label and k == bound.params.get("ignore_index"):
                continue
            yield class_path(form, axis, k, n_classes, is_label, is_log, takes_probabilities)


def class_path(
    form: Form, axis: str, k: int, n_classes: int, is_label: bool, is_log: bool, takes_probabilities: bool
) -> Path:
    """Return the path of a row whose true class is k."""
    others = n_classes - 1
    true = np.arange(n_classes) == k
    direction = np.where(true, 1.0, -1 / others)

    def probability_and_slope(x: Array) -> tuple[Array, Array]:
        if axis == "probability":
            return x, np.ones_like(x)
        p = probability_of(x - math.log(others))
        return p, p * probability_of(math.log(others) - x)

    def predicted(x: Array) -> Array:
        x = x[:, None]
        if axis != "probability" and not (takes_probabilities or is_log):
            return np.where(true, x, 0.0)
        p = probability_and_slope(x)[0]
        rows = np.where(true, p, (1 - p) / others)
        return rows if takes_probabilities else np.log(rows)

    def tangent(x: Array) -> Array:
        x = x[:, None]
        if axis != "probability" and not (takes_probabilities or is_log):
            return np.where(true, 1.0, 0.0 * x)
        p, slope = probability_and_slope(x)
        rows = np.where(true, p, (1 - p) / others)
        return direction * slope if takes_probabilities else direction * slope / rows

    def arrays(x: Array) -> dict[str, Array]:
        truth = constant(x, float(k)) if is_label else np.tile(true.astype(float), (len(x), 1))
        return {"y_true": truth, "y_pred": predicted(x)}

    label = SCORE_MARGIN if axis == "margin" else ""
    case = f"class {k}" if is_label else ""
    return Path(axis, form, arrays, tangent, case, interval_of(axis, not takes_probabilities), label)


def mask_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of a mask of two classes, whose pixels all have their true class predicted equally well."""
    predicted = domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or predicted is None or predicted.shapes != ("N,P,C",):
        return
    takes_probabilities = isinstance(predicted, Simplex)
    for axis in usual_axes(bound, predicted, False):
        pixels = [class_path(form, axis, int(k), 2, True, False, takes_probabilities) for k in MASK]

        def arrays(x: Array, pixels: list[Path] = pixels) -> dict[str, Array]:
            each = [pixel.arrays(x) for pixel in pixels]
            return {name: np.stack([one[name] for one in each], axis=1) for name in each[0]}

        def tangent(x: Array, pixels: list[Path] = pixels) -> Array:
            return np.stack([pixel.tangent(x) for pixel in pixels], axis=1)

        remarks = ("a row is a mask of 4 pixels, 1 of them of class 1 and 3 of class 0",)
        yield pixels[0]._replace(arrays=arrays, tangent=tangent, case="", remarks=remarks)


def teacher_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of the logits of a teacher and its student: the student's probability of one of two classes."""
    if list(domains) != ["teacher", "student"]:
        return
    temperature = bound.params["temperature"]

    def arrays(x: Array) -> dict[str, Array]:
        logits = temperature * np.log([TRUE_PROBABILITY, 1 - TRUE_PROBABILITY])
        return {"teacher": constant(x, *logits), "student": temperature * np.log(stack_columns(x, x, 1 - x))}

    def tangent(x: Array) -> Array:
        return np.asarray(temperature * stack_columns(x, 1 / x, -1 / (1 - x)))

    label = f"the student's probability, where the teacher's is {TRUE_PROBABILITY}"
    yield Path("q", form, arrays, tangent, "", AXES["q"].interval, label, ("probabilities are at the temperature",))


def divergence_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of two distributions: the probability of one of two classes; of rows of numbers, one of them."""
    target, predicted = domains.get("y_true"), domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or not (target and target.whole_column_is_one_sample):
        return
    if not isinstance(target, Simplex):

        def numbers(x: Array) -> dict[str, Array]:
            return {"y_true": constant(x, 1.0, 1.0), "y_pred": stack_columns(x, x, 1.0)}

        yield Path("prediction", form, numbers, lambda x: stack_columns(x, 1.0, 0.0), "", (0.0, math.inf))
    is_logit = not isinstance(predicted, Simplex) and isinstance(target, Simplex)

    def arrays(x: Array) -> dict[str, Array]:
        q = stack_columns(x, x, 1 - x)
        truth = constant(x, TRUE_PROBABILITY, 1 - TRUE_PROBABILITY)
        return {"y_true": truth, "y_pred": np.log(q) if is_logit else q}

    def tangent(x: Array) -> Array:
        return stack_columns(x, 1 / x, -1 / (1 - x)) if is_logit else stack_columns(x, 1.0, -1.0)

    yield Path("q", form, arrays, tangent, "", AXES["q"].interval)
