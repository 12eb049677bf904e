"""Signals that end a command: it cleans up as if it had failed, and its status says which signal it was."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
STATUS_OF_SIGNAL = 128
"""What shells add to the number of a signal."""

SECONDS_LATER = 0.001

_received: list[int] = []


class EndedBySignal(BaseException):
    """SIGTERM or SIGHUP arrived. No `except Exception` takes it for an error."""


def handle_signals() -> None:
    """Let the signals raise exceptions; those that are ignored, as by `nohup`, stay ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
    sys.unraisablehook = _raise_later


def ignore_signals() -> None:
    """Ignore the signals from now on: what is left to do takes a moment."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    ignore_signals()  # nothing disturbs the cleaning up
    _received.append(number)
    check_signals()
    raise AssertionError


def _raise_later(unraisable: Any) -> None:
    """Raise the exception of a signal once more, a moment later, where a destructor or the like swallowed it."""
    if not _received or not isinstance(unraisable.exc_value, (KeyboardInterrupt, EndedBySignal)):
        sys.__unraisablehook__(unraisable)
    elif hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, lambda number, frame: check_signals())
        signal.setitimer(signal.ITIMER_REAL, SECONDS_LATER)


def check_signals() -> None:
    """Raise the exception of a signal that arrived, also if it was swallowed, as in a destructor.

    Raises:
        KeyboardInterrupt: It was SIGINT.
        EndedBySignal: It was another.
    """
    if _received:
        raise KeyboardInterrupt if _received[0] == signal.SIGINT else EndedBySignal


def status_of_signal() -> int | None:
    """Return the exit status for the signal that arrived; None if none did."""
    return STATUS_OF_SIGNAL + _received[0] if _received else None
