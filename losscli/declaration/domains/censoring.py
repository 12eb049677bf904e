"""What an array may hold: times until an event, some of which are censored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Numbers, Probabilities, WholeNumbers
from losscli.declaration.domains.intervals import FINITE_POSITIVE, Array, Interval
from losscli.declaration.domains.labels import BinaryLabels
from losscli.declaration.domains.levels import TIMES
from losscli.declaration.domains.origin import ValueOrigin
from losscli.declaration.domains.parameters import PerClass
from losscli.messages import Hint


@dataclass(eq=False, repr=False)
class SurvivalTimes(Numbers):
    """Times until an event or until the end of observation, one a row."""

    shapes: tuple[str, ...] = ("N",)
    interval: Interval = FINITE_POSITIVE
    noun: str = "times"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        times = rng.uniform(0.4, 9, size=self.size(dims))
        times[0], times[-1] = 0.3, 9.5  # libraries refuse to score survival until a time that no row has reached
        return times


@dataclass(eq=False, repr=False)
class TimeBounds(Numbers):
    """Bounds of a time, one a row; tests draw them from the `usual` interval."""

    shapes: tuple[str, ...] = ("N",)
    noun: str = "bounds of a time"
    usual: tuple[float, float] = (0.0, 1.0)

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(*self.usual, size=self.size(dims))


@dataclass(eq=False, repr=False)
class Events(BinaryLabels):
    """1 or true where the event was seen, 0 or false where the time is censored."""

    shapes: tuple[str, ...] = ("N",)

    is_label = False
    class_count = 0

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = (values != 0) & (values != 1)
        if wrong.any():
            are_codes = bool(((values == 1) | (values == 2)).all())
            raise origin.error(wrong, values, f"is not {self.describe()}", Hint.EVENT_CODES if are_codes else None)
        return values

    def describe(self) -> str:
        return "1 (the event was seen) or 0 (censored)"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        events = rng.integers(0, 2, size=self.size(dims)).astype(float)
        events[-1] = 1  # without an event there is nothing to evaluate
        return events


@dataclass(eq=False, repr=False)
class TimeSteps(WholeNumbers):
    """Places on a grid of M intervals of time, from 0, as int64."""

    shapes: tuple[str, ...] = ("N",)

    description = "an integer 0..M-1: an interval of time"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        steps = int(dims["M"])
        wrong = (values < 0) | (values >= steps) | (values != np.floor(values))
        origin.refuse(wrong, values, f"is not an interval of time 0..{steps - 1}: y_pred has {steps} of them")
        return values.astype(np.int64)

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, dims["M"], size=self.size(dims))


class SurvivalProbabilities(Probabilities):
    """Rows of M probabilities to survive, in the order of the parameter `times`."""

    said_by_names = TIMES
    keeps_order = True


class IncreasingTimes(PerClass):
    """Two or more times, in increasing order."""

    def parse(self, text: str) -> Any:
        times = super().parse(text)
        if len(times) < 2:
            raise ValueError(f"must be {self.describe()}")
        return self.check(times)

    def check(self, value: Any) -> Any:
        times = super().check(value)
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("must increase")
        return times

    def _describe(self, example: str) -> str:
        return f"two or more numbers {self.inner.describe()} that increase, as {example}"
