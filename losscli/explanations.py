"""Several losses, explained side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from losscli.explain import Explanation, with_fillers, wrap_text
from losscli.result_base import Plottable, ResultSequence, shown

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_COLUMNS = 80
MIN_COLUMNS_BESIDE = 80
"""Losses stand one below the other on a terminal of fewer columns."""

MIN_COLUMNS_PER_LOSS = 17
NAME_OF_SECTION = {"When to use it": "use", "When not": "avoid", "In Chinese": "in Chinese"}
ROWS: tuple[str, ...] = (
    *("summary", "formula", "symbols", "aims at", "bounded value", "bounded gradient", "convex", "differentiable"),
    *("symmetric", "translation invariant", "breakdown point", "influence function", "unit", "reduced by", "needs"),
    *("use", "avoid", "pitfalls", "in Chinese"),
    *("parameters", "reads", "gradient"),
)
"""What is said of several losses, in this order."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanations(Plottable, ResultSequence[Explanation]):
    """Several losses, explained: `print` shows them side by side."""

    _field_of_items: ClassVar[str] = "losses"

    losses: tuple[Explanation, ...]

    def __repr__(self) -> str:
        return f"<explanations of {shown([one.label for one in self.losses])}>"

    def __str__(self) -> str:
        return "\n".join(self.lines(DEFAULT_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document: that of each loss."""
        return {"losses": [one.to_dict() for one in self.losses]}

    def to_frame(self) -> pd.DataFrame:
        """Return a column for each loss, and a row for each thing that is said."""
        import pandas as pd

        rows, labels = self.rows(), [one.label for one in self.losses]
        return pd.DataFrame([cells for _, cells in rows], index=[name for name, _ in rows], columns=labels)

    def rows(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return what is said of the losses: its name, and a text for each loss, empty if nothing is."""
        cells = [explanation_cells(one) for one in self.losses]
        names = dict.fromkeys((*ROWS, *(name for found in cells for name in found)))
        rows = [(name, tuple(found.get(name, "") for found in cells)) for name in names]
        return [(name, texts) for name, texts in rows if any(texts)]

    def lines(self, columns: int, bold: Callable[[str], str] = str) -> Iterator[str]:
        """Yield lines of so many columns: a column for each loss; if they are too narrow, one loss below the other."""
        rows, labels = self.rows(), [one.label for one in self.losses]
        first = max(len(name) for name, _ in rows)
        most = max((columns - first) // (MIN_COLUMNS_PER_LOSS + 2), 1) if columns >= MIN_COLUMNS_BESIDE else 1
        at_once = math.ceil(len(labels) / math.ceil(len(labels) / most))
        for start in range(0, len(labels), at_once):
            part = slice(start, start + at_once)
            if start:
                yield ""
            width = (columns - first) // len(labels[part]) - 2
            yield from _row_lines("", tuple(labels[part]), first, width, bold)
            is_open = False
            for name, cells in rows:
                lines = list(_row_lines(name, cells[part], first, width))
                if not any(cells[part]):
                    continue
                if is_open or len(lines) > 1:  # a row of several lines stands apart
                    yield ""
                is_open = len(lines) > 1
                yield from lines


def _row_lines(
    name: str, cells: tuple[str, ...], first: int, width: int, style: Callable[[str], str] = str
) -> Iterator[str]:
    """Yield a row of cells, each wrapped to a width."""
    wrapped = [
        [piece for line in cell.split("\n") for piece in wrap_text(line, width, "").split("\n")] for cell in cells
    ]
    for i in range(max(map(len, wrapped))):
        texts = [_padded(lines[i] if i < len(lines) else "", width) for lines in wrapped]
        yield f"{'' if i else name:<{first}}  {'  '.join(map(style, texts))}".rstrip()


def _padded(text: str, width: int) -> str:
    """Return text with spaces behind it that fill up a width."""
    return text + " " * (width - len(with_fillers(text)))


def explanation_cells(explanation: Explanation) -> dict[str, str]:
    """Return what is said of a loss, by the name of its row; lists have a line for each item."""
    found = {"summary": explanation.summary}
    for section in explanation.sections:
        name = NAME_OF_SECTION.get(section.title, section.title.lower())
        pairs = "\n".join(f"{term}: {meaning}" for term, meaning in section.rows)
        if name == "formula":
            found |= {name: section.paragraphs[0], "symbols": pairs}
        elif name == "properties":
            found |= {"reduced by": "mean", **dict(section.rows)}
        elif name in ROWS:
            found[name] = pairs or " ".join(section.paragraphs)
    return found
