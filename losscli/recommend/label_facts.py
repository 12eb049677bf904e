"""Facts about labels, ratings and boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.recommend.calibration import Recalibration
from losscli.recommend.order import rating_step
from losscli.recommend.summary import percent, short

if TYPE_CHECKING:
    from losscli.recommend.profile import Profile

BOX_ORDER = {
    "xyxy": "corners x1, y1, x2, y2",
    "xywh": "a corner and a size: x, y, width, height",
    "cxcywh": "the centre and a size: x, y, width, height",
}
"""How boxes are written -> their numbers in order."""


class Fact(NamedTuple):
    """A fact about the data: a key, a value for programs, a text for people."""

    key: str
    value: Any
    text: str


def calibration_fact(r: Recalibration) -> Fact:
    """Return what recalibration says, with numbers."""
    value = {
        "verdict": str(r.verdict),
        "slope": r.slope.value,
        "slope_error": r.slope.error,
        "level": r.level.value,
        "level_error": r.level.error,
        "mean": r.mean,
        "rate": r.rate,
        "miscalibration": r.miscalibration,
        "by_chance": r.by_chance,
    }
    if r.is_of_classes:
        means = f"the likeliest class has {percent(r.mean)} on average, and is right in {percent(r.rate)}"
    else:
        means = f"its mean is {percent(r.mean)}, label 1 is in {percent(r.rate)}"
    return Fact("calibration", value, f"{r.verdict}: {slope_text(r)}; {means}")


def slope_text(r: Recalibration) -> str:
    """Return the slope of the logits with twice its standard error."""
    return f"slope of the logits {short(r.slope.value, 3)} (± {short(2 * r.slope.error, 2)}), 1 if calibrated"


def list_rating_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of ratings and numbers that predict them."""
    counts = d.true.counts or {}
    shares = {short(level): counts[level] / d.weight for level in sorted(counts)}
    yield Fact("ratings", shares, ", ".join(f"{level} in {percent(share)}" for level, share in shares.items()))
    step = rating_step(d.true) or 1.0
    steps = np.abs(d.y_pred - d.y_true).ravel() / step
    within = [float(np.average(steps <= limit, weights=d.sample.weight)) for limit in (0.5, 1.0)]
    text = f"{percent(within[0])} of the predictions are within half a step, {percent(within[1])} within one"
    yield Fact("steps", within, text)


def list_box_facts(d: Profile) -> Iterator[Fact]:
    """Yield what is known of boxes."""
    overlap = d.box_overlap
    yield Fact("format", d.box_format, BOX_ORDER[d.box_format])
    yield Fact("sides", list(overlap.sides), f"{short(overlap.sides[0])} to {short(overlap.sides[1])} in 9 of 10 boxes")
    mean = float(np.average(overlap.iou, weights=d.sample.weight))
    half = float(np.average(overlap.iou >= 0.5, weights=d.sample.weight))
    yield Fact("overlap", mean, f"mean IoU {short(mean)}; at least 0.5 in {percent(half)} of the rows")
    apart = {"disjoint": overlap.disjoint, "nested": overlap.nested}
    text = f"{percent(overlap.disjoint)} do not meet; in {percent(overlap.nested)} one box holds the other"
    yield Fact("apart", apart, text)
