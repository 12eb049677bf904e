"""Losses for distributions as targets."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.profile import Profile, Task
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import short

ENTROPY_REASON = "kl plus the entropy of y_true: the same minimum, but not 0 there"


def distributions(d: Profile) -> Iterator[Finding]:
    """Yield findings for a distribution per row, or for one distribution."""
    if not d.zero_probability_rows:
        yield use("kl", "nats lost by taking y_pred for y_true; y_pred is above 0 wherever y_true is, so it is finite")
    else:
        count = f"in {d.zero_probability_rows} of {d.n} rows"
        yield avoid("kl", f"{count} y_pred is 0 where y_true is not: it is infinite there")
    yield use("js", "symmetric, and at most log 2 = 0.69 even where y_pred is 0")
    yield consider("hellinger", "a distance, between 0 and 1")
    yield consider(
        "wasserstein", "suits if the classes are in an order, one step apart: it is how far the mass must move"
    )
    if d.task is Task.DISTRIBUTIONS and not d.zero_probability_rows:
        yield consider("cross_entropy", ENTROPY_REASON)


def distribution_scores(d: Profile) -> Iterator[Finding]:
    """Yield findings for logits of a distribution per row."""
    yield use("kl:from_logits=true", "y_true are distributions, y_pred is not: as logits, their softmax is compared")
    yield consider("softmax_loss", ENTROPY_REASON)
    yield consider("js:from_logits=true", "symmetric, and at most log 2 = 0.69")
    yield refuse(
        "kl",
        f"y_pred goes from {d.pred.range} and its rows sum to {short(d.pred.sums[0])} to {short(d.pred.sums[1])}: "
        "distributions are >= 0 and sum to 1",
    )
