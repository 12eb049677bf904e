"""A summary in Markdown for the page of a CI job: gates, results, the worst rows, how they were computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.compare.subset import ADDITIVE_REDUCTIONS
from losscli.declaration.properties import Reduction
from losscli.evaluation.worst_rows import WorstRows
from losscli.gates import STATISTICS_OF_BASELINE, VALUE, Gate, GateVerdict
from losscli.messages import escape_controls
from losscli.page.gate_words import DIGITS, NOT_JUDGED, VerdictText, change_text, failed_gates, tally, verdict_text
from losscli.page.worst import worst_cells
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text, rows_text
from losscli.report.formats.html import escape_html
from losscli.report.formats.markdown import escape_markdown
from losscli.results import Evaluation, LossResult

if TYPE_CHECKING:
    from losscli.compare.result import ComparedLoss
    from losscli.data.dataset import Dataset
    from losscli.evaluation.run import RunState
    from losscli.evaluation.worst_rows import WorstRowsOfLoss
    from losscli.page.content import WorstTable

MAX_SUMMARY_ROWS = 50
"""Most rows of a table: a job page takes 1 MB, and few people read more."""

MAX_WORST_TABLES = 6
MAX_NOTES = 10
MAX_SIGNATURES = 20
BARS = "▁▂▃▄▅▆▇█"
BAR_STATISTICS = ("min", "median", "p95", "max")


class SummaryColumn(NamedTuple):
    """A column: its name, its alignment in Markdown, and its cells, escaped."""

    name: str
    align: str
    cells: Sequence[str]


def text_column(name: str, cells: Sequence[str]) -> SummaryColumn:
    """Return a column of text; the name is escaped here."""
    return SummaryColumn(escape_markdown(name), "---", cells)


def number_column(name: str, cells: Sequence[str]) -> SummaryColumn:
    """Return a column of numbers, to the right; the name is escaped here."""
    return SummaryColumn(escape_markdown(name), "---:", cells)


def ci_summary(
    evaluation: Evaluation,
    verdicts: Sequence[GateVerdict],
    compared: Sequence[ComparedLoss],
    worst: Iterable[str],
    notes: Sequence[str],
    command: str,
) -> str:
    """Return the summary; `worst` are the sections on the worst rows, `compared` the losses if they were compared."""
    parts = [f"### losscli: {escape_markdown(summary_heading(evaluation, verdicts))}"]
    if verdicts:
        parts.append(gate_table(verdicts, {result.key: result for result in evaluation}))
    parts.append(result_table([loss.result for loss in compared] or evaluation.losses, compared))
    if notes:
        lines = [f"- {escape_markdown(text)}" for text in notes[:MAX_NOTES]]
        more = [f"- and {len(notes) - MAX_NOTES} more"] if len(notes) > MAX_NOTES else []
        parts.append("\n".join(lines + more))
    parts += list(worst)[:MAX_WORST_TABLES]
    parts.append(how_computed(evaluation.losses, command))
    return "\n\n".join(parts) + "\n"


def summary_heading(evaluation: Evaluation, verdicts: Sequence[GateVerdict]) -> str:
    """Return what came out: gates that failed, values that are not finite, or what was evaluated."""
    failed, count = failed_gates(verdicts)
    bad = [result for result in evaluation if result.status != "ok"]
    if bad and not failed:
        return f"{bad[0].full_name} is {bad[0].value}" + (f", and {len(bad) - 1} more are not finite" * (len(bad) > 1))
    if count:
        return tally(failed, count)
    labels = list(dict.fromkeys(result.label for result in evaluation))
    names = labels[0] if len(labels) == 1 else f"{len(labels)} losses"
    return f"{names} over {rows_text(evaluation.data.n_used)}"


def gate_table(verdicts: Sequence[GateVerdict], results: Mapping[Any, LossResult]) -> str:
    """Return the gates, those that failed first."""
    ordered = sorted(verdicts, key=lambda verdict: not verdict.failed)
    texts = [verdict_text(verdict) for verdict in ordered]
    befores = [before(results.get((v.gate.label, v.group))) if is_of_change(v.gate) else "" for v in ordered]
    columns = [
        text_column("", ["✗" if verdict.failed else "✓" for verdict in ordered]),
        text_column("gate", [code(text.condition) for text in texts]),
        *name_columns([dict(verdict.group) for verdict in ordered]),
        number_column("is", [value_or_reason(*both) for both in zip(texts, ordered, strict=True)]),
        number_column("limit", [text.limit for text in texts]),
        *([number_column("before", befores)] if any(befores) else []),
    ]
    return markdown_table(columns)


def is_of_change(gate: Gate) -> bool:
    """Return whether what a gate is on can be set beside the value in the baseline file."""
    return gate.statistic in (VALUE, *STATISTICS_OF_BASELINE)


def value_or_reason(text: VerdictText, verdict: GateVerdict) -> str:
    """Return the value of a gate, or why there is none."""
    if text.value == NOT_JUDGED:
        return escape_markdown(verdict.reason)
    return f"{text.value} (optimistic: few rows carry it)" if verdict.warning else text.value


def before(result: LossResult | None) -> str:
    """Return the value in the baseline file; empty if there is none."""
    value = None if result is None or result.baseline is None else result.baseline.value
    return "" if value is None else human_number(value, DIGITS)


def result_table(results: Sequence[LossResult], compared: Sequence[ComparedLoss]) -> str:
    """Return a row per result: its value, its interval, how it changed, and how its per-sample losses spread."""
    intervals = [interval_text(result) for result in results]
    changes = [None if r.baseline is None else r.baseline.change for r in results]
    level = next((f"{100 * r.ci.level:g} %" for r in results if r.ci is not None), "")
    columns = [
        text_column("loss", [escape_markdown(result.label) for result in results]),
        *name_columns([result.group_columns for result in results]),
        number_column("n", [count_text(result.n) for result in results]),
        number_column("value", [human_number(result.value, DIGITS) for result in results]),
        SummaryColumn(level, ":---:", intervals),
        number_column("before", [before(result) for result in results]),
        number_column("change", ["" if change is None else change_text(change) for change in changes]),
        *compared_columns(compared),
        text_column(", ".join(BAR_STATISTICS), [spread_bars(result) for result in results]),
    ]
    return markdown_table([column for column in columns if any(column.cells)])


def compared_columns(compared: Sequence[ComparedLoss]) -> list[SummaryColumn]:
    """Return what a comparison adds: of several models their verdicts, else what outliers do."""
    if not compared:
        return []
    if compared[0].model is None:
        keys = ("rank", "inflation", "pull")
        return [number_column(key, [optional_number(getattr(one, key)) for one in compared]) for key in keys]
    intervals = [
        ""
        if one.is_reference or one.diff_low is None or one.diff_high is None
        else f"{human_number(one.diff_low)} – {human_number(one.diff_high)}"
        for one in compared
    ]
    return [
        text_column("verdict", [one.verdict or "" for one in compared]),
        number_column("difference", [optional_number(one.difference) for one in compared]),
        SummaryColumn("interval", ":---:", intervals),
        number_column("p", [optional_number(one.p) for one in compared]),
    ]


def optional_number(value: float | None) -> str:
    """Return a number with few digits; empty if it is missing."""
    return "" if value is None else human_number(value)


def interval_text(result: LossResult) -> str:
    """Return the ends of the interval of a value; empty if there is none."""
    if result.ci is None or result.ci.low is None or result.ci.high is None:
        return ""
    return f"{human_number(result.ci.low, DIGITS)} – {human_number(result.ci.high, DIGITS)}"


def spread_bars(result: LossResult) -> str:
    """Return bars as high as the smallest, the median, the 95th percentile and the largest loss of a row.

    Empty where bars from 0 mean nothing: a loss is negative or not finite, or all are 0.
    """
    heights = [getattr(result, key) for key in BAR_STATISTICS]
    if not all(map(math.isfinite, heights)) or heights[0] < 0 or heights[-1] <= 0:
        return ""
    steps = len(BARS) - 1
    return f"`{''.join(BARS[round(steps * (height / heights[-1]))] for height in heights)}`"


def worst_sections(runs: Mapping[str, RunState], dataset: Dataset) -> Iterator[str]:
    """Yield a section for each list of worst rows, from runs by their model: losses with the same rows share one."""
    for model, run in runs.items():
        by_loss = next((observer.by_loss for observer in run.observers if isinstance(observer, WorstRows)), [])
        by_rows: dict[tuple[int, ...], dict[int, WorstRowsOfLoss]] = {}
        for i, worst in enumerate(by_loss):
            if len(worst.rows) and worst.added[0] != 0:
                by_rows.setdefault(tuple(worst.rows.tolist()), {})[i] = worst
        for found in by_rows.values():
            yield worst_section(model, run, dataset, found)


def worst_section(model: str, run: RunState, dataset: Dataset, found: Mapping[int, WorstRowsOfLoss]) -> str:
    """Return the worst rows of one or several losses, to be unfolded."""
    labels = {i: run.evaluators[i].label for i in found}
    first, worst = next(iter(found.items()))
    cells = worst_cells(dataset, run.evaluators[first], worst)
    cells |= {labels[i]: other.losses.tolist() for i, other in found.items() if i != first}
    shares = {
        labels[i]: shares.tolist()
        for i, one in found.items()
        if is_additive(run, i) and (shares := one.shares) is not None
    }
    name = labels[first] if len(found) == 1 else "loss"
    return folded_rows(name if worst.weight is None else f"weighted {name}", model, cells, shares)


def page_section(worst: WorstTable | None) -> Iterator[str]:
    """Yield the section on the worst rows that a page shows, if it does."""
    if worst is not None and worst.lines:
        cells = {name: [line.cells.get(name) for line in worst.lines] for name in worst.columns}
        shares = [line.share for line in worst.lines if line.share is not None]
        known = {worst.loss: shares} if len(shares) == len(worst.lines) else {}
        yield folded_rows("weighted " * ("weight" in cells) + worst.loss, worst.model or "", cells, known)


def folded_rows(
    name: str, model: str, cells: Mapping[str, Sequence[Any]], shares: Mapping[str, Sequence[float]]
) -> str:
    """Return rows, to be unfolded, below how much of each loss they carry."""
    columns = [value_column(*item) for item in cells.items()]
    columns += [number_column(f"share of {label}", list(map(human_percent, share))) for label, share in shares.items()]
    k = len(columns[0].cells)
    text = f"The {'row' if k == 1 else f'{k} rows'} with the largest {name}"
    if shares:
        parts = ", ".join(f"{human_percent(sum(share))} of {label}" for label, share in shares.items())
        text += f" carr{'ies' if k == 1 else 'y'} {parts}"
    text += f" (model {model})" if model else ""
    summary = escape_html(text).replace("$", "&#36;")  # Markdown means nothing here, but GitHub's formulas do
    return f"<details><summary>{summary}</summary>\n\n{markdown_table(columns)}\n\n</details>"


def is_additive(run: RunState, index: int) -> bool:
    """Return whether a row has a share of a reduced loss."""
    own = run.evaluators[index].bound.loss.reduction
    return {"median": Reduction.MEDIAN, "sum": Reduction.MEAN}.get(run.reduction, own) in ADDITIVE_REDUCTIONS


def value_column(name: str, values: Sequence[Any]) -> SummaryColumn:
    """Return a column of values of rows: numbers in human form, row numbers and classes as they are."""
    texts = [
        human_number(value, DIGITS)
        if isinstance(value, float)
        else ""
        if value is None
        else escape_markdown(str(value))
        for value in values
    ]
    is_number = all(isinstance(value, (int, float)) for value in values)
    return (number_column if is_number else text_column)(name, texts)


def name_columns(names: Sequence[Mapping[str, str]]) -> list[SummaryColumn]:
    """Return a column for each name of a group or model."""
    keys = dict.fromkeys(key for one in names for key in one)
    return [text_column(key, [escape_markdown(one.get(key, "")) for one in names]) for key in keys]


def markdown_table(columns: Sequence[SummaryColumn]) -> str:
    """Return a table in Markdown of at most MAX_SUMMARY_ROWS rows, and how many more there are."""
    lines = [table_line(column.name for column in columns), table_line(column.align for column in columns)]
    n_rows = len(columns[0].cells)
    lines += [table_line(row) for row in zip(*(column.cells[:MAX_SUMMARY_ROWS] for column in columns), strict=True)]
    return "\n".join(lines) + (f"\n\nand {n_rows - MAX_SUMMARY_ROWS} more rows" if n_rows > MAX_SUMMARY_ROWS else "")


def table_line(texts: Iterable[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(texts)} |"


def code(text: str) -> str:
    """Return text as code in a table; text with a backtick is no code."""
    return escape_markdown(text) if "`" in text else f"`{escape_controls(text).replace('|', chr(92) + '|')}`"


def how_computed(results: Sequence[LossResult], command: str) -> str:
    """Return the command and the signatures, to be unfolded."""
    signatures = list(dict.fromkeys(result.signature for result in results))
    more = [f"and {len(signatures) - MAX_SIGNATURES} more"] if len(signatures) > MAX_SIGNATURES else []
    texts = [escape_controls(text) for text in (command, "", *signatures[:MAX_SIGNATURES], *more)]
    fence = "```"
    while any(fence in text for text in texts):
        fence += "`"
    return (
        f"<details><summary>Command and signatures</summary>\n\n{fence}\n"
        + "\n".join(texts)
        + f"\n{fence}\n\n</details>"
    )
