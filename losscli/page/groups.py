"""The table of groups, and what the verdict needs of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from losscli.page.content import GroupLine
from losscli.page.verdict import GroupFacts
from losscli.results import LossResult


def group_facts(groups: Sequence[LossResult], label: str) -> list[GroupFacts]:
    """Return what the verdict needs of each group under a loss."""
    facts = []
    for result in groups:
        if result.label == label:
            low, high = (None, None) if result.ci is None else (result.ci.low, result.ci.high)
            name = ", ".join(value or "(empty)" for value in (result.group or {}).values())
            facts.append(GroupFacts(name, result.value, result.n, result.summary.weight_sum, low, high))
    return facts


def group_lines(groups: Sequence[LossResult], labels: Sequence[str], sorted_by: str) -> list[GroupLine]:
    """Return the groups with the values of the losses, the worst by one of them first."""
    by_group: dict[tuple[str, ...], dict[str, LossResult]] = {}
    for result in groups:
        by_group.setdefault(tuple((result.group or {}).values()), {})[result.label] = result
    lines = [
        GroupLine(
            group,
            max(result.n for result in found.values()),
            tuple(found[name].value if name in found else None for name in labels),
        )
        for group, found in by_group.items()
    ]
    place = list(labels).index(sorted_by)

    def from_worst(line: GroupLine) -> float:
        value = line.values[place]
        return math.inf if value is None else -math.inf if math.isnan(value) else -value

    return sorted(lines, key=from_worst)
