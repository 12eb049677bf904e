"""What the hooks of a loss find wrong or odd in its arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

from losscli.messages import Hint


class Refusal(NamedTuple):
    """Values of a role that are refused: a mask, what follows the value in the message, and a hint."""

    role: str
    wrong: Any
    what: str
    hint: Hint | None = None


class Conflict(NamedTuple):
    """Two kinds of values, of which the data may hold one: masks, a key to remember each by, what is wrong with either.

    `what` follows a value of the first kind where the second is known, `other_what` the reverse.
    """

    role: str
    kind: Any
    what: str
    other_role: str
    other: Any
    other_what: str
    hint: Hint | None = None


class Remark(NamedTuple):
    """Rows whose loss says less than it seems to: a mask, and what follows the first row in the note."""

    role: str
    odd: Any
    what: str
