"""Penalties on the parameters of a model, which are added to a loss (structural risk)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Interval, Number
from losscli.declaration.form import Parameter
from losscli.declaration.grammar import parse_specs
from losscli.declaration.loss import checked
from losscli.errors import DataError, UsageError
from losscli.messages import digest

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions
    from losscli.data.table import Table

STRENGTH = Parameter("lambda", Number(Interval(0, high_open=True)), None)
RATIO = Parameter("ratio", Number(Interval(0, 1)), 0.5)


def l1(w: Array, strength: float) -> float:
    """lambda sum |w|"""
    return float(strength * np.abs(w).sum())


def l2(w: Array, strength: float) -> float:
    """lambda sum w²"""
    return float(strength * np.square(w).sum())


def elastic_net(w: Array, strength: float, ratio: float) -> float:
    """lambda (ratio sum |w| + (1 - ratio) sum w²)"""
    return l1(w, strength * ratio) + l2(w, strength * (1 - ratio))


PENALTIES: dict[str, tuple[Callable[..., float], tuple[Parameter, ...]]] = {
    "l1": (l1, (STRENGTH,)),
    "l2": (l2, (STRENGTH,)),
    "elastic_net": (elastic_net, (STRENGTH, RATIO)),
}
"""Name -> a function of the parameter vector and of settings, and these settings; one without default is required."""


class BoundPenalty(NamedTuple):
    """A penalty with all its settings."""

    name: str
    values: dict[str, float]

    @property
    def label(self) -> str:
        """The text with every setting."""
        _, settings = PENALTIES[self.name]
        return ":".join([self.name, *(f"{s.name}={s.domain.text(self.values[s.name])}" for s in settings)])

    def of(self, w: Array) -> float:
        """Return the penalty of parameters of any shape."""
        kernel, _ = PENALTIES[self.name]
        with np.errstate(over="ignore"):
            return kernel(w, *self.values.values())


class AddedPenalty(NamedTuple):
    """A penalty and its value on `n` parameters read from `source`; `digest` tells them from others."""

    bound: BoundPenalty
    value: float
    n: int
    source: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return the penalty as it is in JSON."""
        return {
            "name": self.bound.name,
            "params": self.bound.values,
            "value": self.value if np.isfinite(self.value) else None,
            "n": self.n,
            "parameters": self.source,
        }


def parse_penalty(text: str) -> BoundPenalty:
    """Parse `name:lambda=0.01[:ratio=0.5]`.

    Raises:
        UsageError: There is no such penalty or setting, one is out of range, or lambda is not given.
    """
    specs = parse_specs(text)
    if len(specs) != 1:
        raise UsageError(f"{text!r}: one penalty at a time; elastic_net is l1 and l2 together")
    name, typed = specs[0]
    if name not in PENALTIES:
        raise UsageError(f"there is no penalty {name!r}; the penalties are {', '.join(PENALTIES)}")
    known = {setting.name: setting for setting in PENALTIES[name][1]}
    for key in typed:
        if key not in known:
            raise UsageError(f"{name} has no setting {key!r}; it has {', '.join(known)}")
    values = {s.name: checked(name, s, typed[s.name]) if s.name in typed else s.default for s in known.values()}
    if values["lambda"] is None:
        raise UsageError(f"the penalty {name} needs its strength, as in {name}:lambda=0.01")
    return BoundPenalty(name, values)


def penalize_file(bound: BoundPenalty, path: str, options: ReadOptions | None = None) -> AddedPenalty:
    """Compute the penalty of all numbers in a file, of any shape.

    Raises:
        DataError: The file cannot be read, holds text, or a number that is missing or not finite.
    """
    from losscli.data.npy import PARAMETERS
    from losscli.data.sources import open_table

    table = open_table(path, PARAMETERS, options)
    try:
        arrays = _parameter_arrays(table)
    finally:
        table.close()
    return penalize(bound, arrays, table.name)


def penalize(bound: BoundPenalty, arrays: Sequence[Array], source: str) -> AddedPenalty:
    """Compute the penalty of arrays; `source` is their name in messages.

    Raises:
        DataError: A number is missing or not finite.
    """
    w = np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])
    wrong = np.flatnonzero(~np.isfinite(w))
    if wrong.size:
        at = f"{source}: " if source else ""
        raise DataError(f"{at}parameter {wrong[0] + 1} of {w.size} is {w[wrong[0]]}: parameters are finite numbers")
    return AddedPenalty(bound, bound.of(w), w.size, source, digest(w.tobytes()))


def _parameter_arrays(table: Table) -> list[Array]:
    from losscli.data.stored import StoredArraysTable
    from losscli.data.table import ArraysTable, Kind

    text = next((column.name for column in table.columns if column.kind is Kind.TEXT), None)
    if text is not None:
        raise DataError(f"{table.name}: column {text!r} holds text; parameters are numbers")
    names = [column.name for column in table.columns]
    if isinstance(table, (ArraysTable, StoredArraysTable)):  # arrays of an archive may differ in length
        return [chunk[name] for name in names for chunk in table.chunks({name: Kind.NUMBER})]
    return [chunk[name] for chunk in table.chunks(dict.fromkeys(names, Kind.NUMBER)) for name in names]
