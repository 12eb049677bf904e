"""Replay the examples of a page in order.

A page is a Markdown file, and one session: its fenced blocks are replayed from top to bottom in a new folder that holds
a copy of `sample_data/`. The language of a block says what happens:

- `console`: commands (`$ `, continued by `> `) and what a terminal of 80 columns shows of them, which is renewed.
- `sh`: run by the same shell; a command that fails is an error.
- `python`: run; all blocks of a page share one namespace.
- anything else, with `title="FILE"`: written to that file, `python` too. Without a title it is not used.

A block with `title="needs torch"` (or several names) is left out where a module is missing. A block of `bash` is not
run: it is for what one machine alone cannot do.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import multiprocessing
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import termios
import textwrap
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGES_AT_THE_ROOT = ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")
TERMINAL_COLUMNS = 80
SECONDS_OF_SILENCE = 120
"""A command that prints nothing for so long is an error."""

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>\w[^`\n]*)\n(?P<text>.*?)^(?P=indent)```[ ]*$", re.DOTALL | re.MULTILINE
)
TITLE = re.compile(r'title="([^"]*)"')
END_OF_COMMAND = re.compile(rb"\x1e(\d+)\x1e\r?\n")


class ExampleError(Exception):
    """An example that cannot be replayed: its page, its line, and why."""


class Block(NamedTuple):
    """A fenced block of a page: its language, its title and its text without the indentation; lines count from 1."""

    language: str
    title: str
    text: str
    line: int

    @property
    def needs(self) -> list[str]:
        """Return the names of the modules without which the block is left out."""
        kind, _, names = self.title.partition(" ")
        return re.findall(r"[\w.]+", names.replace(" and ", " ")) if kind == "needs" else []

    @property
    def file(self) -> str:
        """Return the name of the file that the block is written to, if any."""
        return "" if self.needs or self.language in ("console", "sh") else self.title

    @property
    def is_replayed(self) -> bool:
        """Return whether the block does anything."""
        return bool(self.file) or self.language in ("console", "sh", "python")


def pages() -> list[Path]:
    """Return the pages whose examples are replayed."""
    return [*(ROOT / name for name in PAGES_AT_THE_ROOT), *sorted(ROOT.glob("docs/**/*.md"))]


def block_of(match: re.Match[str]) -> Block:
    """Return the block that `FENCE` matched."""
    language, _, rest = match["info"].partition(" ")
    title = TITLE.search(rest)
    line = match.string.count("\n", 0, match.start()) + 1
    text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
    return Block(language, title[1] if title else "", text, line)


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [block_of(match) for match in FENCE.finditer(text)]


def is_replayed(text: str) -> bool:
    """Return whether a page has examples to replay."""
    return any(block.is_replayed for block in blocks_of(text))


def commands_of(text: str) -> list[str]:
    """Return the commands of a console block; a line that starts with `> ` continues the command above it."""
    commands: list[str] = []
    is_open = False
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
            is_open = True
        elif is_open and line.startswith(">") and line[1:2] in ("", " "):
            commands[-1] += "\n" + line[2:]
        else:
            is_open = False
    return commands


class Session:
    """A shell on a terminal, and a Python beside it, in a folder of their own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.python: ProcessPoolExecutor | None = None
        self.terminal, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, TERMINAL_COLUMNS))
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def close(self) -> None:
        """End the shell and the Python."""
        assert self.shell.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.shell.stdin.close()
        self.shell.terminate()
        self.shell.wait()
        os.close(self.terminal)
        if self.python is not None:
            self.python.shutdown()

    def run(self, command: str, *, must_succeed: bool = False) -> str:
        """Return what the terminal shows of a command; variables, functions and `$?` stay for the next one."""
        assert self.shell.stdin is not None
        strict = ("set -e; ", "set +e; ") if must_succeed else ("", "")
        line = (
            f"(exit ${{status:-0}}); {strict[0]}eval {shlex.quote(command)} </dev/null; status=$?; {strict[1]}"
            "printf '\\036%d\\036\\n' $status\n"
        )
        self.shell.stdin.write(line.encode())
        self.shell.stdin.flush()
        shown = b""
        while (end := END_OF_COMMAND.search(shown)) is None:
            piece = self._read()
            shown += piece
            if not piece:
                message = "the command failed" if must_succeed else "the command ended the shell"
                raise ExampleError(f"{message}:\n{command}\n{_as_shown(shown)}")
        return _as_shown(shown[: end.start()])

    def _read(self) -> bytes:
        """Return the next bytes of the terminal; none if the shell has ended."""
        ready, _, _ = select.select([self.terminal], [], [], SECONDS_OF_SILENCE)
        if not ready:
            raise ExampleError(f"the command printed nothing for {SECONDS_OF_SILENCE} seconds")
        try:
            return os.read(self.terminal, 65536)
        except OSError:  # how Linux says that the other side was closed
            return b""

    def run_python(self, code: str, name: str) -> None:
        """Run a block in the namespace that all blocks of the page share."""
        if self.python is None:
            spawn = multiprocessing.get_context("spawn")
            self.python = ProcessPoolExecutor(1, spawn, _start_python, (str(self.folder), self.environment))
        self.python.submit(_run_python, code, name).result()


