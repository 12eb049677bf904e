"""What an ensemble may hold: the members of a forecast, one or several a row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from losscli.declaration.domains.arrays import Domain
from losscli.declaration.domains.distributions import Vectors
from losscli.declaration.domains.intervals import Array, Params
from losscli.declaration.domains.origin import ValueOrigin
from losscli.errors import DataError
from losscli.messages import Hint


@dataclass(eq=False, repr=False)
class Members(Domain):
    """Rows of M members of an ensemble, in any order; a column of numbers is one member.

    `needs_two` is the setting that takes two members or more, if one does.
    """

    shapes: tuple[str, ...] = ("N,M",)
    needs_two: str = ""

    is_one_or_more = True
    numbered_names = ("member", "m", "ens", "ensemble", "sample", "draw", "realization", "成员")
    description = "M members, each any real number"

    def with_params(self, params: Params) -> Domain:
        if params.get("fair"):
            return replace(self, needs_two="fair=true")
        return replace(self, needs_two="ddof=1") if params.get("ddof") else self

    def check(self, values: Array, origin: ValueOrigin, dims: Mapping[str, Any]) -> NDArray[Any]:
        if self.needs_two and values.shape[1] == 1:
            problem = f"{origin.name()}: one member a row, but {self.needs_two} needs 2 or more"
            if self.needs_two == "fair=true":
                raise DataError(problem, Hint.CHOOSE_PARAMETER, setting="fair=false")
            raise DataError(f"{problem}, or a scale", Hint.CHOOSE_COLUMN, role="scale")
        return values


def are_named_members(names: Sequence[str]) -> bool:
    """Return whether columns are members by their names: member_1, member_2; m1 and m2 may be something else."""
    words = "|".join(word for word in Members.numbered_names if len(word) > 1)
    return len(names) > 1 and all(re.fullmatch(rf"(?:{words})[_.\- ]?\d+", name.lower()) for name in names)


class VectorMembers(Members):
    """Rows of M members, each a vector of D numbers."""

    is_one_or_more = False
    description = "M members, each a vector of D real numbers"


class VectorOutcomes(Vectors):
    """The vector that came true, one a row; a column of numbers is vectors of one number."""

    is_one_or_more = True
