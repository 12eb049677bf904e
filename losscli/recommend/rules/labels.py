"""Losses for several labels per row, each on or off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.recommend.profile import Profile
from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules import findings
from losscli.recommend.rules.findings import Finding, consider, refuse, use
from losscli.recommend.summary import percent

MAX_RANKED_LABELS = 50
"""Labels per row up to which a loss of all pairs of labels is suggested."""


def multilabel(d: Profile) -> Iterator[Finding]:
    """Yield findings for several labels and probabilities."""
    yield findings.judge_bce(d, "a proper score of each label, averaged over labels; no true label was given 0")
    yield from judge_hamming(d)
    if min(d.class_shares) < findings.RARE_SHARE and not d.pred.has_only(0, 1):
        yield consider("asymmetric", findings.rare_labels_reason(d))


def predicted_labels(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for labels on both sides."""
    true = d.sample.arrays["y_true"]
    _, counts = np.unique(true, return_counts=True)
    rarest, most = float(counts.min() / len(true)), float(counts.max() / len(true))
    share = f"the rarest of {len(counts)} classes has {percent(rarest)} of the rows"
    is_even = most < 2 * rarest
    yield (use if is_even else consider)(
        "zero_one", f"the share of wrong labels; one label for all gets {percent(1 - most)}"
    )
    yield (consider if is_even else use)("balanced_error", f"each class counts the same; {share}")
    yield use("f1_loss", "precision and recall of each class in one number, averaged over classes")
    yield consider(
        "matthews_loss", "the correlation of both labels: it sees all four kinds of cells, and no class leads"
    )
    yield consider("cohen_kappa_loss", "disagreement beyond that of chance: suits two raters")


def judge_hamming(d: Profile) -> Iterator[Finding]:
    """Yield the finding on the share of wrong labels, by what predicting no label at all would get."""
    share = f"the share of the {d.width} labels that are wrong at 0.5"
    none = sum(d.class_shares) / d.width
    if d.pred.has_only(0, 1) or none >= findings.RARE_SHARE:
        verdict = use
    else:
        verdict, share = consider, f"{share}; predicting none at all gets {percent(none)}"
    yield verdict("hamming", share)


def multilabel_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for several labels and logits."""
    mean = f"y_pred goes from {d.pred.range}: bce of logits, averaged over the {d.width} labels"
    yield use("multilabel_soft_margin", findings.with_calibration(d, mean))
    if min(d.class_shares) < findings.RARE_SHARE:
        yield consider("asymmetric:from_logits=true", findings.rare_labels_reason(d))
    if d.width <= MAX_RANKED_LABELS:
        yield consider("multilabel_margin", "suits if only ranks count: labels that are on above those off, by 1")
    if not d.pred.is_within(0, 1):
        yield refuse("bce", findings.range_reason(d))
