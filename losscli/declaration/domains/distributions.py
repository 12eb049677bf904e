"""What an array may hold: one distribution, vector or row of scores per row; tables with one row per class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain, Numbers, remember_between
from losscli.declaration.domains.intervals import MINUS_ONE_TO_ONE, Array, Interval, Params
from losscli.declaration.domains.origin import ValueOrigin
from losscli.messages import Hint, Message, number_text

SILENT_SUM_ERROR = 1e-6
"""The sum of a row of probabilities may be as far from 1 without a note."""

MAX_SUM_ERROR = 1e-3
"""The sum of a row of probabilities may be as far from 1 with a note."""

COSINE_TOLERANCE = 1e-6
"""A cosine may be as far outside of [-1, 1] without a note."""


@dataclass(eq=False, repr=False)
class Simplex(Domain):
    """Rows of probabilities that sum to 1: within 1e-6 silently, within 1e-3 with a note.

    With `normalize` the rows need only be non-negative; with `from_logits` they are any numbers, if this role
    `may_be_logits`. `switches` are those of the two parameters that the loss has.
    """

    shapes: tuple[str, ...] = ("N,C",)
    may_be_logits: bool = True
    normalize: bool = False
    switches: tuple[str, ...] = ()

    each = "row"
    """What sums to 1."""

    hint_of_sum: ClassVar[Hint | None] = None
    """How to mend what is no probability, or does not sum to 1, and is neither logits nor divided by its sum."""

    description = "a row of C probabilities that sums to 1"

    def with_params(self, params: Params) -> Domain:
        if self.may_be_logits and params.get("from_logits"):
            return (NumberRows if self.whole_column_is_one_sample else Numbers)(self.shapes)
        switches = tuple(name for name in ("from_logits", "normalize") if name in params)
        return replace(self, normalize=bool(params.get("normalize")), switches=switches)

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        allowed = Interval(0) if self.normalize else Interval(0, 1 + MAX_SUM_ERROR)
        has_from_logits = "from_logits" in self.switches
        hint = self.hint_of_sum
        if self.may_be_logits:
            hint = Hint.FROM_LOGITS if has_from_logits else Hint.GIVE_SOFTMAX
        wrong = allowed.outside(values)
        if wrong is not None:
            raise origin.error(wrong, values, "is not a probability" if not self.normalize else "is negative", hint)
        remember_between(values, origin)
        sums = values.sum(axis=-1)
        if self.normalize:
            origin.refuse((sums == 0) | np.isinf(sums), sums, f"is the sum of the {self.each}: it cannot be normalised")
            return values
        error = np.abs(sums - 1)
        largest = float(error.max(initial=0.0))
        if largest > MAX_SUM_ERROR:
            if "normalize" in self.switches:
                either = Hint.DIVIDE_OR_FROM_LOGITS if has_from_logits else Hint.DIVIDE_OR_GIVE_SOFTMAX
                hint = either if self.may_be_logits else Hint.DIVIDE_BY_SUM
            raise origin.error(error > MAX_SUM_ERROR, sums, f"is the sum of the {self.each}, not 1", hint)
        if largest > SILENT_SUM_ERROR and not origin.memory.get("sum"):
            origin.memory["sum"] = True
            place = np.unravel_index(error.argmax(), error.shape)
            source, row = origin.file(int(place[0]))
            found = f"{self.each}s sum to 1 only within 1e-3 (row {row} to {number_text(float(sums[place]))})"
            hint = Hint.DIVIDE_BY_SUM if "normalize" in self.switches else None
            origin.note(Message(f"{origin.name(source=source)}: {found}", hint))
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.dirichlet(np.full(dims["C"], 2.0), size=self.size(dims)[:-1])


@dataclass(eq=False, repr=False)
class Distribution(Simplex):
    """Rows that sum to 1; one column of numbers is one distribution, whose classes are the N rows."""

    shapes: tuple[str, ...] = ("N,C", "N")

    whole_column_is_one_sample = True
    description = "a row of C probabilities that sums to 1, or one column that is one distribution"


@dataclass(eq=False, repr=False)
class NumberRows(Numbers):
    """Rows of C numbers of an interval; one column of numbers is one such row."""

    shapes: tuple[str, ...] = ("N,C", "N")

    whole_column_is_one_sample = True

    def describe(self) -> str:
        return f"a row of C numbers {self.interval.describe()}, or one column that is one such row"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.gamma(2.0, 1.0, size=self.size(dims)) + 1e-3


class Vectors(Domain):
    """One vector per row: an embedding, a point."""

    description = "a vector of D real numbers"


class ClassScores(Domain):
    """Rows of C scores (logits), one per class."""

    description = "a row of C real numbers"


class Cosines(ClassScores):
    """Rows of C cosines; the kernel clips those outside [-1, 1]."""

    interval = MINUS_ONE_TO_ONE
    description = "a row of C cosines, one a class, clipped to [-1, 1]"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        far = np.abs(values) > 1 + COSINE_TOLERANCE  # nearer by, it is rounding
        if far.any() and not origin.memory.get("cosines"):
            origin.memory["cosines"] = True
            index = [int(k) for k in np.argwhere(far)[0]]
            cosine = number_text(float(values[tuple(index)]))
            origin.note(f"{origin.where(*index)}: {cosine} is not a cosine: values beyond -1 and 1 are clipped")
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(-0.98, 0.98, size=self.size(dims))


class ClassTable(Domain):
    """A table with one row per class (prototypes, centers), or one number per class."""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        origin.refuse(~np.isfinite(values), values, "is not a finite number")
        return values

    def describe(self) -> str:
        if "C,K,D" in self.shapes:
            return "K vectors of D real numbers for each class"
        return "any real number, one a class" if self.scalar else "a vector of D real numbers, one a class"
