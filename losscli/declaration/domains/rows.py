"""What an array may hold: rows that are one thing each, such as a distribution, a vector, a box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain, Numbers
from losscli.declaration.domains.intervals import MINUS_ONE_TO_ONE, Array, Interval, Params, number_text
from losscli.declaration.domains.origin import ValueOrigin

SUM_SILENT = 1e-6
SUM_WARN = 1e-3
TAKE_SOFTMAX = "give their softmax instead: the loss reads probabilities alone"


@dataclass(eq=False, repr=False)
class Simplex(Domain):
    """Rows of probabilities that sum to 1: within 1e-6 silently, within 1e-3 with a note.

    With `normalize` the rows need only be non-negative; with `from_logits` they are any numbers, but only where
    `logits` says that the parameter is about this role. `switches` are those of the two that the loss has.
    """

    shapes: tuple[str, ...] = ("N,C",)
    logits: bool = True
    normalize: bool = False
    switches: tuple[str, ...] = ()

    def with_params(self, params: Params) -> Domain:
        if self.logits and params.get("from_logits"):
            return Numbers(self.shapes)
        switches = tuple(name for name in ("from_logits", "normalize") if name in params)
        return replace(self, normalize=bool(params.get("normalize")), switches=switches)

    def _ways_out(self) -> str:
        """What else the rows may be, and how to say so."""
        ways = []
        if "normalize" in self.switches:
            ways.append("-P normalize=true divides by it")
        if self.logits:
            told = "--from-logits" if "from_logits" in self.switches else TAKE_SOFTMAX
            ways.append(f"{told} if these are logits")
        return ", or ".join(ways)

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        told = "add --from-logits" if "from_logits" in self.switches else TAKE_SOFTMAX
        hint = f"if these are logits, {told}" if self.logits else ""
        allowed = Interval(0) if self.normalize else Interval(0, 1 + SUM_WARN)
        wrong = allowed.outside(values)
        if wrong is not None:
            raise origin.error(wrong, values, "is not a probability" if not self.normalize else "is negative", hint)
        sums = values.sum(axis=-1)
        if self.normalize:
            wrong = (sums == 0) | np.isinf(sums)
            if wrong.any():
                raise origin.error(wrong, sums, "is the sum of the row: it cannot be normalised")
            return values
        off = np.abs(sums - 1)
        if float(off.max(initial=0.0)) > SUM_WARN:
            raise origin.error(off > SUM_WARN, sums, "is the sum of the row, not 1", self._ways_out())
        if float(off.max(initial=0.0)) > SUM_SILENT and not origin.memory.get("sum"):
            origin.memory["sum"] = True
            hint = "; -P normalize=true divides by the sum" if "normalize" in self.switches else ""
            source, row = origin.file(int(off.argmax()))
            origin.note(f"{origin.name(source=source)}: rows sum to 1 only within 1e-3 (row {row} to "
                       f"{number_text(float(sums[off.argmax()]))}){hint}")  # fmt: skip
        return values

    def describe(self) -> str:
        return "a row of C probabilities that sums to 1"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.dirichlet(np.full(dims["C"], 2.0), size=dims["N"])


@dataclass(eq=False, repr=False)
class Distribution(Simplex):
    """As Simplex, and one column of numbers is one distribution: its N rows are the classes."""

    shapes: tuple[str, ...] = ("N,C", "N")

    whole_column_is_one_sample = True

    def describe(self) -> str:
        return "a row of C probabilities that sums to 1, or one column that is one distribution"


@dataclass(eq=False, repr=False)
class Rows(Numbers):
    """A row of C numbers of an interval; one column of numbers is one such row."""

    shapes: tuple[str, ...] = ("N,C", "N")

    whole_column_is_one_sample = True

    def describe(self) -> str:
        return f"a row of C numbers {self.interval.describe()}, or one column that is one such row"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.gamma(2.0, 1.0, size=self.size(dims)) + 1e-3


@dataclass(eq=False, repr=False)
class Vectors(Domain):
    """A vector a row: an embedding, a point."""

    shapes: tuple[str, ...] = ("N,D",)

    def describe(self) -> str:
        return "a vector of D real numbers"


@dataclass(eq=False, repr=False)
class ClassScores(Domain):
    """A row of C scores (logits), one a class."""

    shapes: tuple[str, ...] = ("N,C",)

    def describe(self) -> str:
        return "a row of C real numbers"


@dataclass(eq=False, repr=False)
class Cosines(ClassScores):
    """A row of C cosines; the kernel clips what lies outside [-1, 1]."""

    interval: Interval = MINUS_ONE_TO_ONE

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        far = np.abs(values) > 1 + SUM_SILENT  # nearer by, it is rounding
        if far.any() and not origin.memory.get("cosines"):
            origin.memory["cosines"] = True
            i, j = (int(k) for k in np.argwhere(far)[0])
            origin.note(f"{origin.where(i, j)}: {number_text(float(values[i, j]))} is no cosine: all beyond -1 and 1 are "
                       "clipped")  # fmt: skip
        return values

    def describe(self) -> str:
        return "a row of C cosines, one a class, clipped to [-1, 1]"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(-0.98, 0.98, size=self.size(dims))


@dataclass(eq=False, repr=False)
class ClassTable(Domain):
    """A table with a row a class: prototypes, centers; or one number a class."""

    shapes: tuple[str, ...] = ("C,D",)

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise origin.error(wrong, values, "is not a finite number")
        return values

    def describe(self) -> str:
        return "any real number, one a class" if self.scalar else "a vector of D real numbers, one a class"


BOX_PARTS = {
    "xyxy": (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"),
             ("left", "top", "right", "bottom")),
    "xywh": (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height")),
    "cxcywh": (("cx", "cy", "w", "h"), ("cx", "cy", "width", "height"), ("x_center", "y_center", "width", "height"),
               ("x", "y", "w", "h"), ("x", "y", "width", "height")),
}  # fmt: skip
"""box_format -> what the columns of a box are called"""


@dataclass(eq=False, repr=False)
class Boxes(Domain):
    """An axis-aligned box a row, of two corners or of a point and a size."""

    shapes: tuple[str, ...] = ("N,4",)
    box_format: str = "xyxy"

    def with_params(self, params: Params) -> Domain:
        return replace(self, box_format=params["box_format"])

    def parts(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        first = {f"box_format={self.box_format}": BOX_PARTS[self.box_format]}
        return first | {f"box_format={other}": names for other, names in BOX_PARTS.items() if other != self.box_format}

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise origin.error(wrong, values, "is not a finite number")
        if self.box_format == "xyxy":
            wrong[:, 2:] = values[:, 2:] < values[:, :2]
            what = "comes before {}1={}: boxes are x1, y1, x2, y2 with x1 <= x2 and y1 <= y2"
            hint = "if these are sizes, --box-format xywh or cxcywh"
        else:
            wrong[:, 2:] = values[:, 2:] < 0
            what, hint = "is a size below 0", "if these are corners, --box-format xyxy"
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            other = number_text(float(values[row, column - 2]))
            raise origin.error(wrong, values, what.format("xy"[column % 2], other), hint)
        return values

    def describe(self) -> str:
        return "a box of four numbers, as box_format says"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        # any two of these overlap
        corner, size = rng.uniform(-0.2, 0.2, size=(dims["N"], 2)), rng.uniform(0.5, 2, size=(dims["N"], 2))
        return np.hstack([corner, corner + size if self.box_format == "xyxy" else size])
