"""The fewest rows that decide which of several models is the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.model_terms import RatioTerms
from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.evaluation.outcome import Outcome

MAX_DECISIVE_ROWS = 100
"""How many of the rows that decide a ranking are kept by name."""

ROUNDING_OF_SUMS = 1e-10
"""The share of a sum of absolute values that is rounding, at most."""


@dataclass(frozen=True)
class DecisiveRows:
    """The fewest rows without which another model would win: how many, the first of them by weight, and who wins."""

    n: int
    to: str
    rows: tuple[int, ...]
    ids: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the rows as JSON has them."""
        ids = {} if self.ids is None else {"ids": list(self.ids)}
        return {"n": self.n, "to": self.to, "rows": list(self.rows), **ids}


class FlipCandidate(NamedTuple):
    """Indices of rows without which another model would win, and that model."""

    indices: NDArray[np.intp]
    to: str


def flip_mean(terms: Mapping[str, RatioTerms]) -> Iterator[FlipCandidate]:
    """Leave out the rows that favour the first model most, until the sum of another model is smaller."""
    best, *others = terms
    fewest = len(terms[best].numerator)
    for model in others:
        favour = terms[model].numerator - terms[best].numerator
        if fewest < len(favour) and _sum_without_largest(favour, fewest) >= 0:
            continue  # it would take more rows than another model does
        order = np.argsort(favour, kind="stable")
        below = np.flatnonzero(np.cumsum(favour[order]) < 0)
        if below.size:
            fewest = min(fewest, len(order) - int(below[-1]) - 1)
            yield FlipCandidate(order[below[-1] + 1 :][::-1], model)


def _sum_without_largest(values: Array, count: int) -> float:
    """Return the sum of all but so many of the largest values; a bit less, so that rounding decides nothing."""
    kept = np.partition(values, len(values) - count - 1)[: len(values) - count]
    return float(kept.sum()) - ROUNDING_OF_SUMS * float(np.abs(kept).sum())


def flip_maximum(outcomes: Mapping[str, Outcome]) -> Iterator[FlipCandidate]:
    """Leave out the rows where another model is worse than the first one is in some other row."""
    best, *others = (
        np.asarray(outcome.elements.reshape(len(outcome.elements), -1).max(axis=1), dtype=np.float64)
        for outcome in outcomes.values()
    )
    for model, largest in zip(list(outcomes)[1:], others, strict=True):
        better = np.flatnonzero(largest < best)
        if better.size:
            yield FlipCandidate(np.flatnonzero(largest >= best[better].max()), model)


def name_rows(flip: FlipCandidate, batch: Batch, id: str | None) -> DecisiveRows:
    """Return the rows of a candidate by their numbers, and by their names where they have any."""
    first = flip.indices[:MAX_DECISIVE_ROWS]
    keys = batch.keys(id)
    ids = None if keys is None else tuple(str(keys[index]) for index in first)
    return DecisiveRows(len(flip.indices), flip.to, tuple(batch.rows_at(first).tolist()), ids)
