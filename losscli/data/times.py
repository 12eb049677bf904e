"""Times and durations of NumPy as objects that can be written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def time_objects(values: NDArray[Any]) -> list[Any]:
    """Return times as objects that are written as Arrow writes them, down to nanoseconds only where need be."""
    if np.datetime_data(values.dtype)[0] not in ("ns", "ps", "fs", "as"):
        return list(values.tolist())
    is_missing = np.isnat(values)
    coarse = values.astype(f"{values.dtype.kind}8[us]")
    found = coarse.astype(object) if (is_missing | (coarse == values)).all() else values.astype(str).astype(object)
    found[is_missing] = None
    return list(found)
