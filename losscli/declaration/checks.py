"""What the hooks of a loss find wrong or odd in its arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

from losscli.messages import Hint


class Refusal(NamedTuple):
    """Values of a role that are refused: what a hook `validate` yields.

    Attributes:
        role: The role.
        wrong: A mask of its values.
        what: What follows the value in the message.
        hint: How to mend it.

    Examples:
        >>> losscli.Refusal("y_true", [False, True], "is no price").what
        'is no price'
    """

    role: str
    wrong: Any
    what: str
    hint: Hint | None = None


class Conflict(NamedTuple):
    """Two kinds of values, of which the data may hold one: what a hook `validate` yields.

    Attributes:
        role: The role of the first kind.
        kind: A mask of its values.
        what: What follows a value of the first kind where the second is known.
        other_role: The role of the second kind.
        other: A mask of its values.
        other_what: What follows a value of the second kind where the first is known.
        hint: How to mend it.

    Examples:
        >>> masks = [True, False], [False, True]
        >>> losscli.Conflict("y_true", masks[0], "is a share", "y_true", masks[1], "is a percentage").role
        'y_true'
    """

    role: str
    kind: Any
    what: str
    other_role: str
    other: Any
    other_what: str
    hint: Hint | None = None


class Remark(NamedTuple):
    """Rows whose loss says less than it seems to: what a hook `warn` yields.

    Attributes:
        role: The role.
        odd: A mask of its rows.
        what: What follows the first row in the note.

    Examples:
        >>> losscli.Remark("y_pred", [False, True], "is beyond the last class").role
        'y_pred'
    """

    role: str
    odd: Any
    what: str
