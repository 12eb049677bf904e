"""Options of bootstrap intervals."""

from __future__ import annotations

from losscli.cli.command import SectionOption
from losscli.cli.options import NumberOrText
from losscli.cli.value_types import INTERVAL_METHOD, UNITS_OF_ROWS

INTERVAL_OPTIONS = [
    SectionOption(
        "Evaluation",
        "--ci",
        metavar="LEVEL",
        type=NumberOrText(),
        help="Add bootstrap confidence intervals, such as --ci 0.95.",
    ),
    SectionOption(
        "Evaluation",
        "--resamples",
        metavar="B",
        type=NumberOrText(),
        help="Number of resamples.  [default: 9999; 1000 for more than 10000 rows]",
    ),
    SectionOption(
        "Evaluation", "--seed", metavar="S", type=NumberOrText(), help="Seed of the resampling.  [default: 0]"
    ),
    SectionOption(
        "Evaluation",
        "--ci-method",
        type=INTERVAL_METHOD,
        help="studentized (default for means), bca, percentile (default for medians, the only one of dataset-wide "
        "losses) or poisson (for more than 65536 rows).",
    ),
    SectionOption(
        "Evaluation",
        "--cluster",
        type=UNITS_OF_ROWS,
        help="Resample the rows of one patient, video or day together: a column, or @file.",
    ),
    SectionOption(
        "Evaluation",
        "--block",
        metavar="N",
        type=NumberOrText(),
        help="Resample N consecutive rows of a time series together; auto finds N.",
    ),
]
