"""What the x axis of a curve stands for, and the rows of data along it.

An axis is chosen from what a loss declares: the names and domains of its roles, its parameters, its unit. Each rule of
RULES knows one set of roles; it yields the paths that lead along the axes it can offer, the most usual one first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Boxes, Domain, Probabilities, Simplex
from losscli.declaration.domains.arrays import LogProbabilityRows, Numbers
from losscli.declaration.domains.distributions import ClassScores, ClassTable, NumberRows, Vectors
from losscli.declaration.domains.labels import BinaryLabels, ClassTargets, ComparedLabels, GroupLabels
from losscli.declaration.loss import BoundLoss, Form
from losscli.declaration.properties import Reduction
from losscli.plot.curve_values import evaluate_rows

TRUE_PROBABILITY = 0.3
"""The true probability of the first of two classes, where two distributions are compared."""

MASK = np.array([1.0, 0.0, 0.0, 0.0])
"""A row of pixels, for losses of overlapping masks."""

EMBEDDING_LENGTH = 10.0
"""The length of embeddings, where it matters."""


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


REALS = (-math.inf, math.inf)
RESIDUAL = CurveAxis("y_pred − y_true", "the residual", "by y_pred", REALS, (-3, 3), 0, True)
PREDICTION = CurveAxis("y_pred, where y_true = 1", "y_pred", "by y_pred", REALS, (-2, 4), 0)
PROBABILITY = CurveAxis(
    "probability of the true class", "the probability of the true class", "by the probability", (0, 1), (0, 1), -1
)
LOGIT = CurveAxis("logit of the true class", "the logit of the true class", "by the logit", REALS, (-5, 5), -1, True)
MARGIN = CurveAxis("margin: y · score", "the margin", "by the margin", REALS, (-3, 3), -1, True)
SCORE_MARGIN = MARGIN._replace(label="margin: score of the true class − the other's")
DISTANCE = CurveAxis("distance of the pair", "the distance", "by the distance", (0, math.inf), (0, 2), 0, True)
DISTANCE_GAP = CurveAxis(
    "d(anchor, positive) − d(anchor, negative)",
    "the difference of the distances",
    "by the difference",
    REALS,
    (-1, 1),
    1,
    True,
)
SHIFT = CurveAxis("shift of the box, in widths", "the shift", "by the shift", REALS, (0, 2), 1)
WIDTH = CurveAxis("width of the box; the true one is 1", "the width", "by the width", (0, math.inf), (0, 3), 0)
COSINE = CurveAxis("cosine", "the cosine", "by the cosine", (-1, 1), (-1, 1), -1)
ANGLE = CurveAxis("angle to the class centre, degrees", "the angle", "by the angle, per degree", (0, 180), (0, 180), 1)
SHARE = CurveAxis(
    f"q of a class, whose true probability is {TRUE_PROBABILITY}", "q", "by q", (0, 1), (0, 1), 0
)  # fmt: skip

AXES = {
    "residual": RESIDUAL,
    "prediction": PREDICTION,
    "probability": PROBABILITY,
    "logit": LOGIT,
    "margin": MARGIN,
    "distance": DISTANCE,
    "distance_gap": DISTANCE_GAP,
    "shift": SHIFT,
    "width": WIDTH,
    "cosine": COSINE,
    "angle": ANGLE,
    "q": SHARE,
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
        remark: What is held constant.
        is_exact: Whether x can be as large as the axis allows; else rounding shows where it is large.
    """

    axis: str
    form: Form
    arrays: Callable[[Array], dict[str, Array]]
    tangent: Callable[[Array], Array]
    case: str = ""
    interval: tuple[float, float] = REALS
    label: str = ""
    remark: str = ""
    is_exact: bool = True


Rule = Callable[[BoundLoss, Form, Mapping[str, Domain]], Iterator[Path]]


def find_paths(bound: BoundLoss) -> dict[str, list[Path]]:
    """Return the paths of a loss by axis, the most usual axis first; several paths of an axis are its cases."""
    found: dict[str, list[Path]] = {}
    for form in bound.loss.forms:
        domains = {role.name: role.domain.with_params(bound.params) for role in form.roles if not role.optional}
        offered: dict[str, list[Path]] = {}
        for rule in RULES:
            for path in rule(bound, form, domains):
                offered.setdefault(path.axis, []).append(path)
            if offered:
                break
        found = offered | found if not found else found | {k: v for k, v in offered.items() if k not in found}
    return {} if no_curve_reason(bound) else found


