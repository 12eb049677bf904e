"""Losses for two labels."""

from __future__ import annotations

import math
from collections.abc import Iterator

from losscli.recommend.profile import Profile
from losscli.recommend.rules import findings
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import percent, short


def binary(d: Profile) -> Iterator[Finding]:
    """Yield findings for two labels and probabilities."""
    yield findings.judge_bce(d, "a proper score: its minimum is at the true probability; no true label was given 0")
    if d.pred.has_only(0, 1):
        yield use("zero_one", "y_pred is 0 or 1 only: labels, not probabilities; it gives the share that is wrong")
        yield consider("matthews_loss", "the correlation of both labels: suits if one of them is rare")
        yield consider("f1_loss", "precision and recall of each label in one number")
    else:
        share = f"{percent(d.surprising_share)} of the labels were given less than 1 %"
        yield use("brier", f"the squared error of the probability: a proper score, at most 1 per row; {share}")
        yield from rare_label(d, "")
        yield from findings.judge_accuracy(d, max(d.base_rate, 1 - d.base_rate))
        yield from order_alone(d)
        yield avoid("mae", "not a proper score: for any probability but 1/2, its best prediction is 0 or 1")
    if d.pred.low >= 0:
        least = f"no y_pred is below 0 (the least is {short(d.pred.low)})"
        yield avoid("hinge", f"it reads scores whose sign is the class, and {least}: it predicts 1 in every row")


def binary_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for two labels and logits."""
    are_beyond = not d.pred.is_within(0, 1)
    origin = f"y_pred goes from {d.pred.range}, not within [0, 1]" if are_beyond else "y_pred are logits by request"
    verdict = use if d.pred.low < 0 or d.are_logits else consider  # of a label 0, logits are below 0
    yield verdict("bce:from_logits=true", findings.with_calibration(d, f"{origin}: a proper score of logits"))
    yield consider("hinge", "for scores whose sign is the class: suits if only the class counts, not its probability")
    yield from rare_label(d, ":from_logits=true")
    yield from order_alone(d)
    if are_beyond:
        yield refuse("bce", findings.range_reason(d))


def order_alone(d: Profile) -> Iterator[Finding]:
    """Yield losses that see the order of the predictions alone."""
    if d.has_queries and d.width == 1:
        yield consider(
            "ndcg_loss", "a column says which rows are of one query: suits if the order within a query counts"
        )
    if min(d.base_rate, 1 - d.base_rate) == 0 or not math.isfinite(d.pred.high - d.pred.low):
        return
    yield consider("auc_loss", "the share of pairs of both labels in the wrong order: suits if only the order counts")
    if d.base_rate < findings.RARE_SHARE:
        rare = f"label 1 is in {percent(d.base_rate)} of the rows"
        yield consider("average_precision_loss", f"{rare}: of the order, it sees the top")


def rare_label(d: Profile, logits: str) -> Iterator[Finding]:
    """Yield losses that give a rare label more weight; `logits` is the parameter for logits, or empty."""
    rate = d.base_rate
    if min(rate, 1 - rate) >= findings.RARE_SHARE:
        return
    share = f"label 1 is in {percent(rate)} of the rows"
    equal = f"alpha = 1 - {short(rate)} gives both labels the same total weight"
    improper = "gamma reduces the weight of easy rows; not a proper score, so not for calibrated probabilities"
    yield consider(f"focal:alpha={short(1 - rate)}{logits}", f"{share}; {equal}; {improper}")
    equal = f"pos_weight = {short(1 - rate)}/{short(rate)} gives both labels the same total weight"
    odds = "a model fitted with it has odds that are too high by that factor, so not for calibrated probabilities"
    yield consider(f"bce:pos_weight={short((1 - rate) / rate)}{logits}", f"{share}; {equal}; {odds}")
