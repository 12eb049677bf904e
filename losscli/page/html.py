"""Lay the page out: one HTML file that loads nothing. All text from the data is escaped here, and only here."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Collection, Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from losscli.messages import escape_controls
from losscli.page.content import (
    BASELINE_COLUMNS,
    LOSS_COLUMNS,
    STANDING_COLUMNS,
    DrawnPicture,
    LossLine,
    MethodFact,
    PageContent,
    WorstTable,
)
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text
from losscli.statistics.bootstrap.options import ConfidenceInterval
from losscli.version import __version__

MAX_BYTES = 300_000
"""Of the page: pictures that do not fit are left out."""

MAX_LINES, MAX_GROUPS_LISTED, MAX_WORST_COLUMNS, MAX_TEXTS = 100, 20, 12, 25
"""Lines of the table, groups, columns of the worst rows, and texts of a fact that are printed; more are counted."""

MAX_NAME, MAX_TEXT = 80, 600
"""Characters of a name in a table, and of any other text."""

DIGITS_OF_ESTIMATES = 3
"""Digits of a number that is estimated: a sample of rows tells no more."""

ALL_COLUMNS = LOSS_COLUMNS | STANDING_COLUMNS | BASELINE_COLUMNS

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
    script, style = _read_file("page.js"), _read_file("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    body = [
        _verdict(content.verdict, content.gates),
        _losses_table(content),
        _pictures(pictures, len(content.pictures) - len(pictures), names_in(content)),
        _side_by_side(_worst_rows(content.worst), _groups_table(content), _decompositions(content)),
        _facts(content),
    ]
    return Template(_read_file("page.html")).substitute(
        title=text(content.title, 200),
        about=_about(content),
        version=text(__version__),
        style=style,
        script=script,
        script_hash=f"sha256-{digest}",
        body="\n".join(part for part in body if part),
    )


def names_in(content: PageContent) -> frozenset[str]:
    """Return the names of losses and models, which sentences may start with."""
    results = [line.result for line in content.lines]
    return frozenset(name for result in results for name in (result.label, result.name, result.model) if name)


def _read_file(name: str) -> str:
    return files("losscli.page").joinpath(name).read_text("utf-8")


def _about(content: PageContent) -> str:
    data = content.evaluation.data
    left_out = f"{count_text(data.n_omitted)} left out" if data.n_omitted else "none left out"
    weightless = data.n - data.n_used - data.n_omitted
    if weightless:
        left_out += f", {count_text(weightless)} of weight 0"
    rows = "1 row" if data.n == 1 else f"{count_text(data.n)} rows"
    return f"{rows}, {left_out} · losscli {text(__version__)}"


def _verdict(sentences: Sequence[str], gates: Sequence[tuple[str, bool]]) -> str:
    paragraphs = "\n".join(f"<p>{text(sentence)}</p>" for sentence in sentences)
    found = f'<div class="verdict" role="note" aria-label="Verdict">\n{paragraphs}\n</div>'
    if not gates:
        return found
    lines = [f"<li>{text('✗ failed: ' if failed else '✓ passed: ')}{text(words)}</li>" for words, failed in gates]
    more = f"<li>and {count_text(len(gates) - MAX_TEXTS)} more</li>" if len(gates) > MAX_TEXTS else ""
    return f'{found}\n<ul class="gates" aria-label="Gates">{"".join(lines[:MAX_TEXTS])}{more}</ul>'


def number_cell(value: Any, is_estimated: bool = False, is_percent: bool = False) -> str:
    """Return a cell with a number for people, and the number itself to sort by and to read."""
    if value is None:
        return '<td data-value="">–</td>'
    if isinstance(value, float):
        value = float(value)  # of NumPy's its digits alone
        number = human_number(value, DIGITS_OF_ESTIMATES) if is_estimated else human_number(value)
        shown = human_percent(value) if is_percent and math.isfinite(value) else number
    else:
        shown = count_text(value)
    shown = shown if isinstance(value, float) else text(shown)
    return f'<td data-value="{value!r}">{"≈" if is_estimated else ""}{text(shown)}</td>'


def any_cell(value: Any) -> str:
    """Return a cell with a number or with text."""
    if value is None or value == "":
        return '<td class="text" data-value=""></td>'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_cell(value)
    return f'<td class="text">{text(value, MAX_NAME)}</td>'


def row_cell(number: Any) -> str:
    """Return a cell with the number of a row, which is a name: its thousands stay together."""
    return f'<td data-value="{number}">{number}</td>'


def sortable_table(caption: str, heads: Iterable[tuple[str, str]], rows: Iterable[Sequence[str]], label: str) -> str:
    """Return a table that can be sorted, and scrolled sideways where the page is narrow.

    `heads` are headings (as HTML) and what they say; a heading is as its cells are, of text or numbers.
    """
    lines = list(rows)
    cells = "".join(
        f'<th scope="col"{_kind_of_column(lines, i)}{_title(title)}>{head}</th>'
        for i, (head, title) in enumerate(heads)
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">\n'
        f'<table class="sortable">\n<caption>{caption}</caption>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n'
        + "\n".join(f"<tr>{''.join(row)}</tr>" for row in lines)
        + "\n</tbody>\n</table>\n</div>"
    )


def _kind_of_column(rows: Sequence[Sequence[str]], i: int) -> str:
    return ' class="text"' if any(row[i].startswith(("<th", '<td class="text"')) for row in rows) else ""


def _title(title: str) -> str:
    return f' title="{escape(title)}"' if title else ""


def _losses_table(content: PageContent) -> str:
    lines = content.lines[:MAX_LINES]
    has_models = any(line.result.model is not None for line in lines)
    columns = [name for name in LOSS_COLUMNS if name in ("value", "interval") or _has_cell(lines, name)]
    columns += [name for name in STANDING_COLUMNS if has_models and _has_cell(lines, name)]
    columns += [name for name in BASELINE_COLUMNS if any(line.result.baseline is not None for line in lines)]
    known = ALL_COLUMNS
    heads = [("loss", "the loss with the parameters that are not defaults")]
    heads += [("model", "the column of its predictions")] if has_models else []
    heads += [(escape(_heading(name, content.level)), known[name][1]) for name in columns]
    rows = [_line(line, columns, has_models) for line in lines]
    caption = f"Losses, {'by model' if has_models else 'the least sensitive to outliers first'}"
    if any(line.estimated for line in lines):
        caption += "; ≈: estimated, as said under how it was computed"
    more = len(content.lines) - len(lines)
    return _section("Losses", sortable_table(caption, heads, rows, "Losses") + _and_more(more, "lines"))


def _heading(name: str, level: float) -> str:
    if name == "interval":
        return f"{100 * level:g}\u00a0% interval"
    return ALL_COLUMNS[name][0]


def _has_cell(lines: Sequence[LossLine], name: str) -> bool:
    return any(line.cells.get(name) is not None for line in lines)


def _line(line: LossLine, columns: Sequence[str], has_models: bool) -> list[str]:
    """Return the cells of a loss."""
    result = line.result
    cells = [f'<th scope="row">{text(result.label, MAX_NAME)}</th>']
    if has_models:
        cells.append(any_cell(result.model))
    for name in columns:
        if name == "value":
            cells.append(number_cell(result.value))
        elif name == "interval":
            cells.append(_interval_cell(result.ci))
        elif name in BASELINE_COLUMNS:
            cells.append(number_cell(result.extra_columns.get(name), is_percent=name == "change"))
        elif name == "verdict":
            cells.append(any_cell(line.cells[name]))
        else:
            cells.append(number_cell(line.cells.get(name), name in line.estimated, name in PERCENTAGES))
    return cells


def _interval_cell(ci: ConfidenceInterval | None) -> str:
    if ci is None or ci.low is None or ci.high is None:
        return number_cell(None)
    low, high = float(ci.low), float(ci.high)
    return f'<td data-value="{low!r}" data-high="{high!r}">{text(human_number(low))} to {text(human_number(high))}</td>'


def _section(heading: str, body: str, kind: str = "") -> str:
    """Return a part of the page under a heading, which names it for screen readers."""
    name = re.sub("[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"
    name = f"section-{name}"[:MAX_NAME]
    given = f' class="{kind}"' if kind else ""
    return (
        f'<section{given} aria-labelledby="{name}">\n<h2 id="{name}">{text(heading, MAX_NAME)}</h2>\n{body}\n</section>'
    )


def _side_by_side(*sections: str) -> str:
    found = "\n".join(section for section in sections if section)
    return f'<div class="tables">\n{found}\n</div>' if found else ""


def _and_more(n: int, what: str) -> str:
    return f'\n<p class="remark">and {count_text(n)} more {what}</p>' if n > 0 else ""


def _pictures(pictures: Sequence[DrawnPicture], n_left_out: int, names: Collection[str]) -> str:
    if not pictures:
        return ""
    figures = []
    for drawn in pictures:
        picture = drawn.picture
        broad = ' class="broad"' if len(picture.panels) > 1 and not picture.is_stacked else ""
        remarks = "".join(f" {text(_as_sentence(remark, names))}" for remark in picture.remarks)
        title, words = text(picture.title, 200), text(_as_sentence(picture.sentence, names))
        figures.append(
            f"<figure{broad}>\n<h2>{title}</h2>\n"
            f'<div role="img" aria-label="{title}: {words}"{_width(drawn.svg)}>{drawn.svg}</div>\n'
            f"<figcaption>{words}{remarks}</figcaption>\n</figure>"
        )
    more = _and_more(n_left_out, "pictures, which would make this page too large")
    return f'<section class="pictures" aria-label="Pictures">\n{chr(10).join(figures)}\n</section>{more}'


def _width(svg: str) -> str:
    """Return the style that shows a picture at its own size at most: letters are as large in all of them."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
    return f' style="max-width:{4 / 3 * float(found[1]):.0f}px"' if found else ""


