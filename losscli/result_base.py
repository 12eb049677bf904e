"""What all results have in common: equality, hashes, and results by label."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, SupportsIndex, TypeVar, overload

import numpy as np

from losscli.errors import UsageError
from losscli.messages import escape_controls
from losscli.registry import label_of

if TYPE_CHECKING:
    import pandas as pd

    from losscli.statistics.summary import Summary

Item_co = TypeVar("Item_co", covariant=True)

NoteText = TypeVar("NoteText", bound=str)

MAX_LENGTH_SHOWN = 56
"""Most characters of the items that the text of a result names."""

MAX_NOTE_LENGTH = 140
"""Characters of two lines of 80 columns behind `losscli: note: `."""


class UnknownResultError(UsageError, KeyError):
    """No result has this label, or several have."""

    __str__ = Exception.__str__


class Result:
    """A dataclass that equals another of the same fields: arrays are compared by their values, and NaN equals NaN."""

    def __eq__(self, other: object) -> bool:
        return _is_same(self, other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(_freeze(self))

    def _repr_html_(self) -> str | None:
        """Return the result for a notebook; None where its text says all."""
        found: str | None = importlib.import_module("losscli.report.notebook").notebook_html(self)
        return found


class Plottable:
    """What matplotlib can draw."""

    def plot(self, ax: Any = None) -> Any:
        """Draw the result with matplotlib, which the extra `losscli[plot]` installs.

        Args:
            ax: An Axes, or a sequence of one for each panel; None makes a figure with pyplot.

        Returns:
            The Axes that were drawn into; an array of them if there are several panels.

        Raises:
            UsageError: matplotlib is not installed, the result has nothing to draw, or `ax` does not fit.
        """
        return draw_result(self, ax)


def draw_result(result: Any, ax: Any) -> Any:
    """Draw a result, as `Plottable.plot` says."""
    pictures = importlib.import_module("losscli.plot.from_results")  # results know nothing of pictures until then
    return pictures.draw_picture_of(result, ax)


class SummaryStatistics:
    """The statistics of a result's per-sample losses, as attributes."""

    @property
    def summary(self) -> Summary:
        """The reduced value and the statistics."""
        raise NotImplementedError

    @property
    def std(self) -> float:
        """The standard deviation of the per-sample losses; it divides by n."""
        return self.summary.std

    @property
    def min(self) -> float:
        """The least per-sample loss."""
        return self.summary.min

    @property
    def median(self) -> float:
        """The median of the per-sample losses."""
        return self.summary.median

    @property
    def p95(self) -> float:
        """The 95 % quantile of the per-sample losses."""
        return self.summary.p95

    @property
    def max(self) -> float:
        """The greatest per-sample loss."""
        return self.summary.max

    @property
    def sum(self) -> float:
        """The weighted sum of the per-sample losses."""
        return self.summary.sum


