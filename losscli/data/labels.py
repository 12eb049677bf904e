"""Class names: the endings of the prediction's columns, and the classes that labels mean by them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.keys import canonical_key
from losscli.data.values import parse_number, shorten
from losscli.declaration.domains import FIRST_NAME, Array, ValueOrigin, number_of_name
from losscli.errors import DataError, UsageError
from losscli.messages import Hint, did_you_mean

if TYPE_CHECKING:
    from losscli.data.role_columns import RoleColumns

MAX_NAMES_SHOWN = 12

SEPARATORS = "_-. :=[("
"""Characters that end the common prefix of columns: p_cat, prob.cat, Probability:Class=cat, y_pred[0], P(cat)."""

BRACKETS = (("[", "]"), ("(", ")"))

_NUMBERED = r"(?s)(?P<prefix>.*?)(?P<number>((?<![^_. :=\[(])-)?\d+(\.\d+)?)"
"""A name that ends in a number: p10, prob_-1, q0.05. After a letter or a digit, a dash is a separator."""


POSITIONS = "positions"
"""The key by which it is remembered that labels are positions of names."""


class Endings(NamedTuple):
    """Names of the columns of a vector without what they share.

    `names` follow the common prefix, cut back to its last separator, or to before the digits if all of them are
    numbers; a common end from a separator on is left out, too (cat_prob, dog_prob). `longer` are the same with less
    taken off, from the shortest to the whole names: a class `big_cat` in the column prob_big_cat beside prob_big_dog.
    """

    names: tuple[str, ...]
    longer: tuple[tuple[str, ...], ...] = ()

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        return self.names, *self.longer

    def take(self, order: Sequence[int]) -> Endings:
        """Return the endings in another order."""
        names, *longer = (tuple(level[i] for i in order) for level in self.levels)
        return Endings(names, tuple(longer))


def find_endings(columns: Sequence[str], usual_prefixes: Collection[str] = ()) -> Endings:
    """Return the endings of column names.

    `usual_prefixes` may precede them without a separator: probcat, probdog.
    """
    bodies = list(columns)
    for opening, closing in BRACKETS:
        if all(name.endswith(closing) and opening in name for name in columns):
            bodies = [name[:-1] for name in columns]
    levels = _without_prefixes(bodies, usual_prefixes)
    if None in map(class_number, levels[0]):
        shared = _common_start([name[::-1] for name in bodies])[::-1]
        end = shared[min((shared.find(mark) for mark in "_-. :=" if mark in shared), default=len(shared)) :]
        levels = _without_prefixes([name.removesuffix(end) for name in bodies], usual_prefixes) + levels
    first, *longer = dict.fromkeys([*(level for level in levels if all(level)), tuple(columns)])
    return Endings(first, tuple(longer))


def _without_prefixes(names: Sequence[str], usual_prefixes: Collection[str]) -> list[tuple[str, ...]]:
    """Return names without each prefix that they share, the longest first, up to the whole names."""
    common = _common_start(names)
    prefixes = {common[: i + 1] for i, character in enumerate(common) if character in SEPARATORS}
    prefixes |= {common[: len(usual)] for usual in usual_prefixes if common.lower().startswith(usual.lower())}
    numbered = [re.fullmatch(_NUMBERED, name) for name in names]
    starts = {match["prefix"] for match in numbered if match}
    if len(starts) == 1 and all(numbered):
        longest = starts.pop()
        prefixes = {prefix for prefix in prefixes if len(prefix) < len(longest)} | {longest}
    return [tuple(name[len(prefix) :] for name in names) for prefix in sorted(prefixes | {""}, key=len, reverse=True)]


def _common_start(names: Sequence[str]) -> str:
    low, high = min(names), max(names)
    return low[: next((i for i, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))]


def class_number(name: str) -> float | None:
    """Return the number that a class name is, None if it is none."""
    match = re.fullmatch(_NUMBERED, name)
    return float(name) if match and not match["prefix"] else None


def order_by_number(names: Sequence[str]) -> list[int]:
    """Return the order of names that are all numbers by these, else the order that they have."""
    numbers = [class_number(name) for name in names]
    order = range(len(names))
    return sorted(order, key=lambda i: numbers[i] or 0.0) if None not in numbers else list(order)


class ClassNames(NamedTuple):
    """The names of the classes in order, and what else a label may say for each.

    Attributes:
        names: The names, empty if unknown or if they count 0, 1, 2, ...
        codes_by_label: Text of a label -> class number.
        codes_by_number: Number of a label -> class number, if the names are numbers: a label 3 is the class called 3.
        are_positions: Whether other numbers are positions, from 0.
        requested: The number of names that were requested, which the data must fit; 0 if none were.
    """

    names: tuple[str, ...] = ()
    codes_by_label: Mapping[str, int] = {}
    codes_by_number: Mapping[float, int] = {}
    are_positions: bool = True
    requested: int = 0

    @classmethod
    def of(cls, names: tuple[str, ...], endings: Endings | None = None, requested: int = 0) -> ClassNames:
        """Return the classes of these names; `endings` of columns stand for their classes, too."""
        levels = [names, *(endings.levels if endings else ())]
        codes: dict[str, int] = {}
        for level in levels:
            for i, name in enumerate(level):
                codes.setdefault(name, i)
        if {name.lower() for name in names} == {"true", "false"}:
            codes |= {name.lower(): i for i, name in enumerate(names)}
            codes |= {"0": codes["false"], "1": codes["true"]}
        numbers = [class_number(name) for name in names]
        if None in numbers or len(set(numbers)) < len(numbers):  # 1.1 and 1.10 are two names, and one number
            # in columns called 1st, 0th, or 1, 2, other, a number is no position
            has_number = any(class_number(name) is not None for level in levels for name in level)
            are_counted = all(any(map(str.isdigit, name)) for name in levels[-1])
            # those who number labels sort their names; columns in another order would be numbered in another way
            is_ordered = bool(requested) or list(names) == sorted(names)
            return cls(names, codes, {}, is_ordered and not (has_number or are_counted), requested)
        by_number = {number: i for i, number in enumerate(numbers) if number is not None}
        counts_from_0 = numbers == list(range(len(numbers)))
        return cls(() if counts_from_0 else names, codes, by_number, False, requested)

    @property
    def has_numeric_names(self) -> bool:
        """Whether the names are numbers."""
        return bool(self.codes_by_number)

    def codes(self, values: NDArray[Any], origin: ValueOrigin) -> Array:
        """Return labels (N,) as class numbers, NaN where missing.

        Raises:
            DataError: A label is not one of the classes.
        """
        if values.dtype.kind == "f":
            if not self.has_numeric_names or not self.names:
                return values
            distinct, inverse = np.unique(values, return_inverse=True)
            codes = np.array([np.nan if v != v else self.codes_by_number.get(v, -np.inf) for v in distinct.tolist()])
            return self._refuse_unknown(codes[inverse], values, origin)
        codes = np.full(len(values), np.nan)
        is_present = values != None  # noqa: E711 - element by element
        texts, inverse = np.unique(values[is_present].astype(str), return_inverse=True)
        codes[is_present] = np.array([self._code(str(text)) for text in texts])[inverse]
        codes = self._refuse_unknown(codes, values, origin)
        self._note_positions(texts.tolist(), origin)
        return codes

    def _note_positions(self, labels: Sequence[str], origin: ValueOrigin) -> None:
        """Note, once for all batches, that labels of a file are numbers, and which columns they are taken to mean."""
        is_known = not self.are_positions or not self.names or bool(self.requested) or POSITIONS in origin.memory
        if is_known or not origin.source or not any(class_number(label) is not None for label in labels):
            return
        if self.codes_by_label.keys().isdisjoint(labels):
            origin.memory[POSITIONS] = True
            shown = ", ".join(f"{i} is {name!r}" for i, name in enumerate(self.names[:MAX_NAMES_SHOWN]))
            origin.note(f"{origin.name()}: labels are numbers: {shown}{', ...' * (len(self.names) > MAX_NAMES_SHOWN)}")

    def _refuse_unknown(self, codes: Array, values: NDArray[Any], origin: ValueOrigin) -> Array:
        unknown = np.flatnonzero(np.isneginf(codes))
        if unknown.size:
            value = values[unknown[0]]
            text = canonical_key(repr(float(value))) if values.dtype.kind == "f" else str(value)
            raise self._unknown_label(text, origin.where(int(unknown[0])))
        return codes

    def codes_or_probabilities(self, values: NDArray[Any], origin: ValueOrigin) -> Array:
        """Return predicted labels (N,) as class numbers, probabilities as they are.

        Raises:
            DataError: A label is not one of the classes, or the values may be either.
        """
        if values.dtype.kind != "f" or not self.has_numeric_names:
            return self.codes(values, origin)
        beyond, share = values > 1, (values > 0) & (values < 1)
        either = np.zeros_like(beyond)
        if not (beyond | share).any():
            either = ((values == 0) & ("0" in self.names)) | ((values == 1) & ("1" in self.names))
        memory = origin.memory
        for key, found in (("labels", beyond), ("probabilities", share), ("either", either)):
            if found.any():
                memory[key] = True
        if "either" in memory or {"labels", "probabilities"} <= memory.keys():
            i = int((either | share | beyond).argmax())
            problem = f"{origin.where(i)}: {values[i]:g} is one of the classes, or a probability"
            raise DataError(problem, Hint.GIVE_NAMES)
        return values if "labels" not in origin.memory else self.codes(values, origin)

    def _code(self, text: str) -> float:
        """Return the label's class number, NaN if it is missing, -inf if it is not one of the classes."""
        code = self.codes_by_label.get(text)
        if code is None:
            code = self.codes_by_label.get(canonical_key(text.strip()))
        if code is not None:
            return float(code)
        number = parse_number(text)
        if number is None:
            return -np.inf
        if number != number:
            return np.nan
        if self.has_numeric_names and self.names:
            return self.codes_by_number.get(number, -np.inf)
        return number if self.are_positions or self.has_numeric_names else -np.inf

    def _unknown_label(self, text: str, where: str) -> DataError:
        label = f"{where}: {shorten(text)}"
        names = self.names or tuple(self.codes_by_label)
        if not names:
            return DataError(f"{label} is not a number", Hint.NAME_CLASSES)
        question = did_you_mean(text, names)
        known = ", ".join(names[:MAX_NAMES_SHOWN]) + (", ..." if len(names) > MAX_NAMES_SHOWN else "")
        meant = f" ({question})" if question else ""
        is_number = class_number(text) is not None and not self.has_numeric_names and not self.requested
        hint = Hint.NAME_CLASSES if is_number else None
        return DataError(f"{label} is not one of the classes: they are {known}{meant}", hint)

    def check_count(self, role: str, count: int, what: str, label: str = "") -> None:
        """Raise a UsageError if classes were requested, and a role has another count of what there is one a class."""
        if self.requested and count != self.requested:
            problem = f"{self.requested} classes, but {label}{role} has {count} {what}"
            raise UsageError(problem, option=("classes", ",".join(self.names or map(str, range(self.requested)))))


