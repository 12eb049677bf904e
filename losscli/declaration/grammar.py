"""The grammar in which a loss is typed: `name:param=value`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from losscli.declaration.names import half_width, normalize_name
from losscli.errors import UsageError
from losscli.messages import Hint, cut_text

TASKS = ("reg", "binary", "multi", "count", "survival", "rank")
"""What names of XGBoost's losses start with: they have a colon, as `reg:squarederror`."""


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
    for piece in map(str.strip, half_width(text).split(",")):
        name, *settings = piece.split(":")
        if not piece:
            continue
        if name.lower() in TASKS and settings and "=" not in settings[0]:
            name, settings = f"{name}:{settings[0]}", settings[1:]
        if name.replace(".", "").isdigit():
            raise UsageError(f"{cut_text(piece)!r} is not a loss: a list of numbers is written with slashes, as 2/4/6")
        specs.append(LossSpec(normalize_name(name), parse_settings(settings, piece)))
    if not specs:
        raise UsageError("no loss is named", Hint.LIST_LOSSES)
    return specs


def parse_settings(texts: Sequence[str], where: str) -> dict[str, RawValue]:
    """Parse settings `param=value`, which are part of `where`.

    Raises:
        UsageError: One is not of this form, or a parameter is set twice.
    """
    params: dict[str, RawValue] = {}
    for key, value in (parse_setting(text, where) for text in texts):
        if key in params:
            values = " and to ".join(cut_text(each.text) for each in (params[key], value))
            raise UsageError(f"{cut_text(where)!r}: {key} is set twice, to {values}")
        params[key] = value
    return params


def parse_setting(text: str, where: str) -> tuple[str, RawValue]:
    """Parse `param=value`, which is part of `where`.

    Raises:
        UsageError: It is not of this form.
    """
    key, equals, value = half_width(text).partition("=")
    if not (key and equals and value):
        raise UsageError(
            f"{cut_text(where)!r}: {cut_text(text)!r} is not of the form param=value (as in huber:delta=0.5)"
        )
    return normalize_name(key), RawValue(value.strip())
