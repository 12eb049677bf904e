"""The curve of each loss as an SVG element, drawn by several processes and kept until something changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from html import escape
from inspect import getfile
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from losscli import registry
from losscli.errors import LosscliError
from losscli.plot.curves import curves_picture
from losscli.plot.pictures import Picture


class Curve(NamedTuple):
    """An SVG element with the sentence that says what to see; without a curve the reason, and no element."""

    svg: str
    sentence: str


def draw_curves(names: Sequence[str], folder: Path) -> dict[str, Curve]:
    """Return the curve of each loss; elements are kept in the folder, those of earlier versions are deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {name: picture_of(name) for name in names}
    paths = {
        name: folder / f"{name}-{digest(picture)}.svg"
        for name, picture in pictures.items()
        if isinstance(picture, Picture)
    }
    missing = [(name, path) for name, path in paths.items() if not path.exists()]
    if missing:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            list(pool.map(draw, *zip(*missing, strict=True), chunksize=4))
    for path in set(folder.iterdir()) - set(paths.values()):
        path.unlink()
    return {
        name: Curve(paths[name].read_text(encoding="utf-8"), picture.sentence)
        if isinstance(picture, Picture)
        else Curve("", picture)
        for name, picture in pictures.items()
    }


def picture_of(name: str) -> Picture | str:
    """Return the picture of a loss with its defaults, or why there is none."""
    try:
        return curves_picture([registry.find(name).bind({})])
    except LosscliError as error:
        return str(error)


def draw(name: str, path: Path) -> None:
    """Write the element of a loss."""
    from losscli.plot.figure import inline_svg

    picture = picture_of(name)
    assert isinstance(picture, Picture)
    svg = inline_svg(picture, "curve-")
    label = escape(f"Curve of {name}. {picture.sentence}", quote=True)
    part = path.with_suffix(".part")
    part.write_text(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1), encoding="utf-8")
    part.replace(path)


def digest(picture: Picture) -> str:
    """Return a short text that is another one if the picture, or what draws it, has changed."""
    numbers = json.dumps(picture.to_dict(), sort_keys=True)
    return hashlib.sha256((numbers + drawing_version()).encode()).hexdigest()[:16]


@cache
def drawing_version() -> str:
    """Return what the drawing depends on, beside the picture: the code, and matplotlib's version."""
    from importlib.metadata import version

    code = [path.read_text(encoding="utf-8") for path in sorted(Path(getfile(curves_picture)).parent.glob("*.py"))]
    return "".join([*code, Path(__file__).read_text(encoding="utf-8"), version("matplotlib")])