def no_curve_reason(bound: BoundLoss) -> str:
    """Return why a loss has no curve, in words that follow its name; "" if it is not known to have none."""
    loss, form = bound.loss, bound.loss.forms[0]
    formula = f" ({loss.formula})"
    if loss.reduction in (Reduction.MEDIAN, Reduction.MAX):
        word = "median" if loss.reduction is Reduction.MEDIAN else "largest"
        return f"it is the {word} of all rows{formula}, and one row has none"
    if loss.of_residual and "denominator" in form.hooks:
        return f"it is a ratio of sums over all rows{formula}, and one row has none"
    if "mining" in bound.params:
        return "which rows count is mined from all of them; triplet has the curve of one triplet"
    if all(form.coupled for form in loss.forms) and {"y_true", "y_pred"} <= set(form.names):
        return f"what a row counts depends on all others{formula}"
    if any(type(role.domain).__name__ == "LabelSequences" for role in form.roles):
        return "it is a loss of whole sequences: no single number says how right one is"
    return ""


def constant(x: Array, *row: float) -> Array:
    """Return the same row for each x: (n,) of one number, else (n, k)."""
    return np.full(len(x), row[0]) if len(row) == 1 else np.tile(np.array(row), (len(x), 1))


def columns(x: Array, *entries: Array | float) -> Array:
    """Return rows whose entries are functions of x, or constant."""
    return np.stack([np.broadcast_to(np.asarray(entry, dtype=np.float64), x.shape) for entry in entries], axis=1)


def is_real(domain: Domain) -> bool:
    """Tell whether a role is numbers that stand each for themselves, and no probabilities or labels."""
    is_number = domain.shapes[0] in ("N*", "N") and not domain.whole_column_is_one_sample
    return is_number and not domain.is_label and not isinstance(domain, Probabilities)


def residual_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Regression: the residual, if the loss depends on that alone; else y_pred beside a fixed y_true."""
    if not {"y_true", "y_pred"} <= set(domains) or not all(map(is_real, domains.values())) or form.coupled:
        return
    others = {name: 1.0 for name in domains if name not in ("y_true", "y_pred")}
    remark = f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} 1" if others else ""

    def path(axis: str, y_true: float, interval: tuple[float, float]) -> Path:
        def arrays(x: Array) -> dict[str, Array]:
            fixed = {name: constant(x, value) for name, value in others.items()}
            return {"y_true": constant(x, y_true), "y_pred": x + 0.0, **fixed}

        return Path(axis, form, arrays, np.ones_like, "", interval, remark=remark)

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
            yield path("residual", 0.0, REALS)
    yield path("prediction", 1.0, (low, math.inf))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def usual_axes(bound: BoundLoss, domain: Domain, is_sign: bool) -> tuple[str, ...]:
    """Return the axes of a loss of a class, by what it reads: probabilities, logits, or scores with a margin."""
    if isinstance(domain, (Probabilities, Simplex, ComparedLabels, LogProbabilityRows)):
        return "probability", "logit", "margin"
    if bound.params.get("from_logits") or (bound.loss.unit == "nat" and not is_sign):
        return "logit", "margin", "probability"
    return ("margin", "logit", "probability") if bound.loss.unit == "nat" else ("margin", "logit")


def binary_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Two classes: the probability of the true one, or its logit, which is the margin; y = 1 and y = 0 are cases."""
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
            arrays = lambda x, y=y: {"y_true": constant(x, y), "y_pred": x + 0.0}
            yield Path("distance", form, arrays, np.ones_like, case_of(y), DISTANCE.interval)
        return
    takes_logits = not isinstance(predicted, (Probabilities, ComparedLabels))
    n_labels = max([1, *(len(value) for value in bound.params.values() if isinstance(value, tuple))])
    labels = [np.ones(n_labels), np.zeros(n_labels)]
    if n_labels == 1 and "gradient" in form.hooks and is_loss_of_set(bound, form, takes_logits):
        labels = [MASK]
    for axis in usual_axes(bound, predicted, low_label < 0):
        for y in labels:
            yield binary_path(form, axis, y, low_label, takes_logits)


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
        return shaped(logit if takes_logits else sigmoid(logit))

    def tangent(x: Array) -> Array:
        x = x[:, None]
        if axis == "probability" and not takes_logits:
            return shaped(sign + 0 * x)
        logit, slope = logit_and_slope(x)
        return shaped(sign * slope if takes_logits else sign * slope * sigmoid(logit) * sigmoid(-logit))

    def arrays(x: Array) -> dict[str, Array]:
        truth = np.where(y == 1, 1.0, low_label) + 0 * x[:, None]
        return {"y_true": shaped(truth), "y_pred": predicted(x)}

    remark = "a row is a mask of 4 pixels, 1 of them in the object" if y is MASK else ""
    case = "" if y is MASK else case_of(1.0 if y[0] else low_label)
    return Path(axis, form, arrays, tangent, case, AXES[axis].interval, remark=remark, is_exact=takes_logits)