def _as_sentence(words: str, names: Collection[str]) -> str:
    """Return words as a sentence: with a full stop, and a capital letter unless one of these names comes first."""
    first = words.split(" ", 1)[0].rstrip(",:;")
    if first.isalpha() and first not in names:
        words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _worst_rows(worst: WorstTable | None) -> str:
    if worst is None:
        return ""
    columns = worst.columns[:MAX_WORST_COLUMNS]
    if len(worst.columns) > MAX_WORST_COLUMNS:  # the last ones are what the table is about
        columns = (*worst.columns[: MAX_WORST_COLUMNS - 4], *worst.columns[-4:])
    has_shares = any(line.share is not None for line in worst.lines)
    label = text(worst.loss, MAX_NAME)
    heads = [(text(name, MAX_NAME), "") for name in columns]
    heads += [(f"share of {label}", "of the sum of the losses")] if has_shares else []
    rows = []
    for line in worst.lines:
        cells = [row_cell(line.cells[name]) if name == "row" else any_cell(line.cells[name]) for name in columns]
        rows.append([*cells, *([number_cell(line.share, is_percent=True)] if has_shares else [])])
    caption = f"The worst rows under {label}"
    caption += f", {escape(worst.reason)}" if worst.reason else ""
    caption += f", by the predictions of {text(worst.model, MAX_NAME)}" if worst.model is not None else ""
    more = _and_more(len(worst.columns) - len(columns), "columns")
    return _section("The worst rows", sortable_table(caption, heads, rows, "The worst rows") + more)


