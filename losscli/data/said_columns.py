"""What names of columns say of predicted quantiles: `q0.9`, `p90`, `lower_95`, `ets-lo-80`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from losscli.data.labels import Endings
from losscli.data.role_columns import RoleColumns
from losscli.data.role_names import usual_names
from losscli.data.table import Table
from losscli.declaration.domains import Domain
from losscli.declaration.domains.levels import ALPHA, LEVEL_TOLERANCE, TAUS, TIMES, IntervalEnd, QuantileRows
from losscli.errors import DataError
from losscli.messages import Hint

_QUANTILE = r"(?:q|p|quantiles?|percentiles?|pctl|pct|perc|tau)"
_FORECAST = r"(?:y|y_?pred[a-z]*|pred[a-z]*|y_?hat|forecast[a-z]*)"
_LEVEL_NUMBER = r"0?\.\d+|0_\d+|0\d\d|[2-9]\d[05]|\d{1,2}(?:\.\d+)?"
_LEVEL = rf"(?i)(?:{_FORECAST}[_\-. ]?)?({_QUANTILE})?[_\-. (\[]*({_LEVEL_NUMBER})(%|th)?[)\]]?"
_LEVEL += rf"(?:[_\-. ]{_QUANTILE})?"
NAME_OF_END = r"(?i)(?P<start>.*?)(?P<end>lower|lwr|lo|lb|upper|upr|hi|ub)"
LEVEL_OF_END = r"(?:[_\-. ]?(?:bound|limit|[cp]i|interval|quantile))?"
LEVEL_OF_END += r"(?:[_\-. ]?(?P<level>\d{2}(?:\.\d+)?|0?\.\d+)%?)?"


_MEDIAN = r"(?i)(?:.*[_\-. ])?median"
_SURVIVAL = r"(?:s|s_?hat|p_?surv(?:ival)?|prob_?surv(?:ival)?|surv(?:ival)?)[_\-. (\[]*(?:t|at|time)?[_= ]?"
_TIME = rf"(?i)(?:{_SURVIVAL}(\d+(?:\.\d+)?)[)\]]?|(\d+(?:\.\d+)?))"


class PredictedQuantile(NamedTuple):
    """A column of predicted quantiles; the level of an end of an interval may be unknown until data is seen."""

    column: str
    level: float | None
    end: str = ""


def level_in_name(name: str) -> float | None:
    """Return the level of the quantile that a column's name says: `q0.1`, `p10`, `quantile_0.1`, `0.1`, `10%`."""
    if re.fullmatch(_MEDIAN, name.strip()):
        return 0.5
    found = re.fullmatch(_LEVEL, name.strip())
    if found is None:
        return None
    word, number, percent_sign = found.groups()
    if number.startswith(("0.", ".", "0_")) and not percent_sign:
        level = float(number.replace("_", "."))
        return level if 0 < level < 1 and (word or "." in number) else None
    level = round(float(number) / (1000 if len(number) == 3 and number.isdigit() else 100), 6)
    return level if (word or percent_sign or "percentile" in name.lower()) and 0 < level < 1 else None


def find_quantiles(names: Iterable[str]) -> tuple[PredictedQuantile, ...]:
    """Return the columns of quantiles, and the ends of intervals, among names; by level where it is known."""
    names = list(names)
    levels = {name: level for name in names if (level := level_in_name(name)) is not None}
    if {0.01, 0.02, 0.03} <= {*levels.values()} and len(levels) < 99:
        levels = {}  # q1, q2, q3 and p0 to p15 are no percentages
    found = [PredictedQuantile(name, level) for name, level in levels.items()]
    ends: dict[tuple[str, str], dict[bool, str]] = {}
    for name in names:
        match = re.fullmatch(NAME_OF_END + LEVEL_OF_END, name.strip())
        if match is None or name in levels or re.match(r"(?i)mean[_\-. ]", name):  # of an expectation, not of targets
            continue
        is_bare = match["end"].lower() in ("lo", "hi", "lb", "ub") and not match["level"]
        starts_word = not match["start"] or not match["start"][-1].isalnum()
        if starts_word and not (is_bare and not match["start"]):
            is_upper = match["end"].lower() in ("upper", "upr", "hi", "ub")
            ends.setdefault((match["start"].lower(), match["level"] or ""), {})[is_upper] = name
    for (_, text), pair in ends.items():
        if len(pair) == 2:
            share = float(text) / (100 if float(text) >= 1 else 1) if text else None
            tails = (None, None) if share is None else (round((1 - share) / 2, 6), round((1 + share) / 2, 6))
            found += [
                PredictedQuantile(pair[False], tails[0], "lower"),
                PredictedQuantile(pair[True], tails[1], "upper"),
            ]
    return tuple(sorted(found, key=lambda q: q.level if q.level is not None else 0.25 if q.end == "lower" else 0.75))


