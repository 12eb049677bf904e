"""What matplotlib writes as SVG, made smaller, and fit to stand in a page."""

from __future__ import annotations

import re

from losscli.plot.figure_axes import GRID, INK, MUTED
from losscli.plot.styles import STYLES

_TAG = re.compile(r"<[A-Za-z][^>]*>")
"""Text between tags, which may be a name from the data, is left as it is."""

_PATH = re.compile(r' d="([^"]*)"')
_POSITION = re.compile(r'( (?:x|y|width|height|transform)=")([^"]*)"')
_NO_ROTATION = re.compile(r' transform="rotate\(-?0 [^"]*"')
_DECIMALS = re.compile(r"-?\d+\.\d{3,}(?:e[-+]?\d+)?")
_HUNDREDTHS = re.compile(r"-?\d+\.\d+")
_ID = re.compile(r'( id="|url\(#|href="#)')
_NUMBERED_ID = re.compile(r' id="[A-Za-z0-9.]+_\d+"')
_STYLE_SHEET = re.compile(r"\s*<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)
_INDENT = re.compile(r">\n\s*<")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' (?:width|height)="[^"]*"')

FONT = "'DejaVu Sans'"
ANY_SANS = f"{FONT}, sans-serif"
"""What draws the text where the font is not installed, too."""

CSS_NAMES = {INK: "ink", MUTED: "muted", GRID: "grid"}
CSS_NAMES |= {style.colour: f"style-{i}" for i, style in enumerate(STYLES) if style.colour != INK}
"""Colour -> its variable in a page."""


def tidy(svg: bytes) -> bytes:
    """Return an SVG file with coordinates to 0.01 points, and another font for where that of its text is missing."""
    return _TAG.sub(lambda tag: _tidy_tag(tag[0]), svg.decode()).encode()


def _tidy_tag(tag: str) -> str:
    tag = _PATH.sub(lambda found: f' d="{_short_path(found[1])}"', tag)
    tag = _POSITION.sub(lambda found: f'{found[1]}{_DECIMALS.sub(_short, found[2])}"', tag)
    return _NO_ROTATION.sub("", tag.replace(FONT, ANY_SANS))


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _short_path(path: str) -> str:
    return " ".join(_DECIMALS.sub(_short, path).split())


def _shorter_path(path: str) -> str:
    """Return a path with coordinates to 0.1 points; numbers after those of M and L go on with lines."""
    path = _HUNDREDTHS.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), path)
    return path if "C" in path or "Q" in path else path.replace(" L ", " ")


def inline(svg: bytes, prefix: str) -> str:
    """Return the element `svg` of a tidy file for a page, as `figure.inline_svg` describes it."""
    text = svg.decode()
    text = _STYLE_SHEET.sub("", _METADATA.sub("", text[text.index("<svg") :], count=1), count=1)
    return _TAG.sub(lambda tag: _inline_tag(tag[0], prefix), _INDENT.sub(">\n<", text)).strip()


def _inline_tag(tag: str, prefix: str) -> str:
    tag = _PATH.sub(lambda found: f' d="{_shorter_path(found[1])}"', tag)
    if tag.startswith("<svg "):
        tag = _SIZE.sub("", tag).replace("<svg ", '<svg style="stroke-linejoin: round; stroke-linecap: butt" ')
    tag = tag.replace(f"font-family: {ANY_SANS}", "font-family: inherit")
    tag = _ID.sub(lambda found: found[1] + prefix, _NUMBERED_ID.sub("", tag))
    for colour, name in CSS_NAMES.items():
        tag = tag.replace(f": {colour}", f": var(--{name}, {colour})")
    return tag
