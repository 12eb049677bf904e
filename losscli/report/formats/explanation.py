"""An explanation as text for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json as json_module
import textwrap

from losscli.explain import Explanation, Section, to_dict
from losscli.report.formats import Style, Write

WIDTH = 80


def table(explanation: Explanation, write: Write, style: Style) -> None:
    """Plain text, wrapped to the terminal but never wider than is good to read."""
    width = min(style.width or WIDTH, 100)
    bold, plain = ("\x1b[1m", "\x1b[0m") if style.colour else ("", "")
    write(f"{bold}{explanation.title}{plain}\n{_wrapped(explanation.summary, width, '')}\n")
    for section in explanation.sections:
        write(f"\n{bold}{section.title}{plain}\n{_body(section, width)}\n")


def _body(section: Section, width: int) -> str:
    lines = [_wrapped(paragraph, width, "  ") for paragraph in section.paragraphs]
    column = min(max((len(term) for term, _ in section.rows), default=0), 28)
    for term, meaning in section.rows:
        lines.append(_wrapped(f"{term:<{column}}  {meaning}", width, "  ", " " * (column + 4)))
    return "\n".join(lines)


def _wrapped(text: str, width: int, indent: str, hanging: str | None = None) -> str:
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def markdown(explanation: Explanation, write: Write, style: Style) -> None:
    """Headings, paragraphs and tables."""
    write(f"# {_escaped(explanation.title)}\n\n{explanation.summary}\n")
    for section in explanation.sections:
        write(f"\n## {section.title}\n\n")
        for paragraph in section.paragraphs:
            write(f"`{paragraph}`\n" if section.title == "Formula" else f"{_escaped(paragraph)}\n")
        if section.rows:
            write(("\n" if section.paragraphs else "") + "| | |\n| --- | --- |\n")
        for term, meaning in section.rows:
            write(f"| {_escaped(term)} | {_escaped(meaning)} |\n")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")


def json(explanation: Explanation, write: Write, style: Style) -> None:
    """One document."""
    write(json_module.dumps(to_dict(explanation), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
