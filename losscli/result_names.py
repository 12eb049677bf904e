"""Names of results, and of the columns that tell them apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from losscli.declaration.domains import Array

ResultKey = tuple[str, tuple[tuple[str, str], ...]]
"""The label of a loss, and its group and model."""


def group_columns(group: Mapping[str, str], model: str | None) -> dict[str, str]:
    """Return a group and a model as columns; a column of the group that is called `model`, too, as `group.model`."""
    if model is None:
        return dict(group)
    names = distinct_names(group, "group", ["model"])
    return dict(zip(names, group.values(), strict=True)) | {"model": model}


def distinct_names(names: Iterable[str], kind: str, taken: Collection[str]) -> list[str]:
    """Return names of columns of the data; those that are taken after what they are and a dot: `group.n`."""
    found: list[str] = []
    for name in names:
        distinct = name
        while distinct in taken or distinct in found:
            distinct = f"{kind}.{distinct}"
        found.append(distinct)
    return found


def result_name(key: ResultKey) -> str:
    """Return the label of a result, with its group and model."""
    label, group = key
    return label + "".join(f" ({column} {value})" for column, value in group)


def group_sort_key(key: Sequence[str]) -> list[tuple[bool, float, str]]:
    """Return what groups are sorted by: numbers by size, before other names."""
    parts = []
    for text in key:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        is_number = math.isfinite(value)
        parts.append((not is_number, value if is_number else 0.0, text))
    return parts


def gradient_columns(label: str, gradient: Array) -> dict[str, Array]:
    """Return a gradient (n, ...) as named columns."""
    if gradient.ndim == 1 or gradient[0].size == 1:
        return {f"{label}.gradient": gradient.reshape(-1)}
    flat = gradient.reshape(len(gradient), -1)
    return {f"{label}.gradient_{i}": flat[:, i] for i in range(flat.shape[1])}
