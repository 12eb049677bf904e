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
    """Return text as code within a line, or within a cell of a table."""
    ticks, space = ("``", " ") if "`" in text else ("`", "")
    return f"{ticks}{space}{text}{space}{ticks}"


def block(text: str, language: str = "text", title: str = "") -> str:
    """Return a block of code."""
    head = f'{language} title="{title}"' if title else language
    return f"```{head}\n{text.rstrip()}\n```\n"


def sentence(text: str) -> str:
    """Return text that Markdown shows as it is, with a capital and a full stop."""
    return plain(f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def front_matter(title: str, description: str, source: str, boost: int = 1) -> str:
    """Return the head of a generated page.

    Args:
        title: The title of the page.
        description: What it is about.
        source: The file of the repository to edit.
        boost: By how much searches prefer the page.
    """
    values = {"title": quoted(title), "description": quoted(description), "source": quoted(source)}
    values |= {"search": f"{{ boost: {boost} }}"} if boost != 1 else {}
    return "".join(["---\n", *(f"{name}: {value}\n" for name, value in values.items()), "---\n"])


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
