"""What the first values of a column tell before it is read: names, or numbers that are no labels."""

from __future__ import annotations

import math

from losscli.data.role_columns import RoleColumns
from losscli.data.table import Kind
from losscli.data.values import parse_number


def holds_names(found: RoleColumns) -> bool:
    """Return whether the first values of a role are texts that are no numbers."""
    if found.columns[0].kind is not Kind.TEXT:
        return False
    numbers = [parse_number(value) for value in first_values(found)]
    return None in numbers and all(number is None or math.isnan(number) for number in numbers)  # "none" may be a name


def holds_fractions(found: RoleColumns) -> bool:
    """Return whether one of the first values of a role is a number and not a whole one: these are no class labels."""
    numbers = [parse_number(value) for value in first_values(found)]
    return any(number is not None and math.isfinite(number) and number != int(number) for number in numbers)


def first_values(found: RoleColumns) -> list[str]:
    """Return the first values of the first column of a role, as text; none if they are not known before it is read."""
    column, table = found.columns[0], found.table
    values = None if column.trailing else table.first_values(column.name)
    return [] if values is None else [value for value in values.tolist() if value is not None]
