"""Words of pictures: counts, shares, lists, and the names of columns."""

from __future__ import annotations

from losscli.data.dataset import Dataset
from losscli.plot.scales import MINUS, NO_BREAK_SPACE
from losscli.plot.text_width import shorten_name

MAX_NAME_COLUMNS = 40
"""Most columns of a name of the data in a sentence, a title or beside an axis."""


def count_text(n: int) -> str:
    """Return a count with its thousands apart."""
    return f"{n:,}".replace(",", NO_BREAK_SPACE)


def rows_text(n: int) -> str:
    """Return `1 row` or `9 rows`."""
    return f"{count_text(n)} row{'' if n == 1 else 's'}"


def share_text(share: float) -> str:
    """Return a share as a percentage with one decimal, of the same width in a column."""
    text = "<0.1" if 0 < share < 0.0005 else f"{100 * share:.1f}"
    return f"{text}{NO_BREAK_SPACE}%"


def short_name(name: str) -> str:
    """Return a name as it stands in texts, … for the middle of a long one."""
    return shorten_name(name, MAX_NAME_COLUMNS)


def residual_name(dataset: Dataset) -> str:
    """Return the difference of the columns of y_pred and y_true, as the data calls them."""
    names = []
    for role in ("y_pred", "y_true"):
        columns = dataset.bound[role].columns
        names.append(short_name(columns[0].name) if len(columns) == 1 else role)
    return f"{names[0]} {MINUS} {names[1]}" if all(names) and names[0] != names[1] else f"y_pred {MINUS} y_true"
