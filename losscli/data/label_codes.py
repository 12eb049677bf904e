"""Labels of a dataset as numbers: by the names of its classes, or numbered as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from losscli.data.labels import ClassNames, number_compared, number_names
from losscli.data.role_columns import RoleColumns
from losscli.data.table import Kind
from losscli.declaration.domains import NAMES, Domain, ValueOrigin


@dataclass(eq=False, repr=False)
class LabelCodes:
    """Numbers of the labels of each role.

    Where classes have no names and any text may be a label, names are numbered in the order of appearance: if all roles
    that hold such labels hold text, for predicted labels are compared with observed ones.

    Attributes:
        numbered: the roles whose names are numbered as they come.
    """

    bound: Mapping[str, RoleColumns]
    domains: Mapping[str, Domain]
    classes: ClassNames
    _codes: dict[str, dict[str, int]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        free = {role for role, domain in self.domains.items() if role in self.bound and domain.accepts_any_label}
        texts = {b.role for b in self.bound.values() if all(c.kind is Kind.TEXT for c in b.columns)}
        mixed = {role for role in free if self.domains[role].may_mix_names}
        is_numbered = free - mixed <= texts and not self.classes.names and free != {"y_pred"}
        self.numbered = frozenset((free - mixed if is_numbered else set()) | (mixed & texts))

    @property
    def compared_names(self) -> list[str]:
        """The names among labels that are compared with predicted ones, by their number from FIRST_NAME on."""
        return list(self._codes.get("", ()))

    def number_names(self, role: str, values: NDArray[Any], origin: ValueOrigin) -> NDArray[Any]:
        """Return the labels of a role that is `numbered`, of any shape; compared roles share one numbering."""
        if self.domains[role].is_compared:
            codes = origin.memory[NAMES] = self._codes.setdefault("", {})
            return number_compared(values, codes)
        return number_names(values.ravel(), self._codes.setdefault(role, {})).reshape(values.shape)

    def code(self, role: str, values: NDArray[Any], origin: ValueOrigin) -> NDArray[Any]:
        """Return the labels (N,) of a role by the names of the classes."""
        read = self.classes.codes_or_probabilities if self.domains[role].predicted else self.classes.codes
        return read(values, origin)
