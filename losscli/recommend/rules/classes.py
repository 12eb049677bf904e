"""Losses for one of several classes per row."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.recommend.profile import Profile
from losscli.recommend.rules import findings
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.rules.ordinal import ordered_classes
from losscli.recommend.summary import percent, short

UNEVEN_RATIO = 5.0
"""Classes are uneven if the largest is this many times the smallest."""

MAX_WEIGHTED_CLASSES = 20
"""Classes up to which a list of weights can be read."""


def classes(d: Profile) -> Iterator[Finding]:
    """Yield findings for probabilities of classes."""
    if findings.count_ruled_out(d):
        yield consider("cross_entropy", findings.clipping_reason(d))
    else:
        proper = "a proper score: its minimum is at the true probability; no true class was given 0"
        yield use("cross_entropy", findings.with_calibration(d, proper))
    yield from ordered_classes(d)
    if d.surprising_share >= 0.01 and d.surprising_share > 2 * d.expected_surprises:
        share = f"{percent(d.surprising_share)} of the rows gave their class less than 1 %"
        expected = f"they expect that in {percent(d.expected_surprises)}"
        cost = "if those labels are wrong, not the probabilities, none costs more than 1/q = 1.43 here"
        yield consider("generalized_cross_entropy", f"{share}, and {expected}: {cost}")
    yield from uneven_classes(d, "cross_entropy", "")
    yield from findings.judge_accuracy(d, max(d.class_shares))
    cost = f"even a row that is certain and right costs {short(math.log1p((d.width - 1) / math.e))}"
    yield avoid("softmax_loss", f"it takes the softmax, but these are probabilities already: {cost}")
    yield avoid("categorical_hinge", "it expects scores with a margin of 1; probabilities have that only if certain")


def class_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for logits of classes."""
    proper = "cross-entropy of logits, a proper score; nothing is clipped"
    yield use("softmax_loss", findings.with_calibration(d, proper))
    yield from uneven_classes(d, "softmax_loss", ":from_logits=true")
    yield consider("multiclass_hinge", "suits if only the class counts: the score of the true class must win by 1")
    if not d.pred.is_simplex:
        yield refuse("cross_entropy", findings.row_sum_reason(d, "probabilities"))


def class_logs(d: Profile) -> Iterator[Finding]:
    """Yield findings for log-probabilities of classes."""
    logs = "exp(y_pred) sums to 1 in every row: these are log-probabilities, and it reads those"
    yield use("nll", findings.with_calibration(d, logs))
    yield consider("softmax_loss", "the same number: the softmax of log-probabilities gives the probabilities")
    yield from uneven_classes(d, "nll", None)
    if d.pred.low < 0:
        yield refuse("cross_entropy", f"y_pred goes from {d.pred.range}: it reads probabilities by default")


def uneven_classes(d: Profile, loss: str, logits: str | None) -> Iterator[Finding]:
    """Yield losses that give small classes more weight; `logits` is the parameter of focal loss, None for no focal."""
    shares = d.class_shares
    if min(shares) == 0 or max(shares) < UNEVEN_RATIO * min(shares) or d.width > MAX_WEIGHTED_CLASSES:
        return
    ratio = f"the largest class has {short(round(max(shares) / min(shares), 1))} times the rows of the smallest"
    weights = "/".join(short(1 / (d.width * share)) for share in shares)
    equal = "with class_weight = n/(C n_c), every class has the same total weight, so not for calibrated probabilities"
    yield consider(f"{loss}:class_weight={weights}", f"{ratio}: {equal}")
    if logits is not None:
        inverse = [1 / share for share in shares]
        alpha = "/".join(short(value / sum(inverse)) for value in inverse)
        reason = f"{ratio}: alpha is proportional to 1/n_c; not a proper score, so not for calibrated probabilities"
        yield consider(f"categorical_focal:alpha={alpha}{logits}", reason)