def number_names(values: NDArray[Any], codes: dict[str, int]) -> Array:
    """Return labels (N,) as numbers, NaN where missing; each name that has none in `codes` gets the next."""
    names = ((name or "").strip() for name in values.tolist())
    numbers = [codes.setdefault(name, len(codes)) if name else np.nan for name in names]
    return np.array(numbers, dtype=np.float64)


def number_compared(values: NDArray[Any], codes: dict[str, int]) -> Array:
    """Return labels (N, ...) as numbers, NaN where missing: those that are numbers as they are, names from FIRST_NAME.

    A number with a leading zero is a name, as 02 is; so is one of 2^53 or more, which a float would round.
    """

    @cache
    def number(text: str | None) -> float:
        text = (text or "").strip()
        if not text:
            return np.nan
        value = parse_number(text)
        if value is None or not np.isfinite(value) or (text[0] == "0" and text.isdigit() and text != "0"):
            return number_of_name(codes.setdefault(text, len(codes)))
        if abs(value) >= FIRST_NAME:
            return number_of_name(codes.setdefault(canonical_key(text), len(codes)))
        return value

    numbers: Array = np.array([number(text) for text in values.ravel().tolist()], dtype=np.float64)
    return numbers.reshape(values.shape)


def find_class_names(bound: Mapping[str, RoleColumns], requested: tuple[str, ...]) -> ClassNames:
    """Return the requested names, else the endings of the prediction's columns.

    Of endings that say the same of the columns, those are taken that the first labels are among.

    Raises:
        UsageError: The prediction's columns have other names, or there are more or fewer of them.
    """
    predicted = bound.get("y_pred")
    endings = predicted.endings if predicted is not None else Endings(())
    if not endings.names:
        given = ClassNames.of(requested, find_endings(requested), len(requested)) if requested else ClassNames()
        if predicted is not None and len(predicted.columns) > 1:
            given.check_count("y_pred", len(predicted.columns), "columns", predicted.table.label)
        return given
    if requested:
        option = "classes", ",".join(requested)
        for level in endings.levels:
            if set(requested) == set(level):
                return ClassNames.of(level, endings, len(level))  # the columns are in this order
        for level in endings.levels:
            if set(requested) & set(level):
                raise UsageError(f"y_pred's columns are {', '.join(level)}", option=option)
        if len(requested) != len(endings.names):
            count = len(endings.names)
            raise UsageError(f"{len(requested)} classes, but y_pred has {count} columns", option=option)
        return ClassNames.of(requested, find_endings(requested), len(requested))
    labels = _first_labels(bound.get("y_true"))
    fitting = (level for level in endings.levels if labels <= set(level))
    return ClassNames.of(next(fitting, endings.names) if labels else endings.names, endings)


