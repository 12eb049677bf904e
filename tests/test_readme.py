"""Nothing in the README is unproven: its console examples are run on a terminal of 80 columns, its Python is run.

`LOSSCLI_UPDATE_README=1 python -m pytest -n0 tests/test_readme.py` writes the outputs anew.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import losscli
from losscli.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="session")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `losscli` is this checkout."""
    folder = tmp_path_factory.mktemp("bin")
    for name, call in (("losscli", "-m losscli "), ("python3", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n')
        script.chmod(0o755)
    keep = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "TMPDIR", "SYSTEMROOT")}
    path = f"{folder}:{os.environ['PATH']}"
    return keep | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}


def shown(command: str, environment: dict[str, str]) -> str:
    """What a terminal of 80 columns shows of a command."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    data = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # how Linux says that the other side was closed
            break
        if not piece:
            break
        data += piece
    os.close(master)
    process.wait(timeout=60)
    return "".join(line.rstrip() + "\n" for line in data.decode().replace("\r\n", "\n").splitlines())


def commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def replayed(block: str, environment: dict[str, str]) -> str:
    return "".join(f"$ {command}\n{shown(command, environment)}" for command in commands(block))


BLOCKS = CONSOLE.findall(README.read_text(encoding="utf-8"))


@pytest.mark.skipif(bool(os.environ.get("LOSSCLI_UPDATE_README")), reason="being written anew")
@pytest.mark.parametrize("block", BLOCKS, ids=[commands(block)[0] for block in BLOCKS])
def test_console_example(block: str, terminal: dict[str, str]) -> None:
    assert replayed(block, terminal) == block


@pytest.mark.skipif(not os.environ.get("LOSSCLI_UPDATE_README"), reason="writes the README")
def test_update(terminal: dict[str, str]) -> None:
    text = README.read_text(encoding="utf-8")
    text = CONSOLE.sub(lambda match: f"```console\n{replayed(match.group(1), terminal)}```", text)
    README.write_text(text, encoding="utf-8")


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