def _groups_table(content: PageContent) -> str:
    if not content.groups:
        return ""
    order = content.group_losses
    heads = [(text(name, MAX_NAME), "") for name in content.group_by]
    heads += [("rows", "")] + [(text(label, MAX_NAME), "") for label in order[:MAX_WORST_COLUMNS]]
    rows = []
    for line in content.groups[:MAX_GROUPS_LISTED]:
        cells = [f'<th scope="row">{text(name, MAX_NAME)}</th>' for name in line.group]
        cells += [number_cell(line.n), *map(number_cell, line.values[:MAX_WORST_COLUMNS])]
        rows.append(cells)
    caption = f"The groups, the worst by {text(content.groups_sorted_by, MAX_NAME)} first"
    caption += (
        f", by the predictions of {text(content.groups_model, MAX_NAME)}" if content.groups_model is not None else ""
    )
    more = _and_more(len(content.groups) - len(rows), "groups")
    more += _and_more(len(order) - MAX_WORST_COLUMNS, "losses")
    names = ", ".join(content.group_by)
    return _section(
        "By " + names if len(names) < MAX_NAME else "By group", sortable_table(caption, heads, rows, "Groups") + more
    )


def _decompositions(content: PageContent) -> str:
    if not content.decompositions:
        return ""
    names = list(dict.fromkeys(name for parts in content.decompositions.values() for name in parts))
    heads = [("loss", ""), *((escape(name.replace("_", " ")), "") for name in names)]
    rows = [
        [
            f'<th scope="row">{text(label, MAX_NAME)}</th>',
            *(number_cell(parts.get(name), content.is_estimated) for name in names),
        ]
        for label, parts in list(content.decompositions.items())[:MAX_LINES]
    ]
    caption = "loss = miscalibration − discrimination + uncertainty, by isotonic regression"
    caption += f"; bias with its {100 * content.level:g} % interval" if "bias" in names else ""
    caption += "; ≈: on a sample of the rows" if content.is_estimated else ""
    return _section("Calibration", sortable_table(caption, heads, rows, "Decomposition"))


def _facts(content: PageContent) -> str:
    items = []
    notes = (
        [MethodFact("Notes", [_as_sentence(note, names_in(content)) for note in content.notes])]
        if content.notes
        else []
    )
    for fact in (*content.facts, *notes):
        tag = "code" if fact.is_code else "span"
        texts = [f"<{tag}>{text(one)}</{tag}>" for one in fact.texts[:MAX_TEXTS]]
        if len(fact.texts) > MAX_TEXTS:
            texts.append(f"and {count_text(len(fact.texts) - MAX_TEXTS)} more")
        listed = texts[0] if len(texts) == 1 else "<ul>" + "".join(f"<li>{one}</li>" for one in texts) + "</ul>"
        items.append(f"<dt>{escape(fact.term)}</dt><dd>{listed}</dd>")
    return _section("How it was computed", f"<dl>\n{chr(10).join(items)}\n</dl>")
