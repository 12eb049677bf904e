"""What an array may hold: numbers, each on its own."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.intervals import (
    NON_NEGATIVE,
    NON_POSITIVE,
    POSITIVE,
    REALS,
    UNIT,
    Array,
    Interval,
    Params,
)
from losscli.declaration.domains.origin import ValueOrigin
from losscli.messages import Hint, number_text

MAX_PERCENT = 100
"""Whole numbers up to this may be percentages; larger ones up to 255 are pixels."""


@dataclass(eq=False, repr=False)
class Domain:
    """What an array may hold, and its shapes: alternatives such as `N`, `N*`, `N,C`, `N,D`, `C,D`.

    N is the number of rows; `*` is any trailing axes, the same for all roles of a loss; a letter is one size, the same
    wherever it stands. A domain without an N is a table: it has no rows and is read whole.
    """

    shapes: tuple[str, ...] = ("N*",)

    whole_column_is_one_sample = False
    """Whether a column of numbers is one row: all rows of the data are then one sample."""

    holds_rows_of = ""
    """The role whose column this one is called like in a file of its own, as it holds other rows of the same."""

    is_label = False
    """Whether class names may stand for numbers."""

    accepts_any_label = False
    """Whether any text may be a label: only which rows share it matters."""

    is_compared = False
    """Whether labels are compared with predicted labels: any text may be one of them, in both."""

    may_mix_names = False
    """Whether one role may hold names and another one integers."""

    predicted = False
    """Whether probabilities may stand for labels."""

    class_count = 0
    """How many classes a label can say, 0 for any number of them."""

    is_stated = True
    """Whether the setting that says how a column of whole rows is read was given, and is no default."""
    may_be_empty = False
    """Whether a row may hold no values at all."""

    said_by_names = ""
    """The parameter that names of columns may say, such as the levels of quantiles."""

    numbered_names: ClassVar[tuple[str, ...]] = ()
    """What numbered columns may be called, beside the usual names of the role: member_1, member_2."""

    keeps_order = False
    """Whether columns that are listed are in this order, whatever they are called."""

    is_one_or_more = False
    """Whether a column of numbers stands for rows of one number each, where rows hold several."""

    description = "any real number"

    def parts(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """Return the names that the columns of a row's parts may have, in order, by setting; the one set is first.

        A single name is that of a column of whole rows.
        """
        return {}

    def setting_of(self, name: str, others: Collection[str]) -> str:
        """Return the setting that a column of whole rows has for certain, by the names beside it; "" if none."""
        return ""

    def shape_text(self) -> str:
        """Return the shapes for people: `(N,) or (N, D)`."""
        shapes = [s.replace("*", "") for s in self.shapes] + ["N,..." for s in self.shapes if s.endswith("*")]
        return " or ".join(f"({', '.join(s.split(','))}{'' if ',' in s else ','})" for s in shapes)

    @property
    def per_row(self) -> bool:
        return self.shapes[0].startswith("N")

    @property
    def scalar(self) -> bool:
        """Whether one of the shapes is one number per row (of a table: per class)."""
        return any(shape in ("N", "N*", "C") for shape in self.shapes)

    @property
    def vector(self) -> bool:
        """Whether one of the shapes is several numbers per row."""
        return any(shape not in ("N", "C") for shape in self.shapes)

    def with_params(self, params: Params) -> Domain:
        """Return the domain under these parameters (`from_logits` makes scores of probabilities)."""
        return self

    def stating(self, given: Collection[str]) -> Domain:
        """Return the domain where these parameters were given, and the others are at their defaults."""
        return self

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        """Return the values as the kernel takes them; `dims` are the sizes of the letters.

        Raises:
            DataError: A value is outside of the domain; it names file, column and row.
        """
        return values

    def describe(self) -> str:
        """Return what it may hold, in words that follow "is not"."""
        return self.description

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        """Return random values of the first shape, for tests."""
        return rng.normal(size=self.size(dims)) * 2

    def size(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(dims[letter] for letter in self.shapes[0].replace("*", "").split(","))


@dataclass(eq=False, repr=False)
class Numbers(Domain):
    """Real numbers of an interval, one or more per row; `noun` says what they are, in messages."""

    interval: Interval = REALS
    hint: Hint | None = None
    noun: str = ""

    description = ""
    """What it may hold, if the interval does not say it."""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = self.interval.outside(values)
        if wrong is not None:
            rule = f", as {self.noun} must be" if self.noun else ""
            hint = (hint_of_pixels(values) if self.interval is UNIT else None) or self.hint
            raise origin.error(wrong, values, f"is not {self.interval.describe()}{rule}", hint)
        return values

    def describe(self) -> str:
        return self.description or self.interval.describe()

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        low, high, size = self.interval.low, self.interval.high, self.size(dims)
        if math.isinf(low) and math.isinf(high):
            return rng.normal(size=size) * 2
        if math.isinf(high):
            return low + rng.gamma(2.0, 1.0, size=size) + 1e-3
        return high - rng.gamma(2.0, 1.0, size=size) - 1e-3 if math.isinf(low) else rng.uniform(low, high, size=size)


BETWEEN = "between 0 and 1"
"""The key by which it is remembered that a probability is neither 0 nor 1."""


def remember_between(values: Array, origin: ValueOrigin) -> None:
    """Remember whether a probability is neither 0 nor 1."""
    if BETWEEN not in origin.memory and bool(((values > 0) & (values < 1)).any()):
        origin.memory[BETWEEN] = True


def are_pixels(values: Array) -> bool:
    """Tell whether numbers that should be in [0, 1] are those of an image or mask of 8 bits."""
    is_byte = values.size and values.min() >= 0 and MAX_PERCENT < values.max() <= 255
    return bool(is_byte and (values == np.floor(values)).all())


def hint_of_pixels(values: Array) -> Hint | None:
    """Return how to mend pixels of 8 bits that should be in [0, 1]; None if the numbers are no such pixels."""
    if not are_pixels(values):
        return None
    is_marked = bool((values == 1).any()) and bool(np.isin(values, (0, 1, 255)).all())
    return Hint.LEAVE_OUT_255 if is_marked else Hint.DIVIDE_BY_255


class NonZeroNumbers(Domain):
    """Numbers to divide by: not zero, unless `eps` replaces it."""

    description = "any real number but 0 (0 too where eps > 0)"

    def with_params(self, params: Params) -> Domain:
        return Domain(self.shapes) if params.get("eps") else self

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        origin.refuse(values == 0, values, "cannot be divided by", Hint.SET_EPS)
        return values


@dataclass(eq=False, repr=False)
class Rates(Numbers):
    """Expected counts, or their logarithms with `log_input`."""

    interval: Interval = NON_NEGATIVE
    hint: Hint | None = Hint.LOG_INPUT

    description = ">= 0 (any real number with log_input)"

    def with_params(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("log_input") else self


class TweedieTargets(Numbers):
    """Outcomes of a Tweedie distribution of this power: any number for power 0, then counts and amounts."""

    description = "any real number where power <= 0, >= 0 where power < 2, else > 0"

    def with_params(self, params: Params) -> Domain:
        power = params.get("power", 0)
        interval = REALS if power < 1 else NON_NEGATIVE if power < 2 else POSITIVE
        return Numbers(self.shapes, interval, noun=f"targets for power={number_text(power)}")


class TweedieMeans(Numbers):
    """Means of a Tweedie distribution of this power."""

    description = "> 0 (any real number where power=0)"

    def with_params(self, params: Params) -> Domain:
        power = params.get("power", 0)
        return Numbers(self.shapes, REALS if power == 0 else POSITIVE, noun=f"means for power={number_text(power)}")


@dataclass(eq=False, repr=False)
class Probabilities(Numbers):
    """Probabilities of a label, each on its own; any number with `from_logits`, if the loss `has_from_logits`."""

    interval: Interval = UNIT
    hint: Hint | None = Hint.FROM_LOGITS
    has_from_logits: bool = True

    def with_params(self, params: Params) -> Domain:
        if params.get("from_logits"):
            return Numbers(self.shapes)
        if self.has_from_logits == ("from_logits" in params):
            return self
        return replace(self, has_from_logits=False, hint=Hint.GIVE_SIGMOIDS)

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        checked = super().check(values, origin, dims)
        remember_between(values, origin)
        return checked

    def describe(self) -> str:
        return "a probability in [0, 1]" + (" (any number with from_logits)" if self.has_from_logits else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(0.02, 0.98, size=self.size(dims))


@dataclass(eq=False, repr=False)
class LogProbabilityRows(Numbers):
    """Logarithms of probabilities that sum to 1 along the last axis; the loss notes those that do not."""

    interval: Interval = NON_POSITIVE
    hint: Hint | None = Hint.GIVE_LOG_PROBABILITIES

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        size = self.size(dims)
        return np.log(rng.dirichlet(np.full(size[-1], 2.0), size=size[:-1]))


class WholeNumbers(Domain):
    """Integers, which reach the kernel as int64."""

    description = "integers"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        origin.refuse(~np.isfinite(values) | (values != np.floor(values)), values, "is not an integer")
        return values.astype(np.int64)

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(1, dims["C"], size=self.size(dims))


class BinPositions(Domain):
    """Numbers from 0 to C-1, between two whole numbers of a distribution over 0..C-1."""

    description = "a number from 0 to C-1"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        last = int(dims["C"]) - 1
        origin.refuse(np.full(values.shape, last < 1), values, "lies between no two bins: y_pred has one")
        outside = (values < 0) | (values > last)
        origin.refuse(outside, values, f"is not from 0 to {last}: the bins of y_pred are 0..{last}")
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(0, dims["C"] - 1, size=self.size(dims))


@dataclass(eq=False, repr=False)
class LabelSequences(WholeNumbers):
    """Sequences of class labels, none of them the blank; values beyond the length of a target are ignored."""

    blank: int = 0

    may_be_empty = True
    description = "S class labels 0..C-1, none of them the blank"

    def with_params(self, params: Params) -> Domain:
        return self if params["blank"] == self.blank else replace(self, blank=params["blank"])

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return (self.blank + super().sample(rng, dims)) % dims["C"]


@dataclass(eq=False, repr=False)
class Lengths(WholeNumbers):
    """How many entries count in each row, along the axis of the letter `of`."""

    of: str = "T"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        longest = int(dims[self.of])
        origin.refuse((values < 0) | (values > longest), values, f"is not a length 0..{longest}")
        return super().check(values, origin, dims)

    def describe(self) -> str:
        return f"an integer 0..{self.of}"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(dims[self.of] // 2, dims[self.of] + 1, size=self.size(dims))


@dataclass(eq=False, repr=False)
class RelevanceNumbers(Numbers):
    """RelevanceNumbers of documents, of which several may be the same."""

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, 4, size=self.size(dims)).astype(float)


@dataclass(eq=False, repr=False)
class QueryKeys(Domain):
    """Integers or names that say which rows are one query; they are read as text."""

    description = "an integer or a name, the same for all rows of a query"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return np.sort(rng.integers(0, 3, size=self.size(dims)))
