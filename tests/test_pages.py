"""What the pages of docs/ say is so: the losses that they name exist, and nothing is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import losscli
from tools import examples

DOCS = Path(__file__).parent.parent / "docs"
WHICH_LOSS = [DOCS / "concepts/which-loss.md", DOCS / "zh/which-loss.md"]
TRANSLATIONS = [
    pytest.param(DOCS / "tutorial.md", DOCS / "zh/tutorial.md", id="tutorial"),
    pytest.param(*WHICH_LOSS, id="which-loss"),
]
NOT_LOSSES = {"compare", "skill", "--group-by", "--top 5"}
"""What the tables of which-loss name beside losses."""


def test_every_exit_status_is_listed() -> None:
    text = (DOCS / "reference/exit-status.md").read_text(encoding="utf-8")
    kinds = (losscli.UsageError, losscli.DataError, losscli.NoResultError, losscli.ClusterError)
    for status in [0, 1, *(kind.exit_status for kind in kinds), losscli.LosscliError.exit_status, 130, 141]:
        assert f"| {status} |" in text


def losses_in_tables(page: Path) -> list[str]:
    """Return the losses that the tables of a page name."""
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return [name for name in named if name not in NOT_LOSSES]


@pytest.mark.parametrize("page", WHICH_LOSS, ids=lambda page: page.parent.name)
def test_every_loss_to_take_exists(page: Path) -> None:
    named = losses_in_tables(page)
    assert len(set(named)) > 70
    for name in named:
        assert losscli.get_loss(name).name == name.partition(":")[0]


def shape(page: Path) -> tuple[list[tuple[str, str, str]], list[int], int]:
    """Return what a translation has in common with its page: examples, levels of headings, rows of tables."""
    text = page.read_text(encoding="utf-8")
    blocks = [(block.language, block.title, block.text) for block in examples.blocks_of(text)]
    lines = examples.FENCE.sub("", text).splitlines()
    headings = [len(line) - len(line.lstrip("#")) for line in lines if line.startswith("#")]
    return blocks, headings, sum(line.startswith("|") for line in lines)


@pytest.mark.parametrize(("page", "translation"), TRANSLATIONS)
def test_a_translation_is_in_step(page: Path, translation: Path) -> None:
    assert shape(translation) == shape(page)


def test_a_translation_names_the_same_losses() -> None:
    english, chinese = (losses_in_tables(page) for page in WHICH_LOSS)
    assert sorted(english) == sorted(chinese)


def test_the_numbers_of_libraries_are_those_that_are_computed() -> None:
    text = (DOCS / "concepts/conventions.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[2:-1]] for line in text.splitlines() if re.match(r"\| \d", line)]
    code = {block.title: block.text for block in examples.blocks_of(text) if "near(" in block.text}
    assert (len(rows), len(code)) == (20, 5)
    for column, (title, lines) in enumerate(code.items()):
        expected = {float(number) for number in re.findall(r"(?m)^ *near\(.*, (-?[\d.]+)\)$", lines)}
        cells = [re.sub(r"`.*?`", "", row[column]) for row in rows]
        shown = [float(number) for cell in cells for number in re.findall(r"-?\d[\d.]*", cell)]
        assert len(shown) > 6
        assert set(shown) <= expected, title
