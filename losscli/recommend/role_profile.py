"""The profile of data with other roles than y_true and y_pred: embeddings, pairs, triplets, sequences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.data.dataset import Dataset, ignore_note
from losscli.declaration.domains import Array, Mask
from losscli.errors import NoResultError
from losscli.evaluation.evaluator import Evaluator
from losscli.recommend.beside import BesideColumns
from losscli.recommend.label_facts import Fact
from losscli.recommend.profile import refuse_missing
from losscli.recommend.sample import VALUES_PER_SAMPLE, ReservoirSampler, to_matrix
from losscli.recommend.summary import ColumnSummary, percent, short
from losscli.recommend.tasks import Task

UNIT_LENGTH_ERROR = 1e-3
"""How far from 1 the length of a vector may be that was divided by it, in float32 or rounded."""

MAX_COMPARED_ROWS = 1000
"""Rows that are compared with each other: their nearest neighbours, their cosines."""

OF_SCORES = (
    Task.SURVIVAL,
    Task.SURVIVAL_CURVES,
    Task.TOKENS,
    Task.PREFERENCES,
    Task.CHOICES,
    Task.TEACHING,
    Task.PREDICTED_LABELS,
    Task.MASKS,
)
"""Tasks without vectors."""

PAIRS_BY_ROW = (Task.PAIRS, Task.DISTANCES, Task.RANKED_PAIRS, Task.VERIFICATION, Task.SEQUENCES, *OF_SCORES)
"""Tasks whose losses do not compare rows with each other: more rows are sampled."""

VECTOR_ROLES = ("anchor", "positive", "negative", "x1", "x2", "embeddings", "embeddings1", "embeddings2")

ROLES_REASON = {
    Task.TRIPLETS: "anchor, positive and negative are vectors",
    Task.VIEWS: "anchor and positive are vectors: each row is a pair that belongs together",
    Task.PAIRS: "x1 and x2 are vectors, y_true says which pairs belong together",
    Task.DISTANCES: "distance is the distance of a pair, y_true says which pairs belong together",
    Task.RANKED_PAIRS: "x1 and x2 are scores, y_true says which of them ranks higher",
    Task.EMBEDDINGS: "labels are classes, embeddings are vectors",
    Task.PROTOTYPES: "labels are classes, embeddings are vectors, weights has one a class",
    Task.CENTERS: "labels are classes, embeddings are vectors, centers has one a class",
    Task.VERIFICATION: "pairs of embeddings, each with its class, weights has one a class",
    Task.SEQUENCES: "log-probabilities of frames, and the sequences of classes that they should read",
    Task.SURVIVAL: "time, and event: 1 where it was seen, 0 where the time is censored",
    Task.SURVIVAL_CURVES: "time, and event: 1 where it was seen, 0 where it is censored; several predictions a row",
    Task.TOKENS: "log-probabilities of the tokens that occurred",
    Task.PREFERENCES: "log-probabilities of a chosen and a rejected answer, by a policy and by a reference",
    Task.CHOICES: "scores of an item that was chosen (positive) and of one that was not (negative)",
    Task.TEACHING: "logits of a teacher and of its student",
    Task.PREDICTED_LABELS: "y_true and y_pred are labels: the model's scores are not here",
    Task.MASKS: "each row is a mask, with a prediction for each class of each pixel",
}


@dataclass
class RoleProfile:
    """What data with other roles is: the rows of a `sample` (not all if `is_subsampled`), of `n` rows.

    `class_sizes` are the numbers of rows of each class, empty where there are no labels; `names` are those of the
    columns of y_pred.
    """

    task: Task
    n: int
    weight: float
    is_weighted: bool
    sample: Batch
    extreme_rows: Batch
    is_subsampled: bool
    class_sizes: NDArray[np.int64]
    names: tuple[str, ...] = ()

    @property
    def beside(self) -> BesideColumns:
        """Columns that say more of a forecast: none."""
        return BesideColumns()

    def vectors(self, role: str) -> Array:
        """Return the vectors (n, D) of a role."""
        return to_matrix(self.sample.arrays[role])

    @cached_property
    def dimension(self) -> int:
        return int(self.vectors(self.vector_roles[0]).shape[1])

    @cached_property
    def vector_roles(self) -> list[str]:
        """The roles that hold a vector per row."""
        return [role for role in VECTOR_ROLES if role in self.sample.arrays]

    @property
    def n_mask_classes(self) -> int:
        """The classes of masks."""
        labels, predicted = (self.sample.arrays[role] for role in ("y_true", "y_pred"))
        return int(predicted.size // labels.size if labels.ndim < predicted.ndim else predicted.shape[-1])

    @property
    def n_pixels(self) -> int:
        """The pixels of a mask."""
        return int(self.sample.arrays["y_pred"][0].size) // self.n_mask_classes

    @cached_property
    def lengths(self) -> Array:
        """The lengths of all vectors of the sample."""
        return np.concatenate([np.linalg.norm(self.vectors(role), axis=1) for role in self.vector_roles])

    @property
    def has_unit_lengths(self) -> bool:
        return bool((np.abs(self.lengths - 1) <= UNIT_LENGTH_ERROR).all())

    @property
    def have_one_length(self) -> bool:
        """Whether all vectors are of one length, 1 or another."""
        low, high = float(self.lengths.min()), float(self.lengths.max())
        return high - low <= 2 * UNIT_LENGTH_ERROR * high

    @property
    def lengths_text(self) -> str:
        """The lengths of the vectors: `length 1`, `lengths 0.5 to 2`."""
        low, high = float(self.lengths.min()), float(self.lengths.max())
        if self.has_unit_lengths:
            return "length 1"
        return f"length {short(high, 3)}" if self.have_one_length else f"lengths {short(low)} to {short(high)}"

    def average(self, values: Array) -> float:
        """Return the weighted mean of one value per row of the sample."""
        return float(np.average(values, weights=self.sample.weight))

    @cached_property
    def is_pair(self) -> Mask:
        """Which pairs belong together, or whose x1 ranks higher (n,)."""
        return np.asarray(self.sample.arrays["y_true"].ravel() > 0)

    @cached_property
    def distances(self) -> Array:
        """The distance of each pair (n,)."""
        if "distance" in self.sample.arrays:
            return np.asarray(self.sample.arrays["distance"].ravel(), dtype=np.float64)
        return np.asarray(np.linalg.norm(self.vectors("x1") - self.vectors("x2"), axis=1))

    @cached_property
    def triplet_gaps(self) -> Array:
        """How much nearer the anchor is to its positive than to its negative, in squared distances (n,)."""
        near, far = (
            np.square(self.vectors("anchor") - self.vectors(role)).sum(axis=1) for role in ("positive", "negative")
        )
        return np.asarray(far - near)

    @cached_property
    def labels(self) -> Array:
        return self.sample.arrays["labels"].ravel()

    @property
    def share_alone(self) -> float:
        """The share of the rows that are the only one of their class."""
        return float((self.class_sizes == 1).sum() / self.n)

    @property
    def share_of_equal_pairs(self) -> float:
        """The share of all pairs of rows that have the same class."""
        pairs = float(self.n) * (self.n - 1)
        return float((self.class_sizes * (self.class_sizes - 1)).sum() / pairs) if pairs else math.nan

    @cached_property
    def nearest_share(self) -> float:
        """The share of rows whose nearest other row, by cosine, has the same class (or is their own positive)."""
        first, second = ("anchor", "positive") if self.task is Task.VIEWS else ("embeddings", "embeddings")
        x, y = (of_unit_length(self.vectors(role)[:MAX_COMPARED_ROWS]) for role in (first, second))
        cosines = x @ y.T
        if self.task is Task.VIEWS:
            return float((cosines.argmax(axis=1) == np.arange(len(x))).mean())
        np.fill_diagonal(cosines, -np.inf)
        labels = self.labels[:MAX_COMPARED_ROWS]
        return float((labels[cosines.argmax(axis=1)] == labels).mean())

    @cached_property
    def prototype_share(self) -> float:
        """The share of rows whose own prototype is the nearest one by cosine."""
        role = "weights" if "weights" in self.sample.arrays else "centers"
        cosines = of_unit_length(self.vectors("embeddings")) @ of_unit_length(to_matrix(self.sample.arrays[role])).T
        return self.average((cosines.argmax(axis=1) == self.labels).astype(np.float64))


def of_unit_length(x: Array) -> Array:
    """Return vectors (n, D) divided by their lengths; those of length 0 as they are."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1.0))


