"""What the past of time series may hold, a table with rows of its own, and the names of series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain
from losscli.declaration.domains.intervals import Array
from losscli.declaration.domains.labels import NAMES, ComparedLabels, number_of_name, refuse_rounded
from losscli.declaration.domains.origin import NAMES_BY_NUMBER, ValueOrigin

TRAINING_ROWS = 24
"""How many training rows a sample has."""


@dataclass(eq=False, repr=False)
class TrainingValues(Domain):
    """Values of series in the order of time, none of them missing; a table that is read whole."""

    shapes: tuple[str, ...] = ("T",)

    scalar = True
    vector = False
    holds_rows_of = "y_true"
    description = "finite numbers in the order of time"

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        origin.refuse(~np.isfinite(values), values, "is not a finite number: training rows have none missing")
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.normal(size=TRAINING_ROWS) * 2


@dataclass(eq=False, repr=False)
class SeriesNames(ComparedLabels):
    """The series that a row is of, a name or an integer."""

    shapes: tuple[str, ...] = ("N",)

    vector = False
    scalar = True
    may_mix_names = True

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        names = origin.memory.get(NAMES, ())
        origin.memory[NAMES_BY_NUMBER] = {number_of_name(i): name for i, name in enumerate(names)}
        origin.refuse(~np.isfinite(values) | (values != np.floor(values)), values, f"is not {self.describe()}")
        refuse_rounded(values, origin)
        return values

    @property
    def holds_rows_of(self) -> str:  # type: ignore[override]
        return "" if self.per_row else "series"

    def describe(self) -> str:
        return "the name of a series, or an integer"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        if self.per_row:
            return rng.integers(0, 2, size=dims["N"]).astype(float)
        return np.arange(TRAINING_ROWS) % 2.0
