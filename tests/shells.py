"""Interactive shells on a pseudo-terminal, with losscli on the path and its completion loaded."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.conftest import ENVIRONMENT

ARGUMENTS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETTINGS = {
    "bash": r"""bind -x '"\C-xp": printf "%s\n" "$READLINE_LINE" > buffer.new; mv buffer.new $BUFFER_FILE'""",
    "zsh": "autoload -Uz compinit; compinit -u -D; bindkey '^U' kill-whole-line; "
    "show() { print -r -- $BUFFER > buffer.new; mv buffer.new $BUFFER_FILE }; zle -N show; bindkey '^Xp' show",
    "fish": r"bind \cxp 'commandline > buffer.new; mv buffer.new $BUFFER_FILE'; bind \cu kill-whole-line",
}
LOADING = {
    "bash": 'eval "$(losscli completion bash)"',
    "zsh": 'eval "$(losscli completion zsh)"',
    "fish": "losscli completion fish | source",
}
SECONDS = 60


def install_program(folder: Path) -> dict[str, str]:
    """Write a program `losscli` into a folder, and return an environment in which shells find it."""
    program = folder / "bin" / "losscli"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m losscli "$@"\n')
    program.chmod(0o755)
    paths = {"PATH": f"{program.parent}:{ENVIRONMENT['PATH']}", "HOME": str(folder), "TERM": "xterm"}
    return {name: value for name, value in (ENVIRONMENT | paths).items() if name != "_LOSSCLI_COMPLETE"}


class InteractiveShell:
    """A shell in which keys are pressed."""

    def __init__(self, shell: str, folder: Path, environment: dict[str, str], *lines: str) -> None:
        self._buffer = folder.parent / f"{shell}.buffer"
        self._process, self._terminal = pty.fork()
        if not self._process:
            with suppress(BaseException):
                os.chdir(folder)
                os.execvpe(shell, ARGUMENTS[shell], environment | {"BUFFER_FILE": str(self._buffer)})
            os._exit(127)
        for line in (SETTINGS[shell], *(lines or (LOADING[shell],))):
            self._press(f"{line}\r")
        self._press("echo rea''dy\r")
        self.shown = ""
        self._read(lambda: "ready\r" in self.shown)

    def __enter__(self) -> InteractiveShell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            os.kill(self._process, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._process, 0)

    def complete(self, text: str, left: int = 0) -> str:
        """Type a text, move left, press TAB, and return the line that is there then; `shown` is what was written."""
        self._buffer.unlink(missing_ok=True)
        self.shown = ""
        self._press("\x15" + text + "\x1b[D" * left + "\t")
        self._press("\x18p")  # what is typed while it works waits
        self._read(self._buffer.exists)
        self._press("\x15")
        return self._buffer.read_text().removesuffix("\n")

    def _press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _read(self, is_done: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not is_done():
            assert time.monotonic() < end, self.shown
            if select.select([self._terminal], [], [], 0.02)[0]:
                self.shown += os.read(self._terminal, 1 << 16).decode("utf-8", "replace")
