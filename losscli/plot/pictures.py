"""What a picture shows, as numbers and words: panels with axes and marks, and the sentence that says what to see.

A picture is computed once. The terminal (`terminal.py`) and matplotlib (`figure.py`) draw it, and `to_dict` is its
JSON document. A mark has a label, which is drawn beside it; `style` is the index of its colour and dash (`styles.py`),
the same for one loss or model in all panels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.results import SCHEMA_VERSION, DataInfo, Evaluation, jsonable
from losscli.version import __version__


class Axis(NamedTuple):
    """An axis: its label with the unit, its range, and whether it is logarithmic.

    `categories` are the names at 0, 1, ... of an axis of names; the first is at the top.
    """

    label: str
    low: float
    high: float
    is_log: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Mark:
    """Something drawn in a panel."""

    type: ClassVar[str]
    label: str

    def to_dict(self) -> dict[str, Any]:
        """Return the mark for JSON: numbers that are not finite are None."""
        fields = {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()
        }
        return {"type": self.type} | {name: jsonable(value) for name, value in fields.items()}


@dataclass(frozen=True, eq=False)
class Line(Mark):
    """A curve through points (k,); NaN is a gap. A reference is thin and grey, as a diagonal."""

    type: ClassVar[str] = "line"
    x: Array
    y: Array
    style: int = 0
    is_reference: bool = False


@dataclass(frozen=True, eq=False)
class Bars(Mark):
    """Heights (k,) between edges (k + 1,): filled, or an outline only.

    `is_marked` says which bars stand out (outliers). `details` are columns of text of the same length, by their name,
    that the terminal prints beside the bars.
    """

    type: ClassVar[str] = "bars"
    edges: Array
    heights: Array
    style: int = 0
    is_outline: bool = False
    is_marked: tuple[bool, ...] = ()
    details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Band(Mark):
    """The area between two curves (k,) each."""

    type: ClassVar[str] = "band"
    x: Array
    low: Array
    high: Array
    style: int = 0


@dataclass(frozen=True, eq=False)
class IntervalMark(Mark):
    """A value with its interval on the line of a category; without an interval, its ends are None.

    `text` is printed at its end: the value in human form. `remark` is printed above it.
    """

    type: ClassVar[str] = "interval"
    category: int
    value: float
    low: float | None
    high: float | None
    text: str = ""
    remark: str = ""
    style: int = 0


@dataclass(frozen=True, eq=False)
class Point(Mark):
    """A point that stands out; its label is drawn beside it."""

    type: ClassVar[str] = "point"
    x: float
    y: float
    style: int = 0


@dataclass(frozen=True, eq=False)
class Rule(Mark):
    """A thin straight line across the panel: at `x`, or at `y`."""

    type: ClassVar[str] = "rule"
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """Marks on two axes, under a title; `notes` are lines of text in a free corner. `height` is relative."""

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()
    height: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the panel for JSON."""
        axes = {"x": jsonable(self.x._asdict()), "y": jsonable(self.y._asdict())}
        return {
            "title": self.title,
            **axes,
            "notes": list(self.notes),
            "marks": [mark.to_dict() for mark in self.marks],
        }


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: its kind, its panels, and the sentence that says what to see.

    Attributes:
        kind: `curves`, or the kind of a picture of data.
        title: What it shows, in a few words.
        panels: The panels: side by side, or below each other if they are `stacked`.
        sentence: What to see, made from the numbers; it is the text for those who cannot see the picture, too.
        losses: The labels of the losses.
        facts: The numbers that the sentence is made from, by name.
        data: The data it shows; None if it shows none.
        is_stacked: Whether the panels are below each other and share the x axis.
        remarks: How it was computed, where that needs a word: a sample, buckets.
        intervals: How the intervals that it shows were found, as JSON has it; empty without intervals.
        evaluation: The results beside it, which notes and the exit status come from; not part of the JSON document.
    """

    kind: str
    title: str
    panels: tuple[Panel, ...]
    sentence: str
    losses: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    data: DataInfo | None = None
    is_stacked: bool = False
    remarks: tuple[str, ...] = ()
    intervals: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        data = {} if self.data is None else {"data": self.data.to_dict()}
        return {
            "schema_version": SCHEMA_VERSION,
            "losscli": __version__,
            **data,
            "kind": self.kind,
            "title": self.title,
            "losses": list(self.losses),
            "sentence": self.sentence,
            "remarks": list(self.remarks),
            **({"intervals": dict(self.intervals)} if self.intervals else {}),
            "facts": jsonable(dict(self.facts)),
            "panels": [panel.to_dict() for panel in self.panels],
        }
