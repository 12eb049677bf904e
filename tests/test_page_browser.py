"""The page of `report` in a real browser: no errors, no requests, sorting, dark mode, narrow screens, paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser, find_chromium
from tests.conftest import SAMPLE_DATA, Cli, write_csv

pytest.importorskip("matplotlib", reason="report needs matplotlib")
CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]

HEADS = "document.querySelectorAll('table')[0].querySelectorAll('th button')"

A4_POINTS = (595, 842)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None
    browser = Browser(CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture
def tumours(cli: Cli, tmp_path: Path) -> Path:
    path = tmp_path / "tumours.html"
    losses = ("--losses", "mse,huber:delta=50,mae", "--group-by", "diagnosis", "--id", "id")
    assert cli("report", str(SAMPLE_DATA / "tumours.csv"), *losses, "-o", str(path)).status == 0
    return path


def column(browser: Browser, i: int) -> list[str]:
    """Return the cells of a column of the first table."""
    rows = "[...document.querySelectorAll('table')[0].tBodies[0].rows]"
    cells: list[str] = browser.evaluate(f"{rows}.map(row => row.cells[{i}].innerText)")
    return cells


@pytest.mark.parametrize("dark", [False, True])
def test_no_errors_and_no_requests(browser: Browser, tumours: Path, dark: bool) -> None:
    browser.open(tumours, dark=dark)
    assert browser.evaluate("document.querySelectorAll('figure svg').length") >= 4
    assert browser.problems == []
    assert browser.requests == []


def test_that_the_page_may_load_nothing(browser: Browser, tumours: Path) -> None:
    browser.open(tumours)
    browser.evaluate(
        "new Promise(done => { const image = new Image(); image.onerror = done; image.src = 'http://127.0.0.1:9/x' })"
        ".then(() => true)"
    )
    assert any("Content Security Policy" in problem for problem in browser.problems)
    browser.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    assert browser.evaluate("new Promise(done => setTimeout(() => done(window.ran ?? 0), 50))") == 0


def test_sorting_by_click(browser: Browser, tumours: Path) -> None:
    browser.open(tumours)
    assert column(browser, 0) == ["mae", "huber:delta=50", "mse"]
    browser.evaluate(f"{HEADS}[1].click()")
    assert column(browser, 0) == ["mae", "huber:delta=50", "mse"]
    assert browser.evaluate(f"{HEADS}[1].parentNode.getAttribute('aria-sort')") == "ascending"
    browser.evaluate(f"{HEADS}[1].click()")
    assert column(browser, 0) == ["mse", "huber:delta=50", "mae"]
    assert browser.evaluate(f"{HEADS}[1].parentNode.getAttribute('aria-sort')") == "descending"
    browser.evaluate(f"{HEADS}[0].click()")  # names by their letters
    assert column(browser, 0) == ["huber:delta=50", "mae", "mse"]
    assert browser.evaluate("document.querySelectorAll('table')[0].querySelectorAll('[aria-sort]').length") == 1


def test_sorting_by_keyboard(browser: Browser, tumours: Path) -> None:
    browser.open(tumours)
    browser.press("Tab", 9)  # the table, which can be scrolled
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.innerText") == "loss"
    browser.press("Enter", 13, "\r")
    assert column(browser, 0) == ["huber:delta=50", "mae", "mse"]
    browser.press("Tab", 9)
    browser.press(" ", 32, " ")
    browser.press(" ", 32, " ")
    assert column(browser, 0) == ["mse", "huber:delta=50", "mae"]


def test_that_empty_cells_stay_last(browser: Browser, cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    data = tmp_path / "d.csv"
    write_csv(data, {"y_true": [0.5, -1.0, 2.0, 7.0], "y_pred": [0.4, 1.0, 2.5, 3.0]})
    assert cli("report", str(data), "--losses", "medae,mse,mae", "-o", str(page)).status == 0
    browser.open(page)
    heads: list[str] = browser.evaluate(f"[...{HEADS}].map(button => button.innerText)")
    place = heads.index("effective n")
    for _ in range(2):
        browser.evaluate(f"{HEADS}[{place}].click()")
        assert column(browser, 0)[-1] == "medae"


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2) of `rgb(...)`."""
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_that_all_text_can_be_read(browser: Browser, tumours: Path, dark: bool) -> None:
    browser.open(tumours, dark=dark)
    paper = luminance(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (paper < 0.05) == dark
    found: list[list[Any]] = browser.evaluate(
        "[...document.querySelectorAll('body *')]"
        ".filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())"
        " && !['SCRIPT', 'STYLE'].includes(e.tagName.toUpperCase())).map(e => [e.innerHTML.slice(0, 40),"
        " e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color])"
    )
    assert len(found) > 50
    for words, colour in found:
        light, deep = sorted([luminance(colour), paper], reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 3, (words, colour)


@pytest.mark.parametrize("width", [400, 1240])
def test_that_the_page_is_as_wide_as_the_screen(browser: Browser, tumours: Path, width: int) -> None:
    browser.open(tumours, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_that_the_sample_prints_on_two_pages(browser: Browser, tumours: Path) -> None:
    browser.open(tumours)
    pdf = browser.pdf()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2
    box = re.search(rb"/MediaBox\s*\[([^\]]*)\]", pdf)
    assert box is not None
    assert [round(float(end)) for end in box[1].split()[2:]] == pytest.approx(A4_POINTS, abs=1)


def test_what_a_screen_reader_is_told(browser: Browser, tumours: Path) -> None:
    browser.open(tumours)
    browser.send("Accessibility.enable")
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    named = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored")]
    assert ("heading", "tumours.csv") in named
    pictures = [name for role, name in named if role in ("image", "img")]
    assert len(pictures) >= 4
    assert any("The worst 9 rows" in name and "carry half of mse" in name for name in pictures)
    assert [name for role, name in named if role == "columnheader"][:3] == ["loss", "value", "95\u00a0% interval"]
    assert ("rowheader", "huber:delta=50") in named
    assert sum(role == "table" for role, _ in named) >= 3


def test_names_that_are_code(browser: Browser, cli: Cli, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    path = tmp_path / "<img src=x onerror=alert(1)>.csv"
    write_csv(
        path,
        {
            name: ["<b>a</b>", '"onload="alert(1)', "$x$", "a"] * 20,
            "y_true": [float(i % 9) for i in range(80)],
            "y_pred": [float(i % 7) for i in range(80)],
        },
    )
    page = tmp_path / "report.html"
    title = "</title><script>alert(2)</script>"
    status = cli(
        "report", str(path), "--losses", "mse,mae", "--group-by", name, "--title", title, "-o", str(page)
    ).status
    assert status == 0
    browser.open(page)
    assert browser.problems == []
    assert browser.requests == []
    assert browser.evaluate("document.querySelectorAll('script').length") == 1
    assert browser.evaluate("document.querySelectorAll('img, b').length") == 0
    assert browser.evaluate("document.title") == title
    assert name in browser.evaluate("document.body.innerText")