def _as_shown(data: bytes) -> str:
    """Return the bytes of a terminal as the lines of a page."""
    return "".join(line.rstrip() + "\n" for line in data.decode().replace("\r\n", "\n").splitlines())


NAMESPACE: dict[str, Any] = {"__name__": "example"}
"""What the blocks of a page have defined, in the process that runs them."""


def _start_python(folder: str, environment: dict[str, str]) -> None:
    """Make this process one that runs the blocks of a page."""
    os.chdir(folder)
    os.environ.update(environment)
    sys.path[:0] = [folder, str(ROOT)]
    warnings.simplefilter("error")


def _run_python(code: str, name: str) -> None:
    """Run a block; what it prints is not shown."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name, "exec"), NAMESPACE)
    except Exception as error:
        raise ExampleError(traceback.format_exc()) from error


@contextlib.contextmanager
def new_session() -> Iterator[Session]:
    """Make a session in which `losscli` is this checkout, on a terminal of 80 columns without colours."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, programs = Path(scratch, "page"), Path(scratch, "bin")
        programs.mkdir()
        for name, call in (("losscli", "-m losscli "), ("python3", ""), ("python", "")):
            script = programs / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n', encoding="utf-8")
            script.chmod(0o755)
        shutil.copytree(ROOT / "sample_data", folder / "sample_data")
        kept = {key: value for key, value in os.environ.items() if key in ("HOME", "LANG", "TMPDIR", "SYSTEMROOT")}
        environment = kept | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": str(TERMINAL_COLUMNS),
            "NO_COLOR": "1",
            "TERM": "xterm",
            "MPLBACKEND": "agg",
        }
        session = Session(folder, environment)
        try:
            yield session
        finally:
            session.close()


def _as_typed(command: str) -> str:
    """Return the lines of a command behind the prompts of a shell."""
    first, *others = command.split("\n")
    return "".join(f"{line}\n" for line in [f"$ {first}", *(f"> {other}".rstrip() for other in others)])


def replay_block(block: Block, session: Session, page: str) -> str:
    """Return the text of a block with the outputs of today."""
    if not all(importlib.util.find_spec(module) for module in block.needs):
        return block.text
    if block.file:
        path = session.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    elif block.language == "console":
        return "".join(_as_typed(command) + session.run(command) for command in commands_of(block.text))
    elif block.language == "sh":
        session.run(block.text, must_succeed=True)
    elif block.language == "python":
        session.run_python("\n" * block.line + block.text, str(ROOT / page))
    return block.text


def replay(text: str, page: str = "page") -> str:
    """Return the text of a page with the outputs of today. An example that fails is an `ExampleError`."""
    with new_session() as session:

        def renew(match: re.Match[str]) -> str:
            block = block_of(match)
            try:
                new = replay_block(block, session, page)
            except Exception as error:
                raise ExampleError(f"{page}, line {block.line}: {error}") from None
            fence = f"{match['indent']}```"
            return f"{fence}{match['info']}\n{textwrap.indent(new, match['indent'])}{fence}"

        return FENCE.sub(renew, text)
