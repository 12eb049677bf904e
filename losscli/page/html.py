"""Lay the page out: one HTML file that loads nothing. All text from the data is escaped here, and only here."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from losscli.messages import escape_controls
from losscli.page.content import COLUMNS, MODEL_COLUMNS, DrawnPicture, LossLine, PageContent, WorstTable
from losscli.plot.scales import human_number, human_percent
from losscli.version import __version__

MAX_BYTES = 300_000
"""Of the page: pictures that do not fit are left out."""

MAX_LINES, MAX_GROUPS, MAX_WORST_COLUMNS, MAX_TEXTS = 100, 20, 12, 25
"""Lines of the table, groups, columns of the worst rows, and texts of a fact that are printed; more are counted."""

MAX_NAME, MAX_TEXT = 80, 600
"""Characters of a name in a table, and of any other text."""

PERCENTAGES = frozenset({"top_share", "share"})


def text(value: object, limit: int = MAX_TEXT) -> str:
    """Return text for HTML: shortened, control characters spelled out, and escaped."""
    shown = str(value)
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return escape(escape_controls(shown))


def render(content: PageContent) -> str:
    """Return the page, of at most MAX_BYTES: pictures from the last on are left out if they do not fit."""
    pictures = list(content.pictures)
    while True:
        page = _render(content, pictures)
        if len(page.encode()) <= MAX_BYTES or not pictures:
            return page
        pictures.pop()


def _render(content: PageContent, pictures: Sequence[DrawnPicture]) -> str:
    script, style = _read("page.js"), _read("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    body = [
        _verdict(content.verdict),
        _losses_table(content),
        _pictures(pictures, len(content.pictures) - len(pictures)),
        _worst_rows(content.worst),
        _groups_table(content),
        _decompositions(content),
        _facts(content),
    ]
    return Template(_read("page.html")).substitute(
        title=text(content.title, 200),
        about=_about(content),
        version=text(__version__),
        style=style,
        script=script,
        script_hash=f"sha256-{digest}",
        body="\n".join(part for part in body if part),
    )


def _read(name: str) -> str:
    return files("losscli.page").joinpath(name).read_text("utf-8")


def _about(content: PageContent) -> str:
    data = content.evaluation.data
    left_out = f"{count(data.n_omitted)} left out" if data.n_omitted else "none left out"
    weightless = data.n - data.n_used - data.n_omitted
    if weightless:
        left_out += f", {count(weightless)} of weight 0"
    rows = "1 row" if data.n == 1 else f"{count(data.n)} rows"
    return f"{rows}, {left_out} · losscli {text(__version__)}"


def _verdict(sentences: Sequence[str]) -> str:
    paragraphs = "\n".join(f"<p>{text(sentence)}</p>" for sentence in sentences)
    return f'<div class="verdict" role="note" aria-label="Verdict">\n{paragraphs}\n</div>'


def count(n: int) -> str:
    """Return a count with its thousands apart."""
    return f"{n:,}".replace(",", "\u00a0")


def number_cell(value: Any, is_estimated: bool = False, is_percent: bool = False) -> str:
    """Return a cell with a number for people, and the number itself to sort by and to read."""
    if value is None:
        return '<td data-value="">–</td>'
    if isinstance(value, float):
        shown = human_percent(value) if is_percent and math.isfinite(value) else human_number(value)
    else:
        shown = count(value)
    return f'<td data-value="{value!r}">{"≈" if is_estimated else ""}{text(shown)}</td>'


def any_cell(value: Any) -> str:
    """Return a cell with a number or with text."""
    if value is None or value == "":
        return '<td class="text" data-value=""></td>'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_cell(value)
    return f'<td class="text">{text(value, MAX_NAME)}</td>'


def table(caption: str, heads: Iterable[tuple[str, str]], rows: Iterable[str], label: str) -> str:
    """Return a table that can be sorted, and scrolled sideways where the page is narrow.

    `heads` are headings (as HTML) and what they say.
    """
    cells = "".join(
        f'<th scope="col"{f' title="{escape(title)}"' if title else ""}>{head}</th>' for head, title in heads
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">\n'
        f'<table class="sortable">\n<caption>{caption}</caption>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n'
        + "\n".join(f"<tr>{row}</tr>" for row in rows)
        + "\n</tbody>\n</table>\n</div>"
    )
