"""How values are resampled, and the interval that comes of it, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from losscli.errors import UsageError
from losscli.messages import Hint, in_units
from losscli.statistics.tails import TailSums

DEFAULT_LEVEL = 0.95
"""The level of the intervals of differences and pictures, if no other is asked for."""

CI_METHODS = ("auto", "studentized", "bca", "percentile", "poisson")

DEFAULT_RESAMPLES, FEWER_RESAMPLES = 9999, 1000
"""More resamples make the ends of an interval less random, and cost time."""

MAX_ROWS_FOR_DEFAULT_RESAMPLES = 10_000
"""Of more rows FEWER_RESAMPLES are enough."""

MAX_RESAMPLES = 1_000_000

MIN_ROWS_FOR_LEVEL = 10
"""Rows below which no method keeps its level: the 95 % intervals of 5 lognormal losses hold the mean in 89 % of samples
(studentized), 74 % (bca) or 72 % (percentile)."""

MIN_UNITS = 5
"""Clusters or blocks below which there is no interval: of so few some resamples draw one alone, and have no spread."""
HEAVY_TAIL_WARNING = "the interval is too short and lies too low, as few rows carry the value; ci_high is optimistic"
"""What `ConfidenceInterval.warning` says where `TailSums.is_heavy`."""

FEW_ROWS_WARNING = f"with fewer than {MIN_ROWS_FOR_LEVEL} rows no interval keeps its level"

FEW_UNITS_WARNINGS = {
    "clusters": "{} clusters are too few: no interval keeps its level; use more clusters, or smaller ones",
    "blocks": "{} blocks are too few: no interval keeps its level; use shorter blocks, or more rows",
}

AUTO = "auto"
"""The length of blocks that is found from the data."""


class Resampling(NamedTuple):
    """The level of an interval, in (0, 1), and how to find it; `method` is one of CI_METHODS.

    `cluster` is the column whose values are resampled whole, with all their rows; `block` how many consecutive rows
    are, or `auto`. Without either, rows are.
    """

    level: float
    resamples: int | None = None
    seed: int = 0
    method: str = "auto"
    cluster: str | None = None
    block: int | str | None = None

    @property
    def resamples_units(self) -> bool:
        """Whether something else than rows is resampled whole: clusters or blocks."""
        return self.cluster is not None or self.block is not None

    @property
    def tails(self) -> tuple[float, float]:
        """The probabilities at which the interval ends."""
        return (1 - self.level) / 2, (1 + self.level) / 2

    def n_resamples_in_memory(self, n: int) -> int:
        """Return how often n rows in memory are resampled."""
        return self.resamples or max(
            DEFAULT_RESAMPLES if n <= MAX_ROWS_FOR_DEFAULT_RESAMPLES else FEWER_RESAMPLES, min_resamples(self.level)
        )

    def to_dict(self, methods: Iterable[str | None], resamples: int) -> dict[str, Any]:
        """Return how intervals were found, for JSON.

        Args:
            methods: The method of each interval, None where there is none. One is named, None if there are several.
            resamples: How often rows were resampled; 0 if none were.
        """
        found = {method for method in methods if method is not None}
        chosen = {"cluster": self.cluster, "block": self.block}
        return {
            "level": self.level,
            "method": found.pop() if len(found) == 1 else None,
            "resamples": resamples or None,
            "seed": self.seed,
            **{name: value for name, value in chosen.items() if value is not None},
        }

    @property
    def n_resamples_streaming(self) -> int:
        """How often streaming rows are resampled, whose number is not known yet."""
        return self.resamples or max(FEWER_RESAMPLES, min_resamples(self.level))


FIELDS_LEFT_OUT = ("why", "cluster", "block", "units", "warning", "effective_n")
"""Fields of an interval that JSON has only where they say something."""


class ConfidenceInterval(NamedTuple):
    """A confidence interval [low, high] of a value.

    `method` is how it was found. Without an interval `low`, `high` and `method` are None, and `why` gives the reason.
    It also gives the reason for another method than the one asked for, and warnings. `cluster` is the column or `block`
    the length of what was resampled whole, if not rows, and `units` how many of these a resample has. `warning` says
    that few rows carry the value, about `effective_n` of them, and that the interval does not keep its level.
    """

    low: float | None
    high: float | None
    level: float
    method: str | None
    resamples: int
    seed: int
    why: str = ""
    cluster: str | None = None
    block: int | None = None
    units: int | None = None
    warning: str = ""
    effective_n: float | None = None

    @classmethod
    def none(cls, asked: Resampling, why: str) -> ConfidenceInterval:
        """Return the absence of an interval, with its reason."""
        return cls(None, None, asked.level, None, 0, asked.seed, f"no interval: {why}")

    def map_endpoints(self, function: Callable[[float], float]) -> ConfidenceInterval:
        """Return the interval of an increasing function of the value."""
        if self.low is None or self.high is None:
            return self
        low, high = function(self.low), function(self.high)
        if not (math.isfinite(low) and math.isfinite(high)):
            return self._replace(low=None, high=None, method=None, why="no interval: its ends are too large")
        return self._replace(low=low, high=high)

    def of_units(self, asked: Resampling, block: int | None, units: int) -> ConfidenceInterval:
        """Return the interval with what was resampled, and a warning where these are too few to trust it."""
        found, what = self, "rows"
        if asked.cluster is not None or block is not None:
            found = self._replace(cluster=asked.cluster, block=block, units=units)
            what = "blocks" if asked.cluster is None else "clusters"
        if units >= MIN_ROWS_FOR_LEVEL or self.method is None:
            return found
        return found.warned(FEW_ROWS_WARNING if what == "rows" else FEW_UNITS_WARNINGS[what].format(units))

    def warned(self, warning: str) -> ConfidenceInterval:
        """Return the interval with a warning."""
        return self._replace(why=f"{self.why}; {warning}" if self.why else f"{self.method} interval: {warning}")

    def with_tail_warning(self, tail: TailSums, n: int) -> ConfidenceInterval:
        """Return the interval of a value over n rows, with a warning where few of them carry it."""
        if self.method is None or not tail.is_heavy(n):
            return self
        return self._replace(warning=HEAVY_TAIL_WARNING, effective_n=tail.effective_n)

    def in_units(self, unit: str) -> ConfidenceInterval:
        """Return the interval with words on samples that are `row` or `query`."""
        return self._replace(why=in_units(self.why, unit), warning=in_units(self.warning, unit))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the JSON output."""
        return {key: value for key, value in self._asdict().items() if key not in FIELDS_LEFT_OUT or value}