def is_loss_of_set(bound: BoundLoss, form: Form, takes_logits: bool) -> bool:
    """Tell whether a row of labels is more than the mean of its labels: the overlap of masks."""
    y, p = np.array([[1.0, 0.0, 0.0]]), np.array([[0.7, 0.2, 0.4]])
    p = np.log(p / (1 - p)) if takes_logits else p
    both = evaluate_rows(bound, form, {"y_true": y, "y_pred": p})
    each = evaluate_rows(bound, form, {"y_true": y[0], "y_pred": p[0]})
    return both is not None and each is not None and not np.isclose(both[0], each.mean())


def class_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """One class of several: the probability of the true one, or its score; the others share the rest."""
    target, predicted = domains.get("y_true"), domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or form.coupled or predicted is None or "N,C" not in predicted.shapes:
        return
    is_label = isinstance(target, ClassTargets)
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
        p = sigmoid(x - math.log(others))
        return p, p * sigmoid(math.log(others) - x)

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

    label = SCORE_MARGIN.label if axis == "margin" else ""
    case = f"class {k}" if is_label else ""
    is_exact = not takes_probabilities
    return Path(axis, form, arrays, tangent, case, AXES[axis].interval, label, is_exact=is_exact)


def divergence_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Two distributions: the predicted probability of one of two classes. Rows of numbers: one of them beside 1."""
    target, predicted = domains.get("y_true"), domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or not (target and target.whole_column_is_one_sample):
        return
    if not isinstance(target, Simplex):

        def numbers(x: Array) -> dict[str, Array]:
            return {"y_true": constant(x, 1.0, 1.0), "y_pred": columns(x, x, 1.0)}

        yield Path("prediction", form, numbers, lambda x: columns(x, 1.0, 0.0), "", (0.0, math.inf))
    is_logit = not isinstance(predicted, Simplex) and isinstance(target, Simplex)

    def arrays(x: Array) -> dict[str, Array]:
        q = columns(x, x, 1 - x)
        truth = constant(x, TRUE_PROBABILITY, 1 - TRUE_PROBABILITY)
        return {"y_true": truth, "y_pred": np.log(q) if is_logit else q}

    def tangent(x: Array) -> Array:
        return columns(x, 1 / x, -1 / (1 - x)) if is_logit else columns(x, 1.0, -1.0)

    yield Path("q", form, arrays, tangent, "", SHARE.interval)


def box_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Boxes: a box of the true size slides away from the true one, or one in its place changes its width."""
    if not domains or not all(isinstance(domain, Boxes) for domain in domains.values()) or len(domains) != 2:
        return
    first, second = domains
    box_format = bound.params.get("box_format", "xyxy")
    truth = {"xyxy": (0.0, 0.0, 1.0, 1.0), "xywh": (0.0, 0.0, 1.0, 1.0), "cxcywh": (0.5, 0.5, 1.0, 1.0)}[box_format]
    shift = (1.0, 0.0, 1.0, 0.0) if box_format == "xyxy" else (1.0, 0.0, 0.0, 0.0)
    widen = {"xyxy": (-0.5, 0.0, 0.5, 0.0), "xywh": (-0.5, 0.0, 1.0, 0.0), "cxcywh": (0.0, 0.0, 1.0, 0.0)}[box_format]
    for axis, direction, start in (("shift", shift, 0.0), ("width", widen, 1.0)):

        def arrays(x: Array, direction: Any = direction, start: float = start) -> dict[str, Array]:
            return {first: constant(x, *truth), second: np.array(truth) + np.outer(x - start, direction)}

        tangent = lambda x, direction=direction: constant(x, *direction)
        yield Path(axis, form, arrays, tangent, "", AXES[axis].interval)


