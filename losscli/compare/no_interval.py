"""Why differences of models have no interval, as notes say it."""

from __future__ import annotations

from losscli.declaration.properties import Reduction
from losscli.statistics.bootstrap.options import MIN_ROWS_FOR_LEVEL

NO_INTERVAL_OF = {
    Reduction.MEDIAN: "of a difference of medians of so many rows",
    Reduction.MAX: "of a difference of maxima",
}
"""Reductions whose differences may have no interval, and what to say of them."""

TOO_FEW_ROWS = "where all rows differ by the same, or only a few differ"
"""Why a pair of models has none: resamples would not tell what other rows would be."""

TOO_FEW_FOR_MEDIANS = f"of medians of fewer than {MIN_ROWS_FOR_LEVEL}"
"""Why few rows, clusters or blocks have none: as a median takes few values, the errors of resamples are too small."""

NOT_ALL_FINITE = "where values are not finite"

NOT_OF_ROWS = "of differences of one number for all rows"
"""Why dataset-wide losses have none."""
