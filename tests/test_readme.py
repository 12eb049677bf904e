"""Nothing in the README is unproven: its console examples are run on a terminal of 80 columns, its Python is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import losscli
from losscli.cli import COMMANDS
from tools import regenerate

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
BLOCKS = regenerate.CONSOLE.findall(README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("block", BLOCKS, ids=[regenerate.commands_of(block)[0] for block in BLOCKS])
def test_console_example(block: str) -> None:
    with regenerate.terminal() as environment:
        assert regenerate.replay(block, environment) == block, regenerate.command_for("readme")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_python_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for code in PYTHON.findall((ROOT / name).read_text(encoding="utf-8")):
        exec(compile(code, name, "exec"), {"__name__": "example"})


def test_every_command_is_shown() -> None:
    for command in COMMANDS:
        assert f"$ losscli {command}" in README.read_text(encoding="utf-8")


def test_every_exit_status_is_listed() -> None:
    text = README.read_text(encoding="utf-8")
    kinds = (losscli.UsageError, losscli.DataError, losscli.NoResultError, losscli.ClusterError)
    for status in [0, 1, *(kind.exit_status for kind in kinds), losscli.LosscliError.exit_status, 130, 141]:
        assert f"| {status} |" in text


def test_linked_files_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "sample_data/README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", text):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"
