"""The command line as tests drive it: in this process, with stdin as bytes and stdout and stderr apart."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from losscli import registry
from losscli.cli import run


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


def interruptible() -> None:
    """For a process that is to be interrupted: what a shell runs in the background starts with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
