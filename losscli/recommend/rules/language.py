"""Losses for language models: tokens, preferences, chosen items, a teacher and a student."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules.findings import Finding, consider, use
from losscli.recommend.summary import percent


def occurred_tokens(_d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for log-probabilities of what occurred."""
    yield use("perplexity", "the exponential of the mean: how many equally likely tokens would be as hard to predict")
    yield use(
        "bits_per_token",
        "the same as a mean, in bits: texts can be averaged; with the bytes of tokens, see bits_per_byte",
    )


def preferred_answers(_d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for log-probabilities of chosen and rejected answers."""
    yield use("dpo", "a policy should prefer the chosen answer by more than the reference does")


def chosen_items(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for scores of items that were chosen or not."""
    right = d.average((d.vectors("positive") > d.vectors("negative")).mean(axis=1))
    yield use("bpr", f"in {percent(right)} of the pairs the chosen item has the higher score; only differences count")


def taught_students(_d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for logits of a teacher and of its student."""
    yield use("distillation", "the divergence of softened probabilities, at temperature 2")
    yield consider(
        "distillation:temperature=1", "of the probabilities themselves: how far the student is from the teacher"
    )
