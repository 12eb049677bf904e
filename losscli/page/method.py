"""How the page was computed: what to type to have it again, of what data, and what was estimated."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import numpy as np

from losscli.page.content import MethodFact
from losscli.page.findings import MAX_GROUPS_RESAMPLED, Findings
from losscli.page.intervals import NORMAL
from losscli.plot.words import count_text, rows_text
from losscli.statistics.bootstrap.options import resampled_text
from losscli.tail_notes import tail_notes
from losscli.version import __version__

MAX_PATHS = 10
"""Most files that are named; more may be given for groups of a file each."""


def method_facts(findings: Findings, command: str) -> Iterator[MethodFact]:
    """Yield how the page was computed; `command` is what was typed, empty if nothing was."""
    data = findings.evaluation.data
    if command:
        yield MethodFact("Command", [command], True)
    rows = rows_text(data.n)
    if data.n_omitted:
        rows += f", of which {count_text(data.n_omitted)} lack a value and were left out"
    weight = findings.dataset.bound.get("weight")
    if weight is not None:
        rows += f", weighted by {weight.columns[0].name}"
    paths = [f"{path} ({data.format})" for path in data.paths[:MAX_PATHS]]
    if len(data.paths) > MAX_PATHS:
        paths.append(f"and {count_text(len(data.paths) - MAX_PATHS)} more")
    yield MethodFact("Data", [*paths, rows])
    yield MethodFact("Signatures", [result.signature for result in findings.evaluation if result.group is None], True)
    yield MethodFact("Outlier rows", [findings.rule])
    yield MethodFact("Intervals", list(describe_intervals(findings)))
    if not findings.is_exact and findings.sample is not None:
        sampled = f"{count_text(len(findings.sample.batch))} of {rows_text(findings.sample.n)}"
        yield MethodFact(
            "Estimated (≈)",
            [
                f"skill and calibration (inflation, pull and stress, where not by residuals): on {sampled}, drawn at "
                "random and weighted, the most extreme rows in any case",
                "inflation, pull and stress by residuals, the worst 1\u00a0%: from sums of rows in buckets of "
                "0.1\u00a0%",
            ],
        )
    versions = [f"losscli {__version__}", f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    import matplotlib

    yield MethodFact("Versions", [", ".join([*versions, f"matplotlib {matplotlib.__version__}"])])


def describe_intervals(findings: Findings) -> Iterator[str]:
    """Yield how intervals were found, and why some are missing."""
    level = f"{100 * findings.level:g}\u00a0%"
    found = {result.label: result.ci for result in findings.evaluation if result.group is None}
    methods: dict[str, list[str]] = {}
    for label, ci in found.items():
        if ci is None:
            methods.setdefault("none", []).append(label)
        elif ci.method == NORMAL:
            methods.setdefault(f"{level} by the normal distribution (of medians by order statistics)", []).append(label)
        elif ci.method is not None:
            how = f"{ci.resamples} resamples, seed {ci.seed}" if ci.resamples else "in closed form"
            drawn = resampled_text([ci], findings.unit)
            methods.setdefault(f"{level} by a {ci.method} bootstrap{drawn}, {how}", []).append(label)
        if ci is not None and ci.why:
            yield f"{label}: {ci.why}"
    yield from (note.problem for note in tail_notes(findings.evaluation.losses))
    for method, labels in methods.items():
        yield method if len(methods) == 1 else f"{method}: {', '.join(labels)}"
    if len(findings.run.group_places) > MAX_GROUPS_RESAMPLED:
        yield f"of groups by the normal distribution: there are more than {MAX_GROUPS_RESAMPLED}"
