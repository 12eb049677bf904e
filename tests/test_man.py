"""Man pages: they say what the help texts say, and groff and mandoc find no fault in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from losscli.cli import COMMANDS
from tests.conftest import ROOT
from tools.man import FOLDER, commands, make_page, man_pages, without_date

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"]
PAGES = man_pages()


def shown(page: str, *arguments: str, **environment: str) -> str:
    """Return what `man` shows of a page at 80 columns."""
    command = ["man", *arguments, page]
    more = {"MANWIDTH": "80", "MANROFFOPT": "-c", "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | more)
    assert done.stderr == ""
    return re.sub(".\b", "", done.stdout)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_man_page_is_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert without_date(text) == without_date(PAGES[path]), "run: python tools/regenerate.py man"
    assert [one for one in re.findall(r"^\.SH (.*)$", text, re.MULTILINE) if one in SECTIONS] == SECTIONS


def test_there_is_a_page_for_each_command_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"losscli.1", *(f"losscli-{name}.1" for name in COMMANDS)}
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {FOLDER.name: "share/man/man1"}


def test_a_page_keeps_its_date_while_it_says_the_same() -> None:
    path = FOLDER / "losscli-list.1"
    old = re.sub(r'"\d{4}-\d\d-\d\d"', '"2001-02-03"', PAGES[path])
    assert make_page(path, old) == old
    assert make_page(path, old.replace("loss", "gain")) == PAGES[path]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
def test_mandoc_finds_no_fault() -> None:
    done = subprocess.run(["mandoc", "-Tlint", *map(str, PAGES)], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


@pytest.mark.skipif(not (shutil.which("man") and shutil.which("groff")), reason="needs man and groff")
def test_man_shows_the_page_of_an_option_at_80_columns() -> None:
    text = shown(str(FOLDER / "losscli-compute.1"), "--warnings", "-l")
    assert max(map(len, text.splitlines())) <= 80
    for option in (name for one in commands()["compute"].params for name in one.opts if not getattr(one, "hidden", 1)):
        assert re.search(rf"^ +.*{re.escape(option)}(?![\w-])", text, re.MULTILINE), option
    assert "'mse>0.5'" in text


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("man") and shutil.which("groff")), reason="needs man and groff")
def test_man_finds_the_pages_beside_the_program(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "share" / "man" / "man1")
    for path in PAGES:
        assert "SEE ALSO" in shown(path.stem, "--warnings", MANPATH=str(tmp_path / "share" / "man"))
