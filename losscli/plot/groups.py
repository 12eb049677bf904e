"""The picture of the losses of groups: a dot with its interval for each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from losscli.errors import DataError
from losscli.messages import join_names
from losscli.plot.kinds import PictureRecipe, Request
from losscli.plot.pictures import Axis, IntervalMark, Mark, Panel, Picture, Rule
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text, rows_text, short_name
from losscli.results import Evaluation, LossResult, results_by_group, results_of
from losscli.statistics.bootstrap.options import MIN_ROWS_FOR_LEVEL
from losscli.tail_notes import tail_notes

MAX_GROUPS_SHOWN = 30
"""Most groups of a panel: of more, those with the largest and the smallest values."""

MAX_NAMES_IN_REMARK = 3


class GroupRows(NamedTuple):
    """The groups that are shown, in their order, with the results of each by loss; and what to say of the others."""

    shown: Mapping[str, Mapping[str, LossResult]]
    remarks: tuple[str, ...]


def groups_picture(request: Request) -> Picture:
    """Return the picture of the losses of groups, a panel for each loss; groups are sorted by the first loss.

    Raises:
        DataError: No group has a finite value.
    """
    evaluation = results_by_group(request.dataset, request.run)
    overall = {result.label: result.value for result in results_of(request.dataset, request.run)}
    return picture_of_groups(evaluation, overall, request.resampling.level, request.run.group_by)


def picture_of_groups(
    evaluation: Evaluation, overall: Mapping[str, float], level: float | None, group_by: Sequence[str]
) -> Picture:
    """Return the picture of the results of groups; `overall` are the values over all rows, NaN if they are not known.

    Raises:
        DataError: No group has a finite value.
    """
    labels = list(overall)
    rows = choose_groups(evaluation.losses, labels[0])
    interval = "" if level is None else f", {human_percent(level, 3)} interval"
    names = ", ".join(group_by)
    title = f"{join_names(labels)} by {names}{interval}"
    titles = [title] if len(labels) == 1 else [f"{label}{interval}" for label in labels]
    hidden = {label: overlong_intervals(label, rows.shown) for label in labels}
    panels = tuple(
        group_panel(label, its_title, rows, overall[label], hidden[label])
        for label, its_title in zip(labels, titles, strict=True)
    )
    shown = [result for its in rows.shown.values() for result in its.values()]
    remarks = [*rows.remarks, *group_interval_remarks(rows.shown), *(note.problem for note in tail_notes(shown))]
    if unseen := sorted(set().union(*hidden.values())):
        names_of = shorten_list(unseen, "groups")
        remarks.append(f"not drawn: intervals of {names_of}, of few rows and longer than all others together")
    without = sorted({", ".join(group for _, group in key[1]) for key in evaluation.without_rows})
    if without:
        remarks.append(f"no row counts of {shorten_list(without, 'groups')}")
    by_label = {
        label: {name: results[label] for name, results in rows.shown.items() if label in results} for label in labels
    }
    facts = {
        "level": level,
        "overall": overall,
        "groups": {label: {name: group_fact(one) for name, one in its.items()} for label, its in by_label.items()},
        "n_groups": len(group_names(evaluation.losses)),
    }
    text = groups_sentence(labels[0], by_label[labels[0]], overall[labels[0]])
    intervals = evaluation.intervals.get("intervals", {})
    drawn = "groups", title, panels, text, tuple(labels), facts, evaluation.data
    return Picture(*drawn, remarks=tuple(remarks), intervals=intervals)


def group_names(results: Sequence[LossResult]) -> dict[tuple[str, ...], str]:
    """Return the names of groups by their values: these, in quotes where two groups would have one name."""
    keys = dict.fromkeys(tuple((result.group or {}).values()) for result in results)
    plain = {key: ", ".join(value or "(empty)" for value in key) for key in keys}
    counts = Counter(plain.values())
    return {key: ", ".join(map(repr, key)) if counts[name] > 1 else name for key, name in plain.items()}


def choose_groups(results: Sequence[LossResult], first: str) -> GroupRows:
    """Return the groups by the value of the first loss, the largest first; of many, those at both ends."""
    groups: dict[str, dict[str, LossResult]] = {}
    names = group_names(results)
    for result in results:
        groups.setdefault(names[tuple((result.group or {}).values())], {})[result.label] = result
    lacking = [name for name, its in groups.items() if not all(math.isfinite(one.value) for one in its.values())]
    finite = {name: its for name, its in groups.items() if first in its and name not in lacking}
    if not finite:
        raise DataError("no group has a finite value")
    remarks = [f"not a finite number: {shorten_list(lacking, 'groups')}"] if lacking else []
    ordered = sorted(finite, key=lambda name: -finite[name][first].value)
    left_out = len(ordered) - MAX_GROUPS_SHOWN
    if left_out > 0:
        half = MAX_GROUPS_SHOWN // 2
        ordered = ordered[:half] + ordered[-half:]
        remarks.append(
            f"{count_text(left_out)} groups between the {half} largest and the {half} smallest are not shown"
        )
    return GroupRows({name: finite[name] for name in ordered}, tuple(remarks))


def overlong_intervals(label: str, shown: Mapping[str, Mapping[str, LossResult]]) -> set[str]:
    """Return the groups whose intervals keep no level, of few rows, and would make all others look like points."""
    results = {name: its[label] for name, its in shown.items() if label in its}
    is_small = {name: result.n < MIN_ROWS_FOR_LEVEL for name, result in results.items()}
    ends = [result.value for result in results.values()]
    for name, result in results.items():
        if not is_small[name] and result.ci is not None:
            ends += [end for end in (result.ci.low, result.ci.high) if end is not None]
    span = max(ends, default=0.0) - min(ends, default=0.0)
    return {
        name
        for name, result in results.items()
        if is_small[name] and span > 0 and result.ci is not None and interval_length(result) > span
    }


def interval_length(result: LossResult) -> float:
    """Return the length of an interval, 0 without one."""
    ci = result.ci
    return 0.0 if ci is None or ci.low is None or ci.high is None else ci.high - ci.low


def group_panel(label: str, title: str, rows: GroupRows, overall: float, hidden: Collection[str]) -> Panel:
    """Return the panel of a loss; the intervals of the groups that are `hidden` are only printed."""
    marks: list[Mark] = []
    if math.isfinite(overall):
        marks.append(Rule(f"all rows: {human_number(overall)}", x=overall))
    ends = [overall] if math.isfinite(overall) else []
    categories = []
    for i, (name, results) in enumerate(rows.shown.items()):
        result = results.get(label)
        shown = short_name(name)
        categories.append(shown if result is None else f"{shown}, {rows_text(result.n)}")
        if result is None:
            continue
        low, high = (None, None) if result.ci is None or name in hidden else (result.ci.low, result.ci.high)
        marks.append(IntervalMark(name, i, result.value, low, high, result_text(result)))
        ends += [end for end in (result.value, low, high) if end is not None]
    least, most = min(ends), max(ends)
    room = 0.05 * (most - least) or 0.05 * abs(most) or 1.0
    return Panel(
        title,
        Axis(label, least - room, most + room),
        Axis("", -0.5, len(categories) - 0.5, categories=tuple(categories)),
        tuple(marks),
        height=max(1.0, len(categories) / 8),
    )


def group_interval_remarks(shown: Mapping[str, Mapping[str, LossResult]]) -> list[str]:
    """Say which groups have no interval, or another than asked for, and why."""
    reasons: dict[str, list[str]] = {}
    for name, results in shown.items():
        for result in results.values():
            if result.ci is not None and result.ci.why:
                names = reasons.setdefault(result.ci.why, [])
                if name not in names:
                    names.append(name)
    return [f"{shorten_list(names, 'groups')}: {why}" for why, names in reasons.items()]


def shorten_list(names: Sequence[str], what: str) -> str:
    """Return some names, and how many there are if that is not all."""
    if len(names) <= MAX_NAMES_IN_REMARK:
        return join_names(list(map(short_name, names)))
    return f"{count_text(len(names))} {what} ({', '.join(map(short_name, names[:MAX_NAMES_IN_REMARK]))}, ...)"


def group_fact(result: LossResult) -> dict[str, Any]:
    """Return the numbers of a group."""
    ci = result.ci
    return {
        "value": result.value,
        "n": result.n,
        "low": None if ci is None else ci.low,
        "high": None if ci is None else ci.high,
    }


def result_text(result: LossResult) -> str:
    """Return a value with its interval."""
    ci = result.ci
    if ci is None or ci.low is None or ci.high is None:
        return human_number(result.value)
    return f"{human_number(result.value)} [{human_number(ci.low)}, {human_number(ci.high)}]"


def groups_sentence(label: str, results: Mapping[str, LossResult], overall: float) -> str:
    """Say which group has the largest value, and which the smallest."""
    names = list(results)
    first, last = names[0], names[-1]
    largest, smallest = short_name(first), short_name(last)
    if len(names) == 1:
        return f"there is 1 group: {label} is {result_text(results[first])} for {largest}"
    if results[first].value == results[last].value:
        return f"{label} is the same for all groups, {human_number(results[first].value)}"
    over_all = f"; over all rows it is {human_number(overall)}" if math.isfinite(overall) else ""
    return (
        f"{label} is largest for {largest}, {result_text(results[first])}, and smallest for {smallest}, "
        f"{result_text(results[last])}{over_all}"
    )


KIND = PictureRecipe(lambda request: (), groups_picture)
