"""What an array may hold: one box per row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain
from losscli.declaration.domains.intervals import Array, Params
from losscli.declaration.domains.origin import ValueOrigin
from losscli.messages import Hint, number_text

BOX_PARTS = {
    "xyxy": "x1,y1,x2,y2 xmin,ymin,xmax,ymax x_min,y_min,x_max,y_max left,top,right,bottom",
    "xywh": "x,y,w,h x,y,width,height left,top,width,height",
    "cxcywh": "cx,cy,w,h cx,cy,width,height x_center,y_center,width,height x,y,w,h x,y,width,height",
}
"""box_format -> the names that the columns of a box may have"""

BOX_NAMES = ("bbox", "box", "boxes", "bboxes")
"""Names that a column of whole boxes may have; those of single numbers may begin with the first two."""

COCO_COLUMNS = {"image_id", "category_id"}
"""Columns beside a `bbox` of COCO, which is xywh."""


@dataclass(eq=False, repr=False)
class Boxes(Domain):
    """One axis-aligned box per row: two corners, or a point and a size."""

    shapes: tuple[str, ...] = ("N,4",)
    box_format: str = "xyxy"
    is_stated: bool = False

    description = "a box of four numbers, as box_format says"

    def with_params(self, params: Params) -> Domain:
        return replace(self, box_format=params["box_format"])

    def stating(self, given: Collection[str]) -> Domain:
        return replace(self, is_stated="box_format" in given)

    def parts(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        own_first = sorted(BOX_PARTS, key=lambda box_format: box_format != self.box_format)
        found = {}
        for one in own_first:
            several = [tuple(names.split(",")) for names in BOX_PARTS[one].split()]
            prefixed = [tuple(f"{box}_{name}" for name in names) for box in BOX_NAMES[:2] for names in several]
            found[f"box_format={one}"] = (*several, *prefixed)
        own = next(iter(found))
        found[own] += tuple((name,) for name in BOX_NAMES)  # the name of a whole box does not tell its format
        return found

    def setting_of(self, name: str, others: Collection[str]) -> str:
        is_coco = name.endswith("bbox") and not COCO_COLUMNS.isdisjoint(others)
        return "box_format=xywh" if is_coco else ""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values)
        origin.refuse(wrong, values, "is not a finite number")
        if self.box_format == "xyxy":
            wrong[:, 2:] = values[:, 2:] < values[:, :2]
            what = "comes before {}1={}: boxes are x1, y1, x2, y2 with x1 <= x2 and y1 <= y2"
            hint = Hint.BOX_SIZES
        else:
            wrong[:, 2:] = values[:, 2:] < 0
            what, hint = "is a size below 0", Hint.BOX_CORNERS
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            other = number_text(float(values[row, column - 2]))
            raise origin.error(wrong, values, what.format("xy"[column % 2], other), hint)
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        # any two of these overlap
        corner, size = rng.uniform(-0.2, 0.2, size=(dims["N"], 2)), rng.uniform(0.5, 2, size=(dims["N"], 2))
        return np.hstack([corner, corner + size if self.box_format == "xyxy" else size])
