"""The values of a loss along a path: evaluated by its own kernel, with gaps where they jump."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch
from losscli.declaration.domains import Array, ValueOrigin
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.errors import LosscliError, UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.outcome import Outcome

if TYPE_CHECKING:
    from losscli.plot.curve_axes import Path

MIN_JUMP = 0.01
"""The smallest jump that is looked for, as a share of the height of the panel."""

NARROW = 1e-6
"""A piece of a curve that is so small a share of the range is none."""

ZOOMS, PARTS_PER_ZOOM = 8, 16
"""How often the largest step of a suspect is cut into how many parts, to tell a jump from a steep slope."""


def evaluate(evaluator: Evaluator, arrays: Mapping[str, NDArray[Any]], gradient: bool = False) -> Outcome:
    """Evaluate rows in memory; roles that are no table have as many rows as the first of them."""
    tables = frozenset(role.name for role in evaluator.form.roles if not role.domain.per_row)
    length = next(len(array) for name, array in arrays.items() if name not in tables)
    numbers = range(1, length + 1)
    origins = {name: ValueOrigin(name, rows=None if name in tables else numbers) for name in arrays}
    values = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    return evaluator(Batch(numbers, values, origins, tables=tables, length=length), gradient)


def evaluate_rows(bound: BoundLoss, form: Form, arrays: Mapping[str, NDArray[Any]]) -> Array | None:
    """Return the per-sample losses (n,), None if the loss refuses the values."""
    try:
        return evaluate(Evaluator(bound, form), arrays).per_sample
    except LosscliError:
        return None


class PathValues:
    """A loss and its slope as functions of x."""

    def __init__(self, bound: BoundLoss, path: Path) -> None:
        self.path = path
        self.evaluator = Evaluator(bound, path.form)
        self.has_slope = "gradient" in path.form.hooks

    def __call__(self, x: Array) -> tuple[Array, Array | None]:
        """Return the loss of one row at each x (n,), and its derivative by x, None if the loss has no gradient."""
        with np.errstate(all="ignore"):
            if self.evaluator.coupled:
                found = [self._of_rows(x[i : i + 1]) for i in range(len(x))]
                slopes = [float(np.mean(slope)) for _, slope in found if slope is not None]
                return np.array([float(np.mean(loss)) for loss, _ in found]), np.array(slopes) if slopes else None
            return self._of_rows(x)

    def _of_rows(self, x: Array) -> tuple[Array, Array | None]:
        outcome = evaluate(self.evaluator, self.path.arrays(x), self.has_slope)
        losses = outcome.counted_losses()
        if outcome.gradient is None:
            return losses, None
        along = outcome.gradient * self.path.tangent(x)
        slope = along.reshape(len(along), -1).sum(axis=1)
        if len(slope) != len(losses):  # a gradient by fewer rows than have a loss, as of pairs
            return losses, np.full(1, slope.sum() / len(losses))
        return losses, slope if not self.evaluator.coupled else np.full(1, slope.sum() / len(losses))

    def losses(self, x: Array) -> Array:
        return self(x)[0]

    def slopes(self, x: Array) -> Array:
        found = self(x)[1]
        if found is None:
            raise UsageError(f"{self.evaluator.label} has no gradient")
        return found

    def pulls(self, x: Array) -> Array:
        """Return the size of the slope; of a loss without a gradient, that of the differences of its values."""
        losses, slopes = self(x)
        if slopes is None:
            slopes = np.gradient(losses, x) if len(x) > 1 else np.zeros(len(x))
        return np.abs(slopes)


def with_gaps(
    function: Callable[[Array], Array], x: Array, y: Array, low: float, high: float
) -> tuple[Array, Array]:  # fmt: skip
    """Return points of a curve with a NaN between the two sides of each jump, so that no line is drawn through it.

    A jump is a change by a visible share of the height of the panel, from `low` to `high`, that begins or ends in it
    and does not shrink with the distance of the points.
    """
    change = np.abs(np.diff(y))
    is_inside = (y >= low) & (y <= high)
    suspects = np.flatnonzero((change > MIN_JUMP * (high - low)) & (is_inside[1:] | is_inside[:-1]))  # NaN is none
    left, right = x[suspects], x[suspects + 1]
    y_left = y_right = np.empty(0)
    for _ in range(ZOOMS):
        if not len(suspects):
            return x, y
        places = left[:, None] + (right - left)[:, None] * np.linspace(0, 1, PARTS_PER_ZOOM + 1)
        values = function(places.ravel()).reshape(places.shape)
        steps = np.abs(np.diff(values))
        rows, part = np.arange(len(steps)), steps.argmax(axis=1)
        still = steps[rows, part] > change[suspects] / 2
        rows, part, suspects = rows[still], part[still], suspects[still]
        left, right, y_left, y_right = (a[rows, part + k] for a in (places, values) for k in (0, 1))
    ends = [np.stack([a, (a + b) / 2, b], axis=1).ravel() for a, b in ((left, right), (y_left, y_right))]
    ends[1][1::3] = np.nan
    at = np.repeat(suspects + 1, 3)
    return without_lone_points(np.insert(x, at, ends[0]), np.insert(y, at, ends[1]))


def without_lone_points(x: Array, y: Array) -> tuple[Array, Array]:
    """Return points of a curve without those inside of a jump or at its end, as sign(0) between -1 and 1."""
    width = NARROW * (x[-1] - x[0])
    edges = [-1, *np.flatnonzero(np.isnan(y)).tolist(), len(x)]
    parts = [(a + 1, b) for a, b in pairwise(edges) if b - a > 1 and x[b - 1] - x[a + 1] > width]
    if not parts:
        return x, y
    kept = np.concatenate([np.arange(start - (start > parts[0][0]), stop) for start, stop in parts])
    return x[kept], y[kept]
