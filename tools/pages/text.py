"""Pieces of Markdown that generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from losscli.report.formats.markdown import escape_markdown

DOI = re.compile(r"\bdoi:(10\.\d{4,9}/\S*[^\s.,;])")
ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return escape_markdown(text).replace("\\~", "~")  # a tilde has a meaning on code hosts, and no escape here


def code(text: str) -> str:
    """Return text as code within a line; in a table, too."""
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{' ' if len(ticks) > 1 else ''}{text}{' ' if len(ticks) > 1 else ''}{ticks}".replace("|", "\\|")


def block(text: str, language: str = "text", title: str = "") -> str:
    """Return a block of code."""
    head = f'{language} title="{title}"' if title else language
    return f"```{head}\n{text.rstrip()}\n```\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def front_matter(**values: str) -> str:
    """Return the head of a page; empty values are left out."""
    lines = [f"{name}: {quoted(value)}\n" for name, value in values.items() if value]
    return f"---\n{''.join(lines)}---\n\n"


def quoted(text: str) -> str:
    """Return a text as YAML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_links(reference: str) -> str:
    """Return a reference as Markdown, with links where it has a DOI or an arXiv number."""
    text = plain(reference)
    text = DOI.sub(lambda found: f"[doi:{found[1]}](https://doi.org/{address(found[1])})", text)
    return ARXIV.sub(lambda found: f"[arXiv:{found[1]}](https://arxiv.org/abs/{found[1]})", text)


def address(text: str) -> str:
    """Return part of an address without characters that end a link in Markdown."""
    bare = re.sub(r"\\(.)", r"\1", text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "".join(character if character not in "<>()[] " else f"%{ord(character):02X}" for character in bare)
