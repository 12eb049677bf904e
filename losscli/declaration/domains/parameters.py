"""What a parameter of a loss may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from losscli.declaration.domains.intervals import FINITE_REALS, REALS, Array, Interval
from losscli.errors import UsageError
from losscli.messages import number_of, number_text


class ParameterDomain:
    """What a parameter may be. `parse` and `check` return the value of a text or object, or raise ValueError."""

    def parse(self, text: str) -> Any:
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def describe(self) -> str:
        raise NotImplementedError

    def text(self, value: Any) -> str:
        """Return the value as it is typed."""
        return str(value)

    def sample(self, rng: np.random.Generator) -> Any:
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class Number(ParameterDomain):
    """A number of an interval, an integer if asked; `zero=False` leaves zero out.

    `usual` are the ends between which samples are drawn, if those of the interval do not suit.
    """

    interval: Interval = REALS
    integer: bool = False
    zero: bool = True
    usual: tuple[float, float] | None = None

    def parse(self, text: str) -> Any:
        try:
            number = number_of(text)
        except ValueError:
            raise ValueError(f"must be a number, {self.describe()}") from None
        return self.check(number)

    def check(self, value: Any) -> Any:
        if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise ValueError(f"must be a number, {self.describe()}")
        try:
            value = float(value)
        except OverflowError:  # an integer beyond all floats
            raise ValueError(f"must be a number, {self.describe()}") from None
        is_integer = math.isfinite(value) and value == int(value)
        if value not in self.interval or (self.integer and not is_integer) or (not self.zero and value == 0):
            raise ValueError(f"must be {self.describe()}")
        return int(value) if self.integer else value

    def describe(self) -> str:
        text = self.interval.describe()
        if text == "any real number" and math.inf in self.interval and not self.integer:
            text += ", or -inf or inf"
        if self.integer:
            text = f"an integer {text}" if text != "any real number" else "an integer"
        return text if self.zero else f"{text} but 0"

    def text(self, value: Any) -> str:
        return number_text(value)

    def sample(self, rng: np.random.Generator) -> Any:
        low = self.interval.low if math.isfinite(self.interval.low) else self.interval.high - 3
        low = low if math.isfinite(low) else -1.5
        high = self.interval.high if math.isfinite(self.interval.high) else low + 3
        low, high = self.usual or (low, high)
        drawn = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
        return round(drawn) if self.integer else round(float(drawn), 3) or 0.5


@dataclass(eq=False, repr=False)
class TweediePower(Number):
    """The power of the variance function of a Tweedie distribution; none is between 0 and 1."""

    interval: Interval = FINITE_REALS

    def check(self, value: Any) -> Any:
        power = super().check(value)
        if 0 < power < 1:
            raise ValueError(f"must be {self.describe()}: no distribution has a power between 0 and 1")
        return power

    def describe(self) -> str:
        return "<= 0 or >= 1"

    def sample(self, rng: np.random.Generator) -> Any:
        return float(rng.choice((-1.0, 0.0, 1.0, 1.5, 2.0, 3.0)))


class ExceptOne(Number):
    """A number of an interval, except 1."""

    def check(self, value: Any) -> Any:
        number = super().check(value)
        if number == 1:
            raise ValueError(f"must be {self.describe()}")
        return number

    def describe(self) -> str:
        return f"{super().describe()}, but not 1"


class Flag(ParameterDomain):
    """True or false."""

    _TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")

    def parse(self, text: str) -> bool:
        if text.lower() not in self._TRUE + self._FALSE:
            raise ValueError("must be true or false")
        return text.lower() in self._TRUE

    def check(self, value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError("must be True or False")
        return bool(value)

    def describe(self) -> str:
        return "true or false"

    def text(self, value: Any) -> str:
        return "true" if value else "false"

    def sample(self, rng: np.random.Generator) -> bool:
        return bool(rng.integers(2))


@dataclass(eq=False, repr=False)
class Choice(ParameterDomain):
    """One of some words."""

    words: tuple[str, ...]

    def parse(self, text: str) -> str:
        return self.check(text.lower())

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"must be {self.describe()}")
        return str(value)

    def describe(self) -> str:
        return ", ".join(self.words[:-1]) + f" or {self.words[-1]}"

    def sample(self, rng: np.random.Generator) -> str:
        return str(rng.choice(self.words))


class NameList(ParameterDomain):
    """Names in order, none of them twice, typed `low/mid/high`."""

    def parse(self, text: str) -> tuple[str, ...]:
        return self.check([name.strip() for name in text.replace(",", "/").split("/")])

    def check(self, value: Any) -> tuple[str, ...]:
        names = [str(name) for name in value] if isinstance(value, (list, tuple, np.ndarray)) else []
        if len(names) < 2 or not all(names) or len(set(names)) < len(names):
            raise ValueError(f"must be {self.describe()}")
        return tuple(names)

    def describe(self) -> str:
        return "a list of two or more different names, as low/mid/high"

    def text(self, value: Any) -> str:
        return "/".join(value)

    def sample(self, rng: np.random.Generator) -> Any:
        return None


class WordOrInteger(Choice):
    """One of some words, of which those that are integers may be given as such."""

    def check(self, value: Any) -> str:
        return super().check(str(value) if type(value) is int else value)


@dataclass(eq=False, repr=False)
class OrNone(ParameterDomain):
    """Another domain, or None, which is typed `none`."""

    inner: ParameterDomain

    def parse(self, text: str) -> Any:
        return None if text.lower() == "none" else self.inner.parse(text)

    def check(self, value: Any) -> Any:
        return None if value is None else self.inner.check(value)

    def describe(self) -> str:
        return f"{self.inner.describe()}, or none"

    def text(self, value: Any) -> str:
        return "none" if value is None else self.inner.text(value)

    def sample(self, rng: np.random.Generator) -> Any:
        return None if rng.integers(2) else self.inner.sample(rng)


@dataclass(eq=False, repr=False)
class PerClass(ParameterDomain):
    """One number per class, or whatever `each` is, typed `2/4/6`; with `single`, also one number for all of them."""

    inner: Number
    single: bool = False
    each: str = "class"

    def parse(self, text: str) -> Any:
        parts = text.replace(",", "/").split("/")
        if len(parts) == 1 and self.single:
            return self.inner.parse(parts[0])
        return tuple(self.inner.parse(part) for part in parts)

    def check(self, value: Any) -> Any:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        is_list = isinstance(value, (list, tuple))
        if not is_list and self.single:
            return self.inner.check(value)
        if not is_list or len(value) < 2:
            raise ValueError(f"must be {self._describe('[2, 4, 6]')}")
        return tuple(self.inner.check(item) for item in value)

    def describe(self) -> str:
        return self._describe("2/4/6")

    def _describe(self, example: str) -> str:
        one = f"{self.inner.describe()}, or " if self.single else ""
        return f"{one}a list, one number {self.inner.describe()} a {self.each}, as {example}"

    def text(self, value: Any) -> str:
        return self.inner.text(value) if np.ndim(value) == 0 else "/".join(self.inner.text(item) for item in value)

    def sample(self, rng: np.random.Generator) -> Any:
        return self.inner.sample(rng) if self.single else None


def expand_per_class(value: Any, classes: int, name: str, each: str = "classes") -> Array:
    """Return a per-class parameter as an array of shape (classes,); None stands for ones.

    `each` says what there are so many of.

    Raises:
        UsageError: It has another length.
    """
    if value is None or np.ndim(value) == 0:
        return np.full(classes, 1.0 if value is None else float(value))
    if len(value) != classes:
        raise UsageError(f"{name} has {len(value)} numbers, the data {classes} {each}")
    return np.asarray(value, dtype=np.float64)
