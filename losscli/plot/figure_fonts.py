"""Fonts of figures: which are installed for names in other scripts, and what is drawn where there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from matplotlib import font_manager, rcParams

from losscli.plot.figure_labels import plain
from losscli.plot.pictures import Picture

FURTHER_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""Fonts with what DejaVu Sans lacks, on Linux, Windows and macOS."""

NO_GLYPH = "□"


def further_fonts() -> list[str]:
    """Return the fonts of FURTHER_FONTS that are installed."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in FURTHER_FONTS if name in known]


def with_known_glyphs(picture: Picture) -> Picture:
    """Return a picture in which characters are boxes that no font of the user's settings has.

    matplotlib draws a box for them, too, but warns each time.
    """
    families = [*rcParams["font.family"], *further_fonts()]
    paths = {font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families}
    known = {code for path in paths for code in font_manager.get_font(path).get_charmap()}

    def change(text: str) -> str:
        if text.isascii():
            return text
        return "".join(character if ord(character) in known else NO_GLYPH for character in plain(text))

    return dataclasses.replace(
        picture,
        title=change(picture.title),
        sentence=change(picture.sentence),
        panels=map_texts(picture.panels, change),
        remarks=map_texts(picture.remarks, change),
    )


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with each text in it changed, inside of tuples and dataclasses, too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        items = [map_texts(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: map_texts(getattr(value, name), change) for name in names})
    return value
