"""What matplotlib writes as SVG, made smaller, and fit to stand in a page."""

from __future__ import annotations

import re

from losscli.plot.figure_axes import GRID, INK, MUTED
from losscli.plot.styles import STYLES

_PATH = re.compile(r' d="([^"]*)"')
_POSITION = re.compile(r'( (?:x|y|width|height|transform)=")([^"]*)"')
_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e[-+]?\d+)?")
_ID = re.compile(r'( id="|"url\(#|url\(#|href="#)')


def round_numbers(svg: bytes) -> bytes:
    """Return an SVG file with coordinates to 0.01 points."""
    text = svg.decode()
    text = _PATH.sub(lambda found: f' d="{_short_path(found[1])}"', text)
    text = _POSITION.sub(lambda found: f'{found[1]}{_NUMBER.sub(_short, found[2])}"', text)
    return text.encode()


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _short_path(path: str) -> str:
    return " ".join(_NUMBER.sub(_short, path).split())


def inline(svg: bytes, prefix: str) -> str:
    """Return the element `svg` of a file for a page: ids start with a prefix, colours are variables of CSS."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = _ID.sub(lambda found: found[1] + prefix, text)
    names = {INK: "ink", MUTED: "muted", GRID: "grid"}
    names |= {style.colour: f"style-{i}" for i, style in enumerate(STYLES) if style.colour != INK}
    for colour, name in names.items():
        text = text.replace(f": {colour}", f": var(--{name}, {colour})")
    return text
