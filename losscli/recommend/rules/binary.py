"""Losses for labels: two classes, or several labels that are each on or off."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.facts import percent
from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import (
    RARE_SHARE,
    Finding,
    are_labels,
    avoid,
    clipping_reason,
    consider,
    count_ruled_out,
    range_reason,
    rates_reason,
    refuse,
    use,
)
from losscli.recommend.summary import short

MAX_RANKED_LABELS = 50
"""Labels per row up to which a loss of all pairs of labels is suggested."""


def binary(d: Profile) -> Iterator[Finding]:
    """Yield findings for two labels and probabilities."""
    if not count_ruled_out(d):
        yield use("bce", "a proper score: least where y_pred is the true probability; no row that happened was given 0")
    elif not are_labels(d):
        yield consider("bce", clipping_reason(d))
    if are_labels(d):
        yield use(
            "zero_one", "y_pred is 0 or 1 only: labels, not probabilities, of which it gives the share that is wrong"
        )
        if count_ruled_out(d):
            yield avoid("bce", clipping_reason(d))
    else:
        yield use(
            "brier",
            "the squared error of the probability: a proper score, and no row costs more than 1; "
            f"{percent(d.surprised)} of the labels were given less than 1 %",
        )
        yield from rare_label(d, "")
        yield avoid("mae", "not a proper score: its best answer to any probability but 1/2 is 0 or 1")
    if d.pred.low >= 0:
        yield avoid(
            "hinge",
            "it reads scores whose sign is the class, and no y_pred is below 0 (the least is "
            f"{short(d.pred.low)}): it takes every row for a 1",
        )


def binary_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for two labels and logits."""
    if d.pred.within(0, 1):
        yield use("bce:from_logits=true", "y_pred are logits, as from_logits says: a proper score")
    else:
        yield use(
            "bce:from_logits=true",
            f"y_pred goes from {d.pred.range}, not within [0, 1]: as logits (from_logits=true) it is a proper score",
        )
    yield consider("hinge", "of scores whose sign is the class: suits if only the class counts, not its probability")
    yield from rare_label(d, ":from_logits=true")
    if not d.pred.within(0, 1):
        yield refuse("bce", range_reason(d))


def rare_label(d: Profile, logits: str) -> Iterator[Finding]:
    """Yield losses that weight a rare label up; `logits` is the parameter that says so, or empty."""
    rate = d.base_rate
    if min(rate, 1 - rate) >= RARE_SHARE:
        return
    share = f"label 1 is in {percent(rate)} of the rows"
    yield consider(
        f"focal:alpha={short(1 - rate)}{logits}",
        f"{share}; alpha = 1 - {short(rate)} gives both labels the same total weight before gamma turns easy rows "
        "down; not a proper score, so not for probabilities that must be right",
    )
    yield consider(
        f"bce:pos_weight={short((1 - rate) / rate)}{logits}",
        f"{share}; pos_weight = {short(1 - rate)}/{short(rate)} makes both labels weigh the same; the odds of a model "
        "fitted by it are too high by that factor",
    )


def multilabel(d: Profile) -> Iterator[Finding]:
    """Yield findings for several labels and probabilities."""
    if not count_ruled_out(d):
        yield use("bce", "a proper score of each label, averaged over them; no label that happened was given 0")
    elif are_labels(d):
        yield avoid("bce", clipping_reason(d))
    else:
        yield consider("bce", clipping_reason(d))
    yield use("hamming", f"the share of the {d.width} labels that are wrong at 0.5")
    if min(d.class_shares) < RARE_SHARE and not are_labels(d):
        yield consider(
            "asymmetric", f"{rates_reason(d)}: it turns down the many labels that are off and were seen to be"
        )


def multilabel_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for several labels and logits."""
    yield use(
        "multilabel_soft_margin", f"y_pred goes from {d.pred.range}: bce of logits, averaged over the {d.width} labels"
    )
    if min(d.class_shares) < RARE_SHARE:
        yield consider(
            "asymmetric:from_logits=true",
            f"{rates_reason(d)}: it turns down the many labels that are off and were seen to be",
        )
    if d.width <= MAX_RANKED_LABELS:
        yield consider(
            "multilabel_margin", "suits if the labels of a row are only to be ranked: those on above those off, by 1"
        )
    if not d.pred.within(0, 1):
        yield refuse("bce", range_reason(d))