def find_level_columns(role: str, domain: Domain, table: Table, names: Sequence[str]) -> RoleColumns | None:
    """Return the columns that a role of quantiles, or of an end of an interval, has by their names, or None.

    Args:
        role: The role.
        domain: What it may hold.
        table: The table.
        names: The columns that may be the role's.

    Raises:
        DataError: Two columns are of one level.
    """
    found = find_quantiles(names)
    if isinstance(domain, IntervalEnd):
        is_named = any(name.lower() in usual_names(role) for name in names)
        of_end = [q.column for q in found if q.end == domain.end and _leaves_out(q, domain.outside)]
        several = [] if is_named else [of_end]
    elif isinstance(domain, QuantileRows):
        known = [(quantile, quantile.level) for quantile in found if quantile.level is not None]
        plain = [pair for pair in known if not pair[0].end]
        chosen = plain if len(plain) > 1 else known
        levels = dict.fromkeys(level for _, level in chosen) if domain.levels is None else domain.levels
        several = [[q.column for q, level in chosen if abs(level - wanted) <= LEVEL_TOLERANCE] for wanted in levels]
    elif domain.said_by_names == TIMES:
        times = {name: time for name in names if (time := time_in_name(name)) is not None and not name[0].isdigit()}
        chosen_times = sorted(times, key=lambda name: times[name])
        several = [[name] for name in chosen_times] if len(times) > 1 else []
    else:
        return None
    if not several or not all(several):
        return None
    twice = next((columns for columns in several if len(columns) > 1), None)
    if twice is not None:
        problem = f"{table.label}columns {twice[0]!r} and {twice[1]!r} could both be {role}"
        raise DataError(problem, Hint.CHOOSE_COLUMN, role=role)
    chosen_names = tuple(columns[0] for columns in several)
    columns = tuple(column for name in chosen_names if (column := table.column(name)) is not None)
    return RoleColumns(role, table, columns, Endings(chosen_names))


def _leaves_out(quantile: PredictedQuantile, outside: float | None) -> bool:
    """Tell whether the interval of an end leaves out this share; one that is not known may be any."""
    if outside is None or quantile.level is None:
        return True
    return abs(2 * min(quantile.level, 1 - quantile.level) - outside) <= LEVEL_TOLERANCE


def said_levels(names: Sequence[str]) -> tuple[float, ...] | None:
    """Return the levels that names of columns say, in their order; None unless all do."""
    said = {quantile.column: quantile.level for quantile in find_quantiles(names)}
    levels = [level for name in names if (level := said.get(name)) is not None]
    return tuple(levels) if len(levels) == len(names) and len(set(levels)) == len(levels) else None


def time_in_name(name: str) -> float | None:
    """Return the time that the name of a column of survival probabilities says: `surv_12`, `S(12)`, `12`."""
    found = re.fullmatch(_TIME, name.strip())
    return None if found is None else float(found[1] or found[2])


def said_times(names: Sequence[str]) -> tuple[float, ...] | None:
    """Return the times that names of columns say, in their order; None unless all do, or if one is 0."""
    times = [time for name in names if (time := time_in_name(name))]
    return tuple(times) if len(times) == len(names) and len(set(times)) == len(times) else None


def said_parameters(domains: Mapping[str, Domain], columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what the names of columns say of the parameters of a loss: its `taus`, `times`, or `alpha` of an interval.

    Args:
        domains: Role -> domain of a form of the loss.
        columns: Role -> names of its columns.
    """
    of_levels = [name for role, d in domains.items() if d.said_by_names == TAUS for name in columns.get(role, ())]
    of_ends = [name for role, d in domains.items() if d.said_by_names == ALPHA for name in columns.get(role, ())]
    taus, ends = said_levels(of_levels) if of_levels else None, said_levels(of_ends) if len(of_ends) == 2 else None
    found: dict[str, Any] = {} if taus is None else {TAUS: taus}
    of_times = [name for role, d in domains.items() if d.said_by_names == TIMES for name in columns.get(role, ())]
    if len(of_times) > 1 and (times := said_times(of_times)) is not None:
        found[TIMES] = times
    if ends is not None and ends[0] < ends[1] and abs(ends[0] + ends[1] - 1) <= LEVEL_TOLERANCE:
        found[ALPHA] = round(2 * ends[0], 6)
    return found
