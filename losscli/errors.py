"""Errors that losscli raises on purpose, each with its exit status on the command line."""

from __future__ import annotations

from typing import Any

from losscli.messages import Hint, Message


class LosscliError(Exception):
    """Base of every error that losscli raises on purpose.

    The message is one line: what is wrong, where, and how to mend it. `hint` names options; the text of the error
    spells them for Python, the command line spells them for a shell.

    Attributes:
        message: The text, which the command line can spell in its own way.
        exit_status: The status that the command line ends with.

    Examples:
        >>> try:
        ...     losscli.compute("mse", y_true=[1, None], y_pred=[1, 2])
        ... except losscli.LosscliError as error:
        ...     print(type(error).__name__, error.exit_status, error)
        DataError 3 ...
    """

    exit_status = 70

    def __init__(
        self, problem: str, hint: Hint | None = None, *, option: tuple[str, Any] | None = None, **fields: Any
    ) -> None:
        """Make an error from a message, or from what makes one."""
        if not isinstance(problem, Message):
            problem = Message(problem, hint, option=option, **fields)
        self.message = problem
        super().__init__(self.message)


class UsageError(LosscliError, ValueError):
    """The request cannot be right whatever the data holds: an unknown loss, a parameter out of range.

    Examples:
        >>> losscli.get_loss("mes")
        Traceback (most recent call last):
        losscli.errors.UsageError: ...
    """

    exit_status = 2


class DataError(LosscliError, ValueError):
    """The data is missing, unreadable, or outside of the domain of the loss.

    Examples:
        >>> losscli.compute("bce", y_true=[0, 1], y_pred=[0.5, 7])
        Traceback (most recent call last):
        losscli.errors.DataError: ...
    """

    exit_status = 3


class ClusterError(LosscliError, RuntimeError):
    """The cluster does not answer or went away.

    Examples:
        >>> losscli.compute("mse", "d.csv", engine="dask", scheduler="tcp://10.0.0.1:8786")  # doctest: +SKIP
        Traceback (most recent call last):
        losscli.errors.ClusterError: ...
    """

    exit_status = 69


class OutputError(LosscliError):
    """The output cannot be written: the disk is full, or may not be written to."""

    exit_status = 2

    @classmethod
    def of(cls, error: OSError, path: str | None) -> OutputError:
        """Return the error for one of the operating system; `path` is None for standard output."""
        reason = error.strerror or str(error)
        if path is None:
            return cls(f"cannot write to standard output: {reason}")
        return cls(f"cannot be written: {reason}", option=("output", path))


class NoResultError(LosscliError, ArithmeticError):
    """No row was left to evaluate.

    Examples:
        >>> losscli.get_loss("mse").value([], [])
        Traceback (most recent call last):
        losscli.errors.NoResultError: there are no rows
    """

    exit_status = 4
