"""Paths of losses of boxes, ensembles and vectors: pairs, triplets, class centres, batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from losscli.declaration.domains import Array, Boxes, Domain
from losscli.declaration.domains.distributions import ClassTable, Vectors
from losscli.declaration.domains.labels import BinaryLabels, ClassTargets, GroupLabels
from losscli.declaration.domains.levels import IntervalEnds, QuantileRows
from losscli.declaration.domains.members import Members
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.plot.curve_axes import AXES, Path, constant, is_real, stack_columns
from losscli.plot.curve_rows import case_of
from losscli.plot.curve_values import evaluate_rows

EMBEDDING_LENGTH = 10.0
"""The length of embeddings, where it matters."""

FIVE_MEMBERS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Members of an ensemble, from their mean."""

PREFERENCES = {"positive": "negative", "policy_chosen": "policy_rejected"}
"""The role of what was chosen -> that of what was not."""


def box_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of boxes: one slides away from the true one, or changes its width in its place."""
    if not domains or not all(isinstance(domain, Boxes) for domain in domains.values()) or len(domains) != 2:
        return
    first, second = domains
    box_format = bound.params.get("box_format", "xyxy")
    truth = {"xyxy": (0.0, 0.0, 1.0, 1.0), "xywh": (0.0, 0.0, 1.0, 1.0), "cxcywh": (0.5, 0.5, 1.0, 1.0)}[box_format]
    shift = (1.0, 0.0, 1.0, 0.0) if box_format == "xyxy" else (1.0, 0.0, 0.0, 0.0)
    widen = {"xyxy": (-0.5, 0.0, 0.5, 0.0), "xywh": (-0.5, 0.0, 1.0, 0.0), "cxcywh": (0.0, 0.0, 1.0, 0.0)}[box_format]
    for axis, direction, start in (("shift", shift, 0.0), ("width", widen, 1.0)):

        def arrays(x: Array, direction: tuple[float, ...] = direction, start: float = start) -> dict[str, Array]:
            return {first: constant(x, *truth), second: np.array(truth) + np.outer(x - start, direction)}

        def tangent(x: Array, direction: tuple[float, ...] = direction) -> Array:
            return constant(x, *direction)

        yield Path(axis, form, arrays, tangent, "", AXES[axis].interval)


def pair_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of two vectors: their cosine or angle, if lengths do not matter; else their distance."""
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
                at = stack_columns(x, x, 0.0) if axis == "distance" else directions(x, axis)[:, :2]
                given = {} if y is None else {labels[0]: constant(x, y)}
                return {**given, moved: at, fixed: constant(x, 0.0 if axis == "distance" else 1.0, 0.0)}

            def tangent(x: Array, axis: str = axis) -> Array:
                return stack_columns(x, 1.0, 0.0) if axis == "distance" else direction_slopes(x, axis)[:, :2]

            name = {
                "cosine": f"cosine of {' and '.join(vectors)}",
                "angle": f"angle of {' and '.join(vectors)}, degrees",
            }
            case = "" if y is None else case_of(y)
            yield Path(axis, form, arrays, tangent, case, AXES[axis].interval, name.get(axis, ""))


def directions(x: Array, axis: str) -> Array:
    """Return unit vectors (n, 3) at an angle, or a cosine, to the first axis, at right angles to the third."""
    if axis == "angle":
        return stack_columns(x, np.cos(np.radians(x)), np.sin(np.radians(x)), 0.0)
    return stack_columns(x, x, np.sqrt((1 - x) * (1 + x)), 0.0)


def direction_slopes(x: Array, axis: str) -> Array:
    """Return the derivatives of `directions`."""
    if axis == "angle":
        return math.radians(1) * stack_columns(x, -np.sin(np.radians(x)), np.cos(np.radians(x)), 0.0)
    return stack_columns(x, 1.0, -x / np.sqrt((1 - x) * (1 + x)), 0.0)


def triplet_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of triplets: the anchor moves from the positive to the negative."""
    if list(domains) != ["anchor", "positive", "negative"] or form.coupled:
        return
    distance = bound.params.get("distance", "euclidean")
    half = max(10.0, 2.0 * abs(float(bound.params.get("margin", 1.0))))  # of the way from positive to negative

    def anchor(x: Array) -> Array:
        if distance == "cosine":
            return stack_columns(x, -x / 2, np.sqrt((1 - x / 2) * (1 + x / 2)))
        return stack_columns(x, x / (4 * half if distance == "sqeuclidean" else 2), 0.0)

    def tangent(x: Array) -> Array:
        if distance == "cosine":
            return stack_columns(x, -0.5, -x / 4 / np.sqrt((1 - x / 2) * (1 + x / 2)))
        return constant(x, 1 / (4 * half) if distance == "sqeuclidean" else 0.5, 0.0)

    def arrays(x: Array) -> dict[str, Array]:
        end = 1.0 if distance == "cosine" else -half
        return {"anchor": anchor(x), "positive": constant(x, end, 0.0), "negative": constant(x, -end, 0.0)}

    reach = {"cosine": 2.0, "euclidean": 2 * half}.get(distance, 4 * half**2)
    yield Path("distance_gap", form, arrays, tangent, "", (-reach, reach))


def prototype_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the paths of an embedding and class centres: the angle to its own, with another at 90°, or the distance."""
    tables = [name for name, domain in domains.items() if isinstance(domain, ClassTable)]
    vectors = [name for name, domain in domains.items() if isinstance(domain, Vectors)]
    labels = [name for name, domain in domains.items() if isinstance(domain, ClassTargets)]
    if len(tables) != 1 or not vectors or not labels or len(tables + vectors + labels) != len(domains):
        return
    if form.couples(bound.params):
        return
    table, moved = tables[0], form.gradient_role
    others = [name for name in vectors if name != moved]
    prototypes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    fixed = {table: prototypes[:, None] if "C,K,D" in domains[table].shapes else prototypes}
    classes = {name: np.zeros(2) for name in labels}
    probe = {name: np.array([[0.6, 0.8, 0.0], [1.2, 1.6, 0.0]]) for name in vectors}
    values = evaluate_rows(bound, form, {**classes, **probe, **fixed})
    is_angle = values is not None and np.isclose(values[0], values[1])
    if bound.loss.family == "metric" and not is_angle:

        def from_center(x: Array) -> dict[str, Array]:
            at_zero = {table: np.array([[0.0, 0.0], [0.0, 1.0]])}
            return {**{name: constant(x, 0.0) for name in labels}, moved: stack_columns(x, x, 0.0), **at_zero}

        label = "distance to the centre of the class"
        yield Path(
            "distance", form, from_center, lambda x: stack_columns(x, 1.0, 0.0), "", AXES["distance"].interval, label
        )
        return
    length = 1.0 if is_angle else EMBEDDING_LENGTH
    remarks = ["the centre of the other class is at 90°"]
    if length != 1:
        remarks.append(f"embeddings have length {length:g}")
    if others:
        remarks.append("the other face is at the centre of its class")
    for axis in ("angle", "cosine"):

        def arrays(x: Array, axis: str = axis) -> dict[str, Array]:
            found = {name: constant(x, 0.0) for name in labels} | {moved: length * directions(x, axis)}
            return found | {name: constant(x, length, 0.0, 0.0) for name in others} | fixed

        def tangent(x: Array, axis: str = axis) -> Array:
            return length * direction_slopes(x, axis)

        label = "cosine of embedding and class centre" if axis == "cosine" else ""
        yield Path(axis, form, arrays, tangent, "", AXES[axis].interval, label, tuple(remarks))


