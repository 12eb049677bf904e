"""Losses for boxes of four numbers."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, consider, use
from losscli.recommend.summary import percent, short

MANY_SHARE = 0.1
"""Disjoint or nested boxes are many from this share of the rows."""


def boxes(d: Profile) -> Iterator[Finding]:
    """Yield findings for true and predicted boxes."""
    overlap = d.box_overlap
    setting = "" if d.box_format == "xyxy" and not d.has_unnamed_format else f":box_format={d.box_format}"
    disjoint = f"{percent(overlap.disjoint)} of the boxes do not meet the predicted ones"
    nested = f"in {percent(overlap.nested)} of the rows one box holds the other, where it equals iou"
    yield use(f"giou{setting}", f"1 - IoU, and how much of the box around both is empty: {disjoint}; {nested}")
    verdict = use if overlap.nested >= MANY_SHARE else consider
    yield verdict(
        f"ciou{setting}", "1 - IoU, the distance of the centres and the ratio of the sides: nested boxes count"
    )
    yield consider(f"diou{setting}", "as ciou without the ratio of the sides: suits if shapes are known")
    if overlap.disjoint < MANY_SHARE:
        yield use(f"iou{setting}", f"the share that does not overlap, as detectors are scored by; {disjoint}")
    else:
        yield avoid(f"iou{setting}", f"{disjoint}: it is 1 for each, however far they are, and its gradient is 0")
    low, high = map(short, overlap.sides)
    sides = f"sides go from {low} to {high}, and the same share of a side costs more in a large box"
    yield consider("mae", f"the L1 term beside giou in DETR: {sides}")
    yield avoid("mse", f"treats the four numbers as if they were unrelated: {sides} by its square")
