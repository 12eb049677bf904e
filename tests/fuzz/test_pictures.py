"""Pictures, pages, summaries and badges: whatever the numbers and the names, they are whole, or refused in one line."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import strategies as st

from losscli.options import PICTURE_KINDS
from losscli.plot.text_width import display_width
from tests.fuzz.check import Case, Failure, fuzz, unsound, worker
from tests.fuzz.worker import Died, Outcome, Run, run_all

DATA, SUMMARY, BADGE = "data.json", "summary.md", "badge.svg"
COLUMNS_OF_TERMINAL = 80
RESAMPLES = ("--ci", "0.9", "--resamples", "39")
VOID_TAGS = {"meta", "br", "hr", "img", "input", "link", "col", "wbr"}

OF_RESIDUALS = ["mse", "mae", "rmse", "huber", "log_cosh", "quantile:tau=0.9", "max_error", "medae", "smape"]
OF_PROBABILITIES = ["bce", "brier", "focal", "bce:eps=0"]
OF_AMOUNTS = ["poisson", "tweedie_deviance", "msle", "mape", "mse", "mae"]
OF_SCORES = ["bce:from_logits=true", "hinge", "zero_one"]
KINDS_OF_DATA = {
    "residuals": (OF_RESIDUALS, "any", "any"),
    "more residuals": (OF_RESIDUALS, "any", "any"),
    "probabilities": (OF_PROBABILITIES, "class", "probability"),
    "scores": (OF_SCORES, "class", "any"),
    "amounts": (OF_AMOUNTS, "amount", "amount"),
    "nonsense": (OF_RESIDUALS + OF_PROBABILITIES + OF_AMOUNTS + OF_SCORES, "any", "any"),
}
"""Losses, and the numbers of y_true and y_pred that suit them."""

NAMES = [
    *("a", "site", "数据", "🎉👩‍👩‍👧", "a b", "x" * 300, "1", "nan", "$\\frac{", "<evil>", '"><evil>', "a&b", "]]>"),
    *("-->", "`|`", "a|b", "[l](u)", "*b*", "\\", "{", "%", "#", "--", "\x1b[31m", "\n", "\t\r", "\x00", "\u202e"),
    *("\u2028", "\ufeff", "\uffff", "\ud800", "\u0301", "\u200b", "", " ", "'", "~^", "ﷺ", "\U0010ffff", "=1+1"),
]
NUMBERS = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e-320, 5e-324, 1e-300, 1e308, -1e308, 1.7976931348623157e308, 1e154),
    *(-1e154, 1e16, 1.0000000000000002, 1e9, 1e9 + 1, 123456.789),
]
NOT_FINITE = [float("inf"), float("-inf"), float("nan")]


VALUES: dict[str, st.SearchStrategy[float]] = {
    "class": st.sampled_from([0.0, 1.0]),
    "probability": st.floats(0, 1, width=16) | st.sampled_from([0.0, 1.0, 1e-320, 0.5]),
    "amount": st.floats(0.25, 99, width=16) | st.sampled_from([1e-300, 1e300, 1.0]),
    "ordinary": st.floats(-99, 99, width=16),
    "whole": st.integers(-3, 3).map(float),
    "extreme": st.sampled_from(NUMBERS),
    "not finite": st.sampled_from(NUMBERS[:6] + NOT_FINITE),
}


def numbers(draw: st.DrawFn, n: int, kind: str) -> list[float]:
    """Draw n numbers: now and then all alike."""
    if kind == "any":
        kind = draw(st.sampled_from(["ordinary", "ordinary", "ordinary", "whole", "extreme", "not finite"]))
    if draw(st.integers(0, 7)) == 0:
        return [draw(VALUES[kind])] * n
    return draw(st.lists(VALUES[kind], min_size=n, max_size=n))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a command line and a small table for it, or curves without data."""
    suitable, true, predicted = KINDS_OF_DATA[draw(st.sampled_from(sorted(KINDS_OF_DATA)))]
    losses = ",".join(draw(st.lists(st.sampled_from(suitable), min_size=1, max_size=3, unique=True)))
    if draw(st.integers(0, 5)) == 0:
        ends = sorted({draw(st.sampled_from(NUMBERS)) for _ in range(2)})
        return Case("pictures", (), ("plot", losses, f"--range={ends[0]!r}:{ends[-1]!r}"))
    n = draw(st.sampled_from([1, 2, 3, 8, 8, 24, 24, 0]))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=3, max_size=3, unique=True))
    columns: dict[str, Any] = {"y_true": numbers(draw, n, true), "y_pred": numbers(draw, n, predicted)}
    options = ["--true", "y_true", "--nan", draw(st.sampled_from(["error", "omit", "omit", "propagate"]))]
    command = draw(st.sampled_from(["plot", "plot", "plot", "report", "compute", "compare"]))
    has_models = command != "compute" and names[0] and draw(st.integers(0, 3)) == 0
    if has_models:
        columns[names[0]] = numbers(draw, n, predicted)
        options += ["--pred", names[0]]
    options += ["--pred", "y_pred"]
    if draw(st.integers(0, 3)) == 0:
        columns["weight"] = draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5, 1e300]), min_size=n, max_size=n))
        options += ["--weight", "weight"]
    if not has_models and command != "compare" and draw(st.integers(0, 2)) == 0:
        values = st.sampled_from([*draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)), "b"])
        columns[names[1] + "g"] = draw(st.lists(values, min_size=n, max_size=n))
        options += ["--group-by", (names[1] + "g").replace(",", "")]
        options += RESAMPLES
    elif command == "plot" and draw(st.booleans()):
        options += ["--kind", draw(st.sampled_from([kind for kind in PICTURE_KINDS if kind != "groups"]))]
    if command in ("compute", "report", "compare"):
        statistic = draw(st.sampled_from(["", ".max", ".p95", ".n"] + [".ci_high"] * ("--ci" in options)))
        options += [f"--fail-if={losses.partition(',')[0]}{statistic}>{draw(st.sampled_from(['0', '1e9']))}"]
    if command == "report" and draw(st.booleans()):
        options += [f"--title={names[2] or 'a'}".replace("\x00", "")]
    typed = (losses,) if command in ("plot", "compute") else ("--losses", losses)
    data = json.dumps(columns).encode()
    return Case("pictures", ((DATA, data),), (command, *typed, DATA, *options))


