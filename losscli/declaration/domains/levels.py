"""What predicted quantiles and intervals may hold, and the levels that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain


@dataclass(eq=False, repr=False)
class IntervalEnds(Domain):
    """Rows of two numbers: the lower and the upper end of an interval."""

    shapes: tuple[str, ...] = ("N,2",)

    description = "two real numbers, the lower and the upper end"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return np.sort(rng.normal(size=(dims["N"], 2)) * 2, axis=1)
