"""What is asked of a bootstrap, and what it answers: an interval, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from losscli.errors import UsageError

CHOICES = ("auto", "studentized", "bca", "percentile", "poisson")

RESAMPLES, FEWER = 9999, 1000
"""How often rows are resampled unless it is said: more often makes the ends of an interval less random, and costs."""

MANY = 10_000
"""Rows from which on FEWER resamples do."""

MOST = 1_000_000

FEW = 10
"""Rows below which no method keeps its level: the 95 % intervals of 5 lognormal losses hold the mean in 89 % of samples
(studentized), 74 % (bca) or 72 % (percentile)."""

SCARCE = f"of fewer than {FEW} rows no interval keeps its level"


class Resampling(NamedTuple):
    """What was asked for: `level` in (0, 1), and how it is found. `method` is one of CHOICES."""

    level: float
    resamples: int | None = None
    seed: int = 0
    method: str = "auto"

    @property
    def tails(self) -> tuple[float, float]:
        """The probabilities at which the interval ends."""
        return (1 - self.level) / 2, (1 + self.level) / 2

    def n_resamples_in_memory(self, n: int) -> int:
        """How often n rows are resampled that are held at once."""
        return self.resamples or max(RESAMPLES if n <= MANY else FEWER, fewest(self.level))

    @property
    def n_resamples_streaming(self) -> int:
        """How often rows are resampled that stream by, before it is known how many there are."""
        return self.resamples or max(FEWER, fewest(self.level))


class ConfidenceInterval(NamedTuple):
    """A confidence interval [low, high] of a value.

    `method` is how it was found. Where it could only be a false one, `low`, `high` and `method` are None, and `why`
    says why; it also says why the method is another than was asked for, or what else should be known.
    """

    low: float | None
    high: float | None
    level: float
    method: str | None
    resamples: int
    seed: int
    why: str = ""

    @classmethod
    def none(cls, asked: Resampling, why: str) -> ConfidenceInterval:
        """There is no interval."""
        return cls(None, None, asked.level, None, 0, asked.seed, f"no interval: {why}")

    def map_endpoints(self, function: Callable[[float], float]) -> ConfidenceInterval:
        """The interval of an increasing function of the value."""
        if self.low is None or self.high is None:
            return self
        low, high = function(self.low), function(self.high)
        if not (math.isfinite(low) and math.isfinite(high)):
            return self._replace(low=None, high=None, method=None, why="no interval: its ends are too large")
        return self._replace(low=low, high=high)

    def with_small_n_warning(self, n: int) -> ConfidenceInterval:
        """The interval, with a warning where n rows are too few to trust it."""
        if n >= FEW or self.method is None:
            return self
        return self._replace(why=f"{self.why}; {SCARCE}" if self.why else f"{self.method} interval: {SCARCE}")

    def to_dict(self) -> dict[str, Any]:
        """The interval as JSON has it."""
        return {key: value for key, value in self._asdict().items() if key != "why" or value}


def fewest(level: float) -> int:
    """Resamples without which an interval would reach beyond the last of them: 39 for a level of 0.95."""
    return math.ceil(2 / (1 - level) * (1 - 1e-9)) - 1


def parse_resampling(level: Any, resamples: Any = None, seed: Any = None, method: Any = None) -> Resampling | None:
    """What was asked for; nothing where there is no level.

    Raises:
        UsageError: a number out of range, an unknown method, or a setting without a level.
    """
    given = {"--resamples": resamples, "--seed": seed, "--ci-method": method}
    if level is None:
        stray = next((name for name, value in given.items() if value is not None), None)
        if stray:
            raise UsageError(f"{stray}: there is no interval to find; --ci 0.95 asks for one")
        return None
    level = _level(level)
    least = fewest(level)
    return Resampling(
        level,
        None if resamples is None else _whole("--resamples", resamples, least, MOST, f" for a level of {level:g}"),
        0 if seed is None else _whole("--seed", seed, 0, 2**64 - 1),
        "auto" if method is None else _method(method),
    )


def _level(value: Any) -> float:
    if not _is_number(value) or not 0 < value < 1:
        hint = f"; {value:g} % is {value / 100:g}" if _is_number(value) and 1 <= value < 100 else ", as 0.95"
        raise UsageError(f"--ci {value}: a level is a number above 0 and below 1{hint}")
    if fewest(value) > MOST:
        raise UsageError(f"--ci {value}: so near to 1 takes more than the {MOST} resamples there can be; 0.999 is less")
    return float(value)


def _whole(name: str, value: Any, least: int, most: int, purpose: str = "") -> int:
    if not _is_number(value) or not least <= value <= most or value != int(value):
        raise UsageError(f"{name} {value}: must be a whole number from {least} to {most}{purpose}")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _method(value: Any) -> str:
    if value not in CHOICES:
        raise UsageError(f"--ci-method {value}: must be one of {', '.join(CHOICES)}")
    return str(value)