# ------------------------------------------------------------------------------------------------------- the outputs


def run_and_read(files: Mapping[str, bytes], runs: Sequence[Run]) -> list[tuple[Outcome, dict[str, bytes]]]:
    """Run command lines in the child; return each outcome with the files it wrote, and remove them."""
    found = []
    for run in runs:
        (outcome,) = run_all(files, [run])
        written = {}
        for name in sorted(os.listdir()):
            with open(name, "rb") as file:
                written[name] = file.read()
            os.unlink(name)
        found.append((outcome, written))
    return found


def problems_of_document(text: str) -> Iterator[str]:
    """Yield what is wrong with the JSON document of a picture."""
    document = json.loads(text)
    if not document["panels"] or not document["sentence"].strip():
        yield "no panel or no sentence"
    words = " ".join([document["sentence"], *document["remarks"]])
    for name in sorted(NAMES, key=len, reverse=True):
        words = words.replace(name, "") if "nan" in name else words
    if re.search(r"\b(nan|None|null)\b", words):
        yield f"words without a number: {words}"
    for panel in document["panels"]:
        for axis in (panel["x"], panel["y"]):
            if axis["low"] is None or axis["high"] is None or not axis["low"] < axis["high"]:
                yield f"an axis from {axis['low']} to {axis['high']}"
        if not any(has_something_to_see(mark, panel) for mark in panel["marks"]):
            yield f"an empty panel: {panel['title']}"
        for mark in panel["marks"]:
            fields = {"bars": ("edges", "heights"), "line": ("x",), "band": ("x",), "point": ("x", "y")}
            for field in fields.get(mark["type"], ()):
                values = mark[field] if isinstance(mark[field], list) else [mark[field]]
                if None in values:
                    yield f"{mark['type']} without a number as {field}"
            if mark["type"] == "interval" and re.search(r"\b(nan|None)\b", mark["text"] + mark["remark"]):
                yield f"an interval of no number: {mark['text']}"


def has_something_to_see(mark: Mapping[str, Any], panel: Mapping[str, Any]) -> bool:
    """Return whether a mark shows a number inside of its panel."""
    x, y = panel["x"], panel["y"]
    if mark["type"] == "bars":
        return any(height for height in mark["heights"])
    if mark["type"] in ("line", "band"):
        ys = mark["y"] if mark["type"] == "line" else mark["high"]
        return not mark.get("is_reference") and any(
            value is not None and x["low"] <= at <= x["high"] and y["low"] <= value <= y["high"]
            for at, value in zip(mark["x"], ys, strict=True)
        )
    return mark["type"] == "point" or (mark["type"] == "interval" and mark["value"] is not None)


def problems_of_text(text: str) -> Iterator[str]:
    """Yield what is wrong with a picture in a terminal of 80 columns."""
    for line in text.split("\n"):
        if display_width(line) > COLUMNS_OF_TERMINAL:
            yield f"a line of {display_width(line)} columns"
        if re.search(r"[\x00-\x1f\x7f-\x9f]", line):
            yield f"control characters: {line!r}"


