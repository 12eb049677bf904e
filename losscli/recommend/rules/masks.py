"""Losses for masks: of two classes, and of several."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.recommend.profile import Profile
from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules.findings import RARE_SHARE, Finding, consider, use
from losscli.recommend.summary import percent


def binary_masks(d: Profile) -> Iterator[Finding]:
    """Yield findings for masks of two classes."""
    logits = "" if d.has_probabilities else ":from_logits=true"
    share = float(np.average((d.y_true > 0).mean(axis=1), weights=d.sample.weight))
    rare = f"{percent(share)} of the pixels are 1"
    yield use(f"dice{logits}", f"1 minus the overlap of each mask, twice the intersection over the sum; {rare}")
    yield use(f"jaccard{logits}", "1 minus the intersection over the union of each mask: harder on small errors")
    yield consider(f"bce{logits}", "each pixel for itself: a proper score, smooth where masks do not meet")
    if share < RARE_SHARE:
        yield consider(f"focal_tversky{logits}", f"{rare}: missed pixels cost more than false ones")


def class_masks(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for a prediction for each class of each pixel."""
    labels, predicted = d.sample.arrays["y_true"], d.sample.arrays["y_pred"]
    low, high = float(predicted.min()), float(predicted.max())
    logits = "" if low >= 0 and high <= 1 else ":from_logits=true"
    n_classes = d.n_mask_classes
    ignored = ""
    if labels.ndim < predicted.ndim and (beyond := labels[(labels < 0) | (labels >= n_classes)]).size:
        if (beyond == beyond.flat[0]).all():  # a label of pixels that do not count
            ignored = f":ignore_index={int(beyond.flat[0])}"
        labels = labels[(labels >= 0) & (labels < n_classes)]
    parameters = logits + ignored
    yield use(
        f"multiclass_dice{parameters}", "1 minus the overlap of each class, averaged over classes: all count the same"
    )
    if d.sample.arrays["y_true"].ndim < predicted.ndim:
        shares = np.array([float((labels == k).mean()) for k in range(n_classes)])
        rare = f"the rarest of {n_classes} classes has {percent(float(shares.min()))} of the pixels"
        yield consider(f"generalized_dice{parameters}", f"{rare}: classes count by the inverse square of their size")
        yield consider(
            f"lovasz_softmax{parameters}", "an extension of the intersection over union from labels to probabilities"
        )
    yield consider(f"dice_ce{parameters}", "with the cross-entropy of the pixels: smooth where masks do not meet yet")
