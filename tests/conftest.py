"""The command line as tests drive it: in this process or one of its own, stdin as bytes, stdout and stderr apart."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from losscli import registry
from losscli.cli import run

ROOT = Path(__file__).parent.parent
LOSSCLI = [sys.executable, "-m", "losscli"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")} | {"PYTHONPATH": str(ROOT)}


class Result(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


Cli = Callable[..., Result]


class _Pipe(io.TextIOWrapper):
    """Standard input that is no terminal."""

    def isatty(self) -> bool:
        return False


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    registry.all_losses()
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))  # plugins last as long as the test

    def call(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", _Pipe(io.BytesIO(stdin)))
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Result(status, *capsys.readouterr())

    return call


@pytest.fixture
def shell(tmp_path: Path) -> Cli:
    """Run a command line as a process of its own, in an empty folder; a warning is an error there too."""

    def call(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, timeout: float = 30) -> Result:
        command = [sys.executable, "-W", "error", *LOSSCLI[1:], *map(str, arguments)]
        environment = ENVIRONMENT | dict(env or {})
        done = subprocess.run(
            command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=timeout, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call
