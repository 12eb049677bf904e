"""The README is short, the Chinese one says the same, and both link to what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import losscli
from tools import examples

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
REPOSITORY = "https://github.com/losscli/losscli/blob/main/"
SITE = "https://losscli.github.io/losscli/"
FILE = re.compile(rf"{REPOSITORY}|https://raw\.githubusercontent\.com/losscli/losscli/main/")
LINK = re.compile(r"!?\[[^]]*\]\(([^)]+)\)")
MAX_LINES = 160
MEASURED = ["10 M rows, CSV", "pandas + scikit-learn"]
"""The benchmark and its peer of which the README has the figures."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose_of(name: str) -> str:
    return examples.FENCE.sub("", read(name))


def test_it_is_short() -> None:
    assert len(read(ENGLISH).splitlines()) <= MAX_LINES


def test_the_chinese_one_has_the_same_blocks() -> None:
    assert [match.group() for match in examples.FENCE.finditer(read(CHINESE))] == [
        match.group() for match in examples.FENCE.finditer(read(ENGLISH))
    ]


def test_the_chinese_one_has_the_same_headings_and_paragraphs() -> None:
    def outline(name: str) -> list[str]:
        return [re.match(r"#*|-|!", part)[0] for part in re.split(r"\n(?:\n+|(?=- ))", prose_of(name))]  # type: ignore[index]

    assert outline(CHINESE) == outline(ENGLISH)


def test_the_chinese_one_has_the_same_links_and_code() -> None:
    links = " ".join(LINK.findall(prose_of(CHINESE))).replace("/zh/index.html", "/")
    links = links.replace("/zh/which-loss", "/concepts/which-loss").replace("/zh/", "/")
    links = links.replace(f"/{ENGLISH} ", f"/{CHINESE} ", 1)
    assert links.split() == LINK.findall(prose_of(ENGLISH))
    assert sorted(re.findall(r"`[^`\n]+`", prose_of(CHINESE))) == sorted(re.findall(r"`[^`\n]+`", prose_of(ENGLISH)))


@pytest.mark.parametrize("name", [ENGLISH, CHINESE])
def test_links_lead_to_files_from_wherever_it_is_shown(name: str) -> None:
    for link in LINK.findall(prose_of(name)):
        assert link.startswith("https://"), link
        if FILE.match(link):
            assert (ROOT / FILE.sub("", link)).is_file(), link
        else:
            page = link.removeprefix(SITE) or "index.html"
            assert f" {page.removesuffix('.html')}.md\n" in read("mkdocs.yml"), link


@pytest.mark.parametrize("name", [ENGLISH, CHINESE])
def test_it_counts_the_losses(name: str) -> None:
    assert re.findall(r"\*\*(\d+) ", prose_of(name)) == [str(sum(loss.in_catalogue for loss in losscli.list_losses()))]


@pytest.mark.parametrize(("name", "rows", "second"), [(ENGLISH, "10 million", "s"), (CHINESE, "1000 万", "秒")])
def test_its_speed_is_the_measured_one(name: str, rows: str, second: str) -> None:
    table = [line.split("|") for line in read("docs/performance.md").splitlines()]
    (found,) = [cells for cells in table if [cell.strip() for cell in cells[1:4:2]] == MEASURED]
    ours, theirs, our_memory, their_memory = map(float, found[4:8])
    (line,) = [line for line in re.split(r"\n- |\n\n", prose_of(name)) if rows in line]
    figures = [f"{ours:.1f} {second}", f"{our_memory:.0f} MB", f"{theirs:.1f} {second}", f"{their_memory:.0f} MB"]
    assert re.findall(rf"\d[\d.]* (?:{second}\b|MB)", line) == figures


def test_the_set_up_is_two_commands() -> None:
    commands = [block.text for block in examples.blocks_of(read(ENGLISH)) if block.language == "bash"]
    try_it = ".venv/bin/losscli compare --losses mse,mae,huber sample_data/tumours.csv"
    assert commands == [
        f"python3 -m venv .venv && .venv/bin/pip install . && {try_it}\n",
        "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest\n",
    ]


def test_linked_files_exist() -> None:
    for name in ("CONTRIBUTING.md", "sample_data/README.md"):
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", read(name)):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"
