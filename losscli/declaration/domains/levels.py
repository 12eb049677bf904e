"""What predicted quantiles and intervals may hold, and the levels that they are of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain
from losscli.declaration.domains.intervals import UNIT, Array, Interval, Params
from losscli.declaration.domains.origin import ValueOrigin
from losscli.declaration.domains.parameters import Number, ParameterDomain
from losscli.errors import DataError
from losscli.messages import Hint, number_text

TAUS, ALPHA, TIMES = "taus", "alpha", "times"
"""The parameters that names of columns may say: levels of quantiles, what an interval leaves out, times of survival."""

LEVEL_TOLERANCE = 1e-9
"""How far levels that belong together may be apart: 0.1 and 1 - 0.9."""


@dataclass(eq=False, repr=False)
class Levels(ParameterDomain):
    """Different levels of quantiles in any order, typed `0.1/0.5/0.9`; if `symmetric`, 1 - t beside each level t."""

    interval: Interval = UNIT
    symmetric: bool = False

    def parse(self, text: str) -> tuple[float, ...]:
        return self.check([Number(self.interval).parse(part) for part in text.replace(",", "/").split("/")])

    def check(self, value: Any) -> tuple[float, ...]:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"must be {self._describe('[0.1, 0.5, 0.9]')}")
        levels = tuple(Number(self.interval).check(level) for level in value)
        twice = next((level for i, level in enumerate(levels) if level in levels[:i]), None)
        if twice is not None:
            raise ValueError(f"has the level {number_text(twice)} twice")
        alone = next((t for t in levels if not any(abs(1 - t - other) <= LEVEL_TOLERANCE for other in levels)), None)
        if self.symmetric and alone is not None:
            opposite = number_text(round(1 - alone, 9))
            raise ValueError(f"has {number_text(alone)} without {opposite}: intervals need both of their levels")
        return levels

    def describe(self) -> str:
        return self._describe("0.1/0.5/0.9")

    def _describe(self, example: str) -> str:
        pairs = ", each t beside 1 - t" if self.symmetric else ""
        return f"a list of levels {self.interval.describe()}{pairs}, as {example}"

    def text(self, value: Any) -> str:
        return "/".join(number_text(level) for level in value)

    def sample(self, rng: np.random.Generator) -> Any:
        low = round(float(rng.uniform(0.05, 0.45)), 3)
        return (low, 0.5, round(1 - low, 3))


@dataclass(eq=False, repr=False)
class QuantileRows(Domain):
    """Rows of Q quantiles in the order of the parameter `taus`; a column of numbers is one quantile."""

    shapes: tuple[str, ...] = ("N,Q",)
    levels: tuple[float, ...] | None = None

    said_by_names = TAUS
    is_one_or_more = True
    keeps_order = True
    description = "Q quantiles, in the order of taus, each any real number"

    def with_params(self, params: Params) -> Domain:
        return replace(self, levels=params.get(TAUS))

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        n_columns, n_levels = values.shape[1], len(self.levels or ())
        if self.levels is not None and n_columns != n_levels:
            columns = "1 quantile" if n_columns == 1 else f"{n_columns} quantiles"
            levels = "1 level" if n_levels == 1 else f"{n_levels} levels"
            problem = f"{origin.name()}: {columns} a row, but taus names {levels}"
            raise DataError(problem, Hint.NAME_COLUMNS, role=origin.role)
        return values

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        levels = self.levels or (0.1, 0.5, 0.9)
        ordered = np.sort(rng.normal(size=(dims["N"], len(levels))) * 2, axis=1)
        return ordered[:, np.argsort(np.argsort(levels))]


@dataclass(eq=False, repr=False)
class IntervalEnds(Domain):
    """Rows of two numbers: the lower and the upper end of an interval."""

    shapes: tuple[str, ...] = ("N,2",)

    said_by_names = ALPHA
    keeps_order = True
    description = "two real numbers, the lower and the upper end"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return np.sort(rng.normal(size=(dims["N"], 2)) * 2, axis=1)


@dataclass(eq=False, repr=False)
class IntervalEnd(Domain):
    """One end of an interval, `lower` or `upper`; `outside` is the share left out by it, if that is known."""

    end: str = "lower"
    outside: float | None = None

    said_by_names = ALPHA

    def with_params(self, params: Params) -> Domain:
        return replace(self, outside=params.get(ALPHA))

    def stating(self, given: Collection[str]) -> Domain:
        return self if ALPHA in given else replace(self, outside=None)


def order_of_levels(taus: Sequence[float]) -> NDArray[np.intp]:
    """Return the order of the quantiles by their levels."""
    return np.argsort(taus)