def batch_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of coupled rows: two pairs at right angles to each other, each at the same cosine."""
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

    remarks = ("a batch of two pairs, with cosine 0 between vectors of different pairs",)
    yield Path(
        "cosine", form, arrays, tangent, "", AXES["cosine"].interval, "cosine of a row and its positive", remarks
    )


def preference_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of what was chosen and what was not: the margin between their scores or log-probabilities."""
    chosen = form.gradient_role
    rejected = PREFERENCES.get(chosen, "")
    if rejected not in domains or form.coupled or not all(map(is_real, domains.values())):
        return
    others = [name for name in domains if name not in (chosen, rejected)]
    label = f"margin: {chosen} − {rejected}"
    remarks = (f"{' and '.join(others)} are 0",) if others else ()

    def arrays(x: Array) -> dict[str, Array]:
        # a log-probability is not above 0
        return dict.fromkeys(others, 0 * x) | {chosen: np.minimum(x, 0.0), rejected: np.minimum(-x, 0.0)}

    yield Path("margin", form, arrays, np.ones_like, "", AXES["margin"].interval, label, remarks)


def query_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of a query of two documents, of which the first is relevant: the margin between their scores."""
    if not form.by_query:
        return

    def arrays(x: Array) -> dict[str, Array]:
        return {"y_true": constant(x, 1.0, 0.0), "y_pred": stack_columns(x, x, 0.0)}

    def tangent(x: Array) -> Array:
        return constant(x, 1.0, 0.0)

    yield Path(
        "margin", form, arrays, tangent, "", AXES["margin"].interval, "score of the relevant one of two documents"
    )


def ranking_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of two scores of which one should be the higher: the margin between them."""
    if list(domains) != ["y_true", "x1", "x2"] or not all(is_real(domains[name]) for name in ("x1", "x2")):
        return

    def arrays(x: Array) -> dict[str, Array]:
        return {"y_true": constant(x, 1.0), "x1": x + 0.0, "x2": 0 * x}

    yield Path("margin", form, arrays, np.ones_like, "", AXES["margin"].interval, "margin: y · (x1 − x2)")


def interval_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of an interval or of quantiles that keep their width: the distance of the middle."""
    predicted = domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or "gradient" not in form.hooks:
        return
    if isinstance(predicted, QuantileRows) and predicted.levels is not None:
        offsets, middle = 2 * np.array(predicted.levels) - 1, "level 1/2 − y_true"
        remark = "the quantile of level t is 2t - 1 above that of level 1/2"
    elif isinstance(predicted, IntervalEnds):
        offsets, middle, remark = np.array([-1.0, 1.0]), "middle of the interval − y_true", "an interval of width 2"
    else:
        return

    def arrays(x: Array) -> dict[str, Array]:
        return {"y_true": 0 * x, "y_pred": x[:, None] + offsets}

    def tangent(x: Array) -> Array:
        return np.ones((len(x), len(offsets)))

    yield Path("residual", form, arrays, tangent, label=middle, remarks=(remark,))


def ensemble_paths(bound: BoundLoss, form: Form, domains: Mapping[str, Domain]) -> Iterator[Path]:
    """Yield the path of an ensemble that keeps its spread: the distance of its mean from the truth."""
    predicted = domains.get("y_pred")
    if set(domains) != {"y_true", "y_pred"} or not isinstance(predicted, Members):
        return
    trailing = () if predicted.shapes[0] == "N,M" else (1,)  # vectors of one coordinate

    def arrays(x: Array) -> dict[str, Array]:
        return {"y_true": 0 * x, "y_pred": (x[:, None] + FIVE_MEMBERS).reshape(len(x), 5, *trailing)}

    def tangent(x: Array) -> Array:
        return np.ones((len(x), 5, *trailing))

    remarks = ("five members, half a unit apart",)
    yield Path("residual", form, arrays, tangent, label="mean of the members − y_true", remarks=remarks)
