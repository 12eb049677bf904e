"""Results as HTML for notebooks: tables in the fonts and colours of the notebook, light or dark."""

from __future__ import annotations

from collections.abc import Sequence

from losscli.compare.leaderboard import Leaderboard
from losscli.compare.result import ComparedLoss, Comparison
from losscli.explain import Explanation
from losscli.explanations import Explanations
from losscli.recommend.advise import Advice, Recommendation
from losscli.report import boards, tables
from losscli.report.formats import Style
from losscli.report.formats.explanation import html as write_explanation
from losscli.report.formats.html import escape_html, html, term_list
from losscli.report.formats.numbers import legend_in_fonts
from losscli.report.tables import Report
from losscli.result_base import Result
from losscli.results import DataInfo, Evaluation, LossResult

MAX_NOTEBOOK_ROWS = 60
"""Most rows of a table in a notebook."""


def notebook_html(result: Result) -> str | None:
    """Return a result as HTML; None for a kind that has no table."""
    if isinstance(result, LossResult):
        return table_html(tables.summary(alone(result)))
    if isinstance(result, Evaluation):
        return table_html(tables.summary(result)) if result.losses else None
    if isinstance(result, ComparedLoss):
        return table_html(tables.comparison(Comparison((result,), (), (), alone(result.result))))
    if isinstance(result, Comparison) and result.shows_leaderboard:
        return notebook_html(result.leaderboard)
    if isinstance(result, Leaderboard):
        return table_html(boards.leaderboard(result), result.notes)
    if isinstance(result, Comparison):
        return table_html(tables.comparison(result), result.notes)
    if isinstance(result, Advice):
        found = Recommendation(alone_info(0), "", (), (result,), (), ())
        return table_html(tables.recommendation(found)._replace(title=""))
    if isinstance(result, Recommendation):
        return table_html(tables.recommendation(result), result.notes)
    return explanation_html(result) if isinstance(result, Explanations) else None


def alone(result: LossResult) -> Evaluation:
    """Return a result as an evaluation of nothing else."""
    return Evaluation(alone_info(result.n), (result,))


def alone_info(n: int) -> DataInfo:
    """Return the data of so many rows of which nothing else is known."""
    return DataInfo([], "", n, n, 0, float(n), False)


def table_html(report: Report, notes: Sequence[str] = ()) -> str:
    """Return a report: the first rows and how many more there are, the meaning of columns to be unfolded, notes."""
    rows = list(report.rows())
    parts: list[str] = []
    html(
        report._replace(blocks=tables.to_blocks(rows[:MAX_NOTEBOOK_ROWS]), legend=(), detail=None),
        parts.append,
        Style(),
    )
    if len(rows) > MAX_NOTEBOOK_ROWS:
        parts.append(f"<p>and {len(rows) - MAX_NOTEBOOK_ROWS} more rows</p>\n")
    if report.legend:
        terms = tuple(
            (key, meaning) for key, _, meaning in (line.partition(": ") for line in legend_in_fonts(report.legend))
        )
        parts.append(f"<details><summary>What the columns say</summary>\n{term_list(terms)}</details>\n")
    if notes:
        parts.append(f"<ul>\n{''.join(f'<li>{escape_html(note)}</li>' for note in notes)}\n</ul>\n")
    if report.detail is not None:
        parts.append(table_html(report.detail))
    return "".join(parts)


def explanation_html(explanation: Explanation | Explanations) -> str:
    """Return an explanation, or several side by side, as HTML."""
    parts: list[str] = []
    write_explanation(explanation, parts.append, Style())
    return "".join(parts)