def _first_labels(true: RoleColumns | None) -> set[str]:
    """Return the first labels of a column of text; none if they are not known before it is read."""
    if true is None or len(true.columns) > 1 or true.columns[0].trailing:
        return set()
    values = true.table.first_values(true.columns[0].name)
    labels = {canonical_key(value) for value in (() if values is None else values.tolist()) if value is not None}
    return labels if any(class_number(label) is None for label in labels) else set()


def order_as_requested(predicted: RoleColumns, requested: Sequence[str]) -> RoleColumns:
    """Return the columns of the prediction in the order of the requested names, as they are if they have others."""
    for level in predicted.endings.levels:
        if set(level) == set(requested):
            return predicted.take([level.index(name) for name in requested])
    return predicted


def align_columns(predicted: RoleColumns, true: RoleColumns) -> RoleColumns:
    """Return the target's columns in the order of the prediction's if both have the same names.

    Raises:
        DataError: Some of their names are the same and some are not.
    """
    if len(true.columns) < 2 or len(true.columns) != len(predicted.columns):
        return true  # shapes that differ are refused where the loss is known
    for theirs in true.endings.levels:
        for names in predicted.endings.levels:
            if set(theirs) == set(names):
                index = {name: i for i, name in enumerate(theirs)}
                return true.take([index[name] for name in names])
    shared = set(true.names) & set(predicted.names)
    if any(class_number(name) is None for name in shared):
        first, second = ", ".join(true.names[:MAX_NAMES_SHOWN]), ", ".join(predicted.names[:MAX_NAMES_SHOWN])
        problem = f"the columns of {true.role} are called {first}, those of {predicted.role} {second}"
        raise DataError(f"{predicted.table.label}{problem}: give the columns that belong together the same names")
    return true