class ResultSequence(Result, Sequence[Item_co]):
    """Results in a sequence, which are in the field of that name. A label that one alone has is an index, too."""

    _field_of_items: ClassVar[str]

    @property
    def _items(self) -> tuple[Item_co, ...]:
        return tuple(getattr(self, self._field_of_items))

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item_co]:
        return iter(self._items)

    @overload
    def __getitem__(self, index: SupportsIndex | str) -> Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item_co, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return find_result(self._items, index) if isinstance(index, str) else self._items[index]

    if not TYPE_CHECKING:  # a checker would take any attribute

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name != self._field_of_items and len(self) and hasattr(self[0], name):
                label = _item_label(self[0])
                by_label = f" or result[{label!r}].{name}" if [*map(_item_label, self)].count(label) == 1 else ""
                example = f"result[0].{name}{by_label}"
                raise AttributeError(
                    f"{type(self).__name__} holds {len(self)} result{'s' * (len(self) > 1)}, each with its {name}: "
                    f"take one, as {example}, or all, as result.to_frame()"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __float__(self) -> float:
        raise TypeError(f"{type(self).__name__} holds {len(self)} results: take one, as float(result[0])")


def rows_to_frame(results: Sequence[Any]) -> pd.DataFrame:
    """Return a frame with the `row` of each result, by its label."""
    import pandas as pd

    return pd.DataFrame([r.row for r in results], index=pd.Index([r.label for r in results], name="loss"))


def find_result(items: Sequence[Any], label: str) -> Any:
    """Return the item of this label, or else of this name.

    Raises:
        UnknownResultError: There is none, or there are several: of groups, models or parameters.
    """
    found = [item for item in items if _item_label(item) == label]
    found = found or [item for item in items if _name(item) == label]
    labels = list(dict.fromkeys(map(_item_label, items)))
    if not found and (meant := label_of(label)) != label:
        return find_result(items, meant)
    if len(found) != 1:
        what = f"{len(found)} results are called" if found else "no result is called"
        raise UnknownResultError(f"{what} {label!r}; there are {', '.join(labels)}: iterate, or use an index from 0")
    return found[0]


def _item_label(item: Any) -> str:
    return str(getattr(item, "label", ""))


def _name(item: Any) -> str:
    return str(getattr(getattr(item, "result", item), "name", ""))


def shown(texts: Sequence[str]) -> str:
    """Return the first of these texts, on one line that is not long, and how many more there are."""
    first, count, length = [short_text(text) for text in texts], 0, 0
    while count < len(first) and (not count or length + len(first[count]) + 2 <= MAX_LENGTH_SHOWN):
        length += len(first[count]) + 2 * (count > 0)
        count += 1
    more = len(texts) - count
    return ", ".join(first[:count]) + (f" and {more} more" if more else "")


class Baseline(NamedTuple):
    """The value in the baseline file, and the value now, of the same signature."""

    value: float | None
    now: float

    @property
    def change(self) -> float | None:
        """The relative change; None if it is not defined."""
        if self.value is None or not math.isfinite(self.now):
            return None
        if self.value == 0:
            return 0.0 if self.now == 0 else None
        return (self.now - self.value) / abs(self.value)


def short_text(text: str, most: int = MAX_LENGTH_SHOWN) -> str:
    """Return a text on one line, without its middle where it is longer than `most` characters, an even number."""
    text = escape_controls(text)
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 1]}…{text[-half:]}"


def fit_names(
    write: Callable[[Sequence[str]], NoteText], names: Sequence[str], least: int, room: int = MAX_NOTE_LENGTH
) -> NoteText:
    """Return the note that `write` makes of names.

    The names lose their middles, down to `least` characters, only as far as the note needs to fit its room.
    """
    names = [escape_controls(name) for name in names]
    longest = max(map(len, names), default=0)
    for most in (longest + longest % 2, *range(longest - longest % 2, least - 1, -2)):
        note = write([short_text(name, most) for name in names])
        if len(note) <= room:
            break
    return note


def _compared(value: Any) -> list[Any]:
    """Return what counts when a dataclass is compared: its fields, and properties that it names."""
    names = [field.name for field in fields(value) if field.compare]
    return [getattr(value, name) for name in (*names, *getattr(value, "_compared_too", ()))]


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
    if type(a) is not type(b):
        return not (isinstance(a, np.ndarray) or isinstance(b, np.ndarray)) and bool(a == b)
    if is_dataclass(a):
        return _is_same(_compared(a), _compared(b))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_is_same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_is_same(a[key], b[key]) for key in a)
    return bool(a == b) or (isinstance(a, float) and a != a and b != b)


def _freeze(value: Any) -> Any:
    """Return something that can be hashed, the same for values that `_is_same` takes for equal."""
    if isinstance(value, np.ndarray):
        return value.shape
    if is_dataclass(value):
        return _freeze(_compared(value))
    if isinstance(value, (list, tuple)):
        return tuple(map(_freeze, value))
    if isinstance(value, dict):
        return frozenset((key, _freeze(item)) for key, item in value.items())
    return None if isinstance(value, float) and value != value else value
