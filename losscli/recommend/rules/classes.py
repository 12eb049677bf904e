"""Losses for one of several classes per row."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.recommend.facts import percent
from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, clipping_reason, consider, count_ruled_out, refuse, use
from losscli.recommend.summary import short

UNEVEN_RATIO = 5.0
"""Classes are uneven if the largest is this many times the smallest."""

MAX_WEIGHTED_CLASSES = 20
"""Classes up to which a list of weights can be read."""


def classes(d: Profile) -> Iterator[Finding]:
    """Yield findings for probabilities of classes."""
    if not count_ruled_out(d):
        yield use(
            "cross_entropy",
            "a proper score: least where y_pred are the true probabilities; no class that happened was given 0",
        )
    else:
        yield consider("cross_entropy", clipping_reason(d))
    if d.surprised >= 0.01:
        yield consider(
            "generalized_cross_entropy",
            f"{percent(d.surprised)} of the rows gave their class less than 1 %: if those labels are wrong, here none "
            "of them costs more than 1/q = 1.43",
        )
    yield from uneven_classes(d, "cross_entropy", "")
    if d.width > 2:
        yield consider("rps", f"suits if the {d.width} classes are in an order: being far off then costs more")
    yield avoid(
        "softmax_loss",
        "it takes the softmax of what are probabilities already: even a row that is certain and right costs "
        f"{short(math.log1p((d.width - 1) / math.e))}",
    )
    yield avoid(
        "categorical_hinge", "it wants scores that win by 1, and probabilities win by 1 only where they are certain"
    )


def class_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for logits of classes."""
    yield use("softmax_loss", "cross-entropy of logits, a proper score; nothing is clipped")
    yield from uneven_classes(d, "softmax_loss", ":from_logits=true")
    yield consider(
        "multiclass_hinge", "suits if only the class counts, not its probability: the right score must win by 1"
    )
    if not d.pred.simplex:
        yield refuse(
            "cross_entropy",
            f"y_pred goes from {d.pred.range} and its rows sum to {short(d.pred.sums[0])} to {short(d.pred.sums[1])}: "
            "probabilities sum to 1",
        )


def class_logs(d: Profile) -> Iterator[Finding]:
    """Yield findings for log-probabilities of classes."""
    if d.sample.arrays["y_true"].ndim == 1:
        yield use("nll", "exp(y_pred) sums to 1 in every row: these are log-probabilities, and it reads those")
    yield consider("softmax_loss", "the same number: the softmax of log-probabilities gives the probabilities back")
    yield from uneven_classes(d, "nll", None)
    if d.pred.low < 0:
        yield refuse(
            "cross_entropy", f"y_pred goes from {d.pred.range}: it reads probabilities unless from_logits=true"
        )


def uneven_classes(d: Profile, loss: str, logits: str | None) -> Iterator[Finding]:
    """Yield losses that weight small classes up; focal loss has the parameter `logits`, and is left out for None."""
    shares = d.class_shares
    if min(shares) == 0 or max(shares) < UNEVEN_RATIO * min(shares) or d.width > MAX_WEIGHTED_CLASSES:
        return
    ratio = f"the largest class has {short(round(max(shares) / min(shares), 1))} times the rows of the smallest"
    weights = "/".join(short(1 / (d.width * share)) for share in shares)
    yield consider(
        f"{loss}:class_weight={weights}", f"{ratio}: with class_weight = n/(C n_c) every class weighs the same"
    )
    if logits is not None:
        inverse = [1 / share for share in shares]
        alpha = "/".join(short(value / sum(inverse)) for value in inverse)
        yield consider(
            f"categorical_focal:alpha={alpha}{logits}", f"{ratio}: alpha is in proportion to 1/n_c; not a proper score"
        )
