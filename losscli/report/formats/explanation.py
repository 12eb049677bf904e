"""An explanation as text for a terminal, as Markdown, as HTML and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from losscli.explain import Explanation, Section, wrap_text
from losscli.report.formats import Style, Write

if TYPE_CHECKING:
    from losscli.explanations import Explanations

MAX_LINE_WIDTH = 80
MOST_COLUMNS = 100
MOST_COLUMNS_OF_TABLE = 160
"""Of losses side by side, whose columns are narrower than lines of text."""


def width_of_text(style: Style) -> int:
    """Return how many columns the lines have: those of the terminal, but at most 100."""
    return min(style.width or MAX_LINE_WIDTH, MOST_COLUMNS)


def bold(text: str, style: Style) -> str:
    """Return text in bold, if there is colour."""
    return f"\x1b[1m{text}\x1b[0m" if style.colour else text


def table(explained: Explanation | Explanations, write: Write, style: Style, curve: str = "") -> None:
    """Write plain text, with the curve below the formula, or below all of several losses."""
    width = width_of_text(style)
    if not isinstance(explained, Explanation):
        width = min(style.width or MAX_LINE_WIDTH, MOST_COLUMNS_OF_TABLE)
        write("\n".join(explained.lines(width, lambda text: bold(text, style))) + "\n")
        write(f"\n{curve}" if curve else "")
        return
    write(f"{bold(explained.title, style)}\n{wrap_text(explained.summary, width, '')}\n")
    for section in explained.sections:
        write(f"\n{bold(section.title, style)}\n{section_text(section, width)}\n")
        if section.title == "Formula" and curve:
            write(f"\n{curve}")


def section_text(section: Section, width: int) -> str:
    """Return the paragraphs and rows of a section as text."""
    lines = [wrap_text(paragraph, width, "  ") for paragraph in section.paragraphs]
    column = min(max((len(term) for term, _ in section.rows), default=0), 28)
    for term, meaning in section.rows:
        lines.append(wrap_text(f"{term:<{column}}  {meaning}", width, "  ", " " * (column + 4)))
    return "\n".join(lines)


def markdown(explanation: Explanation | Explanations, write: Write, style: Style) -> None:
    """Write headings, paragraphs and tables; of several losses a table with a column for each."""
    from losscli.report.formats.markdown import escape_markdown  # with what tables need, which takes a while

    if not isinstance(explanation, Explanation):
        labels = [escape_markdown(one.label) for one in explanation]
        write(f"| | {' | '.join(labels)} |\n|{' --- |' * (len(labels) + 1)}\n")
        for term, cells in explanation.rows():
            write(f"| {term} | {' | '.join(map(escape_markdown, cells))} |\n")
        return
    write(f"# {escape_markdown(explanation.title)}\n\n{escape_markdown(explanation.summary)}\n")
    for section in explanation.sections:
        write(f"\n## {section.title}\n\n")
        for paragraph in section.paragraphs:
            write(f"`{paragraph}`\n" if section.title == "Formula" else f"{escape_markdown(paragraph)}\n")
        if section.rows:
            write(("\n" if section.paragraphs else "") + "| | |\n| --- | --- |\n")
        for term, meaning in section.rows:
            write(f"| {escape_markdown(term)} | {escape_markdown(meaning)} |\n")


def html(explanation: Explanation | Explanations, write: Write, style: Style) -> None:
    """Write headings, paragraphs and tables, as a fragment of a page; of several losses a table."""
    from losscli.report.formats.html import TO_THE_LEFT, escape_html

    if not isinstance(explanation, Explanation):
        labels = "".join(f'<th scope="col"{TO_THE_LEFT}>{escape_html(one.label)}</th>' for one in explanation)
        write(f"<table>\n<thead>\n<tr><td></td>{labels}</tr>\n</thead>\n<tbody>\n")
        write("".join(term_row(term, *cells) for term, cells in explanation.rows()) + "</tbody>\n</table>\n")
        return
    write(f"<h3>{escape_html(explanation.title)}</h3>\n<p>{escape_html(explanation.summary)}</p>\n")
    for section in explanation.sections:
        write(f"<h4>{escape_html(section.title)}</h4>\n")
        for paragraph in map(escape_html, section.paragraphs):
            write(f"<p><code>{paragraph}</code></p>\n" if section.title == "Formula" else f"<p>{paragraph}</p>\n")
        rows = "".join(term_row(*row) for row in section.rows)
        write(f"<table>\n<tbody>\n{rows}</tbody>\n</table>\n" if rows else "")


def term_row(term: str, *meanings: str) -> str:
    """Return a term and what is said of it as a row."""
    from losscli.report.formats.html import TO_THE_LEFT, escape_html

    texts = ("<br>".join(map(escape_html, meaning.split("\n"))) for meaning in meanings)
    cells = "".join(f"<td{TO_THE_LEFT}>{text}</td>" for text in texts)
    return f'<tr><th scope="row"{TO_THE_LEFT}>{escape_html(term)}</th>{cells}</tr>\n'


def json(explanation: Explanation | Explanations, write: Write, style: Style) -> None:
    """Write one document."""
    from json import dumps

    write(dumps(explanation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
