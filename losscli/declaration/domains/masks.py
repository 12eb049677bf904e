"""What class masks may hold: for each pixel of a row a label, or one number per class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains.distributions import Simplex
from losscli.declaration.domains.intervals import Array
from losscli.declaration.domains.labels import ClassTargets
from losscli.declaration.domains.origin import ValueOrigin
from losscli.messages import Hint


@dataclass(eq=False, repr=False)
class PixelProbabilities(Simplex):
    """For each pixel of a row the probabilities of the classes, which sum to 1."""

    shapes: tuple[str, ...] = ("N,P,C",)

    each = "pixel"
    description = "a row of P pixels, each with C probabilities that sum to 1"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.dirichlet(np.full(dims["C"], 2.0), size=(dims["N"], dims["P"]))


class TargetPixels(PixelProbabilities):
    """For each pixel of a row the target probabilities of the classes."""

    hint_of_sum: ClassVar[Hint | None] = Hint.FLATTEN_TARGETS


@dataclass(eq=False, repr=False)
class PixelTargets(ClassTargets):
    """For each pixel of a row a class label 0..C-1, or numbers per class that sum to 1."""

    shapes: tuple[str, ...] = ("N,P", "N,P,C")
    counted_by: tuple[str, str] = ("y_pred", "numbers a pixel")

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        if values.ndim > 2:
            return TargetPixels(may_be_logits=False).check(values, origin, dims)
        return self.check_labels(values, origin, dims)

    def describe(self) -> str:
        return "a row of P class labels 0..C-1, or P pixels of C target probabilities"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, dims["C"], size=(dims["N"], dims["P"]))


class OneHotPixels(PixelTargets):
    """For each pixel of a row a class label, or one-hot numbers, which reach the kernel as labels."""

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        checked = super().check(values, origin, dims)
        if values.ndim < 3:
            return checked
        origin.refuse((checked != 0) & (checked != 1), checked, "is neither 0 nor 1, as one-hot pixels must be")
        return np.asarray(checked.argmax(axis=-1))

    def describe(self) -> str:
        return "a row of P class labels 0..C-1, or P one-hot pixels of C numbers"
