"""What an array may hold: numbers, each on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.intervals import (
    NOT_NEGATIVE,
    NOT_POSITIVE,
    REALS,
    UNIT,
    Array,
    Interval,
    Params,
    number_text,
)
from losscli.declaration.domains.origin import ValueOrigin


@dataclass(eq=False, repr=False)
class Domain:
    """What an array may hold, and its shapes: alternatives like `N`, `N*`, `N,C`, `N,D`, `C,D`.

    N is the number of rows; `*` any trailing axes, the same for all roles of a loss; a letter is one size,
    the same wherever it stands. A domain without an N is a table: it has no rows and is read whole.
    """

    shapes: tuple[str, ...] = ("N*",)

    whole_column_is_one_sample = False
    """Whether a column of numbers is one row: all rows of the data are then one sample."""

    is_label = False
    """Whether text may stand for a number here, by way of class names."""

    accepts_any_label = False
    """Whether any text will do for a label: only which rows share it matters."""

    def parts(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """What the columns of a row's parts may be called, in order: by setting, that which holds first."""
        return {}

    def shape_text(self) -> str:
        """The shapes for people: `(N,) or (N, D)`."""
        quoted_name = [s.replace("*", "") for s in self.shapes] + ["N,..." for s in self.shapes if s.endswith("*")]
        return " or ".join(f"({', '.join(s.split(','))}{'' if ',' in s else ','})" for s in quoted_name)

    @property
    def per_row(self) -> bool:
        return self.shapes[0].startswith("N")

    @property
    def scalar(self) -> bool:
        """Whether one number a row (of a table: a class) is one of the shapes."""
        return any(shape in ("N", "N*", "C") for shape in self.shapes)

    @property
    def vector(self) -> bool:
        """Whether several numbers a row are one of the shapes."""
        return any(shape not in ("N", "C") for shape in self.shapes)

    def with_params(self, params: Params) -> Domain:
        """The domain under these parameters (`from_logits` makes probabilities scores)."""
        return self

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        """The values as the kernel wants them, or a DataError that names file, column and row."""
        return values

    def describe(self) -> str:
        return "any real number"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        """Random values of the first shape, for tests."""
        return rng.normal(size=self.size(dims)) * 2

    def size(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(dims[letter] for letter in self.shapes[0].replace("*", "").split(","))


@dataclass(eq=False, repr=False)
class Numbers(Domain):
    """Real numbers of an interval, one or more a row."""

    interval: Interval = REALS
    hint: str = ""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = self.interval.outside(values)
        if wrong is not None:
            raise origin.error(wrong, values, f"is not {self.interval.describe()}", self.hint)
        return values

    def describe(self) -> str:
        return self.interval.describe()

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        low, high = self.interval.low, self.interval.high
        if math.isinf(low) and math.isinf(high):
            return rng.normal(size=self.size(dims)) * 2
        if math.isinf(high):
            return low + rng.gamma(2.0, 1.0, size=self.size(dims)) + 1e-3
        if math.isinf(low):
            return high - rng.gamma(2.0, 1.0, size=self.size(dims)) - 1e-3
        return rng.uniform(low, high, size=self.size(dims))


@dataclass(eq=False, repr=False)
class Nonzero(Numbers):
    """Numbers to divide by: not zero, unless `eps` stands in for it."""

    hint: str = "give -P eps=... to divide by at least that much, or use wape or smape"

    def with_params(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("eps") else self

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = values == 0
        if wrong.any():
            raise origin.error(wrong, values, "cannot be divided by", self.hint)
        return values

    def describe(self) -> str:
        return "any real number but 0 (0 too where eps > 0)"


@dataclass(eq=False, repr=False)
class Rates(Numbers):
    """Expected counts, or with `log_input` their logarithms."""

    interval: Interval = NOT_NEGATIVE
    hint: str = "if these are logarithms of rates, add -P log_input=true"

    def with_params(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("log_input") else self

    def describe(self) -> str:
        return ">= 0 (any real number with log_input)"


class TweedieTargets(Numbers):
    """What a Tweedie distribution of this power can give: any number to power 0, then counts and amounts."""

    def with_params(self, params: Params) -> Domain:
        power = params.get("power", 0)
        if power < 1:
            return Numbers(self.shapes)
        return Numbers(
            self.shapes, Interval(0, low_open=power >= 2), f"targets must be, for power={number_text(power)}"
        )

    def describe(self) -> str:
        return "any real number where power <= 0, >= 0 where power < 2, else > 0"


class TweedieMeans(Numbers):
    """What the mean of a Tweedie distribution of this power can be."""

    def with_params(self, params: Params) -> Domain:
        power = params.get("power", 0)
        if power == 0:
            return Numbers(self.shapes)
        return Numbers(self.shapes, Interval(0, low_open=True), f"means must be, for power={number_text(power)}")

    def describe(self) -> str:
        return "> 0 (any real number where power=0)"


TAKE_SIGMOID = "if these are logits, give their sigmoids instead: the loss reads probabilities alone"


@dataclass(eq=False, repr=False)
class Probabilities(Numbers):
    """Probabilities of a label, each on its own; any number with `from_logits`, where the loss has that."""

    interval: Interval = UNIT
    hint: str = "if these are logits, add --from-logits"
    switch: bool = True

    def with_params(self, params: Params) -> Domain:
        if params.get("from_logits"):
            return Numbers(self.shapes)
        if self.switch == ("from_logits" in params):
            return self
        return replace(self, switch=False, hint=TAKE_SIGMOID)

    def describe(self) -> str:
        return "a probability in [0, 1]" + (" (any number with from_logits)" if self.switch else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(0.02, 0.98, size=self.size(dims))


@dataclass(eq=False, repr=False)
class LogProbabilityRows(Numbers):
    """Logarithms of probabilities that sum to 1 along the last axis; what does not is for the loss to note."""

    interval: Interval = NOT_POSITIVE

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        size = self.size(dims)
        return np.log(rng.dirichlet(np.full(size[-1], 2.0), size=size[:-1]))


class Integers(Domain):
    """Whole numbers."""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values) | (values != np.floor(values))
        if wrong.any():
            raise origin.error(wrong, values, "is not an integer")
        return values.astype(np.int64)

    def describe(self) -> str:
        return "integers"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(1, dims["C"], size=self.size(dims))


@dataclass(eq=False, repr=False)
class Sequences(Integers):
    """Class labels one after the other, none of them the blank; beyond the length of a target anything may stand."""

    blank: int = 0

    def with_params(self, params: Params) -> Domain:
        return self if params["blank"] == self.blank else replace(self, blank=params["blank"])

    def describe(self) -> str:
        return "S class labels 0..C-1, none of them the blank"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return (self.blank + rng.integers(1, dims["C"], size=self.size(dims))) % dims["C"]


@dataclass(eq=False, repr=False)
class Counts(Integers):
    """How many of the axis that the letter `of` stands for count in each row."""

    of: str = "T"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        most = int(dims[self.of])
        wrong = (values < 0) | (values > most)
        if wrong.any():
            raise origin.error(wrong, values, f"is not a length 0..{most}")
        return super().check(values, origin, dims)

    def describe(self) -> str:
        return f"an integer 0..{self.of}"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(dims[self.of] // 2, dims[self.of] + 1, size=self.size(dims))
