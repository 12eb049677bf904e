"""An explanation as text for a terminal, as Markdown, as HTML and as JSON."""

from __future__ import annotations

import json as json_module
import textwrap
from collections.abc import Iterator

from losscli.explain import Explanation, Section, to_dict
from losscli.report.formats import Style, Write
from losscli.report.formats.html import TO_THE_LEFT, escape_html
from losscli.report.formats.markdown import escape_markdown

MAX_LINE_WIDTH = 80


def table(explanation: Explanation, write: Write, style: Style) -> None:
    """Write plain text, wrapped to the terminal but at most 100 columns wide."""
    width = min(style.width or MAX_LINE_WIDTH, 100)
    bold, plain = ("\x1b[1m", "\x1b[0m") if style.colour else ("", "")
    write(f"{bold}{explanation.title}{plain}\n{wrap_text(explanation.summary, width, '')}\n")
    for section in explanation.sections:
        write(f"\n{bold}{section.title}{plain}\n{section_text(section, width)}\n")


def section_text(section: Section, width: int) -> str:
    """Return the paragraphs and rows of a section as text."""
    lines = [wrap_text(paragraph, width, "  ") for paragraph in section.paragraphs]
    column = min(max((len(term) for term, _ in section.rows), default=0), 28)
    for term, meaning in section.rows:
        lines.append(wrap_text(f"{term:<{column}}  {meaning}", width, "  ", " " * (column + 4)))
    return "\n".join(lines)


def wrap_text(text: str, width: int, indent: str, hanging: str | None = None) -> str:
    """Return text wrapped to a width, with an indent for the first line and one for the others."""
    hanging = indent if hanging is None else hanging
    return textwrap.fill(
        " ".join(piece for word in text.split(" ") for piece in pieces_of(word, width - len(hanging))),
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def pieces_of(word: str, room: int) -> Iterator[str]:
    """Yield a word, or if it is too long for a line, pieces that are not: it is broken behind punctuation."""
    while len(word) > room:
        cut = max(word.rfind(mark, 0, room) for mark in "([.,=") + 1 or room
        yield word[:cut]
        word = word[cut:]
    yield word


def markdown(explanation: Explanation, write: Write, style: Style) -> None:
    """Write headings, paragraphs and tables."""
    write(f"# {escape_markdown(explanation.title)}\n\n{escape_markdown(explanation.summary)}\n")
    for section in explanation.sections:
        write(f"\n## {section.title}\n\n")
        for paragraph in section.paragraphs:
            write(f"`{paragraph}`\n" if section.title == "Formula" else f"{escape_markdown(paragraph)}\n")
        if section.rows:
            write(("\n" if section.paragraphs else "") + "| | |\n| --- | --- |\n")
        for term, meaning in section.rows:
            write(f"| {escape_markdown(term)} | {escape_markdown(meaning)} |\n")


def html(explanation: Explanation, write: Write, style: Style) -> None:
    """Write headings, paragraphs and tables, as a fragment of a page."""
    write(f"<h3>{escape_html(explanation.title)}</h3>\n<p>{escape_html(explanation.summary)}</p>\n")
    for section in explanation.sections:
        write(f"<h4>{escape_html(section.title)}</h4>\n")
        for paragraph in map(escape_html, section.paragraphs):
            write(f"<p><code>{paragraph}</code></p>\n" if section.title == "Formula" else f"<p>{paragraph}</p>\n")
        rows = (
            f'<tr><th scope="row"{TO_THE_LEFT}>{escape_html(term)}</th>'
            f"<td{TO_THE_LEFT}>{escape_html(meaning)}</td></tr>\n"
            for term, meaning in section.rows
        )
        write(f"<table>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n" if section.rows else "")


def json(explanation: Explanation, write: Write, style: Style) -> None:
    """Write one document."""
    write(json_module.dumps(to_dict(explanation), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
