"""Signals that end a command: it cleans up as if it had failed, and its status says which signal it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
STATUS_OF_SIGNAL = 128
"""What shells add to the number of a signal."""

SECONDS_TO_NEXT_TRY = 0.001
"""When the exception of a signal is raised again after a destructor swallowed it."""

_received: list[int] = []
_deferring: list[bool] = []


class EndedBySignal(SystemExit):
    """SIGTERM or SIGHUP arrived. No `except Exception` takes it for an error."""


def handle_signals(numbers: Sequence[int] = tuple(SIGNALS)) -> list[tuple[int, Any]]:
    """Let signals raise exceptions, and return those that did not, with what they did.

    Signals that are ignored, as by `nohup`, stay ignored.
    """
    before = [(number, signal.getsignal(number)) for number in numbers]
    changed = [
        (number, handler) for number, handler in before if handler in (signal.SIG_DFL, signal.default_int_handler)
    ]
    for number, _ in changed:
        signal.signal(number, _end)
    return changed


def handle_signals_of_command() -> None:
    """Let signals raise exceptions in a process that does nothing else, also where one is swallowed."""
    handle_signals()
    sys.unraisablehook = _raise_later


@contextmanager
def signals_handled() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise exceptions inside of a block, in a program that has no handlers of its own."""
    changed: list[tuple[int, Any]] = []
    with suppress(ValueError):  # not in the main thread
        changed = handle_signals([number for number in SIGNALS if number != signal.SIGINT])
    try:
        yield
    finally:
        for number, handler in changed:
            signal.signal(number, handler)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Let signals wait until a block is over."""
    _deferring.append(True)
    try:
        yield
    finally:
        _deferring.clear()
        check_signals()


def ignore_signals() -> None:
    """Ignore the signals from now on: what is left to do takes a moment."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    if not _deferring:
        check_signals()


def _raise_later(unraisable: Any) -> None:
    """Raise the exception of a signal once more, a moment later, where a destructor or the like swallowed it."""
    if not _received or not isinstance(unraisable.exc_value, (KeyboardInterrupt, EndedBySignal)):
        sys.__unraisablehook__(unraisable)
    elif hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, lambda number, frame: check_signals())
        signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_NEXT_TRY)


def check_signals() -> None:
    """Raise the exception of a signal that arrived, also if it was swallowed, as in a destructor.

    Raises:
        KeyboardInterrupt: It was SIGINT.
        EndedBySignal: It was another.
    """
    if _received:
        ignore_signals()  # nothing disturbs the cleaning up
        raise KeyboardInterrupt if _received[0] == signal.SIGINT else EndedBySignal(STATUS_OF_SIGNAL + _received[0])


def status_of_signal() -> int | None:
    """Return the exit status for the signal that arrived; None if none did."""
    return STATUS_OF_SIGNAL + _received[0] if _received else None