class Resampled(Protocol):
    """An interval or several: what it resamples if not rows."""

    @property
    def cluster(self) -> str | None: ...
    @property
    def block(self) -> int | None: ...
    @property
    def units(self) -> int | None: ...


def resampled_text(intervals: Sequence[Resampled], unit: str = "row") -> str:
    """Return what intervals resample, if not rows: ` of 20 clusters (patient)`, ` of blocks of 6 to 12 rows`."""
    found = [interval for interval in intervals if interval.units is not None]
    if not found:
        return ""
    if found[0].cluster is not None:
        return f" of {_range_text([each.units or 0 for each in found])} clusters ({found[0].cluster})"
    lengths = _range_text([each.block or 0 for each in found])
    return in_units(f" of blocks of {lengths} row{'' if lengths == '1' else 's'}", unit)


def _range_text(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def min_resamples(level: float) -> int:
    """Return the least resamples for a level: with fewer, the ends would lie beyond the outermost; 39 for 0.95."""
    return math.ceil(2 / (1 - level) * (1 - 1e-9)) - 1


def parse_resampling(
    level: Any, resamples: Any = None, seed: Any = None, method: Any = None, cluster: Any = None, block: Any = None
) -> Resampling | None:
    """Check the options of an interval; return None without a level.

    Raises:
        UsageError: A number is out of range, a method is unknown, or an option needs a level.
    """
    if level is None:
        given = {"resamples": resamples, "seed": seed, "ci_method": method, "cluster": cluster, "block": block}
        check_no_draws(given)
        return None
    if not _is_real(level) or not 0 < level < 1:
        hint = f"; {level:g} % is {level / 100:g}" if _is_real(level) and 1 <= level < 100 else ", as 0.95"
        raise UsageError(f"a level is a number above 0 and below 1{hint}", option=("ci", level))
    level = float(level)
    least = min_resamples(level)
    if least > MAX_RESAMPLES:
        raise UsageError(
            f"is too near to 1: it needs more than {MAX_RESAMPLES} resamples, the limit; 0.999 needs fewer",
            option=("ci", level),
        )
    if method is not None and method not in CI_METHODS:
        raise UsageError(f"must be one of {', '.join(CI_METHODS)}", option=("ci_method", method))
    purpose = f" for a level of {level:g}"
    return Resampling(
        level,
        None if resamples is None else _parse_whole("resamples", resamples, least, MAX_RESAMPLES, purpose),
        0 if seed is None else _parse_whole("seed", seed, 0, 2**64 - 1),
        "auto" if method is None else str(method),
        *_parse_units(cluster, block),
    )


def _parse_units(cluster: Any, block: Any) -> tuple[str | None, int | str | None]:
    """Return the column of clusters and the length of blocks; check that only one of them is given."""
    if cluster is not None and (not isinstance(cluster, str) or not cluster.strip()):
        raise UsageError("is the name of a column", option=("cluster", cluster))
    if block is None:
        return cluster, None
    if cluster is not None:
        raise UsageError("rows are resampled by clusters or by blocks: leave one out", option=("block", block))
    if block != AUTO and (not _is_real(block) or block < 1 or block != int(block)):
        raise UsageError(f"must be a whole number of rows, at least 1, or {AUTO}", option=("block", block))
    return None, block if block == AUTO else int(block)


def check_no_draws(given: Mapping[str, Any], more: str = "") -> None:
    """Raise a UsageError that names an option of how rows are drawn, for none are; `more` says what else draws."""
    stray = next((name for name, value in given.items() if value is not None), None)
    if stray:
        raise UsageError(f"needs an interval{more}", Hint.ADD_INTERVAL, option=(stray, ""))


def _parse_whole(name: str, value: Any, least: int, most: int, purpose: str = "") -> int:
    if not _is_real(value) or not least <= value <= most or value != int(value):
        raise UsageError(f"must be a whole number from {least} to {most}{purpose}", option=(name, value))
    return int(value)


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