def pair_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Two vectors: their cosine, if lengths do not matter; else their distance. y is a case."""
    vectors = [name for name, domain in domains.items() if isinstance(domain, Vectors)]
    labels = [name for name, domain in domains.items() if isinstance(domain, BinaryLabels)]
    if len(vectors) != 2 or len(vectors) + len(labels) != len(domains) or len(labels) > 1 or form.coupled:
        return
    moved = form.gradient_role
    fixed = next(name for name in vectors if name != moved)
    low_label = -1.0 if labels and getattr(domains[labels[0]], "signs", False) else 0.0
    cases: list[float | None] = [1.0, low_label] if labels else [None]
    probe = {moved: np.array([[0.4, 0.7], [0.8, 1.4]]), fixed: np.array([[1.0, 0.2]] * 2)}
    values = evaluate_rows(bound, form, probe | ({labels[0]: np.ones(2)} if labels else {}))
    is_angle = values is not None and np.isclose(values[0], values[1])
    for axis in ("cosine", "angle") if is_angle else ("distance",):
        for y in cases:

            def arrays(x: Array, axis: str = axis, y: float | None = y) -> dict[str, Array]:
                at = columns(x, x, 0.0) if axis == "distance" else directions(x, axis)[:, :2]
                given = {} if y is None else {labels[0]: constant(x, y)}
                return {**given, moved: at, fixed: constant(x, 0.0 if axis == "distance" else 1.0, 0.0)}

            def tangent(x: Array, axis: str = axis) -> Array:
                return columns(x, 1.0, 0.0) if axis == "distance" else direction_slopes(x, axis)[:, :2]

            name = {"cosine": f"cosine of {fixed} and {moved}", "angle": f"angle of {fixed} and {moved}, degrees"}
            case = "" if y is None else case_of(y)
            yield Path(axis, form, arrays, tangent, case, AXES[axis].interval, name.get(axis, ""))


def directions(x: Array, axis: str) -> Array:
    """Return unit vectors (n, 3) at an angle, or a cosine, to the first axis, at right angles to the third."""
    if axis == "angle":
        return columns(x, np.cos(np.radians(x)), np.sin(np.radians(x)), 0.0)
    return columns(x, x, np.sqrt((1 - x) * (1 + x)), 0.0)


def direction_slopes(x: Array, axis: str) -> Array:
    """Return the derivatives of `directions`."""
    if axis == "angle":
        return np.radians(1.0) * columns(x, -np.sin(np.radians(x)), np.cos(np.radians(x)), 0.0)
    return columns(x, 1.0, -x / np.sqrt((1 - x) * (1 + x)), 0.0)


def triplet_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Triplets: the difference of the distances; the anchor moves from the positive to the negative."""
    if list(domains) != ["anchor", "positive", "negative"] or form.coupled:
        return
    distance = bound.params.get("distance", "euclidean")
    half = max(10.0, 2.0 * abs(float(bound.params.get("margin", 1.0))))  # of the way from positive to negative

    def anchor(x: Array) -> Array:
        if distance == "cosine":
            return columns(x, -x / 2, np.sqrt((1 - x / 2) * (1 + x / 2)))
        return columns(x, x / (4 * half if distance == "sqeuclidean" else 2), 0.0)

    def tangent(x: Array) -> Array:
        if distance == "cosine":
            return columns(x, -0.5, -x / 4 / np.sqrt((1 - x / 2) * (1 + x / 2)))
        return constant(x, 1 / (4 * half) if distance == "sqeuclidean" else 0.5, 0.0)

    def arrays(x: Array) -> dict[str, Array]:
        end = 1.0 if distance == "cosine" else -half
        return {"anchor": anchor(x), "positive": constant(x, end, 0.0), "negative": constant(x, -end, 0.0)}

    reach = {"cosine": 2.0, "euclidean": 2 * half}.get(distance, 4 * half**2)
    yield Path("distance_gap", form, arrays, tangent, "", (-reach, reach))


