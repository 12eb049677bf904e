"""The grammar in which a loss is typed: `name:param=value`."""

from __future__ import annotations

from typing import NamedTuple

from losscli.errors import UsageError


class RawValue(NamedTuple):
    """A parameter's value as it was typed, not yet read."""

    text: str


class LossSpec(NamedTuple):
    """A loss as typed: a name and parameters not yet looked up."""

    name: str
    params: dict[str, RawValue]


def parse(text: str) -> list[LossSpec]:
    """Read `name[:param=value]...`, joined by commas.

    Raises:
        UsageError: a piece that is not of this form.
    """
    requests = [_parse_one(piece) for piece in text.split(",")]
    if not any(requests):
        raise UsageError("no loss is named: try 'losscli list'")
    return [request for request in requests if request]


def _parse_one(piece: str) -> LossSpec | None:
    name, *settings = piece.strip().split(":")
    if not name and not settings:
        return None
    if name.replace(".", "").isdigit():
        raise UsageError(f"{piece.strip()!r} is not a loss: a list of numbers is written with slashes, as 2/4/6")
    params = {}
    for setting in settings:
        key, value = parse_setting(setting, piece.strip())
        params[key] = value
    return LossSpec(normal(name), params)


def parse_setting(text: str, where: str) -> tuple[str, RawValue]:
    """Read `param=value`."""
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise UsageError(f"{where!r}: {text!r} is not of the form param=value (as in huber:delta=0.5)")
    return normal(key), RawValue(value.strip())


def normal(name: str) -> str:
    """A name as it is looked up: case and the difference between - and _ do not matter."""
    return name.strip().lower().replace("-", "_")