def role_profile_of(
    dataset: Dataset, task: Task, first_loss: Evaluator, track: Callable[[Iterator[Batch]], Iterable[Batch]] = iter
) -> RoleProfile:
    """Read the roles once and return their profile, that of a sample of rows if they are many.

    Raises:
        DataError: The first loss refuses the sample: shapes differ, or labels are no class.
        NoResultError: No row is left, or one lacks a value.
    """
    sampler = ReservoirSampler(VALUES_PER_SAMPLE if task in PAIRS_BY_ROW else 1)
    n, weight = 0, 0.0
    sizes: Counter[float] = Counter()
    for batch in track(dataset.batches()):
        refuse_missing(batch)
        kept = batch if batch.absent is None else batch.take(~batch.absent)
        if not len(kept):
            continue
        n += len(kept)
        weight += float(len(kept) if kept.weight is None else kept.weight.sum())
        if "labels" in kept.arrays:
            labels, counts = np.unique(kept.arrays["labels"].ravel(), return_counts=True)
            sizes.update(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
        sampler.add(kept)
    if not n:
        raise NoResultError("no row is left: all were omitted or have weight 0")
    sample, extreme_rows = sampler.finish()
    if sampler.is_subsampled:  # what is odd of a sample, such as a row that is alone in its class, need not be of all
        quiet = {role: replace(origin, note=ignore_note) for role, origin in sample.origins.items()}
        sample = replace(sample, origins=quiet)
    if task not in (Task.SURVIVAL_CURVES, Task.MASKS):  # what these hold, such as logits, is told by the values
        first_loss(sample)
    class_sizes = np.array(list(sizes.values()), dtype=np.int64)
    is_weighted = sample.weight is not None
    names = tuple(column.name for column in dataset.bound["y_pred"].columns) if "y_pred" in dataset.bound else ()
    return RoleProfile(task, n, weight, is_weighted, sample, extreme_rows, sampler.is_subsampled, class_sizes, names)


def list_role_facts(d: RoleProfile) -> Iterator[Fact]:
    """Yield what is known of the data."""
    yield Fact("rows", d.n, f"{d.n}{', weighted' if d.is_weighted else ''}")
    yield Fact("task", str(d.task), f"{d.task}: {ROLES_REASON[d.task]}")
    if d.task is Task.SEQUENCES:
        frames, classes = d.sample.arrays["log_probs"].shape[1:]
        longest = int(d.sample.arrays["target_lengths"].max())
        yield Fact("frames", frames, f"{frames} frames of {classes} classes, targets of up to {longest}")
        return
    if d.task is Task.RANKED_PAIRS:
        yield from list_ranked_facts(d)
        return
    if d.task in OF_SCORES:
        yield from list_score_facts(d)
        return
    if d.vector_roles:
        low, high = float(d.lengths.min()), float(d.lengths.max())
        value = {"dimension": d.dimension, "lengths": [low, high], "normalised": d.has_unit_lengths}
        yield Fact("vectors", value, f"{d.dimension} numbers each, of {d.lengths_text}")
    if d.task in (Task.PAIRS, Task.DISTANCES):
        yield from list_pair_facts(d)
    if d.task is Task.TRIPLETS:
        share = d.average((d.triplet_gaps > 0).astype(np.float64))
        yield Fact("ordered", share, f"in {percent(share)} of the rows the positive is nearer than the negative")
    if d.task is Task.VIEWS:
        text = f"{percent(d.nearest_share)} of the anchors have their own positive as the nearest one by cosine"
        yield Fact("nearest", d.nearest_share, text)
    if "labels" in d.sample.arrays:
        yield from list_class_facts(d)


def list_score_facts(d: RoleProfile) -> Iterator[Fact]:
    """Yield what is known of survival times, labels, and scores that are no vectors."""
    if "event" in d.sample.arrays:
        seen = d.average(d.sample.arrays["event"].ravel())
        yield Fact("events", seen, f"{percent(seen)} of the events were seen, the other times are censored")
    if d.task is Task.PREDICTED_LABELS:
        wrong = d.average((d.sample.arrays["y_true"] != d.sample.arrays["y_pred"]).astype(np.float64))
        n_classes = len(np.unique(np.concatenate([d.sample.arrays[role] for role in ("y_true", "y_pred")])))
        yield Fact("classes", n_classes, f"{n_classes}; {percent(wrong)} of the labels are wrong")
    if d.task is Task.CHOICES:
        right = d.average((d.vectors("positive") > d.vectors("negative")).mean(axis=1))
        yield Fact("ordered", right, f"in {percent(right)} of the rows the chosen item has the higher score")
    if d.task is Task.MASKS:
        yield Fact("pixels", d.n_pixels, f"{d.n_pixels} pixels a row, {d.n_mask_classes} classes")


def list_ranked_facts(d: RoleProfile) -> Iterator[Fact]:
    """Yield what is known of pairs of scores."""
    x1, x2 = (ColumnSummary() for _ in range(2))
    for role, summary in (("x1", x1), ("x2", x2)):
        summary.update(d.vectors(role), d.sample.weight)
    low, high = min(x1.low, x2.low), max(x1.high, x2.high)
    yield Fact("scores", [low, high], f"{short(low)} to {short(high)}")
    gap = (d.vectors("x1") - d.vectors("x2"))[:, 0]
    right = d.average(np.where(d.is_pair, gap > 0, gap < 0).astype(np.float64))
    ties = d.average((gap == 0).astype(np.float64))
    equal = f", {percent(ties)} are equal" if ties else ""
    yield Fact("ordered", right, f"{percent(right)} of the pairs are in the right order{equal}")


def list_pair_facts(d: RoleProfile) -> Iterator[Fact]:
    """Yield what is known of pairs that belong together or not."""
    share = d.average(d.is_pair.astype(np.float64))
    yield Fact("labels", share, f"{percent(share)} of the pairs belong together")
    if 0 < share < 1:
        near, far = (float(np.median(d.distances[mask])) for mask in (d.is_pair, ~d.is_pair))
        text = f"median {short(near)} of pairs that belong together, {short(far)} of the others"
        yield Fact("distances", [near, far], text)


def list_class_facts(d: RoleProfile) -> Iterator[Fact]:
    """Yield what is known of the classes of embeddings."""
    sizes = d.class_sizes
    each = f"{sizes.min()} to {sizes.max()} rows each" if sizes.min() < sizes.max() else f"{sizes[0]} rows each"
    alone = f", {percent(d.share_alone)} of the rows alone in theirs" if d.share_alone else ""
    yield Fact("classes", len(sizes), f"{len(sizes)}, {each}{alone}")
    if d.n > 1:
        share = d.share_of_equal_pairs
        yield Fact("equal pairs", share, f"{percent(share)} of all pairs of rows are of one class")
        text = f"{percent(d.nearest_share)} of the rows have one of their class as the nearest by cosine"
        yield Fact("nearest", d.nearest_share, text)
    if d.task in (Task.PROTOTYPES, Task.CENTERS):
        text = f"{percent(d.prototype_share)} of the rows are nearest to the prototype of their class by cosine"
        yield Fact("prototypes", d.prototype_share, text)


def list_role_notes(d: RoleProfile) -> Iterator[str]:
    """Yield notes on the data."""
    if d.is_subsampled:
        yield f"statements on vectors are about a random sample of {len(d.sample)} of {d.n} rows"
    if d.task in (Task.PAIRS, Task.DISTANCES) and (d.is_pair.all() or not d.is_pair.any()):
        which = "belong together" if d.is_pair.all() else "are of different things"
        yield f"all pairs {which}: add some of the other kind, as each alone is least where all vectors are the same"
