"""A child process that runs command lines and reads files, and that may die of what it is given.

It is forked from a server that has imported everything, so that a new one takes milliseconds.
"""

from __future__ import annotations

import gc
import importlib
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

SECONDS_PER_RUN = 5.0
MEGABYTES_PER_RUN = 1024
BYTES_OF_ADDRESS_SPACE = 8 << 30
"""An input that asks for more memory than this gets a MemoryError, and the machine survives."""

BYTES_PER_PIPE = 1 << 20

CUT_SIZES: Mapping[tuple[str, str], Callable[[int], int]] = {
    ("losscli.data.csv.table", "BYTES_PARSED_BY_CSV_MODULE"): lambda size: 16,
    ("losscli.data.csv.table", "BYTES_PER_PIECE"): lambda size: size,
    ("losscli.data.csv.split", "BYTES_PAST_RANGE"): lambda size: 16,
    ("losscli.data.dataset", "ROWS_PER_PART"): lambda size: max(1, size // 8),
    ("losscli.data.json_lines", "BYTES_READ_BY_JSON_MODULE"): lambda size: 16,
    ("losscli.data.batch", "ROWS_PER_BATCH"): lambda size: max(1, size // 8),
}
"""Module and constant -> its value, where data is to be cut into parts of about so many bytes."""


class Run(NamedTuple):
    """One command line.

    Attributes:
        arguments: What is typed.
        stdin: The bytes of standard input, a pipe.
        cut: The size in bytes of the parts that data is cut into; 0 leaves the sizes as they are.
        fifo: Whether `-` among the arguments is replaced by the name of the pipe, `/dev/fd/N`.
    """

    arguments: tuple[str, ...]
    stdin: bytes = b""
    cut: int = 0
    fifo: bool = False


class Outcome(NamedTuple):
    """What came of a command line."""

    status: int
    out: str
    err: str
    seconds: float = 0.0
    megabytes: int = 0


class Died(NamedTuple):
    """The child was killed by a signal, or ended (`signal` is 0), or did not answer in time (-1)."""

    signal: int

    def __str__(self) -> str:
        return "hangs" if self.signal < 0 else f"dies of signal {self.signal}"


# ------------------------------------------------------------------------------------------------- in the child


@contextmanager
def cut_into_parts(size: int) -> Iterator[None]:
    """Set the sizes of parts for a while."""
    before = {}
    for (module_name, name), of_size in CUT_SIZES.items() if size else ():
        module = importlib.import_module(module_name)
        before[module, name] = getattr(module, name)
        setattr(module, name, of_size(size))
    try:
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


def run_losscli(run: Run) -> Outcome:
    """Run a command line with its output as a terminal's user would get it."""
    from losscli.cli import run as run_command_line

    readable, writable = os.pipe()
    if len(run.stdin) > 1 << 16:
        import fcntl

        fcntl.fcntl(writable, fcntl.F_SETPIPE_SZ, BYTES_PER_PIPE)
    os.set_blocking(writable, False)  # more than fits into the pipe is an error, not a hang
    os.write(writable, run.stdin)
    os.close(writable)
    name = f"/dev/fd/{readable}"
    arguments = [
        argument.replace("-", name) if run.fifo and argument == "-" else argument for argument in run.arguments
    ]
    streams = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = open(readable, encoding="utf-8")  # noqa: SIM115
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", newline="\n")
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)
    start = time.monotonic()
    try:
        with cut_into_parts(run.cut), warnings.catch_warnings():
            warnings.simplefilter("always", RuntimeWarning)
            status = run_command_line(arguments)
    except BaseException as error:
        import traceback

        traceback.print_exc()
        status = 1000 if not isinstance(error, SystemExit) else 1001
    finally:
        seconds = time.monotonic() - start
        sys.stdin.close()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            stream.detach()
        sys.stdin, sys.stdout, sys.stderr = streams
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return Outcome(status, out.getvalue().decode(), err.getvalue().decode(), seconds, peak)


def run_all(files: Mapping[str, bytes], runs: Sequence[Run]) -> list[Outcome]:
    """Write files into the current folder and run command lines there, one after the other."""
    for name, data in files.items():
        with open(name, "wb") as file:
            file.write(data)
    try:
        return [run_losscli(run) for run in runs]
    finally:
        for name in files:
            os.unlink(name)


def call(function: str, *arguments: Any) -> Any:
    """Call `module:function`; an exception of it is returned as None."""
    module, _, name = function.partition(":")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(importlib.import_module(module), name)(*arguments)
    except Exception:
        return None


def serve(connection: Connection, folder: str) -> None:
    """Answer requests, in a folder, until the parent goes away."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES_OF_ADDRESS_SPACE, BYTES_OF_ADDRESS_SPACE))
    os.chdir(folder)
    gc.freeze()
    while True:
        try:
            what, *arguments = connection.recv()
        except EOFError:
            break
        try:
            answer = run_all(*arguments) if what == "run" else call(*arguments)
        except Exception as error:  # of this module: losscli's own are outcomes
            answer = error
        connection.send(answer)


# ------------------------------------------------------------------------------------------------ in the parent


class Worker:
    """A child process that is replaced when it dies."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.fuzz.preload"])
        self._folder = tempfile.TemporaryDirectory(prefix="losscli-fuzz-")
        self._process: Any = None

    def ask(self, *request: Any, seconds: float = 3 * SECONDS_PER_RUN) -> Any:
        """Return the child's answer, or that it died of the question."""
        if self._process is None:
            self._connection, other = self._context.Pipe()
            self._process = self._context.Process(target=serve, args=(other, self._folder.name), daemon=True)
            self._process.start()
            other.close()
        try:
            self._connection.send(request)
            if self._connection.poll(seconds):
                answer = self._connection.recv()
                if isinstance(answer, Exception):
                    raise answer
                return answer
        except (EOFError, ConnectionError):
            self._process.join(seconds)
            died = Died(max(0, -(self._process.exitcode or 0)))
        else:
            died = Died(-1)
        self.close()
        return died

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
            self._process = None
