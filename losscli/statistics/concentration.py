"""How few rows carry a loss: the share of the total that the worst rows have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.statistics.keyed_sums import SumsByKey

ROWS_PER_TOP_ROW = 100
"""A top share is the share of one in so many rows."""


class Concentration(NamedTuple):
    """The share of the total that the worst rows carry, as a curve through (0, 0) and (1, 1).

    Attributes:
        rows: The share of the rows, or of their weight, from the worst on (k,).
        loss: The share of the total loss that they carry (k,).
        n_worst: The number of the rows (k,).
        n: The number of all rows.
        total: The sum of the losses by weight.
        is_exact: Whether each point but the first is one row.
    """

    rows: Array
    loss: Array
    n_worst: Array
    n: int
    total: float
    is_exact: bool

    def share_of(self, rows: float) -> float:
        """Return the share of the loss that a share of the rows carries."""
        return float(np.interp(rows, self.rows, self.loss))

    def rows_for(self, share: float) -> int:
        """Return the least number of the worst rows that carry at least a share of the loss."""
        if self.is_exact:  # a share that is reached to the last digit is reached
            return int(np.searchsorted(self.loss, share * (1 - 1e-12)))
        return int(np.ceil(np.interp(share, self.loss, self.n_worst) * (1 - 1e-12)))


def concentration(table: SumsByKey) -> Concentration | None:
    """Return how few rows carry a loss, from a table by the loss of a row (no columns).

    None where shares mean nothing: a loss is negative or infinite, or all are 0.
    """
    losses = table.key[::-1]
    weight = table.weight[::-1]
    sums = losses * weight
    total = float(sums.sum())
    if not losses.size or losses[-1] < 0 or not 0 < total < np.inf:
        return None
    rows = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    shares = np.concatenate([[0.0], np.cumsum(sums) / total])
    n_worst = np.concatenate([[0.0], np.cumsum(table.n_rows[::-1])])
    rows[-1] = shares[-1] = 1.0
    return Concentration(rows, shares, n_worst, int(n_worst[-1]), total, table.is_exact)


def top_share(table: SumsByKey, rows_per_top_row: int) -> float:
    """Return the share of the loss that one in so many rows carries, from a table by what a row adds to the sum.

    The rows are those that add most; the table is without weights, which are in its keys.
    """
    n = int(table.n_rows.sum())
    added = table.key[::-1] * table.n_rows[::-1]
    rows = np.concatenate([[0.0], np.cumsum(table.n_rows[::-1])])
    carried = np.concatenate([[0.0], np.cumsum(added)])
    return float(np.interp(-(-n // rows_per_top_row), rows, carried) / carried[-1])
