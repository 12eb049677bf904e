"""The arrays that the kernel of a dataset-wide loss gets: of some rows, and of several parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = Mapping[str, Any]
"""The checked arrays of some rows by role, those of tables whole, and their weights, None if they have none."""


def take_rows(inputs: Inputs, index: NDArray[np.intp], tables: frozenset[str]) -> Inputs:
    """Return the arrays of some rows."""
    return {name: array if array is None or name in tables else array[index] for name, array in inputs.items()}


def join_inputs(parts: Sequence[Inputs], tables: frozenset[str]) -> Inputs:
    """Return the arrays of all rows of consecutive parts."""
    if len(parts) == 1:
        return parts[0]
    return {
        name: array if array is None or name in tables else np.concatenate([part[name] for part in parts])
        for name, array in parts[0].items()
    }
