"""Losses for distributions as targets."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, row_sum_reason, use
from losscli.recommend.tasks import Task

ENTROPY_REASON = "kl plus the entropy of y_true: the same minimizer, but not 0 there"


def distributions(d: Profile) -> Iterator[Finding]:
    """Yield findings for a distribution per row, or for one distribution."""
    if d.zero_probability_rows:
        rows = f"in {d.zero_probability_rows} of {d.n} rows"
        yield avoid("kl", f"{rows} y_pred is 0 where y_true is not: it is infinite there")
    else:
        yield use("kl", "nats lost by using y_pred for y_true; finite, as y_pred is above 0 where y_true is")
    yield use("js", "symmetric, and at most log 2 = 0.69 even where y_pred is 0")
    yield consider("hellinger", "a distance, between 0 and 1")
    yield consider("wasserstein", "suits if the classes have an order, one step apart: how far mass must move")
    if d.task is Task.DISTRIBUTIONS and not d.zero_probability_rows:
        yield consider("cross_entropy", ENTROPY_REASON)


def distribution_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for logits of a distribution per row."""
    yield use("kl:from_logits=true", "y_true are distributions, y_pred are not: as logits, their softmax is compared")
    yield consider("softmax_loss", ENTROPY_REASON)
    yield consider("js:from_logits=true", "symmetric, and at most log 2 = 0.69")
    if not d.pred.is_simplex:
        yield refuse("kl", row_sum_reason(d, "distributions"))