def prototype_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """An embedding and a vector for each class: the angle to the own one, with another at 90°; or the distance."""
    tables = [name for name, domain in domains.items() if isinstance(domain, ClassTable)]
    vectors = [name for name, domain in domains.items() if isinstance(domain, Vectors)]
    labels = [name for name, domain in domains.items() if isinstance(domain, ClassTargets)]
    if len(tables) != 1 or not vectors or not labels or len(tables + vectors + labels) != len(domains) or form.coupled:
        return
    table, moved = tables[0], form.gradient_role
    others = [name for name in vectors if name != moved]
    fixed = {table: np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])}
    classes = {name: np.zeros(2) for name in labels}
    if bound.loss.family == "metric":

        def from_center(x: Array) -> dict[str, Array]:
            at_zero = {table: np.array([[0.0, 0.0], [0.0, 1.0]])}
            return {**{name: constant(x, 0.0) for name in labels}, moved: columns(x, x, 0.0), **at_zero}

        label = "distance to the centre of the class"
        yield Path("distance", form, from_center, lambda x: columns(x, 1.0, 0.0), "", DISTANCE.interval, label)
        return
    probe = {name: np.array([[0.6, 0.8, 0.0], [1.2, 1.6, 0.0]]) for name in vectors}
    values = evaluate_rows(bound, form, {**classes, **probe, **fixed})
    length = 1.0 if values is not None and np.isclose(values[0], values[1]) else EMBEDDING_LENGTH
    remark = "the centre of the other class is at 90°"
    remark += f", embeddings have length {length:g}" if length != 1 else ""
    remark += ", the other face is at the centre" if others else ""
    for axis in ("angle", "cosine"):

        def arrays(x: Array, axis: str = axis) -> dict[str, Array]:
            found = {name: constant(x, 0.0) for name in labels} | {moved: length * directions(x, axis)}
            return found | {name: constant(x, length, 0.0, 0.0) for name in others} | fixed

        tangent = lambda x, axis=axis: length * direction_slopes(x, axis)
        label = "cosine of embedding and class centre" if axis == "cosine" else ""
        yield Path(axis, form, arrays, tangent, "", AXES[axis].interval, label, remark)


def batch_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Coupled rows: two pairs at right angles to each other; the members of each are at the same cosine."""
    vectors = [name for name, domain in domains.items() if isinstance(domain, Vectors)]
    labels = [name for name, domain in domains.items() if isinstance(domain, GroupLabels)]
    is_pairs = (len(vectors), len(labels)) in ((1, 1), (2, 0)) and len(vectors) + len(labels) == len(domains)
    if not (form.coupled and is_pairs and form is bound.loss.forms[0]):
        return

    def moving(c: float, slope: bool) -> Array:
        rest = math.sqrt((1 - c) * (1 + c))
        along, across = (1.0, -c / rest) if slope else (c, rest)
        return np.array([[along, across, 0.0, 0.0], [0.0, 0.0, along, across]])

    still = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    if labels:

        def arrays(x: Array) -> dict[str, Array]:
            return {labels[0]: np.array([0.0, 1, 0, 1]), vectors[0]: np.vstack([moving(float(x[0]), False), still])}

        def tangent(x: Array) -> Array:
            return np.vstack([moving(float(x[0]), True), 0 * still])

    else:
        other = next(name for name in vectors if name != form.gradient_role)

        def arrays(x: Array) -> dict[str, Array]:
            return {form.gradient_role: moving(float(x[0]), False), other: still}

        def tangent(x: Array) -> Array:
            return moving(float(x[0]), True)

    remark = "a batch of two pairs; vectors of different pairs have cosine 0"
    yield Path("cosine", form, arrays, tangent, "", COSINE.interval, "cosine of a row and its positive", remark)


def ranking_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Two scores and which is the higher: the margin between them."""
    if list(domains) != ["y_true", "x1", "x2"] or not all(is_real(domains[name]) for name in ("x1", "x2")):
        return

    def arrays(x: Array) -> dict[str, Array]:
        return {"y_true": constant(x, 1.0), "x1": x + 0.0, "x2": 0 * x}

    yield Path("margin", form, arrays, np.ones_like, "", MARGIN.interval, "margin: y · (x1 − x2)")


RULES: tuple[Rule, ...] = (
    residual_paths,
    binary_paths,
    class_paths,
    divergence_paths,
    box_paths,
    ranking_paths,
    triplet_paths,
    prototype_paths,
    pair_paths,
    batch_paths,
)
"""What is tried in turn for a form."""
