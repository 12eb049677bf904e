"""The grammar in which a loss is typed: `name:param=value`."""

from __future__ import annotations

from typing import NamedTuple

from losscli.errors import UsageError


class RawValue(NamedTuple):
    """The value of a parameter as typed, not parsed yet."""

    text: str


class LossSpec(NamedTuple):
    """A loss as typed: a name and parameters that are not looked up yet."""

    name: str
    params: dict[str, RawValue]


def parse_specs(text: str) -> list[LossSpec]:
    """Parse `name[:param=value]...`, joined by commas.

    Raises:
        UsageError: A piece is not of this form.
    """
    specs = []
    for piece in map(str.strip, text.split(",")):
        name, *settings = piece.split(":")
        if not piece:
            continue
        if name.replace(".", "").isdigit():
            raise UsageError(f"{piece!r} is not a loss: a list of numbers is written with slashes, as 2/4/6")
        params: dict[str, RawValue] = {}
        for key, value in (parse_setting(setting, piece) for setting in settings):
            if params.setdefault(key, value) != value:
                raise UsageError(f"{piece!r}: {key} has two values: leave one out")
        specs.append(LossSpec(normalize_name(name), params))
    if not specs:
        raise UsageError("no loss is named: try 'losscli list'")
    return specs


def parse_setting(text: str, where: str) -> tuple[str, RawValue]:
    """Parse `param=value`, which is part of `where`.

    Raises:
        UsageError: It is not of this form.
    """
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise UsageError(f"{where!r}: {text!r} is not of the form param=value (as in huber:delta=0.5)")
    return normalize_name(key), RawValue(value.strip())


def normalize_name(name: str) -> str:
    """Return a name as it is looked up: in lower case, with _ for -."""
    return name.strip().lower().replace("-", "_")
