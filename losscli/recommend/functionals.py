"""What losses aim at: the functional of the targets that a forecast of least expected loss is."""

from __future__ import annotations

from losscli.declaration.loss import BoundLoss
from losscli.messages import number_text

_IN_WORDS = {
    "mean": "the mean",
    "mean (the probability)": "the mean, a probability",
    "median": "the median",
    "Huber mean": "a centre between median and mean",
    "the centre, where errors are symmetric and have one peak": "the centre of symmetric errors",
    "median, rows weighted by 1/|y_true|": "a median weighted by 1/y, below the median",
    "exp(mean of log(1 + y)) - 1": "the geometric mean of 1 + y, minus 1",
}
"""What a loss declares -> the same in a sentence."""


def functional_text(bound: BoundLoss) -> str:
    """Return what a loss aims at, empty if it declares nothing."""
    declared = bound.loss.elicits
    if declared.startswith("tau-"):
        tau = bound.params["tau"]
        return "the median" if declared == "tau-quantile" and tau == 0.5 else f"the {number_text(tau)}{declared[3:]}"
    return _IN_WORDS.get(declared, declared)