def problems_of_svg(text: str) -> Iterator[str]:
    """Yield what is wrong with an SVG file."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        yield f"no XML: {error}"
        return
    if any(element.tag.endswith("evil") for element in root.iter()):
        yield "a name became an element"
    for element in root.iter():
        for key in ("d", "x", "y", "width", "height", "transform"):
            if re.search("nan|inf", element.get(key, "")):
                yield f"{key}={element.get(key, '')[:60]}"


class Tags(HTMLParser):
    """Collects what is wrong with HTML: tags that are not closed in order, and elements made from names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "evil":
            self.problems.append("a name became an element")
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")


def problems_of_html(text: str) -> Iterator[str]:
    """Yield what is wrong with HTML."""
    tags = Tags()
    tags.feed(text)
    tags.close()
    yield from tags.problems
    if tags.open:
        yield f"not closed: {tags.open}"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text):
        yield "control characters in HTML"


def problems_of_markdown(text: str) -> Iterator[str]:
    """Yield what is wrong with Markdown: tables whose rows have not as many cells, and names that became tags."""
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text):
        yield "control characters in Markdown"
    outside = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", text)
    if "<evil>" in re.sub(r"`[^`]*`", "", outside):
        yield "a name became a tag"
    cells = 0
    for line in outside.split("\n"):
        found = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
        if cells and found and found != cells:
            yield f"a row of other cells: {line[:100]}"
        cells = found


def problems_of_latex(text: str) -> Iterator[str]:
    """Yield what is wrong with LaTeX: brackets that are not closed, rows that do not end, comments that do."""
    for line in text.split("\n"):
        if line.startswith("%") or not line:
            continue
        bare = re.sub(r"\\\\|\\[{}%$&#_]", "", line)
        if bare.count("{") != bare.count("}") or bare.count("$") % 2 or "%" in bare:
            yield f"a line of LaTeX that is not closed: {line[:100]}"


PROBLEMS_OF = {
    "json": problems_of_document,
    "text": problems_of_text,
    "svg": problems_of_svg,
    "html": problems_of_html,
    "latex": problems_of_latex,
    "markdown": problems_of_markdown,
}


def formats_of(command: str) -> Sequence[str]:
    """Return the formats in which a command is tried."""
    return {"plot": ("json", "text", "svg"), "report": ("html",)}.get(command, ("html", "latex", "markdown"))


def check(case: Case) -> tuple[Failure | None, str]:
    """Look at every output of a case."""
    command, *rest = case.options
    formats = list(formats_of(command))
    extra = [] if command == "plot" else [f"--summary={SUMMARY}"]
    runs = [Run((command, *rest, "-f", format_, "-q", *extra)) for format_ in formats]
    if command in ("compute", "compare"):
        runs.append(Run((command, *rest, "-q", "-o", BADGE)))
        formats.append("badge")
    if command == "plot":
        runs += [Run((command, *rest, "-q", "-o", f"x.{ending}")) for ending in ("pdf", "png")]
        formats += ["pdf", "png"]
    answer = worker("losscli").ask("call", "tests.fuzz.test_pictures:run_and_read", dict(case.files), runs, seconds=90)
    if isinstance(answer, Died) or answer is None:
        return Failure(str(answer), ""), str(answer)
    word = f"{command} status {answer[0][0].status}"
    for format_, (outcome, written) in zip(formats, answer, strict=True):
        problem = next(problems_of(format_, command, outcome, written), None)
        if problem is not None:
            return Failure(re.sub(r"\d+", "N", problem)[:70], f"{format_}: {problem} {outcome.err}"), word
        if outcome.status != answer[0][0].status:
            return Failure(f"{format_} ends otherwise", f"{outcome.status} {outcome.err} {answer[0][0].err}"), word
    return None, word


def problems_of(format_: str, command: str, outcome: Outcome, written: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what is wrong with an outcome, and with the files written."""
    failure = unsound(outcome, (0, 1, 2, 3, 4))
    if failure is not None and failure.kind not in ("takes too long", "takes too much memory"):
        yield f"{failure.kind}: {failure.details}"
    is_refused = outcome.status in (2, 3) or "no row is left to evaluate" in outcome.err
    wanted = set() if is_refused else {f"x.{format_}"} & {"x.pdf", "x.png"}
    wanted |= {BADGE} if format_ == "badge" and not is_refused else set()
    wanted |= {SUMMARY} if command != "plot" and format_ != "badge" and not is_refused else set()
    if set(written) != wanted:
        yield f"files {sorted(written)}, not {sorted(wanted)}, with status {outcome.status}"
    if outcome.out and format_ in PROBLEMS_OF:
        yield from PROBLEMS_OF[format_](outcome.out)
    if SUMMARY in written:
        yield from problems_of_markdown(written[SUMMARY].decode())
        if written[SUMMARY].count(b"### losscli: ") != 1:
            yield "not one summary"
    if BADGE in written:
        yield from problems_of_svg(written[BADGE].decode())


@pytest.mark.slow
def test_pictures() -> None:
    fuzz(cases(), check)
