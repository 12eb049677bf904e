"""Fonts of figures: which are installed for names in other scripts, and what is drawn where there is none."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

from matplotlib import font_manager

from losscli.plot.figure_labels import plain
from losscli.plot.pictures import Picture

FURTHER_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Noto Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "Droid Sans Fallback",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Source Han Serif SC",
    "SimSun",
    "AR PL UMing CN",
    "AR PL UKai CN",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""Fonts with what DejaVu Sans lacks, on Linux, Windows and macOS."""

NO_GLYPH = "□"


def families_for(picture: Picture, families: Iterable[str]) -> list[str]:
    """Return font families, and installed ones that have what characters of a picture these lack.

    matplotlib keeps a list of fonts: those installed since it was made are looked at, too, if no font of it will do.
    """
    found, lacking = list(families), set[int]()

    def note(text: str) -> str:
        if not text.isascii():
            lacking.update(map(ord, plain(text)))
        return text

    map_texts((picture.title, picture.sentence, picture.panels, picture.remarks), note)
    lacking -= glyphs_of(found) if lacking else set()
    known = {font.name for font in font_manager.fontManager.ttflist}
    for name in filter(known.__contains__, FURTHER_FONTS):
        if lacking & glyphs_of([name]):
            found.append(name)
            lacking -= glyphs_of([name])
    for path in new_font_files() if lacking else ():
        if lacking & glyphs_of_file(path):
            font_manager.fontManager.addfont(path)
            names = [font.name for font in font_manager.fontManager.ttflist if font.fname == path]
            found.append(next((name for name in FURTHER_FONTS if name in names), names[0]))
            lacking -= glyphs_of_file(path)
    return found


@functools.cache
def new_font_files() -> list[str]:
    """Return the files of fonts that matplotlib's list does not have, plain ones first."""
    known = {font.fname for font in font_manager.fontManager.ttflist}

    def order(path: str) -> tuple[bool, bool, str]:
        name = os.path.basename(path).lower()
        return "regular" not in name, "sans" not in name, path

    return sorted(set(font_manager.findSystemFonts()) - known, key=order)


def glyphs_of(families: Iterable[str]) -> set[int]:
    """Return the characters that fonts of these families have."""
    paths = {font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families}
    return {code for path in paths for code in glyphs_of_file(path)}


def glyphs_of_file(path: str) -> set[int]:
    """Return the characters that the font of a file has; none if it cannot be read."""
    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return set()


def with_known_glyphs(picture: Picture, families: Iterable[str]) -> Picture:
    """Return a picture in which characters are boxes that no font of these families has.

    matplotlib draws a box for them, too, but warns each time.
    """
    known = glyphs_of(families)

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
