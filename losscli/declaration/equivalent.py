"""What other libraries call a loss, as calls that users can paste and tests run: a claim is declared once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MODULES_OF_LOSSES = (
    r"(?:nn|ops|losses|metrics|regression|classification|norms|scoring|general|scoringrules"
    r"|stats(?!\.entropy)|distance(?!\.cdist))"
)
CALLED = rf"^[-\w.(\[]*\b{MODULES_OF_LOSSES}\.(\w+)\("
"""A call of a loss at the start of an expression; the first group is its name."""


class StatedDifference:
    """Where a library gives another number: the reason, and inputs (roles, parameters) for which it gives `there`.

    With `gradient` it is the gradient that differs, and the value need not.
    """

    def __init__(self, reason: str, there: Any, inputs: Mapping[str, Any], gradient: bool) -> None:
        self.reason, self.there, self.inputs, self.gradient = reason, there, inputs, gradient

    @property
    def text(self) -> str:
        """The reason with its example."""
        inputs = ", ".join(f"{name}={value_text(value)}" for name, value in self.inputs.items())
        what = "gradient " if self.gradient else ""
        return f"{self.reason}: {inputs} gives {what}{value_text(self.there)}"


class Equivalent:
    """One statement: `call`, an expression of roles and parameters, gives what the loss gives.

    It may be one number (the reduced loss) or one per sample or element. An estimator minimises the loss. Parameters
    that the call does not name have their defaults, or the values of `params`. `shapes` are those of roles, where not
    all do, `condition` what parameters must fulfil, `data` what inputs it is for. `rtol` is the relative difference
    that constants of the library cause.

    It is a plain class: what a dataclass or a named tuple generates takes a millisecond of every start.
    """

    def __init__(
        self,
        library: str,
        call: str,
        params: Mapping[str, Any],
        *,
        differences: tuple[StatedDifference, ...] = (),
        shapes: Mapping[str, str] | None = None,
        condition: str = "",
        data: str = "",
        rtol: float = 1e-9,
        minimised_by: bool = False,
        note: str = "",
    ) -> None:
        self.library, self.call, self.params, self.condition = library, call, params, condition
        self.shapes = shapes or {}
        self.differences, self.data, self.rtol = differences, data, rtol
        self.minimised_by, self.note = minimised_by, note

    @property
    def called(self) -> str:
        """The function or class that is called first, the `loss` or `objective` of an estimator, or ''."""
        found = re.search(r"\b(?:loss|objective)='([^']+)'" if self.minimised_by else CALLED, self.call)
        return found[1] if found else ""

    @property
    def is_direct(self) -> bool:
        """Whether the call alone is the loss, without arithmetic."""
        return self.call[:1].isalpha() and not re.search(r"\) [-+*/]", self.call)

    @property
    def text(self) -> str:
        """The statement for people: what to call, where it holds, what differs."""
        return "; ".join([self.head, *(difference.text for difference in self.differences)])

    @property
    def head(self) -> str:
        """What to call, and where it gives the same."""
        where = [f"{name}={value_text(value)}" for name, value in self.params.items()]
        where += [self.condition] if self.condition else []
        where += [f"{role} is {shape_text(shape)}" for role, shape in self.shapes.items()]
        parts = [
            ("minimised by " if self.minimised_by else "") + self.call,
            f" where {', '.join(where)}" if where else "",
            f" for {self.data}" if self.data else "",
            f" ({self.note})" if self.note else "",
        ]
        return "".join(parts)


def value_text(value: Any) -> str:
    """Return a number, a flag or a list as losses and JSON write them."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(item) for item in value)}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def shape_text(shape: str) -> str:
    """Return a shape such as `N,C` as `(N, C)`."""
    sizes = shape.split(",")
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def same(
    library: str,
    call: str,
    *differences: StatedDifference,
    shapes: Mapping[str, str] | None = None,
    condition: str = "",
    data: str = "",
    rtol: float = 1e-9,
    **params: Any,
) -> Equivalent:
    """State that a call of another library gives the loss; tests make the call.

    Args:
        library: The library: `numpy`, `torch`, `sklearn`, ...
        call: The call as it is typed, with the roles and parameters of the loss as names.
        *differences: Where the two differ all the same.
        shapes: Role -> shape, if the call takes another one.
        condition: When it holds, in words.
        data: The kind of data that it is tried on.
        rtol: The relative difference that counts as none.
        **params: Values of parameters that the call does not name.

    Examples:
        >>> losscli.same("numpy", "np.mean((y_pred - y_true) ** 2)").text
        'np.mean((y_pred - y_true) ** 2)'
    """
    return Equivalent(
        library, call, params, differences=differences, shapes=shapes, condition=condition, data=data, rtol=rtol
    )


def minimised_by(library: str, call: str, *, condition: str = "", note: str = "", **params: Any) -> Equivalent:
    """State that an estimator of another library minimises the loss.

    Args:
        library: The library.
        call: The estimator as it is made.
        condition: When it holds, in words.
        note: What else is to be known.
        **params: Values of parameters that the call does not name.

    Examples:
        >>> losscli.minimised_by("sklearn", "QuantileRegressor(quantile=tau)").library
        'sklearn'
    """
    return Equivalent(library, call, params, condition=condition, minimised_by=True, note=note)


def unlike(reason: str, there: Any, *, gradient: bool = False, **inputs: Any) -> StatedDifference:
    """State that a library gives `there` for these roles and parameters, where losscli gives another number.

    Args:
        reason: Why, in words.
        there: The number that the library gives.
        gradient: Whether the number is of the gradient.
        **inputs: Role or parameter -> value.

    Examples:
        >>> losscli.unlike("0/0 is nan there", float("nan"), y_true=[0], y_pred=[0]).reason
        '0/0 is nan there'
    """
    return StatedDifference(reason, there, inputs, gradient)


def texts_by_library(statements: tuple[Equivalent | tuple[str, str], ...]) -> dict[str, str]:
    """Return the words of all statements on each library; prose is a library with words."""
    found: dict[str, str] = {}
    for statement in statements:
        library, text = (statement.library, statement.text) if isinstance(statement, Equivalent) else statement
        found[library] = f"{found[library]}; {text}" if library in found else text
    return found


def rows_of(statement: Equivalent | tuple[str, str]) -> list[tuple[str, str]]:
    """Return the library with what to call, then a row without a library for each difference."""
    if not isinstance(statement, Equivalent):
        return [statement]
    return [(statement.library, statement.head), *(("", difference.text) for difference in statement.differences)]
