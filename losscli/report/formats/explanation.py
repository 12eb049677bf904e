"""An explanation as text for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING

from losscli.explain import Explanation, Section, wrap_text
from losscli.report.formats import Style, Write

if TYPE_CHECKING:
    from losscli.explanations import Explanations

MAX_LINE_WIDTH = 80
MOST_COLUMNS = 100


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
    if not isinstance(explanation, Explanation):
        labels = [escape_markdown(one.label) for one in explanation]
        write(f"| | {' | '.join(labels)} |\n|{' --- |' * (len(labels) + 1)}\n")
        for term, cells in explanation.rows():
            texts = (escape_markdown(cell).replace("\n", "<br>") for cell in cells)
            write(f"| {term} | {' | '.join(texts)} |\n")
        return
    write(f"# {escape_markdown(explanation.title)}\n\n{explanation.summary}\n")
    for section in explanation.sections:
        write(f"\n## {section.title}\n\n")
        for paragraph in section.paragraphs:
            write(f"`{paragraph}`\n" if section.title == "Formula" else f"{escape_markdown(paragraph)}\n")
        if section.rows:
            write(("\n" if section.paragraphs else "") + "| | |\n| --- | --- |\n")
        for term, meaning in section.rows:
            write(f"| {escape_markdown(term)} | {escape_markdown(meaning)} |\n")


def escape_markdown(text: str) -> str:
    """Return text in which no character has a meaning in Markdown."""
    return text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")


def json(explanation: Explanation | Explanations, write: Write, style: Style) -> None:
    """Write one document."""
    write(json_module.dumps(explanation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
