"""Everything that losscli refuses, each kind with the exit status the command line gives it."""

from __future__ import annotations

__all__ = ["ClusterError", "DataError", "LosscliError", "NoResultError", "UsageError"]


class LosscliError(Exception):
    """Base of every error that losscli raises on purpose.

    The message is one line: what is wrong, where, and how to mend it.
    """

    exit_status = 70


class UsageError(LosscliError, ValueError):
    """The request cannot be right whatever the data holds: an unknown loss, a parameter out of range."""

    exit_status = 2


class DataError(LosscliError, ValueError):
    """The data is missing, unreadable, or not what the loss is defined for."""

    exit_status = 3


class ClusterError(LosscliError, RuntimeError):
    """The machines that were to do the work are not there, or went away."""

    exit_status = 69


class NoResultError(LosscliError, ArithmeticError):
    """No row was left to evaluate."""

    exit_status = 4
