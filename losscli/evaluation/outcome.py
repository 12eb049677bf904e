"""What a loss makes of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask

NO_VALUES: Array = np.zeros(0)
"""The per-sample values of a dataset-wide loss."""


class Outcome(NamedTuple):
    """A loss on a batch: elements (N, ...), their per-sample means (N,), and the results of the loss's hooks.

    `clipped` marks the rows in which a probability was clipped; None where none was. `frequency` is how many samples
    each counts as (N,), None where one. `tallied` marks the rows that a note counts (N,). Of a dataset-wide loss there
    are no elements and no per-sample values: `inputs` are the checked arrays of the rows that were not left out, among
    them the weights, and `rows` is the mask of these rows, None for all.
    """

    elements: Array
    per_sample: Array
    counted: Mask | None = None
    denominator: Array | None = None
    clipped: Mask | None = None
    gradient: Array | None = None
    inputs: Mapping[str, Any] | None = None
    rows: Mask | None = None
    frequency: Array | None = None
    tallied: Mask | None = None

    @classmethod
    def of_missing(cls, n: int, shape: tuple[int, ...] | None) -> Outcome:
        """Return n losses that are NaN, with a gradient of this shape if one is wanted."""
        nan = np.full(n, np.nan)
        return cls(nan, nan.copy(), gradient=None if shape is None else np.full(shape, np.nan))

    def take(self, rows: Mask | NDArray[np.intp]) -> Outcome:
        """Return the outcome of some rows, without gradient and clipped rows."""
        per_sample = self.per_sample[rows]
        return Outcome(
            per_sample if self.elements is self.per_sample else self.elements[rows],
            per_sample,
            None if self.counted is None else self.counted[rows],
            None if self.denominator is None else self.denominator[rows],
            frequency=None if self.frequency is None else self.frequency[rows],
        )

    def weights(self, weight: Array | None) -> Array | None:
        """Return what each row weighs in the mean (N,), from the weights of the rows; None where all count once."""
        return self.frequency if weight is None else weight if self.frequency is None else weight * self.frequency

    def counted_losses(self) -> Array:
        """Return the per-sample losses, 0 where a row does not count; the array itself where all rows do."""
        return self.per_sample if self.counted is None else np.where(self.counted, self.per_sample, 0.0)
