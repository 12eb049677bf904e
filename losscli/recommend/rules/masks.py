"""Losses for masks of several classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules.findings import Finding, consider, use
from losscli.recommend.summary import percent


def class_masks(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for a probability of each class of each pixel."""
    labels, predicted = d.sample.arrays["y_true"], d.sample.arrays["y_pred"]
    low, high = float(predicted.min()), float(predicted.max())
    logits = "" if low >= 0 and high <= 1 else ":from_logits=true"
    n_classes = d.n_mask_classes
    yield use(
        f"multiclass_dice{logits}", "1 minus the overlap of each class, averaged over classes: all count the same"
    )
    if labels.ndim < predicted.ndim:
        shares = np.array([float((labels == k).mean()) for k in range(n_classes)])
        rare = f"the rarest of {n_classes} classes has {percent(float(shares.min()))} of the pixels"
        yield consider(f"generalized_dice{logits}", f"{rare}: classes count by the inverse square of their size")
        yield consider(f"lovasz_softmax{logits}", "a convex surrogate of the intersection over union")
    yield consider(f"dice_ce{logits}", "with the cross-entropy of the pixels: smooth where masks do not meet yet")
