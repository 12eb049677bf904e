"""Losses for embeddings: pairs, triplets, classes with and without prototypes; and for ranked scores and sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules.findings import Finding, avoid, consider, use
from losscli.recommend.summary import percent, short
from losscli.recommend.tasks import Task

MARGIN_OF_PAIRS = 1.0
"""The default margin of contrastive."""

MIN_SHARE_WITHIN_MARGIN = 0.05
"""A margin fits if at least this share of the pairs that do not belong together, and not nearly all, is within it."""


def triplets(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for an anchor, a positive and a negative per row."""
    gaps = d.triplet_gaps
    active = percent(d.average((gaps < 0.2).astype(np.float64)))
    if d.has_unit_lengths:
        yield use("triplet", f"vectors have length 1, for which its margin of 0.2 is made: {active} of the rows cost")
    else:
        lengths = f"vectors have {d.lengths_text}"
        yield use("triplet:distance=cosine", f"{lengths}: of cosines, the margin means the same for all of them")
        yield avoid("triplet", f"{lengths}: a margin of 0.2 on squared distances depends on their scale")
    yield from batch_negatives(d, consider, "leaves the named negatives out")


def views(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for pairs that belong together, without negatives."""
    yield from batch_negatives(d, use, "no negatives are named")


def batch_negatives(d: RoleProfile, verdict: Callable[[str, str], Finding], start: str) -> Iterator[Finding]:
    """Yield losses whose negatives are all other rows."""
    yield verdict("info_nce", f"{start}: the positives of all other rows are the negatives, by cosine")
    yield consider("ntxent", "as info_nce, with both views as anchors, and all other rows of both as negatives")
    yield consider(
        "n_pair", f"as info_nce by inner products instead of cosines: lengths count; vectors have {d.lengths_text}"
    )


def vector_pairs(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for pairs of vectors that belong together or not."""
    yield from contrastive_pairs(d)
    if d.have_one_length:
        yield use(
            "cosine_embedding", f"all have {d.lengths_text}, so cosines say all; at margin 0 right angles are enough"
        )
    else:
        yield consider("cosine_embedding", "suits if only directions count: lengths differ, and it does not see them")


def distance_pairs(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for the distances of pairs that belong together or not."""
    yield from contrastive_pairs(d)


def contrastive_pairs(d: RoleProfile) -> Iterator[Finding]:
    """Yield the contrastive loss, with a margin that fits the distances."""
    far = d.distances[~d.is_pair]
    within = float((far < MARGIN_OF_PAIRS).mean()) if far.size else 1.0
    start = "pulls pairs that belong together, and pushes others up to a margin"
    reason = f"{start} of 1; {percent(within)} of the others are within it"
    has_scale = "distance" not in d.sample.arrays and d.has_unit_lengths
    if not far.size or has_scale or MIN_SHARE_WITHIN_MARGIN <= within < 1:
        yield use("contrastive", reason)
    if far.size and not MIN_SHARE_WITHIN_MARGIN <= within < 1:
        margin = short(float(np.median(far)))
        verdict = consider if has_scale else use
        yield verdict(f"contrastive:margin={margin}", f"{start}: {margin} is the median distance of those")
        yield avoid("contrastive", reason)


def ranked_pairs(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for two scores, one of which ranks higher."""
    yield use("margin_ranking", "costs by how much the wrong score is higher; equal scores cost nothing at margin 0")
    gap = np.abs(d.vectors("x1") - d.vectors("x2"))
    if (margin := short(float(np.median(gap)))) != "0":
        reason = f"half of the scores differ by less than {margin}: those must be farther apart to cost nothing"
        yield consider(f"margin_ranking:margin={margin}", reason)


def embeddings(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for embeddings with classes."""
    yield from all_pairs(d, use)
    if d.share_alone == 1:
        return
    if d.task is Task.CENTERS:
        yield consider("center", "squared distance to the centre of its class: beside a loss that tells classes apart")
    else:
        yield consider("coco", "a softmax of cosines with the means of the classes: suits if there are no prototypes")
        yield avoid("center", "pulls to the mean of the class alone: it is least where all vectors are the same")


def all_pairs(d: RoleProfile, verdict: Callable[[str, str], Finding]) -> Iterator[Finding]:
    """Yield losses of all pairs of rows, by class; `verdict` is that on the first."""
    if d.share_alone == 1:
        yield avoid("supcon", "every row is the only one of its class: no anchor has a positive")
        return
    share = f"{percent(d.share_of_equal_pairs)} of all pairs are of one class"
    yield verdict("supcon", f"every other row of its class is a positive of an anchor, by cosine; {share}")
    yield consider("multi_similarity", "weights pairs by how hard they are: suits if most of them are easy")
    mined = "triplet_mined" if d.has_unit_lengths else "triplet_mined:distance=cosine"
    lengths = f"vectors have {d.lengths_text}{'' if d.has_unit_lengths else ', so by cosine'}"
    yield consider(mined, f"triplets are mined from the rows, semi-hard ones by default; {lengths}")
    yield consider("circle", "each similarity has a weight of its own: suits if verification is the goal")


def prototypes(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for embeddings with classes and a prototype of each."""
    share = f"{percent(d.prototype_share)} of the rows are nearest to the prototype of their class"
    yield use("arcface", f"prototypes are given; a margin of 0.5 on the angle to the prototype of the class; {share}")
    yield use("cosface", "a margin of 0.35 on the cosine itself, at the same scale of 64: steadier at the start")
    yield consider("am_softmax", "as cosface at scale 30: suits if classes are few or labels are noisy")
    yield consider("normface", "no margin: the cross-entropy of the cosines, to compare models")
    if not d.has_unit_lengths:
        yield consider("linear_softmax", "a plain softmax of inner products: lengths count, as in a classifier")
    yield from all_pairs(d, consider)


def verification(_d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for pairs of embeddings with classes and prototypes."""
    yield use("deepid", "tells the classes of both apart, and pulls pairs of one class together")


def sequences(_d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for log-probabilities of frames and targets without an alignment."""
    yield use("ctc", "targets are shorter than the frames, and not aligned with them; class 0 is the blank")
