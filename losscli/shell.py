"""Spell options and commands as a shell takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LONG_NAMES = {"y_true": "true", "y_pred": "pred", "columns": "column"}
"""Options whose name on the command line is another one than in Python."""

SHORT_NAMES = {"param": "P", "output": "o"}
"""Options that are usually written with one letter."""


def flag(name: str) -> str:
    """Return an option's name as it is typed, with its dashes."""
    if name in SHORT_NAMES:
        return f"-{SHORT_NAMES[name]}"
    return f"--{LONG_NAMES.get(name, name).replace('_', '-')}"


def option(name: str, value: Any = "") -> str:
    """Return an option, named as in Python, with its value, quoted for a shell; `true` and `false` are for flags."""
    value = str(value)
    if name == "list_losses":
        return "'losscli list'"
    if name == "data":  # the data of one role
        return f"{value}=FILE"
    if value == "false":
        return flag(f"no-{name}")
    if name == "columns" and value.startswith(("y_true=", "y_pred=", "weight=")):
        name, _, value = value.partition("=")
    if value in ("", "true"):
        return flag(name)
    import shlex

    return f"{flag(name)} {shlex.quote(value)}"


def command(*words: str, options: Sequence[tuple[str, str | bool]] = (), data: Sequence[str] = ()) -> str:
    """Return a command with options and data, quoted for a shell; the value of a flag is a bool."""
    import shlex

    parts = [shlex.join(words)]
    for name, value in options:
        is_flag = isinstance(value, bool)
        parts.append(option(name, str(value).lower()) if is_flag else f"{flag(name)} {shlex.quote(str(value))}")
    if any(name.startswith("-") and name != "-" for name in data):
        parts.append("-" * 2)  # what follows is no option
    return " ".join([*parts, shlex.join(data)]).rstrip()
