"""What is asked of a comparison, checked once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NamedTuple

from losscli.compare.outliers import OutlierRule, parse_outlier_rule
from losscli.compare.result import COMPARISON_COLUMNS, MODEL_COLUMNS
from losscli.errors import UsageError
from losscli.results import CI_COLUMNS
from losscli.statistics.minimizer import ROWS_PER_SAMPLE


class CompareOptions(NamedTuple):
    """What is asked of a comparison.

    `rule` flags outlier rows (None: `mad:3.5`, or `top:1%` where no loss depends on a residual); `sort` is a column,
    with a minus from the largest; `show` is how many outlier rows to list. Minima without a closed form are searched
    for on `rows_per_sample` rows.
    """

    rule: OutlierRule | None = None
    sort: str | None = None
    show: int = 0
    rows_per_sample: int = ROWS_PER_SAMPLE

    @classmethod
    def of(cls, rule: str | None, sort: str | None, show: int, intervals: bool) -> CompareOptions:
        """Return the options of texts; with `intervals` their ends are columns, too.

        Raises:
            UsageError: an unknown rule or column.
        """
        columns = ("loss", *COMPARISON_COLUMNS, *MODEL_COLUMNS, *(CI_COLUMNS if intervals else ()))
        column = (sort or "rank").removeprefix("-")
        if column not in columns:
            close = get_close_matches(column, columns, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"the columns are {', '.join(columns)}"
            raise UsageError(f"there is no column {column!r}; {advice}", option=("sort", str(sort)))
        return cls(parse_outlier_rule(rule) if rule else None, sort, show)
